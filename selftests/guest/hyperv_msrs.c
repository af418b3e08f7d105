// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's MSRs: who may see them, what they keep, whom they tell. TLFS "Hypervisor
 * Synthetic MSRs", "Local APIC MSR Accesses", "Guest Crash Enlightenment".
 */
#include "hyperv.h"

#ifdef GUEST
#include "apic.h"

#define MSRS	"TLFS \"Hypervisor Synthetic MSRs\""
#define VECTOR	0x61

static const u32 some[] = {
	HV_GUEST_OS_ID, HV_HYPERCALL, HV_VP_INDEX, HV_RESET, HV_VP_RUNTIME, HV_TIME, HV_TSC_PAGE,
	HV_TSC_FREQUENCY, HV_APIC_FREQUENCY, HV_ICR, HV_TPR, HV_ASSIST, HV_SCONTROL, HV_SINT(0),
	HV_SINT(15), HV_STIMER_CONFIG(0), HV_STIMER_COUNT(3), HV_CRASH_P(0), HV_CRASH_CTL,
	HV_REENLIGHTENMENT, HV_TSC_EMULATION, HV_TSC_STATUS,
};

GUEST_CASE(not_offered, MSRS, .flags = CASE_IRQCHIP)
{
	u64 value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(some); i++) {
		check(try_rdmsr(some[i], &value) == VEC_GP, "RDMSR of %x", some[i]);
		check(try_wrmsr(some[i], 0) == VEC_GP, "WRMSR of %x", some[i]);
	}
}

GUEST_CASE(hypercall_page, "TLFS \"Establishing the Hypercall Interface\"")
{
	volatile u8 *page = (void *)HV_CALL_PAGE;

	memset((void *)page, 0x5a, PAGE_SIZE);
	wrmsr(HV_HYPERCALL, HV_CALL_PAGE | HV_PAGE_ON);
	check(rdmsr(HV_HYPERCALL) == 0, "a guest without a name has no page");
	check(page[0] == 0x5a, "nothing is written then");
	wrmsr(HV_GUEST_OS_ID, HV_LINUX_ID);
	check(rdmsr(HV_GUEST_OS_ID) == HV_LINUX_ID, "the name is kept");
	wrmsr(HV_HYPERCALL, HV_CALL_PAGE | HV_PAGE_ON);
	check(rdmsr(HV_HYPERCALL) == (HV_CALL_PAGE | HV_PAGE_ON), "the page is on");
	check(page[0] == 0x0f && page[1] == 0x01 && (page[2] == 0xc1 || page[2] == 0xd9) &&
	      page[3] == 0xc3, "a call and a return are in it (%x %x %x)", page[0], page[2],
	      page[3]);
	check(hv_call(0xbeef, 0, 0) == HV_INVALID_CODE, "and it can be called");
	check(try_wrmsr(HV_HYPERCALL, GUEST_MMIO | HV_PAGE_ON) == VEC_GP, "a page without memory");
	wrmsr(HV_GUEST_OS_ID, 0);
	check(!(rdmsr(HV_HYPERCALL) & HV_PAGE_ON), "with the name the page goes");
}

static volatile u32 indices[GUEST_CPUS], told;

static void tell_index(void)
{
	indices[this_cpu()] = rdmsr(HV_VP_INDEX) + 1;
	__atomic_fetch_add(&told, 1, __ATOMIC_SEQ_CST);
}

GUEST_CASE(vp_index, MSRS, .cpus = 3, .ap = tell_index, .flags = CASE_IRQCHIP)
{
	tell_index();
	check(wait_open(told == 3, 3000000), "all have one");
	check(indices[0] == 1 && indices[1] == 2 && indices[2] == 3, "0, 1, 2");
	check(try_wrmsr(HV_VP_INDEX, 1) == VEC_GP, "only userspace sets it");
}

GUEST_CASE(read_only, MSRS, .flags = CASE_IRQCHIP)
{
	static const u32 index[] = {
		HV_VP_RUNTIME, HV_TIME, HV_TSC_FREQUENCY, HV_APIC_FREQUENCY, HV_VP_INDEX,
	};
	u64 runtime = rdmsr(HV_VP_RUNTIME), value;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(index); i++)
		check(try_wrmsr(index[i], 1) == VEC_GP, "WRMSR of %x", index[i]);
	check(try_rdmsr(HV_EOI, &value) == VEC_GP, "EOI cannot be read");
	check(try_wrmsr(HV_TSC_STATUS, 1) == VEC_GP, "emulation cannot be made to go on");
	check(rdmsr(HV_TSC_FREQUENCY) == params()->tsc_khz * 1000, "the TSC's frequency");
	check(rdmsr(HV_APIC_FREQUENCY) == 1000000000, "the APIC timer's");
	check(wait_for(rdmsr(HV_VP_RUNTIME) > runtime, 2000000), "the runtime grows");
}

