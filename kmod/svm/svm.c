// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVM backend: its operations table, and what is created, switched on and
 * exchanged for a VM, a vCPU and a physical CPU.
 * APM2 "Enabling SVM", "Host Save Area (VM_HSAVE_PA MSR)".
 */
#include "../nestor.h"
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <asm/msr.h>
#include <asm/nospec-branch.h>
#include "svm.h"

/* Sizes of the permission maps as page orders: 12 KiB of ports, 8 KiB of MSRs. */
#define SVM_IOPM_ORDER	2
#define SVM_MSRPM_ORDER	1

DEFINE_PER_CPU(struct svm_cpu, svm_cpu);
u64 svm_iopm_pa;
u64 svm_msrpm_all_pa;
static struct page *svm_iopm;

static u64 svm_page_pa(struct page *page)
{
	return __sme_set(page_to_phys(page));
}

/*
 * The CPU's part.
 */

static void svm_free_cpus(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		if (sc->hsave)
			__free_page(sc->hsave);
		if (sc->host_vmcb)
			__free_page(sc->host_vmcb);
		sc->hsave = NULL;
		sc->host_vmcb = NULL;
	}
	if (svm_iopm)
		__free_pages(svm_iopm, SVM_IOPM_ORDER);
	svm_iopm = NULL;
}

static int svm_alloc_cpus(void)
{
	int cpu;

	svm_iopm = alloc_pages(GFP_KERNEL, SVM_IOPM_ORDER);
	if (!svm_iopm)
		return -ENOMEM;
	/* Every port exits. */
	memset(page_address(svm_iopm), 0xff, PAGE_SIZE << SVM_IOPM_ORDER);
	svm_iopm_pa = svm_page_pa(svm_iopm);
	/* All ones too, and shorter. */
	svm_msrpm_all_pa = svm_iopm_pa;

	for_each_possible_cpu(cpu) {
		struct svm_cpu *sc = per_cpu_ptr(&svm_cpu, cpu);

		sc->hsave = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		sc->host_vmcb = alloc_pages_node(cpu_to_node(cpu), GFP_KERNEL | __GFP_ZERO, 0);
		if (!sc->hsave || !sc->host_vmcb)
			return -ENOMEM;
		sc->host_vmcb_pa = svm_page_pa(sc->host_vmcb);
	}
	return 0;
}

static int svm_hw_setup(void)
{
	int err = svm_caps_init();

	if (err)
		return err;
	err = svm_alloc_cpus();
	if (err)
		svm_free_cpus();
	return err;
}

static int svm_cpu_enable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer, vm_cr;

	rdmsrl(MSR_EFER, efer);
	if (efer & EFER_SVME)
		return -EBUSY;
	rdmsrl(MSR_VM_CR, vm_cr);
	if (vm_cr & SVM_VM_CR_SVM_DIS_MASK)
		return -EPERM;
	wrmsrl(MSR_EFER, efer | EFER_SVME);
	wrmsrl(MSR_VM_HSAVE_PA, svm_page_pa(sc->hsave));
	sc->enabled = true;
	sc->tsc_ratio = 0;
	svm_tsc_ratio_load(NST_TSC_RATIO_NONE);
	svm_asid_cpu_init(sc);
	return 0;
}

static void svm_cpu_disable(void)
{
	struct svm_cpu *sc = this_cpu_ptr(&svm_cpu);
	u64 efer;

	if (!sc->enabled)
		return;
	sc->enabled = false;
	rdmsrl(MSR_EFER, efer);
	/* Suspend and reset may already have cleared it. */
	if (!(efer & EFER_SVME))
		return;
	svm_tsc_ratio_load(NST_TSC_RATIO_NONE);
	/* Without SVME, nothing could set GIF again. */
	asm volatile("stgi" : : : "memory");
	wrmsrl(MSR_VM_HSAVE_PA, 0);
	wrmsrl(MSR_EFER, efer & ~(u64)EFER_SVME);
}

/*
 * VMs and vCPUs.
 */

static int svm_vm_create(struct nst_vm *vm)
{
	return 0;
}

static void svm_vm_destroy(struct nst_vm *vm)
{
}

static void svm_exit_soon(struct irq_work *work)
{
	/* The interrupt itself did what it is for: it ended guest mode. */
}

