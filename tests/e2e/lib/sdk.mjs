// The official client, of which nothing is changed but where it calls.
import OpenAI from 'openai';

export { OpenAI };

export function client(weir, options = {}) {
	return new OpenAI({ baseURL: weir.base, apiKey: 'sk-the-callers-own', ...options });
}

// { text, finish, response } whether streamed or not.
export async function complete(openai, body) {
	const { data, response } = await openai.chat.completions.create(body).withResponse();
	let text = '';
	let finish = null;

	if (!body.stream) {
		const choice = data.choices[0];
		return { text: choice.message.content, finish: choice.finish_reason, model: data.model, response };
	}
	for await (const chunk of data) {
		text += chunk.choices[0]?.delta?.content ?? '';
		finish = chunk.choices[0]?.finish_reason ?? finish;
	}
	return { text, finish, response };
}
