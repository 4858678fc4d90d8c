// /metrics as scrapers see it: both formats, every series from the start, and books that balance
// at each scrape, also while requests of every fate are under way.
import assert from 'node:assert/strict';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { parseMetrics, startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, get, nonce } from './lib/http.mjs';
import { checkOpenMetrics, checkText, promtool } from './lib/exposition.mjs';
import { balanced, sum } from './lib/stage.mjs';

const OPEN = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
const PLAIN = 'text/plain; version=0.0.4; charset=utf-8';
const mock = share(await startMock({ alpha: '200', beta: '200', locked: '401', dead: 'refuse' }));
const scripts = {
	'alpha/broken': '500;chance=50%', 'alpha/limited': '429;retry-after=1,200*5',
	'alpha/silent': 'hang', 'alpha/torn': '200,cut;after=3', 'alpha/slow': '200;latency=100ms;jitter=200ms',
	'alpha/wrong': '400', 'alpha/down': '500', 'alpha/gone': '503', 'beta/gone': '503,429', 'beta/spare': '200;latency=5ms;jitter=20ms',
	'beta/torn': 'reset@status,cut;after=5,200',
};
await mock.script(scripts);

const chain = (name, more = {}) => ({ steps: [`alpha/${name}`, 'beta/spare'], ...more });
const config = {
	providers: { ...mock.providers(), full: { ...mock.providers('alpha').alpha, max_inflight: 1 } },
	chains: {
		fine: chain('fine'), broken: chain('broken'), limited: chain('limited'), denied: { steps: ['locked/m', 'beta/spare'] },
		silent: chain('silent', { attempt_timeout: '300ms', first_token_timeout: '300ms' }),
		torn: { steps: ['alpha/torn', 'beta/torn'] },
		late: { steps: ['alpha/silent'], deadline: '700ms' },
		hedged: chain('slow', { hedge: 'on' }), wrong: chain('wrong'),
		gone: { steps: ['alpha/gone', 'beta/gone'] }, down: chain('down'), dead: { steps: ['dead/m', 'beta/spare'] },
		full: { steps: ['full/slow'] },
	},
};
const CHAINS = Object.keys(config.chains);
const labelled = (series, name) => [...series].filter(([key]) => key.startsWith(`${name}{`));

// Sums by some of the labels: { 'chain="fine"': 3 }
function by(series, name, ...labels) {
	const sums = new Map();

	for (const [key, value] of labelled(series, name)) {
		const which = labels.map((label) => key.match(new RegExp(`[{,]${label}="[^"]*"`))[0].slice(1)).join();
		sums.set(which, (sums.get(which) ?? 0) + value);
	}
	return sums;
}

const start = () => startWeir(structuredClone(config));

await test('OpenMetrics for who asks for it, plain text for everybody else', async (t) => {
	const weir = t.keep(await start());
	const prometheus2 = 'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,' +
		'text/plain;version=0.0.4;q=0.5,*/*;q=0.1';
	const prometheus3 = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,' +
		'application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,*/*;q=0.2';
	const wishes = [
		[undefined, PLAIN], ['*/*', PLAIN], ['text/plain', PLAIN], ['text/html,*/*;q=0.8', PLAIN],
		[OPEN, OPEN], ['application/openmetrics-text', OPEN], [prometheus2, OPEN], [prometheus3, OPEN],
		['application/openmetrics-text; version=2.0.0', PLAIN], ['application/openmetrics-text;q=0', PLAIN],
		['text/plain, application/openmetrics-text;version=1.0.0;q=0.5', PLAIN],
	];

	for (const [accept, type] of wishes) {
		const answer = await get(weir.admin, '/metrics', { headers: accept ? { accept } : {} });

		assert.equal(answer.headers['content-type'], type, accept);
		(type === OPEN ? checkOpenMetrics : checkText)(answer.text);
	}
});

