// SPDX-License-Identifier: GPL-2.0-only
/*
 * A whole boot in the emulator: real mode, big real mode, protected mode, long
 * mode, as a host without unrestricted guest needs it. The program of program.S
 * says on a port how far it came.
 */
#include "machine.h"
#include "tap.h"

#define MAX_STEPS	2000
#define TIMER_VECTOR	8
#define PORT		0xe9

extern const u8 program_start[], program_end[];

static const char expected[] = "real mode icqfbptdlsx";

/* What the program wrote to its port, as a string. */
static const char *said(void)
{
	static char text[MAX_LOG + 1];
	u32 i, k, n = 0;

	for (i = 0; i < m.logged; i++)
		for (k = 0; k < m.log[i].len && m.log[i].addr == PORT && n < MAX_LOG; k++)
			text[n++] = (char)m.log[i].data[k];
	text[n] = 0;
	return text;
}

static enum nst_emul_result run(u32 *steps)
{
	enum nst_emul_result r = NST_EMUL_OK;
	u32 halted = m.halted;

	for (; *steps < MAX_STEPS && m.halted == halted; ++*steps) {
		r = m_step();
		/* Exceptions of the program go through its own tables. */
		if (r == NST_EMUL_FAULT)
			r = nst_emul_deliver(&m.e, NST_EMUL_EV_EXC, m.e.exc.vector,
					     m.e.exc.has_error, m.e.exc.error_code);
		if (r != NST_EMUL_OK && r != NST_EMUL_AGAIN)
			break;
	}
	return r;
}

static void test_boot(bool via_user)
{
	u32 steps = 0;
	enum nst_emul_result r;

	m_reset(MODE_REAL);
	m.via_user = via_user;
	m.e.cr4 = X86_CR4_OSFXSR;
	m.e.seg[NST_SEG_CS].ar |= NST_AR_CODE;
	m_code(program_start, (u32)(program_end - program_start));
	r = run(&steps);
	tap_ok(r == NST_EMUL_OK && m.halted == 1 && m.e.rflags & X86_EFLAGS_IF,
	       "real mode comes to its HLT");
	r = nst_emul_deliver(&m.e, NST_EMUL_EV_EXT, TIMER_VECTOR, false, 0);
	tap_ok(r == NST_EMUL_OK && !(m.e.rflags & X86_EFLAGS_IF) && m.e.seg[NST_SEG_CS].base == 0,
	       "an interrupt enters its handler through the IVT");
	r = run(&steps);
	tap_ok(r == NST_EMUL_OK && m.halted == 2 && m.e.efer & EFER_LMA &&
	       m.e.seg[NST_SEG_CS].ar & NST_AR_L, "it ends in 64-bit mode");
	if (!tap_ok(!strcmp(said(), expected), "having done all that it should"))
		tap_note("\"%s\", not \"%s\"; result %d at %llx, vector %u", said(), expected, r,
			 (unsigned long long)m.e.rip, m.e.exc.vector);
	tap_ok(m_get(0x20010, 4) == 0x12345678, "big real mode wrote above 64 KiB");
	tap_ok(steps > 100 && steps < MAX_STEPS, "in %u steps", steps);
}

int main(void)
{
	test_boot(false);
	test_boot(true);
	return tap_done();
}
