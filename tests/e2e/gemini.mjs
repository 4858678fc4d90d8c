// What only Gemini has: signatures that must come back, endings and errors of its own. What it
// has in common with the others is in matrix.mjs and tool_loops.mjs.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { chat, events, post } from './lib/http.mjs';
import { client } from './lib/sdk.mjs';
import { errorOf, tries } from './lib/stage.mjs';

const MODEL = 'gemini-3-flash-preview'; // the simulator refuses calls of its that are not signed
const mock = share(await startMock({ open: '200', claude: '200', google: '200', dead: 'refuse' }));
const weir = share(await startWeir({
	providers: {
		open: { dialect: 'openai', base_url: mock.urls.open },
		dead: { dialect: 'openai', base_url: mock.urls.dead },
		claude: { dialect: 'anthropic', base_url: mock.urls.claude, keys: 'sk-ant-0123456789' },
		google: { dialect: 'gemini', base_url: `${mock.urls.google}/v1beta`, keys: 'AIza-0123456789' },
	},
	chains: {
		m: { retries: 0, steps: [`dead/${MODEL}`, `google/${MODEL}`] },
		alone: { retries: 0, steps: [`google/${MODEL}`] },
		then: { retries: 0, steps: [`google/${MODEL}`, 'open/gpt-4o'] },
		open: { steps: ['open/gpt-4o'] },
		claude: { steps: ['claude/claude-sonnet-4-5'] },
	},
}));

const openai = client(weir);
const anthropic = new Anthropic({ baseURL: `http://${weir.address}`, apiKey: 'sk-the-callers-own' });
const user = (content) => ({ role: 'user', content });
const sent = async (vendor = 'google', model = MODEL) => JSON.parse((await mock.last(vendor, model)).body);
const play = (google, open = '200') => mock.script({ google, open });
const tools = [{ type: 'function', function: { name: 'say', parameters: { type: 'object', properties: {} } } }];

const send = (model, more = {}) => chat(weir, { model, messages: [user('Hi')], ...more });
const calledBy = (calls) => ({ role: 'assistant', content: null, tool_calls: calls });
const resultsOf = (calls) => calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: 'done' }));

await test('it is asked at its own path, with its own key', async () => {
	await play('200');
	const answer = await send('m');
	const { target, headers } = await mock.last('google', MODEL);

	assert.equal(answer.status, 200);
	assert.deepEqual(tries(answer), ['dead unreachable', 'google ok']);
	assert.equal(target, `/v1beta/models/${MODEL}:generateContent`);
	assert.equal(headers['x-goog-api-key'], 'AIza-0123456789');
	assert.equal(headers.authorization, undefined);
	await send('m', { stream: true });
	assert.equal((await mock.last('google', MODEL)).target, `/v1beta/models/${MODEL}:streamGenerateContent?alt=sse`);
});

for (const stream of [false, true]) {
	const how = stream ? 'streamed' : 'whole';

	await test(`a signature comes back, ${how}`, async () => {
		const messages = [user('Do it')];
		let calls;

		await play('200;tools=2,200');
		if (stream) {
			const { choices: [{ message, finish_reason: finish }] } = await openai.chat.completions
				.stream({ model: 'm', messages, tools }).finalChatCompletion();
			assert.equal(finish, 'tool_calls');
			calls = message.tool_calls;
		} else {
			calls = (await openai.chat.completions.create({ model: 'm', messages, tools })).choices[0].message.tool_calls;
		}
		assert.deepEqual(calls.map((c) => c.function.name), ['say', 'say']);
		assert.ok(calls.every(({ id }) => /^[\w-]+$/.test(id)));
		const answer = await send('m', { messages: [...messages, calledBy(calls), ...resultsOf(calls)], tools });
		const [, model, results] = (await sent()).contents;

		assert.equal(answer.status, 200);
		assert.equal(model.parts[0].thoughtSignature, 'bW9jaytzaWduYXR1cmUv');
		assert.equal(model.parts[1].thoughtSignature, undefined);
		assert.deepEqual(results.parts.map((p) => p.functionResponse.id), model.parts.map((p) => p.functionCall.id));
		assert.match(model.parts[0].functionCall.id, /^mock/);
	});

	await test(`calls of another's are let pass without one, ${how}`, async () => {
		const calls = [{ id: 'call_1', type: 'function', function: { name: 'say', arguments: '{}' } }];

		await play('200');
		assert.equal((await send('m', { messages: [user('Do it'), calledBy(calls), ...resultsOf(calls)], tools, stream })).status, 200);
		assert.equal((await sent()).contents[1].parts[0].thoughtSignature, 'skip_thought_signature_validator');
	});
}

