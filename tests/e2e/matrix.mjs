// Who may call × whom weir may ask: each client that others wrote, each dialect of a provider,
// each of two simulators that know nothing of each other, whole and streamed, with the first
// vendor alive and with it dead, so that a vendor of another dialect answers. A cell is ok when
// the client heard what the simulator was told to say, and the provider was asked in its own
// words for what the client wanted. The tables stand at the end.
import assert from 'node:assert/strict';
import { callers } from './lib/callers.mjs';
import { checkAsked, checkTurns, task, tools, triesOf } from './lib/checks.mjs';
import { genai } from './lib/genai.mjs';
import { startMock } from './lib/mock.mjs';
import { JSON_SAID, startAimock, startWeirMock } from './lib/simulators.mjs';
import { Table } from './lib/table.mjs';
import { done, share } from './lib/tap.mjs';
import { upstreams } from './lib/upstreams.mjs';
import { startWeir } from './lib/weir.mjs';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA'
	+ 'WjR9awAAAABJRU5ErkJggg==', 'base64');
const ANSWER = {
	type: 'object',
	properties: { city: { type: 'string' }, degrees: { type: 'number' } },
	required: ['city', 'degrees'],
	additionalProperties: false,
};

// What is asked, and the answers the simulator has for it, turn by turn.
const TASKS = {
	text: { ...task, answers: ['text'] },
	tool: { ...task, tools, answers: ['tool', 'text'] },
	parallel: { ...task, tools, answers: ['parallel', 'mixed', 'text'] },
	forced: { ...task, tools, force: 'say', turns: 1, answers: ['say'] },
	image: { ...task, image: PNG, answers: ['text'] },
	json: { ...task, schema: ANSWER, answers: ['json'] },
};
// What not every dialect has a word for: there weir says so, rather than leave it out.
const WISHES = [
	{ of: 'openai', row: 'two choices', field: 'n', value: 2,
		cannot: { anthropic: 'cannot_carry_n', gemini: 'cannot_carry_n' } },
	{ of: 'openai', row: 'log probabilities', field: 'logprobs', value: true,
		cannot: { anthropic: 'cannot_carry_logprobs', gemini: 'cannot_carry_logprobs' } },
	{ of: '@anthropic-ai/sdk', row: 'MCP servers', field: 'mcp_servers',
		value: [{ type: 'url', url: 'https://mcp.invalid', name: 'x' }],
		cannot: { openai: 'cannot_carry_mcp_servers', gemini: 'cannot_carry_mcp_servers',
			azure: 'cannot_carry_mcp_servers' } },
];
const FAULTS = { 429: 'rate_limited', 500: 'server_error', 529: 'overloaded' };

const dialects = upstreams.map((u) => u.dialect);
const simulators = [share(await startWeirMock(dialects)), share(await startAimock(dialects))];
const dead = share(await startMock({ dead: 'refuse' }));
const columns = simulators.flatMap((simulator) => upstreams
	.filter(({ dialect }) => simulator.speaks(dialect))
	.map((upstream) => ({ simulator, upstream,
		vendor: `${simulator.short}-${upstream.dialect}`,
		name: `${upstream.dialect}/${simulator.short}` })));
const tables = new Map(callers.map((caller) =>
	[caller, new Table(caller.name, columns.map((c) => c.name))]));

const config = { providers: {}, chains: {} };
for (const { upstream, simulator, vendor } of columns)
	config.providers[vendor] = upstream.provider(simulator.url(upstream.dialect));
for (const { dialect, provider } of upstreams)
	config.providers[`dead-${dialect}`] = provider(dead.urls.dead);

// Of the caller's own dialect, or where that is the column's, of another.
const deadOf = (caller, { upstream }) => `dead-${caller.language === upstream.dialect
	? dialects.find((d) => d !== upstream.dialect) : caller.language}`;
