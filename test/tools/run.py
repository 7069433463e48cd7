#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""run.py H5CKPT MAKE_COMMAND_CASES PUPPET [TEST...]: `h5ckpt run', which looks after a program.

Nothing waits for time to pass: the program says when it is there and which signals it gets, and `h5ckpt run' what it
does.
"""
import ctypes
import fcntl
import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import termios
import time
import unittest
import unittest.mock

import case
from case import CASES, COMMAND, environment

PUPPET = sys.argv[3]

PASSED_ON = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGXCPU, signal.SIGUSR1,
             signal.SIGUSR2)
END_ASKED = PASSED_ON[:5]
TEST_SECONDS_MAX = 60
FOR_EVER = "80000"  # seconds: longer than any test


class Case(case.Case):
    def setUp(self):
        super().setUp()
        signal.signal(signal.SIGALRM, lambda *_: self.fail(f"no end after {TEST_SECONDS_MAX} s"))
        signal.alarm(TEST_SECONDS_MAX)
        self.addCleanup(signal.alarm, 0)
        no_job = unittest.mock.patch.dict(os.environ)
        no_job.start()
        self.addCleanup(no_job.stop)
        os.environ.pop("SLURM_JOB_END_TIME", None)

    def begin(self, *program, options=("--backoff", "0"), **more):
        """`h5ckpt run' with a program; ends with the test, whatever comes."""
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        process = subprocess.Popen([COMMAND, "run", *options, self.directory, "--", *program], env=environment(),
                                   text=True, **more)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        process.kill()
        process.wait()
        for stream in process.stdin, process.stdout, process.stderr:
            if stream:
                stream.close()

    def finish(self, process, status):
        """What it still had to say on both streams."""
        if process.stdin and process.stdin.closed:
            process.stdin = None
        output, said = process.communicate()
        self.assertEqual(process.returncode, status, f"{output}\n{said}")
        return output, said

    def run_to_end(self, status, *program, **more):
        return self.finish(self.begin(*program, **more), status)

    def read_until(self, stream, pattern):
        """Lines up to one that the pattern matches; which match that was."""
        for line in stream:
            if match := re.search(pattern, line):
                return match
        self.fail(f"the end came before '{pattern}'")

    def begin_puppet(self, end, status, **more):
        """A program that tells of its signals, and its process id."""
        process = self.begin(PUPPET, str(int(end)), str(status), **more)
        return process, int(self.read_until(process.stdout, r"^ready (\d+)$")[1])

    def shell(self, *lives):
        """A program whose lives are these, one after the other; the last one for ever. It counts them in a file."""
        count = self.work / "lives"
        cases = "\n".join(f"{number}) {life};;" for number, life in enumerate(lives[:-1], 1))
        script = f"""echo >>{shlex.quote(str(count))}
                     case $(wc -l <{shlex.quote(str(count))}) in
                     {cases}
                     *) {lives[-1]};;
                     esac"""
        return "sh", "-c", script

    def life_count(self):
        return len((self.work / "lives").read_text())

    def saving(self, count=1):
        """A shell command that saves so many times."""
        return shlex.join([CASES, str(self.directory), "save", str(count)])

    def deleting(self):
        """A shell command that deletes the checkpoint, as a program that has finished."""
        return "echo delete | " + shlex.join([CASES, str(self.directory), "obey", "0"])


