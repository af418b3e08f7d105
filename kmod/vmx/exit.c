// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exit reasons: one row each with its name, the neutral kind, what hardware
 * reports with it, and a decoder for the exit qualification (SDM3 "Basic VM-Exit
 * Information", tables "Exit Qualification for ...").
 */
#include "nestor.h"
#include <linux/bitfield.h>
#include <linux/kernel.h>
#include "vmx.h"

struct vmx_exit_ctx {
	struct nst_vcpu *vcpu;
	struct nst_exit *exit;
	u64 qual;
	u32 intr_info;
	u32 vectoring;
};

struct vmx_exit_row {
	const char *name;
	enum nst_exit_kind kind;
	u32 flags;
	void (*decode)(const struct vmx_exit_ctx *ctx);
};

#define VMX_HAS_QUAL	BIT(0)	/* the exit qualification means something */
#define VMX_HAS_LEN	BIT(1)	/* an instruction exited; its length is known */

/* ---- exit qualifications ---- */

#define VMX_QUAL_CR_NUMBER	GENMASK_ULL(3, 0)
#define VMX_QUAL_CR_OP		GENMASK_ULL(5, 4)
#define VMX_QUAL_GPR		GENMASK_ULL(11, 8)
#define VMX_QUAL_LMSW		GENMASK_ULL(31, 16)

static void vmx_decode_cr(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;

	exit->cr.cr = FIELD_GET(VMX_QUAL_CR_NUMBER, ctx->qual);
	exit->cr.gpr = FIELD_GET(VMX_QUAL_GPR, ctx->qual);
	/* MOV to CR, MOV from CR, CLTS, LMSW: the order of our enum too. */
	exit->cr.op = FIELD_GET(VMX_QUAL_CR_OP, ctx->qual);
	exit->cr.lmsw = FIELD_GET(VMX_QUAL_LMSW, ctx->qual);
	exit->cr.need_decode = false;
}

static void vmx_decode_dr(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;

	exit->dr.dr = ctx->qual & DEBUG_REG_ACCESS_NUM;
	exit->dr.read = (ctx->qual & DEBUG_REG_ACCESS_TYPE) == TYPE_MOV_FROM_DR;
	exit->dr.gpr = FIELD_GET(VMX_QUAL_GPR, ctx->qual);
	exit->dr.need_decode = false;
}

#define VMX_QUAL_IO_SIZE	GENMASK_ULL(2, 0)	/* less one */
#define VMX_QUAL_IO_IN		BIT_ULL(3)
#define VMX_QUAL_IO_STRING	BIT_ULL(4)
#define VMX_QUAL_IO_REP		BIT_ULL(5)
#define VMX_QUAL_IO_PORT	GENMASK_ULL(31, 16)

static void vmx_decode_io(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;

	exit->io.port = FIELD_GET(VMX_QUAL_IO_PORT, ctx->qual);
	exit->io.size = FIELD_GET(VMX_QUAL_IO_SIZE, ctx->qual) + 1;
	exit->io.in = ctx->qual & VMX_QUAL_IO_IN;
	exit->io.string = ctx->qual & VMX_QUAL_IO_STRING;
	exit->io.rep = ctx->qual & VMX_QUAL_IO_REP;
}

#define VMX_QUAL_TASK_SOURCE	GENMASK_ULL(31, 30)
#define VMX_QUAL_TASK_SELECTOR	GENMASK_ULL(15, 0)

static void vmx_decode_task_switch(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;
	u32 type = ctx->vectoring & VECTORING_INFO_TYPE_MASK;
	bool event = ctx->vectoring & VECTORING_INFO_VALID_MASK;

	exit->task.selector = FIELD_GET(VMX_QUAL_TASK_SELECTOR, ctx->qual);
	/* CALL, IRET, JMP, task gate in the IDT: the order of our enum too. */
	exit->task.source = FIELD_GET(VMX_QUAL_TASK_SOURCE, ctx->qual);
	if (exit->task.source == NST_TS_GATE && event &&
	    (ctx->vectoring & VECTORING_INFO_DELIVER_CODE_MASK)) {
		exit->task.has_error = true;
		exit->task.error_code = vmcs_read32(IDT_VECTORING_ERROR_CODE);
	}
	/* A fault or an interrupt that entered the gate has no instruction to skip. */
	if (exit->task.source == NST_TS_GATE && event && type != INTR_TYPE_SOFT_INTR &&
	    type != INTR_TYPE_SOFT_EXCEPTION && type != INTR_TYPE_PRIV_SW_EXCEPTION)
		exit->insn_len = 0;
}

static void vmx_decode_ept_violation(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;

	exit->tdp.gpa = nst_gpa(vmcs_read64(GUEST_PHYSICAL_ADDRESS));
	if (ctx->qual & EPT_VIOLATION_ACC_READ)
		exit->tdp.access |= NST_ACCESS_R;
	if (ctx->qual & EPT_VIOLATION_ACC_WRITE)
		exit->tdp.access |= NST_ACCESS_W;
	if (ctx->qual & EPT_VIOLATION_ACC_INSTR)
		exit->tdp.access |= NST_ACCESS_X;
	exit->tdp.present = ctx->qual & EPT_VIOLATION_RWX_MASK;
	exit->tdp.gva_valid = ctx->qual & EPT_VIOLATION_GVA_IS_VALID;
	if (!exit->tdp.gva_valid)
		return;
	exit->tdp.gva = vmcs_readl(GUEST_LINEAR_ADDRESS);
	exit->info2 = exit->tdp.gva;
	exit->tdp.in_page_walk = !(ctx->qual & EPT_VIOLATION_GVA_TRANSLATED);
}

static void vmx_decode_ept_misconfig(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->tdp.gpa = nst_gpa(vmcs_read64(GUEST_PHYSICAL_ADDRESS));
	ctx->exit->tdp.present = true;
}

#define VMX_QUAL_APIC_TYPE	GENMASK_ULL(15, 12)

static void vmx_decode_apic_access(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->apic.offset = ctx->qual & APIC_ACCESS_OFFSET;
	ctx->exit->apic.write = (ctx->qual & APIC_ACCESS_TYPE) == TYPE_LINEAR_APIC_INST_WRITE;
}

static void vmx_decode_apic_write(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->apic.offset = ctx->qual & APIC_ACCESS_OFFSET;
	ctx->exit->apic.write = true;
}

static void vmx_decode_invlpg(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->invlpg.gva = ctx->qual;
	ctx->exit->invlpg.valid = true;
}

static void vmx_decode_wrmsr(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->msr.write = true;
}

static void vmx_decode_rdtscp(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->rdtsc.rdtscp = true;
}

static void vmx_decode_invd(const struct vmx_exit_ctx *ctx)
{
	ctx->exit->cache.invd = true;
}

/* VM-exit instruction information, SDM3 "VM-Exit Instruction Information". */
#define VMX_INFO_SCALE		GENMASK(1, 0)
#define VMX_INFO_REG1		GENMASK(6, 3)
#define VMX_INFO_ADDRESS	GENMASK(9, 7)
#define VMX_INFO_IS_REG		BIT(10)
#define VMX_INFO_OPSIZE		GENMASK(12, 11)	/* RDRAND and RDSEED */
#define VMX_INFO_SEGMENT	GENMASK(17, 15)
#define VMX_INFO_INDEX		GENMASK(21, 18)
#define VMX_INFO_NO_INDEX	BIT(22)
#define VMX_INFO_BASE		GENMASK(26, 23)
#define VMX_INFO_NO_BASE	BIT(27)
#define VMX_INFO_REG2		GENMASK(31, 28)

/* The qualification is the displacement, of RIP-relative operands the whole address. */
static void vmx_decode_operand(const struct vmx_exit_ctx *ctx, struct nst_operand *op)
{
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);

	*op = (struct nst_operand){
		.mem = !(info & VMX_INFO_IS_REG),
		.reg = FIELD_GET(VMX_INFO_REG2, info),
		.seg = FIELD_GET(VMX_INFO_SEGMENT, info),
		.adsize = 2 << FIELD_GET(VMX_INFO_ADDRESS, info),
	};
	if (!op->mem) {
		op->rm = FIELD_GET(VMX_INFO_REG1, info);
		return;
	}
	op->has_base = !(info & VMX_INFO_NO_BASE);
	op->base = FIELD_GET(VMX_INFO_BASE, info);
	op->has_index = !(info & VMX_INFO_NO_INDEX);
	op->index = FIELD_GET(VMX_INFO_INDEX, info);
	op->scale = FIELD_GET(VMX_INFO_SCALE, info);
	op->disp = ctx->qual;
}

