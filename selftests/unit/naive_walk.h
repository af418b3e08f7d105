/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A page walk written straight from the manual, one function a paging mode,
 * with no table and no cleverness: what the real walker is compared with.
 */
#ifndef NAIVE_WALK_H
#define NAIVE_WALK_H

#include <stdbool.h>
#include <stdint.h>

enum naive_mode { NAIVE_OFF, NAIVE_32, NAIVE_PAE, NAIVE_4LEVEL, NAIVE_5LEVEL };

struct naive_cpu {
	enum naive_mode mode;
	bool wp, pse, nxe, smep, smap, pke, ac;
	bool gb_pages, amd;
	bool dry;		/* leave accessed and dirty bits alone */
	unsigned int maxphyaddr;
	uint64_t cr3;
	uint64_t pdpte[4];
	uint32_t pkru;
};

struct naive_access {
	uint64_t addr;
	bool write, fetch, user, implicit;
};

#define NAIVE_LEVELS	5

/* What came out; an access that got as far as a leaf used all of @where. */
struct naive_result {
	bool ok;
	bool outside;		/* a table is outside of memory */
	uint64_t gpa;
	uint32_t error_code;
	int used;
	uint64_t where[NAIVE_LEVELS];
};

/* @mem: @size bytes of guest memory from address 0; accessed and dirty bits are set. */
struct naive_result naive_walk(const struct naive_cpu *cpu, const struct naive_access *acc,
			       uint8_t *mem, uint64_t size);

#endif /* NAIVE_WALK_H */
