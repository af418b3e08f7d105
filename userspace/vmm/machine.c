// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds the machine from its parts, runs it, takes it apart. The main thread
 * feeds the UART and waits for signals; each vCPU has a thread of its own.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/acpi.h"
#include "vmm/boot.h"
#include "vmm/bootcpu.h"
#include "vmm/console.h"
#include "vmm/cpuid.h"
#include "vmm/devices.h"
#include "vmm/loop.h"
#include "vmm/machine.h"
#include "vmm/pm.h"
#include "vmm/ports.h"
#include "vmm/reset.h"
#include "vmm/rtc.h"
#include "vmm/serial.h"
#include "vmm/vcpu.h"

#define DEFAULT_DEVICE	"/dev/nestor"
#define FALLBACK_DEVICE	"/dev/kvm"
#define DEFAULT_CMDLINE	"console=ttyS0"
/* The last one is /dev/console, once its driver is there. */
#define HVC_CMDLINE	DEFAULT_CMDLINE " console=hvc0"
#define JOIN_MS		10000

/* SDM4 "IA-32 Architectural MSRs". */
#define MSR_MISC_ENABLE		0x1a0
#define MISC_FAST_STRINGS	BIT_ULL(0)
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLED		BIT_ULL(11)
#define MTRR_WRITE_BACK		6ull

struct machine {
	struct nl_dev dev;
	struct nl_vm vm;
	struct nl_cpuid cpuid;
	struct ram ram;
	struct stop stop;
	struct bus bus;
	struct reset reset;
	struct pm pm;
	struct rtc rtc;
	struct serial serial;
	struct devices devices;
	struct console console;
	struct vcpu *vcpus;
	u32 cpus;
};

static int open_device(struct nl_dev *dev, const char *path)
{
	int ret;

	if (path)
		return nl_dev_open(dev, path);
	ret = nl_dev_open(dev, DEFAULT_DEVICE);
	if (ret != -ENOENT && ret != -ENODEV && ret != -ENXIO)
		return ret;
	if (access(FALLBACK_DEVICE, F_OK))
		return ret;
	fprintf(stderr, "nestor: %s is not there, using %s\n", DEFAULT_DEVICE, FALLBACK_DEVICE);
	return nl_dev_open(dev, FALLBACK_DEVICE);
}

static int check_caps(const struct nl_dev *dev)
{
	static const struct {
		u32 cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_USER_MEMORY, "USER_MEMORY" },
		{ KVM_CAP_IRQCHIP, "IRQCHIP" },
		{ KVM_CAP_PIT2, "PIT2" },
		{ KVM_CAP_SET_TSS_ADDR, "SET_TSS_ADDR" },
		{ KVM_CAP_EXT_CPUID, "EXT_CPUID" },
		{ KVM_CAP_IRQ_ROUTING, "IRQ_ROUTING" },
		{ KVM_CAP_IMMEDIATE_EXIT, "IMMEDIATE_EXIT" },
	};
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(needed) && !ret; i++)
		ret = nl_dev_need(dev, needed[i].cap, needed[i].name);
	return ret;
}

static int create_vm(struct machine *m, const struct options *opt)
{
	int ret, max;

	ret = open_device(&m->dev, opt->device);
	if (!ret)
		ret = check_caps(&m->dev);
	if (!ret)
		ret = nl_cpuid_get(&m->dev, &m->cpuid);
	if (!ret)
		ret = cpuid_nest(&m->cpuid, opt->nested);
	if (!ret)
		ret = nl_vm_create(&m->vm, &m->dev);
	if (ret)
		return ret;

	max = nl_vm_cap(&m->vm, KVM_CAP_MAX_VCPUS);
	if (max && opt->cpus > (u32)max)
		return nl_fail(E2BIG, "--cpus %u: %s allows at most %d CPUs", opt->cpus,
			       m->dev.path, max);
	ret = nl_vm_set_tss(&m->vm, TSS_GPA, IDENTITY_MAP_GPA);
	return ret ? ret : nl_vm_irqchip(&m->vm);
}

