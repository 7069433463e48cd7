#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""compare.py JUDGE MAKE_DIRECTORY MAKE_CHECKPOINT GOLDEN: the library and a reader written from docs/format.md alone agree.

Directories are made by MAKE_DIRECTORY and MAKE_CHECKPOINT, or are those in GOLDEN; they are damaged in many ways, in
memory; and the library (JUDGE) and reader.py say what each of them is: which slot a restore gives back, of the newest
state and of the one before it, and whether that is a step back, or why there is none; the state of every slot and
milestone; damaged blocks; variables, settings and history. Exit status 77 (skipped) without Python's xxhash.
"""
import collections
import itertools
import math
import os
import pathlib
import queue
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time

SKIPPED = 77

try:
    import form
    import reader
    from xxhash import xxh3_128_digest as checksum
except ModuleNotFoundError as missing:
    if missing.name != "xxhash":
        raise
    print("skipped: there is no Python module xxhash (Debian: python3-xxhash)")
    sys.exit(SKIPPED)

SLOTS = reader.SLOTS
SECTOR, PAGE = reader.SECTOR, reader.PAGE
BATCH = 32  # questions under way
SHOWN_MAX = 10  # disagreements

with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as boot_id_file:
    BOOT_ID = boot_id_file.read().strip()

# A directory to ask about. `linked`: names of files that have another name, too.
Case = collections.namedtuple("Case", "what files writer_alive linked content", defaults=(False, frozenset(), False))

# What MAKE_DIRECTORY left, how it was some saves before, and slots of another directory.
World = collections.namedtuple("World", "name files before stranger")

# --------------------------------------------------------------------------------------------------- the library


class Judge:
    """One process that answers many questions; it keeps the files of the last one, so that only what differs is sent."""

    def __init__(self, program, directory):
        os.mkdir(directory)
        self.process = subprocess.Popen([program, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.there = {}
        self.answers = queue.Queue()
        self.taker = threading.Thread(target=self.take, daemon=True)
        self.taker.start()

    def take(self):
        for line in self.process.stdout:
            self.answers.put(line.decode(errors="replace").rstrip("\n").split("\t"))
        self.answers.put(None)  # it has ended

    def ask(self, case):
        wanted = {name: (content, name in case.linked) for name, content in case.files.items()}
        changes = [name for name in self.there if name not in wanted]
        changes += [name for name, file in wanted.items() if self.there.get(name) != file]
        question = [struct.pack("<I", len(changes))]
        for name in changes:
            content, linked = wanted.get(name, (b"", None))
            kind = 0 if linked is None else 3 if content is None else 2 if linked else 1
            encoded = name.encode()
            question += [bytes([len(encoded)]), encoded, struct.pack("<BI", kind, len(content or b"")), content or b""]
        question.append(bytes([case.writer_alive | case.content << 1]))
        self.send(b"".join(question))
        self.there = wanted

    def send(self, question):
        try:
            self.process.stdin.write(question)
        except BrokenPipeError:
            self.has_ended()

    def has_ended(self):
        raise SystemExit(f"the judge ended, with wait status {self.process.wait()}")

    def answer(self):
        answer = self.answers.get(timeout=60)
        if answer is None:
            self.has_ended()
        return answer

    def close(self):
        self.process.stdin.close()
        return self.process.wait()


# --------------------------------------------------------------------------------------------------- the reader, in the library's words

STATUS = {"ok": "H5CKPT_OK", "fell back": "H5CKPT_FELL_BACK", "none": "H5CKPT_NO_CHECKPOINT", "lost": "H5CKPT_E_LOST",
          "foreign": "H5CKPT_E_FOREIGN", "newer": "H5CKPT_E_VERSION", "overtaken": "H5CKPT_E_OVERTAKEN"}  # fmt: skip
STATE = {"void": "reserved", "newer": "of a newer version"}
NOT_LOOKED_AT = "?"


def slot_text(found, name):
    if found.answer != "none" and found.lock["state"] != "intact" and not found.states:
        return NOT_LOOKED_AT
    if name not in found.files:
        return ("missing" if name in found.missing else "absent") + ", 0,"
    file, state = found.files[name], found.states[name]
    if found.answer == "none" and found.lock.get("phase") != "empty" and file.committed and state != "foreign":
        return f"committed, {file.record['sequence']},"  # its blocks are not looked at
    holds_state = file.record is not None and file.record["kind"] == reader.STATE
    blocks = file.damage.blocks if file.damage and state != "foreign" else ()
    return f"{STATE.get(state, state)}, {file.record['sequence'] if holds_state else 0}," + "".join(f" {i}" for i in blocks)


def milestones_text(found, files):
    def sequence(name):
        record = reader.examine(files[name] or b"").record
        return record["sequence"] if record else 0

    if found.lock["state"] in ("newer", "no regular file"):
        return NOT_LOOKED_AT
    text = ""
    for name in sorted(found.milestones, key=lambda name: (sequence(name), name)):
        state = found.milestones[name]
        text += f"{name.removeprefix('milestone-').removesuffix('.h5')}: {STATE.get(state, state)}; "
    return text


def type_text(variable):
    order = "big-endian " if variable.order == "big" else ""
    if variable.kind == "long double":
        form_text = "x87 extended" if variable.format == "x87" else variable.format
        return f"{order}long double ({form_text}, {variable.size} bytes)"
    if variable.kind in ("bool", "opaque", "string"):
        return f"{order}{variable.kind} of {variable.size} byte{'s' if variable.size != 1 else ''}"
    return f"{order}{variable.kind}{8 * variable.size}"


def content_texts(variables, data):
    programs = settings = history = ""
    for v in variables:
        group, _, name = v.name.partition("/")
        text = f"{name}: {type_text(v)} [{', '.join(map(str, v.shape))}] "
        if group == "state":
            programs += f"{text}{v.byte_count} at {v.offset}; "
        if group == "settings":
            settings += f"{text}{data[v.offset : v.offset + v.byte_count].hex()}; "
    found = reader.read_history(variables, data)
    if found:
        history = "".join(f"{e} {b} {s}; " for e, b, s in zip(found["epoch"], found["batch"], found["step"], strict=True))
        history += "".join(f"{log}:{''.join(f' {bits:x}' for bits in rows)}; " for log, rows in found["logs"].items())
    elif any(v.name.startswith("history/") for v in variables):
        history = "none"
    return [programs, settings, history]


def reader_answer(case):
    found = reader.Directory(case.files, BOOT_ID, case.writer_alive, case.linked)
    restored = SLOTS.index(found.restored) if found.restored else -1
    status = [STATUS[found.answer], str(restored)]
    records = [file.record for file in found.files.values() if file.record]
    is_told = found.lock["state"] == "intact" or any(record["kind"] == reader.STATE for record in records)
    answer = [*status, found.directory_id.hex() if found.directory_id and is_told else ""]
    answer += [slot_text(found, name) for name in SLOTS]
    answer.append(milestones_text(found, case.files))
    if case.content and found.restored:
        answer += content_texts(found.files[found.restored].variables, case.files[found.restored])
    previous, name = found.previous()
    return answer + status + [STATUS[previous], str(SLOTS.index(name) if name else -1)]


# --------------------------------------------------------------------------------------------------- comparing


class Comparison:
    def __init__(self, judge):
        self.judge = judge
        self.case_count = 0
        self.failure_count = 0

    def check(self, condition, what):
        if condition:
            return
        self.failure_count += 1
        if self.failure_count <= SHOWN_MAX:
            print(f"FAILED: {what}")

    def compare(self, what, cases):
        """Ask about each case, and print how many gave what."""
        began = time.monotonic()
        answers = collections.Counter()
        cases = iter(cases)
        while batch := list(itertools.islice(cases, BATCH)):
            for case in batch:
                self.judge.ask(case)
            self.judge.process.stdin.flush()
            for case in batch:
                answers[self.compare_one(case)] += 1
        count = sum(answers.values())
        self.case_count += count
        told = ", ".join(f"{number} {status}" for status, number in answers.most_common())
        print(f"{count} {what} in {time.monotonic() - began:.1f} s: {told}", flush=True)

    def compare_one(self, case):
        mine = reader_answer(case)
        theirs = self.judge.answer()
        self.check(mine == theirs, f"{case.what}\n    library {theirs}\n    reader  {mine}")
        return theirs[0].removeprefix("H5CKPT_")


# --------------------------------------------------------------------------------------------------- damage by chance


def sample(count, wanted):
    """`wanted` of the numbers below `count`, evenly; or all."""
    wanted = min(count, wanted)
    return (i * count // wanted for i in range(wanted))


def with_file(world, name, content):
    return world.files | {name: content}


def places(world, unit, wanted):
    """Name, offset: in every file, which come by turns, so many of all the places a unit apart."""
    names = [name for name, content in world.files.items() if name != "checkpoint.h5" and content]
    for name in names:
        for i in sample(len(world.files[name]) * 8 // unit, wanted // len(names) + 1):
            yield name, i * unit // 8, i * unit % 8


def bits(world, wanted):
    for name, at, bit in places(world, 1, wanted):
        content = bytearray(world.files[name])
        content[at] ^= 1 << bit
        yield Case(f"{world.name}: {name}, byte {at}, bit {bit}", with_file(world, name, bytes(content)))


def lengths(world, wanted):
    for name, at, _ in places(world, 8, wanted):
        yield Case(f"{world.name}: {name} cut to {at} bytes", with_file(world, name, world.files[name][:at]))
    for name, content in world.files.items():
        for more in (1, SECTOR, PAGE):
            yield Case(f"{world.name}: {name} with {more} bytes more", with_file(world, name, content + bytes(more)))


def sectors(world, wanted):
    chance = random.Random(1)
    for name, at, _ in places(world, 8 * SECTOR, wanted // 5):
        neighbour = world.files[SLOTS[1] if name == SLOTS[0] else SLOTS[0]] if SLOTS[0] in world.files else b""
        lost = {"zeroed": bytes(SECTOR), "ones": b"\xff" * SECTOR, "random": chance.randbytes(SECTOR),
                "of the first or second slot": neighbour[at : at + SECTOR],
                "as before": world.before.get(name, b"")[at : at + SECTOR]}  # fmt: skip
        for how, sector in lost.items():
            content = world.files[name][:at] + sector + world.files[name][at + SECTOR :]
            yield Case(f"{world.name}: {name}, sector {at // SECTOR} {how}", with_file(world, name, content))


# --------------------------------------------------------------------------------------------------- damage that was sealed

NUMBERS = (0, 1, 2, 3, 7, 8, 16, 512, 4095, 4096, 4097, 8192, 65536, 1 << 24, 1 << 30, 1 << 31, 1 << 60, 1 << 62,
           (1 << 62) + 1, 1 << 63, (1 << 64) - 1)  # fmt: skip
RECORD_NUMBERS = {8: 4, 12: 4, 16: 8, 24: 8, 32: 8, 40: 8, 48: 8, 72: 8, 112: 4, 116: 4, 120: 8, 128: 8, 136: 8, 144: 8,
                  152: 8, 160: 8}  # fmt: skip
RECORD_BYTES = (80, 96, 168, 184, 200, 216, 232, 495)
LOCK_NUMBERS = {8: 4, 12: 4, 512: 4, 516: 4, 520: 8, 528: 8, 576: 8, 584: 8, 592: 8}
LOCK_BYTES = (16, 31, 32, 495, 536, 571, 572, 575, 624, 1007)
ENTRY_NUMBERS = {0: 8, 8: 8, 16: 4, 20: 1, 21: 1, 22: 1, 23: 1, 24: 2, 26: 2, 32: 8}


def seal(content, begin=0):
    return content[: begin + 496] + checksum(content[begin : begin + 496]) + content[begin + SECTOR :]


def put(content, at, replacement):
    return content[:at] + replacement + content[at + len(replacement) :]


def other_numbers(content, at, size):
    """What might be there instead of a number: those that mean something, and its neighbours."""
    number = int.from_bytes(content[at : at + size], "little")
    near = {number + i for step in (1, 8, 16, PAGE) for i in (-step, step)} | {2 * number, number // 2}
    for other in sorted((near | set(NUMBERS)) - {number}):
        if 0 <= other < 1 << 8 * size:
            yield put(content, at, other.to_bytes(size, "little")), f"{other} for {number}"


def sealed_sectors(world, wanted):
    """Every number of every record and of the lock another one, and some bytes that are no numbers."""
    changed = []
    for name in [*SLOTS, "lock"]:
        content = world.files.get(name)
        if content is None:
            continue
        numbers, single = (LOCK_NUMBERS, LOCK_BYTES) if name == "lock" else (RECORD_NUMBERS, RECORD_BYTES)
        for at, size in numbers.items():
            changed += [(name, at, other, what) for other, what in other_numbers(content, at, size)]
        changed += [(name, at, put(content, at, bytes([content[at] ^ 0x41])), "another byte") for at in single]
    for i in sample(len(changed), wanted):
        name, at, other, what = changed[i]
        sealed = seal(other, at // SECTOR * SECTOR)
        yield Case(f"{world.name}: {name}, at {at} {what}, sealed", with_file(world, name, sealed))


def rebuilt(content, index, index_shift=0, block_size=1 << 16, more_pages=0, slack_pages=0):
    """The slot with another index, elsewhere, other blocks, a table so many pages further back, more pages behind it; sealed."""
    begin = reader.parse_record(content)["index_offset"] + index_shift
    table = reader.round_up(begin + len(index), PAGE) + more_pages * PAGE
    content = content[: begin - index_shift] + bytes(index_shift) + index
    content += bytes(table - len(content))
    blocks = [checksum(content[at : min(at + block_size, table)]) for at in range(PAGE, table, block_size)]
    length = reader.round_up(table + 16 * len(blocks), PAGE) + slack_pages * PAGE
    content += b"".join(blocks) + bytes(length - table - 16 * len(blocks))
    content = put(content, 120, struct.pack("<6Q", length, block_size, begin, len(index), table, 16 * len(blocks)))
    return seal(put(content, 200, checksum(content[table:]) + checksum(index)))


def with_index(content, index):
    return rebuilt(content, index)


def rebuilt_slots(world, wanted):
    """Of every geometry; half of them with a damaged block, and the index in the first or the last one."""
    chance = random.Random(5)
    name = newest_slot(world)
    block_sizes = (2048, 4096, 8192, 12288, 65536, 1 << 20, 1 << 30, 1 << 31)
    geometries = list(itertools.product((0, 0, 1, 4, 8, 12, PAGE, 20 * PAGE), block_sizes, (0, 0, 1, 2, 20), (0, 0, 0, 1)))
    for number in range(wanted):
        geometry = chance.choice(geometries)
        content = rebuilt(world.files[name], index_of(world.files[name]), *geometry)
        damage = sorted(chance.choices(range(PAGE, len(content)), k=chance.choice((0, 0, 1, 2, 3))))
        for at in damage:
            content = put(content, at, bytes([content[at] ^ 1]))
        yield Case(f"{world.name}: {name}, rebuilt {number}: {geometry}, damaged at {damage}", with_file(world, name, content), content=True)


def index_of(content):
    record = reader.parse_record(content)
    return content[record["index_offset"] : record["index_offset"] + record["index_length"]]


def newest_slot(world):
    return reader.Directory(world.files, BOOT_ID).restored


def sealed_entries(world, wanted):
    """Every number of every entry, and every byte, another one."""
    name = newest_slot(world)
    content = world.files[name]
    index = index_of(content)
    changed, at = list(other_numbers(index, 8, 8)), 16
    while at < len(index):
        changed += [pair for field, size in ENTRY_NUMBERS.items() for pair in other_numbers(index, at + field, size)]
        at += 32 + 8 * index[at + 23] + reader.round_up(int.from_bytes(index[at + 24 : at + 26], "little"), 8)
    changed += [(index[:length], f"cut to {length}") for length in range(0, len(index), 5)] + [(index + bytes(8), "longer")]
    changed += [(put(index, at, bytes([byte])), f"byte {byte} at {at}") for at in range(len(index)) for byte in b"\0/.\x1f\x7f\xe9"]
    for i in sample(len(changed), wanted):
        other, what = changed[i]
        yield Case(f"{world.name}: {name}, index: {what}", with_file(world, name, with_index(content, other)), content=True)


def entry(name, kind, size, order, form_number, shape, offset, byte_count):
    head = struct.pack("<QQIBBBBH6x", offset, byte_count, size, kind, order, form_number, len(shape), len(name))
    return head + struct.pack(f"<{len(shape)}Q", *shape) + name + bytes(-len(name) % 8)


def with_entries(content, entries):
    return with_index(content, reader.INDEX_MAGIC + struct.pack("<Q", len(entries)) + b"".join(entries))


GOOD_NAMES = ("a", "a/b", "größe", "...", "a b", "x" * 1023, "é" * 511 + "x", "\U0010ffff")
BAD_NAMES = ("", "/", "a/", "/a", "a//b", ".", "..", "a/.", "a/../b", "a\tb", "\x7f", "x" * 1024, "é" * 512)
BAD_RAW_NAMES = (b"state/\xff", b"state/\xc0\xaf", b"state/\xed\xa0\x80", b"state/\xf4\x90\x80\x80", b"state/a\0b", b"state",
                 b"State/a", b"", b"state/\xe2\x82", b"other/a", b"/state/a")  # fmt: skip
GOOD_TYPES = ((1, 1, 0, 0), (1, 8, 1, 0), (2, 2, 2, 0), (2, 4, 1, 0), (3, 2, 1, 0), (3, 4, 2, 0), (3, 8, 1, 0), (4, 8, 1, 1), (4, 12, 1, 2),
              (4, 16, 1, 2), (4, 16, 2, 3), (4, 16, 1, 4), (5, 1, 0, 0), (5, 4, 2, 0), (6, 8, 1, 0), (6, 16, 2, 0), (7, 1, 0, 0), (7, 5, 0, 0),
              (7, (1 << 24) - 1, 0, 0), (8, 1, 0, 0), (8, 16, 0, 0))  # fmt: skip
SIZES = (0, 1, 2, 3, 4, 5, 8, 12, 16, 32, 1 << 24, (1 << 32) - 1)
BAD_EXTENTS = (1 << 31, 1 << 32, 1 << 60, (1 << 60) + 1, (1 << 64) - 1)
GROUPS = ("state", "settings", "history", "progress")


def random_entry(chance, end):
    """One that is possible, or of which a thing or two are not."""

    def is_wrong():
        return chance.random() < 0.12

    name = f"{chance.choice(GROUPS)}/{chance.choice(BAD_NAMES if is_wrong() else GOOD_NAMES)}".encode()
    kind, size, order, form_number = chance.choice(GOOD_TYPES)
    if is_wrong():
        name = chance.choice(BAD_RAW_NAMES)
    if is_wrong():
        size = chance.choice(SIZES)
    if is_wrong():
        kind, order, form_number = chance.choice(((kind, 3 - order, form_number), (4, order, form_number), (kind, order, chance.randrange(6)),
                                                  (chance.randrange(10), chance.randrange(4), chance.randrange(6))))  # fmt: skip
    shape = [chance.choice((0, 1, 1, 2, 3, 7)) for _ in range(chance.choice((0, 0, 1, 1, 1, 2, 3, 32, 33)))]
    if shape and is_wrong():
        shape[-1] = chance.choice(BAD_EXTENTS)
    byte_count = size * math.prod(shape) % (1 << 64)
    offset = chance.choice((PAGE, (end - byte_count) % (1 << 64), PAGE + 1)) if byte_count else 0
    if is_wrong():
        offset = chance.choice((0, 1, PAGE - 1, end, end - byte_count + 1, 1 << 63)) % (1 << 64)
    if is_wrong():
        byte_count = chance.choice(NUMBERS)
    return entry(name, kind, size, order, form_number, shape, offset, byte_count)


def random_entries(world, wanted):
    """Entries of every type, shape and name, possible and impossible."""
    chance = random.Random(2)
    name = newest_slot(world)
    content = world.files[name]
    end = reader.parse_record(content)["index_offset"]
    for number in range(wanted):
        one = random_entry(chance, end)
        what = f"{world.name}: {name}, entry {number}: {one.hex()}"
        yield Case(what, with_file(world, name, with_entries(content, [one])), content=True)


LOGS = ("loss", "val/loss", "val", "count/x", "epoch", "größe", "losses")
ROWS = (0, 1, 2, 3, 5, reader.NOT_LOGGED, 0x7FF8000000000000, 0x3FF0000000000000)


def random_columns(chance, capacity):
    """Name, class, size, shape: those of a history, or almost."""
    columns = [("count", 2, 8, ())] + [(position, 2, 8, (capacity,)) for position in reader.POSITIONS]
    columns += [(log, 3, 8, (capacity,)) for log in chance.sample(LOGS, chance.randrange(4))]
    if chance.random() < 0.1:
        columns.pop(chance.randrange(len(columns)))
    if chance.random() < 0.1:
        columns.append(chance.choice(columns))
    if chance.random() < 0.5:
        chance.shuffle(columns)
    if chance.random() < 0.2:
        at = chance.randrange(len(columns))
        name, kind, size, shape = columns[at]
        others = ((kind ^ 1, size, shape), (kind, 4, shape), (kind, size, (3,)), (kind, size, (1, 2)), (kind, size, ()))
        columns[at] = (name, *chance.choice(others))
    return columns


def random_histories(world, wanted):
    """Sets of columns that are a history, or almost one."""
    chance = random.Random(3)
    name = newest_slot(world)
    content = world.files[name]
    for number in range(wanted):
        capacity = chance.choice((1, 2, 2, 4, 4, 0))
        columns = random_columns(chance, capacity)
        order = chance.choice((1, 1, 1, 2))
        numbers = [chance.choice((0, 1, 2, capacity, capacity + 1))] + [chance.choice(ROWS) for _ in range(15)]
        entries = []
        for column, kind, size, shape in columns:
            byte_count = size * math.prod(shape)
            offset = PAGE if column == "count" else PAGE + 8 * chance.randrange(1, 8)
            entries.append(entry(f"history/{column}".encode(), kind, size, order, 0, shape, offset if byte_count else 0, byte_count))
        data = put(content, PAGE, struct.pack("<16Q" if order == 1 else ">16Q", *numbers))
        what = f"{world.name}: {name}, history {number}: {columns}, {numbers}"
        yield Case(what, with_file(world, name, with_entries(data, entries)), content=True)


# --------------------------------------------------------------------------------------------------- whole files


def without_record(content):
    return put(content, 20, bytes([content[20] ^ 1]))


def slot_choices(world):
    """What may be under a slot's name: what has been there, and each sort of damage."""
    whole = {name: content for name, content in world.files.items() if name in SLOTS}
    choices = {"no file": None, "no regular file": "link", "empty": b"", "zeros": bytes(PAGE * 4), "text": b"a stranger's\n" * 100}
    choices |= {f"{name} before": content for name, content in world.before.items() if name in SLOTS}
    for name, content in whole.items():
        record, index_at = reader.parse_record(content), reader.parse_record(content)["index_offset"]
        flipped = bytes([content[PAGE] ^ 1])
        choices |= {
            name: content,
            f"{name} without a record": without_record(content),
            f"{name}, void": seal(put(content, 12, bytes(4 + 56))),
            f"{name}, of kind 2": seal(put(content, 12, b"\2")),
            f"{name}, newer": seal(put(content, 8, b"\2")),
            f"{name}, of version 0": seal(put(content, 8, b"\0")),
            f"{name}, with a feature": seal(put(content, 32, b"\1")),
            f"{name}, foreign": seal(put(content, 80, b"another")),
            f"{name}, foreign, newer": seal(put(put(content, 80, b"another"), 8, b"\2")),
            f"{name}, foreign, with a feature": seal(put(put(content, 80, b"another"), 32, b"\1")),
            f"{name}, a later save": seal(put(content, 16, (record["sequence"] + 1).to_bytes(8, "little"))),
            f"{name}, after a roll back": seal(put(put(content, 16, (record["sequence"] + 2).to_bytes(8, "little")), 24, b"\1")),
            f"{name}, alone": seal(put(content, 112, struct.pack("<II", 1, 0))),
            f"{name}, of three": seal(put(content, 112, struct.pack("<II", 3, 0))),
            f"{name}, with a twin in c": seal(put(content, 112, struct.pack("<II", 1, 4))),
        }
        if record["kind"] == reader.STATE:
            choices |= {
                f"{name}, block damaged": put(content, PAGE, flipped),
                f"{name}, table damaged": put(content, record["table_offset"], bytes(8)),
                f"{name}, longer": content + bytes(PAGE),
                f"{name}, index damaged": with_index(content, content[index_at : index_at + 20]),
                f"{name}, of length 0": seal(put(content, 120, bytes(8))),
            }
    choices |= {f"a stranger's {name}": content for name, content in world.stranger.items() if name in SLOTS}
    return choices


