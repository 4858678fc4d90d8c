// Two weirs and a Redis: what one learns of a target the other goes by; and whatever the Redis does,
// or is made to say, no request waits for it or fails by it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { done, share, test } from './lib/tap.mjs';
import { Callers } from './lib/load.mjs';
import { authority, issue } from './lib/certs.mjs';
import { startMock } from './lib/mock.mjs';
import { Redis } from './lib/redis.mjs';
import { run } from './lib/program.mjs';
import { sum, tries, who } from './lib/stage.mjs';
import { scratch, startWeir, writeConfig } from './lib/weir.mjs';
import { ask, chat, eventually, get } from './lib/http.mjs';

const K1 = 'sk-first-0123456789abcdef', K2 = 'sk-second-0123456789abcdef';
const PASSWORD = 'of-the-redis-0123456789';
const mock = share(await startMock({ alpha: '200', beta: '200' }));
let models = 0;

const statusOf = async (weir) => JSON.parse((await get(weir.admin, '/status')).text);
const stateOf = async (weir) => (await statusOf(weir)).state;
const series = async (weir, name) => (await weir.metrics()).get(name);

// n weirs of one configuration, all of them in contact with the Redis.
async function fleet(t, redis, n, { top, env, chain = {}, steps = ['alpha', 'beta'], up = true } = {}) {
	const model = `s${++models}`;
	const providers = mock.providers('alpha', 'beta');

	providers.alpha.keys = ['${K1}', '${K2}'];
	const config = {
		state: redis.url, providers,
		chains: { [model]: { retries: 0, steps: steps.map((vendor) => `${vendor}/${model}`), ...chain } }, ...top,
	};
	const weirs = [];
	for (let i = 0; i < n; i++)
		weirs.push(t.keep(await startWeir(config, { env: { K1, K2, ...env } })));
	for (const weir of up ? weirs : [])
		await isUp(weir);
	return { model, weirs, config };
}

const isUp = (weir, up = true) => eventually(async () => {
	const state = await stateOf(weir);
	return state.up === up ? state : null;
}, `a Redis that is ${up ? 'there' : 'away'}`);
const targetOf = async (weir, id) => (await statusOf(weir)).chains.flatMap((chain) => chain.steps.flat())
	.find((target) => target.target === id);
const untilState = (weir, id, state) => eventually(async () => {
	const target = await targetOf(weir, id);
	return target.state === state ? target : null;
}, `${id} that is ${state}`);
// It has opened a breaker without having tried anything.
async function hasHeard(weir, target) {
	await eventually(async () => sum(await weir.metrics(), 'weir_breaker_transitions_total', `target="${target}`, 'to="open"') > 0,
		`news of ${target}`);
	assert.equal(weir.of('request').length, 0);
}
const children = (pid) => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(/\s+/).map(Number);
const say = (what) => console.log(`# ${what}`);

await test('a key that is exhausted at one is gone past at the other, before it is asked', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other] } = await fleet(t, redis, 2);

	await mock.script({ [`alpha/${model}#${K1}`]: '429;retry-after=30', [`alpha/${model}#${K2}`]: '200' });
	// the first key's turn may be the first or the second request
	await eventually(async () => tries(await chat(one, ask(model))).includes('alpha#1 rate_limited'), 'a refusal');
	const began = performance.now();
	await untilState(other, `alpha/${model}#1`, 'benched');
	say(`known elsewhere after ${Math.round(performance.now() - began)} ms`);
	for (let i = 0; i < 4; i++)
		assert.deepEqual(tries(await chat(other, ask(model))), ['alpha#2 ok']);
	const target = await targetOf(other, `alpha/${model}#1`);
	assert.equal(target.reason, 'rate_limited');
	assert.ok(target.until_ms > 0 && target.until_ms <= 30_000, `until ${target.until_ms}`);
});

