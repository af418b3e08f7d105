/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a start-up message to long mode: what a CPU runs after INIT. It is copied to
 * the page that the message names.
 */
#include "layout.h"

#define START			0x7000		/* HOSTILE_START */
#define CODE			0x6c48		/* hostile_state.code */
#define AT(label)		(label - hostile_start)

	.text
	.code16
	.globl	hostile_start, hostile_start_end
hostile_start:
	cli
	xorw	%ax, %ax
	movw	%ax, %ds
	lgdtl	START + AT(gdt_pointer)
	movl	$0x620, %eax			/* CR4: PAE, OSFXSR, OSXMMEXCPT */
	movl	%eax, %cr4
	movl	$GUEST_PML4, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx		/* EFER: LME, NXE */
	xorl	%edx, %edx
	movl	$0x900, %eax
	wrmsr
	movl	$0x80010033, %eax		/* CR0: PG, WP, NE, ET, MP, PE */
	movl	%eax, %cr0
	ljmpl	$SEL_CODE64, $START + AT(long_mode)
	.code64
long_mode:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	lidt	START + AT(idt_pointer)
	mov	$0xfee00020, %eax		/* the APIC's ID is the CPU's number */
	mov	(%rax), %esi
	shr	$24, %esi
	mov	%esi, %ecx
	shl	$4, %ecx
	mov	%ecx, %eax
	andb	$~2, GUEST_GDT + SEL_TSS + 5(%rcx)
	add	$SEL_TSS, %eax
	ltr	%ax
	mov	%esi, %esp
	imul	$GUEST_STACK_STRIDE, %rsp, %rsp
	add	$GUEST_STACKS + GUEST_STACK_TOP, %rsp
	mov	CODE, %rdi
	jmp	*GUEST_IMAGE + 16		/* image_header.start64 */
	.balign 8
gdt_pointer:
	.word	0xfff
	.quad	GUEST_GDT
idt_pointer:
	.word	0xfff
	.quad	GUEST_IDT
hostile_start_end:

	.macro	save_and_note
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	movq	$1f, (%rdx)
	mov	%rsp, 8(%rdx)
	.endm

	.macro	restore_and_return
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.endm

	.globl	hostile_vmrun, hostile_vmenter
hostile_vmrun:
	save_and_note
	mov	%rdi, %rax
	mov	%rsi, %rbx
	mov	$0x174, %ecx
	vmload	%rax
	vmrun	%rax
1:	restore_and_return

hostile_vmenter:
	save_and_note
	mov	$0x6c14, %eax			/* HOST_RSP */
	vmwrite	%rsp, %rax
	mov	$0x6c16, %eax			/* HOST_RIP */
	mov	$1f, %ecx
	vmwrite	%rcx, %rax
	mov	%rsi, %rax
	mov	$0x174, %ecx
	test	%rdi, %rdi
	jz	2f
	vmlaunch
	jmp	1f
2:	vmresume
1:	restore_and_return
