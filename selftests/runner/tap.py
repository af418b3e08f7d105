# SPDX-License-Identifier: GPL-2.0-only
"""Reader of one test program's output: TAP lines, then its exit status.

The program's word is checked: a plan that was not kept, a status that does
not fit the lines, or no result at all is a failure of the program itself.
"""
import re

SKIP_STATUS = 4
RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s*#\s*SKIP\b\s*(.*))?", re.I)
DIRECTIVE = re.compile(r"#\s*(SKIP|TODO|XFAIL)\b[:\s]*(.*)$", re.I)


class Report:
    """Points of one program: lists of (name, text)."""

    def __init__(self, name):
        self.name = name
        self.passed = []
        self.failed = []
        self.skipped = []
        self.plan = None
        self.plan_skip = None
        self.notes = []
        self.ended = False

    def line(self, text):
        """Take one line of output."""
        text = text.rstrip("\r\n")
        plan = PLAN.match(text)
        if plan:
            self.plan = int(plan.group(1))
            if plan.group(2) is not None:
                self.plan_skip = plan.group(2) or "no reason given"
            return
        found = RESULT.match(text)
        if not found:
            if text.strip():
                self.notes.append(text)
                del self.notes[:-40]
            return
        bad, _, what = found.groups()
        directive = DIRECTIVE.search(what)
        point = what[:directive.start()].strip() if directive else what.strip()
        if directive and directive.group(1).upper() == "SKIP":
            self.skipped.append((point, directive.group(2).strip() or "no reason given"))
        elif bad:
            self.failed.append((point, "\n".join(self.notes[-12:])))
        else:
            self.passed.append((point, ""))
        self.notes = []

    def points(self):
        """How many results were printed."""
        return len(self.passed) + len(self.failed) + len(self.skipped)

    def _fail(self, why):
        self.failed.append((why, "\n".join(self.notes[-26:])))

    def end(self, status):
        """The program ended with this status (None: it never ended)."""
        self.ended = True
        if status == SKIP_STATUS and not self.failed:
            if not self.skipped:
                why = self.plan_skip or (self.notes[-1] if self.notes else "")
                why = re.sub(r"^#\s*(SKIP\b)?[:\s]*", "", why)
                self.skipped.append(("", why or "no reason given"))
            return
        if self.plan_skip is not None and status == 0 and not self.points():
            self.skipped.append(("", self.plan_skip))
            return
        if status is None:
            self._fail("did not end")
        elif status in (124, 143):
            self._fail("time limit reached")
        elif self.plan is not None and self.points() != self.plan:
            self._fail(f"planned {self.plan} results, gave {self.points()}, "
                       f"exit status {status}")
        elif status == 0 and not self.points():
            self.passed.append(("", ""))
        elif status and not self.failed:
            self._fail(f"exit status {status}")
        elif not status and self.failed:
            self.notes.append("exit status 0 despite failures")


class Totals:
    """Results of everything, and the closing lines."""

    def __init__(self):
        self.reports = []

    def add(self, report):
        """Count one program."""
        self.reports.append(report)

    def count(self, kind):
        """Number of passed, failed or skipped points."""
        return sum(len(getattr(r, kind)) for r in self.reports)

    def close(self):
        """Print lists and totals; returns the exit status."""
        for kind, title in (("skipped", "Skipped"), ("failed", "Failed")):
            rows = [(r.name, p, t) for r in self.reports
                    for p, t in getattr(r, kind)]
            if rows:
                print(f"\n{title}:")
            for name, point, text in rows:
                where = f"{name}: {point}" if point else name
                first, _, rest = text.partition("\n")
                print(f"  {where}: {first}" if first else f"  {where}")
                for more in rest.splitlines():
                    print(f"      {more}")
        failed = self.count("failed")
        print(f"\n{self.count('passed')} passed, {failed} failed, "
              f"{self.count('skipped')} skipped", flush=True)
        return 1 if failed or not self.count("passed") else 0
