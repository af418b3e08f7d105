// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's vector and x87 registers, one at a time, for instructions that
 * are emulated. While KVM_RUN is in the kernel they are in the CPU like those
 * of any task, so they are read and written with the instructions for it.
 */
#include "nestor.h"

#include <linux/string.h>
#include <asm/fpu/api.h>
#include "fpu.h"

#define MXCSR_DEFAULT_MASK	0xffbfu	/* SDM1 "Guidelines for Writing to the MXCSR Register" */

struct vector {
	u8 byte[32];
};

static void begin(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

/*
 * The number of a register is part of an instruction, so there is one for each.
 */
#define ONE_VECTOR(number, before, name, after, constraints...) do { \
	if (reg == (number))					\
		asm volatile(before name #number after constraints); \
} while (0)

#define EACH_VECTOR(before, name, after, constraints...) do {	\
	ONE_VECTOR(0, before, name, after, constraints);	\
	ONE_VECTOR(1, before, name, after, constraints);	\
	ONE_VECTOR(2, before, name, after, constraints);	\
	ONE_VECTOR(3, before, name, after, constraints);	\
	ONE_VECTOR(4, before, name, after, constraints);	\
	ONE_VECTOR(5, before, name, after, constraints);	\
	ONE_VECTOR(6, before, name, after, constraints);	\
	ONE_VECTOR(7, before, name, after, constraints);	\
	ONE_VECTOR(8, before, name, after, constraints);	\
	ONE_VECTOR(9, before, name, after, constraints);	\
	ONE_VECTOR(10, before, name, after, constraints);	\
	ONE_VECTOR(11, before, name, after, constraints);	\
	ONE_VECTOR(12, before, name, after, constraints);	\
	ONE_VECTOR(13, before, name, after, constraints);	\
	ONE_VECTOR(14, before, name, after, constraints);	\
	ONE_VECTOR(15, before, name, after, constraints);	\
} while (0)

static void read_xmm(unsigned int reg, struct vector *val)
{
	EACH_VECTOR("movdqu ", "%%xmm", ", %0", : "=m" (*val));
}

static void read_ymm(unsigned int reg, struct vector *val)
{
	EACH_VECTOR("vmovdqu ", "%%ymm", ", %0", : "=m" (*val));
}

static void write_xmm(unsigned int reg, const struct vector *val)
{
	EACH_VECTOR("movdqu %0, ", "%%xmm", "", : : "m" (*val));
}

/* These two clear what is above their operand, up to the end of the register. */
static void write_vex_xmm(unsigned int reg, const struct vector *val)
{
	EACH_VECTOR("vmovdqu %0, ", "%%xmm", "", : : "m" (*val));
}

static void write_ymm(unsigned int reg, const struct vector *val)
{
	EACH_VECTOR("vmovdqu %0, ", "%%ymm", "", : : "m" (*val));
}

/**
 * nst_fpu_read_vec() - read a vector register of the guest
 * @vcpu: vCPU with its FPU state loaded
 * @reg: 0 to 15
 * @buf: result
 * @len: bytes, at most 32; more than 16 only when its XCR0 has AVX
 */
void nst_fpu_read_vec(struct nst_vcpu *vcpu, unsigned int reg, void *buf, unsigned int len)
{
	struct vector val;

	begin();
	if (len > 16)
		read_ymm(reg & 15, &val);
	else
		read_xmm(reg & 15, &val);
	fpregs_unlock();
	memcpy(buf, &val, len);
}

/**
 * nst_fpu_write_vec() - write a vector register of the guest
 * @vcpu: vCPU with its FPU state loaded
 * @reg: 0 to 15
 * @buf: data
 * @len: bytes, at most 32; more than 16 only with @zero_upper
 * @zero_upper: what is above @len becomes zero, as VEX-encoded instructions
 *	do; only when its XCR0 has AVX. Else it stays.
 */
void nst_fpu_write_vec(struct nst_vcpu *vcpu, unsigned int reg, const void *buf,
		       unsigned int len, bool zero_upper)
{
	struct vector val = { };

	begin();
	if (!zero_upper && len < 16)
		read_xmm(reg & 15, &val);
	memcpy(&val, buf, len);
	if (len > 16)
		write_ymm(reg & 15, &val);
	else if (zero_upper)
		write_vex_xmm(reg & 15, &val);
	else
		write_xmm(reg & 15, &val);
	fpregs_unlock();
}

/**
 * nst_fpu_read_image() - the guest's x87, MMX and SSE state as FXSAVE64 has it
 * @vcpu: vCPU with its FPU state loaded
 * @fx: result
 */
void nst_fpu_read_image(struct nst_vcpu *vcpu, struct fxregs_state *fx)
{
	memset(fx, 0, sizeof(*fx));
	begin();
	asm volatile("fxsave64 %0" : "+m" (*fx));
	fpregs_unlock();
}

/**
 * nst_fpu_write_image() - the reverse
 * @vcpu: vCPU with its FPU state loaded
 * @fx: an image that nst_fpu_read_image() gave, and what has changed in it
 */
void nst_fpu_write_image(struct nst_vcpu *vcpu, struct fxregs_state *fx)
{
	/* A reserved bit would be a fault, and it would be ours. */
	fx->mxcsr &= fx->mxcsr_mask ?: MXCSR_DEFAULT_MASK;
	begin();
	asm volatile("fxrstor64 %0" : : "m" (*fx));
	fpregs_unlock();
}
