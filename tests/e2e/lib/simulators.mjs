// Two simulators that know nothing of each other: our own `weir mock`, and aimock, which
// others wrote. Both are told the same kinds of answers, and tell what will be in them.
import { LLMock } from '@copilotkit/aimock';
import { startGlass } from './glass.mjs';
import { startMock } from './mock.mjs';

export const JSON_SAID = { city: 'Zürich "am See"', degrees: -3.5 };

// aimock cuts after each sixth unit of UTF-16: in the midst of the whale.
const TEXT = 'Gruß \u{1f40b}: "quoted", a \\ and\na second line.';
const ERRORS = {
	400: { type: 'invalid_request_error', gemini: 'INVALID_ARGUMENT' },
	429: { type: 'rate_limit_error', gemini: 'RESOURCE_EXHAUSTED' },
	500: { type: 'api_error', gemini: 'INTERNAL' },
	529: { type: 'overloaded_error', gemini: 'UNAVAILABLE' },
};

// Behind a pane of glass for each dialect. play(dialect, kinds) sets the answers to come and
// gives what they say: { text, calls: [{ name, args }], usage: { in, out }, message }.
class Simulator {
	panes = {};

	async open(urls) {
		for (const [dialect, url] of Object.entries(urls))
			this.panes[dialect] = await startGlass(url);
		return this;
	}

	speaks(dialect) {
		return dialect in this.panes;
	}

	url(dialect) {
		return this.panes[dialect].url;
	}

	seen(dialect) {
		return this.panes[dialect].take();
	}

	async stop() {
		for (const pane of Object.values(this.panes))
			await pane.stop();
		await this.program.stop();
	}
}

class WeirMock extends Simulator {
	name = 'weir mock';
	short = 'mock';

	static say = (text, tokens) => ({
		step: `200;tokens=${tokens};say=${encodeURIComponent(text)}`,
		said: { text, calls: [], usage: { out: tokens } },
	});

	static call = (dialect, calls) => ({
		step: `200;tokens=3;tools=${calls}`,
		said: {
			text: '',
			calls: Array.from({ length: calls }, (_, n) => ({ name: 'say',
				args: n === calls - 1 ? { text: `${dialect}: tok0 tok1 tok2` } : { n } })),
			usage: { out: 3 },
		},
	});

	answer(dialect, kind) {
		switch (kind) {
		case 'text': return WeirMock.say(TEXT, 5);
		case 'json': return WeirMock.say(JSON.stringify(JSON_SAID), 4);
		case 'cut': return { step: `cut;after=2;tokens=5;say=${encodeURIComponent(TEXT)}`, said: {} };
		case 'tool':
		case 'mixed':
		case 'say': return WeirMock.call(dialect, 1);
		case 'parallel': return WeirMock.call(dialect, 2);
		default: return {
			step: `${kind};message=${encodeURIComponent(`weir mock says ${kind}`)}`,
			said: { message: `weir mock says ${kind}` },
		};
		}
	}

	async play(dialect, kinds) {
		const answers = kinds.map((kind) => this.answer(dialect, kind));

		await this.program.script({ [dialect]: answers.map((a) => a.step).join(',') });
		return answers.map((a) => a.said);
	}
}

class Aimock extends Simulator {
	name = 'aimock';
	short = 'aimock';
	queues = {};
	tokens = { in: 11, out: 7 };

	// The same numbers in each vendor's words.
	get usage() {
		const { in: input, out } = this.tokens;

		return { prompt_tokens: input, completion_tokens: out, input_tokens: input, output_tokens: out,
			promptTokenCount: input, candidatesTokenCount: out };
	}

	static calls = {
		tool: [{ name: 'weather', args: { city: 'São "Paulo"', days: [1, 2], deep: { a: null, b: 1e-7 } } }],
		say: [{ name: 'say', args: { text: TEXT } }],
		parallel: [{ name: 'weather', args: { city: 'Oslo' } }, { name: 'say', args: {} },
			{ name: 'weather', args: { city: 'Rome' } }],
	};

	fault(dialect, kind) {
		const message = `aimock says ${kind}`;
		const type = ERRORS[kind][dialect] ?? ERRORS[kind].type;

		return { response: { status: Number(kind), error: { message, type } }, said: { message } };
	}

	answer(kind) {
		if (kind === 'thought')
			return this.thought();
		const calls = Aimock.calls[kind === 'mixed' ? 'tool' : kind];
		const before = kind === 'mixed' ? { content: TEXT } : {};
		const text = kind === 'json' ? JSON.stringify(JSON_SAID) : TEXT;

		if (!calls)
			return { response: { content: text, usage: this.usage, cut: kind === 'cut' }, said: { text, calls: [], usage: this.tokens } };
		return {
			response: {
				...before,
				toolCalls: calls.map(({ name, args }) => ({ name, arguments: JSON.stringify(args) })),
				usage: this.usage,
			},
			said: { text: before.content ?? '', calls, usage: this.tokens },
		};
	}

	// A call that was thought about, as Anthropic's models do: signed, or not to be read.
	thought() {
		const { response, said } = this.answer('tool');
		const thought = { reasoning: 'First, the "weather".', reasoningSignature: 'c2lnbmVkLWJ5LWFpbW9jaw==',
			redactedThinking: ['b3BhcXVl'] };

		return { response: { ...response, ...thought }, said: { ...said, thought } };
	}

	async play(dialect, kinds) {
		const answers = kinds.map((kind) => (Number(kind) ? this.fault(dialect, kind) : this.answer(kind)));

		this.queues[dialect] = answers.map((a) => a.response);
		return answers.map((a) => a.said);
	}

	// It tells us the model, which names the dialect that is asked: m1.openai, claude-opus-5.
	queue({ model }) {
		const dialect = { claude: 'anthropic', gpt: 'openai', gemini: 'gemini' }[model.split('-')[0]]
			?? model.split('.').at(-1);

		return this.queues[dialect] ?? [];
	}

	head(request) {
		return this.queue(request)[0];
	}

	next(request) {
		const queue = this.queue(request);
		return queue.length > 1 ? queue.shift() : queue[0];
	}
}

export async function startWeirMock(dialects) {
	const mock = new WeirMock();

	mock.program = await startMock(Object.fromEntries(dialects.map((d) => [d, '200'])));
	return mock.open(mock.program.urls);
}

export async function startAimock(dialects) {
	const mock = new Aimock();

	// strict: it refuses what it has no answer for, and broken histories of thinking.
	mock.program = await LLMock.create({ port: 0, host: '127.0.0.1', strict: true, chunkSize: 6 });
	mock.program.on({ predicate: (request) => mock.head(request)?.cut }, (request) => mock.next(request),
		{ truncateAfterChunks: 4, latency: 5 });
	mock.program.on({ predicate: () => true }, (request) => mock.next(request));
	return mock.open(Object.fromEntries(dialects.map((d) => [d, mock.program.url])));
}
