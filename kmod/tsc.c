// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's time-stamp counter: host TSC * ratio + offset, the ratio only
 * where hardware has one.  Hardware adds the offset to RDTSC; this file decides
 * which offset.
 *
 * vCPUs of a VM share one offset, as CPUs of a machine share one clock, until
 * the guest itself writes a TSC apart.  SDM3 "Time-Stamp Counter".
 */
#include "nestor.h"

#include <linux/math64.h>
#include <linux/ktime.h>
#include <asm/msr.h>
#include <asm/tsc.h>
#include "nested/nested.h"
#include "tsc.h"
#include "irqchip/irqchip.h"

#define RATIO_BITS		48
#define RATE_TOLERANCE_PPM	250

/**
 * nst_tsc_module_init() - is there a TSC to make guest time from?
 *
 * Return: 0, or -ENODEV.
 */
int nst_tsc_module_init(void)
{
	if (tsc_khz)
		return 0;
	pr_err("the host's TSC has no known frequency (booted with notsc?)\n");
	return -ENODEV;
}

static u64 scale_by(u64 tsc, u64 ratio)
{
	return ratio == NST_TSC_RATIO_NONE ? tsc : mul_u64_u64_shr(tsc, ratio, RATIO_BITS);
}

static u64 scale(const struct nst_vcpu *vcpu, u64 host)
{
	return scale_by(host, vcpu->tsc_ratio);
}

/**
 * nst_tsc_from_host() - the guest's TSC at a moment given by the host's
 * @vcpu: the vCPU
 * @host: host TSC
 *
 * Return: guest TSC.
 */
u64 nst_tsc_from_host(struct nst_vcpu *vcpu, u64 host)
{
	return scale(vcpu, host) + vcpu->tsc_offset_base;
}

/**
 * nst_tsc_read() - the guest's TSC now
 * @vcpu: the vCPU
 *
 * Return: what RDTSC would return in the guest.
 */
u64 nst_tsc_read(struct nst_vcpu *vcpu)
{
	return nst_tsc_from_host(vcpu, rdtsc_ordered());
}

/**
 * nst_tsc_read_current() - the TSC of L1 or of L2, whichever is current
 * @vcpu: the vCPU
 *
 * Return: what RDTSC would return in the current context.
 */
u64 nst_tsc_read_current(struct nst_vcpu *vcpu)
{
	return scale_by(rdtsc_ordered(), vcpu->ctl.tsc_ratio) + vcpu->ctl.tsc_offset;
}

/**
 * nst_tsc_nest() - what L1 makes of its own TSC for L2
 * @ctl: controls, with L1's offset and ratio; receives those of L2
 * @ratio: 16.48 fixed point, by which L1's TSC is multiplied
 * @offset: added to the product
 *
 * Where hardware cannot multiply, or not by as much, every RDTSC of L2 exits.
 */
void nst_tsc_nest(struct nst_ctl *ctl, u64 ratio, u64 offset)
{
	s64 own = ctl->tsc_offset;
	u64 scaled = scale_by(abs(own), ratio);

	ctl->tsc_offset = (own < 0 ? -scaled : scaled) + offset;
	if (ratio == NST_TSC_RATIO_NONE)
		return;
	ctl->tsc_ratio = scale_by(ctl->tsc_ratio, ratio);
	/* APM2 "TSC Ratio MSR" has 8 integer bits. */
	if (!nst_caps.tsc_scaling || ctl->tsc_ratio >> (RATIO_BITS + 8))
		ctl->traps |= NST_TRAP_RDTSC;
}

/**
 * nst_tsc_to_host() - when will the guest's TSC have a value?
 * @vcpu: the vCPU
 * @guest: guest TSC
 *
 * Return: host TSC.
 */
u64 nst_tsc_to_host(struct nst_vcpu *vcpu, u64 guest)
{
	u64 ratio = vcpu->tsc_ratio;
	u64 scaled = guest - vcpu->tsc_offset_base;

	if (ratio == NST_TSC_RATIO_NONE || !ratio)
		return scaled;
	/* A quotient beyond 64 bits would trap; it is a moment that never comes. */
	if (ratio < NST_TSC_RATIO_NONE && (scaled >> 16) >= ratio)
		return U64_MAX;
	return mul_u64_u64_div_u64(scaled, NST_TSC_RATIO_NONE, ratio);
}

