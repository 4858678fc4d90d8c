// The pictures of the documentation: some minutes of a made-up day.
import fs from 'node:fs';
import path from 'node:path';
import { DESK, PHONE, openPage, startBrowser } from './browser.mjs';
import { startMock } from './mock.mjs';
import { startWeir } from './weir.mjs';
import { ask, chat, post } from './http.mjs';
import { shrink } from './png.mjs';

const SECONDS = Number(process.env.WEIR_PICTURE_SECONDS ?? 200);
const VENDORS = ['openai', 'azure-east', 'azure-west', 'anthropic', 'local'];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const usual = (ttft) => `200;latency=${ttft}ms;jitter=${ttft}ms;tokens=24;tps=90`;

function config(mock) {
	const providers = mock.providers();

	providers.openai.keys = ['sk-one-0123456789', 'sk-two-0123456789'];
	return {
		providers,
		chains: {
			'gpt-4o': {
				steps: ['openai/gpt-4o', { targets: ['azure-east/gpt-4o', 'azure-west/gpt-4o'] }, 'anthropic/claude-sonnet-4-5'],
			},
			fast: { steps: ['openai/gpt-4o-mini', 'local/qwen3-8b'] },
		},
	};
}

// Arrivals at their own pace, whatever becomes of them.
async function arrive(weir, model, perSecond, until) {
	while (Date.now() < until) {
		const body = ask(model, undefined, { stream: true, stream_options: { include_usage: true } });

		chat(weir, body).catch(() => {});
		await sleep(1000 / perSecond * (0.5 + Math.random()));
	}
}

async function day(mock, weir) {
	const at = (share) => sleep(SECONDS * share * 1000);

	await at(0.3);
	await mock.script({ openai: '503;message=The%20server%20is%20overloaded;latency=80ms' });
	await at(0.22);
	await mock.script({ openai: usual(120) });
	await at(0.2);
	await mock.script({ 'openai/gpt-4o-mini': '200;chance=60%,500;chance=40%;message=Internal%20error' });
	await at(0.2);
	await mock.script({ 'openai/gpt-4o-mini': '429;retry-after=40;message=Rate%20limit%20reached' });
	await post(weir.admin, '/targets/azure-west/gpt-4o/disable', '', { headers: { 'x-weir-admin': '1' } });
}

async function shoot(browser, weir, folder) {
	for (const [name, options] of Object.entries({ light: {}, dark: { dark: true }, phone: { viewport: PHONE } })) {
		const page = await openPage(browser, options);
		const file = path.join(folder, `status-${name}.png`);

		await page.goto(`http://${weir.admin}/`);
		await page.locator('body.live').waitFor();
		await page.waitForTimeout(3000);
		if (name !== 'phone')
			await page.evaluate(() => {
				const moved = [...document.querySelectorAll('#feed summary')].filter((one) => one.textContent.includes('fell back'));
				const alone = moved.find((one) => !one.textContent.includes('×')) ?? moved[0];
				alone.parentNode.open = true;
			});
		const height = name === 'phone' ? 1700 : await page.evaluate(() => document.getElementById('feed').offsetTop) + 420;
		await page.setViewportSize({ ...(options.viewport ?? DESK), height });
		await page.evaluate(() => scrollTo(0, 0));
		await page.waitForTimeout(600);
		fs.writeFileSync(file, shrink(await page.screenshot()));
		console.log(`${file}: ${fs.statSync(file).size} bytes`);
		await page.stop();
	}
}

export async function draw(folder) {
	const mock = await startMock(Object.fromEntries(VENDORS.map((name, i) => [name, usual(90 + 40 * i)])));
	const weir = await startWeir(config(mock));
	const browser = await startBrowser();
	const until = Date.now() + (SECONDS + 25) * 1000;

	arrive(weir, 'gpt-4o', 9, until);
	arrive(weir, 'fast', 5, until);
	await day(mock, weir);
	await sleep(6000);
	await shoot(browser, weir, folder);
	await browser.stop();
	await weir.stop('SIGKILL').catch(() => {});
	await mock.stop('SIGKILL').catch(() => {});
}
