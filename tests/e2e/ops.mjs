// What the people who run weir see: metrics, status, log, signals, and no secret in any.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deadline, done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { Program, binary, run } from './lib/program.mjs';
import { checkText } from './lib/exposition.mjs';
import { parseMetrics, scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { Wire, ask, chat, eventually, get, nonce, post, textOf } from './lib/http.mjs';

const SECRETS = {
	KEY_A: 'sk-canary-Alpha/0123456789+abcdef', KEY_B: 'sk-canary-Beta-0123456789abcdef',
	APP: 'app-canary-0123456789abcdef',
};
const PROMPT = 'the-canary-sings-at-dawn';
const OUTCOMES = ['ok', 'failed_over', 'exhausted', 'caller_error', 'hangup', 'rejected'];
const CLASSES = ['ok', 'caller', 'not_here', 'credentials', 'quota', 'rate_limited', 'overloaded', 'server_error',
	'unreachable', 'slow', 'cut', 'repairable', 'hangup'];

const mock = share(await startMock({ alpha: '200', beta: '200' }));
const providers = mock.providers();
providers.alpha.keys = ['${KEY_A}'];
providers.beta.keys = ['${KEY_B}'];
const steps = (first, second) => ({ retries: 0, steps: [`alpha/${first}`, `beta/${second}`] });
const config = {
	access: { keys: [{ name: 'app', key: '${APP}' }] },
	providers,
	chains: {
		fine: steps('fine', 'spare'), broken: steps('broken', 'spare'), dead: steps('broken', 'broken'),
		wrong: steps('wrong', 'spare'), silent: steps('silent', 'spare'), slow: steps('slow', 'spare'),
	},
};
const scripts = {
	'alpha/broken': '500', 'beta/broken': '503', 'alpha/wrong': '400', 'alpha/silent': 'hang',
	'alpha/slow': '200;tokens=40;gap=50ms',
};
await mock.script(scripts);

const start = (options = {}) => startWeir({ ...config, ...options }, { env: SECRETS });
const mine = { headers: { authorization: `Bearer ${SECRETS.APP}` } };
const call = (weir, model, more = {}) => chat(weir, ask(model, PROMPT, more), mine);
const sum = (series, ...parts) => [...series].filter(([name]) => parts.every((p) => name.includes(p)))
	.reduce((all, [, value]) => all + value, 0);

async function leave(weir, model) {
	const wire = await Wire.open(weir.address);
	const body = JSON.stringify(ask(model, PROMPT));
	const before = await mock.stats('alpha');

	wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer ${SECRETS.APP}\r\n` +
		`content-length: ${body.length}\r\n\r\n${body}`);
	await eventually(async () => (await mock.stats('alpha')).hits > before.hits, 'request');
	wire.reset();
	await weir.event('request', (line) => line.outcome === 'hangup');
}

// One request of every kind; how many ended how.
async function everything(weir) {
	const calls = [
		['fine', 200], ['fine', 200], ['broken', 200], ['dead', 503], ['wrong', 400], ['unknown', 404],
	];

	for (const [model, status] of calls)
		for (const stream of [false, true])
			assert.equal((await call(weir, model, { stream })).status, status, model);
	await leave(weir, 'silent');
	assert.equal((await chat(weir, ask('fine', PROMPT))).status, 401);
	assert.equal((await get(weir.address, '/nowhere', mine)).status, 404);
	assert.equal((await chat(weir, '{"model":', mine)).status, 400);
	assert.equal((await get(weir.address, '/v1/chat/completions', mine)).status, 405);
	return { ok: 4, failed_over: 2, exhausted: 2, caller_error: 2, hangup: 1, rejected: 6 };
}

// ---- metrics ----

await test('all series exist, at zero, from the start', async (t) => {
	const weir = t.keep(await start());
	const { text, headers } = await get(weir.admin, '/metrics');
	const series = parseMetrics(text);
	const wanted = ['weir_inflight_requests', 'weir_overhead_seconds_count'];

	assert.equal(headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
	checkText(text);
	for (const chain of [...Object.keys(config.chains), 'other']) {
		for (const outcome of OUTCOMES)
			wanted.push(`weir_requests_total{chain="${chain}",outcome="${outcome}"}`);
		wanted.push(`weir_request_seconds_count{chain="${chain}"}`, `weir_first_token_seconds_count{chain="${chain}"}`);
	}
	for (const cls of CLASSES)
		for (const target of ['alpha/fine', 'beta/spare'])
			wanted.push(`weir_attempts_total{chain="fine",target="${target}",class="${cls}"}`);
	for (const cls of CLASSES.filter((c) => c !== 'ok' && c !== 'hangup'))
		wanted.push(`weir_fallbacks_total{chain="fine",from="alpha/fine",to="beta/spare",class="${cls}"}`);
	for (const type of ['input', 'output'])
		wanted.push(`weir_tokens_total{target="alpha/fine",type="${type}"}`);
	for (const name of wanted)
		assert.equal(series.get(name), 0, name);
});

await test('what went in came out: the counters add up', async (t) => {
	const weir = t.keep(await start());
	const ended = await everything(weir);
	const total = Object.values(ended).reduce((a, b) => a + b);
	const { text } = await get(weir.admin, '/metrics');
	const series = parseMetrics(text);
	const lines = weir.of('request');

	checkText(text);
	for (const [outcome, n] of Object.entries(ended))
		assert.equal(sum(series, 'weir_requests_total', `outcome="${outcome}"`), n, outcome);
	assert.equal(sum(series, 'weir_requests_total'), total);
	assert.equal(sum(series, 'weir_request_seconds_count'), total);
	assert.equal(sum(series, 'weir_attempts_total'), lines.reduce((n, line) => n + line.attempts, 0));
	assert.equal(sum(series, 'weir_attempts_total', 'class="hangup"'), 1);
	assert.equal(sum(series, 'weir_fallbacks_total'), weir.of('fallback').length);
	assert.equal(sum(series, 'weir_fallbacks_total', 'class="server_error"'), 4);
	assert.ok(sum(series, 'weir_tokens_total', 'target="alpha/fine"', 'output') > 0);
	assert.equal(series.get('weir_inflight_requests'), 0);
	assert.equal(sum(series, 'weir_inflight_attempts'), 0);
	assert.equal(sum(series, 'chain="unknown"'), 0, 'a label that a caller chose');
	assert.ok(!text.includes('"unknown"'));
});

// ---- status ----

await test('/status has the form that was promised', async (t) => {
	const weir = t.keep(await start());
	const ended = await everything(weir);
	const { text, headers } = await get(weir.admin, '/status');
	const status = JSON.parse(text);

	assert.match(headers['content-type'], /^application\/json/);
	for (const field of ['version', 'uptime_s', 'generation', 'draining', 'inflight', 'totals', 'chains'])
		assert.ok(field in status, field);
	assert.equal(status.draining, false);
	assert.equal(status.inflight, 0);
	assert.equal(status.totals.requests, Object.values(ended).reduce((a, b) => a + b));
	assert.equal(status.totals.fallbacks, weir.of('fallback').length);
	assert.equal(typeof status.totals.errors, 'number');
	assert.deepEqual(status.chains.map((c) => c.name), Object.keys(config.chains));
	for (const chain of status.chains)
		for (const targets of chain.steps)
			for (const target of targets) {
				for (const field of ['target', 'state', 'reason', 'until_ms', 'inflight', 'attempts', 'failures'])
					assert.ok(field in target, field);
				assert.match(target.state, /^(healthy|probing|ramping|open|benched|at_cap|disabled)$/);
			}
	const broken = status.chains.find((c) => c.name === 'broken').steps[0][0];
	assert.equal(broken.target, 'alpha/broken');
	assert.ok(broken.attempts >= 1 && broken.failures >= 1);
});

// ---- the log ----

await test('every request has one line, whatever its end, and each line parses', async (t) => {
	const weir = t.keep(await start());
	const ended = await everything(weir);
	const fields = ['ts', 'request_id', 'chain', 'model', 'target', 'outcome', 'status', 'attempts', 'stream', 'ms',
		'first_token_ms', 'tokens_in', 'tokens_out', 'cost_usd', 'trail'];
	const total = Object.values(ended).reduce((a, b) => a + b);

	await eventually(() => weir.of('request').length >= total, 'lines');
	const lines = weir.of('request');
	for (const line of weir.lines)
		assert.ok(JSON.parse(line).event && JSON.parse(line).ts, line);
	for (const [outcome, n] of Object.entries(ended))
		assert.equal(lines.filter((line) => line.outcome === outcome).length, n, outcome);
	assert.equal(new Set(lines.map((line) => line.request_id)).size, total);
	for (const line of lines) {
		for (const field of fields)
			assert.ok(field in line, `${field} in ${JSON.stringify(line)}`);
		assert.match(line.ts, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
	}
	const told = lines.find((line) => line.outcome === 'failed_over' && !line.stream);
	assert.deepEqual([told.chain, told.model, told.target, told.status, told.attempts],
		['broken', 'broken', 'beta/spare', 200, 2]);
	assert.ok(told.tokens_in > 0 && told.tokens_out > 0);
});

await test('a caller cannot write into the log', async (t) => {
	const weir = t.keep(await start());
	const evil = 'x"}\n{"event":"request","outcome":"ok"}\u001b[31m\u2028\u0000end';

	assert.equal((await call(weir, evil)).status, 400); // it holds a NUL
	assert.equal((await call(weir, evil.replace('\0', ''))).status, 404);
	await weir.event('request', (line) => line.status === 404);
	assert.equal(weir.of('request').length, 2);
	for (const line of weir.lines)
		assert.doesNotMatch(line, /[\u0000-\u001f]/);
});

await test('text instead of JSON, when asked for', async (t) => {
	const file = writeConfig({ ...config, listen: '127.0.0.1:0', admin: 'off' });
	const weir = t.keep(new Program(['serve', '-c', file, '--log', 'text'], { env: SECRETS }));

	await weir.find(weir.lines, 'line', (line) => line.includes('event=listening'), 60, 'listening');
	assert.throws(() => JSON.parse(weir.lines[0]));
});

await test('no secret and no prompt in anything that weir says', async (t) => {
	const weir = t.keep(await start());
	const heard = [];
	const quote = (key) => `message=${encodeURIComponent(`no such key: ${key}`)}`;

	await everything(weir);
	await mock.script({
		'alpha/wrong': `400;${quote(SECRETS.KEY_A)}`, 'alpha/broken': `401;${quote(SECRETS.KEY_A)}`,
		'beta/broken': `500;${quote(SECRETS.KEY_B)}`,
	});
	for (const model of ['wrong', 'broken', 'dead'])
		for (const stream of [false, true]) {
			const answer = await call(weir, model, { stream });
			heard.push(answer.text.replaceAll(PROMPT, ''), JSON.stringify(answer.headers));
		}
	await mock.script(scripts);
	for (const where of ['/metrics', '/status', '/', '/readyz'])
		heard.push((await get(weir.admin, where)).text);
	heard.push((await get(weir.address, '/v1/models', mine)).text);
	await weir.stop();
	heard.push(...weir.lines, ...weir.printed);

	const all = heard.join('\n');
	for (const secret of [...Object.values(SECRETS), PROMPT]) {
		const bytes = Buffer.from(secret);

		for (const form of [secret, encodeURIComponent(secret), secret.replaceAll('/', '\\/'),
			bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex')])
			assert.ok(!all.includes(form), `${form} was said`);
	}
});

// ---- signals ----

await test('SIGTERM: no new callers, those that are served are served to the end', async (t) => {
	const weir = t.keep(await start());
	const idle = t.keep(await Wire.open(weir.address));
	const stream = chat(weir, ask('slow', 'x', { stream: true }), mine);

	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight > 0, 'stream');
	weir.signal('SIGTERM');
	await weir.event('draining');
	await idle.end(); // an idle connection is closed soon
	const ready = await get(weir.admin, '/readyz');
	assert.equal(ready.status, 503);
	assert.match(ready.text, /draining/);
	assert.equal((await get(weir.admin, '/livez')).status, 200);
	assert.equal(JSON.parse((await get(weir.admin, '/status')).text).draining, true);
	await assert.rejects(call(weir, 'fine'), /ECONNREFUSED|ECONNRESET|socket hang up/);

	const answer = await stream;
	assert.ok(answer.whole);
	assert.equal(textOf(answer.text).split(' ').filter((w) => w.startsWith('tok')).length, 40);
	assert.equal((await weir.end()).code, 0);
	assert.equal(weir.of('request').at(-1).outcome, 'ok');
});

await test('drain_delay: still accepts for that long, and says that it goes', async (t) => {
	const weir = t.keep(await start({ drain_delay: '1500ms' }));
	const agent = new http.Agent({ keepAlive: true });

	weir.signal('SIGTERM');
	await weir.event('draining');
	const ready = await get(weir.address, '/readyz');
	assert.equal(ready.status, 503);
	const answer = await chat(weir, ask('fine'), { ...mine, agent });
	assert.equal(answer.status, 200);
	assert.equal(answer.headers.connection, 'close');
	agent.destroy();
	assert.equal((await weir.end()).code, 0);
});

await test('a second SIGTERM: now', async (t) => {
	const weir = t.keep(await start());
	const stream = chat(weir, ask('slow', 'x', { stream: true }), mine);

	await eventually(async () => (await mock.stats('alpha', 'slow')).inflight > 0, 'stream');
	weir.signal('SIGTERM');
	await weir.event('draining');
	weir.signal('SIGTERM');
	const { code } = await weir.end();
	assert.equal(code, 0);
	const answer = await stream.catch((error) => ({ whole: false, error }));
	assert.equal(answer.whole, false);
	assert.equal(weir.of('request').length, 1);
});

// what: SigIgn (ignores it), SigCgt (has a handler for it)
function hangup(pid, what) {
	const mask = fs.readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${what}:\\s+(\\w+)`))[1];

	return (Number.parseInt(mask.at(-1), 16) & 1) === 1;
}

