/* A broken promise between parts of this program: never compiled out, because a
 * proxy that goes on with wrong state answers the wrong caller. */
#pragma once

#define WEIR_ASSERT(condition) \
	((condition) ? (void)0 : weir_assert_failed(#condition, __FILE__, __LINE__))

__attribute__((noreturn, cold)) void weir_assert_failed(const char *condition, const char *file,
							int line);
