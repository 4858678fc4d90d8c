// After the first token nobody is lied to: a stream that breaks ends with an error and not
// as if it were whole. And when every target fails, one honest answer says so.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, events, nonce, said, textOf, trail } from './lib/http.mjs';
import { client } from './lib/sdk.mjs';

// [name, script, reason, are all 40 tokens sure to arrive, is the error event the vendor's own]
const cuts = [
	['close', 'cut;after=40;tokens=80', 'truncated', true],
	['a clean end of the chunks', 'cut;after=40;tokens=80;clean=1', 'incomplete_stream', true],
	['reset', 'reset@token;after=40;tokens=80', 'truncated', false],
	['stall', 'stall;after=40;tokens=80', 'stall_timeout', true],
	['broken chunk', 'bad-chunk;after=40;tokens=80', 'proto', true],
	['no end at all', 'no-end;tokens=40', 'incomplete_stream', true],
	['the vendor’s error event', 'error-event;after=40;tokens=80', 'error_event', true, true],
];

// [name, the two vendors' scripts, status, code, type, headers, classes]
const AGAIN = { 'x-should-retry': undefined };
const NEVER = { 'x-should-retry': 'false' };
const ends = [
	['429, 429', '429', '429', 429, 'rate_limit_exceeded', { ...AGAIN, 'retry-after': '5' }],
	['429 for 30 s, for 20.4 s', '429;retry-after=30', '429;retry-after=ms:20400', 429,
		'rate_limit_exceeded', { ...AGAIN, 'retry-after': '21' }],
	['429 for 2 min, for 3 min', '429;retry-after=120', '429;retry-after=180', 429,
		'rate_limit_exceeded', { ...NEVER, 'retry-after': '120' }],
	['no quota, no quota', 'quota', 'quota', 429, 'insufficient_quota', { ...NEVER, 'retry-after': '600' }],
	['no quota, 429', 'quota', '429', 429, 'rate_limit_exceeded', { ...AGAIN, 'retry-after': '5' }],
	['silence, silence', 'hang', 'hang', 504, 'deadline_exceeded', NEVER],
	['503, 503', '503', '503', 503, 'overloaded', NEVER],
	['529, 500', '529', '500', 503, 'overloaded', NEVER],
	['500, 500', '500', '500', 502, 'chain_exhausted', NEVER],
	['500, 429', '500', '429', 502, 'chain_exhausted', NEVER],
	['401, 403', '401', '403', 502, 'chain_exhausted', NEVER],
	['refused, refused', 'refuse', 'refuse', 502, 'chain_exhausted', NEVER],
	['silence, 500', 'hang', '500', 502, 'chain_exhausted', NEVER],
	['no JSON, nothing', 'bad-json', 'empty', 502, 'chain_exhausted', NEVER],
];
const TYPES = { 429: 'rate_limit_error', 502: 'server_error', 503: 'server_error', 504: 'server_error' };

// [name, scripts, status, which vendor's own answer]
const own = [
	['404 for the model, 500', '404', '500', 404, 0],
	['500, 404 for the model', '500', '404', 404, 1],
	['500, 400', '500', '400', 400, 1],
	['context too long, alone', 'context-length', '200', 400, 0],
];

const word = (name) => name.replace(/\W+/g, '-');
const vendors = { good: '200' };
const chains = {};
for (const [name, script] of cuts) {
	vendors[word(name)] = script;
	chains[word(name)] = { steps: [{ target: `${word(name)}/m`, stall_timeout: '500ms' }, 'good/m'] };
}
for (const [name, first, second] of [...ends, ...own]) {
	vendors[`${word(name)}-1`] = first;
	vendors[`${word(name)}-2`] = second;
	chains[word(name)] = {
		attempt_timeout: first === 'hang' ? '400ms' : '20s',
		steps: [`${word(name)}-1/m`, `${word(name)}-2/m`],
	};
}
Object.assign(vendors, { dropped: 'bad-event;after=3;tokens=10', undone: 'no-done;tokens=10', never: 'hang' });
for (const name of ['dropped', 'undone'])
	chains[name] = { steps: [`${name}/m`, 'good/m'] };
chains.late = { deadline: '1s', attempt_timeout: '900ms', steps: ['never/a', 'never/b'] };
chains.drip = { stream_timeout: '700ms', steps: ['drip/m', 'good/m'] };
vendors.drip = '200;tokens=10000;gap=20ms';

const mock = share(await startMock(vendors, { bare: [word('broken chunk')] }));
const weir = share(await startWeir({ providers: mock.providers(), chains }));
const other = share(await startWeir({ providers: mock.providers(), chains })); // for streams

