#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <yyjson.h>

#include "app/app.h"
#include "config/config.h"
#include "config/url.h"

enum { ANSWER_MAX = 64 * 1024 * 1024, WAIT_MS = 5000, HEAD_MAX = 2048, NAME_WIDTH = 40 };

static const char usage[] =
	"usage: weir status [-c FILE] [--admin ADDRESS] [--ready] [--json]\n\n"
	"How a running weir is: asks its admin listener, which is the one of the file that\n"
	"`weir serve` would read, or 127.0.0.1:4001.\n\n"
	"  -c, --config FILE     the configuration of the one that runs\n"
	"      --admin ADDRESS   HOST:PORT, [IPV6]:PORT or unix:/path of its admin listener\n"
	"      --ready           only whether it is ready: the health check of a container\n"
	"      --json            what /status says, as it is\n\n"
	"Exit codes: 0 it answers (--ready: and is ready), 1 it does not, 2 usage.\n\n"
	"  weir status\n"
	"  HEALTHCHECK CMD [\"weir\", \"status\", \"--ready\"]";

struct wish {
	const char *config, *admin;
	bool ready, json;
};

/* ---- asking ---- */

union place {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Names other than localhost are not looked up: an admin listener is near. */
static socklen_t place_of(const char *address, union place *place)
{
	struct weir_endpoint e;
	char host[64];

	*place = (union place){ 0 };
	if (!weir_endpoint_parse(weir_slice_of(address), &e) ||
	    e.host.len >= (e.is_unix ? sizeof place->un.sun_path : sizeof host))
		return 0;
	if (e.is_unix) {
		place->un.sun_family = AF_UNIX;
		memcpy(place->un.sun_path, e.host.base, e.host.len);
		return sizeof place->un;
	}
	snprintf(host, sizeof host, "%.*s", (int)e.host.len, e.host.base);
	place->in6.sin6_family = AF_INET6;
	place->in6.sin6_port = htons(e.port);
	if (strchr(host, ':') && inet_pton(AF_INET6, host, &place->in6.sin6_addr) == 1)
		return sizeof place->in6;
	place->in.sin_family = AF_INET;
	place->in.sin_port = htons(e.port);
	if (inet_pton(AF_INET, host, &place->in.sin_addr) == 1)
		return sizeof place->in;
	place->in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return e.host.len == 0 || e.kind == WEIR_HOST_LOOPBACK ? sizeof place->in : 0;
}

static bool wait_for(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	return poll(&p, 1, WAIT_MS) == 1;
}

static bool send_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = wait_for(fd, POLLOUT) ? send(fd, bytes, len, MSG_NOSIGNAL) : -1;

