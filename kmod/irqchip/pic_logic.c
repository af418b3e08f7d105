// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pair of 8259A interrupt controllers wired as in a PC: initialisation and
 * operation command words, priorities, cascade, INTA.  Pure: no locks, no
 * hardware; pic.c owns the lock and the ports.
 *
 * Facts: Intel 8259A data sheet; the edge/level registers (ELCR) are those of
 * the PIIX south bridge, which replaced the chip-wide LTIM bit of ICW1.
 */
#include "pic_logic.h"

/* Command words, told apart by bits of a write with A0 low. */
#define ICW1_SELECT	BIT(4)
#define ICW1_IC4	BIT(0)
#define ICW4_AEOI	BIT(1)
#define ICW4_SFNM	BIT(4)
#define OCW3_SELECT	BIT(3)
#define OCW3_POLL	BIT(2)
#define OCW3_RR		BIT(1)
#define OCW3_RIS	BIT(0)
#define OCW3_ESMM	BIT(6)
#define OCW3_SMM	BIT(5)
#define OCW2_COMMAND	5
#define OCW2_LEVEL	0x7
#define POLL_PENDING	0x80
#define SPURIOUS_IRQ	7
#define NO_PRIORITY	8

/* What the next write with A0 high means. */
enum { PIC_READY, PIC_WANTS_ICW2, PIC_WANTS_ICW3, PIC_WANTS_ICW4 };

/* OCW2's command field: rotate, specific, EOI. */
enum {
	OCW2_CLEAR_ROTATE_AEOI, OCW2_EOI, OCW2_NOP, OCW2_SPECIFIC_EOI,
	OCW2_SET_ROTATE_AEOI, OCW2_ROTATE_EOI, OCW2_SET_PRIORITY, OCW2_ROTATE_SPECIFIC_EOI,
};

/* IRQ 0, 1, 2, 8 and 13 are edge-triggered in every PC. */
static const u8 pic_elcr_masks[2] = { 0xf8, 0xde };

/* Distance of the most important set bit from the top of the rotation. */
static unsigned int pic_priority(const struct kvm_pic_state *s, u8 bits)
{
	unsigned int prio;

	for (prio = 0; prio < NST_PIC_CHIP_PINS; prio++)
		if (bits & BIT((prio + s->priority_add) & 7))
			return prio;
	return NO_PRIORITY;
}

/* The input that the chip would announce now, or -1. */
static int pic_pending(const struct nst_pic_pair *pair, unsigned int which)
{
	const struct kvm_pic_state *s = &pair->chip[which];
	unsigned int asked = pic_priority(s, s->irr & ~s->imr);
	u8 serving = s->isr;

	if (s->special_mask)
		serving &= ~s->imr;
	/* A slave may interrupt its own service in special fully nested mode. */
	if (s->special_fully_nested_mode && which == 0)
		serving &= ~BIT(NST_PIC_CASCADE);
	if (asked >= pic_priority(s, serving))
		return -1;
	return (asked + s->priority_add) & 7;
}

/*
 * The slave's output is a level into the master, whatever the ELCR says: it
 * drops on INTA and rises again when another of its inputs is waiting.
 */
static void pic_update_cascade(struct nst_pic_pair *pair)
{
	if (pic_pending(pair, 1) >= 0)
		pair->chip[0].irr |= BIT(NST_PIC_CASCADE);
	else
		pair->chip[0].irr &= ~BIT(NST_PIC_CASCADE);
}

static void pic_chip_ack(struct kvm_pic_state *s, unsigned int irq)
{
	if (!s->auto_eoi)
		s->isr |= BIT(irq);
	else if (s->rotate_on_auto_eoi)
		s->priority_add = (irq + 1) & 7;
	if (!(s->elcr & BIT(irq)))
		s->irr &= ~BIT(irq);
}

/**
 * nst_pic_pair_reset() - power-on state
 * @pair: the pair
 */
void nst_pic_pair_reset(struct nst_pic_pair *pair)
{
	memset(pair, 0, sizeof(*pair));
	for (int i = 0; i < 2; i++)
		pair->chip[i].elcr_mask = pic_elcr_masks[i];
}

