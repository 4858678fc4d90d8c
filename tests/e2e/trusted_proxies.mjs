// Where a request comes from: what proxies say is believed of those who are named, and of nobody else,
// and no provider hears of it.
import assert from 'node:assert/strict';
import { done, share, test } from './lib/tap.mjs';
import { startMock } from './lib/mock.mjs';
import { run } from './lib/program.mjs';
import { startWeir, writeConfig } from './lib/weir.mjs';
import { Wire, ask, chat } from './lib/http.mjs';

const mock = share(await startMock({ alpha: '200' }));
const base = (more) => ({ providers: mock.providers(), chains: { m: { steps: ['alpha/m'] } }, ...more });
const believing = share(await startWeir(base({ trusted_proxies: ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'] })));
const wary = share(await startWeir(base({ trusted_proxies: ['192.0.2.0/24'] })));
const silent = share(await startWeir(base({})));

// lines: header lines, as they are sent
async function peer(weir, ...lines) {
	const body = JSON.stringify(ask('m'));
	const wire = await Wire.open(weir.address);
	wire.send(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nconnection: close\r\n` +
		`${lines.map((line) => `${line}\r\n`).join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
	const text = await wire.end();
	wire.stop();
	const id = text.match(/x-weir-request-id: (\S+)/)[1];
	return (await weir.request(id)).peer;
}

for (const [lines, is] of [
	[[], '127.0.0.1'],
	[['X-Forwarded-For: 203.0.113.7'], '203.0.113.7'],
	[['X-Forwarded-For: 6.6.6.6, 203.0.113.7'], '203.0.113.7'],
	[['X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.1.2.3'], '203.0.113.7'],
	[['X-Forwarded-For: 203.0.113.7:51000'], '203.0.113.7'],
	[['X-Forwarded-For: 2001:db8::1'], '2001:db8::1'],
	[['X-Forwarded-For: [2001:db8::1]:51000, fd00::9'], '2001:db8::1'],
	[['X-Forwarded-For: ::ffff:203.0.113.7'], '203.0.113.7'],
	[['X-Forwarded-For: 6.6.6.6', 'x-forwarded-for: 203.0.113.7'], '203.0.113.7'],
	[['X-Forwarded-For: 203.0.113.7', 'x-forwarded-for: 10.0.0.1'], '203.0.113.7'],
	[['X-Forwarded-For: 10.0.0.2, 10.0.0.1'], '10.0.0.2'],
	[['X-Forwarded-For: 6.6.6.6, unknown, 10.0.0.1'], '10.0.0.1'],
	[['X-Forwarded-For: junk"\\, ,'], '127.0.0.1'],
	[['Forwarded: for=203.0.113.7;proto=https'], '203.0.113.7'],
	[['Forwarded: for=6.6.6.6, proto=https;For="[2001:db8::1]:80";by=10.0.0.1'], '2001:db8::1'],
	[['Forwarded: for=_hidden, for=10.0.0.1'], '10.0.0.1'],
	[['Forwarded: for=6.6.6.6', 'X-Forwarded-For: 203.0.113.7'], '203.0.113.7'],
])
	await test(`${lines.join(' | ') || 'nothing is said'}: ${is}`, async () => {
		assert.equal(await peer(believing, ...lines), is);
		assert.equal(await peer(wary, ...lines), '127.0.0.1');
		assert.equal(await peer(silent, ...lines), undefined);
	});

await test('who is refused has an address, too', async () => {
	const answer = await chat(believing, ask('none'), { headers: { 'x-forwarded-for': '203.0.113.9' } });
	const wrong = await chat(believing, '{}', { headers: { 'x-forwarded-for': '203.0.113.8', 'content-encoding': 'gzip' } });

	assert.equal(answer.status, 404);
	assert.equal((await believing.request(answer.headers['x-weir-request-id'])).peer, '203.0.113.9');
	assert.equal(wrong.status, 415);
	assert.equal((await believing.request(wrong.headers['x-weir-request-id'])).peer, '203.0.113.8');
});

await test('no provider hears of it', async () => {
	await chat(believing, ask('m'), { headers: { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7', 'x-real-ip': '203.0.113.7' } });
	const { headers } = await mock.last('alpha', 'm');
	assert.ok(!JSON.stringify(headers).includes('203.0.113.7'), JSON.stringify(headers));
});

await test('check wants addresses', async () => {
	const { code, out } = await run(['check', '-c', writeConfig(base({ trusted_proxies: ['10.0.0.0/33', 'proxy.example'] }))]);

	assert.equal(code, 2);
	assert.match(out, /error\[bad-address\] trusted_proxies\[0\]: "10\.0\.0\.0\/33" is no address and no network/);
	assert.match(out, /error\[bad-address\] trusted_proxies\[1\]/);
});

await done();