await test('SIGHUP is survived before weir listens, and with SIGTERM while it ends', async (t) => {
	const many = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`m${i}`, { steps: ['alpha/m'] }]));
	const file = writeConfig({ listen: ['127.0.0.1:0'], admin: '127.0.0.1:0', providers: mock.providers('alpha'), chains: many });
	let early = false;

	for (let i = 0; i < 10 && !early; i++) {
		const weir = t.keep(new Program(['serve', '-c', file, '--log', 'json']));

		while (!early && !hangup(weir.pid, 'SigCgt'))
			early = hangup(weir.pid, 'SigIgn');
		weir.signal('SIGHUP');
		await weir.find(weir.lines, 'line', (line) => line.includes('"listening"'), 20, 'its address');
		weir.signal('SIGTERM');
		const pester = setInterval(() => ['SIGHUP', 'SIGTERM'].map((name) => weir.signal(name)), 1);
		assert.deepEqual(await weir.exited, { code: 0, signal: null });
		clearInterval(pester);
	}
	assert.ok(early);
});

await test('SIGINT is as SIGTERM, SIGPIPE and SIGHUP are survived', async (t) => {
	const weir = t.keep(await start());

	weir.signal('SIGPIPE');
	weir.signal('SIGHUP');
	assert.equal((await call(weir, 'fine')).status, 200);
	weir.signal('SIGINT');
	assert.equal((await weir.end()).code, 0);
	assert.equal(weir.of('stopped').length, 1);
});

