// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's modes and whole states: reset, IA32_APIC_BASE, and the
 * register image that userspace saves and restores.
 *
 * Own thread, or an ioctl that holds the vCPU.  No locks.
 */
#include "../nestor.h"
#include <asm/msr-index.h>
#include "../core.h"
#include "chip.h"
#include "lapic.h"

/* Integrated APIC with six entries in its local vector table. */
#define APIC_VERSION		0x14
#define APIC_MAX_LVT		5
#define APIC_BASE_RESERVED	(0xffull | BIT(9))
#define APIC_BASE_MODE		(MSR_IA32_APICBASE_ENABLE | X2APIC_ENABLE)
#define RESET_SPIV		0xff
#define MAX_PHYS_BITS		52
/*
 * In an image, where an APIC has no register: the timer's initial count, when
 * all that was to come of it is in IRR or done.
 */
#define IMAGE_SPENT		0x3a0

static enum nst_lapic_mode base_mode(u64 base)
{
	if (!(base & MSR_IA32_APICBASE_ENABLE))
		return NST_LAPIC_OFF;
	return base & X2APIC_ENABLE ? NST_LAPIC_X2APIC : NST_LAPIC_XAPIC;
}

/**
 * nst_lapic_reset_regs() - registers after power-up or INIT
 * @l: the local APIC
 *
 * SDM3 "Local APIC State After Power-Up or Reset".  DEVIATION: LINT0 of the
 * boot processor passes the PIC's interrupts on, as firmware would have
 * arranged, because KVM's clients start guests without firmware.
 */
void nst_lapic_reset_regs(struct nst_lapic *l)
{
	static const u16 lvts[] = {
		APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
	};

	nst_lapic_timer_stop(l);
	for (int i = 0; i < NST_APIC_REGS; i++)
		WRITE_ONCE(l->regs[i], 0);
	nst_lapic_put_reg(l, APIC_ID, SET_XAPIC_DEST_FIELD(l->vcpu->id));
	nst_lapic_put_reg(l, APIC_LVR, APIC_VERSION | APIC_MAX_LVT << 16);
	nst_lapic_put_reg(l, APIC_DFR, APIC_DFR_FLAT);
	nst_lapic_put_reg(l, APIC_SPIV, RESET_SPIV);
	for (int i = 0; i < ARRAY_SIZE(lvts); i++)
		nst_lapic_put_reg(l, lvts[i], APIC_LVT_MASKED);
	if (l->vcpu->id == l->vcpu->vm->bsp_id &&
	    nst_quirk(l->vcpu->vm, KVM_X86_QUIRK_LINT0_REENABLED))
		nst_lapic_put_reg(l, APIC_LVT0, APIC_DM_EXTINT);
	bitmap_zero(l->irr, NST_APIC_VECTORS);
	bitmap_zero(l->isr, NST_APIC_VECTORS);
	bitmap_zero(l->tmr, NST_APIC_VECTORS);
	atomic_set(&l->errors, 0);
	clear_bit(NST_LATCH_EXTINT, &l->latched);
}

/**
 * nst_lapic_reset() - RESET or INIT
 * @vcpu: the vCPU, with or without a local APIC in the kernel
 * @init: INIT: IA32_APIC_BASE and latched messages survive
 */
void nst_lapic_reset(struct nst_vcpu *vcpu, bool init)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!init) {
		vcpu->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE;
		if (vcpu->id == vcpu->vm->bsp_id)
			vcpu->apic_base |= MSR_IA32_APICBASE_BSP;
	}
	if (!l)
		return;
	if (!init)
		WRITE_ONCE(l->latched, 0);
	nst_lapic_reset_regs(l);
	WRITE_ONCE(l->mode, base_mode(vcpu->apic_base));
}

/* SDM3 "x2APIC State Transitions": x2APIC is left only by disabling. */
static bool base_change_legal(u64 old, u64 new)
{
	enum nst_lapic_mode from = base_mode(old), to = base_mode(new);

	if (from == NST_LAPIC_X2APIC)
		return to != NST_LAPIC_XAPIC;
	return !(from == NST_LAPIC_OFF && to == NST_LAPIC_X2APIC);
}

/**
 * nst_lapic_set_base() - write IA32_APIC_BASE
 * @vcpu: own thread
 * @val: the new value
 * @host: from userspace, which may go from any mode to any other
 *
 * Return: false: #GP.
 */
bool nst_lapic_set_base(struct nst_vcpu *vcpu, u64 val, bool host)
{
	struct nst_lapic *l = vcpu->lapic;
	u64 reserved = APIC_BASE_RESERVED |
		       ~0ull << (vcpu->maxphyaddr ? vcpu->maxphyaddr : MAX_PHYS_BITS);
	enum nst_lapic_mode mode = base_mode(val);

	if (!nst_guest_has(vcpu, NST_GCAP_X2APIC))
		reserved |= X2APIC_ENABLE;
	if ((val & reserved) || (val & APIC_BASE_MODE) == X2APIC_ENABLE)
		return false;
	if (!host && !base_change_legal(vcpu->apic_base, val))
		return false;
	vcpu->apic_base = val;
	if (!l || mode == l->mode)
		return true;
	WRITE_ONCE(l->mode, mode);
	/* Disabling loses all state; userspace restores it by other calls. */
	if (mode == NST_LAPIC_OFF && !host)
		nst_lapic_reset_regs(l);
	nst_request(vcpu, NST_REQ_EVENT);
	return true;
}

/**
 * nst_lapic_cpuid_changed() - the guest's CPUID was set
 * @vcpu: the vCPU, not running
 *
 * A timer in a mode that the guest no longer has falls back to one-shot.
 */
