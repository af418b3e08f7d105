/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Public interface of the instruction emulator: one instruction in, registers
 * out, everything else through callbacks.
 *
 * The emulator is a pure function of struct nst_emul and of what the callbacks
 * answer. It takes no lock, touches no hardware and allocates nothing. The
 * caller provides the struct (about 2 KiB: do not put it on a kernel stack).
 *
 * Replay. Callbacks are called in an order that depends only on the inputs.
 * When one answers NST_EMUL_USER the step ends with every register restored.
 * The caller lets userspace finish that access, appends the answer to a log
 * and calls nst_emul_step() again; its callbacks answer the first n device
 * accesses from the log. The log is dropped on every other result. In a REP
 * batch only the first iteration can end in NST_EMUL_USER: a later one that
 * needs userspace ends the batch with NST_EMUL_AGAIN, so whatever request the
 * callback prepared must be dropped on NST_EMUL_AGAIN too.
 */
#ifndef NST_EMUL_H
#define NST_EMUL_H

#include "../pure.h"
#include "../regs.h"

#define NST_EMUL_INSN_MAX	15
#define NST_EMUL_IO_MAX		1024
#define NST_EMUL_FX_SIZE	512

/* Index into nst_emul.gpr is enum nst_gpr, access rights are NST_AR_*: regs.h */

/* Index into nst_emul.seg: the number the instruction encoding uses. */
enum nst_emul_sreg {
	NST_SEG_ES, NST_SEG_CS, NST_SEG_SS, NST_SEG_DS, NST_SEG_FS, NST_SEG_GS,
	NST_NR_SEG,
};

/* CPUID registers that say which instructions there are: nst_emul.cpuid. */
enum nst_emul_cpuid {
	NST_CPUID_1_EDX, NST_CPUID_1_ECX, NST_CPUID_7_EBX, NST_CPUID_7_ECX,
	NST_CPUID_EXT_ECX, NST_CPUID_EXT_EDX,	/* leaf 8000_0001 */
	NST_NR_CPUID,
};

#define NST_FEAT(word, bit)	((NST_CPUID_##word) * 32 + (bit) + 1)

/* SDM2 "CPUID", APM3 "CPUID Instruction". */
enum nst_emul_feature {
	NST_FEAT_NONE,
	NST_FEAT_FPU = NST_FEAT(1_EDX, 0),
	NST_FEAT_TSC = NST_FEAT(1_EDX, 4),
	NST_FEAT_MSR = NST_FEAT(1_EDX, 5),
	NST_FEAT_CX8 = NST_FEAT(1_EDX, 8),
	NST_FEAT_SEP = NST_FEAT(1_EDX, 11),
	NST_FEAT_CMOV = NST_FEAT(1_EDX, 15),
	NST_FEAT_CLFSH = NST_FEAT(1_EDX, 19),
	NST_FEAT_MMX = NST_FEAT(1_EDX, 23),
	NST_FEAT_FXSR = NST_FEAT(1_EDX, 24),
	NST_FEAT_SSE = NST_FEAT(1_EDX, 25),
	NST_FEAT_SSE2 = NST_FEAT(1_EDX, 26),
	NST_FEAT_SSE3 = NST_FEAT(1_ECX, 0),
	NST_FEAT_MONITOR = NST_FEAT(1_ECX, 3),
	NST_FEAT_CX16 = NST_FEAT(1_ECX, 13),
	NST_FEAT_SSE41 = NST_FEAT(1_ECX, 19),
	NST_FEAT_SSE42 = NST_FEAT(1_ECX, 20),
	NST_FEAT_MOVBE = NST_FEAT(1_ECX, 22),
	NST_FEAT_POPCNT = NST_FEAT(1_ECX, 23),
	NST_FEAT_XSAVE = NST_FEAT(1_ECX, 26),
	NST_FEAT_AVX = NST_FEAT(1_ECX, 28),
	NST_FEAT_RDRAND = NST_FEAT(1_ECX, 30),
	NST_FEAT_FSGSBASE = NST_FEAT(7_EBX, 0),
	NST_FEAT_BMI1 = NST_FEAT(7_EBX, 3),
	NST_FEAT_AVX2 = NST_FEAT(7_EBX, 5),
	NST_FEAT_BMI2 = NST_FEAT(7_EBX, 8),
	NST_FEAT_INVPCID = NST_FEAT(7_EBX, 10),
	NST_FEAT_RDSEED = NST_FEAT(7_EBX, 18),
	NST_FEAT_ADX = NST_FEAT(7_EBX, 19),
	NST_FEAT_SMAP = NST_FEAT(7_EBX, 20),
	NST_FEAT_CLFLUSHOPT = NST_FEAT(7_EBX, 23),
	NST_FEAT_CLWB = NST_FEAT(7_EBX, 24),
	NST_FEAT_RDPID = NST_FEAT(7_ECX, 22),
	NST_FEAT_LAHF64 = NST_FEAT(EXT_ECX, 0),
	NST_FEAT_LZCNT = NST_FEAT(EXT_ECX, 5),
	NST_FEAT_SYSCALL = NST_FEAT(EXT_EDX, 11),
	NST_FEAT_RDTSCP = NST_FEAT(EXT_EDX, 27),
};

