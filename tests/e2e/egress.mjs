// Out through a proxy: CONNECT with TLS inside, absolute addresses without; whom it is for, what it may
// answer, and that its password stays where it is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { Collector } from './lib/otlp.mjs';
import { run } from './lib/program.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat, eventually, get, nonce, post, said, textOf } from './lib/http.mjs';

const ca = path.join(scratch, 'ca.pem');
const NAME = 'api.vendor.example'; // which no name server knows
const PASSWORD = 'p@ss:word/of-the-proxy';
const mock = share(await startMock({
	vendor: { script: '200', tls: `wrong-host;host=${NAME}` }, near: { script: '200', tls: 'valid' }, plain: '200', spare: '200',
}, { caOut: ca }));
const port = (name) => Number(new URL(mock.urls[name]).port);

// What it was asked, and what it does then.
class Proxy {
	asked = [];
	connections = 0;
	sockets = new Set();
	behaviour = 'connect';

	async start() {
		this.server = http.createServer((request, response) => {
			this.asked.push(`${request.method} ${request.url}`);
			this.forward(request, response);
		});
		this.server.on('connection', (socket) => {
			this.sockets.add(socket);
			this.connections++;
			socket.on('error', () => {});
		});
		this.server.on('connect', (request, socket) => this.connect(request, socket));
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.at = `127.0.0.1:${this.server.address().port}`;
		return this;
	}

	// RFC 9110 §7.6.1: what is meant for the proxy goes no further.
	forward(request, response) {
		const { 'proxy-authorization': authorization, ...headers } = request.headers;

		this.authorization = authorization;
		this.host = headers.host;
		if (typeof this.behaviour === 'function') {
			this.behaviour(response.socket);
			return;
		}
		const { port, pathname, search } = new URL(request.url);
		const upstream = http.request({ host: '127.0.0.1', port, path: pathname + search, method: request.method,
			headers }, (answer) => {
			response.writeHead(answer.statusCode, answer.headers);
			answer.pipe(response);
		});
		upstream.on('error', () => response.destroy());
		response.on('close', () => upstream.destroy());
		request.pipe(upstream);
	}

	connect(request, socket) {
		this.asked.push(request.url);
		this.authorization = request.headers['proxy-authorization'];
		this.host = request.headers.host;
		if (typeof this.behaviour === 'function') {
			this.behaviour(socket);
			return;
		}
		const upstream = net.connect({ host: '127.0.0.1', port: Number(request.url.split(':').at(-1)) }, () => {
			socket.write('HTTP/1.1 200 Connection established\r\nproxy-agent: test\r\n\r\n');
			upstream.pipe(socket).pipe(upstream);
		});
		upstream.on('error', () => socket.destroy());
		socket.on('close', () => upstream.destroy());
	}

	async stop() {
		for (const socket of this.sockets)
			socket.destroy();
		this.server.close();
	}
}

const proxy = share(await new Proxy().start());
const withPassword = `http://caller:${encodeURIComponent(PASSWORD)}@${proxy.at}`;
const vendor = { dialect: 'openai', base_url: `https://${NAME}:${port('vendor')}/v1`, ca_file: ca };
const base = (more = {}) => ({
	providers: { vendor: { ...vendor, ...more }, spare: mock.providers('spare').spare },
	chains: { m: { retries: 0, connect_timeout: '20s', steps: ['vendor/m', 'spare/m'] } },
});
const words = (answer) => JSON.parse(answer.text).choices[0].message.content;
const servedBy = async (weir, options) => (await chat(weir, ask('m'), options)).headers['x-weir-target'];

for (const http2 of ['on', 'off'])
	await test(`HTTPS_PROXY: one connection for many requests, whole and streamed (http2: ${http2})`, async (t) => {
		const weir = t.keep(await startWeir(base({ http2 }), { env: { HTTPS_PROXY: withPassword } }));

		proxy.asked = [];
		for (const stream of [false, true, false]) {
			const token = nonce();
			const answer = await chat(weir, ask('m', token, { stream }));

			assert.equal(stream ? textOf(answer.text) : words(answer), said('vendor', token));
		}
		assert.deepEqual(proxy.asked, [`${NAME}:${port('vendor')}`]);
		assert.equal(proxy.host, proxy.asked[0]);
		assert.equal(proxy.authorization, `Basic ${Buffer.from(`caller:${PASSWORD}`).toString('base64')}`);
	});

