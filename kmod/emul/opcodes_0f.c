// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode map behind 0F as data. Pure.
 */
#include "opcodes.h"

static const struct nst_opcode group8[8] = {
	[4] = ROW("bt", bt, RD, Ev, Ib),
	[5] = ROW("bts", bts, RWL, Ev, Ib),
	[6] = ROW("btr", btr, RWL, Ev, Ib),
	[7] = ROW("btc", btc, RWL, Ev, Ib),
};

static const struct nst_opcode op_0fc7_6[4] = {
	VIRT("vmptrld", VMPTRLD, 0, Mq),
	VIRT("vmclear", VMCLEAR, 0, Mq),
	VIRT("vmxon", VMXON, 0, Mq),
};

static const struct nst_opcode op_0fc7_7[4] = {
	VIRT("vmptrst", VMPTRST, 0, Mq),
};

static const struct nst_opcode group9_mem[8] = {
	[1] = ROW("cmpxchg8b", cmpxchg_wide, NST_F_LOCK, Mq),
	[6] = SUB(op_0fc7_6, NST_F_PFX),
	[7] = SUB(op_0fc7_7, NST_F_PFX),
};

/* Mandatory prefix: none, 66, F3, F2. */
static const struct nst_opcode op_0fc7_reg6[4] = {
	ROWF(RDRAND, "rdrand", rdrand, WR, NST_OPND(RMREG, V)),
	ROWF(RDRAND, "rdrand", rdrand, WR, NST_OPND(RMREG, V)),
};

static const struct nst_opcode op_0fc7_reg7[4] = {
	ROWF(RDSEED, "rdseed", rdrand, WR, NST_OPND(RMREG, V)),
	ROWF(RDSEED, "rdseed", rdrand, WR, NST_OPND(RMREG, V)),
	ROWF(RDPID, "rdpid", rdpid, WR, Rn),
};

static const struct nst_opcode group9_reg[8] = {
	[6] = SUB(op_0fc7_reg6, NST_F_PFX),
	[7] = SUB(op_0fc7_reg7, NST_F_PFX),
};

