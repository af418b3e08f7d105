// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exits of L2: which of them L1 asked for, and what it is told.  One row a
 * neutral kind: the control that makes it L1's, or a function where more than
 * a bit decides; the exit reason; what fills in the rest.
 * SDM3 "Instructions That Cause VM Exits", "Exit Qualification".
 */
#include "../nestor.h"
#include <linux/string.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "evmcs.h"
#include "nvmx.h"
#include "trace.h"

/**
 * struct nvmx_exit_row - one kind of exit
 * @reason: EXIT_REASON_*
 * @proc: primary control that makes it L1's
 * @proc2: secondary control that does
 * @always: it is L1's whatever its controls are
 * @insn: the exit carries the length of the instruction
 * @wants: decides instead of the controls
 * @fill: adds to what L1 is told
 */
struct nvmx_exit_row {
	u8 reason;
	bool always;
	bool insn;
	u32 proc;
	u32 proc2;
	bool (*wants)(struct nst_vcpu *vcpu, const struct nst_exit *exit);
	void (*fill)(struct nst_vcpu *vcpu, const struct nst_exit *exit, struct nvmx_exit *out);
};

/* ---- exceptions ---- */

/* SDM3 "Exception Bitmap": error code, mask and match decide what bit 14 means. */
static bool nvmx_wants_pf(const struct nvmx_vmcs12 *v, u32 error_code)
{
	bool match = (error_code & v->pf_mask) == v->pf_match;

	return match == !!(v->exception_bitmap & BIT(X86_TRAP_PF));
}

static bool nvmx_wants_exception(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	if (exit->exception.vector == X86_TRAP_PF)
		return nvmx_wants_pf(v, exit->exception.error_code);
	return v->exception_bitmap & BIT(exit->exception.vector & 31);
}

/* DR6 bits in the format of the exit qualification: the same bits are used. */
static void nvmx_fill_exception(struct nst_vcpu *vcpu, const struct nst_exit *exit,
				struct nvmx_exit *out)
{
	u8 vector = exit->exception.vector;
	bool soft = vector == X86_TRAP_BP || vector == X86_TRAP_OF;

	out->intr_info = INTR_INFO_VALID_MASK | vector |
			 (exit->exception.int1 ? INTR_TYPE_PRIV_SW_EXCEPTION :
			  soft ? INTR_TYPE_SOFT_EXCEPTION : INTR_TYPE_HARD_EXCEPTION);
	if (exit->exception.has_error && nst_protected(vcpu)) {
		out->intr_info |= INTR_INFO_DELIVER_CODE_MASK;
		out->intr_error = (u16)exit->exception.error_code;
	}
	if (vector == X86_TRAP_PF || vector == X86_TRAP_DB)
		out->qualification = exit->exception.payload;
	if (soft || exit->exception.int1)
		out->insn_len = nst_nested_next_rip(vcpu, exit) - vcpu->st.rip;
}

/* ---- interrupts of L1 ---- */

static void nvmx_fill_interrupt(struct nst_vcpu *vcpu, const struct nst_exit *exit,
				struct nvmx_exit *out)
{
	int vector;

	if (!(to_nvmx(vcpu)->v->exit_ctls & VM_EXIT_ACK_INTR_ON_EXIT))
		return;
	vector = nst_nested_ack_irq(vcpu);
	if (vector >= 0)
		out->intr_info = INTR_INFO_VALID_MASK | INTR_TYPE_EXT_INTR | vector;
}

static void nvmx_fill_nmi(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			  struct nvmx_exit *out)
{
	nst_nested_take_nmi(vcpu);
	out->intr_info = INTR_INFO_VALID_MASK | INTR_TYPE_NMI_INTR | X86_TRAP_NMI;
}

static void nvmx_fill_init(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			   struct nvmx_exit *out)
{
	nst_nested_take_init(vcpu);
}

/* L0 may have opened the window for itself. */
static bool nvmx_wants_window(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	const struct nst_state *st = &vcpu->st;

	if (exit->kind == NST_EXIT_NMI_WINDOW)
		return nvmx_has_proc(v, CPU_BASED_NMI_WINDOW_EXITING) && !st->nmi_blocked &&
		       !st->movss_shadow;
	return nvmx_has_proc(v, CPU_BASED_INTR_WINDOW_EXITING) &&
	       (st->rflags & X86_EFLAGS_IF) && !st->sti_shadow && !st->movss_shadow;
}

