// Each fault of TLS in tests/data/faults.txt against each version by OpenSSL's s_server, GnuTLS's
// gnutls-serv and nginx: one test for each that means something, and a reason for each that does not.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, share, test } from './lib/tap.mjs';
import { authority, leaf } from './lib/certs.mjs';
import { startMock } from './lib/mock.mjs';
import { ALERT, DATA, HEAD, bytewise, startRelay } from './lib/relay.mjs';
import { kinds, startServer } from './lib/tls_servers.mjs';
import { startWeir } from './lib/weir.mjs';
import { ask, chat } from './lib/http.mjs';

const VERSIONS = ['1.2', '1.3'];
const TEXT = 'it came through';
const body = JSON.stringify({
	id: 'x', object: 'chat.completion', created: 1, model: 'm',
	choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
});
const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

const root = authority('root');
const stranger = authority('stranger');
const middle = authority('middle', root);
let deepest = root;
for (let i = 1; i < 6; i++)
	deepest = authority(`authority ${i}`, deepest);
const bounded = authority('bounded', root, ['nameConstraints=critical,permitted;DNS:example.com']);
const good = leaf(root);
const inside = leaf(middle);
const WILD = ['*.w.localhost']; // what ends so is this machine
const wild = leaf(root, [], { hosts: WILD });

const CERT = ['unreachable', 'tls_cert'];
const ALERT_SENT = ['unreachable', 'tls_alert'];
const no = (why, ...servers) => Object.fromEntries(servers.map((name) => [name, why]));

// A record of the server's is spoilt: the first that only the keys can open.
const spoil = (change) => ({ pass: (record, sealed) => [record[0] === DATA && sealed === 0 ? change(record) : record] });
const damaged = spoil((record) => Buffer.concat([record.subarray(0, -1), Buffer.from([record.at(-1) ^ 1])]));
const TOO_LONG = 2 ** 14 + 257;
const oversized = spoil(() => Buffer.concat([Buffer.from([DATA, 3, 3, TOO_LONG >> 8, TOO_LONG & 255]), Buffer.alloc(TOO_LONG, 9)]));
const mute = (most) => { // of each connection; records come in order
	const seen = new WeakMap();

	return (record, sealed, down) => {
		seen.set(down, (seen.get(down) ?? 0) + 1);
		return seen.get(down) <= most ? [record] : [];
	};
};
// from the second record on it breaks off
const breaks = (how) => {
	const pass = mute(1);

	return { pass(record, sealed, down) {
		const list = pass(record, sealed, down);

		if (list.length === 0)
			down[how]();
		return list;
	} };
};
// a warning's size is that of an alert
const isFarewell = { '1.2': (record) => record[0] === ALERT, '1.3': (record) => record[0] === DATA && record.length === HEAD + 19 };
const silent = (version) => ({ pass: (record) => (isFarewell[version](record) ? [] : [record]) });

