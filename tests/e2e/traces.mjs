// OpenTelemetry traces: the right tree for every kind of request, and a collector that is away,
// slow or unwilling harms nobody.
import assert from 'node:assert/strict';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, nonce, post } from './lib/http.mjs';
import { Collector } from './lib/otlp.mjs';
import { play } from './lib/stage.mjs';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736', SPAN = '00f067aa0ba902b7';
const parent = (flags = '01') => ({ traceparent: `00-${TRACE}-${SPAN}-${flags}` });
const SECRETS = { KEY: 'sk-traces-0123456789', OTHER: 'tenant-0123456789' };

const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200' }));
const idOf = (answer) => answer.headers['x-weir-request-id'];
const of = (span, ...names) => names.map((name) => span.attributes[name]);

// A stage whose weir tells a collector of its own.
async function traced(t, scripts, { env, ...more } = {}) {
	const collector = t.keep(await Collector.start());
	const stage = await play(t, mock, scripts, { env: collector.env(env), ...more });

	return { collector, stage, weir: stage.weir };
}

const counts = async (weir) => {
	const series = await weir.metrics();
	return ['exported', 'dropped'].map((word) => series.get(`weir_otlp_${word}_total{signal="traces"}`));
};

await test('a fallback: one server span, one client span per attempt, and the move as an event', async (t) => {
	const { collector, stage } = await traced(t, { alpha: '503', beta: '200;tokens=7' });
	const answer = await stage.ask();
	const { root, attempts } = await collector.tree(idOf(answer), 2);

	assert.deepEqual([root.name, root.kind, root.error], ['POST /v1/chat/completions', 2, false]);
	assert.equal(root.parentSpanId, undefined);
	assert.deepEqual(of(root, 'http.request.method', 'http.route', 'http.response.status_code', 'error.type'),
		['POST', '/v1/chat/completions', 200, undefined]);
	assert.deepEqual(of(root, 'weir.chain', 'weir.model', 'weir.outcome', 'weir.attempts', 'weir.fallbacks', 'weir.target'),
		[stage.model, stage.model, 'failed_over', 2, 1, stage.at('beta')]);
	assert.deepEqual(root.events.map((e) => [e.name, ...of(e, 'weir.from', 'weir.to', 'weir.class', 'weir.reason')]),
		[['weir.fallback', stage.at('alpha'), stage.at('beta'), 'overloaded', 'overloaded']]);
	const [first, second] = attempts;
	assert.deepEqual(attempts.map((one) => one.name), Array(2).fill(`chat ${stage.model}`));
	assert.deepEqual([first.error, second.error], [true, false]);
	assert.deepEqual(of(first, 'gen_ai.operation.name', 'gen_ai.provider.name', 'gen_ai.request.model',
		'http.response.status_code', 'error.type', 'weir.target', 'weir.attempt', 'weir.class', 'http.request.resend_count'),
	['chat', 'alpha', stage.model, 503, 'overloaded', stage.at('alpha'), 1, 'overloaded', undefined]);
	assert.deepEqual(of(second, 'gen_ai.provider.name', 'http.response.status_code', 'error.type', 'weir.class', 'http.request.resend_count'),
		['beta', 200, undefined, 'ok', 1]);
	assert.equal(second.attributes['gen_ai.usage.output_tokens'], JSON.parse(answer.text).usage.completion_tokens);
	assert.equal(second.attributes['gen_ai.usage.input_tokens'], JSON.parse(answer.text).usage.prompt_tokens);
	assert.equal(second.attributes['gen_ai.response.model'], JSON.parse(answer.text).model);
	assert.deepEqual(of(second, 'server.address', 'server.port'), ['127.0.0.1', Number(mock.known('beta').split(':')[1])]);
	assert.ok(BigInt(first.endTimeUnixNano) <= BigInt(second.startTimeUnixNano), 'one after the other');
	const line = await stage.weir.request(idOf(answer));
	assert.equal(line.trace_id, root.traceId);
	assert.equal(root.resource['service.name'], 'weir');
	collector.check();
});

