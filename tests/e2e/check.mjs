// `weir check`: everything that is wrong with a configuration, each with its place and what
// to write instead. The files and what must be said of them are in tests/data/config.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, test } from './lib/tap.mjs';
import { run } from './lib/program.mjs';
import { scratch } from './lib/weir.mjs';

const folder = fileURLToPath(new URL('../data/config/', import.meta.url));
const env = { OPENAI_API_KEY: 'sk-test-openai-0123456789', WEIR_APP_KEY: 'app-key-0123456789' };
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const readme = fs.readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
const WORST = new RegExp('^chains\\.(\\S.*): at most \\d+ calls?, [\\d.]+ s( \\([\\d.]+ s until a ' +
	'stream begins\\))?, (cost unknown|\\$[\\d.]+ per 1k\\+1k tokens); walked [\\d,]+ paths' +
	'( \\([^)]*; the figures are upper bounds\\))?: ' +
	'ends, in time, caller\'s fault never retried(; of \\d+ targets only \\d+ for /v1/responses)?$');
const FINDING = /^([^:]+):(\d+):(\d+): (error|warning)\[([a-z0-9-]+)\] (\S.*?): (.+?); fix: (.+)$/;

const check = (args, options = {}) => run(['check', ...args], { env, cwd: folder, ...options });
const count = (lines, level) => lines.filter((line) => line.includes(`: ${level}[`)).length;

function expected(name) {
	return fs.readFileSync(path.join(folder, name), 'utf8').split('\n')
		.filter((line) => line.startsWith('#= ')).map((line) => `${name}:${line.slice(3)}`);
}

// Only when no file was checked would all of this pass for nothing.
await test('there are at least twenty broken files, one odd and one clean', () => {
	assert.ok(files.filter((name) => name.startsWith('bad-')).length >= 20);
	assert.ok(files.some((name) => name.startsWith('warn-')));
	assert.ok(files.some((name) => name.startsWith('good-')));
});

for (const name of files)
	await test(`${name}: the findings that it expects`, async () => {
		const wanted = expected(name);
		const errors = count(wanted, 'error');
		const warnings = count(wanted, 'warning');
		const { code, out, err } = await check(['-c', name]);
		const lines = out.trimEnd().split('\n');
		const findings = lines.slice(0, wanted.length);

		assert.equal(err, '');
		assert.equal(lines.pop(), `${errors} errors, ${warnings} warnings`);
		assert.deepEqual(findings, wanted);
		for (const line of findings)
			assert.match(line, FINDING);
		for (const line of lines.slice(wanted.length))
			assert.match(line, WORST);
		assert.equal(lines.length > wanted.length, !name.startsWith('bad-'));
		assert.equal(code, name.startsWith('bad-') ? 2 : 0);
		assert.equal(errors > 0, name.startsWith('bad-'));
		for (const secret of Object.values(env))
			assert.ok(!out.includes(secret));

		if (!name.startsWith('bad-'))
			return; // each look at a good one walks its chains again
		const json = await check(['-c', name, '--json']);
		assert.equal(json.code, code);
		assert.deepEqual(JSON.parse(json.out).map((finding) => {
			assert.deepEqual(Object.keys(finding),
				['file', 'line', 'column', 'level', 'rule', 'key', 'message', 'fix']);
			return `${finding.file}:${finding.line}:${finding.column}: ${finding.level}[${finding.rule}] ` +
				`${finding.key}: ${finding.message}; fix: ${finding.fix}`;
		}), wanted);
	});

await test('a chain says how many of its targets speak /v1/responses, where not all do', async () => {
	const file = path.join(scratch, 'responses.yaml');
	const of = async (...steps) => {
		fs.writeFileSync(file, JSON.stringify({ chains: { m: { steps } } }));
		const { code, out } = await check(['-c', file], { env: { ...env, ANTHROPIC_API_KEY: 'sk-ant-0123456789' } });
		assert.equal(code, 0, out);
		return /retried(.*)/.exec(out)[1];
	};

	assert.equal(await of('openai/gpt-4o', 'anthropic/claude-sonnet-4-5'), '; of 2 targets only 1 for /v1/responses');
	assert.equal(await of('openai/gpt-4o', 'openai/gpt-4o-mini'), '');
	assert.equal(await of('anthropic/claude-sonnet-4-5'), '');
});