def note(content, activity, slot, sequence, boot_id, acknowledged):
    text = boot_id.encode()
    return seal(put(content, SECTOR, struct.pack("<IIQQ40sQ", activity, slot, sequence, 1, text, acknowledged)), SECTOR)


def ends_in_zero(lock):
    """With such an id that the first sector ends in a zero."""
    ids = (seal(put(lock, 16, number.to_bytes(16, "big"))) for number in itertools.count())
    return next(other for other in ids if other[SECTOR - 1] == 0)


def lock_choices(world):
    lock = world.files["lock"]
    sequences = [reader.parse_record(content)["sequence"] for name, content in world.files.items() if name in SLOTS]
    newest = max(sequences, default=1)
    choices = {"as it was": lock, "no file": None, "no regular file": "link", "empty file": b"", "zeros": bytes(PAGE), "text": b"mine\n",
               "damaged": put(lock, 20, bytes([lock[20] ^ 1])), "newer": seal(put(lock, 8, b"\2")), "of version 0": seal(put(lock, 8, b"\0")),
               "foreign": seal(put(lock, 16, b"another")), "cut to a sector": lock[:SECTOR], "cut short": lock[: SECTOR - 1],
               "cut of zeros": ends_in_zero(lock)[: SECTOR - 1],
               "longer": lock + b"more", "without a note": put(lock, SECTOR, bytes(SECTOR))}  # fmt: skip
    for phase, name in enumerate((*reader.PHASES, "none")):
        choices[f"phase {name}"] = seal(put(lock, 12, bytes([phase])))
    for activity, slot, boot_id, acknowledged in itertools.product((0, 1, 2, 3), (0, 1, 2, 3), (BOOT_ID, "another"), (0, newest - 1, newest, newest + 1)):
        what = f"note {activity} {slot} {boot_id == BOOT_ID} {acknowledged}"
        choices[what] = note(lock, activity, slot, newest + 1, boot_id, acknowledged)
    choices["empty, saving"] = note(choices["phase empty"], 1, 0, 1, BOOT_ID, 0)
    return choices