await test('SIGSTOP for a while blames nobody', async (t) => {
	const weir = t.keep(await start({ defaults: { attempt_timeout: '1s', first_token_timeout: '1s' } }));
	const answer = call(weir, 'late');

	await mock.script({ 'alpha/late': '200' });
	assert.equal((await answer).status, 404);
	await mock.script({ 'alpha/fine': '200;latency=300ms' });
	const asked = (await mock.stats('alpha', 'fine')).hits;
	const waiting = call(weir, 'fine');
	await eventually(async () => (await mock.stats('alpha', 'fine')).hits > asked, 'request');
	weir.signal('SIGSTOP');
	await new Promise((resolve) => setTimeout(resolve, 2500)); // longer than every timer
	weir.signal('SIGCONT');
	const { status, headers } = await waiting;
	await mock.script({ 'alpha/fine': '200' });
	assert.equal(status, 200);
	assert.match(headers['x-weir-trail'], /^alpha\/fine;200;ok;\d+ms$/);
});

// ---- starts that fail, and a log that nobody reads ----

await test('an address in use: exit 1, and it is named', async () => {
	const taken = net.createServer().listen(0, '127.0.0.1');
	await new Promise((resolve) => taken.once('listening', resolve));
	const address = `127.0.0.1:${taken.address().port}`;
	const free = { ...config, listen: '127.0.0.1:0', admin: 'off' };

	for (const wrong of [{ ...free, listen: address }, { ...free, admin: address }]) {
		const { code, err } = await run(['serve', '-c', writeConfig(wrong)], { env: SECRETS });

		assert.equal(code, 1);
		assert.ok(err.includes(address), err);
	}
	const { code, err } = await run(['serve', '-c', writeConfig(free), '--listen', address], { env: SECRETS });
	assert.equal(code, 1);
	assert.ok(err.includes(address), err);
	taken.close();
});

