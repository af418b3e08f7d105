// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit codes into neutral exits: one row a code, with its name, its kind, and
 * a decoder where there is more to say.  Reads the VMCB only; the few exits
 * that are the backend's own business end as NST_EXIT_NONE.
 * APM2 "Intercepts", "SVM Intercept Exit Codes".
 */
#include "../nestor.h"
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/processor.h>
#include <asm/debugreg.h>
#include "svm.h"

/* EXITINFO1 of MOV CR with decode assists: APM2 "MOV CRx/DRx Intercepts". */
#define SVM_CR_INFO_MOV		BIT_ULL(63)

/* EXITINFO1 of a nested page fault, above the #PF error code. */
#define SVM_NPF_FINAL		BIT_ULL(32)
#define SVM_NPF_WALK		BIT_ULL(33)

/* EXITINFO1 of IOIO: size bits are one-hot in bytes; the port. */
#define SVM_IOIO_PORT_SHIFT	16

/* MSR exits: EXITINFO1. */
#define SVM_MSR_WRITE		1

/* DR6 bits that tell why a #DB came: APM2 "Debug-Status Register (DR6)". */
#define SVM_DR6_BD		BIT(13)
#define SVM_DR6_BT		BIT(15)
#define SVM_DR6_CAUSES		(DR_TRAP_BITS | SVM_DR6_BD | DR_STEP | SVM_DR6_BT)

typedef void (*svm_decoder)(struct svm_vcpu *svm, struct nst_exit *exit);

/**
 * struct svm_exit_row - one exit code
 * @name: as in the manual, without the VMEXIT_ prefix
 * @kind: what it is in neutral words
 * @insn: an instruction intercept: NRIP is behind the instruction
 * @decode: fills the operands; NULL when there are none
 */
struct svm_exit_row {
	const char *name;
	enum nst_exit_kind kind;
	bool insn;
	svm_decoder decode;
};

static void svm_decode_cr(struct svm_vcpu *svm, struct nst_exit *exit)
{
	bool write = exit->raw_reason >= SVM_EXIT_WRITE_CR0;

	exit->cr.cr = exit->raw_reason - (write ? SVM_EXIT_WRITE_CR0 : SVM_EXIT_READ_CR0);
	exit->cr.op = write ? NST_CR_WRITE : NST_CR_READ;
	exit->cr.gpr = exit->info1 & SVM_EXITINFO_REG_MASK;
	/* CLTS, LMSW and SMSW have no register there. */
	exit->cr.need_decode = !svm_has(SVM_F_DECODE) || !(exit->info1 & SVM_CR_INFO_MOV);
}

static void svm_decode_cr0_sel(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->cr.cr = 0;
	exit->cr.op = NST_CR_WRITE;
	exit->cr.need_decode = true;
}

static void svm_decode_dr(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->dr.read = exit->raw_reason < SVM_EXIT_WRITE_DR0;
	exit->dr.dr = exit->raw_reason -
		      (exit->dr.read ? SVM_EXIT_READ_DR0 : SVM_EXIT_WRITE_DR0);
	exit->dr.gpr = exit->info1 & SVM_EXITINFO_REG_MASK;
	exit->dr.need_decode = !svm_has(SVM_F_DECODE);
}

static bool svm_has_error_code(u8 vector)
{
	switch (vector) {
	case X86_TRAP_DF:
	case X86_TRAP_TS:
	case X86_TRAP_NP:
	case X86_TRAP_SS:
	case X86_TRAP_GP:
	case X86_TRAP_PF:
	case X86_TRAP_AC:
		return true;
	default:
		return false;
	}
}

static void svm_decode_exception(struct svm_vcpu *svm, struct nst_exit *exit)
{
	u8 vector = exit->raw_reason - SVM_EXIT_EXCP_BASE;

	exit->exception.vector = vector;
	/* Real mode pushes no error codes. */
	exit->exception.has_error = svm_has_error_code(vector) && nst_protected(svm->vcpu);
	exit->exception.error_code = exit->info1;
	if (vector == X86_TRAP_PF)
		exit->exception.payload = exit->info2;
	if (vector != X86_TRAP_DB)
		return;
	if (svm_nmi_step_done(svm)) {
		exit->kind = NST_EXIT_NMI_WINDOW;
		return;
	}
	exit->exception.payload = svm->vmcb->save.dr6 & SVM_DR6_CAUSES;
}

