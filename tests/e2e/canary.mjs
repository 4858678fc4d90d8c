// Secrets that nobody has elsewhere: after all that may happen, nothing of them stands in
// anything that weir writes, tells, keeps where others can look, or sends to whom it is not for.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { binary, run } from './lib/program.mjs';
import { Collector } from './lib/otlp.mjs';
import { scratch, startUpgrade, startWeir, writeConfig } from './lib/weir.mjs';
import { Wire, chat, eventually, get, post } from './lib/http.mjs';

const word = (what) => `sk-${what}/Qz7+${what.length}-canary-${process.pid}-0123456789`;
const KEYS = { ONE: word('one'), ONE_MORE: word('one-more'), TWO: word('second'), THREE: word('thirdly') };
const CALLER = word('caller'), WRONG = word('nobody'), ADMIN = word('admin'), HEADER = word('header');
const PROMPT = `the "canary" of ${process.pid} sings at dawn / 0123456789`;
const COMPLETION = `and what it sang, ${process.pid}, was its own`;
const secrets = { ...KEYS, CALLER, WRONG, ADMIN, HEADER, PROMPT, COMPLETION };

// In base64 only those digits that are made of the secret's bits alone, by what stands before.
function base64Forms(bytes) {
	return [0, 1, 2].map((shift) => {
		const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64').replace(/=+$/, '');
		return text.slice(Math.ceil(shift * 8 / 6), Math.floor((shift + bytes.length) * 8 / 6));
	});
}

function forms(secret) {
	const bytes = Buffer.from(secret);
	const json = JSON.stringify(secret).slice(1, -1);
	const some = [secret, json, json.replaceAll('/', '\\/'), JSON.stringify(json).slice(1, -1),
		encodeURIComponent(secret), encodeURIComponent(secret).replace(/%../g, (hex) => hex.toLowerCase()), encodeURI(secret),
		bytes.toString('hex'), bytes.toString('hex').toUpperCase(), ...base64Forms(bytes)];

	return [...some, ...base64Forms(bytes).map((text) => text.replaceAll('+', '-').replaceAll('/', '_'))];
}

function clean(what, text, names = Object.keys(secrets)) {
	assert.ok(text.length > 0, `${what} is empty: nothing was looked at`);
	for (const name of names)
		for (const form of forms(secrets[name]))
			assert.ok(!text.includes(form), `${name} stands in ${what}: …${text.slice(Math.max(0, text.indexOf(form) - 80), text.indexOf(form) + 80)}…`);
}

// ---- providers that say whatever they please, of what they were given ----

const event = (value) => `data: ${JSON.stringify(value)}\n\n`;
const delta = (content, finish = null) => event({ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm',
	choices: [{ index: 0, delta: { content }, finish_reason: finish }] });
const echo = (key) => `no: ${forms(key).filter((form) => form !== Buffer.from(key).toString('hex')
	&& form !== Buffer.from(key).toString('hex').toUpperCase()).join(' and ')}`;
const errorOf = (key) => JSON.stringify({ error: { message: echo(key), type: 'x', code: 'y', param: echo(key) } });
const others = Object.values(KEYS);

