// SPDX-License-Identifier: GPL-2.0-only
/*
 * The APIC that L2 sees: a page in L1's memory, what reads and writes of it do
 * by way of the APIC-access page, CR8 and MSRs, the interrupts that are
 * delivered from it, and those that other CPUs post.  No hardware below has a
 * part in it but for CR8, whose value it may hold while L2 runs.
 *
 * VTPR, VPPR, RVI and SVI are kept here while L2 is current, so that questions
 * which may not sleep can be answered; VTPR and VPPR are brought to L1's page
 * before anybody can look.  SDM3 "APIC Virtualization and Virtual Interrupts".
 */
#include "../nestor.h"
#include <asm/apicdef.h>
#include "../core.h"
#include "../guestmem.h"
#include "../mmu/stage2.h"
#include "nvmx.h"

/* ---- the virtual-APIC page ---- */

/* Registers of 32 bits are 16 bytes apart; eight of them make a set of vectors. */
#define VAPIC_STRIDE		16u
#define VAPIC_SET_BYTES		(8 * VAPIC_STRIDE)
#define VAPIC_CLASS(vector)	((vector) >> 4)

static void vapic_read(struct nst_vcpu *vcpu, u32 offset, void *buf, u32 len)
{
	u64 at = to_nvmx(vcpu)->v->virtual_apic_addr + offset;

	if (nst_vcpu_read_gpa(vcpu, nst_gpa(at), buf, len))
		memset(buf, 0, len);
}

/* Where L1 took the memory away, what is written is lost. */
static void vapic_write(struct nst_vcpu *vcpu, u32 offset, const void *buf, u32 len)
{
	u64 at = to_nvmx(vcpu)->v->virtual_apic_addr + offset;

	nst_vcpu_write_gpa(vcpu, nst_gpa(at), buf, len);
}

static u32 vapic_reg(struct nst_vcpu *vcpu, u32 offset)
{
	u32 val;

	vapic_read(vcpu, offset, &val, sizeof(val));
	return val;
}

static void vapic_put_reg(struct nst_vcpu *vcpu, u32 offset, u32 val)
{
	vapic_write(vcpu, offset, &val, sizeof(val));
}

/* Sets or clears the bit of a vector in VIRR or VISR. */
static void vapic_put_vector(struct nst_vcpu *vcpu, u32 set, u8 vector, bool on)
{
	u32 offset = set + vector / 32 * VAPIC_STRIDE;
	u32 bit = BIT(vector % 32), val = vapic_reg(vcpu, offset);

	vapic_put_reg(vcpu, offset, on ? val | bit : val & ~bit);
}

/* The highest vector in VIRR or VISR, 0 for none. */
static u8 vapic_highest(struct nst_vcpu *vcpu, u32 set)
{
	u32 regs[VAPIC_SET_BYTES / sizeof(u32)];

	vapic_read(vcpu, set, regs, sizeof(regs));
	for (int word = 7; word >= 0; word--) {
		u32 val = regs[word * VAPIC_STRIDE / sizeof(u32)];

		if (val)
			return word * 32 + fls(val) - 1;
	}
	return 0;
}

/* ---- RVI and SVI: the guest interrupt status ---- */

static u8 rvi(const struct nvmx_vmcs12 *v)
{
	return v->guest_intr_status & 0xff;
}

static u8 svi(const struct nvmx_vmcs12 *v)
{
	return v->guest_intr_status >> 8;
}

static void set_rvi(struct nvmx_vmcs12 *v, u8 vector)
{
	v->guest_intr_status = (v->guest_intr_status & 0xff00) | vector;
}

static void set_svi(struct nvmx_vmcs12 *v, u8 vector)
{
	v->guest_intr_status = (v->guest_intr_status & 0xff) | vector << 8;
}

static bool delivers(const struct nvmx_vmcs12 *v)
{
	return nvmx_has_proc2(v, SECONDARY_EXEC_VIRTUAL_INTR_DELIVERY);
}

/* "PPR Virtualization". */
static void virtualize_ppr(struct nvmx *nvmx)
{
	u8 serving = svi(nvmx->v);

	nvmx->vppr = VAPIC_CLASS(nvmx->vtpr) >= VAPIC_CLASS(serving) ? nvmx->vtpr :
								      serving & 0xf0;
	nvmx->vapic_dirty = true;
}

