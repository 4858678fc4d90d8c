// A real browser, and what it says of a page: errors on its console, and whom it asks.
import { chromium } from 'playwright-core';
import axe from 'axe-core';

const AGENT = process.env.WEIR_CHROMIUM ?? '/usr/bin/chromium';
export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 900 };

export async function startBrowser() {
	const browser = await chromium.launch({
		executablePath: AGENT,
		args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
	});

	return Object.assign(browser, { stop: () => browser.close() });
}

// A page of its own. page.complaints: console errors and exceptions; page.asked: every URL.
export async function openPage(browser, { dark = false, viewport = DESK, ...more } = {}) {
	const context = await browser.newContext({
		viewport, colorScheme: dark ? 'dark' : 'light', locale: 'en-GB', timezoneId: 'UTC', ...more,
	});
	const page = await context.newPage();

	page.setDefaultTimeout(30_000);
	page.complaints = [];
	page.asked = [];
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type()))
			page.complaints.push(message.text());
	});
	page.on('pageerror', (error) => page.complaints.push(String(error)));
	context.on('request', (request) => page.asked.push(request.url()));
	page.stop = () => context.close();
	return page;
}

// What axe finds serious or critical, in words. The page's own policy lets no script in, so axe
// is told to the page from outside.
export async function violations(page) {
	await page.evaluate(axe.source);
	const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, {
		runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
	}));

	return found.filter(({ impact }) => ['serious', 'critical'].includes(impact))
		.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).slice(0, 3).join(' | ')}`);
}
