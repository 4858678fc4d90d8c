// A new configuration comes into force under traffic, all of it or nothing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, events, get, nonce, post, said, textOf } from './lib/http.mjs';
import { sum, tries } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const OPERATOR = { headers: { 'x-weir-admin': '1' } };

await mock.script({
	'alpha/slow': '200;tokens=40;gap=50ms', 'alpha/broken': '500', 'alpha/limited': '429;retry-after=500',
	'alpha/held': '200;tokens=40;gap=50ms',
});

const chainsOf = (...names) => Object.fromEntries(names.map((name) =>
	[name, { retries: 0, steps: [`alpha/${name}`, `beta/${name}`] }]));
const base = (more = {}) => ({ providers: mock.providers(), chains: chainsOf('m'), ...more });

// A weir whose file can be rewritten: weir.rewrite(config), and it has not read it yet.
async function start(t, config, options) {
	const weir = t.keep(await startWeir(config, options));
	const file = weir.child.spawnargs[weir.child.spawnargs.indexOf('-c') + 1];

	weir.rewrite = (next) => {
		fs.writeFileSync(`${file}.new`, typeof next === 'string' ? next
			: JSON.stringify({ listen: '127.0.0.1:0', admin: '127.0.0.1:0', ...next }));
		fs.renameSync(`${file}.new`, file); // nobody reads half of it
	};
	weir.file = file;
	weir.reload = () => post(weir.admin, '/reload', '', OPERATOR);
	weir.take = async (next) => {
		weir.rewrite(next);
		const answer = await weir.reload();
		assert.equal(answer.status, 200, answer.text);
		return JSON.parse(answer.text);
	};
	weir.status = async () => JSON.parse((await get(weir.admin, '/status')).text);
	weir.stands = async (id) => (await weir.status()).chains.flatMap((c) => c.steps.flat())
		.find(({ target }) => target === id);
	return weir;
}

const alone = async (weir) => eventually(async () =>
	(await weir.metrics()).get('weir_config_snapshots') === 1, 'end of the former configurations');

await test('SIGHUP: what begins then goes by the new file, what is under way by the old one', async (t) => {
	const weir = await start(t, base({ chains: chainsOf('slow', 'm') }));
	const token = nonce();
	const stream = chat(weir, ask('slow', token, { stream: true }));

	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight === 1, 'the stream');
	weir.rewrite({ providers: mock.providers('beta'), chains: { m: { steps: ['beta/other'] } } });
	weir.signal('SIGHUP');
	const line = await weir.event('reload');
	assert.equal(line.ok, true);
	assert.equal(line.generation, 2);
	assert.equal((await weir.status()).generation, 2);
	assert.equal((await chat(weir, ask('m'))).headers['x-weir-target'], 'beta/other');
	assert.equal((await chat(weir, ask('slow'))).status, 404);
	assert.equal((await weir.metrics()).get('weir_config_snapshots'), 2);

	const answer = await stream;
	assert.equal(textOf(answer.text), said('alpha', token, 40));
	assert.equal(events(answer.text).at(-1).data, '[DONE]');
	await alone(weir);
});

await test('POST /reload tells what it found', async (t) => {
	const weir = await start(t, base());
	const providers = mock.providers();
	providers.alpha.keys = ['sk-in-the-file-0123456789'];
	const told = await weir.take(base({ providers }));

	assert.equal(told.ok, true);
	assert.equal(told.generation, 2);
	assert.equal(told.errors, 0);
	assert.equal(told.warnings, told.findings.length);
	assert.ok(told.warnings >= 1);
	assert.ok(told.findings.every(({ level, file }) => level === 'warning' && file === weir.file));
	assert.ok(!JSON.stringify(told).includes('sk-in-the-file'));
	assert.equal((await weir.reload()).status, 200);
	assert.equal((await weir.status()).generation, 3);
	assert.equal((await post(weir.admin, '/reload', '')).status, 403);
	assert.equal((await weir.status()).generation, 3);
});

