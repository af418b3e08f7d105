// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVM_GET_STATS_FD: counters as a file that describes itself.
 *
 * The file is header, id, descriptors, values, in the layout of
 * <linux/kvm.h>; everything but the values is made once at module load.
 */
#include "nestor.h"
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "core.h"

#define NAME_SIZE	48
#define ID_SIZE		NAME_SIZE

/*
 * A descriptor with its name behind the fixed part, as readers find it.  Newer
 * kernels count their own name in sizeof(struct kvm_stats_desc), older do not.
 */
union nst_stat_desc {
	struct kvm_stats_desc desc;
	struct {
		u8 fixed[offsetof(struct kvm_stats_desc, name)];
		char name[NAME_SIZE];
	};
};

/* One counter of the description that follows. */
struct nst_stat_row {
	const char *name;
	u32 flags;
	u16 offset;	/* of a u64 in the struct that has the values */
};

#define VCPU_STAT(n)	{ #n, KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE, \
			  offsetof(struct nst_vcpu, stat.n) }

static const struct nst_stat_row vcpu_rows[] = {
	VCPU_STAT(entries), VCPU_STAT(halts), VCPU_STAT(irq_injections),
	VCPU_STAT(nmi_injections), VCPU_STAT(emulated), VCPU_STAT(user_exits),
};

static const struct nst_stat_row vm_rows[] = {
	{ "vcpus", KVM_STATS_TYPE_INSTANT | KVM_STATS_UNIT_NONE, 0 },
	{ "entries", KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE, 0 },
	{ "user_exits", KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE, 0 },
};

#define NR_VCPU_STATS	(ARRAY_SIZE(vcpu_rows) + NST_NR_EXIT_KINDS)
#define NR_VM_STATS	ARRAY_SIZE(vm_rows)

static union nst_stat_desc vcpu_descs[NR_VCPU_STATS];
static union nst_stat_desc vm_descs[NR_VM_STATS];

/* What a file is about, and how its parts lie. */
struct nst_stats_file {
	struct nst_vm *vm;		/* referenced */
	struct nst_vcpu *vcpu;		/* NULL: the VM's own */
	struct kvm_stats_header header;
	char id[ID_SIZE];
};

static void fill_desc(union nst_stat_desc *d, unsigned int index, const char *name, u32 flags)
{
	d->desc.flags = flags | KVM_STATS_BASE_POW10;
	d->desc.size = 1;
	d->desc.offset = index * sizeof(u64);
	strscpy(d->name, name, sizeof(d->name));
}

/**
 * nst_binstats_init() - describe the counters
 */
void nst_binstats_init(void)
{
	char name[NAME_SIZE];
	unsigned int i;

	for (i = 0; i < NR_VM_STATS; i++)
		fill_desc(&vm_descs[i], i, vm_rows[i].name, vm_rows[i].flags);
	for (i = 0; i < ARRAY_SIZE(vcpu_rows); i++)
		fill_desc(&vcpu_descs[i], i, vcpu_rows[i].name, vcpu_rows[i].flags);
	for (unsigned int kind = 0; kind < NST_NR_EXIT_KINDS; kind++, i++) {
		snprintf(name, sizeof(name), "exits_%s", nst_exit_name(kind));
		strreplace(name, '-', '_');
		fill_desc(&vcpu_descs[i], i, name,
			  KVM_STATS_TYPE_CUMULATIVE | KVM_STATS_UNIT_NONE);
	}
}

static void vcpu_values(const struct nst_vcpu *vcpu, u64 *values)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vcpu_rows); i++)
		values[i] = READ_ONCE(*(const u64 *)((const u8 *)vcpu + vcpu_rows[i].offset));
	for (unsigned int kind = 0; kind < NST_NR_EXIT_KINDS; kind++, i++)
		values[i] = READ_ONCE(vcpu->stat.exits[kind]);
}

static void vm_values(struct nst_vm *vm, u64 *values)
{
	struct nst_vcpu *vcpu;
	unsigned long i;

	nst_for_each_vcpu(vm, vcpu, i) {
		values[0]++;
		values[1] += READ_ONCE(vcpu->stat.entries);
		values[2] += READ_ONCE(vcpu->stat.user_exits);
	}
}

