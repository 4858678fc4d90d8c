#include "gateway_world.h"

#include "core/gateway.h"
#include "net/pool_private.h"

/* Another configuration is put in force by the embedding program. */

enum { K_MAX = 3000 };

static struct place p;
static struct ask ask, other;

#define SLOW                                                                               \
	"{\"model\":\"m9\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=SLOW\"}]," \
	"\"stream\":true}"
#define PLAIN_9 "{\"model\":\"m9\",\"messages\":[]}"

static const char *yaml_with(const char *defaults)
{
	static char yaml[4096];

	place_yaml(&p, defaults, "", yaml, sizeof yaml);
	return yaml;
}

/* m9 is at beta, and m1 is gone. */
static const char *yaml_moved(void)
{
	static char yaml[1024];

	snprintf(yaml, sizeof yaml,
		 "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n"
		 "providers: { beta: { dialect: openai, base_url: \"%s/v1\", keys: [ "
		 "sk-secret-beta-0003 ] } }\nchains: { m9: { steps: [ beta/m2 ] } }\n",
		 weir_mock_url(p.w.mock, "beta"));
	return yaml;
}

static int reload(const char *yaml)
{
	bool busy = p.busy;
	int rc;

	p.busy = true;
	p.why[0] = '\0';
	rc = weir_gateway_reload(p.gateway, yaml, yaml ? strlen(yaml) : 0, p.why, sizeof p.why);
	p.busy = busy;
	return rc;
}

static const char *metrics(void)
{
	static char copy[4 * 1024 * 1024];
	size_t len;
	char *text;

	copy[0] = '\0';
	if (weir_gateway_metrics(p.gateway, &text, &len) == 0)
		snprintf(copy, sizeof copy, "%s", text);
	weir_text_free(text);
	return copy;
}

static struct weir_origin *origin_warm(unsigned n)
{
	static char yaml[1024];

	snprintf(yaml, sizeof yaml,
		 "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n"
		 "providers:\n"
		 "  beta: { dialect: openai, base_url: \"%s/v1\", warm_connections: %u }\n"
		 "  twin: { dialect: openai, base_url: \"%s/v1\" }\n"
		 "chains: { m9: { steps: [ beta/m2, twin/m2 ] } }\n",
		 weir_mock_url(p.w.mock, "beta"), n, weir_mock_url(p.w.mock, "beta"));
	CHECK_INT(reload(yaml), 0);
	CHECK(p.gateway->now->origins[0] == p.gateway->now->origins[1]);
	CHECK_INT(p.gateway->now->origins[0]->warm.n, n);
	return p.gateway->now->origins[0];
}

static uint64_t snapshots(void)
{
	return place_metric(&p, "weir_config_snapshots ");
}

TEST(a_stream_keeps_the_configuration_it_began_with)
{
	REQUIRE(place_open(&p, "retries: 0"));
	place_script(&p, "gamma", "200;tokens=20;gap=5ms");
	CHECK_INT(ask_start(&p, &ask, SLOW), 0);
	while (!ask.pieces)
		uv_run(&p.w.loop, UV_RUN_ONCE);
	CHECK_INT(reload(yaml_moved()), 0);
	CHECK_INT(snapshots(), 2);
	CHECK_INT(ask_whole(&p, &other, PLAIN_9), 200);
	CHECK_STR(other.target, "beta/m2");
	ask_wait(&ask);
	CHECK(ask.whole);
	CHECK_STR(ask.target, "gamma/m9");
	CHECK(strstr(ask.body, "tok19") && strstr(ask.body, "[DONE]"));
	CHECK_INT(snapshots(), 1);
	CHECK_STR(weir_gateway_chain(p.gateway, 0), "m9");
	CHECK(!weir_gateway_chain(p.gateway, 1));
	place_close(&p);
}

