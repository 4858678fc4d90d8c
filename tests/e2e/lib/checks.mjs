// What a caller wants, and whether he and the provider each got theirs.
import assert from 'node:assert/strict';
import { resultOf } from './callers.mjs';
import { trail } from './http.mjs';

export const task = { system: 'Be brief.', text: 'Is it "cold" — \u2744 — there?', max: 512 };

export const tools = [
	{ name: 'weather', schema: { type: 'object', properties: { city: { type: 'string' },
		days: { type: 'array', items: { type: 'integer' } } }, required: ['city'] } },
	{ name: 'say', schema: { type: 'object', properties: { text: { type: 'string' }, n: { type: 'integer' } } } },
];

// A caller heard what the simulators were told to say.
export function checkTurns(turns, said, words) {
	assert.equal(turns.length, said.length);
	turns.forEach((turn, i) => {
		assert.equal(turn.text, said[i].text);
		assert.deepEqual(turn.calls.map(({ name, args }) => ({ name, args })), said[i].calls);
		assert.equal(new Set(turn.calls.map((c) => c.id)).size, turn.calls.length);
		assert.equal(turn.finish, said[i].calls.length ? words.tools : words.end);
		assert.equal(turn.usage.out, said[i].usage.out);
		assert.ok(said[i].usage.in ? turn.usage.in === said[i].usage.in : turn.usage.in > 0);
	});
}

// What the provider was asked at turn n is what the caller wanted and what came before.
export function checkAsked(request, stream, upstream, model, wanted, said) {
	const asked = upstream.read(request);
	const calls = said.flatMap((s) => s.calls);

	assert.equal(upstream.keyOf(request), upstream.key);
	assert.equal(request.target, upstream.pathOf(model, stream));
	assert.equal(asked.model, model);
	assert.equal(asked.system, wanted.system);
	assert.deepEqual(asked.texts, [wanted.text]);
	assert.deepEqual(asked.images, wanted.image
		? [{ type: 'image/png', data: wanted.image.toString('base64') }] : []);
	assert.deepEqual(asked.tools.map((t) => t.name), (wanted.tools ?? []).map((t) => t.name));
	asked.tools.forEach((t, i) => assert.deepEqual(t.schema.properties, wanted.tools[i].schema.properties));
	assert.equal(asked.forced, wanted.force);
	assert.deepEqual(asked.schema, wanted.schema);
	assert.deepEqual(asked.spoken, said.map((s) => s.text));
	assert.deepEqual(asked.calls.map(({ name, args }) => ({ name, args })), calls);
	assert.deepEqual(asked.results.map((r) => r.text), calls.map(resultOf));
	assert.deepEqual(asked.results.map((r) => r.id), asked.calls.map((c) => c.id));
}

// ['alpha overloaded', 'beta ok']
export const triesOf = (head) => trail(head.headers['x-weir-trail'])
	.map((t) => `${t.target.split('/')[0]} ${t.class}`);
