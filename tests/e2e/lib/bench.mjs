// `weir-bench`, which stands beside the program under test.
import path from 'node:path';
import { Program, binary, run } from './program.mjs';

const program = path.join(path.dirname(binary), 'weir-bench');

// { code, out, err }
export const bench = (args, options = {}) => run(args, { ...options, program });
export const startBench = (args, options = {}) => new Program(args, { ...options, program });

// The same with --json, read.
export async function measured(args, options = {}) {
	const { code, out, err } = await bench(['--json', ...args], options);

	if (!out)
		throw new Error(`weir-bench ${args.join(' ')} ended with ${code}: ${err}`);
	return { code, err, ...JSON.parse(out) };
}

// What went wrong, by outcome, without those that did not happen.
export const failures = ({ outcomes }) =>
	Object.fromEntries(Object.entries(outcomes).filter(([name, n]) => n && name !== 'ok'));
