// A pane of glass between weir and a simulator: it hands on all that comes, and remembers
// what was asked, byte for byte. Simulators tell only what they understood of it.
import http from 'node:http';

class Glass {
	seen = []; // { method, target, headers, body }

	constructor(behind) {
		this.behind = behind;
		this.server = http.createServer((request, answer) => this.pass(request, answer));
	}

	async pass(request, answer) {
		const chunks = [];

		for await (const chunk of request)
			chunks.push(chunk);
		const body = Buffer.concat(chunks);
		const { method, url: target, headers } = request;

		this.seen.push({ method, target, headers, body: body.toString() });
		const further = http.request(this.behind + target, { method, headers, agent: false });
		further.on('response', (response) => {
			answer.writeHead(response.statusCode, response.headers);
			response.pipe(answer);
			response.on('close', () => response.complete || answer.destroy());
		});
		further.on('error', () => answer.destroy());
		further.end(body);
	}

	// What was seen since the last time.
	take() {
		return this.seen.splice(0);
	}

	stop() {
		this.server.closeAllConnections();
		return new Promise((resolve) => this.server.close(resolve));
	}
}

export async function startGlass(behind) {
	const glass = new Glass(behind);

	await new Promise((resolve) => glass.server.listen(0, '127.0.0.1', resolve));
	glass.url = `http://127.0.0.1:${glass.server.address().port}`;
	return glass;
}
