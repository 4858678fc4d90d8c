#include "bench/mould.h"

#include "base/assert.h"

void weir_bench_mould_cast(struct weir_bench_mould *m, struct weir_slice event,
			   struct weir_slice text)
{
	size_t head_len = (size_t)(text.base - event.base);
	size_t tail_len = event.len - head_len - text.len;

	WEIR_ASSERT(head_len + text.len < event.len && text.base[-1] == '"');
	m->tail_len = 0;
	if (head_len + tail_len > sizeof m->bytes)
		return;
	memcpy(m->bytes, event.base, head_len);
	memcpy(m->bytes + head_len, text.base + text.len, tail_len);
	m->head_len = head_len;
	m->tail_len = tail_len;
}

/* Others may be escapes, or no UTF-8. */
static bool is_plain(struct weir_slice text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.base[i] < ' ' || text.base[i] > '~' || text.base[i] == '"' ||
		    text.base[i] == '\\')
			return false;
	return text.len > 0;
}

bool weir_bench_mould_fits(const struct weir_bench_mould *m, struct weir_slice event,
			   struct weir_slice *text)
{
	size_t around = m->head_len + m->tail_len;

	if (!m->tail_len || event.len <= around || memcmp(event.base, m->bytes, m->head_len) != 0 ||
	    memcmp(event.base + event.len - m->tail_len, m->bytes + m->head_len, m->tail_len) != 0)
		return false;
	*text = weir_slice(event.base + m->head_len, event.len - around);
	return is_plain(*text);
}
