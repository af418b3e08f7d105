/* SPDX-License-Identifier: GPL-2.0-only */
/* What the core's own files offer each other. */
#ifndef NST_CORE_H
#define NST_CORE_H

#include <linux/fs.h>
#include <linux/kvm.h>
#include "vcpu.h"

extern bool nst_rebooting;

/* dev.c */
int nst_dev_init(void);
void nst_dev_exit(void);

/* caps.c: KVM_CHECK_EXTENSION.  @vm NULL: asked on the system fd. */
int nst_check_extension(struct nst_vm *vm, unsigned long cap);
/* Failed accesses of MSRs that may exit to userspace. */
#define NST_USER_MSR_REASONS	(KVM_MSR_EXIT_REASON_INVAL |		\
				 KVM_MSR_EXIT_REASON_UNKNOWN | KVM_MSR_EXIT_REASON_FILTER)
long nst_vm_enable_cap(void *object, unsigned long arg);

/* Pages of a vCPU's file: kvm_run, port data, the ring of coalesced accesses. */
#define NST_MMAP_PAGES	(KVM_COALESCED_MMIO_PAGE_OFFSET + 1)

/* msrfilter.c */
long nst_set_msr_filter(void *object, unsigned long arg);
void nst_msr_filter_destroy(struct nst_vm *vm);
enum nst_next nst_exit_msr(struct nst_vcpu *vcpu);
enum nst_next nst_complete_msr(struct nst_vcpu *vcpu);

/* hypercall.c */
#define NST_HYPERCALL_LEN	3
const u8 *nst_hypercall_insn(void);
enum nst_next nst_exit_hypercall(struct nst_vcpu *vcpu);
bool nst_yield_to(struct nst_vcpu *target);
bool nst_fix_hypercall(struct nst_vcpu *vcpu);

/* steal.c */
void nst_steal_update(struct nst_vcpu *vcpu);

/* asyncpf.c */
int nst_apf_module_init(void);
void nst_apf_module_exit(void);
int nst_apf_create(struct nst_vcpu *vcpu);
void nst_apf_reset(struct nst_vcpu *vcpu);
void nst_apf_clear(struct nst_vcpu *vcpu);
void nst_apf_look(struct nst_vcpu *vcpu);

/* syncregs.c: in: 0 or -EINVAL */
int nst_sync_regs_in(struct nst_vcpu *vcpu);
void nst_sync_regs_out(struct nst_vcpu *vcpu);

/* binstats.c */
void nst_binstats_init(void);
long nst_vm_stats_fd(void *object, unsigned long arg);
long nst_vcpu_stats_fd(void *object, unsigned long arg);

/* mce.c */
long nst_mce_cap_supported(void *object, unsigned long arg);
long nst_mce_setup(void *object, unsigned long arg);
long nst_mce_inject(void *object, unsigned long arg);

/* coalesced.c */
int nst_coalesced_create(struct nst_vm *vm);
void nst_coalesced_destroy(struct nst_vm *vm);
void *nst_coalesced_page(struct nst_vm *vm);
long nst_coalesced_register(void *object, unsigned long arg);
long nst_coalesced_unregister(void *object, unsigned long arg);

/* ioctl.c */
enum nst_ioctl_arg {
	NST_ARG_NONE,	/* the argument must be 0 or is ignored */
	NST_ARG_VALUE,	/* the argument itself */
	NST_ARG_STRUCT,	/* a struct of the size in the number, copied for the handler */
	NST_ARG_STRUCT_IN, /* the same, copied in although the number says out */
	NST_ARG_USER,	/* a user pointer to something of variable size */
};

enum nst_ioctl_lock {
	NST_LOCK_NONE,
	NST_LOCK_VM,	/* vm->lock */
	NST_LOCK_VCPU,	/* vcpu->mutex */
	NST_LOCK_LOADED, /* vcpu->mutex, SRCU, and the vCPU loaded */
};

/**
 * struct nst_ioctl - one ioctl
 * @cmd: its number, with direction and size
 * @arg: what the handler gets in its second argument
 * @lock: what the dispatcher holds around the handler
 * @fn: the handler; a struct that it filled is copied out when it returns >= 0
 */
struct nst_ioctl {
	unsigned int cmd;
	enum nst_ioctl_arg arg;
	enum nst_ioctl_lock lock;
	long (*fn)(void *object, unsigned long arg);
};

long nst_ioctl_dispatch(const struct nst_ioctl *table, unsigned int rows, void *object,
			unsigned int cmd, unsigned long arg);
const struct nst_ioctl *nst_ioctl_find(const struct nst_ioctl *table, unsigned int rows,
				       unsigned int cmd);

/* vm_ioctl.c, vcpu_ioctl.c, regs.c */
long nst_vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long nst_vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
long nst_get_regs(void *object, unsigned long arg);
long nst_set_regs(void *object, unsigned long arg);
long nst_get_sregs(void *object, unsigned long arg);
long nst_set_sregs(void *object, unsigned long arg);
long nst_get_sregs2(void *object, unsigned long arg);
long nst_set_sregs2(void *object, unsigned long arg);
long nst_get_debugregs(void *object, unsigned long arg);
long nst_set_debugregs(void *object, unsigned long arg);
long nst_get_vcpu_events(void *object, unsigned long arg);
long nst_set_vcpu_events(void *object, unsigned long arg);

/* vcpu.c */
struct nst_vcpu *nst_loaded_vcpu(void);
int nst_vcpu_module_init(void);
void nst_vcpu_module_exit(void);
int nst_vcpu_create(struct nst_vm *vm, u32 id);
void nst_vcpu_destroy(struct nst_vcpu *vcpu);
int nst_vcpu_block(struct nst_vcpu *vcpu);
bool nst_vcpu_runnable(struct nst_vcpu *vcpu);
bool nst_vcpu_has_work(struct nst_vcpu *vcpu);

