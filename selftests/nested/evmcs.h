/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * L1's enlightened VMCS: vmread() and vmwrite() of vmx_l1.h in memory, with the clean
 * bits that go with each field.
 * TLFS "HV_VMX_ENLIGHTENED_VMCS", "Clean Fields", "HV_VP_ASSIST_PAGE".
 */
#ifndef NST_EVMCS_TEST_H
#define NST_EVMCS_TEST_H

#define VMCS_IN_MEMORY
#include "vmx_l1.h"

#define EVMCS_PAGE		(GUEST_SCRATCH + 0x30000)
#define OTHER_EVMCS		(GUEST_SCRATCH + 0x31000)
#define ASSIST_PAGE		(GUEST_SCRATCH + 0x32000)
#define EVMCS_VERSION		1

#define MSR_HV_ASSIST		0x40000073
#define HV_ASSIST_ON		1ul

/* Offsets of what is no field of a VMCS. */
#define EVMCS_ABORT		4
#define EVMCS_CLEAN		824
#define EVMCS_ENLIGHTENMENTS	836
#define ENLIGHTENED_MSR_BITMAP	(1u << 1)

#define ASSIST_ENLIGHTEN	40
#define ASSIST_CURRENT		48

enum {
	CLEAN_NONE = 0, CLEAN_IO_BITMAP = 1 << 0, CLEAN_MSR_BITMAP = 1 << 1,
	CLEAN_CONTROL_GRP2 = 1 << 2, CLEAN_CONTROL_GRP1 = 1 << 3, CLEAN_CONTROL_PROC = 1 << 4,
	CLEAN_CONTROL_EVENT = 1 << 5, CLEAN_CONTROL_ENTRY = 1 << 6,
	CLEAN_CONTROL_EXCPN = 1 << 7, CLEAN_CRDR = 1 << 8, CLEAN_CONTROL_XLAT = 1 << 9,
	CLEAN_GUEST_BASIC = 1 << 10, CLEAN_GUEST_GRP1 = 1 << 11, CLEAN_GUEST_GRP2 = 1 << 12,
	CLEAN_HOST_POINTER = 1 << 13, CLEAN_HOST_GRP1 = 1 << 14, CLEAN_ALL = 0xffff,
};

