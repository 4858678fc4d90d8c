// A second attempt beside one that takes unusually long, where the operator wants it: who
// answers first serves, the other is cancelled, and there are few of them.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { ask, chat, eventually, nonce, said, textOf, trail } from './lib/http.mjs';
import { balanced, play, shares, tries, who } from './lib/stage.mjs';

const SAVED = 20; // requests that earn one hedge
const BURST = 10;

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));

// A chain with n quick answers of the first target behind it.
async function warm(t, n, { scripts = { alpha: '200', beta: '200' }, chain = {}, body, ...more } = {}) {
	const stage = await play(t, mock, scripts, { chain: { hedge: 'on', attempt_timeout: '20s', ...chain }, ...more });

	assert.deepEqual(shares(await stage.asks(n, { body }), 'alpha'), [n]);
	return stage;
}

// What is told of a request's moves: class and reason of each
async function moves(stage, answer) {
	await stage.weir.request(answer.headers['x-weir-request-id']);
	return stage.weir.of('fallback').filter((line) => line.request_id === answer.headers['x-weir-request-id'])
		.map((line) => [line.from, line.to, line.class, line.reason].join());
}

async function hedges(stage) {
	const series = await stage.weir.metrics();
	return ['begun', 'won'].map((result) => series.get(`weir_hedges_total{result="${result}"}`));
}

for (const stream of [false, true]) {
	await test(`${stream ? 'a stream' : 'an answer'} that does not come: the second target gives it`, async (t) => {
		const body = { stream };
		const stage = await warm(t, SAVED, { body });
		const token = nonce();

		await stage.script({ alpha: 'hang' });
		const answer = await chat(stage.weir, ask(stage.model, token, body));
		assert.equal(answer.status, 200);
		const text = stream ? textOf(answer.text) : JSON.parse(answer.text).choices[0].message.content;
		assert.equal(text, said('beta', token));
		assert.equal(answer.headers['x-weir-target'], stage.at('beta'));
		assert.equal(answer.headers['x-weir-attempts'], '2');
		const [first, second] = trail(answer.headers['x-weir-trail']);
		assert.deepEqual([first.target, first.class], [stage.at('alpha'), 'hangup']);
		assert.deepEqual([second.target, second.class], [stage.at('beta'), 'ok']);
		assert.ok(first.ms >= 290, `${first.ms} ms`); // never sooner than 300 ms
		await eventually(async () => (await mock.stats('alpha', stage.model)).aborts === 1, 'end of the first');
		assert.deepEqual(await hedges(stage), [1, 1]);
		assert.deepEqual([await stage.hits('alpha'), await stage.hits('beta')], [SAVED + 1, 1]);
		const line = await stage.weir.request(answer.headers['x-weir-request-id']);
		assert.deepEqual([line.outcome, line.attempts], ['failed_over', 2]);
		assert.deepEqual(await moves(stage, answer), [[stage.at('alpha'), stage.at('beta'), 'slow', 'hedge'].join()]);
		const { state, failures } = (await stage.status()).alpha;
		assert.deepEqual([state, failures], ['healthy', 0]); // that it was cancelled is not its fault
		await balanced(stage.weir);
	});
}

await test('it begins later at a target that is slow as a rule', async (t) => {
	const scripts = { alpha: '200;latency=700ms', beta: '200' };
	const stage = await play(t, mock, scripts, { chain: { hedge: 'on' } });

	await stage.crowd(SAVED);
	await stage.script({ alpha: 'hang' });
	const [first, second] = trail((await stage.ask()).headers['x-weir-trail']);
	assert.deepEqual([first.class, second.class], ['hangup', 'ok']);
	assert.ok(first.ms >= 700, `${first.ms} ms`);
});

await test('the first answers first after all: the second is cancelled', async (t) => {
	const stage = await warm(t, SAVED, { scripts: { alpha: '200', beta: '200;latency=1h' } });

	await stage.script({ alpha: '200;latency=1500ms' });
	const answer = await stage.ask();
	assert.equal(answer.headers['x-weir-target'], stage.at('alpha'));
	assert.deepEqual(tries(answer), ['alpha ok', 'beta hangup']);
	await eventually(async () => (await mock.stats('beta', stage.model)).aborts === 1, 'end of the second');
	assert.deepEqual(await hedges(stage), [1, 0]);
	const line = await stage.weir.request(answer.headers['x-weir-request-id']);
	assert.deepEqual([line.outcome, line.attempts], ['ok', 2]);
	assert.deepEqual(await moves(stage, answer), []);
	await balanced(stage.weir);
});

