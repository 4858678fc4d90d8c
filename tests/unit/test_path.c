#include "test.h"

#include "base/error.h"
#include "dialect/path.h"

#include <stdio.h>

#define ASK    "/v1beta/models/{model}:ask"
#define STREAM "/v1beta/models/{model}:askStream?alt=sse"
#define DEPLOY "/openai/deployments/{model}/chat/completions?api-version=2024-10-21"

static void check_is(const struct weir_buf *out, const char *path)
{
	CHECK_INT(out->len, strlen(path));
	CHECK_MEM(out->base, path, strlen(path));
}

TEST(goes_below_the_base_and_says_nothing_twice)
{
	static const struct {
		const char *base, *route, *model, *path;
	} cases[] = {
		{ "", "/chat/completions", "m", "/chat/completions" },
		{ "/v1", "/chat/completions", "m", "/v1/chat/completions" },
		{ "", "/v1/messages", "m", "/v1/messages" },
		{ "/v1", "/v1/messages", "m", "/v1/messages" },
		{ "/a/v1", "/v1/messages", "m", "/a/v1/messages" },
		{ "/v1/a", "/v1/messages", "m", "/v1/a/v1/messages" },
		{ "/av1", "/v1/messages", "m", "/av1/v1/messages" },
		{ "/v1.5", "/v1/messages", "m", "/v1.5/messages" },
		{ "/version", "/v1/messages", "m", "/version/v1/messages" },
		{ "", ASK, "m-1.5_x~", "/v1beta/models/m-1.5_x~:ask" },
		{ "/v1beta", ASK, "m", "/v1beta/models/m:ask" },
		{ "/v1", ASK, "m", "/v1/models/m:ask" },
		{ "/p", STREAM, "m", "/p/v1beta/models/m:askStream?alt=sse" },
		{ "", ASK, "models/m", "/v1beta/models/m:ask" },
		{ "", ASK, "models/", "/v1beta/models/models%2F:ask" },
		{ "", ASK, "models/models/m", "/v1beta/models/models%2Fm:ask" },
		{ "", "/{model}:ask", "/m", "/%2Fm:ask" },
		{ "", "/openai/v1/embeddings", "m", "/openai/v1/embeddings" },
		{ "/openai/v1", "/openai/v1/embeddings", "m", "/openai/v1/embeddings" },
		{ "/team/v1", "/openai/v1/embeddings", "m", "/team/v1/embeddings" },
		{ "/v1", "/ask?in=/v1/x", "m", "/v1/ask?in=/v1/x" },
		{ "", DEPLOY, "gpt",
		  "/openai/deployments/gpt/chat/completions?api-version=2024-10-21" },
	};

	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++) {
		struct weir_buf out;

		weir_buf_init(&out, 1024);
		CHECK_INT(weir_path_put(&out, weir_slice_of(cases[i].base), cases[i].route,
					weir_slice_of(cases[i].model)),
			  0);
		check_is(&out, cases[i].path);
		weir_buf_fini(&out);
	}
}

TEST(no_model_leaves_its_segment)
{
	static const struct {
		const char *model, *segment;
	} cases[] = {
		{ "accounts/x/models/y", "accounts%2Fx%2Fmodels%2Fy" },
		{ "m?key=1&x#f", "m%3Fkey%3D1%26x%23f" },
		{ "m:other", "m%3Aother" },
		{ "%2e%2e%2f", "%252e%252e%252f" },
		{ "a b\r\nhost: x", "a%20b%0D%0Ahost%3A%20x" },
		{ "\xc3\xa4", "%C3%A4" },
		{ "...", "..." },
		{ "a..", "a.." },
		{ "..a/.b", "..a%2F.b" },
		{ "{model}", "%7Bmodel%7D" },
	};
	static const char *const stray[] = { "..",    ".",        "../x", "x/..",
					     "x/./y", "x\\..\\y", "",     "/.." };
	struct weir_buf out;
	char path[128];

	for (size_t i = 0; i < WEIR_COUNT_OF(cases); i++) {
		weir_buf_init(&out, 1024);
		CHECK_INT(weir_path_put(&out, WEIR_SLICE(""), ASK, weir_slice_of(cases[i].model)),
			  0);
		snprintf(path, sizeof path, "/v1beta/models/%s:ask", cases[i].segment);
		check_is(&out, path);
		CHECK(!weir_path_strays(weir_slice_of(cases[i].model)));
		weir_buf_fini(&out);
	}
	for (size_t i = 0; i < WEIR_COUNT_OF(stray); i++) {
		weir_buf_init(&out, 1024);
		CHECK_INT(weir_path_put(&out, WEIR_SLICE(""), ASK, weir_slice_of(stray[i])),
			  WEIR_ELIMIT);
		weir_buf_fini(&out);
	}
}

TEST(is_bounded)
{
	struct weir_buf out;

	weir_buf_init(&out, 20);
	CHECK_INT(weir_path_put(&out, WEIR_SLICE(""), ASK, WEIR_SLICE("mmm")), WEIR_ELIMIT);
	weir_buf_fini(&out);
}

TEST_MAIN
