// SPDX-License-Identifier: GPL-2.0-only
/*
 * Synthetic timers: four of each vCPU, on the reference time.  A timer that has expired
 * posts a message to a SINT or, in direct mode, sends an interrupt.
 *
 * The hrtimer's function marks the timer and wakes the vCPU; everything else is done by
 * the vCPU's own thread, at NST_REQ_HV_STIMER, so that no lock is needed.  The reference
 * time is not the host's clock: what the hrtimer says is always looked at again.
 *
 * TLFS "Timers", "Synthetic Timers".
 */
#include "../nestor.h"
#include <linux/hrtimer.h>
#include <linux/math64.h>
#include "../irqchip/irqchip.h"
#include "hyperv.h"

#define NS_A_UNIT	100
/* Far enough to be never, near enough to add to the present. */
#define MAX_UNITS	(NSEC_PER_SEC / NS_A_UNIT * 60 * 60 * 24 * 365ull)

static void make_due(struct nst_hv_stimer *timer)
{
	set_bit(timer->index, &timer->vcpu->hv->stimers_due);
	nst_request(timer->vcpu, NST_REQ_HV_STIMER);
}

static enum hrtimer_restart stimer_fired(struct hrtimer *hrtimer)
{
	struct nst_hv_stimer *timer = container_of(hrtimer, struct nst_hv_stimer, hrtimer);

	make_due(timer);
	nst_kick(timer->vcpu);
	return HRTIMER_NORESTART;
}

/**
 * nst_hv_stimers_init() - prepare the timers of a vCPU
 * @hv: its part of the interface, not published
 */
