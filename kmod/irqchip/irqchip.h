/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupt controllers: the face to the core.  Local APICs belong to vCPUs;
 * IOAPIC, PIC pair, PIT and routing to the VM's struct nst_irqchip.
 */
#ifndef NST_IRQCHIP_H
#define NST_IRQCHIP_H

#include <linux/kvm.h>
#include "../x86.h"
#include "../vcpu.h"

/* ---- the chip as a whole: route.c, eventfd.c ---- */

/* GSIs are below this; KVM_SET_GSI_ROUTING takes as many entries. */
#define NST_MAX_GSIS	4096

/* KVM_CREATE_IRQCHIP.  vm->lock held, no vCPU exists.  -EEXIST, -EINVAL, -ENOMEM. */
int nst_irqchip_create(struct nst_vm *vm);
/* KVM_CAP_SPLIT_IRQCHIP: local APICs alone.  vm->lock held.  -EINVAL, -EEXIST, -ENOMEM. */
int nst_irqchip_split(struct nst_vm *vm, u64 pins);
void nst_irqchip_destroy(struct nst_vm *vm);
/* Is the chip (PIC, IOAPIC and LAPICs) in the kernel? */
static inline bool nst_irqchip_in_kernel(struct nst_vm *vm)
{
	/* Pairs with the release in nst_irqchip_create(). */
	return smp_load_acquire(&vm->irqchip);
}

/* Is the PIC, with IOAPIC and PIT, in the kernel too? */
bool nst_pic_in_kernel(struct nst_vm *vm);

/* KVM_IRQ_LINE(_STATUS): level of a GSI; @status as KVM_IRQ_LINE_STATUS. */
int nst_irq_line(struct nst_vm *vm, u32 gsi, bool level, int *status);
int nst_set_gsi_routing(struct nst_vm *vm, const struct kvm_irq_routing_entry *entries,
			unsigned int nr, u32 flags);
/* KVM_SIGNAL_MSI: >0 delivered, 0 blocked by the guest, -errno. */
int nst_send_msi(struct nst_vm *vm, const struct kvm_msi *msi);
int nst_irqfd(struct nst_vm *vm, const struct kvm_irqfd *args);
int nst_ioeventfd(struct nst_vm *vm, const struct kvm_ioeventfd *args);
void nst_eventfds_release(struct nst_vm *vm);
int nst_eventfd_module_init(void);
void nst_eventfd_module_exit(void);

/* KVM_ENABLE_CAP of KVM_CAP_X2APIC_API.  vm->lock held.  -EINVAL: unknown flags. */
#define NST_X2APIC_API_FLAGS	(KVM_X2APIC_API_USE_32BIT_IDS |		\
				 KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK)
int nst_x2apic_api(struct nst_vm *vm, u64 flags);

int nst_get_irqchip(struct nst_vm *vm, struct kvm_irqchip *chip);
int nst_set_irqchip(struct nst_vm *vm, const struct kvm_irqchip *chip);

/* ---- PIT: pit.c ---- */
int nst_pit_create(struct nst_vm *vm, const struct kvm_pit_config *cfg); /* vm->lock held */
int nst_pit_get(struct nst_vm *vm, struct kvm_pit_state2 *ps);
int nst_pit_set(struct nst_vm *vm, const struct kvm_pit_state2 *ps);
int nst_pit_reinject(struct nst_vm *vm, const struct kvm_reinject_control *ctl);

/* ---- local APIC: lapic.c, lapic_timer.c ---- */
int nst_lapic_create(struct nst_vcpu *vcpu);
void nst_lapic_destroy(struct nst_vcpu *vcpu);
void nst_lapic_reset(struct nst_vcpu *vcpu, bool init);
int nst_lapic_get(struct nst_vcpu *vcpu, struct kvm_lapic_state *s);
int nst_lapic_set(struct nst_vcpu *vcpu, const struct kvm_lapic_state *s);
/* IA32_APIC_BASE with its rules; false: #GP. @host: from userspace, any valid state. */
bool nst_lapic_set_base(struct nst_vcpu *vcpu, u64 val, bool host);
void nst_lapic_cpuid_changed(struct nst_vcpu *vcpu);

/* TPR as CR8 (bits 3:0), for MOV CR8 and the backend's TPR virtualisation. */
u8 nst_lapic_get_cr8(struct nst_vcpu *vcpu);
void nst_lapic_set_cr8(struct nst_vcpu *vcpu, u8 cr8);

/*
 * nst_lapic_pending() - vector the vCPU should take now, honouring PPR, the
 * PIC through LINT0/ExtINT when accepted; -1: none.  Own thread.
 */
