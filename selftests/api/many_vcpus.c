// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many vCPUs: 288 in one VM, the last of which gets an interrupt by its 32-bit APIC
 * id; and 16 that run at the same time, on however few CPUs.
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "api.h"

#define MANY		288u
#define RUNNING		16u
#define ROUNDS		20
#define COUNTER		0x8000u
#define VECTOR		0x51u
#define APIC_IRR	0x200u
#define APIC_SPIV	0xf0u
#define X2APIC		(3ull << 10)	/* IA32_APIC_BASE: enabled, x2APIC mode */

static int new_vm(void)
{
	struct kvm_enable_cap ids = {
		.cap = KVM_CAP_X2APIC_API,
		.args = { KVM_X2APIC_API_USE_32BIT_IDS | KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK },
	};
	int vm = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");

	must(vm, KVM_CREATE_IRQCHIP, NULL, "CREATE_IRQCHIP");
	must(vm, KVM_ENABLE_CAP, &ids, "ENABLE_CAP of X2APIC_API");
	return vm;
}

static void set_x2apic(int cpu)
{
	struct kvm_cpuid2 *cpuid = api_supported_cpuid();
	struct kvm_lapic_state s;
	struct kvm_sregs sregs;

	must(cpu, KVM_SET_CPUID2, cpuid, "SET_CPUID2");
	free(cpuid);
	must(cpu, KVM_GET_SREGS, &sregs, "GET_SREGS");
	sregs.apic_base |= X2APIC;
	must(cpu, KVM_SET_SREGS, &sregs, "SET_SREGS");
	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	*(uint32_t *)(s.regs + APIC_SPIV) = 0x1ff;
	must(cpu, KVM_SET_LAPIC, &s, "SET_LAPIC");
}

static bool got_vector(int cpu)
{
	struct kvm_lapic_state s;

	must(cpu, KVM_GET_LAPIC, &s, "GET_LAPIC");
	return *(uint32_t *)(s.regs + APIC_IRR + VECTOR / 32 * 16) & 1u << VECTOR % 32;
}

static void test_many(void)
{
	/* SDM3 "Message Address Register Format"; the high half has bits 31:8 of the id. */
	struct kvm_msi msi = {
		.address_lo = 0xfee00000u | ((MANY - 1) & 0xff) << 12,
		.address_hi = (MANY - 1) & ~0xffu, .data = VECTOR,
	};
	int vm = new_vm(), cpu[MANY];
	unsigned int i, made = 0;

	for (i = 0; i < MANY; i++) {
		cpu[i] = call_value(vm, KVM_CREATE_VCPU, i);
		made += cpu[i] >= 0;
	}
	if (!is(made, MANY, "288 vCPUs"))
		return;
	set_x2apic(cpu[MANY - 1]);
	set_x2apic(cpu[(MANY - 1) & 0xff]);
	is(call(vm, KVM_SIGNAL_MSI, &msi), 1, "a message to the last");
	tap_ok(got_vector(cpu[MANY - 1]), "the last has it");
	tap_ok(!got_vector(cpu[(MANY - 1) & 0xff]), "not the one with the same low byte");
	for (i = 0; i < MANY; i++)
		close(cpu[i]);
	close(vm);
}

struct worker {
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	unsigned int exits;
};

static void *work(void *arg)
{
	struct worker *w = arg;

	while (w->exits < ROUNDS && !call(w->fd, KVM_RUN, NULL) &&
	       w->run->exit_reason == KVM_EXIT_IO)
		w->exits++;
	return NULL;
}

/* Each adds to one counter for a while, then tells. */
static void test_running(void)
{
	static const uint8_t code[] = {
		0xb9, 0xe8, 0x03,			/* mov $1000, %cx */
		0xf0, 0x2e, 0x66, 0xff, 0x06, 0x00, 0x80, /* lock incl %cs:COUNTER */
		0xe2, 0xf7,				/* loop .-7 */
		0xe6, 0x70,				/* out %al, $0x70 */
		0xeb, 0xf0,				/* jmp to the start */
	};
	struct kvm_regs regs = { .rip = API_CODE, .rflags = 2 };
	long size = must(api_device, KVM_GET_VCPU_MMAP_SIZE, NULL, "GET_VCPU_MMAP_SIZE");
	int vm = must(api_device, KVM_CREATE_VM, NULL, "CREATE_VM");
	uint8_t *mem = api_pages(API_MEM_SIZE);
	struct worker w[RUNNING] = { 0 };
	unsigned int i, exits = 0;
	struct kvm_sregs sregs;

	api_slot(vm, 0, 0, 0, API_MEM_SIZE, mem);
	memcpy(mem + API_CODE, code, sizeof(code));
	for (i = 0; i < RUNNING; i++) {
		w[i].fd = must(vm, KVM_CREATE_VCPU, (void *)(long)i, "CREATE_VCPU");
		w[i].run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w[i].fd, 0);
		must(w[i].fd, KVM_GET_SREGS, &sregs, "GET_SREGS");
		sregs.cs.base = 0;
		sregs.cs.selector = 0;
		must(w[i].fd, KVM_SET_SREGS, &sregs, "SET_SREGS");
		must(w[i].fd, KVM_SET_REGS, &regs, "SET_REGS");
	}
	for (i = 0; i < RUNNING; i++)
		if (pthread_create(&w[i].thread, NULL, work, &w[i]))
			api_give_up("pthread_create");
	for (i = 0; i < RUNNING; i++) {
		pthread_join(w[i].thread, NULL);
		exits += w[i].exits;
		munmap(w[i].run, size);
		close(w[i].fd);
	}
	is(exits, RUNNING * ROUNDS, "16 vCPUs run at the same time");
	is(*(volatile uint32_t *)(mem + COUNTER), RUNNING * ROUNDS * 1000,
	   "and no addition of any is lost");
	close(vm);
}

int main(void)
{
	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	test_many();
	test_running();
	return tap_done();
}