/* ---- I/O and MSR bitmaps ---- */

#define NVMX_IO_HALF		0x8000u
#define NVMX_IO_PORTS		0x10000u

/**
 * nvmx_bit_in_l1() - look up a bit of a bitmap of L1's
 * @vcpu: loaded vCPU, srcu held; may sleep
 * @bitmap: its address in L1's memory
 * @bit: which
 *
 * Return: the bit; true where nothing can be read.
 */
bool nvmx_bit_in_l1(struct nst_vcpu *vcpu, u64 bitmap, u32 bit)
{
	u8 byte;

	if (nst_vcpu_read_gpa(vcpu, nst_gpa(bitmap + bit / 8), &byte, sizeof(byte)))
		return true;
	return byte & BIT(bit % 8);
}

static bool nvmx_wants_io(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	if (!nvmx_has_proc(v, CPU_BASED_USE_IO_BITMAPS))
		return nvmx_has_proc(v, CPU_BASED_UNCOND_IO_EXITING);
	for (u32 port = exit->io.port; port < exit->io.port + exit->io.size; port++) {
		/* An access that wraps around exits always. */
		if (port >= NVMX_IO_PORTS)
			return true;
		if (nvmx_bit_in_l1(vcpu, port < NVMX_IO_HALF ? v->io_bitmap_a : v->io_bitmap_b,
				   port % NVMX_IO_HALF))
			return true;
	}
	return false;
}

/* Exit qualification for I/O instructions. */
#define NVMX_IO_IN		BIT(3)
#define NVMX_IO_STRING		BIT(4)
#define NVMX_IO_REP		BIT(5)
#define NVMX_IO_IMMEDIATE	BIT(6)
#define NVMX_IO_PORT_SHIFT	16

/* IN and OUT with an immediate port are two bytes, and a prefix for another size. */
static bool nvmx_io_immediate(struct nst_vcpu *vcpu, const struct nst_exit *exit, u32 len)
{
	bool wide = nst_code64(vcpu) || (vcpu->st.seg[NST_CS].ar & NST_AR_DB);
	bool prefix = wide ? exit->io.size == 2 : exit->io.size == 4;

	return !exit->io.string && len - prefix == 2;
}

/* VM-exit instruction information, SDM3 "VM-Exit Instruction Information". */
#define NVMX_INFO_REG1_SHIFT	3
#define NVMX_INFO_ADDR_SHIFT	7
#define NVMX_INFO_REGISTER	BIT(10)
#define NVMX_INFO_OP32		BIT(11)
#define NVMX_INFO_OPSIZE_SHIFT	11	/* RDRAND and RDSEED: 0 for 16 bits, 1 for 32, 2 for 64 */
#define NVMX_INFO_SEG_SHIFT	15
#define NVMX_INFO_INDEX_SHIFT	18
#define NVMX_INFO_NO_INDEX	BIT(22)
#define NVMX_INFO_BASE_SHIFT	23
#define NVMX_INFO_NO_BASE	BIT(27)
#define NVMX_INFO_REG2_SHIFT	28

/* Where the operand in memory is, before anybody has looked if it may be there. */
static void nvmx_fill_io_string(struct nst_vcpu *vcpu, const struct nst_exit *exit,
				struct nvmx_exit *out)
{
	const struct nst_state *st = &vcpu->st;
	struct nst_operand op;
	u8 seg;
	u64 ea;

	if (!nst_insn_decode(vcpu, &op))
		return;
	seg = exit->io.in ? NST_ES : op.seg;
	ea = st->gpr[exit->io.in ? NST_RDI : NST_RSI];
	if (op.adsize < sizeof(ea))
		ea &= BIT_ULL(op.adsize * 8) - 1;
	if (!nst_code64(vcpu) || seg == NST_FS || seg == NST_GS)
		ea += st->seg[seg].base;
	out->linear = nst_code64(vcpu) ? ea : (u32)ea;
	out->insn_info = ilog2(op.adsize / 2) << NVMX_INFO_ADDR_SHIFT |
			 (exit->io.in ? 0 : seg << NVMX_INFO_SEG_SHIFT);
}

