/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parts of the differential oracle agree on: the payload, which runs
 * the cases directly on an emulator and again as L1 under a hypervisor; the
 * program that runs it there and compares; and oracle.py, which knows these
 * layouts by heart.
 */
#ifndef NST_ORACLE_H
#define NST_ORACLE_H

#include "guest.h"

/* Where the parameters are, in guest memory that layout.h leaves free. */
#define ORACLE_PARAMS		0x6000
#define ORACLE_MAGIC		0x31454c4341524f4eul	/* "NORACLE1" */

/* Where the payload runs. */
#define ENV_HYPERVISOR		0
#define ENV_QEMU		1
#define ENV_BOCHS		2

/* Kinds of output. */
#define OUT_CAPS		1	/* u64[CAP_WORDS] */
#define OUT_RECORDS		2	/* struct oracle_record[] */
#define OUT_DUMP		3	/* struct oracle_item[] */
#define OUT_PANIC		4	/* vector, error, rip, cr2 */
#define OUT_END			5
#define OUT_RUNNING		6	/* number of the case, with @tell */

/* Directly on an emulator, output is kept here: {kind, bytes}, data, ... */
#define DIRECT_LOG		0x4000000ul

/* What a CPU offers, a word each; most are masks, the last two are numbers. */
enum oracle_cap {
	CAP_CR0, CAP_CR4, CAP_EFER, CAP_CPUID_1C, CAP_CPUID_1D, CAP_CPUID_7B, CAP_CPUID_7C,
	CAP_CPUID_7D, CAP_CPUID_EXT_C, CAP_CPUID_EXT_D, CAP_CPUID_SVM,
	CAP_PIN_MUST, CAP_PIN_MAY, CAP_PROC_MUST, CAP_PROC_MAY, CAP_PROC2_MAY,
	CAP_EXIT_MUST, CAP_EXIT_MAY, CAP_ENTRY_MUST, CAP_ENTRY_MAY,
	CAP_MISC, CAP_EPT_VPID, CAP_CR0_MUST, CAP_CR4_MUST, CAP_VMFUNC,
	CAP_PHYS_BITS, CAP_LINEAR_BITS,
	CAP_WORDS
};

#define MAX_DUMPS		64

#define TELL_RUNNING		1ul	/* name each case before it runs */
#define TELL_ALL		2ul	/* name each difference, explained or not */

/**
 * struct oracle_params - what to run
 * @magic: ORACLE_MAGIC
 * @env: ENV_ constant
 * @seed: of all random numbers
 * @first: number of the first case
 * @count: how many cases
 * @ndumps: how many of @dumps are in use
 * @dumps: cases whose state is written out as well
 * @running: the case in progress, written by the payload
 * @seconds: the program's patience
 * @tell: TELL_ bits
 * @have: what both CPUs offer
 * @agree: bits of which both CPUs say the same; others stay as they are
 */
struct oracle_params {
	u64 magic;
	u64 env;
	u64 seed;
	u32 first, count;
	u64 ndumps;
	u32 dumps[MAX_DUMPS];
	u64 running;
	u64 seconds;
	u64 tell;
	u64 have[CAP_WORDS];
	u64 agree[CAP_WORDS];
};

_Static_assert(sizeof(struct oracle_params) <= 0x2000, "parameters reach into the image");

/* How an entry ended. */
#define RESULT_EXIT		1	/* L2 ran and exited */
#define RESULT_REFUSED		2	/* exit that says so: reason 33 or 34, VMEXIT_INVALID */
#define RESULT_VMFAIL		3	/* the instruction failed */

/* Values that are observed: items_vmx.h and items_svm.h name them. */
#define ORACLE_ITEMS		64

/**
 * struct oracle_record - what came out of one case
 * @result: RESULT_ constant
 * @reason: exit reason or code, or number of the VM-instruction error
 * @qual: exit qualification or EXITINFO1, where it has a meaning
 * @event: VM-exit interruption information, of VMX only
 * @event_error: its error code
 * @idt: IDT-vectoring information or EXITINTINFO
 * @idt_error: its error code
 * @rip: L2's
 * @rsp: L2's
 * @rflags: L2's
 * @hash: of all values
 * @item: a hash of each value, 0 if there is none
 */
struct oracle_record {
	u32 result, reason;
	u64 qual;
	u32 event, event_error;
	u32 idt, idt_error;
	u64 rip, rsp, rflags;
	u64 hash;
	u16 item[ORACLE_ITEMS];
};

