// A strict OTLP/HTTP receiver: what a message may hold, by opentelemetry-proto 1.x and its JSON
// mapping, where a real collector would shut an eye.
import assert from 'node:assert/strict';
import http from 'node:http';
import { eventually } from './http.mjs';

const list = (of) => (value, at) => {
	assert.ok(Array.isArray(value), `${at} is no list`);
	value.forEach((one, i) => of(one, `${at}[${i}]`));
};
const text = (value, at) => {
	assert.equal(typeof value, 'string', `${at} is no text`);
	assert.ok(value.isWellFormed() && !value.includes('\ufffd\ufffd\ufffd'), `${at} is no Unicode`);
};
const bool = (value, at) => assert.equal(typeof value, 'boolean', at);
const double = (value, at) => assert.ok(typeof value === 'number' && Number.isFinite(value), `${at}: ${value}`);
const uint32 = (value, at) => assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32, `${at}: ${value}`);
const oneOf = (...values) => (value, at) => assert.ok(values.includes(value), `${at}: ${value}`);
const whole = (min, max) => (value, at) => {
	assert.equal(typeof value, 'string', `${at}: a 64-bit number is a text`);
	assert.match(value, /^(0|-?[1-9]\d*)$/, at);
	assert.ok(BigInt(value) >= min && BigInt(value) <= max, `${at}: ${value}`);
};
const uint64 = whole(0n, 2n ** 64n - 1n);
const int64 = whole(-(2n ** 63n), 2n ** 63n - 1n);
const hex = (digits) => (value, at) => {
	assert.match(value, new RegExp(`^[0-9a-f]{${digits}}$`), at);
	assert.notEqual(value, '0'.repeat(digits), at);
};

// fields: { name: check }; those in must are there, and no others are.
const message = (fields, must = []) => (value, at) => {
	assert.ok(value && typeof value === 'object' && !Array.isArray(value), `${at} is no message`);
	for (const name of must)
		assert.ok(name in value, `${at} lacks ${name}`);
	for (const [name, one] of Object.entries(value)) {
		assert.ok(name in fields, `${at} has an unknown field ${name}`);
		fields[name](one, `${at}.${name}`);
	}
};

function anyValue(value, at) {
	message({ stringValue: text, boolValue: bool, intValue: int64, doubleValue: double }, [])(value, at);
	assert.equal(Object.keys(value).length, 1, `${at} is one value`);
}

const keyValues = (value, at) => {
	list(message({ key: text, value: anyValue }, ['key', 'value']))(value, at);
	const keys = value.map(({ key }) => key);
	assert.equal(new Set(keys).size, keys.length, `${at} has a key twice: ${keys}`);
	assert.ok(keys.every((key) => key.length > 0), at);
};

const event = message({ timeUnixNano: uint64, name: text, attributes: keyValues, droppedAttributesCount: uint32 },
	['timeUnixNano', 'name']);
const status = message({ message: text, code: oneOf(0, 1, 2) });
const span = message({
	traceId: hex(32), spanId: hex(16), parentSpanId: hex(16), traceState: text, flags: uint32,
	name: text, kind: oneOf(1, 2, 3, 4, 5), startTimeUnixNano: uint64, endTimeUnixNano: uint64,
	attributes: keyValues, droppedAttributesCount: uint32, events: list(event), droppedEventsCount: uint32,
	status,
}, ['traceId', 'spanId', 'name', 'kind', 'startTimeUnixNano', 'endTimeUnixNano']);
const request = message({
	resourceSpans: list(message({
		resource: message({ attributes: keyValues, droppedAttributesCount: uint32 }),
		scopeSpans: list(message({
			scope: message({ name: text, version: text, attributes: keyValues, droppedAttributesCount: uint32 }),
			spans: list(span),
			schemaUrl: text,
		}, ['spans'])),
		schemaUrl: text,
	}, ['scopeSpans'])),
}, ['resourceSpans']);

const plain = (attributes = []) => Object.fromEntries(attributes.map(({ key, value }) => {
	const [[type, one]] = Object.entries(value);
	return [key, type === 'intValue' ? Number(one) : one];
}));

