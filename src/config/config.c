#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "config/access.h"
#include "config/chain.h"
#include "config/lint.h"
#include "config/loaded.h"
#include "config/models.h"
#include "config/provider.h"
#include "config/section.h"
#include "config/url.h"

static void read_defaults(struct weir_reader *reader, struct weir_node *node,
			  struct weir_settings *settings)
{
	weir_settings_init(settings);
	if (node)
		(void)weir_shape_read(reader, node, &weir_defaults_shape, NULL, settings);
	weir_chain_fill(reader->config->defaults, settings);
}

static void missing_chains(struct weir_reader *reader)
{
	weir_findings_add(reader->findings, WEIR_FINDING_ERROR, 1, 1, "missing-chains", "chains",
			  "no chain is configured, so no model could be asked for\nwrite `chains: "
			  "{ gpt-4o: { steps: [ openai/gpt-4o ] } }` with your own names");
}

static void read_all(struct weir_reader *reader, struct weir_node *root)
{
	struct weir_node *sections[WEIR_SECTIONS_N];
	struct weir_settings defaults;
	struct weir_node *chains;

	if (!weir_shape_read(reader, root, &weir_config_shape, sections, NULL))
		return;
	weir_sections_read(reader, sections);
	weir_providers_read(reader, sections[WEIR_SECTION_PROVIDERS]);
	weir_models_read(reader, sections[WEIR_SECTION_MODELS]);
	read_defaults(reader, sections[WEIR_SECTION_DEFAULTS], &defaults);
	chains = sections[WEIR_SECTION_CHAINS];
	if (!chains || weir_node_is_null(chains) ||
	    (chains->type == WEIR_NODE_MAP && chains->pairs_n == 0))
		missing_chains(reader);
	else
		weir_chains_read(reader, chains, &defaults);
	if (sections[WEIR_SECTION_ACCESS])
		weir_access_read(reader, sections[WEIR_SECTION_ACCESS]);
	weir_listeners_check(reader,
			     sections[WEIR_SECTION_LISTEN] ? sections[WEIR_SECTION_LISTEN] : root,
			     sections[WEIR_SECTION_ADMIN] ? sections[WEIR_SECTION_ADMIN] : root);
	weir_models_check(reader);
	weir_lint_providers(reader);
}

static int read_text(struct weir_reader *reader, struct weir_slice text)
{
	int rc;

	if (text.len > WEIR_CONFIG_TEXT_MAX) {
		weir_findings_add(reader->findings, WEIR_FINDING_ERROR, 1, 1, "too-large", ".",
				  "longer than %d bytes\nsplit what one process serves",
				  WEIR_CONFIG_TEXT_MAX);
		return WEIR_ECONFIG;
	}
	rc = weir_yaml_parse(&reader->tree, text, reader->findings);
	if (rc)
		return rc;
	if (!reader->tree.root) {
		missing_chains(reader);
		return WEIR_ECONFIG;
	}
	weir_reader_expand(reader);
	read_all(reader, reader->tree.root);
	return 0;
}

/* What was found decides; the configuration is the caller's only when it is whole. */
static int settle(struct weir_reader *reader, struct weir_config **config, int rc)
{
	weir_findings_sort(reader->findings);
	if (reader->out_of_memory || reader->findings->out_of_memory)
		rc = WEIR_ENOMEM;
	else if (rc == 0 && reader->findings->errors)
		rc = WEIR_ECONFIG;
	if (rc == 0)
		rc = weir_config_seal(reader->config);
	if (rc == 0)
		*config = reader->config;
	else
		weir_config_unref(reader->config);
	return rc;
}

int weir_config_parse(struct weir_config **config, struct weir_slice text, const char *file,
		      weir_env *env, void *arg, struct weir_findings *findings)
{
	struct weir_reader reader = {
		.findings = findings, .env = env, .env_arg = arg, .file = file
	};
	int rc;

	*config = NULL;
	reader.config = weir_config_create();
	if (!reader.config)
		return WEIR_ENOMEM;
	weir_yaml_init(&reader.tree);
	rc = read_text(&reader, text);
	weir_drafts_fini(&reader);
	weir_models_fini(&reader);
	weir_yaml_fini(&reader.tree);
	return settle(&reader, config, rc);
}

static int cannot_read(struct weir_findings *findings, const char *what, const char *fix)
{
	weir_findings_add(findings, WEIR_FINDING_ERROR, 0, 0, "missing-file", ".",
			  "cannot read the configuration: %s\n%s", what, fix);
	return findings->out_of_memory ? WEIR_ENOMEM : WEIR_ECONFIG;
}

/* *text is the caller's, *len bytes of size. */
static int read_file(int fd, char **text, size_t size, size_t *len, struct weir_findings *findings)
{
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return cannot_read(findings, "it is not a file", "name a YAML file with -c");
	*text = weir_alloc(size);
	if (!*text)
		return WEIR_ENOMEM;
	*len = 0;
	do {
		n = read(fd, *text + *len, size - *len);
		*len += n > 0 ? (size_t)n : 0;
	} while (n > 0 && *len < size);
	if (n < 0)
		return cannot_read(findings, strerror(errno), "name a YAML file with -c");
	return 0;
}

int weir_config_load(struct weir_config **config, const char *path, struct weir_findings *findings)
{
	size_t size = WEIR_CONFIG_TEXT_MAX + 1, len = 0; /* one more than is accepted */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = NULL;
	int rc;

	*config = NULL;
	if (fd < 0)
		return cannot_read(findings, strerror(errno),
				   errno == ENOENT ? "name a file that exists with -c"
						   : "give weir's user the right to read it");
	rc = read_file(fd, &text, size, &len, findings);
	close(fd);
	if (rc == 0)
		rc = weir_config_parse(config, weir_slice(text, len), path, NULL, NULL, findings);
	weir_free_secret(text, size);
	return rc;
}

const struct weir_provider *weir_config_loop(const struct weir_config *config, const char *address)
{
	struct weir_endpoint own;

	if (!weir_endpoint_parse(weir_slice_of(address), &own))
		return NULL;
	for (unsigned i = 0; i < config->providers_n; i++) {
		const struct weir_provider *provider = config->providers[i];

		if (weir_endpoint_serves(&own, weir_slice_of(provider->host), provider->port))
			return provider;
	}
	return NULL;
}

bool weir_provider_has_route(const struct weir_provider *provider, enum weir_route route)
{
	static const unsigned lacks[WEIR_ROUTE_N] = {
		[WEIR_ROUTE_COMPLETIONS] = WEIR_LACKS_TEXT,
		[WEIR_ROUTE_EMBEDDINGS] = WEIR_LACKS_EMBEDDINGS,
		[WEIR_ROUTE_RESPONSES] = WEIR_LACKS_RESPONSES,
	};

	return provider->dialect->routes[route] &&
	       !(provider->vendor && provider->vendor->lacks & lacks[route]);
}
