/* SPDX-License-Identifier: GPL-2.0-only */
/* Bytes appended one after the other into a buffer of fixed size. Pure. */
#ifndef VMM_BLOB_H
#define VMM_BLOB_H

#include "lib/types.h"

struct blob {
	u8 *bytes;
	size_t room;
	size_t len;
	bool overflow;		/* something did not fit; sticky */
};

void blob_put(struct blob *b, const void *bytes, size_t len);
void blob_int(struct blob *b, u64 value, unsigned int bytes);
void blob_zero(struct blob *b, size_t len);
void blob_align(struct blob *b, size_t align);
void blob_set(struct blob *b, size_t at, u64 value, unsigned int bytes);
u8 blob_sum(const struct blob *b, size_t from, size_t to);

#endif
