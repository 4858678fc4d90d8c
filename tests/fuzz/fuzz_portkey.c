/* Whatever stands in a Portkey config, it becomes targets of known providers within the bounds, or
 * a complaint that names a place; no other host or key is in what is sent. */
#include "base/alloc.h"
#include "base/error.h"
#include "core/portkey.h"
#include "fuzz.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("{\"provider\":\"openai\",\"api_key\":\"sk-x\",\"cache\":{\"mode\":\"simple\"}}"),
	FUZZ_SEED("{\"strategy\":{\"mode\":\"loadbalance\"},\"targets\":[{\"virtual_key\":"
		  "\"openai-1\",\"weight\":0.7},{\"provider\":\"@openai\",\"weight\":0}]}"),
	FUZZ_SEED("{\"retry\":{\"attempts\":3,\"on_status_codes\":[429]},\"request_timeout\":1e3,"
		  "\"override_params\":{\"a\":1},\"targets\":[{\"provider\":\"openai\","
		  "\"override_params\":{\"model\":\"@openai/x\\u0041\",\"a\":{\"b\":[2]}}},"
		  "{\"targets\":[{\"targets\":[{\"targets\":[{}]}]}]}]}"),
	FUZZ_SEED("{\"strategy\":{\"mode\":\"conditional\"},\"targets\":[{\"customHost\":\"h\"}]}"),
	FUZZ_SEED("pc-main"),
};

static const char *look_up(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "OPENAI_API_KEY") == 0 ? "sk-test-0123456789" : NULL;
}

static struct weir_config *make_config(void)
{
	struct weir_config *config;
	struct weir_findings findings;

	weir_findings_init(&findings, "weir");
	FUZZ_CHECK(weir_config_zero(&config, look_up, NULL, &findings) == 0);
	weir_findings_fini(&findings);
	return config;
}

static void check(const struct weir_body *body)
{
	size_t offset;

	FUZZ_CHECK(body->fallbacks_n <= WEIR_FALLBACKS_MAX + 1);
	for (unsigned i = 0; i < body->fallbacks_n; i++) {
		const struct weir_fallback *f = &body->fallbacks[i];

		FUZZ_CHECK(f->name[0] && strlen(f->name) <= WEIR_NAME_MAX);
		FUZZ_CHECK(f->retries >= -1 && f->retries <= WEIR_RETRIES_WISH_MAX);
		FUZZ_CHECK(!f->overrides.len || weir_json_check(f->overrides, &offset) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct weir_config *config;
	static struct weir_http_head head;
	struct weir_complaint complaint = { 0 };
	struct weir_rng rng = { 1 };
	struct weir_portkey portkey;
	struct weir_body body;
	struct weir_buf bytes;
	int rc;

	if (!config)
		config = make_config();
	head.fields_n = 0;
	weir_http_add(&head, WEIR_SLICE("x-portkey-config"), weir_slice((const char *)data, size));
	weir_buf_init(&bytes, 64);
	FUZZ_CHECK(weir_buf_puts(&bytes, "{\"model\":\"m\"}") == 0);
	FUZZ_CHECK(weir_body_read(&body, &bytes, &complaint) == 0);
	FUZZ_CHECK(weir_portkey_take(&portkey, &head) == 0);
	rc = weir_portkey_read(&body, &portkey, config, &rng, &complaint);
	FUZZ_CHECK(rc == 0 ||
		   (rc == WEIR_ECONFIG && complaint.status == 400 && complaint.param[0]));
	if (rc == 0)
		check(&body);
	weir_portkey_fini(&portkey);
	weir_body_fini(&body);
	return 0;
}

FUZZ_MAIN(seeds, 100000)
