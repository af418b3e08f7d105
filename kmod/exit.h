/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The neutral exit: why the guest stopped, in words that are the same for VMX
 * and SVM.  A backend fills it from its exit table; handlers read it and never
 * look at hardware.
 */
#ifndef NST_EXIT_H
#define NST_EXIT_H

#include "x86.h"

/*
 * One row a kind: the name that traces, statistics and documents print.
 */
#define NST_EXIT_KINDS(K)							\
	K(NONE, "none")			/* the backend dealt with it */		\
	K(EXCEPTION, "exception")						\
	K(HOST_IRQ, "host-irq")		/* taken once the host enables IRQs */	\
	K(HOST_NMI, "host-nmi")		/* already delivered to the host */	\
	K(IRQ_WINDOW, "irq-window")						\
	K(NMI_WINDOW, "nmi-window")						\
	K(HLT, "hlt")								\
	K(IO, "io")								\
	K(CPUID, "cpuid")							\
	K(MSR, "msr")								\
	K(CR, "cr")								\
	K(DR, "dr")								\
	K(RDTSC, "rdtsc")							\
	K(RDPMC, "rdpmc")							\
	K(INVLPG, "invlpg")							\
	K(INVPCID, "invpcid")							\
	K(CACHE, "cache")		/* INVD or WBINVD */			\
	K(PAUSE, "pause")							\
	K(MWAIT, "mwait")							\
	K(MONITOR, "monitor")							\
	K(XSETBV, "xsetbv")							\
	K(TASK_SWITCH, "task-switch")						\
	K(TDP_FAULT, "tdp-fault")	/* EPT violation, NPT fault */		\
	K(TDP_MISCONFIG, "tdp-misconfig")					\
	K(TPR, "tpr-below")							\
	K(APIC_ACCESS, "apic-access")						\
	K(APIC_WRITE, "apic-write")						\
	K(EOI, "virtual-eoi")							\
	K(PREEMPTION_TIMER, "preemption-timer")					\
	K(TRIPLE_FAULT, "triple-fault")						\
	K(INIT, "init")								\
	K(SIPI, "sipi")			/* by software alone */			\
	K(SMI, "smi")			/* by software alone */			\
	K(HYPERCALL, "hypercall")						\
	K(VMX_INSN, "vmx-insn")		/* VMXON and its kin */			\
	K(SVM_INSN, "svm-insn")		/* VMRUN and its kin */			\
	K(DTABLE, "dtable")		/* LGDT, SIDT, LTR … */			\
	K(PML_FULL, "pml-full")							\
	K(MTF, "mtf")								\
	K(RSM, "rsm")								\
	K(SOFT_INT, "int-n")							\
	K(ICEBP, "int1")							\
	K(PUSHF, "pushf")							\
	K(POPF, "popf")								\
	K(IRET, "iret")								\
	K(RANDOM, "random")		/* RDRAND or RDSEED */			\
	K(UD, "undefined-insn")		/* instruction hidden from the guest */	\
	K(VIRTUAL_IRQ, "virtual-irq")	/* L1's virtual interrupt is due in L2 */ \
	K(ENTRY_FAILED, "entry-failed")						\
	K(UNKNOWN, "unknown")

enum nst_exit_kind {
#define K(name, text) NST_EXIT_##name,
	NST_EXIT_KINDS(K)
#undef K
	NST_NR_EXIT_KINDS
};

/* How memory was touched, in TDP faults and page walks. */
#define NST_ACCESS_R	BIT(0)
#define NST_ACCESS_W	BIT(1)
#define NST_ACCESS_X	BIT(2)
#define NST_ACCESS_U	BIT(3)	/* with user rights */
#define NST_ACCESS_IMPL	BIT(4)	/* implicit supervisor: descriptor tables … */

/* The instructions of VMX and SVM, for VMX_INSN, SVM_INSN and HYPERCALL exits. */
enum nst_isa_insn {
	NST_INSN_NONE,
	NST_INSN_VMCALL, NST_INSN_VMCLEAR, NST_INSN_VMLAUNCH, NST_INSN_VMPTRLD,
	NST_INSN_VMPTRST, NST_INSN_VMREAD, NST_INSN_VMRESUME, NST_INSN_VMWRITE,
	NST_INSN_VMXOFF, NST_INSN_VMXON, NST_INSN_INVEPT, NST_INSN_INVVPID,
	NST_INSN_VMFUNC,
	NST_INSN_VMRUN, NST_INSN_VMMCALL, NST_INSN_VMLOAD, NST_INSN_VMSAVE,
	NST_INSN_STGI, NST_INSN_CLGI, NST_INSN_SKINIT, NST_INSN_INVLPGA,
};

