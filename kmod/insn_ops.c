// SPDX-License-Identifier: GPL-2.0-only
/*
 * The emulator's callbacks: guest memory, ports, control and debug registers,
 * MSRs, as the vCPU has them.
 */
#include "nestor.h"
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/random.h>
#include "core.h"
#include "cpuid.h"
#include "guestmem.h"
#include "insn.h"
#include "irqchip/irqchip.h"
#include "mmu/mmu.h"
#include "msr.h"
#include "nested/nested.h"
#include "tsc.h"

static struct nst_vcpu *nst_vcpu_of(const struct nst_emul *e)
{
	return e->opaque;
}

/* ---- memory ---- */

static u8 nst_access_of(const struct nst_emul *e, u8 kind, u32 flags)
{
	if (flags & NST_EMUL_ACC_IMPLICIT)
		return kind | NST_ACCESS_IMPL;
	return e->cpl == 3 ? kind | NST_ACCESS_U : kind;
}

static enum nst_emul_result nst_translate(struct nst_emul *e, u64 lin, u8 access,
					  nst_gpa_t *gpa)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);
	struct nst_walk_fault fault;

	switch (nst_mmu_translate(vcpu, lin, access, gpa, &fault)) {
	case 0:
		return NST_EMUL_OK;
	case -EREMOTE:
		/* nst_mmu_stage2_fault() has the rest. */
		vcpu->exit = (struct nst_exit){
			.kind = NST_EXIT_TDP_FAULT, .raw_reason = NST_EXIT_BY_SOFTWARE,
		};
		return NST_EMUL_INTERCEPTED;
	default:
		return nst_emul_raise_pf(e, fault.error_code, fault.gva);
	}
}

/* An access in at most two pages: where each part lies. */
struct nst_span {
	nst_gpa_t gpa[2];
	unsigned int len[2];
};

/*
 * Did the CPU translate this access?  It did when it told where the access is,
 * and the instruction makes no other.
 */
static bool nst_span_known(const struct nst_emul *e, u64 lin, const struct nst_span *span)
{
	nst_gpa_t gpa = nst_vcpu_of(e)->insn->known_gpa;

	return gpa != NST_GPA_INVALID && !span->len[1] &&
	       offset_in_page(nst_gpa_raw(gpa)) == offset_in_page(lin) &&
	       nst_emul_only_operand(e);
}

static enum nst_emul_result nst_map_span(struct nst_emul *e, u64 lin, u32 len, u8 access,
					 struct nst_span *span)
{
	enum nst_emul_result ret;

	span->len[0] = min_t(u64, len, PAGE_SIZE - offset_in_page(lin));
	span->len[1] = len - span->len[0];
	if (nst_span_known(e, lin, span)) {
		span->gpa[0] = nst_vcpu_of(e)->insn->known_gpa;
		return NST_EMUL_OK;
	}
	ret = nst_translate(e, lin, access, &span->gpa[0]);
	if (ret == NST_EMUL_OK && span->len[1])
		ret = nst_translate(e, lin + span->len[0], access, &span->gpa[1]);
	return ret;
}

static enum nst_emul_result nst_from_ext(int ret)
{
	if (ret < 0)
		return NST_EMUL_UNKNOWN;
	return ret ? NST_EMUL_USER : NST_EMUL_OK;
}

/* Not in memory: a device, or a slot whose memory userspace has unmapped. */
static enum nst_emul_result nst_outside(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf,
					u32 len, bool write)
{
	if (nst_gpa_has_slot(vcpu, gpa, write)) {
		vcpu->insn->gone = true;
		return NST_EMUL_UNKNOWN;
	}
	return nst_from_ext(nst_ext_mmio(vcpu, gpa, buf, len, write));
}

/* L1 may have made something else of this place than memory. */
static enum nst_l1_access nst_ask_l1(const struct nst_emul *e, nst_gpa_t gpa, void *buf, u32 len,
				     u8 how)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);
	enum nst_l1_access ret = NST_L1_MEMORY;

	if (unlikely(vcpu->l1) && vcpu->l1->access)
		ret = vcpu->l1->access(vcpu, gpa, buf, len, how);
	if (ret == NST_L1_EXIT)
		vcpu->exit.insn_len = e->insn_len;
	return ret;
}

