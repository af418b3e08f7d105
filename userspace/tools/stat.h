/* SPDX-License-Identifier: GPL-2.0-only */
/* "nestor stat": what the VMs of this host are busy with. */
#ifndef TOOLS_STAT_H
#define TOOLS_STAT_H

int stat_main(int argc, char **argv);

#endif
