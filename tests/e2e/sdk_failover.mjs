// The unmodified OpenAI client over a chain of two vendors: whatever the first one does,
// the answer is the second one's, whole. What the caller did wrong comes back unchanged.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, nonce, post, said, trail } from './lib/http.mjs';
import { OpenAI, client, complete } from './lib/sdk.mjs';

const QUICK_MS = 2000; // a failure that took longer is not repeated in place
const SHORT = { first_token_timeout: '400ms', attempt_timeout: '400ms' };

// [name, class, the first vendor's script (streamed: the second one), timers of its step]
const failures = [
	['refused', 'unreachable', ['refuse']],
	['blackholed', 'slow', ['blackhole'], { connect_timeout: '400ms' }],
	['429', 'rate_limited', ['429']],
	['429 with Retry-After', 'rate_limited', ['429;retry-after=30']],
	['out of quota', 'quota', ['quota']],
	['401', 'credentials', ['401']],
	['404 for the model', 'not_here', ['404']],
	['408', 'server_error', ['408']],
	['500', 'server_error', ['500']],
	['502 page', 'server_error', ['502']],
	['503', 'overloaded', ['503']],
	['529', 'overloaded', ['529']],
	['redirect', 'server_error', ['301']],
	['silence', 'slow', ['hang'], SHORT],
	['reset before the head', 'unreachable', ['reset']],
	['reset in the head', 'server_error', ['reset@status']],
	['reset in the body', 'cut', ['reset@half', 'reset@role']],
	['closed in the body', 'cut', ['truncated', 'close@role']],
	['no JSON', 'server_error', ['bad-json']],
	['page under 200', 'server_error', ['html']],
	['error under 200', 'server_error', ['error-200']],
	['nothing under 200', 'server_error', ['empty']],
	['no choices', 'server_error', ['no-choices', 'no-choices;done=1']],
	['error event first', 'server_error', ['error-event;after=0']],
	['stall before content', 'slow', ['hang@half', 'hang@role'], SHORT],
];
const SAME = ['server_error', 'unreachable', 'cut']; // classes tried once more in place

// [name, script, the client's exception]
const faults = [
	['400', '400', OpenAI.BadRequestError],
	['413', '413', OpenAI.APIError],
	['422', '422', OpenAI.UnprocessableEntityError],
	['content policy', 'content-policy', OpenAI.BadRequestError],
];

const STREAMED = [false, true];
const word = (stream) => (stream ? 'streamed' : 'whole');
const id = (name, stream) => `${name.replace(/\W+/g, '-')}-${word(stream)}`;

function vendors() {
	const all = { good: '200' };

	for (const stream of STREAMED) {
		for (const [name, , scripts] of failures)
			all[id(name, stream)] = scripts[stream && scripts.length > 1 ? 1 : 0];
	}
	for (const [name, script] of faults)
		all[id(name, false)] = script;
	return all;
}

function chains() {
	const all = {};
	const add = (vendor, timers) => {
		all[vendor] = { steps: [{ target: `${vendor}/first`, ...timers }, 'good/second'] };
	};

	for (const stream of STREAMED)
		for (const [name, , , timers] of failures)
			add(id(name, stream), timers);
	for (const [name] of faults)
		add(id(name, false));
	return all;
}

const mock = share(await startMock(vendors(), { bare: STREAMED.flatMap((stream) =>
	['blackholed', 'reset in the head'].map((name) => id(name, stream))) }));
const weir = share(await startWeir({ providers: mock.providers(), chains: chains() }));
const openai = client(weir);

async function failsOver(name, cls, stream) {
	const chain = id(name, stream);
	const token = nonce();
	const { text, finish, response } = await complete(openai, ask(chain, token, { stream }));
	const headers = response.headers;
	const tries = trail(headers.get('x-weir-trail'));
	const again = SAME.includes(cls) && tries[0].ms < QUICK_MS;

	assert.equal(text, said('good', token));
	assert.equal(finish, 'stop');
	assert.equal(headers.get('x-weir-target'), 'good/second');
	assert.equal(Number(headers.get('x-weir-attempts')), again ? 3 : 2);
	assert.equal(headers.get('x-request-id'), headers.get('x-weir-request-id'));
	assert.deepEqual(tries.map((t) => [t.target, t.class]), [
		[`${chain}/first`, cls],
		...(again ? [[`${chain}/first`, cls]] : []),
		['good/second', 'ok'],
	]);

	const key = headers.get('x-weir-request-id');
	const line = await weir.request(key);
	const moves = weir.of('fallback').filter((event) => event.request_id === key);

	assert.equal(line.outcome, 'failed_over');
	assert.equal(line.target, 'good/second');
	assert.equal(line.stream, stream);
	assert.equal(line.trail.split(', ').length, tries.length);
	assert.equal(moves.length, 1);
	assert.deepEqual([moves[0].from, moves[0].to, moves[0].class, moves[0].chain],
		[`${chain}/first`, 'good/second', cls, chain]);
	for (const field of ['ts', 'reason', 'attempt', 'elapsed_ms', 'remaining_ms'])
		assert.ok(moves[0][field] != null, `event=fallback has no ${field}`);
	assert.equal(weir.of('retry').filter((e) => e.request_id === key).length, again ? 1 : 0);
	assert.equal(weir.of('request').filter((e) => e.chain === chain).length, 1,
		'the client had to ask twice');
}

async function comesBack(name, exception) {
	const chain = id(name, false);
	const body = ask(chain);
	const before = await mock.stats('good');
	const error = await openai.chat.completions.create(body).then(() => null, (e) => e);
	const ours = await chat(weir, body);
	const theirs = await post(mock.address(chain), '/v1/chat/completions', { ...body, model: 'first' });

	assert.ok(error instanceof exception, `${error?.constructor.name}: ${error}`);
	assert.equal(error.status, theirs.status);
	assert.equal(ours.status, theirs.status);
	assert.equal(ours.text, theirs.text);
	assert.equal(ours.headers['content-type'], theirs.headers['content-type']);
	assert.equal(ours.headers['x-weir-attempts'], '1');
	assert.equal(trail(ours.headers['x-weir-trail'])[0].class, 'caller');
	assert.equal((await mock.stats('good')).hits, before.hits, 'the fallback was asked');
	assert.equal((await mock.stats(chain)).hits, 3, 'asked more often than the callers did');
	const line = await weir.request(ours.headers['x-weir-request-id']);
	assert.equal(line.outcome, 'caller_error');
}

await test('a healthy first vendor answers', async (t) => {
	const calm = t.keep(await startWeir({
		providers: mock.providers('good'),
		chains: { calm: { steps: ['good/one'] } },
	}));

	for (const stream of STREAMED) {
		const token = nonce();
		const { text, finish, response } = await complete(client(calm), ask('calm', token, { stream }));

		assert.equal(text, said('good', token));
		assert.equal(finish, 'stop');
		assert.match(response.headers.get('x-weir-trail'), /^good\/one;200;ok;\d+ms$/);
	}
	assert.equal(calm.of('fallback').length, 0);
});

for (const [name, cls] of failures)
	for (const stream of STREAMED)
		await test(`${name}, ${word(stream)}: the second vendor answers`,
			() => failsOver(name, cls, stream));
for (const [name, , exception] of faults)
	await test(`${name}: the caller hears it, nobody else is asked`, () => comesBack(name, exception));

await done();
