// SPDX-License-Identifier: GPL-2.0-only
/*
 * What firmware would do before a guest's first instruction: descriptor
 * tables, page tables, stacks, and the registers of a mode.
 */
#include <string.h>

#include "vm.h"

#define CR0_PE		(1u << 0)
#define CR0_MP		(1u << 1)
#define CR0_ET		(1u << 4)
#define CR0_NE		(1u << 5)
#define CR0_WP		(1u << 16)
#define CR0_PG		(1u << 31)
#define CR4_PSE		(1u << 4)
#define CR4_PAE		(1u << 5)
#define CR4_OSFXSR	(1u << 9)
#define CR4_OSXMMEXCPT	(1u << 10)
#define EFER_LME	(1u << 8)
#define EFER_LMA	(1u << 10)
#define EFER_NXE	(1u << 11)

#define PTE_PRESENT	0x1
#define PTE_WRITE	0x2
#define PTE_USER	0x4
#define PTE_LARGE	0x80

/* Type field of a descriptor: SDM3 "Segment Descriptors". */
#define TYPE_DATA_RW	3
#define TYPE_CODE_RX	11
#define TYPE_TSS_BUSY	11
#define GATE_INTERRUPT	0x8e

static void tss_describe(struct vm *vm, unsigned int cpu)
{
	uint64_t *gdt = (uint64_t *)(vm->mem + GUEST_GDT);
	uint8_t *tss = vm->mem + GUEST_TSS + cpu * GUEST_TSS_STRIDE;
	uint64_t base = GUEST_TSS + cpu * GUEST_TSS_STRIDE;
	uint64_t stacks = GUEST_STACKS + cpu * GUEST_STACK_STRIDE;
	uint64_t rsp0 = stacks + GUEST_RING0_TOP;
	uint64_t ist1 = stacks + GUEST_IST_TOP;
	uint16_t iomap = 0x68;

	memcpy(tss + 0x04, &rsp0, 8);
	memcpy(tss + 0x24, &ist1, 8);
	memcpy(tss + 0x66, &iomap, 2);
	gdt[SEL_TSS / 8 + cpu * 2] = 0x67 | base << 16 | 0x8bULL << 40;
}

static void gate(struct vm *vm, unsigned int vector, uint64_t target)
{
	uint64_t *idt = (uint64_t *)(vm->mem + GUEST_IDT) + vector * 2;

	idt[0] = (target & 0xffff) | (uint64_t)SEL_CODE64 << 16 |
		 (uint64_t)GATE_INTERRUPT << 40 | (target >> 16 & 0xffff) << 48;
	idt[1] = target >> 32;
}

static void page_tables(struct vm *vm)
{
	uint64_t *pml4 = (uint64_t *)(vm->mem + GUEST_PML4);
	uint64_t *pdpt = pml4 + 512, *pd = pdpt + 512;
	uint32_t *pd32 = (uint32_t *)(vm->mem + GUEST_PD32);
	const uint64_t all = PTE_PRESENT | PTE_WRITE | PTE_USER;
	unsigned int i;

	pml4[0] = (GUEST_PML4 + 0x1000) | all;
	for (i = 0; i < 4; i++)
		pdpt[i] = (GUEST_PML4 + 0x2000 + i * 0x1000) | all;
	for (i = 0; i < 4 * 512; i++)
		pd[i] = (uint64_t)i << 21 | all | PTE_LARGE;
	for (i = 0; i < 1024; i++)
		pd32[i] = i << 22 | all | PTE_LARGE;
}

/**
 * setup_tables() - GDT, IDT, TSSs and page tables in a machine's memory
 * @vm: the machine
 * @traps: guest address of 256 trap entries, 16 bytes apart; 0: no IDT
 */
