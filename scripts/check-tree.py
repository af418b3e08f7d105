#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""House rules that a script can check; output is TAP.

usage: check-tree.py [--no-compile]

  direction   an #include never points against the layers (LAYERS below)
  pure        a file that calls itself pure reaches no kernel-only header
  size        800 lines a file, 60 lines a function, tables exempt
  spdx        first line of every file names the licence
  funnel      page-table entries are written in mmu/spte.c alone
  names       no function of ours begins with kvm_ or hv_
  words       no trace of unfinished work
  crash       no BUG() and no panic()
  ioctls      every ioctl is in selftests/api/ioctl_errors.c
  headers     every header compiles alone
"""
import pathlib
import re
import subprocess
import sys
import tempfile

TREE = pathlib.Path(__file__).resolve().parents[1]
KMOD = TREE / "kmod"
FILE_LINES = 800
FUNCTION_LINES = 60

# Folder of the including file, and folders it must not include from.
LAYERS = {
    "": ("vmx", "svm"),
    "emul": ("vmx", "svm", "mmu", "nested", "irqchip", "hyperv"),
    "irqchip": ("vmx", "svm", "nested", "emul"),
    "mmu": ("vmx", "svm", "nested", "emul", "irqchip", "hyperv"),
    "hyperv": ("vmx", "svm", "emul"),
    "nested": ("vmx", "svm", "emul", "irqchip"),
    "vmx": ("svm", "nested", "emul"),
    "svm": ("vmx", "nested", "emul"),
}
# What the MMU must not even know: the words of a backend.
HARDWARE = {"mmu": ("asm/vmx.h", "asm/svm.h"), "vmx": ("asm/svm.h",),
            "svm": ("asm/vmx.h",)}
# Headers that exist, with the same content, outside the kernel.
PORTABLE = {"linux/types.h", "linux/const.h", "linux/kvm.h", "linux/stddef.h",
            "linux/kvm_para.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.M)
WRITERS = re.compile(
    r"\b(WRITE_ONCE|xchg|cmpxchg\w*|try_cmpxchg\w*|atomic64_set|set_64bit)\s*"
    r"\(\s*&?\s*\*?\(?[^,;]*\bs?ptep?s?\b", re.I)
CRASH = re.compile(r"\b(BUG|BUG_ON|VM_BUG_ON|panic)\s*\(")
WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b|not implemented|\bstub\b", re.I)


def sources(*suffixes):
    """Files of the module and its public headers."""
    for top in (KMOD, TREE / "uapi"):
        for path in sorted(top.rglob("*")):
            if path.suffix in suffixes and not path.name.endswith(".mod.c") \
                    and not path.name.startswith("."):
                yield path


def shown(path):
    """A path as people write it."""
    return str(path.relative_to(TREE))


def head(text):
    """The comment at the beginning of a file."""
    found = re.search(r"/\*(.*?)\*/", text[text.find("\n"):], re.S)
    return found.group(1) if found else ""


def resolve(path, name):
    """The file of ours that an include in quotes means, or None."""
    for base in (path.parent, KMOD, TREE / "uapi"):
        target = (base / name).resolve()
        if target.is_file() and TREE in target.parents:
            return target
    return None


def folder(path):
    """The layer of a file of the module; None outside."""
    try:
        parts = path.relative_to(KMOD).parts
    except ValueError:
        return None
    return parts[0] if len(parts) > 1 else ""


def direction():
    """Includes against the layers."""
    for path in sources(".c", ".h", ".S"):
        layer = folder(path)
        if layer is None:
            continue
        for quoted, angled in INCLUDE.findall(path.read_text()):
            target = resolve(path, quoted) if quoted else None
            if target and folder(target) in LAYERS.get(layer, ()):
                yield f"{shown(path)}: includes {shown(target)}"
            if angled in HARDWARE.get(layer, ()):
                yield f"{shown(path)}: includes <{angled}>"


def kernel_only(path, seen):
    """Kernel-only headers that a file reaches, with the way there."""
    if path in seen or path.name in ("pure.h", "compat.h"):
        return
    seen.add(path)
    text = re.sub(r"#ifdef __KERNEL__\n.*?#(else|endif)", "", path.read_text(), flags=re.S)
    for quoted, angled in INCLUDE.findall(text):
        if angled.startswith("linux/") and angled not in PORTABLE:
            yield f"{shown(path)} includes <{angled}>"
        target = resolve(path, quoted) if quoted else None
        if target:
            yield from kernel_only(target, seen)


def pure():
    """Pure files with kernel-only includes."""
    for path in sources(".c"):
        if re.search(r"(^|[.;:]\s+|\*\s)Pure\b(?!ly)", head(path.read_text())):
            ways = list(kernel_only(path, set()))
            if ways:
                yield (f"{shown(path)}: calls itself pure, but {ways[0]} "
                       f"({len(ways)} kernel-only headers in all)")


def size():
    """Files and functions that are too long."""
    for path in sources(".c", ".h", ".S"):
        lines = path.read_text().splitlines()
        if len(lines) > FILE_LINES:
            yield f"{shown(path)}: {len(lines)} lines"
        start = None
        for number, line in enumerate(lines, 1):
            if line.startswith("{"):
                start = number
            elif line.startswith("}") and start:
                if number - start + 1 > FUNCTION_LINES and line == "}":
                    yield (f"{shown(path)}:{start}: function of "
                           f"{number - start + 1} lines")
                start = None


def spdx():
    """Files without a licence line."""
    for path in sources(".c", ".h", ".S"):
        if "SPDX-License-Identifier:" not in path.read_text().partition("\n")[0]:
            yield shown(path)


def funnel():
    """Writers of page-table entries outside the funnel."""
    for path in sources(".c"):
        if path == KMOD / "mmu" / "spte.c" or folder(path) != "mmu":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if WRITERS.search(line):
                yield f"{shown(path)}:{number}: {line.strip()}"


def names():
    """Functions of ours under somebody else's prefix."""
    for path in sources(".c"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.match(r"[a-z].*\b(kvm|hv)_\w+\s*\([^;]*$", line):
                yield f"{shown(path)}:{number}: {line.strip()}"


def words():
    """Traces of unfinished work."""
    for path in sources(".c", ".h", ".S"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if WORDS.search(line):
                yield f"{shown(path)}:{number}: {line.strip()}"


def crash():
    """What would bring the host down on purpose."""
    for path in sources(".c", ".h"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if CRASH.search(line):
                yield f"{shown(path)}:{number}: {line.strip()}"


def ioctls():
    """Numbers in the tables of the module, against the rows of the test of errors."""
    tested = (TREE / "selftests" / "api" / "ioctl_errors.c").read_text()
    for path in sorted(KMOD.glob("*.c")):
        for table in re.findall(r"struct nst_ioctl \w+\[\] = \{(.*?)^\};", path.read_text(),
                                re.M | re.S):
            for name in re.findall(r"\{ ((?:KVM|NESTOR)_\w+),", table):
                if not re.search(rf"ROW\(\w+, {name},", tested):
                    yield f"{shown(path)}: {name}: its errors are not tested"


def headers():
    """Headers that do not compile alone."""
    found = list(sources(".h"))
    kdir = subprocess.run([str(TREE / "selftests" / "hosts" / "kdir"), "6.1"],
                          text=True, check=True, stdout=subprocess.PIPE)
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        objects = []
        for i, path in enumerate(found):
            (scratch / f"h{i}.c").write_text(f'#include "{path}"\n')
            objects.append(f"h{i}.o")
        (scratch / "Kbuild").write_text(
            f"obj-m := {' '.join(objects)}\n"
            f"ccflags-y := -I{KMOD} -I{TREE / 'uapi'}\n")
        done = subprocess.run(["make", "-k", "-j2", "-C", kdir.stdout.strip(),
                               f"M={scratch}", *objects], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for i, path in enumerate(found):
            if not (scratch / f"h{i}.o").exists():
                yield f"{shown(path)}: does not compile alone"
    if done.returncode:
        yield from re.findall(r"^.*error:.*$", done.stdout, re.M)[:20]


def main():
    """Run every rule; one TAP line each."""
    rules = [direction, pure, size, spdx, funnel, names, words, crash, ioctls]
    if "--no-compile" not in sys.argv:
        rules.append(headers)
    print("TAP version 13")
    print(f"1..{len(rules)}")
    bad = False
    for number, rule in enumerate(rules, 1):
        faults = list(rule())
        for fault in faults:
            print(f"# {fault}")
        bad |= bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} {rule.__name__}", flush=True)
    sys.exit(bad)


if __name__ == "__main__":
    main()
