// midstream: continue. A stream that was cut goes on at the next target from what the caller
// has been shown: no gap, no repetition, no lie.
import assert from 'node:assert/strict';
import OpenAI from 'openai';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, events, nonce, said, textOf, trail } from './lib/http.mjs';

const TOKENS = 60;
const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
let chains = 0;

// A weir with one chain, unused so far, whose steps do this.
async function play(t, scripts, chain = {}, more = {}) {
	const model = `m${++chains}`;
	const vendors = ['alpha', 'beta', 'gamma'].slice(0, scripts.length);
	const steps = vendors.map((v) => `${v}/${model}`);

	await mock.script(Object.fromEntries(vendors.map((v, i) => [steps[i], `${scripts[i]};tokens=${TOKENS}`])));
	const weir = t.keep(await startWeir({
		providers: mock.providers(),
		chains: { [model]: { midstream: 'continue', steps, ...chain } },
		...more,
	}));
	return { weir, model, steps };
}

const stream = (weir, model, token, more) => chat(weir, ask(model, token, { stream: true, ...more }));
const classes = (line) => trail(line.trail).map((e) => e.class);
const errorOf = (answer) => JSON.parse(events(answer.text).filter((e) => e.data).at(-1).data).error;

// The caller cannot tell that it was not one answer but by its models and the log.
function assertWhole(answer, token, vendor = 'alpha') {
	const list = events(answer.text).filter((e) => e.data);
	const chunks = list.slice(0, -1).map((e) => JSON.parse(e.data));

	assert.equal(answer.status, 200);
	assert.equal(textOf(answer.text), said(vendor, token, TOKENS));
	assert.ok(answer.whole);
	assert.equal(list.at(-1).data, '[DONE]');
	assert.equal(new Set(chunks.map((c) => c.id)).size, 1);
	assert.equal(chunks.filter((c) => c.choices[0]?.delta?.role).length, 1);
	assert.equal(chunks.filter((c) => c.choices[0]?.finish_reason).length, 1);
}

await test('100 runs: cut somewhere, gone on by whatever way, one text', async (t) => {
	const ways = ['200', '200;resume=overlap', '200;resume=restart', '200;resume=refuse-prefill'];
	const cuts = ['cut', 'reset@token', 'error-event'];

	for (const prefill of ['off', 'on']) {
		const { weir, model, steps } = await play(t, ['200', '200', '200'], {}, {
			models: Object.fromEntries(['beta', 'gamma'].map((v) => [`${v}/m${chains + 1}`, { prefill }])),
		});

		for (let run = 0; run < 50; run++) {
			const token = nonce();
			const after = 1 + ((run * 37) % (TOKENS - 1));
			const way = ways[run % ways.length];

			// Two good answers for each cut: else its breaker would divert what is to be cut.
			await mock.script({ [steps[0]]: '200' });
			await chat(weir, ask(model));
			await chat(weir, ask(model));
			await mock.script({
				[steps[0]]: `${cuts[run % cuts.length]};after=${after};tokens=${TOKENS};split=${1 + (run % 97)}`,
				[steps[1]]: `${way};tokens=${TOKENS};chunk=${1 + (run % 89)}`,
				[steps[2]]: `200;tokens=${TOKENS}`,
			});
			const answer = await stream(weir, model, token);
			assertWhole(answer, token);
			assert.equal(answer.headers['x-weir-target'], steps[0]);
			const line = await weir.request(answer.headers['x-weir-request-id']);
			assert.equal(line.outcome, 'failed_over', JSON.stringify(line));
			assert.deepEqual(classes(line).slice(0, 1), ['cut']);
			assert.equal(classes(line).at(-1), 'ok');
			assert.ok(weir.of('fallback').some((f) => f.request_id === line.request_id && f.class === 'cut'));
		}
		const series = await weir.metrics();
		assert.ok(series.get('weir_streams_resumed_total') >= 40);
	}
}, { seconds: 240 });

await test('a second cut goes on at a third target', async (t) => {
	const { weir, model } = await play(t, ['cut;after=20', 'cut;after=20', '200']);
	const token = nonce();
	const answer = await stream(weir, model, token);

	assertWhole(answer, token);
	assert.deepEqual(classes(await weir.request(answer.headers['x-weir-request-id'])), ['cut', 'cut', 'ok']);
});

