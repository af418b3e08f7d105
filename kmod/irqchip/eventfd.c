// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds as wires: an irqfd raises a GSI when its eventfd is signalled, an
 * ioeventfd signals one when the guest writes to an address.
 *
 * Locks: vm->irq_lock (mutex) guards the list of irqfds against each other's
 * ioctls; events->lock (spinlock, interrupts off) guards the same list against
 * the wake-up function, which runs in any context under the eventfd's own
 * lock; readers that signal eventfds must not hold it and use vm->irq_srcu.
 * vm->slots_lock guards the list of ioeventfds.
 */
#include "../nestor.h"
#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "../compat.h"
#include "../core.h"
#include "chip.h"

#define NST_MAX_IRQFDS		4096
#define NST_MAX_IOEVENTFDS	1000

/* Closes irqfds whose eventfd went away, in process context. */
static struct workqueue_struct *irqfd_cleanup_wq;

/* A VM's irqfds and ioeventfds. */
struct nst_eventfds {
	spinlock_t lock;		/* against wake-up functions */
	struct list_head irqfds;	/* lock to write; lock or irq_srcu to read */
	unsigned int nr_irqfds;		/* lock */
	unsigned int nr_resamplers;	/* lock to write */
	struct list_head ioeventfds;	/* slots_lock */
	unsigned int nr_ioeventfds;	/* slots_lock */
};

struct nst_irqfd {
	struct nst_vm *vm;		/* (c) */
	struct eventfd_ctx *ctx;	/* (c) referenced */
	struct eventfd_ctx *resample;	/* (c) referenced; NULL: an edge, not a level */
	u32 gsi;			/* (c) */
	bool active;			/* events->lock; on the list */
	struct list_head link;
	wait_queue_entry_t wait;	/* on the eventfd's wait queue */
	wait_queue_head_t *wqh;		/* (c) after the poll */
	poll_table pt;
	struct work_struct cleanup;
};

struct nst_ioeventfd {
	struct nst_iodev dev;
	struct list_head link;		/* slots_lock */
	struct eventfd_ctx *ctx;	/* (c) referenced */
	u64 addr;			/* (c) */
	u64 datamatch;			/* (c) */
	u32 len;			/* (c) 0: any */
	bool match;			/* (c) compare with @datamatch */
	u8 bus;				/* (c) enum nst_bus_kind */
};

/* The VM's lists, made when first needed.  vm->slots_lock held. */
static struct nst_eventfds *eventfds_get(struct nst_vm *vm)
{
	struct nst_eventfds *events = vm->eventfds;

	lockdep_assert_held(&vm->slots_lock);
	if (events)
		return events;
	events = kzalloc(sizeof(*events), GFP_KERNEL_ACCOUNT);
	if (!events)
		return NULL;
	spin_lock_init(&events->lock);
	INIT_LIST_HEAD(&events->irqfds);
	INIT_LIST_HEAD(&events->ioeventfds);
	/* Pairs with nst_eventfds_release(). */
	smp_store_release(&vm->eventfds, events);
	return events;
}

/* ---- irqfd ---- */

static void irqfd_free(struct nst_irqfd *irqfd)
{
	if (irqfd->resample)
		eventfd_ctx_put(irqfd->resample);
	eventfd_ctx_put(irqfd->ctx);
	kfree(irqfd);
}

static void irqfd_cleanup(struct work_struct *work)
{
	struct nst_irqfd *irqfd = container_of(work, struct nst_irqfd, cleanup);
	u64 count;

	/* After this no wake-up function runs any more. */
	eventfd_ctx_remove_wait_queue(irqfd->ctx, &irqfd->wait, &count);
	synchronize_srcu_expedited(&irqfd->vm->irq_srcu);
	if (irqfd->resample)
		nst_gsi_set(irqfd->vm, NST_SRC_RESAMPLE, irqfd->gsi, false);
	irqfd_free(irqfd);
}

