/* Every attempt and every fallback, as they happen; and a configuration made by calls.
 *
 *	observer CHAIN TARGET=URL...		TARGET: "provider/model", OpenAI-compatible */
#include <stdio.h>
#include <string.h>
#include <weir.h>

/* Here one counts, alerts, or feeds a policy of one's own. */
static void on_notice(void *arg, const struct weir_notice *n)
{
	switch (n->kind) {
	case WEIR_NOTICE_ATTEMPT:
		printf("call %u: %s answered %d, %s (%s), after %d ms\n", n->attempt, n->from,
		       n->status, n->outcome, n->reason, (int)n->ms);
		break;
	case WEIR_NOTICE_FALLBACK:
		printf("fallback: %s -> %s, because %s\n", n->from, n->to, n->outcome);
		break;
	case WEIR_NOTICE_RETRY:
	case WEIR_NOTICE_HEDGE:
		printf("once more: %s\n", n->to);
		break;
	case WEIR_NOTICE_END:
		printf("%s: %s by %s, %u calls, %d ms\n", n->request_id, n->outcome,
		       n->to ? n->to : "nobody", n->attempt, (int)n->ms);
		break;
	}
}

static void on_finding(void *arg, const char *line, size_t len)
{
	fwrite(line, 1, len, stderr);
}

/* "alpha/one=http://…": a provider, and a step to it. */
static void add_target(struct weir_setup *setup, const char *chain, char *target)
{
	char *url = strchr(target, '='), name[64];

	if (url)
		*url++ = '\0';
	snprintf(name, sizeof name, "%.*s", (int)strcspn(target, "/"), target);
	weir_setup_provider(setup, name, "openai", url);
	weir_setup_step(setup, chain, target);
}

int main(int argc, char **argv)
{
	static const struct weir_request_callbacks callbacks = { NULL, NULL, NULL };
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_setup *setup;
	struct weir_gateway *gateway;
	struct weir_request *request;
	uv_loop_t *loop = uv_default_loop();
	char body[512], why[256] = "usage: observer CHAIN TARGET=URL...";
	int rc, n = snprintf(body, sizeof body, "{\"model\":\"%s\",\"messages\":[]}",
			     argc < 3 ? "" : argv[1]);

	if (argc < 3 || n >= (int)sizeof body)
		return fprintf(stderr, "%s\n", why), 2;
	setup = weir_setup_create();
	for (int i = 2; i < argc; i++)
		add_target(setup, argv[1], argv[i]);
	weir_setup_option(setup, "chains", argv[1], "retries", "0");
	options.on_notice = on_notice;
	options.on_finding = on_finding;
	/* Whatever went wrong in the calls above is told here, once. */
	rc = weir_setup_text(setup, &options.config_text, &options.config_len);
	rc = rc ? rc : weir_gateway_create(&gateway, loop, &options, why, sizeof why);
	weir_setup_destroy(setup);
	if (rc)
		return fprintf(stderr, "%s\n", why), uv_run(loop, UV_RUN_DEFAULT), 2;
	if ((rc = weir_request_start(&request, gateway, "/v1/chat/completions", body, (size_t)n,
				     &callbacks, NULL)))
		fprintf(stderr, "observer: %s\n", weir_strerror(rc));
	uv_run(loop, UV_RUN_DEFAULT);
	weir_gateway_close(gateway, NULL, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop) ? 3 : rc != 0;
}