/* Table "... Used for RDRAND and RDSEED": a register, and its size. */
static void vmx_decode_random(const struct vmx_exit_ctx *ctx)
{
	u32 info = vmcs_read32(VMX_INSTRUCTION_INFO);

	ctx->exit->random.seed = ctx->exit->raw_reason == EXIT_REASON_RDSEED;
	ctx->exit->random.op = (struct nst_operand){
		.rm = FIELD_GET(VMX_INFO_REG1, info),
		.opsize = 2 << FIELD_GET(VMX_INFO_OPSIZE, info),
	};
}

static bool vmx_isa_has_operands(u32 reason)
{
	return reason != EXIT_REASON_VMLAUNCH && reason != EXIT_REASON_VMRESUME &&
	       reason != EXIT_REASON_VMOFF && reason != EXIT_REASON_VMCALL;
}

/* Ten reasons in the order of the enum, and the two invalidations. */
static void vmx_decode_isa(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;

	if (exit->raw_reason == EXIT_REASON_INVEPT)
		exit->insn.which = NST_INSN_INVEPT;
	else if (exit->raw_reason == EXIT_REASON_INVVPID)
		exit->insn.which = NST_INSN_INVVPID;
	else
		exit->insn.which = NST_INSN_VMCALL + exit->raw_reason - EXIT_REASON_VMCALL;
	if (!vmx_isa_has_operands(exit->raw_reason))
		return;
	vmx_decode_operand(ctx, &exit->insn.op);
	exit->insn.known = true;
}

