# SPDX-License-Identifier: GPL-2.0-only
"""nestor.ko for one kernel, built out of a copy of the sources.

The copy keeps builds for different kernels, and the developer's own build in
the tree, from meeting; it is updated file by file, so that make still sees
what changed.
"""
import os
import pathlib
import shutil
import subprocess

from . import cache, images, kernels

PARTS = ("kmod", "uapi", "Kbuild")
SUFFIXES = (".c", ".h", ".S", ".lds")

# Some packages of headers bring what type information of a module is made from, and
# not the program that makes it.
NO_BTF = "CONFIG_DEBUG_INFO_BTF_MODULES="


class BuildFailed(Exception):
    """The module does not compile; the text is the compiler's."""


def _sources():
    for part in PARTS:
        top = images.TREE / part
        if top.is_file():
            yield top
        for path in sorted(top.rglob("*")):
            if path.is_file() and (path.suffix in SUFFIXES
                                   and not path.name.endswith(".mod.c")
                                   or path.name in ("Kbuild", "Makefile")):
                yield path


def _mirror(into):
    """Make INTO hold the sources; returns whether anything changed."""
    changed = False
    wanted = set()
    for path in _sources():
        rel = path.relative_to(images.TREE)
        wanted.add(rel)
        copy = into / rel
        data = path.read_bytes()
        if copy.exists() and copy.read_bytes() == data:
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
        changed = True
    for path in list(into.rglob("*")):
        rel = path.relative_to(into)
        if (path.suffix in SUFFIXES and not path.name.endswith(".mod.c")
                and not path.name.startswith(".") and rel not in wanted):
            path.unlink()
            changed = True
    return changed


def build(series):
    """Path of an up-to-date nestor.ko for one of Debian's kernels."""
    return build_for(kernels.kdir(series))


def build_for(kdir):
    """Path of an up-to-date nestor.ko without debug sections; ours to remove."""
    name = f"build-{cache.digest(str(images.TREE), str(kdir))}"
    top = cache.root() / "build" / name
    top.mkdir(parents=True, exist_ok=True)
    with cache.lock(name):
        ready = top / "nestor-stripped.ko"
        stale = _mirror(top)
        if stale or not ready.exists():
            _make(kdir, top, ready)
        mine = top / f"run-{os.getpid()}.ko"
        shutil.copyfile(ready, mine)
    return mine


def _make(kdir, top, ready):
    cache.say(f"building nestor.ko against {pathlib.Path(kdir).name}")
    ready.unlink(missing_ok=True)
    if not (top / "Kbuild").exists():
        raise BuildFailed("the tree has no Kbuild")
    log = top / "make.log"
    with open(log, "w", encoding="utf-8") as f:
        done = subprocess.run(["make", "-C", str(kdir), f"M={top}", "-k", "-j2", NO_BTF,
                               "modules"], stdout=f, check=False,
                              stderr=subprocess.STDOUT)
    built = top / "nestor.ko"
    if done.returncode or not built.exists():
        lines = [line for line in log.read_text(errors="replace").splitlines()
                 if not line.startswith("  CC ")]
        raise BuildFailed("\n".join(lines[-60:]))
    subprocess.run(["strip", "--strip-debug", "-o", str(ready) + ".tmp",
                    str(built)], check=True)
    os.rename(str(ready) + ".tmp", ready)


def depends(path):
    """Modules that must be loaded before ours."""
    for tool in ("/sbin/modinfo", "modinfo"):
        if shutil.which(tool):
            done = subprocess.run([tool, "-F", "depends", str(path)], text=True,
                                  check=False, stdout=subprocess.PIPE)
            return done.stdout.strip().replace(",", " ")
    return ""
