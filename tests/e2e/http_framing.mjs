// The callers' side over bare sockets: one connection for many requests, every framing that
// is legal, every trick that is not, and limits that can be read about while still sending.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { Wire, answers, ask, eventually, nonce, said } from './lib/http.mjs';

const MAX_BODY = 64 * 1024;

const mock = share(await startMock({ alpha: '200' }));
const weir = share(await startWeir({
	max_body: '64KiB',
	providers: mock.providers(),
	chains: { m: { steps: ['alpha/m'] } },
}));

const CHAT = 'POST /v1/chat/completions HTTP/1.1\r\n';
const HOST = 'host: weir\r\n';
const JSON_TYPE = 'content-type: application/json\r\n';
const HEAD = `${CHAT}${HOST}${JSON_TYPE}`;
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;
const BODY = JSON.stringify(ask('m', 'x'));

const withLength = (body, more = '') =>
	`${HEAD}${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const content = (answer) => JSON.parse(answer.body).choices[0].message.content;

async function open(t) {
	return t.keep(await Wire.open(weir.address));
}

// n answers of a connection that goes on; 100 Continue does not count.
async function read(wire, n) {
	const whole = (text) => answers(text).list.filter((a) => a.status >= 200);

	await wire.until((text) => whole(text).length >= n, `${n} answers`);
	return whole(wire.text);
}

await test('a connection is kept for the next request', async (t) => {
	const wire = await open(t);

	for (let i = 0; i < 200; i++) {
		const token = nonce();
		wire.bytes = Buffer.alloc(0);
		wire.send(withLength(JSON.stringify(ask('m', token))));
		assert.equal(content((await read(wire, 1))[0]), said('alpha', token));
	}
	wire.send(withLength(BODY, 'connection: close\r\n'));
	assert.equal(answers(await wire.end()).list.at(-1).headers.connection, 'close');
});

await test('a hundred requests in one segment are answered in order', async (t) => {
	const wire = await open(t);
	const tokens = Array.from({ length: 100 }, nonce);
	const pad = 'x'.repeat(300); // more than weir keeps while it answers

	wire.send(tokens.map((token) => withLength(JSON.stringify({ ...ask('m', token), user: pad }))).join(''));
	const list = await read(wire, 100);
	assert.deepEqual(list.map(content), tokens.map((token) => said('alpha', token)));
	assert.ok((await mock.stats('alpha')).inflight <= 1);
});

await test('streamed and whole answers share a connection', async (t) => {
	const wire = await open(t);
	const stream = JSON.stringify(ask('m', 'x', { stream: true }));

	wire.send(withLength(stream) + withLength(BODY) + withLength(stream) +
		`GET /livez HTTP/1.1\r\n${HOST}\r\n`);
	const list = await read(wire, 4);
	assert.match(list[0].body, /data: \[DONE\]\n\n$/);
	assert.equal(content(list[1]), said('alpha', 'x'));
	assert.match(list[2].body, /data: \[DONE\]\n\n$/);
	assert.equal(list[3].body, 'ok\n');
});

await test('a bad second request is refused after the first was answered', async (t) => {
	const wire = await open(t);

	wire.send(withLength(BODY) + 'POST / HTTP/1.1\r\nbad header\r\n\r\n');
	const { list } = answers(await wire.end());
	assert.deepEqual(list.map((a) => a.status), [200, 400]);
});

await test('chunked bodies, byte by byte and with extensions', async (t) => {
	const wire = await open(t);
	const token = nonce();
	const body = JSON.stringify(ask('m', token));
	const bytes = CHUNKED + [...body].map(chunk).join('') + '0\r\n\r\n';

	for (let i = 0; i < bytes.length; i += 7)
		wire.send(bytes.slice(i, i + 7));
	assert.equal(content((await read(wire, 1))[0]), said('alpha', token));
	const { headers, body: sent } = await mock.last('alpha');
	assert.equal(headers['content-length'], String(sent.length));
	assert.ok(!('transfer-encoding' in headers));

	wire.send(`${CHUNKED}${BODY.length.toString(16)};a=b;c="d"\r\n${BODY}\r\n0\r\nx-trailer: 1\r\n\r\n`);
	await read(wire, 2);
});

await test('Expect: 100-continue is answered before the body', async (t) => {
	const wire = await open(t);

	wire.send(`${HEAD}expect: 100-continue\r\ncontent-length: ${BODY.length}\r\n\r\n`);
	await wire.until((text) => text === 'HTTP/1.1 100 Continue\r\n\r\n', '100 Continue');
	wire.send(BODY);
	assert.equal((await read(wire, 1))[0].status, 200);
	assert.ok(!('expect' in (await mock.last('alpha')).headers));
});

await test('Expect: 100-continue for what will be refused: the refusal', async (t) => {
	const wire = await open(t);

	wire.send(`${HEAD}expect: 100-continue\r\ncontent-length: ${MAX_BODY + 1}\r\n\r\n`);
	assert.deepEqual(answers(await wire.end()).list.map((a) => a.status), [413]);
});

await test('HTTP/1.0: no chunks, no keeping, unless asked for', async (t) => {
	const old = HEAD.replace('1.1', '1.0');
	const once = await open(t);

	once.send(`${old}content-length: ${BODY.length}\r\n\r\n${BODY}`);
	const { list: [whole] } = answers(await once.end());
	assert.equal(content(whole), said('alpha', 'x'));
	assert.equal(whole.headers.connection, 'close');

	const stream = JSON.stringify(ask('m', 'x', { stream: true }));
	const streamed = await open(t);
	streamed.send(`${old}content-length: ${stream.length}\r\n\r\n${stream}`);
	const { list: [events] } = answers(await streamed.end());
	assert.ok(!('transfer-encoding' in events.headers) && !('content-length' in events.headers));
	assert.match(events.body, /data: \[DONE\]\n\n$/);

	const kept = await open(t);
	for (let i = 1; i <= 3; i++) {
		kept.send(`${old}connection: keep-alive\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`);
		assert.equal((await read(kept, i)).at(-1).headers.connection, 'keep-alive');
	}
});

await test('HEAD has the head of GET', async (t) => {
	const wire = await open(t);

	wire.send(`HEAD /v1/models HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`);
	const text = await wire.end();
	assert.match(text, /^HTTP\/1\.1 200 /);
	assert.match(text, /content-length: [1-9]/);
	assert.ok(text.endsWith('\r\n\r\n'));
});

await test('a body of exactly the limit goes through, one byte more does not', async (t) => {
	const frame = JSON.stringify(ask('m', 'x', { user: '' }));
	const full = JSON.stringify(ask('m', 'x', { user: 'u'.repeat(MAX_BODY - frame.length) }));
	const wire = await open(t);

	assert.equal(full.length, MAX_BODY);
	wire.send(withLength(full));
	assert.equal((await read(wire, 1))[0].status, 200);
	wire.send(CHUNKED + chunk(full) + '0\r\n\r\n');
	assert.equal((await read(wire, 2))[1].status, 200);

	for (const bytes of [withLength(`${full} `), CHUNKED + chunk(full) + chunk(' ') + '0\r\n\r\n']) {
		const more = await open(t);

		more.send(bytes);
		const { list } = answers(await more.end());
		assert.deepEqual(list.map((a) => a.status), [413]);
		assert.equal(JSON.parse(list[0].body).error.code, 'request_too_large');
	}
});

await test('an early refusal can be read while the body is still sent', async (t) => {
	const wire = await open(t);
	const piece = 'x'.repeat(16 * 1024);

	wire.send(`${HEAD}content-length: ${100 * 1024 * 1024}\r\n\r\n`);
	for (let i = 0; i < 3; i++)
		wire.send(piece);
	const { list } = answers(await wire.end());
	assert.deepEqual(list.map((a) => a.status), [413]);
	assert.equal(list[0].headers.connection, 'close');
});

const field = (line) => `${CHAT}${HOST}${line}\r\n\r\n`;
const length = (value) => `${HEAD}content-length:${value}\r\n\r\n${BODY}`;
const coding = (value) => `${HEAD}transfer-encoding:${value}\r\n\r\n${chunk(BODY)}0\r\n\r\n`;
const chunks = (bytes) => `${CHUNKED}${bytes}`;
const N = BODY.length.toString(16);

// [name, bytes, status]
const refused = [
	['length and chunks', `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	['chunks and length', `${HEAD}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`, 400],
	['two lengths', `${HEAD}content-length: 5\r\ncontent-length: 5\r\n\r\nabcde`, 400],
	['a list of lengths', length(' 5, 5'), 400],
	...['+5', '-1', '0x5', '5 5', '5.0', '5e0', '1_0', '', '9223372036854775808', '5\0']
		.map((value) => [`length ${JSON.stringify(value)}`, length(` ${value}`), 400]),
	...[',chunked', 'chunked,', 'gzip, chunked', 'identity', 'chunked;x', 'xchunked', '"chunked"', '']
		.map((value) => [`coding ${JSON.stringify(value)}`, coding(` ${value}`), 400]),
	['an unknown coding', coding(' gzip'), 501],
	['two codings', `${HEAD}transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	['a coding in HTTP/1.0', CHUNKED.replace('1.1', '1.0') + '0\r\n\r\n', 400],
	['a space before the colon', field('content-length : 5'), 400],
	['a tab before the colon', field('x\t: 5'), 400],
	['a space in a name', field('x y: 5'), 400],
	['a twin of a name', field('content_length: 5'), 400],
	['a folded line', field('x: 1\r\n 2'), 400],
	['an indented first field', `${CHAT} x: 1\r\n${HOST}\r\n`, 400],
	['a bare LF in the request line', CHAT.replace('\r\n', '\n') + `${HOST}\r\n`, 400],
	['a bare LF in the head', field('x: 1\ny: 2'), 400],
	['a bare CR in the head', field('x: 1\ry: 2'), 400],
	['a NUL in a value', field('x: a\0b'), 400],
	['a DEL in a value', field('x: a\x7fb'), 400],
	['no name', field(': 5'), 400],
	['no colon', field('x'), 400],
	['a chunk size with a sign', chunks(`+${N}\r\n${BODY}\r\n0\r\n\r\n`), 400],
	['a chunk size with 0x', chunks(`0x${N}\r\n${BODY}\r\n0\r\n\r\n`), 400],
	['a chunk size before a space', chunks(`${N} \r\n${BODY}\r\n0\r\n\r\n`), 400],
	['a chunk size of 17 digits', chunks(`00000000000000001\r\nx\r\n0\r\n\r\n`), 400],
	['no chunk size', chunks(`\r\n${BODY}\r\n0\r\n\r\n`), 400],
	['a chunk line that ends in LF', chunks(`${N}\n${BODY}\r\n0\r\n\r\n`), 400],
	['no CRLF after a chunk', chunks(`${N}\r\n${BODY}0\r\n\r\n`), 400],
	['a bare semicolon', chunks(`${N};\r\n${BODY}\r\n0\r\n\r\n`), 400],
	['a chunk extension of 300 bytes', chunks(`${N};${'a'.repeat(300)}\r\n${BODY}\r\n0\r\n\r\n`), 400],
	['a length as trailer', chunks(`${chunk(BODY)}0\r\ncontent-length: 5\r\n\r\n`), 400],
	['trailers of 5 KiB', chunks(`${chunk(BODY)}0\r\nx: ${'a'.repeat(5000)}\r\n\r\n`), 400],
	['no Host', `${CHAT}\r\n`, 400],
	['two Hosts', `${CHAT}${HOST}${HOST}\r\n`, 400],
	['a Host with a path', `${CHAT}host: a/b\r\n\r\n`, 400],
	['a Host with a user', `${CHAT}host: a@b\r\n\r\n`, 400],
	['two Authorizations', field('authorization: Bearer a\r\nauthorization: Bearer b'), 400],
	['two Content-Types', `${HEAD}${JSON_TYPE}content-length: 0\r\n\r\n`, 400],
	['HTTP/2.0', `${CHAT.replace('1.1', '2.0')}${HOST}\r\n`, 505],
	['HTTP/1.2', `${CHAT.replace('1.1', '1.2')}${HOST}\r\n`, 505],
	['HTTP/0.9', 'GET /livez\r\n\r\n', 400],
	['http in small letters', `${CHAT.replace('HTTP', 'http')}${HOST}\r\n`, 400],
	['RTSP', `DESCRIBE rtsp://a/b RTSP/1.0\r\n\r\n`, 400],
	['a method in small letters', `post /v1/chat/completions HTTP/1.1\r\n${HOST}\r\n`, 400],
	['TRACE', `TRACE / HTTP/1.1\r\n${HOST}\r\n`, 405],
	['CONNECT', `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`, 405],
	['another scheme', `GET ftp://a/livez HTTP/1.1\r\n${HOST}\r\n`, 400],
	['two spaces in the request line', `GET  /livez HTTP/1.1\r\n${HOST}\r\n`, 400],
	['a control character in the target', `GET /li\x01vez HTTP/1.1\r\n${HOST}\r\n`, 400],
	['a byte over 127 in the target', `GET /li\xe4vez HTTP/1.1\r\n${HOST}\r\n`, 400],
	['a target of 9 KiB', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${HOST}\r\n`, 414],
	['a head of 40 KiB', field(Array.from({ length: 10 }, (_, i) => `x${i}: ${'a'.repeat(4000)}`).join('\r\n')), 431],
	['200 fields', field(Array.from({ length: 200 }, (_, i) => `x${i}: 1`).join('\r\n')), 431],
	['empty lines without end', '\r\n'.repeat(40) + `GET /livez HTTP/1.1\r\n${HOST}\r\n`, 400],
	['an unknown expectation', `${HEAD}expect: 200-ok\r\ncontent-length: 5\r\n\r\nabcde`, 417],
	['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
	['the PROXY protocol', `PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\nGET /livez HTTP/1.1\r\n${HOST}\r\n`, 400],
];

for (const [name, bytes, status] of refused)
	await test(`refused with ${status}, and the end: ${name}`, async (t) => {
		const before = await mock.stats('alpha');
		const wire = await open(t);

		// What follows is what a smuggler would want to have served.
		wire.send(Buffer.from(`${bytes}GET /livez HTTP/1.1\r\n${HOST}\r\n`, 'latin1'));
		const { list, rest } = answers(await wire.end());
		assert.deepEqual(list.map((a) => a.status), [status]);
		assert.equal(rest, '');
		assert.equal(list[0].headers.connection, 'close');
		assert.equal(JSON.parse(list[0].body).error.code, 'bad_http');
		assert.equal((await mock.stats('alpha')).hits, before.hits);
	});

// [name, head, body as it is sent]
const taken = [
	['a length with zeros before', `${HEAD}content-length: 000${BODY.length}\r\n\r\n`, BODY],
	['CHUNKED in capitals', `${HEAD}Transfer-Encoding: \t CHUNKED \r\n\r\n`, `${chunk(BODY)}0\r\n\r\n`],
	['an absolute target', `${HEAD.replace('/v1', 'http://elsewhere/v1')}content-length: ${BODY.length}\r\n\r\n`,
		BODY],
	['empty lines first', `\r\n\r\n${HEAD}content-length: ${BODY.length}\r\n\r\n`, BODY],
	['a field named for the connection', `${HEAD}connection: content-length, authorization\r\n` +
		`content-length: ${BODY.length}\r\n\r\n`, BODY],
	['an underscore', `${HEAD}x_y: 1\r\ncontent-length: ${BODY.length}\r\n\r\n`, BODY],
];

for (const [name, head, body] of taken)
	await test(`taken: ${name}`, async (t) => {
		const wire = await open(t);

		wire.send(`${head}${body}GET /livez HTTP/1.1\r\n${HOST}\r\n`);
		const list = await read(wire, 2);
		assert.equal(content(list[0]), said('alpha', 'x'));
		assert.equal(list[1].body, 'ok\n');
	});

await test('Upgrade is ignored, and ends the connection', async (t) => {
	const wire = await open(t);

	wire.send(withLength(BODY, 'connection: upgrade\r\nupgrade: websocket\r\n') +
		`GET /livez HTTP/1.1\r\n${HOST}\r\n`);
	const { list } = answers(await wire.end());
	assert.equal(list.length, 1);
	assert.equal(content(list[0]), said('alpha', 'x'));
	assert.equal(list[0].headers.connection, 'close');
});

await test('a body that ends too early is no request', async (t) => {
	const before = await mock.stats('alpha');
	const wire = await open(t);

	wire.send(withLength(BODY).slice(0, -1));
	wire.fin();
	assert.equal(await wire.end(), '');
	assert.equal((await mock.stats('alpha')).hits, before.hits);
});

await test('bodies that are no chat request are refused, and the connection goes on', async (t) => {
	const wire = await open(t);
	const bad = ['', '{', '[]', '"x"', '{"model":"m",}', '{"model":"m"} x', '{"model":"m","a":NaN}',
		'\ufeff{"model":"m"}', '{"model":"m","model":"m"}', '{}', '{"model":""}',
		`{"model":"m","a":${'['.repeat(200)}${']'.repeat(200)}}`, '{"model":"m","stream":1}'];

	for (const [i, body] of bad.entries()) {
		wire.send(withLength(body));
		const answer = (await read(wire, i + 1))[i];

		assert.equal(answer.status, 400, body);
		assert.equal(JSON.parse(answer.body).error.type, 'invalid_request_error');
	}
	assert.match(JSON.parse(answers(wire.text).list[1].body).error.message, /byte 1/);
});

await test('nothing of all this is left over', async () => {
	await eventually(async () => {
		const series = await weir.metrics();
		return series.get('weir_inflight_requests') === 0 && series.get('weir_client_connections') === 1;
	}, 'rest');
	assert.equal((await mock.stats('alpha')).inflight, 0);
});

await done();
