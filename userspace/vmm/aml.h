/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The few words of AML (ACPI "ACPI Machine Language (AML) Specification") that
 * describe fixed devices. Pure.
 */
#ifndef VMM_AML_H
#define VMM_AML_H

#include "vmm/blob.h"

size_t aml_scope(struct blob *b, const char *path);
size_t aml_device(struct blob *b, const char *name);
void aml_name(struct blob *b, const char *name);
void aml_byte(struct blob *b, u8 value);
void aml_dword(struct blob *b, u32 value);
void aml_eisaid(struct blob *b, const char *id);
size_t aml_package(struct blob *b, u8 elements);
void aml_resources(struct blob *b, u16 port, u8 ports, u8 irq);
void aml_pci_root(struct blob *b, u32 window, u32 size);
void aml_close(struct blob *b, size_t open);

#endif
