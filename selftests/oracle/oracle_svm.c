// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random VMCBs: VMRUN under the hypervisor does what it does directly on the
 * emulated CPU.
 */
#ifdef GUEST

#include "gen_svm.h"

#define FEATURE_SVM		(1u << 2)	/* CPUID 80000001, ECX */
#define LEAF_SVM		0x8000000a
#define EXIT_INVALID		0xffffffffu

static void read_caps(u64 *caps)
{
	u32 r[4];

	svm_on();
	cpuid(LEAF_SVM, 0, r);
	caps[CAP_CPUID_SVM] = r[3];
	memset(IOPM, 0xff, 0x3000);
	memset(MSRPM, 0xff, 0x2000);
}

/* The G bit is not observed: the limit is in bytes. */
#define ATTRIB_G		0x800

static void add_segment(struct digest *d, const char *name, const struct seg *s)
{
	digest_add(d, name, s->selector | (u64)(s->attrib & ~ATTRIB_G) << 16 |
		   (u64)s->limit << 32);
	digest_add(d, "  base", s->base);
}

static void add_state(struct digest *d, const struct vmcb *v, const struct vmcb *saved)
{
	add_segment(d, "es", &v->es);
	add_segment(d, "cs", &v->cs);
	add_segment(d, "ss", &v->ss);
	add_segment(d, "ds", &v->ds);
	add_segment(d, "fs", &saved->fs);
	add_segment(d, "gs", &saved->gs);
	add_segment(d, "ldtr", &saved->ldtr);
	/* CPUs differ in whether a TSS becomes busy. */
	digest_add(d, "tr", saved->tr.selector | (u64)(saved->tr.attrib & ~(ATTRIB_G | 2)) << 16 |
		   (u64)saved->tr.limit << 32);
	digest_add(d, "  base", saved->tr.base);
	digest_add(d, "gdtr.base", v->gdtr.base);
	digest_add(d, "gdtr.limit", v->gdtr.limit & 0xffff);
	digest_add(d, "idtr.base", v->idtr.base);
	digest_add(d, "idtr.limit", v->idtr.limit & 0xffff);
	digest_add(d, "cpl", v->cpl);
	digest_add(d, "efer", v->efer);
	digest_add(d, "cr0", v->cr0);
	digest_add(d, "cr2", v->cr2);
	digest_add(d, "cr3", v->cr3);
	digest_add(d, "cr4", v->cr4);
	digest_add(d, "dr6", v->dr6);
	digest_add(d, "dr7", v->dr7);
	digest_add(d, "rflags", v->rflags);
	digest_add(d, "rip", v->rip);
	digest_add(d, "rsp", v->rsp);
	digest_add(d, "rax", v->rax);
	digest_add(d, "rbx", l2.rbx);
	digest_add(d, "rdx", l2.rdx);
	digest_add(d, "rcx", l2.rcx);
	digest_add(d, "star", saved->star);
	digest_add(d, "lstar", saved->lstar);
	digest_add(d, "cstar", saved->cstar);
	digest_add(d, "sfmask", saved->sfmask);
	digest_add(d, "kernel_gs", saved->kernel_gs);
	digest_add(d, "sysenter_cs", saved->sysenter_cs);
	digest_add(d, "sysenter_esp", saved->sysenter_esp);
	digest_add(d, "sysenter_eip", saved->sysenter_eip);
}

/* EXITINFO1 and 2 are undefined where no exit code gives them a meaning. */
static bool has_info1(u64 code)
{
	return code == EXIT_NPF || code == EXIT_IOIO || code == EXIT_MSR || code == 0x7d ||
	       (code >= EXIT_EXCP + 8 && code <= EXIT_EXCP + 17 && code != EXIT_EXCP + 9 &&
		code != EXIT_EXCP + 16);
}

static bool has_info2(u64 code)
{
	return code == EXIT_NPF || code == EXIT_EXCP + VEC_PF || code == EXIT_IOIO;
}

/* Only exceptions have error codes, an NMI has no vector, bits 30:12 are reserved. */
static void add_event(struct digest *d, const struct vmcb *v)
{
	u32 info = v->exit_int_info & EV_VALID ? v->exit_int_info : 0;

	if ((info & 0x700) != EV_EXC)
		info &= ~EV_ERROR;
	if ((info & 0x700) == EV_NMI)
		info &= ~0xffu;
	info &= EV_VALID | EV_ERROR | 0x7ff;
	digest_add(d, "exit_int_info", info);
	digest_add(d, "exit_int_error", info & EV_ERROR ? v->exit_int_error : 0);
}

struct l2_regs l2;

static void enter(void)
{
	asm volatile("clgi\n\t"
		     "push %%rbp\n\t"
		     "mov l2+0, %%rbx; mov l2+8, %%rcx; mov l2+16, %%rdx\n\t"
		     "mov l2+24, %%rsi; mov l2+32, %%rdi; mov l2+40, %%rbp\n\t"
		     "mov %[host], %%rax; vmsave %%rax\n\t"
		     "mov %[vmcb], %%rax; vmload %%rax; vmrun %%rax\n\t"
		     "mov %[saved], %%rax; vmsave %%rax\n\t"
		     "mov %[host], %%rax; vmload %%rax\n\t"
		     "mov %%rbx, l2+0; mov %%rcx, l2+8; mov %%rdx, l2+16\n\t"
		     "pop %%rbp\n\t"
		     "stgi"
		     : : [host] "i"(HOST_PAGE), [vmcb] "i"(VMCB), [saved] "i"(SAVE_PAGE)
		     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
		       "r13", "r14", "r15", "cc", "memory");
}

static void run_case(u32 number, struct oracle_record *rec, bool dump)
{
	struct svm_case c = { .vmcb = VMCB };
	struct vmcb *v = VMCB;
	struct digest d;

	svm_generate(oracle(), number, &c);
	l2_reset(PTE_PRESENT | PTE_WRITE | PTE_USER);
	l2 = (struct l2_regs){ .rcx = 0x174, .rbx = 0x1111, .rdx = 0x2222 };
	WRITE_CR(2, 0);
	enter();
	rec->result = (u32)v->exit_code == EXIT_INVALID ? RESULT_REFUSED : RESULT_EXIT;
	rec->reason = v->exit_code;
	digest_start(&d, dump);
	digest_add(&d, "case", number);
	d.hash = 1;
	if (rec->result == RESULT_EXIT) {
		rec->qual = has_info1(v->exit_code) ? v->info1 : 0;
		digest_add(&d, "exit_code", v->exit_code);
		digest_add(&d, "info1", rec->qual);
		digest_add(&d, "info2", has_info2(v->exit_code) ? v->info2 : 0);
		add_event(&d, v);
		digest_add(&d, "v_irq, v_tpr", v->int_ctl & (V_IRQ | 0xf));
		digest_add(&d, "int_state", v->int_state & 1);
		digest_add(&d, "event_inj", v->event_inj & EV_VALID);
		rec->detail = d.hash;
		d.hash = 1;
		/* APM2 "Shutdown Intercept": what is saved then is undefined. */
		if (v->exit_code != EXIT_SHUT)
			add_state(&d, v, (struct vmcb *)SAVE_PAGE);
		rec->state = d.hash;
	}
	digest_flush(&d);
}

GUEST_CASE(random_vmcbs, "APM2 \"VMRUN Instruction\"", .flags = CASE_SVM)
{
	oracle_main(read_caps, run_case);
}

#else

#include "compare.h"

const struct host_hook host_hooks[] = { COMPARE_HOOK, { 0 } };

#endif
