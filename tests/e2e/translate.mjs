// A chain of an OpenAI-speaking vendor and one that speaks Anthropic's API: the unmodified
// OpenAI client cannot tell who answered, but by the model and the trail.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { chat, ask, events, nonce, said, textOf } from './lib/http.mjs';
import { OpenAI, client, complete } from './lib/sdk.mjs';
import { errorOf, play as playStage, tries } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200', dead: 'refuse' }));
const SHORT = { first_token_timeout: '400ms', attempt_timeout: '400ms' };
const FOREIGN = { dialect: 'anthropic', keys: 'sk-ant-0123456789' };
const STREAMED = [false, true];
const word = (stream) => (stream ? 'streamed' : 'whole');

// alpha speaks OpenAI's API, beta Anthropic's.
const play = (t, scripts, more = {}) => playStage(t, mock, scripts, { providers: { beta: FOREIGN }, ...more });

const user = (content) => ({ role: 'user', content });
const sent = async (stage, vendor = 'beta') => JSON.parse((await mock.last(vendor, stage.model)).body);

for (const [name, script, cls, chain] of [
	['refused', 'refuse', 'unreachable'],
	['503', '503', 'overloaded'],
	['429', '429', 'rate_limited'],
	['out of quota', 'quota', 'quota'],
	['silence', 'hang', 'slow', SHORT],
	['cut before content', 'reset@role', 'cut'],
]) {
	for (const stream of STREAMED) {
		if (script === 'reset@role' && !stream)
			continue;
		await test(`${name}: falls to the other API, ${word(stream)}`, async (t) => {
			const first = script === 'refuse' ? 'dead' : 'alpha';
			const stage = await play(t, { [first]: first === 'dead' ? '' : script, beta: '200' },
				{ steps: (at) => [{ target: at(first), ...chain }, at('beta')] });
			const token = nonce();
			const answer = await complete(client(stage.weir),
				{ model: stage.model, stream, messages: [user(`nonce=${token}`)] });

			assert.equal(answer.text, said('beta', token));
			assert.equal(answer.finish, 'stop');
			assert.deepEqual(tries({ headers: Object.fromEntries(answer.response.headers) }),
				[`${first} ${cls}`, 'beta ok']);
		});
	}
}

for (const [name, script, cls] of [
	['529', '529', 'overloaded'],
	['429', '429', 'rate_limited'],
	['credit balance too low, a 400', 'quota;status=400', 'quota'],
	['bad key', '401', 'credentials'],
	['unknown model', '404', 'not_here'],
	['error event before content', 'error-event;after=0', 'overloaded'],
	['cut before content', 'cut@role', 'cut'],
	['no content', 'no-choices', 'server_error'],
]) {
	await test(`${name}: falls back from the other API`, async (t) => {
		const stage = await play(t, { beta: script, alpha: '200' });
		const token = nonce();
		const answer = await chat(stage.weir, ask(stage.model, token, { stream: true }));

		assert.equal(textOf(answer.text), said('alpha', token));
		assert.deepEqual(tries(answer), [`beta ${cls}`, 'alpha ok']);
	});
}

await test('the key goes as x-api-key, with the version, to /v1/messages', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' });
	const answer = await chat(stage.weir, ask(stage.model),
		{ headers: { 'openai-beta': 'x', 'idempotency-key': 'i' } });
	const { headers, target } = await mock.last('beta', stage.model);

	assert.equal(answer.status, 200);
	assert.equal(target, '/v1/messages');
	assert.equal(headers['x-api-key'], 'sk-ant-0123456789');
	assert.equal(headers['anthropic-version'], '2023-06-01');
	assert.equal(headers['idempotency-key'], 'i');
	assert.equal(headers['openai-beta'], undefined);
	assert.equal(headers.authorization, undefined);
	assert.equal(JSON.parse(answer.text).model, stage.model);
});

await test('what it could not take is told', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' });
	const answer = await chat(stage.weir, ask(stage.model, nonce(),
		{ seed: 7, logit_bias: { 1: 2 }, presence_penalty: 0, temperature: 0.5 }));

	assert.equal(answer.headers['x-weir-dropped'], 'logit_bias, seed');
	assert.equal((await stage.weir.event('fields_dropped')).fields, 'logit_bias, seed');
	assert.equal((await sent(stage)).temperature, 0.5);
});