static void serial_send(void *ctx, u8 byte)
{
	struct machine *m = ctx;

	console_write(&m->stop, &byte, 1);
}

static unsigned int guest_input(void *ctx, const u8 *bytes, unsigned int nr, bool patient)
{
	struct machine *m = ctx;
	const struct virtio_dev *dev = &m->devices.hvc.virtio;

	/* Nobody types into the serial line what is meant for the virtio console. */
	if (dev->ops && (patient || virtio_alive(dev)))
		return hvc_receive(&m->devices.hvc, bytes, nr);
	return serial_input(&m->serial, bytes, nr, patient);
}

static bool terminal_resized(void *ctx)
{
	struct machine *m = ctx;

	return !m->devices.hvc.virtio.ops || hvc_resized(&m->devices.hvc);
}

static void serial_room(void *ctx)
{
	struct machine *m = ctx;

	stop_wake(&m->stop);
}

static int create_devices(struct machine *m, const struct options *opt)
{
	const struct devices_place place = {
		.bus = &m->bus, .vm = &m->vm, .ram = &m->ram, .stop = &m->stop,
	};
	int ret;

	m->serial.send = serial_send;
	m->serial.room = serial_room;
	m->serial.ctx = m;
	ret = serial_init(&m->serial, &m->bus, &m->vm);
	if (!ret)
		ret = rtc_init(&m->rtc, &m->bus);
	if (!ret)
		ret = pm_init(&m->pm, &m->bus, &m->stop);
	if (!ret)
		ret = reset_init(&m->reset, &m->bus, &m->stop);
	if (!ret)
		ret = devices_init(&m->devices, opt, &place);
	return ret;
}

static int create_memory(struct machine *m, const struct options *opt, struct boot_entry *entry)
{
	char cmdline[CMDLINE_ROOM];
	const struct boot_files files = {
		.kernel = opt->kernel,
		.initrd = opt->initrd,
		.cmdline = cmdline,
	};
	int ret;

	/* A truncated line is still longer than any kernel takes, and refused as such. */
	snprintf(cmdline, sizeof(cmdline), "%s%s%s", opt->hvc ? HVC_CMDLINE : DEFAULT_CMDLINE,
		 opt->append ? " " : "", opt->append ? opt->append : "");
	ret = ram_create(&m->ram, opt->mem);
	if (!ret)
		ret = boot_load(&m->ram, &files, entry);
	if (!ret)
		ret = bootcpu_tables(&m->ram, entry);
	if (!ret)
		ret = acpi_build(&m->ram, opt->cpus);
	return ret;
}

/* What firmware has set up on every CPU before an operating system sees it. */
static int set_firmware_msrs(const struct nl_vcpu *vcpu, const struct nl_cpuid *cpuid)
{
	int ret = 0;

	if (cpuid_has_mtrr(cpuid))
		ret = nl_vcpu_set_msr(vcpu, MSR_MTRR_DEF_TYPE, MTRR_ENABLED | MTRR_WRITE_BACK);
	if (!ret && cpuid_is_intel(cpuid))
		ret = nl_vcpu_set_msr(vcpu, MSR_MISC_ENABLE, MISC_FAST_STRINGS);
	return ret;
}

static int create_vcpu(struct machine *m, struct vcpu *vcpu, u32 id)
{
	const struct cpuid_place place = {
		.apic_id = id,
		.cpus = m->cpus,
		.tsc_deadline = nl_vm_cap(&m->vm, KVM_CAP_TSC_DEADLINE_TIMER),
	};
	struct nl_cpuid cpuid = m->cpuid;
	int ret;

	vcpu->bus = &m->bus;
	vcpu->pci = &m->devices.pci;
	vcpu->stop = &m->stop;
	ret = nl_vcpu_create(&vcpu->nl, &m->vm, id);
	if (!ret)
		ret = cpuid_place(&cpuid, &place);
	if (!ret)
		ret = nl_vcpu_set_cpuid(&vcpu->nl, &cpuid);
	if (!ret)
		ret = set_firmware_msrs(&vcpu->nl, &cpuid);
	return ret;
}

