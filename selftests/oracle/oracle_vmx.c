// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random VMCSs: a VM entry under the hypervisor does what it does directly on the
 * emulated CPU.
 */
#ifdef GUEST

#include "items_vmx.h"

#define PROC2_VMFUNC		(1u << 13)
#define BLOCKED_BY_NMI		8ul
#define NMI_UNBLOCKING		(1u << 12)
#define AR_UNUSABLE		0x10000u
#define AR_DPL			0x60u
#define EXIT_SAVE_DEBUG		(1u << 2)
#define EXIT_LOAD_PAT		(1u << 19)
#define EXIT_LOAD_EFER		(1u << 21)
#define R_VMCLEAR		19
#define R_VMPTRLD		21
#define R_VMPTRST		22
#define R_VMXON			27
#define INFO_NO_REGISTER2	0x0ffffffful
#define INFO_NO_INDEX		(1ul << 22)
#define INFO_INDEX		(3ul | 0xful << 18)
#define INFO_NO_BASE		(1ul << 27)
#define INFO_BASE		(0xful << 23)
#define INFO_REGISTER		(1u << 10)
#define INFO_REGISTERS		0xf0000478u
#define STAR_MSR		0xc0000081
#define MSRS_OF_SYSCALL		4

static u64 host_state[V_VALUES];
/* What the fields of the current VMCS hold, as far as it is known. */
static u64 current[V_VALUES];
static u64 own_efer, own_pat;
static struct vmx_case c;

/* Where a VM exit comes to, by HOST_RIP. */
extern void vmx_exit_point(void);

static volatile struct {
	u64 rax, rbx, rcx, rdx, rsp, flags;
} regs __attribute__((used));

static void enter(bool launch)
{
	u64 first = launch;

	asm volatile("push %%rbp; push %%rbx\n\t"
		     "mov %%rsp, regs+32\n\t"
		     "mov $0x6c14, %%eax\n\t"		/* HOST_RSP */
		     "vmwrite %%rsp, %%rax\n\t"
		     "mov regs+0, %%rax; mov regs+8, %%rbx\n\t"
		     "mov regs+16, %%rcx; mov regs+24, %%rdx\n\t"
		     "test %0, %0\n\t"
		     /* What is left of C is not the same everywhere. */
		     "mov $0, %%esi; mov $0, %%edi; mov $0, %%ebp; mov $0, %%r8d\n\t"
		     "mov $0, %%r9d; mov $0, %%r10d; mov $0, %%r11d; mov $0, %%r12d\n\t"
		     "mov $0, %%r13d; mov $0, %%r14d; mov $0, %%r15d\n\t"
		     "jz 1f\n\t"
		     "vmlaunch\n\t"
		     "jmp 2f\n"
		     "1:	vmresume\n"
		     "2:	pushfq; popq regs+40\n\t"
		     "jmp 3f\n"
		     "	.globl vmx_exit_point\n"
		     "vmx_exit_point:\n\t"
		     "movq $0, regs+40\n\t"
		     "mov %%rax, regs+0; mov %%rbx, regs+8\n\t"
		     "mov %%rcx, regs+16; mov %%rdx, regs+24\n"
		     "3:	mov regs+32, %%rsp\n\t"
		     "pop %%rbx; pop %%rbp"
		     : "+D"(first) :
		     : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",
		       "r14", "r15", "cc", "memory");
}

static void two_halves(u64 *caps, enum oracle_cap must, enum oracle_cap may, u32 msr)
{
	u64 v = rdmsr(msr);

	caps[must] = v & 0xffffffff;
	caps[may] = v >> 32;
}

static void read_host_state(void)
{
	struct table_register gdt, idt;
	u64 *v = host_state;

	asm volatile("sgdt %0; sidt %1" : "=m"(gdt), "=m"(idt));
	v[V_HOST_CR0] = READ_CR(0);
	v[V_HOST_CR3] = READ_CR(3);
	v[V_HOST_CR4] = READ_CR(4);
	v[V_HOST_CS_SEL] = SEL_CODE64;
	v[V_HOST_SS_SEL] = SEL_DATA;
	v[V_HOST_DS_SEL] = SEL_DATA;
	v[V_HOST_ES_SEL] = SEL_DATA;
	v[V_HOST_TR_SEL] = SEL_TSS;
	v[V_HOST_TR_BASE] = GUEST_TSS;
	v[V_HOST_GDTR_BASE] = gdt.base;
	v[V_HOST_IDTR_BASE] = idt.base;
	v[V_HOST_PAT] = own_pat;
	v[V_HOST_EFER] = own_efer;
	v[V_HOST_RIP] = (u64)vmx_exit_point;
}