def directories(world, wanted):
    """Any file under any name, under any lock: `wanted` by chance."""
    chance = random.Random(4)
    slots, locks = slot_choices(world), lock_choices(world)
    milestones = {what: content for what, content in slots.items() if content != "link" or what == "no regular file"}
    plain_locks = [what for what in locks if not what.startswith("note")]
    for _ in range(wanted):
        lock = chance.choice(plain_locks if chance.random() < 0.4 else list(locks))
        chosen = {"lock": lock, **{name: chance.choice(list(slots)) for name in SLOTS}}
        if chance.random() < 0.5:
            chosen[SLOTS[2]] = "no file"
        if chance.random() < 0.3:
            chosen["milestone-a.h5"] = chance.choice(list(milestones))
        contents = {name: (locks if name == "lock" else slots)[what] for name, what in chosen.items()}
        files = {name: None if content == "link" else content for name, content in contents.items() if content is not None}
        regular = [name for name, content in files.items() if content is not None and name in SLOTS]
        linked = frozenset([chance.choice(regular)]) if regular and chance.random() < 0.1 else frozenset()
        alive = chance.random() < 0.3 and files.get("lock") is not None
        yield Case(f"{world.name}: {chosen}, linked {set(linked)}, writer {alive}", files, alive, linked)


def missing_files(world):
    """Every subset of the files; and every order of the slots."""
    names = list(world.files)
    for count in range(len(names) + 1):
        for gone in itertools.combinations(names, count):
            files = {name: content for name, content in world.files.items() if name not in gone}
            yield Case(f"{world.name}: without {gone}", files)
    there = [name for name in SLOTS if name in world.files]
    for order in itertools.permutations(there):
        files = world.files | {name: world.files[other] for name, other in zip(there, order, strict=True)}
        yield Case(f"{world.name}: the slots as {order}", files)


