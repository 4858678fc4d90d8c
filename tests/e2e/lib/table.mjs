// A table of tests: each is a cell, and all are printed at the end.
import { test } from './tap.mjs';

const word = (stream) => (stream ? 'streamed' : 'whole');

export class Table {
	rows = new Map();

	constructor(name, columns) {
		this.name = name;
		this.columns = columns;
	}

	mark(row, column, text) {
		this.rows.set(row, { ...this.rows.get(row), [column]: text });
	}

	// run() gives nothing when all is well, or why it is well that there was no answer.
	async cell(row, stream, column, run) {
		const name = `${row} ${word(stream)}`;

		this.mark(name, column, 'FAILS');
		await test(`${this.name}, ${row}, ${word(stream)}: ${column}`, async () => {
			const reason = await run();
			this.mark(name, column, reason ? `refused: ${reason}` : 'ok');
		});
	}

	print() {
		const texts = [['', ...this.columns],
			...[...this.rows].map(([row, marks]) => [row, ...this.columns.map((c) => marks[c] ?? '')])];
		const widths = texts[0].map((_, i) => Math.max(...texts.map((line) => line[i].length)));

		console.log(`#\n# ${this.name}`);
		for (const line of texts)
			console.log(`# ${line.map((text, i) => text.padEnd(widths[i])).join('  ').trimEnd()}`);
	}
}
