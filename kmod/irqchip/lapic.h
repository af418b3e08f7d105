/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A local APIC, and what its files share.
 *
 * Ownership: registers are written by the vCPU's own thread (or an ioctl that
 * holds the vCPU), and read by senders with READ_ONCE.  Senders change only
 * the members marked (a), each with one atomic operation.
 */
#ifndef NST_IRQCHIP_LAPIC_H
#define NST_IRQCHIP_LAPIC_H

#include <linux/bitmap.h>
#include "apic_match.h"
#include "chip.h"

#define NST_APIC_VECTORS	256
#define NST_APIC_REG_SHIFT	4	/* registers are 16 bytes apart */
#define NST_APIC_REGS		64	/* up to APIC_SELF_IPI */

enum nst_lapic_mode { NST_LAPIC_OFF, NST_LAPIC_XAPIC, NST_LAPIC_X2APIC };

/* Bits of lapic->latched. */
enum { NST_LATCH_INIT, NST_LATCH_SIPI, NST_LATCH_EXTINT };

/* One vCPU's local APIC. */
struct nst_lapic {
	struct nst_vcpu *vcpu;			/* (c) */
	u8 mode;				/* (v) enum nst_lapic_mode */
	u32 regs[NST_APIC_REGS];		/* (v) by offset >> NST_APIC_REG_SHIFT */
	DECLARE_BITMAP(irr, NST_APIC_VECTORS);	/* (a) */
	DECLARE_BITMAP(tmr, NST_APIC_VECTORS);	/* (a) set before irr */
	DECLARE_BITMAP(isr, NST_APIC_VECTORS);	/* (v) */
	unsigned long latched;			/* (a) */
	u8 sipi_vector;				/* (a) written before NST_LATCH_SIPI */
	atomic_t errors;			/* (a) APIC_ESR_* since the last ESR write */

	/* lapic_timer.c; changed only while the timer is cancelled */
	struct hrtimer timer;
	u64 period;				/* ns, 0: one-shot */
	u64 deadline;				/* guest TSC, 0: not armed */
	u64 host_deadline;			/* the same on the host's TSC */
};

static inline u32 nst_lapic_reg(const struct nst_lapic *l, unsigned int offset)
{
	return READ_ONCE(l->regs[offset >> NST_APIC_REG_SHIFT]);
}

static inline void nst_lapic_put_reg(struct nst_lapic *l, unsigned int offset, u32 val)
{
	WRITE_ONCE(l->regs[offset >> NST_APIC_REG_SHIFT], val);
}

static inline bool nst_lapic_sw_enabled(const struct nst_lapic *l)
{
	return nst_lapic_reg(l, APIC_SPIV) & APIC_SPIV_APIC_ENABLED;
}

static inline u32 nst_lapic_bitmap_word(const unsigned long *map, unsigned int word)
{
	return READ_ONCE(map[word / 2]) >> (word % 2 * 32);
}

/* lapic.c */
int nst_lapic_accept(struct nst_lapic *l, const struct nst_irq_msg *msg);
void nst_lapic_local(struct nst_lapic *l, unsigned int lvt);
void nst_lapic_error(struct nst_lapic *l, u32 error);
void nst_lapic_pic_output(struct nst_vcpu *vcpu, bool rose);
void nst_lapic_eoi(struct nst_lapic *l);
u8 nst_lapic_ppr(const struct nst_lapic *l);
void nst_lapic_wake(struct nst_lapic *l);
void nst_lapic_reset_regs(struct nst_lapic *l);

/* lapic_regs.c */
u32 nst_lapic_read(struct nst_lapic *l, unsigned int offset);

/* lapic_dest.c */
int nst_lapic_send_ipi(struct nst_lapic *l, u32 icr, u32 dest);
void nst_lapic_name(const struct nst_lapic *l, struct nst_apic_name *name);

/* lapic_timer.c; own thread */
void nst_lapic_timer_init(struct nst_lapic *l);
void nst_lapic_timer_stop(struct nst_lapic *l);
void nst_lapic_timer_write_lvt(struct nst_lapic *l, u32 val);
void nst_lapic_timer_write_count(struct nst_lapic *l, u32 count);
void nst_lapic_timer_write_divide(struct nst_lapic *l, u32 val);
u32 nst_lapic_timer_count(struct nst_lapic *l);
bool nst_lapic_timer_halt(struct nst_lapic *l, u32 *count);
void nst_lapic_timer_go_on(struct nst_lapic *l);
void nst_lapic_timer_restore(struct nst_lapic *l, u32 remaining, u32 spent);

#endif /* NST_IRQCHIP_LAPIC_H */
