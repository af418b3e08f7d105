// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: 24 pins, each with a redirection entry that turns a rising
 * edge or a high level into a message to local APICs.
 *
 * Facts: Intel 82093AA data sheet, whose redirection entry has the layout of
 * the local APIC's ICR, so that the APIC_* constants serve for both.  Pin
 * polarity is stored and ignored: sources speak of asserted, not of volts.
 *
 * Lock: ioapic->lock, raw, interrupts off.  With it held messages are
 * delivered, which takes no other lock.
 */
#include "../nestor.h"
#include "../core.h"
#include "chip.h"

#define IOAPIC_BYTES		0x100
#define IOAPIC_REG_SELECT	0x00
#define IOAPIC_REG_WINDOW	0x10

/* What the select register chooses. */
#define IOAPIC_ID		0x00
#define IOAPIC_VERSION		0x01
#define IOAPIC_ARBITRATION	0x02
#define IOAPIC_RTE		0x10

#define IOAPIC_VERSION_82093AA	0x11
#define IOAPIC_ID_SHIFT		24
#define IOAPIC_ID_MASK		0xf

/*
 * A level that is still there at EOI comes again.  On a real machine that
 * takes a while, in which even a guest that does not serve the device makes
 * some progress; after so many in a row it has to wait here as well.
 */
#define REFIRES_IN_A_ROW	10000
#define REFIRE_DELAY_NS		(10 * NSEC_PER_MSEC)

#define RTE_DEST_SHIFT		56
#define RTE_READ_ONLY		((u64)(APIC_LVT_REMOTE_IRR | APIC_SEND_PENDING))
#define RTE_WRITABLE_LOW	((u64)(APIC_VECTOR_MASK | APIC_DM_FIXED_MASK |	\
				       APIC_DEST_LOGICAL | APIC_INPUT_POLARITY |\
				       APIC_INT_LEVELTRIG | APIC_LVT_MASKED))
#define RTE_WRITABLE		(RTE_WRITABLE_LOW | 0xffull << RTE_DEST_SHIFT)

/* Only these two modes know a level; the others behave as edges. */
static bool rte_is_level(u64 rte)
{
	u32 mode = rte & APIC_DM_FIXED_MASK;

	return (rte & APIC_INT_LEVELTRIG) && (mode == APIC_DM_FIXED || mode == APIC_DM_LOWEST);
}

/* Send the pin's message, unless masked or still waiting for the last EOI. */
static int ioapic_fire_locked(struct nst_irqchip *chip, unsigned int pin)
{
	u64 *rte = &chip->ioapic.rte[pin];
	struct nst_irq_msg msg = {
		.dest = *rte >> RTE_DEST_SHIFT,
		.mode = *rte & APIC_DM_FIXED_MASK,
		.vector = *rte & APIC_VECTOR_MASK,
		.logical = *rte & APIC_DEST_LOGICAL,
		.bus = true,
		.level = rte_is_level(*rte),
	};
	int ret;

	lockdep_assert_held(&chip->ioapic.lock);
	if (*rte & APIC_LVT_MASKED)
		return NST_IRQ_REFUSED;
	if (msg.level && (*rte & APIC_LVT_REMOTE_IRR))
		return NST_IRQ_COALESCED;
	msg.lowest = msg.mode == APIC_DM_LOWEST;
	ret = nst_irq_deliver(chip->vm, &msg);
	if (msg.level && ret != NST_IRQ_REFUSED)
		*rte |= APIC_LVT_REMOTE_IRR;
	return ret;
}

/* A level-triggered pin that is still high asks again. */
static void ioapic_refire_locked(struct nst_irqchip *chip, unsigned int pin)
{
	if (chip->ioapic.lines[pin] && rte_is_level(chip->ioapic.rte[pin]))
		ioapic_fire_locked(chip, pin);
}

/**
 * nst_ioapic_set_line() - drive a pin for one source
 * @chip: the chips
 * @pin: 0 to 23
 * @source: who drives it
 * @level: asserted
 *
 * Any context.
 *
 * Return: as KVM_IRQ_LINE_STATUS reports it.
 */
int nst_ioapic_set_line(struct nst_irqchip *chip, unsigned int pin,
			enum nst_irq_source source, bool level)
{
	struct nst_ioapic *io = &chip->ioapic;
	unsigned long flags;
	bool was;
	int ret = 1;

	if (pin >= KVM_IOAPIC_NUM_PINS)
		return NST_IRQ_REFUSED;
	raw_spin_lock_irqsave(&io->lock, flags);
	was = io->lines[pin];
	if (level)
		io->lines[pin] |= BIT(source);
	else
		io->lines[pin] &= ~BIT(source);
	if (!io->lines[pin])
		io->refires[pin] = 0;
	if (level && source == NST_SRC_PIT)
		WRITE_ONCE(io->pit_vector, io->rte[pin] & APIC_VECTOR_MASK);
	if (level && was && !rte_is_level(io->rte[pin]))
		ret = NST_IRQ_COALESCED;
	else if (level)
		ret = ioapic_fire_locked(chip, pin);
	raw_spin_unlock_irqrestore(&io->lock, flags);
	return ret;
}

