// Four workers are one proxy: one breaker, one probe, one limit, one scrape; and one that is killed
// takes nothing along but what it had under way.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startUpgrade, startWeir } from './lib/weir.mjs';
import { sum } from './lib/stage.mjs';
import { ask, chat, events, eventually, get, nonce, post, said, textOf } from './lib/http.mjs';

const WORKERS = 4;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const mock = share(await startMock({ alpha: '200', beta: '200', slow: '200;tokens=40;gap=100ms', full: '200' }));
const key = (name) => `key-of-${name}-0123456789`;
const as = (name) => ({ headers: { authorization: `Bearer ${key(name)}` } });
const config = {
	listen: '127.0.0.1:0',
	admin: '127.0.0.1:0',
	workers: WORKERS,
	providers: { ...mock.providers('alpha', 'beta', 'slow'), full: { ...mock.providers('full').full, max_inflight: 2 } },
	chains: {
		m: { steps: ['alpha/m', 'beta/m'], retries: 0 },
		slow: { steps: ['slow/m'] },
		full: { steps: ['full/m'], retries: 0 },
		dead: { steps: ['alpha/dead', 'beta/m'], retries: 0 },
	},
	access: { keys: [
		{ name: 'plain', key: key('plain') },
		{ name: 'rpm', key: key('rpm'), rpm: 10 },
		{ name: 'two', key: key('two'), max_inflight: 2 },
	] },
};
const weir = share(await startWeir(config));
const plain = as('plain');

const children = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/)
	.filter(Boolean).map(Number);