await test('exemplars name the requests that fell into a bucket', async (t) => {
	const weir = t.keep(await start());

	for (const model of ['fine', 'gone', 'hedged'])
		await chat(weir, ask(model, nonce(), { stream: model === 'fine' }));
	const { text } = await get(weir.admin, '/metrics', { headers: { accept: OPEN } });
	const found = checkOpenMetrics(text);
	const ids = weir.of('request').map((line) => line.request_id);

	for (const name of ['weir_request_seconds', 'weir_first_token_seconds', 'weir_overhead_seconds',
		'weir_attempt_duration_seconds']) {
		const own = found.filter((sample) => sample.name === `${name}_bucket`);

		assert.ok(own.length > 0, name);
		for (const { exemplar } of own)
			assert.ok(ids.includes(exemplar.labels.match(/^request_id="(.+)"$/)[1]), exemplar.labels);
	}
	checkText((await get(weir.admin, '/metrics')).text);
});

await test('promtool has nothing to say, at the start and after all kinds of requests', async (t) => {
	const weir = t.keep(await start());
	const lint = async () => {
		const { code, out } = await promtool(['check', 'metrics'], (await get(weir.admin, '/metrics')).text);

		assert.equal(out, '');
		assert.equal(code, 0);
	};

	await lint();
	await Promise.all(CHAINS.map((model) => chat(weir, ask(model, nonce()))));
	await lint();
});

await test('every series that requests bring about was there before, at zero', async (t) => {
	const weir = t.keep(await start());
	const before = await weir.metrics();
	const gauges = /^(weir_(build_info|client_connect|target_up|breaker_state|config_|retry_budget_left|loop_lag_|heap_)|process_)/;

	for (const [name, value] of before)
		if (!gauges.test(name))
			assert.equal(value, 0, name);
	await Promise.all(CHAINS.map((model) => chat(weir, ask(model, nonce(), { stream: true }))));
	for (const name of (await weir.metrics()).keys())
		assert.ok(before.has(name), name);
});

// ---- at any time ----

