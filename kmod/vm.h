/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One virtual machine: everything that its vCPUs share.
 *
 * Lock letters on fields, see Documentation/locking.rst:
 * (c) constant after creation, (L) vm->lock, (s) slots_lock to write and SRCU
 * to read, (m) mmu_lock, (i) irq_lock, (a) atomic.
 */
#ifndef NST_VM_H
#define NST_VM_H

#include <linux/kvm.h>
#include <linux/list.h>
#include <linux/mm_types.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/xarray.h>
#include "x86.h"

struct nst_vcpu;
struct nst_memslots;
struct nst_mmu_vm;
struct nst_irqchip;
struct nst_iobus;
struct nst_eventfds;
struct nst_clock_vm;
struct nst_coalesced;
struct nst_msr_filter;
struct nst_hv_vm;
struct dentry;

#define NST_MAX_VCPUS		1024
#define NST_MAX_VCPU_ID		4096
#define NST_MAX_SLOTS		32764

/* Departures from the hardware that userspace may switch off, one by one. */
#define NST_QUIRKS	(KVM_X86_QUIRK_LINT0_REENABLED | KVM_X86_QUIRK_MISC_ENABLE_NO_MWAIT | \
			 KVM_X86_QUIRK_FIX_HYPERCALL_INSN |				     \
			 KVM_X86_QUIRK_MWAIT_NEVER_UD_FAULTS)

enum nst_bus_kind { NST_BUS_PIO, NST_BUS_MMIO, NST_NR_BUSES };

/**
 * struct nst_vm - a virtual machine
 */
struct nst_vm {
	refcount_t users;		/* (a) fds: the VM's and each vCPU's */
	struct mm_struct *mm;		/* (c) whose memory this is; ioctls from others get -EIO */
	struct mutex lock;		/* vCPU creation, irqchip creation, VM-wide settings */
	struct mutex slots_lock;	/* memslots and buses, writers */
	struct mutex irq_lock;		/* routing, irqfds; nests inside slots_lock */
	spinlock_t mmu_lock;		/* page tables; see mmu/mmu.h */
	struct srcu_struct srcu;	/* readers of memslots, buses */
	struct srcu_struct irq_srcu;	/* readers of routing */

	struct xarray vcpus;		/* (L) by creation index, readers lock-free */
	int nr_vcpus;			/* (L) published after the xarray entry */
	u32 bsp_id;			/* (L) */

	struct nst_memslots __rcu *memslots;	/* (s) */
	struct nst_mmu_vm *mmu;		/* (c) */
	struct mmu_notifier notifier;	/* (c) registered on @mm */
	struct nst_iobus __rcu *buses[NST_NR_BUSES]; /* (s) */

	struct nst_irqchip *irqchip;	/* (L), read with smp_load_acquire; NULL: in userspace */
	u32 x2apic_api;			/* (L) KVM_X2APIC_API_*, readers race */
	struct nst_eventfds *eventfds;	/* (s), read with smp_load_acquire; NULL: never used */
	struct nst_hv_vm *hv;		/* (c) Hyper-V's interface */
	struct nst_coalesced *coalesced; /* (c) ring and zones of coalesced I/O */
	struct nst_clock_vm *clock;	/* (c) kvmclock, TSC sync */
	void *hw;			/* (c) the backend's part */

	/* KVM_ENABLE_CAP: (L) to write, readers race */
	bool exception_payload;
	bool triple_fault_event;
	bool exit_on_emulation_failure;
	bool hide_platform_info;
	u8 user_msrs;			/* KVM_MSR_EXIT_REASON_*: failed accesses that exit */
	u8 no_exits;			/* KVM_X86_DISABLE_EXITS_* */
	u32 quirks_off;			/* KVM_X86_QUIRK_* */
	u32 max_vcpu_id;		/* 0: NST_MAX_VCPU_ID */
	u32 dirty_ring_entries;		/* of each vCPU, 0: bitmaps; constant with the first */
	struct nst_msr_filter __rcu *msr_filter; /* (L), read under srcu; NULL: all allowed */

	u64 tss_addr;			/* (L) three pages for vm86 real mode */
	u64 identity_map_addr;		/* (L) */
	bool dead;			/* (a) our bug hit this VM: -EIO from now on */

	struct dentry *debugfs;		/* (c) */
	u32 id;				/* (c) for names in debugfs and traces */
};

/* vm.c */
int nst_vm_create(unsigned long type, const char *name);
void nst_vm_get(struct nst_vm *vm);
void nst_vm_put(struct nst_vm *vm);
struct nst_vm *nst_vm_from_fd(int fd);
void nst_vm_kill(struct nst_vm *vm);

static inline bool nst_quirk(const struct nst_vm *vm, u32 quirk)
{
	return !(READ_ONCE(vm->quirks_off) & quirk);
}

/**
 * nst_vcpu_by_id() - find a vCPU by the id that userspace gave it
 * @vm: the VM
 * @id: the id, which is also its initial APIC id
 *
 * Return: the vCPU, or NULL.  Valid as long as @vm is referenced.
 */
struct nst_vcpu *nst_vcpu_by_id(struct nst_vm *vm, u32 id);

/* Each vCPU in creation order; vCPUs never go away before the VM does. */
#define nst_for_each_vcpu(vm, vcpu, i)					\
	for ((i) = 0; (i) < (unsigned long)READ_ONCE((vm)->nr_vcpus) &&	\
	     ((vcpu) = xa_load(&(vm)->vcpus, (i))); (i)++)

/**
 * nst_request_all() - make a request of every vCPU of a VM and kick it
 * @vm: the VM
 * @req: NST_REQ_*
 *
 * Returns at once; with nst_wait_outside() semantics when @wait is true: no
 * vCPU is still running guest code that did not see the request.
 */
void nst_request_all(struct nst_vm *vm, u32 req, bool wait);

/**
 * nst_request_map() - make a request of some vCPUs, as nst_request_all() that waits
 * @vm: the VM
 * @req: NST_REQ_*
 * @map: which, a bit each by creation index
 */
void nst_request_map(struct nst_vm *vm, u32 req, const unsigned long *map);

/*
 * Our own bug: warn once, declare this VM dead, let the host live.  Evaluates
 * to the condition.
 */
#define NST_BUG_ON(vm, cond) ({					\
	bool __nst_bad = !!(cond);				\
	if (WARN_ON_ONCE(__nst_bad))				\
		nst_vm_kill(vm);				\
	unlikely(__nst_bad);					\
})

#endif /* NST_VM_H */