static enum nst_emul_result nst_ops_fetch(struct nst_emul *e, u64 lin, void *buf, u32 len)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);
	u8 access = nst_access_of(e, NST_ACCESS_X, 0);
	enum nst_emul_result ret;
	nst_gpa_t gpa;

	if (!nst_mmu_code_gpa(vcpu, lin, &gpa) &&
	    nst_mmu_translate_code(vcpu, lin, access & NST_ACCESS_U, &gpa)) {
		/* Once more, for what the fault is made of. */
		ret = nst_translate(e, lin, access, &gpa);
		if (ret != NST_EMUL_OK)
			return ret;
	}
	if (nst_ask_l1(e, gpa, buf, len, NST_ACCESS_X) == NST_L1_EXIT)
		return NST_EMUL_INTERCEPTED;
	if (!nst_vcpu_read_gpa(vcpu, gpa, buf, len))
		return NST_EMUL_OK;
	/* Code in a device's memory: nothing that we could run. */
	vcpu->insn->gone = nst_gpa_has_slot(vcpu, gpa, false);
	return NST_EMUL_UNKNOWN;
}

static enum nst_emul_result nst_read_part(struct nst_emul *e, nst_gpa_t gpa, void *buf, u32 len,
					  u8 how)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	switch (nst_ask_l1(e, gpa, buf, len, how)) {
	case NST_L1_DONE:
		return NST_EMUL_OK;
	case NST_L1_EXIT:
		return NST_EMUL_INTERCEPTED;
	default:
		break;
	}
	if (!nst_vcpu_read_gpa(vcpu, gpa, buf, len))
		return NST_EMUL_OK;
	return nst_outside(vcpu, gpa, buf, len, false);
}

static enum nst_emul_result nst_write_part(struct nst_emul *e, nst_gpa_t gpa, const void *buf,
					   u32 len, u8 how)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	switch (nst_ask_l1(e, gpa, (void *)buf, len, how)) {
	case NST_L1_DONE:
		return NST_EMUL_OK;
	case NST_L1_EXIT:
		return NST_EMUL_INTERCEPTED;
	default:
		break;
	}
	if (!nst_vcpu_write_gpa(vcpu, gpa, buf, len))
		return NST_EMUL_OK;
	return nst_outside(vcpu, gpa, (void *)buf, len, true);
}

static enum nst_emul_result nst_ops_read(struct nst_emul *e, u64 lin, void *buf, u32 len,
					 u32 flags)
{
	u8 kind = flags & NST_EMUL_ACC_RMW ? NST_ACCESS_R | NST_ACCESS_W : NST_ACCESS_R;
	u8 how = nst_access_of(e, kind, flags);
	enum nst_emul_result ret;
	struct nst_span span;

	ret = nst_map_span(e, lin, len, how, &span);
	for (int i = 0; i < 2 && ret == NST_EMUL_OK && span.len[i]; i++) {
		ret = nst_read_part(e, span.gpa[i], buf, span.len[i], how);
		buf += span.len[i];
	}
	return ret;
}

static enum nst_emul_result nst_ops_write(struct nst_emul *e, u64 lin, const void *buf,
					  u32 len, u32 flags)
{
	u8 how = nst_access_of(e, NST_ACCESS_W, flags);
	enum nst_emul_result ret;
	struct nst_span span;

	ret = nst_map_span(e, lin, len, how, &span);
	for (int i = 0; i < 2 && ret == NST_EMUL_OK && span.len[i]; i++) {
		ret = nst_write_part(e, span.gpa[i], buf, span.len[i], how);
		buf += span.len[i];
	}
	return ret;
}

