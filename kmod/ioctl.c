// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioctls as tables: a row names the number, what the argument is and which
 * lock the handler needs; this file does the copying and locking for all.
 */
#include "nestor.h"
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"

/**
 * nst_ioctl_find() - look an ioctl up
 * @table: rows
 * @rows: how many
 * @cmd: the number
 *
 * Return: the row, or NULL.
 */
const struct nst_ioctl *nst_ioctl_find(const struct nst_ioctl *table, unsigned int rows,
				       unsigned int cmd)
{
	for (unsigned int i = 0; i < rows; i++)
		if (table[i].cmd == cmd)
			return &table[i];
	return NULL;
}

static long nst_ioctl_loaded(const struct nst_ioctl *row, struct nst_vcpu *vcpu,
			     unsigned long arg)
{
	long ret;

	vcpu->srcu_idx = srcu_read_lock(&vcpu->vm->srcu);
	nst_vcpu_load(vcpu);
	ret = row->fn(vcpu, arg);
	nst_vcpu_put(vcpu);
	srcu_read_unlock(&vcpu->vm->srcu, vcpu->srcu_idx);
	return ret;
}

static long nst_ioctl_vcpu(const struct nst_ioctl *row, struct nst_vcpu *vcpu,
			   unsigned long arg)
{
	long ret;

	if (mutex_lock_killable(&vcpu->mutex))
		return -EINTR;
	if (READ_ONCE(vcpu->vm->dead))
		ret = -EIO;
	else if (row->lock == NST_LOCK_LOADED)
		ret = nst_ioctl_loaded(row, vcpu, arg);
	else
		ret = row->fn(vcpu, arg);
	mutex_unlock(&vcpu->mutex);
	return ret;
}

static long nst_ioctl_call(const struct nst_ioctl *row, void *object, unsigned long arg)
{
	struct nst_vm *vm = object;
	long ret;

	switch (row->lock) {
	case NST_LOCK_VM:
		mutex_lock(&vm->lock);
		ret = row->fn(object, arg);
		mutex_unlock(&vm->lock);
		return ret;
	case NST_LOCK_VCPU:
	case NST_LOCK_LOADED:
		return nst_ioctl_vcpu(row, object, arg);
	default:
		return row->fn(object, arg);
	}
}

/* Copy the struct in if the number says so, call, copy it out if it says so. */
static long nst_ioctl_struct(const struct nst_ioctl *row, void *object, void __user *user)
{
	unsigned int size = _IOC_SIZE(row->cmd);
	bool quirk = row->arg == NST_ARG_STRUCT_IN;
	bool in = quirk || (_IOC_DIR(row->cmd) & _IOC_WRITE);
	bool out = !quirk && (_IOC_DIR(row->cmd) & _IOC_READ);
	void *data = kzalloc(size, GFP_KERNEL_ACCOUNT);
	long ret = -EFAULT;

	if (!data)
		return -ENOMEM;
	if (in && copy_from_user(data, user, size))
		goto out;
	ret = nst_ioctl_call(row, object, (unsigned long)data);
	if (ret >= 0 && out && copy_to_user(user, data, size))
		ret = -EFAULT;
out:
	kfree(data);
	return ret;
}

/**
 * nst_ioctl_dispatch() - carry an ioctl out
 * @table: rows
 * @rows: how many
 * @object: the VM or vCPU, or NULL on the system fd
 * @cmd: the number
 * @arg: the argument
 *
 * Return: what the handler returns, or -ENOTTY, -ENOMEM, -EFAULT, -EINTR, -EIO.
 */
long nst_ioctl_dispatch(const struct nst_ioctl *table, unsigned int rows, void *object,
			unsigned int cmd, unsigned long arg)
{
	const struct nst_ioctl *row = nst_ioctl_find(table, rows, cmd);

	if (!row)
		return -ENOTTY;
	if (row->arg == NST_ARG_STRUCT || row->arg == NST_ARG_STRUCT_IN)
		return nst_ioctl_struct(row, object, (void __user *)arg);
	return nst_ioctl_call(row, object, arg);
}
