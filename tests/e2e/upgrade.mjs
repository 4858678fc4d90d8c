// Another process takes over from a running weir, and nobody notices; or it fails, and nobody does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { scratch, startUpgrade, startWeir, writeConfig } from './lib/weir.mjs';
import { Sockets } from './lib/sockets.mjs';
import { Wire, ask, chat, eventually, get, post, said, textOf } from './lib/http.mjs';

const mock = share(await startMock({ alpha: '200' }));
await mock.script({ 'alpha/slow': '200;tokens=40;gap=50ms' });

const base = (more = {}) => ({ providers: mock.providers('alpha'),
	chains: { m: { steps: ['alpha/m'] }, slow: { steps: ['alpha/slow'] } }, ...more });
const serves = async (weir) => assert.equal((await chat(weir, ask('m'))).status, 200);
const upgradeOf = (t, weir, options) => startUpgrade(weir.file, options).then((next) => t.keep(next));
let sockets = 0;
const at = () => path.join(scratch, `upgrade-${++sockets}.sock`);
const refused = /ECONNREFUSED|ECONNRESET|ENOENT/;

await test('a new process serves where the old one did, which ends with its last answer', async (t) => {
	const socket = path.join(scratch, 'taken.sock');
	const old = t.keep(await startWeir(base({ listen: ['127.0.0.1:0', `unix:${socket}`] })));
	const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
	const { ino } = fs.statSync(socket);
	const stream = chat(old, ask('slow', 'held', { stream: true }));

	await serves(old);
	assert.notEqual((await chat(old, ask('m'), { agent })).headers.connection, 'close');
	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight > 0, 'the stream');
	const next = await upgradeOf(t, old);
	assert.deepEqual([next.addresses, next.admin], [old.addresses, old.admin]);
	assert.equal((await old.event('handed_over')).successor, next.pid);

	const parted = await chat(old, ask('m'), { agent }); // by a connection of before
	assert.deepEqual([parted.status, parted.headers.connection], [200, 'close']);
	for (const address of next.addresses)
		await serves({ address });
	await eventually(() => next.of('request').length >= 2, 'requests at the new one');
	const status = JSON.parse((await get(next.admin, '/status')).text);
	assert.deepEqual([status.draining, status.generation], [false, 1]);
	const shown = await run(['status', '--ready', '--admin', next.admin]);
	assert.equal(shown.code, 0, shown.err);

	assert.equal(textOf((await stream).text), said('alpha', 'held', 40));
	assert.equal((await old.end()).code, 0);
	assert.equal(fs.statSync(socket).ino, ino);
	await serves({ address: `unix:${socket}` });
	agent.destroy();
	await next.stop();
	assert.ok(!fs.existsSync(socket));
});

await test('one after the other', async (t) => {
	let weir = t.keep(await startWeir(base()));

	for (let i = 0; i < 4; i++) {
		const next = await upgradeOf(t, weir);
		assert.equal((await weir.end()).code, 0);
		assert.equal(next.address, weir.address);
		await serves(next);
		weir = next;
	}
});

await test('it goes by its own file: what that names anew is opened, what it does not is closed', async (t) => {
	const socket = path.join(scratch, 'gone.sock');
	const old = t.keep(await startWeir(base({ listen: ['127.0.0.1:0', `unix:${socket}`] })));
	const other = path.join(scratch, 'new.sock');

	fs.writeFileSync(old.file, JSON.stringify(base({ listen: [old.address, `unix:${other}`], admin: '127.0.0.1:0',
		chains: { n: { steps: ['alpha/n'] } } })));
	const next = await upgradeOf(t, old);
	assert.deepEqual(next.addresses, [old.address, `unix:${other}`]);
	for (const address of next.addresses)
		assert.equal((await chat({ address }, ask('n'))).status, 200);
	await assert.rejects(get(`unix:${socket}`, '/livez'), refused);
	assert.equal((await old.end()).code, 0);
});

await test('--background returns when it serves', async (t) => {
	const old = t.keep(await startWeir(base()));
	const log = path.join(scratch, 'background.log');
	const config = JSON.parse(fs.readFileSync(old.file));

	fs.writeFileSync(old.file, JSON.stringify({ ...config, log: { file: log } }));
	const first = spawn(process.env.WEIR, ['upgrade', '--background', '-c', old.file], { stdio: 'ignore' });
	assert.deepEqual(await once(first, 'exit'), [0, null]);
	const { successor } = await old.event('handed_over');
	assert.equal((await old.end()).code, 0);
	await serves(old);
	process.kill(successor, 'SIGTERM');
	await eventually(() => fs.readFileSync(log, 'utf8').includes('"stopped"'), 'its end');

	const again = await run(['upgrade', '--background', '-c', old.file]);
	assert.equal(again.code, 1);
	assert.match(again.err, /no weir waits for an upgrade/);
});

