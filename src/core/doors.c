#include "core/doors.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "core/client.h"

struct heirloom {
	struct weir_list node; /* gateway->heirlooms */
	int fd;
	unsigned flags;
	char name[WEIR_LISTEN_TEXT_MAX], address[WEIR_LISTEN_TEXT_MAX];
};

static struct weir_door *door_of(struct weir_list *node)
{
	return WEIR_CONTAINER_OF(node, struct weir_door, node);
}

struct weir_door *weir_doors_at(const struct weir_gateway *g, bool admin, size_t index)
{
	WEIR_LIST_FOR(node, &g->doors)
	if (door_of(node)->admin == admin && index-- == 0)
		return door_of(node);
	return NULL;
}

/* ---- who may be where ---- */

/* A proxy that is its own provider would call itself until its deadline. */
static int refuse_loop(const struct weir_config *config, const char *address,
		       struct weir_error *err)
{
	const struct weir_provider *provider = weir_config_loop(config, address);

	if (!provider)
		return 0;
	return weir_fail(
		err, WEIR_EBIND,
		"%s is where the provider %s is said to be; weir cannot be its own provider",
		address, provider->name);
}

/* The configuration's own listeners were judged when it was read; --listen comes later. */
int weir_doors_may_open(const struct weir_config *config, const char *address, bool admin,
			struct weir_error *err)
{
	bool loopback = false, ok = weir_listen_address_ok(address, &loopback);

	if (admin && (!ok || (!loopback && !config->admin_key.len)))
		return weir_fail(err, WEIR_EBIND,
				 "the admin address %s must be a loopback address or unix:/path; "
				 "another one needs an admin_key in the configuration",
				 address);
	if (!ok)
		return weir_fail(err, WEIR_EBIND,
				 "%s is no address; write HOST:PORT, [IPV6]:PORT or unix:/path",
				 address);
	if (!admin && !loopback && !config->access_keys_n && !config->access_open &&
	    !config->client_ca)
		return weir_fail(err, WEIR_EBIND,
				 "%s is open to others and there are no access keys; add "
				 "access.keys, or say `access: open`",
				 address);
	return refuse_loop(config, address, err);
}

/* ---- sockets of others ---- */

int weir_doors_inherit(struct weir_gateway *g, int fd, const char *name, unsigned flags,
		       struct weir_error *err)
{
	struct heirloom *heirloom = weir_calloc(1, sizeof *heirloom);
	int rc = 0;

	if (g->closing)
		rc = weir_fail(err, WEIR_EBIND, "the gateway is closing");
	else if (!heirloom)
		rc = weir_fail(err, WEIR_ENOMEM, "out of memory");
	else if (!weir_listen_describe(fd, heirloom->address))
		rc = weir_fail(err, WEIR_EBIND, "descriptor %d is no listening TCP or unix socket",
			       fd);
	if (rc) {
		close(fd);
		weir_free(heirloom);
		return rc;
	}
	snprintf(heirloom->name, sizeof heirloom->name, "%s", name ? name : heirloom->address);
	heirloom->fd = fd;
	heirloom->flags = flags;
	weir_list_push(&g->heirlooms, &heirloom->node);
	return 0;
}

static void forget(struct heirloom *heirloom)
{
	weir_list_remove(&heirloom->node);
	weir_free(heirloom);
}

const char *weir_doors_inherited(const struct weir_gateway *g, size_t index)
{
	WEIR_LIST_FOR(node, &g->heirlooms)
	if (index-- == 0)
		return WEIR_CONTAINER_OF(node, struct heirloom, node)->address;
	return NULL;
}

static struct heirloom *heirloom_for(const struct weir_gateway *g, const char *address, bool admin)
{
	WEIR_LIST_FOR(node, &g->heirlooms)
	{
		struct heirloom *heirloom = WEIR_CONTAINER_OF(node, struct heirloom, node);

		if ((heirloom->flags & (admin ? WEIR_SOCKET_PUBLIC : WEIR_SOCKET_ADMIN)) == 0 &&
		    (strcmp(heirloom->name, address) == 0 ||
		     weir_listen_same(heirloom->address, address)))
			return heirloom;
	}
	return NULL;
}

