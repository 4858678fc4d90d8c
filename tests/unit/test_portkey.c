/* What a Portkey client's head becomes: targets of the configuration, and nothing else. */
#include "core/portkey.h"

#include "base/error.h"
#include "config_help.h"

static const char config_text[] =
	"compat: portkey\n"
	"providers:\n"
	"  openai: { keys: k1 }\n"
	"  openai-east: { dialect: openai, base_url: \"http://127.0.0.1:9/v1\" }\n"
	"  gemini: { dialect: openai, base_url: \"http://127.0.0.1:9/v1\" }\n"
	"  together: { keys: k2 }\n"
	"chains: { gpt-4o: { steps: [ openai/gpt-4o ] }, pc-main-1a: { steps: [ openai/o ] } }\n";

static struct config_try try;
static struct weir_body body;
static struct weir_complaint complaint;
static struct weir_rng rng;

/* fields: "config", its value, …, NULL; without x-portkey- */
static int read_head(const char *text, const char *const *fields)
{
	static struct weir_http_head head;
	static char names[8][64];
	struct weir_portkey portkey;
	struct weir_buf bytes;
	int rc;

	head.names = head.fields_n = 0;
	for (unsigned i = 0; fields[2 * i]; i++) {
		snprintf(names[i], sizeof names[i], "X-Portkey-%s", fields[2 * i]);
		weir_http_add(&head, weir_slice_of(names[i]), weir_slice_of(fields[2 * i + 1]));
	}
	complaint = (struct weir_complaint){ 0 };
	body = (struct weir_body){ 0 };
	weir_buf_init(&bytes, 1 << 20);
	rc = weir_buf_puts(&bytes, text);
	if (rc == 0)
		rc = weir_body_read(&body, &bytes, &complaint);
	if (rc == 0)
		rc = weir_portkey_take(&portkey, &head);
	else
		weir_buf_init(&portkey.text, 1);
	if (rc == 0)
		rc = weir_portkey_read(&body, &portkey, try.config, &rng, &complaint);
	weir_portkey_fini(&portkey);
	weir_buf_fini(&bytes);
	return rc;
}

static int read_config(const char *text, const char *config)
{
	const char *const fields[] = { "config", config, NULL };

	return read_head(text, fields);
}

/* "openai/gpt-4o 20000ms 2x {…}, …" */
static const char *wished(void)
{
	static char out[2048];
	size_t n = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < body.fallbacks_n; i++) {
		const struct weir_fallback *f = &body.fallbacks[i];

		n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", i ? ", " : "", f->name);
		if (f->timeout_ms)
			n += (size_t)snprintf(out + n, sizeof out - n, " %llums",
					      (unsigned long long)f->timeout_ms);
		if (f->retries >= 0)
			n += (size_t)snprintf(out + n, sizeof out - n, " %dx", f->retries);
		if (f->overrides.len)
			n += (size_t)snprintf(out + n, sizeof out - n, " %.*s",
					      (int)f->overrides.len, f->overrides.base);
	}
	return out;
}

static const char *ignored(void)
{
	static char out[1024];

	out[0] = '\0';
	for (unsigned i = 0; body.ignored && i < body.ignored->n; i++)
		snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? ", " : "",
			 body.ignored->names[i]);
	return out;
}

#define ASK "{\"model\":\"gpt-4o\"}"

static const struct {
	const char *config, *wished, *told;
} configs[] = {
	{ "{\"provider\":\"openai\"}", "openai/gpt-4o", "" },
	{ "{\"provider\":\"openai\",\"api_key\":\"sk-theirs\",\"cache\":{\"mode\":\"simple\"}}",
	  "openai/gpt-4o", "api_key, cache" },
	{ "{\"provider\":\"openai\",\"api_key\":null,\"cache\":{}}", "openai/gpt-4o", "" },
	{ "{\"virtual_key\":\"openai-7f2a\",\"override_params\":{\"model\":\"o3\"}}",
	  "openai/o3 {\"model\":\"o3\"}", "" },
	{ "{\"virtual_key\":\"openai-east-7f2a\"}", "openai-east/gpt-4o", "" },
	{ "{\"provider\":\"@google-prod\"}", "gemini/gpt-4o", "" },
	{ "{\"provider\":\"together-ai\",\"overrideParams\":{\"model\":\"a/b\"}}",
	  "together/a/b {\"model\":\"a/b\"}", "" },
	{ "{\"override_params\":{\"model\":\"@openai/o3\"}}",
	  "openai/o3 {\"model\":\"@openai/o3\"}", "" },
	{ "{\"override_params\":{\"temperature\":0}}", "gpt-4o {\"temperature\":0}", "" },
	{ "{\"strategy\":{\"mode\":\"fallback\",\"on_status_codes\":[429]},\"targets\":["
	  "{\"provider\":\"openai\"},{\"provider\":\"together-ai\"}]}",
	  "openai/gpt-4o, together/gpt-4o", "on_status_codes" },
	{ "{\"strategy\":{\"mode\":\"single\"},\"targets\":[{\"provider\":\"openai\"},"
	  "{\"provider\":\"together-ai\"}]}",
	  "openai/gpt-4o", "" },
	{ "{\"retry\":{\"attempts\":3},\"request_timeout\":20000,\"override_params\":{\"a\":1,"
	  "\"b\":1},\"targets\":[{\"provider\":\"openai\"},{\"provider\":\"together\",\"retry\":{"
	  "\"attempts\":0},\"requestTimeout\":500,\"override_params\":{\"b\":2,\"model\":\"m\"}}]}",
	  "openai/gpt-4o 20000ms 3x {\"a\":1,\"b\":1}, "
	  "together/m 500ms 0x {\"b\":2,\"model\":\"m\",\"a\":1}",
	  "" },
	{ "{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{\"strategy\":{\"mode\":\"single\"},"
	  "\"provider\":\"openai\",\"targets\":[{\"override_params\":{\"model\":\"x\"}}]},"
	  "{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{\"provider\":\"together\"},"
	  "{\"provider\":\"gemini\"}]}]}",
	  "openai/x {\"model\":\"x\"}, together/gpt-4o, gemini/gpt-4o", "" },
	{ "pc-main-1a", "pc-main-1a", "" },
	{ "{\"targets\":[],\"provider\":\"openai\"}", "openai/gpt-4o", "" },
};