await test('a key without money or rights is known, too, and one that begins later knows it at once', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other], config } = await fleet(t, redis, 2);

	await mock.script({ [`alpha/${model}#${K1}`]: '402', [`alpha/${model}#${K2}`]: '401' });
	const answer = await chat(one, ask(model));
	assert.equal(who(answer), 'beta');
	await untilState(other, `alpha/${model}#1`, 'benched');
	await untilState(other, `alpha/${model}#2`, 'benched');
	assert.deepEqual(tries(await chat(other, ask(model))), ['beta ok']);
	const later = t.keep(await startWeir(config, { env: { K1, K2 } }));
	await untilState(later, `alpha/${model}#1`, 'benched');
	assert.equal((await targetOf(later, `alpha/${model}#1`)).reason, 'quota');
});

await test('a breaker that opens: the others choose another target, and where there is none they try', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other] } = await fleet(t, redis, 2);

	await mock.script({ [`alpha/${model}`]: '500' });
	for (let i = 0; i < 12 && (await targetOf(one, `alpha/${model}#1`)).state !== 'open'; i++)
		await chat(one, ask(model));
	await hasHeard(other, `alpha/${model}`);
	for (let i = 0; i < 3; i++)
		assert.equal(who(await chat(other, ask(model))), 'beta');
});

await test('one target alone: what others say of it refuses nobody', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other] } = await fleet(t, redis, 2, { steps: ['beta'] });

	// one has seen it fail; for the other it is well
	await mock.script({ [`beta/${model}`]: '500,500,500,500,500,200' });
	for (let i = 0; i < 5; i++)
		assert.notEqual((await chat(one, ask(model))).status, 200);
	await hasHeard(other, `beta/${model}`);
	for (let i = 0; i < 5; i++)
		assert.equal((await chat(other, ask(model))).status, 200);
});

await test('killed and begun again under load: nobody notices, all of it is said, and what was known comes back', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other] } = await fleet(t, redis, 2);
	const callers = [one, other].map((weir) => new Callers(weir, model, 40));

	await mock.script({ [`alpha/${model}#${K1}`]: '429;retry-after=300', [`alpha/${model}#${K2}`]: '200' });
	const arriving = callers.map((crowd) => crowd.arrive(6));
	await untilState(other, `alpha/${model}#1`, 'benched');
	await redis.kill();
	for (const weir of [one, other]) {
		await isUp(weir, false);
		await weir.event('state', (line) => line.level === 'warn' && /goes on alone/.test(line.message));
		assert.equal(await series(weir, 'weir_state_up'), 0);
	}
	await redis.begin();
	for (const weir of [one, other]) {
		await isUp(weir);
		assert.equal(await series(weir, 'weir_state_up'), 1);
		assert.ok(await series(weir, 'weir_state_rounds_total{result="failed"}') > 0);
	}
	// the new one knows nothing: those who do tell it
	await eventually(async () => (await redis.command('KEYS', 'weir:1:t:*')).length > 0, 'the bench, there again');
	await Promise.all(arriving);
	await Promise.all(callers.flatMap((crowd) => crowd.pending));
	const calls = callers.flatMap((crowd) => crowd.calls);
	const bad = calls.filter((call) => !call.ok || call.tries.length > 1);
	say(`${calls.length} requests, ${bad.length} of them failed or were tried again by their callers`);
	assert.equal(bad.length, 0);
	for (const weir of [one, other]) {
		const said = weir.of('state');
		assert.deepEqual(said.map((line) => line.level), ['info', 'warn', 'info']); // once for each change
	}
});

await test('a Redis that hangs slows nobody, and is away until it answers', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [weir] } = await fleet(t, redis, 1);

	redis.freeze();
	const answers = [];
	const began = performance.now();
	while (performance.now() - began < 2500)
		answers.push(await chat(weir, ask(model)));
	assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
	const slowest = Math.max(...weir.of('request').map((line) => line.ms));
	say(`${answers.length} requests one after the other, the slowest took ${slowest} ms`);
	assert.ok(answers.length > 10, `${answers.length}`); // one or two, if each waited until it is given up
	const state = await isUp(weir, false);
	assert.ok(state.failures > 0);
	assert.match(weir.of('state').at(-1).message, /does not answer in time/);
	redis.thaw();
	await isUp(weir);
});

