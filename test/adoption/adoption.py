#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program that adopted h5ckpt loses nothing when it is killed: adoption.py PROGRAM [COUNT [SEED]].

PROGRAM [DIR] computes, a line on its standard output for every step of its work; its last line begins with "end" and
tells a digest of its result. With DIR it keeps a checkpoint there and goes on from what it finds.

COUNT runs, each killed after a random number of lines, at most half of all, again and again until one life gets to the
end, must all end in the line of the run that nobody disturbed. A program that began anew would never get there.
"""
import random
import subprocess
import sys
import tempfile

import form

LIVES_MAX = 1000


def undisturbed(program):
    lines = subprocess.run([program], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    assert lines[-1].startswith("end "), f"{program}: the last line is {lines[-1]!r}"
    return lines


def live(program, directory, lines_max):
    """The lines of one life, which is killed once it has written `lines_max`; and whether it got to the end."""
    process = subprocess.Popen([program, directory], stdout=subprocess.PIPE, text=True)
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip("\n"))
        if len(lines) == lines_max:
            process.kill()
            break
    lines += process.stdout.read().splitlines()  # what was on its way
    process.stdout.close()
    status = process.wait()
    ended = bool(lines) and lines[-1].startswith("end ")
    assert status == -9 or (status == 0 and ended), f"{program}: status {status}, last lines {lines[-3:]}"
    return lines, ended


def run(program, choose, line_count):
    """The last line, and the number of lives."""
    with tempfile.TemporaryDirectory() as directory:
        for lives in range(1, LIVES_MAX):
            lines, ended = live(program, directory + "/backup", choose.randint(1, line_count // 2))
            if ended:
                return lines[-1], lives
    raise AssertionError(f"{program}: no end after {LIVES_MAX} lives")


def main(program, count=form.count(1, 2, 20), seed=None):
    seed = int(seed) if seed is not None else random.randrange(1 << 32)
    choose = random.Random(seed)
    expected = undisturbed(program)
    lives_in_all = 0
    for number in range(int(count)):
        end, lives = run(program, choose, len(expected))
        assert end == expected[-1], f"seed {seed}, run {number}: {end!r}, not {expected[-1]!r}"
        lives_in_all += lives
    print(f"{count} runs, {lives_in_all} lives, all ended in '{expected[-1]}' (seed {seed})")


main(*sys.argv[1:])
