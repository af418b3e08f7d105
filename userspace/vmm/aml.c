// SPDX-License-Identifier: GPL-2.0-only
/*
 * AML is a prefix code whose bracketed terms start with their own length. A
 * bracket is opened with room for a two-byte length and closed when its end is
 * known, so that terms are written in reading order. Pure.
 */
#include <string.h>

#include "vmm/aml.h"
#include "vmm/ports.h"

/* ACPI "AML Byte Stream Byte Values". */
enum {
	AML_NAME_OP = 0x08,
	AML_BYTE_PREFIX = 0x0a,
	AML_DWORD_PREFIX = 0x0c,
	AML_SCOPE_OP = 0x10,
	AML_BUFFER_OP = 0x11,
	AML_PACKAGE_OP = 0x12,
	AML_EXT_PREFIX = 0x5b,
	AML_EXT_DEVICE_OP = 0x82,
};

/* ACPI "Resource Data Types for ACPI": small items, tag and length in one byte. */
enum {
	RES_IRQ_NO_FLAGS = 0x22,
	RES_IO_PORT = 0x47,
	RES_END_TAG = 0x79,
	RES_DWORD_SPACE = 0x87,
	RES_WORD_SPACE = 0x88,
};

/* Address space descriptors: what the range is, and that both its ends are fixed. */
enum { SPACE_MEMORY = 0, SPACE_BUS = 2 };

#define SPACE_FIXED		(BIT(2) | BIT(3))
#define SPACE_WRITABLE		BIT(0)
#define DWORD_SPACE_LEN		23
#define WORD_SPACE_LEN		13

#define RES_IO_DECODE16		1
#define PKG_LENGTH_BYTES	2
#define PKG_LENGTH_MAX		0xfff
#define PKG_LENGTH_TWO		BIT(6)	/* one more byte follows */

static size_t open_bracket(struct blob *b)
{
	size_t at = b->len;

	blob_zero(b, PKG_LENGTH_BYTES);
	return at;
}

/**
 * aml_close() - End a bracketed term
 * @b: the byte stream
 * @open: what the opening function returned
 */
void aml_close(struct blob *b, size_t open)
{
	size_t len = b->len - open;

	if (len > PKG_LENGTH_MAX) {
		b->overflow = true;
		return;
	}
	blob_set(b, open, PKG_LENGTH_TWO | (len & 0xf), 1);
	blob_set(b, open + 1, len >> 4, 1);
}

/**
 * aml_scope() - Open Scope (path) { ... }
 * @b: the byte stream
 * @path: in its encoded form, e.g. "\\_SB_"
 *
 * Return: for aml_close().
 */
size_t aml_scope(struct blob *b, const char *path)
{
	size_t open;

	blob_int(b, AML_SCOPE_OP, 1);
	open = open_bracket(b);
	blob_put(b, path, strlen(path));
	return open;
}

/**
 * aml_device() - Open Device (name) { ... }
 * @b: the byte stream
 * @name: four characters
 *
 * Return: for aml_close().
 */
size_t aml_device(struct blob *b, const char *name)
{
	size_t open;

	blob_int(b, AML_EXT_PREFIX, 1);
	blob_int(b, AML_EXT_DEVICE_OP, 1);
	open = open_bracket(b);
	blob_put(b, name, 4);
	return open;
}

/**
 * aml_name() - Write Name (name, ...); the object comes next
 * @b: the byte stream
 * @name: four characters
 */
void aml_name(struct blob *b, const char *name)
{
	blob_int(b, AML_NAME_OP, 1);
	blob_put(b, name, 4);
}

/**
 * aml_byte() - Write a small integer
 * @b: the byte stream
 * @value: which
 */
void aml_byte(struct blob *b, u8 value)
{
	blob_int(b, AML_BYTE_PREFIX, 1);
	blob_int(b, value, 1);
}

static u32 hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/**
 * aml_dword() - Write an integer of 32 bits
 * @b: the byte stream
 * @value: which
 */