static void nvmx_fill_io(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			 struct nvmx_exit *out)
{
	out->qualification = (exit->io.size - 1) | (exit->io.in ? NVMX_IO_IN : 0) |
			     (exit->io.string ? NVMX_IO_STRING : 0) |
			     (exit->io.rep ? NVMX_IO_REP : 0) |
			     (nvmx_io_immediate(vcpu, exit, out->insn_len) ?
			      NVMX_IO_IMMEDIATE : 0) |
			     (u64)exit->io.port << NVMX_IO_PORT_SHIFT;
	if (exit->io.string)
		nvmx_fill_io_string(vcpu, exit, out);
}

/* The MSR bitmap: four parts of 1 KiB, SDM3 "MSR-Bitmap Address". */
#define NVMX_MSR_HIGH_FIRST	0xc0000000u
#define NVMX_MSR_RANGE		0x2000u
#define NVMX_MSR_PART_BITS	(1024 * 8)

static bool nvmx_wants_msr(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u32 msr = exit->raw_reason == NST_EXIT_BY_SOFTWARE ? exit->msr.index :
							     (u32)vcpu->st.gpr[NST_RCX];
	u32 bit = msr;

	if (!nvmx_has_proc(v, CPU_BASED_USE_MSR_BITMAPS))
		return true;
	if (msr >= NVMX_MSR_HIGH_FIRST)
		bit = msr - NVMX_MSR_HIGH_FIRST + NVMX_MSR_PART_BITS;
	if (bit % NVMX_MSR_PART_BITS != (msr & (NVMX_MSR_RANGE - 1)) ||
	    bit >= 2 * NVMX_MSR_PART_BITS || (msr < NVMX_MSR_HIGH_FIRST && msr >= NVMX_MSR_RANGE))
		return true;
	if (exit->msr.write)
		bit += 2 * NVMX_MSR_PART_BITS;
	if (nvmx_evmcs_active(vcpu) && nvmx_evmcs(vcpu)->has_bitmap)
		return nvmx_evmcs(vcpu)->bitmap[bit / 8] & BIT(bit % 8);
	return nvmx_bit_in_l1(vcpu, v->msr_bitmap, bit);
}

static void nvmx_fill_msr(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			  struct nvmx_exit *out)
{
	out->reason = exit->msr.write ? EXIT_REASON_MSR_WRITE : EXIT_REASON_MSR_READ;
}

/* ---- control and debug registers ---- */

static u64 nvmx_cr_operand(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	u64 val = vcpu->st.gpr[exit->cr.gpr & 0xf];

	if (exit->raw_reason == NST_EXIT_BY_SOFTWARE)
		return exit->cr.val;
	return nst_code64(vcpu) ? val : (u32)val;
}

static bool nvmx_wants_cr3_write(const struct nvmx_vmcs12 *v, u64 val)
{
	const u64 targets[NVMX_CR3_TARGETS] = {
		v->cr3_target0, v->cr3_target1, v->cr3_target2, v->cr3_target3,
	};

	if (!nvmx_has_proc(v, CPU_BASED_CR3_LOAD_EXITING))
		return false;
	for (u32 i = 0; i < min_t(u32, v->cr3_target_count, NVMX_CR3_TARGETS); i++)
		if (targets[i] == val)
			return false;
	return true;
}

static bool nvmx_wants_cr_write(const struct nvmx_vmcs12 *v, u8 cr, u64 val)
{
	switch (cr) {
	case 0:
		return (val ^ v->cr0_shadow) & v->cr0_mask;
	case 3:
		return nvmx_wants_cr3_write(v, val);
	case 4:
		return (val ^ v->cr4_shadow) & v->cr4_mask;
	default:
		return nvmx_has_proc(v, CPU_BASED_CR8_LOAD_EXITING);
	}
}

static bool nvmx_wants_cr_read(const struct nvmx_vmcs12 *v, u8 cr)
{
	if (cr == 3)
		return nvmx_has_proc(v, CPU_BASED_CR3_STORE_EXITING);
	return cr == 8 && nvmx_has_proc(v, CPU_BASED_CR8_STORE_EXITING);
}

