// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of VMRUN: a VMCB that obeys all of them, and for each rule one that
 * breaks it alone.
 */
#include "nested/svm_check.h"
#include "tap.h"

static struct vmcb page;
static struct nsvm_vmcb12 v;
static struct nsvm_check in;
/* CPUID Fn8000_000A EDX of L1's CPU. */
static u32 features;

static void good(void)
{
	memset(&page, 0, sizeof(page));
	page.control.intercepts[INTERCEPT_VMRUN / 32] = BIT(INTERCEPT_VMRUN % 32);
	page.control.asid = 1;
	page.control.nested_ctl = SVM_NESTED_CTL_NP_ENABLE;
	page.control.nested_cr3 = 0x1000;
	page.save.efer = EFER_SVME | EFER_LME | EFER_LMA;
	page.save.cr0 = X86_CR0_PG | X86_CR0_PE;
	page.save.cr4 = X86_CR4_PAE;
	page.save.g_pat = 0x0007040600070406ull;
	features = NSVM_FEATURE(NPT);
	in = (struct nsvm_check){
		.v = &v, .maxphyaddr = 40, .long_mode = true, .npt = true,
		.efer_allowed = EFER_SVME | EFER_LME | EFER_LMA | EFER_SCE | EFER_NX,
		.cr4_reserved = ~(u64)(X86_CR4_PAE | X86_CR4_PSE),
	};
}

static void inject(u32 event)
{
	page.control.event_inj = SVM_EVTINJ_VALID | event;
}

/* What to do to a good VMCB so that one rule alone does not hold. */
#define SPOIL(id, statement) static void spoil_##id(void) { statement; }
SPOIL(svme, page.save.efer &= ~(u64)EFER_SVME)
SPOIL(cr0_nw_without_cd, page.save.cr0 |= X86_CR0_NW)
SPOIL(cr0_high, page.save.cr0 |= 1ull << 32)
SPOIL(cr3_mbz, page.save.cr3 = 1ull << 40)
SPOIL(cr4_mbz, page.save.cr4 |= X86_CR4_VMXE)
SPOIL(dr6_high, page.save.dr6 = 1ull << 32)
SPOIL(dr7_high, page.save.dr7 = 1ull << 63)
SPOIL(efer_mbz, page.save.efer |= 1ull << 9)
SPOIL(no_long_mode, in.long_mode = false)
SPOIL(long_without_pae, page.save.cr4 = 0)
SPOIL(long_without_pe, page.save.cr0 &= ~(u64)X86_CR0_PE)
SPOIL(cs_l_and_d, page.save.cs.attrib = SVM_SELECTOR_L_MASK | SVM_SELECTOR_DB_MASK)
SPOIL(vmrun_intercept, page.control.intercepts[INTERCEPT_VMRUN / 32] = 0)
SPOIL(msrpm_width, page.control.msrpm_base_pa = (1ull << 40) - 0x1000)
SPOIL(iopm_width, page.control.iopm_base_pa = (1ull << 40) - 0x2000)
SPOIL(event_type, inject(1 << SVM_EVTINJ_TYPE_SHIFT))
SPOIL(event_vector, inject(SVM_EVTINJ_TYPE_EXEPT | 2))
SPOIL(asid_zero, page.control.asid = 0)
SPOIL(ncr3_mbz, page.control.nested_cr3 = 1ull << 40)
SPOIL(g_pat, page.save.g_pat = 2)

#undef SPOIL

static const struct {
	const char *id;
	void (*spoil)(void);
} spoilers[] = {
#define RULE(id, text, condition) { #id, spoil_##id },
#include "nested/svm_rules.h"
#undef RULE
};

static unsigned int broken(void)
{
	unsigned int count = 0;

	nsvm_take(&v, &page, features);
	for (unsigned int i = 0; i < nsvm_nr_rules; i++)
		count += !nsvm_rules[i].holds(&in);
	return count;
}

static void test_rules(void)
{
	const struct nsvm_rule *first;

	good();
	tap_ok(!broken() && !nsvm_check_vmcb(&in), "a good VMCB is accepted");
	for (unsigned int i = 0; i < ARRAY_SIZE(spoilers); i++) {
		good();
		spoilers[i].spoil();
		broken();
		first = nsvm_check_vmcb(&in);
		tap_ok(first && !strcmp(first->id, spoilers[i].id) && broken() == 1,
		       "%s: that rule alone (%s, %u broken)", spoilers[i].id,
		       first ? first->id : "none", broken());
	}
}