static const struct evmcs_field {
	u16 field, at;
	u8 bytes;
	u16 clean;
} evmcs_fields[] = {
	{ F_HOST_ES_SEL, 8, 2, CLEAN_HOST_GRP1 }, { F_HOST_CS_SEL, 10, 2, CLEAN_HOST_GRP1 },
	{ F_HOST_SS_SEL, 12, 2, CLEAN_HOST_GRP1 }, { F_HOST_DS_SEL, 14, 2, CLEAN_HOST_GRP1 },
	{ F_HOST_FS_SEL, 16, 2, CLEAN_HOST_GRP1 }, { F_HOST_GS_SEL, 18, 2, CLEAN_HOST_GRP1 },
	{ F_HOST_TR_SEL, 20, 2, CLEAN_HOST_GRP1 }, { F_HOST_PAT, 24, 8, CLEAN_HOST_GRP1 },
	{ F_HOST_EFER, 32, 8, CLEAN_HOST_GRP1 }, { F_HOST_CR0, 40, 8, CLEAN_HOST_GRP1 },
	{ F_HOST_CR3, 48, 8, CLEAN_HOST_GRP1 }, { F_HOST_CR4, 56, 8, CLEAN_HOST_GRP1 },
	{ F_HOST_SYSENTER_ESP, 64, 8, CLEAN_HOST_GRP1 },
	{ F_HOST_SYSENTER_EIP, 72, 8, CLEAN_HOST_GRP1 }, { F_HOST_RIP, 80, 8, CLEAN_HOST_GRP1 },
	{ F_HOST_SYSENTER_CS, 88, 4, CLEAN_HOST_GRP1 }, { F_PIN, 92, 4, CLEAN_CONTROL_GRP1 },
	{ F_EXIT_CTLS, 96, 4, CLEAN_CONTROL_GRP1 }, { F_PROC2, 100, 4, CLEAN_CONTROL_GRP1 },
	{ F_IO_BITMAP_A, 104, 8, CLEAN_IO_BITMAP }, { F_IO_BITMAP_B, 112, 8, CLEAN_IO_BITMAP },
	{ F_MSR_BITMAP, 120, 8, CLEAN_MSR_BITMAP }, { F_GUEST_ES_SEL, 128, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_CS_SEL, 130, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_SS_SEL, 132, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_DS_SEL, 134, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_FS_SEL, 136, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_GS_SEL, 138, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_LDTR_SEL, 140, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_TR_SEL, 142, 2, CLEAN_GUEST_GRP2 },
	{ F_GUEST_ES_LIMIT, 144, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_CS_LIMIT, 148, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_SS_LIMIT, 152, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_DS_LIMIT, 156, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_FS_LIMIT, 160, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_GS_LIMIT, 164, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_LDTR_LIMIT, 168, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_TR_LIMIT, 172, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_GDTR_LIMIT, 176, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_IDTR_LIMIT, 180, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_ES_AR, 184, 4, CLEAN_GUEST_GRP2 }, { F_GUEST_CS_AR, 188, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_SS_AR, 192, 4, CLEAN_GUEST_GRP2 }, { F_GUEST_DS_AR, 196, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_FS_AR, 200, 4, CLEAN_GUEST_GRP2 }, { F_GUEST_GS_AR, 204, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_LDTR_AR, 208, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_TR_AR, 212, 4, CLEAN_GUEST_GRP2 },
	{ F_GUEST_ES_BASE, 216, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_CS_BASE, 224, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_SS_BASE, 232, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_DS_BASE, 240, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_FS_BASE, 248, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_GS_BASE, 256, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_LDTR_BASE, 264, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_TR_BASE, 272, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_GDTR_BASE, 280, 8, CLEAN_GUEST_GRP2 },
	{ F_GUEST_IDTR_BASE, 288, 8, CLEAN_GUEST_GRP2 },
	{ F_EXIT_STORE_ADDR, 320, 8, CLEAN_ALL }, { F_EXIT_LOAD_ADDR, 328, 8, CLEAN_ALL },
	{ F_ENTRY_LOAD_ADDR, 336, 8, CLEAN_ALL }, { F_CR3_TARGET0, 344, 8, CLEAN_ALL },
	{ F_PF_MASK, 376, 4, CLEAN_ALL }, { F_PF_MATCH, 380, 4, CLEAN_ALL },
	{ F_CR3_TARGETS, 384, 4, CLEAN_ALL }, { F_EXIT_STORE_COUNT, 388, 4, CLEAN_ALL },
	{ F_EXIT_LOAD_COUNT, 392, 4, CLEAN_ALL }, { F_ENTRY_LOAD_COUNT, 396, 4, CLEAN_ALL },
	{ F_TSC_OFFSET, 400, 8, CLEAN_CONTROL_GRP2 }, { F_VAPIC, 408, 8, CLEAN_CONTROL_GRP2 },
	{ F_LINK, 416, 8, CLEAN_GUEST_GRP1 }, { F_GUEST_DEBUGCTL, 424, 8, CLEAN_GUEST_GRP1 },
	{ F_GUEST_PAT, 432, 8, CLEAN_GUEST_GRP1 }, { F_GUEST_EFER, 440, 8, CLEAN_GUEST_GRP1 },
	{ F_GUEST_PENDING, 480, 8, CLEAN_GUEST_GRP1 },
	{ F_GUEST_SYSENTER_ESP, 488, 8, CLEAN_GUEST_GRP1 },
	{ F_GUEST_SYSENTER_EIP, 496, 8, CLEAN_GUEST_GRP1 },
	{ F_GUEST_ACTIVITY, 504, 4, CLEAN_GUEST_GRP1 },
	{ F_GUEST_SYSENTER_CS, 508, 4, CLEAN_GUEST_GRP1 }, { F_CR0_MASK, 512, 8, CLEAN_CRDR },
	{ F_CR4_MASK, 520, 8, CLEAN_CRDR }, { F_CR0_SHADOW, 528, 8, CLEAN_CRDR },
	{ F_CR4_SHADOW, 536, 8, CLEAN_CRDR }, { F_GUEST_CR0, 544, 8, CLEAN_CRDR },
	{ F_GUEST_CR3, 552, 8, CLEAN_CRDR }, { F_GUEST_CR4, 560, 8, CLEAN_CRDR },
	{ F_GUEST_DR7, 568, 8, CLEAN_CRDR }, { F_HOST_FS_BASE, 576, 8, CLEAN_HOST_POINTER },
	{ F_HOST_GS_BASE, 584, 8, CLEAN_HOST_POINTER },
	{ F_HOST_TR_BASE, 592, 8, CLEAN_HOST_POINTER },
	{ F_HOST_GDTR_BASE, 600, 8, CLEAN_HOST_POINTER },
	{ F_HOST_IDTR_BASE, 608, 8, CLEAN_HOST_POINTER },
	{ F_HOST_RSP, 616, 8, CLEAN_HOST_POINTER }, { F_EPTP, 624, 8, CLEAN_CONTROL_XLAT },
	{ F_VPID, 632, 2, CLEAN_CONTROL_XLAT }, { F_GUEST_PHYSICAL, 680, 8, CLEAN_NONE },
	{ F_INSN_ERROR, 688, 4, CLEAN_NONE }, { F_EXIT_REASON, 692, 4, CLEAN_NONE },
	{ F_EXIT_INTR_INFO, 696, 4, CLEAN_NONE }, { F_EXIT_INTR_ERROR, 700, 4, CLEAN_NONE },
	{ F_IDT_INFO, 704, 4, CLEAN_NONE }, { F_IDT_ERROR, 708, 4, CLEAN_NONE },
	{ F_EXIT_INSN_LEN, 712, 4, CLEAN_NONE }, { F_EXIT_INSN_INFO, 716, 4, CLEAN_NONE },
	{ F_QUALIFICATION, 720, 8, CLEAN_NONE }, { F_GUEST_LINEAR, 760, 8, CLEAN_NONE },
	{ F_GUEST_RSP, 768, 8, CLEAN_GUEST_BASIC },
	{ F_GUEST_RFLAGS, 776, 8, CLEAN_GUEST_BASIC },
	{ F_GUEST_INTR_STATE, 784, 4, CLEAN_GUEST_BASIC },
	{ F_PROC, 788, 4, CLEAN_CONTROL_PROC }, { F_EXCEPTIONS, 792, 4, CLEAN_CONTROL_EXCPN },
	{ F_ENTRY_CTLS, 796, 4, CLEAN_CONTROL_ENTRY },
	{ F_ENTRY_INTR_INFO, 800, 4, CLEAN_CONTROL_EVENT },
	{ F_ENTRY_ERROR, 804, 4, CLEAN_CONTROL_EVENT },
	{ F_ENTRY_INSN_LEN, 808, 4, CLEAN_CONTROL_EVENT },
	{ F_TPR_THRESHOLD, 812, 4, CLEAN_NONE }, { F_GUEST_RIP, 816, 8, CLEAN_NONE },
};

