// SPDX-License-Identifier: GPL-2.0-only
/*
 * L1's intercepts: which neutral traps L2 needs so that everything that L1
 * wants exits, and, when it does, whether L1 wanted just that.
 * APM2 "Intercept Operation", "Instruction Intercepts".
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "../guestmem.h"
#include "../tsc.h"
#include "nsvm.h"

/* Bits of the CR and DR words: reads in the low half, writes in the high one. */
#define NSVM_WRITES	16
/* CR0 bits whose change the selective intercept lets pass: TS and MP. */
#define NSVM_CR0_PASS	(X86_CR0_TS | X86_CR0_MP)

/* An intercept and how to get its exits. */
static const struct {
	u16 bit;	/* INTERCEPT_* */
	u8 kind;	/* the neutral exit; NONE where it takes more than the kind */
	u64 traps;	/* NST_TRAP_* that make it exit; 0: it always does */
} nsvm_intercepts_of[] = {
	{ INTERCEPT_HLT,	NST_EXIT_HLT,		NST_TRAP_HLT },
	{ INTERCEPT_CPUID,	NST_EXIT_CPUID },
	{ INTERCEPT_RDPMC,	NST_EXIT_RDPMC,		NST_TRAP_RDPMC },
	{ INTERCEPT_INVLPG,	NST_EXIT_NONE,		NST_TRAP_INVLPG },
	{ INTERCEPT_INVPCID,	NST_EXIT_INVPCID,	NST_TRAP_INVLPG },
	{ INTERCEPT_PAUSE,	NST_EXIT_NONE,		NST_TRAP_PAUSE },
	{ INTERCEPT_MONITOR,	NST_EXIT_MONITOR,	NST_TRAP_MWAIT },
	{ INTERCEPT_MWAIT,	NST_EXIT_MWAIT,		NST_TRAP_MWAIT },
	{ INTERCEPT_MWAIT_COND,	NST_EXIT_MWAIT,		NST_TRAP_MWAIT },
	{ INTERCEPT_XSETBV,	NST_EXIT_XSETBV },
	{ INTERCEPT_RSM,	NST_EXIT_RSM },
	{ INTERCEPT_TASK_SWITCH, NST_EXIT_TASK_SWITCH },
	{ INTERCEPT_SHUTDOWN,	NST_EXIT_TRIPLE_FAULT },
	{ INTERCEPT_IRET,	NST_EXIT_IRET,		NST_TRAP_IRET },
	{ INTERCEPT_PUSHF,	NST_EXIT_PUSHF,		NST_TRAP_PUSHF },
	{ INTERCEPT_POPF,	NST_EXIT_POPF,		NST_TRAP_POPF },
	{ INTERCEPT_INTn,	NST_EXIT_SOFT_INT,	NST_TRAP_INTN },
	{ INTERCEPT_ICEBP,	NST_EXIT_ICEBP,		NST_TRAP_ICEBP },
	{ INTERCEPT_INTR,	NST_EXIT_HOST_IRQ },
	{ INTERCEPT_NMI,	NST_EXIT_HOST_NMI },
	{ INTERCEPT_INIT,	NST_EXIT_INIT },
	{ INTERCEPT_VINTR,	NST_EXIT_VIRTUAL_IRQ },
	{ INTERCEPT_RDTSC,	NST_EXIT_NONE,		NST_TRAP_RDTSC },
	{ INTERCEPT_RDTSCP,	NST_EXIT_NONE,		NST_TRAP_RDTSC },
	{ INTERCEPT_WBINVD,	NST_EXIT_NONE,		NST_TRAP_WBINVD },
	{ INTERCEPT_STORE_IDTR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_STORE_GDTR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_STORE_LDTR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_STORE_TR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_IDTR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_GDTR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_LDTR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_LOAD_TR,	NST_EXIT_NONE,		NST_TRAP_DTABLE },
	{ INTERCEPT_CR0_READ,	NST_EXIT_NONE,		NST_TRAP_CR_READ },
	{ INTERCEPT_CR4_READ,	NST_EXIT_NONE,		NST_TRAP_CR_READ },
	{ 2,			NST_EXIT_NONE,		NST_TRAP_CR2 },
	{ 2 + NSVM_WRITES,	NST_EXIT_NONE,		NST_TRAP_CR2 },
	{ INTERCEPT_CR3_READ,	NST_EXIT_NONE,		NST_TRAP_CR3 },
	{ INTERCEPT_CR3_WRITE,	NST_EXIT_NONE,		NST_TRAP_CR3 },
	{ INTERCEPT_CR8_READ,	NST_EXIT_NONE,		NST_TRAP_CR8 },
	{ INTERCEPT_CR8_WRITE,	NST_EXIT_NONE,		NST_TRAP_CR8 },
};

