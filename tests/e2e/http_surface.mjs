// Who may call, what passes through in either direction, which paths there are, and what a
// caller that does not read can do to us.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, events, get, nonce, post, request, said } from './lib/http.mjs';
import { OpenAI, client } from './lib/sdk.mjs';

const KEYS = {
	APP: 'app-key-0123456789abcdef', OTHER: 'other-key-0123456789abcdef',
	ALPHA: 'sk-alpha-0123456789abcdef', BETA: 'sk-beta-0123456789abcdef',
};
const MODELS = ['m', 'slash/name', 'späce 100%'];

const mock = share(await startMock({ alpha: '200', beta: '200' }));
const socket = path.join(scratch, 'weir.sock');
const keyed = mock.providers();
keyed.alpha.keys = ['${ALPHA}'];
keyed.beta.keys = ['${BETA}'];
keyed.beta.headers = { 'x-region': 'north' };
const chains = Object.fromEntries(MODELS.map((name) => [name, { retries: 0, steps: ['alpha/m1', 'beta/m2'] }]));
const weir = share(await startWeir({
	listen: ['127.0.0.1:0', `unix:${socket}`],
	access: { keys: [{ name: 'app', key: '${APP}' }, { name: 'other', key: '${OTHER}' }] },
	providers: keyed,
	chains,
}, { env: KEYS }));
const bare = share(await startWeir({ providers: mock.providers(), chains }));

const bearer = (key) => ({ authorization: `Bearer ${key}` });
const mine = { headers: bearer(KEYS.APP) };
const errorOf = (answer) => JSON.parse(answer.text).error;

// ---- who may call ----

await test('either header may carry either key', async () => {
	for (const headers of [bearer(KEYS.APP), bearer(KEYS.OTHER), { 'x-api-key': KEYS.APP },
		{ authorization: `bearer ${KEYS.APP}` }])
		assert.equal((await chat(weir, ask('m'), { headers })).status, 200, JSON.stringify(headers));
	const { choices } = await client(weir, { apiKey: KEYS.APP }).chat.completions.create(ask('m'));
	assert.equal(choices.length, 1);
});

await test('no key and a wrong one get the same answer, on every path', async () => {
	const wrong = [{}, bearer('wrong'), bearer(KEYS.APP.slice(0, -1)), bearer(`${KEYS.APP}x`), bearer(''),
		bearer(KEYS.ALPHA), { 'x-api-key': 'wrong' }, { authorization: KEYS.APP }, { 'api-key': KEYS.APP }];
	const paths = ['/v1/chat/completions', '/v1/embeddings', '/v1/models', '/v1/models/m', '/nowhere', '/',
		`/v1/chat/completions?key=${KEYS.APP}`, '//v1/chat/completions', '/v1/chat/completions/',
		'/V1/chat/completions', '/v1/chat/../chat/completions', '/v1%2fchat/completions', '/livez/x'];
	const before = await mock.stats('alpha');
	const bodies = new Set();

	for (const headers of wrong)
		for (const where of paths) {
			const answer = await post(weir.address, where, ask('m'), { headers });

			assert.equal(answer.status, 401, `${where} ${JSON.stringify(headers)}`);
			bodies.add(answer.text);
		}
	assert.equal(bodies.size, 1);
	assert.equal(JSON.parse([...bodies][0]).error.code, 'invalid_api_key');
	assert.equal(JSON.parse([...bodies][0]).error.type, 'authentication_error');
	assert.equal((await mock.stats('alpha')).hits, before.hits);
	const refused = await client(weir, { apiKey: 'wrong' }).chat.completions.create(ask('m')).catch((e) => e);
	assert.ok(refused instanceof OpenAI.AuthenticationError);
});

await test('without access keys any caller key is ignored', async () => {
	for (const headers of [{}, bearer('anything')])
		assert.equal((await chat(bare, ask('m'), { headers })).status, 200);
});

await test('health needs no key', async () => {
	for (const where of ['/livez', '/healthz', '/readyz'])
		assert.equal((await get(weir.address, where)).status, 200);
});

await test('without access keys no web page of another origin is answered', async () => {
	const own = `http://${bare.address}`;
	const rows = [
		[{ 'sec-fetch-site': 'cross-site' }, 403], [{ 'sec-fetch-site': 'same-site', origin: own }, 403],
		[{ origin: 'http://evil.example' }, 403], [{ origin: 'null' }, 403], [{ origin: `${own}0` }, 403],
		[{ origin: own }, 200], [{ origin: 'https://ui.example', 'sec-fetch-site': 'same-origin' }, 200],
		[{ 'sec-fetch-site': 'none' }, 200],
	];

	for (const [headers, status] of rows) {
		const before = (await mock.stats('alpha')).hits;
		const answer = await chat(bare, ask('m'), { headers });

		assert.equal(answer.status, status, JSON.stringify(headers));
		assert.equal((await mock.stats('alpha')).hits - before, status === 200 ? 1 : 0);
		if (status === 403)
			assert.equal(errorOf(answer).code, 'cross_site_request');
		assert.equal((await chat(weir, ask('m'), { headers: { ...headers, ...bearer(KEYS.APP) } })).status, 200);
	}
});

