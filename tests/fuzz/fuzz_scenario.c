/* A whole gateway between callers and providers that do whatever a script says, on a kernel and a
 * clock of its own (kernel.h). Whatever they do: what is sent cut into other pieces has the same
 * answers and the same requests as come of it whole; each request is framed once and has one host;
 * no key is seen by whom it is not for; everything ends once its deadlines are past, the books
 * balance, and no memory is left. */
#include <signal.h>

#include "fuzz.h"
#include "scenario_world.h"

/* The first two bytes are the configuration's OPT_ bits, low byte first. Then, k a caller, v a
 * provider, i a request by the API, n a number, each one byte of any value; ~ ends bytes:
 *   c k n    the caller sends question n        C k n  half of it   R k  the rest
 *   w k …~   …these bytes                       x X h k  it closes, resets, says no more
 *   s S k    it reads nothing, all again
 *   a v n    the provider answers n             d v …~  these bytes
 *   f F v    closes, resets                     o v n   lets in, refuses, or says nothing to who
 *   b k n    a long question                    B v n   many tokens
 *   O v      lets in who waits                          connects from now on
 *   p i n    a request by the API, like question n      q u U i  cancelled, paused, resumed
 *   t n      time passes                        l n     a reload, with other bits
 *   z        a drain                            m n     the n-th allocation from now fails */
static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("\0\0c0\0a0\0c0\1a0\2a0\3a0\4"),
	FUZZ_SEED("\0\0c0\0a0\5a1\0c1\1a0\2f0a1\26"),
	FUZZ_SEED("\x85\4c0\1t\3a0\2a0\3F0a1\2a1\3a1\4"),
	FUZZ_SEED("\x0a\x20"
		  "c0\1t\3t\3t\3t\2a1\2a1\3a0\2a1\4t\5"),
	FUZZ_SEED("\x30\1c0\0a0\6a1\0c1\4a1\2a1\3a1\4c2\1o0\1o1\1a2\26"),
	FUZZ_SEED("\x40\2c0\0c1\0p0\0t\2a0\0l\4a0\7a1\10a2\0q0t\6"),
	FUZZ_SEED("\1\x40"
		  "C0\0R0c0\6a0\0s0c0\1a0\2a0\3a0\3S0a0\4x0"),
	FUZZ_SEED("\0\0w0POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n"
		  "{}x~w1GET / HTTP/1.1\r\n\r\n~c3\25c3\26c3\27c3\30"),
	FUZZ_SEED("\4\0c0\1a0\12a0\13d0data: x\n\n~f0a1\26c0\5a0\33a0\34"),
	FUZZ_SEED("\0\0b0\40a0\2s0B0\77B0\77t\3S0t\1a0\4b1\77a0\0"),
	FUZZ_SEED("\0\0c0\1a0\2a0\3x0c0\0X0c0\0t\4"),
	FUZZ_SEED("\x14\0c0\4a0\5a1\2a1\3F1a2\26c1\22o0\1a1\0"),
	FUZZ_SEED("\x0c\0c0\1a0\2a0\3a0\3F0a1\26c0\2t\3t\3a0\37a0\0"),
	FUZZ_SEED("\x80\x80p1\1u1a0\2a0\3a0\4U1z m\5c0\0a0\0"),
};

/* ---- what counters say ---- */

static uint64_t metric(const char *text, const char *begins)
{
	uint64_t sum = 0;

	for (const char *line = text; line && *line; line = strchr(line, '\n'), line += !!line) {
		const char *end_of = strchr(line, '\n'), *value = end_of;

		if (!end_of || strncmp(line, begins, strlen(begins)) != 0)
			continue;
		while (value > line && value[-1] != ' ')
			value--;
		sum += strtoull(value, NULL, 10);
	}
	return sum;
}

static uint64_t in_flight(void)
{
	char *text;
	size_t len;
	uint64_t n;

	if (weir_gateway_metrics(gateway, &text, &len))
		return 0; /* it was out of memory */
	n = metric(text, "weir_inflight_requests ") + metric(text, "weir_inflight_attempts{");
	weir_text_free(text);
	return n;
}

/* Nobody is there any more: so nothing is asked for anybody. */
static void check_left(void)
{
	for (int i = 0; i < tale->talks_n; i++)
		if (tale->talks[i].who < CALLERS && tale->talks[i].socket)
			return;
	for (int i = 0; i < ASKS; i++)
		if (tale->asks[i].request)
			return;
	FUZZ_CHECK(in_flight() == 0);
}

/* ---- the script ---- */

struct script {
	const unsigned char *at, *end;
};

static unsigned char next(struct script *script)
{
	return script->at < script->end ? *script->at++ : 0;
}

