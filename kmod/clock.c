// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvmclock: a page of guest memory per vCPU from which the guest computes
 * nanoseconds out of its TSC: system_time + scale(TSC - tsc_timestamp).
 *
 * When the host itself keeps time with its TSC and all vCPUs have the same TSC
 * offset, one pair (TSC, nanoseconds) is taken and every page is made from it.
 * It stays as long as that holds, so that the clocks of two vCPUs cannot differ
 * and the guest may read without a lock (PVCLOCK_TSC_STABLE_BIT).  Else every
 * page gets a pair of its own and is rewritten each second; the guest then
 * takes the maximum over its CPUs.
 *
 * Layouts: <asm/pvclock-abi.h>; the rest: Linux "KVM-specific MSRs".
 */
#include "nestor.h"

#include <linux/slab.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <asm/kvm_para.h>
#include <asm/msr.h>
#include <asm/pvclock-abi.h>
#include <asm/tsc.h>
#include "guestmem.h"
#include "hyperv/hyperv.h"
#include "pvclock_math.h"
#include "tsc.h"

#define CLOCK_FLAGS	(KVM_CLOCK_TSC_STABLE | KVM_CLOCK_REALTIME | KVM_CLOCK_HOST_TSC)

/**
 * struct host_time - one moment on the host's clocks
 * @tsc: host TSC
 * @ns: raw monotonic clock (no NTP slewing: guests extrapolate from the TSC),
 *	plus the time spent suspended
 * @real: wall clock
 * @by_tsc: the host derives @ns from @tsc
 */
struct host_time {
	u64 tsc;
	s64 ns;
	s64 real;
	bool by_tsc;
};

