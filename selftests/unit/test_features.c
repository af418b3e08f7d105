// SPDX-License-Identifier: GPL-2.0-only
/*
 * What surrounds an instruction: whether the guest's CPUID has it, whether an
 * L1 hypervisor wants it, and the breakpoints that it hits.
 */
#include "machine.h"
#include "tap.h"

#define DR6_BS		0x4000u
#define DR7_GLOBAL0	0x2u
#define DR7_WRITE0	(1u << 16)
#define DR7_IO0		(2u << 16)
#define DR7_ACCESS0	(3u << 16)
#define DR7_LEN4_0	(3u << 18)

static void hide(u32 feature)
{
	m.e.cpuid[(feature - 1) / 32] &= ~(1u << ((feature - 1) % 32));
}

static void test_cpuid(void)
{
	static const struct {
		const char *name;
		u32 feature;
		u8 code[8];
	} rows[] = {
		{ "movbe", NST_FEAT_MOVBE, { 0x0f, 0x38, 0xf0, 0x03 } },
		{ "popcnt", NST_FEAT_POPCNT, { 0xf3, 0x0f, 0xb8, 0xc3 } },
		{ "cmov", NST_FEAT_CMOV, { 0x0f, 0x44, 0xc3 } },
		{ "rdtscp", NST_FEAT_RDTSCP, { 0x0f, 0x01, 0xf9 } },
		{ "andn", NST_FEAT_BMI1, { 0xc4, 0xe2, 0x60, 0xf2, 0xc1 } },
		{ "pext", NST_FEAT_BMI2, { 0xc4, 0xe2, 0x62, 0xf5, 0xc1 } },
		{ "adcx", NST_FEAT_ADX, { 0x66, 0x0f, 0x38, 0xf6, 0xc3 } },
		{ "crc32", NST_FEAT_SSE42, { 0xf2, 0x0f, 0x38, 0xf1, 0xc3 } },
		{ "rdfsbase", NST_FEAT_FSGSBASE, { 0xf3, 0x0f, 0xae, 0xc0 } },
		{ "movups", NST_FEAT_SSE, { 0x0f, 0x10, 0xc1 } },
		{ "movdqa", NST_FEAT_SSE2, { 0x66, 0x0f, 0x6f, 0xc1 } },
		{ "vmovups", NST_FEAT_AVX, { 0xc5, 0xfc, 0x10, 0xc1 } },
		{ "cmpxchg16b", NST_FEAT_CX16, { 0x48, 0x0f, 0xc7, 0x0b } },
		{ "lahf", NST_FEAT_LAHF64, { 0x9f } },
		{ "clac", NST_FEAT_SMAP, { 0x0f, 0x01, 0xca } },
		{ "rdrand", NST_FEAT_RDRAND, { 0x0f, 0xc7, 0xf0 } },
		{ "invpcid", NST_FEAT_INVPCID, { 0x66, 0x0f, 0x38, 0x82, 0x03 } },
		{ "monitor", NST_FEAT_MONITOR, { 0x0f, 0x01, 0xc8 } },
		{ "fninit", NST_FEAT_FPU, { 0xdb, 0xe3 } },
		{ "emms", NST_FEAT_MMX, { 0x0f, 0x77 } },
	};
	enum nst_emul_result shown, hidden;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		m_reset(MODE_LONG);
		m.e.cr4 |= X86_CR4_OSFXSR | X86_CR4_OSXSAVE | X86_CR4_FSGSBASE;
		m.e.gpr[NST_RBX] = DATA_ADDR;
		m_code(rows[i].code, sizeof(rows[i].code));
		shown = m_step();
		m.e.rip = CODE_ADDR;
		hide(rows[i].feature);
		hidden = m_step();
		tap_ok(shown == NST_EMUL_OK && m_fault(hidden, UD_VECTOR, 0),
		       "%s is #UD when CPUID hides it", rows[i].name);
	}
	m_reset(MODE_LONG);
	hide(NST_FEAT_LZCNT);
	M_CODE(0xf3, 0x0f, 0xbd, 0xc3);
	m.e.gpr[NST_RBX] = 0x10;
	tap_ok(m_step() == NST_EMUL_OK && m.e.gpr[NST_RAX] == 4, "a hidden lzcnt is bsr");
}

