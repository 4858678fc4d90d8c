// Callers with limits: who is over one is refused before its body is read, and told when to come
// back; others are not moved by it.
import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { startWeir } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, get } from './lib/http.mjs';

const KEY = Object.fromEntries(['plain', 'rpm', 'tpm', 'one', 'poor', 'sly', 'narrow', 'late', 'moved']
	.map((name) => [name, `key-of-${name}-0123456789`]));
const hash = (key) => `sha256:${crypto.createHash('sha256').update(key).digest('hex')}`;
const as = (name) => ({ headers: { authorization: `Bearer ${KEY[name]}` } });

const mock = share(await startMock({ alpha: '200;tokens=50', slow: '200;tokens=20;gap=100ms', mute: 'hang' }));
const config = {
	listen: '127.0.0.1:0',
	admin: '127.0.0.1:0',
	providers: mock.providers('alpha', 'slow', 'mute'),
	models: Object.fromEntries(['alpha/m', 'slow/m', 'mute/m'].map((name) => [name, { input_price: 10, output_price: 20 }])),
	chains: { m: { steps: ['alpha/m'] }, hidden: { steps: ['alpha/m'] }, slow: { steps: ['slow/m'] }, mute: { steps: ['mute/m'] } },
	access: { keys: [
		{ name: 'plain', key: hash(KEY.plain) },
		{ name: 'rpm', key: hash(KEY.rpm), rpm: 3 },
		{ name: 'tpm', key: hash(KEY.tpm), tpm: 100 },
		{ name: 'one', key: hash(KEY.one), max_inflight: 1 },
		{ name: 'poor', key: hash(KEY.poor), daily_budget: 0.002 },
		{ name: 'sly', key: hash(KEY.sly), daily_budget: 10 },
		{ name: 'narrow', key: hash(KEY.narrow), chains: 'm' },
		{ name: 'late', key: hash(KEY.late), expires: '2001-01-01' },
		{ name: 'moved', key: [hash(KEY.moved), hash('key-of-before-0123456789')] },
	] },
};
const weir = share(await startWeir(config));
const status = async (name) => JSON.parse((await get(weir.admin, '/status')).text).callers
	.find((caller) => caller.name === name);
const series = async (name) => (await weir.metrics()).get(name);
const errorOf = (answer) => JSON.parse(answer.text).error;

// A head alone: what is answered before a body has come, with the body's length as it is told.
function headAlone(name, path = '/v1/chat/completions') {
	return new Promise((resolve, reject) => {
		const [host, port] = weir.address.split(':');
		const request = http.request({ host, port, path, method: 'POST', agent: false, headers: {
			...as(name).headers, 'content-type': 'application/json', 'content-length': 1000000,
			expect: '100-continue',
		} }, (response) => {
			let text = '';
			response.on('data', (bytes) => (text += bytes));
			response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text }));
		});
		request.on('continue', () => reject(new Error('it asks for the body')));
		request.on('error', reject);
		request.flushHeaders();
	});
}

function isRetry(answer, most) {
	const after = Number(answer.headers['retry-after']);

	assert.equal(answer.status, 429, answer.text);
	assert.ok(after >= 1 && after <= most, `retry-after ${after}`);
	assert.equal(answer.headers['x-should-retry'], after > 60 ? 'false' : undefined);
}

await test('the log, the metrics and the status name the caller', async () => {
	const answer = await chat(weir, ask('m'), as('plain'));

	assert.equal(answer.status, 200);
	assert.equal((await weir.request(answer.headers['x-weir-request-id'])).caller, 'plain');
	assert.equal(answer.headers['x-ratelimit-limit-requests'], undefined);
	assert.equal(await series('weir_caller_requests_total{caller="plain",outcome="ok"}'), 1);
	assert.equal((await status('plain')).requests, 1);
});

await test('wrong, missing and expired look the same', async () => {
	const without = ({ date, 'x-weir-request-id': id, 'x-request-id': same, ...rest }) => rest;
	const wrong = await chat(weir, ask('m'), { headers: { authorization: 'Bearer wrong' } });
	const others = [await chat(weir, ask('m'), as('late')), await chat(weir, ask('m')),
		await chat(weir, ask('m'), { headers: { 'x-api-key': KEY.late } }),
		await chat(weir, ask('m'), { headers: { authorization: `Bearer ${KEY.plain}x` } }),
		await chat(weir, ask('m'), { headers: { authorization: `Basic ${KEY.plain}` } })];

	assert.equal(wrong.status, 401);
	for (const other of others)
		assert.deepEqual([other.status, other.text, without(other.headers)], [401, wrong.text, without(wrong.headers)]);
});

