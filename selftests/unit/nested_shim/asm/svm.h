/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own, and what it takes for granted. */
#ifndef PAGE_SIZE
#define PAGE_SIZE		4096
#endif
#ifndef BUILD_BUG_ON
#define BUILD_BUG_ON(bad)	_Static_assert(!(bad), #bad)
#endif
#define ASSERT_STRUCT_OFFSET(type, field, expected) \
	_Static_assert(__builtin_offsetof(type, field) == (expected), #field)
#define __init

static inline _Bool test_bit(long nr, const unsigned long *at)
{
	return (at[nr / 64] >> (nr % 64)) & 1;
}

static inline void __set_bit(long nr, unsigned long *at)
{
	at[nr / 64] |= 1ul << (nr % 64);
}

#include <nst_kernel/asm/svm.h>
