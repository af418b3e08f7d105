# SPDX-License-Identifier: GPL-2.0-only
# Pure files of nested VMX. The encodings of VMCS fields are the kernel's: its
# headers are found where those for building modules are installed.

ifneq ($(KERNEL_ASM),)

TESTS += vmcs12 nvmx_caps nvmx_rules

NVMX_OBJS := $(BIN)/kmod/nested/vmcs12.o $(BIN)/kmod/nested/vmx_caps.o
vmcs12_OBJS := $(NVMX_OBJS)
nvmx_caps_OBJS := $(NVMX_OBJS)
nvmx_rules_OBJS := $(NVMX_OBJS) $(BIN)/kmod/nested/vmx_check.o

NVMX_USERS := $(nvmx_rules_OBJS) $(BIN)/test_vmcs12.o $(BIN)/test_nvmx_caps.o \
	      $(BIN)/test_nvmx_rules.o
$(NVMX_USERS): UNIT_CFLAGS += -I nested_shim -I $(BIN)/nested_inc
$(NVMX_USERS): | $(BIN)/nested_inc/nst_kernel

$(BIN)/nested_inc/nst_kernel:
	@mkdir -p $(@D)
	@ln -sfn $(KERNEL_ASM) $@

endif
