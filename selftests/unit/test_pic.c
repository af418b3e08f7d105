// SPDX-License-Identifier: GPL-2.0-only
/* The PIC pair: one function a behaviour of the 8259A data sheet. */
#include "irqchip/pic_logic.h"
#include "tap.h"

#define MASTER_BASE	0x20
#define SLAVE_BASE	0x28
#define NON_SPECIFIC_EOI 0x20
#define SPECIFIC_EOI	0x60
#define ROTATE_EOI	0xa0
#define SET_PRIORITY	0xc0
#define SET_ROTATE_AEOI	0x80
#define READ_IRR	0x0a
#define READ_ISR	0x0b
#define POLL		0x0c
#define SET_SMM		0x68
#define CLEAR_SMM	0x48
#define CMD		false
#define DATA		true

static struct nst_pic_pair pair;

static void init_chip(unsigned int which, u8 base, u8 icw4)
{
	nst_pic_pair_write(&pair, which, CMD, 0x11);
	nst_pic_pair_write(&pair, which, DATA, base);
	nst_pic_pair_write(&pair, which, DATA, which ? 2 : 4);
	nst_pic_pair_write(&pair, which, DATA, icw4);
	nst_pic_pair_write(&pair, which, DATA, 0);
}

static void init(void)
{
	nst_pic_pair_reset(&pair);
	init_chip(0, MASTER_BASE, 1);
	init_chip(1, SLAVE_BASE, 1);
}

static void eoi(unsigned int which)
{
	nst_pic_pair_write(&pair, which, CMD, NON_SPECIFIC_EOI);
}

static void edge(unsigned int pin)
{
	nst_pic_pair_line(&pair, pin, true);
	nst_pic_pair_line(&pair, pin, false);
}

static u8 read_reg(unsigned int which, u8 command)
{
	nst_pic_pair_write(&pair, which, CMD, command);
	return nst_pic_pair_read(&pair, which, CMD);
}

static void test_edge(void)
{
	init();
	tap_ok(!nst_pic_pair_output(&pair), "quiet after initialisation");
	tap_ok(nst_pic_pair_line(&pair, 3, true) == 1, "a rising edge is recorded");
	tap_ok(nst_pic_pair_line(&pair, 3, true) == 0, "a second one is coalesced");
	tap_ok(nst_pic_pair_output(&pair), "INT is high");
	tap_ok(nst_pic_pair_peek(&pair) == MASTER_BASE + 3, "a look at the vector");
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 3, "INTA returns it");
	tap_ok(!nst_pic_pair_output(&pair), "INT is low while it is served");
	tap_ok(read_reg(0, READ_ISR) == BIT(3), "ISR shows it");
	eoi(0);
	tap_ok(read_reg(0, READ_ISR) == 0, "EOI ends it");
	tap_ok(!nst_pic_pair_output(&pair), "a line that stays high is no new edge");
	edge(3);
	edge(3);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 3, "a pulse is latched");
	tap_ok(nst_pic_pair_ack(&pair) == -1, "INTA without a request is told apart");
}

static void test_level(void)
{
	init();
	nst_pic_pair_set_elcr(&pair, 0, 0xff);
	tap_ok(pair.chip[0].elcr == 0xf8, "inputs 0 to 2 cannot be level-triggered");
	nst_pic_pair_line(&pair, 5, true);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 5, "a level interrupts");
	eoi(0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 5, "and again while it is high");
	nst_pic_pair_line(&pair, 5, false);
	eoi(0);
	tap_ok(!nst_pic_pair_output(&pair), "and not when it fell");
	nst_pic_pair_line(&pair, 6, true);
	nst_pic_pair_line(&pair, 6, false);
	tap_ok(!nst_pic_pair_output(&pair), "a level that went away is forgotten");
}

static void test_priorities(void)
{
	init();
	edge(4);
	edge(1);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 1, "the lower number first");
	tap_ok(!nst_pic_pair_output(&pair), "a less important one waits");
	edge(0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE, "a more important one interrupts");
	eoi(0);
	tap_ok(read_reg(0, READ_ISR) == BIT(1), "EOI ends the most important");
	nst_pic_pair_write(&pair, 0, CMD, SPECIFIC_EOI | 1);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 4, "then the one that waited");
	nst_pic_pair_write(&pair, 0, DATA, BIT(6));
	eoi(0);
	edge(6);
	tap_ok(!nst_pic_pair_output(&pair), "a masked input waits");
	tap_ok(nst_pic_pair_line(&pair, 6, true) == -1, "and is reported as masked");
	tap_ok(read_reg(0, READ_IRR) == BIT(6), "its request shows in IRR");
	nst_pic_pair_write(&pair, 0, DATA, 0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 6, "until it is unmasked");
}

static void test_rotation(void)
{
	init();
	edge(2 + 1);
	nst_pic_pair_ack(&pair);
	nst_pic_pair_write(&pair, 0, CMD, ROTATE_EOI);
	edge(3);
	edge(4);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 4, "rotation: the served one is last");
	eoi(0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 3, "rotation: and comes after");
	eoi(0);
	nst_pic_pair_write(&pair, 0, CMD, SET_PRIORITY | 5);
	edge(5);
	edge(6);
	edge(0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 6, "set priority: 6 is first");
	eoi(0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE, "set priority: then 0");
	eoi(0);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 5, "set priority: 5 is last");
}

