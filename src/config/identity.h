/* `tls`: what weir shows to its callers, and whose certificates it wants of them. */
#pragma once

#include "config/shape.h"

extern const struct weir_form weir_identity_form;

/* The files must be there; what is in them is looked at by who reads certificates. */
void weir_identity_read(struct weir_reader *reader, struct weir_node *node);
