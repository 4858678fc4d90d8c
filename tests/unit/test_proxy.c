#include "config/proxy.h"

#include "config_help.h"

TEST(no_proxy_names_hosts_suffixes_and_networks)
{
	static const struct {
		const char *list, *host;
		bool named;
	} rows[] = {
		{ "", "a.example", false },
		{ "*", "a.example", true },
		{ "a.example", "a.example", true },
		{ "A.Example", "a.example", true },
		{ "a.example", "b.a.example", true },
		{ ".a.example", "b.a.example", true },
		{ ".a.example", "a.example", true },
		{ "*.a.example", "b.a.example", true },
		{ "a.example", "ba.example", false },
		{ "example", "a.example", true },
		{ "b.a.example", "a.example", false },
		{ ",, ,x , a.example", "a.example", true },
		{ "a.example:443", "a.example", true },
		{ "a.example:444", "a.example", false },
		{ ".", "a.example", false },
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.11", false },
		{ "10.0.0.0/8", "10.200.3.4", true },
		{ "10.0.0.0/8", "11.0.0.1", false },
		{ "10.128.0.0/9", "10.127.0.1", false },
		{ "0.0.0.0/0", "8.8.8.8", true },
		{ "10.0.0.0/33", "10.0.0.1", false },
		{ "10.0.0.0/x", "10.0.0.1", false },
		{ "10.0.0.0/8", "a.example", false },
		{ "10.0.0.1:443", "10.0.0.1", true },
		{ "fd00::/8", "fd12::1", true },
		{ "fd00::/8", "fe80::1", false },
		{ "::1", "::1", true },
		{ "[::1]", "::1", true },
		{ "[fd00::1]:443", "fd00::1", true },
		{ "[fd00::1]:444", "fd00::1", false },
		{ "::/0", "10.0.0.1", false },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		bool named = weir_proxy_excepts(weir_slice_of(rows[i].list),
						weir_slice_of(rows[i].host), 443);

		if (named != rows[i].named)
			NOTE("%s, %s", rows[i].list, rows[i].host);
		CHECK_INT(named, rows[i].named);
	}
}

TEST(the_environments_is_by_scheme)
{
	static const struct {
		const char *env[4];
		bool tls;
		const char *host, *proxy; /* "": none; NULL: not good */
	} rows[] = {
		{ { "HTTPS_PROXY=http://p:1", NULL }, true, "a.example", "p" },
		{ { "https_proxy=p:1", "HTTPS_PROXY=http://q:1", NULL }, true, "a.example", "p" },
		{ { "HTTP_PROXY=http://p:1", NULL }, true, "a.example", "" },
		{ { "HTTP_PROXY=http://p:1", NULL }, false, "a.example", "p" },
		{ { "http_proxy=http://p:1", "HTTP_PROXY=q", NULL }, false, "a.example", "p" },
		{ { "HTTPS_PROXY=http://p:1", NULL }, false, "a.example", "" },
		{ { "ALL_PROXY=http://p:1", NULL }, false, "a.example", "" },
		{ { "HTTP_PROXY=", NULL }, false, "a.example", "" },
		{ { "HTTP_PROXY=http://p:1", NULL }, false, "127.0.0.1", "" },
		{ { "HTTP_PROXY=http://p:1", "no_proxy=example", NULL }, false, "a.example", "" },
		{ { "HTTP_PROXY=http://p:1", "NO_PROXY=b.example", NULL },
		  false,
		  "a.example",
		  "p" },
		{ { "HTTP_PROXY=socks5://p:1", NULL }, false, "a.example", NULL },
		{ { "HTTP_PROXY=http://p:1/path", NULL }, false, "a.example", NULL },
		{ { "HTTP_PROXY=http://u:%zz@p:1", NULL }, false, "a.example", NULL },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		const struct weir_proxy_goal goal = { rows[i].tls, weir_slice_of(rows[i].host),
						      80 };
		struct weir_proxy proxy = { .host = NULL };
		int rc = weir_proxy_of_environment(config_getenv, (void *)(uintptr_t)rows[i].env,
						   &goal, &proxy);

		if (rc != (rows[i].proxy ? 0 : WEIR_ECONFIG))
			NOTE("row %zu", i);
		CHECK_INT(rc, rows[i].proxy ? 0 : WEIR_ECONFIG);
		CHECK_STR(proxy.host ? proxy.host : "", rows[i].proxy ? rows[i].proxy : "");
		weir_proxy_fini(&proxy);
	}
}

TEST(its_password_is_apart_and_encoded)
{
	static const char *const env[] = { "HTTPS_PROXY=http://me:a%3Ab@p.example:8080", NULL };
	const struct weir_proxy_goal goal = { true, WEIR_SLICE("a.example"), 443 };
	struct weir_proxy proxy = { .host = NULL };

	REQUIRE(weir_proxy_of_environment(config_getenv, (void *)(uintptr_t)env, &goal, &proxy) ==
		0);
	CHECK_INT(proxy.port, 8080);
	CHECK_STR(proxy.authorization.text, "Basic bWU6YTpi");
	CHECK_STR(proxy.password.text, "a:b");
	weir_proxy_fini(&proxy);
	CHECK(!proxy.host && !proxy.password.text);
}

TEST_MAIN
