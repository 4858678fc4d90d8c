// Certificates of authorities of our own, by openssl: honest ones, and such as no honest tool makes.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { scratch } from './weir.mjs';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });
const DAY_MS = 24 * 3600 * 1000;
const stamp = (days) => new Date(Date.now() + days * DAY_MS).toISOString().replace(/[-:T]|\.\d+/g, '');
const keys = {
	EC: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
	RSA: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
	RSA4096: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:4096'],
	weak: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'],
};
let made = 0;

// { cert, key, chain } are PEM texts, chain is cert and those above it but for the root; files has
// their paths, and above that of those above it, if any. issuer null: signs itself. extensions: lines as in openssl's x509v3_config. from and
// until: days from now.
export function certify(name, issuer, extensions, { from = -1, until = 30, kind = 'EC', hash = 'sha256' } = {}) {
	const base = path.join(scratch, `${++made}-${name.replace(/[^\w.-]/g, '-')}`);
	const file = Object.fromEntries(['key', 'csr', 'pem', 'chain', 'index', 'serial', 'config'].map((end) => [end, `${base}.${end}`]));

	openssl('genpkey', ...keys[kind], '-out', file.key);
	fs.chmodSync(file.key, 0o600);
	openssl('req', '-new', '-key', file.key, '-subj', `/CN=${name}`, '-out', file.csr);
	fs.writeFileSync(file.index, '');
	fs.writeFileSync(file.serial, `4${crypto.randomUUID().replaceAll('-', '').slice(1)}`);
	fs.writeFileSync(file.config, `[ca]
default_ca = it
[it]
database = ${file.index}
serial = ${file.serial}
new_certs_dir = ${scratch}
default_md = ${hash}
policy = any
x509_extensions = extensions
unique_subject = no
[any]
commonName = supplied
[extensions]
${extensions.join('\n')}
`);
	const signer = issuer ? ['-cert', issuer.files.cert, '-keyfile', issuer.files.key] : ['-selfsign', '-keyfile', file.key];
	openssl('ca', '-batch', '-config', file.config, ...signer, '-in', file.csr, '-out', file.pem, '-notext',
		'-startdate', stamp(from), '-enddate', stamp(until));
	const cert = fs.readFileSync(file.pem, 'utf8');
	const chain = issuer ? cert + issuer.chain : '';

	fs.writeFileSync(file.chain, chain || cert);
	const above = issuer?.chain ? issuer.files.chain : null;
	return { name, cert, key: fs.readFileSync(file.key, 'utf8'), chain, files: { key: file.key, cert: file.pem, chain: file.chain, above } };
}

export const authority = (name, issuer = null, more = [], how = {}) =>
	certify(name, issuer, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', ...more], how);

const namesOf = (hosts) => hosts.map((host) => `${/^[\d.]+$|:/.test(host) ? 'IP' : 'DNS'}:${host}`).join(',');

export function leaf(issuer, more = [], { name = '127.0.0.1', hosts = ['127.0.0.1'], client = false, ...how } = {}) {
	const names = hosts.length ? [`subjectAltName=${namesOf(hosts)}`] : [];

	return certify(name, issuer,
		['basicConstraints=CA:FALSE', ...names, `extendedKeyUsage=${client ? 'clientAuth' : 'serverAuth'}`, ...more], how);
}

// The same as paths: { ca, cert, key }.
export function issue(ca, name, { hosts = ['localhost', '127.0.0.1'], ...how } = {}) {
	const { files } = leaf(ca, [], { name, hosts, ...how });

	return { ca: ca.files.cert, cert: files.cert, key: files.key };
}