/* state.c */
u64 nst_efer_allowed(const struct nst_vcpu *vcpu);

/* run.c */
long nst_run(void *object, unsigned long arg);

/* guestdebug.c */
#define NST_GUESTDBG_FLAGS	(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |	\
				 KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_USE_HW_BP |	\
				 KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |	\
				 KVM_GUESTDBG_BLOCKIRQ)
long nst_set_guest_debug(void *object, unsigned long arg);
void nst_debug_start(struct nst_vcpu *vcpu);
void nst_debug_load(struct nst_vcpu *vcpu);
void nst_debug_save(struct nst_vcpu *vcpu);
void nst_debug_before_entry(struct nst_vcpu *vcpu);
void nst_debug_after_exit(struct nst_vcpu *vcpu);
void nst_debug_stepped(struct nst_vcpu *vcpu, u64 causes);
bool nst_debug_wants(const struct nst_vcpu *vcpu, u8 vector);
void nst_inject_trap(struct nst_vcpu *vcpu, u8 vector);
enum nst_next nst_debug_mov_dr(struct nst_vcpu *vcpu);
enum nst_next nst_debug_exit(struct nst_vcpu *vcpu, u8 vector, u64 causes);

/* event.c */
void nst_inject_pending(struct nst_vcpu *vcpu);
void nst_events_entered(struct nst_vcpu *vcpu);
bool nst_event_pending(struct nst_vcpu *vcpu);
void nst_collect_nmis(struct nst_vcpu *vcpu);
void nst_apply_payload(struct nst_vcpu *vcpu);
void nst_settle_payload(struct nst_vcpu *vcpu);
void nst_clear_events(struct nst_vcpu *vcpu);
bool nst_ready_for_user_irq(struct nst_vcpu *vcpu);
bool nst_event_committed(struct nst_vcpu *vcpu);
bool nst_irq_unmasked(const struct nst_vcpu *vcpu);
int nst_pending_irq(struct nst_vcpu *vcpu);
int nst_take_irq(struct nst_vcpu *vcpu);
void nst_take_init(struct nst_vcpu *vcpu);
int nst_take_sipi(struct nst_vcpu *vcpu);
void nst_end_irq(struct nst_vcpu *vcpu);

/* dirtyring.c */
#define NST_DIRTY_RING_BYTES	(65536 * (int)sizeof(struct kvm_dirty_gfn))	/* at most */
int nst_dirty_ring_enable(struct nst_vm *vm, u64 bytes);
int nst_dirty_ring_create(struct nst_vcpu *vcpu);
void nst_dirty_ring_destroy(struct nst_vcpu *vcpu);
unsigned long nst_dirty_ring_pages(const struct nst_vm *vm);
struct page *nst_dirty_ring_page(struct nst_vcpu *vcpu, unsigned long index);
bool nst_dirty_ring_full(const struct nst_vcpu *vcpu);
void nst_dirty_ring_push(struct nst_vcpu *vcpu, u32 slot, u64 offset);
long nst_reset_dirty_rings(void *object, unsigned long arg);

/* smm.c */
void nst_collect_smi(struct nst_vcpu *vcpu);
bool nst_smi_due(struct nst_vcpu *vcpu);
enum nst_next nst_smm_event(struct nst_vcpu *vcpu);
enum nst_next nst_exit_rsm(struct nst_vcpu *vcpu);
void nst_smm_reset(struct nst_vcpu *vcpu, bool init);
void nst_smm_to_user(struct nst_vcpu *vcpu, struct kvm_vcpu_events *e);
bool nst_smm_user_valid(const struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e);
void nst_smm_from_user(struct nst_vcpu *vcpu, const struct kvm_vcpu_events *e);

/* handle.c */
enum nst_next nst_handle_exit(struct nst_vcpu *vcpu);
enum nst_next nst_internal_error(struct nst_vcpu *vcpu, u32 suberror);
enum nst_next nst_shutdown(struct nst_vcpu *vcpu);

/* insn.c */
int nst_insn_create(struct nst_vcpu *vcpu);
void nst_insn_destroy(struct nst_vcpu *vcpu);
enum nst_next nst_pio(struct nst_vcpu *vcpu);
unsigned int nst_insn_length(struct nst_vcpu *vcpu);
unsigned int nst_insn_bytes(struct nst_vcpu *vcpu, u8 *bytes, unsigned int size);
bool nst_insn_is_rsm(struct nst_vcpu *vcpu);
enum nst_next nst_exit_task_switch(struct nst_vcpu *vcpu);
/* Finish what userspace was asked for by the last NST_USER. */
void nst_insn_wait_hypercall(struct nst_vcpu *vcpu);
enum nst_next nst_insn_complete(struct nst_vcpu *vcpu);

void nst_decode_foreign(struct nst_vcpu *vcpu);
enum nst_next nst_insn_deliver(struct nst_vcpu *vcpu, const struct nst_event *event);

/* soft.c */
bool nst_soft_needed(struct nst_vcpu *vcpu);
enum nst_next nst_soft_run(struct nst_vcpu *vcpu);

/* iobus.c */
int nst_buses_create(struct nst_vm *vm);
void nst_buses_destroy(struct nst_vm *vm);

/* stats.c */
int nst_stats_init(void);
void nst_stats_exit(void);
void nst_stats_vm_create(struct nst_vm *vm);
void nst_stats_vm_destroy(struct nst_vm *vm);
void nst_stats_vcpu_create(struct nst_vcpu *vcpu);

#endif /* NST_CORE_H */