// The next of the same simulator: another dialect.
function otherOf(column) {
	const all = columns.filter((c) => c.simulator === column.simulator);
	return all[(all.indexOf(column) + 1) % all.length];
}

// A chain of its own for each cell, so that no target knows of another's misfortune.
function chain(...vendors) {
	const name = `m${Object.keys(config.chains).length}`;

	config.chains[name] = { retries: 0, steps: vendors.map((v) => `${v}/${name}.${v.split('-')[1]}`) };
	return name;
}

// Where no target fails, one for all cells.
const calm = new Map();
function calmChain(...vendors) {
	const key = vendors.join();

	if (!calm.has(key))
		calm.set(key, chain(...vendors));
	return calm.get(key);
}

// make({ caller, stream, column }) → how the cell is tested when weir runs
const cells = [];
function plan(row, make, { who = () => true, where = () => true, streams = [false, true] } = {}) {
	for (const caller of callers.filter(who))
		for (const stream of streams)
			for (const column of columns.filter(where))
				cells.push({ caller, row, stream, column, run: make({ caller, stream, column }) });
}

let weir;
const ask = (caller, wish) => caller.run({ address: weir.address, task: TASKS.text, ...wish });

async function faultOf(caller, wish) {
	const error = await ask(caller, wish).then(() => null, (e) => e);

	assert.ok(error, 'an error is owed');
	return caller.fault(error);
}

async function answered({ caller, stream, column }, wanted, model, first) {
	const { upstream, simulator, vendor } = column;
	const said = await simulator.play(upstream.dialect, wanted.answers);
	const target = `${model}.${upstream.dialect}`;

	simulator.seen(upstream.dialect);
	const { turns, heads } = await ask(caller, { model, task: wanted, stream });
	const seen = simulator.seen(upstream.dialect);

	checkTurns(turns, said, caller.words);
	turns.forEach((turn) => assert.equal(turn.model, target));
	assert.equal(seen.length, said.length);
	seen.forEach((request, i) => checkAsked(request, stream, upstream, target, wanted, said.slice(0, i)));
	assert.equal(heads.length, said.length);
	for (const head of heads) {
		assert.equal(head.headers['x-weir-target'], `${vendor}/${target}`);
		assert.equal(head.headers['x-weir-attempts'], String(first.length + 1));
		assert.deepEqual(triesOf(head), [...first, `${vendor} ok`]);
	}
	if (wanted.schema)
		assert.deepEqual(JSON.parse(turns.at(-1).text), JSON_SAID);
}

for (const [row, wanted] of Object.entries(TASKS)) {
	plan(row, (at) => {
		const gone = deadOf(at.caller, at.column);
		const lives = calmChain(at.column.vendor);
		const fails = chain(gone, at.column.vendor);

		return async () => {
			await answered(at, wanted, lives, []);
			await answered(at, wanted, fails, [`${gone} unreachable`]);
		};
	});
}

for (const { of, row, field, value, cannot } of WISHES) {
	plan(row, ({ caller, stream, column: { vendor, simulator, upstream: { dialect } } }) => {
		const wish = { model: calmChain(vendor), stream, more: { [field]: value } };

		return async () => {
			const said = await simulator.play(dialect, ['text']);

			simulator.seen(dialect);
			if (cannot[dialect]) {
				const fault = await faultOf(caller, wish);

				assert.equal(fault.status, 400);
				assert.ok([fault.code, fault.message].some((text) => text?.includes(cannot[dialect])));
				assert.deepEqual(simulator.seen(dialect), []);
				return cannot[dialect];
			}
			checkTurns((await ask(caller, wish)).turns, said, caller.words);
			assert.deepEqual(JSON.parse(simulator.seen(dialect)[0].body)[field], value);
		};
	}, { who: (caller) => caller.name === of });
}