# --------------------------------------------------------------------------------------------------- worlds


def read_files(directory):
    """Without the view, on which nothing depends."""
    return {path.name: path.read_bytes() for path in sorted(pathlib.Path(directory).glob("*")) if path.name != "checkpoint.h5"}


class Maker:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.stranger = {}

    def make(self, name, slots, number_count, before, after):
        directory = os.path.join(self.directory, name)
        self.act(directory, slots, number_count, before)
        files_before = read_files(directory)
        self.act(directory, slots, number_count, after)
        return World(name, read_files(directory), files_before, self.stranger)

    def act(self, directory, slots, number_count, actions):
        subprocess.run([self.program, directory, str(slots), str(number_count), *actions.split()], check=True)


def make_worlds(program, directory):
    """Small ones, of every sort."""
    maker = Maker(program, directory)
    maker.stranger = maker.make("stranger", 2, 10, "save", "save").files
    return [
        maker.make("two slots", 2, 10, "save save", "save save keep:best"),
        maker.make("three slots", 3, 10, "save save save", "save save"),
        maker.make("one slot", 1, 10, "save", "save"),
        maker.make("first save", 2, 10, "", "save"),
        maker.make("rolled back", 3, 10, "save keep:start save", "save back:start"),
        maker.make("rolled back, and on", 3, 10, "save keep:start save save", "back:start save"),
        maker.make("deleted", 2, 10, "save keep:best", "delete"),
    ]