enum nst_emul_result {
	NST_EMUL_OK,		/* done; registers updated, rip advanced */
	NST_EMUL_AGAIN,		/* part done, rip still on it; registers updated */
	NST_EMUL_FAULT,		/* exception in ->exc; state as the manual says */
	NST_EMUL_USER,		/* userspace needed; nothing changed; run again */
	NST_EMUL_INTERCEPTED,	/* a callback took it for L1; as with FAULT, a REP */
				/* instruction keeps the elements it has done */
	NST_EMUL_UNKNOWN,	/* not an instruction we know; nothing changed */
	NST_EMUL_DEAD,		/* internal inconsistency; nothing changed */
};

struct nst_emul_seg {
	u16 selector;
	u64 base;
	u32 limit;		/* in bytes, granularity applied */
	u32 ar;			/* NST_AR_* */
};

/* Flags of the ->read() and ->write() callbacks. */
#define NST_EMUL_ACC_IMPLICIT	0x1u	/* supervisor access whatever the CPL */
#define NST_EMUL_ACC_RMW	0x2u	/* read that a write will follow: check for write */

/* Interruptibility after the instruction: values of nst_emul.shadow. */
#define NST_EMUL_SHADOW_STI	0x1u
#define NST_EMUL_SHADOW_MOV_SS	0x2u

/*
 * What ->intercept() is asked about: @a and @b in the comments. Each is asked
 * at the place where SDM3 "Instructions That Cause VM Exits" and APM2
 * "Instruction Intercepts" put it: after #UD and privilege, before operands in
 * memory are touched, if not said otherwise.
 */
enum nst_emul_icpt {
	NST_ICPT_IO,		/* a: port, b: NST_ICPT_IO_*; after the I/O map */
	NST_ICPT_CR_READ,	/* a: register, b: destination GPR */
	NST_ICPT_CR_WRITE,	/* a: register | source GPR << 8, b: new value */
	NST_ICPT_CLTS,
	NST_ICPT_LMSW,		/* a: source operand, b: 1: it is in memory */
	NST_ICPT_SMSW,
	NST_ICPT_DR_READ,	/* a: register, b: destination GPR */
	NST_ICPT_DR_WRITE,	/* a: register | source GPR << 8, b: new value */
	NST_ICPT_RDMSR,		/* a: index */
	NST_ICPT_WRMSR,		/* a: index, b: value */
	NST_ICPT_CPUID,
	NST_ICPT_RDTSC,
	NST_ICPT_RDTSCP,
	NST_ICPT_RDPMC,
	NST_ICPT_HLT,
	NST_ICPT_PAUSE,
	NST_ICPT_INVLPG,	/* a: linear address */
	NST_ICPT_INVPCID,
	NST_ICPT_WBINVD,
	NST_ICPT_INVD,
	NST_ICPT_DESC_READ,	/* SGDT SIDT SLDT STR; a: enum nst_emul_desc */
	NST_ICPT_DESC_WRITE,	/* LGDT LIDT LLDT LTR; a: enum nst_emul_desc */
	NST_ICPT_PUSHF,
	NST_ICPT_POPF,
	NST_ICPT_IRET,
	NST_ICPT_INTN,		/* a: vector */
	NST_ICPT_INT3,
	NST_ICPT_ICEBP,
	NST_ICPT_TASK_SWITCH,	/* a: selector, b: enum nst_emul_task_reason */
	NST_ICPT_XSETBV,	/* a: index, b: value */
	NST_ICPT_MONITOR,
	NST_ICPT_MWAIT,
	NST_ICPT_RSM,
	NST_ICPT_RDRAND,
	NST_ICPT_RDSEED,
	NST_NR_ICPT
};

