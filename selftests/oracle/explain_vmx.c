// SPDX-License-Identifier: GPL-2.0-only
/* What a case of VMX consists of. */
#include <stdio.h>
#include <string.h>

#include "gen_vmx.h"
#include "explain.h"

static const char *const vmx_names[V_VALUES] = {
#define F(name) [V_##name] = #name,
	VMX_CONTROLS(F) VMX_HOST(F) VMX_GUEST(F)
#undef F
#define S(name, n) [V_SEL + (n)] = #name " selector", [V_BASE + (n)] = #name " base", \
		   [V_LIMIT + (n)] = #name " limit", [V_AR + (n)] = #name " rights",
	SEGMENTS(S)
#undef S
	[V_PDPTE] = "PDPTE0", "PDPTE1", "PDPTE2", "PDPTE3",
};

void explain_vmx(const struct oracle_params *p, u32 number)
{
	static struct vmx_case c;
	static u64 host[V_VALUES];
	u64 i;

	host[V_HOST_CR0] = 0x80010033;
	host[V_HOST_CR4] = 0x2620;
	host[V_HOST_EFER] = 0xd00;
	vmx_generate(p, number, host, &c);
	for (i = 0; i < V_VALUES; i++)
		if (c.val[i])
			printf("  %s %#lx\n", vmx_names[i], c.val[i]);
	for (i = 0; i < c.val[V_ENTRY_LOAD_COUNT] && i < AREA_ENTRIES; i++)
		printf("  MSR %#x %#lx %#x\n", c.area[i].index, c.area[i].value,
		       c.area[i].reserved);
	printf("  rax %#lx, link revision ^ %#x\n", c.rax, c.link_revision);
}
