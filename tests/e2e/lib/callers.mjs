// Callers: clients that others wrote, of which nothing is changed but where they call. Each
// runs a task to its end, tools and all, and tells what it was told, turn by turn:
// { turns: [{ model, text, thought, calls: [{ name, args }], finish, usage: { in, out } }], heads }.
import Anthropic from '@anthropic-ai/sdk';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Output, generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import OpenAI from 'openai';

globalThis.AI_SDK_LOG_WARNINGS = false;

export const resultOf = ({ name, args }) => `${name} was given ${JSON.stringify(args)}`;

const TURNS_MAX = 8;
const apiKey = 'sk-the-callers-own';

// fetch, and the heads of all that came by it
function listening() {
	const heads = [];

	return { heads, fetch: async (...args) => {
		const response = await fetch(...args);
		heads.push({ status: response.status, headers: Object.fromEntries(response.headers) });
		return response;
	} };
}

// one(messages) → { message, calls, … }; more(message, calls) → the messages that follow
export async function converse(messages, one, more, max = TURNS_MAX) {
	const turns = [];

	for (let n = 0; n < max; n++) {
		const { message, ...turn } = await one(messages);
		turns.push(turn);
		if (!turn.calls.length)
			break;
		messages.push(...more(message, turn.calls));
	}
	return turns;
}

const openai = {
	name: 'openai',
	language: 'openai',
	words: { end: 'stop', tools: 'tool_calls' },

	async run({ address, model, task, stream, more = {} }) {
		const { heads, fetch } = listening();
		const client = new OpenAI({ baseURL: `http://${address}/v1`, apiKey, fetch, maxRetries: 0 });
		const dataUrl = (image) => `data:image/png;base64,${image.toString('base64')}`;
		const content = task.image ? [{ type: 'text', text: task.text },
			{ type: 'image_url', image_url: { url: dataUrl(task.image) } }] : task.text;
		const body = {
			model,
			max_completion_tokens: task.max,
			...(task.tools ? { tools: task.tools.map(({ name, schema }) =>
				({ type: 'function', function: { name, parameters: schema } })) } : {}),
			...(task.force ? { tool_choice: { type: 'function', function: { name: task.force } } } : {}),
			...(task.schema ? { response_format: { type: 'json_schema',
				json_schema: { name: 'answer', schema: task.schema, strict: true } } } : {}),
			...more,
		};
		let thought = ''; // of a stream: the client's own reader knows no such field
		const ask = (messages) => {
			if (!stream)
				return client.chat.completions.create({ ...body, messages });
			thought = '';
			return client.chat.completions
				.stream({ ...body, messages, stream_options: { include_usage: true } })
				.on('chunk', ({ choices: [choice] }) => (thought += choice?.delta.reasoning_content ?? ''))
				.finalChatCompletion();
		};
		const turns = await converse([{ role: 'system', content: task.system }, { role: 'user', content }],
			async (messages) => {
				const { choices: [choice], usage, model: server } = await ask(messages);
				return {
					message: choice.message,
					model: server,
					text: choice.message.content ?? '',
					thought: stream ? thought : choice.message.reasoning_content ?? '',
					calls: (choice.message.tool_calls ?? []).map((c) => ({ id: c.id,
						name: c.function.name, args: JSON.parse(c.function.arguments) })),
					finish: choice.finish_reason,
					usage: { in: usage.prompt_tokens, out: usage.completion_tokens },
				};
			},
			(message, calls) => [message, ...calls.map((call) =>
				({ role: 'tool', tool_call_id: call.id, content: resultOf(call) }))], task.turns);

		return { turns, heads };
	},

	fault: (error) => ({ status: error.status, message: error.message, type: error.type, code: error.code }),
};

