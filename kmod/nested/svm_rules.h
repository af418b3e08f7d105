/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * APM2 "Canonicalization and Consistency Checks", "Event Injection" and "Nested
 * Paging": RULE(id, text, what must hold).  Included by svm_check.c, once for
 * the code and once for the table; so there is no include guard.
 */
#ifndef RULE	/* alone, as the check of headers compiles it */
#define RULE(id, text, condition)
#endif

RULE(svme,
     "EFER.SVME must be set",
     s->efer & EFER_SVME)
RULE(cr0_nw_without_cd,
     "CR0.NW must not be set when CR0.CD is clear",
     (s->cr0 & X86_CR0_CD) || !(s->cr0 & X86_CR0_NW))
RULE(cr0_high,
     "CR0[63:32] must be zero",
     !(s->cr0 >> 32))
RULE(cr3_mbz,
     "No MBZ bit of CR3 may be set",
     !(long_mode(s) ? s->cr3 & ~width_mask(in) : 0))
RULE(cr4_mbz,
     "No MBZ bit of CR4 may be set",
     !(s->cr4 & in->cr4_reserved))
RULE(dr6_high,
     "DR6[63:32] must be zero",
     !(s->dr6 >> 32))
RULE(dr7_high,
     "DR7[63:32] must be zero",
     !(s->dr7 >> 32))
RULE(efer_mbz,
     "No MBZ bit of EFER may be set",
     !(s->efer & ~(in->efer_allowed | EFER_LMA | EFER_LME)))
RULE(no_long_mode,
     "EFER.LMA and EFER.LME must be clear on a CPU without long mode",
     in->long_mode || !(s->efer & (EFER_LMA | EFER_LME)))
RULE(long_without_pae,
     "With EFER.LME and CR0.PG set, CR4.PAE must be set",
     !long_mode(s) || (s->cr4 & X86_CR4_PAE))
RULE(long_without_pe,
     "With EFER.LME and CR0.PG set, CR0.PE must be set",
     !long_mode(s) || (s->cr0 & X86_CR0_PE))
RULE(cs_l_and_d,
     "With EFER.LME, CR0.PG, CR4.PAE and CS.L set, CS.D must be clear",
     !long_mode(s) || !(s->cr4 & X86_CR4_PAE) || !(s->cs.attrib & SVM_SELECTOR_L_MASK) ||
     !(s->cs.attrib & SVM_SELECTOR_DB_MASK))
RULE(vmrun_intercept,
     "The VMRUN intercept bit must be set",
     nsvm_intercepts(v, INTERCEPT_VMRUN))
RULE(msrpm_width,
     "The MSR permission map must not extend beyond the physical-address width",
     map_fits(in, v->msrpm_base_pa, NSVM_MSRPM_BYTES))
RULE(iopm_width,
     "The I/O permission map must not extend beyond the physical-address width",
     map_fits(in, v->iopm_base_pa, NSVM_IOPM_BYTES))
RULE(event_type,
     "EVENTINJ must not have a reserved type",
     !injects(v) || known_type(v->event_inj))
RULE(event_vector,
     "EVENTINJ of type exception must have the vector of an exception",
     !injects(v) || type_of(v->event_inj) != SVM_EVTINJ_TYPE_EXEPT ||
     is_exception(v->event_inj & SVM_EVTINJ_VEC_MASK))
RULE(asid_zero,
     "The guest's ASID must not be zero",
     v->asid)
RULE(ncr3_mbz,
     "With nested paging, no MBZ bit of nCR3 may be set",
     !nested_paging(in) || !(v->nested_cr3 & ~width_mask(in)))
RULE(g_pat,
     "With nested paging, G_PAT must hold memory types alone",
     !nested_paging(in) || pat_valid(s->g_pat))
