# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Linux in Linux in Linux, for the scripts that take it in after lib.sh: what an
# L1 needs travels on its second disk, what it does is the script on its first.

# pack FILE HYPERVISOR: a disk with a launcher, a guest, the modules of kvm_amd,
# kvm_intel or nestor, and what PACK names.
pack() {
	pack_dir=$TMP/pack
	pack_mods=$(dirname "$(find /lib/modules -name 'kvm.ko')")
	mkdir -p "$pack_dir"
	# shellcheck disable=SC2086
	cp "$NESTOR" $GUEST/bzImage $GUEST/initrd.gz $PACK "$pack_dir"
	cp "$pack_mods/irqbypass.ko" "$pack_dir"
	case $2 in
	nestor) cp "$KO" "$pack_dir" ;;
	kvm_amd) cp "$pack_mods"/ccp.ko "$pack_mods"/kvm.ko "$pack_mods/kvm-amd.ko" "$pack_dir" ;;
	kvm_intel) cp "$pack_mods/kvm.ko" "$pack_mods/kvm-intel.ko" "$pack_dir" ;;
	esac
	(cd "$pack_dir" && tar cf "$1" ./*)
	rm -rf "$pack_dir"
}

# Which command loads it in L1, and which device node it makes.
load_of() {
	case $1 in
	nestor) echo "insmod irqbypass.ko; insmod nestor.ko mmu_audit=2000 $2" ;;
	kvm_amd) echo "insmod irqbypass.ko; insmod ccp.ko 2>/dev/null; insmod kvm.ko; insmod kvm-amd.ko $2" ;;
	kvm_intel) echo "insmod irqbypass.ko; insmod kvm.ko; insmod kvm-intel.ko $2" ;;
	esac
}

# start_l1 ISA MEM CPUS HYPERVISOR PARAMETERS COMMAND: boot an L1 that loads the
# hypervisor and runs the command in a folder with all that was packed.
start_l1() {
	pack "$TMP/l1.tar" "$4"
	{
		echo "mkdir /t; cd /t; tar xf /dev/vdb; $(load_of "$4" "$5")"
		echo "echo L1: up \$(cut -d' ' -f1 /proc/uptime)"
		echo "$6"
		echo 'echo L1: status $?; dmesg -s 100000 | grep -A 12 -E "BUG:|WARNING: CPU|Oops|panic"'
		echo "exit"
	} >"$TMP/l1.sh"
	# A disk has whole sectors; what is behind the last line is not read.
	dd if="$TMP/l1.sh" of="$TMP/l1.disk" bs=4096 conv=sync 2>/dev/null
	timeout "${BOOT_SECONDS:-600}" "$NESTOR" run --nested "$1" \
		--kernel $GUEST/bzImage --initrd $GUEST/initrd.gz --mem "$2" --cpus "$3" \
		--disk "$TMP/l1.disk,ro" --disk "$TMP/l1.tar,ro" \
		--append "quiet nestor.script"
}

# What an L1 types to boot an L2: run_l2 DEVICE MEM CPUS [WORDS]. With words of its
# own for the kernel the L2 has L1's terminal.
run_l2() {
	run_l2_from="</dev/null"
	[ $# -lt 4 ] || run_l2_from=
	echo "./nestor run --device $1 --kernel bzImage --initrd initrd.gz" \
		"--mem $2 --cpus $3 --append 'quiet ${4-nestor.batch}' $run_l2_from"
}

# The L2 said that it lived, with that many CPUs.
l2_lived() {
	if grep -q '^Linux guest ' "$1" && grep -q "^cpus: $2" "$1" &&
	   grep -q '^L1: status 0' "$1" && ! grep -qE 'BUG:|WARNING: CPU|Oops' "$1"; then
		return 0
	fi
	echo "last words:"
	tail -n 20 "$1"
	return 1
}

# nested_boot LOG and what start_l1 wants: its words go into the file.
nested_boot() {
	nested_log=$1
	shift
	start_l1 "$@" </dev/null >"$nested_log" 2>&1 ||
		echo "launcher's status $?" >>"$nested_log"
	rm -f "$TMP/l1.tar"
}