/**
 * nst_tsc_effective_khz() - how fast the guest's TSC really counts
 * @vcpu: the vCPU
 *
 * Return: kHz; without scaling the host's, whatever was asked for.
 */
u32 nst_tsc_effective_khz(struct nst_vcpu *vcpu)
{
	return vcpu->tsc_ratio == NST_TSC_RATIO_NONE ? tsc_khz : vcpu->tsc_khz;
}

static void set_offset(struct nst_vcpu *vcpu, u64 offset)
{
	u64 deadline = vcpu->lapic ? nst_lapic_get_tsc_deadline(vcpu) : 0;

	WRITE_ONCE(vcpu->tsc_offset_base, offset);
	nst_own_ctl(vcpu)->tsc_offset = offset;
	nst_ctl_changed(vcpu, NST_CTL_TSC);
	nst_request(vcpu, NST_REQ_CLOCK);
	/* The same deadline is now at another moment. */
	if (deadline)
		nst_lapic_set_tsc_deadline(vcpu, deadline);
}

/*
 * Userspace that makes or restores a VM writes one value to each vCPU in turn,
 * or values that it read a moment apart.  What is less than a second from the
 * common TSC means the common TSC.
 */
static u64 common_offset(struct nst_vcpu *vcpu, u64 val)
{
	struct nst_clock_vm *clock = vcpu->vm->clock;
	u32 khz = nst_tsc_effective_khz(vcpu);
	u64 scaled = scale(vcpu, rdtsc_ordered());
	u64 ahead = val - (scaled + clock->tsc_offset);
	u64 second = (u64)khz * 1000;

	lockdep_assert_held(&clock->lock);
	if (clock->tsc_from_user && clock->tsc_khz == khz && !check_tsc_unstable() &&
	    ahead + second <= 2 * second)
		return clock->tsc_offset;
	clock->tsc_from_user = true;
	clock->tsc_khz = khz;
	clock->tsc_offset = val - scaled;
	return clock->tsc_offset;
}

/**
 * nst_tsc_write() - write of IA32_TSC
 * @vcpu: loaded vCPU
 * @val: new value
 * @host: written by userspace: IA32_TSC_ADJUST stays
 *
 * SDM3 "IA32_TSC_ADJUST MSR": what WRMSR adds to the TSC, it adds to the
 * adjustment too.
 */
void nst_tsc_write(struct nst_vcpu *vcpu, u64 val, bool host)
{
	struct nst_clock_vm *clock = vcpu->vm->clock;
	u64 offset, delta;

	if (host) {
		spin_lock(&clock->lock);
		offset = common_offset(vcpu, val);
		spin_unlock(&clock->lock);
		set_offset(vcpu, offset);
		return;
	}
	delta = val - nst_tsc_read(vcpu);
	vcpu->tsc_adjust += delta;
	set_offset(vcpu, vcpu->tsc_offset_base + delta);
}

/**
 * nst_tsc_adjust_write() - write of IA32_TSC_ADJUST
 * @vcpu: loaded vCPU
 * @val: new value
 * @host: written by userspace, which restores the TSC itself
 */
void nst_tsc_adjust_write(struct nst_vcpu *vcpu, u64 val, bool host)
{
	u64 delta = val - vcpu->tsc_adjust;

	vcpu->tsc_adjust = val;
	if (!host && delta)
		set_offset(vcpu, vcpu->tsc_offset_base + delta);
}

/**
 * nst_tsc_set_offset() - userspace says how far the guest's TSC is ahead
 * @vcpu: loaded vCPU
 * @offset: guest TSC less (scaled) host TSC
 *
 * vCPUs that are made later start with the same.
 */
void nst_tsc_set_offset(struct nst_vcpu *vcpu, u64 offset)
{
	struct nst_clock_vm *clock = vcpu->vm->clock;

	spin_lock(&clock->lock);
	clock->tsc_from_user = true;
	clock->tsc_khz = nst_tsc_effective_khz(vcpu);
	clock->tsc_offset = offset;
	spin_unlock(&clock->lock);
	set_offset(vcpu, offset);
}

