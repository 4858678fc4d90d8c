#include "bench/lane.h"

#include <stdio.h>
#include <string.h>

static int read_file(struct weir_buf *buf, const char *option, const char *path,
		     struct weir_error *err)
{
	FILE *file = fopen(path, "r");
	char piece[16 * 1024];
	size_t n;
	int rc = 0;

	if (!file)
		return weir_fail(err, WEIR_ECONFIG, "%s %.200s: cannot be read", option, path);
	while (rc == 0 && (n = fread(piece, 1, sizeof piece, file)) > 0)
		rc = weir_buf_append(buf, piece, n);
	if (rc == 0 && ferror(file))
		rc = WEIR_ECONFIG;
	fclose(file);
	return rc ? weir_fail(err, WEIR_ECONFIG, "%s %.200s: cannot be read, or over 64 MiB",
			      option, path)
		  : 0;
}

int weir_bench_kinds_load(struct weir_bench_kinds *kinds, const struct weir_bench_options *o,
			  struct weir_error *err)
{
	struct weir_error why;
	int rc = 0;

	weir_buf_init(&kinds->file, WEIR_BENCH_FILE_MAX);
	kinds->n = 1;
	kinds->list[0] = o->kind;
	if (o->mix_file)
		rc = read_file(&kinds->file, "--mix", o->mix_file, err);
	else if (o->body_file)
		rc = read_file(&kinds->file, "--body", o->body_file, err);
	if (rc == 0 && o->mix_file) {
		rc = weir_bench_kinds_read(kinds->list, &kinds->n, &o->kind,
					   weir_buf_slice(&kinds->file), &why);
		if (rc)
			rc = weir_fail(err, WEIR_ECONFIG, "--mix %.100s: %s", o->mix_file,
				       why.text);
	} else if (rc == 0 && o->body_file) {
		kinds->list[0].body = weir_buf_slice(&kinds->file);
	}
	return rc;
}

void weir_bench_kinds_fini(struct weir_bench_kinds *kinds)
{
	weir_buf_fini(&kinds->file);
}

static int make_mix(struct weir_bench_lane *lane, const struct weir_bench_options *o,
		    const struct weir_bench_kinds *kinds, struct weir_error *err)
{
	char fields[2 * WEIR_BENCH_FIELDS_MAX], key[1024] = "";
	struct weir_bench_envelope envelope = {
		.dialect = o->dialect,
		.method = o->method,
		.path = lane->target.path,
		.host = lane->target.authority,
		.fields = fields,
		.model = o->model,
		.close = o->load.fresh,
	};

	if (o->key && strlen(o->key) > sizeof key - 64)
		return weir_fail(err, WEIR_ECONFIG, "--key: longer than a key can be");
	if (o->key && strpbrk(o->key, "\r\n"))
		return weir_fail(err, WEIR_ECONFIG, "--key: a line's end stands in it");
	if (o->key && o->dialect->anthropic_key)
		snprintf(key, sizeof key, "x-api-key: %s\r\n", o->key);
	else if (o->key)
		snprintf(key, sizeof key, "authorization: Bearer %s\r\n", o->key);
	snprintf(fields, sizeof fields, "%s%s", key, o->fields);
	return weir_bench_mix_make(&lane->mix, &envelope, kinds->list, kinds->n, o->load.seed, err);
}

int weir_bench_lane_open(struct weir_bench_lane *lane, const struct weir_bench_options *o,
			 const struct weir_bench_kinds *kinds, struct weir_net *net,
			 struct weir_tls_config *tls, struct weir_error *err)
{
	int rc;

	weir_bench_mix_init(&lane->mix);
	rc = make_mix(lane, o, kinds, err);
	if (rc)
		return rc;
	lane->tally = weir_bench_tally_create();
	lane->run = (struct weir_bench_run){ .loop = net->loop,
					     .net = net,
					     .target = &lane->target,
					     .dialect = o->dialect,
					     .mix = &lane->mix,
					     .tls = lane->target.tls ? tls : NULL,
					     .load = o->load };
	rc = lane->tally ? weir_bench_run_open(&lane->run) : WEIR_ENOMEM;
	if (rc)
		return weir_fail(err, rc, "out of memory or descriptors");
	lane->open = true;
	return 0;
}

void weir_bench_lane_close(struct weir_bench_lane *lane)
{
	if (lane->open)
		weir_bench_run_close(&lane->run);
}

void weir_bench_lane_fini(struct weir_bench_lane *lane)
{
	weir_bench_tally_destroy(lane->tally);
	weir_bench_mix_fini(&lane->mix);
}
