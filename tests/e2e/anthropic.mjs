// Callers who speak Anthropic's API, with its unmodified client. Towards vendors who speak it
// too bytes pass as they came; gamma speaks OpenAI's, and is asked and heard in that.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { nonce, post, request, said } from './lib/http.mjs';
import { play as playStage, tries } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200', dead: 'refuse' }));
const SHORT = { first_token_timeout: '400ms', attempt_timeout: '400ms' };
const FOREIGN = { dialect: 'anthropic', keys: 'sk-ant-0123456789' };
const play = (t, scripts, more = {}) => playStage(t, mock, scripts, {
	providers: Object.fromEntries(Object.keys(scripts).filter((v) => v !== 'gamma').map((v) => [v, FOREIGN])),
	...more });

const client = (stage) => new Anthropic({ baseURL: `http://${stage.weir.address}`, apiKey: 'sk-the-callers-own', maxRetries: 2 });
const user = (content) => ({ role: 'user', content });
const question = (stage, token, more) => ({ model: stage.model, max_tokens: 100, messages: [user(`nonce=${token}`)], ...more });
const send = (stage, body, options) => post(stage.weir.address, '/v1/messages', body, options);
const last = (stage, vendor) => mock.last(vendor, stage.model);

// { text, stop, response }
async function complete(stage, body) {
	if (!body.stream) {
		const { data, response } = await client(stage).messages.create(body).withResponse();
		return { text: data.content[0].text, stop: data.stop_reason, response };
	}
	const stream = client(stage).messages.stream(body);
	const message = await stream.finalMessage();
	return { text: message.content[0].text, stop: message.stop_reason, response: stream.response };
}

const triesOf = (answer) => tries({ headers: Object.fromEntries(answer.response.headers) });

for (const stream of [false, true]) {
	const how = stream ? 'streamed' : 'whole';

	await test(`an answer, ${how}`, async (t) => {
		const stage = await play(t, { alpha: '200' });
		const token = nonce();
		const answer = await complete(stage, question(stage, token, { stream }));

		assert.equal(answer.text, said('alpha', token));
		assert.equal(answer.stop, 'end_turn');
		assert.deepEqual(triesOf(answer), ['alpha ok']);
		assert.match(answer.response.headers.get('request-id'), /^req_/);
	});

	for (const [name, script, cls, chain] of [
		['refused', 'refuse', 'unreachable'],
		['529', '529', 'overloaded'],
		['429', '429', 'rate_limited'],
		['credit balance too low, a 400', 'quota;status=400', 'quota'],
		['bad key', '401', 'credentials'],
		['unknown model', '404', 'not_here'],
		['silence', 'hang', 'slow', SHORT],
		['error under 200', 'error-200', 'server_error'],
		...(stream ? [
			['error event before content', 'error-event;after=0', 'overloaded'],
			['cut before content', 'cut@role', 'cut'],
			['no content', 'no-choices', 'server_error'],
		] : []),
	]) {
		await test(`${name}: gone past, ${how}`, async (t) => {
			const first = script === 'refuse' ? 'dead' : 'alpha';
			const stage = await play(t, { [first]: first === 'dead' ? '' : script, beta: '200' },
				{ steps: (at) => [{ target: at(first), ...chain }, at('beta')] });
			const token = nonce();
			const answer = await complete(stage, question(stage, token, { stream }));

			assert.equal(answer.text, said('beta', token));
			assert.deepEqual(triesOf(answer), [`${first} ${cls}`, 'beta ok']);
		});
	}
}

await test('the body goes as it came, and so do its own header fields', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const text = `{ "model": "${stage.model}", "max_tokens":10,\n "novelty": [1.0, 18446744073709551616],`
		+ ` "messages":[{"role":"user","content":"x \\ud83d"}], "fallbacks":[{"model":"z"}] }`;
	const answer = await post(stage.weir.address, '/v1/messages?beta=true', text, { headers: {
		'anthropic-version': '2026-10-21', 'anthropic-beta': 'a-1,b-2', 'x-api-key': 'sk-mine' } });
	const { headers, body, target } = await last(stage, 'alpha');

	assert.equal(answer.status, 200);
	assert.equal(target, '/v1/messages');
	assert.equal(body, text);
	assert.equal(headers['anthropic-version'], '2026-10-21');
	assert.equal(headers['anthropic-beta'], 'a-1,b-2');
	assert.equal(headers['x-api-key'], 'sk-ant-0123456789');
});

