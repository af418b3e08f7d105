/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Code of the modes that C cannot be compiled for here. All of it is below
 * 64 KiB, so that one address serves every mode.
 */
#include "layout.h"

#define CR0_PE			0x1
#define CR0_PG			0x80000000
#define CR4_PSE			0x10
#define CR4_PAE			0x20
#define MSR_EFER		0xc0000080
#define EFER_LME		0x100
#define EFER_LMA		0x400
#define EFLAGS_VM		0x20000
#define PAE_ROOT		GUEST_SCRATCH
#define OTHER_SEGMENT		0x600
#define GATE32_BYTES		8
#define VECTOR_GP		13
#define V86_SEGMENT		0x100
#define V86_STACK		0x6000

	.macro	report
	mov	$PORT_VALUE, %edx
	outl	%eax, %dx
	.endm

	.macro	report_number number
	mov	$\number, %eax
	report
	.endm

	.macro	done
	mov	$PORT_DONE, %edx
	outl	%eax, %dx
1:	hlt
	jmp	1b
	.endm

	.section .low, "awx"

/* Real mode: SDM3 "8086 Emulation". */
	.code16
	.globl real_code
real_code:
	mov	$0xfff0, %eax
	add	$0x20, %ax
	report				/* 0x10: 16 bits wrap */

	mov	$OTHER_SEGMENT, %ax
	mov	%ax, %es
	movl	$0xcafe, %es:0x10
	mov	OTHER_SEGMENT * 16 + 0x10, %eax
	report				/* 0xcafe: base is 16 times the selector */

	mov	%es, %eax
	shl	$4, %eax
	report				/* 0x6000 */

	movl	$real_int, 0x40 * 4
	xor	%ebx, %ebx
	mov	%sp, %bx
	int	$0x40
real_after_int:
	lcallw	$1, $(real_far - 16)
	mov	%ecx, %eax
	report				/* 0xfa5: the far procedure ran */

	movl	$real_fault, 0
	movl	$real_fault, VECTOR_GP * 4
	mov	$real_div, %esi
	mov	$real_behind_div, %edi
	xor	%ecx, %ecx
	xor	%edx, %edx
real_div:
	div	%ecx
real_behind_div:
	smsw	%eax
	and	$CR0_PE, %eax
	report				/* 0 */
	done

/* Behind the limit of a segment: #GP, also in real mode. */
	.globl real_limit_code
real_limit_code:
	movl	$real_fault, VECTOR_GP * 4
	mov	$real_beyond, %esi
	mov	$real_behind_beyond, %edi
	mov	$0x10000, %ebx
real_beyond:
	mov	(%ebx), %al
real_behind_beyond:
	report_number 1
	done

/* Interrupt: reports the distance to the saved IP and what was pushed. */
real_int:
	xor	%eax, %eax
	mov	%sp, %bp
	mov	(%bp), %ax
	sub	$real_after_int, %eax
	report				/* 0 */
	mov	%ebx, %eax
	sub	%sp, %ax
	report				/* 6 bytes */
	iret

real_far:
	mov	$0xfa5, %ecx
	lret

/* Fault at ESI: reports the distance of the saved IP from it, goes on at EDI. */
real_fault:
	mov	%sp, %bp
	xor	%eax, %eax
	mov	(%bp), %ax
	sub	%esi, %eax
	report				/* 0 */
	mov	%di, (%bp)
	iret

/* Protected mode without paging, 32 and 16 bits: SDM3 "Protected-Mode Memory Management". */
	.code32
	.globl prot32_code
prot32_code:
	mov	$0xfff0, %eax
	add	$0x20, %eax
	report				/* 0x10010 */
	mov	%cs, %eax
	report				/* SEL_CODE32 */
	movl	$0x11223344, GUEST_SCRATCH + 0x100000
	mov	GUEST_SCRATCH + 0x100000, %eax
	report				/* above 1 MiB */
	ljmp	$SEL_CODE16, $prot16_part
	.code16
prot16_part:
	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%cs, %eax
	report				/* SEL_CODE16 */
	mov	$0xffff, %eax
	inc	%ax
	report				/* 0 */
	mov	$SEL_DATA, %ax
	mov	%ax, %ds
	ljmpl	$SEL_CODE32, $prot32_again
	.code32
prot32_again:
	mov	%cs, %eax
	report				/* SEL_CODE32 */
	done

/* Two-level paging: a page mapped elsewhere. SDM3 "32-Bit Paging". */
	.globl paged32_code
paged32_code:
	movl	$0x5a5a5a5a, GUEST_SCRATCH + 0x200000
	mov	GUEST_SCRATCH + 0x200000, %eax
	report				/* 0x5a5a5a5a */
	/* The second 4 MiB go where the first go. */
	mov	GUEST_PD32, %eax
	mov	%eax, GUEST_PD32 + 4
	mov	%cr3, %eax
	mov	%eax, %cr3
	mov	GUEST_SCRATCH + 0x600000, %eax
	report				/* the same value */
	mov	GUEST_PD32 + 4, %eax
	and	$0x20, %eax
	report				/* 0x20: accessed */
	done

/* PAE paging: four pointers to the 2 MiB tables. SDM3 "PAE Paging". */
	.globl pae_code