static int create_vcpus(struct machine *m, u32 cpus, const struct boot_entry *entry)
{
	u32 i;
	int ret = 0;

	m->vcpus = calloc(cpus, sizeof(*m->vcpus));
	if (!m->vcpus)
		return nl_fail(ENOMEM, "no memory for %u CPUs", cpus);
	m->cpus = cpus;
	for (i = 0; i < cpus; i++)
		m->vcpus[i].nl.fd = -1;
	for (i = 0; i < cpus && !ret; i++)
		ret = create_vcpu(m, &m->vcpus[i], i);
	/* The others wait for the first one's INIT and SIPI. */
	return ret ? ret : bootcpu_set(&m->vcpus[0].nl, entry);
}

static int create(struct machine *m, const struct options *opt)
{
	struct boot_entry entry;
	int ret;

	ret = create_memory(m, opt, &entry);
	if (!ret)
		ret = create_vm(m, opt);
	if (!ret)
		ret = ram_attach(&m->ram, &m->vm);
	if (!ret)
		ret = stop_init(&m->stop);
	if (!ret)
		ret = create_devices(m, opt);
	if (!ret)
		ret = create_vcpus(m, opt->cpus, &entry);
	return ret;
}

static void destroy(struct machine *m)
{
	u32 i;

	for (i = 0; i < m->cpus; i++)
		nl_vcpu_close(&m->vcpus[i].nl);
	free(m->vcpus);
	nl_vm_close(&m->vm);
	devices_destroy(&m->devices);
	nl_dev_close(&m->dev);
	stop_destroy(&m->stop);
	ram_destroy(&m->ram);
}

static bool join_vcpus(struct machine *m)
{
	bool home = true;
	u32 i;

	for (i = 0; i < m->cpus; i++)
		home &= vcpu_join(&m->vcpus[i], JOIN_MS);
	return home;
}

/* A thread still uses what destroy() would free. */
static void give_up(const char *why)
{
	console_restore();
	fprintf(stderr, "nestor: %s\n", why);
	_exit(STOP_INTERNAL);
}

static int run(struct machine *m)
{
	struct loop loop = {
		.signal_fd = -1, .input = guest_input, .resized = terminal_resized, .ctx = m,
	};
	u32 i;
	int ret;

	/* Signals first, so that every thread inherits the mask. */
	ret = loop_open(&loop);
	if (!ret)
		ret = console_open(&m->console);
	if (!ret)
		ret = devices_start(&m->devices);
	for (i = 0; i < m->cpus && !ret; i++)
		ret = vcpu_start(&m->vcpus[i]);
	if (!ret)
		ret = loop_run(&loop, &m->console, &m->stop);
	if (ret)
		stop_request(&m->stop, STOP_ENVIRONMENT);

	/* Devices first: a vCPU may wait for one. */
	if (!devices_stop(&m->devices, JOIN_MS))
		give_up("a device does not come back from the host");
	if (!join_vcpus(m))
		give_up("a vCPU does not come back from the hypervisor");
	loop_close(&loop);
	console_restore();
	return ret;
}

/**
 * machine_run() - Build the machine, run the guest until it stops
 * @opt: from the command line
 *
 * Return: the launcher's exit status; an error has been printed.
 */
int machine_run(const struct options *opt)
{
	static struct machine m = { .dev.fd = -1, .vm.fd = -1, .stop.wake_fd = -1 };
	int status, ret;

	ret = create(&m, opt);
	if (!ret)
		ret = run(&m);
	if (ret) {
		fprintf(stderr, "nestor: %s\n", nl_error());
		/* What does not fit is the command line's fault, the rest the host's. */
		status = ret == -ENOSPC || ret == -E2BIG ? STOP_USAGE : STOP_ENVIRONMENT;
	} else {
		status = stop_status(&m.stop);
	}
	destroy(&m);
	return status;
}
