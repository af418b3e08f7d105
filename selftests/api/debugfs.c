// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a vCPU in debugfs can be read while it runs, say what it did,
 * and go with the VM.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "api.h"

#define ROOT		"/sys/kernel/debug"
#define TEXT_SIZE	65536

static struct machine m;
static char text[TEXT_SIZE];

/* The directory of this process's one VM; empty when there is none. */
static void find_vm(char *path, size_t size)
{
	DIR *dir = opendir(ROOT "/nestor");
	struct dirent *entry;
	char prefix[32];

	*path = 0;
	snprintf(prefix, sizeof(prefix), "%d-", (int)getpid());
	while (dir && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			snprintf(path, size, ROOT "/nestor/%s", entry->d_name);
	if (dir)
		closedir(dir);
}

/* Reads a file of a vCPU into text; -errno or how much there was. */
static long read_file(const char *vm, unsigned int cpu, const char *name)
{
	char path[512];
	long got, sum = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/vcpu%u/%s", vm, cpu, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	do {
		got = read(fd, text + sum, TEXT_SIZE - 1 - sum);
		sum += got > 0 ? got : 0;
	} while (got > 0);
	got = got < 0 ? -errno : sum;
	text[sum] = 0;
	close(fd);
	return got;
}

static void test_stopped(const char *vm)
{
	tap_ok(read_file(vm, 0, "exits") > 0, "exits");
	tap_ok(strstr(text, "entries") && strstr(text, "hlt"), "it counts entries and HLT");
	tap_ok(read_file(vm, 0, "ring") > 0, "ring");
	tap_ok(strstr(text, "hlt"), "it has the HLT");
	tap_ok(read_file(vm, 0, "dump") > 100, "dump");
	tap_ok(strstr(text, "rule broken: none"), "by whose audit an entry would be taken");
	tap_ok(read_file(vm, 1, "exits") > 0, "exits of a vCPU that never ran");
	is(read_file(vm, 1, "ring"), 0, "its ring is empty");
	tap_ok(read_file(vm, 1, "dump") > 0, "its dump");
	is(read_file(vm, 2, "exits"), -ENOENT, "a vCPU that is not there");
}

static void test_running(const char *vm)
{
	struct runner r;
	unsigned int i;
	long worst = 1;

	/* sti: a spin with interrupts off keeps those of a Bochs host away, too. */
	CODE(&m, 0, 0xfb, 0xeb, 0xfe);
	api_protected_mode(&m, 0);
	runner_start(&r, m.cpu[0]);
	for (i = 0; i < 50 && worst > 0; i++) {
		worst = read_file(vm, 0, "exits");
		if (worst > 0)
			worst = read_file(vm, 0, "ring");
		if (worst > 0)
			worst = read_file(vm, 1, "dump");
	}
	tap_ok(worst > 0, "files are readable while the vCPU runs (%ld)", worst);
	is(runner_stop(&r), -EINTR, "the guest is stopped");
	tap_ok(read_file(vm, 0, "dump") > 100, "dump after that");
	tap_ok(strstr(text, "rule broken: none"), "the audit finds nothing");
}

int main(void)
{
	char vm[300];
	struct stat st;

	if (!api_begin())
		return tap_skip_all("no device: load nestor.ko");
	if (stat(ROOT "/nestor", &st))
		mount("debugfs", ROOT, "debugfs", 0, NULL);
	if (stat(ROOT "/nestor", &st))
		return tap_skip_all("no debugfs");
	api_create(&m, API_CPUID, 2);
	CODE(&m, 0, 0xf4);
	api_protected_mode(&m, 0);
	must(m.cpu[0], KVM_RUN, NULL, "RUN");
	find_vm(vm, sizeof(vm));
	tap_ok(*vm, "the VM has a directory (%s)", vm);
	test_stopped(vm);
	test_running(vm);
	api_destroy(&m);
	find_vm(vm, sizeof(vm));
	tap_ok(!*vm, "the directory goes with the VM (%s)", vm);
	return tap_done();
}