await test('a tool loop goes on at the others, who see short ids', async () => {
	await play('200;tools=1');
	const { choices: [{ message: { tool_calls: calls } }] } = await openai.chat.completions
		.create({ model: 'm', messages: [user('Do it')], tools });
	const messages = [user('Do it'), calledBy(calls), ...resultsOf(calls)];

	assert.match(calls[0].id, /__gsig_/);
	assert.equal((await send('open', { messages, tools })).status, 200);
	const [, asked, answered] = (await sent('open', 'gpt-4o')).messages;
	assert.equal(asked.tool_calls[0].id, calls[0].id.split('__')[0]);
	assert.equal(answered.tool_call_id, asked.tool_calls[0].id);
	assert.ok(asked.tool_calls[0].id.length <= 40);
	assert.equal((await send('claude', { messages, tools, max_tokens: 9 })).status, 200);
	const { messages: [, called, result] } = await sent('claude', 'claude-sonnet-4-5');
	assert.equal(called.content[0].id, asked.tool_calls[0].id);
	assert.equal(result.content[0].tool_use_id, asked.tool_calls[0].id);
});

await test('a caller of Anthropic\'s API brings a signature back, too', async () => {
	const body = { model: 'm', max_tokens: 2000, tools: [{ name: 'say', input_schema: { type: 'object' } }] };
	const first = user('Do it');

	await play('200;tools=2,200');
	const message = await anthropic.messages.stream({ ...body, messages: [first] }).finalMessage();
	const results = message.content.map((block) => ({ type: 'tool_result', tool_use_id: block.id, content: 'done' }));

	assert.equal(message.stop_reason, 'tool_use');
	await anthropic.messages.create({ ...body,
		messages: [first, { role: 'assistant', content: message.content }, user(results)] });
	assert.equal((await sent()).contents[1].parts[0].thoughtSignature, 'bW9jaytzaWduYXR1cmUv');
});

await test('what it could not take is told', async () => {
	await play('200');
	const { headers } = await send('m', { logit_bias: { 1: 2 }, user: 'u', seed: 2 ** 40 });

	assert.equal(headers['x-weir-dropped'], 'logit_bias, seed, user');
});

await test('an image that is elsewhere goes past it, and not as a text', async () => {
	const image = user([{ type: 'image_url', image_url: { url: 'https://images.invalid/a.png' } }]);

	await play('200', '200');
	const answer = await send('then', { messages: [image] });
	assert.deepEqual(tries(answer), ['open ok']);
	const refused = await send('alone', { messages: [image] });
	assert.equal(refused.status, 400);
	assert.equal(errorOf(refused).code, 'cannot_carry_image_url');
});

for (const [name, script, cls] of [
	['a call it could not write', '200;tokens=0;finish=MALFORMED_FUNCTION_CALL', 'server_error'],
	['an end nobody knows', '200;tokens=0;finish=NOVELTY', 'server_error'],
	['an error before content', 'error-event;after=0', 'server_error'],
	['a bad key, which is a 400', '400;shape=google;type=INVALID_ARGUMENT;message=API key not valid.', 'credentials'],
]) {
	await test(`${name} falls over`, async (t) => {
		await play(script);
		// of its own, so that nothing is known of the key
		const fresh = t.keep(await startWeir({
			providers: { google: { dialect: 'gemini', base_url: mock.urls.google, keys: 'AIza-0123456789' },
				open: { dialect: 'openai', base_url: mock.urls.open } },
			chains: { m: { retries: 0, steps: [`google/${MODEL}`, 'open/gpt-4o'] } },
		}));
		const answer = await chat(fresh, { model: 'm', messages: [user('Hi')], stream: true });

		assert.deepEqual(tries(answer), [`google ${cls}`, 'open ok']);
	});
}

await test('a filter ends an answer as one', async () => {
	await play('200;finish=SAFETY');
	const answer = await send('m');

	assert.equal(JSON.parse(answer.text).choices[0].finish_reason, 'content_filter');
});

await test('a stream that is cut is not called whole', async () => {
	await play('cut;after=2;clean');
	const { text } = await send('m', { stream: true });
	const list = events(text);

	assert.ok(JSON.parse(list.at(-1).data).error);
	assert.ok(!text.includes('[DONE]'));
});

await test('a stream that says no end but its finish is whole', async () => {
	await play('200');
	const { text } = await send('m', { stream: true, stream_options: { include_usage: true } });
	const list = events(text);

	assert.equal(list.at(-1).data, '[DONE]');
	assert.equal(JSON.parse(list.at(-2).data).usage.completion_tokens, 16);
});

await test('a caller\'s model leads nowhere else', async () => {
	const { status } = await post(weir.address, '/v1/chat/completions',
		JSON.stringify({ model: '../../upload?x=', messages: [user('Hi')] }));

	assert.equal(status, 404);
});

done();
