// SPDX-License-Identifier: GPL-2.0-only
/*
 * String instructions: counts, directions, address sizes, batches, and the
 * exact registers when something stops them in the middle.
 */
#include "machine.h"
#include "tap.h"

#define SRC	DATA_ADDR
#define DST	(DATA_ADDR + 0x4000)

static void setup(enum mode mode, u64 src, u64 dst, u64 count)
{
	u32 i;

	m_reset(mode);
	m.e.gpr[NST_RSI] = src;
	m.e.gpr[NST_RDI] = dst;
	m.e.gpr[NST_RCX] = count;
	for (i = 0; i < 0x4000; i++)
		m.mem[SRC + i] = (u8)(i * 7 + 1);
}

static bool regs_are(u64 rsi, u64 rdi, u64 rcx)
{
	return m.e.gpr[NST_RSI] == rsi && m.e.gpr[NST_RDI] == rdi && m.e.gpr[NST_RCX] == rcx;
}

static void test_movs(void)
{
	enum nst_emul_result r;

	setup(MODE_LONG, SRC, DST, 1000);
	M_CODE(0xf3, 0xa4);
	r = m_step();
	tap_ok(r == NST_EMUL_AGAIN && m.e.rip == CODE_ADDR && m.e.gpr[NST_RCX] < 1000,
	       "rep movsb returns between batches");
	tap_ok(m.e.gpr[NST_RSI] - SRC == 1000 - m.e.gpr[NST_RCX], "and has moved what it counted");
	r = m_run();
	tap_ok(r == NST_EMUL_OK && regs_are(SRC + 1000, DST + 1000, 0) &&
	       m.e.rip == CODE_ADDR + 2 && !memcmp(m.mem + SRC, m.mem + DST, 1000),
	       "rep movsb completes");

	setup(MODE_LONG, SRC + 0x100, DST + 0x100, 16);
	m.e.rflags |= X86_EFLAGS_DF;
	M_CODE(0xf3, 0x48, 0xa5);
	r = m_run();
	tap_ok(r == NST_EMUL_OK && regs_are(SRC + 0x80, DST + 0x80, 0) &&
	       !memcmp(m.mem + SRC + 0x88, m.mem + DST + 0x88, 0x80),
	       "rep movsq downwards");

	setup(MODE_LONG, SRC, DST, 0);
	M_CODE(0xf3, 0xa4);
	tap_ok(m_run() == NST_EMUL_OK && regs_are(SRC, DST, 0) && m.e.rip == CODE_ADDR + 2,
	       "a count of zero does nothing");
}

static void test_address_size(void)
{
	setup(MODE_LONG, 0xabc00000000ULL | SRC, 0xdef00000000ULL | DST, 0x500000003ULL);
	M_CODE(0xf3, 0x67, 0xa4);
	tap_ok(m_run() == NST_EMUL_OK && regs_are(SRC + 3, DST + 3, 0),
	       "a 32-bit address size cuts and clears the upper halves");

	setup(MODE_PROT32, 0x0001fff0, 0x0001fffe, 0x00020004);
	m.e.seg[NST_SEG_ES].limit = 0x3ffff;
	M_CODE(0xf3, 0x67, 0xaa);
	m.e.gpr[NST_RAX] = 0x5a;
	tap_ok(m_run() == NST_EMUL_OK && regs_are(0x1fff0, 0x10002, 0x20000),
	       "a 16-bit DI wraps and leaves the upper half");
	tap_ok(m.mem[0xfffe] == 0x5a && m.mem[0xffff] == 0x5a && m.mem[0] == 0x5a &&
	       m.mem[1] == 0x5a && m.mem[2] == 0, "and writes at both ends of 64 KiB");
}

static void test_compare(void)
{
	enum nst_emul_result r;

	setup(MODE_LONG, SRC, DST, 100);
	memcpy(m.mem + DST, m.mem + SRC, 100);
	m.mem[DST + 40] ^= 1;
	M_CODE(0xf3, 0xa6);
	r = m_run();
	tap_ok(r == NST_EMUL_OK && regs_are(SRC + 41, DST + 41, 59) &&
	       !(m.e.rflags & X86_EFLAGS_ZF), "repe cmpsb stops behind the difference");

	setup(MODE_LONG, SRC, SRC, 100);
	m.e.gpr[NST_RAX] = m.mem[SRC + 9];
	M_CODE(0xf2, 0xae);
	r = m_run();
	tap_ok(r == NST_EMUL_OK && regs_are(SRC, SRC + 10, 90) && m.e.rflags & X86_EFLAGS_ZF,
	       "repne scasb stops behind the match");
}

