// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's life: created by an ioctl, kept by its file descriptors, gone with
 * the last of them.
 */
#include "nestor.h"
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "core.h"
#include "hyperv/hyperv.h"
#include "irqchip/irqchip.h"
#include "memslot.h"
#include "mmu/mmu.h"
#include "tsc.h"

static atomic_t nst_next_vm_id;

/* ---- parts of a VM, created in this order, destroyed in reverse ---- */

static int nst_vm_hw_create(struct nst_vm *vm)
{
	return nst_backend->vm_create(vm);
}

static void nst_vm_hw_destroy(struct nst_vm *vm)
{
	nst_backend->vm_destroy(vm);
}

static const struct {
	int (*create)(struct nst_vm *vm);
	void (*destroy)(struct nst_vm *vm);
} nst_vm_parts[] = {
	{ nst_coalesced_create, nst_coalesced_destroy },
	{ nst_buses_create, nst_buses_destroy },
	{ nst_clock_vm_create, nst_clock_vm_destroy },
	{ nst_hv_vm_create, nst_hv_vm_destroy },
	{ nst_mmu_vm_create, nst_mmu_vm_destroy },
	{ nst_vm_hw_create, nst_vm_hw_destroy },
	/* Last: from here on the notifier may call into all of the above. */
	{ nst_memslots_init, nst_memslots_destroy },
};

static void nst_vm_destroy_parts(struct nst_vm *vm, int count)
{
	while (count--)
		nst_vm_parts[count].destroy(vm);
}

static int nst_vm_create_parts(struct nst_vm *vm)
{
	int ret;

	for (int i = 0; i < ARRAY_SIZE(nst_vm_parts); i++) {
		ret = nst_vm_parts[i].create(vm);
		if (ret) {
			nst_vm_destroy_parts(vm, i);
			return ret;
		}
	}
	return 0;
}

static struct nst_vm *nst_vm_alloc(void)
{
	struct nst_vm *vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!vm)
		return ERR_PTR(-ENOMEM);
	ret = init_srcu_struct(&vm->srcu);
	if (ret)
		goto free;
	ret = init_srcu_struct(&vm->irq_srcu);
	if (ret)
		goto cleanup_srcu;
	refcount_set(&vm->users, 1);
	mutex_init(&vm->lock);
	mutex_init(&vm->slots_lock);
	mutex_init(&vm->irq_lock);
	spin_lock_init(&vm->mmu_lock);
	xa_init(&vm->vcpus);
	vm->id = atomic_inc_return(&nst_next_vm_id);
	mmgrab(current->mm);
	vm->mm = current->mm;
	ret = nst_vm_create_parts(vm);
	if (ret)
		goto drop;
	nst_stats_vm_create(vm);
	return vm;

drop:
	mmdrop(vm->mm);
	cleanup_srcu_struct(&vm->irq_srcu);
cleanup_srcu:
	cleanup_srcu_struct(&vm->srcu);
free:
	kfree(vm);
	return ERR_PTR(ret);
}

static void nst_vm_free(struct nst_vm *vm)
{
	unsigned long i, nr = vm->nr_vcpus;

	nst_audit_at_end(vm);
	nst_stats_vm_destroy(vm);
	nst_eventfds_release(vm);
	/*
	 * Nobody finds a vCPU from here on: neither the chips' timers, nor the
	 * notifier and the shrinker, nor another vCPU that frees its tables.
	 * Who looks for them cannot be preempted.
	 */
	WRITE_ONCE(vm->nr_vcpus, 0);
	synchronize_rcu();
	for (i = 0; i < nr; i++)
		nst_vcpu_destroy(xa_load(&vm->vcpus, i));
	xa_destroy(&vm->vcpus);
	if (vm->irqchip)
		nst_irqchip_destroy(vm);
	nst_vm_destroy_parts(vm, ARRAY_SIZE(nst_vm_parts));
	nst_msr_filter_destroy(vm);
	mmdrop(vm->mm);
	cleanup_srcu_struct(&vm->irq_srcu);
	cleanup_srcu_struct(&vm->srcu);
	kfree(vm);
}

/**
 * nst_vm_get() - take another reference
 * @vm: a VM that the caller already holds
 */
void nst_vm_get(struct nst_vm *vm)
{
	refcount_inc(&vm->users);
}

/**
 * nst_vm_put() - drop a reference; the last one destroys the VM
 * @vm: the VM
 *
 * Process context, no locks held.
 */
void nst_vm_put(struct nst_vm *vm)
{
	if (refcount_dec_and_test(&vm->users))
		nst_vm_free(vm);
}

static int nst_vm_release(struct inode *inode, struct file *file)
{
	struct nst_vm *vm = file->private_data;

	/* An irqfd holds no reference, so it must not outlive the VM's fd. */
	nst_eventfds_release(vm);
	nst_vm_put(vm);
	return 0;
}

static const struct file_operations nst_vm_fops = {
	.owner = THIS_MODULE,
	.release = nst_vm_release,
	.unlocked_ioctl = nst_vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * nst_vm_create() - KVM_CREATE_VM
 * @type: machine type; only 0 exists on x86
 * @name: of the file, for /proc
 *
 * Return: a file descriptor, or -EINVAL, -EIO (the machine is rebooting), -ENOMEM, -EMFILE.
 */
int nst_vm_create(unsigned long type, const char *name)
{
	struct nst_vm *vm;
	int fd;

	if (type)
		return -EINVAL;
	if (READ_ONCE(nst_rebooting))
		return -EIO;
	vm = nst_vm_alloc();
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	fd = anon_inode_getfd(name, &nst_vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		nst_vm_put(vm);
	return fd;
}

/**
 * nst_vm_from_fd() - the VM behind a file descriptor
 * @fd: given by userspace
 *
 * Return: a referenced VM, or NULL when @fd is something else.
 */
struct nst_vm *nst_vm_from_fd(int fd)
{
	struct nst_vm *vm = NULL;
	struct file *file = fget(fd);

	if (!file)
		return NULL;
	if (file->f_op == &nst_vm_fops) {
		vm = file->private_data;
		nst_vm_get(vm);
	}
	fput(file);
	return vm;
}

/**
 * nst_vm_kill() - a bug of ours hit this VM: stop it for good
 * @vm: the VM; its vCPUs leave the guest and answer -EIO from now on
 *
 * Any context.
 */
void nst_vm_kill(struct nst_vm *vm)
{
	WRITE_ONCE(vm->dead, true);
	nst_request_all(vm, NST_REQ_DEAD, false);
}

/**
 * nst_vcpu_by_id() - find a vCPU by the id that userspace gave it
 * @vm: the VM
 * @id: the id, which is also its initial APIC id
 *
 * Return: the vCPU, or NULL.  Valid as long as @vm is referenced.
 */
struct nst_vcpu *nst_vcpu_by_id(struct nst_vm *vm, u32 id)
{
	struct nst_vcpu *vcpu;
	unsigned long i;

	/* Most VMs number their vCPUs 0, 1, 2 … */
	vcpu = xa_load(&vm->vcpus, id);
	if (vcpu && vcpu->id == id && id < READ_ONCE(vm->nr_vcpus))
		return vcpu;
	nst_for_each_vcpu(vm, vcpu, i)
		if (vcpu->id == id)
			return vcpu;
	return NULL;
}
