/* SPDX-License-Identifier: GPL-2.0-only */
/* A stream socket as a wire between two programs of ours: all of it, or false. */
#ifndef VMM_WIRE_H
#define VMM_WIRE_H

#include <stdbool.h>
#include <stddef.h>

bool wire_get(int fd, void *to, size_t len);
bool wire_put(int fd, const void *from, size_t len);

#endif
