// What answers cost: told per request, and added up exactly; what came to nothing apart.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { chat, post, textOf } from './lib/http.mjs';
import { balanced, play, sum } from './lib/stage.mjs';

const PRICES = { input_price: 2.5, output_price: 10 };
const NANO = 1e9;
const mock = share(await startMock({ alpha: '200', beta: '200' }));

const priced = (...vendors) => (at) => Object.fromEntries(vendors.map((vendor) => [at(vendor), PRICES]));
const nano = (usd) => Math.round(Number(usd) * NANO);
const asked = { stream: true, stream_options: { include_usage: true } };

// A whole answer as a script says it, with that usage.
function saying(usage) {
	const body = { choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }], usage };

	return `200;text=${encodeURIComponent(JSON.stringify(body))}`;
}

// The request's own line of the log.
function line(stage, answer) {
	return stage.weir.request(answer.headers['x-weir-request-id']);
}

// Dollars as lines of the log tell them, and as the counters have added them up.
async function books(stage) {
	const series = await balanced(stage.weir);
	const lines = stage.weir.of('request');
	const known = lines.filter(({ cost_usd: usd }) => typeof usd === 'number');

	assert.equal(nano(sum(series, 'weir_cost_usd_total')), known.reduce((all, { cost_usd: usd }) => all + nano(usd), 0));
	assert.equal(sum(series, 'weir_cost_unknown_total'), lines.filter(({ cost_usd: usd }) => usd === 'unknown').length);
	return {
		series,
		tokens: (vendor, type) => series.get(`weir_tokens_total{target="${stage.at(vendor)}",type="${type}"}`),
		cost: (vendor) => nano(series.get(`weir_cost_usd_total{chain="${stage.model}",target="${stage.at(vendor)}"}`)),
		unknown: (vendor, reason) =>
			series.get(`weir_cost_unknown_total{target="${stage.at(vendor)}",reason="${reason}"}`),
		wasted: (vendor) => [series.get(`weir_wasted_tokens_total{target="${stage.at(vendor)}"}`),
			nano(series.get(`weir_wasted_cost_usd_total{target="${stage.at(vendor)}"}`))],
	};
}

await test('an answer: its cost is in a header, in the log and in the counters', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=7' }, { models: priced('alpha') });
	const answer = await stage.ask();
	const { usage } = JSON.parse(answer.text);
	const cost = usage.prompt_tokens * 2500 + usage.completion_tokens * 10000;

	assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens === 7);
	assert.match(answer.headers['x-weir-cost-usd'], /^0\.\d{1,9}$/);
	assert.equal(nano(answer.headers['x-weir-cost-usd']), cost);
	const { cost_usd: usd, tokens_in: tokensIn, tokens_out: tokensOut } = await line(stage, answer);
	assert.deepEqual([nano(usd), tokensIn, tokensOut], [cost, usage.prompt_tokens, usage.completion_tokens]);
	const { cost: counted, tokens } = await books(stage);
	assert.equal(counted('alpha'), cost);
	assert.deepEqual([tokens('alpha', 'input'), tokens('alpha', 'output')], [usage.prompt_tokens, 7]);
});

await test('a stream that was asked to count: in the log, not in its head', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=7' }, { models: priced('alpha') });
	const answer = await stage.ask({ body: asked });

	assert.equal(answer.headers['x-weir-cost-usd'], undefined);
	const { cost_usd: usd, tokens_in: tokensIn, tokens_out: tokensOut } = await line(stage, answer);
	assert.equal(tokensOut, 7);
	assert.equal(nano(usd), tokensIn * 2500 + 70000);
	assert.equal((await books(stage)).cost('alpha'), nano(usd));
});

await test('what was cached costs what cached tokens cost', async (t) => {
	const usage = { prompt_tokens: 100, completion_tokens: 10, prompt_tokens_details: { cached_tokens: 64 } };
	const stage = await play(t, mock, { alpha: saying(usage) },
		{ models: (at) => ({ [at('alpha')]: { ...PRICES, cached_price: 1.25 } }) });
	const answer = await stage.ask();

	assert.equal(answer.headers['x-weir-cost-usd'], '0.00027'); // 36 at 2.5, 64 at 1.25, 10 at 10 for a million
	const { tokens } = await books(stage);
	assert.deepEqual(['input', 'cached', 'output'].map((type) => tokens('alpha', type)), [100, 64, 10]);
});

