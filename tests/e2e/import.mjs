// `weir import`: configurations of LiteLLM and Portkey become weir's own. The files are in
// tests/data/import; each result passes `weir check`, and does at simulated providers what the
// original says.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, share, test } from './lib/tap.mjs';
import { Program, run } from './lib/program.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch } from './lib/weir.mjs';
import { ask, chat } from './lib/http.mjs';
import { shares, tries, who } from './lib/stage.mjs';

const folder = fileURLToPath(new URL('../data/import/', import.meta.url));
const sources = fs.readdirSync(folder).filter((name) => /^(litellm|portkey)-\w+\.(yaml|json)$/.test(name));
const exact = sources.filter((name) => !name.includes('dialects'));
const FINDING = /^([^:]+):(\d+):(\d+): warning\[([a-z-]+)\] (\S.*?): (.+?); fix: (.+)$/;
const SECRET = /-literal-|hunter2|0123456789|secret-of-db|7f3c2a|9d1e/;

const kind = (name) => name.split('-')[0];
const read = (name) => fs.readFileSync(path.join(folder, name), 'utf8');
const importing = (name, ...more) => run(['import', kind(name), name, ...more], { cwd: folder });

let files = 0;
function write(text) {
	const file = path.join(scratch, `imported-${++files}.yaml`);

	fs.writeFileSync(file, text);
	return file;
}

