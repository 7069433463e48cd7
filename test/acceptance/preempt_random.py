#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""preempt_random.py TEXTLM [COUNT [SEED [SAVE_FREQ [BACKGROUND]]]]: SIGTERM at COUNT random moments loses no batch.

A run with --preempt is sent SIGTERM after a random time of at most what a whole run takes, started again, sent another
one, and so on until it finishes. A life that was told to stop must exit with status 75 soon, and say what it saved; the
next one must go on at that very batch; the last line must be the undisturbed run's: the digest of all its variables. A
signal that comes before the handler is there, or after it has gone, ends the life as it ends any program, and loses
nothing either: what was saved before is still there.

SEED, or the environment's H5CKPT_SEED, repeats the times; by default ("-") it is drawn and printed. SAVE_FREQ is textlm's,
by default "never": then nothing but a notice saves. BACKGROUND, too: staged, forked.
"""
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

EPOCHS = 24
BATCHES = 5
LIVES_MAX = 200
LIFE_SECONDS_MAX = 120
STOP_SECONDS_MAX = 10  # a batch and a save take milliseconds; the rest is for a machine with other work
EXIT_PREEMPTED = 75
SIGNAL_AGAIN = 0.6  # of the lives that follow a signal

textlm = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
count = int(sys.argv[2]) if len(sys.argv) > 2 else 10
seed = int(sys.argv[3] if len(sys.argv) > 3 and sys.argv[3] != "-"
           else os.environ.get("H5CKPT_SEED", random.randrange(2**32)))
save_freq = sys.argv[4] if len(sys.argv) > 4 else "never"
background = sys.argv[5] if len(sys.argv) > 5 else None
moments = random.Random(seed)


class Failure(Exception):
    pass


class Life:
    """One life of textlm, sent SIGTERM after so many seconds; None: left alone."""

    def __init__(self, directory, signal_after):
        command = [textlm, "--epochs", str(EPOCHS), "--batches", str(BATCHES), "--save-freq", save_freq]
        if background:
            command += ["--background", background]
        if directory:
            command += ["--preempt", "--keep", "--backup-dir", directory]
        began = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            output, _ = process.communicate(timeout=LIFE_SECONDS_MAX if signal_after is None else signal_after)
        except subprocess.TimeoutExpired:
            if signal_after is None:
                process.kill()
                raise Failure(f"a run took more than {LIFE_SECONDS_MAX} s") from None
            output = self.terminate(process)
        self.seconds = time.monotonic() - began
        self.status = process.returncode
        self.lines = output.splitlines()
        if self.status not in (0, EXIT_PREEMPTED, -signal.SIGTERM):
            raise Failure(f"a life ended with status {self.status}:\n{output}")
        self.check_ends()

    def terminate(self, process):
        process.send_signal(signal.SIGTERM)
        try:
            return process.communicate(timeout=STOP_SECONDS_MAX)[0]
        except subprocess.TimeoutExpired:
            process.kill()
            raise Failure(f"{STOP_SECONDS_MAX} s after SIGTERM it is still there:\n{process.communicate()[0]}") from None

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
        life = Life(directory, moments.uniform(0, whole_seconds) if disturb else None)
        statistics["lives"] += 1
        if life.lines and (life.resumed() < place or (save_freq == "never" and life.resumed() != place)):
            raise Failure(f"it was saved at {place}, and went on at {life.resumed()}")
        place = life.saved() or place
        statistics["stops"] += life.status == EXIT_PREEMPTED
        statistics["ends by the signal itself"] += life.status == -signal.SIGTERM
        if life.status == 0:
            break
    if life.lines[-1] != expected:
        raise Failure(f"the run ended in '{life.lines[-1]}', the undisturbed one in '{expected}'")
    statistics["runs"] += 1


def main():
    statistics = dict.fromkeys(("runs", "lives", "stops", "ends by the signal itself"), 0)
    print(f"preempt_random.py: seed {seed}", flush=True)
    expected = Life(None, None).lines[-1]
    with tempfile.TemporaryDirectory(prefix="h5ckpt-preempt-") as work:
        whole = Life(os.path.join(work, "whole"), None)
        if whole.lines[-1] != expected:
            raise Failure(f"with checkpoints and undisturbed it ended in '{whole.lines[-1]}', without in '{expected}'")
        print(f"a whole run: {whole.seconds:.3f} s, {expected}", flush=True)
        number = 0
        while statistics["stops"] < count:
            disturbed_run(os.path.join(work, f"run-{number}"), whole.seconds, expected, statistics)
            number += 1
            if number > 20 * count + 20:
                raise Failure(f"{number} runs, and only {statistics['stops']} stops")
    print(", ".join(f"{number} {what}" for what, number in statistics.items()))
    print(f"every run ended in the undisturbed digest: {expected}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"preempt_random.py: FAILED with seed {seed}: {failure}")