static void test_fault_inside(void)
{
	enum nst_emul_result r;
	u64 flags;

	setup(MODE_LONG, SRC, DST + 0xff8, 4);
	m.absent[(DST + 0x1000) >> 12] = true;
	M_CODE(0xf3, 0xa5);
	r = m_run();
	tap_ok(m_fault(r, PF_VECTOR, 2) && m.e.exc.payload == DST + 0x1000 &&
	       regs_are(SRC + 8, DST + 0x1000, 2) && m.e.rip == CODE_ADDR,
	       "rep movsd faults after two elements");

	setup(MODE_LONG, SRC, DST + 0xffe, 2);
	m.absent[(DST + 0x1000) >> 12] = true;
	M_CODE(0xf3, 0xa5);
	r = m_run();
	tap_ok(m_fault(r, PF_VECTOR, 2) && regs_are(SRC, DST + 0xffe, 2) && !m.mem[DST + 0xffe],
	       "an element across a missing page writes nothing");

	setup(MODE_LONG, SRC, SRC + 0x2ff8, 0x100);
	memcpy(m.mem + SRC + 0x2ff8, m.mem + SRC, 8);
	m.absent[(SRC + 0x3000) >> 12] = true;
	m.e.rflags |= X86_EFLAGS_CF;
	flags = m.e.rflags;
	M_CODE(0xf3, 0xa6);
	r = m_run();
	tap_ok(m_fault(r, PF_VECTOR, 0) && regs_are(SRC + 8, SRC + 0x3000, 0xf8) &&
	       m.e.rflags == flags, "a faulting repe cmpsb leaves the flags");
}

static void test_ins(void)
{
	u32 i;
	bool good = true;

	setup(MODE_LONG, 0, DST + 0xf00, 300);
	m.e.gpr[NST_RDX] = 0x1f0;
	M_CODE(0xf3, 0x66, 0x6d);
	tap_ok(m_step() == NST_EMUL_AGAIN && m.logged == 1 && m.log[0].len == 0x100 &&
	       m.log[0].pio && !m.log[0].write && m.log[0].addr == 0x1f0 &&
	       regs_are(0, DST + 0x1000, 300 - 0x80),
	       "rep insw does one access up to the page end");
	tap_ok(m_run() == NST_EMUL_OK && regs_are(0, DST + 0xf00 + 600, 0),
	       "and completes page by page");
	for (i = 0; i < 600; i++)
		good = good && m.mem[DST + 0xf00 + i] == (u8)i;
	tap_ok(good, "with the bytes in their order");

	setup(MODE_LONG, 0, DST + 0x10, 4);
	m.e.rflags |= X86_EFLAGS_DF;
	M_CODE(0xf3, 0x66, 0x6d);
	tap_ok(m_run() == NST_EMUL_OK && m.logged == 1 && regs_are(0, DST + 8, 0) &&
	       m_get(DST + 0x10, 2) == 0x0100 && m_get(DST + 0xa, 2) == 0x0706,
	       "downwards the first element lies highest");

	setup(MODE_LONG, 0, DST, 4);
	m.readonly[DST >> 12] = true;
	M_CODE(0xf3, 0x6c);
	tap_ok(m_fault(m_run(), PF_VECTOR, 2) && !m.logged && regs_are(0, DST, 4),
	       "nothing is taken from the device when memory cannot hold it");

	setup(MODE_LONG, 0, DST + 0xffe, 3);
	M_CODE(0xf3, 0x6d);
	tap_ok(m_run() == NST_EMUL_OK && m.log[0].len == 4 && regs_are(0, DST + 0xffe + 12, 0),
	       "an element across pages goes alone");
}

/* At the two ends of the 64-bit address space a count once became zero. */
static void test_ins_at_the_ends(void)
{
	setup(MODE_LONG, 0, 0, 5);
	M_CODE(0xf3, 0x6c);
	tap_ok(m_run() == NST_EMUL_OK && m.log[0].len == 5 && regs_are(0, 5, 0),
	       "rep insb to address 0");
	setup(MODE_LONG, 0, ~0ULL, 5);
	m.e.rflags |= X86_EFLAGS_DF;
	M_CODE(0xf3, 0x6c);
	tap_ok(m_fault(m_run(), PF_VECTOR, 2) && !m.logged && regs_are(0, ~0ULL, 5),
	       "rep insb downwards from the last address");
}

static void test_outs(void)
{
	setup(MODE_LONG, SRC, 0, 0x800);
	m.e.gpr[NST_RDX] = 0x3f8;
	M_CODE(0xf3, 0x6e);
	tap_ok(m_step() == NST_EMUL_AGAIN && m.log[0].len == NST_EMUL_IO_MAX &&
	       m.log[0].write && !memcmp(m.log[0].data, m.mem + SRC, NST_EMUL_IO_MAX),
	       "rep outsb fills the buffer");
	tap_ok(m_run() == NST_EMUL_OK && m.logged == 2 && regs_are(SRC + 0x800, 0, 0),
	       "and goes on");

	setup(MODE_REAL, 0xfffe, 0, 4);
	m.e.seg[NST_SEG_DS].base = DATA_ADDR;
	M_CODE(0xf3, 0x6e);
	tap_ok(m_run() == NST_EMUL_OK && regs_are(2, 0, 0) && m.logged == 2 &&
	       m.log[0].len == 2, "in real mode SI wraps at 64 KiB");
}

static void test_single_step(void)
{
	setup(MODE_LONG, SRC, DST, 3);
	m.e.rflags |= X86_EFLAGS_TF;
	M_CODE(0xf3, 0xa4);
	tap_ok(m_step() == NST_EMUL_AGAIN && m.e.single_step && regs_are(SRC + 1, DST + 1, 2),
	       "single-step traps after each element");
	m_step();
	tap_ok(m_step() == NST_EMUL_OK && m.e.single_step && regs_are(SRC + 3, DST + 3, 0),
	       "and after the last");
}

int main(void)
{
	test_movs();
	test_address_size();
	test_compare();
	test_fault_inside();
	test_ins();
	test_ins_at_the_ends();
	test_outs();
	test_single_step();
	return tap_done();
}
