// SPDX-License-Identifier: GPL-2.0-only
/*
 * The processor's VMX-preemption timer: what bounds a stay in the guest.  It
 * counts down one each time that a certain bit of the TSC changes, and at zero
 * the guest is left (SDM3 "VMX-Preemption Timer").
 */
#include "nestor.h"
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/time64.h>
#include <asm/msr.h>
#include <asm/tsc.h>
#include "vmx.h"

/*
 * A CPU that follows SDM3 leaves the guest for a host interrupt whatever the
 * guest's RFLAGS.IF is.  Bochs 2.7 does not while IF is clear, and a guest that
 * spins with interrupts off takes the whole machine; there this bounds its stay.
 * Without a preemption timer, PAUSE exits instead: a spinning kernel executes it.
 */
static unsigned int vmx_slice_us;
module_param(vmx_slice_us, uint, 0444);
MODULE_PARM_DESC(vmx_slice_us,
		 "Leave the guest after this many microseconds, for emulators that lose interrupts (default: 0, never)");

static u32 vmx_timer_ticks(u64 tsc)
{
	return min_t(u64, tsc >> vmx_misc_preemption_timer_rate(vmx_caps.misc), U32_MAX);
}

static u32 vmx_slice_ticks(void)
{
	return vmx_timer_ticks(div_u64((u64)vmx_slice_us * tsc_khz, USEC_PER_MSEC)) ?: 1;
}

/**
 * vmx_slice_by_pause() - must PAUSE exit to bound the guest's stay?
 *
 * Return: true when that was asked for and there is no timer to do it.
 */
bool vmx_slice_by_pause(void)
{
	return vmx_slice_us && !nst_caps.preemption_timer;
}

/* Exits do not save the timer: each entry starts with what was written last. */
static void vmx_timer_set(struct vmx_vcpu *vmx, bool on, u32 ticks)
{
	u32 pin = vmx_caps.base[VMX_PIN];

	if (on && (!vmx->timer_on || ticks != vmx->timer_ticks))
		vmcs_write32(VMX_PREEMPTION_TIMER_VALUE, ticks);
	if (on != vmx->timer_on)
		vmcs_write32(PIN_BASED_VM_EXEC_CONTROL,
			     on ? pin | PIN_BASED_VMX_PREEMPTION_TIMER : pin);
	vmx->timer_on = on;
	vmx->timer_ticks = ticks;
}

/**
 * vmx_timer_setup() - the pin-based controls, with the timer as it starts
 * @vmx: loaded vCPU whose VMCS is new
 */
void vmx_timer_setup(struct vmx_vcpu *vmx)
{
	vmcs_write32(PIN_BASED_VM_EXEC_CONTROL, vmx_caps.base[VMX_PIN]);
	vmx->timer_on = false;
	if (nst_caps.preemption_timer && vmx_slice_us)
		vmx_timer_set(vmx, true, vmx_slice_ticks());
}

/**
 * vmx_timer_before_entry() - let the next stay end at nst_ctl.leave_tsc, or by the slice
 * @vmx: loaded vCPU, irqs off
 *
 * Rounded down, so that the guest never sees the TSC beyond it.
 */
void vmx_timer_before_entry(struct vmx_vcpu *vmx)
{
	u64 leave_tsc = vmx->vcpu->ctl.leave_tsc;
	u32 ticks = vmx_slice_us ? vmx_slice_ticks() : 0;
	s64 left;

	if (!nst_caps.preemption_timer || (!leave_tsc && !vmx->timer_on))
		return;
	if (leave_tsc) {
		left = leave_tsc - rdtsc();
		left = vmx_timer_ticks(max(left, 0LL));
		ticks = vmx_slice_us ? min_t(u32, left, ticks) : left;
	}
	vmx_timer_set(vmx, leave_tsc || vmx_slice_us, ticks);
}