/* Take it off the list; whoever does frees it later.  events->lock held. */
static void irqfd_deactivate_locked(struct nst_eventfds *events, struct nst_irqfd *irqfd)
{
	lockdep_assert_held(&events->lock);
	if (!irqfd->active)
		return;
	irqfd->active = false;
	list_del_rcu(&irqfd->link);
	events->nr_irqfds--;
	if (irqfd->resample)
		WRITE_ONCE(events->nr_resamplers, events->nr_resamplers - 1);
	queue_work(irqfd_cleanup_wq, &irqfd->cleanup);
}

static void irqfd_inject(struct nst_irqfd *irqfd)
{
	if (irqfd->resample) {
		nst_gsi_set(irqfd->vm, NST_SRC_RESAMPLE, irqfd->gsi, true);
		return;
	}
	nst_gsi_set(irqfd->vm, NST_SRC_IRQFD, irqfd->gsi, true);
	nst_gsi_set(irqfd->vm, NST_SRC_IRQFD, irqfd->gsi, false);
}

/* Called with the eventfd's wait-queue lock held and interrupts off. */
static int irqfd_wakeup(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct nst_irqfd *irqfd = container_of(wait, struct nst_irqfd, wait);
	struct nst_eventfds *events = irqfd->vm->eventfds;
	__poll_t flags = key_to_poll(key);
	unsigned long irqflags;
	int consumed = 0;
	u64 count;

	if (flags & EPOLLIN) {
		eventfd_ctx_do_read(irqfd->ctx, &count);
		irqfd_inject(irqfd);
		consumed = 1;
	}
	if (flags & EPOLLHUP) {
		spin_lock_irqsave(&events->lock, irqflags);
		irqfd_deactivate_locked(events, irqfd);
		spin_unlock_irqrestore(&events->lock, irqflags);
	}
	return consumed;
}

static void irqfd_queue_proc(struct file *file, wait_queue_head_t *wqh, poll_table *pt)
{
	struct nst_irqfd *irqfd = container_of(pt, struct nst_irqfd, pt);

	irqfd->wqh = wqh;
	/* Before other readers, so that the interrupt is not read away. */
	add_wait_queue_priority(wqh, &irqfd->wait);
}

/**
 * nst_irqfds_resample() - does any irqfd want to know about acknowledgements?
 * @vm: the VM; any context
 */
bool nst_irqfds_resample(struct nst_vm *vm)
{
	/* Pairs with eventfds_get(). */
	struct nst_eventfds *events = smp_load_acquire(&vm->eventfds);

	return events && READ_ONCE(events->nr_resamplers);
}

/**
 * nst_irqfd_resample() - a GSI was acknowledged
 * @vm: the VM; irq_srcu held
 * @gsi: the GSI
 *
 * The line falls, then every device on it is asked whether it is still asserted.
 */
void nst_irqfd_resample(struct nst_vm *vm, u32 gsi)
{
	struct nst_eventfds *events = vm->eventfds;
	struct nst_irqfd *irqfd;
	bool lowered = false;

	list_for_each_entry_srcu(irqfd, &events->irqfds, link,
				 srcu_read_lock_held(&vm->irq_srcu)) {
		if (!irqfd->resample || irqfd->gsi != gsi)
			continue;
		if (!lowered)
			nst_gsi_set(vm, NST_SRC_RESAMPLE, gsi, false);
		lowered = true;
		nst_eventfd_signal(irqfd->resample);
	}
}

static struct nst_irqfd *irqfd_alloc(struct nst_vm *vm, struct file *file,
				     const struct kvm_irqfd *args)
{
	struct nst_irqfd *irqfd = kzalloc(sizeof(*irqfd), GFP_KERNEL_ACCOUNT);
	struct eventfd_ctx *ctx;

	if (!irqfd)
		return ERR_PTR(-ENOMEM);
	ctx = eventfd_ctx_fileget(file);
	if (IS_ERR(ctx))
		goto free;
	irqfd->ctx = ctx;
	if (args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		ctx = eventfd_ctx_fdget(args->resamplefd);
		if (IS_ERR(ctx))
			goto put;
		irqfd->resample = ctx;
	}
	irqfd->vm = vm;
	irqfd->gsi = args->gsi;
	INIT_WORK(&irqfd->cleanup, irqfd_cleanup);
	init_waitqueue_func_entry(&irqfd->wait, irqfd_wakeup);
	init_poll_funcptr(&irqfd->pt, irqfd_queue_proc);
	return irqfd;

put:
	eventfd_ctx_put(irqfd->ctx);
free:
	kfree(irqfd);
	return ERR_CAST(ctx);
}

