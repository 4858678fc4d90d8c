/* The callers of a scenario: how many come when, and what their SDK does. */
#include "app/sim_scenario.h"
#include "app/sim_values.h"

enum { RATE_MAX = 100000, HOUR_MS = 3600 * 1000 };

enum field {
	RETRIES,
	TIMEOUT,
	LEAVE,
	LEAVE_WITHIN,
	STREAMS,
	TOKENS_IN,
	TOKENS_OUT,
	USERS,
	FIELDS_N
};

static const char *const names[FIELDS_N] = {
	[RETRIES] = "sdk_retries",       [TIMEOUT] = "timeout", [LEAVE] = "leave",
	[LEAVE_WITHIN] = "leave_within", [STREAMS] = "streams", [TOKENS_IN] = "tokens_in",
	[TOKENS_OUT] = "tokens_out",     [USERS] = "users",
};

static bool read_rate(struct weir_reader *reader, const struct weir_node *node, double *per_s)
{
	uint64_t thousandths;

	if (!weir_sim_decimal(reader, node, "requests per second", 0, RATE_MAX * UINT64_C(1000),
			      &thousandths))
		return false;
	*per_s = (double)thousandths / 1000;
	return true;
}

static void read_phase(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *node)
{
	static const char *const keys[] = { "from", "per_s" };
	struct weir_callers *callers = &s->traffic.callers;
	struct weir_phase *phase = &s->phases[callers->phases_n];
	struct weir_node *v[2];

	if (!weir_sim_map(reader, node, "a rate", keys, 2, v))
		return;
	if (!v[0] || !v[1]) {
		weir_reader_error(
			reader, node, "missing-key",
			"a rate that changes has a beginning and a number\nwrite `{ from: "
			"10s, per_s: 400 }`");
		return;
	}
	if (callers->phases_n == WEIR_SCENARIO_PHASES_MAX) {
		weir_reader_error(reader, node, "too-many", "more than %d rates\nwrite fewer",
				  WEIR_SCENARIO_PHASES_MAX);
		return;
	}
	if (!weir_reader_duration(reader, v[0], 0, s->traffic.ms, &phase->from_ms) ||
	    !read_rate(reader, v[1], &phase->per_s))
		return;
	if (callers->phases_n ? phase->from_ms <= phase[-1].from_ms : phase->from_ms != 0) {
		weir_reader_error(reader, v[0], "out-of-range",
				  "is not in order\nbegin with `from: 0s`, then later ones");
		return;
	}
	callers->phases_n++;
}

static void read_rates(struct weir_scenario *s, struct weir_reader *reader, struct weir_node *node)
{
	if (node->type == WEIR_NODE_LIST) {
		s->traffic.callers.phases_n = 0;
		for (unsigned i = 0; i < node->pairs_n; i++)
			read_phase(s, reader, node->pairs[i].value);
	} else {
		(void)read_rate(reader, node, &s->phases[0].per_s);
	}
}

static void read_arrivals(struct weir_scenario *s, struct weir_reader *reader,
			  const struct weir_scenario_crowd *crowd)
{
	static const char *const words[] = { "poisson", "even", NULL };
	struct weir_callers *callers = &s->traffic.callers;
	uint64_t burst = 1;

	if (crowd->rate)
		read_rates(s, reader, crowd->rate);
	if (crowd->arrivals && weir_reader_word(reader, crowd->arrivals, words) == 1)
		callers->arrivals = WEIR_ARRIVE_EVENLY;
	if (!crowd->burst)
		return;
	if (callers->arrivals != WEIR_ARRIVE_EVENLY)
		weir_reader_error(reader, crowd->burst, "misplaced-key",
				  "bursts come evenly\nadd `arrivals: even`");
	else if (weir_reader_count(reader, crowd->burst, 1, RATE_MAX, &burst))
		callers->burst = (unsigned)burst;
}

static void read_habits(struct weir_scenario *s, struct weir_reader *reader,
			struct weir_node *const *v)
{
	struct weir_callers *callers = &s->traffic.callers;
	uint64_t retries;

	if (v[RETRIES] && weir_reader_count(reader, v[RETRIES], 0, 10, &retries))
		callers->sdk_retries = (unsigned)retries;
	if (v[TIMEOUT])
		(void)weir_reader_duration(reader, v[TIMEOUT], 1, 24 * HOUR_MS,
					   &callers->timeout_ms);
	if (v[LEAVE])
		(void)weir_sim_share(reader, v[LEAVE], &callers->leaves_ppm);
	if (v[LEAVE_WITHIN])
		(void)weir_reader_duration(reader, v[LEAVE_WITHIN], 1, HOUR_MS,
					   &callers->leaves_ms);
	if (v[STREAMS])
		(void)weir_sim_share(reader, v[STREAMS], &callers->stream_ppm);
	if (v[TOKENS_IN])
		(void)weir_sim_spread(reader, v[TOKENS_IN], false, &callers->tokens_in);
	if (v[TOKENS_OUT])
		(void)weir_sim_spread(reader, v[TOKENS_OUT], false, &callers->tokens_out);
	if (v[USERS])
		(void)weir_reader_count(reader, v[USERS], 0, INT64_MAX, &callers->users);
}

void weir_scenario_callers(struct weir_scenario *s, struct weir_reader *reader,
			   const struct weir_scenario_crowd *crowd)
{
	struct weir_node *v[FIELDS_N];

	s->phases[0] = (struct weir_phase){ 0, 50 };
	s->traffic.callers = (struct weir_callers){
		.arrivals = WEIR_ARRIVE_POISSON,
		.phases = s->phases,
		.phases_n = 1,
		.sdk_retries = 2,
		.timeout_ms = 10 * 60 * 1000,
		.leaves_ms = 5000,
		.stream_ppm = WEIR_PPM / 2,
		.tokens_in = weir_spread_of(600, 6000),
		.tokens_out = weir_spread_of(120, 900),
	};
	read_arrivals(s, reader, crowd);
	if (crowd->callers && weir_sim_map(reader, crowd->callers, "callers", names, FIELDS_N, v))
		read_habits(s, reader, v);
}