/* LMSW sets PE but never clears it. */
static bool nvmx_wants_lmsw(const struct nvmx_vmcs12 *v, u16 val)
{
	const u64 rest = X86_CR0_MP | X86_CR0_EM | X86_CR0_TS;

	if (val & v->cr0_mask & ~v->cr0_shadow & X86_CR0_PE)
		return true;
	return (val ^ v->cr0_shadow) & v->cr0_mask & rest;
}

static bool nvmx_wants_cr(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	/* The emulator will find out, and ask again. */
	if (exit->cr.need_decode)
		return false;
	switch (exit->cr.op) {
	case NST_CR_WRITE:
		return nvmx_wants_cr_write(v, exit->cr.cr, nvmx_cr_operand(vcpu, exit));
	case NST_CR_READ:
		return nvmx_wants_cr_read(v, exit->cr.cr);
	case NST_CR_CLTS:
		return v->cr0_mask & v->cr0_shadow & X86_CR0_TS;
	case NST_CR_LMSW:
		return nvmx_wants_lmsw(v, exit->cr.lmsw);
	default:
		return false;
	}
}

/* Exit qualification for control-register accesses. */
#define NVMX_CR_TYPE_SHIFT	4
#define NVMX_CR_LMSW_MEMORY	BIT(6)
#define NVMX_CR_GPR_SHIFT	8

static void nvmx_fill_cr(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			 struct nvmx_exit *out)
{
	static const u8 types[] = {
		[NST_CR_WRITE] = 0, [NST_CR_READ] = 1, [NST_CR_CLTS] = 2, [NST_CR_LMSW] = 3,
	};

	out->qualification = exit->cr.cr | types[exit->cr.op] << NVMX_CR_TYPE_SHIFT;
	if (exit->cr.op == NST_CR_WRITE || exit->cr.op == NST_CR_READ)
		out->qualification |= exit->cr.gpr << NVMX_CR_GPR_SHIFT;
	if (exit->cr.op == NST_CR_LMSW)
		out->qualification |= (u64)exit->cr.lmsw << LMSW_SOURCE_DATA_SHIFT |
				      (exit->cr.lmsw_mem ? NVMX_CR_LMSW_MEMORY : 0);
}

static void nvmx_fill_dr(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			 struct nvmx_exit *out)
{
	u8 gpr = exit->dr.gpr;
	struct nst_operand op;

	/* It has just been carried out this far, so it can be decoded. */
	if (exit->dr.need_decode && nst_insn_decode(vcpu, &op))
		gpr = op.rm;
	out->qualification = exit->dr.dr | (exit->dr.read ? TYPE_MOV_FROM_DR : TYPE_MOV_TO_DR) |
			     gpr << NVMX_CR_GPR_SHIFT;
}

/* ---- instructions with operands ---- */

/**
 * nvmx_insn_info() - operands in the format of the VM-exit instruction information
 * @op: the operands
 * @is_dtable: LGDT and its kin, whose operand size counts
 *
 * Return: the field.
 */
u32 nvmx_insn_info(const struct nst_operand *op, bool is_dtable)
{
	u32 info = ilog2(op->adsize / 2) << NVMX_INFO_ADDR_SHIFT |
		   (u32)op->reg << NVMX_INFO_REG2_SHIFT;

	if (!op->mem)
		return info | NVMX_INFO_REGISTER | op->rm << NVMX_INFO_REG1_SHIFT;
	if (is_dtable && op->opsize != 2)
		info |= NVMX_INFO_OP32;
	info |= op->seg << NVMX_INFO_SEG_SHIFT;
	info |= op->has_index ? op->scale | op->index << NVMX_INFO_INDEX_SHIFT :
				NVMX_INFO_NO_INDEX;
	return info | (op->has_base ? op->base << NVMX_INFO_BASE_SHIFT : NVMX_INFO_NO_BASE);
}

