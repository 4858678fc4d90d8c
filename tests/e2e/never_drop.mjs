// Reloads and restarts under load: no request fails, no stream is cut. The load checks every answer
// (its nonce, and every stream to its end) and asks nothing a second time, as a client would.
// WEIR_NEVER_DROP=full is the size that is claimed: 2,000 requests a second for a minute, on a
// release build; a number is another rate.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { failures, measured } from './lib/bench.mjs';
import { startMock } from './lib/mock.mjs';
import { startUpgrade, startWeir, writeConfig } from './lib/weir.mjs';
import { Sockets } from './lib/sockets.mjs';
import { ask, chat, eventually, get, post } from './lib/http.mjs';

const wish = process.env.WEIR_NEVER_DROP;
const full = wish !== undefined; // or another rate
const rate = full ? Number(wish) || 2000 : 300;
const streams = 10;
const fresh = Math.round(rate / 3);
const size = { kept: rate - fresh - streams, fresh, streams,
	...full ? { seconds: 60, times: 20, hangups: 1000, hangup_s: 10 } : { seconds: 10, times: 5, hangups: 200, hangup_s: 2 } };
const OPERATOR = { headers: { 'x-weir-admin': '1' } };
const mock = share(await startMock({ alpha: '200', beta: '200' }));

await mock.script({ 'alpha/m': '200;tokens=8;latency=2ms', 'alpha/long': `200;tokens=60;gap=${full ? 100 : 50}ms`,
	'alpha/short': '200;tokens=20;gap=50ms' });

const steps = (name) => ({ steps: [`alpha/${name}`, `beta/${name}`] });
const config = (more = {}) => ({ providers: mock.providers(),
	chains: { m: steps('m'), long: steps('long'), short: steps('short') }, ...more });

// What all the callers have seen, when they are through.
async function load(address, stream, seconds = size.seconds) {
	const url = `http://${address}`;
	const common = ['-d', `${seconds}s`, '--warmup', '0', '--drain', '30s', '-q', '-c', '3000'];
	const crowd = (rate, model, ...more) => measured(['--rate', String(rate), '-m', model, ...common, ...more, url],
		{ seconds: seconds + 120 });
	const [kept, fresh, streams] = await Promise.all([crowd(size.kept, 'm'), crowd(size.fresh, 'm', '--fresh'),
		crowd(size.streams, stream, '--stream', '1')]);

	return { kept, fresh, streams };
}

// Reported first: on a machine that was too busy it says why.
function whole(seen) {
	for (const [name, shown] of Object.entries(seen)) {
		console.log(`# ${name}: ${shown.outcomes.ok} of ${shown.sent} answered well, ${JSON.stringify(failures(shown))}, ` +
			`p50 ${shown.latency_ms.p50?.toFixed(1)} ms, p99 ${shown.latency_ms.p99?.toFixed(1)} ms, ` +
			`max ${shown.latency_ms.max.toFixed(0)} ms, load ${os.loadavg()[0].toFixed(1)}`);
		if (shown.notes?.length)
			console.log(`# ${name}: ${JSON.stringify(shown.notes)}`);
	}
	for (const [name, shown] of Object.entries(seen)) {
		assert.deepEqual(failures(shown), {}, name);
		assert.equal(shown.outcomes.ok, shown.sent, name);
		assert.equal(shown.unsent, 0, name);
	}
	assert.equal(seen.streams.streams.whole, seen.streams.sent);
}

const pause = () => sleep(size.seconds * 1000 / size.times / 2 * 0.8);

// How attempts ended that did not end well, and what weir answered itself.
function troubles(events) {
	const seen = new Map();

	for (const e of events) {
		if (!/^(fallback|retry|warning|log_dropped)$/.test(e.event) && !(e.event === 'request' && e.status !== 200))
			continue;
		const what = [e.event, e.status, e.outcome, e.class, e.reason, e.detail ?? e.message].filter(Boolean).join(' ');
		seen.set(what, (seen.get(what) ?? 0) + 1);
	}
	for (const [what, n] of seen)
		console.log(`# ${n} x ${what}`);
}

