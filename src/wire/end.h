/* How the bytes of an exchange with a peer come to their end, whatever carried them. */
#pragma once

enum weir_end {
	WEIR_END_WHOLE,     /* the peer has said all it had to say */
	WEIR_END_CUT,       /* the rest will not come */
	WEIR_END_MALFORMED, /* it broke the protocol */
	WEIR_END_REFUSED,   /* it did nothing with the request, and never will */
	WEIR_END_STALE,     /* the same, since the connection was dead before */
	WEIR_END_STARVED    /* out of memory here */
};
