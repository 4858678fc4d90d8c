// What a request costs, counted and never timed: heap calls, system calls and instructions. The
// bounds are in tests/data/counts.json. Counts of a machine that is busy are the same counts.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, share, test } from './lib/tap.mjs';
import { eventually, post } from './lib/http.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { scratch, startWeir } from './lib/weir.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BOUNDS = JSON.parse(fs.readFileSync(path.join(ROOT, 'tests/data/counts.json'), 'utf8'));
const FAILS = 2; // of one target, twice: one more, and its breaker opens
const MODELS = 12; // few, as weir looks at each twice a second
const TOKENS = 50, LONG = 500;
const RELEASE = { seconds: 600 }; // is built first; all of it runs under valgrind

const mock = share(await startMock({ alpha: `200;tokens=${TOKENS}`, beta: `200;tokens=${TOKENS}`,
	down: '503' }));
await mock.script({ 'alpha/long': `200;tokens=${LONG}`, 'alpha/paced': `200;tokens=${LONG};gap=3ms` });

function check(name, count) {
	const { measured, most } = BOUNDS.rows[name];

	console.log(`# ${name}: ${count.toFixed(2)}, measured ${measured}, at most ${most}`);
	assert.ok(count <= most, `${name}: ${count.toFixed(2)} is more than ${most}`);
	assert.ok(count >= measured / 2, `${name}: ${count.toFixed(2)} is so few: measure it anew`);
}

// The same for what a slow machine adds to and never takes from: the least of a few.
async function checkLeast(name, count) {
	let least = Infinity;

	for (let i = 0; i < 4 && least > BOUNDS.rows[name].most; i++)
		least = Math.min(least, await count());
	check(name, least);
}

// A chat of that many bytes, as the official clients write it: UTF-8, and a line feed or a
// quote to escape now and then.
function chatOf(model, size, more = {}) {
	const words = 'Explain in one word "why" this line is as long as lines in prompts are, then\n' +
		'stop – and mind the café in it, since few prompts are of ASCII alone.\n';
	const body = (content) => Buffer.from(JSON.stringify({ model, messages: [
		{ role: 'system', content: 'You are terse.' }, { role: 'user', content },
	], temperature: 0.2, max_tokens: 256, ...more }));
	let text = '';

	while (body(text + words).length <= size)
		text += words;
	return body(text + '.'.repeat(Math.max(0, size - body(text).length)));
}

function plainConfig() {
	return {
		providers: mock.providers('alpha', 'beta'),
		chains: {
			plain: { steps: ['alpha/plain', 'beta/plain'] },
			long: { steps: ['alpha/long'] },
		},
	};
}

// Streams as they come and from another dialect: their events at once, or each by itself.
function streamsConfig() {
	const chains = {};

	for (const provider of ['alpha', 'other'])
		for (const model of ['long', 'paced'])
			chains[`${provider}-${model}`] = { steps: [`${provider}/${model}`] };
	return {
		providers: { ...mock.providers('alpha'),
			other: { dialect: 'anthropic', base_url: mock.urls.alpha } },
		chains,
	};
}

// Chains model0, model1… whose first targets all fail.
function failingConfig(first) {
	const providers = mock.providers('beta', 'down');
	const chains = {};

	for (let i = 0; i < MODELS; i++) {
		chains[`model${i}`] = { retries: 0, steps: [first(i), 'beta/plain'] };
		providers[`dead${i}`] = { dialect: 'openai', base_url: `http://127.0.1.${i + 1}:1/v1` };
	}
	return { providers, chains };
}

const REFUSED = /^dead\d+\/plain;-;.*, beta/;

function refusingConfig() {
	return failingConfig((i) => `dead${i}/plain`);
}

// One request after the other on one connection.
class Caller {
	agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

	constructor(weir) {
		this.weir = weir;
	}

	async ask(body, trail = /^(alpha|other)/) {
		const answer = await post(this.weir.address, '/v1/chat/completions', body,
			{ agent: this.agent });

		assert.equal(answer.status, 200, answer.text);
		assert.match(answer.headers['x-weir-trail'], trail);
		return answer;
	}

	async plain(n, size) {
		const body = chatOf('plain', size);

		for (let i = 0; i < n; i++)
			await this.ask(body);
		return n;
	}

	// No target fails so often that its breaker opens.
	async failing(trail, each = FAILS) {
		for (let i = 0; i < MODELS * each; i++)
			await this.ask(chatOf(`model${i % MODELS}`, 1024), trail);
		return MODELS * each;
	}

	// As many at once as there are connections.
	async together(n, rounds) {
		const body = chatOf('plain', 1024);

		this.agent.maxSockets = n;
		for (let i = 0; i < rounds; i++)
			await Promise.all(Array.from({ length: n }, () => this.ask(body)));
		return n * rounds;
	}

	async streams(model, n) {
		const body = chatOf(model, 1024, { stream: true, max_tokens: LONG });

		for (let i = 0; i < n; i++)
			await this.ask(body);
		return n;
	}

	async events(model) {
		return await this.streams(model, 2) * LONG;
	}

	stop() {
		this.agent.destroy();
	}
}

function wrapped(...command) {
	const file = path.join(scratch, 'wrapped.sh');

	fs.writeFileSync(file, `#!/bin/sh\nexec ${command.join(' ')} "$@"\n`, { mode: 0o755 });
	return { program: file };
}

