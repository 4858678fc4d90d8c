#include "core/peer.h"

#include <arpa/inet.h>

#include "config/network.h"

bool weir_peer_is_trusted(const struct weir_config *config, const unsigned char *bytes,
			  unsigned size)
{
	for (unsigned i = 0; i < config->trusted_proxies_n; i++)
		if (weir_network_has(&config->trusted_proxies[i], bytes, size))
			return true;
	return false;
}

/* Without what a node of RFC 7239 may have around its address: quotes and a port. */
static struct weir_slice address_in(struct weir_slice node)
{
	const char *colon, *bracket;

	node = weir_slice_trim(node);
	if (node.len > 1 && node.base[0] == '"' && node.base[node.len - 1] == '"')
		node = weir_slice(node.base + 1, node.len - 2);
	bracket = node.len ? memchr(node.base, ']', node.len) : NULL;
	colon = node.len ? memchr(node.base, ':', node.len) : NULL;
	if (bracket)
		node.len = (size_t)(bracket + 1 - node.base);
	else if (colon && colon == memrchr(node.base, ':', node.len))
		node.len = (size_t)(colon - node.base);
	return node;
}

/* for=… of one element of `forwarded`. */
static struct weir_slice for_in(struct weir_slice element)
{
	for (size_t i = 0; i + 4 <= element.len; i++) {
		size_t end = i + 4;

		if (!weir_equal_nocase(element.base + i, "for=", 4) ||
		    (i && !strchr("; \t", element.base[i - 1])))
			continue;
		while (end < element.len && element.base[end] != ';')
			end++;
		return weir_slice(element.base + i + 4, end - i - 4);
	}
	return weir_slice(NULL, 0);
}

static void print(const unsigned char *bytes, unsigned size, char peer[WEIR_PEER_MAX])
{
	(void)inet_ntop(size == 4 ? AF_INET : AF_INET6, bytes, peer, WEIR_PEER_MAX);
}

/* From the nearest on: each was told by the one before it. True: all of them are trusted. What is
 * no address ends what is known. */
static bool walk(const struct weir_config *config, struct weir_slice list, bool forwarded,
		 char peer[WEIR_PEER_MAX])
{
	unsigned char bytes[16];

	while (list.len) {
		const char *comma = memrchr(list.base, ',', list.len);
		size_t from = comma ? (size_t)(comma + 1 - list.base) : 0;
		struct weir_slice node = weir_slice(list.base + from, list.len - from);
		unsigned size;

		size = weir_address_read(address_in(forwarded ? for_in(node) : node), bytes);
		if (size)
			print(bytes, size, peer);
		if (size == 0 || !weir_peer_is_trusted(config, bytes, size))
			return false;
		list.len = comma ? from - 1 : 0;
	}
	return true;
}

/* A proxy may add a line of its own below that of the caller: the last is the nearest. */
static bool walk_fields(const struct weir_config *config, const struct weir_http_head *head,
			const char *name, char peer[WEIR_PEER_MAX])
{
	bool forwarded = strcmp(name, "forwarded") == 0, found = false;

	for (unsigned i = head->fields_n; i-- > 0;) {
		if (!weir_slice_is_nocase(head->fields[i].name, name))
			continue;
		found = true;
		if (!walk(config, head->fields[i].value, forwarded, peer))
			break;
	}
	return found;
}

unsigned weir_peer_address(const struct weir_client *client, unsigned char bytes[16])
{
	char text[INET6_ADDRSTRLEN + 16];

	weir_conn_peer(&client->conn, text, sizeof text);
	return weir_address_read(address_in(weir_slice_of(text)), bytes);
}

void weir_peer_find(const struct weir_client *client, const struct weir_http_head *head,
		    char peer[WEIR_PEER_MAX])
{
	const struct weir_config *config = client->gateway->now->config;
	unsigned char bytes[16];
	unsigned size;

	peer[0] = '\0';
	if (config->trusted_proxies_n == 0)
		return;
	size = weir_peer_address(client, bytes);
	if (size)
		print(bytes, size, peer);
	if (size && !weir_peer_is_trusted(config, bytes, size))
		return;
	if (!walk_fields(config, head, "x-forwarded-for", peer))
		(void)walk_fields(config, head, "forwarded", peer);
}
