// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asynchronous page faults: a page of the guest that the host has to fetch first
 * is fetched by a worker, and the vCPU does something better than wait for it.
 *
 * A guest that asked for it gets a #PF with a token instead of an address, runs
 * something else, and an interrupt tells it when the page is there. Any other
 * guest with its interrupts open is halted until then, so that it takes them.
 * Layout and MSRs: Linux "KVM-specific MSRs", MSR_KVM_ASYNC_PF_EN.
 *
 * A worker may wait for userspace for as long as that likes. So nobody waits for
 * a worker but the unloading of the module: a vCPU that goes away forgets it.
 */
#include "nestor.h"
#include <linux/kthread.h>
#include <linux/kvm_para.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "core.h"
#include "guestmem.h"
#include "irqchip/irqchip.h"
#include "msr.h"
#include "nested/nested.h"

#define RESERVED	(BIT_ULL(4) | BIT_ULL(5))
#define ADDRESS		(~0x3full)
#define TOLD		(KVM_ASYNC_PF_ENABLED | KVM_ASYNC_PF_DELIVERY_AS_INT)
#define TOKEN_ALL	(~0u)		/* whoever waits for anything shall look again */
#define TOKEN_ID_BITS	12		/* the vCPU's number; a count is above it */
#define TOKEN_COUNTS	(BIT(32 - TOKEN_ID_BITS) - 1)
#define FIRST_VECTOR	16
#define MAX_OF_VCPU	64
/* Each occupies a worker: less than a workqueue has, whoever starts them. */
#define MAX_OF_ALL	256

static_assert(NST_MAX_VCPU_ID <= 1 << TOKEN_ID_BITS);

/**
 * struct fetch - one page that is on its way
 * @work: of the worker
 * @list: in the vCPU's list; under @fetches_lock
 * @vcpu: who misses it; NULL: nobody does any more; under @fetches_lock
 * @mm: whose address @hva is; a reference to the struct alone
 * @hva: the address
 * @gfn: the page in the guest
 * @token: what the guest calls it, 0: it was not told
 * @space: address space of @gfn
 * @write: a page that can be written is wanted
 * @here: the worker is done; under @fetches_lock
 */
struct fetch {
	struct work_struct work;
	struct list_head list;
	struct nst_vcpu *vcpu;
	struct mm_struct *mm;
	unsigned long hva;
	u64 gfn;
	u32 token;
	u8 space;
	bool write;
	bool here;
};

static struct workqueue_struct *fetchers;
static DEFINE_SPINLOCK(fetches_lock);
static atomic_t nr_fetches = ATOMIC_INIT(0);

/**
 * nst_apf_module_init() - prepare for asynchronous page faults
 *
 * Return: 0 or -ENOMEM.
 */
int nst_apf_module_init(void)
{
	fetchers = alloc_workqueue("nestor_apf", WQ_UNBOUND, MAX_OF_ALL);
	return fetchers ? 0 : -ENOMEM;
}

/**
 * nst_apf_module_exit() - wait for the last instructions of the last worker
 */
void nst_apf_module_exit(void)
{
	destroy_workqueue(fetchers);
}

/* ---- a page on its way ---- */

static void fetch_free(struct fetch *f)
{
	mmdrop(f->mm);
	kfree(f);
	atomic_dec(&nr_fetches);
}

/* Waits for the page, in the place of the thread that runs the vCPU. */
static void fetch_page(struct fetch *f)
{
	struct page *page;

	if (!mmget_not_zero(f->mm))
		return;
	kthread_use_mm(f->mm);
	/* When there is none, the vCPU will find that out by itself. */
	if (get_user_pages_unlocked(f->hva, 1, &page, f->write ? FOLL_WRITE : 0) == 1)
		put_page(page);
	kthread_unuse_mm(f->mm);
	mmput(f->mm);
}

static void fetch_work(struct work_struct *work)
{
	struct fetch *f = container_of(work, struct fetch, work);
	bool missed;

	fetch_page(f);
	spin_lock(&fetches_lock);
	WRITE_ONCE(f->here, true);
	missed = f->vcpu;
	if (missed) {
		nst_request(f->vcpu, NST_REQ_APF);
		nst_kick(f->vcpu);
	}
	spin_unlock(&fetches_lock);
	/* Now it is the vCPU's, or nobody's. */
	if (!missed)
		fetch_free(f);
	module_put(THIS_MODULE);
}

static struct fetch *fetch_start(struct nst_vcpu *vcpu, u64 gfn, unsigned long hva, bool write)
{
	struct fetch *f;

	if (atomic_inc_return(&nr_fetches) > MAX_OF_ALL)
		goto undo;
	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		goto undo;
	f->vcpu = vcpu;
	f->mm = current->mm;
	f->hva = hva;
	f->gfn = gfn;
	f->space = vcpu->space;
	f->write = write;
	mmgrab(f->mm);
	/* This code stays until the worker is done, also when no VM is left. */
	__module_get(THIS_MODULE);
	vcpu->apf.nr++;
	spin_lock(&fetches_lock);
	list_add_tail(&f->list, &vcpu->apf.fetches);
	spin_unlock(&fetches_lock);
	INIT_WORK(&f->work, fetch_work);
	queue_work(fetchers, &f->work);
	return f;
undo:
	atomic_dec(&nr_fetches);
	return NULL;
}

