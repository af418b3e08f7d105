// SPDX-License-Identifier: GPL-2.0-only
/*
 * The VMX backend's lifecycle: VMX on and off per CPU, one VMCS a vCPU, and the
 * rule that a VMCS is active on at most one CPU, which keeps a list of those
 * that are, so that it can flush them to memory before VMX is switched off
 * (SDM3 "Software Use of Virtual-Machine Control Structures").
 */
#include "nestor.h"
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/percpu.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <asm/cpufeature.h>
#include <asm/io.h>
#include <asm/nospec-branch.h>
#include <asm/perf_event.h>
#include <asm/tlbflush.h>
#include "vmx.h"

/* The vCPU whose VMCS is current on this CPU. */
DEFINE_PER_CPU(struct vmx_vcpu *, vmx_current);
/* Did we switch VMX on here? */
DEFINE_PER_CPU(bool, vmx_on);
static DEFINE_PER_CPU(void *, vmx_region);
u64 vmx_msr_bitmap_all;
static void *vmx_all_ones;
/* VMCSs active on this CPU; changed there with interrupts off. */
static DEFINE_PER_CPU(struct list_head, vmx_active);

static DEFINE_SPINLOCK(vmx_vpid_lock);
static DECLARE_BITMAP(vmx_vpids, VMX_NR_VPIDS);

/* ---- CPUs ---- */

static bool vmx_supported(void)
{
	/* The kernel clears its own flag when the firmware locked VMX off. */
	return cpuid_ecx(1) & BIT(X86_FEATURE_VMX & 31);
}

static void vmx_deactivate(struct vmx_vcpu *vmx)
{
	/* The guest's accesses may have it in the CPU. */
	if (vmx->shadow)
		vmx_vmclear(virt_to_phys(vmx->shadow));
	vmx_vmclear(virt_to_phys(vmx->vmcs));
	list_del(&vmx->node);
	if (this_cpu_read(vmx_current) == vmx)
		this_cpu_write(vmx_current, NULL);
	vmx->launched = false;
	/* Another CPU may activate it as soon as it reads this. */
	smp_store_release(&vmx->cpu, -1);
}

/*
 * Also called when the host crashes, from an NMI that may have come in the
 * middle of a list operation: the walk goes forward only, which list_add() and
 * list_del() keep possible at every moment.
 */
static void vmx_cpu_disable(void)
{
	struct vmx_vcpu *vmx, *next;

	if (!this_cpu_read(vmx_on))
		return;
	list_for_each_entry_safe(vmx, next, this_cpu_ptr(&vmx_active), node)
		vmx_deactivate(vmx);
	this_cpu_write(vmx_on, false);
	vmx_vmxoff();
	cr4_clear_bits(X86_CR4_VMXE);
	intel_pt_handle_vmx(0);
}

static int vmx_cpu_enable(void)
{
	void *region = this_cpu_read(vmx_region);
	int err;

	if (this_cpu_read(vmx_on))
		return 0;
	/* Another hypervisor is here; the core says so. */
	if (__read_cr4() & X86_CR4_VMXE)
		return -EBUSY;
	err = vmx_check_feature_control(true);
	if (err) {
		pr_err("CPU %d: the firmware disabled VMX; enable it in the firmware setup\n",
		       smp_processor_id());
		return err;
	}
	intel_pt_handle_vmx(1);
	cr4_set_bits(X86_CR4_VMXE);
	*(u32 *)region = vmx_caps.revision;
	if (!vmx_vmxon(virt_to_phys(region))) {
		cr4_clear_bits(X86_CR4_VMXE);
		intel_pt_handle_vmx(0);
		return -EBUSY;
	}
	this_cpu_write(vmx_on, true);
	vmx_flush_cpu();
	return 0;
}

static void vmx_free_regions(void)
{
	int cpu;

	vmx_shadow_free_bitmaps();
	free_page((unsigned long)vmx_all_ones);
	vmx_all_ones = NULL;
	for_each_possible_cpu(cpu) {
		free_page((unsigned long)per_cpu(vmx_region, cpu));
		per_cpu(vmx_region, cpu) = NULL;
	}
}

