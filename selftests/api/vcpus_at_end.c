// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM of several vCPUs ends while the last of them still holds page tables that are
 * out of use. To free them once asked all vCPUs for a flush, also those that were freed
 * before; the checks of the debug kernel see that.
 */
#include <unistd.h>
#include <sys/ioctl.h>

#include "api.h"

#define CPUS	4u
#define VMS	4
#define TABLES		0x20000u	/* of pages: three levels, the last one of 2 MiB */
#define PTE_TABLE	0x3u		/* present, writable */
#define PDE_2M		0x83u		/* large, too */
#define CR4_PAE		0x20u
#define CR0_PG		0x80000000u
#define EFER_LONG	0x500u		/* LME, LMA */

/* 64-bit mode, whose tables have a shadow that all vCPUs share, with "tdp=0". */
static void long_mode(struct machine *m, unsigned int cpu)
{
	struct kvm_sregs s;

	*(uint64_t *)(m->mem + TABLES) = (TABLES + API_PAGE) | PTE_TABLE;
	*(uint64_t *)(m->mem + TABLES + API_PAGE) = (TABLES + 2 * API_PAGE) | PTE_TABLE;
	*(uint64_t *)(m->mem + TABLES + 2 * API_PAGE) = PDE_2M;
	api_protected_mode(m, cpu);
	must(m->cpu[cpu], KVM_GET_SREGS, &s, "GET_SREGS");
	s.cr3 = TABLES;
	s.cr4 |= CR4_PAE;
	s.cr0 |= CR0_PG;
	s.efer |= EFER_LONG;
	s.cs.l = 1;
	s.cs.db = 0;
	must(m->cpu[cpu], KVM_SET_SREGS, &s, "SET_SREGS");
}

/* Everything that was mapped goes, and the vCPUs do not come back to notice. */
static long run_and_forget(void)
{
	static const uint8_t out[] = { 0xe6, 0x10, 0xf4 };	/* out %al, $0x10; hlt */
	struct machine m;
	unsigned int i;
	long bad = 0;

	api_create(&m, 0, CPUS);
	for (i = 0; i < CPUS; i++) {
		api_code(&m, i, out, sizeof(out));
		long_mode(&m, i);
		bad |= call(m.cpu[i], KVM_RUN, NULL);
		bad |= m.run[i]->exit_reason != KVM_EXIT_IO;
	}
	bad |= api_slot(m.fd, 0, 0, 0, 0, m.mem);
	api_destroy(&m);
	return bad;
}

int main(void)
{
	long i, bad = 0;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	for (i = 0; i < VMS; i++)
		bad |= run_and_forget();
	is(bad, 0, "VMs whose vCPUs ran lose their memory and end");
	return tap_done();
}