static u64 nsvm_traps(const struct nsvm_vmcb12 *v)
{
	u64 traps = 0;

	for (int i = 0; i < ARRAY_SIZE(nsvm_intercepts_of); i++)
		if (nsvm_intercepts(v, nsvm_intercepts_of[i].bit))
			traps |= nsvm_intercepts_of[i].traps;
	if (v->intercepts[INTERCEPT_DR])
		traps |= NST_TRAP_DR;
	return traps;
}

/**
 * nsvm_merge() - nst_isa.merge
 * @vcpu: the vCPU, L2 current
 * @ctl: what L0 wants; L1's wishes are added
 */
void nsvm_merge(struct nst_vcpu *vcpu, struct nst_ctl *ctl)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	const struct nsvm_vmcb12 *v = &nsvm->v;

	if (memcmp(nsvm->merged, v->intercepts, sizeof(nsvm->merged))) {
		memcpy(nsvm->merged, v->intercepts, sizeof(nsvm->merged));
		nsvm->merged_traps = nsvm_traps(v);
	}
	ctl->traps |= nsvm->merged_traps;
	/* A virtual interrupt that waits for L2's task priority to fall. */
	if ((v->int_ctl & V_IRQ_MASK) && !(v->int_ctl & V_IGN_TPR_MASK))
		ctl->traps |= NST_TRAP_CR8;
	ctl->exceptions |= v->intercepts[INTERCEPT_EXCEPTION];
	/* 8.32 fixed point, APM2 "TSC Ratio MSR", to 16.48. */
	nst_tsc_nest(ctl, to_nsvm(vcpu)->tsc_ratio << 16, v->tsc_offset);
	/* The GIF that L2's STGI and CLGI change is L1's. */
	ctl->own_gif = false;
}

/* ---- permission maps ---- */

/* Bits of a map in L1's memory.  What cannot be read exits. */
static bool nsvm_map_bits(struct nst_vcpu *vcpu, u64 base, u32 bit, u8 mask)
{
	u16 bits = 0;
	u64 at = base + bit / 8;

	if (nst_read_gpa(vcpu->vm, nst_gpa(at), &bits, sizeof(bits)))
		return true;
	return (bits >> (bit % 8)) & mask;
}

static bool nsvm_wants_io(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nsvm_vmcb12 *v = &to_nsvm(vcpu)->v;

	if (!nsvm_intercepts(v, INTERCEPT_IOIO_PROT))
		return false;
	/* The map has bits behind port 0xffff for accesses that reach beyond it. */
	return nsvm_map_bits(vcpu, v->iopm_base_pa, exit->io.port, BIT(exit->io.size) - 1);
}

/**
 * nsvm_take_msrpm() - VMRUN: keep a copy of the MSR permission map if L1 allows that
 * @vcpu: loaded vCPU, nsvm->v and vmcb_pa are those of L2
 *
 * Without one, for want of memory or L1's consent, each access is looked up in L1's map.
 */
void nsvm_take_msrpm(struct nst_vcpu *vcpu)
{
	struct nsvm *nsvm = to_nsvm(vcpu);
	const struct nsvm_vmcb12 *v = &nsvm->v;
	bool known = v->hv_clean && nsvm->msrpm_for == nsvm->vmcb_pa;

	if (!v->hv_msr_bitmap || !nsvm_intercepts(v, INTERCEPT_MSR_PROT) ||
	    !nst_hv_msr_bitmap(vcpu)) {
		nsvm->msrpm_for = NSVM_NO_VMCB;
		return;
	}
	if (known)
		return;
	nsvm->msrpm_for = NSVM_NO_VMCB;
	if (!nsvm->msrpm)
		nsvm->msrpm = kmalloc(NSVM_MSRPM_BYTES, GFP_KERNEL_ACCOUNT);
	if (nsvm->msrpm && !nst_read_gpa(vcpu->vm, nst_gpa(v->msrpm_base_pa), nsvm->msrpm,
					 NSVM_MSRPM_BYTES))
		nsvm->msrpm_for = nsvm->vmcb_pa;
}

