// One chain on a stage of its own: a model's name that nobody has used, vendors scripted for
// it, and a weir that knows nothing of them yet.
import assert from 'node:assert/strict';
import { startWeir } from './weir.mjs';
import { ask, chat, eventually, get, nonce, trail } from './http.mjs';

let chains = 0;

export function sum(series, ...parts) {
	return [...series].filter(([name]) => parts.every((part) => name.includes(part)))
		.reduce((all, [, value]) => all + value, 0);
}

// ['alpha server_error', 'beta ok']; several keys are told apart: 'alpha#2 ok'.
export function tries(answer) {
	const text = answer.headers['x-weir-trail'];

	return text ? trail(text).map(({ target, class: cls }) => {
		const [, vendor, key] = target.match(/^([^/]+)\/[^#]*(#\d+)?$/);
		return `${vendor}${key ?? ''} ${cls}`;
	}) : [];
}

// Who answered: 'alpha', 'alpha#2'.
export function who(answer) {
	return answer.status === 200 ? tries(answer).at(-1).split(' ')[0] : String(answer.status);
}

// [30, 10]: how many of the answers came from each of names
export function shares(answers, ...names) {
	const by = answers.map(who);

	assert.deepEqual(by.filter((name) => !names.includes(name)), []);
	return names.map((name) => by.filter((one) => one === name).length);
}

export const errorOf = (answer) => JSON.parse(answer.text).error;

class Stage {
	constructor(mock, weir, model, vendors) {
		Object.assign(this, { mock, weir, model, vendors });
	}

	at(vendor) {
		return `${vendor}/${this.model}`;
	}

	ask({ body, ...options } = {}) {
		return chat(this.weir, ask(this.model, nonce(), body), options);
	}

	async asks(n, options) {
		const answers = [];

		for (let i = 0; i < n; i++)
			answers.push(await this.ask(options));
		return answers;
	}

	// n of them at the same time
	crowd(n, options) {
		return Promise.all(Array.from({ length: n }, () => this.ask(options)));
	}

	// { alpha: '503,200' }, for this stage's model
	script(scripts) {
		return this.mock.script(Object.fromEntries(
			Object.entries(scripts).map(([vendor, steps]) => [this.at(vendor), steps])));
	}

	// { KEY: '429,200' }, for this stage's model at that vendor
	keys(vendor, scripts) {
		return this.mock.script(Object.fromEntries(
			Object.entries(scripts).map(([key, steps]) => [`${this.at(vendor)}#${key}`, steps])));
	}

	async hits(vendor) {
		return (await this.mock.stats(vendor, this.model)).hits;
	}

	// so many have been sent there with that key, which must have a script of its own
	async keyHits(vendor, key) {
		const { rules } = await this.mock.stats(vendor);
		return rules.find((rule) => rule.model === this.model && rule.key === key).hits;
	}

	inflight(vendor, n, seconds) {
		return eventually(async () => (await this.mock.stats(vendor, this.model)).inflight === n,
			`${n} requests under way at ${vendor}`, seconds);
	}

	// The targets of /status by their vendor, with the key's number if there are several.
	async status() {
		const { chains: all } = JSON.parse((await get(this.weir.admin, '/status')).text);
		const chain = all.find(({ name }) => name === this.model);

		return Object.fromEntries(chain.steps.flat().map((target) => {
			const [vendor, key] = target.target.split('/');
			return [vendor + (key.match(/#\d+$/)?.[0] ?? ''), target];
		}));
	}

	async state(vendor) {
		return (await this.status())[vendor].state;
	}

	until(vendor, state, seconds) {
		return eventually(async () => {
			const target = (await this.status())[vendor];
			return target.state === state ? target : null;
		}, `${vendor} that is ${state}`, seconds);
	}

	// The log's lines of so many requests, which it may still be writing
	lines(n) {
		return eventually(() => {
			const found = this.weir.of('request');
			return found.length >= n ? found : null;
		}, `${n} lines of requests`);
	}

	// Of this chain: fallbacks as counted, with labels as { from: 'alpha', class: 'open' }.
	async fallbacks({ from, to, class: cls } = {}) {
		return sum(await this.weir.metrics(), 'weir_fallbacks_total', `chain="${this.model}"`,
			from ? `from="${this.at(from)}"` : '', to ? `to="${this.at(to)}"` : '',
			cls ? `class="${cls}"` : '');
	}

	async attempts(vendor, cls) {
		return sum(await this.weir.metrics(), 'weir_attempts_total', `chain="${this.model}"`,
			vendor ? `target="${this.at(vendor)}"` : '', cls ? `class="${cls}"` : '');
	}
}

// scripts: { alpha: '500', beta: '200' }, the vendors in the order of the chain. steps(at):
// another chain of them. providers: more of each vendor's entry. top: more of the whole. The
// rest is the configuration's; models(at) too.
export async function play(t, mock, scripts, { steps, chain = {}, providers = {}, models, top, env } = {}) {
	const model = `m${++chains}`;
	const vendors = Object.keys(scripts);
	const stage = new Stage(mock, null, model, vendors);
	const at = (vendor) => stage.at(vendor);
	const config = {
		providers: mock.providers(...vendors),
		chains: { [model]: { retries: 0, steps: steps ? steps(at) : vendors.map(at), ...chain } },
		...(models ? { models: models(at) } : {}),
		...top,
	};

	for (const [name, more] of Object.entries(providers))
		Object.assign(config.providers[name], more);
	await stage.script(scripts);
	stage.weir = t.keep(await startWeir(config, { env }));
	return stage;
}

// What must be true of the books when all is over.
export async function balanced(weir) {
	const settled = async () => {
		const found = await weir.metrics();
		return found.get('weir_inflight_requests') === 0 && found.get('weir_queue_length') === 0 ? found : null;
	};
	const series = await eventually(settled, 'end of all requests');
	const { totals, inflight } = JSON.parse((await get(weir.admin, '/status')).text);
	const requests = sum(series, 'weir_requests_total');

	await eventually(() => weir.of('request').length >= requests, `${requests} lines of requests`);
	assert.equal(weir.of('request').length, requests);
	assert.equal(totals.requests, requests);
	assert.equal(inflight, 0);
	assert.equal(sum(series, 'weir_inflight_attempts'), 0);
	assert.equal(sum(series, 'weir_attempts_total'),
		weir.of('request').reduce((all, line) => all + line.attempts, 0));
	assert.equal(sum(series, 'weir_fallbacks_total'), weir.of('fallback').length);
	assert.equal(totals.fallbacks, weir.of('fallback').length);
	return series;
}
