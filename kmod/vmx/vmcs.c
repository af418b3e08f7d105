// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slow path of VMCS access: which of our mistakes was it?
 */
#include "nestor.h"
#include <linux/percpu.h>
#include "vmx.h"

/**
 * vmcs_access_failed() - report a VMREAD or VMWRITE that the CPU refused
 * @insn: the instruction's name
 * @field: the field's encoding
 *
 * Kills the VM whose VMCS is current on this CPU.  When VMX is off, because
 * the host is going down, there is nothing to report: the VM never runs again.
 */
void vmcs_access_failed(const char *insn, unsigned long field)
{
	struct vmx_vcpu *vmx = this_cpu_read(vmx_current);
	unsigned long error = 0;

	if (!this_cpu_read(vmx_on))
		return;
	vmcs_try_read(VM_INSTRUCTION_ERROR, &error);
	pr_err_ratelimited("%s of %s (0x%lx) failed, VM-instruction error %lu\n", insn,
			   vmcs_field_name(field), field, error);
	if (vmx)
		NST_BUG_ON(vmx->vcpu->vm, true);
}
