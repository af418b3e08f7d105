// SPDX-License-Identifier: GPL-2.0-only
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compare.h"

#define MAX_KNOWN	128
#define MAX_LINES	60
#define PORT_QUIET	0x80
/* Capability MSRs of VMX that userspace may reduce, and their halves. */
#define MSR_TRUE_PIN	0x48d
#define MSR_TRUE_PROC	0x48e
#define MSR_TRUE_EXIT	0x48f
#define MSR_TRUE_ENTRY	0x490
#define MSR_PROC2	0x48b
#define MSR_MISC	0x485
#define MSR_EPT_VPID	0x48c

struct oracle_params compare_params;

static struct oracle_record *direct;
static unsigned int seen, differ, unexplained, known_count[MAX_KNOWN];
static bool caps_only;

static void read_file(const char *path)
{
	FILE *f = path ? fopen(path, "rb") : NULL;

	if (!f || fread(&compare_params, sizeof(compare_params), 1, f) != 1)
		vm_give_up("ORACLE_FILE");
	direct = calloc(compare_params.count + 1, sizeof(*direct));
	caps_only = !compare_params.count;
	if (!direct || fread(direct, sizeof(*direct), compare_params.count, f) !=
	    compare_params.count)
		vm_give_up("records in ORACLE_FILE");
	fclose(f);
	compare_params.env = ENV_HYPERVISOR;
}

/* A feature word of CPUID becomes what both CPUs have. */
static void reduce_leaf(struct kvm_cpuid_entry2 *e)
{
	const u64 *have = compare_params.have;

	switch (e->function) {
	case 7:
		if (e->index)
			return;
		e->ebx &= have[CAP_CPUID_7B];
		e->ecx &= have[CAP_CPUID_7C];
		e->edx &= have[CAP_CPUID_7D];
		return;
	case 0x80000001:
		e->edx &= have[CAP_CPUID_EXT_D];
		return;
	case 0x8000000a:
		e->edx &= have[CAP_CPUID_SVM];
		return;
	}
}

static void reduce_cpuid(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *cpuid = vcpu_cpuid(vcpu);
	unsigned int i;

	cpuid->nent = 256;
	vm_ioctl(vcpu->fd, KVM_GET_CPUID2, cpuid, "GET_CPUID2");
	for (i = 0; i < cpuid->nent; i++)
		reduce_leaf(&cpuid->entries[i]);
	vm_ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid, "SET_CPUID2");
	free(cpuid);
}

static void reduce_word(struct vcpu *vcpu, uint32_t msr, u64 may, u64 must)
{
	uint64_t now = vcpu_msr(vcpu, msr);

	vcpu_set_msr(vcpu, msr, (now & 0xffffffff) | (now >> 32 & (may | must)) << 32);
}

static void reduce_vmx(struct vcpu *vcpu)
{
	const u64 *have = compare_params.have;

	reduce_word(vcpu, MSR_TRUE_PIN, have[CAP_PIN_MAY], have[CAP_PIN_MUST]);
	reduce_word(vcpu, MSR_TRUE_PROC, have[CAP_PROC_MAY], have[CAP_PROC_MUST]);
	reduce_word(vcpu, MSR_PROC2, have[CAP_PROC2_MAY], 0);
	reduce_word(vcpu, MSR_TRUE_EXIT, have[CAP_EXIT_MAY], have[CAP_EXIT_MUST]);
	reduce_word(vcpu, MSR_TRUE_ENTRY, have[CAP_ENTRY_MAY], have[CAP_ENTRY_MUST]);
}

/* KVM puts the CPU's own hypercall instruction in place of the other vendor's. */
static void leave_hypercalls(struct vm *vm)
{
	struct kvm_enable_cap cap = {
		.cap = KVM_CAP_DISABLE_QUIRKS2, .args = { KVM_X86_QUIRK_FIX_HYPERCALL_INSN },
	};

	vm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap, "DISABLE_QUIRKS2");
}

static const struct oracle_params *in_guest;
static volatile bool ended;

/* In a thread of its own: the library may give up on a vCPU in the kernel. */
static void *say_where(void *data)
{
	sleep(compare_params.seconds > 5 ? compare_params.seconds - 5 : 1);
	if (!ended)
		printf("# HANGS in case %lu\n", in_guest->running);
	return NULL;
}

void compare_before(struct vm *vm)
{
	struct vcpu *vcpu = &vm->vcpu[0];
	pthread_t watcher;

	read_file(getenv("ORACLE_FILE"));
	if (!caps_only) {
		reduce_cpuid(vcpu);
		if (vm->flags & CASE_VMX)
			reduce_vmx(vcpu);
	}
	leave_hypercalls(vm);
	memcpy(guest_at(vm, ORACLE_PARAMS, sizeof(compare_params)), &compare_params,
	       sizeof(compare_params));
	in_guest = guest_at(vm, ORACLE_PARAMS, sizeof(*in_guest));
	if (pthread_create(&watcher, NULL, say_where, NULL))
		vm_give_up("pthread_create");
	vm->seconds = compare_params.seconds;
}