await test('without a version of his own the caller gets the classic one', async (t) => {
	const stage = await play(t, { alpha: '200' });

	await send(stage, question(stage, nonce(), { fallbacks: [], timeout: 5 }));
	const { headers, body } = await last(stage, 'alpha');

	assert.equal(headers['anthropic-version'], '2023-06-01');
	assert.deepEqual(Object.keys(JSON.parse(body)), ['model', 'max_tokens', 'messages']);
});

await test('a stream goes as it came', async (t) => {
	const stage = await play(t, { alpha: '200;tokens=2' });
	const answer = await send(stage, question(stage, 'a', { stream: true }));
	const names = [...answer.text.matchAll(/^event: (.*)$/gm)].map((m) => m[1]);

	assert.deepEqual(names, ['message_start', 'content_block_start', 'ping', 'content_block_delta',
		'content_block_delta', 'content_block_stop', 'message_delta', 'message_stop']);
	assert.ok(answer.text.endsWith('event: message_stop\ndata: {"type":"message_stop"}\n\n'));
	assert.ok(answer.whole);
});

// What the mock says once, whether a stream was asked for or not.
const json = (value) =>
	`200;content-type=application%2Fjson;text=${encodeURIComponent(JSON.stringify(value))}`;

await test('a tool whose name is too long for the other API keeps it', async (t) => {
	const stage = await play(t, { gamma: '200' });
	const name = 'look_up_the_weather_'.repeat(5);
	const body = question(stage, nonce(), { tools: [{ name, input_schema: { type: 'object' } }] });

	await client(stage).messages.create(body);
	const [tool] = JSON.parse((await last(stage, 'gamma')).body).tools;

	assert.equal(tool.function.name.length, 64);
	await stage.script({ gamma: json({ id: 'x', model: 'm', choices: [{ index: 0, finish_reason: 'tool_calls',
		message: { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function',
			function: { name: tool.function.name, arguments: '{"a":1}' } }] } }] }) });
	const { content } = await client(stage).messages.create(body);

	assert.deepEqual(content, [{ type: 'tool_use', id: 'c', name, input: { a: 1 } }]);
});

await test('a whole message to who asked for a stream becomes one', async (t) => {
	const content = [{ type: 'thinking', thinking: 'hm', signature: 'S' }, { type: 'text', text: 'Hi' },
		{ type: 'tool_use', id: 't', name: 'f', input: { a: [1, '"'] } }];
	const stage = await play(t, { alpha: json({ id: 'msg_1', type: 'message', role: 'assistant', model: 'm', content,
		stop_reason: 'tool_use', stop_sequence: null, usage: { input_tokens: 3, output_tokens: 5 } }) });
	const message = await client(stage).messages.stream(question(stage, nonce())).finalMessage();

	assert.deepEqual(message.content, content);
	assert.equal(message.stop_reason, 'tool_use');
	assert.equal(message.usage.output_tokens, 5);
});

