// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hyper-V's interface by its ioctls: the leaves that there are, what is enforced and what
 * is not, connections, routes to synthetic sources, and MSRs that are saved and restored
 * without anything coming of it. Linux "The Definitive KVM API Documentation".
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#include "api.h"

#define LEAVES		10
#define LEAF_FIRST	0x40000000u
#define LEAF_INTERFACE	0x40000001u
#define LEAF_NESTED	0x4000000au
#define LEAF_LAST	0x40000082u
#define DIRECT_STIMER	(1u << 19)

#define GUEST_OS_ID	0x40000000u
#define HYPERCALL	0x40000001u
#define VP_INDEX	0x40000002u
#define RESET		0x40000003u
#define TIME		0x40000020u
#define TSC_PAGE	0x40000021u
#define TSC_FREQUENCY	0x40000022u
#define ASSIST		0x40000073u
#define SCONTROL	0x40000080u
#define SIMP		0x40000083u
#define SINT0		0x40000090u
#define STIMER0_CONFIG	0x400000b0u
#define STIMER0_COUNT	0x400000b1u
#define CRASH_P0	0x40000100u
#define CRASH_CTL	0x40000105u
#define PAGE_ON		1u
#define APIC_SPIV	0xf0u

static struct machine m;

/* ---- leaves ---- */

static struct kvm_cpuid2 *leaves(int fd, unsigned int nent, long *ret)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 64 * sizeof(cpuid->entries[0]));

	if (!cpuid)
		api_give_up("calloc");
	cpuid->nent = nent;
	*ret = call(fd, KVM_GET_SUPPORTED_HV_CPUID, cpuid);
	return cpuid;
}

static struct kvm_cpuid_entry2 *leaf(struct kvm_cpuid2 *cpuid, uint32_t function)
{
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function)
			return &cpuid->entries[i];
	api_give_up("a leaf is missing");
	return NULL;
}

static void test_leaves(int fd, const char *who)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i, odd = 0;
	long ret;

	cpuid = leaves(fd, LEAVES - 1, &ret);
	is(ret, -E2BIG, "%s: room for one less", who);
	is(cpuid->nent, LEAVES - 1, "%s: nent stays then", who);
	is(cpuid->entries[0].function, 0, "%s: and nothing is written", who);
	free(cpuid);
	cpuid = leaves(fd, LEAVES, &ret);
	is(ret, 0, "%s: room for all", who);
	free(cpuid);
	cpuid = leaves(fd, 64, &ret);
	is(ret, 0, "%s: room for more", who);
	is(cpuid->nent, LEAVES, "%s: nent is how many there are", who);
	for (i = 0; i < cpuid->nent; i++)
		odd += cpuid->entries[i].index || cpuid->entries[i].flags;
	is(odd, 0, "%s: no index, no flags", who);
	is(leaf(cpuid, LEAF_FIRST)->eax, LEAF_LAST, "%s: the last leaf", who);
	is(leaf(cpuid, LEAF_INTERFACE)->eax, 0x31237648, "%s: Hv#1", who);
	free(cpuid);
}

/* A timer with an interrupt of its own needs a local APIC in the kernel. */
static void test_direct_stimers(void)
{
	struct kvm_cpuid2 *cpuid;
	struct machine without;
	long ret;

	api_create(&without, 0, 1);
	cpuid = leaves(m.cpu[0], 64, &ret);
	tap_ok(leaf(cpuid, 0x40000003)->edx & DIRECT_STIMER, "direct timers with a local APIC");
	free(cpuid);
	cpuid = leaves(without.cpu[0], 64, &ret);
	tap_ok(!(leaf(cpuid, 0x40000003)->edx & DIRECT_STIMER), "not without");
	free(cpuid);
	cpuid = leaves(api_device, 64, &ret);
	tap_ok(leaf(cpuid, 0x40000003)->edx & DIRECT_STIMER, "and for the system");
	free(cpuid);
	api_destroy(&without);
}

/* ---- capabilities of a vCPU ---- */

static long enable(int cpu, uint32_t cap, uint64_t arg, uint32_t flags)
{
	struct kvm_enable_cap args = { .cap = cap, .args = { arg }, .flags = flags };

	return call(cpu, KVM_ENABLE_CAP, &args);
}

