// Outages under load that does not let up: callers arrive at their own pace and retry as the
// official SDKs do, and weir must not hit a failing upstream harder than a healthy one.
// Each outage has vendors of its own: a to d, three of each.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, get, trail } from './lib/http.mjs';
import { balanced, sum } from './lib/stage.mjs';
import { Callers, now } from './lib/load.mjs';

const RATE = 60; // a second, per outage
const ROW = 5; // failures in a row that open a breaker
const FINE = '200;latency=10ms;jitter=20ms;tokens=4';
const BROWN = '500;chance=80%'; // a fifth is answered

const places = ['1', '2', '3'];
const names = (storm) => places.map((place) => storm + place);
const mock = share(await startMock(Object.fromEntries(
	['a', 'b', 'c', 'd', 'flap', 'half', 'only'].flatMap((storm) => names(storm).map((name) => [name, FINE])))));
const chain = (storm, n = 3) => ({ steps: names(storm).slice(0, n).map((name) => `${name}/m`) });
const weir = share(await startWeir({
	providers: mock.providers(),
	defaults: { attempt_timeout: '5s' },
	chains: {
		a: chain('a'), b: chain('b'), c: chain('c'), d: chain('d'), flap: chain('flap', 2),
		half: { retries: 0, ...chain('half', 2) }, only: { retries: 0, ...chain('only', 1) },
	},
}));

// Upstream calls of a chain so far: of all its targets, or of one.
async function upstream(storm, place = '') {
	return sum(await weir.metrics(), 'weir_attempts_total', `chain="${storm}"`, `target="${storm}${place}`);
}

const all = (storm, script) => mock.script(Object.fromEntries(names(storm).map((name) => [name, script])));

// Callers of one chain, before, during and after an outage, with the books at each turn.
async function outage(storm, { before, during, after, begin, end }) {
	const callers = share(new Callers(weir, storm, RATE));
	const turn = async () => ({ at: now(), upstream: await upstream(storm), first: await upstream(storm, 1) });

	if (before)
		await callers.arrive(before);
	await begin();
	const broken = await turn();
	await callers.arrive(2);
	const known = await turn();
	await callers.arrive(during - 2);
	const over = await turn();
	await end?.();
	const mended = now();
	if (after)
		await callers.arrive(after);
	await callers.settled();
	return { callers, broken, known, over, mended, offered: callers.offered(broken.at, over.at) };
}

// What the mock has seen is what weir says it did; who refuses connections sees nothing.
async function agrees(storm, place) {
	const name = `chain="${storm}",target="${storm}${place}/m"`;
	const series = await weir.metrics();
	const sent = sum(series, 'weir_attempts_total', name) -
		series.get(`weir_attempts_total{${name},class="unreachable"}`);

	assert.equal((await mock.stats(storm + place, 'm')).hits, sent, storm + place);
}

const one = await Promise.all([
	outage('a', { before: 1, during: 10, begin: () => mock.script({ a1: 'refuse' }) }),
	outage('b', { before: 0, during: 9, begin: () => mock.script({ b1: BROWN }) }),
]);

await test('the first provider dead: nobody notices, and nobody is asked more for it', async () => {
	const { callers, broken, known, over, offered } = one[0];

	assert.equal(callers.calls.filter(({ ok }) => !ok).length, 0);
	assert.equal(callers.goodput(), 1); // not even with retries of their own
	const sent = over.upstream - broken.upstream;
	assert.ok(sent <= 1.1 * offered, `${sent} calls for ${offered} requests`);
	const wasted = over.first - known.first;
	const since = callers.offered(known.at, over.at);
	assert.ok(wasted <= 0.05 * since, `${wasted} calls of the dead one for ${since} requests`);
	for (const place of places)
		await agrees('a', place);
	assert.ok((await mock.stats('a2', 'm')).hits >= 0.95 * offered);
});

await test('the first provider answers a fifth: nobody notices', async () => {
	const { callers, broken, over, offered } = one[1];
	const goodput = callers.goodput(broken.at + 3000);

	assert.ok(goodput >= 0.95, `${goodput}`);
	assert.ok(callers.calls.every(({ ok }) => ok));
	const sent = over.upstream - broken.upstream;
	assert.ok(sent <= 1.2 * offered, `${sent} calls for ${offered} requests`);
	for (const place of places)
		await agrees('b', place);
});

const two = await Promise.all([
	outage('c', { before: 2, during: 10, after: 8, begin: () => all('c', 'refuse'), end: () => all('c', FINE) }),
	outage('d', { before: 2, during: 10, after: 8, begin: () => all('d', BROWN), end: () => all('d', FINE) }),
]);

