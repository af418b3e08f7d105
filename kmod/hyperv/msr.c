// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MSRs of Hyper-V's interface, a row each: which register of CPUID shows it, and
 * what it does.  The core's table leads here for all of them.
 *
 * Userspace may read and write each: what it restores has no effect beyond the state,
 * and what only hardware could set is ignored.  TLFS "Hypervisor Synthetic MSRs".
 */
#include "../nestor.h"
#include <linux/sched/cputime.h>
#include "../core.h"
#include "../guestmem.h"
#include "../irqchip/irqchip.h"
#include "../tsc.h"
#include "hyperv.h"

#define PAGE_ENABLE	1ull		/* in each MSR that has a page's address */
#define RET_INSN	0xc3
#define BUS_HZ		NSEC_PER_SEC	/* see irqchip/lapic_timer.c */

static int get_zero(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = 0;
	return 0;
}

/* Userspace may write back what it has read; a guest may not. */
static int set_read_only(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	return a->host ? 0 : -EINVAL;
}

/* ---- who the guest is, and its way to call ---- */

static int get_guest_os_id(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = READ_ONCE(vcpu->vm->hv->guest_os_id);
	return 0;
}

/* A guest without a name has no hypercall page either. */
static int set_guest_os_id(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	mutex_lock(&hv->lock);
	WRITE_ONCE(hv->guest_os_id, a->val);
	if (!a->val)
		hv->hypercall &= ~PAGE_ENABLE;
	mutex_unlock(&hv->lock);
	return 0;
}

static int get_hypercall(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	mutex_lock(&hv->lock);
	a->val = hv->hypercall;
	mutex_unlock(&hv->lock);
	return 0;
}

/* DEVIATION: the code replaces what was in the page, where TLFS lays it over that. */
static int write_hypercall_page(struct nst_vcpu *vcpu, u64 val)
{
	u8 code[NST_HYPERCALL_LEN + 1];

	memcpy(code, nst_hypercall_insn(), NST_HYPERCALL_LEN);
	code[NST_HYPERCALL_LEN] = RET_INSN;
	return nst_vcpu_write_gpa(vcpu, nst_gpa(val & HV_X64_MSR_HYPERCALL_PAGE_ADDRESS_MASK),
				  code, sizeof(code)) ? -EINVAL : 0;
}

/* A page that userspace restores has its code: it is guest memory. */
static int set_hypercall(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;
	int ret = 0;

	mutex_lock(&hv->lock);
	if (!a->host && !hv->guest_os_id)
		goto unlock;
	if (!a->host && (a->val & PAGE_ENABLE))
		ret = write_hypercall_page(vcpu, a->val);
	if (!ret)
		hv->hypercall = a->val;
unlock:
	mutex_unlock(&hv->lock);
	return ret;
}

static int get_vp_index(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = vcpu->hv->vp_index;
	return 0;
}

static int set_vp_index(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	if (!a->host || a->val >= NST_HV_VPS_A_BANK * NST_HV_BANKS)
		return -EINVAL;
	WRITE_ONCE(vcpu->hv->vp_index, a->val);
	return 0;
}

static int set_reset(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	if (!a->host && (a->val & 1))
		nst_hv_ask_exit(vcpu, NST_HV_EXIT_RESET);
	return 0;
}

/* ---- time ---- */

static u64 thread_runtime(void)
{
	u64 user, system;

	task_cputime_adjusted(current, &user, &system);
	return div_u64(user + system, 100);
}

/* How long the thread that runs the vCPU has run: in the guest or for it. */
static int get_runtime(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = thread_runtime() + vcpu->hv->runtime_offset;
	return 0;
}

static int set_runtime(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	if (!a->host)
		return -EINVAL;
	vcpu->hv->runtime_offset = a->val - thread_runtime();
	return 0;
}

static int get_time(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = nst_hv_time(vcpu);
	return 0;
}

static int get_tsc_frequency(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = (u64)nst_tsc_effective_khz(vcpu) * 1000;
	return 0;
}

static int get_apic_frequency(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = BUS_HZ;
	return 0;
}

/* ---- the local APIC without its page ---- */

static const u16 apic_offsets[] = { APIC_EOI, APIC_ICR, APIC_TASKPRI };

static int get_apic(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	return nst_lapic_bypass(vcpu, apic_offsets[a->index - HV_X64_MSR_EOI], &a->val, false) ?
	       0 : -EINVAL;
}

