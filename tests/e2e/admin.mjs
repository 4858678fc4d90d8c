// What an operator may do by POST, and that nobody else can.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir, writeConfig } from './lib/weir.mjs';
import { run } from './lib/program.mjs';
import { ask, chat, eventually, get, nonce, post, request, textOf, said } from './lib/http.mjs';
import { play, tries } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200' }));
const OPERATOR = { headers: { 'x-weir-admin': '1' } };
const KEY = 'operator-key-0123456789';

const command = (weir, path, headers = OPERATOR.headers) => post(weir.admin, path, '', { headers });
const codeOf = (answer) => JSON.parse(answer.text).error.code;
const port = (weir) => weir.admin.split(':').at(-1);

await test('what changes something wants the header and the Host', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' });
	const { weir } = stage;
	const path = `/targets/${stage.at('alpha')}/disable`;
	const hosts = {
		'evil.example': 403, [`evil.example:${port(weir)}`]: 403, '127.0.0.1': 403, '127.0.0.1:1': 403,
		[`127.0.0.1:${port(weir)}@evil.example`]: 400, [`127.0.0.1:${port(weir)}/`]: 400,
		[`10.0.0.1:${port(weir)}`]: 403,
		[`localhost:${port(weir)}`]: 200, [`127.0.0.1:${port(weir)}`]: 200,
	};

	for (const [headers, status] of [[{}, 403], [{ 'x-weir-admin': '0' }, 403], [OPERATOR.headers, 200]]) {
		const answer = await command(weir, path, headers);
		assert.equal(answer.status, status, answer.text);
		if (status === 403) {
			assert.equal(codeOf(answer), 'admin_header_missing');
			assert.equal(await stage.state('alpha'), 'healthy');
		}
	}
	await command(weir, `/targets/${stage.at('alpha')}/enable`);
	for (const [host, status] of Object.entries(hosts)) {
		const answer = await command(weir, path, { ...OPERATOR.headers, host });
		assert.equal(answer.status, status, host);
		if (status === 403)
			assert.equal(codeOf(answer), 'admin_host_mismatch');
		assert.equal(await stage.state('alpha'), status === 200 ? 'disabled' : 'healthy', host);
		await command(weir, `/targets/${stage.at('alpha')}/enable`);
	}
	assert.equal((await post(weir.address, path, '', OPERATOR)).status, 404);
});

await test('what only tells goes by the name it is asked for, at any port', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const hosts = {
		'evil.example': 403, [`evil.example:${port(weir)}`]: 403, '127.0.0.1.evil.example': 403, 'a b': 400,
		'127.0.0.1': 200, 'localhost:9': 200, [weir.admin]: 200, '10.0.0.1:80': 200, '[::1]:80': 200,
	};

	for (const [host, status] of Object.entries(hosts)) {
		for (const path of ['/status', '/metrics', '/']) {
			const answer = await get(weir.admin, path, { headers: { host } });
			assert.equal(answer.status, status, `${host} ${path}`);
			if (status === 403)
				assert.equal(codeOf(answer), 'admin_host_mismatch');
		}
		if (status === 403)
			for (const path of ['/livez', '/readyz', '/healthz'])
				assert.equal((await get(weir.admin, path, { headers: { host } })).status, 200, `${host} ${path}`);
	}
});

await test('no web page of another origin is told anything', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const foreign = [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'http://evil.example' },
		{ origin: 'null' }];
	const own = [{}, { 'sec-fetch-site': 'same-origin' }, { 'sec-fetch-site': 'none' }, { origin: `http://${weir.admin}` }];

	for (const [headers, status] of [...foreign.map((one) => [one, 403]), ...own.map((one) => [one, 200])]) {
		for (const path of ['/status', '/metrics', '/status/live', '/events']) {
			const answer = await get(weir.admin, path, { method: 'HEAD', headers });
			assert.equal(answer.status, status, `${path} ${JSON.stringify(headers)}`);
		}
		assert.equal((await get(weir.admin, '/', { headers })).status, 200);
		assert.equal((await get(weir.admin, '/livez', { headers })).status, 200);
	}
	assert.equal(codeOf(await get(weir.admin, '/status', { headers: foreign[0] })), 'cross_site_request');
	const answer = await command(weir, '/reload', { ...OPERATOR.headers, ...foreign[0] });
	assert.equal(codeOf(answer), 'cross_site_request');
});