static void say_bytes(struct talk *talk, struct script *script)
{
	const unsigned char *from = script->at;

	while (script->at < script->end && *script->at != '~')
		script->at++;
	if (talk)
		say(talk, (const char *)from, (size_t)(script->at - from));
	next(script);
}

static void let_in(int vendor)
{
	for (int i = 0; i < kernel.top; i++)
		if (kernel.sockets[i].used && kernel.sockets[i].state == KERNEL_CONNECTING &&
		    kernel.sockets[i].port == (unsigned)(VENDOR_PORT + vendor))
			kernel.sockets[i].state = KERNEL_OPEN;
	settle();
}

static void be_caller(unsigned char op, struct script *script)
{
	unsigned char k = next(script);
	struct talk *talk = caller_at(k, op == 'w');
	struct kernel_bytes *rest = &rests[k % CALLERS];
	bool unread; /* more than weir takes while it answers: it does not see the end of it */

	if (op == 'w')
		say_bytes(talk, script);
	if (!talk || !talk->socket)
		return;
	unread = talk->socket->in.at < talk->socket->in.len;
	if (op == 'R') {
		say(talk, rest->base + rest->at, rest->len - rest->at);
		rest->at = rest->len;
	} else if (op == 'h') {
		talk->socket->in_fin = true;
	} else if (op == 's') {
		talk->slow = true;
		talk->socket->window = 4096;
	} else if (op == 'S') {
		talk->slow = false;
		talk->socket->window = KERNEL_WINDOW;
	} else if (op == 'x' || op == 'X') {
		end(talk, op == 'X');
	}
	settle();
	if (!unread && (op == 'X' || (op == 'x' && !(options & OPT_HALF_CLOSE))))
		check_left();
}

/* One that was used before is replaced without a word; whether it was is by how the answer before
 * was cut, where somebody waited for the end of that. */
static void leave(struct talk *talk, bool reset)
{
	kernel.squeezed |= talk->asked > 1 && talk->asked > talk->answered;
	end(talk, reset);
}

static void be_provider(unsigned char op, struct script *script)
{
	static const enum kernel_state ways[] = { KERNEL_OPEN, KERNEL_REFUSED, KERNEL_CONNECTING };
	unsigned char v = next(script);
	struct talk *talk = provider_at(v);

	if (op == 'd')
		say_bytes(talk, script);
	else if (op == 'o')
		doors[v % VENDORS] = ways[next(script) % 3];
	else if (op == 'O')
		let_in(v % VENDORS);
	else if (op == 'a')
		answer(v, next(script));
	else if (op == 'B')
		flood(v, next(script));
	else if (talk)
		leave(talk, op == 'F');
}

static void on_drained(void *arg)
{
	(void)arg;
}

static void step(struct script *script)
{
	/* Seldom do two things happen at the same moment, whose order would be anybody's guess. */
	static const unsigned times[] = { 1, 23, 307, 1009, 2503, 5011, 20011, 70001 };
	unsigned char op = next(script), k;

	pass(1);

	switch (op) {
	case 'c':
	case 'C':
		k = next(script);
		ask_question(k, next(script), op == 'C');
		return;
	case 'b':
		k = next(script);
		ask_much(k, next(script));
		return;
	case 'w':
	case 'R':
	case 'x':
	case 'X':
	case 'h':
	case 's':
	case 'S':
		be_caller(op, script);
		return;
	case 'a':
	case 'B':
	case 'd':
	case 'f':
	case 'F':
	case 'o':
	case 'O':
		be_provider(op, script);
		return;
	case 'p':
		k = next(script);
		ask_api(k, next(script));
		return;
	case 'q':
	case 'u':
	case 'U':
		tell_ask(op, next(script));
		return;
	case 't':
		pass(times[next(script) % (sizeof times / sizeof *times)]);
		return;
	case 'l':
		reload(next(script));
		return;
	case 'z':
		weir_gateway_drain(gateway, on_drained, NULL);
		settle();
		return;
	case 'm':
		tale->poor = true;
		weir_alloc_fail_after(1 + next(script));
		return;
	default:
		return;
	}
}

/* ---- what must hold ---- */

static uint64_t logged(const char *text, const char *word, bool sum)
{
	uint64_t n = 0;

	for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
		n += sum ? strtoull(at + strlen(word), NULL, 10) : 1;
	return n;
}

/* What began has ended, and is told the same by counters and log. */
static void check_books(void)
{
	char *text;
	size_t len;

	FUZZ_CHECK(weir_gateway_metrics(gateway, &text, &len) == 0);
	check_secrets(text, len, -1);
	FUZZ_CHECK(in_flight() == 0);
	FUZZ_CHECK(metric(text, "weir_queue_length") == 0);
	if (!tale->poor && !tale->crowded) {
		FUZZ_CHECK(metric(text, "weir_requests_total{") ==
			   logged(tale->log, "\"event\":\"request\"", false));
		FUZZ_CHECK(metric(text, "weir_fallbacks_total{") ==
			   logged(tale->log, "\"event\":\"fallback\"", false));
		FUZZ_CHECK(metric(text, "weir_attempts_total{") ==
			   logged(tale->log, "\"attempts\":", true));
	}
	weir_text_free(text);
}

