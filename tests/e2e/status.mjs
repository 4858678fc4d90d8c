// `weir status` and `weir diff`: what operators ask in a shell.
import assert from 'node:assert/strict';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { eventually, post } from './lib/http.mjs';
import { play } from './lib/stage.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200' }));
const OPERATOR = { headers: { 'x-weir-admin': '1' } };
const KEYS = { A: 'sk-a-0123456789', B: 'sk-b-0123456789' };

// ---- status ----

await test('status shows each target of each chain', async (t) => {
	const stage = await play(t, mock, { alpha: '200', beta: '200' });
	const { weir } = stage;

	await stage.ask();
	await post(weir.admin, `/targets/${stage.at('beta')}/disable`, '', OPERATOR);
	const { code, out, err } = await run(['status', '--admin', weir.admin]);
	assert.equal(code, 0, err);
	assert.match(out, /^weir \S+, up .* configuration 1$/m);
	assert.match(out, /1 requests, 0 fallbacks, 0 errors/);
	assert.match(out, new RegExp(`^${stage.model}$`, 'm'));
	assert.match(out, new RegExp(`^ +1 +${stage.at('alpha')} +healthy .* 1 attempts`, 'm'));
	assert.match(out, new RegExp(`^ +2 +${stage.at('beta')} +disabled .*by an operator`, 'm'));
	assert.ok(!out.includes('\x1b'));
	const json = JSON.parse((await run(['status', '--json', '--admin', weir.admin])).out);
	assert.equal(json.chains[0].name, stage.model);
});

await test('--ready is 0 when it is, 1 while it drains and when nobody is there', async (t) => {
	const stage = await play(t, mock, { alpha: '200;tokens=200;gap=50ms' });
	const { weir } = stage;
	const ready = () => run(['status', '--ready', '--admin', weir.admin]);
	const stream = stage.ask({ body: { stream: true } });

	await stage.inflight('alpha', 1);
	const good = await ready();
	assert.equal(good.code, 0);
	assert.match(good.out, /^ready/);
	weir.signal('SIGTERM');
	await eventually(async () => (await ready()).code === 1, 'a refusal');
	assert.match((await ready()).out, /^draining/);
	weir.signal('SIGTERM');
	await stream.catch(() => {});
	await weir.end();
	const gone = await ready();
	assert.equal(gone.code, 1);
	assert.match(gone.err, /nobody answers/);
});

await test('the address and the key are those of the file', async (t) => {
	const socket = path.join(scratch, 'admin.sock');
	const config = {
		admin: `unix:${socket}`, admin_key: '${A}', providers: mock.providers('alpha'),
		chains: { m: { steps: ['alpha/m'] } },
	};
	t.keep(await startWeir(config, { env: KEYS }));
	const { code, out, err } = await run(['status', '-c', writeConfig(config)], { env: KEYS });

	assert.equal(code, 0, err);
	assert.match(out, /alpha\/m/);
	assert.equal((await run(['status', '--admin', 'nonsense'])).code, 2);
	assert.equal((await run(['status', '-c', writeConfig({ ...config, admin: 'off' })], { env: KEYS })).code, 1);
});

// ---- diff ----

const base = (more = {}) => ({
	providers: { a: { dialect: 'openai', base_url: 'http://127.0.0.1:1/v1', keys: ['${A}'] } },
	chains: { m: { steps: ['a/x', 'a/y'] } }, ...more,
});
const diff = async (was, now, ...more) => run(['diff', ...more, writeConfig(was), writeConfig(now)], { env: KEYS });

await test('diff of the same is nothing', async () => {
	const { code, out } = await diff(base(), base());

	assert.equal(code, 0);
	assert.equal(out, '0 added, 0 removed, 0 changed\n');
	assert.equal((await diff(base(), base(), '--json')).out, '[]\n');
});

await test('diff tells what is new, gone and changed, with what follows, and no key', async () => {
	const now = base({ listen: '127.0.0.1:9', defaults: { deadline: '60s' } });

	now.providers.a.keys = ['${B}'];
	now.providers.b = { dialect: 'openai', base_url: 'http://127.0.0.1:2/v1', max_inflight: 4 };
	now.chains = { n: { steps: ['b/z'] }, m: { retries: 0, deadline: '60s', steps: ['a/x'] } };
	const { code, out } = await diff(base(), now);
	assert.equal(code, 0);
	const lines = out.split('\n');
	for (const line of ['~ listen[0]: 127.0.0.1:4000 -> 127.0.0.1:9',
		'~ providers.a.keys[0]: a key -> another one', '+ providers.b: openai at http://127.0.0.1:2/v1',
		'+ chains.n: a chain', '+ chains.n.steps[0]: b/z', '- chains.m.steps[1]: a/y', '~ chains.m.retries: 1 -> 0',
		'~ chains.m.deadline: 120s -> 60s', '~ defaults.deadline: 120s -> 60s'])
		assert.ok(lines.includes(line), `${line}\n${out}`);
	assert.ok(!out.includes('providers.b.max_inflight') && !out.includes('chains.n.deadline') && !out.includes('steps[0].'), out);
	assert.ok(!Object.values(KEYS).some((key) => out.includes(key)));

	const moved = base();
	moved.providers.a.base_url = 'http://127.0.0.1:3/v1';
	assert.match((await diff(base(), moved)).out,
		/^~ providers\.a: .*:1\/v1 -> .*:3\/v1 \(its health starts anew\)\n0 added, 0 removed, 1 changed\n$/);
	const json = JSON.parse((await diff(base(), moved, '--json')).out);
	assert.deepEqual([json.length, json[0].change, json[0].key], [1, 'changed', 'providers.a']);
});

await test('diff refuses what is no configuration', async () => {
	const { code, err } = await diff(base(), { chains: { m: { steps: ['nobody/x'] } } });

	assert.equal(code, 2);
	assert.match(err, /error\[/);
	assert.equal((await run(['diff', writeConfig(base())])).code, 2);
	assert.equal((await run(['diff', '/nowhere', writeConfig(base())], { env: KEYS })).code, 2);
});

await done();
