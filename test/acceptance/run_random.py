#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run_random.py H5CKPT TEXTLM [COUNT [SEED [SAVE_FREQ [BACKGROUND]]]]: `h5ckpt run' brings textlm through COUNT random SIGKILLs and a
quarter as many flipped bits to the undisturbed end, and nobody helps.

textlm is killed at random moments. At others it is stopped, one random bit of its newest state is flipped, and it is
killed, or goes on until it has saved again: then one state is damaged at a time, as a checkpoint of two can survive.
(So a bit is flipped only while both are intact and no save is in progress: its target and the other state damaged at
once are one too many.) Every life that follows is `h5ckpt run's doing. Its exit status must be 0, textlm's last lines
the undisturbed run's, and a damaged state must be spoken of by the life that finds it.

SEED, or the environment's H5CKPT_SEED, repeats the choices; SAVE_FREQ and BACKGROUND are textlm's.
"""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time

import form
from lives import LIFE_SECONDS_MAX, Failure, Setting, without_leak_search

EPOCHS = 120
KILLS_A_FLIP = 4
UNUSED_BYTES = 512, 4096  # of a slot: nobody reads them (docs/format.md 2.4)
LIFE_SHARE = 0.1          # of a whole run, that a life is let live at most: it is killed many times before it ends

if len(sys.argv) < 3:
    sys.exit(__doc__)
h5ckpt = os.path.abspath(sys.argv[1])
setting = Setting(sys.argv[2:], __doc__, form.count(4, 12, 100), "epoch", EPOCHS, lambda save_freq: 2 if save_freq == "epoch" else 5)
moments = setting.moments
WANTED = {"kills": setting.count, "flips": setting.count // KILLS_A_FLIP}


def look(command, directory):
    result = subprocess.run([h5ckpt, command, "--json", directory], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(result.stdout)


def newest_sequence(directory):
    return max((slot["sequence"] or 0 for slot in look("info", directory)["slots"]), default=0)


def is_at_rest(directory):
    """No save is on its way: a child of a program that is stopped would go on with it (docs/format.md 3, activity)."""
    try:
        with open(os.path.join(directory, "lock"), "rb") as lock:
            lock.seek(512)
            return lock.read(4) == bytes(4)
    except FileNotFoundError:
        return False


def acknowledged_sequence(directory):
    """The newest state's, if it was reported as saved; else None: that save was in progress."""
    result = subprocess.run([h5ckpt, "watch", "--once", "--json", directory], stdout=subprocess.PIPE)
    seen = json.loads(result.stdout)
    return seen["sequence"] if seen["save_seconds"] is not None else None


class Run:
    """textlm under `h5ckpt run'."""

    def __init__(self, directory):
        self.directory = directory
        # Lives that are killed before their first save may follow each other: that is what is asked for here.
        command = [h5ckpt, "run", "--backoff=0.01", "--max-idle=1000", directory, "--", *setting.command(directory)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        env=without_leak_search())
        self.give_up = threading.Timer(LIFE_SECONDS_MAX, self.process.kill)
        self.give_up.start()
        self.lines = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def program(self):
        """The process of the life that goes on now; None: there is none at the moment, or it is about to be executed."""
        try:
            with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children") as children:
                process = int(children.read().split()[0])
            return process if os.path.samefile(f"/proc/{process}/exe", setting.textlm) else None
        except (OSError, IndexError):
            return None

    def is_over(self):
        return self.process.poll() is not None

    def next_program(self, before):
        while not self.is_over():
            process = self.program()
            if process not in (None, before):
                return process
        return None

    def send(self, process, number):
        """Is it, and will it be, there to get it? It is nobody else: its parent takes its end only if it is a child still."""
        if self.program() != process:
            return False
        try:
            os.kill(process, number)
        except ProcessLookupError:
            return False
        return True

    def end(self):
        self.process.wait()
        self.reader.join()
        self.give_up.cancel()
        return self.lines


def flip_bit(path):
    """Anywhere in a slot that is read at all."""
    size = os.stat(path).st_size
    offset = moments.randrange(size - UNUSED_BYTES[1] + UNUSED_BYTES[0])
    if offset >= UNUSED_BYTES[0]:
        offset += UNUSED_BYTES[1] - UNUSED_BYTES[0]
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << moments.randrange(8)]))


def await_stop(process):
    """False: it has ended before it could be stopped."""
    while True:
        try:
            with open(f"/proc/{process}/stat") as stat:
                state = stat.read().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        if state in "TZ":
            return state == "T"


def try_flip(run):
    """Damage the newest state of a program that is stopped. Its sequence; None: it was saving, or there are not two."""
    if not is_at_rest(run.directory):
        return None
    slots = look("verify", run.directory)["slots"]
    if [slot["state"] for slot in slots] != ["intact", "intact"]:
        return None
    newest = max(slots, key=lambda slot: slot["sequence"])
    if newest["sequence"] != acknowledged_sequence(run.directory):
        return None
    flip_bit(os.path.join(run.directory, newest["name"]))
    return newest["sequence"]


def await_save(run, process, sequence):
    while run.program() == process and newest_sequence(run.directory) <= sequence:
        pass


def disturb(run, process, flip, statistics):
    """Kill it, or damage its newest state first. True: it was killed."""
    if not flip:
        return run.send(process, signal.SIGKILL)
    if not run.send(process, signal.SIGSTOP) or not await_stop(process):
        return False
    flipped = try_flip(run)
    statistics["flips"] += flipped is not None
    if flipped is not None and moments.random() < 0.5:
        statistics["flips found by the next life"] += 1
        return run.send(process, signal.SIGKILL)
    run.send(process, signal.SIGCONT)
    if flipped is not None:
        await_save(run, process, flipped)
    return False


def check(run, lines, expected, statistics):
    if run.process.returncode != 0 or not set(expected) <= set(lines):
        raise Failure(f"it ended with status {run.process.returncode}, not in {expected}:\n" + "\n".join(lines[-40:]))
    statistics["lives"] += sum(bool(re.match(r"h5ckpt: life \d+ begins", line)) for line in lines)
    statistics["falls back"] += sum(bool(re.match(r"fell back|a newer state may have been lost", line)) for line in lines)


def disturbed_run(directory, whole_seconds, expected, statistics):
    run = Run(directory)
    killed = None
    try:
        while any(statistics[what] < count for what, count in WANTED.items()):
            process = run.next_program(killed)
            if process is None:
                break
            time.sleep(moments.uniform(0, LIFE_SHARE * whole_seconds))
            flip = statistics["flips"] < (statistics["kills"] + 1) // KILLS_A_FLIP
            killed = process if disturb(run, process, flip, statistics) else None
            statistics["kills"] += killed is not None
        lines = run.end()
    except BaseException:
        run.process.kill()
        run.end()
        raise
    check(run, lines, expected, statistics)


def test():
    statistics = dict.fromkeys(("runs", "lives", "kills", "flips", "flips found by the next life", "falls back"), 0)
    with tempfile.TemporaryDirectory(prefix="h5ckpt-run-") as work:
        expected, whole_seconds = setting.undisturbed(os.path.join(work, "whole"))
        setting.repeat(lambda directory: disturbed_run(directory, whole_seconds, expected, statistics), statistics, WANTED,
                       work)
    if statistics["falls back"] < statistics["flips found by the next life"]:
        raise Failure(f"a damaged state was not spoken of: {statistics}")
    return expected


setting.main(test)
