#include "config/otel.h"

#include <stdio.h>

#include "base/alloc.h"
#include "config/proxy.h"
#include "config/reader.h"
#include "config/url.h"

#define SIGNAL_PATH "/v1/traces"

enum { SENTENCE_MAX = 512, DAY_MS = 24 * 3600 * 1000, PAIRS_TEXT_MAX = 16 * 1024 };

struct reading {
	struct weir_otel *otel;
	weir_env *env;
	void *env_arg;
	void (*warn)(void *arg, const char *sentence);
	void *warn_arg;
	bool out_of_memory;
};

WEIR_PRINTF(2, 3)
static void warn(const struct reading *r, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list ap;

	va_start(ap, format);
	vsnprintf(sentence, sizeof sentence, format, ap);
	va_end(ap);
	if (r->warn)
		r->warn(r->warn_arg, sentence);
}

/* An empty variable is one that is not set. */
static const char *get(const struct reading *r, const char *name)
{
	const char *value = r->env(r->env_arg, name);

	return value && *value ? value : NULL;
}

/* That of the signal counts before the one for all. *name: which it was. */
static const char *get_either(const struct reading *r, const char *own, const char *general,
			      const char **name)
{
	const char *value = get(r, own);

	*name = value ? own : general;
	return value ? value : get(r, general);
}

static char *copy(struct reading *r, struct weir_slice text)
{
	char *copied = weir_strndup(text.base, text.len);

	r->out_of_memory |= !copied;
	return copied;
}

static void read_number(struct reading *r, const char *name, const char *value, uint64_t min,
			uint64_t max, uint64_t *number)
{
	uint64_t n;

	if (!value)
		return;
	if (weir_slice_to_u64(weir_slice_of(value), &n) && n >= min && n <= max)
		*number = n;
	else
		warn(r, "%s is no number from %llu to %llu: %llu counts", name,
		     (unsigned long long)min, (unsigned long long)max, (unsigned long long)*number);
}

/* ---- lists: key=value,key=value with %-encoded values ---- */

enum fit { REFUSED, FITS, NOT_HERE };
typedef enum fit fits_fn(struct weir_slice name, struct weir_slice value);

/* A warning names the entry by its place alone: what stands where a name should may be the rest of
 * a secret that has a comma in it. */
static void add_pair(struct reading *r, struct weir_slice pair, const char *variable,
		     unsigned place, fits_fn *fits, struct weir_attribute *list, unsigned *n)
{
	const char *equals = pair.len ? memchr(pair.base, '=', pair.len) : NULL;
	char decoded[WEIR_SECRET_MAX];
	struct weir_slice name, value;
	enum fit fit = REFUSED;
	size_t len = 0;

	if (weir_slice_trim(pair).len == 0)
		return;
	name = weir_slice_trim(weir_slice(pair.base, equals ? (size_t)(equals - pair.base) : 0));
	value = equals ? weir_slice_trim(weir_slice(equals + 1,
						    pair.len - (size_t)(equals - pair.base) - 1))
		       : weir_slice("", 0);
	if (name.len && value.len <= sizeof decoded && *n < WEIR_OTEL_PAIRS_MAX &&
	    weir_url_decode(value, decoded, sizeof decoded, &len))
		fit = fits(name, weir_slice(decoded, len));
	if (fit == NOT_HERE)
		return;
	if (fit == REFUSED) {
		warn(r, "%s: entry %u is passed over; write name=value, with %%-encoded values",
		     variable, place);
		return;
	}
	list[*n] = (struct weir_attribute){ copy(r, name), copy(r, weir_slice(decoded, len)) };
	if (list[*n].name && list[*n].value) {
		(*n)++;
		return;
	}
	weir_free(list[*n].name);
	weir_free(list[*n].value);
}

static void read_pairs(struct reading *r, const char *variable, const char *text, fits_fn *fits,
		       struct weir_attribute *list, unsigned *n)
{
	size_t len = text ? strlen(text) : 0;
	unsigned place = 0;

	if (len > PAIRS_TEXT_MAX) {
		warn(r, "%s is longer than %d bytes and passed over", variable, PAIRS_TEXT_MAX);
		return;
	}
	for (size_t at = 0; at < len;) {
		const char *comma = memchr(text + at, ',', len - at);
		size_t end = comma ? (size_t)(comma - text) : len;

		add_pair(r, weir_slice(text + at, end - at), variable, ++place, fits, list, n);
		at = end + 1;
	}
}

/* What frames the message is ours to say. */
static enum fit fits_header(struct weir_slice name, struct weir_slice value)
{
	static const char *const ours[] = { "host",       "content-length",    "content-type",
					    "connection", "transfer-encoding", "expect" };