void nst_hv_stimers_init(struct nst_hv_vcpu *hv)
{
	for (int i = 0; i < HV_SYNIC_STIMER_COUNT; i++) {
		struct nst_hv_stimer *timer = &hv->stimer[i];

		timer->vcpu = hv->vcpu;
		timer->index = i;
		hrtimer_init(&timer->hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
		timer->hrtimer.function = stimer_fired;
	}
}

/* Nothing comes of it any more until it is started again. */
static void stop(struct nst_hv_stimer *timer)
{
	hrtimer_cancel(&timer->hrtimer);
	clear_bit(timer->index, &timer->vcpu->hv->stimers_due);
	timer->expires = 0;
	timer->waits_for_slot = false;
}

/**
 * nst_hv_stimers_reset() - all timers of a vCPU are off
 * @hv: its part of the interface; own thread, or nobody's
 */
void nst_hv_stimers_reset(struct nst_hv_vcpu *hv)
{
	for (int i = 0; i < HV_SYNIC_STIMER_COUNT; i++) {
		stop(&hv->stimer[i]);
		hv->stimer[i].config.as_uint64 = 0;
		hv->stimer[i].count = 0;
	}
}

/* ---- registers ---- */

static struct nst_hv_stimer *stimer_of(struct nst_vcpu *vcpu, u32 index)
{
	return &vcpu->hv->stimer[(index - HV_X64_MSR_STIMER0_CONFIG) / 2];
}

static bool is_count(u32 index)
{
	return (index - HV_X64_MSR_STIMER0_CONFIG) & 1;
}

/**
 * nst_hv_get_stimer() - RDMSR of a timer's configuration or count
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * Return: 0; -EINVAL for a guest without the synthetic interrupt controller.
 */
int nst_hv_get_stimer(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	const struct nst_hv_stimer *timer = stimer_of(vcpu, a->index);

	if (!vcpu->hv->synic.active && !a->host)
		return -EINVAL;
	a->val = is_count(a->index) ? timer->count : timer->config.as_uint64;
	return 0;
}

/* Does the guest's CPU have such a timer? */
static bool config_valid(const struct nst_vcpu *vcpu, union hv_stimer_config config)
{
	if (config.reserved_z0 || config.reserved_z1)
		return false;
	return !config.direct_mode ||
	       nst_hv_allows(vcpu->hv, NST_HV_FEATURES, HV_STIMER_DIRECT_MODE_AVAILABLE);
}

static int set_config(struct nst_hv_stimer *timer, const struct nst_msr_access *a)
{
	union hv_stimer_config config = { .as_uint64 = a->val };

	if (!a->host && !config_valid(timer->vcpu, config))
		return -EINVAL;
	stop(timer);
	/* SINT 0 is the hypervisor's own: it means that there is none. */
	if (!config.direct_mode && !config.sintx)
		config.enable = 0;
	timer->config = config;
	return 0;
}

/* Userspace restores the configuration as it is, whatever the count did to it once. */
static void set_count(struct nst_hv_stimer *timer, const struct nst_msr_access *a)
{
	stop(timer);
	timer->count = a->val;
	if (a->host)
		return;
	if (!timer->count)
		timer->config.enable = 0;
	else if (timer->config.auto_enable)
		timer->config.enable = timer->config.direct_mode || timer->config.sintx;
}

/**
 * nst_hv_set_stimer() - WRMSR of a timer's configuration or count
 * @vcpu: loaded vCPU
 * @a: the access
 *
 * The timer begins anew.
 *
 * Return: 0; -EINVAL without the synthetic interrupt controller, for reserved bits, and
 * for direct mode where CPUID does not show it.
 */
int nst_hv_set_stimer(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_stimer *timer = stimer_of(vcpu, a->index);

	if (!vcpu->hv->synic.active && !(a->host && !a->val))
		return -EINVAL;
	if (is_count(a->index))
		set_count(timer, a);
	else if (set_config(timer, a))
		return -EINVAL;
	if (timer->config.enable && timer->count)
		make_due(timer);
	return 0;
}

/* ---- time passes ---- */

static int post(struct nst_hv_stimer *timer, u64 now)
{
	const struct hv_timer_message_payload payload = {
		.timer_index = timer->index,
		.expiration_time = timer->expires,
		.delivery_time = now,
	};
	struct hv_message msg = {
		.header.message_type = HVMSG_TIMER_EXPIRED,
		.header.payload_size = sizeof(payload),
	};

	memcpy(msg.u.payload, &payload, sizeof(payload));
	return nst_hv_post(timer->vcpu, timer->config.sintx, &msg);
}

/* A message that nobody has a page for is lost; one without room waits for it. */
static void expire(struct nst_hv_stimer *timer, u64 now)
{
	if (timer->config.direct_mode)
		nst_lapic_interrupt(timer->vcpu, timer->config.apic_vector);
	else
		timer->waits_for_slot = post(timer, now) == -EAGAIN;
	if (timer->waits_for_slot)
		return;
	if (!timer->config.periodic) {
		timer->config.enable = 0;
		timer->expires = 0;
		return;
	}
	/* What was missed is not made up for. */
	timer->expires += timer->count * (div64_u64(now - timer->expires, timer->count) + 1);
}

static void arm(struct nst_hv_stimer *timer, u64 now)
{
	u64 units = min_t(u64, timer->expires - now, MAX_UNITS);

	hrtimer_start(&timer->hrtimer, ktime_add_ns(ktime_get(), units * NS_A_UNIT),
		      HRTIMER_MODE_ABS_PINNED_HARD);
}

static void look(struct nst_hv_stimer *timer)
{
	u64 now = nst_hv_time(timer->vcpu);

	if (!timer->config.enable || !timer->count)
		return;
	/* A period begins now; one shot comes when the time is that of the count. */
	if (!timer->expires)
		timer->expires = timer->config.periodic ?
				 now + min_t(u64, timer->count, U64_MAX - now) : timer->count;
	if (now >= timer->expires)
		expire(timer, now);
	if (timer->config.enable && !timer->waits_for_slot)
		arm(timer, now);
}

/**
 * nst_hv_stimers_look() - NST_REQ_HV_STIMER: what is due?
 * @vcpu: loaded vCPU, own thread; srcu held, may sleep
 */
void nst_hv_stimers_look(struct nst_vcpu *vcpu)
{
	struct nst_hv_vcpu *hv = vcpu->hv;

	for (int i = 0; i < HV_SYNIC_STIMER_COUNT; i++)
		if (test_and_clear_bit(i, &hv->stimers_due))
			look(&hv->stimer[i]);
}

/**
 * nst_hv_stimers_acked() - a SINT's message slot may be free
 * @vcpu: own thread
 * @sint: whose
 */
void nst_hv_stimers_acked(struct nst_vcpu *vcpu, u32 sint)
{
	struct nst_hv_vcpu *hv = vcpu->hv;

	for (int i = 0; i < HV_SYNIC_STIMER_COUNT; i++)
		if (hv->stimer[i].waits_for_slot && hv->stimer[i].config.sintx == sint)
			make_due(&hv->stimer[i]);
}
