/* Who may ask: the caller's key against the configured ones. */
#pragma once

#include <stdbool.h>

#include "config/config.h"
#include "wire/http_read.h"

/* The caller whose key it brings; NULL: nobody's, or one that has expired. unix_s: the time. Looks
 * at every key by its hash, and takes the same time whatever is given of a length. */
const struct weir_caller *weir_access_find(const struct weir_config *config,
					   const struct weir_http_head *head, uint64_t unix_s);
/* Is it the admin_key, where there is one? */
bool weir_access_admin(const struct weir_config *config, const struct weir_http_head *head);
/* Has a web page of another origin sent it? By what only browsers say of themselves
 * (Sec-Fetch-Site, else Origin): other callers send neither. */
bool weir_access_cross_site(const struct weir_http_head *head);
