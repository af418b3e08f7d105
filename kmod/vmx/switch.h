/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the world switch in switch.S and its caller in enter.c share.  The
 * offsets are written by hand, because a module has no asm-offsets; enter.c
 * checks each of them at compile time.
 */
#ifndef VMX_SWITCH_H
#define VMX_SWITCH_H

/* struct vmx_switch */
#define VMX_SWITCH_FLAGS	0
#define VMX_SWITCH_REFUSED	4
#define VMX_SWITCH_GUEST_SPEC	8
#define VMX_SWITCH_HOST_SPEC	16

/* Bit numbers in vmx_switch.flags. */
#define VMX_SWITCH_LAUNCHED	0	/* VMRESUME, else VMLAUNCH */
#define VMX_SWITCH_SPEC_SAVE	1	/* read SPEC_CTRL back after the exit */
#define VMX_SWITCH_SPEC_HOST	2	/* write the host's SPEC_CTRL after the exit */

/* vmx_switch.refused */
#define VMX_REFUSED_VMFAIL	1	/* VMfailInvalid or VMfailValid */
#define VMX_REFUSED_FAULT	2	/* the instruction faulted: VMX is off */

/* Bytes from the start of nst_state.gpr[] to one register. */
#define VMX_GPR(number)		((number) * 8)

#ifndef __ASSEMBLY__
#include <linux/types.h>

/**
 * struct vmx_switch - parameters and result of one world switch
 * @flags: bits VMX_SWITCH_LAUNCHED to VMX_SWITCH_SPEC_HOST
 * @refused: VMX_REFUSED_*, 0 when the guest was entered
 * @guest_spec: SPEC_CTRL as the guest left it
 * @host_spec: SPEC_CTRL for the host
 */
struct vmx_switch {
	u32 flags;
	u32 refused;
	u64 guest_spec;
	u64 host_spec;
};

void vmx_switch(u64 *gpr, struct vmx_switch *sw, unsigned long host_rsp_field);
/* Where the CPU lands after a VM exit; never called. */
void vmx_exit_landing(void);
#endif

#endif /* VMX_SWITCH_H */
