// Providers' dialects: how weir is pointed at one, where it asks and with which key, and how to
// read what it asked in the dialect's own words: { model, system, texts, images, tools, forced,
// schema, spoken, calls, results }.

const list = (value) => (value === undefined || value === null ? [] : [value].flat());
const parts = (content) => (typeof content === 'string' ? [{ type: 'text', text: content }] : list(content));
const textOf = (content) => parts(content).filter((p) => p.type === 'text').map((p) => p.text).join('');

function readOpenai({ body }) {
	const { model, messages, tools, tool_choice: choice, response_format: format } = JSON.parse(body);
	const of = (...roles) => messages.filter((m) => roles.includes(m.role));
	const given = of('user').flatMap((m) => parts(m.content));

	return {
		model,
		system: of('system', 'developer').map((m) => textOf(m.content)).join('\n'),
		texts: given.filter((p) => p.type === 'text').map((p) => p.text),
		images: given.filter((p) => p.type === 'image_url').map((p) => p.image_url.url)
			.map((url) => url.match(/^data:([^;]+);base64,(.*)$/)).map(([, type, data]) => ({ type, data })),
		tools: list(tools).map((t) => ({ name: t.function.name, schema: t.function.parameters })),
		forced: choice?.function?.name,
		schema: format?.json_schema?.schema,
		spoken: of('assistant').map((m) => textOf(m.content)),
		calls: of('assistant').flatMap((m) => list(m.tool_calls))
			.map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) })),
		results: of('tool').map((m) => ({ id: m.tool_call_id, text: textOf(m.content) })),
	};
}

function readAnthropic({ body }) {
	const { model, system, messages, tools, tool_choice: choice, output_config: output } = JSON.parse(body);
	const blocks = (role) => messages.filter((m) => m.role === role).flatMap((m) => parts(m.content));
	const given = blocks('user');

	return {
		model,
		system: textOf(system),
		texts: given.filter((b) => b.type === 'text').map((b) => b.text),
		images: given.filter((b) => b.type === 'image')
			.map(({ source }) => ({ type: source.media_type, data: source.data })),
		tools: list(tools).map((t) => ({ name: t.name, schema: t.input_schema })),
		forced: choice?.name,
		schema: output?.format?.schema,
		spoken: messages.filter((m) => m.role === 'assistant').map((m) => textOf(m.content)),
		calls: blocks('assistant').filter((b) => b.type === 'tool_use')
			.map(({ id, name, input }) => ({ id, name, args: input })),
		results: given.filter((b) => b.type === 'tool_result')
			.map((b) => ({ id: b.tool_use_id, text: textOf(b.content) })),
	};
}

function readGemini({ target, body }) {
	const { contents, systemInstruction, tools, toolConfig, generationConfig } = JSON.parse(body);
	const of = (role) => contents.filter((c) => c.role === role).flatMap((c) => c.parts);
	const given = of('user');

	return {
		model: decodeURIComponent(target.match(/\/models\/([^:]+):/)[1]),
		system: list(systemInstruction?.parts).map((p) => p.text).join(''),
		texts: given.filter((p) => p.text !== undefined).map((p) => p.text),
		images: given.filter((p) => p.inlineData)
			.map(({ inlineData: { mimeType: type, data } }) => ({ type, data })),
		tools: list(tools).flatMap((t) => list(t.functionDeclarations))
			.map((f) => ({ name: f.name, schema: f.parametersJsonSchema ?? f.parameters })),
		forced: toolConfig?.functionCallingConfig?.allowedFunctionNames?.[0],
		schema: generationConfig?.responseJsonSchema ?? generationConfig?.responseSchema,
		spoken: contents.filter((c) => c.role === 'model')
			.map((c) => c.parts.map((p) => p.text ?? '').join('')),
		calls: of('model').filter((p) => p.functionCall)
			.map(({ functionCall: { id, name, args } }) => ({ id, name, args: args ?? {} })),
		results: given.filter((p) => p.functionResponse)
			.map(({ functionResponse: { id, response } }) => ({ id, text: response.output })),
	};
}

const key = 'sk-of-the-provider';

export const upstreams = [
	{
		dialect: 'openai',
		provider: (url) => ({ dialect: 'openai', base_url: `${url}/v1`, keys: key }),
		keyOf: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
		pathOf: () => '/v1/chat/completions',
		read: readOpenai,
	},
	{
		dialect: 'anthropic',
		provider: (url) => ({ dialect: 'anthropic', base_url: url, keys: key }),
		keyOf: ({ headers }) => headers['x-api-key'],
		pathOf: () => '/v1/messages',
		read: readAnthropic,
	},
	{
		dialect: 'gemini',
		doubted: true, // its 400 to a translated request may be the translation's fault
		provider: (url) => ({ dialect: 'gemini', base_url: url, keys: key }),
		keyOf: ({ headers }) => headers['x-goog-api-key'],
		pathOf: (model, stream) => `/v1beta/models/${model}:`
			+ (stream ? 'streamGenerateContent?alt=sse' : 'generateContent'),
		read: readGemini,
	},
	{
		dialect: 'azure',
		provider: (url) => ({ dialect: 'azure', base_url: url, keys: key, api_version: '2024-10-21' }),
		keyOf: ({ headers }) => headers['api-key'],
		pathOf: (model) => `/openai/deployments/${model}/chat/completions?api-version=2024-10-21`,
		read: readOpenai,
	},
].map((row) => ({ ...row, key }));
