// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segment loads, far transfers, gates, event delivery, IRET, task switches,
 * system calls and system registers, in the modes that have them.
 */
#include "machine.h"
#include "tap.h"

#define SEL_CODE0	0x08
#define SEL_DATA0	0x10
#define SEL_CODE3	0x1b
#define SEL_DATA3	0x23
#define SEL_CONFORM	0x28
#define SEL_ABSENT	0x30
#define SEL_RDONLY	0x38
#define SEL_TSS		0x40
#define SEL_GATE	0x50
#define SEL_TSS2	0x60
#define SEL_LDT		0x70
#define SEL_CODE16	0x80
#define SEL_STACK2	0x88

#define AR_DATA		(NST_AR_P | NST_AR_S | NST_AR_RW | NST_AR_DB | NST_AR_G)
#define AR_CODE		(AR_DATA | NST_AR_CODE)
#define AR_DPL3		(3 << NST_AR_DPL_SHIFT)
#define AR_TSS		(NST_AR_P | 9)
#define AR_LDT		(NST_AR_P | 2)
#define GATE_INT	0x8e	/* present, DPL 0, 32- or 64-bit interrupt gate */
#define GATE_TRAP3	0xef	/* present, DPL 3, trap gate */
#define GATE_CALL3	0xec
#define GATE_TASK	0x85
#define KSTACK		0x6000
#define HANDLER		0x3000

static void tables(enum mode mode)
{
	u32 code = AR_CODE;

	m_reset(mode);
	if (mode == MODE_LONG)
		code ^= NST_AR_DB | NST_AR_L;
	m_gdt(1, 0, 0xffffffff, code);
	m_gdt(2, 0, 0xffffffff, AR_DATA);
	m_gdt(3, 0, 0xffffffff, code | AR_DPL3);
	m_gdt(4, 0, 0xffffffff, AR_DATA | AR_DPL3);
	m_gdt(5, 0, 0xffffffff, code | NST_AR_DC);
	m_gdt(6, 0, 0xffffffff, AR_DATA & ~NST_AR_P);
	m_gdt(7, 0, 0xffffffff, AR_DATA & ~NST_AR_RW);
	m_gdt(8, TSS_ADDR, 0x67, AR_TSS | NST_AR_RW);
	m_gdt(12, TSS2_ADDR, 0x67, AR_TSS);
	m_gdt(14, 0xc000, 0xff, AR_LDT);
	m_gdt(16, 0, 0xffff, AR_CODE & ~(NST_AR_DB | NST_AR_G));
	m_gdt(17, 0, 0xffff, AR_DATA & ~(NST_AR_DB | NST_AR_G));
	/* Stacks for level 0: 32-bit layout, and RSP0 and IST1 of the 64-bit one. */
	if (mode == MODE_LONG) {
		m_put(TSS_ADDR + 4, KSTACK, 8);
		m_put(TSS_ADDR + 36, KSTACK + 0x808, 8);
	} else {
		m_put(TSS_ADDR + 4, KSTACK, 4);
		m_put(TSS_ADDR + 8, SEL_DATA0, 2);
	}
}

/* As the code of an unprivileged program would run. */
static void to_user(void)
{
	m.e.cpl = 3;
	m.e.seg[NST_SEG_CS].selector = SEL_CODE3;
	m.e.seg[NST_SEG_CS].ar |= AR_DPL3;
	m.e.seg[NST_SEG_SS].selector = SEL_DATA3;
	m.e.seg[NST_SEG_SS].ar |= AR_DPL3;
}

static void expect(u8 vector, u32 error, const char *what)
{
	enum nst_emul_result r = m_step();

	if (!tap_ok(m_fault(r, vector, error), "%s", what))
		tap_note("result %d vector %u error %x", r, m.e.exc.vector, m.e.exc.error_code);
}

static bool ok(void)
{
	enum nst_emul_result r = m_step();

	if (r == NST_EMUL_OK)
		return true;
	tap_note("result %d vector %u error %x", r, m.e.exc.vector, m.e.exc.error_code);
	return false;
}

