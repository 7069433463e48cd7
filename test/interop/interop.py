#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""interop.py MAKE_CHECKPOINT: other HDF5 readers find what the program saved (promise P11).

MAKE_CHECKPOINT saves twice and says which names, types, shapes and bytes must be found. h5ls, h5dump and h5py then
read them, in the slots themselves and through the view's /current and /previous. Exit status 77 (skipped) where a
reader is missing.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

SKIPPED = 77

try:
    import h5py
    import numpy
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(SKIPPED)
for tool in "h5ls", "h5dump":
    if shutil.which(tool) is None:
        print(f"skipped: there is no {tool}")
        sys.exit(SKIPPED)

failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print(f"FAILED: {what}")


class Variable:
    """What one dataset must be, from a line of MAKE_CHECKPOINT."""

    def __init__(self, line):
        self.which, self.path, dtype, shape, hexadecimal = line.split("\t")
        self.dtype = numpy.dtype(dtype)
        self.shape = () if shape == "-" else tuple(int(extent) for extent in shape.split(","))
        self.bytes = bytes.fromhex(hexadecimal)


def run(*command, **options):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    check(result.returncode == 0, f"{' '.join(command)}: exit status {result.returncode}: {result.stderr.decode()}")
    return result.stdout.decode("utf-8")


# ------------------------------------------------------------------------ h5py


def check_h5py(group, variables, where):
    """Types, shapes and bytes, and that there is no other dataset."""
    found = []
    group.visititems(lambda name, item: found.append("/" + name) if isinstance(item, h5py.Dataset) else None)
    check(sorted(found) == sorted(v.path for v in variables), f"{where}: h5py finds the datasets {sorted(found)}")
    for v in variables:
        if v.path not in found:
            continue
        dataset = group[v.path.lstrip("/")]
        check(dataset.dtype == v.dtype, f"{where}{v.path}: h5py reads type {dataset.dtype}, not {v.dtype}")
        check(dataset.shape == v.shape, f"{where}{v.path}: h5py reads shape {dataset.shape}, not {v.shape}")
        value = numpy.asarray(dataset[()], v.dtype)  # h5py takes the padding off a lone string
        check(value.tobytes() == v.bytes, f"{where}{v.path}: h5py reads other bytes")
        if v.dtype.kind == "S":
            string = h5py.check_string_dtype(dataset.dtype)
            check(string is not None and string.encoding == "utf-8", f"{where}{v.path}: a string that is not UTF-8")
            values = [element.decode("utf-8") for element in numpy.asarray(dataset[()]).ravel()]
            check(all("größe" in value for value in values), f"{where}{v.path}: strings {values}")


# ------------------------------------------------------------------------ h5ls


def h5ls_unescape(name):
    """h5ls writes spaces as backslash-space and other bytes as backslash and three octal digits."""
    raw = re.sub(rb"\\([0-7]{3})", lambda match: bytes([int(match[1], 8)]), name.encode())
    return raw.replace(b"\\ ", b" ").decode("utf-8")


def check_h5ls(target, variables):
    listing = run("h5ls", "-rE", target)
    found = {}
    for line in listing.splitlines():
        match = re.match(r"(/.*?)\s+Dataset \{(.*)\}$", line)
        if match:
            found[h5ls_unescape(match[1])] = match[2]
    expected = {v.path: ", ".join(str(extent) for extent in v.shape) if v.shape else "SCALAR" for v in variables}
    check(found == expected, f"h5ls -rE {target} lists\n{listing}")
    print(f"h5ls -rE {target}: {len(found)} datasets")


# ---------------------------------------------------------------------- h5dump


def check_h5dump(name, prefix, variables):
    """The bytes of every array, as h5dump writes them out; and integers as it prints them."""
    run("h5dump", name)
    for v in variables:
        if v.bytes:
            run("h5dump", "-d", prefix + v.path, "-b", "FILE", "-o", "dumped", name)
            with open("dumped", "rb") as dumped:
                check(dumped.read() == v.bytes, f"{name}{prefix}{v.path}: h5dump writes other bytes")
        if v.dtype.kind in "iu":
            text = run("h5dump", "-y", "-w", "0", "-d", prefix + v.path, name)
            match = re.search(r"DATA \{(.*?)\}", text, re.S)
            printed = [int(number) for number in re.findall(r"-?\d+", match[1])] if match else None
            expected = numpy.frombuffer(v.bytes, v.dtype).tolist()
            check(printed == expected, f"{name}{prefix}{v.path}: h5dump prints {printed}, not {expected}")
    print(f"h5dump {name} {prefix}: {len(variables)} datasets")


# ------------------------------------------------------------------------ main


def main():
    make_checkpoint = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="h5ckpt-interop-") as work:
        os.chdir(work)
        lines = run(make_checkpoint, "backup").splitlines()
        variables = [Variable(line) for line in lines]
        os.chdir("backup")
        # The directory is fresh, so the first save went to slot a and the second to slot b.
        for which, slot in ("previous", "slot-a.h5"), ("current", "slot-b.h5"):
            expected = [v for v in variables if v.which == which]
            check(len(expected) > 3, f"{make_checkpoint} says nothing of {which}")
            with h5py.File(slot, "r") as file:
                check_h5py(file, expected, slot)
            with h5py.File("checkpoint.h5", "r") as file:
                check_h5py(file[which], expected, f"checkpoint.h5/{which}")
            check_h5ls(slot, expected)
            check_h5ls(f"checkpoint.h5/{which}", expected)
            check_h5dump(slot, "", expected)
            check_h5dump("checkpoint.h5", f"/{which}", expected)
            with h5py.File("checkpoint.h5", "r") as file:
                counters = {name: int(file[f"{which}/progress/{name}"][()]) for name in ("epoch", "batch", "step")}
            epoch = 3 if which == "previous" else 4
            check(counters == {"epoch": epoch, "batch": 17, "step": 2**40}, f"{which}: progress {counters}")
        os.chdir("/")
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main())
