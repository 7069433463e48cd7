#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""reader.py DIR: what a backup directory holds, as JSON. A second reader of the format, written from docs/format.md alone.

It shares nothing with lib/: where the two disagree, one of the three is wrong. As a module it works on bytes in memory:
Directory({name: bytes}).answer and more. Sections (§) are the document's.
"""
import functools
import json
import math
import os
import stat
import struct
import sys
import typing

from xxhash import xxh3_128_digest as checksum

VERSION = 1
SECTOR, PAGE = 512, 4096
SLOTS = ("slot-a.h5", "slot-b.h5", "slot-c.h5")
SEQUENCE_MAX = 1 << 62
WRONG = ("damaged", "interrupted or damaged")


class Damage(Exception):
    """What does not hold. `rule` is its number in §2.4; for rule 5 `blocks` are those that do not match."""

    def __init__(self, rule, why, blocks=()):
        super().__init__(why)
        self.rule, self.why, self.blocks = rule, why, blocks


def require(condition, rule, why):
    if not condition:
        raise Damage(rule, why)


def round_up(number, multiple):
    return -(-number // multiple) * multiple


def is_sealed(data, begin):
    """Does the sector end in the checksum of what is before it? Records, identities and notes do."""
    return len(data) >= begin + SECTOR and checksum(data[begin : begin + 496]) == data[begin + 496 : begin + SECTOR]


# ------------------------------------------------------------------------------------------------ §2.1 the commit record

RECORD_MAGIC = b"\x89H5CKPT\n"
VOID, STATE = 0, 1
FEATURES_KNOWN = 0
RECORD = struct.Struct("<8sII7Qq16s16sII6Q16s16s16s16s")
RECORD_FIELDS = (
    "magic version kind sequence base_sequence features_required features_optional epoch batch step wall_time_ns "
    "directory_id run_id slot_count twins file_length block_size index_offset index_length table_offset table_length "
    "schema_digest structure_digest table_digest index_digest"
).split()


def parse_record(data):
    require(len(data) >= PAGE, 1, "shorter than a user block")
    require(data[:8] == RECORD_MAGIC and is_sealed(data, 0), 1, "the record does not match its checksum")
    record = dict(zip(RECORD_FIELDS, RECORD.unpack_from(data), strict=True))
    require(record["version"] != 0, 1, "there is no version 0")
    require(record["version"] > VERSION or record["sequence"] <= SEQUENCE_MAX, 1, "sequence")
    return record


def check_geometry(record, length):
    block, table, index = record["block_size"], record["table_offset"], record["index_offset"]
    require(record["base_sequence"] < record["sequence"], 3, "sequence")
    require(record["file_length"] == length, 3, "the file has another length")
    require(PAGE <= block <= 1 << 30 and block & (block - 1) == 0, 3, "block size")
    require(table % PAGE == 0 and PAGE < table < length, 3, "table offset")
    require(record["table_length"] == 16 * -(-(table - PAGE) // block), 3, "table length")
    require(round_up(table + record["table_length"], PAGE) == length, 3, "the table does not end with the file")
    require(index % 8 == 0 and PAGE < index <= table, 3, "index offset")
    require(record["index_length"] <= table - index, 3, "index length")


def check_blocks(record, data):
    table, size = record["table_offset"], record["block_size"]
    blocks = [data[at : min(at + size, table)] for at in range(PAGE, table, size)]
    wrong = [i for i, block in enumerate(blocks) if checksum(block) != data[table + 16 * i : table + 16 * i + 16]]
    if wrong:
        raise Damage(5, "blocks do not match their checksums", tuple(wrong))


# ------------------------------------------------------------------------------------------------ §2.2 the variable index

INDEX_MAGIC = b"H5CKIDX1"
ENTRY = struct.Struct("<QQIBBBBH6x")
ENTRIES_MAX, BYTES_MAX, RANK_MAX, NAME_MAX = 1 << 24, 1 << 60, 32, 1023
CLASSES = (None, "int", "uint", "float", "long double", "bool", "complex", "opaque", "string")
ORDERS = ("none", "little", "big")
FORMATS = ("none", "binary64", "x87", "binary128", "double-double")
SIZES = {"int": (1, 2, 4, 8), "uint": (1, 2, 4, 8), "float": (2, 4, 8), "bool": (1, 2, 4, 8), "complex": (8, 16),
         "opaque": range(1, 1 << 24), "string": range(1, 1 << 24)}  # fmt: skip
LONG_DOUBLE_SIZES = {"binary64": (8,), "x87": (12, 16), "binary128": (16,), "double-double": (16,)}
GROUPS = ("state", "settings", "history", "progress")


class Variable(typing.NamedTuple):
    name: str
    kind: str  # its class
    size: int  # of an element
    order: str
    format: str  # of a long double
    shape: tuple
    offset: int
    byte_count: int


def parse_index(record, data):
    index = data[record["index_offset"] : record["index_offset"] + record["index_length"]]
    require(checksum(index) == record["index_digest"], 6, "the index does not match its digest")
    require(len(index) >= 16 and index[:8] == INDEX_MAGIC, 6, "the index does not begin as one")
    count = int.from_bytes(index[8:16], "little")
    require(count <= min(ENTRIES_MAX, (len(index) - 16) // ENTRY.size), 6, "number of entries")
    variables, at = [], 16
    for _ in range(count):
        variable, at = parse_entry(index, at, record["index_offset"])
        variables.append(variable)
    require(at == len(index), 6, "the index does not end with its last entry")
    places = sorted((v.offset, v.offset + v.byte_count) for v in variables if v.byte_count)
    require(all(end <= begin for (_, end), (begin, _) in zip(places, places[1:])), 6, "two variables share bytes")
    return tuple(variables)


def parse_entry(index, at, index_offset):
    require(at + ENTRY.size <= len(index), 6, "an entry is cut off")
    offset, byte_count, size, kind, order, form, rank, name_length = ENTRY.unpack_from(index, at)
    name_at = at + ENTRY.size + 8 * rank
    end = name_at + round_up(name_length, 8)
    require(rank <= RANK_MAX and end <= len(index), 6, "an entry is cut off")
    shape = struct.unpack_from(f"<{rank}Q", index, at + ENTRY.size)
    require(0 < kind < len(CLASSES) and order < len(ORDERS) and form < len(FORMATS), 6, "element type")
    variable = Variable(parse_name(index[name_at : name_at + name_length]), CLASSES[kind], size, ORDERS[order],
                        FORMATS[form], shape, offset, byte_count)  # fmt: skip
    check_type(variable)
    require(all(extent <= BYTES_MAX for extent in shape), 6, "extent")
    require(byte_count == size * math.prod(shape) <= BYTES_MAX, 6, "byte count")
    if byte_count:
        require(PAGE <= offset <= index_offset and byte_count <= index_offset - offset, 6, "place of a variable")
    else:
        require(offset == 0, 6, "place of a variable without bytes")
    return variable, end


def parse_name(raw):
    try:
        group, _, name = raw.decode().partition("/")
    except UnicodeDecodeError:
        raise Damage(6, "a name is not UTF-8") from None
    require(group in GROUPS and 1 <= len(name.encode()) <= NAME_MAX, 6, "name")
    require(all(part not in ("", ".", "..") for part in name.split("/")), 6, "part of a name")
    require(all(ord(character) >= 0x20 and character != "\x7f" for character in name), 6, "character of a name")
    return f"{group}/{name}"


def check_type(variable):
    is_long_double = variable.kind == "long double"
    sizes = LONG_DOUBLE_SIZES.get(variable.format, ()) if is_long_double else SIZES[variable.kind]
    require(variable.size in sizes, 6, "element size")
    require(is_long_double or variable.format == "none", 6, "long double format")
    orderless = variable.size == 1 or variable.kind in ("opaque", "string")
    require((variable.order == "none") == orderless, 6, "byte order")
    require(variable.format != "x87" or variable.order == "little", 6, "byte order of a long double")


# ------------------------------------------------------------------------------------------------ §2.4 valid if and only if


class File(typing.NamedTuple):
    """A slot's or milestone's file, as far as it tells without the rest of the directory."""

    state: str  # newer (version), newer feature, void, intact, damaged
    record: dict | None  # None: not readable
    committed: bool
    damage: Damage | None
    variables: tuple


@functools.lru_cache(maxsize=64)
def examine(data):
    record, committed = None, False
    try:
        record = parse_record(data)
        if record["version"] > VERSION:
            return File("newer", None, False, None, ())
        if record["features_required"] & ~FEATURES_KNOWN:
            return File("newer feature", record, False, None, ())
        if record["kind"] == VOID:
            return File("void", record, False, None, ())
        require(record["kind"] == STATE, 2, "kind")
        check_geometry(record, len(data))
        require(checksum(data[record["table_offset"] :]) == record["table_digest"], 4, "the table does not match")
        committed = True
        check_blocks(record, data)
        return File("intact", record, True, None, parse_index(record, data))
    except Damage as damage:
        return File("damaged", record, committed, damage, ())


# ------------------------------------------------------------------------------------------------ §2.5 the history

POSITIONS = ("epoch", "batch", "step")
LOGS_MAX = 1024
NOT_LOGGED = 0x7FF80000000007A2


def read_history(variables, data):
    """None where there is no history, or entries that are none."""
    entries = [v for v in variables if v.name.startswith("history/")]
    columns = {v.name.removeprefix("history/"): v for v in entries}
    logs = [name for name in columns if name not in ("count", *POSITIONS)]
    if len(columns) != len(entries) or not all(name in columns for name in ("count", *POSITIONS)):
        return None
    capacity = columns["epoch"].shape
    expected = {name: ("float", 8, capacity) for name in logs} | {name: ("uint", 8, capacity) for name in POSITIONS}
    expected["count"] = ("uint", 8, ())
    if len(capacity) != 1 or capacity[0] < 1 or len(logs) > LOGS_MAX:
        return None
    if any((v.kind, v.size, v.shape) != expected[name] for name, v in columns.items()):
        return None
    if any(is_below(log, other) for log in logs for other in columns):
        return None
    count = read_numbers(columns["count"], data, "Q")[0]
    if count > capacity[0]:
        return None
    history = {name: read_numbers(columns[name], data, "Q")[:count] for name in POSITIONS}
    bits = {name: read_numbers(columns[name], data, "Q")[:count] for name in logs}
    return {"capacity": capacity[0], "count": count, **history, "logs": bits}


def is_below(name, group):
    return name.startswith(group + "/")


def read_numbers(variable, data, code):
    count = variable.byte_count // variable.size
    order = ">" if variable.order == "big" else "<"
    return list(struct.unpack_from(f"{order}{count}{code}", data, variable.offset)) if count else []


def show_log(bits):
    return [None if row == NOT_LOGGED else struct.unpack("<d", row.to_bytes(8, "little"))[0] for row in bits]


# ------------------------------------------------------------------------------------------------ §3 the lock

LOCK_MAGIC = b"\x89H5LOCK\n"
PHASES = ("empty", "in use", "deleting")
NO_NOTE = {"activity": 0, "slot": 0, "sequence": 0, "process_id": 0, "boot_id": "", "acknowledged": 0}
NOTE = struct.Struct("<IIQQ40sQ")


ABSENT = "absent"


def parse_lock(data):
    if data is ABSENT or data is None:
        return {"state": "absent" if data else "no regular file", "note": NO_NOTE}
    data = data.ljust(2 * SECTOR, b"\0")  # what is cut off counts as zeros
    if data[:8] != LOCK_MAGIC or not is_sealed(data, 0):
        return {"state": "damaged", "note": parse_note(data)}
    version, phase, directory_id = struct.unpack_from("<II16s", data, 8)
    if version > VERSION:
        return {"state": "newer", "note": NO_NOTE}
    if version != VERSION or phase >= len(PHASES):
        return {"state": "damaged", "note": parse_note(data)}
    return {"state": "intact", "phase": PHASES[phase], "directory_id": directory_id, "note": parse_note(data)}


def parse_note(data):
    if not is_sealed(data, SECTOR):
        return NO_NOTE
    note = dict(zip(NO_NOTE, NOTE.unpack_from(data, SECTOR), strict=True))
    note["boot_id"] = note["boot_id"][:39].split(b"\0")[0].decode(errors="replace")
    within = note["activity"] <= 2 and note["slot"] <= 2
    within = within and note["sequence"] <= SEQUENCE_MAX and note["acknowledged"] <= SEQUENCE_MAX
    return note if within else NO_NOTE


# ------------------------------------------------------------------------------------------------ §9 what a reader finds


def is_milestone(name):
    kept = name.removeprefix("milestone-").removesuffix(".h5")
    return (len(name) == len(kept) + len("milestone-.h5") and 1 <= len(kept) <= 64 and kept[0] != "." and kept.isascii()
            and all(character.isalnum() or character in "._-" for character in kept))  # fmt: skip


def state_of(file, directory_id):
    """Of a file that is there, by its bytes alone. No id: any will do."""
    if file.record is not None and directory_id not in (None, file.record["directory_id"]):
        return "foreign"
    return "newer" if file.state == "newer feature" else file.state


def explain(number, note, boot_id, writer_alive):
    """Of a damaged slot: does the note tell of a save that did not get to its end?"""
    if note["activity"] == 0 or note["slot"] != number:
        return "damaged"
    if note["activity"] == 1 and writer_alive:
        return "being written"
    return "interrupted" if boot_id and note["boot_id"] == boot_id else "interrupted or damaged"


class Directory:
    """`files`: name to bytes, None for what is no regular file; `linked`: those that have another name, too."""

    def __init__(self, files, boot_id="", writer_alive=False, linked=frozenset()):
        self.lock = parse_lock(files.get("lock", ABSENT))
        self.note = self.lock["note"]
        self.same_boot = boot_id != "" and self.note["boot_id"] == boot_id
        self.files = {name: examine(files[name] or b"") for name in SLOTS if name in files}
        self.directory_id = self.lock.get("directory_id")
        self.states, self.missing, self.abandoned, self.restored = {}, [], [], None
        self.milestones = {
            name: "foreign" if data is None else state_of(examine(data), self.directory_id)
            for name, data in sorted(files.items())
            if is_milestone(name)
        }
        self.answer = {"no regular file": "foreign", "newer": "newer"}.get(self.lock["state"])
        if self.lock["state"] in ("absent", "damaged"):
            self.answer = self.identify()
        if self.answer is None:
            irregular = {name for name in SLOTS if files.get(name) is None}
            self.look_at_slots(boot_id, writer_alive, irregular | set(linked))
            self.answer = self.decide() or self.restore()

    def identify(self):
        """Rule 2: the slots make the directory ours, or the answer is returned."""
        ids = {file.record and file.record["directory_id"] for file in self.files.values()}
        if any(file.state.startswith("newer") for file in self.files.values()):
            return "newer"
        if not self.files:
            return "none" if self.lock["state"] == "absent" else "foreign"
        if None in ids or len(ids) > 1:
            return "foreign"
        (self.directory_id,) = ids
        return None

    def look_at_slots(self, boot_id, writer_alive, others):
        for number, name in enumerate(SLOTS):
            if name in self.files:
                self.states[name] = state_of(self.files[name], self.directory_id)
                if self.states[name] == "damaged" and name not in others:
                    self.states[name] = explain(number, self.note, boot_id, writer_alive)
        self.missing = [name for name in self.expected() if name not in self.files]
        self.abandoned = [name for name, file in self.files.items() if self.is_abandoned(file.record)]

    def committed(self):
        return [name for name, file in self.files.items() if file.committed and self.states[name] != "foreign"]

    def expected(self):
        """By the record of the newest committed slot."""
        newest = max(self.committed(), key=self.sequence, default=None)
        if newest is None:
            return []
        count, twins = self.files[newest].record["slot_count"], self.files[newest].record["twins"]
        return [name for i, name in enumerate(SLOTS) if i < count > 1 or twins >> i & 1]

    def sequence(self, name):
        return self.files[name].record["sequence"]

    def is_abandoned(self, record):
        records = [file.record for file in self.files.values() if file.record]
        return record is not None and any(r["base_sequence"] < record["sequence"] < r["sequence"] for r in records)

    def decide(self):
        """The other rules but the last: the answer, unless there is something to give back."""
        states = set(self.states.values())
        if self.lock["state"] != "intact" and states == {"void"} and self.note["acknowledged"] == 0:
            return "none"
        if self.lock.get("phase") == "deleting":
            return "none"
        if self.lock.get("phase") == "empty" and not self.committed() and not states & {"foreign", "newer"}:
            return "none"
        for refused in ("newer", "foreign"):
            if refused in states:
                return refused
        if "intact" not in states and self.lock.get("phase") == "empty":
            return "none"
        if "intact" not in states:
            return "overtaken" if "being written" in states else "lost"
        return None

    def restore(self):
        intact = [name for name, state in self.states.items() if state == "intact"]
        self.restored = self.newest(intact)
        return "fell back" if self.has_fallen_back() else "ok"

    def has_fallen_back(self):
        if self.sequence(self.restored) < self.note["acknowledged"] or self.is_odd(self.restored):
            return True
        if self.same_boot and self.note["acknowledged"] != 0:
            return False
        return self.may_hide_newer(self.restored, self.states)

    def is_odd(self, name):
        """On a branch that was left, or there twice."""
        return name in self.abandoned or [self.sequence(n) for n in self.committed()].count(self.sequence(name)) > 1

    def may_hide_newer(self, name, states):
        wrong = [n for n in states if states[n] in WRONG]
        return bool(self.missing) or any(not self.files[n].record or self.sequence(n) >= self.sequence(name) for n in wrong)

    def previous(self):
        """What is given for the state before the newest one, and how. Blocks count of what is given back alone."""
        if self.answer in ("foreign", "newer", "none"):
            return self.answer, None
        seen = {name: "committed" if name in self.committed() else state for name, state in self.states.items()}
        while True:
            answer, name = self.look_behind(seen)
            if name is None or self.states[name] == "intact":
                return answer, name
            seen[name] = self.states[name]

    def look_behind(self, states):
        """One turn of it, with these states."""
        held = [name for name, state in states.items() if state == "committed"]
        nothing = "overtaken" if "being written" in states.values() else "lost"
        if self.lock.get("phase") == "empty":
            nothing = "none"
        if not held:
            return nothing, None
        newest = self.newest(held)
        wrong = [n for n in states if states[n] in WRONG and self.files[n].record]
        if self.sequence(newest) < max([self.note["acknowledged"], *map(self.sequence, wrong)]):
            return "fell back", newest
        if len(held) > 1:
            name = self.newest([n for n in held if n != newest])
            return "fell back" if self.may_hide_newer(name, states) or self.is_odd(name) else "ok", name
        return nothing if self.missing or set(states.values()) - {"committed", "void"} else "none", None

    def newest(self, names):
        return max(names, key=lambda name: (name not in self.abandoned, self.sequence(name)))


# ------------------------------------------------------------------------------------------------ the command


def load(directory):
    """The files that count, as Directory takes them, and the names of those that have another one, too."""
    files, linked = {}, set()
    for name in os.listdir(directory):
        if name not in ("lock", *SLOTS) and not is_milestone(name):
            continue
        entry = os.lstat(os.path.join(directory, name))
        files[name] = None
        if stat.S_ISREG(entry.st_mode):
            with open(os.path.join(directory, name), "rb") as file:
                files[name] = file.read()
        if entry.st_nlink != 1:
            linked.add(name)
    return files, linked


def describe(state, data):
    file = examine(data)
    description = {"state": state, "record": file.record}
    if file.damage:
        description |= {"rule": file.damage.rule, "why": file.damage.why, "blocks": file.damage.blocks}
    if state == "intact":
        description["variables"] = [describe_variable(variable, data) for variable in file.variables]
        description["history"] = describe_history(read_history(file.variables, data))
    return description


def describe_variable(variable, data):
    return variable._asdict() | {"checksum": checksum(data[variable.offset : variable.offset + variable.byte_count])}


def describe_history(history):
    return history and history | {"logs": {name: show_log(bits) for name, bits in history["logs"].items()}}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    files, linked = load(sys.argv[1])
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        found = Directory(files, file.read().strip(), linked=linked)
    report = {name: value for name, value in vars(found).items() if name not in ("files", "note")}
    report["slots"] = {name: describe(state, files[name] or b"") for name, state in report.pop("states").items()}
    report["milestones"] = {name: describe(state, files[name] or b"") for name, state in found.milestones.items()}
    json.dump(report, sys.stdout, indent=2, default=bytes.hex)
    print()


if __name__ == "__main__":
    main()