static enum nst_emul_result nst_ops_probe_write(struct nst_emul *e, u64 lin, u32 len,
						u32 flags)
{
	struct nst_span span;

	return nst_map_span(e, lin, len, nst_access_of(e, NST_ACCESS_W, flags), &span);
}

static int nst_exchange(struct nst_vcpu *vcpu, nst_gpa_t gpa, const void *old, const void *new,
			u32 len)
{
	u64 expected[2] = { }, desired[2] = { };

	memcpy(expected, old, len);
	memcpy(desired, new, len);
	if (len > sizeof(u64))
		return nst_cmpxchg16_gpa(vcpu, gpa, expected, desired);
	return nst_cmpxchg_gpa(vcpu, gpa, expected, desired[0], len);
}

/*
 * Atomic when naturally aligned.  Other operands and devices: plain accesses,
 * which is all that a bus without LOCK# can do.
 */
static enum nst_emul_result nst_ops_cmpxchg(struct nst_emul *e, u64 lin, const void *old,
					    const void *new, u32 len, bool *done)
{
	enum nst_emul_result ret;
	nst_gpa_t gpa;
	int swapped;

	*done = true;
	if (lin & (len - 1))
		return nst_ops_write(e, lin, new, len, 0);
	ret = nst_translate(e, lin, nst_access_of(e, NST_ACCESS_R | NST_ACCESS_W, 0), &gpa);
	if (ret != NST_EMUL_OK)
		return ret;
	switch (nst_ask_l1(e, gpa, (void *)new, len, NST_ACCESS_W)) {
	case NST_L1_DONE:
		return NST_EMUL_OK;
	case NST_L1_EXIT:
		return NST_EMUL_INTERCEPTED;
	default:
		break;
	}
	swapped = nst_exchange(nst_vcpu_of(e), gpa, old, new, len);
	if (swapped < 0)
		return nst_ops_write(e, lin, new, len, 0);
	*done = !swapped;
	return NST_EMUL_OK;
}

/* ---- ports ---- */

static enum nst_emul_result nst_ops_pio_in(struct nst_emul *e, u16 port, u32 size, void *buf,
					   u32 count)
{
	return nst_from_ext(nst_ext_pio(nst_vcpu_of(e), port, size, buf, count, false));
}

static enum nst_emul_result nst_ops_pio_out(struct nst_emul *e, u16 port, u32 size,
					    const void *buf, u32 count)
{
	return nst_from_ext(nst_ext_pio(nst_vcpu_of(e), port, size, (void *)buf, count, true));
}

/* ---- registers ---- */

static enum nst_emul_result nst_ops_get_cr(struct nst_emul *e, u32 nr, u64 *val)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	nst_pull(vcpu, NST_STATE_CR);
	switch (nr) {
	case 0:
		*val = nst_cr0_seen(&vcpu->ctl, vcpu->st.cr0);
		break;
	case 2:
		*val = vcpu->st.cr2;
		break;
	case 3:
		*val = vcpu->st.cr3;
		break;
	case 4:
		*val = nst_cr4_seen(&vcpu->ctl, vcpu->st.cr4);
		break;
	default:
		*val = nst_get_cr8(vcpu);
		break;
	}
	return NST_EMUL_OK;
}

static bool nst_write_any_cr(struct nst_vcpu *vcpu, u32 nr, u64 val)
{
	switch (nr) {
	case 0:
		return nst_set_cr0(vcpu, nst_cr0_written(&vcpu->ctl, vcpu->st.cr0, val));
	case 2:
		vcpu->st.cr2 = val;
		vcpu->dirty |= NST_STATE_GPR;
		return true;
	case 3:
		return nst_set_cr3(vcpu, val);
	case 4:
		return nst_set_cr4(vcpu, nst_cr4_written(&vcpu->ctl, vcpu->st.cr4, val));
	default:
		return nst_set_cr8(vcpu, val);
	}
}

static enum nst_emul_result nst_ops_set_cr(struct nst_emul *e, u32 nr, u64 val)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	if (!nst_write_any_cr(vcpu, nr, val))
		return nst_emul_raise(e, X86_TRAP_GP, 0);
	e->cr0 = vcpu->st.cr0;
	e->cr4 = vcpu->st.cr4;
	e->efer = vcpu->st.efer;
	return NST_EMUL_OK;
}

