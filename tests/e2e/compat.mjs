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

// ---- Portkey ----

const portkey = (config, more = {}) => ({ headers: { 'x-portkey-config': JSON.stringify(config), ...more } });
const playPortkey = (t, scripts, more) => play(t, scripts, { compat: ['portkey'], ...more });

await test('the OpenAI client with a Portkey config among its headers', async (t) => {
	const stage = await playPortkey(t, { alpha: '503', beta: '200', gamma: '200' });
	const token = nonce();
	const answer = await complete(client(stage.weir, {
		defaultHeaders: {
			'x-portkey-api-key': 'pk-1',
			'x-portkey-metadata': JSON.stringify({ _user: 'u' }),
			'x-portkey-trace-id': 't1',
			'x-portkey-config': JSON.stringify({
				strategy: { mode: 'fallback' },
				targets: [
					{ virtual_key: 'alpha-1f', api_key: 'sk-not-yours' },
					{ provider: 'gamma', override_params: { temperature: 0.25, model: stage.model } },
				],
			}),
		},
	}), { model: stage.model, messages: [{ role: 'user', content: `nonce=${token}` }], temperature: 1 });
	const { headers, body } = await mock.last('gamma', stage.model);

	assert.equal(answer.text, said('gamma', token));
	assert.deepEqual(tries({ headers: Object.fromEntries(answer.response.headers) }),
		['alpha overloaded', 'gamma ok']);
	assert.equal(answer.response.headers.get('x-weir-dropped'), 'api_key');
	assert.equal(JSON.parse(body).temperature, 0.25);
	assert.deepEqual(Object.keys(headers).filter((name) => name.startsWith('x-portkey')), []);
	assert.ok(!JSON.stringify(headers).includes('sk-not-yours'));
	assert.equal(await stage.hits('beta'), 0);
});

await test('without compat such a header means nothing', async (t) => {
	const stage = await play(t, { alpha: '200', beta: '200' }, { compat: [] });
	const answer = await stage.ask(portkey({ provider: 'beta' }));

	assert.deepEqual(tries(answer), ['alpha ok']);
});

await test('the timeout of one target is its own', async (t) => {
	const stage = await playPortkey(t, { alpha: 'hang', beta: '200;latency=300ms' });
	const answer = await stage.ask(portkey({
		strategy: { mode: 'fallback' },
		request_timeout: 60_000,
		targets: [{ provider: 'alpha', request_timeout: 200 }, { provider: 'beta' }],
	}));

	assert.deepEqual(tries(answer), ['alpha slow', 'beta ok']);
});

await test('retries of one target are its own', async (t) => {
	const stage = await playPortkey(t, { alpha: '500', beta: '500' });
	const answer = await stage.ask(portkey({
		strategy: { mode: 'fallback' },
		targets: [{ provider: 'alpha', retry: { attempts: 1 } }, { provider: 'beta' }],
	}));

	assert.equal(answer.status, 502);
	assert.deepEqual(tries(answer).map((one) => one.split(' ')[0]), ['alpha', 'alpha', 'beta']);
});

await test('a load is shared by weight, and the other takes over', async (t) => {
	const stage = await playPortkey(t, { alpha: '200', beta: '200' });
	const options = portkey({
		strategy: { mode: 'loadbalance' },
		targets: [{ provider: 'alpha', weight: 1 }, { provider: 'beta', weight: 0 }],
	});

	assert.deepEqual(tries(await stage.ask(options)), ['alpha ok']);
	await stage.script({ alpha: '503' });
	assert.deepEqual(tries(await stage.ask(options)), ['alpha overloaded', 'beta ok']);
});

await test('a saved config is the chain of that name', async (t) => {
	const stage = await playPortkey(t, { alpha: '200', beta: '200' });
	const own = await stage.ask({ headers: { 'x-portkey-config': stage.model } });
	const other = await stage.ask({ headers: { 'x-portkey-config': 'pc-other-1a' } });

	assert.deepEqual(tries(own), ['alpha ok']);
	assert.equal(other.status, 400);
	assert.equal(errorOf(other).code, 'config_not_found');
	assert.equal(errorOf(other).param, 'x-portkey-config');
});

await test('only targets that stand in some chain, and never a host', async (t) => {
	const stage = await playPortkey(t, { alpha: '200', beta: '200' }, { steps: (at) => [at('alpha')] });

	for (const [config, param, code] of [
		[{ provider: 'beta' }, 'x-portkey-config', 'model_not_found'],
		[{ targets: [{ provider: 'alpha' }, { provider: 'alpha', override_params: { model: 'secret' } }] },
			'x-portkey-config.targets[1]', 'model_not_found'],
		[{ provider: 'alpha', custom_host: 'http://169.254.169.254' }, 'x-portkey-config.custom_host', 'not_supported'],
		[{ strategy: { mode: 'conditional', conditions: [], default: 'a' }, targets: [{ provider: 'alpha' }] },
			'x-portkey-config', 'not_supported'],
	]) {
		const answer = await stage.ask(portkey(config));

		assert.equal(answer.status, 400);
		assert.equal(errorOf(answer).param, param);
		assert.equal(errorOf(answer).code, code);
	}
	assert.equal(await stage.hits('alpha') + await stage.hits('beta'), 0);
});

await test('x-weir-fallback: off keeps the first target', async (t) => {
	const stage = await playPortkey(t, { alpha: '503', beta: '200' });
	const answer = await stage.ask(portkey({ targets: [{ provider: 'alpha' }, { provider: 'beta' }] },
		{ 'x-weir-fallback': 'off' }));

	assert.deepEqual(tries(answer), ['alpha overloaded']);
});

await test('its API key lets a caller in, where Portkey is understood', async (t) => {
	const access = { keys: [{ name: 'app', key: 'app-key-0123456789' }] };
	const stage = await playPortkey(t, { alpha: '200' }, { top: { access } });
	const plain = await play(t, { alpha: '200' }, { top: { access } });
	const key = { 'x-portkey-api-key': 'app-key-0123456789', authorization: 'Bearer sk-openai-theirs' };

	assert.equal((await stage.ask({ headers: key })).status, 200);
	assert.equal((await stage.ask({ headers: { ...key, 'x-portkey-api-key': 'x' } })).status, 401);
	assert.equal((await plain.ask({ headers: key })).status, 401);
});

done();