await test('a page that asks before it sends hears no permission', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const answer = await request(weir.admin, '/drain', {
		method: 'OPTIONS',
		headers: {
			origin: 'http://evil.example',
			'access-control-request-method': 'POST',
			'access-control-request-headers': 'x-weir-admin',
		},
	});

	assert.ok(answer.status >= 400, String(answer.status));
	assert.equal(answer.headers['access-control-allow-origin'], undefined);
});

await test('each path takes its own method only', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const wrong = await get(weir.admin, '/drain', OPERATOR);
	const head = await get(weir.admin, '/drain', { ...OPERATOR, method: 'HEAD' });

	assert.equal(wrong.status, 405);
	assert.equal(wrong.headers.allow, 'POST');
	assert.equal(head.status, 405);
	assert.equal((await command(weir, '/status')).status, 405);
	assert.equal((await get(weir.admin, '/readyz')).status, 200);
});

await test('a disabled target is gone past, told, and comes back', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' });
	const { weir } = stage;

	assert.deepEqual(tries(await stage.ask()), ['alpha ok']);
	const off = await command(weir, `/targets/${stage.at('alpha')}/disable`);
	assert.equal(off.status, 200);
	assert.deepEqual(JSON.parse(off.text), { target: stage.at('alpha'), disabled: true });
	await weir.event('target_disabled', (line) => line.target === stage.at('alpha'));

	assert.deepEqual(tries(await stage.ask()), ['beta ok']);
	const { reason, until_ms: until } = (await stage.status()).alpha;
	assert.equal(await stage.state('alpha'), 'disabled');
	assert.equal(typeof reason, 'string');
	assert.equal(until, null);
	const line = await weir.event('fallback', (one) => one.from === stage.at('alpha'));
	assert.equal(line.class, 'benched');
	assert.equal(line.reason, 'disabled');
	assert.equal(await stage.fallbacks({ from: 'alpha', class: 'benched' }), 1);

	await command(weir, `/targets/${encodeURIComponent(stage.at('alpha'))}/enable`);
	await weir.event('target_enabled', (one) => one.target === stage.at('alpha'));
	assert.equal(await stage.state('alpha'), 'healthy');
	assert.deepEqual(tries(await stage.ask()), ['alpha ok']);
});

await test('with all disabled nobody is asked', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' });

	for (const vendor of stage.vendors)
		await command(stage.weir, `/targets/${stage.at(vendor)}/disable`);
	const answer = await stage.ask();
	assert.equal(answer.status, 503);
	assert.equal(answer.headers['x-weir-attempts'], '0');
	assert.equal(await stage.hits('alpha') + await stage.hits('beta'), 0);
});

await test('one key of several can be disabled alone', async (t) => {
	const stage = await play(t, mock, { alpha: '200' }, {
		providers: { alpha: { keys: ['${ONE}', '${TWO}'] } },
		env: { ONE: 'sk-one-0123456789', TWO: 'sk-two-0123456789' },
	});
	const at = encodeURIComponent(`${stage.at('alpha')}#2`);

	assert.equal((await command(stage.weir, `/targets/${at}/disable`)).status, 200);
	assert.equal(await stage.state('alpha#2'), 'disabled');
	assert.equal(await stage.state('alpha#1'), 'healthy');
	for (const answer of await stage.asks(4))
		assert.deepEqual(tries(answer), ['alpha#1 ok']);
	await command(stage.weir, `/targets/${stage.at('alpha')}/enable`);
	assert.equal(await stage.state('alpha#2'), 'healthy');
	for (const name of ['alpha#3', 'alpha#0', 'alpha#x', 'alpha#'])
		assert.equal((await command(stage.weir,
			`/targets/${encodeURIComponent(name.replace('alpha', stage.at('alpha')))}/disable`)).status, 404);
});

await test('a name that needs escapes is found as the trail writes it', async (t) => {
	const model = 'a b,c;d%e/f';
	const providers = mock.providers('alpha');
	const weir = t.keep(await startWeir({ providers, chains: { odd: { steps: [`alpha/${model}`] } } }));
	const state = async () => JSON.parse((await get(weir.admin, '/status')).text).chains[0].steps[0][0].state;
	const trail = (await chat(weir, ask('odd'))).headers['x-weir-trail'].split(';')[0];

	for (const id of [trail, encodeURIComponent(trail), encodeURIComponent(`alpha/${model}`)]) {
		assert.equal((await command(weir, `/targets/${id}/disable`)).status, 200, id);
		assert.equal(await state(), 'disabled');
		assert.equal((await command(weir, `/targets/${id}/enable`)).status, 200, id);
		assert.equal(await state(), 'healthy');
	}
});

