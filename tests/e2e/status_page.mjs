// The status page in a real browser: what it shows, how soon, and that it never shows what is old as
// if it were not. `--screenshots DIR` draws the pictures of the documentation instead.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { DESK, PHONE, openPage, startBrowser, violations } from './lib/browser.mjs';
import { startMock } from './lib/mock.mjs';
import { Program } from './lib/program.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, get } from './lib/http.mjs';
import { play } from './lib/stage.mjs';
import { draw } from './lib/pictures.mjs';

const KEY = 'operator-key-0123456789';

if (process.argv[2] === '--screenshots') {
	await draw(process.argv[3]);
	process.exit(0);
}

const browser = share(await startBrowser());
const mock = share(await startMock({ alpha: '200', beta: '200' }));

async function open(t, weir, options) {
	const page = t.keep(await openPage(browser, options));

	page.origin = `http://${weir.admin}`;
	await page.goto(`${page.origin}/`);
	return page;
}

async function openLive(t, weir, options) {
	const page = await open(t, weir, options);

	await page.locator('body.live').waitFor();
	return page;
}

// What every page must be true of at its end.
function clean(page, { complaints = [] } = {}) {
	assert.deepEqual(page.complaints.filter((one) => !complaints.some((known) => one.includes(known))), []);
	assert.deepEqual(page.asked.filter((url) => !url.startsWith(`${page.origin}/`)), []);
}

const row = (page, id) => page.locator('#targets tbody tr.row').filter({ has: page.getByRole('rowheader', { name: id, exact: true }) });
const rung = (page, id) => page.locator('.rung').filter({ hasText: id });
const stateOf = (page, id, state) => row(page, id).and(page.locator(`.${state}`)).waitFor();
const entries = (page) => page.locator('#feed > li');

// Traffic until stop(), one request after the other.
function traffic(t, stage) {
	let going = true;
	const answers = [];
	const run = (async () => {
		while (going) {
			answers.push(await stage.ask());
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	})();

	return t.keep({
		answers,
		stop: () => {
			going = false;
			return run;
		},
	});
}

await test('a provider that dies and comes back is seen as it happens, and why', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' });
	const page = await openLive(t, stage.weir);
	const calls = traffic(t, stage);
	const id = stage.at('alpha');

	await stateOf(page, id, 'healthy');
	await entries(page).filter({ hasText: 'Nothing has fallen back' }).waitFor();
	await stage.script({ alpha: '500' });
	await stage.until('alpha', 'open');
	const began = performance.now();
	await page.locator(`#targets tr.row.open, #targets tr.row.probing`).filter({ hasText: id }).waitFor();
	console.log(`# shown after ${Math.round(performance.now() - began)} ms`);
	await rung(page, id).and(page.locator('.open, .probing')).waitFor();
	assert.match(await page.title(), new RegExp(`weir: ${id} is (open|probing)`));

	const moved = entries(page).filter({ hasText: 'fell back' }).filter({ hasText: 'server_error (http_500)' }).first();
	await moved.filter({ hasText: `${id} → ${stage.at('beta')}` }).waitFor();
	await moved.locator('summary').click();
	const trail = moved.locator('.trail').first();
	assert.deepEqual(await trail.locator('tbody tr').nth(0).locator('th, td').allTextContents().then((c) => c.slice(0, 4)),
		[id, '500', 'server_error', 'http_500']);
	assert.deepEqual(await trail.locator('tbody tr').nth(1).locator('th, td').allTextContents().then((c) => c.slice(0, 3)),
		[stage.at('beta'), '200', 'ok']);
	assert.match(await trail.textContent(), /req_[0-9a-f]{24}/);
	await entries(page).filter({ hasText: `${id}: was healthy` }).filter({ hasText: 'server_error' }).first().waitFor();

	await row(page, id).getByRole('button', { name: /last failures/ }).click();
	await page.locator('tr.failures').filter({ hasText: 'server_error' }).filter({ hasText: '500' }).waitFor();

	await stage.script({ alpha: '200' });
	await stage.until('alpha', 'healthy');
	await stateOf(page, id, 'healthy');
	await page.waitForFunction(() => document.title === 'weir: all is well');
	await calls.stop();
	assert.ok(calls.answers.every(({ status }) => status === 200));
	clean(page);
});

