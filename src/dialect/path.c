#include "dialect/path.h"

#include "base/error.h"
#include "dialect/pen.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-' ||
	       c == '.' || c == '_' || c == '~';
}

/* The length of "/v1", "/v1beta" that text begins with; 0: none. */
static size_t version(struct weir_slice text)
{
	size_t n = 3;

	if (text.len < n || text.base[0] != '/' || text.base[1] != 'v' || !is_digit(text.base[2]))
		return 0;
	while (n < text.len && text.base[n] != '/')
		if (!is_plain(text.base[n++]))
			return 0;
	return n;
}

bool weir_path_ends_in_version(struct weir_slice base)
{
	size_t slash = base.len;

	while (slash > 0 && base.base[slash - 1] != '/')
		slash--;
	return slash > 0 && version(weir_slice(base.base + slash - 1, base.len - slash + 1)) > 0;
}

/* The length of "/openai/v1" that a route begins with; 0: it holds no version. */
static size_t past_version(struct weir_slice route)
{
	const char *at = route.base, *query = memchr(at, '?', route.len);
	const char *end = query ? query : at + route.len;

	for (; (at = memchr(at, '/', (size_t)(end - at))); at++) {
		size_t n = version(weir_slice(at, (size_t)(end - at)));

		if (n)
			return (size_t)(at - route.base) + n;
	}
	return 0;
}

bool weir_path_strays(struct weir_slice model)
{
	size_t begin = 0;

	for (size_t i = 0; i <= model.len; i++) {
		size_t n = i - begin;

		if (i < model.len && model.base[i] != '/' && model.base[i] != '\\')
			continue;
		if ((n == 1 || n == 2) && memcmp(model.base + begin, "..", n) == 0)
			return true;
		begin = i + 1;
	}
	return false;
}

/* "models/" of "/v1beta/models/". */
static struct weir_slice last_segment(struct weir_slice path)
{
	size_t begin = path.len ? path.len - 1 : 0;

	while (begin > 0 && path.base[begin - 1] != '/')
		begin--;
	return weir_slice(path.base + begin, path.len - begin);
}

static void put_model(struct weir_pen *pen, struct weir_slice before, struct weir_slice model)
{
	static const char hex[] = "0123456789ABCDEF";
	struct weir_slice said = last_segment(before);

	if (said.len > 1 && model.len > said.len && memcmp(model.base, said.base, said.len) == 0)
		model = weir_slice(model.base + said.len, model.len - said.len);
	for (size_t i = 0; i < model.len; i++) {
		unsigned char c = (unsigned char)model.base[i];
		char encoded[3] = { '%', hex[c >> 4], hex[c & 15] };

		weir_put_slice(pen, is_plain((char)c) ? weir_slice(model.base + i, 1)
						      : weir_slice(encoded, sizeof encoded));
	}
}

int weir_path_put(struct weir_buf *out, struct weir_slice base, const char *route,
		  struct weir_slice model)
{
	static const char name[] = "{model}";
	struct weir_pen pen = { out, 0 };
	const char *at;

	if (weir_path_ends_in_version(base))
		route += past_version(weir_slice_of(route));
	at = strstr(route, name);
	weir_put_slice(&pen, base);
	if (!at) {
		weir_put(&pen, route);
		return pen.rc;
	}
	if (model.len == 0 || weir_path_strays(model))
		return WEIR_ELIMIT;
	weir_put_slice(&pen, weir_slice(route, (size_t)(at - route)));
	put_model(&pen, weir_slice(route, (size_t)(at - route)), model);
	weir_put(&pen, at + sizeof name - 1);
	return pen.rc;
}
