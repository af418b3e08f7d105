// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random VMCBs: VMRUN under the hypervisor does what it does directly on the
 * emulated CPU.
 */
#ifdef GUEST

#include "items_svm.h"

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

struct l2_regs l2;

/* The G bit is not observed: the limit is in bytes. */
#define ATTRIB_G		0x800

static void add_segment(struct digest *d, u32 item, const struct seg *s)
{
	digest_add(d, item, s->selector | (u64)(s->attrib & ~ATTRIB_G) << 16 |
		   (u64)s->limit << 32);
	digest_add(d, item + 1, s->base);
}

static void add_segments(struct digest *d, const struct vmcb *v, const struct vmcb *saved)
{
	struct seg tr = saved->tr;

	add_segment(d, I_es, &v->es);
	add_segment(d, I_cs, &v->cs);
	add_segment(d, I_ss, &v->ss);
	add_segment(d, I_ds, &v->ds);
	add_segment(d, I_fs, &saved->fs);
	add_segment(d, I_gs, &saved->gs);
	add_segment(d, I_ldtr, &saved->ldtr);
	/* CPUs differ in whether a TSS becomes busy. */
	tr.attrib &= ~2;
	add_segment(d, I_tr, &tr);
	digest_add(d, I_gdtr, v->gdtr.limit & 0xffff);
	digest_add(d, I_gdtr_base, v->gdtr.base);
	digest_add(d, I_idtr, v->idtr.limit & 0xffff);
	digest_add(d, I_idtr_base, v->idtr.base);
}

static void add_field(struct digest *d, u32 item, const struct vmcb *v, u32 at, u32 bytes)
{
	u64 value = 0;

	memcpy(&value, (const u8 *)v + at, bytes);
	digest_add(d, item, value);
}

static void add_state(struct digest *d, const struct vmcb *v, const struct vmcb *saved)
{
	static const struct {
		u32 item;
		const u64 *at;
	} general[] = { { I_rbx, (u64 *)&l2.rbx }, { I_rcx, (u64 *)&l2.rcx },
			{ I_rdx, (u64 *)&l2.rdx } };
#define I(name)	{ I_##name, __builtin_offsetof(struct vmcb, name), sizeof(v->name) },
	static const struct {
		u32 item, at, bytes;
	} registers[] = { REGISTER_ITEMS(I) }, loaded[] = { LOADED_ITEMS(I) };
#undef I
	u32 i;

	add_segments(d, v, saved);
	for (i = 0; i < ARRAY_SIZE(registers); i++)
		add_field(d, registers[i].item, v, registers[i].at, registers[i].bytes);
	for (i = 0; i < ARRAY_SIZE(general); i++)
		digest_add(d, general[i].item, *general[i].at);
	for (i = 0; i < ARRAY_SIZE(loaded); i++)
		add_field(d, loaded[i].item, saved, loaded[i].at, loaded[i].bytes);
	d->record->rip = v->rip;
	d->record->rsp = v->rsp;
	d->record->rflags = v->rflags;
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
	d->record->idt = info;
	d->record->idt_error = info & EV_ERROR ? v->exit_int_error : 0;
	/* APM2 "Shutdown Intercept": what is saved then is undefined. */
	if (v->exit_code == EXIT_SHUT)
		return;
	digest_add(d, I_INT_INFO, info);
	digest_add(d, I_INT_ERROR, d->record->idt_error);
}

static void enter(void)
{
	asm volatile("clgi\n\t"
		     "push %%rbp\n\t"
		     "mov l2+0, %%rbx; mov l2+8, %%rcx; mov l2+16, %%rdx\n\t"
		     "mov l2+24, %%rsi; mov l2+32, %%rdi; mov l2+40, %%rbp\n\t"
		     "mov %[host], %%rax; vmsave %%rax\n\t"
		     /* What is left of C is not the same everywhere. */
		     "xor %%r8d, %%r8d; xor %%r9d, %%r9d; xor %%r10d, %%r10d\n\t"
		     "xor %%r11d, %%r11d; xor %%r12d, %%r12d; xor %%r13d, %%r13d\n\t"
		     "xor %%r14d, %%r14d; xor %%r15d, %%r15d\n\t"
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

static void look(struct digest *d, const struct vmcb *v)
{
	struct oracle_record *rec = d->record;

	rec->qual = has_info1(v->exit_code) ? v->info1 : 0;
	digest_add(d, I_INFO1, rec->qual);
	digest_add(d, I_INFO2, has_info2(v->exit_code) ? v->info2 : 0);
	add_event(d, v);
	digest_add(d, I_V_INT, v->int_ctl & (V_IRQ | 0xf));
	digest_add(d, I_EVENT_INJ, v->event_inj & EV_VALID);
	if (v->exit_code == EXIT_SHUT)
		return;
	digest_add(d, I_INT_STATE, v->int_state & 1);
	add_state(d, v, (struct vmcb *)SAVE_PAGE);
}

static void run_case(u32 number, struct oracle_record *rec, bool dump)
{
	static const char *const names[] = SVM_ITEM_NAMES;
	struct svm_case c = { .vmcb = VMCB };
	struct vmcb *v = VMCB;
	struct digest d;

	svm_generate(oracle(), number, &c);
	l2_reset(PTE_PRESENT | PTE_WRITE | PTE_USER);
	l2 = (struct l2_regs){ .rcx = 0x174, .rbx = 0x1111, .rdx = 0x2222 };
	WRITE_CR(2, 0);
	WRITE_CR(8, 0ul);
	enter();
	rec->result = (u32)v->exit_code == EXIT_INVALID ? RESULT_REFUSED : RESULT_EXIT;
	rec->reason = v->exit_code;
	digest_start(&d, rec, names, number, dump);
	digest_add(&d, I_CODE, rec->reason);
	if (rec->result == RESULT_EXIT)
		look(&d, v);
	digest_flush(&d);
}

GUEST_CASE(random_vmcbs, "APM2 \"VMRUN Instruction\"", .flags = CASE_SVM)
{
	oracle_main(read_caps, run_case);
}

#else

#include "compare.h"
#include "items_svm.h"

const char *const item_names[ORACLE_ITEMS] = SVM_ITEM_NAMES;
const struct host_hook host_hooks[] = { COMPARE_HOOK, { 0 } };

#endif
