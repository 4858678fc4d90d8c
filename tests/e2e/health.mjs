// What weir knows of its targets, as /status, /metrics, the log and the answers tell it; and
// who is gone past for it.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { eventually } from './lib/http.mjs';
import { balanced, play, shares, sum, tries, who } from './lib/stage.mjs';

const ROW = 5; // failures in a row that open a breaker
const STATES = ['closed', 'open', 'half_open'];

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200', delta: '200' }));

// The state of a breaker in /metrics; there is one series for each state, and one of them is 1.
async function breaker(stage, vendor) {
	const series = await stage.weir.metrics();
	const values = STATES.map((state) => series.get(`weir_breaker_state{target="${stage.at(vendor)}",state="${state}"}`));

	assert.equal(values.reduce((a, b) => a + b), 1, values.join());
	return STATES[values.indexOf(1)];
}

async function stands(stage, vendor, state, reason, inMetrics) {
	const target = (await stage.status())[vendor];

	assert.deepEqual([target.state, target.reason], [state, reason]);
	assert.equal(await breaker(stage, vendor), inMetrics);
	return target;
}

// What the log tells of one request's fallbacks; its own line comes last.
async function fallbacksOf(stage, answer) {
	const id = answer.headers['x-weir-request-id'];

	await stage.weir.request(id);
	return stage.weir.of('fallback').filter((line) => line.request_id === id);
}

// So many fallbacks, of one class and reason, in the log and in the books; and each answer
// tells of one call.
async function passed(stage, answers, { from, to, cls, reason }) {
	for (const answer of answers) {
		assert.equal(who(answer), to);
		assert.equal(answer.headers['x-weir-attempts'], '1');
		const lines = await fallbacksOf(stage, answer);
		assert.deepEqual(lines.map((line) => [line.from, line.to, line.class, line.reason]),
			[[stage.at(from), stage.at(to), cls, reason]]);
	}
}

await test('open, probing, ramping, healthy: as they follow each other', async (t) => {
	const stage = await play(t, mock, { alpha: `200,500*${ROW},200;latency=1500ms,200;latency=1500ms,200`, beta: '200' });

	await stage.ask();
	const fine = await stands(stage, 'alpha', 'healthy', null, 'closed');
	assert.deepEqual([fine.until_ms, fine.inflight, fine.attempts, fine.failures], [null, 0, 1, 0]);
	for (const answer of await stage.asks(ROW))
		assert.deepEqual(tries(answer), ['alpha server_error', 'beta ok']);
	const open = await stands(stage, 'alpha', 'open', 'open', 'open');
	assert.ok(open.until_ms > 0 && open.until_ms <= 1200, `${open.until_ms}`);
	assert.deepEqual([open.attempts, open.failures], [1 + ROW, ROW]);
	await passed(stage, await stage.asks(3), { from: 'alpha', to: 'beta', cls: 'open', reason: 'breaker_open' });
	assert.equal(await stage.fallbacks({ from: 'alpha', to: 'beta', class: 'open' }), 3);

	for (let probe = 0; probe < 2; probe++) { // two have to succeed
		await eventually(async () => (await stage.status()).alpha.until_ms === null, 'end of its time');
		const asking = stage.ask();
		await stage.inflight('alpha', 1);
		const probing = await stands(stage, 'alpha', 'probing', 'half_open', 'half_open');
		assert.equal(probing.inflight, 1);
		assert.equal(who(await stage.ask()), 'beta'); // one probe at a time
		assert.deepEqual(tries(await asking), ['alpha ok']);
	}
	await stands(stage, 'alpha', 'ramping', null, 'closed');
	const early = await stage.asks(120); // of 40 one in 70 runs would see none
	const [back] = shares(early, 'alpha', 'beta');
	assert.ok(back >= 1 && back < 60, `${back} of 120 while it is just back`); // a tenth, about
	await passed(stage, early.filter((answer) => who(answer) === 'beta'),
		{ from: 'alpha', to: 'beta', cls: 'open', reason: 'ramping' });
	await stage.until('alpha', 'healthy', 20);
	assert.deepEqual(shares(await stage.asks(5), 'alpha'), [5]);
	await balanced(stage.weir);
});

