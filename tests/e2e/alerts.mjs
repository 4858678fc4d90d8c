// The alert rules and the dashboard that are shipped, against what weir really says: every name
// in them is in a scrape, and the rules fire on a recorded outage, stay on while the breaker is
// open and nothing is tried at the dead target, and go off after it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { scratch, startWeir } from './lib/weir.mjs';
import { get } from './lib/http.mjs';
import { parseMetrics, promtool } from './lib/exposition.mjs';
import { Callers } from './lib/load.mjs';

// A scrape each 250 ms is told to be one each 15 s: a recorded second is a minute.
const SCRAPE_MS = 250;
const SCRAPE_S = 15;
const PER_MINUTE = 60 / SCRAPE_S;
const BEFORE_S = 6, OUTAGE_S = 14, AFTER_S = 26;
const FINE = '200;latency=5ms;tokens=4';
const OUTAGE = {
	alpha: '500', locked: '401', broke: 'quota', silent: 'hang', doomed: '503',
};
const VENDORS = [...Object.keys(OUTAGE), 'spare'];

const contrib = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../contrib');
const rules = path.join(contrib, 'prometheus/alerts.yml');
const src = path.join(contrib, '../src');
const manual = path.join(contrib, '../docs/operating.md');
const dashboard = JSON.parse(fs.readFileSync(path.join(contrib, 'grafana/weir.json')));

const mock = share(await startMock(Object.fromEntries(VENDORS.map((name) => [name, FINE]))));
const weir = share(await startWeir({
	providers: mock.providers(),
	chains: {
		chat: { steps: ['alpha/m', 'spare/m'] },
		keys: { steps: ['locked/m', 'spare/m'] },
		quota: { steps: ['broke/m', 'spare/m'] },
		late: { retries: 0, steps: ['silent/m'], deadline: '500ms' },
		doomed: { retries: 0, steps: ['doomed/m'] },
		calm: { steps: ['spare/m'] },
	},
}));

// ---- names ----

const panels = dashboard.panels.flatMap((panel) => [panel, ...panel.panels ?? []]);
const queries = panels.flatMap((panel) => (panel.targets ?? []).map((target) => target.expr));
// What Grafana puts in place of its variables.
const filled = queries.map((expr) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$__range', '1h')
	.replaceAll('$chain', '.*').replaceAll('$instance', '.*'));

// Every selector of an expression names a series, and values of labels that are there.
function checkSelectors(expr, series) {
	const found = [...expr.matchAll(/\b((?:weir|process)_[a-z_]+)(?:\{([^}]*)\})?/g)];

	assert.ok(found.length > 0, expr);
	for (const [, name, matchers = ''] of found) {
		const own = series.filter((key) => key === name || key.startsWith(`${name}{`));

		assert.ok(own.length > 0, `${name} in ${expr}`);
		for (const [, label, operator, value] of matchers.matchAll(/(\w+)(=~|!~|!=|=)"([^"]*)"/g))
			for (const one of label === 'instance' ? [] : value.split('|'))
				assert.ok(own.some((key) => new RegExp(`[{,]${label}="${operator.includes('~') ? one : one.replace(/\W/g, '\\$&')}"`)
					.test(key)), `${name}{${label}="${one}"} in ${expr}`);
	}
}

await test('every name in the rules and in the dashboard is in a scrape', async () => {
	const series = [...(await weir.metrics()).keys()];
	const exprs = [...fs.readFileSync(rules, 'utf8').matchAll(/expr: (?:\|\n((?: {10}.*\n)+)|(.*)\n)/g)]
		.map(([, block, line]) => block ?? line.replace(/ #.*/, ''));

	assert.ok(exprs.length >= 10 && filled.length >= 20, `${exprs.length} rules, ${filled.length} queries`);
	for (const expr of [...exprs, ...filled])
		checkSelectors(expr, series);
});

await test('every event that an alert or the table of levels sends to is one that is logged', async () => {
	const files = fs.readdirSync(src, { recursive: true }).filter((name) => name.endsWith('.c'));
	const code = files.map((name) => fs.readFileSync(path.join(src, name), 'utf8')).join('');
	const sent = [...fs.readFileSync(rules, 'utf8').matchAll(/event=(\w+)/g)].map(([, name]) => name);
	const table = fs.readFileSync(manual, 'utf8').match(/\| level \| events \|\n[^]*?\n\n[^\n]*\n[^\n]*\n/)[0];
	const told = [...table.matchAll(/`(\w+)`/g)].map(([, name]) => name);
	const grave = [...code.matchAll(/WEIR_LOG_(?:WARN|ERROR),\s*"(\w+)"/g)].map(([, name]) => name);

	assert.ok(sent.length >= 3 && told.length >= 10 && grave.length >= 5, `${sent}; ${told}; ${grave}`);
	for (const name of [...sent, ...told])
		assert.ok(code.includes(`"${name}"`), name);
	for (const name of [...grave, 'upgrade_failed'])
		assert.ok(told.includes(name), `${name} is not among ${told}`);
});

await test('promtool takes the rules, their own tests and every query of the dashboard', async () => {
	const file = path.join(scratch, 'queries.json'); // YAML reads JSON
	const as = filled.map((expr, i) => ({ record: `q${i}`, expr }));

	fs.writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: as }] }));
	for (const args of [['check', 'rules', rules], ['check', 'rules', file],
		['test', 'rules', path.join(contrib, 'prometheus/alerts_test.yml')]]) {
		const { code, out } = await promtool(args);
		assert.equal(code, 0, out);
	}
});

