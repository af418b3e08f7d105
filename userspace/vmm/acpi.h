/* SPDX-License-Identifier: GPL-2.0-only */
/* The firmware's tables: what a guest reads to find CPUs, IOAPIC and power-off. Pure. */
#ifndef VMM_ACPI_H
#define VMM_ACPI_H

#include "vmm/ram.h"

int acpi_build(const struct ram *ram, unsigned int cpus);

#endif
