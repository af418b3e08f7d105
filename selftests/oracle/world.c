// SPDX-License-Identifier: GPL-2.0-only
/*
 * The payload's parts that do not depend on the ISA: L2's memory, output, and
 * the loop over the cases.
 */
#include "oracle.h"

#define HLT			0xf4
#define BATCH			64
#define MAX_ITEMS		160
#define PORT_DEBUGCON		0xe9
#define PORT_DEBUG_EXIT		0xf4

extern const u8 l2_menu[], l2_menu_end[];

static struct oracle_record batch[BATCH];
static struct oracle_item items[MAX_ITEMS];

/* ---- L2's memory ---- */

/* Pages of L2's, and the two aliases that 16-bit code uses. */
static void map64(u64 *pt, u64 bits)
{
	u64 i;

	for (i = 0; i < L2_PAGES; i++)
		pt[(L2_BASE >> 12) + i] = (L2_BASE + i * PAGE_SIZE) | bits;
	pt[L2_CODE16 >> 12] = L2_CODE_PAGE | bits;
	pt[L2_STACK16 >> 12] = L2_STACK_PAGE | bits;
}

static void map32(u32 *pt, u32 bits)
{
	u64 i;

	for (i = 0; i < L2_PAGES; i++)
		pt[(L2_BASE >> 12) + i] = (L2_BASE + i * PAGE_SIZE) | bits;
	pt[L2_CODE16 >> 12] = L2_CODE_PAGE | bits;
	pt[L2_STACK16 >> 12] = L2_STACK_PAGE | bits;
}

/* Eight bytes a step: an emulator counts them. */
static void fill(u64 at, u64 value, u64 bytes)
{
	u64 steps = bytes / 8;

	asm volatile("rep stosq" : "+D"(at), "+c"(steps) : "a"(value) : "memory");
}

/**
 * l2_reset() - L2's memory as every case finds it
 * @bits: of entries that translate L2-physical addresses
 */
void l2_reset(u64 bits)
{
	const u64 all = PTE_PRESENT | PTE_WRITE | PTE_USER;
	u64 i;

	fill(L2_BASE, 0, L2_PAGES * PAGE_SIZE);
	fill(L2_CODE_PAGE, HLT * 0x0101010101010101ul, PAGE_SIZE);
	for (i = 0; i < (u64)(l2_menu_end - l2_menu) / 8; i++)
		((u64 *)L2_CODE_PAGE)[i] = ((const u64 *)l2_menu)[i];
	/* Who runs on here stops before its own page tables, which change as they are used. */
	fill(L2_PML4 - 16, HLT * 0x0101010101010101ul, 16);
	*(u64 *)L2_PML4 = L2_PDPT | all;
	*(u64 *)L2_PDPT = L2_PD | all;
	*(u64 *)L2_PD = L2_PT | all;
	*(u64 *)L2_PAE = L2_PD | PTE_PRESENT;
	map64((u64 *)L2_PT, all);
	*(u32 *)L2_PD32 = L2_PT32 | all;
	map32((u32 *)L2_PT32, all);

	*(u64 *)L2_STAGE2 = (L2_STAGE2 + 0x1000) | (bits & all);
	*(u64 *)(L2_STAGE2 + 0x1000) = (L2_STAGE2 + 0x2000) | (bits & all);
	*(u64 *)(L2_STAGE2 + 0x2000) = (L2_STAGE2 + 0x3000) | (bits & all);
	map64((u64 *)(L2_STAGE2 + 0x3000), bits);
}

/* ---- output ---- */

static u64 log_used;

/**
 * emit() - hand out some data
 * @kind: OUT_ constant
 * @data: the data
 * @bytes: their number
 */
void emit(u64 kind, const void *data, u64 bytes)
{
	u64 *at = (u64 *)(DIRECT_LOG + log_used);

	if (oracle()->env == ENV_HYPERVISOR) {
		call_host(kind, (u64)data, bytes, 0);
		return;
	}
	at[0] = kind;
	at[1] = bytes;
	memcpy(at + 2, data, bytes);
	log_used += 16 + ((bytes + 7) & ~7ul);
}

/* The emulator takes the log and ends. */
static void leave(void)
{
	u64 at = DIRECT_LOG, left;

	emit(OUT_END, NULL, 0);
	left = log_used;
	if (oracle()->env == ENV_BOCHS)
		asm volatile("xchg %%bx, %%bx" : : : "memory");
	if (oracle()->env == ENV_QEMU) {
		asm volatile("rep outsb" : "+S"(at), "+c"(left) : "d"(PORT_DEBUGCON) : "memory");
		outl(PORT_DEBUG_EXIT, 0);
	}
	finish();
}

static void panic(struct frame *frame)
{
	u64 what[4] = { frame->vector, frame->error, frame->rip, READ_CR(2) };

	if (trap_resume[0]) {
		trap.vector = frame->vector;
		frame->rip = trap_resume[0];
		frame->rsp = trap_resume[1];
		trap_resume[0] = 0;
		return;
	}
	emit(OUT_PANIC, what, sizeof(what));
	leave();
}

/* At most 23 characters of the name. */
static void keep(struct digest *d, const char *name, u64 value)
{
	u64 i;

	if (!d->items || d->count == MAX_ITEMS)
		return;
	for (i = 0; i < sizeof(d->items->name); i++)
		d->items[d->count].name[i] = 0;
	for (i = 0; name[i] && i + 1 < sizeof(d->items->name); i++)
		d->items[d->count].name[i] = name[i];
	d->items[d->count++].value = value;
}

/**
 * digest_add() - one more value of a state
 * @d: the digest
 * @item: what it is, below ORACLE_ITEMS
 * @value: its value
 */