/* "Evaluation of Pending Virtual Interrupts": is one recognized? */
static bool recognized(const struct nvmx *nvmx)
{
	const struct nvmx_vmcs12 *v = nvmx->v;

	return delivers(v) && !nvmx_has_proc(v, CPU_BASED_INTR_WINDOW_EXITING) &&
	       VAPIC_CLASS(rvi(v)) > VAPIC_CLASS(nvmx->vppr);
}

/* "TPR Virtualization"; what falls below the threshold is found by nvmx_apic_due(). */
static void put_vtpr(struct nst_vcpu *vcpu, u8 vtpr)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	nvmx->vtpr = vtpr;
	nvmx->vapic_dirty = true;
	if (delivers(nvmx->v))
		virtualize_ppr(nvmx);
	nst_request(vcpu, NST_REQ_EVENT);
}

/* An exit behind the instruction that is being carried out. */
static void exit_behind(struct nst_vcpu *vcpu, enum nst_exit_kind kind, u32 what)
{
	to_nvmx(vcpu)->trap = (struct nvmx_trap){ .kind = kind, .what = what };
	nst_request(vcpu, NST_REQ_EVENT);
}

/* "EOI Virtualization". */
static void virtualize_eoi(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	struct nvmx_vmcs12 *v = nvmx->v;
	const u64 exits[] = { v->eoi_exit_bitmap0, v->eoi_exit_bitmap1, v->eoi_exit_bitmap2,
			      v->eoi_exit_bitmap3 };
	u8 vector = svi(v);

	vapic_put_vector(vcpu, APIC_ISR, vector, false);
	set_svi(v, vapic_highest(vcpu, APIC_ISR));
	virtualize_ppr(nvmx);
	if (exits[vector / 64] & BIT_ULL(vector % 64))
		exit_behind(vcpu, NST_EXIT_EOI, vector);
	nst_request(vcpu, NST_REQ_EVENT);
}

/* "Self-IPI Virtualization". */
static void virtualize_self_ipi(struct nst_vcpu *vcpu, u8 vector)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	vapic_put_vector(vcpu, APIC_IRR, vector, true);
	set_rvi(v, max(rvi(v), vector));
	nst_request(vcpu, NST_REQ_EVENT);
}

/* Does it send the CPU itself a fixed, edge-triggered interrupt of a legal vector? */
static bool icr_is_self_ipi(u32 icr)
{
	/* The level bit and the logical destination mode mean nothing here. */
	u32 plain = icr & ~(u32)(APIC_INT_ASSERT | APIC_DEST_LOGICAL | 0xff);

	return plain == APIC_DEST_SELF && VAPIC_CLASS(icr & 0xff);
}

/* ---- memory: the APIC-access page ---- */

/* "Virtualizing Reads from the APIC-Access Page", "Virtualizing Writes …". */
static const struct {
	u16 first, last;
	bool write;
} vapic_ranges[] = {
	{ APIC_ID, APIC_ID, true }, { APIC_LVR, APIC_LVR }, { APIC_TASKPRI, APIC_TASKPRI, true },
	{ APIC_EOI, APIC_EOI, true }, { APIC_LDR, APIC_LDR, true }, { APIC_DFR, APIC_DFR, true },
	{ APIC_SPIV, APIC_SPIV, true }, { APIC_ISR, APIC_IRR + 0x70 },
	{ APIC_ESR, APIC_ESR, true }, { APIC_ICR, APIC_ICR2, true },
	{ APIC_LVTT, APIC_LVTERR, true }, { APIC_TMICT, APIC_TMICT, true },
	{ APIC_TDCR, APIC_TDCR, true },
};

static bool in_ranges(u32 reg, bool write)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(vapic_ranges); i++)
		if (reg >= vapic_ranges[i].first && reg <= vapic_ranges[i].last)
			return !write || vapic_ranges[i].write;
	return false;
}

/* Is this access carried out on the virtual-APIC page, or does it exit? */
static bool access_virtualized(const struct nvmx_vmcs12 *v, u32 offset, u32 len, bool write)
{
	u32 reg = offset & ~(VAPIC_STRIDE - 1);

	if (!nvmx_has_proc(v, CPU_BASED_TPR_SHADOW) || len > sizeof(u32) ||
	    offset - reg + len > sizeof(u32))
		return false;
	if (nvmx_has_proc2(v, SECONDARY_EXEC_APIC_REGISTER_VIRT))
		return in_ranges(reg, write);
	if (write && delivers(v) && (reg == APIC_EOI || reg == APIC_ICR))
		return true;
	return reg == APIC_TASKPRI;
}

