#pragma once

#include "base/attr.h"

/* Codes beside libuv's UV_E*; all negative. */
enum weir_error_code {
	WEIR_ENOMEM = -9001,  /* out of memory */
	WEIR_ELIMIT = -9002,  /* a named bound would be exceeded */
	WEIR_ECONFIG = -9003, /* the configuration is wrong: text says where and what to write */
	WEIR_ETLS = -9004,    /* certificates, CA files, handshake set-up */
	WEIR_EBIND = -9005,   /* a listener could not be opened */
};

/* A failure a person has to understand: configuration, start-up, certificates.
 * Failures of a provider are not errors but outcomes: see policy/outcome.h. */
struct weir_error {
	int code;
	char text[320];
};

/* Returns code, so that reporting and returning are one line. err may be NULL. */
WEIR_PRINTF(3, 4) int weir_fail(struct weir_error *err, int code, const char *format, ...);
