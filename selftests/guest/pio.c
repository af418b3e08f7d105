// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port I/O to userspace: widths, register halves, strings with REP and with DF.
 * SDM1 "Input/Output", SDM2 "INS", "OUTS".
 */
#define ASK_ITEMS	0	/* how many items were written */
#define ASK_ITEM	1	/* one of them */
#define ASK_SIZE	2	/* size of one of them */
#define ASK_RESET	3

#define TEST_PORT	0x320

#ifdef GUEST
#include "guest.h"

#define IO		"SDM1 \"Input/Output\""
#define STRINGS		"SDM2 \"OUTS-Output String to Port\""
#define PAGE		(GUEST_SCRATCH + 0x200000ul)
#define ask(what, i)	call_host(what, i, 0, 0)

static void wrote(u64 index, u64 size, u64 value, const char *what)
{
	check(ask(ASK_SIZE, index) == size && ask(ASK_ITEM, index) == value,
	      "%s: %lu bytes, %lx", what, ask(ASK_SIZE, index), ask(ASK_ITEM, index));
}

GUEST_CASE(out, IO)
{
	outb(TEST_PORT, 0x12);
	outw(TEST_PORT, 0x1234);
	outl(TEST_PORT, 0x12345678);
	asm volatile("outb %%al, $0x77" : : "a"(0x9a));
	check(ask(ASK_ITEMS, 0) == 4, "four exits");
	wrote(0, 1, 0x12, "OUT DX, AL");
	wrote(1, 2, 0x1234, "OUT DX, AX");
	wrote(2, 4, 0x12345678, "OUT DX, EAX");
	wrote(3, 1, 0x9a, "OUT imm8, AL");
}

/* The device counts its answers: 0x01, 0x0202, 0x03030303, ... */
GUEST_CASE(in, IO)
{
	u64 value = 0x1111111111111111;

	asm volatile("inb %1, %%al" : "+a"(value) : "Nd"((u16)TEST_PORT));
	check(value == 0x1111111111111101, "IN AL leaves the rest of RAX (%lx)", value);
	asm volatile("inw %1, %%ax" : "+a"(value) : "Nd"((u16)TEST_PORT));
	check(value == 0x1111111111110202, "IN AX too (%lx)", value);
	asm volatile("inl %1, %%eax" : "+a"(value) : "Nd"((u16)TEST_PORT));
	check(value == 0x03030303, "IN EAX clears the upper half (%lx)", value);
}

GUEST_CASE(outs, STRINGS)
{
	static const u8 text[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	const void *from = text;
	u64 count = 8;

	asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(TEST_PORT) : "memory");
	check(from == text + 8 && !count, "REP OUTSB moves RSI and RCX");
	check(ask(ASK_ITEMS, 0) == 8, "eight items");
	wrote(0, 1, 1, "the first");
	wrote(7, 1, 8, "the last");
	ask(ASK_RESET, 0);
	from = text;
	count = 2;
	asm volatile("rep outsl" : "+S"(from), "+c"(count) : "d"(TEST_PORT) : "memory");
	check(ask(ASK_ITEMS, 0) == 2 && from == text + 8, "REP OUTSD moves by four");
	wrote(1, 4, 0x08070605, "its second");
	ask(ASK_RESET, 0);
	from = text + 6;
	count = 3;
	asm volatile("std; rep outsw; cld" : "+S"(from), "+c"(count) : "d"(TEST_PORT)
		     : "memory");
	check(from == text && !count, "with DF it goes down");
	wrote(0, 2, 0x0807, "the first with DF");
	wrote(2, 2, 0x0403, "the last with DF");
	ask(ASK_RESET, 0);
	from = text;
	count = 0;
	asm volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(TEST_PORT) : "memory");
	check(!ask(ASK_ITEMS, 0) && from == text, "a count of 0 does nothing");
}

GUEST_CASE(ins, "SDM2 \"INS-Input from Port to String\"")
{
	u8 buffer[16];
	void *to = buffer;
	u64 count = 3;

	memset(buffer, 0xee, sizeof(buffer));
	asm volatile("rep insw" : "+D"(to), "+c"(count) : "d"(TEST_PORT) : "memory");
	check(to == buffer + 6 && !count, "REP INSW moves RDI and RCX");
	check(buffer[0] == 1 && buffer[1] == 1 && buffer[4] == 3 && buffer[5] == 3,
	      "what the device gave");
	check(buffer[6] == 0xee, "and not more");
	asm volatile("insb" : "+D"(to) : "d"(TEST_PORT) : "memory");
	check(buffer[6] == 4 && to == buffer + 7, "INSB without REP");
}

GUEST_CASE(ins_faults_first, "SDM2 \"INS-Input from Port to String\"")
{
	u64 *entry = split_page(PAGE);
	u64 to = PAGE;

	*entry = 0;
	invlpg(PAGE);
	PROBE("insb", : "+D"(to) : "d"(TEST_PORT) : "memory");
	check_trap(VEC_PF, 2, "INSB to a page that is not present");
	check(to == PAGE, "RDI is as before");
}

GUEST_CASE(outs_over_pages, STRINGS)
{
	u8 *at = (u8 *)PAGE - 2;
	const void *from = at;
	u64 count = 2;

	memcpy(at, "\x11\x22\x33\x44", 4);
	from = at + 1;
	asm volatile("rep outsw" : "+S"(from), "+c"(count) : "d"(TEST_PORT) : "memory");
	wrote(0, 2, 0x3322, "a word over two pages");
}

#else /* host half */
#include <string.h>

#include "guest_test.h"

#define MAX_ITEMS	64

static struct { uint64_t value; unsigned int size; } items[MAX_ITEMS];
static unsigned int nitems, given;

static void reset(struct vm *vm)
{
	(void)vm;
	nitems = 0;
	given = 0;
}

static bool device(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint8_t *data = vcpu_io_data(vcpu);
	unsigned int i;

	if (run->exit_reason != KVM_EXIT_IO)
		return false;
	for (i = 0; i < run->io.count; i++, data += run->io.size) {
		if (run->io.direction == KVM_EXIT_IO_IN) {
			memset(data, ++given, run->io.size);
		} else if (nitems < MAX_ITEMS) {
			items[nitems].value = 0;
			memcpy(&items[nitems].value, data, run->io.size);
			items[nitems++].size = run->io.size;
		}
	}
	return true;
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	switch (args[0]) {
	case ASK_ITEMS:
		return nitems;
	case ASK_ITEM:
		return args[1] < nitems ? items[args[1]].value : ~0ULL;
	case ASK_SIZE:
		return args[1] < nitems ? items[args[1]].size : ~0ULL;
	}
	reset(vcpu->vm);
	return 0;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = reset, .exit = device, .call = answer }, { 0 }
};
#endif /* GUEST */