static bool rate_is_host(u32 khz)
{
	u64 slack = div_u64((u64)tsc_khz * RATE_TOLERANCE_PPM, 1000000);

	return khz >= tsc_khz - slack && khz <= tsc_khz + slack;
}

/**
 * nst_tsc_set_khz() - KVM_SET_TSC_KHZ
 * @vcpu: loaded vCPU
 * @khz: the rate wanted; 0: the host's
 *
 * Return: 0; -EINVAL when the host cannot make its TSC count at that rate.
 */
int nst_tsc_set_khz(struct nst_vcpu *vcpu, u32 khz)
{
	u64 now = nst_tsc_read(vcpu);
	u64 ratio = NST_TSC_RATIO_NONE;

	if (!khz)
		khz = tsc_khz;
	if (!rate_is_host(khz)) {
		if (!nst_caps.tsc_scaling)
			return -EINVAL;
		/* APM2 "TSC Ratio MSR" has 8 integer bits, VMX 16; and 64 bits must do. */
		if (khz / tsc_khz > U8_MAX)
			return -EINVAL;
		ratio = mul_u64_u64_div_u64(khz, NST_TSC_RATIO_NONE, tsc_khz);
		if (!(ratio >> 16))
			return -EINVAL;
	}
	vcpu->tsc_khz = khz;
	vcpu->tsc_ratio = ratio;
	nst_own_ctl(vcpu)->tsc_ratio = ratio;
	/* No jump: from what it reads now it counts on at the new rate. */
	set_offset(vcpu, now - scale(vcpu, rdtsc_ordered()));
	return 0;
}

/**
 * nst_tsc_vcpu_create() - a new vCPU joins the VM's common TSC
 * @vcpu: the vCPU, not yet published
 *
 * The first one starts it at zero.
 */
void nst_tsc_vcpu_create(struct nst_vcpu *vcpu)
{
	struct nst_clock_vm *clock = vcpu->vm->clock;

	vcpu->tsc_khz = tsc_khz;
	vcpu->tsc_ratio = NST_TSC_RATIO_NONE;
	vcpu->ctl.tsc_ratio = NST_TSC_RATIO_NONE;
	spin_lock(&clock->lock);
	if (!clock->tsc_khz) {
		clock->tsc_khz = tsc_khz;
		clock->tsc_offset = -rdtsc_ordered();
	}
	vcpu->tsc_offset_base = clock->tsc_offset;
	spin_unlock(&clock->lock);
	vcpu->ctl.tsc_offset = vcpu->tsc_offset_base;
	vcpu->ctl.dirty |= NST_CTL_TSC;
}

/**
 * nst_tsc_vcpu_load() - keep the guest's TSC from running backwards
 * @vcpu: vCPU being loaded, preemption off
 * @cpu: the CPU it is loaded on
 *
 * Where this CPU's TSC is behind the one of the vCPU's last CPU, or the host's
 * was reset by a suspend, the offset grows so that the guest sees at least the
 * time that passed.  Where it is not behind, offsets stay alone: only as long as
 * a VM's vCPUs share one does the guest's TSC agree between them.
 */
void nst_tsc_vcpu_load(struct nst_vcpu *vcpu, int cpu)
{
	u64 host = rdtsc_ordered();
	u64 ns = ktime_get_mono_fast_ns();
	u64 guest = nst_tsc_from_host(vcpu, host);

	if (host < vcpu->tsc_seen.host) {
		u64 passed = mul_u64_u32_div(ns - vcpu->tsc_seen.ns,
					     nst_tsc_effective_khz(vcpu), 1000000);
		s64 behind = vcpu->tsc_seen.guest + passed - guest;

		if (behind > 0) {
			WRITE_ONCE(vcpu->tsc_offset_base, vcpu->tsc_offset_base + behind);
			nst_own_ctl(vcpu)->tsc_offset += behind;
			nst_ctl_changed(vcpu, NST_CTL_TSC);
			guest += behind;
		}
		nst_request(vcpu, NST_REQ_CLOCK);
	}
	vcpu->tsc_seen.host = host;
	vcpu->tsc_seen.guest = guest;
	vcpu->tsc_seen.ns = ns;
}