static void nvmx_fill_operands(struct nst_vcpu *vcpu, struct nvmx_exit *out, bool is_dtable,
			       struct nst_operand *op)
{
	if (!nst_insn_decode(vcpu, op))
		return;
	out->insn_info = nvmx_insn_info(op, is_dtable);
	if (op->mem)
		out->qualification = op->disp;
}

static const u8 nvmx_insn_reasons[] = {
	[NST_INSN_VMCALL] = EXIT_REASON_VMCALL,
	[NST_INSN_VMCLEAR] = EXIT_REASON_VMCLEAR,
	[NST_INSN_VMLAUNCH] = EXIT_REASON_VMLAUNCH,
	[NST_INSN_VMPTRLD] = EXIT_REASON_VMPTRLD,
	[NST_INSN_VMPTRST] = EXIT_REASON_VMPTRST,
	[NST_INSN_VMREAD] = EXIT_REASON_VMREAD,
	[NST_INSN_VMRESUME] = EXIT_REASON_VMRESUME,
	[NST_INSN_VMWRITE] = EXIT_REASON_VMWRITE,
	[NST_INSN_VMXOFF] = EXIT_REASON_VMOFF,
	[NST_INSN_VMXON] = EXIT_REASON_VMON,
	[NST_INSN_VMFUNC] = EXIT_REASON_VMFUNC,
	[NST_INSN_INVEPT] = EXIT_REASON_INVEPT,
	[NST_INSN_INVVPID] = EXIT_REASON_INVVPID,
};

/* In a mode in which they do not exist, they do not exit either. */
static bool nvmx_wants_vmx_insn(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return nvmx_insn_exists(vcpu, exit->insn.which) && !nvmx_shadows(vcpu, exit);
}

static void nvmx_fill_sipi(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			   struct nvmx_exit *out)
{
	out->qualification = exit->sipi.vector;
}

static void nvmx_fill_vmx_insn(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			       struct nvmx_exit *out)
{
	enum nst_isa_insn insn = exit->insn.which;
	struct nst_operand op;

	out->reason = nvmx_insn_reasons[insn];
	if (insn != NST_INSN_VMLAUNCH && insn != NST_INSN_VMRESUME && insn != NST_INSN_VMXOFF &&
	    insn != NST_INSN_VMFUNC)
		nvmx_fill_operands(vcpu, out, false, &op);
}

static bool nvmx_wants_hypercall(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return exit->insn.which == NST_INSN_VMCALL;
}

static bool nvmx_wants_invpcid(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	return nvmx_has_proc2(v, SECONDARY_EXEC_ENABLE_INVPCID) &&
	       nvmx_has_proc(v, CPU_BASED_INVLPG_EXITING);
}

static void nvmx_fill_invpcid(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			      struct nvmx_exit *out)
{
	struct nst_operand op;

	nvmx_fill_operands(vcpu, out, false, &op);
}

static bool nvmx_wants_random(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return nvmx_has_proc2(to_nvmx(vcpu)->v, exit->random.seed ?
			      SECONDARY_EXEC_RDSEED_EXITING : SECONDARY_EXEC_RDRAND_EXITING);
}

static void nvmx_fill_random(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			     struct nvmx_exit *out)
{
	const struct nst_operand *op = &exit->random.op;

	out->reason = exit->random.seed ? EXIT_REASON_RDSEED : EXIT_REASON_RDRAND;
	out->insn_info = op->rm << NVMX_INFO_REG1_SHIFT |
			 ilog2(op->opsize / 2) << NVMX_INFO_OPSIZE_SHIFT;
}

/* Bits 29:28 of the instruction information say which instruction it was. */
static void nvmx_fill_dtable(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			     struct nvmx_exit *out)
{
	bool ldt_or_tr = exit->dtable.table == NST_TABLE_LDT || exit->dtable.table == NST_TABLE_TR;
	bool second = exit->dtable.table == NST_TABLE_IDT || exit->dtable.table == NST_TABLE_TR;
	struct nst_operand op;

	nvmx_fill_operands(vcpu, out, !ldt_or_tr, &op);
	out->reason = ldt_or_tr ? EXIT_REASON_LDTR_TR : EXIT_REASON_GDTR_IDTR;
	out->insn_info &= ~GENMASK(31, NVMX_INFO_REG2_SHIFT);
	out->insn_info |= (second | exit->dtable.write << 1) << NVMX_INFO_REG2_SHIFT;
}

