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

#include <linux/bitmap.h>
#include <linux/hrtimer.h>
#include <linux/kvm.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/xarray.h>
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
	struct {
		u64 control;
		u64 status;
		u64 send;
		u64 recv;
		u64 pending;
		u64 options;
	} syndbg;			/* (h) */
	struct xarray conns;		/* eventfds by connection id; read under RCU */
};

/* What userspace is to be told at the next opportunity. */
enum nst_hv_exit {
	NST_HV_EXIT_RESET, NST_HV_EXIT_CRASH, NST_HV_EXIT_SYNIC, NST_HV_EXIT_SYNDBG,
};

#define NST_HV_VECTORS		256

/* The synthetic interrupt controller of a vCPU. */
struct nst_hv_synic {
	bool active;			/* (v), readers race: userspace turned it on */
	bool keep_pages;		/* (v) */
	u64 control;			/* (v), readers race: SCONTROL */
	u64 event_page;			/* (v) SIEFP */
	u64 message_page;		/* (v) SIMP */
	u64 sint[HV_SYNIC_SINT_COUNT];	/* (v), readers race */
	/* Of the sources that are not masked: */
	DECLARE_BITMAP(vectors, NST_HV_VECTORS);	/* (v) */
	DECLARE_BITMAP(auto_eoi, NST_HV_VECTORS);	/* (v) in service for no time */
};

/* A synthetic timer of a vCPU. */
struct nst_hv_stimer {
	struct nst_vcpu *vcpu;		/* (c) */
	u8 index;			/* (c) */
	bool waits_for_slot;		/* (v) for a message to be read before its own */
	union hv_stimer_config config;	/* (v) */
	u64 count;			/* (v) period, or time of the one shot: 100 ns */
	u64 expires;			/* (v) reference time, 0: it has not begun */
	struct hrtimer hrtimer;
};

/* The interface's part of a vCPU. */
struct nst_hv_vcpu {
	struct nst_vcpu *vcpu;		/* (c) */
	u32 cpuid[NST_HV_NR_WORDS];	/* (v) by enum nst_hv_word */
	bool enforce;			/* (v) what CPUID does not show is not there */
	u32 vp_index;			/* (v), readers race */
	u64 assist;			/* (v) MSR of the VP assist page */
	u64 runtime_offset;		/* (v) 100 ns */
	u8 exit;			/* (v) enum nst_hv_exit, with NST_REQ_HV_EXIT */
	bool syndbg_asked;		/* (v) userspace is to answer with a status */
	u32 exit_msr;			/* (v) whose write is the reason */
	struct nst_hv_synic synic;
	struct nst_hv_stimer stimer[HV_SYNIC_STIMER_COUNT];
	unsigned long stimers_due;	/* (a) a bit each, with NST_REQ_HV_STIMER */
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
enum nst_next nst_hv_complete_call(struct nst_vcpu *vcpu);

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

/* ---- synic.c ---- */
int nst_hv_synic_enable(struct nst_vcpu *vcpu, bool keep_pages);
void nst_hv_synic_reset(struct nst_hv_vcpu *hv);
bool nst_hv_sint_raise(struct nst_vcpu *vcpu, u32 sint);
bool nst_hv_sint_of_vp(struct nst_vm *vm, u32 vp, u32 sint);
void nst_hv_synic_eoi(struct nst_vcpu *vcpu, u8 vector);
int nst_hv_post(struct nst_vcpu *vcpu, u32 sint, const struct hv_message *msg);
nst_hv_msr_fn nst_hv_get_synic, nst_hv_set_synic, nst_hv_get_sversion, nst_hv_set_sint;
nst_hv_msr_fn nst_hv_get_eom, nst_hv_set_eom;

/* Does somebody wait for the end of this interrupt?  Own thread. */
static inline bool nst_hv_sint_has(const struct nst_vcpu *vcpu, u8 vector)
{
	return unlikely(vcpu->hv) && test_bit(vector, vcpu->hv->synic.vectors);
}

/* Is this interrupt over as soon as it is delivered?  Own thread. */
static inline bool nst_hv_auto_eoi(const struct nst_vcpu *vcpu, u8 vector)
{
	return unlikely(vcpu->hv) && test_bit(vector, vcpu->hv->synic.auto_eoi);
}

/* The guest ended an interrupt.  Own thread. */
static inline void nst_hv_eoi(struct nst_vcpu *vcpu, u8 vector)
{
	if (nst_hv_sint_has(vcpu, vector))
		nst_hv_synic_eoi(vcpu, vector);
}

/* ---- stimer.c ---- */
void nst_hv_stimers_init(struct nst_hv_vcpu *hv);
void nst_hv_stimers_reset(struct nst_hv_vcpu *hv);
void nst_hv_stimers_look(struct nst_vcpu *vcpu);
void nst_hv_stimers_acked(struct nst_vcpu *vcpu, u32 sint);
nst_hv_msr_fn nst_hv_get_stimer, nst_hv_set_stimer;

/* ---- conn.c ---- */
long nst_hv_eventfd(void *object, unsigned long arg);
void nst_hv_conns_destroy(struct nst_hv_vm *hv);

/* ---- syndbg.c ---- */
nst_hv_msr_fn nst_hv_get_syndbg, nst_hv_set_syndbg;
void nst_hv_syndbg_exit(struct nst_vcpu *vcpu);
void nst_hv_syndbg_answer(struct nst_vcpu *vcpu);

#endif /* NST_HYPERV_H */
