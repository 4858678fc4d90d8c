// Out through a proxy: CONNECT with TLS inside, whom it is for, what it may answer, and that its
// password stays where it is.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat, get, nonce, post, said, textOf } from './lib/http.mjs';

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
	sockets = new Set();
	behaviour = 'connect';

	async start() {
		this.server = http.createServer((request, response) => {
			this.asked.push(`${request.method} ${request.url}`);
			response.writeHead(400).end();
		});
		this.server.on('connection', (socket) => {
			this.sockets.add(socket);
			socket.on('error', () => {});
		});
		this.server.on('connect', (request, socket) => this.connect(request, socket));
		await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
		this.at = `127.0.0.1:${this.server.address().port}`;
		return this;
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
	assert.deepEqual(proxy.asked, [`127.0.0.1:${port('plain')}`]);
	assert.equal(proxy.authorization, undefined);
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
