// TLS towards callers: their own clients, a certificate that is renewed under them, certificates of
// theirs, and those who mean no good.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { bench } from './lib/bench.mjs';
import { authority, issue, leaf } from './lib/certs.mjs';
import { run } from './lib/program.mjs';
import { scratch, startUpgrade, startWeir, writeConfig } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, events, nonce, post, said, textOf } from './lib/http.mjs';
import { OpenAI } from './lib/sdk.mjs';

const OPERATOR = { headers: { 'x-weir-admin': '1' } };
const mock = share(await startMock({ alpha: '200', beta: '200' }));
const ca = authority('ca');
const foreign = authority('foreign');
const server = issue(ca, 'server');
const pair = ({ cert, key }) => ({ cert, key });

await mock.script({ 'alpha/slow': '200;tokens=30;gap=50ms' });

// Streams as long as it is taken from it, and ends when it is told.
const endless = share(new (class {
	taken = 0;
	ended = false;
	server = http.createServer(async (request, response) => {
		response.writeHead(200, { 'content-type': 'text/event-stream' });
		for (let n = 0; !this.ended && !response.destroyed; n++, this.taken = n)
			if (!response.write(`data: {"choices":[{"index":0,"delta":{"content":"${'x'.repeat(4000)}"}}]}\n\n`))
				await once(response, 'drain').catch(() => {});
		response.end('data: [DONE]\n\n');
	}).listen(0, '127.0.0.1');

	entry = () => ({ dialect: 'openai', base_url: `http://127.0.0.1:${this.server.address().port}/v1` });
	stop = async () => this.server.close();
})());
await once(endless.server, 'listening');

const base = (more = {}) => ({
	providers: { ...mock.providers(), endless: endless.entry() },
	chains: { m: { steps: ['alpha/m', 'beta/m'] }, slow: { steps: ['alpha/slow'] }, large: { steps: ['endless/m'] } },
	tls: pair(server),
	...more,
});

const weir = share(await startWeir(base()));

// One request by Node's own client: { status, headers, text, peer, version, protocol }.
function call(address, body, { path = '/v1/chat/completions', agent, ...options } = {}) {
	const [host, port] = address.split(':');

	return new Promise((resolve, reject) => {
		const request = https.request({ host, port, path, method: body ? 'POST' : 'GET', agent: agent ?? false,
			ca: fs.readFileSync(ca.files.cert), headers: { 'content-type': 'application/json' }, ...options }, (response) => {
			const { socket } = response;
			const seen = { status: response.statusCode, headers: response.headers, text: '', version: socket.getProtocol(),
				resumed: socket.isSessionReused(), peer: socket.getPeerCertificate().subject?.CN };
			response.on('data', (bytes) => (seen.text += bytes));
			response.on('end', () => resolve({ ...seen, whole: response.complete }));
			response.on('error', reject);
		});
		request.on('error', reject);
		request.end(body ? JSON.stringify(body) : undefined);
	});
}

const words = (answer) => JSON.parse(answer.text).choices[0].message.content;

// All that a program prints, and its exit status.
function runs(program, args, input = '') {
	return new Promise((resolve) => {
		const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
		let text = '';

		for (const stream of [child.stdout, child.stderr])
			stream.on('data', (bytes) => (text += bytes));
		child.stdin.on('error', () => {});
		child.stdin.end(input);
		child.on('close', (code) => resolve({ code, text }));
	});
}

for (const version of ['TLSv1.2', 'TLSv1.3'])
	await test(`${version}: whole and streamed, on one connection`, async () => {
		const agent = new https.Agent({ keepAlive: true, maxSockets: 1, minVersion: version, maxVersion: version,
			ca: fs.readFileSync(ca.files.cert) });

		for (const stream of [false, true, false]) {
			const token = nonce();
			const answer = await call(weir.address, ask('m', token, { stream }), { agent });

			assert.equal(answer.status, 200);
			assert.equal(answer.version, version);
			assert.equal(stream ? textOf(answer.text) : words(answer), said('alpha', token));
		}
		agent.destroy();
	});

