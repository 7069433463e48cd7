#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The stream goes on within an epoch, bit for bit: stream.py STREAM.

Every line of docs/examples/stream.c tells a digest of all batches up to it. A life that dies after any number of
lines, and the one after it, must have written the lines of the run that nobody disturbed, and nothing else: the second
one goes on at the last save, which here hardly ever is an epoch's beginning.
"""
import signal
import subprocess
import sys
import tempfile

BATCHES = 30  # of an epoch
SAVE_FREQ = 7


def lines_of(*command, status=0):
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    assert result.returncode == status, f"{command}: status {result.returncode}"
    return result.stdout.splitlines()


def main(program):
    whole = lines_of(program)
    within_an_epoch = 0
    for killed_after in (5, 8, 20, 36, 44, 71, 97, 119):
        with tempfile.TemporaryDirectory() as directory:
            backup = directory + "/backup"
            first = lines_of(program, backup, str(killed_after), status=-signal.SIGKILL)
            second = lines_of(program, backup)
        assert first == whole[:killed_after], f"killed after {killed_after}: the first life is another one"
        begun = len(whole) - len(second)
        assert second == whole[begun:], f"killed after {killed_after}: the stream went on as another one"
        assert begun == (killed_after - 1) // SAVE_FREQ * SAVE_FREQ, f"it went on at batch {begun}"
        within_an_epoch += begun % BATCHES != 0
    assert within_an_epoch >= 5
    print(f"{within_an_epoch} of 8 lives went on within an epoch")


main(*sys.argv[1:])
