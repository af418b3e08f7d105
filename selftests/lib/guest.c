// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runtime of the guest half: reports to the host, dispatch of exceptions and
 * interrupts, page-table and descriptor helpers. Freestanding.
 */
#include "guest.h"

#define APIC_EOI_ADDRESS	0xfee000b0ul
#define MSR_APIC_BASE		0x1b
#define APIC_BASE_X2APIC	(1ul << 10)
#define MSR_X2APIC_EOI		0x80b

volatile struct trap trap;
volatile u64 trap_resume[3];
volatile trap_handler trap_hook[256];
volatile u32 irq_count[256];
volatile u8 irq_order[64];
volatile u32 irq_total;
volatile bool irq_eoi;

static u8 spare_tables[16][PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned int spare_used;

/** this_cpu() - number of the CPU: its task register tells, in any ring */
unsigned int this_cpu(void)
{
	u16 tr;

	asm volatile("str %0" : "=r"(tr));
	return (tr - SEL_TSS) / 16;
}

/** params() - what the host half tells every guest */
const struct guest_params *params(void)
{
	return (const struct guest_params *)GUEST_PARAMS;
}

static volatile struct guest_mailbox *mailbox(void)
{
	return (volatile struct guest_mailbox *)(GUEST_MAILBOX +
		(u64)this_cpu() * GUEST_MAILBOX_STRIDE);
}

static void report(u32 call, u64 good, const char *fmt, va_list ap)
{
	volatile struct guest_mailbox *box = mailbox();
	int i;

	box->args[0] = good;
	box->args[1] = (u64)fmt;
	for (i = 0; i < 4; i++)
		box->args[2 + i] = va_arg(ap, u64);
	outl(PORT_CALL, call);
}

/** check() - one line of the test's result; returns @good */
bool check(bool good, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(CALL_CHECK, good, fmt, ap);
	va_end(ap);
	return good;
}

/** note() - a comment in the test's output */
void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(CALL_NOTE, 0, fmt, ap);
	va_end(ap);
}

/** skip() - a line that says what was not checked, and why */
void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	report(CALL_SKIP, 0, fmt, ap);
	va_end(ap);
}

/** emulator_fault() - skip what this host's emulator is known to do wrong */
bool emulator_fault(u64 host, const char *fault)
{
	if (params()->host != host)
		return false;
	skip("fault of %s: %s", host == HOST_SVM ? "QEMU 7.2 TCG" : "Bochs 2.7", fault);
	return true;
}

/** call_host() - the hook of the case answers */
u64 call_host(u64 number, u64 a, u64 b, u64 c)
{
	volatile struct guest_mailbox *box = mailbox();

	box->args[0] = number;
	box->args[1] = a;
	box->args[2] = b;
	box->args[3] = c;
	outl(PORT_CALL, CALL_HOST);
	return box->reply;
}

/** finish() - this CPU is ready; CPU 0 ends the case */
void finish(void)
{
	outl(PORT_DONE, 0);
	for (;;)
		asm volatile("cli; hlt");
}

/** check_trap() - the last PROBE ended as it should */
bool check_trap(u64 vector, u64 error, const char *what)
{
	bool good = trap.vector == vector && (vector == VEC_NONE || trap.error == error);

	if (!good)
		note("vector %lu error %lx rip %lx cr2 %lx", trap.vector, trap.error,
		     trap.rip, trap.cr2);
	return check(good, "%s", what);
}

static void count_interrupt(u8 vector)
{
	irq_count[vector]++;
	irq_order[irq_total++ % ARRAY_SIZE(irq_order)] = vector;
	if (!irq_eoi)
		return;
	if (rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)
		wrmsr(MSR_X2APIC_EOI, 0);
	else
		mmio_write(APIC_EOI_ADDRESS, 0);
}

/**
 * trap_dispatch() - called by the trap entries
 * @frame: registers, which the handler may change
 */
void trap_dispatch(struct frame *frame)
{
	u64 vector = frame->vector;

	if (trap_hook[vector]) {
		trap_hook[vector](frame);
		return;
	}
	if (vector >= 32 || (vector == VEC_NMI && !trap_resume[0])) {
		count_interrupt(vector);
		return;
	}
	trap.vector = vector;
	trap.error = frame->error;
	trap.rip = frame->rip;
	trap.cs = frame->cs;
	trap.rflags = frame->rflags;
	trap.rsp = frame->rsp;
	trap.cr2 = READ_CR(2);
	trap.dr6 = READ_DR(6);
	trap.count++;
	if (!trap_resume[0]) {
		check(false, "unexpected exception %lu error %lx at %lx cr2 %lx", vector,
		      frame->error, frame->rip, trap.cr2);
		finish();
	}
	frame->rip = trap_resume[0];
	frame->rsp = trap_resume[1];
	frame->cs = SEL_CODE64;
	frame->ss = SEL_DATA;
	frame->rflags &= ~(RFLAGS_TF | RFLAGS_NT | RFLAGS_AC | RFLAGS_DF | RFLAGS_RF);
	trap_resume[0] = 0;
}