static void test_enable(void)
{
	struct machine without, with;

	api_create(&without, 0, 1);
	api_create(&with, API_IRQCHIP, 1);
	is(enable(without.cpu[0], KVM_CAP_HYPERV_SYNIC, 0, 0), -EINVAL,
	   "SYNIC without a local APIC in the kernel");
	is(enable(with.cpu[0], KVM_CAP_HYPERV_SYNIC2, 1, 0), -EINVAL, "SYNIC2 with an argument");
	is(enable(with.cpu[0], KVM_CAP_HYPERV_SYNIC2, 0, 1), -EINVAL, "with flags");
	is(enable(with.cpu[0], KVM_CAP_HYPERV_SYNIC2, 0, 0), 0, "SYNIC2");
	is(enable(with.cpu[0], KVM_CAP_HYPERV_SYNIC, 0, 0), 0, "SYNIC");
	is(enable(with.cpu[0], KVM_CAP_HYPERV_ENFORCE_CPUID, 1, 0), 0, "ENFORCE_CPUID");
	is(enable(with.cpu[0], KVM_CAP_HYPERV_ENFORCE_CPUID, 0, 0), 0, "and not again");
	is(enable(with.cpu[0], KVM_CAP_HYPERV, 0, 0), -EINVAL, "one that is always on");
	is(enable(with.fd, KVM_CAP_HYPERV_SYNIC, 0, 0), -EINVAL, "SYNIC of a VM");
	api_destroy(&without);
	api_destroy(&with);
}

/* ---- connections ---- */

static long connect_to(uint32_t id, int fd, uint32_t flags)
{
	struct kvm_hyperv_eventfd args = { .conn_id = id, .fd = fd, .flags = flags };

	return call(m.fd, KVM_HYPERV_EVENTFD, &args);
}

static void test_connections(void)
{
	int event = eventfd(0, 0);

	is(connect_to(1u << 24, event, 0), -EINVAL, "an id of 25 bits");
	is(connect_to(1, event, 2), -EINVAL, "unknown flags");
	is(connect_to(1, -1, 0), -EBADF, "no file");
	is(connect_to(1, api_device, 0), -EINVAL, "a file that is no eventfd");
	is(connect_to(1, -1, KVM_HYPERV_EVENTFD_DEASSIGN), -ENOENT, "none to take away");
	is(connect_to(1, event, 0), 0, "a connection");
	is(connect_to(1, event, 0), -EEXIST, "the same again");
	is(connect_to(0xffffff, event, 0), 0, "the last one");
	is(connect_to(1, -1, KVM_HYPERV_EVENTFD_DEASSIGN), 0, "taken away");
	is(connect_to(1, event, 0), 0, "and given again");
	close(event);
}

/* ---- routes ---- */

static long route(uint32_t vp, uint32_t sint, uint32_t flags)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entry;
	} table = { .head.nr = 1 };

	table.entry.gsi = 1;
	table.entry.type = KVM_IRQ_ROUTING_HV_SINT;
	table.entry.flags = flags;
	table.entry.u.hv_sint.vcpu = vp;
	table.entry.u.hv_sint.sint = sint;
	return call(m.fd, KVM_SET_GSI_ROUTING, &table);
}

static long raise_gsi(void)
{
	struct kvm_irq_level line = { .irq = 1, .level = 1 };
	long ret = call(m.fd, KVM_IRQ_LINE_STATUS, &line);

	return ret ? ret : (int)line.status;
}

/* ---- registers ---- */

static long msr(uint32_t index, uint64_t *value, bool set)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} list = { .head.nmsrs = 1, .entry.index = index, .entry.data = *value };
	long ret = call(m.cpu[0], set ? KVM_SET_MSRS : KVM_GET_MSRS, &list);

	*value = list.entry.data;
	return ret;
}

static long set(uint32_t index, uint64_t value)
{
	return msr(index, &value, true);
}

static uint64_t get(uint32_t index)
{
	uint64_t value = 0;

	is(msr(index, &value, false), 1, "GET of %#x", index);
	return value;
}