/* The reference was made for a CPU that agrees with this one as it says. */
static void check_caps(struct vm *vm, const u64 *caps)
{
	unsigned int i;

	printf("# caps");
	for (i = 0; i < CAP_WORDS; i++)
		printf(" %lx", caps[i]);
	printf("\n");
	if (caps_only)
		return;
	for (i = 0; i < CAP_WORDS; i++) {
		u64 agree = i < CAP_PHYS_BITS ? compare_params.agree[i] : ~0ul;

		if ((caps[i] ^ compare_params.have[i]) & agree)
			host_check(vm, false, "capability word %u: %#lx, not %#lx", i, caps[i],
				   compare_params.have[i]);
	}
}

/* Two emulators take part where the ISA is not that of the host's CPU. */
static bool takes_part(enum whose whose)
{
	u32 a, b, c, d;
	bool amd;

	__cpuid(0, a, b, c, d);
	amd = b == signature_AMD_ebx;
	switch (whose) {
	case QEMU:
		return amd || reference == QEMU;
	case BOCHS:
		return !amd || reference == BOCHS;
	case NESTOR_ON_SVM:
		return amd;
	case NESTOR_ON_VMX:
	case BOCHS_AS_HOST:
	case QEMU_ALONE:
		return !amd;
	default:
		return true;
	}
}

/* False: some of the differences have no known reason. */
static bool explain(const struct pair *p, char *why, size_t bytes)
{
	u64 left = p->differ;
	const struct known *k;
	size_t at = 0;

	for (k = known; k->name; k++) {
		u64 items = takes_part(k->whose) ? k->accounts(p) & p->differ : 0;

		if (!items)
			continue;
		if (!known_count[k - known]++)
			printf("# first %s: case %u\n", k->name, p->number);
		left &= ~items;
		if (at < bytes)
			at += snprintf(why + at, bytes - at, at ? "+%s" : "%s", k->name);
	}
	if (left && at < bytes)
		snprintf(why + at, bytes - at, at ? "+?" : "?");
	return !left && p->differ;
}

static void print_side(const char *side, const struct oracle_record *r)
{
	printf(" %s %u %#x %#lx", side, r->result, r->reason, r->qual);
	if (r->event)
		printf(" event %#x %#x", r->event, r->event_error);
	if (r->idt)
		printf(" idt %#x %#x", r->idt, r->idt_error);
}

static void print_pair(const struct pair *p, const char *why)
{
	unsigned int i;

	printf("# DIFFERS %u (%s)", p->number, why);
	print_side("direct", p->direct);
	print_side("here", p->here);
	printf(":");
	for (i = 0; i < ORACLE_ITEMS; i++)
		if (p->differ >> i & 1)
			printf(" %s,", item_names[i]);
	printf("\n");
}

static void compare_one(u32 index, const struct oracle_record *here)
{
	struct pair p = { compare_params.first + index, &direct[index], here, 0 };
	char why[128] = "?";
	unsigned int i;
	bool known;

	/* Not by what is beside the items, which may have no meaning. */
	if (p.direct->result == here->result && p.direct->hash == here->hash)
		return;
	differ++;
	for (i = 0; i < ORACLE_ITEMS; i++)
		if (p.direct->item[i] != here->item[i])
			p.differ |= 1ul << i;
	known = explain(&p, why, sizeof(why));
	if ((compare_params.tell & TELL_ALL) || (!known && unexplained < MAX_LINES))
		print_pair(&p, why);
	unexplained += !known;
}

static void print_dump(const struct oracle_item *items, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		printf("# DUMP %.23s %lx\n", items[i].name, items[i].value);
}

uint64_t compare_call(struct vcpu *vcpu, const uint64_t *args)
{
	struct vm *vm = vcpu->vm;
	const void *data = guest_at(vm, args[1], args[2]);
	const struct oracle_record *records = data;
	const uint64_t *what = data;
	unsigned int i;

	switch (args[0]) {
	case OUT_CAPS:
		check_caps(vm, data);
		break;
	case OUT_RECORDS:
		for (i = 0; i < args[2] / sizeof(*records); i++, seen++)
			if (seen < compare_params.count)
				compare_one(seen, &records[i]);
		break;
	case OUT_DUMP:
		print_dump(data, args[2] / sizeof(struct oracle_item));
		break;
	case OUT_RUNNING:
		printf("# RUNS %lu\n", what[0]);
		break;
	case OUT_PANIC:
		host_check(vm, false, "no exception %llu (error %#llx at %#llx, CR2 %#llx)",
			   (unsigned long long)what[0], (unsigned long long)what[1],
			   (unsigned long long)what[2], (unsigned long long)what[3]);
		break;
	}
	return 0;
}

/* L2 may write to this port, which no device listens to. */
bool compare_exit(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	return run->exit_reason == KVM_EXIT_IO && run->io.port == PORT_QUIET;
}

void compare_after(struct vm *vm)
{
	static const char *const names[] = {
		[BOCHS] = "Bochs 2.7", [QEMU] = "QEMU 7.2", [NESTOR] = "nestor",
		[NESTOR_ON_SVM] = "nestor on SVM", [NESTOR_ON_VMX] = "nestor on VMX",
		[BOCHS_AS_HOST] = "Bochs 2.7 as host", [QEMU_ALONE] = "QEMU 7.2",
	};
	unsigned int i;

	ended = true;
	for (i = 0; known[i].name; i++)
		if (known_count[i])
			printf("# %u times %s, %s: %s\n", known_count[i], known[i].name,
			       names[known[i].whose], known[i].why);
	host_check(vm, seen == compare_params.count && !unexplained,
		   "%u of %u cases ran, %u were different, %u of them for no known reason", seen,
		   compare_params.count, differ, unexplained);
}