static void read_caps(u64 *caps)
{
	if (!(rdmsr(MSR_FEATURE_CONTROL) & FEATURE_LOCKED))
		wrmsr(MSR_FEATURE_CONTROL, FEATURE_LOCKED | FEATURE_VMX);
	WRITE_CR(0, READ_CR(0) | CR0_NE);
	WRITE_CR(4, READ_CR(4) | CR4_VMXE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) & ~1ul);
	wrmsr(MSR_PAT, 0x0007040600070406ul);
	own_efer = rdmsr(MSR_EFER);
	own_pat = rdmsr(MSR_PAT);
	two_halves(caps, CAP_PIN_MUST, CAP_PIN_MAY, MSR_VMX_TRUE_PIN);
	two_halves(caps, CAP_PROC_MUST, CAP_PROC_MAY, MSR_VMX_TRUE_PROC);
	two_halves(caps, CAP_EXIT_MUST, CAP_EXIT_MAY, MSR_VMX_TRUE_EXIT);
	two_halves(caps, CAP_ENTRY_MUST, CAP_ENTRY_MAY, MSR_VMX_TRUE_ENTRY);
	caps[CAP_PROC2_MAY] = rdmsr(MSR_VMX_PROC2) >> 32;
	caps[CAP_MISC] = rdmsr(MSR_VMX_MISC);
	if (caps[CAP_PROC2_MAY] & (PROC2_EPT | PROC2_VPID))
		caps[CAP_EPT_VPID] = rdmsr(MSR_VMX_EPT_VPID);
	caps[CAP_CR0_MUST] = rdmsr(0x486);
	caps[CAP_CR4_MUST] = rdmsr(0x488);
	caps[CAP_CR4] = rdmsr(0x489);
	if (caps[CAP_PROC2_MAY] & PROC2_VMFUNC)
		caps[CAP_VMFUNC] = rdmsr(0x491);
	memset((void *)IO_BITMAP_PAGES, 0xff, 2 * PAGE_SIZE);
	memset((void *)MSR_BITMAP_PAGE, 0xff, PAGE_SIZE);
	set_region(VMXON_REGION);
	set_region(VMCS_REGION);
	read_host_state();
	vmxon(VMXON_REGION);
	vmclear(VMCS_REGION);
	vmptrld(VMCS_REGION);
}

static bool has_field(u32 i)
{
	const u64 *have = oracle()->have;

	if (i == V_VPID)
		return have[CAP_PROC2_MAY] & PROC2_VPID;
	if (i == V_EPTP || i >= V_PDPTE)
		return have[CAP_PROC2_MAY] & PROC2_EPT;
	if (i == V_TIMER)
		return have[CAP_PIN_MAY] & PIN_TIMER;
	return true;
}

static void write_fields(bool all)
{
	u32 i;

	for (i = 0; i < V_VALUES; i++) {
		if (!has_field(i) || (!all && current[i] == c.val[i]))
			continue;
		vmwrite(vmx_encoding[i], c.val[i]);
		current[i] = c.val[i];
	}
}

/* ---- what came out ---- */

#define REASONS(a, b)	(((2ul << (b)) - 1) & ~((1ul << (a)) - 1))

/* SDM3 "Information for VM Exits Due to Instruction Execution". */
#define WITH_LENGTH	(REASONS(10, 10) | REASONS(12, 16) | REASONS(18, 32) | REASONS(36, 36) | \
			 REASONS(39, 40) | REASONS(46, 47) | REASONS(50, 51) | REASONS(53, 55) | \
			 REASONS(57, 61))
#define WITH_OPERAND	(REASONS(19, 19) | REASONS(21, 23) | REASONS(25, 25) | REASONS(27, 27) | \
			 REASONS(46, 47) | REASONS(50, 50) | REASONS(53, 53) | REASONS(58, 58))

static bool software_event(u64 info)
{
	u64 type = info >> 8 & 7;

	return (info & EVENT_VALID) && type >= 4 && type <= 6;
}