// Something for every variable that the text reads, where it is not in a comment.
function dummies(text) {
	const names = text.split('\n').filter((line) => !/^\s*#/.test(line)).join('\n')
		.matchAll(/(?<!\$)\$\{([A-Za-z_]\w*)\}/g);

	return Object.fromEntries([...names].map(([, name]) =>
		[name, /_(URL|BASE)$/.test(name) ? 'http://127.0.0.1:9/v1' : `dummy-${name}-0123456789`]));
}

async function check(text) {
	const { code, out } = await run(['check', '-c', write(text)], { env: dummies(text) });

	assert.equal(code, 0, out + text);
	assert.match(out, /\n?0 errors, \d+ warnings\n$/);
	return out;
}

await test('three configurations of each, and two of languages that may not be built', () => {
	assert.equal(exact.filter((name) => kind(name) === 'litellm').length, 3);
	assert.equal(exact.filter((name) => kind(name) === 'portkey').length, 3);
	assert.equal(sources.length, 8);
});

for (const name of exact)
	await test(`${name} becomes what it should, and says what it cannot`, async () => {
		const base = name.replace(/\.\w+$/, '');
		const { code, out, err } = await importing(name);

		if (process.env.WEIR_IMPORT_WRITE) {
			fs.writeFileSync(path.join(folder, `${base}.weir.yaml`), out);
			fs.writeFileSync(path.join(folder, `${base}.findings`), err);
		}
		assert.equal(code, 0, err);
		assert.equal(out, read(`${base}.weir.yaml`));
		assert.equal(err, read(`${base}.findings`));
	});

for (const name of sources)
	await test(`${name}: a clean configuration, findings with their places, no secret`, async () => {
		const { code, out, err } = await importing(name);
		const lines = err.trimEnd().split('\n');
		const source = read(name).split('\n');

		assert.equal(code, 0, err);
		assert.equal(lines.pop(), `${lines.length} findings`);
		for (const line of lines) {
			const [, file, row, column] = line.match(FINDING) ?? assert.fail(line);

			assert.equal(file, name);
			assert.match(source[row - 1].slice(column - 1), /\S/, line);
		}
		assert.doesNotMatch(out, SECRET);
		assert.doesNotMatch(err, SECRET);
		await check(out);
		assert.equal((await importing(name, '--strict')).code, lines.length ? 1 : 0);
	});

await test('secrets stand in the sources, so that they could have been printed', () => {
	for (const name of exact)
		if (!['litellm-small.yaml', 'portkey-nested.json'].includes(name))
			assert.match(read(name), SECRET, name);
});

// Which of these languages the program under test speaks.
async function spoken() {
	const built = {};

	for (const dialect of ['anthropic', 'gemini', 'azure']) {
		const { code } = await run(['check', '-c', write('providers: { p: { dialect: ' +
			`${dialect}, base_url: "https://h.example" } }\nchains: { c: { steps: [ p/m ] } }\n`)]);
		built[dialect] = code === 0;
	}
	return built;
}

await test('a language that is not built stands in comments, one that is does not', async () => {
	const built = await spoken();
	const providers = { 'contoso-eu': 'azure', 'contoso-us': 'azure', azure: 'azure', anthropic: 'anthropic',
		gemini: 'gemini', contoso: 'azure', 'google-main': 'gemini' };
	const targets = { 'contoso-eu/gpt-4o-eu': 'azure', 'contoso-us/gpt-4o-us': 'azure', 'azure/gpt-4o': 'azure',
		'anthropic/claude-3-5-sonnet-latest': 'anthropic', 'anthropic/claude-3-5-haiku-latest': 'anthropic',
		'gemini/gemini-2.0-flash': 'gemini', 'contoso/gpt-4o-eu': 'azure', 'google-main/gemini-2.0-flash': 'gemini' };
	const results = [await importing('litellm-dialects.yaml'), await importing('portkey-dialects.json')];
	const lines = results.flatMap(({ out }) => out.split('\n'));
	const seen = new Set();

	for (const line of lines) {
		const [, comment, name] = line.match(/^ +(# )?(?:- )?"?([\w./-]+)"?:? /) ?? [];
		const dialect = line.includes(': {') ? providers[name] : targets[name];

		if (!dialect)
			continue;
		seen.add(name);
		assert.equal(!comment, built[dialect], line);
	}
	assert.deepEqual([...seen].sort(), [...new Set([...Object.keys(providers), ...Object.keys(targets)])].sort());
	const said = results.map(({ err }) => err).join('');
	for (const dialect of Object.keys(built))
		assert.equal(said.includes(`speaks the dialect ${dialect}, which this version`), !built[dialect], said);
});

await test("Azure's addresses and versions come over, and pass", async () => {
	const file = write(`model_list:
  - model_name: a
    litellm_params: { model: azure/dated, api_base: "https://one.openai.azure.com/", api_key: os.environ/K,
      api_version: "2024-10-21" }
  - model_name: b
    litellm_params: { model: azure/named, api_base: "https://two.openai.azure.com/openai/deployments/named/",
      api_key: os.environ/K, api_version: os.environ/AZURE_API_VERSION }
  - model_name: c
    litellm_params: { model: azure/new, api_base: "https://three.openai.azure.com", api_key: os.environ/K }
`);
	const { out, err, code } = await run(['import', 'litellm', file]);

	assert.equal(code, 0, err);
	assert.match(out, /one: \{ dialect: azure, base_url: "https:\/\/one\.openai\.azure\.com", api_version: "2024-10-21", keys/);
	assert.match(out, /two: \{ dialect: azure, base_url: "https:\/\/two\.openai\.azure\.com", api_version: "\$\{AZURE_API_VERSION\}", keys/);
	assert.match(out, /three: \{ dialect: azure, base_url: "https:\/\/three\.openai\.azure\.com", keys/);
	assert.match(out, /- two\/named/);
	assert.match(out, /Variables it reads: K, AZURE_API_VERSION\n/);
	assert.doesNotMatch(err, /api_version/);
	await check(out);
});

// Where the providers of the text are: at the simulated vendors of the same names.
function at(mock, text) {
	return text.split('\n').map((line) => {
		const [, name, inside] = line.match(/^ {2}([\w-]+): \{(.*)\}/) ?? [];

		if (!mock.urls[name])
			return line;
		const kept = inside.replace(/dialect: \w+, base_url: ("[^"]*"|[^ ,]+),?/, '').trim();
		return `  ${name}: { dialect: openai, base_url: "${mock.urls[name]}/v1"${kept ? `, ${kept}` : ''} }`;
	}).join('\n');
}

// The imported file, served: ask(model, options) as callers would.
async function serve(t, name, vendors) {
	const mock = t.keep(await startMock(Object.fromEntries(vendors.map((vendor) => [vendor, '200']))));
	const { out } = await importing(name);
	const text = at(mock, out);
	const env = dummies(text);

	for (const vendor of vendors)
		assert.ok(text.includes(mock.urls[vendor]), `${vendor} is not in the result`);
	await check(text);
	const weir = t.keep(new Program(['serve', '-c', write(text), '--listen', '127.0.0.1:0', '--admin', 'off',
		'--log', 'json'], { env }));
	const address = await weir.find(weir.lines, 'line', (l) => l.match(/"address":"([^"]+)"/)?.[1], 60, 'address');
	const headers = env.LITELLM_MASTER_KEY ? { authorization: `Bearer ${env.LITELLM_MASTER_KEY}` } : {};

	return {
		mock, address, env,
		script: (scripts) => mock.script(scripts),
		ask: (model, options) => chat({ address }, ask(model), { headers, ...options }),
		async asks(model, n) {
			const answers = [];

			for (let i = 0; i < n; i++)
				answers.push(await this.ask(model));
			return answers;
		},
	};
}

await test('litellm-small: the order of fallbacks, retries, and who may call', async (t) => {
	const s = await serve(t, 'litellm-small.yaml', ['openai', 'groq']);

	assert.deepEqual(tries(await s.ask('gpt-4o')), ['openai ok']);
	assert.equal((await s.mock.last('openai')).headers.authorization, `Bearer ${s.env.OPENAI_API_KEY}`);
	assert.deepEqual(tries(await s.ask('llama-fast')), ['groq ok']);
	assert.equal((await s.ask('gpt-4o', { headers: {} })).status, 401);
	assert.equal((await s.ask('claude')).status, 404); // it stands in comments

	await s.script({ openai: '503' });
	assert.deepEqual(tries(await s.ask('gpt-4o')), ['openai overloaded', 'groq ok']);
	await s.script({ openai: '500*2,200' }); // num_retries: 2
	assert.deepEqual(tries(await s.ask('gpt-4o')), ['openai server_error', 'openai server_error', 'openai ok']);
	await s.script({ openai: '400' });
	assert.equal((await s.ask('gpt-4o')).status, 400); // the caller's own
	await s.script({ openai: '500', groq: '500' });
	const answer = await s.ask('gpt-4o');
	assert.equal(answer.status, 502);
	assert.equal(answer.headers['x-weir-attempts'], '6'); // each with both its retries
});

await test('litellm-pools: weights, orders, timeouts, aliases, and what is too long', async (t) => {
	const s = await serve(t, 'litellm-pools.yaml', ['gpu-a', 'gpu-b', 'ollama', 'large']);

	assert.deepEqual(shares(await s.asks('chat', 20), 'gpu-a', 'gpu-b'), [15, 5]);
	assert.deepEqual(shares(await s.asks('gpt-4o', 8), 'gpu-a', 'gpu-b'), [6, 2]);
	assert.equal(who(await s.ask('gpt-4')), 'large');
	assert.equal((await s.mock.last('gpu-a')).headers.authorization, undefined); // a placeholder
	assert.equal((await s.mock.last('gpu-b')).headers.authorization, `Bearer ${s.env.GPU_B_API_KEY}`);
	assert.equal((await s.mock.last('large')).headers['X-Team'], s.env.LARGE_X_TEAM);

	await s.script({ 'gpu-a': 'hang', 'gpu-b': 'hang' });
	const began = Date.now();
	const slow = tries(await s.ask('chat'));
	assert.deepEqual(slow.map((one) => one.split(' ')[1]), ['slow', 'slow', 'ok']);
	assert.equal(slow.at(-1), 'ollama ok'); // order: 2
	assert.ok(Date.now() - began >= 3900, `${Date.now() - began} ms`); // timeout: 2, twice

	await s.script({ 'gpu-a': 'context-length', 'gpu-b': 'context-length', ollama: 'context-length' });
	assert.equal(who(await s.ask('chat')), 'large'); // context_window_fallbacks
});

await test('litellm-large: fallbacks of fallbacks, and refused content', async (t) => {
	const s = await serve(t, 'litellm-large.yaml', ['eu', 'us', 'openai', 'openai-2']);

	await s.script({ eu: '503', us: '503', openai: '503' });
	const all = tries(await s.ask('gpt-4o'));
	assert.deepEqual(all.slice(0, 2).sort(), ['eu overloaded', 'us overloaded']);
	assert.deepEqual(all.slice(2), ['openai overloaded', 'openai-2 ok']);
	await s.script({ eu: 'content-policy', us: 'content-policy', openai: '200' });
	assert.equal(who(await s.ask('gpt-4o')), 'openai');
	assert.equal((await s.ask('whisper')).status, 404);
});

await test('portkey-fallback: retries of each target, and its time', async (t) => {
	const s = await serve(t, 'portkey-fallback.json', ['openai', 'groq']);

	await s.script({ openai: '500*2,200' });
	assert.deepEqual(tries(await s.ask('gpt-4o')), ['openai server_error', 'openai server_error', 'openai ok']);
	await s.script({ openai: '503', groq: '500' });
	assert.deepEqual(tries(await s.ask('gpt-4o')), ['openai overloaded', 'groq server_error']); // attempts: 0
	await s.script({ openai: '503', groq: 'hang' });
	const began = Date.now();
	assert.deepEqual(tries(await s.ask('gpt-4o')), ['openai overloaded', 'groq slow']);
	assert.ok(Date.now() - began >= 1400, `${Date.now() - began} ms`);
});

await test('portkey-nested: pools by weight inside a fallback, and a fallback inside a pool', async (t) => {
	const s = await serve(t, 'portkey-nested.json', ['pool-a', 'pool-b', 'mistral-eu', 'mistral-us', 'together']);

	assert.deepEqual(shares(await s.asks('qwen3-32b', 20), 'pool-a', 'pool-b'), [15, 5]);
	await s.script({ 'pool-a': '429;retry-after=60', 'pool-b': '429;retry-after=60' });
	assert.deepEqual(shares(await s.asks('qwen3-32b', 12), 'mistral-eu', 'together'), [8, 4]);
	await s.script({ 'mistral-eu': '429;retry-after=60', together: '429;retry-after=60' });
	assert.equal(who(await s.ask('qwen3-32b')), 'mistral-us');
});

await test('portkey-conditional: each branch by its name', async (t) => {
	const s = await serve(t, 'portkey-conditional.json', ['openai', 'openai-2', 'free']);

	assert.equal(who(await s.ask('free')), 'free');
	assert.equal(who(await s.ask('paid')), 'openai');
	assert.equal(JSON.parse((await s.mock.last('openai')).body).model, s.env.WEIR_MODEL);
	assert.equal(who(await s.ask('other')), 'openai-2');
	assert.equal((await s.ask('nobody')).status, 404);
});

await test('--model: what targets ask for that take the model of a request', async () => {
	const file = write('{ "targets": [ { "provider": "openai" }, { "provider": "groq" } ] }');
	const { code, out, err } = await run(['import', 'portkey', file, '--model', 'gpt-4o']);

	assert.equal(code, 0);
	assert.match(out, /\n {2}gpt-4o:\n {4}steps:\n {6}- openai\/gpt-4o .*\n {6}- groq\/gpt-4o /);
	assert.equal(err, '0 findings\n');
	await check(out);
});

await test('what is no such file: exit 2, its place, and nothing on stdout', async () => {
	const broken = [['model_list: [', /:2:1: error\[yaml-syntax\]/], ['a: 1\na: 2\n', /:2:1: error\[duplicate-key\]/],
		['- 1\n', /:1:1: error\[wrong-type\]/], ['unrelated: true\n', /:1:1: error\[missing-key\]/],
		['x: !lambda y\n', /:1:4: error\[yaml-tag\]/]];

	for (const [text, place] of broken)
		for (const source of ['litellm', 'portkey']) {
			const { code, out, err } = await run(['import', source, write(text)]);

			assert.equal(code, 2, text);
			assert.equal(out, '');
			assert.match(err, place);
			assert.match(err, /\n\d+ findings\n$/);
		}
	const { code, out, err } = await run(['import', 'litellm', 'no-such-file.yaml']);
	assert.equal(code, 2);
	assert.equal(out, '');
	assert.match(err, /^no-such-file\.yaml: error\[missing-file\]/);
});

await test('nothing that can be used: all in comments, exit 1', async () => {
	const { code, out, err } = await run(['import', 'litellm',
		write('model_list: [ { model_name: a, litellm_params: { model: bedrock/m } } ]')]);

	assert.equal(code, 1);
	assert.match(err, /error\[nothing-usable\]/);
	assert.ok(out.split('\n').every((line) => /^ *(#.*)?$/.test(line)), out);
});

await test('an error in use: exit 2 and a word about help', async () => {
	for (const args of [['litellm'], ['litellm', 'a', 'b'], ['nginx', 'a'], ['--nonsense', 'litellm', 'a'],
		['litellm', 'a', '--model', 'b']]) {
		const { code, out, err } = await run(['import', ...args]);

		assert.equal(code, 2, args.join(' '));
		assert.equal(out, '');
		assert.match(err, /weir import --help/);
	}
	const { code, out, err } = await run(['import']);
	assert.equal(code, 2);
	assert.equal(out, '');
	assert.match(err, /^usage: weir import litellm FILE/);
});

// Parts of such files, put together by chance: what they say is nonsense, but well-formed.
function random(seed) {
	let state = seed;

	return (n) => {
		state = (state * 1103515245 + 12345) % 2147483648;
		return Math.floor(state / 65536) % n;
	};
}

const WORDS = ['', 'gpt-4o', 'openai/gpt-4o', 'groq/x', 'azure/y', 'bedrock/z', '@groq-1/m', '@', '/', '*', 'openai/*',
	'os.environ/KEY', 'os.environ/', '${X}', '${', 'http://h:1/v1', 'http://u:p@h', 'https://api.groq.com/openai/v1',
	'least-busy', 'fallback', 'loadbalance', 'conditional', 'single', 'chat', 'a: b', '# c', '\t', 'é', '\u{1f600}', '<<', '~'];
const KEYS = ['model_list', 'model_name', 'litellm_params', 'model_info', 'model', 'api_key', 'api_base', 'weight', 'order',
	'rpm', 'tpm', 'timeout', 'stream_timeout', 'max_retries', 'num_retries', 'router_settings', 'litellm_settings',
	'general_settings', 'fallbacks', 'default_fallbacks', 'context_window_fallbacks', 'content_policy_fallbacks',
	'model_group_alias', 'routing_strategy', 'master_key', 'extra_headers', 'id', 'mode', 'strategy', 'targets', 'provider',
	'virtual_key', 'custom_host', 'customHost', 'override_params', 'retry', 'attempts', 'request_timeout', 'on_status_codes',
	'conditions', 'default', 'name', 'cache', 'resource_name', 'deployment_id', 'nonsense'];

function value(pick, depth) {
	const n = pick(depth > 5 ? 6 : 12);

	if (n < 4)
		return WORDS[pick(WORDS.length)];
	if (n < 6)
		return [0, 1, -1, 0.3, 1e9, 1e30, true, false, null, 7][pick(10)];
	if (n < 9)
		return Array.from({ length: pick(4) }, () => value(pick, depth + 1));
	return Object.fromEntries(Array.from({ length: pick(5) }, () => [KEYS[pick(KEYS.length)], value(pick, depth + 1)]));
}

// A part of the whole is replaced by something else.
function mutate(pick, node, depth = 0) {
	if (depth > 0 && pick(7) === 0)
		return value(pick, depth);
	if (Array.isArray(node))
		return node.flatMap((item) => (pick(15) === 0 ? [] : pick(15) === 0 ? [item, item] : [mutate(pick, item, depth + 1)]));
	if (node && typeof node === 'object')
		return Object.fromEntries(Object.entries(node).map(([key, item]) =>
			[pick(20) === 0 ? KEYS[pick(KEYS.length)] : key, mutate(pick, item, depth + 1)]));
	return node;
}

const SHAPES = {
	litellm: {
		model_list: [1, 2, 3].map((i) => ({
			model_name: `m${i % 2}`,
			litellm_params: { model: ['openai/a', 'groq/b', 'hosted_vllm/c'][i - 1], api_key: 'os.environ/K', api_base: 'http://h/v1',
				weight: i, rpm: i * 10, timeout: i },
			model_info: { id: `id${i}`, mode: 'chat' },
		})),
		router_settings: { fallbacks: [{ m0: ['m1', 'id2'] }], model_group_alias: { x: 'm0' }, num_retries: 2 },
		general_settings: { master_key: 'sk-1' },
	},
	portkey: {
		strategy: { mode: 'fallback', on_status_codes: [429] },
		targets: [
			{ provider: 'openai', api_key: 'k', override_params: { model: 'a' }, retry: { attempts: 1 } },
			{ strategy: { mode: 'loadbalance' }, targets: [{ provider: '@groq-1', weight: 0.5, override_params: { model: 'b' } },
				{ virtual_key: 'mistral-2', weight: 0.5, custom_host: 'http://h/v1' }] },
		],
		request_timeout: 1000,
	},
};

await test('300 files that make no sense: a result that is valid, or a refusal', async () => {
	const codes = [0, 0, 0];

	for (let i = 0; i < 300; i++) {
		const source = i % 2 ? 'litellm' : 'portkey';
		const text = JSON.stringify(mutate(random(i + 1), SHAPES[source]), null, i % 3);
		const { code, out, err } = await run(['import', source, write(text)]);

		assert.ok(code >= 0 && code <= 2, `${code}\n${text}\n${err}`);
		assert.doesNotMatch(err, /not-valid/, text + out);
		assert.match(err, /\d+ findings\n$/, text);
		codes[code]++;
	}
	assert.ok(codes[0] > 100, `${codes}`);
}, { seconds: 200 });

await done();
