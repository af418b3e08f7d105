// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's registers as the guest sees them: one table says who may
 * read and write what in xAPIC and in x2APIC mode, the few registers with
 * effects have a case each.
 *
 * Facts: SDM3 "Local APIC Register Address Map", "x2APIC Register Address
 * Space".  Own thread only; no locks.
 */
#include "../nestor.h"
#include "../core.h"
#include "chip.h"
#include "lapic.h"

#define XR	BIT(0)	/* readable, writable in xAPIC mode */
#define XW	BIT(1)
#define X2R	BIT(2)	/* the same in x2APIC mode; else #GP */
#define X2W	BIT(3)
#define XRW	(XR | XW)
#define X2RW	(X2R | X2W)

#define LVT_BASE	(APIC_VECTOR_MASK | APIC_LVT_MASKED)
#define LVT_MODE	APIC_MODE_MASK
#define LVT_PIN		(APIC_INPUT_POLARITY | APIC_LVT_LEVEL_TRIGGER)
#define LVT_TIMER	(APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE)
/* Read-only in every LVT entry and in ICR: a write of them is no error. */
#define STATUS_BITS	(APIC_SEND_PENDING | APIC_LVT_REMOTE_IRR)
#define SPIV_WRITABLE	(APIC_VECTOR_MASK | APIC_SPIV_APIC_ENABLED | APIC_SPIV_FOCUS_DISABLED)
#define ICR_WRITABLE	(APIC_VECTOR_MASK | APIC_DM_FIXED_MASK | APIC_DEST_LOGICAL |	\
			 APIC_INT_ASSERT | APIC_INT_LEVELTRIG | APIC_DEST_ALLBUT)
#define TDCR_WRITABLE	0xb
#define DFR_FIXED	0x0fffffffu

#define REG(offset)	((offset) >> NST_APIC_REG_SHIFT)
#define LAST(offset)	REG((offset) + 0x10 * (APIC_ISR_NR - 1))

/* @writable: bits that a write changes; in x2APIC mode others are a #GP. */
static const struct {
	u8 access;
	u32 writable;
} apic_regs[NST_APIC_REGS] = {
	[REG(APIC_ID)] = { XR  | X2R },
	[REG(APIC_LVR)] = { XR  | X2R },
	[REG(APIC_TASKPRI)] = { XRW | X2RW, APIC_TPRI_MASK },
	[REG(APIC_ARBPRI)] = { XR },
	[REG(APIC_PROCPRI)] = { XR  | X2R },
	[REG(APIC_EOI)] = { XW  | X2W, 0 },
	[REG(APIC_RRR)] = { XR },
	[REG(APIC_LDR)] = { XRW | X2R, APIC_LDR_MASK },
	[REG(APIC_DFR)] = { XRW, ~DFR_FIXED },
	[REG(APIC_SPIV)] = { XRW | X2RW, SPIV_WRITABLE },
	[REG(APIC_ISR) ... LAST(APIC_ISR)] = { XR  | X2R },
	[REG(APIC_TMR) ... LAST(APIC_TMR)] = { XR  | X2R },
	[REG(APIC_IRR) ... LAST(APIC_IRR)] = { XR  | X2R },
	[REG(APIC_ESR)] = { XRW | X2RW, 0 },
	[REG(APIC_ICR)] = { XRW | X2RW, ICR_WRITABLE },
	[REG(APIC_ICR2)] = { XRW, APIC_LDR_MASK },
	[REG(APIC_LVTT)] = { XRW | X2RW, LVT_BASE | LVT_TIMER },
	[REG(APIC_LVTTHMR)] = { XRW | X2RW, LVT_BASE | LVT_MODE },
	[REG(APIC_LVTPC)] = { XRW | X2RW, LVT_BASE | LVT_MODE },
	[REG(APIC_LVT0)] = { XRW | X2RW, LVT_BASE | LVT_MODE | LVT_PIN },
	[REG(APIC_LVT1)] = { XRW | X2RW, LVT_BASE | LVT_MODE | LVT_PIN },
	[REG(APIC_LVTERR)] = { XRW | X2RW, LVT_BASE },
	[REG(APIC_TMICT)] = { XRW | X2RW, ~0u },
	[REG(APIC_TMCCT)] = { XR  | X2R },
	[REG(APIC_TDCR)] = { XRW | X2RW, TDCR_WRITABLE },
	[REG(APIC_SELF_IPI)] = { X2W, APIC_VECTOR_MASK },
};

static const u16 apic_lvts[] = {
	APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
};

static bool apic_allows(unsigned int offset, u8 access)
{
	return apic_regs[offset >> NST_APIC_REG_SHIFT].access & access;
}