/* NST_ICPT_IO: operand b. */
#define NST_ICPT_IO_SIZE	0x0ffu
#define NST_ICPT_IO_IN		0x100u
#define NST_ICPT_IO_STRING	0x200u
#define NST_ICPT_IO_REP		0x400u

enum nst_emul_desc {
	NST_DESC_GDT, NST_DESC_IDT, NST_DESC_LDT, NST_DESC_TR,
};

enum nst_emul_task_reason {
	NST_TASK_CALL, NST_TASK_IRET, NST_TASK_JMP, NST_TASK_GATE,
};

enum nst_emul_virt {
	NST_VIRT_VMCALL, NST_VIRT_VMLAUNCH, NST_VIRT_VMRESUME, NST_VIRT_VMXOFF,
	NST_VIRT_VMFUNC, NST_VIRT_VMXON, NST_VIRT_VMCLEAR, NST_VIRT_VMPTRLD,
	NST_VIRT_VMPTRST, NST_VIRT_VMREAD, NST_VIRT_VMWRITE, NST_VIRT_INVEPT,
	NST_VIRT_INVVPID, NST_VIRT_VMRUN, NST_VIRT_VMMCALL, NST_VIRT_VMLOAD,
	NST_VIRT_VMSAVE, NST_VIRT_STGI, NST_VIRT_CLGI, NST_VIRT_SKINIT,
	NST_VIRT_INVLPGA,
};

/* Why nst_emul_deliver() delivers: decides DPL checks and the error code. */
enum nst_emul_event {
	NST_EMUL_EV_EXT,		/* external interrupt or NMI */
	NST_EMUL_EV_EXC,		/* exception */
	NST_EMUL_EV_SOFT,		/* INT n */
	NST_EMUL_EV_SOFT_EXC,	/* INT3, INTO */
};

struct nst_emul;

/*
 * Callbacks. All addresses are linear. Each returns NST_EMUL_OK, or
 * NST_EMUL_FAULT with e->exc filled in by nst_emul_raise() or
 * nst_emul_raise_pf(), or NST_EMUL_USER where that makes sense.
 * fetch, read and write must be there; an instruction that needs another
 * callback which is NULL ends in NST_EMUL_UNKNOWN.
 */
struct nst_emul_ops {
	/* Never crosses a 4 KiB page: the emulator asks for each page apart. */
	enum nst_emul_result (*fetch)(struct nst_emul *e, u64 lin, void *buf, u32 len);

	/*
	 * @len is 1 to 32 bytes, or up to NST_EMUL_IO_MAX within one page for
	 * INS and OUTS. May cross a page; then nothing may be written before
	 * both pages passed their checks.
	 */
	enum nst_emul_result (*read)(struct nst_emul *e, u64 lin, void *buf, u32 len, u32 flags);
	enum nst_emul_result (*write)(struct nst_emul *e, u64 lin, const void *buf, u32 len,
				      u32 flags);

	/* May be NULL. Would a write be allowed? Touches nothing. */
	enum nst_emul_result (*probe_write)(struct nst_emul *e, u64 lin, u32 len, u32 flags);

	/*
	 * Atomic compare and exchange of 1, 2, 4, 8 or 16 bytes for LOCKed
	 * instructions and XCHG. *@done says if memory was equal to @old and
	 * was written. On MMIO: write @new, *@done = true. NULL: ->write().
	 */
	enum nst_emul_result (*exchange)(struct nst_emul *e, u64 lin, const void *old,
					 const void *new, u32 len, bool *done);

	/* @count elements of @size bytes, packed in @buf in their order. */
	enum nst_emul_result (*pio_in)(struct nst_emul *e, u16 port, u32 size, void *buf,
				       u32 count);
	enum nst_emul_result (*pio_out)(struct nst_emul *e, u16 port, u32 size,
					const void *buf, u32 count);
	/*
	 * Asked when CPL > IOPL or in virtual-8086 mode. NULL: the emulator
	 * reads the I/O map of the TSS that ->get_sys_seg() tells it.
	 */
	enum nst_emul_result (*io_allowed)(struct nst_emul *e, u16 port, u32 size);