/* Hardware that does not say which table leaves it to the emulator to ask again. */
static bool nvmx_wants_dtable(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return exit->raw_reason == NST_EXIT_BY_SOFTWARE &&
	       nvmx_has_proc2(to_nvmx(vcpu)->v, SECONDARY_EXEC_DESC);
}

static bool nvmx_wants_invlpg(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return exit->invlpg.valid && nvmx_has_proc(to_nvmx(vcpu)->v, CPU_BASED_INVLPG_EXITING);
}

static void nvmx_fill_invlpg(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			     struct nvmx_exit *out)
{
	out->qualification = exit->invlpg.gva;
}

static bool nvmx_wants_cache(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	return exit->cache.invd ||
	       nvmx_has_proc2(to_nvmx(vcpu)->v, SECONDARY_EXEC_WBINVD_EXITING);
}

static void nvmx_fill_cache(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			    struct nvmx_exit *out)
{
	out->reason = exit->cache.invd ? EXIT_REASON_INVD : EXIT_REASON_WBINVD;
}

static void nvmx_fill_rdtsc(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			    struct nvmx_exit *out)
{
	out->reason = exit->rdtsc.rdtscp ? EXIT_REASON_RDTSCP : EXIT_REASON_RDTSC;
}

#define NVMX_TASK_SOURCE_SHIFT	30

static void nvmx_fill_task(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			   struct nvmx_exit *out)
{
	static const u8 sources[] = {
		[NST_TS_CALL] = 0, [NST_TS_IRET] = 1, [NST_TS_JMP] = 2, [NST_TS_GATE] = 3,
	};

	out->qualification = exit->task.selector |
			     (u64)sources[exit->task.source] << NVMX_TASK_SOURCE_SHIFT;
	if (exit->task.source != NST_TS_GATE)
		out->insn_len = nst_nested_next_rip(vcpu, exit) - vcpu->st.rip;
}

/* ---- the virtual APIC ---- */

/* Exit qualification for APIC-access VM exits: the kind of access in bits 15:12. */
#define NVMX_APIC_WRITE		BIT(12)
#define NVMX_APIC_FETCH		BIT(13)

static void nvmx_fill_apic_access(struct nst_vcpu *vcpu, const struct nst_exit *exit,
				  struct nvmx_exit *out)
{
	out->qualification = exit->apic.offset;
	if (exit->apic.fetch)
		out->qualification |= NVMX_APIC_FETCH;
	else if (exit->apic.write)
		out->qualification |= NVMX_APIC_WRITE;
}

static void nvmx_fill_apic(struct nst_vcpu *vcpu, const struct nst_exit *exit,
			   struct nvmx_exit *out)
{
	out->qualification = exit->apic.offset;
}

/* ---- paging ---- */

static void nvmx_fill_violation(struct nst_vcpu *vcpu, const struct nst_exit *exit,
				struct nvmx_exit *out)
{
	const struct nst_stage2_fault *f = nst_mmu_stage2_fault(vcpu);

	if (f->log_full) {
		out->reason = EXIT_REASON_PML_FULL;
		return;
	}
	out->physical = (__force u64)f->gpa;
	if (f->malformed) {
		out->reason = EXIT_REASON_EPT_MISCONFIG;
		return;
	}
	out->qualification = (f->access & (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X)) |
			     (f->rights & (NST_ACCESS_R | NST_ACCESS_W | NST_ACCESS_X)) <<
			     EPT_VIOLATION_RWX_SHIFT;
	if (!f->gva_valid)
		return;
	out->linear = f->gva;
	out->qualification |= EPT_VIOLATION_GVA_IS_VALID |
			      (f->in_page_walk ? 0 : EPT_VIOLATION_GVA_TRANSLATED);
}

/* ---- the table ---- */