TEST(connections_are_kept_warm_as_the_configuration_says)
{
	struct weir_origin *origin;

	REQUIRE(place_open(&p, "retries: 0"));
	origin = origin_warm(2);
	CHECK(origin_warm(1) == origin);
	while (!weir_origin_idle(origin))
		uv_run(&p.w.loop, UV_RUN_ONCE);
	CHECK(origin_warm(0) == origin);
	CHECK_INT(origin->warm.n, 0);
	origin_warm(1);
	CHECK_INT(reload(yaml_with("retries: 1")), 0);
	for (unsigned i = 0; i < p.gateway->now->config->providers_n; i++)
		CHECK_INT(p.gateway->now->origins[i]->warm.n, 0);
	origin = origin_warm(1);
	weir_gateway_drain(p.gateway, NULL, NULL);
	CHECK_INT(origin->warm.n, 0);
	place_close(&p);
}

static void reload_within(struct ask *a)
{
	(void)a;
	for (int i = 0; i < 3; i++) {
		CHECK_INT(reload(yaml_moved()), 0);
		CHECK_INT(reload(yaml_with("retries: 1")), 0);
	}
	CHECK_INT(reload("chains: nonsense\n"), WEIR_ERR_CONFIG);
}

TEST(a_request_may_reload_from_within)
{
	REQUIRE(place_open(&p, "retries: 0"));
	for (int hook = 0; hook < 3; hook++) {
		CHECK_INT(ask_start(&p, &ask, SLOW), 0);
		ask.on_start = hook == 0 ? reload_within : NULL;
		ask.on_bytes = hook == 1 ? reload_within : NULL;
		ask.on_done = hook == 2 ? reload_within : NULL;
		ask_wait(&ask);
		CHECK(ask.whole);
	}
	place_rest(&p, 5);
	CHECK_INT(snapshots(), 1);
	place_close(&p);
}

TEST(what_is_wrong_changes_nothing)
{
	size_t len;
	char *status;

	REQUIRE(place_open(&p, "retries: 0"));
	CHECK_INT(reload("chains: { m9: { steps: [ nobody/x ] } }\n"), WEIR_ERR_CONFIG);
	CHECK(strstr(p.why, "error"));
	CHECK_INT(place_logged(&p, "\"event\":\"reload\",\"ok\":false"), 1);
	CHECK(place_logged(&p, "\"level\":\"error\",\"event\":\"finding\"") > 0);
	CHECK_INT(reload(NULL), WEIR_ERR_CONFIG); /* there is no file to be read again */
	CHECK_INT(place_metric(&p, "weir_config_generation "), 1);
	CHECK_INT(place_metric(&p, "weir_config_last_reload_successful "), 0);
	CHECK_INT(place_metric(&p, "weir_config_reloads_total{result=\"failed\"}"), 2);
	CHECK_INT(ask_whole(&p, &ask, PLAIN_9), 200);
	CHECK_INT(reload(yaml_with("retries: 1")), 0);
	CHECK_INT(weir_gateway_status(p.gateway, &status, &len), 0);
	CHECK(status && strstr(status, "\"generation\":2"));
	CHECK(status && strstr(status, "\"reload\":{\"ok\":true,\"generation\":2"));
	weir_text_free(status);
	CHECK_INT(place_metric(&p, "weir_config_last_reload_successful "), 1);
	place_close(&p);
}

TEST(one_that_waits_for_room_is_served_when_the_cap_is_lifted)
{
	REQUIRE(place_open_first(&p, "retries: 0", "", ", max_inflight: 1"));
	p.first = NULL;
	place_script(&p, "alpha", "200;tokens=20;gap=20ms");
	place_script(&p, "beta", "500");
	place_script(&p, "gamma", "500");
	CHECK_INT(ask_start(&p, &ask,
			    "{\"model\":\"m1\",\"messages\":[],\"stream\":true,\"fallbacks\":[]}"),
		  0);
	while (!ask.pieces)
		uv_run(&p.w.loop, UV_RUN_ONCE);
	CHECK_INT(ask_start(&p, &other, "{\"model\":\"m1\",\"messages\":[],\"fallbacks\":[]}"), 0);
	CHECK_INT(place_metric(&p, "weir_queue_length "), 1);
	CHECK_INT(reload(yaml_with("retries: 0")), 0);
	place_turn(&p);
	CHECK_INT(place_metric(&p, "weir_queue_length "), 0);
	CHECK(!ask.dones);
	ask_wait(&ask);
	ask_wait(&other);
	CHECK_INT(other.status, 200);
	place_close(&p);
}

