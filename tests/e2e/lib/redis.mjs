// A redis-server of our own, which may be frozen, killed and begun again at the same port; and
// commands to it, spoken by hand.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { scratch } from './weir.mjs';
import { eventually } from './http.mjs';
import { freePort } from './program.mjs';

const running = new Set();

process.on('exit', () => {
	for (const child of running)
		child.kill('SIGKILL');
});

// One whole reply at the beginning of text, and how long it is; null: there is more to come.
function parse(text, from = 0) {
	const end = text.indexOf('\r\n', from);

	if (end < 0)
		return null;
	const line = text.slice(from + 1, end);
	switch (text[from]) {
	case '+':
		return [line, end + 2];
	case '-':
		return [new Error(line), end + 2];
	case ':':
		return [Number(line), end + 2];
	case '$': {
		const stop = end + 2 + Number(line);
		if (line === '-1')
			return [null, end + 2];
		return text.length < stop + 2 ? null : [text.slice(end + 2, stop), stop + 2];
	}
	default: {
		const list = [];
		let at = end + 2;
		for (let i = 0; i < Number(line); i++) {
			const one = parse(text, at);
			if (!one)
				return null;
			list.push(one[0]);
			at = one[1];
		}
		return [list, at];
	}
	}
}

export class Redis {
	static async start(options = [], { tls = false } = {}) {
		const redis = new Redis();

		redis.port = await freePort();
		redis.options = options;
		redis.listens = tls ? ['--tls-port', redis.port] : ['--port', redis.port];
		redis.url = `redis://127.0.0.1:${redis.port}`;
		await redis.begin();
		return redis;
	}

	async begin() {
		const dir = fs.mkdtempSync(path.join(scratch, 'redis-'));

		this.said = '';
		this.child = spawn('redis-server', ['--bind', '127.0.0.1', '--save', '', '--dir', dir, ...this.options,
			...this.listens], { stdio: ['ignore', 'pipe', 'pipe'] });
		this.child.on('error', (error) => (this.said += error));
		running.add(this.child);
		for (const stream of [this.child.stdout, this.child.stderr])
			stream.on('data', (bytes) => (this.said += bytes));
		this.exited = new Promise((resolve) => this.child.on('close', resolve));
		await eventually(() => {
			if (this.child.exitCode !== null)
				throw new Error(`redis-server ended:\n${this.said}`);
			return /Ready to accept connections/.test(this.said);
		}, 'a Redis that is ready');
	}

	// As anybody who may connect.
	command(...words) {
		return new Promise((resolve, reject) => {
			const socket = net.connect(this.port, '127.0.0.1');
			const bytes = [];

			socket.on('error', reject);
			socket.on('data', (more) => {
				bytes.push(more);
				const reply = parse(Buffer.concat(bytes).toString('latin1'));
				if (!reply)
					return;
				socket.destroy();
				if (reply[0] instanceof Error)
					reject(reply[0]);
				else
					resolve(reply[0]);
			});
			socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`).join('')}`);
		});
	}

	freeze() {
		this.child.kill('SIGSTOP');
	}

	thaw() {
		this.child.kill('SIGCONT');
	}

	async kill() {
		this.child.kill('SIGKILL');
		await this.exited;
		running.delete(this.child);
	}

	async stop() {
		if (running.has(this.child))
			await this.kill();
	}
}
