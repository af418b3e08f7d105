// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory-mapped I/O to userspace: every width, reads that extend, operations
 * that read and write, string operations, an access over the edge of RAM, SSE.
 * SDM1 "Memory-Mapped I/O".
 */
#define ASK_BYTE	0	/* of the device's memory */
#define ASK_ACCESSES	1	/* exits since the last question */

#define DEVICE_SIZE	0x2000

#ifdef GUEST
#include "guest.h"

#define SECTION		"SDM1 \"Memory-Mapped I/O\""
#define PAGE		(GUEST_SCRATCH + 0x200000ul)
#define CPUID_XSAVE_AVX	0x14000000u	/* bits of leaf 1, ECX */
#define AT(offset)	(GUEST_MMIO + (u64)(offset))
#define ask(what, i)	call_host(what, i, 0, 0)

static u64 device_value(u64 offset, unsigned int size)
{
	u64 value = 0;

	while (size--)
		value = value << 8 | ask(ASK_BYTE, offset + size);
	return value;
}

#define OP(text, register, offset)					\
	asm volatile(text : "+a"(register) : "r"(AT(offset)) : "memory", "cc")

GUEST_CASE(widths, SECTION)
{
	const u64 value = 0x8877665544332211;
	u64 got = ~0ul;

	asm volatile("movb %b0, (%1)" : : "a"(value), "r"(AT(0)) : "memory");
	check(device_value(0, 2) == 0x11, "a byte (%lx)", device_value(0, 2));
	asm volatile("movw %w0, (%1)" : : "a"(value), "r"(AT(0x10)) : "memory");
	check(device_value(0x10, 4) == 0x2211, "a word (%lx)", device_value(0x10, 4));
	asm volatile("movl %k0, (%1)" : : "a"(value), "r"(AT(0x20)) : "memory");
	check(device_value(0x20, 8) == 0x44332211, "a doubleword");
	asm volatile("movq %0, (%1)" : : "a"(value), "r"(AT(0x30)) : "memory");
	check(device_value(0x30, 8) == value, "a quadword");
	OP("movb (%1), %b0", got, 0x30);
	check(got == 0xffffffffffffff11, "a byte read (%lx)", got);
	OP("movw (%1), %w0", got, 0x30);
	check(got == 0xffffffffffff2211, "a word read (%lx)", got);
	OP("movl (%1), %k0", got, 0x30);
	check(got == 0x44332211, "a doubleword read clears the rest (%lx)", got);
	OP("movq (%1), %0", got, 0x30);
	check(got == value, "a quadword read (%lx)", got);
	asm volatile("movl $0x5a5a5a5a, (%0)" : : "r"(AT(0x40)) : "memory");
	check(device_value(0x40, 4) == 0x5a5a5a5a, "an immediate");
	asm volatile("movb %%ah, (%1)" : : "a"(0xa1b2), "r"(AT(0x50)) : "memory");
	check(device_value(0x50, 1) == 0xa1, "AH");
}

GUEST_CASE(extending_reads, SECTION)
{
	u64 got = 0;

	asm volatile("movl $0x8081f2f3, (%0)" : : "r"(AT(0)) : "memory");
	OP("movzbl (%1), %k0", got, 0);
	check(got == 0xf3, "MOVZX byte (%lx)", got);
	OP("movzwl (%1), %k0", got, 0);
	check(got == 0xf2f3, "MOVZX word (%lx)", got);
	OP("movsbq (%1), %0", got, 0);
	check(got == 0xfffffffffffffff3, "MOVSX byte to 64 bits (%lx)", got);
	OP("movswl (%1), %k0", got, 0);
	check(got == 0xfffff2f3, "MOVSX word to 32 bits (%lx)", got);
	OP("movslq (%1), %0", got, 0);
	check(got == 0xffffffff8081f2f3, "MOVSXD (%lx)", got);
}

