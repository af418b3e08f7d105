/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The language of the opcode tables: one row an instruction form. A column
 * names where an operand is and how wide, in the letters of SDM2 "Opcode Map":
 * E is ModRM register or memory, G the ModRM register, M memory only, and so
 * on. A row without a handler and without a group is an instruction we do not
 * know.
 */
#ifndef NST_EMUL_OPCODES_H
#define NST_EMUL_OPCODES_H

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
#define Md	NST_OPND(MEM, D)
#define Mw	NST_OPND(MEM, W)
#define Mt	NST_OPND(MEM, T)
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
#define FX	(NST_F_FX | NST_F_NOSRC)
#define AVX	(NST_F_AVX | NST_F_NOSRC | NST_F_NOVVVV)
#define ALGN	NST_F_ALIGN

#define ROW(text, handler, fl, ...) \
	{ .name = (text), .exec = nst_x_##handler, .flags = (fl), .op = { __VA_ARGS__ } }
#define ROWF(need, text, handler, fl, ...) \
	{ .name = (text), .exec = nst_x_##handler, .flags = (fl), .op = { __VA_ARGS__ }, \
	  .feat = NST_FEAT_##need }
#define VIRT(text, id, fl, ...) \
	{ .name = (text), .exec = nst_x_virt, .flags = (fl) | NST_F_NOSRC, \
	  .op = { __VA_ARGS__ }, .arg = NST_VIRT_##id }
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

#endif /* NST_EMUL_OPCODES_H */
