#include "bench/target.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "net/resolve.h"
#include "wire/http_chars.h"

static bool ends_with(const char *text, const char *tail)
{
	size_t n = strlen(text), m = strlen(tail);

	return n >= m && strcmp(text + n - m, tail) == 0;
}

static int set_path(struct weir_bench_target *t, struct weir_slice path,
		    const struct weir_bench_dialect *dialect)
{
	char given[WEIR_BENCH_PATH_MAX];
	int n;

	if (path.len >= sizeof given || !weir_http_all(path, WEIR_HTTP_TARGET))
		return -1;
	memcpy(given, path.base, path.len);
	given[path.len] = '\0';
	if (!dialect->put_body || ends_with(given, dialect->path)) {
		n = snprintf(t->path, sizeof t->path, "%s", given[0] ? given : "/");
	} else {
		while (ends_with(given, "/"))
			given[strlen(given) - 1] = '\0';
		n = snprintf(t->path, sizeof t->path, "%s%s%s", given,
			     ends_with(given, "/v1") ? "" : "/v1", dialect->path);
	}
	return n > 0 && (size_t)n < sizeof t->path ? 0 : -1;
}

/* host, host:port, [v6], [v6]:port */
static int set_authority(struct weir_bench_target *t, struct weir_slice text)
{
	const char *end = text.base + text.len, *colon;
	struct weir_slice host = text, port = weir_slice(end, 0);
	uint64_t number = t->tls ? 443 : 80;
	bool bracket = text.len && text.base[0] == '[';

	colon = bracket ? memchr(text.base, ']', text.len) : text.base - 1;
	if (!colon || !weir_http_is_host(text))
		return -1;
	colon = memchr(colon + 1, ':', (size_t)(end - colon - 1));
	if (colon) {
		host.len = (size_t)(colon - text.base);
		port = weir_slice(colon + 1, (size_t)(end - colon - 1));
		if (!weir_slice_to_u64(port, &number) || number < 1 || number > 65535)
			return -1;
	}
	if (bracket)
		host = weir_slice(host.base + 1, host.len - 2);
	if (host.len > WEIR_BENCH_HOST_MAX || text.len >= sizeof t->authority)
		return -1;
	memcpy(t->host, host.base, host.len);
	t->host[host.len] = '\0';
	memcpy(t->authority, text.base, text.len);
	t->authority[text.len] = '\0';
	t->port = (uint16_t)number;
	return 0;
}

int weir_bench_target_parse(struct weir_bench_target *t, const char *url,
			    const struct weir_bench_dialect *dialect, struct weir_error *err)
{
	struct weir_slice rest = weir_slice_of(url);
	const char *slash;
	size_t scheme, n;

	*t = (struct weir_bench_target){ .tls = weir_slice_starts(rest, "https://") };
	scheme = strlen(t->tls ? "https://" : "http://");
	if (!t->tls && !weir_slice_starts(rest, "http://"))
		return weir_fail(err, WEIR_ECONFIG,
				 "%.200s: no URL; write http://HOST:PORT or https://HOST", url);
	rest = weir_slice(rest.base + scheme, rest.len - scheme);
	slash = memchr(rest.base, '/', rest.len);
	n = slash ? (size_t)(slash - rest.base) : rest.len;
	if (set_authority(t, weir_slice(rest.base, n)))
		return weir_fail(err, WEIR_ECONFIG, "%.200s: its host or port is not one", url);
	if (set_path(t, weir_slice(rest.base + n, rest.len - n), dialect))
		return weir_fail(err, WEIR_ECONFIG, "%.200s: its path is not one", url);
	return 0;
}

struct asking {
	struct weir_lookup lookup;
	struct weir_addresses *found;
	const char *text;
	bool over;
};

static void on_resolved(struct weir_lookup *lookup, const struct weir_addresses *addresses,
			const char *text)
{
	struct asking *asking = WEIR_CONTAINER_OF(lookup, struct asking, lookup);

	if (addresses)
		*asking->found = *addresses;
	asking->text = text;
	asking->over = true;
}

static void on_closed(void *arg)
{
	(void)arg;
}

static int ask_dns(struct weir_bench_target *t, uv_loop_t *loop, struct weir_error *err)
{
	struct asking asking = { .lookup = { .on_resolved = on_resolved },
				 .found = &t->addresses,
				 .text = "not asked" };
	struct weir_resolver *resolver;
	int rc = weir_resolver_create(&resolver, loop, err);

	if (rc)
		return rc;
	rc = weir_resolve(resolver, t->host, &asking.lookup, &t->addresses);
	while (rc == 0 && !asking.over)
		uv_run(loop, UV_RUN_ONCE);
	weir_resolver_close(resolver, on_closed, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	if (rc < 0 || !t->addresses.n)
		return weir_fail(err, WEIR_ECONFIG, "%s: %s", t->host, asking.text);
	return 0;
}

int weir_bench_target_resolve(struct weir_bench_target *t, uv_loop_t *loop, struct weir_error *err)
{
	if (!weir_address_literal(t->host, &t->addresses) &&
	    !weir_address_localhost(t->host, &t->addresses)) {
		int rc = ask_dns(t, loop, err);

		if (rc)
			return rc;
	}
	for (unsigned i = 0; i < t->addresses.n; i++) {
		if (t->addresses.list[i].any.sa_family == AF_INET6)
			t->addresses.list[i].v6.sin6_port = htons(t->port);
		else
			t->addresses.list[i].v4.sin_port = htons(t->port);
	}
	return 0;
}
