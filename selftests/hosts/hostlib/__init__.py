# SPDX-License-Identifier: GPL-2.0-only
"""Emulated test hosts: machines with full VMX or SVM that no developer has.

One idea per module:
  cache    a directory outside the tree; entries keyed by a hash of their inputs
  kernels  Debian's kernels and headers, taken from the packages, never installed
  cpio     writer for the newc archives that Linux unpacks as its root
  images   root file systems: of the host, of the guest, and the tree's files
  module   nestor.ko, built once per kernel out of a copy of the sources
  qemu     the hosts svm and svm-nonpt
  bochs    the hosts vmx and vmx-noept
  session  the running host: streams, time limit, what counts as a failure
"""
