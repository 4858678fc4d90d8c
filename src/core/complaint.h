/* Why a request is refused before any call, as the caller will read it. */
#pragma once

#include "base/attr.h"

struct weir_complaint {
	unsigned status;
	const char *type, *code; /* code NULL: null */
	char param[64];          /* "": null */
	char message[320];
};

/* Fills it in as something that the caller has to change (400). Always WEIR_ECONFIG. */
WEIR_PRINTF(4, 5)
int weir_complain(struct weir_complaint *complaint, const char *param, const char *code,
		  const char *format, ...);
