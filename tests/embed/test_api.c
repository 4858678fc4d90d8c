/* What a stranger's program can do wrong, and what it is told. */
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <weir.h>

#include "test.h"

static char findings[4096];

static void on_finding(void *arg, const char *line, size_t len)
{
	size_t at = strlen(findings);

	(void)arg;
	snprintf(findings + at, sizeof findings - at, "%.*s", (int)len, line);
}

static int create(uv_loop_t *loop, struct weir_gateway **gateway, const char *yaml, char why[256])
{
	struct weir_gateway_options options = {
		.size = sizeof options,
		.config_text = yaml,
		.config_len = strlen(yaml),
		.on_finding = on_finding,
	};

	findings[0] = '\0';
	return weir_gateway_create(gateway, loop, &options, why, 256);
}

static const char good[] =
	"listen: 127.0.0.1:0\n"
	"providers: { a: { dialect: openai, base_url: http://127.0.0.1:1/v1 } }\n"
	"chains: { c: { retries: 0, steps: [ a/m ] } }\n";

static int ends;
static int last_status;
static char last_trail[512];
static bool closed;

static void on_start(struct weir_request *request, int status, const char *type, const char *target)
{
	(void)request, (void)type, (void)target;
	last_status = status;
}

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	(void)request, (void)whole;
	snprintf(last_trail, sizeof last_trail, "%s", trail);
	ends++;
}

static void on_closed(void *arg)
{
	*(bool *)arg = true;
}

static const struct weir_request_callbacks callbacks = { on_start, NULL, on_done };

