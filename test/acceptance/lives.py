# SPDX-License-Identifier: MIT
"""What the tests that disturb textlm at random moments share: its command line, a life of it, the run that nobody disturbs, and
repeating until enough has happened.

Which moments are tried depends on the clock; what must come of them does not.
"""
import collections
import os
import random
import re
import subprocess
import sys
import time

LIFE_SECONDS_MAX = 120

Life = collections.namedtuple("Life", "lines status seconds")


class Failure(Exception):
    pass


class Setting:
    """What a test's arguments say: TEXTLM [COUNT [SEED [SAVE_FREQ [BACKGROUND]]]].

    COUNT "-" is as many as the form (form.py) says. SEED, or the environment's H5CKPT_SEED, repeats the times; by
    default ("-") it is drawn. SAVE_FREQ and BACKGROUND are textlm's.
    """

    def __init__(self, arguments, documentation, count, save_freq, epochs, batches):
        if not arguments:
            sys.exit(documentation)
        given = dict(enumerate(arguments))
        self.name = os.path.basename(sys.argv[0])
        self.textlm = os.path.abspath(given[0])
        self.count = int(given[1]) if given.get(1, "-") != "-" else count
        self.seed = int(given[2] if given.get(2, "-") != "-" else os.environ.get("H5CKPT_SEED", random.randrange(2**32)))
        self.save_freq = given.get(3, save_freq)
        self.background = given.get(4)
        self.epochs = epochs
        self.batches = batches(self.save_freq)
        self.moments = random.Random(self.seed)

    def command(self, directory, *options):
        command = [self.textlm, "--epochs", str(self.epochs), "--batches", str(self.batches), "--save-freq", self.save_freq]
        if self.background:
            command += ["--background", self.background]
        if directory:
            command += [*options, "--keep", "--backup-dir", directory]
        return command

    def undisturbed(self, directory, *options):
        """The last two lines of every run, the digests of its history and of all its variables, and what a whole one takes."""
        digest = live(self.command(None)).lines[-1]
        if not re.match(r"state [0-9a-f]{16}$", digest):
            raise Failure(f"the undisturbed run ended in '{digest}'")
        whole = live(self.command(directory, *options))
        if whole.lines[-1] != digest:
            raise Failure(f"with checkpoints and undisturbed it ended in '{whole.lines[-1]}', without in '{digest}'")
        expected = whole.lines[-2:]
        if not re.match(rf"history [0-9a-f]{{16}}, {self.epochs * self.batches} rows$", expected[0]):
            raise Failure(f"the undisturbed run's history: '{expected[0]}'")
        print(f"a whole run: {whole.seconds:.3f} s, {expected}", flush=True)
        return expected, whole.seconds

    def repeat(self, disturbed_run, statistics, wanted, work):
        """Runs until so much has happened: a timer that comes too late disturbs nothing, and does not count."""
        number = 0
        while any(statistics[what] < count for what, count in wanted.items()):
            disturbed_run(os.path.join(work, f"run-{number}"))
            statistics["runs"] += 1
            number += 1
            if number > 20 * self.count + 20:
                raise Failure(f"{number} runs, and only {statistics}, not {wanted}")
        print(", ".join(f"{number} {what}" for what, number in statistics.items()))

    def main(self, test):
        print(f"{self.name}: seed {self.seed}", flush=True)
        try:
            expected = test()
        except Failure as failure:
            sys.exit(f"{self.name}: FAILED with seed {self.seed}: {failure}")
        print(f"every run ended in the undisturbed digests: {expected}")


def give_up(process):
    process.kill()
    process.communicate()
    raise Failure(f"a run took more than {LIFE_SECONDS_MAX} s")


def live(command, after=LIFE_SECONDS_MAX, disturb=give_up, environment=None):
    """One life, disturbed after so many seconds if it is still there; `disturb` gives all that it said."""
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    try:
        output, _ = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        output = disturb(process)
    return Life(output.splitlines(), process.returncode, time.monotonic() - began)


def without_leak_search():
    """The sanitizer's search for leaks stops a process's threads at its end; one that is killed meanwhile is spoken of."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {**os.environ, "ASAN_OPTIONS": f"{options}:detect_leaks=0".lstrip(":")}
