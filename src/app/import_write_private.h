/* Parts of import_write.c. */
#pragma once

#include "app/import_pen.h"
#include "app/import_write.h"

/* `key: 20s`; 0: nothing. */
void weir_import_write_duration(struct weir_import_pen *pen, unsigned indent, bool off,
				const char *key, uint64_t ms, const char *note);
void weir_import_write_number(struct weir_import_pen *pen, unsigned indent, bool off,
			      const char *key, unsigned number, const char *note);
void weir_import_write_chains(struct weir_import_pen *pen);
