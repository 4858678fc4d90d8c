// Providers' dialects: how weir is pointed at one, and how to read what it was asked in the
// dialect's own words: { model, system, texts, images, tools, schema, calls, results }.

const list = (value) => (value === undefined || value === null ? [] : [value].flat());
const parts = (content) => (typeof content === 'string' ? [{ type: 'text', text: content }] : list(content));
const textOf = (content) => parts(content).filter((p) => p.type === 'text').map((p) => p.text).join('');

function readOpenai({ body }) {
	const { model, messages, tools, response_format: format } = JSON.parse(body);
	const of = (...roles) => messages.filter((m) => roles.includes(m.role));
	const given = of('user').flatMap((m) => parts(m.content));

	return {
		model,
		system: of('system', 'developer').map((m) => textOf(m.content)).join('\n'),
		texts: given.filter((p) => p.type === 'text').map((p) => p.text),
		images: given.filter((p) => p.type === 'image_url').map((p) => p.image_url.url)
			.map((url) => url.match(/^data:([^;]+);base64,(.*)$/)).map(([, type, data]) => ({ type, data })),
		tools: list(tools).map((t) => ({ name: t.function.name, schema: t.function.parameters })),
		schema: format?.json_schema?.schema,
		calls: of('assistant').flatMap((m) => list(m.tool_calls))
			.map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) })),
		results: of('tool').map((m) => ({ id: m.tool_call_id, text: textOf(m.content) })),
	};
}

function readAnthropic({ body }) {
	const { model, system, messages, tools, output_config: output } = JSON.parse(body);
	const blocks = (role) => messages.filter((m) => m.role === role).flatMap((m) => parts(m.content));
	const given = blocks('user');

	return {
		model,
		system: textOf(system),
		texts: given.filter((b) => b.type === 'text').map((b) => b.text),
		images: given.filter((b) => b.type === 'image')
			.map(({ source }) => ({ type: source.media_type, data: source.data })),
		tools: list(tools).map((t) => ({ name: t.name, schema: t.input_schema })),
		schema: output?.format?.schema,
		calls: blocks('assistant').filter((b) => b.type === 'tool_use')
			.map(({ id, name, input }) => ({ id, name, args: input })),
		results: given.filter((b) => b.type === 'tool_result')
			.map((b) => ({ id: b.tool_use_id, text: textOf(b.content) })),
	};
}

const key = 'sk-of-the-provider';

export const upstreams = [
	{
		dialect: 'openai',
		provider: (url) => ({ dialect: 'openai', base_url: `${url}/v1`, keys: key }),
		keyOf: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
		read: readOpenai,
	},
	{
		dialect: 'anthropic',
		provider: (url) => ({ dialect: 'anthropic', base_url: url, keys: key }),
		keyOf: ({ headers }) => headers['x-api-key'],
		read: readAnthropic,
	},
].map((row) => ({ ...row, key }));