// want: null when the answer is to come, else [class, reason] of the attempt, as far as it is known; wants:
// where one is another. not: why a server or a
// version is left out. openssl, gnutls, nginx: more of theirs. twice: asked again after a restart with
// what it says.
const rows = [
	{ id: 'B-01', what: 'it has expired', cert: leaf(root, [], { from: -9, until: -2 }), want: CERT },
	{ id: 'B-02', what: 'it is not valid yet', cert: leaf(root, [], { from: 2, until: 9 }), want: CERT },
	{ id: 'B-03', what: 'it is signed by itself', cert: leaf(null), want: CERT },
	{ id: 'B-04', what: 'its authority is unknown', cert: leaf(stranger), want: CERT },
	{ id: 'B-04', what: 'the one between is missing', cert: { ...inside, files: { ...inside.files, chain: inside.files.cert, above: null } }, want: CERT },
	{ id: 'B-05', what: 'it names another host', cert: leaf(root, [], { hosts: ['other.example'] }), want: CERT },
	{ id: 'B-06', what: 'an address is asked, and it has none', cert: leaf(root, [], { hosts: ['localhost'] }), want: CERT },
	{ id: 'B-07', what: 'a wildcard and one label', cert: wild, host: 'a.w.localhost' },
	{ id: 'B-07', what: 'a wildcard and two labels', cert: wild, host: 'a.b.w.localhost', want: CERT },
	{ id: 'B-08', what: 'a weak key', cert: leaf(root, [], { kind: 'weak' }), want: CERT, not: { '1.3 gnutls': 'it cannot sign with it' } },
	{ id: 'B-08', what: 'a weak hash', cert: leaf(root, [], { hash: 'sha1' }), want: CERT },
	{ id: 'B-09', what: 'a critical extension that nobody knows', want: CERT,
		cert: leaf(root, ['1.3.6.1.4.1.99999.1=critical,ASN1:UTF8String:what nobody knows']) },
	{ id: 'B-09', what: 'an authority that may not vouch for this name', cert: leaf(bounded), want: CERT },
	{ id: 'B-10', what: 'it is for clients only', cert: leaf(root, [], { client: true }), want: CERT },
	{ id: 'B-11', what: 'nothing newer than TLS 1.1', versions: ['1.1'], want: ['unreachable', 'tls_proto'],
		wants: { '1.1 gnutls': ALERT_SENT } }, // of two reasons it names the other: no common suite
	{ id: 'B-12', what: 'an RSA key and AES-128-GCM', cert: leaf(root, [], { kind: 'RSA' }), ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
		priority: ':-CIPHER-ALL:+AES-128-GCM', not: { 1.3: 'B-13 is its row' } },
	{ id: 'B-13', what: 'nothing else', cert: leaf(root, [], { kind: 'RSA' }), not: { 1.2: 'B-12 is its row' } },
	{ id: 'B-14', what: 'only suites with CBC', ciphers: 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA', want: ALERT_SENT,
		priority: ':-CIPHER-ALL:+AES-128-CBC:+AES-256-CBC', not: { 1.3: 'there are none' } },
	...[0, 1, 2].map((most) => ({ id: 'B-15', what: `silent after ${most} records`, relay: () => ({ pass: mute(most) }),
		timeout: '1s', want: ['slow', 'tls_timeout'] })),
	{ id: 'B-16', what: 'no name of its', cert: leaf(root, [], { hosts: ['localhost'] }), host: 'localhost', want: ALERT_SENT,
		openssl: ['-servername', 'other.example', '-servername_fatal', '-cert2', good.files.cert, '-key2', good.files.key],
		gnutls: ['--sni-hostname', 'other.example', '--sni-hostname-fatal'], nginx: 'ssl_reject_handshake on;' },
	{ id: 'B-17', what: 'no TLS at all', plain: true, want: ['unreachable', 'tls_proto'],
		not: { 1.2: 'once is enough: no version is spoken', ...no('it speaks nothing else', 'openssl', 'gnutls') } },
	{ id: 'B-18', what: 'a reset behind its first record', relay: () => breaks('resetAndDestroy'), want: ['unreachable'] },
	{ id: 'B-18', what: 'an end behind its first record', relay: () => breaks('end'), want: ['unreachable', 'tls'] },
	{ id: 'B-19', what: 'a chain of six, byte by byte', cert: leaf(deepest), relay: () => ({ pass: bytewise }) },
	{ id: 'B-20', what: 'another curve', openssl: ['-groups', 'P-384'], priority: ':-GROUP-ALL:+GROUP-SECP384R1', nginx: 'ssl_ecdh_curve secp384r1;',
		not: { 1.2: 'a hello has no share there' } },
	{ id: 'B-20a', what: 'ten tickets', openssl: ['-num_tickets', '10'],
		not: { 1.2: 'there is one', ...no('it sends as many as it likes', 'gnutls', 'nginx') } },
	{ id: 'B-21', what: 'it changes its keys', first: 'k\n', seen: 'SSL_do_handshake', want: ['unreachable', 'tls_keyupdate'],
		not: { 1.2: 'there is no such thing', ...no('it cannot be made to', 'gnutls', 'nginx') } },
	{ id: 'B-23', what: 'no farewell behind a whole body', nginx: 'keepalive_timeout 0;', relay: silent,
		not: no('it leaves the end to the other side', 'openssl', 'gnutls') },
	{ id: 'B-27', what: 'a damaged record', relay: () => damaged, want: ['unreachable'] },
	{ id: 'B-28', what: 'a record that is too long', relay: () => oversized, want: ['unreachable'] },
	{ id: 'B-29', what: 'a ticket of before its restart', twice: [{}] },
	{ id: 'B-31', what: 'another certificate at the next connection',
		twice: [{ cert: leaf(stranger), want: CERT }, { cert: leaf(root) }] },
	{ id: 'B-32', what: 'h2, which was not offered', http2: 'off', openssl: ['-alpn', 'h2'], gnutls: ['--alpn', 'h2'], listens: 'http2',
		wants: { '1.2 openssl': ALERT_SENT, '1.3 openssl': ALERT_SENT } }, // the others go without
	{ id: 'B-33', what: 'a certificate is asked for', openssl: ['-verify', '1'], nginx: 'ssl_verify_client optional_no_ca;' },
	{ id: 'B-33', what: 'a certificate is insisted on', openssl: ['-Verify', '1'], gnutls: ['--require-client-cert'], want: ALERT_SENT,
		wants: { '1.3 openssl': CERT, '1.3 gnutls': CERT }, // TLS 1.3 has an alert for it
		not: no('it says so in HTTP: 400, the caller’s', 'nginx') },
];

