// HTTP/2 providers: Node's own server, played by functions, and fronts of other makers.
import http from 'node:http';
import http2 from 'node:http2';
import fs from 'node:fs';
import path from 'node:path';
import { execFileSync } from 'node:child_process';
import { scratch } from './weir.mjs';
import { said } from './http.mjs';

let made;

// One certificate for all of them, which is its own authority.
export function certificate() {
	if (made)
		return made;
	const key = path.join(scratch, 'h2-key.pem');
	const cert = path.join(scratch, 'h2-cert.pem');

	execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
		'-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=weir test', '-addext',
		'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
	made = { key, cert };
	return made;
}

export function nonceOf(body) {
	return body.match(/nonce=([\w-]+)/)?.[1] ?? 'none';
}

export function completion(text) {
	return JSON.stringify({
		id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [
			{ index: 0, message: { role: 'assistant', content: text }, finish_reason: 'stop' }],
		usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
	});
}

export function chunk(content, finish = null) {
	return `data: ${JSON.stringify({ id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1,
		model: 'm', choices: [{ index: 0, delta: content === null ? {} : { content },
			finish_reason: finish }] })}\n\n`;
}

export const DONE = `${chunk(null, 'stop')}data: [DONE]\n\n`;

// answer(stream, headers, body), once the body is there; counts what it sees.
export async function startHttp2(answer, options = {}) {
	const { key, cert } = certificate();
	const server = http2.createSecureServer({
		key: fs.readFileSync(key), cert: fs.readFileSync(cert), allowHTTP1: false, ...options });
	const provider = {
		server, sessions: [], resets: [], streams: 0, pings: 0,
		get open() {
			return provider.sessions.filter((s) => !s.destroyed && !s.closed).length;
		},
		provider: (more = {}) => ({ dialect: 'openai', ca_file: cert,
			base_url: `https://127.0.0.1:${server.address().port}/v1`, ...more }),
		async stop() {
			for (const session of provider.sessions)
				session.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};

	server.on('session', (session) => {
		provider.sessions.push(session);
		session.on('error', () => {});
		session.on('ping', () => provider.pings++);
	});
	server.on('sessionError', () => {});
	server.on('stream', (stream, headers) => {
		const parts = [];

		provider.streams++;
		stream.on('error', () => {});
		stream.on('close', () => {
			if (stream.rstCode)
				provider.resets.push(stream.rstCode);
		});
		stream.on('data', (part) => parts.push(part));
		stream.on('end', () => answer(stream, headers, Buffer.concat(parts).toString()));
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return provider;
}

// What a mock vendor of that name would say.
export function echo(name) {
	return (stream, headers, body) => {
		const text = said(name, nonceOf(body));

		if (JSON.parse(body).stream) {
			stream.respond({ ':status': 200, 'content-type': 'text/event-stream' });
			stream.write(chunk(text.slice(0, 4)));
			stream.end(chunk(text.slice(4)) + DONE);
		} else {
			stream.respond({ ':status': 200, 'content-type': 'application/json' });
			stream.end(completion(text));
		}
	};
}

// Before a provider that speaks HTTP/1.1: heads and bodies as they are, what breaks as a reset.
export async function startFront(url) {
	const { hostname, port } = new URL(url);
	const { key, cert } = certificate();
	const server = http2.createSecureServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert),
		settings: { maxConcurrentStreams: 1000 } });
	const sessions = new Set();

	let accepted = 0;

	server.on('session', (session) => {
		accepted++;
		sessions.add(session);
		session.on('error', () => {});
		session.on('close', () => sessions.delete(session));
	});
	server.on('sessionError', () => {});
	server.on('stream', (stream, headers) => {
		const { ':path': path, ':method': method, ':authority': host } = headers;
		const named = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
		const req = http.request({ hostname, port, path, method, agent: false,
			headers: { host, ...Object.fromEntries(named) } });

		req.removeHeader('connection'); // which nobody sent
		// Later, as what is still to be written would end it well; and so would close().
		const broken = () => setTimeout(() => stream.destroy(new Error('broken')), 20);

		stream.on('error', () => {});
		stream.on('close', () => req.destroy());
		stream.pipe(req);
		req.on('error', broken);
		req.on('response', (res) => {
			const fields = Object.entries(res.headers).filter(([name]) =>
				!['connection', 'keep-alive', 'transfer-encoding', 'upgrade'].includes(name));

			res.on('error', broken);
			if (stream.destroyed)
				return;
			stream.respond({ ':status': res.statusCode, ...Object.fromEntries(fields) });
			res.on('data', (part) => stream.destroyed || stream.write(part) || res.pause());
			stream.on('drain', () => res.resume());
			res.on('end', () => (res.complete ? stream.end() : broken()));
		});
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return {
		entry: { base_url: `https://127.0.0.1:${server.address().port}/v1`, ca_file: cert },
		get accepted() {
			return accepted;
		},
		stop() {
			for (const session of sessions)
				session.destroy();
			server.close();
		},
	};
}
