// OpenAI's responses API, by its own client: passed on byte for byte among the targets that
// speak it, gone past at the others. What an account keeps stays with it.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { nonce, post, said } from './lib/http.mjs';
import { errorOf, play as playStage, tries } from './lib/stage.mjs';
import { OpenAI, client } from './lib/sdk.mjs';

// The last two are well-known names: of those weir knows what they have not.
const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200', dead: 'refuse', llamacpp: '200',
	bedrock: '200' }));
const play = (t, scripts, more) => playStage(t, mock, scripts, more);
const question = (stage, token, more) => ({ model: stage.model, input: `nonce=${token}`, ...more });
const send = (stage, body) => post(stage.weir.address, '/v1/responses', body);
const AZURE = (vendor) => ({ dialect: 'azure', base_url: mock.urls[vendor], keys: 'azure-0123456789abcdef' });

// { text, status, id, usage, trail }
async function respond(stage, body) {
	const { data, response } = await client(stage.weir).responses.create(body).withResponse();
	const headers = Object.fromEntries(response.headers);
	let last = data;
	let text = '';

	if (body.stream)
		for await (const event of data) {
			text += event.type === 'response.output_text.delta' ? event.delta : '';
			last = event.response ?? last;
		}
	return { text: body.stream ? text : data.output_text, status: last.status, id: last.id, usage: last.usage,
		tries: tries({ headers }) };
}

for (const stream of [false, true]) {
	const how = stream ? 'streamed' : 'whole';

	await test(`an answer, ${how}`, async (t) => {
		const stage = await play(t, { alpha: '200' });
		const token = nonce();
		const answer = await respond(stage, question(stage, token, { stream }));
		const [line] = await stage.lines(1);

		assert.equal(answer.text, said('alpha', token));
		assert.equal(answer.status, 'completed');
		assert.deepEqual(answer.tries, ['alpha ok']);
		assert.equal(line.tokens_in, answer.usage.input_tokens);
		assert.equal(line.tokens_out, 16);
	});

	for (const [name, script, cls] of [
		['refused', 'refuse', 'unreachable'],
		['429', '429', 'rate_limited'],
		['500', '500', 'server_error'],
		['error under 200', 'error-200', 'server_error'],
		['no output', 'no-choices', 'server_error'],
		...(stream ? [
			['failed before content', 'error-event;after=0', 'server_error'],
			['failed for a limit, before content', 'error-event;after=0;code=rate_limit_exceeded', 'rate_limited'],
			['cut before content', 'cut@role', 'cut'],
		] : []),
	]) {
		await test(`${name}: gone past, ${how}`, async (t) => {
			const first = script === 'refuse' ? 'dead' : 'alpha';
			const stage = await play(t, { [first]: first === 'dead' ? '' : script, beta: '200' });
			const token = nonce();
			const answer = await respond(stage, question(stage, token, { stream }));

			assert.equal(answer.text, said('beta', token));
			assert.deepEqual(answer.tries, [`${first} ${cls}`, 'beta ok']);
		});
	}

	await test(`Azure speaks it by the v1 form, ${how}`, async (t) => {
		const stage = await play(t, { dead: '', alpha: '200' }, { providers: { alpha: AZURE('alpha') } });
		const token = nonce();
		const answer = await respond(stage, question(stage, token, { stream }));

		assert.equal(answer.text, said('alpha', token));
		assert.deepEqual(answer.tries, ['dead unreachable', 'alpha ok']);
		assert.equal((await mock.last('alpha', stage.model)).target, '/openai/v1/responses');
	});

	await test(`who does not speak it is gone past, ${how}`, async (t) => {
		const stage = await play(t, { alpha: '200', beta: '200', gamma: '200' }, { providers: {
			alpha: { ...AZURE('alpha'), api_version: '2024-10-21' },
			beta: { dialect: 'anthropic', base_url: mock.urls.beta, keys: 'sk-ant-0123456789' } } });
		const answer = await respond(stage, question(stage, nonce(), { stream }));

		assert.deepEqual(answer.tries, ['gamma ok']);
		assert.equal(await stage.fallbacks({ class: 'not_here' }), 2);
		assert.equal(await stage.hits('alpha') + await stage.hits('beta'), 0);
	});

	await test(`when nobody speaks it that is said, ${how}`, async (t) => {
		const stage = await play(t, { alpha: '200' }, { providers: {
			alpha: { dialect: 'anthropic', keys: 'sk-ant-0123456789' } } });
		const error = await respond(stage, question(stage, nonce(), { stream })).then(() => null, (e) => e);

		assert.ok(error instanceof OpenAI.BadRequestError);
		assert.equal(error.code, 'cannot_carry_route');
		assert.equal(await stage.hits('alpha'), 0);
	});

	await test(`a bad request is the caller's, unchanged, ${how}`, async (t) => {
		const stage = await play(t, { alpha: '400', beta: '200' });
		const error = await respond(stage, question(stage, nonce(), { stream })).then(() => null, (e) => e);

		assert.ok(error instanceof OpenAI.BadRequestError);
		assert.equal(await stage.hits('beta'), 0);
	});
}