pae_code:
	mov	$4, %ecx
	mov	$PAE_ROOT, %edi
	mov	$(GUEST_PML4 + 0x2000 + 1), %eax
1:	mov	%eax, (%edi)
	movl	$0, 4(%edi)
	add	$8, %edi
	add	$0x1000, %eax
	loop	1b
	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$PAE_ROOT, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	report_number 1
	movl	$0x77777777, GUEST_SCRATCH + 0x200000
	/* The fourth 2 MiB go where the second go, by the third pointer's table. */
	mov	GUEST_PML4 + 0x2000 + 8, %eax
	mov	%eax, GUEST_PML4 + 0x4000 + 24
	mov	%cr3, %eax
	mov	%eax, %cr3
	mov	0x80000000 + 3 * 0x200000 + GUEST_SCRATCH, %eax
	report				/* what is at GUEST_SCRATCH + 0x200000 */
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	report_number 3
	done

/* Real to long mode and all the way back, 2-level paging in between. */
	.code16
	.globl transition_code
transition_code:
	lgdtl	gdt_pointer
	mov	%cr0, %eax
	or	$CR0_PE, %eax
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $to_prot32
	.code32
to_prot32:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$0x7000, %esp
	report_number 1

	mov	$CR4_PSE, %eax		/* 2-level paging */
	mov	%eax, %cr4
	mov	$GUEST_PD32, %eax
	mov	%eax, %cr3
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	report_number 2
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0

	mov	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$GUEST_PML4, %eax	/* long mode */
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	mov	$MSR_EFER, %ecx
	rdmsr
	and	$EFER_LMA, %eax
	report				/* EFER_LMA */
	ljmp	$SEL_CODE64, $to_long
	.code64
to_long:
	mov	$0x123456789abcdef0, %rax
	shr	$32, %rax
	report				/* 0x12345678 */
	lea	back_pointer(%rip), %rax
	ljmpl	*(%rax)
	.code32
to_compat:
	mov	%cr0, %eax
	and	$~CR0_PG, %eax
	mov	%eax, %cr0
	mov	$MSR_EFER, %ecx
	rdmsr
	and	$EFER_LMA, %eax
	report				/* 0 */
	rdmsr
	and	$~EFER_LME, %eax
	wrmsr
	xor	%eax, %eax
	mov	%eax, %cr4
	report_number 6
	ljmp	$SEL_CODE16, $to_prot16
	.code16
to_prot16:
	mov	$SEL_DATA16, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	%cr0, %eax
	and	$~CR0_PE, %eax
	mov	%eax, %cr0
	ljmpw	$0, $to_real
to_real:
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7000, %sp
	lidtl	ivt_pointer
	movl	$transition_int, 0x41 * 4
	int	$0x41
	report_number 8
	done
transition_int:
	report_number 7
	iret

gdt_pointer:
	.word	0xfff
	.long	GUEST_GDT
ivt_pointer:
	.word	0x3ff
	.long	0
	.balign 4
back_pointer:
	.long	to_compat
	.word	SEL_CODE32

/* Virtual-8086 mode: SDM3 "Virtual-8086 Mode". */
	.code32
	.globl vm86_code
vm86_code:
	movl	$SEL_DATA, GUEST_TSS + 8		/* SS0 */
	movl	$0x7800, GUEST_TSS + 4			/* ESP0 */
	mov	$vm86_fault, %eax
	mov	%ax, GUEST_IDT + VECTOR_GP * GATE32_BYTES
	movw	$SEL_CODE32, GUEST_IDT + VECTOR_GP * GATE32_BYTES + 2
	movl	$0x00008e00, GUEST_IDT + VECTOR_GP * GATE32_BYTES + 4
	/* The code of V86 mode, at the start of its segment. */
	mov	$v86_part, %esi
	mov	$(V86_SEGMENT * 16 + 0x5000), %edi
	mov	$(v86_end - v86_part), %ecx
	rep movsb
	push	$0			/* GS, FS, DS, ES */
	push	$0
	push	$V86_SEGMENT
	push	$0
	push	$0			/* SS, ESP */
	push	$V86_STACK
	push	$(EFLAGS_VM | 2)
	push	$V86_SEGMENT
	push	$0x5000
	iret

	.code16
v86_part:
	mov	%ds, %ax
	shl	$4, %ax
	mov	%ax, %bx
	hlt				/* privileged: #GP */
v86_end:

	.code32
/* Error code, EIP, CS, EFLAGS, ESP, SS, ES, DS, FS, GS. */
vm86_fault:
	mov	12(%esp), %eax
	and	$EFLAGS_VM, %eax
	report				/* EFLAGS_VM */
	mov	8(%esp), %eax
	report				/* V86_SEGMENT */
	mov	4(%esp), %eax
	sub	$(0x5000 + v86_end - v86_part - 1), %eax
	report				/* 0: at HLT */
	movzwl	%bx, %eax
	report				/* base of DS */
	mov	28(%esp), %eax
	report				/* saved DS */
	mov	%ds, %eax
	report				/* 0: cleared on entry */
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	done
	.section .note.GNU-stack, "", @progbits
