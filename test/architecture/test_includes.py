#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The include graph of lib/ is the table in docs/architecture.md, and that table has no way up.

usage: test_includes.py TOP
"""
import pathlib
import re
import sys

CELLAR = {"bytes", "checksum", "error", "format", "h5ckpt"}


def read_table(text):
    """Module -> what it may include, in the table's order."""
    begin = text.index("<!-- include table: begin -->")
    end = text.index("<!-- include table: end -->")
    table = {}
    for line in text[begin:end].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        names = re.findall(r"`([^`]+)`", cells[0])
        if len(cells) == 2 and names:
            table[names[0]] = set(re.findall(r"`([^`]+)`", cells[1]))
    return table


def read_includes(path):
    for line in path.read_text().splitlines():
        ours = re.match(r'\s*#\s*include\s+"([^"]+)\.h"', line)
        if ours:
            yield ours.group(1)
        elif re.match(r"\s*#\s*include\s+<(hdf5|H5\w+)\.h>", line):
            yield "<hdf5.h>"


def check_order(table):
    """A module includes only modules above it: calls go down only."""
    seen = {"<hdf5.h>"}
    for module, allowed in table.items():
        for name in sorted(allowed - seen):
            yield f"{module} may include {name}, which does not stand above it in the table"
        seen.add(module)


def check_sources(lib, table):
    used = {module: set() for module in table}
    for path in sorted(lib.rglob("*.[ch]")):
        module = str(path.relative_to(lib).with_suffix(""))
        for name in read_includes(path):
            if name in CELLAR or name == module:
                continue
            if module in CELLAR:
                yield f"{path}: the cellar includes {name}"
            elif name not in table.get(module, set()):
                yield f"{path}: includes {name}, which docs/architecture.md does not allow"
            else:
                used[module].add(name)
        if module not in table and module not in CELLAR:
            yield f"{path}: {module} is not in the table of docs/architecture.md"
    for module, allowed in table.items():
        for name in sorted(allowed - used[module]):
            yield f"docs/architecture.md: {module} may include {name}, but does not"


def main():
    top = pathlib.Path(sys.argv[1])
    table = read_table((top / "docs/architecture.md").read_text())
    failures = [*check_order(table), *check_sources(top / "lib", table)]
    print(*failures, sep="\n", end="\n" if failures else "")
    print(f"{len(table)} modules, {len(failures)} failures")
    return 1 if failures or len(table) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