// A span as tests want it.
function read(one, resource) {
	assert.ok(BigInt(one.startTimeUnixNano) <= BigInt(one.endTimeUnixNano), 'it ends before it begins');
	const begun = Number(BigInt(one.startTimeUnixNano) / 1000000n);
	assert.ok(Math.abs(begun - Date.now()) < 600_000, `it began at ${new Date(begun)}`);
	assert.ok((one.flags & 0x100) !== 0, 'nobody knows whether its parent is remote');
	return {
		...one,
		resource,
		attributes: plain(one.attributes),
		events: (one.events ?? []).map((e) => ({ ...e, attributes: plain(e.attributes) })),
		error: one.status?.code === 2,
	};
}

export class Collector {
	spans = [];
	messages = []; // { headers, path, spans: how many }
	wrong = []; // what was not as it must be
	answer = () => ({}); // (n) => { status, headers, body, hang }: of the nth message

	static async start(options = {}) {
		const collector = new Collector();

		Object.assign(collector, options);
		collector.sockets = new Set();
		collector.server = http.createServer((req, res) => collector.take(req, res));
		collector.server.on('connection', (socket) => {
			collector.sockets.add(socket);
			socket.on('error', () => {});
			socket.on('close', () => collector.sockets.delete(socket));
		});
		await collector.listen(0);
		return collector;
	}

	async listen(port) {
		await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
		this.port = this.server.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
	}

	async take(req, res) {
		const chunks = [];
		const n = this.messages.length + 1;
		const said = this.answer(n);

		if (said.deaf) {
			req.pause();
			return;
		}
		for await (const chunk of req)
			chunks.push(chunk);
		const bytes = Buffer.concat(chunks);
		const came = { headers: req.headers, path: req.url, status: said.status ?? 200, bytes: bytes.length, at: Date.now() };
		this.messages.push(came);
		try {
			assert.equal(req.method, 'POST');
			assert.equal(req.headers['content-type'], 'application/json');
			assert.equal(Number(req.headers['content-length']), bytes.length);
			const body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
			request(body, 'it');
			const spans = body.resourceSpans.flatMap(({ resource, scopeSpans }) => scopeSpans.flatMap((scope) => {
				assert.equal(scope.scope.name, 'weir');
				return scope.spans.map((one) => read(one, plain(resource.attributes)));
			}));
			came.spans = spans.length;
			assert.ok(spans.length > 0, 'a message without spans');
			if (came.status < 300 && !said.hang)
				this.spans.push(...spans);
		} catch (error) {
			this.wrong.push(error.message);
		}
		if (said.hang)
			return;
		res.writeHead(came.status, { 'content-type': 'application/json', ...said.headers });
		res.end(said.body ?? '{}');
	}

	env(more = {}) {
		return { OTEL_EXPORTER_OTLP_ENDPOINT: this.url, OTEL_BSP_SCHEDULE_DELAY: '50', ...more };
	}

	// The tree of a request, once all of it has come: { root, attempts }.
	async tree(requestId, attempts) {
		const root = await eventually(() =>
			this.spans.find((one) => one.attributes['weir.request_id'] === requestId), 'the span of a request');
		const children = await eventually(() => {
			const found = this.spans.filter((one) => one.parentSpanId === root.spanId);
			return found.length === (attempts ?? root.attributes['weir.attempts']) ? found : null;
		}, 'the spans of its attempts');

		assert.ok(children.every((one) => one.traceId === root.traceId && one.kind === 3));
		assert.ok(children.every((one) => BigInt(one.startTimeUnixNano) >= BigInt(root.startTimeUnixNano) &&
			BigInt(one.endTimeUnixNano) <= BigInt(root.endTimeUnixNano)), 'an attempt outside its request');
		children.sort((a, b) => a.attributes['weir.attempt'] - b.attributes['weir.attempt']);
		return { root, attempts: children };
	}

	// Every span has an id of its own, and a parent that is known or was told.
	check(callers = []) {
		assert.deepEqual(this.wrong, []);
		const ids = new Set(this.spans.map((one) => one.spanId));
		assert.equal(ids.size, this.spans.length, 'an id twice');
		for (const one of this.spans)
			if (one.parentSpanId)
				assert.ok(ids.has(one.parentSpanId) || callers.includes(one.parentSpanId), `who is ${one.parentSpanId}?`);
	}

	// Away: nobody listens there any more.
	async away() {
		for (const socket of this.sockets)
			socket.destroy();
		await new Promise((resolve) => this.server.close(resolve));
	}

	async stop() {
		for (const socket of this.sockets)
			socket.destroy();
		if (this.server.listening)
			await new Promise((resolve) => this.server.close(resolve));
		assert.deepEqual(this.wrong, []);
	}
}