await test('the dashboard: one data source, chosen by a variable; no panel twice', async () => {
	const ids = panels.map((panel) => panel.id);

	assert.equal(new Set(ids).size, ids.length);
	assert.deepEqual(dashboard.templating.list.find((v) => v.type === 'datasource')?.name, 'datasource');
	for (const panel of panels.filter((p) => p.type !== 'row'))
		assert.deepEqual(panel.datasource, { type: 'prometheus', uid: '${datasource}' }, panel.title);
	const rows = dashboard.panels.filter((p) => p.type === 'row').map((p) => p.title);
	assert.deepEqual(rows, ['Traffic and outcome', 'Latency and time to first token', 'Failover', 'Targets and breakers',
		'Tokens and cost', 'Process']);
});

// ---- a recorded outage ----

class Recording {
	scrapes = [];

	async run(until) {
		for (let due = Date.now(); Date.now() < until; due += SCRAPE_MS) {
			this.scrapes.push(parseMetrics((await get(weir.admin, '/metrics')).text));
			await sleep(Math.max(0, due + SCRAPE_MS - Date.now()));
		}
	}

	get length() {
		return this.scrapes.length;
	}

	value(at, name) {
		return this.scrapes[at].get(name);
	}

	// As promtool's tests want it.
	series() {
		const names = new Set(this.scrapes.flatMap((scrape) => [...scrape.keys()]));

		return [...names].map((series) => ({
			series, values: this.scrapes.map((scrape) => scrape.get(series) ?? '_').join(' '),
		}));
	}
}

const firing = (at, alertname, matchers, on) => ({
	expr: `count(ALERTS{alertstate="firing",alertname="${alertname}",${matchers}}) > 0 or vector(0)`,
	eval_time: `${at * SCRAPE_S}s`,
	exp_samples: [{ labels: '{}', value: on }],
});

async function judge(recording, expected) {
	const file = path.join(scratch, 'outage.json');

	fs.writeFileSync(file, JSON.stringify({
		rule_files: [rules], evaluation_interval: `${SCRAPE_S}s`,
		tests: [{ interval: `${SCRAPE_S}s`, input_series: recording.series(), promql_expr_test: expected }],
	}));
	const { code, out } = await promtool(['test', 'rules', file]);
	assert.equal(code, 0, out.slice(0, 4000));
}

const FIRST = ['WeirFallbackRateRising', 'chain="chat"'];
const OTHERS = [
	['WeirBreakerOpen', 'target="alpha/m"'], ['WeirChainExhausted', 'chain="doomed"'],
	['WeirKeyRejected', 'target="locked/m"'], ['WeirQuotaGone', 'target="broke/m"'],
	['WeirDeadlineMisses', 'chain="late"'], ['WeirFallbackRateRising', 'chain="keys"'],
];
// Benched for ten minutes of real time: they are still set aside when the recording ends.
const GO_OFF = OTHERS.filter(([name, of]) => !/Key|Quota/.test(name) && !of.includes('keys'));

await test('a recorded outage: alerts come in time, stay on while nothing is tried, and go off', async (t) => {
	const callers = ['chat', 'keys', 'quota', 'late', 'doomed', 'calm'].map((chain) =>
		t.keep(new Callers(weir, chain, chain === 'chat' ? 40 : 8)));
	const recording = new Recording();
	const scraping = recording.run(Date.now() + (BEFORE_S + OUTAGE_S + AFTER_S) * 1000);
	const load = Promise.all(callers.map((one) => one.arrive(BEFORE_S + OUTAGE_S + AFTER_S)));

	await sleep(BEFORE_S * 1000);
	const began = recording.length;
	await mock.script(OUTAGE);
	await sleep(OUTAGE_S * 1000);
	await mock.script(Object.fromEntries(Object.keys(OUTAGE).map((name) => [name, FINE])));
	const ended = recording.length - 1;
	await Promise.all([scraping, load]);

	const last = recording.length - 1;
	const tried = (at) => recording.value(at, 'weir_attempts_total{chain="chat",target="alpha/m",class="server_error"}') +
		recording.value(at, 'weir_attempts_total{chain="chat",target="alpha/m",class="ok"}');
	const expected = [];
	let untried = 0;

	for (const [name, of] of [FIRST, ...OTHERS])
		expected.push(firing(began - 1, name, of, 0), firing(ended, name, of, 1));
	for (const [name, of] of [FIRST, ...GO_OFF])
		expected.push(firing(last, name, of, 0));
	for (const [name] of [FIRST, ...OTHERS])
		expected.push(firing(ended, name, 'chain="calm"', 0), firing(ended, name, 'target="spare/m"', 0));
	// From three minutes after the outage began it is on at every scrape until its end.
	for (let at = began + 4 * PER_MINUTE; at <= ended; at++) {
		expected.push(firing(at, ...FIRST, 1));
		untried += tried(at) === tried(at - 2 * PER_MINUTE);
	}
	assert.ok(untried >= 4, `alpha was tried in every two minutes of the outage: ${untried}`);
	assert.ok(last > ended + 18 * PER_MINUTE, 'a slow machine: too few scrapes');
	await judge(recording, expected);
}, { seconds: 150 });

// A rule that looked at what fails at the dead target would have gone off: the test would see it.
await test('the recording can tell a rule that goes off too soon', async () => {
	const scrapes = Array.from({ length: 80 }, (_, i) => new Map([
		['weir_requests_total{chain="chat",outcome="ok"}', i < 20 ? i * 10 : 200],
		['weir_requests_total{chain="chat",outcome="failed_over"}', i < 20 ? 0 : i < 40 ? (i - 20) * 10 : 200],
	]));
	const recording = Object.assign(new Recording(), { scrapes });

	await judge(recording, [firing(39, ...FIRST, 1), firing(79, ...FIRST, 0)]);
	await assert.rejects(judge(recording, [firing(79, ...FIRST, 1)]));
});

await done();
