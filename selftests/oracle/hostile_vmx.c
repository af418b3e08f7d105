// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L1 with VMX that means harm: random instructions, operands and VMCSs, which
 * another CPU changes while they are in use.
 *
 * usage: hostile_vmx [SECONDS [SEED]]; or NST_FUZZ_SECONDS, NST_FUZZ_SEED
 */
#ifdef GUEST

#include "gen_vmx.h"
#include "hostile.h"

static struct oracle_params wild[GUEST_CPUS];
static struct vmx_case made[GUEST_CPUS];
static u64 host_of[GUEST_CPUS][V_VALUES];

/* Pages of a CPU's own, and now and then one of another's. */
static u64 region(u32 cpu, struct rng *r)
{
	if (one_in(r, 16))
		return odd_address(r);
	if (one_in(r, 8))
		return POOL + rng_below(r, POOL_PAGES) * PAGE_SIZE;
	return POOL + (cpu * 4 + rng_below(r, 4)) * PAGE_SIZE;
}

static void on_region(u32 cpu, struct rng *r)
{
	u64 at = region(cpu, r);
	u32 revision = (u32)rdmsr(MSR_VMX_BASIC);

	if (one_in(r, 2) && at >= POOL && at < POOL + POOL_PAGES * PAGE_SIZE)
		*(volatile u32 *)(at & ~0xffful) = revision;
	switch (rng_below(r, 5)) {
	case 0:
		TRY(cpu, "vmxon %[op]", [op] "m"(at));
		break;
	case 1:
		TRY(cpu, "vmclear %[op]", [op] "m"(at));
		break;
	case 2:
		TRY(cpu, "vmptrst %[op]", [op] "m"(at));
		break;
	default:
		TRY(cpu, "vmptrld %[op]", [op] "m"(at));
	}
}

static u64 some_field(struct rng *r)
{
	if (one_in(r, 8))
		return rng_next(r);
	if (one_in(r, 2))
		return vmx_encoding[rng_below(r, V_VALUES)];
	return rng_below(r, 4) << 13 | rng_below(r, 4) << 10 | rng_below(r, 64);
}

static void on_field(u32 cpu, struct rng *r)
{
	u64 field = some_field(r), value = one_in(r, 2) ? rng_next(r) : rng_below(r, 256);

	if (one_in(r, 2))
		TRY(cpu, "vmread %%rax, %[op]", "a"(field), [op] "m"(value));
	else
		TRY(cpu, "vmwrite %%rdx, %%rax", "a"(field), "d"(value));
}

static void invalidate(u32 cpu, struct rng *r)
{
	u64 desc[2] = { one_in(r, 2) ? (L2_STAGE2 | 0x1e) : rng_next(r), rng_next(r) };
	u64 type = one_in(r, 4) ? rng_next(r) : rng_below(r, 5);

	if (one_in(r, 2))
		TRY(cpu, "invept %[op], %%rax", "a"(type), [op] "m"(desc));
	else
		TRY(cpu, "invvpid %[op], %%rax", "a"(type), [op] "m"(desc));
}

static void enter(u32 cpu, bool launch, u64 rax)
{
	hostile_vmenter(launch, rax, resume[cpu]);
	hostile()->entries[cpu]++;
}

static void fill_host(u32 cpu)
{
	u64 *v = host_of[cpu];

	v[V_HOST_CR0] = READ_CR(0);
	v[V_HOST_CR3] = READ_CR(3);
	v[V_HOST_CR4] = READ_CR(4);
	v[V_HOST_CS_SEL] = SEL_CODE64;
	v[V_HOST_SS_SEL] = SEL_DATA;
	v[V_HOST_DS_SEL] = SEL_DATA;
	v[V_HOST_ES_SEL] = SEL_DATA;
	v[V_HOST_TR_SEL] = SEL_TSS + cpu * 16;
	v[V_HOST_TR_BASE] = GUEST_TSS + cpu * GUEST_TSS_STRIDE;
	v[V_HOST_GDTR_BASE] = GUEST_GDT;
	v[V_HOST_IDTR_BASE] = GUEST_IDT;
	v[V_HOST_PAT] = rdmsr(MSR_PAT);
	v[V_HOST_EFER] = rdmsr(MSR_EFER);
}

