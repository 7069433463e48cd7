#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What docs/guide.md says of other callbacks is shown by tests that exist and run.

The last cell of each row between the markers names the tests, in backquotes. Each must be defined and added to a suite.
And each test that is named after a fault of theirs stands in a row.

usage: test_guide.py TOP
"""
import pathlib
import re
import sys

FAULT = re.compile(r"(?:tf_keras_)?fault_")


def read_rows(text):
    """The last cells of the rows, as (line, names, whole cell)."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if "<!-- shown by tests: " in line:
            inside = line.strip().endswith("begin -->")
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not inside or not line.startswith("|") or set(cells[-1]) <= set("-: ") or cells[-1] == "shown by":
            continue
        yield number, re.findall(r"`(\w+)`", cells[-1]), cells[-1]


def read_tests(top):
    """Name -> is it added to a suite?"""
    tests = {}
    for path in sorted((top / "test").rglob("*.c")):
        text = path.read_text()
        for name in re.findall(r"^START_TEST\((\w+)\)", text, re.M):
            tests[name] = re.search(rf"tcase_add_\w+\(\s*\w+,\s*{name}\b", text) is not None
    return tests


def check(rows, tests):
    named = set()
    for number, names, cell in rows:
        if not names:
            yield f"line {number}: no test is named in '{cell}'"
        for name in names:
            named.add(name)
            if name not in tests:
                yield f"line {number}: there is no test {name}"
            elif not tests[name]:
                yield f"line {number}: the test {name} is in no suite"
    for name in sorted(tests):
        if FAULT.match(name) and name not in named:
            yield f"the test {name} is in no row"


def main(top):
    top = pathlib.Path(top)
    rows = list(read_rows((top / "docs/guide.md").read_text()))
    failures = list(check(rows, read_tests(top)))
    if not rows:
        failures.append("no row was found")
    for failure in failures:
        print(f"docs/guide.md: {failure}")
    print(f"{len(rows)} rows, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