// What is no server's affair, or no honest one's.
const elsewhere = {
	'B-22': 'OpenSSL ends the connection when it is refused, the others never ask: tests/loop/test_tls_machine.c',
	'B-24': 'their answers have a length: tests/e2e/tls_records.mjs',
	'B-25': 'nothing comes behind their farewell: tests/e2e/tls_records.mjs',
	'B-26': 'they do not part in the midst: tests/e2e/tls_records.mjs',
	'B-30': 'it is told by what is not offered: tests/loop/test_tls.c',
	'B-34': 'the files are weir’s: tests/e2e/tls.mjs',
	'B-35': 'the randomness is weir’s: tests/e2e/starts.mjs',
	'B-36': 'thousands are more than they take: tests/loop/test_dial.c',
};

const cases = [];
for (const [at, row] of rows.entries())
	for (const version of row.versions ?? VERSIONS)
		for (const kind of kinds) {
			const why = [version, kind.name, `${version} ${kind.name}`].map((key) => row.not?.[key]).find(Boolean);

			if (why)
				console.log(`# not: ${row.id}, TLS ${version}, ${kind.name}: ${why}`);
			else
				cases.push({ ...row, want: row.wants?.[`${version} ${kind.name}`] ?? row.want, version, kind, name: `${kind.name}-${version}-${at}` });
		}
for (const [id, why] of Object.entries(elsewhere))
	console.log(`# not: ${id}: ${why}`);

const spare = share(await startMock({ spare: '200' }));

async function begin(one) {
	const { kind, version, cert = good, host = '127.0.0.1' } = one;

	one.server = share(await startServer(kind, { ...one, version, cert, answer }));
	const { port } = one.relay ? share(await startRelay(one.server.port, one.relay(version))) : one.server;
	one.provider = { dialect: 'openai', base_url: `https://${host}:${port}/v1`, ca_file: root.files.cert, ...(one.http2 && { http2: one.http2 }) };
	one.chain = { steps: [{ target: `${one.name}/m`, connect_timeout: one.timeout ?? '30s' }, 'spare/m'] };
}

const AT_ONCE = 6;
for (let i = 0; i < cases.length; i += AT_ONCE)
	await Promise.all(cases.slice(i, i + AT_ONCE).map(begin));

const named = (what) => Object.fromEntries(cases.map((one) => [one.name, one[what]]));
const weir = share(await startWeir({
	providers: { ...spare.providers(), ...named('provider') },
	defaults: { retries: 0, attempt_timeout: '60s' },
	chains: named('chain'),
}));

async function look({ name, kind, server, first }, want) {
	const before = server.requests;
	const got = await chat(weir, ask(name), { seconds: 50 });
	const { content } = JSON.parse(got.text).choices[0].message;

	if (!want && kind.name !== 'gnutls') {
		assert.equal(content, TEXT, `${got.headers['x-weir-trail']}\n${weir.said()}`);
		return;
	}
	const move = await weir.event('fallback', (event) => event.request_id === got.headers['x-weir-request-id']);
	const seen = [move.class, move.reason];

	assert.match(content, /^spare /);
	if (!want) // it was heard, though it is no HTTP
		assert.deepEqual(seen, ['server_error', 'proto'], JSON.stringify(move));
	else
		assert.deepEqual(seen.slice(0, want.length), want, JSON.stringify(move));
	if (want?.[1]?.startsWith('tls') && !first)
		assert.equal(server.requests, before, 'it got to see the request');
}

for (const one of cases)
	await test(`${one.id}, TLS ${one.version}, ${one.kind.name}: ${one.what}`, async () => {
		await look(one, one.want);
		for (const next of one.twice ?? []) {
			await one.server.restart(next);
			await look(one, next.want);
		}
	});

await test('each fault of TLS is here or has a reason', () => {
	const data = path.join(path.dirname(fileURLToPath(import.meta.url)), '../data/faults.txt');
	const ids = [...fs.readFileSync(data, 'utf8').matchAll(/^(B-\d+a?) \|/gm)].map(([, id]) => id);
	const here = new Set([...rows.map(({ id }) => id), ...Object.keys(elsewhere)]);

	assert.deepEqual(ids.filter((id) => !here.has(id)), []);
	assert.deepEqual([...here].filter((id) => !ids.includes(id)), []);
});

await done();