const workers = () => children(weir.pid);
const sockets = (pid) => fs.readdirSync(`/proc/${pid}/fd`)
	.filter((fd) => fs.readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:')).length;
// A new connection each, for whoever of them takes it.
const many = (n, body, options = plain) => Promise.all(Array.from({ length: n }, () => chat(weir, body(), options)));
const status = async () => JSON.parse((await get(weir.admin, '/status')).text);
const whole = () => eventually(() => workers().length === WORKERS, `${WORKERS} workers`);
const memberOf = async (chain, target) => (await status()).chains.find((c) => c.name === chain)
	.steps.flat().find((member) => member.target === target);

await test('there are as many workers as were asked for, of one thread each', () => {
	assert.equal(workers().length, WORKERS);
	for (const pid of [weir.pid, ...workers()])
		assert.deepEqual(fs.readdirSync(`/proc/${pid}/task`), [String(pid)]);
});

await test('any scrape adds up to what callers have counted', async () => {
	const answers = await many(200, () => ask('m'));

	assert.ok(answers.every((answer) => answer.status === 200));
	for (let i = 0; i < 2 * WORKERS; i++) {
		const metrics = await weir.metrics();

		assert.equal(metrics.get('weir_requests_total{chain="m",outcome="ok"}'), 200);
		assert.equal(metrics.get('weir_attempts_total{chain="m",target="alpha/m",class="ok"}'), 200);
		assert.equal(metrics.get('weir_caller_requests_total{caller="plain",outcome="ok"}'), 200);
		assert.equal(metrics.get('weir_request_seconds_count{chain="m"}'), 200);
	}
	assert.equal((await status()).totals.requests, 200);
});

await test('one provider dies: one breaker, and one probe at a time', async () => {
	await mock.script({ alpha: '503;latency=100ms' });
	assert.ok((await many(40, () => ask('m'))).every((answer) => answer.headers['x-weir-target'] === 'beta/m'));
	assert.notEqual((await memberOf('m', 'alpha/m')).breaker, 'closed');

	const { hits } = await mock.stats('alpha');
	const until = Date.now() + 5000;
	let most = 0;

	while (Date.now() < until) {
		const asked = many(12, () => ask('m'));

		most = Math.max(most, (await mock.stats('alpha')).inflight);
		assert.ok((await asked).every((answer) => answer.status === 200));
		most = Math.max(most, (await mock.stats('alpha')).inflight);
	}
	const probes = (await mock.stats('alpha')).hits - hits;

	/* Each opening is for 0.8 s at least: four breakers would have probed four times as often. */
	assert.ok(probes >= 1 && probes <= 7, `${probes} probes`);
	assert.ok(most <= 1, `${most} probes at once`);
	await mock.script({ alpha: '200' });
	await eventually(async () => {
		await many(4, () => ask('m'));
		return (await memberOf('m', 'alpha/m')).breaker === 'closed';
	}, 'a closed breaker');
	const series = await weir.metrics();
	assert.equal(series.get('weir_breaker_transitions_total{target="alpha/m",to="closed"}'), 1);
});

await test('a limit is one: ten a minute are ten, whoever takes them', async () => {
	const answers = await many(60, () => ask('m'), as('rpm'));

	assert.equal(answers.filter((answer) => answer.status === 200).length, 10);
	assert.equal(answers.filter((answer) => answer.status === 429).length, 50);
});

await test('a cap is one: two at once at a provider, two at once of a caller', async () => {
	let most = 0, over = false;

	await mock.script({ full: '200;latency=50ms' });
	const asked = many(24, () => ask('full')).finally(() => (over = true));
	while (!over)
		most = Math.max(most, (await mock.stats('full')).inflight);
	const answers = await asked;
	const refused = (await many(12, () => ask('slow', nonce(), { stream: true }), as('two'))).filter((answer) => answer.status === 429);

	assert.equal(most, 2);
	assert.ok(answers.filter((answer) => answer.status === 200).length > 2, 'those that waited had their turn');
	assert.equal(refused.length, 10);
});

await test('what an operator says holds in all', async () => {
	await post(weir.admin, '/targets/alpha%2Fm/disable', '', { headers: { 'x-weir-admin': '1' } });
	assert.ok((await many(40, () => ask('m'))).every((answer) => answer.headers['x-weir-target'] === 'beta/m'));
	await post(weir.admin, '/targets/alpha%2Fm/enable', '', { headers: { 'x-weir-admin': '1' } });
});

await test('one is killed: its own requests are lost, all others end well, and another takes its place', async () => {
	const before = sum(await weir.metrics(), 'weir_requests_total{');
	const idle = new Map(workers().map((pid) => [pid, sockets(pid)]));
	const calls = [];
	const call = () => {
		const token = nonce();

		return chat(weir, ask('slow', token, { stream: true }), plain).then(
			(answer) => ({ token, ...answer }), () => ({ token, whole: false }));
	};
	let busy;
	do { // who is free takes the next: until two have some
		calls.push(...Array.from({ length: 20 }, call));
		await eventually(async () => (await mock.stats('slow')).inflight === calls.length, 'requests under way');
		busy = workers().map((pid) => ({ pid, more: sockets(pid) - idle.get(pid) }))
			.filter(({ more }) => more > 1).sort((a, b) => a.more - b.more);
	} while (busy.length < 2 && calls.length < 200);
	const at = Date.now();

	process.kill(busy[0].pid, 'SIGKILL');
	assert.ok((await many(40, () => ask('m'))).every((answer) => answer.status === 200), 'the others serve');
	await whole();
	assert.ok(Date.now() - at < 20_000);
	await weir.event('worker_ended', (event) => event.signal === 9);

	const answers = await Promise.all(calls);
	const lost = answers.filter((answer) => !answer.whole);

	for (const { token, text } of answers.filter((answer) => answer.whole)) {
		assert.equal(events(text).at(-1).data, '[DONE]');
		assert.equal(textOf(text), said('slow', token, 40));
	}
	assert.ok(lost.length > 0 && lost.length < calls.length, `${lost.length} are lost`);
	const metrics = await weir.metrics();
	assert.equal(sum(metrics, 'weir_requests_total{') - before, calls.length + 40 - lost.length);
	assert.equal(metrics.get('weir_inflight_requests'), 0);
	assert.equal(metrics.get('weir_inflight_attempts{target="slow/m"}'), 0);
	assert.equal(metrics.get('weir_caller_inflight_requests{caller="plain"}'), 0);
}, { seconds: 120 });

// The sockets are the supervisor's: who comes meanwhile waits in them.
await test('all are killed: another serves within a moment', async (t) => {
	const one = t.keep(await startWeir(config));
	const at = Date.now();

	for (const pid of children(one.pid))
		process.kill(pid, 'SIGKILL');
	await eventually(async () => (await chat(one, ask('m'), plain).catch(() => ({}))).status === 200, 'an answer');
	console.log(`# an answer ${Date.now() - at} ms after the last worker was killed`);
	await eventually(() => children(one.pid).length === WORKERS, `${WORKERS} workers`);
	console.log(`# ${WORKERS} workers ${Date.now() - at} ms after all were killed`);
});

await test('one crashes time and again: it is begun anew, later each time, and the others serve', async (t) => {
	const one = t.keep(await startWeir(config));
	const [first, ...others] = children(one.pid);
	const stream = chat(one, ask('slow', nonce(), { stream: true }), plain);
	const crashed = () => children(one.pid).filter((pid) => !others.includes(pid));
	const crashes = 4;
	let served = 0, lost = 0;

	await eventually(async () => (await mock.stats('slow')).inflight === 1, 'a stream');
	for (let n = 0, pid = first; n < crashes; n++) {
		process.kill(pid, 'SIGABRT');
		await eventually(() => one.of('worker_ended').length === n + 1, 'its end');
		const answers = await Promise.all(Array.from({ length: 10 }, () => chat(one, ask('m'), plain).catch(() => null)));
		served += answers.filter((answer) => answer?.status === 200).length;
		lost += answers.filter((answer) => !answer).length;
		pid = await eventually(() => crashed()[0], 'another one');
	}
	assert.deepEqual(one.of('worker_ended').map(({ signal }) => signal), Array(crashes).fill(6));
	assert.deepEqual(children(one.pid).filter((pid) => others.includes(pid)), others, 'the others are who they were');
	assert.equal(served + lost, 10 * crashes);
	assert.equal(lost, 0);
	await stream.catch(() => null); // it may have been at the one that crashed
});

await test('all crash, time and again: weir ends and says so', async () => {
	/* At its end the leak checker has a child that is no worker. */
	const one = await startWeir({ ...config, workers: 2 }, { env: { ASAN_OPTIONS: 'detect_leaks=0' } });
	const at = Date.now();
	let over = false;

	one.exited.then(() => (over = true));
	while (!over) {
		for (const pid of fs.existsSync(`/proc/${one.pid}/task`) ? children(one.pid) : [])
			try {
				process.kill(pid, 'SIGABRT');
			} catch {} // gone already
		await sleep(20);
	}
	const end = await one.exited;
	assert.equal(end.code, 1, `${end.signal}: ${one.said()}`);
	assert.equal(one.of('workers_fail').length, 1);
	console.log(`# ${one.of('worker_ended').length} workers in ${Date.now() - at} ms`);
}, { seconds: 120 });

await test('a killed one gives back what it held: rooms, a caller’s places, a probe', async () => {
	await mock.script({ full: 'hang', alpha: 'hang' });
	const held = [...Array(2)].map(() => chat(weir, ask('full'), as('two')).catch(() => null));
	await eventually(async () => (await mock.stats('full')).inflight === 2, 'a full provider');
	await mock.script({ 'alpha/dead': '503' });
	await many(20, () => ask('dead'));
	await mock.script({ 'alpha/dead': 'hang' });
	let left = false;
	const probing = (async () => {
		while (!left)
			await Promise.race([chat(weir, ask('dead'), plain).catch(() => null), sleep(200)]);
	})();
	await eventually(async () => (await mock.stats('alpha', 'dead')).inflight >= 1, 'a probe under way');
	left = true;
	await probing;
	for (const pid of workers())
		process.kill(pid, 'SIGKILL');
	await Promise.all(held);
	await mock.script({ full: '200', alpha: '200', 'alpha/dead': '200' });
	await whole();
	await eventually(async () => (await chat(weir, ask('full'), as('two')).catch(() => ({}))).status === 200, 'room');
	await eventually(async () => {
		await chat(weir, ask('dead'), plain).catch(() => null);
		return (await memberOf('dead', 'alpha/dead')).breaker === 'closed';
	}, 'a closed breaker');
}, { seconds: 120 });

await test('a reload is of all; a wrong one of none, and who begins then goes by the one in force', async () => {
	const generation = () => weir.metrics().then((metrics) => metrics.get('weir_config_generation'));
	const next = structuredClone(config);

	next.chains.fresh = { steps: ['beta/fresh'] };
	fs.writeFileSync(weir.file, JSON.stringify(next));
	weir.signal('SIGHUP');
	await eventually(() => weir.of('reload').filter((event) => event.ok).length >= WORKERS, 'reloads');
	assert.ok((await many(40, () => ask('fresh'))).every((answer) => answer.status === 200));
	fs.writeFileSync(weir.file, '{ "chains": 7 }');
	weir.signal('SIGHUP');
	await weir.event('reload', (event) => !event.ok);
	process.kill(workers()[0], 'SIGKILL');
	await sleep(200);
	await whole();
	assert.ok((await many(40, () => ask('fresh'))).every((answer) => answer.status === 200));
	fs.writeFileSync(weir.file, JSON.stringify(config));
	assert.equal((await post(weir.admin, '/reload', '', { headers: { 'x-weir-admin': '1' } })).status, 200);
	await eventually(async () => (await many(20, () => ask('fresh'))).every((answer) => answer.status === 404), 'the old one');
	assert.ok(await generation() >= 3);
}, { seconds: 120 });

await test('a reload that is asked for while another is tried: what was old does not come back', async (t) => {
	const one = t.keep(await startWeir(config));
	const [first] = children(one.pid);
	const all = async () => (await Promise.all(Array.from({ length: 40 }, () => chat(one, ask('fresh'), plain))))
		.every((answer) => answer.status === 200);

	fs.writeFileSync(one.file, JSON.stringify({ ...config, chains: { ...config.chains, fresh: { steps: ['alpha/m'] } } }));
	process.kill(first, 'SIGSTOP'); // who is to try it
	one.signal('SIGHUP');
	await sleep(500);
	assert.equal((await post(one.admin, '/reload', '', { headers: { 'x-weir-admin': '1' } })).status, 200);
	process.kill(first, 'SIGCONT');
	await eventually(all, 'it holds in all');
	await sleep(1000);
	assert.ok(await all());
});

await test('a successor takes over from all, and they end', async () => {
	const calls = Array.from({ length: 12 }, () => {
		const token = nonce();

		return chat(weir, ask('slow', token, { stream: true }), plain).then((answer) => ({ token, ...answer }));
	});
	await eventually(async () => (await mock.stats('slow')).inflight === 12, '12 requests under way');
	const next = share(await startUpgrade(weir.file));

	assert.equal(next.address, weir.address);
	assert.equal(children(next.pid).length, WORKERS);
	for (const { token, text } of await Promise.all(calls))
		assert.equal(textOf(text), said('slow', token, 40));
	assert.equal((await weir.exited).code, 0);
	assert.ok((await Promise.all(Array.from({ length: 40 }, () => chat(next, ask('m'), plain)))).every((answer) => answer.status === 200));

	const last = Array.from({ length: 8 }, () => chat(next, ask('slow', nonce(), { stream: true }), plain));
	await eventually(async () => (await mock.stats('slow')).inflight === 8, '8 requests under way');
	next.signal('SIGTERM');
	assert.ok((await Promise.all(last)).every((answer) => answer.whole));
	assert.equal((await next.exited).code, 0);
}, { seconds: 120 });

await test('a start that fails is one failure', async () => {
	const other = await startWeir({ ...config, listen: '203.0.113.7:1' }, { deaf: true });

	assert.equal((await other.exited).code, 1);
});

await done();