static int svm_vcpu_create(struct nst_vcpu *vcpu)
{
	struct svm_vcpu *svm = kzalloc(sizeof(*svm), GFP_KERNEL_ACCOUNT);
	struct page *vmcb, *msrpm;

	if (!svm)
		return -ENOMEM;
	vmcb = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	msrpm = alloc_pages(GFP_KERNEL_ACCOUNT, SVM_MSRPM_ORDER);
	if (!vmcb || !msrpm)
		goto nomem;
	svm->vcpu = vcpu;
	svm->vmcb = page_address(vmcb);
	svm->vmcb_pa = svm_page_pa(vmcb);
	svm->msrpm = page_address(msrpm);
	svm->msrpm_pa = svm_page_pa(msrpm);
	svm->cpu = -1;
	svm->exit_soon = IRQ_WORK_INIT_HARD(svm_exit_soon);
	vcpu->hw = svm;
	svm_msrpm_init(svm);
	svm_setup(svm);
	return 0;

nomem:
	if (vmcb)
		__free_page(vmcb);
	if (msrpm)
		__free_pages(msrpm, SVM_MSRPM_ORDER);
	kfree(svm);
	return -ENOMEM;
}

static void svm_vcpu_destroy(struct nst_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);
	int cpu;

	if (!svm)
		return;
	irq_work_sync(&svm->exit_soon);
	/* A later vCPU at the same address must not pass for this one. */
	for_each_possible_cpu(cpu)
		cmpxchg(per_cpu_ptr(&svm_cpu.last, cpu), svm, NULL);
	free_page((unsigned long)svm->vmcb);
	free_pages((unsigned long)svm->msrpm, SVM_MSRPM_ORDER);
	kfree(svm);
	vcpu->hw = NULL;
}

static void svm_vcpu_reset(struct nst_vcpu *vcpu)
{
	svm_setup(to_svm(vcpu));
}

static void svm_load(struct nst_vcpu *vcpu, int cpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	if (svm->cpu != cpu) {
		/* This CPU's caches and ASIDs know nothing of the guest, or old things. */
		svm->clean = 0;
		for (int i = 0; i < SVM_NR_TAGS; i++)
			svm->tags[i].generation = 0;
		svm->cpu = cpu;
	}
	if (this_cpu_read(svm_cpu.last) != svm) {
		this_cpu_write(svm_cpu.last, svm);
		indirect_branch_prediction_barrier();
	}
	if (nst_caps.rdtscp) {
		rdmsrl(MSR_TSC_AUX, svm->tsc_aux_host);
		wrmsrl(MSR_TSC_AUX, (u32)vcpu->st.tsc_aux);
	}
	svm_tsc_ratio_load(vcpu->ctl.tsc_ratio);
	svm->loaded = true;
}

static void svm_put(struct nst_vcpu *vcpu)
{
	struct svm_vcpu *svm = to_svm(vcpu);

	svm->loaded = false;
	if (nst_caps.rdtscp)
		wrmsrl(MSR_TSC_AUX, svm->tsc_aux_host);
}

const struct nst_backend svm_backend = {
	.name = "SVM",
	.supported = svm_supported,
	.hw_setup = svm_hw_setup,
	.hw_teardown = svm_free_cpus,
	.cpu_enable = svm_cpu_enable,
	.cpu_disable = svm_cpu_disable,
	.vm_create = svm_vm_create,
	.vm_destroy = svm_vm_destroy,
	.vcpu_create = svm_vcpu_create,
	.vcpu_destroy = svm_vcpu_destroy,
	.vcpu_reset = svm_vcpu_reset,
	.load = svm_load,
	.put = svm_put,
	.pull = svm_pull,
	.push = svm_push,
	.encode = svm_encode,
	.inject = svm_inject,
	.cancel_inject = svm_cancel_inject,
	.irq_window = svm_irq_window,
	.nmi_window = svm_nmi_window,
	.set_tpr = svm_set_tpr,
	.get_tpr = svm_get_tpr,
	.enter = svm_enter,
	.flush_tlb = svm_flush_tlb,
	.flush_tlb_gva = svm_flush_tlb_gva,
	.msr_direct = svm_msr_direct,
	.dump = svm_dump,
};
