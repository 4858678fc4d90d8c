// Faults at random, all the time: nobody gets another's answer (weir-bench looks at each nonce),
// the books are even, and afterwards descriptors and memory are what they were. WEIR_SOAK=million is
// a million requests with 5 % of faults; a number is that many minutes, 500 requests a second.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { failures, measured } from './lib/bench.mjs';
import { eventually } from './lib/http.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir } from './lib/weir.mjs';

const wish = process.env.WEIR_SOAK;
const minutes = Number(wish) || 0;
const many = wish === 'million' ? 1_000_000 : 3000;
const AT_ONCE = 64;
const how = minutes ? ['--rate', '500', '-d', `${minutes * 60}s`] : ['-c', String(AT_ONCE), '-n', String(many)];
const IDLE_MS = 75_000; // of a connection to a vendor, and more
const SECONDS = minutes ? minutes * 60 + 300 : wish ? 3000 : 150;

// Of a hundred, so many each: what a vendor may do instead of answering.
const faults = ['500', '503', 'reset@body', 'close@headers', 'truncated', 'bad-json', 'empty', 'html', 'error-200', 'error-event'];
const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const scripts = {}, models = [];
for (const [i, fault] of faults.entries()) {
	const name = `m${i}`;

	models.push(name);
	for (const vendor of ['alpha', 'beta', 'gamma'])
		scripts[`${vendor}/${name}`] = `${fault};tokens=6;latency=0ms;jitter=4ms;chance=5%`;
}
await mock.script(scripts);
const chains = Object.fromEntries(models.map((name) => [name, { steps: ['alpha', 'beta', 'gamma'].map((vendor) => `${vendor}/${name}`) }]));
const weir = share(await startWeir({ providers: mock.providers(), chains }));
weir.on('line', () => weir.lines.length > 2000 && weir.lines.splice(0, 1000)); // there will be a million
const mix = path.join(scratch, 'mix.jsonl');
const body = (model, stream) => ({ model, stream, messages: [{ role: 'user', content: 'hello nonce=$NONCE' }] });
fs.writeFileSync(mix, models.flatMap((model) => [{ weight: 2, body: body(model, false) }, { weight: 1, body: body(model, true) }])
	.map((kind) => JSON.stringify(kind)).join('\n'));

const load = (...more) => measured(['--mix', mix, '--warmup', '0', '--drain', '120s', '-q', '--timeout', '120s', ...more, `http://${weir.address}`],
	{ seconds: SECONDS });
const state = async () => {
	const now = await weir.metrics();
	const sum = (...parts) => [...now].filter(([name]) => parts.every((p) => name.includes(p))).reduce((all, [, n]) => all + n, 0);

	return { now, sum, fds: now.get('process_open_fds'), blocks: now.get('weir_heap_blocks'), mib: now.get('process_resident_memory_bytes') / 2 ** 20 };
};

// Nobody calls; where there is time for it, connections to vendors are not kept any more either.
async function rest() {
	let before = null;

	await sleep(wish ? IDLE_MS : 0);

	return eventually(async () => {
		const at = await state();
		const calm = before && at.now.get('weir_inflight_requests') === 0 && at.fds === before.fds && at.blocks === before.blocks;

		before = at;
		await sleep(500);
		return calm ? at : null;
	}, 'rest', 150);
}

await test('each gets its own answer, or an honest end', async () => {
	await load('-c', String(AT_ONCE), '-n', '2000'); // what is made once is there
	const idle = await rest();
	const resident = [];
	const look = setInterval(() => state().then(({ mib }) => resident.push(mib), () => {}), minutes ? 10_000 : 1000);
	const seen = await load(...how).finally(() => clearInterval(look));
	const after = await rest();
	const bad = failures(seen);
	const half = resident.slice(Math.floor(resident.length / 2));

	console.log(`# ${seen.outcomes.ok} of ${seen.sent} well, ${JSON.stringify(bad)}, p50 ${seen.latency_ms.p50?.toFixed(1)} ms, ` +
		`p99 ${seen.latency_ms.p99?.toFixed(1)} ms, load ${os.loadavg()[0].toFixed(1)}`);
	console.log(`# descriptors ${idle.fds} and ${after.fds}, blocks ${idle.blocks} and ${after.blocks}, ` +
		`MiB ${idle.mib.toFixed(1)} and ${after.mib.toFixed(1)}, in its second half ${half[0]?.toFixed(1)} to ${half.at(-1)?.toFixed(1)}`);
	for (const never of ['crossed', 'wrong', 'stream_cut', 'closed', 'connect', 'timeout', 'protocol', 'bad_body', 'error_in_200', 'local'])
		assert.equal(bad[never] ?? 0, 0, never);
	assert.ok(seen.outcomes.ok >= seen.sent * 0.98, JSON.stringify(bad));
	assert.deepEqual([after.now.get('weir_inflight_requests'), after.sum('weir_inflight_attempts')], [0, 0]);
	if (wish)
		assert.equal(after.fds, idle.fds);
	// the first failure of a target takes a block for good, in which its last ones are kept
	assert.ok(!wish || after.blocks - idle.blocks <= 3 * models.length, `${after.blocks - idle.blocks} blocks are left over`);
	assert.ok(Math.abs(after.fds - idle.fds) <= AT_ONCE, 'descriptors are left over');

	const asked = after.sum('weir_requests_total') - idle.sum('weir_requests_total');
	assert.equal(asked, seen.sent);
	assert.equal(after.sum('weir_requests_total', 'outcome="ok"') + after.sum('weir_requests_total', 'outcome="failed_over"')
		+ after.sum('weir_requests_total', 'outcome="exhausted"'), after.sum('weir_requests_total'));
	assert.ok(after.sum('weir_attempts_total') >= after.sum('weir_requests_total'));
}, { seconds: SECONDS });

await done();
