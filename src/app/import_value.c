/* Keys, addresses and headers: what may be shown of them, and what weir accepts. */
#include <stdio.h>

#include "app/import_read.h"
#include "config/url.h"

enum { VARIABLE_MAX = 127 };

/* As the configuration's own reader has it. */
static bool is_variable_name(struct weir_slice name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.base[i];

		if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' &&
		    (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return name.len > 0 && name.len <= VARIABLE_MAX;
}

/* os.environ/NAME, ${NAME} */
static bool read_variable(struct weir_slice text, struct weir_slice *name)
{
	static const char environ[] = "os.environ/";
	size_t n = sizeof environ - 1;

	text = weir_slice_trim(text);
	if (weir_slice_starts(text, environ))
		*name = weir_slice(text.base + n, text.len - n);
	else if (weir_slice_starts(text, "${") && text.base[text.len - 1] == '}')
		*name = weir_slice(text.base + 2, text.len - 3);
	else
		return false;
	return is_variable_name(*name);
}

struct weir_import_value weir_import_secret(struct weir_import *im, const struct weir_node *node)
{
	struct weir_import_value value = { .node = node };
	struct weir_slice text;

	if (!node || weir_node_is_null(node) || !weir_import_string(im, node, &text))
		return value;
	value.from = WEIR_IMPORT_VARIABLE;
	if (read_variable(node->raw, &value.text))
		return value;
	value.from = WEIR_IMPORT_SECRET;
	value.text = node->raw;
	value.rule = "literal-secret";
	value.what = "stands in the file itself, and is not copied";
	return value;
}

bool weir_import_is_placeholder(struct weir_slice key)
{
	static const char *const words[] = {
		"none",
		"null",
		"empty",
		"dummy",
		"fake",
		"fake-key",
		"fake_key",
		"no-key",
		"not-needed",
		"not_needed",
		"na",
		"n/a",
		"anything",
		"placeholder",
		"unused",
		"ignored",
		"sk-no-key-required",
		"no-key-required",
		"sk-fake",
		"sk-dummy",
		"local",
		"ollama",
		"lm-studio",
		"vllm",
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(words); i++)
		if (weir_slice_is_nocase(key, words[i]))
			return true;
	return false;
}

struct weir_import_value weir_import_address(struct weir_import *im, const struct weir_node *node)
{
	struct weir_import_value value = weir_import_secret(im, node);
	struct weir_url url;
	const char *wrong;

	if (value.from != WEIR_IMPORT_SECRET)
		return value;
	value.text = weir_slice_trim(value.text);
	while (value.text.len && value.text.base[value.text.len - 1] == '/')
		value.text.len--;
	wrong = weir_url_parse(value.text, &url);
	if (!wrong && weir_host_kind(url.host) == WEIR_HOST_LINK_LOCAL)
		wrong = "a link-local or cloud metadata address is never asked\nname the "
			"provider's own address";
	if (!wrong) {
		value.from = WEIR_IMPORT_TEXT;
		return value;
	}
	value.rule = "bad-address";
	value.what = weir_import_text(im, "cannot be an address here (%.*s), and is not copied",
				      (int)strcspn(wrong, "\n"), wrong);
	return value;
}

/* Set, and fit to be a key, an address or a header. What the file does not name is not set. */
static const char *any_variable(void *arg, const char *name)
{
	(void)arg;
	return weir_slice_has_nocase(weir_slice_of(name), "_proxy") ? NULL
								    : "http://127.0.0.1:9/v1";
}

bool weir_import_accepts(struct weir_import *im, struct weir_slice yaml,
			 struct weir_findings *findings)
{
	struct weir_config *config = NULL;
	int rc = weir_config_parse(&config, yaml, "weir.yaml", any_variable, NULL, findings);

	if (rc == WEIR_ENOMEM || findings->out_of_memory)
		im->out_of_memory = true;
	weir_config_unref(config);
	return rc == 0;
}

static bool accepts_header(struct weir_import *im, struct weir_slice name)
{
	struct weir_findings findings;
	char yaml[512];
	bool ok;
	int n = snprintf(yaml, sizeof yaml,
			 "providers: { p: { dialect: openai, base_url: \"http://p\", headers: { "
			 "%.*s: \"${V}\" } } }\nchains: { c: { steps: [ p/m ] } }\n",
			 (int)name.len, name.base);

	weir_findings_init(&findings, "weir.yaml");
	ok = weir_is_token(name) && n > 0 && (size_t)n < sizeof yaml &&
	     weir_import_accepts(im, weir_slice(yaml, (size_t)n), &findings);
	weir_findings_fini(&findings);
	return ok;
}

void weir_import_header(struct weir_import *im, struct weir_import_provider *provider,
			struct weir_slice name, const struct weir_node *value,
			const struct weir_node *at)
{
	struct weir_import_value text = weir_import_secret(im, value);

	if (text.from == WEIR_IMPORT_NOTHING || !accepts_header(im, name)) {
		weir_import_warn(im, at, "no-counterpart",
				 "this header cannot be set here, or has no value\ncredentials "
				 "stand under `keys`, and the others weir sets itself");
		return;
	}
	for (unsigned i = 0; i < provider->headers_n; i++)
		if (weir_slice_eq(provider->headers[i].name, name))
			return;
	if (provider->headers_n == WEIR_IMPORT_HEADERS_MAX) {
		weir_import_warn(im, at, "limit", "more than %d headers\nadd it by hand",
				 WEIR_IMPORT_HEADERS_MAX);
		return;
	}
	provider->headers[provider->headers_n++] = (struct weir_import_header){ name, text };
}

static bool is_version(struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.base[i] < '0' || text.base[i] > '9') && text.base[i] != '-' &&
		    (text.base[i] < 'a' || text.base[i] > 'z'))
			return false;
	return text.len > 0 && text.len <= 32;
}

void weir_import_version(struct weir_import *im, struct weir_import_provider *wish,
			 const struct weir_node *node)
{
	struct weir_import_value value = weir_import_secret(im, node);
	bool known = strcmp(wish->dialect, "azure") == 0;

	if (value.from == WEIR_IMPORT_NOTHING)
		return;
	if (known && value.from == WEIR_IMPORT_SECRET && is_version(value.text))
		value.from = WEIR_IMPORT_TEXT;
	if (known && (value.from == WEIR_IMPORT_VARIABLE || value.from == WEIR_IMPORT_TEXT))
		wish->api_version = value;
	else
		weir_import_warn(im, node, "no-counterpart",
				 "weir asks for the version that it knows\nnothing to do");
}
