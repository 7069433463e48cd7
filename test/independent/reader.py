#!/usr/bin/env python3
"""A second reader of backup directories, written from docs/format.md alone and sharing nothing with lib/.

reader.py DIR prints what DIR holds as one JSON document. As a module: read_directory({name: bytes}).
"""

import argparse
import functools
import json
import math
import os
import stat
import struct
import sys
from typing import Any, NamedTuple

from xxhash import xxh3_128_digest as checksum

Files = dict[str, bytes]
Fields = dict[str, Any]

SECTOR = 512
PAGE = 4096
SLOTS = ("slot-a.h5", "slot-b.h5", "slot-c.h5")
NAME_CHARACTERS = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
MAX_NAME = 64  # of a milestone

# --- §2.1 the commit record ---------------------------------------------------------------------------------------------

RECORD_MAGIC = b"\x89H5CKPT\n"
RECORD_CHECKSUM_AT = 496
VERSION = 1
KIND_VOID, KIND_STATE = 0, 1
KNOWN_FEATURES = 0
RECORD = struct.Struct("<8sII7Qq16s16sII6Q16s16s16s16s")
RECORD_FIELDS = (
    "magic version kind sequence base_sequence features_required features_optional epoch batch step wall_time "
    "directory_id run_id slot_count twins file_length block_size index_offset index_length table_offset table_length "
    "schema_digest structure_digest table_digest index_digest"
).split()

# --- §2.2 the variable index --------------------------------------------------------------------------------------------

INDEX_MAGIC = b"H5CKIDX1"
INDEX_HEADER = struct.Struct("<8sQ")
ENTRY = struct.Struct("<QQIBBBBH6x")
MAX_ENTRIES = 1 << 24
MAX_RANK = 32
CLASSES = {1: "int", 2: "uint", 3: "float", 4: "long double", 5: "bool", 6: "complex", 7: "opaque", 8: "string"}
ORDERS = {0: "none", 1: "little", 2: "big"}
LONG_DOUBLES = {0: None, 1: "binary64", 2: "x87", 3: "binary128", 4: "double-double"}
SIZES = {"float": (2, 4, 8), "complex": (8, 16)}  # the other classes have any size
GROUPS = ("state", "settings", "history", "progress")
NUMBER_FORMATS = {
    "int": {1: "b", 2: "h", 4: "i", 8: "q"},
    "uint": {1: "B", 2: "H", 4: "I", 8: "Q"},
    "float": {2: "e", 4: "f", 8: "d"},
    "bool": {1: "b", 2: "h", 4: "i", 8: "q"},
}
MAX_VALUES_SHOWN = 16

# --- §2.5 the history ---------------------------------------------------------------------------------------------------

POSITIONS = ("epoch", "batch", "step")
MAX_LOGS = 1024
NO_VALUE = 0x7FF80000000007A2

# --- §3 the lock, §4 the view -------------------------------------------------------------------------------------------

LOCK_MAGIC = b"\x89H5LOCK\n"
LOCK = struct.Struct("<8sII16s")
PHASES = ("empty", "in use", "deleting")
NOTE = struct.Struct("<IIQQ40sQQQQQQ")
NOTE_FIELDS = (
    "activity slot sequence process_id boot_id acknowledged account_sequence account_save_time account_bytes_written "
    "account_held_up account_open"
).split()
VIEW_MAGIC = b"\x89H5VIEW\n"
VIEW = struct.Struct("<8sII16sII")


class Damage(Exception):
    """What does not hold, as a sentence; `rule` is its number in §2.4."""

    def __init__(self, rule: int, why: str, blocks: tuple[int, ...] = ()) -> None:
        super().__init__(why)
        self.rule, self.why, self.blocks = rule, why, blocks


class Variable(NamedTuple):
    name: str
    class_name: str
    element_size: int
    byte_order: str
    long_double: str | None
    shape: tuple[int, ...]
    offset: int
    byte_count: int


class Slot(NamedTuple):
    """One slot's file as far as it can be judged without the rest of the directory."""

    state: str  # intact, damaged, void, newer
    record: Fields | None  # if its magic, version and checksum are right
    damage: Damage | None
    variables: tuple[Variable, ...]


def require(condition: bool, rule: int, why: str) -> None:
    if not condition:
        raise Damage(rule, why)


# --- A slot -------------------------------------------------------------------------------------------------------------


