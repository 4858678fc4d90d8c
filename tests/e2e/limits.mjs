// Rate limits, quotas and bad keys: who is set aside, for how long, who is asked all the
// same, and what the caller hears when nobody else is left.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { eventually } from './lib/http.mjs';
import { balanced, errorOf, play, shares, tries, who } from './lib/stage.mjs';

const K1 = 'sk-one-0123456789abcdef', K2 = 'sk-two-0123456789abcdef';
const TWO_KEYS = { providers: { alpha: { keys: ['${K1}', '${K2}'] } }, env: { K1, K2 } };
const ALONE = { alpha: '200' };

const mock = share(await startMock({ alpha: '200', beta: '200' }));
const now = () => Date.now();

// Asks until the first key serves again; nothing may have been sent to it before.
async function comesBack(stage, since, ms) {
	await eventually(async () => {
		const before = await stage.keyHits('alpha', K1);
		const answer = await stage.ask();

		assert.equal(answer.status, 200);
		assert.equal(answer.headers['x-weir-attempts'], '1');
		if (who(answer) === 'alpha#1')
			return true;
		assert.equal(await stage.keyHits('alpha', K1), before);
		await sleep(50);
		return false;
	}, 'return of the first key', 20);
	assert.ok(now() - since >= ms - 50, `back after ${now() - since} ms`);
}

await test('a key that answers 429 is not asked until its reset, and comes back by itself', async (t) => {
	const stage = await play(t, mock, ALONE, TWO_KEYS);

	await stage.keys('alpha', { [K1]: '429;retry-after=3,200', [K2]: '200' });
	assert.deepEqual(tries(await stage.ask()), ['alpha#1 rate_limited', 'alpha#2 ok']);
	const since = now();
	assert.deepEqual(shares(await stage.asks(20), 'alpha#2'), [20]);
	assert.deepEqual(shares(await stage.crowd(20), 'alpha#2'), [20]);
	assert.equal(await stage.keyHits('alpha', K1), 1);
	const { state, reason, until_ms: until } = (await stage.status())['alpha#1'];
	assert.deepEqual([state, reason], ['benched', 'rate_limited']);
	assert.ok(until > 0 && until <= 3000, `${until}`);
	assert.equal((await stage.status())['alpha#2'].state, 'healthy');
	await comesBack(stage, since, 3000);
	assert.deepEqual(shares(await stage.asks(10), 'alpha#1', 'alpha#2'), [5, 5]);
	await balanced(stage.weir);
});

await test('a key that says nothing is left is not asked at all until its reset', async (t) => {
	const exhausted = '200;header=x-ratelimit-remaining-requests:0;header=x-ratelimit-reset-requests:3s';

	const dry = { [K1]: `${exhausted},200`, [K2]: '200' };
	const [pair, chain] = [await play(t, mock, ALONE, TWO_KEYS), await play(t, mock, { alpha: `${exhausted},200`, beta: '200' })];
	await pair.keys('alpha', dry);
	assert.equal(who(await pair.ask()), 'alpha#1');
	const since = now();
	assert.equal(who(await chain.ask()), 'alpha');
	const more = await chain.asks(10);
	assert.deepEqual(shares(more, 'beta'), [10]);
	assert.ok(more.every((answer) => answer.headers['x-weir-attempts'] === '1'));
	assert.equal(await chain.fallbacks({ from: 'alpha', to: 'beta', class: 'benched' }), 10);
	assert.deepEqual(shares(await pair.asks(20), 'alpha#2'), [20]);
	assert.equal(await pair.keyHits('alpha', K1), 1);
	assert.equal((await pair.status())['alpha#1'].state, 'benched');
	await comesBack(pair, since, 3000);
	await eventually(async () => who(await chain.ask()) === 'alpha', 'return to the first step', 20);
	assert.equal(await pair.attempts('', 'rate_limited') + await chain.attempts('', 'rate_limited'), 0);
});

