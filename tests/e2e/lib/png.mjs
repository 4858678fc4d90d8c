// Makes a picture of a page small: at most 256 colours, of which such a picture has few more.
import zlib from 'node:zlib';

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const COLOURS = 256;

function* chunks(png) {
	for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
		yield [png.toString('latin1', at + 4, at + 8), png.subarray(at + 8, at + 8 + png.readUInt32BE(at))];
}

function paeth(a, b, c) {
	const p = a + b - c;
	const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];

	return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

// { width, height, pixels: [0xrrggbb] } of an 8-bit RGB or RGBA picture
function decode(png) {
	const parts = [...chunks(png)];
	const head = parts.find(([name]) => name === 'IHDR')[1];
	const [width, height, size] = [head.readUInt32BE(0), head.readUInt32BE(4), head[9] === 6 ? 4 : 3];
	const raw = zlib.inflateSync(Buffer.concat(parts.filter(([name]) => name === 'IDAT').map(([, data]) => data)));
	const pixels = new Uint32Array(width * height);
	let above = Buffer.alloc(width * size);

	if (head[8] !== 8 || ![2, 6].includes(head[9]))
		throw new Error('a picture of another kind');
	for (let y = 0; y < height; y++) {
		const from = y * (width * size + 1);
		const line = Buffer.from(raw.subarray(from + 1, from + 1 + width * size));

		for (let i = 0; i < line.length; i++) {
			const [a, b, c] = [i >= size ? line[i - size] : 0, above[i], i >= size ? above[i - size] : 0];
			line[i] += [0, a, b, (a + b) >> 1, paeth(a, b, c)][raw[from]];
		}
		for (let x = 0; x < width; x++)
			pixels[y * width + x] = line.readUIntBE(x * size, 3);
		above = line;
	}
	return { width, height, pixels };
}

const apart = (a, b) => ((a >> 16) - (b >> 16)) ** 2 + ((a >> 8 & 255) - (b >> 8 & 255)) ** 2 + ((a & 255) - (b & 255)) ** 2;

// The most frequent colours that are not nearly one that is chosen already.
function palette(counts) {
	const chosen = [];

	for (const least of [300, 120, 40, 12, 0])
		for (const [colour] of counts)
			if (chosen.length < COLOURS && chosen.every((other) => apart(colour, other) > least))
				chosen.push(colour);
	return chosen;
}

function chunk(name, data) {
	const body = Buffer.concat([Buffer.from(name, 'latin1'), data]);
	const ends = Buffer.alloc(8);

	ends.writeUInt32BE(data.length, 0);
	ends.writeUInt32BE(zlib.crc32(body), 4);
	return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

export function shrink(png) {
	const { width, height, pixels } = decode(png);
	const counts = new Map();

	for (const colour of pixels)
		counts.set(colour, (counts.get(colour) ?? 0) + 1);
	const colours = palette([...counts].sort((a, b) => b[1] - a[1]));
	const nearest = new Map([...counts.keys()].map((colour) =>
		[colour, colours.reduce((best, other, i) => apart(colour, other) < apart(colour, colours[best]) ? i : best, 0)]));
	const lines = Buffer.alloc(height * (width + 1));
	const head = Buffer.alloc(13);

	for (let y = 0; y < height; y++)
		for (let x = 0; x < width; x++)
			lines[y * (width + 1) + 1 + x] = nearest.get(pixels[y * width + x]);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head.set([8, 3, 0, 0, 0], 8);
	return Buffer.concat([SIGNATURE, chunk('IHDR', head),
		chunk('PLTE', Buffer.from(colours.flatMap((c) => [c >> 16, c >> 8 & 255, c & 255]))),
		chunk('IDAT', zlib.deflateSync(lines, { level: 9 })), chunk('IEND', Buffer.alloc(0))]);
}