await test('the body goes as it came but for the model, and so does the stream', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const text = `{ "model": "${stage.model}", "input": [ {"role":"user","content":"nonce=x"} ],\n "stream" : true, "novelty": 1e2 }`;
	const answer = await send(stage, Buffer.from(text));
	const direct = await post(mock.address('alpha'), '/v1/responses', text);
	const plain = (stream) => stream.replaceAll(/(resp|msg)_alpha-\d+/g, '$1');

	assert.equal((await mock.last('alpha', stage.model)).body, text);
	assert.equal(plain(answer.text), plain(direct.text));
	assert.match(answer.text, /^event: response\.created\n/);
	assert.match(answer.text, /event: response\.completed\ndata: [^\n]+\n\n$/);
	assert.doesNotMatch(answer.text, /\[DONE\]/);
});

await test('what the limit of tokens cut is an answer', async (t) => {
	const stage = await play(t, { alpha: '200', beta: '200' });

	for (const stream of [false, true]) {
		const answer = await respond(stage, question(stage, nonce(), { stream, max_output_tokens: 3 }));

		assert.equal(answer.status, 'incomplete');
		assert.deepEqual(answer.tries, ['alpha ok']);
	}
});

await test('a stream cut after content ends with an error event, and no other target', async (t) => {
	const stage = await play(t, { alpha: 'cut;after=3', beta: '200' });
	const answer = await send(stage, question(stage, nonce(), { stream: true }));
	const end = answer.text.slice(answer.text.lastIndexOf('event:'));
	const event = JSON.parse(end.match(/^event: error\ndata: (.*)\n\n$/)[1]);

	assert.equal(event.type, 'error');
	assert.equal(event.code, 'stream_cut');
	assert.equal(event.error.code, 'stream_cut');
	assert.equal(await stage.hits('beta'), 0);
	await assert.rejects(respond(stage, question(stage, nonce(), { stream: true })), (error) =>
		error instanceof OpenAI.APIError && error.code === 'stream_cut');
});

await test('a failure after content is passed on as it came', async (t) => {
	const stage = await play(t, { alpha: 'error-event;after=3;code=server_error;message=Broken.', beta: '200' });
	const answer = await send(stage, question(stage, nonce(), { stream: true }));
	const names = [...answer.text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name);

	assert.equal(names.at(-1), 'response.failed');
	assert.match(answer.text, /"message":"Broken\."/);
	assert.equal(await stage.hits('beta'), 0);
});

