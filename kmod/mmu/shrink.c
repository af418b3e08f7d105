// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many shadow tables there may be: the limit that userspace sets for a VM,
 * and the kernel's wish for memory.  A shadow that goes comes back at the next
 * fault, so the oldest of a VM can be given up at any time.
 */
#include "../nestor.h"
#include <linux/mutex.h>
#include <linux/shrinker.h>
#include "../compat.h"
#include "internal.h"

/* No more at a time with mmu_lock held. */
#define ZAP_CHUNK	128ul

/* A VM is told to do with less no more than this. */
#define TABLES_MIN	64

static LIST_HEAD(all_vms);
static DEFINE_MUTEX(all_vms_lock);
static struct shrinker *shrinker;

/* Gives up to @want tables back; returns how many. */
static unsigned long zap_oldest(struct nst_vm *vm, unsigned long want)
{
	LIST_HEAD(dead);
	unsigned long gone;

	spin_lock(&vm->mmu_lock);
	gone = nst_shadow_zap_oldest(vm, min(want, ZAP_CHUNK), &dead);
	spin_unlock(&vm->mmu_lock);
	nst_flush_and_free(vm, false, &dead);
	return gone;
}

static unsigned long free_spares(struct nst_mmu_vm *mmu)
{
	struct nst_vm *vm = mmu->vm;
	unsigned long gone;

	/* Under the lock: a vCPU that takes one relies on being alone. */
	spin_lock(&vm->mmu_lock);
	gone = atomic_read(&mmu->nr_spares);
	nst_spares_free(mmu);
	spin_unlock(&vm->mmu_lock);
	return gone;
}

/* A VM that is on the list has its tables; whoever allocates under the lock finds it taken. */
static unsigned long count_tables(struct shrinker *unused, struct shrink_control *sc)
{
	struct nst_mmu_vm *mmu;
	unsigned long count = 0;

	if (!mutex_trylock(&all_vms_lock))
		return 0;
	list_for_each_entry(mmu, &all_vms, link)
		count += READ_ONCE(mmu->nr_tables) + atomic_read(&mmu->nr_spares);
	mutex_unlock(&all_vms_lock);
	return count ?: SHRINK_EMPTY;
}

static unsigned long scan_tables(struct shrinker *unused, struct shrink_control *sc)
{
	struct nst_mmu_vm *mmu;
	unsigned long gone = 0;

	if (!mutex_trylock(&all_vms_lock))
		return SHRINK_STOP;
	list_for_each_entry(mmu, &all_vms, link) {
		if (gone >= sc->nr_to_scan)
			break;
		if (READ_ONCE(mmu->nr_tables))
			gone += zap_oldest(mmu->vm, sc->nr_to_scan - gone);
		gone += free_spares(mmu);
	}
	/* The next time another VM begins. */
	list_rotate_left(&all_vms);
	mutex_unlock(&all_vms_lock);
	return gone;
}

/**
 * nst_shrink_module_init() - offer the tables to the kernel
 *
 * Return: 0 or -ENOMEM.
 */
int nst_shrink_module_init(void)
{
	shrinker = nst_shrinker_create("nestor-mmu", count_tables, scan_tables);
	return shrinker ? 0 : -ENOMEM;
}

/**
 * nst_shrink_module_exit() - no VM is left
 */
void nst_shrink_module_exit(void)
{
	nst_shrinker_destroy(shrinker);
}

/**
 * nst_shrink_add() - a VM has tables from now on
 * @vm: the VM
 */
void nst_shrink_add(struct nst_vm *vm)
{
	mutex_lock(&all_vms_lock);
	list_add_tail(&vm->mmu->link, &all_vms);
	mutex_unlock(&all_vms_lock);
}

/**
 * nst_shrink_del() - a VM is about to lose its tables
 * @vm: the VM
 */
void nst_shrink_del(struct nst_vm *vm)
{
	mutex_lock(&all_vms_lock);
	list_del(&vm->mmu->link);
	mutex_unlock(&all_vms_lock);
}

/**
 * nst_mmu_get_max_tables() - KVM_GET_NR_MMU_PAGES
 * @vm: the VM
 *
 * Return: how many shadow tables it may have.
 */
long nst_mmu_get_max_tables(struct nst_vm *vm)
{
	return READ_ONCE(vm->mmu->max_tables);
}

/**
 * nst_mmu_set_max_tables() - KVM_SET_NR_MMU_PAGES
 * @vm: the VM
 * @max: how many shadow tables it may have; those in excess go at once
 *
 * Return: 0, or -EINVAL for less than 64 or more than fits an int.
 */
int nst_mmu_set_max_tables(struct nst_vm *vm, unsigned long max)
{
	unsigned long count;

	if (max < TABLES_MIN || max > INT_MAX)
		return -EINVAL;
	WRITE_ONCE(vm->mmu->max_tables, max);
	for (;;) {
		count = READ_ONCE(vm->mmu->nr_tables);
		if (count <= max || !zap_oldest(vm, count - max))
			return 0;
		cond_resched();
	}
}