await test('what is not there is not found', async (t) => {
	const stage = await play(t, mock, { alpha: '200' });
	const paths = [`/targets/${stage.at('beta')}/disable`, `/targets/${stage.at('alpha')}`, '/targets/disable',
		`/targets/${stage.at('alpha')}/explode`, '/targets//disable', `/targets/${'x'.repeat(4000)}/disable`];

	for (const path of paths)
		assert.equal((await command(stage.weir, path)).status, 404, path);
	assert.equal((await command(stage.weir, '/targets/')).status, 404);
	assert.equal(await stage.state('alpha'), 'healthy');
});

await test('POST /drain ends the process once its requests have', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=20;gap=50ms' });
	const { weir } = stage;
	const token = nonce();
	const stream = chat(weir, ask(stage.model, token, { stream: true }));

	await stage.inflight('alpha', 1);
	const answer = await command(weir, '/drain');
	assert.equal(answer.status, 202);
	await weir.event('draining');
	assert.equal((await get(weir.admin, '/readyz')).status, 503);
	assert.equal(textOf((await stream).text), said('alpha', token, 20));
	assert.equal((await weir.end()).code, 0);
});

await test('with an admin_key nobody changes anything without it', async (t) => {
	const weir = t.keep(await startWeir({
		providers: mock.providers('alpha'), admin_key: '${KEY}', chains: { m: { steps: ['alpha/keyed'] } },
	}, { env: { KEY } }));
	const path = '/targets/alpha/keyed/disable';

	for (const given of [{}, { authorization: 'Bearer wrong' }, { authorization: `Bearer ${KEY}x` }]) {
		const answer = await command(weir, path, { ...OPERATOR.headers, ...given });
		assert.equal(answer.status, 401);
		assert.equal(codeOf(answer), 'invalid_admin_key');
	}
	assert.equal((await get(weir.admin, '/status')).status, 200);
	assert.equal((await command(weir, path, { authorization: `Bearer ${KEY}` })).status, 403);
	assert.equal((await command(weir, path, { ...OPERATOR.headers, authorization: `Bearer ${KEY}` })).status, 200);
	assert.equal((await command(weir, path, { ...OPERATOR.headers, 'x-api-key': KEY })).status, 200);
	assert.ok(!weir.lines.join('\n').includes(KEY));
});

await test('an admin listener for other machines needs the key for all but health', async (t) => {
	const config = { providers: mock.providers('alpha'), chains: { m: { steps: ['alpha/far'] } }, admin: '0.0.0.0:0' };
	const bare = await run(['check', '-c', writeConfig(config)]);

	assert.equal(bare.code, 2);
	assert.match(bare.out, /error\[admin-exposed\]/);
	const weir = t.keep(await startWeir({ ...config, admin_key: '${KEY}' }, { env: { KEY } }));
	weir.admin = `127.0.0.1:${port(weir)}`;
	const mine = { authorization: `Bearer ${KEY}` };
	for (const path of ['/status', '/metrics', '/status/live', '/events']) {
		const method = ['/status', '/metrics'].includes(path) ? 'GET' : 'HEAD';
		assert.equal((await get(weir.admin, path, { method })).status, 401, path);
		assert.equal((await get(weir.admin, path, { method, headers: mine })).status, 200, path);
	}
	const page = await get(weir.admin, '/'); // it asks for the key, and knows nothing itself
	assert.equal(page.status, 200);
	assert.ok(!page.text.includes('alpha'));
	for (const path of ['/livez', '/readyz'])
		assert.equal((await get(weir.admin, path)).status, 200, path);
	const disable = (host) => command(weir, '/targets/alpha/far/disable', { ...OPERATOR.headers, ...mine, host });
	assert.equal((await disable(`192.0.2.1:${port(weir)}`)).status, 200);
	assert.equal((await disable(`evil.example:${port(weir)}`)).status, 403);
	assert.equal((await disable('192.0.2.1:1')).status, 403);
	await eventually(async () => weir.of('target_disabled').length === 1, 'the line');
});

await done();
