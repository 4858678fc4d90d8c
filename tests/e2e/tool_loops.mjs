// The turns of one tool's use answered by different vendors, each of another dialect, with the
// history as the client hands it back: its ids, its calls, its thoughts. The vendors before
// the one that answers are overloaded in that turn.
import assert from 'node:assert/strict';
import { callers } from './lib/callers.mjs';
import { checkAsked, checkTurns, task, tools, triesOf } from './lib/checks.mjs';
import { startAimock, startWeirMock } from './lib/simulators.mjs';
import { done, share, test } from './lib/tap.mjs';
import { upstreams } from './lib/upstreams.mjs';
import { startWeir } from './lib/weir.mjs';

// In the order of the chain; the models are real ones, of which weir knows what they refuse.
const MODELS = { anthropic: 'claude-sonnet-4-5', gemini: 'gemini-2.5-flash', openai: 'gpt-4o' };
const dialects = Object.keys(MODELS);
const rowOf = (dialect) => upstreams.find((row) => row.dialect === dialect);
const simulators = [share(await startWeirMock(dialects)), share(await startAimock(dialects))];
const wanted = { ...task, tools, max: 4096 };
const TURNS = [['anthropic', 'tool'], ['openai', 'parallel'], ['gemini', 'tool'],
	['openai', 'mixed'], ['gemini', 'parallel'], ['anthropic', 'mixed'], ['openai', 'text']];

// turns: [[dialect, kind]]; what each dialect's simulator does at each request it gets.
async function play(simulator, chain, turns) {
	const said = turns.map(() => null);

	for (const [place, dialect] of chain.entries()) {
		const asked = turns.map(([server], n) => ({ server, n }))
			.filter(({ server }) => chain.indexOf(server) >= place);
		const answers = await simulator.play(dialect,
			asked.map(({ server, n }) => (server === dialect ? turns[n][1] : '529')));

		asked.forEach(({ server, n }, i) => {
			if (server === dialect)
				said[n] = answers[i];
		});
	}
	return said;
}

async function loop(t, simulator, caller, turns, { stream, more, settings = {} }) {
	const chain = dialects.filter((dialect) => simulator.speaks(dialect));
	const vendor = (dialect) => `${simulator.short}-${dialect}`;
	const weir = t.keep(await startWeir({
		providers: Object.fromEntries(chain.map((dialect) =>
			[vendor(dialect), rowOf(dialect).provider(simulator.url(dialect))])),
		chains: { agent: { retries: 0, steps: chain.map((d) => `${vendor(d)}/${MODELS[d]}`), ...settings } },
	}));
	const said = await play(simulator, chain, turns);

	chain.forEach((dialect) => simulator.seen(dialect));
	const { turns: heard, heads } = await caller.run(
		{ address: weir.address, model: 'agent', task: wanted, stream, more });
	const seen = Object.fromEntries(chain.map((dialect) => [dialect, simulator.seen(dialect)]));

	checkTurns(heard, said, caller.words);
	turns.forEach(([server], n) => {
		const before = chain.slice(0, chain.indexOf(server));

		assert.deepEqual(triesOf(heads[n]).filter((one) => !one.endsWith('repairable')),
			[...before.map((d) => `${vendor(d)} overloaded`), `${vendor(server)} ok`]);
	});
	return { chain, heard, heads, said, seen };
}

for (const simulator of simulators) {
	for (const caller of callers) {
		for (const stream of [false, true]) {
			await test(`${caller.name}, ${stream ? 'streamed' : 'whole'}, ${simulator.name}`, async (t) => {
				const turns = TURNS.filter(([dialect]) => simulator.speaks(dialect));
				const { chain, said, seen } = await loop(t, simulator, caller, turns, { stream });

				for (const [place, dialect] of chain.entries()) {
					const asked = turns.map(([server], n) => ({ server, n }))
						.filter(({ server }) => chain.indexOf(server) >= place);

					assert.equal(seen[dialect].length, asked.length);
					asked.forEach(({ n }, i) => checkAsked(seen[dialect][i], stream, rowOf(dialect),
						MODELS[dialect], wanted, said.slice(0, n)));
				}
			});
		}
	}
}

// Thoughts: signed by Claude's maker, and nobody else's business. aimock refuses, as the
// real one does, a turn of a tool's use without them while thinking is on.
const [, aimock] = simulators;
const THINK = {
	openai: { reasoning_effort: 'low' },
	'ai + @ai-sdk/openai-compatible': { providerOptions: { weir: { reasoningEffort: 'low' } } },
	'@anthropic-ai/sdk': { thinking: { type: 'enabled', budget_tokens: 1024 } },
	'ai + @ai-sdk/anthropic': { providerOptions: { anthropic: {
		thinking: { type: 'enabled', budgetTokens: 1024 } } } },
};
const thinking = (request) => JSON.parse(request.body).thinking?.type;
const thoughtsOf = (request) => JSON.parse(request.body).messages
	.flatMap((m) => m.content).filter((block) => /thinking/.test(block.type));

for (const caller of callers) {
	for (const stream of [false, true]) {
		const how = `${caller.name}, ${stream ? 'streamed' : 'whole'}`;
		const more = THINK[caller.name];
		const native = caller.language === 'anthropic';

		await test(`thoughts are heard, what is signed goes to nobody else: ${how}`, async (t) => {
			const { heard, said, seen } = await loop(t, aimock, caller,
				[['anthropic', 'thought'], ['openai', 'text']], { stream, more });
			const { reasoning, reasoningSignature, redactedThinking } = said[0].thought;
			const [{ body }] = seen.openai;

			assert.equal(thinking(seen.anthropic[0]), 'enabled');
			assert.equal(heard[0].thought, reasoning);
			for (const secret of [reasoningSignature, ...redactedThinking])
				assert.ok(!body.includes(secret));
			// one who speaks OpenAI's API hands back what he heard, in his own words
			assert.ok(!native || !body.includes(JSON.stringify(reasoning).slice(1, -1)));
		});

		await test(`thoughts go back to who had them: ${how}`, async (t) => {
			const { said, seen } = await loop(t, aimock, caller,
				[['anthropic', 'thought'], ['anthropic', 'text']], { stream, more });
			const { reasoning, reasoningSignature: signature, redactedThinking: [data] } = said[0].thought;

			assert.equal(thinking(seen.anthropic[1]), native ? 'enabled' : undefined);
			assert.deepEqual(thoughtsOf(seen.anthropic[1]), !native ? [] : [
				{ type: 'redacted_thinking', data }, { type: 'thinking', thinking: reasoning, signature }]);
		});

		await test(`after a turn of who has none they are turned off: ${how}`, async (t) => {
			const { said, seen, heads } = await loop(t, aimock, caller,
				[['anthropic', 'thought'], ['openai', 'tool'], ['anthropic', 'text']],
				{ stream, more, settings: { repair: 'on' } });
			const last = seen.anthropic.at(-1);

			assert.equal(thinking(last), undefined);
			assert.deepEqual(triesOf(heads[2]), ['aimock-anthropic ok']); // before it is sent
			checkAsked(last, stream, rowOf('anthropic'), MODELS.anthropic, wanted, said.slice(0, 2));
		});
	}
}

done();
