// SPDX-License-Identifier: GPL-2.0-only
/*
 * The local APIC's timer: one-shot, periodic and TSC-deadline, each on one
 * host hrtimer.
 *
 * The bus clock runs at 1 GHz: a count of one is a nanosecond times the divisor.
 * Facts: SDM3 "APIC Timer".  Fields of the timer are changed by the vCPU's own
 * thread while the hrtimer is cancelled, so that the expiry function, which
 * runs in hard interrupt context, needs no lock.
 */
#include "../nestor.h"
#include <linux/math64.h>
#include <asm/tsc.h>
#include "../core.h"
#include "../tsc.h"
#include "chip.h"
#include "lapic.h"

/* A guest must not keep the host busy with interrupts. */
#define TIMER_MIN_PERIOD_NS	(200 * NSEC_PER_USEC)
/* Far enough to be never, near enough to add to the present. */
#define TIMER_MAX_NS		(NSEC_PER_SEC * 60 * 60 * 24 * 365ull)
/* So many ticks for each kHz of the host's TSC are more than TIMER_MAX_NS. */
#define TIMER_FAR_SHIFT		40
#define LVT_TIMER_MODE		(APIC_LVT_TIMER_PERIODIC | APIC_LVT_TIMER_TSCDEADLINE)

static u32 timer_mode(const struct nst_lapic *l)
{
	return nst_lapic_reg(l, APIC_LVTT) & LVT_TIMER_MODE;
}

/* SDM3 "Divide Configuration Register": bits 3, 1 and 0; 111 divides by 1. */
static unsigned int timer_divisor_shift(const struct nst_lapic *l)
{
	u32 tdcr = nst_lapic_reg(l, APIC_TDCR);

	return (((tdcr & 3) | (tdcr & 8) >> 1) + 1) & 7;
}

static u64 timer_count_to_ns(const struct nst_lapic *l, u32 count)
{
	return (u64)count << timer_divisor_shift(l);
}

/* Nanoseconds until the host's TSC reaches @host_tsc, rounded up; 0: it has. */
static u64 timer_ns_until(u64 host_tsc)
{
	u64 ticks = host_tsc - rdtsc();

	if ((s64)ticks <= 0)
		return 0;
	/* Far away, and on a slow CPU more nanoseconds than 64 bits hold, which traps. */
	if (ticks >> TIMER_FAR_SHIFT >= tsc_khz)
		return TIMER_MAX_NS;
	return min_t(u64, mul_u64_u64_div_u64(ticks, NSEC_PER_MSEC, tsc_khz) + 1, TIMER_MAX_NS);
}

static enum hrtimer_restart timer_expired(struct hrtimer *timer)
{
	struct nst_lapic *l = container_of(timer, struct nst_lapic, timer);

	if (l->host_deadline) {
		u64 left = timer_ns_until(l->host_deadline);

		/* The host's clock is steered, the TSC is not: never be early. */
		if (left) {
			hrtimer_forward_now(timer, ns_to_ktime(left));
			return HRTIMER_RESTART;
		}
		l->host_deadline = 0;
		WRITE_ONCE(l->deadline, 0);
	}
	nst_lapic_local(l, APIC_LVTT);
	if (!l->period)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(l->period));
	return HRTIMER_RESTART;
}

/**
 * nst_lapic_timer_init() - prepare the timer
 * @l: a new local APIC
 */
void nst_lapic_timer_init(struct nst_lapic *l)
{
	hrtimer_init(&l->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_PINNED_HARD);
	l->timer.function = timer_expired;
}

/**
 * nst_lapic_timer_stop() - disarm the timer
 * @l: the local APIC; own thread, or nobody's
 */
void nst_lapic_timer_stop(struct nst_lapic *l)
{
	hrtimer_cancel(&l->timer);
	l->period = 0;
	l->deadline = 0;
	l->host_deadline = 0;
}

static void timer_start(struct nst_lapic *l, u64 ns)
{
	ktime_t when = ktime_add_ns(ktime_get(), min_t(u64, ns, TIMER_MAX_NS));

	hrtimer_start(&l->timer, when, HRTIMER_MODE_ABS_PINNED_HARD);
}

