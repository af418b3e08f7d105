/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * First instructions of a guest in long mode, and the entries of its 256
 * vectors: each makes a struct frame and calls trap_dispatch().
 */
#include "layout.h"

	.section .header, "a"
	.globl image_header
image_header:
	.long IMAGE_MAGIC
	.long ncases
	.quad cases_start
	.quad start64
	.quad traps

	.text
	.code64
/* RDI: what to run, RSI: number of this CPU. */
	.globl start64
start64:
	cld
	/*
	 * An IRET, to here: Bochs 2.7 blocks NMIs in a guest that was entered with them
	 * open, when it blocked them in an earlier one that ended in its handler.
	 */
	mov	%rsp, %rax
	push	$SEL_DATA
	push	%rax
	pushfq
	push	$SEL_CODE64
	push	$opened
	iretq
opened:
	xor	%ebp, %ebp
	call	*%rdi
	xor	%eax, %eax
	mov	$PORT_DONE, %edx
	out	%eax, %dx
1:	cli
	hlt
	jmp	1b

/* Vectors with an error code: SDM3 "Error Code". */
	.balign 16
	.globl traps
traps:
	.set	vector, 0
	.rept	256
	.balign 16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	push	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

trap_common:
	push	%rax
	push	%rcx
	push	%rdx
	push	%rbx
	push	%rbp
	push	%rsi
	push	%rdi
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %rdi
	mov	%rsp, %rbp
	cld
	and	$-16, %rsp
	call	trap_dispatch
	mov	%rbp, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rdi
	pop	%rsi
	pop	%rbp
	pop	%rbx
	pop	%rdx
	pop	%rcx
	pop	%rax
	add	$16, %rsp
	.globl trap_iret
trap_iret:
	iretq