await test('who opens it later sees what was', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200' });

	await stage.asks(8);
	const page = await openLive(t, stage.weir);
	await entries(page).filter({ hasText: 'fell back' }).filter({ hasText: 'server_error' }).first().waitFor();
	await row(page, stage.at('alpha')).getByRole('button', { name: /last failures/ }).click();
	await page.locator('tr.failures li').first().waitFor();
	assert.equal(await page.locator('tr.failures li').count(), 5); // then its breaker opens
	clean(page);
});

await test('a target is disabled and enabled by its button, which asks once', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' });
	const page = await openLive(t, stage.weir);
	const id = stage.at('alpha');
	const dialog = page.getByRole('dialog');
	const press = (name) => row(page, id).getByRole('button', { name }).click();

	await press(/^Disable/);
	await dialog.getByRole('button', { name: 'Cancel' }).click();
	assert.equal(await stage.state('alpha'), 'healthy');
	await press(/^Disable/);
	await dialog.filter({ hasText: id }).getByRole('button', { name: 'Disable' }).click();
	await stateOf(page, id, 'disabled');
	assert.equal(await stage.state('alpha'), 'disabled');
	await row(page, id).filter({ hasText: 'by an operator' }).waitFor();
	assert.equal((await stage.ask()).headers['x-weir-target'], stage.at('beta'));
	await entries(page).filter({ hasText: 'fell back' }).filter({ hasText: 'benched (disabled)' }).first().waitFor();

	await press(/^Enable/);
	await dialog.getByRole('button', { name: 'Enable' }).click();
	await stateOf(page, id, 'healthy');
	assert.equal((await stage.ask()).headers['x-weir-target'], id);
	clean(page);
});

await test('reload and drain by their buttons', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=40;gap=50ms' });
	const page = await openLive(t, stage.weir);
	const dialog = page.getByRole('dialog');

	await page.getByRole('button', { name: 'Reload' }).click();
	await dialog.getByRole('button', { name: 'Reload' }).click();
	await page.getByRole('alert').filter({ hasText: 'Configuration 2 is in force' }).waitFor();
	await page.locator('footer').filter({ hasText: 'configuration 2' }).waitFor();

	const stream = stage.ask({ body: { stream: true } });
	await stage.inflight('alpha', 1);
	await page.getByRole('button', { name: 'Drain' }).click();
	assert.equal((await get(stage.weir.admin, '/readyz')).status, 200);
	await dialog.getByRole('button', { name: 'Drain' }).click();
	await page.locator('#verdict').filter({ hasText: 'Draining' }).waitFor();
	assert.equal((await stream).status, 200);
	assert.equal((await stage.weir.end()).code, 0);
	await page.locator('body.lost').waitFor();
	clean(page, { complaints: ['ERR_'] });
});

await test('a lost connection is told with the age of what is shown, and found again', async (t) => {
	const providers = mock.providers('alpha');
	const config = { providers, chains: { m: { steps: ['alpha/m'] } } };
	const weir = await startWeir(config);
	const page = await openLive(t, weir);
	const lost = page.locator('body.lost #link').filter({ hasText: /Connection lost: this is \d+ s old/ });
	const disable = row(page, 'alpha/m').getByRole('button', { name: /^Disable/ });

	weir.signal('SIGSTOP'); // not a word, and the connection stands
	await lost.waitFor();
	assert.equal(await disable.isDisabled(), true);
	assert.match(await page.title(), /connection lost/);
	const age = async () => Number((await page.locator('#link').textContent()).match(/(\d+) s old/)?.[1] ?? 0);
	const before = await age();
	await eventually(async () => (await age()) > before, 'a greater age');
	assert.ok(Number(await page.locator('main').evaluate((main) => getComputedStyle(main).opacity)) < 1);
	weir.signal('SIGCONT');
	await page.locator('body.live').waitFor();
	await eventually(async () => !(await disable.isDisabled()), 'its button');

	weir.signal('SIGKILL'); // and another one in its place
	await weir.end();
	await lost.waitFor();
	t.keep(await startWeir({ ...config, admin: weir.admin, chains: { m: { steps: ['alpha/m', 'alpha/n'] } } }));
	await page.locator('body.live').waitFor();
	await stateOf(page, 'alpha/n', 'healthy');
	clean(page, { complaints: ['ERR_'] });
});