/* Bits of @offset that this vCPU's guest may write. */
static u32 apic_writable(const struct nst_lapic *l, unsigned int offset)
{
	u32 mask = apic_regs[offset >> NST_APIC_REG_SHIFT].writable;

	if (offset == APIC_LVTT && !nst_guest_has(l->vcpu, NST_GCAP_TSC_DEADLINE))
		mask &= ~APIC_LVT_TIMER_TSCDEADLINE;
	/* Reserved bits fault in x2APIC mode; in xAPIC mode ICR keeps them, as in KVM. */
	if (offset == APIC_ICR && l->mode == NST_LAPIC_XAPIC)
		mask = ~APIC_ICR_BUSY;
	return mask;
}

/**
 * nst_lapic_read() - the value of a register
 * @l: the local APIC; own thread
 * @offset: of a register that the table has
 *
 * No side effects.
 */
u32 nst_lapic_read(struct nst_lapic *l, unsigned int offset)
{
	switch (offset) {
	case APIC_ID:
		return l->mode == NST_LAPIC_X2APIC ? l->vcpu->id : nst_lapic_reg(l, offset);
	case APIC_LDR:
		return l->mode == NST_LAPIC_X2APIC ? nst_x2apic_logical(l->vcpu->id) :
		       nst_lapic_reg(l, offset);
	case APIC_ARBPRI:
	case APIC_PROCPRI:
		return nst_lapic_ppr(l);
	case APIC_ISR ... APIC_ISR + 0x70:
		return nst_lapic_bitmap_word(l->isr, (offset - APIC_ISR) >> NST_APIC_REG_SHIFT);
	case APIC_TMR ... APIC_TMR + 0x70:
		return nst_lapic_bitmap_word(l->tmr, (offset - APIC_TMR) >> NST_APIC_REG_SHIFT);
	case APIC_IRR ... APIC_IRR + 0x70:
		return nst_lapic_bitmap_word(l->irr, (offset - APIC_IRR) >> NST_APIC_REG_SHIFT);
	case APIC_TMCCT:
		return nst_lapic_timer_count(l);
	}
	return nst_lapic_reg(l, offset);
}

/* Software disable masks every local interrupt, SDM3 "Spurious-Interrupt Vector Register". */
static void apic_write_spiv(struct nst_lapic *l, u32 val)
{
	nst_lapic_put_reg(l, APIC_SPIV, val);
	if (val & APIC_SPIV_APIC_ENABLED)
		return;
	for (int i = 0; i < ARRAY_SIZE(apic_lvts); i++)
		nst_lapic_put_reg(l, apic_lvts[i],
				  nst_lapic_reg(l, apic_lvts[i]) | APIC_LVT_MASKED);
}

static void apic_write_lvt(struct nst_lapic *l, unsigned int offset, u32 val)
{
	if (!nst_lapic_sw_enabled(l))
		val |= APIC_LVT_MASKED;
	if (offset == APIC_LVTT)
		nst_lapic_timer_write_lvt(l, val);
	else
		nst_lapic_put_reg(l, offset, val);
	/* A PIC that already waits is heard as soon as LINT0 opens. */
	if (offset == APIC_LVT0)
		nst_request(l->vcpu, NST_REQ_EVENT);
}

static void apic_write_icr(struct nst_lapic *l, u32 low, u32 dest)
{
	nst_lapic_put_reg(l, APIC_ICR, low);
	nst_lapic_send_ipi(l, low, dest);
}

/* @val has only writable bits. */
static void apic_write(struct nst_lapic *l, unsigned int offset, u32 val)
{
	switch (offset) {
	case APIC_TASKPRI:
		nst_lapic_put_reg(l, offset, val);
		nst_request(l->vcpu, NST_REQ_EVENT);
		break;
	case APIC_EOI:
		nst_lapic_eoi(l);
		break;
	case APIC_DFR:
		nst_lapic_put_reg(l, offset, val | DFR_FIXED);
		break;
	case APIC_SPIV:
		apic_write_spiv(l, val);
		break;
	case APIC_ESR:
		/* The write arms the register: it shows what came since the last one. */
		nst_lapic_put_reg(l, offset, atomic_xchg(&l->errors, 0));
		break;
	case APIC_ICR:
		apic_write_icr(l, val, GET_XAPIC_DEST_FIELD(nst_lapic_reg(l, APIC_ICR2)));
		break;
	case APIC_LVTT:
	case APIC_LVTTHMR:
	case APIC_LVTPC:
	case APIC_LVT0:
	case APIC_LVT1:
	case APIC_LVTERR:
		apic_write_lvt(l, offset, val);
		break;
	case APIC_TMICT:
		nst_lapic_timer_write_count(l, val);
		break;
	case APIC_TDCR:
		nst_lapic_timer_write_divide(l, val);
		break;
	case APIC_SELF_IPI:
		nst_lapic_send_ipi(l, APIC_DM_FIXED | APIC_DEST_SELF | val, 0);
		break;
	default:
		nst_lapic_put_reg(l, offset, val);
	}
}

