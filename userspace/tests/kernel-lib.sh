# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Kernels of a few bytes for tests of the launcher.

# poke FILE OFFSET BYTES: write bytes, given as printf escapes, into a file
poke()
{
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

# The smallest file that looks like a kernel: header fields of the boot
# protocol at their offsets, one sector of setup, one of payload. It wants
# 64 MiB from 16 MiB on.
make_kernel()
{
	head -c 2048 /dev/zero >"$1"
	poke "$1" 497 '\001'				# setup_sects
	poke "$1" 510 '\125\252'			# boot_flag
	poke "$1" 513 '\152'				# header length
	poke "$1" 514 'HdrS'
	poke "$1" 529 '\001'				# loadflags: loaded high
	poke "$1" 518 '\017\002'			# version 2.15
	poke "$1" 556 '\377\377\377\177'		# initrd_addr_max
	poke "$1" 566 '\177\000'			# xloadflags
	poke "$1" 568 '\377\007\000\000'		# cmdline_size
	poke "$1" 600 '\000\000\000\001\000\000\000\000'	# pref_address
	poke "$1" 608 '\000\000\000\004'		# init_size
}

# code_kernel FILE BYTES: one whose 64-bit entry prints "up" and runs the bytes
code_kernel()
{
	make_kernel "$1"
	# mov $0x3f8,%dx; mov $'u',%al; out %al,%dx; mov $'p',%al; out %al,%dx
	poke "$1" 1536 "\\146\\272\\370\\003\\260\\165\\356\\260\\160\\356$2"
}
