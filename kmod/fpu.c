// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest FPU: the kernel keeps the registers (x87 to AVX-512) in a second state
 * buffer of the vCPU's thread and switches them like those of a task; we switch
 * what it does not: XCR0, IA32_XSS and PKRU, around each entry.
 *
 * Calls the kernel's guest-FPU interface and nothing of the core but registers.
 */
#include "nestor.h"

#include <linux/slab.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/fpu/api.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/pkru.h>
#include "cpuid.h"
#include "fpu.h"

/* Components that a guest may enable; AMX would need permission of the process. */
#define XCR0_GUEST	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512 | \
			 XFEATURE_MASK_PKRU)

/**
 * nst_xcr0_supported() - what a guest's XCR0 may hold on this host
 *
 * Return: XFEATURE_MASK_*; 0 without XSAVE.
 */
u64 nst_xcr0_supported(void)
{
	u64 mask = XCR0_GUEST;

	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return 0;
	if (!boot_cpu_has(X86_FEATURE_OSPKE))
		mask &= ~XFEATURE_MASK_PKRU;
	return xgetbv(XCR_XFEATURE_ENABLED_MASK) & mask;
}

/* Components in a buffer that userspace sees, also where there is no XSAVE. */
static u64 uabi_features(void)
{
	return nst_xcr0_supported() | XFEATURE_MASK_FPSSE;
}

/**
 * nst_xsave_size() - bytes that KVM_GET_XSAVE2 may need
 *
 * Return: at least sizeof(struct kvm_xsave).
 */
unsigned int nst_xsave_size(void)
{
	return max_t(unsigned int, sizeof(struct kvm_xsave),
		     nst_cpuid_xstate_size(nst_xcr0_supported(), false));
}

/**
 * nst_fpu_create() - allocate a vCPU's FPU state
 * @vcpu: the vCPU
 *
 * Return: 0 or -ENOMEM.
 */
int nst_fpu_create(struct nst_vcpu *vcpu)
{
	return fpu_alloc_guest_fpstate(&vcpu->fpu) ? 0 : -ENOMEM;
}

/**
 * nst_fpu_destroy() - free it
 * @vcpu: the vCPU, not running
 */
void nst_fpu_destroy(struct nst_vcpu *vcpu)
{
	fpu_free_guest_fpstate(&vcpu->fpu);
}

/**
 * nst_fpu_load() - the thread's FPU state becomes the guest's
 * @vcpu: the vCPU, about to run in this thread; preemptible
 */
void nst_fpu_load(struct nst_vcpu *vcpu)
{
	if (vcpu->fpu_loaded)
		return;
	fpu_swap_kvm_fpstate(&vcpu->fpu, true);
	vcpu->fpu_loaded = true;
}

/**
 * nst_fpu_put() - the thread gets its own FPU state back
 * @vcpu: the vCPU; preemptible
 */
void nst_fpu_put(struct nst_vcpu *vcpu)
{
	if (!vcpu->fpu_loaded)
		return;
	fpu_swap_kvm_fpstate(&vcpu->fpu, false);
	vcpu->fpu_loaded = false;
}

/* ---- around an entry ---- */

/* XSAVES in the guest obeys IA32_XSS, whether or not its CPUID shows XSAVES. */
static void switch_xss(u64 from, u64 to)
{
	if (from != to)
		wrmsrl(MSR_IA32_XSS, to);
}

static u64 host_xss(void)
{
	u64 xss = 0;

	if (boot_cpu_has(X86_FEATURE_XSAVES))
		rdmsrl(MSR_IA32_XSS, xss);
	return xss;
}

static bool guest_xsave_on(const struct nst_vcpu *vcpu)
{
	return (vcpu->st.cr4 & X86_CR4_OSXSAVE) && boot_cpu_has(X86_FEATURE_OSXSAVE);
}

/* PKRU is the guest's when it can be seen through: CR4.PKE or its XSAVE area. */
static bool guest_pkru_on(const struct nst_vcpu *vcpu)
{
	return boot_cpu_has(X86_FEATURE_OSPKE) &&
	       ((vcpu->st.cr4 & X86_CR4_PKE) || (vcpu->st.xcr0 & XFEATURE_MASK_PKRU));
}

/**
 * nst_fpu_enter() - make extended state the guest's before an entry
 * @vcpu: loaded vCPU with its FPU state loaded, irqs off
 */
