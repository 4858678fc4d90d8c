#include "app/sim_scenario.h"

#include <stdio.h>

#include "app/app.h"
#include "app/sim_values.h"
#include "base/alloc.h"

enum { SECONDS_MAX = WEIR_SCENARIO_MS_MAX / 1000 };

enum field {
	CHAIN,
	SECONDS,
	SEED,
	RATE,
	ARRIVALS,
	BURST,
	CALLERS,
	PROVIDERS,
	FAULTS,
	CONFIG,
	FIELDS_N
};

static const char *const names[FIELDS_N] = {
	[CHAIN] = "chain",     [SECONDS] = "seconds",     [SEED] = "seed",
	[RATE] = "rate",       [ARRIVALS] = "arrivals",   [BURST] = "burst",
	[CALLERS] = "callers", [PROVIDERS] = "providers", [FAULTS] = "faults",
	[CONFIG] = "config",
};

/* All but the part of the text that begins at one node and ends before another one becomes
 * blank: what stays is a configuration at its own lines and columns. */
static void blank(struct weir_buf *text, const struct weir_node *from, const struct weir_node *to)
{
	unsigned line = 1, column = 1;

	for (size_t i = 0; i < text->len; i++) {
		bool before = line < from->line || (line == from->line && column < from->column);
		bool after = to && (line > to->line || (line == to->line && column >= to->column));

		if (text->base[i] == '\n') {
			line++;
			column = 1;
			continue;
		}
		column += ((unsigned char)text->base[i] & 0xc0) != 0x80;
		if (before || after)
			text->base[i] = ' ';
	}
}

/* The key that stands after that value at the top; NULL: it is the last. */
static const struct weir_node *key_after(const struct weir_node *root,
					 const struct weir_node *value)
{
	for (unsigned i = 0; i + 1 < root->pairs_n; i++)
		if (root->pairs[i].value == value)
			return root->pairs[i + 1].key;
	return NULL;
}

static int read_own_config(struct weir_scenario *s, struct weir_reader *reader,
			   const struct weir_node *node, struct weir_buf *text)
{
	struct weir_findings own;
	int rc;

	if (node->type != WEIR_NODE_MAP) {
		weir_reader_error(reader, node, "wrong-type",
				  "a configuration is a map\nwrite what weir.yaml would hold below "
				  "it");
		return 0;
	}
	blank(text, node, key_after(reader->tree.root, node));
	weir_findings_init(&own, reader->file);
	rc = weir_sim_config(&s->config, weir_buf_slice(text), reader->file, &own);
	for (unsigned i = 0; i < own.n; i++)
		weir_findings_add(reader->findings, own.list[i].level, own.list[i].line,
				  own.list[i].column, own.list[i].rule, own.list[i].key, "%s\n%s",
				  own.list[i].message, own.list[i].fix);
	weir_findings_fini(&own);
	return rc == WEIR_ECONFIG ? 0 : rc; /* it is said; the rest of the scenario is read */
}

/* Its findings are about that file, not about the scenario. */
static int load_config(struct weir_scenario *s, const char *path, struct weir_findings *findings)
{
	struct weir_findings own;
	struct weir_buf text;
	int rc;

	weir_findings_init(&own, path);
	rc = weir_sim_file(path, &text, &own);
	if (rc == 0)
		rc = weir_sim_config(&s->config, weir_buf_slice(&text), path, &own);
	weir_buf_fini(&text);
	if (rc == WEIR_ECONFIG) {
		weir_findings_fini(findings);
		*findings = own;
	} else {
		weir_findings_fini(&own);
	}
	return rc;
}

static int get_config(struct weir_scenario *s, struct weir_reader *reader,
		      const struct weir_scenario_order *order, const struct weir_node *node,
		      struct weir_buf *text)
{
	const char *path = order->config_path;

	if (!path && node)
		return read_own_config(s, reader, node, text);
	path = weir_app_config_path(path);
	if (path)
		return load_config(s, path, reader->findings);
	weir_findings_add(reader->findings, WEIR_FINDING_ERROR, 1, 1, "missing-key", "config",
			  "there is no configuration whose chain could be simulated\nwrite one "
			  "under `config:`, or name a file with -c");
	return 0;
}

