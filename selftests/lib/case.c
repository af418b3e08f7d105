// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the cases of the embedded guest image, each in a new machine, and turns
 * what they report into TAP. A case is one behaviour and ends in one of three
 * ways: CPU 0 says so, an exit that the case announced, or the watchdog.
 *
 * usage: PROGRAM [WORD...]	only cases whose name contains a WORD
 */
#include <stdlib.h>
#include <string.h>

#include "guest_test.h"

#define TEXT_SIZE	512
#define MAX_VALUES	32

extern const uint8_t guest_image[], guest_image_end[];

__attribute__((weak)) const struct host_hook host_hooks[] = { { 0 } };

_Static_assert(EXIT_HLT == KVM_EXIT_HLT && EXIT_SHUTDOWN == KVM_EXIT_SHUTDOWN,
	       "exit reasons of layout.h");

/* The case in progress; its machine points here. */
struct progress {
	const struct guest_case *row;
	const struct host_hook *hook;
	const char *name;
	unsigned int checks;
	bool ended;		/* as the case should */
	unsigned int nvalues;
	uint32_t values[MAX_VALUES];
	pthread_mutex_t print;
};

void *guest_at(struct vm *vm, uint64_t gpa, size_t size)
{
	if (gpa > GUEST_MEM_SIZE || size > GUEST_MEM_SIZE - gpa) {
		printf("# guest address %#llx is outside its memory\n",
		       (unsigned long long)gpa);
		vm_give_up("a pointer from the guest");
	}
	return vm->mem + gpa;
}

static const char *guest_string(struct vm *vm, uint64_t gpa)
{
	const char *text = guest_at(vm, gpa, 1);

	return memchr(text, 0, GUEST_MEM_SIZE - gpa) ? text : "(no text)";
}

/* One conversion of a format; returns how many characters of it were used. */
static size_t convert(struct vm *vm, const char *fmt, uint64_t arg, char *out)
{
	bool wide = fmt[1] == 'l';

	if (!wide)
		arg = fmt[1] == 's' ? arg : (uint32_t)arg;
	switch (fmt[1 + wide]) {
	case 's':
		snprintf(out, TEXT_SIZE, "%.200s", guest_string(vm, arg));
		break;
	case 'x':
		snprintf(out, TEXT_SIZE, "%#llx", (unsigned long long)arg);
		break;
	case 'd':
		snprintf(out, TEXT_SIZE, "%lld", wide ? (long long)arg :
			 (long long)(int32_t)arg);
		break;
	default:
		snprintf(out, TEXT_SIZE, "%llu", (unsigned long long)arg);
	}
	return 2 + wide;
}

/* The guest's own printf: conversions %s %d %u %x, with l for 64 bits. */
static void format(struct vm *vm, const uint64_t *args, char *text)
{
	const char *fmt = guest_string(vm, args[0]);
	unsigned int next = 1;
	size_t used = 0;
	char item[TEXT_SIZE];

	while (*fmt && used + 1 < TEXT_SIZE) {
		if (*fmt != '%' || next > 4) {
			text[used++] = *fmt++;
			continue;
		}
		fmt += convert(vm, fmt, args[next++], item);
		used += snprintf(text + used, TEXT_SIZE - used, "%s", item);
	}
	text[used < TEXT_SIZE ? used : TEXT_SIZE - 1] = 0;
}

bool host_check(struct vm *vm, bool good, const char *fmt, ...)
{
	struct progress *p = vm->context;
	char text[TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&p->print);
	p->checks++;
	tap_ok(good, "%s: %s", p->name, text);
	pthread_mutex_unlock(&p->print);
	return good;
}

void host_skip(struct vm *vm, const char *why)
{
	host_check(vm, true, "# SKIP %s", why);
}

static void guest_call(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct progress *p = vm->context;
	struct guest_mailbox *box = guest_at(vm, GUEST_MAILBOX +
					     vcpu->id * GUEST_MAILBOX_STRIDE, sizeof(*box));
	const uint64_t *args = (const uint64_t *)box->args;
	uint64_t reply;
	char text[TEXT_SIZE];

	switch (vcpu_io_value(vcpu)) {
	case CALL_CHECK:
		format(vm, args + 1, text);
		host_check(vm, args[0], "%s", text);
		return;
	case CALL_NOTE:
		format(vm, args + 1, text);
		tap_note("%s", text);
		return;
	case CALL_SKIP:
		format(vm, args + 1, text);
		host_skip(vm, text);
		return;
	case CALL_HOST:
		if (p->hook && p->hook->call) {
			reply = p->hook->call(vcpu, args);
			/* The machine may have moved. */
			box = guest_at(vm, GUEST_MAILBOX +
				       vcpu->id * GUEST_MAILBOX_STRIDE, sizeof(*box));
			box->reply = reply;
			return;
		}
	}
	host_check(vm, false, "call %#llx has an answer",
		   (unsigned long long)vcpu_io_value(vcpu));
}

