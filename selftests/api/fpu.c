// SPDX-License-Identifier: GPL-2.0-only
/*
 * FPU, XSAVE and XCRS: round trips, views of the same registers that agree, and
 * values that no CPU could hold.
 */
#include <stdlib.h>
#include <sys/ioctl.h>

#include "api.h"

#define XSAVE_HEADER	512		/* SDM1 "XSAVE Area" */
#define XSAVE_XMM	160
#define XSAVE_MXCSR	24
#define XCOMP_BV	(XSAVE_HEADER + 8)
#define MXCSR_RESET	0x1f80
#define FCW_RESET	0x37f
#define MAX_XCRS	16

static struct machine m;
static int cpu;

static uint64_t *word(struct kvm_xsave *area, unsigned int offset)
{
	return (uint64_t *)((uint8_t *)area + offset);
}

static void test_fpu(void)
{
	struct kvm_fpu set, got;

	is(call(cpu, KVM_GET_FPU, &set), 0, "GET_FPU");
	is(set.mxcsr, MXCSR_RESET, "MXCSR after reset");
	memset(set.xmm, 0x5a, sizeof(set.xmm));
	memset(set.fpr[0], 0, sizeof(set.fpr));
	memset(set.fpr[3], 0x3c, 10);
	set.fcw = FCW_RESET;
	set.fsw = 0x3800;
	set.ftwx = 0x08;
	set.last_opcode = 0x123;
	set.last_ip = 0x12345678;
	set.last_dp = 0x23456789;
	set.mxcsr = 0x1f81;
	is(call(cpu, KVM_SET_FPU, &set), 0, "SET_FPU");
	memset(&got, 0xaa, sizeof(got));
	is(call(cpu, KVM_GET_FPU, &got), 0, "GET_FPU again");
	is(memcmp(set.xmm, got.xmm, sizeof(set.xmm)), 0, "XMM registers");
	is(memcmp(set.fpr, got.fpr, sizeof(set.fpr)), 0, "x87 registers");
	tap_ok(got.fcw == set.fcw && got.fsw == set.fsw && got.ftwx == set.ftwx &&
	       got.last_opcode == set.last_opcode && got.last_ip == set.last_ip &&
	       got.last_dp == set.last_dp && got.mxcsr == set.mxcsr, "control and status");
	set.mxcsr = 0xffffffff;
	is(call(cpu, KVM_SET_FPU, &set), -EINVAL, "reserved bits of MXCSR");
	must(cpu, KVM_GET_FPU, &got, "GET_FPU");
	is(got.mxcsr, 0x1f81, "MXCSR did not change");
	is(call(cpu, KVM_GET_FPU, BAD_POINTER), -EFAULT, "GET_FPU to nowhere");
	is(call(cpu, KVM_SET_FPU, BAD_POINTER), -EFAULT, "SET_FPU from nowhere");
}

static void test_xsave(void)
{
	struct kvm_xsave *set = calloc(1, sizeof(*set)), *got = calloc(1, sizeof(*got));
	struct kvm_fpu fpu;

	if (!set || !got)
		api_give_up("calloc");
	is(call(cpu, KVM_GET_XSAVE, set), 0, "GET_XSAVE");
	must(cpu, KVM_GET_FPU, &fpu, "GET_FPU");
	is(memcmp((uint8_t *)set + XSAVE_XMM, fpu.xmm, sizeof(fpu.xmm)), 0,
	   "XSAVE and FPU show the same registers");
	memset((uint8_t *)set + XSAVE_XMM, 0xc3, 16);
	*word(set, XSAVE_HEADER) |= 3;
	is(call(cpu, KVM_SET_XSAVE, set), 0, "SET_XSAVE");
	is(call(cpu, KVM_GET_XSAVE, got), 0, "GET_XSAVE again");
	is(memcmp(set, got, sizeof(*set)), 0, "XSAVE: got what was set");
	must(cpu, KVM_GET_FPU, &fpu, "GET_FPU");
	is(fpu.xmm[0][7], 0xc3, "FPU shows what XSAVE set");
	*word(set, XSAVE_HEADER) |= 1ull << 62;
	is(call(cpu, KVM_SET_XSAVE, set), -EINVAL, "a component that is not there");
	*word(set, XSAVE_HEADER) = 3;
	*word(set, XCOMP_BV) = 1ull << 63;
	is(call(cpu, KVM_SET_XSAVE, set), -EINVAL, "the compacted format");
	*word(set, XCOMP_BV) = 0;
	*word(set, XSAVE_HEADER + 32) = 1;
	is(call(cpu, KVM_SET_XSAVE, set), -EINVAL, "a reserved word of the header");
	*word(set, XSAVE_HEADER + 32) = 0;
	*word(set, XSAVE_MXCSR) |= 0xffff0000;
	is(call(cpu, KVM_SET_XSAVE, set), -EINVAL, "reserved bits of MXCSR");
	is(call(cpu, KVM_GET_XSAVE, got), 0, "GET_XSAVE after the refusals");
	is(((uint8_t *)got)[XSAVE_XMM], 0xc3, "nothing changed");
	is(call(cpu, KVM_GET_XSAVE, BAD_POINTER), -EFAULT, "GET_XSAVE to nowhere");
	is(call(cpu, KVM_SET_XSAVE, BAD_POINTER), -EFAULT, "SET_XSAVE from nowhere");
	free(set);
	free(got);
}