static int set_apic(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	return nst_lapic_bypass(vcpu, apic_offsets[a->index - HV_X64_MSR_EOI], &a->val, true) ?
	       0 : -EINVAL;
}

static int get_assist(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	a->val = vcpu->hv->assist;
	return 0;
}

/* Of a page that the guest turns on the APIC's word is ours, the rest stays. */
static int set_assist(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	const u32 none = 0;
	nst_gpa_t gpa = nst_gpa(a->val & HV_X64_MSR_VP_ASSIST_PAGE_ADDRESS_MASK);

	if (!a->host && (a->val & HV_X64_MSR_VP_ASSIST_PAGE_ENABLE) &&
	    nst_vcpu_write_gpa(vcpu, gpa, &none, sizeof(none)))
		return -EINVAL;
	vcpu->hv->assist = a->val;
	return 0;
}

/* ---- crashes ---- */

static u64 *crash_register(struct nst_hv_vm *hv, u32 index)
{
	return index == HV_X64_MSR_CRASH_CTL ? &hv->crash_ctl :
					       &hv->crash[index - HV_X64_MSR_CRASH_P0];
}

static int get_crash(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	mutex_lock(&hv->lock);
	a->val = *crash_register(hv, a->index);
	mutex_unlock(&hv->lock);
	return 0;
}

/* CRASH_CTL reads as what there is; a write by the guest says that it crashed. */
static int set_crash(struct nst_vcpu *vcpu, struct nst_msr_access *a)
{
	struct nst_hv_vm *hv = vcpu->vm->hv;

	if (a->index == HV_X64_MSR_CRASH_CTL && !a->host) {
		if (a->val & HV_CRASH_CTL_CRASH_NOTIFY)
			nst_hv_ask_exit(vcpu, NST_HV_EXIT_CRASH);
		return 0;
	}
	if (a->index == HV_X64_MSR_CRASH_CTL)
		a->val &= HV_CRASH_CTL_CRASH_NOTIFY;
	mutex_lock(&hv->lock);
	*crash_register(hv, a->index) = a->val;
	mutex_unlock(&hv->lock);
	return 0;
}

/* ---- the table ---- */

#define ONE(msr, word, bit, get, set)		{ msr, 1, NST_HV_##word, bit, get, set }
#define RUN(msr, nr, word, bit, get, set)	{ msr, nr, NST_HV_##word, bit, get, set }

