// The corpus of hostile requests through the program, to servers that parse HTTP their own way: each
// of them counts as many requests as weir says it made of it, and as many as the corpus says. nginx
// and HAProxy are asked where they are installed, Node everywhere.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { freePort, Program } from './lib/program.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { Wire, answers, chat, eventually } from './lib/http.mjs';

const DATA = path.join(import.meta.dirname, '../data/framing/requests');
const AT_ONCE = 30;
const SECONDS = 20; // for each request
const ANSWER = '{"choices":[{"message":{"content":"hi"},"finish_reason":"stop"}]}';
const CHAT = 'POST /v1/chat/completions HTTP/1.1\r\nHost: weir\r\n';
const JSON_BODY = '{"model":"m","messages":[],"n":1}';
const MODEL = '"model":"m"';
const MACROS = {
	json: JSON_BODY,
	chat: CHAT,
	chunked: `${CHAT}Transfer-Encoding: chunked\r\n\r\n`,
	good: `${CHAT}Content-Length: 33\r\n\r\n${JSON_BODY}`,
	end: `Content-Length: 33\r\n\r\n${JSON_BODY}`,
	models: 'GET /v1/models HTTP/1.1\r\nHost: weir\r\n\r\n',
};
const PROBE = 'GET /livez HTTP/1.1\r\nHost: weir\r\n\r\n';
const ESCAPES = { r: '\r', n: '\n', t: '\t', v: '\v', f: '\f', 0: '\0', '\\': '\\' };

// ---- the corpus, as tests/data/framing/README.md says ----

function closing(line, from) {
	for (let at = from, open = 0; at < line.length; at++) {
		open += line.startsWith('\\{', at);
		if (line[at] === '}' && --open === 0)
			return at;
	}
	throw new Error(`a brace is not closed: ${line}`);
}

function bytesOf(line) {
	let out = '';

	for (let at = 0; at < line.length; at++) {
		if (line[at] !== '\\') {
			out += line[at];
		} else if (line[at + 1] === '{') {
			const end = closing(line, at);
			const word = line.slice(at + 2, end);
			const star = word.lastIndexOf('*');

			out += MACROS[word] ?? bytesOf(word.slice(0, star)).repeat(Number(word.slice(star + 1)));
			at = end;
		} else if (line[at + 1] === 'x') {
			out += String.fromCharCode(parseInt(line.slice(at + 2, at + 4), 16));
			at += 3;
		} else {
			out += ESCAPES[line[++at]];
		}
	}
	return out;
}

function* corpus() {
	for (const file of fs.readdirSync(DATA).sort())
		for (const block of fs.readFileSync(path.join(DATA, file), 'utf8').split(/^== /m).slice(1)) {
			const [name, ...lines] = block.split('\n');
			const due = lines.find((line) => line.startsWith('> ')).slice(2);
			const [words, asked] = due.split('; asked ');
			const text = lines.filter((line) => !/^(#|>|: |$)/.test(line)).map(bytesOf).join('');

			yield { name, text, words: words.split(' '), asked: Number(asked ?? words.match(/200/g)?.length ?? 0) };
		}
}

// ---- servers ----

function installed(program) {
	try {
		return execFileSync('sh', ['-c', `PATH="$PATH:/usr/sbin" command -v ${program}`], { encoding: 'utf8' }).trim();
	} catch {
		return null;
	}
}

async function answering(port) {
	await eventually(() => Wire.open(`127.0.0.1:${port}`).then((wire) => (wire.stop(), true), () => false), 'listener');
}

// { port, count() }: of all requests, bad ones too.
async function startNode() {
	const seen = { requests: 0, errors: 0 };
	const server = http.createServer((req, res) => {
		seen.requests++;
		req.resume().on('end', () => res.writeHead(200, { 'content-type': 'application/json' }).end(ANSWER));
	});

	server.on('clientError', (error, socket) => {
		seen.errors += error.code !== 'ECONNRESET';
		socket.destroy();
	});
	server.listen(0, '127.0.0.1');
	await new Promise((resolve) => server.once('listening', resolve));
	share({ stop: () => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))) });
	return { port: server.address().port, count: () => seen.requests + seen.errors };
}

