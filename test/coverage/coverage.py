#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Which lines and branches of lib/recovery and lib/storage no test takes: all but those that excused.txt lists with a reason.

usage: coverage.py TOP BUILD [--all]

BUILD is a build directory in which all tests have run:

    meson setup build-coverage -Dbuildtype=debug -Db_coverage=true -Db_ndebug=true && meson test -C build-coverage

(Assertions are left out of it: that they hold is not a decision.) An excuse is a line "FILE | SOURCE LINE | REASON", of
that line or of its branches. One that excuses nothing any more is an error, too, but for a REASON that begins with
"timing: ": which of two threads comes first. --all lists what is excused as well. Needs gcovr.
"""
import collections
import json
import pathlib
import subprocess
import sys

FLOORS = ("lib/recovery", "lib/storage")


def measure(top, build):
    """(file, line number) -> whether it was run, and how many of its branches were not."""
    command = ["gcovr", "--root", top, "--object-directory", build, "--json", "-", *(f"--filter={top}/{floor}/" for floor in FLOORS), build]
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout)
    for file in report["files"]:
        for line in file["lines"]:
            if not line.get("gcovr/noncode"):
                missed = sum(branch["count"] == 0 for branch in line["branches"])
                yield file["file"], line["line_number"], line["count"] > 0, missed, len(line["branches"])


def read_excuses(path):
    excuses = {}
    for number, text in enumerate(path.read_text().splitlines(), 1):
        if not text.strip() or text.startswith("#"):
            continue
        parts = [part.strip() for part in text.split(" | ")]
        if len(parts) != 3 or not parts[2]:
            sys.exit(f"{path.name}:{number}: not 'FILE | SOURCE LINE | REASON'")
        excuses[parts[0], parts[1]] = parts[2]
    return excuses


def main(top, build, show_all):
    excuses = read_excuses(pathlib.Path(__file__).with_name("excused.txt"))
    used, totals, failures = set(), collections.Counter(), 0
    sources = {}
    for file, number, ran, missed, branches in measure(top, build):
        totals.update(lines=1, branches=branches, lines_missed=not ran, branches_missed=missed)
        if ran and missed == 0:
            continue
        if file not in sources:
            sources[file] = (pathlib.Path(top) / file).read_text().splitlines()
        text = sources[file][number - 1].strip()
        key = (file, text) if (file, text) in excuses else None
        what = "never run" if not ran else f"{missed} of {branches} branches never taken"
        used.add(key)
        totals.update(lines_excused=key is not None and not ran, branches_excused=missed if key is not None else 0)
        failures += key is None
        if key is None or show_all:
            print(f"{file}:{number}: {what}: {text}" + (f"  [{excuses[key]}]" if key else ""))
    for key in [key for key in excuses.keys() - used if not excuses[key].startswith("timing: ")]:
        print(f"excused.txt: nothing is missed any more at {' | '.join(key)}")
        failures += 1
    for what in ("lines", "branches"):
        total, missed, excused = totals[what], totals[f"{what}_missed"], totals[f"{what}_excused"]
        print(f"{what}: {total}, {total - missed} taken ({100 * (total - missed) / max(total, 1):.2f} %), {excused} excused, {missed - excused} missed")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(main(str(pathlib.Path(sys.argv[1]).resolve()), str(pathlib.Path(sys.argv[2]).resolve()), "--all" in sys.argv))
