/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * What nestor adds to <linux/kvm.h>.  Its own ioctl type keeps the numbers
 * apart from KVM's for good.
 */
#ifndef _UAPI_NESTOR_H
#define _UAPI_NESTOR_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define NESTOR_IOCTL_TYPE	0xB7

/* Values of nestor_info.backend. */
#define NESTOR_BACKEND_VMX	1
#define NESTOR_BACKEND_SVM	2

/* Bits of nestor_info.flags. */
#define NESTOR_INFO_TDP		(1u << 0)	/* EPT or NPT is in use */
#define NESTOR_INFO_UNRESTRICTED (1u << 1)	/* real mode runs on the hardware */
#define NESTOR_INFO_TSC_SCALING	(1u << 2)

/**
 * struct nestor_info - what this host's module runs on
 * @backend: NESTOR_BACKEND_*
 * @flags: NESTOR_INFO_*
 * @tdp_levels: page-walk length of two-dimensional paging, 0 without
 * @reserved: zero
 */
struct nestor_info {
	__u32 backend;
	__u32 flags;
	__u32 tdp_levels;
	__u32 reserved[5];
};

/* On the system fd of /dev/nestor or /dev/kvm. */
#define NESTOR_GET_INFO		_IOR(NESTOR_IOCTL_TYPE, 0, struct nestor_info)

#endif /* _UAPI_NESTOR_H */
