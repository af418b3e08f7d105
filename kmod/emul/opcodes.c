// SPDX-License-Identifier: GPL-2.0-only
/*
 * The one-byte opcode map as data. Pure.
 */
#include "opcodes.h"

static const struct nst_opcode group1[8] = {
	ROW("add", add, RWL),
	ROW("or", or, RWL),
	ROW("adc", adc, RWL),
	ROW("sbb", sbb, RWL),
	ROW("and", and, RWL),
	ROW("sub", sub, RWL),
	ROW("xor", xor, RWL),
	ROW("cmp", cmp, RD),
};

static const struct nst_opcode group1a[8] = {
	ROW("pop", pop, WR | D64 | NST_F_POPM, Ev),
};

static const struct nst_opcode group2[8] = {
	ROW("rol", rol, RW),
	ROW("ror", ror, RW),
	ROW("rcl", rcl, RW),
	ROW("rcr", rcr, RW),
	ROW("shl", shl, RW),
	ROW("shr", shr, RW),
	ROW("shl", shl, RW),
	ROW("sar", sar, RW),
};

static const struct nst_opcode group3b[8] = {
	ROW("test", test, RD, Eb, Ib),
	ROW("test", test, RD, Eb, Ib),
	ROW("not", not, RWL, Eb),
	ROW("neg", neg, RWL, Eb),
	ROW("mul", mul, RD, Eb),
	ROW("imul", imul1, RD, Eb),
	ROW("div", div, RD, Eb),
	ROW("idiv", idiv, RD, Eb),
};

static const struct nst_opcode group3v[8] = {
	ROW("test", test, RD, Ev, Iz),
	ROW("test", test, RD, Ev, Iz),
	ROW("not", not, RWL, Ev),
	ROW("neg", neg, RWL, Ev),
	ROW("mul", mul, RD, Ev),
	ROW("imul", imul1, RD, Ev),
	ROW("div", div, RD, Ev),
	ROW("idiv", idiv, RD, Ev),
};

static const struct nst_opcode group4[8] = {
	ROW("inc", inc, RWL, Eb),
	ROW("dec", dec, RWL, Eb),
};

static const struct nst_opcode group5[8] = {
	ROW("inc", inc, RWL, Ev),
	ROW("dec", dec, RWL, Ev),
	[2] = ROW("call", call_abs, RD | NEAR, Ev),
	[3] = ROW("call far", call_far, 0, Mv),
	[4] = ROW("jmp", jmp_abs, RD | NEAR, Ev),
	[5] = ROW("jmp far", jmp_far, 0, Mv),
	[6] = ROW("push", push, RD | D64, Ev),
};

static const struct nst_opcode group11b[8] = {
	ROW("mov", mov, WR, Eb, Ib),
};

static const struct nst_opcode group11v[8] = {
	ROW("mov", mov, WR, Ev, Iz),
};

static const struct nst_opcode op_63[2] = {
	[0] = ROW("arpl", arpl, RW | PROT, Ew, Gw),
	[1] = ROW("movsxd", movsx, WR, Gv, Ed),
};

static const struct nst_opcode op_90[4] = {
	ROW("xchg", xchg_acc, RW, Zv, Av),
	ROW("xchg", xchg_acc, RW, Zv, Av),
	ROW("pause", pause, RW, Zv, Av),
	ROW("xchg", xchg_acc, RW, Zv, Av),
};

/* x87: moves and control; arithmetic is not known. SDM2 "Escape Opcode Instructions". */
static const struct nst_opcode op_d9_mem[8] = {
	[0] = ROWF(FPU, "fld", fld, FX, Md),
	[2] = ROWF(FPU, "fst", fst, FX, Md),
	[3] = ROWF(FPU, "fstp", fst, FX, Md),
	[5] = ROWF(FPU, "fldcw", fldcw, FX, Mw),
	[7] = ROWF(FPU, "fnstcw", fnstcw, FX | WR, Mw),
};