// How long it takes is looked at where steps can be counted: test_access.
await test('on the wire, too, but for the date and the id', async () => {
	const answer = async (line) => {
		const wire = await Wire.open(weir.address);

		wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\n${line}content-type: application/json\r\ncontent-length: 1000\r\n\r\n`);
		await wire.end();
		return wire.text.replace(/^(date|x-weir-request-id|x-request-id): .*$/gm, '$1:');
	};
	const wrong = await answer('authorization: Bearer key-of-nobody-0123456789\r\n');

	assert.match(wrong, /^HTTP\/1\.1 401 /);
	assert.match(wrong, /^connection: close\r$/m);
	for (const line of ['', `authorization: Bearer ${KEY.late}\r\n`, `x-api-key: ${KEY.late}\r\n`, 'x-api-key: \r\n',
		`authorization: Bearer ${'k'.repeat(8000)}\r\n`, `authorization: Basic ${KEY.plain}\r\n`])
		assert.equal(await answer(line), wrong, line);
});

await test('a caller knows no chains but its own', async () => {
	const { data } = JSON.parse((await get(weir.address, '/v1/models', as('narrow'))).text);
	const hidden = await chat(weir, ask('hidden'), as('narrow'));
	const nothing = await chat(weir, ask('nothing'), as('narrow'));
	const past = await chat(weir, { ...ask('m'), fallbacks: ['slow/m'] }, as('narrow'));

	assert.deepEqual(data.map(({ id }) => id), ['m']);
	assert.equal((await get(weir.address, '/v1/models/hidden', as('narrow'))).status, 404);
	assert.equal((await chat(weir, ask('m'), as('narrow'))).status, 200);
	assert.equal(hidden.status, 404);
	assert.equal(hidden.text.replaceAll('hidden', 'nothing'), nothing.text);
	assert.equal(past.status, 400);
	assert.equal(errorOf(past).code, 'model_not_found');
	assert.equal((await chat(weir, { ...ask('m'), fallbacks: ['slow/m'] }, as('plain'))).status, 200);
});

await test('requests a minute: the fourth of three is refused before its body', async () => {
	for (const left of ['2', '1', '0']) {
		const answer = await chat(weir, ask('m'), as('rpm'));

		assert.equal(answer.status, 200);
		assert.equal(answer.headers['x-ratelimit-limit-requests'], '3');
		assert.equal(answer.headers['x-ratelimit-remaining-requests'], left);
		assert.match(answer.headers['x-ratelimit-reset-requests'], /^(1m\ds|[1-5]?\ds)$/);
	}
	const refused = await headAlone('rpm');
	isRetry(refused, 65);
	assert.deepEqual([errorOf(refused).type, errorOf(refused).code], ['rate_limit_error', 'rate_limit_exceeded']);
	assert.equal(refused.headers['x-ratelimit-remaining-requests'], '0');
	const other = JSON.parse((await headAlone('rpm', '/v1/messages')).text);
	assert.deepEqual([other.type, other.error.type], ['error', 'rate_limit_error']);
	assert.equal(await series('weir_caller_limited_total{caller="rpm",limit="rpm"}'), 2);
	assert.equal((await weir.event('request', (line) => line.status === 429)).caller, 'rpm');
});

await test('tokens a minute: what an answer took counts', async () => {
	const first = await chat(weir, ask('m'), as('tpm'));
	const used = JSON.parse(first.text).usage.total_tokens;

	assert.equal(first.status, 200);
	await eventually(async () => (await status('tpm')).tpm.left === Math.max(0, 100 - used), 'its tokens');
	while ((await status('tpm')).tpm.left > 0)
		assert.equal((await chat(weir, ask('m'), as('tpm'))).status, 200);
	isRetry(await headAlone('tpm'), 65);
});

await test('so many at once, and one who goes makes room', async () => {
	const streams = chat(weir, ask('slow', 'hello', { stream: true }), as('one'));

	await eventually(async () => (await status('one')).inflight === 1, 'one under way');
	const refused = await headAlone('one');
	isRetry(refused, 1);
	assert.equal((await streams).status, 200);
	await eventually(async () => (await status('one')).inflight === 0, 'none under way');
	assert.equal((await chat(weir, ask('m'), as('one'))).status, 200);
});

await test('a budget is spent to a request’s cost, streams counted too', async () => {
	let spent = 0, last = 0, refused;

	for (let i = 0; !refused && i < 50; i++) {
		const answer = await chat(weir, ask('m', 'hello', { stream: i % 2 === 1 }), as('poor'));

		if (answer.status === 429) {
			refused = answer;
			continue;
		}
		assert.ok(spent < 2000000, `${spent}`);
		last = Math.round((await weir.request(answer.headers['x-weir-request-id'])).cost_usd * 1e9);
		assert.ok(last > 0);
		spent += last;
	}
	assert.ok(spent >= 2000000 && spent - last < 2000000, `${spent}, the last ${last}`);
	const midnight = 86400 - Math.floor(Date.now() / 1000) % 86400;
	assert.ok(Math.abs((Number(refused.headers['retry-after']) - midnight) % 86400) <= 5);
	assert.equal(errorOf(refused).code, 'insufficient_quota');
	assert.equal(Math.round((await status('poor')).day.spent_usd * 1e9), spent);
	assert.equal(Math.round(await series('weir_caller_spent_usd{caller="poor",period="day"}') * 1e9), spent);
	assert.equal(await series('weir_caller_budget_usd{caller="poor",period="day"}'), 0.002);
});

await test('who does not want the count is counted all the same, and shown none', async () => {
	for (const stream_options of [{ include_usage: false }, {}]) {
		const before = (await status('sly')).day.spent_usd;
		const answer = await chat(weir, ask('m', 'hello', { stream: true, stream_options }), as('sly'));
		const { cost_usd } = await weir.request(answer.headers['x-weir-request-id']);

		assert.match(answer.text, /\[DONE\]/);
		assert.doesNotMatch(answer.text, /prompt_tokens/);
		assert.ok(cost_usd >= 50 * 20 / 1e6, `${cost_usd}`);
		await eventually(async () => Math.abs((await status('sly')).day.spent_usd - before - cost_usd) < 1e-9, 'its cost');
	}
});

await test('who leaves before anything came has used the prompt; in mid-stream, what was shown, too', async () => {
	for (const [model, stream, tokens] of [['mute', false, 0], ['mute', true, 0], ['slow', true, 1]]) {
		const before = (await status('sly')).day.spent_usd;
		const prompt = 'word '.repeat(4000); // 20 KB: 5,000 tokens or so
		const [host, port] = weir.address.split(':');
		const request = http.request({ host, port, path: '/v1/chat/completions', method: 'POST',
			...as('sly'), agent: false });

		request.on('error', () => {});
		request.end(JSON.stringify(ask(model, prompt, { stream })));
		if (tokens)
			await new Promise((resolve) => request.on('response', (response) => response.once('data', resolve)));
		else
			await eventually(async () => (await mock.stats('mute')).inflight > 0, 'the prompt has come');
		request.destroy();
		await eventually(async () => (await status('sly')).inflight === 0, 'it is over');
		const spent = (await status('sly')).day.spent_usd - before;
		assert.ok(spent >= (4000 * 10 + tokens * 20) / 1e6 && spent < 0.1, `${model}: ${spent}`);
		await eventually(async () => (await mock.stats('mute')).inflight === 0, 'left there, too');
	}
});

await test('who hammers at its limit moves nobody else', async () => {
	const before = (await mock.stats('alpha')).hits;
	const hammer = Promise.all(Array.from({ length: 40 }, () => headAlone('rpm')));
	const others = await Promise.all(Array.from({ length: 10 }, () => chat(weir, ask('m'), as('plain'))));

	assert.deepEqual(others.map((answer) => answer.status), Array(10).fill(200));
	for (const answer of await hammer)
		isRetry(answer, 65);
	assert.equal((await mock.stats('alpha')).hits - before, 10);
});

await test('keys change by a reload, which interrupts nothing and forgets nothing', async () => {
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const bearer = (key) => ({ agent, headers: { authorization: `Bearer ${key}` } });
	const { access } = structuredClone(config);
	const under = chat(weir, ask('slow', 'hello', { stream: true }), as('moved'));

	await eventually(async () => (await status('moved')).inflight === 1, 'one under way');
	for (const key of [KEY.moved, 'key-of-before-0123456789'])
		assert.equal((await chat(weir, ask('m'), bearer(key))).status, 200);
	access.keys = access.keys.filter(({ name }) => name !== 'narrow');
	access.keys.find(({ name }) => name === 'moved').key = hash('key-of-after-0123456789');
	access.keys.push({ name: 'fresh', key: hash('key-of-fresh-0123456789') });
	fs.writeFileSync(weir.file, JSON.stringify({ ...config, access }));
	weir.signal('SIGHUP');
	await weir.event('reload', (event) => event.ok);
	for (const [key, wanted] of [['key-of-after-0123456789', 200], ['key-of-fresh-0123456789', 200],
		[KEY.plain, 200], [KEY.moved, 401], ['key-of-before-0123456789', 401], [KEY.narrow, 401]])
		assert.equal((await chat(weir, ask('m'), bearer(key))).status, wanted, key);
	const { status: code, text } = await under;
	assert.equal(code, 200);
	assert.match(text, /\[DONE\]/);
	isRetry(await headAlone('rpm'), 65);
	assert.equal((await chat(weir, ask('m'), as('poor'))).status, 429);
	await eventually(async () => (await status('moved')).inflight === 0, 'none under way');
	agent.destroy();
});

await test('weir status shows each caller beside its limits', async () => {
	const { code, out, err } = await run(['status', '--admin', weir.admin]);

	assert.equal(code, 0, err);
	assert.match(out, /^callers\n +plain +0 in flight +\d+ requests +0 limited$/m);
	assert.match(out, /^ +rpm +0 in flight +\d+ requests +[1-9]\d* limited, \d of 3 rpm$/m);
	assert.match(out, /^ +poor .* limited, \$0\.\d+ of \$0\.002 this day$/m);
	assert.ok(!out.includes('key-of-'));
});

await done();