	for (size_t i = 0; i < WEIR_COUNT_OF(ours); i++)
		if (weir_slice_is_nocase(name, ours[i]))
			return REFUSED;
	return weir_is_token(name) && (value.len == 0 || weir_is_printable(value)) ? FITS : REFUSED;
}

static enum fit fits_attribute(struct weir_slice name, struct weir_slice value)
{
	(void)value;
	if (weir_slice_is(name, "service.name"))
		return NOT_HERE;
	return weir_is_printable(name) ? FITS : REFUSED;
}

/* A service name among the attributes counts where none is said by its own variable. */
static enum fit fits_service(struct weir_slice name, struct weir_slice value)
{
	return weir_slice_is(name, "service.name") && value.len ? FITS : NOT_HERE;
}

static void silence(void *arg, const char *sentence)
{
	(void)arg, (void)sentence;
}

static void read_resource(struct reading *r)
{
	const char *text = get(r, "OTEL_RESOURCE_ATTRIBUTES"), *own = get(r, "OTEL_SERVICE_NAME");
	struct weir_otel *o = r->otel;
	struct reading quiet = *r;

	quiet.warn = silence;
	if (!own)
		read_pairs(&quiet, "", text, fits_service, o->attributes, &o->attributes_n);
	while (o->attributes_n > 1) { /* the last one said counts */
		struct weir_attribute first = o->attributes[0];

		o->attributes[0] = o->attributes[--o->attributes_n];
		weir_free(first.name);
		weir_free(first.value);
	}
	if (o->attributes_n == 0) {
		o->attributes[0].name = copy(r, WEIR_SLICE("service.name"));
		o->attributes[0].value = copy(r, weir_slice_of(own ? own : "weir"));
		o->attributes_n = 1;
	}
	r->out_of_memory |= quiet.out_of_memory;
	read_pairs(r, "OTEL_RESOURCE_ATTRIBUTES", text, fits_attribute, o->attributes,
		   &o->attributes_n);
}

/* ---- where to, and which ---- */

