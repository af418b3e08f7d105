/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the emulator share: the opcode row, the vocabulary its
 * columns are written in, and the helpers that handlers are made of.
 */
#ifndef NST_EMUL_INSN_H
#define NST_EMUL_INSN_H

#include "emul.h"

/* Operand columns of a row: where it is (high byte) and how wide (low byte). */
enum nst_where {
	NST_W_NONE,
	NST_W_RM,		/* ModRM.rm: register or memory */
	NST_W_MEM,		/* ModRM.rm, memory only: else #UD */
	NST_W_RMREG,		/* ModRM.rm, always a register (MOV CR) */
	NST_W_REG,		/* ModRM.reg */
	NST_W_OPREG,		/* low three bits of the opcode */
	NST_W_ACC,		/* AL, AX, EAX, RAX */
	NST_W_CL,
	NST_W_ONE,
	NST_W_IMM,		/* immediate, sign-extended */
	NST_W_IMM_FULL,		/* immediate as wide as the operand: MOV */
	NST_W_REL,		/* signed displacement of a branch */
	NST_W_FAR,		/* offset as operand, selector as operand[1] */
	NST_W_MOFFS,		/* memory at an absolute offset */
	NST_W_SREG,
	NST_W_CR,
	NST_W_DR,
	NST_W_VVVV,		/* register named by VEX.vvvv */
	NST_W_XREG,		/* vector register, ModRM.reg */
	NST_W_XRM,		/* vector register or memory */
	NST_W_MREG,		/* MMX register, ModRM.reg */
	NST_W_MRM,		/* MMX register or memory */
};

enum nst_width {
	NST_S_NONE = 0,
	NST_S_B = 1,
	NST_S_W = 2,
	NST_S_D = 4,
	NST_S_Q = 8,
	NST_S_T = 10,		/* an x87 register */
	NST_S_X = 16,
	NST_S_V = 0x20,		/* operand size */
	NST_S_Y,		/* 4, or 8 with REX.W in 64-bit mode */
	NST_S_Z,		/* operand size, at most 4: immediates */
	NST_S_N,		/* 8 in 64-bit mode, else 4 */
	NST_S_WV,		/* memory: 2; register: operand size */
	NST_S_L,		/* 16 or 32 by VEX.L */
	NST_S_DV,		/* two words of the operand size (BOUND) */
};

#define NST_OPND(where, width)	((NST_W_##where << 8) | NST_S_##width)

/* Row flags. */
#define NST_F_RD	BIT(0)	/* operand 0 is read */
#define NST_F_WR	BIT(1)	/* operand 0 is written */
#define NST_F_RW	(NST_F_RD | NST_F_WR)
#define NST_F_NOSRC	BIT(2)	/* operands 1 and 2 are not read */
#define NST_F_LOCK	BIT(3)	/* LOCK allowed when operand 0 is memory */
#define NST_F_XLOCK	BIT(4)	/* locked even without the prefix */
#define NST_F_PRIV	BIT(5)	/* #GP(0) unless CPL is 0 */
#define NST_F_NO64	BIT(6)	/* #UD in 64-bit mode */
#define NST_F_ONLY64	BIT(7)	/* #UD outside 64-bit mode */
#define NST_F_D64	BIT(8)	/* 64-bit mode: operand size 8 by default */
#define NST_F_F64	BIT(9)	/* 64-bit mode: operand size 8 always */
#define NST_F_PROT	BIT(10)	/* #UD in real and virtual-8086 mode */
#define NST_F_MODRM	BIT(11)	/* has ModRM though no column says so */
#define NST_F_BYTE	BIT(12)	/* string or port operand is a byte */
#define NST_F_BITOFF	BIT(13)	/* register operand 1 moves the address */
#define NST_F_POPM	BIT(14)	/* RSP base counts as already popped */
#define NST_F_SSE	BIT(15)	/* needs SSE enabled */
#define NST_F_MMX	BIT(16)	/* needs MMX enabled */
#define NST_F_AVX	BIT(17)	/* needs AVX enabled */
#define NST_F_ALIGN	BIT(18)	/* memory operand must be aligned */
#define NST_F_BRANCH	BIT(19)	/* near branch */
#define NST_F_L0	BIT(20)	/* VEX.L must be 0 */
#define NST_F_NOVVVV	BIT(21)	/* VEX.vvvv must name no register */
#define NST_F_FX	BIT(22)	/* #NM when the x87 FPU is off or emulated */
/* How ->sub is indexed. */
#define NST_F_GRP	BIT(24)	/* ModRM.reg */
#define NST_F_MOD	BIT(25)	/* 0: memory, 1: register */
#define NST_F_RM	BIT(26)	/* ModRM.rm */
#define NST_F_PFX	BIT(27)	/* none, 66, F3, F2 */
#define NST_F_CODE64	BIT(28)	/* 0: other modes, 1: 64-bit mode */
#define NST_F_SUB	(NST_F_GRP | NST_F_MOD | NST_F_RM | NST_F_PFX | NST_F_CODE64)