static u64 stack(u32 n, u32 size)
{
	return m_get(m.e.gpr[NST_RSP] + n * size, size);
}

static void test_segment_loads(void)
{
	tables(MODE_PROT32);
	M_CODE(0x8e, 0xd8);
	m.e.gpr[NST_RAX] = SEL_DATA3;
	tap_ok(ok() && m.e.seg[NST_SEG_DS].selector == SEL_DATA3 &&
	       m.e.seg_dirty == 1u << NST_SEG_DS && m.e.seg[NST_SEG_DS].limit == 0xffffffff,
	       "mov to DS");
	tap_ok(m.mem[GDT_ADDR + 4 * 8 + 5] & 1, "sets the accessed bit in memory");
	m.e.rip = CODE_ADDR;
	m.e.gpr[NST_RAX] = 0;
	tap_ok(ok() && m.e.seg[NST_SEG_DS].ar & NST_AR_UNUSABLE, "a null selector");
	m.e.rip = CODE_ADDR;
	m.e.gpr[NST_RAX] = SEL_ABSENT;
	expect(NP_VECTOR, SEL_ABSENT, "an absent segment is #NP");
	m.e.gpr[NST_RAX] = 0x100;
	expect(GP_VECTOR, 0x100, "a selector beyond the table is #GP");
	m.e.gpr[NST_RAX] = SEL_TSS;
	expect(GP_VECTOR, SEL_TSS, "so is a system segment");
	m.e.gpr[NST_RAX] = 0x0f;
	expect(GP_VECTOR, 0x0c, "and one in an absent LDT");
	m.e.gpr[NST_RAX] = SEL_DATA0 | 3;
	expect(GP_VECTOR, SEL_DATA0, "and one whose RPL is too weak");
	M_CODE(0x8e, 0xd0);
	m.e.gpr[NST_RAX] = SEL_RDONLY;
	expect(GP_VECTOR, SEL_RDONLY, "SS must be writable");
	m.e.gpr[NST_RAX] = 0;
	expect(GP_VECTOR, 0, "and not null");
	m.e.gpr[NST_RAX] = SEL_DATA0;
	tap_ok(ok() && m.e.shadow == NST_EMUL_SHADOW_MOV_SS, "mov to SS blocks interrupts");

	m_reset(MODE_REAL);
	M_CODE(0x8e, 0xd8);
	m.e.gpr[NST_RAX] = 0x1234;
	m.e.seg[NST_SEG_DS].limit = 0xffffffff;
	tap_ok(ok() && m.e.seg[NST_SEG_DS].base == 0x12340 &&
	       m.e.seg[NST_SEG_DS].limit == 0xffffffff, "real mode keeps the limit");

	tables(MODE_PROT32);
	M_CODE(0xc5, 0x03);
	m.e.gpr[NST_RBX] = DATA_ADDR;
	m_put(DATA_ADDR, 0x11223344, 4);
	m_put(DATA_ADDR + 4, SEL_DATA3, 2);
	tap_ok(ok() && m.e.gpr[NST_RAX] == 0x11223344 &&
	       m.e.seg[NST_SEG_DS].selector == SEL_DATA3, "lds");
}