await test('the official client', async () => {
	const dispatcher = { fetch: (url, init) => new Promise((resolve, reject) => {
		const request = https.request(url, { method: init.method, ca: fs.readFileSync(ca.files.cert), agent: false,
			headers: Object.fromEntries(new Headers(init.headers)) }, (response) => {
			const body = new ReadableStream({ start(controller) {
				response.on('data', (bytes) => controller.enqueue(new Uint8Array(bytes)));
				response.on('end', () => controller.close());
				response.on('error', (error) => controller.error(error));
			} });
			resolve(new Response(body, { status: response.statusCode, headers: response.headers }));
		});
		request.on('error', reject);
		request.end(init.body);
	}) };
	const client = new OpenAI({ baseURL: `https://${weir.address}/v1`, apiKey: 'x', maxRetries: 0, ...dispatcher });
	const token = nonce();
	const answer = await client.chat.completions.create(ask('m', token));
	let text = '';

	assert.equal(answer.choices[0].message.content, said('alpha', token));
	for await (const chunk of await client.chat.completions.create(ask('m', token, { stream: true })))
		text += chunk.choices[0]?.delta?.content ?? '';
	assert.equal(text, said('alpha', token));
});

await test('curl, and nothing but what is modern', async () => {
	const curl = await runs('curl', ['-sS', '--http2', '--cacert', ca.files.cert, '-w', '\n%{http_version} %{ssl_verify_result}',
		`https://${weir.address}/livez`]);
	assert.match(curl.text, /\n1\.1 0$/, curl.text);
	for (const [args, good] of [
		[['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-GCM-SHA256'], true],
		[['-tls1_2', '-cipher', 'ECDHE-ECDSA-CHACHA20-POLY1305'], true],
		[['-tls1_3'], true],
		[['-tls1_2', '-cipher', 'ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0'], false],
		[['-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'], false],
	]) {
		const { code, text } = await runs('openssl', ['s_client', '-connect', weir.address, '-CAfile', ca.files.cert,
			'-verify_return_error', '-alpn', 'h2,http/1.1', ...args]);
		assert.equal(code === 0, good, `${args}: ${text}`);
		if (good)
			assert.match(text, /ALPN protocol: http\/1\.1/);
	}
});

await test('who comes back resumes', async () => {
	let session;
	const connect = (more) => new Promise((resolve, reject) => {
		const [host, port] = weir.address.split(':');
		const socket = tls.connect({ host, port, ca: fs.readFileSync(ca.files.cert), maxVersion: 'TLSv1.2', ...more });
		socket.on('session', (ticket) => (session = ticket));
		socket.on('error', reject);
		socket.on('secureConnect', () => setTimeout(() => {
			const resumed = socket.isSessionReused();
			socket.destroy();
			resolve(resumed);
		}, 100));
	});

	assert.equal(await connect(), false);
	assert.equal(await connect({ session }), true);
});

await test('a large answer to a slow reader: weir keeps no more than its bound', async () => {
	const [host, port] = weir.address.split(':');
	const socket = tls.connect({ host, port, ca: fs.readFileSync(ca.files.cert) });
	const token = nonce();
	const body = JSON.stringify(ask('large', token, { stream: true }));
	let text = '';

	await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
	socket.pause();
	socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
		`connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	for (let before = -1; !endless.taken || endless.taken !== before; await sleep(1000))
		before = endless.taken; // until no more is taken: what the kernel holds and weir's own bound are full
	socket.on('data', (bytes) => (text += bytes));
	socket.resume();
	endless.ended = true;
	await new Promise((resolve) => socket.once('close', resolve));
	assert.ok(text.includes('[DONE]'));
	assert.equal(text.split('"delta"').length - 1, endless.taken);
});

await test('a caller who hangs up ends what it asked for', async () => {
	const [host, port] = weir.address.split(':');
	const socket = tls.connect({ host, port, ca: fs.readFileSync(ca.files.cert) });
	const body = JSON.stringify(ask('slow', nonce(), { stream: true }));

	await new Promise((resolve) => socket.once('secureConnect', resolve));
	socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
		`content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight === 1, 'the stream');
	socket.destroy();
	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight === 0, 'its end');
});

