// What the operator may decide about a chain, seen from the caller's side: retries, keys,
// caps, waiting, repairing, and which refusals are passed on.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, nonce, said, trail } from './lib/http.mjs';

const ENV = { K1: 'sk-one-0123456789abcdef', K2: 'sk-two-0123456789abcdef', K3: 'sk-three-0123456789abcdef' };

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
let chains = 0;

// A weir with one chain, unused so far, whose steps do this; { weir, model, tries() }.
async function play(t, scripts, chain = {}, providers = {}) {
	const model = `m${++chains}`;
	const vendors = ['alpha', 'beta', 'gamma'].slice(0, scripts.length);
	const steps = vendors.map((v) => `${v}/${model}`);
	const config = { providers: mock.providers(), chains: { [model]: { steps, ...chain } } };

	for (const [name, more] of Object.entries(providers))
		Object.assign(config.providers[name], more);
	await mock.script(Object.fromEntries(vendors.map((v, i) => [`${v}/${model}`, scripts[i]])));
	const weir = t.keep(await startWeir(config, { env: ENV }));
	return { weir, model, steps };
}

const tries = (answer) => trail(answer.headers['x-weir-trail']).map((e) => `${e.target.split('/')[0]} ${e.class}`);
const errorOf = (answer) => JSON.parse(answer.text).error;

await test('retries: 0 is none', async (t) => {
	const { weir, model } = await play(t, ['500', '200'], { retries: 0 });

	assert.deepEqual(tries(await chat(weir, ask(model))), ['alpha server_error', 'beta ok']);
});

await test('retries of a step win over the chain’s', async (t) => {
	const { weir, model } = await play(t, ['500', '500'], {
		retries: 0,
		steps: ['alpha', { target: 'beta', retries: 2 }].map((step) =>
			(step.target ? { ...step, target: `beta/m${chains + 1}` } : `${step}/m${chains + 1}`)),
	});

	assert.deepEqual(tries(await chat(weir, ask(model))),
		['alpha server_error', 'beta server_error', 'beta server_error', 'beta server_error']);
});

await test('a retry in place that helps', async (t) => {
	const { weir, model } = await play(t, ['500,200', '200']);
	const token = nonce();
	const answer = await chat(weir, ask(model, token));

	assert.deepEqual(tries(answer), ['alpha server_error', 'alpha ok']);
	assert.equal(JSON.parse(answer.text).choices[0].message.content, said('alpha', token));
	const line = await weir.request(answer.headers['x-weir-request-id']);
	assert.equal(line.outcome, 'ok');
	assert.equal(weir.of('fallback').length, 0);
	assert.equal(weir.of('retry').length, 1);
});

await test('the last step retries an overload, the others do not', async (t) => {
	const { weir, model } = await play(t, ['503', '503,200']);

	assert.deepEqual(tries(await chat(weir, ask(model))), ['alpha overloaded', 'beta overloaded', 'beta ok']);
});

await test('max_attempts keeps a turn for each later step', async (t) => {
	const { weir, model } = await play(t, ['500', '500', '200'], { retries: 5, max_attempts: 3 });

	assert.deepEqual(tries(await chat(weir, ask(model))), ['alpha server_error', 'beta server_error', 'gamma ok']);
});

await test('max_attempts ends it', async (t) => {
	const { weir, model } = await play(t, ['500', '500', '200'], { retries: 5, max_attempts: 2 });
	const answer = await chat(weir, ask(model));

	assert.equal(answer.status, 502);
	assert.equal(answer.headers['x-weir-attempts'], '2');
});

await test('slow targets are never tried again in place', async (t) => {
	const { weir, model } = await play(t, ['hang', '200'], { retries: 3, attempt_timeout: '400ms' });

	assert.deepEqual(tries(await chat(weir, ask(model))), ['alpha slow', 'beta ok']);
});

