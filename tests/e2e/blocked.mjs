// Who is told of what happens stops listening: the collector, the log's pipe and the disk, in
// turn, under a steady load. Every request is answered as ever, what is lost is counted, and
// once they listen again all goes on.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { Program, binary } from './lib/program.mjs';
import { startMock } from './lib/mock.mjs';
import { parseMetrics, scratch, writeConfig } from './lib/weir.mjs';
import { ask, chat, eventually, get, nonce, said } from './lib/http.mjs';
import { Collector } from './lib/otlp.mjs';

const WORKERS = 8;
const DISK = 24 * 1024 * 1024;
const model = 'n'.repeat(200), target = 't'.repeat(60); // long lines fill what is bounded sooner

// A disk that can be full: one of our own where we may mount it, else /dev/full.
const folder = path.join(scratch, 'disk');
fs.mkdirSync(folder);
let mounted = true;
try {
	execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', folder], { stdio: 'ignore' });
	process.prependListener('exit', () => execFileSync('umount', ['-l', folder])); // before it is removed
} catch {
	mounted = false;
}
const attempts = path.join(folder, 'attempts.jsonl');

// A pipe that nobody reads, as long as we do not.
const fifo = path.join(scratch, 'stderr');
execFileSync('mkfifo', [fifo]);
const pipe = fs.openSync(fifo, fs.constants.O_RDWR | fs.constants.O_NONBLOCK);
let heard = '', reading = true;
const chunk = Buffer.alloc(65536);
function hear() {
	try {
		for (let n; reading && (n = fs.readSync(pipe, chunk)) > 0;)
			heard += chunk.toString('utf8', 0, n);
	} catch (error) {
		assert.equal(error.code, 'EAGAIN');
	}
}
const ear = setInterval(hear, 5);
ear.unref();
const lines = () => heard.split('\n').slice(0, -1).map((line) => JSON.parse(line));

const collector = share(await Collector.start());
const mock = share(await startMock({ alpha: '200;tokens=5', beta: '200;tokens=5' }));
const socket = (name) => `unix:${path.join(scratch, `${name}.sock`)}`;
const config = writeConfig({
	listen: socket('weir'), admin: socket('admin'),
	providers: mock.providers(),
	chains: { [model]: { steps: [`alpha/${target}`, `beta/${target}`] } },
	log: { format: 'json', attempts },
});
const weir = share(new Program(['-c', 'exec "$0" serve -c "$1" 2>"$2"', binary, config, fifo], {
	program: 'sh',
	env: collector.env({
		OTEL_BSP_MAX_QUEUE_SIZE: '64', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16', OTEL_BSP_EXPORT_TIMEOUT: '1000',
		OTEL_EXPORTER_OTLP_TIMEOUT: '300', OTEL_BSP_SCHEDULE_DELAY: '20',
	}),
}));
const at = { address: socket('weir'), admin: socket('admin') };
await eventually(() => get(at.admin, '/readyz').catch(() => null), 'an answer of its own');

const agent = new http.Agent({ keepAlive: true, maxSockets: WORKERS });
let served = 0;

// The load goes on until seen() holds, and for a few requests more.
async function until(what, seen, least = 200) {
	const from = served;
	let enough = false;
	const work = async () => {
		while (!enough || served < from + least) {
			const token = nonce();
			const began = Date.now();
			const { status, text, headers } = await chat(at, ask(model, token), { agent, seconds: 30 });

			assert.equal(status, 200, text);
			assert.equal(JSON.parse(text).choices[0].message.content, said('alpha', token, 5));
			assert.equal(headers['x-weir-attempts'], '1');
			assert.ok(Date.now() - began < 10_000, 'it took long');
			served++;
		}
	};
	const crowd = Promise.all(Array.from({ length: WORKERS }, work));

	try {
		await Promise.race([eventually(seen, what, 80), crowd]);
	} finally {
		enough = true;
	}
	await crowd;
}