/* So many chains, each with a model of its own, as no earlier generation had. */
static const char *yaml_many(unsigned generation, unsigned n)
{
	static char yaml[64 * 1024];
	size_t len = (size_t)snprintf(
		yaml, sizeof yaml,
		"listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\n"
		"providers: { beta: { dialect: openai, base_url: \"%s/v1\" } }\n"
		"chains:\n",
		weir_mock_url(p.w.mock, "beta"));

	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(yaml + len, sizeof yaml - len,
					"  c%u-%u: { steps: [ beta/x%u-%u ] }\n", generation, i,
					generation, i);
	return yaml;
}

static bool is_counted(const char *name)
{
	char line[64];

	snprintf(line, sizeof line, "chain=\"%s\"", name);
	return strstr(metrics(), line) != NULL;
}

/* A counter that vanishes at once looks like one that fell; one that never does is memory lost.
 * What was asked lately is kept for the status page as well. */
TEST(what_is_gone_is_counted_on_but_not_for_ever)
{
	REQUIRE(place_open(&p, "retries: 0"));
	CHECK_INT(reload(yaml_many(1, 600)), 0);
	CHECK(is_counted("m1") && is_counted("c1-8"));
	CHECK_INT(reload(yaml_many(2, 1)), 0);
	CHECK(is_counted("c1-8") && is_counted("c2-0"));
	CHECK_INT(reload(yaml_many(3, 1)), 0);
	CHECK(!is_counted("m1") && !is_counted("c1-8"));
	CHECK_INT(ask_whole(&p, &ask, "{\"model\":\"c3-0\",\"messages\":[]}"), 200);
	CHECK(is_counted("c2-0") && is_counted("c3-0"));
	place_close(&p);
}

TEST(without_memory_it_is_all_or_nothing)
{
	unsigned k = 1, refused = 0;
	bool met = true;

	REQUIRE(place_open(&p, "retries: 0"));
	place_script(&p, "gamma", "200;tokens=20;gap=1ms");
	CHECK_INT(ask_start(&p, &ask, SLOW), 0);
	while (!ask.pieces)
		uv_run(&p.w.loop, UV_RUN_ONCE);
	for (; k < K_MAX && met; k++) {
		uint64_t before = place_metric(&p, "weir_config_generation "), after;
		int rc;

		p.log_len = 0;
		weir_alloc_fail_after(k);
		rc = reload(k % 2 ? yaml_moved() : yaml_with("retries: 1"));
		met = place_failure_met(k);
		after = place_metric(&p, "weir_config_generation ");
		CHECK_INT(after, before + (rc == 0));
		CHECK(rc == 0 || rc == WEIR_ERR_MEMORY || rc == WEIR_ERR_CONFIG);
		refused += rc != 0;
	}
	NOTE("%u of %u allocations refuse it", refused, k);
	CHECK(k < K_MAX && refused > 10);
	ask_wait(&ask);
	CHECK(ask.whole);
	CHECK_INT(reload(yaml_moved()), 0);
	CHECK_INT(snapshots(), 1);
	CHECK_INT(ask_whole(&p, &other, PLAIN_9), 200);
	CHECK_STR(other.target, "beta/m2");
	p.log_len = 0;
	place_close_gateway(&p);
	place_close(&p);
}

TEST_MAIN
