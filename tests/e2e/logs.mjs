// The log: levels, formats, files, their rotation, and the attempt log that `weir sim` reads.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { Program, binary, run } from './lib/program.mjs';
import { startMock } from './lib/mock.mjs';
import { quiet, scratch, writeConfig } from './lib/weir.mjs';
import { ask, chat, eventually, post } from './lib/http.mjs';

const OPERATOR = { headers: { 'x-weir-admin': '1' } };
const mock = share(await startMock({ alpha: '503,200;tokens=5', beta: '200;tokens=5', gone: '503' }));
const config = {
	providers: mock.providers(),
	defaults: { retries: 0 },
	chains: { m: { steps: ['alpha/m', 'beta/m'] }, dead: { steps: ['gone/m'] } },
};
const read = (file) => fs.readFileSync(file, 'utf8').trimEnd().split('\n').filter(Boolean);
const eventsOf = (file) => read(file).map((line) => JSON.parse(line));
const names = (lines) => [...new Set(lines.map(({ event }) => event))];

// One request that falls back, one that is answered, one that nobody answers.
async function traffic(weir) {
	await mock.reset();
	for (const model of ['m', 'm', 'dead'])
		await chat(weir, ask(model));
}

await test('each level has what is as grave, and no more', async (t) => {
	const wanted = {
		debug: ['listening', 'attempt', 'fallback', 'request'],
		info: ['listening', 'fallback', 'request'],
		warn: ['fallback', 'request'],
		error: ['request'],
	};

	for (const [level, events] of Object.entries(wanted)) {
		const file = path.join(scratch, `level-${level}.log`);
		const weir = t.keep(await quiet({ ...config, log: { level, file } }));

		await traffic(weir);
		await eventually(() => eventsOf(file).some((line) => line.outcome === 'exhausted'), 'lines');
		const lines = eventsOf(file);
		assert.deepEqual(names(lines).filter((name) => wanted.debug.includes(name)).sort(), [...events].sort(), level);
		const grave = ['debug', 'info', 'warn', 'error'];
		assert.ok(lines.every((line) => grave.indexOf(line.level) >= grave.indexOf(level)));
		const requests = lines.filter(({ event }) => event === 'request');
		assert.deepEqual(requests.map((line) => line.outcome),
			grave.indexOf(level) > 1 ? ['exhausted'] : ['failed_over', 'ok', 'exhausted']);
		await weir.stop();
	}
});

await test('a reload changes level and format at once, and says that files stay', async (t) => {
	const file = path.join(scratch, 'reload.log');
	const one = t.keep(await quiet({ ...config, log: { level: 'error', file } }));

	await chat(one, ask('m'));
	fs.writeFileSync(one.file, JSON.stringify({ ...one.config, log: { level: 'info', format: 'text', file } }));
	assert.equal((await post(one.admin, '/reload', '', OPERATOR)).status, 200);
	await chat(one, ask('m'));
	await eventually(() => read(file).some((line) => line.includes('outcome=ok')), 'a line');
	const lines = read(file);
	assert.ok(lines.every((line) => line.startsWith('ts=') && / level=\w+ event=/.test(line)), lines[0]);
	fs.writeFileSync(one.file, JSON.stringify({ ...one.config, log: { level: 'info' } }));
	const { text } = await post(one.admin, '/reload', '', OPERATOR);
	const found = JSON.parse(text).findings ?? JSON.parse(text).reload?.findings ?? [];
	assert.ok(found.some(({ rule, key }) => rule === 'needs-restart' && key === 'log'), text);
});

await test('--log says how lines look whatever the file says; else the file does', async () => {
	for (const [args, format, begins] of [[[], 'text', 'ts='], [['--log', 'json'], 'text', '{'],
		[[], 'auto', '{'], [[], 'json', '{'], [['--log', 'text'], 'json', 'ts=']]) {
		const file = writeConfig({ ...config, listen: '127.0.0.1:0', admin: 'off', log: { format } });
		const weir = new Program(['serve', '-c', file, ...args]);

		await weir.find(weir.lines, 'line', (line) => line.includes('listening'), 60, 'listening');
		await weir.stop();
		assert.ok(weir.lines.every((line) => line.startsWith(begins)), `${args} ${format}: ${weir.lines[0]}`);
	}
});

await test('a file that cannot be opened is said at the start: exit 1', async () => {
	for (const key of ['file', 'attempts']) {
		const file = writeConfig({ ...config, listen: '127.0.0.1:0', admin: 'off', log: { [key]: '/no/such/folder/x' } });
		const { code, err } = await run(['serve', '-c', file]);

		assert.equal(code, 1);
		assert.match(err, /^weir: \/no\/such\/folder\/x cannot be opened: No such file/m);
	}
});

await test('mistakes are told with what to write instead', async () => {
	const file = writeConfig({ ...config, log: { levle: 'info' } });
	const { code, out } = await run(['check', '-c', file]);

	assert.equal(code, 2);
	assert.match(out, /error\[unknown-key\] log\.levle: .*fix: write `level`/);
});

await test('a file that cannot be opened again: the old one is written on, and nothing else is said', async (t) => {
	const file = path.join(scratch, 'stays.log'), attempts = path.join(scratch, 'blocked.jsonl');
	const weir = t.keep(await quiet({ ...config, log: { file, attempts } }));

	fs.renameSync(attempts, `${attempts}.1`);
	fs.mkdirSync(attempts);
	weir.signal('SIGUSR1');
	await eventually(() => read(file).some((line) => line.includes('cannot be opened again')), 'its line');
	await chat(weir, ask('m'));
	await weir.stop();
	assert.ok(!read(file).some((line) => line.includes('"log_opened"')));
	assert.equal(eventsOf(`${attempts}.1`).filter(({ event }) => event === 'request').length, 1);
});