static inline u64 mix(u64 hash, u64 value)
{
	hash = (hash ^ value) * 0x9fb21c651e98df25ul;
	return hash ^ hash >> 32;
}

/* Of a value, for @item; never 0. */
static inline u16 item_hash(u64 value)
{
	return mix(1, value) >> 48 | 1;
}

/* One value of a dump. The name is padded with zeros. */
struct oracle_item {
	char name[24];
	u64 value;
};

static inline const struct oracle_params *oracle(void)
{
	return (const struct oracle_params *)ORACLE_PARAMS;
}

/* ---- random numbers: the same in every place ---- */

struct rng {
	u64 state;
};

static inline u64 rng_next(struct rng *r)
{
	u64 z = r->state += 0x9e3779b97f4a7c15ul;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ul;
	z = (z ^ z >> 27) * 0x94d049bb133111ebul;
	return z ^ z >> 31;
}

static inline u64 rng_below(struct rng *r, u64 limit)
{
	return rng_next(r) % limit;
}

/* True once in @n times. */
static inline bool one_in(struct rng *r, u64 n)
{
	return !rng_below(r, n);
}

static inline struct rng rng_for(const struct oracle_params *p, u32 number)
{
	struct rng r = { p->seed * 0xd1342543de82ef95ul + number * 0x2545f4914f6cdd1dul };

	rng_next(&r);
	return r;
}

/* ---- L2's world, the same for both ISAs ---- */

#define L2_BASE			(GUEST_SCRATCH + 0x80000)
#define L2_CODE_PAGE		(L2_BASE + 0x0000)
#define L2_DATA_PAGE		(L2_BASE + 0x1000)
#define L2_STACK_PAGE		(L2_BASE + 0x2000)
#define L2_PML4			(L2_BASE + 0x3000)
#define L2_PDPT			(L2_BASE + 0x4000)
#define L2_PD			(L2_BASE + 0x5000)
#define L2_PT			(L2_BASE + 0x6000)
#define L2_PD32			(L2_BASE + 0x7000)
#define L2_PT32			(L2_BASE + 0x8000)
#define L2_PAE			(L2_BASE + 0x9000)
#define L2_PAGES		10
/* The tables that translate L2's physical addresses: four pages. */
#define L2_STAGE2		(L2_BASE + 0x10000)
/* Segments of 16-bit code: the code page and the stack, a second time. */
#define L2_CODE16		0x10000ul
#define L2_STACK16		0x12000ul

/* Instructions that L2 can begin with, that many bytes apart. */
#define MENU_STRIDE		16
#define MENU_ENTRIES		64

/* Some of them, in the order of menu.S. */
#define DISH_OUT		2
#define DISH_PUSHF		9
#define DISH_PAUSE		11
#define DISH_INT		14
#define DISH_INT3		32
#define DISH_XSETBV		26
#define DISH_IRET		27
#define DISH_MOV_SS		28
#define DISH_MONITOR		31
#define DISH_INT1		33
#define DISH_CR8		35
#define DISH_VMRUN		36
#define DISH_VMSAVE		38
#define DISH_INVLPGA		41
#define DISH_LMSW		53
#define DISH_RDTSCP		55
#define DISH_IN			51
#define DISH_PUSH		56
#define DISH_RET		57
#define DISH_INT_3		59
#define DISH_LTR		60

/* Kinds of L2 to begin with. */
enum l2_mode {
	L2_LONG, L2_COMPAT, L2_LONG_USER, L2_PAE32, L2_PAGED32, L2_VM86, L2_REAL, L2_FLAT32,
	L2_MODES
};

void l2_reset(u64 stage2_bits);
void emit(u64 kind, const void *data, u64 bytes);
void oracle_main(void (*read_caps)(u64 *caps),
		 void (*run_case)(u32 number, struct oracle_record *record, bool dump));

/* ---- the state of L2, hashed and, when asked, written out ---- */

struct digest {
	struct oracle_record *record;
	const char *const *names;
	struct oracle_item *items;
	u32 count;
};

void digest_start(struct digest *d, struct oracle_record *record, const char *const *names,
		  u32 number, bool dump);
void digest_add(struct digest *d, u32 item, u64 value);
void digest_flush(struct digest *d);

#endif /* NST_ORACLE_H */
