// `weir serve` with a configuration that is made as an object: YAML reads JSON.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Program } from './program.mjs';
import { eventually, get } from './http.mjs';
import { parseMetrics } from './exposition.mjs';

export { parseMetrics };

export const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-e2e-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));

let files = 0;

// Whole suites can be run with several workers: WEIR_E2E_WORKERS=4.
const more = process.env.WEIR_E2E_WORKERS ? { workers: Number(process.env.WEIR_E2E_WORKERS) } : {};

export function writeConfig(config) {
	const file = path.join(scratch, `weir-${++files}.yaml`);

	fs.writeFileSync(file, JSON.stringify(config, null, 2));
	return file;
}

function parse(line) {
	try {
		return JSON.parse(line);
	} catch {
		return null;
	}
}

class Weir extends Program {
	get events() {
		return this.lines.map(parse).filter(Boolean);
	}

	of(name, since = 0) {
		return this.events.slice(since).filter((event) => event.event === name);
	}

	// The first event of that name for which fits(event), also one to come.
	event(name, fits = () => true, seconds = 30) {
		const pick = (line) => {
			const event = parse(line);
			return event && event.event === name && fits(event) ? event : null;
		};

		return this.find(this.lines, 'line', pick, seconds, `event ${name}`);
	}

	request(id, seconds) {
		return this.event('request', (event) => event.request_id === id, seconds);
	}

	// Nobody is served any more: it need not wait for callers who keep their connections.
	async leave() {
		if (!this.ended && this.address) {
			this.signal('SIGTERM');
			await Promise.race([this.event('draining').catch(() => {}), this.exited]);
		}
		return this.stop();
	}

	async metrics() {
		const { text } = await get(this.admin, '/metrics');
		return parseMetrics(text);
	}
}

// Ports are the system's choice. weir.address and weir.admin are "127.0.0.1:PORT".
export async function startWeir(config, options = {}) {
	const file = writeConfig({ listen: '127.0.0.1:0', admin: '127.0.0.1:0', ...more, ...config });
	const weir = new Weir(['serve', '-c', file, '--log', 'json', ...(options.args ?? [])], options);
	const hasAdmin = config.admin !== 'off';
	const listens = [config.listen ?? ''].flat().length;

	weir.file = file;
	if (options.deaf)
		return weir;
	return settle(weir, listens + (hasAdmin ? 1 : 0));
}

// Takes over from the weir that runs with this file.
export async function startUpgrade(file, options = {}) {
	const config = JSON.parse(fs.readFileSync(file));
	const weir = new Weir(['upgrade', '-c', file, '--log', 'json', ...(options.args ?? [])], options);

	weir.file = file;
	return settle(weir, [config.listen].flat().length + (config.admin !== 'off' ? 1 : 0));
}

async function settle(weir, listens) {
	try {
		await weir.event('listening', () => weir.of('listening').filter((event) =>
			event.address || event.admin).length === listens, 60);
	} catch (error) {
		weir.signal('SIGKILL');
		throw error;
	}
	weir.addresses = weir.of('listening').map((event) => event.address).filter(Boolean);
	weir.address = weir.addresses[0];
	weir.admin = weir.of('listening').map((event) => event.admin).find(Boolean);
	weir.base = `http://${weir.address}/v1`;
	return weir;
}

let sockets = 0;

// One whose stderr says nothing, as its log goes to a file: it is asked until it is ready.
export async function quiet(config, options = {}) {
	const at = (name) => `unix:${path.join(scratch, `${name}-${sockets}.sock`)}`;

	sockets++;
	const whole = { listen: at('weir'), admin: at('admin'), ...more, ...config };
	const file = writeConfig(whole);
	const weir = new Weir(['serve', '-c', file], options);

	Object.assign(weir, { file, config: whole, address: whole.listen, admin: whole.admin });
	await eventually(() => {
		if (weir.ended)
			throw new Error(`it ended:\n${weir.said()}`);
		return get(weir.admin, '/readyz').catch(() => null);
	}, 'an answer of its own');
	return weir;
}
