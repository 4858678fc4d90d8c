// Certificates as no honest tool makes them: authorities over authorities, and extensions
// of any kind. Keys are P-256, all of it is in memory but while openssl looks at it.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { scratch } from './weir.mjs';

let made = 0;

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] });

// { cert, key, chain }, PEM texts: chain is cert and those above it, but for the root.
// issuer null: signs itself. extensions: lines as in openssl's x509v3_config.
export function certify(name, issuer, extensions) {
	const base = path.join(scratch, `made-${++made}`);
	const [key, request, cert, ext] = ['key', 'csr', 'pem', 'ext'].map((kind) => `${base}.${kind}`);

	openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key,
		'-subj', `/CN=${name}`, '-out', request);
	fs.writeFileSync(ext, extensions.join('\n'));
	const signer = issuer ? ['-CA', issuer.files.cert, '-CAkey', issuer.files.key, '-CAcreateserial']
		: ['-signkey', key];
	openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-extfile', ext, '-out', cert);
	const text = fs.readFileSync(cert, 'utf8');

	return {
		cert: text,
		key: fs.readFileSync(key, 'utf8'),
		chain: issuer ? text + issuer.chain : '',
		files: { key, cert },
	};
}

export const authority = (name, issuer = null, more = []) =>
	certify(name, issuer, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign', ...more]);

export const leaf = (issuer, more = []) =>
	certify('127.0.0.1', issuer, ['subjectAltName=IP:127.0.0.1', 'extendedKeyUsage=serverAuth', ...more]);