class Lives(Case):
    def test_what_finishes_is_not_started_again(self):
        _, said = self.run_to_end(0, *self.shell("exit 0"))
        self.assertEqual(self.life_count(), 1)
        self.assertIn("life 1 finished", said)

    def test_what_crashes_is_started_again(self):
        _, said = self.run_to_end(0, *self.shell(f"{self.saving()}; exit 3", f"{self.saving()}; kill -9 $$", "exit 0"))
        self.assertEqual(self.life_count(), 3)
        self.assertRegex(said, r"life 1 failed with status 3 after .*; 1 save, .*epoch 1, batch 3")
        self.assertRegex(said, r"life 2 was killed by SIGKILL after .*; 1 save, ")

    def test_what_was_preempted_is_started_again(self):
        _, said = self.run_to_end(0, *self.shell(f"{self.saving()}; exit 75", "exit 0"))
        self.assertEqual(self.life_count(), 2)
        self.assertIn("life 1 stopped to be started again (status 75)", said)

    def test_work_that_is_done_does_not_begin_anew_however_its_program_ended(self):
        """The program has finished, its checkpoint is deleted, and then it dies."""
        for end, status, told in ("kill -SEGV $$", 128 + signal.SIGSEGV, "was killed by SIGSEGV"), \
                ("exit 3", 3, "failed with status 3"):
            with self.subTest(end=end):
                (self.work / "lives").unlink(missing_ok=True)
                _, said = self.run_to_end(status, *self.shell(f"{self.saving()}; exit 1", f"{self.deleting()}; {end}", "exit 0"))
                self.assertEqual(self.life_count(), 2)
                self.assertIn(f"was deleted: its work is done, though the program {told}", said)

    def test_what_was_preempted_at_the_end_of_its_jobs_time_is_not_started_again(self):
        for left, status, lives in (-1000, 75, 1), (30, 75, 1), (100000, 0, 2):
            with self.subTest(left=left):
                (self.work / "lives").unlink(missing_ok=True)
                os.environ["SLURM_JOB_END_TIME"] = str(int(time.time()) + left)
                _, said = self.run_to_end(status, *self.shell(f"{self.saving()}; exit 75", "exit 0"))
                self.assertEqual(self.life_count(), lives)
                self.assertEqual("the job's time ends (SLURM_JOB_END_TIME)" in said, status == 75)

    def test_two_lives_without_a_save_are_the_last(self):
        _, said = self.run_to_end(7, *self.shell(f"{self.saving()}; exit 1", "exit 7"))
        self.assertEqual(self.life_count(), 3)
        self.assertRegex(said, r"2 lives in a row got no further.*epoch 1, batch 3, step \d+ \(sequence 1\)")

    def test_a_save_of_the_same_place_is_no_progress(self):
        """What saves when it starts, and then crashes, would do so for ever."""
        again = shlex.join([CASES, str(self.directory), "again", "0"])
        self.run_to_end(4, *self.shell(f"{self.saving()}; exit 1", f"{again}; exit 4"))
        self.assertEqual(self.life_count(), 3)

    def test_a_save_makes_up_for_a_life_without_one(self):
        self.run_to_end(1, *self.shell("exit 1", f"{self.saving()}; exit 1", "exit 1", f"{self.saving()}; exit 1", "exit 1"))
        self.assertEqual(self.life_count(), 6)

    def test_preempted_lives_without_a_save_are_the_last_too(self):
        self.run_to_end(125, *self.shell("exit 75"))
        self.assertEqual(self.life_count(), 2)

    def test_wrong_usage_of_the_program_ends_soon(self):
        for status in 2, 64:
            self.run_to_end(status, "sh", "-c", f"exit {status}")

    def test_as_many_lives_without_a_save_as_allowed(self):
        self.run_to_end(1, *self.shell("exit 1"), options=("--backoff=0", "--max-idle=5"))
        self.assertEqual(self.life_count(), 5)

    def test_as_many_restarts_as_allowed(self):
        for allowed in 0, 3:
            (self.work / "lives").unlink(missing_ok=True)
            _, said = self.run_to_end(9, *self.shell(f"{self.saving()}; exit 9"),
                                      options=("--backoff=0", f"--max-restarts={allowed}"))
            self.assertEqual(self.life_count(), allowed + 1)
            self.assertIn("no more restarts are allowed", said)

    def test_the_wait_doubles_while_nothing_is_saved_and_has_a_limit(self):
        _, said = self.run_to_end(1, *self.shell(f"{self.saving()}; exit 1", "exit 1"),
                                  options=("--backoff=0.001", "--backoff-max=0.005", "--max-idle=5"))
        self.assertEqual(re.findall(r"starting again in (.*)", said), ["1.0 ms", "2.0 ms", "4.0 ms", "5.0 ms", "5.0 ms"])

    def test_a_death_by_signal_has_the_status_that_a_shell_gives_it(self):
        self.run_to_end(128 + signal.SIGSEGV, "sh", "-c", "kill -SEGV $$")

    def test_the_program_has_arguments_and_streams_as_given(self):
        script = 'cat; printf "<%s>" "$@"; echo said >&2'
        with open(self.work / "input", "w+") as file:
            file.write("read\n")
            file.seek(0)
            output, said = self.run_to_end(0, "sh", "-c", script, "-", "a b", "", "--json", "\x1b", stdin=file)
        self.assertEqual(output, "read\n<a b><><--json><\x1b>")
        self.assertIn("\nsaid\n", said)

    def test_what_cannot_be_executed_is_not_started_again(self):
        (self.work / "text").write_text("no program")
        for program, status, reason in (("/nowhere/program", 127, "No such file"), (str(self.work), 126, "Permission"),
                                        (str(self.work / "text"), 126, "Permission"), ("", 127, "No such file")):
            _, said = self.run_to_end(status, program)
            self.assertRegex(said, rf"h5ckpt: '{program}' could not be executed: {reason}")
            self.assertNotIn("again", said)

    def test_a_program_is_found_in_the_path(self):
        self.run_to_end(0, "true")

    def test_what_is_gone_between_two_lives_cannot_be_executed(self):
        program = self.work / "program"
        program.write_text(f"#!/bin/sh\nrm {shlex.quote(str(program))}\nexit 1\n")
        program.chmod(0o700)
        self.run_to_end(127, str(program))

    def test_a_directory_that_can_be_none_is_wrong_usage(self):
        self.directory.touch()
        _, said = self.run_to_end(64, "true")
        self.assertIn("Not a directory", said)

    def test_wrong_usage_is_64(self):
        for arguments, reason in ((), "no directory"), (("a",), "no program"), (("a", "b"), "behind `--'"), \
                (("a", "--"), "no program"), (("", "--", "b"), "empty"), (("--", "a"), "no directory"), \
                (("--max-idle=0", "a", "--", "b"), "at least 1"), (("--max-restarts=-1", "a", "--", "b"), "at least 0"), \
                (("--backoff=x", "a", "--", "b"), "seconds"), (("--backoff=nan", "a", "--", "b"), "seconds"), \
                (("--kill-after=-1", "a", "--", "b"), "seconds"), (("--backoff=1e9", "a", "--", "b"), "seconds"):
            result = case.run("run", *arguments)
            self.assertEqual(result.returncode, 64, arguments)
            self.assertRegex(result.stderr.decode(), f"^h5ckpt run: .*{reason}.*\nTry `h5ckpt run --help'")


