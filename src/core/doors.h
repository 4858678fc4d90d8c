/* The listeners: which are open, whom they were taken over from, and how others take their place
 * at a reload. */
#pragma once

#include "core/gateway.h"

struct weir_door {
	struct weir_list node; /* gateway->doors, while it takes anybody; or in a change */
	struct weir_listener listener;
	struct weir_gateway *gateway;
	char asked[WEIR_LISTEN_TEXT_MAX]; /* what was to be opened */
	bool admin;
	bool configured; /* its address is the configuration's: a reload may close it */
	bool wanted;     /* by the configuration that is about to be */
};

/* May it listen there under this configuration? Is it safe, and no circle? */
WEIR_MUST_CHECK int weir_doors_may_open(const struct weir_config *config, const char *address,
					bool admin, struct weir_error *err);

/* A socket that listens already and waits to be wanted: by this name, or by its address. Takes fd
 * also on failure. flags: WEIR_SOCKET_… */
WEIR_MUST_CHECK int weir_doors_inherit(struct weir_gateway *gateway, int fd, const char *name,
				       unsigned flags, struct weir_error *err);
/* The address of the index-th that nobody has wanted yet; NULL past the last. */
const char *weir_doors_inherited(const struct weir_gateway *gateway, size_t index);
void weir_doors_disinherit(struct weir_gateway *gateway);

/* One that no reload closes. */
WEIR_MUST_CHECK int weir_doors_open(struct weir_gateway *gateway, const char *address, bool admin,
				    struct weir_error *err);

/* They keep the loop alive, or do not: gateway->unrefed has changed. */
void weir_doors_count(struct weir_gateway *gateway);

/* Who has come already is served. all: the admin listener, too. */
void weir_doors_leave(struct weir_gateway *gateway, bool all);
/* For the pool; arg: the gateway. */
bool weir_doors_are_at(void *arg, const struct sockaddr *addr);
void weir_doors_close(struct weir_gateway *gateway); /* at once */
/* The sockets are a successor's now: they are left to it as they are. */
void weir_doors_hand_over(struct weir_gateway *gateway);

/* What a reload changes, in two steps: all that can fail, then all that can be seen. *key: what
 * could not be, listen or admin. fresh is a list's head. */
WEIR_MUST_CHECK int weir_doors_prepare(struct weir_gateway *gateway,
				       const struct weir_config *config, struct weir_list *fresh,
				       const char **key, struct weir_error *err);
void weir_doors_abandon(struct weir_list *fresh);
void weir_doors_settle(struct weir_gateway *gateway, struct weir_list *fresh);

/* The index-th that is open, as they were opened; NULL past the last. */
struct weir_door *weir_doors_at(const struct weir_gateway *gateway, bool admin, size_t index);