GUEST_CASE(read_modify_write, SECTION)
{
	u64 got = 0x0f0f;
	u8 zero;

	asm volatile("movl $0xff00, (%0)" : : "r"(AT(0)) : "memory");
	OP("andl %k0, (%1)", got, 0);
	check(device_value(0, 4) == 0x0f00, "AND (%lx)", device_value(0, 4));
	OP("orl %k0, (%1)", got, 0);
	check(device_value(0, 4) == 0x0f0f, "OR (%lx)", device_value(0, 4));
	got = 0x1234;
	OP("xchgl %k0, (%1)", got, 0);
	check(got == 0x0f0f && device_value(0, 4) == 0x1234, "XCHG (%lx)", got);
	got = 1;
	OP("lock xaddl %k0, (%1)", got, 0);
	check(got == 0x1234 && device_value(0, 4) == 0x1235, "LOCK XADD (%lx)", got);
	got = 0x1235;
	asm volatile("lock cmpxchgl %k2, (%3); setz %1" : "+a"(got), "=q"(zero)
		     : "r"(0x77), "r"(AT(0)) : "memory", "cc");
	check(zero && device_value(0, 4) == 0x77, "CMPXCHG that is equal");
	asm volatile("testl $0x70, (%1); setz %0" : "=q"(zero) : "r"(AT(0)) : "memory", "cc");
	check(!zero, "TEST");
	asm volatile("cmpb $0x77, (%1); setz %0" : "=q"(zero) : "r"(AT(0)) : "memory", "cc");
	check(zero, "CMP");
	asm volatile("incl (%0); notl (%0)" : : "r"(AT(0)) : "memory", "cc");
	check(device_value(0, 4) == (u32)~0x78, "INC, NOT (%lx)", device_value(0, 4));
	asm volatile("btsl $4, (%0)" : : "r"(AT(0x10)) : "memory", "cc");
	check(device_value(0x10, 4) == 0x10, "BTS");
}

GUEST_CASE(stack_operands, SECTION)
{
	u64 got;

	asm volatile("movq %0, (%1)" : : "r"(0x0123456789abcdef), "r"(AT(0)) : "memory");
	asm volatile("pushq (%1); popq %0" : "=r"(got) : "r"(AT(0)) : "memory");
	check(got == 0x0123456789abcdef, "PUSH from the device (%lx)", got);
	asm volatile("pushq %0; popq (%1)" : : "r"(0x1122334455667788), "r"(AT(8)) : "memory");
	check(device_value(8, 8) == 0x1122334455667788, "POP to the device");
}

