// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode maps as data: one row an instruction form. A column names where
 * an operand is and how wide, in the letters of SDM2 "Opcode Map": E is ModRM
 * register or memory, G the ModRM register, M memory only, and so on. A row
 * without a handler and without a group is an instruction we do not know.
 * Pure.
 */
#include "exec.h"

#define Eb	NST_OPND(RM, B)
#define Ew	NST_OPND(RM, W)
#define Ed	NST_OPND(RM, D)
#define Ev	NST_OPND(RM, V)
#define Ey	NST_OPND(RM, Y)
#define En	NST_OPND(RM, N)
#define Ewv	NST_OPND(RM, WV)
#define Mb	NST_OPND(MEM, B)
#define Mv	NST_OPND(MEM, V)
#define My	NST_OPND(MEM, Y)
#define Mq	NST_OPND(MEM, Q)
#define Mx	NST_OPND(MEM, X)
#define Gb	NST_OPND(REG, B)
#define Gw	NST_OPND(REG, W)
#define Gv	NST_OPND(REG, V)
#define Gy	NST_OPND(REG, Y)
#define Rn	NST_OPND(RMREG, N)
#define Zb	NST_OPND(OPREG, B)
#define Zv	NST_OPND(OPREG, V)
#define Ab	NST_OPND(ACC, B)
#define Av	NST_OPND(ACC, V)
#define CLb	NST_OPND(CL, B)
#define One	NST_OPND(ONE, B)
#define Ib	NST_OPND(IMM, B)
#define Iw	NST_OPND(IMM, W)
#define Iz	NST_OPND(IMM, Z)
#define Iv	NST_OPND(IMM_FULL, V)
#define Jb	NST_OPND(REL, B)
#define Jz	NST_OPND(REL, Z)
#define Ob	NST_OPND(MOFFS, B)
#define Ov	NST_OPND(MOFFS, V)
#define Ap	NST_OPND(FAR, V)
#define Cn	NST_OPND(CR, N)
#define Dn	NST_OPND(DR, N)
#define Sw	NST_OPND(SREG, W)
#define By	NST_OPND(VVVV, Y)
#define Vd	NST_OPND(XREG, D)
#define Vq	NST_OPND(XREG, Q)
#define Vx	NST_OPND(XREG, X)
#define Vl	NST_OPND(XREG, L)
#define Wd	NST_OPND(XRM, D)
#define Wq	NST_OPND(XRM, Q)
#define Wx	NST_OPND(XRM, X)
#define Wl	NST_OPND(XRM, L)
#define Pq	NST_OPND(MREG, Q)
#define Pd	NST_OPND(MREG, D)
#define Qq	NST_OPND(MRM, Q)

/* Short names of the flags, so that a row fits on a line. */
#define RD	NST_F_RD
#define WR	NST_F_WR
#define RW	NST_F_RW
#define RWL	(NST_F_RW | NST_F_LOCK)
#define BYTE	NST_F_BYTE
#define D64	NST_F_D64
#define PRIV	NST_F_PRIV
#define PROT	NST_F_PROT
#define O64	NST_F_ONLY64
#define NO64	NST_F_NO64
#define NOSRC	NST_F_NOSRC
#define NEAR	(NST_F_F64 | NST_F_BRANCH)
#define SSE	(NST_F_SSE | NST_F_NOSRC)
#define MMX	(NST_F_MMX | NST_F_NOSRC)
#define AVX	(NST_F_AVX | NST_F_NOSRC | NST_F_NOVVVV)
#define ALGN	NST_F_ALIGN

