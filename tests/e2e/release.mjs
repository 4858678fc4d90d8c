// What is given to people, as it is built for them: the marks of its hardening, and how it ends
// where it cannot start.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, test } from './lib/tap.mjs';
import { Program, run } from './lib/program.mjs';
import { eventually } from './lib/http.mjs';
import { scratch, writeConfig } from './lib/weir.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const release = path.join(ROOT, 'build/release/weir');
const readelf = (...args) => execFileSync('readelf', ['-W', ...args, release], { encoding: 'utf8', maxBuffer: 1 << 26 });

await test('a release can be built', async () => {
	const { code, err } = await run(['version'], { program: path.join(ROOT, 'tools/run'), seconds: 590 });

	assert.equal(code, 0, err);
}, { seconds: 600 });

await test('it is loaded anywhere, and nothing of it is both written and run', () => {
	assert.match(readelf('-h'), /Type:\s+DYN/);
	assert.match(readelf('-d'), /FLAGS_1.*PIE/);
	assert.match(readelf('-l'), /GNU_STACK .* RW /);
	for (const [, flags] of readelf('-l').matchAll(/^\s+LOAD .* ([R ][W ][E ]) 0x/gm))
		assert.ok(!/WE/.test(flags), flags);
});

await test('what is bound at its start is read-only from then on', () => {
	assert.match(readelf('-l'), /GNU_RELRO/);
	assert.match(readelf('-d'), /FLAGS.*BIND_NOW/);
	assert.doesNotMatch(readelf('-d'), /RPATH|RUNPATH|TEXTREL/);
});

await test('stacks are guarded, and calls that know the size of a buffer look at it', () => {
	const symbols = readelf('--dyn-syms');

	assert.match(symbols, / __stack_chk_fail@/);
	for (const name of ['memcpy', 'snprintf', 'read'])
		assert.match(symbols, new RegExp(` __${name}_chk@`));
});

// The mark of the whole file is there only where the C library has it, too.
await test('calls and jumps by pointer arrive where they may', () => {
	if (process.arch !== 'x64')
		return;
	const bytes = fs.readFileSync(release);
	const landing = Buffer.from([0xf3, 0x0f, 0x1e, 0xfa]);
	let n = 0;

	for (let at = bytes.indexOf(landing); at >= 0; at = bytes.indexOf(landing, at + 4))
		n++;
	assert.ok(n > 500, `${n} times endbr64`);
});

await test('libraries that are built along with it are guarded, too', () => {
	const commands = execFileSync('ninja', ['-C', path.join(ROOT, 'build/release'), '-t', 'commands', 'weir'],
		{ encoding: 'utf8', maxBuffer: 1 << 26 }).split('\n').filter((line) => / -c /.test(line));

	assert.ok(commands.length > 200);
	for (const flag of ['-fstack-protector-strong', '-fcf-protection=full', '-D_FORTIFY_SOURCE=3'])
		assert.deepEqual(commands.filter((line) => !line.includes(flag)).map((line) => line.split(' ').at(-1)), [], flag);
});

// Each amount of memory: it serves, or says what is missing and ends.
await test('with too little memory it says so and ends', async () => {
	const limited = path.join(scratch, 'limited');
	const socket = path.join(scratch, 'small.sock');
	const config = writeConfig({ listen: `unix:${socket}`, admin: 'off', chains: { c: { steps: ['p/m'] } },
		providers: { p: { dialect: 'openai', base_url: 'http://127.0.0.1:1/v1' } } });
	let refused = 0, served = 0;

	for (let kib = 4000; kib < 100000 && !served; kib += 250) {
		fs.writeFileSync(limited, `#!/bin/sh\nulimit -v ${kib}\nexec '${release}' "$@"\n`, { mode: 0o755 });
		const weir = new Program(['serve', '-c', config, '--upgrade-socket', 'off', '--log', 'json'], { program: limited });
		const listens = () => weir.lines.some((line) => line.includes('"listening"'));

		await eventually(() => weir.ended || listens(), 'its end or its start');
		if (listens()) {
			served = kib;
			await weir.kill();
		} else if (weir.ended.code !== 127) { // the loader's own words
			assert.deepEqual(weir.ended, { code: 1, signal: null }, weir.said());
			assert.match(weir.said(), /memory/);
			refused++;
		}
	}
	console.log(`# refused ${refused} times, and served with ${served} KiB`);
	assert.ok(served && refused);
});

await done();
