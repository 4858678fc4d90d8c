/* Who may ask: the caller's key against the configured ones. */
#pragma once

#include <stdbool.h>

#include "config/config.h"
#include "wire/http_read.h"

/* True when no keys are configured. Takes the same time for every wrong key of a length. */
bool weir_access_allowed(const struct weir_config *config, const struct weir_http_head *head);
/* The same with the admin_key. */
bool weir_access_admin(const struct weir_config *config, const struct weir_http_head *head);
/* Has a web page of another origin sent it? By what only browsers say of themselves
 * (Sec-Fetch-Site, else Origin): other callers send neither. */
bool weir_access_cross_site(const struct weir_http_head *head);