await test('translate: strict, and who would not get all of it is gone past', async (t) => {
	const strict = { chain: { translate: 'strict' } };
	const stage = await play(t, { alpha: '503', beta: '200', gamma: '200' }, strict);
	const alone = await play(t, { beta: '200' }, strict);

	assert.deepEqual(tries(await stage.ask({ body: { seed: 7 } })), ['alpha overloaded', 'gamma ok']);
	assert.equal(await stage.hits('beta'), 0);
	assert.deepEqual(tries(await stage.ask({ body: { temperature: 0.5 } })), ['alpha overloaded', 'beta ok']);

	const refused = await alone.ask({ body: { seed: 7 } });
	assert.equal(refused.status, 400);
	assert.equal(errorOf(refused).code, 'cannot_carry_all');
	assert.equal(await alone.hits('beta'), 0);
});

for (const calls of [1, 3]) {
	for (const stream of STREAMED) {
		await test(`${calls} tool calls, ${word(stream)}`, async (t) => {
			const stage = await play(t, { alpha: '503', beta: `200;tools=${calls}` });
			const token = nonce();
			const body = {
				model: stage.model,
				messages: [user(`nonce=${token}`)],
				tools: [{ type: 'function', function: { name: 'say', parameters: { type: 'object' } } }],
			};
			const openai = client(stage.weir);
			const message = stream
				? await openai.chat.completions.stream(body).finalChatCompletion()
				: await openai.chat.completions.create(body);
			const { tool_calls: made } = message.choices[0].message;

			assert.equal(message.choices[0].finish_reason, 'tool_calls');
			assert.equal(made.length, calls);
			assert.equal(new Set(made.map((c) => c.id)).size, calls);
			made.slice(0, -1).forEach((c, n) => assert.deepEqual(JSON.parse(c.function.arguments), { n }));
			assert.deepEqual(JSON.parse(made.at(-1).function.arguments), { text: said('beta', token) });

			// The next turn, with its results in another order.
			await stage.script({ beta: '200' });
			const results = made.map((c) => ({ role: 'tool', tool_call_id: c.id, content: `of ${c.id}` }));
			const next = await openai.chat.completions.create({
				...body,
				messages: [...body.messages, message.choices[0].message, ...results.reverse(), user(`nonce=${token}`)],
			});
			const turns = (await sent(stage)).messages;

			assert.equal(next.choices[0].message.content, said('beta', token));
			assert.deepEqual(turns.map((m) => m.role), ['user', 'assistant', 'user']);
			assert.deepEqual(turns[1].content.map((c) => c.id), made.map((c) => c.id));
			assert.deepEqual(turns[2].content.map((c) => c.type),
				[...made.map(() => 'tool_result'), 'text']);
			assert.deepEqual(turns[2].content.slice(0, -1).map((c) => c.tool_use_id), made.map((c) => c.id));
		});
	}
}

await test('an image and a schema arrive', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' });
	const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };

	await client(stage.weir).chat.completions.create({
		model: stage.model,
		messages: [user([{ type: 'text', text: 'What?' },
			{ type: 'image_url', image_url: { url: 'data:image/png;base64,QUJD' } }])],
		response_format: { type: 'json_schema', json_schema: { name: 'n', schema, strict: true } },
	});
	const body = await sent(stage);

	assert.deepEqual(body.messages[0].content[1].source,
		{ type: 'base64', media_type: 'image/png', data: 'QUJD' });
	assert.deepEqual(body.output_config.format, { type: 'json_schema', schema });
});

await test('usage is counted, and told by an event of its own', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200;tokens=5' });
	const answer = await chat(stage.weir, ask(stage.model, nonce(),
		{ stream: true, stream_options: { include_usage: true } }));
	const list = events(answer.text).filter((e) => e.data);
	const last = JSON.parse(list.at(-2).data);
	const [line] = await stage.lines(1);

	assert.equal(list.at(-1).data, '[DONE]');
	assert.deepEqual(last.choices, []);
	assert.equal(last.usage.completion_tokens, 5);
	assert.equal(last.usage.total_tokens, last.usage.prompt_tokens + 5);
	assert.equal(line.tokens_out, 5);
});