/** try_rdmsr() - RDMSR that may fault */
u64 try_rdmsr(u32 index, u64 *value)
{
	u32 low = 0, high = 0;
	u64 vector = PROBE("rdmsr", : "+a"(low), "+d"(high) : "c"(index) : "memory");

	*value = low | (u64)high << 32;
	return vector;
}

/** try_wrmsr() - WRMSR that may fault */
u64 try_wrmsr(u32 index, u64 value)
{
	return PROBE("wrmsr", : : "c"(index), "a"((u32)value), "d"((u32)(value >> 32))
		     : "memory");
}

/** invlpg() - forget the translation of an address */
void invlpg(u64 address)
{
	asm volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static u64 *page_directory_entry(u64 address)
{
	return (u64 *)(GUEST_PML4 + 0x2000) + (address >> 21);
}

/** split_page() - map the 2 MiB around an address with 4 KiB pages; its entry */
u64 *split_page(u64 address)
{
	u64 *pde = page_directory_entry(address), *table;
	unsigned int i;

	if (*pde & PTE_LARGE) {
		table = (u64 *)spare_tables[spare_used++ % ARRAY_SIZE(spare_tables)];
		for (i = 0; i < 512; i++)
			table[i] = ((address >> 21 << 21) + i * PAGE_SIZE) |
				   PTE_PRESENT | PTE_WRITE | PTE_USER;
		*pde = (u64)table | PTE_PRESENT | PTE_WRITE | PTE_USER;
		WRITE_CR(3, READ_CR(3));
	}
	return page_entry(address);
}

/** page_entry() - the entry that maps an address, of whatever size */
u64 *page_entry(u64 address)
{
	u64 *pde = page_directory_entry(address);

	if (*pde & PTE_LARGE)
		return pde;
	return (u64 *)(*pde & ~(PAGE_SIZE - 1) & ~PTE_NX) + (address >> 12 & 511);
}

/** gdt_entry() - the descriptor of a selector */
u64 *gdt_entry(unsigned int selector)
{
	return (u64 *)GUEST_GDT + selector / 8;
}

/** set_gate() - an interrupt gate of the IDT; target 0: not present */
void set_gate(unsigned int vector, u64 target, unsigned int ist, unsigned int dpl)
{
	u64 *gate = (u64 *)GUEST_IDT + (u64)vector * 2;
	u64 access = (target ? 0x8e : 0x0e) | dpl << 5;

	gate[0] = (target & 0xffff) | (u64)SEL_CODE64 << 16 | (u64)ist << 32 |
		  access << 40 | (target >> 16 & 0xffff) << 48;
	gate[1] = target >> 32;
}

/** set_ist() - let a vector's gate switch to a stack of the TSS; 0: not */
void set_ist(unsigned int vector, unsigned int ist)
{
	u64 *gate = (u64 *)GUEST_IDT + (u64)vector * 2;

	gate[0] = (gate[0] & ~(7ul << 32)) | (u64)ist << 32;
}

/** usec_to_tsc() - time as a difference of the time-stamp counter */
u64 usec_to_tsc(u64 usec)
{
	return usec * params()->tsc_khz / 1000;
}

/** patience() - how long to wait for what should happen within @usec */
u64 patience(u64 usec)
{
	/* Bochs counts instructions as time, and an exit has 15000 of them. */
	return usec_to_tsc(params()->host == HOST_VMX ? usec * 8 : usec);
}

/** delay() - spin for so many microseconds */
void delay(u64 usec)
{
	u64 until = rdtsc() + usec_to_tsc(usec);

	while (rdtsc() < until)
		asm volatile("pause");
}

void *memset(void *at, int value, size_t size)
{
	void *p = at;

	asm volatile("rep stosb" : "+D"(p), "+c"(size) : "a"(value) : "memory");
	return at;
}

void *memcpy(void *to, const void *from, size_t size)
{
	void *p = to;

	asm volatile("rep movsb" : "+D"(p), "+S"(from), "+c"(size) : : "memory");
	return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const u8 *p = a, *q = b;

	for (; size; size--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}