await test('a stall is a cut, too', async (t) => {
	const { weir, model } = await play(t, ['hang@token;after=20', '200'], { stall_timeout: '300ms' });
	const token = nonce();

	assertWhole(await stream(weir, model, token), token);
});

await test('what the next target is asked', async (t) => {
	for (const [prefill, vendor] of [['on', 'beta'], ['off', 'beta']]) {
		const { weir, model } = await play(t, ['cut;after=3', '200'], {}, {
			models: { [`beta/m${chains + 1}`]: { prefill } },
		});
		const token = nonce();
		const answer = await stream(weir, model, token, { temperature: 0.5 });
		const sent = JSON.parse((await mock.last(vendor)).body);

		assertWhole(answer, token);
		assert.equal(sent.temperature, 0.5);
		assert.equal(sent.model, model);
		assert.deepEqual(sent.messages[0], { role: 'user', content: `hello nonce=${token}` });
		assert.equal(sent.messages[1].role, 'assistant');
		assert.equal(sent.messages[1].content.trimEnd(), `alpha ${token}: tok0 tok1 tok2`);
		assert.equal(sent.messages.length, prefill === 'on' ? 2 : 3);
	}
});

await test('inside a tool call, in JSON, with several choices: the honest end', async (t) => {
	for (const [script, more] of [['cut;after=3;tools', {}], ['cut;after=20', { response_format: { type: 'json_object' } }],
		['cut;after=20', { n: 2 }], ['cut;after=20', { logprobs: true }]]) {
		const { weir, model } = await play(t, [script, '200']);
		const answer = await stream(weir, model, nonce(), more);

		assert.equal(answer.status, 200, script);
		assert.equal(answer.whole, false);
		assert.equal(errorOf(answer).code, 'stream_cut');
		assert.ok(!answer.text.includes('[DONE]'));
		assert.equal((await mock.stats('beta', model)).hits, 0);
		assert.deepEqual(classes(await weir.request(answer.headers['x-weir-request-id'])), ['cut']);
	}
});

await test('who says something else is not believed', async (t) => {
	for (const way of ['200;resume=other', '200;resume=off']) {
		const { weir, model } = await play(t, ['cut;after=20', way]);
		const token = nonce();
		const answer = await stream(weir, model, token);

		assert.equal(answer.whole, false);
		assert.equal(textOf(answer.text), said('alpha', token, 20));
		assert.equal(errorOf(answer).code, 'stream_cut');
		assert.equal((await weir.event('request')).reason, 'seam_mismatch');
	}
});

await test('nobody left: the honest end; and without the option nobody is asked', async (t) => {
	const dead = await play(t, ['cut;after=20', '503', '500'], { retries: 0 });
	const answer = await stream(dead.weir, dead.model, nonce());
	assert.equal(answer.whole, false);
	assert.equal(errorOf(answer).code, 'stream_cut');

	const plain = await play(t, ['cut;after=20', '200'], { midstream: 'error' });
	const cut = await stream(plain.weir, plain.model, nonce());
	assert.equal(errorOf(cut).code, 'stream_cut');
	assert.equal((await mock.stats('beta', plain.model)).hits, 0);
});

await test('a caller that leaves while it is gone on cancels that, too', async (t) => {
	const { weir, model } = await play(t, ['cut;after=20', 'hang']);
	let left;

	await chat(weir, ask(model, nonce(), { stream: true }), {
		onRequest: (req) => { left = req; },
		onHead: () => setTimeout(() => left.destroy(), 300),
	}).catch(() => {});
	const line = await weir.event('request');
	assert.equal(line.outcome, 'hangup');
	assert.deepEqual(classes(line), ['cut', 'hangup']);
});

await test('the official SDK reads it as one answer', async (t) => {
	const { weir, model } = await play(t, ['cut;after=40', '200']);
	const token = nonce();
	const client = new OpenAI({ baseURL: weir.base, apiKey: 'unused', maxRetries: 0 });
	const runner = client.chat.completions.stream({ model, messages: ask(model, token).messages });
	const final = await runner.finalChatCompletion();

	assert.equal(final.choices[0].message.content, said('alpha', token, TOKENS));
	assert.equal(final.choices[0].finish_reason, 'stop');
});

await done();