const COUNTERS = /(_total|_bucket|_count|_sum)(\{|$)/;

// What holds of one scrape alone.
function checkBooks(series) {
	const requests = by(series, 'weir_requests_total', 'chain');
	const attempts = by(series, 'weir_attempts_total', 'target');
	const exhausted = by(series, 'weir_exhausted_total', 'chain');
	const outcomes = by(series, 'weir_requests_total', 'chain', 'outcome');
	const moves = by(series, 'weir_fallbacks_total', 'chain');

	for (const [which, n] of requests) {
		assert.equal(series.get(`weir_request_seconds_count{${which}}`), n, which);
		assert.equal(exhausted.get(which), outcomes.get(`${which},outcome="exhausted"`), which);
		assert.ok((moves.get(which) ?? 0) >= outcomes.get(`${which},outcome="failed_over"`), which);
		assert.ok(series.get(`weir_first_token_seconds_count{${which}}`) >=
			outcomes.get(`${which},outcome="ok"`) + outcomes.get(`${which},outcome="failed_over"`), which);
	}
	for (const [which, n] of attempts)
		assert.equal(series.get(`weir_attempt_duration_seconds_count{${which}}`), n, which);
	for (const [which, n] of by(series, 'weir_breaker_state', 'target'))
		assert.equal(n, 1, which);
	assert.equal(series.get('weir_overhead_seconds_count'), sum(series, 'weir_requests_total'));
	assert.equal(series.get('weir_series_lost_total'), 0);
	assert.ok(series.get('weir_queue_length') <= series.get('weir_inflight_requests'));
}

const begun = (series, of) => sum(series, `weir_${of}_total`) + sum(series, `weir_inflight_${of}`);

// What holds of two.
function checkSince(before, now) {
	for (const [name, value] of before)
		if (COUNTERS.test(name))
			assert.ok(now.get(name) >= value, `${name} went from ${value} to ${now.get(name)}`);
	for (const of of ['requests', 'attempts'])
		assert.ok(begun(now, of) >= begun(before, of), of);
}

class Crowd {
	sent = 0;
	answered = 0;
	left = 0;

	constructor(weir) {
		this.weir = weir;
		this.agent = new http.Agent({ keepAlive: true });
	}

	// One caller after another; some leave before they are answered.
	async call(until) {
		while (Date.now() < until) {
			const model = CHAINS[Math.floor(Math.random() * CHAINS.length)];
			const leaves = Math.random() < 0.1;
			const options = { agent: this.agent };

			if (leaves)
				options.onRequest = (req) => setTimeout(() => req.destroy(), Math.random() * 60);
			this.sent++;
			await chat(this.weir, ask(model, nonce(), { stream: Math.random() < 0.5 }), options)
				.then(() => this.answered++, () => this.left++);
		}
	}
}

await test('what goes in comes out or is under way: at each of many scrapes under faults', async (t) => {
	const weir = t.keep(await start());
	const crowd = new Crowd(weir);
	const until = Date.now() + 12_000;
	const callers = Promise.all(Array.from({ length: 24 }, () => crowd.call(until)));
	let before = await weir.metrics(), scrapes = 0, busy = 0;

	while (Date.now() < until) {
		const { answered } = crowd;
		const { text } = await get(weir.admin, '/metrics');
		const now = parseMetrics(text);
		const ended = sum(now, 'weir_requests_total');

		checkText(text);
		checkBooks(now);
		checkSince(before, now);
		assert.ok(ended >= answered, `${ended} ended, ${answered} answers seen`);
		assert.ok(begun(now, 'requests') <= crowd.sent, 'more begun than were sent');
		busy += now.get('weir_inflight_requests') > 0 && sum(now, 'weir_inflight_attempts') > 0;
		before = now;
		scrapes++;
		await sleep(10);
	}
	await callers;
	crowd.agent.destroy();
	const after = await balanced(weir);

	checkSince(before, after);
	assert.ok(busy >= 10, `${busy} of ${scrapes} scrapes saw requests under way`);
	assert.ok(crowd.answered > 100 && crowd.left > 0, `${crowd.answered} answered, ${crowd.left} left`);
	for (const outcome of ['ok', 'failed_over', 'exhausted', 'caller_error', 'hangup'])
		assert.ok(sum(after, 'weir_requests_total', `outcome="${outcome}"`) > 0, outcome);
	for (const name of ['weir_exhausted_total', 'code="deadline_exceeded"'])
		assert.ok(sum(after, name) > 0, name);
	for (const cls of ['ok', 'server_error', 'rate_limited', 'credentials', 'slow', 'cut', 'unreachable', 'hangup',
		'overloaded', 'caller'])
		assert.ok(sum(after, 'weir_attempts_total', `class="${cls}"`) > 0, cls);
});

await test('how targets stand: benched, breaker, budget, connections', async (t) => {
	const weir = t.keep(await start());
	const of = async (name) => (await weir.metrics()).get(name);

	assert.equal(await of('weir_target_up{target="locked/m"}'), 1);
	await chat(weir, ask('denied', nonce()));
	assert.equal(await of('weir_target_up{target="locked/m"}'), 0);
	assert.equal(await of('weir_target_benched{target="locked/m",class="credentials"}'), 1);
	assert.equal(await of('weir_target_benched{target="locked/m",class="quota"}'), 0);

	for (let i = 0; i < 4; i++)
		await chat(weir, ask('down', nonce()));
	assert.ok(await of('weir_breaker_transitions_total{target="alpha/down",to="open"}') >= 1);
	assert.equal(await of('weir_breaker_state{target="alpha/down",state="closed"}'), 0);
	assert.equal(await of('weir_target_up{target="alpha/down"}'), 0);
	assert.ok(await of('weir_retries_total{target="alpha/down"}') > 0);
	assert.ok(await of('weir_retry_budget_left{target="alpha/down"}') <
		await of('weir_retry_budget_left{target="alpha/fine"}'));

	await chat(weir, ask('fine', nonce()));
	await chat(weir, ask('fine', nonce()));
	await eventually(async () => await of(
		`weir_upstream_connections{provider="alpha",address="${mock.known('alpha')}",state="idle"}`) > 0, 'idle one');
	assert.ok(await of('weir_upstream_connects_total{target="alpha/fine",reused="true"}') > 0);
});

await test('overhead is our own time, not the provider\'s; the loop is not held up by waiting', async (t) => {
	const weir = t.keep(await start());
	const first = await weir.metrics();

	await mock.script({ 'alpha/fine': '200;latency=400ms;tokens=4;gap=50ms' });
	for (const stream of [false, true])
		await chat(weir, ask('fine', nonce(), { stream }));
	const series = await weir.metrics();
	const whole = series.get('weir_request_seconds_sum{chain="fine"}');

	assert.ok(whole >= 0.9, `${whole} s`);
	assert.ok(series.get('weir_overhead_seconds_sum') < whole / 4, `${series.get('weir_overhead_seconds_sum')} s`);
	assert.ok(series.get('weir_loop_lag_seconds_count') > first.get('weir_loop_lag_seconds_count'));
	assert.ok(series.get('weir_loop_lag_seconds_sum') - first.get('weir_loop_lag_seconds_sum') < whole / 2);
	await mock.script({ 'alpha/fine': '200' });
});

await test('the process: by the names that everybody knows', async (t) => {
	const weir = t.keep(await start());
	const series = await weir.metrics();

	assert.ok(series.get('process_cpu_seconds_total') > 0);
	assert.ok(series.get('process_resident_memory_bytes') > 1e6);
	assert.ok(series.get('process_open_fds') >= 8 && series.get('process_open_fds') < series.get('process_max_fds'));
	assert.ok(Math.abs(series.get('process_start_time_seconds') - Date.now() / 1000) < 120);
	const sockets = t.keep({ list: [], stop() { this.list.forEach((a) => a.destroy()); } });
	const agent = new http.Agent({ keepAlive: true, maxSockets: 50 });
	sockets.list.push(agent);
	await Promise.all(Array.from({ length: 40 }, () => get(weir.address, '/livez', { agent })));
	assert.ok((await weir.metrics()).get('process_open_fds') >= series.get('process_open_fds') + 20);
	assert.match([...series.keys()].find((name) => name.startsWith('weir_build_info')),
		/^weir_build_info\{version="\d.*",libuv="\d.*",mbedtls="\d.*"\}$/);
});

// N-02
await test('scrapes of ten thousand series hold nobody up', async (t) => {
	const many = Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`chain-${i}`, chain('fine')]));
	const weir = t.keep(await startWeir({ ...config, chains: many }));
	const first = await get(weir.admin, '/metrics');
	let scrapes = 0, over = false;
	const scraping = (async () => {
		for (; !over; scrapes++)
			assert.equal((await get(weir.admin, '/metrics')).text.length > 500_000, true);
	})();

	checkText(first.text);
	assert.ok(parseMetrics(first.text).size >= 10_000, `${parseMetrics(first.text).size} series`);
	for (let i = 0; i < 200; i++) {
		const token = nonce();
		const answer = await chat(weir, ask(`chain-${i % 120}`, token, { stream: i % 2 === 0 }));

		assert.equal(answer.status, 200);
		assert.ok(answer.whole && answer.text.includes(token));
	}
	over = true;
	await scraping;
	const series = await weir.metrics();
	const long = series.get('weir_loop_lag_seconds_count') - series.get('weir_loop_lag_seconds_bucket{le="0.05"}');
	console.log(`# ${scrapes} scrapes of ${series.size} series meanwhile; ${long} turns of the loop took more than 50 ms`);
	assert.ok(scrapes > 0);
});

await done();