static bool nsvm_wants_msr(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nsvm *nsvm = to_nsvm(vcpu);
	const struct nsvm_vmcb12 *v = &nsvm->v;
	u32 msr = exit->raw_reason == NST_EXIT_BY_SOFTWARE ? exit->msr.index :
							      (u32)vcpu->st.gpr[NST_RCX];
	int bit = nsvm_msrpm_bit(msr);

	if (!nsvm_intercepts(v, INTERCEPT_MSR_PROT))
		return false;
	if (bit < 0)
		return true;
	bit += exit->msr.write;
	if (nsvm->msrpm_for != NSVM_NO_VMCB)
		return nsvm->msrpm[bit / 8] & BIT(bit % 8);
	return nsvm_map_bits(vcpu, v->msrpm_base_pa, bit, 1);
}

/* ---- the others ---- */

/*
 * APM2 "Selective CR0 write": MOV to CR0 that changes more than TS and MP, and
 * LMSW.  Where hardware does not tell the value, the emulator asks again.
 */
static bool nsvm_wants_cr0_write(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nsvm_vmcb12 *v = &to_nsvm(vcpu)->v;
	u64 val;

	if (nsvm_intercepts(v, INTERCEPT_CR0_WRITE))
		return true;
	if (!nsvm_intercepts(v, INTERCEPT_SELECTIVE_CR0) || exit->cr.op == NST_CR_CLTS ||
	    exit->cr.need_decode)
		return false;
	if (exit->cr.op == NST_CR_LMSW)
		return true;
	val = exit->raw_reason == NST_EXIT_BY_SOFTWARE ? exit->cr.val :
							  vcpu->st.gpr[exit->cr.gpr & 0xf];
	nst_pull(vcpu, NST_STATE_CR);
	return (val ^ vcpu->st.cr0) & ~(u64)NSVM_CR0_PASS;
}

/*
 * Decode assists tell L1 the operand. Where hardware does not, the emulator carries
 * the instruction out, and asks again before it does anything.
 */
static bool nsvm_left_to_emulator(const struct nst_vcpu *vcpu, bool known)
{
	return !known && (to_nsvm(vcpu)->features & NSVM_FEATURE(DECODEASSISTS));
}

static bool nsvm_wants_cr(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nsvm_vmcb12 *v = &to_nsvm(vcpu)->v;

	if (nsvm_left_to_emulator(vcpu, !exit->cr.need_decode))
		return false;
	if (exit->cr.op == NST_CR_READ || exit->cr.op == NST_CR_SMSW)
		return nsvm_intercepts(v, exit->cr.cr);
	if (!exit->cr.cr)
		return nsvm_wants_cr0_write(vcpu, exit);
	return nsvm_intercepts(v, exit->cr.cr + NSVM_WRITES);
}

static bool nsvm_wants_dtable(const struct nsvm_vmcb12 *v, const struct nst_exit *exit)
{
	static const u8 bits[] = {
		[NST_TABLE_IDT] = INTERCEPT_STORE_IDTR, [NST_TABLE_GDT] = INTERCEPT_STORE_GDTR,
		[NST_TABLE_LDT] = INTERCEPT_STORE_LDTR, [NST_TABLE_TR] = INTERCEPT_STORE_TR,
	};
	unsigned int bit = bits[exit->dtable.table];

	/* Hardware need not say which table: the emulator knows. */
	if (exit->raw_reason != NST_EXIT_BY_SOFTWARE)
		return false;
	if (exit->dtable.write)
		bit += INTERCEPT_LOAD_IDTR - INTERCEPT_STORE_IDTR;
	return nsvm_intercepts(v, bit);
}

