/* A stream that was asked to count its tokens, and a caller who shall not notice. */
#include "recording.h"

#define DATA(json)  "data: " json "\n\n"
#define DELTA(text) "\"choices\":[{\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}]"
#define STOP        "\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]"
#define COUNTS      "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}"
#define END         "data: [DONE]\n\n"
#define CHUNK(in)   DATA("{\"id\":\"c1\"," in "}")
#define LAST        CHUNK("\"choices\":[]," COUNTS)
#define SHOWN       CHUNK(DELTA("a")) CHUNK(DELTA("b")) CHUNK(STOP) END
#define COUNTED     "200 done usage=9/2 reusable"
#define ROW(name, body, out) \
	{ name, true, WEIR_ROUTE_CHAT, CHUNKED, OK_SSE, body, NULL, 0, OPEN, COUNTED, out }

static const struct recording hidden[] = {
	ROW("null in each, and one that counts",
	    CHUNK(DELTA("a") ",\"usage\":null") CHUNK(DELTA("b") ",\"usage\":null")
		    CHUNK(STOP ",\"usage\":null") LAST END,
	    SHOWN),
	ROW("only one that counts", CHUNK(DELTA("a")) CHUNK(DELTA("b")) CHUNK(STOP) LAST END,
	    SHOWN),
	ROW("with the finish reason",
	    CHUNK(DELTA("a")) CHUNK(DELTA("b")) CHUNK(STOP "," COUNTS) END, SHOWN),
	ROW("in each",
	    CHUNK(DELTA("a") "," COUNTS) CHUNK(DELTA("b") "," COUNTS) CHUNK(STOP "," COUNTS) END,
	    SHOWN),
	ROW("first, last and alone among the members",
	    DATA("{ \"usage\": null , \"id\":\"c1\"," DELTA("a") "}")
		    DATA("{\"id\":\"c1\" , " DELTA("b") " ,\t\"usage\": null }")
			    DATA("{\"usage\":null}") CHUNK(STOP) LAST END,
	    DATA("{ \"id\":\"c1\"," DELTA("a") "}") DATA("{\"id\":\"c1\" , " DELTA("b") " }")
		    DATA("{}") CHUNK(STOP) END),
	ROW("the filter's results are not what was asked for",
	    DATA("{\"choices\":[],\"prompt_filter_results\":[],\"usage\":null}") CHUNK(DELTA("a"))
		    CHUNK(STOP) LAST END,
	    DATA("{\"choices\":[],\"prompt_filter_results\":[]}") CHUNK(DELTA("a")) CHUNK(STOP)
		    END),
	ROW("names, comments and line ends stay",
	    ": hi\r\nevent: x\r\ndata: {\"usage\":null," DELTA(
		    "a") "}\r\nid: 7\r\n\r\n"
			 "event: x\rdata: {\"choices\":[]," COUNTS "}\r\r" CHUNK(STOP) END,
	    ": hi\r\nevent: x\r\ndata: {" DELTA("a") "}\r\nid: 7\r\n\r\n" CHUNK(STOP) END),
	ROW("data in several lines",
	    "event: x\ndata: {\"usage\":null,\ndata: " DELTA("a") "\ndata: }\n\n" CHUNK(STOP)
		    LAST END,
	    "event: x\ndata: {" DELTA("a") " }\n\n" CHUNK(STOP) END),
	ROW("usage within words is words",
	    CHUNK(DELTA("\\\"usage\\\":null")) CHUNK(STOP ",\"x\":{\"usage\":null}") LAST END,
	    CHUNK(DELTA("\\\"usage\\\":null")) CHUNK(STOP ",\"x\":{\"usage\":null}") END),
	{ "a stream that may go on elsewhere", true, WEIR_ROUTE_CHAT, CHUNKED, OK_SSE,
	  CHUNK(DELTA("a") ",\"usage\":null") CHUNK(DELTA("b") ",\"usage\":null")
		  CHUNK(STOP ",\"usage\":null") LAST END,
	  NULL, 0, OPEN, COUNTED, SHOWN, .shown = "" },
	{ "a stream that has gone on here", true, WEIR_ROUTE_CHAT, CHUNKED, OK_SSE,
	  DATA("{\"id\":\"other\"," DELTA(" you") ",\"usage\":null}")
		  DATA("{\"id\":\"other\"," STOP ",\"usage\":null}") LAST END,
	  NULL, 0, OPEN, COUNTED,
	  DATA("{\"id\":\"first\"," DELTA(" you") "}") DATA("{\"id\":\"first\"," STOP "}") END,
	  .shown = "Hi", .prefill = true },
};

TEST(what_was_not_asked_for_is_not_shown)
{
	struct recording unasked;

	for (size_t i = 0; i < WEIR_COUNT_OF(hidden); i++) {
		unasked = hidden[i];
		unasked.unasked = true;
		check_recordings(&unasked, 1);
	}
}

TEST_MAIN