static void svm_decode_io(struct svm_vcpu *svm, struct nst_exit *exit)
{
	u64 rip = svm->vmcb->save.rip;

	exit->io.port = exit->info1 >> SVM_IOIO_PORT_SHIFT;
	exit->io.size = (exit->info1 & SVM_IOIO_SIZE_MASK) >> SVM_IOIO_SIZE_SHIFT;
	exit->io.in = exit->info1 & SVM_IOIO_TYPE_MASK;
	exit->io.string = exit->info1 & SVM_IOIO_STR_MASK;
	exit->io.rep = exit->info1 & SVM_IOIO_REP_MASK;
	/* EXITINFO2 is the next RIP, also where NRIPS is missing. */
	exit->insn_len = exit->info2 - rip;
}

static void svm_decode_msr(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->msr.write = exit->info1 & SVM_MSR_WRITE;
}

static void svm_decode_rdtscp(struct svm_vcpu *svm, struct nst_exit *exit)
{
	if (svm->vcpu->ctl.traps & NST_TRAP_RDTSCP_UD) {
		exit->kind = NST_EXIT_UD;
		return;
	}
	exit->rdtsc.rdtscp = true;
}

static void svm_decode_invlpg(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->invlpg.valid = svm_has(SVM_F_DECODE);
	exit->invlpg.gva = exit->info1;
}

static void svm_decode_isa(struct svm_vcpu *svm, struct nst_exit *exit)
{
	static const u8 insns[] = {
		[SVM_EXIT_VMRUN - SVM_EXIT_VMRUN] = NST_INSN_VMRUN,
		[SVM_EXIT_VMMCALL - SVM_EXIT_VMRUN] = NST_INSN_VMMCALL,
		[SVM_EXIT_VMLOAD - SVM_EXIT_VMRUN] = NST_INSN_VMLOAD,
		[SVM_EXIT_VMSAVE - SVM_EXIT_VMRUN] = NST_INSN_VMSAVE,
		[SVM_EXIT_STGI - SVM_EXIT_VMRUN] = NST_INSN_STGI,
		[SVM_EXIT_CLGI - SVM_EXIT_VMRUN] = NST_INSN_CLGI,
		[SVM_EXIT_SKINIT - SVM_EXIT_VMRUN] = NST_INSN_SKINIT,
	};

	if (exit->raw_reason == SVM_EXIT_INVLPGA)
		exit->insn.which = NST_INSN_INVLPGA;
	else
		exit->insn.which = insns[exit->raw_reason - SVM_EXIT_VMRUN];
}

static void svm_decode_invpcid(struct svm_vcpu *svm, struct nst_exit *exit)
{
	if (svm->vcpu->ctl.traps & NST_TRAP_INVPCID_UD)
		exit->kind = NST_EXIT_UD;
}

static void svm_decode_invd(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->cache.invd = true;
}

static void svm_decode_iret(struct svm_vcpu *svm, struct nst_exit *exit)
{
	/* Wanted by a nested hypervisor, beside our own use. */
	if (svm->vcpu->ctl.traps & NST_TRAP_IRET)
		exit->kind = NST_EXIT_IRET;
	else
		svm_nmi_iret(svm);
}

static void svm_decode_soft_int(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->soft_int.vector = exit->info1;
}

static void svm_decode_task(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->task.selector = exit->info1;
	exit->task.has_error = exit->info2 & BIT_ULL(SVM_EXITINFOSHIFT_TS_HAS_ERROR_CODE);
	exit->task.error_code = exit->info2;
	if (exit->info2 & BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_IRET))
		exit->task.source = NST_TS_IRET;
	else if (exit->info2 & BIT_ULL(SVM_EXITINFOSHIFT_TS_REASON_JMP))
		exit->task.source = NST_TS_JMP;
	else if (exit->intr_info & SVM_EXITINTINFO_VALID)
		exit->task.source = NST_TS_GATE;
	else
		exit->task.source = NST_TS_CALL;
}