class Background(Case):
    """Programs that leave somebody behind who has the directory."""

    def fork_and_exit(self, status, *options):
        """A program whose child has become the writer, and stays until our end of its input is closed; itself it has ended so."""
        hold = shlex.join([CASES, str(self.directory), "hold", "1"])
        script = f"exec 3<&0; trap 'exit {status}' USR2; {hold} <&3 & echo pid $$; wait; wait"
        process = self.begin("sh", "-c", script, options=("--backoff=0", *options), stdin=subprocess.PIPE)
        found = dict(line.split() if " " in line else (line.strip(), "") for line in (process.stdout.readline() for _ in "12"))
        self.assertEqual(found.keys(), {"pid", "ready"})
        os.kill(int(found["pid"]), signal.SIGUSR2)
        self.read_until(process.stderr, "still has .* as its writer: waiting for it to end")
        return process

    def test_no_second_writer_is_started_beside_it(self):
        for status in 0, 1, 75:
            with self.subTest(status=status):
                process = self.fork_and_exit(status, "--backoff-max=0.05")
                self.read_until(process.stderr, "not started again: a process that is still there has")
                self.assertEqual(process.wait(), 125)
                process.stdin.close()
                self.assertNotIn("life 2", process.stderr.read())  # up to the holder's end

    def test_one_that_goes_soon_is_waited_for(self):
        process = self.fork_and_exit(0, f"--backoff-max={FOR_EVER}")
        process.stdin.close()
        self.finish(process, 0)

    def test_the_wait_for_it_ends_by_a_signal(self):
        process = self.fork_and_exit(1, f"--backoff-max={FOR_EVER}")
        process.send_signal(signal.SIGTERM)
        self.read_until(process.stderr, "SIGTERM asked for the end")
        self.assertEqual(process.wait(), 75)
        process.stdin.close()

    def test_a_writer_that_the_end_did_not_reach_is_told(self):
        """A script gets the signal; what it has started does not, and trains on."""
        hold = shlex.join([CASES, str(self.directory), "hold", "1"])
        for script, status in (f"exec 3<&0; {hold} <&3 & wait", 128 + signal.SIGTERM), \
                (f"trap 'exit 0' TERM; exec 3<&0; {hold} <&3 & wait", 0):
            with self.subTest(status=status):
                process = self.begin("sh", "-c", script, stdin=subprocess.PIPE)
                self.read_until(process.stdout, "ready")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(), status)
                process.stdin.close()
                said = process.stderr.read()  # up to the holder's end
                self.assertRegex(said, "a process that is still there has .* if 'sh' is a script, it must `exec' the program")
                self.assertNotIn("goes on from there", said)

    def test_nothing_is_started_beside_another_run(self):
        self.start("hold", 1)
        _, said = self.run_to_end(125, *self.shell("exit 0"), options=("--backoff-max=0.05",))
        self.assertFalse((self.work / "lives").exists())
        self.assertIn("not started: a process that is still there has", said)

    def test_strangers_that_become_its_children_are_no_matter(self):
        """As for process 1 of a container."""
        def adopt():
            PR_SET_CHILD_SUBREAPER = 36
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

        stranger = f"(({PUPPET} {int(signal.SIGUSR2)} 9) & echo) >&2"  # whose parent ends at once
        process = self.begin("sh", "-c", f"{stranger}; exec {PUPPET} {int(signal.SIGUSR1)} 0", preexec_fn=adopt)
        program = int(self.read_until(process.stdout, r"^ready (\d+)$")[1])
        self.read_until(process.stderr, "life 1 begins")
        stranger = int(self.read_until(process.stderr, r"^ready (\d+)$")[1])
        os.kill(stranger, signal.SIGUSR2)
        while os.path.exists(f"/proc/{stranger}"):  # until it has been taken
            pass
        os.kill(program, signal.SIGUSR1)
        self.finish(process, 0)


