// SPDX-License-Identifier: GPL-2.0-only
/*
 * x87 moves and control against this machine's processor: the same value is
 * loaded, and stored, natively and in the emulator; memory, registers and the
 * status word must agree. A store that the emulator refuses must be one that
 * the processor calls inexact or invalid.
 */
#include "machine.h"
#include "tap.h"

#define COUNT		20000
#define FSW_TOP		0x3800u
#define FSW_COMPARED	(FSW_TOP | 0x3fu)
#define FSW_INEXACT	0x3fu	/* any exception */

struct fx {
	u16 fcw, fsw;
	u8 ftw, pad;
	u16 fop;
	u64 fip, fdp;
	u32 mxcsr, mask;
	u8 st[8][16];
	u8 rest[NST_EMUL_FX_SIZE - 160];
} __aligned(16);

static u64 seed = 88172645463325252ull;

static u64 rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static u64 pattern(void)
{
	static const u64 edges[] = { 0, 1, 0x7f800000, 0xff800000, 0x7fc00000, 0x7fa00000,
		0x00400000, 0x3f800000, 0x7ff0000000000000, 0xfff0000000000000,
		0x7ff8000000000000, 0x7ff4000000000000, 0x0008000000000000,
		0x8000000000000000, 0x7fffffffffffffff, 0x3ff0000000000000 };

	switch (rnd() % 4) {
	case 0:
		return edges[rnd() % ARRAY_SIZE(edges)];
	case 1:
		return rnd() >> (rnd() % 64);
	default:
		return rnd();
	}
}

/* The emulator runs one instruction on DATA_ADDR with the FPU as it is. */
static enum nst_emul_result emulate(u8 opcode, u8 reg, const void *mem, u32 len)
{
	u8 code[2] = { opcode, (u8)(reg << 3 | 3) };

	m_write(DATA_ADDR, mem, len);
	m_code(code, sizeof(code));
	m.e.gpr[NST_RBX] = DATA_ADDR;
	return m_step();
}

static void fresh(void)
{
	m_reset_touched(MODE_LONG);
	memset(m.fx, 0, sizeof(m.fx));
	m.fx[0] = 0x7f;
	m.fx[1] = 0x03;
}

/* Native load, then state. */
#define NATIVE_LOAD(insn, mem, fx) \
	asm volatile("fninit; " insn " %1; fxsave64 %0; fninit" : "=m"(fx) : "m"(mem))
/* Native 80-bit load, store, then state. */
#define NATIVE_STORE(insn, val, mem, fx) \
	asm volatile("fninit; fldt %2; fnclex; " insn " %1; fxsave64 %0; fninit" \
		     : "=m"(fx), "=m"(mem) : "m"(val))

static bool same_state(const struct fx *hw)
{
	struct fx em;

	memcpy(&em, m.fx, sizeof(em));
	return ((hw->fsw ^ em.fsw) & FSW_COMPARED) == 0 && hw->ftw == em.ftw &&
	       (!hw->ftw || !memcmp(hw->st[0], em.st[0], 10));
}

static void load_native(u32 which, const u8 *mem, struct fx *fx)
{
	const u64 (*q) = (const u64 *)mem;
	const u8 (*t)[10] = (const u8 (*)[10])mem;

	switch (which) {
	case 0:
		NATIVE_LOAD("flds", *(const u32 *)mem, *fx);
		break;
	case 1:
		NATIVE_LOAD("fldl", *q, *fx);
		break;
	case 2:
		NATIVE_LOAD("fldt", *t, *fx);
		break;
	case 3:
		NATIVE_LOAD("filds", *(const u16 *)mem, *fx);
		break;
	case 4:
		NATIVE_LOAD("fildl", *(const u32 *)mem, *fx);
		break;
	default:
		NATIVE_LOAD("fildll", *q, *fx);
		break;
	}
}

static const struct {
	const char *name;
	u8 opcode, reg;
} loads[] = {
	{ "fld m32", 0xd9, 0 }, { "fld m64", 0xdd, 0 }, { "fld m80", 0xdb, 5 },
	{ "fild m16", 0xdf, 0 }, { "fild m32", 0xdb, 0 }, { "fild m64", 0xdf, 5 },
};

static void test_loads(void)
{
	u8 mem[16] __aligned(16);
	u32 which, i, wrong;
	enum nst_emul_result r;
	struct fx hw;
	u64 val;

	for (which = 0; which < ARRAY_SIZE(loads); which++) {
		wrong = 0;
		for (i = 0; i < COUNT; i++) {
			val = pattern();
			memcpy(mem, &val, 8);
			val = rnd();
			memcpy(mem + 8, &val, 8);
			load_native(which, mem, &hw);
			fresh();
			r = emulate(loads[which].opcode, loads[which].reg, mem, 10);
			wrong += r != NST_EMUL_OK || !same_state(&hw);
		}
		tap_ok(!wrong, "%s: %u of %u differ", loads[which].name, wrong, COUNT);
	}
}

