// SPDX-License-Identifier: GPL-2.0-only
/* Where VMRUN is different for a reason that deviations.rst gives. */
#include "compare.h"
#include "gen_svm.h"

#define EFER_FFXSR		(1ul << 14)
#define DR6_RESERVED		0xffff0ff0ul
#define DR6_ZERO		(1ul << 12)
#define DR7_RESERVED		(1ul << 10 | 1ul << 11 | 1ul << 12 | 1ul << 14 | 1ul << 15)
#define CR0_RESERVED		0x1ffaffc0ul
#define IOIO_ADDRESS_SIZE	0x380ul

static const struct vmcb *vmcb_of(u32 number)
{
	static struct vmcb vmcb;
	struct svm_case c = { .vmcb = &vmcb };

	svm_generate(&compare_params, number, &c);
	return &vmcb;
}

static bool only_here_refused(const struct oracle_record *direct,
			      const struct oracle_record *here)
{
	return direct->result == RESULT_EXIT && here->result == RESULT_REFUSED;
}

static bool ran_in_both(const struct oracle_record *direct, const struct oracle_record *here)
{
	return direct->result == RESULT_EXIT && here->result == RESULT_EXIT;
}

static bool bad_efer(u32 number, const struct oracle_record *direct,
		     const struct oracle_record *here)
{
	return only_here_refused(direct, here) &&
	       (vmcb_of(number)->efer & ~compare_params.have[CAP_EFER]);
}

static bool bad_cr4(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	return only_here_refused(direct, here) &&
	       (vmcb_of(number)->cr4 & ~compare_params.have[CAP_CR4]);
}

static bool last_msrpm(u32 number, const struct oracle_record *direct,
		       const struct oracle_record *here)
{
	u64 end = 1ul << compare_params.have[CAP_PHYS_BITS];

	return direct->result == RESULT_REFUSED && here->result == RESULT_EXIT &&
	       vmcb_of(number)->msrpm == end - 2 * PAGE_SIZE;
}

static bool user_io(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);
	u64 dish = (v->rip & 0xfff) / MENU_STRIDE;

	return ran_in_both(direct, here) && direct->reason == EXIT_EXCP + VEC_GP &&
	       here->reason == EXIT_IOIO && v->cpl == 3 && (dish == DISH_OUT || dish == DISH_IN);
}

static bool bad_ncr3(u32 number, const struct oracle_record *direct,
		     const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);

	return only_here_refused(direct, here) && v->np_enable &&
	       v->ncr3 >> compare_params.have[CAP_PHYS_BITS];
}

static bool bad_pat(u32 number, const struct oracle_record *direct,
		    const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);
	unsigned int i;

	if (!only_here_refused(direct, here) || !v->np_enable)
		return false;
	for (i = 0; i < 64; i += 8)
		if ((v->g_pat >> i & 0xff) > 7 || (v->g_pat >> i & 6) == 2)
			return true;
	return false;
}

static bool cpl_is_not_dpl(u32 number, const struct oracle_record *direct,
			   const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);

	return ran_in_both(direct, here) && (v->cpl != (v->ss.attrib >> 5 & 3));
}

static bool lma_is_not_lme(u32 number, const struct oracle_record *direct,
			   const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);

	return ran_in_both(direct, here) && !(v->efer & EFER_LMA) != !(v->efer & EFER_LME);
}

static bool real_mode(u32 number, const struct oracle_record *direct,
		      const struct oracle_record *here)
{
	return ran_in_both(direct, here) && !(vmcb_of(number)->cr0 & CR0_PE);
}

static bool debug_registers(u32 number, const struct oracle_record *direct,
			    const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);

	return ran_in_both(direct, here) && direct->detail == here->detail &&
	       ((v->dr6 & (DR6_RESERVED | DR6_ZERO)) != DR6_RESERVED ||
		(v->dr7 & DR7_RESERVED) != 0x400);
}

static bool address_size(u32 number, const struct oracle_record *direct,
			 const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->reason == EXIT_IOIO &&
	       here->reason == EXIT_IOIO && direct->state == here->state &&
	       !(direct->qual & IOIO_ADDRESS_SIZE) &&
	       (here->qual & ~IOIO_ADDRESS_SIZE) == direct->qual;
}

static bool own_interrupt(u32 number, const struct oracle_record *direct,
			  const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);
	u64 dish = (v->rip & 0xfff) / MENU_STRIDE;

	return ran_in_both(direct, here) && direct->reason == here->reason &&
	       direct->qual == here->qual && direct->state == here->state &&
	       (dish == DISH_INT || dish == DISH_INT3 || dish == DISH_INT_3);
}

static bool vector_31(u32 number, const struct oracle_record *direct,
		      const struct oracle_record *here)
{
	u32 event = vmcb_of(number)->event_inj;

	return direct->result == RESULT_REFUSED && here->result == RESULT_EXIT &&
	       (event & (EV_VALID | 0x7ff)) == (EV_VALID | EV_EXC | 31);
}

static bool lmsw(u32 number, const struct oracle_record *direct,
		 const struct oracle_record *here)
{
	return (vmcb_of(number)->rip & 0xfff) / MENU_STRIDE == DISH_LMSW &&
	       direct->reason == EXIT_VMHLT && here->reason == EXIT_CR0_SEL;
}

