// SPDX-License-Identifier: GPL-2.0-only
/*
 * What L1 wants of an instruction that L0 emulates for L2: the emulator's
 * question becomes the neutral exit that hardware would have made, and nesting
 * answers it. No exit of hardware is behind it, so raw_reason says
 * NST_EXIT_BY_SOFTWARE and whoever reflects it works from the decoded part.
 */
#include "nestor.h"
#include "core.h"
#include "insn.h"

static void nst_icpt_io(struct nst_exit *x, u64 port, u64 how)
{
	x->kind = NST_EXIT_IO;
	x->io.port = port;
	x->io.size = how & NST_ICPT_IO_SIZE;
	x->io.in = how & NST_ICPT_IO_IN;
	x->io.string = how & NST_ICPT_IO_STRING;
	x->io.rep = how & NST_ICPT_IO_REP;
}

static void nst_icpt_cr(struct nst_exit *x, enum nst_emul_icpt kind, u64 a, u64 b)
{
	x->kind = NST_EXIT_CR;
	x->cr.cr = a & 0xff;
	switch (kind) {
	case NST_ICPT_CR_READ:
		x->cr.op = NST_CR_READ;
		x->cr.gpr = b;
		break;
	case NST_ICPT_CR_WRITE:
		x->cr.op = NST_CR_WRITE;
		x->cr.gpr = a >> 8;
		x->cr.val = b;
		break;
	case NST_ICPT_CLTS:
		x->cr.op = NST_CR_CLTS;
		break;
	case NST_ICPT_SMSW:
		x->cr.op = NST_CR_SMSW;
		break;
	default:
		x->cr.cr = 0;
		x->cr.op = NST_CR_LMSW;
		x->cr.lmsw = a;
		x->cr.lmsw_mem = b;
		break;
	}
}

static void nst_icpt_dr(struct nst_exit *x, bool read, u64 a, u64 b)
{
	x->kind = NST_EXIT_DR;
	x->dr.dr = a & 0xff;
	x->dr.read = read;
	x->dr.gpr = read ? b : a >> 8;
}

static void nst_icpt_task(struct nst_exit *x, u64 selector, u64 reason)
{
	static const u8 sources[] = {
		[NST_TASK_CALL] = NST_TS_CALL, [NST_TASK_IRET] = NST_TS_IRET,
		[NST_TASK_JMP] = NST_TS_JMP, [NST_TASK_GATE] = NST_TS_GATE,
	};

	x->kind = NST_EXIT_TASK_SWITCH;
	x->task.selector = selector;
	x->task.source = sources[reason];
}

static void nst_icpt_dtable(const struct nst_emul *e, struct nst_exit *x, u64 which, bool write)
{
	static const u8 tables[] = {
		[NST_DESC_GDT] = NST_TABLE_GDT, [NST_DESC_IDT] = NST_TABLE_IDT,
		[NST_DESC_LDT] = NST_TABLE_LDT, [NST_DESC_TR] = NST_TABLE_TR,
	};

	x->kind = NST_EXIT_DTABLE;
	x->dtable.table = tables[which];
	x->dtable.write = write;
	nst_operand_of(e, &x->dtable.op);
}

