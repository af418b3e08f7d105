/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The frame around one natively executed instruction. The two pages are copied
 * to a low address; there the slot gets the instruction. All general and
 * vector registers and the flags come from the data page and go back to it.
 * The layout of the data page is struct native_data in native.h.
 */
	.text
	.balign	4096
	.globl	native_page, native_slot, native_fell, native_jumped, native_fault
	.globl	native_page_end, native_data_start
	.set	data, native_data_start

native_page:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, data+0(%rip)
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu	data+0x200+32*\n(%rip), %ymm\n
	.endr
	.irp	n, 0,1,2,3,4,5,6,7
	movq	data+0x400+8*\n(%rip), %mm\n
	.endr
	pushq	data+8(%rip)
	popfq
	mov	data+0x80(%rip), %rax
	mov	data+0x88(%rip), %rcx
	mov	data+0x90(%rip), %rdx
	mov	data+0x98(%rip), %rbx
	mov	data+0xa0(%rip), %rsp
	mov	data+0xa8(%rip), %rbp
	mov	data+0xb0(%rip), %rsi
	mov	data+0xb8(%rip), %rdi
	mov	data+0xc0(%rip), %r8
	mov	data+0xc8(%rip), %r9
	mov	data+0xd0(%rip), %r10
	mov	data+0xd8(%rip), %r11
	mov	data+0xe0(%rip), %r12
	mov	data+0xe8(%rip), %r13
	mov	data+0xf0(%rip), %r14
	mov	data+0xf8(%rip), %r15
	/* To the slot, in the code segment that the test chose. */
	ljmpl	*data+0x10(%rip)

	.balign	64
native_slot:
	.fill	192, 1, 0xcc

/* Three ways out; the first two come back in 64-bit mode. */
native_fell:
	movb	$0, data+0x18(%rip)
	jmp	native_exit
native_jumped:
	movb	$1, data+0x18(%rip)
	jmp	native_exit
native_fault:
	movb	$2, data+0x18(%rip)

native_exit:
	mov	%rax, data+0x80(%rip)
	mov	%rcx, data+0x88(%rip)
	mov	%rdx, data+0x90(%rip)
	mov	%rbx, data+0x98(%rip)
	mov	%rsp, data+0xa0(%rip)
	mov	%rbp, data+0xa8(%rip)
	mov	%rsi, data+0xb0(%rip)
	mov	%rdi, data+0xb8(%rip)
	mov	%r8, data+0xc0(%rip)
	mov	%r9, data+0xc8(%rip)
	mov	%r10, data+0xd0(%rip)
	mov	%r11, data+0xd8(%rip)
	mov	%r12, data+0xe0(%rip)
	mov	%r13, data+0xe8(%rip)
	mov	%r14, data+0xf0(%rip)
	mov	%r15, data+0xf8(%rip)
	mov	data+0(%rip), %rsp
	pushfq
	popq	data+8(%rip)
	cld
	/* AC would make the C code fault. */
	pushq	$0x202
	popfq
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
	vmovdqu	%ymm\n, data+0x200+32*\n(%rip)
	.endr
	.irp	n, 0,1,2,3,4,5,6,7
	movq	%mm\n, data+0x400+8*\n(%rip)
	.endr
	emms
	vzeroupper
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret

	.balign	4096
native_data_start:
	.fill	4096, 1, 0
native_page_end:

	.section .note.GNU-stack, "", @progbits
