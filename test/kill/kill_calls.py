#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""kill_calls.py VICTIM: kill -9 at every system call by which a life of VICTIM touches the backup directory.

strace counts the calls of each life that victim.c knows (open, restore, save, keep, roll back, another number of slots,
a schema change, removal of a milestone, deletion …), in each save mode and for a small state and one of many blocks.
Then the life is led again for every single one of them, from the same beginning, and killed where that call would
begin. What its last lines promised is what the life after it must find: the state that was acknowledged last or one
whose save had begun, bit for bit; as many intact states as P1 says; no damage, no leftovers, the milestone; and its next
save works.

strace counts each thread's calls by themselves, and a save in the background has a thread of its own; so the calls on
each file are counted apart, and the N-th of a kind on a file kills in whichever thread gets there first. In a forked
save that may be the child alone: then the save must fail and the life go on.

In the short form every so many calls. Exit status 77 (skipped) where strace is missing or may not trace.
"""
import collections
import os
import re
import shutil
import subprocess
import sys
import tempfile

import form

SECONDS_MAX = 60
NAMES = [name + new for name in ("lock", "slot-a.h5", "slot-b.h5", "slot-c.h5", "checkpoint.h5") for new in ("", ".new")]
NAMES += ["milestone-best.h5", "milestone.h5.new"]

# Each with the lives that lead to where it begins.
LIVES = {
    "fresh": (),
    "reserve": (),
    "on": ("fresh",),
    "keep": ("fresh",),
    "slots": ("fresh",),
    "read": ("fresh", "keep"),
    "roll-back": ("fresh", "keep"),
    "forget": ("fresh", "keep"),
    "delete": ("fresh", "keep"),
    "schema": ("fresh", "keep"),
}
SMALL, MANY_BLOCKS = "12000", "75000"  # elements of 4 bytes; of a small state the whole file is written at once
SETTINGS = [("synchronous", SMALL), ("staged", SMALL)]
SETTINGS += [(mode, MANY_BLOCKS) for mode in ("synchronous", "staged", "fenced", "forked")]
SETTINGS = form.count(SETTINGS[1::4], [SETTINGS[i] for i in (1, 2, 5)], SETTINGS)

# A kill before a call that only looks leaves what one before the next change leaves: in the short forms fewer of those.
CHANGES = ("fallocate", "fdatasync", "fsync", "ftruncate", "linkat", "mkdir", "pwrite64", "renameat", "rmdir", "unlinkat")
STRIDE_OF_CHANGES, STRIDE_OF_LOOKS = form.count(60, 16, 1), form.count(600, 500, 1)

Promise = collections.namedtuple("Promise", "states milestones slots intact")  # how many states are intact at least
NOTHING = Promise({0}, {0}, 0, 0)


class Failure(Exception):
    pass


def without_leak_search():
    """The sanitizer's search for leaks is itself a tracer."""
    options = os.environ.get("ASAN_OPTIONS", "")
    return {**os.environ, "ASAN_OPTIONS": f"{options}:detect_leaks=0".lstrip(":")}


class Victim:
    def __init__(self, program, mode, weights, directory):
        self.program, self.mode, self.weights, self.directory = program, mode, weights, directory

    def live(self, life, *tracer):
        command = [*tracer, self.program, self.directory, life, self.mode, self.weights]
        process = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, env=without_leak_search())
        return process.returncode, process.stdout, process.stderr

    def must_live(self, life, *tracer):
        status, said, complaint = self.live(life, *tracer)
        if status != 0:
            raise Failure(f"life '{life}' ended with status {status}:\n{said}{complaint}")
        return said

    def strace(self, log, *paths):
        return ["strace", "-f", "-qq", "-y", "-o", log] + [argument for path in paths for argument in ("-P", path)]

    def paths(self):
        return [self.directory] + [os.path.join(self.directory, name) for name in NAMES]


def begun(intact, slots):
    """Of so many intact states, one is being replaced where there are as many as slots, but for the last."""
    kept = min(intact, slots)
    return kept - 1 if kept == slots and kept > 1 else kept


def promise_after(before, word, number):
    """What one line leaves possible."""
    slots, intact = before.slots, before.intact
    possible = {number} if word.endswith("must") else {number} | (before.milestones if "best" in word else before.states)
    if word == "slots":
        return before._replace(slots=number)
    if "best" in word:
        return before._replace(milestones=possible)
    if number == 0:
        return before._replace(states=possible, intact=0)
    return before._replace(states=possible, intact=begun(intact, slots) if word == "may" else min(intact + 1, slots))


def promise_of(said, before):
    """What a life's lines leave possible, after what was so before it."""
    for word, number in re.findall(r"^(slots|(?:best )?(?:may|must)) (\d+)$", said, re.MULTILINE):
        before = promise_after(before, word, int(number))
    return before


