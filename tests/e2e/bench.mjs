// weir-bench tells the truth: every request it says it sent arrived, every event it counts was
// sent, and whatever is wrong with an answer is called by its name.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { bench, failures, measured, startBench } from './lib/bench.mjs';

const N = 400;
const mock = share(await startMock({ alpha: '200' }));
const url = mock.urls.alpha;
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-bench-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true }));

const asked = async (script, ...args) => {
	await mock.script({ alpha: script });
	await mock.reset();
	return measured(['-c', '8', '--verify', 'tokens', ...args, url]);
};

await test('a closed loop: what was sent is what arrived, and all answers are right', async () => {
	const shown = await asked('200;tokens=9', '-n', N);
	const { hits, answered, tokens } = await mock.stats('alpha');

	assert.equal(shown.code, 0);
	assert.equal(shown.outcomes.ok, N);
	assert.deepEqual([shown.sent, shown.done, hits, answered], [N, N, N, N]);
	assert.equal(shown.tokens.told, tokens);
	assert.equal(shown.latency_ms.n, N);
	assert.equal(shown.self.connections, 8);
	assert.deepEqual(shown.statuses, { 200: N });
});

await test('streams: every event that was sent is counted, every stream is whole', async () => {
	const shown = await asked('200;tokens=30;split=100', '-n', N, '--stream', '50%');
	const { hits, tokens } = await mock.stats('alpha');

	assert.deepEqual(failures(shown), {});
	assert.equal(shown.streams.n, N / 2);
	assert.equal(shown.streams.whole, N / 2);
	assert.equal(shown.streams.events, N / 2 * 30);
	assert.equal(shown.tokens.told, tokens);
	assert.equal(hits, N);
	assert.equal(shown.first_token_ms.n, N / 2);
	assert.equal(shown.token_gap_ms.n, N / 2 * 29);
});

await test('an open loop sends what was due, at a rate or a little after', async () => {
	const shown = await asked('200', '--rate', '400', '-d', '2s', '--warmup', '0', '--arrival', 'const');
	const { hits } = await mock.stats('alpha');

	assert.deepEqual(failures(shown), {});
	assert.equal(shown.sent, hits);
	assert.ok(Math.abs(shown.sent + shown.unsent - 800) <= 1, `${shown.sent} of 800`);
	assert.equal(shown.done + shown.unfinished, shown.sent);
});

await test('the warm-up is asked and not counted', async () => {
	const shown = await asked('200', '-d', '1s', '--warmup', '300ms');
	const { hits } = await mock.stats('alpha');

	assert.ok(shown.warmup > 0);
	assert.equal(shown.sent, hits);
	assert.equal(shown.sent, shown.warmup + shown.done + shown.unfinished);
});

// script, options, what the failures are called
const mishaps = [
	['500', [], 'http_5xx'],
	['429', [], 'http_429'],
	['404', [], 'http_4xx'],
	['301', [], 'http_other'],
	['html', [], 'bad_body'],
	['bad-json', [], 'bad_body'],
	['no-choices', [], 'bad_body'],
	['empty', [], 'bad_body'],
	['error-200', [], 'error_in_200'],
	['200;text={"choices":[{"message":{"content":"Sure!"}}]}', [], 'wrong'],
	['200;text={"choices":[{"message":{"content":"alpha nobody: tok0"}}]}', [], 'wrong'],
	['truncated', [], 'closed'],
	['reset@body', [], 'closed'],
	['close@headers', [], 'closed'],
	['bad-chunk', [], 'protocol'],
	['raw;text=SSH-2.0-OpenSSH%0D%0A%0D%0A', [], 'protocol'],
	['hang', ['--timeout', '100ms'], 'timeout'],
	['refuse', [], 'connect'],
	['cut;after=3', ['--stream', '1'], 'stream_cut'],
	['reset@half', ['--stream', '1'], 'stream_cut'],
	['cut;after=3;clean', ['--stream', '1', '--fresh'], 'stream_cut'],
	['no-done', ['--stream', '1'], 'stream_cut'],
	['no-finish', ['--stream', '1'], 'stream_cut'],
	['error-event;after=2', ['--stream', '1'], 'stream_error'],
	['bad-event', ['--stream', '1'], 'bad_body'],
	['200;as=json', ['--stream', '1'], 'bad_body'],
	['stall', ['--stream', '1', '--timeout', '150ms'], 'timeout'],
];
for (const [script, options, name] of mishaps)
	await test(`${script} is called ${name}, every time and nothing else`, async () => {
		const shown = await asked(script, '-n', '12', ...options);

		assert.equal(shown.code, 1);
		assert.deepEqual(failures(shown), { [name]: 12 });
		assert.equal(shown.outcomes.ok, 0);
	});