/* Faults of the instruction itself come before its intercept. */
static bool nsvm_wants_insn(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	static const u8 bits[] = {
		[NST_INSN_VMRUN] = INTERCEPT_VMRUN, [NST_INSN_VMLOAD] = INTERCEPT_VMLOAD,
		[NST_INSN_VMSAVE] = INTERCEPT_VMSAVE, [NST_INSN_STGI] = INTERCEPT_STGI,
		[NST_INSN_CLGI] = INTERCEPT_CLGI, [NST_INSN_SKINIT] = INTERCEPT_SKINIT,
		[NST_INSN_INVLPGA] = INTERCEPT_INVLPGA,
	};

	if (nsvm_insn_fault(vcpu) || exit->insn.which >= ARRAY_SIZE(bits))
		return false;
	/* Only the 64-bit ones are virtualised. */
	if ((exit->insn.which == NST_INSN_VMLOAD || exit->insn.which == NST_INSN_VMSAVE) &&
	    nsvm_virtual_vmload(&to_nsvm(vcpu)->v) && !(vcpu->st.efer & EFER_LMA))
		return true;
	return bits[exit->insn.which] &&
	       nsvm_intercepts(&to_nsvm(vcpu)->v, bits[exit->insn.which]);
}

static bool nsvm_wants_exception(const struct nsvm_vmcb12 *v, const struct nst_exit *exit)
{
	return exit->exception.vector < 32 &&
	       (v->intercepts[INTERCEPT_EXCEPTION] & BIT(exit->exception.vector));
}

static bool nsvm_wants_dr(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nsvm_vmcb12 *v = &to_nsvm(vcpu)->v;
	unsigned int bit = exit->dr.dr + (exit->dr.read ? 0 : NSVM_WRITES);

	if (nsvm_left_to_emulator(vcpu, !exit->dr.need_decode))
		return false;
	return v->intercepts[INTERCEPT_DR] & BIT(bit);
}

/*
 * APM2 "Pause Intercept Filtering": VMRUN loads a counter, each PAUSE takes one from
 * it, and the one that finds none left exits.
 */
static bool nsvm_wants_pause(struct nsvm *nsvm)
{
	if (!nsvm_intercepts(&nsvm->v, INTERCEPT_PAUSE))
		return false;
	if (!nsvm->pauses)
		return true;
	nsvm->pauses--;
	return false;
}

/**
 * nsvm_wants() - nst_isa.wants
 * @vcpu: loaded vCPU, L2 current
 * @exit: the exit
 *
 * Return: true when L1 intercepts it.
 */
bool nsvm_wants(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nsvm_vmcb12 *v = &to_nsvm(vcpu)->v;

	switch (exit->kind) {
	case NST_EXIT_EXCEPTION:
		return nsvm_wants_exception(v, exit);
	case NST_EXIT_IO:
		return nsvm_wants_io(vcpu, exit);
	case NST_EXIT_MSR:
		return nsvm_wants_msr(vcpu, exit);
	case NST_EXIT_CR:
		return nsvm_wants_cr(vcpu, exit);
	case NST_EXIT_DR:
		return nsvm_wants_dr(vcpu, exit);
	case NST_EXIT_DTABLE:
		return nsvm_wants_dtable(v, exit);
	case NST_EXIT_SVM_INSN:
		return nsvm_wants_insn(vcpu, exit);
	case NST_EXIT_INVLPG:
		return nsvm_intercepts(v, INTERCEPT_INVLPG) &&
		       !nsvm_left_to_emulator(vcpu, exit->invlpg.valid);
	case NST_EXIT_PAUSE:
		return nsvm_wants_pause(to_nsvm(vcpu));
	case NST_EXIT_RDTSC:
		return nsvm_intercepts(v, exit->rdtsc.rdtscp ? INTERCEPT_RDTSCP : INTERCEPT_RDTSC);
	case NST_EXIT_CACHE:
		return nsvm_intercepts(v, exit->cache.invd ? INTERCEPT_INVD : INTERCEPT_WBINVD);
	case NST_EXIT_HYPERCALL:
		/* Hardware with VMX has VMCALL exit as well, which is not of this CPU. */
		return exit->insn.which == NST_INSN_VMMCALL &&
		       nsvm_intercepts(v, INTERCEPT_VMMCALL);
	case NST_EXIT_ENTRY_FAILED:
		/* A rule that hardware has and our table has not. */
		return true;
	default:
		break;
	}
	for (int i = 0; i < ARRAY_SIZE(nsvm_intercepts_of); i++)
		if (nsvm_intercepts_of[i].kind == exit->kind &&
		    nsvm_intercepts(v, nsvm_intercepts_of[i].bit))
			return true;
	return false;
}
