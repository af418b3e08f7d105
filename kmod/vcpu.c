// SPDX-License-Identifier: GPL-2.0-only
/*
 * A vCPU's life: creation, reset, loading on a host CPU, requests and kicks,
 * sleeping while it is halted.
 */
#include "nestor.h"
#include <linux/anon_inodes.h>
#include <linux/module.h>
#include <linux/rcuwait.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include "compat.h"
#include "core.h"
#include "cpuid.h"
#include "fpu.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "nested/nested.h"
#include "tsc.h"

static struct kmem_cache *nst_vcpu_cache;

/**
 * nst_vcpu_module_init() - prepare for vCPUs
 *
 * Return: 0 or -ENOMEM.
 */
int nst_vcpu_module_init(void)
{
	/* The guest's FPU area is used by XSAVE: it wants 64-byte alignment. */
	nst_vcpu_cache = kmem_cache_create("nestor_vcpu", sizeof(struct nst_vcpu), 64,
					   SLAB_ACCOUNT, NULL);
	if (!nst_vcpu_cache)
		return -ENOMEM;
	preempt_notifier_inc();
	return 0;
}

/**
 * nst_vcpu_module_exit() - the last vCPU is gone
 */
void nst_vcpu_module_exit(void)
{
	preempt_notifier_dec();
	kmem_cache_destroy(nst_vcpu_cache);
}

/* ---- requests and kicks ---- */

/**
 * nst_request() - ask a vCPU to do something before it enters again
 * @vcpu: the vCPU
 * @req: what
 *
 * Any context.  Does not interrupt a running guest: see nst_kick().
 */
void nst_request(struct nst_vcpu *vcpu, enum nst_request req)
{
	/* What the request is about must be visible before the bit. */
	smp_mb__before_atomic();
	set_bit(req, &vcpu->requests);
}

/**
 * nst_request_pending() - is any request open?
 * @vcpu: the vCPU
 *
 * Return: true when one is.
 */
bool nst_request_pending(struct nst_vcpu *vcpu)
{
	return READ_ONCE(vcpu->requests);
}

/**
 * nst_test_request() - take a request
 * @vcpu: the vCPU
 * @req: which
 *
 * Return: true when it was open; it no longer is.
 */
bool nst_test_request(struct nst_vcpu *vcpu, enum nst_request req)
{
	if (!test_bit(req, &vcpu->requests))
		return false;
	clear_bit(req, &vcpu->requests);
	/* Pairs with nst_request(): see what the request is about. */
	smp_mb__after_atomic();
	return true;
}

/* An IPI with no work of its own: taking it is what makes the guest exit. */
static void nst_ipi_nothing(void *unused)
{
}

/**
 * nst_kick() - make a vCPU look at its requests and events
 * @vcpu: the vCPU; asleep: it wakes up, in the guest: it exits
 *
 * Any context.
 */
void nst_kick(struct nst_vcpu *vcpu)
{
	int cpu;

	if (rcuwait_wake_up(&vcpu->wait))
		return;
	/* The requester's writes come before our look at the mode. */
	smp_mb();
	if (cmpxchg(&vcpu->mode, NST_IN_GUEST, NST_EXITING) != NST_IN_GUEST)
		return;
	cpu = READ_ONCE(vcpu->cpu);
	if (cpu >= 0 && cpu != raw_smp_processor_id() && cpu_online(cpu))
		nst_send_reschedule(cpu);
}

/* Makes a request without waiting.  Is the vCPU where it may not see it at once? */
static bool nst_request_unseen(struct nst_vcpu *vcpu, u32 req)
{
	nst_request(vcpu, req);
	/* Pairs with the barrier after mode = IN_GUEST in run.c. */
	smp_mb();
	if (req != NST_REQ_TLB_FLUSH && req != NST_REQ_GUEST_FLUSH)
		rcuwait_wake_up(&vcpu->wait);
	return READ_ONCE(vcpu->mode) != NST_OUTSIDE;
}

static bool nst_in_map(const unsigned long *map, unsigned long i)
{
	return !map || test_bit(i, map);
}