plan('400 comes back', ({ caller, stream, column }) => {
	const { simulator, upstream, vendor } = column;
	const other = otherOf(column);
	const model = upstream.doubted ? calmChain(vendor) : calmChain(vendor, other.vendor);

	return async () => {
		const [{ message }] = await simulator.play(upstream.dialect, ['400']);

		simulator.seen(other.upstream.dialect);
		const fault = await faultOf(caller, { model, stream });

		assert.equal(fault.status, 400);
		assert.match(fault.message, new RegExp(message));
		assert.equal(fault.type, 'invalid_request_error');
		assert.deepEqual(simulator.seen(other.upstream.dialect), []);
	};
});

function goesOn(status, cls, where) {
	plan(`${status} falls over`, ({ caller, stream, column }) => {
		const { simulator, upstream, vendor } = column;
		const other = otherOf(column);
		const model = chain(vendor, other.vendor);

		return async () => {
			const said = await simulator.play(other.upstream.dialect, ['text']);

			await simulator.play(upstream.dialect, [status]);
			const { turns, heads } = await ask(caller, { model, stream });

			checkTurns(turns, said, caller.words);
			assert.deepEqual(triesOf(heads[0]), [`${vendor} ${cls}`, `${other.vendor} ok`]);
		};
	}, { where });
}

for (const [status, cls] of Object.entries(FAULTS))
	goesOn(status, cls);
goesOn('400', 'not_here', ({ upstream }) => upstream.doubted);

plan('nobody is left', ({ caller, stream, column }) => {
	const model = chain(column.vendor, deadOf(caller, column));

	return async () => {
		await column.simulator.play(column.upstream.dialect, ['500']);
		const fault = await faultOf(caller, { model, stream });

		assert.equal(fault.status, 502);
		assert.equal(fault.type, caller.language === 'openai' ? 'server_error' : 'api_error');
	};
});

plan('cut in the midst is told', ({ caller, stream, column }) => {
	const { simulator, upstream, vendor } = column;
	const other = otherOf(column);
	const model = chain(vendor, other.vendor);

	return async () => {
		await simulator.play(upstream.dialect, ['cut']);
		await simulator.play(other.upstream.dialect, ['text']);
		simulator.seen(other.upstream.dialect);
		const error = await ask(caller, { model, stream }).then(() => null, (e) => e);

		assert.match(JSON.stringify(error), /stream_cut|api_error|cut off/);
		assert.deepEqual(simulator.seen(other.upstream.dialect), []);
	};
}, { streams: [true] });

weir = share(await startWeir(config));
for (const { caller, row, stream, column, run } of cells)
	await tables.get(caller).cell(row, stream, column.name, run);

// Google's client: its API is none that weir takes from callers.
const itself = simulators.filter((simulator) => simulator.speaks('gemini'));
const gemini = upstreams.find((u) => u.dialect === 'gemini');
const google = new Table(genai.name, [...itself.map((s) => `${s.name} itself`), 'weir']);

for (const stream of [false, true]) {
	await google.cell('text', stream, 'weir', async () => {
		const url = `http://${weir.address}`;
		const fault = await faultOf(genai, { url, model: 'm0', stream });

		assert.equal(fault.status, 404);
		assert.match(fault.message, /no such path.*\/v1\/chat\/completions.*\/v1\/messages/);
		return '404, with the paths there are';
	});
	for (const [row, wanted] of Object.entries(TASKS)) {
		for (const simulator of itself) {
			await google.cell(row, stream, `${simulator.name} itself`, async () => {
				const said = await simulator.play('gemini', wanted.answers);

				simulator.seen('gemini');
				const { turns } = await ask(genai, { url: simulator.url('gemini'), model: 'm.gemini',
					task: wanted, stream, key: gemini.key });
				checkTurns(turns, said, genai.words);
				simulator.seen('gemini').forEach((request, i) =>
					checkAsked(request, stream, gemini, 'm.gemini', wanted, said.slice(0, i)));
			});
		}
	}
}

for (const table of [...tables.values(), google])
	table.print();

done();