await test('all dead: almost no upstream calls, errors at once, and back when they are', async () => {
	const { callers, broken, over, mended, offered } = two[0];
	const seconds = Math.ceil((over.at - broken.at) / 1000);
	const sent = over.upstream - broken.upstream;
	// A row of failures opens each breaker; a retry in place is one of the row, for behind an
	// open breaker there is none. Then each is probed at most once a second. And a tenth of
	// what is asked, for what was under way when a breaker opened.
	const most = 0.1 * offered + places.length * (ROW + seconds + 1);
	const errors = callers.tries(broken.at, over.at).filter(({ status }) => status !== 200);

	assert.ok(sent <= most, `${sent} calls, at most ${most} for ${offered} requests in ${seconds} s`);
	assert.ok(sent >= places.length * (ROW + 2), `${sent} calls: it is not even probed`);
	assert.ok(errors.length >= offered);
	const slowest = Math.max(...errors.map(({ ms }) => ms));
	assert.ok(slowest < 4000, `an error after ${slowest} ms`);
	const goodput = callers.goodput(mended + 5000);
	assert.ok(goodput >= 0.95, `${goodput}`);
	assert.equal(callers.goodput(-Infinity, broken.at), 1);
	for (const place of places)
		await agrees('c', place);
});

await test('all answer a fifth: no more calls than requests, and back when they are', async () => {
	const { callers, broken, over, mended, offered } = two[1];
	const sent = over.upstream - broken.upstream;
	const goodput = callers.goodput(mended + 5000);

	assert.ok(sent <= offered, `${sent} calls for ${offered} requests`);
	assert.ok(goodput >= 0.95, `${goodput}`);
	for (const place of places)
		await agrees('d', place);
});

await test('a provider that comes and goes costs a few calls each time, and nobody an answer', async () => {
	const callers = share(new Callers(weir, 'flap', 40));
	const turns = 5;

	for (let i = 0; i < turns; i++) {
		await mock.script({ 'flap1/m': '500' });
		await callers.arrive(1);
		await mock.script({ 'flap1/m': FINE });
		await callers.arrive(1);
	}
	await callers.settled();
	assert.equal(callers.goodput(), 1);
	const failed = (await weir.metrics()).get('weir_attempts_total{chain="flap",target="flap1/m",class="server_error"}');
	// In each bad second a row at most; what is under way then, and a probe.
	assert.ok(failed >= ROW && failed <= turns * (ROW + 4), `${failed} failed calls`);
});

// Opens the first target's breaker, and waits until its next request is a probe.
async function halfOpen(storm) {
	const first = async () => JSON.parse((await get(weir.admin, '/status')).text).chains
		.find(({ name }) => name === storm).steps[0][0];

	await mock.script({ [`${storm}1/m`]: `500*${ROW},200;latency=1h,200` });
	for (let i = 0; i < ROW; i++)
		await chat(weir, ask(storm));
	assert.equal((await first()).state, 'open');
	await eventually(async () => (await first()).until_ms === null, 'end of its time');
	assert.equal((await first()).state, 'open');
}

// 500 at once: { probe, others }, the one that is under way and the answers of the rest.
async function rush(storm) {
	const N = 500;
	const left = new Map();
	let settle;
	const most = new Promise((resolve) => settle = resolve);
	const others = [];

	for (let i = 0; i < N; i++) {
		const onRequest = (req) => left.set(i, req);
		chat(weir, ask(storm), { onRequest, seconds: 100 }).then((answer) => {
			left.delete(i);
			others.push(answer);
			if (others.length === N - 1)
				settle();
		}, () => {});
	}
	await most;
	assert.equal(left.size, 1);
	assert.equal((await mock.stats(`${storm}1`, 'm')).hits, ROW + 1);
	assert.equal((await mock.stats(`${storm}1`, 'm')).inflight, 1);
	return { probe: [...left.values()][0], others };
}

await test('500 requests when a breaker half-opens: one is the probe, the others go on', async () => {
	await halfOpen('half');
	const { probe, others } = await rush('half');

	for (const { status, headers } of others) {
		assert.equal(status, 200);
		assert.equal(headers['x-weir-attempts'], '1');
		assert.deepEqual(trail(headers['x-weir-trail']).map((e) => e.target), ['half2/m']);
	}
	probe.destroy(); // nothing is known of it: the next one is a probe again
	await eventually(async () => (await mock.stats('half1', 'm')).aborts === 1, 'end of the probe');
	assert.equal((await chat(weir, ask('half'))).headers['x-weir-target'], 'half1/m');
}, { seconds: 120 });

await test('500 requests when the only breaker half-opens: one is the probe, the others hear so', async () => {
	await halfOpen('only');
	const { probe, others } = await rush('only');

	for (const { status, headers, text } of others) {
		assert.equal(status, 503);
		assert.equal(JSON.parse(text).error.code, 'no_usable_target');
		assert.equal(headers['x-weir-attempts'], '0');
		assert.ok(Number(headers['retry-after']) >= 1, headers['retry-after']);
	}
	probe.destroy();
	await eventually(async () => (await mock.stats('only1', 'm')).aborts === 1, 'end of the probe');
	assert.equal((await chat(weir, ask('only'))).status, 200);
}, { seconds: 120 });

await test('the books balance', async () => {
	await sleep(100);
	const series = await balanced(weir);

	for (const storm of ['a', 'b', 'c', 'd'])
		assert.equal(sum(series, 'weir_requests_total', `chain="${storm}"`),
			weir.of('request').filter((line) => line.chain === storm).length);
}, { seconds: 120 });

await done();
