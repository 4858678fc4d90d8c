#include "config/identity.h"

#include <sys/stat.h>

enum { PAIR_CERT, PAIR_KEY, PAIR_FIELDS_N };
enum { TLS_CERT, TLS_KEY, TLS_CLIENT_CA, TLS_OTHERS, TLS_FIELDS_N };

#define CERT_TEXT                                                                               \
	"A file with the certificate and those between it and a root, in PEM form. It is read " \
	"again by a reload."
#define KEY_TEXT "The file of its key, in PEM form and without a password."

static const struct weir_key pair_keys[PAIR_FIELDS_N] = {
	[PAIR_CERT] = { "cert", &weir_form_text, CERT_TEXT, .needed = true },
	[PAIR_KEY] = { "key", &weir_form_text, KEY_TEXT, .needed = true },
};
static const struct weir_shape pair_shape = { "a certificate", pair_keys, PAIR_FIELDS_N, 0 };
static const struct weir_form pair_form = { .takes = WEIR_TAKES_MAP, .shapes = { &pair_shape } };

/* clang-format off */
static const struct weir_key tls_keys[TLS_FIELDS_N] = {
	[TLS_CERT] = { "cert", &weir_form_text, CERT_TEXT, .needed = true },
	[TLS_KEY] = { "key", &weir_form_text, KEY_TEXT, .needed = true },
	[TLS_CLIENT_CA] = { "client_ca", &weir_form_text,
		"A file with the CA certificates, in PEM form, one of which must have signed that "
		"of a caller. Without it callers need none." },
	[TLS_OTHERS] = { "others",
		&(const struct weir_form){ .takes = WEIR_TAKES_LIST | WEIR_TAKES_ONE,
			.each = &pair_form, .least = 1, .most = WEIR_IDENTITIES_MAX - 1 },
		"More certificates, each shown to who asks for a name that is in it." },
};
/* clang-format on */
static const struct weir_shape tls_shape = { "`tls`", tls_keys, TLS_FIELDS_N, 0 };
const struct weir_form weir_identity_form = { .takes = WEIR_TAKES_MAP | WEIR_TAKES_NOTHING,
					      .shapes = { &tls_shape } };

/* Debian's own keys may be read by a group; nobody's by everybody. */
static void check_mode(struct weir_reader *reader, const struct weir_node *node, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mode & 0007)
		weir_reader_warn(reader, node, "tls-key-mode",
				 "everybody may read %s: its mode is %04o\nchmod o= %s",
				 weir_quote(node->raw).text, (unsigned)st.st_mode & 07777,
				 weir_quote(node->raw).text);
}

static void read_pair(struct weir_reader *reader, const struct weir_node *node,
		      struct weir_node *const *fields)
{
	struct weir_config *config = reader->config;
	struct weir_identity *identity = &config->identities[config->identities_n];
	bool ok;

	if (!fields[PAIR_CERT] || !fields[PAIR_KEY]) {
		weir_reader_error(reader, node, "missing-key",
				  "a certificate needs its key, and a key its certificate\nwrite "
				  "`{ cert: server.pem, key: server.key }`");
		return;
	}
	config->identities_n++;
	identity->line = node->line;
	identity->column = node->column;
	ok = weir_reader_file(reader, fields[PAIR_CERT], "the certificate", &identity->cert);
	if (ok && weir_reader_file(reader, fields[PAIR_KEY], "its key", &identity->key))
		check_mode(reader, fields[PAIR_KEY], identity->key);
}

static void read_others(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_node *fields[PAIR_FIELDS_N];
	unsigned n = weir_reader_items(node);

	if (n == 0 || n >= WEIR_IDENTITIES_MAX)
		weir_reader_error(reader, node, "wrong-type",
				  "others are a list of at most %d\nwrite each as `- { cert: "
				  "b.pem, key: b.key }`",
				  WEIR_IDENTITIES_MAX - 1);
	for (unsigned i = 0; i < n && n < WEIR_IDENTITIES_MAX; i++) {
		struct weir_node *item = weir_reader_item(node, i);

		if (weir_shape_read(reader, item, &pair_shape, fields, NULL))
			read_pair(reader, item, fields);
	}
}

void weir_identity_read(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_node *fields[TLS_FIELDS_N];

	if (!weir_shape_read(reader, node, &tls_shape, fields, NULL))
		return;
	read_pair(reader, node, (struct weir_node *const[]){ fields[TLS_CERT], fields[TLS_KEY] });
	if (fields[TLS_CLIENT_CA])
		(void)weir_reader_file(reader, fields[TLS_CLIENT_CA],
				       "the certificates that callers' are signed with",
				       &reader->config->client_ca);
	if (fields[TLS_OTHERS])
		read_others(reader, fields[TLS_OTHERS]);
}