/**
 * nst_pic_pair_line() - change the level of an input
 * @pair: the pair
 * @pin: 0 to 15; the cascade input has no outside and is ignored
 * @level: its new level
 *
 * An edge stays latched until INTA even when the line drops before: software
 * that pulses a line would otherwise lose every interrupt.
 *
 * Return: 1 newly pending (or the line is now low), 0 was pending, -1 masked.
 */
int nst_pic_pair_line(struct nst_pic_pair *pair, unsigned int pin, bool level)
{
	struct kvm_pic_state *s = &pair->chip[pin / NST_PIC_CHIP_PINS];
	u8 bit = BIT(pin % NST_PIC_CHIP_PINS);
	int ret = 1;

	if (pin == NST_PIC_CASCADE)
		return -1;
	if (!level) {
		s->last_irr &= ~bit;
		if (s->elcr & bit)
			s->irr &= ~bit;
	} else {
		if (s->irr & bit)
			ret = 0;
		if ((s->elcr & bit) || !(s->last_irr & bit))
			s->irr |= bit;
		s->last_irr |= bit;
		if (s->imr & bit)
			ret = -1;
	}
	pic_update_cascade(pair);
	return ret;
}

/**
 * nst_pic_pair_output() - level of the master's INT output
 * @pair: the pair
 */
bool nst_pic_pair_output(const struct nst_pic_pair *pair)
{
	return pic_pending(pair, 0) >= 0;
}

/* The vector that INTA would return for the master's input @irq. */
static u8 pic_vector(const struct nst_pic_pair *pair, int irq)
{
	int slave;

	if (irq != NST_PIC_CASCADE)
		return pair->chip[0].irq_base + irq;
	slave = pic_pending(pair, 1);
	return pair->chip[1].irq_base + (slave < 0 ? SPURIOUS_IRQ : slave);
}

/**
 * nst_pic_pair_peek() - the vector that INTA would return
 * @pair: the pair
 *
 * Return: the vector, or -1 when INT is low.
 */
int nst_pic_pair_peek(const struct nst_pic_pair *pair)
{
	int irq = pic_pending(pair, 0);

	return irq < 0 ? -1 : pic_vector(pair, irq);
}

/**
 * nst_pic_pair_ack() - an INTA cycle
 * @pair: the pair
 *
 * Return: the vector, or -1 when INT is low.
 */
int nst_pic_pair_ack(struct nst_pic_pair *pair)
{
	int irq = pic_pending(pair, 0);
	int slave, vector;

	if (irq < 0)
		return -1;
	vector = pic_vector(pair, irq);
	pic_chip_ack(&pair->chip[0], irq);
	if (irq == NST_PIC_CASCADE) {
		slave = pic_pending(pair, 1);
		if (slave >= 0)
			pic_chip_ack(&pair->chip[1], slave);
	}
	pic_update_cascade(pair);
	return vector;
}

static void pic_write_icw1(struct kvm_pic_state *s, u8 val)
{
	/* Edges are forgotten; an input that is high must fall and rise again. */
	s->irr &= s->elcr;
	s->imr = 0;
	s->isr = 0;
	s->priority_add = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->special_mask = 0;
	s->auto_eoi = 0;
	s->rotate_on_auto_eoi = 0;
	s->special_fully_nested_mode = 0;
	s->init4 = !!(val & ICW1_IC4);
	s->init_state = PIC_WANTS_ICW2;
}

static void pic_end_service(struct kvm_pic_state *s, unsigned int irq, bool rotate)
{
	s->isr &= ~BIT(irq);
	if (rotate)
		s->priority_add = (irq + 1) & 7;
}

static void pic_write_ocw2(struct kvm_pic_state *s, u8 val)
{
	unsigned int command = val >> OCW2_COMMAND;
	unsigned int level = val & OCW2_LEVEL;
	unsigned int prio;

	switch (command) {
	case OCW2_CLEAR_ROTATE_AEOI:
	case OCW2_SET_ROTATE_AEOI:
		s->rotate_on_auto_eoi = command == OCW2_SET_ROTATE_AEOI;
		break;
	case OCW2_EOI:
	case OCW2_ROTATE_EOI:
		/* In special mask mode it leaves masked inputs in service. */
		prio = pic_priority(s, s->special_mask ? s->isr & ~s->imr : s->isr);
		if (prio < NO_PRIORITY)
			pic_end_service(s, (prio + s->priority_add) & 7,
					command == OCW2_ROTATE_EOI);
		break;
	case OCW2_SPECIFIC_EOI:
	case OCW2_ROTATE_SPECIFIC_EOI:
		pic_end_service(s, level, command == OCW2_ROTATE_SPECIFIC_EOI);
		break;
	case OCW2_SET_PRIORITY:
		s->priority_add = (level + 1) & 7;
		break;
	case OCW2_NOP:
		break;
	}
}

