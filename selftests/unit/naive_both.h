/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A walk through two stages, written straight from the manuals without tables
 * or sharing: what the real one is compared with.
 */
#ifndef NAIVE_BOTH_H
#define NAIVE_BOTH_H

#include <stdbool.h>
#include <stdint.h>

#define NAIVE_R	1
#define NAIVE_W	2
#define NAIVE_X	4

/* An EPT, or an NPT in one of L1's four paging modes. */
struct naive_second {
	enum { NAIVE_EPT4, NAIVE_EPT5, NAIVE_NPT32, NAIVE_NPTPAE, NAIVE_NPT4, NAIVE_NPT5 } kind;
	bool ad;		/* EPT only */
	bool exec_only;		/* EPT only */
	bool nxe, pse, amd;	/* NPT only */
	bool gb_pages;
	unsigned int maxphyaddr;
	uint64_t root;
};

/* L2's own tables: 4 or 5 levels. */
struct naive_first {
	bool five, wp, nxe;
	unsigned int maxphyaddr;
	uint64_t cr3;
};

struct naive_both_result {
	bool ok;
	bool refused;			/* by the second stage */
	uint64_t addr;			/* result, or what was refused */
	uint32_t error_code;		/* of a #PF */
	/* Of a refusal. */
	unsigned int access, rights;
	bool present, malformed, in_table;
};

struct naive_memory {
	uint8_t *bytes;
	uint64_t size;
};

/* @want: NAIVE_R, _W, _X; @dry: touch nothing. */
bool naive_second(const struct naive_second *s, const struct naive_memory *mem, uint64_t addr,
		  unsigned int want, bool dry, struct naive_both_result *res);
void naive_both(const struct naive_first *f, const struct naive_second *s,
		const struct naive_memory *mem, uint64_t la, unsigned int want, bool user,
		struct naive_both_result *res);

#endif /* NAIVE_BOTH_H */
