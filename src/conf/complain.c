/* SPDX-License-Identifier: MIT */
#include "conf/complain.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	PROBLEM_BYTES = 512, /* the rest of a longer one is cut off */
};

__attribute__((format(printf, 5, 0))) static void add(struct diags *diags,
	enum diag_severity severity, const struct place *place,
	const char *remedy, const char *format, va_list args)
{
	char problem[PROBLEM_BYTES];

	(void)vsnprintf(problem, sizeof(problem), format, args);
	diags_add(diags, &(struct diag){.severity = severity,
				 .file = place->file,
				 .line = place->line,
				 .service = place->service,
				 .problem = problem,
				 .remedy = remedy});
}

void complain(struct diags *diags, const struct place *place,
	const char *remedy, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(diags, DIAG_ERROR, place, remedy, format, args);
	va_end(args);
}

void warn(struct diags *diags, const struct place *place, const char *remedy,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add(diags, DIAG_WARNING, place, remedy, format, args);
	va_end(args);
}