void nst_fpu_enter(struct nst_vcpu *vcpu)
{
	/* A softirq or another task used the registers meanwhile. */
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
	if (guest_xsave_on(vcpu)) {
		vcpu->host_xcr0 = xgetbv(XCR_XFEATURE_ENABLED_MASK);
		if (vcpu->host_xcr0 != vcpu->st.xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->st.xcr0);
		vcpu->host_xss = host_xss();
		switch_xss(vcpu->host_xss, vcpu->st.xss);
	}
	if (guest_pkru_on(vcpu)) {
		vcpu->host_pkru = read_pkru();
		write_pkru(vcpu->pkru);
	}
}

/*
 * An emulator below us may not know the XSETBV intercept (QEMU before 8.1): then
 * what the register holds is what the guest wrote, and must come back at the
 * next entry.  Hardware always intercepts.
 */
static u64 guest_xcr0(const struct nst_vcpu *vcpu)
{
	u64 now;

	if (!boot_cpu_has(X86_FEATURE_HYPERVISOR))
		return vcpu->st.xcr0;
	now = xgetbv(XCR_XFEATURE_ENABLED_MASK);
	return now == vcpu->st.xcr0 ? now : (now & vcpu->xcr0_allowed) | XFEATURE_MASK_FP;
}

/**
 * nst_fpu_exit() - take back what nst_fpu_enter() gave
 * @vcpu: loaded vCPU, irqs off, right after an exit
 *
 * The guest changes neither CR4.OSXSAVE, CR4.PKE nor XCR0 without an exit.
 */
void nst_fpu_exit(struct nst_vcpu *vcpu)
{
	if (guest_pkru_on(vcpu)) {
		vcpu->pkru = read_pkru();
		write_pkru(vcpu->host_pkru);
	}
	if (guest_xsave_on(vcpu)) {
		switch_xss(vcpu->st.xss, vcpu->host_xss);
		vcpu->st.xcr0 = guest_xcr0(vcpu);
		if (vcpu->host_xcr0 != vcpu->st.xcr0)
			xsetbv(XCR_XFEATURE_ENABLED_MASK, vcpu->host_xcr0);
	}
}

/* ---- userspace's view ---- */

/* The buffer is only whole while the thread does not hold it in registers. */
static bool unload(struct nst_vcpu *vcpu)
{
	bool loaded = vcpu->fpu_loaded;

	nst_fpu_put(vcpu);
	return loaded;
}

static void reload(struct nst_vcpu *vcpu, bool loaded)
{
	if (loaded)
		nst_fpu_load(vcpu);
}

/**
 * nst_xsave_get() - KVM_GET_XSAVE, KVM_GET_XSAVE2
 * @vcpu: the vCPU, mutex held
 * @buf: standard-format XSAVE area
 * @size: its size, a multiple of 4; zeroed beyond what is there
 *
 * Return: 0.
 */
int nst_xsave_get(struct nst_vcpu *vcpu, void *buf, unsigned int size)
{
	bool loaded = unload(vcpu);

	memset(buf, 0, size);
	fpu_copy_guest_fpstate_to_uabi(&vcpu->fpu, buf, size, uabi_features(), vcpu->pkru);
	reload(vcpu, loaded);
	return 0;
}

/**
 * nst_xsave_set() - KVM_SET_XSAVE
 * @vcpu: the vCPU, mutex held
 * @buf: standard-format XSAVE area
 * @size: its size, at least nst_xsave_size()
 *
 * Return: 0; -EINVAL for components that are not supported, reserved header
 * bits or reserved MXCSR bits.
 */
int nst_xsave_set(struct nst_vcpu *vcpu, const void *buf, unsigned int size)
{
	const struct xregs_state *area = buf;
	u32 pkru = vcpu->pkru;
	bool loaded;
	int ret;

	if (size < nst_xsave_size())
		return -EINVAL;
	if (area->header.xfeatures & ~uabi_features())
		return -EINVAL;
	if (area->header.xcomp_bv || memchr_inv(area->header.reserved, 0,
						sizeof(area->header.reserved)))
		return -EINVAL;
	loaded = unload(vcpu);
	ret = fpu_copy_uabi_to_guest_fpstate(&vcpu->fpu, buf, uabi_features(), &pkru);
	reload(vcpu, loaded);
	if (!ret)
		vcpu->pkru = pkru;
	return ret;
}

static struct xregs_state *alloc_area(void)
{
	return kzalloc(nst_xsave_size(), GFP_KERNEL_ACCOUNT);
}

/**
 * nst_fpu_reset() - FPU state after RESET; INIT leaves it alone
 * @vcpu: the vCPU
 * @init: INIT
 */
