// What testssl.sh says of TLS towards callers, with a key of each kind: `tools/long tls_scan`.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { authority, leaf } from './lib/certs.mjs';
import { run } from './lib/program.mjs';
import { scratch, startWeir } from './lib/weir.mjs';

const SECONDS = 900;
const mock = share(await startMock({ alpha: '200' }));
const program = ['testssl.sh', 'testssl'].find((name) => {
	try {
		return execFileSync('sh', ['-c', `command -v ${name}`], { stdio: ['ignore', 'pipe', 'ignore'] });
	} catch {
		return null;
	}
});

for (const kind of ['EC', 'RSA'])
	await test(`${kind}: nothing above LOW`, async (t) => {
		const ca = authority(`ca-${kind}`, null, [], { kind, until: 400 });
		/* What the test's certificate lacks is no finding of weir's. */
		const { files } = leaf(ca, ['crlDistributionPoints=URI:http://crl.example/ca.crl', 'keyUsage=digitalSignature'],
			{ hosts: ['localhost', '127.0.0.1'], kind, until: 300 });
		const weir = t.keep(await startWeir({ providers: mock.providers('alpha'), chains: { m: { steps: ['alpha/m'] } },
			tls: { cert: files.cert, key: files.key } }));
		const file = path.join(scratch, `${kind}.json`);
		const { code, out, err } = await run(['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--add-ca', ca.files.cert,
			'--jsonfile', file, weir.address], { program, seconds: SECONDS });
		const found = JSON.parse(fs.readFileSync(file, 'utf8'));
		const at = (level) => found.filter(({ severity }) => severity === level);
		const tell = ({ severity, id, finding }) => `${severity} ${id}: ${finding}`;

		console.log(`# ${found.length} findings: ${['OK', 'INFO', 'LOW', 'WARN'].map((level) => `${at(level).length} ${level}`).join(', ')}`);
		for (const one of [...at('LOW'), ...at('WARN')])
			console.log(`# ${tell(one)}`);
		for (const id of ['TLS1_2', 'TLS1_3', 'cert_chain_of_trust', 'heartbleed', 'ROBOT', 'secure_renego', 'LUCKY13', 'RC4'])
			assert.ok(found.some((one) => one.id.startsWith(id) && one.severity === 'OK'), `${id}, ${code}: ${out}${err}`);
		assert.deepEqual(found.filter(({ severity }) => !['OK', 'INFO', 'LOW', 'WARN'].includes(severity)).map(tell), []);
	}, { seconds: SECONDS });

await done();