await test('a bad file changes nothing and is told everywhere', async (t) => {
	const weir = await start(t, base());
	const before = await weir.status();

	assert.equal(before.reload, null);
	weir.rewrite('chains:\n  m: { steps: [ alpha/other ] }\n  n: { stepps: [ nobody/x ] }\n');
	const { status, text } = await weir.reload();
	const told = JSON.parse(text);
	assert.equal(status, 422);
	assert.equal(told.ok, false);
	assert.equal(told.generation, 1);
	assert.ok(told.errors >= 1);
	assert.match(told.message, /error/);
	const finding = told.findings.find(({ level, line }) => level === 'error' && line === 3);
	assert.ok(finding.rule && finding.message && finding.fix, text);

	const line = await weir.event('reload');
	assert.equal(line.ok, false);
	assert.equal(line.errors, told.errors);
	const found = await weir.event('finding', (one) => one.level === 'error' && one.line === 3);
	assert.equal(found.rule, finding.rule);
	const after = await weir.status();
	assert.deepEqual(after.reload, told);
	const still = (one) => ({ ...one, reload: null, uptime_s: 0, time_ms: 0, recent: { ...one.recent,
		buckets_end_ms: 0, since_ms: 0, turns: one.recent.turns.map((turn) => ({ ...turn, at_ms: 0 })) } });
	assert.deepEqual(still(after), still(before));
	const series = await weir.metrics();
	assert.equal(series.get('weir_config_last_reload_successful'), 0);
	assert.equal(series.get('weir_config_generation'), 1);
	assert.equal(series.get('weir_config_reloads_total{result="failed"}'), 1);
	assert.deepEqual(tries(await chat(weir, ask('m'))), ['alpha ok']);

	fs.rmSync(weir.file);
	weir.signal('SIGHUP');
	await eventually(() => weir.of('reload').length === 2, 'a second line');
	assert.equal(weir.of('reload')[1].ok, false);
	await weir.take(base());
	assert.equal((await weir.metrics()).get('weir_config_last_reload_successful'), 1);
	assert.equal((await weir.status()).reload.ok, true);
});

await test('what is known of targets that stay survives', async (t) => {
	const keys = { A: 'sk-a-0123456789', B: 'sk-b-0123456789' };
	const chains = chainsOf('broken', 'limited', 'off', 'm');
	const config = (more, list = ['${A}']) => {
		const providers = mock.providers();
		providers.alpha.keys = list;
		return { providers, chains: { ...chains, ...more } };
	};
	const weir = await start(t, config(), { env: keys });

	for (let i = 0; i < 5; i++)
		await chat(weir, ask('broken'));
	await chat(weir, ask('limited'));
	await post(weir.admin, '/targets/alpha/off/disable', '', OPERATOR);
	const known = async () => [await weir.stands('alpha/limited'), await weir.stands('alpha/off'),
		await weir.stands('beta/broken')].map(({ state, attempts, failures }) => ({ state, attempts, failures }));
	const before = await known();
	const broken = await weir.stands('alpha/broken');
	assert.deepEqual(before.map(({ state }) => state), ['benched', 'disabled', 'healthy']);
	assert.equal(broken.failures, 5);

	await weir.take(config({ more: { steps: ['alpha/more', 'beta/more'] } }));
	assert.deepEqual(await known(), before);
	const kept = await weir.stands('alpha/broken');
	assert.equal(kept.failures, 5);
	assert.match(kept.state, /^(open|probing)$/);
	assert.equal((await weir.stands('alpha/more')).state, 'healthy');

	// Another key beside it: what was known of the first is still known.
	await weir.take(config({}, ['${A}', '${B}']));
	assert.equal((await weir.stands('alpha/limited#1')).state, 'benched');
	assert.equal((await weir.stands('alpha/limited#2')).state, 'healthy');
	assert.equal((await weir.stands('alpha/off#2')).state, 'disabled');
	assert.equal((await weir.stands('alpha/broken#1')).failures, 5);

	// Another key in its place is another target, but what an operator has said is of the name.
	await weir.take(config({}, ['${B}']));
	assert.equal((await weir.stands('alpha/limited')).state, 'healthy');
	assert.equal((await weir.stands('alpha/off')).state, 'disabled');
});

await test('a target that moves elsewhere is a new one, with an operator\'s word kept', async (t) => {
	const weir = await start(t, base({ chains: chainsOf('limited', 'off') }));

	await chat(weir, ask('limited'));
	await post(weir.admin, '/targets/alpha/off/disable', '', OPERATOR);
	assert.equal((await weir.stands('alpha/limited')).state, 'benched');
	const providers = mock.providers();
	providers.alpha.base_url = providers.gamma.base_url;
	await weir.take({ providers, chains: chainsOf('limited', 'off') });
	assert.equal((await weir.stands('alpha/limited')).state, 'healthy');
	assert.equal((await weir.stands('alpha/off')).state, 'disabled');
});