await test('streams, retries, exhausted chains and refusals are told as what they were', async (t) => {
	const { collector, stage, weir } = await traced(t, { alpha: '200;tokens=9', beta: '200' }, { chain: { retries: 1 } });

	const stream = await stage.ask({ body: { stream: true, stream_options: { include_usage: true } } });
	const told = await collector.tree(idOf(stream), 1);
	assert.equal(told.attempts[0].attributes['gen_ai.request.stream'], true);
	assert.ok(told.attempts[0].attributes['gen_ai.response.time_to_first_chunk'] > 0);
	assert.equal(told.attempts[0].attributes['gen_ai.usage.output_tokens'] > 0, true);
	assert.equal(told.attempts[0].attributes['gen_ai.response.model'], stage.model);

	await stage.script({ alpha: '500,200' });
	const again = await collector.tree(idOf(await stage.ask()), 2);
	assert.deepEqual(again.root.events.map(({ name }) => name), ['weir.retry']);
	assert.equal(again.root.attributes['weir.outcome'], 'ok');

	await stage.script({ alpha: '500', beta: '429' });
	const failed = await stage.ask();
	const end = await collector.tree(idOf(failed));
	assert.equal(end.root.error, true);
	assert.deepEqual(of(end.root, 'weir.outcome', 'http.response.status_code'), ['exhausted', failed.status]);
	assert.ok(end.attempts.every((one) => one.error && one.attributes['error.type']));

	await stage.script({ alpha: 'cut;after=3;tokens=9' });
	const cut = await stage.ask({ body: { stream: true } });
	const halved = await collector.tree(idOf(cut));
	assert.deepEqual([halved.root.error, halved.root.attributes['error.type']], [true, 'cut']);

	const refused = await chat(weir, ask('no-such-model'));
	const none = await collector.tree(idOf(refused), 0);
	assert.deepEqual([none.root.error, ...of(none.root, 'http.response.status_code', 'weir.outcome', 'weir.chain')],
		[false, 404, 'rejected', 'other']);
	collector.check();
});

await test('the model is told as each dialect names it, in streams and in whole answers', async (t) => {
	for (const dialect of ['anthropic', 'gemini'])
		for (const stream of [false, true]) {
			const { collector, stage } = await traced(t, { alpha: '200;tokens=5' },
				{ providers: { alpha: { dialect, base_url: mock.urls.alpha } } });
			const answer = await stage.ask({ body: { stream } });

			assert.equal(answer.status, 200, answer.text);
			const { attempts: [one] } = await collector.tree(idOf(answer), 1);
			assert.equal(one.attributes['gen_ai.response.model'], stage.model, `${dialect} ${stream}`);
			assert.equal(one.name, `chat ${stage.model}`);
			await stage.weir.stop();
		}
});

await test('a caller that leaves, and a hedge that is overtaken', async (t) => {
	const { collector, stage, weir } = await traced(t, { alpha: '200;tokens=500;gap=20ms', beta: '200' });
	const wire = await Wire.open(weir.address);
	const body = JSON.stringify(ask(stage.model, nonce(), { stream: true }));

	wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
	await wire.until((text) => text.includes('tok1'), 'words');
	wire.stop();
	const line = await weir.event('request', ({ outcome }) => outcome === 'hangup');
	const left = await collector.tree(line.request_id, 1);
	assert.deepEqual([left.root.error, ...of(left.root, 'error.type', 'weir.outcome')], [false, 'hangup', 'hangup']);
	assert.deepEqual([left.attempts[0].error, ...of(left.attempts[0], 'weir.class', 'error.type')], [false, 'hangup', 'hangup']);
	collector.check();

	const hedging = await traced(t, { alpha: '200', beta: '200' }, { chain: { hedge: 'on', attempt_timeout: '20s' } });
	await hedging.stage.asks(20);
	await hedging.stage.script({ alpha: 'hang' });
	const both = await hedging.collector.tree(idOf(await hedging.stage.ask()), 2);
	assert.deepEqual(both.root.events.map(({ name }) => name), ['weir.hedge', 'weir.fallback']);
	assert.deepEqual(both.attempts.map((one) => one.attributes['weir.class']), ['hangup', 'ok']);
	assert.ok(BigInt(both.attempts[1].startTimeUnixNano) < BigInt(both.attempts[0].endTimeUnixNano), 'side by side');
	hedging.collector.check();
});