/* What is undefined: SDM3 "Format of the VM-Exit Instruction-Information Field". */
static u64 operand(u64 reason, u64 info)
{
	if (reason == R_VMCLEAR || reason == R_VMPTRLD || reason == R_VMPTRST || reason == R_VMXON)
		info &= INFO_NO_REGISTER2;
	if (info & INFO_REGISTER)
		return info & INFO_REGISTERS;
	if (info & INFO_NO_INDEX)
		info &= ~INFO_INDEX;
	if (info & INFO_NO_BASE)
		info &= ~INFO_BASE;
	return info;
}

/* Bochs 2.7 keeps NMIs blocked in all later cases: whose own they are not is not looked at. */
static bool blocks_nmis(void)
{
	u32 info = c.val[V_ENTRY_INTR_INFO];

	return (c.val[V_GUEST_INTR_STATE] & BLOCKED_BY_NMI) ||
	       (info & (EVENT_VALID | EVENT_OTHER)) == (EVENT_VALID | EVENT_NMI);
}

static void add_exit(struct digest *d, u64 reason)
{
	struct oracle_record *rec = d->record;
	u64 info = vmread(F_EXIT_INTR_INFO), idt = vmread(F_IDT_INFO);
	u64 set = 1ul << (reason & 63);

	rec->event = info & EVENT_VALID ? info & (blocks_nmis() ? ~0u : ~NMI_UNBLOCKING) : 0;
	rec->idt = idt & EVENT_VALID ? idt : 0;
	if (rec->event & EVENT_ERROR)
		rec->event_error = vmread(F_EXIT_INTR_ERROR);
	if (rec->idt & EVENT_ERROR)
		rec->idt_error = vmread(F_IDT_ERROR);
	digest_add(d, I_INTR_INFO, rec->event);
	digest_add(d, I_INTR_ERROR, rec->event_error);
	digest_add(d, I_IDT_INFO, rec->idt);
	digest_add(d, I_IDT_ERROR, rec->idt_error);
	if ((WITH_LENGTH & set) || (reason == R_EXCEPTION && software_event(info)) ||
	    software_event(idt))
		digest_add(d, I_INSN_LEN, vmread(F_EXIT_INSN_LEN));
	if (WITH_OPERAND & set)
		digest_add(d, I_INSN_INFO, operand(reason, vmread(F_EXIT_INSN_INFO)));
	if (reason == R_EPT_VIOLATION || reason == R_EPT_MISCONFIG)
		digest_add(d, I_PHYSICAL, vmread(F_GUEST_PHYSICAL));
	if (reason == R_EPT_VIOLATION && (vmread(F_QUALIFICATION) & 0x80))
		digest_add(d, I_LINEAR, vmread(F_GUEST_LINEAR));
	/* It is not under delivery any more. */
	current[V_ENTRY_INTR_INFO] = vmread(F_ENTRY_INTR_INFO);
	digest_add(d, I_ENTRY_INFO, current[V_ENTRY_INTR_INFO] & EVENT_VALID);
}

static void add_value(struct digest *d, u32 item, u32 i)
{
	current[i] = vmread(vmx_encoding[i]);
	digest_add(d, item, current[i]);
}

/* Of an unusable register most is undefined: SDM3 "Saving Segment Registers ...". */
static void add_segment(struct digest *d, u32 item, u32 n)
{
	u64 ar = current[V_AR + n] = vmread(vmx_encoding[V_AR + n]);
	u64 limit = current[V_LIMIT + n] = vmread(vmx_encoding[V_LIMIT + n]);
	u64 base = current[V_BASE + n] = vmread(vmx_encoding[V_BASE + n]);

	add_value(d, item, V_SEL + n);
	if (!(ar & AR_UNUSABLE)) {
		digest_add(d, item + 1, ar | limit << 32);
		digest_add(d, item + 2, base);
		return;
	}
	digest_add(d, item + 1, n == S_SS ? AR_UNUSABLE | (ar & AR_DPL) : AR_UNUSABLE);
	if (n == S_FS || n == S_GS)
		digest_add(d, item + 2, base);
}

static void add_interruptibility(struct digest *d)
{
	u64 now = vmread(vmx_encoding[V_GUEST_INTR_STATE]);

	current[V_GUEST_INTR_STATE] = now;
	digest_add(d, I_INTR_STATE, blocks_nmis() ? now : now & ~BLOCKED_BY_NMI);
}