await test('none at the start: it serves, says so, and finds it later', async (t) => {
	const redis = t.keep(await Redis.start());
	await redis.kill();
	const { model, weirs: [weir] } = await fleet(t, redis, 1, { up: false });

	await weir.event('state', (line) => line.level === 'warn');
	assert.equal((await chat(weir, ask(model))).status, 200);
	await redis.begin();
	await isUp(weir);
});

await test('what makes no sense there is passed over: wrong types, garbage, huge numbers, times far off', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other] } = await fleet(t, redis, 2);

	await mock.script({ [`alpha/${model}#${K1}`]: '429;retry-after=20', [`alpha/${model}#${K2}`]: '200' });
	await eventually(async () => tries(await chat(one, ask(model))).includes('alpha#1 rate_limited'), 'a refusal');
	await untilState(other, `alpha/${model}#1`, 'benched');
	const [bench] = await redis.command('KEYS', 'weir:1:t:*');
	const [stamp] = (await redis.command('GET', bench)).split(' ').map(Number);
	assert.ok(await redis.command('TTL', bench) > 0);
	assert.match(bench, /^weir:1:t:[0-9a-f]{32}$/);
	const far = stamp + 50 * 365 * 86400_000;
	// newer than all that was said before
	const fresh = () => Date.now() + 2000;
	const soon = stamp + 60_000;
	const nonsense = [() => '', () => 'x', () => '\0\xff'.repeat(30), () => '1 2', () => `${fresh()} ${far} rate_limited`,
		() => `${far} ${soon} rate_limited`, () => `${fresh()} ${soon} no_such_class`, () => `${fresh()} ${soon} caller`,
		() => `${'9'.repeat(40)} 1 rate_limited`, () => '-1 -1 rate_limited', () => 'a'.repeat(100_000)];
	// whoever reads it first says again what it knows
	const ignored = async () => await series(one, 'weir_state_ignored_total') + await series(other, 'weir_state_ignored_total');
	for (const make of nonsense) {
		const before = await ignored();
		await eventually(async () => {
			await redis.command('SET', bench, make()); // it may be put right before anybody has read it
			await redis.command('INCR', 'weir:1:changes');
			return await ignored() > before;
		}, `a count of ${make().slice(0, 40)}`);
		const target = await targetOf(other, `alpha/${model}#1`);
		assert.ok(target.state === 'benched' ? target.until_ms <= 20_000 : target.state === 'healthy', JSON.stringify(target));
	}
	await redis.command('DEL', bench, 'weir:1:changes');
	await redis.command('LPUSH', bench, 'a', 'list');
	await redis.command('SET', 'weir:1:changes', 'many');
	await eventually(async () => /^\d+$/.test(await redis.command('GET', 'weir:1:changes')), 'a counter that counts again');
	for (let i = 0; i < 4; i++)
		assert.equal((await chat(other, ask(model))).status, 200);
	assert.equal((await stateOf(other)).up, true);
});

await test('what is no Redis at all is away, and whatever it says is bounded', async (t) => {
	const net = await import('node:net');
	const talk = ['HTTP/1.1 400 Bad Request\r\n\r\n', '*2147483647\r\n', '$536870911\r\n', '+OK\r\n'.repeat(1000), '*1\r\n'.repeat(50),
		`$5000000\r\n${'x'.repeat(4_000_000)}`, '-ERR what\r\n'];
	let turn = 0;
	const server = net.createServer((socket) => {
		socket.on('error', () => {});
		socket.on('data', () => socket.write(talk[turn++ % talk.length]));
	}).listen(0, '127.0.0.1');
	t.keep({ stop: async () => server.close() });
	await new Promise((resolve) => server.once('listening', resolve));
	const { model, weirs: [weir] } = await fleet(t, { url: `redis://127.0.0.1:${server.address().port}` }, 1, { up: false });

	await eventually(() => turn > talk.length, 'connections');
	assert.equal((await stateOf(weir)).up, false);
	assert.equal((await chat(weir, ask(model))).status, 200);
	assert.equal(weir.of('state').length, 1);
});