		if (n <= 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static bool receive_all(int fd, struct weir_buf *answer)
{
	char piece[16 * 1024];

	for (;;) {
		ssize_t n = wait_for(fd, POLLIN) ? recv(fd, piece, sizeof piece, 0) : -1;

		if (n <= 0)
			return n == 0;
		if (weir_buf_append(answer, piece, (size_t)n))
			return false;
	}
}

/* The status, 0 when nobody answers; *body is in answer. Asked for in HTTP/1.0, it ends with
 * the connection. */
static unsigned get(const char *address, const char *path, const struct weir_secret *key,
		    struct weir_buf *answer, struct weir_slice *body)
{
	union place place;
	socklen_t len = place_of(address, &place);
	int fd = len ? socket(place.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	char head[HEAD_MAX];
	const char *end;
	uint64_t status = 0;
	int n;

	if (fd < 0)
		return 0;
	n = snprintf(head, sizeof head, "GET %s HTTP/1.0\r\nhost: localhost\r\n%s%.*s%s\r\n", path,
		     key->len ? "authorization: Bearer " : "", (int)key->len,
		     key->len ? key->text : "", key->len ? "\r\n" : "");
	if (n > 0 && (size_t)n < sizeof head && connect(fd, &place.any, len) == 0 &&
	    send_all(fd, head, (size_t)n) && receive_all(fd, answer) && answer->len > 12)
		(void)weir_slice_to_u64(weir_slice(answer->base + 9, 3), &status);
	close(fd);
	end = status ? memmem(answer->base, answer->len, "\r\n\r\n", 4) : NULL;
	if (!end)
		return 0;
	*body = weir_slice(end + 4, answer->len - (size_t)(end + 4 - answer->base));
	return (unsigned)status;
}

/* ---- telling ---- */

static const char *text_of(yyjson_val *object, const char *key)
{
	const char *text = yyjson_get_str(yyjson_obj_get(object, key));

	return text ? text : "";
}

static unsigned long long number_of(yyjson_val *object, const char *key)
{
	return yyjson_get_uint(yyjson_obj_get(object, key));
}

/* Green, yellow, red, on a terminal that wants colours. */
static const char *colour_of(const char *state, bool colours)
{
	if (!colours)
		return "";
	if (strcmp(state, "healthy") == 0)
		return "\033[32m";
	return strcmp(state, "open") == 0 || strcmp(state, "benched") == 0 ? "\033[31m"
									   : "\033[33m";
}

/* Names come from the configuration: what a terminal would obey is not shown. */
static void print_name(const char *name, int width)
{
	int n = 0;

	for (; *name; name++, n++)
		putchar((unsigned char)*name < ' ' || *name == 0x7f ? '?' : *name);
	printf("%*s", n < width ? width - n : 0, "");
}

static void print_target(yyjson_val *target, unsigned step, bool first, bool colours)
{
	const char *state = text_of(target, "state"), *reason = text_of(target, "reason");
	yyjson_val *until = yyjson_obj_get(target, "until_ms");
	char number[16] = "";

	if (first)
		snprintf(number, sizeof number, "%u", step + 1);
	printf("  %2s  ", number);
	print_name(text_of(target, "target"), NAME_WIDTH);
	printf(" %s%-9s%s %6llu in flight %10llu attempts %8llu failures",
	       colour_of(state, colours), state, colours ? "\033[0m" : "",
	       number_of(target, "inflight"), number_of(target, "attempts"),
	       number_of(target, "failures"));
	if (*reason)
		printf("  %s", reason);
	if (yyjson_is_uint(until))
		printf(", back in %llu s",
		       (unsigned long long)((yyjson_get_uint(until) + 999) / 1000));
	putchar('\n');
}

static void print_chain(yyjson_val *chain, bool colours)
{
	yyjson_val *step, *target;
	size_t i, n, k, m;

	putchar('\n');
	print_name(text_of(chain, "name"), 0);
	putchar('\n');
	yyjson_arr_foreach(yyjson_obj_get(chain, "steps"), i, n, step)
	{
		yyjson_arr_foreach(step, k, m, target)
			print_target(target, (unsigned)i, k == 0, colours);
	}
}

/* "12 of 60 rpm", where there is such a limit. */
static void print_minute(yyjson_val *caller, const char *key)
{
	yyjson_val *minute = yyjson_obj_get(caller, key);
	unsigned long long limit = number_of(minute, "limit");

	if (yyjson_is_obj(minute))
		printf(", %llu of %llu %s", limit - number_of(minute, "left"), limit, key);
}

static void print_purse(yyjson_val *caller, const char *key)
{
	yyjson_val *purse = yyjson_obj_get(caller, key);

	if (yyjson_is_num(yyjson_obj_get(purse, "budget_usd")))
		printf(", $%.6g of $%.6g this %s",
		       yyjson_get_num(yyjson_obj_get(purse, "spent_usd")),
		       yyjson_get_num(yyjson_obj_get(purse, "budget_usd")), key);
}

static void print_callers(yyjson_val *callers)
{
	yyjson_val *caller;
	size_t i, n;

	if (yyjson_arr_size(callers))
		puts("\ncallers");
	yyjson_arr_foreach(callers, i, n, caller)
	{
		fputs("      ", stdout);
		print_name(text_of(caller, "name"), NAME_WIDTH);
		printf(" %10llu in flight %10llu requests %8llu limited",
		       number_of(caller, "inflight"), number_of(caller, "requests"),
		       number_of(caller, "limited"));
		print_minute(caller, "rpm");
		print_minute(caller, "tpm");
		print_purse(caller, "day");
		print_purse(caller, "month");
		putchar('\n');
	}
}

static void print_status(yyjson_val *root, bool colours)
{
	yyjson_val *totals = yyjson_obj_get(root, "totals"), *chain;
	yyjson_val *reload = yyjson_obj_get(root, "reload");
	unsigned long long up_s = number_of(root, "uptime_s");
	size_t i, n;

	printf("weir %s%s, up %llud %02lluh %02llum %02llus, configuration %llu\n",
	       text_of(root, "version"),
	       yyjson_is_true(yyjson_obj_get(root, "draining")) ? ", draining" : "", up_s / 86400,
	       up_s / 3600 % 24, up_s / 60 % 60, up_s % 60, number_of(root, "generation"));
	printf("%llu in flight, %llu requests, %llu fallbacks, %llu errors\n",
	       number_of(root, "inflight"), number_of(totals, "requests"),
	       number_of(totals, "fallbacks"), number_of(totals, "errors"));
	if (reload && yyjson_is_false(yyjson_obj_get(reload, "ok")))
		printf("the reload at %s was refused: %s\n", text_of(reload, "at"),
		       text_of(reload, "message"));
	yyjson_arr_foreach(yyjson_obj_get(root, "chains"), i, n, chain) print_chain(chain, colours);
	print_callers(yyjson_obj_get(root, "callers"));
}

static int show(const struct wish *wish, struct weir_slice body)
{
	bool colours = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");
	yyjson_doc *doc;

	if (wish->json || wish->ready) {
		fwrite(body.base, 1, body.len, stdout);
		return WEIR_EXIT_DONE;
	}
	doc = yyjson_read(body.base, body.len, 0);
	if (!doc) {
		fputs("weir status: what answers there is no weir\n", stderr);
		return WEIR_EXIT_BAD;
	}
	print_status(yyjson_doc_get_root(doc), colours);
	yyjson_doc_free(doc);
	return WEIR_EXIT_DONE;
}

/* What the file says of the one that runs; it need not be whole to be asked about. */
static struct weir_config *load(const struct wish *wish)
{
	const char *path = weir_app_config_path(wish->config);
	struct weir_config *config = NULL;
	struct weir_findings findings;

	if (!path)
		return NULL;
	weir_findings_init(&findings, path);
	if (weir_config_load(&config, path, &findings))
		config = NULL;
	weir_findings_fini(&findings);
	return config;
}

static int ask(const struct wish *wish)
{
	static const struct weir_secret no_key = { NULL, 0 };
	struct weir_config *config = load(wish);
	const char *address = wish->admin     ? wish->admin
			      : !config       ? "127.0.0.1:4001"
			      : config->admin ? config->admin
					      : NULL;
	struct weir_slice body = { NULL, 0 };
	struct weir_buf answer;
	unsigned status;
	int code = WEIR_EXIT_BAD;

	if (!address) {
		fputs("weir status: the configuration says `admin: off`\n", stderr);
		weir_config_unref(config);
		return WEIR_EXIT_BAD;
	}
	weir_buf_init(&answer, ANSWER_MAX);
	status = get(address, wish->ready ? "/readyz" : "/status",
		     config ? &config->admin_key : &no_key, &answer, &body);
	if (status == 0)
		fprintf(stderr, "weir status: nobody answers at %s\n", address);
	else if (status == 200)
		code = show(wish, body);
	else if (wish->ready)
		fwrite(body.base, 1, body.len, stdout);
	else
		fprintf(stderr, "weir status: %s answers %u\n", address, status);
	weir_buf_fini(&answer);
	weir_config_unref(config);
	return code;
}

int weir_cmd_status(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "admin", required_argument, NULL, 'a' },
		{ "ready", no_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct wish wish = { 0 };
	union place place;
	int option;

	while ((option = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			wish.config = optarg;
			break;
		case 'a':
			wish.admin = optarg;
			break;
		case 'r':
			wish.ready = true;
			break;
		case 'j':
			wish.json = true;
			break;
		case 'h':
			puts(usage);
			return WEIR_EXIT_DONE;
		default:
			return weir_app_usage("status", "bad option");
		}
	}
	if (optind < argc)
		return weir_app_usage("status", "takes options only");
	if (wish.admin && !place_of(wish.admin, &place))
		return weir_app_usage("status",
				      "--admin takes HOST:PORT, [IPV6]:PORT or unix:/path");
	return ask(&wish);
}
