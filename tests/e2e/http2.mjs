// HTTP/2 providers: many requests on one connection, what becomes of them when a provider
// refuses, leaves or is slow, and servers of other makers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http2 from 'node:http2';
import https from 'node:https';
import net from 'node:net';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { freePort, Program } from './lib/program.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, nonce, said, textOf, trail } from './lib/http.mjs';
import { DONE, certificate, chunk, completion, echo, nonceOf, startHttp2 } from './lib/http2.mjs';

const CANCEL = http2.constants.NGHTTP2_CANCEL;
const found = (program) => [program, `/usr/sbin/${program}`]
	.find((name) => !spawnSync(name, [name.includes('nginx') ? '-v' : '--version']).error);
const contentOf = (answer) => JSON.parse(answer.text).choices[0].message.content;

const mock = share(await startMock({ spare: '200', backend: '200;tokens=16' }));
const spare = mock.providers('spare').spare;

// A weir before that provider and the spare one.
async function weirFor(t, entry, more = {}) {
	return t.keep(await startWeir({ providers: { h2: entry, spare },
		chains: { c: { retries: 0, steps: ['h2/m', 'spare/m'] }, alone: { retries: 0, steps: ['h2/m'] } },
		...more }));
}

// Answers kept back until they are let go.
function gate() {
	const waiting = [];
	return { hold: (go) => waiting.push(go), open: () => waiting.splice(0).forEach((go) => go()),
		get held() { return waiting.length; } };
}

await test('forty requests at once share one connection, whole ones and streams', async (t) => {
	const held = gate();
	const provider = t.keep(await startHttp2((...args) => held.hold(() => echo('h2')(...args))));
	const weir = await weirFor(t, provider.provider());
	const asked = Array.from({ length: 40 }, (_, i) => ({ token: nonce(), stream: i % 2 === 0 }));
	const answers = asked.map(({ token, stream }) => chat(weir, ask('c', token, { stream })));

	await eventually(() => held.held === 40, 'all forty at the provider');
	const metrics = await weir.metrics();
	const address = `127.0.0.1:${provider.server.address().port}`;
	assert.equal(metrics.get(`weir_upstream_streams{provider="h2",address="${address}"}`), 40);
	assert.equal(metrics.get(
		`weir_upstream_connections{provider="h2",address="${address}",state="active"}`), 1);
	held.open();
	for (const [i, answer] of (await Promise.all(answers)).entries()) {
		const text = asked[i].stream ? textOf(answer.text) : contentOf(answer);

		assert.equal(answer.status, 200);
		assert.ok(answer.whole);
		assert.equal(text, said('h2', asked[i].token));
	}
	assert.equal(provider.sessions.length, 1);
	assert.deepEqual(provider.resets, []);
});

await test('a provider that takes three at once gets more connections', async (t) => {
	const held = gate();
	const provider = t.keep(await startHttp2((...args) => held.hold(() => echo('h2')(...args)),
		{ settings: { maxConcurrentStreams: 3 } }));
	const weir = await weirFor(t, provider.provider());

	const first = chat(weir, ask('alone'));
	await eventually(() => held.held === 1, 'the first');
	const rest = Array.from({ length: 8 }, () => chat(weir, ask('alone')));
	await eventually(() => held.held === 9, 'all nine');
	assert.equal(provider.sessions.length, 3);
	held.open();
	for (const answer of await Promise.all([first, ...rest]))
		assert.equal(answer.status, 200);
});

await test('one that leaves takes one stream with him', async (t) => {
	const held = gate();
	const provider = t.keep(await startHttp2((stream, headers, body) => {
		stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
		stream.write(chunk('begun'));
		held.hold(() => stream.destroyed || stream.end(chunk(nonceOf(body)) + DONE));
	}));
	const weir = await weirFor(t, provider.provider());
	const leaver = {};
	const left = chat(weir, ask('c', nonce(), { stream: true }), {
		onRequest: (req) => { leaver.req = req; },
		onHead: (res) => res.once('data', () => leaver.req.destroy()),
	}).catch(() => null);
	const token = nonce();
	const stays = chat(weir, ask('c', token, { stream: true }));

	await left;
	await eventually(() => provider.resets.length === 1, 'the reset');
	assert.deepEqual(provider.resets, [CANCEL]);
	await eventually(() => held.held === 2, 'both');
	held.open();
	assert.equal(textOf((await stays).text), `begun${token}`);
	assert.equal(provider.sessions.length, 1);
	assert.equal(provider.open, 1);
});

