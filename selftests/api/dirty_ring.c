// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty ring: KVM_CAP_DIRTY_LOG_RING, its mapping, what a guest's writes put
 * into it, KVM_RESET_DIRTY_RINGS, and the exit when there is no room left.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "api.h"

#define MIB		0x100000ull
#define ENTRIES		1024u
#define RING_BYTES	(ENTRIES * sizeof(struct kvm_dirty_gfn))
#define PAGES		2048u		/* of the logged slot */
#define LOGGED		1u		/* its number */
#define RING_AT		(KVM_DIRTY_LOG_PAGE_OFFSET * API_PAGE)

static struct machine m;
static volatile struct kvm_dirty_gfn *ring;
static unsigned int next;		/* the entry that is harvested next */
static bool listed[PAGES];

static long enable(int vm, unsigned int cap, uint64_t bytes)
{
	struct kvm_enable_cap args = { .cap = cap, .args = { bytes } };

	return call(vm, KVM_ENABLE_CAP, &args);
}

static long max_bytes(void)
{
	return call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING);
}

static void test_enable(void)
{
	struct machine bits;

	tap_ok(max_bytes() >= (long)RING_BYTES, "the largest ring has %ld bytes", max_bytes());
	is(call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_DIRTY_LOG_RING_ACQ_REL),
	   max_bytes(), "the same with acquire and release");
	m.fd = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
	is(call(m.fd, KVM_RESET_DIRTY_RINGS, NULL), -EINVAL, "no rings yet");
	is(enable(m.fd, KVM_CAP_DIRTY_LOG_RING, 0), -EINVAL, "of no bytes");
	is(enable(m.fd, KVM_CAP_DIRTY_LOG_RING, 512), -EINVAL, "too small");
	is(enable(m.fd, KVM_CAP_DIRTY_LOG_RING, RING_BYTES + 4096), -EINVAL, "no power of two");
	is(enable(m.fd, KVM_CAP_DIRTY_LOG_RING, 2 * max_bytes()), -E2BIG, "too large");
	is(enable(m.fd, KVM_CAP_DIRTY_LOG_RING_ACQ_REL, RING_BYTES), 0, "rings");
	is(enable(m.fd, KVM_CAP_DIRTY_LOG_RING, RING_BYTES), -EINVAL, "once only");
	is(call(m.fd, KVM_RESET_DIRTY_RINGS, NULL), 0, "nothing to reset");

	api_create(&bits, 0, 1);
	is(enable(bits.fd, KVM_CAP_DIRTY_LOG_RING, RING_BYTES), -EINVAL, "not behind a vCPU");
	tap_ok(mmap(NULL, API_PAGE, PROT_READ, MAP_SHARED, bits.cpu[0], RING_AT) == MAP_FAILED,
	       "a vCPU without a ring has none to map");
	api_destroy(&bits);
}

/* The machine that test_enable() began: memory, a logged slot, one vCPU. */
static void finish_machine(void)
{
	m.run_size = must(api_device, KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_VCPU_MMAP_SIZE");
	m.mem = api_pages(API_MEM_SIZE);
	m.cpus = 1;
	is(api_slot(m.fd, 0, 0, 0, API_MEM_SIZE, m.mem), 0, "memory");
	is(api_slot(m.fd, LOGGED, KVM_MEM_LOG_DIRTY_PAGES, MIB, PAGES * API_PAGE,
		    api_pages(PAGES * API_PAGE)), 0, "a slot with a log");
	m.cpu[0] = must(m.fd, KVM_CREATE_VCPU, NULL, "CREATE_VCPU");
	m.run[0] = mmap(NULL, m.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, m.cpu[0], 0);
	if (m.run[0] == MAP_FAILED)
		api_give_up("mmap of a vCPU");
}

static bool maps(size_t bytes, int prot, int flags, size_t at)
{
	void *to = mmap(NULL, bytes, prot, flags, m.cpu[0], at);

	if (to == MAP_FAILED)
		return false;
	munmap(to, bytes);
	return true;
}

static void test_map(void)
{
	struct kvm_dirty_log log = { .slot = LOGGED, .dirty_bitmap = api_pages(API_PAGE) };

	tap_ok(!maps(RING_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, RING_AT),
	       "not privately");
	tap_ok(!maps(RING_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED, RING_AT), "not as code");
	tap_ok(!maps(RING_BYTES + API_PAGE, PROT_READ, MAP_SHARED, RING_AT), "not beyond it");
	ring = mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, m.cpu[0], RING_AT);
	if (ring == MAP_FAILED)
		api_give_up("mmap of the ring");
	is(call(m.fd, KVM_GET_DIRTY_LOG, &log), -ENXIO, "no bitmap with rings");
}