await test('renamed and signalled, the files go on under their names; nothing is lost', async (t) => {
	const file = path.join(scratch, 'rotate.log'), attempts = path.join(scratch, 'rotate.jsonl');
	const weir = t.keep(await quiet({ ...config, log: { file, attempts } }));
	const total = 60;
	let asked = 0;

	for (let round = 0; round < 3; round++) {
		const crowd = Array.from({ length: total / 3 }, () => chat(weir, ask('m')));
		for (const name of [file, attempts])
			fs.renameSync(name, `${name}.${round}`);
		weir.signal('SIGUSR1');
		asked += (await Promise.all(crowd)).length;
		await eventually(() => fs.existsSync(file) && fs.existsSync(attempts), 'new files');
		await eventually(() => read(file).some((line) => line.includes('"log_opened"')), 'its line');
	}
	assert.equal(asked, total);
	await weir.stop();
	for (const name of [file, attempts]) {
		const parts = [0, 1, 2].map((i) => `${name}.${i}`).concat(name);
		const ids = parts.flatMap((part) => eventsOf(part).filter(({ event }) => event === 'request'))
			.map((line) => line.request_id);
		assert.equal(ids.length, total, name);
		assert.equal(new Set(ids).size, total);
	}
	assert.equal(fs.statSync(file).mode & 0o777, 0o640);
});

await test('a deleted file, and a folder that is gone at the signal, harm nothing', async (t) => {
	const folder = path.join(scratch, 'gone');
	fs.mkdirSync(folder);
	const file = path.join(folder, 'weir.log');
	// Landlock knows a folder, not its name: who makes a new one restarts weir
	const weir = t.keep(await quiet({ ...config, log: { file } }, { args: ['--sandbox', 'off'] }));

	fs.rmSync(folder, { recursive: true });
	assert.equal((await chat(weir, ask('m'))).status, 200);
	weir.signal('SIGUSR1');
	assert.equal((await chat(weir, ask('m'))).status, 200);
	fs.mkdirSync(folder);
	weir.signal('SIGUSR1');
	await eventually(() => fs.existsSync(file), 'the file');
	assert.equal((await chat(weir, ask('m'))).status, 200);
	await eventually(() => read(file).some((line) => line.includes('"request"')), 'a line');
});

await test('at its size limit a file takes no more; all are answered, and rotation tears no line', async (t) => {
	const file = path.join(scratch, 'limited.log');
	const limited = path.join(scratch, 'limited');
	fs.writeFileSync(limited, `#!/bin/sh\nulimit -f 32\nexec '${binary}' "$@"\n`, { mode: 0o755 });
	const weir = t.keep(await quiet({ ...config, log: { level: 'debug', file } }, { program: limited }));
	let before = -1;

	// Where it takes no more its size stays.
	await eventually(async () => {
		const { size } = fs.statSync(file);
		const stays = size === before;
		before = size;
		assert.equal((await chat(weir, ask('m'))).status, 200);
		return stays && size % 4096 === 0;
	}, 'a full file');
	const old = `${file}.old`;
	fs.renameSync(file, old);
	weir.signal('SIGUSR1');
	const wanted = fs.readFileSync(old, 'utf8').endsWith('\n') ? 'log_opened' : 'log_dropped';
	await eventually(() => fs.existsSync(file) && read(file).some((line) => line.includes(`"${wanted}"`)), wanted);
	assert.ok(eventsOf(file).every(({ event }) => event));
	assert.deepEqual(eventsOf(file).filter(({ event }) => event === 'log_dropped').map(({ lines }) => lines),
		wanted === 'log_dropped' ? [1] : []);
	await weir.stop();
});

await test('weir sim reads the attempt log, and tells the same counts as the providers', async (t) => {
	const attempts = path.join(scratch, 'attempts.jsonl');
	const flaky = t.keep(await startMock({
		one: '503,200;tokens=5,500,200;tokens=5', two: '200;tokens=5,429,cut;after=2;tokens=5,200;tokens=5', three: '200;tokens=5',
	}));
	const weir = t.keep(await quiet({
		providers: flaky.providers(),
		defaults: { retries: 0 },
		chains: { c: { steps: ['one/m', 'two/m', 'three/m'] } },
		log: { level: 'error', attempts },
	}));
	let good = 0;

	for (let i = 0; i < 40; i++)
		good += (await chat(weir, ask('c', `n${i}`, { stream: i % 2 === 0 }))).whole;
	const hits = {};
	for (const name of ['one', 'two', 'three'])
		hits[`${name}/m`] = (await flaky.stats(name, 'm')).hits;
	await weir.stop();

	const lines = eventsOf(attempts);
	assert.deepEqual(names(lines).sort(), ['attempt', 'request']);
	const counted = {};
	for (const { event, target } of lines)
		if (event === 'attempt')
			counted[target] = (counted[target] ?? 0) + 1;
	assert.deepEqual(counted, hits);
	for (const line of lines.filter(({ event }) => event === 'request'))
		assert.equal(lines.filter((one) => one.event === 'attempt' && one.request_id === line.request_id).length, line.attempts);

	const { code, out, err } = await run(['sim', '--from', attempts, '-c', weir.file, '--json']);
	assert.equal(code, 0, err);
	const told = JSON.parse(out);
	assert.equal(told.requests, 40);
	assert.equal(told.unread ?? 0, 0);
	assert.deepEqual(told.attempts, hits);
	assert.equal(Math.round(told.logged.availability * 40), good);
});

await done();