static void fill_caps(u64 *have)
{
	have[CAP_PHYS_BITS] = 40;
	have[CAP_PIN_MUST] = (u32)rdmsr(MSR_VMX_TRUE_PIN);
	have[CAP_PROC_MUST] = (u32)rdmsr(MSR_VMX_TRUE_PROC);
	have[CAP_EXIT_MUST] = (u32)rdmsr(MSR_VMX_TRUE_EXIT);
	have[CAP_ENTRY_MUST] = (u32)rdmsr(MSR_VMX_TRUE_ENTRY);
	have[CAP_EXIT_MAY] = rdmsr(MSR_VMX_TRUE_EXIT) >> 32;
	have[CAP_ENTRY_MAY] = rdmsr(MSR_VMX_TRUE_ENTRY) >> 32;
	have[CAP_PROC2_MAY] = rdmsr(MSR_VMX_PROC2) >> 32;
}

/* The current VMCS becomes a random one that mostly can be entered. */
static void make(u32 cpu, struct rng *r)
{
	struct vmx_case *c = &made[cpu];
	u64 i;

	if (!wild[cpu].have[CAP_PHYS_BITS]) {
		fill_caps(wild[cpu].have);
		for (i = 0; i < CAP_WORDS; i++)
			wild[cpu].agree[i] = ~0ul;
	}
	fill_host(cpu);
	wild[cpu].seed = rng_next(r);
	vmx_generate(&wild[cpu], rng_next(r), host_of[cpu], c);
	if (one_in(r, 4))
		c->val[rng_below(r, V_VALUES)] = rng_next(r);
	c->val[V_LINK] = one_in(r, 8) ? region(cpu, r) : ~0ul;
	c->val[V_IO_BITMAP_A] = POOL;
	c->val[V_IO_BITMAP_B] = POOL;
	c->val[V_MSR_BITMAP] = POOL;
	for (i = 0; i < V_VALUES; i++)
		TRY(cpu, "vmwrite %%rdx, %%rax", "a"((u64)vmx_encoding[i]), "d"(c->val[i]));
	/* Something has to bring L2 back most of the time. */
	if (!one_in(r, 8))
		TRY(cpu, "vmwrite %%rdx, %%rax", "a"((u64)F_PIN),
		    "d"(wild[cpu].have[CAP_PIN_MUST] | PIN_EXTINT | PIN_NMI));
	memcpy((void *)MSR_AREA, c->area, sizeof(c->area));
	enter(cpu, true, c->rax);
}

static void begin(u32 cpu, struct rng *r)
{
	u64 on = POOL + (cpu * 4 + 3) * PAGE_SIZE, vmcs = POOL + cpu * 4 * PAGE_SIZE;
	u32 revision;

	TRY(cpu, "wrmsr", "a"(5), "d"(0), "c"(MSR_FEATURE_CONTROL));
	TRY(cpu, "mov %%rax, %%cr0", "a"(READ_CR(0) | CR0_NE));
	TRY(cpu, "mov %%rax, %%cr4", "a"(READ_CR(4) | CR4_VMXE));
	revision = (u32)rdmsr(MSR_VMX_BASIC);
	*(volatile u32 *)on = revision;
	*(volatile u32 *)vmcs = revision;
	TRY(cpu, "vmxon %[op]", [op] "m"(on));
	if (one_in(r, 2))
		TRY(cpu, "vmclear %[op]", [op] "m"(vmcs));
	TRY(cpu, "vmptrld %[op]", [op] "m"(vmcs));
}

static void leave_operation(u32 cpu, struct rng *r)
{
	if (one_in(r, 2)) {
		TRY(cpu, "vmxoff", "a"(0));
		return;
	}
	TRY(cpu, "mov %%rax, %%cr4", "a"(READ_CR(4) ^ CR4_VMXE));
}

static void turn(u32 cpu, struct rng *r)
{
	if (!cpu) {
		meddle(r);
		return;
	}
	switch (rng_below(r, 16)) {
	case 0:
	case 1:
		on_region(cpu, r);
		break;
	case 2:
	case 3:
		on_field(cpu, r);
		break;
	case 4:
		invalidate(cpu, r);
		break;
	case 5:
		TRY(cpu, "vmcall", "a"(rng_next(r)));
		break;
	case 6:
		TRY(cpu, "vmfunc", "a"(rng_below(r, 3)), "c"(rng_below(r, 600)));
		break;
	case 7:
		if (one_in(r, 8))
			leave_operation(cpu, r);
		break;
	case 8:
		TRY(cpu, "sti; nop; nop; cli", "a"(0));
		break;
	case 9:
	case 10:
		enter(cpu, one_in(r, 2), rng_next(r));
		break;
	default:
		begin(cpu, r);
		make(cpu, r);
	}
}

GUEST_CASE(hostile_l1, "SDM3 \"VMX Instruction Reference\"", .flags = CASE_VMX | CASE_IRQCHIP,
	   .cpus = GUEST_CPUS)
{
	hostile_loop(turn);
}

#endif