	/*
	 * Writes check the value (#GP) and refresh e->cr0, e->cr4, e->efer.
	 * CR0 goes through ->get_cr() too when a guest reads it (shadow bits).
	 */
	enum nst_emul_result (*get_cr)(struct nst_emul *e, u32 nr, u64 *val);
	enum nst_emul_result (*set_cr)(struct nst_emul *e, u32 nr, u64 val);
	/* DR4 and DR5 arrive as DR6 and DR7; DR7.GD is the callback's. */
	enum nst_emul_result (*get_dr)(struct nst_emul *e, u32 nr, u64 *val);
	enum nst_emul_result (*set_dr)(struct nst_emul *e, u32 nr, u64 val);
	enum nst_emul_result (*rdmsr)(struct nst_emul *e, u32 idx, u64 *val);
	enum nst_emul_result (*wrmsr)(struct nst_emul *e, u32 idx, u64 val);
	/* @regs: in EAX and ECX as [0] and [2], out EAX EBX ECX EDX. */
	enum nst_emul_result (*cpuid)(struct nst_emul *e, u32 regs[4]);
	enum nst_emul_result (*rdtsc)(struct nst_emul *e, u64 *val);
	enum nst_emul_result (*rdpmc)(struct nst_emul *e, u32 idx, u64 *val);
	enum nst_emul_result (*xsetbv)(struct nst_emul *e, u32 idx, u64 val);
	enum nst_emul_result (*xgetbv)(struct nst_emul *e, u32 idx, u64 *val);

	/* The CPU goes idle after this instruction is committed. */
	enum nst_emul_result (*hlt)(struct nst_emul *e);
	enum nst_emul_result (*invlpg)(struct nst_emul *e, u64 lin);
	enum nst_emul_result (*wbinvd)(struct nst_emul *e, bool writeback);

	/* GDT or IDT. */
	enum nst_emul_result (*get_dtr)(struct nst_emul *e, enum nst_emul_desc which,
					u64 *base, u16 *limit);
	enum nst_emul_result (*set_dtr)(struct nst_emul *e, enum nst_emul_desc which,
					u64 base, u16 limit);
	/* LDTR or TR. */
	enum nst_emul_result (*get_sys_seg)(struct nst_emul *e, enum nst_emul_desc which,
					    struct nst_emul_seg *seg);
	enum nst_emul_result (*set_sys_seg)(struct nst_emul *e, enum nst_emul_desc which,
					    const struct nst_emul_seg *seg);

	/*
	 * Does an L1 hypervisor want this instruction of its L2? Called when
	 * the instruction's own checks that come before an intercept have
	 * passed and before it does anything; e->insn_len and e->modrm are
	 * valid (not for a task switch by an event). May be NULL.
	 * NST_EMUL_OK: go on. NST_EMUL_INTERCEPTED: the step ends so.
	 * The memory callbacks may return NST_EMUL_INTERCEPTED too, when L1's
	 * paging refuses the access.
	 */
	enum nst_emul_result (*intercept)(struct nst_emul *e, enum nst_emul_icpt kind,
					  u64 a, u64 b);

	/*
	 * Vector registers. @len is 4, 8, 16 or 32. A write of fewer bytes
	 * than the register leaves the rest, unless @zero_upper.
	 */
	enum nst_emul_result (*vec_read)(struct nst_emul *e, u32 reg, void *buf, u32 len);
	enum nst_emul_result (*vec_write)(struct nst_emul *e, u32 reg, const void *buf,
					  u32 len, bool zero_upper);
	/* Types and operands are checked. */
	enum nst_emul_result (*invpcid)(struct nst_emul *e, u32 type, u16 pcid, u64 lin);
	/* @len random bytes for RDRAND and RDSEED. */
	enum nst_emul_result (*random)(struct nst_emul *e, void *buf, u32 len);

	/*
	 * Leave system-management mode, when e->smm. NST_EMUL_INTERCEPTED: the
	 * caller does it, since nothing in @e stays. NULL: RSM is #UD.
	 */
	enum nst_emul_result (*rsm)(struct nst_emul *e);

	/*
	 * Instructions of VMX and SVM, decoded and not checked: e->modrm has
	 * the operands. NULL: NST_EMUL_UNKNOWN.
	 */
	enum nst_emul_result (*virt)(struct nst_emul *e, enum nst_emul_virt insn);

