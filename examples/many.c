/* Many requests at once; when enough have been answered, the others are cancelled.
 *
 *	many weir.yaml CHAIN HOW_MANY ENOUGH */
#include <stdio.h>
#include <stdlib.h>
#include <weir.h>

enum { MOST = 10000 };

static struct weir_request *running[MOST]; /* NULL where it is over */
static int started, answered, cut, enough;

static void on_done(struct weir_request *request, int whole, const char *trail)
{
	struct weir_request **place = weir_request_user(request);

	*place = NULL; /* it is freed when this returns */
	whole ? answered++ : cut++;
	if (!whole || answered != enough)
		return;
	for (int i = 0; i < started; i++)
		if (running[i])
			weir_request_cancel(running[i]); /* fine in here, and once more, too */
}

static void start(struct weir_gateway *gateway, const char *chain, int how_many)
{
	static const struct weir_request_callbacks callbacks = { NULL, NULL, on_done };
	char body[512];

	for (; started < how_many; started++) {
		int n = snprintf(body, sizeof body,
				 "{\"model\":\"%s\",\"stream\":true,\"messages\":"
				 "[{\"role\":\"user\",\"content\":\"number %d\"}]}",
				 chain, started);

		if (n >= (int)sizeof body ||
		    weir_request_start(&running[started], gateway, "/v1/chat/completions", body,
				       (size_t)n, &callbacks, &running[started]))
			break; /* no callback comes for this one */
	}
}

int main(int argc, char **argv)
{
	struct weir_gateway_options options = WEIR_GATEWAY_OPTIONS_INIT;
	struct weir_gateway *gateway;
	uv_loop_t *loop = uv_default_loop();
	char *end, why[256] = "usage: many weir.yaml CHAIN HOW_MANY ENOUGH";
	long how_many = argc == 5 ? strtol(argv[3], &end, 10) : 0;

	options.config_path = argv[1];
	if (how_many < 1 || how_many > MOST ||
	    weir_gateway_create(&gateway, loop, &options, why, sizeof why))
		return fprintf(stderr, "%s\n", why), 2;
	enough = (int)strtol(argv[4], &end, 10);
	start(gateway, argv[2], (int)how_many);
	uv_run(loop, UV_RUN_DEFAULT); /* until each has had its on_done */
	printf("%d started, %d answered, %d cancelled\n", started, answered, cut);
	if (started < how_many)
		fprintf(stderr, "many: the next could not be started\n");
	weir_gateway_close(gateway, NULL, NULL);
	uv_run(loop, UV_RUN_DEFAULT);
	return uv_loop_close(loop) ? 3 : started < how_many;
}
