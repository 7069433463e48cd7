#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""command.py H5CKPT MAKE_COMMAND_CASES MAKE_CHECKPOINT SOURCE_ROOT VERSION [TEST...]: the command h5ckpt, as people
and scripts call it.

Every situation is a real one: directories that the library made, then bits flipped, files taken away, a writer that is
stopped in the middle of a save.
"""
import csv
import fcntl
import hashlib
import io
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unittest
import xml.dom.minidom

import case
from case import CASES, COMMAND, MANUAL, flip, run, run_json, save

MAKE_CHECKPOINT, SOURCE, VERSION = sys.argv[3:6]
SOURCE = pathlib.Path(SOURCE)
GOLDEN = SOURCE / "test/format"

COMMANDS = "info", "verify", "history", "watch", "run", "roll-back", "forget"
BLOCK_BYTES = 65536
FIRST_BLOCK_OFFSET = 4096
NOBODY = 65534

# As make_checkpoint writes types, and as the command does.
TYPE_NAME = {
    "=i1": "int8", "=i2": "int16", "=i4": "int32", "=i8": "int64", "=u1": "uint8", "=u2": "uint16", "=u4": "uint32",
    "=u8": "uint64", "=f2": "float16", "=f4": "float32", "=f8": "float64", "longdouble": "long double", "?": "bool",
    "=c8": "complex64", "=c16": "complex128", "V5": "opaque of 5 bytes", "S16": "string of 16 bytes",
}


def index_offset(path):
    """Where a slot's variable index begins: docs/format.md 2.1."""
    with open(path, "rb") as file:
        return struct.unpack("<Q", file.read(144)[136:])[0]


def fingerprint(directory):
    """Everything about a directory that a look at it must not change."""
    found = {}
    for path in sorted([directory, *directory.rglob("*")]):
        stat = path.lstat()
        digest = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (stat.st_mode, stat.st_ino, stat.st_nlink, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns,
                            digest)
    return found


class Case(case.Case):
    def expect(self, status, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, status, f"{arguments}: {result.stdout} {result.stderr}")
        return (result.stdout or b"").decode("utf-8", "backslashreplace")

    def expect_status(self, status, directory, name):
        """Both commands, in all ways of answering."""
        for command in "info", "verify":
            self.expect(status, command, directory)
            document = run_json(command, directory)
            self.assertEqual(document["exit_status"], status, document)
            self.assertEqual(document["status"], name, document)
        self.expect_quiet(status, directory)

    def expect_quiet(self, status, directory):
        result = run("verify", "--quiet", directory)
        self.assertEqual(result.returncode, status)
        self.assertEqual(result.stdout, b"")
        self.assertEqual(result.stderr != b"", status in (4, 64), result.stderr)

    def weights(self, slot):
        """Where the large variable begins in a slot."""
        document = run_json("info", "--variables", self.directory)
        self.assertEqual(document["restorable"], slot)
        return next(v["offset"] for v in document["variables"] if v["name"] == "weights")


