// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: GET_DIRTY_LOG only looks, CLEAR_DIRTY_LOG
 * clears and protects; with INITIALLY_SET a log begins with every page in it.
 */
#include <sys/ioctl.h>

#include "api.h"

#define PAGES		(API_MEM_SIZE / API_PAGE)	/* 128: two words of the log */
#define WORDS		(PAGES / 64)
#define TARGET		0x40u				/* the page that the guest writes */
#define TARGET_BIT	(1ull << TARGET % 64)
#define ENABLE		KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE
#define INITIALLY_SET	KVM_DIRTY_LOG_INITIALLY_SET

static struct machine m;

static long enable(uint64_t flags)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { flags },
	};

	return call(m.fd, KVM_ENABLE_CAP, &cap);
}

static void log_is(uint64_t low, uint64_t high, const char *what)
{
	uint64_t bits[WORDS] = { 0 };
	struct kvm_dirty_log log = { .slot = 0, .dirty_bitmap = bits };
	long ret = call(m.fd, KVM_GET_DIRTY_LOG, &log);

	tap_ok(!ret && bits[0] == low && bits[1] == high, "%s (%#llx, %#llx)", what,
	       (unsigned long long)bits[0], (unsigned long long)bits[1]);
}

static long clear(uint64_t first, uint32_t count, uint64_t low, uint64_t high)
{
	uint64_t bits[WORDS] = { low, high };
	struct kvm_clear_dirty_log log = {
		.slot = 0, .first_page = first, .num_pages = count, .dirty_bitmap = bits,
	};

	return call(m.fd, KVM_CLEAR_DIRTY_LOG, &log);
}

/* mov $0x4000,%ax; mov %ax,%ds; incb 0; hlt */
static void guest_writes(void)
{
	CODE(&m, 0, 0xb8, 0x00, 0x40, 0x8e, 0xd8, 0xfe, 0x06, 0x00, 0x00, 0xf4);
	must(m.cpu[0], KVM_RUN, NULL, "RUN");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "the guest writes a page");
}

static void logging(bool on)
{
	is(api_slot(m.fd, 0, on ? KVM_MEM_LOG_DIRTY_PAGES : 0, 0, API_MEM_SIZE, m.mem), 0,
	   "logging %s", on ? "on" : "off");
}

static void test_cap(void)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .flags = 1, .args = { ENABLE },
	};

	is(call_value(m.fd, KVM_CHECK_EXTENSION, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2),
	   ENABLE | INITIALLY_SET, "both flags are offered");
	is(call(m.fd, KVM_ENABLE_CAP, &cap), -EINVAL, "flags of ENABLE_CAP");
	is(enable(INITIALLY_SET), -EINVAL, "INITIALLY_SET alone");
	is(enable(ENABLE | 4), -EINVAL, "an unknown option");
	is(enable(1ull << 32 | ENABLE), -EINVAL, "an option above 32 bits");
}

static void test_manual(void)
{
	is(enable(ENABLE), 0, "manual protection");
	logging(true);
	log_is(0, 0, "begins empty");
	guest_writes();
	log_is(0, TARGET_BIT, "the page that was written");
	log_is(0, TARGET_BIT, "looking does not clear it");
	is(clear(64, 64, ~TARGET_BIT, 0), 0, "clear all the others");
	log_is(0, TARGET_BIT, "it is still there");
	is(clear(0, 128, 0, TARGET_BIT), 0, "clear it");
	log_is(0, 0, "it is gone");
	guest_writes();
	log_is(0, TARGET_BIT, "written again");
	is(clear(0, 192, 0, TARGET_BIT), -EINVAL, "clear more than the slot has");
	is(clear(32, 64, 0, TARGET_BIT), -EINVAL, "clear from within a word");
	is(clear(0, 65, 0, TARGET_BIT), -EINVAL, "clear a part of a word");
	log_is(0, TARGET_BIT, "refused calls change nothing");
	is(enable(0), 0, "no manual protection");
	log_is(0, TARGET_BIT, "the page that was written");
	log_is(0, 0, "looking clears again");
	logging(false);
}

static void test_initially_set(void)
{
	is(enable(ENABLE | INITIALLY_SET), 0, "manual protection, all set at first");
	guest_writes();
	logging(true);
	log_is(~0ull, ~0ull, "every page is dirty");
	guest_writes();
	is(clear(0, 128, ~0ull, ~0ull), 0, "clear all");
	log_is(0, 0, "no page is dirty");
	guest_writes();
	log_is(0, TARGET_BIT, "a page mapped writable before is logged");
	is(clear(64, 64, TARGET_BIT, 0), 0, "clear it");
	logging(true);
	log_is(0, 0, "the same flags again do not set all");
	logging(false);
	logging(true);
	log_is(~0ull, ~0ull, "a new log has every page");
	logging(false);
	is(enable(0), 0, "off");
	logging(true);
	log_is(0, 0, "a log begins empty again");
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	test_cap();
	test_manual();
	test_initially_set();
	api_destroy(&m);
	return tap_done();
}
