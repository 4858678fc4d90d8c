// Who may call × whom weir may ask: each client that others wrote, each dialect of a provider,
// each of two simulators that know nothing of each other, whole and streamed, with the first
// vendor alive and with it dead, so that a vendor of another dialect answers. A cell is ok when
// the client heard what the simulator was told to say, and the provider was asked in its own
// words for what the client wanted. The table stands at the end.
import assert from 'node:assert/strict';
import { callers } from './lib/callers.mjs';
import { checkAsked, checkTurns, task, tools, triesOf } from './lib/checks.mjs';
import { JSON_SAID, startAimock, startWeirMock } from './lib/simulators.mjs';
import { done, share, test } from './lib/tap.mjs';
import { upstreams } from './lib/upstreams.mjs';
import { startMock } from './lib/mock.mjs';
import { startWeir } from './lib/weir.mjs';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAA'
	+ 'AABJRU5ErkJggg==', 'base64');
const object = (properties, required) => ({ type: 'object', properties, required, additionalProperties: false });
const ANSWER = object({ city: { type: 'string' }, degrees: { type: 'number' } }, ['city', 'degrees']);

// What is asked, and the answers the simulator has for it, turn by turn.
const tasks = {
	text: { ...task, answers: ['text'] },
	tool: { ...task, tools, answers: ['tool', 'text'] },
	parallel: { ...task, tools, answers: ['parallel', 'tool', 'text'] },
	image: { ...task, image: PNG, answers: ['text'] },
	json: { ...task, schema: ANSWER, answers: ['json'] },
};
const FAULTS = { 429: 'rate_limited', 500: 'server_error', 529: 'overloaded' };
const SIMULATORS = [startWeirMock, startAimock];

const dialects = upstreams.map((u) => u.dialect);
const simulators = [];
for (const start of SIMULATORS)
	simulators.push(share(await start(dialects)));
const dead = share(await startMock({ dead: 'refuse' }));

const columns = simulators.flatMap((simulator) => upstreams.map((upstream) => ({ simulator, upstream,
	vendor: `${simulator.short}-${upstream.dialect}`,
	name: `${upstream.dialect}/${simulator.short}` })));
// Who is asked first and is not there: of the caller's own dialect, or of another than the
// second's.
const deadOf = (caller, upstream) => `dead-${caller.language === upstream.dialect
	? dialects.find((d) => d !== upstream.dialect) : caller.language}`;
const otherOf = (column) => columns.find((c) => c.simulator === column.simulator
	&& c.upstream.dialect !== column.upstream.dialect);

const config = { providers: {}, chains: {} };
for (const { upstream, simulator, vendor } of columns)
	config.providers[vendor] = upstream.provider(simulator.url(upstream.dialect));
for (const { dialect, provider } of upstreams)
	config.providers[`dead-${dialect}`] = provider(dead.urls.dead);

// A chain of its own for each cell, so that no target knows of another's misfortune.
const models = [];
function chain(...vendors) {
	const name = `m${models.length}`;

	models.push(name);
	config.chains[name] = { retries: 0, steps: vendors.map((v) => `${v}/${name}.${v.split('-')[1]}`) };
	return name;
}

const cells = [];
for (const caller of callers)
	for (const [kind, wanted] of Object.entries(tasks))
		for (const stream of [false, true])
			for (const column of columns)
				cells.push({ caller, kind, wanted, stream, column, lives: chain(column.vendor),
					fails: chain(deadOf(caller, column.upstream), column.vendor) });

const faults = [];
for (const caller of callers)
	for (const stream of [false, true])
		for (const column of columns)
			faults.push({ caller, stream, column, own: chain(column.vendor, otherOf(column).vendor),
				...Object.fromEntries(Object.keys(FAULTS).map((fault) =>
					[fault, chain(column.vendor, otherOf(column).vendor)])),
				all: chain(column.vendor, deadOf(caller, column.upstream)) });

const weir = share(await startWeir(config));
const address = weir.address;

// The tables: rows of cells, by caller.
const tables = new Map();
function mark(caller, row, column, text) {
	if (!tables.has(caller.name))
		tables.set(caller.name, new Map());
	const rows = tables.get(caller.name);

	rows.set(row, { ...rows.get(row), [column.name]: text });
}

