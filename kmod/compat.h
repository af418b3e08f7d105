/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only file that looks at the kernel's version.  Everything in here makes
 * a newer or older kernel look like 6.1 to the rest of the module.
 */
#ifndef NST_COMPAT_H
#define NST_COMPAT_H

#include <linux/version.h>

#ifdef __ASSEMBLY__
#include <asm/nospec-branch.h>

/* VERW before a guest runs, where the CPU's buffers could leak to it. */
#ifdef VM_CLEAR_CPU_BUFFERS
#define NST_CLEAR_CPU_BUFFERS_BEFORE_GUEST	VM_CLEAR_CPU_BUFFERS
#else
#define NST_CLEAR_CPU_BUFFERS_BEFORE_GUEST
#endif

/* Make return predictions that the guest trained harmless, before the first RET. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 9, 0)
#define NST_UNTRAIN_RET_AFTER_GUEST		UNTRAIN_RET_VM
#else
#define NST_UNTRAIN_RET_AFTER_GUEST		UNTRAIN_RET
#endif

#else /* !__ASSEMBLY__ */

#include <linux/context_tracking.h>
#include <linux/cpuhotplug.h>
#include <linux/eventfd.h>
#include <linux/mm.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/syscore_ops.h>
#include <asm/cpufeature.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include <asm/reboot.h>
#include <asm/vmx.h>

/* IA32_VMX_MISC bit 29, under its later name. */
#ifndef VMX_MISC_VMWRITE_SHADOW_RO_FIELDS
#define VMX_MISC_VMWRITE_SHADOW_RO_FIELDS	MSR_IA32_VMX_MISC_VMWRITE_SHADOW_RO_FIELDS
#endif

/*
 * nst_track_guest_enter() - tell RCU that this CPU will run a guest
 *
 * Return: true when context_tracking_guest_exit() must follow.
 */
static inline bool nst_track_guest_enter(void)
{
	if (context_tracking_guest_enter())
		return true;
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
	rcu_virt_note_context_switch();
#else
	rcu_virt_note_context_switch(smp_processor_id());
#endif
	return false;
}

/*
 * nst_send_reschedule() - make a CPU leave its guest
 * @cpu: an online CPU
 *
 * From 6.4 on the generic function traces with a tracepoint that modules
 * cannot reach.
 */
static inline void nst_send_reschedule(int cpu)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
	arch_smp_send_reschedule(cpu);
#else
	smp_send_reschedule(cpu);
#endif
}

/*
 * The CPU-hotplug slot made for a hypervisor.  Stock KVM uses the same one, so
 * that two cannot be on at once.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
#define NST_CPUHP_STATE		CPUHP_AP_KVM_ONLINE
#else
#define NST_CPUHP_STATE		CPUHP_AP_KVM_STARTING
#endif

/*
 * A crash must turn virtualization off before it starts the next kernel.  Where
 * there is no callback for it, the kernel looks at CR4.VMXE and EFER.SVME by itself.
 */
#ifdef NST_HAVE_EMERGENCY_CALLBACK
static inline void nst_register_emergency(void (*off)(void))
{
	cpu_emergency_register_virt_callback(off);
}

static inline void nst_unregister_emergency(void (*off)(void))
{
	cpu_emergency_unregister_virt_callback(off);
}
#else
static inline void nst_register_emergency(void (*off)(void))
{
}

static inline void nst_unregister_emergency(void (*off)(void))
{
}
#endif

/*
 * nst_host_pfn() - the frame that a page-table entry of a device mapping holds
 * @vma: mapping of the current process with VM_IO or VM_PFNMAP; mmap_lock held
 * @addr: an address in it
 * @pfn: result
 * @writable: result
 *
 * Return: 0, or -EINVAL when nothing is mapped there.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
static inline int nst_host_pfn(struct vm_area_struct *vma, unsigned long addr,
			       unsigned long *pfn, bool *writable)
{
	struct follow_pfnmap_args args = { .vma = vma, .address = addr };
	int ret = follow_pfnmap_start(&args);

	if (ret)
		return ret;
	*pfn = args.pfn;
	*writable = args.writable;
	follow_pfnmap_end(&args);
	return 0;
}
#else
static inline int nst_host_pfn(struct vm_area_struct *vma, unsigned long addr,
			       unsigned long *pfn, bool *writable)
{
	spinlock_t *ptl;	/* of the page table that holds the entry */
	pte_t *ptep;
	int ret = follow_pte(vma->vm_mm, addr, &ptep, &ptl);

	if (ret)
		return ret;
	*pfn = pte_pfn(*ptep);
	*writable = pte_write(*ptep);
	__acquire(ptl);	/* follow_pte() took it, unseen by sparse */
	pte_unmap_unlock(ptep, ptl);
	return 0;
}
#endif