/* Returns when all vCPUs of a map that are in guest code now have left it. */
static void nst_wait_outside(struct nst_vm *vm, const unsigned long *map)
{
	struct nst_vcpu *vcpu;
	cpumask_var_t cpus;
	unsigned long i;
	int cpu;

	if (!zalloc_cpumask_var(&cpus, GFP_ATOMIC)) {
		smp_call_function(nst_ipi_nothing, NULL, true);
		return;
	}
	nst_for_each_vcpu(vm, vcpu, i) {
		cpu = READ_ONCE(vcpu->cpu);
		if (nst_in_map(map, i) && READ_ONCE(vcpu->mode) != NST_OUTSIDE && cpu >= 0)
			cpumask_set_cpu(cpu, cpus);
	}
	smp_call_function_many(cpus, nst_ipi_nothing, NULL, true);
	free_cpumask_var(cpus);
}

/* NULL for @map: all of them. */
static void nst_request_and_wait(struct nst_vm *vm, u32 req, const unsigned long *map)
{
	struct nst_vcpu *vcpu;
	bool unseen = false;
	unsigned long i;

	preempt_disable();
	nst_for_each_vcpu(vm, vcpu, i)
		if (nst_in_map(map, i))
			unseen |= nst_request_unseen(vcpu, req);
	/* Mostly none is: a VM's only vCPU that flushes is outside itself. */
	if (unseen)
		nst_wait_outside(vm, map);
	preempt_enable();
}

/**
 * nst_request_map() - make a request of some vCPUs, and wait until they know
 * @vm: the VM
 * @req: NST_REQ_*
 * @map: which, a bit each by creation index
 *
 * Interrupts on.
 */
void nst_request_map(struct nst_vm *vm, u32 req, const unsigned long *map)
{
	nst_request_and_wait(vm, req, map);
}

/**
 * nst_request_all() - make a request of every vCPU of a VM and kick it
 * @vm: the VM
 * @req: NST_REQ_*
 * @wait: return only when no vCPU runs guest code that did not see it.
 *	Interrupts on
 */
void nst_request_all(struct nst_vm *vm, u32 req, bool wait)
{
	struct nst_vcpu *vcpu;
	unsigned long i;

	if (wait) {
		nst_request_and_wait(vm, req, NULL);
		return;
	}
	preempt_disable();
	nst_for_each_vcpu(vm, vcpu, i) {
		nst_request(vcpu, req);
		nst_kick(vcpu);
	}
	preempt_enable();
}

/* ---- on a host CPU ---- */

static DEFINE_PER_CPU(struct nst_vcpu *, nst_loaded);

/**
 * nst_loaded_vcpu() - the vCPU that this thread has loaded
 *
 * Return: the vCPU, or NULL.
 */
struct nst_vcpu *nst_loaded_vcpu(void)
{
	struct nst_vcpu *vcpu;

	/* It follows the thread from CPU to CPU. */
	preempt_disable();
	vcpu = __this_cpu_read(nst_loaded);
	preempt_enable();
	return vcpu;
}

static void nst_load_here(struct nst_vcpu *vcpu, int cpu)
{
	WRITE_ONCE(vcpu->cpu, cpu);
	__this_cpu_write(nst_loaded, vcpu);
	nst_backend->load(vcpu, cpu);
	nst_tsc_vcpu_load(vcpu, cpu);
	if (vcpu->steal.msr)
		nst_request(vcpu, NST_REQ_STEAL);
	vcpu->last_cpu = cpu;
}

static void nst_put_here(struct nst_vcpu *vcpu)
{
	nst_backend->put(vcpu);
	__this_cpu_write(nst_loaded, NULL);
	WRITE_ONCE(vcpu->cpu, -1);
}

static void nst_sched_in(struct preempt_notifier *pn, int cpu)
{
	nst_load_here(container_of(pn, struct nst_vcpu, pn), cpu);
}

