// SPDX-License-Identifier: GPL-2.0-only
/*
 * One virtual CPU: its registers and its run loop's single step.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/nl.h"

/**
 * nl_vcpu_create() - Make a vCPU and map its shared page
 * @vcpu: filled in
 * @vm: a VM
 * @id: its number, also its APIC ID
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vcpu_create(struct nl_vcpu *vcpu, const struct nl_vm *vm, u32 id)
{
	void *run;
	int err;

	vcpu->id = id;
	vcpu->run = NULL;
	vcpu->run_size = vm->dev->run_size;
	vcpu->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu->fd < 0)
		return nl_fail(errno, "cannot create vCPU %u: %s", id, strerror(errno));

	run = mmap(NULL, vcpu->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED) {
		err = errno;
		nl_vcpu_close(vcpu);
		return nl_fail(err, "cannot map the shared page of vCPU %u: %s", id, strerror(err));
	}
	vcpu->run = run;
	return 0;
}

/**
 * nl_vcpu_close() - Unmap and close a vCPU that no thread runs
 * @vcpu: may be closed already
 */
void nl_vcpu_close(struct nl_vcpu *vcpu)
{
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->run = NULL;
	vcpu->fd = -1;
}

static int vcpu_ioctl(const struct nl_vcpu *vcpu, unsigned long request, const void *arg,
		      const char *what)
{
	int ret = ioctl(vcpu->fd, request, arg);

	if (ret < 0)
		return nl_fail(errno, "vCPU %u: cannot %s: %s", vcpu->id, what, strerror(errno));
	return ret;
}

/**
 * nl_vcpu_set_cpuid() - Say what the guest's CPUID answers
 * @vcpu: a vCPU that has not run yet
 * @cpuid: all leaves
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vcpu_set_cpuid(const struct nl_vcpu *vcpu, const struct nl_cpuid *cpuid)
{
	return vcpu_ioctl(vcpu, KVM_SET_CPUID2, cpuid, "set the CPUID leaves");
}

/**
 * nl_vcpu_get_regs() - Read the general registers
 * @vcpu: a vCPU that is not running, or our own thread's
 * @regs: filled in
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vcpu_get_regs(const struct nl_vcpu *vcpu, struct kvm_regs *regs)
{
	return vcpu_ioctl(vcpu, KVM_GET_REGS, regs, "read the registers");
}

/**
 * nl_vcpu_set_regs() - Write the general registers
 * @vcpu: a vCPU that is not running
 * @regs: all of them
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vcpu_set_regs(const struct nl_vcpu *vcpu, const struct kvm_regs *regs)
{
	return vcpu_ioctl(vcpu, KVM_SET_REGS, regs, "write the registers");
}

/**
 * nl_vcpu_get_sregs() - Read segments, tables and control registers
 * @vcpu: a vCPU that is not running, or our own thread's
 * @sregs: filled in
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vcpu_get_sregs(const struct nl_vcpu *vcpu, struct kvm_sregs *sregs)
{
	return vcpu_ioctl(vcpu, KVM_GET_SREGS, sregs, "read the system registers");
}

/**
 * nl_vcpu_set_sregs() - Write segments, tables and control registers
 * @vcpu: a vCPU that is not running
 * @sregs: all of them
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int nl_vcpu_set_sregs(const struct nl_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	return vcpu_ioctl(vcpu, KVM_SET_SREGS, sregs, "write the system registers");
}

/**
 * nl_vcpu_set_msr() - Write one MSR
 * @vcpu: a vCPU that is not running
 * @index: which
 * @value: what
 *
 * Return: 0 or a negative errno with nl_error() set; -ENXIO when this MSR is
 * not known or the value is refused.
 */
int nl_vcpu_set_msr(const struct nl_vcpu *vcpu, u32 index, u64 value)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msrs = {
		.head.nmsrs = 1,
		.entry = { .index = index, .data = value },
	};
	int done = vcpu_ioctl(vcpu, KVM_SET_MSRS, &msrs, "write an MSR");

	if (done < 0)
		return done;
	if (done != 1)
		return nl_fail(ENXIO, "vCPU %u: MSR 0x%x does not take the value 0x%llx", vcpu->id,
			       index, (unsigned long long)value);
	return 0;
}

/**
 * nl_vcpu_run() - Enter the guest until it needs us or a signal comes
 * @vcpu: a vCPU of the calling thread
 *
 * Return: 0 with the reason in run->exit_reason, -EINTR or -EAGAIN when there
 * is nothing to do but to look for a stop request and call again, or another
 * negative errno with nl_error() set.
 */
int nl_vcpu_run(const struct nl_vcpu *vcpu)
{
	if (ioctl(vcpu->fd, KVM_RUN, 0ul) >= 0)
		return 0;
	if (errno == EINTR || errno == EAGAIN)
		return -errno;
	return nl_fail(errno, "vCPU %u: cannot run: %s", vcpu->id, strerror(errno));
}