await test('an admin key is asked for, kept in the tab, and sent with all', async (t) => {
	const weir = t.keep(await startWeir({
		providers: mock.providers('alpha'), admin: '0.0.0.0:0', admin_key: '${KEY}', chains: { m: { steps: ['alpha/m'] } },
	}, { env: { KEY } }));
	weir.admin = `127.0.0.1:${weir.admin.split(':').at(-1)}`;
	const page = await open(t, weir);
	const dialog = page.getByRole('dialog', { name: /asks for its admin key/ });
	const give = async (key) => {
		await dialog.getByLabel('admin_key').fill(key);
		await dialog.getByRole('button', { name: 'Open' }).click();
	};

	assert.equal((await get(weir.admin, '/status')).status, 401);
	assert.equal((await get(weir.admin, '/status/live')).status, 401);
	await dialog.waitFor();
	await give('not-the-key');
	await dialog.filter({ hasText: 'was not taken' }).waitFor();
	await give(KEY);
	await page.locator('body.live').waitFor();
	await row(page, 'alpha/m').getByRole('button', { name: /^Disable/ }).click();
	await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click();
	await stateOf(page, 'alpha/m', 'disabled');
	await page.reload();
	await stateOf(page, 'alpha/m', 'disabled');
	assert.ok(page.asked.every((url) => !url.includes(KEY)));
	clean(page, { complaints: ['401'] });
});

