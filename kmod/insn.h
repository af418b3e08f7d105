/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Private to insn*.c: the emulator's context in a vCPU, and the log from which
 * an instruction that went to userspace in its middle is replayed.
 */
#ifndef NST_INSN_GLUE_H
#define NST_INSN_GLUE_H

#include "emul/emul.h"
#include "vcpu.h"

/**
 * struct nst_ext - an access to a device that an instruction made
 * @addr: guest-physical address or port
 * @offset: of its data in nst_insn.data
 * @len: bytes
 * @pio: a port, else memory
 * @write: direction
 */
struct nst_ext {
	u64 addr;
	u16 offset;
	u16 len;
	bool pio;
	bool write;
};

enum nst_waiting {
	NST_WAIT_NONE,
	NST_WAIT_PORT,	/* a plain IN or OUT, without the emulator */
	NST_WAIT_EMUL,	/* an access by the emulator */
	NST_WAIT_MSR,	/* an RDMSR or WRMSR that userspace decides on */
	NST_WAIT_CALL,	/* a hypercall of Hyper-V's that userspace carries out */
};

/**
 * struct nst_insn - software execution of instructions for one vCPU
 * @emul: the emulator's state
 * @known_gpa: where the access lies that exited, so that nobody need translate it
 *	again; NST_GPA_INVALID: not told
 * @waiting: what userspace was asked for
 * @asked: the access that it was asked for
 * @rip: of the instruction that asked; another one now drops the answer
 * @cs_base: its code segment
 * @log: accesses of the current instruction that are done
 * @done: how many
 * @pos: how many of them the current run has replayed
 * @used: bytes of @data in use
 * @gone: userspace took away memory that the instruction touches
 * @handler: NST_EMUL_INTERCEPTED: vcpu->exit is for its handler, not for L1
 * @data: the data of the logged accesses
 */
struct nst_insn {
	struct nst_emul emul;
	nst_gpa_t known_gpa;
	enum nst_waiting waiting;
	struct nst_ext asked;
	u64 rip;
	u64 cs_base;
	struct nst_ext log[NST_LOG_ENTRIES];
	unsigned int done;
	unsigned int pos;
	unsigned int used;
	bool gone;
	bool handler;
	u8 data[NST_LOG_BYTES];
};

extern const struct nst_emul_ops nst_insn_ops;

/* insn_io.c: 0: done, 1: userspace is asked, -ENOSPC: the log is full */
int nst_ext_mmio(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, unsigned int len,
		 bool write);
int nst_ext_pio(struct nst_vcpu *vcpu, u16 port, unsigned int size, void *buf,
		unsigned int count, bool write);
void nst_insn_wait(struct nst_vcpu *vcpu);
void nst_insn_wait_msr(struct nst_vcpu *vcpu);
void nst_log_drop(struct nst_insn *insn);

/* insn_peek.c */
unsigned int nst_peek_length(struct nst_vcpu *vcpu);
bool nst_peek_virt(struct nst_vcpu *vcpu);

/* insn_fpu.c */
enum nst_emul_result nst_ops_vec_read(struct nst_emul *e, u32 reg, void *buf, u32 len);
enum nst_emul_result nst_ops_vec_write(struct nst_emul *e, u32 reg, const void *buf, u32 len,
				       bool zero_upper);
enum nst_emul_result nst_ops_fx_read(struct nst_emul *e, void *image);
enum nst_emul_result nst_ops_fx_write(struct nst_emul *e, const void *image);
enum nst_emul_result nst_ops_mmx_read(struct nst_emul *e, u32 reg, u64 *val);
enum nst_emul_result nst_ops_mmx_write(struct nst_emul *e, u32 reg, u64 val);

/* insn_icpt.c */
void nst_exit_of_virt(const struct nst_emul *e, enum nst_emul_virt insn, struct nst_exit *exit);
enum nst_emul_result nst_ops_virt(struct nst_emul *e, enum nst_emul_virt insn);
enum nst_emul_result nst_ops_intercept(struct nst_emul *e, enum nst_emul_icpt kind, u64 a, u64 b);

/* The decoded instruction's operands in the words of exit.h. */
static inline void nst_operand_of(const struct nst_emul *e, struct nst_operand *op)
{
	const struct nst_emul_modrm *m = &e->modrm;

	*op = (struct nst_operand){
		.mem = m->mem, .reg = m->reg, .rm = m->rm, .seg = m->seg,
		.has_base = m->has_base, .has_index = m->has_index, .base = m->base,
		.index = m->index, .scale = m->scale, .adsize = e->d.adsize,
		.opsize = e->d.opsize, .disp = m->disp, .ea = m->ea,
	};
	/* Of a string instruction: where its source is. */
	if (!m->mem)
		op->seg = e->d.seg_override >= 0 ? e->d.seg_override : NST_SEG_DS;
}

#endif /* NST_INSN_GLUE_H */