/* ---- one door ---- */

static void on_connection(struct weir_listener *listener)
{
	struct weir_door *door = listener->user;

	weir_client_accept(door->gateway, listener, door->admin);
}

static void on_closed(struct weir_listener *listener)
{
	struct weir_door *door = listener->user;
	struct weir_gateway *g = door->gateway;

	weir_list_remove(&door->node);
	weir_free(door);
	g->handles_open--;
	g->doors_n--;
	weir_gateway_settle(g);
}

static int take_socket(struct weir_door *door, const char *address, struct heirloom *heirloom,
		       struct weir_error *err)
{
	struct weir_gateway *g = door->gateway;
	int rc;

	if (!heirloom)
		return weir_listener_open(&door->listener, g->loop, address, on_connection, door,
					  err);
	rc = weir_listener_adopt(&door->listener, g->loop, heirloom->fd,
				 heirloom->flags & WEIR_SOCKET_SHARED, on_connection, door, err);
	if (rc == 0)
		forget(heirloom);
	return rc;
}

static int make_door(struct weir_gateway *g, const char *address, bool admin,
		     struct heirloom *heirloom, struct weir_door **made, struct weir_error *err)
{
	struct weir_door *door;
	int rc;

	if (g->doors_n >= 2 * WEIR_LISTEN_MAX)
		return weir_fail(err, WEIR_EBIND, "more than %d listeners", WEIR_LISTEN_MAX);
	door = weir_calloc(1, sizeof *door);
	if (!door)
		return weir_fail(err, WEIR_ENOMEM, "out of memory");
	door->gateway = g;
	door->admin = admin;
	weir_list_init(&door->node);
	snprintf(door->asked, sizeof door->asked, "%s", address);
	rc = take_socket(door, address, heirloom, err);
	if (rc) {
		weir_free(door);
		return rc;
	}
	g->handles_open++;
	g->doors_n++;
	*made = door;
	return 0;
}

static int open_door(struct weir_gateway *g, const struct weir_config *config, const char *address,
		     bool admin, struct weir_door **opened, struct weir_error *err)
{
	struct heirloom *heirloom = heirloom_for(g, address, admin);
	int rc = weir_doors_may_open(config, heirloom ? heirloom->address : address, admin, err);

	return rc ? rc : make_door(g, address, admin, heirloom, opened, err);
}

static void tell(const struct weir_door *door, const char *event)
{
	struct weir_log_line line;

	weir_log_begin(&line, &door->gateway->log, WEIR_LOG_INFO, event);
	weir_log_str(&line, door->admin ? "admin" : "address", door->listener.text);
	weir_log_end(&line);
}

static void add_door(struct weir_gateway *g, struct weir_door *door)
{
	weir_list_push(&g->doors, &door->node);
	weir_listener_count(&door->listener, !g->unrefed);
	if (door->admin)
		g->admin = &door->listener;
}

void weir_doors_count(struct weir_gateway *g)
{
	WEIR_LIST_FOR(node, &g->doors)
	weir_listener_count(&door_of(node)->listener, !g->unrefed);
}

static void close_door(struct weir_door *door)
{
	if (door->gateway->admin == &door->listener)
		door->gateway->admin = NULL;
	weir_listener_close(&door->listener, on_closed);
}

static void leave(struct weir_door *door)
{
	struct weir_gateway *g = door->gateway;

	if (g->admin == &door->listener)
		g->admin = NULL;
	weir_list_remove(&door->node);
	weir_list_push(&g->leaving, &door->node);
	weir_listener_leave(&door->listener, on_closed);
}

/* ---- all of them ---- */

/* Who waits at one that nobody else has is served, and its file goes. */
void weir_doors_disinherit(struct weir_gateway *g)
{
	WEIR_LIST_FOR(node, &g->heirlooms)
	{
		struct heirloom *heirloom = WEIR_CONTAINER_OF(node, struct heirloom, node);
		bool admin = (heirloom->flags & WEIR_SOCKET_ADMIN) != 0;
		struct weir_door *door;
		struct weir_error err;

		if (!(heirloom->flags & (WEIR_SOCKET_SHARED | WEIR_SOCKET_COMMON)) && !g->closing &&
		    make_door(g, heirloom->address, admin, heirloom, &door, &err) == 0) {
			leave(door);
		} else {
			close(heirloom->fd);
			forget(heirloom);
		}
	}
}