/* Whoever has not left was left. */
static bool all_ended(void)
{
	for (int i = 0; i < tale->talks_n; i++) {
		const struct talk *talk = &tale->talks[i];

		if (talk->who < CALLERS - 1 && talk->socket && talk->socket->used)
			return false;
	}
	for (int i = 0; i < ASKS; i++)
		if (tale->asks[i].request && !tale->asks[i].paused)
			return false;
	return true;
}

/* After so long nobody is owed anything, unless many questions stood in line at one connection:
 * then some have been answered meanwhile. */
static void await_ends(void)
{
	size_t before;

	do {
		before = tale->log_len;
		pass(AFTER_MS);
	} while (!all_ended() && tale->log_len > before);
	FUZZ_CHECK(all_ended() || tale->crowded);
}

static void finish(void)
{
	weir_alloc_fail_after(0);
	await_ends();
	for (int i = 0; i < ASKS; i++)
		if (tale->asks[i].request)
			tell_ask('U', (unsigned char)i);
	settle();
	check_books();
	weir_gateway_close(gateway, on_closed, NULL);
	settle();
	FUZZ_CHECK(closed && weir_alloc_live() == 0);
	for (int i = 0; i < kernel.top; i++) {
		FUZZ_CHECK(!kernel.sockets[i].used);
		kernel_end(&kernel.sockets[i], false);
	}
	for (int i = 0; i < tale->talks_n; i++)
		check_secrets(tale->talks[i].heard.base, tale->talks[i].heard.len,
			      tale->talks[i].who - CALLERS);
}

static void play(struct tale *to, const unsigned char *bytes, size_t size, bool cut)
{
	struct script script = { bytes + 2, bytes + size };

	tale = to;
	cuts = cut;
	closed = false;
	options = bytes[0] | (unsigned)bytes[1] << 8;
	weir_rng_init(&rng, size + bytes[size - 1]);
	memset(to, 0, offsetof(struct tale, log) + 1);
	for (int i = 0; i < VENDORS; i++)
		doors[i] = KERNEL_OPEN;
	for (int i = 0; i < CALLERS; i++)
		kernel_drop(&rests[i]);
	kernel.on = true;
	kernel.now_ms = 1000000;
	kernel.serial = 0;
	kernel.top = 0;
	kernel.squeezed = false;
	kernel.on_connect = on_connect;
	uv_update_time(&loop);
	open_gateway();
	while (script.at < script.end)
		step(&script);
	finish();
	to->crowded |= kernel.squeezed;
	kernel.on = false;
}

/* ---- the same whole and in pieces ---- */

static void put_head(struct kernel_bytes *to, const char *head, size_t len)
{
	for (const char *line = head, *end_of; line < head + len; line = end_of + 2) {
		end_of = memmem(line, (size_t)(head + len - line), "\r\n", 2);
		if (!named(line, "content-length") && !named(line, "transfer-encoding"))
			kernel_put(to, line, (size_t)(end_of + 2 - line));
	}
}

/* Who came first at one moment has the earlier id. */
static void hide_ids(struct kernel_bytes *text)
{
	for (char *at = text->base, *end_of = at + text->len;
	     text->len && (at = memmem(at, (size_t)(end_of - at), "req_", 4)); at += 4)
		for (int i = 4; i < 28 && at + i < end_of; i++)
			at[i] = '-';
}

/* What a caller has read, without its framing. False: that cannot be told. */
static bool put_heard(struct kernel_bytes *to, const struct talk *talk)
{
	struct message m;

	if (talk->sent.len && memmem(talk->sent.base, talk->sent.len, "HEAD", 4))
		return false;
	for (size_t at = 0; at < talk->heard.len; at += m.len) {
		struct kernel_bytes body = { 0 };

		if (!read_message(talk->heard.base + at, talk->heard.len - at, true, false, &m,
				  &body))
			return false;
		FUZZ_CHECK(m.lengths + m.chunked <= 1);
		put_head(to, talk->heard.base + at, m.head_len);
		kernel_put(to, body.base, body.len);
		kernel_drop(&body);
		if (!m.whole)
			break;
		if (!talk->left)
			kernel_put(to, "\n|whole\n", 8);
	}
	return true;
}

static void differ(const char *what, const struct kernel_bytes *a, const struct kernel_bytes *b)
{
	fprintf(stderr, "%s whole: <<%.*s>>\nin pieces: <<%.*s>>\n", what, (int)a->len, a->base,
		(int)b->len, b->base);
	FUZZ_CHECK(!"the same, however it was cut");
}