// ---- what goes wrong ----

await test('who cannot start leaves the running one alone', async (t) => {
	const taken = net.createServer().listen(0, '127.0.0.1');
	await once(taken, 'listening');
	const weir = t.keep(await startWeir(base()));
	const good = fs.readFileSync(weir.file, 'utf8');
	const wrong = [[2, 'chains: [', /weir/], [1, JSON.stringify({ ...JSON.parse(good),
		listen: ['127.0.0.1:0', `127.0.0.1:${taken.address().port}`] }), /cannot listen/]];

	for (const [code, text, why] of wrong) {
		fs.writeFileSync(weir.file, text);
		const end = await run(['upgrade', '-c', weir.file]);
		assert.equal(end.code, code, end.err);
		assert.match(end.err, why);
		await serves(weir);
	}
	assert.equal(weir.of('upgrade_failed').length, 1); // the first never came to ask
	fs.writeFileSync(weir.file, good);
	await serves(await upgradeOf(t, weir));
	assert.equal((await weir.end()).code, 0);
	taken.close();
});

await test('who ends before it is ready, and a second one at the same time', async (t) => {
	const socket = at();
	const file = path.join(scratch, 'own.sock');
	const weir = t.keep(await startWeir(base({ listen: ['127.0.0.1:0', `unix:${file}`] }), { args: ['--upgrade-socket', socket] }));
	const successor = t.keep(new Sockets('ask', socket));
	const greeting = await successor.says('text');

	assert.ok(greeting.text.startsWith('weir-handover 1\n'), greeting.text);
	assert.equal(greeting.sockets, 4);
	assert.equal(fs.statSync(socket).mode & 0o777, 0o600);
	const second = await run(['upgrade', '-c', weir.file, '--upgrade-socket', socket]);
	assert.equal(second.code, 1);
	assert.match(second.err, /another upgrade is under way \(process \d+\)/);
	await serves(weir);
	successor.signal('SIGKILL');
	assert.match((await weir.event('upgrade_failed')).message, /ended before it was ready/);
	for (const address of weir.addresses)
		await serves({ address });

	const odd = t.keep(new Sockets('ask', socket));
	await odd.says('text');
	odd.send('nonsense');
	await eventually(() => weir.of('upgrade_failed').length === 2, 'an end');
	const next = await upgradeOf(t, weir, { args: ['--upgrade-socket', socket] });
	assert.equal((await weir.end()).code, 0);
	assert.ok(fs.existsSync(socket) && fs.existsSync(file));
	await serves(next);
	await next.stop();
	assert.ok(!fs.existsSync(socket) && !fs.existsSync(file));
});

await test('a running one that ends meanwhile leaves its sockets to the new one', async (t) => {
	const socket = at();
	const weir = t.keep(await startWeir(base(), { args: ['--upgrade-socket', socket] }));
	const next = t.keep(await startUpgrade(weir.file, { args: ['--upgrade-socket', socket] }));

	await weir.kill();
	for (let i = 0; i < 20; i++)
		await serves(next);
});

await test('one that ends while it is asked leaves its files to who has asked', async (t) => {
	const socket = at();
	const file = path.join(scratch, 'asked.sock');
	const weir = t.keep(await startWeir(base({ listen: ['127.0.0.1:0', `unix:${file}`] }), { args: ['--upgrade-socket', socket] }));
	const successor = t.keep(new Sockets('ask', socket));

	await successor.says('text');
	await weir.stop();
	assert.ok(fs.existsSync(socket) && fs.existsSync(file));
});

await test('a path is taken as it is given, and a name must be one', async (t) => {
	const socket = path.relative(process.cwd(), at());
	const weir = t.keep(await startWeir(base(), { args: ['--upgrade-socket', socket] }));
	const bare = await run(['serve', '-c', weir.file, '--upgrade-socket', '@']);

	assert.equal(bare.code, 2);
	assert.match(bare.err, /the name is missing/);
	assert.ok(fs.existsSync(socket));
	await weir.stop();
	assert.ok(!fs.existsSync(socket));
});

await test('nobody upgrades another user\'s weir', async (t) => {
	if (process.getuid() !== 0)
		return; // only root can be two users
	const weir = t.keep(await startWeir(base()));
	const { path: upgrade } = await weir.event('upgrade_socket');
	const answer = await t.keep(new Sockets('ask', upgrade, '65534')).says('text');

	assert.deepEqual([answer.text, answer.sockets], ['refused another user runs this weir', 0]);
	await serves(weir);
});

