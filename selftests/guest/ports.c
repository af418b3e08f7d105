// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every I/O port can be poked: the access reaches userspace or a device of the
 * kernel, and the guest goes on. SDM1 "Input/Output".
 */
#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM1 \"Input/Output\""
#define OURS(port)	((port) >= PORT_CALL && (port) < PORT_DONE + 4)

static void poke(void)
{
	u32 port;

	/* Four ports at a time: each access is an exit to userspace. */
	for (port = 0; port < 0x10000; port += 4) {
		if (OURS(port))
			continue;
		inl(port);
		outl(port, ~0u);
	}
	check(true, "every port, read and written");
}

GUEST_CASE(without_devices, SECTION)
{
	poke();
}

GUEST_CASE(with_devices, SECTION, .flags = CASE_IRQCHIP | CASE_PIT)
{
	u32 port;

	/* In-kernel devices are all below; wider accesses overlap two of them. */
	for (port = 0; port < 0x600; port++) {
		if (OURS(port) || OURS(port + 3))
			continue;
		outl(port, inl(port));
		outw(port, inw(port));
		outb(port, 0);
	}
	check(true, "every port of a device, in three widths");
}

GUEST_CASE(end_of_the_space, SECTION)
{
	inl(0xffff);
	inw(0xffff);
	outl(0xfffe, 1);
	check(true, "accesses over the last port");
}

#else /* host half */
#include <string.h>

#include "guest_test.h"

static unsigned int exits;

static bool any_port(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_IO)
		return false;
	exits++;
	if (run->io.direction == KVM_EXIT_IO_IN)
		memset(vcpu_io_data(vcpu), 0xff, run->io.size * run->io.count);
	return true;
}

static void count_exits(struct vm *vm)
{
	host_check(vm, exits >= 2 * 0x4000 - 6, "each is an exit without devices (%u)", exits);
}

const struct host_hook host_hooks[] = {
	{ .name = "without_devices", .exit = any_port, .after = count_exits },
	{ .name = HOOK_ANY, .exit = any_port },
	{ 0 }
};
#endif /* GUEST */