await test('--listen and --admin override the file', async (t) => {
	const socket = path.join(scratch, 'over.sock');
	const file = writeConfig({ ...config, listen: '127.0.0.1:1', admin: '127.0.0.1:2' });
	const weir = t.keep(new Program(['serve', '-c', file, '--log', 'json', '-l', `unix:${socket}`, '-l', '127.0.0.1:0',
		'--admin', 'off'], { env: SECRETS }));

	const open = () => weir.lines.filter((line) => line.includes('"listening"')).length === 2;
	await weir.find(weir.lines, 'line', open, 60, 'two addresses');
	assert.equal((await get(`unix:${socket}`, '/livez')).status, 200);
	assert.ok(!weir.lines.some((line) => line.includes('"admin"')));
});

await test('the configuration is wrong: the same findings as check, exit 2', async () => {
	const file = writeConfig({ ...config, lisen: '127.0.0.1:0' });
	const serve = await run(['serve', '-c', file], { env: SECRETS });
	const check = await run(['check', '-c', file], { env: SECRETS });

	assert.equal(serve.code, 2);
	assert.equal(check.code, 2);
	for (const line of check.out.trim().split('\n').slice(0, -1))
		assert.ok(serve.err.includes(line), line);
});

await test('a log that nobody reads delays no request', async (t) => {
	const socket = path.join(scratch, 'deaf.sock');
	const name = 'n'.repeat(200);
	const deaf = t.keep(await startWeir({
		...config, listen: `unix:${socket}`, admin: 'off', chains: { [name]: steps('fine', 'spare') },
	}, { env: SECRETS, deaf: true }));
	const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
	const calls = [];

	await eventually(() => get(`unix:${socket}`, '/livez').catch(() => null), 'listener');
	for (let i = 0; i < 2500; i++) // more lines than pipe and buffer together hold
		calls.push(post(`unix:${socket}`, '/v1/chat/completions', ask(name), { ...mine, agent, seconds: 100 }));
	for (const { status } of await Promise.all(calls))
		assert.equal(status, 200);
	agent.destroy();

	deaf.follow(deaf.child.stderr, deaf.lines, 'line'); // and now somebody does
	await deaf.event('request');
	const heard = deaf.lines.length;
	assert.equal((await post(`unix:${socket}`, '/v1/chat/completions', ask(name), mine)).status, 200);
	await eventually(() => deaf.lines.length > heard, 'further lines');
	await deaf.stop();
	for (const line of deaf.lines)
		assert.doesNotThrow(() => JSON.parse(line), line);
}, { seconds: 120 });