static void test_cascade(void)
{
	init();
	edge(8);
	edge(14);
	tap_ok(nst_pic_pair_ack(&pair) == SLAVE_BASE, "the slave's vector");
	tap_ok(read_reg(0, READ_ISR) == BIT(2), "the master serves input 2");
	tap_ok(read_reg(1, READ_ISR) == BIT(0), "the slave serves its own");
	eoi(1);
	tap_ok(!nst_pic_pair_output(&pair), "both need an EOI");
	eoi(0);
	tap_ok(nst_pic_pair_ack(&pair) == SLAVE_BASE + 6, "the slave's second request");
	edge(12);
	tap_ok(!nst_pic_pair_output(&pair), "fully nested: the slave waits for the master");
	eoi(1);
	eoi(0);
	tap_ok(nst_pic_pair_ack(&pair) == SLAVE_BASE + 4, "and comes after EOI");
	eoi(1);
	eoi(0);
	tap_ok(nst_pic_pair_line(&pair, 2, true) == -1, "input 2 has no outside");
	tap_ok(!nst_pic_pair_output(&pair), "and does not interrupt");
}

static void test_special_nesting(void)
{
	init();
	init_chip(0, MASTER_BASE, 0x11);
	edge(14);
	nst_pic_pair_ack(&pair);
	edge(8);
	tap_ok(nst_pic_pair_ack(&pair) == SLAVE_BASE,
	       "special fully nested: a more important input of the slave interrupts");
}

static void test_auto_eoi(void)
{
	init();
	init_chip(0, MASTER_BASE, 3);
	edge(1);
	nst_pic_pair_ack(&pair);
	tap_ok(read_reg(0, READ_ISR) == 0, "automatic EOI: nothing stays in service");
	nst_pic_pair_write(&pair, 0, CMD, SET_ROTATE_AEOI);
	edge(1);
	nst_pic_pair_ack(&pair);
	edge(1);
	edge(3);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 3, "automatic EOI rotates");
}

static void test_special_mask(void)
{
	init();
	edge(1);
	nst_pic_pair_ack(&pair);
	edge(4);
	tap_ok(!nst_pic_pair_output(&pair), "4 waits for 1");
	nst_pic_pair_write(&pair, 0, DATA, BIT(1));
	nst_pic_pair_write(&pair, 0, CMD, SET_SMM);
	tap_ok(nst_pic_pair_ack(&pair) == MASTER_BASE + 4,
	       "special mask: a masked input in service does not inhibit");
	eoi(0);
	tap_ok(read_reg(0, READ_ISR) == BIT(1), "special mask: EOI spares the masked");
	nst_pic_pair_write(&pair, 0, CMD, CLEAR_SMM);
	eoi(0);
	tap_ok(read_reg(0, READ_ISR) == 0, "and ends it afterwards");
}

static void test_poll(void)
{
	init();
	edge(6);
	tap_ok(read_reg(0, POLL) == (0x80 | 6), "poll acknowledges");
	tap_ok(read_reg(0, READ_ISR) == BIT(6), "poll puts it in service");
	eoi(0);
	tap_ok(read_reg(0, POLL) == 0, "poll with nothing to report");
}

static void test_initialisation(void)
{
	init();
	edge(5);
	nst_pic_pair_line(&pair, 3, true);
	init_chip(0, 0x47, 1);
	tap_ok(!nst_pic_pair_output(&pair), "ICW1 forgets edges");
	nst_pic_pair_line(&pair, 3, true);
	tap_ok(!nst_pic_pair_output(&pair), "a line that stayed high is no edge");
	edge(3);
	edge(3);
	tap_ok(nst_pic_pair_ack(&pair) == 0x40 + 3, "ICW2 sets the upper five bits");
	nst_pic_pair_write(&pair, 0, CMD, 0x10);
	nst_pic_pair_write(&pair, 0, DATA, 0x50);
	nst_pic_pair_write(&pair, 0, DATA, 4);
	nst_pic_pair_write(&pair, 0, DATA, 0xfb);
	tap_ok(nst_pic_pair_read(&pair, 0, DATA) == 0xfb, "without IC4 a mask follows ICW3");
}

static void test_restore(void)
{
	struct kvm_pic_state s;

	memset(&s, 0xff, sizeof(s));
	init();
	nst_pic_pair_restore(&pair, 0, &s);
	nst_pic_pair_restore(&pair, 1, &s);
	for (int i = 0; i < 64; i++) {
		nst_pic_pair_ack(&pair);
		nst_pic_pair_read(&pair, i & 1, i & 2);
		nst_pic_pair_write(&pair, i & 1, i & 2, i * 37);
		edge(i & 15);
	}
	tap_ok(pair.chip[0].elcr == 0xf8 && pair.chip[1].elcr == 0xde,
	       "hostile state is brought into range");
}

int main(void)
{
	test_edge();
	test_level();
	test_priorities();
	test_rotation();
	test_cascade();
	test_special_nesting();
	test_auto_eoi();
	test_special_mask();
	test_poll();
	test_initialisation();
	test_restore();
	return tap_done();
}