static void test_more_events(void)
{
	good();
	inject(SVM_EVTINJ_TYPE_EXEPT | 32);
	broken();
	tap_ok(nsvm_check_vmcb(&in), "vector 32 is not an exception's");
	inject(SVM_EVTINJ_TYPE_INTR | 255);
	broken();
	tap_ok(!nsvm_check_vmcb(&in), "but an interrupt's");
	inject(SVM_EVTINJ_TYPE_NMI);
	broken();
	tap_ok(!nsvm_check_vmcb(&in), "an NMI's vector does not matter");
	page.control.event_inj = 7u << SVM_EVTINJ_TYPE_SHIFT;
	broken();
	tap_ok(!nsvm_check_vmcb(&in), "without V, EVENTINJ is not looked at");
}

/* CVE-2021-3653: what is not known never comes in. */
static void test_known_bits(void)
{
	good();
	page.control.int_ctl = ~0u;
	page.control.nested_ctl = ~0ull;
	page.control.int_state = ~0u;
	page.control.virt_ext = ~0ull;
	page.control.pause_filter_count = 0xffff;
	nsvm_take(&v, &page, features);
	tap_ok(!(v.int_ctl & (AVIC_ENABLE_MASK | V_GIF_ENABLE_MASK | V_GIF_MASK |
			      X2APIC_MODE_MASK)),
	       "no AVIC, no virtual GIF");
	tap_ok(!v.virt_ext && !v.pause_filter_count, "what the CPU has not is not taken");
	features = ~0u;
	nsvm_take(&v, &page, features);
	tap_ok((v.int_ctl & (V_GIF_ENABLE_MASK | V_GIF_MASK)) ==
	       (V_GIF_ENABLE_MASK | V_GIF_MASK) &&
	       !(v.int_ctl & (AVIC_ENABLE_MASK | X2APIC_MODE_MASK)), "what it has is, no AVIC");
	tap_ok(v.virt_ext == VIRTUAL_VMLOAD_VMSAVE_ENABLE_MASK, "no LBR virtualization");
	tap_ok(v.pause_filter_count == 0xffff, "the pause filter's count");
	tap_ok(v.nested_ctl == SVM_NESTED_CTL_NP_ENABLE, "no SEV");
	tap_ok(v.int_state == SVM_INTERRUPT_SHADOW_MASK, "only the shadow of INT_STATE");
	features = 0;
	nsvm_take(&v, &page, features);
	tap_ok(!v.nested_ctl, "no nested paging for a CPU without it");
}

static void test_segments(void)
{
	unsigned int wrong = 0;

	for (u32 attrib = 0; attrib < 0x1000; attrib++) {
		u32 ar = nsvm_ar_from_attrib(attrib, 0xffff);
		u16 back = nsvm_attrib_from_ar(ar);

		wrong += back != attrib;
		wrong += !!(ar & NST_AR_UNUSABLE) == !!(attrib & SVM_SELECTOR_P_MASK);
	}
	tap_ok(!wrong, "every attribute survives the way there and back (%u)", wrong);
	tap_ok(nsvm_ar_from_attrib(0x93, 0xffffffff) & NST_AR_G, "a large limit has G");
}

static void test_msrpm(void)
{
	tap_ok(nsvm_msrpm_bit(0) == 0 && nsvm_msrpm_bit(0x1fff) == 0x3ffe &&
	       nsvm_msrpm_bit(0xc0000000) == 0x4000 && nsvm_msrpm_bit(0xc0010117) == 0x822e,
	       "places in the MSR permission map");
	tap_ok(nsvm_msrpm_bit(0x2000) == -1 && nsvm_msrpm_bit(0xc0012000) == -1 &&
	       nsvm_msrpm_bit(0x40000000) == -1, "MSRs outside of it");
}

int main(void)
{
	test_rules();
	test_more_events();
	test_known_bits();
	test_segments();
	test_msrpm();
	return tap_done();
}