await test('plain HTTP is told so', async () => {
	const answer = await chat(weir, ask('m'));

	assert.equal(answer.status, 400);
	assert.equal(JSON.parse(answer.text).error.code, 'tls_required');
	assert.match(answer.text, /https:/);
});

await test('garbage, half a handshake, one that trickles, one cut at each byte: all end, and nobody else is moved', async () => {
	const hello = await new Promise((resolve) => {
		const catcher = net.createServer((socket) => socket.once('data', (bytes) => {
			socket.destroy();
			catcher.close();
			resolve(bytes);
		})).listen(0, '127.0.0.1', () =>
			tls.connect({ port: catcher.address().port, host: '127.0.0.1' }).on('error', () => {}));
	});
	const before = (await weir.metrics()).get('weir_tls_handshakes_total{result="failed"}');
	const ends = [];

	for (const bytes of [Buffer.from([0x16, 0x03, 0x01, 0xff, 0xff]), Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0]),
		Buffer.alloc(100, 0x16), Buffer.from([0x16, 3, 3, 0, 0]), Buffer.from([0x80, 0x2e, 1, 3, 1]), Buffer.alloc(70000, 0x41)]) {
		const wire = await Wire.open(weir.address);
		wire.send(bytes);
		wire.socket.end();
		ends.push(wire.end(20));
	}
	for (let n = 1; n < hello.length; n += 7) {
		const wire = await Wire.open(weir.address);
		wire.send(hello.subarray(0, n));
		wire.socket.end();
		ends.push(wire.end(20));
	}
	const silent = await Wire.open(weir.address);
	const slow = await Wire.open(weir.address);
	const drip = (async () => {
		for (const byte of hello.subarray(0, 100)) {
			if (slow.ended)
				return;
			slow.send(Buffer.from([byte]));
			await sleep(150);
		}
	})();
	const token = nonce();
	assert.equal(words(await call(weir.address, ask('m', token))), said('alpha', token));
	await Promise.all(ends);
	await Promise.all([silent.end(20), slow.end(20), drip]); // ten seconds, whatever is said in them
	assert.ok((await weir.metrics()).get('weir_tls_handshakes_total{result="failed"}') > before);
	await eventually(async () => (await weir.metrics()).get('weir_client_connections') === 1, 'the end of all but who asks');
});

await test('no renegotiation, and what comes with the handshake counts', async () => {
	const { text } = await runs('openssl', ['s_client', '-connect', weir.address, '-CAfile', ca.files.cert, '-tls1_2'], 'R\n');
	assert.match(text, /no renegotiation|closed|alert/i, text);

	const token = nonce();
	assert.equal(words(await call(weir.address, ask('m', token))), said('alpha', token));
});