// [name, what the provider does, the class that the trail shows; null: it is not shown at all]
const faults = [
	['answers 503', (s) => { s.respond({ ':status': 503 }); s.end('{}'); }, 'overloaded'],
	['answers 429', (s) => { s.respond({ ':status': 429 }); s.end('{}'); }, 'rate_limited'],
	['answers in HTML', (s) => { s.respond({ ':status': 200, 'content-type': 'text/html' }); s.end('<p>'); },
		'server_error'],
	['redirects', (s) => { s.respond({ ':status': 302, location: 'https://x/' }); s.end(); }, 'server_error'],
	['resets at once', (s) => s.close(http2.constants.NGHTTP2_INTERNAL_ERROR), 'unreachable'],
	['refuses every stream', (s) => s.close(http2.constants.NGHTTP2_REFUSED_STREAM), 'unreachable'],
	['resets in the body', (s) => {
		s.respond({ ':status': 200, 'content-type': 'application/json' });
		s.write('{"id":');
		setTimeout(() => s.destroy(new Error('reset')), 10);
	}, 'cut'],
	['promises more than it sends', (s) => {
		s.respond({ ':status': 200, 'content-type': 'application/json', 'content-length': 1000 });
		s.end('{}');
	}, null],
	['breaks the connection', (s) => s.session.destroy(), 'unreachable'],
];

for (const [name, fault, cls] of faults)
	await test(`one that ${name} is failed over from`, async (t) => {
		const provider = t.keep(await startHttp2(fault));
		const weir = await weirFor(t, provider.provider());
		const token = nonce();
		const answer = await chat(weir, ask('c', token));
		const [first] = trail(answer.headers['x-weir-trail']);

		assert.equal(answer.status, 200);
		assert.equal(contentOf(answer), said('spare', token));
		assert.equal(first.target, 'h2/m');
		if (cls)
			assert.equal(first.class, cls);
		if (name.startsWith('refuses'))
			assert.equal(provider.streams, 2); // and once more, for free
	});

await test('a refused stream is asked for again, and nobody hears of it', async (t) => {
	let refused = 0;
	const provider = t.keep(await startHttp2((stream, headers, body) => {
		if (refused++ === 0)
			stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
		else
			echo('h2')(stream, headers, body);
	}));
	const weir = await weirFor(t, provider.provider());
	const token = nonce();
	const answer = await chat(weir, ask('alone', token));

	assert.equal(contentOf(answer), said('h2', token));
	assert.equal(trail(answer.headers['x-weir-trail']).length, 1);
	assert.equal(provider.sessions.length, 1);
});

await test('GOAWAY: what is under way ends well, what comes goes elsewhere', async (t) => {
	const held = gate();
	const provider = t.keep(await startHttp2((stream, headers, body) => {
		const go = () => echo('h2')(stream, headers, body);

		if (provider.streams === 1)
			held.hold(go);
		else
			go();
	}));
	const weir = await weirFor(t, provider.provider());
	const token = nonce();
	const first = chat(weir, ask('alone', token));

	await eventually(() => held.held === 1, 'the first');
	provider.sessions[0].goaway();
	await eventually(async () => {
		assert.equal((await chat(weir, ask('alone'))).status, 200);
		return provider.sessions.length === 2;
	}, 'another connection');
	held.open();
	assert.equal(contentOf(await first), said('h2', token));
	const address = `127.0.0.1:${provider.server.address().port}`;
	await eventually(async () => (await weir.metrics()).get(
		`weir_upstream_connections{provider="h2",address="${address}",state="active"}`) === 0,
	'the end of the old connection');
});