static void pic_write_ocw3(struct kvm_pic_state *s, u8 val)
{
	if (val & OCW3_POLL)
		s->poll = 1;
	if (val & OCW3_RR)
		s->read_reg_select = !!(val & OCW3_RIS);
	if (val & OCW3_ESMM)
		s->special_mask = !!(val & OCW3_SMM);
}

static void pic_write_data(struct kvm_pic_state *s, u8 val)
{
	switch (s->init_state) {
	case PIC_READY:
		s->imr = val;
		break;
	case PIC_WANTS_ICW2:
		s->irq_base = val & 0xf8;
		s->init_state = PIC_WANTS_ICW3;
		break;
	case PIC_WANTS_ICW3:	/* the wiring is fixed */
		s->init_state = s->init4 ? PIC_WANTS_ICW4 : PIC_READY;
		break;
	case PIC_WANTS_ICW4:
		s->special_fully_nested_mode = !!(val & ICW4_SFNM);
		s->auto_eoi = !!(val & ICW4_AEOI);
		s->init_state = PIC_READY;
		break;
	}
}

/**
 * nst_pic_pair_write() - the processor writes a register
 * @pair: the pair
 * @which: 0 master, 1 slave
 * @a0: address line A0: false the command port, true the data port
 * @val: the byte
 */
void nst_pic_pair_write(struct nst_pic_pair *pair, unsigned int which, bool a0, u8 val)
{
	struct kvm_pic_state *s = &pair->chip[which];

	if (a0)
		pic_write_data(s, val);
	else if (val & ICW1_SELECT)
		pic_write_icw1(s, val);
	else if (val & OCW3_SELECT)
		pic_write_ocw3(s, val);
	else
		pic_write_ocw2(s, val);
	pic_update_cascade(pair);
}

/* After a poll command a read acknowledges in place of INTA. */
static u8 pic_poll(struct nst_pic_pair *pair, unsigned int which)
{
	int irq = pic_pending(pair, which);

	pair->chip[which].poll = 0;
	if (irq < 0)
		return 0;
	pic_chip_ack(&pair->chip[which], irq);
	pic_update_cascade(pair);
	return POLL_PENDING | irq;
}

/**
 * nst_pic_pair_read() - the processor reads a register
 * @pair: the pair
 * @which: 0 master, 1 slave
 * @a0: address line A0
 *
 * Return: the byte.
 */
u8 nst_pic_pair_read(struct nst_pic_pair *pair, unsigned int which, bool a0)
{
	struct kvm_pic_state *s = &pair->chip[which];

	if (s->poll)
		return pic_poll(pair, which);
	if (a0)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

/**
 * nst_pic_pair_set_elcr() - choose level or edge triggering
 * @pair: the pair
 * @which: 0 master, 1 slave
 * @val: one bit an input, set: level-triggered
 */
void nst_pic_pair_set_elcr(struct nst_pic_pair *pair, unsigned int which, u8 val)
{
	struct kvm_pic_state *s = &pair->chip[which];

	s->elcr = val & s->elcr_mask;
	/* An input that is level-triggered now requests while it is high. */
	s->irr = (s->irr & ~s->elcr) | (s->last_irr & s->elcr);
	pic_update_cascade(pair);
}

/**
 * nst_pic_pair_restore() - take over state that userspace gives
 * @pair: the pair
 * @which: 0 master, 1 slave
 * @s: untrusted; brought into range
 */
void nst_pic_pair_restore(struct nst_pic_pair *pair, unsigned int which,
			  const struct kvm_pic_state *s)
{
	struct kvm_pic_state *to = &pair->chip[which];

	*to = *s;
	to->priority_add &= 7;
	to->init_state &= 3;
	to->elcr_mask = pic_elcr_masks[which];
	to->elcr &= to->elcr_mask;
	pic_update_cascade(pair);
}