/* NMIs and machine checks were the host's and are delivered; see enter.c. */
static void vmx_decode_exception(const struct vmx_exit_ctx *ctx)
{
	struct nst_exit *exit = ctx->exit;
	u32 type = ctx->intr_info & INTR_INFO_INTR_TYPE_MASK;

	exit->exception.vector = ctx->intr_info & INTR_INFO_VECTOR_MASK;
	if (type == INTR_TYPE_NMI_INTR) {
		exit->kind = NST_EXIT_HOST_NMI;
		return;
	}
	if (exit->exception.vector == X86_TRAP_MC) {
		exit->kind = NST_EXIT_NONE;
		return;
	}
	exit->exception.has_error = ctx->intr_info & INTR_INFO_DELIVER_CODE_MASK;
	if (exit->exception.has_error)
		exit->exception.error_code = exit->intr_error;
	/* For #PF the linear address, for #DB the new bits of DR6. */
	exit->exception.payload = ctx->qual;
	if (type == INTR_TYPE_SOFT_EXCEPTION || type == INTR_TYPE_PRIV_SW_EXCEPTION)
		exit->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	exit->exception.int1 = type == INTR_TYPE_PRIV_SW_EXCEPTION;
}

/* Leaving was all that was wanted: for the slice, or for a deadline that the core knows. */
static void vmx_decode_timer(const struct vmx_exit_ctx *ctx)
{
	nst_request(ctx->vcpu, NST_REQ_EVENT);
}

/* ---- the table ---- */

#define LEN	VMX_HAS_LEN
#define QUAL	VMX_HAS_QUAL

