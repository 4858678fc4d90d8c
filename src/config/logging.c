#include "config/logging.h"

static const char *const levels[] = { "debug", "info", "warn", "error", NULL };
static const char *const formats[] = { "auto", "json", "text", NULL };

_Static_assert(WEIR_COUNT_OF(levels) == WEIR_LOG_LEVEL_N + 1, "one name each");

enum { LEVEL, FORMAT, FILE_NAME, ATTEMPTS, KEYS_N };

static const struct weir_key known[KEYS_N] = {
	[LEVEL] = { "level", &(const struct weir_form){ .takes = WEIR_TAKES_WORD, .words = levels },
		    "The least that is worth a line.", "info" },
	[FORMAT] = { "format",
		     &(const struct weir_form){ .takes = WEIR_TAKES_WORD, .words = formats },
		     "auto: text on a terminal, else JSON.", "auto" },
	[FILE_NAME] = { "file", &weir_form_text,
			"A file for the log; without it stderr. SIGUSR1 has it opened anew." },
	[ATTEMPTS] = { "attempts", &weir_form_text,
		       "A file for a line of JSON per attempt, without prompts and answers." },
};
static const struct weir_shape shape = { "log", known, KEYS_N, 0 };
const struct weir_form weir_logging_form = {
	.takes = WEIR_TAKES_MAP,
	.shapes = { &shape },
};

/* As the configuration's folder sees it. It is opened when the log is. */
static char *read_path(struct weir_reader *reader, struct weir_node *node)
{
	char path[WEIR_FILE_PATH_MAX];
	struct weir_slice text;

	if (!node || !weir_reader_text(reader, node, "a file", &text))
		return NULL;
	if (memchr(text.base, '\0', text.len) ||
	    !weir_reader_path(reader, text, path, sizeof path)) {
		weir_reader_error(reader, node, "bad-value",
				  "is no path of a file\nwrite one such as /var/log/weir/weir.log");
		return NULL;
	}
	return weir_reader_copy(reader, weir_slice_of(path));
}

void weir_logging_read(struct weir_reader *reader, struct weir_node *node)
{
	struct weir_logging *log = &reader->config->log;
	struct weir_node *keys[KEYS_N];
	int word;

	if (!weir_shape_read(reader, node, &shape, keys, NULL))
		return;
	if (keys[LEVEL] && (word = weir_reader_word(reader, keys[LEVEL], levels)) >= 0)
		log->least = (enum weir_log_level)word;
	if (keys[FORMAT] && (word = weir_reader_word(reader, keys[FORMAT], formats)) >= 0)
		log->format = (enum weir_log_format)word;
	log->file = read_path(reader, keys[FILE_NAME]);
	log->attempts = read_path(reader, keys[ATTEMPTS]);
	if (log->file && log->attempts && strcmp(log->file, log->attempts) == 0)
		weir_reader_error(reader, keys[ATTEMPTS], "bad-value",
				  "is the file of the log itself\nname another for the attempts");
}
