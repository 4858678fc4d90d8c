// Callers who speak to another proxy, and come to weir with nothing changed but the address.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { nonce, said } from './lib/http.mjs';
import { client, complete } from './lib/sdk.mjs';
import { errorOf, play as playStage, tries } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));

const play = (t, scripts, { compat = ['litellm'], top, ...more } = {}) =>
	playStage(t, mock, scripts, { top: { compat, ...top }, ...more });
const sent = async (stage, vendor) => JSON.parse((await mock.last(vendor, stage.model)).body);

// ---- LiteLLM ----

await test('the OpenAI client with extra body for LiteLLM', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200', gamma: '200' },
		{ steps: (at) => [at('alpha'), at('beta'), at('gamma')] });
	const token = nonce();
	const answer = await complete(client(stage.weir), {
		model: stage.model,
		messages: [{ role: 'user', content: `nonce=${token}` }],
		fallbacks: [{ [stage.model]: [stage.at('gamma')] }],
		request_timeout: 30,
		max_retries: 0,
		drop_params: true,
		metadata: { generation_name: 'x', tags: ['a'] },
		tags: ['b'],
		'no-log': true,
		litellm_session_id: 's',
		api_key: 'sk-not-yours',
		api_base: 'http://169.254.169.254/',
		user: 'u1',
	});
	const body = await sent(stage, 'gamma');

	assert.equal(answer.text, said('gamma', token));
	assert.deepEqual(tries({ headers: Object.fromEntries(answer.response.headers) }),
		['alpha overloaded', 'gamma ok']);
	assert.equal(answer.response.headers.get('x-weir-dropped'), 'api_key, api_base');
	assert.deepEqual(Object.keys(body).sort(), ['messages', 'model', 'user']);
});

await test('without compat the same fields go to the provider', async (t) => {
	const stage = await play(t, { alpha: '200' }, { compat: [] });
	const answer = await stage.ask({ body: { metadata: { a: 'b' }, api_key: 'x' } });
	const body = await sent(stage, 'alpha');

	assert.equal(answer.status, 200);
	assert.deepEqual(body.metadata, { a: 'b' });
	assert.equal(body.api_key, 'x');
	assert.equal(answer.headers['x-weir-dropped'], undefined);
});

await test('mock_testing_fallbacks goes past the first step', async (t) => {
	const stage = await play(t, { alpha: '200', beta: '200' });
	const answer = await stage.ask({ body: { mock_testing_fallbacks: true } });

	assert.deepEqual(tries(answer), ['beta ok']);
	assert.equal(await stage.hits('alpha'), 0);
	assert.equal((await stage.weir.event('fallback')).reason, 'mock_testing_fallbacks');
});

await test('mock_testing_fallbacks without a fallback is refused', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const answer = await stage.ask({ body: { mock_testing_fallbacks: true } });

	assert.equal(answer.status, 400);
	assert.equal(errorOf(answer).param, 'mock_testing_fallbacks');
	assert.equal(await stage.hits('alpha'), 0);
});

await test('mock_response is refused, and nobody is paid', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const answer = await stage.ask({ body: { mock_response: 'hi' } });

	assert.equal(answer.status, 400);
	assert.equal(errorOf(answer).param, 'mock_response');
	assert.equal(errorOf(answer).code, 'not_supported');
	assert.equal(await stage.hits('alpha'), 0);
});

await test('disable_fallbacks: the first step only', async (t) => {
	const stage = await play(t, { alpha: '503', beta: '200' });
	const answer = await stage.ask({ body: { disable_fallbacks: true } });

	assert.equal(answer.status, 503);
	assert.deepEqual(tries(answer), ['alpha overloaded']);
	assert.equal(await stage.hits('beta'), 0);
});

await test('context_window_fallbacks take what is too long for the others', async (t) => {
	const windows = { alpha: 8000, beta: 8000, gamma: 200000 };
	const stage = await play(t, { alpha: 'context-length', beta: '200', gamma: '200' }, {
		models: (at) => Object.fromEntries(Object.entries(windows).map(([v, context]) => [at(v), { context }])),
	});
	const answer = await stage.ask({ body: {
		fallbacks: [stage.at('beta')],
		context_window_fallbacks: [{ other: ['nobody'] }, { [stage.model]: [stage.at('gamma')] }],
	} });

	assert.deepEqual(tries(answer), ['alpha not_here', 'gamma ok']);
	assert.equal(await stage.hits('beta'), 0);
});

done();