async function startVendor(name) {
	const vendor = { name, heard: [] };
	const server = http.createServer(async (request, answer) => {
		const chunks = [];

		for await (const chunk of request)
			chunks.push(chunk);
		const body = Buffer.concat(chunks).toString();
		const raw = `${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n\n${body}`;
		const key = (request.headers.authorization ?? request.headers['x-api-key'] ?? '').replace('Bearer ', '');
		const { model, stream } = JSON.parse(body || '{}');
		const say = (status, text, type = 'application/json') => answer.writeHead(status, { 'content-type': `${type}; k=${key}`,
			'x-request-id': key, 'set-cookie': `k=${key}`, location: `http://127.0.0.1/${key}`, server: key }).end(text);

		vendor.heard.push(raw);
		switch (model) {
		case 'echo-500': return say(500, errorOf(key));
		case 'echo-401': return say(401, errorOf(key));
		case 'echo-400': return say(400, errorOf(key));
		case 'echo-all': return say(400, errorOf(others.join(' ')));
		case 'echo-200': return say(200, errorOf(key));
		case 'echo-302': return say(302, errorOf(key));
		case 'echo-text': return say(400, echo(key), 'text/plain');
		case 'html': return say(502, `<html>${echo(key)}</html>`, 'text/html');
		case 'cut':
			answer.writeHead(200, { 'content-type': 'text/event-stream' });
			answer.write(delta(COMPLETION));
			return setTimeout(() => answer.end(`event: error\n${event({ error: { message: echo(key) } })}`), 50);
		case 'hang': return;
		case 'junk': return say(200, `${key}${PROMPT} not JSON`);
		}
		if (request.url.endsWith('/messages'))
			return say(200, JSON.stringify({ id: 'x', type: 'message', role: 'assistant', model, stop_reason: 'end_turn',
				content: [{ type: 'text', text: COMPLETION }], usage: { input_tokens: 1, output_tokens: 1 } }));
		if (stream) {
			answer.writeHead(200, { 'content-type': 'text/event-stream' });
			return answer.end(`${delta(COMPLETION)}${delta('', 'stop')}data: [DONE]\n\n`);
		}
		return say(200, JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model,
			choices: [{ index: 0, message: { role: 'assistant', content: COMPLETION }, finish_reason: 'stop' }] }));
	});

	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	vendor.url = `http://127.0.0.1:${server.address().port}`;
	vendor.stop = async () => {
		server.closeAllConnections();
		server.close();
	};
	return share(vendor);
}

const one = await startVendor('one'), two = await startVendor('two'), three = await startVendor('three');
const otlp = share(await Collector.start());
const keyFile = path.join(scratch, 'key-of-two');
const log = path.join(scratch, 'canary.log'), attempts = path.join(scratch, 'canary-attempts.log');
const env = { KEY_ONE: KEYS.ONE, KEY_ONE_MORE: KEYS.ONE_MORE, CALLER_KEY: CALLER, ADMIN_KEY: ADMIN, A_HEADER: HEADER,
	...otlp.env() };
const FAILING = ['echo-500', 'echo-200', 'echo-302', 'html', 'junk', 'cut', 'hang'];
const FINAL = ['echo-400', 'echo-all', 'echo-text'];

fs.writeFileSync(keyFile, KEYS.TWO, { mode: 0o600 });
const chains = { fine: { steps: ['one/fine'] }, foreign: { steps: ['three/claude'] } };
for (const name of [...FAILING, ...FINAL, 'echo-401']) {
	chains[name] = { retries: 1, attempt_timeout: '400ms', first_token_timeout: '400ms', steps: [`one/${name}`, 'two/spare', 'three/claude'] };
	chains[`${name}-alone`] = { retries: 0, attempt_timeout: '400ms', first_token_timeout: '400ms', steps: [`one/${name}`, `two/${name}`, `three/${name}`] };
}
const config = {
	access: { keys: [{ name: 'app', key: '${CALLER_KEY}' }] },
	admin_key: '${ADMIN_KEY}',
	log: { level: 'debug', attempts },
	providers: {
		one: { dialect: 'openai', base_url: `${one.url}/v1`, keys: ['${KEY_ONE}', '${KEY_ONE_MORE}'], headers: { 'x-of-one': '${A_HEADER}' } },
		two: { dialect: 'openai', base_url: `${two.url}/v1`, keys: [{ file: keyFile }] },
		three: { dialect: 'anthropic', base_url: three.url, keys: [KEYS.THREE] },
	},
	chains,
};

const mine = { headers: { authorization: `Bearer ${CALLER}` } };
const ruler = { headers: { authorization: `Bearer ${ADMIN}`, 'x-weir-admin': '1' } };
const talk = (model, more = {}) => ({ model, messages: [{ role: 'user', content: PROMPT }], ...more });
const errors = []; // bodies and heads of answers that are none
const told = []; // what the admin listener and the commands say

async function hear(answer, status) {
	assert.equal(answer.status, status, answer.text);
	if (status !== 200)
		errors.push(answer.text);
	errors.push(JSON.stringify(answer.headers));
}

async function leave(weir) {
	const wire = await Wire.open(weir.address);
	const body = JSON.stringify(talk('hang-alone'));
	const before = one.heard.length;

	wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer ${CALLER}\r\n` +
		`content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	await eventually(() => one.heard.length > before, 'the request');
	wire.reset();
}

