// What stands between weir and a provider that speaks TLS, or the provider itself, spoils it
// record by record: OpenSSL (of Node.js) behind a relay that splits, drops and adds records.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { done, share, test } from './lib/tap.mjs';
import { authority, leaf } from './lib/certs.mjs';
import { startMock } from './lib/mock.mjs';
import { ALERT, DATA, HANDSHAKE, HEAD, bytewise, listen, startRelay } from './lib/relay.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { ask, chat } from './lib/http.mjs';

const VERSIONS = ['TLSv1.2', 'TLSv1.3'];
const ALERT_SEALED = { 'TLSv1.2': 26, 'TLSv1.3': 19 }; // what follows the head of an alert
const TEXT = 'it came through';
const body = JSON.stringify({
	id: 'x', object: 'chat.completion', created: 1, model: 'm',
	choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
});
const head = (...fields) => ['HTTP/1.1 200 OK', 'content-type: application/json', ...fields, '', ''].join('\r\n');
const whole = head(`content-length: ${body.length}`) + body;
const openEnd = head('connection: close') + body;

const root = authority('root');
const good = leaf(root);

// A provider that says answer to each request, and then ends, where it is to.
async function startProvider({ version, cert = good, answer = whole, ends = false }) {
	const provider = { connections: 0, requests: 0, open: new Set() };
	const server = tls.createServer({
		key: cert.key, cert: cert.chain, minVersion: version, maxVersion: version,
	}, (socket) => {
		let text = '';

		provider.connections++;
		provider.open.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => provider.open.delete(socket));
		socket.on('data', (bytes) => {
			text += bytes;
			const end = text.indexOf('\r\n\r\n') + 4;
			const length = Number(/content-length: (\d+)/i.exec(text)?.[1]);

			if (end < 4 || text.length < end + length)
				return;
			text = '';
			provider.requests++;
			if (ends)
				socket.end(answer);
			else
				socket.write(answer);
		});
	});

	server.on('tlsClientError', () => {});
	provider.server = server;
	provider.port = await listen(server);
	provider.stop = async () => {
		for (const socket of provider.open)
			socket.destroy();
		server.close();
	};
	return provider;
}

const spare = share(await startMock({ spare: '200' }));
let files = 0;

// Provider, relay and weir; the chain goes to a spare vendor next.
async function place(t, { ca = root, how = {}, ...options }) {
	const file = path.join(scratch, `ca-${++files}.pem`);
	const provider = t.keep(await startProvider(options));
	const relay = t.keep(await startRelay(provider.port, how));

	fs.writeFileSync(file, ca.cert);
	const weir = t.keep(await startWeir({
		providers: {
			...spare.providers(),
			safe: { dialect: 'openai', base_url: `https://127.0.0.1:${relay.port}/v1`, ca_file: file },
		},
		defaults: { retries: 0, connect_timeout: '20s' },
		chains: { c: { steps: ['safe/m', 'spare/m'] } },
	}));

	return { provider, weir };
}

const content = (answer) => JSON.parse(answer.text).choices[0].message.content;
const works = async ({ weir }) => {
	const answer = await chat(weir, ask('c'));

	assert.equal(content(answer), TEXT, `${answer.text}\n${weir.said()}`);
};
const moves = async ({ weir }, cls, reason) => {
	const answer = await chat(weir, ask('c'));
	const move = await weir.event('fallback', (event) => event.request_id === answer.headers['x-weir-request-id']);

	assert.match(content(answer), /^spare /);
	assert.deepEqual([move.class, move.reason], [cls, reason], JSON.stringify(move));
};

// A handshake message in as many records as it has times 100 bytes.
function fragments(record) {
	const list = [];

	for (let at = HEAD; record[0] === HANDSHAKE && at < record.length; at += 100) {
		const part = record.subarray(at, at + 100);

		list.push(Buffer.from([HANDSHAKE, record[1], record[2], part.length >> 8, part.length & 255]), part);
	}
	return list.length ? list : [record];
}

let above = root;
for (let i = 1; i < 6; i++)
	above = authority(`authority ${i}`, above);
const deep = leaf(above);