/* The vCPU's own thread alone adds and removes. */
static struct fetch *fetch_find(struct nst_vcpu *vcpu, u64 gfn)
{
	struct fetch *f;

	list_for_each_entry(f, &vcpu->apf.fetches, list)
		if (f->gfn == gfn && f->space == vcpu->space)
			return f;
	return NULL;
}

/* ---- what the guest is told ---- */

static nst_gpa_t field_gpa(const struct nst_vcpu *vcpu, size_t offset)
{
	return nst_gpa((vcpu->apf.msr & ADDRESS) + offset);
}

static bool is_told(const struct nst_vcpu *vcpu)
{
	return (vcpu->apf.msr & TOLD) == TOLD;
}

/* A field of the guest's, which has to be zero before we may use it. */
static int take_field(struct nst_vcpu *vcpu, size_t offset, u32 val)
{
	u32 old;

	if (nst_read_gpa(vcpu->vm, field_gpa(vcpu, offset), &old, sizeof(old)))
		return -EFAULT;
	if (old)
		return -EBUSY;
	return nst_write_gpa(vcpu->vm, field_gpa(vcpu, offset), &val, sizeof(val));
}

static u32 next_token(struct nst_vcpu *vcpu)
{
	vcpu->apf.count = vcpu->apf.count % (TOKEN_COUNTS - 1) + 1;
	return vcpu->apf.count << TOKEN_ID_BITS | vcpu->id;
}

/* Can the guest do something else in the place where it is? */
static bool tell_absent(struct nst_vcpu *vcpu, struct fetch *f)
{
	u32 token;

	if (!is_told(vcpu) ||
	    (!(vcpu->apf.msr & KVM_ASYNC_PF_SEND_ALWAYS) && !nst_cpl(vcpu)))
		return false;
	if (take_field(vcpu, offsetof(struct kvm_vcpu_pv_apf_data, flags),
		       KVM_PV_REASON_PAGE_NOT_PRESENT))
		return false;
	token = next_token(vcpu);
	f->token = token;
	nst_raise_payload(vcpu, X86_TRAP_PF, true, 0, token);
	return true;
}

/* Return: false when the guest has to read what it was told before first. */
static bool tell_here(struct nst_vcpu *vcpu, u32 token)
{
	int ret = take_field(vcpu, offsetof(struct kvm_vcpu_pv_apf_data, token), token);

	if (ret == -EBUSY)
		return false;
	/* Without its page, or a vector, the guest wants to know nothing. */
	if (!ret && vcpu->apf.vector >= FIRST_VECTOR)
		nst_lapic_pv_ipi(vcpu, vcpu->apf.vector, vcpu->id);
	return true;
}

/* May this one go? Another may be told at once, or it was not told of this. */
static bool fetch_over(struct nst_vcpu *vcpu, const struct fetch *f)
{
	return !f->token || !is_told(vcpu) || tell_here(vcpu, f->token);
}

static void remove_fetch(struct nst_vcpu *vcpu, struct fetch *f)
{
	spin_lock(&fetches_lock);
	list_del(&f->list);
	spin_unlock(&fetches_lock);
	vcpu->apf.nr--;
	fetch_free(f);
}

/**
 * nst_apf_look() - NST_REQ_APF: pages have come, or the guest can be told of more
 * @vcpu: loaded vCPU, its own thread; srcu held, may sleep
 */
void nst_apf_look(struct nst_vcpu *vcpu)
{
	struct fetch *f, *next;

	if (vcpu->apf.wake_all && (!is_told(vcpu) || tell_here(vcpu, TOKEN_ALL)))
		vcpu->apf.wake_all = false;
	list_for_each_entry_safe(f, next, &vcpu->apf.fetches, list) {
		/* Pairs with fetch_work(): what is here will not be touched there. */
		spin_lock(&fetches_lock);
		if (!f->here) {
			spin_unlock(&fetches_lock);
			continue;
		}
		spin_unlock(&fetches_lock);
		vcpu->apf.halted = false;
		if (fetch_over(vcpu, f))
			remove_fetch(vcpu, f);
	}
}

/* ---- the fault ---- */

/**
 * nst_apf_possible() - could the vCPU go on while a page is fetched?
 * @vcpu: loaded vCPU that faulted
 *
 * With its interrupts open it could take one, at the least. L2's are L1's.
 *
 * Return: true when nst_apf_begin() may be called.
 */
bool nst_apf_possible(struct nst_vcpu *vcpu)
{
	return vcpu->lapic && !nst_in_l2(vcpu) && !vcpu->smm.in && !vcpu->dbg.control &&
	       vcpu->apf.nr < MAX_OF_VCPU && nst_irqs_allowed(vcpu);
}