/* Memory type of the VMCS, from IA32_VMX_BASIC; a control that was renamed. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 12, 0)
#define SECONDARY_EXEC_XSAVES	SECONDARY_EXEC_ENABLE_XSAVES
static inline u32 nst_vmcs_mem_type(u64 vmx_basic)
{
	return vmx_basic_vmcs_mem_type(vmx_basic);
}
#else
static inline u32 nst_vmcs_mem_type(u64 vmx_basic)
{
	return (vmx_basic & VMX_BASIC_MEM_TYPE_MASK) >> VMX_BASIC_MEM_TYPE_SHIFT;
}
#endif

/* After an exit: predictors hold guest state, so going to userspace needs an IBPB. */
static inline void nst_compat_guest_ran(void)
{
#ifdef X86_FEATURE_IBPB_EXIT_TO_USER
	if (cpu_feature_enabled(X86_FEATURE_IBPB_EXIT_TO_USER))
		this_cpu_write(x86_ibpb_exit_to_user, true);
#endif
}

/* Add one to an eventfd's counter; any context. */
static inline void nst_eventfd_signal(struct eventfd_ctx *ctx)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
	eventfd_signal(ctx);
#else
	eventfd_signal(ctx, 1);
#endif
}

/*
 * NST_DEFINE_SYSCORE() - callbacks for the last CPU before and after suspend
 *
 * The kernel's struct for it changed in stable releases too, so Kbuild looks.
 */
#ifdef NST_HAVE_STRUCT_SYSCORE
#define NST_SYSCORE_ARG		void *unused
#define NST_DEFINE_SYSCORE(name, suspend_fn, resume_fn)				\
	static const struct syscore_ops name##_ops = {				\
		.suspend = suspend_fn, .resume = resume_fn,			\
	};									\
	static struct syscore name = { .ops = &name##_ops }
#define nst_register_syscore(core)	register_syscore(core)
#define nst_unregister_syscore(core)	unregister_syscore(core)
#else
#define NST_SYSCORE_ARG		void
#define NST_DEFINE_SYSCORE(name, suspend_fn, resume_fn)				\
	static struct syscore_ops name = {					\
		.suspend = suspend_fn, .resume = resume_fn,			\
	}
#define nst_register_syscore(core)	register_syscore_ops(core)
#define nst_unregister_syscore(core)	unregister_syscore_ops(core)
#endif

/*
 * nst_shrinker_create() - a shrinker, registered
 * @name: for debugfs
 * @count: as in struct shrinker
 * @scan: as in struct shrinker
 *
 * Return: the shrinker, or NULL.
 */
typedef unsigned long (*nst_shrinker_fn)(struct shrinker *s, struct shrink_control *sc);

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 7, 0)
static inline struct shrinker *nst_shrinker_create(const char *name, nst_shrinker_fn count,
						   nst_shrinker_fn scan)
{
	struct shrinker *s = shrinker_alloc(0, "%s", name);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	shrinker_register(s);
	return s;
}

static inline void nst_shrinker_destroy(struct shrinker *s)
{
	shrinker_free(s);
}
#else
static inline struct shrinker *nst_shrinker_create(const char *name, nst_shrinker_fn count,
						   nst_shrinker_fn scan)
{
	struct shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->count_objects = count;
	s->scan_objects = scan;
	s->seeks = DEFAULT_SEEKS;
	if (!register_shrinker(s, "%s", name))
		return s;
	kfree(s);
	return NULL;
}

static inline void nst_shrinker_destroy(struct shrinker *s)
{
	unregister_shrinker(s);
	kfree(s);
}
#endif

/* struct kvm_run in the kernel's own eyes: userspace may write it any time. */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 10, 0)
#define nst_immediate_exit(run)	READ_ONCE((run)->immediate_exit__unsafe)
#else
#define nst_immediate_exit(run)	READ_ONCE((run)->immediate_exit)
#endif

#endif /* __ASSEMBLY__ */

#endif /* NST_COMPAT_H */
