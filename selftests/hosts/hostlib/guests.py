# SPDX-License-Identifier: GPL-2.0-only
"""Guests other than the host's own kernel, from Debian's packages.

memtest    memtest86+, which speaks Linux's boot protocol
i386       a 32-bit kernel, with PAE paging or without, and a 32-bit busybox
vmlinux    the host's own kernel as an ELF file, which need not unpack itself
grub       disks that start by GRUB: one with that kernel, one with nothing else
disk       a disk with a root file system, init and login, and an initrd that finds it
churn      a program for a guest that is migrated
"""
import gzip
import os
import pathlib
import re
import shutil
import subprocess

from . import cache, cpio, images, kernels
from .apt import Apt

GRUB_MIB = 24
DISK_MIB = 128
HERE = pathlib.Path(__file__).parent
NAMES = ("memtest", "686", "686-pae", "vmlinux", "grub", "disk", "churn")


def memtest():
    """Directory with memtest.bin."""
    apt = Apt()
    version = re.search(r"^Version: (\S+)", apt.show("memtest86+"), re.M).group(1)

    def fill(out):
        apt.fetch("memtest86+", out)
        os.rename(out / "boot" / "memtest86+x64.bin", out / "memtest.bin")
        for top in ("boot", "etc", "usr"):
            shutil.rmtree(out / top, ignore_errors=True)

    key = cache.digest(version, "memtest.bin")
    return cache.entry("memtest86+", key, fill, "preparing memtest86+")


def i386(flavour):
    """Directory with bzImage and initrd.gz of a 32-bit guest."""
    apt = Apt(arch="i386")
    shown = apt.show(f"linux-image-{flavour}")
    package = re.search(r"^Depends: ([^ ,]+)", shown, re.M).group(1)
    version = re.search(r"^Version: (\S+)", shown, re.M).group(1)
    script = HERE / "guest-init.sh"

    def fill(out):
        apt.fetch(package, out)
        os.rename(next((out / "boot").glob("vmlinuz-*")), out / "bzImage")
        shutil.rmtree(out / "lib")
        apt.fetch("busybox-static", out)
        archive = cpio.Archive()
        images.root(archive, out / "bin" / "busybox")
        archive.file("init", script.read_bytes(), 0o755)
        (out / "initrd.gz").write_bytes(
            gzip.compress(archive.bytes(), 6, mtime=0))
        for top in ("bin", "boot", "lib", "usr"):
            shutil.rmtree(out / top, ignore_errors=True)

    key = cache.digest(package, version, script, pathlib.Path(__file__))
    return cache.entry(f"guest-{flavour}", key, fill,
                       f"preparing a guest with {package}")


def vmlinux():
    """Directory with vmlinux."""
    kernel = kernels.image("6.1")

    def fill(out):
        shutil.copyfile(kernel / "vmlinux", out / "vmlinux")

    return cache.entry("guest-vmlinux", cache.digest(kernel.name, "vmlinux alone"), fill)


def churn():
    """Directory with churn, a program that needs no library, as a disk."""
    source = HERE / "churn.c"

    def fill(out):
        subprocess.run(["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
                        "-s", "-pthread", "-o", str(out / "churn"), str(source)], check=True)
        size = (out / "churn").stat().st_size
        os.truncate(out / "churn", (size + 511) & ~511)

    return cache.entry("guest-churn", cache.digest(source, pathlib.Path(__file__)), fill)


def _write_at(path, offset, data):
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(data)


def _grub_image(out, packages, prefix, modules):
    """boot.img and core.img one behind the other, as they lie on a disk."""
    where = packages / "usr" / "lib" / "grub" / "i386-pc"
    core = out / "core.img"
    subprocess.run([str(packages / "usr" / "bin" / "grub-mkimage"), "-O", "i386-pc",
                    "-d", str(where), "-p", prefix, "-o", str(core), *modules], check=True)
    data = (where / "boot.img").read_bytes() + core.read_bytes()
    core.unlink()
    return data


