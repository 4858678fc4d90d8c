/* Those who read a stream of events: as many as may be, and none holds up another. */
#pragma once

#include "base/list.h"
#include "base/slice.h"

enum { WEIR_AUDIENCE_MAX = 16 };

struct weir_gateway;
struct weir_client;

struct weir_audience {
	struct weir_gateway *gateway;
	struct weir_list readers; /* struct weir_client.reading */
	unsigned n;
	void (*on_empty)(struct weir_audience *audience); /* the last one has left; may be NULL */
};

void weir_audience_init(struct weir_audience *audience, struct weir_gateway *gateway,
			void (*on_empty)(struct weir_audience *audience));

/* Answers with the stream from now on, unless only its head was asked for. False: there are too
 * many. */
bool weir_audience_join(struct weir_audience *audience, struct weir_client *client);
/* Of a client that may read nothing. */
void weir_audience_leave(struct weir_client *client);
/* Closes those who came by a listener that other machines reach. */
void weir_audience_dismiss(struct weir_audience *audience);
struct weir_client *weir_audience_reader(struct weir_list *node);
