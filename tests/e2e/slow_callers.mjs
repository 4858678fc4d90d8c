// Callers that take their time, by mistake or on purpose: each is let go of at its own
// moment, none of them delays anybody else. Plus curl, as people use it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { Wire, answers, ask, chat, eventually, nonce, said, textOf } from './lib/http.mjs';

const HEAD_MS = 10000;      // for a whole head
const BODY_IDLE_MS = 30000; // between two pieces of a body
const SOON_MS = 25000;      // more than that it may take on a busy machine

const mock = share(await startMock({ alpha: '200' }));
const socket = path.join(scratch, 'curl.sock');
const weir = share(await startWeir({
	listen: ['127.0.0.1:0', `unix:${socket}`],
	providers: mock.providers(),
	chains: { m: { steps: ['alpha/m'] } },
}));

const HEAD = 'POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\ncontent-type: application/json\r\n';

// Sends bytes one at a time, so many a second, until the connection ends.
function trickle(wire, bytes, perSecond) {
	let at = 0;
	const timer = setInterval(() => {
		if (wire.ended || at === bytes.length)
			clearInterval(timer);
		else
			wire.send(bytes[at++]);
	}, 1000 / perSecond);
}

async function endsAfter(wire, ms) {
	const began = Date.now();

	await wire.end(ms / 1000 + SOON_MS / 1000);
	const took = Date.now() - began;
	assert.ok(took >= ms - 500 && took < ms + SOON_MS, `${took} ms`);
	return answers(wire.text).list;
}

const slow = {
	'says nothing': async (wire) => {
		assert.deepEqual(await endsAfter(wire, HEAD_MS), []);
		assert.equal(wire.text, '');
	},
	'sends a head byte by byte': async (wire) => {
		trickle(wire, `${HEAD}x: ${'a'.repeat(500)}\r\n`, 5);
		assert.deepEqual((await endsAfter(wire, HEAD_MS)).map((a) => a.status), [408]);
	},
	'stops within the head': async (wire) => {
		wire.send(HEAD);
		assert.deepEqual((await endsAfter(wire, HEAD_MS)).map((a) => a.status), [408]);
	},
	'stops within the second head': async (wire) => {
		wire.send('GET /livez HTTP/1.1\r\nhost: weir\r\n\r\n');
		await wire.until((text) => text.endsWith('ok\n'), 'answer');
		wire.send('GET /livez HTTP/1.1\r\nhost: weir\r\n');
		assert.deepEqual((await endsAfter(wire, HEAD_MS)).map((a) => a.status), [200, 408]);
	},
	'stops within the body': async (wire) => {
		wire.send(`${HEAD}content-length: 100000\r\n\r\n${'x'.repeat(50000)}`);
		assert.deepEqual((await endsAfter(wire, BODY_IDLE_MS)).map((a) => a.status), [408]);
	},
	'sends a body byte by byte': async (wire) => {
		wire.send(`${HEAD}content-length: 100000\r\n\r\n`);
		trickle(wire, 'x'.repeat(1000), 10);
		assert.deepEqual((await endsAfter(wire, 5000)).map((a) => a.status), [408]);
	},
};

const names = Object.keys(slow);
let others = 0;
let busy = true;
const wires = await Promise.all(names.map(() => Wire.open(weir.address)));
const ends = names.map((name, i) => slow[name](wires[i]).then(() => null, (error) => error));
const meanwhile = (async () => {
	while (busy) {
		const { status } = await chat(weir, ask('m'));
		assert.equal(status, 200);
		others++;
		await new Promise((resolve) => setTimeout(resolve, 50));
	}
})();

const later = Promise.all(ends).then(() => {
	busy = false;
});

// ---- meanwhile: curl ----

function curl(...args) {
	return new Promise((resolve, reject) => {
		execFile('curl', ['-sS', '--noproxy', '*', '--max-time', '30', ...args], { maxBuffer: 64 << 20 },
			(error, out, err) => (error ? reject(new Error(`curl: ${err}`)) : resolve(out)));
	});
}

const URL_CHAT = `${weir.base}/chat/completions`;
const JSON_TYPE = ['-H', 'content-type: application/json'];

await test('curl: a whole answer', async () => {
	const token = nonce();
	const out = await curl(URL_CHAT, ...JSON_TYPE, '-d', JSON.stringify(ask('m', token)));

	assert.equal(JSON.parse(out).choices[0].message.content, said('alpha', token));
});

await test('curl -N: a stream', async () => {
	const token = nonce();
	const out = await curl('-N', URL_CHAT, ...JSON_TYPE, '-d', JSON.stringify(ask('m', token, { stream: true })));

	assert.equal(textOf(out), said('alpha', token));
	assert.ok(out.endsWith('data: [DONE]\n\n'));
});

await test('curl with a large file: Expect: 100-continue, and chunked', async () => {
	const file = path.join(scratch, 'large.json');
	const token = nonce();

	fs.writeFileSync(file, JSON.stringify(ask('m', token, { user: 'u'.repeat(3 << 20) })));
	for (const more of [[], ['-H', 'transfer-encoding: chunked'], ['--http1.0']]) {
		const out = await curl(URL_CHAT, ...JSON_TYPE, '--data-binary', `@${file}`, ...more);

		assert.equal(JSON.parse(out).choices[0].message.content, said('alpha', token), more.join(' '));
	}
});

await test('curl: several on one connection, over a unix socket, compressed if we could', async () => {
	const out = await curl('--unix-socket', socket, '--compressed', 'http://weir/livez', 'http://weir/readyz',
		'-w', '%{num_connects}\n');

	assert.match(out, /^ok\n1\nready\n/);
	assert.ok(out.endsWith('\n0\n'), out);
});

await test('curl -I', async () => {
	assert.match(await curl('-I', `${weir.base}/models`), /^HTTP\/1\.1 200 OK\r\n/);
});

// ---- the slow ones ----

await later;
for (const [i, name] of names.entries())
	await test(`a caller that ${name} is let go`, async () => {
		const error = await ends[i];

		if (error)
			throw error;
	});

await test('nobody else was kept waiting, nothing is left over', async () => {
	await meanwhile;
	assert.ok(others > 10, `${others} requests meanwhile`);
	await eventually(async () => (await weir.metrics()).get('weir_client_connections') === 1, 'rest');
});

await done();
