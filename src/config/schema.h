/* The JSON Schema of a configuration, for editors and for the manual: written from the very
 * tables the readers go by. */
#pragma once

#include "base/attr.h"
#include "base/buf.h"

/* 0, WEIR_ENOMEM or WEIR_ELIMIT. */
WEIR_MUST_CHECK int weir_schema_write(struct weir_buf *buf);
