/* SPDX-License-Identifier: GPL-2.0-only */
/* Random VMCSs. */
#ifndef NST_GEN_VMX_H
#define NST_GEN_VMX_H

#include "oracle.h"
#include "../nested/vmx_l1.h"

/* Where L1 keeps what its VMCS points to, in the memory for tests. */
#define VAPIC_PAGE		(GUEST_SCRATCH + 0xa000)
#define STORE_AREA		(GUEST_SCRATCH + 0xb000)

#define F_VIRTUAL_APIC		0x2012
#define F_TPR_THRESHOLD		0x401c
#define F_PDPTE(n)		(0x280a + 2 * (n))

#define SEGMENTS(S)	S(ES, 0) S(CS, 1) S(SS, 2) S(DS, 3) S(FS, 4) S(GS, 5) S(LDTR, 6) S(TR, 7)

/* Every field that a case writes: a member of enum vmx_value, and its encoding. */
#define VMX_CONTROLS(F)							\
	F(PIN) F(PROC) F(PROC2) F(EXIT_CTLS) F(ENTRY_CTLS) F(EXCEPTIONS) F(PF_MASK)	\
	F(PF_MATCH) F(CR3_TARGETS) F(EXIT_STORE_COUNT) F(EXIT_LOAD_COUNT)	\
	F(ENTRY_LOAD_COUNT) F(ENTRY_INTR_INFO) F(ENTRY_ERROR) F(ENTRY_INSN_LEN)	\
	F(IO_BITMAP_A) F(IO_BITMAP_B) F(MSR_BITMAP) F(EXIT_STORE_ADDR) F(EXIT_LOAD_ADDR) \
	F(ENTRY_LOAD_ADDR) F(TSC_OFFSET) F(EPTP) F(VPID) F(TIMER) F(CR0_MASK) F(CR4_MASK) \
	F(CR0_SHADOW) F(CR4_SHADOW) F(CR3_TARGET0)
#define VMX_HOST(F)							\
	F(HOST_CR0) F(HOST_CR3) F(HOST_CR4) F(HOST_ES_SEL) F(HOST_CS_SEL) F(HOST_SS_SEL) \
	F(HOST_DS_SEL) F(HOST_FS_SEL) F(HOST_GS_SEL) F(HOST_TR_SEL) F(HOST_FS_BASE)	\
	F(HOST_GS_BASE) F(HOST_TR_BASE) F(HOST_GDTR_BASE) F(HOST_IDTR_BASE)	\
	F(HOST_SYSENTER_CS) F(HOST_SYSENTER_ESP) F(HOST_SYSENTER_EIP) F(HOST_PAT)	\
	F(HOST_EFER) F(HOST_RIP)
#define VMX_GUEST(F)							\
	F(GUEST_CR0) F(GUEST_CR3) F(GUEST_CR4) F(GUEST_DR7) F(GUEST_RSP) F(GUEST_RIP)	\
	F(GUEST_RFLAGS) F(GUEST_PENDING) F(GUEST_SYSENTER_CS) F(GUEST_SYSENTER_ESP)	\
	F(GUEST_SYSENTER_EIP) F(GUEST_INTR_STATE) F(GUEST_ACTIVITY) F(LINK)	\
	F(GUEST_DEBUGCTL) F(GUEST_PAT) F(GUEST_EFER) F(GUEST_GDTR_BASE) F(GUEST_IDTR_BASE) \
	F(GUEST_GDTR_LIMIT) F(GUEST_IDTR_LIMIT)

enum vmx_value {
#define F(name) V_##name,
	VMX_CONTROLS(F) VMX_HOST(F) VMX_GUEST(F)
#undef F
	V_SEL, V_BASE = V_SEL + 8, V_LIMIT = V_BASE + 8, V_AR = V_LIMIT + 8,
	V_PDPTE = V_AR + 8, V_VALUES = V_PDPTE + 4
};

enum { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, S_LDTR, S_TR, NR_SEGMENTS };

/* MSRs that an entry loads: as many as an area has here. */
#define AREA_ENTRIES		4

struct msr_entry {
	u32 index, reserved;
	u64 value;
};

/**
 * struct vmx_case - a VMCS and what is not in it
 * @val: of each field
 * @area: VM-entry MSR-load area
 * @rax: L2's
 * @link_revision: what the page at the link pointer begins with, if not the right one
 */
struct vmx_case {
	u64 val[V_VALUES];
	struct msr_entry area[AREA_ENTRIES];
	u64 rax;
	u32 link_revision;
};

extern const u16 vmx_encoding[V_VALUES];

/* @host: V_HOST_ members are those of L1 as it is. */
void vmx_generate(const struct oracle_params *p, u32 number, const u64 *host,
		  struct vmx_case *c);

#endif /* NST_GEN_VMX_H */