void setup_tables(struct vm *vm, uint64_t traps)
{
	uint64_t *gdt = (uint64_t *)(vm->mem + GUEST_GDT);
	unsigned int i;

	gdt[SEL_CODE64 / 8] = 0x00af9b000000ffffULL;
	gdt[SEL_DATA / 8] = 0x00cf93000000ffffULL;
	gdt[SEL_CODE32 / 8] = 0x00cf9b000000ffffULL;
	gdt[SEL_DATA32 / 8] = 0x00cf93000000ffffULL;
	gdt[SEL_CODE16 / 8] = 0x00009b000000ffffULL;
	gdt[SEL_DATA16 / 8] = 0x000093000000ffffULL;
	gdt[SEL_USER_CODE64 / 8] = 0x00affb000000ffffULL;
	gdt[SEL_USER_DATA / 8] = 0x00cff3000000ffffULL;
	gdt[SEL_ABSENT / 8] = 0x00cf13000000ffffULL;
	for (i = 0; i < GUEST_CPUS; i++)
		tss_describe(vm, i);
	for (i = 0; traps && i < 256; i++)
		gate(vm, i, traps + i * 16);
	page_tables(vm);
}

static void segment(struct kvm_segment *seg, unsigned int selector, unsigned int type,
		    bool wide, bool l)
{
	*seg = (struct kvm_segment){
		.selector = selector, .type = type, .present = 1, .s = 1,
		.limit = wide ? 0xffffffff : 0xffff, .g = wide, .db = wide && !l, .l = l,
	};
}

static void segments(struct kvm_sregs *s, unsigned int mode, unsigned int cpu)
{
	struct kvm_segment *data[] = { &s->ds, &s->es, &s->ss, &s->fs, &s->gs };
	bool protected = mode != MODE_REAL;
	unsigned int code = mode == MODE_LONG ? SEL_CODE64 : protected ? SEL_CODE32 : 0;
	unsigned int i;

	segment(&s->cs, code, TYPE_CODE_RX, protected, mode == MODE_LONG);
	for (i = 0; i < 5; i++)
		segment(data[i], protected ? SEL_DATA : 0, TYPE_DATA_RW, protected, false);
	s->gdt = (struct kvm_dtable){ .base = GUEST_GDT, .limit = 0xfff };
	s->idt = (struct kvm_dtable){ .base = GUEST_IDT, .limit = 0xfff };
	if (!protected) {
		s->idt = (struct kvm_dtable){ .base = 0, .limit = 0x3ff };
		return;
	}
	s->tr = (struct kvm_segment){
		.selector = SEL_TSS + cpu * 16, .type = TYPE_TSS_BUSY, .present = 1,
		.base = GUEST_TSS + cpu * GUEST_TSS_STRIDE, .limit = 0x67,
	};
}

/**
 * setup_mode() - registers of a vCPU for its first instruction
 * @vcpu: the vCPU
 * @mode: MODE_ constant
 * @rip: where it starts; in real mode CS is 0
 * @arg: goes into RDI; the CPU's number goes into RSI
 */
void setup_mode(struct vcpu *vcpu, unsigned int mode, uint64_t rip, uint64_t arg)
{
	struct kvm_regs regs = {
		.rip = rip, .rflags = 2, .rdi = arg, .rsi = vcpu->id,
		.rsp = GUEST_STACKS + vcpu->id * GUEST_STACK_STRIDE + GUEST_STACK_TOP,
	};
	struct kvm_sregs s;

	vcpu_sregs(vcpu, &s);
	segments(&s, mode, vcpu->id);
	s.cr0 = CR0_ET;
	if (mode == MODE_REAL)
		regs.rsp = GUEST_IMAGE - 0x1000;
	else
		s.cr0 |= CR0_PE | CR0_MP | CR0_NE;
	if (mode == MODE_PAGED32) {
		s.cr3 = GUEST_PD32;
		s.cr4 = CR4_PSE;
		s.cr0 |= CR0_PG;
	}
	if (mode == MODE_LONG) {
		s.cr3 = GUEST_PML4;
		s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
		s.efer = EFER_LME | EFER_LMA | EFER_NXE;
		s.cr0 |= CR0_PG | CR0_WP;
	}
	vcpu_set_sregs(vcpu, &s);
	vcpu_set_regs(vcpu, &regs);
	if (vcpu->vm->irqchip)
		vcpu_set_mp_state(vcpu, KVM_MP_STATE_RUNNABLE);
}
