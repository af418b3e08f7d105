// SPDX-License-Identifier: GPL-2.0-only
/* A disk that nestor-nbd holds: the launcher's side. */
#include <errno.h>
#include <sys/socket.h>

#include "lib/nl.h"
#include "vmm/remote.h"
#include "vmm/wire.h"

#define PROGRAM	"nestor-nbd"

/**
 * remote_open() - start a helper for a disk
 * @helper: filled in
 * @path: an image or an NBD address
 * @format: the image's format, or "uri"
 * @read_only: nobody will write
 * @bytes: filled: the disk's size
 *
 * Return: 0 or a negative errno with nl_error() set; helper_stop() then too.
 */
int remote_open(struct helper *helper, const char *path, const char *format, bool read_only,
		u64 *bytes)
{
	const char *const args[HELPER_ARGS] = { read_only ? "ro" : "rw", format, path };
	struct remote_greeting hello;
	int ret = helper_start(helper, PROGRAM, SOCK_STREAM, args);

	if (ret)
		return ret;
	if (!wire_get(helper->fd, &hello, sizeof(hello)))
		return nl_fail(EIO, "--disk %s: %s does not answer", path, PROGRAM);
	hello.text[sizeof(hello.text) - 1] = '\0';
	if (!hello.bytes)
		return nl_fail(EIO, "--disk %s: %s", path, hello.text);
	if (hello.read_only && !read_only)
		return nl_fail(EROFS, "--disk %s: it cannot be written, say ',ro'", path);
	*bytes = hello.bytes;
	return 0;
}

static bool ask(const struct helper *helper, u32 op, void *data, u32 bytes, u64 offset)
{
	const struct remote_request request = { .op = op, .bytes = bytes, .offset = offset };
	struct remote_answer answer;

	if (!wire_put(helper->fd, &request, sizeof(request)) ||
	    (op == REMOTE_WRITE && !wire_put(helper->fd, data, bytes)) ||
	    !wire_get(helper->fd, &answer, sizeof(answer)) || answer.error)
		return false;
	return op != REMOTE_READ || wire_get(helper->fd, data, bytes);
}

/**
 * remote_move() - read or write
 * @helper: of the disk
 * @iov: buffers
 * @nr: how many
 * @offset: where on the disk
 * @write: to it
 *
 * Return: false when not all of it was moved.
 */
bool remote_move(const struct helper *helper, const struct iovec *iov, unsigned int nr,
		 u64 offset, bool write)
{
	unsigned int i;
	size_t at, piece;

	for (i = 0; i < nr; i++) {
		for (at = 0; at < iov[i].iov_len; at += piece, offset += piece) {
			piece = iov[i].iov_len - at;
			if (piece > REMOTE_PIECE)
				piece = REMOTE_PIECE;
			if (!ask(helper, write ? REMOTE_WRITE : REMOTE_READ,
				 (u8 *)iov[i].iov_base + at, piece, offset))
				return false;
		}
	}
	return true;
}

/** remote_flush() - what was written lasts; false when that is not sure */
bool remote_flush(const struct helper *helper)
{
	return ask(helper, REMOTE_FLUSH, NULL, 0, 0);
}
