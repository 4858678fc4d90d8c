// `weir try`: every target of a chain is asked the same, alone, and told side by side.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { scratch, writeConfig } from './lib/weir.mjs';

const KEY = 'sk-try-0123456789abcdef';
const mock = share(await startMock({ alpha: '200', beta: '200', gamma: '200', delta: '200', dead: 'refuse' }));
const PRICES = { input_price: 2.5, output_price: 10 };
let chains = 0;

// steps(at): of vendors, where beta speaks Anthropic's API and all have a key
async function prepare(scripts, steps = (at) => Object.keys(scripts).map(at)) {
	const model = `m${++chains}`;
	const at = (vendor) => `${vendor}/${model}`;
	const providers = mock.providers();

	for (const provider of Object.values(providers))
		provider.keys = '${TRY_KEY}';
	providers.beta = { dialect: 'anthropic', base_url: mock.urls.beta, keys: '${TRY_KEY}' };
	await mock.script(Object.fromEntries(Object.entries(scripts).filter(([vendor]) => vendor !== 'dead')
		.map(([vendor, script]) => [at(vendor), script])));
	const file = writeConfig({
		providers,
		models: { [at('alpha')]: PRICES },
		chains: { [model]: { first_token_timeout: '1s', attempt_timeout: '1s', retries: 2, steps: steps(at) } },
	});
	const ask = async (...args) => {
		const told = await run(['try', '-c', file, model, ...args], { env: { TRY_KEY: KEY } });
		assert.ok(!(told.out + told.err).includes(KEY));
		return told;
	};
	return { model, at, ask, json: async (...args) => JSON.parse((await ask(...args, '--json')).out) };
}

function prompts(lines) {
	const file = path.join(scratch, `prompts-${++chains}.jsonl`);

	fs.writeFileSync(file, lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'));
	return file;
}

await test('targets of both dialects, one dead, one that refuses, one too slow', async () => {
	const refusal = encodeURIComponent('I\'m sorry, but I can\'t help with that.');
	const { at, ask } = await prepare({
		alpha: '200;tokens=5', beta: '200;tokens=7', gamma: `200;tokens=1;say=${refusal}`, delta: 'hang', dead: 'refuse',
	});
	const { code, out } = await ask('hello', '--json');
	const { chain, targets } = JSON.parse(out);
	const [alpha, beta, gamma, delta, dead] = targets;

	assert.equal(code, 1);
	assert.match(chain, /^m\d+$/);
	assert.deepEqual(targets.map(({ target }) => target), ['alpha', 'beta', 'gamma', 'delta', 'dead'].map(at));
	assert.deepEqual(targets.map(({ answered }) => answered), [true, true, true, false, false]);
	assert.deepEqual(targets.map(({ class: cls }) => cls), ['ok', 'ok', 'ok', 'slow', 'unreachable']);
	assert.deepEqual([alpha.status, delta.status, dead.status], [200, null, null]);
	assert.deepEqual([alpha.tokens_out, beta.tokens_out, dead.tokens_out], [5, 7, null]);
	assert.equal(Math.round(alpha.cost_usd * 1e9), alpha.tokens_in * 2500 + 50000);
	assert.equal(beta.cost_usd, null);
	assert.deepEqual([alpha.finish_reason, beta.finish_reason, dead.finish_reason], ['stop', 'stop', null]);
	assert.deepEqual([alpha.refused, gamma.refused], [false, true]);
	assert.match(alpha.answer, /^alpha\b.*tok4$/);
	assert.match(beta.answer, /^beta\b.*tok6$/);
	assert.ok(alpha.first_token_ms <= alpha.ms && dead.first_token_ms === null);
	for (const vendor of ['alpha', 'beta', 'gamma', 'delta'])
		assert.equal((await mock.stats(vendor, chain)).hits, 1, 'one call each, and no retry');
});

await test('people read a table, and the answers side by side', async () => {
	const { at, ask } = await prepare({ alpha: '200;tokens=3', beta: '200;tokens=3' });
	const { code, out, err } = await ask('hello');
	const lines = out.split('\n');

	assert.deepEqual([code, err], [0, '']);
	assert.match(lines[0], /^target +first +total +in +out +cost +finish$/);
	assert.match(lines[1], new RegExp(`^${at('alpha')} +200 +\\d+ ms +\\d+ ms +\\d+ +3 +\\$0\\.\\d+ +stop$`));
	assert.match(lines[2], new RegExp(`^${at('beta')} +200 +\\d+ ms +\\d+ ms +\\d+ +3 +- +stop$`));
	assert.ok(lines.some((line) => line.startsWith(at('alpha')) && line.endsWith(at('beta'))));
	assert.ok(lines.some((line) => /^alpha: .*tok2 +beta: .*tok2$/.test(line)), out);
	assert.ok(lines.every((line) => line.length <= 100));
});

await test('every member of a pool, and each target once', async () => {
	const steps = (at) => [{ targets: [at('alpha'), { target: at('beta'), weight: 0 }] }, at('gamma')];
	const { at, ask, json } = await prepare({ alpha: '200', beta: '200', gamma: '200' }, steps);

	assert.deepEqual((await json('hello')).targets.map(({ target }) => target), ['alpha', 'beta', 'gamma'].map(at));
	assert.equal((await ask('hello', '--stream', 'off')).code, 0);
	const limited = await json('hello', '--max-tokens', '2', '--stream', 'off');
	assert.deepEqual(limited.targets.map(({ tokens_out: n, finish_reason: why }) => [n, why]),
		[[2, 'length'], [2, 'length'], [2, 'length']]);
});

await test('--timeout is each call’s', async () => {
	const { json } = await prepare({ alpha: '200;latency=700ms', beta: '200' });
	const [alpha, beta] = (await json('hello', '--timeout', '200ms')).targets;

	assert.deepEqual([alpha.class, beta.class], ['slow', 'ok']);
});

await test('a file of prompts: how the targets differ', async () => {
	const json = encodeURIComponent('{"a":1}');
	const { at, ask, json: asked } = await prepare({
		alpha: `200;tokens=5,200;tokens=1;say=${json},200;tools=1,200;tokens=5`,
		beta: `200;tokens=5,200;tokens=1;say=nothing,200;tools=1,503`,
	});
	const file = prompts([
		{ prompt: 'hello' },
		{ messages: [{ role: 'user', content: 'in JSON' }], response_format: { type: 'json_object' } },
		'',
		{ messages: [{ role: 'user', content: 'look' }],
			tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }] },
		{ prompt: 'again' },
	]);
	const { summary, prompts: told } = await asked('--file', file, '--parallel', '1');
	const [alpha, beta] = summary;

	assert.deepEqual(told.map(({ line }) => line), [1, 2, 4, 5]);
	assert.deepEqual([alpha.target, alpha.prompts, alpha.answered, beta.answered], [at('alpha'), 4, 4, 3]);
	assert.deepEqual([alpha.json_wanted, alpha.json_valid, beta.json_wanted, beta.json_valid], [1, 1, 1, 0]);
	assert.deepEqual([alpha.called_tools, beta.called_tools], [1, 1]);
	assert.equal(told[2].targets[0].tool_calls.length, 1);
	assert.deepEqual([alpha.compared, alpha.agreed, beta.compared, beta.agreed], [4, 4, 3, 2]);
	const { code, out } = await ask('--file', file);
	assert.ok(code === 0 || code === 1);
	assert.match(out, /^(line 5: .*\n)?target +answered +length +JSON +calls +refusals +agrees\n/m);
});

