// SPDX-License-Identifier: GPL-2.0-only
/*
 * The UART that every PC operating system can talk to (TI PC16550D datasheet).
 * Its line is infinitely fast: what is sent has left at once, so the
 * transmitter is always empty. Input waits outside until the FIFO has room.
 */
#include "vmm/ports.h"
#include "vmm/serial.h"

#include <linux/serial_reg.h>

#define IER_BITS	(UART_IER_MSI | UART_IER_RLSI | UART_IER_THRI | UART_IER_RDI)
#define MCR_BITS	(UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_OUT1 | UART_MCR_RTS | \
			 UART_MCR_DTR)
#define FCR_BITS	(UART_FCR_TRIGGER_MASK | UART_FCR_ENABLE_FIFO)
#define IIR_FIFO_ON	0xc0
#define MSR_CONNECTED	(UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS)

static unsigned int fifo_size(const struct serial *uart)
{
	return uart->fcr & UART_FCR_ENABLE_FIFO ? SERIAL_FIFO : 1;
}

static unsigned int trigger_level(const struct serial *uart)
{
	static const u8 levels[] = { 1, 4, 8, 14 };

	if (!(uart->fcr & UART_FCR_ENABLE_FIFO))
		return 1;
	return levels[uart->fcr >> 6 & 3];
}

/* The modem lines: a willing peer, or our own outputs when looped back. */
static u8 modem_status(const struct serial *uart)
{
	u8 status = 0;

	if (!(uart->mcr & UART_MCR_LOOP))
		return MSR_CONNECTED;
	if (uart->mcr & UART_MCR_RTS)
		status |= UART_MSR_CTS;
	if (uart->mcr & UART_MCR_DTR)
		status |= UART_MSR_DSR;
	if (uart->mcr & UART_MCR_OUT1)
		status |= UART_MSR_RI;
	if (uart->mcr & UART_MCR_OUT2)
		status |= UART_MSR_DCD;
	return status;
}

/* The highest pending interrupt in the datasheet's order, or UART_IIR_NO_INT. */
static u8 pending(const struct serial *uart)
{
	if ((uart->ier & UART_IER_RLSI) && uart->overrun)
		return UART_IIR_RLSI;
	if ((uart->ier & UART_IER_RDI) && uart->count)
		return uart->count >= trigger_level(uart) ? UART_IIR_RDI : UART_IIR_RX_TIMEOUT;
	if ((uart->ier & UART_IER_THRI) && uart->tx_empty_irq)
		return UART_IIR_THRI;
	if ((uart->ier & UART_IER_MSI) && uart->msr_delta)
		return UART_IIR_MSI;
	return UART_IIR_NO_INT;
}

/* A PC gates the interrupt with OUT2. */
static void update_line(struct serial *uart)
{
	bool level = (uart->mcr & UART_MCR_OUT2) && pending(uart) != UART_IIR_NO_INT;

	if (level == uart->line)
		return;
	uart->line = level;
	/* Only a VM that is gone refuses; then nobody is left to be interrupted. */
	nl_vm_irq_line(uart->vm, COM1_IRQ, level);
}

static void push(struct serial *uart, u8 byte)
{
	if (uart->count == fifo_size(uart)) {
		uart->overrun = true;
		return;
	}
	uart->fifo[(uart->head + uart->count++) % SERIAL_FIFO] = byte;
}

static u8 pop(struct serial *uart)
{
	u8 byte;

	if (!uart->count)
		return 0;
	byte = uart->fifo[uart->head];
	uart->head = (uart->head + 1) % SERIAL_FIFO;
	uart->count--;
	return byte;
}

static bool divisor_latched(const struct serial *uart)
{
	return uart->lcr & UART_LCR_DLAB;
}

static u8 read_iir(struct serial *uart)
{
	u8 id = pending(uart);

	if (id == UART_IIR_THRI)
		uart->tx_empty_irq = false;
	return id | (uart->fcr & UART_FCR_ENABLE_FIFO ? IIR_FIFO_ON : 0);
}

static u8 read_lsr(struct serial *uart)
{
	u8 value = UART_LSR_TEMT | UART_LSR_THRE;

	if (uart->count)
		value |= UART_LSR_DR;
	if (uart->overrun)
		value |= UART_LSR_OE;
	uart->overrun = false;
	return value;
}

static u8 read_msr(struct serial *uart)
{
	u8 value = modem_status(uart) | uart->msr_delta;

	uart->msr_delta = 0;
	return value;
}

static u32 serial_read(void *dev, unsigned int offset, unsigned int size)
{
	struct serial *uart = dev;
	u8 value = 0;

	(void)size;
	pthread_mutex_lock(&uart->lock);
	switch (offset) {
	case UART_RX:
		value = divisor_latched(uart) ? uart->divisor[0] : pop(uart);
		break;
	case UART_IER:
		value = divisor_latched(uart) ? uart->divisor[1] : uart->ier;
		break;
	case UART_IIR:
		value = read_iir(uart);
		break;
	case UART_LCR:
		value = uart->lcr;
		break;
	case UART_MCR:
		value = uart->mcr;
		break;
	case UART_LSR:
		value = read_lsr(uart);
		break;
	case UART_MSR:
		value = read_msr(uart);
		break;
	case UART_SCR:
		value = uart->scratch;
		break;
	}
	update_line(uart);
	if (offset == UART_RX)
		uart->room(uart->ctx);
	pthread_mutex_unlock(&uart->lock);
	return value;
}

