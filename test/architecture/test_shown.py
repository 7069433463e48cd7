#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What documents say to be shown by tests is: they exist and run (docs/guide.md of other callbacks, docs/reliability.md).

The last cell of each row between the markers names the tests, in backquotes. Each must be defined and added to a suite.
And each test that is named after a fault of other callbacks stands in a row. What docs/reliability.md says of suites in
its two tables, by promise and by suite, is the same.

usage: test_shown.py TOP
"""
import pathlib
import re
import sys

DOCUMENTS = ("docs/guide.md", "docs/reliability.md")
FAULT = re.compile(r"(?:tf_keras_)?fault_")


def cells_of(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def read_rows(text):
    """The last cells of the rows, as (line, names, whole cell)."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if "<!-- shown by tests: " in line:
            inside = line.strip().endswith("begin -->")
            continue
        cells = cells_of(line)
        if not inside or not line.startswith("|") or set(cells[-1]) <= set("-: ") or cells[-1] == "shown by":
            continue
        yield number, re.findall(r"`(\w+)`", cells[-1]), cells[-1]


def read_tests(top):
    """Name -> is it added to a suite?"""
    tests = {}
    for path in sorted((top / "test").rglob("*.c")):
        text = path.read_text()
        for name in re.findall(r"^START_TEST\((\w+)\)", text, re.M):
            tests[name] = re.search(rf"tcase_add_\w+\([^;]*?\b{name}\b", text) is not None
    return tests


def check(document, rows, tests):
    if not rows:
        yield f"{document}: no row was found"
    for number, names, cell in rows:
        if not names:
            yield f"{document}:{number}: no test is named in '{cell}'"
        for name in names:
            if name not in tests:
                yield f"{document}:{number}: there is no test {name}"
            elif not tests[name]:
                yield f"{document}:{number}: the test {name} is in no suite"


def promises_in(cell):
    """"P1 … P3 P5": 1, 2, 3, 5."""
    for first, last in re.findall(r"P(\d+)(?: … P(\d+))?", cell):
        yield from range(int(first), int(last or first) + 1)


def check_suites(text):
    """A suite is said to be about a promise in both tables, or in neither."""
    rows = [cells_of(line) for line in text.splitlines() if line.startswith("| ")]
    by_promise = {(int(row[0][1:]), suite) for row in rows if re.fullmatch(r"P\d+", row[0])
                  for suite in re.findall(r"`([\w-]+)`", row[2])}
    by_suite = {(promise, suite) for row in rows if row[0].startswith("`") and len(row) == 5
                for suite in re.findall(r"`(\w[\w-]*)`", row[0]) for promise in promises_in(row[1])}
    if not by_suite:
        yield "no suite was found"
    for promise, suite in sorted(by_promise ^ by_suite):
        yield f"P{promise} and {suite}: only in the table by {'promise' if (promise, suite) in by_promise else 'suite'}"


def main(top):
    top = pathlib.Path(top)
    tests = read_tests(top)
    failures, named = [], set()
    for document in DOCUMENTS:
        rows = list(read_rows((top / document).read_text()))
        failures += check(document, rows, tests)
        named.update(name for _, names, _ in rows for name in names)
        print(f"{document}: {len(rows)} rows")
    failures += check_suites((top / "docs/reliability.md").read_text())
    failures += [f"the test {name} is in no row" for name in sorted(tests) if FAULT.match(name) and name not in named]
    for failure in failures:
        print(failure)
    print(f"{len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1]))