await test('a probe that fails: open again, and for longer', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200' });

	await stage.asks(ROW);
	const times = [];
	for (let i = 0; i < 3; i++) {
		times.push((await stage.status()).alpha.until_ms);
		await eventually(async () => (await stage.status()).alpha.until_ms === null, 'end of its time');
		assert.deepEqual(tries(await stage.ask()), ['alpha server_error', 'beta ok']);
		await stands(stage, 'alpha', 'open', 'open', 'open');
	}
	// 1 s, 2 s, 4 s, each within a fifth; some of each has passed when it is read
	for (const [i, most] of [1200, 2400, 4800].entries())
		assert.ok(times[i] <= most && times[i] >= most / 3, times.join());
	assert.equal(await stage.hits('alpha'), ROW + 3);
});

await test('just back and alone, it serves everybody: a ramp diverts, it does not refuse', async (t) => {
	const stage = await play(t, mock, { alpha: `500*${ROW},200` });

	await stage.asks(ROW);
	await sleep(1300);
	assert.deepEqual(shares(await stage.asks(2), 'alpha'), [2]);
	await stands(stage, 'alpha', 'ramping', null, 'closed');
	assert.deepEqual(shares(await stage.crowd(20), 'alpha'), [20]);
});

await test('benched: why, until when, and counted for as long as it lasts', async (t) => {
	for (const [script, reason, least, most] of [
		['429;retry-after=20,200', 'rate_limited', 15_000, 20_000], ['429,200', 'rate_limited', 1, 5000],
		['quota,200', 'quota', 590_000, 600_000], ['401,200', 'credentials', 590_000, 600_000],
		['404,200', 'not_here', 590_000, 600_000], ['503;retry-after=15,200', 'overloaded', 10_000, 15_000],
	]) {
		const stage = await play(t, mock, { alpha: script, beta: '200' });

		assert.deepEqual(tries(await stage.ask()), [`alpha ${reason}`, 'beta ok']);
		const { until_ms: until } = await stands(stage, 'alpha', 'benched', reason, 'closed');
		assert.ok(until >= least && until <= most, `${script}: ${until}`);
		await passed(stage, await stage.asks(4), { from: 'alpha', to: 'beta', cls: 'benched', reason: 'benched' });
		assert.equal(await stage.fallbacks({ from: 'alpha', class: 'benched' }), 4);
		assert.equal(await stage.fallbacks(), 5);
		assert.equal(await stage.hits('alpha'), 1);
	}
});

await test('at_cap, and healthy as soon as it has room', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=1h,200', beta: '200' },
		{ steps: (at) => [{ target: at('alpha'), max_inflight: 1 }, at('beta')] });
	let held;
	const holder = stage.ask({ onRequest: (req) => held = req }).catch(() => null);

	await stage.inflight('alpha', 1);
	const { inflight } = await stands(stage, 'alpha', 'at_cap', null, 'closed');
	assert.equal(inflight, 1);
	await passed(stage, await stage.asks(4), { from: 'alpha', to: 'beta', cls: 'at_cap', reason: 'at_cap' });
	held.destroy();
	assert.equal(await holder, null);
	await stage.until('alpha', 'healthy');
	assert.equal(who(await stage.ask()), 'alpha');
	await balanced(stage.weir);
});

await test('one step past and one failed: every leg is told, and only calls are attempts', async (t) => {
	const stage = await play(t, mock, { alpha: '429;retry-after=60', beta: '500', gamma: '200' });

	assert.equal((await stage.ask()).headers['x-weir-attempts'], '3');
	const answer = await stage.ask();
	assert.equal(answer.headers['x-weir-attempts'], '2');
	assert.deepEqual(tries(answer), ['beta server_error', 'gamma ok']);
	const legs = await fallbacksOf(stage, answer);
	assert.deepEqual(legs.map((line) => [line.from, line.to, line.class]), [
		[stage.at('alpha'), stage.at('beta'), 'benched'], [stage.at('beta'), stage.at('gamma'), 'server_error'],
	]);
	assert.equal(sum(await stage.weir.metrics(), 'weir_fallbacks_total'), 4);
	const line = stage.weir.of('request').at(-1);
	assert.deepEqual([line.outcome, line.attempts], ['failed_over', 2]);
});