static void test_far_jumps(void)
{
	tables(MODE_PROT32);
	M_CODE(0xea, 0x00, 0x20, 0, 0, SEL_CODE16, 0);
	tap_ok(ok() && m.e.rip == 0x2000 && m.e.seg[NST_SEG_CS].selector == SEL_CODE16 &&
	       !(m.e.seg[NST_SEG_CS].ar & NST_AR_DB), "far jump to 16-bit code");
	tables(MODE_PROT32);
	M_CODE(0xea, 0x00, 0x00, 1, 0, SEL_CODE16, 0);
	expect(GP_VECTOR, 0, "beyond its limit");
	M_CODE(0xea, 0x00, 0x20, 0, 0, SEL_CODE3, 0);
	expect(GP_VECTOR, SEL_CODE3 & ~3, "to a less privileged segment");
	M_CODE(0xea, 0x00, 0x20, 0, 0, SEL_DATA0, 0);
	expect(GP_VECTOR, SEL_DATA0, "to data");
	M_CODE(0xea, 0x00, 0x20, 0, 0, SEL_CONFORM, 0);
	to_user();
	tap_ok(ok() && m.e.cpl == 3 && m.e.seg[NST_SEG_CS].selector == (SEL_CONFORM | 3),
	       "to a conforming segment keeps the level");

	m_reset(MODE_REAL);
	M_CODE(0x9a, 0x34, 0x12, 0x00, 0x02);
	tap_ok(ok() && m.e.rip == 0x1234 && m.e.seg[NST_SEG_CS].base == 0x2000 &&
	       stack(0, 2) == CODE_ADDR + 5 && stack(1, 2) == 0, "real-mode far call");
	m.mem[0x2000 + 0x1234] = 0xcb;
	tap_ok(ok() && m.e.rip == CODE_ADDR + 5 && m.e.seg[NST_SEG_CS].base == 0 &&
	       m.e.gpr[NST_RSP] == STACK_TOP, "and return");
}

static void test_call_gate(void)
{
	tables(MODE_PROT32);
	m_gate(GDT_ADDR, SEL_GATE / 8, 8, SEL_CODE0, HANDLER, GATE_CALL3, 2);
	M_CODE(0x9a, 0, 0, 0, 0, SEL_GATE | 3, 0);
	to_user();
	m_put(STACK_TOP, 0xaaaa1111, 4);
	m_put(STACK_TOP + 4, 0xaaaa2222, 4);
	tap_ok(ok() && m.e.cpl == 0 && m.e.rip == HANDLER &&
	       m.e.gpr[NST_RSP] == KSTACK - 24 && m.e.seg[NST_SEG_SS].selector == SEL_DATA0,
	       "call gate to level 0 switches stacks");
	tap_ok(stack(0, 4) == CODE_ADDR + 7 && stack(1, 4) == SEL_CODE3 &&
	       stack(2, 4) == 0xaaaa1111 && stack(3, 4) == 0xaaaa2222 &&
	       stack(4, 4) == STACK_TOP && stack(5, 4) == SEL_DATA3,
	       "with parameters and the old stack");
	m.mem[HANDLER] = 0xca;
	m.mem[HANDLER + 1] = 8;
	m.mem[HANDLER + 2] = 0;
	m.e.seg[NST_SEG_ES].ar &= ~NST_AR_DPL;
	tap_ok(ok() && m.e.cpl == 3 && m.e.rip == CODE_ADDR + 7 &&
	       m.e.gpr[NST_RSP] == STACK_TOP + 8 && m.e.seg[NST_SEG_CS].selector == SEL_CODE3,
	       "retf goes back outward");
	tap_ok(m.e.seg[NST_SEG_ES].ar & NST_AR_UNUSABLE, "and drops a level-0 data segment");

	tables(MODE_PROT32);
	m_gate(GDT_ADDR, SEL_GATE / 8, 8, SEL_CODE0, HANDLER, 0x8c, 0);
	M_CODE(0x9a, 0, 0, 0, 0, SEL_GATE | 3, 0);
	to_user();
	expect(GP_VECTOR, SEL_GATE, "a gate of level 0 is not for level 3");

	tables(MODE_LONG);
	m_gate(GDT_ADDR + SEL_GATE, 0, 16, SEL_CODE0, HANDLER, GATE_CALL3, 0);
	M_CODE(0xff, 0x1b);
	m.e.gpr[NST_RBX] = DATA_ADDR;
	m_put(DATA_ADDR + 4, SEL_GATE | 3, 2);
	to_user();
	tap_ok(ok() && m.e.cpl == 0 && m.e.rip == HANDLER && m.e.gpr[NST_RSP] == KSTACK - 32 &&
	       stack(3, 8) == SEL_DATA3 && stack(2, 8) == STACK_TOP && stack(1, 8) == SEL_CODE3,
	       "64-bit call gate");
}