/* The guest writes @count pages from @first on; what RUN ends with. */
static unsigned int write_pages(unsigned int first, unsigned int count)
{
	struct kvm_sregs sregs;
	struct kvm_regs regs;

	/* 1: mov %al,(%edi); add $0x1000,%edi; dec %ecx; jnz 1b; hlt */
	CODE(&m, 0, 0x67, 0x88, 0x07, 0x66, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00,
	     0x66, 0x49, 0x75, 0xf2, 0xf4);
	must(m.cpu[0], KVM_GET_SREGS, &sregs, "GET_SREGS");
	sregs.ds.base = 0;
	sregs.ds.limit = ~0u;
	sregs.ds.g = 1;
	must(m.cpu[0], KVM_SET_SREGS, &sregs, "SET_SREGS");
	must(m.cpu[0], KVM_GET_REGS, &regs, "GET_REGS");
	regs.rdi = MIB + first * API_PAGE;
	regs.rcx = count;
	must(m.cpu[0], KVM_SET_REGS, &regs, "SET_REGS");
	must(m.cpu[0], KVM_RUN, NULL, "RUN");
	return m.run[0]->exit_reason;
}

/* Entries that are there, in order from @first; all of them harvested. */
static unsigned int harvest(unsigned int first, bool *in_order)
{
	unsigned int count = 0;

	*in_order = true;
	while (__atomic_load_n(&ring[next % ENTRIES].flags, __ATOMIC_ACQUIRE) ==
	       KVM_DIRTY_GFN_F_DIRTY) {
		volatile struct kvm_dirty_gfn *entry = &ring[next++ % ENTRIES];

		if (entry->slot != LOGGED || entry->offset != first + count)
			*in_order = false;
		if (entry->offset < PAGES)
			listed[entry->offset] = true;
		count++;
		__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	}
	return count;
}

static void test_writes(void)
{
	bool in_order;

	is(write_pages(5, 20), KVM_EXIT_HLT, "the guest writes 20 pages");
	is(write_pages(5, 20), KVM_EXIT_HLT, "and again");
	is(call(m.fd, KVM_RESET_DIRTY_RINGS, NULL), 0, "nothing is reset before the harvest");
	is(harvest(5, &in_order), 20, "each is listed once");
	tap_ok(in_order, "in order");
	is(call(m.fd, KVM_RESET_DIRTY_RINGS, NULL), 20, "their reset");
	is(call(m.fd, KVM_RESET_DIRTY_RINGS, NULL), 0, "once");
	is(write_pages(5, 20), KVM_EXIT_HLT, "the guest writes them once more");
	is(harvest(5, &in_order), 20, "and they are listed again");
	is(call(m.fd, KVM_RESET_DIRTY_RINGS, NULL), 20, "their reset");
}

/* A page whose write was stopped by the exit may be listed again behind it. */
static void test_full(void)
{
	unsigned int i, count, missing = 0, turns = 0;
	bool in_order;

	memset(listed, 0, sizeof(listed));
	is(write_pages(0, PAGES), KVM_EXIT_DIRTY_RING_FULL, "too many pages");
	must(m.cpu[0], KVM_RUN, NULL, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_DIRTY_RING_FULL, "until there is room");
	while (m.run[0]->exit_reason == KVM_EXIT_DIRTY_RING_FULL && turns++ < PAGES) {
		count = harvest(0, &in_order);
		if (call(m.fd, KVM_RESET_DIRTY_RINGS, NULL) != (long)count)
			break;
		must(m.cpu[0], KVM_RUN, NULL, "RUN");
	}
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "then the guest comes to its end");
	harvest(0, &in_order);
	for (i = 0; i < PAGES; i++)
		missing += !listed[i];
	is(missing, 0, "every page was listed");
}

/* What userspace writes into the ring harms nobody. */
static void test_garbage(void)
{
	unsigned int i;
	long got;

	for (i = 0; i < ENTRIES; i++) {
		ring[i].slot = i % 3 ? LOGGED : ~0u;
		ring[i].offset = i % 5 ? PAGES + i : ~0ull;
		ring[i].flags = KVM_DIRTY_GFN_F_RESET;
	}
	got = call(m.fd, KVM_RESET_DIRTY_RINGS, NULL);
	tap_ok(got >= 0 && got <= ENTRIES, "garbage is taken for what it is (%ld)", got);
	got = write_pages(0, 1);
	tap_ok(got == KVM_EXIT_HLT || got == KVM_EXIT_DIRTY_RING_FULL, "the guest goes on");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	test_enable();
	finish_machine();
	test_map();
	test_writes();
	test_full();
	test_garbage();
	return tap_done();
}
