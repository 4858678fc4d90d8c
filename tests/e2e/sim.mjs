// `weir sim`: the ready scenarios show what their comments promise, mistakes in a scenario are
// told with their place, and a real log is replayed over other chains.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, share, test } from './lib/tap.mjs';
import { run } from './lib/program.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat } from './lib/http.mjs';

const folder = fileURLToPath(new URL('../../examples/scenarios/', import.meta.url));
const scenarios = fs.readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const sim = (args, options = {}) => run(['sim', ...args], { cwd: folder, ...options });

async function numbers(...args) {
	const { code, out, err } = await sim([...args, '--json']);

	assert.equal(code, 0, err);
	return JSON.parse(out);
}

// Each policy's numbers of a scenario: { ours, naive }.
async function both(name) {
	const { policies } = await numbers(`${name}.yaml`, '--policy', 'naive');

	assert.deepEqual(policies.map((p) => p.policy), ['weir', 'naive']);
	for (const p of policies)
		assert.equal(p.offered, p.good + p.failed + p.left);
	return { ours: policies[0], naive: policies[1] };
}

const each = (policy) => policy.faults.map((fault) => fault.calls_per_request);

await test('ten scenarios, each with a comment that says what to look for', () => {
	assert.ok(scenarios.length >= 10);
	for (const name of scenarios)
		assert.match(fs.readFileSync(path.join(folder, name), 'utf8'), /^# .+\n(#.*\n)*# Look for: /);
});

await test('every scenario runs, and says nothing on stderr', async () => {
	for (const name of scenarios) {
		const { code, out, err } = await sim([name]);

		assert.equal(code, 0, err);
		assert.equal(err, '');
		assert.ok(out.startsWith(`${name.replace('.yaml', '')}: `), out);
		assert.ok(!out.includes('\x1b'), 'colours in a pipe');
	}
});

await test('primary-dead: nobody fails, and hardly a call is wasted', async () => {
	const { ours, naive } = await both('primary-dead');

	assert.equal(ours.failed, 0);
	assert.ok(ours.calls_per_request <= 1.1);
	assert.ok(each(ours)[0] <= 0.05);
	assert.ok(each(naive)[0] > 2.5);
	assert.ok(ours.faults[0].healthy_since_end_ms <= 5000);
});

await test('primary-brownout: left within seconds', async () => {
	const { ours, naive } = await both('primary-brownout');

	assert.ok(ours.faults[0].healthy_since_start_ms <= 3000);
	assert.ok(each(ours)[0] <= 0.05);
	assert.ok(each(naive)[0] > 2);
});

await test('all-dead, all-brownout: no storm, quick errors, back in seconds', async () => {
	for (const name of ['all-dead', 'all-brownout']) {
		const { ours, naive } = await both(name);
		const sum = (list) => list.reduce((a, b) => a + b);

		assert.ok(ours.errors > 1000 && ours.error_ms.p99 <= 100, name);
		assert.ok(sum(each(ours)) < 0.1, name);
		assert.ok(sum(each(naive)) > 3, name);
		assert.ok(ours.faults[0].healthy_since_end_ms <= 5000, name);
	}
});

await test('rate-limited: used up to its limit in each window, and not beyond', async () => {
	const { ours, naive } = await both('rate-limited');
	const { bucket_ms: step, calls } = ours.timeline;
	const sum = (from, to) => calls['alpha/large'].slice(from / step, to / step)
		.reduce((a, b) => a + b);

	assert.equal(ours.failed, 0);
	for (const from of [10000, 20000]) {
		assert.ok(sum(from, from + 10000) <= 1020, `${sum(from, from + 10000)}`);
		assert.ok(sum(from, from + 10000) >= 900, `${sum(from, from + 10000)}`);
	}
	assert.ok(each(naive)[0] > 2);
});

await test('slow-primary: stepped past, and only because of latency_ejection', async () => {
	const text = fs.readFileSync(path.join(folder, 'slow-primary.yaml'), 'utf8');
	const without = path.join(scratch, 'slow-primary.yaml');

	fs.writeFileSync(without, text.replace(/latency_ejection: [0-9]+%/, ''));
	const [{ policies: [ours] }, { policies: [waiting] }] =
		[await numbers('slow-primary.yaml'), await numbers(without)];
	assert.equal(ours.failed, 0);
	assert.ok(each(ours)[0] < 0.3);
	assert.ok(each(waiting)[0] > 0.95);
	assert.ok(ours.first_content_ms.p50 * 2 < waiting.first_content_ms.p50);
});

await test('flapping: nobody fails', async () => {
	const { ours, naive } = await both('flapping');

	assert.equal(ours.failed, 0);
	assert.ok(each(ours)[0] < 0.5);
	assert.ok(each(naive)[0] > 1);
});

await test('cut-streams: gone on from, and lost without midstream', async () => {
	const { ours, naive } = await both('cut-streams');

	assert.ok(ours.availability > 0.995);
	assert.ok(naive.availability < 0.95);
	assert.equal(naive.cut, naive.failed);
});

await test('key-exhausted: the key rests until its reset', async () => {
	const { ours } = await both('key-exhausted');

	assert.equal(ours.failed, 0);
	assert.equal(each(ours)[0], 0);
	assert.equal(ours.calls_of['beta/medium'], 0);
});

await test('recovering-capacity: not trampled down', async () => {
	const { ours, naive } = await both('recovering-capacity');

	assert.ok(each(ours)[0] < 0.1);
	assert.ok(each(naive)[0] > 3);
	assert.ok(ours.calls_per_request <= 1.1);
	assert.ok(ours.good > naive.good);
});

// What the policy knows is known to all of them. (Were it not, four would probe four times as often.)
await test('four workers come to the same figures as one, in every scenario', async () => {
	for (const name of scenarios) {
		const [one, four] = [await numbers(name), await numbers(name, '--workers', '4')];
		const figures = ({ policies: [{ timeline, ...all }] }) => all; // the turns of two keys are in time alone

		assert.deepEqual([one.workers, four.workers], [1, 4]);
		assert.deepEqual(figures(four), figures(one), name);
	}
});

// Turns of a weighted pool and the allowance of hedges are each worker's own.
await test('four workers with what each has for itself: weights, hedges and caps hold', async () => {
	const file = path.join(scratch, 'pool.yaml');

	fs.writeFileSync(file, `chain: c
seconds: 60
rate: 200
callers: { streams: 100%, tokens_out: { p50: 20, p99: 60 } }
providers:
  default: { first_token: { p50: 300ms, p99: 900ms }, pace: 80 }
faults:
  - { target: b, from: 20s, to: 40s, slow: x10 }
config:
  providers:
    a: { dialect: openai, base_url: "http://10.0.0.1" }
    b: { dialect: openai, base_url: "http://10.0.0.2", max_inflight: 60 }
    c: { dialect: openai, base_url: "http://10.0.0.3", max_inflight: 80 }
  chains:
    c:
      hedge: on
      steps:
        - targets: [ { target: a/m, weight: 3 }, { target: b/m, weight: 1 }, { target: c/m, weight: 2 } ]
`);
	const [one, four] = [await numbers(file), await numbers(file, '--workers', '4')].map(({ policies }) => policies[0]);
	const near = (what, of, percent) => {
		const [a, b] = [of(one), of(four)];

		console.log(`# ${what}: ${a} by one, ${b} by four`);
		assert.ok(Math.abs(a - b) <= a * percent / 100, `${what}: ${a} by one, ${b} by four`);
	};

	assert.equal(four.offered, one.offered);
	assert.notDeepEqual(four.timeline, one.timeline, 'they are several');
	near('availability', ({ availability }) => availability, 0.5);
	near('calls per request', (p) => p.calls_per_request, 1);
	near('hedges', ({ hedges }) => hedges, 10);
	near('median', (p) => p.first_content_ms.p50, 10);
	for (const target of ['a/m', 'b/m', 'c/m'])
		near(`calls of ${target}`, (p) => p.calls_of[target], 5);
	near('calls of the slow one', ({ faults }) => faults[0].calls, 25);
});

await test('the same seed prints the same bytes, another one others', async () => {
	const outputs = [];

	for (const [i, seed] of ['7', '7', '8'].entries()) {
		const svg = path.join(scratch, `sim-${i}.svg`);
		const args = ['flapping.yaml', '--seed', seed, '--policy', 'naive'];
		const table = await sim([...args, '--svg', svg]);
		const json = await sim([...args, '--json']);

		assert.equal(table.code, 0, table.err);
		outputs.push([table.out, json.out, fs.readFileSync(svg, 'utf8')]);
	}
	for (const i of [0, 1, 2]) {
		assert.equal(outputs[0][i], outputs[1][i]);
		assert.notEqual(outputs[0][i], outputs[2][i]);
	}
});

await test('--svg: a whole picture that needs nothing from elsewhere', async () => {
	const svg = path.join(scratch, 'all-dead.svg');

	assert.equal((await sim(['all-dead.yaml', '--policy', 'naive', '--svg', svg])).code, 0);
	const text = fs.readFileSync(svg, 'utf8');
	assert.match(text, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
	assert.match(text, /<\/svg>\n$/);
	assert.match(text, /prefers-color-scheme:dark/);
	assert.equal(text.match(/<polyline/g).length, 2 * (3 + 3));
	assert.match(text, /3 targets dead/);
	assert.ok(!/href|url\(|<script/.test(text));
});

await test('-c: the scenario meets another configuration', async () => {
	const config = writeConfig({
		providers: {
			one: { dialect: 'openai', base_url: 'http://127.0.0.1:9001', keys: ['${ONE_API_KEY}'] },
			two: { dialect: 'openai', base_url: 'http://127.0.0.1:9002' },
		},
		chains: { mine: { steps: ['one/m', 'two/m'] }, other: { steps: ['two/m'] } },
	});
	const mine = await numbers('-c', config, 'primary-dead.yaml');

	assert.equal(mine.chain, 'one/m > two/m');
	assert.equal(mine.policies[0].failed, 0);
	const other = await numbers('-c', config, '--chain', 'other', 'primary-dead.yaml');
	assert.equal(other.chain, 'two/m');
	assert.ok(other.policies[0].failed > 0);
});

const CHAIN = 'config:\n  providers:\n    a: { dialect: openai, base_url: "http://127.0.0.1:9001" }\n' +
	'  chains: { c: { steps: [ a/m ] } }\n';
const MISTAKES = [
	['', ':1:1: error[missing-key] .: the file is empty; fix: '],
	['seconds: [\n', 'error[yaml-syntax]'],
	['chain: c\n', ':1:1: error[missing-key] config: there is no configuration'],
	[`sekonds: 3\n${CHAIN}`, ':1:1: error[unknown-key] sekonds: "sekonds" is not a key of a scenario; fix: write `seconds`'],
	[`seconds: 0\n${CHAIN}`, ':1:10: error[out-of-range] seconds: '],
	[`rate: fast\n${CHAIN}`, ':1:7: error[bad-number] rate: "fast" is not requests per second; fix: '],
	[`rate: [ { from: 2s, per_s: 1 } ]\n${CHAIN}`, ':1:17: error[out-of-range] rate[0].from: is not in order; fix: '],
	[`burst: 3\n${CHAIN}`, ':1:8: error[misplaced-key] burst: bursts come evenly; fix: '],
	[`callers: { timeout: 60 }\n${CHAIN}`, ':1:21: error[bad-duration] callers.timeout: "60" has no unit; fix: write 60s'],
	[`callers: { streams: 1 }\n${CHAIN}`, ':1:21: error[bad-share] callers.streams: '],
	[`providers: { b: { pace: 1 } }\n${CHAIN}`, ':1:14: error[unknown-target] providers.b: "b" is no provider or target of the chain; fix: it is: a/m'],
	[`providers: { a: { first_token: { p50: 2s, p99: 1s } } }\n${CHAIN}`, ':1:48: error[out-of-range]'],
	[`faults: [ { target: b, kind: dead } ]\n${CHAIN}`, ':1:21: error[unknown-target] faults[0].target: '],
	[`faults: [ { target: "a#2", kind: dead } ]\n${CHAIN}`, ':1:21: error[unknown-target] faults[0].target: '],
	[`faults: [ { step: 2, kind: dead } ]\n${CHAIN}`, ':1:19: error[out-of-range] faults[0].step: '],
	[`faults: [ { kind: dead } ]\n${CHAIN}`, ':1:11: error[missing-key] faults[0]: nothing says who has it; fix: '],
	[`faults: [ { step: 1 } ]\n${CHAIN}`, ':1:11: error[missing-key] faults[0]: nothing is said of what goes wrong; fix: '],
	[`faults: [ { step: 1, kind: odd } ]\n${CHAIN}`, ':1:28: error[bad-value] faults[0].kind: '],
	[`faults: [ { step: 1, slow: 10 } ]\n${CHAIN}`, ':1:28: error[bad-number] faults[0].slow: '],
	[`faults: [ { step: 1, cut: 200% } ]\n${CHAIN}`, ':1:27: error[bad-share] faults[0].cut: '],
	[`faults: [ { step: 1, kind: dead, from: 9s, to: 8s } ]\n${CHAIN}`, ':1:48: error[out-of-range] faults[0].to: ends before it begins; fix: '],
	[`chain: d\n${CHAIN}`, ':1:8: error[unknown-chain] chain: the configuration has no chain "d"; fix: '],
	[`seconds: 3\n${CHAIN}      deadlin: 3s\n`, 'error[yaml-syntax]'],
	[`seconds: x\n${CHAIN}  listn: 3\n`, ':6:3: error[unknown-key] listn: "listn" is not a key of the configuration; fix: write `listen`'],
];

await test('mistakes in a scenario: file, line, column, what and the fix', async () => {
	const file = path.join(scratch, 'scenario.yaml');

	for (const [text, wanted] of MISTAKES) {
		fs.writeFileSync(file, text);
		const { code, out, err } = await sim([file], { cwd: scratch });

		assert.equal(code, 2, `${text}\n${out}`);
		assert.equal(out, '');
		assert.ok(err.startsWith(file) && err.includes(wanted), `${text}\n${err}`);
		for (const line of err.trimEnd().split('\n'))
			assert.match(line, /: error\[[a-z-]+\] .+; fix: .+/);
	}
	// Both the scenario's and its configuration's are told at once.
	fs.writeFileSync(file, MISTAKES.at(-1)[0]);
	assert.match((await sim([file], { cwd: scratch })).err, /:1:10: error\[bad-number\] seconds: /);
});

await test('an error in use: exit 2 and a pointer to --help', async () => {
	for (const args of [[], ['a', 'b'], ['--nonsense'], ['--policy', 'odd', 'x'], ['--seed', 'x', 'x'],
		['--of', 'c', 'x'], ['--from', 'x', 'y'], ['--from', 'x', '--svg', 'y']]) {
		const { code, err } = await sim(args, { cwd: scratch });

		assert.equal(code, 2, args.join(' '));
		assert.match(err, /weir sim --help/);
	}
	const missing = await sim(['none.yaml'], { cwd: scratch });
	assert.equal(missing.code, 2);
	assert.match(missing.err, /^none\.yaml: error\[missing-file\]/);
	const { code, out } = await sim(['--help']);
	assert.equal(code, 0);
	assert.match(out, /\n {2}weir sim examples\/scenarios\/primary-dead\.yaml/);
	assert.match(out, /\n {2}weir sim --from weir\.log/);
});

// A log of a real proxy whose first vendor fails every second request.
const mock = share(await startMock({
	alpha: '200;tokens=20;latency=30ms,503',
	beta: '200;tokens=20;latency=60ms',
	gamma: '200',
}));
const weir = await startWeir({
	providers: mock.providers('alpha', 'beta'),
	defaults: { retries: 0 },
	chains: { chat: { steps: ['alpha/m', 'beta/m'] }, other: { steps: ['beta/m'] } },
});
for (let i = 0; i < 24; i++)
	await chat(weir, ask(i % 6 === 5 ? 'other' : 'chat', `n${i}`, { stream: i % 2 === 0 }));
await weir.stop();
const log = path.join(scratch, 'weir.log');
fs.writeFileSync(log, weir.lines.map((line) => line + '\n').join(''));
const requests = weir.of('request');
const candidates = writeConfig({
	providers: mock.providers(),
	models: { m: { input_price: 1, output_price: 2 } },
	chains: {
		chat: { steps: ['alpha/m', 'beta/m'] },
		steady: { steps: ['beta/m'] },
		frail: { retries: 0, max_attempts: 1, steps: ['alpha/m'] },
		unknown: { steps: ['gamma/m'] },
	},
});

await test('--from: the trade of each chain, and what it rests on', async () => {
	const attempts = requests.map((r) => r.attempts).reduce((a, b) => a + b);
	const { code, out, err } = await sim(['--from', log, '-c', candidates, '--json']);
	assert.equal(code, 0, err);
	const { logged, chains, ...basis } = JSON.parse(out);
	const of = Object.fromEntries(chains.map((c) => [c.chain, c]));

	assert.equal(basis.requests, 24);
	assert.equal(basis.attempts['alpha/m'] + basis.attempts['beta/m'], attempts);
	assert.equal(basis.attempts['gamma/m'], 0);
	assert.equal(logged.availability, 1);
	assert.equal(of.chat.availability, 1);
	assert.equal(of.steady.availability, 1);
	assert.equal(of.steady.calls_per_request, 1);
	assert.ok(of.frail.availability < 1);
	assert.ok(of.chat.calls_per_request > 1);
	assert.equal(of.unknown.refused, 'gamma/m');
	assert.ok(of.steady.cost_usd > 0);
	// Half the requests were answered whole: about 60 ms at beta, with any machine's delays.
	assert.ok(of.steady.first_content_ms.p50 >= 55);
});

await test('--from: in words, one chain, one logged chain, a refusal', async () => {
	const { code, out, err } = await sim(['--from', log, '-c', candidates, '--chain', 'steady',
		'--of', 'chat']);
	assert.equal(code, 0, err);
	assert.match(out, /weir\.log: 20 requests in /);
	assert.match(out, /\d+ attempts at alpha\/m\n/);
	assert.match(out, /\n {2}steady +100\.000 % /);
	assert.ok(!out.includes('frail'));

	const refused = await sim(['--from', log, '-c', candidates, '--chain', 'unknown']);
	assert.equal(refused.code, 1);
	assert.match(refused.out, /unknown +refused: the log has no attempt at gamma\/m/);
	const again = await sim(['--from', log, '-c', candidates]);
	assert.equal((await sim(['--from', log, '-c', candidates])).out, again.out);
});

await test('--from: a log without requests, none at all, and no such chain', async () => {
	const empty = path.join(scratch, 'empty.log');

	fs.writeFileSync(empty, '{"event":"listening"}\nnot json\n\n');
	assert.equal((await sim(['--from', empty, '-c', candidates])).code, 1);
	assert.equal((await sim(['--from', path.join(scratch, 'none'), '-c', candidates])).code, 2);
	const unknown = await sim(['--from', log, '-c', candidates, '--chain', 'nope']);
	assert.equal(unknown.code, 2);
	assert.match(unknown.err, /no chain `nope`/);
});

await done();
