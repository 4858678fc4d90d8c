// weir-bench with its own simulated providers: every dialect and kind of connection, and the
// figures of an outage, which must be those that the providers' books give.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { bench, failures, measured, startBench } from './lib/bench.mjs';

const N = 60;

for (const dialect of ['openai', 'anthropic'])
	for (const fresh of [false, true])
		for (const tls of [false, true])
			await test(`${dialect}, ${fresh ? 'fresh connections' : 'kept ones'}, ${tls ? 'TLS' : 'plain'}`, async () => {
				const shown = await measured(['--mock', 'alpha', '-c', '4', '-n', N, '--dialect', dialect,
					'--stream', '50%', '--tools', '25%', '--script', 'alpha=200;tokens=7;tools=1',
					...(fresh ? ['--fresh'] : []), ...(tls ? ['--mock-tls', 'alpha=valid'] : [])]);

				assert.deepEqual(failures(shown), {});
				assert.equal(shown.code, 0, shown.err);
				assert.equal(shown.outcomes.ok, N);
				assert.equal(shown.self.connections, fresh ? N : 4);
				assert.equal(shown.providers.calls, N);
				assert.equal(shown.providers.wasted, 0);
				assert.equal(shown.providers.tokens, N * 7);
				assert.equal(shown.tokens.told, N * 7);
				assert.equal(shown.streams.events, shown.streams.n * 7);
			});

await test('answers have the sizes that were asked for', async () => {
	const shown = await measured(['--mock', 'alpha', '-c', '4', '-n', '400', '--answer-tokens', '5..25',
		'--script', 'alpha=200;tokens=1000', '--prompt-tokens', 'lognormal:50,400']);
	const mean = shown.tokens.told / 400;

	assert.deepEqual(failures(shown), {});
	assert.ok(mean > 13 && mean < 17, `${mean}`);
});

await test('a certificate nobody vouches for is called tls', async () => {
	const shown = await measured(['--mock', 'alpha', '--mock-tls', 'alpha=self-signed', '-c', '1', '-n', '2']);

	assert.equal(shown.code, 1);
	assert.deepEqual(failures(shown), { tls: 2 });
});

await test('a provider that cannot start is said to be so', async () => {
	const { code, err } = await bench(['--mock', 'alpha', '--script', 'alpha=nonsense', '-n', '1']);

	assert.equal(code, 2);
	assert.match(err, /nonsense/);
});

await test('an outage that cannot be is refused before anything runs', async () => {
	const script = await bench(['--mock', 'alpha', '-n', '1', '--outage', 'alpha=nonsense@1s+1s']);
	const vendor = await bench(['--mock', 'alpha', '-n', '1', '--outage', 'beta=503@1s+1s']);

	assert.deepEqual([script.code, vendor.code], [2, 1]);
	assert.match(script.err, /--outage: .*nonsense/);
	assert.match(vendor.err, /knows no such vendor/);
});

await test('an outage without a fallback: before, during and after are told apart', async () => {
	const shown = await measured(['--mock', 'alpha', '--rate', '200', '--arrival', 'const', '-d', '3s',
		'--outage', 'alpha=503@1s+1s']);
	const { before, during, after, from_s, to_s } = shown.providers.outage;

	assert.equal(shown.providers.calls, shown.sent);
	assert.equal(before.success, 1);
	assert.ok(during.success < 0.5, `${during.success}`);
	assert.ok(after.success > 0.9, `${after.success}`);
	assert.ok(from_s >= 1 && to_s - from_s >= 1, `${from_s} ${to_s}`);
	assert.ok(shown.providers.outage.success_after_s > 0.5);
	assert.equal(before.requests + during.requests + after.requests, shown.done);
	assert.deepEqual(Object.keys(failures(shown)), ['http_5xx']);
});

await test('a gateway with a fallback: nobody fails, and the extra calls are counted', async () => {
	const mock = share(await startMock({ alpha: '200;tokens=10', beta: '200;tokens=10' }));
	const weir = share(await startWeir({ providers: mock.providers(),
		chains: { 'gpt-4o-mini': { retries: 0, steps: ['alpha/m', 'beta/m'] } } }));
	const shown = await measured(['--control', `http://${mock.control}`, '--verify', 'tokens', '--rate', '100', '-d', '4s',
		'--stream', '50%', '--outage', 'alpha=503@1s+1s', weir.base]);
	const { calls, requests, vendors, outage } = shown.providers;

	assert.deepEqual(failures(shown), {});
	assert.equal(requests, shown.sent);
	assert.equal(calls, vendors.alpha.calls + vendors.beta.calls);
	assert.equal((await mock.stats('alpha')).hits, vendors.alpha.calls);
	assert.ok(vendors.beta.calls > 0 && calls > requests, `${calls} for ${requests}`);
	assert.equal(shown.upstream.answers, shown.done);
	assert.equal(shown.providers.wasted, 0);
	assert.equal(outage.success_after_s, 0);
	assert.equal(outage.during.success, 1);
	assert.ok(outage.during.calls_per_request > 1);
});