await test('traceparent is continued; a bad one begins a new trace; nothing of it is passed on', async (t) => {
	const { collector, stage } = await traced(t, { alpha: '200', beta: '200' });
	const given = await stage.ask({ headers: { ...parent(), tracestate: 'vendor=secret', baggage: 'user=me' } });
	const { root } = await collector.tree(idOf(given), 1);

	assert.deepEqual([root.traceId, root.parentSpanId, root.flags & 0x301], [TRACE, SPAN, 0x301]);
	const { headers } = await mock.last('alpha', stage.model);
	for (const name of Object.keys(headers))
		assert.ok(!/^(traceparent|tracestate|baggage)$/i.test(name), name);
	for (const bad of [`00-${TRACE}-${SPAN}`, `00-${TRACE}-${SPAN}-01-x`, `ff-${TRACE}-${SPAN}-01`, `0-${TRACE}-${SPAN}-01`,
		`00-${TRACE.toUpperCase()}-${SPAN}-01`, `00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`,
		`00-${TRACE}-${SPAN}-0g`, `00_${TRACE}-${SPAN}-01`, '', 'x'.repeat(4000)]) {
		const anew = (await collector.tree(idOf(await stage.ask({ headers: { traceparent: bad } })), 1)).root;
		assert.notEqual(anew.traceId, TRACE, bad);
		assert.equal(anew.parentSpanId, undefined, bad);
	}
	const later = await stage.ask({ headers: { traceparent: `cc-${TRACE}-${SPAN}-01-what-the-future-brings` } });
	assert.equal((await collector.tree(idOf(later), 1)).root.traceId, TRACE);
	collector.check([SPAN]);
});

await test('traceparent: on — the provider is told the span of its attempt', async (t) => {
	const { collector, stage } = await traced(t, { alpha: '500', beta: '200' }, { providers: { beta: { traceparent: 'on' } } });
	const answer = await stage.ask({ headers: parent() });
	const { attempts } = await collector.tree(idOf(answer), 2);

	const headersOf = async (vendor) => JSON.stringify((await mock.last(vendor, stage.model)).headers);
	assert.ok(!(await headersOf('alpha')).includes('traceparent'));
	assert.ok((await headersOf('beta')).includes(`00-${TRACE}-${attempts[1].spanId}-01`));
	await stage.ask({ headers: parent('00') });
	assert.match(await headersOf('beta'), new RegExp(`00-${TRACE}-(?!${SPAN})[0-9a-f]{16}-00`));
	collector.check([SPAN]);
});