await test('rpm: so many go there, the next one goes on, and nobody has failed', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' },
		{ steps: (at) => [{ target: at('alpha'), rpm: 5 }, at('beta')] });
	const crowd = await stage.crowd(8);
	const rest = [];

	for (let i = 0; i < 6; i++) {
		rest.push(...await stage.asks(2));
		await sleep(1000);
	}
	assert.deepEqual(shares(crowd, 'alpha', 'beta'), [5, 3]);
	assert.deepEqual(shares(rest, 'beta'), [12]);
	assert.equal(await stage.hits('alpha'), 5);
	assert.equal(await stage.fallbacks({ from: 'alpha', to: 'beta', class: 'benched' }), 15);
	const alpha = (await stage.status()).alpha;
	assert.equal(alpha.state, 'benched');
	assert.ok(alpha.until_ms > 40_000 && alpha.until_ms < 60_000, `${alpha.until_ms}`);
});

await test('rpm and nothing else left: 429 with an honest retry-after, and no call', async (t) => {
	for (const [steps, providers] of [
		[(at) => [{ target: at('alpha'), rpm: 3 }], {}],
		[(at) => [at('alpha')], { alpha: { rpm: 3 } }],
	]) {
		const stage = await play(t, mock, ALONE, { steps, providers });

		assert.deepEqual(shares(await stage.crowd(3), 'alpha'), [3]);
		const answer = await stage.ask();
		assert.equal(answer.status, 429);
		assert.equal(errorOf(answer).code, 'rate_limit_exceeded');
		assert.equal(answer.headers['x-weir-attempts'], '0');
		const after = Number(answer.headers['retry-after']);
		assert.ok(after >= 55 && after <= 65, `${after}`); // a minute, and its slice
		assert.equal(answer.headers['x-should-retry'], after > 60 ? 'false' : undefined);
		assert.equal(await stage.hits('alpha'), 3);
	}
});

await test('tpm: a key is skipped for a request that is too large for what is left', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' },
		{ steps: (at) => [{ target: at('alpha'), tpm: 1000 }, at('beta')] });
	const large = { body: { user: 'x'.repeat(2000) } }; // about 500 tokens, and the question

	assert.deepEqual(shares(await stage.asks(2, large), 'alpha', 'beta'), [1, 1]);
	assert.deepEqual(shares(await stage.asks(3), 'alpha'), [3]);
});

await test('whatever its one key answers in turn, the only target is asked again', async (t) => {
	const wrong = ['429', 'quota', '401', '429', '402', '403', '500', '404', '200'];
	const stage = await play(t, mock, { alpha: wrong.join() });
	const seen = [];

	for (const _ of wrong) {
		const answer = await stage.ask();
		assert.equal(answer.headers['x-weir-attempts'], '1');
		seen.push(tries(answer)[0]);
	}
	assert.deepEqual(seen.map((entry) => entry.split(' ')[1]), ['rate_limited', 'quota', 'credentials', 'rate_limited', 'quota',
		'credentials', 'server_error', 'not_here', 'ok']);
	assert.equal(await stage.hits('alpha'), wrong.length);
	assert.equal(await stage.state('alpha'), 'healthy');
});

await test('the same answer over and over: the only target is asked again all the same', async (t) => {
	for (const [answers, status, code] of [['429', 429, 'rate_limit_exceeded'], ['quota', 429, 'insufficient_quota'],
		['401', 502, 'chain_exhausted']]) {
		const stage = await play(t, mock, { alpha: `${answers}*6,200` });

		for (const answer of await stage.asks(6)) {
			assert.equal(answer.status, status, answers);
			assert.equal(errorOf(answer).code, code);
			assert.equal(answer.headers['x-weir-attempts'], '1');
		}
		assert.equal(who(await stage.ask()), 'alpha');
		assert.equal(await stage.hits('alpha'), 7);
	}
});

