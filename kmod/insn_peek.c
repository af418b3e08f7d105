// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that exit often, told by their first bytes: what hardware leaves
 * unsaid about them is found with one look at guest memory, and everything else
 * is left to the decoder.
 */
#include "nestor.h"
#include <linux/mm.h>
#include <linux/string.h>
#include "core.h"
#include "guestmem.h"
#include "insn.h"
#include "mmu/mmu.h"

/* As many bytes as one read takes. */
#define NST_PEEK_BYTES	8

#define NST_REX_MASK	0xf0
#define NST_REX		0x40
#define NST_REX_B	BIT(0)
#define NST_REX_R	BIT(2)
#define NST_REX_W	BIT(3)

#define NST_ESCAPE_0F	0x0f
#define NST_GROUP_7	0x01

/* ModRM.mod of two registers. */
#define NST_MODRM_REGS	0xc0

/*
 * The bytes at CS:RIP up to the end of their page, zeros behind them.
 * Return: how many; 0 when there are none, or a fault that the decoder raises.
 */
static unsigned int nst_peek(struct nst_vcpu *vcpu, u8 bytes[NST_PEEK_BYTES])
{
	bool user = nst_cpl(vcpu) == 3;
	u64 lin = vcpu->st.rip;
	unsigned int len;
	nst_gpa_t gpa;

	if (!nst_code64(vcpu))
		lin = (u32)(lin + vcpu->st.seg[NST_CS].base);
	len = min_t(unsigned int, NST_PEEK_BYTES, PAGE_SIZE - offset_in_page(lin));
	memset(bytes, 0, NST_PEEK_BYTES);
	if (nst_mmu_translate_code(vcpu, lin, user, &gpa) ||
	    nst_vcpu_read_gpa(vcpu, gpa, bytes, len))
		return 0;
	return len;
}

/* Without operands or prefixes: the bytes are the instruction. */
static const struct {
	u8 kind;
	u8 len;
	u8 bytes[3];
} nst_plain_insns[] = {
	{ NST_EXIT_CPUID, 2, { NST_ESCAPE_0F, 0xa2 } },
	{ NST_EXIT_MSR, 2, { NST_ESCAPE_0F, 0x30 } },
	{ NST_EXIT_MSR, 2, { NST_ESCAPE_0F, 0x32 } },
	{ NST_EXIT_HLT, 1, { 0xf4 } },
	{ NST_EXIT_RDTSC, 2, { NST_ESCAPE_0F, 0x31 } },
	{ NST_EXIT_HYPERCALL, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xd9 } },
	{ NST_EXIT_HYPERCALL, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xc1 } },
	{ NST_EXIT_SVM_INSN, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xd8 } },
	{ NST_EXIT_SVM_INSN, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xda } },
	{ NST_EXIT_SVM_INSN, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xdb } },
	{ NST_EXIT_SVM_INSN, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xdc } },
	{ NST_EXIT_SVM_INSN, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xdd } },
	{ NST_EXIT_SVM_INSN, 3, { NST_ESCAPE_0F, NST_GROUP_7, 0xdf } },
};

/**
 * nst_peek_length() - length of the plain instruction that made vcpu->exit
 * @vcpu: loaded vCPU, srcu held; may sleep
 *
 * Return: bytes, 0 for the decoder to find out.
 */
unsigned int nst_peek_length(struct nst_vcpu *vcpu)
{
	u8 bytes[NST_PEEK_BYTES];
	unsigned int have = nst_peek(vcpu, bytes);

	for (int i = 0; i < ARRAY_SIZE(nst_plain_insns); i++)
		if (nst_plain_insns[i].kind == vcpu->exit.kind &&
		    nst_plain_insns[i].len <= have &&
		    !memcmp(bytes, nst_plain_insns[i].bytes, nst_plain_insns[i].len))
			return nst_plain_insns[i].len;
	return 0;
}

/**
 * nst_insn_is_rsm() - is the instruction at CS:RIP RSM?
 * @vcpu: loaded vCPU, srcu held; may sleep
 *
 * Return: false also when it cannot be read.
 */
