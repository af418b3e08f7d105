// SPDX-License-Identifier: GPL-2.0-only
/*
 * What must fault, and that a fault changes nothing: segment limits and
 * rights, canonical form, alignment, prefixes, privilege, divide errors, the
 * length limit, and unknown instructions.
 */
#include "machine.h"
#include "tap.h"

#define NO_ERROR	0	/* error_code when has_error is false */
#define HOLE		0x800000000000ULL

static struct nst_emul before;

static enum nst_emul_result step(void)
{
	before = m.e;
	return m_step();
}

static bool unchanged(void)
{
	return !memcmp(before.gpr, m.e.gpr, sizeof(before.gpr)) && before.rip == m.e.rip &&
	       before.rflags == m.e.rflags && before.cpl == m.e.cpl &&
	       !memcmp(before.seg, m.e.seg, sizeof(before.seg)) && !m.e.seg_dirty;
}

static void expect(u8 vector, u32 error, const char *what)
{
	enum nst_emul_result r = step();

	if (!tap_ok(m_fault(r, vector, error) && unchanged(), "%s", what))
		tap_note("result %d vector %u error %x", r, m.e.exc.vector, m.e.exc.error_code);
}

static void expect_ok(const char *what)
{
	enum nst_emul_result r = step();

	if (!tap_ok(r == NST_EMUL_OK, "%s", what))
		tap_note("result %d vector %u error %x", r, m.e.exc.vector, m.e.exc.error_code);
}

static void test_limits(void)
{
	m_reset(MODE_PROT32);
	M_CODE(0x8b, 0x03);
	m.e.seg[NST_SEG_DS].limit = 0x10002;
	m.e.gpr[NST_RBX] = 0x10000;
	expect(GP_VECTOR, 0, "a read across the DS limit is #GP(0)");
	m.e.gpr[NST_RBX] = 0xffff;
	expect_ok("a read up to the limit is not");

	m_reset(MODE_PROT32);
	M_CODE(0x8b, 0x45, 0x00);
	m.e.seg[NST_SEG_SS].limit = 0xfff;
	m.e.gpr[NST_RBP] = 0x1000;
	expect(SS_VECTOR, 0, "a read beyond SS by EBP is #SS(0)");
	M_CODE(0x50);
	m.e.gpr[NST_RSP] = 0x1004;
	expect(SS_VECTOR, 0, "so is a push");

	m_reset(MODE_PROT32);
	M_CODE(0x88, 0x03);
	m.e.seg[NST_SEG_DS].ar |= NST_AR_DC;
	m.e.seg[NST_SEG_DS].limit = 0xfff;
	m.e.gpr[NST_RBX] = 0xfff;
	expect(GP_VECTOR, 0, "an expand-down segment has nothing at its limit");
	m.e.gpr[NST_RBX] = 0x1000;
	expect_ok("but above");
	M_CODE(0x88, 0x03);
	m.e.seg[NST_SEG_DS].ar &= ~NST_AR_DB;
	m.e.gpr[NST_RBX] = 0x10000;
	expect(GP_VECTOR, 0, "a 16-bit expand-down segment ends at 64 KiB");

	m_reset(MODE_REAL);
	M_CODE(0x8b, 0x07);
	m.e.gpr[NST_RBX] = 0xffff;
	expect(GP_VECTOR, 0, "a word at FFFF in real mode is #GP");
	M_CODE(0x67, 0x66, 0x8b, 0x03);
	m.e.gpr[NST_RBX] = 0x12345;
	expect(GP_VECTOR, 0, "a 32-bit address beyond 64 KiB too");
	m.e.seg[NST_SEG_DS].limit = 0xffffffff;
	expect_ok("unless the segment is big");
}

static void test_rights(void)
{
	m_reset(MODE_PROT32);
	m.e.gpr[NST_RBX] = DATA_ADDR;
	M_CODE(0x01, 0x03);
	m.e.seg[NST_SEG_DS].ar &= ~NST_AR_RW;
	expect(GP_VECTOR, 0, "read-modify-write of a read-only segment");
	M_CODE(0x03, 0x03);
	expect_ok("reading it is fine");
	m.e.seg[NST_SEG_DS].ar |= NST_AR_UNUSABLE;
	M_CODE(0x03, 0x03);
	expect(GP_VECTOR, 0, "a null segment");
	M_CODE(0x2e, 0x89, 0x03);
	expect(GP_VECTOR, 0, "writing through CS");
	M_CODE(0x2e, 0x8b, 0x03);
	expect_ok("reading through CS");
	m.e.seg[NST_SEG_CS].ar &= ~NST_AR_RW;
	M_CODE(0x2e, 0x8b, 0x03);
	expect(GP_VECTOR, 0, "reading through an execute-only CS");
	m.readonly[DATA_ADDR >> 12] = true;
	m.e.seg[NST_SEG_DS] = m.e.seg[NST_SEG_ES];
	M_CODE(0x01, 0x03);
	expect(PF_VECTOR, 2, "read-modify-write faults as a write, at the read");
}

