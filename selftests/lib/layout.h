/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the two halves of a guest test agree on: where things are in the
 * guest's memory, the ports it speaks through, and the table of cases that
 * stands in its image.  Included by both halves and by assembly.
 */
#ifndef NST_LAYOUT_H
#define NST_LAYOUT_H

/* Guest physical addresses, all below 1 MiB so that real mode reaches them. */
#define GUEST_GDT		0x1000
#define GUEST_IDT		0x2000
#define GUEST_PARAMS		0x3000
#define GUEST_TSS		0x4000
#define GUEST_TSS_STRIDE	0x100
#define GUEST_MAILBOX		0x5000
#define GUEST_MAILBOX_STRIDE	0x80
#define GUEST_IMAGE		0x8000
/* PML4, PDPT and four page directories with 2 MiB pages: 4 GiB, one to one. */
#define GUEST_PML4		0x80000
/* A page directory with 4 MiB pages, for 32-bit code. */
#define GUEST_PD32		0x88000
/* For each CPU: stack, stack for entries from ring 3, stack of IST 1. */
#define GUEST_STACKS		0xa0000
#define GUEST_STACK_STRIDE	0x8000
#define GUEST_STACK_TOP		0x4000
#define GUEST_RING0_TOP		0x6000
#define GUEST_IST_TOP		0x8000
/* From here to the end of memory: for the test. */
#define GUEST_SCRATCH		0x100000
#define GUEST_MEM_SIZE		0x800000
#define GUEST_CPUS		4
/* No memory slot and no device of the kernel's is there. */
#define GUEST_MMIO		0xd0000000

/* Selectors in the GDT that the host half builds. */
#define SEL_CODE64		0x08
#define SEL_DATA		0x10
#define SEL_CODE32		0x18
#define SEL_DATA32		0x20
#define SEL_CODE16		0x28
#define SEL_DATA16		0x30
#define SEL_USER_CODE64		(0x38 | 3)
#define SEL_USER_DATA		(0x40 | 3)
#define SEL_ABSENT		0x48
#define SEL_TSS			0x50
/* First descriptor that a test may define. */
#define SEL_FREE		0x90

/* Ports. Anything else that reaches userspace is the test's own business. */
#define PORT_CALL		0xe0	/* EAX: a CALL_ number; see the mailbox */
#define PORT_VALUE		0xe4	/* EAX: the next value of a plain case */
#define PORT_DONE		0xe8	/* this CPU has finished */

#define CALL_CHECK		1	/* args: good, format, four arguments */
#define CALL_NOTE		2	/* args: -, format, four arguments */
#define CALL_SKIP		3	/* args: -, format, four arguments */
#define CALL_HOST		4	/* args: number and operands of the test's own */

/* Test hosts whose emulator has faults of its own. */
#define HOST_OTHER		0
#define HOST_SVM		1	/* QEMU 7.2 TCG */
#define HOST_VMX		2	/* Bochs 2.7 */
/* For skip_on alone: Bochs where no preemption timer bounds a stay in the guest. */
#define HOST_UNBOUNDED		3

#define IMAGE_MAGIC		0x4e455354

/* Modes a case can start in. */
#define MODE_LONG		0
#define MODE_REAL		1
#define MODE_PROT32		2
#define MODE_PAGED32		3

#define CASE_IRQCHIP		(1 << 0)	/* PIC, IOAPIC, LAPIC in the kernel */
#define CASE_PIT		(1 << 1)	/* and the PIT */
#define CASE_AP_WAITS		(1 << 2)	/* other CPUs wait for INIT and SIPI */
#define CASE_VMX		(1 << 3)	/* an Intel CPU with VMX, on any host */
#define CASE_SVM		(1 << 4)	/* an AMD CPU with SVM, on any host */
#define CASE_HYPERV		(1 << 5)	/* Hyper-V's interface, all of it */

#ifndef __ASSEMBLER__

/* Exit reasons that a case can end with, for guest code without <linux/kvm.h>. */
#define EXIT_HLT		5
#define EXIT_SHUTDOWN		8

typedef void (*guest_code)(void);

#ifdef GUEST
#define GUEST_POINTER(type, name)	type name
#else
#define GUEST_POINTER(type, name)	unsigned long long name
#endif

struct guest_case {
	GUEST_POINTER(const char *, name);
	GUEST_POINTER(const char *, manual);	/* number and title of the section */
	GUEST_POINTER(guest_code, code);	/* CPU 0 runs this */
	GUEST_POINTER(guest_code, ap);	/* and the other CPUs this */
	/* Values that a case without a C half must report, in order. */
	GUEST_POINTER(const unsigned int *, values);
	unsigned int nvalues;
	unsigned int mode;
	unsigned int flags;
	unsigned int cpus;			/* 0 means 1 */
	unsigned int ends;			/* exit of CPU 0 that ends it; 0: done */
	unsigned int skip_on;			/* HOST_ number, 0: nowhere */
	/* The emulator's fault. */
	GUEST_POINTER(const char *, skip_why);
};

/* The linker script counts them. */
_Static_assert(sizeof(struct guest_case) == 72, "size of struct guest_case");

struct image_header {
	unsigned int magic;
	unsigned int ncases;
	unsigned long long cases;
	unsigned long long start64;		/* entry of every CPU in long mode */
	unsigned long long traps;		/* 256 entries, 16 bytes each */
};

struct guest_params {
	unsigned long long tsc_khz;
	unsigned long long host;		/* HOST_ number, 0: nowhere */
	unsigned long long cpus;
	unsigned long long seed;		/* of the host half, 0 else */
};

struct guest_mailbox {
	unsigned long long args[8];
	unsigned long long reply;
};

#endif /* __ASSEMBLER__ */

#endif /* NST_LAYOUT_H */
