// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder against a table written by hand: length, name, operand size,
 * address and segment of the memory operand, registers, immediates.
 */
#include "emul/insn.h"
#include "machine.h"
#include "tap.h"

struct row {
	const char *text;
	enum mode mode;
	u8 len;
	u8 code[15];
	const char *name;
	u8 opsize;
	s8 mem;		/* which operand is memory, or -1 */
	u8 seg;
	u64 ea;
};

/* Registers hold 0x100 * (number + 1); RIP is CODE_ADDR. */
#define REG(n)	(0x100u * ((n) + 1))

static const struct row rows[] = {
	{ "mov ax, [bx+si]", MODE_REAL, 2, { 0x8b, 0x00 }, "mov", 2, 1, NST_SEG_DS,
	  REG(3) + REG(6) },
	{ "mov ax, [bp+di]", MODE_REAL, 2, { 0x8b, 0x03 }, "mov", 2, 1, NST_SEG_SS,
	  REG(5) + REG(7) },
	{ "mov ax, [bp+di-1]", MODE_REAL, 3, { 0x8b, 0x43, 0xff }, "mov", 2, 1, NST_SEG_SS,
	  REG(5) + REG(7) - 1 },
	{ "mov ax, [1234h]", MODE_REAL, 4, { 0x8b, 0x06, 0x34, 0x12 }, "mov", 2, 1, NST_SEG_DS,
	  0x1234 },
	{ "mov ax, [bp+8000h]", MODE_REAL, 4, { 0x8b, 0x86, 0x00, 0x80 }, "mov", 2, 1, NST_SEG_SS,
	  REG(5) + 0x8000 },
	{ "es: mov ax, [bp]", MODE_REAL, 4, { 0x26, 0x8b, 0x46, 0x00 }, "mov", 2, 1, NST_SEG_ES,
	  REG(5) },
	{ "mov eax, [ebx*8+12345678h]", MODE_REAL, 9,
	  { 0x66, 0x67, 0x8b, 0x04, 0xdd, 0x78, 0x56, 0x34, 0x12 }, "mov", 4, 1, NST_SEG_DS,
	  REG(3) * 8 + 0x12345678 },
	{ "mov eax, [ebp+4]", MODE_PROT32, 3, { 0x8b, 0x45, 0x04 }, "mov", 4, 1, NST_SEG_SS,
	  REG(5) + 4 },
	{ "mov eax, [esp]", MODE_PROT32, 3, { 0x8b, 0x04, 0x24 }, "mov", 4, 1, NST_SEG_SS,
	  STACK_TOP },
	{ "mov eax, [ebp+ecx*2+0]", MODE_PROT32, 4, { 0x8b, 0x44, 0x4d, 0x00 }, "mov", 4, 1,
	  NST_SEG_SS,
	  REG(5) + 2 * REG(1) },
	{ "mov eax, [ecx*4+10h]", MODE_PROT32, 7, { 0x8b, 0x04, 0x8d, 0x10, 0, 0, 0 }, "mov", 4, 1,
	  NST_SEG_DS, 4 * REG(1) + 0x10 },
	{ "a16 mov eax, [si]", MODE_PROT32, 3, { 0x67, 0x8b, 0x04 }, "mov", 4, 1, NST_SEG_DS,
	  REG(6) },
	{ "o16 mov ax, [disp32]", MODE_PROT32, 7,
	  { 0x66, 0x8b, 0x05, 0x44, 0x33, 0x22, 0x11 }, "mov", 2,
	  1, NST_SEG_DS, 0x11223344 },
	{ "mov [moffs32], eax", MODE_PROT32, 5, { 0xa3, 1, 2, 3, 4 }, "mov", 4, 0, NST_SEG_DS,
	  0x04030201 },
	{ "mov eax, [rip+10h]", MODE_LONG, 6, { 0x8b, 0x05, 0x10, 0, 0, 0 }, "mov", 4, 1,
	  NST_SEG_DS,
	  CODE_ADDR + 6 + 0x10 },
	{ "mov dword [rip+10h], imm", MODE_LONG, 10,
	  { 0xc7, 0x05, 0x10, 0, 0, 0, 1, 2, 3, 4 }, "mov", 4,
	  0, NST_SEG_DS, CODE_ADDR + 10 + 0x10 },
	{ "a32 mov eax, [eip-2000h]", MODE_LONG, 7,
	  { 0x67, 0x8b, 0x05, 0, 0xe0, 0xff, 0xff }, "mov", 4, 1,
	  NST_SEG_DS, (u32)(CODE_ADDR + 7 - 0x2000) },
	{ "mov rax, [abs]", MODE_LONG, 8, { 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0x80 }, "mov", 8, 1,
	  NST_SEG_DS, 0xffffffff80000000ULL },
	{ "mov r8, [r12]", MODE_LONG, 4, { 0x4d, 0x8b, 0x04, 0x24 }, "mov", 8, 1, NST_SEG_DS,
	  REG(12) },
	{ "mov r8, [r13]", MODE_LONG, 4, { 0x4d, 0x8b, 0x45, 0x00 }, "mov", 8, 1, NST_SEG_DS,
	  REG(13) },
	{ "mov eax, [rax+r12*2]", MODE_LONG, 4, { 0x42, 0x8b, 0x04, 0x60 }, "mov", 4, 1, NST_SEG_DS,
	  REG(0) + 2 * REG(12) },
	{ "gs mov rax, [rbx]", MODE_LONG, 4, { 0x65, 0x48, 0x8b, 0x03 }, "mov", 8, 1, NST_SEG_GS,
	  REG(3) },
	{ "es prefix is null in 64-bit", MODE_LONG, 4, { 0x65, 0x26, 0x8b, 0x03 }, "mov", 4, 1,
	  NST_SEG_GS,
	  REG(3) },
	{ "REX before 66 is ignored", MODE_LONG, 4, { 0x48, 0x66, 0x8b, 0x03 }, "mov", 2, 1,
	  NST_SEG_DS,
	  REG(3) },
	{ "mov al, [moffs64]", MODE_LONG, 9, { 0xa0, 8, 7, 6, 5, 4, 3, 2, 1 }, "mov", 4, 1,
	  NST_SEG_DS,
	  0x0102030405060708ULL },
	{ "mov rax, imm64", MODE_LONG, 10, { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, "mov", 8, -1, 0,
	  0 },
	{ "pop [rsp+8]", MODE_LONG, 4, { 0x8f, 0x44, 0x24, 0x08 }, "pop", 8, 0, NST_SEG_SS,
	  STACK_TOP + 8 + 8 },
	{ "enter", MODE_LONG, 4, { 0xc8, 0x10, 0, 1 }, "enter", 8, -1, 0, 0 },
	{ "test bl, imm", MODE_LONG, 3, { 0xf6, 0xc3, 0x01 }, "test", 4, -1, 0, 0 },
	{ "not bl", MODE_LONG, 2, { 0xf6, 0xd3 }, "not", 4, -1, 0, 0 },
	{ "imul r, m, imm16", MODE_LONG, 5, { 0x66, 0x69, 0x03, 1, 2 }, "imul", 2, 1, NST_SEG_DS,
	  REG(3) },
	{ "push imm32 in 64-bit", MODE_LONG, 5, { 0x68, 1, 2, 3, 4 }, "push", 8, -1, 0, 0 },
	{ "jcc rel32", MODE_LONG, 6, { 0x0f, 0x84, 1, 0, 0, 0 }, "jcc", 8, -1, 0, 0 },
	{ "jcc rel16", MODE_PROT16, 4, { 0x0f, 0x84, 1, 0 }, "jcc", 2, -1, 0, 0 },
	{ "call far imm", MODE_PROT32, 7, { 0x9a, 1, 2, 3, 4, 8, 0 }, "call far", 4, -1, 0, 0 },
	{ "call far imm16", MODE_PROT16, 5, { 0x9a, 1, 2, 8, 0 }, "call far", 2, -1, 0, 0 },
	{ "lds", MODE_PROT32, 2, { 0xc5, 0x03 }, "lds", 4, 1, NST_SEG_DS, REG(3) },
	{ "les", MODE_PROT16, 2, { 0xc4, 0x07 }, "les", 2, 1, NST_SEG_DS, REG(3) },
	{ "andn in 32-bit code", MODE_PROT32, 5, { 0xc4, 0xe2, 0x78, 0xf2, 0xc1 }, "andn", 4, -1, 0,
	  0 },
	{ "vmovdqu load", MODE_LONG, 4, { 0xc5, 0xfe, 0x6f, 0x03 }, "vmovdqu", 4, 1, NST_SEG_DS,
	  REG(3) },
	{ "movbe", MODE_LONG, 4, { 0x0f, 0x38, 0xf0, 0x03 }, "movbe", 4, 1, NST_SEG_DS, REG(3) },
	{ "crc32 with 66", MODE_LONG, 6, { 0x66, 0xf2, 0x0f, 0x38, 0xf1, 0x03 }, "crc32", 2, 1,
	  NST_SEG_DS, REG(3) },
	{ "tzcnt", MODE_LONG, 4, { 0xf3, 0x0f, 0xbc, 0x03 }, "tzcnt", 4, 1, NST_SEG_DS, REG(3) },
	{ "bsf with F2", MODE_LONG, 4, { 0xf2, 0x0f, 0xbc, 0x03 }, "bsf", 4, 1, NST_SEG_DS,
	  REG(3) },
	{ "movq xmm, m64", MODE_LONG, 4, { 0xf3, 0x0f, 0x7e, 0x03 }, "movq", 4, 1, NST_SEG_DS,
	  REG(3) },
	{ "inc eax in 32-bit code", MODE_PROT32, 1, { 0x40 }, "inc", 4, -1, 0, 0 },
	{ "pause", MODE_LONG, 2, { 0xf3, 0x90 }, "pause", 4, -1, 0, 0 },
	{ "movsxd", MODE_LONG, 3, { 0x48, 0x63, 0x03 }, "movsxd", 8, 1, NST_SEG_DS, REG(3) },
	{ "arpl", MODE_PROT32, 2, { 0x63, 0x03 }, "arpl", 4, 0, NST_SEG_DS, REG(3) },
	{ "mov cr8, rax", MODE_LONG, 4, { 0x44, 0x0f, 0x22, 0xc0 }, "mov", 4, -1, 0, 0 },
	{ "vm86 mov al, [bx]", MODE_VM86, 2, { 0x8a, 0x07 }, "mov", 2, 1, NST_SEG_DS, REG(3) },
};

static void setup(enum mode mode)
{
	u32 i;

	m_reset(mode);
	for (i = 0; i < NST_NR_GPRS; i++)
		if (i != NST_RSP)
			m.e.gpr[i] = REG(i);
}

static void test_row(const struct row *row)
{
	const struct nst_emul_insn *d = &m.e.d;
	enum nst_emul_result r;
	bool good;

	setup(row->mode);
	m_code(row->code, sizeof(row->code));
	r = nst_emul_decode(&m.e);
	good = r == NST_EMUL_OK && m.e.insn_len == row->len &&
	       !strcmp(d->row->name, row->name) && d->opsize == row->opsize;
	if (good && row->mem >= 0)
		good = d->op[row->mem].kind == NST_K_MEM && d->op[row->mem].ea == row->ea &&
		       d->op[row->mem].seg == row->seg;
	if (good && row->mem < 0)
		good = d->op[0].kind != NST_K_MEM && d->op[1].kind != NST_K_MEM;
	if (tap_ok(good, "%s", row->text))
		return;
	tap_note("result %d, length %u, opsize %u", r, m.e.insn_len, d->opsize);
	if (r == NST_EMUL_OK)
		tap_note("%s, ea %llx %llx", d->row->name, (unsigned long long)d->op[0].ea,
			 (unsigned long long)d->op[1].ea);
}

static void test_operands(void)
{
	const struct nst_emul_operand *op = m.e.d.op;

	setup(MODE_LONG);
	M_CODE(0x88, 0xe5);
	nst_emul_decode(&m.e);
	tap_ok(op[0].kind == NST_K_GPR_HIGH && op[0].reg == NST_RCX &&
	       op[1].kind == NST_K_GPR_HIGH && op[1].reg == NST_RAX, "mov ch, ah");
	M_CODE(0x40, 0x88, 0xe5);
	nst_emul_decode(&m.e);
	tap_ok(op[0].kind == NST_K_GPR && op[0].reg == NST_RBP && op[1].kind == NST_K_GPR &&
	       op[1].reg == NST_RSP, "with REX it is mov bpl, spl");
	M_CODE(0x83, 0xc0, 0x80);
	nst_emul_decode(&m.e);
	tap_ok(op[1].kind == NST_K_IMM && op[1].val == (u64)-128, "imm8 is sign-extended");
	M_CODE(0x4f, 0x01, 0xc7);
	nst_emul_decode(&m.e);
	tap_ok(op[0].reg == NST_R15 && op[1].reg == NST_R8 && op[0].size == 8,
	       "add r15, r8");
	M_CODE(0xf0, 0xf3, 0x48, 0x0f, 0xb1, 0x0b);
	nst_emul_decode(&m.e);
	tap_ok(m.e.d.lock && m.e.d.rep == 0xf3 && m.e.insn_len == 6, "lock and rep are noted");
}

int main(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		test_row(&rows[i]);
	test_operands();
	return tap_done();
}