// ---- what passes through ----

await test('each provider gets its own key, and nothing of the caller’s but what is listed', async () => {
	await mock.script({ 'alpha/m1': '500' });
	await chat(weir, ask('m'), { headers: {
		...bearer(KEYS.APP), 'idempotency-key': 'idem-1', 'openai-beta': 'assistants=v2',
		'x-client-request-id': 'mine-1', 'openai-organization': 'org', cookie: 'a=b', 'x-other': '1',
		'user-agent': 'caller/1', 'x-stainless-lang': 'js', 'x-forwarded-for': '1.2.3.4', via: 'x', te: 'trailers',
		'x-api-key': KEYS.OTHER, 'accept-encoding': 'gzip', range: 'bytes=0-1', forwarded: 'for=1',
	} });
	await mock.script({ 'alpha/m1': '200' });
	const listed = ['host', 'authorization', 'content-type', 'accept', 'accept-encoding', 'content-length',
		'idempotency-key', 'openai-beta', 'x-client-request-id'];

	for (const [vendor, key, more] of [['alpha', KEYS.ALPHA, []], ['beta', KEYS.BETA, ['x-region']]]) {
		const { headers } = await mock.last(vendor);

		assert.deepEqual(Object.keys(headers).sort(), [...listed, ...more].sort());
		assert.equal(headers.authorization, `Bearer ${key}`);
		assert.equal(headers.host, mock.known(vendor));
		assert.equal(headers['accept-encoding'], 'identity');
		assert.equal(headers['idempotency-key'], 'idem-1');
	}
});

await test('a provider’s header fields do not reach the caller, but for those listed', async () => {
	const spoilt = ['set-cookie:a=b', 'server:evil', 'openai-organization:org', 'alt-svc:h2', 'x-evil:1',
		'strict-transport-security:max-age=1'].map((h) => `header=${encodeURIComponent(h)}`).join(';');
	const listed = ['date', 'content-type', 'content-length', 'x-weir-request-id', 'x-request-id',
		'x-weir-target', 'x-weir-attempts', 'x-weir-trail', 'x-upstream-request-id', 'connection',
		'transfer-encoding', 'cache-control', 'x-accel-buffering', 'x-weir-cost-usd', 'x-weir-dropped',
		'server-timing', 'keep-alive'];

	await mock.script({ 'alpha/m1': `200;${spoilt}` });
	for (const stream of [false, true]) {
		const answer = await chat(weir, ask('m', nonce(), { stream }), mine);

		assert.equal(answer.status, 200);
		for (const name of Object.keys(answer.headers))
			assert.ok(listed.includes(name), `${name} reaches the caller`);
		assert.match(answer.headers['x-upstream-request-id'], /^req_alpha_\d+$/);
	}
	await mock.script({ 'alpha/m1': '200' });
});

await test('a provider that quotes a key of ours is not quoted', async () => {
	const forms = [KEYS.ALPHA, KEYS.BETA, Buffer.from(KEYS.ALPHA).toString('base64')];

	for (const form of forms) {
		await mock.script({ 'alpha/m1': `400;message=${encodeURIComponent(`your key ${form} is fine`)}` });
		const answer = await chat(weir, ask('m'), mine);

		assert.equal(answer.status, 400);
		assert.ok(!answer.text.includes(form), answer.text);
		assert.match(errorOf(answer).message, /^your key \[redacted\]\S* is fine$/);
	}
	await mock.script({ 'alpha/m1': `error-event;after=3;message=${KEYS.ALPHA}` });
	const stream = await chat(weir, ask('m', nonce(), { stream: true }), mine);
	assert.ok(stream.text.includes('error') && !stream.text.includes(KEYS.ALPHA));
	await mock.script({ 'alpha/m1': '200' });
});