/* "APIC-Write Emulation": after the bytes are in the page. */
static void emulate_write(struct nst_vcpu *vcpu, u32 offset)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u32 icr;

	switch (offset & ~(VAPIC_STRIDE - 1)) {
	case APIC_TASKPRI:
		put_vtpr(vcpu, vapic_reg(vcpu, APIC_TASKPRI));
		return;
	case APIC_EOI:
		if (!delivers(v))
			break;
		vapic_put_reg(vcpu, APIC_EOI, 0);
		virtualize_eoi(vcpu);
		return;
	case APIC_ICR:
		icr = vapic_reg(vcpu, APIC_ICR);
		if (!delivers(v) || !icr_is_self_ipi(icr))
			break;
		virtualize_self_ipi(vcpu, icr & 0xff);
		return;
	case APIC_ICR2:
		vapic_put_reg(vcpu, APIC_ICR2, vapic_reg(vcpu, APIC_ICR2) & 0xff000000);
		return;
	default:
		break;
	}
	exit_behind(vcpu, NST_EXIT_APIC_WRITE, offset);
}

static void fill_access_exit(struct nst_vcpu *vcpu, u32 offset, u8 how)
{
	struct nst_exit *exit = &vcpu->exit;

	*exit = (struct nst_exit){
		.kind = NST_EXIT_APIC_ACCESS, .raw_reason = NST_EXIT_BY_SOFTWARE,
		.apic.offset = offset, .apic.write = how & NST_ACCESS_W,
		.apic.fetch = how & NST_ACCESS_X,
	};
}

/**
 * nvmx_access() - nst_isa.access: may be one of the APIC-access page
 * @vcpu: loaded vCPU, L2 current
 * @gpa: in L1's memory
 * @buf: what is written, or what is read
 * @len: bytes, within a page
 * @how: NST_ACCESS_*
 *
 * Return: what became of it.
 */
enum nst_l1_access nvmx_access(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, u32 len, u8 how)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u32 offset = nst_gpa_raw(gpa) & ~NST_PAGE_MASK;

	if (!nvmx_has_proc2(v, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES) ||
	    (nst_gpa_raw(gpa) & NST_PAGE_MASK) != v->apic_access_addr)
		return NST_L1_MEMORY;
	if ((how & NST_ACCESS_X) || !access_virtualized(v, offset, len, how & NST_ACCESS_W)) {
		fill_access_exit(vcpu, offset, how);
		return NST_L1_EXIT;
	}
	nvmx_apic_flush(vcpu);
	/* Of both kinds: to be read now, to be written later. */
	if (how & NST_ACCESS_R) {
		vapic_read(vcpu, offset, buf, len);
		return NST_L1_DONE;
	}
	vapic_write(vcpu, offset, buf, len);
	emulate_write(vcpu, offset);
	return NST_L1_DONE;
}

/* ---- MSRs: x2APIC mode ---- */

#define X2APIC_FIRST		0x800u
#define X2APIC_LAST		0x8ffu
#define X2APIC_TPR		(X2APIC_FIRST + (APIC_TASKPRI >> 4))
#define X2APIC_EOI		(X2APIC_FIRST + (APIC_EOI >> 4))
#define X2APIC_SELF_IPI		(X2APIC_FIRST + (APIC_SELF_IPI >> 4))

static int x2apic_read(struct nst_vcpu *vcpu, u32 index, u64 *val)
{
	if (index != X2APIC_TPR &&
	    !nvmx_has_proc2(to_nvmx(vcpu)->v, SECONDARY_EXEC_APIC_REGISTER_VIRT))
		return -ENOENT;
	nvmx_apic_flush(vcpu);
	vapic_read(vcpu, (index - X2APIC_FIRST) * VAPIC_STRIDE, val, sizeof(*val));
	return 0;
}

static int x2apic_write(struct nst_vcpu *vcpu, u32 index, u64 val)
{
	if (index != X2APIC_TPR &&
	    (!delivers(to_nvmx(vcpu)->v) || (index != X2APIC_EOI && index != X2APIC_SELF_IPI)))
		return -ENOENT;
	/* Reserved bits: as in x2APIC mode. */
	if (val >> 8 || (index == X2APIC_EOI && val))
		return -EINVAL;
	nvmx_apic_flush(vcpu);
	vapic_write(vcpu, (index - X2APIC_FIRST) * VAPIC_STRIDE, &val, sizeof(val));
	if (index == X2APIC_TPR)
		put_vtpr(vcpu, val);
	else if (index == X2APIC_EOI)
		virtualize_eoi(vcpu);
	else if (VAPIC_CLASS(val))
		virtualize_self_ipi(vcpu, val);
	else
		exit_behind(vcpu, NST_EXIT_APIC_WRITE, APIC_SELF_IPI);
	return 0;
}

