/* The OTEL_* variables, from an environment of the test's own. */
#include "config/otel.h"

#include "config_help.h"

struct told {
	unsigned n;
	char text[4096];
};

static void on_warning(void *arg, const char *sentence)
{
	struct told *told = arg;
	size_t len = strlen(told->text);

	told->n++;
	snprintf(told->text + len, sizeof told->text - len, "%s\n", sentence);
}

static struct weir_otel read_env(struct told *told, const char *const *env)
{
	struct weir_otel otel;

	*told = (struct told){ 0 };
	CHECK_INT(weir_otel_read(&otel, config_getenv, (void *)(uintptr_t)env, on_warning, told),
		  0);
	return otel;
}

TEST(without_an_endpoint_it_is_off)
{
	static const char *const rows[][4] = {
		{ NULL },
		{ "OTEL_SERVICE_NAME=x", NULL },
		{ "OTEL_EXPORTER_OTLP_ENDPOINT=", NULL },
		{ "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_SDK_DISABLED=TRUE", NULL },
		{ "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_TRACES_EXPORTER=none", NULL },
	};
	struct told told;

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		struct weir_otel otel = read_env(&told, rows[i]);

		CHECK(!otel.on);
		CHECK_INT(told.n, 0);
		weir_otel_fini(&otel);
	}
}

TEST(the_defaults_are_those_of_the_specification)
{
	static const char *const env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:4318/",
					   NULL };
	struct told told;
	struct weir_otel o = read_env(&told, env);

	REQUIRE(o.on);
	CHECK_INT(told.n, 0);
	CHECK_STR(o.url, "http://collector:4318/v1/traces");
	CHECK_STR(o.host, "collector");
	CHECK_STR(o.path, "/v1/traces");
	CHECK(!o.tls && o.port == 4318 && !o.ca_file && o.headers_n == 0);
	CHECK_INT(o.attributes_n, 1);
	CHECK_STR(o.attributes[0].value, "weir");
	CHECK(o.sampler.parent_based && weir_sampler_keeps(&o.sampler, NULL, UINT64_MAX));
	CHECK(o.timeout_ms == 10000 && o.delay_ms == 5000 && o.give_up_ms == 30000);
	CHECK(o.queue_max == 2048 && o.batch_max == 512);
	weir_otel_fini(&o);
}

TEST(the_signals_own_variables_count_first)
{
	static const char *const env[] = {
		"OTEL_EXPORTER_OTLP_ENDPOINT=http://other:1",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=https://[2001:db8::7]/in",
		"OTEL_EXPORTER_OTLP_HEADERS=a=1",
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS= b = 2%20x ,c=%25",
		"OTEL_EXPORTER_OTLP_TIMEOUT=1",
		"OTEL_EXPORTER_OTLP_TRACES_TIMEOUT=2500",
		"OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=/ca.pem",
		"OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf",
		"OTEL_RESOURCE_ATTRIBUTES=service.name=n1,x=1%2C2,service.name=n2",
		"OTEL_TRACES_SAMPLER=traceidratio",
		"OTEL_TRACES_SAMPLER_ARG=0.5",
		"OTEL_BSP_MAX_QUEUE_SIZE=100",
		"OTEL_BSP_MAX_EXPORT_BATCH_SIZE=200",
		"OTEL_BSP_SCHEDULE_DELAY=0",
		"OTEL_BSP_EXPORT_TIMEOUT=7",
		NULL,
	};
	struct told told;
	struct weir_otel o = read_env(&told, env);

	REQUIRE(o.on);
	CHECK_INT(told.n, 0);
	CHECK_STR(o.url, "https://[2001:db8::7]:443/in");
	CHECK_STR(o.host, "2001:db8::7");
	CHECK(o.tls && o.port == 443);
	CHECK_STR(o.ca_file, "/ca.pem");
	REQUIRE(o.headers_n == 2 && o.attributes_n == 2);
	CHECK_STR(o.headers[0].name, "b");
	CHECK_STR(o.headers[0].value, "2 x");
	CHECK_STR(o.headers[1].value, "%");
	CHECK_STR(o.attributes[0].value, "n2");
	CHECK_STR(o.attributes[1].value, "1,2");
	CHECK(!o.sampler.parent_based && !weir_sampler_keeps(&o.sampler, NULL, UINT64_MAX));
	CHECK(o.timeout_ms == 2500 && o.delay_ms == 0 && o.give_up_ms == 7);
	CHECK(o.queue_max == 100 && o.batch_max == 100);
	weir_otel_fini(&o);
}

