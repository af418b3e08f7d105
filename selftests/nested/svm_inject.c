// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that L1 injects into L2, and events that an exit interrupted: each kind
 * in, each kind out, and in again.
 * APM2 "Event Injection", "EXITINTINFO Pseudo-Code".
 */
#ifdef GUEST
#include "svm.h"

#define INJECT	"APM2 \"Event Injection\""
#define INFO	"APM2 \"EXITINTINFO Pseudo-Code\""

#define GATE	0x66
#define FAR_AWAY	0x7fffff000000ul

struct l2_regs l2;

static volatile struct frame seen;
static volatile u32 times;

static void note_frame(struct frame *frame)
{
	memcpy((void *)&seen, frame, sizeof(seen));
	times++;
}

static void note_and_skip(struct frame *frame)
{
	note_frame(frame);
	frame->rip += 2;
}

L2_CODE(halts, "hlt; hlt");
L2_CODE(int_then_halt, "int $0x66; hlt");
L2_CODE(int3_then_halt, "int3; hlt");
L2_CODE(ud_then_halt, "ud2; hlt");

static void init(void (*code)(void))
{
	irq_eoi = false;
	vmcb_init(code);
	want(I_HLT);
	times = 0;
}

GUEST_CASE(interrupt, INJECT, .flags = CASE_SVM)
{
	init(halts);
	trap_hook[GATE] = note_frame;
	VMCB->event_inj = EV_VALID | EV_INTR | GATE;
	run_to(EXIT_VMHLT, "an interrupt, IF clear");
	check(times == 1 && seen.rip == (u64)halts, "delivered before the first instruction");
	check(!VMCB->event_inj && !VMCB->exit_int_info, "and forgotten (%x)", VMCB->event_inj);
}

GUEST_CASE(exception, INJECT, .flags = CASE_SVM)
{
	init(halts);
	trap_hook[VEC_GP] = note_frame;
	VMCB->event_inj = EV_VALID | EV_EXC | EV_ERROR | VEC_GP;
	VMCB->event_error = 0x1230;
	run_to(EXIT_VMHLT, "#GP with an error code");
	check(times == 1 && seen.error == 0x1230 && seen.rip == (u64)halts,
	      "its frame has it (%lx)", seen.error);
	trap_hook[VEC_PF] = note_frame;
	VMCB->rip = (u64)halts;
	VMCB->cr2 = 0x765000;
	VMCB->event_inj = EV_VALID | EV_EXC | EV_ERROR | VEC_PF;
	VMCB->event_error = 4;
	run_to(EXIT_VMHLT, "#PF");
	check(times == 2 && seen.error == 4 && READ_CR(2) == 0x765000, "with L1's CR2 (%lx)",
	      READ_CR(2));
}

/* A software interrupt returns behind its instruction, by NRIP. */
GUEST_CASE(software_interrupt, INJECT, .flags = CASE_SVM)
{
	init(int_then_halt);
	trap_hook[GATE] = note_frame;
	VMCB->event_inj = EV_VALID | EV_SOFT | GATE;
	VMCB->next_rip = VMCB->rip + 2;
	run_to(EXIT_VMHLT, "a software interrupt");
	check(times == 1 && seen.rip == (u64)int_then_halt + 2, "returns to NRIP (%lx, %u)",
	      seen.rip - (u64)int_then_halt, times);
	init(int3_then_halt);
	trap_hook[VEC_BP] = note_frame;
	VMCB->event_inj = EV_VALID | EV_EXC | VEC_BP;
	VMCB->next_rip = VMCB->rip + 1;
	run_to(EXIT_VMHLT, "#BP");
	check(times == 1 && seen.rip == (u64)int3_then_halt + 1, "too (%lx)",
	      seen.rip - (u64)int3_then_halt);
}

static void again_without_ist(struct frame *frame)
{
	times++;
}

