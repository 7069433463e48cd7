#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""seeded.py SOURCE MESON: the tests are tested. Each patch beside this file puts one fault into the library; its first lines say

    what is wrong then, in a sentence
    Breaks: the promise (docs/reliability.md, P1 to P12)
    Caught by: PROGRAM (CASE) / TEST, a line for each test that must fail; CASE: libcheck's, where the whole program
        takes long

In a copy of the source tree the tests must pass without the fault, and those named must fail with it. That takes a
while: so much is the full form (form.py). The others only see that the patches still fit the source, and that there are
tests of these names.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import form

SKIPPED = 77
HERE = os.path.dirname(os.path.abspath(__file__))
LIBCHECK_FAILURE = re.compile(r"^.*?:\d+:[FE]:[^:]*:(\w+):", re.MULTILINE)
CAUGHT_BY = re.compile(r"^Caught by: ([\w-]+)(?: \(([\w -]+)\))? / (\w+)$", re.MULTILINE)
TIMEOUT_SECONDS = 1800

failures = []


def fail(what):
    failures.append(what)
    print(f"FAILED: {what}", flush=True)


class Fault:
    """A patch, and what its first lines say."""

    def __init__(self, path):
        self.path = path
        self.name = os.path.splitext(os.path.basename(path))[0]
        with open(path, encoding="utf-8") as file:
            head = file.read().split("\n--- ")[0] + "\n"
        self.sentence = head.splitlines()[0]
        promise = re.search(r"^Breaks: (P\d+(?:, P\d+)*)$", head, re.MULTILINE)
        self.promise = promise[1] if promise else ""
        self.caught_by = CAUGHT_BY.findall(head)  # program, case, test
        if not self.promise or not self.caught_by:
            fail(f"{self.name}: it does not say which promise it breaks, and which test fails")

    def runs(self):
        """The programs that are to be run, with which case."""
        return sorted({(program, case) for program, case, _ in self.caught_by})

    def patch(self, source, *options):
        """True if the patch fits, to the letter; where its lines are may differ."""
        result = subprocess.run(["patch", "-p1", "--fuzz=0", "--no-backup-if-mismatch", "--input", self.path, *options],
                                cwd=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if result.returncode != 0:
            fail(f"{self.name}: the patch does not fit the source any more:\n{result.stdout}")
        return result.returncode == 0


# ------------------------------------------------------------------------ the copy


def copy_tree(source, target):
    """What git tracks."""
    names = subprocess.run(["git", "-C", source, "ls-files", "-z"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if names.returncode != 0:
        print(f"skipped: {source} is no git work tree: {names.stderr}")
        sys.exit(SKIPPED)
    for name in filter(None, names.stdout.split("\0")):
        if os.path.isfile(os.path.join(source, name)):
            os.makedirs(os.path.dirname(os.path.join(target, name)), exist_ok=True)
            shutil.copy2(os.path.join(source, name), os.path.join(target, name))


def test_names(source):
    names = set()
    for path in glob.glob(f"{source}/test/**/*.c", recursive=True):
        with open(path, encoding="utf-8") as file:
            names.update(re.findall(r"START_TEST\((\w+)\)", file.read()))
    return names


def check_patches(faults, source):
    names = test_names(source)
    for fault in faults:
        fault.patch(source, "--dry-run")
        for _, _, test in fault.caught_by:
            if test not in names:
                fail(f"{fault.name}: there is no test {test}")


# ----------------------------------------------------------------------- the trials


class Build:
    def __init__(self, source, meson):
        self.directory = source + "-build"
        self.meson = meson
        self.run("setup", self.directory, source, "-Dtools=disabled", "-Dbench=disabled", "-Ddefault_library=static",
                 environment={}, must=True)

    def run(self, *arguments, environment, must=False):
        result = subprocess.run([*self.meson, *arguments], env=dict(os.environ, **environment), stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True, errors="replace", timeout=TIMEOUT_SECONDS)
        if must and result.returncode != 0:
            sys.exit(f"meson {' '.join(arguments)}: {result.stdout}")
        return result

    def failing_tests(self, program, case):
        """Which tests fail, or None if it cannot even be built; the form is that of an ordinary build."""
        environment = {"H5CKPT_TEST_FORM": "tenth", "CK_VERBOSITY": "normal"}
        if case:
            environment["CK_RUN_CASE"] = case
        result = self.run("test", "-C", self.directory, "--verbose", program, environment=environment)
        failing = set(LIBCHECK_FAILURE.findall(result.stdout))
        if result.returncode != 0 and not failing:
            print(result.stdout)
            return None
        return failing


def check_sound(faults, build):
    """Without a fault nothing fails."""
    for program, case in sorted({run for fault in faults for run in fault.runs()}):
        failing = build.failing_tests(program, case)
        if failing is None or failing:
            fail(f"without any fault {program} {case} fails: {', '.join(sorted(failing or ['it does not build or run']))}")


def try_fault(fault, build, source):
    if not fault.patch(source):
        return
    for program, case in fault.runs():
        failing = build.failing_tests(program, case)
        wanted = {test for p, c, test in fault.caught_by if (p, c) == (program, case)}
        if failing is None:
            fail(f"{fault.name}: {program} cannot be built or run")
        elif not wanted <= failing:
            fail(f"{fault.name}: {', '.join(sorted(wanted - failing))} in {program} did not notice")
        else:
            print(f"{fault.name}: {program}: {len(failing)} tests fail, {', '.join(sorted(wanted))} among them", flush=True)
    fault.patch(source, "--reverse")


def print_table(faults):
    for fault in faults:
        print(f"{fault.promise:8} {fault.sentence}")
        for program, _, test in fault.caught_by:
            print(f"{'':11}{program}: {test}")


def main():
    source, meson = sys.argv[1], sys.argv[2:]
    for tool in "git", "patch":
        if shutil.which(tool) is None:
            print(f"skipped: there is no {tool}")
            return SKIPPED
    faults = [Fault(path) for path in sorted(glob.glob(f"{HERE}/*.patch"))]
    with tempfile.TemporaryDirectory(prefix="h5ckpt-seeded-") as place:
        copy = os.path.join(place, "source")
        copy_tree(source, copy)
        check_patches(faults, copy)
        if form.count(False, False, True) and not failures:
            build = Build(copy, meson)
            check_sound(faults, build)
            for fault in [] if failures else faults:
                try_fault(fault, build, copy)
    print_table(faults)
    print(f"{len(faults)} faults, {'each tried' if form.count(False, False, True) else 'which fit the source'}; {len(failures)} failures")
    return 1 if failures or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
