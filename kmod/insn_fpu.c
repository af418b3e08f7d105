// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's callbacks for vector, x87 and MMX registers.
 */
#include "nestor.h"
#include <linux/string.h>
#include "fpu.h"
#include "insn.h"

/* Status-word bits of the stack's top, and tags: what an MMX write sets. */
#define FSW_TOP		0x3800u
#define FTW_ALL_VALID	0xffu
#define MMX_EXPONENT	0xffffu

static struct nst_vcpu *nst_vcpu_of(const struct nst_emul *e)
{
	return e->opaque;
}

/**
 * nst_ops_vec_read() - the emulator's ->vec_read()
 * @e: the emulator of a vCPU
 * @reg: register
 * @buf: result
 * @len: bytes; above 16 the emulator has seen that XCR0 has AVX
 *
 * Return: NST_EMUL_OK.
 */
enum nst_emul_result nst_ops_vec_read(struct nst_emul *e, u32 reg, void *buf, u32 len)
{
	nst_fpu_read_vec(nst_vcpu_of(e), reg, buf, len);
	return NST_EMUL_OK;
}

/**
 * nst_ops_vec_write() - the emulator's ->vec_write()
 * @e: the emulator of a vCPU
 * @reg: register
 * @buf: data
 * @len: bytes
 * @zero_upper: a VEX-encoded instruction; XCR0 has AVX
 *
 * Return: NST_EMUL_OK.
 */
enum nst_emul_result nst_ops_vec_write(struct nst_emul *e, u32 reg, const void *buf, u32 len,
				       bool zero_upper)
{
	nst_fpu_write_vec(nst_vcpu_of(e), reg, buf, len, zero_upper);
	return NST_EMUL_OK;
}

/**
 * nst_ops_fx_read() - the emulator's ->fx_read()
 * @e: the emulator of a vCPU
 * @image: NST_EMUL_FX_SIZE bytes
 *
 * Return: NST_EMUL_OK.
 */
enum nst_emul_result nst_ops_fx_read(struct nst_emul *e, void *image)
{
	struct fxregs_state fx;

	BUILD_BUG_ON(sizeof(fx) != NST_EMUL_FX_SIZE);
	nst_fpu_read_image(nst_vcpu_of(e), &fx);
	memcpy(image, &fx, sizeof(fx));
	return NST_EMUL_OK;
}

/**
 * nst_ops_fx_write() - the emulator's ->fx_write()
 * @e: the emulator of a vCPU
 * @image: NST_EMUL_FX_SIZE bytes
 *
 * Return: NST_EMUL_OK.
 */
enum nst_emul_result nst_ops_fx_write(struct nst_emul *e, const void *image)
{
	struct fxregs_state fx;

	memcpy(&fx, image, sizeof(fx));
	nst_fpu_write_image(nst_vcpu_of(e), &fx);
	return NST_EMUL_OK;
}

/*
 * MMX registers are physical x87 registers; FXSAVE stores from the stack's top
 * on, and every MMX instruction makes that register 0. An image with another
 * top therefore begins elsewhere.
 */
static u32 *nst_mmx_slot(struct fxregs_state *fx, u32 reg)
{
	u32 top = (fx->swd & FSW_TOP) >> 11;

	return &fx->st_space[((reg - top) & 7) * 4];
}

/**
 * nst_ops_mmx_read() - the emulator's ->mmx_read()
 * @e: the emulator of a vCPU
 * @reg: register
 * @val: result
 *
 * Return: NST_EMUL_OK.
 */
enum nst_emul_result nst_ops_mmx_read(struct nst_emul *e, u32 reg, u64 *val)
{
	struct fxregs_state fx;

	nst_fpu_read_image(nst_vcpu_of(e), &fx);
	memcpy(val, nst_mmx_slot(&fx, reg), sizeof(*val));
	return NST_EMUL_OK;
}

/**
 * nst_ops_mmx_write() - the emulator's ->mmx_write()
 * @e: the emulator of a vCPU
 * @reg: register
 * @val: value
 *
 * Return: NST_EMUL_OK.
 */
enum nst_emul_result nst_ops_mmx_write(struct nst_emul *e, u32 reg, u64 val)
{
	struct fxregs_state fx, turned;
	u32 exponent = MMX_EXPONENT;

	nst_fpu_read_image(nst_vcpu_of(e), &fx);
	turned = fx;
	for (u32 i = 0; i < 8; i++)
		memcpy(&turned.st_space[i * 4], nst_mmx_slot(&fx, i), 16);
	turned.swd &= ~FSW_TOP;
	turned.twd = FTW_ALL_VALID;
	memcpy(&turned.st_space[reg * 4], &val, sizeof(val));
	memcpy(&turned.st_space[reg * 4 + 2], &exponent, 2);
	nst_fpu_write_image(nst_vcpu_of(e), &turned);
	return NST_EMUL_OK;
}
