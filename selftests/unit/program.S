/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What test_program runs from its first to its last instruction in the
 * emulator: a boot from real mode over big real mode and 32-bit protected mode
 * to 64-bit mode, with interrupts, string output and system instructions in
 * each. It lies at PROGRAM_BASE and reports by letters on a port.
 */
#define PROGRAM_BASE	0x1000
#define AT(label)	((label) - program_start + PROGRAM_BASE)
#define PORT		0xe9
#define SAY(letter)	mov $letter, %al; out %al, $PORT

#define SEL_CODE32	0x08
#define SEL_DATA	0x10
#define SEL_CODE64	0x18
#define SEL_CODE16	0x20
#define SEL_DATA16	0x28
#define SEL_TSS		0x30

#define CR0_PE		0x1
#define CR0_PG		0x80000000
#define CR4_PAE		0x20
#define MSR_EFER	0xc0000080
#define EFER_LME	0x100
#define HIGH		0x20010		/* beyond what real mode reaches from 0 */

	.section .rodata
	.globl program_start, program_end, program_irq_seen
	.code16
program_start:
	cli
	xor	%ax, %ax
	mov	%ax, %ds
	mov	%ax, %es
	mov	%ax, %ss
	mov	$0x7000, %sp
	/* A handler for INT 21h, and one for the interrupt that ends HLT. */
	movw	$AT(service16), 0x21 * 4
	movw	$0, 0x21 * 4 + 2
	movw	$AT(irq16), 0x08 * 4
	movw	$0, 0x08 * 4 + 2
	mov	$AT(greeting), %si
	mov	$(greeting_end - greeting), %cx
	mov	$PORT, %dx
	cld
	rep outsb
	int	$0x21
	/* Copy with REP MOVSW and compare with REPE CMPSB. */
	mov	$AT(greeting), %si
	mov	$0x5000, %di
	mov	$((greeting_end - greeting) / 2), %cx
	rep movsw
	mov	$AT(greeting), %si
	mov	$0x5000, %di
	mov	$(greeting_end - greeting), %cx
	repe cmpsb
	jne	fail16
	SAY('c')
	sti
	hlt
	cli
	call	far_call16
	/* Big real mode: a limit of 4 GiB stays when PE goes. */
	lgdtl	AT(gdt_pointer)
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	mov	$SEL_DATA, %bx
	mov	%bx, %ds
	and	$~CR0_PE, %al
	mov	%eax, %cr0
	ljmp	$0, $AT(big_real)
big_real:
	xor	%bx, %bx
	mov	%bx, %ds
	mov	$HIGH, %esi
	movl	$0x12345678, (%esi)
	mov	(%esi), %ecx
	cmp	$0x12345678, %ecx
	jne	fail16
	SAY('b')
	mov	%cr0, %eax
	or	$CR0_PE, %al
	mov	%eax, %cr0
	ljmpl	$SEL_CODE32, $AT(code32)
fail16:
	SAY('!')
	hlt

far_call16:
	pushw	%cs
	pushw	$AT(far_back)
	SAY('f')
	lret
far_back:
	ret

service16:
	push	%ax
	SAY('i')
	pop	%ax
	iret

irq16:
	push	%ax
	SAY('q')
	pop	%ax
	iret

	.code32
code32:
	mov	$SEL_DATA, %eax
	mov	%eax, %ds
	mov	%eax, %es
	mov	%eax, %ss
	mov	$0x7000, %esp
	lidt	AT(idt_pointer)
	mov	$SEL_TSS, %ax
	ltr	%ax
	SAY('p')
	int	$0x30
	/* A page fault in the making: #DE first, its handler skips the DIV. */
	xor	%ecx, %ecx
	div	%ecx
	/* Long mode: the tables' contents do not matter, but CR3 and the order do. */
	mov	%cr4, %eax
	or	$CR4_PAE, %eax
	mov	%eax, %cr4
	mov	$0x6000, %eax
	mov	%eax, %cr3
	mov	$MSR_EFER, %ecx
	rdmsr
	or	$EFER_LME, %eax
	wrmsr
	mov	%cr0, %eax
	or	$CR0_PG, %eax
	mov	%eax, %cr0
	ljmp	$SEL_CODE64, $AT(code64)

service32:
	push	%eax
	SAY('t')
	pop	%eax
	iret

divide32:
	addl	$2, (%esp)
	push	%eax
	SAY('d')
	pop	%eax
	iret

	.code64
code64:
	lidt	AT(idt64_pointer)
	mov	$0x7000, %rsp
	SAY('l')
	int	$0x30
	mov	$0x1122334455667788, %rax
	movq	%rax, %xmm2
	movq	%xmm2, 0x5100
	fninit
	fildll	0x5100
	fistpll	0x5108
	cmp	%rax, 0x5108
	jne	fail64
	SAY('x')
	hlt
fail64:
	SAY('!')
	hlt

service64:
	push	%rax
	SAY('s')
	pop	%rax
	iretq

	.balign	8
greeting:
	.ascii	"real mode "
greeting_end:

	.balign	8
gdt:
	.quad	0
	.quad	0x00cf9b000000ffff	/* SEL_CODE32 */
	.quad	0x00cf93000000ffff	/* SEL_DATA */
	.quad	0x00af9b000000ffff	/* SEL_CODE64 */
	.quad	0x00009b000000ffff	/* SEL_CODE16 */
	.quad	0x000093000000ffff	/* SEL_DATA16 */
	.quad	0x0000890040000067	/* SEL_TSS: at 0x4000 */
	.quad	0
gdt_pointer:
	.word	gdt_pointer - gdt - 1
	.long	AT(gdt)

idt_pointer:
	.word	0x31 * 8 - 1
	.long	AT(idt)
idt64_pointer:
	.word	0x31 * 16 - 1
	.quad	AT(idt64)

	.balign	8
idt:
	.word	AT(divide32), SEL_CODE32, 0x8e00, 0
	.fill	0x2f, 8, 0
	.word	AT(service32), SEL_CODE32, 0x8e00, 0
	.balign	16
idt64:
	.fill	0x60, 8, 0
	.word	AT(service64), SEL_CODE64, 0x8e00, 0
	.quad	0
program_end:

	.section .note.GNU-stack, "", @progbits