const PRICES = { input_price: 10, output_price: 20 };
const keyOf = (name) => `key-of-${name}-0123456789`;
const as = (name) => ({ headers: { authorization: `Bearer ${keyOf(name)}` } });
const caller = async (weir, name) => (await statusOf(weir)).callers.find((one) => one.name === name);
const nano = (dollars) => Math.round(dollars * 1e9);

// Callers with limits, and what one answer costs them.
async function limited(t, redis, n, limits) {
	const keys = Object.entries(limits).map(([name, more]) => ({ name, key: keyOf(name), ...more }));
	const found = await fleet(t, redis, n, { steps: ['beta'], env: { P: PASSWORD }, top: { access: { keys }, models: { 'beta/*': PRICES } } });

	await mock.script({ [`beta/${found.model}`]: '200;tokens=50' });
	const costOf = async (weir, answer) => nano((await weir.request(answer.headers['x-weir-request-id'])).cost_usd);
	return { ...found, costOf, ask: (weir, name) => chat(weir, ask(found.model, 'hello'), as(name)) };
}

await test('a budget is one over all of them, to the cost of a request, and outlives each', async (t) => {
	const redis = t.keep(await Redis.start());
	const all = await limited(t, redis, 2, { rich: { daily_budget: 100 }, poor: { daily_budget: 0.0075, monthly_budget: 50 } });
	const budget = 7_500_000;
	let spent = 0, cost = 0;

	const knows = (weir, amount) => eventually(async () => nano((await caller(weir, 'poor')).day.spent_usd) === amount, `${amount} at both`);
	for (let i = 0; ; i++) {
		const weir = all.weirs[i % 2];
		const answer = await all.ask(weir, 'poor');
		if (answer.status !== 200) {
			assert.equal(answer.status, 429, answer.text);
			assert.equal(JSON.parse(answer.text).error.code, 'insufficient_quota');
			break;
		}
		assert.ok(spent < budget, `${spent} were spent`);
		cost = await all.costOf(weir, answer);
		spent += cost;
		for (const one of all.weirs)
			await knows(one, spent);
	}
	say(`${spent} of ${budget} nano-dollars were spent, ${cost} by each request`);
	assert.ok(spent >= budget && spent - cost < budget);
	assert.equal((await all.ask(all.weirs[0], 'poor')).status, 429);
	assert.equal((await all.ask(all.weirs[1], 'poor')).status, 429);
	assert.equal((await all.ask(all.weirs[0], 'rich')).status, 200);

	// all of them end, and others begin
	for (const weir of all.weirs)
		await weir.leave();
	const [key] = await redis.command('KEYS', 'weir:1:daily_budget:*');
	assert.match(key, /^weir:1:daily_budget:[0-9a-f]{32}:\d+/);
	for (const one of await redis.command('KEYS', 'weir:1:*'))
		assert.ok(await redis.command('TTL', one) > 0, `${one} ends some day`);
	const later = t.keep(await startWeir(all.config, { env: { K1, K2 } }));
	await knows(later, spent);
	assert.equal(nano((await caller(later, 'poor')).month.spent_usd), spent);
	assert.equal((await all.ask(later, 'poor')).status, 429);
});

await test('spent at both at once, with a Redis that is lost in between: nothing is lost, and nothing counts twice', async (t) => {
	const redis = t.keep(await Redis.start());
	const all = await limited(t, redis, 2, { busy: { daily_budget: 1000 } });
	const answers = [];
	const crowd = async (n) => {
		for (const weir of all.weirs)
			answers.push(...await Promise.all(Array.from({ length: n }, async () => [weir, await all.ask(weir, 'busy')])));
	};

	await crowd(20);
	redis.freeze();
	await crowd(20);
	for (const weir of all.weirs)
		await isUp(weir, false);
	redis.thaw();
	await crowd(20);
	await redis.kill();
	await crowd(20);
	await redis.begin();
	await crowd(20);
	let spent = 0;
	for (const [weir, answer] of answers) {
		assert.equal(answer.status, 200);
		spent += await all.costOf(weir, answer);
	}
	for (const weir of all.weirs)
		await eventually(async () => nano((await caller(weir, 'busy')).day.spent_usd) === spent, `${spent} nano-dollars`);
	say(`${answers.length} requests, ${spent} nano-dollars at both`);
});

