/* Intrusive doubly linked list; the head is a node of its own. */
#pragma once

#include <stdbool.h>

#include "base/attr.h"

struct weir_list {
	struct weir_list *next;
	struct weir_list *prev;
};

#define WEIR_LIST_FOR(node, head)                                                              \
	for (struct weir_list *node = (head)->next, *node##_next = node->next; node != (head); \
	     node = node##_next, node##_next = node->next)

static inline void weir_list_init(struct weir_list *head)
{
	head->next = head->prev = head;
}

static inline bool weir_list_empty(const struct weir_list *head)
{
	return head->next == head;
}

/* As the last one. */
static inline void weir_list_push(struct weir_list *head, struct weir_list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

/* Also right on a node that is in no list, once initialised. */
static inline void weir_list_remove(struct weir_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	weir_list_init(node);
}
