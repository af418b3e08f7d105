// SPDX-License-Identifier: GPL-2.0-only
/*
 * "nestor stat": a table for each VM, of its exits by kind and its other events,
 * again every few seconds. VMs come and go while it runs.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/nl.h"
#include "tools/counters.h"
#include "tools/stat.h"

#define NSEC_PER_SEC	1000000000ull
#define INTERVAL_MIN	0.1
#define INTERVAL_MAX	3600.0
#define VCPU_IDS	4096
#define EXIT_PREFIX	"exits_"
#define CLEAR_SCREEN	"\033[H\033[2J"

enum stat_status { STAT_OK, STAT_FAILED, STAT_USAGE };

struct stat_row {
	char name[COUNTER_NAME];
	u64 now, before;
};

struct stat_vm {
	struct stat_vm *next;
	char id[SOURCE_ID];
	pid_t pid;
	unsigned int vcpus;
	bool seen, known;	/* in this scan; in the one before */
	unsigned int rows;
	struct stat_row row[COUNTERS_MAX];
	u8 counted[VCPU_IDS / 8];	/* vCPUs of this scan: a file can be open twice */
};

struct stat {
	pid_t pid;
	double interval;
	unsigned long count;	/* tables; 0: until interrupted */
	struct stat_vm *vms;
	double elapsed;		/* since the scan before, seconds */
	bool out_of_memory;
};

static const char stat_help[] =
"Usage: nestor stat [OPTION]...\n"
"\n"
"Show what the virtual machines of this host do: exits by kind, and other\n"
"events, each second and altogether. The table comes anew until interrupted.\n"
"\n"
"  -p, --pid PID           the VMs of this process (of all)\n"
"  -i, --interval SECONDS  from one table to the next, 0.1 to 3600 (1)\n"
"  -n, --count N           so many tables (without end)\n"
"  -h, --help              print this and exit\n"
"\n"
"VMs of other users need root. The first table has totals alone.\n";