await test('requests and tokens a minute are of all of them together', async (t) => {
	const redis = t.keep(await Redis.start());
	const all = await limited(t, redis, 2, { rpm: { rpm: 12 }, tpm: { tpm: 200 } });
	const [one, other] = all.weirs;
	const left = async (weir, name) => (await caller(weir, name))[name].left;

	for (let i = 0; i < 8; i++)
		assert.equal((await all.ask(one, 'rpm')).status, 200);
	const began = performance.now();
	await eventually(async () => await left(other, 'rpm') === 4, 'news of eight requests');
	say(`requests of one counted at the other after ${Math.round(performance.now() - began)} ms`);
	for (let i = 0; i < 4; i++)
		assert.equal((await all.ask(other, 'rpm')).status, 200);
	assert.equal((await all.ask(other, 'rpm')).status, 429);
	await eventually(async () => await left(one, 'rpm') === 0, 'news of four requests');
	assert.equal((await all.ask(one, 'rpm')).status, 429);

	const used = JSON.parse((await all.ask(one, 'tpm')).text).usage.total_tokens;
	await eventually(async () => await left(other, 'tpm') === 200 - used, 'news of its tokens');
	// one that begins in the same minute knows of it, unless it has just ended
	const minute = () => Math.floor(Date.now() / 60_000);
	const then = minute();
	const later = t.keep(await startWeir(all.config, { env: { K1, K2 } }));
	await eventually(async () => await left(later, 'rpm') === 0 || minute() !== then, 'what was used before');
});

await test('hammered at both at once, no more gets through than in the time that news takes', async (t) => {
	const redis = t.keep(await Redis.start());
	const all = await limited(t, redis, 2, { fast: { rpm: 60 } });
	let passed = 0;
	const hammer = async (weir) => {
		for (let refused = 0; refused < 3;) {
			const { status } = await all.ask(weir, 'fast');
			passed += status === 200 ? 1 : 0;
			refused += status === 429 ? 1 : 0;
			await new Promise((resolve) => setTimeout(resolve, 20));
		}
	};

	await Promise.all(all.weirs.map(hammer));
	say(`${passed} of 60 a minute got through`);
	assert.ok(passed >= 60 && passed < 120, `${passed}`); // each alone would let 60 through
	for (const weir of all.weirs)
		assert.equal((await all.ask(weir, 'fast')).status, 429);
});

await test('amounts that make no sense are passed over, and no caller is refused for them', async (t) => {
	const redis = t.keep(await Redis.start());
	const all = await limited(t, redis, 1, { poor: { daily_budget: 1, rpm: 1000 } });
	const [weir] = all.weirs;

	assert.equal((await all.ask(weir, 'poor')).status, 200);
	const total = await eventually(async () => (await redis.command('KEYS', 'weir:1:daily_budget:*'))
		.find((key) => /^weir:1:daily_budget:[0-9a-f]+:\d+$/.test(key)), 'a total');
	for (const text of ['', 'many', '9'.repeat(18), '9'.repeat(50), '-5x', '1.5', '\0'.repeat(100)]) {
		const before = await series(weir, 'weir_state_ignored_total');
		await redis.command('SET', total, text);
		await eventually(async () => await series(weir, 'weir_state_ignored_total') > before, `a count of ${text}`);
		assert.equal((await all.ask(weir, 'poor')).status, 200);
	}
	await redis.command('DEL', total);
	await redis.command('SADD', total, 'a set');
	assert.equal((await all.ask(weir, 'poor')).status, 200);
	await redis.command('DEL', total);
	const spent = nano((await caller(weir, 'poor')).day.spent_usd);
	await eventually(async () => Number(await redis.command('GET', total)) === spent, 'all of it, there again');
});

