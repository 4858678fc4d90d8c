/* The certificates of the listeners, looked at before anybody is shown them. */
#pragma once

#include "config/config.h"

enum { WEIR_IDENTITY_SOON_DAYS = 14 };

/* An error finding for each that cannot be used, a warning for each that expires within so many
 * days. */
void weir_identity_check(const struct weir_config *config, struct weir_findings *findings);