await test('one of both fails: the other goes on', async (t) => {
	const first = await warm(t, SAVED, { scripts: { alpha: '200', beta: '200;latency=1500ms' } });
	const second = await warm(t, SAVED, { scripts: { alpha: '200', beta: '500' } });

	await first.script({ alpha: '500;latency=800ms' });
	await second.script({ alpha: '200;latency=1500ms' });
	const [left, kept] = [await first.ask(), await second.ask()];
	assert.deepEqual(tries(left), ['alpha server_error', 'beta ok']);
	assert.deepEqual(await moves(first, left), [[first.at('alpha'), first.at('beta'), 'server_error', 'http_500'].join()]);
	assert.deepEqual(tries(kept), ['alpha ok', 'beta server_error']);
	assert.deepEqual(await moves(second, kept), []);
	assert.equal((await first.status()).alpha.failures, 1);
	assert.equal((await second.status()).beta.failures, 1);
	await balanced(first.weir);
	await balanced(second.weir);
});

await test('both fail: the next step, as ever', async (t) => {
	const stage = await warm(t, SAVED, { scripts: { alpha: '200', beta: '500;latency=900ms', gamma: '200' } });

	await stage.script({ alpha: '500;latency=700ms' });
	const answer = await stage.ask();
	assert.deepEqual(tries(answer), ['alpha server_error', 'beta server_error', 'gamma ok']);
	assert.deepEqual((await moves(stage, answer)).map((move) => move.split(',')[1]), [stage.at('beta'), stage.at('gamma')]);
	await balanced(stage.weir);
});

await test('the second fails, then the first: it is the first that is tried again, and left', async (t) => {
	const stage = await warm(t, SAVED, { scripts: { alpha: '200', beta: '500', gamma: '200' }, chain: { retries: 1, max_attempts: 6 } });

	await stage.script({ alpha: '500;latency=1s' });
	const answer = await stage.ask();
	assert.deepEqual(tries(answer), ['alpha server_error', 'beta server_error', 'alpha server_error', 'gamma ok']);
	assert.deepEqual(await moves(stage, answer), [[stage.at('alpha'), stage.at('gamma'), 'server_error', 'http_500'].join()]);
	const [retry] = stage.weir.of('retry');
	assert.deepEqual([retry.from, retry.to], [stage.at('alpha'), stage.at('alpha')]);
	await balanced(stage.weir);
});

await test('the first refuses the request itself: that is the answer, whatever the second would say', async (t) => {
	const stage = await warm(t, SAVED, { scripts: { alpha: '200', beta: 'hang' } });

	await stage.script({ alpha: '400;latency=800ms' });
	const answer = await stage.ask();
	assert.equal(answer.status, 400);
	assert.deepEqual(tries(answer), ['alpha caller', 'beta hangup']);
	assert.equal(answer.headers['x-weir-target'], stage.at('alpha'));
	const line = await stage.weir.request(answer.headers['x-weir-request-id']);
	assert.deepEqual([line.outcome, line.target, line.reason], ['caller_error', stage.at('alpha'), 'http_400']);
	await balanced(stage.weir);
});

await test('the caller leaves: both are cancelled', async (t) => {
	const stage = await warm(t, SAVED, { scripts: { alpha: '200', beta: 'hang' } });
	let caller;

	await stage.script({ alpha: 'hang' });
	const answer = stage.ask({ onRequest: (req) => caller = req }).catch(() => null);
	await stage.inflight('beta', 1);
	caller.destroy();
	assert.equal(await answer, null);
	for (const vendor of ['alpha', 'beta'])
		await eventually(async () => (await mock.stats(vendor, stage.model)).aborts === 1, `end of ${vendor}`);
	await balanced(stage.weir);
});

await test('at most one of twenty requests, saved up for a burst, and none before there is a history', async (t) => {
	const chain = { attempt_timeout: '2s' };
	const early = await play(t, mock, { alpha: 'hang', beta: '200' }, { chain: { hedge: 'on', ...chain } });
	const stage = await warm(t, 3 * SAVED, { chain });
	const rich = await warm(t, (BURST + 5) * SAVED, { chain });

	await Promise.all([stage, rich].map((one) => one.script({ alpha: 'hang' })));
	const [none, few, many] = await Promise.all([early.crowd(4), stage.crowd(8), rich.crowd(19)]);
	assert.deepEqual(none.map((answer) => tries(answer).join()), Array(4).fill('alpha slow,beta ok'));
	assert.deepEqual(await hedges(early), [0, 0]);
	assert.deepEqual(await hedges(stage), [3, 3]);
	assert.deepEqual(await hedges(rich), [BURST, BURST]);
	const hedged = (answers) => answers.filter((answer) => tries(answer).join() === 'alpha hangup,beta ok').length;
	assert.deepEqual([hedged(few), hedged(many)], [3, BURST]);
	assert.ok([...few, ...many].every((answer) => who(answer) === 'beta'));
}, { seconds: 90 });

await test('off, as it is unless it is opted in: nobody is asked beside another', async (t) => {
	const stage = await warm(t, SAVED, { chain: { hedge: 'off', attempt_timeout: '1500ms' } });

	await stage.script({ alpha: 'hang' });
	assert.deepEqual(tries(await stage.ask()), ['alpha slow', 'beta ok']);
	assert.deepEqual(await hedges(stage), [0, 0]);
});

await done();
