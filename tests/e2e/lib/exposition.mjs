// The formats of /metrics: Prometheus text 0.0.4 and OpenMetrics 1.0.0, read as strictly as a
// scraper might.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"';
const LABELS = `(?:\\{(${LABEL}(?:,${LABEL})*)\\})?`;
const SAMPLE = new RegExp(`^(${NAME})${LABELS} (\\S+)(?: # \\{(${LABEL})\\} (\\S+) (\\d+(?:\\.\\d+)?))?$`);
// What OpenMetrics lets a family's samples end in.
const SUFFIXES = { counter: ['_total'], gauge: [''], histogram: ['_bucket', '_sum', '_count'], info: ['_info'] };

// series → value
export function parseMetrics(text) {
	const series = new Map();

	for (const line of text.split('\n')) {
		const bare = line.split(' # ')[0];

		if (line && !line.startsWith('#'))
			series.set(bare.slice(0, bare.lastIndexOf(' ')), Number(bare.slice(bare.lastIndexOf(' ') + 1)));
	}
	return series;
}

// [{ name, labels, value, exemplar }] and family → type, in order; what both formats want.
function read(text) {
	const types = new Map();
	const helped = new Set();
	const seen = new Set();
	const samples = [];

	assert.ok(text.endsWith('\n'));
	for (const line of text.slice(0, -1).split('\n')) {
		const note = line.match(/^# (HELP|TYPE) (\S+) (.+)$/);

		if (note?.[1] === 'HELP') {
			assert.ok(!helped.has(note[2]), `HELP twice: ${line}`);
			assert.ok(!note[3].includes('"') && !note[3].includes('\\'), line);
			helped.add(note[2]);
			continue;
		}
		if (note) {
			assert.ok(!types.has(note[2]) && helped.has(note[2]), line);
			types.set(note[2], note[3]);
			continue;
		}
		const [, name, labels = '', value, ...exemplar] = line.match(SAMPLE) ?? assert.fail(`no sample: ${line}`);

		assert.match(name, /^(weir|process)_/);
		assert.ok(!seen.has(`${name}{${labels}}`), `twice: ${line}`);
		assert.ok(Number.isFinite(Number(value)), line);
		seen.add(`${name}{${labels}}`);
		samples.push({ line, name, labels, value: Number(value), family: [...types.keys()].at(-1),
			exemplar: exemplar[0] ? { labels: exemplar[0], value: Number(exemplar[1]), ts: Number(exemplar[2]) } : null });
	}
	return { types, samples };
}

export function checkText(text) {
	const { types, samples } = read(text);

	for (const { line, name, value, exemplar } of samples) {
		const type = types.get(name) ?? types.get(name.replace(/_(bucket|sum|count)$/, ''));

		assert.match(type ?? '', /^(counter|gauge|histogram)$/, `no TYPE before ${line}`);
		assert.ok(!exemplar, line);
		if (type === 'counter')
			assert.match(name, /_total$/);
		if (type !== 'gauge')
			assert.ok(value >= 0, line);
	}
	checkHistograms(parseMetrics(text));
}

// Each exemplar: { name, labels, value, ts, bucket }, bucket: its sample's labels.
export function checkOpenMetrics(text) {
	const end = '# EOF\n';
	const { types, samples } = read(text.slice(0, -end.length));

	assert.ok(text.endsWith(`\n${end}`));
	for (const { line, name, labels, family, exemplar } of samples) {
		const type = types.get(family);
		const suffix = SUFFIXES[type]?.find((s) => name === family + s);

		assert.notEqual(suffix, undefined, `not of family ${family}, ${type}: ${line}`);
		if (exemplar)
			checkExemplar(line, suffix, labels, exemplar);
		if (suffix === '_bucket')
			assert.match(labels, /le="(\+Inf|\d+\.\d+|\de-\d\d|\d\.\de-\d\d)"$/, line);
	}
	// "weir_x" and "weir_x_total" would be one family
	for (const family of types.keys())
		for (const [other, type] of types)
			if (other !== family)
				assert.ok(!SUFFIXES[type].some((s) => other + s === family), `${family} is in ${other}`);
	checkHistograms(parseMetrics(text.slice(0, -end.length)));
	return samples.filter((s) => s.exemplar);
}

function checkExemplar(line, suffix, labels, { labels: own, value, ts }) {
	const le = labels.match(/le="([^"]+)"/)[1];

	assert.equal(suffix, '_bucket', line);
	assert.ok(own.length <= 128, line);
	assert.ok(le === '+Inf' || value <= Number(le), line);
	assert.ok(Math.abs(ts - Date.now() / 1000) < 600, line);
}

function checkHistograms(series) {
	let before = null;

	for (const [name, value] of series) {
		const [, family, labels, le] = name.match(/^(\w+)_bucket\{(.*)le="([^"]+)"\}$/) ?? [];

		if (!family) {
			before = null;
			continue;
		}
		const now = { key: family + labels, le: le === '+Inf' ? Infinity : Number(le), value };
		if (before?.key === now.key)
			assert.ok(now.le > before.le && now.value >= before.value, name);
		before = now;
		if (le === '+Inf') {
			const rest = labels ? `{${labels.slice(0, -1)}}` : '';
			assert.equal(series.get(`${family}_count${rest}`), value, name);
			assert.ok(series.has(`${family}_sum${rest}`), name);
		}
	}
}

// promtool ARGS: { code, out }, out being all that it said.
export function promtool(args, input = '', options = {}) {
	return new Promise((resolve, reject) => {
		const child = spawn('promtool', args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
		let out = '';

		child.on('error', reject);
		for (const stream of [child.stdout, child.stderr])
			stream.setEncoding('utf8').on('data', (text) => { out += text; });
		child.on('close', (code) => resolve({ code, out }));
		child.stdin.on('error', () => {});
		child.stdin.end(input);
	});
}