for (const [name, script, pattern] of [
	['cut', 'cut;after=3', /"type":"api_error".*cut off/],
	['error event', 'error-event;after=3', /"type":"overloaded_error"/],
]) {
	await test(`${name} after content: an honest end`, async (t) => {
		const stage = await play(t, { alpha: script, beta: '200' });
		const answer = await send(stage, question(stage, nonce(), { stream: true }));
		const events = answer.text.trim().split('\n\n');

		assert.match(events.at(-1), /^event: error\ndata: {"type":"error"/);
		assert.match(events.at(-1), pattern);
		assert.ok(!answer.text.includes('message_stop'));
		assert.ok(!answer.whole);
		assert.equal(await stage.hits('beta'), 0);
	});
}

await test('everybody is overloaded: 529 in the caller\'s shape', async (t) => {
	const stage = await play(t, { alpha: '529', beta: '529' });
	const answer = await send(stage, question(stage, nonce()));
	const { type, error, request_id: id } = JSON.parse(answer.text);

	assert.equal(answer.status, 529);
	assert.equal(type, 'error');
	assert.equal(error.type, 'overloaded_error');
	assert.deepEqual(error.attempts.map((a) => a.class), ['overloaded', 'overloaded']);
	assert.equal(id, answer.headers['x-weir-request-id']);
});

for (const [script, status, type] of [
	['429', 429, 'rate_limit_error'], ['500', 502, 'api_error'], ['hang', 504, 'timeout_error'],
]) {
	await test(`everybody says ${script}: ${status} ${type}`, async (t) => {
		const stage = await play(t, { alpha: script }, { chain: SHORT });
		const answer = await send(stage, question(stage, nonce()));

		assert.equal(answer.status, status);
		assert.equal(JSON.parse(answer.text).error.type, type);
	});
}

await test('the caller\'s fault comes back unchanged', async (t) => {
	const stage = await play(t, { alpha: '400', beta: '200' });

	await assert.rejects(complete(stage, question(stage, nonce())), (error) =>
		error instanceof Anthropic.BadRequestError && /at least one/.test(error.message));
	assert.equal(await stage.hits('beta'), 0);
});

await test('weir\'s own refusals have his shape', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const unknown = await send(stage, { ...question(stage), model: 'nobody' });
	const broken = await send(stage, '{');

	assert.equal(unknown.status, 404);
	assert.equal(JSON.parse(unknown.text).error.type, 'not_found_error');
	assert.equal(broken.status, 400);
	assert.equal(JSON.parse(broken.text).error.type, 'invalid_request_error');
});

await test('tokens are counted by who can', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' });
	const counted = await client(stage).messages.countTokens(
		{ model: stage.model, messages: [user('hello there')] });

	assert.ok(counted.input_tokens > 0);
	assert.equal((await last(stage, 'beta')).target, '/v1/messages/count_tokens');
});

await test('tokens are guessed when nobody can count', async (t) => {
	const failing = await play(t, { alpha: '503' });
	const other = await playStage(t, mock, { beta: '200' });

	for (const stage of [failing, other]) {
		const answer = await post(stage.weir.address, '/v1/messages/count_tokens',
			{ model: stage.model, messages: [user('x'.repeat(400))] });

		assert.equal(answer.status, 200);
		assert.ok(JSON.parse(answer.text).input_tokens > 100);
	}
	assert.equal(await other.hits('beta'), 0);
});