class ExitStatus(Case):
    def test_a_sound_checkpoint_is_0(self):
        save(self.directory, 2)
        self.expect_status(0, self.directory, "H5CKPT_OK")

    def test_a_reserved_slot_is_no_damage(self):
        save(self.directory, 1)
        self.expect_status(0, self.directory, "H5CKPT_OK")
        self.assertEqual(run_json("info", self.directory)["slots"][1]["state"], "reserved")

    def test_a_flipped_bit_in_a_variable_is_1_and_seen_by_verify_only(self):
        save(self.directory, 2)
        flip(self.directory / "slot-b.h5", self.weights("slot-b.h5") + 100000)
        text = self.expect(0, "info", self.directory)
        self.assertNotIn("intact", text)
        self.assertNotIn("damaged", text)
        self.expect(1, "verify", self.directory)
        self.expect_quiet(1, self.directory)

    def test_a_damaged_record_is_1(self):
        save(self.directory, 2)
        flip(self.directory / "slot-a.h5", 20)
        for command in "info", "verify":
            self.assertIn("slot-a.h5 (damaged): ", self.expect(1, command, self.directory))

    def test_a_slot_that_is_gone_is_1(self):
        save(self.directory, 2)
        (self.directory / "slot-b.h5").unlink()
        self.expect_status(1, self.directory, "H5CKPT_FELL_BACK")
        self.assertIn("missing", self.expect(1, "info", self.directory))

    def test_a_slot_copied_over_the_other_is_1(self):
        save(self.directory, 2)
        shutil.copy(self.directory / "slot-a.h5", self.directory / "slot-b.h5")
        self.expect_status(1, self.directory, "H5CKPT_FELL_BACK")

    def test_damage_in_every_state_is_2(self):
        save(self.directory, 2)
        for slot in "slot-a.h5", "slot-b.h5":
            flip(self.directory / slot, 20)
        self.expect_status(2, self.directory, "H5CKPT_E_LOST")

    def test_damage_in_every_state_that_only_verify_sees_is_2(self):
        save(self.directory, 2)
        offset = self.weights("slot-b.h5")
        for slot in "slot-a.h5", "slot-b.h5":
            flip(self.directory / slot, offset)
        self.expect(0, "info", self.directory)
        text = self.expect(2, "verify", self.directory)
        self.assertIn("no state of it can be read", text)
        self.expect_quiet(2, self.directory)

    def test_an_empty_directory_is_3(self):
        self.directory.mkdir()
        self.expect_status(3, self.directory, "H5CKPT_NO_CHECKPOINT")
        self.assertNotIn("no directory", self.expect(3, "info", self.directory))

    def test_a_directory_that_does_not_exist_is_3_and_said_so(self):
        self.expect_status(3, self.directory, "H5CKPT_NO_CHECKPOINT")
        for command in "info", "verify":
            self.assertIn("there is no directory", self.expect(3, command, self.directory))

    def test_a_newer_version_is_4(self):
        self.expect_status(4, GOLDEN / "v1-newer", "H5CKPT_E_VERSION")
        self.assertIn("of a newer version", self.expect(4, "info", GOLDEN / "v1-newer"))

    def test_a_slot_of_another_directory_is_4(self):
        save(self.directory, 2)
        save(self.work / "other", 2)
        shutil.copy(self.work / "other" / "slot-b.h5", self.directory / "slot-b.h5")
        self.expect_status(4, self.directory, "H5CKPT_E_FOREIGN")

    def test_what_may_not_be_read_is_4(self):
        save(self.directory, 2)
        self.work.chmod(0o755)
        self.directory.chmod(0o700)
        options = {"user": NOBODY} if os.geteuid() == 0 else {}
        if not options:
            self.addCleanup(self.directory.chmod, 0o700)
            self.directory.chmod(0)
        try:
            run("--version", **options)
        except PermissionError as reason:
            self.skipTest(f"nobody cannot run the command: {reason}")
        result = run("info", self.directory, **options)
        self.assertEqual(result.returncode, 4)
        self.assertRegex(result.stderr, rb"^h5ckpt: .*Permission denied\n$")
        self.assertEqual(run_json("verify", self.directory, **options)["status"], "H5CKPT_E_PERMISSION")

    def test_output_that_cannot_be_written_is_4(self):
        save(self.directory, 1)
        for arguments in (("info", self.directory), ("info", "--json", self.directory), ("verify", self.directory),
                          ("info", self.work / "nothing"), ("--help",), ("info", "--help"), ("--version",)):
            with open("/dev/full", "wb") as full:
                result = run(*arguments, stdout=full)
            self.assertEqual(result.returncode, 4, arguments)
            self.assertRegex(result.stderr, b"^h5ckpt: cannot write to standard output: .")
        with open("/dev/full", "wb") as full:
            self.expect(0, "verify", "--quiet", self.directory, stdout=full)

    def test_wrong_usage_is_64(self):
        for arguments, reason in (((), b"no command"), (("info",), b"no directory"), (("verify",), b"no directory"),
                                  (("look", "a"), b"unknown command 'look'"), (("info", "a", "b"), b"more than one"),
                                  (("info", ""), b"empty"), (("info", "--quiet", "a"), b"unrecognized option"),
                                  (("verify", "--variables", "a"), b"unrecognized option"),
                                  (("--json", "info", "a"), b"unrecognized option"),
                                  (("verify", "--json", "--quiet", "a"), b"exclude each other"),
                                  (("history",), b"no directory"), (("history", "a", "b"), b"more than one"),
                                  (("history", "--csv", "--json", "a"), b"exclude each other")):
            result = run(*arguments)
            self.assertEqual(result.returncode, 64, arguments)
            self.assertEqual(result.stdout, b"")
            self.assertRegex(result.stderr, b"^h5ckpt( info| verify| history)?: .*" + reason)
            self.assertRegex(result.stderr, b"\nTry `h5ckpt( info| verify| history)? --help'")

    def test_a_name_that_the_locale_does_not_know_is_taken_and_control_characters_are_not(self):
        for locale in "C", "C.UTF-8":
            result = run("history", "--log=uni/\u00e4", self.directory, locale=locale)
            self.assertNotEqual(result.returncode, 64, result.stderr)
            for option in "--log=\x1b[2J", "--l\u009b[2J":
                result = run("history", option, self.directory, locale=locale)
                self.assertEqual(result.returncode, 64)
                self.assertNotRegex(result.stderr, b"\x1b|\xc2\x9b")

    def test_what_is_no_directory_is_64(self):
        (self.work / "file").touch()
        result = run("info", self.work / "file")
        self.assertEqual(result.returncode, 64)
        self.assertRegex(result.stderr, b"^h5ckpt: .*Not a directory\n$")

    def test_the_golden_directories(self):
        for name, info, verify in ("v1", 0, 0), ("v1-damaged", 0, 1), ("v1-newer", 4, 4):
            self.expect(info, "info", GOLDEN / name)
            self.expect(verify, "verify", GOLDEN / name)

    def test_options_may_stand_behind_the_directory(self):
        save(self.directory, 1)
        self.assertEqual(run("info", self.directory, "--json").stdout, run("info", "--json", self.directory).stdout)


class BesideAWriter(Case):
    def test_a_writer_is_seen(self):
        self.start("hold", 2)
        for command in "info", "verify":
            self.assertIn("\nA writer is at work", self.expect(0, command, self.directory))
            self.assertIs(run_json(command, self.directory)["writer_alive"], True)

    def test_without_one_it_says_so(self):
        save(self.directory, 2)
        self.assertIn("\nNo writer is at work", self.expect(0, "info", self.directory))
        self.assertIs(run_json("info", self.directory)["writer_alive"], False)

    def test_the_directory_keeps_its_id_and_each_run_has_its_own(self):
        found = []
        for _ in range(2):
            save(self.directory, 1)
            document = run_json("info", self.directory)
            slot = next(slot for slot in document["slots"] if slot["name"] == document["restorable"])
            found.append((document["directory_id"], slot["run_id"]))
            for identity in found[-1]:
                self.assertRegex(identity, "^[0-9a-f]{32}$")
            self.assertIn(f"\nThe directory's id is {found[-1][0]}; {slot['name']} was saved by run {found[-1][1]}.\n",
                          self.expect(0, "info", self.directory))
        self.assertEqual(found[0][0], found[1][0])
        self.assertNotEqual(found[0][1], found[1][1])
        (self.directory / "lock").unlink()
        self.assertEqual(run_json("info", self.directory)["directory_id"], found[0][0])

    def test_where_nothing_is_there_is_no_id(self):
        self.assertIsNone(run_json("info", self.directory)["directory_id"])

    def test_a_slot_being_written_is_no_damage(self):
        writer = self.start("stall", 2)
        document = run_json("verify", self.directory)
        found = [(slot["state"], slot["damage"]) for slot in document["slots"]]
        self.assertEqual(found, [("being written", []), ("intact", [])])
        self.assertIn("being written", self.expect(0, "verify", self.directory))
        self.expect(0, "info", self.directory)
        writer.stdin.close()
        self.assertEqual(writer.wait(), 0)
        self.assertEqual([s["sequence"] for s in run_json("verify", self.directory)["slots"]], [3, 2])

    def test_an_interrupted_save_is_no_damage(self):
        writer = self.start("stall", 2)
        writer.kill()
        writer.wait()
        document = run_json("verify", self.directory)
        found = [(slot["state"], slot["damage"]) for slot in document["slots"]]
        self.assertEqual(found, [("interrupted", []), ("intact", [])])
        self.assertEqual((document["status"], document["exit_status"]), ("H5CKPT_OK", 0))
        self.assertIn("slot-a.h5 (interrupted): ", self.expect(0, "verify", self.directory))

    def test_a_busy_writer_is_never_taken_for_damage(self):
        save(self.directory, 2)
        writer = subprocess.Popen([CASES, self.directory, "save", "2000"])
        self.addCleanup(writer.wait)
        answers = []
        while writer.poll() is None:
            for arguments in ("info", "--variables"), ("verify",):
                document = run_json(*arguments, self.directory)
                answers.append((document["status"], document["exit_status"]))
        self.assertEqual(writer.returncode, 0)
        self.assertLessEqual(set(answers), {("H5CKPT_OK", 0), ("H5CKPT_E_OVERTAKEN", 4)})
        self.assertIn(("H5CKPT_OK", 0), answers)

    def test_a_first_save_in_progress_is_no_checkpoint_yet(self):
        self.start("stall", 0)
        self.expect_status(3, self.directory, "H5CKPT_NO_CHECKPOINT")


