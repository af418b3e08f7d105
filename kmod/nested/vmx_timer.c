// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX-preemption timer of L2: a deadline in L1's TSC that tells how much is
 * left, where hardware leaves the guest if it can, and a timer of the host.  It
 * runs only while L2 is current and dies with it (CVE-2019-7221).
 * SDM3 "VMX-Preemption Timer".
 */
#include "../nestor.h"
#include <linux/math64.h>
#include "../tsc.h"
#include "nvmx.h"

static ktime_t nvmx_ticks_to_ns(const struct nst_vcpu *vcpu, u64 ticks)
{
	return ns_to_ktime(mul_u64_u64_div_u64(ticks, NSEC_PER_MSEC, vcpu->tsc_khz));
}

/* The host's clock may be ahead of the TSC by less than that: then the rest is not waited for. */
static s64 nvmx_timer_slack(const struct nst_vcpu *vcpu)
{
	return nst_caps.preemption_timer ? 0 : vcpu->tsc_khz;
}

static enum hrtimer_restart nvmx_timer_fired(struct hrtimer *timer)
{
	struct nvmx *nvmx = container_of(timer, struct nvmx, timer);
	struct nst_vcpu *vcpu = nvmx->vcpu;
	s64 left = nvmx->timer_deadline - nst_tsc_read(vcpu);

	/* Userspace has set the TSC back since. */
	if (left > nvmx_timer_slack(vcpu)) {
		hrtimer_forward_now(timer, nvmx_ticks_to_ns(vcpu, left));
		return HRTIMER_RESTART;
	}
	nst_request(vcpu, NST_REQ_EVENT);
	nst_kick(vcpu);
	return HRTIMER_NORESTART;
}

/**
 * nvmx_timer_init() - prepare the timer
 * @vcpu: the vCPU; its struct nvmx is there
 */
void nvmx_timer_init(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	hrtimer_init(&nvmx->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	nvmx->timer.function = nvmx_timer_fired;
	nvmx->vcpu = vcpu;
}

/**
 * nvmx_timer_start() - L2 was entered with the timer active
 * @vcpu: loaded vCPU
 */
void nvmx_timer_start(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	u64 ticks = (u64)nvmx->v->preemption_timer << NVMX_TIMER_SHIFT;

	nvmx_timer_start_until(vcpu, nst_tsc_read(vcpu) + ticks);
}

/**
 * nvmx_timer_start_until() - the timer of an L2 that comes from elsewhere
 * @vcpu: loaded vCPU, L2 current
 * @deadline: when it expires, by L1's TSC
 */
void nvmx_timer_start_until(struct nst_vcpu *vcpu, u64 deadline)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	s64 left = deadline - nst_tsc_read(vcpu);

	nvmx->timer_deadline = deadline;
	nvmx->timer_on = true;
	nst_ctl_changed(vcpu, NST_CTL_TRAPS);
	hrtimer_start(&nvmx->timer, nvmx_ticks_to_ns(vcpu, left > 0 ? left : 0),
		      HRTIMER_MODE_REL_HARD);
	nst_request(vcpu, NST_REQ_EVENT);
}

/**
 * nvmx_timer_stop() - L2 is left, or gone
 * @vcpu: the vCPU
 */
void nvmx_timer_stop(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	if (nvmx->timer_on)
		hrtimer_cancel(&nvmx->timer);
	nvmx->timer_on = false;
}

/**
 * nvmx_timer_expired() - has the timer counted down to zero?
 * @vcpu: loaded vCPU
 *
 * Return: true when it was started and did.
 */
bool nvmx_timer_expired(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	return nvmx->timer_on &&
	       (s64)(nvmx->timer_deadline - nst_tsc_read(vcpu)) <=
	       (hrtimer_is_queued(&nvmx->timer) ? 0 : nvmx_timer_slack(vcpu));
}

/**
 * nvmx_timer_merge() - have L2 never see its TSC behind the deadline
 * @vcpu: loaded vCPU
 * @ctl: L2's controls; changed
 *
 * Hardware that can ends L2's stay in time.  Elsewhere the host's timer is late,
 * but who reads the TSC is looked at first.
 */
void nvmx_timer_merge(struct nst_vcpu *vcpu, struct nst_ctl *ctl)
{
	struct nvmx *nvmx = to_nvmx(vcpu);

	if (!nvmx->timer_on)
		return;
	if (nst_caps.preemption_timer)
		ctl->leave_tsc = nst_tsc_to_host(vcpu, nvmx->timer_deadline) ?: 1;
	else
		ctl->traps |= NST_TRAP_RDTSC;
}

/**
 * nvmx_timer_left() - the timer's value now
 * @vcpu: loaded vCPU
 *
 * Return: what "save VMX-preemption timer value" stores.
 */
u32 nvmx_timer_left(struct nst_vcpu *vcpu)
{
	struct nvmx *nvmx = to_nvmx(vcpu);
	s64 left = nvmx->timer_deadline - nst_tsc_read(vcpu);

	if (!nvmx->timer_on)
		return nvmx->v->preemption_timer;
	return left > 0 ? left >> NVMX_TIMER_SHIFT : 0;
}
