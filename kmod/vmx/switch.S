/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch: general registers out, VMLAUNCH or VMRESUME, general
 * registers back.  Everything else that a switch exchanges is in the VMCS
 * (SDM3 "VM Entries", "VM Exits") or done by enter.c.
 *
 * Between the exit and the RET below nothing may depend on a predictor that
 * the guest trained, and no guest value may stay in a register.
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include "switch.h"

/* Numbers of the registers in instruction encodings, see enum nst_gpr. */
#define RAX	VMX_GPR(0)
#define RCX	VMX_GPR(1)
#define RDX	VMX_GPR(2)
#define RBX	VMX_GPR(3)
#define RBP	VMX_GPR(5)
#define RSI	VMX_GPR(6)
#define RDI	VMX_GPR(7)
#define R8	VMX_GPR(8)
#define R9	VMX_GPR(9)
#define R10	VMX_GPR(10)
#define R11	VMX_GPR(11)
#define R12	VMX_GPR(12)
#define R13	VMX_GPR(13)
#define R14	VMX_GPR(14)
#define R15	VMX_GPR(15)

.section .text, "ax"

/*
 * void vmx_switch(u64 *gpr, struct vmx_switch *sw, unsigned long host_rsp_field)
 *
 * Interrupts are off; the VMCS is current.  RSP is the VMCS's business.
 */
SYM_FUNC_START(vmx_switch)
	push	%rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rsi
	push	%rdi

	/* The field's encoding comes from C: <asm/vmx.h> declares an enum. */
	vmwrite	%rsp, %rdx
	jbe	.Lno_stack

	mov	RAX(%rdi), %rax
	mov	RCX(%rdi), %rcx
	mov	RDX(%rdi), %rdx
	mov	RBX(%rdi), %rbx
	mov	RBP(%rdi), %rbp
	mov	R8(%rdi), %r8
	mov	R9(%rdi), %r9
	mov	R10(%rdi), %r10
	mov	R11(%rdi), %r11
	mov	R12(%rdi), %r12
	mov	R13(%rdi), %r13
	mov	R14(%rdi), %r14
	mov	R15(%rdi), %r15

	/*
	 * MOV and VERW leave CF alone, so the choice of the instruction can be
	 * made while a register is still free to address it.
	 */
	btl	$VMX_SWITCH_LAUNCHED, VMX_SWITCH_FLAGS(%rsi)
	mov	RSI(%rdi), %rsi
	mov	RDI(%rdi), %rdi
	CLEAR_CPU_BUFFERS
	jc	.Lresume

.Llaunch:
	vmlaunch
	jmp	.Lrefused
.Lresume:
	vmresume
	jbe	.Lrefused
	/*
	 * An instruction that returns has set CF or ZF, so the way on from here
	 * is a VM exit, which comes with the stack as HOST_RSP recorded it.
	 */
SYM_INNER_LABEL(vmx_exit_landing, SYM_L_GLOBAL)
	ANNOTATE_NOENDBR
.Lexited:
	push	%rdi
	mov	8(%rsp), %rdi
	mov	%rax, RAX(%rdi)
	mov	%rcx, RCX(%rdi)
	mov	%rdx, RDX(%rdi)
	mov	%rbx, RBX(%rdi)
	mov	%rbp, RBP(%rdi)
	mov	%rsi, RSI(%rdi)
	mov	%r8, R8(%rdi)
	mov	%r9, R9(%rdi)
	mov	%r10, R10(%rdi)
	mov	%r11, R11(%rdi)
	mov	%r12, R12(%rdi)
	mov	%r13, R13(%rdi)
	mov	%r14, R14(%rdi)
	mov	%r15, R15(%rdi)
	pop	%rax
	mov	%rax, RDI(%rdi)

.Lstored:
	pop	%rdi
	pop	%rsi

	/* The callee-saved ones are zeroed by what the pops below load. */
	xor	%eax, %eax
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	FILL_RETURN_BUFFER %rcx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT, \
			   X86_FEATURE_RSB_VMEXIT_LITE

	/* IBRS must be on again before the first RET of the host. */
	btl	$VMX_SWITCH_SPEC_SAVE, VMX_SWITCH_FLAGS(%rsi)
	jnc	.Lspec_saved
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	mov	%eax, VMX_SWITCH_GUEST_SPEC(%rsi)
	mov	%edx, VMX_SWITCH_GUEST_SPEC+4(%rsi)
.Lspec_saved:
	btl	$VMX_SWITCH_SPEC_HOST, VMX_SWITCH_FLAGS(%rsi)
	jnc	.Lspec_restored
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	mov	VMX_SWITCH_HOST_SPEC(%rsi), %eax
	mov	VMX_SWITCH_HOST_SPEC+4(%rsi), %edx
	wrmsr
.Lspec_restored:
	/* A mispredicted branch above must not run ahead with the guest's setting. */
	lfence
	CLEAR_BRANCH_HISTORY_VMEXIT

	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	RET

	/* Refused or faulted: registers are as they were before the instruction. */
.Lfaulted:
	push	%rdi
	mov	16(%rsp), %rdi
	movl	$VMX_REFUSED_FAULT, VMX_SWITCH_REFUSED(%rdi)
	pop	%rdi
	jmp	.Lexited
.Lrefused:
	push	%rdi
	mov	16(%rsp), %rdi
	movl	$VMX_REFUSED_VMFAIL, VMX_SWITCH_REFUSED(%rdi)
	pop	%rdi
	jmp	.Lexited
.Lno_stack:
	movl	$VMX_REFUSED_VMFAIL, VMX_SWITCH_REFUSED(%rsi)
	jmp	.Lstored

	_ASM_EXTABLE(.Llaunch, .Lfaulted)
	_ASM_EXTABLE(.Lresume, .Lfaulted)
SYM_FUNC_END(vmx_switch)
