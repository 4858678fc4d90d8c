// A thousand requests are under way at the first vendor when its process is killed: a
// thousand whole answers come from the second one, each to the caller that asked.
// WEIR_KILLED=5000 are more.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, events, nonce, said, textOf, trail } from './lib/http.mjs';

const N = Number(process.env.WEIR_KILLED ?? 1000);
const SECONDS = 200; // for all of it, on a slow machine with sanitizers

const primary = share(await startMock({ alpha: '200' }));
const secondary = share(await startMock({ beta: '200;tokens=40;latency=20ms;jitter=200ms' }));
await primary.script({ 'alpha/waiting': '200;latency=1h', 'alpha/held': '200;ttft=1h' });
const patient = { connect_timeout: '60s', first_token_timeout: '200s', attempt_timeout: '200s' };
const weir = share(await startWeir({
	providers: { ...primary.providers(), ...secondary.providers() },
	defaults: { deadline: '10m', ...patient },
	chains: {
		waiting: { steps: ['alpha/waiting', 'beta/m'] },
		held: { steps: ['alpha/held', 'beta/m'] },
	},
}));

const calls = [];

await test(`${N} requests are under way at the first vendor`, async () => {
	for (let i = 0; i < N; i++) {
		const token = nonce();
		const stream = i % 2 === 1;
		const body = ask(stream ? 'held' : 'waiting', token, { stream });
		const answer = chat(weir, body, { seconds: SECONDS }).catch((error) => ({ error }));

		calls.push({ token, stream, answer });
	}
	await eventually(async () => (await primary.stats('alpha')).inflight === N,
		`${N} requests at the first vendor`, 100);
	assert.equal((await secondary.stats('beta')).hits, 0);
}, { seconds: 120 });

await test('one thread does all this', () => {
	assert.deepEqual(fs.readdirSync(`/proc/${weir.pid}/task`), [String(weir.pid)]);
});

await test(`the first vendor is killed: ${N} whole answers, each its own`, async () => {
	const began = Date.now();
	let last = 0;

	for (const { answer } of calls)
		answer.then(() => (last = Date.now()));
	await primary.kill();
	for (const { token, stream, answer } of calls) {
		const { status, text, headers, whole, error } = await answer;

		assert.ok(!error, `${token}: ${error}`);
		assert.equal(status, 200, text);
		assert.ok(whole);
		assert.equal(headers['x-weir-target'], 'beta/m');
		assert.ok(trail(headers['x-weir-trail']).slice(0, -1).every((t) => t.target.startsWith('alpha/')));
		if (stream) {
			assert.equal(events(text).at(-1).data, '[DONE]');
			assert.equal(textOf(text), said('beta', token, 40));
		} else {
			assert.equal(JSON.parse(text).choices[0].message.content, said('beta', token, 40));
		}
	}
	const ids = new Set(await Promise.all(calls.map(async (c) => (await c.answer).headers['x-weir-request-id'])));
	assert.equal(ids.size, N);
	console.log(`# the last of ${N} came ${last - began} ms after the kill`);
}, { seconds: SECONDS });

await test('the books say the same', async () => {
	const series = await weir.metrics();
	const sum = (...parts) => [...series].filter(([name]) => parts.every((p) => name.includes(p)))
		.reduce((all, [, value]) => all + value, 0);

	assert.equal(sum('weir_requests_total', 'outcome="failed_over"'), N);
	assert.equal(sum('weir_requests_total'), N);
	assert.equal(sum('weir_fallbacks_total'), N);
	assert.equal(sum('weir_attempts_total', 'target="beta/m"', 'class="ok"'), N);
	assert.equal(series.get('weir_inflight_requests'), 0);
	await eventually(() => weir.of('request').length === N, `${N} lines`);
	assert.ok(weir.of('request').every((line) => line.outcome === 'failed_over'));
	assert.equal(weir.of('fallback').length, N);
});

await done();