/* Count down from @remaining, then (periodic) again and again from TMICT. */
static void timer_start_count(struct nst_lapic *l, u32 remaining)
{
	u64 ns = timer_count_to_ns(l, remaining);

	nst_lapic_timer_stop(l);
	if (!remaining || timer_mode(l) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	if (timer_mode(l) == APIC_LVT_TIMER_PERIODIC) {
		l->period = max_t(u64, timer_count_to_ns(l, nst_lapic_reg(l, APIC_TMICT)),
				  TIMER_MIN_PERIOD_NS);
		ns = min_t(u64, ns, l->period);
	}
	timer_start(l, ns);
}

/* Of a timer that runs, or was just halted: at least 1, for what is due has not come. */
static u32 count_left(const struct nst_lapic *l)
{
	s64 left = max_t(s64, ktime_to_ns(hrtimer_get_remaining(&l->timer)), 0);

	return clamp_t(u64, (u64)left >> timer_divisor_shift(l), 1, nst_lapic_reg(l, APIC_TMICT));
}

/**
 * nst_lapic_timer_count() - the current-count register
 * @l: the local APIC; own thread
 */
u32 nst_lapic_timer_count(struct nst_lapic *l)
{
	if (timer_mode(l) == APIC_LVT_TIMER_TSCDEADLINE || !hrtimer_active(&l->timer))
		return 0;
	return count_left(l);
}

/**
 * nst_lapic_timer_halt() - let nothing come of the timer for a while
 * @l: the local APIC; own thread
 * @count: the current-count register, 0 in TSC-deadline mode
 *
 * Return: true when it ran: nst_lapic_timer_go_on() is due.
 */
bool nst_lapic_timer_halt(struct nst_lapic *l, u32 *count)
{
	bool ran = hrtimer_cancel(&l->timer) > 0;

	*count = ran && timer_mode(l) != APIC_LVT_TIMER_TSCDEADLINE ? count_left(l) : 0;
	return ran;
}

/**
 * nst_lapic_timer_go_on() - undo nst_lapic_timer_halt(), when that returned true
 * @l: the local APIC; own thread
 */
void nst_lapic_timer_go_on(struct nst_lapic *l)
{
	hrtimer_start_expires(&l->timer, HRTIMER_MODE_ABS_PINNED_HARD);
}

/**
 * nst_lapic_timer_write_count() - the guest writes the initial count
 * @l: the local APIC; own thread
 * @count: 0 stops the timer
 *
 * In TSC-deadline mode the write is ignored, SDM3 "TSC-Deadline Mode".
 */
void nst_lapic_timer_write_count(struct nst_lapic *l, u32 count)
{
	if (timer_mode(l) == APIC_LVT_TIMER_TSCDEADLINE)
		return;
	nst_lapic_put_reg(l, APIC_TMICT, count);
	timer_start_count(l, count);
}

/**
 * nst_lapic_timer_write_lvt() - the guest writes the timer's vector-table entry
 * @l: the local APIC; own thread
 * @val: the new value, writable bits only
 *
 * A change to or from TSC-deadline mode disarms the timer.  Between one-shot
 * and periodic the running count goes on.
 */
void nst_lapic_timer_write_lvt(struct nst_lapic *l, u32 val)
{
	u32 changed = (nst_lapic_reg(l, APIC_LVTT) ^ val) & LVT_TIMER_MODE;
	u32 remaining;

	if (!changed) {
		nst_lapic_put_reg(l, APIC_LVTT, val);
		return;
	}
	nst_lapic_timer_halt(l, &remaining);
	nst_lapic_timer_stop(l);
	nst_lapic_put_reg(l, APIC_LVTT, val);
	if (changed & APIC_LVT_TIMER_TSCDEADLINE)
		nst_lapic_put_reg(l, APIC_TMICT, 0);
	else
		timer_start_count(l, remaining);
}

/**
 * nst_lapic_timer_write_divide() - the guest writes the divide configuration
 * @l: the local APIC; own thread
 * @val: the new value, writable bits only
 */
void nst_lapic_timer_write_divide(struct nst_lapic *l, u32 val)
{
	u32 remaining;
	bool ran = nst_lapic_timer_halt(l, &remaining);

	nst_lapic_put_reg(l, APIC_TDCR, val);
	if (remaining)
		timer_start_count(l, remaining);
	else if (ran)
		nst_lapic_timer_go_on(l);
}

/**
 * nst_lapic_timer_restore() - go on after the registers were restored
 * @l: the local APIC; the vCPU is not running
 * @remaining: the current count, 0 when the image has none
 * @spent: the initial count that has run out, as far as the image knows
 *
 * QEMU keeps no current count, and stock KVM's may be 0 while its interrupt is
 * still on the way to IRR.  Unless we know better a count of 0 has run out just
 * now: one interrupt too many does less harm than a wait for one that never comes.
 */
void nst_lapic_timer_restore(struct nst_lapic *l, u32 remaining, u32 spent)
{
	u32 initial = nst_lapic_reg(l, APIC_TMICT);
	u64 deadline = l->deadline;

	if (timer_mode(l) == APIC_LVT_TIMER_TSCDEADLINE) {
		nst_lapic_set_tsc_deadline(l->vcpu, deadline);
		return;
	}
	if (!remaining && initial != spent) {
		if (timer_mode(l) == APIC_LVT_TIMER_PERIODIC)
			remaining = initial;
		else
			nst_lapic_local(l, APIC_LVTT);
	}
	timer_start_count(l, min(remaining, initial));
}

/**
 * nst_lapic_get_tsc_deadline() - read IA32_TSC_DEADLINE
 * @vcpu: own thread
 */
u64 nst_lapic_get_tsc_deadline(struct nst_vcpu *vcpu)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!l || timer_mode(l) != APIC_LVT_TIMER_TSCDEADLINE)
		return 0;
	return READ_ONCE(l->deadline);
}

/**
 * nst_lapic_set_tsc_deadline() - write IA32_TSC_DEADLINE
 * @vcpu: own thread
 * @tsc: guest TSC at which to fire, 0 disarms
 *
 * Ignored in the other timer modes.  A deadline in the past fires at once.
 */
void nst_lapic_set_tsc_deadline(struct nst_vcpu *vcpu, u64 tsc)
{
	struct nst_lapic *l = vcpu->lapic;

	if (!l || timer_mode(l) != APIC_LVT_TIMER_TSCDEADLINE)
		return;
	nst_lapic_timer_stop(l);
	if (!tsc)
		return;
	if (tsc <= nst_tsc_read(vcpu)) {
		nst_lapic_local(l, APIC_LVTT);
		return;
	}
	l->deadline = tsc;
	/* 0 means unarmed. */
	l->host_deadline = nst_tsc_to_host(vcpu, tsc) ?: 1;
	timer_start(l, timer_ns_until(l->host_deadline));
}
