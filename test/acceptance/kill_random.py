#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill_random.py TEXTLM [COUNT [SEED [SAVE_FREQ [BACKGROUND]]]]: kill -9 at COUNT random moments; every run ends as if nothing had happened.

A run is killed after a random time of at most what a whole run takes, started again, perhaps killed again (in two lives
of five), and so on until it finishes. Its last two lines must be the undisturbed run's: the digests of its history and of all its variables. In
between, each life must go on where a save that was reported had left off, or later, and must not speak of damage: a
kill damages nothing. Which moments are tried depends on the clock; what must come of them does not.

SEED, or the environment's H5CKPT_SEED, repeats the times; by default ("-") it is drawn and printed. SAVE_FREQ is textlm's:
"epoch", or every so many batches. BACKGROUND, too: staged, fenced, forked; then the last save that was reported may have
been in flight, the one before was not.
"""
import os
import random
import re
import subprocess
import sys
import tempfile
import time

EPOCHS = 24
KILL_AGAIN = 0.4  # of the lives that follow a kill
LIVES_MAX = 50
LIFE_SECONDS_MAX = 120
ALONE_SECONDS_MAX = 10

textlm = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else sys.exit(__doc__)
count = int(sys.argv[2]) if len(sys.argv) > 2 else 20
seed = int(sys.argv[3] if len(sys.argv) > 3 and sys.argv[3] != "-"
           else os.environ.get("H5CKPT_SEED", random.randrange(2**32)))
save_freq = sys.argv[4] if len(sys.argv) > 4 else "epoch"
background = sys.argv[5] if len(sys.argv) > 5 else None
batches = 2 if save_freq == "epoch" else 5  # short epochs: about every other moment lies in a save
moments = random.Random(seed)


class Failure(Exception):
    pass


def without_leak_search():
    """The sanitizer's search for leaks stops a process's threads at its end; one that is killed meanwhile is spoken of."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {**os.environ, "ASAN_OPTIONS": f"{options}:detect_leaks=0".lstrip(":")}


def live(directory, kill_after=None):
    """One life of textlm: its lines, whether it was killed, and its duration."""
    command = [textlm, "--epochs", str(EPOCHS), "--batches", str(batches), "--save-freq", save_freq, "--keep"]
    if background:
        command += ["--background", background]
    if directory:
        command += ["--backup-dir", directory]
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               env=os.environ if kill_after is None else without_leak_search())
    try:
        output, _ = process.communicate(timeout=LIFE_SECONDS_MAX if kill_after is None else kill_after)
    except subprocess.TimeoutExpired:
        if kill_after is None:
            process.kill()
            process.wait()
            raise Failure(f"a run took more than {LIFE_SECONDS_MAX} s") from None
        process.kill()  # SIGKILL
        output, _ = process.communicate()
    seconds = time.monotonic() - began
    if background == "forked" and process.returncode == 1 and "has a writer already" in output:
        return None, False, seconds  # the child of the life before has not yet noticed that it is alone
    if process.returncode not in (0, -9):
        raise Failure(f"a life ended with status {process.returncode}:\n{output}")
    return output.splitlines(), process.returncode == -9, seconds


def live_alone(directory, kill_after):
    """A life that does not meet the one before."""
    give_up = time.monotonic() + ALONE_SECONDS_MAX
    life = live(directory, kill_after)
    while life[0] is None:
        if time.monotonic() > give_up:
            raise Failure(f"after {ALONE_SECONDS_MAX} s there is still a writer, though its parent was killed")
        time.sleep(0.01)
        life = live(directory, kill_after)
    return life


def numbers(pattern, lines):
    return [int(match[1]) for match in (re.match(pattern, line) for line in lines) if match]


def surely_saved(finished_epochs):
    """At which epoch it goes on at the earliest, once so many are reported as finished."""
    in_flight = 1 if background else 0
    if save_freq == "epoch":
        return max(0, finished_epochs - in_flight)
    saved_batches = (finished_epochs * batches // int(save_freq) - in_flight) * int(save_freq)
    return max(0, saved_batches - 1) // batches  # a save in an epoch's last batch precedes the epoch's end


def check_life(lines, saved_epochs, first):
    """This life went on where the last reported save was, or later. Gives how many epochs are now reported as saved."""
    resumed = numbers(r"resumed at epoch (\d+)(?: batch \d+)? from slot-[abc]\.h5$", lines)
    epochs = numbers(r"epoch (\d+) loss ", lines)
    strange = [line for line in lines if not re.match(r"(resumed at epoch|epoch|history|state) ", line)]
    if strange:
        raise Failure("a kill is no damage, but it said:\n" + "\n".join(strange))
    started = bool(resumed or epochs)  # else it was killed before it could say anything
    at = resumed[0] if resumed else 0
    if started and at < saved_epochs:
        raise Failure(f"{saved_epochs} epochs were reported as saved, and it went on at epoch {at}")
    if first and at != 0:
        raise Failure(f"the first life began at epoch {at}")
    if epochs and epochs != list(range(at, at + len(epochs))):
        raise Failure(f"resumed at epoch {at}, but trained epochs {epochs}")
    return max(saved_epochs, surely_saved(epochs[-1] + 1) if epochs else 0)


def disturbed_run(directory, whole_seconds, expected, statistics):
    saved_epochs = 0
    for number in range(LIVES_MAX):
        last_chance = number == LIVES_MAX - 1
        kill = number == 0 or (moments.random() < KILL_AGAIN and not last_chance)
        kill_after = moments.uniform(0, whole_seconds) if kill else None
        lines, killed, _ = live_alone(directory, kill_after)
        statistics["lives"] += 1
        statistics["kills"] += killed
        statistics["kills of a resumed life"] += killed and number > 0
        statistics["kills before the first save was reported"] += killed and saved_epochs == 0 and not lines
        saved_epochs = check_life(lines, saved_epochs, number == 0)
        if not killed:
            break
    if lines[-2:] != expected:
        raise Failure(f"the run ended in {lines[-2:]}, the undisturbed one in {expected}")
    statistics["runs"] += 1


def main():
    statistics = dict.fromkeys(
        ("runs", "lives", "kills", "kills of a resumed life", "kills before the first save was reported"), 0)
    print(f"kill_random.py: seed {seed}", flush=True)
    undisturbed, _, _ = live(None)
    digest = undisturbed[-1]
    if not re.match(r"state [0-9a-f]{16}$", digest):
        raise Failure(f"the undisturbed run ended in '{digest}'")
    with tempfile.TemporaryDirectory(prefix="h5ckpt-kill-") as work:
        saved, _, whole_seconds = live(os.path.join(work, "whole"))
        if saved[-1] != digest:
            raise Failure(f"with checkpoints and undisturbed it ended in '{saved[-1]}', without in '{digest}'")
        expected = saved[-2:]
        if not re.match(rf"history [0-9a-f]{{16}}, {EPOCHS * batches} rows$", expected[0]):
            raise Failure(f"the undisturbed run's history: '{expected[0]}'")
        print(f"a whole run: {whole_seconds:.3f} s, {expected}", flush=True)
        number = 0
        while statistics["kills"] < count:  # a timer that comes too late kills nothing: that does not count
            disturbed_run(os.path.join(work, f"run-{number}"), whole_seconds, expected, statistics)
            number += 1
            if number > 20 * count + 20:
                raise Failure(f"{number} runs, and only {statistics['kills']} kills")
    print(", ".join(f"{number} {what}" for what, number in statistics.items()))
    print(f"every run ended in the undisturbed digests: {expected}")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"kill_random.py: FAILED with seed {seed}: {failure}")
