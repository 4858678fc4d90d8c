// Plain clients: one over node:http, one over a bare socket, and what they share.
import http from 'node:http';
import net from 'node:net';
import { deadline } from './tap.mjs';

const SECONDS = 60;

function where(address) {
	if (address.startsWith('unix:'))
		return { socketPath: address.slice(5) };
	const at = address.lastIndexOf(':');
	return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
}

// { status, headers, text, whole, error }: whole says whether the body ended properly,
// error is what cut it. Rejects when not even a head comes.
export function request(address, path, { method = 'GET', headers = {}, body, agent, onRequest,
	onHead, seconds = SECONDS } = {}) {
	const answer = new Promise((resolve, reject) => {
		const req = http.request({ ...where(address), path, method, headers, agent: agent ?? false });

		onRequest?.(req);
		req.on('error', reject);
		req.on('response', (res) => {
			const chunks = [];
			const end = (error) => resolve({
				status: res.statusCode,
				headers: res.headers,
				text: Buffer.concat(chunks).toString(),
				whole: res.complete && !error,
				error,
			});

			req.removeAllListeners('error');
			req.on('error', () => {});
			onHead?.(res);
			res.on('data', (chunk) => chunks.push(chunk));
			res.on('error', end);
			res.on('end', () => end(null));
		});
		req.end(body);
	});

	return deadline(answer, seconds, `answer to ${method} ${path}`);
}

export function get(address, path, options = {}) {
	return request(address, path, options);
}

export function post(address, path, body, { headers = {}, ...options } = {}) {
	const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);

	return request(address, path, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			'content-length': Buffer.byteLength(text),
			...headers,
		},
		body: text,
		...options,
	});
}

let nonces = 0;

// A prompt that its answerer echoes, see said().
export function nonce() {
	return `n${process.pid}-${++nonces}`;
}

export function ask(model, token = nonce(), more = {}) {
	return { model, messages: [{ role: 'user', content: `hello nonce=${token}` }], ...more };
}

export function chat(weir, body, options) {
	return post(weir.address, '/v1/chat/completions', body, options);
}

// What a mock vendor answers.
export function said(vendor, token, tokens = 16) {
	let text = `${vendor} ${token}:`;

	for (let i = 0; i < tokens; i++)
		text += ` tok${i}`;
	return text;
}

// The stream's events in order: { data } as text, or { comment }.
export function events(text) {
	const list = [];

	for (const block of text.split('\n\n')) {
		const data = block.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5).trim());

		if (data.length)
			list.push({ data: data.join('\n'), whole: text.includes(block + '\n\n') });
		else if (block.startsWith(':'))
			list.push({ comment: block.slice(1).trim() });
	}
	return list;
}

export function textOf(stream) {
	let text = '';

	for (const { data } of events(stream)) {
		const event = data && data !== '[DONE]' ? JSON.parse(data) : {};
		text += event.choices?.[0]?.delta?.content ?? '';
	}
	return text;
}

// [{ target, status, class, ms }] of an x-weir-trail.
export function trail(text) {
	return text.split(', ').map((entry) => {
		const [target, status, cls, ms] = entry.split(';');

		if (!/^\d+ms$/.test(ms))
			throw new Error(`no trail: ${text}`);
		return { target, status, class: cls, ms: parseInt(ms, 10) };
	});
}

// A bare connection: bytes out, bytes in.
export class Wire {
	bytes = Buffer.alloc(0);
	ended = false;

	static async open(address, options = {}) {
		const at = where(address);
		const socket = net.connect({
			...(at.socketPath ? { path: at.socketPath } : at),
			allowHalfOpen: true,
			...options,
		});
		await deadline(new Promise((resolve, reject) => {
			socket.once('connect', resolve);
			socket.once('error', reject);
		}), SECONDS, `connection to ${address}`);
		return new Wire(socket);
	}

	constructor(socket) {
		this.socket = socket;
		socket.setNoDelay(true);
		socket.on('data', (chunk) => {
			this.bytes = Buffer.concat([this.bytes, chunk]);
			this.wake?.();
		});
		socket.on('end', () => this.over());
		socket.on('close', () => this.over());
		socket.on('error', (error) => {
			this.error = error;
			this.over();
		});
	}

	over() {
		this.ended = true;
		this.wake?.();
	}

	send(bytes) {
		this.socket.write(bytes);
	}

	get text() {
		return this.bytes.toString('latin1');
	}

	// Waits until done(text) or, for end(), until the peer has closed.
	async until(done, what = 'bytes', seconds = SECONDS) {
		await deadline(new Promise((resolve, reject) => {
			this.wake = () => {
				if (done(this.text))
					resolve();
				else if (this.ended)
					reject(new Error(`closed before ${what}: ${JSON.stringify(this.text.slice(-400))}`));
			};
			this.wake();
		}), seconds, what);
		return this.text;
	}

	async end(seconds = SECONDS) {
		await this.until(() => this.ended, 'end of the connection', seconds);
		return this.text;
	}

	fin() {
		this.socket.end();
	}

	reset() {
		this.socket.resetAndDestroy();
	}

	stop() {
		this.socket.destroy();
	}
}

// The answers in a connection's bytes, framed by length or chunks; rest: what follows them.
export function answers(text) {
	const list = [];
	let rest = text;

	while (rest.includes('\r\n\r\n')) {
		const at = rest.indexOf('\r\n\r\n');
		const head = rest.slice(0, at).split('\r\n');
		const status = Number(head[0].split(' ')[1]);
		const headers = Object.fromEntries(head.slice(1).map((line) => {
			const colon = line.indexOf(':');
			return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
		}));
		let body = rest.slice(at + 4);

		if (status < 200) {
			rest = body;
			list.push({ status, headers, body: '' });
			continue;
		}
		if (headers['transfer-encoding'] === 'chunked') {
			const [whole, left] = dechunk(body);

			if (whole === null)
				break;
			body = whole;
			rest = left;
		} else if ('content-length' in headers) {
			const length = Number(headers['content-length']);

			if (body.length < length)
				break;
			rest = body.slice(length);
			body = body.slice(0, length);
		} else {
			rest = '';
		}
		list.push({ status, headers, body });
	}
	return { list, rest };
}

function dechunk(text) {
	let body = '';

	for (;;) {
		const at = text.indexOf('\r\n');
		const size = at < 0 ? NaN : parseInt(text.slice(0, at), 16);

		if (Number.isNaN(size) || text.length < at + 2 + size + 2)
			return [null, ''];
		body += text.slice(at + 2, at + 2 + size);
		text = text.slice(at + 2 + size + 2);
		if (size === 0)
			return [body, text];
	}
}

// Waits for something that only asking again can tell.
export async function eventually(look, what, seconds = SECONDS) {
	const until = Date.now() + seconds * 1000;

	for (;;) {
		const found = await look();

		if (found)
			return found;
		if (Date.now() > until)
			throw new Error(`no ${what} within ${seconds} s`);
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}
