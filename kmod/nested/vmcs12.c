// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fields of a VMCS as a table that VMREAD, VMWRITE and dumps read.
 * An encoding is taken apart into the index of its row, so that finding one
 * costs a few shifts.  SDM3 "Encodings for VM-Entry, VM-Exit and VM-Execution
 * Controls".  Pure.
 */
#include "vmcs12.h"
#include "vmx_caps.h"

/* SDM3 "Structure of VMCS Component Encoding". */
#define ENC_HIGH		BIT(0)
#define ENC_INDEX_SHIFT		1
#define ENC_INDEX_BITS		9
#define ENC_TYPE_SHIFT		10
#define ENC_WIDTH_SHIFT		13
#define ENC_RESERVED		(~0x6ffful)

/* Indexes in use fit into fewer bits than the encoding has for them. */
#define ROW_INDEX_BITS		5
#define ROW_INDEX_MASK		(BIT(ROW_INDEX_BITS) - 1)
#define ROW_TYPE_BITS		2

#define ROW_INDEX(enc)		(((enc) >> ENC_INDEX_SHIFT) & ROW_INDEX_MASK)
#define ROW_TYPE(enc)		(((enc) >> ENC_TYPE_SHIFT) & 3)
#define ROW_WIDTH(enc)		(((enc) >> ENC_WIDTH_SHIFT) & 3)
#define ROW(enc)		(((ROW_WIDTH(enc) << ROW_TYPE_BITS) | ROW_TYPE(enc)) \
				 << ROW_INDEX_BITS | ROW_INDEX(enc))
#define NR_ROWS			(4 << (ROW_TYPE_BITS + ROW_INDEX_BITS))

#define R(width, member, count)