GUEST_CASE(apic_registers, "TLFS \"Local APIC MSR Accesses\"", .flags = CASE_IRQCHIP)
{
	apic_enable();
	irq_eoi = false;
	wrmsr(HV_TPR, 0x40);
	check(apic_read(APIC_TPR) == 0x40 && rdmsr(HV_TPR) == 0x40, "TPR");
	wrmsr(HV_TPR, 0);
	wrmsr(HV_ICR, ICR_SELF | ICR_ASSERT | VECTOR);
	open_window();
	check(wait_for(irq_count[VECTOR] == 1, 1000000), "ICR sends an IPI");
	check((rdmsr(HV_ICR) & 0xff) == VECTOR, "and reads back");
	check(apic_bit(APIC_ISR, VECTOR), "it is in service");
	wrmsr(HV_EOI, 0);
	check(!apic_bit(APIC_ISR, VECTOR), "until EOI");
	wrmsr(HV_ICR, (u64)this_cpu() << 56 | ICR_ASSERT | VECTOR);
	open_window();
	check(wait_for(irq_count[VECTOR] == 2, 1000000), "the destination is the high byte");
	wrmsr(HV_EOI, 0);
}

static volatile u32 by_flag, by_write;

static void end_by_flag(struct frame *frame)
{
	volatile u32 *flag = (void *)GUEST_SCRATCH;

	irq_count[frame->vector]++;
	if (*flag & 1) {
		*flag = 0;
		by_flag++;
	} else {
		by_write++;
		wrmsr(HV_EOI, 0);
	}
}

GUEST_CASE(assist_page, "TLFS \"Virtual Processor Assist Page\"", .flags = CASE_IRQCHIP)
{
	volatile u32 *page = (void *)GUEST_SCRATCH;
	u32 i;

	apic_enable();
	page[0] = ~0u;
	page[1] = 0x1234;
	wrmsr(HV_ASSIST, GUEST_SCRATCH | HV_PAGE_ON);
	check(rdmsr(HV_ASSIST) == (GUEST_SCRATCH | HV_PAGE_ON), "it is on");
	check(!page[0] && page[1] == 0x1234, "the APIC's word is cleared, no other");
	check(try_wrmsr(HV_ASSIST, GUEST_MMIO | HV_PAGE_ON) == VEC_GP, "a page without memory");
	trap_hook[VECTOR] = end_by_flag;
	for (i = 0; i < 20; i++) {
		apic_send(0, ICR_FIXED | ICR_ASSERT | VECTOR);
		open_window();
		wait_for(irq_count[VECTOR] > i, 1000000);
	}
	check(by_flag > 0 && by_flag + by_write == 20, "EOI by the flag (%u of 20)", by_flag);
	check(!apic_bit(APIC_ISR, VECTOR), "none is in service");
	wrmsr(HV_ASSIST, 0);
	by_flag = 0;
	apic_send(0, ICR_FIXED | ICR_ASSERT | VECTOR);
	open_window();
	check(wait_for(irq_count[VECTOR] == 21, 1000000) && !by_flag, "not when it is off");
}

GUEST_CASE(crash, "TLFS \"Guest Crash Enlightenment\"")
{
	u32 i;

	check(rdmsr(HV_CRASH_CTL) == HV_CRASH_NOTIFY, "what there is");
	for (i = 0; i < 5; i++)
		wrmsr(HV_CRASH_P(i), 0xc0de0000 + i);
	for (i = 0; i < 5; i++)
		check(rdmsr(HV_CRASH_P(i)) == 0xc0de0000 + i, "parameter %u", i);
	wrmsr(HV_CRASH_CTL, 0);
	check(!call_host(0, 0, 0, 0), "no crash is told");
	wrmsr(HV_CRASH_CTL, HV_CRASH_NOTIFY);
	check(call_host(0, 0, 0, 0) == 1, "a crash is");
	check(rdmsr(HV_CRASH_CTL) == HV_CRASH_NOTIFY, "the register still says what there is");
}

GUEST_CASE(reset, MSRS)
{
	check(rdmsr(HV_RESET) == 0, "reads as 0");
	wrmsr(HV_RESET, 0);
	check(!call_host(0, 0, 0, 0), "nothing is told");
	wrmsr(HV_RESET, 1);
	check(call_host(0, 0, 0, 0) == 1, "a reset is");
}

#else
#include "guest_test.h"

static unsigned int told;
static unsigned int kind;

static void count_crashes(struct vm *vm)
{
	hv_offer(vm);
	told = 0;
	kind = KVM_SYSTEM_EVENT_CRASH;
}

static void count_resets(struct vm *vm)
{
	hv_offer(vm);
	told = 0;
	kind = KVM_SYSTEM_EVENT_RESET;
}

static bool system_event(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_SYSTEM_EVENT || run->system_event.type != kind)
		return false;
	told++;
	return true;
}

static uint64_t how_many(struct vcpu *vcpu, const uint64_t *args)
{
	return told;
}

static void nothing(struct vm *vm)
{
}

const struct host_hook host_hooks[] = {
	{ .name = "not_offered", .before = nothing },
	{ .name = "crash", .before = count_crashes, .exit = system_event, .call = how_many },
	{ .name = "reset", .before = count_resets, .exit = system_event, .call = how_many },
	{ .name = HOOK_ANY, .before = hv_offer },
	{ 0 }
};
#endif /* GUEST */
