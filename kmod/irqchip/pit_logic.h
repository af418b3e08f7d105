/* SPDX-License-Identifier: GPL-2.0-only */
/* One counter of an 8254 interval timer, as pure logic. */
#ifndef NST_IRQCHIP_PIT_LOGIC_H
#define NST_IRQCHIP_PIT_LOGIC_H

#include "../pure.h"

#define NST_PIT_CHANNELS	3
#define NST_PIT_HZ		1193182u

/**
 * struct nst_pit_channel - a counter
 * @s: registers, in KVM's layout; count_load_time in nanoseconds
 * @no_count: a control word came, the count that must follow did not
 * @halted: not counting: GATE is low, or a trigger or a count is awaited
 * @halted_ns: how long it had counted when it was halted
 */
struct nst_pit_channel {
	struct kvm_pit_channel_state s;
	bool no_count;
	bool halted;
	u64 halted_ns;
};

void nst_pit_ch_reset(struct nst_pit_channel *ch, bool gate);
void nst_pit_ch_control(struct nst_pit_channel *ch, u8 val);
bool nst_pit_ch_write(struct nst_pit_channel *ch, u8 val, u64 now);
u8 nst_pit_ch_read(struct nst_pit_channel *ch, u64 now);
void nst_pit_ch_latch_count(struct nst_pit_channel *ch, u64 now);
void nst_pit_ch_latch_status(struct nst_pit_channel *ch, u64 now);
void nst_pit_ch_set_gate(struct nst_pit_channel *ch, bool gate, u64 now);
bool nst_pit_ch_out(const struct nst_pit_channel *ch, u64 now);
u32 nst_pit_ch_modulus(const struct nst_pit_channel *ch);
bool nst_pit_ch_periodic(const struct nst_pit_channel *ch);
void nst_pit_ch_restore(struct nst_pit_channel *ch, const struct kvm_pit_channel_state *s,
			u64 now);

#endif /* NST_IRQCHIP_PIT_LOGIC_H */
