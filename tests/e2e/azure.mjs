// Azure beside OpenAI: the same words, another key and other addresses. A pane of glass shows
// what really goes there; the clients are OpenAI's own, unmodified.
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { startGlass } from './lib/glass.mjs';
import { nonce, post, said } from './lib/http.mjs';
import { play as playStage, tries } from './lib/stage.mjs';
import { OpenAI, client, complete } from './lib/sdk.mjs';

const mock = share(await startMock({ alpha: '200', beta: '200', dead: 'refuse' }));
const glass = share(await startGlass(mock.urls.alpha));
const KEY = 'azure-0123456789abcdef';
const TOKEN = 'eyJhbGciOiJub25lIn0.eyJhdWQiOiJhenVyZSJ9.c2lnbmVk';

// What the operator writes, and where a chat and an embedding go then.
const FORMS = {
	v1: { fields: {}, path: (of) => `/openai/v1/${of}` },
	'v1, written out': { base: '/openai/v1/', fields: {}, path: (of) => `/openai/v1/${of}` },
	'v1, a preview': { fields: { api_version: 'preview' }, path: (of) => `/openai/v1/${of}?api-version=preview` },
	dated: { fields: { api_version: '2024-10-21' },
		path: (of, model) => `/openai/deployments/${model}/${of}?api-version=2024-10-21` },
};

// alpha is Azure, behind the glass.
function play(t, scripts, { form = FORMS.v1, keys = KEY, url = glass.url, ...more } = {}) {
	glass.take();
	return playStage(t, mock, scripts, { providers: { alpha: { dialect: 'azure',
		base_url: url + (form.base ?? ''), keys, ...form.fields } }, ...more });
}

const question = (stage, token, more) =>
	({ model: stage.model, messages: [{ role: 'user', content: `nonce=${token}` }], ...more });
const triesOf = (answer) => tries({ headers: Object.fromEntries(answer.response.headers) });

for (const [name, form] of Object.entries(FORMS)) {
	for (const stream of [false, true]) {
		const how = `${name}, ${stream ? 'streamed' : 'whole'}`;

		await test(`OpenAI is dead, Azure answers: ${how}`, async (t) => {
			const stage = await play(t, { dead: '', alpha: '200' }, { form });
			const token = nonce();
			const answer = await complete(client(stage.weir), question(stage, token, { stream }));
			const [seen] = glass.take();

			assert.equal(answer.text, said('alpha', token));
			assert.equal(answer.finish, 'stop');
			assert.deepEqual(triesOf(answer), ['dead unreachable', 'alpha ok']);
			assert.equal(seen.target, form.path('chat/completions', stage.model));
			assert.equal(seen.headers['api-key'], KEY);
			assert.equal(seen.headers.authorization, undefined);
		});

		await test(`Azure is broken, OpenAI answers: ${how}`, async (t) => {
			const stage = await play(t, { alpha: '500', beta: '200' }, { form });
			const token = nonce();
			const answer = await complete(client(stage.weir), question(stage, token, { stream }));

			assert.equal(answer.text, said('beta', token));
			assert.deepEqual(triesOf(answer), ['alpha server_error', 'beta ok']);
			assert.equal((await mock.last('beta', stage.model)).headers['api-key'], undefined);
		});
	}

	await test(`embeddings: ${name}`, async (t) => {
		const stage = await play(t, { alpha: '200' }, { form });
		const { data } = await client(stage.weir).embeddings.create({ model: stage.model, input: ['a', 'b'] });
		const [seen] = glass.take();

		assert.equal(data.length, 2);
		assert.equal(data[0].embedding.length, 8);
		assert.equal(seen.target, form.path('embeddings', stage.model));
		assert.equal(JSON.parse(seen.body).encoding_format, 'base64');
	});
}

await test('a stream passes on what was said of the prompt, once there is content', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const { text } = await stage.ask({ body: { stream: true } });

	assert.match(text, /^data: \{"choices":\[\],[^\n]*prompt_filter_results/);
	assert.match(text, /data: \[DONE\]\n\n$/);
});

await test('what was said of the prompt alone is no content', async (t) => {
	const stage = await play(t, { alpha: 'cut@role', beta: '200' }, { url: mock.urls.alpha });
	const answer = await stage.ask({ body: { stream: true } });

	assert.deepEqual(tries(answer), ['alpha cut', 'beta ok']);
	assert.doesNotMatch(answer.text, /prompt_filter_results/);
});

for (const [name, script, cls] of [
	['no such deployment', '404', 'not_here'],
	['a bad key', '401', 'credentials'],
	['a bad key, as API Management says it', '401;shape=apim', 'credentials'],
	['a limit', '429;retry-after=ms:250', 'rate_limited'],
	['503', '503', 'overloaded'],
	['408', '408', 'server_error'],
]) {
	await test(`${name}: gone past`, async (t) => {
		const stage = await play(t, { alpha: script, beta: '200' });

		assert.deepEqual(tries(await stage.ask()), [`alpha ${cls}`, 'beta ok']);
	});
}

await test('a limit ends when Azure said, to the millisecond', async (t) => {
	const stage = await play(t, { alpha: '429;retry-after=ms:700,200' });
	const answer = await stage.ask();

	assert.equal(answer.status, 200);
	assert.deepEqual(tries(answer), ['alpha rate_limited', 'alpha ok']);
});

await test('filtered content is for the caller, unchanged', async (t) => {
	const stage = await play(t, { alpha: 'content-policy', beta: '200' });
	const error = await client(stage.weir).chat.completions.create(question(stage, nonce())).then(
		() => assert.fail('answered'), (e) => e);

	assert.ok(error instanceof OpenAI.BadRequestError);
	assert.equal(error.code, 'content_filter');
	assert.equal(error.param, 'prompt');
	assert.equal(await stage.hits('beta'), 0);
});

await test('filtered content goes on where the chain says so', async (t) => {
	const stage = await play(t, { alpha: 'content-policy', beta: '200' }, { chain: { content_policy: 'next' } });

	assert.deepEqual(tries(await stage.ask()), ['alpha caller', 'beta ok']);
});

await test('a token of Entra ID goes as a bearer', async (t) => {
	const stage = await play(t, { alpha: '200' }, { keys: TOKEN, form: FORMS.dated });

	assert.equal((await stage.ask()).status, 200);
	const [seen] = glass.take();
	assert.equal(seen.headers.authorization, `Bearer ${TOKEN}`);
	assert.equal(seen.headers['api-key'], undefined);
});

await test("a deployment's name is one segment of the path, whatever it is", async (t) => {
	const stage = await play(t, { alpha: '200' }, { form: FORMS.dated,
		steps: () => ['alpha/gpt 4o+west'] });

	await stage.ask();
	assert.equal(glass.take()[0].target, '/openai/deployments/gpt%204o%2Bwest/chat/completions?api-version=2024-10-21');
});

await test('the body goes as it came but for the model', async (t) => {
	const stage = await play(t, { alpha: '200' });
	const text = `{ "model": "${stage.model}",\n "messages": [ {"role":"developer","content":"a"} ], "novelty": 1e2 }`;

	assert.equal((await post(stage.weir.address, '/v1/chat/completions', Buffer.from(text))).status, 200);
	assert.equal(glass.take()[0].body, text);
});

done();
