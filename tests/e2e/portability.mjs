// The same request at another model: what is known to be refused there is left out before it is
// sent, what a target refuses all the same is learned, and the first target gets the caller's bytes.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { ask, chat, nonce } from './lib/http.mjs';
import { play as playStage, tries } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const play = (t, scripts, more) => playStage(t, mock, scripts, more);
const sent = async (stage, vendor) => JSON.parse((await mock.last(vendor, stage.model)).body);
const facts = (vendor, row) => (at) => ({ [at(vendor)]: row });
const refusal = (param, text) => `400;code=unsupported_parameter;param=${param};message=${text.replace(/[,;*%]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)}`;

// A body whose bytes no encoder would write again.
const raw = (stage, more) => `{ "messages":[{"content":"nonce=${nonce()} \\u00e4","role":"developer" }],\n "seed":9223372036854775807,` +
	`"logit_bias":{"50256":-1e2}, "model":"${stage.model}","temperature":0.70,"max_tokens" : 99${more}}`;

await test('a reasoning model gets no temperature, and its own name of the limit', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' }, { models: facts('beta', { like: 'gpt-5' }) });
	const body = raw(stage, ', "x":[ 1 ]');
	const answer = await chat(stage.weir, body);
	const own = (await mock.last('alpha', stage.model)).body;
	const theirs = (await mock.last('beta', stage.model)).body;

	assert.deepEqual(tries(answer), ['alpha overloaded', 'beta ok']);
	assert.equal(own, body);
	assert.equal(theirs, body.replace('"developer"', '"system"').replace(/"logit_bias":\{.*?\},/, '')
		.replace('"temperature":0.70,', '').replace('"max_tokens"', '"max_completion_tokens"'));
	assert.equal(answer.headers['x-weir-dropped'], 'logit_bias, temperature');
	assert.equal((await stage.weir.event('fields_dropped')).fields, 'logit_bias, temperature');
});

await test('the first target gets the caller\'s bytes, unless repair is on', async (t) => {
	for (const [repair, changed] of [['fallbacks', false], ['off', false], ['on', true]]) {
		const stage = await play(t, { alpha: '200' },
			{ models: facts('alpha', { like: 'gpt-5' }), chain: { repair } });
		const body = raw(stage, '');
		const answer = await chat(stage.weir, body);

		assert.equal((await mock.last('alpha', stage.model)).body === body, !changed);
		assert.equal(answer.headers['x-weir-dropped'], changed ? 'logit_bias, temperature' : undefined);
	}
});

await test('repair off: no target\'s request is changed', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' },
		{ models: facts('beta', { like: 'gpt-5' }), chain: { repair: 'off', retries: 0 } });
	const body = raw(stage, '');

	await chat(stage.weir, body);
	assert.equal((await mock.last('beta', stage.model)).body, body);
});

for (const [name, message, body, after] of [
	['a field', refusal('user', 'Unsupported parameter'), { user: 'x' }, { user: undefined }],
	['the limit\'s name', 'unsupported-parameter', { max_tokens: 7 }, { max_tokens: undefined, max_completion_tokens: 7 }],
	['a limit', '400;param=max_tokens;message=max_tokens is too large: 9999. This model supports at most 4096 completion tokens',
		{ max_tokens: 9999 }, { max_tokens: 4096 }],
	['an effort', refusal('reasoning_effort', "Unsupported value. Supported values are: 'low', 'high'."),
		{ reasoning_effort: 'minimal' }, { reasoning_effort: 'low' }],
	['a field inside of messages', refusal('messages[0].name', 'Unsupported parameter'),
		{ messages: [{ role: 'user', name: 'n', content: 'nonce=1' }] }, { messages: [{ role: 'user', content: 'nonce=1' }] }],
]) {
	await test(`${name} that is refused is changed once, and from then on before`, async (t) => {
		const stage = await play(t, { alpha: '503', beta: `${message},200` }, { chain: { retries: 0 } });
		const check = async () => {
			const got = await sent(stage, 'beta');
			for (const [key, value] of Object.entries(after))
				assert.deepEqual(got[key], value);
		};

		const first = await chat(stage.weir, ask(stage.model, nonce(), body));
		assert.deepEqual(tries(first), ['alpha overloaded', 'beta repairable', 'beta ok']);
		assert.equal(await stage.hits('beta'), 2);
		await check();
		const next = await chat(stage.weir, ask(stage.model, nonce(), body));
		assert.deepEqual(tries(next).slice(-1), ['beta ok']);
		assert.equal(await stage.hits('beta'), 3);
		await check();
	});
}