const anthropic = {
	name: '@anthropic-ai/sdk',
	language: 'anthropic',
	words: { end: 'end_turn', tools: 'tool_use' },

	async run({ address, model, task, stream, more = {} }) {
		const { heads, fetch } = listening();
		const client = new Anthropic({ baseURL: `http://${address}`, apiKey, fetch, maxRetries: 0 });
		const content = task.image ? [{ type: 'text', text: task.text }, { type: 'image', source: {
			type: 'base64', media_type: 'image/png', data: task.image.toString('base64') } }] : task.text;
		const body = {
			model,
			max_tokens: task.max,
			system: task.system,
			...(task.tools ? { tools: task.tools.map(({ name, schema }) =>
				({ name, input_schema: schema })) } : {}),
			...(task.force ? { tool_choice: { type: 'tool', name: task.force } } : {}),
			...(task.schema ? { output_config: { format: { type: 'json_schema', schema: task.schema } } } : {}),
			...more,
		};
		const ask = (messages) => (stream
			? client.messages.stream({ ...body, messages }).finalMessage()
			: client.messages.create({ ...body, messages }));
		const turns = await converse([{ role: 'user', content }],
			async (messages) => {
				const message = await ask(messages);
				const of = (type) => message.content.filter((b) => b.type === type);
				return {
					message,
					model: message.model,
					text: of('text').map((b) => b.text).join(''),
					thought: of('thinking').map((b) => b.thinking).join(''),
					calls: of('tool_use').map(({ id, name, input }) => ({ id, name, args: input })),
					finish: message.stop_reason,
					usage: { in: message.usage.input_tokens, out: message.usage.output_tokens },
				};
			},
			(message, calls) => [{ role: 'assistant', content: message.content }, { role: 'user',
				content: calls.map((call) =>
					({ type: 'tool_result', tool_use_id: call.id, content: resultOf(call) })) }], task.turns);

		return { turns, heads };
	},

	fault: (error) => ({ status: error.status, message: error.error?.error?.message,
		type: error.error?.error?.type }),
};

// The Vercel AI SDK makes the turns of a tool's use itself.
async function aiSdk(of, { address, model, task, stream, more = {} }) {
	const { heads, fetch } = listening();
	const wish = {
		model: of({ baseURL: `http://${address}/v1`, apiKey, fetch }, model),
		system: task.system,
		messages: [{ role: 'user', content: task.image
			? [{ type: 'text', text: task.text }, { type: 'file', mediaType: 'image/png', data: task.image }]
			: task.text }],
		maxOutputTokens: task.max,
		maxRetries: 0,
		stopWhen: stepCountIs(task.turns ?? TURNS_MAX),
		...(task.tools ? { tools: Object.fromEntries(task.tools.map(({ name, schema }) => [name,
			tool({ inputSchema: jsonSchema(schema), execute: (args) => resultOf({ name, args }) })])) } : {}),
		...(task.force ? { toolChoice: { type: 'tool', toolName: task.force } } : {}),
		...(task.schema ? { output: Output.object({ schema: jsonSchema(task.schema) }) } : {}),
		// by its format, not by a tool, as for the models it knows
		providerOptions: { anthropic: { structuredOutputMode: 'outputFormat' } },
		...more,
	};
	let failed = null;
	const result = stream ? streamText({ ...wish, onError: ({ error }) => (failed ??= error) })
		: await generateText(wish);
	const steps = await Promise.resolve(result.steps).catch((error) => {
		throw failed ?? error;
	});

	if (failed)
		throw failed;
	if (task.schema)
		await result.output; // judged by the SDK itself
	return { heads, turns: steps.map((step) => ({
		text: step.text,
		model: step.response.modelId,
		thought: step.reasoningText ?? '',
		calls: step.toolCalls.map((c) => ({ id: c.toolCallId, name: c.toolName, args: c.input })),
		finish: step.finishReason,
		usage: { in: step.usage.inputTokens, out: step.usage.outputTokens },
	})) };
}

const aiFault = (error) => ({ status: error.statusCode, message: error.message,
	type: JSON.parse(error.responseBody).error.type });

const aiOpenai = {
	name: 'ai + @ai-sdk/openai-compatible',
	language: 'openai',
	words: { end: 'stop', tools: 'tool-calls' },
	run: (wish) => aiSdk((options, model) => createOpenAICompatible({ name: 'weir', includeUsage: true,
		supportsStructuredOutputs: true, ...options }).chatModel(model), wish),
	fault: aiFault,
};

const aiAnthropic = {
	name: 'ai + @ai-sdk/anthropic',
	language: 'anthropic',
	words: { end: 'stop', tools: 'tool-calls' },
	run: (wish) => aiSdk((options, model) => createAnthropic(options)(model), wish),
	fault: aiFault,
};

export const callers = [openai, aiOpenai, anthropic, aiAnthropic];