def grub():
    """Directory with linux.img and rescue.img: raw disks with GRUB."""
    apt = Apt()
    version = re.search(r"^Version: (\S+)", apt.show("grub-pc-bin"), re.M).group(1)
    guest = images.guest()
    config = (HERE / "guest-grub.cfg").read_bytes()

    def fill(out):
        packages = out / "packages"
        packages.mkdir()
        for name in ("grub-pc-bin", "grub-common"):
            apt.fetch(name, packages)
        (out / "rescue.img").write_bytes(
            _grub_image(out, packages, "(hd0,msdos1)/boot/grub", ["biosdisk"])
            .ljust(1 << 20, b"\0"))
        boot = out / "tree" / "boot"
        (boot / "grub").mkdir(parents=True)
        (boot / "grub" / "grub.cfg").write_bytes(config)
        for name in ("bzImage", "initrd.gz"):
            shutil.copyfile(guest / name, boot / name)
        disk = out / "linux.img"
        with open(disk, "wb") as f:
            f.truncate(GRUB_MIB << 20)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext2", "-d", str(out / "tree"),
                        "-E", "offset=1048576", str(disk), f"{GRUB_MIB - 1}m"], check=True)
        start = _grub_image(out, packages, "(hd0,msdos1)/boot/grub", [
            "biosdisk", "part_msdos", "ext2", "linux", "normal", "serial", "terminal", "echo"])
        # One active Linux partition behind the first MiB.
        entry = bytes((0x80, 254, 255, 255, 0x83, 254, 255, 255)) \
            + (2048).to_bytes(4, "little") + ((GRUB_MIB - 1) << 11).to_bytes(4, "little")
        table = entry.ljust(64, b"\0") + b"\x55\xaa"
        _write_at(disk, 0, start[:446] + table + start[512:])
        for top in ("packages", "tree"):
            shutil.rmtree(out / top)

    key = cache.digest(version, guest.name, config, pathlib.Path(__file__))
    return cache.entry("guest-grub", key, fill, "preparing disks with GRUB")


def _disk_initrd():
    """initrd.gz: modules for the disk and its file system, then the disk's own init."""
    kernel = kernels.image("6.1")
    archive = cpio.Archive()
    images.root(archive)
    archive.file("init", (HERE / "disk-init.sh").read_bytes(), 0o755)
    modules = [name for name in kernels.GUEST_MODULES + kernels.ROOT_MODULES
               if (kernel / "modules" / f"{name}.ko").exists()]
    for name in modules:
        archive.copy(f"lib/{name}.ko", kernel / "modules" / f"{name}.ko")
    archive.file("lib/order", "\n".join(modules).encode() + b"\n")
    return gzip.compress(archive.bytes(), 6, mtime=0)


def _disk_tree(tree):
    """What lies on the disk: a busybox and what its init, getty and login read."""
    for name in images.DIRS:
        (tree / name).mkdir(parents=True)
    shutil.copyfile(images.BUSYBOX, tree / "bin" / "busybox")
    (tree / "bin" / "busybox").chmod(0o755)
    applets = subprocess.run([str(images.BUSYBOX), "--list"], text=True, check=True,
                             stdout=subprocess.PIPE).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")
    (tree / "sbin" / "init").symlink_to("/bin/busybox")
    for name, text in (("passwd", "root::0:0:root:/root:/bin/sh\n"),
                       ("group", "root:x:0:\n"), ("hostname", "disk\n"),
                       ("profile", "PS1='ready# '\n"),
                       ("inittab", (HERE / "disk-inittab").read_text())):
        (tree / "etc" / name).write_text(text)


def disk():
    """Directory with initrd.gz and root.img.gz."""
    parts = [HERE / "disk-init.sh", HERE / "disk-inittab", images.BUSYBOX,
             pathlib.Path(__file__), pathlib.Path(images.__file__)]

    def fill(out):
        (out / "initrd.gz").write_bytes(_disk_initrd())
        _disk_tree(out / "tree")
        image = out / "root.img"
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", "-d", str(out / "tree"),
                        str(image), f"{DISK_MIB}m"], check=True)
        subprocess.run(["gzip", "-n", str(image)], check=True)
        shutil.rmtree(out / "tree")

    key = cache.digest(kernels.image("6.1").name, *parts)
    return cache.entry("guest-disk", key, fill, "preparing a disk with a root file system")


def files(names):
    """What --file would add for guests by name: SRC:DEST for each file."""
    made = {"memtest": memtest, "vmlinux": vmlinux, "grub": grub, "disk": disk,
            "churn": churn}
    found = []
    for name in names:
        where = made[name]() if name in made else i386(name)
        found += [f"{path}:/nestor-guest/{name}/{path.name}"
                  for path in sorted(where.iterdir())]
    return found
