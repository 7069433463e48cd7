#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""file_systems.py VICTIM: the same lives on every file system that this machine lets us mount.

tmpfs, overlayfs, and ext4 (also with data=journal, where no file can be reached past the page cache), XFS, btrfs and
vfat (which has no hard links) on loop devices, whose images lie in TMPDIR: all of it in a mount name space that goes
with the test. On each, lives of test/kill/victim.c save, restore, keep, roll back, change the number of slots and the
structure, delete; some are killed at a random moment; and what they promised is what the next life must find.

A file system that cannot be made or mounted here is left out, and that is said. Exit status 77 (skipped) where nothing
can be mounted. SEED of the random moments: the environment's H5CKPT_SEED; printed.
"""
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import form
from kill_calls import MANY_BLOCKS, NOTHING, SMALL, Failure, Victim, check, clear, promise_of

MANY_CHUNKS = "2400000"  # by a whole team of threads
MEBIBYTE = 1 << 20
ALONE_SECONDS_MAX = 10

# Name, what makes an image of how many bytes, and the mount's options.
IMAGES = [
    ("ext4", ["mkfs.ext4", "-q", "-F"], 128 * MEBIBYTE, "loop"),
    ("ext4, data=journal", ["mkfs.ext4", "-q", "-F"], 128 * MEBIBYTE, "loop,data=journal"),
    ("xfs", ["mkfs.xfs", "-q", "-f"], 320 * MEBIBYTE, "loop"),
    ("btrfs", ["mkfs.btrfs", "-q", "-f"], 256 * MEBIBYTE, "loop"),
    ("vfat", ["mkfs.vfat"], 128 * MEBIBYTE, "loop"),
]
MODES = ("synchronous", "staged", "fenced", "forked")
EVERYTHING = [(mode, weights) for weights in (SMALL, MANY_BLOCKS, MANY_CHUNKS) for mode in MODES]
SETTINGS = form.count([("forked", MANY_BLOCKS)], [("forked", MANY_BLOCKS)], EVERYTHING)
LIVES = form.count(("fresh", "read"), ("fresh", "keep", "read", "roll-back", "schema", "delete"),
                   ("fresh", "on", "keep", "read", "roll-back", "slots", "schema", "on", "forget", "delete", "reserve"))
KILLS = form.count(0, 2, 20)  # in each setting


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise OSError((result.stderr or result.stdout or command[0]).splitlines()[0])


def mount_tmpfs(_, place):
    run("mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", place)


def mount_overlay(work, place):
    parts = {part: os.path.join(work, "overlay", part) for part in ("lower", "upper", "work")}
    os.makedirs(os.path.join(work, "overlay"))
    mount_tmpfs(work, os.path.join(work, "overlay"))
    for part in parts.values():
        os.mkdir(part)
    run("mount", "-t", "overlay", "-o", f"lowerdir={parts['lower']},upperdir={parts['upper']},workdir={parts['work']}", "overlay", place)


def mount_image(maker, size, options):
    def mount(work, place):
        if shutil.which(maker[0]) is None:
            raise OSError(f"there is no {maker[0]}")
        image = os.path.join(work, "image")
        with open(image, "wb") as file:
            file.truncate(size)
        run(*maker, image)
        run("mount", "-o", options, image, place)
        os.unlink(image)

    return mount


def file_systems():
    yield "tmpfs", mount_tmpfs
    yield "overlayfs", mount_overlay
    for name, maker, size, options in IMAGES:
        yield name, mount_image(maker, size, options)


def check_alone(victim, promise):
    """Once the child of one that was killed has noticed that it is alone."""
    give_up = time.monotonic() + ALONE_SECONDS_MAX
    while True:
        try:
            return check(victim, promise)
        except Failure as failure:
            if "has a writer already" not in str(failure) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)


def live_undisturbed(victim, statistics):
    promise = NOTHING
    clear(victim)
    for life in LIVES:
        if life == "reserve":
            clear(victim)
            promise = NOTHING
        try:
            said = victim.must_live(life)
        except Failure as failure:
            raise Failure(f"life '{life}': {failure}") from None
        promise = promise_of(said, promise)
        if match := re.search(r"(\d+) slots read past the page cache", said):
            statistics["past cache"] = max(statistics["past cache"], int(match[1]))
        statistics["lives"] += 1
    check(victim, promise)


def kill_once(victim, moments, statistics):
    clear(victim)
    before = promise_of(victim.must_live("fresh"), NOTHING)
    began = time.monotonic()
    victim.must_live("keep")
    whole = time.monotonic() - began
    clear(victim)
    victim.must_live("fresh")
    command = [victim.program, victim.directory, "keep", victim.mode, victim.weights]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            said, _ = process.communicate(timeout=moments.uniform(0, whole))
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            statistics["kills"] += 1
    check_alone(victim, promise_of(said, before))


def try_file_system(program, place, moments, statistics):
    for mode, weights in SETTINGS:
        victim = Victim(program, mode, weights, os.path.join(place, "backup"))
        try:
            live_undisturbed(victim, statistics)
            for _ in range(KILLS):
                kill_once(victim, moments, statistics)
        except Failure as failure:
            raise Failure(f"{mode}, {weights} elements: {failure}") from None


def try_all(program, work, moments):
    statistics = collections.Counter()
    for number, (name, mount) in enumerate(file_systems()):
        own = os.path.join(work, str(number))
        place = os.path.join(own, "mounted")
        os.makedirs(place)
        try:
            mount(own, place)
        except OSError as error:
            print(f"left out: {name}: {error}", flush=True)
            continue
        own_statistics = collections.Counter()
        try:
            try_file_system(program, place, moments, own_statistics)
        except Failure as failure:
            raise Failure(f"{name}: {failure}") from None
        past_cache = own_statistics.pop("past cache", 0)
        print(f"{name}: {'past the page cache' if past_cache else 'through the page cache'}", flush=True)
        statistics.update(own_statistics)
        statistics["file systems"] += 1
        subprocess.run(["umount", "-l", place], check=True)
    print(", ".join(f"{count} {what}" for what, count in statistics.items()))


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    if os.environ.get("H5CKPT_NAME_SPACE") is None:
        refusal = subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/tmp"], capture_output=True, text=True, check=False)
        if refusal.returncode != 0:
            print(f"skipped: nothing may be mounted here: {refusal.stderr.strip()}")
            sys.exit(77)
        os.environ["H5CKPT_NAME_SPACE"] = "own"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])
    seed = int(os.environ.get("H5CKPT_SEED", random.randrange(2**32)))
    print(f"file_systems: seed {seed}", flush=True)
    work = tempfile.mkdtemp(prefix="h5ckpt-file-systems-")
    try:
        try_all(os.path.abspath(sys.argv[1]), os.path.realpath(work), random.Random(seed))
    except Failure as failure:
        sys.exit(f"file_systems: FAILED with seed {seed}: {failure}")
    finally:
        for number in os.listdir(work):
            for place in ("mounted", "overlay"):
                subprocess.run(["umount", "-q", "-l", os.path.join(work, number, place)], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