def parse_record(data: bytes) -> Fields:
    require(len(data) >= SECTOR, 1, "shorter than a record")
    require(data[:8] == RECORD_MAGIC, 1, "no record's magic")
    sealed = checksum(data[:RECORD_CHECKSUM_AT]) == data[RECORD_CHECKSUM_AT:SECTOR]
    require(sealed, 1, "the record does not match its checksum")
    return dict(zip(RECORD_FIELDS, RECORD.unpack_from(data), strict=True))


def is_newer(record: Fields) -> bool:
    return record["version"] > VERSION or bool(record["features_required"] & ~KNOWN_FEATURES)


def count_blocks(record: Fields) -> int:
    return -(-(record["table_offset"] - PAGE) // record["block_size"])


def check_geometry(record: Fields, length: int) -> None:
    block, table, index = record["block_size"], record["table_offset"], record["index_offset"]
    require(PAGE <= block <= 1 << 30 and block & (block - 1) == 0, 3, "block size")
    require(record["file_length"] == length and length % PAGE == 0, 3, "file length")
    require(table % PAGE == 0 and PAGE <= table <= length, 3, "table offset")
    require(record["table_length"] == 16 * count_blocks(record) <= length - table, 3, "table length")
    if index:
        require(index % 8 == 0 and PAGE <= index <= table, 3, "index offset")
        require(record["index_length"] <= table - index, 3, "index length")


def check_blocks(record: Fields, data: bytes) -> None:
    table, size = record["table_offset"], record["block_size"]
    require(checksum(data[table:]) == record["table_digest"], 4, "the table does not match its digest")
    wrong = []
    for number, start in enumerate(range(PAGE, table, size)):
        entry = table + 16 * number
        if checksum(data[start : min(start + size, table)]) != data[entry : entry + 16]:
            wrong.append(number)
    if wrong:
        raise Damage(5, "blocks do not match their checksums", tuple(wrong))


def parse_index(record: Fields, data: bytes) -> tuple[Variable, ...]:
    if not record["index_offset"]:
        return ()
    index = data[record["index_offset"] : record["index_offset"] + record["index_length"]]
    require(checksum(index) == record["index_digest"], 6, "the index does not match its digest")
    require(len(index) >= INDEX_HEADER.size, 6, "the index is too short")
    magic, count = INDEX_HEADER.unpack_from(index)
    require(magic == INDEX_MAGIC, 6, "no index's magic")
    require(count <= min(MAX_ENTRIES, len(index) // ENTRY.size), 6, "number of entries")
    variables, at = [], INDEX_HEADER.size
    for _ in range(count):
        variable, at = parse_entry(index, at, record["index_offset"])
        variables.append(variable)
    require(at == len(index), 6, "the index does not end with its last entry")
    return tuple(variables)


def parse_entry(index: bytes, at: int, end: int) -> tuple[Variable, int]:
    require(at + ENTRY.size <= len(index), 6, "an entry is cut off")
    offset, byte_count, size, klass, order, long_double, rank, name_length = ENTRY.unpack_from(index, at)
    at += ENTRY.size
    require(klass in CLASSES and order in ORDERS and long_double in LONG_DOUBLES, 6, "an entry's type is unknown")
    class_name = CLASSES[klass]
    require(size > 0 and size in SIZES.get(class_name, (size,)), 6, "element size")
    require((long_double != 0) == (class_name == "long double"), 6, "long double format")
    require(order != 0 or class_name in ("opaque", "string") or size == 1, 6, "byte order")
    require(rank <= MAX_RANK and at + 8 * rank + name_length <= len(index), 6, "an entry is cut off")
    shape = struct.unpack_from(f"<{rank}Q", index, at)
    at += 8 * rank
    require(byte_count == size * math.prod(shape), 6, "byte count")
    if byte_count:
        require(PAGE <= offset <= end and byte_count <= end - offset, 6, "a variable lies elsewhere")
    else:
        require(offset == 0, 6, "a variable without bytes has an offset")
    try:
        name = index[at : at + name_length].decode()
    except UnicodeDecodeError:
        raise Damage(6, "a name is not UTF-8") from None
    require(name.split("/")[0] in GROUPS and "/" in name, 6, "a name's group is unknown")
    at = -(-(at + name_length) // 8) * 8
    order_name, format_name = ORDERS[order], LONG_DOUBLES[long_double]
    return Variable(name, class_name, size, order_name, format_name, shape, offset, byte_count), at


@functools.lru_cache(maxsize=64)
def examine(data: bytes) -> Slot:
    """§2.4, but for the directory's id."""
    record = None
    try:
        record = parse_record(data)
        if is_newer(record):
            return Slot("newer", record, None, ())
        require(record["version"] == VERSION, 1, "a version that never was")
        if record["kind"] == KIND_VOID:
            return Slot("void", record, None, ())
        require(record["kind"] == KIND_STATE, 2, "kind")
        check_geometry(record, len(data))
        check_blocks(record, data)
        return Slot("intact", record, None, parse_index(record, data))
    except Damage as damage:
        return Slot("damaged", record, damage, ())


def readable(slot: Slot) -> bool:
    return slot.record is not None and slot.record["version"] == VERSION


# --- Variables and history ----------------------------------------------------------------------------------------------


def read_values(variable: Variable, data: bytes) -> list[Any] | None:
    """A numeric variable's values, or None for a type that Python has no numbers for."""
    code = NUMBER_FORMATS.get(variable.class_name, {}).get(variable.element_size)
    if not code:
        return None
    count = variable.byte_count // variable.element_size
    order = ">" if variable.byte_order == "big" else "<"
    return list(struct.unpack_from(f"{order}{count}{code}", data, variable.offset)) if count else []


def describe_variable(variable: Variable, data: bytes) -> Fields:
    raw = data[variable.offset : variable.offset + variable.byte_count]
    description = variable._asdict() | {"checksum": checksum(raw)}
    if variable.byte_count // variable.element_size <= MAX_VALUES_SHOWN:
        description["values"] = read_values(variable, data)
    return description


def read_history(variables: tuple[Variable, ...], data: bytes) -> Fields | None:
    """§2.5; None where there is no history, or entries that are none."""
    columns = {v.name.removeprefix("history/"): v for v in variables if v.name.startswith("history/")}
    types = {name: (v.class_name, v.element_size, v.shape) for name, v in columns.items()}
    if types.get("count") != ("uint", 8, ()) or "epoch" not in columns:
        return None
    capacity = columns["epoch"].shape
    logs = [name for name in columns if name != "count" and name not in POSITIONS]
    if len(capacity) != 1 or any(types.get(name) != ("uint", 8, capacity) for name in POSITIONS):
        return None
    if len(logs) > MAX_LOGS or any(types[name] != ("float", 8, capacity) for name in logs):
        return None
    if any(name.split("/")[0] in ("count", *POSITIONS) for name in logs):
        return None
    count = read_values(columns["count"], data)[0]
    if count > capacity[0]:
        return None
    history: Fields = {"rows": count, "capacity": capacity[0]}
    history |= {name: read_values(columns[name], data)[:count] for name in POSITIONS}
    bits = {name: read_values(columns[name]._replace(class_name="int"), data)[:count] for name in logs}
    values = {name: read_values(columns[name], data)[:count] for name in logs}
    history["logs"] = {
        name: [None if bit == NO_VALUE else value for bit, value in zip(bits[name], values[name], strict=True)]
        for name in logs
    }
    return history


# --- The lock and the view ----------------------------------------------------------------------------------------------


def parse_lock(data: bytes | None) -> Fields:
    if data is None:
        return {"state": "absent"}
    if len(data) < SECTOR or data[:8] != LOCK_MAGIC or checksum(data[:496]) != data[496:SECTOR]:
        return {"state": "damaged"}
    _, version, phase, directory_id = LOCK.unpack_from(data)
    if version > VERSION:
        return {"state": "newer"}
    if version != VERSION or phase >= len(PHASES) or len(data) != PAGE:
        return {"state": "damaged"}
    return {"state": "intact", "phase": PHASES[phase], "directory_id": directory_id, "note": parse_note(data)}


def parse_note(data: bytes) -> Fields | None:
    if checksum(data[SECTOR:1008]) != data[1008:1024]:
        return None
    note = dict(zip(NOTE_FIELDS, NOTE.unpack_from(data, SECTOR), strict=True))
    note["boot_id"] = note["boot_id"].split(b"\0")[0].decode(errors="replace")
    return note


def parse_view(data: bytes | None) -> Fields | None:
    if data is None or len(data) < VIEW.size:
        return None
    magic, version, _, directory_id, current, previous = VIEW.unpack_from(data)
    if magic != VIEW_MAGIC or version != VERSION:
        return None
    return {"directory_id": directory_id, "current": current, "previous": previous}


# --- The directory ------------------------------------------------------------------------------------------------------


def is_milestone(name: str) -> bool:
    kept = name.removeprefix("milestone-").removesuffix(".h5")
    if len(name) != len(kept) + len("milestone-.h5") or not 1 <= len(kept) <= MAX_NAME:
        return False
    return set(kept) <= NAME_CHARACTERS and kept[0] != "."


def find_id(lock: Fields, slots: dict[str, Slot]) -> bytes | None:
    """The lock's id, or without a lock the one that all slots carry."""
    if lock["state"] == "intact":
        return lock["directory_id"]
    ids = {slot.record["directory_id"] if readable(slot) else None for slot in slots.values()}
    return ids.pop() if len(ids) == 1 else None


def with_id(slot: Slot, directory_id: bytes | None) -> Slot:
    """Rule 2's second half: a slot that carries another id is foreign."""
    if slot.state == "newer" or not readable(slot) or slot.record["directory_id"] == directory_id:
        return slot
    return slot._replace(state="foreign")


def find_abandoned(slots: dict[str, Slot], milestones: dict[str, Slot]) -> set[str]:
    """§5: the names of the slots whose sequence lies between the base's and the own sequence of some record."""
    records = [s.record for s in (*slots.values(), *milestones.values()) if readable(s) and s.state != "foreign"]

    def passed(sequence: int) -> bool:
        return any(r["base_sequence"] < sequence < r["sequence"] for r in records)

    return {name for name, slot in slots.items() if readable(slot) and passed(slot.record["sequence"])}


def answer(lock: Fields, slots: dict[str, Slot], directory_id: bytes | None) -> str:
    """§3's table, and §8's rule that a newer version is left alone."""
    states = {slot.state for slot in slots.values()}
    if lock["state"] == "newer":
        return "newer"
    if lock.get("phase") == "deleting":
        return "none yet"
    if "newer" in states:
        return "newer"
    if lock["state"] == "absent" and not slots:
        return "none yet"
    if directory_id is None:
        return "foreign"
    if "intact" in states:
        return "ours"
    if lock.get("phase") == "empty" or (lock["state"] != "intact" and states == {"void"}):
        return "none yet"
    return "lost"


def read_directory(files: Files) -> Fields:
    """Everything that a directory with these files says."""
    lock = parse_lock(files.get("lock"))
    slots = {name: examine(files[name]) for name in SLOTS if name in files}
    milestones = {name: examine(files[name]) for name in sorted(files) if is_milestone(name)}
    directory_id = find_id(lock, slots)
    slots = {name: with_id(slot, directory_id) for name, slot in slots.items()}
    milestones = {name: with_id(slot, directory_id) for name, slot in milestones.items()}
    abandoned = find_abandoned(slots, milestones)
    result = answer(lock, slots, directory_id)

    intact = [name for name, slot in slots.items() if slot.state == "intact"]
    intact.sort(key=lambda name: (name not in abandoned, slots[name].record["sequence"]), reverse=True)
    restored = intact[0] if result == "ours" else None
    note = lock.get("note")
    fell_back = bool(restored and note and slots[restored].record["sequence"] < note["acknowledged"])
    return {
        "answer": result,
        "restored": restored,
        "fell_back": fell_back,
        "abandoned": sorted(abandoned),
        "directory_id": directory_id,
        "lock": lock,
        "view": parse_view(files.get("checkpoint.h5")),
        "slots": slots,
        "milestones": milestones,
    }


# --- The command --------------------------------------------------------------------------------------------------------


def describe_slot(slot: Slot, data: bytes) -> Fields:
    description: Fields = {"state": slot.state, "record": slot.record}
    if slot.damage:
        description |= {"rule": slot.damage.rule, "why": slot.damage.why, "blocks": slot.damage.blocks}
    if slot.state == "intact":
        description["variables"] = [describe_variable(variable, data) for variable in slot.variables]
        description["history"] = read_history(slot.variables, data)
    return description


def load(directory: str) -> Files:
    """The directory's regular files of the names that count; no symbolic link is followed."""
    files = {}
    for name in os.listdir(directory):
        if name not in ("lock", "checkpoint.h5", *SLOTS) and not is_milestone(name):
            continue
        try:
            descriptor = os.open(os.path.join(directory, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            files[name] = b""  # there, and nothing to be read from it
            continue
        with open(descriptor, "rb") as file:
            files[name] = file.read() if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description="Prints what a backup directory holds, as JSON.")
    parser.add_argument("directory")
    files = load(parser.parse_args().directory)
    report = read_directory(files)
    for kind in ("slots", "milestones"):
        report[kind] = {name: describe_slot(slot, files[name]) for name, slot in report[kind].items()}
    json.dump(report, sys.stdout, indent=2, default=lambda value: value.hex())
    print()


if __name__ == "__main__":
    main()