class Signals(Case):
    def test_each_is_passed_on_once(self):
        process, program = self.begin_puppet(signal.SIGALRM, 4)
        for number in PASSED_ON:
            process.send_signal(number)
            self.assertEqual(process.stdout.readline(), f"{signal.Signals(number).name}\n")
        os.kill(program, signal.SIGALRM)
        output, _ = self.finish(process, 4)
        self.assertEqual(output, "SIGALRM\n")

    def test_what_asks_for_the_end_gets_it(self):
        for number in END_ASKED:
            for status, expected in (75, 75), (3, 3), (0, 0):
                with self.subTest(number=number, status=status):
                    process, _ = self.begin_puppet(number, status)
                    process.send_signal(number)
                    _, said = self.finish(process, expected)
                    self.assertNotIn("starting again", said)
                    if status:
                        self.assertIn(f"{number.name} asked for the end", said)

    def test_what_dies_of_it_is_not_started_again(self):
        for number in PASSED_ON:
            with self.subTest(number=number):
                process = self.begin("sh", "-c", f"echo ready; exec sleep {FOR_EVER}")
                self.read_until(process.stdout, "ready")
                process.send_signal(number)
                _, said = self.finish(process, 128 + number)
                self.assertIn(f"{number.name} asked for the end", said)

    def test_a_notice_that_the_program_obeys_asks_for_the_end(self):
        process, _ = self.begin_puppet(signal.SIGUSR1, 75)
        process.send_signal(signal.SIGUSR1)
        self.finish(process, 75)

    def test_a_notice_that_it_does_not_obey_asks_for_nothing(self):
        process, program = self.begin_puppet(signal.SIGALRM, 3)
        process.send_signal(signal.SIGUSR1)
        self.read_until(process.stdout, "SIGUSR1")
        os.kill(program, signal.SIGALRM)
        self.read_until(process.stderr, "starting again")

    def test_a_second_one_is_passed_on_too(self):
        process, program = self.begin_puppet(0, 0)
        for _ in "123":
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.stdout.readline(), "SIGTERM\n")
        os.kill(program, signal.SIGKILL)
        self.finish(process, 128 + signal.SIGKILL)

    def test_what_ignores_it_lives_on(self):
        process, program = self.begin_puppet(signal.SIGALRM, 0)
        process.send_signal(signal.SIGTERM)
        self.read_until(process.stdout, "SIGTERM")
        self.assertIsNone(process.poll())
        os.kill(program, signal.SIGALRM)
        self.finish(process, 0)

    def test_unless_it_is_to_be_killed_after_a_while(self):
        process, _ = self.begin_puppet(0, 0, options=("--kill-after=0.01",))
        process.send_signal(signal.SIGUSR1)  # does not ask for the end
        self.read_until(process.stdout, "SIGUSR1")
        process.send_signal(signal.SIGTERM)
        _, said = self.finish(process, 128 + signal.SIGKILL)
        self.assertIn("was killed by SIGKILL", said)
        self.assertIn("SIGTERM asked for the end", said)

    def test_a_wait_ends_at_once_and_the_status_says_start_me_again(self):
        for number in END_ASKED:
            with self.subTest(number=number):
                process = self.begin("false", options=(f"--backoff={FOR_EVER}", f"--backoff-max={FOR_EVER}"))
                self.read_until(process.stderr, "starting again in")
                process.send_signal(number)
                _, said = self.finish(process, 75)
                self.assertIn(f"{number.name} asked for the end", said)

    def test_a_notice_in_a_wait_is_nobodys(self):
        process = self.begin("false", options=(f"--backoff={FOR_EVER}", f"--backoff-max={FOR_EVER}"))
        self.read_until(process.stderr, "starting again in")
        process.send_signal(signal.SIGUSR1)
        self.read_until(process.stderr, "SIGUSR1 while no program was running: nobody to pass it on to")
        process.send_signal(signal.SIGTERM)
        self.finish(process, 75)

    def test_what_is_ignored_stays_ignored(self):
        def ignore():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does

        process, program = self.begin_puppet(signal.SIGALRM, 0, preexec_fn=ignore)
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.stdout.readline(), "SIGUSR1\n")
        os.kill(program, signal.SIGALRM)
        self.finish(process, 0)

    def test_the_program_finds_mask_and_dispositions_as_without_us(self):
        def unusual():
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.signal(signal.SIGPIPE, signal.SIG_IGN)
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD})

        program = "grep", "-hs", "^Sig[BICP]", "/proc/self/status", "/nowhere"  # ends with status 2
        for before in None, unusual:
            alone = subprocess.run(program, stdout=subprocess.PIPE, text=True, preexec_fn=before).stdout
            output, _ = self.run_to_end(2, *program, preexec_fn=before)
            self.assertEqual(output, alone + alone)  # in both lives

    def test_a_program_is_not_left_alone(self):
        process, program = self.begin_puppet(signal.SIGTERM, 0)
        process.kill()
        self.assertEqual(process.stdout.read(), "SIGTERM\n")  # and it ends: so does what it writes to

    def test_nobody_who_listens_is_no_reason_to_end(self):
        process = self.begin(*self.shell("exit 1", "exit 1", f"{self.saving()}; exit 0"), options=("--backoff=0", "--max-idle=3"))
        process.stderr.close()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(self.life_count(), 3)

    def test_no_descriptor_is_left_to_the_program(self):
        journal = self.work / "journal"
        output, _ = self.run_to_end(0, "ls", "/proc/self/fd", options=("--journal", journal), close_fds=True)
        self.assertEqual(output.split(), ["0", "1", "2", "3"])  # the last is the directory that ls reads


