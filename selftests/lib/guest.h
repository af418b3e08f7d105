/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the guest half of a test can use. It runs in ring 0 of long mode with
 * all memory mapped one to one, interrupts off, one stack for each CPU.
 */
#ifndef NST_GUEST_H
#define NST_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "layout.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * A case: GUEST_CASE(name, "SDM3 \"Section\"", .flags = ...) { body }
 * Its checks go to the host one by one.
 */
#define GUEST_CASE(id, text, ...)					\
	static void id(void);						\
	static const struct guest_case case_##id			\
	__attribute__((section(".cases"), used, aligned(8))) = {	\
		.name = #id, .manual = text, .code = id, ##__VA_ARGS__	\
	};								\
	static void id(void)

/* A case whose code is assembly in another mode and that reports values. */
#define PLAIN_CASE(id, text, start, how, ...)				\
	FAULTY_CASE(id, text, start, how, HOST_OTHER, "", __VA_ARGS__)

/* The same, when the emulator of a test host is known to do it wrong. */
#define FAULTY_CASE(id, text, start, how, where, why, ...)		\
	extern void start(void);					\
	static const unsigned int values_##id[] = { __VA_ARGS__ };	\
	static const struct guest_case case_##id			\
	__attribute__((section(".cases"), used, aligned(8))) = {	\
		.name = #id, .manual = text, .code = start, .mode = how, \
		.values = values_##id,					\
		.nvalues = ARRAY_SIZE(values_##id),			\
		.skip_on = where, .skip_why = why,			\
	}

/* Exceptions: SDM3 "Protected-Mode Exceptions and Interrupts". */
enum {
	VEC_DE = 0, VEC_DB = 1, VEC_NMI = 2, VEC_BP = 3, VEC_OF = 4, VEC_BR = 5,
	VEC_UD = 6, VEC_NM = 7, VEC_DF = 8, VEC_TS = 10, VEC_NP = 11, VEC_SS = 12,
	VEC_GP = 13, VEC_PF = 14, VEC_MF = 16, VEC_AC = 17, VEC_XM = 19,
	VEC_NONE = 0x100,
};

#define RFLAGS_CF	(1ul << 0)
#define RFLAGS_ZF	(1ul << 6)
#define RFLAGS_TF	(1ul << 8)
#define RFLAGS_IF	(1ul << 9)
#define RFLAGS_DF	(1ul << 10)
#define RFLAGS_NT	(1ul << 14)
#define RFLAGS_RF	(1ul << 16)
#define RFLAGS_VM	(1ul << 17)
#define RFLAGS_AC	(1ul << 18)

#define CR0_PE		(1ul << 0)
#define CR0_MP		(1ul << 1)
#define CR0_EM		(1ul << 2)
#define CR0_TS		(1ul << 3)
#define CR0_NE		(1ul << 5)
#define CR0_WP		(1ul << 16)
#define CR0_AM		(1ul << 18)
#define CR0_PG		(1ul << 31)
#define CR4_DE		(1ul << 3)
#define CR4_OSXMMEXCPT	(1ul << 10)
#define CR4_OSXSAVE	(1ul << 18)

#define PAGE_SIZE	4096ul
#define PTE_PRESENT	0x1ul
#define PTE_WRITE	0x2ul
#define PTE_USER	0x4ul
#define PTE_ACCESSED	0x20ul
#define PTE_DIRTY	0x40ul
#define PTE_LARGE	0x80ul
#define PTE_NX		(1ul << 63)

/* What trap entries leave on the stack. */
struct frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

/* The exception that ended the last PROBE. */
struct trap {
	u64 vector, error, rip, cs, rflags, rsp, cr2, dr6, count;
};

extern volatile struct trap trap;
extern volatile u64 trap_resume[3];
/* A test's own handler of a vector; without it, exceptions end a PROBE. */
typedef void (*trap_handler)(struct frame *frame);

extern volatile trap_handler trap_hook[256];
/* Interrupts without a handler of their own are counted, and their order kept. */
extern volatile u32 irq_count[256];
extern volatile u8 irq_order[64];
extern volatile u32 irq_total;
/* Whether counting an interrupt also writes the local APIC's EOI. */
extern volatile bool irq_eoi;

/*
 * Run some assembly that may fault; what it does up to the fault stays done.
 * Usable on one CPU at a time, from any ring that the assembly goes to: the
 * handler returns to ring 0 behind it, with the stack as before.
 */
#define PROBE(body, ...)						\
	({								\
		trap.vector = VEC_NONE;					\
		asm volatile("movq $771f, trap_resume\n\t"		\
			     "movq %%rsp, trap_resume+8\n\t"		\
			     body "\n771:\n\t"				\
			     "movq $0, trap_resume" __VA_ARGS__);	\
		asm volatile("" ::: "memory");				\
		trap.vector;						\
	})

#define barrier()	asm volatile("" ::: "memory")

/* Reports: conversions %s %d %u %x and %lu %lx %ld, four at most. */
bool check(bool good, const char *fmt, ...);
void note(const char *fmt, ...);
void skip(const char *fmt, ...);
/* True, with a skipped line, on a test host whose emulator has that fault. */
bool emulator_fault(u64 host, const char *fault);
u64 call_host(u64 number, u64 a, u64 b, u64 c);
__attribute__((noreturn)) void finish(void);

/* The exception of a PROBE is @vector with @error. */
bool check_trap(u64 vector, u64 error, const char *what);

unsigned int this_cpu(void);
const struct guest_params *params(void);
u64 *page_entry(u64 address);
u64 *split_page(u64 address);
void set_gate(unsigned int vector, u64 target, unsigned int ist, unsigned int dpl);
void set_ist(unsigned int vector, unsigned int ist);
u64 *gdt_entry(unsigned int selector);
void invlpg(u64 address);
void *memset(void *at, int value, size_t size);
void *memcpy(void *to, const void *from, size_t size);
int memcmp(const void *a, const void *b, size_t size);

u64 usec_to_tsc(u64 usec);
/* The same for an upper limit: longer where an exit takes long. */
u64 patience(u64 usec);
void delay(u64 usec);

/* Wait for a condition at most so many microseconds; its final value. */
#define wait_for(condition, usec)					\
	({								\
		u64 until_ = rdtsc() + patience(usec);		\
		while (!(condition) && rdtsc() < until_)		\
			asm volatile("pause" ::: "memory");		\
		(condition);						\
	})

/*
 * The same with interrupts on, for waiting on another CPU: under Bochs a guest
 * that spins with IF=0 keeps the host's only processor to itself.
 */
#define wait_open(condition, usec)					\
	({								\
		bool came_;						\
									\
		sti();							\
		came_ = wait_for(condition, usec);			\
		cli();							\
		came_;							\
	})

static inline u64 rdtsc(void)
{
	u32 low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (u64)high << 32;
}

static inline u64 rdmsr(u32 index)
{
	u32 low, high;

	asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index) : "memory");
	return low | (u64)high << 32;
}