/* Kinds that have no operand beyond their own name. */
static const u8 nst_icpt_plain[NST_NR_ICPT] = {
	[NST_ICPT_CPUID] = NST_EXIT_CPUID,
	[NST_ICPT_RDTSC] = NST_EXIT_RDTSC,
	[NST_ICPT_RDTSCP] = NST_EXIT_RDTSC,
	[NST_ICPT_RDPMC] = NST_EXIT_RDPMC,
	[NST_ICPT_HLT] = NST_EXIT_HLT,
	[NST_ICPT_PAUSE] = NST_EXIT_PAUSE,
	[NST_ICPT_INVLPG] = NST_EXIT_INVLPG,
	[NST_ICPT_INVPCID] = NST_EXIT_INVPCID,
	[NST_ICPT_WBINVD] = NST_EXIT_CACHE,
	[NST_ICPT_INVD] = NST_EXIT_CACHE,
	[NST_ICPT_RDMSR] = NST_EXIT_MSR,
	[NST_ICPT_WRMSR] = NST_EXIT_MSR,
	[NST_ICPT_PUSHF] = NST_EXIT_PUSHF,
	[NST_ICPT_POPF] = NST_EXIT_POPF,
	[NST_ICPT_IRET] = NST_EXIT_IRET,
	[NST_ICPT_INTN] = NST_EXIT_SOFT_INT,
	[NST_ICPT_INT3] = NST_EXIT_EXCEPTION,
	[NST_ICPT_ICEBP] = NST_EXIT_ICEBP,
	[NST_ICPT_XSETBV] = NST_EXIT_XSETBV,
	[NST_ICPT_MONITOR] = NST_EXIT_MONITOR,
	[NST_ICPT_MWAIT] = NST_EXIT_MWAIT,
	[NST_ICPT_RSM] = NST_EXIT_RSM,
	[NST_ICPT_RDRAND] = NST_EXIT_RANDOM,
	[NST_ICPT_RDSEED] = NST_EXIT_RANDOM,
};

static void nst_icpt_other(const struct nst_emul *e, struct nst_exit *x,
			   enum nst_emul_icpt kind, u64 a)
{
	x->kind = nst_icpt_plain[kind];
	switch (x->kind) {
	case NST_EXIT_RDTSC:
		x->rdtsc.rdtscp = kind == NST_ICPT_RDTSCP;
		break;
	case NST_EXIT_INVLPG:
		x->invlpg.gva = a;
		x->invlpg.valid = true;
		break;
	case NST_EXIT_INVPCID:
		nst_operand_of(e, &x->insn.op);
		break;
	case NST_EXIT_CACHE:
		x->cache.invd = kind == NST_ICPT_INVD;
		break;
	case NST_EXIT_MSR:
		x->msr.write = kind == NST_ICPT_WRMSR;
		x->msr.index = a;
		break;
	case NST_EXIT_SOFT_INT:
		x->soft_int.vector = a;
		break;
	case NST_EXIT_EXCEPTION:
		x->exception.vector = X86_TRAP_BP;
		break;
	case NST_EXIT_RANDOM:
		x->random.seed = kind == NST_ICPT_RDSEED;
		nst_operand_of(e, &x->random.op);
		break;
	default:
		break;
	}
}

static void nst_icpt_decode(const struct nst_emul *e, struct nst_exit *x,
			    enum nst_emul_icpt kind, u64 a, u64 b)
{
	switch (kind) {
	case NST_ICPT_IO:
		nst_icpt_io(x, a, b);
		break;
	case NST_ICPT_CR_READ:
	case NST_ICPT_CR_WRITE:
	case NST_ICPT_CLTS:
	case NST_ICPT_LMSW:
	case NST_ICPT_SMSW:
		nst_icpt_cr(x, kind, a, b);
		break;
	case NST_ICPT_DR_READ:
	case NST_ICPT_DR_WRITE:
		nst_icpt_dr(x, kind == NST_ICPT_DR_READ, a, b);
		break;
	case NST_ICPT_DESC_READ:
	case NST_ICPT_DESC_WRITE:
		nst_icpt_dtable(e, x, a, kind == NST_ICPT_DESC_WRITE);
		break;
	case NST_ICPT_TASK_SWITCH:
		nst_icpt_task(x, a, b);
		break;
	default:
		nst_icpt_other(e, x, kind, a);
		break;
	}
}

/**
 * nst_exit_of_virt() - the exit that an instruction of VMX or SVM makes
 * @e: the emulator, with it decoded
 * @insn: which one
 * @exit: kind, operands and length are filled in
 */
