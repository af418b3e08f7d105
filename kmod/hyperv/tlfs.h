/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The constants of Microsoft's "Hypervisor Top Level Functional Specification"
 * (TLFS): the kernel's header, and what no header of the kernel has.
 */
#ifndef NST_HYPERV_TLFS_H
#define NST_HYPERV_TLFS_H

#include <asm/hyperv-tlfs.h>

/* TLFS "Hypervisor CPUID Leaf Range": the interface "Hv#1". */
#define NST_HV_INTERFACE		0x31237648

/* TLFS "Synthetic Debugging": leaves of a virtualization stack that has a debugger. */
#define NST_HV_LEAF_STACK		0x40000080
#define NST_HV_LEAF_STACK_INTERFACE	0x40000081
#define NST_HV_LEAF_STACK_FEATURES	0x40000082
#define NST_HV_STACK_INTERFACE		0x31235356	/* "VS#1" */
#define NST_HV_SYNDBG_ALLOWED		BIT(1)		/* 40000082.EAX */
#define NST_HV_SYNDBG_HCALLS		BIT(2)		/* of SYNDBG_OPTIONS */

#define NST_HV_MSR_SYNDBG_CONTROL	0x400000f1
#define NST_HV_MSR_SYNDBG_STATUS	0x400000f2
#define NST_HV_MSR_SYNDBG_SEND		0x400000f3
#define NST_HV_MSR_SYNDBG_RECV		0x400000f4
#define NST_HV_MSR_SYNDBG_PENDING	0x400000f5
#define NST_HV_MSR_SYNDBG_OPTIONS	0x400000ff

/* TLFS "Partition Reference Time Enlightenment": a sequence that says: use the MSR. */
#define NST_HV_TSC_INVALID		0
#define NST_HV_TSC_RESERVED		0xffffffff

#define NST_HV_VPS_A_BANK		64	/* of a sparse set of virtual processors */
#define NST_HV_BANKS			64

/* 40000004.EBX: a guest never says that it waits long for a lock. */
#define NST_HV_SPIN_FOREVER		0xffffffff

#endif /* NST_HYPERV_TLFS_H */