static const struct nst_opcode op_db_mem[8] = {
	[0] = ROWF(FPU, "fild", fild, FX, Md),
	[2] = ROWF(FPU, "fist", fist, FX, Md),
	[3] = ROWF(FPU, "fistp", fist, FX, Md),
	[5] = ROWF(FPU, "fld", fld, FX, Mt),
	[7] = ROWF(FPU, "fstp", fst, FX, Mt),
};

static const struct nst_opcode op_db_4[8] = {
	[2] = ROWF(FPU, "fnclex", fnclex, FX),
	[3] = ROWF(FPU, "fninit", fninit, FX),
};

static const struct nst_opcode op_db_reg[8] = {
	[4] = SUB(op_db_4, NST_F_RM),
};

static const struct nst_opcode op_dd_mem[8] = {
	[0] = ROWF(FPU, "fld", fld, FX, Mq),
	[2] = ROWF(FPU, "fst", fst, FX, Mq),
	[3] = ROWF(FPU, "fstp", fst, FX, Mq),
	[7] = ROWF(FPU, "fnstsw", fnstsw, FX | WR, Mw),
};

static const struct nst_opcode op_df_mem[8] = {
	[0] = ROWF(FPU, "fild", fild, FX, Mw),
	[2] = ROWF(FPU, "fist", fist, FX, Mw),
	[3] = ROWF(FPU, "fistp", fist, FX, Mw),
	[5] = ROWF(FPU, "fild", fild, FX, Mq),
	[7] = ROWF(FPU, "fistp", fist, FX, Mq),
};

static const struct nst_opcode op_df_4[8] = {
	[0] = ROWF(FPU, "fnstsw", fnstsw, FX | WR, NST_OPND(ACC, W)),
};

static const struct nst_opcode op_df_reg[8] = {
	[4] = SUB(op_df_4, NST_F_RM),
};

static const struct nst_opcode op_d9[2] = { SUB(op_d9_mem, NST_F_GRP) };
static const struct nst_opcode op_db[2] = {
	SUB(op_db_mem, NST_F_GRP), SUB(op_db_reg, NST_F_GRP)
};

static const struct nst_opcode op_dd[2] = { SUB(op_dd_mem, NST_F_GRP) };
static const struct nst_opcode op_df[2] = {
	SUB(op_df_mem, NST_F_GRP), SUB(op_df_reg, NST_F_GRP)
};