GUEST_CASE(nmi, INJECT, .flags = CASE_SVM)
{
	init(halts);
	trap_hook[VEC_NMI] = again_without_ist;
	VMCB->event_inj = EV_VALID | EV_NMI | 99;
	run_to(EXIT_VMHLT, "an NMI, whatever the vector says");
	check(times == 1, "its handler ran (%u)", times);
	VMCB->rip = (u64)halts;
	VMCB->event_inj = EV_VALID | EV_NMI | VEC_NMI;
	run_to(EXIT_VMHLT, "and another behind its IRET");
	check(times == 2, "again (%u)", times);
}

GUEST_CASE(refused, INJECT, .flags = CASE_SVM)
{
	static const u32 bad[] = {
		EV_VALID | 1u << 8, EV_VALID | 5u << 8, EV_VALID | 7u << 8,
		EV_VALID | EV_EXC | VEC_NMI, EV_VALID | EV_EXC | 32,
	};
	u32 i;

	init(halts);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		VMCB->event_inj = bad[i];
		check(vmrun() == ~0ul && VMCB->rip == (u64)halts, "%x is refused (%lx)", bad[i],
		      VMCB->exit_code);
	}
	VMCB->event_inj = bad[0] & ~EV_VALID;
	run_to(EXIT_VMHLT, "and without the valid bit not looked at");
}

/* The delivery itself faults, L1 sees what was under way and makes it come again. */
static void interrupted(u32 event, u64 next_rip, void (*code)(void), const char *what)
{
	u64 rsp;

	init(code);
	VMCB->icpt[2] = 1u << VEC_PF;
	rsp = VMCB->rsp;
	VMCB->rsp = FAR_AWAY;
	VMCB->event_inj = event;
	VMCB->event_error = 0x18;
	VMCB->next_rip = next_rip;
	if (!run_to(EXIT_EXCP + VEC_PF, what))
		return;
	check((VMCB->exit_int_info & ~0u) == event, "%s: EXITINTINFO %x", what,
	      VMCB->exit_int_info);
	if (event & EV_ERROR)
		check(VMCB->exit_int_error == 0x18, "%s: its error code %x", what,
		      VMCB->exit_int_error);
	check(VMCB->rip == (u64)code, "%s: RIP is at the instruction", what);
	check((VMCB->info2 & ~0xffful) == FAR_AWAY - 0x1000, "%s: address %lx", what,
	      VMCB->info2);
	VMCB->rsp = rsp;
	VMCB->event_inj = VMCB->exit_int_info;
	VMCB->event_error = VMCB->exit_int_error;
	VMCB->next_rip = next_rip;
	run_to(EXIT_VMHLT, what);
	check(times == 1, "%s: delivered once when it comes again (%u)", what, times);
}

GUEST_CASE(again_interrupt, INFO, .flags = CASE_SVM)
{
	trap_hook[GATE] = note_frame;
	interrupted(EV_VALID | EV_INTR | GATE, 0, halts, "interrupt");
	check(seen.rip == (u64)halts, "at the same place");
}

GUEST_CASE(again_exception, INFO, .flags = CASE_SVM)
{
	trap_hook[VEC_GP] = note_frame;
	interrupted(EV_VALID | EV_EXC | EV_ERROR | VEC_GP, 0, halts, "#GP");
	check(seen.error == 0x18, "with its error code");
}

GUEST_CASE(again_software, INFO, .flags = CASE_SVM)
{
	trap_hook[GATE] = note_frame;
	interrupted(EV_VALID | EV_SOFT | GATE, (u64)int_then_halt + 2, int_then_halt,
		    "software interrupt");
	check(seen.rip == (u64)int_then_halt + 2, "it returns behind the instruction (%lx)",
	      seen.rip - (u64)int_then_halt);
}