static void test_interrupts(void)
{
	m_reset(MODE_REAL);
	M_CODE(0xcd, 0x21);
	m_put(0x21 * 4, 0x0200aaaa, 4);
	m.e.rflags |= X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_CF;
	tap_ok(ok() && m.e.rip == 0xaaaa && m.e.seg[NST_SEG_CS].base == 0x2000 &&
	       stack(0, 2) == CODE_ADDR + 2 && stack(2, 2) == 0x303 &&
	       m.e.rflags == (X86_EFLAGS_FIXED | X86_EFLAGS_CF) && !m.e.single_step,
	       "int in real mode");
	m.mem[0xcaaa] = 0xcf;
	tap_ok(ok() && m.e.rip == CODE_ADDR + 2 && m.e.rflags == 0x303 && m.e.nmi_unmask,
	       "and iret");

	tables(MODE_PROT32);
	m_gate(IDT_ADDR, 0x80, 8, SEL_CODE0, HANDLER, GATE_TRAP3, 0);
	m_gate(IDT_ADDR, 0x81, 8, SEL_CODE0, HANDLER, GATE_INT, 0);
	M_CODE(0xcd, 0x80);
	to_user();
	m.e.rflags |= X86_EFLAGS_IF;
	tap_ok(ok() && m.e.cpl == 0 && m.e.rip == HANDLER && m.e.gpr[NST_RSP] == KSTACK - 20 &&
	       stack(0, 4) == CODE_ADDR + 2 && stack(1, 4) == SEL_CODE3 &&
	       stack(2, 4) == 0x202 && stack(3, 4) == STACK_TOP && stack(4, 4) == SEL_DATA3 &&
	       m.e.rflags & X86_EFLAGS_IF, "int through a trap gate to level 0");
	m.mem[HANDLER] = 0xcf;
	tap_ok(ok() && m.e.cpl == 3 && m.e.rip == CODE_ADDR + 2 &&
	       m.e.gpr[NST_RSP] == STACK_TOP && m.e.seg[NST_SEG_SS].selector == SEL_DATA3,
	       "and iret to level 3");
	M_CODE(0xcd, 0x81);
	expect(GP_VECTOR, 0x81 * 8 + 2, "a gate of level 0 refuses int from level 3");
	M_CODE(0xcd, 0x82);
	expect(GP_VECTOR, 0x82 * 8 + 2, "an empty gate");
	M_CODE(0xcd, 0x80);
	m_put(TSS_ADDR + 8, SEL_RDONLY, 2);
	expect(TS_VECTOR, SEL_RDONLY, "a bad stack in the TSS");
}

static void test_deliver(void)
{
	enum nst_emul_result r;

	tables(MODE_LONG);
	m_gate(IDT_ADDR, PF_VECTOR, 16, SEL_CODE0, HANDLER, GATE_INT, 0);
	m_gate(IDT_ADDR, 2, 16, SEL_CODE0, HANDLER, GATE_INT, 1);
	m.e.rip = 0x1234;
	m.e.gpr[NST_RSP] = STACK_TOP - 4;
	m.e.rflags |= X86_EFLAGS_IF;
	r = nst_emul_deliver(&m.e, NST_EMUL_EV_EXC, PF_VECTOR, true, 0x15);
	tap_ok(r == NST_EMUL_OK && m.e.rip == HANDLER &&
	       m.e.gpr[NST_RSP] == STACK_TOP - 0x10 - 48 &&
	       stack(0, 8) == 0x15 && stack(1, 8) == 0x1234 && stack(4, 8) == STACK_TOP - 4 &&
	       !(m.e.rflags & X86_EFLAGS_IF), "an exception in long mode aligns the stack");
	m.mem[HANDLER] = 0x48;
	m.mem[HANDLER + 1] = 0xcf;
	m.e.gpr[NST_RSP] += 8;
	tap_ok(ok() && m.e.rip == 0x1234 && m.e.gpr[NST_RSP] == STACK_TOP - 4, "iretq");
	r = nst_emul_deliver(&m.e, NST_EMUL_EV_EXT, 2, false, 0);
	tap_ok(r == NST_EMUL_OK && m.e.gpr[NST_RSP] == KSTACK + 0x800 - 40, "an IST entry");
	r = nst_emul_deliver(&m.e, NST_EMUL_EV_EXT, 0x99, false, 0);
	tap_ok(m_fault(r, GP_VECTOR, 0x99 * 8 + 3) && m.e.rip == HANDLER,
	       "a missing gate faults with EXT and changes nothing");
	to_user();
	m_gate(IDT_ADDR, 0x20, 16, SEL_CODE0, HANDLER + 8, GATE_INT, 0);
	r = nst_emul_deliver(&m.e, NST_EMUL_EV_EXT, 0x20, false, 0);
	tap_ok(r == NST_EMUL_OK && m.e.cpl == 0 && m.e.gpr[NST_RSP] == KSTACK - 40 &&
	       m.e.seg[NST_SEG_SS].selector == 0, "from level 3, SS becomes null");
}

