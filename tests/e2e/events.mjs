// GET /events: what happens, as it happens, for those who look.
import assert from 'node:assert/strict';
import http from 'node:http';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, get, nonce, post } from './lib/http.mjs';
import { play } from './lib/stage.mjs';

const READERS_MAX = 16;
const OPERATOR = { headers: { 'x-weir-admin': '1' } };
const SECRETS = { KEY: 'sk-events-0123456789' };

const mock = share(await startMock({ alpha: '200', beta: '200' }));

// A reader of the stream: reader.events is [{ id, event, data }], reader.comments counts.
async function read(weir, path = '/events') {
	const reader = { events: [], comments: 0, text: '', ended: false };
	const [host, port] = weir.admin.split(':');

	await new Promise((resolve, reject) => {
		reader.request = http.get({ host, port, path, agent: false }, (res) => {
			let rest = '';
			reader.status = res.statusCode;
			reader.headers = res.headers;
			res.setEncoding('utf8');
			res.on('data', (text) => {
				const blocks = (rest + text).split('\n\n');

				reader.text += text;
				rest = blocks.pop();
				for (const block of blocks) {
					const fields = Object.fromEntries(block.split('\n').map((line) => {
						const colon = line.indexOf(':');
						return [line.slice(0, colon), line.slice(colon + 1).trim()];
					}));
					if ('' in fields)
						reader.comments++;
					if (fields.data)
						reader.events.push({ ...fields, data: JSON.parse(fields.data) });
				}
			});
			res.on('error', () => {});
			res.on('close', () => (reader.ended = true));
			resolve();
		});
		reader.request.on('error', reject);
	});
	reader.request.removeAllListeners('error');
	reader.request.on('error', () => {});
	reader.of = (name) => reader.events.filter(({ event }) => event === name).map(({ data }) => data);
	reader.stop = () => reader.request.destroy();
	return reader;
}

await test('attempts, moves and orders are told with ids, and nothing that is secret', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200' },
		{ providers: { alpha: { keys: ['${KEY}'] } }, env: SECRETS });
	const { weir } = stage;
	const reader = t.keep(await read(weir));
	const prompt = 'the-canary-sings';

	assert.equal(reader.status, 200);
	assert.match(reader.headers['content-type'], /^text\/event-stream/);
	const { headers } = await chat(weir, ask(stage.model, prompt));
	await chat(weir, ask(stage.model, prompt, { stream: true }));
	await post(weir.admin, `/targets/${stage.at('alpha')}/disable`, '', OPERATOR);
	await post(weir.admin, '/reload', '', OPERATOR);
	await eventually(() => reader.of('reload').length === 1, 'all of them');

	const id = headers['x-weir-request-id'];
	const mine = reader.of('attempt').filter((one) => one.request_id === id);
	assert.deepEqual(mine.map((one) => [one.target, one.class, one.status, one.attempt]),
		[[stage.at('alpha'), 'server_error', 500, 1], [stage.at('beta'), 'ok', 200, 2]]);
	assert.ok(mine.every((one) => one.chain === stage.model && Number.isInteger(one.ms) && one.ts && one.reason));
	assert.equal(reader.of('attempt').length, 4);
	assert.equal(reader.of('fallback').length, 2);
	assert.deepEqual(reader.of('fallback')[0].from, stage.at('alpha'));
	assert.equal(reader.of('target_disabled')[0].target, stage.at('alpha'));
	assert.equal(reader.of('reload')[0].ok, true);
	const ids = reader.events.map((one) => Number(one.id));
	assert.deepEqual(ids, ids.map((_, i) => ids[0] + i));
	for (const secret of [prompt, SECRETS.KEY])
		assert.ok(!reader.text.includes(secret));
});

await test('a silent stream says so every 15 seconds', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const reader = t.keep(await read(weir));

	await eventually(() => reader.comments >= 1, 'a comment', 40);
	assert.equal(reader.events.length, 0);
});

