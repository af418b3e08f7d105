// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls of a VM's file descriptor.
 */
#include "nestor.h"
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "mmu/mmu.h"
#include "tsc.h"

static long nst_create_vcpu(void *object, unsigned long id)
{
	return id > U32_MAX ? -EINVAL : nst_vcpu_create(object, id);
}

static long nst_vm_check_extension(void *object, unsigned long cap)
{
	return nst_check_extension(object, cap);
}

static long nst_set_user_memory_region(void *object, unsigned long arg)
{
	return nst_set_memory_region(object, (void *)arg);
}

static long nst_dirty_log(void *object, unsigned long arg)
{
	return nst_get_dirty_log(object, (void *)arg);
}

static long nst_dirty_log_clear(void *object, unsigned long arg)
{
	return nst_clear_dirty_log(object, (void *)arg);
}

/* Three pages below 4 GiB, where nothing else of the guest lies. */
static long nst_set_tss_addr(void *object, unsigned long addr)
{
	struct nst_vm *vm = object;

	if (addr > U32_MAX - 3 * PAGE_SIZE || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	vm->tss_addr = addr;
	return 0;
}

static long nst_set_identity_map_addr(void *object, unsigned long arg)
{
	struct nst_vm *vm = object;
	u64 addr = *(u64 *)arg;

	if (vm->nr_vcpus)
		return -EINVAL;
	if (addr > U32_MAX - PAGE_SIZE || !IS_ALIGNED(addr, PAGE_SIZE))
		return -EINVAL;
	vm->identity_map_addr = addr;
	return 0;
}

static long nst_set_boot_cpu_id(void *object, unsigned long id)
{
	struct nst_vm *vm = object;

	if (vm->nr_vcpus)
		return -EBUSY;
	if (id >= NST_MAX_VCPU_ID)
		return -EINVAL;
	vm->bsp_id = id;
	return 0;
}

/* ---- interrupt controllers ---- */

static long nst_create_irqchip(void *object, unsigned long arg)
{
	struct nst_vm *vm = object;

	if (vm->irqchip)
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EINVAL;
	return nst_irqchip_create(vm);
}

static long nst_create_pit2(void *object, unsigned long arg)
{
	return nst_pit_create(object, (void *)arg);
}

static long nst_create_pit(void *object, unsigned long arg)
{
	static const struct kvm_pit_config plain = { .flags = KVM_PIT_SPEAKER_DUMMY };

	return nst_pit_create(object, &plain);
}

static long nst_vm_irq_line(void *object, unsigned long arg)
{
	struct nst_vm *vm = object;
	struct kvm_irq_level *line = (void *)arg;

	if (!nst_irqchip_in_kernel(vm))
		return -ENXIO;
	return nst_irq_line(vm, line->irq, line->level, &line->status);
}

static long nst_vm_get_irqchip(void *object, unsigned long arg)
{
	return nst_irqchip_in_kernel(object) ? nst_get_irqchip(object, (void *)arg) : -ENXIO;
}

static long nst_vm_set_irqchip(void *object, unsigned long arg)
{
	return nst_irqchip_in_kernel(object) ? nst_set_irqchip(object, (void *)arg) : -ENXIO;
}

static long nst_get_pit2(void *object, unsigned long arg)
{
	return nst_pit_get(object, (void *)arg);
}

static long nst_set_pit2(void *object, unsigned long arg)
{
	return nst_pit_set(object, (void *)arg);
}

static long nst_reinject_control(void *object, unsigned long arg)
{
	struct kvm_reinject_control ctl;

	if (copy_from_user(&ctl, (void __user *)arg, sizeof(ctl)))
		return -EFAULT;
	return nst_pit_reinject(object, &ctl);
}

static long nst_set_routing(void *object, unsigned long arg)
{
	struct kvm_irq_routing __user *user = (void __user *)arg;
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry *entries = NULL;
	long ret;

	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!nst_irqchip_in_kernel(object) || head.flags || head.nr > NST_MAX_GSIS)
		return -EINVAL;
	if (head.nr) {
		entries = vmemdup_user(user->entries, array_size(head.nr, sizeof(*entries)));
		if (IS_ERR(entries))
			return PTR_ERR(entries);
	}
	ret = nst_set_gsi_routing(object, entries, head.nr, head.flags);
	kvfree(entries);
	return ret;
}

static long nst_signal_msi(void *object, unsigned long arg)
{
	return nst_irqchip_in_kernel(object) ? nst_send_msi(object, (void *)arg) : -EINVAL;
}

static long nst_vm_irqfd(void *object, unsigned long arg)
{
	return nst_irqchip_in_kernel(object) ? nst_irqfd(object, (void *)arg) : -EINVAL;
}

static long nst_vm_ioeventfd(void *object, unsigned long arg)
{
	return nst_ioeventfd(object, (void *)arg);
}

/* ---- time ---- */

static long nst_vm_get_clock(void *object, unsigned long arg)
{
	return nst_clock_get(object, (void *)arg);
}

static long nst_vm_set_clock(void *object, unsigned long arg)
{
	return nst_clock_set(object, (void *)arg);
}

/* ---- memory ---- */

