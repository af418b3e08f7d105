// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 8254 interval timer as a device: ports, the speaker's gate, and a host
 * hrtimer that pulses GSI 0.  The counters are in pit_logic.c.
 *
 * Lock: pit->lock, a mutex, guards the counters; taken by vCPU threads and
 * ioctls.  The expiry function runs in hard interrupt context and reads only
 * what is changed while the hrtimer is cancelled.
 */
#include "../nestor.h"
#include <linux/slab.h>
#include "../core.h"
#include "chip.h"
#include "lapic.h"

#define PIT_PORT		0x40
#define PIT_PORTS		4
#define PIT_CONTROL		3
#define SPEAKER_PORT		0x61
#define SPEAKER_GATE		BIT(0)
#define SPEAKER_DATA		BIT(1)
#define SPEAKER_REFRESH		BIT(4)
#define SPEAKER_OUT		BIT(5)
/* The DRAM refresh request toggles about every 15 us. */
#define REFRESH_TOGGLE_SHIFT	14

#define PIT_GSI			0
#define SPEAKER_CHANNEL		2
/* Ticks made up for when the guest is back: enough for a few seconds at 1 kHz. */
#define PIT_MAX_MISSED		4096
/* A guest must not keep the host busy with interrupts. */
#define PIT_MIN_PERIOD_NS	(200 * NSEC_PER_USEC)

/* Control port: which counter, or the read-back command. */
#define CW_CHANNEL_SHIFT	6
#define CW_READ_BACK		3
#define CW_ACCESS		0x30
#define READ_BACK_NO_COUNT	BIT(5)
#define READ_BACK_NO_STATUS	BIT(4)

/* The timer of a VM. */
struct nst_pit {
	struct nst_irqchip *chip;		/* (c) */
	struct mutex lock;
	struct nst_pit_channel ch[NST_PIT_CHANNELS]; /* lock */
	u32 flags;				/* lock; KVM_PIT_FLAGS_* */
	bool speaker_data;			/* lock */
	bool has_speaker;			/* (c) the speaker's port is ours */
	bool reinject;				/* make up for missed ticks */
	atomic_t missed;			/* (a) ticks that found the last one pending */
	struct hrtimer timer;
	u64 period;				/* ns, 0: one-shot */
	struct nst_iodev ports;			/* (c) */
	struct nst_iodev speaker;		/* (c) */
};

static struct nst_pit *pit_of_vm(struct nst_vm *vm)
{
	struct nst_irqchip *chip = nst_irqchip_of(vm);

	/* Pairs with the release in nst_pit_create(). */
	return chip ? smp_load_acquire(&chip->pit) : NULL;
}

/* One tick on GSI 0; one that found the last still pending is counted. */
static void pit_tick(struct nst_pit *pit)
{
	struct nst_vm *vm = pit->chip->vm;
	int ret = nst_gsi_set(vm, NST_SRC_PIT, PIT_GSI, true);

	nst_gsi_set(vm, NST_SRC_PIT, PIT_GSI, false);
	if (ret == NST_IRQ_COALESCED && READ_ONCE(pit->reinject))
		atomic_add_unless(&pit->missed, 1, PIT_MAX_MISSED);
}

/**
 * nst_pit_acked() - the guest took a tick: time for one that it missed
 * @vm: the VM; a vCPU's thread, no lock of the chips held
 */
void nst_pit_acked(struct nst_vm *vm)
{
	struct nst_pit *pit = pit_of_vm(vm);

	if (pit && atomic_dec_if_positive(&pit->missed) >= 0)
		pit_tick(pit);
}

static enum hrtimer_restart pit_expired(struct hrtimer *timer)
{
	struct nst_pit *pit = container_of(timer, struct nst_pit, timer);

	pit_tick(pit);
	if (!pit->period)
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(pit->period));
	return HRTIMER_RESTART;
}

/* Start or stop the host's timer for counter 0, whose GATE is always high. */
static void pit_restart_locked(struct nst_pit *pit)
{
	struct nst_pit_channel *ch = &pit->ch[0];
	u64 ns = (u64)nst_pit_ch_modulus(ch) * NSEC_PER_SEC / NST_PIT_HZ;

	lockdep_assert_held(&pit->lock);
	hrtimer_cancel(&pit->timer);
	atomic_set(&pit->missed, 0);
	if (ch->halted || (pit->flags & KVM_PIT_FLAGS_HPET_LEGACY))
		return;
	ns = max_t(u64, ns, PIT_MIN_PERIOD_NS);
	pit->period = nst_pit_ch_periodic(ch) ? ns : 0;
	hrtimer_start(&pit->timer, ns_to_ktime(ch->s.count_load_time + ns), HRTIMER_MODE_ABS_HARD);
}