await test('four processes are one weir: one of them speaks, and another goes on when it is killed', async (t) => {
	const redis = t.keep(await Redis.start());
	const clients = async () => (await redis.command('CLIENT', 'LIST')).split('\n').filter((line) => / cmd=(?!client)/.test(line)).length;
	const all = await limited(t, redis, 1, { poor: { daily_budget: 100 } });
	const model = all.model;
	const many = t.keep(await startWeir({ ...all.config, workers: 4 }, { env: { K1, K2 } }));

	await isUp(many);
	await eventually(async () => await clients() === 2, 'two connections');
	let spent = 0;
	for (let i = 0; i < 8; i++)
		spent += await all.costOf(many, await chat(many, ask(model, 'hello'), { ...as('poor'), agent: false }));
	await eventually(async () => nano((await caller(all.weirs[0], 'poor')).day.spent_usd) === spent, 'what four have spent');
	for (const worker of children(many.pid)) {
		const { rounds } = await stateOf(many);
		process.kill(worker, 'SIGKILL');
		await eventually(() => children(many.pid).length === 4 && !children(many.pid).includes(worker), 'another worker');
		await eventually(async () => (await stateOf(many).catch(() => ({ rounds }))).rounds > rounds + 2, 'one that speaks');
		spent += await all.costOf(many, await chat(many, ask(model, 'hello'), { ...as('poor'), agent: false }));
		await eventually(async () => nano((await caller(all.weirs[0], 'poor')).day.spent_usd) === spent, 'what is spent now');
	}
	await eventually(async () => await clients() === 2, 'two connections again');
	await many.leave();
	const later = t.keep(await startWeir({ ...all.config, workers: 2 }, { env: { K1, K2 } }));
	await eventually(async () => nano((await caller(later, 'poor')).day.spent_usd) === spent, 'what was spent before');
});

await test('a password: from a variable, with the right one and a wrong one, and in no line or page', async (t) => {
	const redis = t.keep(await Redis.start(['--requirepass', PASSWORD]));
	const at = `127.0.0.1:${redis.port}/3`;
	const right = await fleet(t, { url: 'redis://:${P}@' + at }, 1, { env: { P: PASSWORD } });
	const wrong = await fleet(t, { url: 'redis://somebody:${P}@' + at }, 1, { env: { P: PASSWORD }, up: false });

	await wrong.weirs[0].event('state', (line) => /answers (WRONGPASS|an error)/.test(line.message));
	assert.equal((await stateOf(right.weirs[0])).address, `redis://${at}`);
	const file = path.join(scratch, 'state-address');
	fs.writeFileSync(file, `redis://:${PASSWORD}@${at}\n`, { mode: 0o600 });
	await fleet(t, { url: { file } }, 1);
	for (const weir of [right.weirs[0], wrong.weirs[0]])
		for (const text of [weir.lines.join('\n'), (await get(weir.admin, '/status')).text, (await get(weir.admin, '/metrics')).text])
			assert.ok(!text.includes(PASSWORD));
});

