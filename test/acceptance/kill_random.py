#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill_random.py TEXTLM [COUNT [SEED [SAVE_FREQ [BACKGROUND]]]]: kill -9 at COUNT random moments; every run ends as if nothing had happened.

A run is killed after a random time of at most what a whole run takes, started again, perhaps killed again (in two lives
of five), and so on until it finishes. Its last two lines must be the undisturbed run's: the digests of its history and
of all its variables. In between, each life must go on where a save that was reported had left off, or later, and must
not speak of damage: a kill damages nothing. Which moments are tried depends on the clock; what must come of them does
not.

SEED, or the environment's H5CKPT_SEED, repeats the times; by default ("-") it is drawn and printed. SAVE_FREQ is
textlm's: "epoch", or every so many batches. BACKGROUND, too: staged, fenced, forked; then the last save that was
reported may have been in flight, the one before was not.
"""
import os
import re
import sys
import tempfile
import time

import form
from lives import Failure, Setting, live, without_leak_search

EPOCHS = 24
KILL_AGAIN = 0.4  # of the lives that follow a kill
LIVES_MAX = 50
ALONE_SECONDS_MAX = 10

# Short epochs: about every other moment lies in a save.
setting = Setting(sys.argv[1:], __doc__, form.count(6, 60, 2000), "epoch", EPOCHS, lambda save_freq: 2 if save_freq == "epoch" else 5)
save_freq, background, batches, moments = setting.save_freq, setting.background, setting.batches, setting.moments


def kill(process):
    process.kill()
    return process.communicate()[0]


def live_once(directory, kill_after):
    """None: it has met the one before, whose child has not yet noticed that it is alone."""
    command = setting.command(directory)
    life = live(command) if kill_after is None else live(command, kill_after, kill, without_leak_search())
    output = "\n".join(life.lines)
    if background == "forked" and life.status == 1 and "has a writer already" in output:
        return None
    if life.status not in (0, -9):
        raise Failure(f"a life ended with status {life.status}:\n{output}")
    return life


def live_alone(directory, kill_after):
    """A life that does not meet the one before."""
    give_up = time.monotonic() + ALONE_SECONDS_MAX
    while not (life := live_once(directory, kill_after)):
        if time.monotonic() > give_up:
            raise Failure(f"after {ALONE_SECONDS_MAX} s there is still a writer, though its parent was killed")
        time.sleep(0.01)
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
        kill_it = number == 0 or (moments.random() < KILL_AGAIN and not last_chance)
        life = live_alone(directory, moments.uniform(0, whole_seconds) if kill_it else None)
        killed = life.status == -9
        statistics["lives"] += 1
        statistics["kills"] += killed
        statistics["kills of a resumed life"] += killed and number > 0
        statistics["kills before the first save was reported"] += killed and saved_epochs == 0 and not life.lines
        saved_epochs = check_life(life.lines, saved_epochs, number == 0)
        if not killed:
            break
    if life.lines[-2:] != expected:
        raise Failure(f"the run ended in {life.lines[-2:]}, the undisturbed one in {expected}")


def test():
    statistics = dict.fromkeys(
        ("runs", "lives", "kills", "kills of a resumed life", "kills before the first save was reported"), 0)
    with tempfile.TemporaryDirectory(prefix="h5ckpt-kill-") as work:
        expected, whole_seconds = setting.undisturbed(os.path.join(work, "whole"))
        setting.repeat(lambda directory: disturbed_run(directory, whole_seconds, expected, statistics), statistics,
                       {"kills": setting.count}, work)
    return expected


setting.main(test)