TEST(a_bad_configuration_is_explained)
{
	struct weir_gateway *gateway;
	char why[256] = "";
	uv_loop_t loop;

	uv_loop_init(&loop);
	CHECK_INT(create(&loop, &gateway, "chains: { c: { steps: [ nobody/m ] } }", why),
		  WEIR_ERR_CONFIG);
	CHECK(strstr(findings, "nobody") != NULL);
	CHECK(strstr(findings, "error[") != NULL);
	CHECK(why[0] != '\0');
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

/* on_done comes once for each, and never inside the call that caused it. */
TEST(every_request_ends_once)
{
	static const char body[] = "{\"model\":\"c\",\"messages\":[]}";
	struct weir_request *request;
	struct weir_gateway *gateway;
	char why[256];
	uv_loop_t loop;

	uv_loop_init(&loop);
	ends = 0;
	closed = false;
	REQUIRE(create(&loop, &gateway, good, why) == 0);
	CHECK_INT(weir_request_start(&request, gateway, "/v1/nothing", body, sizeof body - 1,
				     &callbacks, NULL),
		  UV_EINVAL);
	for (int i = 0; i < 3; i++)
		REQUIRE(weir_request_start(&request, gateway, "/v1/chat/completions", body,
					   sizeof body - 1, &callbacks, NULL) == 0);
	weir_request_cancel(request);
	weir_request_cancel(request);
	CHECK_INT(ends, 0);
	REQUIRE(weir_request_start(&request, gateway, "/v1/chat/completions", "{", 1, &callbacks,
				   NULL) == 0);
	while (ends < 4 && uv_run(&loop, UV_RUN_ONCE))
		;
	CHECK_INT(ends, 4);
	weir_gateway_close(gateway, on_closed, &closed);
	CHECK(!closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(closed);
	CHECK_INT(uv_loop_close(&loop), 0);
}

/* What a port with nobody behind it says, and what a target of no such chain does. */
TEST(one_target_is_asked_alone)
{
	static const char body[] = "{\"model\":\"c\",\"messages\":[]}";
	static const struct {
		const char *target;
		int status;
	} rows[] = { { "a/m", 502 }, { "a/n", 502 }, { "a/other", 404 }, { NULL, 502 } };
	struct weir_request *request;
	struct weir_gateway *gateway;
	char why[256];
	uv_loop_t loop;

	uv_loop_init(&loop);
	closed = false;
	REQUIRE(create(&loop, &gateway,
		       "providers: { a: { dialect: openai, base_url: http://127.0.0.1:1/v1 } }\n"
		       "chains: { c: { retries: 0, steps: [ a/m, a/n ] } }\n",
		       why) == 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ends = 0;
		REQUIRE(weir_request_start_at(&request, gateway, "/v1/chat/completions",
					      rows[i].target, body, sizeof body - 1, &callbacks,
					      NULL) == 0);
		CHECK(strncmp(weir_request_id(request), "req_", 4) == 0);
		while (!ends && uv_run(&loop, UV_RUN_ONCE))
			;
		CHECK_INT(last_status, rows[i].status);
		/* Entries of a trail are joined by commas. */
		CHECK_INT(strchr(last_trail, ',') != NULL, rows[i].target == NULL);
	}
	weir_gateway_close(gateway, on_closed, &closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(closing_ends_what_is_under_way)
{
	static const char body[] = "{\"model\":\"c\",\"messages\":[]}";
	struct weir_request *request;
	struct weir_gateway *gateway;
	char why[256];
	uv_loop_t loop;

	uv_loop_init(&loop);
	ends = 0;
	closed = false;
	REQUIRE(create(&loop, &gateway, good, why) == 0);
	REQUIRE(weir_gateway_listen(gateway, NULL, why, sizeof why) == 0);
	CHECK(strncmp(weir_gateway_address(gateway, 0), "127.0.0.1:", 10) == 0);
	CHECK(weir_gateway_address(gateway, 1) == NULL);
	CHECK_STR(weir_gateway_chain(gateway, 0), "c");
	REQUIRE(weir_request_start(&request, gateway, "/v1/chat/completions", body, sizeof body - 1,
				   &callbacks, NULL) == 0);
	weir_gateway_close(gateway, on_closed, &closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(ends, 1);
	CHECK(closed);
	CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(options_say_how_much_of_them_there_is)
{
	struct {
		struct weir_gateway_options options;
		void (*on_later)(void);
	} later = { { 0 }, NULL };
	struct weir_gateway *gateway;
	char why[256] = "";
	uv_loop_t loop;

	uv_loop_init(&loop);
	later.options.config_text = good;
	later.options.config_len = sizeof good - 1;
	CHECK_INT(weir_gateway_create(&gateway, &loop, &later.options, why, sizeof why), UV_EINVAL);
	CHECK(strstr(why, "WEIR_GATEWAY_OPTIONS_INIT"));
	CHECK(!gateway);
	later.options.size = sizeof later;
	later.on_later = abort;
	CHECK_INT(weir_gateway_create(&gateway, &loop, &later.options, why, sizeof why), UV_E2BIG);
	later.on_later = NULL; /* what is not set cannot be missed */
	CHECK_INT(weir_gateway_create(&gateway, &loop, &later.options, why, sizeof why), 0);
	weir_gateway_close(gateway, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(a_gateway_that_is_unrefed_does_not_keep_the_loop_alive)
{
	struct weir_gateway *gateway;
	char why[256];
	uv_loop_t loop;

	uv_loop_init(&loop);
	closed = false;
	REQUIRE(create(&loop, &gateway, good, why) == 0);
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	REQUIRE(weir_gateway_listen(gateway, NULL, why, sizeof why) == 0);
	CHECK(uv_loop_alive(&loop));
	weir_gateway_unref(gateway);
	weir_gateway_unref(gateway);
	CHECK(!uv_loop_alive(&loop));
	REQUIRE(weir_gateway_listen_admin(gateway, "127.0.0.1:0", why, sizeof why) == 0);
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	weir_gateway_ref(gateway);
	CHECK(uv_loop_alive(&loop));
	weir_gateway_unref(gateway);
	weir_gateway_close(gateway, on_closed, &closed);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK(closed);
	CHECK_INT(uv_loop_close(&loop), 0);
}

static int listening_socket(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK_INT(listen(fd, 1), 0);
	return fd;
}

TEST(a_gateway_that_closes_inherits_nothing)
{
	struct weir_gateway *gateway;
	char why[256] = "";
	uv_loop_t loop;
	int fd;

	uv_loop_init(&loop);
	REQUIRE(create(&loop, &gateway, good, why) == 0);
	CHECK_INT(weir_gateway_inherit(gateway, listening_socket(), NULL, 0, why, sizeof why), 0);
	weir_gateway_close(gateway, NULL, NULL);
	fd = listening_socket();
	CHECK_INT(weir_gateway_inherit(gateway, fd, NULL, 0, why, sizeof why), WEIR_ERR_BIND);
	CHECK(strstr(why, "closing"));
	CHECK_INT(fcntl(fd, F_GETFD), -1);
	CHECK(!weir_gateway_inherited(gateway, 0));
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

static struct weir_request *to_pause;

static void pause_in_notice(void *arg, const struct weir_notice *notice)
{
	(void)arg;
	if (notice->kind == WEIR_NOTICE_ATTEMPT)
		weir_request_pause(to_pause);
}

/* Also when all is over but for being told. */
TEST(a_paused_request_keeps_the_loop_alive)
{
	static const char body[] = "{\"model\":\"c\",\"messages\":[]}";
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_gateway *gateway;
	uv_loop_t loop;

	uv_loop_init(&loop);
	options.config_text = good;
	options.config_len = sizeof good - 1;
	options.on_notice = pause_in_notice;
	REQUIRE(weir_gateway_create(&gateway, &loop, &options, NULL, 0) == 0);
	ends = 0;
	REQUIRE(weir_request_start(&to_pause, gateway, "/v1/chat/completions", body,
				   sizeof body - 1, &callbacks, NULL) == 0);
	for (int i = 0; i < 100; i++) {
		uv_run(&loop, UV_RUN_NOWAIT);
		usleep(1000);
	}
	CHECK_INT(ends, 0);
	CHECK(uv_loop_alive(&loop));
	weir_request_resume(to_pause);
	CHECK_INT(uv_run(&loop, UV_RUN_DEFAULT), 0);
	CHECK_INT(ends, 1);
	CHECK_INT(last_status, 502);
	weir_gateway_close(gateway, NULL, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	CHECK_INT(uv_loop_close(&loop), 0);
}

TEST(versions_and_errors_have_words)
{
	char text[32];

	snprintf(text, sizeof text, "%d.%d.%d", WEIR_VERSION_MAJOR, WEIR_VERSION_MINOR,
		 WEIR_VERSION_PATCH);
	CHECK_STR(weir_version(), text);
	CHECK_STR(weir_version(), WEIR_VERSION); /* the build's */
	CHECK_INT(weir_version_hex(), WEIR_VERSION_HEX);
	for (int rc = WEIR_ERR_BIND; rc <= WEIR_ERR_MEMORY; rc++)
		CHECK(!strstr(weir_strerror(rc), "nknown"));
	CHECK_STR(weir_strerror(UV_EINVAL), uv_strerror(UV_EINVAL));
}

TEST_MAIN
