// One run of the program under test: its lines, its end, and nothing left behind.
import { spawn } from 'node:child_process';
import { EventEmitter } from 'node:events';
import net from 'node:net';
import { deadline } from './tap.mjs';

const running = new Set();
const SICK = /AddressSanitizer|cannot be preloaded|LeakSanitizer|runtime error:|assertion failed/i;

export const binary = process.env.WEIR;
if (!binary)
	throw new Error('set WEIR to the program under test');

process.on('exit', () => {
	for (const program of running)
		program.child.kill('SIGKILL');
});

// One that nobody listens at, on any address of this machine.
export async function freePort() {
	const server = net.createServer();

	await new Promise((resolve) => server.listen(0, '0.0.0.0', resolve));
	const { port } = server.address();
	await new Promise((resolve) => server.close(resolve));
	return port;
}

// The caller's environment without anything that would configure weir.
function environment(extra) {
	const env = {};

	for (const [name, value] of Object.entries(process.env))
		if (!/_API_KEY$|^OPENAI_|^WEIR_|^OTEL_|_proxy$/i.test(name))
			env[name] = value;
	return { ...env, ...extra };
}

// WEIR_E2E_SANDBOX=strict: whole suites run so that what the sandbox forbids ends weir.
function confined([command, ...args]) {
	const mode = process.env.WEIR_E2E_SANDBOX;

	return mode && !args.includes('--sandbox') && ['serve', 'upgrade'].includes(command) ? ['--sandbox', mode] : [];
}

// WEIR_E2E_IO=bytes or interrupts: whole suites run so that weir reads and writes sockets a byte at a
// time, or is interrupted at every second call (torn.c).
function torn([command], program, env) {
	const { WEIR_E2E_IO: how, WEIR_TORN: library } = process.env;

	if (!how || program !== binary || !['serve', 'upgrade'].includes(command))
		return env;
	return { ...env, TORN_IO: how, LD_PRELOAD: library, ASAN_OPTIONS: [env.ASAN_OPTIONS, 'verify_asan_link_order=0'].filter(Boolean).join(':') };
}

// WEIR_E2E_VALGRIND=1: weir runs under valgrind, which ends it with a code of its own for what it found.
function watched(args, program, before) {
	if (!process.env.WEIR_E2E_VALGRIND || program !== binary || !['serve', 'upgrade'].includes(args[0]))
		return [program, before];
	return ['valgrind', ['--quiet', '--leak-check=full', '--error-exitcode=99', program, ...before]];
}

export class Program extends EventEmitter {
	lines = []; // of stderr
	printed = []; // of stdout

	// deaf: nobody reads what it says on stderr; before: what program takes itself, ahead of args
	constructor(args, { env = {}, cwd, deaf = false, input = false, program = binary, before = [] } = {}) {
		super();
		this.setMaxListeners(0);
		this.name = args.slice(0, 2).join(' ');
		const [file, ahead] = watched(args, program, before);

		this.child = spawn(file, [...ahead, ...args, ...confined(args)], {
			env: environment(torn(args, program, env)),
			cwd,
			stdio: [input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
		});
		running.add(this);
		this.follow(this.child.stdout, this.printed, 'printed');
		if (!deaf)
			this.follow(this.child.stderr, this.lines, 'line');
		this.exited = new Promise((resolve, reject) => {
			this.child.on('error', reject);
			this.child.on('close', (code, signal) => {
				running.delete(this);
				this.ended = { code, signal };
				this.emit('ended');
				resolve(this.ended);
			});
		});
		this.exited.catch(() => {});
	}

	get pid() {
		return this.child.pid;
	}

	follow(stream, lines, event) {
		let rest = '';

		stream.setEncoding('utf8');
		stream.on('data', (text) => {
			const parts = (rest + text).split('\n');

			rest = parts.pop();
			for (const line of parts) {
				lines.push(line);
				this.emit(event, line);
			}
		});
		stream.on('end', () => {
			if (rest)
				lines.push(rest);
		});
	}

	// The first of list, also among those to come, for which pick() gives something.
	async find(list, event, pick, seconds, what) {
		const seen = () => {
			for (const line of list) {
				const found = pick(line);
				if (found)
					return found;
			}
			return null;
		};
		let look, end;
		const found = new Promise((resolve, reject) => {
			look = () => {
				const now = seen();
				if (now)
					resolve(now);
			};
			end = () => {
				look();
				reject(new Error(`${this.name} ended without ${what}`));
			};
			look();
			if (this.ended)
				end();
		});

		this.on(event, look);
		this.on('ended', end);
		try {
			return await deadline(found, seconds, what);
		} catch (error) {
			error.message += `\n${this.said()}`;
			throw error;
		} finally {
			this.off(event, look);
			this.off('ended', end);
		}
	}

	said() {
		return this.lines.slice(-12).join('\n');
	}

	sick() {
		return this.lines.find((line) => SICK.test(line));
	}

	signal(name) {
		this.child.kill(name);
	}

	async end(seconds = 60) {
		return deadline(this.exited, seconds, `end of ${this.name}`);
	}

	async stop(signal = 'SIGTERM', seconds = 60) {
		if (!this.ended)
			this.signal(signal);
		const { code } = await this.end(seconds).catch((error) => {
			this.signal('SIGKILL');
			throw error;
		});
		if (this.sick() || (code !== 0 && !this.killed))
			throw new Error(`${this.name} ended with ${code}:\n${this.lines.slice(-60).join('\n')}`);
	}

	// As a machine that is gone: no good-bye, and nothing is asked of its end.
	async kill() {
		this.killed = true;
		this.signal('SIGKILL');
		await this.end();
	}
}

// A whole run: { code, out, err }, whatever the code.
export async function run(args, { seconds = 60, ...options } = {}) {
	const program = new Program(args, options);
	const { code } = await program.end(seconds).catch((error) => {
		program.signal('SIGKILL');
		throw error;
	});

	if (program.sick())
		throw new Error(`${program.name}:\n${program.lines.join('\n')}`);
	return {
		code,
		out: program.printed.map((line) => line + '\n').join(''),
		err: program.lines.map((line) => line + '\n').join(''),
	};
}