/* Copies the part of [@pos, @pos + *@len) that lies in one piece of the file. */
static ssize_t copy_piece(char __user **to, size_t *len, loff_t *pos, u32 start,
			  const void *piece, size_t size)
{
	size_t from, n;

	if (*pos < start || *pos >= start + size)
		return 0;
	from = *pos - start;
	n = min(*len, size - from);
	if (copy_to_user(*to, piece + from, n))
		return -EFAULT;
	*to += n;
	*len -= n;
	*pos += n;
	return n;
}

static ssize_t nst_stats_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	const struct nst_stats_file *s = file->private_data;
	const struct kvm_stats_header *h = &s->header;
	const union nst_stat_desc *descs = s->vcpu ? vcpu_descs : vm_descs;
	u64 values[NR_VCPU_STATS] = { };
	loff_t begin = *pos;
	ssize_t ret;

	if (*pos < 0)
		return -EINVAL;
	if (s->vcpu)
		vcpu_values(s->vcpu, values);
	else
		vm_values(s->vm, values);
	ret = copy_piece(&to, &len, pos, 0, h, sizeof(*h));
	if (ret >= 0)
		ret = copy_piece(&to, &len, pos, h->id_offset, s->id, sizeof(s->id));
	if (ret >= 0)
		ret = copy_piece(&to, &len, pos, h->desc_offset, descs,
				 h->num_desc * sizeof(*descs));
	if (ret >= 0)
		ret = copy_piece(&to, &len, pos, h->data_offset, values,
				 h->num_desc * sizeof(values[0]));
	return ret < 0 ? ret : *pos - begin;
}

static int nst_stats_release(struct inode *inode, struct file *file)
{
	struct nst_stats_file *s = file->private_data;

	nst_vm_put(s->vm);
	kfree(s);
	return 0;
}

static const struct file_operations nst_stats_fops = {
	.owner = THIS_MODULE,
	.read = nst_stats_read,
	.release = nst_stats_release,
	.llseek = noop_llseek,
};

static int stats_fd(struct nst_vm *vm, struct nst_vcpu *vcpu)
{
	struct nst_stats_file *s = kzalloc(sizeof(*s), GFP_KERNEL_ACCOUNT);
	struct file *file;
	int fd;

	if (!s)
		return -ENOMEM;
	s->vm = vm;
	s->vcpu = vcpu;
	s->header.name_size = NAME_SIZE;
	s->header.num_desc = vcpu ? NR_VCPU_STATS : NR_VM_STATS;
	s->header.id_offset = sizeof(s->header);
	s->header.desc_offset = s->header.id_offset + ID_SIZE;
	s->header.data_offset = s->header.desc_offset +
				s->header.num_desc * sizeof(union nst_stat_desc);
	if (vcpu)
		snprintf(s->id, sizeof(s->id), "kvm-%u/vcpu-%u", vm->id, vcpu->id);
	else
		snprintf(s->id, sizeof(s->id), "kvm-%u", vm->id);
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		goto free;
	file = anon_inode_getfile("nestor-stats", &nst_stats_fops, s, O_RDONLY);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		fd = PTR_ERR(file);
		goto free;
	}
	/* Readers use pread(): values have a place. */
	file->f_mode |= FMODE_PREAD;
	nst_vm_get(vm);
	fd_install(fd, file);
	return fd;

free:
	kfree(s);
	return fd;
}

/**
 * nst_vm_stats_fd() - KVM_GET_STATS_FD of a VM
 * @object: the VM
 * @arg: unused
 *
 * Return: a file descriptor, or -ENOMEM, -EMFILE.
 */
long nst_vm_stats_fd(void *object, unsigned long arg)
{
	return stats_fd(object, NULL);
}

/**
 * nst_vcpu_stats_fd() - KVM_GET_STATS_FD of a vCPU
 * @object: the vCPU
 * @arg: unused
 *
 * Return: a file descriptor, or -ENOMEM, -EMFILE.
 */
long nst_vcpu_stats_fd(void *object, unsigned long arg)
{
	struct nst_vcpu *vcpu = object;

	return stats_fd(vcpu->vm, vcpu);
}