static const struct option stat_options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "interval", required_argument, NULL, 'i' },
	{ "count", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static __printf(1, 2) enum stat_status bad(const char *fmt, ...)
{
	va_list ap;

	fputs("nestor stat: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'nestor stat --help'.\n", stderr);
	return STAT_USAGE;
}

static struct stat_vm *vm_of(struct stat *s, pid_t pid, const char *id)
{
	struct stat_vm *vm, **end = &s->vms;
	size_t len = strcspn(id, "/");

	for (; *end; end = &(*end)->next)
		if (strlen((*end)->id) == len && !strncmp((*end)->id, id, len))
			return *end;
	vm = calloc(1, sizeof(*vm));
	if (!vm) {
		s->out_of_memory = true;
		return NULL;
	}
	memcpy(vm->id, id, len);
	vm->pid = pid;
	*end = vm;
	return vm;
}

static struct stat_row *row_of(struct stat_vm *vm, const char *name)
{
	for (unsigned int i = 0; i < vm->rows; i++)
		if (!strcmp(vm->row[i].name, name))
			return &vm->row[i];
	if (vm->rows == COUNTERS_MAX)
		return NULL;
	memcpy(vm->row[vm->rows].name, name, COUNTER_NAME);
	return &vm->row[vm->rows++];
}

/* The vCPU of a file counts once; the file of a VM has only sums of them. */
static bool is_new_vcpu(struct stat_vm *vm, const char *id)
{
	unsigned int number;

	if (sscanf(id, "%*[^/]/vcpu-%u", &number) != 1 || number >= VCPU_IDS)
		return false;
	if (vm->counted[number / 8] & BIT(number % 8))
		return false;
	vm->counted[number / 8] |= BIT(number % 8);
	return true;
}

static void take(void *context, pid_t pid, const struct counters *c)
{
	struct stat_vm *vm = vm_of(context, pid, c->id);

	if (!vm)
		return;
	vm->seen = true;
	if (!is_new_vcpu(vm, c->id))
		return;
	vm->vcpus++;
	for (unsigned int i = 0; i < c->n; i++) {
		struct stat_row *row = c->list[i].grows ? row_of(vm, c->list[i].name) : NULL;

		if (row)
			row->now += c->list[i].value;
	}
}

static void begin(struct stat *s)
{
	for (struct stat_vm *vm = s->vms; vm; vm = vm->next) {
		vm->known = vm->seen;
		vm->seen = false;
		vm->vcpus = 0;
		memset(vm->counted, 0, sizeof(vm->counted));
		for (unsigned int i = 0; i < vm->rows; i++) {
			vm->row[i].before = vm->row[i].now;
			vm->row[i].now = 0;
		}
	}
}

static void forget_the_gone(struct stat *s)
{
	struct stat_vm **at = &s->vms;

	while (*at) {
		struct stat_vm *vm = *at;

		if (vm->seen) {
			at = &vm->next;
		} else {
			*at = vm->next;
			free(vm);
		}
	}
}

/* A vCPU that went took its count along, so a sum can become smaller. */
static u64 moved(const struct stat_row *row)
{
	return row->now > row->before ? row->now - row->before : 0;
}

static int busiest_first(const void *a, const void *b)
{
	const struct stat_row *x = a, *y = b;

	if (moved(x) != moved(y))
		return moved(x) < moved(y) ? 1 : -1;
	if (x->now != y->now)
		return x->now < y->now ? 1 : -1;
	return strcmp(x->name, y->name);
}

static bool is_exit(const struct stat_row *row)
{
	return !strncmp(row->name, EXIT_PREFIX, strlen(EXIT_PREFIX));
}

static void print_row(const struct stat *s, const struct stat_vm *vm, const char *name,
		      const struct stat_row *row, u64 all)
{
	char rate[24] = "-", share[16] = "";

	if (vm->known)
		snprintf(rate, sizeof(rate), "%.0f", (double)moved(row) / s->elapsed);
	if (all)
		snprintf(share, sizeof(share), "%8.1f %%", 100.0 * (double)row->now / (double)all);
	printf("  %-20s %12s %16llu%s\n", name, rate, (unsigned long long)row->now, share);
}

static void print_rows(const struct stat *s, const struct stat_vm *vm, bool exits, u64 all)
{
	for (unsigned int i = 0; i < vm->rows; i++) {
		const struct stat_row *row = &vm->row[i];

		if (row->now && is_exit(row) == exits)
			print_row(s, vm, row->name + (exits ? strlen(EXIT_PREFIX) : 0), row, all);
	}
}

static void print_vm(const struct stat *s, struct stat_vm *vm)
{
	struct stat_row all = { .name = "all exits" };
	char comm[32] = "?", path[32];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", vm->pid);
	file = fopen(path, "r");
	if (file) {
		if (fgets(comm, sizeof(comm), file))
			comm[strcspn(comm, "\n")] = '\0';
		fclose(file);
	}
	qsort(vm->row, vm->rows, sizeof(vm->row[0]), busiest_first);
	for (unsigned int i = 0; i < vm->rows; i++)
		if (is_exit(&vm->row[i])) {
			all.now += vm->row[i].now;
			all.before += vm->row[i].before;
		}
	printf("\nVM %s: process %d (%s), %u vCPU%s\n", vm->id, vm->pid, comm, vm->vcpus,
	       vm->vcpus == 1 ? "" : "s");
	printf("  %-20s %12s %16s %9s\n", "exit", "per second", "total", "of all");
	print_rows(s, vm, true, all.now);
	print_row(s, vm, all.name, &all, 0);
	printf("  %-20s %12s %16s\n", "event", "per second", "total");
	print_rows(s, vm, false, 0);
}

static void print_table(const struct stat *s, const struct counters_trouble *trouble)
{
	unsigned int n = 0;

	for (const struct stat_vm *vm = s->vms; vm; vm = vm->next)
		n++;
	if (isatty(STDOUT_FILENO))
		fputs(CLEAR_SCREEN, stdout);
	printf("nestor stat: %u VM%s\n", n, n == 1 ? "" : "s");
	if (trouble->processes)
		printf("of %u process%s the VMs cannot be read: %s\n", trouble->processes,
		       trouble->processes == 1 ? "" : "es", strerror(trouble->err));
	else if (!n && geteuid())
		puts("VMs of other users need root");
	for (struct stat_vm *vm = s->vms; vm; vm = vm->next)
		print_vm(s, vm);
	fflush(stdout);
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * NSEC_PER_SEC + (u64)ts.tv_nsec;
}

static void rest(double seconds)
{
	struct timespec ts = { .tv_sec = (time_t)seconds };

	ts.tv_nsec = (long)((seconds - (double)ts.tv_sec) * (double)NSEC_PER_SEC);
	nanosleep(&ts, NULL);
}

static enum stat_status show(struct stat *s)
{
	struct counters_trouble trouble;
	u64 last = now_ns(), now;

	for (unsigned long i = 0; !s->count || i < s->count; i++) {
		if (i)
			rest(s->interval);
		begin(s);
		now = now_ns();
		s->elapsed = (double)(now - last) / (double)NSEC_PER_SEC;
		last = now;
		if (counters_scan(s->pid, take, s, &trouble)) {
			fprintf(stderr, "nestor stat: %s\n", nl_error());
			return STAT_FAILED;
		}
		if (s->out_of_memory) {
			fputs("nestor stat: out of memory\n", stderr);
			return STAT_FAILED;
		}
		forget_the_gone(s);
		print_table(s, &trouble);
	}
	return STAT_OK;
}

/* Digits only, and at least 1. */
static bool parse_count(const char *text, unsigned long max, unsigned long *value)
{
	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	*value = strtoul(text, NULL, 10);
	return !errno && *value && *value <= max;
}

static enum stat_status parse_interval(struct stat *s, const char *text)
{
	char *end;

	s->interval = strtod(text, &end);
	if (end == text || *end || !(s->interval >= INTERVAL_MIN && s->interval <= INTERVAL_MAX))
		return bad("--interval %s: not a number from 0.1 to 3600", text);
	return STAT_OK;
}

static enum stat_status parse(struct stat *s, int c, char **argv)
{
	unsigned long value;

	switch (c) {
	case 'p':
		if (!parse_count(optarg, 1 << 22, &value))
			return bad("--pid %s: not the number of a process", optarg);
		s->pid = (pid_t)value;
		return STAT_OK;
	case 'i':
		return parse_interval(s, optarg);
	case 'n':
		if (!parse_count(optarg, ~0ul, &s->count))
			return bad("--count %s: not a number of tables", optarg);
		return STAT_OK;
	case ':':
		return bad("%s needs a value", argv[optind - 1]);
	default:
		return bad("unknown or ambiguous option %s", argv[optind - 1]);
	}
}

/**
 * stat_main() - "nestor stat"
 * @argc: number of words from "stat" on
 * @argv: the words
 *
 * Return: the exit status.
 */
int stat_main(int argc, char **argv)
{
	struct stat s = { .interval = 1.0 };
	enum stat_status status;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":p:i:n:h", stat_options, NULL)) >= 0) {
		if (c == 'h') {
			fputs(stat_help, stdout);
			return STAT_OK;
		}
		status = parse(&s, c, argv);
		if (status)
			return status;
	}
	if (optind < argc)
		return bad("unexpected word '%s'", argv[optind]);
	status = show(&s);
	while (s.vms) {
		struct stat_vm *vm = s.vms;

		s.vms = vm->next;
		free(vm);
	}
	return status;
}
