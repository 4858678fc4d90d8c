// bench/compare/run: a short run of weir alone, and what comes out of it. Not a word on speed.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, test } from './lib/tap.mjs';
import { binary, run } from './lib/program.mjs';

const program = fileURLToPath(new URL('../../bench/compare/run', import.meta.url));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'weir-compare-'));
process.on('exit', () => fs.rmSync(folder, { recursive: true }));

const env = {
	...process.env, WEIR: binary, WEIR_BENCH: path.join(path.dirname(binary), 'weir-bench'),
	PYTHONDONTWRITEBYTECODE: '1',
};
const compare = (...args) => run(args, { program, env, seconds: 240 });
const readme = path.join(folder, 'README.md');
const json = path.join(folder, 'all.json');

fs.writeFileSync(readme, 'before\n<!-- compare: begin -->\nold\n<!-- compare: end -->\nafter\n');
const { code, out, err } = await compare('--quick', '--no-install', '--peers', 'weir,busbar',
	'--rows', 'cpu,streams,failover,memory,start', '--json', json, '--publish', folder);
const all = JSON.parse(fs.readFileSync(json, 'utf8'));
const values = (row, who) => all.measurements
	.filter((m) => m.row === row && m.who === who).map((m) => m.value);

await test('the run ends well, or says that the control drifted', async () => {
	assert.ok(code === 0 || /the control drifted/.test(err), `${code}\n${err}`);
	assert.deepEqual(all.broken, {});
});

await test('a peer that is not there is named, with the reason', async () => {
	assert.match(all.skipped.Busbar, /no busbar in \$PATH/);
	assert.match(out, /Busbar is skipped: no busbar in \$PATH/);
});

await test('every row has a number of weir, or a reason why not', async () => {
	for (const row of all.rows) {
		const note = all.notes.find((n) => n.row === row.key && n.who === 'weir');
		assert.ok(values(row.key, 'weir').length > 0 || note, row.key);
	}
	for (const row of ['cpu_1024_64', 'event', 'held_request', 'held_stream', 'start', 'idle', 'size'])
		assert.ok(values(row, 'weir')[0] > 0, `${row}: ${JSON.stringify(all.notes)}\n${err}`);
	assert.ok(values('cpu_1024_64', 'direct')[0] > 0);
});

await test('what was seen of a measurement stands beside its value', async () => {
	const one = all.measurements.find((m) => m.row === 'cpu_1024_64' && m.who === 'weir');

	assert.equal(one.alpha, one.requests);
	assert.equal(one.beta, 0);
	assert.equal(one.unit, 'µs');
});

await test('every row of failures has a control that was measured beside it', async () => {
	for (const key of ['fail_reset', 'fail_timeout', 'fail_down']) {
		assert.equal(all.rows.find((row) => row.key === key).control, key);
		assert.ok(values(key, 'direct')[0] > 0, `${key}\n${err}`);
	}
	assert.ok(values('fail_plain', 'direct')[0] > 0);
});

await test('a row without its control has no verdict', async () => {
	const says = (who) => execFileSync('python3', ['-c', `
from book import Book, Row
book, row = Book(), Row("one", "G", "title", "µs", 1, "one")
book.add(row, "weir", 0, 1.0)
book.add(row, "${who}", 0, 1.0)
print(book.doubt("one"))`], {
		cwd: path.dirname(program), env, encoding: 'utf8',
	}).trim();

	assert.equal(says('nginx'), 'no control was measured beside it');
	assert.equal(says('direct'), 'None');
});

await test('the targets are judged from the same run', async () => {
	const verdicts = new Map(all.targets.map((t) => [t.title, t.verdict]));

	assert.equal(verdicts.get('CPU per request, 1 KB, 64 connections'), 'not measured'); // no nginx
	assert.match(verdicts.get('memory per held stream'), /met|missed/);
});

await test('README and chart are written, and the prose round the markers stays', async () => {
	const text = fs.readFileSync(readme, 'utf8');

	assert.match(text, /^before\n<!-- compare: begin -->\n/);
	assert.match(text, /<!-- compare: end -->\nafter\n$/);
	assert.doesNotMatch(text, /^old$/m);
	assert.match(text, /\| CPU per request, 1 KB body, 64 connections, µs \| [\d.,]+ \| [\d.,]+/);
	assert.match(fs.readFileSync(path.join(folder, 'cpu.svg'), 'utf8'), /^<svg [^]*weir[^]*<\/svg>\n$/);
});

await test('it says what it takes, and refuses what it does not know', async () => {
	assert.match((await compare('--help')).out, /--publish/);
	assert.equal((await compare('--rows', 'beauty')).code, 2);
});

done();