await test('--strict: 0 clean, 1 with warnings, 2 with errors', async () => {
	for (const [kind, code] of [['good-', 0], ['warn-', 1], ['bad-', 2]]) {
		const name = files.find((file) => file.startsWith(kind));

		assert.equal((await check(['-c', name, '--strict'])).code, code, name);
		const json = await check(['--strict', '--json', '-c', name]);
		assert.equal(json.code, code, name);
		assert.equal(JSON.parse(json.out).length, expected(name).length);
	}
});

await test('the worst case of each chain, in the order of the file', async () => {
	const here = fs.mkdtempSync(path.join(scratch, 'worst-'));
	const file = path.join(here, 'weir.yaml');
	const chain = (steps, more) => ({ steps, ...more });

	fs.writeFileSync(file, JSON.stringify({
		providers: { local: { dialect: 'openai', base_url: 'http://127.0.0.1:1' } },
		models: { cheap: { input_price: 0.5, output_price: 1 } },
		chains: {
			second: chain(['local/cheap'], { attempt_timeout: '4s', max_attempts: 1 }),
			first: chain(['local/cheap'], { deadline: '3s', max_attempts: 2 }),
			unpriced: chain(['local/own'], { deadline: '3s', max_attempts: 1 }),
		},
	}));
	const { code, out } = await check(['-c', file]);
	const lines = out.replaceAll(/walked [\d,]+/g, 'walked N').trimEnd().split('\n');

	assert.equal(code, 0);
	assert.equal(lines.pop(), '0 errors, 0 warnings');
	assert.deepEqual(lines, [
		'chains.second: at most 1 call, 14 s, $0.0015 per 1k+1k tokens',
		'chains.first: at most 2 calls, 3 s, $0.002 per 1k+1k tokens',
		'chains.unpriced: at most 1 call, 3 s, cost unknown',
	].map((line) => `${line}; walked N paths: ends, in time, caller's fault never retried`));
	assert.deepEqual(JSON.parse((await check(['-c', file, '--json'])).out), []);
});

await test('what the README shows of it', async () => {
	const here = fs.mkdtempSync(path.join(scratch, 'readme-'));
	const blur = (text) => text.replaceAll(/walked [\d,]+/g, 'walked N');
	const [, yaml] = readme.match(/```yaml\n(providers:[^]*?)```/);
	const [, shown] = readme.match(/```\n\$ weir check \| grep '\^chains'\n([^]*?)```/);

	fs.writeFileSync(path.join(here, 'weir.yaml'), yaml);
	const { code, out } = await check([], {
		cwd: here,
		env: { OPENAI_API_KEY: 'sk-test-openai-0123456789', GROQ_API_KEY: 'gsk-0123456789-0123' },
	});
	assert.equal(code, 0, out);
	assert.equal(blur(out.match(/^chains.*\n/gm).join('')), blur(shown));
});

await test('without -c: weir.yaml here, else what the environment gives', async () => {
	const here = fs.mkdtempSync(path.join(scratch, 'here-'));

	const zero = await check([], { cwd: here });
	assert.equal(zero.code, 0, zero.out + zero.err);
	const nothing = await check([], { cwd: here, env: {} });
	assert.equal(nothing.code, 2);
	assert.match(nothing.out, /OPENAI_API_KEY/);
	fs.copyFileSync(path.join(folder, 'bad-duration.yaml'), path.join(here, 'weir.yaml'));
	const found = await check([], { cwd: here });
	assert.equal(found.code, 2);
	assert.match(found.out, /^weir\.yaml:1:23: error/);
});

await test('a file that cannot be read', async () => {
	for (const name of ['none.yaml', '.', '/dev/null/x']) {
		const { code, out } = await check(['-c', name]);

		assert.equal(code, 2);
		assert.ok(out.startsWith(`${name}:`), out);
		assert.match(out, /\n1 errors, 0 warnings\n$/);
	}
});

await test('an error in use: exit 2 and a pointer to --help', async () => {
	for (const args of [['--nonsense'], ['-c'], ['extra']]) {
		const { code, err } = await check(args);

		assert.equal(code, 2);
		assert.match(err, /weir check --help/);
	}
});

await done();
