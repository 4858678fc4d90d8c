// Thousands of requests at once while every vendor misbehaves at random and callers leave
// when they like: nobody gets another's answer, nothing is lost, nothing is left over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, events, nonce, said, textOf } from './lib/http.mjs';

const N = 3000;
const AT_ONCE = 100;
const LEAVES = 0.1; // of the callers
const TOKENS = 12;

const every = ['reset@body', 'close@headers', 'reset@role', 'close@half', 'cut;after=6', 'truncated',
	'bad-json', 'bad-event;after=3', 'bad-chunk;after=4', 'html', 'error-200', 'error-event', 'error-event;after=5',
	'empty', 'no-done', 'no-end', 'extra', 'extra;second=1', 'gzip', '500', '503', '429', '401', '301', '200;split=40',
	'200;chunk=9', '200;keep=0', '200;framing=close', '200;as=json', '200;info=103'];
const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const scripts = {};
const chains = {};
for (const [i, step] of every.entries()) {
	const others = [7, 11].map((k) => (i * k + k) % every.length); // another mishap each

	for (const vendor of ['alpha', 'beta', 'gamma'])
		scripts[`${vendor}/${i}`] = `${step};tokens=${TOKENS};latency=0ms;jitter=30ms;chance=40%`;
	chains[`m${i}`] = { steps: [`alpha/${i}`, `beta/${others[0]}`, `gamma/${others[1]}`] };
}
await mock.script(scripts);
const weir = share(await startWeir({ providers: mock.providers(), chains }));
const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });

// Deterministic, so that a failure can be seen again: mulberry32.
let seed = 1;
function random() {
	seed = (seed + 0x6d2b79f5) | 0;
	let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

const counts = { whole: 0, cut: 0, refused: 0, left: 0 };

function judge(token, stream, { status, text, whole, headers }) {
	if (status !== 200) {
		assert.ok([429, 502, 503].includes(status), `${status} ${text}`);
		const { attempts, code } = JSON.parse(text).error;
		assert.ok(whole && (attempts.length > 0 || code === 'no_usable_target'), text);
		counts.refused++;
		return;
	}
	const vendor = headers['x-weir-target'].split('/')[0];
	const right = said(vendor, token, TOKENS);
	if (!stream) {
		assert.equal(JSON.parse(text).choices[0].message.content, right);
		assert.ok(whole);
		counts.whole++;
		return;
	}
	const list = events(text).filter((e) => e.data);
	if (list.at(-1).data === '[DONE]') {
		assert.equal(textOf(text), right);
		assert.ok(whole);
		counts.whole++;
		return;
	}
	assert.ok(JSON.parse(list.at(-1).data).error, text.slice(-300));
	assert.ok(right.startsWith(textOf(text)), text);
	assert.equal(whole, false);
	counts.cut++;
}

async function one() {
	const token = nonce();
	const stream = random() < 0.5;
	const leaves = random() < LEAVES;
	const after = random() * 60;
	const leave = (req) => leaves && setTimeout(() => req.destroy(new Error('left')), after);
	let answer;

	try {
		answer = await chat(weir, ask(`m${Math.floor(random() * every.length)}`, token, { stream }), { agent: leaves ? false : agent, onRequest: leave });
	} catch (error) {
		assert.ok(leaves, `${token}: ${error}`);
		counts.left++;
		return;
	}
	if (leaves && !answer.whole && answer.error)
		counts.left++;
	else
		judge(token, stream, answer);
}

await test(`${N} requests, ${AT_ONCE} at once: each gets its own answer or an honest end`, async () => {
	let begun = 0;
	const lane = async () => {
		while (begun++ < N)
			await one();
	};

	await Promise.all(Array.from({ length: AT_ONCE }, lane));
	assert.equal(counts.whole + counts.cut + counts.refused + counts.left, N);
	for (const [kind, n] of Object.entries(counts))
		assert.ok(n > 0, `${kind}: ${JSON.stringify(counts)}`);
}, { seconds: 200 });

await test('the books are even, and nothing is left over', async () => {
	agent.destroy();
	const series = await eventually(async () => {
		const now = await weir.metrics();
		return now.get('weir_inflight_requests') === 0 && now.get('weir_client_connections') === 1 && now;
	}, 'rest');
	const sum = (...parts) => [...series].filter(([name]) => parts.every((p) => name.includes(p)))
		.reduce((all, [, value]) => all + value, 0);
	const lines = await eventually(() => {
		const told = weir.of('request');
		return told.length >= sum('weir_requests_total') && told;
	}, 'a line for each request');

	assert.equal(sum('weir_inflight_attempts'), 0);
	assert.equal(sum('weir_requests_total'), lines.length);
	assert.equal(new Set(lines.map((line) => line.request_id)).size, lines.length);
	assert.ok(lines.length <= N && lines.length >= N - counts.left, `${lines.length} lines`);
	assert.equal(sum('weir_attempts_total'), lines.reduce((n, line) => n + line.attempts, 0));
	assert.equal(sum('weir_fallbacks_total'), weir.of('fallback').length);
	assert.ok(lines.every((line) => line.attempts <= 4));
	for (const vendor of ['alpha', 'beta', 'gamma'])
		await eventually(async () => (await mock.stats(vendor)).inflight === 0, `rest at ${vendor}`);
	const open = fs.readdirSync(`/proc/${weir.pid}/fd`).length;
	assert.ok(open < 200, `${open} descriptors are open`);
});

await done();
