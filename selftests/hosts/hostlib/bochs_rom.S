/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Option ROM that starts an unpacked Linux kernel under Bochs.
 *
 * Reading and unpacking a compressed kernel takes an emulated CPU most of a
 * minute. Bochs can put a file straight into the RAM of its guest, but gives
 * RAM to the guest in blocks, in the order of first use, and puts the file
 * into consecutive blocks. So the first use places a block: this ROM touches
 * addresses in the order in which the file has the blocks, and the kernel is
 * where it must be without a byte copied.
 *
 * The firmware has used some blocks before; the file begins with spare ones
 * for it, each with a mark. The block behind the spare ones has the table of
 * places and all that Linux wants (bochs.py builds it).
 */

#define BLOCK		0x20000
#define SPARE_AT	0x00800000	/* where the file is loaded, spares first */
#define SPARE_MAX	32
#define MARK_OFFSET	0x1fff0		/* of the mark in a spare block */
#define MARK_SPARE	0x72617073	/* "spar": the next one is spare too */
#define MARK_LAST	0x7473616c	/* "last": the next one has parameters */
#define PARAMS_AT	0x00f00000

/* Inside the block of parameters. */
#define ZERO_PAGE	(PARAMS_AT + 0x0000)
#define PAGE_TABLES	(PARAMS_AT + 0x2000)
#define PLACES		(PARAMS_AT + 0x8000)	/* {address, blocks}..., {0, entry} */

/* Inside Linux's zero page: Documentation/arch/x86/zero-page.rst. */
#define ZP_E820_COUNT	0x1e8
#define ZP_E820_TABLE	0x2d0
#define E820_MAX	16
#define E820_SIZE	20
#define E820_BUF	0x8000			/* below 1 MiB, free at this time */

#define ROM_AT		0xd0000
#define DEBUG_PORT	0xe9

	.text
	.code16
rom:
	.byte	0x55, 0xaa, 1
	cld
	xorw	%ax, %ax
	movw	%ax, %es
	movw	$E820_BUF, %di
	xorl	%ebx, %ebx
	xorl	%ebp, %ebp
memory_map:
	movl	$0xe820, %eax
	movl	$0x534d4150, %edx		/* "SMAP" */
	movl	$E820_SIZE, %ecx
	int	$0x15
	jc	mapped
	incw	%bp
	addw	$E820_SIZE, %di
	testl	%ebx, %ebx
	jz	mapped
	cmpw	$E820_MAX, %bp
	jb	memory_map
mapped:
	cli
	lgdtl	%cs:gdt_pointer - rom
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$8, $ROM_AT + protected - rom

	.code32
protected:
	movl	$24, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movl	$SPARE_AT, %esi
	movl	$SPARE_MAX, %ecx
spare:
	movl	MARK_OFFSET(%esi), %eax
	addl	$BLOCK, %esi
	cmpl	$MARK_LAST, %eax
	je	place_params
	cmpl	$MARK_SPARE, %eax
	jne	bad
	loop	spare
bad:
	movb	$'!', %al
	outb	%al, $DEBUG_PORT
	hlt
	jmp	bad

place_params:
	movl	$PLACES, %esi
place:
	lodsl
	movl	%eax, %edi
	lodsl
	testl	%edi, %edi
	jz	placed
	movl	%eax, %ecx
touch:
	movl	(%edi), %edx
	addl	$BLOCK, %edi
	loop	touch
	jmp	place

placed:
	movl	%eax, %edx			/* entry point */
	movzwl	%bp, %eax
	movb	%al, ZERO_PAGE + ZP_E820_COUNT
	imull	$E820_SIZE, %eax, %ecx
	movl	$E820_BUF, %esi
	movl	$ZERO_PAGE + ZP_E820_TABLE, %edi
	rep movsb

	/* 64-bit mode, memory mapped to itself, as Linux's entry wants it. */
	movl	%cr4, %eax
	orl	$(1 << 5), %eax			/* CR4.PAE */
	movl	%eax, %cr4
	movl	$PAGE_TABLES, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx		/* EFER */
	movl	%edx, %edi
	rdmsr
	orl	$(1 << 8), %eax			/* EFER.LME */
	wrmsr
	movl	%cr0, %eax
	orl	$(1 << 31), %eax		/* CR0.PG */
	movl	%eax, %cr0
	movl	$ZERO_PAGE, %esi
	ljmpl	$16, $ROM_AT + long_mode - rom

	.code64
long_mode:
	jmp	*%rdi

	.p2align 3
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff		/* 32-bit code */
	.quad	0x00af9b000000ffff		/* 64-bit code */
	.quad	0x00cf93000000ffff		/* data */
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	ROM_AT + gdt - rom