/**
 * nvmx_msr() - nst_isa.msr: "Virtualizing MSR-Based APIC Accesses"
 * @vcpu: loaded vCPU, L2 current
 * @index: which
 * @write: WRMSR
 * @val: value, or result
 *
 * Return: 0, -EINVAL or -ENOENT.
 */
int nvmx_msr(struct nst_vcpu *vcpu, u32 index, bool write, u64 *val)
{
	if (!nvmx_has_proc2(to_nvmx(vcpu)->v, SECONDARY_EXEC_VIRTUALIZE_X2APIC_MODE) ||
	    index < X2APIC_FIRST || index > X2APIC_LAST)
		return -ENOENT;
	return write ? x2apic_write(vcpu, index, *val) : x2apic_read(vcpu, index, val);
}

/* ---- CR8 ---- */

/**
 * nvmx_get_cr8() - nst_isa.get_cr8
 * @vcpu: loaded vCPU, L2 current
 * @val: result
 *
 * Return: true with a TPR shadow.
 */
bool nvmx_get_cr8(struct nst_vcpu *vcpu, u64 *val)
{
	*val = VAPIC_CLASS(to_nvmx(vcpu)->vtpr);
	return nvmx_has_proc(to_nvmx(vcpu)->v, CPU_BASED_TPR_SHADOW);
}

/**
 * nvmx_set_cr8() - nst_isa.set_cr8
 * @vcpu: loaded vCPU, L2 current
 * @val: 0 to 15
 *
 * Return: as nvmx_get_cr8().
 */
bool nvmx_set_cr8(struct nst_vcpu *vcpu, u64 val)
{
	if (!nvmx_has_proc(to_nvmx(vcpu)->v, CPU_BASED_TPR_SHADOW))
		return false;
	put_vtpr(vcpu, val << 4);
	return true;
}

/**
 * nvmx_tpr_threshold() - nst_isa.tpr_threshold
 * @vcpu: loaded vCPU, L2 current
 *
 * Return: L1's threshold, or the class of a virtual interrupt that waits for CR8.
 */
u8 nvmx_tpr_threshold(struct nst_vcpu *vcpu)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	if (!nvmx_has_proc(v, CPU_BASED_TPR_SHADOW))
		return 0;
	return delivers(v) ? VAPIC_CLASS(rvi(v)) : v->tpr_threshold & 0xf;
}

/* ---- events ---- */

/* ON and the notification vector's word of a descriptor, "Posted-Interrupt Processing". */
#define PI_BYTES		64u
#define PI_PIR_WORDS		4u
#define PI_CONTROL		32u
#define PI_ON			BIT_ULL(0)

/* Clears @bits of a word of the descriptor as one access.  What was there, 0 where nothing is. */
static u64 pi_take(struct nst_vcpu *vcpu, u32 offset, u64 bits)
{
	nst_gpa_t at = nst_gpa(to_nvmx(vcpu)->v->posted_intr_desc + offset);
	u64 old;
	int ret;

	if (nst_vcpu_read_gpa(vcpu, at, &old, sizeof(old)))
		return 0;
	do {
		if (!(old & bits))
			return 0;
		ret = nst_cmpxchg_gpa(vcpu, at, &old, old & ~bits, sizeof(old));
	} while (ret > 0);
	return ret ? 0 : old & bits;
}

static void take_posted(struct nst_vcpu *vcpu)
{
	struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;
	u64 posted;

	pi_take(vcpu, PI_CONTROL, PI_ON);
	for (u32 i = 0; i < PI_PIR_WORDS; i++) {
		u32 at = APIC_IRR + 2 * i * VAPIC_STRIDE;

		posted = pi_take(vcpu, i * sizeof(posted), ~0ull);
		if (!posted)
			continue;
		vapic_put_reg(vcpu, at, vapic_reg(vcpu, at) | (u32)posted);
		at += VAPIC_STRIDE;
		vapic_put_reg(vcpu, at, vapic_reg(vcpu, at) | posted >> 32);
		set_rvi(v, max_t(u8, rvi(v), i * 64 + fls64(posted) - 1));
	}
}

/**
 * nvmx_apic_posted() - take a notification that L2 does not exit for
 * @vcpu: loaded vCPU, L2 current, no event under delivery
 */