void digest_add(struct digest *d, u32 item, u64 value)
{
	struct oracle_record *rec = d->record;

	rec->hash = mix(mix(rec->hash, item), value);
	rec->item[item] = item_hash(value);
	keep(d, d->names[item], value);
}

/* ---- what any CPU tells ---- */

/* A bit of CR4 and what CPUID has for it: SDM3 "Control Registers". */
static const struct {
	u8 cr4;
	u8 cap;
	u8 feature;
} cr4_bits[] = {
	{ 0, CAP_CPUID_1D, 1 }, { 1, CAP_CPUID_1D, 1 }, { 2, CAP_CPUID_1D, 4 },
	{ 3, CAP_CPUID_1D, 2 }, { 4, CAP_CPUID_1D, 3 }, { 5, CAP_CPUID_1D, 6 },
	{ 6, CAP_CPUID_1D, 7 }, { 7, CAP_CPUID_1D, 13 }, { 8, CAP_CPUID_1D, 0 },
	{ 9, CAP_CPUID_1D, 24 }, { 10, CAP_CPUID_1D, 25 }, { 11, CAP_CPUID_7C, 2 },
	{ 12, CAP_CPUID_7C, 16 }, { 13, CAP_CPUID_1C, 5 }, { 14, CAP_CPUID_1C, 6 },
	{ 16, CAP_CPUID_7B, 0 }, { 17, CAP_CPUID_1C, 17 }, { 18, CAP_CPUID_1C, 26 },
	{ 20, CAP_CPUID_7B, 7 }, { 21, CAP_CPUID_7B, 20 }, { 22, CAP_CPUID_7C, 3 },
	{ 23, CAP_CPUID_7C, 7 }, { 24, CAP_CPUID_7C, 31 },
};

static u64 allowed_cr4(const u64 *caps)
{
	u64 allowed = 0, i;

	for (i = 0; i < ARRAY_SIZE(cr4_bits); i++)
		if (caps[cr4_bits[i].cap] >> cr4_bits[i].feature & 1)
			allowed |= 1ul << cr4_bits[i].cr4;
	return allowed;
}

static u64 allowed_efer(void)
{
	u64 old = rdmsr(0xc0000080), allowed = 0, bit, got;

	for (bit = 1; bit; bit <<= 1) {
		if (old & bit)
			continue;
		if (try_wrmsr(0xc0000080, old | bit) == VEC_NONE) {
			try_rdmsr(0xc0000080, &got);
			if (got == (old | bit))
				allowed |= bit;
		}
		try_wrmsr(0xc0000080, old);
	}
	return allowed | old;
}

static void common_caps(u64 *caps)
{
	u32 r[4];

	caps[CAP_EFER] = allowed_efer();
	cpuid(1, 0, r);
	caps[CAP_CPUID_1C] = r[2];
	caps[CAP_CPUID_1D] = r[3];
	cpuid(7, 0, r);
	caps[CAP_CPUID_7B] = r[1];
	caps[CAP_CPUID_7C] = r[2];
	caps[CAP_CPUID_7D] = r[3];
	caps[CAP_CR4] = allowed_cr4(caps);
	cpuid(0x80000001, 0, r);
	caps[CAP_CPUID_EXT_C] = r[2];
	caps[CAP_CPUID_EXT_D] = r[3];
	cpuid(0x80000008, 0, r);
	caps[CAP_PHYS_BITS] = r[0] & 0xff;
	caps[CAP_LINEAR_BITS] = r[0] >> 8 & 0xff;
}

static bool dump_wanted(u32 number)
{
	u64 i;

	for (i = 0; i < oracle()->ndumps; i++)
		if (oracle()->dumps[i] == number)
			return true;
	return false;
}

/**
 * oracle_main() - all cases that the parameters ask for
 * @read_caps: fills in what the CPU offers
 * @run_case: runs one case
 */
void oracle_main(void (*read_caps)(u64 *caps),
		 void (*run_case)(u32 number, struct oracle_record *record, bool dump))
{
	const struct oracle_params *p = oracle();
	static u64 caps[CAP_WORDS];
	u32 i, used = 0;

	for (i = 0; i < 32; i++)
		trap_hook[i] = panic;
	common_caps(caps);
	read_caps(caps);
	emit(OUT_CAPS, caps, sizeof(caps));
	for (i = 0; i < p->count; i++) {
		memset(&batch[used], 0, sizeof(batch[used]));
		((volatile struct oracle_params *)p)->running = p->first + i;
		if (p->tell & TELL_RUNNING)
			emit(OUT_RUNNING, (const void *)&p->running, sizeof(p->running));
		run_case(p->first + i, &batch[used], dump_wanted(p->first + i));
		if (++used == BATCH || i + 1 == p->count) {
			emit(OUT_RECORDS, batch, used * sizeof(batch[0]));
			used = 0;
		}
	}
	leave();
}

/**
 * digest_start() - begin to look at a state
 * @d: filled in
 * @record: where the hashes go
 * @names: of the items
 * @number: of the case
 * @dump: also keep the values
 */
void digest_start(struct digest *d, struct oracle_record *record, const char *const *names,
		  u32 number, bool dump)
{
	record->hash = 1;
	d->record = record;
	d->names = names;
	d->items = dump ? items : NULL;
	d->count = 0;
	keep(d, "case", number);
}

/**
 * digest_flush() - write out the values kept
 * @d: the digest
 */
void digest_flush(struct digest *d)
{
	if (d->items)
		emit(OUT_DUMP, d->items, d->count * sizeof(d->items[0]));
}