await test('connections to providers that stay are used on', async (t) => {
	const weir = await start(t, base({ chains: chainsOf('pooled') }));
	const accepted = () => mock.accepted('alpha');

	await chat(weir, ask('pooled'));
	const before = await accepted();
	for (let i = 0; i < 5; i++) {
		await weir.take(base({ chains: { pooled: { steps: ['alpha/pooled'] }, [`n${i}`]: { steps: ['beta/n'] } } }));
		assert.deepEqual(tries(await chat(weir, ask('pooled'))), ['alpha ok']);
	}
	assert.equal(await accepted(), before);
});

await test('callers\' and providers\' keys change hands without a stop', async (t) => {
	const env = { OLD: 'app-old-0123456789', NEW: 'app-new-0123456789', P1: 'sk-one-0123456789', P2: 'sk-two-0123456789' };
	const config = (app, key) => {
		const providers = mock.providers('alpha');
		providers.alpha.keys = [key];
		return { access: { keys: app.map((name) => ({ name, key: `\${${name}}` })) }, providers,
			chains: { held: { steps: ['alpha/held'] }, m: { steps: ['alpha/m'] } } };
	};
	const weir = await start(t, config(['OLD'], '${P1}'), { env });
	const as = (name) => ({ headers: { authorization: `Bearer ${env[name]}` } });
	const token = nonce();
	const stream = chat(weir, ask('held', token, { stream: true }), as('OLD'));

	await eventually(async () => (await mock.stats('alpha', 'held')).inflight === 1, 'the stream');
	await weir.take(config(['OLD', 'NEW'], '${P2}'));
	for (const name of ['OLD', 'NEW'])
		assert.equal((await chat(weir, ask('m'), as(name))).status, 200);
	assert.equal((await mock.last('alpha', 'm')).headers.authorization, `Bearer ${env.P2}`);
	await weir.take(config(['NEW'], '${P2}'));
	assert.equal((await chat(weir, ask('m'), as('OLD'))).status, 401);
	assert.equal((await chat(weir, ask('m'), as('NEW'))).status, 200);
	assert.equal(textOf((await stream).text), said('alpha', token, 40));
	const everything = weir.lines.join('\n') + (await get(weir.admin, '/status')).text;
	assert.ok(!Object.values(env).some((secret) => everything.includes(secret)));
	await alone(weir);
});

