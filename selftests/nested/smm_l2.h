/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An SMI that interrupts L2: what the tests for both ISAs share.  Handlers lie in
 * the second address space alone, and leave notes in memory that both spaces have.
 */
#ifndef NST_SMM_L2_H
#define NST_SMM_L2_H

#define NOTES		0x6000	/* 0: entries, 1: left */
#define INSTALL		1	/* of call_host() */
#define PORT_MOVE	0x99	/* the handler goes on in another machine */
#define SMBASE		0x30000u
#define SMRAM_SIZE	0x10000u
#define HANDLER		0x8000u

#ifdef GUEST
#include "apic.h"

#define SMI	"SDM3 \"Entering SMM\""

#define notes		((volatile u32 *)NOTES)

/* Runs in 16-bit mode, DS has all of memory; leaves no register as it was. */
#define SMM_HANDLER(name, body)						\
	extern const u8 name[], name##_end[];				\
	asm(".section .rodata\n.code16\n"				\
	    #name ":	addr32 incl 0x6000\n"				\
	    body							\
	    "	movl $0x11111111, %eax\n"				\
	    "	movl %eax, %ebx\n"					\
	    "	movl %eax, %edx\n"					\
	    "	movl %eax, %esp\n"					\
	    "	addr32 incl 0x6004\n"					\
	    "	rsm\n"							\
	    #name "_end:\n.code64\n.text\n")

#define install(name)	install_handler(name, name##_end)

static inline void install_handler(const u8 *from, const u8 *to)
{
	notes[0] = 0;
	notes[1] = 0;
	apic_enable();
	call_host(INSTALL, (u64)from, to - from, 0);
}

#define L2_MARK		0x1122334455667788ul

/* L2 sends an SMI to its CPU, which is L1's, and waits until it has been handled. */
#define L2_SENDS_SMI							\
	"mov $0x1122334455667788, %rbx\n"				\
	"mov $0xfee00000, %edx\n"					\
	"movl $0, 0x310(%rdx)\n"					\
	"movl $0x4200, 0x300(%rdx)\n"					\
	"1: pause\n"							\
	"cmpl $0, 0x6000\n"						\
	"je 1b\n"
#else
#include <string.h>
#include <linux/kvm.h>

#include "guest_test.h"
#include "migrate.h"

#define OTHER		(1u << 16)

static uint8_t *smram;

static void second_space(struct vm *vm)
{
	vm_slot(vm, OTHER, 0, 0, SMBASE, vm->mem);
	vm_slot(vm, OTHER | 1, 0, SMBASE, SMRAM_SIZE, smram);
	vm_slot(vm, OTHER | 2, 0, SMBASE + SMRAM_SIZE, GUEST_MEM_SIZE - SMBASE - SMRAM_SIZE,
		vm->mem + SMBASE + SMRAM_SIZE);
}

static void before(struct vm *vm)
{
	smram = vm_pages(SMRAM_SIZE);
	second_space(vm);
}

static uint64_t call(struct vcpu *vcpu, const uint64_t *args)
{
	/* args[0] is INSTALL. */
	if (args[2] > SMRAM_SIZE - HANDLER)
		return 1;
	memcpy(smram + HANDLER, guest_at(vcpu->vm, args[1], args[2]), args[2]);
	return 0;
}

static bool move(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_IO || run->io.port != PORT_MOVE)
		return false;
	vm_migrate(vcpu->vm);
	second_space(vcpu->vm);
	return true;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = before, .call = call, .exit = move },
	{ 0 }
};
#endif /* GUEST */

#endif /* NST_SMM_L2_H */
