// A caller that leaves, by FIN or by RST, in every phase of its request: the provider's
// connection goes with it, nothing more is tried, nobody is blamed.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { Wire, answers, ask, eventually, nonce, said } from './lib/http.mjs';

const SOON_MS = 100; // from the caller's close to the provider's
const TRIES = 6;     // on a busy machine, one of them must be as quick as that

// [name, script, stream, what the vendor is doing then]
const phases = [
	['waiting for the head', 'hang', false, 'waiting'],
	['waiting for a stream’s head', 'hang', true, 'waiting'],
	['in the head', 'hang@status', false, 'answering'],
	['holding back what is no content', 'hang@role', true, 'answering'],
	['while pings come', 'pings;gap=20ms', true, 'answering'],
	['in a whole body', '200;tokens=1000;split=64;drip=20ms', false, 'answering'],
	['in a stream', '200;tokens=100000;gap=20ms', true, 'answering'],
	['in a stream that stalls', 'stall;after=3', true, 'answering'],
];

const mock = share(await startMock({ alpha: '200', beta: '200', hole: 'blackhole' }));
const config = {
	providers: mock.providers(),
	chains: {
		m: { steps: ['alpha/m', 'beta/m'] },
		flaky: { steps: ['alpha/flaky', 'beta/m'] },
		hole: { connect_timeout: '60s', steps: ['hole/m', 'beta/m'] },
	},
};
const weir = share(await startWeir(config));

function post(body, more = '') {
	const text = JSON.stringify(body);

	return `POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\ncontent-type: application/json\r\n` +
		`${more}content-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}

const now = () => Number(process.hrtime.bigint() / 1000000n); // as the mock's at_ms

// Leaves, and says when; the line that weir wrote about it.
async function leave(wire, how) {
	const before = weir.of('request').length;
	const at = now();

	if (how === 'FIN')
		wire.fin();
	else
		wire.reset();
	const line = await weir.event('request', () => weir.of('request').length > before);
	return { at, line: weir.of('request').at(-1) ?? line };
}

function isHangup(line, attempts) {
	assert.equal(line.outcome, 'hangup');
	assert.ok([200, 499].includes(line.status), `status ${line.status}`);
	assert.equal(line.attempts, attempts);
}

async function atRest() {
	await eventually(async () => (await weir.metrics()).get('weir_inflight_requests') === 0, 'rest');
}

async function nobodyBlamed() {
	const series = await weir.metrics();

	for (const [name, value] of series)
		if (/^weir_attempts_total{chain="(m|hole)"/.test(name) && !/class="(ok|hangup)"/.test(name))
			assert.equal(value, 0, name);
	assert.equal(weir.of('fallback').length, 0);
	assert.equal((await mock.stats('beta')).hits, 0);
}

for (const how of ['FIN', 'RST']) {
	for (const [name, script, stream, phase] of phases)
		await test(`${how} ${name}: the provider’s connection closes at once`, async (t) => {
			const took = [];

			await mock.script({ alpha: script });
			while (took.length < TRIES && !took.some((ms) => ms <= SOON_MS)) {
				const before = await mock.stats('alpha');
				const wire = t.keep(await Wire.open(weir.address));

				wire.send(post(ask('m', nonce(), { stream })));
				await eventually(async () => (await mock.stats('alpha')).hits > before.hits, 'request');
				if (script.startsWith('200') && stream)
					await wire.until((text) => text.includes('tok3'), 'tokens');
				const { at, line } = await leave(wire, how);
				const after = await eventually(async () => {
					const stats = await mock.stats('alpha');
					return stats.aborts > before.aborts && stats;
				}, 'close of the provider’s connection');

				isHangup(line, 1);
				assert.equal(after.hits, before.hits + 1);
				assert.equal(after.last_abort.phase, phase);
				took.push(after.last_abort.at_ms - at);
			}
			assert.ok(took.some((ms) => ms <= SOON_MS), `after ${took} ms`);
			assert.ok(took.every((ms) => ms < 10000), `after ${took} ms`);
			await nobodyBlamed();
		});

	await test(`${how} while the body is sent: nobody is asked`, async (t) => {
		const before = await mock.stats('alpha');
		const wire = t.keep(await Wire.open(weir.address));
		const text = post(ask('m'));

		wire.send(text.slice(0, -5));
		await eventually(async () => (await weir.metrics()).get('weir_client_connections') > 1, 'connection');
		if (how === 'FIN')
			wire.fin();
		else
			wire.reset();
		await eventually(async () => (await weir.metrics()).get('weir_client_connections') === 1, 'close');
		assert.equal((await mock.stats('alpha')).hits, before.hits);
	});

	await test(`${how} while the connection is made: nothing else is tried`, async (t) => {
		const wire = t.keep(await Wire.open(weir.address));

		wire.send(post(ask('hole')));
		await eventually(async () => (await weir.metrics())
			.get('weir_inflight_attempts{target="hole/m"}') === 1, 'attempt');
		const { line } = await leave(wire, how);
		isHangup(line, 1);
		await atRest();
		await nobodyBlamed();
	});

	await test(`${how} between two attempts: there is no second one`, async (t) => {
		await mock.script({ 'alpha/flaky': '500;retry-after=2' });
		const before = await mock.stats('alpha');
		const wire = t.keep(await Wire.open(weir.address));
		const retries = weir.of('retry').length;

		wire.send(post(ask('flaky')));
		await weir.event('retry', () => weir.of('retry').length > retries);
		const { line } = await leave(wire, how);
		assert.equal(line.outcome, 'hangup');
		assert.equal(line.attempts, 1);
		await atRest();
		await new Promise((resolve) => setTimeout(resolve, 2500)); // past the time of the second
		assert.equal((await mock.stats('alpha')).hits, before.hits + 1);
		assert.equal((await mock.stats('beta')).hits, 0);
	});
}

await test('a caller that has closed its half is gone, by default', async (t) => {
	await mock.script({ alpha: '200;latency=500ms' });
	const wire = t.keep(await Wire.open(weir.address));

	wire.send(post(ask('m')));
	wire.fin();
	assert.equal(await wire.end(), '');
});

await test('half_close: serve, and such a caller gets its answer', async (t) => {
	const kind = t.keep(await startWeir({ ...config, half_close: 'serve' }));

	await mock.script({ alpha: '200;latency=300ms' });
	for (const stream of [false, true]) {
		const token = nonce();
		const wire = t.keep(await Wire.open(kind.address));

		wire.send(post(ask('m', token, { stream })));
		wire.fin();
		const { list, rest } = answers(await wire.end());
		assert.equal(list.length, 1);
		assert.equal(rest, '');
		assert.equal(list[0].status, 200);
		if (!stream)
			assert.equal(JSON.parse(list[0].body).choices[0].message.content, said('alpha', token));
		else
			assert.match(list[0].body, /data: \[DONE\]\n\n$/);
		await kind.event('request', (e) => e.outcome === 'ok' && e.stream === stream);
	}
});

await test('half_close: serve, and one that resets is gone all the same', async (t) => {
	const kind = t.keep(await startWeir({ ...config, half_close: 'serve' }));

	await mock.script({ alpha: 'hang' });
	const before = await mock.stats('alpha');
	const wire = t.keep(await Wire.open(kind.address));

	wire.send(post(ask('m')));
	await eventually(async () => (await mock.stats('alpha')).hits > before.hits, 'request');
	wire.reset();
	await kind.event('request', (e) => e.outcome === 'hangup');
});

await done();
