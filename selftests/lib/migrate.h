/* SPDX-License-Identifier: GPL-2.0-only */
/* A machine's state into another machine, which then takes its place. */
#ifndef NST_MIGRATE_H
#define NST_MIGRATE_H

#include "vm.h"

#define NESTED_STATE_MAX	0x4000

/**
 * struct nested_state - KVM_GET_NESTED_STATE with room for either ISA
 * @head: the ioctl's structure
 * @room: what follows it
 */
struct nested_state {
	struct kvm_nested_state head;
	uint8_t room[NESTED_STATE_MAX];
};

void vcpu_nested_state(struct vcpu *vcpu, struct nested_state *state);

/* Called by the thread of the only vCPU; pending I/O is completed first. */
void vm_migrate(struct vm *vm);
void vm_migrate_away(struct vm *vm);

#endif /* NST_MIGRATE_H */
