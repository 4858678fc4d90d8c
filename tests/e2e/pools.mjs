// Several equal targets in one step: who of them serves, who does not, and who waits.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { balanced, errorOf, play, shares, tries, who } from './lib/stage.mjs';

const ENV = { K1: 'sk-one-0123456789abcdef', K2: 'sk-two-0123456789abcdef' };
const KEYS = { keys: ['${K1}', '${K2}'] };
const QUEUE = 64;

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const pool = (more = {}, ...weights) => (at) => [{
	...more,
	targets: ['alpha', 'beta'].map((vendor, i) =>
		(weights.length ? { target: at(vendor), weight: weights[i] } : at(vendor))),
}];
const then = (steps, vendor) => (at) => [...steps(at), at(vendor)];

await test('weighted: three to one, and never a burst', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' }, { steps: pool({}, 3, 1) });
	const answers = await stage.asks(40);

	assert.deepEqual(shares(answers, 'alpha', 'beta'), [30, 10]);
	for (let i = 0; i < 40; i += 4)
		assert.deepEqual(shares(answers.slice(i, i + 4), 'alpha', 'beta'), [3, 1]);
	assert.deepEqual([await stage.hits('alpha'), await stage.hits('beta')], [30, 10]);
	assert.equal(await stage.fallbacks(), 0); // who serves is no fallback
});

await test('weighted, all at once: three to one', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=200ms', beta: '200;latency=200ms' }, { steps: pool({}, 3, 1) });

	assert.deepEqual(shares(await stage.crowd(40), 'alpha', 'beta'), [30, 10]);
});

await test('a provider’s keys share its part', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' },
		{ steps: pool(), providers: { alpha: KEYS }, env: ENV });
	const answers = await stage.asks(20);

	assert.deepEqual(shares(answers, 'alpha#1', 'alpha#2', 'beta'), [5, 5, 10]);
	const alone = await play(t, mock, { alpha: '200' }, { providers: { alpha: KEYS }, env: ENV });
	assert.deepEqual(shares(await alone.asks(10), 'alpha#1', 'alpha#2'), [5, 5]);
});

// 60 requests, one every 25 ms, of which a slow member would get 30.
async function steady(stage) {
	const answers = [];

	for (let i = 0; i < 60; i++) {
		answers.push(stage.ask());
		await sleep(25);
	}
	return shares(await Promise.all(answers), 'alpha', 'beta');
}

await test('least_inflight and latency shed a slow member, weighted does not', async (t) => {
	const of = async (balance) =>
		steady(await play(t, mock, { alpha: '200;latency=1s', beta: '200' }, { steps: pool({ balance }) }));
	const [weighted, fewest, fastest] = await Promise.all(['weighted', 'least_inflight', 'latency'].map(of));

	assert.deepEqual(weighted, [30, 30]);
	assert.ok(fewest[0] >= 1 && fewest[0] <= 15, `least_inflight: ${fewest}`);
	assert.ok(fastest[0] >= 1 && fastest[0] <= 8, `latency: ${fastest}`);
});

await test('latency remembers who is slow also when nothing is under way', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=2s', beta: '200' }, { steps: pool({ balance: 'latency' }) });
	const [slow] = shares(await stage.asks(30), 'alpha', 'beta');

	assert.ok(slow >= 1 && slow <= 5, `${slow} of 30 to the slow one`);
});

await test('cost: the cheaper one, and the other when it is dead', async (t) => {
	const stage = await play(t, mock, { alpha: '200*5,500', beta: '200' }, {
		steps: pool({ balance: 'cost' }),
		models: (at) => ({ [at('alpha')]: { input_price: 1, output_price: 2 }, [at('beta')]: { input_price: 2, output_price: 4 } }),
	});

	assert.deepEqual(shares(await stage.asks(8), 'alpha', 'beta'), [5, 3]);
});

await test('a dead member is left for the other within the request, and then not asked at all', async (t) => {
	const stage = await play(t, mock, { alpha: 'reset', beta: '200', gamma: '200' }, { steps: then(pool(), 'gamma') });
	const answers = await stage.asks(12);

	assert.ok(answers.every((answer) => who(answer) === 'beta'));
	const moved = answers.filter((answer) => tries(answer).length === 2);
	assert.equal(moved.length, 5); // a row of failures
	assert.ok(moved.every((answer) => tries(answer)[0] === 'alpha unreachable'));
	assert.equal(await stage.hits('alpha'), 5);
	assert.equal(await stage.fallbacks({ from: 'alpha', to: 'beta', class: 'unreachable' }), 5);
	assert.equal(await stage.hits('gamma'), 0);
	assert.equal(await stage.state('alpha'), 'open');
});

await test('weight 0: only when nothing else is left of its step', async (t) => {
	const stage = await play(t, mock, { alpha: '200*6,500', beta: '200*2,500', gamma: '200' },
		{ steps: then(pool({}, 1, 0), 'gamma') });
	const answers = await stage.asks(6);

	assert.deepEqual(shares(answers, 'alpha', 'beta'), [6, 0]);
	const busy = await play(t, mock, { alpha: '200;latency=300ms', beta: '200' },
		{ steps: pool({ balance: 'least_inflight' }, 1, 0) });
	assert.deepEqual(shares(await busy.crowd(10), 'alpha', 'beta'), [10, 0]);
	assert.deepEqual(tries(await stage.ask()), ['alpha server_error', 'beta ok']);
	await stage.ask();
	assert.deepEqual(tries(await stage.ask()), ['alpha server_error', 'beta server_error', 'gamma ok']);
});