await test('a user of its own, who may do no more than is documented', async (t) => {
	const redis = t.keep(await Redis.start());
	const rights = fs.readFileSync(new URL('../../docs/shared-state.md', import.meta.url), 'utf8').match(/ACL SETUSER weir on .*(?=`)/)[0];

	await redis.command(...rights.replace('PASSWORD', PASSWORD).split(' '));
	const url = `redis://weir:\${P}@127.0.0.1:${redis.port}`;
	const all = await limited(t, { url }, 2, { poor: { daily_budget: 100, rpm: 1000 } });
	await mock.script({ [`beta/${all.model}`]: '429;retry-after=60' });
	assert.equal((await all.ask(all.weirs[0], 'poor')).status, 429);
	await untilState(all.weirs[1], `beta/${all.model}`, 'benched');
	await eventually(async () => (await caller(all.weirs[1], 'poor')).rpm.left === 999, 'news of a request');
	for (const weir of all.weirs)
		assert.deepEqual(weir.of('state').map((line) => line.level), ['info']);
	await redis.command('ACL', 'SETUSER', 'weir', '-mget');
	await isUp(all.weirs[0], false);
	assert.match(all.weirs[0].of('state').at(-1).message, /answers NOPERM/);
});

await test('rediss: with TLS, by a name; and nothing is said to who cannot show that it is the one', async (t) => {
	const ca = authority('state-ca');
	const good = issue(ca, 'state-good');
	const redis = t.keep(await Redis.start(['--port', '0', '--tls-auth-clients', 'no', '--tls-ca-cert-file', good.ca,
		'--tls-cert-file', good.cert, '--tls-key-file', good.key, '--requirepass', PASSWORD], { tls: true }));
	const at = (host) => ({ url: `rediss://:\${P}@${host}:${redis.port}` });
	const trusted = { P: PASSWORD, SSL_CERT_FILE: good.ca };
	const { model, weirs: [one, other] } = await fleet(t, at('localhost'), 2, { env: trusted });

	await mock.script({ [`alpha/${model}`]: '429;retry-after=60' });
	await chat(one, ask(model));
	await untilState(other, `alpha/${model}#1`, 'benched');
	const strange = await fleet(t, at('localhost'), 1, { env: { P: PASSWORD, SSL_CERT_FILE: authority('another-ca').files.cert }, up: false });
	await strange.weirs[0].event('state', (line) => line.level === 'warn' && /certificate/.test(line.message));
	assert.equal((await chat(strange.weirs[0], ask(strange.model))).status, 200);
	const plain = await fleet(t, { url: `redis://:\${P}@127.0.0.1:${redis.port}` }, 1, { env: trusted, up: false });
	await plain.weirs[0].event('state', (line) => line.level === 'warn');
});

await test('another state wants a restart; a reload of the rest goes on with what is known', async (t) => {
	const redis = t.keep(await Redis.start());
	const { model, weirs: [one, other], config } = await fleet(t, redis, 2);

	await mock.script({ [`alpha/${model}`]: '429;retry-after=60' });
	await chat(one, ask(model));
	await untilState(other, `alpha/${model}#1`, 'benched');
	fs.writeFileSync(other.file, JSON.stringify({ listen: '127.0.0.1:0', admin: '127.0.0.1:0', ...config, state: 'redis://127.0.0.1:1' }));
	other.signal('SIGHUP');
	const finding = await other.event('finding', (line) => line.rule === 'needs-restart');
	assert.equal(finding.key, 'state');
	assert.equal((await targetOf(other, `alpha/${model}#1`)).state, 'benched');
	assert.equal((await stateOf(other)).address, `${redis.url}/0`);
	await mock.script({ [`beta/${model}`]: '429;retry-after=60' });
	await chat(one, ask(model));
	await untilState(other, `beta/${model}`, 'benched');
});

await test('a configuration that cannot be meant is refused, with a sentence and without the password', async () => {
	const whole = (state) => ({ state, providers: mock.providers('beta'), chains: { m: { steps: ['beta/m'] } } });
	const check = async (state) => run(['check', '-c', writeConfig(whole(state))]);

	for (const state of ['http://127.0.0.1', 'redis://', `redis://${PASSWORD}@h`, `redis://u:${PASSWORD}@h:0`, `redis://:${PASSWORD}@h/x`]) {
		const { code, out } = await check(state);
		assert.equal(code, 2, state);
		assert.match(out, /bad-state.*state/);
		assert.ok(!out.includes(PASSWORD));
	}
	const literal = await check(`redis://:${PASSWORD}@127.0.0.1`);
	assert.equal(literal.code, 0);
	assert.match(literal.out, /warning\[literal-key\]/);
});

await done();
