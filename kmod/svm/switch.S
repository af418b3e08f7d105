/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The world switch.  Hardware exchanges RAX, RSP, RIP, RFLAGS, the control
 * registers and ES/CS/SS/DS; VMLOAD and VMSAVE the hidden state of FS, GS, TR,
 * LDTR and the system-call MSRs; the code below the rest.  While GIF is clear
 * nothing can interrupt it, so no other code sees the mixed state.
 * (APM2 "VMRUN Instruction", "Global Interrupt Flag, STGI and CLGI Instructions".)
 */
#include <linux/linkage.h>
#include <asm/asm.h>
#include <asm/msr-index.h>
#include <asm/nospec-branch.h>
#include "../compat.h"
#include "switch.h"

	.text

/*
 * bool svm_switch(struct svm_switch *sw)
 *
 * Local interrupts are off.  False: SVM was switched off on this CPU (reboot,
 * kexec) and the guest did not run.
 */
SYM_FUNC_START(svm_switch)
	push	%rbp
	push	%r15
	push	%r14
	push	%r13
	push	%r12
	push	%rbx
	push	%rdi

	/*
	 * RFLAGS.IF of the host decides whether a physical interrupt exits the
	 * guest, so it is set here, well before VMRUN: its shadow must not
	 * reach the guest.
	 */
.Lclgi:
	clgi
	sti

	/* The guest's SPEC_CTRL, when the VMCB does not carry it. */
	cmpb	$0, SW_SWAP_SPEC(%rdi)
	je	.Lspec_loaded
	mov	SW_GUEST_SPEC(%rdi), %eax
	cmp	SW_HOST_SPEC(%rdi), %eax
	je	.Lspec_loaded
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	xor	%edx, %edx
	wrmsr
.Lspec_loaded:

	mov	SW_HOST_PA(%rdi), %rax
	vmsave	%rax
	mov	SW_GUEST_PA(%rdi), %rax
	vmload	%rax

	mov	SW_GPRS(%rdi), %rdi
	mov	SW_RCX(%rdi), %rcx
	mov	SW_RDX(%rdi), %rdx
	mov	SW_RBX(%rdi), %rbx
	mov	SW_RBP(%rdi), %rbp
	mov	SW_RSI(%rdi), %rsi
	mov	SW_R8(%rdi), %r8
	mov	SW_R9(%rdi), %r9
	mov	SW_R10(%rdi), %r10
	mov	SW_R11(%rdi), %r11
	mov	SW_R12(%rdi), %r12
	mov	SW_R13(%rdi), %r13
	mov	SW_R14(%rdi), %r14
	mov	SW_R15(%rdi), %r15
	mov	SW_RDI(%rdi), %rdi

	NST_CLEAR_CPU_BUFFERS_BEFORE_GUEST
	vmrun	%rax

	/* RAX and RSP are the host's again, everything else is the guest's. */
	vmsave	%rax
	mov	(%rsp), %rax
	mov	SW_GPRS(%rax), %rax
	mov	%rcx, SW_RCX(%rax)
	mov	%rdx, SW_RDX(%rax)
	mov	%rbx, SW_RBX(%rax)
	mov	%rbp, SW_RBP(%rax)
	mov	%rsi, SW_RSI(%rax)
	mov	%rdi, SW_RDI(%rax)
	mov	%r8, SW_R8(%rax)
	mov	%r9, SW_R9(%rax)
	mov	%r10, SW_R10(%rax)
	mov	%r11, SW_R11(%rax)
	mov	%r12, SW_R12(%rax)
	mov	%r13, SW_R13(%rax)
	mov	%r14, SW_R14(%rax)
	mov	%r15, SW_R15(%rax)

	/* No guest value stays in a register for the host to speculate with. */
	xor	%ecx, %ecx
	xor	%edx, %edx
	xor	%ebx, %ebx
	xor	%ebp, %ebp
	xor	%esi, %esi
	xor	%edi, %edi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d
	xor	%r12d, %r12d
	xor	%r13d, %r13d
	xor	%r14d, %r14d
	xor	%r15d, %r15d

	/* The next step counts calls in per-CPU data on some kernels: it needs the host's GS. */
	mov	(%rsp), %rdi
	mov	SW_HOST_PA(%rdi), %rax
	vmload	%rax

	/* Before the first RET or indirect branch: see Documentation/admin-guide/hw-vuln. */
	FILL_RETURN_BUFFER %rbx, RSB_CLEAR_LOOPS, X86_FEATURE_RSB_VMEXIT

	cmpb	$0, SW_SWAP_SPEC(%rdi)
	je	.Lspec_restored
	mov	$MSR_IA32_SPEC_CTRL, %ecx
	rdmsr
	mov	%eax, SW_GUEST_SPEC(%rdi)
	cmp	SW_HOST_SPEC(%rdi), %eax
	je	.Lspec_restored
	mov	SW_HOST_SPEC(%rdi), %eax
	xor	%edx, %edx
	wrmsr
.Lspec_restored:
	NST_UNTRAIN_RET_AFTER_GUEST

	/* A pending NMI is taken here; an interrupt waits for the core. */
	cli
	stgi
	mov	$1, %eax
.Lout:
	pop	%rdi
	pop	%rbx
	pop	%r12
	pop	%r13
	pop	%r14
	pop	%r15
	pop	%rbp
	RET

.Lno_svm:
	xor	%eax, %eax
	jmp	.Lout

	_ASM_EXTABLE(.Lclgi, .Lno_svm)
SYM_FUNC_END(svm_switch)
