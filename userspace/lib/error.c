// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last error as one sentence, one per thread, so that the library can stay
 * silent and the program decides where the sentence goes. Pure.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/nl.h"

static __thread char error_text[512];

/**
 * nl_fail() - Note what went wrong
 * @err: a positive errno
 * @fmt: the sentence for a person, without a newline
 *
 * Return: -@err, so that a caller can write "return nl_fail(...)".
 */
int nl_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error_text, sizeof(error_text), fmt, ap);
	va_end(ap);
	return -err;
}

/**
 * nl_error() - The sentence of this thread's last failure
 *
 * Return: never NULL; empty before the first failure.
 */
const char *nl_error(void)
{
	return error_text;
}