static const struct {
	const char *name;
	enum nst_emul_icpt kind;
	u64 a, b;
	u8 code[6];
} intercepts[] = {
	{ "in", NST_ICPT_IO, 0x70, 1 | NST_ICPT_IO_IN, { 0xe4, 0x70 } },
	{ "out dx", NST_ICPT_IO, 0x1234, 4, { 0xef } },
	{ "rep insw", NST_ICPT_IO, 0x1234,
	  2 | NST_ICPT_IO_IN | NST_ICPT_IO_STRING | NST_ICPT_IO_REP, { 0xf3, 0x66, 0x6d } },
	{ "mov cr3 to rbx", NST_ICPT_CR_READ, 3, NST_RBX, { 0x0f, 0x20, 0xdb } },
	{ "mov rbx to cr4", NST_ICPT_CR_WRITE, 4 | NST_RBX << 8, DATA_ADDR,
	  { 0x0f, 0x22, 0xe3 } },
	{ "mov rbx to dr2", NST_ICPT_DR_WRITE, 2 | NST_RBX << 8, DATA_ADDR,
	  { 0x0f, 0x23, 0xd3 } },
	{ "clts", NST_ICPT_CLTS, 0, 0, { 0x0f, 0x06 } },
	{ "lmsw bx", NST_ICPT_LMSW, 0, 0, { 0x0f, 0x01, 0xf3 } },
	{ "smsw bx", NST_ICPT_SMSW, 0, 0, { 0x0f, 0x01, 0xe3 } },
	{ "rdmsr", NST_ICPT_RDMSR, 0x77, 0, { 0x0f, 0x32 } },
	{ "wrmsr", NST_ICPT_WRMSR, 0x77, 0x123400000005, { 0x0f, 0x30 } },
	{ "cpuid", NST_ICPT_CPUID, 0, 0, { 0x0f, 0xa2 } },
	{ "rdtsc", NST_ICPT_RDTSC, 0, 0, { 0x0f, 0x31 } },
	{ "rdtscp", NST_ICPT_RDTSCP, 0, 0, { 0x0f, 0x01, 0xf9 } },
	{ "hlt", NST_ICPT_HLT, 0, 0, { 0xf4 } },
	{ "pause", NST_ICPT_PAUSE, 0, 0, { 0xf3, 0x90 } },
	{ "invlpg", NST_ICPT_INVLPG, DATA_ADDR, 0, { 0x0f, 0x01, 0x3b } },
	{ "sgdt", NST_ICPT_DESC_READ, NST_DESC_GDT, 0, { 0x0f, 0x01, 0x03 } },
	{ "lidt", NST_ICPT_DESC_WRITE, NST_DESC_IDT, 0, { 0x0f, 0x01, 0x1b } },
	{ "str", NST_ICPT_DESC_READ, NST_DESC_TR, 0, { 0x0f, 0x00, 0xcb } },
	{ "lldt", NST_ICPT_DESC_WRITE, NST_DESC_LDT, 0, { 0x0f, 0x00, 0xd3 } },
	{ "pushf", NST_ICPT_PUSHF, 0, 0, { 0x9c } },
	{ "popf", NST_ICPT_POPF, 0, 0, { 0x9d } },
	{ "iret", NST_ICPT_IRET, 0, 0, { 0x48, 0xcf } },
	{ "int 80h", NST_ICPT_INTN, 0x80, 0, { 0xcd, 0x80 } },
	{ "int3", NST_ICPT_INT3, 0, 0, { 0xcc } },
	{ "int1", NST_ICPT_ICEBP, 0, 0, { 0xf1 } },
	{ "xsetbv", NST_ICPT_XSETBV, 0x77, 0x123400000005, { 0x0f, 0x01, 0xd1 } },
	{ "invpcid", NST_ICPT_INVPCID, 0, 0, { 0x66, 0x0f, 0x38, 0x82, 0x03 } },
	{ "mwait", NST_ICPT_MWAIT, 0, 0, { 0x0f, 0x01, 0xc9 } },
	{ "rdrand", NST_ICPT_RDRAND, 0, 0, { 0x0f, 0xc7, 0xf0 } },
	{ "rdseed", NST_ICPT_RDSEED, 0, 0, { 0x0f, 0xc7, 0xf8 } },
};