async function everything(weir) {
	await leave(weir);
	for (const stream of [false, true]) {
		for (const model of ['fine', 'foreign', ...FAILING])
			await hear(await chat(weir, talk(model, { stream }), mine), 200);
		for (const model of FINAL.map((name) => `${name}-alone`)) {
			const answer = await chat(weir, talk(model, { stream }), mine); // what the vendor says, or our own words
			await hear(answer, answer.status);
		}
		for (const model of FAILING.filter((name) => !(stream && name === 'cut'))) {
			const answer = await chat(weir, talk(`${model}-alone`, { stream }), mine);
			await hear(answer, answer.status);
			assert.ok(answer.status >= 429, `${model}: ${answer.status}`);
		}
	}
	const cut = await chat(weir, talk('cut-alone', { stream: true }), mine); // what it was shown, and then an error
	errors.push(cut.text.slice(cut.text.indexOf(COMPLETION) + COMPLETION.length));
	for (const headers of [{}, { authorization: `Bearer ${WRONG}` }, { 'x-api-key': WRONG }])
		await hear(await chat(weir, talk('fine'), { headers }), 401);
	await hear(await get(weir.address, `/v1/models?key=${encodeURIComponent(WRONG)}`), 401);
	await hear(await chat(weir, `{"model":"fine","messages":"${PROMPT}`, mine), 400);
	await hear(await chat(weir, talk('fine', { fallbacks: [WRONG] }), mine), 400);
	await hear(await chat(weir, talk('fine', { api_key: WRONG, api_base: `http://127.0.0.1:1/${WRONG}` }), mine), 200);
	await hear(await post(weir.address, `/v1/${encodeURIComponent(PROMPT)}`, '{}', mine), 404);
	await hear(await chat(weir, talk('echo-401'), mine), 200); // from here on that key is benched
	await hear(await chat(weir, talk('echo-401-alone'), mine), 502);
}

async function look(weir) {
	let events = '';
	const watching = http.get(`http://${weir.admin}/events`, ruler, (answer) => answer.on('data', (bytes) => { events += bytes; }));

	watching.on('error', () => {});
	await chat(weir, talk('echo-500'), mine);
	await eventually(() => /event: (attempt|request)/.test(events), 'its event');
	watching.destroy();
	told.push(events);
	for (const page of ['/', '/status', '/metrics', '/readyz', '/livez', '/nowhere'])
		told.push((await get(weir.admin, page, ruler)).text);
	told.push((await post(weir.admin, '/reload', '', { headers: { ...ruler.headers, authorization: `Bearer ${WRONG}` } })).text);
	told.push((await post(weir.admin, '/reload', '', ruler)).text);
	told.push((await get(weir.address, '/v1/models', mine)).text);
}

const weir = await startWeir(config, { env });

// Those that anybody may read, and those that only weir's own user may.
await test('nothing of it in what /proc shows of the process', async () => {
	for (const what of ['cmdline', 'environ', 'comm', 'status', 'maps']) {
		const text = fs.readFileSync(`/proc/${weir.pid}/${what}`, 'latin1');

		if (what !== 'environ')
			clean(`/proc/PID/${what}`, text);
		else
			assert.match(text, /^\0*$/);
	}
});

await test('it all happens: answers, failovers, errors, hang-ups, reloads, an upgrade', async () => {
	await everything(weir);
	await look(weir);
	fs.writeFileSync(weir.file, JSON.stringify({ ...JSON.parse(fs.readFileSync(weir.file)), wrong: KEYS.ONE,
		providers: { ...config.providers, four: { dialect: 'none', keys: [`${KEYS.THREE}\n`], base_url: `ftp://u:${encodeURIComponent(WRONG)}@x` } } }));
	told.push((await post(weir.admin, '/reload', '', ruler)).text);
	fs.writeFileSync(weir.file, JSON.stringify({ listen: '127.0.0.1:0', admin: '127.0.0.1:0', ...config }));
	const next = await startUpgrade(weir.file, { env });

	await everything(next);
	await look(next);
	weir.signal('SIGTERM');
	await weir.stop();
	await next.stop();
	told.push(...next.printed, ...weir.printed, '-');
	fs.writeFileSync(log, [...weir.lines, ...next.lines].join('\n'));
}, { seconds: 100 });