const struct nst_opcode nst_opcodes_1byte[256] = {
	ALU(0x00, "add", add, RWL, RW),
	ALU(0x08, "or", or, RWL, RW),
	ALU(0x10, "adc", adc, RWL, RW),
	ALU(0x18, "sbb", sbb, RWL, RW),
	ALU(0x20, "and", and, RWL, RW),
	ALU(0x28, "sub", sub, RWL, RW),
	ALU(0x30, "xor", xor, RWL, RW),
	ALU(0x38, "cmp", cmp, RD, RD),
	[0x06] = ROW("push es", push_sreg, NO64),
	[0x07] = ROW("pop es", pop_sreg, NO64),
	[0x0e] = ROW("push cs", push_sreg, NO64),
	[0x16] = ROW("push ss", push_sreg, NO64),
	[0x17] = ROW("pop ss", pop_sreg, NO64),
	[0x1e] = ROW("push ds", push_sreg, NO64),
	[0x1f] = ROW("pop ds", pop_sreg, NO64),
	[0x27] = ROW("daa", daa, NO64),
	[0x2f] = ROW("das", das, NO64),
	[0x37] = ROW("aaa", aaa, NO64),
	[0x3f] = ROW("aas", aas, NO64),
	ROW8(0x40, "inc", inc, RW, Zv),
	ROW8(0x48, "dec", dec, RW, Zv),
	ROW8(0x50, "push", push, RD | D64, Zv),
	ROW8(0x58, "pop", pop, WR | D64, Zv),
	[0x60] = ROW("pusha", pusha, NO64),
	[0x61] = ROW("popa", popa, NO64),
	[0x62] = ROW("bound", bound, RD | NO64, Gv, Mv),
	[0x63] = SUB(op_63, NST_F_CODE64),
	[0x68] = ROW("push", push, RD | D64, Iz),
	[0x69] = ROW("imul", imul3, WR, Gv, Ev, Iz),
	[0x6a] = ROW("push", push, RD | D64, Ib),
	[0x6b] = ROW("imul", imul3, WR, Gv, Ev, Ib),
	[0x6c] = ROW("insb", ins, BYTE),
	[0x6d] = ROW("ins", ins, 0),
	[0x6e] = ROW("outsb", outs, BYTE),
	[0x6f] = ROW("outs", outs, 0),
	ROW8(0x70, "jcc", jcc, NEAR, Jb),
	ROW8(0x78, "jcc", jcc, NEAR, Jb),
	[0x80] = SUB(group1, NST_F_GRP, Eb, Ib),
	[0x81] = SUB(group1, NST_F_GRP, Ev, Iz),
	[0x82] = SUB(group1, NST_F_GRP | NO64, Eb, Ib),
	[0x83] = SUB(group1, NST_F_GRP, Ev, Ib),
	[0x84] = ROW("test", test, RD, Eb, Gb),
	[0x85] = ROW("test", test, RD, Ev, Gv),
	[0x86] = ROW("xchg", xchg, RWL | NST_F_XLOCK, Eb, Gb),
	[0x87] = ROW("xchg", xchg, RWL | NST_F_XLOCK, Ev, Gv),
	[0x88] = ROW("mov", mov, WR, Eb, Gb),
	[0x89] = ROW("mov", mov, WR, Ev, Gv),
	[0x8a] = ROW("mov", mov, WR, Gb, Eb),
	[0x8b] = ROW("mov", mov, WR, Gv, Ev),
	[0x8c] = ROW("mov", mov, WR, Ewv, Sw),
	[0x8d] = ROW("lea", lea, WR | NOSRC, Gv, Mv),
	[0x8e] = ROW("mov", mov_sreg, 0, Sw, Ew),
	[0x8f] = SUB(group1a, NST_F_GRP),
	[0x90] = SUB(op_90, NST_F_PFX),
	[0x91 ... 0x97] = ROW("xchg", xchg_acc, RW, Zv, Av),
	[0x98] = ROW("cbw", cbw, 0),
	[0x99] = ROW("cwd", cwd, 0),
	[0x9a] = ROW("call far", call_far, NO64, Ap),
	[0x9b] = ROWF(FPU, "fwait", fwait, 0),
	[0x9c] = ROW("pushf", pushf, D64),
	[0x9d] = ROW("popf", popf, D64),
	[0x9e] = ROW("sahf", sahf, 0),
	[0x9f] = ROW("lahf", lahf, 0),
	[0xa0] = ROW("mov", mov, WR, Ab, Ob),
	[0xa1] = ROW("mov", mov, WR, Av, Ov),
	[0xa2] = ROW("mov", mov, WR, Ob, Ab),
	[0xa3] = ROW("mov", mov, WR, Ov, Av),
	[0xa4] = ROW("movsb", movs, BYTE),
	[0xa5] = ROW("movs", movs, 0),
	[0xa6] = ROW("cmpsb", cmps, BYTE),
	[0xa7] = ROW("cmps", cmps, 0),
	[0xa8] = ROW("test", test, RD, Ab, Ib),
	[0xa9] = ROW("test", test, RD, Av, Iz),
	[0xaa] = ROW("stosb", stos, BYTE),
	[0xab] = ROW("stos", stos, 0),
	[0xac] = ROW("lodsb", lods, BYTE),
	[0xad] = ROW("lods", lods, 0),
	[0xae] = ROW("scasb", scas, BYTE),
	[0xaf] = ROW("scas", scas, 0),
	ROW8(0xb0, "mov", mov, WR, Zb, Ib),
	ROW8(0xb8, "mov", mov, WR, Zv, Iv),
	[0xc0] = SUB(group2, NST_F_GRP, Eb, Ib),
	[0xc1] = SUB(group2, NST_F_GRP, Ev, Ib),
	[0xc2] = ROW("ret", ret, NEAR, Iw),
	[0xc3] = ROW("ret", ret, NEAR),
	[0xc4] = ROW("les", load_far_pointer, WR | NO64 | NOSRC, Gv, Mv),
	[0xc5] = ROW("lds", load_far_pointer, WR | NO64 | NOSRC, Gv, Mv),
	[0xc6] = SUB(group11b, NST_F_GRP),
	[0xc7] = SUB(group11v, NST_F_GRP),
	[0xc8] = ROW("enter", enter, D64, Iw, Ib),
	[0xc9] = ROW("leave", leave, D64),
	[0xca] = ROW("retf", ret_far, 0, Iw),
	[0xcb] = ROW("retf", ret_far, 0),
	[0xcc] = ROW("int3", int3, 0),
	[0xcd] = ROW("int", int, 0, Ib),
	[0xce] = ROW("into", into, NO64),
	[0xcf] = ROW("iret", iret, 0),
	[0xd0] = SUB(group2, NST_F_GRP, Eb, One),
	[0xd1] = SUB(group2, NST_F_GRP, Ev, One),
	[0xd2] = SUB(group2, NST_F_GRP, Eb, CLb),
	[0xd3] = SUB(group2, NST_F_GRP, Ev, CLb),
	[0xd4] = ROW("aam", aam, NO64, Ib),
	[0xd5] = ROW("aad", aad, NO64, Ib),
	[0xd6] = ROW("salc", salc, NO64),
	[0xd7] = ROW("xlat", xlat, 0),
	[0xd9] = SUB(op_d9, NST_F_MOD),
	[0xdb] = SUB(op_db, NST_F_MOD),
	[0xdd] = SUB(op_dd, NST_F_MOD),
	[0xdf] = SUB(op_df, NST_F_MOD),
	[0xe0] = ROW("loopne", loop, NEAR, Jb),
	[0xe1] = ROW("loope", loop, NEAR, Jb),
	[0xe2] = ROW("loop", loop, NEAR, Jb),
	[0xe3] = ROW("jcxz", jcxz, NEAR, Jb),
	[0xe4] = ROW("in", in, BYTE, Ib),
	[0xe5] = ROW("in", in, 0, Ib),
	[0xe6] = ROW("out", out, BYTE, Ib),
	[0xe7] = ROW("out", out, 0, Ib),
	[0xe8] = ROW("call", call_rel, NEAR, Jz),
	[0xe9] = ROW("jmp", jmp_rel, NEAR, Jz),
	[0xea] = ROW("jmp far", jmp_far, NO64, Ap),
	[0xeb] = ROW("jmp", jmp_rel, NEAR, Jb),
	[0xec] = ROW("in", in, BYTE),
	[0xed] = ROW("in", in, 0),
	[0xee] = ROW("out", out, BYTE),
	[0xef] = ROW("out", out, 0),
	[0xf1] = ROW("int1", int1, 0),
	[0xf4] = ROW("hlt", hlt, PRIV),
	[0xf5] = ROW("cmc", cmc, 0),
	[0xf6] = SUB(group3b, NST_F_GRP),
	[0xf7] = SUB(group3v, NST_F_GRP),
	[0xf8] = ROW("clc", clc, 0),
	[0xf9] = ROW("stc", stc, 0),
	[0xfa] = ROW("cli", cli, 0),
	[0xfb] = ROW("sti", sti, 0),
	[0xfc] = ROW("cld", cld, 0),
	[0xfd] = ROW("std", std, 0),
	[0xfe] = SUB(group4, NST_F_GRP),
	[0xff] = SUB(group5, NST_F_GRP),
};