static void write_ier(struct serial *uart, u8 value)
{
	/* Switching the interrupt on with an empty transmitter raises it at once. */
	if ((value & UART_IER_THRI) && !(uart->ier & UART_IER_THRI))
		uart->tx_empty_irq = true;
	uart->ier = value & IER_BITS;
	uart->room(uart->ctx);
}

static void write_fcr(struct serial *uart, u8 value)
{
	bool toggled = (value ^ uart->fcr) & UART_FCR_ENABLE_FIFO;

	if (toggled || (value & UART_FCR_CLEAR_RCVR)) {
		uart->count = 0;
		uart->room(uart->ctx);
	}
	uart->fcr = value & UART_FCR_ENABLE_FIFO ? value & FCR_BITS : 0;
}

static void write_mcr(struct serial *uart, u8 value)
{
	u8 before = modem_status(uart);
	u8 changed;

	uart->mcr = value & MCR_BITS;
	changed = before ^ modem_status(uart);
	/* The delta bits lie four below their lines; RI counts only when it falls. */
	changed &= ~(UART_MSR_RI & ~before);
	uart->msr_delta |= changed >> 4;
	uart->room(uart->ctx);
}

/* Returns true when the byte goes out to the line. */
static bool write_data(struct serial *uart, u8 value)
{
	if (divisor_latched(uart)) {
		uart->divisor[0] = value;
		return false;
	}
	uart->tx_empty_irq = true;
	if (!(uart->mcr & UART_MCR_LOOP))
		return true;
	push(uart, value);
	return false;
}

static void serial_write(void *dev, unsigned int offset, unsigned int size, u32 value)
{
	struct serial *uart = dev;
	bool send = false;

	(void)size;
	pthread_mutex_lock(&uart->lock);
	switch (offset) {
	case UART_TX:
		send = write_data(uart, (u8)value);
		break;
	case UART_IER:
		if (divisor_latched(uart))
			uart->divisor[1] = (u8)value;
		else
			write_ier(uart, (u8)value);
		break;
	case UART_FCR:
		write_fcr(uart, (u8)value);
		break;
	case UART_LCR:
		uart->lcr = (u8)value;
		break;
	case UART_MCR:
		write_mcr(uart, (u8)value);
		break;
	case UART_SCR:
		uart->scratch = (u8)value;
		break;
	}
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);

	/* Sending may block on a slow reader; input must go on meanwhile. */
	if (send)
		uart->send(uart->ctx, (u8)value);
}

/**
 * serial_init() - Attach the UART
 * @uart: the callbacks and their context are set by the caller
 * @bus: where
 * @vm: whose interrupt line it drives
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int serial_init(struct serial *uart, struct bus *bus, const struct nl_vm *vm)
{
	const struct port_range range = {
		COM1_PORT, COM1_PORTS, 1, uart, serial_read, serial_write,
	};

	pthread_mutex_init(&uart->lock, NULL);
	uart->vm = vm;
	return bus_add(bus, &range);
}

/**
 * serial_wants_input() - Is there room for a byte from outside?
 * @uart: the UART
 * @patient: the sender would rather wait than lose bytes: wait for the receive
 *           interrupt to be on, and for RTS as any sender with a hardware
 *           handshake, because a driver that only starts empties the FIFO
 *
 * Return: true when serial_receive() would not lose the byte.
 */
bool serial_wants_input(struct serial *uart, bool patient)
{
	bool listening, wants;

	pthread_mutex_lock(&uart->lock);
	listening = (uart->ier & UART_IER_RDI) && (uart->mcr & UART_MCR_RTS);
	wants = uart->count < fifo_size(uart) && !(uart->mcr & UART_MCR_LOOP);
	if (patient && !listening)
		wants = false;
	pthread_mutex_unlock(&uart->lock);
	return wants;
}

/**
 * serial_receive() - A byte arrives from outside
 * @uart: the UART
 * @byte: which; lost, with the overrun bit set, when there is no room
 */
void serial_receive(struct serial *uart, u8 byte)
{
	pthread_mutex_lock(&uart->lock);
	if (!(uart->mcr & UART_MCR_LOOP))
		push(uart, byte);
	update_line(uart);
	pthread_mutex_unlock(&uart->lock);
}

/**
 * serial_input() - Bytes arrive from outside, as many as there is room for
 * @uart: the UART
 * @bytes: what
 * @nr: how many
 * @patient: see serial_wants_input()
 *
 * Return: how many it took.
 */
unsigned int serial_input(struct serial *uart, const u8 *bytes, unsigned int nr, bool patient)
{
	unsigned int done = 0;

	while (done < nr && serial_wants_input(uart, patient))
		serial_receive(uart, bytes[done++]);
	return done;
}