	/*
	 * x87, MMX and SSE state as FXSAVE64 lays it out (SDM1 "Layout of the
	 * 64-Bit Mode FXSAVE Map"): NST_EMUL_FX_SIZE bytes. NULL: x87
	 * instructions end in NST_EMUL_UNKNOWN.
	 */
	enum nst_emul_result (*fx_read)(struct nst_emul *e, void *image);
	enum nst_emul_result (*fx_write)(struct nst_emul *e, const void *image);

	/* MMX registers; a write also sets the x87 tag word to valid, TOP to 0. */
	enum nst_emul_result (*mmx_read)(struct nst_emul *e, u32 reg, u64 *val);
	enum nst_emul_result (*mmx_write)(struct nst_emul *e, u32 reg, u64 val);
};

/* ModRM operands as they are encoded: what VMX describes to its hypervisor. */
struct nst_emul_modrm {
	bool mem;		/* rm is memory */
	bool has_base, has_index;
	u8 reg, rm;
	u8 seg;
	u8 base, index, scale;
	u64 disp;
	u64 ea;			/* offset in the segment */
};

struct nst_emul_exc {
	bool valid;
	bool has_error;
	u8 vector;
	u32 error_code;
	u64 payload;		/* #PF: CR2; #DB: the bits DR6 gains */
};

/* An operand after decoding. Private to kmod/emul/. */
struct nst_emul_operand {
	u8 kind;
	u8 size;		/* bytes */
	u8 reg;
	u8 seg;
	u64 ea;			/* offset in segment, for memory */
	u64 val;
};

struct nst_opcode;

/* A decoded instruction. Private to kmod/emul/, but for tests and tracing. */
struct nst_emul_insn {
	const struct nst_opcode *row;
	const u16 *cols;	/* operand columns: of the row or of one above it */
	u32 flags;		/* of the row and of the groups above it */
	u8 fetched;		/* bytes of e->insn that are valid */
	u8 mode;		/* code size: 2, 4 or 8 bytes */
	u8 rex;			/* REX prefix, or its equivalent from VEX */
	u8 rep;			/* 0, 0xf2 or 0xf3: the last one */
	u8 opsize;
	u8 adsize;
	u8 opcode;
	u8 modrm;
	u8 vex_len;		/* 0: no VEX; else 16 or 32 */
	u8 vex_reg;
	u8 vex_map;
	s8 seg_override;	/* -1: none */
	bool lock;
	bool has_opsize;	/* 66 prefix seen */
	bool has_modrm;
	bool no_write;		/* handler: do not write operand 0 back */
	bool jumped;		/* handler: rip is already final */
	bool no_trap;		/* handler: RFLAGS.TF causes no trap this time */
	bool again;		/* handler: REP not finished */
	bool partial;		/* handler: registers are to be kept on a fault */
	bool committed;		/* handler: on a fault nothing is taken back */
	bool rip_relative;
	struct nst_emul_operand op[3];
};

/*
 * While a callback runs, cpl and seg[] are those that the access is made with:
 * far transfers push on the new stack at the new level. Callbacks that check
 * permissions look here, not at the vCPU.
 */
struct nst_emul {
	/* Inputs that the caller sets. */
	const struct nst_emul_ops *ops;
	void *opaque;		/* the caller's */
	u64 cr0, cr4, efer;	/* the callbacks keep them fresh */
	bool amd;		/* vendor rules: SYSCALL, SYSENTER, … */
	bool smm;		/* in system-management mode */
	u64 xcr0;		/* XSETBV's callback keeps it fresh */
	u64 dr[4], dr7;		/* breakpoints, as far as DR7 enables them */
	u32 cpuid[NST_NR_CPUID];	/* what the guest's CPUID shows */

	/* In and out. */
	u64 gpr[NST_NR_GPRS];
	u64 rip, rflags;
	struct nst_emul_seg seg[NST_NR_SEG];
	u8 cpl;

	/* Outputs. */
	struct nst_emul_exc exc;
	u32 shadow;		/* NST_EMUL_SHADOW_*: new blocking after this one */
	u32 seg_dirty;		/* bit per enum nst_emul_sreg that changed */
	bool single_step;	/* RFLAGS.TF was set: trap_dr6 has BS */
	u64 trap_dr6;		/* not 0: a #DB trap with these bits of DR6 is due */
	bool nmi_unmask;	/* an IRET ended NMI blocking */
	u8 insn[NST_EMUL_INSN_MAX];
	u8 insn_len;		/* bytes of insn[] that were decoded */
	struct nst_emul_modrm modrm;

