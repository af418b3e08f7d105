// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a vCPU did, in debugfs: nestor/<vm>/vcpu<id>/{exits,ring,dump}.
 */
#include "nestor.h"
#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include "core.h"

static struct dentry *nst_debugfs_root;

/**
 * nst_stats_init() - make the directory of all VMs
 *
 * Return: 0; without debugfs there is just nothing to see.
 */
int nst_stats_init(void)
{
	nst_binstats_init();
	nst_debugfs_root = debugfs_create_dir("nestor", NULL);
	return 0;
}

/**
 * nst_stats_exit() - remove it
 */
void nst_stats_exit(void)
{
	debugfs_remove_recursive(nst_debugfs_root);
}

static int nst_exits_show(struct seq_file *m, void *unused)
{
	const struct nst_vcpu *vcpu = m->private;

	for (int i = 0; i < NST_NR_EXIT_KINDS; i++)
		if (READ_ONCE(vcpu->stat.exits[i]))
			seq_printf(m, "%-18s %llu\n", nst_exit_name(i), vcpu->stat.exits[i]);
	seq_printf(m, "%-18s %llu\n", "entries", vcpu->stat.entries);
	seq_printf(m, "%-18s %llu\n", "halts", vcpu->stat.halts);
	seq_printf(m, "%-18s %llu\n", "irq-injections", vcpu->stat.irq_injections);
	seq_printf(m, "%-18s %llu\n", "nmi-injections", vcpu->stat.nmi_injections);
	seq_printf(m, "%-18s %llu\n", "emulated", vcpu->stat.emulated);
	seq_printf(m, "%-18s %llu\n", "soft", vcpu->stat.soft);
	seq_printf(m, "%-18s %llu\n", "user-exits", vcpu->stat.user_exits);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nst_exits);

static int nst_ring_show(struct seq_file *m, void *unused)
{
	const struct nst_vcpu *vcpu = m->private;
	u32 next = READ_ONCE(vcpu->ring_next);

	for (u32 i = next > NST_EXIT_RING ? next - NST_EXIT_RING : 0; i != next; i++) {
		const typeof(vcpu->ring[0]) *r = &vcpu->ring[i % NST_EXIT_RING];

		seq_printf(m, "%-18s raw 0x%x rip 0x%llx info1 0x%llx\n",
			   nst_exit_name(r->kind), r->raw_reason, r->rip, r->info1);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nst_ring);

static int nst_dump_show(struct seq_file *m, void *unused)
{
	struct nst_vcpu *vcpu = m->private;

	/* A vCPU may stay in KVM_RUN for ever: do not wait for it. */
	if (!mutex_trylock(&vcpu->mutex))
		return -EBUSY;
	nst_vcpu_load(vcpu);
	nst_backend->dump(vcpu, m);
	nst_vcpu_put(vcpu);
	mutex_unlock(&vcpu->mutex);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(nst_dump);

/**
 * nst_stats_vm_create() - a directory for a VM
 * @vm: the VM
 */
void nst_stats_vm_create(struct nst_vm *vm)
{
	char name[32];

	snprintf(name, sizeof(name), "%d-%u", task_pid_nr(current), vm->id);
	vm->debugfs = debugfs_create_dir(name, nst_debugfs_root);
}

/**
 * nst_stats_vm_destroy() - remove a VM's directory, before its vCPUs go
 * @vm: the VM
 */
void nst_stats_vm_destroy(struct nst_vm *vm)
{
	debugfs_remove_recursive(vm->debugfs);
}

/**
 * nst_stats_vcpu_create() - files for a vCPU
 * @vcpu: the vCPU
 */
void nst_stats_vcpu_create(struct nst_vcpu *vcpu)
{
	char name[32];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->id);
	vcpu->debugfs = debugfs_create_dir(name, vcpu->vm->debugfs);
	debugfs_create_file("exits", 0400, vcpu->debugfs, vcpu, &nst_exits_fops);
	debugfs_create_file("ring", 0400, vcpu->debugfs, vcpu, &nst_ring_fops);
	debugfs_create_file("dump", 0400, vcpu->debugfs, vcpu, &nst_dump_fops);
}