static void test_intercepts(void)
{
	struct nst_emul before;
	enum nst_emul_result r;
	bool good;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(intercepts); i++) {
		m_reset(MODE_LONG);
		m.e.cr4 |= X86_CR4_OSXSAVE;
		m.e.gpr[NST_RAX] = 5;
		m.e.gpr[NST_RBX] = DATA_ADDR;
		m.e.gpr[NST_RCX] = intercepts[i].kind == NST_ICPT_MWAIT ? 0 : 0x77;
		m.e.gpr[NST_RDX] = 0x1234;
		m.e.gpr[NST_RDI] = DATA_ADDR;
		m.wanted_icpt = 1 + intercepts[i].kind;
		m_code(intercepts[i].code, sizeof(intercepts[i].code));
		before = m.e;
		r = m_step();
		good = r == NST_EMUL_INTERCEPTED && !m.logged && !m.halted &&
		       m.icpt_a == intercepts[i].a && m.icpt_b == intercepts[i].b &&
		       m.e.rip == CODE_ADDR &&
		       !memcmp(before.gpr, m.e.gpr, sizeof(before.gpr));
		if (!tap_ok(good, "L1 intercepts %s", intercepts[i].name))
			tap_note("result %d, a %llx, b %llx", r, (unsigned long long)m.icpt_a,
				 (unsigned long long)m.icpt_b);
	}
}

static void test_operands(void)
{
	m_reset(MODE_LONG);
	M_CODE(0x65, 0x0f, 0xc7, 0xb4, 0x8b, 0x44, 0x33, 0x22, 0x11);
	m.e.gpr[NST_RBX] = 0x1000;
	m.e.gpr[NST_RCX] = 0x10;
	tap_ok(m_step() == NST_EMUL_OK && m.virt == 1 + NST_VIRT_VMPTRLD &&
	       m.e.modrm.mem && m.e.modrm.seg == NST_SEG_GS && m.e.modrm.has_base &&
	       m.e.modrm.base == NST_RBX && m.e.modrm.has_index &&
	       m.e.modrm.index == NST_RCX && m.e.modrm.scale == 2 &&
	       m.e.modrm.disp == 0x11223344 && m.e.modrm.ea == 0x11223344 + 0x1040,
	       "vmptrld gs:[rbx+4*rcx+disp32] is described");
	M_CODE(0x0f, 0x78, 0xc3);
	tap_ok(m_step() == NST_EMUL_OK && m.virt == 1 + NST_VIRT_VMREAD && !m.e.modrm.mem &&
	       m.e.modrm.reg == NST_RAX && m.e.modrm.rm == NST_RBX, "vmread rbx, rax");
	M_CODE(0x0f, 0x01, 0xd8);
	tap_ok(m_step() == NST_EMUL_OK && m.virt == 1 + NST_VIRT_VMRUN, "vmrun");
}

static void test_breakpoints(void)
{
	m_reset(MODE_PROT32);
	M_CODE(0x89, 0x03, 0x8b, 0x03, 0x90);
	m.e.gpr[NST_RBX] = DATA_ADDR;
	m.e.dr[0] = DATA_ADDR + 2;
	m.e.dr7 = DR7_GLOBAL0 | DR7_WRITE0;
	tap_ok(m_step() == NST_EMUL_OK && m.e.trap_dr6 == 1, "a write hits a breakpoint inside it");
	tap_ok(m_step() == NST_EMUL_OK && !m.e.trap_dr6, "a read does not hit one for writes");
	m.e.rip = CODE_ADDR + 2;
	m.e.dr7 = DR7_GLOBAL0 | DR7_ACCESS0 | DR7_LEN4_0;
	m.e.dr[0] = DATA_ADDR + 3;
	tap_ok(m_step() == NST_EMUL_OK && m.e.trap_dr6 == 1, "DR0 counts without its low bits");
	m.e.rip = CODE_ADDR + 4;
	m.e.dr7 = DR7_GLOBAL0;
	m.e.dr[0] = CODE_ADDR + 4;
	tap_ok(m_fault(m_step(), DB_VECTOR, 0) && m.e.exc.payload == 1,
	       "an instruction breakpoint is a fault");
	m.e.rflags |= X86_EFLAGS_RF;
	tap_ok(m_step() == NST_EMUL_OK && !(m.e.rflags & X86_EFLAGS_RF), "but not with RF");
	M_CODE(0xe6, 0x70);
	m.e.dr7 = DR7_GLOBAL0 | DR7_IO0;
	m.e.dr[0] = 0x70;
	tap_ok(m_step() == NST_EMUL_OK && !m.e.trap_dr6, "no port breakpoint without CR4.DE");
	m.e.rip = CODE_ADDR;
	m.e.cr4 |= X86_CR4_DE;
	tap_ok(m_step() == NST_EMUL_OK && m.e.trap_dr6 == 1, "a port breakpoint with it");
	M_CODE(0xf3, 0xaa);
	m.e.dr7 = DR7_GLOBAL0 | DR7_WRITE0;
	m.e.dr[0] = DATA_ADDR + 2;
	m.e.gpr[NST_RDI] = DATA_ADDR;
	m.e.gpr[NST_RCX] = 8;
	tap_ok(m_step() == NST_EMUL_AGAIN && m.e.trap_dr6 == 1 && m.e.gpr[NST_RCX] == 5,
	       "rep stosb stops behind the element that hit");
	M_CODE(0x89, 0x03);
	m.e.dr[0] = DATA_ADDR;
	m.e.rflags |= X86_EFLAGS_TF;
	tap_ok(m_step() == NST_EMUL_OK && m.e.trap_dr6 == (DR6_BS | 1), "with a single step: both");
}

