// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestor-nbd: one disk of a guest, over NBD. An image that is not raw is served
 * by a qemu-nbd, which libnbd starts and ends for us; an address by whoever is
 * there. It takes the launcher's requests from a socket and ends when that ends.
 * A program of its own, since image formats and servers are parsed here and
 * below: if it falls, the guest sees a broken disk and nothing else.
 *
 * usage: nestor-nbd FD ro|rw FORMAT FILE | nestor-nbd FD ro|rw uri ADDRESS
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libnbd.h>

#include "vmm/remote.h"
#include "vmm/wire.h"

#define SERVER	"qemu-nbd"

static u8 piece[REMOTE_PIECE];

static bool in_path(const char *program)
{
	char *path = strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	char *rest = path, *dir, name[4096];
	bool found = false;

	while (!found && rest) {
		dir = strsep(&rest, ":");
		snprintf(name, sizeof(name), "%s/%s", dir, program);
		found = !access(name, X_OK);
	}
	free(path);
	return found;
}

/* Why it failed in @text, NULL when it did not. */
static const char *connect_to(struct nbd_handle *nbd, const char *mode, const char *format,
			      const char *name)
{
	char *server[] = { SERVER, "--format", (char *)format, (char *)name, NULL, NULL };

	if (!strcmp(format, "uri"))
		return nbd_connect_uri(nbd, name) ? nbd_get_error() : NULL;
	if (!in_path(SERVER))
		return "there is no " SERVER " (Debian: apt install qemu-utils)";
	if (access(name, strcmp(mode, "ro") ? R_OK | W_OK : R_OK))
		return strerror(errno);
	if (!strcmp(mode, "ro")) {
		server[3] = "--read-only";
		server[4] = (char *)name;
	}
	if (nbd_connect_systemd_socket_activation(nbd, server))
		return SERVER " does not serve it";
	return NULL;
}

static bool greet(struct nbd_handle *nbd, int fd, const char *why)
{
	struct remote_greeting hello = { 0 };
	int64_t bytes;

	if (!why) {
		bytes = nbd_get_size(nbd);
		hello.read_only = nbd_is_read_only(nbd) > 0;
		if (bytes > 0)
			hello.bytes = bytes;
		else
			why = bytes ? nbd_get_error() : "it is empty";
	}
	if (why)
		snprintf(hello.text, sizeof(hello.text), "%s", why);
	return wire_put(fd, &hello, sizeof(hello)) && !why;
}

static int carry_out(struct nbd_handle *nbd, const struct remote_request *r)
{
	switch (r->op) {
	case REMOTE_READ:
		return nbd_pread(nbd, piece, r->bytes, r->offset, 0);
	case REMOTE_WRITE:
		return nbd_pwrite(nbd, piece, r->bytes, r->offset, 0);
	default:
		/* A server that cannot flush has no cache. */
		return nbd_can_flush(nbd) > 0 ? nbd_flush(nbd, 0) : 0;
	}
}

/* One request; false at the end of the socket. */
static bool serve(struct nbd_handle *nbd, int fd)
{
	struct remote_answer answer = { 0 };
	struct remote_request r;

	if (!wire_get(fd, &r, sizeof(r)) || r.bytes > sizeof(piece))
		return false;
	if (r.op == REMOTE_WRITE && !wire_get(fd, piece, r.bytes))
		return false;
	if (carry_out(nbd, &r)) {
		fprintf(stderr, "nestor-nbd: %s\n", nbd_get_error());
		answer.error = EIO;
	}
	if (!wire_put(fd, &answer, sizeof(answer)))
		return false;
	return r.op != REMOTE_READ || answer.error || wire_put(fd, piece, r.bytes);
}

int main(int argc, char **argv)
{
	struct nbd_handle *nbd;
	int fd;

	if (argc != 5) {
		fputs("nestor-nbd is started by nestor\n", stderr);
		return 2;
	}
	fd = atoi(argv[1]);
	nbd = nbd_create();
	if (!nbd || nbd_set_uri_allow_local_file(nbd, true))
		return 1;
	if (!greet(nbd, fd, connect_to(nbd, argv[2], argv[3], argv[4])))
		return 1;
	while (serve(nbd, fd))
		;
	nbd_shutdown(nbd, 0);
	nbd_close(nbd);
	return 0;
}