/* The one that vmread() and vmwrite() mean. */
static u64 evmcs_at __attribute__((used)) = EVMCS_PAGE;

static volatile u32 *evmcs_word(u32 at)
{
	return (volatile u32 *)(evmcs_at + at);
}

static const struct evmcs_field *evmcs_find(u64 field)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(evmcs_fields); i++)
		if (evmcs_fields[i].field == field)
			return &evmcs_fields[i];
	check(false, "an enlightened VMCS has field %lx", field);
	return NULL;
}

static u64 vmread(u64 field)
{
	const struct evmcs_field *f = evmcs_find(field);
	u64 val = 0;

	if (f)
		memcpy(&val, (void *)(evmcs_at + f->at), f->bytes);
	return val;
}

/* Without telling L0. */
static void poke(u64 field, u64 value)
{
	const struct evmcs_field *f = evmcs_find(field);

	barrier();
	if (f)
		memcpy((void *)(evmcs_at + f->at), &value, f->bytes);
	barrier();
}

static u64 vmwrite(u64 field, u64 value)
{
	const struct evmcs_field *f = evmcs_find(field);

	if (!f)
		return VMX_VALID;
	poke(field, value);
	*evmcs_word(EVMCS_CLEAN) &= ~(u32)f->clean;
	return VMX_OK;
}

/* L1's own state goes to HOST_RSP and HOST_RIP, whose clean bits are 13 and 14. */
__attribute__((noinline)) static u64 l2_go(bool launch)
{
	u64 flags;

	asm volatile("pushq %%rbp; pushq %%rbx; pushq %%r12; pushq %%r13; pushq %%r14;"
		     "pushq %%r15;"
		     "movq evmcs_at, %%rax; movq %%rsp, 616(%%rax); movq $772f, 80(%%rax);"
		     "andl $~0x6000, 824(%%rax);"
		     "testb %%dil, %%dil;"
		     L2_LOAD_REGS
		     "jz 770f; vmlaunch; jmp 771f;"
		     "770: vmresume;"
		     "771: pushfq; popq %%rax; jmp 773f;"
		     "772:" L2_SAVE_REGS
		     "xorl %%eax, %%eax;"
		     "773: popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbx;"
		     "popq %%rbp"
		     : "=a"(flags), "+D"(launch)
		     : : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "cc", "memory");
	return flags & VMX_FLAGS;
}

static void assist_set(u64 evmcs, bool enlighten)
{
	*(volatile u8 *)(ASSIST_PAGE + ASSIST_ENLIGHTEN) = enlighten;
	*(volatile u64 *)(ASSIST_PAGE + ASSIST_CURRENT) = evmcs;
}

/* VMX operation, and an enlightened VMCS for an L2 that starts at @code. */
static bool evmcs_start(void (*code)(void))
{
	if (!vmx_start())
		return false;
	memset((void *)EVMCS_PAGE, 0, 3 * PAGE_SIZE);
	*evmcs_word(0) = EVMCS_VERSION;
	assist_set(EVMCS_PAGE, true);
	wrmsr(MSR_HV_ASSIST, ASSIST_PAGE | HV_ASSIST_ON);
	vmcs_make(code);
	return true;
}

#endif /* NST_EVMCS_TEST_H */
