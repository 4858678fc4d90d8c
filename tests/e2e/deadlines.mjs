// One deadline over all attempts: what is left for the fallback, and what is not begun any more.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { trail } from './lib/http.mjs';
import { balanced, errorOf, play, shares, tries, who } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const within = (ms) => ({ headers: { 'x-weir-deadline-ms': String(ms) } });

async function spent(stage, answer) {
	return (await stage.weir.request(answer.headers['x-weir-request-id'])).ms;
}

await test('attempts of 2 s under a deadline of 3 s: the fallback is still reached', async (t) => {
	const chain = { deadline: '3s', attempt_timeout: '2s' };
	const two = await play(t, mock, { alpha: 'hang', beta: '200' }, { chain });
	const three = await play(t, mock, { alpha: 'hang', beta: 'hang', gamma: '200' }, { chain });
	const tight = await play(t, mock, { alpha: 'hang', beta: '200' }, { chain: { ...chain, attempt_timeout: '60s' } });
	const [first, second, third] = await Promise.all([two, three, tight].map((stage) => stage.ask()));

	assert.deepEqual(tries(first), ['alpha slow', 'beta ok']);
	// 250 ms are left before the last one's share: too little for the step between.
	assert.deepEqual(tries(second), ['alpha slow', 'gamma ok']);
	const cut = trail(third.headers['x-weir-trail']);
	assert.equal(who(third), 'beta');
	assert.ok(cut[0].ms >= 2200 && cut[0].ms < 3000, `${cut[0].ms} ms`); // 3 s less a quarter
});

await test('all hang: 504 when the deadline is over, and never later', async (t) => {
	const stage = await play(t, mock, { alpha: 'hang', beta: 'hang' }, { chain: { deadline: '2s' } });
	const answer = await stage.ask();

	assert.equal(answer.status, 504);
	assert.equal(errorOf(answer).code, 'deadline_exceeded');
	assert.deepEqual(tries(answer), ['alpha slow', 'beta slow']);
	const ms = await spent(stage, answer);
	assert.ok(ms >= 1950 && ms < 4000, `${ms} ms`);
	for (const vendor of ['alpha', 'beta'])
		assert.equal((await mock.stats(vendor, stage.model)).inflight, 0);
});

await test('with too little left no further attempt is begun: 504', async (t) => {
	// A tenth of the deadline, 500 ms here, is the least that an attempt is begun with.
	const steps = (at) => [{ targets: ['alpha', 'beta'].map(at) }];
	const late = await play(t, mock, { alpha: '500;latency=4600ms', beta: '200' }, { steps });
	const early = await play(t, mock, { alpha: '500;latency=3s', beta: '200' }, { steps });
	const [none, some] = await Promise.all([late.ask(within(5000)), early.ask(within(5000))]);

	assert.equal(none.status, 504);
	assert.equal(errorOf(none).code, 'deadline_exceeded');
	assert.equal(none.headers['x-weir-attempts'], '1');
	assert.deepEqual(tries(none), ['alpha server_error']);
	assert.equal(await late.hits('beta'), 0);
	assert.deepEqual(tries(some), ['alpha server_error', 'beta ok']);
	await balanced(late.weir);
});

await test('a middle step without time is left out for the last one, which has its share', async (t) => {
	const stage = await play(t, mock, { alpha: '500;latency=2100ms', beta: '200', gamma: '200' }, { chain: { deadline: '3s' } });

	assert.deepEqual(tries(await stage.ask()), ['alpha server_error', 'gamma ok']);
	assert.equal(await stage.hits('beta'), 0);
});

await test('the first attempt is always begun, however little time there is', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=1h' });
	const answer = await stage.ask(within(1));

	assert.equal(answer.status, 504);
	assert.equal(answer.headers['x-weir-attempts'], '1');
	const quick = await play(t, mock, { alpha: '200' }, { chain: { deadline: '2s' } });
	assert.equal(who(await quick.ask(within(60_000))), 'alpha'); // longer than the operator's is not
	await quick.script({ alpha: 'hang' });
	assert.ok(await spent(quick, await quick.ask(within(60_000))) < 4000);
});

await test('no retry in place, and no stated return is waited for, past the deadline', async (t) => {
	const stated = await play(t, mock, { alpha: '429;retry-after=4,200' });
	const answer = await stated.ask(within(3000));

	assert.equal(answer.status, 429);
	assert.equal(answer.headers['x-weir-attempts'], '1');
	assert.ok(await spent(stated, answer) < 2000, 'it waited');
	assert.ok(Number(answer.headers['retry-after']) >= 3);
	const retried = await play(t, mock, { alpha: '500;retry-after=4,200' }, { chain: { retries: 2 } });
	const failed = await retried.ask(within(3000));
	assert.deepEqual(tries(failed), ['alpha server_error']);
	assert.ok(await spent(retried, failed) < 2000, 'it waited');
});

await test('a target that is usually slower than the time left is gone past', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=1500ms', beta: '200' });

	assert.deepEqual(shares(await stage.crowd(12), 'alpha'), [12]);
	const answer = await stage.ask(within(1200));
	assert.deepEqual(tries(answer), ['beta ok']);
	assert.equal(await stage.fallbacks({ from: 'alpha', to: 'beta', class: 'slow' }), 1);
	assert.equal(who(await stage.ask()), 'alpha'); // with time enough it is as good as ever
	const alone = await play(t, mock, { alpha: '200;latency=1500ms' });
	await alone.crowd(12);
	await alone.script({ alpha: '200' });
	assert.equal(who(await alone.ask(within(1200))), 'alpha'); // better than nothing
});

await test('callers who give no time open no breaker', async (t) => {
	const stage = await play(t, mock, { alpha: '200;latency=100ms', beta: '200;latency=100ms' });

	for (let i = 0; i < 12; i++)
		assert.equal((await stage.ask(within(1))).status, 504);
	assert.equal((await stage.ask({ body: { timeout: 0.005 } })).status, 504);
	assert.equal(who(await stage.ask()), 'alpha');
	assert.equal((await stage.status()).alpha.failures, 0);
});

await done();
