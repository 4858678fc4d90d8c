// What a caller may wish for in its body (`fallbacks`, `timeout`, `num_retries`) and its
// headers, as in LiteLLM's completion(), through the OpenAI client's extra fields.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, nonce, said, trail } from './lib/http.mjs';
import { OpenAI, client, complete } from './lib/sdk.mjs';

const WISHES = {
	fallbacks: ['claude-3-5-sonnet-latest', 'gpt-4o-mini'],
	timeout: 20,
	num_retries: 2,
};

const mock = share(await startMock({ openai1: '200', anthropic1: '200', mini: '200' }));
const config = {
	providers: mock.providers(),
	defaults: { deadline: '60s' },
	chains: {
		'gpt-4o': { steps: ['openai1/gpt-4o', 'mini/never-with-fallbacks'] },
		'claude-3-5-sonnet-latest': { steps: ['anthropic1/claude-3-5-sonnet-latest'] },
		'gpt-4o-mini': { steps: ['mini/gpt-4o-mini'] },
	},
};

const FIRST = 'openai1/gpt-4o';
const SECOND = 'anthropic1/claude-3-5-sonnet-latest';
const THIRD = 'mini/gpt-4o-mini';

// A weir that has seen nothing yet, in front of vendors that do this.
async function play(t, first, second = '200', third = '200') {
	const weir = t.keep(await startWeir(config));

	await mock.reset();
	await mock.script({ openai1: first, anthropic1: second, mini: third });
	weir.sdk = client(weir, { maxRetries: 0 });
	return weir;
}

const targets = (headers) => trail(headers['x-weir-trail']).map((t) => t.target);
const error = (answer) => JSON.parse(answer.text).error;

for (const stream of [false, true]) {
	await test(`the first is tried three times, then both others${stream ? ', streamed' : ''}`,
		async (t) => {
			const weir = await play(t, '500', '500');
			const token = nonce();
			const { text, response } = await complete(weir.sdk, ask('gpt-4o', token, { ...WISHES, stream }));
			const tries = trail(response.headers.get('x-weir-trail')).map((t) => t.target);

			assert.equal(text, said('mini', token));
			assert.deepEqual(tries, [FIRST, FIRST, FIRST, SECOND, THIRD]);
			assert.equal((await mock.stats('openai1')).hits, 3);
		});
}

await test('the first fallback that answers is the last one asked', async (t) => {
	const weir = await play(t, '500');
	const token = nonce();
	const { text, response } = await complete(weir.sdk, ask('gpt-4o', token, WISHES));

	assert.equal(text, said('anthropic1', token));
	assert.equal(response.headers.get('x-weir-target'), SECOND);
	assert.equal((await mock.stats('mini')).hits, 0);
});

await test('the whole chain fails: at most five calls', async (t) => {
	const weir = await play(t, '500', '500', '500');
	const answer = await chat(weir, ask('gpt-4o', nonce(), WISHES));

	assert.equal(answer.status, 502);
	assert.deepEqual(error(answer).attempts.map((a) => a.target), [FIRST, FIRST, FIRST, SECOND, THIRD]);
});

for (const stream of [false, true]) {
	await test(`timeout ends each attempt${stream ? ', streamed' : ''}`, async (t) => {
		const weir = await play(t, 'hang', 'hang');
		const token = nonce();
		const body = ask('gpt-4o', token, { ...WISHES, timeout: 0.4, stream });
		const { text, response } = await complete(weir.sdk, body);
		const tries = trail(response.headers.get('x-weir-trail'));

		assert.equal(text, said('mini', token));
		assert.deepEqual(tries.map((t) => [t.target, t.class]),
			[[FIRST, 'slow'], [SECOND, 'slow'], [THIRD, 'ok']]);
		for (const { ms } of tries.slice(0, 2))
			assert.ok(ms >= 390 && ms < 10000, `${ms} ms`);
	});
}

await test('the wishes do not go upstream, and nothing else changes', async (t) => {
	const messages = '[ {"role":"user", "content":"caf\\u00e9 \\ud83d\\ude00 nonce=x"} ]';
	const rest = `"seed":12345678901234567890,"unknown_field":{"a":[1.50,null]}`;

	const weir = await play(t, '500');
	const answer = await chat(weir, `{ "timeout":20, "model" : "gpt-4o", "messages":${messages},` +
		`"fallbacks":["claude-3-5-sonnet-latest"], ${rest} , "num_retries":0}`);
	assert.equal(answer.status, 200);
	for (const [vendor, model] of [['openai1', 'gpt-4o'], ['anthropic1', 'claude-3-5-sonnet-latest']]) {
		const { body } = await mock.last(vendor);

		assert.equal(body.replace(/\s*([{},:])\s*/g, '$1'),
			`{"model":"${model}","messages":${messages},${rest}}`.replace(/\s*([{},:])\s*/g, '$1'));
		assert.ok(body.includes(messages) && body.includes(rest));
	}
});

await test('a fallback may change fields of the body, but neither host nor key', async (t) => {
	const evil = {
		api_base: 'http://127.0.0.1:9', base_url: 'http://127.0.0.1:9', api_key: 'stolen',
		headers: { authorization: 'stolen' }, extra_headers: { 'x-evil': '1' }, stream: true,
	};

	const weir = await play(t, '500');
	const answer = await chat(weir, ask('gpt-4o', nonce(), {
		temperature: 1,
		num_retries: 0,
		fallbacks: [{ model: 'claude-3-5-sonnet-latest', temperature: 0.25, top_p: 0.5, ...evil }],
	}));
	const { body, headers } = await mock.last('anthropic1');
	const sent = JSON.parse(body);

	assert.equal(answer.headers['x-weir-target'], SECOND);
	assert.equal(sent.temperature, 0.25);
	assert.equal(sent.top_p, 0.5);
	assert.equal(JSON.parse((await mock.last('openai1')).body).temperature, 1);
	for (const field of Object.keys(evil))
		assert.ok(!(field in sent), `${field} went upstream`);
	assert.ok(!('authorization' in headers) && !('x-evil' in headers));
	assert.doesNotMatch(JSON.stringify(headers), /stolen/);
});