/* The same when L2 itself executes the instruction. */
GUEST_CASE(own_software_interrupt, INFO, .flags = CASE_SVM)
{
	u64 rsp;

	init(int_then_halt);
	trap_hook[GATE] = note_frame;
	VMCB->icpt[2] = 1u << VEC_PF;
	rsp = VMCB->rsp;
	VMCB->rsp = FAR_AWAY;
	if (!run_to(EXIT_EXCP + VEC_PF, "INT n whose stack is not there"))
		return;
	check(VMCB->rip == (u64)int_then_halt, "RIP is at INT n (%lx)",
	      VMCB->rip - (u64)int_then_halt);
	check(VMCB->exit_int_info == (EV_VALID | EV_SOFT | GATE) || !VMCB->exit_int_info,
	      "EXITINTINFO says a software interrupt, or nothing (%x)", VMCB->exit_int_info);
	VMCB->rsp = rsp;
	VMCB->event_inj = VMCB->exit_int_info;
	run_to(EXIT_VMHLT, "again");
	check(times == 1 && seen.rip == (u64)int_then_halt + 2, "it is taken once (%u)", times);
}

/* An exception of L2 whose delivery faults: L1 sees the second, then the first. */
GUEST_CASE(own_exception, INFO, .flags = CASE_SVM)
{
	u64 rsp;

	init(ud_then_halt);
	trap_hook[VEC_UD] = note_and_skip;
	VMCB->icpt[2] = 1u << VEC_PF;
	rsp = VMCB->rsp;
	VMCB->rsp = FAR_AWAY;
	if (!run_to(EXIT_EXCP + VEC_PF, "#UD whose stack is not there"))
		return;
	check(VMCB->exit_int_info == (EV_VALID | EV_EXC | VEC_UD), "EXITINTINFO (%x)",
	      VMCB->exit_int_info);
	VMCB->rsp = rsp;
	VMCB->event_inj = VMCB->exit_int_info;
	run_to(EXIT_VMHLT, "again");
	check(times == 1, "the handler ran once (%u)", times);
}

/* Two contributory faults are one #DF, which L1 can have. */
GUEST_CASE(double_fault, INFO, .flags = CASE_SVM)
{
	if (emulator_fault(HOST_SVM, "a #DF made of two faults passes its intercept"))
		return;
	init(ud_then_halt);
	VMCB->icpt[2] = 1u << VEC_DF;
	VMCB->rsp = FAR_AWAY;
	VMCB->event_inj = EV_VALID | EV_EXC | EV_ERROR | VEC_PF;
	if (run_to(EXIT_EXCP + VEC_DF, "#PF while #PF is delivered"))
		check(!VMCB->info1, "error code zero (%lx)", VMCB->info1);
}

GUEST_CASE(triple_fault, "APM2 \"Shutdown Intercept\"", .flags = CASE_SVM)
{
	init(halts);
	want(I_SHUTDOWN);
	VMCB->rsp = FAR_AWAY;
	VMCB->idtr.limit = 0;
	VMCB->event_inj = EV_VALID | EV_EXC | EV_ERROR | VEC_DF;
	run_to(EXIT_SHUT, "#DF that cannot be delivered");
}

/* An exception that L1 intercepts comes to it before a handler is looked for. */
GUEST_CASE(nested_exception, INFO, .flags = CASE_SVM)
{
	init(halts);
	VMCB->icpt[2] = 1u << VEC_GP;
	VMCB->idtr.limit = 16 * GATE - 1;
	VMCB->event_inj = EV_VALID | EV_INTR | GATE;
	if (emulator_fault(HOST_SVM, "error code of a vector beyond the IDT"))
		return;
	run_to(EXIT_EXCP + VEC_GP, "an interrupt without a gate");
	check(VMCB->info1 == (GATE * 8 | 3), "its error code (%lx)", VMCB->info1);
	check(VMCB->exit_int_info == (EV_VALID | EV_INTR | GATE), "EXITINTINFO (%x)",
	      VMCB->exit_int_info);
}
#else
#include "guest_test.h"
#endif