async function startNginx(program) {
	const [port, folder] = [await freePort(), path.join(scratch, 'nginx')];
	const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);

	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(`${folder}/nginx.conf`, `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events {} http { ${temps.join(' ')} log_format one '$request'; access_log ${folder}/access one;
server { listen 127.0.0.1:${port}; location / { default_type application/json; return 200 '${ANSWER}'; } } }\n`);
	share(new Program(['-c', `${folder}/nginx.conf`, '-e', 'stderr', '-p', folder], { program }));
	await answering(port);
	return { port, count: () => fs.readFileSync(`${folder}/access`, 'utf8').split('\n').length - 1 };
}

async function startHaproxy(program) {
	const [port, folder] = [await freePort(), path.join(scratch, 'haproxy')];
	const ask = async () => {
		const wire = await Wire.open(`unix:${folder}/stats`);

		wire.send('show stat\n');
		return (await wire.end()).trim().split('\n').map((line) => line.split(','));
	};

	fs.mkdirSync(folder, { recursive: true });
	fs.writeFileSync(`${folder}/answer`, ANSWER);
	fs.writeFileSync(`${folder}/cfg`, `global\n  stats socket ${folder}/stats\n  maxconn 200
defaults\n  mode http\n  option http-ignore-probes\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\n  timeout http-request 60s
frontend f\n  bind 127.0.0.1:${port}\n  http-request wait-for-body time 30s
  http-request return status 200 content-type application/json file ${folder}/answer\n`);
	const server = new Program(['-db', '-f', `${folder}/cfg`], { program });

	share({ stop: () => server.kill() });
	await answering(port);
	return {
		port,
		count: async () => {
			const [head, row] = await ask();

			return Number(row[head.indexOf('req_tot')]) + Number(row[head.indexOf('ereq')]);
		},
	};
}

const servers = { n: await startNode() };
for (const [letter, name, start] of [['x', 'nginx', startNginx], ['h', 'haproxy', startHaproxy]]) {
	const program = installed(name);

	if (program)
		servers[letter] = await start(program);
	else
		console.log(`# there is no ${name} here: it is not compared`);
}

const weir = share(await startWeir({
	max_body: '64KiB',
	providers: Object.fromEntries(Object.entries(servers).map(([letter, { port }]) =>
		[letter, { dialect: 'openai', base_url: `http://127.0.0.1:${port}/v1` }])),
	chains: Object.fromEntries(Object.keys(servers).map((letter) => [letter, { retries: 0, steps: [`${letter}/${letter}`] }])),
}));

async function play({ name, text, words }, letter) {
	const wire = await Wire.open(weir.address);
	const whole = (bytes) => answers(bytes).list;

	try {
		const more = words.includes('waits') ? '' : PROBE;

		wire.send(Buffer.from(text.replaceAll(MODEL, `"model":"${letter}"`) + more, 'latin1'));
		if (words.at(-1) === 'end')
			await wire.until(() => wire.ended, name, SECONDS);
		else if (words.includes('200-'))
			await wire.until((bytes) => bytes.endsWith('ok\n'), name, SECONDS);
		else
			await wire.until((bytes) => whole(bytes).length >= words.length - !more, name, SECONDS);
	} finally {
		wire.stop();
	}
}

for (const letter of Object.keys(servers))
	await test(`each request that weir makes is one for ${{ n: 'Node', x: 'nginx', h: 'HAProxy' }[letter]}`, async () => {
		// One whose model stands in two chunks cannot be sent to whom we like.
		const cases = [...corpus()].filter(({ text, asked }) => !asked || text.includes(MODEL));
		const due = cases.reduce((sum, { asked }) => sum + asked, 0);
		const first = await servers[letter].count();

		assert.ok(cases.length >= 300 && due >= 50, `${cases.length} requests, ${due} of them good`);
		await Promise.all(Array.from({ length: AT_ONCE }, async () => {
			for (let next = cases.pop(); next; next = cases.pop())
				await play(next, letter);
		}));
		const { status } = await chat(weir, JSON_BODY.replace('"m"', `"${letter}"`)); // in step to the end
		assert.equal(status, 200);
		await eventually(async () => (await weir.metrics()).get('weir_inflight_requests') === 0, 'rest');
		const series = [...await weir.metrics()].filter(([series]) => series.startsWith(`weir_attempts_total{chain="${letter}"`));
		const made = series.reduce((sum, [, n]) => sum + n, 0);
		const logged = weir.of('request').filter(({ chain }) => chain === letter).reduce((sum, { attempts }) => sum + attempts, 0);

		assert.deepEqual([made, logged, await servers[letter].count() - first], [due + 1, due + 1, due + 1]);
	});

await done();