static bool cr0_reserved(u32 number, const struct oracle_record *direct,
			 const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->detail == here->detail &&
	       (vmcb_of(number)->cr0 & CR0_RESERVED);
}

static bool vm86_cpl(u32 number, const struct oracle_record *direct,
		     const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);

	return ran_in_both(direct, here) && (v->rflags & RFLAGS_VM) && v->cpl != 3;
}

/* V_INTR_PRIO has to be above V_TPR. */
static bool low_priority(u32 number, const struct oracle_record *direct,
			 const struct oracle_record *here)
{
	u32 ctl = vmcb_of(number)->int_ctl;

	return ran_in_both(direct, here) && (ctl & V_IRQ) && !(ctl & V_IGN_TPR) &&
	       (ctl >> 16 & 0xf) <= (ctl & 0xf) && direct->reason != here->reason;
}

static bool virtual_interrupt(u32 number, const struct oracle_record *direct,
			      const struct oracle_record *here)
{
	return ran_in_both(direct, here) && (vmcb_of(number)->int_ctl & V_IRQ) &&
	       direct->reason == here->reason && direct->qual == here->qual &&
	       direct->state == here->state;
}

/* In 64-bit mode it writes CR8, in others CR0, behind an INC. */
static bool writes_cr8_or_cr0(u32 number, const struct oracle_record *direct,
			      const struct oracle_record *here)
{
	const struct vmcb *v = vmcb_of(number);

	return ran_in_both(direct, here) && (v->rip & 0xfff) / MENU_STRIDE == DISH_CR8 &&
	       (v->rax >> 4);
}

static bool injected_fault(u32 number, const struct oracle_record *direct,
			   const struct oracle_record *here)
{
	return ran_in_both(direct, here) && direct->reason == here->reason &&
	       direct->qual == here->qual && direct->detail == here->detail &&
	       direct->reason >= EXIT_EXCP && direct->reason < EXIT_EXCP + 32 &&
	       !(vmcb_of(number)->icpt[2] & 1u << VEC_UD);
}

const struct known known[] = {
	{ "efer_mbz", "QEMU 7.2", "\"Any MBZ bit of EFER is set\": FFXSR without the feature",
	  bad_efer },
	{ "cr4_mbz", "QEMU 7.2", "\"Any MBZ bit of CR4 is set\": PCIDE without the feature",
	  bad_cr4 },
	{ "last_msrpm", "QEMU 7.2", "a permission map may end where physical addresses end",
	  last_msrpm },
	{ "user_io", "QEMU 7.2", "IN and OUT look at the I/O map of a TSS that is busy, too",
	  user_io },
	{ "ncr3_mbz", "QEMU 7.2", "\"nCR3 has MBZ bits set\" is not looked at", bad_ncr3 },
	{ "g_pat", "QEMU 7.2",
	  "\"VMRUN fails with a VMEXIT_INVALID if [G_PAT] has an illegal type\"",
	  bad_pat },
	{ "cpl", "QEMU 7.2", "\"the CPL is taken from the CPL field, not from SS.DPL\"",
	  cpl_is_not_dpl },
	{ "lma", "QEMU 7.2", "EFER.LMA is not a copy of the VMCB's, it follows LME and CR0.PG",
	  lma_is_not_lme },
	{ "real_mode", "QEMU 7.2", "the CPL is 0 in real mode, and exceptions have no error code",
	  real_mode },
	{ "debug_registers", "QEMU 7.2", "reserved bits of DR6 and DR7 read as they are written",
	  debug_registers },
	{ "io_address_size", "QEMU 7.2", "EXITINFO1 of IOIO has the address size in bits 9:7",
	  address_size },
	{ "virtual_interrupt", "QEMU 7.2",
	  "a virtual interrupt is of type 0 in EXITINTINFO, and V_IRQ is 0 once it is taken",
	  virtual_interrupt },
	{ "vector_31", "QEMU 7.2", "vector 31 may be injected", vector_31 },
	{ "lmsw", "QEMU 7.2", "LMSW exits as a selective CR0 write whatever it writes", lmsw },
	{ "cr0_reserved", "QEMU 7.2", "reserved bits of CR0 do not stay set", cr0_reserved },
	{ "vm86_cpl", "QEMU 7.2", "the CPL is 3 in virtual-8086 mode", vm86_cpl },
	{ "low_priority", "QEMU 7.2", "a virtual interrupt waits until V_INTR_PRIO is above V_TPR",
	  low_priority },
	{ "reserved_cr8_cr0", "QEMU 7.2",
	  "MOV to CR8 with reserved bits set is #GP; reserved bits of CR0 do not stay set",
	  writes_cr8_or_cr0 },
	{ "injected_fault", "nestor",
	  "RFLAGS.RF, for the frame of a #UD that it passes on, is there when its delivery exits",
	  injected_fault },
	{ "own_interrupt", "nestor", "without NRIPS, EXITINTINFO does not tell of L2's own INTn",
	  own_interrupt },
	{ 0 }
};
