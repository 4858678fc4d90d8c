#include "bench/stats.h"

#include "dialect/tree.h"

/* "" when it is longer than the room. */
static void copy(char *out, size_t size, struct weir_slice text)
{
	size_t n = text.len < size ? text.len : 0;

	if (n)
		memcpy(out, text.base, n);
	out[n] = '\0';
}

static void read_vendor(struct weir_bench_vendor *v, yyjson_val *from)
{
	yyjson_val *rule = yyjson_arr_get_first(yyjson_obj_get(from, "rules"));

	copy(v->name, sizeof v->name, weir_tree_text(yyjson_obj_get(from, "name")));
	copy(v->script, sizeof v->script, weir_tree_text(yyjson_obj_get(rule, "script")));
	v->hits = yyjson_get_uint(yyjson_obj_get(from, "hits"));
	v->tokens = yyjson_get_uint(yyjson_obj_get(from, "tokens"));
	v->aborts = yyjson_get_uint(yyjson_obj_get(from, "aborts"));
}

bool weir_bench_stats_read(struct weir_bench_stats *stats, struct weir_slice json)
{
	struct weir_tree tree WEIR_UNINITIALIZED;
	yyjson_val *vendors, *vendor;
	size_t i, n;

	stats->vendors_n = 0;
	weir_tree_read(&tree, json);
	vendors = yyjson_obj_get(tree.root, "vendors");
	yyjson_arr_foreach(vendors, i, n, vendor)
	{
		if (i < WEIR_BENCH_VENDORS_MAX)
			read_vendor(&stats->vendors[stats->vendors_n++], vendor);
	}
	weir_tree_fini(&tree);
	return stats->vendors_n > 0;
}

const struct weir_bench_vendor *weir_bench_stats_of(const struct weir_bench_stats *stats,
						    struct weir_slice name)
{
	for (unsigned i = 0; i < stats->vendors_n; i++)
		if (weir_slice_is(name, stats->vendors[i].name))
			return &stats->vendors[i];
	return NULL;
}

uint64_t weir_bench_stats_hits(const struct weir_bench_stats *stats)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < stats->vendors_n; i++)
		sum += stats->vendors[i].hits;
	return sum;
}

uint64_t weir_bench_stats_tokens(const struct weir_bench_stats *stats)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < stats->vendors_n; i++)
		sum += stats->vendors[i].tokens;
	return sum;
}
