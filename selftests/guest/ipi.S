/* SPDX-License-Identifier: GPL-2.0-only */
/* What a CPU does that a SIPI started: copied to a page below 1 MiB. */
	.section .low, "awx"
	.code16
	.globl sipi_code, sipi_end, sipi_seen, sipi_cs
sipi_code:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%cs, %ax
	mov	%ax, sipi_cs
	lock incl sipi_seen
1:	cli
	hlt
	jmp	1b
sipi_end:
	.balign 4
sipi_seen:
	.long	0
sipi_cs:
	.long	0
	.section .note.GNU-stack, "", @progbits