void nst_exit_of_virt(const struct nst_emul *e, enum nst_emul_virt insn, struct nst_exit *exit)
{
	static const u8 insns[] = {
		[NST_VIRT_VMCALL] = NST_INSN_VMCALL, [NST_VIRT_VMLAUNCH] = NST_INSN_VMLAUNCH,
		[NST_VIRT_VMRESUME] = NST_INSN_VMRESUME, [NST_VIRT_VMXOFF] = NST_INSN_VMXOFF,
		[NST_VIRT_VMFUNC] = NST_INSN_VMFUNC, [NST_VIRT_VMXON] = NST_INSN_VMXON,
		[NST_VIRT_VMCLEAR] = NST_INSN_VMCLEAR, [NST_VIRT_VMPTRLD] = NST_INSN_VMPTRLD,
		[NST_VIRT_VMPTRST] = NST_INSN_VMPTRST, [NST_VIRT_VMREAD] = NST_INSN_VMREAD,
		[NST_VIRT_VMWRITE] = NST_INSN_VMWRITE, [NST_VIRT_INVEPT] = NST_INSN_INVEPT,
		[NST_VIRT_INVVPID] = NST_INSN_INVVPID, [NST_VIRT_VMRUN] = NST_INSN_VMRUN,
		[NST_VIRT_VMMCALL] = NST_INSN_VMMCALL, [NST_VIRT_VMLOAD] = NST_INSN_VMLOAD,
		[NST_VIRT_VMSAVE] = NST_INSN_VMSAVE, [NST_VIRT_STGI] = NST_INSN_STGI,
		[NST_VIRT_CLGI] = NST_INSN_CLGI, [NST_VIRT_SKINIT] = NST_INSN_SKINIT,
		[NST_VIRT_INVLPGA] = NST_INSN_INVLPGA,
	};

	if (insn == NST_VIRT_VMCALL || insn == NST_VIRT_VMMCALL)
		exit->kind = NST_EXIT_HYPERCALL;
	else
		exit->kind = insn < NST_VIRT_VMRUN ? NST_EXIT_VMX_INSN : NST_EXIT_SVM_INSN;
	exit->insn.which = insns[insn];
	nst_operand_of(e, &exit->insn.op);
	exit->insn.known = true;
	exit->insn_len = e->insn_len;
}

/**
 * nst_ops_virt() - the emulator's ->virt()
 * @e: the emulator of a vCPU
 * @insn: the instruction
 *
 * Nested guests and hypercalls are the exit handlers' business, however the
 * instruction was met.
 *
 * Return: NST_EMUL_INTERCEPTED.
 */
enum nst_emul_result nst_ops_virt(struct nst_emul *e, enum nst_emul_virt insn)
{
	struct nst_vcpu *vcpu = e->opaque;

	vcpu->exit = (struct nst_exit){ .raw_reason = NST_EXIT_BY_SOFTWARE };
	nst_exit_of_virt(e, insn, &vcpu->exit);
	vcpu->insn->handler = true;
	return NST_EMUL_INTERCEPTED;
}

/* Is it an exit handler's business even without an L1? */
static bool nst_icpt_ours(const struct nst_vcpu *vcpu, enum nst_emul_icpt kind)
{
	/* Userspace's filter and exits for MSRs. */
	if (kind == NST_ICPT_RDMSR || kind == NST_ICPT_WRMSR)
		return true;
	return kind == NST_ICPT_INT3 && nst_debug_wants(vcpu, X86_TRAP_BP);
}

/**
 * nst_ops_intercept() - the emulator's ->intercept()
 * @e: the emulator of a vCPU
 * @kind: what the instruction is about to do
 * @a: its operand
 * @b: its operand
 *
 * Return: NST_EMUL_OK, or NST_EMUL_INTERCEPTED with vcpu->exit filled in.
 */
enum nst_emul_result nst_ops_intercept(struct nst_emul *e, enum nst_emul_icpt kind, u64 a, u64 b)
{
	struct nst_vcpu *vcpu = e->opaque;
	bool ours = nst_icpt_ours(vcpu, kind);
	struct nst_exit exit = {
		.raw_reason = NST_EXIT_BY_SOFTWARE, .insn_len = e->insn_len,
	};

	if (!vcpu->l1 && !ours)
		return NST_EMUL_OK;
	nst_icpt_decode(e, &exit, kind, a, b);
	if (!vcpu->l1 || !vcpu->l1->wants(vcpu, &exit)) {
		if (!ours)
			return NST_EMUL_OK;
		vcpu->insn->handler = true;
	}
	vcpu->exit = exit;
	return NST_EMUL_INTERCEPTED;
}