await test('reloads and upgrades', async (t) => {
	let weir = t.keep(await startWeir(config()));
	const settings = JSON.parse(fs.readFileSync(weir.file));
	const { address } = weir;
	let over = false;
	const seen = load(address, 'long').finally(() => { over = true; });
	const all = [weir];

	await sleep(500);
	for (let i = 0; i < size.times && !over; i++) {
		fs.writeFileSync(`${weir.file}.new`, JSON.stringify({ ...settings, chains: { ...settings.chains, [`n${i}`]: steps('x') } }));
		fs.renameSync(`${weir.file}.new`, weir.file);
		const reloaded = await post(weir.admin, '/reload', '', OPERATOR);
		assert.equal(reloaded.status, 200, reloaded.text);
		await pause();
		weir = t.keep(await startUpgrade(weir.file));
		all.push(weir);
		assert.equal(weir.address, address);
		await pause();
	}
	if (full) // a slow machine has fewer in the time
		assert.equal(all.length, size.times + 1, 'the load has ended before the upgrades');
	assert.ok(all.length > 2, `${all.length - 1} upgrades`);
	const told = await seen;
	troubles(all.flatMap((one) => one.events));
	whole(told);
	assert.ok(all.slice(0, full ? size.times : 2).every((one) => one.of('request').length > 0), 'each has served');
	await Promise.all(all.slice(0, -1).map(async (one) => assert.equal((await one.end()).code, 0)));
}, { seconds: size.seconds + 200 });

await test('restarts with sockets that are passed on, one after the other and overlapping', async (t) => {
	const file = writeConfig(config({ drain_timeout: '60s' }));
	const holder = t.keep(new Sockets('hold', 'public=127.0.0.1:0', 'admin=127.0.0.1:0', '--', process.env.WEIR, 'serve', '-c', file,
		'--log', 'json'));
	const { address } = await holder.says('address');
	const begun = (n) => holder.says('pid', /./, n);
	const serving = (n) => eventually(() => holder.logged('listening').length === 2 * n, 'a listener');
	const ended = (n) => eventually(() => holder.logged('stopped').length === n, 'an end');

	holder.send('start');
	let { pid } = await begun(1);
	await serving(1);
	const seen = load(address, 'short');
	await sleep(500);
	for (let i = 1; i <= size.times; i++) {
		if (i % 2) {
			process.kill(pid, 'SIGTERM');
			await ended(i);
		}
		holder.send('start');
		const next = (await begun(i + 1)).pid;
		await serving(i + 1);
		if (i % 2 === 0) {
			process.kill(pid, 'SIGTERM');
			await ended(i);
		}
		({ pid } = { pid: next });
		await sleep(Math.max(0, size.seconds * 1000 / size.times * 0.9 - 1500));
	}
	const told = await seen;
	troubles(holder.events);
	whole(told);
}, { seconds: size.seconds + 200 });

await test('a storm of SIGHUPs: nobody notices, and memory stays', async (t) => {
	const weir = t.keep(await startWeir(config()));
	const settings = JSON.parse(fs.readFileSync(weir.file));
	const resident = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${weir.pid}/status`, 'utf8'))[1]);
	const storm = async () => {
		for (let i = 0; i < size.hangups; i++) {
			if (i % 20 === 0) {
				fs.writeFileSync(`${weir.file}.new`, JSON.stringify({ ...settings, chains: { ...settings.chains, [`n${i}`]: steps('x') } }));
				fs.renameSync(`${weir.file}.new`, weir.file);
			}
			weir.signal('SIGHUP');
			await sleep(size.hangup_s * 1000 / size.hangups);
		}
		await eventually(async () => (await weir.metrics()).get('weir_config_snapshots') === 1, 'the last of them');
	};
	const during = async () => {
		const answer = await chat(weir, ask('m'));
		assert.equal(answer.status, 200);
	};
	let over = false;
	const callers = Array.from({ length: 4 }, async () => {
		while (!over)
			await during();
	});

	await storm();
	const before = resident();
	await storm();
	const after = resident();
	over = true;
	await Promise.all(callers);
	console.log(`# ${size.hangups} SIGHUPs in ${size.hangup_s} s were ${weir.of('reload').length / 2} reloads; ` +
		`${before} KiB before, ${after} KiB after`);
	assert.ok(weir.of('reload').every(({ ok }) => ok));
	if (full) // the sanitizers keep what was freed
		assert.ok(after - before < 2048, `${after - before} KiB more`);
	assert.equal((await get(weir.admin, '/readyz')).status, 200);
}, { seconds: 120 });

await done();
