// Providers that break HTTP, JSON or server-sent events, one way each: before the answer is
// worth showing it is as if they had not answered; what is merely odd is taken.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, events, nonce, said, textOf, trail } from './lib/http.mjs';

const PER_VENDOR = 50; // scripts
const raw = (text) => `raw;text=${encodeURIComponent(text)}`;
const typed = (text, type) => `200;content-type=${encodeURIComponent(type)};text=${encodeURIComponent(text)}`;
const json = (text) => typed(text, 'application/json');
// A body as a stream: a 200 with a text is never streamed by the mock itself.
const sse = (text, type = 'text/event-stream') => typed(text, type);

const BODY = '{"id":"x","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant",' +
	'"content":"hi"},"finish_reason":"stop"}]}';
const LENGTH = `content-length: ${BODY.length}\r\n`;
const TYPE = 'content-type: application/json\r\n';
const OK = `HTTP/1.1 200 OK\r\n${TYPE}`;
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`;
const delta = (content, finish = null) =>
	`{"choices":[{"index":0,"delta":${JSON.stringify(content)},"finish_reason":${JSON.stringify(finish)}}]}`;
const HELLO = delta({ content: 'hello' });
const STOP = delta({}, 'stop');

// [name, script, class, reason, timers]
const whole = [
	['a banner', raw('SSH-2.0-OpenSSH_9.9\r\n'), 'server_error', 'proto'],
	['HTTP/0.9', raw(BODY), 'server_error', 'proto'],
	['HTTP/2.0', raw(`HTTP/2.0 200 OK\r\n${TYPE}${LENGTH}\r\n${BODY}`), 'server_error', 'proto'],
	['RTSP', raw(`RTSP/1.0 200 OK\r\n${TYPE}${LENGTH}\r\n${BODY}`), 'server_error', 'proto'],
	...['099', '600', '999', '2000', '20', 'abc', '-1'].map((status) =>
		[`status ${status}`, raw(`HTTP/1.1 ${status} OK\r\n${TYPE}${LENGTH}\r\n${BODY}`), 'server_error', 'proto']),
	['half a head', raw('HTTP/1.1 200 OK\r\ncontent-ty'), 'server_error', 'proto'],
	...[['a folded line', 'x: a\r\n b'], ['a NUL', 'x: a\0b'], ['a bare CR', 'x: a\rb'], ['a bare LF', 'x: a\ny: b'],
		['no colon', 'x'], ['two lengths', `content-length: ${BODY.length}`], ['another length', 'content-length: 5'],
		['length and chunks', 'transfer-encoding: chunked']].map(([name, line]) =>
		[`${name} in the head`, raw(`${OK}${LENGTH}${line}\r\n\r\n${BODY}`), 'server_error', 'proto']),
	...['+5', '0x5', '-1', '5 5', '99999999999999999999'].map((length) =>
		[`length ${length}`, raw(`${OK}content-length: ${length}\r\n\r\n${BODY}`), 'server_error', 'proto']),
	...['gzip, chunked', 'chunked, gzip', 'identity', 'xchunked', ''].map((coding) =>
		[`coding “${coding}”`, raw(`${OK}transfer-encoding: ${coding}\r\n\r\n${chunk(BODY)}0\r\n\r\n`),
			'server_error', 'proto']),
	['chunks in HTTP/1.0', raw(`${OK.replace('1.1', '1.0')}transfer-encoding: chunked\r\n\r\n${chunk(BODY)}0\r\n\r\n`),
		'server_error', 'proto'],
	['a chunk that is too long', raw(`${OK}transfer-encoding: chunked\r\n\r\n5\r\n${BODY}\r\n0\r\n\r\n`),
		'server_error', 'proto'],
	['no last chunk', raw(`${OK}transfer-encoding: chunked\r\n\r\n${chunk(BODY)}`), 'cut', 'truncated'],
	['no last line', raw(`${OK}transfer-encoding: chunked\r\n\r\n${chunk(BODY)}0\r\n`), 'cut', 'truncated'],
	['101', raw('HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'), 'server_error', 'proto'],
	...['201', '203'].map((status) => [`an empty ${status}`, `${status}`, 'server_error', 'empty_body']),
	...['204', '205', '206', '302', '304', '307'].map((status) => [status, status, 'server_error', 'bad_status']),
	['nine times 103', '200;info=103;info-n=9', 'server_error', 'proto'],
	['a head of 64 KiB', 'huge-head', 'server_error', 'proto'],
	['gzip unasked', 'gzip', 'server_error', 'bad_type'],
	['a stream unasked', '200;as=stream', 'server_error', 'bad_type'],
	['plain text', typed('hello', 'text/plain'), 'server_error', 'bad_type'],
	['a BOM', json(`\ufeff${BODY}`), 'server_error', 'bad_json'],
	['trailing bytes', json(`${BODY}x`), 'server_error', 'bad_json'],
	['NaN', json(BODY.replace('0', 'NaN')), 'server_error', 'bad_json'],
	['no UTF-8', `200;text=${encodeURIComponent(BODY).replace('hi', '%FF%FE')}`, 'server_error', 'bad_json'],
	['10,000 levels', json('['.repeat(10000)), 'server_error', 'bad_json'],
	['blanks', json('  \r\n '), 'server_error', 'empty_body'],
	['an array', json('[]'), 'server_error', 'empty_choices'],
	['no completion', json('{"hello":"world"}'), 'server_error', 'empty_choices'],
	['an error in words', json('{"error":"it broke"}'), 'server_error', 'error_200'],
	['a rate limit under 200', json('{"error":{"message":"slow down","code":429}}'), 'rate_limited', undefined],
	['a drop of the head at a time', '200;split=1;drip=20ms', 'slow', 'attempt_timeout', { attempt_timeout: '500ms' }],
	['an edge’s own error', '522', 'server_error', 'http_522'],
];
const streamed = [
	['only [DONE]', sse('data: [DONE]\n\n'), 'server_error', 'empty_stream'],
	['only comments', sse(': hello\n\n: world\n\n'), 'server_error', 'empty_stream'],
	['only a role', sse(`data: ${delta({ role: 'assistant', content: '' })}\n\ndata: [DONE]\n\n`), 'server_error',
		'empty_stream'],
	['nothing', sse(''), 'server_error', 'empty_stream'],
	['a named error', sse('event: error\ndata: {"message":"it broke"}\n\n'), 'server_error', 'error_event'],
	['an overload', sse('data: {"error":{"message":"x","type":"overloaded_error"}}\n\n'), 'overloaded', undefined],
	['an error after a role', sse(`data: ${delta({ role: 'assistant' })}\n\ndata: {"error":{"message":"x"}}\n\n`),
		'server_error', 'error_event'],
	['no JSON first', sse('data: hello\n\n'), 'server_error', 'bad_json'],
	['an event of 2 MiB', '200;tokens=1;bytes=2MiB', 'server_error', 'event_too_large'],
	['pings for ever', 'pings;gap=50ms', 'slow', 'ttfb', { first_token_timeout: '500ms' }],
	['an error as JSON', json('{"error":{"message":"it broke"}}'), 'server_error', 'error_200'],
	['plain text', typed('hello', 'text/plain'), 'server_error', 'bad_type'],
	['gzip unasked', 'gzip', 'server_error', 'bad_type'],
	['a broken chunk first', 'bad-chunk;after=0', 'server_error', 'proto'],
];

// Odd but good: [name, script, what the caller gets; nothing: what vendors usually say]
const STREAM = `data: ${HELLO}\n\ndata: ${STOP}\n\ndata: [DONE]\n\n`;
const odd = [
	['bytes after it', 'extra'],
	['a second answer after it', 'extra;second=1'],
	['eight times 103', '200;info=103;info-n=8'],
	['100 Continue', '200;info=100'],
	['no length, until the end', '200;framing=close'],
	['HTTP/1.0', '200;http=0'],
	['in chunks of a few bytes', '200;chunk=3'],
	['a byte at a time', '200;split=1'],
	['not kept open', '200;keep=0'],
	['no type', `200;content-type=;text=${encodeURIComponent(BODY)}`, BODY],
	['JSON by another name', typed(BODY, 'Application/Vnd.API+JSON; charset=utf-8'), BODY],
	['blanks around', json(`\n ${BODY}\n\n`), `\n ${BODY}\n\n`],
	['null beside choices', json(BODY.replace('"id"', '"error":null,"id"')), BODY.replace('"id"', '"error":null,"id"')],
	['no text, but an end', json(BODY.replace('"hi"', 'null')), BODY.replace('"hi"', 'null')],
	['filtered', '200;finish=content_filter'],
	['a lone surrogate', json(BODY.replace('hi', '\\ud800')), BODY.replace('hi', '\\ud800')],
];
const oddStreams = [
	['CR', STREAM.replaceAll('\n', '\r')],
	['CRLF', STREAM.replaceAll('\n', '\r\n')],
	['a BOM first', `\ufeff${STREAM}`],
	['no space after the colon', STREAM.replaceAll('data: ', 'data:')],
	['ids, retries, names', `id: 7\nretry: 10\nevent: chunk\n${STREAM}`],
	['comments between', STREAM.replaceAll('data: ', ': ping\n\ndata: ')],
	['data in several lines', STREAM.replace(',"finish', '\ndata: ,"finish')],
	['an event before choices', `data: {"choices":[],"prompt_filter_results":[]}\n\n${STREAM}`],
	['a usage chunk last', STREAM.replace('data: [DONE]', 'data: {"choices":[],"usage":{"prompt_tokens":1,' +
		'"completion_tokens":2}}\n\ndata: [DONE]')],
	['a tool call only', STREAM.replace('"content":"hello"', '"tool_calls":[{"index":0,"id":"a","type":"function",' +
		'"function":{"name":"f","arguments":"{}"}}]')],
	['reasoning first', `data: ${delta({ reasoning_content: 'hm' })}\n\n${STREAM}`],
];

const cases = [
	...whole.map(([name, script, cls, reason, timers]) => ({ name, script, cls, reason, timers })),
	...streamed.map(([name, script, cls, reason, timers]) => ({ name, script, cls, reason, timers, stream: true })),
	...odd.map(([name, script, text]) => ({ name, script, text })),
	...oddStreams.map(([name, text]) => ({ name, script: sse(text), text, stream: true })),
];
const scripts = {};
const chains = {};
for (const [i, c] of cases.entries()) {
	c.vendor = `vendor${Math.floor(i / PER_VENDOR)}`;
	c.model = `case-${i}`;
	scripts[`${c.vendor}/${c.model}`] = c.script;
	chains[c.model] = { retries: 0, steps: [{ target: `${c.vendor}/${c.model}`, ...c.timers }, 'good/m'] };
}
chains.pooled = { retries: 0, steps: ['pooled/m', 'good/m'] };
chains.large = { retries: 0, steps: ['large/m', 'good/m'] };

const vendors = Object.fromEntries(cases.map((c) => [c.vendor, '200']));
const mock = share(await startMock({ ...vendors, good: '200', pooled: '200', large: '200' },
	{ bare: [...Object.keys(vendors), 'pooled', 'large'] }));
await mock.script(scripts);
const weir = share(await startWeir({ providers: mock.providers(), chains }));

for (const { name, model, vendor, cls, reason, text, stream = false } of cases) {
	const form = stream ? 'streamed' : 'whole';

	await (cls ? test(`failed over: ${name}, ${form}`, async () => {
		const token = nonce();
		const answer = await chat(weir, ask(model, token, { stream }));
		const id = answer.headers['x-weir-request-id'];

		assert.equal(answer.status, 200);
		assert.ok(answer.whole);
		assert.deepEqual(trail(answer.headers['x-weir-trail']).map((t) => t.class), [cls, 'ok']);
		assert.equal(stream ? textOf(answer.text) : JSON.parse(answer.text).choices[0].message.content,
			said('good', token));
		assert.doesNotMatch(answer.text, /hello|it broke/);
		const move = await weir.event('fallback', (event) => event.request_id === id);
		assert.equal(move.class, cls);
		if (reason)
			assert.equal(move.reason, reason);
	}) : test(`taken: ${name}, ${form}`, async () => {
		for (let i = 0; i < 2; i++) { // what one leaves behind must not be the next one's
			const token = nonce();
			const answer = await chat(weir, ask(model, token, { stream }));

			assert.equal(answer.headers['x-weir-trail'].split(';')[2], 'ok', answer.headers['x-weir-trail']);
			assert.equal(answer.headers['x-weir-target'], `${vendor}/${model}`);
			assert.ok(answer.whole);
			if (text) // a CR that ends the stream may be half of a CRLF
				assert.equal(answer.text.replace(/\r\r\n$/, '\r\r'), text);
			else
				assert.equal(JSON.parse(answer.text).choices[0].message.content, said(vendor, token));
		}
	}));
}

await test('a whole answer to who asked for a stream becomes one', async (t) => {
	await mock.script({ 'good/json': '200;as=json' });
	const alone = t.keep(await startWeir({ providers: mock.providers('good'), chains: { c: { steps: ['good/json'] } } }));
	const token = nonce();
	const answer = await chat(alone, ask('c', token, { stream: true }));

	assert.match(answer.headers['content-type'], /^text\/event-stream/);
	assert.equal(textOf(answer.text), said('good', token));
	assert.equal(events(answer.text).at(-1).data, '[DONE]');
});

// ---- connections that are used again ----

await test('connections are used again', async () => {
	const { connections: { accepted } } = await mock.stats('pooled');

	for (let i = 0; i < 20; i++)
		assert.equal((await chat(weir, ask('pooled', nonce(), { stream: i % 2 === 1 }))).status, 200);
	const after = await mock.stats('pooled');
	assert.equal(after.connections.accepted - accepted, 1);
});

await test('one that the vendor closes at the next request is replaced, and nobody notices', async () => {
	for (const how of ['reset@head', 'close@head', 'reset@body', 'close@body']) {
		await mock.script({ pooled: `200,${how},200` });
		await chat(weir, ask('pooled'));
		const token = nonce();
		const answer = await chat(weir, ask('pooled', token));

		assert.equal(JSON.parse(answer.text).choices[0].message.content, said('pooled', token), how);
		assert.match(answer.headers['x-weir-trail'], /^pooled\/m;200;ok;\d+ms$/, how);
		assert.equal(answer.headers['x-weir-attempts'], '1');
	}
});

await test('but a fresh one that dies counts', async () => {
	await mock.script({ pooled: '200;keep=0,reset@body,200' });
	await chat(weir, ask('pooled'));
	const answer = await chat(weir, ask('pooled'));

	assert.deepEqual(trail(answer.headers['x-weir-trail']).map((t) => [t.target, t.class]),
		[['pooled/m', 'unreachable'], ['good/m', 'ok']]);
	await mock.script({ pooled: '200' });
});

// ---- answers that are larger than what is held back ----

await test('a body of 6 MiB comes whole', async () => {
	await mock.script({ large: '200;tokens=1;bytes=6MiB' });
	const answer = await chat(weir, ask('large'));

	assert.ok(answer.whole);
	assert.ok(JSON.parse(answer.text).choices[0].message.content.length >= 6 * 1024 * 1024);
	assert.equal(answer.headers['x-weir-target'], 'large/m');
});

await test('one that breaks off before 4 MiB is failed over, after that it ends short', async () => {
	for (const framing of ['length', 'chunked']) {
		await mock.script({ large: `close@byte;after=3MiB;tokens=1;bytes=6MiB;framing=${framing}` });
		const early = await chat(weir, ask('large'));
		assert.equal(early.headers['x-weir-target'], 'good/m');
		assert.ok(early.whole);

		await mock.script({ large: `close@byte;after=5MiB;tokens=1;bytes=6MiB;framing=${framing}` });
		const late = await chat(weir, ask('large'));
		assert.equal(late.status, 200);
		assert.equal(late.headers['x-weir-target'], 'large/m');
		assert.equal(late.whole, false);
		const line = await weir.request(late.headers['x-weir-request-id']);
		assert.equal(line.outcome, 'exhausted');
	}
});

await done();
