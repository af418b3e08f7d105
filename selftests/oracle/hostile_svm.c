// SPDX-License-Identifier: GPL-2.0-only
/*
 * An L1 with SVM that means harm: random instructions and VMCBs, which another
 * CPU changes while they are in use.
 *
 * usage: hostile_svm [SECONDS [SEED]]; or NST_FUZZ_SECONDS, NST_FUZZ_SEED
 */
#ifdef GUEST

#include "gen_svm.h"
#include "hostile.h"

/* What each CPU makes its VMCBs of: everything may be changed. */
static struct oracle_params wild[GUEST_CPUS];

static u64 vmcb_of(u32 cpu, struct rng *r)
{
	if (one_in(r, 16))
		return odd_address(r);
	return POOL + (cpu * 4 + rng_below(r, 4)) * PAGE_SIZE;
}

static void run(u32 cpu, u64 vmcb, u64 rbx)
{
	hostile_vmrun(vmcb, rbx, resume[cpu]);
	hostile()->entries[cpu]++;
}

static void make(u32 cpu, struct rng *r)
{
	struct vmcb *v = (struct vmcb *)(POOL + (cpu * 4 + rng_below(r, 4)) * PAGE_SIZE);
	struct svm_case c = { .vmcb = v };
	u64 i;

	wild[cpu].seed = rng_next(r);
	wild[cpu].have[CAP_PHYS_BITS] = 40;
	for (i = 0; i < CAP_WORDS; i++)
		wild[cpu].agree[i] = ~0ul;
	svm_generate(&wild[cpu], rng_next(r), &c);
	/* Something has to bring L2 back most of the time. */
	v->iopm = POOL;
	v->msrpm = POOL;
	if (one_in(r, 4))
		((u64 *)v)[rng_below(r, 512)] = rng_next(r);
	if (one_in(r, 4))
		v->icpt[rng_below(r, 6)] ^= 1u << rng_below(r, 32);
	run(cpu, (u64)v, rng_next(r));
}

static void change_msr(u32 cpu, struct rng *r)
{
	u32 index = MSR_VM_HSAVE_PA;
	u64 value = odd_address(r);

	if (one_in(r, 2)) {
		index = MSR_EFER;
		value = 0xd00 | (one_in(r, 4) ? 0 : EFER_SVME);
	} else if (one_in(r, 8)) {
		index = MSR_VM_CR;
	}
	TRY(cpu, "wrmsr", "a"((u32)value), "d"((u32)(value >> 32)), "c"(index));
}

static void turn(u32 cpu, struct rng *r)
{
	if (!cpu) {
		meddle(r);
		return;
	}
	switch (rng_below(r, 16)) {
	case 0:
		TRY(cpu, "vmload %%rax", "a"(vmcb_of(cpu, r)));
		break;
	case 1:
		TRY(cpu, "vmsave %%rax", "a"(vmcb_of(cpu, r)));
		break;
	case 2:
		TRY(cpu, "stgi", "a"(0));
		break;
	case 3:
		TRY(cpu, "clgi", "a"(0));
		break;
	case 4:
		TRY(cpu, "invlpga %%rax, %%ecx", "a"(rng_next(r)), "c"((u32)rng_next(r)));
		break;
	case 5:
		TRY(cpu, "vmmcall", "a"(rng_next(r)));
		break;
	case 6:
		change_msr(cpu, r);
		break;
	case 7:
		TRY(cpu, "sti; nop; nop; cli", "a"(0));
		break;
	case 8:
	case 9:
	case 10:
		run(cpu, vmcb_of(cpu, r), rng_next(r));
		break;
	default:
		wrmsr(MSR_EFER, 0xd00 | EFER_SVME);
		make(cpu, r);
	}
}

GUEST_CASE(hostile_l1, "APM2 \"Secure Virtual Machine\"", .flags = CASE_SVM | CASE_IRQCHIP,
	   .cpus = GUEST_CPUS)
{
	svm_on();
	hostile_loop(turn);
}

#endif
