// `weir schema`: the JSON Schema agrees with the reader, as one table makes both. Whatever the
// schema refuses the reader refuses, at the same place; what the reader says about the shape of a
// file (names, kinds, bounds) the schema says, too.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv/dist/2020.js';
import YAML from 'yaml';
import { done, test } from './lib/tap.mjs';
import { run } from './lib/program.mjs';
import { scratch } from './lib/weir.mjs';

const top = fileURLToPath(new URL('../../', import.meta.url));
const folder = path.join(top, 'tests/data/config');
const env = {
	OPENAI_API_KEY: 'sk-test-openai-0123456789', WEIR_APP_KEY: 'app-key-0123456789',
};
const schema = JSON.parse((await run(['schema'])).out);
const compile = (what) => new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true })
	.compile(what);
const validate = compile(schema);
const part = compile({ ...schema, required: [] }); // a piece of a file, in a document

// What is wrong with the shape of a file. The other rules are about more than one key, about the
// world, or about YAML.
const SHAPE = new Set(['unknown-key', 'misplaced-key', 'wrong-type', 'out-of-range', 'bad-number',
	'bad-duration', 'bad-size', 'missing-chains', 'missing-steps', 'unknown-dialect']);
const SOMETIMES = new Set([...SHAPE, 'bad-value', 'missing-key', 'too-many', 'bad-name', 'empty-value',
	'bad-address', 'bad-url', 'bad-target', 'conflict']);

// As `weir check` writes it.
function keyPath(data, pointer) {
	let at = data;
	let text = '';

	for (const step of pointer.split('/').slice(1)) {
		const name = step.replaceAll('~1', '/').replaceAll('~0', '~');

		text += Array.isArray(at) ? `[${name}]` : (text && '.') + name;
		at = at[name];
	}
	return text;
}

function refusals(check, data) {
	if (check(data))
		return new Set();
	return new Set(check.errors.map(({ instancePath, keyword, params, propertyName }) => {
		const place = keyPath(data, instancePath);
		const name = keyword === 'additionalProperties' ? params.additionalProperty :
			keyword === 'propertyNames' ? params.propertyName : propertyName;

		return name === undefined ? place : `${place}${place && '.'}${name}`;
	}));
}

const parse = (text) => YAML.parse(text, { version: '1.2', logLevel: 'error' });
const blocks = (text) => [...text.matchAll(/^```yaml\n([^]*?)^```/gm)].map((match) => match[1]);
const files = fs.readdirSync(folder).filter((name) => name.endsWith('.yaml'));

for (const name of files.filter((file) => !file.startsWith('bad-')))
	await test(`${name} is let through`, () => {
		const data = parse(fs.readFileSync(path.join(folder, name), 'utf8'));

		assert.deepEqual([...refusals(validate, data)], []);
	});

await test('the configuration that is installed is let through', () => {
	const data = parse(fs.readFileSync(path.join(top, 'contrib/weir.yaml'), 'utf8'));

	assert.deepEqual([...refusals(validate, data)], []);
});

await test('every configuration shown in a document is let through', () => {
	const documents = ['README.md', ...fs.readdirSync(path.join(top, 'docs'))
		.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];
	const known = new Set(Object.keys(schema.properties));
	let seen = 0;

	for (const name of documents)
		for (const text of blocks(fs.readFileSync(path.join(top, name), 'utf8'))) {
			const data = parse(text);

			if (!data || !Object.keys(data).some((key) => known.has(key)))
				continue;
			assert.deepEqual([...refusals(part, data)], [], `${name}:\n${text}`);
			seen++;
		}
	assert.ok(seen >= 10, `${seen}`);
});