await test('what comes from outside is shown as text', async (t) => {
	const evil = '<img src=x onerror="document.title=1">';
	const providers = mock.providers('alpha', 'beta');
	const chain = `c ${evil}`, model = `m${evil}`;
	const weir = t.keep(await startWeir({ providers, chains: { [chain]: { retries: 0, steps: [`alpha/${model}`, 'beta/n'] } } }));

	const words = 'no room <svg onload="name=7">';
	await mock.script({ alpha: `503;message=${encodeURIComponent(words)}` });
	t.keep({ stop: () => mock.script({ alpha: '200' }) });
	assert.equal((await chat(weir, ask(chain))).status, 200);
	const page = await openLive(t, weir);
	await page.getByRole('heading', { name: chain, exact: true }).waitFor();
	await row(page, `alpha/${model}`).getByRole('button', { name: /last failures/ }).click();
	await page.locator('tr.failures li').filter({ hasText: words }).first().waitFor();
	await entries(page).filter({ hasText: evil }).first().locator('summary').click();
	assert.equal(await page.locator('img, [onload], [onerror]').count(), 0);
	assert.notEqual(await page.title(), '1');
	assert.equal(await page.evaluate(() => globalThis.name), '');
	clean(page);
	const { headers } = await get(weir.admin, '/');
	assert.match(headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+';/);
	assert.doesNotMatch(headers['content-security-policy'], /unsafe/);
});

await test('what failed is told in its provider\'s words, without secrets and without what was asked', async (t) => {
	const secret = 'sk-very-secret-0123456789', prompt = 'the-canary-sings-at-dawn';
	const sentences = [`key ${secret} is over its limit`, `cannot do ${prompt} now`, 'the herd is thundering', `odd ${'x'.repeat(600)}`];
	const stage = await play(t, mock, { alpha: '200', beta: '200' }, { providers: { alpha: { keys: ['${KEY}'] } }, env: { KEY: secret } });
	const status = async () => (await get(stage.weir.admin, '/status')).text;

	for (const sentence of sentences) {
		await stage.script({ alpha: `503;message=${encodeURIComponent(sentence)}` });
		await chat(stage.weir, ask(stage.model, prompt));
		await new Promise((resolve) => setTimeout(resolve, 120));
	}
	const words = JSON.parse(await status()).recent.failures.map((one) => one.words);
	assert.deepEqual(words, ['key [redacted] is over its limit', null, 'the herd is thundering', null]);
	for (const hidden of [secret, prompt])
		assert.ok(!(await status()).includes(hidden));
	const page = await openLive(t, stage.weir);
	await row(page, stage.at('alpha')).getByRole('button', { name: /last failures/ }).click();
	await page.locator('tr.failures li').filter({ hasText: 'the herd is thundering' }).waitFor();
	clean(page);
});

await test('what was asked is not told either where its body is escaped', async (t) => {
	const prompt = 'my "PIN" is "4711" / "Anna" lives / Ulm';
	const stage = await play(t, mock, { alpha: '200', beta: '200' });
	const said = async (content, sentence) => {
		const { recent: { failures: before } } = JSON.parse((await get(stage.weir.admin, '/status')).text);
		const body = `{"model":${JSON.stringify(stage.model)},"messages":[{"role":"user","content":"${content}"}]}`;

		await stage.script({ alpha: `503;message=${encodeURIComponent(sentence)}` });
		await new Promise((resolve) => setTimeout(resolve, 120));
		await chat(stage.weir, body);
		return JSON.parse((await get(stage.weir.admin, '/status')).text).recent.failures.slice(before.length).map((one) => one.words);
	};
	const codes = [...prompt].map((c) => `\\u${c.charCodeAt().toString(16).padStart(4, '0')}`).join('');

	assert.deepEqual(await said(JSON.stringify(prompt).slice(1, -1), `failed at: ${prompt}`), [null]);
	assert.deepEqual(await said(codes, `failed at: ${prompt}`), [null]);
	assert.deepEqual(await said(codes, 'the herd is thundering'), ['the herd is thundering']);
});

await test('without chains it says what was asked and what failed, not that all is well', async (t) => {
	const weir = t.keep(new Program(['serve', '-l', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--log', 'json'],
		{ cwd: '/', env: { AZURE_API_KEY: 'key-0123456789', AZURE_OPENAI_ENDPOINT: 'http://127.0.0.1:1' } })); // nobody is there
	const where = (name) => weir.find(weir.lines, 'line', (l) => l.match(new RegExp(`"${name}":"(127[^"]+)"`))?.[1], 30, name);
	weir.address = await where('address');
	weir.admin = await where('admin');
	const page = await openLive(t, weir);
	const verdict = (text, kind) => page.locator(kind ? `#verdict.${kind}` : '#verdict:not(.bad)').filter({ hasText: text }).waitFor();

	await verdict(/^No chains: 0 requests, 0 errors$/);
	assert.ok((await chat(weir, ask('azure/m'))).status >= 500);
	await verdict(/^No chains: 1 request, 1 error, 1 in the last minute$/, 'bad');
	assert.match(await page.title(), /^weir: No chains: 1 request/);
	clean(page);
});

for (const [name, options] of Object.entries({
	light: {}, dark: { dark: true }, 'a phone': { viewport: PHONE }, 'a phone, dark': { viewport: PHONE, dark: true },
}))
	await test(`nothing keeps anybody out: ${name}`, async (t) => {
		const stage = await play(t, mock, { alpha: '503', beta: '200' });
		const page = await openLive(t, stage.weir, options);

		await stage.asks(8);
		await entries(page).filter({ hasText: 'fell back' }).first().locator('summary').click();
		await row(page, stage.at('alpha')).getByRole('button', { name: /last failures/ }).click();
		await page.locator('tr.failures li').first().waitFor();
		assert.deepEqual(await violations(page), []);
		const { scrollWidth, clientWidth } = await page.evaluate(() => {
			const { scrollWidth: all, clientWidth: seen } = document.documentElement;
			return { scrollWidth: all, clientWidth: seen };
		});
		assert.ok(scrollWidth <= clientWidth, `${scrollWidth} > ${clientWidth}`);
		await row(page, stage.at('beta')).getByRole('button', { name: /^Disable/ }).click();
		await page.getByRole('dialog').waitFor();
		assert.deepEqual(await violations(page), []);
		clean(page);
	});

await test('all of it by the keyboard', async (t) => {
	const stage = await play(t, mock, { alpha: '503', beta: '200' });
	const page = await openLive(t, stage.weir);
	const seen = new Set();

	await stage.asks(3);
	await entries(page).filter({ hasText: 'fell back' }).first().waitFor();
	for (let i = 0; i < 60; i++) {
		await page.keyboard.press('Tab');
		seen.add(await page.evaluate(() => {
			const { tagName, textContent, id, className } = document.activeElement;
			return `${tagName.toLowerCase()} ${id || (className === 'fails' ? className : tagName === 'SUMMARY' ? 'entry' : textContent.trim())}`;
		}));
	}
	for (const wanted of ['a Skip to the chains', 'button reload', 'button drain', 'input find', 'input unwell', 'button Target',
		'button fails', 'button Disable…', 'input plain', 'button pause', 'summary entry', 'a JSON'])
		assert.ok(seen.has(wanted), `${wanted}\n${[...seen].join('\n')}`);
	const button = row(page, stage.at('beta')).getByRole('button', { name: /^Disable/ });
	await button.focus();
	await page.keyboard.press('Enter');
	await page.getByRole('dialog').waitFor();
	await page.keyboard.press('Escape');
	await page.getByRole('dialog').waitFor({ state: 'hidden' });
	assert.equal(await stage.state('beta'), 'healthy');
	await page.waitForTimeout(1500); // it is drawn anew meanwhile, and nobody loses his place
	assert.equal(await button.evaluate((element) => element === document.activeElement), true);
	await page.keyboard.press('Enter');
	await page.keyboard.press('Tab');
	await page.keyboard.press('Enter');
	await stateOf(page, stage.at('beta'), 'disabled');
	clean(page);
});

await test('the table is sorted and searched, the feed paused', async (t) => {
	const stage = await play(t, mock, { alpha: '503', beta: '200' });
	const page = await openLive(t, stage.weir);
	const names = () => page.locator('#targets tbody tr.row th').allTextContents();

	await stage.asks(8);
	assert.deepEqual(await names(), [stage.at('alpha'), stage.at('beta')]);
	await page.getByRole('button', { name: 'Attempts', exact: true }).click();
	await eventually(async () => (await names())[0] === stage.at('beta'), 'the order');
	assert.equal(await page.getByRole('columnheader', { name: 'Attempts' }).getAttribute('aria-sort'), 'ascending');
	await page.getByLabel('Find').fill('alpha/');
	assert.deepEqual(await names(), [stage.at('alpha')]);
	await page.getByLabel('Find').fill('nobody');
	assert.equal(await page.locator('.ladder:visible').count(), 0);
	await page.getByLabel('Find').fill('');
	await page.getByRole('button', { name: 'Pause' }).click();
	const before = await page.locator('#feed').textContent();
	await stage.asks(3);
	await page.waitForTimeout(1200);
	assert.equal(await page.locator('#feed').textContent(), before);
	await page.getByRole('button', { name: 'Go on' }).click();
	await eventually(async () => (await page.locator('#feed').textContent()) !== before, 'what came meanwhile');
	clean(page);
});

await test('without a script it says where to look', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const page = await open(t, weir, { javaScriptEnabled: false });

	assert.match(await page.locator('noscript').textContent(), /weir status/);
	assert.equal(await page.getByRole('button', { name: 'Drain' }).isDisabled(), true);
});

await done();