/* A row's place names its encoding: this is checked when it is compiled. */
#define F(width_, access, encoding, member, need_) \
	static_assert(((encoding) >> (ENC_INDEX_SHIFT + ROW_INDEX_BITS) & \
		       (BIT(ENC_INDEX_BITS - ROW_INDEX_BITS) - 1)) == 0); \
	static_assert(ROW_WIDTH(encoding) == NVMX_WIDTH_##width_);
NVMX_FIELDS(F, R)
#undef F

#define NEED_ALWAYS		0
#define NEED_EPT		(VMX_FEATURE_EPT + 1)
#define NEED_PAGE_MOD_LOGGING	(VMX_FEATURE_PAGE_MOD_LOGGING + 1)
#define NEED_PAUSE_LOOP_EXITING	(VMX_FEATURE_PAUSE_LOOP_EXITING + 1)
#define NEED_POSTED_INTR	(VMX_FEATURE_POSTED_INTR + 1)
#define NEED_PREEMPTION_TIMER	(VMX_FEATURE_PREEMPTION_TIMER + 1)
#define NEED_SEC_CONTROLS	(VMX_FEATURE_SEC_CONTROLS + 1)
#define NEED_SHADOW_VMCS	(VMX_FEATURE_SHADOW_VMCS + 1)
#define NEED_TSC_SCALING	(VMX_FEATURE_TSC_SCALING + 1)
#define NEED_VIRTUAL_TPR	(VMX_FEATURE_VIRTUAL_TPR + 1)
#define NEED_VIRT_APIC_ACCESSES	(VMX_FEATURE_VIRT_APIC_ACCESSES + 1)
#define NEED_VIRT_INTR_DELIVERY	(VMX_FEATURE_VIRT_INTR_DELIVERY + 1)
#define NEED_VMFUNC		(VMX_FEATURE_VMFUNC + 1)
#define NEED_VPID		(VMX_FEATURE_VPID + 1)
#define NEED_XSAVES		(VMX_FEATURE_XSAVES + 1)

#define ACCESS_RW		false
#define ACCESS_RO		true

static const struct nvmx_field nvmx_rows[NR_ROWS] = {
#define F(width_, access, encoding, member, need_) [ROW(encoding)] = {		\
	.name = #encoding, .offset = offsetof(struct nvmx_vmcs12, member),	\
	.bytes = sizeof(((struct nvmx_vmcs12 *)0)->member),			\
	.width = NVMX_WIDTH_##width_, .read_only = ACCESS_##access,		\
	.need = NEED_##need_ },
	NVMX_FIELDS(F, R)
#undef F
#undef R
};

/**
 * nvmx_field() - find the field that an encoding names
 * @caps: what L1's CPU offers; a field of something that it lacks is not there
 * @encoding: operand of VMREAD or VMWRITE, all 64 bits
 *
 * Return: the row, or NULL (VM-instruction error 12).
 */
const struct nvmx_field *nvmx_field(const struct nvmx_caps *caps, u64 encoding)
{
	const struct nvmx_field *f;

	if (encoding & ENC_RESERVED)
		return NULL;
	if ((encoding >> ENC_INDEX_SHIFT) & (BIT(ENC_INDEX_BITS) - 1) & ~ROW_INDEX_MASK)
		return NULL;
	f = &nvmx_rows[ROW(encoding)];
	/* Only 64-bit fields have a high half to name. */
	if (!f->name || ((encoding & ENC_HIGH) && f->width != NVMX_WIDTH_64))
		return NULL;
	return f->need && !nvmx_caps_offer(caps, f->need - 1) ? NULL : f;
}

/**
 * nvmx_field_half() - what an encoding names of a field's value
 * @val: of the whole field
 * @encoding: tells if the high half is asked for
 *
 * Return: the part.
 */
u64 nvmx_field_half(u64 val, u64 encoding)
{
	return encoding & ENC_HIGH ? val >> 32 : val;
}

/**
 * nvmx_field_merge() - the value of a field after a VMWRITE
 * @old: before
 * @encoding: tells if the high half is written
 * @val: what is written
 *
 * Return: the value.
 */
u64 nvmx_field_merge(u64 old, u64 encoding, u64 val)
{
	return encoding & ENC_HIGH ? val << 32 | (u32)old : val;
}

/**
 * nvmx_field_read() - VMREAD
 * @v: the VMCS
 * @f: row of the field
 * @encoding: tells if the high half is asked for
 *
 * Return: the value, zero-extended.
 */
u64 nvmx_field_read(const struct nvmx_vmcs12 *v, const struct nvmx_field *f, u64 encoding)
{
	const u8 *at = (const u8 *)v + f->offset;
	u64 val = 0;

	memcpy(&val, at, f->bytes);
	return nvmx_field_half(val, encoding);
}

/**
 * nvmx_field_write() - VMWRITE
 * @v: the VMCS
 * @f: row of the field
 * @encoding: tells if the high half is written
 * @val: the value, of which the field keeps what it has bits for
 *
 * Return: true when the field has another value than before.
 */
bool nvmx_field_write(struct nvmx_vmcs12 *v, const struct nvmx_field *f, u64 encoding, u64 val)
{
	u8 *at = (u8 *)v + f->offset;
	u64 old = 0;

	memcpy(&old, at, f->bytes);
	val = nvmx_field_merge(old, encoding, val);
	if (!memcmp(at, &val, f->bytes))
		return false;
	memcpy(at, &val, f->bytes);
	return true;
}

/**
 * nvmx_field_type() - which part of a VMCS a field belongs to
 * @encoding: of a field that exists
 *
 * Return: the type.
 */
enum nvmx_type nvmx_field_type(u64 encoding)
{
	return ROW_TYPE(encoding);
}

/**
 * nvmx_last_field() - highest index of any field
 * @caps: what L1's CPU offers
 *
 * Return: bits 9:1 of IA32_VMX_VMCS_ENUM.
 */
u32 nvmx_last_field(const struct nvmx_caps *caps)
{
	u32 last = 0;

	for (u32 i = 0; i < NR_ROWS; i++) {
		const struct nvmx_field *f = &nvmx_rows[i];

		if (f->name && (i & ROW_INDEX_MASK) > last &&
		    (!f->need || nvmx_caps_offer(caps, f->need - 1)))
			last = i & ROW_INDEX_MASK;
	}
	return last;
}

/**
 * nvmx_field_row() - walk over the table
 * @i: 0, 1, …
 * @encoding: encoding of the row
 *
 * Return: the row, whose name is NULL where the table has a gap; NULL at its end.
 */
const struct nvmx_field *nvmx_field_row(unsigned int i, u32 *encoding)
{
	if (i >= NR_ROWS)
		return NULL;
	*encoding = (i & ROW_INDEX_MASK) << ENC_INDEX_SHIFT |
		    ((i >> ROW_INDEX_BITS) & 3) << ENC_TYPE_SHIFT |
		    (i >> (ROW_INDEX_BITS + ROW_TYPE_BITS)) << ENC_WIDTH_SHIFT;
	return &nvmx_rows[i];
}
