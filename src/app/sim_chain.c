#include "app/sim_chain.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "config/reader.h"

enum { FILE_MAX = 1024 * 1024, TEXT_MAX = 64 * 1024, NANO_PER_MILLION = 1000000 };

static unsigned index_of(const struct weir_sim_chain *c, const struct weir_target *target)
{
	unsigned i = 0;

	while (i < c->targets_n && c->targets[i] != target)
		i++;
	return i;
}

static int list_targets(struct weir_sim_chain *c)
{
	int rc = 0;

	weir_buf_init(&c->text, TEXT_MAX);
	for (unsigned s = 0; s < c->chain->steps_n && rc == 0; s++) {
		const struct weir_step *step = &c->chain->steps[s];

		for (unsigned i = 0; i < step->targets_n && rc == 0; i++) {
			const struct weir_target *target = step->targets[i].target;

			if (index_of(c, target) == c->targets_n) {
				c->prices[c->targets_n] = WEIR_PRICE_UNKNOWN;
				c->targets[c->targets_n++] = target;
			}
			rc = weir_buf_printf(&c->text, "%s%s",
					     i   ? " | "
					     : s ? " > "
						 : "",
					     target->id);
		}
	}
	return rc ? rc : weir_buf_append(&c->text, "", 1);
}

bool weir_sim_chain_find(struct weir_sim_chain *c, const struct weir_config *config,
			 const char *name)
{
	*c = (struct weir_sim_chain){ .config = config };
	if (!name)
		c->chain = config->chains_n ? config->chains[0] : NULL;
	else
		c->chain = weir_config_chain(config, weir_slice_of(name));
	return c->chain && list_targets(c) == 0;
}

static void forget(struct weir_sim_chain *c)
{
	for (unsigned i = 0; i < c->workers; i++) {
		weir_board_destroy(c->boards[i]);
		c->boards[i] = NULL;
	}
	for (unsigned stream = 0; stream < 2; stream++) {
		weir_free(c->plans[stream]);
		c->plans[stream] = NULL;
	}
	weir_shm_destroy(c->shm);
	c->shm = NULL;
}

void weir_sim_chain_fini(struct weir_sim_chain *c)
{
	forget(c);
	weir_buf_fini(&c->text);
	*c = (struct weir_sim_chain){ .config = NULL };
}

static uint64_t per_token(uint64_t price)
{
	return price == WEIR_PRICE_UNKNOWN ? 0 : price / NANO_PER_MILLION;
}

void weir_sim_chain_targets(const struct weir_sim_chain *c, struct weir_traffic_target *targets)
{
	for (unsigned i = 0; i < c->targets_n; i++)
		targets[i] = (struct weir_traffic_target){
			.name = c->targets[i]->id,
			.nano_in = per_token(c->targets[i]->facts.price_in),
			.nano_out = per_token(c->targets[i]->facts.price_out),
		};
}

bool weir_sim_chain_has(const struct weir_sim_chain *c, unsigned step, unsigned target)
{
	for (unsigned i = 0; i < c->chain->steps[step].targets_n; i++)
		if (c->chain->steps[step].targets[i].target == c->targets[target])
			return true;
	return false;
}

/* The configuration's numbers of targets become ours: those of this chain alone. */
static void renumber(struct weir_sim_chain *c, struct weir_balancer *pool)
{
	for (unsigned i = 0; i < pool->members_n; i++) {
		struct weir_member *member = &pool->members[i];

		member->target = index_of(c, c->config->targets[member->target]);
		if (c->prices[member->target] != WEIR_PRICE_UNKNOWN)
			member->price = c->prices[member->target];
	}
}

static int begin_worker(struct weir_sim_chain *c, unsigned worker)
{
	struct weir_board **board = &c->boards[worker];
	int rc = weir_board_create_after(board, c->config, NULL, c->shm);

	if (rc)
		return rc;
	weir_board_settle(*board, NULL);
	for (unsigned i = 0; i < c->chain->steps_n; i++)
		renumber(c, weir_board_step(*board, c->chain, i));
	for (unsigned stream = 0; stream < 2; stream++) {
		weir_board_plan(*board, c->chain, stream, &c->plans[stream][worker]);
		c->plans[stream][worker].holder = worker;
	}
	return 0;
}

int weir_sim_chain_begin(struct weir_sim_chain *c, unsigned workers)
{
	int rc = 0;

	forget(c);
	c->workers = workers;
	for (unsigned stream = 0; stream < 2; stream++)
		c->plans[stream] = weir_calloc(workers, sizeof *c->plans[stream]);
	if (!c->plans[0] || !c->plans[1])
		return WEIR_ENOMEM;
	if (workers > 1)
		rc = weir_shm_create(&c->shm, workers);
	for (unsigned i = 0; i < workers && rc == 0; i++)
		rc = begin_worker(c, i);
	return rc;
}

int weir_sim_chain_run(struct weir_sim_chain *c, struct weir_traffic *traffic,
		       struct weir_book *book)
{
	int rc;

	traffic->workers = c->workers;
	traffic->plans[0] = c->plans[0];
	traffic->plans[1] = c->plans[1];
	weir_shm_enter(c->shm);
	rc = weir_traffic_run(traffic, book);
	weir_shm_leave(c->shm);
	return rc;
}

/* Variables whose names say that they hold a key. */
struct made_up {
	char text[WEIR_NAME_MAX + 16];
};

static const char *env(void *arg, const char *name)
{
	static const char *const marks[] = { "KEY", "TOKEN", "SECRET", "CREDENTIAL" };
	const char *value = getenv(name);
	struct made_up *made = arg;

	for (size_t i = 0; !value && i < WEIR_COUNT_OF(marks); i++)
		if (strstr(name, marks[i])) {
			snprintf(made->text, sizeof made->text, "simulated-%s", name);
			value = made->text;
		}
	return value;
}

int weir_sim_config(struct weir_config **config, struct weir_slice text, const char *file,
		    struct weir_findings *findings)
{
	struct made_up made;

	return weir_config_parse(config, text, file, env, &made, findings);
}

int weir_sim_file(const char *path, struct weir_buf *text, struct weir_findings *findings)
{
	FILE *file = fopen(path, "rbe");
	char bytes[4096];
	size_t n;
	int rc;

	weir_buf_init(text, FILE_MAX);
	rc = weir_buf_reserve(text, 1); /* an empty one has an address, too */
	while (file && rc == 0 && (n = fread(bytes, 1, sizeof bytes, file)) > 0)
		rc = weir_buf_append(text, bytes, n);
	if (!file || ferror(file)) {
		weir_findings_add(findings, WEIR_FINDING_ERROR, 0, 0, "missing-file", ".",
				  "cannot be read\nname a file that exists");
		rc = WEIR_ECONFIG;
	} else if (rc == WEIR_ELIMIT) {
		weir_findings_add(findings, WEIR_FINDING_ERROR, 1, 1, "too-large", ".",
				  "longer than %d bytes\nname a file of YAML", FILE_MAX);
		rc = WEIR_ECONFIG;
	}
	if (file)
		fclose(file);
	return rc;
}
