// sockets.py: what Node cannot do with sockets.
import { fileURLToPath } from 'node:url';
import { Program } from './program.mjs';

const script = fileURLToPath(new URL('sockets.py', import.meta.url));

const parse = (line) => {
	try {
		return JSON.parse(line);
	} catch {
		return null;
	}
};

export class Sockets extends Program {
	constructor(...args) {
		super([script, ...args], { program: 'python3', input: true });
	}

	send(line) {
		this.child.stdin.write(`${line}\n`);
	}

	of(key) {
		return this.printed.map(parse).filter((said) => said && key in said);
	}

	// The nth thing it says that has this key, also one to come.
	async says(key, what = /./s, nth = 1) {
		const fits = (said) => typeof what === 'string' ? said[key] === what : what.test(String(said[key]));

		return this.find(this.printed, 'printed', () => this.of(key).filter(fits)[nth - 1], 30, `${key} ${what}`);
	}

	// Of the programs it runs.
	get events() {
		return this.lines.map(parse).filter(Boolean);
	}

	logged(event) {
		return this.events.filter((line) => line.event === event);
	}

	async stop() {
		for (const { pid } of this.of('pid'))
			try {
				process.kill(pid, 'SIGTERM');
			} catch {
				// it has ended
			}
		await this.kill();
		if (this.sick())
			throw new Error(this.said());
	}
}