static void svm_decode_npf(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->tdp.gpa = nst_gpa(exit->info2);
	if (exit->info1 & NST_PFEC_I)
		exit->tdp.access = NST_ACCESS_X;
	else if (exit->info1 & NST_PFEC_W)
		exit->tdp.access = NST_ACCESS_W;
	else
		exit->tdp.access = NST_ACCESS_R;
	exit->tdp.present = exit->info1 & NST_PFEC_P;
	exit->tdp.in_page_walk = (exit->info1 & SVM_NPF_WALK) && !(exit->info1 & SVM_NPF_FINAL);
	if (exit->info1 & NST_PFEC_RSVD)
		exit->kind = NST_EXIT_TDP_MISCONFIG;
}

static void svm_decode_invalid(struct svm_vcpu *svm, struct nst_exit *exit)
{
	exit->entry_failed.hardware_reason = exit->raw_reason;
}

/* The save area is undefined after a shutdown; nothing of it may be cached. */
static void svm_decode_shutdown(struct svm_vcpu *svm, struct nst_exit *exit)
{
	svm->clean = 0;
}

#define READ_CR(n)	[SVM_EXIT_READ_CR##n] = {				\
	"CR" #n "_READ", NST_EXIT_CR, true, svm_decode_cr }
#define WRITE_CR(n)	[SVM_EXIT_WRITE_CR##n] = {				\
	"CR" #n "_WRITE", NST_EXIT_CR, true, svm_decode_cr }
#define READ_DR(n)	[SVM_EXIT_READ_DR##n] = {				\
	"DR" #n "_READ", NST_EXIT_DR, true, svm_decode_dr }
#define WRITE_DR(n)	[SVM_EXIT_WRITE_DR##n] = {				\
	"DR" #n "_WRITE", NST_EXIT_DR, true, svm_decode_dr }
#define EXCP(name)	[SVM_EXIT_EXCP_BASE + X86_TRAP_##name] = {		\
	"EXCP_" #name, NST_EXIT_EXCEPTION, false, svm_decode_exception }
#define INSN(code, kind)	[SVM_EXIT_##code] = { #code, NST_EXIT_##kind, true }
#define ISA(code, kind)		[SVM_EXIT_##code] = {				\
	#code, NST_EXIT_##kind, true, svm_decode_isa }
#define EVENT(code, kind)	[SVM_EXIT_##code] = { #code, NST_EXIT_##kind }