await test('a request waits for room and is served', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=200ms' },
		{ steps: (at) => [{ target: at('alpha'), max_inflight: 1 }] });
	const answers = await stage.crowd(3);

	assert.ok(answers.every((answer) => answer.status === 200));
	assert.deepEqual(answers.map((answer) => answer.headers['x-weir-attempts']), ['1', '1', '1']);
	const series = await stage.weir.metrics();
	assert.equal(series.get('weir_queued_total'), 2);
	assert.equal(series.get('weir_queue_length'), 0);
	// one after the other: the last has waited for the two before it
	const slowest = Math.max(...(await stage.lines(3)).map((line) => line.ms));
	assert.ok(slowest >= 550, `${slowest} ms`);
	assert.equal(await stage.fallbacks(), 0);
});

await test('nobody waits while another step has room', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=1h', beta: '200' },
		{ steps: (at) => [{ target: at('alpha'), max_inflight: 1 }, at('beta')] });
	const held = stage.ask({ headers: { 'x-weir-deadline-ms': '4000' } });

	await stage.inflight('alpha', 1);
	const answers = await stage.asks(3);
	assert.deepEqual(shares(answers, 'beta'), [3]);
	assert.equal((await stage.weir.metrics()).get('weir_queued_total'), 0);
	assert.equal(await stage.fallbacks({ from: 'alpha', to: 'beta', class: 'at_cap' }), 3);
	assert.equal((await held).headers['x-weir-target'], stage.at('beta'));
});

await test(`${QUEUE} wait for room and no more; whose time is over hears 503`, async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=1h' },
		{ steps: (at) => [{ target: at('alpha'), max_inflight: 1 }] });
	const held = stage.ask({ headers: { 'x-weir-deadline-ms': '5000' } });

	await stage.inflight('alpha', 1);
	const answers = await stage.crowd(QUEUE + 6);
	const at = (await stage.lines(QUEUE + 6)).map((line) => line.ms);

	for (const answer of answers) {
		assert.equal(answer.status, 503);
		assert.equal(answer.headers['retry-after'], '1');
		assert.equal(errorOf(answer).code, 'no_usable_target');
		assert.equal(answer.headers['x-weir-attempts'], '0');
	}
	assert.equal((await stage.weir.metrics()).get('weir_queued_total'), QUEUE);
	assert.equal(at.filter((ms) => ms >= 900).length, QUEUE, at.join());
	assert.equal((await held).status, 504);
	assert.equal(await stage.hits('alpha'), 1);
	await balanced(stage.weir);
});

await test('a caller who leaves the queue makes no call, and the next one is served', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=600ms,200' },
		{ steps: (at) => [{ target: at('alpha'), max_inflight: 1 }] });
	let gone;
	const first = stage.ask();

	await stage.inflight('alpha', 1);
	const leaver = stage.ask({ onRequest: (req) => gone = req }).catch(() => null);
	await sleep(100);
	const stayer = stage.ask();
	gone.destroy();
	assert.equal(await leaver, null);
	assert.equal((await first).status, 200);
	assert.equal((await stayer).status, 200);
	assert.equal(await stage.hits('alpha'), 2);
	const series = await balanced(stage.weir);
	assert.equal(series.get(`weir_requests_total{chain="${stage.model}",outcome="hangup"}`), 1);
});

// { value: vendor }: who serves each value, which must be the same in each round
async function homes(stage, options, rounds = 3) {
	const values = Array.from({ length: 16 }, (_, i) => `somebody-${i}`);
	const found = {};

	for (let i = 0; i < rounds; i++) {
		for (const value of values) {
			const name = who(await stage.ask(options(value)));
			assert.equal(found[value] ?? name, name, value);
			found[value] = name;
		}
	}
	return found;
}

for (const [affinity, options] of [
	['header:X-Session-Id', (value) => ({ headers: { 'x-session-id': value } })],
	['user', (value) => ({ body: { user: value } })],
]) {
	await test(`affinity ${affinity}: the same member for the same value, another when it is dead`, async (t) => {
		const stage = await play(t, mock, { alpha: '200', beta: '200', gamma: '200' },
			{ steps: (at) => [{ targets: ['alpha', 'beta', 'gamma'].map(at) }], chain: { affinity } });
		const before = await homes(stage, options);

		for (const vendor of ['alpha', 'beta', 'gamma'])
			assert.ok(Object.values(before).includes(vendor), `nobody is served by ${vendor}`);
		await stage.script({ beta: '500' });
		for (let left = 5; left; left--) // a row of failures
			await stage.ask(options(Object.keys(before).find((value) => before[value] === 'beta')));
		const during = await homes(stage, options, 1);
		for (const [value, vendor] of Object.entries(before)) {
			if (vendor === 'beta')
				assert.notEqual(during[value], 'beta', value);
			else
				assert.equal(during[value], vendor, value); // nobody else moves
		}
		assert.deepEqual(shares(await stage.asks(9), 'alpha', 'gamma').map((n) => n > 0), [true, true]);
	});
}

await done();