class Terminal(Case):
    """Keys, on a terminal of its own."""

    def begin_on_terminal(self, *program, shell="exec \"$@\"", before=lambda: None):
        """As the job of a shell, which does this with it."""
        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
            before()

        self.master, self.terminal = pty.openpty()
        self.addCleanup(os.close, self.master)
        self.addCleanup(os.close, self.terminal)
        command = COMMAND, "run", "--backoff=0", self.directory, "--", *program
        process = subprocess.Popen(["sh", "-c", shell, "-", *command], env=environment(), text=True, stdin=self.terminal,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=take_terminal)
        self.addCleanup(self.end, process)
        return process

    def press(self, key):
        os.write(self.master, key)

    def test_ctrl_c_reaches_the_program_once_and_ends_the_run(self):
        process = self.begin_on_terminal(PUPPET, str(int(signal.SIGALRM)), "3")
        program = int(self.read_until(process.stdout, r"^ready (\d+)$")[1])
        process.send_signal(signal.SIGSTOP)  # or what it passed on might come while the program has not taken the key's yet
        for key, name in (b"\x03", "SIGINT\n"), (b"\x1c", "SIGQUIT\n"):
            self.press(key)
            self.assertEqual(process.stdout.readline(), name)
        process.send_signal(signal.SIGTERM)  # a higher number: `h5ckpt run' takes it after those
        process.send_signal(signal.SIGCONT)
        self.assertEqual(process.stdout.readline(), "SIGTERM\n")
        os.kill(program, signal.SIGALRM)
        output, said = self.finish(process, 3)
        self.assertEqual(output, "SIGALRM\n")
        self.assertIn("SIGINT asked for the end", said)

    def test_ctrl_c_reaches_a_program_that_has_left_the_process_group(self):
        process = self.begin_on_terminal("setsid", PUPPET, str(int(signal.SIGINT)), "3")
        self.read_until(process.stdout, r"^ready (\d+)$")
        self.press(b"\x03")
        output, said = self.finish(process, 3)
        self.assertEqual(output, "SIGINT\n")
        self.assertIn("SIGINT asked for the end", said)

    def test_ctrl_c_before_there_is_a_program_is_obeyed(self):
        def press_it_now():
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            self.press(b"\x03")
            while signal.SIGINT not in signal.sigpending():
                pass

        process = self.begin_on_terminal(*self.shell("exit 0"), before=press_it_now)
        _, said = self.finish(process, 75)
        self.assertFalse((self.work / "lives").exists())
        self.assertIn("SIGINT asked for the end", said)

    def test_ctrl_z_stops_both_and_fg_goes_on(self):
        process = self.begin_on_terminal(PUPPET, str(int(signal.SIGALRM)), "0", shell='set -m; "$@"; echo $?; fg; echo $?')
        program = int(self.read_until(process.stdout, r"^ready (\d+)$")[1])
        self.press(b"\x1a")
        self.read_until(process.stdout, f"^{128 + signal.SIGTSTP}$")
        self.read_until(process.stdout, "^SIGCONT$")
        os.kill(program, signal.SIGALRM)
        output, _ = self.finish(process, 0)
        self.assertEqual(output, "SIGALRM\n0\n")

    def test_its_settings_are_put_back_after_each_life(self):
        script = "stty -echo -icanon -isig; kill -9 $$"
        before = "stty -a"
        process = self.begin_on_terminal(*self.shell(f"{before}; {script}", f"{before}; {script}"))
        settings = termios.tcgetattr(self.terminal)
        output, _ = self.finish(process, 128 + signal.SIGKILL)
        half = len(output) // 2
        self.assertEqual(output[:half], output[half:])
        self.assertEqual(termios.tcgetattr(self.terminal), settings)


