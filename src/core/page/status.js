'use strict';
// The status page: follows /status/live, draws what it says, and says when it says nothing.
// Whatever comes from there is put in as text, never as markup.
(() => {
	const FEED_MAX = 160; // requests and turns kept
	const TRAILS_MAX = 4; // shown of those that are alike
	const FAILURES_MAX = 8; // of a target
	const TURNS_MAX = 512;
	const BUCKETS = 60;
	const MINUTE = 12; // of them
	const SPAN_MS = 300000; // of what is drawn over time
	const QUIET_MS = 2500; // without a word: the connection is lost
	const DEAD_MS = 6000; // and is made anew
	const NOW_MS = 5000; // what "per second" is reckoned over
	const NOT_WELL = ['open', 'probing', 'benched', 'disabled', 'ramping', 'at_cap'];
	const WORDS = { at_cap: 'at cap' };

	const $ = (id) => document.getElementById(id);
	const body = document.body;

	// ---- making elements ----

	function make(tag, attributes, ...children) {
		const element = document.createElement(tag);

		for (const [name, value] of Object.entries(attributes ?? {}))
			if (name.startsWith('on'))
				element.addEventListener(name.slice(2), value);
			else if (value !== null && value !== undefined && value !== false)
				element.setAttribute(name, value === true ? '' : value);
		element.append(...children.filter((child) => child !== null && child !== undefined));
		return element;
	}

	function say(element, text) {
		if (element.textContent !== text)
			element.textContent = text;
	}

	function put(element, name, value) {
		if (element.getAttribute(name) !== value)
			element.setAttribute(name, value);
	}

	function shape(tag, attributes) {
		const element = document.createElementNS('http://www.w3.org/2000/svg', tag);

		for (const [name, value] of Object.entries(attributes))
			element.setAttribute(name, value);
		return element;
	}

	// ---- numbers and words ----

	const none = '–';
	const number = (n) => n === null || n === undefined ? none : Math.round(n).toLocaleString('en-US');
	const short = (n) => n < 10000 ? number(n) : n < 1e6 ? `${(n / 1e3).toFixed(n < 1e5 ? 1 : 0)}k` : `${(n / 1e6).toFixed(1)}M`;
	const rate = (n) => n === null ? none : n === 0 ? '0' : n < 10 ? n.toFixed(n < 0.1 ? 2 : 1) : number(n);
	const percent = (part, whole) => !whole ? none : !part ? '0 %' : part === whole ? '100 %'
		: `${(Math.min(99.9, Math.max(0.1, 100 * part / whole))).toFixed(1)} %`;
	const dollars = (n) => n === 0 ? '$0' : n < 0.01 ? '<$0.01' : n < 100 ? `$${n.toFixed(2)}` : `$${number(n)}`;
	const word = (state) => WORDS[state] ?? state;
	const plural = (n, one, more) => `${number(n)} ${n === 1 ? one : more ?? `${one}s`}`;

	function span(ms) {
		if (ms === null || ms === undefined)
			return none;
		const s = ms / 1000;
		return ms < 1000 ? `${Math.round(ms)} ms` : s < 10 ? `${s.toFixed(1)} s` : s < 120 ? `${Math.round(s)} s`
			: s < 7200 ? `${Math.round(s / 60)} min` : s < 172800 ? `${Math.round(s / 3600)} h` : `${Math.round(s / 86400)} days`;
	}

	const wait = (ms) => ms < 10000 ? `${(ms / 1000).toFixed(1)} s` : span(ms);
	const clock = (ms) => new Date(ms).toLocaleTimeString('en-GB');
	const key = (target) => target.target;

	// ---- what is known ----

	let now = null; // the last status
	let heard = 0; // when, by our own clock
	let samples = []; // of the totals, for what is per second
	const rates = new Map(); // chain -> { requests: [], failed_over: [], failed: [], served: Map }
	const failures = new Map(); // target -> newest first
	const turns = []; // oldest first
	const feed = new Map(); // id -> { id, at, story or turn }
	let version = 0;
	let buckets = 0;
	let fresh = false; // a connection tells everything once more

	function forget() { // another process, or the first word of this one
		for (const kept of [rates, failures, feed])
			kept.clear();
		turns.length = samples.length = version = buckets = 0;
		feedNews = true;
	}

	function targets() {
		const all = new Map();

		for (const chain of now.chains)
			for (const target of chain.steps.flat())
				if (!all.has(key(target)))
					all.set(key(target), target);
		return [...all.values()];
	}

	const keep = (list, more, max) => list.concat(more).slice(-max);

	function learnRates(recent) {
		for (const chain of recent.rates) {
			const kept = rates.get(chain.chain) ?? { requests: [], failed_over: [], failed: [], served: new Map() };

			for (const name of ['requests', 'failed_over', 'failed'])
				kept[name] = keep(kept[name], chain[name], BUCKETS);
			for (const { target, answers } of chain.served)
				kept.served.set(target, keep(kept.served.get(target) ?? [], answers, MINUTE));
			rates.set(chain.chain, kept);
		}
		buckets = recent.buckets;
	}

	function learn(status) {
		const { recent } = status;

		if (recent.version < version || recent.buckets < buckets || (now && now.recent.since_ms + 2000 < recent.since_ms))
			forget();
		if (fresh) {
			rates.clear();
			buckets = 0;
			fresh = false;
		}
		version = recent.version;
		if (recent.buckets > buckets)
			learnRates(recent);
		for (const failure of recent.failures) {
			const list = failures.get(failure.target) ?? [];
			if (!list.some((one) => one.request_id === failure.request_id && one.at_ms === failure.at_ms))
				list.push(failure);
			failures.set(failure.target, list.sort((a, b) => b.at_ms - a.at_ms).slice(0, FAILURES_MAX));
		}
		for (const turn of recent.turns)
			if (!turns.some((one) => one.target === turn.target && Math.abs(one.at_ms - turn.at_ms) < 3 && one.to === turn.to))
				turns.push(turn);
		turns.splice(0, turns.length - TURNS_MAX);
		now = status;
		heard = performance.now();
		samples.push({ at: status.time_ms, requests: status.totals.requests, errors: status.totals.errors,
			moved: total('failed_over'), chains: new Map(status.chains.map((c) => [c.name, c])) });
		while (samples.length > 2 && samples[0].at < status.time_ms - NOW_MS)
			samples.shift();
	}

	const total = (name) => now.chains.reduce((sum, chain) => sum + chain[name], 0);

	// Per second lately: { requests, errors, moved }, or null before there is anything to compare.
	function lately(of = (sample) => sample) {
		const [first, last] = [samples[0], samples.at(-1)];
		const s = last ? (last.at - first.at) / 1000 : 0;
		const a = first && of(first), b = last && of(last);

		if (s < 0.4 || !a || !b)
			return null;
		return (name) => Math.max(0, b[name] - a[name]) / s;
	}

	// Of the buckets over all chains: [requests, failed over, failed].
	function series() {
		const sums = ['requests', 'failed_over', 'failed'].map((name) => {
			const sum = new Array(BUCKETS).fill(0);
			for (const chain of rates.values())
				chain[name].forEach((n, i) => (sum[BUCKETS - chain[name].length + i] += n));
			return sum;
		});
		return sums[0].map((n, i) => [n, sums[1][i], sums[2][i]]);
	}

	// What a target answered in the last minute, as a share of its chain's answers; null: nobody did.
	function share(chain, model) {
		const served = rates.get(chain)?.served;
		const sum = (list) => (list ?? []).reduce((a, b) => a + b, 0);
		const all = served ? [...served.values()].reduce((a, list) => a + sum(list), 0) : 0;

		return all ? sum(served.get(model)) / all : null;
	}

	// Why it is as it is, from what failed last.
	function because(target, at) {
		const last = (failures.get(target) ?? []).find((one) => one.at_ms <= at + 600);
		return last ? cause(last) + (last.words ? `: ${last.words}` : '') : null;
	}

	function why(target) {
		const failed = ['open', 'probing'].includes(target.state) ? because(key(target), Infinity) : null;
		const share = target.state === 'ramping' ? `${target.ramp_percent} % of its share` : null;

		return [target.until_ms === null ? null : `back in ${wait(target.until_ms)}`,
			failed ?? share ?? (target.state === target.reason ? null : target.reason)].filter(Boolean).join(' · ');
	}

	// ---- the head ----

	function drawVerdict() {
		const all = targets();
		const bad = all.filter(({ state }) => state !== 'healthy');
		const counts = NOT_WELL.map((state) => [state, bad.filter((one) => one.state === state).length]).filter(([, n]) => n);
		let text, kind = '';

		if (now.draining) {
			text = `Draining: no new requests, ${now.inflight} under way`;
			kind = 'odd';
		} else if (!all.length) {
			const failed = series().slice(-MINUTE).reduce((sum, one) => sum + one[2], 0);

			text = `No chains: ${plural(now.totals.requests, 'request')}, ${plural(now.totals.errors, 'error')}`
				+ (failed ? `, ${number(failed)} in the last minute` : '');
			kind = failed ? 'bad' : '';
		} else if (!bad.length) {
			text = all.length === 1 ? 'The target is healthy' : `All ${all.length} targets are healthy`;
		} else if (bad.length === 1) {
			text = `${key(bad[0])} is ${word(bad[0].state)}`;
			kind = 'odd';
		} else {
			text = `${bad.length} of ${all.length} targets: ${counts.map(([state, n]) => `${n} ${word(state)}`).join(', ')}`;
			kind = 'odd';
		}
		if (now.chains.some(({ steps }) => steps.flat().every(({ state }) => ['open', 'disabled', 'benched'].includes(state)))) {
			text = `${text}. A chain has nobody left`;
			kind = 'bad';
		}
		say($('verdict'), text);
		put($('verdict'), 'class', kind);
		document.title = kind || !all.length ? `weir: ${text}` : 'weir: all is well';
	}

	const figures = new Map();

	function figure(name, value, note, kind = '') {
		let found = figures.get(name);

		if (!found) {
			found = { value: make('dd'), note: make('dd', { class: 'note' }) };
			$('figures').append(make('div', {}, make('dt', {}, name), found.value, found.note));
			figures.set(name, found);
		}
		say(found.value, value);
		say(found.note, note);
		put(found.value, 'class', kind);
	}

	function drawFigures() {
		const speed = lately();
		const per = (name) => speed && speed(name);
		const requests = per('requests'), errors = per('errors'), moved = per('moved');
		const first = now.first_token_ms;
		const [into, out, cost] = ['tokens_in', 'tokens_out', 'cost_usd'].map((name) =>
			now.models.reduce((sum, model) => sum + model[name], 0));

		figure('In flight', number(now.inflight), now.waiting ? `${number(now.waiting)} wait for room` : plural(now.connections, 'connection'));
		figure('Requests /s', rate(requests), `${number(now.totals.requests)} so far`);
		figure('Fell back', requests ? percent(moved, requests) : none, `${plural(now.totals.fallbacks, 'move')} so far`, moved ? 'odd' : '');
		figure('Errors /s', rate(errors), `${number(now.totals.errors)} so far`, errors ? 'bad' : '');
		figure('First token p50', span(first.p50), 'last minute');
		figure('First token p99', span(first.p99), 'last minute');
		figure('Tokens', short(into + out), `${short(into)} in, ${short(out)} out`);
		figure('Cost', dollars(cost), 'as far as priced');
		say($('about'), `weir ${now.version}, up ${span(now.uptime_s * 1000)}, configuration ${now.generation}`
			+ (now.reload && !now.reload.ok ? ', the last reload was refused' : ''));
	}

	// ---- charts ----

	let drawnBuckets = -1;

	function drawCharts() {
		const all = series();
		const [w, h] = [600 / BUCKETS, 88];
		const peak = Math.max(...all.map(([requests]) => requests));
		const shares = all.map(([requests, moved]) => requests ? moved / requests : null);
		const top = Math.max(0.02, ...shares.map((one) => one ?? 0));
		const bars = [], known = shares.map((one, i) => [i, one]).filter(([, one]) => one !== null);

		if (drawnBuckets === buckets)
			return;
		drawnBuckets = buckets;
		all.forEach(([requests, moved, failed], i) => {
			let y = h;
			for (const [n, name] of [[requests - moved - failed, 'through'], [moved, 'moved'], [failed, 'failed']]) {
				const height = peak ? (h - 6) * Math.max(0, n) / peak : 0;
				y -= height;
				if (height)
					bars.push(shape('rect', { class: name, x: i * w + 0.6, width: w - 1.2, y, height }));
			}
		});
		$('chart-requests').replaceChildren(...bars);
		const line = known.map(([i, one]) => `${(i + 0.5) * w},${h - 3 - (h - 9) * one / top}`);
		const ends = known.length ? [`${(known[0][0] + 0.5) * w},${h}`, `${(known.at(-1)[0] + 0.5) * w},${h}`] : [];
		$('chart-rate').replaceChildren(
			shape('polygon', { class: 'rate-area', points: known.length ? [ends[0], ...line, ends[1]].join(' ') : '' }),
			shape('polyline', { class: 'rate-line', points: line.join(' ') }));
		say($('peak-requests'), peak ? `peak ${rate(peak / 5)} /s` : 'nothing yet');
		say($('peak-rate'), known.length ? `peak ${percent(Math.max(...known.map(([, one]) => one)), 1)}` : 'nothing yet');
		const sum = (at) => all.reduce((a, one) => a + one[at], 0);
		put($('chart-requests'), 'aria-label', `Requests of the last five minutes: ${number(sum(0))}, of which ${number(sum(1))} fell back and ${number(sum(2))} failed`);
		put($('chart-rate'), 'aria-label', `Fallback rate of the last five minutes: ${percent(sum(1), sum(0))}`);
	}

	// ---- ladders ----

	let ladderShape = '';
	const rungs = new Map(); // "chain step target" -> its elements

	function makeRung(chain, target) {
		const parts = {
			state: make('span', { class: 'state' }), why: make('span', { class: 'why' }),
			bar: make('i'), share: make('span'), flight: make('span', { class: 'flight' }),
		};

		parts.bars = make('span', { class: 'bar', 'aria-hidden': 'true' }, parts.bar);
		parts.row = make('li', {},
			make('span', { class: 'name' }, key(target), ' ', parts.why), parts.state,
			make('span', { class: 'share', title: 'share of the answers of the last minute' },
				parts.bars, parts.share),
			parts.flight);
		return parts;
	}

	function makeLadder(chain) {
		const facts = make('p');
		const steps = chain.steps.map((step, i) => {
			const list = step.map((target) => {
				const parts = makeRung(chain, target);
				rungs.set(`${chain.name}\n${i}\n${key(target)}`, parts);
				return parts.row;
			});
			const item = make('li', { class: 'step' }, make('span', { class: 'number', 'aria-label': `step ${i + 1}` }, String(i + 1)),
				make('ul', {}, ...list));
			rungs.set(`${chain.name}\n${i}`, item);
			return item;
		});

		rungs.set(chain.name, facts);
		return make('article', { class: 'ladder card', 'data-name': chain.name },
			make('div', { class: 'ladder-head' }, make('h3', {}, chain.name), facts), make('ol', {}, ...steps));
	}

	function drawRung(chain, i, target) {
		const parts = rungs.get(`${chain.name}\n${i}\n${key(target)}`);
		const part = share(chain.name, target.model);
		const many = chain.steps[i].filter(({ model }) => model === target.model)[0] !== target;
		const cap = target.max_inflight;

		put(parts.row, 'class', `rung ${target.state}`);
		say(parts.state, word(target.state));
		say(parts.why, why(target));
		parts.bars.hidden = many;
		parts.bar.style.width = `${100 * (many ? 0 : part ?? 0)}%`;
		say(parts.share, many ? '' : part === null ? none : `${Math.round(100 * part)} %`);
		say(parts.flight, `${number(target.inflight)}${cap ? ` / ${number(cap)}` : ''} in flight`);
	}

	function drawLadders() {
		const drawn = JSON.stringify(now.chains.map(({ name, steps }) => [name, steps.map((step) => step.map(key))]));

		if (drawn !== ladderShape) {
			ladderShape = drawn;
			rungs.clear();
			$('ladders').replaceChildren(...now.chains.map(makeLadder));
			if (!now.chains.length)
				$('ladders').append(make('p', { class: 'soft' }, 'No chains are configured; models find their vendor by their name.'));
			find();
		}
		for (const chain of now.chains) {
			const speed = lately((sample) => sample.chains.get(chain.name));
			const requests = speed && speed('requests');
			const serving = chain.steps.findIndex((step) => step.some(({ state }) => ['healthy', 'ramping', 'at_cap'].includes(state)));

			say(rungs.get(chain.name), [`${rate(requests)} /s`, requests ? `${percent(speed('failed_over'), requests)} fell back` : null,
				chain.first_token_ms.p50 === null ? null : `first token ${span(chain.first_token_ms.p50)} · p99 ${span(chain.first_token_ms.p99)}`,
				chain.cost_usd ? dollars(chain.cost_usd) : null].filter(Boolean).join(' · '));
			chain.steps.forEach((step, i) => {
				put(rungs.get(`${chain.name}\n${i}`), 'class', i === serving ? 'step serves' : 'step');
				for (const target of step)
					drawRung(chain, i, target);
			});
		}
	}

	// ---- the table of targets ----

	const model = (target) => now.models.find((one) => one.model === target.model);
	// Tokens are counted over all keys of a target: they stand with its first.
	const counted = (target) => /#\d+$/.test(key(target)) && !key(target).endsWith('#1') ? null : model(target);
	const COLUMNS = [
		{ name: 'Target', left: true, by: key },
		{ name: 'State', left: true, by: ({ state }) => NOT_WELL.indexOf(state) < 0 ? 99 : NOT_WELL.indexOf(state) },
		{ name: 'Last five minutes', left: true },
		{ name: 'In flight', by: (t) => -t.inflight, show: (t) => number(t.inflight) + (t.max_inflight ? ` / ${number(t.max_inflight)}` : ''), sum: (t) => t.inflight },
		{ name: 'Attempts', by: (t) => -t.attempts, show: (t) => number(t.attempts), sum: (t) => t.attempts },
		{ name: 'Failed', by: (t) => -t.failures, sum: (t) => t.failures },
		{ name: 'p50', by: (t) => -(t.first_token_ms.p50 ?? -1), show: (t) => span(t.first_token_ms.p50), title: 'until the first token' },
		{ name: 'p99', by: (t) => -(t.first_token_ms.p99 ?? -1), show: (t) => span(t.first_token_ms.p99), title: 'until the first token' },
		{ name: 'Tokens', by: (t) => -(counted(t)?.tokens_out ?? -1), show: (t) => counted(t) ? short(counted(t).tokens_in + counted(t).tokens_out) : none,
			sum: (t) => counted(t) ? counted(t).tokens_in + counted(t).tokens_out : 0 },
		{ name: 'Cost', by: (t) => -(counted(t)?.cost_usd ?? -1), show: (t) => counted(t) ? dollars(counted(t).cost_usd) : none,
			sum: (t) => counted(t)?.cost_usd ?? 0, total: dollars },
	];
	const FAILED = COLUMNS.findIndex(({ name }) => name === 'Failed') - 3; // of those after the strip
	let sorted = { column: null, turned: false };
	const rows = new Map();
	const opened = new Set(); // targets whose failures are shown

	function sortBy(column) {
		sorted = sorted.column !== column ? { column, turned: false } : sorted.turned ? { column: null } : { column, turned: true };
		drawHead();
		drawTable();
	}

	function drawHead() {
		const head = $('targets').tHead;
		const focused = head.contains(document.activeElement) ? [...head.querySelectorAll('button')].indexOf(document.activeElement) : -1;

		head.replaceChildren(make('tr', { role: 'row' }, ...COLUMNS.map((column) => make('th', {
			scope: 'col', role: 'columnheader', class: column.left ? 'left' : null, title: column.title,
			'aria-sort': sorted.column !== column ? null : sorted.turned ? 'descending' : 'ascending',
		}, column.by ? make('button', { type: 'button', onclick: () => sortBy(column) }, column.name) : column.name)),
		make('td', { role: 'cell' })));
		head.querySelectorAll('button')[focused]?.focus();
	}

	function makeRow(target) {
		const id = key(target);
		const strip = shape('svg', { class: 'strip', role: 'img', viewBox: '0 0 300 10', preserveAspectRatio: 'none' });
		const parts = {
			state: make('span', { class: 'state' }), why: make('div', { class: 'why' }), strip,
			cells: COLUMNS.slice(3).map(({ name }) => make('td', { role: 'cell', 'data-label': name })),
			failures: make('button', { type: 'button', class: 'fails', 'aria-expanded': 'false', onclick: () => showFailures(id) }),
			turn: make('button', { type: 'button', class: 'turn', onclick: () => askTurn(id) }),
			list: make('ol'),
		};

		parts.row = make('tr', { role: 'row' }, make('th', { scope: 'row', role: 'rowheader' }, id),
			make('td', { role: 'cell', class: 'standing' }, parts.state, parts.why),
			make('td', { role: 'cell', class: 'strip-cell left' }, strip), ...parts.cells,
			make('td', { role: 'cell', class: 'acts' }, parts.turn));
		parts.cells[FAILED].append(parts.failures);
		parts.more = make('tr', { role: 'row', class: 'failures', hidden: true },
			make('td', { role: 'cell', colspan: COLUMNS.length + 1 }, parts.list));
		return parts;
	}

	function showFailures(id) {
		if (!opened.delete(id))
			opened.add(id);
		drawTable();
	}

	function failureLine(one) {
		return make('li', {}, make('span', { class: 'soft' }, clock(one.at_ms)), make('span', {}, one.class),
			make('span', {}, one.status ? String(one.status) : none),
			make('span', { class: 'words' }, one.words ? `${one.reason}: ${one.words}` : one.reason ?? ''),
			make('span', { class: 'soft' }, span(one.ms)));
	}

	// How it stood over the last five minutes: [state, from, to] in shares of the time.
	function history({ target: id, state: standing }, end) {
		const begin = end - SPAN_MS, since = Math.max(begin, now.recent.turns_since_ms);
		const mine = turns.filter((turn) => turn.target === id);
		const pieces = [];
		let from = since, state = mine.length ? mine[0].from : standing === 'at_cap' ? 'healthy' : standing;

		for (const turn of mine) {
			const at = Math.max(since, turn.at_ms);
			if (at > from && state !== 'unknown')
				pieces.push([state, from, at]);
			from = at;
			state = turn.to;
		}
		if (state !== 'unknown')
			pieces.push([state, from, end]);
		return pieces.map(([name, a, b]) => [name, 300 * (a - begin) / SPAN_MS, 300 * (b - begin) / SPAN_MS]);
	}

	function drawStrip(parts, target) {
		const pieces = history(target, now.time_ms);
		const times = new Map();
		const drawn = pieces.map(([state, a, b]) => `${state} ${Math.round(a)} ${Math.round(b)}`).join();

		if (parts.drawn === drawn)
			return;
		parts.drawn = drawn;

		parts.strip.replaceChildren(...pieces.map(([state, a, b]) =>
			shape('rect', { class: state, x: a.toFixed(2), y: 0, width: Math.max(1.2, b - a).toFixed(2), height: 10 })));
		for (const [state, a, b] of pieces)
			times.set(state, (times.get(state) ?? 0) + b - a);
		put(parts.strip, 'aria-label', [...times].map(([state, t]) => `${word(state)} ${span(1000 * t)}`).join(', ') || 'not known yet');
	}

	function drawRow(target) {
		const parts = rows.get(key(target)), id = key(target);
		const list = failures.get(id) ?? [];
		const off = target.state === 'disabled';

		put(parts.row, 'class', `row ${target.state}`);
		say(parts.state, word(target.state));
		say(parts.why, why(target));
		COLUMNS.slice(3).forEach((column, i) => column.show && say(parts.cells[i], column.show(target)));
		drawStrip(parts, target);
		say(parts.failures, number(target.failures));
		parts.failures.disabled = !list.length;
		put(parts.failures, 'aria-expanded', String(opened.has(id)));
		put(parts.failures, 'aria-label', `${number(target.failures)} failed: the last failures of ${id}`);
		say(parts.turn, off ? 'Enable…' : 'Disable…');
		put(parts.turn, 'aria-label', `${parts.turn.textContent} ${id}`);
		parts.more.hidden = !opened.has(id) || parts.row.hidden;
		if (!parts.more.hidden && parts.newest !== list[0]) {
			parts.newest = list[0];
			parts.list.replaceChildren(...list.map(failureLine));
		}
	}

	let tableShape = '';

	function drawTable() {
		const all = targets();
		const shown = all.filter((target) => matches(key(target)) && (!$('unwell').checked || target.state !== 'healthy'));
		const { column, turned } = sorted;

		if (column)
			shown.sort((a, b) => {
				const [x, y] = [column.by(a), column.by(b)];
				return (x < y ? -1 : x > y ? 1 : 0) * (turned ? -1 : 1);
			});
		for (const target of all)
			if (!rows.has(key(target)))
				rows.set(key(target), makeRow(target));
		const order = JSON.stringify(shown.map(key));
		if (order !== tableShape) {
			tableShape = order;
			const focused = document.activeElement;
			$('targets').tBodies[0].replaceChildren(...shown.flatMap((target) => [rows.get(key(target)).row, rows.get(key(target)).more]));
			if (focused?.isConnected)
				focused.focus();
		}
		for (const target of shown)
			drawRow(target);
		drawTotals(shown);
	}

	function drawTotals(shown) {
		const foot = $('targets').tFoot;

		if (!foot.rows.length)
			foot.append(make('tr', { role: 'row' }, make('th', { scope: 'row', role: 'rowheader' }),
				...COLUMNS.slice(1).map(({ name, sum }) => make('td', { role: 'cell', 'data-label': sum ? name : null })), make('td', { role: 'cell' })));
		const cells = foot.rows[0].cells;
		say(cells[0], plural(shown.length, 'target'));
		COLUMNS.forEach(({ sum, total: show }, i) => {
			if (sum)
				say(cells[i], (show ?? short)(shown.reduce((all, target) => all + sum(target), 0)));
		});
	}

	function matches(...names) {
		const wanted = $('find').value.trim().toLowerCase();
		return !wanted || names.some((name) => name.toLowerCase().includes(wanted));
	}

	function find() {
		for (const ladder of $('ladders').querySelectorAll('.ladder')) {
			const chain = now.chains.find(({ name }) => name === ladder.dataset.name);
			ladder.hidden = !matches(chain.name, ...chain.steps.flat().map(key));
		}
	}

	// ---- the feed ----

	const OUTCOMES = {
		failed_over: ['moved', 'fell back'], exhausted: ['failed', 'failed'], ok: ['ok', 'answered'],
		caller_error: ['other', 'caller error'], hangup: ['other', 'hung up'], rejected: ['other', 'rejected'],
	};
	const entries = new Map(); // of the feed as it is drawn
	let paused = false, feedNews = true;

	const cause = (one) => one.reason && one.reason !== one.class ? `${one.class} (${one.reason})` : one.class;

	function storyText(story) {
		const steps = story.steps.filter((step, i, all) => i === all.length - 1 || step.target !== all[i + 1].target);
		const last = story.steps.at(-1);
		const troubles = story.steps.filter((step) => step.class && step.class !== 'ok');
		const path = steps.map(({ target }) => target ?? '?').join(' → ');
		const trouble = troubles.map(cause);

		return `${path}${last && !story.outcome ? ' → …' : ''}${trouble.length ? ` · ${[...new Set(trouble)].join(', ')}` : ''}`;
	}

	function trailRow(step) {
		return make('tr', {}, make('th', { scope: 'row' }, step.target ?? '?'),
			make('td', { class: 'number' }, step.status ? String(step.status) : step.attempt ? none : 'not tried'),
			make('td', {}, step.class ?? 'under way'), make('td', {}, step.reason && step.reason !== step.class ? step.reason : ''),
			make('td', { class: 'number' }, step.attempt ? span(step.ms) : ''));
	}

	function makeTrail(story) {
		return make('div', { class: 'trail' },
			make('table', {}, make('thead', { class: 'soft' }, make('tr', {},
				...['Target', 'Status', 'Class', 'Reason', 'Took'].map((name) => make('th', { scope: 'col' }, name)))),
			make('tbody', {}, ...story.steps.map(trailRow))),
			make('p', { class: 'soft' }, make('span', { class: 'id' }, story.request_id), [
				'', clock(story.began_ms), story.stream ? 'streamed' : 'whole', story.status ? `${story.status} to the caller` : null,
				story.first_token_ms === null ? null : `first token after ${span(story.first_token_ms)}`,
			].filter((text) => text !== null).join(' · ')));
	}

	// Those in a row that are alike are one entry.
	function signature({ story, turn }) {
		return story ? `${story.plain} ${story.outcome} ${story.chain}: ${storyText(story)}` : `${turn.target} ${turn.to} ${turn.at_ms}`;
	}

	function makeStory() {
		const entry = { time: make('span', { class: 'soft' }), word: make('span'), what: make('span', { class: 'what' }),
			ms: make('span', { class: 'ms' }), trails: make('div', { class: 'trails' }) };

		entry.item = make('li', {}, make('details', {},
			make('summary', {}, entry.time, entry.word, entry.what, entry.ms), entry.trails));
		return entry;
	}

	function fillStory(entry, group) {
		const { story } = group.at(-1);
		const [kind, text] = story.outcome ? OUTCOMES[story.outcome] : ['moved', 'falling back'];
		const again = story.outcome === 'ok' && story.steps.length > 1;

		say(entry.time, clock(story.began_ms));
		entry.word.className = `word ${again ? 'moved' : kind}`;
		say(entry.word, again ? 'tried again' : text);
		say(entry.what, `${story.chain}: ${storyText(story)}`);
		say(entry.ms, (group.length > 1 ? `× ${group.length} · ` : '') + (story.ms === null ? '…' : span(story.ms)));
		entry.trails.replaceChildren(...group.slice(-TRAILS_MAX).reverse().map(({ story: one }) => makeTrail(one)));
	}

	function makeTurn(turn) {
		const reason = turn.class ? cause(turn) : ['benched', 'disabled'].includes(turn.to) ? turn.reason : null;
		const time = turn.until_ms === null ? '' : ` · for ${wait(turn.until_ms)}`;

		return { item: make('li', {}, make('div', { class: 'turn' }, make('span', { class: 'soft' }, clock(turn.at_ms)),
			make('span', { class: `state ${turn.to}` }, word(turn.to)),
			make('span', { class: 'what' }, `${turn.target ?? '?'}: was ${word(turn.from)}${reason ? ` · ${reason}` : ''}${time}`))) };
	}

	function learnFeed(recent) {
		const news = [
			...recent.requests.map((story) => ({ id: story.request_id, at: story.began_ms, story })),
			...recent.turns.filter(({ from }) => from !== 'unknown').map((turn) =>
				({ id: `${turn.target} ${turn.to} ${Math.round(turn.at_ms / 100)}`, at: turn.at_ms, turn })),
		].sort((a, b) => a.at - b.at);

		for (const one of news)
			if (!feed.has(one.id) || one.story)
				feed.set(one.id, one);
		for (const id of feed.keys()) {
			if (feed.size <= FEED_MAX)
				break;
			feed.delete(id);
		}
		feedNews ||= news.length > 0;
	}

	function feedGroups() {
		const groups = [];

		for (const one of [...feed.values()].sort((a, b) => a.at - b.at)) {
			if (one.story?.plain && !$('plain').checked)
				continue;
			const last = groups.at(-1);
			if (last && signature(last[0]) === signature(one))
				last.push(one);
			else
				groups.push([one]);
		}
		return groups.reverse();
	}

	// An entry goes by the oldest of its like, so that it stays, and stays open, while it grows.
	function drawFeed() {
		const list = [];

		if (paused || !feedNews)
			return;
		feedNews = false;
		for (const group of feedGroups()) {
			const { id, story, turn } = group[0];
			const entry = entries.get(id) ?? (story ? makeStory() : makeTurn(turn));
			const made = group.map(signature).join() + group.length;

			entries.set(id, entry);
			if (story && entry.made !== made)
				fillStory(entry, group);
			entry.made = made;
			list.push(entry.item);
		}
		for (const [id, { item }] of entries)
			if (!list.includes(item)) {
				item.remove();
				entries.delete(id);
			}
		if (!list.length)
			list.push(make('li', { class: 'none' }, 'Nothing has fallen back or failed yet, and no target has changed.'));
		list.forEach((item, i) => {
			if ($('feed').children[i] !== item)
				$('feed').insertBefore(item, $('feed').children[i] ?? null);
		});
		while ($('feed').children.length > list.length)
			$('feed').lastChild.remove();
	}

	function pause() {
		paused = !paused;
		put($('pause'), 'aria-pressed', String(paused));
		say($('pause'), paused ? 'Go on' : 'Pause');
		feedNews = true;
		drawFeed();
	}

	// ---- drawing all ----

	function draw(status) {
		learn(status);
		learnFeed(status.recent);
		drawVerdict();
		drawLink();
		drawRest();
	}

	// Nobody looks at a hidden page; its title is seen all the same.
	function drawRest() {
		if (!now || document.hidden)
			return;
		drawFigures();
		drawCharts();
		drawLadders();
		drawTable();
		drawFeed();
	}

	// Never shows as live what is old.
	function drawLink() {
		const age = now ? performance.now() - heard : 0;
		const lost = now ? age > QUIET_MS : false;

		body.className = !now ? (refusal ? 'waiting lost' : 'waiting') : lost ? 'lost' : 'live';
		say($('link-text'), !now ? refusal ?? 'Connecting' : lost
			? `Connection lost: this is ${span(Math.floor(age / 1000) * 1000)} old. Trying again…` : 'Live');
		if (lost)
			document.title = 'weir: connection lost';
		for (const button of document.querySelectorAll('header .orders button, .acts button'))
			button.disabled = lost || !now;
	}

	// ---- the connection ----

	let refusal = null; // why there is nothing to show yet
	let secret = null;
	try {
		secret = sessionStorage.getItem('weir-admin-key');
	} catch { /* it is asked for again, then */ }

	const auth = () => secret ? { authorization: `Bearer ${secret}` } : {};
	const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

	function askKey() {
		return new Promise((resolve) => {
			const form = $('door-form');

			say($('door-text'), secret ? 'That key was not taken. It is the admin_key of the configuration.'
				: 'It is kept in this tab only, until the tab is closed.');
			form.onsubmit = (event) => {
				event.preventDefault();
				secret = $('door-key').value;
				$('door-key').value = '';
				try {
					sessionStorage.setItem('weir-admin-key', secret);
				} catch { /* kept until the page is left */ }
				$('door').close();
				resolve();
			};
			$('door').oncancel = (event) => event.preventDefault();
			$('door').showModal();
		});
	}

	async function reasonOf(answer) {
		try {
			return JSON.parse(await answer.text()).error.message;
		} catch {
			return `${answer.status} ${answer.statusText}`;
		}
	}

	function onEvent(block) {
		const data = block.split('\n').filter((line) => line.startsWith('data: ')).map((line) => line.slice(6)).join('\n');

		if (data) {
			refusal = null;
			draw(JSON.parse(data));
		}
	}

	async function follow() {
		const stop = new AbortController();
		const answer = await fetch('status/live', { headers: auth(), cache: 'no-store', signal: stop.signal });
		let last = performance.now(), rest = '';
		const watch = setInterval(() => performance.now() - last > DEAD_MS && stop.abort(), 1000);

		try {
			if (answer.status === 401)
				return await askKey();
			if (!answer.ok)
				throw new Error(await reasonOf(answer));
			fresh = true;
			const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
			for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
				last = performance.now();
				const blocks = (rest + piece.value).split('\n\n');
				rest = blocks.pop();
				blocks.forEach(onEvent);
			}
		} finally {
			clearInterval(watch);
			stop.abort();
		}
		throw new Error('the connection has ended');
	}

	async function run() {
		for (let tries = 0; ; tries++) {
			const before = heard;
			try {
				await follow();
				tries = 0;
			} catch (error) {
				refusal = `Not connected: ${error.message}. Trying again…`;
			}
			if (heard !== before)
				tries = 0;
			drawLink();
			await sleep(Math.min(3000, 250 * 2 ** tries));
		}
	}

	// ---- orders ----

	function notice(kind, ...content) {
		put($('notice'), 'class', `notice ${kind}`);
		$('notice-text').replaceChildren(...content);
		$('notice').hidden = false;
	}

	function ask(title, text, yes, act) {
		say($('ask-title'), title);
		say($('ask-text'), text);
		say($('ask-yes'), yes);
		$('ask-yes').onclick = () => {
			$('ask').close();
			act();
		};
		$('ask').showModal();
		$('ask-no').focus();
	}

	async function order(path) {
		const post = () => fetch(path, { method: 'POST', headers: { 'x-weir-admin': '1', ...auth() }, cache: 'no-store' });
		let answer = await post();

		while (answer.status === 401) {
			await askKey();
			answer = await post();
		}
		const text = await answer.text();
		try {
			return { answer, said: JSON.parse(text) };
		} catch {
			return { answer, said: {} };
		}
	}

	async function carryOut(path, done) {
		try {
			const { answer, said } = await order(path);
			if (said.error)
				notice('bad', `Refused: ${said.error.message}`);
			else
				done(said, answer.ok);
		} catch (error) {
			notice('bad', `That did not get through: ${error.message}`);
		}
	}

	function askTurn(id) {
		const target = targets().find((one) => key(one) === id);
		const off = target?.state === 'disabled';

		ask(`${off ? 'Enable' : 'Disable'} ${id}?`, off ? 'It gets traffic again at once.'
			: 'It gets no new request, not even as a last resort, until it is enabled again. Attempts under way go on.',
		off ? 'Enable' : 'Disable', () => carryOut(`targets/${encodeURIComponent(id)}/${off ? 'enable' : 'disable'}`,
			() => notice('', `${id} is ${off ? 'enabled' : 'disabled'}.`)));
	}

	function finding(one) {
		return make('li', {}, `${one.file ?? ''}:${one.line ?? 0} ${one.level ?? ''}: ${one.key ?? ''} ${one.message ?? ''}${one.fix ? `; ${one.fix}` : ''}`);
	}

	function tellReload(said, ok) {
		notice(ok ? '' : 'bad', ok ? `Configuration ${said.generation} is in force.` : `Nothing has changed: ${said.message ?? 'the file was refused'}.`,
			make('ul', {}, ...(said.findings ?? []).map(finding)));
	}

	$('reload').onclick = () => ask('Reload the configuration?', 'The file is read again. All of it comes into force, or nothing; requests under way go on by the old one.',
		'Reload', () => carryOut('reload', tellReload));
	$('drain').onclick = () => ask('Drain this weir?', 'It takes no new request, those under way end, and then the process does. This cannot be taken back.',
		'Drain', () => carryOut('drain', () => notice('', 'Draining has begun.')));
	$('ask-no').onclick = () => $('ask').close();
	$('notice-close').onclick = () => ($('notice').hidden = true);
	$('pause').onclick = pause;
	$('plain').onchange = () => {
		feedNews = true;
		drawFeed();
	};
	$('unwell').onchange = () => now && drawTable();
	$('find').oninput = () => now && (find(), drawTable());
	document.addEventListener('visibilitychange', drawRest);
	setInterval(drawLink, 500);
	drawHead();
	drawLink();
	run();
})();