void nvmx_apic_posted(struct nst_vcpu *vcpu)
{
	const struct nvmx_vmcs12 *v = to_nvmx(vcpu)->v;

	if (!(v->pin & PIN_BASED_POSTED_INTR) || nst_pending_irq(vcpu) != v->posted_intr_nv)
		return;
	if (nst_nested_ack_irq(vcpu) != v->posted_intr_nv)
		return;
	nst_nested_eoi(vcpu);
	take_posted(vcpu);
}

/**
 * nvmx_apic_due() - an exit that the last instruction, or the entry, has caused
 * @vcpu: loaded vCPU, L2 current
 * @exit: filled
 *
 * Return: true when there is one.
 */
bool nvmx_apic_due(struct nst_vcpu *vcpu, struct nst_exit *exit)
{
	const struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_vmcs12 *v = nvmx->v;

	if (nvmx->trap.kind != NST_EXIT_NONE) {
		exit->kind = nvmx->trap.kind;
		exit->apic.offset = nvmx->trap.what;
		return true;
	}
	exit->kind = NST_EXIT_TPR;
	return nvmx_has_proc(v, CPU_BASED_TPR_SHADOW) && !delivers(v) &&
	       VAPIC_CLASS(nvmx->vtpr) < (v->tpr_threshold & 0xf);
}

/**
 * nvmx_apic_wakes() - would a virtual interrupt be delivered, but for an interrupt shadow?
 * @vcpu: the vCPU, L2 current
 *
 * Return: true when one is recognized and RFLAGS.IF is set.
 */
bool nvmx_apic_wakes(struct nst_vcpu *vcpu)
{
	return recognized(to_nvmx(vcpu)) && (vcpu->st.rflags & X86_EFLAGS_IF);
}

/**
 * nvmx_apic_waits() - does a virtual interrupt wait for L2's RFLAGS.IF?
 * @vcpu: the vCPU, L2 current
 *
 * Return: true when one is recognized.
 */
bool nvmx_apic_waits(struct nst_vcpu *vcpu)
{
	return recognized(to_nvmx(vcpu));
}

/**
 * nvmx_apic_deliver() - "Virtual-Interrupt Delivery"
 * @vcpu: loaded vCPU, L2 current, nothing goes first
 */
void nvmx_apic_deliver(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	struct nst_event event = { .type = NST_EVENT_EXTINT };
	struct nvmx_vmcs12 *v = nvmx->v;

	if (!nvmx_apic_wakes(vcpu) || vcpu->st.sti_shadow || vcpu->st.movss_shadow)
		return;
	event.vector = rvi(v);
	vapic_put_vector(vcpu, APIC_ISR, event.vector, true);
	set_svi(v, event.vector);
	nvmx->vppr = event.vector & 0xf0;
	nvmx->vapic_dirty = true;
	vapic_put_vector(vcpu, APIC_IRR, event.vector, false);
	set_rvi(v, vapic_highest(vcpu, APIC_IRR));
	nst_nested_inject(vcpu, &event);
}

/* ---- entry and exit ---- */

/**
 * nvmx_apic_flush() - bring what is kept here to L1's page
 * @vcpu: loaded vCPU, L2 current
 */
void nvmx_apic_flush(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	if (!nvmx->vapic_dirty)
		return;
	nvmx->vapic_dirty = false;
	vapic_put_reg(vcpu, APIC_TASKPRI, nvmx->vtpr);
	if (delivers(nvmx->v))
		vapic_put_reg(vcpu, APIC_PROCPRI, nvmx->vppr);
}

/**
 * nvmx_apic_enter() - L2 becomes current
 * @vcpu: loaded vCPU, L2 current
 */
void nvmx_apic_enter(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	const struct nvmx_vmcs12 *v = nvmx->v;
	u64 hide = NST_NO_GFN;

	nvmx->vapic_dirty = false;
	nvmx->trap.kind = NST_EXIT_NONE;
	if (nvmx_has_proc2(v, SECONDARY_EXEC_VIRTUALIZE_APIC_ACCESSES))
		hide = v->apic_access_addr >> PAGE_SHIFT;
	nst_mmu_hide(vcpu, hide);
	if (!nvmx_has_proc(v, CPU_BASED_TPR_SHADOW))
		return;
	nvmx->vtpr = vapic_reg(vcpu, APIC_TASKPRI);
	/* "VM Entries and Advanced Virtualization Features". */
	if (delivers(v))
		virtualize_ppr(nvmx);
}