static void xapic_read(struct nst_lapic *l, unsigned int offset, void *data, unsigned int len)
{
	unsigned int reg = offset & ~0xfu, byte = offset & 0xf;
	u32 val;

	memset(data, 0, len);
	/* Bytes 4 to 15 of a register, and wide or straddling reads, are undefined. */
	if (byte + len > sizeof(val))
		return;
	if (reg >> NST_APIC_REG_SHIFT >= NST_APIC_REGS || !apic_allows(reg, XR)) {
		nst_lapic_error(l, APIC_ESR_ILLREGA);
		return;
	}
	val = nst_lapic_read(l, reg);
	memcpy(data, (u8 *)&val + byte, len);
}

static void xapic_write(struct nst_lapic *l, unsigned int offset, const void *data,
			unsigned int len)
{
	u32 val;

	if (len != sizeof(val) || (offset & 0xf))
		return;
	memcpy(&val, data, sizeof(val));
	if (offset >> NST_APIC_REG_SHIFT >= NST_APIC_REGS || !apic_allows(offset, XW)) {
		nst_lapic_error(l, APIC_ESR_ILLREGA);
		return;
	}
	apic_write(l, offset, val & apic_writable(l, offset));
}

/**
 * nst_lapic_mmio() - an access to guest-physical memory that may be the APIC page
 * @vcpu: own thread
 * @gpa: first byte
 * @data: the value, or the buffer for it
 * @len: bytes
 * @write: direction
 *
 * Return: true when it was in the page of an APIC in xAPIC mode.
 */
bool nst_lapic_mmio(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *data, unsigned int len,
		    bool write)
{
	struct nst_lapic *l = vcpu->lapic;
	unsigned int offset = nst_gpa_raw(gpa) & ~NST_PAGE_MASK;

	if (!l || l->mode != NST_LAPIC_XAPIC)
		return false;
	if ((nst_gpa_raw(gpa) ^ vcpu->apic_base) & NST_PAGE_MASK)
		return false;
	if ((offset & ~0xfu) == APIC_TASKPRI)
		nst_tpr_accessed(vcpu, write);
	if (write)
		xapic_write(l, offset, data, len);
	else
		xapic_read(l, offset, data, len);
	return true;
}

static bool x2apic_read(struct nst_lapic *l, unsigned int offset, u64 *val)
{
	if (!apic_allows(offset, X2R))
		return false;
	*val = nst_lapic_read(l, offset);
	if (offset == APIC_ICR)
		*val |= (u64)nst_lapic_reg(l, APIC_ICR2) << 32;
	return true;
}

static bool x2apic_write(struct nst_lapic *l, unsigned int offset, u64 val)
{
	u32 low = val, high = val >> 32;
	u32 writable = apic_writable(l, offset);

	if (!apic_allows(offset, X2W) || (high && offset != APIC_ICR))
		return false;
	if (low & ~(writable | (writable & APIC_LVT_MASKED ? STATUS_BITS : 0) |
		    (offset == APIC_ICR ? APIC_ICR_BUSY : 0)))
		return false;
	low &= writable;
	if (offset == APIC_ICR) {
		nst_lapic_put_reg(l, APIC_ICR2, high);
		apic_write_icr(l, low, high);
	} else {
		apic_write(l, offset, low);
	}
	return true;
}

/**
 * nst_lapic_msr() - an access to MSRs 0x800 to 0x8ff
 * @vcpu: own thread
 * @msr: its number
 * @val: the value, or where to put it
 * @write: direction
 *
 * Return: false for #GP: not in x2APIC mode, no such register, wrong
 * direction, reserved bits.
 */
bool nst_lapic_msr(struct nst_vcpu *vcpu, u32 msr, u64 *val, bool write)
{
	struct nst_lapic *l = vcpu->lapic;
	unsigned int index = msr - APIC_BASE_MSR;

	if (!l || l->mode != NST_LAPIC_X2APIC || index >= NST_APIC_REGS)
		return false;
	if (write)
		return x2apic_write(l, index << NST_APIC_REG_SHIFT, *val);
	return x2apic_read(l, index << NST_APIC_REG_SHIFT, val);
}

/**
 * nst_lapic_bypass() - an access to a register by Hyper-V's MSRs
 * @vcpu: own thread
 * @offset: of EOI, ICR or TPR
 * @val: the value, or where to put it; of ICR both halves
 * @write: direction
 *
 * Bits that a write cannot change are ignored, as in xAPIC mode.
 *
 * Return: false: no local APIC, or a register that cannot be read.
 */
bool nst_lapic_bypass(struct nst_vcpu *vcpu, unsigned int offset, u64 *val, bool write)
{
	struct nst_lapic *l = vcpu->lapic;
	u32 high = *val >> 32, low;

	if (!l || l->mode == NST_LAPIC_OFF)
		return false;
	if (!write)
		return apic_allows(offset, XR) && x2apic_read(l, offset, val);
	low = (u32)*val & apic_writable(l, offset);
	if (offset == APIC_ICR) {
		nst_lapic_put_reg(l, APIC_ICR2, high);
		apic_write_icr(l, low, l->mode == NST_LAPIC_X2APIC ?
			       high : GET_XAPIC_DEST_FIELD(high));
	} else {
		apic_write(l, offset, low);
	}
	return true;
}
