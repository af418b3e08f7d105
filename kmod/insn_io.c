// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses to devices: first the ones in the kernel, then userspace.
 *
 * An instruction may make several accesses, and userspace may have to answer
 * each.  So every finished one goes to a log, and after each answer the
 * instruction runs again from its start with the log in the place of the
 * devices.
 */
#include "nestor.h"
#include <linux/string.h>
#include "core.h"
#include "hyperv/hyperv.h"
#include "insn.h"
#include "irqchip/irqchip.h"
#include "trace.h"

/* kvm_run carries eight bytes of MMIO at a time. */
#define NST_MMIO_CHUNK	8u

/**
 * nst_log_drop() - the instruction is over
 * @insn: the vCPU's context
 */
void nst_log_drop(struct nst_insn *insn)
{
	insn->waiting = NST_WAIT_NONE;
	insn->done = 0;
	insn->pos = 0;
	insn->used = 0;
}

static bool nst_same_access(const struct nst_ext *a, const struct nst_ext *b)
{
	return a->addr == b->addr && a->len == b->len && a->pio == b->pio &&
	       a->write == b->write;
}

/*
 * Answer from the log.  An access that is not the logged one (the guest
 * changed its page tables meanwhile) ends the replay: from there on they are
 * new.
 */
static bool nst_replay(struct nst_insn *insn, const struct nst_ext *ext, void *buf)
{
	const struct nst_ext *logged = &insn->log[insn->pos];

	if (insn->pos >= insn->done)
		return false;
	if (!nst_same_access(logged, ext)) {
		insn->used = logged->offset;
		insn->done = insn->pos;
		return false;
	}
	if (!ext->write)
		memcpy(buf, insn->data + logged->offset, ext->len);
	insn->pos++;
	return true;
}

static int nst_log_add(struct nst_insn *insn, struct nst_ext ext, const void *buf)
{
	if (insn->done == NST_LOG_ENTRIES || ext.len > NST_LOG_BYTES - insn->used)
		return -ENOSPC;
	ext.offset = insn->used;
	memcpy(insn->data + insn->used, buf, ext.len);
	insn->used += ext.len;
	insn->log[insn->done++] = ext;
	insn->pos = insn->done;
	return 0;
}

static bool nst_mmio_in_kernel(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf,
			       unsigned int len, bool write)
{
	if (vcpu->lapic && nst_lapic_mmio(vcpu, gpa, buf, len, write))
		return true;
	if (write)
		return nst_bus_write(vcpu, NST_BUS_MMIO, nst_gpa_raw(gpa), buf, len);
	return nst_bus_read(vcpu, NST_BUS_MMIO, nst_gpa_raw(gpa), buf, len);
}

static void nst_ask_mmio(struct nst_vcpu *vcpu, const struct nst_ext *ext, const void *buf)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.phys_addr = ext->addr;
	run->mmio.len = ext->len;
	run->mmio.is_write = ext->write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (ext->write)
		memcpy(run->mmio.data, buf, ext->len);
	vcpu->insn->asked = *ext;
}

static int nst_mmio_chunk(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf,
			  unsigned int len, bool write)
{
	struct nst_ext ext = {
		.addr = nst_gpa_raw(gpa), .len = len, .write = write,
	};

	if (nst_replay(vcpu->insn, &ext, buf))
		return 0;
	if (!nst_mmio_in_kernel(vcpu, gpa, buf, len, write)) {
		nst_ask_mmio(vcpu, &ext, buf);
		return 1;
	}
	trace_kvm_mmio(write ? KVM_TRACE_MMIO_WRITE : KVM_TRACE_MMIO_READ, len,
		       nst_gpa_raw(gpa), buf);
	return nst_log_add(vcpu->insn, ext, buf);
}

/**
 * nst_ext_mmio() - the emulated instruction touches a device in memory space
 * @vcpu: loaded vCPU, srcu held
 * @gpa: where; the access stays within its page
 * @buf: data to write, or the result
 * @len: bytes
 * @write: direction
 *
 * Return: 0: done, 1: userspace was asked (run again later), -ENOSPC: more
 * accesses than one instruction has.
 */
