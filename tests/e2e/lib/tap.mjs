// A suite is a list of tests, run one after the other, each within its own time.

const SECONDS = process.env.WEIR_E2E_VALGRIND ? 300 : 60;
// Meson ends us twenty seconds later, without a word.
const SUITE_SECONDS = Number(process.env.WEIR_SUITE_SECONDS ?? 280);

let count = 0;
let failed = 0;
const closers = []; // of what outlives a test

const watchdog = setTimeout(() => {
	console.log(`Bail out! the suite takes longer than ${SUITE_SECONDS} s`);
	process.exit(1);
}, SUITE_SECONDS * 1000);
watchdog.unref();

function diagnose(error) {
	const text = error?.stack ?? String(error);

	for (const line of text.split('\n').slice(0, 40))
		console.log(`# ${line}`);
}

function report(ok, name, error) {
	count++;
	failed += ok ? 0 : 1;
	console.log(`${ok ? 'ok' : 'not ok'} ${count} - ${name.replaceAll('#', ' ')}`);
	if (!ok)
		diagnose(error);
}

export function deadline(promise, seconds, what) {
	let timer;
	const late = new Promise((_, reject) => {
		const error = new Error(`no ${what} within ${seconds} s`);
		timer = setTimeout(() => reject(error), seconds * 1000);
	});

	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function close(things) {
	const errors = [];

	for (const thing of things.reverse())
		await Promise.resolve(thing.leave ? thing.leave() : thing.stop()).catch((error) => errors.push(error));
	if (errors.length)
		throw errors[0];
}

// run(t): t.keep(thing) has thing.leave(), or else stop(), called at the test's end; what
// that throws fails the test.
export async function test(name, run, { seconds = SECONDS } = {}) {
	const kept = [];
	const t = {
		keep(thing) {
			kept.push(thing);
			return thing;
		},
	};
	let error = null;

	try {
		await deadline(run(t), seconds, 'end of the test');
	} catch (e) {
		error = e;
	}
	await close(kept).catch((e) => (error ??= e));
	report(!error, name, error);
}

// For all tests that follow: stopped by done(), which makes a test of it.
export function share(thing) {
	closers.push(thing);
	return thing;
}

export async function done() {
	await test('everything stops cleanly', () => close(closers));
	console.log(`1..${count}`);
	clearTimeout(watchdog);
	process.exit(failed ? 1 : 0);
}

function crash(error) {
	report(false, 'the suite itself', error);
	console.log(`1..${count}`);
	process.exit(1);
}

process.on('uncaughtException', crash);
process.on('unhandledRejection', crash);
