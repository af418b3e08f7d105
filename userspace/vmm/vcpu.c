// SPDX-License-Identifier: GPL-2.0-only
/*
 * The run loop of one vCPU: enter the guest, look at why it came back, serve
 * it, again. One row for each exit reason; what has no row ends the guest.
 *
 * To stop it another thread sets run->immediate_exit and sends a signal: the
 * signal ends an entry that has begun, the flag one that is about to.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/dump.h"
#include "vmm/vcpu.h"

static void on_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->nl.run;
	u8 data[sizeof(run->mmio.data)];
	u32 len = run->mmio.len;

	if (len > sizeof(data)) {
		fprintf(stderr, "nestor: vCPU %u: a memory access of %u bytes\n", vcpu->nl.id, len);
		stop_request(vcpu->stop, STOP_INTERNAL);
		return;
	}
	memcpy(data, run->mmio.data, sizeof(data));
	if (run->mmio.is_write) {
		pci_mmio_write(vcpu->pci, run->mmio.phys_addr, data, len);
		return;
	}
	/* Where nobody answers, the bus reads all ones. */
	if (!pci_mmio_read(vcpu->pci, run->mmio.phys_addr, data, len))
		memset(data, 0xff, sizeof(data));
	memcpy(run->mmio.data, data, sizeof(data));
}

static void io_one(const struct bus *bus, bool in, u16 port, u8 size, u8 *data)
{
	u32 value = 0;

	if (in) {
		value = bus_read(bus, port, size);
		memcpy(data, &value, size);
	} else {
		memcpy(&value, data, size);
		bus_write(bus, port, size, value);
	}
}

static void on_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->nl.run;
	u64 bytes = (u64)run->io.size * run->io.count;
	u8 *data = (u8 *)run + run->io.data_offset;
	u32 i;

	if ((run->io.size != 1 && run->io.size != 2 && run->io.size != 4) ||
	    run->io.data_offset > vcpu->nl.run_size ||
	    bytes > vcpu->nl.run_size - run->io.data_offset) {
		fprintf(stderr, "nestor: vCPU %u: the I/O exit lies outside the shared page\n",
			vcpu->nl.id);
		stop_request(vcpu->stop, STOP_INTERNAL);
		return;
	}
	for (i = 0; i < run->io.count; i++, data += run->io.size)
		io_one(vcpu->bus, run->io.direction == KVM_EXIT_IO_IN, run->io.port, run->io.size,
		       data);
}

static void on_shutdown(struct vcpu *vcpu)
{
	fprintf(stderr, "nestor: vCPU %u: triple fault, the guest is shut down\n", vcpu->nl.id);
	dump_registers(&vcpu->nl);
	stop_request(vcpu->stop, STOP_SHUTDOWN);
}

static void on_system_event(struct vcpu *vcpu)
{
	switch (vcpu->nl.run->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		stop_request(vcpu->stop, STOP_POWER_OFF);
		break;
	case KVM_SYSTEM_EVENT_RESET:
		stop_request(vcpu->stop, STOP_RESET);
		break;
	default:
		dump_exit(&vcpu->nl);
		stop_request(vcpu->stop, STOP_INTERNAL);
	}
}

static void on_interrupted(struct vcpu *vcpu)
{
	(void)vcpu;
}

static void (* const handlers[])(struct vcpu *) = {
	[KVM_EXIT_IO] = on_io,
	[KVM_EXIT_MMIO] = on_mmio,
	[KVM_EXIT_SHUTDOWN] = on_shutdown,
	[KVM_EXIT_SYSTEM_EVENT] = on_system_event,
	[KVM_EXIT_INTR] = on_interrupted,
};

static void handle_exit(struct vcpu *vcpu)
{
	u32 reason = vcpu->nl.run->exit_reason;

	if (reason < ARRAY_SIZE(handlers) && handlers[reason]) {
		handlers[reason](vcpu);
		return;
	}
	dump_exit(&vcpu->nl);
	stop_request(vcpu->stop, STOP_INTERNAL);
}

static void *vcpu_main(void *arg)
{
	struct vcpu *vcpu = arg;
	int ret;

	while (!stop_pending(vcpu->stop)) {
		ret = nl_vcpu_run(&vcpu->nl);
		if (!ret) {
			handle_exit(vcpu);
		} else if (ret != -EINTR && ret != -EAGAIN) {
			fprintf(stderr, "nestor: %s\n", nl_error());
			dump_registers(&vcpu->nl);
			stop_request(vcpu->stop, STOP_INTERNAL);
		}
	}
	return NULL;
}

/**
 * vcpu_start() - Let a vCPU run in a thread of its own
 * @vcpu: all but the thread is set up
 *
 * Return: 0 or a negative errno with nl_error() set.
 */
int vcpu_start(struct vcpu *vcpu)
{
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->nl.id);
	return thread_start(&vcpu->thread, name, vcpu_main, vcpu);
}

/**
 * vcpu_join() - Bring a vCPU's thread home after a stop request
 * @vcpu: started or not
 * @patience_ms: how long to try
 *
 * Return: false when the thread does not come back.
 */
bool vcpu_join(struct vcpu *vcpu, unsigned int patience_ms)
{
	vcpu->nl.run->immediate_exit = 1;
	return thread_join(&vcpu->thread, patience_ms);
}