await test('a caller who does not read keeps nobody from reading', async (t) => {
	const line = chunk('x'.repeat(8000));
	const provider = t.keep(await startHttp2((stream, headers, body) => {
		if (!body.includes('endless')) {
			echo('h2')(stream, headers, body);
			return;
		}
		stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
		const more = () => {
			while (!stream.destroyed && stream.write(line))
				;
		};
		stream.on('drain', more);
		more();
		stream.flowing = true;
	}));
	const weir = await weirFor(t, provider.provider());
	const at = weir.address.lastIndexOf(':');
	const slow = net.connect(Number(weir.address.slice(at + 1)), weir.address.slice(0, at));
	const body = JSON.stringify(ask('alone', 'endless', { stream: true }));

	t.keep({ stop: () => slow.destroy() });
	slow.pause();
	slow.write('POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n' +
		`content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	await eventually(() => provider.streams === 1, 'the slow one');
	for (let i = 0; i < 20; i++) {
		const token = nonce();

		assert.equal(contentOf(await chat(weir, ask('alone', token))), said('h2', token));
	}
	assert.equal(provider.sessions.length, 1);
});

await test('http2: off, or a provider that knows only HTTP/1.1', async (t) => {
	const { key, cert } = certificate();
	const identity = { key: fs.readFileSync(key), cert: fs.readFileSync(cert) };

	for (const off of [true, false]) {
		const versions = [];
		const answer = (req, res) => {
			const parts = [];

			versions.push(req.httpVersion);
			req.on('data', (part) => parts.push(part));
			req.on('end', () => res.writeHead(200, { 'content-type': 'application/json' })
				.end(completion(said('h1', nonceOf(Buffer.concat(parts).toString())))));
		};
		const server = off ? http2.createSecureServer({ ...identity, allowHTTP1: true }, answer)
			: https.createServer(identity, answer);

		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
		t.keep({ stop: () => server.close() });
		const weir = await weirFor(t, { dialect: 'openai', ca_file: cert,
			base_url: `https://127.0.0.1:${server.address().port}/v1`, ...(off ? { http2: 'off' } : {}) });
		const tokens = Array.from({ length: 5 }, nonce);
		const answers = await Promise.all(tokens.map((token) => chat(weir, ask('alone', token))));

		for (const [i, answered] of answers.entries())
			assert.equal(contentOf(answered), said('h1', tokens[i]));
		assert.deepEqual([...new Set(versions)], ['1.1']);
	}
});

await test('a provider that requires HTTP/1.1 is asked in that, and in HTTP/2 no more', async (t) => {
	const { key, cert } = certificate();
	const versions = [];
	const server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert),
		allowHTTP1: true }, (req, res) => {
		const parts = [];

		versions.push(req.httpVersion);
		if (req.httpVersion === '2.0') {
			req.stream.close(http2.constants.NGHTTP2_HTTP_1_1_REQUIRED);
			return;
		}
		req.on('data', (part) => parts.push(part));
		req.on('end', () => res.writeHead(200, { 'content-type': 'application/json' })
			.end(completion(said('h1', nonceOf(Buffer.concat(parts).toString())))));
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.keep({ stop: () => server.close() });
	const weir = await weirFor(t, { dialect: 'openai', ca_file: cert,
		base_url: `https://127.0.0.1:${server.address().port}/v1` });

	for (let i = 0; i < 3; i++) {
		const token = nonce();
		const answer = await chat(weir, ask('alone', token));

		assert.equal(contentOf(answer), said('h1', token));
		assert.equal(trail(answer.headers['x-weir-trail']).length, 1);
	}
	assert.deepEqual(versions, ['2.0', '1.1', '1.1', '1.1']);
});

await test('a fallback with HTTP/2 has a connection before it is needed, and again after it closes it', async (t) => {
	const answer = (...args) => echo('h2')(...args);
	const [first, second, only1] = await Promise.all([answer, answer, answer].map((of) => startHttp2(of)));
	const { key, cert } = certificate();
	const plain = https.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) });
	const broken = net.createServer((socket) => { broken.count++; socket.destroy(); });
	const entry = (port) => ({ dialect: 'openai', ca_file: cert, base_url: `https://127.0.0.1:${port}/v1` });

	plain.sockets = [];
	broken.count = 0;
	plain.on('secureConnection', (socket) => plain.sockets.push(socket));
	for (const server of [plain, broken]) {
		await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
		t.keep({ stop: () => server.close() });
	}
	[first, second, only1].forEach((provider) => t.keep(provider));
	await mock.script({ spare: '503' });
	t.keep({ stop: () => mock.script({ spare: '200' }) });
	const weir = t.keep(await startWeir({
		providers: { spare, first: first.provider(), second: second.provider(),
			off: only1.provider({ warm_connections: 0 }),
			plain: entry(plain.address().port), broken: entry(broken.address().port) },
		chains: {
			c: { retries: 0, steps: ['spare/m', 'second/m', 'broken/m'] },
			d: { retries: 0, steps: ['first/m', 'spare/m', 'plain/m', 'off/m'] },
		},
	}));

	await eventually(() => second.sessions.length === 1 && plain.sockets.length === 1, 'one to each');
	assert.equal(second.streams, 0);
	plain.sockets[0].destroy();
	for (let i = 1; i < 3; i++) {
		const token = nonce();

		assert.equal(contentOf(await chat(weir, ask('c', token))), said('h2', token));
		assert.equal(second.sessions.length, i); // the one that was there
		second.sessions[i - 1].destroy();
		await eventually(() => second.sessions.length === i + 1, 'another one');
	}
	assert.equal(second.streams, 2);
	assert.equal(first.sessions.length, 0); // is asked first: its callers keep it warm
	assert.equal(only1.sessions.length, 0);
	assert.equal(plain.sockets.length, 1); // to learn what it speaks
	assert.ok(broken.count >= 1 && broken.count <= second.sessions.length + 1, `${broken.count} to the broken one`);
	const metrics = await weir.metrics();
	assert.equal(metrics.get('weir_breaker_state{target="broken/m",state="closed"}'), 1);
	assert.equal(metrics.get('weir_breaker_transitions_total{target="broken/m",to="open"}'), 0);
});