await test('no fallbacks: none, not even the configured ones', async (t) => {
	const weir = await play(t, '500', '200', '200');
	const answer = await chat(weir, ask('gpt-4o', nonce(), { fallbacks: [], num_retries: 0 }));

	assert.equal(answer.status, 502);
	assert.deepEqual(error(answer).attempts.map((a) => a.target), [FIRST]);
	assert.equal((await mock.stats('mini')).hits, 0);
});

await test('without the field: the configured chain', async (t) => {
	const weir = await play(t, '500');
	const answer = await chat(weir, ask('gpt-4o', nonce(), { num_retries: 0 }));

	assert.deepEqual(targets(answer.headers), [FIRST, 'mini/never-with-fallbacks']);
});

await test('a fallback may be a target that stands in some chain', async (t) => {
	const weir = await play(t, '500');
	const answer = await chat(weir, ask('gpt-4o', nonce(), { num_retries: 0, fallbacks: [THIRD] }));

	assert.deepEqual(targets(answer.headers), [FIRST, THIRD]);
});

await test('an unknown fallback is refused before any call', async (t) => {
	const weir = await play(t, '200');
	for (const unknown of ['gpt-9', 'openai1/other', 'http://127.0.0.1:9/v1']) {
		const answer = await chat(weir, ask('gpt-4o', nonce(), { fallbacks: ['gpt-4o-mini', unknown] }));

		assert.equal(answer.status, 400);
		assert.equal(error(answer).code, 'model_not_found');
		assert.equal(error(answer).param, 'fallbacks[1]');
		assert.equal(error(answer).type, 'invalid_request_error');
	}
	assert.equal((await mock.stats('openai1')).hits, 0);
});

await test('wrong types are refused before any call', async (t) => {
	const wrong = [
		{ fallbacks: 'gpt-4o-mini' }, { fallbacks: {} }, { fallbacks: [1] }, { fallbacks: [{}] },
		{ fallbacks: [{ model: 1 }] }, { fallbacks: [null] }, { timeout: '20' }, { timeout: 0 },
		{ timeout: -1 }, { timeout: {} }, { num_retries: '2' }, { num_retries: -1 }, { num_retries: 1.5 },
		{ model: 7 }, { stream: 'yes' },
	];

	const weir = await play(t, '200');
	for (const fields of wrong) {
		const answer = await chat(weir, ask('gpt-4o', nonce(), fields));
		const name = Object.keys(fields)[0];

		assert.equal(answer.status, 400, JSON.stringify(fields));
		assert.equal(error(answer).type, 'invalid_request_error');
		assert.ok(error(answer).param.startsWith(name), `${JSON.stringify(fields)}: ${answer.text}`);
	}
	assert.equal((await mock.stats('openai1')).hits, 0);
});

await test('null is as good as nothing', async (t) => {
	const weir = await play(t, '200');
	const answer = await chat(weir, ask('gpt-4o', nonce(),
		{ fallbacks: null, timeout: null, num_retries: null, stream: null }));

	assert.equal(answer.status, 200);
});

await test('x-weir-fallback: off stays with the first', async (t) => {
	const weir = await play(t, '500');
	const answer = await chat(weir, ask('gpt-4o', nonce(), { ...WISHES, num_retries: 0 }),
		{ headers: { 'x-weir-fallback': 'off' } });

	assert.equal(answer.status, 502);
	assert.deepEqual(error(answer).attempts.map((a) => a.target), [FIRST]);
	assert.equal((await mock.stats('anthropic1')).hits, 0);
});

await test('x-weir-deadline-ms ends the whole request', async (t) => {
	const weir = await play(t, 'hang', 'hang', 'hang');
	const began = Date.now();
	const answer = await chat(weir, ask('gpt-4o', nonce(), WISHES),
		{ headers: { 'x-weir-deadline-ms': '1000' } });

	assert.equal(answer.status, 504);
	assert.equal(error(answer).code, 'deadline_exceeded');
	assert.ok(Date.now() - began < 15000);
});

await test('the client’s own time is a deadline, too', async (t) => {
	const weir = await play(t, 'hang', 'hang', 'hang');
	for (const name of ['x-stainless-timeout', 'x-stainless-read-timeout']) {
		const answer = await chat(weir, ask('gpt-4o', nonce()), { headers: { [name]: '1' } });

		assert.equal(answer.status, 504, name);
	}
});

await test('an unknown model is 404 as at OpenAI', async (t) => {
	const weir = await play(t, '200');
	const refused = await weir.sdk.chat.completions.create(ask('no-such-model')).catch((e) => e);
	const answer = await chat(weir, ask('no-such-model'));

	assert.ok(refused instanceof OpenAI.NotFoundError);
	assert.equal(refused.code, 'model_not_found');
	assert.equal(answer.status, 404);
	assert.equal(error(answer).param, 'model');
	assert.equal(answer.headers['x-weir-attempts'], '0');
	assert.ok(!('x-weir-target' in answer.headers));
	const line = await weir.request(answer.headers['x-weir-request-id']);
	assert.equal(line.outcome, 'rejected');
	assert.equal(line.chain, 'other');
});

await done();
