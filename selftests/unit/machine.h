/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small machine for the emulator's tests: 256 KiB of memory at linear
 * address 0, a window of device memory, ports, and descriptor tables. Every
 * device access is logged; it can be answered at once or, as by userspace,
 * only when the instruction is run again.
 */
#ifndef NST_TEST_MACHINE_H
#define NST_TEST_MACHINE_H

#include "emul/emul.h"

#define MEM_SIZE	0x40000
#define MMIO_BASE	0x30000
#define MMIO_END	0x34000
#define CODE_ADDR	0x1000
#define STACK_TOP	0x7000
#define GDT_ADDR	0x8000
#define IDT_ADDR	0x9000
#define TSS_ADDR	0xa000
#define TSS2_ADDR	0xb000
#define DATA_ADDR	0x10000

enum mode { MODE_REAL, MODE_VM86, MODE_PROT16, MODE_PROT32, MODE_LONG };

/* One device access. */
struct access {
	u64 addr;
	u32 len;
	bool write, pio;
	u8 data[NST_EMUL_IO_MAX];
};

#define MAX_LOG		512

struct machine {
	struct nst_emul e;
	u8 mem[MEM_SIZE];
	bool absent[MEM_SIZE >> 12];	/* page: #PF on any access */
	bool readonly[MEM_SIZE >> 12];	/* page: #PF on a write */
	u64 gdt_base, idt_base;
	u16 gdt_limit, idt_limit;
	struct nst_emul_seg ldt, tr;
	u64 cr3, msr[16];
	u32 halted, flushed;
	u8 fx[NST_EMUL_FX_SIZE];	/* x87, MMX, SSE */
	u8 high[16][16];		/* upper halves of the vector registers */
	u64 dr6, xcr0;
	u32 virt;			/* 1 + the last VMX or SVM instruction */
	u32 wanted_icpt;		/* 1 + what L1 intercepts */
	u64 icpt_a, icpt_b;		/* operands of the last question about it */
	u8 device;			/* next byte a device gives */

	bool via_user;			/* device accesses need userspace */
	u32 logged, answered, used;
	struct access wanted;		/* what userspace is asked to do */
	struct access log[MAX_LOG];	/* all finished device accesses */
	struct access answer[MAX_LOG];	/* finished ones of this instruction */
};

extern struct machine m;

/* Everything cleared; flat segments and CPL 0 in @mode, RSP at STACK_TOP. */
void m_reset(enum mode mode);

/* The same, quickly: clears only the memory that m_write() and the guest wrote. */
void m_reset_touched(enum mode mode);

/* Fill memory; at most a page. */
void m_write(u64 addr, const void *buf, u32 len);

/* Put code at CODE_ADDR and point RIP there. */
void m_code(const void *bytes, u32 len);

/* One step; with via_user as often as userspace is needed. */
enum nst_emul_result m_step(void);

/* Steps until the instruction is complete; at most 1000. */
enum nst_emul_result m_run(void);

/* Descriptor number @n of the GDT. @ar in the layout of NST_AR_*. */
void m_gdt(u32 n, u32 base, u32 limit, u32 ar);

/* Gate number @n of the table at @table; @size is 8 or 16. */
void m_gate(u64 table, u32 n, u32 size, u16 sel, u64 offset, u8 type_ar, u8 low);

static inline u64 m_get(u64 addr, u32 len)
{
	u64 val = 0;

	memcpy(&val, m.mem + addr, len);
	return val;
}

static inline void m_put(u64 addr, u64 val, u32 len)
{
	memcpy(m.mem + addr, &val, len);
}

#define M_CODE(...) do { \
	static const u8 bytes_[] = { __VA_ARGS__ }; \
	m_code(bytes_, sizeof(bytes_)); \
} while (0)

/* Is the last result this fault? */
static inline bool m_fault(enum nst_emul_result r, u8 vector, u32 error)
{
	return r == NST_EMUL_FAULT && m.e.exc.valid && m.e.exc.vector == vector &&
	       m.e.exc.error_code == error;
}

#endif /* NST_TEST_MACHINE_H */
