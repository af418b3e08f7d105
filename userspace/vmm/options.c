// SPDX-License-Identifier: GPL-2.0-only
/*
 * The command line, checked as a whole before anything is opened: each misuse
 * gets one sentence on standard error.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/options.h"
#include "vmm/ram.h"

#define MEM_DEFAULT	(512 * SZ_1M)
#define MEM_MIN		(2 * SZ_1M)
#define MEM_MAX		(1024 * SZ_1G)
#define CPUS_DEFAULT	1
/* APIC ID 255 is the broadcast address of the xAPIC. */
#define CPUS_MAX	254

static const char help_text[] =
"Usage: nestor run --kernel FILE [OPTION]...\n"
"       nestor stat [OPTION]...          (see nestor stat --help)\n"
"       nestor --help | --version\n"
"\n"
"Run a Linux kernel in a virtual machine, with its console on\n"
"standard input and output.\n"
"\n"
"  -k, --kernel FILE   the kernel, a bzImage (Debian: /boot/vmlinuz-...)\n"
"  -i, --initrd FILE   an initial RAM disk\n"
"  -a, --append TEXT   kernel command line, after 'console=...'\n"
"  -m, --mem SIZE      guest memory, with suffix K, M or G; without: MiB (512M)\n"
"  -c, --cpus N        virtual CPUs, 1 to 254 (1)\n"
"  -D, --disk FILE[,format=FORMAT][,ro]\n"
"                      a disk image or block device, as /dev/vda and on; raw, or\n"
"                      what its name ends in (.qcow2, .vmdk ...); an address\n"
"                      nbd://... too; ',ro': the guest may only read it\n"
"  -n, --net tap=NAME  a network card on a tap device\n"
"  -n, --net user[,hostfwd=tcp:HOSTPORT:GUESTPORT]...\n"
"                      one behind NAT (10.0.2.0/24), host ports forwarded\n"
"  -r, --rng           a source of random bytes\n"
"  -C, --console KIND  serial (ttyS0), or virtio (hvc0) (serial)\n"
"  -N, --nested ISA    what the guest can be a hypervisor with: vmx (an Intel\n"
"                      CPU, on any host), svm (an AMD CPU), or off (off)\n"
"  -d, --device NODE   the hypervisor (/dev/nestor, else /dev/kvm)\n"
"  -h, --help          print this and exit\n"
"  -V, --version       print the version and exit\n"
"\n"
"At a terminal: Ctrl-A x ends the guest, Ctrl-A Ctrl-A sends a Ctrl-A.\n"
"\n"
"Exit status: 0 the guest powered off or the user ended it, 1 the host cannot\n"
"run it, 2 wrong usage, 3 the guest asked for a reset, 4 triple fault, 5 the\n"
"hypervisor gave up, 128+N ended by signal N.\n";

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "mem", required_argument, NULL, 'm' },
	{ "cpus", required_argument, NULL, 'c' },
	{ "disk", required_argument, NULL, 'D' },
	{ "net", required_argument, NULL, 'n' },
	{ "rng", no_argument, NULL, 'r' },
	{ "console", required_argument, NULL, 'C' },
	{ "nested", required_argument, NULL, 'N' },
	{ "device", required_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static __printf(1, 2) enum options_verdict bad(const char *fmt, ...)
{
	va_list ap;

	fputs("nestor: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("\nTry 'nestor --help'.\n", stderr);
	return OPTIONS_BAD;
}

/* Digits only: strtoull() alone would take signs and leading blanks. */
static bool parse_number(const char *text, u64 *value, const char **rest)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	*rest = end;
	return errno == 0;
}

static enum options_verdict parse_mem(struct options *opt, const char *text)
{
	const char *suffix;
	u64 n, unit = SZ_1M;

	if (!parse_number(text, &n, &suffix))
		return bad("--mem %s: not a number", text);
	switch (toupper((unsigned char)*suffix)) {
	case 'K':
		unit = 1024;
		break;
	case 'G':
		unit = SZ_1G;
		break;
	case 'M':
	case '\0':
		break;
	default:
		return bad("--mem %s: the suffix is none of K, M, G", text);
	}
	if (*suffix && suffix[1])
		return bad("--mem %s: nothing may follow the suffix", text);
	if (n < MEM_MIN / unit)
		return bad("--mem %s: too little, at least %llu MiB are needed", text,
			   (unsigned long long)(MEM_MIN / SZ_1M));
	if (n > MEM_MAX / unit)
		return bad("--mem %s: too much, at most %llu GiB", text,
			   (unsigned long long)(MEM_MAX / SZ_1G));
	opt->mem = ALIGN_DOWN(n * unit, SZ_4K);
	return OPTIONS_RUN;
}

static enum options_verdict parse_cpus(struct options *opt, const char *text)
{
	const char *rest;
	u64 n;

	if (!parse_number(text, &n, &rest) || *rest)
		return bad("--cpus %s: not a number", text);
	if (n < 1 || n > CPUS_MAX)
		return bad("--cpus %s: there can be 1 to %u CPUs", text, CPUS_MAX);
	opt->cpus = (u32)n;
	return OPTIONS_RUN;
}

/* Cuts the last ",NAME" off, or ",NAME=VALUE": where the value begins, NULL: not there. */
static char *cut_option(char *text, const char *name)
{
	char *comma = strrchr(text, ',');
	size_t len = strlen(name);

	if (!comma || strncmp(comma + 1, name, len))
		return NULL;
	if (name[len - 1] != '=' && comma[1 + len])
		return NULL;
	*comma = '\0';
	return comma + 1 + len;
}

static enum options_verdict parse_disk(struct options *opt, char *text)
{
	struct disk_source *disk = &opt->disks[opt->nr_disks];
	const char *format;

	if (opt->nr_disks == OPTIONS_DISKS)
		return bad("--disk %s: there can be %u disks", text, OPTIONS_DISKS);
	disk->read_only = cut_option(text, "ro");
	format = cut_option(text, "format=");
	disk->read_only |= !!cut_option(text, "ro");
	if (!*text)
		return bad("--disk: no file is named");
	disk->path = text;
	disk->format = disk_format(text, format);
	if (!disk->format)
		return bad("--disk %s: no format '%s' is known here", text, format);
	opt->nr_disks++;
	return OPTIONS_RUN;
}

static enum options_verdict parse_nested(struct options *opt, const char *text)
{
	if (!strcmp(text, "vmx"))
		opt->nested = CPUID_VMX;
	else if (!strcmp(text, "svm"))
		opt->nested = CPUID_SVM;
	else if (strcmp(text, "off"))
		return bad("--nested %s: neither 'vmx' nor 'svm' nor 'off'", text);
	return OPTIONS_RUN;
}

static enum options_verdict parse_console(struct options *opt, const char *text)
{
	opt->hvc = !strcmp(text, "virtio");
	if (!opt->hvc && strcmp(text, "serial"))
		return bad("--console %s: neither 'serial' nor 'virtio'", text);
	return OPTIONS_RUN;
}

static enum options_verdict say(const char *text)
{
	fputs(text, stdout);
	return OPTIONS_DONE;
}

static enum options_verdict parse_one(struct options *opt, int c, char **argv)
{
	switch (c) {
	case 'k':
		opt->kernel = optarg;
		return OPTIONS_RUN;
	case 'i':
		opt->initrd = optarg;
		return OPTIONS_RUN;
	case 'a':
		opt->append = optarg;
		return OPTIONS_RUN;
	case 'd':
		opt->device = optarg;
		return OPTIONS_RUN;
	case 'n':
		if (opt->net)
			return bad("--net: one network card is what there can be");
		opt->net = optarg;
		return OPTIONS_RUN;
	case 'r':
		opt->rng = true;
		return OPTIONS_RUN;
	case 'D':
		return parse_disk(opt, optarg);
	case 'N':
		return parse_nested(opt, optarg);
	case 'C':
		return parse_console(opt, optarg);
	case 'm':
		return parse_mem(opt, optarg);
	case 'c':
		return parse_cpus(opt, optarg);
	case 'h':
		return say(help_text);
	case 'V':
		return say("nestor " NESTOR_VERSION "\n");
	case ':':
		return bad("%s needs a value", argv[optind - 1]);
	default:
		return bad("unknown or ambiguous option %s", argv[optind - 1]);
	}
}

/**
 * options_parse() - Read the command line
 * @opt: filled in
 * @argc: from main()
 * @argv: from main(); the strings are kept
 *
 * Return: OPTIONS_RUN when there is a guest to run; OPTIONS_DONE and
 * OPTIONS_BAD when everything has been said already.
 */
enum options_verdict options_parse(struct options *opt, int argc, char **argv)
{
	enum options_verdict verdict = OPTIONS_RUN;
	int c;

	memset(opt, 0, sizeof(*opt));
	opt->mem = MEM_DEFAULT;
	opt->cpus = CPUS_DEFAULT;

	if (argc < 2)
		return bad("no command: 'run' and 'stat' are what there is");
	if (argv[1][0] != '-') {
		if (strcmp(argv[1], "run"))
			return bad("unknown command '%s': 'run' and 'stat' are what there is",
				   argv[1]);
		argc--;
		argv++;
	}
	opterr = 0;
	while (verdict == OPTIONS_RUN) {
		c = getopt_long(argc, argv, ":k:i:a:m:c:d:C:D:n:N:rhV", long_options, NULL);
		if (c < 0)
			break;
		verdict = parse_one(opt, c, argv);
	}
	if (verdict != OPTIONS_RUN)
		return verdict;
	if (optind < argc)
		return bad("unexpected word '%s'", argv[optind]);
	if (!opt->kernel)
		return bad("no kernel: say --kernel FILE");
	return OPTIONS_RUN;
}
