/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the interrupt controllers know about each other: sources drive GSIs,
 * routing turns a GSI into pins and messages, pins turn into messages, and
 * local APICs accept messages.
 *
 * Lock order inside the folder: pit->lock (mutex) is outermost and never held
 * by the timer; pic->lock and ioapic->lock are raw, taken with interrupts off,
 * and never nest in each other.  Local APICs take no lock at all: what other
 * threads do to them is one atomic bit operation.
 */
#ifndef NST_IRQCHIP_CHIP_H
#define NST_IRQCHIP_CHIP_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <asm/apicdef.h>
#include "irqchip.h"
#include "pic_logic.h"
#include "pit_logic.h"

/* Who may hold a line high: the pin is the OR of all of them. */
enum nst_irq_source { NST_SRC_USER, NST_SRC_IRQFD, NST_SRC_RESAMPLE, NST_SRC_PIT };

/* Lowest vector that an interrupt message may carry, SDM3 "Valid Interrupt Vectors". */
#define NST_FIRST_APIC_VECTOR	16

/**
 * struct nst_irq_msg - an interrupt message on its way to local APICs
 * @dest: destination field
 * @mode: delivery mode, APIC_DM_*
 * @vector: vector, or start-up page
 * @logical: @dest is a logical destination
 * @dest32: @dest is 32 bits wide, as x2APIC senders write it
 * @bus: from a device: local APICs in x2APIC mode may read @dest as 32 bits
 * @level: level-triggered
 * @lowest: deliver to one of the addressed APICs only
 */
struct nst_irq_msg {
	u32 dest;
	u16 mode;
	u8 vector;
	bool logical;
	bool dest32;
	bool bus;
	bool level;
	bool lowest;
};

/* What became of an interrupt; positive: it was newly recorded by so many. */
#define NST_IRQ_REFUSED		(-1)	/* masked, or nobody is addressed */
#define NST_IRQ_COALESCED	0	/* it was pending already */

struct nst_pic {
	raw_spinlock_t lock;
	struct nst_pic_pair pair;	/* lock */
	u8 lines[NST_PIC_PINS];		/* lock; a bit for each nst_irq_source */
	bool output;			/* lock to write, read anywhere */
	struct nst_iodev ports[3];	/* (c) master, slave, ELCR */
};

struct nst_ioapic {
	raw_spinlock_t lock;
	u64 rte[KVM_IOAPIC_NUM_PINS];	/* lock; redirection table */
	u8 lines[KVM_IOAPIC_NUM_PINS];	/* lock; a bit for each nst_irq_source */
	u8 select;			/* lock */
	u8 id;				/* lock */
	u8 pit_vector;			/* lock to write; of the PIT's last message */
	u16 refires[KVM_IOAPIC_NUM_PINS]; /* lock; in a row, the line never low */
	struct hrtimer slow;		/* refires pins that did it too often */
	struct nst_iodev page;		/* (c) */
};

struct nst_pit;
struct nst_routes;

/* The interrupt controllers that a VM's vCPUs share. */
struct nst_irqchip {
	struct nst_vm *vm;		/* (c) */
	bool split;			/* (c) PIC, I/O APIC and PIT are userspace's */
	u16 user_pins;			/* (c) GSIs below this are its I/O APIC's pins */
	struct nst_pic pic;
	struct nst_ioapic ioapic;
	struct nst_pit *pit;		/* (L), read with smp_load_acquire */
	struct nst_routes __rcu *routes; /* (i), read under vm->irq_srcu */
};

/* The VM's chips, whole, or NULL while there are none. */
static inline struct nst_irqchip *nst_irqchip_of(struct nst_vm *vm)
{
	/* Pairs with the release in nst_irqchip_create(). */
	return smp_load_acquire(&vm->irqchip);
}

/* lapic_dest.c: message to APICs; any context.  NST_IRQ_* or a count. */
int nst_irq_deliver(struct nst_vm *vm, const struct nst_irq_msg *msg);

/* route.c */
int nst_gsi_set(struct nst_vm *vm, enum nst_irq_source source, u32 gsi, bool level);
void nst_pin_acked(struct nst_vm *vm, unsigned int which, unsigned int pin);
bool nst_user_ioapic_owns(struct nst_irqchip *chip, u8 vector);
int nst_routes_init(struct nst_irqchip *chip);
void nst_routes_destroy(struct nst_irqchip *chip);

/* chip.c */
void nst_irqchip_quiesce(struct nst_vm *vm);

/* eventfd.c */
bool nst_irqfds_resample(struct nst_vm *vm);
void nst_irqfd_resample(struct nst_vm *vm, u32 gsi);

/* ioapic.c */
int nst_ioapic_init(struct nst_irqchip *chip);
void nst_ioapic_destroy(struct nst_irqchip *chip);
int nst_ioapic_set_line(struct nst_irqchip *chip, unsigned int pin,
			enum nst_irq_source source, bool level);
void nst_ioapic_stop(struct nst_irqchip *chip);
void nst_ioapic_eoi(struct nst_vm *vm, u8 vector);
void nst_ioapic_get(struct nst_irqchip *chip, struct kvm_ioapic_state *s);
int nst_ioapic_set(struct nst_irqchip *chip, const struct kvm_ioapic_state *s);

/* pic.c */
int nst_pic_init(struct nst_irqchip *chip);
void nst_pic_destroy(struct nst_irqchip *chip);
int nst_pic_set_line(struct nst_irqchip *chip, unsigned int pin,
		     enum nst_irq_source source, bool level);
int nst_pic_peek(struct nst_vm *vm);
int nst_pic_ack(struct nst_vm *vm);
void nst_pic_get(struct nst_irqchip *chip, unsigned int which, struct kvm_pic_state *s);
void nst_pic_set(struct nst_irqchip *chip, unsigned int which, const struct kvm_pic_state *s);

/* pit.c */
void nst_pit_acked(struct nst_vm *vm);
void nst_pit_stop(struct nst_vm *vm);
void nst_pit_destroy(struct nst_irqchip *chip);

#endif /* NST_IRQCHIP_CHIP_H */