await test('what a provider writes does not speak to the terminal', async () => {
	const evil = '\x1b]0;x\x07\u009b31mé';
	const { ask } = await prepare({ alpha: `200;tokens=1;finish=${encodeURIComponent(evil)};say=${encodeURIComponent(evil)}` });
	const { code, out } = await ask('hello');

	assert.equal(code, 0);
	assert.equal(out.match(/31mé/g).length, 2, out);
	assert.doesNotMatch(out, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/);
});

await test('what is wrong is said, and nobody is asked', async () => {
	const { model, ask } = await prepare({ alpha: '200' });
	const bad = prompts([{ prompt: 'a' }, '{"prompt": 1}']);
	const wrong = async (args, pattern) => {
		const { code, err } = await run(['try', ...args], { env: { TRY_KEY: KEY }, cwd: scratch });
		assert.equal(code, 2, err);
		assert.match(err, pattern);
	};

	assert.match((await ask('--file', bad)).err, /: line 2 has neither/);
	assert.equal((await ask('--file', bad)).code, 2);
	assert.equal((await mock.stats('alpha', model)).hits, 0);
	await wrong([], /takes the name of a chain/);
	await wrong(['m', 'a', 'b'], /one prompt/);
	for (const nothing of [[''], [' \n'], []]) { // standard input has none, either
		const { code, err } = await ask(...nothing);
		assert.equal(code, 2, err);
		assert.match(err, /the prompt is empty/);
	}
	await wrong(['m', 'a', '--timeout', 'soon'], /--timeout takes a time/);
	await wrong(['m', 'a'], /no \.\/weir\.yaml/);
	await wrong(['-c', writeConfig({ chains: {} }), 'm', 'a'], /the configuration has errors/);
	await wrong(['-c', writeConfig({ providers: mock.providers('alpha'), chains: { real: { steps: ['alpha/x'] } } }), 'm', 'a'],
		/there is no chain `m`; there are: real/);
});

await done();