/* Put it on the list.  One eventfd raises one GSI: -EBUSY otherwise. */
static int irqfd_activate(struct nst_eventfds *events, struct nst_irqfd *irqfd)
{
	struct nst_irqfd *other;
	int ret = 0;

	spin_lock_irq(&events->lock);
	if (events->nr_irqfds >= NST_MAX_IRQFDS)
		ret = -ENOSPC;
	list_for_each_entry(other, &events->irqfds, link)
		if (other->ctx == irqfd->ctx)
			ret = -EBUSY;
	if (!ret) {
		irqfd->active = true;
		list_add_tail_rcu(&irqfd->link, &events->irqfds);
		events->nr_irqfds++;
		if (irqfd->resample)
			WRITE_ONCE(events->nr_resamplers, events->nr_resamplers + 1);
	}
	spin_unlock_irq(&events->lock);
	return ret;
}

static int irqfd_assign(struct nst_vm *vm, struct nst_eventfds *events,
			const struct kvm_irqfd *args)
{
	struct file *file = fget(args->fd);
	struct nst_irqfd *irqfd;
	int ret;

	lockdep_assert_held(&vm->irq_lock);
	if (!file)
		return -EBADF;
	irqfd = irqfd_alloc(vm, file, args);
	if (IS_ERR(irqfd)) {
		ret = PTR_ERR(irqfd);
		goto put;
	}
	ret = irqfd_activate(events, irqfd);
	if (ret) {
		irqfd_free(irqfd);
		goto put;
	}
	/*
	 * The reference to the file keeps the eventfd from hanging up, and
	 * irq_lock keeps a deassignment from freeing what we still use.
	 */
	if (vfs_poll(file, &irqfd->pt) & EPOLLIN)
		irqfd_inject(irqfd);
put:
	fput(file);
	return ret;
}

static int irqfd_deassign(struct nst_vm *vm, struct nst_eventfds *events,
			  const struct kvm_irqfd *args)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fdget(args->fd);
	struct nst_irqfd *irqfd, *next;

	lockdep_assert_held(&vm->irq_lock);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	spin_lock_irq(&events->lock);
	list_for_each_entry_safe(irqfd, next, &events->irqfds, link)
		if (irqfd->ctx == ctx && irqfd->gsi == args->gsi)
			irqfd_deactivate_locked(events, irqfd);
	spin_unlock_irq(&events->lock);
	eventfd_ctx_put(ctx);
	/* Userspace may reuse the GSI when this returns. */
	flush_workqueue(irqfd_cleanup_wq);
	return 0;
}

/**
 * nst_irqfd() - KVM_IRQFD
 * @vm: the VM
 * @args: untrusted
 *
 * With KVM_IRQFD_FLAG_RESAMPLE the GSI is a level: it stays high until the guest
 * ends the interrupt; then resamplefd is signalled.  Deassigning what is not
 * assigned succeeds, as KVM's clients expect.
 *
 * Return: 0, -EINVAL (flags, GSI, not an eventfd), -EBADF, -EAGAIN (no chips in the
 * kernel yet), -EBUSY (the eventfd raises a GSI already), -ENOSPC, -ENOMEM.
 */
