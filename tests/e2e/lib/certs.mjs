// Certificates of authorities of our own, by openssl: { ca, cert, key } are paths.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { scratch } from './weir.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
const file = (name) => path.join(scratch, name);
const DAY_MS = 24 * 3600 * 1000;
const stamp = (days) => new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '');

function makeKey(name, kind = 'EC') {
	const key = file(`${name}.key`);
	const how = kind === 'EC' ? ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
		: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];

	openssl('genpkey', ...how, '-out', key);
	fs.chmodSync(key, 0o600);
	return key;
}

export function makeCa(name) {
	const key = makeKey(name);
	const cert = file(`${name}.pem`);

	openssl('req', '-x509', '-new', '-key', key, '-subj', `/CN=${name}`, '-days', '30', '-out', cert,
		'-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
	return { name, key, cert };
}

// hosts: names and addresses. from and until: days from now.
export function issue(ca, name, { hosts = ['localhost', '127.0.0.1'], from = -1, until = 30, kind, client = false } = {}) {
	const key = makeKey(name, kind);
	const request = file(`${name}.csr`);
	const cert = file(`${name}.pem`);
	const config = file(`${name}.ca`);
	const names = hosts.map((host) => `${/^[\d.]+$|:/.test(host) ? 'IP' : 'DNS'}:${host}`).join(',');

	openssl('req', '-new', '-key', key, '-subj', `/CN=${name}`, '-out', request);
	fs.writeFileSync(file('index.txt'), '');
	fs.writeFileSync(file('serial'), crypto.getRandomValues(new Uint32Array(1))[0].toString(16).padStart(8, '0'));
	fs.writeFileSync(config, `[ca]
default_ca = it
[it]
database = ${file('index.txt')}
serial = ${file('serial')}
new_certs_dir = ${scratch}
default_md = sha256
policy = any
x509_extensions = extensions
unique_subject = no
[any]
commonName = supplied
[extensions]
basicConstraints = CA:FALSE
extendedKeyUsage = ${client ? 'clientAuth' : 'serverAuth'}
${names ? `subjectAltName = ${names}` : ''}
`);
	openssl('ca', '-batch', '-config', config, '-cert', ca.cert, '-keyfile', ca.key, '-in', request, '-out', cert,
		'-notext', '-startdate', stamp(from), '-enddate', stamp(until));
	return { ca: ca.cert, cert, key };
}
