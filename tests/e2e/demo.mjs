// The commands a newcomer types first.
import assert from 'node:assert/strict';
import { done, test } from './lib/tap.mjs';
import { Program, run } from './lib/program.mjs';
import { ask, chat, get } from './lib/http.mjs';

const COMMANDS = ['serve', 'check', 'demo', 'mock', 'import', 'version'];

await test('weir demo --once: an outage without losses, within 30 s', async () => {
	const began = Date.now();
	const { code, out } = await run(['demo', '--once'], { seconds: 60 });

	assert.equal(code, 0, out);
	assert.ok(Date.now() - began < 30000);
	assert.equal(out.trimEnd().split('\n').at(-1), 'demo: ok');
	assert.match(out, /fallback {2}alpha\/model-a -> beta\/model-b/);
	assert.match(out, /status {3}http:\/\/127\.0\.0\.1:\d+\/ /);
	assert.doesNotMatch(out, /\u001b/); // no terminal, no colours
}, { seconds: 90 });

await test('weir demo: a proxy to try out, until it is told to stop', async (t) => {
	const demo = t.keep(new Program(['demo']));
	const line = (pattern) => demo.find(demo.printed, 'printed', (text) => text.match(pattern)?.[1], 60, 'address');
	const address = await line(/proxy +http:\/\/(\S+)\/v1/);
	const admin = await line(/status +http:\/\/([^/]+)/);
	const answer = await chat({ address }, ask('demo'));

	assert.equal(answer.status, 200);
	assert.equal(JSON.parse((await get(admin, '/status')).text).chains[0].name, 'demo');
	demo.signal('SIGINT');
	assert.equal((await demo.end()).code, 0);
});

await test('weir version: weir and every library in it', async () => {
	const { code, out } = await run(['version']);
	const lines = out.trimEnd().split('\n');

	assert.equal(code, 0);
	assert.match(lines[0], /^weir \d+\.\d+\.\d+/);
	for (const library of ['libuv', 'c-ares', 'mbedTLS', 'llhttp', 'nghttp2', 'yyjson', 'libyaml'])
		assert.ok(lines.some((text) => text.toLowerCase().startsWith(`${library.toLowerCase()} `)), `${library}: ${out}`);
	for (const alias of ['--version', '-V'])
		assert.equal((await run([alias])).out, out);
});

await test('--help of all', async () => {
	const { code, out } = await run(['--help']);

	assert.equal(code, 0);
	for (const command of COMMANDS) {
		assert.ok(out.includes(`weir ${command}`), command);
		for (const option of ['--help', '-h']) {
			const help = await run([command, option]);

			assert.equal(help.code, 0, command);
			assert.match(help.out, new RegExp(`^usage: weir ${command}`));
			assert.equal(help.err, '');
			for (const text of help.out.split('\n'))
				assert.ok(text.length <= 100, text);
		}
	}
	for (const alias of ['-h', 'help'])
		assert.equal((await run([alias])).out, out);
});

await test('what is not understood: exit 2, and a word about help', async () => {
	for (const args of [['nonsense'], ['serve', '--nonsense'], ['serve', 'extra'], ['serve', '--log', 'xml'],
		['demo', '--nonsense'], ['mock'], ['mock', '--vendor', 'a', '--script', 'b=200'], ['mock', '--vendor', 'a', 'x'],
		['mock', '--vendor', 'a', '--script', 'a=nonsense'], ['version', 'extra'], ['--nonsense']]) {
		const { code, out, err } = await run(args);

		assert.equal(code, 2, args.join(' '));
		assert.equal(out, '');
		assert.ok(err.length > 0);
	}
	assert.match((await run(['nonsense'])).err, /`nonsense`.*--help/);
});

await test('zero-config without any key: exit 2, and which would do', async () => {
	const { code, err } = await run(['serve', '--listen', '127.0.0.1:0', '--admin', 'off'], { cwd: '/' });

	assert.equal(code, 2);
	assert.match(err, /OPENAI_API_KEY/);
});

await test('zero-config with one: serves, and knows whom to ask', async (t) => {
	const weir = t.keep(new Program(['serve', '-l', '127.0.0.1:0', '--admin', 'off', '--log', 'json'],
		{ cwd: '/', env: { OPENAI_API_KEY: 'sk-test-0123456789' } }));
	const address = await weir.find(weir.lines, 'line', (l) => l.match(/"address":"([^"]+)"/)?.[1], 60, 'address');
	const answer = await chat({ address }, ask('no-vendor-has-this'));

	assert.equal(answer.status, 404);
	assert.equal(JSON.parse(answer.text).error.code, 'model_not_found');
	const wrong = await chat({ address }, ask('gpt-4o', 'x', { fallbacks: ['no-vendor-has-this'] }));
	assert.equal(wrong.status, 400);
	assert.equal(JSON.parse(wrong.text).error.param, 'fallbacks[0]');
});

await done();