def golden_worlds(parent):
    return [World(path.name, read_files(path), {}, {}) for path in sorted(pathlib.Path(parent).iterdir()) if path.is_dir()]


def check_values(comparison, program, directory):
    """What MAKE_CHECKPOINT says that it saved, type by type, is what the reader finds."""
    lines = subprocess.run([program, directory], check=True, stdout=subprocess.PIPE).stdout.decode().splitlines()
    files = read_files(directory)
    for line in lines:
        which, path, _, shape, expected = line.split("\t")
        slot = SLOTS[0] if which == "previous" else SLOTS[1]
        found = [v for v in reader.examine(files[slot]).variables if "/" + v.name == path]
        comparison.check(len(found) == 1, f"{which} {path}: {len(found)} found")
        for v in found:
            got = files[slot][v.offset : v.offset + v.byte_count].hex()
            shape_text = ",".join(map(str, v.shape)) or "-"
            comparison.check((got, shape_text) == (expected, shape), f"{which} {path}: {shape_text} {got}, not {shape} {expected}")
    print(f"{len(lines)} variables, settings and columns have the values that were saved")
    comparison.case_count += len(lines)
    return World("every type", files, {}, {})


# --------------------------------------------------------------------------------------------------- main


THOROUGHLY = ("two slots", "first save", "rolled back", "v1", "v1-damaged", "v1-newer")  # in the full form every bit of these


