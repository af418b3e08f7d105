/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host half of a guest test. The library runs every case of the embedded
 * image in a machine of its own and prints what it reports; a test adds a hook
 * where a case needs more than that.
 */
#ifndef NST_GUEST_TEST_H
#define NST_GUEST_TEST_H

#include "../unit/tap.h"
#include "vm.h"

/**
 * struct host_hook - what the host half does for one case
 * @name: of the case
 * @before: the machine is ready, nothing has run
 * @run: runs it with a handler of its exits, by the main thread; NULL: vm_run_all()
 * @exit: an exit that the library has no answer to; true when handled
 * @call: the guest called the host (CALL_HOST); sets the reply
 * @after: every vCPU has ended
 */
struct host_hook {
	const char *name;
	void (*before)(struct vm *vm);
	void (*run)(struct vm *vm, vm_exit_fn handler);
	bool (*exit)(struct vcpu *vcpu);
	uint64_t (*call)(struct vcpu *vcpu, const uint64_t *args);
	void (*after)(struct vm *vm);
};

/* A hook with this name serves every case that no row before it names. */
#define HOOK_ANY	"*"

/* Ends with a row without a name. The library has an empty one. */
extern const struct host_hook host_hooks[];

/* Where a guest address is in this process; the end of the program if outside. */
void *guest_at(struct vm *vm, uint64_t gpa, size_t size);

/* A check of the host half, prefixed with the name of the case. */
__attribute__((__format__(__printf__, 3, 4)))
bool host_check(struct vm *vm, bool good, const char *fmt, ...);
/* The case in progress, and a machine like the one that runs it. */
const struct guest_case *host_case(struct vm *vm);
void guest_load(struct vm *vm, const struct guest_case *row);
/* The host half decides that the case has ended well. */
void host_end(struct vm *vm);
void host_skip(struct vm *vm, const char *why);
/* Which emulator is our host: HOST_*. */
uint64_t host_number(void);

#endif /* NST_GUEST_TEST_H */