static void pit_read_back(struct nst_pit *pit, u8 val, u64 now)
{
	for (int i = 0; i < NST_PIT_CHANNELS; i++) {
		if (!(val & (2 << i)))
			continue;
		if (!(val & READ_BACK_NO_COUNT))
			nst_pit_ch_latch_count(&pit->ch[i], now);
		if (!(val & READ_BACK_NO_STATUS))
			nst_pit_ch_latch_status(&pit->ch[i], now);
	}
}

static void pit_control(struct nst_pit *pit, u8 val, u64 now)
{
	unsigned int channel = val >> CW_CHANNEL_SHIFT;

	if (channel == CW_READ_BACK) {
		pit_read_back(pit, val, now);
	} else if (!(val & CW_ACCESS)) {
		nst_pit_ch_latch_count(&pit->ch[channel], now);
	} else {
		nst_pit_ch_control(&pit->ch[channel], val);
		if (channel == 0)
			pit_restart_locked(pit);
	}
}

static void pit_write_byte(struct nst_pit *pit, unsigned int port, u8 val)
{
	u64 now = ktime_get_ns();

	if (port == PIT_CONTROL)
		pit_control(pit, val, now);
	else if (nst_pit_ch_write(&pit->ch[port], val, now) && port == 0)
		pit_restart_locked(pit);
}

/* An access that is wider than the port is a row of byte accesses (ISA). */
static bool pit_write(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
		      const void *data, unsigned int len)
{
	struct nst_pit *pit = container_of(dev, struct nst_pit, ports);
	const u8 *bytes = data;

	mutex_lock(&pit->lock);
	for (unsigned int i = 0; i < len; i++)
		pit_write_byte(pit, (addr + i) % PIT_PORTS, bytes[i]);
	mutex_unlock(&pit->lock);
	return true;
}

static bool pit_read(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr, void *data,
		     unsigned int len)
{
	struct nst_pit *pit = container_of(dev, struct nst_pit, ports);
	u8 *bytes = data;

	mutex_lock(&pit->lock);
	for (unsigned int i = 0; i < len; i++) {
		unsigned int port = (addr + i) % PIT_PORTS;

		/* The control word cannot be read. */
		bytes[i] = port == PIT_CONTROL ? 0 :
			   nst_pit_ch_read(&pit->ch[port], ktime_get_ns());
	}
	mutex_unlock(&pit->lock);
	return true;
}

static const struct nst_iodev_ops pit_ops = {
	.read = pit_read,
	.write = pit_write,
};

static bool speaker_write(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr,
			  const void *data, unsigned int len)
{
	struct nst_pit *pit = container_of(dev, struct nst_pit, speaker);
	u8 val = *(const u8 *)data;

	mutex_lock(&pit->lock);
	pit->speaker_data = val & SPEAKER_DATA;
	nst_pit_ch_set_gate(&pit->ch[SPEAKER_CHANNEL], val & SPEAKER_GATE, ktime_get_ns());
	mutex_unlock(&pit->lock);
	return true;
}

static bool speaker_read(struct nst_vcpu *vcpu, struct nst_iodev *dev, u64 addr, void *data,
			 unsigned int len)
{
	struct nst_pit *pit = container_of(dev, struct nst_pit, speaker);
	u64 now = ktime_get_ns();
	u8 val = 0;

	mutex_lock(&pit->lock);
	if (pit->ch[SPEAKER_CHANNEL].s.gate)
		val |= SPEAKER_GATE;
	if (pit->speaker_data)
		val |= SPEAKER_DATA;
	if (now >> REFRESH_TOGGLE_SHIFT & 1)
		val |= SPEAKER_REFRESH;
	if (nst_pit_ch_out(&pit->ch[SPEAKER_CHANNEL], now))
		val |= SPEAKER_OUT;
	mutex_unlock(&pit->lock);
	*(u8 *)data = val;
	return true;
}

static const struct nst_iodev_ops speaker_ops = {
	.read = speaker_read,
	.write = speaker_write,
};

static int pit_attach(struct nst_pit *pit)
{
	struct nst_vm *vm = pit->chip->vm;
	int ret;

	lockdep_assert_held(&vm->slots_lock);
	ret = nst_bus_register(vm, NST_BUS_PIO, PIT_PORT, PIT_PORTS, &pit->ports);
	if (ret || !pit->has_speaker)
		return ret;
	ret = nst_bus_register(vm, NST_BUS_PIO, SPEAKER_PORT, 1, &pit->speaker);
	if (ret)
		nst_bus_unregister(vm, NST_BUS_PIO, &pit->ports);
	return ret;
}

/**
 * nst_pit_create() - KVM_CREATE_PIT2
 * @vm: the VM; vm->lock held
 * @cfg: untrusted; KVM_PIT_SPEAKER_DUMMY gives port 0x61 to the kernel
 *
 * Return: 0, -ENOENT (no chips in the kernel), -EEXIST, -EINVAL (unknown
 * flags), -ENOSPC, -ENOMEM.
 */