// All of them are under way at the second provider at once, to which nothing was open before.
await test('500 requests at a provider that is killed: few connections carry them to the next', async (t) => {
	const N = 500;
	const held = gate();
	const provider = t.keep(await startHttp2((...args) => held.hold(() => echo('h2')(...args))));
	const dying = t.keep(await startMock({ dying: '200;latency=1h' }, { bare: ['dying'] }));
	const patient = { attempt_timeout: '100s', deadline: '100s', connect_timeout: '60s', retries: 0 };
	const weir = t.keep(await startWeir({
		providers: { ...dying.providers(), h2: provider.provider({ warm_connections: 0 }) },
		chains: { c: { steps: ['dying/m', 'h2/m'], ...patient } },
	}));
	const calls = Array.from({ length: N }, () => nonce()).map((token) =>
		({ token, answer: chat(weir, ask('c', token), { seconds: 100 }) }));

	await eventually(async () => (await dying.stats('dying')).inflight === N, `${N} at the first`, 60);
	assert.equal(provider.sessions.length, 0);
	await dying.kill();
	await eventually(() => held.held === N, `${N} at the second`, 60);
	held.open();
	for (const { token, answer } of calls) {
		const { status, text } = await answer;

		assert.equal(status, 200, text);
		assert.equal(JSON.parse(text).choices[0].message.content, said('h2', token));
	}
	assert.ok(provider.sessions.length <= N / 100 + 3, `${provider.sessions.length} connections`);
	assert.equal(provider.streams, N);
	assert.equal((await weir.metrics()).get(
		'weir_upstream_connects_total{target="h2/m",reused="false"}'), provider.sessions.length);
}, { seconds: 120 });

async function start(t, program, args, port) {
	const running = t.keep(new Program(args, { program }));

	running.stop = async () => {
		running.signal('SIGTERM');
		await running.exited;
	};
	await eventually(() => new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true); });
		socket.on('error', () => resolve(false));
	}), `${program} on its port`);
	return running;
}

async function outputOf(program, args) {
	const run = new Program(args, { program });

	await run.end();
	return run.printed.join('\n');
}