static void test_canonical(void)
{
	m_reset(MODE_LONG);
	M_CODE(0x8b, 0x03);
	m.e.gpr[NST_RBX] = HOLE;
	expect(GP_VECTOR, 0, "a non-canonical address is #GP(0)");
	m.e.gpr[NST_RBX] = HOLE - 2;
	expect(GP_VECTOR, 0, "one whose last byte is so too");
	m.e.cr4 |= X86_CR4_LA57;
	expect(PF_VECTOR, 0, "with 57 bits it is canonical");
	m.e.cr4 = X86_CR4_PAE;
	M_CODE(0x8b, 0x45, 0x00);
	m.e.gpr[NST_RBP] = HOLE;
	expect(SS_VECTOR, 0, "by RBP it is #SS(0)");
	M_CODE(0xff, 0xe0);
	m.e.gpr[NST_RAX] = HOLE;
	expect(GP_VECTOR, 0, "a jump to it is #GP(0)");
	M_CODE(0xff, 0xd0);
	expect(GP_VECTOR, 0, "a call to it too, with nothing pushed");
	tap_ok(!m_get(STACK_TOP - 8, 8), "and the stack is untouched");
	M_CODE(0xc3);
	m_put(STACK_TOP, HOLE, 8);
	expect(GP_VECTOR, 0, "a return to it too");
	m.e.seg[NST_SEG_GS].base = HOLE - 0x100;
	M_CODE(0x65, 0x8b, 0x04, 0x25, 0x00, 0x01, 0x00, 0x00);
	expect(GP_VECTOR, 0, "a GS base counts");
}

static void test_alignment(void)
{
	m_reset(MODE_LONG);
	M_CODE(0x8b, 0x03);
	m.e.gpr[NST_RBX] = DATA_ADDR + 1;
	m.e.cr0 |= X86_CR0_AM;
	m.e.rflags |= X86_EFLAGS_AC;
	expect_ok("level 0 has no alignment check");
	M_CODE(0x8b, 0x03);
	m.e.cpl = 3;
	expect(AC_VECTOR, 0, "level 3 has one");
	m.e.cr0 &= ~(u64)X86_CR0_AM;
	expect_ok("unless CR0.AM is clear");

	m_reset(MODE_LONG);
	M_CODE(0x48, 0x0f, 0xc7, 0x0b);
	m.e.gpr[NST_RBX] = DATA_ADDR + 8;
	expect(GP_VECTOR, 0, "cmpxchg16b must be aligned");
	m.e.cr4 |= X86_CR4_OSFXSR;
	M_CODE(0x0f, 0x29, 0x03);
	expect(GP_VECTOR, 0, "so must movaps");
}

/* LOCK is allowed on these with a memory operand and nowhere else. */
static void test_lock(void)
{
	static const u8 good[][6] = {
		{ 0xf0, 0x01, 0x03 }, { 0xf0, 0x80, 0x03, 1 }, { 0xf0, 0xff, 0x03 },
		{ 0xf0, 0xf7, 0x13 }, { 0xf0, 0x0f, 0xba, 0x2b, 1 }, { 0xf0, 0x87, 0x03 },
		{ 0xf0, 0x0f, 0xc1, 0x03 }, { 0xf0, 0x0f, 0xc7, 0x0b },
	};
	static const u8 bad[][6] = {
		{ 0xf0, 0x03, 0x03 }, { 0xf0, 0x01, 0xc3 }, { 0xf0, 0x39, 0x03 },
		{ 0xf0, 0x89, 0x03 }, { 0xf0, 0x83, 0x3b, 1 }, { 0xf0, 0x85, 0x03 },
		{ 0xf0, 0x0f, 0xa3, 0x03 }, { 0xf0, 0x0f, 0xba, 0x23, 1 }, { 0xf0, 0xd1, 0x23 },
		{ 0xf0, 0x90 }, { 0xf0, 0xa4 }, { 0xf0, 0xff, 0x33 }, { 0xf0, 0xf7, 0x03 },
		{ 0xf0, 0x0f, 0xa5, 0x03 }, { 0xf0, 0xf7, 0x23 }, { 0xf0, 0x0f, 0xb6, 0x03 },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		m_reset(MODE_LONG);
		m.e.gpr[NST_RBX] = DATA_ADDR;
		m_code(good[i], sizeof(good[i]));
		tap_ok(step() == NST_EMUL_OK, "lock %02x %02x allowed", good[i][1], good[i][2]);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		m_reset(MODE_LONG);
		m.e.gpr[NST_RBX] = DATA_ADDR;
		m_code(bad[i], sizeof(bad[i]));
		tap_ok(m_fault(step(), UD_VECTOR, NO_ERROR) && unchanged(),
		       "lock %02x %02x is #UD", bad[i][1], bad[i][2]);
	}
}