void nst_fpu_reset(struct nst_vcpu *vcpu, bool init)
{
	struct xregs_state *area;

	if (init)
		return;
	vcpu->st.xcr0 = XFEATURE_MASK_FP;
	vcpu->pkru = 0;
	area = alloc_area();
	if (!area)
		return;		/* a new buffer is in this state already */
	area->i387.cwd = NST_RESET_FCW;
	area->i387.mxcsr = NST_RESET_MXCSR;
	area->header.xfeatures = XFEATURE_MASK_FPSSE;
	WARN_ON_ONCE(nst_xsave_set(vcpu, area, nst_xsave_size()));
	kfree(area);
}

/**
 * nst_fpu_get() - KVM_GET_FPU
 * @vcpu: the vCPU, mutex held
 * @fpu: result
 *
 * Return: 0 or -ENOMEM.
 */
int nst_fpu_get(struct nst_vcpu *vcpu, struct kvm_fpu *fpu)
{
	struct xregs_state *area = alloc_area();

	if (!area)
		return -ENOMEM;
	nst_xsave_get(vcpu, area, nst_xsave_size());
	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->fpr, area->i387.st_space, sizeof(fpu->fpr));
	fpu->fcw = area->i387.cwd;
	fpu->fsw = area->i387.swd;
	fpu->ftwx = area->i387.twd;
	fpu->last_opcode = area->i387.fop;
	fpu->last_ip = area->i387.rip;
	fpu->last_dp = area->i387.rdp;
	memcpy(fpu->xmm, area->i387.xmm_space, sizeof(fpu->xmm));
	fpu->mxcsr = area->i387.mxcsr;
	kfree(area);
	return 0;
}

/**
 * nst_fpu_set() - KVM_SET_FPU
 * @vcpu: the vCPU, mutex held
 * @fpu: new x87 and SSE state; other components stay
 *
 * Return: 0; -EINVAL for reserved MXCSR bits; -ENOMEM.
 */
int nst_fpu_set(struct nst_vcpu *vcpu, const struct kvm_fpu *fpu)
{
	struct xregs_state *area = alloc_area();
	int ret;

	if (!area)
		return -ENOMEM;
	nst_xsave_get(vcpu, area, nst_xsave_size());
	memcpy(area->i387.st_space, fpu->fpr, sizeof(fpu->fpr));
	area->i387.cwd = fpu->fcw;
	area->i387.swd = fpu->fsw;
	area->i387.twd = fpu->ftwx;
	area->i387.fop = fpu->last_opcode;
	area->i387.rip = fpu->last_ip;
	area->i387.rdp = fpu->last_dp;
	memcpy(area->i387.xmm_space, fpu->xmm, sizeof(fpu->xmm));
	area->i387.mxcsr = fpu->mxcsr;
	area->header.xfeatures |= XFEATURE_MASK_FPSSE;
	ret = nst_xsave_set(vcpu, area, nst_xsave_size());
	kfree(area);
	return ret;
}

/**
 * nst_xcrs_get() - KVM_GET_XCRS
 * @vcpu: the vCPU, mutex held
 * @x: result
 *
 * Return: 0, with an empty list on a host without XSAVE.
 */
int nst_xcrs_get(struct nst_vcpu *vcpu, struct kvm_xcrs *x)
{
	memset(x, 0, sizeof(*x));
	if (!boot_cpu_has(X86_FEATURE_OSXSAVE))
		return 0;
	x->nr_xcrs = 1;
	x->xcrs[0].xcr = XCR_XFEATURE_ENABLED_MASK;
	x->xcrs[0].value = vcpu->st.xcr0;
	return 0;
}

/**
 * nst_xcrs_set() - KVM_SET_XCRS
 * @vcpu: loaded vCPU, mutex held
 * @x: values; registers other than XCR0 are passed over
 *
 * Return: 0; -EINVAL for a count, flags or a value that cannot be.
 */
int nst_xcrs_set(struct nst_vcpu *vcpu, const struct kvm_xcrs *x)
{
	u32 i;

	if (x->nr_xcrs > KVM_MAX_XCRS || x->flags)
		return -EINVAL;
	if (x->nr_xcrs && !boot_cpu_has(X86_FEATURE_OSXSAVE))
		return -EINVAL;
	for (i = 0; i < x->nr_xcrs; i++)
		if (x->xcrs[i].xcr == XCR_XFEATURE_ENABLED_MASK)
			return nst_set_xcr0(vcpu, x->xcrs[i].value) ? 0 : -EINVAL;
	return 0;
}