static void test_xsave2(void)
{
	long size = call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_XSAVE2);
	struct kvm_xsave *plain = calloc(1, sizeof(*plain));
	uint8_t *area = malloc((size > 4096 ? size : 4096) + 1);

	if (!area || !plain)
		api_give_up("malloc");
	tap_ok(size >= (long)sizeof(*plain), "the capability says how much (%ld)", size);
	area[size] = 0x77;
	is(call(cpu, KVM_GET_XSAVE2, area), 0, "GET_XSAVE2");
	is(area[size], 0x77, "nothing written behind it");
	must(cpu, KVM_GET_XSAVE, plain, "GET_XSAVE");
	is(memcmp(area, plain, sizeof(*plain)), 0, "it begins as GET_XSAVE");
	is(call(cpu, KVM_GET_XSAVE2, BAD_POINTER), -EFAULT, "GET_XSAVE2 to nowhere");
	free(area);
	free(plain);
}

/* What CPUID says that XCR0 may hold; 0 without XSAVE. */
static uint64_t xcr0_allowed(void)
{
	struct kvm_cpuid2 *cpuid = api_supported_cpuid();
	uint64_t allowed = 0;
	unsigned int i;

	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		if (e->function == 0xd && !e->index)
			allowed = e->eax | (uint64_t)e->edx << 32;
	}
	free(cpuid);
	return allowed;
}

static void test_xcrs(void)
{
	uint64_t allowed = xcr0_allowed();
	struct kvm_xcrs x = { 0 };

	if (!allowed) {
		is(call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_XCRS), 0, "XCRS is off");
		is(call(cpu, KVM_GET_XCRS, &x), 0, "GET_XCRS without XSAVE");
		is(x.nr_xcrs, 0, "there are none");
		is(call(cpu, KVM_SET_XCRS, &x), 0, "none can be set");
		x.nr_xcrs = 1;
		x.xcrs[0].value = 1;
		is(call(cpu, KVM_SET_XCRS, &x), -EINVAL, "SET_XCRS without XSAVE");
		tap_ok(true, "XCRS # SKIP this CPU has no XSAVE");
		return;
	}
	is(call(cpu, KVM_GET_XCRS, &x), 0, "GET_XCRS");
	tap_ok(x.nr_xcrs == 1 && !x.xcrs[0].xcr && x.xcrs[0].value == 1, "XCR0 is 1 after reset");
	x.xcrs[0].value = allowed;
	is(call(cpu, KVM_SET_XCRS, &x), 0, "all that CPUID allows");
	must(cpu, KVM_GET_XCRS, &x, "GET_XCRS");
	is(x.xcrs[0].value, allowed, "XCRS: got what was set");
	x.xcrs[0].value = allowed & ~1ull;
	is(call(cpu, KVM_SET_XCRS, &x), -EINVAL, "without x87");
	x.xcrs[0].value = 5;
	is(call(cpu, KVM_SET_XCRS, &x), -EINVAL, "AVX without SSE");
	x.xcrs[0].value = 1ull << 62 | 1;
	is(call(cpu, KVM_SET_XCRS, &x), -EINVAL, "a component that is not there");
	x.xcrs[0].value = 1;
	x.nr_xcrs = MAX_XCRS + 1;
	is(call(cpu, KVM_SET_XCRS, &x), -EINVAL, "too many registers");
	x.nr_xcrs = 1;
	x.flags = 1;
	is(call(cpu, KVM_SET_XCRS, &x), -EINVAL, "flags");
	must(cpu, KVM_GET_XCRS, &x, "GET_XCRS");
	is(x.xcrs[0].value, allowed, "nothing changed");
	is(call(cpu, KVM_GET_XCRS, BAD_POINTER), -EFAULT, "GET_XCRS to nowhere");
	is(call(cpu, KVM_SET_XCRS, BAD_POINTER), -EFAULT, "SET_XCRS from nowhere");
}

/* What a client that knows the capability sets for every guest. */
static void test_xcrs_hidden(void)
{
	struct kvm_xcrs x = { .nr_xcrs = 1 };
	struct kvm_cpuid2 none = { .nent = 0 };
	struct kvm_cpuid2 *one = calloc(1, sizeof(*one) + sizeof(one->entries[0]));
	struct machine hidden;

	x.xcrs[0].value = 1;
	api_create(&hidden, 0, 1);
	is(call(hidden.cpu[0], KVM_SET_XCRS, &x), 0, "XCR0 is 1 before CPUID is set");
	is(call(hidden.cpu[0], KVM_SET_CPUID2, &none), 0, "CPUID without XSAVE");
	is(call(hidden.cpu[0], KVM_SET_XCRS, &x), 0, "no CPUID: XCR0 is 1");
	one->nent = 1;
	one->entries[0].function = 1;
	is(call(hidden.cpu[0], KVM_SET_CPUID2, one), 0, "CPUID with leaf 1 alone");
	is(call(hidden.cpu[0], KVM_SET_XCRS, &x), 0, "it may be set to 1 still");
	x.xcrs[0].value = 3;
	is(call(hidden.cpu[0], KVM_SET_XCRS, &x), -EINVAL, "and to nothing else");
	free(one);
	api_destroy(&hidden);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	api_create(&m, API_CPUID, 1);
	cpu = m.cpu[0];
	test_fpu();
	test_xsave();
	test_xsave2();
	test_xcrs();
	if (call_value(api_device, KVM_CHECK_EXTENSION, KVM_CAP_XCRS))
		test_xcrs_hidden();
	CODE(&m, 0, 0xf4);
	is(call(cpu, KVM_RUN, NULL), 0, "after all that the vCPU runs");
	is(m.run[0]->exit_reason, KVM_EXIT_HLT, "to HLT");
	api_destroy(&m);
	return tap_done();
}