await test('what a target of the other API refuses is remembered, too', async (t) => {
	const stage = await play(t, { alpha: '503', beta: 'unsupported-value;status=400,200' },
		{ providers: { beta: { dialect: 'anthropic', keys: 'sk-ant-0123456789' } }, chain: { retries: 0 } });

	await chat(stage.weir, ask(stage.model, nonce(), { temperature: 0.5 }));
	assert.equal(await stage.hits('beta'), 2);
	const next = await chat(stage.weir, ask(stage.model, nonce(), { temperature: 0.5 }));
	assert.equal(await stage.hits('beta'), 3);
	assert.equal((await sent(stage, 'beta')).temperature, undefined);
	assert.equal(next.headers['x-weir-dropped'], 'temperature');
});

await test('the first target\'s refusal is the caller\'s, and nothing is learned from it', async (t) => {
	const stage = await play(t, { alpha: 'unsupported-value,200', beta: '200' });

	for (const expected of ['alpha repairable', 'alpha ok'])
		assert.deepEqual(tries(await chat(stage.weir, ask(stage.model, nonce(), { temperature: 0.2 }))), [expected]);
	assert.equal((await sent(stage, 'alpha')).temperature, 0.2);
});

const schema = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } };
const later = (t, scripts, more) => play(t, { alpha: '503', ...scripts }, { chain: { retries: 0 }, ...more });

await test('a limit is the largest number that is less than what was sent', async (t) => {
	const stage = await later(t, { beta: '400;param=max_tokens;message=Error code: 400 - max_tokens is too large: 9000. This model supports at most 8192 completion tokens.,200' });

	for (const [asked, got] of [[9000, 8192], [9000, 8192], [500, 500]]) {
		const answer = await chat(stage.weir, ask(stage.model, nonce(), { max_tokens: asked }));

		assert.equal(tries(answer).at(-1), 'beta ok');
		assert.equal((await sent(stage, 'beta')).max_tokens, got);
	}
});

await test('what did not help is not remembered', async (t) => {
	const refused = refusal('user', 'Unsupported parameter');
	const stage = await later(t, { beta: `${refused},${refused},200`, gamma: '200' });

	assert.deepEqual(tries(await chat(stage.weir, ask(stage.model, nonce(), { user: 'x' }))),
		['alpha overloaded', 'beta repairable', 'beta repairable', 'gamma ok']);
	await chat(stage.weir, ask(stage.model, nonce(), { user: 'x' }));
	assert.equal((await sent(stage, 'beta')).user, 'x');
});

await test('of two fields that are refused one after the other both are remembered', async (t) => {
	const stage = await later(t, { beta: `${refusal('user', 'Unsupported parameter')},${refusal('seed', 'Unsupported parameter')},${refusal('seed', 'Unsupported parameter')},200`, gamma: '200' });
	const more = { user: 'x', seed: 1 };

	await chat(stage.weir, ask(stage.model, nonce(), more));
	await chat(stage.weir, ask(stage.model, nonce(), more));
	assert.equal(await stage.hits('beta'), 4);
	await chat(stage.weir, ask(stage.model, nonce(), more));
	assert.equal(await stage.hits('beta'), 5);
	const got = await sent(stage, 'beta');
	assert.deepEqual([got.user, got.seed], [undefined, undefined]);
});

await test('a value that is refused is left out of that request alone', async (t) => {
	const stage = await later(t, { beta: "400;code=unsupported_value;param=response_format;message='response_format' of type 'json_schema' is not supported,200" });
	const format = async (response_format) => {
		assert.equal(tries(await chat(stage.weir, ask(stage.model, nonce(), { response_format }))).at(-1), 'beta ok');
		return (await sent(stage, 'beta')).response_format;
	};

	assert.equal(await format(schema), undefined);
	assert.deepEqual(await format({ type: 'json_object' }), { type: 'json_object' });
});

await test('translate strict goes past who would not get a field, whatever its name', async (t) => {
	for (const name of ['two words', 'a_name_that_is_much_longer_than_forty_characters']) {
		const other = { providers: { beta: { dialect: 'anthropic', keys: 'sk-ant-0123456789' } } };
		const lax = await later(t, { beta: '200' }, other);
		const strict = await later(t, { beta: '200', gamma: '200' },
			{ ...other, chain: { retries: 0, translate: 'strict' } });
		const told = await chat(lax.weir, ask(lax.model, nonce(), { [name]: 1 }));

		assert.deepEqual([tries(told).at(-1), told.headers['x-weir-dropped']], ['beta ok', 'other']);
		assert.equal(tries(await chat(strict.weir, ask(strict.model, nonce(), { [name]: 1 }))).at(-1), 'gamma ok');
	}
});