await test('a log that is gone ends nothing', async (t) => {
	const weir = t.keep(await start());

	weir.child.stderr.destroy();
	for (let i = 0; i < 20; i++)
		assert.equal((await call(weir, 'fine')).status, 200);
});

await test('with few descriptors it says so, serves, and is idle when they are used up', async () => {
	const file = writeConfig({ ...config, listen: '127.0.0.1:0', admin: 'off' });
	const shell = spawn('sh', ['-c', 'ulimit -n 64 && exec "$0" serve -c "$1" --log json', binary, file],
		{ env: { ...process.env, ...SECRETS }, stdio: ['ignore', 'ignore', 'pipe'] });
	const exited = new Promise((resolve) => shell.once('exit', (code) => resolve(code)));
	let text = '';
	const sockets = [];

	shell.stderr.on('data', (bytes) => { text += bytes; });
	try {
		await eventually(() => /"event":"warning".*at most 64 open files/.test(text), 'warning');
		const [, host, port] = /"address":"([^:]+):(\d+)"/.exec(text);
		for (let i = 0; i < 100; i++)
			sockets.push(net.connect(Number(port), host).on('error', () => {}));
		await sleep(500);
		const ticks = () => fs.readFileSync(`/proc/${shell.pid}/stat`, 'latin1')
			.split(') ')[1].split(' ').slice(11, 13).reduce((a, b) => a + Number(b), 0);
		const before = ticks();
		await sleep(1000);
		assert.ok(ticks() - before < 10, 'it spins');
		for (const socket of sockets)
			socket.destroy();
		const answer = await post(`${host}:${port}`, '/v1/chat/completions', ask('fine', nonce()), mine);
		assert.equal(answer.status, 200);
		shell.kill('SIGTERM');
		assert.equal(await deadline(exited, 60, 'end'), 0);
	} finally {
		shell.kill('SIGKILL');
	}
});

await test('started without any descriptor, it serves', async () => {
	const socket = path.join(scratch, 'closed.sock');
	const file = writeConfig({ ...config, listen: `unix:${socket}`, admin: 'off' });
	const shell = spawn('sh', ['-c', 'exec "$0" serve -c "$1" <&- >&- 2>&-', binary, file],
		{ env: { ...process.env, ...SECRETS }, stdio: 'ignore' });
	const exited = new Promise((resolve) => shell.once('exit', (code) => resolve(code)));

	try {
		await eventually(() => fs.existsSync(socket), 'socket');
		const answer = await post(`unix:${socket}`, '/v1/chat/completions', ask('fine', nonce()), mine);
		assert.equal(answer.status, 200);
		shell.kill('SIGTERM');
		assert.equal(await deadline(exited, 60, 'end'), 0);
	} finally {
		shell.kill('SIGKILL');
	}
});

await done();