int nst_lapic_pending(struct nst_vcpu *vcpu);
/* Acknowledge: IRR to ISR (or the PIC's INTA).  Returns the vector, -1: gone. */
int nst_lapic_ack(struct nst_vcpu *vcpu);
/* The interrupt in service is over, without a write of EOI by the guest.  Own thread. */
void nst_lapic_end(struct nst_vcpu *vcpu);
/* Highest IRR class that TPR masks now, as TPR threshold 0 to 15; 0: none. */
u8 nst_lapic_tpr_threshold(struct nst_vcpu *vcpu);
/* Wake-up sources beyond nst_lapic_pending(): INIT, SIPI.  Own thread. */
bool nst_lapic_has_init_sipi(struct nst_vcpu *vcpu);
bool nst_lapic_has_init(struct nst_vcpu *vcpu);
/* It made L2 exit, and is not pending any more. */
void nst_lapic_take_init(struct nst_vcpu *vcpu);
/* The vector of a latched start-up message, which is gone then; -1: none is. */
int nst_lapic_take_sipi(struct nst_vcpu *vcpu);
/* By KVM_SET_VCPU_EVENTS. */
void nst_lapic_latch_init(struct nst_vcpu *vcpu, bool latched);
/*
 * Act on latched INIT and SIPI: INIT resets the vCPU through nst_vcpu_reset()
 * and sets mp_state; SIPI sets CS:IP and makes it runnable.
 */
void nst_lapic_accept_init_sipi(struct nst_vcpu *vcpu);
u64 nst_lapic_get_tsc_deadline(struct nst_vcpu *vcpu);
void nst_lapic_set_tsc_deadline(struct nst_vcpu *vcpu, u64 tsc);

/* xAPIC page.  True: it was in the page of an enabled xAPIC. */
bool nst_lapic_mmio(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *data, unsigned int len,
		    bool write);
/* x2APIC MSRs 0x800 to 0x8ff.  False: #GP. */
bool nst_lapic_msr(struct nst_vcpu *vcpu, u32 msr, u64 *val, bool write);

/* An end of what a KVM_IRQ_ROUTING_HV_SINT route began; own thread: route.c */
void nst_sint_acked(struct nst_vm *vm, u32 vp, u32 sint);
/* An edge-triggered interrupt for this one; any context.  False: nobody takes it. */
bool nst_lapic_interrupt(struct nst_vcpu *vcpu, u8 vector);
/* A register by another way than page or x2APIC MSR, in any mode.  False: no such access. */
bool nst_lapic_bypass(struct nst_vcpu *vcpu, unsigned int offset, u64 *val, bool write);

/* ---- the TPR in guest memory: vapic.c ---- */
long nst_vapic_set_addr(void *object, unsigned long arg);
long nst_tpr_reporting(void *object, unsigned long arg);
void nst_tpr_accessed(struct nst_vcpu *vcpu, bool write);
enum nst_next nst_exit_tpr_access(struct nst_vcpu *vcpu);
void nst_vapic_show(struct nst_vcpu *vcpu);
void nst_vapic_collect(struct nst_vcpu *vcpu);

/* PV EOI, around an entry: pv_eoi.c */
void nst_pv_eoi_offer(struct nst_vcpu *vcpu);
void nst_pv_eoi_take_back(struct nst_vcpu *vcpu);

/* Would this vCPU take an interrupt of the PIC?  With the LAPIC in userspace: yes. */
bool nst_lapic_hears_pic(struct nst_vcpu *vcpu);
/* KVM_HC_SEND_IPI: true when the APIC with the id took it. */
bool nst_lapic_pv_ipi(struct nst_vcpu *vcpu, u32 icr, u64 id);
/* PIC output line, for vCPUs without an enabled LAPIC. */
bool nst_pic_output(struct nst_vm *vm);

/* ---- I/O buses: iobus.c (core) ---- */
struct nst_iodev;

/**
 * struct nst_iodev_ops - an in-kernel device on a bus
 * @read: true when the device took the access; vm->srcu held, preemptible, address absolute
 * @write: the same
 * @release: frees the device after its last reader is gone; NULL: nothing to free
 */
struct nst_iodev_ops {
	bool (*read)(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr, void *data,
		     unsigned int len);
	bool (*write)(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
		      const void *data, unsigned int len);
	void (*release)(struct nst_iodev *dev);
};

struct nst_iodev {
	const struct nst_iodev_ops *ops;
};

/* slots_lock held.  -EEXIST is not checked: the first device that takes it wins. */
int nst_bus_register(struct nst_vm *vm, enum nst_bus_kind bus, u64 addr, u32 len,
		     struct nst_iodev *dev);
void nst_bus_unregister(struct nst_vm *vm, enum nst_bus_kind bus, struct nst_iodev *dev);
/* True: handled in the kernel. */
bool nst_bus_read(struct nst_vcpu *vcpu, enum nst_bus_kind bus, u64 addr, void *data,
		  unsigned int len);
bool nst_bus_write(struct nst_vcpu *vcpu, enum nst_bus_kind bus, u64 addr, const void *data,
		   unsigned int len);

#endif /* NST_IRQCHIP_H */