static inline void wrmsr(u32 index, u64 value)
{
	asm volatile("wrmsr" : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

/* The vector that RDMSR or WRMSR raised, VEC_NONE if it worked. */
u64 try_rdmsr(u32 index, u64 *value);
u64 try_wrmsr(u32 index, u64 value);

static inline void cpuid(u32 leaf, u32 sub, u32 *r)
{
	asm volatile("cpuid" : "=a"(r[0]), "=b"(r[1]), "=c"(r[2]), "=d"(r[3])
		     : "a"(leaf), "c"(sub));
}

#define READ_CR(n)							\
	({ u64 v_; asm volatile("mov %%cr" #n ", %0" : "=r"(v_) : : "memory"); v_; })
#define WRITE_CR(n, v)							\
	asm volatile("mov %0, %%cr" #n : : "r"((u64)(v)) : "memory")
#define READ_DR(n)							\
	({ u64 v_; asm volatile("mov %%dr" #n ", %0" : "=r"(v_)); v_; })
#define WRITE_DR(n, v)							\
	asm volatile("mov %0, %%dr" #n : : "r"((u64)(v)) : "memory")

static inline void outb(u16 port, u8 value)
{
	asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outw(u16 port, u16 value)
{
	asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void outl(u16 port, u32 value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline u8 inb(u16 port)
{
	u8 value;

	asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u16 inw(u16 port)
{
	u16 value;

	asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline u32 inl(u16 port)
{
	u32 value;

	asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void cli(void)
{
	asm volatile("cli" : : : "memory");
}

/* Interrupts on for as long as it takes to deliver what is pending. */
static inline void open_window(void)
{
	asm volatile("sti; nop; nop; cli" : : : "memory");
}

static inline u64 rflags(void)
{
	u64 value;

	asm volatile("pushfq; popq %0" : "=r"(value) : : "memory");
	return value;
}

static inline u32 mmio_read(u64 address)
{
	u32 value;

	asm volatile("movl (%1), %0" : "=r"(value) : "r"(address) : "memory");
	return value;
}

static inline void mmio_write(u64 address, u32 value)
{
	asm volatile("movl %0, (%1)" : : "r"(value), "r"(address) : "memory");
}

#endif /* NST_GUEST_H */