/* A port of ours; false when it is somebody else's. */
static bool port(struct vcpu *vcpu, bool *go_on)
{
	struct kvm_run *run = vcpu->run;
	struct progress *p = vcpu->vm->context;

	if (run->io.direction != KVM_EXIT_IO_OUT || run->io.size != 4)
		return false;
	switch (run->io.port) {
	case PORT_CALL:
		guest_call(vcpu);
		return true;
	case PORT_VALUE:
		if (p->nvalues < MAX_VALUES)
			p->values[p->nvalues++] = vcpu_io_value(vcpu);
		return true;
	case PORT_DONE:
		*go_on = false;
		if (!vcpu->id) {
			p->ended = !p->row->ends;
			vm_stop(vcpu->vm);
		}
		return true;
	}
	return false;
}

/*
 * All that the kernel says, and beside the bytes that it saw those that are at RIP
 * now, where code lies one to one: the two tell a decoder's gap from a bad read.
 */
static void internal_error(struct vcpu *vcpu, uint64_t at)
{
	const struct kvm_run *run = vcpu->run;
	const struct vm *vm = vcpu->vm;
	unsigned int i;

	tap_note("suberror %u, %u data", run->internal.suberror, run->internal.ndata);
	for (i = 0; i < run->internal.ndata && i < 16; i++)
		tap_note("data[%u] %#llx", i, run->internal.data[i]);
	for (i = 0; i < 2 && at < GUEST_MEM_SIZE - 16; i++)
		tap_note("memory at rip + %u: %#018llx", i * 8,
			 *(unsigned long long *)(vm->mem + at + i * 8));
}

static void unexpected(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;
	struct kvm_sregs s;
	struct kvm_regs r;

	vcpu_regs(vcpu, &r);
	vcpu_sregs(vcpu, &s);
	host_check(vcpu->vm, false, "CPU %u: exit %s (%u)", vcpu->id,
		   vm_exit_name(run->exit_reason), run->exit_reason);
	tap_note("rip %#llx cs %#x rsp %#llx rflags %#llx cr0 %#llx cr2 %#llx cr4 %#llx",
		 r.rip, s.cs.selector, r.rsp, r.rflags, s.cr0, s.cr2, s.cr4);
	if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
		internal_error(vcpu, s.cs.base + r.rip);
	if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
		tap_note("hardware reason %#llx",
			 run->fail_entry.hardware_entry_failure_reason);
	if (run->exit_reason == KVM_EXIT_IO)
		tap_note("port %#x size %u direction %u", run->io.port, run->io.size,
			 run->io.direction);
	if (run->exit_reason == KVM_EXIT_MMIO)
		tap_note("address %#llx length %u write %u", run->mmio.phys_addr,
			 run->mmio.len, run->mmio.is_write);
}

static bool case_exit(struct vcpu *vcpu)
{
	struct progress *p = vcpu->vm->context;
	bool go_on = true;

	if (vcpu->run->exit_reason == KVM_EXIT_IO && port(vcpu, &go_on))
		return go_on;
	if (p->hook && p->hook->exit && p->hook->exit(vcpu))
		return true;
	if (p->row->ends && vcpu->run->exit_reason == p->row->ends)
		p->ended = true;
	else
		unexpected(vcpu);
	vm_stop(vcpu->vm);
	return false;
}

static void compare_values(struct vm *vm, const struct guest_case *row)
{
	struct progress *p = vm->context;
	const uint32_t *want = guest_at(vm, row->values, row->nvalues * 4);
	unsigned int i;

	for (i = 0; i < row->nvalues && i < p->nvalues; i++)
		host_check(vm, p->values[i] == want[i], "value %u is %#x (%#x)", i,
			   want[i], p->values[i]);
	host_check(vm, p->nvalues == row->nvalues, "%u values reported (%u)",
		   row->nvalues, p->nvalues);
}

uint64_t host_number(void)
{
	const char *host = getenv("NESTOR_HOST");

	if (!host)
		return HOST_OTHER;
	return !strncmp(host, "svm", 3) ? HOST_SVM : !strncmp(host, "vmx", 3) ?
	       HOST_VMX : HOST_OTHER;
}

