// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interprocessor interrupts between up to four CPUs, every addressing, and the
 * start of a CPU by INIT and SIPI. SDM3 "Issuing Interprocessor Interrupts".
 */
#ifdef GUEST
#include "apic.h"

#define SECTION		"SDM3 \"Issuing Interprocessor Interrupts\""
#define VECTOR		0x48
#define LAST		0x49
#define PATIENCE	3000000

static volatile u32 ready, hits[GUEST_CPUS], stop;

static void handler(struct frame *frame)
{
	__atomic_fetch_add(&hits[this_cpu()], 1, __ATOMIC_SEQ_CST);
	apic_eoi();
}

static void set_up(void)
{
	unsigned int cpu = this_cpu();

	apic_enable();
	apic_write(APIC_DFR, APIC_DFR_FLAT);
	apic_write(APIC_LDR, 1u << (24 + cpu));
	trap_hook[VECTOR] = handler;
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
}

static void other(void)
{
	set_up();
	sti();
	while (!stop)
		asm volatile("pause" ::: "memory");
	cli();
}

static void halting(void)
{
	set_up();
	while (!stop)
		asm volatile("sti; hlt; cli" ::: "memory");
}

static void all_ready(void)
{
	set_up();
	/* However long that takes: the watchdog ends it all. */
	while (!wait_open(ready == params()->cpus, PATIENCE))
		;
	check(true, "%lu CPUs run", params()->cpus);
}

/* One more hit on exactly the CPUs of @mask. */
static void expect(u32 mask, const char *what)
{
	static u32 before[GUEST_CPUS];
	u32 got = 0, i;

	wait_open(({
		got = 0;
		for (i = 0; i < GUEST_CPUS; i++)
			got |= (hits[i] != before[i]) << i;
		got == mask;
	}), PATIENCE);
	open_window();
	delay(300);
	open_window();
	for (got = 0, i = 0; i < GUEST_CPUS; i++) {
		got |= (hits[i] == before[i] + 1) << i;
		before[i] = hits[i];
	}
	check(got == mask, "%s: CPUs %x (%x)", what, mask, got);
}

GUEST_CASE(two, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = other)
{
	all_ready();
	apic_send(1, ICR_FIXED | ICR_ASSERT | VECTOR);
	expect(2, "fixed, physical");
	apic_send(0, ICR_FIXED | ICR_ASSERT | VECTOR);
	expect(1, "to itself by ID");
	apic_send(0, ICR_OTHERS | ICR_ASSERT | VECTOR);
	expect(2, "all but self");
	apic_send(0, ICR_ALL | ICR_ASSERT | VECTOR);
	expect(3, "all");
	apic_send(0xff, ICR_FIXED | ICR_ASSERT | VECTOR);
	expect(3, "physical broadcast");
	apic_send(7, ICR_FIXED | ICR_ASSERT | VECTOR);
	expect(0, "nobody there");
	check(!(apic_read(APIC_ICR) & ICR_PENDING), "ICR is idle");
	stop = 1;
}

GUEST_CASE(four, SECTION, .flags = CASE_IRQCHIP, .cpus = 4, .ap = other)
{
	all_ready();
	apic_send(2, ICR_FIXED | ICR_ASSERT | VECTOR);
	expect(4, "fixed, physical");
	apic_send(0, ICR_OTHERS | ICR_ASSERT | VECTOR);
	expect(0xe, "all but self");
	apic_send(0xa, ICR_LOGICAL | ICR_ASSERT | VECTOR);
	expect(0xa, "logical, flat");
	apic_send(0xff, ICR_LOGICAL | ICR_ASSERT | VECTOR);
	expect(0xf, "logical, all");
	stop = 1;
}

static void cluster(void)
{
	unsigned int cpu = this_cpu();

	/* Two clusters of two. */
	apic_write(APIC_DFR, APIC_DFR_CLUSTER);
	apic_write(APIC_LDR, (cpu / 2) << 28 | 1u << (24 + cpu % 2));
}