// What `weir check` must say of a file about its shape.
function wanted(name) {
	return fs.readFileSync(path.join(folder, name), 'utf8').split('\n')
		.map((line) => /^#= \d+:\d+: error\[([^\]]+)\] (.*?): /.exec(line))
		.filter((match) => match && SHAPE.has(match[1]));
}

const misshapen = files.filter((name) => name.startsWith('bad-') && wanted(name).length > 0);

for (const name of misshapen)
	await test(`${name}: what is wrong with its shape is refused, there`, () => {
		const found = refusals(validate, parse(fs.readFileSync(path.join(folder, name), 'utf8')));

		for (const [, rule, place] of wanted(name))
			assert.ok([...found].some((where) => where === place ||
				(rule.startsWith('missing-') && place.startsWith(where))),
			`${rule} at ${place}; refused: ${[...found].join(', ')}`);
	});

await test('at least a dozen files have a shape that is wrong', () => {
	assert.ok(misshapen.length >= 12, misshapen.join());
});

// All values of a file that has every key, replaced at once: each must be judged alike.
const full = parse(fs.readFileSync(path.join(folder, 'good-full.yaml'), 'utf8'));
full.access = parse(fs.readFileSync(path.join(folder, 'good-callers.yaml'), 'utf8')).access;

function replaced(data, value) {
	if (Array.isArray(data))
		return data.map((item) => replaced(item, value));
	if (data && typeof data === 'object')
		return Object.fromEntries(Object.entries(data).map(([key, item]) => [key,
			key === 'target' || key === 'dialect' || key === 'base_url' ? item : replaced(item, value)]));
	return typeof data === 'string' && /^\w+\/./.test(data) ? data : value;
}

async function findings(data) {
	const file = path.join(scratch, 'mutant.yaml');

	fs.writeFileSync(file, JSON.stringify(data));
	return JSON.parse((await run(['check', '--json', '-c', file], { env })).out)
		.filter(({ level }) => level === 'error');
}

const covers = (places, place) => [...places].some((where) => place === where ||
	place.startsWith(`${where}.`) || place.startsWith(`${where}[`));

async function judgedAlike(data) {
	const found = await findings(data);
	const refused = refusals(validate, data);
	const read = found.map(({ key }) => key);

	for (const place of refused)
		assert.ok(covers(read, place) || read.some((key) => covers([place], key)),
			`only the schema refuses ${place}`);
	for (const { rule, key, message } of found)
		if (SHAPE.has(rule))
			assert.ok(covers(refused, key), `only the reader refuses ${key}: ${message}`);
	return found.filter(({ rule }) => SOMETIMES.has(rule)).length;
}

for (const value of ['nonsense', 0, 1, 5, 33, 1e6, '7', '1ms', '20s', '24h', '25h', '1h30m', '61m', '1.5h', '0.5s',
	'1023B', '1KiB', '1024MiB', '1025MiB', '1.5MB', '149%', '150%', '10000%', '10001%', 'off', 'on', true, 'auto', 'open'])
	await test(`${JSON.stringify(value)} everywhere is judged alike`, async () => {
		assert.ok(await judgedAlike(replaced(full, value)) > 0);
	});

await test('a key that nobody knows is refused in every map', async () => {
	const add = (data) => {
		if (Array.isArray(data))
			return data.map(add);
		if (!data || typeof data !== 'object')
			return data;
		return { ...Object.fromEntries(Object.entries(data).map(([key, item]) => [key, add(item)])),
			zzzzzz: 'q' };
	};

	assert.ok(await judgedAlike(add(full)) >= 10);
});

await test('lists and maps where texts are wanted, and the other way round, are judged alike', async () => {
	await judgedAlike(replaced(full, [['x']]));
	await judgedAlike(replaced(full, { x: 'y' }));
	for (const key of Object.keys(full))
		await judgedAlike({ ...full, [key]: 'x' });
});

await test('each key has its sentence, and each setting its place', () => {
	const walk = (node, where) => {
		for (const [key, item] of Object.entries(node ?? {})) {
			if (key === 'properties')
				for (const [name, value] of Object.entries(item))
					assert.ok((value.description ?? schema.$defs[value.$ref?.split('/').pop()]
						?.description)?.endsWith('.'), `${where}.${name}`);
			if (item && typeof item === 'object')
				walk(item, `${where}.${key}`);
		}
	};

	walk(schema, '');
});

await test('it is asked for without arguments', async () => {
	assert.equal((await run(['schema', 'x'])).code, 2);
	assert.match((await run(['schema', '--help'])).out, /^usage: weir schema\n/);
});

done();