static void nst_sched_out(struct preempt_notifier *pn, struct task_struct *next)
{
	nst_put_here(container_of(pn, struct nst_vcpu, pn));
}

static struct preempt_ops nst_preempt_ops = {
	.sched_in = nst_sched_in,
	.sched_out = nst_sched_out,
};

/**
 * nst_vcpu_load() - bind a vCPU to this thread and host CPU
 * @vcpu: the vCPU; its mutex is held
 *
 * It follows the thread from CPU to CPU until nst_vcpu_put().
 */
void nst_vcpu_load(struct nst_vcpu *vcpu)
{
	int cpu = get_cpu();

	preempt_notifier_register(&vcpu->pn);
	nst_load_here(vcpu, cpu);
	put_cpu();
}

/**
 * nst_vcpu_put() - undo nst_vcpu_load()
 * @vcpu: the vCPU
 */
void nst_vcpu_put(struct nst_vcpu *vcpu)
{
	preempt_disable();
	nst_put_here(vcpu);
	preempt_notifier_unregister(&vcpu->pn);
	preempt_enable();
}

/* ---- sleeping ---- */

/**
 * nst_vcpu_has_work() - should a halted vCPU wake up?
 * @vcpu: the vCPU
 *
 * Return: true when an event or request waits that it would act on.
 */
bool nst_vcpu_has_work(struct nst_vcpu *vcpu)
{
	if (nst_request_pending(vcpu) || atomic_read(&vcpu->ev.nmi_queued))
		return true;
	if (vcpu->lapic && nst_lapic_has_init_sipi(vcpu) &&
	    (!nst_lapic_has_init(vcpu) || nst_init_verdict(vcpu) != NST_HOLD))
		return true;
	if (vcpu->apf.halted)
		return nst_smi_due(vcpu) || nst_event_pending(vcpu);
	return vcpu->mp_state == KVM_MP_STATE_HALTED &&
	       (READ_ONCE(vcpu->pv_kicked) || nst_smi_due(vcpu) || nst_event_pending(vcpu));
}

/**
 * nst_vcpu_runnable() - may it enter the guest now?
 * @vcpu: the vCPU
 *
 * Return: true unless it is halted, or waits for a page, for INIT or SIPI.
 */
bool nst_vcpu_runnable(struct nst_vcpu *vcpu)
{
	return vcpu->mp_state == KVM_MP_STATE_RUNNABLE && !vcpu->apf.halted;
}

/**
 * nst_vcpu_block() - sleep until there is something to do
 * @vcpu: loaded vCPU that is not runnable; srcu held, dropped while asleep
 *
 * Return: 0, or -EINTR on a signal.
 */
int nst_vcpu_block(struct nst_vcpu *vcpu)
	__must_hold(&vcpu->vm->srcu)
{
	int ret = 0;

	vcpu->stat.halts++;
	nst_vcpu_put(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
	prepare_to_rcuwait(&vcpu->wait);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (nst_vcpu_has_work(vcpu))
			break;
		if (signal_pending(current)) {
			ret = -EINTR;
			break;
		}
		schedule();
	}
	finish_rcuwait(&vcpu->wait);
	vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
	nst_vcpu_load(vcpu);
	return ret;
}

/* ---- reset ---- */

static const struct nst_segment nst_reset_data = {
	.limit = 0xffff, .ar = 0x93,
};

static void nst_reset_segments(struct nst_state *st)
{
	for (int i = 0; i < NST_NR_SEGS; i++)
		st->seg[i] = nst_reset_data;
	st->seg[NST_CS].selector = NST_RESET_CS_SEL;
	st->seg[NST_CS].base = NST_RESET_CS_BASE;
	st->seg[NST_CS].ar = 0x9b;
	st->seg[NST_LDTR].ar = 0x82;
	st->seg[NST_TR].ar = 0x8b;
	st->gdt = (struct nst_dtable){ 0, 0xffff };
	st->idt = (struct nst_dtable){ 0, 0xffff };
}