struct nst_opcode {
	const char *name;
	enum nst_emul_result (*exec)(struct nst_emul *e);
	const struct nst_opcode *sub;
	u32 flags;
	u16 op[3];
	u8 key;			/* opcode byte, in the tables that are lists */
	u8 arg;			/* for handlers of several rows */
	u8 feat;		/* NST_FEAT_*: #UD when the guest's CPUID hides it */
};

/* nst_emul_operand.kind after decoding. */
enum nst_kind {
	NST_K_NONE,
	NST_K_GPR,
	NST_K_GPR_HIGH,		/* AH, CH, DH, BH */
	NST_K_MEM,
	NST_K_IMM,
	NST_K_SREG,
	NST_K_CR,
	NST_K_DR,
	NST_K_XMM,
	NST_K_MMX,
};

static inline bool nst_has(const struct nst_emul *e, u32 feat)
{
	return !feat || (e->cpuid[(feat - 1) / 32] >> ((feat - 1) % 32)) & 1;
}

#define NST_ARITH_FLAGS	(X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_AF | \
			 X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

static inline u64 nst_mask(u32 size)
{
	return size >= 8 ? ~0ULL : (1ULL << (size * 8)) - 1;
}

static inline u64 nst_top_bit(u32 size)
{
	return 1ULL << (size * 8 - 1);
}

static inline u64 nst_sign_extend(u64 val, u32 size)
{
	u64 top = nst_top_bit(size);

	val &= nst_mask(size);
	return (val ^ top) - top;
}

static inline u64 nst_flag_if(bool cond, u64 flag)
{
	return cond ? flag : 0;
}

static inline void nst_set_flags(struct nst_emul *e, u64 which, u64 val)
{
	e->rflags = (e->rflags & ~which) | (val & which);
}

/* SF, ZF and PF of a result. */
static inline u64 nst_szp(u64 res, u32 size)
{
	u32 low = (u32)res & 0xff;

	low ^= low >> 4;
	return nst_flag_if(!(res & nst_mask(size)), X86_EFLAGS_ZF) |
	       nst_flag_if(res & nst_top_bit(size), X86_EFLAGS_SF) |
	       nst_flag_if((0x9669 >> (low & 0xf)) & 1, X86_EFLAGS_PF);
}

static inline bool nst_protected(const struct nst_emul *e)
{
	return e->cr0 & X86_CR0_PE;
}

static inline bool nst_vm86(const struct nst_emul *e)
{
	return nst_protected(e) && (e->rflags & X86_EFLAGS_VM);
}

static inline bool nst_real_or_vm86(const struct nst_emul *e)
{
	return !nst_protected(e) || (e->rflags & X86_EFLAGS_VM);
}

static inline bool nst_long_mode(const struct nst_emul *e)
{
	return e->efer & EFER_LMA;
}

/* Current code size in bytes: 2, 4 or 8. */
static inline u32 nst_code_size(const struct nst_emul *e)
{
	if (nst_long_mode(e) && (e->seg[NST_SEG_CS].ar & NST_AR_L))
		return 8;
	if (nst_vm86(e))
		return 2;
	return e->seg[NST_SEG_CS].ar & NST_AR_DB ? 4 : 2;
}

static inline bool nst_64bit(const struct nst_emul *e)
{
	return nst_code_size(e) == 8;
}

static inline u32 nst_iopl(const struct nst_emul *e)
{
	return (e->rflags & X86_EFLAGS_IOPL) >> X86_EFLAGS_IOPL_BIT;
}

static inline bool nst_canonical(const struct nst_emul *e, u64 addr)
{
	u32 shift = e->cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;

	return (u64)((s64)(addr << shift) >> shift) == addr;
}