int nst_irqfd(struct nst_vm *vm, const struct kvm_irqfd *args)
{
	struct nst_eventfds *events;
	int ret;

	u32 known = KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE;

	if ((args->flags & ~known) || args->gsi >= NST_MAX_GSIS)
		return -EINVAL;
	if (!nst_irqchip_in_kernel(vm))
		return -EAGAIN;
	/* Who sees the EOI has the resampling: with a split chip, userspace. */
	if ((args->flags & KVM_IRQFD_FLAG_RESAMPLE) &&
	    !(args->flags & KVM_IRQFD_FLAG_DEASSIGN) && !nst_pic_in_kernel(vm))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	events = eventfds_get(vm);
	mutex_unlock(&vm->slots_lock);
	if (!events)
		return -ENOMEM;
	mutex_lock(&vm->irq_lock);
	if (args->flags & KVM_IRQFD_FLAG_DEASSIGN)
		ret = irqfd_deassign(vm, events, args);
	else
		ret = irqfd_assign(vm, events, args);
	mutex_unlock(&vm->irq_lock);
	return ret;
}

/* ---- ioeventfd ---- */

static u64 ioeventfd_value(const void *data, unsigned int len)
{
	u64 val = 0;

	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	return val;
}

static bool ioeventfd_write(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
			    const void *data, unsigned int len)
{
	struct nst_ioeventfd *io = container_of(dev, struct nst_ioeventfd, dev);

	if (addr != io->addr || (io->len && len != io->len))
		return false;
	if (io->match && ioeventfd_value(data, len) != io->datamatch)
		return false;
	nst_eventfd_signal(io->ctx);
	return true;
}

static void ioeventfd_free(struct nst_iodev *dev)
{
	struct nst_ioeventfd *io = container_of(dev, struct nst_ioeventfd, dev);

	eventfd_ctx_put(io->ctx);
	kfree(io);
}

static const struct nst_iodev_ops ioeventfd_ops = {
	.write = ioeventfd_write,
	.release = ioeventfd_free,
};

static u8 ioeventfd_bus(const struct kvm_ioeventfd *args)
{
	return args->flags & KVM_IOEVENTFD_FLAG_PIO ? NST_BUS_PIO : NST_BUS_MMIO;
}

/* Would the two answer to the same write? */
static bool ioeventfd_collides(const struct nst_ioeventfd *a, const struct nst_ioeventfd *b)
{
	return a->bus == b->bus && a->addr == b->addr &&
	       (!a->len || !b->len || a->len == b->len) &&
	       (!a->match || !b->match || a->datamatch == b->datamatch);
}

static struct nst_ioeventfd *ioeventfd_alloc(const struct kvm_ioeventfd *args)
{
	struct nst_ioeventfd *io = kzalloc(sizeof(*io), GFP_KERNEL_ACCOUNT);
	long err;

	if (!io)
		return ERR_PTR(-ENOMEM);
	io->ctx = eventfd_ctx_fdget(args->fd);
	if (IS_ERR(io->ctx)) {
		err = PTR_ERR(io->ctx);
		kfree(io);
		return ERR_PTR(err);
	}
	io->dev.ops = &ioeventfd_ops;
	io->addr = args->addr;
	io->len = args->len;
	io->bus = ioeventfd_bus(args);
	io->match = args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH;
	io->datamatch = ioeventfd_value(&args->datamatch, args->len);
	return io;
}

static int ioeventfd_assign(struct nst_vm *vm, struct nst_eventfds *events,
			    const struct kvm_ioeventfd *args)
{
	struct nst_ioeventfd *io, *other;
	int ret;

	lockdep_assert_held(&vm->slots_lock);
	if (events->nr_ioeventfds >= NST_MAX_IOEVENTFDS)
		return -ENOSPC;
	io = ioeventfd_alloc(args);
	if (IS_ERR(io))
		return PTR_ERR(io);
	ret = 0;
	list_for_each_entry(other, &events->ioeventfds, link)
		if (ioeventfd_collides(io, other))
			ret = -EEXIST;
	if (!ret)
		ret = nst_bus_register(vm, io->bus, io->addr, io->len, &io->dev);
	if (ret) {
		ioeventfd_free(&io->dev);
		return ret;
	}
	list_add_tail(&io->link, &events->ioeventfds);
	events->nr_ioeventfds++;
	return 0;
}