int weir_doors_open(struct weir_gateway *g, const char *address, bool admin, struct weir_error *err)
{
	struct weir_door *door;
	int rc = open_door(g, g->now->config, address, admin, &door, err);

	if (rc == 0)
		add_door(g, door);
	return rc;
}

void weir_doors_leave(struct weir_gateway *g, bool all)
{
	WEIR_LIST_FOR(node, &g->doors)
	if (all || !door_of(node)->admin)
		leave(door_of(node));
}

static bool any_at(const struct weir_list *doors, const struct sockaddr *addr)
{
	WEIR_LIST_FOR(node, doors)
	if (weir_listener_is_at(&door_of(node)->listener, addr))
		return true;
	return false;
}

bool weir_doors_are_at(void *arg, const struct sockaddr *addr)
{
	const struct weir_gateway *g = arg;

	return any_at(&g->doors, addr) || any_at(&g->leaving, addr);
}

void weir_doors_close(struct weir_gateway *g)
{
	WEIR_LIST_FOR(node, &g->doors)
	close_door(door_of(node));
	WEIR_LIST_FOR(node, &g->leaving)
	close_door(door_of(node));
	weir_doors_disinherit(g);
}

void weir_doors_hand_over(struct weir_gateway *g)
{
	WEIR_LIST_FOR(node, &g->doors)
	door_of(node)->listener.shared = true;
}

/* ---- what the configuration wants ---- */

static struct weir_door *door_at(const struct weir_gateway *g, const char *address, bool admin)
{
	WEIR_LIST_FOR(node, &g->doors)
	{
		struct weir_door *door = door_of(node);

		if (door->admin == admin && !door->wanted &&
		    (strcmp(door->asked, address) == 0 ||
		     weir_listen_same(door->listener.text, address)))
			return door;
	}
	return NULL;
}

static int want(struct weir_gateway *g, const struct weir_config *config, const char *address,
		bool admin, struct weir_list *fresh, struct weir_error *err)
{
	struct weir_door *door = door_at(g, address, admin);
	int rc;

	if (door) {
		door->wanted = true;
		return 0;
	}
	rc = open_door(g, config, address, admin, &door, err);
	if (rc)
		return rc;
	door->configured = true;
	weir_list_push(fresh, &door->node);
	return 0;
}

int weir_doors_prepare(struct weir_gateway *g, const struct weir_config *config,
		       struct weir_list *fresh, const char **key, struct weir_error *err)
{
	int rc = 0;

	weir_list_init(fresh);
	if (g->draining || g->closing)
		return 0;
	WEIR_LIST_FOR(node, &g->doors)
	door_of(node)->wanted = false;
	*key = "listen";
	for (unsigned i = 0; g->listens_configured && i < config->listen_n && rc == 0; i++)
		rc = want(g, config, config->listen[i], false, fresh, err);
	if (rc == 0 && g->admin_configured && config->admin) {
		*key = "admin";
		rc = want(g, config, config->admin, true, fresh, err);
	}
	if (rc)
		weir_doors_abandon(fresh);
	return rc;
}

void weir_doors_abandon(struct weir_list *fresh)
{
	WEIR_LIST_FOR(node, fresh)
	{
		weir_list_remove(node); /* it closes later than the list may live */
		close_door(door_of(node));
	}
}

void weir_doors_settle(struct weir_gateway *g, struct weir_list *fresh)
{
	if (g->draining || g->closing)
		return;
	WEIR_LIST_FOR(old, &g->doors)
	{
		struct weir_door *door = door_of(old);

		if (door->wanted || !door->configured)
			continue;
		tell(door, "closing");
		leave(door);
	}
	WEIR_LIST_FOR(node, fresh)
	{
		struct weir_door *door = door_of(node);

		weir_list_remove(node);
		add_door(g, door);
		if (g->now->generation > 1) /* at the start the program tells it */
			tell(door, "listening");
	}
}