await test('completions and embeddings pass byte for byte', async () => {
	const bodies = {
		'/v1/completions': `{"model":"m", "prompt":"caf\\u00e9 nonce=x","max_tokens":3,"logit_bias":{"1":-1.50}}`,
		'/v1/embeddings': `{"input":["a","b"],"model":"m","dimensions":4, "user":"\\ud83d"}`,
	};

	for (const [where, body] of Object.entries(bodies)) {
		const sent = body.replace('"model":"m"', '"model":"m1"');
		const ours = await post(bare.address, where, body);
		const received = (await mock.last('alpha')).body;

		await mock.reset();
		const theirs = await post(mock.address('alpha'), where, sent);
		assert.equal(ours.status, 200);
		assert.equal(received, sent);
		assert.equal(ours.text.replace(/(mpl-alpha-)\d+/, '$10'), theirs.text.replace(/(mpl-alpha-)\d+/, '$10'));
		assert.equal(ours.headers['content-type'], theirs.headers['content-type']);
		assert.equal(ours.headers['x-weir-target'], 'alpha/m1');
	}
	const openai = client(bare);
	const { data } = await openai.embeddings.create({ model: 'm', input: ['a', 'b', 'c'] });
	assert.equal(data.length, 3);
	const { choices } = await openai.completions.create({ model: 'm', prompt: 'hello nonce=x' });
	assert.equal(choices[0].text, said('alpha', 'x'));
});

await test('a stream passes byte for byte, however the provider cuts it up', async () => {
	const token = nonce();
	const body = { ...ask('m', token), stream: true, stream_options: { include_usage: true } };
	const once = (text) => text.replace(/chatcmpl-alpha-\d+/g, 'chatcmpl-alpha-0');

	await mock.script({ 'alpha/m1': '200;utf8' });
	const theirs = await post(mock.address('alpha'), '/v1/chat/completions', { ...body, model: 'm1' });
	for (const cut of ['utf8', 'utf8;chunk=5', 'utf8;split=3', 'utf8;split=7;chunk=11', 'utf8;framing=close',
		'utf8;framing=length', 'utf8;framing=close;http=0', 'utf8;info=103;info-n=3']) {
		await mock.script({ 'alpha/m1': `200;${cut}` });
		const ours = await chat(bare, body);

		assert.ok(ours.whole);
		assert.equal(once(ours.text), once(theirs.text), cut);
	}
	await mock.script({ 'alpha/m1': '200' });
});

// ---- which paths there are ----

await test('models are the chains', async () => {
	const { status, text } = await get(weir.address, '/v1/models', mine);
	const { object, data } = JSON.parse(text);

	assert.equal(status, 200);
	assert.equal(object, 'list');
	assert.deepEqual(data.map((m) => [m.id, m.object, m.owned_by]), MODELS.map((id) => [id, 'model', 'weir']));
	const listed = [];
	for await (const model of client(weir, { apiKey: KEYS.APP }).models.list())
		listed.push(model.id);
	assert.deepEqual(listed, MODELS);
});

await test('one model, by its name as it is or encoded', async () => {
	for (const name of MODELS) {
		const { status, text } = await get(weir.address, `/v1/models/${encodeURIComponent(name)}`, mine);

		assert.equal(status, 200, name);
		assert.equal(JSON.parse(text).id, name);
	}
	assert.equal((await get(weir.address, '/v1/models/slash/name', mine)).status, 200);
	const missing = await get(weir.address, '/v1/models/none', mine);
	assert.equal(missing.status, 404);
	assert.equal(errorOf(missing).code, 'model_not_found');
});

await test('health in words', async () => {
	assert.equal((await get(weir.address, '/livez')).text, 'ok\n');
	assert.equal((await get(weir.address, '/healthz')).text, 'ok\n');
	const ready = await get(weir.address, '/readyz');
	assert.equal(ready.status, 200);
	for (const name of MODELS)
		assert.ok(ready.text.includes(name));
});

await test('an unknown path is 404 in the route’s shape', async () => {
	for (const where of ['/', '/v1', '/v1/', '/v1/chat', '/v1/chat/completions/', '/v2/chat/completions',
		'/v1/files', '/metrics', '/status', '/v1%2fmodels', '/v1/../livez', '/livez/']) {
		const answer = await get(weir.address, where, mine);

		assert.equal(answer.status, 404, where);
		assert.equal(errorOf(answer).type, 'invalid_request_error');
		assert.equal(errorOf(answer).code, 'not_found');
	}
	for (const where of ['/v1/messages/x', '/v1/messages/batches']) {
		const answer = await post(weir.address, where, {}, mine);

		assert.equal(answer.status, 404, where);
		assert.equal(JSON.parse(answer.text).type, 'error');
		assert.equal(errorOf(answer).type, 'not_found_error');
	}
});