static inline enum nst_emul_result nst_ud(struct nst_emul *e)
{
	return nst_emul_raise(e, UD_VECTOR, -1);
}

static inline enum nst_emul_result nst_gp0(struct nst_emul *e)
{
	return nst_emul_raise(e, GP_VECTOR, 0);
}

/* opcodes.c */
extern const struct nst_opcode nst_opcodes_1byte[256];
extern const struct nst_opcode nst_opcodes_0f[256];

/**
 * nst_opcode_find() - row of an opcode outside the one-byte and 0F maps
 * @map: 2 for 0F38, 3 for 0F3A; with VEX also 1 for 0F
 * @vex: VEX-encoded
 * @opcode: the opcode byte
 *
 * Return: the row or NULL.
 */
const struct nst_opcode *nst_opcode_find(u32 map, bool vex, u8 opcode);

/* operand.c */

/**
 * nst_gpr_read() - low @size bytes of a register
 * @e: the emulator
 * @reg: its number
 * @size: 1, 2, 4 or 8
 *
 * Return: the value, zero-extended.
 */
u64 nst_gpr_read(const struct nst_emul *e, u32 reg, u32 size);

/**
 * nst_gpr_write() - write a register by the rules of 64-bit mode
 * @e: the emulator
 * @reg: its number
 * @size: 1 and 2 leave the rest, 4 clears the upper half
 * @val: value; bits above @size are ignored
 */
void nst_gpr_write(struct nst_emul *e, u32 reg, u32 size, u64 val);

/**
 * nst_gpr_add() - add to the part of a register that an address uses
 * @e: the emulator
 * @reg: its number
 * @size: address size in bytes
 * @delta: what to add
 */
void nst_gpr_add(struct nst_emul *e, u32 reg, u32 size, u64 delta);

/**
 * nst_linear() - check an access and compute its linear address
 * @e: the emulator
 * @seg: segment register
 * @off: offset, already cut to the address size
 * @len: bytes
 * @write: a write
 * @lin: result
 *
 * Return: NST_EMUL_OK, or NST_EMUL_FAULT with #GP(0), #SS(0).
 */
enum nst_emul_result nst_linear(struct nst_emul *e, u32 seg, u64 off, u32 len,
				bool write, u64 *lin);

/**
 * nst_mem_read() - read memory through a segment
 * @e: the emulator
 * @seg: segment register
 * @off: offset
 * @buf: result
 * @len: bytes
 * @flags: NST_EMUL_ACC_*
 *
 * Return: NST_EMUL_OK, or what the checks or the callback say.
 */
enum nst_emul_result nst_mem_read(struct nst_emul *e, u32 seg, u64 off, void *buf,
				  u32 len, u32 flags);

/**
 * nst_mem_write() - write memory through a segment
 * @e: the emulator
 * @seg: segment register
 * @off: offset
 * @buf: data
 * @len: bytes
 *
 * Return: NST_EMUL_OK, or what the checks or the callback say.
 */
enum nst_emul_result nst_mem_write(struct nst_emul *e, u32 seg, u64 off,
				   const void *buf, u32 len);

/**
 * nst_mem_probe() - would nst_mem_write() be allowed?
 * @e: the emulator
 * @seg: segment register
 * @off: offset
 * @len: bytes
 *
 * Return: NST_EMUL_OK or NST_EMUL_FAULT.
 */
enum nst_emul_result nst_mem_probe(struct nst_emul *e, u32 seg, u64 off, u32 len);

/**
 * nst_sys_read() - read a system structure at a linear address
 * @e: the emulator
 * @lin: linear address; checked to be canonical in long mode
 * @buf: result
 * @len: bytes
 *
 * Return: NST_EMUL_OK, or what the callback says.
 */
enum nst_emul_result nst_sys_read(struct nst_emul *e, u64 lin, void *buf, u32 len);

/**
 * nst_sys_write() - write a system structure at a linear address
 * @e: the emulator
 * @lin: linear address
 * @buf: data
 * @len: bytes
 *
 * Return: NST_EMUL_OK, or what the callback says.
 */
enum nst_emul_result nst_sys_write(struct nst_emul *e, u64 lin, const void *buf, u32 len);

/**
 * nst_op_read() - fill op->val (or e->buf for vectors) from where the operand is
 * @e: the emulator
 * @op: one of e->d.op
 * @flags: NST_EMUL_ACC_* for memory
 *
 * Return: NST_EMUL_OK, or what the access says.
 */
