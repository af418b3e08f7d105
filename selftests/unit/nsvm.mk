# SPDX-License-Identifier: GPL-2.0-only
# Pure files of nested SVM, with the kernel's own layout of the VMCB.

ifneq ($(KERNEL_ASM),)

TESTS += nsvm_rules

nsvm_rules_OBJS := $(BIN)/kmod/nested/vmcb12.o $(BIN)/kmod/nested/svm_check.o

# The header shifts 1 into the sign of an int.
NSVM_USERS := $(nsvm_rules_OBJS) $(BIN)/test_nsvm_rules.o
$(NSVM_USERS): UNIT_CFLAGS += -fno-sanitize=shift -Wno-address-of-packed-member -I nested_shim -I $(BIN)/nested_inc
$(NSVM_USERS): | $(BIN)/nested_inc/nst_kernel

endif
