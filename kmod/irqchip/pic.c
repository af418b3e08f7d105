// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PIC pair as a device: ports, lines shared by several sources, and the
 * output that wakes the vCPUs.  The chip itself is in pic_logic.c.
 *
 * Lock: pic->lock, raw, interrupts off; taken from vCPU threads, ioctls,
 * timers and irqfds.  With it held only local APICs are called, which take no
 * lock.
 */
#include "../nestor.h"
#include "../core.h"
#include "chip.h"
#include "lapic.h"

#define PIC_MASTER_PORT	0x20
#define PIC_SLAVE_PORT	0xa0
#define PIC_ELCR_PORT	0x4d0
#define PIC_PORTS	2	/* in each of the three ranges */

enum { PIC_DEV_MASTER, PIC_DEV_SLAVE, PIC_DEV_ELCR };

/* Publish INT and tell the vCPUs that listen to it. */
static void pic_update_locked(struct nst_irqchip *chip)
{
	struct nst_pic *pic = &chip->pic;
	bool output = nst_pic_pair_output(&pic->pair);
	bool rose = output && !pic->output;
	struct nst_vcpu *vcpu;
	unsigned long i;

	lockdep_assert_held(&pic->lock);
	WRITE_ONCE(pic->output, output);
	if (!output)
		return;
	nst_for_each_vcpu(chip->vm, vcpu, i)
		nst_lapic_pic_output(vcpu, rose);
}

/**
 * nst_pic_set_line() - drive an input for one source
 * @chip: the chips
 * @pin: 0 to 15
 * @source: who drives it
 * @level: its level
 *
 * Any context.
 *
 * Return: as KVM_IRQ_LINE_STATUS reports it.
 */
int nst_pic_set_line(struct nst_irqchip *chip, unsigned int pin,
		     enum nst_irq_source source, bool level)
{
	struct nst_pic *pic = &chip->pic;
	unsigned long flags;
	int ret;

	if (pin >= NST_PIC_PINS)
		return NST_IRQ_REFUSED;
	raw_spin_lock_irqsave(&pic->lock, flags);
	if (level)
		pic->lines[pin] |= BIT(source);
	else
		pic->lines[pin] &= ~BIT(source);
	ret = nst_pic_pair_line(&pic->pair, pin, pic->lines[pin]);
	pic_update_locked(chip);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	return ret;
}

/**
 * nst_pic_output() - is the PIC's INT line high?
 * @vm: the VM
 */
bool nst_pic_output(struct nst_vm *vm)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);

	return chip && READ_ONCE(chip->pic.output);
}

/**
 * nst_pic_peek() - the vector that an INTA cycle would return
 * @vm: the VM, with a chip
 *
 * Return: the vector, or -1.
 */
int nst_pic_peek(struct nst_vm *vm)
{
	struct nst_pic *pic = &vm->irqchip->pic;
	unsigned long flags;
	int vector;

	raw_spin_lock_irqsave(&pic->lock, flags);
	vector = nst_pic_pair_peek(&pic->pair);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	return vector;
}

/**
 * nst_pic_ack() - an INTA cycle
 * @vm: the VM, with a chip
 *
 * Return: the vector, or -1 when the request went away meanwhile.
 */
int nst_pic_ack(struct nst_vm *vm)
{
	struct nst_pic *pic = &vm->irqchip->pic;
	unsigned long flags;
	int vector, pit_vector;

	raw_spin_lock_irqsave(&pic->lock, flags);
	vector = nst_pic_pair_ack(&pic->pair);
	pit_vector = pic->pair.chip[0].irq_base;
	pic_update_locked(vm->irqchip);
	raw_spin_unlock_irqrestore(&pic->lock, flags);
	if (vector == pit_vector)
		nst_pit_acked(vm);
	return vector;
}

/* An access that is wider than the port is a row of byte accesses (ISA). */
static bool pic_port_read(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr, void *data,
			  unsigned int len)
{
	struct nst_irqchip *chip = nst_irqchip_of(vcpu->vm);
	unsigned int which = dev - chip->pic.ports;
	u8 *bytes = data;
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->pic.lock, flags);
	for (unsigned int i = 0; i < len; i++) {
		bool odd = (addr + i) & 1;

		if (which == PIC_DEV_ELCR)
			bytes[i] = chip->pic.pair.chip[odd].elcr;
		else
			bytes[i] = nst_pic_pair_read(&chip->pic.pair, which, odd);
	}
	pic_update_locked(chip);
	raw_spin_unlock_irqrestore(&chip->pic.lock, flags);
	return true;
}