await test('where it waits: a stale file is replaced, a live one and what is no socket are not', async (t) => {
	const socket = at();
	const args = ['--upgrade-socket', socket];
	const dead = t.keep(await startWeir(base(), { args }));

	const live = await run(['serve', '-c', dead.file, '--listen', '127.0.0.1:0', '--admin', 'off', ...args]);
	assert.equal(live.code, 1);
	assert.match(live.err, /cannot wait for an upgrade/);
	await dead.kill();
	assert.ok(fs.existsSync(socket));
	const weir = t.keep(await startWeir(base(), { args }));
	assert.deepEqual(weir.of('note'), []);
	await weir.stop();
	fs.writeFileSync(socket, 'a file');
	assert.equal((await run(['serve', '-c', weir.file, ...args])).code, 1);
	assert.equal(fs.readFileSync(socket, 'utf8'), 'a file');

	// By default it is a name for each file; a runtime directory has it as a file.
	const dir = path.join(scratch, 'run');
	fs.mkdirSync(dir);
	const there = t.keep(await startWeir(base(), { env: { RUNTIME_DIRECTORY: dir } }));
	assert.equal(fs.statSync(path.join(dir, 'upgrade.sock')).mode & 0o777, 0o600);
	const next = await upgradeOf(t, there, { env: { RUNTIME_DIRECTORY: dir } });
	assert.equal((await there.end()).code, 0);
	await serves(next);
	const off = t.keep(await startWeir(base(), { args: ['--upgrade-socket', 'off'] }));
	assert.equal((await run(['upgrade', '-c', off.file])).code, 1);
	assert.equal((await run(['upgrade', '-c', off.file, '--upgrade-socket', 'off'])).code, 2);
	await serves(off);
});

// ---- a service manager ----

await test('it is told: ready, reloading, another main process, stopping', async (t) => {
	const name = `@weir-e2e-${process.pid}`;
	const manager = t.keep(new Sockets('notify', name));
	const env = { NOTIFY_SOCKET: name };

	await manager.says('ready');
	const weir = t.keep(await startWeir(base(), { env }));
	await manager.says('told', 'READY=1');
	weir.signal('SIGHUP');
	await manager.says('told', /^RELOADING=1\nMONOTONIC_USEC=\d+$/);
	await manager.says('told', 'READY=1', 2);
	const next = await upgradeOf(t, weir, { env });
	await manager.says('told', `MAINPID=${next.pid}`);
	await manager.says('told', 'READY=1', 3);
	assert.equal((await weir.end()).code, 0);
	await next.stop();
	await manager.says('told', 'STOPPING=1');
	assert.equal(manager.of('told').filter(({ told }) => told === 'STOPPING=1').length, 1);
});

await test('sockets that are passed by name are the listeners, and nothing is opened beside them', async (t) => {
	const file = writeConfig(base({ listen: '127.0.0.1:1', admin: '127.0.0.1:2' }));
	const holder = t.keep(new Sockets('hold', 'public=127.0.0.1:0', 'admin=127.0.0.1:0', '--', process.env.WEIR, 'serve', '-c', file,
		'--log', 'json'));
	const [address, admin] = [(await holder.says('address')).address, (await holder.says('address', /./, 2)).address];

	const waiting = chat({ address }, ask('m')); // nobody serves yet
	holder.send('start');
	assert.equal((await waiting).status, 200);
	assert.equal((await get(admin, '/readyz')).status, 200);
	assert.deepEqual(holder.logged('listening').map((event) => event.address ?? event.admin).slice(0, 2), [address, admin]);

	// A restart: who comes between the two waits.
	const { pid } = await holder.says('pid');
	process.kill(pid, 'SIGTERM');
	await eventually(() => holder.logged('stopped').length === 1, 'its end');
	const between = Array.from({ length: 20 }, () => chat({ address }, ask('m')));
	holder.send('start');
	for (const { status } of await Promise.all(between))
		assert.equal(status, 200);

	// And it can be upgraded.
	const next = t.keep(await startUpgrade(file));
	assert.deepEqual([next.address, next.admin], [address, admin]);
	await eventually(() => holder.logged('stopped').length === 2, 'its end');
	await serves(next);
});

await test('sockets that are passed without a name go by their address', async (t) => {
	const socket = path.join(scratch, 'passed.sock');
	const file = writeConfig(base({ listen: [`unix:${socket}`, '127.0.0.1:0'], admin: '127.0.0.1:0' }));
	const holder = t.keep(new Sockets('hold', `-=unix:${socket}`, '-=127.0.0.1:0', '--', process.env.WEIR, 'serve', '-c', file,
		'--log', 'json'));

	holder.send('start');
	await eventually(() => holder.logged('listening').length >= 3, 'its addresses');
	await serves({ address: `unix:${socket}` });
	const { address } = await holder.says('address', /^127/);
	assert.ok(holder.logged('warning').some(({ message }) => message.includes(address) && message.includes('nothing listens')));
	process.kill((await holder.says('pid')).pid, 'SIGTERM');
	await eventually(() => holder.logged('stopped').length === 1, 'its end');
	assert.ok(fs.existsSync(socket)); // it is the manager's
});

await done();
