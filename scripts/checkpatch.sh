#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The kernel's checkpatch --strict over every C and assembly file; TAP.
#
# The script comes from the headers when they have it, else out of the package
# linux-source-6.1, into the cache.

set -u
tree=$(cd "$(dirname "$0")/.." && pwd)
cd "$tree" || exit 1
checkpatch=$("$tree/selftests/hosts/kdir" checkpatch) || exit 1

# Not a kernel tree: no MAINTAINERS; one source for several kernel versions.
ignore=FILE_PATH_CHANGES,MAINTAINERS,LINUX_VERSION_CODE,CONSTANT_COMPARISON
ignore=$ignore,SPDX_LICENSE_TAG,EMBEDDED_FILENAME
# Facts stand in tables, whose rows are macros; operands have the manuals' names.
ignore=$ignore,BRACKET_SPACE,COMPLEX_MACRO,MACRO_ARG_REUSE,CAMELCASE
# Takes NST_BUG_ON for BUG_ON; scripts/check-tree.py looks for the real ones.
ignore=$ignore,AVOID_BUG
# Includes itself by design and has a form of its own.
trace=$ignore,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,SPACING,TRACING_LOGGING
# Takes the operands of asm() for arithmetic.
asm=$ignore,SPACING
# Programs have neither the kernel's macros nor its rules for code that is
# linked to assembly; guests talk to devices through volatile.
# They, and the doors through which pure files see a program's world.
user=$ignore,PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO
user=$user,MACRO_ARG_PRECEDENCE,BIT_MACRO,ARRAY_SIZE,STATIC_CONST_CHAR_ARRAY
user=$user,VOLATILE,AVOID_EXTERNS,EMBEDDED_FUNCTION_NAME

log=$(mktemp)
trap 'rm -f "$log"' EXIT
sources() {
	find "$@" -type f -name '*.[chS]' ! -name '*.mod.c' ! -name '.*' \
		! -name trace.h ! -name '*pure.h' ! -name vmcs.h \
		! -name 'vmx_rules_*.h' ! -name svm_rules.h ! -name test_nvmx_rules.c ! -name 'vmcs12.[ch]'
}
check() {
	xargs -r -P 2 -n 12 perl "$checkpatch" --no-tree --no-summary --terse \
		--strict --show-types --ignore "$1" -f >>"$log" 2>&1
}

echo "TAP version 13"
echo "1..1"
sources kmod | check "$ignore"
{ sources uapi userspace selftests; find kmod -name '*pure.h'; } | check "$user"
find kmod -name vmcs.h | check "$asm"
find kmod -name trace.h | check "$trace"
if [ -s "$log" ]; then
	sort "$log" | sed 's/^/# /'
	echo "not ok 1 checkpatch --strict"
	exit 1
fi
echo "ok 1 checkpatch --strict"
