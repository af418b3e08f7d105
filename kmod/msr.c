// SPDX-License-Identifier: GPL-2.0-only
/*
 * Access to model-specific registers: find the row (msr_table.c), check what
 * the row says, call its function.  An MSR without a row does not exist: #GP
 * in the guest, and the end of the list for userspace.
 *
 * Calls the table's functions, and the backend for MSRs without exits.
 */
#include "nestor.h"

#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>
#include "cpuid.h"
#include "msr.h"

#define MAX_MSRS	256	/* in one KVM_GET_MSRS or KVM_SET_MSRS */

static const struct nst_msr_row *find_row(u32 index)
{
	unsigned int low = 0, high = nst_nr_msr_rows;

	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const struct nst_msr_row *row = &nst_msr_rows[mid];

		if (index < row->first)
			high = mid;
		else if (index - row->first >= row->count)
			low = mid + 1;
		else
			return row;
	}
	return NULL;
}

/**
 * nst_msr_module_init() - check that the table can be searched
 *
 * Return: 0, or -EINVAL when rows overlap or are not in order.
 */
int nst_msr_module_init(void)
{
	unsigned int i;

	for (i = 1; i < nst_nr_msr_rows; i++) {
		const struct nst_msr_row *prev = &nst_msr_rows[i - 1];

		if (WARN_ON_ONCE(nst_msr_rows[i].first < prev->first + prev->count))
			return -EINVAL;
	}
	return 0;
}

/* Does the guest's CPU have this MSR?  Userspace may save and restore it anyway. */
static bool row_visible(const struct nst_vcpu *vcpu, const struct nst_msr_row *row, bool host)
{
	if (host)
		return true;
	if ((row->flags & NST_MSR_INTEL) && nst_guest_has(vcpu, NST_GCAP_AMD))
		return false;
	return row->gcap == NST_MSR_ANY || nst_guest_has(vcpu, row->gcap);
}

/* SDM1 "Canonical Addressing": the bits above the implemented ones repeat the top one. */
static bool canonical(struct nst_vcpu *vcpu, u64 addr, bool host)
{
	/* Userspace restores registers in any order, CR4 perhaps later. */
	bool la57 = host ? nst_guest_has(vcpu, NST_GCAP_LA57) : vcpu->st.cr4 & X86_CR4_LA57;
	unsigned int unused = 64 - (la57 ? 57 : 48);

	return (u64)((s64)(addr << unused) >> unused) == addr;
}

/**
 * nst_msr_exists() - is there a row for an MSR?
 * @index: the MSR
 *
 * Return: true also when a guest's CPU does not have it.
 */
bool nst_msr_exists(u32 index)
{
	return find_row(index);
}

/**
 * nst_msr_get() - RDMSR
 * @vcpu: loaded vCPU
 * @index: the MSR
 * @val: result
 * @host: asked for by userspace, not the guest
 *
 * Return: 0, or -EINVAL: #GP in the guest.
 */
int nst_msr_get(struct nst_vcpu *vcpu, u32 index, u64 *val, bool host)
{
	struct nst_msr_access a = { .index = index, .host = host };
	const struct nst_msr_row *row = find_row(index);
	int ret;

	if (!row || !row->get || !row_visible(vcpu, row, host))
		return -EINVAL;
	ret = row->get(vcpu, row, &a);
	if (!ret)
		*val = a.val;
	return ret;
}

/**
 * nst_msr_set() - WRMSR
 * @vcpu: loaded vCPU, srcu held
 * @index: the MSR
 * @val: the value
 * @host: asked for by userspace, not the guest
 *
 * Return: 0, or -EINVAL: #GP in the guest.
 */
int nst_msr_set(struct nst_vcpu *vcpu, u32 index, u64 val, bool host)
{
	struct nst_msr_access a = { .index = index, .val = val, .host = host };
	const struct nst_msr_row *row = find_row(index);

	if (!row || !row->set || !row_visible(vcpu, row, host))
		return -EINVAL;
	if ((row->flags & NST_MSR_CANONICAL) && !canonical(vcpu, val, host))
		return -EINVAL;
	return row->set(vcpu, row, &a);
}

/* ---- plain fields ---- */

static u64 *row_field(struct nst_vcpu *vcpu, const struct nst_msr_row *row, u32 index)
{
	return (u64 *)((u8 *)vcpu + row->offset) + (index - row->first);
}

/**
 * nst_msr_get_field() - the MSR is a field of the vCPU
 * @vcpu: loaded vCPU
 * @row: says which field, and its state class
 * @a: the access
 *
 * Return: 0.
 */