// mbedTLS has no new keys: the connection ends, and no answer is made up
await test('new keys in the midst of a connection end it, and data before the handshake is none', async () => {
	const args = ['s_client', '-connect', weir.address, '-CAfile', ca.files.cert, '-tls1_3'];
	const early = path.join(scratch, 'early.txt'), session = path.join(scratch, 'session.pem');
	const child = spawn('openssl', args, { stdio: ['pipe', 'pipe', 'pipe'] });
	const ended = new Promise((resolve) => child.once('close', resolve));
	let text = '';

	for (const stream of [child.stdout, child.stderr])
		stream.on('data', (bytes) => (text += bytes));
	child.stdin.on('error', () => {});
	await eventually(() => /read R BLOCK|Verify return code: 0/.test(text), 'the handshake');
	child.stdin.write('K\n');
	await eventually(() => text.includes('KEYUPDATE'), 'the command');
	child.stdin.write('GET /livez HTTP/1.1\r\nhost: weir\r\n\r\n');
	await ended;
	assert.doesNotMatch(text, /HTTP\/1\.1 200/);

	fs.writeFileSync(early, 'GET /livez HTTP/1.1\r\nhost: weir\r\n\r\n');
	await runs('openssl', [...args, '-sess_out', session], 'Q\n');
	const again = await runs('openssl', [...args, ...(fs.existsSync(session) ? ['-sess_in', session] : []), '-early_data', early], 'Q\n');
	assert.match(again.text, /Early data was (not sent|rejected)/, again.text);
	assert.doesNotMatch(again.text, /HTTP\/1\.1 200/);
	assert.equal((await call(weir.address, null, { path: '/livez' })).status, 200);
});

await test('more silent ones than may begin: who speaks is served', async (t) => {
	const crowd = await Promise.all(Array.from({ length: 400 }, () => Wire.open(weir.address)));
	const token = nonce();

	t.keep({ stop: async () => crowd.forEach((wire) => wire.stop()) });
	assert.equal(words(await call(weir.address, ask('m', token))), said('alpha', token));
	crowd.forEach((wire) => wire.stop());
});

await test('more that trickle than may begin: who speaks is served', async (t) => {
	const crowd = await Promise.all(Array.from({ length: 300 }, () => Wire.open(weir.address)));
	const hello = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]); // and 503 bytes more
	let at = 0;
	const drip = setInterval(() => {
		const byte = hello.subarray(at, at + 1);
		at++;
		crowd.forEach((wire) => !wire.ended && wire.send(byte.length ? byte : Buffer.from([7])));
	}, 500);
	const token = nonce();
	const began = Date.now();

	t.keep({ stop: async () => (clearInterval(drip), crowd.forEach((wire) => wire.stop())) });
	assert.equal(words(await call(weir.address, ask('m', token))), said('alpha', token));
	assert.ok(Date.now() - began < 9000, 'before those who trickle have had their ten seconds');
});

await test('a certificate is renewed: new connections see the new one, streams go on', async (t) => {
	const live = { cert: `${server.cert}.live`, key: `${server.key}.live` };
	const put = (from) => {
		fs.copyFileSync(from.key, live.key);
		fs.copyFileSync(from.cert, live.cert);
	};

	put(server);
	const one = t.keep(await startWeir(base({ tls: live })));
	const token = nonce();
	const stream = call(one.address, ask('slow', token, { stream: true }));
	const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: fs.readFileSync(ca.files.cert) });

	assert.equal((await call(one.address, ask('m'), { agent })).peer, 'server');
	put(issue(ca, 'renewed'));
	assert.equal((await call(one.address, ask('m'))).peer, 'server', 'before it is told');
	assert.equal((await post(one.admin, '/reload', '', OPERATOR)).status, 200);
	assert.equal((await call(one.address, ask('m'))).peer, 'renewed');
	assert.equal((await call(one.address, ask('m'), { agent })).status, 200);
	assert.equal(textOf((await stream).text), said('alpha', token, 30));

	put({ ...server, key: issue(ca, 'another').key }); // they do not belong together
	const refused = await post(one.admin, '/reload', '', OPERATOR);
	assert.equal(JSON.parse(refused.text).ok, false);
	assert.match(refused.text, /server\.key\.live: it belongs to another certificate/);
	assert.equal((await call(one.address, ask('m'))).peer, 'renewed', 'the old one stays');

	put(issue(ca, 'again'));
	one.signal('SIGHUP');
	await eventually(async () => (await call(one.address, ask('m'))).peer === 'again', 'the next one');
	agent.destroy();
});