static const struct nvmx_exit_row nvmx_rows[NST_NR_EXIT_KINDS] = {
	[NST_EXIT_EXCEPTION] = { .reason = EXIT_REASON_EXCEPTION_NMI,
		.wants = nvmx_wants_exception, .fill = nvmx_fill_exception },
	[NST_EXIT_HOST_IRQ] = { .reason = EXIT_REASON_EXTERNAL_INTERRUPT,
		.fill = nvmx_fill_interrupt },
	[NST_EXIT_HOST_NMI] = { .reason = EXIT_REASON_EXCEPTION_NMI, .fill = nvmx_fill_nmi },
	[NST_EXIT_INIT] = { .reason = EXIT_REASON_INIT_SIGNAL, .always = true,
		.fill = nvmx_fill_init },
	[NST_EXIT_SIPI] = { .reason = EXIT_REASON_SIPI_SIGNAL, .fill = nvmx_fill_sipi },
	[NST_EXIT_TRIPLE_FAULT] = { .reason = EXIT_REASON_TRIPLE_FAULT, .always = true },
	[NST_EXIT_IRQ_WINDOW] = { .reason = EXIT_REASON_INTERRUPT_WINDOW,
		.wants = nvmx_wants_window },
	[NST_EXIT_NMI_WINDOW] = { .reason = EXIT_REASON_NMI_WINDOW,
		.wants = nvmx_wants_window },
	[NST_EXIT_MTF] = { .reason = EXIT_REASON_MONITOR_TRAP_FLAG,
		.proc = CPU_BASED_MONITOR_TRAP_FLAG },
	[NST_EXIT_PREEMPTION_TIMER] = { .reason = EXIT_REASON_PREEMPTION_TIMER },
	[NST_EXIT_TPR] = { .reason = EXIT_REASON_TPR_BELOW_THRESHOLD },
	[NST_EXIT_APIC_ACCESS] = { .reason = EXIT_REASON_APIC_ACCESS, .insn = true,
		.fill = nvmx_fill_apic_access },
	[NST_EXIT_APIC_WRITE] = { .reason = EXIT_REASON_APIC_WRITE, .fill = nvmx_fill_apic },
	[NST_EXIT_EOI] = { .reason = EXIT_REASON_EOI_INDUCED, .fill = nvmx_fill_apic },
	[NST_EXIT_HLT] = { .reason = EXIT_REASON_HLT, .insn = true,
		.proc = CPU_BASED_HLT_EXITING },
	[NST_EXIT_IO] = { .reason = EXIT_REASON_IO_INSTRUCTION, .insn = true,
		.wants = nvmx_wants_io, .fill = nvmx_fill_io },
	[NST_EXIT_CPUID] = { .reason = EXIT_REASON_CPUID, .insn = true, .always = true },
	[NST_EXIT_MSR] = { .reason = EXIT_REASON_MSR_READ, .insn = true,
		.wants = nvmx_wants_msr, .fill = nvmx_fill_msr },
	[NST_EXIT_CR] = { .reason = EXIT_REASON_CR_ACCESS, .insn = true,
		.wants = nvmx_wants_cr, .fill = nvmx_fill_cr },
	[NST_EXIT_DR] = { .reason = EXIT_REASON_DR_ACCESS, .insn = true,
		.proc = CPU_BASED_MOV_DR_EXITING, .fill = nvmx_fill_dr },
	[NST_EXIT_RDTSC] = { .reason = EXIT_REASON_RDTSC, .insn = true,
		.proc = CPU_BASED_RDTSC_EXITING, .fill = nvmx_fill_rdtsc },
	[NST_EXIT_RDPMC] = { .reason = EXIT_REASON_RDPMC, .insn = true,
		.proc = CPU_BASED_RDPMC_EXITING },
	[NST_EXIT_INVLPG] = { .reason = EXIT_REASON_INVLPG, .insn = true,
		.wants = nvmx_wants_invlpg, .fill = nvmx_fill_invlpg },
	[NST_EXIT_INVPCID] = { .reason = EXIT_REASON_INVPCID, .insn = true,
		.wants = nvmx_wants_invpcid, .fill = nvmx_fill_invpcid },
	[NST_EXIT_CACHE] = { .reason = EXIT_REASON_WBINVD, .insn = true,
		.wants = nvmx_wants_cache, .fill = nvmx_fill_cache },
	[NST_EXIT_PAUSE] = { .reason = EXIT_REASON_PAUSE_INSTRUCTION, .insn = true,
		.proc = CPU_BASED_PAUSE_EXITING },
	[NST_EXIT_MWAIT] = { .reason = EXIT_REASON_MWAIT_INSTRUCTION, .insn = true,
		.proc = CPU_BASED_MWAIT_EXITING },
	[NST_EXIT_MONITOR] = { .reason = EXIT_REASON_MONITOR_INSTRUCTION, .insn = true,
		.proc = CPU_BASED_MONITOR_EXITING },
	[NST_EXIT_XSETBV] = { .reason = EXIT_REASON_XSETBV, .insn = true, .always = true },
	[NST_EXIT_TASK_SWITCH] = { .reason = EXIT_REASON_TASK_SWITCH, .always = true,
		.fill = nvmx_fill_task },
	[NST_EXIT_TDP_FAULT] = { .reason = EXIT_REASON_EPT_VIOLATION,
		.fill = nvmx_fill_violation },
	[NST_EXIT_HYPERCALL] = { .reason = EXIT_REASON_VMCALL, .insn = true,
		.wants = nvmx_wants_hypercall },
	[NST_EXIT_VMX_INSN] = { .reason = EXIT_REASON_VMCALL, .insn = true,
		.wants = nvmx_wants_vmx_insn, .fill = nvmx_fill_vmx_insn },
	[NST_EXIT_RANDOM] = { .reason = EXIT_REASON_RDRAND, .insn = true,
		.wants = nvmx_wants_random, .fill = nvmx_fill_random },
	[NST_EXIT_DTABLE] = { .reason = EXIT_REASON_GDTR_IDTR, .insn = true,
		.wants = nvmx_wants_dtable, .fill = nvmx_fill_dtable },
};

