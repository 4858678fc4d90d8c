/* A script is read or refused with a sentence; a question is understood or refused with a
 * status, and its answer is JSON. */
#include "fuzz.h"

#include "base/alloc.h"
#include "mock/answer.h"
#include "wire/json.h"

static const struct fuzz_seed seeds[] = {
	FUZZ_SEED("503*2,429;retry-after=5,200;latency=20ms;tokens=40,reset@half;status=500"),
	FUZZ_SEED("raw;text=%48%54TP%2f1.1%0d%0a;keep=1,huge;bytes=1MiB,;;,stall;after=3*9"),
	FUZZ_SEED("chance=2.5%;tps=50.5;header=a:b;header=c:d;shape=google;framing=close"),
	FUZZ_SEED("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"nonce=a-1 x\"},"
		  "{\"role\":\"assistant\",\"content\":\"tok0 tok1\"}],\"stream\":true,"
		  "\"stream_options\":{\"include_usage\":true},\"max_tokens\":3}"),
	FUZZ_SEED("{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"a \\\"b: "
		  "tok0 tok1 tok2 tok3\"},{\"role\":\"user\",\"content\":\"go on\"}]}"),
	FUZZ_SEED("{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"nonce=b\"}]},{\"role\":"
		  "\"model\",\"parts\":[{\"functionCall\":{\"name\":\"f\",\"args\":{}},"
		  "\"thoughtSignature\":\"QQ==\"}]},{\"role\":\"user\",\"parts\":[{"
		  "\"functionResponse\":{\"name\":\"f\",\"response\":{}}}]}],\"generationConfig\":{"
		  "\"maxOutputTokens\":3}}"),
	FUZZ_SEED("{\"model\":\"\\u0041\\\"\",\"input\":[[1,2],\"a\"],\"dimensions\":3,"
		  "\"encoding_format\":\"base64\"}"),
};

static void read_script(struct weir_slice text)
{
	struct weir_error err = { 0 };
	struct weir_mock_script *script = weir_mock_script_parse(text, &err);

	FUZZ_CHECK(script || (err.code == WEIR_ECONFIG && err.text[0]));
	for (unsigned i = 0; script && i < script->steps_n; i++) {
		FUZZ_CHECK(script->steps[i].times > 0);
		FUZZ_CHECK(script->steps[i].tokens <= WEIR_MOCK_TOKENS_MAX);
	}
	weir_mock_script_unref(script);
}

static void ask(const char *path, struct weir_slice body, enum weir_mock_resume resume)
{
	static struct weir_mock_chatter chatter;
	struct weir_mock_step step = { .tokens = 5, .usage = 1, .resume = resume };
	struct weir_mock_ask question;
	struct weir_mock_voice voice = {
		.vendor = "v", .chatter = &chatter, .step = &step, .ask = &question
	};
	struct weir_buf out;
	struct weir_mock_pen pen = { &out, 0 };
	unsigned status;
	size_t at;

	if (weir_mock_ask_read(&question, WEIR_SLICE("POST"), weir_slice_of(path), body, &status)) {
		FUZZ_CHECK(status >= 400 && status < 500);
		return;
	}
	if (chatter.text[0].max == 0)
		weir_mock_chatter_init(&chatter);
	weir_buf_init(&out, 1 << 24);
	weir_mock_voice_plan(&voice);
	FUZZ_CHECK(voice.first <= voice.last);
	FUZZ_CHECK(weir_mock_chatter_grow(&chatter, false, voice.last) == 0);
	if (question.route == WEIR_MOCK_EMBEDDINGS) {
		weir_mock_put_embeddings(&pen, &voice);
	} else {
		weir_mock_tongue(question.route)->open_whole(&pen, &voice);
		weir_mock_tongue(question.route)->close_whole(&pen, &voice);
	}
	FUZZ_CHECK(pen.rc == 0);
	FUZZ_CHECK(weir_json_check(weir_buf_slice(&out), &at) == 0);
	weir_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct weir_slice text = { (const char *)data, size };

	read_script(text);
	ask("/v1/chat/completions", text, WEIR_MOCK_RESUME_ON);
	ask("/v1/chat/completions", text, WEIR_MOCK_RESUME_OVERLAP);
	ask("/v1/chat/completions", text, WEIR_MOCK_RESUME_RESTART);
	ask("/v1/chat/completions", text, WEIR_MOCK_RESUME_OTHER);
	ask("/v1/embeddings", text, WEIR_MOCK_RESUME_ON);
	ask("/openai/deployments/d/completions?x=1", text, WEIR_MOCK_RESUME_ON);
	ask("/v1beta/models/gemini-3-x:generateContent", text, WEIR_MOCK_RESUME_ON);
	return 0;
}

FUZZ_MAIN(seeds, 20000)