await test('by the name that is asked for', async (t) => {
	const others = [issue(ca, 'b', { hosts: ['b.example', '*.wild.example'] }), issue(ca, 'rsa', { hosts: ['rsa.example'], kind: 'RSA' })];
	const one = t.keep(await startWeir(base({ tls: { ...pair(server), others: others.map(pair) } })));
	const shown = async (servername) => (await call(one.address, ask('m'), { servername,
		checkServerIdentity: () => undefined })).peer;

	assert.equal(await shown('b.example'), 'b');
	assert.equal(await shown('B.Example'), 'b');
	assert.equal(await shown('x.wild.example'), 'b');
	assert.equal(await shown('x.y.wild.example'), 'server');
	assert.equal(await shown('rsa.example'), 'rsa');
	assert.equal(await shown('localhost'), 'server');
	assert.equal(await shown('nobody.example'), 'server');
});

await test('who has no certificate of the CA is not heard', async (t) => {
	const one = t.keep(await startWeir(base({ tls: { ...pair(server), client_ca: ca.files.cert } })));
	const as = ({ cert, key }) => ({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const own = { minVersion: version, maxVersion: version };
		const asked = (await mock.stats('alpha')).hits;

		await assert.rejects(call(one.address, ask('m'), own));
		await assert.rejects(call(one.address, ask('m'), { ...own, ...as(issue(foreign, 'stranger', { hosts: [], client: true })) }));
		await assert.rejects(call(one.address, ask('m'), { ...own, ...as(issue(ca, 'past', { hosts: [], client: true, from: -9, until: -2 })) }));
		assert.equal((await mock.stats('alpha')).hits, asked);
		assert.equal((await call(one.address, ask('m'), { ...own, ...as(issue(ca, 'friend', { hosts: [], client: true })) })).status, 200);
	}
	const open = await startWeir(base({ listen: '0.0.0.0:0', tls: { ...pair(server), client_ca: ca.files.cert } }));
	await open.leave(); // it needs no access keys
});

// Four of 4,096 bits are more than any authority of the web gives out.
await test('long chains, of weir and of its callers', async (t) => {
	const kind = 'RSA4096';
	const root = authority('root', null, [], { kind });
	const last = ['one', 'two', 'three'].reduce((above, name) => authority(name, above, [], { kind }), root);
	const of = (name, more) => leaf(last, [], { name, kind, ...more });
	const [long, over] = [of('long', { hosts: ['localhost', '127.0.0.1'] }), of('over', { hosts: Array.from({ length: 60 }, (_, i) => `name-${i}.example`) })];
	const caller = of('caller', { hosts: [], client: true });
	const shown = ({ files }) => ({ cert: files.chain, key: files.key });
	const bytes = ({ chain }) => chain.split(/-----[^-]+-----/).reduce((sum, text) => sum + Buffer.from(text, 'base64').length, 0);
	const one = t.keep(await startWeir(base({ tls: { ...shown(long), client_ca: root.files.cert } })));
	const own = { ca: root.cert, cert: caller.chain, key: caller.key };

	assert.ok(bytes(long) > 5000 && bytes(caller) > 5000, `${bytes(long)}, ${bytes(caller)}`);
	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const token = nonce();
		const answer = await call(one.address, ask('m', token), { ...own, minVersion: version, maxVersion: version });

		assert.equal(answer.version, version);
		assert.equal(words(answer), said('alpha', token));
	}
	const checked = await run(['check', '-c', writeConfig({ listen: '127.0.0.1:0', admin: 'off', ...base({ tls: shown(over) }) })]);
	assert.match(checked.out, /error\[bad-certificate\] tls: .*over\.chain: the chain has \d+ bytes, at most 5500 fit/);
}, { seconds: 120 });