static void compare_callers(int who)
{
	struct kernel_bytes texts[2] = { 0 };
	const struct tale *const tales[2] = { &whole, &pieces };
	bool left = false, told = true;
	size_t n;

	for (int t = 0; t < 2; t++) {
		for (int i = 0; i < tales[t]->talks_n; i++) {
			if (tales[t]->talks[i].who != who)
				continue;
			told &= put_heard(&texts[t], &tales[t]->talks[i]);
			left |= tales[t]->talks[i].left;
		}
	}
	hide_ids(&texts[0]);
	hide_ids(&texts[1]);
	n = texts[0].len < texts[1].len ? texts[0].len : texts[1].len;
	if (told && !left &&
	    (texts[0].len != texts[1].len || (n && memcmp(texts[0].base, texts[1].base, n) != 0)))
		differ("answers", &texts[0], &texts[1]);
	kernel_drop(&texts[0]);
	kernel_drop(&texts[1]);
}

static void compare_providers(int vendor)
{
	struct kernel_bytes texts[2] = { 0 };
	const struct tale *const tales[2] = { &whole, &pieces };

	for (int t = 0; t < 2; t++)
		for (int i = 0; i < tales[t]->asked_n; i++)
			if (tales[t]->asked[i].vendor == vendor)
				kernel_put(&texts[t], tales[t]->asked[i].text,
					   tales[t]->asked[i].len);
	if (texts[0].len != texts[1].len ||
	    (texts[0].len && memcmp(texts[0].base, texts[1].base, texts[0].len) != 0))
		differ("requests", &texts[0], &texts[1]);
	kernel_drop(&texts[0]);
	kernel_drop(&texts[1]);
}

static void compare(void)
{
	if (whole.poor || whole.crowded || pieces.crowded)
		return;
	for (int who = 0; who < CALLERS - 1; who++)
		compare_callers(who);
	for (int v = 0; v < VENDORS; v++)
		compare_providers(v);
	for (int i = 0; i < ASKS; i++) {
		const struct ask *a = &whole.asks[i], *b = &pieces.asks[i];

		if (a->cancelled)
			continue;
		hide_ids(&whole.asks[i].said);
		hide_ids(&pieces.asks[i].said);
		FUZZ_CHECK(a->starts == b->starts && a->dones == b->dones);
		FUZZ_CHECK(a->status == b->status && a->whole == b->whole);
		if (a->said.len != b->said.len ||
		    (a->said.len && memcmp(a->said.base, b->said.base, a->said.len) != 0))
			differ("answer by the API", &a->said, &b->said);
	}
}

static void forget(struct tale *of)
{
	for (int i = 0; i < of->talks_n; i++) {
		kernel_drop(&of->talks[i].sent);
		kernel_drop(&of->talks[i].heard);
	}
	for (int i = 0; i < of->asked_n; i++)
		free(of->asked[i].text);
	for (int i = 0; i < ASKS; i++)
		kernel_drop(&of->asks[i].said);
}

/* For who looks at a finding. */
static void tell(const struct tale *of)
{
	for (int i = 0; i < of->talks_n; i++)
		fprintf(stderr, "== %d sent <<%.*s>>\nheard <<%.*s>>\n", of->talks[i].who,
			(int)of->talks[i].sent.len, of->talks[i].sent.base,
			(int)of->talks[i].heard.len, of->talks[i].heard.base);
	fputs(of->log, stderr);
}

static void on_anchor(uv_timer_t *timer)
{
	(void)timer;
}

static void on_alarm(int signal_n)
{
	(void)signal_n;
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool begun;

	if (size < 4 || size > FUZZ_INPUT_MAX || memmem(data, size, "canary", 6))
		return 0;
	if (!begun) {
		begun = true;
		signal(SIGALRM, on_alarm);
		kernel.on = true;
		FUZZ_CHECK(uv_loop_init(&loop) == 0 && uv_timer_init(&loop, &anchor) == 0);
		FUZZ_CHECK(uv_timer_start(&anchor, on_anchor, UINT64_MAX / 2, 0) == 0);
		kernel.on = false;
	}
	alarm(60); /* it hangs, at no point where the virtual clock could be looked at */
	play(&whole, data, size, false);
	play(&pieces, data, size, true);
	alarm(0);
	if (getenv("SCENARIO_TELL")) {
		tell(&whole);
		fprintf(stderr, "==== in pieces\n");
		tell(&pieces);
	}
	compare();
	forget(&whole);
	forget(&pieces);
	for (int i = 0; i < CALLERS; i++)
		kernel_drop(&rests[i]);
	return 0;
}

FUZZ_MAIN(seeds, 300)
