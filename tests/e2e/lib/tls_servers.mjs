// TLS by others: OpenSSL's s_server, gnutls-serv and nginx, each on a port of 127.0.0.1.
// startServer(kind, { version, cert, answer, … }): { port, log, requests, restart(how), stop() }; version is
// '1.1', '1.2' or '1.3', cert is of certs.mjs. OpenSSL and nginx answer a request with text;
// gnutls-serv knows no POST and says something that is no HTTP.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { eventually } from './http.mjs';
import { scratch } from './weir.mjs';
import { freePort } from './program.mjs';

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));

const HTTP_END = '\r\n\r\n';
let folders = 0;

class Server {
	log = '';
	port = 0;
	requests = 0;

	constructor(kind, how) {
		this.kind = kind;
		this.how = how;
	}

	async start() {
		// the port is another's now and then: it was free a moment ago
		for (let tries = 0; tries < 5; tries++) {
			const port = this.port || await freePort();
			const { program, args } = this.kind.command({ ...this.how, port });
			const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
			let over = false;

			this.log = '';
			this.child = child;
			running.add(child);
			this.gone = new Promise((resolve) => child.on('close', resolve)).then(() => {
				over = true;
				running.delete(child);
			});
			child.on('error', (error) => { this.log += error; });
			child.stdin.on('error', () => {});
			for (const stream of [child.stdout, child.stderr])
				stream.setEncoding('latin1').on('data', (text) => this.hear(text));
			await eventually(async () => over || this.kind.ready(this.log, port), `start of ${program}:\n${this.log}`);
			if (!over) {
				this.port = port;
				return this;
			}
		}
		throw new Error(`${this.kind.name} does not start: ${this.log}`);
	}

	// What s_server hears it prints; what it is told it says.
	hear(text) {
		this.log += text;
		if (!this.kind.talks)
			return;
		this.heard = (this.heard ?? '') + text;
		const at = this.heard.indexOf('POST /');
		const end = this.heard.indexOf(HTTP_END, at);
		const length = Number(/content-length: (\d+)/i.exec(this.heard.slice(at))?.[1]);

		if (at < 0 || end < 0 || this.heard.length < end + HTTP_END.length + length)
			return;
		this.heard = this.heard.slice(end + HTTP_END.length + length);
		this.requests++;
		if (this.how.first)
			this.child.stdin.write(this.how.first, () => eventually(() => this.log.includes(this.how.seen), this.how.seen).then(() => this.child.stdin.write(this.how.answer)));
		else
			this.child.stdin.write(this.how.answer);
	}

	async restart(how) {
		await this.stop();
		Object.assign(this.how, how);
		return this.start();
	}

	signal(name) {
		this.child.kill(name);
	}

	async stop() {
		this.child.kill('SIGCONT');
		this.child.kill('SIGKILL');
		await this.gone;
	}
}

async function accepts(port) {
	return new Promise((resolve) => {
		const socket = net.connect(port, '127.0.0.1', () => {
			socket.destroy();
			resolve(true);
		}).on('error', () => resolve(false));
	});
}

const openssl = {
	name: 'openssl',
	talks: true,
	ready: (log) => log.includes('ACCEPT'),
	command: ({ version, cert, port, openssl: more = [], ciphers = 'DEFAULT' }) => ({
		program: 'openssl',
		args: ['s_server', '-accept', `127.0.0.1:${port}`, '-cert', cert.files.cert, '-key', cert.files.key,
			...(cert.files.above ? ['-cert_chain', cert.files.above] : []),
			`-tls${version.replace('.', '_')}`, '-cipher', `${ciphers}:@SECLEVEL=0`, ...more],
	}),
};

const gnutls = {
	name: 'gnutls',
	ready: (log) => /port \d+\.\.\.done/.test(log),
	command: ({ version, cert, port, gnutls: more = [], priority = '' }) => ({
		program: 'gnutls-serv',
		args: ['--http', '-p', String(port), '--x509certfile', cert.files.chain, '--x509keyfile', cert.files.key,
			'--priority', `NORMAL:-VERS-ALL:+VERS-TLS${version}${priority}`, ...more],
	}),
};

const nginx = {
	name: 'nginx',
	ready: (log, port) => accepts(port),
	command({ version, cert, port, answer, nginx: more = '', listens = '', plain = false, ciphers = 'DEFAULT' }) {
		const folder = path.join(scratch, `nginx-${++folders}`);

		fs.mkdirSync(folder);
		fs.writeFileSync(`${folder}/nginx.conf`, `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
events { worker_connections 128; }
http {
	access_log ${folder}/access; default_type application/json;
	${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
	server {
		listen 127.0.0.1:${port} ${plain ? '' : 'ssl'} ${listens};
		ssl_certificate ${cert.files.chain}; ssl_certificate_key ${cert.files.key};
		ssl_protocols TLSv${version.replace(/\.0$/, '')}; ssl_ciphers '${ciphers}:@SECLEVEL=0';
		${more}
		location / { return 200 '${answer.split(HTTP_END)[1]}'; }
	}
}
`);
		return { program: fs.existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx', args: ['-c', `${folder}/nginx.conf`, '-e', 'stderr', '-p', folder] };
	},
};

export const kinds = [openssl, gnutls, nginx];
export const startServer = (kind, how) => new Server(kind, how).start();
