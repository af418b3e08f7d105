// SPDX-License-Identifier: GPL-2.0-only
/*
 * Says what a case consists of: usage: explain svm|vmx PARAMETERS NUMBER..., the
 * parameters being a file that begins with struct oracle_params.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explain.h"

int main(int argc, char **argv)
{
	static struct oracle_params p;
	FILE *f = argc > 3 ? fopen(argv[2], "rb") : NULL;
	int i;

	if (!f || fread(&p, sizeof(p), 1, f) != 1)
		return 2;
	for (i = 3; i < argc; i++) {
		u32 number = strtoul(argv[i], NULL, 0);

		printf("case %u\n", number);
		if (!strcmp(argv[1], "svm"))
			explain_svm(&p, number);
		else
			explain_vmx(&p, number);
	}
	return 0;
}
