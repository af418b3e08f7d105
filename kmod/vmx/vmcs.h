/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * VMX instructions and typed access to the current VMCS.
 *
 * A field's width is part of its encoding (SDM3 "Field Encoding in VMCS"), so
 * an accessor of the wrong width fails at compile time.  A VMREAD or VMWRITE
 * that fails at run time is our bug: it kills the VM whose VMCS is current.
 * When it faults instead, kexec or a reboot has switched VMX off under us: the
 * access is then skipped, and the next entry reports it.
 */
#ifndef VMX_VMCS_H
#define VMX_VMCS_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <asm/asm.h>
#include <asm/vmx.h>

/* The page-modification log fills from its last entry down. */
#define VMX_PML_ENTRIES		512
#define VMX_PML_FIRST		(VMX_PML_ENTRIES - 1)

/* Bits 14:13 of an encoding. */
enum vmcs_width { VMCS_16, VMCS_64, VMCS_32, VMCS_NATURAL };

static __always_inline enum vmcs_width vmcs_width(unsigned long field)
{
	return (field >> 13) & 3;
}

const char *vmcs_field_name(unsigned long field);
void vmcs_access_failed(const char *insn, unsigned long field);

/* The field's value; false when the instruction failed or faulted. */
static __always_inline bool vmcs_try_read(unsigned long field, unsigned long *val)
{
	asm goto("1: vmread %[field], (%[val])\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [field] "r" (field), [val] "r" (val)
		 : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline bool vmcs_try_write(unsigned long field, unsigned long val)
{
	asm goto("1: vmwrite %[val], %[field]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [field] "r" (field), [val] "rm" (val)
		 : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline unsigned long vmcs_read_any(unsigned long field)
{
	unsigned long val = 0;

	if (unlikely(!vmcs_try_read(field, &val)))
		vmcs_access_failed("VMREAD", field);
	return val;
}

static __always_inline void vmcs_write_any(unsigned long field, unsigned long val)
{
	if (unlikely(!vmcs_try_write(field, val)))
		vmcs_access_failed("VMWRITE", field);
}

#define VMCS_CHECK_WIDTH(field, width)						\
	BUILD_BUG_ON_MSG(__builtin_constant_p(field) && vmcs_width(field) != (width), \
			 "VMCS field accessed with another width than its own")

#define VMCS_ACCESSORS(suffix, type, width)					\
static __always_inline type vmcs_read##suffix(unsigned long field)		\
{										\
	VMCS_CHECK_WIDTH(field, width);						\
	return vmcs_read_any(field);						\
}										\
static __always_inline void vmcs_write##suffix(unsigned long field, type val)	\
{										\
	VMCS_CHECK_WIDTH(field, width);						\
	vmcs_write_any(field, val);						\
}

VMCS_ACCESSORS(16, u16, VMCS_16)
VMCS_ACCESSORS(32, u32, VMCS_32)
VMCS_ACCESSORS(64, u64, VMCS_64)
VMCS_ACCESSORS(l, unsigned long, VMCS_NATURAL)

#undef VMCS_ACCESSORS

/* ---- instructions that take a pointer; false: failed or faulted ---- */

static __always_inline bool vmx_vmxon(u64 region)
{
	asm goto("1: vmxon %[region]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [region] "m" (region) : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline bool vmx_vmxoff(void)
{
	asm goto("1: vmxoff\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline bool vmx_vmclear(u64 vmcs)
{
	asm goto("1: vmclear %[vmcs]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [vmcs] "m" (vmcs) : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline bool vmx_vmptrld(u64 vmcs)
{
	asm goto("1: vmptrld %[vmcs]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [vmcs] "m" (vmcs) : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline bool vmx_invept(unsigned long type, u64 eptp)
{
	struct {
		u64 eptp;
		u64 reserved;
	} desc = { eptp, 0 };

	asm goto("1: invept %[desc], %[type]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [desc] "m" (desc), [type] "r" (type) : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

static __always_inline bool vmx_invvpid(unsigned long type, u16 vpid, u64 gva)
{
	struct {
		u64 vpid;
		u64 gva;
	} desc = { vpid, gva };

	asm goto("1: invvpid %[desc], %[type]\n\t"
		 "jbe %l[failed]\n\t"
		 _ASM_EXTABLE(1b, %l[failed])
		 : : [desc] "m" (desc), [type] "r" (type) : "cc", "memory" : failed);
	return true;
failed:
	return false;
}

#endif /* VMX_VMCS_H */