int nst_pit_create(struct nst_vm *vm, const struct kvm_pit_config *cfg)
{
	struct nst_irqchip *chip = vm->irqchip;
	struct nst_pit *pit;
	int ret;

	lockdep_assert_held(&vm->lock);
	if (!nst_pic_in_kernel(vm))
		return -ENOENT;
	if (chip->pit)
		return -EEXIST;
	if (cfg->flags & ~KVM_PIT_SPEAKER_DUMMY)
		return -EINVAL;
	pit = kzalloc(sizeof(*pit), GFP_KERNEL_ACCOUNT);
	if (!pit)
		return -ENOMEM;
	pit->chip = chip;
	pit->has_speaker = cfg->flags & KVM_PIT_SPEAKER_DUMMY;
	pit->ports.ops = &pit_ops;
	pit->speaker.ops = &speaker_ops;
	pit->reinject = true;
	mutex_init(&pit->lock);
	hrtimer_init(&pit->timer, CLOCK_MONOTONIC, HRTIMER_MODE_ABS_HARD);
	pit->timer.function = pit_expired;
	for (int i = 0; i < NST_PIT_CHANNELS; i++)
		nst_pit_ch_reset(&pit->ch[i], i != SPEAKER_CHANNEL);

	mutex_lock(&vm->slots_lock);
	ret = pit_attach(pit);
	mutex_unlock(&vm->slots_lock);
	if (ret) {
		kfree(pit);
		return ret;
	}
	/* Pairs with pit_of_vm(). */
	smp_store_release(&chip->pit, pit);
	return 0;
}

/**
 * nst_pit_stop() - the timer falls silent for good
 * @vm: a VM that nobody runs any more, with or without a PIT
 */
void nst_pit_stop(struct nst_vm *vm)
{
	struct nst_pit *pit = pit_of_vm(vm);

	if (pit)
		hrtimer_cancel(&pit->timer);
}

/**
 * nst_pit_destroy() - free the timer
 * @chip: chips that nobody uses any more; vm->slots_lock held
 */
void nst_pit_destroy(struct nst_irqchip *chip)
{
	struct nst_pit *pit = chip->pit;

	if (!pit)
		return;
	hrtimer_cancel(&pit->timer);
	nst_bus_unregister(chip->vm, NST_BUS_PIO, &pit->ports);
	if (pit->has_speaker)
		nst_bus_unregister(chip->vm, NST_BUS_PIO, &pit->speaker);
	chip->pit = NULL;
	kfree(pit);
}

/**
 * nst_pit_get() - KVM_GET_PIT2
 * @vm: the VM
 * @ps: result
 *
 * Return: 0, or -ENXIO without a PIT in the kernel.
 */
int nst_pit_get(struct nst_vm *vm, struct kvm_pit_state2 *ps)
{
	struct nst_pit *pit = pit_of_vm(vm);

	if (!pit)
		return -ENXIO;
	memset(ps, 0, sizeof(*ps));
	mutex_lock(&pit->lock);
	for (int i = 0; i < NST_PIT_CHANNELS; i++)
		ps->channels[i] = pit->ch[i].s;
	ps->flags = pit->flags;
	if (pit->speaker_data)
		ps->flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	mutex_unlock(&pit->lock);
	return 0;
}

/**
 * nst_pit_set() - KVM_SET_PIT2
 * @vm: the VM
 * @ps: untrusted
 *
 * Return: 0, -EINVAL (unknown flags), -ENXIO without a PIT in the kernel.
 */
int nst_pit_set(struct nst_vm *vm, const struct kvm_pit_state2 *ps)
{
	struct nst_pit *pit = pit_of_vm(vm);
	u64 now = ktime_get_ns();

	if (!pit)
		return -ENXIO;
	if (ps->flags & ~(KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON))
		return -EINVAL;
	mutex_lock(&pit->lock);
	for (int i = 0; i < NST_PIT_CHANNELS; i++)
		nst_pit_ch_restore(&pit->ch[i], &ps->channels[i], now);
	pit->flags = ps->flags & KVM_PIT_FLAGS_HPET_LEGACY;
	pit->speaker_data = ps->flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON;
	pit_restart_locked(pit);
	mutex_unlock(&pit->lock);
	return 0;
}

/**
 * nst_pit_reinject() - KVM_REINJECT_CONTROL
 * @vm: the VM
 * @ctl: whether ticks that found the last one unacknowledged are made up for
 *
 * Return: 0, or -ENXIO without a PIT in the kernel.
 */
int nst_pit_reinject(struct nst_vm *vm, const struct kvm_reinject_control *ctl)
{
	struct nst_pit *pit = pit_of_vm(vm);

	if (!pit)
		return -ENXIO;
	WRITE_ONCE(pit->reinject, ctl->pit_reinject);
	if (!ctl->pit_reinject)
		atomic_set(&pit->missed, 0);
	return 0;
}