	/* Private to kmod/emul/. */
	struct nst_emul_insn d;
	struct {
		u64 gpr[NST_NR_GPRS];
		u64 rip, rflags;
		struct nst_emul_seg seg[NST_NR_SEG];
		u8 cpl;
	} saved;
	u8 buf[NST_EMUL_IO_MAX] __aligned(32);
};

/**
 * nst_emul_step() - emulate the instruction at CS:RIP
 * @e: inputs filled in
 *
 * Context: any; sleeps if a callback does. Return: see enum nst_emul_result.
 */
enum nst_emul_result nst_emul_step(struct nst_emul *e);

/**
 * nst_emul_decode() - decode the instruction at CS:RIP without running it
 * @e: inputs filled in
 *
 * Return: NST_EMUL_OK with e->d, e->insn and e->insn_len filled in, or
 * NST_EMUL_FAULT, NST_EMUL_USER, NST_EMUL_UNKNOWN.
 */
enum nst_emul_result nst_emul_decode(struct nst_emul *e);

/**
 * nst_emul_is_virt() - is the decoded instruction one of VMX or SVM?
 * @e: after nst_emul_decode()
 *
 * Return: enum nst_emul_virt, or -1.
 */
int nst_emul_is_virt(const struct nst_emul *e);

/**
 * nst_emul_deliver() - deliver an event through the IVT or IDT
 * @e: inputs filled in; rip is what the handler returns to
 * @event: what is delivered
 * @vector: its vector
 * @has_error: an error code is pushed (protected and long mode)
 * @error_code: that code
 *
 * For hosts that cannot inject in the guest's mode. Return: NST_EMUL_OK with
 * the registers at the handler's first instruction; NST_EMUL_FAULT when the
 * delivery itself faults (the caller applies the double-fault rules).
 */
enum nst_emul_result nst_emul_deliver(struct nst_emul *e, enum nst_emul_event event,
				      u8 vector, bool has_error, u32 error_code);

/**
 * nst_emul_task_switch() - switch to another task
 * @e: inputs filled in; rip is what goes to the old TSS
 * @selector: of the new TSS
 * @reason: what caused the switch
 * @has_error: push @error_code on the new stack
 * @error_code: the error code of the event behind a task gate
 *
 * Return: NST_EMUL_OK, or NST_EMUL_FAULT: then the registers are those of the
 * task in whose context the fault happened, as SDM3 "Task Switching" says.
 */
enum nst_emul_result nst_emul_task_switch(struct nst_emul *e, u16 selector,
					  enum nst_emul_task_reason reason,
					  bool has_error, u32 error_code);

/**
 * nst_emul_only_operand() - is the memory operand all the memory it touches?
 * @e: after nst_emul_decode()
 *
 * Return: true for the plain moves and exchanges, which access neither the
 * stack nor a table; false is no statement.
 */
bool nst_emul_only_operand(const struct nst_emul *e);

/**
 * nst_emul_access() - access a memory operand as an instruction would
 * @e: inputs filled in
 * @seg: enum nst_emul_sreg
 * @off: offset in the segment
 * @buf: data or result
 * @len: bytes, at most 32
 * @write: direction
 *
 * Return: NST_EMUL_OK, or what the segment's checks or the callback say.
 */
enum nst_emul_result nst_emul_access(struct nst_emul *e, u32 seg, u64 off, void *buf,
				     u32 len, bool write);

/**
 * nst_emul_raise() - record an exception
 * @e: the emulator
 * @vector: exception vector
 * @error_code: error code, or -1 when the vector has none
 *
 * Return: always NST_EMUL_FAULT, so that callbacks can return it.
 */
enum nst_emul_result nst_emul_raise(struct nst_emul *e, u8 vector, int error_code);

/**
 * nst_emul_raise_pf() - record a page fault
 * @e: the emulator
 * @error_code: as the hardware would push it
 * @cr2: faulting linear address
 *
 * Return: always NST_EMUL_FAULT.
 */
enum nst_emul_result nst_emul_raise_pf(struct nst_emul *e, u32 error_code, u64 cr2);

#endif /* NST_EMUL_H */