await test('whom NO_PROXY names, and this machine, are asked without one', async (t) => {
	for (const NO_PROXY of [NAME, 'example', '.vendor.example', '*', `${NAME}:${port('vendor')}`, 'other,  api.vendor.example']) {
		const weir = t.keep(await startWeir(base(), { env: { https_proxy: withPassword, NO_PROXY } }));

		assert.equal(await servedBy(weir), 'spare/m', NO_PROXY);
	}
	const near = { near: { ...mock.providers('near').near, ca_file: ca }, spare: mock.providers('spare').spare };
	const weir = t.keep(await startWeir({ providers: near, chains: { m: { steps: ['near/m', 'spare/m'] } } },
		{ env: { HTTPS_PROXY: 'http://127.0.0.1:9' } }));
	assert.equal(await servedBy(weir), 'near/m');
});

await test('a provider’s own word counts more', async (t) => {
	const own = t.keep(await startWeir(base({ proxy: withPassword }), { env: { HTTPS_PROXY: 'http://127.0.0.1:9' } }));
	const off = t.keep(await startWeir(base({ proxy: 'off' }), { env: { HTTPS_PROXY: withPassword } }));

	assert.equal(await servedBy(own), 'vendor/m');
	assert.equal(await servedBy(off), 'spare/m');

	proxy.asked = [];
	const plain = { ...mock.providers('plain').plain, proxy: `http://${proxy.at}` };
	const clear = t.keep(await startWeir({ providers: { plain }, chains: { m: { steps: ['plain/m'] } } }));
	assert.equal(await servedBy(clear), 'plain/m');
	assert.deepEqual(proxy.asked, [`POST http://127.0.0.1:${port('plain')}/v1/chat/completions`]);
	assert.equal(proxy.authorization, undefined);
});

const basic = `Basic ${Buffer.from(`caller:${PASSWORD}`).toString('base64')}`;
const insecure = (more = {}) => ({
	providers: { vendor: { dialect: 'openai', base_url: `http://${NAME}:${port('plain')}/v1`, keys: ['key-of-the-vendor-012345'], ...more },
		spare: mock.providers('spare').spare },
	chains: { m: { retries: 0, connect_timeout: '20s', steps: ['vendor/m', 'spare/m'] } },
});

for (const name of ['HTTP_PROXY', 'http_proxy'])
	await test(`${name}: what goes without TLS is asked of the proxy, by its whole address`, async (t) => {
		const weir = t.keep(await startWeir(insecure(), { env: { [name]: withPassword, HTTPS_PROXY: 'http://127.0.0.1:9' } }));
		const whole = `POST http://${NAME}:${port('plain')}/v1/chat/completions`;

		proxy.asked = [];
		proxy.connections = 0;
		for (const stream of [false, true, false]) {
			const token = nonce();
			const answer = await chat(weir, ask('m', token, { stream }));

			assert.equal(stream ? textOf(answer.text) : words(answer), said('plain', token));
		}
		assert.deepEqual(proxy.asked, [whole, whole, whole]);
		assert.equal(proxy.connections, 1);
		assert.equal(proxy.host, `${NAME}:${port('plain')}`);
		assert.equal(proxy.authorization, basic);
	});

await test('without TLS, too: nobody but the proxy is told its password', async (t) => {
	const seen = [];
	const origin = http.createServer((request, response) => {
		seen.push(request);
		request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end(
			JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }] })));
	});
	const env = { HTTP_PROXY: withPassword };

	t.keep({ stop: async () => origin.close() });
	await new Promise((resolve) => origin.listen(0, '127.0.0.1', resolve));
	const near = { dialect: 'openai', base_url: `http://127.0.0.1:${origin.address().port}/v1` };
	const here = t.keep(await startWeir({ providers: { near }, chains: { m: { steps: ['near/m'] } } }, { env }));
	assert.equal(await servedBy(here), 'near/m');
	const there = t.keep(await startWeir({ providers: { near: { ...near, proxy: withPassword } }, chains: { m: { steps: ['near/m'] } } }));
	assert.equal(await servedBy(there), 'near/m');
	assert.deepEqual(seen.map(({ url }) => url), ['/v1/chat/completions', '/v1/chat/completions']);
	assert.ok(seen.every(({ headers }) => headers['proxy-authorization'] === undefined));

	for (const more of [{ NO_PROXY: 'vendor.example' }, { NO_PROXY: `${NAME}:${port('plain')}` }]) {
		const excepted = t.keep(await startWeir(insecure(), { env: { ...env, ...more } }));

		assert.equal(await servedBy(excepted), 'spare/m', JSON.stringify(more));
	}
	const off = t.keep(await startWeir(insecure({ proxy: 'off' }), { env }));
	assert.equal(await servedBy(off), 'spare/m');
});

