// A context too long for a target: to a step that is known to have a larger window, else back
// to the caller.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { ask, chat } from './lib/http.mjs';
import { balanced, errorOf, play, tries, who } from './lib/stage.mjs';

const TOO_LONG = 'context-length';
const ROW = 5; // failures in a row that open a breaker

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));

// windows: { alpha: 8000 }, of those that are known
function windowed(t, scripts, windows, more = {}) {
	const models = (at) => Object.fromEntries(Object.entries(windows).map(([vendor, context]) => [at(vendor), { context }]));

	return play(t, mock, scripts, { models, ...more });
}

// The answer is what this vendor says itself, byte for byte.
async function isOwn(stage, answer, vendor) {
	const own = await chat({ address: mock.address(vendor) }, ask(stage.model));

	assert.equal(answer.status, 400);
	assert.equal(errorOf(answer).code, 'context_length_exceeded');
	assert.equal(answer.text, own.text);
	assert.equal(answer.headers['x-weir-target'], stage.at(vendor));
}

await test('after one attempt, to the next step with a larger window', async (t) => {
	const stage = await windowed(t, { alpha: TOO_LONG, beta: '200', gamma: '200' }, { alpha: 8000, beta: 4000, gamma: 16000 },
		{ chain: { retries: 3 } });

	for (const answer of await stage.asks(6)) // nobody is blamed for it, however often
		assert.deepEqual(tries(answer), ['alpha not_here', 'gamma ok']);
	assert.equal(await stage.hits('beta'), 0);
	assert.equal(await stage.state('alpha'), 'healthy');
	assert.equal(await stage.fallbacks({ from: 'alpha', to: 'gamma', class: 'not_here' }), 6);
	await balanced(stage.weir);
});

await test('nobody has a larger one: back to the caller, as it was said', async (t) => {
	for (const windows of [{ alpha: 8000, beta: 8000, gamma: 4000 }, { beta: 128000, gamma: 128000 }, { alpha: 8000 }]) {
		const stage = await windowed(t, { alpha: TOO_LONG, beta: '200', gamma: '200' }, windows);
		const answer = await stage.ask();

		await isOwn(stage, answer, 'alpha');
		assert.deepEqual(tries(answer), ['alpha not_here']);
		assert.deepEqual([await stage.hits('beta'), await stage.hits('gamma')], [0, 0]);
	}
});

await test('too long for the larger one, too: back to the caller with its words', async (t) => {
	const stage = await windowed(t, { alpha: TOO_LONG, beta: TOO_LONG, gamma: '200' }, { alpha: 8000, beta: 16000, gamma: 8000 });
	const answer = await stage.ask();

	await isOwn(stage, answer, 'beta');
	assert.deepEqual(tries(answer), ['alpha not_here', 'beta not_here']);
});

await test('another member of the pool may have a larger one, another key has not', async (t) => {
	const pool = await windowed(t, { alpha: TOO_LONG, beta: '200' }, { alpha: 8000, beta: 16000 },
		{ steps: (at) => [{ targets: [{ target: at('alpha'), weight: 9 }, at('beta')] }] });
	const keys = await windowed(t, { alpha: TOO_LONG, beta: '200' }, { alpha: 8000, beta: 16000 },
		{ providers: { alpha: { keys: ['${K1}', '${K2}'] } }, env: { K1: 'sk-one-0123456789abcdef', K2: 'sk-two-0123456789abcdef' } });

	assert.deepEqual(tries(await pool.ask()), ['alpha not_here', 'beta ok']);
	assert.deepEqual(tries(await keys.ask()), ['alpha#1 not_here', 'beta ok']);
});

await test('the larger one fails: nobody smaller is asked in vain', async (t) => {
	const stage = await windowed(t, { alpha: TOO_LONG, beta: '500', gamma: '200' }, { alpha: 8000, beta: 16000, gamma: 8000 });
	const answer = await stage.ask();

	assert.deepEqual(tries(answer), ['alpha not_here', 'beta server_error']);
	assert.equal(await stage.hits('gamma'), 0);
	assert.equal(answer.status, 400);
	assert.equal(errorOf(answer).code, 'context_length_exceeded');
});

await test('the larger one is second best at the moment: better than nothing', async (t) => {
	const limited = await windowed(t, { alpha: TOO_LONG, beta: '429,200' }, { alpha: 8000, beta: 16000 });
	const waited = await windowed(t, { alpha: TOO_LONG, beta: '429;retry-after=1,200' }, { alpha: 8000, beta: 16000 });
	const back = await windowed(t, { alpha: `500*${ROW},${TOO_LONG}`, beta: `500*${ROW},200` }, { alpha: 8000, beta: 16000 });

	assert.deepEqual(tries(await limited.ask()), ['alpha not_here', 'beta rate_limited']);
	assert.deepEqual(tries(await limited.ask()), ['alpha not_here', 'beta ok']);
	assert.deepEqual(tries(await waited.ask()), ['alpha not_here', 'beta rate_limited', 'beta ok']);

	await back.asks(ROW);
	await sleep(1300);
	await back.asks(2); // probes of both
	assert.equal(await back.state('beta'), 'ramping');
	for (const answer of await back.asks(20)) // a tenth of them, if that were all
		assert.equal(who(answer), 'beta');
});

await test('context_overflow: next asks whoever is next, return nobody', async (t) => {
	for (const [wish, expected] of [['next', ['alpha not_here', 'beta ok']], ['return', ['alpha not_here']]]) {
		const stage = await windowed(t, { alpha: TOO_LONG, beta: '200', gamma: '200' }, { alpha: 8000, beta: 4000, gamma: 16000 },
			{ chain: { context_overflow: wish } });

		assert.deepEqual(tries(await stage.ask()), expected);
	}
});

await done();
