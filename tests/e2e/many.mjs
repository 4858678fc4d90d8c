// As many streams at once as the descriptor limit allows, and as many requests that fail over
// at once. `node many.mjs 9000`, or WEIR_MANY=9000, says how many; else 2,000 take part, which
// a build with sanitizers can carry. `max`: as many as there can be.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { failures, measured } from './lib/bench.mjs';
import { eventually } from './lib/http.mjs';

const wish = process.argv[2] ?? process.env.WEIR_MANY ?? '2000';
const files = Number(execFileSync('sh', ['-c', 'ulimit -Hn']).toString()) || Infinity;
const PORTS = 25000; // of one address to another, some kept back
const IDLE = 1024; // connections that are kept, beside those that are used
const most = Math.min(Math.floor((files - IDLE - 400) / 2), PORTS); // two files each in weir
if (most < 300) {
	console.log(`1..0 # SKIP with ${files} descriptors there are not many`);
	process.exit(0);
}
const asked = wish === 'max' ? most : Number(wish);
const N = Math.min(asked, most);
const PACE_S = N > 4000 ? 4 : 2; // between two events of a stream: one core is enough
const TOKENS = 15; // the first stream goes on until the last has begun, on a slow machine too
const HOLD_S = N > 4000 ? 30 : 15; // likewise
const SECONDS = 130;

console.log(`# ${N} at once${N < asked ? `: no more than that with ${files} descriptors` : ''}`);

const mock = share(await startMock({ alpha: '200', beta: '200' }));
const patient = {
	attempt_timeout: '110s', first_token_timeout: '110s', connect_timeout: '60s', deadline: '120s',
	retries: 0,
};
const weir = share(await startWeir({
	providers: mock.providers(),
	chains: {
		one: { steps: ['alpha/m'], ...patient },
		two: { steps: ['alpha/m', 'beta/m'], ...patient },
	},
}));

// CPU of a process so far, where the system says so in a file.
function cpu(pid) {
	try {
		const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /, '').split(' ');

		return (Number(fields[11]) + Number(fields[12])) / 100;
	} catch {
		return NaN;
	}
}

const used = ([weirBefore, mockBefore]) =>
	`${(cpu(weir.pid) - weirBefore).toFixed(2)} s, of the mock ${(cpu(mock.pid) - mockBefore).toFixed(2)} s`;

const load = (model, ...args) => measured(
	['-c', N, '-n', N, '-m', model, '--timeout', `${SECONDS}s`, '--drain', `${SECONDS}s`,
		'--verify', 'tokens', ...args, `http://${weir.address}`].map(String),
	{ seconds: SECONDS });

await test(`${N} streams at once: every event comes, and none late`, async () => {
	await mock.script({ alpha: `200;tokens=${TOKENS};gap=${PACE_S}s` });
	const before = [cpu(weir.pid), cpu(mock.pid)];
	const there = async () => (await mock.stats('alpha')).inflight === N;
	const [shown] = await Promise.all([
		load('one', '--stream', '1', '--stall', `${10 * PACE_S}s`),
		eventually(there, 'all streams', SECONDS),
	]);

	console.log(`# gaps of ${PACE_S} s: median ${shown.token_gap_ms.p50} ms, most ${shown.token_gap_ms.max} ms; ` +
		`first token after ${shown.first_token_ms.p50} ms, the last one's after ${shown.first_token_ms.max} ms; CPU ${used(before)}`);
	assert.deepEqual(failures(shown), {});
	assert.equal(shown.streams.whole, N);
	assert.equal(shown.streams.events, N * TOKENS);
	assert.equal(shown.streams.stalls, 0);
}, { seconds: SECONDS });

// All are held by the first provider until it fails them, so that none is warned by another.
await test(`${N} requests that fail over at once: all are answered`, async () => {
	await mock.script({ alpha: `503;latency=${HOLD_S}s`, beta: '200' });
	await mock.reset();
	const before = [cpu(weir.pid), cpu(mock.pid)];
	const shown = await load('two');
	const [alpha, beta] = [await mock.stats('alpha'), await mock.stats('beta')];

	console.log(`# answered after ${shown.latency_ms.p50} ms in the median, the last after ${shown.latency_ms.max} ms; CPU ${used(before)}`);
	assert.deepEqual(failures(shown), {});
	assert.equal(shown.outcomes.ok, N);
	assert.deepEqual([alpha.hits, beta.hits], [N, N]);
}, { seconds: SECONDS });

await done();
