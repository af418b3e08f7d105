// SPDX-License-Identifier: GPL-2.0-only
/* The table of VMCS fields: every encoding of 16 bits, and VMREAD after VMWRITE. */
#include <stdlib.h>
#include "nested/vmcs12.h"
#include "nested/vmx_caps.h"
#include "tap.h"

static struct nvmx_caps all, none;

static void test_encodings(void)
{
	const struct nvmx_field *f;
	unsigned int fields = 0, high = 0, wrong = 0;
	u32 enc;

	for (unsigned int i = 0; (f = nvmx_field_row(i, &enc)); i++) {
		if (!f->name)
			continue;
		fields++;
		wrong += nvmx_field(&all, enc) != f;
	}
	tap_ok(fields >= 142, "%u fields", fields);
	tap_ok(!wrong, "each is found by its encoding");
	fields = 0;
	for (enc = 0; enc < 0x10000; enc++) {
		f = nvmx_field(&all, enc);
		fields += f && !(enc & 1);
		high += f && (enc & 1);
		wrong += f && (enc & 1) && f->width != NVMX_WIDTH_64;
		wrong += f && ((enc >> 13) & 3) != f->width;
		/* Type 1 is for what an exit tells: read-only. */
		wrong += f && (((enc >> 10) & 3) == 1) != f->read_only;
	}
	tap_ok(!wrong, "width, kind and high half follow from the encoding");
	tap_ok(high == 33, "%u of %u fields have a high half", high, fields);
	tap_ok(!nvmx_field(&all, 1ull << 32 | GUEST_RIP) && !nvmx_field(&all, 0x1000 | GUEST_RIP) &&
	       !nvmx_field(&all, 0x8000 | GUEST_RIP), "reserved bits name nothing");
	tap_ok(!nvmx_field(&all, GUEST_RIP + 0x40), "a large index names nothing");
}

static void test_needs(void)
{
	tap_ok(nvmx_field(&all, EPT_POINTER) && !nvmx_field(&none, EPT_POINTER) &&
	       !nvmx_field(&none, VIRTUAL_PROCESSOR_ID) &&
	       !nvmx_field(&none, VMX_PREEMPTION_TIMER_VALUE) && nvmx_field(&none, GUEST_RIP),
	       "a field of a control that is not offered is not there");
}

static void test_values(void)
{
	struct nvmx_vmcs12 v;
	const struct nvmx_field *f;
	unsigned int wrong = 0;
	u32 enc;

	/* Every field gets its own value; no field is another's neighbour by mistake. */
	memset(&v, 0, sizeof(v));
	for (unsigned int i = 0; (f = nvmx_field_row(i, &enc)); i++)
		if (f->name)
			nvmx_field_write(&v, f, enc, 0x1111111111111111ull * (enc % 13) + enc);
	for (unsigned int i = 0; (f = nvmx_field_row(i, &enc)); i++) {
		u64 want = 0x1111111111111111ull * (enc % 13) + enc;

		if (!f->name)
			continue;
		if (f->bytes < 8)
			want &= (1ull << (8 * f->bytes)) - 1;
		wrong += nvmx_field_read(&v, f, enc) != want;
	}
	tap_ok(!wrong, "VMREAD gives what VMWRITE stored, cut to the width");
	f = nvmx_field(&all, TSC_OFFSET);
	nvmx_field_write(&v, f, TSC_OFFSET, 0x1122334455667788ull);
	nvmx_field_write(&v, f, TSC_OFFSET_HIGH, 0xffffffffaabbccddull);
	tap_ok(v.tsc_offset == 0xaabbccdd55667788ull, "a write of the high half keeps the low one");
	tap_ok(nvmx_field_read(&v, f, TSC_OFFSET_HIGH) == 0xaabbccdd, "a read of the high half");
}

int main(void)
{
	nvmx_caps_fill(&none, 0, 0);
	none.may1[NVMX_PIN] = 0;
	none.may1[NVMX_PROC2] = 0;
	all = none;
	memset(all.may1, 0xff, sizeof(all.may1));
	test_encodings();
	test_needs();
	test_values();
	return tap_done();
}
