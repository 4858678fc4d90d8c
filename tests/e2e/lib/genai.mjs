// Google's own client, which speaks nothing but Gemini's API: weir takes no such callers, so it
// asks the simulators themselves, and shows that what weir hears from them is what it would.
import { ApiError, GoogleGenAI } from '@google/genai';
import { converse, resultOf } from './callers.mjs';

console.warn = () => {}; // it tells at each call that there is one

function bodyOf({ model, task }) {
	return {
		model,
		config: {
			systemInstruction: task.system,
			maxOutputTokens: task.max,
			...(task.tools ? { tools: [{ functionDeclarations: task.tools.map(({ name, schema }) =>
				({ name, parametersJsonSchema: schema })) }] } : {}),
			...(task.force ? { toolConfig: { functionCallingConfig:
				{ mode: 'ANY', allowedFunctionNames: [task.force] } } } : {}),
			...(task.schema ? { responseMimeType: 'application/json', responseJsonSchema: task.schema } : {}),
		},
	};
}

// One answer of all its pieces: { parts, finishReason, usageMetadata }.
async function whole(pieces) {
	const answer = { parts: [] };

	for await (const { candidates: [candidate] = [], usageMetadata } of pieces) {
		answer.parts.push(...candidate?.content?.parts ?? []);
		answer.finishReason = candidate?.finishReason ?? answer.finishReason;
		answer.usageMetadata = usageMetadata ?? answer.usageMetadata;
	}
	return answer;
}

export const genai = {
	name: '@google/genai',
	language: 'gemini',
	words: { end: 'STOP', tools: 'STOP' },

	async run({ url, model, task, stream, key = 'sk-the-callers-own', apiVersion = 'v1beta' }) {
		const { models } = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, apiVersion } });
		const body = bodyOf({ model, task });
		const image = (data) => ({ inlineData: { mimeType: 'image/png', data: data.toString('base64') } });
		const turns = await converse([{ role: 'user', parts: [{ text: task.text },
			...(task.image ? [image(task.image)] : [])] }],
			async (contents) => {
				const { parts, finishReason, usageMetadata: usage } = await whole(stream
					? await models.generateContentStream({ ...body, contents })
					: [await models.generateContent({ ...body, contents })]);
				return {
					message: { role: 'model', parts },
					text: parts.map((p) => p.text ?? '').join(''),
					calls: parts.filter((p) => p.functionCall).map(({ functionCall: { id, name, args } }, i) =>
						({ id: id ?? i, own: id, name, args: args ?? {} })),
					// aimock has a word of its own for calls, which Google's has not
					finish: finishReason.replace('FUNCTION_CALL', 'STOP'),
					usage: { in: usage.promptTokenCount, out: usage.candidatesTokenCount },
				};
			},
			(message, calls) => [message, { role: 'user', parts: calls.map((call) => ({ functionResponse:
				{ id: call.own, name: call.name, response: { output: resultOf(call) } } })) }], task.turns);

		return { turns, heads: [] };
	},

	fault(error) {
		const { error: told } = JSON.parse(error.message);
		return { status: error instanceof ApiError && error.status, message: told.message,
			type: told.status, code: told.code };
	},
};
