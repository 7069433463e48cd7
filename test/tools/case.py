# SPDX-License-Identifier: MIT
"""What the tests of the command share: how it is called, directories to look at, writers that stay.

A test's arguments begin with H5CKPT MAKE_COMMAND_CASES.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

COMMAND, CASES = sys.argv[1:3]

for number in signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM:
    signal.signal(number, signal.SIG_DFL)  # who starts tests may ignore them, and what is ignored stays so in every child
signal.signal(signal.SIGINT, signal.default_int_handler)
MANUAL = pathlib.Path(__file__).resolve().parents[2] / "tools/h5ckpt.1"


def environment(locale="C.UTF-8"):
    return {**os.environ, "LC_ALL": locale, "TZ": "UTC"}


def run(*arguments, locale="C.UTF-8", **options):
    """The command, its output as bytes."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([COMMAND, *arguments], env=environment(locale), **options)


def run_json(*arguments, **options):
    result = run(*arguments, "--json", **options)
    return json.loads(result.stdout)


def save(directory, count, *more):
    subprocess.run([CASES, directory, "save", str(count), *map(str, more)], check=True)


def flip(path, offset):
    """One bit."""
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1]))


class Case(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="h5ckpt-command-"))
        self.addCleanup(shutil.rmtree, self.work)
        self.directory = self.work / "backup"

    def start(self, action, count):
        """A writer that stays. Ends with the test."""
        writer = subprocess.Popen([CASES, self.directory, action, str(count)], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        self.addCleanup(self.stop, writer)
        self.assertIn(writer.stdout.readline(), (b"ready\n", b"saving\n"))
        return writer

    def stop(self, writer):
        writer.kill()
        writer.wait()
        writer.stdin.close()
        writer.stdout.close()