static const struct svm_exit_row svm_exit_rows[] = {
	READ_CR(0), READ_CR(2), READ_CR(3), READ_CR(4), READ_CR(8),
	WRITE_CR(0), WRITE_CR(2), WRITE_CR(3), WRITE_CR(4), WRITE_CR(8),
	READ_DR(0), READ_DR(1), READ_DR(2), READ_DR(3),
	READ_DR(4), READ_DR(5), READ_DR(6), READ_DR(7),
	WRITE_DR(0), WRITE_DR(1), WRITE_DR(2), WRITE_DR(3),
	WRITE_DR(4), WRITE_DR(5), WRITE_DR(6), WRITE_DR(7),
	EXCP(DE), EXCP(DB), EXCP(NMI), EXCP(BP), EXCP(OF), EXCP(BR), EXCP(UD), EXCP(NM),
	EXCP(DF), EXCP(OLD_MF), EXCP(TS), EXCP(NP), EXCP(SS), EXCP(GP), EXCP(PF),
	EXCP(SPURIOUS), EXCP(MF), EXCP(AC), EXCP(MC), EXCP(XF), EXCP(VE), EXCP(CP),
	EVENT(INTR, HOST_IRQ),
	EVENT(NMI, HOST_NMI),
	EVENT(SMI, NONE),	/* taken by the host at STGI, as INIT is */
	EVENT(INIT, NONE),
	EVENT(VINTR, IRQ_WINDOW),
	[SVM_EXIT_CR0_SEL_WRITE] = { "CR0_SEL_WRITE", NST_EXIT_CR, true, svm_decode_cr0_sel },
	INSN(IDTR_READ, DTABLE), INSN(GDTR_READ, DTABLE),
	INSN(LDTR_READ, DTABLE), INSN(TR_READ, DTABLE),
	INSN(IDTR_WRITE, DTABLE), INSN(GDTR_WRITE, DTABLE),
	INSN(LDTR_WRITE, DTABLE), INSN(TR_WRITE, DTABLE),
	INSN(RDTSC, RDTSC),
	INSN(RDPMC, RDPMC),
	INSN(PUSHF, PUSHF),
	INSN(POPF, POPF),
	[SVM_EXIT_SWINT] = { "SWINT", NST_EXIT_SOFT_INT, true, svm_decode_soft_int },
	INSN(ICEBP, ICEBP),
	INSN(CPUID, CPUID),
	INSN(RSM, RSM),
	[SVM_EXIT_IRET] = { "IRET", NST_EXIT_NONE, false, svm_decode_iret },
	[SVM_EXIT_INVD] = { "INVD", NST_EXIT_CACHE, true, svm_decode_invd },
	INSN(PAUSE, PAUSE),
	INSN(HLT, HLT),
	[SVM_EXIT_INVLPG] = { "INVLPG", NST_EXIT_INVLPG, true, svm_decode_invlpg },
	ISA(INVLPGA, SVM_INSN),
	[SVM_EXIT_IOIO] = { "IOIO", NST_EXIT_IO, false, svm_decode_io },
	[SVM_EXIT_MSR] = { "MSR", NST_EXIT_MSR, true, svm_decode_msr },
	[SVM_EXIT_TASK_SWITCH] = { "TASK_SWITCH", NST_EXIT_TASK_SWITCH, false, svm_decode_task },
	[SVM_EXIT_SHUTDOWN] = { "SHUTDOWN", NST_EXIT_TRIPLE_FAULT, false, svm_decode_shutdown },
	ISA(VMRUN, SVM_INSN),
	ISA(VMMCALL, HYPERCALL),
	ISA(VMLOAD, SVM_INSN),
	ISA(VMSAVE, SVM_INSN),
	ISA(STGI, SVM_INSN),
	ISA(CLGI, SVM_INSN),
	ISA(SKINIT, SVM_INSN),
	[SVM_EXIT_RDTSCP] = { "RDTSCP", NST_EXIT_RDTSC, true, svm_decode_rdtscp },
	INSN(WBINVD, CACHE),
	INSN(MONITOR, MONITOR),
	INSN(MWAIT, MWAIT),
	INSN(MWAIT_COND, MWAIT),
	INSN(XSETBV, XSETBV),
	INSN(RDPRU, UD),
	[SVM_EXIT_INVPCID] = { "INVPCID", NST_EXIT_INVPCID, true, svm_decode_invpcid },
};

static const struct svm_exit_row svm_exit_npf = {
	"NPF", NST_EXIT_TDP_FAULT, false, svm_decode_npf
};

static const struct svm_exit_row svm_exit_invalid = {
	"INVALID", NST_EXIT_ENTRY_FAILED, false, svm_decode_invalid
};

static const struct svm_exit_row svm_exit_unknown = { "UNKNOWN", NST_EXIT_UNKNOWN };

static const struct svm_exit_row *svm_exit_row(u32 code)
{
	if (code == SVM_EXIT_NPF)
		return &svm_exit_npf;
	if (code == SVM_EXIT_INVALID)
		return &svm_exit_invalid;
	if (code < ARRAY_SIZE(svm_exit_rows) && svm_exit_rows[code].name)
		return &svm_exit_rows[code];
	return &svm_exit_unknown;
}

/**
 * svm_exit_name() - name of an exit code
 * @code: EXITCODE
 */
const char *svm_exit_name(u64 code)
{
	return svm_exit_row(code)->name;
}

/**
 * svm_decode_exit() - make a neutral exit of what the VMCB says
 * @svm: loaded vCPU, just exited
 * @exit: filled
 */
void svm_decode_exit(struct svm_vcpu *svm, struct nst_exit *exit)
{
	const struct vmcb *vmcb = svm->vmcb;
	const struct vmcb_control_area *ctl = &vmcb->control;
	const struct svm_exit_row *row = svm_exit_row(ctl->exit_code);

	memset(exit, 0, sizeof(*exit));
	exit->kind = row->kind;
	exit->raw_reason = ctl->exit_code;
	exit->info1 = ctl->exit_info_1;
	exit->info2 = ctl->exit_info_2;
	exit->intr_info = ctl->exit_int_info;
	exit->intr_error = ctl->exit_int_info_err;
	if (row->insn && svm_has(SVM_F_NRIPS) && ctl->next_rip)
		exit->insn_len = ctl->next_rip - vmcb->save.rip;
	if (row->decode)
		row->decode(svm, exit);
}
