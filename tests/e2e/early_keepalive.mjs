// early_keepalive: a caller that waits for a stream hears something before there is an answer.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, events, nonce, said, textOf } from './lib/http.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200' }));
let chains = 0;

async function play(t, scripts, chain = {}) {
	const model = `m${++chains}`;
	const steps = ['alpha', 'beta'].slice(0, scripts.length).map((v) => `${v}/${model}`);

	await mock.script(Object.fromEntries(steps.map((step, i) => [step, scripts[i]])));
	const weir = t.keep(await startWeir({
		providers: mock.providers(),
		chains: { [model]: { early_keepalive: '150ms', steps, ...chain } },
	}));
	return { weir, model, steps };
}

const comments = (answer) => events(answer.text).filter((e) => e.comment).length;
const stream = (weir, model, token) => chat(weir, ask(model, token, { stream: true }));

await test('the head and comments come early, then the answer of whoever answers', async (t) => {
	const { weir, model, steps } = await play(t, ['503;latency=700ms', '200']);
	const token = nonce();
	const answer = await stream(weir, model, token);

	assert.equal(answer.status, 200);
	assert.match(answer.headers['content-type'], /^text\/event-stream/);
	assert.equal(answer.headers['x-weir-target'], undefined); // nobody knew yet
	assert.ok(answer.headers['x-weir-request-id']);
	assert.ok(comments(answer) >= 2, `${comments(answer)} comments`);
	assert.equal(textOf(answer.text), said('beta', token));
	assert.ok(answer.whole && answer.text.endsWith('data: [DONE]\n\n'));
	const line = await weir.request(answer.headers['x-weir-request-id']);
	assert.equal(line.target, steps[1]);
	assert.equal(line.outcome, 'failed_over');
});

await test('a quick answer has its usual head', async (t) => {
	const { weir, model, steps } = await play(t, ['200']);
	const answer = await stream(weir, model, nonce());

	assert.equal(answer.headers['x-weir-target'], steps[0]);
	assert.equal(comments(answer), 0);
});

await test('when all fail afterwards, the error is the last event, and nothing looks whole', async (t) => {
	const { weir, model, steps } = await play(t, ['503;latency=400ms', '503'], { retries: 0 });
	const answer = await stream(weir, model, nonce());
	const error = JSON.parse(events(answer.text).filter((e) => e.data).at(-1).data).error;

	assert.equal(answer.status, 200);
	assert.equal(answer.whole, false);
	assert.ok(!answer.text.includes('[DONE]'));
	assert.equal(error.code, 'overloaded');
	assert.deepEqual(error.attempts.map((a) => a.target), steps);
	assert.equal((await weir.event('request')).outcome, 'exhausted');
});

await test('the provider’s own refusal afterwards is told as it was', async (t) => {
	const { weir, model } = await play(t, ['400;latency=400ms', '200']);
	const answer = await stream(weir, model, nonce());
	const error = JSON.parse(events(answer.text).filter((e) => e.data).at(-1).data).error;

	assert.equal(answer.whole, false);
	assert.equal(error.type, 'invalid_request_error');
	assert.equal((await weir.event('request')).outcome, 'caller_error');
});

await test('who did not ask for a stream is not disturbed', async (t) => {
	const { weir, model, steps } = await play(t, ['200;latency=500ms']);
	const token = nonce();
	const answer = await chat(weir, ask(model, token));

	assert.equal(answer.headers['x-weir-target'], steps[0]);
	assert.equal(JSON.parse(answer.text).choices[0].message.content, said('alpha', token));
});

await test('a caller that leaves meanwhile is noticed', async (t) => {
	const { weir, model } = await play(t, ['hang']);
	let left;

	await chat(weir, ask(model, nonce(), { stream: true }), {
		onRequest: (req) => { left = req; },
		onHead: () => setTimeout(() => left.destroy(), 200),
	}).catch(() => {});
	assert.equal((await weir.event('request')).outcome, 'hangup');
});

await done();