await test('nothing of it in the log, with all that there is to log', async () => {
	const text = fs.readFileSync(log, 'utf8');

	for (const name of ['request', 'fallback', 'retry', 'handed_over', 'reload', 'attempt'])
		assert.ok(text.includes(`"event":"${name}"`), `no ${name}: not all has happened`);
	clean('the log', text);
	clean('the attempts\' file', fs.readFileSync(attempts, 'utf8'));
});

await test('nothing of it in errors and heads that callers hear', async () => {
	assert.ok(errors.length > 100);
	assert.ok(errors.filter((text) => text.includes('[redacted]')).length >= 4, 'no vendor was heard');
	errors.forEach((text, i) => clean(`answer ${i}`, text, [...Object.keys(KEYS), 'ADMIN', 'HEADER', 'CALLER', 'COMPLETION']));
});

await test('nothing of it in status, events and metrics', async () => {
	assert.ok(told.some((text) => text.includes('weir_requests_total')));
	told.filter(Boolean).forEach((text, i) => clean(`page ${i}`, text));
});

await test('nothing of it in traces', async () => {
	await eventually(() => otlp.spans.length > 100, 'spans');
	clean('the traces', JSON.stringify(otlp.spans));
});

await test('a provider hears its own key, and none of the others\'', async () => {
	const own = { one: ['ONE', 'ONE_MORE', 'HEADER'], two: ['TWO'], three: ['THREE'] };

	for (const vendor of [one, two, three]) {
		const text = vendor.heard.join('\n');

		for (const name of own[vendor.name])
			assert.ok(text.includes(secrets[name]), `${vendor.name} was not given ${name}`);
		clean(`what ${vendor.name} was sent`, text, [...Object.keys(KEYS), 'CALLER', 'ADMIN', 'HEADER'].filter((name) => !own[vendor.name].includes(name)));
	}
});

await test('nothing of it in what the commands say of a file with keys in all the wrong places', async () => {
	const file = writeConfig({ ...config, [KEYS.ONE]: 1, listen: KEYS.TWO, providers: {
		...config.providers, bad: { keys: KEYS.THREE, dialect: 'openai', base_url: `https://x/${encodeURIComponent(WRONG)}`, ca_file: 7 },
	} });
	const good = writeConfig(config);

	for (const args of [['check', '-c', good], ['check', '--json', '-c', good], ['diff', good, good], ['schema']]) {
		const { out, err } = await run(args, { env });
		clean(args.join(' '), `${out}${err}-`);
	}
	for (const args of [['check', '-c', file], ['serve', '-c', file]]) {
		const { code, out, err } = await run(args, { env });
		assert.equal(code, 2);
		clean(args.join(' '), out + err, ['ONE_MORE', 'TWO', 'CALLER', 'ADMIN', 'HEADER', 'THREE'].filter((name) => name !== 'TWO'));
	}
});

// A process that ends by a signal, where cores are wanted.
await test('no core is left behind', async () => {
	const folder = fs.mkdtempSync(path.join(scratch, 'cores-'));
	const socket = path.join(folder, 's.sock');
	const file = writeConfig({ ...config, listen: `unix:${socket}`, admin: 'off' });
	const shell = spawn('sh', ['-c', 'ulimit -c unlimited; cd "$1" && exec "$0" serve -c "$2" --sandbox on', binary, folder, file],
		{ env: { ...process.env, ...env, ASAN_OPTIONS: 'detect_leaks=0:disable_coredump=0:handle_abort=0' }, stdio: 'ignore' });
	const exited = new Promise((resolve) => shell.once('exit', (code, signal) => resolve(signal)));

	await eventually(() => fs.existsSync(socket), 'the socket');
	await chat({ address: `unix:${socket}` }, talk('fine'), mine);
	assert.match(fs.readFileSync(`/proc/${shell.pid}/limits`, 'utf8'), /Max core file size +0 +0/);
	shell.kill('SIGABRT');
	assert.equal(await exited, 'SIGABRT');
	assert.deepEqual(fs.readdirSync(folder).filter((name) => name !== 's.sock'), []);
});

await done();