static long nst_set_nr_mmu_pages(void *object, unsigned long max)
{
	return nst_mmu_set_max_tables(object, max);
}

static long nst_get_nr_mmu_pages(void *object, unsigned long arg)
{
	return nst_mmu_get_max_tables(object);
}

static const struct nst_ioctl nst_vm_ioctls[] = {
	{ KVM_IRQ_LINE, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_irq_line },
	{ KVM_IRQ_LINE_STATUS, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_irq_line },
	{ KVM_SIGNAL_MSI, NST_ARG_STRUCT, NST_LOCK_NONE, nst_signal_msi },
	{ KVM_CREATE_VCPU, NST_ARG_VALUE, NST_LOCK_VM, nst_create_vcpu },
	{ KVM_CHECK_EXTENSION, NST_ARG_VALUE, NST_LOCK_NONE, nst_vm_check_extension },
	{ KVM_SET_USER_MEMORY_REGION, NST_ARG_STRUCT, NST_LOCK_NONE,
	  nst_set_user_memory_region },
	{ KVM_GET_DIRTY_LOG, NST_ARG_STRUCT, NST_LOCK_NONE, nst_dirty_log },
	{ KVM_CLEAR_DIRTY_LOG, NST_ARG_STRUCT, NST_LOCK_NONE, nst_dirty_log_clear },
	{ KVM_RESET_DIRTY_RINGS, NST_ARG_NONE, NST_LOCK_NONE, nst_reset_dirty_rings },
	{ KVM_SET_NR_MMU_PAGES, NST_ARG_VALUE, NST_LOCK_NONE, nst_set_nr_mmu_pages },
	{ KVM_GET_NR_MMU_PAGES, NST_ARG_NONE, NST_LOCK_NONE, nst_get_nr_mmu_pages },
	{ KVM_SET_TSS_ADDR, NST_ARG_VALUE, NST_LOCK_VM, nst_set_tss_addr },
	{ KVM_SET_IDENTITY_MAP_ADDR, NST_ARG_STRUCT, NST_LOCK_VM, nst_set_identity_map_addr },
	{ KVM_SET_BOOT_CPU_ID, NST_ARG_VALUE, NST_LOCK_VM, nst_set_boot_cpu_id },
	{ KVM_CREATE_IRQCHIP, NST_ARG_NONE, NST_LOCK_VM, nst_create_irqchip },
	{ KVM_CREATE_PIT2, NST_ARG_STRUCT, NST_LOCK_VM, nst_create_pit2 },
	{ KVM_CREATE_PIT, NST_ARG_NONE, NST_LOCK_VM, nst_create_pit },
	{ KVM_GET_IRQCHIP, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_get_irqchip },
	{ KVM_SET_IRQCHIP, NST_ARG_STRUCT_IN, NST_LOCK_NONE, nst_vm_set_irqchip },
	{ KVM_GET_PIT2, NST_ARG_STRUCT, NST_LOCK_VM, nst_get_pit2 },
	{ KVM_SET_PIT2, NST_ARG_STRUCT, NST_LOCK_VM, nst_set_pit2 },
	{ KVM_REINJECT_CONTROL, NST_ARG_USER, NST_LOCK_VM, nst_reinject_control },
	{ KVM_SET_GSI_ROUTING, NST_ARG_USER, NST_LOCK_NONE, nst_set_routing },
	{ KVM_ENABLE_CAP, NST_ARG_STRUCT, NST_LOCK_VM, nst_vm_enable_cap },
	{ KVM_REGISTER_COALESCED_MMIO, NST_ARG_STRUCT, NST_LOCK_NONE, nst_coalesced_register },
	{ KVM_UNREGISTER_COALESCED_MMIO, NST_ARG_STRUCT, NST_LOCK_NONE,
	  nst_coalesced_unregister },
	{ KVM_X86_SET_MSR_FILTER, NST_ARG_STRUCT, NST_LOCK_VM, nst_set_msr_filter },
	{ KVM_GET_STATS_FD, NST_ARG_NONE, NST_LOCK_NONE, nst_vm_stats_fd },
	{ KVM_IRQFD, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_irqfd },
	{ KVM_IOEVENTFD, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_ioeventfd },
	{ KVM_HYPERV_EVENTFD, NST_ARG_STRUCT, NST_LOCK_NONE, nst_hv_eventfd },
	{ KVM_GET_CLOCK, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_get_clock },
	{ KVM_SET_CLOCK, NST_ARG_STRUCT, NST_LOCK_NONE, nst_vm_set_clock },
};

/**
 * nst_vm_ioctl() - an ioctl on a VM's file descriptor
 * @file: the VM's file
 * @cmd: number
 * @arg: argument
 *
 * Return: what the handler says, -EIO for a dead VM or a stranger's memory.
 */
long nst_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct nst_vm *vm = file->private_data;

	/*
	 * Slots are addresses in the creator's memory; nobody else's would fit.
	 * Counters need no memory, and a monitor is another process.
	 */
	if ((vm->mm != current->mm && cmd != KVM_GET_STATS_FD) || READ_ONCE(vm->dead))
		return -EIO;
	return nst_ioctl_dispatch(nst_vm_ioctls, ARRAY_SIZE(nst_vm_ioctls), vm, cmd, arg);
}