static void find_chain(struct weir_scenario *s, struct weir_reader *reader,
		       const struct weir_scenario_order *order, const struct weir_node *node)
{
	static const struct weir_node nowhere = { .line = 1, .column = 1 };
	struct weir_slice name = { NULL, 0 };
	char *copy = NULL;

	if (order->chain)
		name = weir_slice_of(order->chain);
	else if (node && !weir_reader_text(reader, node, "a chain", &name))
		return;
	if (name.base && !(copy = weir_reader_copy(reader, name)))
		return;
	/* A scenario's own chain may go by another name in a configuration of yours. */
	if (!weir_sim_chain_find(&s->chain, s->config, copy) &&
	    !(order->config_path && !order->chain &&
	      weir_sim_chain_find(&s->chain, s->config, NULL)))
		weir_reader_error(reader, node ? node : &nowhere, "unknown-chain",
				  "the configuration has no chain %s\nname one that it has",
				  weir_quote(name).text);
	weir_free(copy);
}

static void read_seconds(struct weir_scenario *s, struct weir_reader *reader,
			 const struct weir_node *node)
{
	uint64_t seconds = 30;

	if (node)
		(void)weir_reader_count(reader, node, 1, SECONDS_MAX, &seconds);
	s->traffic.ms = seconds * 1000;
}

static void read_parts(struct weir_scenario *s, struct weir_reader *reader,
		       const struct weir_scenario_order *order, struct weir_node *const *v)
{
	const struct weir_scenario_crowd crowd = { v[RATE], v[ARRIVALS], v[BURST], v[CALLERS] };
	uint64_t seed = 1;

	read_seconds(s, reader, v[SECONDS]);
	if (v[SEED])
		(void)weir_reader_count(reader, v[SEED], 0, INT64_MAX, &seed);
	s->traffic.seed = order->seed_given ? order->seed : seed;
	weir_scenario_callers(s, reader, &crowd);
	if (s->config)
		find_chain(s, reader, order, v[CHAIN]);
	if (!s->chain.chain || reader->out_of_memory)
		return;
	weir_sim_chain_targets(&s->chain, s->targets);
	s->traffic.targets_n = s->chain.targets_n;
	weir_scenario_sites(s, reader, v[PROVIDERS]);
	weir_scenario_faults(s, reader, v[FAULTS]);
}

static int read_all(struct weir_scenario *s, struct weir_reader *reader,
		    const struct weir_scenario_order *order, struct weir_buf *text)
{
	struct weir_node *v[FIELDS_N];
	int rc = weir_yaml_parse(&reader->tree, weir_buf_slice(text), reader->findings);

	if (rc)
		return rc;
	if (!reader->tree.root) {
		weir_findings_add(reader->findings, WEIR_FINDING_ERROR, 1, 1, "missing-key", ".",
				  "the file is empty\nsee `weir sim --help` for what it holds");
		return 0;
	}
	if (!weir_sim_map(reader, reader->tree.root, "a scenario", names, FIELDS_N, v))
		return 0;
	rc = get_config(s, reader, order, v[CONFIG], text);
	if (rc == 0)
		read_parts(s, reader, order, v);
	return rc;
}

/* "primary-dead" of "examples/scenarios/primary-dead.yaml". */
static char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path;
	const char *dot = strrchr(from, '.');

	return weir_strndup(from, dot && dot > from ? (size_t)(dot - from) : strlen(from));
}

int weir_scenario_load(struct weir_scenario *s, const struct weir_scenario_order *order,
		       struct weir_findings *findings)
{
	struct weir_reader reader = { .findings = findings, .file = order->path };
	struct weir_buf text;
	int rc;

	*s = (struct weir_scenario){ .name = name_of(order->path) };
	if (!s->name)
		return WEIR_ENOMEM;
	weir_yaml_init(&reader.tree);
	rc = weir_sim_file(order->path, &text, findings);
	if (rc == 0)
		rc = read_all(s, &reader, order, &text);
	weir_yaml_fini(&reader.tree);
	weir_buf_fini(&text);
	weir_findings_sort(findings);
	s->traffic.targets = s->targets;
	s->traffic.sites = s->sites;
	s->traffic.faults = s->faults;
	if (reader.out_of_memory || findings->out_of_memory)
		return WEIR_ENOMEM;
	return rc == 0 && findings->errors ? WEIR_ECONFIG : rc;
}

void weir_scenario_fini(struct weir_scenario *s)
{
	for (unsigned i = 0; i < s->texts_n; i++)
		weir_free(s->texts[i]);
	weir_sim_chain_fini(&s->chain);
	weir_config_unref(s->config);
	weir_free(s->name);
	*s = (struct weir_scenario){ .name = NULL };
}
