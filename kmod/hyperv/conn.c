// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages and events that a guest sends to the world outside: a connection that userspace
 * gave an eventfd signals that, all else is carried out by userspace itself.
 *
 * TLFS "HvCallPostMessage", "HvCallSignalEvent".
 */
#include "../nestor.h"
#include <linux/eventfd.h>
#include <linux/xarray.h>
#include "../compat.h"
#include "call.h"

/* Of the parameter: above the connection's id and the number of the flag. */
#define EVENT_RESERVED	GENMASK_ULL(63, 48)

static int assign(struct nst_hv_vm *hv, const struct kvm_hyperv_eventfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	int ret;

	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	ret = xa_insert(&hv->conns, args->conn_id, ctx, GFP_KERNEL_ACCOUNT);
	if (ret)
		eventfd_ctx_put(ctx);
	return ret == -EBUSY ? -EEXIST : ret;
}

static int deassign(struct nst_hv_vm *hv, const struct kvm_hyperv_eventfd *args)
{
	struct eventfd_ctx *ctx = xa_erase(&hv->conns, args->conn_id);

	if (!ctx)
		return -ENOENT;
	/* A guest may be about to signal it. */
	synchronize_rcu();
	eventfd_ctx_put(ctx);
	return 0;
}

/**
 * nst_hv_eventfd() - KVM_HYPERV_EVENTFD
 * @object: the VM
 * @arg: struct kvm_hyperv_eventfd
 *
 * Return: 0; -EINVAL for an id of more than 24 bits, unknown flags, or a file that is no
 * eventfd; -EEXIST, -ENOENT; -EBADF; -ENOMEM.
 */
long nst_hv_eventfd(void *object, unsigned long arg)
{
	const struct kvm_hyperv_eventfd *args = (const void *)arg;
	struct nst_vm *vm = object;

	if ((args->conn_id & ~KVM_HYPERV_CONN_ID_MASK) ||
	    (args->flags & ~KVM_HYPERV_EVENTFD_DEASSIGN))
		return -EINVAL;
	return args->flags ? deassign(vm->hv, args) : assign(vm->hv, args);
}

/**
 * nst_hv_conns_destroy() - let go of all eventfds
 * @hv: the part of a VM that nobody uses any more
 */
void nst_hv_conns_destroy(struct nst_hv_vm *hv)
{
	struct eventfd_ctx *ctx;
	unsigned long id;

	xa_for_each(&hv->conns, id, ctx)
		eventfd_ctx_put(ctx);
	xa_destroy(&hv->conns);
}

/* Without a synthetic interrupt controller userspace could not answer. */
static u64 ask_user(struct nst_vcpu *vcpu)
{
	return vcpu->hv->synic.active ? NST_HV_ASK_USER : HV_STATUS_INVALID_HYPERCALL_INPUT;
}

/**
 * nst_hv_post_message() - HvCallPostMessage
 * @vcpu: own thread
 * @call: the call
 *
 * Return: a status, or NST_HV_ASK_USER.
 */
u64 nst_hv_post_message(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	return ask_user(vcpu);
}

/**
 * nst_hv_signal_event() - HvCallSignalEvent
 * @vcpu: own thread
 * @call: the call
 *
 * An eventfd stands for flag 0 of its connection.
 *
 * Return: a status, or NST_HV_ASK_USER.
 */
u64 nst_hv_signal_event(struct nst_vcpu *vcpu, struct nst_hv_call *call)
{
	struct eventfd_ctx *ctx = NULL;
	u64 param, status;

	status = nst_hv_call_read(vcpu, call, 0, &param, sizeof(param));
	if (status)
		return status;
	if (param & EVENT_RESERVED)
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	rcu_read_lock();
	if (!(param & ~(u64)KVM_HYPERV_CONN_ID_MASK))
		ctx = xa_load(&vcpu->vm->hv->conns, param);
	if (ctx)
		nst_eventfd_signal(ctx);
	rcu_read_unlock();
	return ctx ? HV_STATUS_SUCCESS : ask_user(vcpu);
}
