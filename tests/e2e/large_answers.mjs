// Answers past the 4 MiB that weir holds: what is cut after that must look cut, however the
// vendor framed it and whichever HTTP the caller speaks.
import assert from 'node:assert/strict';
import net from 'node:net';
import { done, share, test } from './lib/tap.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, eventually } from './lib/http.mjs';

const TEXT = '\\"}]'.repeat(1.5 * 1024 * 1024); // brackets that are none
const BODY = `{"object":"chat.completion","choices":[{"index":0,"message":{"content":"${TEXT}"}}]}`;
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n';
const CUT_AT = 5 * 1024 * 1024;

// The frame of n bytes of the body and, when they are all of it, of its end.
const framings = {
	length: (part) => `content-length: ${BODY.length}\r\n\r\n${part}`,
	chunks: (part) => `transfer-encoding: chunked\r\n\r\n${part.length.toString(16)}\r\n${part}` +
		(part.length === BODY.length ? '\r\n0\r\n\r\n' : ''),
	close: (part) => `connection: close\r\n\r\n${part}`,
};

async function startVendor() {
	const server = net.createServer((socket) => {
		let text = '';

		socket.on('error', () => {});
		socket.on('data', (bytes) => {
			text += bytes;
			const [, framing, end] = /"model":"(\w+)-(\w+)"/.exec(text) ?? [];
			if (framing)
				socket.end(HEAD + framings[framing](end === 'whole' ? BODY : BODY.slice(0, CUT_AT)));
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return server;
}

const vendor = await startVendor();
const chains = {};
for (const framing of Object.keys(framings))
	for (const end of ['whole', 'cut'])
		chains[`${framing}-${end}`] = { steps: [`vendor/${framing}-${end}`] };
const weir = share(await startWeir({
	providers: {
		vendor: { dialect: 'openai', base_url: `http://127.0.0.1:${vendor.address().port}/v1` },
	},
	chains,
}));

// { head, body, reset } of a connection of its own.
function exchange(model, version) {
	const body = JSON.stringify(ask(model, 'x'));
	const [host, port] = weir.address.split(':');
	const socket = net.connect({ host, port: Number(port), allowHalfOpen: true });
	const parts = [];
	let reset = false;

	socket.write(`POST /v1/chat/completions HTTP/${version}\r\nhost: weir\r\n` +
		'content-type: application/json\r\nconnection: close\r\n' +
		`content-length: ${body.length}\r\n\r\n${body}`);
	socket.on('data', (bytes) => parts.push(bytes));
	socket.on('error', () => { reset = true; });
	// libuv may take a reset for an end (a short read, then POLLHUP): whoever writes learns it.
	socket.on('end', () => socket.write('\r\n', () => socket.end()));
	return new Promise((resolve) => socket.on('close', () => {
		const text = Buffer.concat(parts).toString('latin1');
		const at = text.indexOf('\r\n\r\n');
		resolve({ head: text.slice(0, at), body: text.slice(at + 4), reset });
	}));
}

// What a caller may take for the whole of it: undefined when it is cut for all to see.
function wholeBody({ head, body, reset }) {
	const length = /content-length: (\d+)/i.exec(head);

	if (length)
		return body.length === Number(length[1]) ? body : undefined;
	if (!/transfer-encoding: chunked/i.test(head))
		return reset ? undefined : body;
	let all = '';
	for (let at = 0; ;) {
		const line = body.indexOf('\r\n', at);
		const size = line < 0 ? NaN : parseInt(body.slice(at, line), 16);
		if (Number.isNaN(size) || body.length < line + 4 + size)
			return undefined;
		if (size === 0)
			return all;
		all += body.slice(line + 2, line + 2 + size);
		at = line + 4 + size;
	}
}

for (const framing of Object.keys(framings)) {
	for (const version of ['1.1', '1.0']) {
		await test(`by ${framing}, to HTTP/${version}: whole`, async () => {
			const answer = await exchange(`${framing}-whole`, version);
			assert.match(answer.head, /^HTTP\/1\.1 200 /);
			assert.ok(wholeBody(answer) === BODY);
		});
		await test(`by ${framing}, to HTTP/${version}: cut, and nobody can think otherwise`, async () => {
			const answer = await exchange(`${framing}-cut`, version);
			assert.ok(wholeBody(answer) === undefined, `it looks whole: ${answer.head}`);
		});
	}
}

await test('the books say the same', async () => {
	await eventually(async () => weir.of('request').length === 12);
	for (const { model, trail } of weir.of('request'))
		assert.match(trail, model.endsWith('cut') ? /;200;cut;/ : /;200;ok;/);
});

vendor.close();
await done();