static void test_vm86(void)
{
	tables(MODE_VM86);
	m_gate(IDT_ADDR, 0x20, 8, SEL_CODE0, HANDLER, GATE_INT, 0);
	m.e.rip = 0x1234;
	m.e.seg[NST_SEG_DS].selector = 0x777;
	tap_ok(nst_emul_deliver(&m.e, NST_EMUL_EV_EXT, 0x20, false, 0) == NST_EMUL_OK &&
	       m.e.cpl == 0 && !(m.e.rflags & X86_EFLAGS_VM) &&
	       m.e.gpr[NST_RSP] == KSTACK - 36 && stack(0, 4) == 0x1234 &&
	       stack(2, 4) & X86_EFLAGS_VM && stack(6, 4) == 0x777 &&
	       m.e.seg[NST_SEG_DS].ar & NST_AR_UNUSABLE, "interrupt out of virtual-8086 mode");
	m.mem[HANDLER] = 0xcf;
	tap_ok(ok() && m.e.cpl == 3 && m.e.rflags & X86_EFLAGS_VM && m.e.rip == 0x1234 &&
	       m.e.seg[NST_SEG_DS].base == 0x7770 && m.e.seg[NST_SEG_DS].limit == 0xffff &&
	       m.e.gpr[NST_RSP] == STACK_TOP, "and back into it");
	M_CODE(0xcd, 0x20);
	expect(GP_VECTOR, 0, "int below IOPL 3");
}

static void new_task(u32 flags)
{
	m_put(TSS2_ADDR + 0x20, HANDLER, 4);
	m_put(TSS2_ADDR + 0x24, flags, 4);
	m_put(TSS2_ADDR + 0x28, 0x1234, 4);
	m_put(TSS2_ADDR + 0x38, 0x5000, 4);
	m_put(TSS2_ADDR + 0x48, SEL_DATA0, 2);
	m_put(TSS2_ADDR + 0x4c, SEL_CODE0, 2);
	m_put(TSS2_ADDR + 0x50, SEL_DATA0, 2);
	m_put(TSS2_ADDR + 0x54, SEL_DATA3, 2);
	m_put(TSS2_ADDR + 0x60, SEL_LDT, 2);
}

