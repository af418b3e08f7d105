#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Debian's libvirt defines, starts, suspends, resumes, saves, restores and destroys
# a guest of unmodified QEMU.
# hosts: svm
# nightly: svm
# options: --guest --other-guest vmlinux --client qemu --client libvirt --mem 2560
# seconds: 900

. "${0%/*}/lib.sh"
. "${0%/*}/qemu-lib.sh"
plan 11
LOG=$TMP/serial
mkdir -p /var
ln -s /run /var/run
# Users that libvirt wants to know, although nothing runs as them here.
echo "libvirt-qemu:x:64055:104::/:/bin/false" >>/etc/passwd
echo "libvirt-qemu:x:64055:" >>/etc/group
mkdir -p /etc/libvirt/qemu /var/log/libvirt/qemu /var/lib/libvirt/qemu /var/cache/libvirt \
	/run/libvirt /var/tmp
cat >/etc/libvirt/qemu.conf <<'END'
user = "root"
group = "root"
stdio_handler = "file"
cgroup_controllers = [ ]
namespaces = [ ]
security_driver = "none"
remember_owner = 0
END
cat >/etc/libvirt/libvirtd.conf <<'END'
auth_unix_rw = "none"
auth_unix_ro = "none"
END
script_disk "$TMP/script" <<'END'
n=0
while :; do
	n=$((n + 1))
	echo "tick $n"
	usleep 300000
done
END
cat >"$TMP/guest.xml" <<END
<domain type='kvm'>
  <name>lab</name>
  <memory unit='MiB'>160</memory>
  <vcpu>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc'>hvm</type>
    <kernel>$VMLINUX</kernel>
    <initrd>$GUEST/initrd.gz</initrd>
    <cmdline>$LINUX_LINE nestor.script</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough'/>
  <on_poweroff>destroy</on_poweroff>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$TMP/script'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
    </disk>
    <serial type='file'><source path='$LOG' append='on'/></serial>
  </devices>
</domain>
END
chmod 755 "$TMP"
touch "$LOG"
cp "$LOG" "$TMP/one.serial"

virsh() { /usr/bin/virsh -q -c qemu:///system "$@"; }
state() { [ "$(virsh domstate lab)" = "$1" ]; }
ticks() { grep -c '^tick' "$LOG"; }
ticks_on() {
	ticks_before=$(ticks)
	more() { [ "$(ticks)" -gt $((ticks_before + 3)) ]; }
	within $((QEMU_SECONDS * SLOW)) more || { last_words "$LOG" "$TMP/libvirtd"; }
}
quiet() {
	sleep 2
	quiet_before=$(ticks)
	sleep 4
	[ "$(ticks)" = "$quiet_before" ]
}

libvirtd >"$TMP/libvirtd" 2>&1 &
daemon=$!
up() { virsh list >/dev/null 2>&1; }
try "libvirtd answers" within $((120 * SLOW)) up || sed 's/^/# /' "$TMP/libvirtd"
try "virsh defines a guest" virsh define "$TMP/guest.xml"
try "starts it" virsh start lab
try "and it counts" ticks_on
virsh suspend lab
try "suspended it is silent" quiet
virsh resume lab
try "resumed it counts on" ticks_on
try "it is saved into a file" virsh save lab "$TMP/state"
try "and is off" state "shut off"
restored() { virsh restore "$TMP/state" && ticks_on; }
try "restored it counts on" restored
virsh destroy lab
try "destroyed" state "shut off"
virsh undefine lab
kill $daemon
wait $daemon 2>/dev/null
[ $TAP_FAILED = 0 ] || tail -n 20 /var/log/libvirt/qemu/lab.log | sed 's/^/# /'
try "the module unloads" module_unloads
finish
