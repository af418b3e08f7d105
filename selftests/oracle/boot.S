/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Starts the payload without a hypervisor: puts the low memory that the host half
 * would make where it belongs, and enters long mode with its tables. QEMU comes in
 * by the PVH note, Bochs (hosts/hostlib/bochs_rom.S) in 64-bit mode.
 */
#include "layout.h"

#define LOW_BYTES		0x8a000
#define STACK			0x3f00000	/* our own: 0xa0000 is a screen here */
#define MSR_EFER		0xc0000080
#define EFER_WANTED		0x900		/* LME, NXE */
#define CR4_WANTED		0x620		/* PAE, OSFXSR, OSXMMEXCPT */
#define CR0_WANTED		0x80010033	/* PG, WP, NE, ET, MP, PE */

	.section .note, "a", @note
	.long	4, 4, 18			/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	start_pvh

	.text
	.code32
start_pvh:
	cli
	cld
	mov	$low_image + 0x1000, %esi
	mov	$0x1000, %edi
	mov	$(LOW_BYTES - 0x1000) / 4, %ecx
	rep movsl
	mov	$CR4_WANTED, %eax
	mov	%eax, %cr4
	mov	$GUEST_PML4, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	xor	%edx, %edx
	mov	$EFER_WANTED, %eax
	wrmsr
	mov	$CR0_WANTED, %eax
	mov	%eax, %cr0
	lgdt	gdt_pointer
	ljmp	$SEL_CODE64, $start_common

	.code64
	.globl	start_bochs
start_bochs:
	cli
	cld
	mov	$low_image + 0x1000, %rsi
	mov	$0x1000, %rdi
	mov	$(LOW_BYTES - 0x1000) / 4, %rcx
	rep movsl
	mov	$CR4_WANTED, %rax
	mov	%rax, %cr4
	mov	$MSR_EFER, %ecx
	xor	%edx, %edx
	mov	$EFER_WANTED, %eax
	wrmsr
	mov	$CR0_WANTED, %eax
	mov	%rax, %cr0
	mov	$GUEST_PML4, %rax
	mov	%rax, %cr3
	lgdt	gdt_pointer
	mov	$STACK, %rsp
	push	$SEL_CODE64
	push	$start_common
	lretq

start_common:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	%eax, %fs
	mov	%eax, %gs
	xor	%eax, %eax
	lldt	%ax
	lidt	idt_pointer
	mov	$STACK, %rsp
	mov	%rsp, %rax
	sub	$0x4000, %rax
	mov	%rax, GUEST_TSS + 0x04		/* ring 0 */
	sub	$0x4000, %rax
	mov	%rax, GUEST_TSS + 0x24		/* IST 1 */
	andb	$~2, GUEST_GDT + SEL_TSS + 5	/* not busy */
	mov	$SEL_TSS, %eax
	ltr	%ax
	mov	$0xff, %al			/* no interrupts from the PICs */
	out	%al, $0x21
	out	%al, $0xa1
	mov	low_image, %rax			/* the payload's entry */
	mov	low_image + 8, %rdi		/* and what it runs */
	xor	%esi, %esi
	jmp	*%rax

	.balign 8
gdt_pointer:
	.word	0xfff
	.quad	GUEST_GDT
	.balign 8
idt_pointer:
	.word	0xfff
	.quad	GUEST_IDT

	.section .data
	.balign 4096
low_image:
	.incbin	LOW_IMAGE
	.section .note.GNU-stack, "", @progbits