await test('another client_ca by a reload: callers of the one before ask no more', async (t) => {
	const live = path.join(scratch, 'callers.pem');

	fs.copyFileSync(ca.files.cert, live);
	const one = t.keep(await startWeir(base({ tls: { ...pair(server), client_ca: live } })));
	const as = ({ cert, key }) => ({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
	const old = as(issue(ca, 'old', { hosts: [], client: true }));
	const fresh = as(issue(foreign, 'fresh', { hosts: [], client: true }));
	const agents = [];
	// A connection that stays open, and whether it still is.
	const kept = (certificate) => {
		const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: fs.readFileSync(ca.files.cert), ...certificate });
		const sockets = () => [...Object.values(agent.freeSockets), ...Object.values(agent.sockets)].flat().length;

		agents.push(agent);
		return { agent, sockets, ask: (body) => call(one.address, body, { agent }) };
	};

	t.keep({ stop: async () => agents.forEach((agent) => agent.destroy()) });
	const idle = kept(old), busy = kept(old), slow = kept(old);
	const half = tls.connect({ host: '127.0.0.1', port: Number(one.address.split(':')[1]), ca: fs.readFileSync(ca.files.cert), ...old });
	await once(half, 'secureConnect');
	const body = JSON.stringify(ask('m'));
	half.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`);
	assert.equal((await idle.ask(ask('m'))).status, 200);
	const token = nonce();
	const stream = busy.ask(ask('slow', token, { stream: true }));
	const whole = slow.ask(ask('slow', token));
	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight === 2, 'two under way');

	fs.writeFileSync(live, Buffer.concat([fs.readFileSync(ca.files.cert), Buffer.from('\n')])); // the same certificates
	assert.equal((await post(one.admin, '/reload', '', OPERATOR)).status, 200);
	assert.equal((await idle.ask(ask('m'))).status, 200);
	assert.equal(idle.sockets(), 1, 'it stays open');

	fs.copyFileSync(foreign.files.cert, live);
	assert.equal((await post(one.admin, '/reload', '', OPERATOR)).status, 200);
	await eventually(() => idle.sockets() === 0, 'the idle one is closed');
	assert.equal(textOf((await stream).text), said('alpha', token, 30));
	const answer = await whole;
	assert.equal(answer.status, 200);
	assert.equal(answer.headers.connection, 'close');
	await eventually(() => busy.sockets() === 0 && slow.sockets() === 0, 'the others are closed after their answers');
	let text = '';
	half.on('data', (bytes) => (text += bytes));
	half.write(body);
	await once(half, 'close');
	assert.match(text, /^HTTP\/1\.1 200 [^]*\r\nconnection: close\r\n/);
	for (const [certificate, good] of [[old, false], [fresh, true]])
		await assert[good ? 'doesNotReject' : 'rejects'](kept(certificate).ask(ask('m')));

	fs.writeFileSync(live, Buffer.concat([fs.readFileSync(ca.files.cert), fs.readFileSync(foreign.files.cert)]));
	const stays = kept(fresh);
	assert.equal((await stays.ask(ask('m'))).status, 200);
	fs.writeFileSync(one.file, JSON.stringify({ ...JSON.parse(fs.readFileSync(one.file)), tls: pair(server) }));
	assert.equal((await post(one.admin, '/reload', '', OPERATOR)).status, 200);
	assert.equal((await stays.ask(ask('m'))).status, 200);
	assert.equal(stays.sockets(), 1, 'nobody needs a certificate, so nobody has a wrong one');
});

await test('who showed a certificate once shows it again', async (t) => {
	const one = t.keep(await startWeir(base({ tls: { ...pair(server), client_ca: ca.files.cert } })));
	const { cert, key } = issue(ca, 'once', { hosts: [], client: true });
	const own = { cert: fs.readFileSync(cert), key: fs.readFileSync(key) };
	const [host, port] = one.address.split(':');

	for (const version of ['TLSv1.2', 'TLSv1.3']) {
		const options = { minVersion: version, maxVersion: version };
		let session;
		const socket = tls.connect({ host, port, ca: fs.readFileSync(ca.files.cert), ...options, ...own }, () =>
			socket.write('GET /livez HTTP/1.1\r\nhost: weir\r\nconnection: close\r\n\r\n'));

		socket.on('session', (ticket) => (session = ticket));
		socket.resume();
		await once(socket, 'close');
		session ??= socket.getSession();
		assert.equal((await call(one.address, ask('m'), { ...options, ...own, session })).resumed, false);
		await assert.rejects(call(one.address, ask('m'), { ...options, session }));
	}
});

await test('drain and upgrade', async (t) => {
	const first = t.keep(await startWeir(base({ drain_timeout: '60s' })));
	const token = nonce();
	const stream = call(first.address, ask('slow', token, { stream: true }));
	let over = false;
	const failures = [];
	const callers = Array.from({ length: 4 }, async () => {
		while (!over)
			await call(first.address, ask('m')).catch((error) => failures.push(String(error)));
	});

	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight === 1, 'the stream');
	const second = t.keep(await startUpgrade(first.file));
	assert.equal(second.address, first.address);
	assert.equal(textOf((await stream).text), said('alpha', token, 30));
	await first.exited;
	over = true;
	await Promise.all(callers);
	assert.deepEqual(failures, []);
	assert.ok(second.of('request').length > 0);
}, { seconds: 120 });

await test('load by https, kept and fresh: none fails', async () => {
	for (const more of [[], ['--fresh']]) {
		const { code, out, err } = await bench(['--json', '-d', '3s', '--warmup', '0', '-c', '16', '-m', 'm', '--ca', ca.files.cert,
			'--connections', '16', ...more, `https://localhost:${weir.address.split(':')[1]}`].filter((word, i, all) =>
			word !== '--connections' && all[i - 1] !== '--connections'));
		const seen = JSON.parse(out || '{}');

		assert.equal(code, 0, err);
		assert.equal(seen.outcomes.ok, seen.sent);
		assert.ok(seen.sent > 20);
	}
});