await test('no price, no usage: unknown, and counted as that; no call: nothing', async (t) => {
	const stage = await play(t, mock, { alpha: '200*2,200;usage=0,400,500', beta: '500' });
	const cost = async (options) => (await line(stage, await stage.ask(options))).cost_usd;

	assert.equal((await stage.ask()).headers['x-weir-cost-usd'], undefined);
	assert.equal(await cost({ body: asked }), 'unknown');
	assert.equal(await cost({ body: asked }), 'unknown');
	assert.equal(await cost(), null); // refused by alpha
	assert.equal(await cost(), null); // by all
	assert.equal((await line(stage, await chat(stage.weir, { model: 'nobody', messages: [] }))).cost_usd, null);
	await post(stage.weir.address, '/v1/chat/completions', '{');
	const { unknown, cost: counted, wasted } = await books(stage);
	assert.deepEqual([unknown('alpha', 'no_price'), unknown('alpha', 'no_usage'), unknown('alpha', 'cut')], [2, 1, 0]);
	assert.deepEqual([counted('alpha'), counted('beta')], [0, 0]);
	assert.deepEqual(wasted('alpha'), [0, 0]); // errors are not charged
});

await test('a failed attempt that was counted is waste, not the request’s cost', async (t) => {
	const empty = { choices: [], usage: { prompt_tokens: 100, completion_tokens: 20 } };
	const stage = await play(t, mock, {
		alpha: `200;text=${encodeURIComponent(JSON.stringify(empty))}`, beta: '200;tokens=7',
	}, { models: priced('alpha', 'beta') });
	const answer = await stage.ask();

	assert.equal(answer.headers['x-weir-target'], stage.at('beta'));
	const { cost, wasted } = await books(stage);
	assert.equal(nano(answer.headers['x-weir-cost-usd']), cost('beta'));
	assert.equal(cost('alpha'), 0);
	assert.deepEqual(wasted('alpha'), [120, 450000]);
	assert.deepEqual(wasted('beta'), [0, 0]);
});

await test('a stream cut after its first words: its prompt is waste, and its cost not known', async (t) => {
	const stage = await play(t, mock, { alpha: 'cut;after=2' }, { models: priced('alpha') });
	const answer = await stage.ask({ body: { ...asked, padding: 'x'.repeat(4000) } });

	assert.ok(textOf(answer.text).includes('tok0') && !answer.text.includes('[DONE]'));
	assert.equal((await line(stage, answer)).cost_usd, 'unknown');
	const { unknown, cost, wasted, tokens } = await books(stage);
	assert.deepEqual([unknown('alpha', 'cut'), cost('alpha'), tokens('alpha', 'input')], [1, 0, 0]);
	const [lost, dollars] = wasted('alpha');
	assert.ok(lost >= 1000 && lost < 1100, `${lost} tokens of about 4100 bytes`);
	assert.equal(dollars, lost * 2500);
});

await test('one that is too slow has taken its prompt; one that cannot be reached has not', async (t) => {
	const stage = await play(t, mock, { alpha: 'hang', beta: '200' },
		{ models: priced('alpha', 'beta'), chain: { attempt_timeout: '300ms' } });

	assert.equal((await stage.ask({ body: { padding: 'x'.repeat(4000) } })).headers['x-weir-target'], stage.at('beta'));
	await stage.script({ alpha: 'reset@headers' });
	await stage.ask();
	const { wasted } = await books(stage);
	const [lost, dollars] = wasted('alpha');
	assert.ok(lost >= 1000 && lost < 1100, `${lost} tokens of about 4100 bytes`);
	assert.equal(dollars, lost * 2500);
});