static void store_native(u32 which, const u8 (*val)[10], u8 *mem, struct fx *fx)
{
	switch (which) {
	case 0:
		NATIVE_STORE("fstps", *val, *(u32 *)mem, *fx);
		break;
	case 1:
		NATIVE_STORE("fstpl", *val, *(u64 *)mem, *fx);
		break;
	case 2:
		NATIVE_STORE("fistps", *val, *(u16 *)mem, *fx);
		break;
	case 3:
		NATIVE_STORE("fistpl", *val, *(u32 *)mem, *fx);
		break;
	default:
		NATIVE_STORE("fistpll", *val, *(u64 *)mem, *fx);
		break;
	}
}

static const struct {
	const char *name;
	u8 opcode, reg, size;
} stores[] = {
	{ "fstp m32", 0xd9, 3, 4 }, { "fstp m64", 0xdd, 3, 8 }, { "fistp m16", 0xdf, 3, 2 },
	{ "fistp m32", 0xdb, 3, 4 }, { "fistp m64", 0xdf, 7, 8 },
};

/* An 80-bit value, often one that is exact in a shorter format. */
static void make_ext(u8 (*val)[10])
{
	u64 raw = pattern();
	double d;
	float f;

	switch (rnd() % 4) {
	case 0:
		memcpy(&d, &raw, 8);
		asm volatile("fldl %1; fstpt %0" : "=m"(*val) : "m"(d));
		break;
	case 1:
		memcpy(&f, &raw, 4);
		asm volatile("flds %1; fstpt %0" : "=m"(*val) : "m"(f));
		break;
	case 2:
		raw = (u64)((s64)raw >> (rnd() % 64));
		asm volatile("fildll %1; fstpt %0" : "=m"(*val) : "m"(raw));
		break;
	default:
		memcpy(*val, &raw, 8);
		raw = rnd();
		memcpy(*val + 8, &raw, 2);
		break;
	}
}

static void test_stores(void)
{
	u8 val[10], mem[16] __aligned(16);
	u32 which, i, wrong, refused;
	enum nst_emul_result r;
	struct fx hw;

	for (which = 0; which < ARRAY_SIZE(stores); which++) {
		wrong = 0;
		refused = 0;
		for (i = 0; i < COUNT; i++) {
			make_ext(&val);
			memset(mem, 0, sizeof(mem));
			store_native(which, &val, mem, &hw);
			fresh();
			emulate(0xdb, 5, val, sizeof(val));
			r = emulate(stores[which].opcode, stores[which].reg, val, 0);
			refused += r == NST_EMUL_UNKNOWN;
			if (r == NST_EMUL_UNKNOWN)
				wrong += !(hw.fsw & FSW_INEXACT);
			else
				wrong += r != NST_EMUL_OK || !same_state(&hw) ||
					 memcmp(mem, m.mem + DATA_ADDR, stores[which].size) != 0;
		}
		tap_ok(!wrong && refused < COUNT, "%s: %u of %u differ, %u refused",
		       stores[which].name, wrong, COUNT, refused);
	}
}

static void test_control(void)
{
	u8 mem[16] = { 0x7f, 0x02 };

	fresh();
	tap_ok(emulate(0xd9, 5, mem, 2) == NST_EMUL_OK && m.fx[0] == 0x7f && m.fx[1] == 2, "fldcw");
	m_code("\xdf\xe0", 2);
	m.fx[2] = 0x12;
	m.fx[3] = 0x28;
	tap_ok(m_step() == NST_EMUL_OK && (m.e.gpr[NST_RAX] & 0xffff) == 0x2812, "fnstsw ax");
	m_code("\xdb\xe2", 2);
	tap_ok(m_step() == NST_EMUL_OK && !m.fx[2] && m.fx[3] == 0x28, "fnclex");
	m.fx[4] = 0xff;
	m_code("\xdb\xe3", 2);
	tap_ok(m_step() == NST_EMUL_OK && m.fx[0] == 0x7f && m.fx[1] == 3 && !m.fx[3] && !m.fx[4],
	       "fninit");
	m_code("\x0f\xae\x03", 3);
	m.fx[0] = 0x3f;
	m.fx[200] = 0x99;
	m.e.cr4 |= X86_CR4_OSFXSR;
	tap_ok(m_step() == NST_EMUL_OK && !memcmp(m.mem + DATA_ADDR, m.fx, 416), "fxsave");
	m.mem[DATA_ADDR + 200] = 0x77;
	m_code("\x0f\xae\x0b", 3);
	tap_ok(m_step() == NST_EMUL_OK && m.fx[200] == 0x77, "fxrstor");
	m.mem[DATA_ADDR + 27] = 0x80;
	m.e.rip = CODE_ADDR;
	tap_ok(m_fault(m_step(), GP_VECTOR, 0), "a reserved bit of MXCSR is #GP");
}

int main(void)
{
	test_loads();
	test_stores();
	test_control();
	return tap_done();
}