/**
 * struct nst_operand - the ModRM operands of an instruction
 * @mem: @rm is memory, else a register
 * @reg: register in ModRM.reg
 * @rm: register in ModRM.rm, when not @mem
 * @seg: enum nst_seg_index of the memory operand, overrides applied
 * @has_base: @base counts
 * @has_index: @index and @scale count
 * @base: base register
 * @index: index register
 * @scale: its shift
 * @adsize: address size in bytes
 * @opsize: operand size in bytes
 * @disp: displacement; the whole offset when relative to RIP
 * @ea: offset in the segment, cut to the address size
 */
struct nst_operand {
	bool mem;
	u8 reg;
	u8 rm;
	u8 seg;
	bool has_base;
	bool has_index;
	u8 base;
	u8 index;
	u8 scale;
	u8 adsize;
	u8 opsize;
	u64 disp;
	u64 ea;
};

/* nst_exit.raw_reason of an exit that no hardware made: see insn_icpt.c */
#define NST_EXIT_BY_SOFTWARE	0xffffffffu

/**
 * struct nst_exit - one exit, decoded
 * @kind: what happened; selects the member of the union
 * @insn_len: length in bytes of the exiting instruction, 0 if hardware does not say
 * @raw_reason: VMX exit reason or SVM exit code, for traces
 * @info1: VMX exit qualification or SVM EXITINFO1
 * @info2: guest-linear address (VMX) or EXITINFO2 (SVM)
 * @intr_info: VMX exit-interruption info or SVM EXITINTINFO, low half
 * @intr_error: its error code
 */
struct nst_exit {
	enum nst_exit_kind kind;
	u8 insn_len;
	u32 raw_reason;
	u64 info1;
	u64 info2;
	u32 intr_info;
	u32 intr_error;

	union {
		struct {
			u8 vector;
			bool has_error;
			bool int1;	/* #DB that leaves DR6 alone; RIP is at the INT1 */
			u32 error_code;
			u64 payload;	/* CR2 for #PF, DR6 bits for #DB */
		} exception;
		struct {
			u16 port;
			u8 size;	/* bytes: 1, 2 or 4 */
			bool in;
			bool string;
			bool rep;
		} io;
		struct {
			u8 cr;		/* 0, 2, 3, 4 or 8 */
			u8 gpr;		/* enum nst_gpr; source or destination */
			enum {
				NST_CR_WRITE, NST_CR_READ, NST_CR_CLTS, NST_CR_LMSW,
				NST_CR_SMSW,	/* by software and SVM only */
			} op;
			u16 lmsw;	/* LMSW's operand */
			bool lmsw_mem;	/* it is in memory, at info2 */
			u64 val;	/* NST_CR_WRITE by software: what is written */
			bool need_decode; /* hardware did not say which register */
		} cr;
		struct {
			u8 dr;
			u8 gpr;
			bool read;
			bool need_decode;
		} dr;
		struct {
			bool write;
			u32 index;	/* by software only; else RCX */
		} msr;
		struct {
			bool rdtscp;
		} rdtsc;
		struct {
			u64 gva;
			bool valid;	/* hardware gave the address */
		} invlpg;
		struct {
			bool invd;	/* else WBINVD */
		} cache;
		struct {
			enum { NST_TABLE_GDT, NST_TABLE_IDT, NST_TABLE_LDT, NST_TABLE_TR } table;
			bool write;	/* LGDT and its kin, else SGDT and its kin */
			struct nst_operand op;
		} dtable;
		struct {
			enum nst_isa_insn which; /* not for INVPCID */
			bool known;	/* @op is filled, but for @op.ea */
			struct nst_operand op;
		} insn;			/* INVPCID, VMX_INSN, SVM_INSN, HYPERCALL */
		struct {
			u8 vector;
		} soft_int;
		struct {
			bool seed;	/* RDSEED, else RDRAND */
			struct nst_operand op;
		} random;
		struct {
			nst_gpa_t gpa;
			u64 gva;
			u8 access;	/* NST_ACCESS_R/W/X */
			bool gva_valid;
			bool present;	/* an entry was there, rights were missing */
			bool in_page_walk; /* touched a guest paging structure */
		} tdp;
		struct {
			u16 offset;	/* into the APIC page; EOI: the vector */
			bool write;
			bool fetch;
		} apic;
		struct {
			u8 vector;
		} sipi;
		struct {
			u16 selector;
			enum { NST_TS_CALL, NST_TS_IRET, NST_TS_JMP, NST_TS_GATE } source;
			bool has_error;
			u32 error_code;
		} task;
		struct {
			u64 hardware_reason; /* for KVM_EXIT_FAIL_ENTRY */
		} entry_failed;
	};
};

const char *nst_exit_name(enum nst_exit_kind kind);

#endif /* NST_EXIT_H */
