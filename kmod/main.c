// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module load and unload, and everything that happens to the whole machine
 * while we are loaded: CPUs that come and go, suspend, reboot.
 *
 * Virtualization is on, on every CPU, from load to unload.  So whoever else
 * wants it finds it taken at once, and so do we.
 */
#include "nestor.h"
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/reboot.h>
#include <linux/string.h>
#include "backend.h"
#include "compat.h"
#include "core.h"
#include "cpuid.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "tsc.h"

bool nst_param_tdp = true;
module_param_named(tdp, nst_param_tdp, bool, 0444);
MODULE_PARM_DESC(tdp, "Use two-dimensional paging (EPT or NPT) when the CPU has it (default: on)");

bool nst_param_nested;
module_param_named(nested, nst_param_nested, bool, 0444);
MODULE_PARM_DESC(nested, "Let guests be hypervisors");

static char *nst_param_nested_isa = "any";
module_param_named(nested_isa, nst_param_nested_isa, charp, 0444);
MODULE_PARM_DESC(nested_isa, "What CPUID offers them: vmx, svm, or any of the two (default)");

bool nst_offer_vmx = true;
bool nst_offer_svm = true;

const struct nst_backend *nst_backend;
struct nst_hw_caps nst_caps;

/* The machine is going down: virtualization is off and must stay off. */
bool nst_rebooting;

static int nst_cpu_online(unsigned int cpu)
{
	unsigned long flags;
	int ret;

	local_irq_save(flags);
	ret = nst_backend->cpu_enable();
	local_irq_restore(flags);
	if (ret)
		pr_err("CPU %u: cannot turn %s on: another hypervisor owns it; unload it first\n",
		       cpu, nst_backend->name);
	return ret;
}

static int nst_cpu_offline(unsigned int cpu)
{
	unsigned long flags;

	local_irq_save(flags);
	nst_backend->cpu_disable();
	local_irq_restore(flags);
	return 0;
}

static int nst_suspend(NST_SYSCORE_ARG)
{
	nst_backend->cpu_disable();
	return 0;
}

static void nst_resume(NST_SYSCORE_ARG)
{
	if (nst_backend->cpu_enable())
		pr_err("%s did not come back after suspend\n", nst_backend->name);
}

NST_DEFINE_SYSCORE(nst_syscore, nst_suspend, nst_resume);

static void nst_disable_this_cpu(void *unused)
{
	nst_backend->cpu_disable();
}

/*
 * INIT is blocked in VMX root operation, so a CPU left in it would not start
 * again after a reboot (SDM3 "Restrictions on VMX Operation").
 */
static int nst_reboot(struct notifier_block *nb, unsigned long action, void *data)
{
	WRITE_ONCE(nst_rebooting, true);
	on_each_cpu(nst_disable_this_cpu, NULL, 1);
	return NOTIFY_OK;
}

static struct notifier_block nst_reboot_nb = {
	.notifier_call = nst_reboot,
};

static const struct nst_backend *nst_choose_backend(void)
{
	if (vmx_backend.supported())
		return &vmx_backend;
	if (svm_backend.supported())
		return &svm_backend;
	return NULL;
}

/*
 * The module's pieces in the order in which they start; they stop in reverse.
 */
static const struct {
	const char *name;
	int (*init)(void);
	void (*exit)(void);
} nst_pieces[] = {
	{ "time", nst_tsc_module_init, NULL },
	{ "MMU", nst_mmu_module_init, nst_mmu_module_exit },
	{ "CPUID", nst_cpuid_module_init, NULL },
	{ "MSRs", nst_msr_module_init, NULL },
	{ "eventfds", nst_eventfd_module_init, nst_eventfd_module_exit },
	{ "page fetching", nst_apf_module_init, nst_apf_module_exit },
	{ "vCPUs", nst_vcpu_module_init, nst_vcpu_module_exit },
	{ "debugfs", nst_stats_init, nst_stats_exit },
	{ "devices", nst_dev_init, nst_dev_exit },
};

static void nst_stop_pieces(int count)
{
	while (count--)
		if (nst_pieces[count].exit)
			nst_pieces[count].exit();
}

static int nst_start_pieces(void)
{
	int ret;

	for (int i = 0; i < ARRAY_SIZE(nst_pieces); i++) {
		ret = nst_pieces[i].init();
		if (ret) {
			pr_err("%s could not start: error %d\n", nst_pieces[i].name, ret);
			nst_stop_pieces(i);
			return ret;
		}
	}
	return 0;
}

static int nst_enable_cpus(void)
{
	int ret = cpuhp_setup_state(NST_CPUHP_STATE, "nestor:online", nst_cpu_online,
				    nst_cpu_offline);

	/* The hotplug slot is the one that stock KVM uses: only one of us fits. */
	if (ret == -EBUSY)
		pr_err("virtualization is in use: unload the other hypervisor first (rmmod kvm_intel kvm_amd kvm)\n");
	return ret;
}

static int nst_choose_isas(void)
{
	if (!strcmp(nst_param_nested_isa, "vmx"))
		nst_offer_svm = false;
	else if (!strcmp(nst_param_nested_isa, "svm"))
		nst_offer_vmx = false;
	else if (strcmp(nst_param_nested_isa, "any"))
		return -EINVAL;
	return 0;
}

static int __init nst_init(void)
{
	int ret;

	ret = nst_choose_isas();
	if (ret) {
		pr_err("nested_isa=%s: not vmx, svm or any\n", nst_param_nested_isa);
		return ret;
	}
	nst_backend = nst_choose_backend();
	if (!nst_backend) {
		pr_err("this CPU has neither VMX nor SVM; in a virtual machine, turn nested virtualization on\n");
		return -ENODEV;
	}
	ret = nst_backend->hw_setup();
	if (ret)
		return ret;
	ret = nst_enable_cpus();
	if (ret)
		goto teardown;
	ret = nst_start_pieces();
	if (ret)
		goto disable;
	nst_register_emergency(nst_backend->cpu_disable);
	nst_register_syscore(&nst_syscore);
	register_reboot_notifier(&nst_reboot_nb);
	pr_info("loaded: %s, %s paging\n", nst_backend->name,
		nst_caps.tdp ? "two-dimensional" : "shadow");
	return 0;

disable:
	cpuhp_remove_state(NST_CPUHP_STATE);
teardown:
	nst_backend->hw_teardown();
	return ret;
}
module_init(nst_init);

static void __exit nst_exit(void)
{
	unregister_reboot_notifier(&nst_reboot_nb);
	nst_unregister_syscore(&nst_syscore);
	nst_unregister_emergency(nst_backend->cpu_disable);
	nst_stop_pieces(ARRAY_SIZE(nst_pieces));
	cpuhp_remove_state(NST_CPUHP_STATE);
	nst_backend->hw_teardown();
}
module_exit(nst_exit);

MODULE_DESCRIPTION("Nestor, a readable hypervisor with KVM's ioctl interface");
MODULE_LICENSE("GPL");