static int ioeventfd_deassign(struct nst_vm *vm, struct nst_eventfds *events,
			      const struct kvm_ioeventfd *args)
{
	struct nst_ioeventfd *want = ioeventfd_alloc(args);
	struct nst_ioeventfd *io, *next;
	int ret = -ENOENT;

	lockdep_assert_held(&vm->slots_lock);
	if (IS_ERR(want))
		return PTR_ERR(want);
	list_for_each_entry_safe(io, next, &events->ioeventfds, link) {
		if (io->ctx != want->ctx || io->bus != want->bus || io->addr != want->addr ||
		    io->len != want->len || io->match != want->match ||
		    (io->match && io->datamatch != want->datamatch))
			continue;
		list_del(&io->link);
		events->nr_ioeventfds--;
		nst_bus_unregister(vm, io->bus, &io->dev);
		ioeventfd_free(&io->dev);
		ret = 0;
		break;
	}
	ioeventfd_free(&want->dev);
	return ret;
}

static bool ioeventfd_args_valid(const struct kvm_ioeventfd *args)
{
	u32 known = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO |
		    KVM_IOEVENTFD_FLAG_DEASSIGN;

	if ((args->flags & ~known) || args->addr + args->len < args->addr)
		return false;
	switch (args->len) {
	case 0:		/* any length: there is nothing to compare with */
		return !(args->flags & KVM_IOEVENTFD_FLAG_DATAMATCH);
	case 1:
	case 2:
	case 4:
	case 8:
		return true;
	}
	return false;
}

/**
 * nst_ioeventfd() - KVM_IOEVENTFD
 * @vm: the VM
 * @args: untrusted
 *
 * Return: 0, -EINVAL (flags, length, overflow, not an eventfd), -EBADF, -EEXIST
 * (another takes the same writes), -ENOENT (nothing to deassign), -ENOSPC, -ENOMEM.
 */
int nst_ioeventfd(struct nst_vm *vm, const struct kvm_ioeventfd *args)
{
	struct nst_eventfds *events;
	int ret;

	if (!ioeventfd_args_valid(args))
		return -EINVAL;
	mutex_lock(&vm->slots_lock);
	events = eventfds_get(vm);
	if (!events)
		ret = -ENOMEM;
	else if (args->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		ret = ioeventfd_deassign(vm, events, args);
	else
		ret = ioeventfd_assign(vm, events, args);
	mutex_unlock(&vm->slots_lock);
	return ret;
}

/* ---- lifecycle ---- */

/**
 * nst_eventfds_release() - the VM's file is closed, or the VM goes
 * @vm: the VM; process context
 *
 * Irqfds end now.  Ioeventfds belong to the bus, which frees them.  When the
 * VM's last reference is gone the chips' timers stop too: they send to vCPUs,
 * which are about to be freed.
 */
void nst_eventfds_release(struct nst_vm *vm)
{
	/* Pairs with eventfds_get(). */
	struct nst_eventfds *events = smp_load_acquire(&vm->eventfds);
	struct nst_irqfd *irqfd, *next;

	if (events) {
		spin_lock_irq(&events->lock);
		list_for_each_entry_safe(irqfd, next, &events->irqfds, link)
			irqfd_deactivate_locked(events, irqfd);
		spin_unlock_irq(&events->lock);
		flush_workqueue(irqfd_cleanup_wq);
	}
	if (refcount_read(&vm->users))
		return;
	nst_irqchip_quiesce(vm);
	vm->eventfds = NULL;
	kfree(events);
}

/**
 * nst_eventfd_module_init() - start the cleanup queue
 *
 * Return: 0, or -ENOMEM.
 */
int nst_eventfd_module_init(void)
{
	irqfd_cleanup_wq = alloc_workqueue("nestor-irqfd", WQ_UNBOUND, 0);
	return irqfd_cleanup_wq ? 0 : -ENOMEM;
}

/**
 * nst_eventfd_module_exit() - stop the cleanup queue; no VM exists
 */
void nst_eventfd_module_exit(void)
{
	destroy_workqueue(irqfd_cleanup_wq);
}