static int vmx_alloc_regions(void)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		INIT_LIST_HEAD(per_cpu_ptr(&vmx_active, cpu));
		per_cpu(vmx_region, cpu) = (void *)get_zeroed_page(GFP_KERNEL);
		if (!per_cpu(vmx_region, cpu)) {
			vmx_free_regions();
			return -ENOMEM;
		}
	}
	vmx_all_ones = (void *)__get_free_page(GFP_KERNEL);
	if (!vmx_all_ones || vmx_shadow_alloc_bitmaps()) {
		vmx_free_regions();
		return -ENOMEM;
	}
	memset(vmx_all_ones, 0xff, PAGE_SIZE);
	vmx_msr_bitmap_all = virt_to_phys(vmx_all_ones);
	return 0;
}

static int vmx_hw_setup(void)
{
	int err;

	if (!vmx_supported()) {
		pr_err("this CPU has no VMX\n");
		return -ENODEV;
	}
	if (vmx_check_feature_control(false)) {
		pr_err("the firmware disabled VMX (IA32_FEATURE_CONTROL); enable it in the firmware setup\n");
		return -EPERM;
	}
	if (__read_cr4() & X86_CR4_VMXE) {
		pr_err("another hypervisor owns VMX (CR4.VMXE is set); unload it first, e.g. rmmod kvm_intel\n");
		return -EBUSY;
	}
	err = vmx_negotiate();
	if (err)
		return err;
	err = vmx_alloc_regions();
	if (err)
		return err;
	/* VPID 0 is the host's. */
	__set_bit(0, vmx_vpids);
	return 0;
}

static void vmx_hw_teardown(void)
{
	vmx_free_regions();
}

/* ---- VMs and vCPUs ---- */

static int vmx_vm_create(struct nst_vm *vm)
{
	return 0;
}

static void vmx_vm_destroy(struct nst_vm *vm)
{
}

/* A tag of its own, or 0: entries and exits then flush. */
static u16 vmx_alloc_vpid(void)
{
	unsigned long vpid;

	if (!nst_caps.has_vpid)
		return 0;
	spin_lock(&vmx_vpid_lock);
	vpid = find_first_zero_bit(vmx_vpids, VMX_NR_VPIDS);
	if (vpid < VMX_NR_VPIDS)
		__set_bit(vpid, vmx_vpids);
	else
		vpid = 0;
	spin_unlock(&vmx_vpid_lock);
	return vpid;
}

static void vmx_free_vpid(u16 vpid)
{
	if (!vpid)
		return;
	spin_lock(&vmx_vpid_lock);
	__clear_bit(vpid, vmx_vpids);
	spin_unlock(&vmx_vpid_lock);
}

/* The two contexts never share a tag, so one without one means none at all. */
static void vmx_alloc_vpids(struct vmx_vcpu *vmx)
{
	vmx->vpid[NST_TAG_L1] = vmx_alloc_vpid();
	if (!nst_param_nested)
		return;
	vmx->vpid[NST_TAG_L2] = vmx_alloc_vpid();
	if (vmx->vpid[NST_TAG_L2])
		return;
	vmx_free_vpid(vmx->vpid[NST_TAG_L1]);
	vmx->vpid[NST_TAG_L1] = 0;
}

static void vmx_free(struct vmx_vcpu *vmx)
{
	for (int i = 0; i < VMX_NR_TAGS; i++)
		vmx_free_vpid(vmx->vpid[i]);
	free_page((unsigned long)vmx->vapic);
	free_page((unsigned long)vmx->pml);
	free_page((unsigned long)vmx->shadow);
	free_page((unsigned long)vmx->msr_bitmap);
	free_page((unsigned long)vmx->vmcs);
	kfree(vmx);
}

static int vmx_vcpu_create(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = kzalloc(sizeof(*vmx), GFP_KERNEL_ACCOUNT);

	if (!vmx)
		return -ENOMEM;
	vmx->vcpu = vcpu;
	vmx->cpu = -1;
	vmx->fresh = true;
	vmx_alloc_vpids(vmx);
	vmx->vmcs = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	vmx->msr_bitmap = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (nst_caps.virtual_tpr)
		vmx->vapic = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (nst_caps.tdp_log)
		vmx->pml = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
	if (vmx_shadow_create(vmx) || !vmx->vmcs || !vmx->msr_bitmap ||
	    (nst_caps.virtual_tpr && !vmx->vapic) || (nst_caps.tdp_log && !vmx->pml)) {
		vmx_free(vmx);
		return -ENOMEM;
	}
	*(u32 *)vmx->vmcs = vmx_caps.revision;
	vmx_msr_init(vmx);
	vcpu->hw = vmx;
	return 0;
}