static void other_in_cluster(void)
{
	cluster();
	apic_enable();
	trap_hook[VECTOR] = handler;
	__atomic_fetch_add(&ready, 1, __ATOMIC_SEQ_CST);
	sti();
	while (!stop)
		asm volatile("pause" ::: "memory");
	cli();
}

GUEST_CASE(clusters, "SDM3 \"Logical Destination Mode\"", .flags = CASE_IRQCHIP,
	   .cpus = 4, .ap = other_in_cluster)
{
	all_ready();
	cluster();
	apic_send(0x12, ICR_LOGICAL | ICR_ASSERT | VECTOR);
	expect(8, "one of cluster 1");
	apic_send(0x03, ICR_LOGICAL | ICR_ASSERT | VECTOR);
	expect(3, "both of cluster 0");
	apic_send(0xff, ICR_LOGICAL | ICR_ASSERT | VECTOR);
	expect(0xf, "all clusters");
	stop = 1;
}

GUEST_CASE(lowest_priority, "SDM3 \"Lowest Priority Delivery Mode\"",
	   .flags = CASE_IRQCHIP, .cpus = 4, .ap = other)
{
	u32 i, sum = 0;

	all_ready();
	for (i = 0; i < 4; i++) {
		apic_send(0xe, ICR_LOWEST | ICR_LOGICAL | ICR_ASSERT | VECTOR);
		wait_open(hits[1] + hits[2] + hits[3] > i, PATIENCE);
	}
	delay(300);
	for (i = 0; i < GUEST_CPUS; i++)
		sum += hits[i];
	check(sum == 4, "each arrives on one CPU (%u)", sum);
	check(!hits[0], "of those addressed");
	stop = 1;
}

GUEST_CASE(wakes_hlt, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = halting)
{
	u32 i;

	all_ready();
	for (i = 1; i <= 20; i++) {
		apic_send(1, ICR_FIXED | ICR_ASSERT | VECTOR);
		if (!wait_open(hits[1] == i, PATIENCE))
			break;
	}
	check(hits[1] == 20, "20 IPIs to a CPU in HLT (%u)", hits[1]);
	stop = 1;
	apic_send(1, ICR_FIXED | ICR_ASSERT | VECTOR);
}

static volatile u32 nmi_on;

static void nmi_handler(struct frame *frame)
{
	nmi_on |= 1u << this_cpu();
}

GUEST_CASE(nmi, SECTION, .flags = CASE_IRQCHIP, .cpus = 2, .ap = other)
{
	trap_hook[VEC_NMI] = nmi_handler;
	all_ready();
	apic_send(1, ICR_NMI | ICR_ASSERT);
	check(wait_open(nmi_on == 2, PATIENCE), "an NMI to the other CPU (%x)", nmi_on);
	stop = 1;
}

/* The 16-bit code that a started CPU runs, in ipi.S. */
extern const u8 sipi_code[], sipi_end[];
extern volatile u32 sipi_seen, sipi_cs;

GUEST_CASE(init_sipi, "SDM3 \"MP Initialization Protocol Algorithm for MP Systems\"",
	   .flags = CASE_IRQCHIP | CASE_AP_WAITS, .cpus = 2)
{
	const u32 page = 0x70;

	apic_enable();
	memcpy((void *)(u64)(page << 12), sipi_code, sipi_end - sipi_code);
	delay(500);
	check(!sipi_seen, "CPU 1 waits");
	apic_send(1, ICR_INIT | ICR_ASSERT);
	delay(500);
	check(!sipi_seen, "INIT alone starts nothing");
	apic_send(1, ICR_STARTUP | ICR_ASSERT | page);
	check(wait_open(sipi_seen == 1, PATIENCE), "SIPI starts it");
	check(sipi_cs == page << 8, "CS is the page's (%x)", sipi_cs);
	apic_send(1, ICR_STARTUP | ICR_ASSERT | page);
	delay(500);
	check(sipi_seen == 1, "a second SIPI is ignored");
	apic_send(1, ICR_INIT | ICR_ASSERT);
	delay(500);
	apic_send(1, ICR_STARTUP | ICR_ASSERT | page);
	check(wait_open(sipi_seen == 2, PATIENCE), "INIT and SIPI start it again");
}
#endif /* GUEST */