GUEST_CASE(strings, SECTION)
{
	static u8 buffer[64];
	const void *from = buffer;
	void *to = (void *)AT(0x100);
	u64 count = 8;
	unsigned int i;

	for (i = 0; i < sizeof(buffer); i++)
		buffer[i] = i + 1;
	asm volatile("rep movsl" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	check(!count && from == buffer + 32 && to == (void *)AT(0x120), "REP MOVSD to it");
	check(device_value(0x100, 8) == 0x0807060504030201 &&
	      device_value(0x118, 8) == 0x201f1e1d1c1b1a19, "what it got");
	from = (void *)AT(0x100);
	to = buffer + 32;
	count = 32;
	asm volatile("rep movsb" : "+S"(from), "+D"(to), "+c"(count) : : "memory");
	check(!memcmp(buffer, buffer + 32, 32), "REP MOVSB from it");
	to = (void *)AT(0x200);
	count = 5;
	asm volatile("rep stosw" : "+D"(to), "+c"(count) : "a"(0xabcd) : "memory");
	check(!count && device_value(0x208, 4) == 0xabcd, "REP STOSW to it");
	to = (void *)AT(0x20e);
	count = 2;
	asm volatile("std; rep stosb; cld" : "+D"(to), "+c"(count) : "a"(0x77) : "memory");
	check(device_value(0x20c, 4) == 0x00777700, "REP STOSB with DF (%lx)",
	      device_value(0x20c, 4));
	from = (void *)AT(0x100);
	asm volatile("lodsb" : "+S"(from), "=a"(count) : : "memory");
	check((u8)count == 1 && from == (void *)AT(0x101), "LODSB");
}

GUEST_CASE(over_the_edge, SECTION)
{
	u64 *entry = split_page(PAGE + PAGE_SIZE);
	u64 value = 0x8877665544332211, got;

	*entry = GUEST_MMIO | PTE_PRESENT | PTE_WRITE;
	invlpg(PAGE + PAGE_SIZE);
	*(volatile u32 *)(PAGE + 0xffc) = 0;
	asm volatile("movq %0, (%1)" : : "r"(value), "r"(PAGE + 0xffc) : "memory");
	check(*(volatile u32 *)(PAGE + 0xffc) == 0x44332211, "low half in RAM");
	check(device_value(0, 8) == 0x88776655, "high half in the device");
	asm volatile("movq (%1), %0" : "=r"(got) : "r"(PAGE + 0xffc) : "memory");
	check(got == value, "read back over the edge (%lx)", got);
	asm volatile("movq %0, (%1)" : : "r"(value), "r"(AT(0xffc)) : "memory");
	check(device_value(0xffc, 8) == value, "over two pages of the device");
}

GUEST_CASE(sse, SECTION)
{
	static u8 buffer[16] __attribute__((aligned(16)));
	static u8 back[16] __attribute__((aligned(16)));
	unsigned int i;

	for (i = 0; i < 16; i++)
		buffer[i] = 0xa0 + i;
	asm volatile("movups (%0), %%xmm3; movups %%xmm3, (%1); pxor %%xmm3, %%xmm3\n"
		     "movups (%1), %%xmm3; movups %%xmm3, (%2)"
		     : : "r"(buffer), "r"(AT(0x300)), "r"(back) : "memory");
	check(device_value(0x300, 8) == 0xa7a6a5a4a3a2a1a0 &&
	      device_value(0x308, 8) == 0xafaeadacabaaa9a8, "MOVUPS to it");
	check(!memcmp(buffer, back, 16), "and from it");
	asm volatile("movdqa (%0), %%xmm9; movdqa %%xmm9, (%1)"
		     : : "r"(buffer), "r"(AT(0x310)) : "memory");
	check(device_value(0x318, 8) == 0xafaeadacabaaa9a8, "MOVDQA of XMM9");
}

/* XCR0 with x87, SSE and AVX, for this case alone. */
static bool use_avx(void)
{
	u32 regs[4];

	cpuid(1, 0, regs);
	if ((regs[2] & CPUID_XSAVE_AVX) != CPUID_XSAVE_AVX)
		return false;
	WRITE_CR(4, READ_CR(4) | CR4_OSXSAVE);
	asm volatile("xsetbv" : : "a"(7), "d"(0), "c"(0));
	return true;
}

GUEST_CASE(avx, SECTION)
{
	static u8 buffer[32] __attribute__((aligned(32)));
	static u8 back[32] __attribute__((aligned(32)));
	unsigned int i;

	if (!use_avx()) {
		skip("the CPUID shows no AVX");
		return;
	}
	for (i = 0; i < 32; i++)
		buffer[i] = 0x40 + i;
	asm volatile("vmovdqu (%0), %%ymm5; vmovdqu %%ymm5, (%1)"
		     : : "r"(buffer), "r"(AT(0x400)) : "memory");
	check(device_value(0x400, 8) == 0x4746454443424140 &&
	      device_value(0x418, 8) == 0x5f5e5d5c5b5a5958, "VMOVDQU of YMM5 to it");
	asm volatile("vpxor %%xmm12, %%xmm12, %%xmm12; vmovups (%0), %%ymm12; vmovups %%ymm12, (%1)"
		     : : "r"(AT(0x400)), "r"(back) : "memory");
	check(!memcmp(buffer, back, 32), "VMOVUPS of YMM12 from it");
	asm volatile("vmovdqu (%0), %%ymm5; vmovdqu (%1), %%xmm5; vmovdqu %%ymm5, (%2)"
		     : : "r"(buffer), "r"(AT(0x410)), "r"(back) : "memory");
	check(!memcmp(buffer + 16, back, 16) && !*(u64 *)(back + 16) && !*(u64 *)(back + 24),
	      "VMOVDQU to XMM5 clears the rest of YMM5");
	asm volatile("vmovdqu (%0), %%ymm5; movdqu (%1), %%xmm5; vmovdqu %%ymm5, (%2)"
		     : : "r"(buffer), "r"(AT(0x410)), "r"(back) : "memory");
	check(!memcmp(buffer + 16, back, 16) && !memcmp(buffer + 16, back + 16, 16),
	      "MOVDQU leaves it alone");
}

GUEST_CASE(mmx_and_x87, SECTION)
{
	u64 value = 0x8877665544332211, got = 0;
	u16 control = 0, status = 0xffff;

	asm volatile("movq (%1), %%mm3; movq %%mm3, (%2); movq (%2), %%mm6; movq %%mm6, %0; emms"
		     : "=m"(got) : "r"(&value), "r"(AT(0x500)) : "memory");
	check(device_value(0x500, 8) == value && got == value, "MOVQ of MMX registers (%lx)", got);
	asm volatile("fninit; fildll (%1); fistpll %0" : "=m"(got) : "r"(AT(0x500)) : "memory");
	check(got == value, "FILD from it (%lx)", got);
	asm volatile("fninit; fildll %0; fistpll (%1)" : : "m"(value), "r"(AT(0x510)) : "memory");
	check(device_value(0x510, 8) == value, "FISTP to it");
	value = 0x400921fb54442d18;	/* pi */
	asm volatile("fldl %0; fstpl (%1); fldl (%1); fstpl %2; fnstsw %3"
		     : : "m"(value), "r"(AT(0x520)), "m"(got), "m"(status) : "memory");
	check(device_value(0x520, 8) == 0x400921fb54442d18 && got == value, "FSTP and FLD");
	check(!(status & 0x3800), "the stack is empty again (%x)", status);
	asm volatile("fnstcw (%0); fnstcw %1" : : "r"(AT(0x530)), "m"(control) : "memory");
	check(device_value(0x530, 2) == control && control == 0x37f, "FNSTCW (%x)", control);
}

GUEST_CASE(wide_exchange, SECTION)
{
	u64 low = 1, high = 2;
	u8 equal;

	asm volatile("movq %0, (%2); movq %1, 8(%2)"
		     : : "r"(low), "r"(high), "r"(AT(0x600)) : "memory");
	asm volatile("lock cmpxchg16b (%3); sete %0"
		     : "=q"(equal), "+a"(low), "+d"(high)
		     : "r"(AT(0x600)), "b"(0x1111ul), "c"(0x2222ul) : "memory", "cc");
	check(equal && device_value(0x600, 8) == 0x1111 && device_value(0x608, 8) == 0x2222,
	      "CMPXCHG16B on it");
	asm volatile("lock cmpxchg16b (%3); sete %0"
		     : "=q"(equal), "+a"(low), "+d"(high)
		     : "r"(AT(0x600)), "b"(3ul), "c"(4ul) : "memory", "cc");
	check(!equal && low == 0x1111 && high == 0x2222, "and when it differs");
}

GUEST_CASE(exact_accesses, SECTION)
{
	u64 got = 0;

	ask(ASK_ACCESSES, 0);
	OP("movl (%1), %k0", got, 0);
	check(ask(ASK_ACCESSES, 0) == 1, "one read, one exit");
	OP("movl %k0, (%1)", got, 0);
	check(ask(ASK_ACCESSES, 0) == 1, "one write, one exit");
	OP("orl %k0, (%1)", got, 0);
	check(ask(ASK_ACCESSES, 0) == 2, "OR reads once and writes once");
}

#else /* host half */
#include <string.h>

#include "guest_test.h"

static uint8_t memory[DEVICE_SIZE];
static unsigned int accesses;

static void reset(struct vm *vm)
{
	(void)vm;
	memset(memory, 0, sizeof(memory));
}

static bool device(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	uint64_t offset = run->mmio.phys_addr - GUEST_MMIO;

	if (run->exit_reason != KVM_EXIT_MMIO || offset + run->mmio.len > DEVICE_SIZE)
		return false;
	accesses++;
	if (run->mmio.is_write)
		memcpy(memory + offset, run->mmio.data, run->mmio.len);
	else
		memcpy(run->mmio.data, memory + offset, run->mmio.len);
	return true;
}

static uint64_t answer(struct vcpu *vcpu, const uint64_t *args)
{
	unsigned int n = accesses;

	(void)vcpu;
	if (args[0] == ASK_BYTE)
		return memory[args[1] % DEVICE_SIZE];
	accesses = 0;
	return n;
}

const struct host_hook host_hooks[] = {
	{ .name = HOOK_ANY, .before = reset, .exit = device, .call = answer }, { 0 }
};
#endif /* GUEST */
