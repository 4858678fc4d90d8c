#include "core/complaint.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"

int weir_complain(struct weir_complaint *c, const char *param, const char *code, const char *format,
		  ...)
{
	va_list ap;

	c->status = 400;
	c->type = "invalid_request_error";
	c->code = code;
	snprintf(c->param, sizeof c->param, "%s", param);
	va_start(ap, format);
	vsnprintf(c->message, sizeof c->message, format, ap);
	va_end(ap);
	return WEIR_ECONFIG;
}
