/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Descriptors and segment registers: what far transfers, event delivery and
 * task switches share.
 */
#ifndef NST_EMUL_SEG_H
#define NST_EMUL_SEG_H

#include "exec.h"

/* System descriptor types: SDM3 "System Segment and Gate-Descriptor Types". */
enum nst_sys_type {
	NST_SYS_TSS16 = 1,
	NST_SYS_LDT = 2,
	NST_SYS_TSS16_BUSY = 3,
	NST_SYS_CALL16 = 4,
	NST_SYS_TASK = 5,
	NST_SYS_INT16 = 6,
	NST_SYS_TRAP16 = 7,
	NST_SYS_TSS = 9,
	NST_SYS_TSS_BUSY = 11,
	NST_SYS_CALL = 12,
	NST_SYS_INT = 14,
	NST_SYS_TRAP = 15,
};

#define NST_TSS_IOMAP	102	/* offset of the I/O map's base in a 32-bit TSS */

#define NST_SEL_RPL	0x3u
#define NST_SEL_TI	0x4u
#define NST_SEL_ERR	0xfffcu	/* selector as an error code */
#define NST_ERR_EXT	0x1u
#define NST_ERR_IDT	0x2u

struct nst_desc {
	u64 raw;
	u64 high;	/* second half of a 16-byte one, else 0 */
	u64 lin;	/* where it was read */
	u16 sel;
};

/* Gates: fields of the descriptor's two halves. */
struct nst_gate {
	u16 sel;
	u8 type;
	u8 dpl;
	u8 ist;
	u8 params;
	bool present;
	u64 offset;
};

static inline u32 nst_desc_ar(const struct nst_desc *d)
{
	return (u32)(d->raw >> 40) & 0xf0ff;
}

static inline u32 nst_desc_type(const struct nst_desc *d)
{
	return nst_desc_ar(d) & NST_AR_TYPE;
}

static inline u32 nst_desc_dpl(const struct nst_desc *d)
{
	return (nst_desc_ar(d) & NST_AR_DPL) >> NST_AR_DPL_SHIFT;
}

static inline bool nst_desc_is_code(const struct nst_desc *d)
{
	return (nst_desc_ar(d) & (NST_AR_S | NST_AR_CODE)) == (NST_AR_S | NST_AR_CODE);
}

static inline bool nst_desc_is_writable(const struct nst_desc *d)
{
	return (nst_desc_ar(d) & (NST_AR_S | NST_AR_CODE | NST_AR_RW)) ==
	       (NST_AR_S | NST_AR_RW);
}

static inline bool nst_null_sel(u16 sel)
{
	return !(sel & NST_SEL_ERR);
}

/**
 * nst_set_seg() - replace a segment register
 * @e: the emulator
 * @idx: which
 * @seg: the new contents
 */
void nst_set_seg(struct nst_emul *e, u32 idx, const struct nst_emul_seg *seg);

/**
 * nst_desc_to_seg() - segment register contents that a descriptor gives
 * @d: the descriptor
 * @seg: result; the selector is the descriptor's
 */
void nst_desc_to_seg(const struct nst_desc *d, struct nst_emul_seg *seg);

/**
 * nst_desc_to_gate() - take a gate descriptor apart
 * @d: the descriptor
 * @g: result
 */
void nst_desc_to_gate(const struct nst_desc *d, struct nst_gate *g);

/**
 * nst_desc_read() - read a descriptor from the GDT or LDT
 * @e: the emulator
 * @sel: selector, not null
 * @vector: exception when it lies outside the table
 * @ext: NST_ERR_EXT or 0, for the error code
 * @d: result; in long mode a system descriptor has both halves
 *
 * Return: NST_EMUL_OK, the exception, or what the read says.
 */
enum nst_emul_result nst_desc_read(struct nst_emul *e, u16 sel, u8 vector, u32 ext,
				   struct nst_desc *d);