/**
 * nst_vcpu_reset() - RESET or INIT
 * @vcpu: loaded vCPU, or one that has never run
 * @init: INIT, which keeps FPU state, most MSRs, and CR0.CD and NW
 *
 * Values: SDM3 "Processor State After Reset".
 */
void nst_vcpu_reset(struct nst_vcpu *vcpu, bool init)
{
	struct nst_state *st = &vcpu->st;
	u64 cache_bits = init ? st->cr0 & (X86_CR0_CD | X86_CR0_NW)
			      : X86_CR0_CD | X86_CR0_NW;

	nst_nested_reset(vcpu);
	nst_smm_reset(vcpu, init);
	nst_apf_reset(vcpu);
	nst_clear_events(vcpu);
	memset(st->gpr, 0, sizeof(st->gpr));
	/* Family 6: what identifies the CPU in DX; CPUID overrides nothing here. */
	st->gpr[NST_RDX] = 0x600;
	st->rip = NST_RESET_RIP;
	st->rflags = X86_EFLAGS_FIXED;
	st->cr2 = 0;
	nst_reset_segments(st);
	st->cr0 = X86_CR0_ET | cache_bits;
	st->cr3 = 0;
	st->cr4 = 0;
	st->efer = 0;
	memset(st->dr, 0, sizeof(st->dr));
	st->dr6 = NST_RESET_DR6;
	st->dr7 = NST_RESET_DR7;
	st->sti_shadow = false;
	st->movss_shadow = false;
	st->nmi_blocked = false;
	st->gif = true;
	if (!init)
		st->xcr0 = XFEATURE_MASK_FP;
	vcpu->valid = NST_STATE_ALL;
	vcpu->dirty = NST_STATE_ALL;
	vcpu->ctl.dirty = NST_CTL_ALL;
	vcpu->user_cr8 = 0;
	nst_msr_reset(vcpu, init);
	nst_fpu_reset(vcpu, init);
	if (vcpu->lapic)
		nst_lapic_reset(vcpu, init);
	nst_backend->vcpu_reset(vcpu);
	nst_mmu_mode_changed(vcpu);
	nst_request(vcpu, NST_REQ_EVENT);
	nst_request(vcpu, NST_REQ_TLB_FLUSH);
}

/* ---- creation ---- */

static int nst_vcpu_lapic_create(struct nst_vcpu *vcpu)
{
	return nst_irqchip_in_kernel(vcpu->vm) ? nst_lapic_create(vcpu) : 0;
}

static void nst_vcpu_lapic_destroy(struct nst_vcpu *vcpu)
{
	if (vcpu->lapic)
		nst_lapic_destroy(vcpu);
}

static int nst_vcpu_hw_create(struct nst_vcpu *vcpu)
{
	return nst_backend->vcpu_create(vcpu);
}

static void nst_vcpu_hw_destroy(struct nst_vcpu *vcpu)
{
	nst_backend->vcpu_destroy(vcpu);
}

static int nst_vcpu_time_create(struct nst_vcpu *vcpu)
{
	nst_tsc_vcpu_create(vcpu);
	return 0;
}

static const struct {
	int (*create)(struct nst_vcpu *vcpu);
	void (*destroy)(struct nst_vcpu *vcpu);
} nst_vcpu_parts[] = {
	{ nst_apf_create, nst_apf_clear },
	{ nst_fpu_create, nst_fpu_destroy },
	{ nst_dirty_ring_create, nst_dirty_ring_destroy },
	{ nst_mmu_vcpu_create, nst_mmu_vcpu_destroy },
	{ nst_insn_create, nst_insn_destroy },
	{ nst_nested_create, nst_nested_destroy },
	{ nst_hv_vcpu_create, nst_hv_vcpu_destroy },
	{ nst_vcpu_hw_create, nst_vcpu_hw_destroy },
	{ nst_vcpu_time_create, nst_tsc_vcpu_destroy },
	{ nst_vcpu_lapic_create, nst_vcpu_lapic_destroy },
};

static void nst_vcpu_destroy_parts(struct nst_vcpu *vcpu, int count)
{
	while (count--)
		nst_vcpu_parts[count].destroy(vcpu);
}