await test('an answer that was cut and begun again is wasted', async () => {
	const shown = await measured(['--mock', 'alpha', '-c', '1', '-n', '10', '--stream', '1',
		'--script', 'alpha=200*5,cut;after=3*3,200', '--drain', '1s']);

	assert.deepEqual(failures(shown), { stream_cut: 3 });
	assert.equal(shown.providers.wasted, 9);
});

await test('Ctrl-C inside an outage heals it', async () => {
	const mock = share(await startMock({ alpha: '200;tokens=3' }));
	const run = startBench(['--control', `http://${mock.control}`, '-c', '2', '-d', '60s', '--outage', 'alpha=503@10ms+50s',
		'--json', mock.urls.alpha]);
	const script = async () => (await mock.stats('alpha')).rules[0].script;

	while (await script() !== '503')
		await sleep(20);
	run.signal('SIGINT');
	await run.end();
	assert.equal(run.sick(), undefined);
	assert.equal(await script(), '200;tokens=3');
	assert.equal(JSON.parse(run.printed.join('\n')).interrupted, true);
});

// The provider stands still for half a second. Four callers in a closed loop notice it four
// times, which is nothing among thousands; of callers who come when they come, each who came
// meanwhile waits.
await test('an open loop shows the queue that a closed one hides', async () => {
	const RATE = 200;
	const whileItPauses = async (...args) => {
		const mock = share(await startMock({ alpha: '200;latency=2ms' }));
		const run = startBench(['--json', '-d', '3s', '--warmup', '0', ...args, mock.urls.alpha]);

		while (!(await mock.stats('alpha')).hits)
			await sleep(5);
		await sleep(500);
		mock.signal('SIGSTOP');
		const began = performance.now();
		await sleep(500);
		mock.signal('SIGCONT');
		const paused = performance.now() - began;
		await run.end();
		return { paused, ...JSON.parse(run.printed.join('\n')) };
	};
	// By when they were due, in bins of 50 ms: those of bins that waited that long on average.
	const delayed = ({ series }) => series.n.reduce((all, n, i) => all + (series.mean_ms[i] > 50 ? n : 0), 0);
	const closed = await whileItPauses('-c', '4');
	const open = await whileItPauses('--rate', RATE, '--arrival', 'const');
	const due = RATE * open.paused / 1000;

	assert.deepEqual([failures(closed), failures(open)], [{}, {}]);
	assert.ok(closed.latency_ms.max >= 400 && open.latency_ms.max >= 400);
	assert.ok(closed.latency_ms.p99 < 200, `closed: p99 ${closed.latency_ms.p99} ms`);
	assert.ok(open.latency_ms.p99 >= 300, `open: p99 ${open.latency_ms.p99} ms`);
	assert.ok(delayed(closed) < due / 2, `closed: ${delayed(closed)} were delayed`);
	// More of them where the machine pauses, too.
	assert.ok(delayed(open) >= 0.7 * due, `open: ${delayed(open)} were delayed, ${due} were due in the pause`);
});

await test('targets take turns, and their ratio is told with its spread', async () => {
	const mock = share(await startMock({ alpha: '200', slow: '200;latency=20ms' }));
	const shown = await measured(['--compare', `A=${mock.urls.alpha}`, `B=${mock.urls.slow}`, '-c', '4',
		'--rounds', '6', '--round', '200ms', '--drift', '100%']);
	const { comparison, runs } = shown;
	const [a, b] = comparison.targets;

	assert.deepEqual([comparison.rounds, comparison.base, comparison.control], [6, 'A', 'A']);
	assert.deepEqual(runs.map((run) => run.target), ['A', 'B']);
	assert.ok(b.ratios.p50.median > 1 && b.ratios.p50.from > 1, JSON.stringify(b.ratios));
	assert.ok(b.ratios.per_second.to < 1);
	assert.equal(a.ratios.per_second.median, 1);
	for (const [i, vendor] of ['alpha', 'slow'].entries()) {
		assert.deepEqual(failures(runs[i]), {});
		assert.equal(runs[i].sent, (await mock.stats(vendor)).hits);
	}
});

await test('a control that drifts: no verdict, and 1', async () => {
	const mock = share(await startMock({ alpha: '200', wild: '200*20,200;latency=300ms*40,200*60,200;latency=100ms' }));
	const { code, out } = await bench(['--compare', `A=${mock.urls.alpha}`, `B=${mock.urls.alpha}`,
		`control=${mock.urls.wild}`, '-c', '2', '--rounds', '4', '--round', '400ms', '--warmup', '0']);

	assert.equal(code, 1);
	assert.match(out, /no verdict: the control \(control\) drifted by/);
});

await test('a report is one file with charts, and nothing of it lies elsewhere', async () => {
	const file = path.join(scratch, 'report.html');
	const { code } = await bench(['--mock', 'alpha', '--rate', '200', '-d', '2s', '--stream', '50%',
		'--outage', 'alpha=503@500ms+500ms', '--html', file]);
	const html = fs.readFileSync(file, 'utf8');

	assert.equal(code, 0);
	assert.equal(html.match(/<svg /g).length, 3);
	assert.match(html, /class=shade/);
	assert.match(html, /answered well/);
	assert.doesNotMatch(html, /https?:\/\/(?!127\.0\.0\.1)|<script|<link|@import|nan|inf\b/);
});

await done();