static void ioapic_eoi_refire_locked(struct nst_irqchip *chip, unsigned int pin)
{
	struct nst_ioapic *io = &chip->ioapic;

	if (!io->lines[pin])
		return;
	if (++io->refires[pin] < REFIRES_IN_A_ROW)
		ioapic_refire_locked(chip, pin);
	else if (!hrtimer_is_queued(&io->slow))
		hrtimer_start(&io->slow, ns_to_ktime(REFIRE_DELAY_NS), HRTIMER_MODE_REL_HARD);
}

static enum hrtimer_restart ioapic_slow_refire(struct hrtimer *timer)
{
	struct nst_irqchip *chip = container_of(timer, struct nst_irqchip, ioapic.slow);
	unsigned long flags;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	for (unsigned int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		if (chip->ioapic.refires[pin] < REFIRES_IN_A_ROW)
			continue;
		chip->ioapic.refires[pin] = 0;
		ioapic_refire_locked(chip, pin);
	}
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
	return HRTIMER_NORESTART;
}

/**
 * nst_ioapic_eoi() - a local APIC broadcasts the end of a level interrupt
 * @vm: the VM, with a chip
 * @vector: the vector that ended
 */
void nst_ioapic_eoi(struct nst_vm *vm, u8 vector)
{
	struct nst_irqchip *chip = vm->irqchip;
	unsigned long acked = 0, flags;
	unsigned int pin;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	for (pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		u64 *rte = &chip->ioapic.rte[pin];

		if (!(*rte & APIC_LVT_REMOTE_IRR) || (*rte & APIC_VECTOR_MASK) != vector)
			continue;
		*rte &= ~(u64)APIC_LVT_REMOTE_IRR;
		__set_bit(pin, &acked);
	}
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
	if (!acked)
		return;
	/* Some sources lower the line now; if others do not, it asks again. */
	for_each_set_bit(pin, &acked, KVM_IOAPIC_NUM_PINS)
		nst_pin_acked(vm, KVM_IRQCHIP_IOAPIC, pin);
	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	for_each_set_bit(pin, &acked, KVM_IOAPIC_NUM_PINS)
		ioapic_eoi_refire_locked(chip, pin);
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
}

static u32 ioapic_window_read(const struct nst_ioapic *io)
{
	unsigned int index = io->select - IOAPIC_RTE;

	switch (io->select) {
	case IOAPIC_ID:
	case IOAPIC_ARBITRATION:
		return (u32)io->id << IOAPIC_ID_SHIFT;
	case IOAPIC_VERSION:
		return IOAPIC_VERSION_82093AA | (KVM_IOAPIC_NUM_PINS - 1) << 16;
	}
	if (io->select < IOAPIC_RTE || index >= 2 * KVM_IOAPIC_NUM_PINS)
		return ~0u;
	return index & 1 ? io->rte[index / 2] >> 32 : io->rte[index / 2];
}

static void ioapic_rte_write_locked(struct nst_irqchip *chip, unsigned int index, u32 val)
{
	unsigned int pin = index / 2;
	u64 *rte = &chip->ioapic.rte[pin];
	u64 mask = index & 1 ? RTE_WRITABLE & ~0xffffffffull : RTE_WRITABLE_LOW;
	u64 new = index & 1 ? (u64)val << 32 : val;

	*rte = (*rte & ~mask) | (new & mask);
	/* Software ends a stuck level interrupt by making the pin edge for a while. */
	if (!(*rte & APIC_INT_LEVELTRIG))
		*rte &= ~(u64)APIC_LVT_REMOTE_IRR;
	ioapic_refire_locked(chip, pin);
}

static void ioapic_window_write_locked(struct nst_irqchip *chip, u32 val)
{
	struct nst_ioapic *io = &chip->ioapic;
	unsigned int index = io->select - IOAPIC_RTE;

	if (io->select == IOAPIC_ID)
		io->id = (val >> IOAPIC_ID_SHIFT) & IOAPIC_ID_MASK;
	else if (io->select >= IOAPIC_RTE && index < 2 * KVM_IOAPIC_NUM_PINS)
		ioapic_rte_write_locked(chip, index, val);
}

