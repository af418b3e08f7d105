# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
# What the scripts about the launcher's devices share; after lib.sh.
# MIB: size of the data (nightly 64).

MIB=${MIB:-4}
SCRIPT=$TMP/script
DATA=$TMP/data

# begin_guest NAME [option...]: boot, its output to $log or $OUTPUT; the script on standard input is its first disk.
begin_guest() {
	log=$TMP/$1
	shift
	{ cat; printf 'exit\n'; head -c 4096 /dev/zero | tr '\0' '\n'; } >"$SCRIPT"
	"$NESTOR" run --disk "$SCRIPT,ro" "$@" --kernel $GUEST/bzImage \
		--initrd $GUEST/initrd.gz --mem 256M --cpus 2 \
		--append "quiet nestor.script $APPEND" </dev/null >"${OUTPUT:-$log}" 2>&1 &
	PID=$!
}

# end_guest SECONDS: its status.
end_guest() {
	patience=$1
	while kill -0 $PID 2>/dev/null && [ "$patience" -gt 0 ]; do
		sleep 1
		patience=$((patience - 1))
	done
	kill $PID 2>/dev/null
	wait $PID
}

guest() {
	begin_guest "$@"
	end_guest 400
}

# heard TEXT: the guest printed it at the start of a line.
heard() {
	grep -q "^$1" "$log" && return
	tail -n 15 "$log"
	return 1
}

# await TEXT: until it has.
await() {
	waited=0
	until grep -q "^$1" "$log"; do
		waited=$((waited + 1))
		[ $waited -lt 3000 ] && kill -0 $PID || return 1
		usleep 100000
	done
}

sum_of() { md5sum <"$1" | cut -d ' ' -f 1; }