static void test_undefined(void)
{
	static const u8 no64[] = { 0x06, 0x07, 0x0e, 0x16, 0x1e, 0x27, 0x2f, 0x37, 0x3f, 0x60,
				   0x61, 0x82, 0x9a, 0xce, 0xd4, 0xd5, 0xd6, 0xea };
	static const u8 protected_only[][3] = {
		{ 0x0f, 0x00, 0xc0 }, { 0x0f, 0x00, 0xd0 }, { 0x0f, 0x00, 0xe0 },
		{ 0x0f, 0x02, 0xc0 }, { 0x0f, 0x03, 0xc0 }, { 0x63, 0xc0, 0x90 },
	};
	u32 i;

	for (i = 0; i < sizeof(no64); i++) {
		u8 code[8] = { no64[i] };

		m_reset(MODE_LONG);
		m_code(code, sizeof(code));
		tap_ok(m_fault(step(), UD_VECTOR, NO_ERROR), "%02x is #UD in 64-bit mode",
		       no64[i]);
	}
	for (i = 0; i < ARRAY_SIZE(protected_only); i++) {
		m_reset(i & 1 ? MODE_REAL : MODE_VM86);
		m_code(protected_only[i], 3);
		tap_ok(m_fault(step(), UD_VECTOR, NO_ERROR), "%02x %02x is #UD without protection",
		       protected_only[i][0], protected_only[i][1]);
	}
	m_reset(MODE_LONG);
	M_CODE(0x0f, 0x0b);
	expect(UD_VECTOR, NO_ERROR, "ud2");
	M_CODE(0x8d, 0xc0);
	expect(UD_VECTOR, NO_ERROR, "lea of a register");
	M_CODE(0x8e, 0xc8);
	expect(UD_VECTOR, NO_ERROR, "mov to CS");
	M_CODE(0x8c, 0xf0);
	expect(UD_VECTOR, NO_ERROR, "mov from the sixth segment register");
	M_CODE(0x0f, 0x20, 0xc8);
	expect(UD_VECTOR, NO_ERROR, "mov from CR1");
	M_CODE(0x66, 0xc4, 0xe2, 0x78, 0xf2, 0xc0);
	expect(UD_VECTOR, NO_ERROR, "66 before VEX");
	M_CODE(0xc4, 0xe2, 0x7c, 0xf2, 0xc0);
	expect(UD_VECTOR, NO_ERROR, "andn with VEX.L");
	M_CODE(0x0f, 0x10, 0x03);
	expect(UD_VECTOR, NO_ERROR, "SSE without CR4.OSFXSR");
	m.e.cr4 |= X86_CR4_OSFXSR;
	m.e.cr0 |= X86_CR0_TS;
	expect(NM_VECTOR, NO_ERROR, "SSE with CR0.TS");
}

