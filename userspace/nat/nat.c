// SPDX-License-Identifier: GPL-2.0-only
/*
 * nestor-nat: user-mode NAT for one guest, around libslirp. It speaks Ethernet
 * frames on a socket that the launcher hands over, and ends when that ends. A
 * program of its own, since it parses what both a guest and the network say:
 * if it falls, the guest loses its network and nothing else.
 *
 * usage: nestor-nat FD [hostfwd=tcp|udp:HOSTPORT:GUESTPORT[,...]]
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <slirp/libslirp.h>

#define FRAME_MAX	65536
#define POLL_MAX	1024
#define NS_PER_S	1000000000ll
#define NS_PER_MS	1000000ll

struct timer {
	SlirpTimerCb call;
	void *opaque;
	int64_t expires_ms;	/* 0: not running */
	struct timer *next;
};

struct nat {
	Slirp *slirp;
	int fd;
	struct timer *timers;
	struct pollfd fds[POLL_MAX];	/* the first is the guest's socket */
	unsigned int nr_fds;
};

static ssize_t send_packet(const void *frame, size_t len, void *opaque)
{
	const struct nat *nat = opaque;

	/* A guest that does not read loses frames; TCP sends them again. */
	return send(nat->fd, frame, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void guest_error(const char *msg, void *opaque)
{
	(void)opaque;
	fprintf(stderr, "nestor-nat: %s\n", msg);
}

static int64_t clock_ns(void *opaque)
{
	struct timespec now;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void *timer_new(SlirpTimerCb call, void *call_opaque, void *opaque)
{
	struct nat *nat = opaque;
	struct timer *timer = calloc(1, sizeof(*timer));

	if (!timer)
		abort();
	timer->call = call;
	timer->opaque = call_opaque;
	timer->next = nat->timers;
	nat->timers = timer;
	return timer;
}

static void timer_free(void *which, void *opaque)
{
	struct nat *nat = opaque;
	struct timer **at = &nat->timers;

	while (*at && *at != which)
		at = &(*at)->next;
	if (*at)
		*at = (*at)->next;
	free(which);
}

static void timer_mod(void *which, int64_t expires_ms, void *opaque)
{
	struct timer *timer = which;

	(void)opaque;
	timer->expires_ms = expires_ms;
}

/* All file descriptors are asked for anew in each round. */
static void poll_fd_changed(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = poll_fd_changed,
	.unregister_poll_fd = poll_fd_changed,
	.notify = notify,
};

/* The same bits under slirp's and poll()'s names. */
static const struct {
	int slirp;
	short poll;
} bits[] = {
	{ SLIRP_POLL_IN, POLLIN }, { SLIRP_POLL_OUT, POLLOUT }, { SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR }, { SLIRP_POLL_HUP, POLLHUP },
};

#define NR_BITS	(sizeof(bits) / sizeof(bits[0]))

static int add_poll(int fd, int events, void *opaque)
{
	struct nat *nat = opaque;
	struct pollfd *at = &nat->fds[nat->nr_fds];
	unsigned int i;

	if (nat->nr_fds == POLL_MAX)
		return -1;
	*at = (struct pollfd){ .fd = fd };
	for (i = 0; i < NR_BITS; i++)
		at->events |= events & bits[i].slirp ? bits[i].poll : 0;
	return nat->nr_fds++;
}

static int get_revents(int index, void *opaque)
{
	const struct nat *nat = opaque;
	unsigned int i;
	int events = 0;

	for (i = 0; index >= 0 && i < NR_BITS; i++)
		events |= nat->fds[index].revents & bits[i].poll ? bits[i].slirp : 0;
	return events;
}

/* Milliseconds until the next timer, at most @most. */
static int patience(const struct nat *nat, uint32_t most)
{
	int64_t now = clock_ns(NULL) / NS_PER_MS;
	int64_t least = most;
	struct timer *timer;

	for (timer = nat->timers; timer; timer = timer->next) {
		if (timer->expires_ms && timer->expires_ms - now < least)
			least = timer->expires_ms - now;
	}
	return least > 0 ? (int)least : 0;
}

static void run_timers(struct nat *nat)
{
	int64_t now = clock_ns(NULL) / NS_PER_MS;
	struct timer *timer, *next;

	for (timer = nat->timers; timer; timer = next) {
		next = timer->next;
		if (!timer->expires_ms || timer->expires_ms > now)
			continue;
		timer->expires_ms = 0;
		timer->call(timer->opaque);
	}
}

/* Frames of the guest; false when the launcher is gone. */
static bool take_frames(const struct nat *nat)
{
	static uint8_t frame[FRAME_MAX];
	ssize_t len;

	while ((len = recv(nat->fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		slirp_input(nat->slirp, frame, (int)len);
	return len < 0 && (errno == EAGAIN || errno == EINTR);
}

static void serve(struct nat *nat)
{
	uint32_t timeout;
	int ready;

	do {
		timeout = 1000;
		nat->fds[0] = (struct pollfd){ .fd = nat->fd, .events = POLLIN };
		nat->nr_fds = 1;
		slirp_pollfds_fill(nat->slirp, &timeout, add_poll, nat);
		ready = poll(nat->fds, nat->nr_fds, patience(nat, timeout));
		slirp_pollfds_poll(nat->slirp, ready < 0, get_revents, nat);
		run_timers(nat);
	} while (take_frames(nat));
}

static struct in_addr address(const char *text)
{
	struct in_addr addr = { 0 };

	inet_aton(text, &addr);
	return addr;
}

static bool forward(Slirp *slirp, const char *rule)
{
	unsigned int host, guest;
	char protocol[4], end;

	if (sscanf(rule, "hostfwd=%3[a-z]:%u:%u%c", protocol, &host, &guest, &end) != 3 ||
	    (strcmp(protocol, "tcp") && strcmp(protocol, "udp")) || host > 65535 ||
	    guest > 65535) {
		fprintf(stderr, "nestor-nat: '%s' is not hostfwd=tcp|udp:HOSTPORT:GUESTPORT\n",
			rule);
		return false;
	}
	if (slirp_add_hostfwd(slirp, !strcmp(protocol, "udp"), address("127.0.0.1"), host,
			      address("10.0.2.15"), guest)) {
		fprintf(stderr, "nestor-nat: port %u of the host cannot be had\n", host);
		return false;
	}
	return true;
}

static Slirp *create(struct nat *nat)
{
	const SlirpConfig config = {
		.version = 1,
		.in_enabled = true,
		.vnetwork = address("10.0.2.0"),
		.vnetmask = address("255.255.255.0"),
		.vhost = address("10.0.2.2"),
		.vdhcp_start = address("10.0.2.15"),
		.vnameserver = address("10.0.2.3"),
		.vhostname = "nestor",
	};

	return slirp_new(&config, &callbacks, nat);
}

int main(int argc, char **argv)
{
	static struct nat nat;
	char *rule, *rest;

	if (argc != 3) {
		fprintf(stderr, "usage: nestor-nat FD OPTIONS (by nestor run --net user)\n");
		return 2;
	}
	/* Ctrl-C at the terminal is for the guest. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	nat.fd = atoi(argv[1]);
	nat.slirp = create(&nat);
	if (!nat.slirp)
		return 1;
	for (rule = strtok_r(argv[2], ",", &rest); rule; rule = strtok_r(NULL, ",", &rest)) {
		if (!forward(nat.slirp, rule))
			return 2;
	}
	serve(&nat);
	slirp_cleanup(nat.slirp);
	return 0;
}