for (const [name, , reason, all, theirs] of cuts) {
	await test(`${name} after 40 tokens: the stream says that it was cut`, async () => {
		const token = nonce();
		const answer = await chat(weir, ask(word(name), token, { stream: true }));
		const list = events(answer.text);
		const last = JSON.parse(list.at(-1).data);
		const text = textOf(answer.text);
		const line = await weir.request(answer.headers['x-weir-request-id']);

		assert.equal(answer.status, 200);
		assert.match(answer.headers['content-type'], /^text\/event-stream/);
		if (all)
			assert.equal(text, said(word(name), token, 40));
		else
			assert.ok(said(word(name), token, 40).startsWith(text) && text.length > 0);
		assert.ok(last.error, 'the last event is the error');
		assert.equal(last.error.type, 'server_error');
		if (!theirs)
			assert.equal(last.error.code, 'stream_cut');
		assert.equal(list.filter((e) => e.data?.includes('"error"')).length, 1);
		assert.doesNotMatch(answer.text, /\[DONE\]/);
		assert.doesNotMatch(answer.text, /"finish_reason":"/);
		assert.equal(answer.whole, false, 'the chunked body ends as if it were whole');
		assert.equal(line.outcome, 'exhausted');
		assert.match(line.trail, /;200;cut;/);
		assert.equal(line.reason, reason);
		assert.equal((await mock.stats('good', 'm')).hits, 0, 'somebody else was asked after the commit');
		assert.ok((await weir.metrics()).get(
			`weir_attempts_total{chain="${word(name)}",target="${word(name)}/m",class="cut"}`) >= 1);
	});

	await test(`${name} after 40 tokens: the official client raises`, async () => {
		const token = nonce();
		const stream = await client(weir).chat.completions.create(ask(word(name), token, { stream: true }));
		let text = '';
		let finish = null;
		const raised = await (async () => {
			for await (const chunk of stream) {
				text += chunk.choices[0]?.delta?.content ?? '';
				finish ??= chunk.choices[0]?.finish_reason;
			}
		})().then(() => null, (e) => e);

		assert.ok(raised, 'it takes the answer for whole');
		assert.equal(finish, null);
		assert.ok(said(word(name), token, 40).startsWith(text));
	});
}

await test('a stream has its own end', async () => {
	const answer = await chat(weir, ask('drip', nonce(), { stream: true }));

	assert.equal(JSON.parse(events(answer.text).at(-1).data).error.code, 'stream_cut');
	assert.equal(answer.whole, false);
	assert.equal((await weir.request(answer.headers['x-weir-request-id'])).reason, 'stream_timeout');
});

await test('one event that is no JSON is dropped and announced, the stream goes on', async () => {
	const token = nonce();
	const dropped = 'weir_stream_events_dropped_total';
	const before = (await weir.metrics()).get(dropped);
	const answer = await chat(weir, ask('dropped', token, { stream: true }));
	const list = events(answer.text);

	assert.equal(textOf(answer.text), said('dropped', token, 10));
	assert.equal(list.filter((e) => e.comment).length, 1);
	assert.match(list.find((e) => e.comment).comment, /not JSON/);
	assert.equal(list.at(-1).data, '[DONE]');
	assert.ok(answer.whole);
	assert.equal((await weir.metrics()).get(dropped), before + 1);
	const line = await weir.request(answer.headers['x-weir-request-id']);
	assert.equal(line.outcome, 'ok');
});

await test('a stream with a finish but no [DONE] is whole, and gets it', async () => {
	const token = nonce();
	const answer = await chat(weir, ask('undone', token, { stream: true }));

	assert.equal(textOf(answer.text), said('undone', token, 10));
	assert.equal(events(answer.text).at(-1).data, '[DONE]');
	assert.equal(answer.text.match(/\[DONE\]/g).length, 1);
	assert.ok(answer.whole);
});

for (const stream of [false, true])
	for (const [name, , , status, code, headers] of ends)
		await test(`both fail (${name}${stream ? ', streamed' : ''}): ${status} ${code}`, async () => {
			const answer = await chat(stream ? other : weir, ask(word(name), nonce(), { stream }));
			const { error } = JSON.parse(answer.text);
			const tries = trail(answer.headers['x-weir-trail']);

			assert.equal(answer.status, status);
			assert.ok(answer.whole);
			assert.deepEqual([error.type, error.code, error.param], [TYPES[status], code, null]);
			assert.match(answer.headers['content-type'], /^application\/json/);
			for (const [header, value] of Object.entries(headers))
				assert.equal(answer.headers[header], value, header);
			if (!('retry-after' in headers))
				assert.equal(answer.headers['retry-after'], undefined);
			assert.equal(answer.headers['x-weir-target'], undefined);
			assert.equal(answer.headers['x-weir-attempts'], String(tries.length));
			assert.deepEqual(error.attempts.map((a) => [a.target, String(a.status ?? '-'), a.class, a.ms]),
				tries.map((t) => [t.target, t.status, t.class, t.ms]));
			for (const attempt of error.attempts) {
				assert.deepEqual(Object.keys(attempt), ['target', 'status', 'class', 'reason', 'ms']);
				assert.match(attempt.reason, /^[a-z0-9_]+$/);
			}
			assert.deepEqual([...new Set(tries.map((t) => t.target))],
				[`${word(name)}-1/m`, `${word(name)}-2/m`]);
			assert.doesNotMatch(answer.text, /127\.0\.0\.1|http:/);
			const line = await (stream ? other : weir).request(answer.headers['x-weir-request-id']);
			assert.equal(line.outcome, 'exhausted');
			assert.equal(line.status, status);
		});

for (const [name, , , status, which] of own)
	await test(`${name}: the provider’s own words`, async () => {
		const answer = await chat(weir, ask(word(name)));
		const { error } = JSON.parse(answer.text);

		assert.equal(answer.status, status);
		assert.equal(error.attempts, undefined);
		assert.equal(answer.headers['x-weir-target'], `${word(name)}-${which + 1}/m`);
		assert.ok(trail(answer.headers['x-weir-trail']).length >= 1);
	});

await test('the deadline ends a request that nobody answers', async () => {
	for (const stream of [false, true]) {
		const began = Date.now();
		const answer = await chat(weir, ask('late', nonce(), { stream }));
		const { error } = JSON.parse(answer.text);

		assert.equal(answer.status, 504);
		assert.equal(error.code, 'deadline_exceeded');
		assert.equal(answer.headers['x-should-retry'], 'false');
		assert.ok(error.attempts.length >= 1);
		assert.ok(Date.now() - began < 15000);
	}
});

await done();