await test('without TLS, too: a proxy that wants credentials is not the provider', async (t) => {
	const weir = t.keep(await startWeir(insecure(), { env: { HTTP_PROXY: `http://${proxy.at}` } }));

	proxy.behaviour = (socket) => socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\n' +
		'content-type: text/html\r\ncontent-length: 3\r\n\r\nno!');
	const answer = await chat(weir, ask('m'));
	const move = await weir.event('fallback');

	proxy.behaviour = 'connect';
	assert.equal(answer.headers['x-weir-target'], 'spare/m');
	assert.equal(move.class, 'unreachable');
	assert.equal(move.reason, 'proxy_auth');
});

await test('traces go through the environment’s proxy, too', async (t) => {
	const collector = t.keep(await Collector.start());
	const config = { providers: mock.providers('spare'), chains: { m: { steps: ['spare/m'] } } };
	const name = `collector.example:${collector.port}`;
	const traced = async (scheme, more) => {
		const weir = t.keep(await startWeir(config, { env: collector.env({ OTEL_EXPORTER_OTLP_ENDPOINT: `${scheme}://${name}`,
			OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=7', HTTP_PROXY: withPassword, HTTPS_PROXY: withPassword, ...more }) }));

		proxy.asked = [];
		assert.equal(await servedBy(weir), 'spare/m');
		return weir;
	};

	const weir = await traced('http');
	await eventually(() => collector.spans.length >= 2, 'the spans');
	assert.deepEqual(proxy.asked[0], `POST http://${name}/v1/traces`);
	assert.equal(proxy.authorization, basic);
	assert.equal(collector.messages[0].path, '/v1/traces');
	assert.equal(collector.messages[0].headers['x-tenant'], '7');
	assert.deepEqual(collector.wrong, []);
	assert.ok(!weir.said().includes(PASSWORD) && !weir.said().includes(basic));

	proxy.authorization = undefined;
	await traced('https');
	await eventually(() => proxy.asked.includes(name), 'CONNECT'); // there is no TLS, so no more of it
	assert.equal(proxy.authorization, basic);

	const before = collector.messages.length;
	const straight = await traced('http', { NO_PROXY: 'collector.example' });
	await straight.event('traces', (line) => /takes no traces/.test(line.message));
	assert.deepEqual(proxy.asked, []);
	assert.equal(collector.messages.length, before);

	const local = await traced('http', { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
	await eventually(() => collector.messages.length > before, 'the spans, straight');
	assert.deepEqual(proxy.asked, []);
	await local.leave();
});

const answers = [
	['wants credentials', 'HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 3\r\n\r\nno!', 'proxy_auth', /407/],
	['forbids it', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'proxy', /403/],
	['cannot reach it', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 'proxy', /502/],
	['is busy', 'HTTP/1.0 503 Busy\r\n\r\n', 'proxy', /503/],
	['had no answer', 'HTTP/1.1 504 Late\r\n\r\n', 'proxy', /504/],
	['knows no such thing', 'HTTP/1.1 405 What\r\n\r\n', 'proxy', /refuses/],
	['speaks something else', 'SSH-2.0-OpenSSH_9.2p1\r\n', 'proxy', /does not speak HTTP/],
	['says too much', 'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n', 'proxy', /more than it was asked/],
	['has no end', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(5000)}`, 'proxy', /no end/],
	['leaves', null, 'proxy', /closed/],
];

const step = (i) => ({ retries: 0, connect_timeout: '20s', steps: [`vendor/m${i}`, 'spare/m'] }); // a breaker each
const weir = share(await startWeir({ ...base({ proxy: withPassword }),
	chains: Object.fromEntries(answers.map((_, i) => [`m${i}`, step(i)])) }));

for (const [i, [name, text, reason, says]] of answers.entries())
	await test(`a proxy that ${name}: the next target answers, the log says why`, async () => {
		proxy.behaviour = (socket) => text === null ? socket.end() : socket.write(text);
		const answer = await chat(weir, ask(`m${i}`));
		const id = answer.headers['x-weir-request-id'];
		const move = await weir.event('fallback', (event) => event.request_id === id);

		assert.equal(answer.headers['x-weir-target'], 'spare/m');
		assert.equal(move.class, 'unreachable');
		assert.equal(move.reason, reason);
		assert.match(move.detail, says);
	});

await test('byte by byte is as good as at once', async (t) => {
	const patient = t.keep(await startWeir(base({ proxy: withPassword })));

	proxy.behaviour = async (socket) => {
		for (const byte of Buffer.from('HTTP/1.1 200 Connection established\r\n\r\n')) {
			socket.write(Buffer.from([byte]));
			await new Promise((resolve) => setTimeout(resolve, 5));
		}
		const upstream = net.connect({ host: '127.0.0.1', port: port('vendor') });
		upstream.pipe(socket).pipe(upstream);
		upstream.on('error', () => {});
	};
	assert.equal(await servedBy(patient), 'vendor/m');
});

await test('a proxy that says nothing, and one that is not there', async (t) => {
	const quick = (at) => ({ ...base({ proxy: `http://${at}` }),
		chains: { m: { retries: 0, steps: [{ target: 'vendor/m', connect_timeout: '300ms' }, 'spare/m'] } } });
	const mute = t.keep(await startWeir(quick(proxy.at)));
	const gone = t.keep(await startWeir(quick('127.0.0.1:9')));

	proxy.behaviour = () => {};
	assert.match((await chat(mute, ask('m'))).headers['x-weir-trail'], /^vendor\/m;-;slow;\d+ms, spare\/m;200;ok/);
	assert.match((await chat(gone, ask('m'))).headers['x-weir-trail'], /^vendor\/m;-;unreachable;\d+ms, spare\/m;200;ok/);
});

await test('a reload goes by another proxy, and back', async (t) => {
	const other = t.keep(await new Proxy().start());
	const one = t.keep(await startWeir(base({ proxy: withPassword })));
	const settings = JSON.parse(fs.readFileSync(one.file));

	proxy.behaviour = 'connect';
	assert.equal(await servedBy(one), 'vendor/m');
	settings.providers.vendor.proxy = `http://${other.at}`;
	fs.writeFileSync(one.file, JSON.stringify(settings));
	assert.equal((await post(one.admin, '/reload', '', { headers: { 'x-weir-admin': '1' } })).status, 200);
	assert.equal(await servedBy(one), 'vendor/m');
	assert.equal(other.asked.length, 1);
});

await test('its password is nowhere', async (t) => {
	const forms = [PASSWORD, encodeURIComponent(PASSWORD), Buffer.from(`caller:${PASSWORD}`).toString('base64')];
	const pages = await Promise.all(['/status', '/metrics', '/'].map(async (page) => (await get(weir.admin, page)).text));
	const checked = await run(['check', '-c', writeConfig(base({ proxy: withPassword }))]);
	const wrong = await run(['check', '-c', writeConfig(base({ proxy: withPassword.replace('http:', 'socks5:') }))]);
	const unset = await run(['check', '-c', writeConfig(base())], { env: { HTTPS_PROXY: `https://x:${encodeURIComponent(PASSWORD)}@h:1` } });
	const diff = await run(['diff', writeConfig(base()), writeConfig(base({ proxy: withPassword }))]);

	assert.match(checked.out, /warning\[literal-key\] providers\.vendor\.proxy/);
	assert.match(wrong.out, /error\[bad-proxy\] providers\.vendor\.proxy/);
	assert.match(unset.out, /error\[bad-proxy\].*HTTPS_PROXY/);
	assert.match(diff.out, /proxy/);
	for (const text of [...pages, weir.said(), ...[checked, wrong, unset, diff].flatMap(({ out, err }) => [out, err])])
		for (const form of forms)
			assert.ok(!text.includes(form), text);
});

await done();
