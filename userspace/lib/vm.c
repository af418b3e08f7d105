// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VM: its memory slots and its in-kernel interrupt controllers.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/nl.h"

/**
 * nl_vm_create() - Make an empty VM
 * @vm: filled in
 * @dev: an open device; must live as long as @vm
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_create(struct nl_vm *vm, const struct nl_dev *dev)
{
	vm->dev = dev;
	vm->next_slot = 0;
	do {
		vm->fd = ioctl(dev->fd, KVM_CREATE_VM, 0ul);
	} while (vm->fd < 0 && errno == EINTR);
	if (vm->fd < 0)
		return nl_fail(errno, "%s: cannot create a VM: %s", dev->path, strerror(errno));
	return 0;
}

/**
 * nl_vm_close() - Drop our hold of the VM
 * @vm: may be closed already
 */
void nl_vm_close(struct nl_vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

/**
 * nl_vm_cap() - Ask for a capability of this VM
 * @vm: a VM
 * @cap: KVM_CAP_...
 *
 * Return: the capability's value, 0 when it is not there.
 */
int nl_vm_cap(const struct nl_vm *vm, u32 cap)
{
	int value = ioctl(vm->fd, KVM_CHECK_EXTENSION, (unsigned long)cap);

	return value > 0 ? value : 0;
}

/**
 * nl_vm_map() - Give the guest a piece of our memory
 * @vm: a VM
 * @gpa: where the guest sees it, page aligned
 * @size: bytes, a multiple of the page size
 * @host: where we see it, page aligned; must stay mapped as long as the VM
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_map(struct nl_vm *vm, u64 gpa, u64 size, void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = vm->next_slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (unsigned long)host,
	};

	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return nl_fail(errno, "cannot give the guest %llu MiB of memory at 0x%llx: %s",
			       (unsigned long long)(size / SZ_1M), (unsigned long long)gpa,
			       strerror(errno));
	vm->next_slot++;
	return 0;
}

/**
 * nl_vm_set_tss() - Name the pages that a VMX host needs for real mode
 * @vm: a VM without vCPUs
 * @tss_gpa: three pages no guest memory covers
 * @identity_gpa: one page no guest memory covers
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_set_tss(const struct nl_vm *vm, u32 tss_gpa, u64 identity_gpa)
{
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, (unsigned long)tss_gpa) < 0)
		return nl_fail(errno, "cannot place the real-mode TSS: %s", strerror(errno));
	if (!nl_vm_cap(vm, KVM_CAP_SET_IDENTITY_MAP_ADDR))
		return 0;
	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_gpa) < 0)
		return nl_fail(errno, "cannot place the identity map: %s", strerror(errno));
	return 0;
}

/**
 * nl_vm_irqchip() - Make the PICs, the IOAPIC, the local APICs and the PIT
 * @vm: a VM without vCPUs
 *
 * Port 0x61 is the kernel's too: it shows the PIT's channel 2.
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_irqchip(const struct nl_vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };

	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0ul) < 0)
		return nl_fail(errno, "cannot create the interrupt controllers: %s",
			       strerror(errno));
	if (ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
		return nl_fail(errno, "cannot create the timer (PIT): %s", strerror(errno));
	return 0;
}

/**
 * nl_vm_irq_routes() - Say which GSI reaches which controller's pin
 * @vm: a VM with interrupt controllers
 * @routes: the whole table
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_irq_routes(const struct nl_vm *vm, const struct kvm_irq_routing *routes)
{
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, routes) < 0)
		return nl_fail(errno, "cannot route the interrupts: %s", strerror(errno));
	return 0;
}

/**
 * nl_vm_irq_line() - Drive an interrupt line
 * @vm: a VM with interrupt controllers
 * @gsi: which line
 * @level: asserted or not
 *
 * May be called from any thread.
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_irq_line(const struct nl_vm *vm, u32 gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE, &line) < 0)
		return nl_fail(errno, "cannot drive interrupt line %u: %s", gsi, strerror(errno));
	return 0;
}

/**
 * nl_vm_irqfd() - Let an eventfd raise an interrupt
 * @vm: a VM with interrupt controllers
 * @gsi: where the interrupt goes, through the routing table
 * @fd: the eventfd
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_irqfd(const struct nl_vm *vm, u32 gsi, int fd)
{
	struct kvm_irqfd irqfd = { .fd = (u32)fd, .gsi = gsi };

	if (ioctl(vm->fd, KVM_IRQFD, &irqfd) < 0)
		return nl_fail(errno, "cannot tie an eventfd to interrupt %u: %s", gsi,
			       strerror(errno));
	return 0;
}

/**
 * nl_vm_ioeventfd() - Let a guest's write signal an eventfd, without an exit to us
 * @vm: a VM
 * @gpa: guest-physical address of the write
 * @len: its bytes
 * @fd: the eventfd
 * @assign: begin, else end it
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vm_ioeventfd(const struct nl_vm *vm, u64 gpa, u32 len, int fd, bool assign)
{
	struct kvm_ioeventfd event = {
		.addr = gpa, .len = len, .fd = fd,
		.flags = assign ? 0 : KVM_IOEVENTFD_FLAG_DEASSIGN,
	};

	if (ioctl(vm->fd, KVM_IOEVENTFD, &event) < 0)
		return nl_fail(errno, "cannot tie an eventfd to address 0x%llx: %s",
			       (unsigned long long)gpa, strerror(errno));
	return 0;
}