for (const [name, script, code] of [
	['cut', 'cut;after=3', 'stream_cut'],
	['reset', 'reset@token;after=3', 'stream_cut'],
	['error event', 'error-event;after=3', 'overloaded'],
]) {
	await test(`${name} after content: an honest end`, async (t) => {
		const stage = await play(t, { beta: script });
		const token = nonce();
		const answer = await chat(stage.weir, ask(stage.model, token, { stream: true }));
		const list = events(answer.text).filter((e) => e.data);

		assert.equal(textOf(answer.text), said('beta', token, 3));
		assert.equal(JSON.parse(list.at(-1).data).error.code, code);
		assert.ok(!answer.text.includes('[DONE]'));
		assert.ok(!/"finish_reason":"/.test(answer.text));
		assert.ok(!answer.whole);
	});
}

await test('pings do not stop the first-token clock', async (t) => {
	const stage = await play(t, { beta: 'pings;gap=50ms', alpha: '200' },
		{ steps: (at) => [{ target: at('beta'), ...SHORT }, at('alpha')] });
	const answer = await chat(stage.weir, ask(stage.model, nonce(), { stream: true }));

	assert.deepEqual(tries(answer), ['beta slow', 'alpha ok']);
});

await test('a request it cannot carry goes past it', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200', gamma: '200' });
	const token = nonce();
	const answer = await chat(stage.weir, ask(stage.model, token, { n: 2 }));
	const past = await stage.weir.event('fallback', (e) => e.from === stage.at('beta'));

	assert.equal(JSON.parse(answer.text).choices[0].message.content, said('gamma', token));
	assert.deepEqual(tries(answer), ['alpha overloaded', 'gamma ok']);
	assert.equal(answer.headers['x-weir-attempts'], '2');
	assert.deepEqual([past.class, past.reason], ['not_here', 'cannot_carry_n']);
	assert.equal(await stage.hits('beta'), 0);
	assert.equal(await stage.fallbacks({ from: 'beta', class: 'not_here' }), 1);
});

await test('a request nobody can carry is refused before any call', async (t) => {
	const stage = await play(t, { beta: '200' });
	const answer = await chat(stage.weir, ask(stage.model, nonce(), { logprobs: true }));

	assert.equal(answer.status, 400);
	assert.deepEqual([errorOf(answer).code, errorOf(answer).param], ['cannot_carry_logprobs', 'logprobs']);
	assert.equal(await stage.hits('beta'), 0);
});

await test('the caller\'s fault comes back in his own words', async (t) => {
	const stage = await play(t, { beta: '400', alpha: '200' });

	await assert.rejects(complete(client(stage.weir), { model: stage.model, messages: [user('x')] }),
		(error) => error instanceof OpenAI.BadRequestError &&
			/at least one/.test(error.message) && error.type === 'invalid_request_error');
	assert.equal(await stage.hits('alpha'), 0);
});

await test('a field it refuses is left out, once', async (t) => {
	const stage = await play(t, { alpha: '503', beta: 'unsupported-value;status=400,200' });
	const answer = await chat(stage.weir, ask(stage.model, nonce(), { temperature: 0.5 }));

	assert.deepEqual(tries(answer), ['alpha overloaded', 'beta repairable', 'beta ok']);
	assert.equal((await sent(stage)).temperature, undefined);
	assert.equal(answer.headers['x-weir-dropped'], 'temperature');
});

await test('a stream that was shown goes on only at who speaks the same', async (t) => {
	const stage = await play(t, { alpha: 'cut;after=3', beta: '200', gamma: '200' },
		{ chain: { midstream: 'continue' } });
	const token = nonce();
	const answer = await chat(stage.weir, ask(stage.model, token, { stream: true }));

	assert.equal(textOf(answer.text), said('alpha', token));
	assert.equal(await stage.hits('beta'), 0);
	assert.equal(await stage.hits('gamma'), 1);
});

for (const stream of STREAMED) {
	await test(`a second attempt may speak the other API, ${word(stream)}`, async (t) => {
		const stage = await play(t, { alpha: '200', beta: '200' },
			{ chain: { hedge: 'on', attempt_timeout: '20s' } });
		const token = nonce();

		await stage.asks(20, { body: { stream } });
		await stage.script({ alpha: 'hang' });
		const answer = await complete(client(stage.weir),
			{ model: stage.model, stream, messages: [user(`nonce=${token}`)] });

		assert.equal(answer.text, said('beta', token));
		assert.deepEqual(tries({ headers: Object.fromEntries(answer.response.headers) }),
			['alpha hangup', 'beta ok']);
	});
}

await test('signs of life while waiting, then the other API\'s answer', async (t) => {
	const stage = await play(t, { alpha: 'hang', beta: '200' }, {
		steps: (at) => [{ target: at('alpha'), ...SHORT }, at('beta')],
		chain: { early_keepalive: '100ms' },
	});
	const token = nonce();
	const answer = await chat(stage.weir, ask(stage.model, token, { stream: true }));

	assert.ok(answer.text.startsWith(': waiting'));
	assert.equal(textOf(answer.text), said('beta', token));
	assert.equal(events(answer.text).at(-1).data, '[DONE]');
});

await test('a caller who leaves cancels the call', async (t) => {
	const stage = await play(t, { beta: '200;tokens=1000;gap=10ms' });
	const stream = await client(stage.weir).chat.completions.create(
		{ model: stage.model, stream: true, messages: [user('x')] });

	for await (const chunk of stream) {
		if (chunk.choices[0].delta.content)
			break;
	}
	await stage.inflight('beta', 0);
	assert.equal((await mock.stats('beta', stage.model)).aborts, 1);
});

done();
