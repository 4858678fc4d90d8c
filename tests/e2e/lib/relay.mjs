// Between weir and a server that speaks TLS: splits, drops and adds records.
import net from 'node:net';

export const HANDSHAKE = 22, ALERT = 21, DATA = 23;
export const HEAD = 5; // of a record

export async function listen(server) {
	await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
	return server.address().port;
}

// pass(record, sealed): what the client gets for each of the server's records; sealed: how many
// went before it that only the keys can open; down: the client's socket. atEnd(): what comes before the end.
export async function startRelay(port, { pass = (record) => [record], atEnd = () => [] }) {
	const sockets = new Set();
	const server = net.createServer((down) => {
		const up = net.connect(port, '127.0.0.1');
		let bytes = Buffer.alloc(0), sealed = 0;
		const say = (list) => list.forEach((part) => down.write(part));

		for (const socket of [down, up]) {
			sockets.add(socket);
			socket.setNoDelay(true).on('error', () => {}).on('close', () => [down, up].map((s) => s.destroySoon()));
		}
		down.pipe(up);
		up.on('data', (more) => {
			bytes = Buffer.concat([bytes, more]);
			while (bytes.length >= HEAD && bytes.length >= HEAD + bytes.readUInt16BE(3)) {
				const record = bytes.subarray(0, HEAD + bytes.readUInt16BE(3));

				bytes = bytes.subarray(record.length);
				say(pass(record, sealed, down));
				sealed += record[0] === DATA ? 1 : 0;
			}
		});
		up.on('end', () => {
			say(atEnd());
			down.end();
		});
	});

	return {
		port: await listen(server),
		stop: async () => {
			sockets.forEach((socket) => socket.destroy());
			server.close();
		},
	};
}

export const bytewise = (record) => [...record].map((byte) => Buffer.from([byte]));
