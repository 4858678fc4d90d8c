// System calls fail as they may: strace gives weir an error now and then, while it serves. Every
// caller hears its own answer, an honest error, or a connection that ends; weir lives, and once the
// errors stop all is as before. WEIR_SYSCALLS=full begins at each of many calls.
//
// Not among them: epoll_ctl, at whose failure libuv ends the process, and what its own pipes never do
// (write: EAGAIN), over which a signal goes to its handler.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { binary } from './lib/program.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { ask, chat, eventually, events, nonce, said, textOf } from './lib/http.mjs';

const FULL = process.env.WEIR_SYSCALLS === 'full';
const STARTS = FULL ? [1, 2, 3, 4, 5, 7, 9, 12, 16, 22] : [1, 6];
const TIMES = 12, EVERY = 3; // so many errors, at each third call
const AT_ONCE = 4;
const calls = {
	read: ['EINTR', 'EAGAIN', 'ECONNRESET', 'EIO', 'ETIMEDOUT'],
	write: ['EINTR'],
	writev: ['EINTR', 'EAGAIN', 'EPIPE', 'ECONNRESET', 'ENOBUFS', 'ENOMEM'],
	accept4: ['EINTR', 'EAGAIN', 'ECONNABORTED', 'EMFILE', 'ENFILE', 'ENOMEM', 'EPERM'],
	connect: ['ECONNREFUSED', 'ENETUNREACH', 'EADDRNOTAVAIL', 'EINTR', 'EAGAIN', 'ETIMEDOUT', 'EACCES'],
	socket: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EACCES', 'EAFNOSUPPORT'],
	setsockopt: ['EINVAL', 'ENOPROTOOPT', 'ENOBUFS'],
	getsockopt: ['ENOBUFS', 'EINVAL'],
	getpeername: ['ENOTCONN', 'ENOBUFS'],
	getsockname: ['ENOBUFS'],
	shutdown: ['ENOTCONN', 'ENOBUFS'],
	epoll_wait: ['EINTR'],
	epoll_pwait: ['EINTR'],
	close: ['EINTR'],
	getrusage: ['EINVAL'],
	openat: ['EMFILE', 'ENOENT'],
};

const ca = path.join(scratch, 'ca.pem');
const mock = share(await startMock({ alpha: '200;tokens=8', beta: '200;tokens=8', safe: { script: '200;tokens=8', tls: 'valid' } },
	{ caOut: ca }));
await mock.script({ 'alpha/down': '503' });
const { alpha, beta, safe } = mock.providers();
const config = {
	providers: { alpha, beta, safe: { ...safe, ca_file: ca } },
	defaults: { retries: 0 },
	chains: { plain: { steps: ['alpha/m', 'beta/m'] }, over: { steps: ['alpha/down', 'beta/m'] }, tls: { steps: ['safe/m', 'beta/m'] } },
};
const env = { ASAN_OPTIONS: 'detect_leaks=0' }; // which would be a tracer itself
const strace = (...how) => ({ program: 'strace', env, before: ['-D', '-qq', ...how, binary], args: ['--upgrade-socket', 'off'] });

// How often each is called before there is anything to serve.
async function countStart(t) {
	const out = path.join(scratch, 'calls');
	const weir = t.keep(await startWeir(config, strace('-o', out, '-e', `trace=${Object.keys(calls)}`)));
	const lines = fs.readFileSync(out, 'utf8').split('\n');

	assert.ok(weir.address);
	return Object.fromEntries(Object.keys(calls).map((name) => [name, lines.filter((line) => line.startsWith(`${name}(`)).length]));
}

const seen = { own: 0, refused: 0, cut: 0, closed: 0 };

// A whole answer is the caller's own; all else is honest.
async function one(weir, model, stream) {
	const token = nonce();
	let answer;

	try {
		answer = await chat(weir, ask(model, token, { stream }), { seconds: 40 });
	} catch (error) {
		assert.match(String(error), /ECONNRESET|EPIPE|socket hang up|ECONNREFUSED/, `no answer at all: ${error}`);
		seen.closed++;
		return false;
	}
	const { status, text, whole } = answer;
	const right = ['alpha', 'beta', 'safe'].map((name) => said(name, token, 8));

	if (status !== 200) {
		assert.ok(status >= 429, text);
		if (whole)
			assert.ok(JSON.parse(text).error.attempts, text);
		seen.refused++;
		return false;
	}
	if (!stream && whole) {
		assert.ok(right.includes(JSON.parse(text).choices[0].message.content), text);
	} else if (stream) {
		const list = events(text).filter((event) => event.data && event.whole);

		if (list.at(-1)?.data === '[DONE]') {
			assert.ok(right.includes(textOf(text)), text);
		} else {
			assert.ok(!whole, `a stream that seems whole and is not: ${text}`);
			seen.cut++;
			return false;
		}
	} else {
		seen.cut++;
		return false;
	}
	seen.own++;
	return true;
}

const talk = (weir) => Promise.all(Object.keys(config.chains).flatMap((model) => [false, true].map((stream) => one(weir, model, stream))));

async function suffer(t, name, error, first) {
	const weir = t.keep(await startWeir(config, strace('-o', '/dev/null', '-e', `trace=${name}`, '-e',
		`inject=${name}:error=${error}:when=${first}..${first + TIMES * EVERY}+${EVERY}`)));

	for (let i = 0; i < 3; i++)
		await talk(weir);
	// until there are no more errors, and no breaker is open
	await eventually(async () => (await talk(weir)).every(Boolean), 'all to be well again', 50);
	assert.equal((await weir.metrics()).get('weir_inflight_requests'), 0);
	await weir.stop();
}

let atStart = {};
await test('the calls of a start are counted', async (t) => {
	atStart = await countStart(t);
	console.log(`# ${JSON.stringify(atStart)}`);
});

for (const [name, errors] of Object.entries(calls))
	await test(`${name} fails: ${errors.join(', ')}`, async (t) => {
		const all = errors.flatMap((error) => STARTS.map((k) => [error, atStart[name] + k]));
		const lane = async () => {
			for (let next = all.shift(); next; next = all.shift())
				await suffer(t, name, ...next).catch((why) => {
					console.log(`# ${name} ${next}`);
					throw why;
				});
		};

		await Promise.all(Array.from({ length: AT_ONCE }, lane));
	}, { seconds: FULL ? 1000 : 100 });

await test('all that can happen did', () => {
	console.log(`# ${JSON.stringify(seen)}`);
	assert.ok(seen.own > 100 && seen.refused + seen.closed + seen.cut > 20);
});

await done();
