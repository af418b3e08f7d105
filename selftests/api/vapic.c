// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_TPR_ACCESS_REPORTING and KVM_SET_VAPIC_ADDR: a guest's accesses to the TPR
 * in the APIC page are told, and the priorities stand in guest memory.
 */
#include <unistd.h>

#include "api.h"

#define APIC_TPR	0x80u
#define APIC_SPIV	0xf0u
#define SPIV_ENABLED	0x1ffu
#define VECTOR		0x61u
#define PAGE_AT		0x2000u		/* of the copy: TPR, ISR, 0, IRR */
#define COPY_IRR	3
#define READ_AT		(API_CODE + 0)
#define WRITE_AT	(API_CODE + 5)
#define CODE_TPR	0x40u

static struct machine m;
static struct kvm_run *run;
static int cpu;

/* 32-bit code and data segments over all memory, no paging. */
static void flat_mode(void)
{
	struct kvm_segment code = {
		.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1,
		.db = 1, .g = 1,
	};
	struct kvm_segment data = code;
	struct kvm_sregs sregs;
	struct kvm_regs regs = { .rip = API_CODE, .rflags = 2 };

	data.type = 3;
	data.selector = 16;
	must(cpu, KVM_GET_SREGS, &sregs, "GET_SREGS");
	sregs.cr0 |= 1;
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.ss = data;
	sregs.fs = data;
	sregs.gs = data;
	must(cpu, KVM_SET_SREGS, &sregs, "SET_SREGS");
	must(cpu, KVM_SET_REGS, &regs, "SET_REGS");
}

static uint32_t apic(unsigned int offset)
{
	struct kvm_lapic_state s;
	uint32_t val;

	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	memcpy(&val, s.regs + offset, sizeof(val));
	return val;
}

static void set_apic(unsigned int offset, uint32_t val)
{
	struct kvm_lapic_state s;

	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	memcpy(s.regs + offset, &val, sizeof(val));
	must(cpu, KVM_SET_LAPIC, &s, "SET_LAPIC");
}

static long report(uint32_t enabled, uint32_t flags)
{
	struct kvm_tpr_access_ctl ctl = { .enabled = enabled, .flags = flags };

	return call(cpu, KVM_TPR_ACCESS_REPORTING, &ctl);
}

static long copy_at(int fd, uint64_t gpa)
{
	struct kvm_vapic_addr addr = { .vapic_addr = gpa };

	return call(fd, KVM_SET_VAPIC_ADDR, &addr);
}

static void test_errors(void)
{
	struct machine bare;

	api_create(&bare, 0, 1);
	is(copy_at(bare.cpu[0], 0), -EINVAL, "no local APIC in the kernel");
	api_destroy(&bare);
	is(report(1, 1), -EINVAL, "flags");
	is(call(cpu, KVM_TPR_ACCESS_REPORTING, BAD_POINTER), -EFAULT, "a bad pointer");
	is(copy_at(cpu, API_DEVICE), -EINVAL, "no memory at the address");
	is(call(cpu, KVM_SET_VAPIC_ADDR, BAD_POINTER), -EFAULT, "a bad pointer");
	is(copy_at(cpu, 0), 0, "no copy");
}

static void told(uint64_t rip, bool write)
{
	is(call_value(cpu, KVM_RUN, 0), 0, "RUN");
	is(run->exit_reason, KVM_EXIT_TPR_ACCESS, "TPR_ACCESS");
	is(run->tpr_access.rip, rip, "RIP is that of the instruction");
	is(run->tpr_access.is_write, write, "direction");
}

static void to_the_port(void)
{
	is(call_value(cpu, KVM_RUN, 0), 0, "RUN");
	is(run->exit_reason, KVM_EXIT_IO, "the guest is at its port");
}

static void test_reports(void)
{
	/* mov 0xfee00080,%eax; movl $0x40,0xfee00080; mov %eax,0xfee000b0; out %al,$0x80 */
	CODE(&m, 0, 0xa1, 0x80, 0, 0xe0, 0xfe,
	     0xc7, 0x05, 0x80, 0, 0xe0, 0xfe, CODE_TPR, 0, 0, 0,
	     0xa3, 0xb0, 0, 0xe0, 0xfe, 0xe6, 0x80);
	flat_mode();
	is(report(1, 0), 0, "reports on");
	told(READ_AT, false);
	told(WRITE_AT, true);
	is(apic(APIC_TPR), CODE_TPR, "the write was carried out");
	to_the_port();
	is(report(0, 0), 0, "reports off");
	flat_mode();
	to_the_port();
}

static void test_copy(void)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = VECTOR };

	/* mov 0x2000,%al; movb $0x70,0x2000; out %al,$0x80; out %al,$0x80 */
	CODE(&m, 0, 0xa0, 0, 0x20, 0, 0, 0xc6, 0x05, 0, 0x20, 0, 0, 0x70,
	     0xe6, 0x80, 0xe6, 0x80);
	flat_mode();
	set_apic(APIC_SPIV, SPIV_ENABLED);
	is(copy_at(cpu, PAGE_AT), 0, "a copy in memory");
	to_the_port();
	is(((uint8_t *)run)[run->io.data_offset], CODE_TPR, "the guest reads its TPR there");
	is(apic(APIC_TPR), 0x70, "and its write is the TPR");
	is(call(m.fd, KVM_SIGNAL_MSI, &msi), 1, "an interrupt that the TPR masks");
	to_the_port();
	is(m.mem[PAGE_AT + COPY_IRR], VECTOR, "the copy shows it as requested");
	is(m.mem[PAGE_AT + 1], 0, "and nothing in service");
	is(copy_at(cpu, 0), 0, "no copy any more");
	set_apic(APIC_TPR, CODE_TPR);
	flat_mode();
	to_the_port();
	is(apic(APIC_TPR), CODE_TPR, "what the guest writes there means nothing");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	is(call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_VAPIC), 1, "KVM_CAP_VAPIC");
	api_create(&m, API_IRQCHIP, 1);
	cpu = m.cpu[0];
	run = m.run[0];
	test_errors();
	test_reports();
	test_copy();
	api_destroy(&m);
	return tap_done();
}