await test('signs of life are pings, and a late failure is an event', async (t) => {
	const stage = await play(t, { alpha: 'hang' }, { chain: { ...SHORT, early_keepalive: '100ms' } });
	const answer = await send(stage, question(stage, nonce(), { stream: true }));

	assert.equal(answer.status, 200);
	assert.ok(answer.text.startsWith('event: ping\n'));
	assert.match(answer.text.trim().split('\n\n').at(-1),
		/^event: error\ndata: {"type":"error","error":{"type":"timeout_error"/);
	assert.ok(!answer.whole);
});

for (const stream of [false, true]) {
	const how = stream ? 'streamed' : 'whole';

	await test(`falls to the other API, ${how}`, async (t) => {
		const stage = await play(t, { alpha: '529', gamma: '200;tokens=7' });
		const token = nonce();
		const answer = await complete(stage, question(stage, token,
			{ stream, system: 'Be brief', temperature: 0.5, top_k: 3 }));
		const { body, headers, target } = await last(stage, 'gamma');
		const sent = JSON.parse(body);

		assert.equal(answer.text, said('gamma', token, 7));
		assert.equal(answer.stop, 'end_turn');
		assert.deepEqual(triesOf(answer), ['alpha overloaded', 'gamma ok']);
		assert.equal(answer.response.headers.get('x-weir-dropped'), 'top_k');
		assert.equal(target, '/v1/chat/completions');
		assert.equal(headers['anthropic-version'], undefined);
		assert.equal(headers['x-api-key'], undefined);
		assert.deepEqual(sent.messages[0], { role: 'system', content: 'Be brief' });
		assert.equal(sent.max_tokens, 100);
	});

	for (const calls of [1, 3]) {
		await test(`${calls} tool calls of the other API, ${how}`, async (t) => {
			const stage = await play(t, { alpha: '529', gamma: `200;tools=${calls}` });
			const token = nonce();
			const body = question(stage, token, { tools: [{ name: 'say', input_schema: { type: 'object' } }] });
			const message = stream ? await client(stage).messages.stream(body).finalMessage()
				: await client(stage).messages.create(body);

			assert.equal(message.stop_reason, 'tool_use');
			assert.deepEqual(message.content.map((c) => c.type), Array(calls).fill('tool_use'));
			message.content.slice(0, -1).forEach((c, n) => assert.deepEqual(c.input, { n }));
			assert.deepEqual(message.content.at(-1).input, { text: said('gamma', token) });
			assert.ok(message.usage.output_tokens > 0);

			await stage.script({ gamma: '200' });
			const results = message.content.map((c) => ({ type: 'tool_result', tool_use_id: c.id, content: 'R' }));
			const next = await client(stage).messages.create({
				...body,
				messages: [...body.messages, { role: 'assistant', content: message.content },
					user([...results, { type: 'text', text: `nonce=${token}` }])],
			});
			const turns = JSON.parse((await last(stage, 'gamma')).body).messages;

			assert.equal(next.content[0].text, said('gamma', token));
			assert.deepEqual(turns.map((m) => m.role),
				['user', 'assistant', ...Array(calls).fill('tool'), 'user']);
			assert.deepEqual(turns[1].tool_calls.map((c) => c.id), message.content.map((c) => c.id));
		});
	}
}

for (const [name, script, pattern] of [
	['cut', 'cut;after=3', /"type":"api_error".*cut off/],
	['error event', 'error-event;after=3', /"type":"api_error"/],
]) {
	await test(`${name} after content of the other API: an honest end`, async (t) => {
		const stage = await play(t, { gamma: script });
		const answer = await send(stage, question(stage, nonce(), { stream: true }));

		assert.match(answer.text.trim().split('\n\n').at(-1), pattern);
		assert.ok(!answer.text.includes('message_stop'));
		assert.ok(!answer.whole);
	});
}

await test('too long for the other API: in the words its callers look for', async (t) => {
	const stage = await play(t, { gamma: 'context-length' });
	const answer = await send(stage, question(stage, nonce()));
	const { error } = JSON.parse(answer.text);

	assert.equal(answer.status, 400);
	assert.deepEqual(error, { type: 'invalid_request_error',
		message: 'prompt is too long: 9001 tokens > 8192 maximum' });
});

await test('what the other API cannot carry is gone past', async (t) => {
	const stage = await play(t, { alpha: '529', gamma: '200', beta: '200' });
	const token = nonce();
	const answer = await complete(stage, question(stage, token,
		{ mcp_servers: [{ type: 'url', url: 'https://x.test', name: 'x' }] }));

	assert.equal(answer.text, said('beta', token));
	assert.deepEqual(triesOf(answer), ['alpha overloaded', 'beta ok']);
});

await test('models are the chains, for their client too', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const listed = [];

	for await (const model of client(stage).models.list({ limit: 1000 }))
		listed.push(model);
	assert.deepEqual(listed.map(({ id, type, display_name: name }) => [id, type, name]),
		[[stage.model, 'model', stage.model]]);
	assert.ok(!Number.isNaN(Date.parse(listed[0].created_at)));
	assert.equal((await client(stage).models.retrieve(stage.model)).display_name, stage.model);
	await assert.rejects(client(stage).models.retrieve('none'), Anthropic.NotFoundError);
});

await test('who looks whether anybody is there finds somebody', async (t) => {
	const stage = await play(t, { alpha: '200' });

	for (const path of ['/', '/api/hello'])
		assert.equal((await request(stage.weir.address, path, { method: 'HEAD' })).status, 200, path);
	assert.equal((await request(stage.weir.address, '/api/hello')).status, 404);
	assert.equal(await stage.hits('alpha'), 0);
});

done();
