#include "net/tls.h"

#include "base/alloc.h"

struct weir_tls_session {
	struct weir_buf out;
};

struct weir_tls_session *weir_tls_session_create(struct weir_tls_config *config, const char *host,
						 struct weir_tls_ticket **ticket)
{
	(void)config, (void)host, (void)ticket;
	return NULL;
}
void weir_tls_session_destroy(struct weir_tls_session *session)
{
	weir_free(session);
}
int weir_tls_feed(struct weir_tls_session *session, const char *bytes, size_t len)
{
	(void)session, (void)bytes, (void)len;
	return WEIR_ETLS;
}
enum weir_tls_state weir_tls_pump(struct weir_tls_session *session, char *out, size_t out_len,
				  size_t *n, bool *more)
{
	(void)session, (void)out, (void)out_len, (void)n;
	*more = false;
	return WEIR_TLS_FAILED;
}
int weir_tls_write(struct weir_tls_session *session, const char *bytes, size_t len)
{
	(void)session, (void)bytes, (void)len;
	return WEIR_ETLS;
}
int weir_tls_close_notify(struct weir_tls_session *session)
{
	(void)session;
	return 0;
}
size_t weir_tls_backlog(const struct weir_tls_session *session)
{
	(void)session;
	return 0;
}
struct weir_buf *weir_tls_outgoing(struct weir_tls_session *session)
{
	return &session->out;
}
const char *weir_tls_reason(const struct weir_tls_session *session)
{
	(void)session;
	return "tls";
}
const char *weir_tls_sentence(const struct weir_tls_session *session)
{
	(void)session;
	return "";
}
