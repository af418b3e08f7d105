# SPDX-License-Identifier: GPL-2.0-only
#
# Nestor: a hypervisor in one kernel module.
#
#   make                  nestor.ko for the running kernel, and userspace/nestor
#   make KDIR=DIR         for the kernel whose headers are in DIR
#   make install          module, launcher, man page, udev rule (DESTDIR, PREFIX)
#   make run              Linux as a guest, in an emulated machine with SVM
#                         (HOST=svm|svm-nonpt|vmx|vmx-noept|local KERNEL=6.1|6.12
#                          CPUS=2 MEM=512M APPEND=... DEVICE=/dev/kvm;
#                          NESTED=1|svm|vmx: Linux in stock KVM in Linux)
#   make check            everything that is tested, under 45 minutes
#   make check-nightly   more combinations and longer runs, some hours
#   make check-fast       the quick part of it, under 5 minutes
#   make check-kvm        Linux's own KVM selftests, on stock KVM and on nestor
#   make unit             the unit tests alone, on this machine
#   make checkpatch sparse check-tree htmldocs
#   make clean
#
# Whatever Debian package is missing is installed, and said so: scripts/deps.sh.

# Where the kernel's build files are: given, of the running kernel, or, on a
# machine that runs none of Debian's kernels, of Debian's 6.1.
RUNNING := /lib/modules/$(shell uname -r)/build
KDIR ?= $(if $(wildcard $(RUNNING)/Makefile),$(RUNNING),$(FALLBACK))
FALLBACK = $(shell echo "no headers of the running kernel $$(uname -r): building for Debian's 6.1" >&2; selftests/hosts/kdir 6.1)

# Where headers bring the kernel's type information, a module gets its own, by pahole;
# without that program it has none.
BTF := $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)

PREFIX  ?= /usr/local
DESTDIR ?=

HOST   ?= svm
KERNEL ?= 6.1
CPUS   ?= 2
MEM    ?= 512M
APPEND ?=
NESTED ?= 0
DEVICE ?=

.PHONY: all module launcher install modules_install clean run check check-fast check-nightly
.PHONY: check-kvm unit check-tree checkpatch sparse htmldocs deps-build help

all: module launcher

help:
	@sed -n '/^#   make/,/^#$$/s/^# \{0,3\}//p' Makefile

deps-build:
	@scripts/deps.sh build $(if $(wildcard $(RUNNING)/Makefile),,headers)

module: deps-build
	@kdir="$(KDIR)" && test -n "$$kdir" && $(MAKE) -C "$$kdir" M=$(CURDIR) $(BTF) modules

launcher: deps-build
	@if [ -e userspace/Makefile ]; then $(MAKE) -C userspace; fi

modules_install: module
	@kdir="$(KDIR)" && $(MAKE) -C "$$kdir" M=$(CURDIR) \
		$(if $(DESTDIR),INSTALL_MOD_PATH="$(DESTDIR)") modules_install

install: all modules_install
	$(MAKE) -C userspace install PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)"

run:
	@scripts/run-guest.sh "$(HOST)" "$(KERNEL)" "$(CPUS)" "$(MEM)" "$(NESTED)" \
		"$(DEVICE)" "$(APPEND)"

check:
	@scripts/deps.sh build hosts check docs
	@selftests/runner/run --all

check-nightly:
	@scripts/deps.sh build hosts check docs
	@BOOTS=30 KILLS=200 ROUNDS=10 MIB=64 NST_MOVES=100 selftests/runner/run --nightly

check-fast:
	@scripts/deps.sh build hosts check
	@selftests/runner/run --fast

check-kvm:
	@scripts/deps.sh build hosts
	@selftests/kvm/run -v --host svm --host vmx

unit:
	@scripts/deps.sh build
	@selftests/runner/run --only unit

check-tree:
	@scripts/deps.sh build check
	@scripts/check-tree.py

checkpatch:
	@scripts/deps.sh check
	@scripts/checkpatch.sh

sparse:
	@scripts/deps.sh build check
	@scripts/sparse.sh 6.1 6.12

htmldocs:
	@scripts/deps.sh docs
	/usr/bin/python3 -m sphinx -q -W --keep-going -b html Documentation Documentation/_build/html
	@echo "Documentation/_build/html/index.html"

clean:
	@kdir="$(KDIR)" && $(MAKE) -C "$$kdir" M=$(CURDIR) clean
	@for d in userspace $(dir $(wildcard selftests/*/Makefile)); do \
		if [ -e $$d/Makefile ]; then $(MAKE) -C $$d clean; fi; done
	@rm -rf Documentation/_build
