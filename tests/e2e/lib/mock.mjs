// `weir mock`: simulated vendors in a process of their own, and its control listener.
import { Program } from './program.mjs';
import { get, post } from './http.mjs';
import { startFront } from './http2.mjs';

// Whole suites can be run over HTTP/2: WEIR_E2E_HTTP2=1 puts a front before each vendor.
const FRONTS = process.env.WEIR_E2E_HTTP2;

class Mock extends Program {
	urls = {};
	fronts = {};

	// provider entries for weir's configuration
	providers(...names) {
		const chosen = names.length ? names : Object.keys(this.urls);

		return Object.fromEntries(chosen.map((name) =>
			[name, { dialect: 'openai', base_url: `${this.urls[name]}/v1`, ...this.fronts[name]?.entry }]));
	}

	stop(...how) {
		for (const front of Object.values(this.fronts))
			front.stop();
		return super.stop(...how);
	}

	address(vendor) {
		return this.urls[vendor].split('//')[1];
	}

	// Where weir finds it.
	known(vendor) {
		return new URL(this.fronts[vendor]?.entry.base_url ?? this.urls[vendor]).host;
	}

	async accepted(vendor) {
		return this.fronts[vendor]?.accepted ?? (await this.stats(vendor)).connections.accepted;
	}

	// { 'alpha/gpt-4o': '503,200' }
	async script(scripts) {
		const text = Object.entries(scripts).map(([target, steps]) => `${target}=${steps}`).join('\n');
		const { status, text: why } = await post(this.control, '/mock/script', text,
			{ headers: { 'content-type': 'text/plain' } });

		if (status !== 200)
			throw new Error(`mock: ${why}`);
	}

	// Counters of a vendor, or of one of its models.
	async stats(vendor, model) {
		const { text } = await get(this.control, '/mock/stats');
		const found = JSON.parse(text).vendors.find((v) => v.name === vendor);
		const none = { hits: 0, inflight: 0, answered: 0, aborts: 0, tokens: 0, last_abort: null };

		return model ? found.models.find((m) => m.name === model) ?? none : found;
	}

	// { method, target, headers, body } of what came last.
	async last(vendor, model) {
		const query = `vendor=${vendor}${model ? `&model=${model}` : ''}`;
		const { status, text } = await get(this.control, `/mock/last?${query}`);

		if (status !== 200)
			throw new Error(`mock: ${text}`);
		return JSON.parse(text);
	}

	async reset() {
		await post(this.control, '/mock/reset', '');
	}
}

// vendors: { alpha: '200' } or { alpha: { script: '200', tls: 'expired' } }; bare: those that
// speak HTTP/1.1 whatever is asked for, as it is what is tested.
export async function startMock(vendors, { caOut, bare = [], ...options } = {}) {
	const args = ['mock', '--control', '127.0.0.1:0'];

	for (const [name, wish] of Object.entries(vendors)) {
		const { script, tls } = typeof wish === 'string' ? { script: wish } : wish;

		args.push('--vendor', name);
		if (script)
			args.push('--script', `${name}=${script}`);
		if (tls)
			args.push('--tls', `${name}=${tls}`);
	}
	if (caOut)
		args.push('--ca-out', caOut);
	const mock = new Mock(args, options);
	const control = (line) => line.match(/^control http:\/\/(.+)$/)?.[1];

	mock.control = await mock.find(mock.printed, 'printed', control, 60, 'its addresses');
	for (const line of mock.printed) {
		const found = line.match(/^mock (\S+) (\S+)$/);
		if (found)
			mock.urls[found[1]] = found[2];
	}
	for (const [name, url] of Object.entries(FRONTS ? mock.urls : {}))
		if (url.startsWith('http:') && !bare.includes(name))
			mock.fronts[name] = await startFront(url);
	return mock;
}
