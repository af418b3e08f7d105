// SPDX-License-Identifier: GPL-2.0-only
/*
 * An append-only buffer. Overflow is remembered, not reported, so that a table
 * can be written straight down and checked once at its end. Pure.
 */
#include <string.h>

#include "vmm/blob.h"

/**
 * blob_put() - Append bytes
 * @b: the buffer
 * @bytes: what
 * @len: how many
 */
void blob_put(struct blob *b, const void *bytes, size_t len)
{
	if (len > b->room - b->len) {
		b->overflow = true;
		return;
	}
	memcpy(b->bytes + b->len, bytes, len);
	b->len += len;
}

/**
 * blob_int() - Append a little-endian integer
 * @b: the buffer
 * @value: what
 * @bytes: its width, 1 to 8
 */
void blob_int(struct blob *b, u64 value, unsigned int bytes)
{
	blob_put(b, &value, bytes);
}

/**
 * blob_zero() - Append zeroes
 * @b: the buffer
 * @len: how many
 */
void blob_zero(struct blob *b, size_t len)
{
	while (len--)
		blob_int(b, 0, 1);
}

/**
 * blob_align() - Append zeroes up to a multiple
 * @b: the buffer
 * @align: a power of two
 */
void blob_align(struct blob *b, size_t align)
{
	blob_zero(b, -b->len & (align - 1));
}

/**
 * blob_set() - Change an integer that was appended earlier
 * @b: the buffer
 * @at: offset of its first byte
 * @value: what
 * @bytes: its width, 1 to 8
 */
void blob_set(struct blob *b, size_t at, u64 value, unsigned int bytes)
{
	if (at > b->len || bytes > b->len - at) {
		b->overflow = true;
		return;
	}
	memcpy(b->bytes + at, &value, bytes);
}

/**
 * blob_sum() - Add up bytes, modulo 256
 * @b: the buffer
 * @from: offset of the first
 * @to: offset behind the last
 *
 * Return: the sum; 0 for a range that is not in the buffer.
 */
u8 blob_sum(const struct blob *b, size_t from, size_t to)
{
	u8 sum = 0;

	if (to > b->len)
		return 0;
	while (from < to)
		sum += b->bytes[from++];
	return sum;
}
