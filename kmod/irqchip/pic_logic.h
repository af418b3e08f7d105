/* SPDX-License-Identifier: GPL-2.0-only */
/* The registers of a pair of 8259A interrupt controllers, as pure logic. */
#ifndef NST_IRQCHIP_PIC_LOGIC_H
#define NST_IRQCHIP_PIC_LOGIC_H

#include "../pure.h"

#define NST_PIC_PINS		16
#define NST_PIC_CHIP_PINS	8
#define NST_PIC_CASCADE		2	/* the master's input that the slave drives */

/**
 * struct nst_pic_pair - master and slave
 * @chip: [0] the master, [1] the slave; KVM's state struct is our state
 */
struct nst_pic_pair {
	struct kvm_pic_state chip[2];
};

void nst_pic_pair_reset(struct nst_pic_pair *pair);
int nst_pic_pair_line(struct nst_pic_pair *pair, unsigned int pin, bool level);
bool nst_pic_pair_output(const struct nst_pic_pair *pair);
int nst_pic_pair_peek(const struct nst_pic_pair *pair);
int nst_pic_pair_ack(struct nst_pic_pair *pair);
void nst_pic_pair_write(struct nst_pic_pair *pair, unsigned int which, bool a0, u8 val);
u8 nst_pic_pair_read(struct nst_pic_pair *pair, unsigned int which, bool a0);
void nst_pic_pair_set_elcr(struct nst_pic_pair *pair, unsigned int which, u8 val);
void nst_pic_pair_restore(struct nst_pic_pair *pair, unsigned int which,
			  const struct kvm_pic_state *s);

#endif /* NST_IRQCHIP_PIC_LOGIC_H */