def compare_all(comparison, worlds, golden, types):
    every = 1 << 62
    small = [*worlds, *golden]
    comparison.compare("directories as they were made", (Case(w.name, w.files, content=True) for w in [*small, types]))
    for world in small:
        in_full = every if world.name in THOROUGHLY else 50000
        some, few = form.count(30, 300, in_full), form.count(15, 150, in_full)
        comparison.compare(f"flipped bits ({world.name})", bits(world, some))
        comparison.compare(f"lengths ({world.name})", lengths(world, few))
        comparison.compare(f"sectors ({world.name})", sectors(world, few))
    few = form.count(20, 150, 20000)
    comparison.compare("flipped bits (every type)", bits(types, few))
    comparison.compare("sectors (every type)", sectors(types, few))
    for world in worlds:
        comparison.compare(f"subsets and orders of files ({world.name})", missing_files(world))
        some = form.count(60, 600, every)
        comparison.compare(f"records and locks with other numbers, sealed ({world.name})", sealed_sectors(world, some))
        some = form.count(80, 800, 50000)
        comparison.compare(f"directories of all sorts of files ({world.name})", directories(world, some))
    for world in worlds[:2]:
        some, few = form.count(100, 1000, 50000), form.count(50, 500, 20000)
        entries, indexes, histories = sealed_entries(world, few), random_entries(world, some), random_histories(world, few)
        comparison.compare(f"other bytes of the index, sealed ({world.name})", entries)
        comparison.compare(f"other geometries, sealed ({world.name})", rebuilt_slots(world, some))
        comparison.compare(f"other indexes, sealed ({world.name})", indexes)
        comparison.compare(f"other histories, sealed ({world.name})", histories)


def main():
    judge_program, make_directory, make_checkpoint, golden_parent = map(os.path.abspath, sys.argv[1:])
    work = tempfile.mkdtemp(prefix="h5ckpt-independent-")
    try:
        judge = Judge(judge_program, os.path.join(work, "asked"))
        comparison = Comparison(judge)
        types = check_values(comparison, make_checkpoint, os.path.join(work, "types"))
        compare_all(comparison, make_worlds(make_directory, work), golden_worlds(golden_parent), types)
        comparison.check(judge.close() == 0, "the judge ended with an error")
    finally:
        shutil.rmtree(work)
    print(f"{comparison.case_count} cases, {comparison.failure_count} disagreements")
    return 1 if comparison.failure_count else 0


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    sys.exit(main())
