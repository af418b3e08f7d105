/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The Test Anything Protocol in one header: one line a check, a plan at the
 * end, and an exit status a script can use: 0 all passed, 1 some failed,
 * 4 everything skipped.
 */
#ifndef NST_TAP_H
#define NST_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#define TAP_EXIT_PASS	0
#define TAP_EXIT_FAIL	1
#define TAP_EXIT_SKIP	4

static unsigned int tap_run, tap_bad;

/* One check. The text is a printf format. Returns @good. */
__attribute__((__format__(__printf__, 2, 3)))
static inline bool tap_ok(bool good, const char *fmt, ...)
{
	va_list ap;

	tap_run++;
	tap_bad += !good;
	printf("%s %u - ", good ? "ok" : "not ok", tap_run);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return good;
}

/* A line that explains the check before it. */
__attribute__((__format__(__printf__, 1, 2)))
static inline void tap_note(const char *fmt, ...)
{
	va_list ap;

	fputs("# ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

/* The whole program cannot run here. Returns the exit status. */
static inline int tap_skip_all(const char *why)
{
	printf("1..0 # SKIP %s\n", why);
	return TAP_EXIT_SKIP;
}

/* Ends the run. Returns the exit status; no check at all is a failure. */
static inline int tap_done(void)
{
	printf("1..%u\n", tap_run);
	if (tap_bad)
		printf("# %u of %u failed\n", tap_bad, tap_run);
	return tap_bad || !tap_run ? TAP_EXIT_FAIL : TAP_EXIT_PASS;
}

#endif /* NST_TAP_H */
