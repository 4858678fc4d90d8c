// Once it listens, weir has given up what it does not need: here a system call that was forgotten
// would end it. What a confined process cannot do is shown by tests/loop/test_sandbox.c.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { Program, binary, run } from './lib/program.mjs';
import { scratch, startUpgrade, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat, eventually, get, post } from './lib/http.mjs';

const STRICT = ['--sandbox', 'strict'];
// a sanitizer's search for leaks wants what is forbidden
const env = { ASAN_OPTIONS: 'detect_leaks=0', KEY: 'sk-of-the-environment-0123456789' };
const ca = path.join(scratch, 'ca.pem');
const mock = share(await startMock({ alpha: '200', beta: '503', safe: { script: '200', tls: 'valid' } }, { caOut: ca }));
await mock.script({ 'alpha/slow': '200;tokens=40;gap=20ms' });

function providers() {
	const key = path.join(scratch, 'key');
	const { alpha, beta, safe } = mock.providers();

	fs.writeFileSync(key, 'sk-of-the-file-0123456789', { mode: 0o600 });
	return {
		alpha: { ...alpha, keys: ['${KEY}', { file: key }] }, beta, safe: { ...safe, ca_file: ca },
		named: { ...alpha, base_url: alpha.base_url.replace('127.0.0.1', 'localhost') },
		nowhere: { ...alpha, base_url: 'http://no-such-name.invalid/v1' },
	};
}

const chains = {
	plain: { steps: ['alpha/m'] }, slow: { steps: ['alpha/slow'] }, down: { retries: 0, steps: ['beta/m', 'safe/m'] },
	named: { steps: ['named/m'] }, nowhere: { retries: 0, steps: ['nowhere/m', 'alpha/m'] },
};
const config = (more) => ({ providers: providers(), chains, ...more });
const status = (pid, field) => fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\S+)`, 'm'))[1];

async function everything(weir) {
	for (const model of Object.keys(chains).filter((name) => name !== 'nowhere'))
		for (const stream of [false, true])
			assert.equal((await chat(weir, ask(model, 'x', { stream }))).status, 200, model);
	assert.equal((await chat(weir, ask('unknown'))).status, 404);
	assert.equal((await chat(weir, '{')).status, 400);
	for (const page of ['/', '/status', '/metrics', '/readyz', '/livez'])
		assert.equal((await get(weir.admin, page)).status, 200, page);
}

await test('it serves, is reloaded, rotates its log, is upgraded and drained', async (t) => {
	const folder = path.join(scratch, 'logs');
	const file = path.join(folder, 'weir.log'), attempts = path.join(folder, 'attempts.log');
	const behind = path.join(fs.mkdtempSync(path.join(scratch, 'behind-')), 'attempts.log'); // a link
	const socket = path.join(folder, 'sandbox.sock');
	const log = { file, attempts, level: 'debug' };

	fs.mkdirSync(folder);
	fs.symlinkSync(behind, attempts);
	const weir = t.keep(new Program(['serve', '-c', writeConfig(config({
		listen: [`unix:${socket}`, '127.0.0.1:0'], admin: '127.0.0.1:0', log,
	})), ...STRICT], { env: { ...env, OTEL_EXPORTER_OTLP_ENDPOINT: mock.urls.alpha } }));
	const lines = () => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '').split('\n')
		.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
	const event = (name) => eventually(() => lines().find((line) => line.event === name), name);

	assert.match((await event('sandbox')).message, /those of a server; files: read only/);
	const own = await eventually(() => lines().find((line) => line.address?.startsWith('127')), 'its address');
	const at = { address: own.address, admin: (await eventually(() => lines().find((line) => line.admin), 'admin')).admin };
	await everything(at);
	await everything({ ...at, address: `unix:${socket}` });
	assert.equal((await chat(at, ask('nowhere'))).status, 200); // asks a name server
	assert.deepEqual(['Seccomp', 'NoNewPrivs', 'Threads'].map((field) => status(weir.pid, field)), ['2', '1', '1']);

	assert.equal((await post(at.admin, '/reload', '', { headers: { 'x-weir-admin': '1' } })).status, 200);
	weir.signal('SIGHUP');
	for (const name of [file, behind])
		fs.renameSync(name, `${name}.1`);
	weir.signal('SIGUSR1');
	await event('log_opened');
	await everything(at);
	await eventually(() => fs.existsSync(behind) && fs.readFileSync(behind, 'utf8').includes('"attempt"'), 'attempts in a new file');
	weir.signal('SIGTERM');
	assert.deepEqual(await weir.end(), { code: 0, signal: null });
	assert.ok(!fs.existsSync(socket));
});

await test('a new one takes over from it', async (t) => {
	const old = t.keep(await startWeir(config(), { args: STRICT, env }));
	const stream = chat(old, ask('slow', 'x', { stream: true }));

	await old.event('sandbox');
	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight > 0, 'the stream');
	const next = t.keep(await startUpgrade(old.file, { args: STRICT, env }));
	assert.ok((await stream).whole);
	old.signal('SIGTERM'); // no more patience with idle callers
	assert.deepEqual(await old.end(), { code: 0, signal: null });
	await everything(next);
});

await test('a reload that asks for what it has given up is refused, and all goes on', async (t) => {
	const elsewhere = path.join(scratch, 'elsewhere');
	const weir = t.keep(await startWeir(config(), { args: STRICT, env }));

	fs.mkdirSync(elsewhere);
	await weir.event('sandbox');
	fs.writeFileSync(weir.file, JSON.stringify(config({
		listen: ['127.0.0.1:0', `unix:${elsewhere}/new.sock`], admin: '127.0.0.1:0',
	})));
	const { status: code, text } = await post(weir.admin, '/reload', '', { headers: { 'x-weir-admin': '1' } });
	assert.notEqual(code, 200);
	assert.match(text, /permission denied/i);
	assert.deepEqual(fs.readdirSync(elsewhere), []);
	await everything(weir);
});

for (const [what, call, says, left] of [
	['Landlock', 'landlock_create_ruleset', /no Landlock for weir/, ['2', '1']],
	['seccomp', 'prctl', /no seccomp filter for weir/, ['0', '0']],
])
	await test(`a kernel without ${what}: it says so, and serves`, async (t) => {
		const weir = t.keep(await startWeir(config(), {
			program: 'strace', args: ['--sandbox', 'on'], env,
			before: ['-D', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, '-e', `inject=${call}:error=ENOSYS`, binary],
		}));
		const { level, message } = await weir.event('warning', (line) => says.test(line.message));

		assert.equal(level, 'warn');
		assert.match(message, /it may/);
		await everything(weir);
		assert.deepEqual(['Seccomp', 'NoNewPrivs'].map((field) => status(weir.pid, field)), left);
	});

await test('off means off, and a wrong word is one', async (t) => {
	const weir = t.keep(await startWeir(config(), { args: ['--sandbox', 'off'], env }));

	await everything(weir);
	assert.deepEqual(['Seccomp', 'NoNewPrivs'].map((field) => status(weir.pid, field)), ['0', '0']);
	assert.equal(weir.of('sandbox').length, 0);
	const { code, err } = await run(['serve', '--sandbox', 'maybe']);
	assert.equal(code, 2);
	assert.match(err, /--sandbox takes on, off or strict/);
});

await done();