void nst_lapic_cpuid_changed(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;
	u32 lvt;

	if (!l || nst_guest_has(vcpu, NST_GCAP_TSC_DEADLINE))
		return;
	lvt = nst_lapic_reg(l, APIC_LVTT);
	if (lvt & APIC_LVT_TIMER_TSCDEADLINE)
		nst_lapic_timer_write_lvt(l, lvt & ~APIC_LVT_TIMER_TSCDEADLINE);
}

static void image_put(struct kvm_lapic_state *s, unsigned int offset, u32 val)
{
	memcpy(s->regs + offset, &val, sizeof(val));
}

static u32 image_get(const struct kvm_lapic_state *s, unsigned int offset)
{
	u32 val;

	memcpy(&val, s->regs + offset, sizeof(val));
	return val;
}

/**
 * nst_x2apic_api() - KVM_ENABLE_CAP of KVM_CAP_X2APIC_API
 * @vm: the VM; vm->lock held
 * @flags: KVM_X2APIC_API_*; they add to what is on already
 *
 * Return: 0, or -EINVAL for unknown flags.
 */
int nst_x2apic_api(struct nst_vm *vm, u64 flags)
{
	lockdep_assert_held(&vm->lock);
	if (flags & ~(u64)NST_X2APIC_API_FLAGS)
		return -EINVAL;
	WRITE_ONCE(vm->x2apic_api, vm->x2apic_api | flags);
	return 0;
}

/*
 * In the image an x2APIC id stands where an xAPIC's does, in bits 31:24, where
 * ids above 255 do not fit; with 32-bit ids it has the whole register.
 */
static u32 image_id(const struct nst_lapic *l)
{
	u32 id = l->vcpu->id;

	if (l->mode != NST_LAPIC_X2APIC)
		return nst_lapic_reg(l, APIC_ID);
	if (READ_ONCE(l->vcpu->vm->x2apic_api) & KVM_X2APIC_API_USE_32BIT_IDS)
		return id;
	return SET_XAPIC_DEST_FIELD(id);
}

/**
 * nst_lapic_get() - KVM_GET_LAPIC
 * @vcpu: the vCPU, not running
 * @s: result
 *
 * Return: 0, or -EINVAL without a local APIC.
 */
int nst_lapic_get(struct nst_vcpu *vcpu, struct kvm_lapic_state *s)
{
	struct nst_lapic *l = vcpu->lapic;
	u32 count;
	bool ran;

	if (!l)
		return -EINVAL;
	/* Its interrupt is either in IRR, or will come of the count. */
	ran = nst_lapic_timer_halt(l, &count);
	memset(s, 0, sizeof(*s));
	for (unsigned int i = 0; i < NST_APIC_REGS; i++)
		image_put(s, i << NST_APIC_REG_SHIFT,
			  nst_lapic_read(l, i << NST_APIC_REG_SHIFT));
	image_put(s, APIC_TMCCT, count);
	if (!ran)
		image_put(s, IMAGE_SPENT, nst_lapic_reg(l, APIC_TMICT));
	image_put(s, APIC_ID, image_id(l));
	if (ran)
		nst_lapic_timer_go_on(l);
	return 0;
}

/* Bits of vectors below 16 are kept, and have no effect: no priority is lower. */
static void restore_bitmap(unsigned long *map, const struct kvm_lapic_state *s,
			   unsigned int offset)
{
	u32 words[APIC_ISR_NR];

	for (unsigned int i = 0; i < APIC_ISR_NR; i++)
		words[i] = image_get(s, offset + (i << NST_APIC_REG_SHIFT));
	bitmap_from_arr32(map, words, NST_APIC_VECTORS);
}

/**
 * nst_lapic_set() - KVM_SET_LAPIC
 * @vcpu: the vCPU, not running
 * @s: untrusted image
 *
 * IA32_APIC_BASE must have been set before, since it says what the image means.
 *
 * Return: 0, or -EINVAL without a local APIC, or when an x2APIC's id is not the
 * vCPU's, which it cannot change.
 */
int nst_lapic_set(struct nst_vcpu *vcpu, const struct kvm_lapic_state *s)
{
	static const u16 plain[] = {
		APIC_TASKPRI, APIC_LDR, APIC_DFR, APIC_SPIV, APIC_ESR, APIC_ICR, APIC_ICR2,
		APIC_LVTT, APIC_LVTTHMR, APIC_LVTPC, APIC_LVT0, APIC_LVT1, APIC_LVTERR,
		APIC_TMICT, APIC_TDCR,
	};
	struct nst_lapic *l = vcpu->lapic;

	u32 id;

	if (!l)
		return -EINVAL;
	id = image_get(s, APIC_ID);
	if (l->mode == NST_LAPIC_X2APIC && id != image_id(l))
		return -EINVAL;
	hrtimer_cancel(&l->timer);
	if (l->mode != NST_LAPIC_X2APIC)
		nst_lapic_put_reg(l, APIC_ID, id & APIC_LDR_MASK);
	for (int i = 0; i < ARRAY_SIZE(plain); i++)
		nst_lapic_put_reg(l, plain[i], image_get(s, plain[i]));
	restore_bitmap(l->isr, s, APIC_ISR);
	restore_bitmap(l->tmr, s, APIC_TMR);
	restore_bitmap(l->irr, s, APIC_IRR);
	nst_lapic_timer_restore(l, image_get(s, APIC_TMCCT), image_get(s, IMAGE_SPENT));
	nst_lapic_wake(l);
	return 0;
}