static const struct {
	u32 first;
	u8 count;
	u8 word;		/* enum nst_hv_word */
	u32 bit;
	nst_hv_msr_fn *get;	/* NULL: #GP */
	nst_hv_msr_fn *set;
} rows[] = {
	ONE(HV_X64_MSR_GUEST_OS_ID, RIGHTS, HV_MSR_HYPERCALL_AVAILABLE, get_guest_os_id,
	    set_guest_os_id),
	ONE(HV_X64_MSR_HYPERCALL, RIGHTS, HV_MSR_HYPERCALL_AVAILABLE, get_hypercall,
	    set_hypercall),
	ONE(HV_X64_MSR_VP_INDEX, RIGHTS, HV_MSR_VP_INDEX_AVAILABLE, get_vp_index, set_vp_index),
	ONE(HV_X64_MSR_RESET, RIGHTS, HV_MSR_RESET_AVAILABLE, get_zero, set_reset),
	ONE(HV_X64_MSR_VP_RUNTIME, RIGHTS, HV_MSR_VP_RUNTIME_AVAILABLE, get_runtime, set_runtime),
	ONE(HV_X64_MSR_TIME_REF_COUNT, RIGHTS, HV_MSR_TIME_REF_COUNT_AVAILABLE, get_time,
	    set_read_only),
	ONE(HV_X64_MSR_REFERENCE_TSC, RIGHTS, HV_MSR_REFERENCE_TSC_AVAILABLE,
	    nst_hv_get_tsc_page, nst_hv_set_tsc_page),
	ONE(HV_X64_MSR_TSC_FREQUENCY, RIGHTS, HV_ACCESS_FREQUENCY_MSRS, get_tsc_frequency,
	    set_read_only),
	ONE(HV_X64_MSR_APIC_FREQUENCY, RIGHTS, HV_ACCESS_FREQUENCY_MSRS, get_apic_frequency,
	    set_read_only),
	RUN(HV_X64_MSR_EOI, 3, RIGHTS, HV_MSR_APIC_ACCESS_AVAILABLE, get_apic, set_apic),
	ONE(HV_X64_MSR_VP_ASSIST_PAGE, RIGHTS, HV_MSR_APIC_ACCESS_AVAILABLE, get_assist,
	    set_assist),
	ONE(HV_X64_MSR_SCONTROL, RIGHTS, HV_MSR_SYNIC_AVAILABLE, nst_hv_get_synic,
	    nst_hv_set_synic),
	ONE(HV_X64_MSR_SVERSION, RIGHTS, HV_MSR_SYNIC_AVAILABLE, nst_hv_get_sversion,
	    set_read_only),
	RUN(HV_X64_MSR_SIEFP, 2, RIGHTS, HV_MSR_SYNIC_AVAILABLE, nst_hv_get_synic,
	    nst_hv_set_synic),
	ONE(HV_X64_MSR_EOM, RIGHTS, HV_MSR_SYNIC_AVAILABLE, nst_hv_get_eom, nst_hv_set_eom),
	RUN(HV_X64_MSR_SINT0, HV_SYNIC_SINT_COUNT, RIGHTS, HV_MSR_SYNIC_AVAILABLE,
	    nst_hv_get_synic, nst_hv_set_sint),
	RUN(HV_X64_MSR_STIMER0_CONFIG, 2 * HV_SYNIC_STIMER_COUNT, RIGHTS,
	    HV_MSR_SYNTIMER_AVAILABLE, nst_hv_get_stimer, nst_hv_set_stimer),
	RUN(NST_HV_MSR_SYNDBG_CONTROL, 5, FEATURES, HV_FEATURE_DEBUG_MSRS_AVAILABLE,
	    nst_hv_get_syndbg, nst_hv_set_syndbg),
	ONE(NST_HV_MSR_SYNDBG_OPTIONS, FEATURES, HV_FEATURE_DEBUG_MSRS_AVAILABLE,
	    nst_hv_get_syndbg, nst_hv_set_syndbg),
	RUN(HV_X64_MSR_CRASH_P0, HV_X64_MSR_CRASH_PARAMS + 1, FEATURES,
	    HV_FEATURE_GUEST_CRASH_MSR_AVAILABLE, get_crash, set_crash),
	RUN(HV_X64_MSR_REENLIGHTENMENT_CONTROL, 3, RIGHTS, HV_ACCESS_REENLIGHTENMENT,
	    nst_hv_get_reenlightenment, nst_hv_set_reenlightenment),
};

static const typeof(rows[0]) *find_row(u32 index)
{
	for (int i = 0; i < ARRAY_SIZE(rows); i++)
		if (index - rows[i].first < rows[i].count)
			return &rows[i];
	return NULL;
}

/* Does this access reach the MSR at all?  Makes the vCPU's part of the interface. */
static const typeof(rows[0]) *reach(struct nst_vcpu *vcpu, u32 index, bool host)
{
	const typeof(rows[0]) *row = find_row(index);
	const struct nst_hv_vcpu *hv = nst_hv_get(vcpu);

	if (!row || !hv || (!host && !nst_hv_allows(hv, row->word, row->bit)))
		return NULL;
	return row;
}

/**
 * nst_hv_msr_get() - RDMSR of an MSR of the interface
 * @vcpu: loaded vCPU, mutex held
 * @unused: the core's row
 * @a: the access
 *
 * Return: 0; -EINVAL when there is no such register, or CPUID has to show it and
 * does not.
 */
int nst_hv_msr_get(struct nst_vcpu *vcpu, const struct nst_msr_row *unused,
		   struct nst_msr_access *a)
{
	const typeof(rows[0]) *row = reach(vcpu, a->index, a->host);

	return row && row->get ? row->get(vcpu, a) : -EINVAL;
}

/**
 * nst_hv_msr_set() - WRMSR of an MSR of the interface
 * @vcpu: loaded vCPU, mutex and srcu held
 * @unused: the core's row
 * @a: the access
 *
 * Return: as nst_hv_msr_get(), and -EINVAL for a value that is not valid.
 */
int nst_hv_msr_set(struct nst_vcpu *vcpu, const struct nst_msr_row *unused,
		   struct nst_msr_access *a)
{
	const typeof(rows[0]) *row = reach(vcpu, a->index, a->host);

	return row && row->set ? row->set(vcpu, a) : -EINVAL;
}