class WhatIsTold(Case):
    def table(self, said):
        lines = said.splitlines()
        begin = next(i for i, line in enumerate(lines) if line.split() == ["LIFE", "ENDED", "BY", "AFTER", "FROM", "TO", "SAVES", "LOST"])
        return [line.split() for line in lines[begin + 1:]]

    def test_the_table_has_a_line_for_each_life(self):
        _, said = self.run_to_end(0, *self.shell(f"{self.saving()}; exit 3", f"{self.saving()}; kill -9 $$", "exit 0"))
        rows = self.table(said)
        self.assertEqual([row[:3] for row in rows if row[0] != "2"], [["1", "status", "3"], ["3", "status", "0"]])
        self.assertEqual([rows[1][i] for i in (0, 1, 4, 5, 6)], ["2", "SIGKILL", "1:3", "2:3", "1"])

    def test_one_life_needs_no_table(self):
        self.assertNotIn("LIFE", self.run_to_end(0, "true")[1])

    def test_the_journal_has_an_object_for_each_life_and_is_appended_to(self):
        journal = self.work / "journal"
        journal.write_text("kept\n")
        self.run_to_end(0, *self.shell(f"{self.saving(2)}; exit 3", "kill -9 $$", "exit 0"), options=("--backoff=0", "--journal", journal))
        kept, *lines = journal.read_text().splitlines()
        lives = [json.loads(line) for line in lines]
        self.assertEqual(kept, "kept")
        self.assertEqual([life["life"] for life in lives], [1, 2, 3])
        self.assertEqual([life["exit_status"] for life in lives], [3, 137, 0])
        self.assertEqual([life["signal"] for life in lives], [None, 9, None])
        self.assertEqual([life["saves"] for life in lives], [2, 0, 0])
        self.assertEqual([life["sequence"] for life in lives], [2, 2, 2])
        self.assertEqual([life["verdict"] for life in lives], ["restart", "restart", "finished"])
        for life in lives[:2]:
            self.assertLessEqual(0, life["lost_seconds"])
            self.assertLessEqual(life["lost_seconds"], life["seconds"])
        self.assertEqual(lives[1]["lost_seconds"], lives[1]["seconds"])  # it saved nothing

    def test_the_saves_of_a_life_that_has_deleted_its_checkpoint_are_not_counted(self):
        journal = self.work / "journal"
        _, said = self.run_to_end(0, *self.shell(f"{self.saving(2)}; exit 3", f"{self.saving()}; {self.deleting()}"),
                                  options=("--backoff=0", "--journal", journal))
        lives = [json.loads(line) for line in journal.read_text().splitlines()]
        self.assertEqual([life["saves"] for life in lives], [2, None])
        self.assertEqual([row[-2:] for row in self.table(said)][1], ["-", "-"])

    def test_the_members_of_the_journal_are_those_of_the_manual(self):
        journal = self.work / "journal"
        self.run_to_end(0, "true", options=("--journal", journal))
        manual = case.MANUAL.read_text().split(".Ss The journal")[1].split(".Ss")[0].split(".Sh")[0]
        self.assertEqual(set(json.loads(journal.read_text())), set(re.findall(r"^\.It (\w+)", manual, re.M)))

    def test_a_journal_that_cannot_be_opened_keeps_it_from_starting(self):
        _, said = self.run_to_end(125, *self.shell("exit 0"), options=("--journal", self.work))
        self.assertFalse((self.work / "lives").exists())
        self.assertIn("cannot open", said)

    def test_a_journal_that_cannot_be_written_is_no_reason_to_end(self):
        _, said = self.run_to_end(0, "true", options=("--journal", "/dev/full"))
        self.assertIn("cannot write to the journal: No space left", said)

    def test_saves_that_cannot_be_given_back_are_told(self):
        slot = shlex.quote(str(self.directory / "slot-b.h5"))
        spoil = f"printf x | dd of={slot} bs=1 seek=600000 conv=notrunc status=none; truncate -s -4096 {slot}"
        _, said = self.run_to_end(0, *self.shell(f"{self.saving(2)}; {spoil}; exit 1", "exit 0"))
        self.assertIn("newer than that, 1 cannot be given back", said)
        self.assertIn("(sequence 1)", said)

    def test_names_are_told_without_control_characters(self):
        self.directory = self.work / "a\x1b[31m"
        _, said = self.run_to_end(127, "no\x1bprogram")
        self.assertNotIn("\x1b", said)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