TEST(a_config_becomes_targets)
{
	config_parse(&try, config_text);
	REQUIRE(try.rc == 0);
	for (size_t i = 0; i < WEIR_COUNT_OF(configs); i++) {
		if (read_config(ASK, configs[i].config))
			NOTE("%s: %s", configs[i].config, complaint.message);
		CHECK_STR(wished(), configs[i].wished);
		CHECK_STR(ignored(), configs[i].told);
		CHECK(body.led);
		weir_body_fini(&body);
	}
	config_done(&try);
	CHECK_INT(weir_alloc_live(), 0);
}

TEST(a_config_without_targets_is_about_the_chain)
{
	config_parse(&try, config_text);
	REQUIRE(read_config(ASK, "{\"retry\":{\"attempts\":2},\"request_timeout\":1500}") == 0);
	CHECK(!body.led && body.fallbacks_n == 0);
	CHECK_INT(body.retries, 2);
	CHECK_INT(body.timeout_ms, 1500);
	weir_body_fini(&body);
	REQUIRE(read_config("{\"model\":\"gpt-4o\",\"timeout\":3,\"num_retries\":1}",
			    "{\"retry\":{\"attempts\":2},\"request_timeout\":1500}") == 0);
	CHECK_INT(body.retries, 1);
	CHECK_INT(body.timeout_ms, 3000);
	weir_body_fini(&body);
	config_done(&try);
}

TEST(header_fields_are_a_config_of_their_own)
{
	static const char *const rows[][6] = {
		{ "openai/gpt-4o 900ms 2x", "provider", "openai", "request-timeout", "900",
		  "retry-count" },
		{ "openai/gpt-4o", "virtual-key", "openai-abc", NULL },
		{ "openai/gpt-4o 900ms", "config", "{\"provider\":\"openai\"}", "request-timeout",
		  "900", NULL },
		{ "openai/gpt-4o", "config", "{\"targets\":[{}]}", "provider", "openai", NULL },
		{ "", "metadata", "{\"_user\":\"u\"}", "trace-id", "t", NULL },
	};

	config_parse(&try, config_text);
	for (size_t i = 0; i < WEIR_COUNT_OF(rows); i++) {
		const char *fields[9] = { NULL };

		for (unsigned k = 0; k < 5 && rows[i][k + 1]; k++)
			fields[k] = rows[i][k + 1];
		if (i == 0)
			fields[5] = "2";
		CHECK_INT(read_head(ASK, fields), 0);
		CHECK_STR(wished(), rows[i][0]);
		weir_body_fini(&body);
	}
	config_done(&try);
}

TEST(the_model_may_name_its_provider)
{
	static const char *const none[] = { NULL };

	config_parse(&try, config_text);
	REQUIRE(read_head("{\"model\":\"@openai-prod/gpt-4o\"}", none) == 0);
	CHECK_STR(wished(), "openai/gpt-4o");
	CHECK_STR(body.fallbacks[0].where, "model");
	weir_body_fini(&body);
	REQUIRE(read_head(ASK, none) == 0);
	CHECK(!body.led);
	weir_body_fini(&body);
	config_done(&try);
}