await test('a request whose body is still to come goes by what its head began with', async (t) => {
	const weir = await start(t, base({ chains: { odd: { affinity: 'header:x-a', steps: ['alpha/m', 'beta/m'] } } }));
	const wire = await Wire.open(weir.address);
	const body = JSON.stringify(ask('odd'));

	wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\nx-a: 1\r\ncontent-length: ${body.length}\r\n\r\n`);
	await eventually(async () => (await weir.metrics()).get('weir_config_snapshots') === 1, 'start');
	wire.send(body.slice(0, 10));
	await eventually(async () => {
		await weir.take(base());
		return (await weir.metrics()).get('weir_config_snapshots') === 2;
	}, 'head that is held');
	wire.send(body.slice(10));
	await wire.until((text) => text.includes('\r\n\r\n'), 'an answer');
	assert.match(wire.text, /^HTTP\/1.1 200 /);
	await alone(weir);
	wire.stop();
});

await test('a cap counts what is under way from before', async (t) => {
	const capped = (most) => base({
		chains: { held: { retries: 0, steps: [{ targets: [{ target: 'alpha/held', max_inflight: most }] }, 'beta/m'] } },
	});
	const weir = await start(t, capped(2));
	const stream = () => chat(weir, ask('held', nonce(), { stream: true }));
	const first = stream();

	await eventually(async () => (await weir.stands('alpha/held')).inflight === 1, 'the stream');
	await weir.take(capped(1));
	assert.equal((await weir.stands('alpha/held')).inflight, 1);
	assert.equal((await weir.stands('alpha/held')).state, 'at_cap');
	assert.equal((await stream()).headers['x-weir-target'], 'beta/m');
	assert.equal((await first).headers['x-weir-target'], 'alpha/held');
	await eventually(async () => (await weir.stands('alpha/held')).inflight === 0, 'its end in the books');
});

await test('counters never go back, whatever goes and comes', async (t) => {
	const weir = await start(t, base({ chains: chainsOf('m', 'broken') }));
	const seen = new Map();
	// A breaker's moves are its own, and go with it.
	const goes_on = (name) => /_total|_count|_bucket/.test(name) && !name.startsWith('weir_breaker_');
	const look = async () => {
		for (const [name, value] of await weir.metrics())
			if (goes_on(name)) {
				assert.ok(value >= (seen.get(name) ?? 0), name);
				seen.set(name, value);
			}
		for (const [name] of seen)
			assert.ok((await weir.metrics()).has(name), `${name} is gone`);
	};

	await chat(weir, ask('m'));
	await chat(weir, ask('broken'));
	await look();
	await weir.take(base({ chains: { other: { steps: ['gamma/other', 'beta/m'] } } }));
	await chat(weir, ask('other'));
	await look();
	await weir.take(base({ chains: chainsOf('broken', 'm') }));
	await chat(weir, ask('m'));
	await chat(weir, ask('broken'));
	await look();
	assert.equal(sum(seen, 'weir_requests_total', 'chain="m"'), 2);
	assert.equal(sum(seen, 'weir_fallbacks_total', 'chain="broken"', 'from="alpha/broken"'), 2);
	assert.equal(sum(seen, 'weir_attempts_total', 'target="gamma/other"'), 1);
});

const free = () => new Promise((resolve) => {
	const server = net.createServer().listen(0, '127.0.0.1', () => {
		const { port } = server.address();
		server.close(() => resolve(`127.0.0.1:${port}`));
	});
});

await test('a listener moves: the new one is open before the old one closes, what stays is untouched', async (t) => {
	const [one, two, admin] = [await free(), await free(), await free()];
	const socket = path.join(scratch, 'moved.sock');
	const weir = await start(t, { ...base({ chains: chainsOf('m', 'held') }), listen: [one, `unix:${socket}`] });
	const wire = t.keep(await Wire.open(one));
	const stream = chat(weir, ask('held', 'kept', { stream: true }));
	const inode = () => fs.statSync(socket).ino;
	const before = inode();

	await eventually(async () => (await mock.stats('alpha', 'held')).inflight > 0, 'the stream');
	const told = await weir.take({ ...base({ chains: chainsOf('m', 'held') }), listen: [two, `unix:${socket}`], admin });
	assert.deepEqual(told.findings.filter(({ rule }) => rule === 'needs-restart'), []);
	weir.admin = admin;
	assert.equal((await chat({ address: two }, ask('m'))).status, 200);
	assert.equal((await chat({ address: `unix:${socket}` }, ask('m'))).status, 200);
	assert.equal(inode(), before);
	assert.equal((await get(admin, '/livez')).status, 200);
	await assert.rejects(get(one, '/livez'), /ECONNREFUSED/);
	wire.send('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
	await wire.until((text) => text.includes('200 OK'), 'an answer on a connection of before');
	assert.equal(textOf((await stream).text), said('alpha', 'kept', 40));
	assert.deepEqual(weir.of('closing').map((event) => event.address ?? event.admin), [one, weir.of('listening').map((e) => e.admin).find(Boolean)]);
	await weir.take({ ...base(), listen: two, admin });
	await eventually(() => !fs.existsSync(socket), 'end of the socket file');
});

await test('an address that cannot be had changes nothing, and is told everywhere', async (t) => {
	const taken = net.createServer().listen(0, '127.0.0.1');
	await once(taken, 'listening');
	const busy = `127.0.0.1:${taken.address().port}`;
	const spare = await free();
	const weir = await start(t, base());

	for (const [key, more] of [['listen', { listen: [spare, busy] }], ['admin', { listen: spare, admin: busy }]]) {
		weir.rewrite({ ...base({ chains: chainsOf('other') }), ...more });
		const { status, text } = await weir.reload();
		const told = JSON.parse(text);
		assert.equal(status, 422);
		const finding = told.findings.find(({ rule }) => rule === 'cannot-listen');
		assert.equal(finding.key, key);
		assert.ok(finding.message.includes(busy), text);
		assert.deepEqual((await weir.status()).reload, told);
		assert.equal(weir.of('finding').filter(({ rule }) => rule === 'cannot-listen').at(-1).key, key);
		assert.equal((await weir.metrics()).get('weir_config_last_reload_successful'), 0);
		await assert.rejects(get(spare, '/livez'), /ECONNREFUSED|ECONNRESET/);
		assert.equal((await chat(weir, ask('m'))).status, 200);
	}
	taken.close();
});

await test('who had come to a listener that closes is served', async (t) => {
	const [one, two] = [await free(), await free()];
	const weir = await start(t, { ...base(), listen: one });

	for (let round = 0; round < 4; round++) {
		const [from, to] = round % 2 ? [two, one] : [one, two];
		weir.rewrite({ ...base(), listen: to });
		weir.signal('SIGSTOP'); // what comes now waits in the kernel
		const callers = Array.from({ length: 50 }, () => chat({ address: from }, ask('m')));
		await sleep(300);
		weir.signal('SIGHUP');
		weir.signal('SIGCONT');
		for (const { status } of await Promise.all(callers))
			assert.equal(status, 200);
		await eventually(() => get(from, '/livez').then(() => false, () => true), 'its end');
		assert.equal((await chat({ address: to }, ask('m'))).status, 200);
	}
});

await test('admin comes and goes by a reload', async (t) => {
	const admin = await free();
	const weir = await start(t, { ...base(), admin: 'off' });

	weir.rewrite({ ...base(), admin });
	weir.signal('SIGHUP');
	await eventually(() => get(admin, '/livez').then(() => true, () => false), 'an admin listener');
	weir.admin = admin;
	await weir.take({ ...base(), admin: 'off' });
	await eventually(() => get(admin, '/livez').then(() => false, () => true), 'its end');
	assert.equal((await chat(weir, ask('m'))).status, 200);
});

await test('a listener that others reach is never left without keys', async (t) => {
	const env = { APP: 'app-0123456789' };
	const guarded = { ...base(), listen: '0.0.0.0:0', access: { keys: [{ name: 'app', key: '${APP}' }] } };
	const weir = await start(t, guarded, { env });
	const near = { address: weir.address.replace('0.0.0.0', '127.0.0.1') };

	weir.rewrite({ ...base(), listen: '0.0.0.0:0' });
	assert.equal((await weir.reload()).status, 422);
	assert.equal((await chat(near, ask('m'))).status, 401);

	// It closes: who had come by it is not let in by the loopback's rules.
	const wire = t.keep(await Wire.open(near.address));
	await weir.take(base());
	await assert.rejects(chat(near, ask('m')), /ECONNREFUSED|ECONNRESET/);
	wire.send('GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n');
	await wire.until((text) => text.includes('HTTP/1.1'), 'an answer');
	assert.match(wire.text, /^HTTP\/1\.1 401 /);

	// --listen is nothing that a file closes.
	const fixed = await start(t, guarded, { env, args: ['--listen', '0.0.0.0:0'] });
	fixed.rewrite(base());
	const { status, text } = await fixed.reload();
	assert.equal(status, 422);
	assert.ok(JSON.parse(text).findings.some(({ rule }) => rule === 'open-listener'), text);
});

const told = async (wire, what, host, more = '') => {
	const before = wire.text.length;

	wire.send(`${what} HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 0\r\n${more}\r\n`);
	await wire.until((text) => text.slice(before).includes('\r\n\r\n'), 'an answer');
	return Number(wire.text.slice(before).match(/^HTTP\/1\.1 (\d+)/)[1]);
};

await test('an admin listener that others reached lets nobody in once it is closed', async (t) => {
	const env = { ADMIN: 'admin-0123456789' };
	const key = `authorization: Bearer ${env.ADMIN}\r\n`;
	const weir = await start(t, { ...base(), admin: '0.0.0.0:0', admin_key: '${ADMIN}' }, { env });
	const far = weir.admin.replace('0.0.0.0', '127.0.0.1');
	const wires = [];
	for (let i = 0; i < 3; i++)
		wires.push(t.keep(await Wire.open(far)));
	const [reader, ...idle] = wires;

	reader.send(`GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n${key}\r\n`);
	await reader.until((text) => text.includes('retry:'), 'the stream');
	for (const wire of idle)
		assert.equal(await told(wire, 'GET /livez', 'x'), 200);
	const admin = await free();
	weir.rewrite({ ...base(), admin });
	weir.signal('SIGHUP');
	await eventually(() => get(admin, '/livez').then(() => true, () => false), 'the new one');
	weir.admin = admin;
	await eventually(() => reader.ended, 'the end of the stream');
	assert.equal(await told(idle[0], 'GET /status', '127.0.0.1', key), 401);
	assert.equal(await told(idle[1], 'POST /targets/alpha/m/disable', admin, 'x-weir-admin: 1\r\n'), 401);
	assert.equal((await weir.stands('alpha/m')).state, 'healthy');
});

await test('a stream that was opened with an admin_key ends with it', async (t) => {
	const env = { OLD: 'admin-old-0123456789', NEW: 'admin-new-0123456789' };
	const keyed = (name, more) => ({ ...base(more), admin: '0.0.0.0:0', admin_key: `\${${name}}` });
	const weir = await start(t, keyed('OLD'), { env });
	const far = weir.admin.replace('0.0.0.0', '127.0.0.1');
	const wires = [];

	for (const path of ['/events', '/status/live']) {
		const wire = t.keep(await Wire.open(far));
		wire.send(`GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${env.OLD}\r\n\r\n`);
		await wire.until((text) => text.includes('retry:'), 'the stream');
		wires.push(wire);
	}
	weir.rewrite(keyed('OLD', { chains: chainsOf('other') }));
	weir.signal('SIGHUP');
	await eventually(() => weir.of('reload').length === 1, 'a reload that keeps the key');
	for (const wire of wires)
		assert.ok(!wire.ended);
	weir.rewrite(keyed('NEW'));
	weir.signal('SIGHUP');
	for (const wire of wires)
		await eventually(() => wire.ended, 'its end');
	const mine = (key) => get(far, '/status', { headers: { authorization: `Bearer ${key}` } });
	assert.deepEqual([(await mine(env.OLD)).status, (await mine(env.NEW)).status], [401, 200]);
});

await test('many SIGHUPs are few reloads, and the last one counts', async (t) => {
	const weir = await start(t, base());

	for (let i = 0; i < 200; i++) {
		weir.rewrite(base({ chains: { [`n${i}`]: { steps: ['alpha/m', 'beta/m'] } } }));
		weir.signal('SIGHUP');
		await sleep(2);
	}
	await eventually(async () => (await weir.status()).chains[0].name === 'n199', 'the last one');
	assert.ok(weir.of('reload').length < 200);
	assert.ok(weir.of('reload').every(({ ok }) => ok));
	await alone(weir);
});

await test('reloads under load: no request fails, no stream is cut', async (t) => {
	const names = ['m', 'slow', 'broken'];
	const weir = await start(t, base({ chains: chainsOf(...names) }));
	const agent = new http.Agent({ keepAlive: true });
	const calls = [];
	let over = false;
	const call = async (model, stream, options) => {
		const token = nonce();
		const answer = await chat(weir, ask(model, token, { stream }), options);

		assert.equal(answer.status, 200, answer.text);
		assert.ok(answer.whole, model);
		const vendor = answer.headers['x-weir-target'].split('/')[0];
		assert.equal(stream ? textOf(answer.text) : JSON.parse(answer.text).choices[0].message.content,
			said(vendor, token, model === 'slow' && vendor === 'alpha' ? 40 : 16));
		calls.push(model);
	};
	const crowd = (n, ...args) => Array.from({ length: n }, async () => {
		while (!over)
			await call(...args);
	});
	const callers = [...crowd(8, 'm', false, { agent }), ...crowd(4, 'm', false), ...crowd(4, 'broken', true, { agent }),
		...crowd(20, 'slow', true)];

	for (let i = 0; i < 20; i++) {
		await sleep(150);
		await weir.take(base({ chains: { ...chainsOf(...names), [`n${i}`]: { steps: ['gamma/x'] } } }));
	}
	over = true;
	await Promise.all(callers);
	agent.destroy();
	assert.ok(calls.includes('m') && calls.includes('slow') && calls.includes('broken'));
	const series = await weir.metrics();
	assert.equal(sum(series, 'weir_requests_total', 'outcome="ok"') +
		sum(series, 'weir_requests_total', 'outcome="failed_over"'), sum(series, 'weir_requests_total'));
	assert.equal(series.get('weir_config_generation'), 21);
	await alone(weir);
	assert.equal(sum(await weir.metrics(), 'weir_inflight_attempts'), 0);
});

await done();