/* As of a VM whose memory and devices are not there yet. */
static void test_restore(void)
{
	static const struct {
		uint32_t index;
		uint64_t value;
	} rows[] = {
		{ GUEST_OS_ID, 0x8100ull << 48 }, { HYPERCALL, 0x12345000 | PAGE_ON },
		{ VP_INDEX, 5 }, { TSC_PAGE, 0x12346000 | PAGE_ON },
		{ ASSIST, 0x12347000 | PAGE_ON }, { CRASH_P0, 0xdead }, { SCONTROL, 1 },
		{ SIMP, 0x12348000 | PAGE_ON }, { SINT0 + 2, 0x42 }, { STIMER0_COUNT, ~0ull },
		{ STIMER0_CONFIG, 0x20001 },
	};
	unsigned int i;

	CODE(&m, 0, 0xe6, 0x10);	/* out %al,$0x10 */
	for (i = 0; i < COUNT(rows); i++) {
		is(set(rows[i].index, rows[i].value), 1, "SET of %#x", rows[i].index);
		is(get(rows[i].index), (long)rows[i].value, "it is kept");
	}
	is(set(RESET, 1), 1, "SET of RESET");
	is(set(CRASH_CTL, 1ull << 63), 1, "SET of CRASH_CTL");
	is(set(TIME, 5), 1, "SET of the time is ignored");
	is(set(TSC_FREQUENCY, 5), 1, "as that of the frequency");
	tap_ok(get(TSC_FREQUENCY) > 1000, "which stays");
	is(set(VP_INDEX, 5000), 0, "an index that no set of processors has");
	is(call(m.cpu[0], KVM_RUN, NULL), 0, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_IO, "to the guest's own exit: no reset, no crash");
	tap_ok(get(TIME) < get(TIME) + 1, "the time can be read");
}

static void test_without_synic(void)
{
	struct machine saved = m;

	api_create(&m, API_IRQCHIP, 1);
	is(get(SINT0), 0x10000, "a source of a controller that is off");
	is(set(SINT0, 0x10000), 1, "takes what it has");
	is(set(SINT0, 0x42), 0, "and nothing else");
	is(set(SCONTROL, 0), 1, "so does the controller");
	is(set(SCONTROL, 1), 0, "and nothing else");
	is(set(STIMER0_CONFIG, 0), 1, "and its timers");
	is(set(STIMER0_CONFIG, 1), 0, "and nothing else");
	api_destroy(&m);
	m = saved;
}

static void test_routes(void)
{
	struct kvm_lapic_state apic;

	must(m.cpu[0], KVM_GET_LAPIC, &apic, "GET_LAPIC");
	*(uint32_t *)(apic.regs + APIC_SPIV) = 0x1ff;
	must(m.cpu[0], KVM_SET_LAPIC, &apic, "SET_LAPIC");
	is(route(0, 16, 0), -EINVAL, "a source that is not there");
	is(route(0, 2, 1), -EINVAL, "flags of a route");
	is(route(77, 2, 0), 0, "a processor that is not there yet");
	is(raise_gsi(), -1, "takes nothing");
	is(set(VP_INDEX, 5), 1, "the index of vCPU 0");
	is(route(5, 2, 0), 0, "a source of it");
	is(set(SINT0 + 2, 0x10042), 1, "masked");
	is(raise_gsi(), -1, "it takes nothing");
	is(set(SINT0 + 2, 0x42), 1, "open");
	tap_ok(raise_gsi() >= 0, "it does");
	is(set(SCONTROL, 0), 1, "with the controller off");
	is(raise_gsi(), -1, "it does not");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_IRQCHIP | API_CPUID, 1);
	must(m.cpu[0], KVM_ENABLE_CAP,
	     &(struct kvm_enable_cap){ .cap = KVM_CAP_HYPERV_SYNIC2 }, "ENABLE_CAP");
	test_leaves(api_device, "system");
	test_leaves(m.cpu[0], "vCPU");
	test_direct_stimers();
	test_enable();
	test_connections();
	test_restore();
	test_without_synic();
	test_routes();
	api_destroy(&m);
	return tap_done();
}