/**
 * nvmx_wants() - does L1 want this exit of L2?
 * @vcpu: loaded vCPU, L2 current
 * @exit: the exit
 *
 * Return: true when L1's controls make it L1's.
 */
bool nvmx_wants(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	const struct nvmx_exit_row *row = &nvmx_rows[exit->kind];

	if (row->wants)
		return row->wants(vcpu, exit);
	return row->always || (v->proc & row->proc) || nvmx_has_proc2(v, row->proc2);
}

/*
 * RF as L1 sees it, SDM3 "Saving RIP, RSP, RFLAGS, and SSP": clear where an instruction
 * exits, set where it begins again. Where a frame is not pushed, as that would have it.
 */
static void nvmx_resume_flag(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	struct nst_state *st = &vcpu->st;
	bool set = st->rflags & X86_EFLAGS_RF;

	switch (exit->kind) {
	case NST_EXIT_TDP_FAULT:
	case NST_EXIT_APIC_ACCESS:
		if (vcpu->ev.exception.injected)
			set |= nst_is_fault(vcpu->ev.exception.vector);
		else if (!nst_event_committed(vcpu))
			set = true;
		break;
	case NST_EXIT_EXCEPTION:
		set |= nst_is_fault(exit->exception.vector);
		break;
	default:
		set &= !nvmx_rows[exit->kind].insn;
	}
	st->rflags &= ~(u64)X86_EFLAGS_RF;
	if (set)
		st->rflags |= X86_EFLAGS_RF;
}

/**
 * nvmx_reflect() - an exit of L2 becomes a VM exit to L1
 * @vcpu: loaded vCPU, L2 current
 * @exit: the exit
 *
 * Return: what to do next, in L1.
 */
enum nst_next nvmx_reflect(struct nst_vcpu *vcpu, const struct nst_exit *exit)
{
	const struct nvmx_exit_row *row = &nvmx_rows[exit->kind];
	struct nvmx_exit out = { .reason = row->reason };

	nst_pull(vcpu, NST_STATE_ALL);
	if (row->insn)
		out.insn_len = nst_nested_next_rip(vcpu, exit) - vcpu->st.rip;
	nvmx_resume_flag(vcpu, exit);
	if (row->fill)
		row->fill(vcpu, exit, &out);
	trace_nested_exit(vcpu->id, exit->kind, vcpu->st.rip, out.reason, out.qualification);
	nvmx_leave(vcpu, &out);
	return NST_ENTER;
}
