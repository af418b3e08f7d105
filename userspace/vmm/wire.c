// SPDX-License-Identifier: GPL-2.0-only
/* Whole messages over a stream socket. */
#include <errno.h>
#include <sys/socket.h>

#include "lib/types.h"
#include "vmm/wire.h"

/** wire_get() - receive @len bytes; false when the other end is gone */
bool wire_get(int fd, void *to, size_t len)
{
	u8 *at = to;
	ssize_t n;

	while (len) {
		n = recv(fd, at, len, MSG_WAITALL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= n;
	}
	return true;
}

/** wire_put() - send @len bytes; false when the other end is gone */
bool wire_put(int fd, const void *from, size_t len)
{
	const u8 *at = from;
	ssize_t n;

	while (len) {
		n = send(fd, at, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= n;
	}
	return true;
}
