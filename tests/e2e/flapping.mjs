// A vendor that is killed and comes back, over and over, under load: nobody who waits for a whole
// answer hears of it; a stream is whole or says that it was cut. weir-bench checks every answer's
// nonce. WEIR_FLAPPING=full is the size that is claimed: 500 requests a second for a minute.
import assert from 'node:assert/strict';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { failures, measured } from './lib/bench.mjs';
import { eventually } from './lib/http.mjs';
import { startMock } from './lib/mock.mjs';
import { Program } from './lib/program.mjs';
import { startWeir } from './lib/weir.mjs';

const full = process.env.WEIR_FLAPPING === 'full';
const size = full ? { plain: 450, streams: 50, seconds: 60 } : { plain: 80, streams: 20, seconds: 8 };
const EVERY_MS = 2000;
const SCRIPT = '200;tokens=12;latency=20ms;gap=5ms';

const beta = share(await startMock({ beta: SCRIPT }));
let alpha = await startMock({ alpha: SCRIPT });
const port = alpha.address('alpha').split(':')[1];
const weir = share(await startWeir({
	providers: { ...alpha.providers(), ...beta.providers() },
	chains: { m: { steps: ['alpha/m', 'beta/m'] } },
}));

async function flap(until) {
	let n = 0;

	while (Date.now() < until) {
		await sleep(EVERY_MS / 2);
		await alpha.kill();
		n++;
		await sleep(EVERY_MS / 2);
		alpha = new Program(['mock', '--vendor', `alpha:${port}`, '--script', `alpha=${SCRIPT}`]);
		await alpha.find(alpha.printed, 'printed', (line) => line.startsWith('mock alpha'), 30, 'its address');
	}
	return n;
}

await test(`killed and back every ${EVERY_MS / 1000} s: no whole answer is lost, no stream lies`, async () => {
	const crowd = (rate, ...more) => measured(['--rate', String(rate), '-m', 'm', '-d', `${size.seconds}s`, '--warmup', '0',
		'--drain', '60s', '-q', '-c', '5000', ...more, `http://${weir.address}`], { seconds: size.seconds + 150 });
	const kills = flap(Date.now() + size.seconds * 1000);
	const [plain, streams] = await Promise.all([crowd(size.plain), crowd(size.streams, '--stream', '1')]);

	console.log(`# killed ${await kills} times, load ${os.loadavg()[0].toFixed(1)}`);
	for (const [name, seen] of Object.entries({ plain, streams }))
		console.log(`# ${name}: ${seen.outcomes.ok} of ${seen.sent} well, ${JSON.stringify(failures(seen))}, p50 ` +
			`${seen.latency_ms.p50?.toFixed(1)} ms, p99 ${seen.latency_ms.p99?.toFixed(1)} ms, max ${seen.latency_ms.max.toFixed(0)} ms`);
	assert.deepEqual(failures(plain), {});
	assert.equal(plain.outcomes.ok, plain.sent);
	console.log(`# ${JSON.stringify(streams.streams)} ${JSON.stringify(streams.outcomes)}`);
	assert.equal(streams.outcomes.ok + (streams.outcomes.stream_error ?? 0), streams.sent);
}, { seconds: size.seconds + 180 });

await test('afterwards all is as before', async () => {
	await eventually(async () => (await weir.metrics()).get('weir_inflight_requests') === 0, 'the end of all');
	await alpha.kill();
});

await done();