/* SDM3 "Debug Control Register (DR7)", GD: any access faults. */
static enum nst_emul_result nst_general_detect(struct nst_emul *e)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	nst_pull(vcpu, NST_STATE_DR);
	if (!(nst_hw_dr7(vcpu) & NST_DR7_GD))
		return NST_EMUL_OK;
	nst_emul_raise(e, X86_TRAP_DB, -1);
	e->exc.payload = NST_DR6_BD;
	return NST_EMUL_FAULT;
}

static enum nst_emul_result nst_ops_get_dr(struct nst_emul *e, u32 nr, u64 *val)
{
	enum nst_emul_result r = nst_general_detect(e);
	int vector;

	if (r != NST_EMUL_OK)
		return r;
	vector = nst_get_dr(nst_vcpu_of(e), nr, val);
	return vector ? nst_emul_raise(e, vector, -1) : NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_set_dr(struct nst_emul *e, u32 nr, u64 val)
{
	enum nst_emul_result r = nst_general_detect(e);
	int vector;

	if (r != NST_EMUL_OK)
		return r;
	vector = nst_set_dr(nst_vcpu_of(e), nr, val);
	if (vector)
		return nst_emul_raise(e, vector, vector == X86_TRAP_GP ? 0 : -1);
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_rdmsr(struct nst_emul *e, u32 idx, u64 *val)
{
	if (nst_msr_get(nst_vcpu_of(e), idx, val, false))
		return nst_emul_raise(e, X86_TRAP_GP, 0);
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_wrmsr(struct nst_emul *e, u32 idx, u64 val)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	if (nst_msr_set(vcpu, idx, val, false))
		return nst_emul_raise(e, X86_TRAP_GP, 0);
	e->efer = vcpu->st.efer;
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_cpuid(struct nst_emul *e, u32 regs[4])
{
	nst_cpuid_query(nst_vcpu_of(e), &regs[0], &regs[1], &regs[2], &regs[3]);
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_rdtsc(struct nst_emul *e, u64 *val)
{
	*val = nst_tsc_read_current(nst_vcpu_of(e));
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_rdpmc(struct nst_emul *e, u32 idx, u64 *val)
{
	return nst_emul_raise(e, X86_TRAP_GP, 0);
}

static enum nst_emul_result nst_ops_xsetbv(struct nst_emul *e, u32 idx, u64 val)
{
	if (idx || !nst_set_xcr0(nst_vcpu_of(e), val))
		return nst_emul_raise(e, X86_TRAP_GP, 0);
	e->xcr0 = val;
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_xgetbv(struct nst_emul *e, u32 idx, u64 *val)
{
	if (idx)
		return nst_emul_raise(e, X86_TRAP_GP, 0);
	*val = nst_vcpu_of(e)->st.xcr0;
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_hlt(struct nst_emul *e)
{
	nst_vcpu_of(e)->mp_state = KVM_MP_STATE_HALTED;
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_invlpg(struct nst_emul *e, u64 lin)
{
	nst_mmu_invlpg(nst_vcpu_of(e), lin);
	return NST_EMUL_OK;
}

/* Kinds other than the first flush more than one address: all is no less. */
static enum nst_emul_result nst_ops_invpcid(struct nst_emul *e, u32 type, u16 pcid, u64 lin)
{
	u16 current_pcid = e->cr4 & X86_CR4_PCIDE ? nst_vcpu_of(e)->st.cr3 & X86_CR3_PCID_MASK : 0;

	if (!type && pcid == current_pcid)
		nst_mmu_invlpg(nst_vcpu_of(e), lin);
	else
		nst_mmu_flush_guest(nst_vcpu_of(e));
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_wbinvd(struct nst_emul *e, bool writeback)
{
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_get_dtr(struct nst_emul *e, enum nst_emul_desc which,
					    u64 *base, u16 *limit)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);
	const struct nst_dtable *dt = which == NST_DESC_GDT ? &vcpu->st.gdt : &vcpu->st.idt;

	nst_pull(vcpu, NST_STATE_DESC);
	*base = dt->base;
	*limit = dt->limit;
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_set_dtr(struct nst_emul *e, enum nst_emul_desc which,
					    u64 base, u16 limit)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);
	struct nst_dtable *dt = which == NST_DESC_GDT ? &vcpu->st.gdt : &vcpu->st.idt;

	nst_modify(vcpu, NST_STATE_DESC);
	dt->base = base;
	dt->limit = limit;
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_get_sys_seg(struct nst_emul *e, enum nst_emul_desc which,
						struct nst_emul_seg *seg)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);
	const struct nst_segment *from;

	nst_pull(vcpu, NST_STATE_SEG);
	from = &vcpu->st.seg[which == NST_DESC_LDT ? NST_LDTR : NST_TR];
	*seg = (struct nst_emul_seg){ from->selector, from->base, from->limit, from->ar };
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_set_sys_seg(struct nst_emul *e, enum nst_emul_desc which,
						const struct nst_emul_seg *seg)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	nst_modify(vcpu, NST_STATE_SEG);
	vcpu->st.seg[which == NST_DESC_LDT ? NST_LDTR : NST_TR] = (struct nst_segment){
		.selector = seg->selector, .base = seg->base, .limit = seg->limit, .ar = seg->ar,
	};
	return NST_EMUL_OK;
}

static enum nst_emul_result nst_ops_random(struct nst_emul *e, void *buf, u32 len)
{
	get_random_bytes(buf, len);
	return NST_EMUL_OK;
}

/* The whole vCPU changes: nothing of the emulator's is worth committing. */
static enum nst_emul_result nst_ops_rsm(struct nst_emul *e)
{
	struct nst_vcpu *vcpu = nst_vcpu_of(e);

	vcpu->exit = (struct nst_exit){
		.kind = NST_EXIT_RSM, .raw_reason = NST_EXIT_BY_SOFTWARE,
	};
	vcpu->insn->handler = true;
	return NST_EMUL_INTERCEPTED;
}

const struct nst_emul_ops nst_insn_ops = {
	.fetch = nst_ops_fetch,
	.read = nst_ops_read,
	.write = nst_ops_write,
	.probe_write = nst_ops_probe_write,
	.exchange = nst_ops_cmpxchg,
	.pio_in = nst_ops_pio_in,
	.pio_out = nst_ops_pio_out,
	.get_cr = nst_ops_get_cr,
	.set_cr = nst_ops_set_cr,
	.get_dr = nst_ops_get_dr,
	.set_dr = nst_ops_set_dr,
	.rdmsr = nst_ops_rdmsr,
	.wrmsr = nst_ops_wrmsr,
	.cpuid = nst_ops_cpuid,
	.rdtsc = nst_ops_rdtsc,
	.rdpmc = nst_ops_rdpmc,
	.xsetbv = nst_ops_xsetbv,
	.xgetbv = nst_ops_xgetbv,
	.hlt = nst_ops_hlt,
	.invlpg = nst_ops_invlpg,
	.invpcid = nst_ops_invpcid,
	.wbinvd = nst_ops_wbinvd,
	.get_dtr = nst_ops_get_dtr,
	.set_dtr = nst_ops_set_dtr,
	.get_sys_seg = nst_ops_get_sys_seg,
	.set_sys_seg = nst_ops_set_sys_seg,
	.intercept = nst_ops_intercept,
	.vec_read = nst_ops_vec_read,
	.vec_write = nst_ops_vec_write,
	.fx_read = nst_ops_fx_read,
	.fx_write = nst_ops_fx_write,
	.mmx_read = nst_ops_mmx_read,
	.mmx_write = nst_ops_mmx_write,
	.random = nst_ops_random,
	.virt = nst_ops_virt,
	.rsm = nst_ops_rsm,
};