/**
 * nst_desc_set_type() - change type bits of a descriptor in memory
 * @e: the emulator
 * @d: the descriptor, changed too
 * @set: bits of the type to set
 * @clear: bits of the type to clear
 *
 * Return: NST_EMUL_OK, or what the write says.
 */
enum nst_emul_result nst_desc_set_type(struct nst_emul *e, struct nst_desc *d, u32 set,
				       u32 clear);

/**
 * nst_seg_load_rm() - load a segment register as real and virtual-8086 mode do
 * @e: the emulator
 * @idx: which
 * @sel: selector
 */
void nst_seg_load_rm(struct nst_emul *e, u32 idx, u16 sel);

/**
 * nst_seg_load() - MOV, POP or LxS to a data or stack segment register
 * @e: the emulator
 * @idx: which; not CS
 * @sel: selector
 *
 * Return: NST_EMUL_OK, the exception, or what an access says.
 */
enum nst_emul_result nst_seg_load(struct nst_emul *e, u32 idx, u16 sel);

/**
 * nst_ss_load() - load SS for a privilege level
 * @e: the emulator
 * @sel: selector
 * @cpl: the level it must fit
 * @vector: #GP or #TS when it does not
 * @ext: NST_ERR_EXT or 0
 *
 * Return: NST_EMUL_OK, the exception, or what an access says.
 */
enum nst_emul_result nst_ss_load(struct nst_emul *e, u16 sel, u32 cpl, u8 vector, u32 ext);

/**
 * nst_cs_commit() - enter a code segment whose checks have passed
 * @e: the emulator
 * @d: its descriptor
 * @cpl: new privilege level; becomes RPL of CS
 * @ip: new instruction pointer; checked against limit or canonical form
 *
 * Return: NST_EMUL_OK, #GP(0), or what an access says.
 */
enum nst_emul_result nst_cs_commit(struct nst_emul *e, struct nst_desc *d, u32 cpl, u64 ip);

/**
 * nst_stack_from_tss() - stack for a more privileged level
 * @e: the emulator
 * @cpl: new level; e->cpl and CS are already those
 * @ist: interrupt stack table index, or 0
 * @ext: NST_ERR_EXT or 0
 *
 * Sets SS and RSP. Return: NST_EMUL_OK, #TS, #SS, or what an access says.
 */
enum nst_emul_result nst_stack_from_tss(struct nst_emul *e, u32 cpl, u32 ist, u32 ext);

/**
 * nst_drop_data_segs() - null data segments that a less privileged level may not keep
 * @e: the emulator, with the new CPL
 */
void nst_drop_data_segs(struct nst_emul *e);

/* far.c */

/**
 * nst_return_code() - check the code segment that RET or IRET returns to
 * @e: the emulator
 * @sel: selector from the stack
 * @d: result
 *
 * Return: NST_EMUL_OK, #GP, #NP, or what a read says.
 */
enum nst_emul_result nst_return_code(struct nst_emul *e, u16 sel, struct nst_desc *d);

/* task.c */

/**
 * nst_task_switch() - JMP or CALL to a task; IRET from one
 * @e: the emulator; the old task goes on after the instruction
 * @sel: selector of the new TSS
 * @reason: which of them
 *
 * Return: NST_EMUL_OK, a fault of the old or new task, or what an access says.
 */
enum nst_emul_result nst_task_switch(struct nst_emul *e, u16 sel,
				     enum nst_emul_task_reason reason);

/**
 * nst_task_gate() - event delivered through a task gate
 * @e: the emulator
 * @sel: selector of the new TSS
 * @ip: where the old task goes on
 * @has_error: push @error on the new stack
 * @error: error code of the event
 *
 * Return: as nst_task_switch().
 */
enum nst_emul_result nst_task_gate(struct nst_emul *e, u16 sel, u64 ip, bool has_error,
				   u32 error);

/**
 * nst_task_return() - IRET with RFLAGS.NT set
 * @e: the emulator
 *
 * Return: as nst_task_switch().
 */
enum nst_emul_result nst_task_return(struct nst_emul *e);

#endif /* NST_EMUL_SEG_H */