/* On the CPU where the VMCS is active, or was until a moment ago; irqs off. */
static void vmx_deactivate_here(void *info)
{
	struct vmx_vcpu *vmx = info;

	if (vmx->cpu == smp_processor_id())
		vmx_deactivate(vmx);
}

/*
 * Make the VMCS inactive wherever it is.  When its CPU went offline meanwhile,
 * vmx_cpu_disable() has done it.
 */
static void vmx_deactivate_anywhere(struct vmx_vcpu *vmx)
{
	int cpu = READ_ONCE(vmx->cpu);

	if (cpu >= 0)
		smp_call_function_single(cpu, vmx_deactivate_here, vmx, 1);
}

static void vmx_vcpu_destroy(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	if (!vmx)
		return;
	vmx_deactivate_anywhere(vmx);
	vmx_free(vmx);
	vcpu->hw = NULL;
}

static void vmx_vcpu_reset(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/* A vCPU that is not loaded gets its VMCS written when it is. */
	vmx->fresh = true;
	vmx->dumped = false;
	if (vmx->vapic)
		clear_page(vmx->vapic);
	preempt_disable();
	if (vmx->loaded)
		vmx_setup(vmx);
	preempt_enable();
}

/* The VMCS becomes active on this CPU. */
static void vmx_activate(struct vmx_vcpu *vmx, int cpu)
{
	unsigned long flags;

	vmx_deactivate_anywhere(vmx);
	/* An active VMCS of another life of this page must not be in the CPU. */
	vmx_vmclear(virt_to_phys(vmx->vmcs));
	local_irq_save(flags);
	list_add(&vmx->node, this_cpu_ptr(&vmx_active));
	vmx->cpu = cpu;
	local_irq_restore(flags);
}

static void vmx_load(struct nst_vcpu *vcpu, int cpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);
	bool moved = vmx->cpu != cpu;

	if (moved)
		vmx_activate(vmx, cpu);
	if (this_cpu_read(vmx_current) != vmx) {
		this_cpu_write(vmx_current, vmx);
		if (!vmx_vmptrld(virt_to_phys(vmx->vmcs)) && this_cpu_read(vmx_on))
			NST_BUG_ON(vcpu->vm, true);
		/* Branch predictions trained by one guest must not steer another. */
		indirect_branch_prediction_barrier();
	}
	if (vmx->fresh)
		vmx_setup(vmx);
	else if (moved)
		vmx_setup_host_cpu(vmx);
	if (moved)
		vmx_flush_tlb(vcpu);
	vmx_save_host(vmx);
	vmx_msr_load(vmx);
}

static void vmx_put(struct nst_vcpu *vcpu)
{
	struct vmx_vcpu *vmx = to_vmx(vcpu);

	/*
	 * Reloading GS by its selector writes the inactive base, which is the
	 * guest's value until vmx_msr_put() has saved it.
	 */
	vmx_msr_put(vmx);
	vmx_restore_host(vmx);
}

const struct nst_backend vmx_backend = {
	.name = "VMX",
	.supported = vmx_supported,
	.hw_setup = vmx_hw_setup,
	.hw_teardown = vmx_hw_teardown,
	.cpu_enable = vmx_cpu_enable,
	.cpu_disable = vmx_cpu_disable,
	.vm_create = vmx_vm_create,
	.vm_destroy = vmx_vm_destroy,
	.vcpu_create = vmx_vcpu_create,
	.vcpu_destroy = vmx_vcpu_destroy,
	.vcpu_reset = vmx_vcpu_reset,
	.load = vmx_load,
	.put = vmx_put,
	.pull = vmx_pull,
	.push = vmx_push,
	.can_enter = vmx_can_enter,
	.encode = vmx_encode,
	.inject = vmx_inject,
	.cancel_inject = vmx_cancel_inject,
	.irq_window = vmx_irq_window,
	.nmi_window = vmx_nmi_window,
	.set_tpr = vmx_set_tpr,
	.get_tpr = vmx_get_tpr,
	.enter = vmx_enter,
	.flush_tlb = vmx_flush_tlb,
	.flush_tlb_gva = vmx_flush_tlb_gva,
	.msr_direct = vmx_msr_direct,
	.vmcs_shadow_read = vmx_shadow_read,
	.vmcs_shadow_write = vmx_shadow_write,
	.dump = vmx_dump,
};
