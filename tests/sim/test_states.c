/* Every event in every state of the failover machine: what it does, or that it is a bug to
 * report it there. Each cell of docs/states.md is what a machine did that was driven into
 * that state and fed that event in a process of its own, or that this process died of
 * WEIR_ASSERT. `build/test/tests/test_states --table >docs/states.md` writes it anew. */
#include <signal.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "situations.h"

enum { CELL_MAX = 64, SAID_MAX = 1024, ROWS_MAX = 32, TABLE_MAX = 32 * 1024 };
enum { HOUR_MS = 3600000 };

static const char *const impossible = "–";

/* A row of the table: an event, and what is special about it. */
struct row {
	enum weir_event_type type;
	enum weir_outcome outcome;
	const char *note;
	uint64_t late_ms;
	bool room;
};

static struct row rows[ROWS_MAX];
static unsigned rows_n;
static char cells[ROWS_MAX][SITUATIONS][CELL_MAX];

static void add_row(struct row row)
{
	if (rows_n < ROWS_MAX)
		rows[rows_n++] = row;
}

/* All events; a result once for each outcome. */
static void make_rows(void)
{
	rows_n = 0;
	for (unsigned type = 0; type < WEIR_EV_N; type++) {
		struct row row = { .type = (enum weir_event_type)type, .note = "" };

		if (row.type == WEIR_EV_RESULT) {
			for (unsigned outcome = 0; outcome < WEIR_OUT_N; outcome++) {
				row.outcome = (enum weir_outcome)outcome;
				add_row(row);
			}
			continue;
		}
		add_row(row);
		if (row.type == WEIR_EV_TIMEOUT) {
			row.note = ", an hour late";
			row.late_ms = HOUR_MS;
			add_row(row);
		}
		if (row.type == WEIR_EV_ROOM) {
			row.note = ", and there is";
			row.room = true;
			add_row(row);
		}
	}
}

static const char *const event_names[] = {
	"START",  "CONNECTED", "REPLACED", "COMMIT", "PROGRESS",
	"RESULT", "TIMEOUT",   "ROOM",     "HANGUP",
};
static const char *const action_names[] = {
	"nothing", "try", "hedge", "drop", "wait", "queue", "relay", "finish", "abandon",
};

_Static_assert(sizeof event_names / sizeof *event_names == WEIR_EV_N, "a name per event");
_Static_assert(sizeof action_names / sizeof *action_names == WEIR_DO_ABANDON + 1,
	       "a name per action");

static void name_row(const struct row *row, char *name, size_t size)
{
	const char *outcome = row->type == WEIR_EV_RESULT ? weir_outcome_name(row->outcome) : "";

	snprintf(name, size, "%s%s%s%s", event_names[row->type], *outcome ? " " : "", outcome,
		 row->note);
}

static void tell(int fd, const struct weir_action *a)
{
	char text[CELL_MAX];
	int n = snprintf(text, sizeof text, "%s%s%s → %s", action_names[a->type],
			 a->type == WEIR_DO_FINISH ? " " : "",
			 a->type == WEIR_DO_FINISH ? weir_final_row(a->final)->name : "",
			 weir_state_name(world.failover.state));

	if (write(fd, text, (size_t)n) != n)
		_exit(2);
}

/* In a process of its own: it may die. */
static void happen(int fd, const struct row *row, const struct situation *situation)
{
	struct weir_event e = {
		.type = row->type,
		.attempt = situation->attempt,
		.outcome = row->outcome,
		.can_resume = true,
	};
	const struct rlimit none = { 0, 0 };
	struct weir_action a;

	setrlimit(RLIMIT_CORE, &none);
	dup2(fd, STDERR_FILENO);
	situation->enter();
	if (row->type == WEIR_EV_TIMEOUT && weir_failover_deadline(&world.failover) != WEIR_NEVER)
		world.now_ms = weir_failover_deadline(&world.failover) + row->late_ms;
	if (row->room)
		world.models[0].max_inflight = 0;
	a = feed(e);
	tell(fd, &a);
	_exit(0);
}

