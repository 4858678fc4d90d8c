/* A Portkey config in JSON: targets, and targets of targets, with a strategy each. */
#pragma once

#include "app/import_read.h"

/* Fills the import; false when the source is none, with an error among the findings. model: what
 * targets that take the model of a request are to ask for, and what the chain is called; NULL:
 * a variable. */
bool weir_import_portkey(struct weir_import *im, struct weir_slice text, const char *model);