await test('several keys: the next one, and the trail numbers them', async (t) => {
	const keys = ['${K1}', '${K2}', '${K3}'];
	const { weir, model, steps } = await play(t, ['200', '200'], {}, { alpha: { keys } });

	await mock.script({
		[`${steps[0]}#${ENV.K1}`]: '401', [`${steps[0]}#${ENV.K2}`]: 'quota', [`${steps[0]}#${ENV.K3}`]: '429',
	});
	const answer = await chat(weir, ask(model));
	assert.deepEqual(trail(answer.headers['x-weir-trail']).map((e) => [e.target, e.class]), [
		[`${steps[0]}#1`, 'credentials'], [`${steps[0]}#2`, 'quota'], [`${steps[0]}#3`, 'rate_limited'], [steps[1], 'ok'],
	]);
	assert.equal(weir.of('fallback').length, 3);
	await weir.request(answer.headers['x-weir-request-id']);
	await mock.script(Object.fromEntries(Object.values(ENV).map((key) => [`${steps[0]}#${key}`, ''])));
});

await test('the second key answers', async (t) => {
	const { weir, model, steps } = await play(t, ['200', '200'], {}, { alpha: { keys: ['${K1}', '${K2}'] } });

	await mock.script({ [`${steps[0]}#${ENV.K1}`]: '429' });
	const answer = await chat(weir, ask(model));
	assert.equal(answer.headers['x-weir-target'], `${steps[0]}#2`);
	assert.equal((await mock.last('alpha')).headers.authorization, `Bearer ${ENV.K2}`);
	const line = await weir.request(answer.headers['x-weir-request-id']);
	assert.equal(line.outcome, 'failed_over');
	await mock.script({ [`${steps[0]}#${ENV.K1}`]: '' });
});

await test('a stated return of a second is waited out, once, when nothing else is left', async (t) => {
	const { weir, model } = await play(t, ['429;retry-after=1,200', '500'], { retries: 0 });
	const answer = await chat(weir, ask(model));
	const ran = trail(answer.headers['x-weir-trail']);

	assert.deepEqual(tries(answer), ['alpha rate_limited', 'beta server_error', 'alpha ok']);
	const line = await weir.request(answer.headers['x-weir-request-id']);
	assert.ok(line.ms >= 950, `${line.ms} ms, ${JSON.stringify(ran)}`);

	const again = await play(t, ['429;retry-after=1'], { retries: 0 });
	const last = await chat(again.weir, ask(again.model));
	assert.equal(last.status, 429);
	assert.deepEqual(tries(last), ['alpha rate_limited', 'alpha rate_limited']);
});

await test('every way to say when to come back', async (t) => {
	for (const [say, least, most] of [['20', 20, 20], ['20.2', 21, 21], ['ms:20200', 21, 21], ['date:30', 29, 30],
		['nonsense', 5, 5], ['-3', 1, 1], ['99999999999', 600, 600]]) {
		const { weir, model } = await play(t, [`429;retry-after=${say}`]);
		const answer = await chat(weir, ask(model));
		const after = Number(answer.headers['retry-after']);

		assert.equal(answer.status, 429, say);
		assert.ok(after >= least && after <= most, `${say}: ${after}`);
		assert.equal(answer.headers['x-should-retry'], after > 60 ? 'false' : undefined, say);
	}
});

await test('content policy: returned, or on to the next when that is wished', async (t) => {
	const strict = await play(t, ['content-policy', '200']);
	const loose = await play(t, ['content-policy', '200'], { content_policy: 'next' });
	const hopeless = await play(t, ['content-policy', '500'], { content_policy: 'next', retries: 0 });

	const returned = await chat(strict.weir, ask(strict.model));
	assert.equal(returned.status, 400);
	assert.equal(errorOf(returned).code, 'content_policy_violation');
	assert.deepEqual(tries(await chat(loose.weir, ask(loose.model))), ['alpha caller', 'beta ok']);
	const nobody = await chat(hopeless.weir, ask(hopeless.model));
	assert.equal(nobody.status, 400);
	assert.equal(errorOf(nobody).code, 'content_policy_violation');
});

await test('a context too long: returned, or on to the next when that is wished', async (t) => {
	for (const [wish, status] of [['auto', 400], ['return', 400], ['next', 200]]) {
		const { weir, model } = await play(t, ['context-length', '200'], { context_overflow: wish });
		const answer = await chat(weir, ask(model));

		assert.equal(answer.status, status, wish);
		if (status === 400)
			assert.equal(errorOf(answer).code, 'context_length_exceeded');
	}
});