static void read_host_time(struct host_time *t)
{
	struct system_time_snapshot snap;
	unsigned long flags;
	u64 before, after;

	before = rdtsc_ordered();
	ktime_get_snapshot(&snap);
	after = rdtsc_ordered();
	t->real = ktime_to_ns(snap.real);
	/* The counter behind the clock is the TSC if it read as the TSC does. */
	t->by_tsc = !check_tsc_unstable() && snap.cycles >= before && snap.cycles <= after;
	if (t->by_tsc) {
		t->tsc = snap.cycles;
		t->ns = ktime_to_ns(snap.raw);
	} else {
		local_irq_save(flags);
		t->tsc = rdtsc_ordered();
		t->ns = ktime_get_raw_ns();
		local_irq_restore(flags);
	}
	t->ns += ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

static bool offsets_match(struct nst_vm *vm)
{
	struct nst_vcpu *first = xa_load(&vm->vcpus, 0), *vcpu;
	unsigned long i;

	nst_for_each_vcpu(vm, vcpu, i) {
		if (READ_ONCE(vcpu->tsc_offset_base) != READ_ONCE(first->tsc_offset_base) ||
		    READ_ONCE(vcpu->tsc_ratio) != READ_ONCE(first->tsc_ratio))
			return false;
	}
	return true;
}

static void take_shared(struct nst_clock_vm *clock, const struct host_time *now)
{
	clock->shared = true;
	clock->shared_tsc = now->tsc;
	clock->shared_ns = now->ns;
}

/* True: the pages of all vCPUs must be written again. */
static bool review_shared(struct nst_clock_vm *clock, const struct host_time *now)
{
	u64 second = (u64)tsc_khz * 1000;
	/* A pair far ahead of the TSC is from before a suspend that reset it. */
	bool possible = now->by_tsc && now->tsc + second > clock->shared_tsc &&
			offsets_match(clock->vm);

	lockdep_assert_held(&clock->lock);
	if (possible == clock->shared)
		return false;
	if (possible)
		take_shared(clock, now);
	clock->shared = possible;
	if (!possible)
		clock->shared_tsc = 0;
	return true;
}

/* What every page says when it is made at the moment @at. */
static void fill_page(struct nst_vcpu *vcpu, struct pvclock_vcpu_time_info *page,
		      const struct host_time *at, s64 boot_ns)
{
	page->tsc_timestamp = nst_tsc_from_host(vcpu, at->tsc);
	page->system_time = at->ns - boot_ns;
	nst_pvclock_scale(nst_tsc_effective_khz(vcpu), &page->tsc_to_system_mul,
			  &page->tsc_shift);
}

/*
 * An odd version tells the guest's other readers to wait.  Nothing can be done
 * when the page is not memory: the guest put it there.
 */
static void write_page(struct nst_vcpu *vcpu, struct pvclock_vcpu_time_info *page)
{
	nst_gpa_t gpa = nst_gpa(vcpu->clock_msr & ~1ull);
	size_t body = offsetof(struct pvclock_vcpu_time_info, tsc_timestamp);
	u32 version = (vcpu->clock_version | 1) + 2;
	u8 old_flags;

	/* The guest clears this one itself once it has seen it. */
	if (!nst_read_gpa(vcpu->vm, nst_gpa_add(gpa, offsetof(typeof(*page), flags)), &old_flags,
			  sizeof(old_flags)))
		page->flags |= old_flags & PVCLOCK_GUEST_STOPPED;
	if (nst_write_gpa(vcpu->vm, gpa, &version, sizeof(version)))
		return;
	smp_wmb();	/* odd version, body, even version: in this order */
	if (nst_write_gpa(vcpu->vm, nst_gpa_add(gpa, body), (u8 *)page + body,
			  sizeof(*page) - body))
		return;
	smp_wmb();	/* body before the even version */
	version++;
	vcpu->clock_version = version;
	nst_write_gpa(vcpu->vm, gpa, &version, sizeof(version));
}

/**
 * nst_clock_update() - rewrite the vCPU's clock page: NST_REQ_CLOCK
 * @vcpu: loaded vCPU, its own thread; srcu held, may sleep
 */
void nst_clock_update(struct nst_vcpu *vcpu)
{
	struct nst_clock_vm *clock = vcpu->vm->clock;
	struct pvclock_vcpu_time_info page = {};
	struct host_time at;
	bool changed, shared;
	s64 boot_ns;

	read_host_time(&at);
	spin_lock(&clock->lock);
	changed = review_shared(clock, &at);
	shared = clock->shared;
	boot_ns = clock->boot_ns;
	if (shared) {
		at.tsc = clock->shared_tsc;
		at.ns = clock->shared_ns;
	}
	spin_unlock(&clock->lock);

	if (changed)
		nst_request_all(vcpu->vm, NST_REQ_CLOCK, false);
	nst_hv_clock_update(vcpu, nst_tsc_from_host(vcpu, at.tsc), at.ns - boot_ns, shared);
	if (!(vcpu->clock_msr & 1))
		return;
	fill_page(vcpu, &page, &at, boot_ns);
	if (shared)
		page.flags |= PVCLOCK_TSC_STABLE_BIT;
	else
		schedule_delayed_work(&clock->resync, HZ);
	if (vcpu->clock_stopped)
		page.flags |= PVCLOCK_GUEST_STOPPED;
	vcpu->clock_stopped = false;
	write_page(vcpu, &page);
}

static void resync(struct work_struct *work)
{
	struct nst_clock_vm *clock = container_of(work, struct nst_clock_vm, resync.work);

	nst_request_all(clock->vm, NST_REQ_CLOCK, false);
}

/* kvmclock's value at @now, which is the present and has been reviewed. */
static u64 clock_ns(struct nst_clock_vm *clock, const struct host_time *now)
{
	u64 cycles = 0;
	u32 mul;
	s8 shift;

	lockdep_assert_held(&clock->lock);
	if (!clock->shared)
		return now->ns - clock->boot_ns;
	/* Another CPU may have taken the pair a moment after @now. */
	if (now->tsc > clock->shared_tsc)
		cycles = now->tsc - clock->shared_tsc;
	/* What the guest computes, rounding included. */
	nst_pvclock_scale(tsc_khz, &mul, &shift);
	return clock->shared_ns - clock->boot_ns +
	       nst_pvclock_ns(cycles, mul, shift);
}

/**
 * nst_clock_get() - KVM_GET_CLOCK
 * @vm: the VM
 * @data: result; the flags say which fields beside clock are valid
 *
 * Return: 0.
 */
int nst_clock_get(struct nst_vm *vm, struct kvm_clock_data *data)
{
	struct nst_clock_vm *clock = vm->clock;
	struct host_time now;
	bool changed;

	memset(data, 0, sizeof(*data));
	read_host_time(&now);
	spin_lock(&clock->lock);
	changed = review_shared(clock, &now);
	data->clock = clock_ns(clock, &now);
	if (clock->shared)
		data->flags = CLOCK_FLAGS;
	spin_unlock(&clock->lock);
	if (changed)
		nst_request_all(vm, NST_REQ_CLOCK, false);
	if (data->flags) {
		data->realtime = now.real;
		data->host_tsc = now.tsc;
	}
	return 0;
}

/**
 * nst_clock_set() - KVM_SET_CLOCK
 * @vm: the VM
 * @data: clock, and with KVM_CLOCK_REALTIME the wall-clock time it was read at:
 *	what passed since is added
 *
 * Return: 0; -EINVAL for unknown flags.
 */
int nst_clock_set(struct nst_vm *vm, const struct kvm_clock_data *data)
{
	struct nst_clock_vm *clock = vm->clock;
	struct host_time now;
	s64 passed = 0;

	if (data->flags & ~CLOCK_FLAGS)
		return -EINVAL;
	read_host_time(&now);
	if (data->flags & KVM_CLOCK_REALTIME)
		passed = max_t(s64, 0, now.real - (s64)data->realtime);
	spin_lock(&clock->lock);
	clock->boot_ns = now.ns - (s64)data->clock - passed;
	review_shared(clock, &now);
	if (clock->shared)
		take_shared(clock, &now);
	spin_unlock(&clock->lock);
	nst_request_all(vm, NST_REQ_CLOCK, true);
	return 0;
}

/**
 * nst_clock_msr_write() - write of a system-time MSR
 * @vcpu: loaded vCPU
 * @val: guest-physical address of the clock page, and the enable bit
 */
void nst_clock_msr_write(struct nst_vcpu *vcpu, u64 val)
{
	vcpu->clock_msr = val;
	if (val & 1)
		nst_request(vcpu, NST_REQ_CLOCK);
}

/**
 * nst_wall_clock_write() - write of a wall-clock MSR
 * @vcpu: loaded vCPU; srcu held, may sleep
 * @val: where to write what time it was when kvmclock was zero
 */
void nst_wall_clock_write(struct nst_vcpu *vcpu, u64 val)
{
	struct nst_clock_vm *clock = vcpu->vm->clock;
	struct pvclock_wall_clock wall;
	nst_gpa_t gpa = nst_gpa(val);
	struct host_time now;
	bool changed;
	u64 zero;
	u32 nsec;

	vcpu->wall_clock_msr = val;
	if (!val || nst_read_gpa(vcpu->vm, gpa, &wall, sizeof(wall)))
		return;
	read_host_time(&now);
	spin_lock(&clock->lock);
	changed = review_shared(clock, &now);
	zero = now.real - clock_ns(clock, &now);
	spin_unlock(&clock->lock);
	if (changed)
		nst_request_all(vcpu->vm, NST_REQ_CLOCK, false);

	wall.version = (wall.version | 1) + 2;
	if (nst_write_gpa(vcpu->vm, gpa, &wall.version, sizeof(wall.version)))
		return;
	smp_wmb();	/* odd version before the time */
	wall.sec = div_u64_rem(zero, NSEC_PER_SEC, &nsec);
	wall.nsec = nsec;
	if (nst_write_gpa(vcpu->vm, gpa, &wall, sizeof(wall)))
		return;
	smp_wmb();	/* time before the even version */
	wall.version++;
	nst_write_gpa(vcpu->vm, gpa, &wall.version, sizeof(wall.version));
}

/**
 * nst_clock_guest_stopped() - KVM_KVMCLOCK_CTRL
 * @vcpu: the vCPU, mutex held
 *
 * The guest's watchdogs forgive the time that the next page says it lost.
 *
 * Return: 0; -EINVAL when the guest has no clock page.
 */
int nst_clock_guest_stopped(struct nst_vcpu *vcpu)
{
	if (!(vcpu->clock_msr & 1))
		return -EINVAL;
	vcpu->clock_stopped = true;
	nst_request(vcpu, NST_REQ_CLOCK);
	return 0;
}

/**
 * nst_clock_vm_create() - start a VM's clock at zero
 * @vm: the VM
 *
 * Return: 0 or -ENOMEM.
 */
int nst_clock_vm_create(struct nst_vm *vm)
{
	struct nst_clock_vm *clock = kzalloc(sizeof(*clock), GFP_KERNEL_ACCOUNT);
	struct host_time now;

	if (!clock)
		return -ENOMEM;
	clock->vm = vm;
	spin_lock_init(&clock->lock);
	INIT_DELAYED_WORK(&clock->resync, resync);
	read_host_time(&now);
	clock->boot_ns = now.ns;
	vm->clock = clock;
	return 0;
}

/**
 * nst_clock_vm_destroy() - free a VM's clock
 * @vm: the VM; no vCPU is left
 */
void nst_clock_vm_destroy(struct nst_vm *vm)
{
	kfree(vm->clock);
	vm->clock = NULL;
}

/**
 * nst_tsc_vcpu_destroy() - a vCPU goes: with its VM, or because its creation failed
 * @vcpu: the vCPU
 *
 * The resync work walks over all vCPUs, so it ends before the first is freed.
 */
void nst_tsc_vcpu_destroy(struct nst_vcpu *vcpu)
{
	cancel_delayed_work_sync(&vcpu->vm->clock->resync);
	if (refcount_read(&vcpu->vm->users))
		nst_request_all(vcpu->vm, NST_REQ_CLOCK, false);
}
