// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory slots as the guest sees them: writes to a read-only slot and accesses
 * to no slot reach userspace; slots change under a running guest. Linux "The
 * Definitive KVM API Documentation", KVM_SET_USER_MEMORY_REGION.
 */
#define SLOT_BASE	0x40000000UL
#define SLOT_PAGES	16

#define ASK_CREATE	0	/* flags, which of the two memories */
#define ASK_DELETE	1
#define ASK_WRITES	2	/* MMIO writes seen */
#define ASK_READS	3	/* MMIO reads seen */
#define ASK_MEMORY	4	/* first long of a memory */
#define ASK_DROP	5	/* give back the pages of a memory, in place */

#ifdef GUEST
#include "guest.h"

#define SECTION		"Linux \"The Definitive KVM API Documentation\", KVM_SET_USER_MEMORY_REGION"
#define KVM_READONLY	2
#define WORD		(*(volatile u64 *)SLOT_BASE)

GUEST_CASE(no_slot, SECTION)
{
	u64 got = WORD;

	check(got == ~0ul && call_host(ASK_READS, 0, 0, 0), "a read is an exit (%lx)", got);
	WORD = 1;
	check(call_host(ASK_WRITES, 0, 0, 0), "a write is an exit");
}

GUEST_CASE(read_only, SECTION)
{
	u64 reads;

	call_host(ASK_CREATE, KVM_READONLY, 1, 0);
	reads = call_host(ASK_READS, 0, 0, 0);
	check(WORD == 0x1111, "reads see the memory (%lx)", WORD);
	check(call_host(ASK_READS, 0, 0, 0) == reads, "without an exit");
	WORD = 0x77;
	check(call_host(ASK_WRITES, 0, 0, 0) == 1, "a write is one exit");
	check(WORD == 0x1111 && call_host(ASK_MEMORY, 1, 0, 0) == 0x1111,
	      "and changes nothing");
	call_host(ASK_DELETE, 0, 0, 0);
	call_host(ASK_CREATE, 0, 1, 0);
	WORD = 0x78;
	check(call_host(ASK_WRITES, 0, 0, 0) == 1 && call_host(ASK_MEMORY, 1, 0, 0) == 0x78,
	      "writable again, a write goes to memory");
}

GUEST_CASE(deleted, SECTION)
{
	u32 i, bad = 0;

	for (i = 0; i < 10; i++) {
		call_host(ASK_CREATE, 0, 1 + i % 2, 0);
		bad += WORD != (i % 2 ? 0x2222 : 0x1111);
		call_host(ASK_DELETE, 0, 0, 0);
		bad += WORD != ~0ul;
	}
	check(!bad, "ten times made and deleted (%u wrong)", bad);
}

static volatile u32 stop;
static volatile u64 seen;

static void reader(void)
{
	sti();
	while (!stop)
		seen = WORD;
}

GUEST_CASE(remapped_while_read, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = reader)
{
	u32 i, bad = 0;

	for (i = 0; i < 10; i++) {
		u64 want = i % 2 ? 0x2222 : 0x1111;

		call_host(ASK_CREATE, 0, 1 + i % 2, 0);
		bad += !wait_open(seen == want, 1000000);
		call_host(ASK_DELETE, 0, 0, 0);
		bad += !wait_open(seen == ~0ul, 1000000);
	}
	stop = 1;
	check(!bad, "the other CPU sees every change (%u missed)", bad);
}

/* madvise() takes the pages away under the slot: the guest gets zeros. */
GUEST_CASE(pages_dropped, SECTION)
{
	call_host(ASK_CREATE, 0, 1, 0);
	WORD = 0x99;
	check(WORD == 0x99, "written");
	call_host(ASK_DROP, 1, 0, 0);
	check(WORD == 0, "after MADV_DONTNEED the guest reads 0 (%lx)", WORD);
	WORD = 0x9a;
	check(call_host(ASK_MEMORY, 1, 0, 0) == 0x9a, "and writes to the new page");
}

#else /* host half */
#include <string.h>
#include <sys/mman.h>

#include "guest_test.h"

#define SIZE		(SLOT_PAGES * 4096)

static uint64_t *memory[3];
static unsigned int reads, writes;

static void prepare(struct vm *vm)
{
	unsigned int i;

	(void)vm;
	for (i = 1; i < 3; i++) {
		if (!memory[i])
			memory[i] = vm_pages(SIZE);
		memory[i][0] = i * 0x1111;
	}
	reads = 0;
	writes = 0;
}

static bool nobody(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->exit_reason != KVM_EXIT_MMIO)
		return false;
	reads += !run->mmio.is_write;
	writes += run->mmio.is_write;
	if (!run->mmio.is_write)
		memset(run->mmio.data, 0xff, sizeof(run->mmio.data));
	return true;
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	unsigned int which = args[0] == ASK_CREATE ? args[2] : args[1];

	if (which > 2)
		return ~0ULL;
	switch (args[0]) {
	case ASK_CREATE:
		vm_slot(vcpu->vm, 1, args[1], SLOT_BASE, SIZE, memory[which]);
		return 0;
	case ASK_DELETE:
		vm_slot(vcpu->vm, 1, 0, SLOT_BASE, 0, NULL);
		return 0;
	case ASK_WRITES:
		return writes;
	case ASK_READS:
		return reads;
	case ASK_MEMORY:
		return *(volatile uint64_t *)memory[which];
	}
	return madvise(memory[which], SIZE, MADV_DONTNEED);
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = prepare, .exit = nobody, .call = answer }, { 0 }
};
#endif /* GUEST */
