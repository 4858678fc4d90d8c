// TLS towards providers: only a certificate that is right in every way is talked to; all
// else is refused by name, told to the operator, and failed over.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat, nonce, said, textOf, trail } from './lib/http.mjs';

const good = {
	valid: 'valid', only12: 'valid;only=1.2', only13: 'valid;only=1.3', rsa: 'valid;rsa=2048',
};
// [name, TLS of the vendor, reason, what the log says of it, class when not unreachable]
const bad = [
	['expired', 'expired', 'tls_cert', /expired/],
	['not-yet', 'not-yet', 'tls_cert', /not yet valid/],
	['self-signed', 'self-signed', 'tls_cert', /signed by itself/],
	['wrong-host', 'wrong-host', 'tls_cert', /host name does not match/],
	['unknown-ca', 'unknown-ca', 'tls_cert', /unknown CA/],
	['sha1', 'sha1', 'tls_cert', /weak/],
	['silent', 'stall', 'tls_timeout', null, 'slow'],
	['silent-later', 'stall;after=60', 'tls_timeout', null, 'slow'],
	['reset', 'reset;after=60', 'tls', /./],
	['close', 'close;after=60', 'tls', /./],
	['plaintext', 'plaintext', 'tls_proto', /TLS/],
];

const ca = path.join(scratch, 'ca.pem');
const vendors = { spare: '200' };
for (const [name, tls] of Object.entries(good))
	vendors[name] = { script: '200', tls };
for (const [name, tls] of bad)
	vendors[name] = { script: '200', tls };
const mock = share(await startMock(vendors, { caOut: ca }));

const providers = {};
const chains = {};
for (const [name, provider] of Object.entries(mock.providers()))
	providers[name] = name === 'spare' ? provider : { ...provider, ca_file: ca };
providers.named = {
	...providers.valid, base_url: providers.valid.base_url.replace('127.0.0.1', 'localhost'),
};
providers['no-ca'] = mock.providers('valid').valid;
bad.push(['no-ca', '', 'tls_cert', /unknown CA/]);
for (const name of [...Object.keys(good), 'named'])
	chains[name] = { steps: [`${name}/m`] };
for (const [name, , , , cls] of bad) {
	const step = { target: `${name}/m`, connect_timeout: cls === 'slow' ? '500ms' : '30s' };

	chains[name] = { steps: [step, 'spare/m'] };
	chains[`${name}-alone`] = { retries: 0, steps: [step] };
}

const weir = share(await startWeir({ providers, chains }));

for (const name of [...Object.keys(good), 'named'])
	await test(`a vendor that is ${name} answers, whole and streamed`, async () => {
		const vendor = name === 'named' ? 'valid' : name;

		for (const stream of [false, true, false]) {
			const token = nonce();
			const answer = await chat(weir, ask(name, token, { stream }));
			const text = stream ? textOf(answer.text) : JSON.parse(answer.text).choices[0].message.content;

			assert.equal(answer.status, 200);
			assert.ok(answer.whole);
			assert.equal(text, said(vendor, token));
		}
	});

for (const [name, , reason, says, cls = 'unreachable'] of bad) {
	await test(`a vendor that is ${name} is refused, and the next one asked`, async () => {
		const token = nonce();
		const answer = await chat(weir, ask(name, token));
		const id = answer.headers['x-weir-request-id'];
		const move = await weir.event('fallback', (event) => event.request_id === id);

		assert.equal(JSON.parse(answer.text).choices[0].message.content, said('spare', token));
		assert.ok(trail(answer.headers['x-weir-trail']).slice(0, -1).every((t) =>
			t.target === `${name}/m` && t.class === cls && t.status === '-'), answer.headers['x-weir-trail']);
		assert.deepEqual([move.class, move.reason], [cls, reason]);
		if (says)
			assert.match(move.detail, says);
		if (name !== 'no-ca')
			assert.equal((await mock.stats(name)).hits, 0, 'it got to see the request');
	});

	await test(`a vendor that is ${name} and alone: the caller hears why`, async () => {
		const answer = await chat(weir, ask(`${name}-alone`));
		const { error } = JSON.parse(answer.text);

		assert.equal(answer.status, cls === 'slow' ? 504 : 502);
		assert.deepEqual(error.attempts.map((a) => [a.class, a.status, a.reason]), [[cls, null, reason]]);
	});
}

await test('a CA file that is missing or holds nothing stops the start', async () => {
	const empty = path.join(scratch, 'empty.pem');

	fs.writeFileSync(empty, '');
	for (const file of [empty, path.join(scratch, 'none.pem')]) {
		const config = writeConfig({
			listen: '127.0.0.1:0',
			admin: 'off',
			providers: { v: { ...mock.providers('valid').valid, ca_file: file } },
			chains: { c: { steps: ['v/m'] } },
		});
		const { code, err } = await run(['serve', '-c', config]);

		assert.ok(code === 1 || code === 2, `exit ${code}`);
		assert.ok(err.includes(path.basename(file)), err);
	}
});

await done();