// ---- heap calls ----

await test('a request and a stream event ask for memory only so often', async (t) => {
	const weir = t.keep(await startWeir(plainConfig()));
	const caller = t.keep(new Caller(weir));
	const calls = async () => (await weir.metrics()).get('weir_heap_calls_total');
	const count = async (work) => {
		await calls();
		const before = await calls(), after = await calls(); // what asking itself costs
		const n = await work();
		return ((await calls()) - after - (after - before)) / n;
	};

	await caller.plain(20, 1024);
	for (const model of ['plain', 'long'])
		await caller.streams(model, 5);
	check('heap calls per request', await count(() => caller.plain(100, 1024)));
	const short = await count(() => caller.streams('plain', 10));
	const long = await count(() => caller.streams('long', 10));
	check('heap calls per stream', short);
	check('heap calls per 100 stream events', (long - short) * 100 / (LONG - TOKENS));
});

// ---- what is counted in a release ----

const release = path.join(ROOT, 'build/release/weir');

await test('a release can be built', async () => {
	const { code, err } = await run(['version'],
		{ program: path.join(ROOT, 'tools/run'), seconds: 590 });

	assert.equal(code, 0, err);
}, RELEASE);

// All that a run costs but for its start and its end: those of a longer run are the same. Not the
// waiting: clocks of weir's own wake it up twice a second, and a slow machine has more of those.
async function systemCalls(work, config = plainConfig(), most = 4) {
	const counted = async (rounds) => {
		const out = path.join(scratch, `strace-${rounds}`);
		const weir = await startWeir(config,
			wrapped('strace', '-f', '-D', '-c', '-U', 'calls,name', '-o', out, release));
		const caller = new Caller(weir);
		let n = 0;

		await work(caller); // opens the connections
		for (let i = 0; i < rounds; i++)
			n += await work(caller);
		caller.stop();
		await weir.stop();
		const text = await eventually(async () => {
			const said = fs.readFileSync(out, 'utf8');
			return /\btotal$/m.test(said) && said;
		}, 'the sums of strace');
		const calls = [...text.matchAll(/^\s*(\d+)\s+(?!total$|epoll_p?wait)\w+$/gm)]
			.reduce((all, [, count]) => all + Number(count), 0);
		return { n, calls };
	};
	const short = await counted(1), long = await counted(most);

	return (long.calls - short.calls) / (long.n - short.n);
}

await test('a request makes only so many system calls', async () => {
	check('system calls per request but for waiting', await systemCalls((c) => c.plain(50, 1024)));
	await checkLeast('system calls per request but for waiting, 64 at once',
		() => systemCalls((c) => c.together(64, 5)));
	check('system calls per request but for waiting, the first refuses connections',
		await systemCalls((c) => c.failing(REFUSED, 1), refusingConfig(), 2 * FAILS - 1));
}, RELEASE);

// For large blocks glibc has one instruction that is counted once per byte: not here.
const TUNABLES = ['movsb', 'stosb'].map((name) =>
	`glibc.cpu.x86_rep_${name}_threshold=1000000000`).join(':');

async function instructions(t, name, config, work) {
	const out = path.join(scratch, `callgrind-${name.replace(/\W/g, '-')}`);
	const weir = t.keep(await startWeir(config, {
		env: { GLIBC_TUNABLES: TUNABLES },
		args: ['--sandbox', 'off'], // valgrind needs system calls that weir gives up
		...wrapped('valgrind', '-q', '--tool=callgrind', '--instr-atstart=no',
			`--callgrind-out-file=${out}`, release),
	}));
	const caller = t.keep(new Caller(weir));
	const control = (state) => run(['-i', state, String(weir.pid)],
		{ program: 'callgrind_control' });

	await work(caller); // to warm up
	await control('on');
	const n = await work(caller);
	await control('off');
	await weir.stop();
	const [, total] = fs.readFileSync(out, 'utf8').match(/^totals: (\d+)$/m);
	check(`instructions per ${name}`, Number(total) / n);
	return Number(total) / n;
}

await test('a request takes only so many instructions', async (t) => {
	await instructions(t, 'request, 1 KB', plainConfig(), (c) => c.plain(100, 1024));
	await instructions(t, 'request, 20 KB', plainConfig(), (c) => c.plain(100, 20480));
	await instructions(t, 'request, the first answers 503', failingConfig((i) => `down/m${i}`),
		(c) => c.failing(/^down\/m\d+;503;.*, beta/));
	await instructions(t, 'request, the first refuses connections', refusingConfig(),
		(c) => c.failing(REFUSED));
}, RELEASE);

// Each with its share of the request. On a slow machine some come together: then it is less.
await test('an event of a stream takes only so many instructions', async (t) => {
	const of = (name, model) => instructions(t, `stream event, ${name}`, streamsConfig(),
		(c) => c.events(model));
	const alone = await of('each by itself', 'alpha-paced');
	const translated = await of('each by itself, translated', 'other-paced');

	await of('many at once', 'alpha-long');
	await of('many at once, translated', 'other-long');
	assert.ok(translated <= 3 * alone, `${translated} translated, ${alone} not`);
}, RELEASE);

await done();