await test('more changes than can be made: a fallback gets the request as it came, and nobody is blamed', async (t) => {
	const stage = await later(t, { beta: '200' });
	const messages = Array.from({ length: 66000 }, () => ({ role: 'developer', content: 'x' }));

	for (let i = 0; i < 6; i++)
		assert.deepEqual(tries(await chat(stage.weir, ask(stage.model, nonce(), { messages }))).at(-1), 'beta ok');
	assert.equal((await sent(stage, 'beta')).messages[0].role, 'developer');
});

const user = (content) => [{ role: 'user', content }];
const image = (url) => user([{ type: 'text', text: 'What?' }, { type: 'image_url', image_url: { url } }]);
const DATA = 'data:image/png;base64,QUJD';
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }];
const long = user('word '.repeat(10000));

for (const [name, row, body, reason] of [
	['images on a text model', { images: 'off' }, { messages: image(DATA) }, 'cannot_take_images'],
	['an image to fetch, at one that fetches none', { image_urls: 'off' }, { messages: image('https://example.com/a.png') }, 'cannot_take_image_urls'],
	['tools on a model without', { tools: 'off' }, { tools }, 'cannot_take_tools'],
	['a JSON schema', { json_schema: 'off' }, { response_format: schema }, 'cannot_take_json_schema'],
	['more than the window', { context: 5000 }, { messages: long }, 'context_window'],
]) {
	await test(`${name}: gone past before anything is spent`, async (t) => {
		const stage = await play(t, { alpha: '503', beta: '200', gamma: '200' },
			{ models: facts('beta', row), chain: { retries: 0 } });
		const answer = await chat(stage.weir, ask(stage.model, nonce(), body));
		const past = await stage.weir.event('fallback', (e) => e.from === stage.at('beta'));

		assert.deepEqual(tries(answer), ['alpha overloaded', 'gamma ok']);
		assert.equal(await stage.hits('beta'), 0);
		assert.deepEqual([past.class, past.reason], ['not_here', reason]);

		await chat(stage.weir, ask(stage.model)); // what it can take, it gets
		assert.equal(await stage.hits('beta'), 1);
	});

	await test(`${name}: the first target is gone past only for one that can`, async (t) => {
		const able = await play(t, { alpha: '200', beta: '200' }, { models: facts('alpha', row) });
		const alone = await play(t, { alpha: '200', beta: '200' },
			{ models: (at) => ({ [at('alpha')]: row, [at('beta')]: row }) });

		assert.deepEqual(tries(await chat(able.weir, ask(able.model, nonce(), body))), ['beta ok']);
		assert.deepEqual(tries(await chat(able.weir, ask(able.model))), ['alpha ok']);
		assert.deepEqual(tries(await chat(alone.weir, ask(alone.model, nonce(), body))), ['alpha ok']);
	});
}

await test('an estimate does not take the last target away, unless it cannot be that wrong', async (t) => {
	for (const [context, expected] of [[12000, ['alpha overloaded', 'beta ok']], [5000, ['alpha overloaded']]]) {
		const stage = await play(t, { alpha: '503', beta: '200' }, { models: facts('beta', { context }), chain: { retries: 0 } });

		assert.deepEqual(tries(await chat(stage.weir, ask(stage.model, nonce(), { messages: long }))), expected);
	}
});

await test('duplicate and unknown keys, NUL and half an emoji reach a fallback as they came', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' }, { models: facts('beta', { like: 'gpt-4o' }) });
	const body = `{"a":1,"model":"${stage.model}","a":2,"messages":[{"role":"user","content":"\\u0000\\ud83d nonce=1"}],"b":[{"c":1,"c":2}]}`;

	await chat(stage.weir, body);
	assert.equal((await mock.last('beta', stage.model)).body, body);
});

await test('invalid UTF-8 is the caller\'s fault', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const body = Buffer.concat([Buffer.from(`{"model":"${stage.model}","messages":[],"a":"`), Buffer.from([0xff]), Buffer.from('"}')]);

	assert.equal((await chat(stage.weir, body)).status, 400);
	assert.equal(await stage.hits('alpha'), 0);
});

await done();