/**
 * nst_apf_begin() - fetch a page in the background
 * @vcpu: loaded vCPU, irqs on, srcu held; nst_apf_possible()
 * @gfn: the page
 * @hva: where it is in this process
 * @write: it is wanted for writing
 *
 * Return: false when the caller has to wait for it after all.
 */
bool nst_apf_begin(struct nst_vcpu *vcpu, u64 gfn, unsigned long hva, bool write)
{
	struct fetch *f = fetch_find(vcpu, gfn);

	if (!f) {
		f = fetch_start(vcpu, gfn, hva, write);
		if (!f)
			return false;
		if (tell_absent(vcpu, f))
			return true;
	} else if (READ_ONCE(f->here)) {
		/* It came and went, or was wanted for reading alone. */
		return false;
	}
	vcpu->apf.halted = true;
	return true;
}

/**
 * nst_apf_clear() - the vCPU misses no page any more
 * @vcpu: loaded vCPU, or one that goes away
 */
void nst_apf_clear(struct nst_vcpu *vcpu)
{
	struct fetch *f, *next;

	spin_lock(&fetches_lock);
	list_for_each_entry_safe(f, next, &vcpu->apf.fetches, list) {
		list_del(&f->list);
		f->vcpu = NULL;
		if (f->here)
			fetch_free(f);
	}
	spin_unlock(&fetches_lock);
	vcpu->apf.nr = 0;
	vcpu->apf.halted = false;
	vcpu->apf.wake_all = false;
}

/**
 * nst_apf_reset() - RESET or INIT
 * @vcpu: loaded vCPU, or one that has never run
 */
void nst_apf_reset(struct nst_vcpu *vcpu)
{
	nst_apf_clear(vcpu);
	vcpu->apf.msr = 0;
	vcpu->apf.vector = 0;
}

/**
 * nst_apf_create() - a vCPU is made
 * @vcpu: the vCPU
 *
 * Return: 0.
 */
int nst_apf_create(struct nst_vcpu *vcpu)
{
	INIT_LIST_HEAD(&vcpu->apf.fetches);
	return 0;
}

/* ---- MSRs ---- */

static bool has_apf(const struct nst_vcpu *vcpu, const struct nst_msr_access *a)
{
	u32 feature = a->index == MSR_KVM_ASYNC_PF_EN ? KVM_FEATURE_ASYNC_PF :
							KVM_FEATURE_ASYNC_PF_INT;

	return a->host || (vcpu->pv_features & BIT(feature));
}

/**
 * nst_apf_get() - RDMSR of MSR_KVM_ASYNC_PF_EN, _INT or _ACK
 * @vcpu: the vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0, or -EINVAL when the guest's CPUID does not show it.
 */
int nst_apf_get(struct nst_vcpu *vcpu, const struct nst_msr_row *row, struct nst_msr_access *a)
{
	if (!has_apf(vcpu, a))
		return -EINVAL;
	if (a->index == MSR_KVM_ASYNC_PF_EN)
		a->val = vcpu->apf.msr;
	else
		a->val = a->index == MSR_KVM_ASYNC_PF_INT ? vcpu->apf.vector : 0;
	return 0;
}

static int set_enable(struct nst_vcpu *vcpu, const struct nst_msr_access *a)
{
	bool as_interrupt = a->val & KVM_ASYNC_PF_DELIVERY_AS_INT;

	/* We deliver no #PF as an exit of L2. */
	if (a->val & (RESERVED | KVM_ASYNC_PF_DELIVERY_AS_PF_VMEXIT))
		return -EINVAL;
	if (as_interrupt && !a->host && !(vcpu->pv_features & BIT(KVM_FEATURE_ASYNC_PF_INT)))
		return -EINVAL;
	if (!vcpu->lapic)
		return a->val ? -EINVAL : 0;
	vcpu->apf.msr = a->val;
	if (!is_told(vcpu)) {
		nst_apf_clear(vcpu);
	} else if (a->host) {
		/* A guest that comes from elsewhere waits for pages of there. */
		vcpu->apf.wake_all = true;
		nst_request(vcpu, NST_REQ_APF);
	}
	return 0;
}

/**
 * nst_apf_set() - WRMSR of MSR_KVM_ASYNC_PF_EN, _INT or _ACK
 * @vcpu: loaded vCPU
 * @row: unused
 * @a: the access
 *
 * Return: 0, or -EINVAL for reserved bits, or when CPUID does not show it.
 */
int nst_apf_set(struct nst_vcpu *vcpu, const struct nst_msr_row *row, struct nst_msr_access *a)
{
	if (!has_apf(vcpu, a))
		return -EINVAL;
	switch (a->index) {
	case MSR_KVM_ASYNC_PF_EN:
		return set_enable(vcpu, a);
	case MSR_KVM_ASYNC_PF_INT:
		if (a->val & ~(u64)KVM_ASYNC_PF_VEC_MASK)
			return -EINVAL;
		vcpu->apf.vector = a->val;
		return 0;
	default:
		if (a->val & 1)
			nst_request(vcpu, NST_REQ_APF);
		return 0;
	}
}
