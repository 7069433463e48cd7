#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""watch.py H5CKPT MAKE_COMMAND_CASES [TEST...]: `h5ckpt watch', which tells of saves as they are made.

The writer saves when it is told to, and the test reads what the watcher says of it: nobody waits for time to pass.
"""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import unittest

import case
from case import COMMAND, environment, flip, save

OFTEN = "--interval=0.01"
ENDING = signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM
TEST_SECONDS_MAX = 60


class Case(case.Case):
    def setUp(self):
        super().setUp()
        signal.signal(signal.SIGALRM, lambda *_: self.fail(f"no end after {TEST_SECONDS_MAX} s"))
        signal.alarm(TEST_SECONDS_MAX)
        self.addCleanup(signal.alarm, 0)

    def watch(self, *options, **more):
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen([COMMAND, "watch", OFTEN, *options, self.directory], env=environment(), text=True, **more)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        for stream in process.stdout, process.stderr:
            if stream:
                stream.close()

    def writer(self):
        return self.start("obey", 0)

    def tell(self, writer, order):
        """And wait until it has obeyed."""
        writer.stdin.write(order.encode() + b"\n")
        writer.stdin.flush()
        self.assertEqual(writer.stdout.readline().decode().strip(), order)

    def close(self, writer):
        writer.stdin.close()
        self.assertEqual(writer.wait(), 0)

    def finish(self, process, status=0):
        output, said = process.communicate()
        self.assertEqual(process.returncode, status, f"{output}\n{said}")
        self.assertEqual(said, "")
        return output


COST = r"[\d.]+ [KM]iB in [\d.]+ m?s \([\d.]+ \w+/s\), \d+\.\d% of the time"
SAVED = r"^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d sequence {}: epoch {}, batch 3, step \d+, " + COST


class Lines(Case):
    def expect(self, process, pattern):
        self.assertRegex(process.stdout.readline(), pattern)

    def test_from_before_the_directory_is_there_to_its_deletion(self):
        process = self.watch()
        self.expect(process, f"^'{self.directory}': nothing saved yet; no writer\n$")
        writer = self.writer()
        self.expect(process, f"^'{self.directory}': nothing saved yet; a writer is at work\n$")
        self.tell(writer, "save")
        self.expect(process, SAVED.format(1, 1) + "\n$")
        self.tell(writer, "save")
        self.expect(process, SAVED.format(2, 2) + r", next about 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\n$")
        self.close(writer)
        self.expect(process, f"^No writer is at work in '{self.directory}'.\n$")
        writer = self.writer()
        self.expect(process, f"^A writer is at work in '{self.directory}'.\n$")
        self.tell(writer, "delete")
        self.expect(process, f"^The checkpoint in '{self.directory}' was deleted: its work is done.\n$")
        self.assertEqual(self.finish(process), "")

    def test_what_was_saved_before_is_told_first(self):
        save(self.directory, 2)
        process = self.watch()
        self.expect(process, SAVED.format(2, 2))
        self.expect(process, "^No writer is at work")

    def test_a_directory_that_goes_away_altogether_was_deleted(self):
        save(self.directory, 2)
        process = self.watch()
        self.expect(process, SAVED.format(2, 2))
        self.expect(process, "^No writer is at work")
        self.remove(process)

    def remove(self, process):
        shutil.rmtree(self.directory)
        for line in process.stdout:  # what is seen meanwhile may be anything
            if "was deleted: its work is done" in line:
                break
        self.finish(process)

    def test_a_checkpoint_that_is_lost_is_told_and_watched_on(self):
        save(self.directory, 2)
        process = self.watch()
        self.expect(process, SAVED.format(2, 2))
        self.expect(process, "^No writer is at work")
        for slot in "slot-a.h5", "slot-b.h5":
            flip(self.directory / slot, 20)
        for line in process.stdout:  # the first flip alone shows an older state
            if "no state of it can be read" in line:
                break
        self.remove(process)

    def test_a_state_whose_cost_nobody_noted_is_told_without(self):
        save(self.directory, 2)
        flip(self.directory / "lock", 512 + 8)
        process = self.watch()
        self.expect(process, r"sequence 2: epoch 2, batch 3, step \d+, [\d.]+ MiB\n$")


class Json(Case):
    def read(self, process):
        return json.loads(process.stdout.readline())

    def test_an_object_for_whatever_is_new(self):
        process = self.watch("--json")
        seen = [self.read(process)]
        writer = self.writer()
        seen.append(self.read(process))
        for _ in "12":
            self.tell(writer, "save")
            seen.append(self.read(process))
        self.tell(writer, "delete")
        seen.append(self.read(process))
        self.finish(process)
        self.assertEqual([one["seen"] for one in seen], ["nothing", "nothing", "state", "state", "deleted"])
        self.assertEqual([one["writer_alive"] for one in seen[:4]], [False, True, True, True])
        self.assertEqual([one["sequence"] for one in seen], [None, None, 1, 2, None])
        self.assertEqual([one["next"] is None for one in seen], [True, True, True, False, True])

    def test_the_figures_are_those_of_the_save(self):
        save(self.directory, 1)
        one = json.loads(case.run("watch", "--once", "--json", self.directory).stdout)
        self.assertEqual(one["bytes"], (self.directory / "slot-a.h5").stat().st_size)
        self.assertEqual(one["bytes_written"], one["bytes"])
        self.assertGreater(one["save_seconds"], 0)
        self.assertAlmostEqual(one["bytes_per_second"], one["bytes_written"] / one["save_seconds"], delta=1)
        self.assertGreater(one["share_of_time"], 0)
        self.assertLessEqual(one["share_of_time"], 1)
        self.assertGreaterEqual(one["age_seconds"], 0)

    def test_the_members_are_those_of_the_manual(self):
        save(self.directory, 1)
        one = json.loads(case.run("watch", "--once", "--json", self.directory).stdout)
        manual = case.MANUAL.read_text().split(".Ss What watch prints")[1].split(".Sh")[0]
        self.assertEqual(set(one), set(re.findall(r"^\.It (\w+)", manual, re.M)))


class Once(Case):
    def expect(self, status, text):
        for options in (), ("--json",):
            result = case.run("watch", "--once", *options, self.directory)
            self.assertEqual(result.returncode, status, result)
            self.assertIn(text.encode(), result.stdout)

    def test_its_status_is_that_of_info(self):
        self.expect(3, "nothing")
        save(self.directory, 2)
        self.expect(0, "sequence")
        (self.directory / "slot-b.h5").unlink()
        self.expect(1, "sequence")
        (self.directory / "slot-a.h5").unlink()
        self.expect(2, "no state of it can be read")

    def test_a_fall_back_is_told_with_its_reason(self):
        save(self.directory, 2)
        flip(self.directory / "slot-b.h5", 20)
        self.expect(1, "slot-b.h5 is damaged")
        self.assertIn(b", fell back to slot-a.h5 in", case.run("watch", "--once", self.directory).stdout)

    def test_a_run_that_has_finished_and_left_milestones_is_told(self):
        subprocess.run([case.CASES, self.directory, "keep", "1"], check=True)
        subprocess.run([case.CASES, self.directory, "obey", "0"], input=b"delete\n", stdout=subprocess.DEVNULL, check=True)
        self.expect(3, "deleted")
        self.assertRegex(self.finish(self.watch()), "was deleted: its work is done")

    def test_what_cannot_be_told_is_4(self):
        self.directory = case.MANUAL.parents[1] / "test/format/v1-newer"
        self.expect(4, "version")


class Ends(Case):
    def test_it_dies_of_signals_as_anybody(self):
        for number in ENDING:
            process = self.watch()
            process.stdout.readline()
            process.send_signal(number)
            self.assertEqual(self.finish(process, -number), "")

    def test_it_dies_of_signals_that_were_blocked_when_it_was_started(self):
        for number in ENDING:
            process = self.watch(preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, {number}))
            process.stdout.readline()
            process.send_signal(number)
            self.assertEqual(self.finish(process, -number), "")

    def test_those_that_are_ignored_stay_ignored(self):
        process = self.watch(preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        self.writer()
        self.assertIn("a writer is at work", process.stdout.readline())

    def test_output_that_cannot_be_written_is_4(self):
        with open("/dev/full", "w") as full:
            process = self.watch(stdout=full)
            self.assertEqual(process.wait(), 4)
        self.assertRegex(process.stderr.read(), "^h5ckpt: cannot write to standard output")

    def test_a_reader_that_has_gone_ends_it(self):
        process = self.watch()
        process.stdout.readline()
        process.stdout.close()
        self.writer()
        self.assertEqual(process.wait(), -signal.SIGPIPE)

    def test_wrong_usage_is_64(self):
        for arguments, reason in ((), "no directory"), (("a", "b"), "more than one"), (("",), "empty"), \
                (("--interval=0", "a"), "seconds"), (("--interval=x", "a"), "seconds"):
            result = case.run("watch", *arguments)
            self.assertEqual(result.returncode, 64, arguments)
            self.assertRegex(result.stderr.decode(), f"^h5ckpt watch: .*{reason}")

    def test_what_is_no_directory_is_64(self):
        self.directory.touch()
        for options in (), ("--once",):
            result = case.run("watch", *options, self.directory)
            self.assertEqual(result.returncode, 64)
            self.assertRegex(result.stderr, b"^h5ckpt: .*Not a directory\n$")


class Terminal(Case):
    def setUp(self):
        super().setUp()
        self.master, self.terminal = pty.openpty()
        self.sent = ""

    def watch_on_terminal(self, columns=200):
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        attributes = termios.tcgetattr(self.terminal)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(self.terminal, termios.TCSANOW, attributes)
        self.settings = termios.tcgetattr(self.terminal)
        return self.watch(stdout=self.terminal)

    def read_until(self, pattern):
        while not re.search(pattern, self.sent):
            self.sent += os.read(self.master, 4096).decode()
        return self.sent

    def tearDown(self):
        os.close(self.terminal)
        os.close(self.master)

    def screen(self, columns=200):
        """What stands there in the end, and the column of the cursor."""
        lines, at = [[" "] * columns], 0
        for character in self.sent:
            if character == "\r":
                at = 0
            elif character == "\n":
                lines.append([" "] * columns)
                at = 0
            elif character == "\b":
                at = max(0, at - 1)
            else:
                self.assertTrue(character.isprintable(), repr(character))
                lines[-1][at] = character
                at += 1
        return ["".join(line).rstrip() for line in lines], at

    def test_one_line_is_written_anew(self):
        writer = self.writer()
        process = self.watch_on_terminal()
        self.read_until("nothing saved yet; a writer is at work")
        for number in "12":
            self.tell(writer, "save")
            self.read_until(rf"\repoch {number}, batch 3, step \d+, saved [\d.]+ m?s ago, {COST}")
        self.read_until(r"next (in about|was due) ")
        self.assertNotIn("\n", self.sent)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(), -signal.SIGINT)
        self.read_until("\n")
        lines, at = self.screen()
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], "^epoch 2, batch 3, ")
        self.assertEqual((lines[1], at), ("", 0))

    def test_a_deletion_is_told_below_it(self):
        writer = self.writer()
        self.tell(writer, "save")
        process = self.watch_on_terminal()
        self.read_until(r"epoch 1")
        self.tell(writer, "delete")
        self.read_until("its work is done.\n")
        self.assertEqual(process.wait(), 0)
        lines, at = self.screen()
        self.assertRegex(lines[0], "^epoch 1")
        self.assertRegex(lines[1], "^The checkpoint in .* was deleted")
        self.assertEqual((lines[2:], at), ([""], 0))

    def test_a_writer_that_goes_is_told_in_it(self):
        writer = self.writer()
        self.tell(writer, "save")
        self.watch_on_terminal()
        self.read_until(r"epoch 1")
        self.close(writer)
        self.read_until(r"epoch 1, batch 3, step \d+, saved \S+ m?s ago, no writer")

    def test_it_fits_into_the_terminal(self):
        save(self.directory, 2)
        for columns in 5, 20, 40, 80:
            self.sent = ""
            process = self.watch_on_terminal(columns)
            self.read_until("\r.*\r.*\r")
            self.end(process)
            for line in self.sent.split("\r"):
                self.assertLess(len(line.replace("\b", "")), columns)

    def test_a_fall_back_is_told_in_it(self):
        save(self.directory, 2)
        flip(self.directory / "slot-b.h5", 20)
        self.watch_on_terminal()
        self.read_until(r"epoch 1, .*, fell back to slot-a.h5 in ")

    def test_its_settings_are_as_before_after_every_way_out(self):
        save(self.directory, 2)
        for number in *ENDING, signal.SIGKILL:
            process = self.watch_on_terminal()
            self.sent = ""
            self.read_until("epoch 2")
            self.assertEqual(termios.tcgetattr(self.terminal), self.settings)  # nor are they changed meanwhile
            process.send_signal(number)
            self.assertEqual(process.wait(), -number)
            self.assertEqual(termios.tcgetattr(self.terminal), self.settings)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]])