int nst_msr_get_field(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	nst_pull(vcpu, row->state);
	a->val = *row_field(vcpu, row, a->index);
	return 0;
}

/**
 * nst_msr_set_field() - store in a field of the vCPU
 * @vcpu: loaded vCPU
 * @row: says which field, and its state class
 * @a: the access
 *
 * Return: 0.
 */
int nst_msr_set_field(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	nst_modify(vcpu, row->state);
	*row_field(vcpu, row, a->index) = a->val;
	return 0;
}

/**
 * nst_msr_set_host_field() - as nst_msr_set_field(), for userspace alone
 * @vcpu: loaded vCPU
 * @row: says which field, and its state class
 * @a: the access
 *
 * Return: 0; -EINVAL for the guest, to whom it is read-only.
 */
int nst_msr_set_host_field(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			   struct nst_msr_access *a)
{
	return a->host ? nst_msr_set_field(vcpu, row, a) : -EINVAL;
}

/**
 * nst_msr_set_low32() - store the low half, the high one is not there
 * @vcpu: loaded vCPU
 * @row: says which field, and its state class
 * @a: the access
 *
 * Return: 0.
 */
int nst_msr_set_low32(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		      struct nst_msr_access *a)
{
	a->val = lower_32_bits(a->val);
	return nst_msr_set_field(vcpu, row, a);
}

/**
 * nst_msr_get_zero() - there, and nothing in it
 * @vcpu: the vCPU
 * @row: the row
 * @a: the access
 *
 * Return: 0.
 */
int nst_msr_get_zero(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		     struct nst_msr_access *a)
{
	a->val = 0;
	return 0;
}

/**
 * nst_msr_set_zero() - no bit of it can be set
 * @vcpu: the vCPU
 * @row: the row
 * @a: the access
 *
 * Return: 0 when the value is 0, else -EINVAL.
 */
int nst_msr_set_zero(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
		     struct nst_msr_access *a)
{
	return a->val ? -EINVAL : 0;
}

/**
 * nst_msr_set_ignored() - its bits steer what a virtual CPU does not have
 * @vcpu: the vCPU
 * @row: the row
 * @a: the access
 *
 * Return: 0.
 */
int nst_msr_set_ignored(struct nst_vcpu *vcpu, const struct nst_msr_row *row,
			struct nst_msr_access *a)
{
	return 0;
}

/* ---- lists ---- */

static bool row_listed(const struct nst_msr_row *row, u8 flag)
{
	if (flag == NST_MSR_LIST && (row->flags & NST_MSR_NESTED_VMX) &&
	    !(nst_param_nested && nst_offer_vmx))
		return false;
	return row->flags & flag;
}

static unsigned int collect(u32 *out, u8 flag)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < nst_nr_msr_rows; i++) {
		const struct nst_msr_row *row = &nst_msr_rows[i];

		if (!row_listed(row, flag))
			continue;
		for (j = 0; j < row->count; j++) {
			if (out)
				out[n] = row->first + j;
			n++;
		}
	}
	return n;
}

static int copy_list(struct kvm_msr_list __user *list, u8 flag)
{
	unsigned int n = collect(NULL, flag);
	u32 room, *indices;
	int ret = 0;

	if (get_user(room, &list->nmsrs) || put_user(n, &list->nmsrs))
		return -EFAULT;
	if (room < n)
		return -E2BIG;
	indices = kmalloc_array(n, sizeof(*indices), GFP_KERNEL);
	if (!indices)
		return -ENOMEM;
	collect(indices, flag);
	if (copy_to_user(list->indices, indices, n * sizeof(*indices)))
		ret = -EFAULT;
	kfree(indices);
	return ret;
}

/**
 * nst_msr_index_list() - KVM_GET_MSR_INDEX_LIST
 * @list: the user's buffer
 *
 * Return: 0; -E2BIG with nmsrs set to what is needed; -EFAULT, -ENOMEM.
 */
int nst_msr_index_list(struct kvm_msr_list __user *list)
{
	return copy_list(list, NST_MSR_LIST);
}

/**
 * nst_msr_feature_list() - KVM_GET_MSR_FEATURE_INDEX_LIST
 * @list: the user's buffer
 *
 * Return: as nst_msr_index_list().
 */
int nst_msr_feature_list(struct kvm_msr_list __user *list)
{
	return copy_list(list, NST_MSR_FEATURE);
}

/* ---- KVM_GET_MSRS, KVM_SET_MSRS ---- */