class WhatIsShown(Case):
    def test_the_table_and_the_document_agree(self):
        save(self.directory, 5, 3)
        document = run_json("info", self.directory)
        lines = self.expect(0, "info", self.directory).splitlines()
        self.assertEqual(lines[0].split(), ["SLOT", "ROLE", "STATE", "SEQUENCE", "EPOCH", "BATCH", "STEP", "SAVED", "SIZE",
                                            "VARIABLES"])
        self.assertEqual(len(document["slots"]), 3)
        for slot, line in zip(document["slots"], lines[1:]):
            size = f"{slot['bytes'] / 2**20:.1f}"
            self.assertEqual(line.split(), [slot["name"], slot["role"], slot["state"], str(slot["sequence"]),
                                            str(slot["epoch"]), str(slot["batch"]), str(slot["step"]),
                                            *slot["saved"].split(".")[0].split("T"), size, "MiB",
                                            str(slot["variable_count"])])
            self.assertEqual(slot["bytes"], (self.directory / slot["name"]).stat().st_size)
            self.assertEqual(slot["variable_count"], 4)
        sequences = {slot["role"]: slot["sequence"] for slot in document["slots"]}
        self.assertEqual(sequences, {"current": 5, "previous": 4, "older": 3})
        current = next(s for s in document["slots"] if s["role"] == "current")
        self.assertEqual(document["restorable"], current["name"])
        self.assertIn(f"A restore would try {current['name']}: sequence 5, epoch 5, batch 3, step {current['step']}, saved ", lines[-1])

    def test_the_time_of_a_save_is_said_in_two_ways(self):
        save(self.directory, 1)
        slot = run_json("info", self.directory)["slots"][0]
        date, fraction = slot["saved"].rstrip("Z").split(".")
        seconds = int(subprocess.run(["date", "-u", "-d", date, "+%s"], stdout=subprocess.PIPE, check=True).stdout)
        self.assertEqual(seconds * 10**9 + int(fraction), slot["saved_unix_ns"])

    def test_a_number_beyond_63_bits_is_a_string(self):
        save(self.directory, 1)
        self.assertEqual(run_json("info", self.directory)["slots"][0]["step"], str(2**64 - 2))

    def test_what_no_record_tells_is_null(self):
        save(self.directory, 1)
        slot = run_json("info", self.directory)["slots"][1]
        for member in "role", "sequence", "epoch", "batch", "step", "saved", "saved_unix_ns", "run_id", "variable_count":
            self.assertIsNone(slot[member], member)

    def test_the_members_of_the_document_are_those_of_the_manual(self):
        save(self.directory, 2)
        flip(self.directory / "slot-b.h5", self.weights("slot-b.h5"))
        manual = MANUAL.read_text().split(".Sh JSON")[1].split("The document of\n.Cm history")[0]
        told = set(re.findall(r"^\.(?:It|Dq) (\w+)", manual, re.M))
        found = set()

        def collect(value):
            if isinstance(value, dict):
                found.update(value)
            for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                collect(item)

        collect(run_json("info", "--variables", self.directory))
        collect(run_json("verify", self.directory))
        subprocess.run([MAKE_CHECKPOINT, self.work / "other"], stdout=subprocess.DEVNULL, check=True)
        collect(run_json("info", "--settings", self.work / "other"))
        self.assertEqual(found, told - {name for name in told if name.startswith("H5CKPT_")})

    def test_the_slot_states_are_those_of_the_manual(self):
        names = subprocess.run([CASES, "-", "states", "0"], stdout=subprocess.PIPE, check=True).stdout.decode()
        manual = MANUAL.read_text().split("The states of a slot are:")[1].split(".El")[0]
        self.assertEqual(set(re.findall(r"^\.It (.+)$", manual, re.M)), set(names.splitlines()) - {"absent"})

    def test_without_a_state_there_are_no_variables(self):
        self.directory.mkdir()
        self.assertIsNone(run_json("info", "--variables", self.directory)["variables"])
        self.assertNotIn("NAME", self.expect(3, "info", "--variables", self.directory))

    def test_variables_are_listed_as_they_were_registered(self):
        made = subprocess.run([MAKE_CHECKPOINT, self.directory], stdout=subprocess.PIPE, check=True).stdout.decode()
        expected = []
        for line in made.splitlines():
            which, path, numpy_type, shape, digits = line.split("\t")
            if which == "current" and path.startswith("/state/"):
                extents = [] if shape == "-" else [int(extent) for extent in shape.split(",")]
                expected.append((path[len("/state/"):], TYPE_NAME[numpy_type], extents, len(digits) // 2))
        found = run_json("info", "--variables", self.directory)["variables"]
        self.assertEqual([(v["name"], v["shape"], v["bytes"]) for v in found], [(n, s, b) for n, _, s, b in expected])
        for variable, (_, type_name, _, _) in zip(found, expected):
            self.assertTrue(variable["type"].startswith(type_name), variable)
        self.check_table(self.expect(0, "info", "--variables", self.directory), found)

    def test_settings_are_listed_with_their_values(self):
        subprocess.run([MAKE_CHECKPOINT, self.directory], stdout=subprocess.DEVNULL, check=True)
        found = run_json("info", "--settings", self.directory)["settings"]
        self.assertEqual([(s["name"], s["type"], s["shape"], s["bytes"], s["value"]) for s in found],
                         [("optimizer/learning rate", "float64", [], 8, "0.1"),
                          ("optimizer/nesterov", "bool of 1 byte", [], 1, "true"),
                          ("layers", "int64", [3], 24, "[64, 128, 10]"),
                          ("scalar", "string of 16 bytes", [], 16, "'größe'")])
        lines = self.expect(0, "info", "--settings", self.directory).splitlines()
        begin = next(i for i, line in enumerate(lines) if line.split() == ["SETTING", "TYPE", "SHAPE", "VALUE"])
        for setting, line in zip(found, lines[begin + 1:]):
            self.assertTrue(line.startswith(setting["name"] + " "), line)
            self.assertTrue(line.rstrip().endswith(" " + setting["value"]), line)

    def test_settings_are_listed_only_where_asked_for_and_where_there_are_any(self):
        save(self.directory, 1)
        self.assertNotIn("settings", run_json("info", self.directory))
        self.assertEqual(run_json("info", "--settings", self.directory)["settings"], [])
        self.assertNotIn("SETTING", self.expect(0, "info", "--settings", self.directory))
        shutil.rmtree(self.directory)
        self.assertIsNone(run_json("info", "--settings", self.directory)["settings"])

    def check_table(self, text, variables):
        lines = text.splitlines()
        begin = next(i for i, line in enumerate(lines) if line.split() == ["NAME", "TYPE", "SHAPE", "SIZE", "OFFSET"])
        for variable, line in zip(variables, lines[begin + 1:]):
            shape = ", ".join(map(str, variable["shape"])) or "SCALAR"
            self.assertTrue(line.startswith(variable["name"] + " "), line)
            self.assertIn(f" {variable['type']} ", line)
            self.assertIn(f"{{{shape}}}", line)
            self.assertEqual(line.split()[-1], str(variable["offset"]) if variable["bytes"] else "-")

    def test_offsets_are_those_that_hdf5_knows(self):
        try:
            import h5py
        except ImportError:
            self.skipTest("there is no h5py")
        subprocess.run([MAKE_CHECKPOINT, self.directory], stdout=subprocess.DEVNULL, check=True)
        document = run_json("info", "--variables", self.directory)
        with h5py.File(self.directory / document["restorable"], "r") as file:
            for variable in document["variables"]:
                if variable["bytes"]:
                    self.assertEqual(file["state"][variable["name"]].id.get_offset(), variable["offset"], variable)

    def test_info_never_says_intact(self):
        save(self.directory, 2)
        self.assertNotRegex(self.expect(0, "info", self.directory).lower(), "intact|verified")

    def test_help_and_the_manual_know_the_same_options(self):
        told = set()
        for arguments in ("--help",), *((name, "--help") for name in COMMANDS):
            told.update(re.findall(r"(?<![\w`])-(?:-[a-z][a-z-]*|[?a-zA-Z]\b|\?)", self.expect(0, *arguments)))
        manual = MANUAL.read_text()
        listed = set()
        for line in re.findall(r"^\.It (Fl .*)$", manual, re.M):
            listed.update("-" + name.replace("\\&", "") for name in re.findall(r"Fl (\S+)", line))
        self.assertEqual(told, listed)

    def test_every_command_is_in_help_and_manual(self):
        text = self.expect(0, "--help")
        for command in COMMANDS:
            self.assertIn(command, text)
            self.assertIn(f".It Cm {command}", MANUAL.read_text())

    def test_the_version_is_the_projects(self):
        for arguments in ("--version",), ("info", "--version"):
            self.assertEqual(self.expect(0, *arguments), f"h5ckpt {VERSION}\n")

    def test_the_manual_is_well_formed(self):
        if shutil.which("mandoc") is None:
            self.skipTest("there is no mandoc")
        subprocess.run(["mandoc", "-Tlint", "-W", "warning", MANUAL], check=True)


class History(Case):
    STEPS = 23  # of which 20 are saved
    SPIKE = 4

    def setUp(self):
        super().setUp()
        subprocess.run([CASES, self.directory, "log", str(self.STEPS)], check=True)

    def rows(self, *more):
        text = self.expect(0, "history", "--csv", self.directory, *more)
        self.assertTrue(text.endswith("\r\n"))
        return list(csv.DictReader(io.StringIO(text, newline="")))

    def test_csv_holds_every_row_exactly(self):
        rows = self.rows()
        self.assertEqual(list(rows[0]), ["epoch", "batch", "step", "loss", "val/größe", 'a "name", quoted'])
        self.assertEqual([int(row["step"]) for row in rows], list(range(1, 21)))
        self.assertEqual([float(row["loss"]) for row in rows],
                         [1000 if step == self.SPIKE else 1 / step for step in range(1, 21)])
        self.assertEqual([row["val/größe"] for row in rows], 4 * [""] + ["nan"] + 4 * [""] + ["9"] + 4 * [""] + ["14"]
                         + 4 * [""] + ["19"])
        self.assertEqual(rows[8]['a "name", quoted'], "-inf")

    def test_json_tells_not_logged_from_nan(self):
        document = run_json("history", self.directory)
        self.assertEqual((document["status"], document["exit_status"]), ("H5CKPT_OK", 0))
        self.assertEqual((document["slot"], document["row_count"]), ("slot-b.h5", 20))
        self.assertEqual(document["step"], list(range(1, 21)))
        self.assertEqual(document["epoch"], 20 * [0])
        self.assertEqual(document["logs"]["val/größe"][:10], 4 * [None] + ["nan"] + 4 * [None] + [9.0])
        self.assertEqual(document["logs"]['a "name", quoted'][8], "-inf")
        self.assertEqual(document["logs"]["loss"][2], 1 / 3)

    def test_the_members_of_the_document_are_those_of_the_manual(self):
        manual = MANUAL.read_text().split("The document of\n.Cm history")[1].split("Later versions")[0]
        self.assertEqual(set(re.findall(r"^\.Dq ([a-z_]+)", manual, re.M)) - {"nan", "inf"},
                         set(run_json("history", self.directory)))

    def test_the_table_has_a_line_for_each_row(self):
        lines = self.expect(0, "history", self.directory).splitlines()
        self.assertRegex(lines[0], r"^EPOCH +BATCH +STEP +loss +val/größe +a \"name\", quoted")
        self.assertEqual(len(lines), 21)
        self.assertRegex(lines[3], r"^ +0 +3 +3 +0\.333333 *$")
        self.assertRegex(lines[5], r"nan")

    def test_numbers_are_written_alike_in_every_locale(self):
        here = run("history", "--csv", self.directory).stdout
        for locale in "de_DE.UTF-8", "C":
            self.assertEqual(run("history", "--csv", self.directory, locale=locale).stdout, here)

    def test_of_chosen_logs_only_rows_with_a_value_are_shown(self):
        rows = self.rows("--log", "val/größe")
        self.assertEqual([int(row["step"]) for row in rows], [5, 10, 15, 20])
        self.assertNotIn("loss", rows[0])
        self.assertEqual(len(self.rows("--log", "val/größe", "--log", "loss")), 20)

    def test_a_log_that_is_not_there_is_64(self):
        result = run("history", "--log", "lóss", self.directory)
        self.assertEqual((result.returncode, result.stdout), (64, b""))
        self.assertEqual(result.stderr.decode(), "h5ckpt: there is no log 'lóss'\n")
        self.assertEqual(run_json("history", "--log", "x", self.directory)["exit_status"], 64)

    def test_a_checkpoint_without_history_has_no_rows(self):
        save(self.work / "other", 1)
        self.assertIn("holds no history", self.expect(0, "history", self.work / "other"))
        self.assertEqual(self.expect(0, "history", "--csv", self.work / "other"), "epoch,batch,step\r\n")
        self.assertEqual(run_json("history", self.work / "other")["row_count"], 0)

    def test_no_checkpoint_is_3(self):
        result = run("history", self.work / "none")
        self.assertEqual((result.returncode, result.stdout), (3, b""))
        self.assertRegex(result.stderr, b"^h5ckpt: there is no directory ")
        self.assertIsNone(run_json("history", self.work / "none")["logs"])

    def test_damage_to_the_newest_state_shows_the_one_before(self):
        path = self.directory / "slot-b.h5"
        flip(path, index_offset(path) - 100)
        rows = list(csv.DictReader(io.StringIO(self.expect(1, "history", "--csv", self.directory), newline="")))
        self.assertEqual(len(rows), 10)
        self.assertIn(b"fell back to slot-a.h5", run("history", self.directory).stderr)

    def test_nothing_is_changed(self):
        before = fingerprint(self.directory)
        for more in (), ("--csv",), ("--json",):
            run("history", self.directory, *more)
        self.assertEqual(fingerprint(self.directory), before)

    def test_output_that_cannot_be_written_is_4(self):
        with open("/dev/full", "wb") as full:
            self.assertEqual(run("history", "--csv", self.directory, stdout=full).returncode, 4)

    def test_names_steer_no_terminal(self):
        steps = 10
        subprocess.run([CASES, self.work / "nasty", "log", str(steps), "\x9b31m"], check=True)
        for more in (), ("--draw",):
            if more and shutil.which("gnuplot") is None:
                continue
            self.assertNotIn(b"\xc2\x9b", run("history", self.work / "nasty", *more).stdout)

    def test_without_gnuplot_it_says_so_and_is_4(self):
        for more in ("--draw",), ("--plot", self.work / "x.svg"):
            result = subprocess.run([COMMAND, "history", self.directory, *more], env={"PATH": str(self.work)},
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertEqual((result.returncode, result.stdout), (4, b""))
            self.assertEqual(result.stderr, b"h5ckpt: cannot draw: gnuplot is not there (Debian: gnuplot-nox)\n")


@unittest.skipIf(shutil.which("gnuplot") is None, "there is no gnuplot")
class Drawing(Case):
    def setUp(self):
        super().setUp()
        subprocess.run([CASES, self.directory, "log", "40"], check=True)

    def test_an_svg_image_has_a_picture_of_each_log_that_has_finite_values(self):
        image = self.work / "history.svg"
        self.assertEqual(self.expect(0, "history", "--plot", image, self.directory), "")
        text = xml.dom.minidom.parse(str(image)).documentElement.toxml()
        self.assertIn("loss", text)
        self.assertIn("val/größe", text)
        self.assertNotIn("quoted", text)

    def test_it_may_come_with_the_values(self):
        image = self.work / "history.svg"
        self.assertEqual(len(self.expect(0, "history", "--csv", "--plot", image, self.directory).splitlines()), 41)
        self.assertGreater(image.stat().st_size, 1000)

    def test_a_small_one_fits_into_a_terminal(self):
        lines = self.expect(0, "history", "--draw", "--log", "loss", self.directory).splitlines()
        self.assertLess(max(map(len, lines)), 80)
        self.assertLess(len(lines), 24)
        self.assertIn("loss", "".join(lines))
        self.assertIn("1000", "".join(lines))  # the spike

    def test_of_many_rows_spikes_are_not_lost(self):
        subprocess.run([CASES, self.work / "long", "log", "5000"], check=True)
        text = self.expect(0, "history", "--draw", "--log", "loss", self.work / "long")
        self.assertIn("1000 +", text)

    def test_one_value_and_equal_values_are_drawn_without_a_word(self):
        subprocess.run([CASES, self.work / "short", "log", "10"], check=True)
        result = run("history", "--draw", "--log", "val/größe", self.work / "short")
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_values_alike_in_nine_digits_and_late_steps_are_drawn_without_a_word(self):
        for action in "log-epochs", "log-late":
            subprocess.run([CASES, self.work / action, action, "8"], check=True)
            for more in ("--draw",), ("--plot", self.work / "x.svg"):
                result = run("history", *more, self.work / action)
                self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_without_steps_it_is_drawn_against_the_epoch(self):
        for action, axis in ("log-epochs", "epoch"), ("log-late", "step"):
            subprocess.run([CASES, self.work / action, action, "8"], check=True)
            text = self.expect(0, "history", "--draw", self.work / action)
            self.assertRegex(text, fr"(?m)^ +{axis} *$")

    def write_image(self, path):
        self.expect(0, "history", "--plot", path, self.directory)
        self.assertTrue(path.read_bytes().startswith(b"<?xml"))

    def test_an_image_that_is_there_is_replaced_as_a_whole_or_not_at_all(self):
        image = self.work / "x.svg"
        image.write_bytes(b"old")
        image.chmod(0o640)
        gnuplot = self.work / "bin" / "gnuplot"
        gnuplot.parent.mkdir()
        gnuplot.write_text("#!/bin/sh\necho half\nexit 1\n")
        gnuplot.chmod(0o755)
        for path in self.work / "nothing", gnuplot.parent:
            result = subprocess.run([COMMAND, "history", self.directory, "--plot", image], env={"PATH": str(path)},
                                    stderr=subprocess.PIPE)
            self.assertEqual((result.returncode, image.read_bytes()), (4, b"old"))
            self.assertEqual(sorted(path.name for path in self.work.iterdir()), ["backup", "bin", "x.svg"])
        self.write_image(image)
        self.assertEqual(image.stat().st_mode & 0o777, 0o640)
        self.assertEqual(sorted(path.name for path in self.work.iterdir()), ["backup", "bin", "x.svg"])

    def test_an_image_may_go_through_a_link_or_into_a_pipe(self):
        image, link = self.work / "x.svg", self.work / "link.svg"
        image.write_bytes(b"old")
        link.symlink_to(image)
        self.write_image(link)
        self.assertTrue(link.is_symlink())
        self.assertTrue(self.expect(0, "history", "--plot", "/dev/stdout", self.directory).startswith("<?xml"))

    def test_a_history_without_finite_values_is_not_drawn(self):
        result = run("history", "--draw", "--log", 'a "name", quoted', self.directory)
        self.assertEqual(result.returncode, 4)
        self.assertIn(b"nothing to draw", result.stderr)

    def test_an_image_that_cannot_be_written_is_4(self):
        result = run("history", "--plot", self.work / "no" / "x.svg", self.directory)
        self.assertEqual(result.returncode, 4)
        self.assertIn(b"cannot write", result.stderr)


class Milestones(Case):
    def keep(self, count, slots=2):
        subprocess.run([CASES, self.directory, "keep", str(count), str(slots)], check=True)

    def test_they_are_listed(self):
        self.keep(1)
        save(self.directory, 2)
        for command, state in ("info", "committed"), ("verify", "intact"):
            document = run_json(command, self.directory)
            found, = document["milestones"]
            self.assertEqual((found["name"], found["state"], found["epoch"], found["reason"]), ("best", state, 1, ""))
            self.assertEqual(document["exit_status"], 0)
            self.assertRegex(self.expect(0, command, self.directory), fr"(?m)^MILESTONE .*\nbest +{state} +1 +1 ")

    def test_without_any_there_is_no_table(self):
        save(self.directory, 2)
        self.assertEqual(run_json("info", self.directory)["milestones"], [])
        self.assertNotIn("MILESTONE", self.expect(0, "info", self.directory))

    def test_a_damaged_one_is_1_and_told(self):
        self.keep(1)
        save(self.directory, 2)
        flip(self.directory / "milestone-best.h5", FIRST_BLOCK_OFFSET + 100000)
        self.expect(0, "info", self.directory)
        self.assertRegex(self.expect(1, "verify", self.directory), r"milestone-best\.h5 \(damaged\): .*'weights'")
        before = fingerprint(self.directory)
        self.expect(1, "roll-back", self.directory, "best")
        self.assertEqual({name: (value[0], value[-1]) for name, value in before.items() if "slot" in name},
                         {name: (value[0], value[-1]) for name, value in fingerprint(self.directory).items()
                          if "slot" in name})

    def delete_checkpoint(self):
        writer = self.start("obey", 1)
        writer.stdin.write(b"delete\n")
        writer.stdin.flush()
        writer.stdout.readline()
        self.stop(writer)

    def test_they_decide_where_there_is_nothing_but_them(self):
        self.keep(1)
        self.delete_checkpoint()
        self.assertEqual(list(self.directory.glob("slot-*.h5")), [])
        self.expect_status(0, self.directory, "H5CKPT_NO_CHECKPOINT")
        self.expect(3, "watch", "--once", self.directory)
        flip(self.directory / "milestone-best.h5", FIRST_BLOCK_OFFSET + 100000)
        self.expect(0, "info", self.directory)
        self.assertRegex(self.expect(1, "verify", self.directory), r"milestone-best\.h5 \(damaged\): .*'weights'")
        self.expect(0, "forget", self.directory, "best")
        (self.directory / "milestone-mine.h5").mkdir()
        self.expect_status(3, self.directory, "H5CKPT_NO_CHECKPOINT")

    def test_a_strangers_file_is_told_and_no_damage(self):
        save(self.directory, 2)
        (self.directory / "milestone-mine.h5").mkdir()
        document = run_json("info", self.directory)
        self.assertEqual((document["milestones"][0]["state"], document["exit_status"]), ("foreign", 0))
        self.expect(4, "forget", self.directory, "mine")

    def test_roll_back_makes_it_the_newest(self):
        self.keep(1)
        save(self.directory, 3)
        self.assertIn("best", self.expect(0, "roll-back", self.directory, "best"))
        document = run_json("verify", self.directory)
        self.assertEqual(document["exit_status"], 0)
        newest, = (slot for slot in document["slots"] if slot["name"] == document["restorable"])
        self.assertEqual((newest["epoch"], newest["sequence"]), (1, 5))
        self.assertEqual({slot["epoch"] for slot in document["slots"]}, {1, 4})
        self.assertEqual(self.expect(0, "roll-back", "--quiet", self.directory, "best"), "")

    def test_roll_back_helps_where_all_is_lost_and_after_the_end(self):
        self.keep(1)
        save(self.directory, 2)
        for slot in self.directory.glob("slot-*.h5"):
            slot.unlink()
        self.assertIn("'best'", self.expect(2, "info", self.directory))
        self.expect(0, "roll-back", self.directory, "best")
        self.expect(0, "verify", self.directory)
        save(self.directory, 2)
        self.expect(0, "verify", self.directory)

    def test_files_keep_their_permissions_and_a_third_slot_stays(self):
        self.keep(4, slots=3)
        for path in self.directory.glob("*.h5"):
            path.chmod(0o640)
        self.expect(0, "roll-back", self.directory, "best")
        self.assertEqual(sorted(path.name for path in self.directory.glob("slot-*.h5")),
                         ["slot-a.h5", "slot-b.h5", "slot-c.h5"])
        for path in self.directory.glob("slot-*.h5"):
            self.assertEqual(path.stat().st_mode & 0o777, 0o640, path)

    def test_forget_removes_it_and_nothing_else(self):
        self.keep(1)
        save(self.directory, 2)
        self.expect(0, "forget", self.directory, "best")
        self.assertEqual(sorted(path.name for path in self.directory.iterdir()),
                         ["checkpoint.h5", "lock", "slot-a.h5", "slot-b.h5"])
        self.expect(3, "forget", self.directory, "best")

    def test_what_is_not_there_is_3_and_nothing_is_made(self):
        for command in "roll-back", "forget":
            self.expect(3, command, self.work / "nowhere", "best")
            self.assertFalse((self.work / "nowhere").exists())
        save(self.directory, 2)
        before = fingerprint(self.directory)
        for name in "best", "../slot-a", ".", "a b", "x" * 100:
            for command in "roll-back", "forget":
                self.expect(3, command, self.directory, name)
        self.assertEqual(fingerprint(self.directory), before)

    def test_beside_a_writer_it_is_4(self):
        self.keep(1)
        self.start("hold", 1)
        for command in "roll-back", "forget":
            result = run(command, self.directory, "best")
            self.assertEqual(result.returncode, 4)
            self.assertIn(b"has a writer already", result.stderr)

    def test_wrong_usage_is_64(self):
        for command in "roll-back", "forget":
            for arguments in (), (self.directory,), (self.directory, "a", "b"), ("", "a"), (self.directory, ""):
                self.expect(64, command, *arguments)


class Damage(Case):
    def document(self):
        return run_json("verify", self.directory)

    def test_the_variable_and_the_block_are_named(self):
        save(self.directory, 2)
        at = self.weights("slot-b.h5") + 200000
        flip(self.directory / "slot-b.h5", at)
        damage, = self.document()["slots"][1]["damage"]
        self.assertEqual(damage["block_count"], 1)
        self.assertEqual(damage["offset"], FIRST_BLOCK_OFFSET + damage["first_block"] * BLOCK_BYTES)
        self.assertLessEqual(damage["offset"], at)
        self.assertLess(at, damage["offset"] + damage["bytes"])
        self.assertEqual(damage["variables"], ["weights"])
        last = damage["offset"] + damage["bytes"] - 1
        self.assertIn(f"slot-b.h5, block {damage['first_block']} (bytes {damage['offset']} to {last}): 'weights'\n",
                      self.expect(1, "verify", self.directory))

    def test_blocks_next_to_each_other_are_one_run(self):
        save(self.directory, 2)
        offset = self.weights("slot-b.h5")
        first = (offset - FIRST_BLOCK_OFFSET) // BLOCK_BYTES + 1
        for block in first, first + 1:
            flip(self.directory / "slot-b.h5", FIRST_BLOCK_OFFSET + block * BLOCK_BYTES)
        damage, = self.document()["slots"][1]["damage"]
        self.assertEqual((damage["first_block"], damage["block_count"], damage["bytes"]), (first, 2, 2 * BLOCK_BYTES))
        self.assertIn(f"slot-b.h5, blocks {first} to {first + 1} (", self.expect(1, "verify", self.directory))

    def test_a_damaged_index_names_nobody(self):
        save(self.directory, 2)
        slot = self.directory / "slot-b.h5"
        flip(slot, index_offset(slot) + 16)
        self.assertIsNone(self.document()["slots"][1]["damage"][0]["variables"])
        self.assertIn("cannot be named", self.expect(1, "verify", self.directory))

    def test_a_damaged_index_is_damage_to_info_too(self):
        save(self.directory, 2)
        slot = self.directory / "slot-b.h5"
        flip(slot, index_offset(slot) + 16)
        text = self.expect(1, "info", self.directory)
        self.assertRegex(text, r"slot-b.h5 .* \?\n")
        self.assertIn("slot-b.h5 (committed): ", text)
        document = run_json("info", "--variables", self.directory)
        self.assertIsNone(document["slots"][1]["variable_count"])
        self.assertIn("index", document["slots"][1]["reason"])

    def test_bytes_of_hdf5_belong_to_no_variable(self):
        save(self.directory, 2, 2, 1000)
        flip(self.directory / "slot-b.h5", FIRST_BLOCK_OFFSET + BLOCK_BYTES // 2)
        self.assertEqual(self.document()["slots"][1]["damage"][0]["variables"], [])
        self.assertIn("h5ckpt's or HDF5's own bytes, or padding", self.expect(1, "verify", self.directory))

    def test_every_variable_of_a_block_is_named(self):
        save(self.directory, 2, 2, 1000)
        self.assertEqual(run_json("info", self.directory)["slots"][1]["variable_count"], 1004)
        variables = {v["name"]: v for v in run_json("info", "--variables", self.directory)["variables"]}
        at = variables["extra/500"]["offset"]
        flip(self.directory / "slot-b.h5", at)
        damage, = self.document()["slots"][1]["damage"]
        begin, end = damage["offset"], damage["offset"] + damage["bytes"]
        there = [v["name"] for v in variables.values()
                 if v["bytes"] and v["offset"] < end and v["offset"] + v["bytes"] > begin]
        self.assertGreater(len(there), 100)
        named = [name for name in damage["variables"] if not name.startswith("/")]
        self.assertTrue(named == there, f"{named[:3]}…, not {there[:3]}…")  # assertEqual() would compute for minutes
        self.assertIn("'extra/499', 'extra/500', 'extra/501'", self.expect(1, "verify", self.directory))


class WhereItReadFrom(Case):
    def check(self, place):
        with tempfile.TemporaryDirectory(prefix="h5ckpt-command-", dir=place) as work:
            directory = os.path.join(work, "backup")
            save(directory, 2)
            slots = run_json("verify", directory)["slots"]
            text = self.expect(0, "verify", directory)
        self.assertEqual(slots[0]["from_device"], slots[1]["from_device"])
        device = slots[0]["from_device"]
        self.assertEqual(" device\n" in text, device)
        self.assertEqual(" page cache\n" in text, not device)
        self.assertEqual("through the page cache (this file system does not offer more)" in text, not device)
        return device

    def test_it_says_so_where_the_file_system_offers_no_device(self):
        if not os.path.isdir("/dev/shm"):
            self.skipTest("there is no /dev/shm")
        self.assertFalse(self.check("/dev/shm"))

    def test_it_says_so_elsewhere(self):
        print(f"/tmp is read from the {'device' if self.check('/tmp') else 'page cache'}", file=sys.stderr)

    def test_a_slot_without_a_state_is_not_read(self):
        save(self.directory, 1)
        self.assertIsNone(run_json("verify", self.directory)["slots"][1]["from_device"])


class Terminal(Case):
    def on_terminal(self, *arguments, columns=80):
        """What a terminal as standard error is sent."""
        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        attributes = termios.tcgetattr(terminal)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(terminal, termios.TCSANOW, attributes)
        result = run(*arguments, stderr=terminal)
        os.close(terminal)
        sent = b""
        try:
            while chunk := os.read(master, 65536):
                sent += chunk
        except OSError:  # EIO: nobody holds the other end
            pass
        os.close(master)
        self.assertEqual(result.returncode, 0)
        return sent.decode()

    def test_a_bar_is_drawn_and_erased(self):
        save(self.directory, 2)
        sent = self.on_terminal("verify", self.directory)
        self.assertRegex(sent, r"^ *\d+% of 0?\S+ [KM]iB \[#* *\]\r")
        self.assertRegex(sent, r"\r +\r$")

    def test_it_fits_into_the_terminal(self):
        save(self.directory, 2)
        for columns in 10, 25, 40, 80, 500:
            sent = self.on_terminal("verify", self.directory, columns=columns)
            self.assertIn("%", sent)
            self.assertNotIn("\n", sent)
            for line in sent.split("\r"):
                self.assertLess(len(line), columns)

    def test_none_is_drawn_where_nobody_looks(self):
        save(self.directory, 2)
        self.assertEqual(run("verify", self.directory).stderr, b"")
        for arguments in ("verify", "--quiet"), ("verify", "--json"), ("info",):
            self.assertEqual(self.on_terminal(*arguments, self.directory), "")


class Names(Case):
    NASTY = "a\x1b[31m\x07\x7f\xc2\x9b\n".encode("latin-1")  # ESC, BEL, DEL, CSI in UTF-8, and a newline

    def assert_safe(self, output):
        """No control character but the newline, also none of those beyond ASCII."""
        text = output.decode("utf-8", "backslashreplace")
        self.assertNotRegex(text, "[\x00-\x09\x0b-\x1f\x7f-\x9f]")

    def all_ways(self, directory, locale):
        for arguments in (("info",), ("info", "--json"), ("verify",), ("verify", "--json"), ("verify", "--quiet")):
            yield run(*arguments, b"--", directory, locale=locale)
        yield run(b"info", b"--" + self.NASTY, locale=locale)
        yield run(self.NASTY, locale=locale)
        yield run(b"-" + self.NASTY, locale=locale)

    def test_no_control_character_of_a_name_reaches_the_terminal(self):
        present = os.fsencode(self.work) + b"/" + self.NASTY
        save(present, 2)
        damaged = os.fsencode(self.work) + b"/lost" + self.NASTY
        shutil.copytree(present, damaged)
        for slot in b"/slot-a.h5", b"/slot-b.h5":
            flip(damaged + slot, 20)
        for locale in "C", "C.UTF-8":
            for directory in present, damaged, present + b"/missing", present + b"/lock":
                for result in self.all_ways(directory, locale):
                    self.assert_safe(result.stdout)
                    self.assert_safe(result.stderr)

    def test_a_document_tells_the_name_as_it_is(self):
        name = os.fsencode(self.work) + b"/" + self.NASTY
        self.assertEqual(run_json("info", name)["directory"], name.decode())

    def test_a_name_that_is_not_utf_8_still_gives_a_document(self):
        name = os.fsencode(self.work) + b"/gr\xc3\xb6\xff"
        save(name, 1)
        for locale in "C", "C.UTF-8":
            document = run_json("verify", name, locale=locale)
            self.assertTrue(document["directory"].endswith(r"/gr\xc3\xb6\xff"))
            self.assertEqual(document["exit_status"], 0)

    def test_a_document_does_not_depend_on_the_locale(self):
        subprocess.run([MAKE_CHECKPOINT, self.directory], stdout=subprocess.DEVNULL, check=True)
        answers = {run("info", "--json", "--variables", self.directory, locale=locale).stdout
                   for locale in ("C", "C.UTF-8")}
        self.assertEqual(len(answers), 1)
        self.assertIn("größe/重み", [v["name"] for v in json.loads(answers.pop())["variables"]])

    def test_names_are_shown_as_the_locale_can(self):
        save(self.directory, 1)
        self.assertIn("größe", self.expect(0, "info", "--variables", self.directory))
        self.assertIn(r"gr\xc3\xb6\xc3\x9fe", self.expect(0, "info", "--variables", self.directory, locale="C"))


class NothingIsChanged(Case):
    COMMANDS = (("info",), ("info", "--variables", "--json"), ("verify",), ("verify", "--quiet"), ("verify", "--json"),
                ("watch", "--once"))

    def prepare(self):
        """Directories in every condition."""
        sound = self.work / "sound"
        save(sound, 2)
        (self.work / "empty").mkdir()
        for name in "damaged", "lost", "unlocked", "leftover":
            shutil.copytree(sound, self.work / name)
        flip(self.work / "damaged" / "slot-b.h5", 100000)
        for slot in "slot-a.h5", "slot-b.h5":
            flip(self.work / "lost" / slot, 20)
        (self.work / "unlocked" / "lock").unlink()
        (self.work / "leftover" / "slot-a.h5.new").write_bytes(b"half a save")
        return [path for path in self.work.iterdir() if path.is_dir()]

    def test_a_look_changes_nothing(self):
        directories = self.prepare()
        before = fingerprint(self.work)
        for directory in *directories, self.work / "nothing":
            for arguments in self.COMMANDS:
                run(*arguments, directory)
        self.assertEqual(fingerprint(self.work), before)

    def test_nothing_is_opened_for_writing(self):
        if shutil.which("strace") is None:
            self.skipTest("there is no strace")
        trace = self.work / "trace"
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # which does not work below strace
        for directory in self.prepare():
            for arguments in self.COMMANDS:
                subprocess.run(["strace", "-f", "-o", trace, "-e", "trace=%file,%desc", COMMAND, *arguments, directory],
                               env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                calls = trace.read_text()
                self.assertIn("O_RDONLY", calls)
                self.assertNotRegex(calls, r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE")
                self.assertNotRegex(calls, r"(?m)^\d+ +(unlink|rename|link|symlink|mkdir|rmdir|f?truncate|fallocate|"
                                           r"f?chmod|f?chown|utime|pwrite|f(data)?sync)\w*\(")
                self.assertNotRegex(calls, r"F_(OFD_)?SETLK|LOCK_EX")


class House(unittest.TestCase):
    def test_the_command_knows_the_public_header_only(self):
        own = {path.name for path in (SOURCE / "tools").glob("*.h")}
        for path in (SOURCE / "tools").glob("*.[ch]"):
            text = path.read_text()
            self.assertTrue(set(re.findall(r'#include "([^"]+)"', text)) <= own, path)
            self.assertTrue(set(re.findall(r"#include <(h5ckpt[^>]*|H5\w*\.h|hdf5[^>]*)>", text)) <= {"h5ckpt.h"}, path)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    unittest.main(argv=[sys.argv[0], *sys.argv[6:]])
