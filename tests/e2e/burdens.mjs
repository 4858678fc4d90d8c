// What weir does not take upon itself: to ask itself, more connections of one address than it may
// have, more bodies than it may hold. Who asks for less is served meanwhile.
import assert from 'node:assert/strict';
import dns from 'node:dns/promises';
import os from 'node:os';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, get, nonce, said, trail } from './lib/http.mjs';
import { freePort } from './lib/program.mjs';

const mock = share(await startMock({ alpha: '200', slow: '200;latency=30s' }));
const base = (more) => ({ providers: mock.providers(), chains: { m: { steps: ['alpha/m'] } }, ...more });
const rejected = async (weir, reason) => (await weir.metrics()).get(`weir_rejected_total{reason="${reason}"}`);

// Names of this machine that nobody can tell from another's when the file is read.
async function ownNames() {
	const names = Object.values(os.networkInterfaces()).flat().filter((one) => !one.internal && one.family === 'IPv4')
		.map((one) => one.address);

	if (await dns.lookup(os.hostname(), { family: 4 }).catch(() => null))
		names.push(os.hostname());
	return names;
}

await test('a provider that is weir itself is not asked, whatever it is called', async (t) => {
	const port = await freePort();
	const names = await ownNames();
	const own = Object.fromEntries(names.map((name, i) => [`self${i}`, { dialect: 'openai', base_url: `http://${name}:${port}/v1` }]));
	const steps = Object.keys(own).map((name) => `${name}/loop`);
	const weir = t.keep(await startWeir({
		listen: `0.0.0.0:${port}`,
		access: 'open',
		defaults: { retries: 0, max_attempts: 8 },
		providers: { ...mock.providers('alpha'), ...own },
		chains: { loop: { steps: [...steps.slice(0, 4), 'alpha/m'] } },
	}));
	const token = nonce();

	assert.ok(names.length, 'this machine has no name');
	const answer = await chat({ ...weir, address: `127.0.0.1:${port}` }, ask('loop', token));
	assert.equal(JSON.parse(answer.text).choices[0].message.content, said('alpha', token));
	assert.deepEqual(trail(answer.headers['x-weir-trail']).slice(0, -1).map((one) => one.class), steps.slice(0, 4).map(() => 'unreachable'));
	assert.equal((await weir.event('fallback')).reason, 'policy');
	await weir.event('request', (event) => event.model === 'loop');
	assert.equal(weir.of('request').length, 1, 'it asked itself');
});

await test('an address has as many connections as it may have, and more are reset', async (t) => {
	const weir = t.keep(await startWeir(base({ max_connections_per_address: 3 })));
	const wires = [];

	for (let i = 0; i < 3; i++)
		wires.push(await Wire.open(weir.address));
	await eventually(async () => (await weir.metrics()).get('weir_client_connections') >= 3, 'three connections');
	const more = await Wire.open(weir.address).catch((error) => error); // a reset may be there before
	assert.ok(more instanceof Wire ? await more.end() === '' : more.code === 'ECONNRESET', String(more));
	assert.equal(await rejected(weir, 'address'), 1);
	const other = await Wire.open(weir.address, { localAddress: '127.0.0.2' });
	other.send('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
	await other.until((text) => text.includes('200 OK'));
	other.stop();
	wires[0].send('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
	await wires[0].until((text) => text.includes('200 OK'));
	wires.pop().stop();
	await eventually(() => get(weir.address, '/livez').catch(() => null), 'room for another');
	for (const wire of wires)
		wire.stop();
	assert.match((await weir.event('warning')).message, /^127\.0\.0\.1:\d+ has as many connections/);
});

await test('a trusted proxy has any number of connections', async (t) => {
	const weir = t.keep(await startWeir(base({ max_connections_per_address: 1, trusted_proxies: '127.0.0.1' })));
	const answers = await Promise.all(Array.from({ length: 8 }, () => chat(weir, ask('m'))));

	assert.ok(answers.every(({ status }) => status === 200));
	assert.equal(await rejected(weir, 'address'), 0);
});

await test('bodies that are too much together are refused before they come', async (t) => {
	const weir = t.keep(await startWeir(base({ max_body: '1MiB', max_bodies: '2MiB' })));
	const wires = [];
	const head = (length) => `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n`;
	const held = async () => (await weir.metrics()).get('weir_body_bytes');

	for (let i = 0; i < 2; i++) {
		wires.push(await Wire.open(weir.address));
		wires[i].send(head(1024 * 1024));
	}
	assert.equal((await chat(weir, ask('m'))).status, 200, 'what is announced only takes no room');
	wires.forEach((wire) => wire.send(' '.repeat(1024 * 1024 - 1)));
	await eventually(async () => await held() === 2 * (1024 * 1024 - 1), 'two bodies');
	const refused = await Wire.open(weir.address);
	refused.send(head(100));
	const text = await refused.end();
	assert.match(text, /^HTTP\/1.1 503 /);
	assert.match(text, /\r\nretry-after: 1\r\n/);
	assert.match(text, /"code":"overloaded"/);
	assert.equal(await rejected(weir, 'bodies'), 1);
	assert.equal((await get(weir.address, '/livez')).status, 200);
	wires.pop().stop();
	await eventually(async () => await held() === 1024 * 1024 - 1, 'one body less');
	assert.equal((await chat(weir, ask('m'))).status, 200);
	wires.pop().stop();
	await eventually(async () => await held() === 0, 'none left');
});

await done();