await test('a field that a target refuses is left out for a fallback, or for all, or for none', async (t) => {
	const refusal = 'unsupported-parameter;param=top_k,200';
	const body = (model) => ask(model, nonce(), { top_k: 5, user: 'me' });
	const sent = async (vendor) => JSON.parse((await mock.last(vendor)).body);

	const usual = await play(t, ['500', refusal], { retries: 0 });
	const answer = await chat(usual.weir, body(usual.model));
	assert.deepEqual(tries(answer), ['alpha server_error', 'beta repairable', 'beta ok']);
	assert.ok(!('top_k' in await sent('beta')) && (await sent('beta')).user === 'me');
	assert.equal((await sent('alpha')).top_k, 5);

	const first = await play(t, [refusal, '200']);
	const refused = await chat(first.weir, body(first.model));
	assert.equal(refused.status, 400); // what the caller asked of its first choice is its own matter
	assert.equal(errorOf(refused).param, 'top_k');
	assert.equal(refused.headers['x-weir-attempts'], '1');

	const on = await play(t, [refusal], { repair: 'on' });
	assert.deepEqual(tries(await chat(on.weir, body(on.model))), ['alpha repairable', 'alpha ok']);
	const off = await play(t, ['500', refusal], { repair: 'off', retries: 0 });
	const nobody = await chat(off.weir, body(off.model));
	assert.equal(nobody.status, 400);
	assert.equal(errorOf(nobody).param, 'top_k');
});

await test('max_inflight: the next step at once, and nobody has failed', async (t) => {
	for (const provider of [{ max_inflight: 2 }, {}]) {
		const { weir, model, steps } = await play(t, ['200;latency=3s', '200;latency=3s'],
			provider.max_inflight ? {} : { steps: [{ target: `alpha/m${chains + 1}`, max_inflight: 2 }, `beta/m${chains + 1}`] },
			{ alpha: provider });
		const answers = await Promise.all(Array.from({ length: 5 }, () => chat(weir, ask(model))));
		const at = (target) => answers.filter((a) => a.headers['x-weir-target'] === target).length;
		const moves = weir.of('fallback');

		assert.ok(answers.every((a) => a.status === 200 && a.headers['x-weir-attempts'] === '1'));
		assert.deepEqual([at(steps[0]), at(steps[1])], [2, 3]);
		assert.equal(moves.length, 3);
		assert.ok(moves.every((move) => move.class === 'at_cap' && move.from === steps[0] && move.to === steps[1]));
		const series = await weir.metrics();
		const labels = `chain="${model}",from="${steps[0]}",to="${steps[1]}",class="at_cap"`;
		assert.equal(series.get(`weir_fallbacks_total{${labels}}`), 3);
	}
});

await test('everything at its cap: a short wait, then 503', async (t) => {
	const { weir, model } = await play(t, ['hang'], { steps: [{ target: `alpha/m${chains + 1}`, max_inflight: 1 }] });
	const held = chat(weir, ask(model), { headers: { 'x-weir-deadline-ms': '3000' } });

	await eventually(async () => (await mock.stats('alpha', model)).inflight === 1, 'request');
	const answer = await chat(weir, ask(model));
	assert.equal(answer.status, 503);
	assert.equal(answer.headers['retry-after'], '1');
	assert.equal(errorOf(answer).code, 'no_usable_target');
	assert.deepEqual(errorOf(answer).attempts, []);
	assert.equal(answer.headers['x-weir-attempts'], '0');
	assert.equal((await held).status, 504);
});

await test('the last step keeps its share of the deadline', async (t) => {
	const { weir, model } = await play(t, ['hang', '200'], { deadline: '6s', attempt_timeout: '60s' });
	const answer = await chat(weir, ask(model));

	assert.equal(answer.status, 200);
	assert.deepEqual(tries(answer), ['alpha slow', 'beta ok']);
	const [first] = trail(answer.headers['x-weir-trail']);
	assert.ok(first.ms >= 4400 && first.ms < 6000, `${first.ms} ms`);
});

await test('connect and first-token timers of a step, while others wait longer', async (t) => {
	const model = `m${chains + 1}`;
	const { weir } = await play(t, ['hang', '200;ttft=700ms'], {
		steps: [{ target: `alpha/${model}`, first_token_timeout: '300ms' }, `beta/${model}`],
	});
	const answer = await chat(weir, ask(model, nonce(), { stream: true }));

	assert.deepEqual(tries(answer), ['alpha slow', 'beta ok']);
	assert.equal((await weir.event('fallback')).reason, 'ttfb');
});

await done();