static bool read_endpoint(struct reading *r)
{
	const char *own = get(r, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	const char *general = get(r, "OTEL_EXPORTER_OTLP_ENDPOINT");
	struct weir_otel *o = r->otel;
	struct weir_url url;
	const char *wrong;
	char text[WEIR_FILE_PATH_MAX];

	if (!own && !general)
		return false;
	wrong = weir_url_parse(weir_slice_of(own ? own : general), &url);
	if (wrong) {
		warn(r, "%s: %.*s; no traces are sent",
		     own ? "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" : "OTEL_EXPORTER_OTLP_ENDPOINT",
		     (int)strcspn(wrong, "\n"), wrong);
		return false;
	}
	o->tls = url.tls;
	o->host = copy(r, url.host);
	o->port = url.port;
	snprintf(text, sizeof text, "%.*s%s", (int)url.path.len, url.path.base,
		 !own           ? SIGNAL_PATH
		 : url.path.len ? ""
				: "/");
	o->path = copy(r, weir_slice_of(text));
	snprintf(text, sizeof text, url.v6 ? "%s://[%.*s]:%u%s" : "%s://%.*s:%u%s",
		 url.tls ? "https" : "http", (int)url.host.len, url.host.base, (unsigned)url.port,
		 o->path ? o->path : "");
	o->url = copy(r, weir_slice_of(text));
	return true;
}

static void read_proxy(struct reading *r)
{
	struct weir_otel *o = r->otel;
	const struct weir_proxy_goal goal = { o->tls, weir_slice_of(o->host), o->port };
	int rc = o->host ? weir_proxy_of_environment(r->env, r->env_arg, &goal, &o->proxy) : 0;

	r->out_of_memory |= rc == WEIR_ENOMEM;
	if (rc == WEIR_ECONFIG)
		warn(r, "%s is no proxy that weir can use; traces go without one",
		     o->tls ? "HTTPS_PROXY" : "HTTP_PROXY");
}

static bool is_wanted(struct reading *r)
{
	const char *disabled = get(r, "OTEL_SDK_DISABLED");
	const char *exporter = get(r, "OTEL_TRACES_EXPORTER");

	if (disabled && weir_slice_is_nocase(weir_slice_of(disabled), "true"))
		return false;
	if (!exporter || weir_slice_is(weir_slice_of(exporter), "otlp"))
		return true;
	if (!weir_slice_is(weir_slice_of(exporter), "none"))
		warn(r, "OTEL_TRACES_EXPORTER is neither otlp nor none; no traces are sent");
	return false;
}

static void read_protocol(struct reading *r)
{
	const char *name;
	const char *value = get_either(r, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
				       "OTEL_EXPORTER_OTLP_PROTOCOL", &name);

	if (value && !weir_slice_starts(weir_slice_of(value), "http/"))
		warn(r, "%s: weir sends http/json, whose usual port is 4318", name);
}

static void read_sampler(struct reading *r)
{
	const char *name = get(r, "OTEL_TRACES_SAMPLER"), *arg = get(r, "OTEL_TRACES_SAMPLER_ARG");
	struct weir_sampler *sampler = &r->otel->sampler;
	double ratio = 1;

	if (arg && (!weir_slice_to_double(weir_slice_of(arg), &ratio) || ratio > 1)) {
		warn(r, "OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: 1 counts");
		ratio = 1;
	}
	(void)weir_sampler_named(WEIR_SLICE("parentbased_always_on"), 1, sampler);
	if (name && !weir_sampler_named(weir_slice_of(name), ratio, sampler))
		warn(r, "OTEL_TRACES_SAMPLER is none that weir has: parentbased_always_on counts");
}

static void read_bounds(struct reading *r)
{
	struct weir_otel *o = r->otel;
	const char *name, *value;

	o->timeout_ms = 10000;
	o->delay_ms = 5000;
	o->give_up_ms = 30000;
	o->queue_max = 2048;
	o->batch_max = 512;
	value = get_either(r, "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT",
			   &name);
	read_number(r, name, value, 1, DAY_MS, &o->timeout_ms);
	name = "OTEL_BSP_SCHEDULE_DELAY";
	read_number(r, name, get(r, name), 0, DAY_MS, &o->delay_ms);
	name = "OTEL_BSP_EXPORT_TIMEOUT";
	read_number(r, name, get(r, name), 1, DAY_MS, &o->give_up_ms);
	name = "OTEL_BSP_MAX_QUEUE_SIZE";
	read_number(r, name, get(r, name), 1, WEIR_OTEL_QUEUE_MAX, &o->queue_max);
	name = "OTEL_BSP_MAX_EXPORT_BATCH_SIZE";
	read_number(r, name, get(r, name), 1, WEIR_OTEL_QUEUE_MAX, &o->batch_max);
	if (o->batch_max > o->queue_max)
		o->batch_max = o->queue_max;
}

static void read_rest(struct reading *r)
{
	struct weir_otel *o = r->otel;
	const char *name, *value;

	value = get_either(r, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
			   "OTEL_EXPORTER_OTLP_CERTIFICATE", &name);
	if (value)
		o->ca_file = copy(r, weir_slice_of(value));
	value = get_either(r, "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS",
			   &name);
	o->headers = weir_calloc(WEIR_OTEL_PAIRS_MAX, sizeof *o->headers);
	o->attributes = weir_calloc(WEIR_OTEL_PAIRS_MAX, sizeof *o->attributes);
	if (!o->headers || !o->attributes) {
		r->out_of_memory = true;
		return;
	}
	read_pairs(r, name, value, fits_header, o->headers, &o->headers_n);
	read_resource(r);
	read_proxy(r);
	read_protocol(r);
	read_sampler(r);
	read_bounds(r);
}

int weir_otel_read(struct weir_otel *otel, weir_env *env, void *arg,
		   void (*on_warning)(void *arg, const char *sentence), void *warn_arg)
{
	struct reading r = {
		.otel = otel,
		.env = env,
		.env_arg = arg,
		.warn = on_warning,
		.warn_arg = warn_arg,
	};

	*otel = (struct weir_otel){ 0 };
	if (!is_wanted(&r) || !read_endpoint(&r))
		return 0;
	otel->on = true;
	read_rest(&r);
	return r.out_of_memory ? WEIR_ENOMEM : 0;
}

void weir_otel_fini(struct weir_otel *o)
{
	for (unsigned i = 0; i < o->headers_n; i++) {
		weir_free(o->headers[i].name);
		weir_free_secret(o->headers[i].value, strlen(o->headers[i].value));
	}
	for (unsigned i = 0; i < o->attributes_n; i++) {
		weir_free(o->attributes[i].name);
		weir_free(o->attributes[i].value);
	}
	weir_free(o->headers);
	weir_free(o->attributes);
	weir_free(o->url);
	weir_free(o->host);
	weir_free(o->path);
	weir_free(o->ca_file);
	weir_proxy_fini(&o->proxy);
	*o = (struct weir_otel){ 0 };
}