/* What it said, or that it died as it should; anything else is an empty cell. */
static void hear(int fd, pid_t child, char *cell)
{
	static const char bug[] = "weir: bug: ";
	char said[SAID_MAX];
	size_t len = 0;
	ssize_t n;
	int status = 0;

	while (len < sizeof said - 1 && (n = read(fd, said + len, sizeof said - 1 - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(fd);
	waitpid(child, &status, 0);
	cell[0] = '\0';
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		snprintf(cell, CELL_MAX, "%.*s", CELL_MAX - 1, said);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
	    strncmp(said, bug, sizeof bug - 1) == 0)
		snprintf(cell, CELL_MAX, "%s", impossible);
}

static void observe(const struct row *row, const struct situation *situation, char *cell)
{
	pid_t child;
	int fds[2];

	cell[0] = '\0';
	if (pipe(fds))
		return;
	child = fork();
	if (child == 0) {
		close(fds[0]);
		happen(fds[1], row, situation);
	}
	close(fds[1]);
	hear(fds[0], child, cell);
}

static void observe_all(void)
{
	if (rows_n)
		return;
	make_rows();
	for (unsigned r = 0; r < rows_n; r++)
		for (unsigned s = 0; s < SITUATIONS; s++)
			observe(&rows[r], &situations[s], cells[r][s]);
}

static char table[TABLE_MAX];
static size_t table_len;

__attribute__((format(printf, 1, 2))) static void put(const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(table + table_len, sizeof table - table_len, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < sizeof table - table_len)
		table_len += (size_t)n;
}

static void put_row_name(const struct row *row)
{
	char name[CELL_MAX];

	name_row(row, name, sizeof name);
	put("| %s |", name);
}

/* Where it leads, whatever the situation: the states after the arrows, each once. */
static void put_summary_cell(unsigned r, unsigned state)
{
	unsigned seen = 0;

	for (unsigned s = 0; s < SITUATIONS; s++) {
		const char *arrow = strstr(cells[r][s], "→ ");

		for (unsigned to = 0; to < WEIR_ST_N && situations[s].state == state; to++)
			if (arrow && strcmp(arrow + strlen("→ "), weir_state_name(to)) == 0)
				seen |= 1u << to;
	}
	put(" %s", seen ? "" : impossible);
	for (unsigned to = 0; to < WEIR_ST_N; to++) {
		if (!(seen & 1u << to))
			continue;
		seen &= ~(1u << to);
		put("%s%s", weir_state_name(to), seen ? ", " : "");
	}
	put(" |");
}

static void put_summary(void)
{
	put("| event |");
	for (unsigned state = 0; state < WEIR_ST_N; state++)
		put(" %s |", weir_state_name(state));
	put("\n|---|");
	for (unsigned state = 0; state < WEIR_ST_N; state++)
		put("---|");
	for (unsigned r = 0; r < rows_n; r++) {
		put("\n");
		put_row_name(&rows[r]);
		for (unsigned state = 0; state < WEIR_ST_N; state++)
			put_summary_cell(r, state);
	}
	put("\n");
}

static bool is_worth_a_row(unsigned r, unsigned state)
{
	for (unsigned s = 0; s < SITUATIONS; s++)
		if (situations[s].state == state && strcmp(cells[r][s], impossible) != 0)
			return true;
	return false;
}

static void put_state(unsigned state)
{
	put("\n## %s\n\n| event |", weir_state_name(state));
	for (unsigned s = 0; s < SITUATIONS; s++)
		if (situations[s].state == state)
			put(" %s |", situations[s].name);
	put("\n|---|");
	for (unsigned s = 0; s < SITUATIONS; s++)
		if (situations[s].state == state)
			put("---|");
	put("\n");
	for (unsigned r = 0; r < rows_n; r++) {
		if (!is_worth_a_row(r, state))
			continue;
		put_row_name(&rows[r]);
		for (unsigned s = 0; s < SITUATIONS; s++)
			if (situations[s].state == state)
				put(" %s |", cells[r][s]);
		put("\n");
	}
}

static const char *make_table(void)
{
	observe_all();
	table_len = 0;
	put("# Every event in every state\n\n"
	    "What the failover machine (`src/policy/failover.c`) does with each event in each\n"
	    "of its states. Written by `build/test/tests/test_states --table`, which drives a\n"
	    "machine into each state, feeds it each event and writes down what it observed; the\n"
	    "test fails when this page says something else. %s is an event that cannot happen\n"
	    "there: reporting it is a bug, and `WEIR_ASSERT` ended the process.\n\n"
	    "First where each event may lead; then, state by state, the action and the next\n"
	    "state in the situations that differ.\n\n",
	    impossible);
	put_summary();
	for (unsigned state = 0; state < WEIR_ST_N; state++)
		put_state(state);
	return table;
}

TEST(each_situation_is_in_its_state)
{
	for (unsigned s = 0; s < SITUATIONS; s++) {
		situations[s].enter();
		if (world.failover.state != situations[s].state)
			NOTE("%s: %s", weir_state_name(situations[s].state), situations[s].name);
		CHECK_INT(world.failover.state, situations[s].state);
	}
}

TEST(every_state_has_a_situation)
{
	unsigned states = 0;

	for (unsigned s = 0; s < SITUATIONS; s++)
		states |= 1u << situations[s].state;
	CHECK_INT(states, (1u << WEIR_ST_N) - 1);
}

TEST(every_cell_is_filled)
{
	observe_all();
	CHECK_INT(rows_n, WEIR_EV_N - 1 + WEIR_OUT_N + 2);
	for (unsigned r = 0; r < rows_n; r++) {
		for (unsigned s = 0; s < SITUATIONS; s++) {
			char name[CELL_MAX];

			name_row(&rows[r], name, sizeof name);
			if (!cells[r][s][0])
				NOTE("%s in %s: %s", name, weir_state_name(situations[s].state),
				     situations[s].name);
			CHECK(cells[r][s][0]);
		}
	}
}

/* What is impossible is so by the state and the event alone. */
TEST(a_state_knows_what_cannot_happen_in_it)
{
	observe_all();
	for (unsigned r = 0; r < rows_n; r++)
		for (unsigned s = 1; s < SITUATIONS; s++)
			CHECK(situations[s].state != situations[s - 1].state ||
			      (strcmp(cells[r][s], impossible) == 0) ==
				      (strcmp(cells[r][s - 1], impossible) == 0));
}

#define EV(event) (1u << WEIR_EV_##event)

/* What core/request.c and what it calls can report in each state: an attempt lives only while
 * trying and relaying; room is told to those in the queue; over, a finish may still wait for
 * a slow reader while the attempt ends. */
static const unsigned reported[] = {
	[WEIR_ST_IDLE] = EV(START),
	[WEIR_ST_TRYING] = EV(CONNECTED) | EV(REPLACED) | EV(COMMIT) | EV(RESULT) | EV(TIMEOUT) |
			   EV(HANGUP),
	[WEIR_ST_WAITING] = EV(TIMEOUT) | EV(HANGUP),
	[WEIR_ST_QUEUED] = EV(TIMEOUT) | EV(ROOM) | EV(HANGUP),
	[WEIR_ST_RELAYING] = EV(PROGRESS) | EV(RESULT) | EV(TIMEOUT) | EV(HANGUP),
	[WEIR_ST_OVER] = EV(CONNECTED) | EV(REPLACED) | EV(COMMIT) | EV(PROGRESS) | EV(RESULT) |
			 EV(TIMEOUT) | EV(ROOM) | EV(HANGUP),
};

TEST(whatever_can_be_reported_is_possible)
{
	observe_all();
	for (unsigned r = 0; r < rows_n; r++) {
		bool result = rows[r].type == WEIR_EV_RESULT;
		/* An answer is committed before it is complete. */
		bool uncommitted = result && rows[r].outcome == WEIR_OUT_OK;
		/* It is what the books say of an attempt that was cancelled. */
		bool left = result && rows[r].outcome == WEIR_OUT_HANGUP;

		for (unsigned s = 0; s < SITUATIONS; s++) {
			if (!(reported[situations[s].state] & 1u << rows[r].type) || left ||
			    (uncommitted && situations[s].state == WEIR_ST_TRYING))
				continue;
			CHECK(strcmp(cells[r][s], impossible) != 0);
		}
	}
}

static void trying_with_one_dropped(void)
{
	trying_two();
	feed((struct weir_event){
		.type = WEIR_EV_RESULT, .attempt = 1, .outcome = WEIR_OUT_OVERLOADED });
}

/* Of two attempts one failed and was cancelled: nobody hears of it again. */
TEST(news_of_a_dropped_attempt_are_a_bug)
{
	const struct situation dropped = { WEIR_ST_TRYING, "", trying_with_one_dropped, 1 };
	const struct situation left = { WEIR_ST_TRYING, "", trying_with_one_dropped, 0 };

	observe_all();
	for (unsigned r = 0; r < rows_n; r++) {
		char cell[CELL_MAX], other[CELL_MAX];

		if (!(1u << rows[r].type &
		      (EV(CONNECTED) | EV(REPLACED) | EV(COMMIT) | EV(RESULT))))
			continue;
		observe(&rows[r], &dropped, cell);
		CHECK_STR(cell, impossible);
		observe(&rows[r], &left, other);
		CHECK(rows[r].outcome == WEIR_OUT_OK || rows[r].outcome == WEIR_OUT_HANGUP ||
		      strcmp(other, impossible) != 0);
	}
}

static const char *read_page(void)
{
	static char page[TABLE_MAX];
	const char *data = getenv("WEIR_TEST_DATA");
	char path[4096];
	size_t n = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s%sdocs/states.md", data ? data : "", data ? "/../../" : "");
	file = fopen(path, "r");
	if (file) {
		n = fread(page, 1, sizeof page - 1, file);
		fclose(file);
	}
	page[n] = '\0';
	return page;
}

static void tell_lines(const char *text)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		NOTE("%.*s", (int)strcspn(text, "\n"), text);
}

TEST(the_page_says_what_is_observed)
{
	const char *page = read_page();
	bool same = strcmp(make_table(), page) == 0;

	tell_lines(table);
	CHECK(same);
	if (!same)
		NOTE("if it is meant: build/test/tests/test_states --table >docs/states.md");
}

int main(int argc, char **argv)
{
	if (argc != 2 || strcmp(argv[1], "--table") != 0)
		return test_main(argc, argv);
	fputs(make_table(), stdout);
	return 0;
}