static void test_tasks(void)
{
	tables(MODE_PROT32);
	new_task(X86_EFLAGS_FIXED);
	M_CODE(0x9a, 0, 0, 0, 0, SEL_TSS2, 0);
	m.e.gpr[NST_RBX] = 0x55;
	tap_ok(ok() && m.e.rip == HANDLER && m.e.gpr[NST_RAX] == 0x1234 &&
	       m.e.gpr[NST_RSP] == 0x5000 && m.e.rflags & X86_EFLAGS_NT &&
	       m.e.seg[NST_SEG_DS].selector == SEL_DATA3, "call to a task");
	tap_ok(m_get(TSS_ADDR + 0x20, 4) == CODE_ADDR + 7 && m_get(TSS_ADDR + 0x34, 4) == 0x55 &&
	       m_get(TSS2_ADDR, 2) == SEL_TSS && m.mem[GDT_ADDR + SEL_TSS2 + 5] & 2 &&
	       m.tr.base == TSS2_ADDR && m.e.cr0 & X86_CR0_TS && m.ldt.base == 0xc000,
	       "saves the old one, links, marks busy, sets TR, LDTR and TS");
	m.mem[HANDLER] = 0xcf;
	m_put(TSS_ADDR + 0x48, SEL_DATA0, 2);
	m_put(TSS_ADDR + 0x54, SEL_DATA0, 2);
	tap_ok(ok() && m.e.rip == CODE_ADDR + 7 && m.e.gpr[NST_RBX] == 0x55 &&
	       m.tr.base == TSS_ADDR && !(m.mem[GDT_ADDR + SEL_TSS2 + 5] & 2),
	       "iret goes back to it");
	M_CODE(0xea, 0, 0, 0, 0, SEL_TSS, 0);
	expect(GP_VECTOR, SEL_TSS, "a busy task cannot be entered");

	tables(MODE_PROT32);
	new_task(X86_EFLAGS_FIXED);
	m_put(TSS2_ADDR + 0x50, SEL_RDONLY, 2);
	M_CODE(0xea, 0, 0, 0, 0, SEL_TSS2, 0);
	expect(TS_VECTOR, SEL_RDONLY, "a bad SS in the new task is #TS");
	tap_ok(m.e.rip == HANDLER && m.tr.base == TSS2_ADDR, "in the context of the new task");

	tables(MODE_PROT32);
	new_task(X86_EFLAGS_FIXED);
	m_gate(IDT_ADDR, DF_VECTOR, 8, SEL_TSS2, 0, GATE_TASK, 0);
	tap_ok(nst_emul_deliver(&m.e, NST_EMUL_EV_EXC, DF_VECTOR, true, 0x77) == NST_EMUL_OK &&
	       m.e.rip == HANDLER && stack(0, 4) == 0x77, "exception through a task gate");
}

static void test_syscall(void)
{
	/* The machine keeps an MSR in a slot made from its low bits. */
	tables(MODE_LONG);
	m.msr[(0x81 ^ 0x81 >> 4) & 15] = 0x0018000800000000ULL;
	m.msr[(0x82 ^ 0x82 >> 4) & 15] = HANDLER;
	m.msr[(0x84 ^ 0x84 >> 4) & 15] = X86_EFLAGS_IF;
	M_CODE(0x0f, 0x05);
	to_user();
	m.e.rflags |= X86_EFLAGS_IF | X86_EFLAGS_CF;
	tap_ok(ok() && m.e.cpl == 0 && m.e.rip == HANDLER && m.e.gpr[NST_RCX] == CODE_ADDR + 2 &&
	       m.e.gpr[NST_R11] == 0x203 && m.e.rflags == 0x003 &&
	       m.e.seg[NST_SEG_CS].selector == 0x08 && m.e.seg[NST_SEG_CS].ar & NST_AR_L &&
	       m.e.seg[NST_SEG_SS].selector == 0x10, "syscall");
	m.mem[HANDLER] = 0x48;
	m.mem[HANDLER + 1] = 0x0f;
	m.mem[HANDLER + 2] = 0x07;
	tap_ok(ok() && m.e.cpl == 3 && m.e.rip == CODE_ADDR + 2 && m.e.rflags == 0x203 &&
	       m.e.seg[NST_SEG_CS].selector == 0x2b && m.e.seg[NST_SEG_SS].selector == 0x23,
	       "sysretq");
	M_CODE(0x0f, 0x05);
	m.e.efer &= ~(u64)EFER_SCE;
	expect(UD_VECTOR, 0, "syscall needs EFER.SCE");

	tables(MODE_PROT32);
	M_CODE(0x0f, 0x34);
	expect(GP_VECTOR, 0, "sysenter with a null CS");
	m.msr[(0x174 ^ 0x174 >> 4) & 15] = 0x08;
	m.msr[(0x175 ^ 0x175 >> 4) & 15] = KSTACK;
	m.msr[(0x176 ^ 0x176 >> 4) & 15] = HANDLER;
	to_user();
	tap_ok(ok() && m.e.cpl == 0 && m.e.rip == HANDLER && m.e.gpr[NST_RSP] == KSTACK,
	       "sysenter");
}