await test('check tells what is wrong, and serve does not begin', async () => {
	const stale = issue(ca, 'stale', { from: -9, until: -2 });
	const soon = issue(ca, 'soon', { until: 3 });
	const junk = `${server.cert}.junk`;
	const check = (tlsOf) => run(['check', '-c', writeConfig({ listen: '127.0.0.1:0', admin: 'off', ...base({ tls: tlsOf }) })]);

	fs.writeFileSync(junk, 'no certificate');
	for (const [tlsOf, says] of [
		[{ cert: stale.cert, key: stale.key }, /error\[bad-certificate\] tls: .*stale\.pem: the certificate expired on \d{4}-\d\d-\d\d/],
		[{ cert: server.cert, key: stale.key }, /error\[bad-certificate\] tls: .*stale\.key: it belongs to another certificate/],
		[{ cert: junk, key: server.key }, /error\[bad-certificate\] tls: .*junk: .*PEM form/],
		[{ cert: server.cert, key: junk }, /error\[bad-certificate\] tls: .*junk: .*PEM form, without a password/],
		[{ cert: server.cert, key: `${server.key}.none` }, /error\[missing-file\] tls\.key: /],
		[{ cert: server.cert }, /error\[missing-key\] tls: /],
		[{ ...pair(server), client_ca: junk }, /error\[bad-certificate\] tls\.client_ca: .*junk/],
	]) {
		const { code, out } = await check(tlsOf);
		assert.match(out, says);
		assert.equal(code, 2);
	}
	assert.match((await check(pair(soon))).out, /warning\[certificate-expires\] tls: .*soon\.pem expires in [23] days/);
	fs.chmodSync(soon.key, 0o644);
	assert.match((await check(pair(soon))).out, /warning\[tls-key-mode\] tls\.key: everybody may read .*0644/);
	const served = await run(['serve', '-c', writeConfig({ listen: '127.0.0.1:0', admin: 'off', ...base({ tls: pair(stale) }) })]);
	assert.ok(served.code > 0);
	assert.match(served.err, /stale\.pem: the certificate expired/);
});

await done();
