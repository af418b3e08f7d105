/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handlers, by name. Each has the same contract: operands that the row
 * says are read stand in e->d.op[].val; the handler changes registers in place
 * and leaves what operand 0 becomes in e->d.op[0].val. It returns NST_EMUL_OK,
 * or passes on what an access or nst_emul_raise() returned, and need not undo
 * anything: nst_emul_step() does.
 */
#ifndef NST_EMUL_EXEC_H
#define NST_EMUL_EXEC_H

#include "insn.h"

#define NST_EXEC(name)	enum nst_emul_result nst_x_##name(struct nst_emul *e)

/* exec_alu.c */
NST_EXEC(add);
NST_EXEC(adc);
NST_EXEC(sub);
NST_EXEC(sbb);
NST_EXEC(cmp);
NST_EXEC(and);
NST_EXEC(or);
NST_EXEC(xor);
NST_EXEC(test);
NST_EXEC(not);
NST_EXEC(neg);
NST_EXEC(inc);
NST_EXEC(dec);
NST_EXEC(xadd);
NST_EXEC(xchg);
NST_EXEC(xchg_acc);
NST_EXEC(cmpxchg);
NST_EXEC(cmpxchg_wide);
NST_EXEC(daa);
NST_EXEC(das);
NST_EXEC(aaa);
NST_EXEC(aas);
NST_EXEC(aam);
NST_EXEC(aad);

/**
 * nst_compare() - set the flags of a - b
 * @e: the emulator
 * @a: first operand
 * @b: second operand
 * @size: bytes
 */
void nst_compare(struct nst_emul *e, u64 a, u64 b, u32 size);

/* exec_shift.c */
NST_EXEC(shl);
NST_EXEC(shr);
NST_EXEC(sar);
NST_EXEC(rol);
NST_EXEC(ror);
NST_EXEC(rcl);
NST_EXEC(rcr);
NST_EXEC(shld);
NST_EXEC(shrd);

/* exec_muldiv.c */
NST_EXEC(mul);
NST_EXEC(imul1);
NST_EXEC(imul2);
NST_EXEC(imul3);
NST_EXEC(div);
NST_EXEC(idiv);
NST_EXEC(mulx);

/* exec_bits.c */
NST_EXEC(bt);
NST_EXEC(bts);
NST_EXEC(btr);
NST_EXEC(btc);
NST_EXEC(bsf);
NST_EXEC(bsr);
NST_EXEC(tzcnt);
NST_EXEC(lzcnt);
NST_EXEC(popcnt);
NST_EXEC(bswap);
NST_EXEC(movbe);
NST_EXEC(setcc);
NST_EXEC(cmov);
NST_EXEC(crc32);
NST_EXEC(adcx);
NST_EXEC(andn);
NST_EXEC(blsr);
NST_EXEC(blsmsk);
NST_EXEC(blsi);
NST_EXEC(bextr);
NST_EXEC(bzhi);
NST_EXEC(pdep);
NST_EXEC(pext);
NST_EXEC(shiftx);
NST_EXEC(rorx);

/* exec_data.c */
NST_EXEC(mov);
NST_EXEC(movsx);
NST_EXEC(lea);
NST_EXEC(nop);
NST_EXEC(pause);
NST_EXEC(ud);
NST_EXEC(cbw);
NST_EXEC(cwd);
NST_EXEC(lahf);
NST_EXEC(sahf);
NST_EXEC(clc);
NST_EXEC(stc);
NST_EXEC(cmc);
NST_EXEC(cld);
NST_EXEC(std);
NST_EXEC(salc);
NST_EXEC(xlat);
NST_EXEC(vmov);
NST_EXEC(vmov_scalar);
NST_EXEC(vmov_high);

/* exec_fpu.c */
NST_EXEC(fld);
NST_EXEC(fild);
NST_EXEC(fst);
NST_EXEC(fist);
NST_EXEC(fldcw);
NST_EXEC(fnstcw);
NST_EXEC(fnstsw);
NST_EXEC(fnclex);
NST_EXEC(fninit);
NST_EXEC(fwait);
NST_EXEC(emms);
NST_EXEC(fxsave);
NST_EXEC(fxrstor);
NST_EXEC(ldmxcsr);
NST_EXEC(stmxcsr);

/* exec_string.c */
NST_EXEC(movs);
NST_EXEC(cmps);
NST_EXEC(stos);
NST_EXEC(lods);
NST_EXEC(scas);
NST_EXEC(ins);
NST_EXEC(outs);
NST_EXEC(in);
NST_EXEC(out);

/* exec_stack.c */
NST_EXEC(push);
NST_EXEC(pop);
NST_EXEC(push_sreg);
NST_EXEC(pusha);
NST_EXEC(popa);
NST_EXEC(pushf);
NST_EXEC(popf);
NST_EXEC(enter);
NST_EXEC(leave);

/* exec_flow.c */
NST_EXEC(jmp_rel);
NST_EXEC(jmp_abs);
NST_EXEC(call_rel);
NST_EXEC(call_abs);
NST_EXEC(ret);
NST_EXEC(jcc);
NST_EXEC(loop);
NST_EXEC(jcxz);
NST_EXEC(bound);

/* exec_system.c */
NST_EXEC(cli);
NST_EXEC(sti);
NST_EXEC(hlt);
NST_EXEC(read_cr);
NST_EXEC(write_cr);
NST_EXEC(read_dr);
NST_EXEC(write_dr);
NST_EXEC(smsw);
NST_EXEC(lmsw);
NST_EXEC(clts);
NST_EXEC(store_table);
NST_EXEC(load_table);
NST_EXEC(invlpg);
NST_EXEC(wbinvd);
NST_EXEC(clflush);
NST_EXEC(rdmsr);
NST_EXEC(wrmsr);
NST_EXEC(rdtsc);
NST_EXEC(rdtscp);
NST_EXEC(rdpmc);
NST_EXEC(cpuid);
NST_EXEC(xgetbv);
NST_EXEC(xsetbv);
NST_EXEC(set_ac);
NST_EXEC(swapgs);
NST_EXEC(fs_gs_base);

/* exec_virt.c */
NST_EXEC(virt);
NST_EXEC(rsm);
NST_EXEC(monitor);
NST_EXEC(mwait);
NST_EXEC(invpcid);
NST_EXEC(rdrand);
NST_EXEC(rdpid);

/* seg.c */
NST_EXEC(mov_sreg);
NST_EXEC(pop_sreg);
NST_EXEC(load_far_pointer);
NST_EXEC(lar);
NST_EXEC(lsl);
NST_EXEC(verify);
NST_EXEC(arpl);
NST_EXEC(load_sys_seg);
NST_EXEC(store_sys_seg);

/* far.c */
NST_EXEC(jmp_far);
NST_EXEC(call_far);
NST_EXEC(ret_far);

/* intr.c */
NST_EXEC(int);
NST_EXEC(int1);
NST_EXEC(int3);
NST_EXEC(into);
NST_EXEC(iret);

/* syscall.c */
NST_EXEC(syscall);
NST_EXEC(sysret);
NST_EXEC(sysenter);
NST_EXEC(sysexit);

#endif /* NST_EMUL_EXEC_H */