void aml_dword(struct blob *b, u32 value)
{
	blob_int(b, AML_DWORD_PREFIX, 1);
	blob_int(b, value, 4);
}

/**
 * aml_eisaid() - Write an EISA identifier
 * @b: the byte stream
 * @id: three capital letters and four capital hexadecimal digits, "PNP0501"
 *
 * Letters are packed in five bits each, and the number is big-endian: ACPI
 * "_HID (Hardware ID)" takes this over from EISA.
 */
void aml_eisaid(struct blob *b, const char *id)
{
	u32 letters = (id[0] - '@') << 10 | (id[1] - '@') << 5 | (id[2] - '@');
	u32 number = hex_digit(id[3]) << 12 | hex_digit(id[4]) << 8 | hex_digit(id[5]) << 4 |
		     hex_digit(id[6]);

	aml_dword(b, __builtin_bswap32(letters << 16 | number));
}

/**
 * aml_package() - Open Package () { ... }
 * @b: the byte stream
 * @elements: how many follow
 *
 * Return: for aml_close().
 */
size_t aml_package(struct blob *b, u8 elements)
{
	size_t open;

	blob_int(b, AML_PACKAGE_OP, 1);
	open = open_bracket(b);
	blob_int(b, elements, 1);
	return open;
}

static void resource_buffer(struct blob *b, struct blob *r)
{
	size_t open;

	blob_int(r, RES_END_TAG, 1);
	blob_int(r, 0, 1);	/* a checksum of zero always holds */

	aml_name(b, "_CRS");
	blob_int(b, AML_BUFFER_OP, 1);
	open = open_bracket(b);
	aml_byte(b, r->len);
	blob_put(b, r->bytes, r->len);
	aml_close(b, open);
}

static void io_ports(struct blob *r, u16 port, u8 ports)
{
	blob_int(r, RES_IO_PORT, 1);
	blob_int(r, RES_IO_DECODE16, 1);
	blob_int(r, port, 2);
	blob_int(r, port, 2);
	blob_int(r, 1, 1);
	blob_int(r, ports, 1);
}

/**
 * aml_resources() - Write Name (_CRS, ResourceTemplate () { IO, IRQ })
 * @b: the byte stream
 * @port: first I/O port
 * @ports: how many
 * @irq: ISA interrupt, edge triggered
 */
void aml_resources(struct blob *b, u16 port, u8 ports, u8 irq)
{
	u8 bytes[32];
	struct blob r = { .bytes = bytes, .room = sizeof(bytes) };

	io_ports(&r, port, ports);
	blob_int(&r, RES_IRQ_NO_FLAGS, 1);
	blob_int(&r, 1u << irq, 2);
	resource_buffer(b, &r);
}

/**
 * aml_pci_root() - Write the _CRS of a PCI root bridge with bus 0 alone
 * @b: the byte stream
 * @window: guest-physical address of the memory that its devices may use
 * @size: bytes of it
 */
void aml_pci_root(struct blob *b, u32 window, u32 size)
{
	u8 bytes[64];
	struct blob r = { .bytes = bytes, .room = sizeof(bytes) };

	blob_int(&r, RES_WORD_SPACE, 1);
	blob_int(&r, WORD_SPACE_LEN, 2);
	blob_int(&r, SPACE_BUS, 1);
	blob_int(&r, SPACE_FIXED, 1);
	blob_zero(&r, 1 + 4 * 2);	/* flags, granularity, first, last, translation */
	blob_int(&r, 1, 2);
	io_ports(&r, PCI_ADDRESS_PORT, 8);
	blob_int(&r, RES_DWORD_SPACE, 1);
	blob_int(&r, DWORD_SPACE_LEN, 2);
	blob_int(&r, SPACE_MEMORY, 1);
	blob_int(&r, SPACE_FIXED, 1);
	blob_int(&r, SPACE_WRITABLE, 1);
	blob_int(&r, 0, 4);
	blob_int(&r, window, 4);
	blob_int(&r, window + size - 1, 4);
	blob_int(&r, 0, 4);
	blob_int(&r, size, 4);
	resource_buffer(b, &r);
}
