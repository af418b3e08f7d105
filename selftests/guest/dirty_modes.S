/* SPDX-License-Identifier: GPL-2.0-only */
/* Asks the host half for a list of addresses, writes to each, asks again. */
#include "layout.h"
#include "dirty_modes.h"

	.macro	writer name
	.globl	\name
\name:
1:	mov	$CALL_HOST, %eax
	mov	$PORT_CALL, %edx
	outl	%eax, %dx
	mov	GUEST_MAILBOX + 64, %ecx
	mov	$DIRTY_LIST, %esi
2:	dec	%ecx
	js	1b
	mov	(%esi), %edi
	mov	%ecx, (%edi)
	add	$4, %esi
	jmp	2b
	.endm

	.section .low, "awx"
	.code32
	writer	dirty_writer32
	.code64
	writer	dirty_writer64