static void test_privilege(void)
{
	static const u8 priv[][3] = {
		{ 0xf4 }, { 0x0f, 0x06 }, { 0x0f, 0x30 }, { 0x0f, 0x32 }, { 0x0f, 0x22, 0xc0 },
		{ 0x0f, 0x20, 0xc0 }, { 0x0f, 0x01, 0x13 }, { 0x0f, 0x01, 0x3b },
		{ 0x0f, 0x00, 0xd0 }, { 0xfa }, { 0xfb },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(priv); i++) {
		m_reset(MODE_LONG);
		m.e.cpl = 3;
		m.e.gpr[NST_RBX] = DATA_ADDR;
		m_code(priv[i], 3);
		tap_ok(m_fault(step(), GP_VECTOR, 0) && unchanged(), "%02x %02x at level 3 is #GP",
		       priv[i][0], priv[i][1]);
	}
	/* Ports by IOPL and by the map in the TSS. */
	m_reset(MODE_PROT32);
	m.e.cpl = 3;
	m.e.gpr[NST_RDX] = 0x64;
	M_CODE(0xec);
	m_put(TSS_ADDR + 102, 0x68, 2);
	m.tr.limit = 0x68 + 0x20;
	m.mem[TSS_ADDR + 0x68 + 0x64 / 8] = 1 << (0x64 % 8);
	expect(GP_VECTOR, 0, "a port whose bit is set");
	m.mem[TSS_ADDR + 0x68 + 0x64 / 8] = 0;
	expect_ok("one whose bit is clear");
	m.tr.limit = 0x68 + 0x64 / 8;
	M_CODE(0xec);
	expect(GP_VECTOR, 0, "one whose second map byte lies outside");
	m.e.rflags |= X86_EFLAGS_IOPL;
	expect_ok("IOPL 3 needs no map");
	m_reset(MODE_VM86);
	m.e.rflags |= X86_EFLAGS_IOPL;
	m_put(TSS_ADDR + 102, 0x68, 2);
	M_CODE(0xec);
	expect(GP_VECTOR, 0, "virtual-8086 mode needs one at any IOPL");
	m.e.rflags &= ~(u64)X86_EFLAGS_IOPL;
	M_CODE(0x9c);
	expect(GP_VECTOR, 0, "pushf in virtual-8086 mode below IOPL 3");
}

static void test_divide(void)
{
	m_reset(MODE_LONG);
	M_CODE(0xf7, 0xf3);
	expect(DE_VECTOR, NO_ERROR, "division by zero");
	m.e.gpr[NST_RBX] = 2;
	m.e.gpr[NST_RDX] = 2;
	expect(DE_VECTOR, NO_ERROR, "a quotient that does not fit");
	M_CODE(0x48, 0xf7, 0xfb);
	m.e.gpr[NST_RBX] = ~0ULL;
	m.e.gpr[NST_RDX] = ~0ULL;
	m.e.gpr[NST_RAX] = 1ULL << 63;
	expect(DE_VECTOR, NO_ERROR, "the least number by -1");
}

static void test_fetch(void)
{
	static u8 prefixes[20];
	u32 i;

	m_reset(MODE_LONG);
	memset(prefixes, 0x2e, sizeof(prefixes));
	prefixes[15] = 0x90;
	m_code(prefixes, sizeof(prefixes));
	expect(GP_VECTOR, 0, "16 bytes are too long");
	prefixes[14] = 0x90;
	m_code(prefixes, sizeof(prefixes));
	expect_ok("15 bytes are not");

	m_reset(MODE_LONG);
	m.mem[0x1fff] = 0x90;
	m.mem[0x1ffe] = 0xb8;
	m.absent[2] = true;
	m.e.rip = 0x1fff;
	expect_ok("the last byte of a page, the next page absent");
	m.e.rip = 0x1ffe;
	expect(PF_VECTOR, 0, "an instruction across the boundary faults");
	tap_ok(m.e.exc.payload == 0x2000, "at the first byte of the next page");

	m_reset(MODE_PROT32);
	M_CODE(0xb8, 1, 2, 3, 4);
	for (i = 0; i < 4; i++) {
		m.e.seg[NST_SEG_CS].limit = CODE_ADDR + i;
		expect(GP_VECTOR, 0, "bytes beyond the CS limit");
	}
	m.e.seg[NST_SEG_CS].limit = CODE_ADDR + 4;
	expect_ok("all bytes within");
}

static void test_unknown(void)
{
	static const u8 codes[][5] = {
		{ 0x0f, 0x58, 0xc1 },		/* addps */
		{ 0xd8, 0xc1 },			/* fadd */
		{ 0x0f, 0xa7, 0xc0 },		/* nothing */
		{ 0x0f, 0x3a, 0x0f, 0xc1, 1 },	/* palignr */
		{ 0xc5, 0xf8, 0x58, 0xc1 },	/* vaddps */
		{ 0xd8, 0xc1 },			/* fadd */
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(codes); i++) {
		m_reset(MODE_LONG);
		m_code(codes[i], sizeof(codes[i]));
		tap_ok(step() == NST_EMUL_UNKNOWN && unchanged() && !m.e.exc.valid &&
		       m.e.insn_len && m.e.insn[0] == codes[i][0],
		       "%02x %02x %02x is unknown", codes[i][0], codes[i][1], codes[i][2]);
	}
}

int main(void)
{
	test_limits();
	test_rights();
	test_canonical();
	test_alignment();
	test_lock();
	test_undefined();
	test_privilege();
	test_divide();
	test_fetch();
	test_unknown();
	return tap_done();
}
