/* The providers of a scenario. An entry is for a whole provider, whose models then share
 * its capacity, or for one target; `default` is for all that have none. */
#include "app/sim_scenario.h"
#include "app/sim_values.h"

enum { HOUR_MS = 3600 * 1000, CALLS_MAX = 1000000, NANO_PER_DOLLAR = 1000000000 };

enum field { FIRST_TOKEN, PACE, CAPACITY, QUEUE, CONNECT, ERROR, PRICE, FIELDS_N };

static const char *const names[FIELDS_N] = {
	[FIRST_TOKEN] = "first_token",
	[PACE] = "pace",
	[CAPACITY] = "capacity",
	[QUEUE] = "queue",
	[CONNECT] = "connect",
	[ERROR] = "error",
	[PRICE] = "price",
};

struct entry {
	const char *name; /* a provider's or a target's */
	struct weir_node *node;
	struct weir_site site;
	bool priced;
	uint64_t price_in, price_out; /* thousandths of a dollar for a million tokens */
};

static void count(struct weir_reader *reader, const struct weir_node *node, unsigned *value)
{
	uint64_t read;

	if (node && weir_reader_count(reader, node, 0, CALLS_MAX, &read))
		*value = (unsigned)read;
}

static void read_price(struct weir_reader *reader, struct weir_node *node, struct entry *entry)
{
	static const char *const keys[] = { "in", "out" };
	const uint64_t most = 1000000000;
	struct weir_node *values[2];

	if (!weir_sim_map(reader, node, "a price", keys, 2, values))
		return;
	if (!values[0] || !values[1]) {
		weir_reader_error(reader, node, "missing-key",
				  "a price has two parts\nwrite `{ in: 2.5, out: 10 }`, in dollars "
				  "for a million tokens");
		return;
	}
	entry->priced = weir_sim_decimal(reader, values[0], "a price", 0, most, &entry->price_in) &&
			weir_sim_decimal(reader, values[1], "a price", 0, most, &entry->price_out);
}

static void read_entry(struct weir_reader *reader, struct weir_node *node, struct entry *entry)
{
	struct weir_node *v[FIELDS_N];
	struct weir_site *site = &entry->site;

	if (!weir_sim_map(reader, node, "a provider", names, FIELDS_N, v))
		return;
	if (v[FIRST_TOKEN])
		(void)weir_sim_spread(reader, v[FIRST_TOKEN], true, &site->first);
	count(reader, v[PACE], &site->tokens_per_s);
	count(reader, v[CAPACITY], &site->capacity);
	count(reader, v[QUEUE], &site->queue);
	if (v[CONNECT])
		(void)weir_reader_duration(reader, v[CONNECT], 0, HOUR_MS, &site->connect_ms);
	if (v[ERROR])
		(void)weir_reader_duration(reader, v[ERROR], 0, HOUR_MS, &site->error_ms);
	if (v[PRICE])
		read_price(reader, v[PRICE], entry);
}

static struct weir_node *named(struct weir_node *map, const char *name)
{
	return map && map->type == WEIR_NODE_MAP ? weir_node_get(map, name) : NULL;
}

static bool is_known(const struct weir_sim_chain *chain, struct weir_slice name)
{
	bool known = weir_slice_is(name, "default");

	for (unsigned i = 0; i < chain->targets_n && !known; i++)
		known = weir_slice_is(name, chain->targets[i]->id) ||
			weir_slice_is(name, chain->targets[i]->provider->name);
	return known;
}

/* Of a shared configuration other chains may have more: those are no mistake. */
static void check_names(const struct weir_scenario *s, struct weir_reader *reader,
			const struct weir_node *map)
{
	for (unsigned i = 0; i < map->pairs_n; i++) {
		const struct weir_node *key = map->pairs[i].key;

		if (!is_known(&s->chain, key->raw))
			weir_reader_error(reader, key, "unknown-target",
					  "%s is no provider or target of the chain\nit is: %.300s",
					  weir_quote(key->raw).text, s->chain.text.base);
	}
}

/* Its place among the sites; a new one if it is not there yet. */
static uint32_t place(struct weir_scenario *s, const struct entry *entry)
{
	uint32_t i = 0;

	while (i < s->traffic.sites_n && strcmp(s->sites[i].name, entry->name) != 0)
		i++;
	if (i == s->traffic.sites_n) {
		s->sites[i] = entry->site;
		s->sites[i].name = entry->name;
		s->traffic.sites_n++;
	}
	return i;
}

static void settle(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *map,
		   unsigned index, const struct entry *usual)
{
	const struct weir_target *target = s->chain.targets[index];
	struct entry entry = *usual;
	struct weir_node *own = named(map, target->id);

	entry.name = own ? target->id : target->provider->name;
	if (named(map, target->provider->name))
		read_entry(reader, named(map, target->provider->name), &entry);
	if (own)
		read_entry(reader, own, &entry);
	s->targets[index].site = place(s, &entry);
	if (!entry.priced)
		return;
	s->targets[index].nano_in = entry.price_in * NANO_PER_DOLLAR / 1000 / 1000000;
	s->targets[index].nano_out = entry.price_out * NANO_PER_DOLLAR / 1000 / 1000000;
	s->chain.prices[index] = (entry.price_in + entry.price_out) * (NANO_PER_DOLLAR / 1000);
}

void weir_scenario_sites(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *map)
{
	struct entry usual = {
		.site = {
			.connect_ms = 5,
			.error_ms = 20,
			.first = weir_spread_of(400, 1500),
			.tokens_per_s = 80,
		},
	};

	if (map && map->type != WEIR_NODE_MAP) {
		weir_reader_error(
			reader, map, "wrong-type",
			"providers are a map\nwrite `default: { first_token: 400ms }` and "
			"so on below it");
		return;
	}
	if (map)
		check_names(s, reader, map);
	if (named(map, "default"))
		read_entry(reader, named(map, "default"), &usual);
	for (unsigned i = 0; i < s->chain.targets_n; i++)
		settle(s, reader, map, i, &usual);
}