static const struct nst_opcode group9[2] = {
	SUB(group9_mem, NST_F_GRP),
	SUB(group9_reg, NST_F_GRP),
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

static const struct nst_opcode op_0f01_0[8] = {
	[1] = VIRT("vmcall", VMCALL, 0),
	[2] = VIRT("vmlaunch", VMLAUNCH, 0),
	[3] = VIRT("vmresume", VMRESUME, 0),
	[4] = VIRT("vmxoff", VMXOFF, 0),
};

static const struct nst_opcode op_0f01_3[8] = {
	[0] = VIRT("vmrun", VMRUN, 0),
	[1] = VIRT("vmmcall", VMMCALL, 0),
	[2] = VIRT("vmload", VMLOAD, 0),
	[3] = VIRT("vmsave", VMSAVE, 0),
	[4] = VIRT("stgi", STGI, 0),
	[5] = VIRT("clgi", CLGI, 0),
	[6] = VIRT("skinit", SKINIT, 0),
	[7] = VIRT("invlpga", INVLPGA, 0),
};

static const struct nst_opcode op_0f01_1[8] = {
	[0] = ROWF(MONITOR, "monitor", monitor, 0),
	[1] = ROWF(MONITOR, "mwait", mwait, 0),
	[2] = ROWF(SMAP, "clac", set_ac, 0),
	[3] = ROWF(SMAP, "stac", set_ac, 0),
};

static const struct nst_opcode op_0f01_2[8] = {
	[0] = ROWF(XSAVE, "xgetbv", xgetbv, 0),
	[1] = ROWF(XSAVE, "xsetbv", xsetbv, 0),
	[4] = VIRT("vmfunc", VMFUNC, 0),
};

static const struct nst_opcode op_0f01_7[8] = {
	[0] = ROW("swapgs", swapgs, O64 | PRIV),
	[1] = ROWF(RDTSCP, "rdtscp", rdtscp, 0),
};

static const struct nst_opcode group7_reg[8] = {
	[0] = SUB(op_0f01_0, NST_F_RM),
	[1] = SUB(op_0f01_1, NST_F_RM),
	[2] = SUB(op_0f01_2, NST_F_RM),
	[3] = SUB(op_0f01_3, NST_F_RM),
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
	[1] = ROWF(CLWB, "clwb", clflush, 0, Mb),
};

static const struct nst_opcode op_0fae_7[4] = {
	ROWF(CLFSH, "clflush", clflush, 0, Mb),
	ROWF(CLFLUSHOPT, "clflushopt", clflush, 0, Mb),
};

static const struct nst_opcode op_0fae_0[4] = { ROWF(FXSR, "fxsave", fxsave, FX, Mb) };
static const struct nst_opcode op_0fae_1[4] = { ROWF(FXSR, "fxrstor", fxrstor, FX, Mb) };
static const struct nst_opcode op_0fae_2[4] = { ROWF(SSE, "ldmxcsr", ldmxcsr, NST_F_SSE | RD, Md) };
static const struct nst_opcode op_0fae_3[4] = { ROWF(SSE, "stmxcsr", stmxcsr, SSE | WR, Md) };

static const struct nst_opcode group15_mem[8] = {
	[0] = SUB(op_0fae_0, NST_F_PFX),
	[1] = SUB(op_0fae_1, NST_F_PFX),
	[2] = SUB(op_0fae_2, NST_F_PFX),
	[3] = SUB(op_0fae_3, NST_F_PFX),
	[6] = SUB(op_0fae_6, NST_F_PFX),
	[7] = SUB(op_0fae_7, NST_F_PFX),
};

static const struct nst_opcode op_0fae_fsbase[4] = {
	[2] = ROWF(FSGSBASE, "rdfsbase", fs_gs_base, WR | O64, Ey),
};

static const struct nst_opcode op_0fae_wrfsbase[4] = {
	[2] = ROWF(FSGSBASE, "wrfsbase", fs_gs_base, RW | O64, Ey),
};

static const struct nst_opcode op_0fae_fence[4] = {
	ROWF(SSE2, "fence", nop, 0),
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

/* Mandatory prefix: none, 66, F3, F2. */
static const struct nst_opcode op_0f10[4] = {
	ROWF(SSE, "movups", vmov, SSE, Vx, Wx),
	ROWF(SSE2, "movupd", vmov, SSE, Vx, Wx),
	ROWF(SSE, "movss", vmov_scalar, SSE, Vx, Wd),
	ROWF(SSE2, "movsd", vmov_scalar, SSE, Vx, Wq),
};

static const struct nst_opcode op_0f11[4] = {
	ROWF(SSE, "movups", vmov, SSE, Wx, Vx),
	ROWF(SSE2, "movupd", vmov, SSE, Wx, Vx),
	ROWF(SSE, "movss", vmov_scalar, SSE, Wd, Vd),
	ROWF(SSE2, "movsd", vmov_scalar, SSE, Wq, Vq),
};

static const struct nst_opcode op_0f12_mem[4] = {
	ROWF(SSE, "movlps", vmov, SSE, Vq, Mq),
	ROWF(SSE2, "movlpd", vmov, SSE, Vq, Mq),
};

static const struct nst_opcode op_0f13_mem[4] = {
	ROWF(SSE, "movlps", vmov, SSE, Mq, Vq),
	ROWF(SSE2, "movlpd", vmov, SSE, Mq, Vq),
};

static const struct nst_opcode op_0f16_mem[4] = {
	ROWF(SSE, "movhps", vmov_high, SSE, Vq, Mq),
	ROWF(SSE2, "movhpd", vmov_high, SSE, Vq, Mq),
};

static const struct nst_opcode op_0f17_mem[4] = {
	ROWF(SSE, "movhps", vmov_high, SSE, Mq, Vq),
	ROWF(SSE2, "movhpd", vmov_high, SSE, Mq, Vq),
};

static const struct nst_opcode op_0f12[2] = { SUB(op_0f12_mem, NST_F_PFX) };
static const struct nst_opcode op_0f13[2] = { SUB(op_0f13_mem, NST_F_PFX) };
static const struct nst_opcode op_0f16[2] = { SUB(op_0f16_mem, NST_F_PFX) };
static const struct nst_opcode op_0f17[2] = { SUB(op_0f17_mem, NST_F_PFX) };

static const struct nst_opcode op_0f28[4] = {
	ROWF(SSE, "movaps", vmov, SSE | ALGN, Vx, Wx),
	ROWF(SSE2, "movapd", vmov, SSE | ALGN, Vx, Wx),
};

static const struct nst_opcode op_0f29[4] = {
	ROWF(SSE, "movaps", vmov, SSE | ALGN, Wx, Vx),
	ROWF(SSE2, "movapd", vmov, SSE | ALGN, Wx, Vx),
};

static const struct nst_opcode op_0f2b[4] = {
	ROWF(SSE, "movntps", vmov, SSE | ALGN, Mx, Vx),
	ROWF(SSE2, "movntpd", vmov, SSE | ALGN, Mx, Vx),
};

static const struct nst_opcode op_0f6e[4] = {
	ROWF(MMX, "movd", vmov, MMX, Pq, Ey),
	ROWF(SSE2, "movd", vmov, SSE, Vx, Ey),
};

static const struct nst_opcode op_0f6f[4] = {
	ROWF(MMX, "movq", vmov, MMX, Pq, Qq),
	ROWF(SSE2, "movdqa", vmov, SSE | ALGN, Vx, Wx),
	ROWF(SSE2, "movdqu", vmov, SSE, Vx, Wx),
};

static const struct nst_opcode op_0f7e[4] = {
	ROWF(MMX, "movd", vmov, MMX, Ey, Pq),
	ROWF(SSE2, "movd", vmov, SSE, Ey, Vx),
	ROWF(SSE2, "movq", vmov, SSE, Vx, Wq),
};

static const struct nst_opcode op_0f7f[4] = {
	ROWF(MMX, "movq", vmov, MMX, Qq, Pq),
	ROWF(SSE2, "movdqa", vmov, SSE | ALGN, Wx, Vx),
	ROWF(SSE2, "movdqu", vmov, SSE, Wx, Vx),
};

static const struct nst_opcode op_0fb8[4] = {
	[2] = ROWF(POPCNT, "popcnt", popcnt, WR, Gv, Ev),
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
	ROWF(SSE2, "movnti", mov, WR, My, Gy),
};

static const struct nst_opcode op_0fd6_mem[4] = {
	[1] = ROWF(SSE2, "movq", vmov, SSE, Mq, Vx),
};

static const struct nst_opcode op_0fd6[2] = { SUB(op_0fd6_mem, NST_F_PFX) };

static const struct nst_opcode op_0fe7[4] = {
	ROWF(SSE, "movntq", vmov, MMX, Mq, Pq),
	ROWF(SSE2, "movntdq", vmov, SSE | ALGN, Mx, Vx),
};

static const struct nst_opcode op_0ff0[4] = {
	[3] = ROWF(SSE3, "lddqu", vmov, SSE, Vx, Mx),
};

static const struct nst_opcode op_0f77[4] = { ROWF(MMX, "emms", emms, MMX) };

/* 66 and F2 are SSE4a. */
static const struct nst_opcode op_0f78[4] = {
	VIRT("vmread", VMREAD, 0, En, NST_OPND(REG, N)),
};

static const struct nst_opcode op_0f79[4] = {
	VIRT("vmwrite", VMWRITE, 0, En, NST_OPND(REG, N)),
};

const struct nst_opcode nst_opcodes_0f[256] = {
	[0x00] = SUB(group6, NST_F_GRP),
	[0x01] = SUB(group7, NST_F_MOD),
	[0x02] = ROW("lar", lar, WR | PROT, Gv, Ew),
	[0x03] = ROW("lsl", lsl, WR | PROT, Gv, Ew),
	[0x05] = ROWF(SYSCALL, "syscall", syscall, 0),
	[0x06] = ROW("clts", clts, PRIV),
	[0x07] = ROWF(SYSCALL, "sysret", sysret, 0),
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
	[0x30] = ROWF(MSR, "wrmsr", wrmsr, PRIV),
	[0x31] = ROWF(TSC, "rdtsc", rdtsc, 0),
	[0x32] = ROWF(MSR, "rdmsr", rdmsr, PRIV),
	[0x33] = ROW("rdpmc", rdpmc, 0),
	[0x34] = ROWF(SEP, "sysenter", sysenter, 0),
	[0x35] = ROWF(SEP, "sysexit", sysexit, 0),
	[0x40 ... 0x4f] = ROWF(CMOV, "cmovcc", cmov, RW, Gv, Ev),
	[0x6e] = SUB(op_0f6e, NST_F_PFX),
	[0x6f] = SUB(op_0f6f, NST_F_PFX),
	[0x77] = SUB(op_0f77, NST_F_PFX),
	[0x78] = SUB(op_0f78, NST_F_PFX),
	[0x79] = SUB(op_0f79, NST_F_PFX),
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
	[0xaa] = ROW("rsm", rsm, 0),
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