bool nst_insn_is_rsm(struct nst_vcpu *vcpu)
{
	static const u8 rsm[] = { NST_ESCAPE_0F, 0xaa };
	u8 bytes[NST_PEEK_BYTES];

	return nst_peek(vcpu, bytes) >= sizeof(rsm) && !memcmp(bytes, rsm, sizeof(rsm));
}

/* SDM2 and APM3: the instructions of VMX and SVM that opcode 0F 01 has no operands for. */
static const struct {
	u8 modrm;
	u8 kind;
	u8 which;
} nst_virt_plain[] = {
	{ 0xc1, NST_EXIT_HYPERCALL, NST_INSN_VMCALL },
	{ 0xc2, NST_EXIT_VMX_INSN, NST_INSN_VMLAUNCH },
	{ 0xc3, NST_EXIT_VMX_INSN, NST_INSN_VMRESUME },
	{ 0xc4, NST_EXIT_VMX_INSN, NST_INSN_VMXOFF },
	{ 0xd8, NST_EXIT_SVM_INSN, NST_INSN_VMRUN },
	{ 0xd9, NST_EXIT_HYPERCALL, NST_INSN_VMMCALL },
	{ 0xda, NST_EXIT_SVM_INSN, NST_INSN_VMLOAD },
	{ 0xdb, NST_EXIT_SVM_INSN, NST_INSN_VMSAVE },
	{ 0xdc, NST_EXIT_SVM_INSN, NST_INSN_STGI },
	{ 0xdd, NST_EXIT_SVM_INSN, NST_INSN_CLGI },
};

static bool nst_virt_without_operands(u8 modrm, struct nst_exit *exit)
{
	for (int i = 0; i < ARRAY_SIZE(nst_virt_plain); i++) {
		if (nst_virt_plain[i].modrm != modrm)
			continue;
		exit->kind = nst_virt_plain[i].kind;
		exit->insn.which = nst_virt_plain[i].which;
		return true;
	}
	return false;
}

/* VMREAD and VMWRITE of a register, which are most of what an L1 with VMX does. */
static bool nst_virt_of_registers(u8 opcode, u8 modrm, struct nst_exit *exit)
{
	if ((opcode != 0x78 && opcode != 0x79) || modrm < NST_MODRM_REGS)
		return false;
	exit->kind = NST_EXIT_VMX_INSN;
	exit->insn.which = opcode == 0x78 ? NST_INSN_VMREAD : NST_INSN_VMWRITE;
	return true;
}

/**
 * nst_peek_virt() - is this #UD of 64-bit code a frequent instruction of VMX or SVM?
 * @vcpu: loaded vCPU, srcu held; may sleep; vcpu->exit is a #UD
 *
 * Return: true when vcpu->exit has become the exit that it would have made;
 * false for the decoder to find out.
 */
bool nst_peek_virt(struct nst_vcpu *vcpu)
{
	struct nst_exit exit = vcpu->exit;
	u8 peeked[NST_PEEK_BYTES], rex = 0;
	const u8 *bytes = peeked;
	unsigned int have;

	if (!nst_code64(vcpu))
		return false;
	have = nst_peek(vcpu, peeked);
	if ((*bytes & NST_REX_MASK) == NST_REX)
		rex = *bytes++;
	if (bytes + 3 > peeked + have || bytes[0] != NST_ESCAPE_0F)
		return false;
	memset(&exit.insn, 0, sizeof(exit.insn));
	if (bytes[1] == NST_GROUP_7 ? !nst_virt_without_operands(bytes[2], &exit) :
				      !nst_virt_of_registers(bytes[1], bytes[2], &exit))
		return false;
	exit.insn_len = bytes + 3 - peeked;
	exit.insn.known = true;
	exit.insn.op = (struct nst_operand){
		.seg = NST_DS, .adsize = sizeof(u64),
		.opsize = rex & NST_REX_W ? sizeof(u64) : sizeof(u32),
		.reg = (bytes[2] >> 3 & 7) | (rex & NST_REX_R ? 8 : 0),
		.rm = (bytes[2] & 7) | (rex & NST_REX_B ? 8 : 0),
	};
	vcpu->exit = exit;
	return true;
}
