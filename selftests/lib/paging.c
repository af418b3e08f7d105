// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guests in every paging mode: what firmware and a boot loader would leave.
 */
#include <stdlib.h>
#include <string.h>
#include <asm/processor-flags.h>

#include "guest_test.h"
#include "paging.h"

static const struct paging_mode modes[] = {
	{ "off", 0, 4, 10, 0, false },
	{ "two_level", 2, 4, 10, X86_CR4_PSE, false },
	{ "pae", 3, 8, 9, X86_CR4_PAE, false },
	{ "four_level", 4, 8, 9, X86_CR4_PAE, true },
	{ "five_level", 5, 8, 9, X86_CR4_PAE | X86_CR4_LA57, true },
};

/** paging_mode() - the mode whose name @name begins with */
const struct paging_mode *paging_mode(const char *name)
{
	unsigned int i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strncmp(name, modes[i].name, strlen(modes[i].name)))
			return &modes[i];
	vm_give_up("a case named after no paging mode");
	return NULL;
}

/** paging_features() - what the guest's CPU has */
void paging_features(struct vcpu *vcpu, struct paging_features *has)
{
	struct kvm_cpuid2 *cpuid = vcpu_cpuid(vcpu);
	unsigned int i;

	memset(has, 0, sizeof(*has));
	has->maxphyaddr = 36;
	for (i = 0; i < cpuid->nent; i++) {
		struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		switch (e->function) {
		case 0:
			has->amd = e->ebx == 0x68747541;	/* "Auth" */
			break;
		case 1:
			has->pcid = e->ecx >> 17 & 1;
			break;
		case 7:
			if (e->index)
				break;
			has->smep = e->ebx >> 7 & 1;
			has->smap = e->ebx >> 20 & 1;
			has->pku = e->ecx >> 3 & 1;
			has->la57 = e->ecx >> 16 & 1;
			break;
		case 0x80000001:
			has->nx = e->edx >> 20 & 1;
			has->gb_pages = e->edx >> 26 & 1;
			break;
		case 0x80000008:
			has->maxphyaddr = e->eax & 0xff;
		}
	}
	free(cpuid);
}

static void descriptors(struct vm *vm, const struct paging_mode *mode)
{
	uint64_t *gdt = guest_at(vm, PAGING_GDT, 0x40);
	uint32_t *tss = guest_at(vm, PAGING_TSS, 0x68);
	uint64_t flat = mode->is_long ? 0x00af00000000ffff : 0x00cf00000000ffff;

	gdt[PAGING_CODE / 8] = 0x9bull << 40 | flat;
	gdt[PAGING_STACK / 8] = 0x00cf93000000ffff;
	gdt[PAGING_USER_CODE / 8] = 0xfbull << 40 | flat;
	gdt[PAGING_USER_DATA / 8] = 0x00cff3000000ffff;
	gdt[PAGING_TR / 8] = 0x0000890000000067 | (uint64_t)PAGING_TSS << 16;
	/* RSP0, or ESP0 and SS0. */
	tss[1] = GUEST_STACKS + GUEST_RING0_TOP;
	tss[2] = mode->is_long ? 0 : PAGING_STACK;
}

/**
 * paging_begin() - tables that map nothing, and descriptors for the mode
 * @p: filled in
 * @vm: the machine
 * @mode: the mode
 */
void paging_begin(struct paging *p, struct vm *vm, const struct paging_mode *mode)
{
	p->vm = vm;
	p->mode = mode;
	p->next = PAGING_ROOT + PAGING_TABLE;
	memset(guest_at(vm, PAGING_ROOT, PAGING_TABLE), 0, PAGING_TABLE);
	descriptors(vm, mode);
}

static uint64_t new_table(struct paging *p)
{
	uint64_t table = p->next;

	if (table >= PAGING_TABLES_END)
		vm_give_up("room for page tables");
	p->next += PAGING_TABLE;
	memset(guest_at(p->vm, table, PAGING_TABLE), 0, PAGING_TABLE);
	return table;
}

/**
 * paging_map() - one leaf, with the tables above it where they are missing
 * @p: the tables
 * @linear: address
 * @entry: the leaf, without PS
 * @level: of the leaf, 1 for 4 KiB
 */
void paging_map(struct paging *p, uint64_t linear, uint64_t entry, unsigned int level)
{
	const struct paging_mode *mode = p->mode;
	uint64_t table = PAGING_ROOT, link;
	unsigned int at;

	if (!mode->levels)
		return;
	for (at = mode->levels; ; at--) {
		uint64_t index = linear >> paging_shift(mode, at);
		uint8_t *slot;

		index &= (1u << mode->index_bits) - 1;
		slot = guest_at(p->vm, table + index * mode->width, mode->width);
		if (at == level) {
			entry |= level > 1 ? PAGING_PS : 0;
			memcpy(slot, &entry, mode->width);
			return;
		}
		link = 0;
		memcpy(&link, slot, mode->width);
		if (!link) {
			/* A PDPTE has no rights. */
			link = new_table(p) | PAGING_P;
			if (mode->is_long || at < 3)
				link |= PAGING_RW | PAGING_US;
			memcpy(slot, &link, mode->width);
		}
		table = link & ~(PAGING_TABLE - 1ull);
	}
}

static void segment(struct kvm_segment *seg, unsigned int selector, unsigned int type,
		    unsigned int dpl, bool is_long)
{
	bool wide = (type & 8) && is_long;

	*seg = (struct kvm_segment){
		.selector = selector, .type = type, .present = 1, .s = 1, .dpl = dpl,
		.limit = 0xffffffff, .g = 1, .l = wide, .db = !wide,
	};
}

/**
 * paging_start() - registers of a vCPU in a mode
 * @vcpu: the vCPU
 * @mode: the mode
 * @rip: where it starts
 * @pcid: with CR4.PCIDE
 *
 * In 32-bit modes the guest loads its task register itself: QEMU 7.2 ends when
 * a TSS that was busy from the start gives the stack of ring 0.
 */
void paging_start(struct vcpu *vcpu, const struct paging_mode *mode, uint64_t rip, bool pcid)
{
	struct kvm_regs regs = {
		.rip = rip, .rflags = 2, .rsp = GUEST_STACKS + GUEST_STACK_TOP,
	};
	struct kvm_sregs s;

	vcpu_sregs(vcpu, &s);
	segment(&s.cs, PAGING_CODE, 11, 0, mode->is_long);
	segment(&s.ss, PAGING_STACK, 3, 0, false);
	segment(&s.ds, PAGING_USER_DATA, 3, 3, false);
	s.es = s.ds;
	s.fs = s.ds;
	s.gs = s.ds;
	s.gdt = (struct kvm_dtable){ .base = PAGING_GDT, .limit = 0x3f };
	s.idt = (struct kvm_dtable){ .base = PAGING_IDT, .limit = 0xfff };
	if (mode->is_long) {
		s.tr.base = PAGING_TSS;
		s.tr.selector = PAGING_TR;
	}
	s.cr0 = X86_CR0_PE | X86_CR0_ET | X86_CR0_NE | (mode->levels ? X86_CR0_PG : 0);
	s.cr3 = mode->levels ? PAGING_ROOT : 0;
	s.cr4 = mode->cr4 | (pcid ? X86_CR4_PCIDE : 0);
	s.efer = mode->is_long ? PAGING_EFER_LONG : 0;
	vcpu_set_sregs(vcpu, &s);
	vcpu_set_regs(vcpu, &regs);
}
