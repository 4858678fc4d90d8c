#include "app/sockets.h"

#include <stdio.h>

#include "app/notify.h"
#include "base/slice.h"

static const char BY_NAME[] = "fd:"; /* what no address begins with */

void weir_sockets_passed(struct weir_handover_parcel *parcel)
{
	char names[WEIR_HANDOVER_MAX][WEIR_PASSED_NAME_MAX];

	*parcel = (struct weir_handover_parcel){ .line = -1, .fd = -1 };
	parcel->n = weir_passed_sockets(WEIR_HANDOVER_MAX, names);
	for (unsigned i = 0; i < parcel->n; i++) {
		struct weir_handover_socket *s = &parcel->sockets[i];

		s->fd = WEIR_PASSED_FIRST_FD + (int)i;
		s->flags = WEIR_SOCKET_SHARED;
		if (weir_slice_is(weir_slice_of(names[i]), "public"))
			s->flags |= WEIR_SOCKET_PUBLIC;
		else if (weir_slice_is(weir_slice_of(names[i]), "admin"))
			s->flags |= WEIR_SOCKET_ADMIN;
		else
			continue;
		snprintf(s->name, sizeof s->name, "%s%d", BY_NAME, s->fd);
	}
}

int weir_sockets_give(const struct weir_handover_parcel *parcel, struct weir_gateway *gateway,
		      char *why, size_t why_size)
{
	int rc = 0;

	for (unsigned i = 0; i < parcel->n && rc == 0; i++) {
		const struct weir_handover_socket *s = &parcel->sockets[i];

		rc = weir_gateway_inherit(gateway, s->fd, s->name[0] ? s->name : NULL, s->flags,
					  why, why_size);
	}
	return rc;
}

const char *weir_sockets_named(const struct weir_handover_parcel *parcel, unsigned role,
			       unsigned index)
{
	for (unsigned i = 0; i < parcel->n; i++) {
		const struct weir_handover_socket *s = &parcel->sockets[i];

		if ((s->flags & role) && weir_slice_starts(weir_slice_of(s->name), BY_NAME) &&
		    index-- == 0)
			return s->name;
	}
	return NULL;
}

unsigned weir_sockets_list(const struct weir_gateway *gateway,
			   struct weir_handover_socket list[WEIR_HANDOVER_MAX])
{
	struct weir_socket socket;
	unsigned n = 0;

	for (; n < WEIR_HANDOVER_MAX && weir_gateway_socket(gateway, n, &socket) == 0; n++) {
		list[n] = (struct weir_handover_socket){ .fd = socket.fd, .flags = socket.flags };
		snprintf(list[n].name, sizeof list[n].name, "%s", socket.name);
	}
	return n;
}