void guest_load(struct vm *vm, const struct guest_case *row)
{
	const struct image_header *head = guest_at(vm, GUEST_IMAGE, sizeof(*head));
	struct guest_params *params = guest_at(vm, GUEST_PARAMS, sizeof(*params));
	bool is_long = row->mode == MODE_LONG;
	unsigned int i;

	memcpy(vm->mem + GUEST_IMAGE, guest_image, guest_image_end - guest_image);
	setup_tables(vm, head->traps);
	params->host = host_number();
	params->cpus = vm->vcpus;
	params->tsc_khz = vm_ioctl(vm->vcpu[0].fd, KVM_GET_TSC_KHZ, NULL, "GET_TSC_KHZ");
	setup_mode(&vm->vcpu[0], row->mode, is_long ? head->start64 : row->code, row->code);
	for (i = 1; i < vm->vcpus; i++)
		if (!(row->flags & CASE_AP_WAITS))
			setup_mode(&vm->vcpu[i], row->mode, head->start64, row->ap);
}

const struct guest_case *host_case(struct vm *vm)
{
	return ((struct progress *)vm->context)->row;
}

void host_end(struct vm *vm)
{
	((struct progress *)vm->context)->ended = true;
	vm_stop(vm);
}

static const struct host_hook *find_hook(const char *name)
{
	const struct host_hook *hook;

	for (hook = host_hooks; hook->name; hook++)
		if (!strcmp(hook->name, name) || !strcmp(hook->name, HOOK_ANY))
			return hook;
	return NULL;
}

static void where_it_hangs(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->vcpus; i++) {
		struct kvm_regs r;

		vcpu_regs(&vm->vcpu[i], &r);
		tap_note("CPU %u: rip %#llx rflags %#llx rax %#llx rcx %#llx", i, r.rip,
			 r.rflags, r.rax, r.rcx);
	}
}

/* nestor has the VMX-preemption timer bound each stay, on the hosts that have one. */
static bool is_unbounded(void)
{
	const char *host = getenv("NESTOR_HOST"), *module = getenv("NESTOR_MODULE");

	return host_number() == HOST_VMX &&
	       (!strcmp(host, "vmx-noept") || !module || strcmp(module, "ours"));
}

static bool is_skipped(const struct guest_case *row)
{
	if (row->skip_on == HOST_UNBOUNDED)
		return is_unbounded();
	return row->skip_on && row->skip_on == host_number();
}

/* How many times longer than usual the watchdog waits. */
static unsigned int patience(void)
{
	const char *kernel = getenv("NESTOR_KERNEL"), *asked = getenv("NST_PATIENCE");
	unsigned int times = asked ? strtoul(asked, NULL, 0) : 1;

	if (host_number() == HOST_VMX)
		times *= 4;
	if (kernel && !strcmp(kernel, "debug"))
		times *= 8;
	return times ?: 1;
}

static void run_case(const struct guest_case *row, const char *name, const char *manual,
		     const char *skip_why)
{
	struct progress p = {
		.row = row, .name = name, .hook = find_hook(name),
		.print = PTHREAD_MUTEX_INITIALIZER,
	};
	struct vm vm;

	tap_note("%s: %s", name, manual);
	if (is_skipped(row)) {
		tap_ok(true, "%s: # SKIP emulator: %s", name, skip_why);
		return;
	}
	vm_create(&vm, row->flags, row->cpus ? row->cpus : 1);
	vm.context = &p;
	vm.seconds *= patience();
	guest_load(&vm, row);
	if (p.hook && p.hook->before)
		p.hook->before(&vm);
	if (p.hook && p.hook->run)
		p.hook->run(&vm, case_exit);
	else
		vm_run_all(&vm, case_exit);
	if (vm.timed_out)
		where_it_hangs(&vm);
	if (row->nvalues)
		compare_values(&vm, row);
	if (p.hook && p.hook->after)
		p.hook->after(&vm);
	if (!p.ended || !p.checks)
		host_check(&vm, p.ended && p.checks, "%s", vm.timed_out ?
			   "ends before the watchdog" : "ends as it should, with checks");
	vm_destroy(&vm);
	fflush(stdout);
}

static bool is_chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	static uint8_t image[GUEST_MEM_SIZE];
	const struct image_header *head = (const void *)(image + GUEST_IMAGE);
	const struct guest_case *rows;
	struct vm view = { .mem = image };
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	memcpy(image + GUEST_IMAGE, guest_image, guest_image_end - guest_image);
	if (vm_open_device() < 0)
		return tap_skip_all("no device: load nestor.ko or kvm");
	if (head->magic != IMAGE_MAGIC || !head->ncases)
		vm_give_up("the embedded image");
	rows = guest_at(&view, head->cases, head->ncases * sizeof(*rows));
	for (i = 0; i < head->ncases; i++) {
		const char *name = guest_string(&view, rows[i].name);

		if (is_chosen(name, argc, argv))
			run_case(&rows[i], name, guest_string(&view, rows[i].manual),
				 guest_string(&view, rows[i].skip_why));
	}
	return tap_done();
}