#define ROW(reason, kind, flags, ...) \
	[EXIT_REASON_##reason] = { #reason, NST_EXIT_##kind, flags, __VA_ARGS__ }

static const struct vmx_exit_row vmx_exits[] = {
	ROW(EXCEPTION_NMI, EXCEPTION, QUAL, vmx_decode_exception),
	ROW(EXTERNAL_INTERRUPT, HOST_IRQ, 0),
	ROW(TRIPLE_FAULT, TRIPLE_FAULT, 0),
	ROW(INIT_SIGNAL, INIT, 0),
	ROW(SIPI_SIGNAL, UNKNOWN, QUAL),
	ROW(INTERRUPT_WINDOW, IRQ_WINDOW, 0),
	ROW(NMI_WINDOW, NMI_WINDOW, 0),
	ROW(TASK_SWITCH, TASK_SWITCH, LEN | QUAL, vmx_decode_task_switch),
	ROW(CPUID, CPUID, LEN),
	ROW(HLT, HLT, LEN),
	ROW(INVD, CACHE, LEN, vmx_decode_invd),
	ROW(INVLPG, INVLPG, LEN | QUAL, vmx_decode_invlpg),
	ROW(RDPMC, RDPMC, LEN),
	ROW(RDTSC, RDTSC, LEN),
	ROW(VMCALL, HYPERCALL, LEN, vmx_decode_isa),
	ROW(VMCLEAR, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(VMLAUNCH, VMX_INSN, LEN, vmx_decode_isa),
	ROW(VMPTRLD, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(VMPTRST, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(VMREAD, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(VMRESUME, VMX_INSN, LEN, vmx_decode_isa),
	ROW(VMWRITE, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(VMOFF, VMX_INSN, LEN, vmx_decode_isa),
	ROW(VMON, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(CR_ACCESS, CR, LEN | QUAL, vmx_decode_cr),
	ROW(DR_ACCESS, DR, LEN | QUAL, vmx_decode_dr),
	ROW(IO_INSTRUCTION, IO, LEN | QUAL, vmx_decode_io),
	ROW(MSR_READ, MSR, LEN),
	ROW(MSR_WRITE, MSR, LEN, vmx_decode_wrmsr),
	ROW(INVALID_STATE, ENTRY_FAILED, QUAL),
	ROW(MSR_LOAD_FAIL, ENTRY_FAILED, QUAL),
	ROW(MWAIT_INSTRUCTION, MWAIT, LEN | QUAL),
	ROW(MONITOR_TRAP_FLAG, MTF, 0),
	ROW(MONITOR_INSTRUCTION, MONITOR, LEN),
	ROW(PAUSE_INSTRUCTION, PAUSE, LEN),
	ROW(MCE_DURING_VMENTRY, ENTRY_FAILED, QUAL),
	ROW(TPR_BELOW_THRESHOLD, TPR, 0),
	ROW(APIC_ACCESS, APIC_ACCESS, QUAL, vmx_decode_apic_access),
	ROW(EOI_INDUCED, EOI, QUAL),
	ROW(GDTR_IDTR, DTABLE, LEN | QUAL),
	ROW(LDTR_TR, DTABLE, LEN | QUAL),
	ROW(EPT_VIOLATION, TDP_FAULT, QUAL, vmx_decode_ept_violation),
	ROW(EPT_MISCONFIG, TDP_MISCONFIG, 0, vmx_decode_ept_misconfig),
	ROW(INVEPT, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(RDTSCP, RDTSC, LEN, vmx_decode_rdtscp),
	ROW(PREEMPTION_TIMER, NONE, 0, vmx_decode_timer),
	ROW(INVVPID, VMX_INSN, LEN | QUAL, vmx_decode_isa),
	ROW(WBINVD, CACHE, LEN),
	ROW(XSETBV, XSETBV, LEN),
	ROW(APIC_WRITE, APIC_WRITE, QUAL, vmx_decode_apic_write),
	ROW(RDRAND, RANDOM, LEN, vmx_decode_random),
	ROW(INVPCID, INVPCID, LEN | QUAL),
	ROW(VMFUNC, UNKNOWN, LEN),
	ROW(ENCLS, UNKNOWN, LEN),
	ROW(RDSEED, RANDOM, LEN, vmx_decode_random),
	ROW(PML_FULL, PML_FULL, QUAL),
	ROW(XSAVES, UNKNOWN, LEN),
	ROW(XRSTORS, UNKNOWN, LEN),
	ROW(UMWAIT, UNKNOWN, LEN),
	ROW(TPAUSE, UNKNOWN, LEN),
	ROW(BUS_LOCK, UNKNOWN, 0),
	ROW(NOTIFY, UNKNOWN, QUAL),
};

#define VMX_BASIC_REASON	GENMASK(15, 0)

static const struct vmx_exit_row *vmx_exit_row(u32 reason)
{
	u32 basic = reason & VMX_BASIC_REASON;

	if (basic >= ARRAY_SIZE(vmx_exits) || !vmx_exits[basic].name)
		return NULL;
	return &vmx_exits[basic];
}

/**
 * vmx_exit_name() - an exit reason in words
 * @reason: the VMCS field, high bits and all
 *
 * Return: SDM3's name as <asm/vmx.h> spells it, "unknown" for a new one.
 */
const char *vmx_exit_name(u32 reason)
{
	const struct vmx_exit_row *row = vmx_exit_row(reason);

	return row ? row->name : "unknown";
}

static void vmx_read_intr_info(struct vmx_exit_ctx *ctx)
{
	ctx->intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
	ctx->exit->intr_info = ctx->intr_info;
	if (ctx->intr_info & INTR_INFO_DELIVER_CODE_MASK)
		ctx->exit->intr_error = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
}

/**
 * vmx_decode_exit() - turn the exit information of the current VMCS neutral
 * @vcpu: vCPU that just left the guest
 * @exit: zeroed; is filled
 * @reason: exit reason; the entry was successful
 * @vectoring: IDT-vectoring information
 */
void vmx_decode_exit(struct nst_vcpu *vcpu, struct nst_exit *exit, u32 reason, u32 vectoring)
{
	const struct vmx_exit_row *row = vmx_exit_row(reason);
	struct vmx_exit_ctx ctx = {
		.vcpu = vcpu,
		.exit = exit,
		.vectoring = vectoring,
	};

	exit->raw_reason = reason;
	exit->kind = row ? row->kind : NST_EXIT_UNKNOWN;
	if (!row || (row->flags & VMX_HAS_QUAL)) {
		ctx.qual = vmcs_readl(EXIT_QUALIFICATION);
		exit->info1 = ctx.qual;
	}
	if (!row)
		return;
	if (row->flags & VMX_HAS_LEN)
		exit->insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
	if (row->kind == NST_EXIT_EXCEPTION)
		vmx_read_intr_info(&ctx);
	if (row->decode)
		row->decode(&ctx);
	vmx_note_iret_fault(reason & VMX_BASIC_REASON, ctx.intr_info, vectoring, ctx.qual);
}
