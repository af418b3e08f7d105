/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hyper-V's interface for guests: the face to the core, and what its files share.
 *
 * A guest has it when its CPUID says "Hv#1": NST_GCAP_HYPERV.  What a vCPU needs for
 * it is made at the first use, by the guest or by userspace, and stays.
 *
 * Lock letters as in vcpu.h; (h) is vm->hv->lock.
 */
#ifndef NST_HYPERV_H
#define NST_HYPERV_H

#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include "../vcpu.h"
#include "../msr.h"
#include "tlfs.h"

/* Registers of the guest's CPUID with rights and features of this interface. */
enum nst_hv_word {
	NST_HV_RIGHTS,		/* 40000003.EAX: which MSRs */
	NST_HV_CALLS,		/* 40000003.EBX: which hypercalls */
	NST_HV_FEATURES,	/* 40000003.EDX */
	NST_HV_HINTS,		/* 40000004.EAX: what the guest shall use */
	NST_HV_SPINS,		/* 40000004.EBX: how often to try a lock before a call */
	NST_HV_SYNDBG,		/* 40000082.EAX */
	NST_HV_NR_WORDS
};

/* What the guest's time is made of while its TSC page is on. */
struct nst_hv_reference {
	bool valid;
	u32 sequence;		/* of the page */
	u64 scale;		/* 0.64 fixed point: units of 100 ns a tick */
	s64 offset;		/* units of 100 ns */
};

/* Who wrote the MSR of the TSC page last: its content may be older than we are. */
enum nst_hv_page_state { NST_HV_PAGE_LIVE, NST_HV_PAGE_NEW, NST_HV_PAGE_RESTORED };

/* The interface's part of a VM. */
struct nst_hv_vm {
	struct mutex lock;		/* VM-wide MSRs, the page of the TSC; inside srcu */
	u64 guest_os_id;		/* (h), readers race: 0: no hypercalls */
	u64 hypercall;			/* (h) */
	u64 tsc_page;			/* (h), readers race */
	u8 tsc_page_state;		/* (h) enum nst_hv_page_state */
	spinlock_t time_lock;		/* leaf; @reference */
	struct nst_hv_reference reference;
	u64 reenlightenment;		/* (h) */
	u64 tsc_emulation;		/* (h) */
	u64 tsc_emulation_status;	/* (h) */
	u64 crash_ctl;			/* (h) */
	u64 crash[HV_X64_MSR_CRASH_PARAMS]; /* (h) */
};

/* What userspace is to be told at the next opportunity. */
enum nst_hv_exit { NST_HV_EXIT_RESET, NST_HV_EXIT_CRASH };

/* The interface's part of a vCPU. */
struct nst_hv_vcpu {
	struct nst_vcpu *vcpu;		/* (c) */
	u32 cpuid[NST_HV_NR_WORDS];	/* (v) by enum nst_hv_word */
	bool enforce;			/* (v) what CPUID does not show is not there */
	u32 vp_index;			/* (v), readers race */
	u64 assist;			/* (v) MSR of the VP assist page */
	u64 runtime_offset;		/* (v) 100 ns */
	u8 exit;			/* (v) enum nst_hv_exit, with NST_REQ_HV_EXIT */
};

/* ---- state.c ---- */
int nst_hv_vm_create(struct nst_vm *vm);
void nst_hv_vm_destroy(struct nst_vm *vm);
int nst_hv_vcpu_create(struct nst_vcpu *vcpu);
void nst_hv_vcpu_destroy(struct nst_vcpu *vcpu);
struct nst_hv_vcpu *nst_hv_get(struct nst_vcpu *vcpu);
void nst_hv_reset(struct nst_vcpu *vcpu);
void nst_hv_cpuid_changed(struct nst_vcpu *vcpu);
long nst_hv_enable_cap(struct nst_vcpu *vcpu, const struct kvm_enable_cap *cap);
bool nst_hv_allows(const struct nst_hv_vcpu *hv, enum nst_hv_word word, u32 bits);
void nst_hv_ask_exit(struct nst_vcpu *vcpu, enum nst_hv_exit exit);
enum nst_next nst_hv_exit(struct nst_vcpu *vcpu);

/* The interface's part of any vCPU, NULL: never used. */
static inline struct nst_hv_vcpu *nst_hv_of(const struct nst_vcpu *vcpu)
{
	/* Pairs with the release in nst_hv_get(). */
	return smp_load_acquire(&vcpu->hv);
}

/* The number that the guest knows a vCPU by: its creation index unless userspace set it. */
static inline u32 nst_hv_vp_index(const struct nst_vcpu *vcpu)
{
	const struct nst_hv_vcpu *hv = nst_hv_of(vcpu);

	return hv ? READ_ONCE(hv->vp_index) : vcpu->idx;
}

/**
 * nst_hv_assist_gpa() - where the guest's VP assist page is
 * @vcpu: the vCPU; own thread
 *
 * TLFS "VP Assist Page": &struct hv_vp_assist_page.
 *
 * Return: its address, NST_GPA_INVALID while it is off.
 */
static inline nst_gpa_t nst_hv_assist_gpa(const struct nst_vcpu *vcpu)
{
	const struct nst_hv_vcpu *hv = vcpu->hv;

	if (likely(!hv) || !(hv->assist & HV_X64_MSR_VP_ASSIST_PAGE_ENABLE))
		return NST_GPA_INVALID;
	return nst_gpa(hv->assist & HV_X64_MSR_VP_ASSIST_PAGE_ADDRESS_MASK);
}

/* ---- cpuid.c ---- */
/* KVM_GET_SUPPORTED_HV_CPUID; @vcpu NULL: on the system fd.  -E2BIG, -EFAULT. */
long nst_hv_cpuid_supported(struct nst_vcpu *vcpu, struct kvm_cpuid2 __user *ucpuid);

/* ---- msr.c ---- */
nst_msr_fn nst_hv_msr_get, nst_hv_msr_set;

/* An access of an MSR of this interface; vcpu->hv is there.  0, or -EINVAL: #GP. */
typedef int nst_hv_msr_fn(struct nst_vcpu *vcpu, struct nst_msr_access *a);

/* ---- hypercall.c ---- */
enum nst_next nst_hv_hypercall(struct nst_vcpu *vcpu);

/* Are the hypercalls of L1 those of this interface?  A guest without a name has none. */
static inline bool nst_hv_has_calls(const struct nst_vcpu *vcpu)
{
	return nst_guest_has(vcpu, NST_GCAP_HYPERV) && READ_ONCE(vcpu->vm->hv->guest_os_id);
}

/* ---- clock.c ---- */
u64 nst_hv_time(struct nst_vcpu *vcpu);
void nst_hv_clock_update(struct nst_vcpu *vcpu, u64 tsc, u64 ns, bool stable);
nst_hv_msr_fn nst_hv_get_tsc_page, nst_hv_set_tsc_page;
nst_hv_msr_fn nst_hv_get_reenlightenment, nst_hv_set_reenlightenment;

#endif /* NST_HYPERV_H */