static int nst_vcpu_create_parts(struct nst_vcpu *vcpu)
{
	int ret;

	for (int i = 0; i < ARRAY_SIZE(nst_vcpu_parts); i++) {
		ret = nst_vcpu_parts[i].create(vcpu);
		if (ret) {
			nst_vcpu_destroy_parts(vcpu, i);
			return ret;
		}
	}
	return 0;
}

static struct nst_vcpu *nst_vcpu_alloc(struct nst_vm *vm, u32 id)
{
	struct nst_vcpu *vcpu = kmem_cache_zalloc(nst_vcpu_cache, GFP_KERNEL_ACCOUNT);
	struct page *page;

	if (!vcpu)
		return NULL;
	page = alloc_pages(GFP_KERNEL_ACCOUNT | __GFP_ZERO, 1);
	if (!page) {
		kmem_cache_free(nst_vcpu_cache, vcpu);
		return NULL;
	}
	split_page(page, 1);
	vcpu->run = page_address(page);
	vcpu->pio_page = page_address(page) + PAGE_SIZE;
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->cpu = -1;
	vcpu->last_cpu = -1;
	vcpu->ev.user_vector = -1;
	mutex_init(&vcpu->mutex);
	rcuwait_init(&vcpu->wait);
	preempt_notifier_init(&vcpu->pn, &nst_preempt_ops);
	vcpu->apic_base = APIC_DEFAULT_PHYS_BASE | MSR_IA32_APICBASE_ENABLE |
			  (id == vm->bsp_id ? MSR_IA32_APICBASE_BSP : 0);
	vcpu->mp_state = !nst_irqchip_in_kernel(vm) || id == vm->bsp_id ?
			 KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED;
	vcpu->ctl.traps = NST_TRAP_HLT | NST_TRAP_MWAIT | NST_TRAP_RDPMC | NST_TRAP_DR |
			  NST_TRAP_IO | NST_TRAP_WBINVD;
	if (vm->no_exits & KVM_X86_DISABLE_EXITS_HLT)
		vcpu->ctl.traps &= ~NST_TRAP_HLT;
	if (vm->no_exits & KVM_X86_DISABLE_EXITS_MWAIT)
		vcpu->ctl.traps &= ~NST_TRAP_MWAIT;
	vcpu->ctl.exceptions = BIT(X86_TRAP_MC) | BIT(X86_TRAP_DB) | BIT(X86_TRAP_AC) |
			       BIT(X86_TRAP_UD);
	if (!nst_caps.tdp)
		vcpu->ctl.exceptions |= BIT(X86_TRAP_PF);
	vcpu->ctl.tsc_ratio = NST_TSC_RATIO_NONE;
	vcpu->ctl.cr0_owned = X86_CR0_TS;
	return vcpu;
}

static void nst_vcpu_release_memory(struct nst_vcpu *vcpu)
{
	free_page((unsigned long)vcpu->run);
	free_page((unsigned long)vcpu->pio_page);
	kmem_cache_free(nst_vcpu_cache, vcpu);
}

/**
 * nst_vcpu_destroy() - free a vCPU
 * @vcpu: a vCPU that no thread and no other part of the VM uses
 */
void nst_vcpu_destroy(struct nst_vcpu *vcpu)
{
	nst_vcpu_destroy_parts(vcpu, ARRAY_SIZE(nst_vcpu_parts));
	nst_cpuid_free(vcpu);
	put_pid(rcu_dereference_protected(vcpu->pid, 1));
	nst_vcpu_release_memory(vcpu);
}

static int nst_vcpu_release(struct inode *inode, struct file *file)
{
	struct nst_vcpu *vcpu = file->private_data;

	nst_vm_put(vcpu->vm);
	return 0;
}