async function counts() {
	const series = parseMetrics((await get(at.admin, '/metrics')).text);
	return {
		spans: series.get('weir_otlp_dropped_total{signal="traces"}'),
		exported: series.get('weir_otlp_exported_total{signal="traces"}'),
		lines: series.get('weir_log_dropped_total'),
		failed: [...series].filter(([name]) => /^weir_requests_total.*outcome="(?!ok)/.test(name))
			.reduce((all, [, n]) => all + n, 0),
	};
}

// A request whose line has come: those that came while there was no room are lost.
async function resumed(...places) {
	const ids = [];

	await eventually(async () => {
		const { status, headers } = await chat(at, ask(model), { agent });

		assert.equal(status, 200);
		ids.push(headers['x-weir-request-id']);
		await new Promise((resolve) => setTimeout(resolve, 100));
		return places.every((place) => ids.some((id) => hasRequest(place(), id)));
	}, 'new lines; each of them whole', 50);
}

const hasRequest = (list, id) => list.some((line) => line.event === 'request' && line.request_id === id);
const kept = () => fs.readFileSync(attempts, 'utf8').split('\n').slice(0, -1).map((line) => JSON.parse(line));

await test('with all of them listening nothing is lost', async () => {
	await until('nothing', () => true, 100);
	await resumed(lines, kept);
	await eventually(async () => (await counts()).exported >= 200, 'its spans');
	const { lines: lost, failed } = await counts();
	assert.deepEqual([lost, failed], [0, 0]);
});

await test('the pipe that was inherited keeps its flags', () => {
	const [, flags] = fs.readFileSync(`/proc/${weir.pid}/fdinfo/2`, 'utf8').match(/flags:\s+0?(\d+)/);
	assert.equal(parseInt(flags, 8) & 0o4000, 0, `O_NONBLOCK: ${flags}`);
});

await test('a collector that accepts and never reads', async () => {
	const before = (await counts()).spans;

	collector.answer = () => ({ deaf: true });
	await until('drops', async () => (await counts()).spans > before + 100);
	collector.answer = () => ({});
	const { exported } = await counts();
	await until('spans', async () => (await counts()).exported > exported + 50);
	assert.equal((await counts()).failed, 0);
});

await test('a pipe of the log that nobody reads', async () => {
	const before = (await counts()).lines;

	reading = false;
	await until('drops', async () => (await counts()).lines > before);
	const lost = (await counts()).lines;
	reading = true;
	await eventually(() => lines().some(({ event }) => event === 'log_dropped'), 'a word on what is missing');
	const told = lines().filter(({ event }) => event === 'log_dropped').reduce((all, line) => all + line.lines, 0);
	assert.ok(told >= lost - before && told > 0, `${told} told, ${lost - before} lost`);
	await resumed(lines);
	assert.equal((await counts()).failed, 0);
});

const filler = path.join(folder, 'filler');

function fill() {
	const fd = fs.openSync(filler, 'w');

	assert.throws(() => {
		for (;;)
			fs.writeSync(fd, Buffer.alloc(4096));
	}, { code: 'ENOSPC' });
	fs.closeSync(fd);
}

await test(`a full disk (${mounted ? 'a tmpfs of its own' : '/dev/full'}) under the attempt log`, async () => {
	const before = (await counts()).lines;

	if (mounted) {
		fill();
	} else {
		fs.renameSync(attempts, `${attempts}.1`);
		fs.symlinkSync('/dev/full', attempts);
		weir.signal('SIGUSR1');
	}
	await until('drops', async () => (await counts()).lines > before);
	fs.rmSync(mounted ? filler : attempts);
	if (!mounted)
		weir.signal('SIGUSR1');
	await resumed(kept);
	assert.equal((await counts()).failed, 0);
});

await test('all three at once', async () => {
	const before = await counts();

	collector.answer = () => ({ deaf: true });
	reading = false;
	if (mounted)
		fill();
	await until('drops', async () => {
		const now = await counts();
		return now.lines > before.lines && now.spans > before.spans;
	});
	assert.equal((await counts()).failed, 0);
	collector.answer = () => ({});
	reading = true;
	fs.rmSync(filler, { force: true });
	await resumed(lines, kept);
});

agent.destroy();
await done();