static struct kvm_msr_entry *copy_entries(struct kvm_msrs __user *umsrs, u32 *nr)
{
	if (get_user(*nr, &umsrs->nmsrs))
		return ERR_PTR(-EFAULT);
	if (*nr > MAX_MSRS)
		return ERR_PTR(-E2BIG);
	return memdup_user(umsrs->entries, array_size(*nr, sizeof(struct kvm_msr_entry)));
}

/**
 * nst_msr_ioctl() - KVM_GET_MSRS and KVM_SET_MSRS of a vCPU
 * @vcpu: loaded vCPU, mutex held
 * @umsrs: the user's list
 * @write: KVM_SET_MSRS
 *
 * Return: how many were done before the first that could not be; -E2BIG,
 * -EFAULT, -ENOMEM.
 */
int nst_msr_ioctl(struct nst_vcpu *vcpu, struct kvm_msrs __user *umsrs, bool write)
{
	struct kvm_msr_entry *entries;
	u32 nr, i;
	int srcu;

	entries = copy_entries(umsrs, &nr);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	/* The kvmclock MSRs write guest memory. */
	srcu = srcu_read_lock(&vcpu->vm->srcu);
	for (i = 0; i < nr; i++) {
		struct kvm_msr_entry *e = &entries[i];
		int ret = write ? nst_msr_set(vcpu, e->index, e->data, true)
				: nst_msr_get(vcpu, e->index, &e->data, true);

		if (ret)
			break;
	}
	srcu_read_unlock(&vcpu->vm->srcu, srcu);
	if (!write && copy_to_user(umsrs->entries, entries, i * sizeof(*entries)))
		i = -EFAULT;
	kfree(entries);
	return i;
}

static int feature_get(u32 index, u64 *val)
{
	struct nst_msr_access a = { .index = index, .host = true };
	const struct nst_msr_row *row = find_row(index);
	int ret;

	if (!row || !(row->flags & NST_MSR_FEATURE))
		return -EINVAL;
	ret = row->get(NULL, row, &a);
	*val = a.val;
	return ret;
}

/**
 * nst_msr_feature_ioctl() - KVM_GET_MSRS of the system: what hardware offers
 * @umsrs: the user's list
 *
 * Return: as nst_msr_ioctl().
 */
int nst_msr_feature_ioctl(struct kvm_msrs __user *umsrs)
{
	struct kvm_msr_entry *entries;
	u32 nr, i;

	entries = copy_entries(umsrs, &nr);
	if (IS_ERR(entries))
		return PTR_ERR(entries);
	for (i = 0; i < nr; i++)
		if (feature_get(entries[i].index, &entries[i].data))
			break;
	if (copy_to_user(umsrs->entries, entries, i * sizeof(*entries)))
		i = -EFAULT;
	kfree(entries);
	return i;
}

/* ---- without exits ---- */

/* What the guest may read and write itself once its CPU has the feature. */
static const struct {
	u32 msr;
	bool write_only;
	u8 gcap;
} direct[] = {
	{ MSR_FS_BASE, false, NST_GCAP_LM },
	{ MSR_GS_BASE, false, NST_GCAP_LM },
	{ MSR_KERNEL_GS_BASE, false, NST_GCAP_LM },
	{ MSR_STAR, false, NST_GCAP_SYSCALL },
	{ MSR_LSTAR, false, NST_GCAP_LM },
	{ MSR_CSTAR, false, NST_GCAP_LM },
	{ MSR_SYSCALL_MASK, false, NST_GCAP_LM },
	{ MSR_IA32_SYSENTER_CS, false, NST_GCAP_SEP },
	{ MSR_IA32_SYSENTER_ESP, false, NST_GCAP_SEP },
	{ MSR_IA32_SYSENTER_EIP, false, NST_GCAP_SEP },
	{ MSR_IA32_SPEC_CTRL, false, NST_GCAP_SPEC_CTRL },
	{ MSR_IA32_PRED_CMD, true, NST_GCAP_SPEC_CTRL },
};

/**
 * nst_msr_apply_direct() - tell the backend which MSRs need no exit
 * @vcpu: the vCPU, its CPUID just set
 */
void nst_msr_apply_direct(struct nst_vcpu *vcpu)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(direct); i++) {
		u32 msr = direct[i].msr;
		bool on = nst_guest_has(vcpu, direct[i].gcap);
		bool read = on && !direct[i].write_only && nst_msr_allowed(vcpu, msr, false);

		nst_backend->msr_direct(vcpu, msr, read, on && nst_msr_allowed(vcpu, msr, true));
	}
	vcpu->ctl.dirty |= NST_CTL_MSRS;
}