for (const [name, more] of [
	['previous_response_id', { previous_response_id: 'resp_of-long-ago' }],
	['conversation', { conversation: 'conv_1' }],
	['background', { background: true }],
	['a stored prompt', { prompt: { id: 'pmpt_1' } }],
	['a reference to an item', { input: [{ type: 'item_reference', id: 'msg_1' }] }],
	['a stored file', { input: [{ role: 'user', content: [{ type: 'input_file', file_id: 'file-1' }] }] }],
	['a store of vectors', { tools: [{ type: 'file_search', vector_store_ids: ['vs_1'] }] }],
	['sealed reasoning', { input: [{ type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'gAAA' }] }],
]) {
	await test(`${name} does not leave the account`, async (t) => {
		const stage = await play(t, { alpha: '503', beta: '200' });
		const answer = await send(stage, question(stage, nonce(), more));

		assert.equal(answer.status, 503);
		assert.deepEqual(errorOf(answer).attempts.map(({ target }) => target), [stage.at('alpha')]);
		assert.equal(await stage.hits('beta'), 0);
	});
}

await test("a caller's words about such things bind nothing", async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' });
	const input = 'what is "file_id", "encrypted_content": "x" and "item_reference"?';

	assert.deepEqual(tries(await send(stage, question(stage, nonce(), { input, background: false }))),
		['alpha overloaded', 'beta ok']);
	assert.deepEqual(tries(await send(stage, question(stage, nonce(), { previous_response_id: null }))),
		['alpha overloaded', 'beta ok']);
});

await test('what is gone on from an answer goes where that came from', async (t) => {
	const stage = await play(t, { alpha: '503,200', beta: '200' });
	const first = await respond(stage, question(stage, nonce(), { stream: true }));
	const second = await respond(stage, question(stage, nonce(), { previous_response_id: first.id }));
	const third = await respond(stage, question(stage, nonce(), { previous_response_id: second.id, stream: true }));

	assert.deepEqual(first.tries, ['alpha overloaded', 'beta ok']);
	assert.deepEqual(second.tries, ['beta ok']);
	assert.deepEqual(third.tries, ['beta ok']);
	assert.equal(await stage.hits('alpha'), 1);
});

await test('of several keys, too', async (t) => {
	const stage = await play(t, { alpha: '200' }, { providers: { alpha: { keys: ['sk-one-0123456789', 'sk-two-0123456789'] } } });
	const firsts = [];

	for (let i = 0; i < 4; i++)
		firsts.push(await respond(stage, question(stage, nonce())));
	assert.deepEqual(new Set(firsts.map(({ tries: [one] }) => one)), new Set(['alpha#1 ok', 'alpha#2 ok']));
	for (const { id, tries: [one] } of firsts)
		assert.deepEqual((await respond(stage, question(stage, nonce(), { previous_response_id: id }))).tries, [one]);
});

await test('what acts is not sent twice', async (t) => {
	const stage = await play(t, { alpha: 'reset,200' }, { chain: { retries: 2 } });
	const answer = await send(stage, question(stage, nonce(), { conversation: 'conv_1' }));

	assert.equal(answer.status, 502);
	assert.equal(await stage.hits('alpha'), 1);
});

await test('who is known not to have a route is gone past', async (t) => {
	const stage = await play(t, { llamacpp: '200', bedrock: '200', alpha: '200' });
	const embeddings = await client(stage.weir).embeddings.create({ model: stage.model, input: 'a' }).withResponse();

	assert.deepEqual((await respond(stage, question(stage, nonce()))).tries, ['bedrock ok']);
	assert.deepEqual(tries({ headers: Object.fromEntries(embeddings.response.headers) }), ['llamacpp ok']);
	await stage.script({ llamacpp: '500' });
	const { data, response } = await client(stage.weir).embeddings
		.create({ model: stage.model, input: ['a', 'b'] }).withResponse();

	assert.deepEqual(tries({ headers: Object.fromEntries(response.headers) }), ['llamacpp server_error', 'alpha ok']);
	assert.deepEqual(data.data.map(({ embedding }) => embedding.length), [8, 8]);
	assert.equal(JSON.parse((await mock.last('alpha', stage.model)).body).encoding_format, 'base64');
	assert.equal(await stage.hits('bedrock'), 1);
});

done();