TEST(a_service_name_of_its_own_counts_first)
{
	static const char *const env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://c",
					   "OTEL_SERVICE_NAME=mine",
					   "OTEL_RESOURCE_ATTRIBUTES=service.name=theirs", NULL };
	struct told told;
	struct weir_otel o = read_env(&told, env);

	REQUIRE(o.attributes_n == 1);
	CHECK_STR(o.attributes[0].value, "mine");
	CHECK_STR(o.url, "http://c:80/v1/traces");
	CHECK_INT(told.n, 0);
	weir_otel_fini(&o);
}

/* Each with the word its only warning must have; nothing secret is in any. */
TEST(what_is_wrong_is_told_and_passed_over)
{
	static const struct {
		const char *variable, *word;
		bool on;
	} rows[] = {
		{ "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", "no traces are sent", false },
		{ "OTEL_EXPORTER_OTLP_ENDPOINT=http://u:hunter2@c", "no traces are sent", false },
		{ "OTEL_EXPORTER_OTLP_ENDPOINT=http://c?key=hunter2", "no traces are sent", false },
		{ "OTEL_TRACES_EXPORTER=zipkin", "neither otlp nor none", false },
		{ "OTEL_EXPORTER_OTLP_HEADERS=hunter2", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_HEADERS=a=hunter2%0d%0ax", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_HEADERS=b c=hunter2", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_HEADERS=Host=hunter2", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_HEADERS==hunter2", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_HEADERS=a=1,hunter2 x==", "entry 2 is passed over", true },
		{ "OTEL_RESOURCE_ATTRIBUTES=a=hunter2%zz", "entry 1 is passed over", true },
		{ "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "http/json", true },
		{ "OTEL_EXPORTER_OTLP_TIMEOUT=hunter2", "10000 counts", true },
		{ "OTEL_BSP_MAX_QUEUE_SIZE=0", "2048 counts", true },
		{ "OTEL_BSP_MAX_QUEUE_SIZE=99999999", "2048 counts", true },
		{ "OTEL_TRACES_SAMPLER=jaeger_remote", "parentbased_always_on counts", true },
		{ "OTEL_TRACES_SAMPLER_ARG=2", "1 counts", true },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		const char *const env[] = { rows[i].variable,
					    "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", NULL };
		struct told told;
		struct weir_otel o = read_env(&told, env);

		test_int(told.n, 1, __FILE__, __LINE__, rows[i].variable);
		CHECK_INT(o.on, rows[i].on);
		if (!strstr(told.text, rows[i].word))
			NOTE("%s: %s", rows[i].variable, told.text);
		CHECK(strstr(told.text, rows[i].word) && !strstr(told.text, "hunter2"));
		weir_otel_fini(&o);
	}
}

TEST(no_memory_is_said_and_nothing_leaks)
{
	static const char *const env[] = { "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318",
					   "OTEL_EXPORTER_OTLP_HEADERS=a=1,b=2",
					   "OTEL_EXPORTER_OTLP_CERTIFICATE=x",
					   "OTEL_RESOURCE_ATTRIBUTES=service.name=s,y=z", NULL };
	size_t before = weir_alloc_live();
	struct weir_otel o;
	int rc = WEIR_ENOMEM;

	for (uint64_t nth = 1; rc; nth++) {
		REQUIRE(nth < 100);
		weir_alloc_fail_after(nth);
		rc = weir_otel_read(&o, config_getenv, (void *)(uintptr_t)env, NULL, NULL);
		weir_alloc_fail_after(0);
		CHECK(rc == 0 || rc == WEIR_ENOMEM);
		weir_otel_fini(&o);
		CHECK(weir_alloc_live() == before);
	}
}

TEST_MAIN