for (const version of VERSIONS) {
	const isFarewell = (record) => record[0] === ALERT
		|| (record[0] === DATA && record.length === HEAD + ALERT_SEALED[version]);
	const silent = { pass: (record) => (isFarewell(record) ? [] : [record]) };
	const endings = { version, ends: true };

	await test(`${version}: a chain of six, byte by byte`, async (t) => {
		await works(await place(t, { version, cert: deep, how: { pass: bytewise } }));
	});

	await test(`${version}: a chain of six, its messages over many records`, async (t) => {
		let split = 0;
		const pass = (record) => {
			const list = fragments(record);

			split += list.length > 2 ? 1 : 0;
			return list;
		};

		// the fragments of TLS 1.3 that others could make are sealed
		await works(await place(t, { version, cert: deep, how: { pass } }));
		assert.ok(split > 0);
	});

	await test(`${version}: no farewell behind a whole body is a success, once`, async (t) => {
		const at = await place(t, { ...endings, how: silent });

		for (let i = 1; i <= 3; i++) {
			await works(at);
			assert.equal(at.provider.connections, i);
		}
	});

	await test(`${version}: no farewell where the end is the length is a cut`, async (t) => {
		await moves(await place(t, { ...endings, answer: openEnd, how: silent }), 'cut', 'truncated');
		await works(await place(t, { ...endings, answer: openEnd }));
	});

	await test(`${version}: what comes behind the farewell is nothing`, async (t) => {
		const more = () => [Buffer.from([DATA, 3, 3, 0, 40, ...Buffer.alloc(40, 7)]), Buffer.from('HTTP/1.1 500 No\r\n\r\n')];
		const at = await place(t, { ...endings, answer: openEnd, how: { atEnd: more } });

		for (let i = 1; i <= 3; i++) {
			await works(at);
			assert.equal(at.provider.connections, i);
		}
	});

	await test(`${version}: the farewell in the midst of a body is a cut`, async (t) => {
		await moves(await place(t, { ...endings, answer: whole.slice(0, -9) }), 'cut', 'truncated');
	});

	await test(`${version}: a record of one byte more than may be ends it`, async (t) => {
		const long = 2 ** 14 + 257;
		const record = Buffer.alloc(HEAD + long, 9);
		let at = null, sent = false;

		record.set([DATA, 3, 3, long >> 8, long & 255]);
		const pass = (each) => {
			if (each[0] !== DATA || !at.provider.requests || sent)
				return [each];
			sent = true;
			return [record];
		};
		at = await place(t, { version, how: { pass } });
		await moves(at, 'unreachable', 'tls'); // no byte of an answer came out of it
		assert.ok(sent);
	});

	await test(`${version}: another certificate at the next connection is looked at anew`, async (t) => {
		const at = await place(t, { version });
		const change = (cert) => {
			at.provider.server.setSecureContext({ key: cert.key, cert: cert.chain || cert.cert, minVersion: version, maxVersion: version });
			at.provider.open.forEach((socket) => socket.destroy());
		};

		await works(at);
		change(leaf(root)); // as good as the first
		await works(at);
		change(leaf(authority('root'))); // of the same name
		await moves(at, 'unreachable', 'tls_cert');
		assert.equal(at.provider.requests, 2);
		change(good);
		await works(at);
	});
}

const strange = '1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:what nobody knows';
const bounded = 'nameConstraints=critical,permitted;DNS:example.com';

for (const [name, ca, cert] of [
	['a critical extension that nobody knows', root, leaf(root, [strange])],
	['an authority that may not vouch for this name', ...(() => {
		const ca = authority('bounded', null, [bounded]);
		return [ca, leaf(ca)];
	})()],
	['an authority under it that may not vouch for this name', root, leaf(authority('bounded', root, [bounded]))],
])
	await test(`${name} is refused`, async (t) => {
		const at = await place(t, { ca, cert, version: 'TLSv1.3' }).catch((error) => {
			assert.match(error.message, /certificate/); // the CA file itself is not taken
			return null;
		});

		if (at) {
			await moves(at, 'unreachable', 'tls_cert');
			assert.equal(at.provider.requests, 0);
		}
	});

await done();