static const struct {
	const char *config, *param, *code;
} refused[] = {
	{ "pc-other", "x-portkey-config", "config_not_found" },
	{ "openai/gpt-4o", "x-portkey-config", "config_not_found" },
	{ "{\"provider\":", "x-portkey-config", "invalid_json" },
	{ "{\"provider\":\"nobody\"}", "x-portkey-config", "model_not_found" },
	{ "{\"targets\":[{\"provider\":\"openai\"},{\"provider\":\"nobody\"}]}",
	  "x-portkey-config.targets[1]", "model_not_found" },
	{ "{\"provider\":\"openai\",\"c\\u0075stom\\u005Fhost\":\"http://10.0.0.1\"}",
	  "x-portkey-config.custom_host", "not_supported" },
	{ "{\"provider\":\"openai\",\"custom_host\":\"http://10.0.0.1\"}",
	  "x-portkey-config.custom_host", "not_supported" },
	{ "{\"targets\":[{\"provider\":\"openai\",\"customHost\":\"http://10.0.0.1\"}]}",
	  "x-portkey-config.targets[0].custom_host", "not_supported" },
	{ "{\"strategy\":{\"mode\":\"conditional\",\"conditions\":[]},\"targets\":[{}]}",
	  "x-portkey-config", "not_supported" },
	{ "{\"strategy\":{\"mode\":\"race\"},\"targets\":[{}]}", "x-portkey-config",
	  "not_supported" },
	{ "{\"targets\":{\"a\":1}}", "x-portkey-config.targets", "invalid_type" },
	{ "{\"targets\":[7]}", "x-portkey-config.targets[0]", "invalid_type" },
	{ "{\"provider\":7}", "x-portkey-config.provider", "invalid_type" },
	{ "{\"retry\":{\"attempts\":-1}}", "x-portkey-config.retry.attempts", "invalid_type" },
	{ "{\"request_timeout\":\"9\"}", "x-portkey-config.request_timeout", "invalid_type" },
	{ "{\"targets\":[{\"weight\":-1}]}", "x-portkey-config.weight", "invalid_type" },
	{ "{\"override_params\":[1]}", "x-portkey-config.override_params", "invalid_type" },
	{ "{\"provider\":\"openai\",\"override_params\":{},\"override_params\":{},"
	  "\"overrideParams\":{},\"overrideParams\":{},"
	  "\"override_params\":{},\"override_params\":{}}",
	  "x-portkey-config", "invalid_value" },
	{ "{\"override_params\":{\"model\":\"a\\u0000b\"}}", "x-portkey-config",
	  "model_not_found" },
	{ "{\"targets\":[{\"targets\":[{\"targets\":[{\"targets\":[{\"targets\":[{}]}]}]}]}]}",
	  "x-portkey-config.targets[0].targets[0].targets[0].targets[0]", "invalid_value" },
	{ "{\"targets\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}", "x-portkey-config",
	  "invalid_value" },
};

TEST(complaints_name_the_place)
{
	config_parse(&try, config_text);
	for (size_t i = 0; i < WEIR_COUNT_OF(refused); i++) {
		if (read_config(ASK, refused[i].config) != WEIR_ECONFIG)
			NOTE("%s", refused[i].config);
		CHECK_STR(complaint.param, refused[i].param);
		CHECK_STR(complaint.code, refused[i].code);
		weir_body_fini(&body);
	}
	config_done(&try);
}

TEST(targets_in_two_places_are_refused)
{
	static const char *const host[] = { "custom-host", "http://10.0.0.1", NULL };

	config_parse(&try, config_text);
	CHECK_INT(read_config("{\"model\":\"gpt-4o\",\"fallbacks\":[\"x\"]}",
			      "{\"provider\":\"openai\"}"),
		  WEIR_ECONFIG);
	CHECK_STR(complaint.code, "conflicting_fields");
	weir_body_fini(&body);
	CHECK_INT(read_head(ASK, host), WEIR_ECONFIG);
	CHECK_STR(complaint.param, "x-portkey-custom-host");
	weir_body_fini(&body);
	config_done(&try);
}

/* Three to one, and who has no weight is never the first. */
TEST(a_lot_follows_the_weights)
{
	static const char balanced[] =
		"{\"strategy\":{\"mode\":\"loadbalance\"},\"targets\":["
		"{\"provider\":\"gemini\",\"weight\":0},{\"provider\":\"together\",\"weight\":1},"
		"{\"provider\":\"openai\",\"weight\":3}]}";
	unsigned first = 0, n = 4000;

	config_parse(&try, config_text);
	weir_rng_init(&rng, 7);
	for (unsigned i = 0; i < n; i++) {
		REQUIRE(read_config(ASK, balanced) == 0);
		REQUIRE(body.fallbacks_n == 3);
		CHECK_STR(body.fallbacks[2].name, "gemini/gpt-4o");
		first += strcmp(body.fallbacks[0].name, "openai/gpt-4o") == 0;
		weir_body_fini(&body);
	}
	CHECK(first > n * 70 / 100 && first < n * 80 / 100);
	config_done(&try);
}

TEST(the_kth_allocation_fails)
{
	static const char text[] = "{\"override_params\":{\"a\":1},\"api_key\":\"x\",\"targets\":["
				   "{\"provider\":\"openai\"},{\"provider\":\"together\"}]}";
	bool failed = true;
	size_t live;

	config_parse(&try, config_text);
	live = weir_alloc_live();
	for (uint64_t k = 1; failed && k < 40; k++) {
		weir_alloc_fail_after(k);
		failed = read_config(ASK, text) != 0;
		weir_alloc_fail_after(0);
		weir_body_fini(&body);
		CHECK_INT(weir_alloc_live(), live);
	}
	CHECK(!failed);
	config_done(&try);
}

TEST_MAIN