await test('an Anthropic target, asked in its own words and in OpenAI’s', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=7' }, {
		models: priced('alpha'), providers: { alpha: { dialect: 'anthropic', base_url: mock.urls.alpha } },
	});
	const body = { model: stage.model, max_tokens: 99, messages: [{ role: 'user', content: 'hi' }] };
	const own = await post(stage.weir.address, '/v1/messages', body);
	const { usage } = JSON.parse(own.text);
	const cost = usage.input_tokens * 2500 + usage.output_tokens * 10000;

	assert.equal(usage.output_tokens, 7);
	assert.equal(nano(own.headers['x-weir-cost-usd']), cost);
	const told = await chat(stage.weir, body);
	const { prompt_tokens: tokensIn } = JSON.parse(told.text).usage;
	assert.equal(nano(told.headers['x-weir-cost-usd']), tokensIn * 2500 + 70000);
	for (const path of ['/v1/messages', '/v1/chat/completions']) // it counts every stream
		await post(stage.weir.address, path, { ...body, stream: true });
	const counted = await post(stage.weir.address, '/v1/messages/count_tokens', body);
	assert.equal((await line(stage, counted)).cost_usd, null);
	await books(stage);
	assert.equal(stage.weir.of('request').filter(({ cost_usd: usd }) => usd > 0).length, 4);
});

const COUNT = { chain: { stream_usage: 'on' } };
const counted = (more = {}) => ({ models: priced('alpha', 'beta'), ...COUNT, ...more });

for (const path of ['/v1/chat/completions', '/v1/completions']) {
	await test(`stream_usage: ${path} is counted, and its caller sees what it would have seen`, async (t) => {
		const stage = await play(t, mock, { alpha: '200;tokens=7' }, counted());
		const plain = await play(t, mock, { alpha: '200;tokens=7' }, { models: priced('alpha') });
		const body = (of) => ({ ...(path.endsWith('chat/completions') ? { messages: [{ role: 'user', content: 'hi' }] } : { prompt: 'hi' }),
			model: of.model, stream: true });
		const [hidden, shown] = await Promise.all([stage, plain].map((of) => post(of.weir.address, path, body(of))));
		const alike = (text) => text.replaceAll(/"(id|created|model)":("[^"]*"|\d+)/g, '"$1":0');

		assert.equal(hidden.status, 200);
		assert.ok(!hidden.text.includes('usage'), hidden.text);
		assert.equal(alike(hidden.text), alike(shown.text));
		const { cost_usd: usd, tokens_out: tokensOut } = await line(stage, hidden);
		assert.deepEqual([usd > 0, tokensOut], [true, 7]);
		assert.equal((await line(plain, shown)).cost_usd, 'unknown');
		await books(stage);
	});
}

await test('stream_usage: who asks is told, who says anything himself is left alone', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=7' }, counted());
	const told = await stage.ask({ body: asked });
	const refused = await stage.ask({ body: { stream: true, stream_options: { include_usage: false } } });
	const none = await stage.ask({ body: { stream: true, stream_options: null } });

	assert.match(told.text, /"usage":\{"prompt_tokens":/);
	assert.ok(!refused.text.includes('usage') && !none.text.includes('usage'));
	assert.equal((await line(stage, refused)).cost_usd, 'unknown');
	assert.ok((await line(stage, told)).cost_usd > 0 && (await line(stage, none)).cost_usd > 0);
});

await test('stream_usage: a target that does not know it is asked without, and nobody notices', async (t) => {
	const stage = await play(t, mock, { alpha: 'unsupported-parameter;param=stream_options,200' }, counted());
	const answer = await stage.ask({ body: { stream: true } });

	assert.equal(answer.status, 200);
	assert.ok(textOf(answer.text).includes('tok0') && answer.text.includes('[DONE]'));
	assert.equal((await line(stage, answer)).cost_usd, 'unknown');
	assert.equal(await stage.hits('alpha'), 2);
});

await test('stream_usage: the fallback is counted too, with its own overrides', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200;tokens=7' }, counted());
	const answer = await stage.ask({ body: { stream: true, fallbacks: [{ model: stage.at('beta'), temperature: 0 }] } });

	assert.ok(!answer.text.includes('usage'));
	const { target, cost_usd: usd } = await line(stage, answer);
	assert.deepEqual([target, usd > 0], [stage.at('beta'), true]);
});

await test('small costs add up to the last nano-dollar', async (t) => {
	const usage = { prompt_tokens: 3, completion_tokens: 1 };
	const stage = await play(t, mock, { alpha: saying(usage) },
		{ models: (at) => ({ [at('alpha')]: { input_price: 0.001, output_price: 0.0005 } }) });

	for (let i = 0; i < 5; i++)
		await stage.crowd(50);
	assert.equal((await books(stage)).cost('alpha'), 250 * 4); // 3.5 nano-dollars each, a half up
});

await done();
