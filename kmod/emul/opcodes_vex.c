// SPDX-License-Identifier: GPL-2.0-only
/*
 * The opcode maps behind 0F38, 0F3A and VEX as data: short lists, searched. Pure.
 */
#include "opcodes.h"

static const struct nst_opcode op_0f38f0[4] = {
	ROWF(MOVBE, "movbe", movbe, WR, Gv, Mv),
	ROWF(MOVBE, "movbe", movbe, WR, Gv, Mv),
	[3] = ROWF(SSE42, "crc32", crc32, RW, Gy, Eb),
};

static const struct nst_opcode op_0f38f1[4] = {
	ROWF(MOVBE, "movbe", movbe, WR, Mv, Gv),
	ROWF(MOVBE, "movbe", movbe, WR, Mv, Gv),
	[3] = ROWF(SSE42, "crc32", crc32, RW, Gy, Ev),
};

static const struct nst_opcode op_0f38f6[4] = {
	[1] = ROWF(ADX, "adcx", adcx, RW, Gy, Ey),
	[2] = ROWF(ADX, "adox", adcx, RW, Gy, Ey),
};

static const struct nst_opcode op_0f382a[4] = {
	[1] = ROWF(SSE41, "movntdqa", vmov, SSE | ALGN, Vx, Mx),
};

static const struct nst_opcode op_0f3880[4] = {
	[1] = VIRT("invept", INVEPT, 0, NST_OPND(REG, N), Mx),
};

static const struct nst_opcode op_0f3881[4] = {
	[1] = VIRT("invvpid", INVVPID, 0, NST_OPND(REG, N), Mx),
};

static const struct nst_opcode op_0f3882[4] = {
	[1] = ROWF(INVPCID, "invpcid", invpcid, PRIV | NOSRC, NST_OPND(REG, N), Mx),
};

static const struct nst_opcode map_0f38[] = {
	KEYED_SUB(0x2a, op_0f382a, NST_F_PFX),
	KEYED_SUB(0x80, op_0f3880, NST_F_PFX),
	KEYED_SUB(0x81, op_0f3881, NST_F_PFX),
	KEYED_SUB(0x82, op_0f3882, NST_F_PFX),
	KEYED_SUB(0xf0, op_0f38f0, NST_F_PFX),
	KEYED_SUB(0xf1, op_0f38f1, NST_F_PFX),
	KEYED_SUB(0xf6, op_0f38f6, NST_F_PFX),
};

static const struct nst_opcode vex_0f10[4] = {
	ROWF(AVX, "vmovups", vmov, AVX, Vl, Wl),
	ROWF(AVX, "vmovupd", vmov, AVX, Vl, Wl),
};

static const struct nst_opcode vex_0f11[4] = {
	ROWF(AVX, "vmovups", vmov, AVX, Wl, Vl),
	ROWF(AVX, "vmovupd", vmov, AVX, Wl, Vl),
};

static const struct nst_opcode vex_0f28[4] = {
	ROWF(AVX, "vmovaps", vmov, AVX | ALGN, Vl, Wl),
	ROWF(AVX, "vmovapd", vmov, AVX | ALGN, Vl, Wl),
};

static const struct nst_opcode vex_0f29[4] = {
	ROWF(AVX, "vmovaps", vmov, AVX | ALGN, Wl, Vl),
	ROWF(AVX, "vmovapd", vmov, AVX | ALGN, Wl, Vl),
};

static const struct nst_opcode vex_0f2b[4] = {
	ROWF(AVX, "vmovntps", vmov, AVX | ALGN, NST_OPND(MEM, L), Vl),
	ROWF(AVX, "vmovntpd", vmov, AVX | ALGN, NST_OPND(MEM, L), Vl),
};

static const struct nst_opcode vex_0f6e[4] = {
	[1] = ROWF(AVX, "vmovd", vmov, AVX | NST_F_L0, Vx, Ey),
};

static const struct nst_opcode vex_0f6f[4] = {
	[1] = ROWF(AVX, "vmovdqa", vmov, AVX | ALGN, Vl, Wl),
	[2] = ROWF(AVX, "vmovdqu", vmov, AVX, Vl, Wl),
};

static const struct nst_opcode vex_0f7e[4] = {
	[1] = ROWF(AVX, "vmovd", vmov, AVX | NST_F_L0, Ey, Vx),
	[2] = ROWF(AVX, "vmovq", vmov, AVX | NST_F_L0, Vx, Wq),
};

static const struct nst_opcode vex_0f7f[4] = {
	[1] = ROWF(AVX, "vmovdqa", vmov, AVX | ALGN, Wl, Vl),
	[2] = ROWF(AVX, "vmovdqu", vmov, AVX, Wl, Vl),
};

static const struct nst_opcode vex_0fe7[4] = {
	[1] = ROWF(AVX, "vmovntdq", vmov, AVX | ALGN, NST_OPND(MEM, L), Vl),
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
	[1] = ROWF(AVX, "vmovntdqa", vmov, AVX | ALGN, Vl, NST_OPND(MEM, L)),
};

static const struct nst_opcode vex_38f2[4] = {
	ROWF(BMI1, "andn", andn, WR | NST_F_L0, Gy, By, Ey),
};

/* Group 17: the destination is VEX.vvvv. */
static const struct nst_opcode group17[8] = {
	[1] = ROWF(BMI1, "blsr", blsr, WR | NST_F_L0, By, Ey),
	[2] = ROWF(BMI1, "blsmsk", blsmsk, WR | NST_F_L0, By, Ey),
	[3] = ROWF(BMI1, "blsi", blsi, WR | NST_F_L0, By, Ey),
};

static const struct nst_opcode vex_38f3[4] = {
	SUB(group17, NST_F_GRP),
};

static const struct nst_opcode vex_38f5[4] = {
	ROWF(BMI2, "bzhi", bzhi, WR | NST_F_L0, Gy, Ey, By),
	[2] = ROWF(BMI2, "pext", pext, WR | NST_F_L0, Gy, By, Ey),
	[3] = ROWF(BMI2, "pdep", pdep, WR | NST_F_L0, Gy, By, Ey),
};

static const struct nst_opcode vex_38f6[4] = {
	[3] = ROWF(BMI2, "mulx", mulx, WR | NST_F_L0, Gy, By, Ey),
};

static const struct nst_opcode vex_38f7[4] = {
	ROWF(BMI1, "bextr", bextr, WR | NST_F_L0, Gy, Ey, By),
	ROWF(BMI2, "shlx", shiftx, WR | NST_F_L0, Gy, Ey, By),
	ROWF(BMI2, "sarx", shiftx, WR | NST_F_L0, Gy, Ey, By),
	ROWF(BMI2, "shrx", shiftx, WR | NST_F_L0, Gy, Ey, By),
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
	[3] = ROWF(BMI2, "rorx", rorx, WR | NST_F_L0 | NST_F_NOVVVV, Gy, Ey, Ib),
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