await test('one wrong answer among many is found', async () => {
	const shown = await asked('200*99,200;text={"choices":[{"message":{"content":"?"}}]},500,200', '-n', '300');

	assert.deepEqual(failures(shown), { wrong: 1, http_5xx: 1 });
	assert.equal(shown.outcomes.ok, 298);
	assert.ok(shown.success > 0.99 && shown.success < 1);
});

await test("another caller's answer is told apart from a wrong one", async () => {
	const { outcomes } = await asked('200', '-n', '1', '--seed', '42');
	const nonce = 'wb0000002a.00000009'; // of the ninth request of that seed
	const crossed = await asked(`200;text={"choices":[{"message":{"content":"alpha ${nonce}: tok0"}}]}`, '-n', '5', '--seed', '42');

	assert.equal(outcomes.ok, 1);
	assert.deepEqual(failures(crossed), { crossed: 5 });
	assert.match(crossed.notes.join('\n'), /somebody else's request/);
});

await test('a silence inside a stream is a stall, and its gap is measured', async () => {
	const shown = await asked('200;tokens=3;gap=300ms', '-n', '4', '--stream', '1', '--stall', '100ms');

	assert.deepEqual(failures(shown), {});
	// 8, unless a busy machine makes two events come as one
	assert.ok(shown.streams.stalls >= 4 && shown.streams.stalls <= 8, `${shown.streams.stalls}`);
	assert.ok(shown.token_gap_ms.max >= 100, `${shown.token_gap_ms.max}`);
});

await test('Ctrl-C ends the run and shows what there is', async () => {
	await mock.script({ alpha: '200*50,hang' });
	await mock.reset();
	const run = startBench(['--json', '-c', '4', '-d', '60s', '--warmup', '0', '--verify', 'tokens', url]);

	while ((await mock.stats('alpha')).hits < 54)
		await sleep(20);
	run.signal('SIGINT');
	const { code } = await run.end();
	const shown = JSON.parse(run.printed.join('\n'));

	assert.equal(code, 0);
	assert.equal(run.sick(), undefined);
	assert.equal(shown.interrupted, true);
	assert.deepEqual([shown.done, shown.unfinished, shown.sent], [50, 4, 54]);
});

await test('plain HTTP needs no dialect', async () => {
	await mock.script({ alpha: '200' });
	const shown = await measured(['-n', '50', '--dialect', 'http', `${url}/v1/models`]);

	assert.deepEqual(failures(shown), {});
	assert.equal(shown.outcomes.ok, 50);
});

await test('people get a table', async () => {
	await mock.script({ alpha: '200*20,503,200' });
	await mock.reset();
	const { code, out } = await bench(['-n', '40', '--stream', '0.5', url]);

	assert.equal(code, 0);
	for (const words of [/closed loop, 50 connections, 40 requests/, /answered well 39 of 40/, /latency +p50 /,
		/first token +p50/, /http_5xx +1 +failed with a status/, /503: 1/])
		assert.match(out, words);
});

await test('a file mixes kinds of requests', async () => {
	const file = path.join(folder, 'mix.jsonl');

	fs.writeFileSync(file, '{"weight":3,"prompt_tokens":"10..40","stream":1}\n' +
		'{"weight":1,"body":{"model":"m","messages":[{"role":"user","content":"nonce=$NONCE"}]}}\n');
	const shown = await asked('200', '-n', '1000', '--mix', file);

	assert.deepEqual(failures(shown), {});
	assert.ok(shown.streams.n > 600 && shown.streams.n < 900, `${shown.streams.n}`);
});

await test('bad input is refused in a sentence, with 2', async () => {
	const wrong = [
		[[], /needs a URL/],
		[['ftp://x'], /no URL/],
		[['-c', '0', url], /--connections 0: write a number/],
		[['-d', '10', url], /--duration 10: write a time/],
		[['--rate', 'fast', url], /is no rate/],
		[['--stream', '2', url], /write a share/],
		[['--prompt-tokens', 'normal:1', url], /is no distribution/],
		[['--dialect', 'latin', url], /write openai, anthropic or http/],
		[['--mix', '/no/such/file', url], /cannot be read/],
		[['-H', 'nonsense', url], /name: value/],
		[['--verify', 'maybe', url], /write nonce, tokens or none/],
		[[url, url], /one URL/],
		[['--no-such-option', url], /bad option/],
		[['--outage', 'alpha=503@1s+1s', url], /needs --mock or --control/],
		[['-n', '5', '--warmup', '1s', url], /-n goes without --warmup/],
	];

	for (const [args, says] of wrong) {
		const { code, err } = await bench(args);

		assert.equal(code, 2, args.join(' '));
		assert.match(err, says);
	}
	const help = await bench(['--help']);
	assert.equal(help.code, 0);
	assert.match(help.out, /usage: weir-bench/);
});

await done();
