#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""preempt_random.py TEXTLM [COUNT [SEED [SAVE_FREQ [BACKGROUND]]]]: SIGTERM at COUNT random moments loses no batch.

A run with --preempt is sent SIGTERM after a random time of at most what a whole run takes, started again, sent another
one, and so on until it finishes. A life that was told to stop must exit with status 75 soon, and say what it saved; the
next one must go on at that very batch; the last two lines must be the undisturbed run's: the digests of its history and
of all its variables. A signal that comes before the handler is there, or after it has gone, ends the life as it ends
any program, and loses nothing either: what was saved before is still there.

SEED, or the environment's H5CKPT_SEED, repeats the times; by default ("-") it is drawn and printed. SAVE_FREQ is
textlm's, by default "never": then nothing but a notice saves. BACKGROUND, too: staged, forked.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile

import form
from lives import Failure, Setting, live

EPOCHS = 24
BATCHES = 5
LIVES_MAX = 200
STOP_SECONDS_MAX = 10  # a batch and a save take milliseconds; the rest is for a machine with other work
EXIT_PREEMPTED = 75
SIGNAL_AGAIN = 0.6  # of the lives that follow a signal

setting = Setting(sys.argv[1:], __doc__, form.count(2, 10, 100), "never", EPOCHS, lambda save_freq: BATCHES)
save_freq, moments = setting.save_freq, setting.moments


def terminate(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.communicate(timeout=STOP_SECONDS_MAX)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise Failure(f"{STOP_SECONDS_MAX} s after SIGTERM it is still there:\n{process.communicate()[0]}") from None


class PreemptedLife:
    """One life of textlm, sent SIGTERM after so many seconds; None: left alone."""

    def __init__(self, directory, signal_after):
        command = setting.command(directory, "--preempt")
        life = live(command) if signal_after is None else live(command, signal_after, terminate)
        self.lines, self.status = life.lines, life.status
        if self.status not in (0, EXIT_PREEMPTED, -signal.SIGTERM):
            raise Failure(f"a life ended with status {self.status}:\n" + "\n".join(self.lines))
        self.check_ends()

    def check_ends(self):
        finished = bool(self.lines) and self.lines[-1].startswith("state ")
        if (self.status == 0) and not finished:
            raise Failure(f"it ended with status 0 and '{self.lines[-1:]}'")
        if (self.status == EXIT_PREEMPTED) != (self.saved() is not None):
            raise Failure(f"status {self.status}, but it said: {self.lines}")

    def saved(self):
        """Where the last save is said to be; None: it was not told to stop."""
        for line in self.lines:
            match = re.match(r"textlm: SIGTERM .*; epoch (\d+), batch (\d+) is saved in", line)
            if match:
                return int(match[1]), int(match[2])
        return None

    def resumed(self):
        for line in self.lines:
            match = re.match(r"resumed at epoch (\d+)(?: batch (\d+))? from", line)
            if match:
                return int(match[1]), int(match[2] or 0)
        return 0, 0


def disturbed_run(directory, whole_seconds, expected, statistics):
    place = (0, 0)
    for number in range(LIVES_MAX):
        disturb = number == 0 or (moments.random() < SIGNAL_AGAIN and number < LIVES_MAX - 1)
        life = PreemptedLife(directory, moments.uniform(0, whole_seconds) if disturb else None)
        statistics["lives"] += 1
        if life.lines and (life.resumed() < place or (save_freq == "never" and life.resumed() != place)):
            raise Failure(f"it was saved at {place}, and went on at {life.resumed()}")
        place = life.saved() or place
        statistics["stops"] += life.status == EXIT_PREEMPTED
        statistics["ends by the signal itself"] += life.status == -signal.SIGTERM
        if life.status == 0:
            break
    if life.lines[-2:] != expected:
        raise Failure(f"the run ended in {life.lines[-2:]}, the undisturbed one in {expected}")


def test():
    statistics = dict.fromkeys(("runs", "lives", "stops", "ends by the signal itself"), 0)
    with tempfile.TemporaryDirectory(prefix="h5ckpt-preempt-") as work:
        expected, whole_seconds = setting.undisturbed(os.path.join(work, "whole"), "--preempt")
        setting.repeat(lambda directory: disturbed_run(directory, whole_seconds, expected, statistics), statistics,
                       {"stops": setting.count}, work)
    return expected


setting.main(test)