await test('a guess is asked about by one request at a time, the others hear so at once', async (t) => {
	for (const [answers, status] of [['429', 429], ['quota', 429], ['401', 503]]) {
		const stage = await play(t, mock, { alpha: `${answers},200;latency=3s,200` });

		await stage.ask();
		const asking = stage.ask();
		await stage.inflight('alpha', 1);
		for (const answer of await stage.crowd(5)) {
			assert.equal(answer.status, status, answers);
			assert.equal(answer.headers['x-weir-attempts'], '0');
		}
		assert.equal((await mock.stats('alpha', stage.model)).inflight, 1, 'the others waited');
		assert.equal(who(await asking), 'alpha');
		assert.equal(await stage.hits('alpha'), 2);
		assert.deepEqual(shares(await stage.crowd(5), 'alpha'), [5]); // lifted
	}
});

await test('a stated return of a few seconds is waited for, once, by whoever comes meanwhile', async (t) => {
	const stage = await play(t, mock, { alpha: '429;retry-after=2,200' });
	const first = stage.ask();

	await stage.until('alpha', 'benched');
	const since = now();
	const second = await stage.ask();
	assert.deepEqual(tries(await first), ['alpha rate_limited', 'alpha ok']);
	assert.deepEqual(tries(second), ['alpha ok']);
	assert.ok(now() - since >= 1000, `${now() - since} ms`); // of two seconds less what has passed
	assert.equal(await stage.hits('alpha'), 3);

	const never = await play(t, mock, { alpha: '429;retry-after=1' });
	assert.deepEqual(tries(await never.ask()), ['alpha rate_limited', 'alpha rate_limited']);
});

await test('a longer one is not: 429 at once with its retry-after, and no call', async (t) => {
	const stage = await play(t, mock, { alpha: '429;retry-after=30,200' });
	const answers = await stage.asks(4);

	assert.deepEqual(answers.map((answer) => answer.headers['x-weir-attempts']), ['1', '0', '0', '0']);
	for (const answer of answers) {
		const after = Number(answer.headers['retry-after']);

		assert.equal(answer.status, 429);
		assert.equal(errorOf(answer).code, 'rate_limit_exceeded');
		assert.ok(after >= 20 && after <= 30, `${after}`);
		assert.equal(answer.headers['x-should-retry'], undefined);
	}
	assert.equal(await stage.hits('alpha'), 1);
});

await test('only an open breaker refuses: 503 with retry-after, and no call', async (t) => {
	const stage = await play(t, mock, { alpha: '500*5,200' });
	const answers = await stage.asks(6);
	const last = answers.pop();

	assert.ok(answers.every((answer) => answer.status === 502 && answer.headers['x-weir-attempts'] === '1'));
	assert.equal(last.status, 503);
	assert.equal(errorOf(last).code, 'no_usable_target');
	assert.deepEqual(errorOf(last).attempts, []);
	assert.equal(last.headers['x-weir-attempts'], '0');
	assert.ok(['1', '2'].includes(last.headers['retry-after']), last.headers['retry-after']);
	assert.equal(last.headers['x-should-retry'], undefined);
	assert.equal(await stage.hits('alpha'), 5);
	await sleep(Number(last.headers['retry-after']) * 1000);
	assert.equal(who(await stage.ask()), 'alpha'); // it was honest
});

await test('one step open, the other benched on a guess: the guess is asked about', async (t) => {
	const stage = await play(t, mock, { alpha: '401', beta: '500*5' });

	const answers = await stage.asks(6);
	assert.equal(await stage.state('beta'), 'open');
	assert.deepEqual(tries(answers[5]), ['alpha credentials']);
	assert.deepEqual([await stage.hits('alpha'), await stage.hits('beta')], [6, 5]);
	await stage.script({ alpha: '200' }); // somebody has mended it: nobody need wait ten minutes
	assert.equal(who(await stage.ask()), 'alpha');
	assert.equal(await stage.state('alpha'), 'healthy');
});

await test('several steps, all limited: 429 with the soonest return', async (t) => {
	const stage = await play(t, mock, { alpha: '429;retry-after=50', beta: '429;retry-after=20' });

	for (const answer of await stage.asks(2)) {
		assert.equal(answer.status, 429);
		const after = Number(answer.headers['retry-after']);
		assert.ok(after >= 15 && after <= 20, `${after}`);
	}
	assert.deepEqual([await stage.hits('alpha'), await stage.hits('beta')], [1, 1]);
});

await done();