await test('several keys: each has its own state, and a metric of its own', async (t) => {
	const keys = { K1: 'sk-one-0123456789abcdef', K2: 'sk-two-0123456789abcdef' };
	const stage = await play(t, mock, { alpha: '200' }, { providers: { alpha: { keys: ['${K1}', '${K2}'] } }, env: keys });

	await stage.keys('alpha', { [keys.K1]: '401' });
	assert.deepEqual(tries(await stage.ask()), ['alpha#1 credentials', 'alpha#2 ok']);
	assert.equal(await stage.state('alpha#1'), 'benched');
	assert.equal(await stage.state('alpha#2'), 'healthy');
	const series = [...await stage.weir.metrics()].filter(([name]) => name.startsWith('weir_breaker_state'));
	assert.equal(series.length, 2 * STATES.length);
});

await test('a group: when two of three that share a fate are down, the third is gone past, not refused', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '500', gamma: '200', delta: '200' },
		{ providers: Object.fromEntries(['alpha', 'beta', 'gamma'].map((name) => [name, { groups: ['eu'] }])) });

	assert.deepEqual(tries(await stage.ask()), ['alpha server_error', 'beta server_error', 'gamma ok']);
	await stage.asks(ROW - 2);
	assert.deepEqual(tries(await stage.ask()), ['alpha server_error', 'beta server_error', 'delta ok']);
	const before = await stage.hits('gamma');
	const answers = await stage.asks(4);
	assert.deepEqual(shares(answers, 'delta'), [4]);
	assert.equal(await stage.hits('gamma'), before);
	const { state, reason } = (await stage.status()).gamma;
	assert.deepEqual([state, reason], ['healthy', 'group_down']);
	assert.equal(await stage.fallbacks({ from: 'gamma', to: 'delta', class: 'open' }), 5);
	await stage.script({ delta: '500' });
	assert.deepEqual(tries(await stage.ask()).at(-1), 'gamma ok'); // better than nothing

	// A weir that knows of no group goes on asking it.
	const loose = await play(t, mock, { alpha: '500', beta: '500', gamma: '200', delta: '200' });
	await loose.asks(ROW);
	assert.deepEqual(shares(await loose.asks(3), 'gamma'), [3]);
});

await test('latency_ejection: a target three times as slow as it was is gone past, unless it is the last', async (t) => {
	const start = (chain) => play(t, mock, { alpha: '200;latency=30ms', beta: '200' }, { chain });
	const [strict, patient] = [await start({ latency_ejection: '300%' }), await start({})];

	for (const stage of [strict, patient]) {
		for (let i = 0; i < 10; i++)
			assert.deepEqual(shares(await stage.crowd(10), 'alpha'), [10]);
		await stage.script({ alpha: '200;latency=1s' });
	}
	const [slow, same] = [await strict.asks(8), await patient.asks(8)];
	assert.deepEqual(shares(same, 'alpha'), [8]);
	const [before, after] = shares(slow, 'alpha', 'beta');
	assert.ok(before >= 1 && after >= 1, slow.map(who).join());
	assert.deepEqual(slow.slice(before).map(who), Array(after).fill('beta'));
	await passed(strict, slow.slice(before), { from: 'alpha', to: 'beta', cls: 'slow', reason: 'latency_drift' });
	const { state, reason } = (await strict.status()).alpha;
	assert.deepEqual([state, reason], ['healthy', 'latency_drift']);
	await strict.script({ beta: '500' });
	assert.deepEqual(tries(await strict.ask()), ['beta server_error', 'alpha ok']);
});

await done();