int nst_ext_mmio(struct nst_vcpu *vcpu, nst_gpa_t gpa, void *buf, unsigned int len,
		 bool write)
{
	unsigned int chunk;
	int ret;

	for (unsigned int pos = 0; pos < len; pos += chunk) {
		chunk = min(len - pos, NST_MMIO_CHUNK);
		ret = nst_mmio_chunk(vcpu, nst_gpa_add(gpa, pos), buf + pos, chunk, write);
		if (ret)
			return ret;
	}
	return 0;
}

static bool nst_pio_in_kernel(struct nst_vcpu *vcpu, u16 port, unsigned int size, void *buf,
			      unsigned int count, bool write)
{
	bool taken;

	/* The first element decides; a device that took it takes them all. */
	for (unsigned int i = 0; i < count; i++) {
		if (write)
			taken = nst_bus_write(vcpu, NST_BUS_PIO, port, buf + i * size, size);
		else
			taken = nst_bus_read(vcpu, NST_BUS_PIO, port, buf + i * size, size);
		if (!taken && !i)
			return false;
		if (!taken && !write)
			memset(buf + i * size, 0xff, size);
	}
	return true;
}

static void nst_ask_pio(struct nst_vcpu *vcpu, u16 port, unsigned int size,
			const void *buf, unsigned int count, bool write)
{
	struct kvm_run *run = vcpu->run;

	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = write ? KVM_EXIT_IO_OUT : KVM_EXIT_IO_IN;
	run->io.port = port;
	run->io.size = size;
	run->io.count = count;
	run->io.data_offset = KVM_PIO_PAGE_OFFSET * PAGE_SIZE;
	if (write)
		memcpy(vcpu->pio_page, buf, size * count);
	vcpu->insn->asked = (struct nst_ext){
		.addr = port, .len = size * count, .pio = true, .write = write,
	};
}

/**
 * nst_ext_pio() - the emulated instruction touches a port
 * @vcpu: loaded vCPU, srcu held
 * @port: the port
 * @size: bytes an element
 * @buf: elements to write, or the result
 * @count: elements; all of them fit into a page
 * @write: direction
 *
 * Return: as nst_ext_mmio().
 */
int nst_ext_pio(struct nst_vcpu *vcpu, u16 port, unsigned int size, void *buf,
		unsigned int count, bool write)
{
	struct nst_ext ext = {
		.addr = port, .len = size * count, .pio = true, .write = write,
	};

	if (nst_replay(vcpu->insn, &ext, buf))
		return 0;
	if (nst_pio_in_kernel(vcpu, port, size, buf, count, write))
		return nst_log_add(vcpu->insn, ext, buf);
	nst_ask_pio(vcpu, port, size, buf, count, write);
	return 1;
}

/* ---- IN and OUT without the emulator ---- */

static void nst_port_result(struct nst_vcpu *vcpu, const void *data, unsigned int size)
{
	u64 *rax = &vcpu->st.gpr[NST_RAX];
	u32 val = 0;

	memcpy(&val, data, size);
	/* Four bytes clear the upper half, as every 32-bit result. */
	if (size == 4)
		*rax = val;
	else
		*rax = (*rax & ~(BIT_ULL(8 * size) - 1)) | val;
	vcpu->dirty |= NST_STATE_GPR;
}

/* The instruction that asked is still the current one. */
static bool nst_same_insn(struct nst_vcpu *vcpu)
{
	nst_pull(vcpu, NST_STATE_SEG);
	return vcpu->st.rip == vcpu->insn->rip &&
	       vcpu->st.seg[NST_CS].base == vcpu->insn->cs_base;
}

static void nst_remember_insn(struct nst_vcpu *vcpu, enum nst_waiting waiting)
{
	nst_pull(vcpu, NST_STATE_SEG);
	vcpu->insn->waiting = waiting;
	vcpu->insn->rip = vcpu->st.rip;
	vcpu->insn->cs_base = vcpu->st.seg[NST_CS].base;
}

static enum nst_next nst_port_out(struct nst_vcpu *vcpu, u16 port, u8 size)
{
	u32 val = vcpu->st.gpr[NST_RAX];
	enum nst_next next;