def check(victim, promise):
    """The life after: it finds what was promised."""
    said = victim.must_live("check").replace("\n", " ")
    match = re.search(r"(H5CKPT_\w+) (\d+) intact (\d) leftovers (\d) .* then intact (\d) best (\d+)", said)
    if not match:
        raise Failure(f"the life after it said '{said}'")
    status, restored, intact, leftovers, intact_then, best = match[1], *(int(text) for text in match.groups()[1:])
    expected = "H5CKPT_OK" if restored else "H5CKPT_NO_CHECKPOINT"
    if status != expected or restored not in promise.states:
        raise Failure(f"a restore gave {status}, state {restored}; possible were {sorted(promise.states)}")
    if intact < promise.intact:
        raise Failure(f"{intact} states were intact, not {promise.intact}")
    if leftovers:
        raise Failure("the next writer left files that were being filled")
    if intact_then < (2 if restored else 1):
        raise Failure(f"only {intact_then} states after the next save")
    if best not in promise.milestones:
        raise Failure(f"the milestone is state {best}; possible were {sorted(promise.milestones)}")


def begin(victim, lives, work):
    """A directory as these lives leave it, and what is promised of it."""
    image = os.path.join(work, "-".join(["image", victim.mode, victim.weights, *lives]))
    clear(victim)
    promise = NOTHING
    for life in lives:
        promise = promise_of(victim.must_live(life), promise)
    if os.path.isdir(victim.directory):
        subprocess.run(["cp", "-a", victim.directory, image], check=True)  # hard links stay
    return image, promise


def clear(victim):
    shutil.rmtree(victim.directory, ignore_errors=True)


def put_back(victim, image):
    clear(victim)
    if os.path.isdir(image):
        subprocess.run(["cp", "-a", image, victim.directory], check=True)


def path_of(line, paths):
    """Which of these a call is about: by a descriptor, or by name."""
    return next((path for path in re.findall(r'<(/[^>]*)>|"(/[^"]*)"', line) for path in path if path in paths), None)


def calls_of(log, paths):
    """Of every kind of call on each path, how many a single thread makes."""
    counts = collections.Counter()
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = re.match(r"(\d+) +(\w+)\(", line)
            if match and (path := path_of(line, paths)):
                counts[match[1], path, match[2]] += 1
    most = collections.Counter()
    for (_, path, call), count in counts.items():
        most[path, call] = max(most[path, call], count)
    return sorted(most.items())


def killed_threads(log):
    with open(log, encoding="utf-8", errors="replace") as lines:
        return {line.split()[0] for line in lines if "+++ killed by SIGKILL" in line}


def kill_life(victim, life, case, start, statistics, work):
    image, before = start
    path, call, number = case
    log = os.path.join(work, "trace")
    put_back(victim, image)
    inject = f"inject={call}:signal=KILL:when={number}"
    status, said, complaint = victim.live(life, *victim.strace(log, path), "-e", inject)
    if status not in (0, -9):
        raise Failure(f"it ended with status {status}:\n{said}{complaint}")
    statistics["cases"] += 1
    if status == -9:
        statistics["killed"] += 1
    elif killed_threads(log):
        statistics["children killed"] += 1
    else:
        statistics["not reached"] += 1  # another thread made that call this time
    check(victim, promise_of(said, before))


def cases_of(victim, life, start, work):
    """The calls of a life that nobody disturbs."""
    log = os.path.join(work, "count")
    put_back(victim, start[0])
    promise = promise_of(victim.must_live(life, *victim.strace(log, *victim.paths())), start[1])
    check(victim, promise)
    return [(*what, number) for what, count in calls_of(log, victim.paths()) for number in range(1, count + 1)]


def chosen(calls, drawn):
    """Every so many, counted on from life to life. `drawn` counts."""
    for case in calls:
        kind, stride = ("changes", STRIDE_OF_CHANGES) if case[1] in CHANGES else ("looks", STRIDE_OF_LOOKS)
        drawn[kind] += 1
        if drawn[kind] % stride == 0:
            yield case


def try_settings(program, statistics, work):
    drawn = collections.Counter()
    for mode, weights in SETTINGS:
        victim = Victim(program, mode, weights, os.path.join(work, "backup"))
        starts = {lives: begin(victim, lives, work) for lives in set(LIVES.values())}
        for life, lives_before in LIVES.items():
            start = starts[lives_before]
            for case in chosen(cases_of(victim, life, start, work), drawn):
                try:
                    kill_life(victim, life, case, start, statistics, work)
                except Failure as failure:
                    path, call, number = case
                    where = f"{mode}, {weights} elements, life '{life}', killed at {call} number {number} on {os.path.basename(path)}"
                    raise Failure(f"{where}: {failure}") from None
    statistics["calls"] = sum(drawn.values())


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if shutil.which("strace") is None:
        print("skipped: there is no strace")
        sys.exit(77)
    if subprocess.run(["strace", "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        print("skipped: strace may not trace here")
        sys.exit(77)
    statistics = collections.Counter()
    with tempfile.TemporaryDirectory(prefix="h5ckpt-kill-") as work:
        try:
            try_settings(os.path.abspath(sys.argv[1]), statistics, os.path.realpath(work))
        except Failure as failure:
            sys.exit(f"kill_calls: FAILED: {failure}")
    print(", ".join(f"{number} {what}" for what, number in statistics.items()))
    if not statistics["killed"]:
        sys.exit("kill_calls: FAILED: nothing was killed")


if __name__ == "__main__":
    main()