await test('what is kept: the parent\'s word, always, never, a share', async (t) => {
	const kept = async (env, headers, n = 1) => {
		const { collector, stage } = await traced(t, { alpha: '200' }, { env });
		const answers = await stage.asks(n, { headers });

		await stage.weir.stop(); // all that is kept has been sent by then
		collector.check([SPAN]);
		return answers.filter((one) => collector.spans.some((span) => span.attributes['weir.request_id'] === idOf(one))).length;
	};

	assert.equal(await kept({}, parent('01')), 1);
	assert.equal(await kept({}, parent('00')), 0);
	assert.equal(await kept({ OTEL_TRACES_SAMPLER: 'always_on' }, parent('00')), 1);
	assert.equal(await kept({ OTEL_TRACES_SAMPLER: 'always_off' }, parent('01')), 0);
	assert.equal(await kept({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, parent('01')), 1);
	assert.equal(await kept({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, {}), 0);
	assert.equal(await kept({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' }, {}, 20), 0);
	const half = await kept({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' }, {}, 200);
	assert.ok(half > 50 && half < 150, `${half} of 200`);
});

await test('off: without an endpoint, by OTEL_SDK_DISABLED, by OTEL_TRACES_EXPORTER', async (t) => {
	const collector = t.keep(await Collector.start());

	for (const env of [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, { OTEL_SDK_DISABLED: 'true' }, { OTEL_TRACES_EXPORTER: 'none' },
		{ OTEL_TRACES_EXPORTER: 'zipkin' }, { OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }]) {
		const stage = await play(t, mock, { alpha: '200' }, { env: collector.env(env) });
		const answer = await stage.ask();
		assert.equal(answer.status, 200);
		assert.equal((await stage.weir.request(idOf(answer))).trace_id, undefined);
		assert.deepEqual(await counts(stage.weir), [0, 0]);
		await stage.weir.stop();
	}
	assert.equal(collector.messages.length, 0);
});

await test('names, attributes and headers as the variables say; nothing of callers in any span', async (t) => {
	const prompt = 'the-canary-sings';
	const { collector, stage, weir } = await traced(t, { alpha: '500', beta: '200' }, {
		providers: { alpha: { keys: ['${KEY}'] }, beta: { headers: { 'x-tenant': '${OTHER}' } } },
		env: {
			...SECRETS, OTEL_SERVICE_NAME: 'edge "1"',
			OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod%2C%C3%BC,service.name=ignored,,broken',
			OTEL_EXPORTER_OTLP_HEADERS: 'x-api-token=a%20b , x-other = c,content-length=7',
		},
	});
	const answer = await chat(weir, ask(stage.model, prompt, { user: 'canary-user' }), { headers: { 'x-canary': 'canary-header' } });
	const { root, attempts } = await collector.tree(idOf(answer), 2);

	assert.deepEqual(root.resource, { 'service.name': 'edge "1"', 'deployment.environment.name': 'prod,ü' });
	const { headers, path } = collector.messages[0];
	assert.deepEqual([path, headers['x-api-token'], headers['x-other']], ['/v1/traces', 'a b', 'c']);
	assert.equal(weir.of('traces').filter(({ level }) => level === 'warn').length, 2);
	const all = JSON.stringify([root, attempts]) + weir.lines.join('');
	for (const secret of [prompt, 'canary', ...Object.values(SECRETS), 'a b'])
		assert.ok(!all.includes(secret), secret);
});

await test('what callers write comes as valid JSON, cut where it is too long', async (t) => {
	const { collector, weir } = await traced(t, { alpha: '200' });

	for (const model of ['"}],"x":[{"', '\u2028\u0000\u001b[31m"\\', '💥'.repeat(60), 'é'.repeat(120)])
		await chat(weir, ask(model));
	await eventually(() => collector.spans.length === 4, 'all of them');
	assert.ok(collector.spans.every((one) => one.attributes['weir.outcome'] === 'rejected'));
});

await test('batches: as many as they may have at once, the rest after the delay, all of it at the end', async (t) => {
	const { collector, stage } = await traced(t, { alpha: '200' },
		{ env: { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10', OTEL_BSP_SCHEDULE_DELAY: '60000' } });

	await stage.crowd(24);
	await eventually(() => collector.spans.length >= 40, 'full batches');
	assert.ok(collector.messages.every(({ spans }) => spans === 10));
	await stage.asks(1);
	await stage.weir.stop();
	assert.equal(collector.spans.length, 50);
	collector.check();
});

await test('over TLS, with the CA that the variables name, and never with another', async (t) => {
	const ca = path.join(scratch, 'traces-ca.pem');
	const tls = t.keep(await startMock({ collector: { script: '200', tls: 'valid' } }, { caOut: ca }));
	const env = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${tls.urls.collector}/v1/nothing`, OTEL_BSP_SCHEDULE_DELAY: '0' };
	const said = async (more, words) => {
		const { stage, weir } = await traced(t, { alpha: '200' }, { env: { ...env, ...more } });

		assert.equal((await stage.ask()).status, 200);
		await weir.event('traces', ({ message }) => words.test(message));
		await weir.stop();
	};

	assert.match(tls.urls.collector, /^https:/);
	await said({ OTEL_EXPORTER_OTLP_CERTIFICATE: ca }, /takes no traces: it answered 404/); // it is no collector
	await said({}, /takes no traces: .*(CA|certificate)/);
	await said({ OTEL_EXPORTER_OTLP_CERTIFICATE: '/no/such.pem' }, /no traces are sent: /);
});

// The requests of n callers at once, all of them answered.
async function served(stage, n = 50) {
	for (const { status } of await stage.crowd(n))
		assert.equal(status, 200);
}

await test('503, 429 and a lost connection are tried again, as late as they say', async (t) => {
	const collector = t.keep(await Collector.start());
	const stage = await play(t, mock, { alpha: '200' }, { env: collector.env() });

	collector.answer = (n) => ({ 1: { status: 503 }, 2: { status: 429, headers: { 'retry-after': '2' } } })[n] ?? {};
	await served(stage, 5);
	await eventually(() => collector.spans.length === 10, 'all of them');
	const [first, second, third] = collector.messages;
	assert.ok(second.at - first.at >= 740, `${second.at - first.at} ms`);
	assert.ok(third.at - second.at >= 1990, `${third.at - second.at} ms`);
	assert.deepEqual(await counts(stage.weir), [10, 0]);
	collector.check();
	assert.equal(stage.weir.of('traces').filter(({ message }) => /takes no traces/.test(message)).length, 1);
	await stage.weir.event('traces', ({ message }) => /takes traces again/.test(message));
});

await test('400 is not tried again; of a partial success the rest counts as dropped', async (t) => {
	const { collector, stage, weir } = await traced(t, { alpha: '200' });

	collector.answer = (n) => n === 1 ? { status: 400 } : {
		body: JSON.stringify({ partialSuccess: { rejectedSpans: '3', errorMessage: 'too old' } }),
	};
	await served(stage, 5);
	await eventually(async () => (await counts(weir))[1] === 10, 'its loss');
	await served(stage, 5);
	await eventually(async () => (await counts(weir)).join() === '7,13', 'the part');
	assert.equal(collector.messages.length, 2);
	assert.equal(collector.spans.length, 10); // our receiver has them all
});

for (const [what, prepare] of [
	['away', async (collector) => collector.away()],
	['accepting and never reading', async (collector) => { collector.answer = () => ({ deaf: true }); }],
	['reading and never answering', async (collector) => { collector.answer = () => ({ hang: true }); }],
	['always 503', async (collector) => { collector.answer = () => ({ status: 503 }); }],
]) {
	await test(`a collector ${what}: requests are served, spans dropped and counted, and it stays bounded`, async (t) => {
		const { collector, stage, weir } = await traced(t, { alpha: '200' }, {
			env: {
				OTEL_BSP_MAX_QUEUE_SIZE: '64', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16', OTEL_BSP_EXPORT_TIMEOUT: '1500',
				OTEL_EXPORTER_OTLP_TIMEOUT: '500',
			},
		});

		await prepare(collector);
		for (let i = 0; i < 6; i++)
			await served(stage, 50);
		const [exported, dropped] = await counts(weir);
		assert.equal(exported, 0);
		assert.ok(dropped >= 600 - 64 - 16 - 32, `${dropped} dropped`);
		assert.ok(dropped <= 600);
		const began = Date.now();
		await weir.stop();
		assert.ok(Date.now() - began < 30_000, 'it waits for nobody');
	});
}

await test('it comes back: traces go on, and the drops stop', async (t) => {
	const collector = t.keep(await Collector.start());
	const stage = await play(t, mock, { alpha: '200' }, { env: collector.env({ OTEL_BSP_EXPORT_TIMEOUT: '500' }) });
	const { port } = collector;

	await served(stage, 5);
	await eventually(() => collector.spans.length === 10, 'the first ones');
	await collector.away();
	await served(stage, 5);
	await eventually(async () => (await counts(stage.weir))[1] === 10, 'a loss');
	await collector.listen(port);
	await served(stage, 5);
	await eventually(() => collector.spans.length === 20, 'the next ones');
	assert.deepEqual(await counts(stage.weir), [20, 10]);
	collector.check();
});

await test('a drain sends what is there, and waits for a hanging collector only so long', async (t) => {
	const { collector, stage, weir } = await traced(t, { alpha: '200' }, { env: { OTEL_BSP_SCHEDULE_DELAY: '60000' } });

	await served(stage, 20);
	assert.equal(collector.spans.length, 0);
	await weir.stop();
	assert.equal(collector.spans.length, 40);
	collector.check();

	const other = await traced(t, { alpha: '200' }, { env: { OTEL_BSP_SCHEDULE_DELAY: '60000' } });
	other.collector.answer = () => ({ hang: true });
	await served(other.stage, 5);
	const began = Date.now();
	await other.weir.stop();
	const ms = Date.now() - began;
	assert.ok(ms >= 4900 && ms < 30_000, `${ms} ms`);
});

await test('reloads and a second signal do it no harm', async (t) => {
	const { collector, stage, weir } = await traced(t, { alpha: '200' });

	for (let i = 0; i < 5; i++) {
		await served(stage, 5);
		assert.equal((await post(weir.admin, '/reload', '', { headers: { 'x-weir-admin': '1' } })).status, 200);
	}
	await eventually(() => collector.spans.length === 50, 'all of them');
	collector.answer = () => ({ hang: true });
	await served(stage, 5);
	weir.signal('SIGTERM');
	await weir.event('draining');
	await weir.stop('SIGINT');
});

await done();