await test('the right path with the wrong method is 405, and says which is right', async () => {
	for (const [method, where, allow] of [
		['GET', '/v1/chat/completions', 'POST'], ['PUT', '/v1/embeddings', 'POST'],
		['POST', '/v1/models', 'GET, HEAD'], ['DELETE', '/v1/models/m', 'GET, HEAD'],
		['POST', '/livez', 'GET, HEAD'], ['OPTIONS', '/v1/chat/completions', 'POST']]) {
		const answer = await request(weir.address, where, { method, ...mine });

		assert.equal(answer.status, 405, `${method} ${where}`);
		assert.equal(answer.headers.allow, allow);
		assert.equal(errorOf(answer).code, 'method_not_allowed');
	}
});

await test('only JSON in UTF-8, and as it is', async () => {
	for (const headers of [{ 'content-type': 'text/plain' }, { 'content-type': 'application/json; charset=utf-16' },
		{ 'content-encoding': 'gzip' }, { 'content-type': 'multipart/form-data; boundary=x' }]) {
		const answer = await chat(bare, ask('m'), { headers });

		assert.equal(answer.status, 415, JSON.stringify(headers));
		assert.equal(errorOf(answer).type, 'invalid_request_error');
	}
	for (const headers of [{ 'content-type': 'Application/JSON; charset="UTF-8"' }, { 'content-encoding': 'identity' }])
		assert.equal((await chat(bare, ask('m'), { headers })).status, 200, JSON.stringify(headers));
});

await test('what the admin listener has, it has alone', async () => {
	for (const where of ['/metrics', '/status', '/livez', '/readyz', '/'])
		assert.equal((await get(weir.admin, where)).status, 200, where);
	assert.equal((await post(weir.admin, '/v1/chat/completions', ask('m'))).status, 404);
});

await test('a unix socket is a listener like any other', async () => {
	const token = nonce();
	const answer = await post(`unix:${socket}`, '/v1/chat/completions', ask('m', token), mine);

	assert.deepEqual(weir.addresses.length, 2);
	assert.equal(JSON.parse(answer.text).choices[0].message.content, said('alpha', token));
	assert.equal((await post(`unix:${socket}`, '/v1/chat/completions', ask('m'))).status, 401);
});

// ---- a caller that does not read ----

const TOKENS = 3000;
const TOKEN_BYTES = 32 * 1024; // far more in all than the sockets on the way hold

function rssKiB(pid) {
	return Number(fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)[1]);
}

function paused(base, body) {
	return new Promise((resolve, reject) => {
		const [host, port] = base.split(':');
		const req = http.request({ host, port, path: '/v1/chat/completions', method: 'POST', agent: false,
			headers: { 'content-type': 'application/json' } }, resolve);

		req.on('error', reject);
		req.end(JSON.stringify(body));
	});
}

async function digest(res) {
	const hash = crypto.createHash('sha256');
	let rest = '';
	let tokens = 0;
	let ended = false;

	res.setEncoding('utf8');
	for await (const text of res) {
		const parts = (rest + text).split('\n\n');

		rest = parts.pop();
		for (const { data } of parts.flatMap((part) => events(`${part}\n\n`))) {
			ended = data === '[DONE]';
			const said = ended ? null : JSON.parse(data).choices[0]?.delta.content;
			if (said)
				tokens++;
			hash.update(said ?? '');
		}
	}
	return { sum: hash.digest('hex'), tokens, ended };
}

await test('a caller that does not read holds the provider up, not our memory', async (t) => {
	const small = t.keep(await startWeir({ providers: mock.providers(), chains }, {
		env: { ASAN_OPTIONS: `${process.env.ASAN_OPTIONS ?? ''}:quarantine_size_mb=1` },
	}));
	const body = ask('m', nonce(), { stream: true });

	await chat(small, ask('m'));
	await mock.script({ 'alpha/m1': `200;tokens=${TOKENS};bytes=${TOKEN_BYTES}` });
	await mock.reset();
	const before = rssKiB(small.pid);
	const res = await paused(small.address, body);
	let sent = -1;
	await eventually(async () => {
		await new Promise((resolve) => setTimeout(resolve, 500));
		const { tokens } = await mock.stats('alpha');
		const still = tokens === sent;
		sent = tokens;
		return still;
	}, 'stop of the provider');
	assert.ok(sent < TOKENS, 'everything was taken from the provider');
	const grown = rssKiB(small.pid) - before;
	assert.ok(grown < 24 * 1024, `${grown} KiB more`);

	const ours = await digest(res);
	const theirs = await digest(await paused(mock.address('alpha'), { ...body, model: 'm1' }));
	assert.ok(res.complete && ours.ended);
	assert.equal(ours.tokens, TOKENS);
	assert.equal(ours.sum, theirs.sum);
	const after = rssKiB(small.pid) - before;
	assert.ok(after < 24 * 1024, `${after} KiB more in the end`);
}, { seconds: 120 });

await done();
