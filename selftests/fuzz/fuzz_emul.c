// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fuzzer of the instruction emulator: random code on random registers in a
 * random mode. The sanitizers look for memory errors; this file looks for
 * broken promises: a result outside the enum, registers that changed where
 * nothing may, a fault without an exception, an internal inconsistency.
 */
#include <stdlib.h>

#include "unit/machine.h"

#define STEPS		8
#define HEADER		24	/* input bytes before the code */
#define MAX_USER	64

static void check(bool good)
{
	if (!good)
		abort();
}

static bool same_registers(const struct nst_emul *a, const struct nst_emul *b)
{
	return !memcmp(a->gpr, b->gpr, sizeof(a->gpr)) && a->rip == b->rip &&
	       a->rflags == b->rflags && a->cpl == b->cpl &&
	       !memcmp(a->seg, b->seg, sizeof(a->seg));
}

/* Pointers into memory, devices and nowhere, small numbers, large numbers. */
static u64 reg_value(u8 byte)
{
	switch (byte & 7) {
	case 0:
		return byte;
	case 1:
		return MMIO_BASE + byte;
	case 2:
		return (u64)(s64)(s8)byte;
	case 3:
		return (u64)byte << 56 | byte;
	default:
		return DATA_ADDR + (u64)byte * 0x101;
	}
}

/* Made once: filling tables takes longer than the instructions under test. */
static void make_pattern(u8 *pattern, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++)
		pattern[i] = (u8)(i * 37 + i / 8);
}

static void fill_tables(u8 seed)
{
	static u8 pattern[0x1000];
	u32 i;

	if (!pattern[1])
		make_pattern(pattern, sizeof(pattern));
	m_write(GDT_ADDR, pattern + seed, 0x100);
	m_write(IDT_ADDR, pattern, 0x800);
	m_write(TSS2_ADDR, pattern + seed * 2, 0x100);
	/* Present descriptors of every type. */
	for (i = 1; i < 16; i++)
		m.mem[GDT_ADDR + i * 8 + 5] = (u8)(0x80 | (seed + i * 13));
}

static void set_up(const u8 *in)
{
	u32 i;

	m_reset_touched((enum mode)(in[0] % 5));
	m.via_user = in[0] & 0x80;
	fill_tables(in[1]);
	for (i = 0; i < NST_NR_GPRS; i++)
		if (i != NST_RSP || in[0] & 0x40)
			m.e.gpr[i] = reg_value(in[4 + i]);
	m.e.rflags |= (in[2] & 0xd5) | (u64)(in[3] & 0x7f) << 8;
	m.e.amd = in[0] & 0x20;
	if (in[1] & 1 && m.e.cr0 & X86_CR0_PE)
		m.e.cpl = 3;
	if (in[1] & 8)
		m.e.cr4 |= X86_CR4_VME | X86_CR4_PVI | X86_CR4_UMIP | X86_CR4_DE;
	if (in[1] & 2)
		m.e.cr4 |= X86_CR4_OSFXSR | X86_CR4_OSXSAVE | X86_CR4_FSGSBASE;
	for (i = 0; i < NST_NR_CPUID && in[20] & 0x80; i++)
		m.e.cpuid[i] = in[20] * 0x01010101u * (i + 1);
	m.wanted_icpt = in[21] & 0x40 ? 1 + in[21] % NST_NR_ICPT : 0;
	m.e.dr7 = in[22] & 0x80 ? (u64)(in[22] & 0x7f) << 16 | 0x400 | in[21] : 0;
	m.e.dr[0] = in[22] & 1 ? CODE_ADDR + (in[23] & 7) : reg_value(in[23]);
	m.e.dr[1] = DATA_ADDR + in[23];
	m.fx[2] = in[23];
	m.fx[4] = in[22];
	m.e.xcr0 = in[1] & 4 ? 7 : 1;
	m.absent[(DATA_ADDR >> 12) + (in[2] & 7)] = true;
	m.readonly[(DATA_ADDR >> 12) + (in[3] & 7)] = true;
}

static enum nst_emul_result checked_step(void)
{
	static struct nst_emul before;
	enum nst_emul_result r;

	before = m.e;
	r = m_step();
	check(r != NST_EMUL_DEAD && r <= NST_EMUL_DEAD);
	check((r == NST_EMUL_FAULT) == m.e.exc.valid);
	check(m.e.insn_len <= NST_EMUL_INSN_MAX && m.e.cpl <= 3);
	if (r == NST_EMUL_USER || r == NST_EMUL_UNKNOWN)
		check(same_registers(&before, &m.e));
	if (r == NST_EMUL_INTERCEPTED && !m.e.d.partial)
		check(same_registers(&before, &m.e));
	if (r == NST_EMUL_FAULT && !m.e.d.partial && !m.e.d.committed)
		check(same_registers(&before, &m.e));
	if (r == NST_EMUL_AGAIN)
		check(m.e.rip == before.rip);
	return r;
}

int LLVMFuzzerTestOneInput(const u8 *in, size_t len);

int LLVMFuzzerTestOneInput(const u8 *in, size_t len)
{
	u32 i;

	if (len <= HEADER || len > HEADER + 0x800)
		return -1;
	set_up(in);
	m_code(in + HEADER, (u32)len - HEADER);
	for (i = 0; i < STEPS && m.logged < MAX_USER; i++) {
		enum nst_emul_result r = checked_step();

		if (r != NST_EMUL_OK && r != NST_EMUL_AGAIN)
			break;
	}
	return 0;
}
