// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shared interrupt controllers as a whole: created together before the
 * first vCPU, read and written by userspace one by one.
 *
 * Locks: vm->lock is held by the callers that create; vm->slots_lock is taken
 * for the buses.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "../core.h"
#include "chip.h"

static int chip_attach(struct nst_irqchip *chip)
{
	int ret;

	lockdep_assert_held(&chip->vm->slots_lock);
	ret = nst_pic_init(chip);
	if (ret)
		return ret;
	ret = nst_ioapic_init(chip);
	if (ret)
		nst_pic_destroy(chip);
	return ret;
}

/* What both kinds of chip have: the struct with its routes. */
static struct nst_irqchip *chip_alloc(struct nst_vm *vm, bool split)
{
	struct nst_irqchip *chip = kzalloc(sizeof(*chip), GFP_KERNEL_ACCOUNT);

	if (!chip)
		return NULL;
	chip->vm = vm;
	chip->split = split;
	if (nst_routes_init(chip)) {
		kfree(chip);
		return NULL;
	}
	return chip;
}

/**
 * nst_irqchip_create() - KVM_CREATE_IRQCHIP
 * @vm: the VM; vm->lock held
 *
 * Return: 0, -EEXIST, -EINVAL (a vCPU exists), -ENOSPC, -ENOMEM.
 */
int nst_irqchip_create(struct nst_vm *vm)
{
	struct nst_irqchip *chip;
	int ret;

	lockdep_assert_held(&vm->lock);
	if (vm->irqchip)
		return -EEXIST;
	if (vm->nr_vcpus)
		return -EINVAL;
	chip = chip_alloc(vm, false);
	if (!chip)
		return -ENOMEM;
	/* Devices look the chip up through vm->irqchip: no vCPU runs before it is set. */
	mutex_lock(&vm->slots_lock);
	ret = chip_attach(chip);
	mutex_unlock(&vm->slots_lock);
	if (ret) {
		nst_routes_destroy(chip);
		kfree(chip);
		return ret;
	}
	/* Pairs with nst_irqchip_of(). */
	smp_store_release(&vm->irqchip, chip);
	return 0;
}

/**
 * nst_irqchip_split() - KVM_ENABLE_CAP of KVM_CAP_SPLIT_IRQCHIP
 * @vm: the VM; vm->lock held
 * @pins: GSIs below this are inputs of the I/O APIC that userspace emulates
 *
 * Local APICs and message routes are in the kernel, PIC, I/O APIC and PIT are not.
 *
 * Return: 0, -EINVAL (too many pins), -EEXIST (chips or a vCPU exist), -ENOMEM.
 */
int nst_irqchip_split(struct nst_vm *vm, u64 pins)
{
	struct nst_irqchip *chip;

	lockdep_assert_held(&vm->lock);
	if (pins > NST_MAX_GSIS)
		return -EINVAL;
	if (vm->irqchip || vm->nr_vcpus)
		return -EEXIST;
	chip = chip_alloc(vm, true);
	if (!chip)
		return -ENOMEM;
	chip->user_pins = pins;
	/* Pairs with nst_irqchip_of(). */
	smp_store_release(&vm->irqchip, chip);
	return 0;
}

/**
 * nst_pic_in_kernel() - are PIC, I/O APIC and PIT the kernel's?
 * @vm: the VM
 *
 * Return: false also when all interrupt controllers are userspace's.
 */
bool nst_pic_in_kernel(struct nst_vm *vm)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);

	return chip && !chip->split;
}

/**
 * nst_irqchip_quiesce() - no timer of the chips sends to a vCPU any more
 * @vm: a VM that nobody runs any more, with or without chips
 */
void nst_irqchip_quiesce(struct nst_vm *vm)
{
	if (!nst_pic_in_kernel(vm))
		return;
	nst_pit_stop(vm);
	nst_ioapic_stop(vm->irqchip);
}

/**
 * nst_irqchip_destroy() - free the chips
 * @vm: a VM that nobody uses any more
 */
void nst_irqchip_destroy(struct nst_vm *vm)
{
	struct nst_irqchip *chip = vm->irqchip;

	if (!chip)
		return;
	if (!chip->split) {
		mutex_lock(&vm->slots_lock);
		nst_pit_destroy(chip);
		nst_ioapic_destroy(chip);
		nst_pic_destroy(chip);
		mutex_unlock(&vm->slots_lock);
	}
	vm->irqchip = NULL;
	nst_routes_destroy(chip);
	kfree(chip);
}

/**
 * nst_get_irqchip() - KVM_GET_IRQCHIP
 * @vm: the VM
 * @s: which chip, and the result
 *
 * Return: 0, -ENXIO (no chips in the kernel), -EINVAL (no such chip).
 */
int nst_get_irqchip(struct nst_vm *vm, struct kvm_irqchip *s)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);
	u32 which = s->chip_id;

	if (!nst_pic_in_kernel(vm))
		return -ENXIO;
	if (which > KVM_IRQCHIP_IOAPIC)
		return -EINVAL;
	memset(&s->chip, 0, sizeof(s->chip));
	if (which == KVM_IRQCHIP_IOAPIC)
		nst_ioapic_get(chip, &s->chip.ioapic);
	else
		nst_pic_get(chip, which, &s->chip.pic);
	return 0;
}

/**
 * nst_set_irqchip() - KVM_SET_IRQCHIP
 * @vm: the VM
 * @s: untrusted
 *
 * Return: 0, -ENXIO (no chips in the kernel), -EINVAL.
 */
int nst_set_irqchip(struct nst_vm *vm, const struct kvm_irqchip *s)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);

	if (!nst_pic_in_kernel(vm))
		return -ENXIO;
	if (s->chip_id > KVM_IRQCHIP_IOAPIC)
		return -EINVAL;
	if (s->chip_id == KVM_IRQCHIP_IOAPIC)
		return nst_ioapic_set(chip, &s->chip.ioapic);
	nst_pic_set(chip, s->chip_id, &s->chip.pic);
	return 0;
}
