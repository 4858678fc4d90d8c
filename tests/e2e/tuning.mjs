// docs/tuning.md says what the program does: each key is known where it is said to stand, and its
// default is what is in force without it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { done, test } from './lib/tap.mjs';
import { run } from './lib/program.mjs';
import { writeConfig } from './lib/weir.mjs';

const guide = fs.readFileSync(path.join(path.dirname(fileURLToPath(import.meta.url)), '../../docs/tuning.md'), 'utf8');
const rows = [...guide.matchAll(/^\| `([a-z_.]+)` \| `([^`]+)` \|/gm)].map(([, key, value]) => [key, value]);
const TOP = ['max_body', 'max_bodies', 'max_connections_per_address', 'drain_delay', 'drain_timeout', 'half_close'];
// Another value, to see that the key is heard at all.
const OTHERS = {
	early_keepalive: '10s', midstream: 'continue', retries: 0, max_body: '1MiB', 'log.level': 'warn',
	'log.format': 'json', half_close: 'serve', max_bodies: '1GiB', max_connections_per_address: 100, warm_connections: 2,
};

function config(key, value) {
	const base = {
		providers: { p: { dialect: 'openai', base_url: 'http://127.0.0.1:9/v1' } }, chains: { c: { steps: ['p/m'] } },
	};
	const [section, member] = key.split('.');

	if (key === 'warm_connections')
		base.providers.p[key] = value;
	if (value === undefined || base.providers.p[key] !== undefined)
		return base;
	if (member)
		return { ...base, [section]: { [member]: value } };
	return TOP.includes(key) ? { ...base, [key]: value } : { ...base, defaults: { [key]: value } };
}

async function changes(key, value) {
	const { code, out, err } = await run(['diff', writeConfig(config(key)), writeConfig(config(key, value))]);

	assert.equal(code, 0, `${key}: ${out}${err}`);
	return out.trim().split('\n').at(-1);
}

await test('the defaults in docs/tuning.md are those of the program', async () => {
	const NONE = '0 added, 0 removed, 0 changed';

	assert.ok(rows.length >= 14, `${rows.length} rows with defaults`);
	for (const [key, value] of rows) {
		const given = /^\d+$/.test(value) ? Number(value) : value;

		assert.equal(await changes(key, given), NONE, `${key}: ${value}`);
		assert.notEqual(await changes(key, OTHERS[key] ?? '77s'), NONE, key);
	}
});

await test('what docs/tuning.md says has no default can be set where it says', async () => {
	for (const key of ['max_inflight', 'rpm', 'tpm']) {
		const { providers, chains } = config('x');

		assert.match(guide, new RegExp(`\`${key}\``));
		providers.p[key] = 5;
		const { code, out } = await run(['check', '-c', writeConfig({ providers, chains })]);
		assert.ok(code <= 1, out);
		delete providers.p[key];
		chains.c.steps = [{ target: 'p/m', [key]: 5 }];
		const target = await run(['check', '-c', writeConfig({ providers, chains })]);
		assert.ok(target.code <= 1, target.out);
	}
});

await done();
