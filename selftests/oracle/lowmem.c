// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the low memory of a machine in which a payload is about to start, as the
 * library makes it for a guest: usage: lowmem PAYLOAD OUTPUT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oracle.h"
#include "vm.h"

#define LOW_BYTES	0x8a000

static uint8_t memory[GUEST_MEM_SIZE];

int main(int argc, char **argv)
{
	const struct image_header *head = (const void *)(memory + GUEST_IMAGE);
	struct vm vm = { .mem = memory, .vcpus = 1 };
	const struct guest_case *row;
	FILE *f;

	if (argc != 3)
		return 2;
	f = fopen(argv[1], "rb");
	if (!f || !fread(memory + GUEST_IMAGE, 1, GUEST_PML4 - GUEST_IMAGE, f))
		return 1;
	fclose(f);
	if (head->magic != IMAGE_MAGIC || head->ncases != 1)
		return 1;
	setup_tables(&vm, head->traps);
	row = (const void *)(memory + head->cases);
	memcpy(memory, &head->start64, 8);
	memcpy(memory + 8, &row->code, 8);
	/* Whoever starts it finds the parameters by this. */
	*(uint64_t *)(memory + ORACLE_PARAMS) = ORACLE_MAGIC;
	f = fopen(argv[2], "wb");
	if (!f || fwrite(memory, 1, LOW_BYTES, f) != LOW_BYTES || fclose(f))
		return 1;
	return 0;
}