static void add_state(struct digest *d)
{
#define I(name)	{ I_##name, V_GUEST_##name },
	static const struct {
		u32 item, value;
	} guest[] = { REGISTER_ITEMS(I) };
#undef I
	u32 i;

	for (i = 0; i < ARRAY_SIZE(guest); i++)
		if (guest[i].item != I_INTR_STATE)
			add_value(d, guest[i].item, guest[i].value);
	add_interruptibility(d);
	for (i = 0; i < NR_SEGMENTS; i++)
		add_segment(d, I_ES_SEL + 3 * i, i);
	d->record->rip = current[V_GUEST_RIP];
	d->record->rsp = current[V_GUEST_RSP];
	d->record->rflags = current[V_GUEST_RFLAGS];
	digest_add(d, I_RAX, regs.rax);
	digest_add(d, I_RBX, regs.rbx);
	digest_add(d, I_RCX, regs.rcx);
	digest_add(d, I_RDX, regs.rdx);
}

/* After a VM exit: L1's state as every case finds it. */
static void restore(void)
{
	struct table_register gdt = { 0xfff, GUEST_GDT }, idt = { 0xfff, GUEST_IDT };
	u32 i;

	asm volatile("lgdt %0; lidt %1" : : "m"(gdt), "m"(idt));
	WRITE_CR(8, 0ul);
	if (READ_CR(0) != host_state[V_HOST_CR0])
		WRITE_CR(0, host_state[V_HOST_CR0]);
	if (READ_CR(4) != host_state[V_HOST_CR4])
		WRITE_CR(4, host_state[V_HOST_CR4]);
	if (!(c.val[V_EXIT_CTLS] & EXIT_LOAD_EFER))
		wrmsr(MSR_EFER, own_efer);
	if (!(c.val[V_EXIT_CTLS] & EXIT_LOAD_PAT) || c.val[V_HOST_PAT] != own_pat)
		wrmsr(MSR_PAT, own_pat);
	for (i = 0; i < MSRS_OF_SYSCALL && c.val[V_ENTRY_LOAD_COUNT]; i++)
		wrmsr(STAR_MSR + i, 0);
	if (c.val[V_ENTRY_LOAD_COUNT])
		wrmsr(0xc0000102, 0);
}

static void prepare(u32 number)
{
	vmx_generate(oracle(), number, host_state, &c);
	l2_reset(0x37);
	set_region(OTHER_REGION);
	*(volatile u32 *)OTHER_REGION ^= c.link_revision;
	memcpy((void *)MSR_AREA, c.area, sizeof(c.area));
	regs.rax = c.rax;
	regs.rbx = 0x1111;
	regs.rcx = 0x174;
	regs.rdx = 0x2222;
	WRITE_CR(2, 0);
}

static void look(struct digest *d)
{
	struct oracle_record *rec = d->record;
	u64 reason = vmread(F_EXIT_REASON);

	rec->result = reason & REASON_ENTRY_FAILED ? RESULT_REFUSED : RESULT_EXIT;
	rec->reason = reason;
	rec->qual = vmread(F_QUALIFICATION);
	digest_add(d, I_REASON, reason);
	digest_add(d, I_QUAL, rec->qual);
	if (rec->result == RESULT_REFUSED)
		return;
	add_exit(d, reason);
	add_state(d);
}

static void run_case(u32 number, struct oracle_record *rec, bool dump)
{
	static const char *const names[] = VMX_ITEM_NAMES;
	static bool launched, written;
	struct digest d;

	prepare(number);
	write_fields(!written);
	written = true;
	enter(!launched);
	digest_start(&d, rec, names, number, dump);
	if (regs.flags & VMX_FLAGS) {
		rec->result = RESULT_VMFAIL;
		rec->reason = regs.flags & RFLAGS_ZF ? vmread(F_INSN_ERROR) : 0;
		digest_add(&d, I_REASON, rec->reason);
	} else {
		look(&d);
		launched |= rec->result == RESULT_EXIT;
		restore();
	}
	digest_flush(&d);
}

GUEST_CASE(random_vmcss, "SDM3 \"VM Entries\"", .flags = CASE_VMX)
{
	oracle_main(read_caps, run_case);
}

#else

#include "compare.h"
#include "items_vmx.h"

const char *const item_names[ORACLE_ITEMS] = VMX_ITEM_NAMES;
const struct host_hook host_hooks[] = { COMPARE_HOOK, { 0 } };

#endif