#define ROW(text, handler, fl, ...) \
	{ .name = (text), .exec = nst_x_##handler, .flags = (fl), .op = { __VA_ARGS__ } }
#define SUB(table, fl, ...) \
	{ .sub = (table), .flags = (fl), .op = { __VA_ARGS__ } }
#define KEYED(byte, text, handler, fl, ...) \
	{ .key = (byte), .name = (text), .exec = nst_x_##handler, .flags = (fl), \
	  .op = { __VA_ARGS__ } }
#define KEYED_SUB(byte, table, fl) \
	{ .key = (byte), .sub = (table), .flags = (fl) }

/* Eight rows 40+r style: the register is in the opcode. */
#define ROW8(base, text, handler, fl, ...) \
	[(base) ... (base) + 7] = ROW(text, handler, fl, __VA_ARGS__)

/* The six forms that each of the eight basic operations has. */
#define ALU(base, text, handler, fl, acc_fl) \
	[(base) + 0] = ROW(text, handler, fl, Eb, Gb), \
	[(base) + 1] = ROW(text, handler, fl, Ev, Gv), \
	[(base) + 2] = ROW(text, handler, acc_fl, Gb, Eb), \
	[(base) + 3] = ROW(text, handler, acc_fl, Gv, Ev), \
	[(base) + 4] = ROW(text, handler, acc_fl, Ab, Ib), \
	[(base) + 5] = ROW(text, handler, acc_fl, Av, Iz)

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

static const struct nst_opcode group8[8] = {
	[4] = ROW("bt", bt, RD, Ev, Ib),
	[5] = ROW("bts", bts, RWL, Ev, Ib),
	[6] = ROW("btr", btr, RWL, Ev, Ib),
	[7] = ROW("btc", btc, RWL, Ev, Ib),
};

static const struct nst_opcode group9_mem[8] = {
	[1] = ROW("cmpxchg8b", cmpxchg_wide, NST_F_LOCK, Mq),
};

static const struct nst_opcode group9[2] = {
	SUB(group9_mem, NST_F_GRP),
};

static const struct nst_opcode group11b[8] = {
	ROW("mov", mov, WR, Eb, Ib),
};

static const struct nst_opcode group11v[8] = {
	ROW("mov", mov, WR, Ev, Iz),
};

static const struct nst_opcode group6[8] = {
	ROW("sldt", store_sys_seg, WR | PROT, Ewv),
	ROW("str", store_sys_seg, WR | PROT, Ewv),
	ROW("lldt", load_sys_seg, RD | PROT | PRIV, Ew),
	ROW("ltr", load_sys_seg, RD | PROT | PRIV, Ew),
	ROW("verr", verify, RD | PROT, Ew),
	ROW("verw", verify, RD | PROT, Ew),
};

static const struct nst_opcode group7_mem[8] = {
	[0] = ROW("sgdt", store_table, 0, Mb),
	[1] = ROW("sidt", store_table, 0, Mb),
	[2] = ROW("lgdt", load_table, PRIV, Mb),
	[3] = ROW("lidt", load_table, PRIV, Mb),
	[4] = ROW("smsw", smsw, WR, Ewv),
	[6] = ROW("lmsw", lmsw, RD | PRIV, Ew),
	[7] = ROW("invlpg", invlpg, PRIV, Mb),
};

static const struct nst_opcode op_0f01_1[8] = {
	[2] = ROW("clac", set_ac, 0),
	[3] = ROW("stac", set_ac, 0),
};

static const struct nst_opcode op_0f01_2[8] = {
	[0] = ROW("xgetbv", xgetbv, 0),
	[1] = ROW("xsetbv", xsetbv, 0),
};

static const struct nst_opcode op_0f01_7[8] = {
	[0] = ROW("swapgs", swapgs, O64 | PRIV),
	[1] = ROW("rdtscp", rdtscp, 0),
};

static const struct nst_opcode group7_reg[8] = {
	[1] = SUB(op_0f01_1, NST_F_RM),
	[2] = SUB(op_0f01_2, NST_F_RM),
	[4] = ROW("smsw", smsw, WR, Ewv),
	[6] = ROW("lmsw", lmsw, RD | PRIV, Ew),
	[7] = SUB(op_0f01_7, NST_F_RM),
};

static const struct nst_opcode group7[2] = {
	SUB(group7_mem, NST_F_GRP),
	SUB(group7_reg, NST_F_GRP),
};

/* 0F AE with a memory operand; the others of group 15 need the FPU. */
static const struct nst_opcode op_0fae_6[4] = {
	[1] = ROW("clwb", clflush, 0, Mb),
};

static const struct nst_opcode op_0fae_7[4] = {
	ROW("clflush", clflush, 0, Mb),
	ROW("clflushopt", clflush, 0, Mb),
};

static const struct nst_opcode group15_mem[8] = {
	[6] = SUB(op_0fae_6, NST_F_PFX),
	[7] = SUB(op_0fae_7, NST_F_PFX),
};

static const struct nst_opcode op_0fae_fsbase[4] = {
	[2] = ROW("rdfsbase", fs_gs_base, WR | O64, Ey),
};

static const struct nst_opcode op_0fae_wrfsbase[4] = {
	[2] = ROW("wrfsbase", fs_gs_base, RW | O64, Ey),
};

static const struct nst_opcode op_0fae_fence[4] = {
	ROW("fence", nop, 0),
};

static const struct nst_opcode group15_reg[8] = {
	[0] = SUB(op_0fae_fsbase, NST_F_PFX),
	[1] = SUB(op_0fae_fsbase, NST_F_PFX),
	[2] = SUB(op_0fae_wrfsbase, NST_F_PFX),
	[3] = SUB(op_0fae_wrfsbase, NST_F_PFX),
	[5] = SUB(op_0fae_fence, NST_F_PFX),
	[6] = SUB(op_0fae_fence, NST_F_PFX),
	[7] = SUB(op_0fae_fence, NST_F_PFX),
};

static const struct nst_opcode group15[2] = {
	SUB(group15_mem, NST_F_GRP),
	SUB(group15_reg, NST_F_GRP),
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

/* Mandatory prefix: none, 66, F3, F2. */
static const struct nst_opcode op_0f10[4] = {
	ROW("movups", vmov, SSE, Vx, Wx),
	ROW("movupd", vmov, SSE, Vx, Wx),
	ROW("movss", vmov_scalar, SSE, Vx, Wd),
	ROW("movsd", vmov_scalar, SSE, Vx, Wq),
};

static const struct nst_opcode op_0f11[4] = {
	ROW("movups", vmov, SSE, Wx, Vx),
	ROW("movupd", vmov, SSE, Wx, Vx),
	ROW("movss", vmov_scalar, SSE, Wd, Vd),
	ROW("movsd", vmov_scalar, SSE, Wq, Vq),
};

static const struct nst_opcode op_0f12_mem[4] = {
	ROW("movlps", vmov, SSE, Vq, Mq),
	ROW("movlpd", vmov, SSE, Vq, Mq),
};

static const struct nst_opcode op_0f13_mem[4] = {
	ROW("movlps", vmov, SSE, Mq, Vq),
	ROW("movlpd", vmov, SSE, Mq, Vq),
};

static const struct nst_opcode op_0f16_mem[4] = {
	ROW("movhps", vmov_high, SSE, Vq, Mq),
	ROW("movhpd", vmov_high, SSE, Vq, Mq),
};

static const struct nst_opcode op_0f17_mem[4] = {
	ROW("movhps", vmov_high, SSE, Mq, Vq),
	ROW("movhpd", vmov_high, SSE, Mq, Vq),
};

static const struct nst_opcode op_0f12[2] = { SUB(op_0f12_mem, NST_F_PFX) };
static const struct nst_opcode op_0f13[2] = { SUB(op_0f13_mem, NST_F_PFX) };
static const struct nst_opcode op_0f16[2] = { SUB(op_0f16_mem, NST_F_PFX) };
static const struct nst_opcode op_0f17[2] = { SUB(op_0f17_mem, NST_F_PFX) };

static const struct nst_opcode op_0f28[4] = {
	ROW("movaps", vmov, SSE | ALGN, Vx, Wx),
	ROW("movapd", vmov, SSE | ALGN, Vx, Wx),
};

static const struct nst_opcode op_0f29[4] = {
	ROW("movaps", vmov, SSE | ALGN, Wx, Vx),
	ROW("movapd", vmov, SSE | ALGN, Wx, Vx),
};

static const struct nst_opcode op_0f2b[4] = {
	ROW("movntps", vmov, SSE | ALGN, Mx, Vx),
	ROW("movntpd", vmov, SSE | ALGN, Mx, Vx),
};

static const struct nst_opcode op_0f6e[4] = {
	ROW("movd", vmov, MMX, Pq, Ey),
	ROW("movd", vmov, SSE, Vx, Ey),
};

static const struct nst_opcode op_0f6f[4] = {
	ROW("movq", vmov, MMX, Pq, Qq),
	ROW("movdqa", vmov, SSE | ALGN, Vx, Wx),
	ROW("movdqu", vmov, SSE, Vx, Wx),
};

static const struct nst_opcode op_0f7e[4] = {
	ROW("movd", vmov, MMX, Ey, Pq),
	ROW("movd", vmov, SSE, Ey, Vx),
	ROW("movq", vmov, SSE, Vx, Wq),
};

static const struct nst_opcode op_0f7f[4] = {
	ROW("movq", vmov, MMX, Qq, Pq),
	ROW("movdqa", vmov, SSE | ALGN, Wx, Vx),
	ROW("movdqu", vmov, SSE, Wx, Vx),
};

static const struct nst_opcode op_0fb8[4] = {
	[2] = ROW("popcnt", popcnt, WR, Gv, Ev),
};

static const struct nst_opcode op_0fbc[4] = {
	ROW("bsf", bsf, WR, Gv, Ev),
	ROW("bsf", bsf, WR, Gv, Ev),
	ROW("tzcnt", tzcnt, WR, Gv, Ev),
	ROW("bsf", bsf, WR, Gv, Ev),
};

static const struct nst_opcode op_0fbd[4] = {
	ROW("bsr", bsr, WR, Gv, Ev),
	ROW("bsr", bsr, WR, Gv, Ev),
	ROW("lzcnt", lzcnt, WR, Gv, Ev),
	ROW("bsr", bsr, WR, Gv, Ev),
};

static const struct nst_opcode op_0fc3[4] = {
	ROW("movnti", mov, WR, My, Gy),
};

static const struct nst_opcode op_0fd6_mem[4] = {
	[1] = ROW("movq", vmov, SSE, Mq, Vx),
};

static const struct nst_opcode op_0fd6[2] = { SUB(op_0fd6_mem, NST_F_PFX) };

static const struct nst_opcode op_0fe7[4] = {
	ROW("movntq", vmov, MMX, Mq, Pq),
	ROW("movntdq", vmov, SSE | ALGN, Mx, Vx),
};

static const struct nst_opcode op_0ff0[4] = {
	[3] = ROW("lddqu", vmov, SSE, Vx, Mx),
};

const struct nst_opcode nst_opcodes_0f[256] = {
	[0x00] = SUB(group6, NST_F_GRP),
	[0x01] = SUB(group7, NST_F_MOD),
	[0x02] = ROW("lar", lar, WR | PROT, Gv, Ew),
	[0x03] = ROW("lsl", lsl, WR | PROT, Gv, Ew),
	[0x05] = ROW("syscall", syscall, 0),
	[0x06] = ROW("clts", clts, PRIV),
	[0x07] = ROW("sysret", sysret, 0),
	[0x08] = ROW("invd", wbinvd, PRIV),
	[0x09] = ROW("wbinvd", wbinvd, PRIV),
	[0x0b] = ROW("ud2", ud, 0),
	[0x0d] = ROW("prefetchw", nop, NOSRC, Eb),
	[0x10] = SUB(op_0f10, NST_F_PFX),
	[0x11] = SUB(op_0f11, NST_F_PFX),
	[0x12] = SUB(op_0f12, NST_F_MOD),
	[0x13] = SUB(op_0f13, NST_F_MOD),
	[0x16] = SUB(op_0f16, NST_F_MOD),
	[0x17] = SUB(op_0f17, NST_F_MOD),
	[0x18 ... 0x1f] = ROW("nop", nop, NOSRC, Ev),
	[0x20] = ROW("mov", read_cr, WR | NOSRC, Rn, Cn),
	[0x21] = ROW("mov", read_dr, WR | NOSRC, Rn, Dn),
	[0x22] = ROW("mov", write_cr, 0, Cn, Rn),
	[0x23] = ROW("mov", write_dr, 0, Dn, Rn),
	[0x28] = SUB(op_0f28, NST_F_PFX),
	[0x29] = SUB(op_0f29, NST_F_PFX),
	[0x2b] = SUB(op_0f2b, NST_F_PFX),
	[0x30] = ROW("wrmsr", wrmsr, PRIV),
	[0x31] = ROW("rdtsc", rdtsc, 0),
	[0x32] = ROW("rdmsr", rdmsr, PRIV),
	[0x33] = ROW("rdpmc", rdpmc, 0),
	[0x34] = ROW("sysenter", sysenter, 0),
	[0x35] = ROW("sysexit", sysexit, 0),
	ROW8(0x40, "cmovcc", cmov, RW, Gv, Ev),
	ROW8(0x48, "cmovcc", cmov, RW, Gv, Ev),
	[0x6e] = SUB(op_0f6e, NST_F_PFX),
	[0x6f] = SUB(op_0f6f, NST_F_PFX),
	[0x7e] = SUB(op_0f7e, NST_F_PFX),
	[0x7f] = SUB(op_0f7f, NST_F_PFX),
	ROW8(0x80, "jcc", jcc, NEAR, Jz),
	ROW8(0x88, "jcc", jcc, NEAR, Jz),
	ROW8(0x90, "setcc", setcc, WR, Eb),
	ROW8(0x98, "setcc", setcc, WR, Eb),
	[0xa0] = ROW("push fs", push_sreg, D64),
	[0xa1] = ROW("pop fs", pop_sreg, D64),
	[0xa2] = ROW("cpuid", cpuid, 0),
	[0xa3] = ROW("bt", bt, RD | NST_F_BITOFF, Ev, Gv),
	[0xa4] = ROW("shld", shld, RW, Ev, Gv, Ib),
	[0xa5] = ROW("shld", shld, RW, Ev, Gv, CLb),
	[0xa8] = ROW("push gs", push_sreg, D64),
	[0xa9] = ROW("pop gs", pop_sreg, D64),
	[0xab] = ROW("bts", bts, RWL | NST_F_BITOFF, Ev, Gv),
	[0xac] = ROW("shrd", shrd, RW, Ev, Gv, Ib),
	[0xad] = ROW("shrd", shrd, RW, Ev, Gv, CLb),
	[0xae] = SUB(group15, NST_F_MOD),
	[0xaf] = ROW("imul", imul2, RW, Gv, Ev),
	[0xb0] = ROW("cmpxchg", cmpxchg, RWL, Eb, Gb),
	[0xb1] = ROW("cmpxchg", cmpxchg, RWL, Ev, Gv),
	[0xb2] = ROW("lss", load_far_pointer, WR | NOSRC, Gv, Mv),
	[0xb3] = ROW("btr", btr, RWL | NST_F_BITOFF, Ev, Gv),
	[0xb4] = ROW("lfs", load_far_pointer, WR | NOSRC, Gv, Mv),
	[0xb5] = ROW("lgs", load_far_pointer, WR | NOSRC, Gv, Mv),
	[0xb6] = ROW("movzx", mov, WR, Gv, Eb),
	[0xb7] = ROW("movzx", mov, WR, Gv, Ew),
	[0xb8] = SUB(op_0fb8, NST_F_PFX),
	[0xb9] = ROW("ud1", ud, NOSRC, Gv, Ev),
	[0xba] = SUB(group8, NST_F_GRP),
	[0xbb] = ROW("btc", btc, RWL | NST_F_BITOFF, Ev, Gv),
	[0xbc] = SUB(op_0fbc, NST_F_PFX),
	[0xbd] = SUB(op_0fbd, NST_F_PFX),
	[0xbe] = ROW("movsx", movsx, WR, Gv, Eb),
	[0xbf] = ROW("movsx", movsx, WR, Gv, Ew),
	[0xc0] = ROW("xadd", xadd, RWL, Eb, Gb),
	[0xc1] = ROW("xadd", xadd, RWL, Ev, Gv),
	[0xc3] = SUB(op_0fc3, NST_F_PFX),
	[0xc7] = SUB(group9, NST_F_MOD),
	ROW8(0xc8, "bswap", bswap, RW, Zv),
	[0xd6] = SUB(op_0fd6, NST_F_MOD),
	[0xe7] = SUB(op_0fe7, NST_F_PFX),
	[0xf0] = SUB(op_0ff0, NST_F_PFX),
	[0xff] = ROW("ud0", ud, NOSRC, Gv, Ev),
};

static const struct nst_opcode op_0f38f0[4] = {
	ROW("movbe", movbe, WR, Gv, Mv),
	ROW("movbe", movbe, WR, Gv, Mv),
	[3] = ROW("crc32", crc32, RW, Gy, Eb),
};

static const struct nst_opcode op_0f38f1[4] = {
	ROW("movbe", movbe, WR, Mv, Gv),
	ROW("movbe", movbe, WR, Mv, Gv),
	[3] = ROW("crc32", crc32, RW, Gy, Ev),
};

static const struct nst_opcode op_0f38f6[4] = {
	[1] = ROW("adcx", adcx, RW, Gy, Ey),
	[2] = ROW("adox", adcx, RW, Gy, Ey),
};

static const struct nst_opcode op_0f382a[4] = {
	[1] = ROW("movntdqa", vmov, SSE | ALGN, Vx, Mx),
};

static const struct nst_opcode map_0f38[] = {
	KEYED_SUB(0x2a, op_0f382a, NST_F_PFX),
	KEYED_SUB(0xf0, op_0f38f0, NST_F_PFX),
	KEYED_SUB(0xf1, op_0f38f1, NST_F_PFX),
	KEYED_SUB(0xf6, op_0f38f6, NST_F_PFX),
};

static const struct nst_opcode vex_0f10[4] = {
	ROW("vmovups", vmov, AVX, Vl, Wl),
	ROW("vmovupd", vmov, AVX, Vl, Wl),
};

static const struct nst_opcode vex_0f11[4] = {
	ROW("vmovups", vmov, AVX, Wl, Vl),
	ROW("vmovupd", vmov, AVX, Wl, Vl),
};

static const struct nst_opcode vex_0f28[4] = {
	ROW("vmovaps", vmov, AVX | ALGN, Vl, Wl),
	ROW("vmovapd", vmov, AVX | ALGN, Vl, Wl),
};

static const struct nst_opcode vex_0f29[4] = {
	ROW("vmovaps", vmov, AVX | ALGN, Wl, Vl),
	ROW("vmovapd", vmov, AVX | ALGN, Wl, Vl),
};

static const struct nst_opcode vex_0f2b[4] = {
	ROW("vmovntps", vmov, AVX | ALGN, NST_OPND(MEM, L), Vl),
	ROW("vmovntpd", vmov, AVX | ALGN, NST_OPND(MEM, L), Vl),
};

static const struct nst_opcode vex_0f6e[4] = {
	[1] = ROW("vmovd", vmov, AVX | NST_F_L0, Vx, Ey),
};

static const struct nst_opcode vex_0f6f[4] = {
	[1] = ROW("vmovdqa", vmov, AVX | ALGN, Vl, Wl),
	[2] = ROW("vmovdqu", vmov, AVX, Vl, Wl),
};

static const struct nst_opcode vex_0f7e[4] = {
	[1] = ROW("vmovd", vmov, AVX | NST_F_L0, Ey, Vx),
	[2] = ROW("vmovq", vmov, AVX | NST_F_L0, Vx, Wq),
};

static const struct nst_opcode vex_0f7f[4] = {
	[1] = ROW("vmovdqa", vmov, AVX | ALGN, Wl, Vl),
	[2] = ROW("vmovdqu", vmov, AVX, Wl, Vl),
};

static const struct nst_opcode vex_0fe7[4] = {
	[1] = ROW("vmovntdq", vmov, AVX | ALGN, NST_OPND(MEM, L), Vl),
};

static const struct nst_opcode vex_map_0f[] = {
	KEYED_SUB(0x10, vex_0f10, NST_F_PFX),
	KEYED_SUB(0x11, vex_0f11, NST_F_PFX),
	KEYED_SUB(0x28, vex_0f28, NST_F_PFX),
	KEYED_SUB(0x29, vex_0f29, NST_F_PFX),
	KEYED_SUB(0x2b, vex_0f2b, NST_F_PFX),
	KEYED_SUB(0x6e, vex_0f6e, NST_F_PFX),
	KEYED_SUB(0x6f, vex_0f6f, NST_F_PFX),
	KEYED_SUB(0x7e, vex_0f7e, NST_F_PFX),
	KEYED_SUB(0x7f, vex_0f7f, NST_F_PFX),
	KEYED_SUB(0xe7, vex_0fe7, NST_F_PFX),
};

static const struct nst_opcode vex_382a[4] = {
	[1] = ROW("vmovntdqa", vmov, AVX | ALGN, Vl, NST_OPND(MEM, L)),
};

static const struct nst_opcode vex_38f2[4] = {
	ROW("andn", andn, WR | NST_F_L0, Gy, By, Ey),
};

/* Group 17: the destination is VEX.vvvv. */
static const struct nst_opcode group17[8] = {
	[1] = ROW("blsr", blsr, WR | NST_F_L0, By, Ey),
	[2] = ROW("blsmsk", blsmsk, WR | NST_F_L0, By, Ey),
	[3] = ROW("blsi", blsi, WR | NST_F_L0, By, Ey),
};

static const struct nst_opcode vex_38f3[4] = {
	SUB(group17, NST_F_GRP),
};

static const struct nst_opcode vex_38f5[4] = {
	ROW("bzhi", bzhi, WR | NST_F_L0, Gy, Ey, By),
	[2] = ROW("pext", pext, WR | NST_F_L0, Gy, By, Ey),
	[3] = ROW("pdep", pdep, WR | NST_F_L0, Gy, By, Ey),
};

static const struct nst_opcode vex_38f6[4] = {
	[3] = ROW("mulx", mulx, WR | NST_F_L0, Gy, By, Ey),
};

static const struct nst_opcode vex_38f7[4] = {
	ROW("bextr", bextr, WR | NST_F_L0, Gy, Ey, By),
	ROW("shlx", shiftx, WR | NST_F_L0, Gy, Ey, By),
	ROW("sarx", shiftx, WR | NST_F_L0, Gy, Ey, By),
	ROW("shrx", shiftx, WR | NST_F_L0, Gy, Ey, By),
};

static const struct nst_opcode vex_map_0f38[] = {
	KEYED_SUB(0x2a, vex_382a, NST_F_PFX),
	KEYED_SUB(0xf2, vex_38f2, NST_F_PFX),
	KEYED_SUB(0xf3, vex_38f3, NST_F_PFX),
	KEYED_SUB(0xf5, vex_38f5, NST_F_PFX),
	KEYED_SUB(0xf6, vex_38f6, NST_F_PFX),
	KEYED_SUB(0xf7, vex_38f7, NST_F_PFX),
};

static const struct nst_opcode vex_3af0[4] = {
	[3] = ROW("rorx", rorx, WR | NST_F_L0 | NST_F_NOVVVV, Gy, Ey, Ib),
};

static const struct nst_opcode vex_map_0f3a[] = {
	KEYED_SUB(0xf0, vex_3af0, NST_F_PFX),
};

static const struct nst_opcode *find(const struct nst_opcode *list, u32 n, u8 key)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (list[i].key == key)
			return &list[i];
	return NULL;
}

const struct nst_opcode *nst_opcode_find(u32 map, bool vex, u8 opcode)
{
	if (!vex)
		return map == 2 ? find(map_0f38, ARRAY_SIZE(map_0f38), opcode) : NULL;
	switch (map) {
	case 1:
		return find(vex_map_0f, ARRAY_SIZE(vex_map_0f), opcode);
	case 2:
		return find(vex_map_0f38, ARRAY_SIZE(vex_map_0f38), opcode);
	case 3:
		return find(vex_map_0f3a, ARRAY_SIZE(vex_map_0f3a), opcode);
	default:
		return NULL;
	}
}