static vm_fault_t nst_vcpu_fault(struct vm_fault *vmf)
{
	struct nst_vcpu *vcpu = vmf->vma->vm_file->private_data;
	unsigned long ring = vmf->pgoff - KVM_DIRTY_LOG_PAGE_OFFSET;
	void *addr;

	if (ring < nst_dirty_ring_pages(vcpu->vm)) {
		vmf->page = nst_dirty_ring_page(vcpu, ring);
		get_page(vmf->page);
		return 0;
	}
	if (vmf->pgoff == 0)
		addr = vcpu->run;
	else if (vmf->pgoff == KVM_PIO_PAGE_OFFSET)
		addr = vcpu->pio_page;
	else if (vmf->pgoff == KVM_COALESCED_MMIO_PAGE_OFFSET)
		addr = nst_coalesced_page(vcpu->vm);
	else
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page(addr);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct nst_vcpu_vm_ops = {
	.fault = nst_vcpu_fault,
};

static int nst_vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct nst_vcpu *vcpu = file->private_data;
	unsigned long end = vma->vm_pgoff + vma_pages(vma);

	if (vma->vm_pgoff >= KVM_DIRTY_LOG_PAGE_OFFSET) {
		/* Both sides have to see what the other writes. */
		if ((vma->vm_flags & VM_EXEC) || !(vma->vm_flags & VM_SHARED) ||
		    end > KVM_DIRTY_LOG_PAGE_OFFSET + nst_dirty_ring_pages(vcpu->vm))
			return -EINVAL;
	} else if (end > NST_MMAP_PAGES) {
		return -EINVAL;
	}
	vma->vm_ops = &nst_vcpu_vm_ops;
	return 0;
}

static const struct file_operations nst_vcpu_fops = {
	.owner = THIS_MODULE,
	.release = nst_vcpu_release,
	.mmap = nst_vcpu_mmap,
	.unlocked_ioctl = nst_vcpu_ioctl,
	.compat_ioctl = nst_vcpu_ioctl,
	.llseek = noop_llseek,
};

/* Give it a descriptor and let others see it.  vm->lock held. */
static int nst_vcpu_publish(struct nst_vm *vm, struct nst_vcpu *vcpu)
{
	char name[32];
	int fd, ret;

	vcpu->idx = vm->nr_vcpus;
	ret = xa_err(xa_store(&vm->vcpus, vcpu->idx, vcpu, GFP_KERNEL_ACCOUNT));
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "nestor-vcpu:%u", vcpu->id);
	nst_vm_get(vm);
	fd = anon_inode_getfd(name, &nst_vcpu_fops, vcpu, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		xa_erase(&vm->vcpus, vcpu->idx);
		nst_vm_put(vm);
		return fd;
	}
	/* Lock-free readers that see the count see the entry. */
	smp_store_release(&vm->nr_vcpus, vm->nr_vcpus + 1);
	nst_stats_vcpu_create(vcpu);
	return fd;
}

/**
 * nst_vcpu_create() - KVM_CREATE_VCPU
 * @vm: the VM; its lock is held
 * @id: the vCPU's id
 *
 * Return: a file descriptor, or -EINVAL (too many, id out of range), -EEXIST, -ENOMEM.
 */
int nst_vcpu_create(struct nst_vm *vm, u32 id)
{
	struct nst_vcpu *vcpu;
	int ret;

	if (id >= (vm->max_vcpu_id ?: NST_MAX_VCPU_ID) || vm->nr_vcpus >= NST_MAX_VCPUS)
		return -EINVAL;
	if (nst_vcpu_by_id(vm, id))
		return -EEXIST;
	vcpu = nst_vcpu_alloc(vm, id);
	if (!vcpu)
		return -ENOMEM;
	ret = nst_vcpu_create_parts(vcpu);
	if (ret)
		goto release;
	nst_vcpu_load(vcpu);
	nst_vcpu_reset(vcpu, false);
	nst_vcpu_put(vcpu);
	ret = nst_vcpu_publish(vm, vcpu);
	if (ret < 0)
		goto destroy;
	return ret;

destroy:
	nst_vcpu_destroy_parts(vcpu, ARRAY_SIZE(nst_vcpu_parts));
release:
	nst_vcpu_release_memory(vcpu);
	return ret;
}
