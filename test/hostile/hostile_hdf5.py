# SPDX-License-Identifier: MIT
"""hostile_hdf5.py HOSTILE_HDF5 [H5CKPT]: slots that hold HDF5 files made to harm who reads them, under checksums that are right.

A restore gives the program's bytes or is refused, as record and index say, whatever the HDF5 part is; and nothing
outside the directory is opened meanwhile, as strace sees it. That the files would lead out of it is shown with a reader
that knows no better.

Exit status 77 (skipped) where strace is missing or may not trace.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import form

HOSTILE, COMMAND = sys.argv[1], (sys.argv[2:] + [None])[0]
SECONDS = 120
INDEXES = ("right", "transaction", "none")
# What a reader that knows no better opens for them.
LEAD_OUT = {"external-storage": "outside/raw", "external-links": "outside/other.h5", "virtual-dataset": "outside/other.h5",
            "unknown-filter": "outside/plugins", "superblock-in-user-block": "outside/other.h5"}
CALLS = (("info", "--variables", "--settings"), ("info", "--json"), ("verify",), ("history",), ("watch", "--once"))


def environment(work):
    """A plugin path that leads out; and what a sanitizer finds must not look like damage. LeakSanitizer is itself a tracer."""
    return {**os.environ, "HDF5_PLUGIN_PATH": str(work / "outside/plugins"), "ASAN_OPTIONS": "detect_leaks=0:exitcode=86",
            "UBSAN_OPTIONS": "halt_on_error=1:exitcode=86"}


def trace(work, *command):
    """Its exit status, its output, and every line with the name of a file that the kernel saw."""
    log = work / "trace"
    result = subprocess.run(["strace", "-f", "--seccomp-bpf", "-y", "-s", "4096", "-e", "trace=%file", "-o", log, *map(str, command)],
                            env=environment(work), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)
    return result.returncode, result.stdout, [line for line in log.read_text(errors="replace").splitlines()
                                              if "execve(" not in line]


def strangers(work, lines):
    """Lines that name something below the work directory, other than the backup."""
    inside = re.compile(re.escape(str(work)) + r"/(?!backup[/\">])")
    return [line for line in lines if inside.search(line) or "outside" in line]


def check(work, kind, index):
    """What went wrong, as texts."""
    subprocess.run([HOSTILE, "make", work, kind, index], check=True, timeout=SECONDS)
    failures = []
    calls = [((HOSTILE, "use", work, index), (0,))]
    if COMMAND:
        calls += [((COMMAND, *call, work / "backup"), range(5)) for call in CALLS]
        calls += [((COMMAND, "roll-back", work / "backup", "kept"), range(5)),
                  ((COMMAND, "forget", work / "backup", "kept"), range(5))]
    for call, statuses in calls:
        status, output, lines = trace(work, *call)
        name = f"{kind}, index {index}: {call[1]}"
        if status not in statuses:
            failures.append(f"{name}: ended with {status}: {output.decode(errors='replace')[:500]}")
        if not any("/backup" in line for line in lines):
            failures.append(f"{name}: nothing of it was traced")
        failures += [f"{name}: {line[:200]}" for line in strangers(work, lines)]
    return len(calls), failures


def control(work, kind):
    """Does the file lead somebody else out of the directory?"""
    subprocess.run([HOSTILE, "make", work, kind, "right"], check=True, timeout=SECONDS)
    lines = trace(work, HOSTILE, "naive", work / "backup/slot-b.h5")[2]
    return [] if any(LEAD_OUT[kind] in line for line in lines) else [f"{kind}: nobody is led to {LEAD_OUT[kind]}"]


def naive_end(work, kind):
    """How a reader that knows no better ends: no failure of h5ckpt's, but worth knowing."""
    subprocess.run([HOSTILE, "make", work, kind, "right"], check=True, timeout=SECONDS)
    try:
        status = subprocess.run([HOSTILE, "naive", work / "backup/slot-b.h5"], env=environment(work), timeout=10,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    except subprocess.TimeoutExpired:
        return "hangs"
    return "ends" if status == 0 else "crashes"


def in_directory(function, *arguments):
    work = pathlib.Path(tempfile.mkdtemp(prefix="h5ckpt-hostile-")).resolve()
    try:
        return function(work, *arguments)
    finally:
        shutil.rmtree(work)


def can_trace():
    try:
        return subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        return False


def main():
    if not can_trace():
        print("skipped: there is no strace, or it may not trace here")
        return 77
    kinds = subprocess.run([HOSTILE], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    failures, calls, files = [], 0, 0
    for index, every in zip(INDEXES, form.count((4, 13, 13), (1, 13, 13), (1, 1, 1))):
        for kind in kinds[::every]:
            count, found = in_directory(check, kind, index)
            files, calls, failures = files + 1, calls + count, failures + found
    for kind in LEAD_OUT:
        failures += in_directory(control, kind)
    ends = {kind: in_directory(naive_end, kind) for kind in kinds}
    print("libhdf5 itself:", ", ".join(f"{kind} {end}" for kind, end in ends.items() if end != "ends") or "no crash, no hang")
    print(f"{files} hostile files, {calls} calls traced, {len(LEAD_OUT)} controls: {len(failures)} failures")
    print("\n".join(failures[:20]))
    return 1 if failures else 0


sys.exit(main())