static void test_system_registers(void)
{
	tables(MODE_LONG);
	M_CODE(0x0f, 0x01, 0x13);
	m.e.gpr[NST_RBX] = DATA_ADDR;
	m_put(DATA_ADDR, 0x7f, 2);
	m_put(DATA_ADDR + 2, 0xffff800012345678ULL, 8);
	tap_ok(ok() && m.gdt_limit == 0x7f && m.gdt_base == 0xffff800012345678ULL, "lgdt");
	M_CODE(0x0f, 0x01, 0x43, 0x20);
	tap_ok(ok() && !memcmp(m.mem + DATA_ADDR, m.mem + DATA_ADDR + 0x20, 10), "sgdt");
	M_CODE(0x0f, 0x22, 0xd8);
	m.e.gpr[NST_RAX] = 0x5000;
	tap_ok(ok() && m.cr3 == 0x5000, "mov to CR3");
	M_CODE(0x0f, 0x06);
	m.e.cr0 |= X86_CR0_TS;
	tap_ok(ok() && !(m.e.cr0 & X86_CR0_TS), "clts");
	M_CODE(0x0f, 0x31);
	tap_ok(ok() && m.e.gpr[NST_RAX] == 0x55667788 && m.e.gpr[NST_RDX] == 0x11223344, "rdtsc");
	M_CODE(0x0f, 0x01, 0x7b, 0x10);
	tap_ok(ok() && m.flushed == DATA_ADDR + 0x10, "invlpg");
	M_CODE(0xf4);
	tap_ok(ok() && m.halted == 1 && m.e.rip == CODE_ADDR + 1, "hlt");
	M_CODE(0xfb);
	tap_ok(ok() && m.e.shadow == NST_EMUL_SHADOW_STI && m.e.rflags & X86_EFLAGS_IF, "sti");
	M_CODE(0xfb);
	tap_ok(ok() && !m.e.shadow, "sti with IF set has no shadow");

	m_reset(MODE_REAL);
	M_CODE(0x0f, 0x01, 0xf0);
	m.e.gpr[NST_RAX] = 1;
	tap_ok(ok() && m.e.cr0 & X86_CR0_PE, "lmsw sets PE");
	m.e.rip = CODE_ADDR;
	m.e.gpr[NST_RAX] = 0;
	tap_ok(ok() && m.e.cr0 & X86_CR0_PE, "and cannot clear it");

	tables(MODE_PROT32);
	M_CODE(0x0f, 0x00, 0xd8);
	m.e.gpr[NST_RAX] = SEL_TSS2;
	tap_ok(ok() && m.tr.base == TSS2_ADDR && (m.tr.ar & 0xf) == 0xb &&
	       m.mem[GDT_ADDR + SEL_TSS2 + 5] & 2, "ltr marks the TSS busy");
	M_CODE(0x0f, 0x03, 0xc8);
	m.e.gpr[NST_RAX] = SEL_CODE16;
	tap_ok(ok() && m.e.gpr[NST_RCX] == 0xffff && m.e.rflags & X86_EFLAGS_ZF, "lsl");
	M_CODE(0x0f, 0x02, 0xc8);
	m.e.gpr[NST_RAX] = 0x200;
	tap_ok(ok() && m.e.gpr[NST_RCX] == 0xffff && !(m.e.rflags & X86_EFLAGS_ZF),
	       "lar of a bad selector");
	M_CODE(0x0f, 0x00, 0xe8);
	m.e.gpr[NST_RAX] = SEL_RDONLY;
	tap_ok(ok() && !(m.e.rflags & X86_EFLAGS_ZF), "verw of read-only data");
}

int main(void)
{
	test_segment_loads();
	test_far_jumps();
	test_call_gate();
	test_interrupts();
	test_deliver();
	test_vm86();
	test_tasks();
	test_syscall();
	test_system_registers();
	return tap_done();
}
