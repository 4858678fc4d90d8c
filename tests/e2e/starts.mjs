// Starts where something is not there that is always there: a sentence and an end, or it serves
// without. strace plays the system that lacks it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { Program, binary, run } from './lib/program.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat } from './lib/http.mjs';

const ca = path.join(scratch, 'ca.pem');
const mock = share(await startMock({ alpha: '200', safe: { script: '200', tls: 'valid' } }, { caOut: ca }));
const { alpha, safe } = mock.providers();
const config = (more) => ({ listen: '127.0.0.1:0', admin: '127.0.0.1:0', chains: { c: { steps: ['alpha/m'] }, t: { steps: ['safe/m'] } },
	providers: { alpha, safe: { ...safe, ca_file: ca } }, ...more });
// error: also with strace's when=; a sanitizer that looks for leaks is a tracer itself
const env = { ASAN_OPTIONS: 'detect_leaks=0' };
const without = (call, error, ...more) => ({
	program: 'strace', env,
	before: ['-D', '-qq', '-o', '/dev/null', ...more, '-e', `trace=${call}`, '-e', `inject=${call}:error=${error}`, binary],
});
const serve = (more) => ['serve', '-c', writeConfig(config(more)), '--log', 'json', '--upgrade-socket', 'off'];

async function refused(options, says, more) {
	const { code, err } = await run(serve(more), options);

	assert.ok(code === 1 || code === 2, `exit ${code}: ${err}`);
	assert.match(err, says);
}

async function serves(options, more) {
	const weir = await startWeir(config(more), { ...options, args: ['--upgrade-socket', 'off'] });

	for (const model of ['c', 't'])
		assert.equal((await chat(weir, ask(model))).status, 200);
	await weir.stop();
}

await test('without randomness there is no start', async () => {
	await refused(without('getrandom', 'EIO'), /random/);
	await refused(without('getrandom', 'ENOSYS'), /random/);
});

// Whose call it is, the C library's or TLS's or our own: never a start with less of it than wanted.
await test('nor where it fails for one of those who want some', async () => {
	let ends = 0;

	for (let k = 1; k < 12; k++) {
		const weir = new Program(serve(), without('getrandom', `EIO:when=${k}`));
		const started = weir.find(weir.lines, 'line', (line) => line.includes('"listening"'), 60, 'a start').then(() => true, () => false);

		if (await started) {
			await weir.stop();
		} else {
			assert.deepEqual(weir.ended, { code: 1, signal: null }, weir.said());
			assert.match(weir.said(), /random|entropy/i);
			ends++;
		}
	}
	console.log(`# ${ends} of them ended it`);
	assert.ok(ends >= 2);
});

for (const [name, options] of [
	['no resolv.conf', without('openat', 'ENOENT', '-P', '/etc/resolv.conf')],
	['one that may not be read', without('openat', 'EACCES', '-P', '/etc/resolv.conf')],
])
	await test(`${name}: addresses and the hosts file work`, async () => {
		const localhost = { ...alpha, base_url: alpha.base_url.replace('127.0.0.1', 'localhost') };

		await serves(options);
		await serves(options, { providers: { alpha: localhost, safe: { ...safe, ca_file: ca } } });
	});

await test('what cannot be read is named, with the reason', async () => {
	const key = path.join(scratch, 'key');
	const file = writeConfig(config({ providers: { alpha: { ...alpha, keys: [{ file: key }] }, safe: { ...safe, ca_file: ca } } }));

	fs.writeFileSync(key, 'sk-0123456789', { mode: 0o600 });
	for (const [what, says] of [[file, /weir-\d+\.yaml.*denied|denied.*weir-\d+\.yaml/s], [key, /key.*denied/], [ca, /cannot read .*ca\.pem/]]) {
		const { code, err } = await run(['serve', '-c', file], without('openat', 'EACCES', '-P', what));

		assert.ok(code === 1 || code === 2, `exit ${code}: ${err}`);
		assert.match(err, says);
	}
});

await test('what cannot be written is named, with the reason', async () => {
	const log = { file: path.join(scratch, 'weir.log') };

	await refused(without('openat', 'EROFS', '-P', log.file), /weir\.log cannot be opened: Read-only/, { log });
	await refused({ env }, /weir\.log cannot be opened: No such file/, { log: { file: '/no/such/folder/weir.log' } });
});

await test('an address that is not allowed is named', async () => {
	await refused(without('bind', 'EACCES'), /127\.0\.0\.1:80[^0-9].*denied/, { listen: '127.0.0.1:80' });
	await refused(without('listen', 'EADDRINUSE'), /127\.0\.0\.1:\d+.*in use/);
});

await done();
