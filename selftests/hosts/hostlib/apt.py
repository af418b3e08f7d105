# SPDX-License-Identifier: GPL-2.0-only
"""apt, of this machine or one of its own in the cache; nothing is installed.

An apt of its own serves a foreign architecture, with this machine's sources, or
a suite that is not among these, from where this machine has its own release.
"""
import os
import re
import subprocess

from . import cache, kernels

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def archive_of(release):
    """Address of the archive that this machine takes a release of Debian from."""
    done = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)",
                           "Created-By: Packages", f"Codename: {release}"],
                          text=True, check=False, stdout=subprocess.PIPE)
    found = done.stdout.split()
    if not found:
        raise kernels.Missing(f"no source of this machine has Debian's {release}")
    return found[0]


class Apt:
    """apt with the options that make it look elsewhere."""

    def __init__(self, arch=None, suite=None):
        self.name = arch or suite or "this machine"
        self.options = []
        self.top = None
        if not arch and not suite:
            return
        self.top = cache.root() / f"apt-{self.name}"
        for name in ("lists/partial", "cache/archives/partial", "parts"):
            (self.top / name).mkdir(parents=True, exist_ok=True)
        self.options = [
            "-o", f"Dir::State={self.top}",
            "-o", f"Dir::State::lists={self.top}/lists",
            "-o", f"Dir::Cache={self.top}/cache",
            "-o", "Dir::State::status=/dev/null",
        ]
        if arch:
            self.options += ["-o", f"APT::Architecture={arch}",
                             "-o", f"APT::Architectures={arch}"]
        if suite:
            self._sources(suite)

    def _sources(self, suite):
        """The suite and, for what it does not bring, the release that it is for."""
        release = suite.partition("-")[0]
        archive = archive_of(release)
        path = self.top / "sources.list"
        path.write_text("".join(f"deb [signed-by={KEYS}] {archive} {name} main\n"
                                for name in (release, suite)))
        self.options += ["-o", f"Dir::Etc::sourcelist={path}",
                         "-o", f"Dir::Etc::sourceparts={self.top}/parts",
                         "-o", f"APT::Default-Release={suite}"]

    def run(self, program, *args, cwd=None):
        """apt-get or apt-cache with these options."""
        env = dict(os.environ, LC_ALL="C", DEBIAN_FRONTEND="noninteractive")
        return subprocess.run([program, *self.options, *args], cwd=cwd, env=env,
                              text=True, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)

    def update(self):
        """Fetch lists of packages; those of this machine are its owner's."""
        if self.top:
            cache.say(f"fetching lists of Debian's packages for {self.name}")
            # A source without i386 fails; the others are what counts.
            self.run("apt-get", "-q", "update")

    def stamp(self):
        """Changes when the lists of packages do."""
        lists = self.top / "lists" if self.top else "/var/lib/apt/lists"
        return os.stat(lists).st_mtime_ns if os.path.exists(lists) else 0

    def show(self, package):
        """A package's record; the lists are fetched when they are missing."""
        done = self.run("apt-cache", "show", "--no-all-versions", package)
        if done.returncode or "Filename:" not in done.stdout:
            self.update()
            done = self.run("apt-cache", "show", "--no-all-versions", package)
        if done.returncode or "Filename:" not in done.stdout:
            raise kernels.Missing(f"apt offers no {package} for {self.name}")
        return done.stdout

    def resolve(self, packages):
        """Packages with all they depend on, as PACKAGE=VERSION."""
        args = ("apt-get", "-o", "Dir::State::status=/dev/null",
                "-o", "Debug::NoLocking=1", "-s", "-y", "--no-install-recommends",
                "install", *packages)
        done = self.run(*args)
        if done.returncode:
            self.update()
            done = self.run(*args)
        found = re.findall(r"^Inst (\S+) \((\S+)", done.stdout, re.M)
        if done.returncode or not found:
            raise kernels.Missing(f"apt cannot tell what {packages[0]} needs:\n{done.stderr}")
        return sorted(f"{name}={version}" for name, version in found)

    def unpack(self, packages, into):
        """Download packages and unpack them into one root."""
        got = self.run("apt-get", "download", *packages, cwd=into)
        debs = sorted(into.glob("*.deb"))
        if got.returncode or len(debs) != len(packages):
            raise kernels.Missing(f"cannot fetch {' '.join(packages)}:\n{got.stderr}")
        root = into / "root"
        root.mkdir()
        for deb in debs:
            subprocess.run(["dpkg-deb", "-x", str(deb), str(root)], check=True)
            deb.unlink()
        return root

    def fetch(self, package, into):
        """Download one package and unpack it."""
        cache.say(f"fetching Debian package {package} for {self.name}")
        got = self.run("apt-get", "download", package, cwd=into)
        debs = list(into.glob("*.deb"))
        if got.returncode or not debs:
            raise kernels.Missing(f"cannot fetch {package}:\n{got.stderr}")
        subprocess.run(["dpkg-deb", "-x", str(debs[0]), str(into)], check=True)
        debs[0].unlink()