static bool ioapic_page_read(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr, void *data,
			     unsigned int len)
{
	struct nst_irqchip *chip = nst_irqchip_of(vcpu->vm);
	unsigned int byte = addr & 0xf;
	unsigned long flags;
	u32 val = 0;

	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	switch (addr & (IOAPIC_BYTES - 1) & ~0xfull) {
	case IOAPIC_REG_SELECT:
		val = chip->ioapic.select;
		break;
	case IOAPIC_REG_WINDOW:
		val = ioapic_window_read(&chip->ioapic);
		break;
	}
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
	memset(data, 0, len);
	if (byte < sizeof(val))
		memcpy(data, (u8 *)&val + byte, min_t(unsigned int, len, sizeof(val) - byte));
	return true;
}

static bool ioapic_page_write(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
			      const void *data, unsigned int len)
{
	struct nst_irqchip *chip = nst_irqchip_of(vcpu->vm);
	unsigned long flags;
	u32 val = 0;

	memcpy(&val, data, min_t(unsigned int, len, sizeof(val)));
	raw_spin_lock_irqsave(&chip->ioapic.lock, flags);
	switch (addr & (IOAPIC_BYTES - 1)) {
	case IOAPIC_REG_SELECT:
		chip->ioapic.select = val;
		break;
	case IOAPIC_REG_WINDOW:
		/* The window is 32 bits wide; part of it cannot be written. */
		if (len >= sizeof(val))
			ioapic_window_write_locked(chip, val);
		break;
	}
	raw_spin_unlock_irqrestore(&chip->ioapic.lock, flags);
	return true;
}

static const struct nst_iodev_ops ioapic_page_ops = {
	.read = ioapic_page_read,
	.write = ioapic_page_write,
};

/**
 * nst_ioapic_init() - reset the I/O APIC and put it on the memory bus
 * @chip: the chips; vm->slots_lock held
 *
 * Return: 0, -ENOSPC or -ENOMEM.
 */
int nst_ioapic_init(struct nst_irqchip *chip)
{
	struct nst_ioapic *io = &chip->ioapic;

	raw_spin_lock_init(&io->lock);
	for (int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		io->rte[pin] = APIC_LVT_MASKED;
	io->page.ops = &ioapic_page_ops;
	hrtimer_init(&io->slow, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	io->slow.function = ioapic_slow_refire;
	return nst_bus_register(chip->vm, NST_BUS_MMIO, IO_APIC_DEFAULT_PHYS_BASE, IOAPIC_BYTES,
				&io->page);
}

/**
 * nst_ioapic_stop() - its timer sends nothing any more
 * @chip: chips that no vCPU uses any more
 */
void nst_ioapic_stop(struct nst_irqchip *chip)
{
	hrtimer_cancel(&chip->ioapic.slow);
}

/**
 * nst_ioapic_destroy() - take the I/O APIC off the bus
 * @chip: the chips; vm->slots_lock held
 */
void nst_ioapic_destroy(struct nst_irqchip *chip)
{
	nst_bus_unregister(chip->vm, NST_BUS_MMIO, &chip->ioapic.page);
}

/**
 * nst_ioapic_get() - KVM_GET_IRQCHIP
 * @chip: the chips
 * @s: result; irr holds the level-triggered pins that are high
 */
void nst_ioapic_get(struct nst_irqchip *chip, struct kvm_ioapic_state *s)
{
	struct nst_ioapic *io = &chip->ioapic;
	unsigned long flags;

	memset(s, 0, sizeof(*s));
	s->base_address = IO_APIC_DEFAULT_PHYS_BASE;
	raw_spin_lock_irqsave(&io->lock, flags);
	s->ioregsel = io->select;
	s->id = io->id;
	for (int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		s->redirtbl[pin].bits = io->rte[pin];
		if (io->lines[pin] && rte_is_level(io->rte[pin]))
			s->irr |= BIT(pin);
	}
	raw_spin_unlock_irqrestore(&io->lock, flags);
}

/**
 * nst_ioapic_set() - KVM_SET_IRQCHIP
 * @chip: the chips
 * @s: untrusted; pins in irr become high on behalf of userspace and fire
 *
 * Return: 0, or -EINVAL when it does not live at the usual address.
 */
int nst_ioapic_set(struct nst_irqchip *chip, const struct kvm_ioapic_state *s)
{
	struct nst_ioapic *io = &chip->ioapic;
	unsigned long flags;

	if (s->base_address != IO_APIC_DEFAULT_PHYS_BASE)
		return -EINVAL;
	raw_spin_lock_irqsave(&io->lock, flags);
	io->select = s->ioregsel;
	io->id = s->id & IOAPIC_ID_MASK;
	for (int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++) {
		io->rte[pin] = s->redirtbl[pin].bits & (RTE_WRITABLE | RTE_READ_ONLY);
		io->lines[pin] = s->irr & BIT(pin) ? BIT(NST_SRC_USER) : 0;
	}
	for (int pin = 0; pin < KVM_IOAPIC_NUM_PINS; pin++)
		if (io->lines[pin])
			ioapic_fire_locked(chip, pin);
	raw_spin_unlock_irqrestore(&io->lock, flags);
	return 0;
}