const word = (stream) => (stream ? 'streamed' : 'whole');

async function cell({ caller, row, column, stream }, run) {
	await test(`${caller.name}, ${row}, ${word(stream)}: ${column.name}`, async () => {
		mark(caller, `${row} ${word(stream)}`, column, 'FAILS');
		mark(caller, `${row} ${word(stream)}`, column, (await run()) ?? 'ok');
	});
}

async function answered({ caller, stream, column, wanted }, model, first) {
	const { upstream, simulator, vendor } = column;
	const said = await simulator.play(upstream.dialect, wanted.answers);
	const target = `${model}.${upstream.dialect}`;

	simulator.seen(upstream.dialect);
	const { turns, heads } = await caller.run({ address, model, task: wanted, stream });
	const seen = simulator.seen(upstream.dialect);

	checkTurns(turns, said, caller.words);
	assert.equal(seen.length, said.length);
	seen.forEach((request, i) => checkAsked(request, upstream, target, wanted, said.slice(0, i)));
	assert.equal(heads.length, said.length);
	for (const head of heads) {
		assert.equal(head.headers['x-weir-target'], `${vendor}/${target}`);
		assert.equal(head.headers['x-weir-attempts'], String(first.length + 1));
		assert.deepEqual(triesOf(head), [...first, `${vendor} ok`]);
	}
	if (wanted.schema)
		assert.deepEqual(JSON.parse(turns.at(-1).text), JSON_SAID);
}

for (const one of cells) {
	const { caller, kind, stream, column } = one;

	await cell({ caller, row: kind, column, stream }, async () => {
		await answered(one, one.lives, []);
		await answered(one, one.fails, [`${deadOf(caller, column.upstream)} unreachable`]);
	});
}

async function refused(caller, wish) {
	const error = await caller.run(wish).then(() => null, (e) => e);

	assert.ok(error, 'an error is owed');
	return caller.fault(error);
}

for (const { caller, stream, column, own, all, ...chains } of faults) {
	const { upstream, simulator, vendor } = column;
	const other = otherOf(column);
	const wish = { address, task: tasks.text, stream };

	await cell({ caller, row: '400 comes back', column, stream }, async () => {
		const [{ message }] = await simulator.play(upstream.dialect, ['400']);
		other.simulator.seen(other.upstream.dialect);
		const fault = await refused(caller, { ...wish, model: own });

		assert.equal(fault.status, 400);
		assert.match(fault.message, new RegExp(message));
		assert.equal(fault.type, 'invalid_request_error');
		assert.equal(other.simulator.seen(other.upstream.dialect).length, 0);
	});

	for (const [status, cls] of Object.entries(FAULTS)) {
		await cell({ caller, row: `${status} falls over`, column, stream }, async () => {
			const [said] = await other.simulator.play(other.upstream.dialect, ['text']);
			await simulator.play(upstream.dialect, [status]);
			const { turns, heads } = await caller.run({ ...wish, model: chains[status] });

			checkTurns(turns, [said], caller.words);
			assert.deepEqual(triesOf(heads[0]), [`${vendor} ${cls}`, `${other.vendor} ok`]);
		});
	}

	await cell({ caller, row: 'nobody is left', column, stream }, async () => {
		await simulator.play(upstream.dialect, ['500']);
		const fault = await refused(caller, { ...wish, model: all });

		assert.equal(fault.status, 502);
		assert.equal(fault.type, caller.language === 'openai' ? 'server_error' : 'api_error');
	});
}

for (const [caller, rows] of tables) {
	const names = columns.map((c) => c.name);
	const first = Math.max(...[...rows.keys()].map((row) => row.length));
	const width = names.map((name) =>
		Math.max(name.length, ...[...rows.values()].map((marks) => (marks[name] ?? '').length)));
	const line = (head, texts) => console.log(`# ${[head.padEnd(first),
		...texts.map((text, i) => text.padEnd(width[i]))].join('  ').trimEnd()}`);

	console.log('#');
	line(caller, []);
	line('', names);
	for (const [row, marks] of rows)
		line(row, names.map((name) => marks[name] ?? '-'));
}

done();
