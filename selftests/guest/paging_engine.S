/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Carries out one struct torture after the other: control registers, entries,
 * flush, then an IRET to the ring and the instruction that makes the access.
 * Whatever comes back, an exception or INT TORTURE_DONE, is put into the record.
 * ESI stays the record all the time, EDI is the address, EAX the value.
 */
	.balign	8
	.quad	NAME(engine_traps)	/* the host half looks for it here */
	.globl	NAME(engine)
NAME(engine):
	.if WORD == 4
	mov	$PAGING_TR, %eax
	ltr	%ax
	.endif
NAME(batch):
	mov	$CALL_HOST, %eax
	mov	$PORT_CALL, %edx
	outl	%eax, %dx
	mov	GUEST_MAILBOX + 64, %eax
	test	%eax, %eax
	jz	NAME(end)
	mov	%eax, NAME(left)
	mov	$TORTURE_BATCH, %esi

NAME(record):
	mov	T_CR4(%SI), %AX
	mov	%AX, %cr4
	mov	T_CR0(%SI), %AX
	mov	%AX, %cr0
	mov	$MSR_EFER, %ecx
	rdmsr
	cmp	T_EFER(%SI), %eax
	je	1f
	mov	T_EFER(%SI), %eax
	wrmsr
1:	testl	$CR4_PKE, T_CR4(%SI)
	jz	1f
	xor	%ecx, %ecx
	xor	%edx, %edx
	mov	T_PKRU(%SI), %eax
	wrpkru
1:	mov	T_NWRITES(%SI), %ecx
	lea	T_WRITE(%SI), %BX
1:	dec	%ecx
	js	1f
	mov	(%BX), %DI
	mov	8(%BX), %eax
	mov	%eax, (%DI)
	cmpl	$8, T_WIDTH(%SI)
	jne	2f
	mov	12(%BX), %eax
	mov	%eax, 4(%DI)
2:	add	$T_WRITE_SIZE, %BX
	jmp	1b
1:	mov	T_CR3(%SI), %AX
	mov	%AX, %cr3
	mov	T_ADDRESS(%SI), %DI
	cmpl	$0, T_INVLPG(%SI)
	je	1f
	invlpg	(%DI)
1:	mov	%SP, NAME(stack)
	.if WORD == 4
	testb	$3, T_CS(%SI)
	jz	1f
	.endif
	push	T_SS(%SI)
	push	NAME(stack)
1:	push	T_RFLAGS(%SI)
	push	T_CS(%SI)
	push	T_RIP(%SI)
	mov	T_VALUE(%SI), %eax
	IRET

	/* Back from the access: vector and error code are on the stack. */
NAME(trap):
	mov	%eax, T_VALUE(%SI)
	pop	%AX
	mov	%eax, T_VECTOR(%SI)
	pop	%AX
	mov	%eax, T_ERROR(%SI)
	mov	%cr2, %AX
	mov	%AX, T_CR2(%SI)
	mov	NAME(stack), %SP
	mov	T_NWRITES(%SI), %ecx
	lea	T_WRITE(%SI), %BX
1:	dec	%ecx
	js	1f
	mov	(%BX), %DI
	mov	(%DI), %eax
	mov	%eax, 16(%BX)
	cmpl	$8, T_WIDTH(%SI)
	jne	2f
	mov	4(%DI), %eax
	mov	%eax, 20(%BX)
2:	add	$T_WRITE_SIZE, %BX
	jmp	1b
1:	add	$T_SIZE, %SI
	decl	NAME(left)
	jnz	NAME(record)
	jmp	NAME(batch)

NAME(end):
	mov	$PORT_DONE, %edx
	outl	%eax, %dx
1:	hlt
	jmp	1b

	.balign	8
NAME(stack):
	.quad	0
NAME(left):
	.quad	0

	/* Vectors 0 to 31, and TORTURE_DONE as number 32. */
	.balign	16
NAME(engine_traps):
	.set	vector, 0
	.rept	33
	.balign	16
	.if	!(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21)
	push	$0
	.endif
	.if	vector == 32
	push	$TORTURE_DONE
	.else
	push	$vector
	.endif
	jmp	NAME(trap)
	.set	vector, vector + 1
	.endr
