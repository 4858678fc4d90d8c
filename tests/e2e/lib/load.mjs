// Callers who arrive at their own pace, whatever becomes of those before them, and behave as
// the official SDKs do: two retries of their own, unless they are told not to.
import http from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, chat, nonce } from './http.mjs';
import { deadline } from './tap.mjs';

const RETRIES = 2;
const TICK_MS = 10;

export const now = () => performance.now();

function wants(status, headers) {
	if (headers['x-should-retry'])
		return headers['x-should-retry'] === 'true';
	return status === 408 || status === 409 || status === 429 || status >= 500;
}

// As openai-node has it: what it is told if that is at most a minute, else 0.5 s doubled, up
// to 8 s, less up to a quarter.
function pauseMs(headers, retried) {
	const told = headers['retry-after-ms'] ?? (headers['retry-after'] ?? NaN) * 1000;
	const usual = Math.min(500 * 2 ** retried, 8000) * (1 - Math.random() * 0.25);

	return told >= 0 && told < 60_000 ? Number(told) : usual;
}

export class Callers {
	calls = []; // { began, ok, tries: [{ began, ms, status }] }, times as now()
	pending = [];

	constructor(weir, model, perSecond) {
		Object.assign(this, { weir, model, perSecond });
		this.agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
	}

	// Arrivals for so long; those who came last may still be waiting then.
	async arrive(seconds) {
		const began = now();
		const n = Math.round(seconds * this.perSecond);

		for (let i = 0; i < n; i++) {
			const due = began + i * 1000 / this.perSecond;
			while (now() < due)
				await sleep(TICK_MS);
			this.pending.push(this.call());
		}
		await sleep(Math.max(0, began + seconds * 1000 - now()));
	}

	async call() {
		const call = { began: now(), ok: false, tries: [] };

		this.calls.push(call);
		for (let retried = 0; ; retried++) {
			const { status, headers } = await this.attempt(call);

			call.ok = status === 200;
			if (call.ok || retried === RETRIES || !wants(status, headers))
				return;
			await sleep(pauseMs(headers, retried));
		}
	}

	async attempt(call) {
		const tried = { began: now() };
		const answer = await chat(this.weir, ask(this.model, nonce()), { agent: this.agent })
			.catch(() => ({ status: 599, headers: {} })); // no connection: the SDKs retry it, too

		tried.ms = now() - tried.began;
		tried.status = answer.whole === false ? 599 : answer.status;
		call.tries.push(tried);
		return answer;
	}

	settled(seconds = 60) {
		return deadline(Promise.all(this.pending), seconds, 'end of all calls');
	}

	stop() {
		this.agent.destroy();
	}

	// How many of them began between two moments
	offered(from = 0, to = Infinity) {
		return this.calls.filter(({ began }) => began >= from && began < to).length;
	}

	tries(from = 0, to = Infinity) {
		return this.calls.flatMap((call) => call.tries).filter(({ began }) => began >= from && began < to);
	}

	// The part of what was asked then that was answered well, retries of the callers' own too
	goodput(from = 0, to = Infinity) {
		const tried = this.tries(from, to);

		if (!tried.length)
			throw new Error('nobody asked');
		return tried.filter(({ status }) => status === 200).length / tried.length;
	}
}