/* INT 21h in virtual-8086 mode at IOPL 0, with its bit in the redirection map. */
static enum nst_emul_result vme_int(bool redirect, u64 flags)
{
	m_reset(MODE_VM86);
	m.e.cr4 |= X86_CR4_VME;
	m.tr.limit = 0x100;
	m_put(TSS_ADDR + 102, 0x88, 2);
	memset(m.mem + TSS_ADDR + 0x68, redirect ? 0 : 0xff, 0x20);
	m_put(0x21 * 4, 0x0200aaaa, 4);
	m.e.rflags |= flags;
	M_CODE(0xcd, 0x21);
	return m_step();
}

static void test_vme(void)
{
	tap_ok(vme_int(true, X86_EFLAGS_VIF) == NST_EMUL_OK && m.e.rip == 0xaaaa &&
	       m.e.seg[NST_SEG_CS].base == 0x2000 && !(m.e.rflags & X86_EFLAGS_VIF) &&
	       (m_get(STACK_TOP - 2, 2) & 0x3200) == 0x3200 && m.e.cpl == 3,
	       "int is redirected to the 8086 program's handler");
	m.mem[0xcaaa] = 0xcf;
	tap_ok(m_step() == NST_EMUL_OK && m.e.rip == CODE_ADDR + 2 &&
	       m.e.rflags & X86_EFLAGS_VIF && !(m.e.rflags & X86_EFLAGS_IF),
	       "and its iret sets the virtual interrupt flag");
	tap_ok(m_fault(vme_int(false, 0), GP_VECTOR, 0), "without redirection: #GP");
	vme_int(true, X86_EFLAGS_VIF);
	m.mem[0xcaaa] = 0xcf;
	m.e.rflags |= X86_EFLAGS_VIP;
	tap_ok(m_fault(m_step(), GP_VECTOR, 0), "iret with an interrupt pending: #GP");
}

static void test_others(void)
{
	m_reset(MODE_LONG);
	M_CODE(0x0f, 0xaa);
	tap_ok(m_fault(m_step(), UD_VECTOR, 0), "rsm outside of SMM is #UD");
	M_CODE(0x0f, 0x01, 0xc8);
	m.e.cpl = 3;
	tap_ok(m_fault(m_step(), UD_VECTOR, 0), "monitor at level 3 is #UD");
	m.e.cpl = 0;
	M_CODE(0x66, 0x0f, 0x38, 0x82, 0x03);
	m.e.gpr[NST_RBX] = DATA_ADDR;
	m.e.gpr[NST_RAX] = 4;
	tap_ok(m_fault(m_step(), GP_VECTOR, 0), "invpcid of an unknown type is #GP");
	m.e.gpr[NST_RAX] = 0;
	m_put(DATA_ADDR, 5, 8);
	tap_ok(m_fault(m_step(), GP_VECTOR, 0), "and of a PCID without CR4.PCIDE");
	M_CODE(0xdd, 0x03);
	m.e.cr0 |= X86_CR0_EM;
	tap_ok(m_fault(m_step(), NM_VECTOR, 0), "x87 with CR0.EM is #NM");
	m.e.cr0 = (m.e.cr0 & ~(u64)X86_CR0_EM) | X86_CR0_NE;
	m.fx[2] = 0x80;
	tap_ok(m_fault(m_step(), MF_VECTOR, 0), "with an error pending #MF");
}

int main(void)
{
	test_cpuid();
	test_intercepts();
	test_operands();
	test_breakpoints();
	test_vme();
	test_others();
	return tap_done();
}
