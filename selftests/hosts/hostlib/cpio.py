# SPDX-License-Identifier: GPL-2.0-only
"""Writer for newc archives, the format that Linux unpacks as its first root.

Written here, not by cpio(1): device nodes need no root, and equal input gives
equal output, byte for byte. Archives may simply be put one behind the other.
"""
import os
import stat


class Archive:
    """A growing archive in memory."""

    def __init__(self):
        self.chunks = []
        self.inode = 1
        self.dirs = set()

    def _add(self, name, mode, data=b"", dev=(0, 0)):
        self.inode += 1
        raw = name.encode() + b"\0"
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0,
                  dev[0], dev[1], len(raw), 0)
        head = b"070701" + b"".join(b"%08x" % f for f in fields) + raw
        self.chunks.append(head + b"\0" * (-len(head) % 4))
        self.chunks.append(data + b"\0" * (-len(data) % 4))

    def dir(self, name, mode=0o755):
        """Add a directory and, before it, those above it."""
        name = name.strip("/")
        if not name or name in self.dirs:
            return
        self.dir(os.path.dirname(name))
        self.dirs.add(name)
        self._add(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        """Add a file with its content."""
        name = name.strip("/")
        self.dir(os.path.dirname(name))
        self._add(name, stat.S_IFREG | mode, data)

    def copy(self, name, path):
        """Add a file of this machine with its permission bits."""
        mode = stat.S_IMODE(os.stat(path).st_mode)
        with open(path, "rb") as f:
            self.file(name, f.read(), mode)

    def link(self, name, target):
        """Add a symbolic link."""
        name = name.strip("/")
        self.dir(os.path.dirname(name))
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def char(self, name, major, minor, mode=0o600):
        """Add a character device node."""
        name = name.strip("/")
        self.dir(os.path.dirname(name))
        self._add(name, stat.S_IFCHR | mode, dev=(major, minor))

    def bytes(self):
        """The finished archive."""
        self.inode = 0
        tail = Archive()
        tail.inode = 0
        tail._add("TRAILER!!!", 0)
        out = b"".join(self.chunks + tail.chunks)
        return out + b"\0" * (-len(out) % 512)
