// SPDX-License-Identifier: GPL-2.0-only
/* KVM_CAP_SYNC_REGS: registers in kvm_run, out when asked for, in when dirty. */
#include <sys/ioctl.h>

#include "api.h"

#define ALL	KVM_SYNC_X86_VALID_FIELDS

static struct machine m;
static struct kvm_run *run;
static int cpu;

static void test_out(void)
{
	struct kvm_vcpu_events events;
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	is(call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS), ALL, "the sets");
	CODE(&m, 0, 0xb0, 0x42, 0xf4);	/* mov $0x42,%al; hlt */
	run->kvm_valid_regs = ALL;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	must(cpu, KVM_GET_SREGS, &sregs, "GET_SREGS");
	must(cpu, KVM_GET_VCPU_EVENTS, &events, "GET_VCPU_EVENTS");
	tap_ok(!memcmp(&regs, &run->s.regs.regs, sizeof(regs)), "what GET_REGS says");
	tap_ok(!memcmp(&sregs, &run->s.regs.sregs, sizeof(sregs)), "what GET_SREGS says");
	tap_ok(!memcmp(&events, &run->s.regs.events, sizeof(events)), "what GET_VCPU_EVENTS says");
	is((uint8_t)run->s.regs.regs.rax, 0x42, "AL");
	run->kvm_valid_regs = 0;
	CODE(&m, 0, 0xb0, 0x43, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN without asking");
	is((uint8_t)run->s.regs.regs.rax, 0x42, "leaves the page alone");
}

static void test_in(void)
{
	struct kvm_regs regs;

	CODE(&m, 0, 0xf4, 0x88, 0xc3, 0xf4);	/* hlt; mov %al,%bl; hlt */
	run->kvm_valid_regs = ALL;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	run->s.regs.regs.rax = 0x55;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN with a change that is not dirty");
	tap_ok((uint8_t)run->s.regs.regs.rbx != 0x55, "does not matter");
	CODE(&m, 0, 0xf4, 0x88, 0xc3, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN");
	run->s.regs.regs.rax = 0x66;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	is(call(cpu, KVM_RUN, NULL), 0, "RUN with one that is");
	is(run->kvm_dirty_regs, 0, "taken");
	must(cpu, KVM_GET_REGS, &regs, "GET_REGS");
	is((uint8_t)regs.rbx, 0x66, "the guest has it");
}

static void test_refusals(void)
{
	run->kvm_valid_regs = ALL + 1;
	is(call(cpu, KVM_RUN, NULL), -EINVAL, "an unknown set to get");
	run->kvm_valid_regs = 0;
	run->kvm_dirty_regs = 1ull << 40;
	is(call(cpu, KVM_RUN, NULL), -EINVAL, "an unknown set to put");
	run->kvm_valid_regs = 0;
	run->kvm_dirty_regs = KVM_SYNC_X86_SREGS;
	run->s.regs.sregs.cr0 = 0x80000000;
	is(call(cpu, KVM_RUN, NULL), -EINVAL, "what SET_SREGS refuses");
	run->kvm_dirty_regs = 0;
	CODE(&m, 0, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "RUN after all of these");
	is(run->exit_reason, KVM_EXIT_HLT, "to HLT");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, 0, 1);
	cpu = m.cpu[0];
	run = m.run[0];
	test_out();
	test_in();
	test_refusals();
	api_destroy(&m);
	return tap_done();
}