	trace_kvm_pio(KVM_TRACE_PIO_OUT, port, size, 1, &val);
	/* A write needs no answer, so the instruction is over before userspace sees it. */
	next = nst_skip_insn(vcpu);
	if (next != NST_ENTER)
		return next;
	if (nst_bus_write(vcpu, NST_BUS_PIO, port, &val, size))
		return NST_ENTER;
	nst_ask_pio(vcpu, port, size, &val, 1, true);
	return NST_USER;
}

/**
 * nst_pio() - IN or OUT, not string, as decoded in vcpu->exit
 * @vcpu: loaded vCPU
 *
 * Return: NST_ENTER, or NST_USER with kvm_run filled.
 */
enum nst_next nst_pio(struct nst_vcpu *vcpu)
{
	u16 port = vcpu->exit.io.port;
	u8 size = vcpu->exit.io.size;
	u32 val = 0;

	if (!vcpu->exit.io.in)
		return nst_port_out(vcpu, port, size);
	if (nst_bus_read(vcpu, NST_BUS_PIO, port, &val, size)) {
		trace_kvm_pio(KVM_TRACE_PIO_IN, port, size, 1, &val);
		nst_port_result(vcpu, &val, size);
		return nst_skip_insn(vcpu);
	}
	nst_ask_pio(vcpu, port, size, &val, 1, false);
	nst_remember_insn(vcpu, NST_WAIT_PORT);
	return NST_USER;
}

static enum nst_next nst_complete_port(struct nst_vcpu *vcpu)
{
	u16 port = vcpu->insn->asked.addr;
	u16 size = vcpu->insn->asked.len;

	trace_kvm_pio(KVM_TRACE_PIO_IN, port, size, 1, vcpu->pio_page);
	nst_port_result(vcpu, vcpu->pio_page, size);
	return nst_skip_insn(vcpu);
}

static enum nst_next nst_complete_emul(struct nst_vcpu *vcpu)
{
	const struct nst_ext *asked = &vcpu->insn->asked;
	const void *answer = asked->pio ? vcpu->pio_page : vcpu->run->mmio.data;

	if (nst_log_add(vcpu->insn, *asked, answer))
		return nst_internal_error(vcpu, KVM_INTERNAL_ERROR_EMULATION);
	return nst_emulate_at(vcpu, vcpu->insn->known_gpa);
}

/**
 * nst_insn_wait() - note that the emulated instruction waits for userspace
 * @vcpu: loaded vCPU
 */
void nst_insn_wait(struct nst_vcpu *vcpu)
{
	nst_remember_insn(vcpu, NST_WAIT_EMUL);
}

/**
 * nst_insn_wait_msr() - note that an RDMSR or WRMSR waits for userspace
 * @vcpu: loaded vCPU
 */
void nst_insn_wait_msr(struct nst_vcpu *vcpu)
{
	nst_remember_insn(vcpu, NST_WAIT_MSR);
}

/**
 * nst_insn_wait_hypercall() - note that a hypercall waits for userspace
 * @vcpu: loaded vCPU
 */
void nst_insn_wait_hypercall(struct nst_vcpu *vcpu)
{
	nst_remember_insn(vcpu, NST_WAIT_CALL);
}

/**
 * nst_insn_complete() - go on with the instruction that userspace answered
 * @vcpu: loaded vCPU
 *
 * When userspace moved the guest elsewhere meanwhile, the answer is dropped.
 *
 * Return: NST_ENTER, or NST_USER when the instruction asks for more.
 */
enum nst_next nst_insn_complete(struct nst_vcpu *vcpu)
{
	enum nst_waiting waiting = vcpu->insn->waiting;

	if (waiting == NST_WAIT_NONE)
		return NST_ENTER;
	vcpu->insn->waiting = NST_WAIT_NONE;
	if (!nst_same_insn(vcpu)) {
		nst_log_drop(vcpu->insn);
		return NST_ENTER;
	}
	switch (waiting) {
	case NST_WAIT_PORT:
		return nst_complete_port(vcpu);
	case NST_WAIT_MSR:
		return nst_complete_msr(vcpu);
	case NST_WAIT_CALL:
		return nst_hv_complete_call(vcpu);
	default:
		return nst_complete_emul(vcpu);
	}
}
