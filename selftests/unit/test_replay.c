// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay: an instruction whose device accesses are each finished by userspace,
 * with the whole instruction run again after each, ends in the same state and
 * makes the same accesses in the same order as one that is answered at once.
 */
#include "machine.h"
#include "tap.h"

struct replay_case {
	const char *name;
	u8 len;
	u8 code[12];
	u8 accesses;		/* that the device must see */
};

/* RBX and RDI point to device memory, RSI to RAM, RBP to RAM, RCX is 5. */
static const struct replay_case cases[] = {
	{ "mov load", 2, { 0x8b, 0x03 }, 1 },
	{ "mov store", 2, { 0x89, 0x03 }, 1 },
	{ "mov store imm", 6, { 0xc7, 0x03, 1, 2, 3, 4 }, 1 },
	{ "movzx", 3, { 0x0f, 0xb6, 0x03 }, 1 },
	{ "add to memory", 2, { 0x01, 0x03 }, 2 },
	{ "add from memory", 2, { 0x03, 0x03 }, 1 },
	{ "lock or", 3, { 0xf0, 0x09, 0x03 }, 2 },
	{ "xchg", 2, { 0x87, 0x03 }, 2 },
	{ "lock cmpxchg", 4, { 0xf0, 0x0f, 0xb1, 0x03 }, 2 },
	{ "lock xadd", 4, { 0xf0, 0x0f, 0xc1, 0x03 }, 2 },
	{ "cmpxchg8b", 3, { 0x0f, 0xc7, 0x0b }, 2 },
	{ "shl by cl", 2, { 0xd3, 0x23 }, 2 },
	{ "bts", 4, { 0x0f, 0xba, 0x2b, 0x07 }, 2 },
	{ "test", 2, { 0x85, 0x03 }, 1 },
	{ "push", 2, { 0xff, 0x33 }, 1 },
	{ "pop", 2, { 0x8f, 0x03 }, 1 },
	{ "movs to device", 1, { 0xa5 }, 1 },
	{ "rep movsb to device", 2, { 0xf3, 0xa4 }, 5 },
	{ "rep movs within device", 4, { 0x48, 0x89, 0xde, 0xa4 }, 0 },
	{ "rep stosd", 2, { 0xf3, 0xab }, 5 },
	{ "repne scasb", 2, { 0xf2, 0xae }, 5 },
	{ "in", 1, { 0xec }, 1 },
	{ "out", 1, { 0xef }, 1 },
	{ "rep insb to device", 2, { 0xf3, 0x6c }, 2 },
	{ "rep outsb", 2, { 0xf3, 0x6e }, 1 },
	{ "mul", 2, { 0xf7, 0x23 }, 1 },
	{ "cmp with memory", 2, { 0x39, 0x03 }, 1 },
};

static void setup(const struct replay_case *c, bool via_user)
{
	u32 i;

	m_reset(MODE_LONG);
	m_code(c->code, c->len);
	m.via_user = via_user;
	m.device = 0x40;
	for (i = 0; i < 64; i++)
		m.mem[DATA_ADDR + i] = (u8)(0x80u + i);
	m.e.gpr[NST_RAX] = 0x1122334455667788ULL;
	m.e.gpr[NST_RBX] = MMIO_BASE + 0x20;
	m.e.gpr[NST_RDI] = MMIO_BASE + 0x100;
	m.e.gpr[NST_RSI] = DATA_ADDR;
	m.e.gpr[NST_RBP] = DATA_ADDR + 0x100;
	m.e.gpr[NST_RCX] = 5;
	m.e.gpr[NST_RDX] = 0x60;
}

/* Runs all instructions of the case. */
static enum nst_emul_result run(const struct replay_case *c)
{
	enum nst_emul_result r;

	do
		r = m_run();
	while (r == NST_EMUL_OK && m.e.rip > CODE_ADDR && m.e.rip < (u64)CODE_ADDR + c->len);
	return r;
}

static bool same_state(const struct machine *a, const struct machine *b)
{
	if (memcmp(a->e.gpr, b->e.gpr, sizeof(a->e.gpr)) || a->e.rip != b->e.rip ||
	    a->e.rflags != b->e.rflags || memcmp(a->mem, b->mem, sizeof(a->mem)))
		return false;
	return a->logged == b->logged &&
	       !memcmp(a->log, b->log, a->logged * sizeof(a->log[0]));
}

static void test_case(const struct replay_case *c)
{
	static struct machine direct;
	enum nst_emul_result want, got;

	setup(c, false);
	want = run(c);
	direct = m;
	setup(c, true);
	got = run(c);
	tap_ok(want == got && want == NST_EMUL_OK && same_state(&direct, &m), "%s", c->name);
	if (c->accesses)
		tap_ok(m.logged == c->accesses, "%s makes %u accesses", c->name, c->accesses);
}

static void test_user_changes_nothing(void)
{
	static struct nst_emul before;

	m_reset(MODE_LONG);
	M_CODE(0x01, 0x03);
	m.e.gpr[NST_RBX] = MMIO_BASE;
	m.via_user = true;
	before = m.e;
	tap_ok(nst_emul_step(&m.e) == NST_EMUL_USER, "an access needs userspace");
	tap_ok(!memcmp(before.gpr, m.e.gpr, sizeof(before.gpr)) && before.rip == m.e.rip &&
	       before.rflags == m.e.rflags && !memcmp(before.seg, m.e.seg, sizeof(before.seg)),
	       "and nothing has changed");
}

static void test_batch_stops_before_user(void)
{
	m_reset(MODE_LONG);
	M_CODE(0xf3, 0xa4);
	m.via_user = true;
	m.e.gpr[NST_RSI] = DATA_ADDR;
	m.e.gpr[NST_RDI] = MMIO_BASE - 3;
	m.e.gpr[NST_RCX] = 8;
	tap_ok(nst_emul_step(&m.e) == NST_EMUL_AGAIN && m.e.gpr[NST_RCX] == 5 &&
	       m.e.gpr[NST_RDI] == MMIO_BASE, "a batch ends before the element for userspace");
	tap_ok(nst_emul_step(&m.e) == NST_EMUL_USER && m.e.gpr[NST_RCX] == 5,
	       "which the next step asks for");
}

int main(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		test_case(&cases[i]);
	test_user_changes_nothing();
	test_batch_stops_before_user();
	return tap_done();
}