const nginx = found('nginx');
await test(`nginx as the provider: its log has as many requests as weir${nginx ? '' : ' # SKIP no nginx here'}`, async (t) => {
	if (!nginx)
		return;
	const port = await freePort();
	const { key, cert } = certificate();
	const file = path.join(scratch, 'nginx.conf');

	fs.writeFileSync(file, `daemon off; master_process off; pid ${scratch}/nginx.pid;
		error_log stderr crit; events {} http { log_format one '$server_protocol $connection $status';
		access_log ${scratch}/nginx.log one; client_body_temp_path ${scratch}/b;
		proxy_temp_path ${scratch}/p; fastcgi_temp_path ${scratch}/f; uwsgi_temp_path ${scratch}/u;
		scgi_temp_path ${scratch}/s; keepalive_requests 50;
		server { listen 127.0.0.1:${port} ssl http2; ssl_certificate ${cert}; ssl_certificate_key ${key};
		location / { proxy_http_version 1.1; proxy_buffering off; proxy_set_header Connection "";
		proxy_pass ${mock.urls.backend}; } } }`);
	await start(t, nginx, ['-c', file, '-p', scratch], port);
	const weir = await weirFor(t, { dialect: 'openai', ca_file: cert,
		base_url: `https://127.0.0.1:${port}/v1` });

	// It says goodbye after fifty: nobody may notice.
	for (let round = 0; round < 4; round++) {
		const asked = Array.from({ length: 30 }, (_, i) => ({ token: nonce(), stream: i % 3 === 0 }));
		const answers = await Promise.all(asked.map(({ token, stream }) =>
			chat(weir, ask('alone', token, { stream }))));

		for (const [i, answer] of answers.entries()) {
			assert.equal(answer.status, 200);
			assert.equal(asked[i].stream ? textOf(answer.text) : contentOf(answer),
				said('backend', asked[i].token));
		}
	}
	const logged = () => fs.readFileSync(`${scratch}/nginx.log`, 'utf8').split('\n').filter(Boolean);

	await eventually(() => logged().length >= 4 * 30, 'all of them in its log');
	const series = await weir.metrics();
	assert.deepEqual([...new Set(logged().map((line) => line.replace(/ \d+ /, ' ')))], ['HTTP/2.0 200']);
	assert.equal(logged().length, 4 * 30);
	assert.equal(series.get('weir_requests_total{chain="alone",outcome="ok"}'), logged().length);
	assert.equal(series.get('weir_attempts_total{chain="alone",target="h2/m",class="ok"}'), logged().length);
	assert.equal(series.get('weir_upstream_connects_total{target="h2/m",reused="false"}'),
		new Set(logged().map((line) => line.split(' ')[1])).size);
});

const nghttpd = found('nghttpd');
await test(`nghttpd as the provider: curl, h2load, weir and it count the same${nghttpd ? '' : ' # SKIP no nghttpd here'}`, async (t) => {
	if (!nghttpd)
		return;
	const port = await freePort();
	const { key, cert } = certificate();
	const root = path.join(scratch, 'nghttpd/v1/chat');
	const file = path.join(scratch, 'body.json');

	fs.mkdirSync(root, { recursive: true });
	fs.writeFileSync(path.join(root, 'completions'), completion('from a file'));
	fs.writeFileSync(file, JSON.stringify(ask('alone')));
	const server = await start(t, nghttpd, ['-v', '-a', '127.0.0.1', '-d', path.join(scratch, 'nghttpd'), '-m', '10',
		String(port), key, cert], port);
	const weir = await weirFor(t, { dialect: 'openai', ca_file: cert,
		base_url: `https://127.0.0.1:${port}/v1` });
	const url = `http://${weir.address}/v1/chat/completions`;
	const answers = await Promise.all(Array.from({ length: 50 }, () => chat(weir, ask('alone'))));

	for (const answer of answers) {
		assert.equal(answer.status, 200);
		assert.equal(contentOf(answer), 'from a file');
	}
	const [curled, loaded] = await Promise.all([
		outputOf('curl', ['-s', '-Z', '-H', 'content-type: application/json', '--data-binary', `@${file}`,
			...Array.from({ length: 40 }, () => ['-o', '/dev/null', url]).flat(), '-w', '%{http_code}\n']),
		outputOf('h2load', ['--h1', '-n', '300', '-c', '20', '-H', 'content-type: application/json', '-d', file, url]),
	]);
	const asked = 50 + 40 + 300;

	assert.equal(curled.split('\n').filter((line) => line === '200').length, 40, curled);
	assert.match(loaded, /300 total, 300 started, 300 done, 300 succeeded, 0 failed, 0 errored, 0 timeout/);
	assert.match(loaded, /300 2xx, 0 3xx, 0 4xx, 0 5xx/);
	const series = await weir.metrics();
	const connections = () => server.printed.map((line) => line.match(/^\[id=(\d+)\].*:method: POST/)?.[1]).filter(Boolean);

	assert.equal(series.get('weir_requests_total{chain="alone",outcome="ok"}'), asked);
	assert.equal(series.get('weir_attempts_total{chain="alone",target="h2/m",class="ok"}'), asked);
	await eventually(() => connections().length === asked, `${asked} requests at nghttpd`);
	assert.equal(new Set(connections()).size, series.get('weir_upstream_connects_total{target="h2/m",reused="false"}'));
});

await done();