/* Both in-service registers, bit n for pin n. */
static unsigned long pic_serving(const struct nst_pic *pic)
{
	return pic->pair.chip[0].isr | pic->pair.chip[1].isr << NST_PIC_CHIP_PINS;
}

static bool pic_port_write(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
			   const void *data, unsigned int len)
{
	struct nst_irqchip *chip = nst_irqchip_of(vcpu->vm);
	unsigned int which = dev - chip->pic.ports, pin;
	const u8 *bytes = data;
	unsigned long flags, ended;

	raw_spin_lock_irqsave(&chip->pic.lock, flags);
	ended = pic_serving(&chip->pic);
	for (unsigned int i = 0; i < len; i++) {
		bool odd = (addr + i) & 1;

		if (which == PIC_DEV_ELCR)
			nst_pic_pair_set_elcr(&chip->pic.pair, odd, bytes[i]);
		else
			nst_pic_pair_write(&chip->pic.pair, which, odd, bytes[i]);
	}
	ended &= ~pic_serving(&chip->pic);
	pic_update_locked(chip);
	raw_spin_unlock_irqrestore(&chip->pic.lock, flags);
	for_each_set_bit(pin, &ended, NST_PIC_PINS)
		nst_pin_acked(vcpu->vm, pin / NST_PIC_CHIP_PINS, pin % NST_PIC_CHIP_PINS);
	return true;
}

static const struct nst_iodev_ops pic_port_ops = {
	.read = pic_port_read,
	.write = pic_port_write,
};

static const u16 pic_port_bases[] = {
	[PIC_DEV_MASTER] = PIC_MASTER_PORT,
	[PIC_DEV_SLAVE] = PIC_SLAVE_PORT,
	[PIC_DEV_ELCR] = PIC_ELCR_PORT,
};

/**
 * nst_pic_init() - reset the pair and put it on the port bus
 * @chip: the chips; vm->slots_lock held
 *
 * Return: 0, -ENOSPC or -ENOMEM; on an error nothing is on the bus.
 */
int nst_pic_init(struct nst_irqchip *chip)
{
	struct nst_pic *pic = &chip->pic;
	int ret = 0;

	raw_spin_lock_init(&pic->lock);
	nst_pic_pair_reset(&pic->pair);
	for (int i = 0; i < ARRAY_SIZE(pic->ports); i++) {
		pic->ports[i].ops = &pic_port_ops;
		ret = nst_bus_register(chip->vm, NST_BUS_PIO, pic_port_bases[i], PIC_PORTS,
				       &pic->ports[i]);
		if (!ret)
			continue;
		while (i--)
			nst_bus_unregister(chip->vm, NST_BUS_PIO, &pic->ports[i]);
		break;
	}
	return ret;
}

/**
 * nst_pic_destroy() - take the pair off the bus
 * @chip: the chips; vm->slots_lock held
 */
void nst_pic_destroy(struct nst_irqchip *chip)
{
	for (int i = 0; i < ARRAY_SIZE(chip->pic.ports); i++)
		nst_bus_unregister(chip->vm, NST_BUS_PIO, &chip->pic.ports[i]);
}

/**
 * nst_pic_get() - KVM_GET_IRQCHIP for one of the pair
 * @chip: the chips
 * @which: 0 master, 1 slave
 * @s: result
 */
void nst_pic_get(struct nst_irqchip *chip, unsigned int which, struct kvm_pic_state *s)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->pic.lock, flags);
	*s = chip->pic.pair.chip[which];
	raw_spin_unlock_irqrestore(&chip->pic.lock, flags);
}

/**
 * nst_pic_set() - KVM_SET_IRQCHIP for one of the pair
 * @chip: the chips
 * @which: 0 master, 1 slave
 * @s: untrusted
 *
 * Levels of the lines become userspace's, which alone can know about them.
 */
void nst_pic_set(struct nst_irqchip *chip, unsigned int which, const struct kvm_pic_state *s)
{
	u8 *lines = chip->pic.lines + which * NST_PIC_CHIP_PINS;
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->pic.lock, flags);
	nst_pic_pair_restore(&chip->pic.pair, which, s);
	for (int i = 0; i < NST_PIC_CHIP_PINS; i++)
		lines[i] = s->last_irr & BIT(i) ? BIT(NST_SRC_USER) : 0;
	pic_update_locked(chip);
	raw_spin_unlock_irqrestore(&chip->pic.lock, flags);
}