await test(`more than ${READERS_MAX} readers are refused, and one that leaves makes room`, async (t) => {
	const { weir } = await play(t, mock, { alpha: '200' });
	const readers = [];

	for (let i = 0; i < READERS_MAX; i++)
		readers.push(t.keep(await read(weir)));
	assert.equal((await weir.metrics()).get('weir_event_readers'), READERS_MAX);
	const refused = await get(weir.admin, '/events');
	assert.equal(refused.status, 503);
	assert.equal(JSON.parse(refused.text).error.code, 'too_many_readers');
	readers[0].stop();
	await eventually(async () => (await weir.metrics()).get('weir_event_readers') === READERS_MAX - 1, 'room');
	const next = t.keep(await read(weir));
	assert.equal(next.status, 200);
	assert.equal((await get(weir.admin, '/events', { method: 'HEAD' })).status, 200);
	assert.equal((await post(weir.admin, '/events', '')).status, 405);
	assert.equal((await get(weir.address, '/events')).status, 404);
});

await test('who reads too slowly is let go; requests and other readers go on', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200' });
	const { weir } = stage;
	const slow = await Wire.open(weir.admin);
	const good = t.keep(await read(weir));
	let asked = 0;

	slow.send('GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
	await slow.until((text) => text.includes('\r\n\r\n'), 'a head');
	slow.socket.pause();
	const dropped = async () => (await weir.metrics()).get('weir_event_readers_dropped_total') === 1;
	while (!(await dropped())) {
		for (const answer of await stage.crowd(100))
			assert.equal(answer.status, 200);
		asked += 100;
		assert.ok(asked < 60_000, 'nobody was let go');
	}
	await eventually(() => good.of('attempt').length >= asked, 'all of it at the other reader');
	assert.ok(!good.ended);
	assert.equal((await weir.metrics()).get('weir_event_readers'), 1);
	slow.stop();
}, { seconds: 200 });

await test('/status/live tells all of it once, and then what is new', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200' });

	await stage.asks(3);
	const reader = t.keep(await read(stage.weir, '/status/live'));
	assert.match(reader.headers['content-type'], /^text\/event-stream/);
	const all = await eventually(() => reader.of('status').at(0), 'the first event');
	assert.equal(all.recent.requests.filter(({ plain }) => !plain).length, 3);
	assert.equal(all.chains[0].steps[0][0].target, stage.at('alpha'));
	await eventually(() => reader.of('status').length >= 3, 'more of them');
	assert.ok(reader.of('status').slice(1).every(({ recent }) => recent.requests.length === 0));
	const { headers } = await stage.ask();
	const news = await eventually(() => reader.of('status').slice(1).flatMap(({ recent }) => recent.requests)[0], 'the news');
	assert.equal(news.request_id, headers['x-weir-request-id']);
	assert.deepEqual(news.steps.map((step) => [step.target, step.class, step.status]),
		[[stage.at('alpha'), 'server_error', 500], [stage.at('beta'), 'ok', 200]]);
	assert.equal(news.outcome, 'failed_over');
});

await test('what was lately is bounded', async (t) => {
	const stage = await play(t, mock, { alpha: '500', beta: '200' });

	await stage.crowd(50);
	await stage.asks(100);
	const { recent } = JSON.parse((await get(stage.weir.admin, '/status')).text);
	assert.equal(recent.requests.filter(({ plain }) => !plain).length, 64);
	assert.ok(recent.requests.filter(({ plain }) => plain).length <= 16);
	assert.equal(recent.failures.length, 8);
	assert.ok(recent.turns.length <= 256);
});

await test('a reader stays through a drain and ends with the process', async (t) => {
	const { weir } = await play(t, mock, { alpha: '200;tokens=10;gap=20ms' });
	const reader = await read(weir);

	weir.signal('SIGTERM');
	await eventually(() => reader.ended, 'its end');
	assert.equal((await weir.end()).code, 0);
});

await test('the same under half_close: a reader that is gone is gone', async (t) => {
	const weir = t.keep(await startWeir({
		half_close: 'serve', providers: mock.providers('alpha'), chains: { m: { steps: ['alpha/m'] } },
	}));
	const wire = await Wire.open(weir.admin);

	wire.send('GET /events HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n');
	await wire.until((text) => text.includes('retry:'), 'the stream');
	wire.fin();
	await eventually(async () => (await weir.metrics()).get('weir_event_readers') === 0, 'its end');
	assert.equal((await chat(weir, ask('m', nonce()))).status, 200);
});

await done();
