#include <getopt.h>
#include <stdio.h>

#include "app/app.h"
#include "config/traits.h"

enum { FINDING_MAX = 64 * 1024 };

static const char usage[] =
	"usage: weir diff [--json] OLD NEW\n\n"
	"What would change if a weir that runs with OLD reloaded NEW. Keys are compared and never\n"
	"shown. Both are read as they are now, with this environment.\n\n"
	"      --json   [{\"change\",\"key\",\"was\",\"now\",\"consequence\"}]\n\n"
	"Exit codes: 0 compared, 2 one of them is no valid configuration.\n\n"
	"  weir diff /etc/weir/weir.yaml weir.yaml";

struct telling {
	bool json, failed;
	unsigned counts[3];
	struct weir_buf out;
};

static int put_json(struct weir_buf *out, const char *key, const char *value)
{
	int rc = weir_buf_printf(out, ",\"%s\":", key);

	if (rc)
		return rc;
	return value ? weir_buf_json(out, weir_slice_of(value)) : weir_buf_puts(out, "null");
}

static int put_change_json(struct telling *t, const struct weir_change *change)
{
	static const char *const words[] = { "added", "removed", "changed" };
	bool first = t->counts[0] + t->counts[1] + t->counts[2] == 1;
	int rc = weir_buf_printf(&t->out, "%s{\"change\":\"%s\"", first ? "" : ",",
				 words[change->difference]);

	if (rc || (rc = put_json(&t->out, "key", change->key)) ||
	    (rc = put_json(&t->out, "was", change->was)) ||
	    (rc = put_json(&t->out, "now", change->now)) ||
	    (rc = put_json(&t->out, "consequence", change->consequence)))
		return rc;
	return weir_buf_puts(&t->out, "}");
}

static int put_change(struct telling *t, const struct weir_change *change)
{
	static const char signs[] = { '+', '-', '~' };
	const char *arrow = change->was && change->now ? " -> " : "";

	return weir_buf_printf(&t->out, "%c %s: %s%s%s%s%s%s\n", signs[change->difference],
			       change->key, change->was ? change->was : "", arrow,
			       change->now ? change->now : "", change->consequence ? " (" : "",
			       change->consequence ? change->consequence : "",
			       change->consequence ? ")" : "");
}

static void on_change(void *arg, const struct weir_change *change)
{
	struct telling *t = arg;

	t->counts[change->difference]++;
	if (t->json ? put_change_json(t, change) : put_change(t, change))
		t->failed = true;
}

static struct weir_config *load(const char *path)
{
	struct weir_config *config = NULL;
	struct weir_findings findings;
	struct weir_buf line;
	int rc;

	weir_findings_init(&findings, path);
	weir_buf_init(&line, FINDING_MAX);
	rc = weir_config_load(&config, path, &findings);
	for (unsigned i = 0; rc && i < findings.n; i++) {
		weir_buf_clear(&line);
		if (findings.list[i].level == WEIR_FINDING_ERROR &&
		    weir_finding_print(&findings, i, &line) == 0)
			fwrite(line.base, 1, line.len, stderr);
	}
	weir_buf_fini(&line);
	weir_findings_fini(&findings);
	return rc ? NULL : config;
}

static int compare(const char *was_path, const char *now_path, bool json)
{
	struct weir_config *was = load(was_path), *now = load(now_path);
	struct telling t = { .json = json };
	int code = WEIR_EXIT_USAGE;

	weir_buf_init(&t.out, (size_t)1024 * FINDING_MAX);
	if (was && now) {
		t.failed |= weir_config_compare(was, now, on_change, &t) != 0;
		if (t.failed)
			fputs("weir diff: out of memory\n", stderr);
		code = t.failed ? WEIR_EXIT_BAD : WEIR_EXIT_DONE;
		fputs(json ? "[" : "", stdout);
		fwrite(t.out.base ? t.out.base : "", 1, t.out.len, stdout);
		if (json)
			puts("]");
		else
			printf("%u added, %u removed, %u changed\n", t.counts[WEIR_ADDED],
			       t.counts[WEIR_REMOVED], t.counts[WEIR_CHANGED]);
	}
	weir_buf_fini(&t.out);
	weir_config_unref(was);
	weir_config_unref(now);
	return code;
}

int weir_cmd_diff(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'h':
			puts(usage);
			return WEIR_EXIT_DONE;
		default:
			return weir_app_usage("diff", "bad option");
		}
	}
	if (argc - optind != 2)
		return weir_app_usage("diff", "takes two files, OLD and NEW");
	return compare(argv[optind], argv[optind + 1], json);
}