enum nst_emul_result nst_op_read(struct nst_emul *e, struct nst_emul_operand *op,
				 u32 flags);

/**
 * nst_op_write() - store op->val (or e->buf for vectors) where the operand is
 * @e: the emulator
 * @op: one of e->d.op
 *
 * Return: NST_EMUL_OK, or what the access says.
 */
enum nst_emul_result nst_op_write(struct nst_emul *e, struct nst_emul_operand *op);

/* exec_stack.c */

/**
 * nst_stack_size() - width of the stack pointer
 * @e: the emulator
 *
 * Return: 2, 4 or 8 bytes.
 */
u32 nst_stack_size(const struct nst_emul *e);

/**
 * nst_push() - push a value
 * @e: the emulator
 * @val: the value
 * @size: bytes
 *
 * Return: NST_EMUL_OK, or what the access says; then RSP is unchanged.
 */
enum nst_emul_result nst_push(struct nst_emul *e, u64 val, u32 size);

/**
 * nst_pop() - pop a value
 * @e: the emulator
 * @val: result
 * @size: bytes
 *
 * Return: NST_EMUL_OK, or what the access says; then RSP is unchanged.
 */
enum nst_emul_result nst_pop(struct nst_emul *e, u64 *val, u32 size);

/* exec_flow.c */

/**
 * nst_jump_near() - go to an offset in the current code segment
 * @e: the emulator
 * @ip: target; checked against limit or canonical form
 *
 * Return: NST_EMUL_OK or #GP(0).
 */
enum nst_emul_result nst_jump_near(struct nst_emul *e, u64 ip);

/**
 * nst_condition() - does a condition code hold?
 * @rflags: flags
 * @cc: low four bits of Jcc, SETcc, CMOVcc
 *
 * Return: true when it holds.
 */
bool nst_condition(u64 rflags, u32 cc);

/* exec_string.c */

/**
 * nst_io_check() - may the current code access a port?
 * @e: the emulator
 * @port: first port
 * @size: bytes
 *
 * Return: NST_EMUL_OK or #GP(0), or what reading the I/O map says.
 */
enum nst_emul_result nst_io_check(struct nst_emul *e, u16 port, u32 size);

/* exec_fpu.c */

/**
 * nst_fpu_pending() - fault that an earlier x87 instruction left
 * @e: the emulator
 *
 * Return: NST_EMUL_OK, #MF, or NST_EMUL_UNKNOWN when the state is out of reach.
 */
enum nst_emul_result nst_fpu_pending(struct nst_emul *e);

/* debug.c */

/**
 * nst_breakpoints() - is any breakpoint enabled?
 * @e: the emulator
 *
 * Return: true when accesses have to be looked at one by one.
 */
bool nst_breakpoints(const struct nst_emul *e);

/**
 * nst_break_data() - note that data was accessed
 * @e: the emulator
 * @lin: linear address
 * @len: bytes
 * @write: a write
 */
void nst_break_data(struct nst_emul *e, u64 lin, u32 len, bool write);

/**
 * nst_break_io() - note that a port was accessed
 * @e: the emulator
 * @port: first port
 * @size: bytes
 */
void nst_break_io(struct nst_emul *e, u16 port, u32 size);

/**
 * nst_break_exec() - instruction breakpoint at CS:RIP?
 * @e: the emulator
 *
 * Return: NST_EMUL_OK or #DB.
 */
enum nst_emul_result nst_break_exec(struct nst_emul *e);

/* step.c */

/**
 * nst_begin() - clear the outputs and remember the registers
 * @e: the emulator
 */
void nst_begin(struct nst_emul *e);

/**
 * nst_end() - commit or take back
 * @e: the emulator
 * @r: how the work ended
 *
 * Return: what the caller is told.
 */
enum nst_emul_result nst_end(struct nst_emul *e, enum nst_emul_result r);

/**
 * nst_intercept() - ask the nested hook
 * @e: the emulator
 * @kind: what is about to happen
 * @a: operand
 * @b: operand
 *
 * Return: NST_EMUL_OK to go on.
 */
enum nst_emul_result nst_intercept(struct nst_emul *e, enum nst_emul_icpt kind,
				   u64 a, u64 b);

#endif /* NST_EMUL_INSN_H */
