#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark runs, and says what it compared: bench.py H5CKPT_BENCH. No time is judged."""
import json
import subprocess
import sys
import tempfile

# Each with what it compares with.
YARDSTICK = {"save": "device write", "restore": "device read", "verify": "device read", "small": "one device write",
             "scaling": "device write", "overhead": "state", "async": "memcpy, 1 thread", "incremental": "full save",
             "budget": "1 % of the run"}

# Ratios that must be there, by subcommand.
RATIOS = {
    "async": ["stall, staged / memcpy, 1 thread", "stall, fenced, long window / memcpy, 1 thread",
              "stall, forked / memcpy, 1 thread", "stall, forked, huge pages / memcpy, 1 thread",
              "step all over memory, forked, beside a save / step all over memory, forked, alone",
              "durable, fenced, computing / durable, synchronous, waiting"],
    "incremental": ["save, 1 % changed / full save", "save, 1 % changed, told / full save"],
    "overhead": ["extra, save, staged, a quarter / a quarter + 32 MiB"],
    "restore": ["restore from device, blockwise / device read"],
}


def run(bench, command, directory):
    arguments = [bench, command, "--bytes", "1M", "--repeat", "5", "--json", "--dir", directory]
    return json.loads(subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True).stdout)


def check_measure(command, measure):
    """Whoever took part has a value for every repetition; whoever did not says why."""
    for contender in measure["contenders"]:
        if contender["skipped"] is None:
            assert len(contender["values"]) == measure["repeat"], f"{command}: {contender}"
            assert contender["min"] <= contender["median"] <= contender["max"], f"{command}: {contender}"
        else:
            assert contender["skipped"] and contender["values"] is None, f"{command}: {contender}"
    if measure["axis"] is not None:
        assert all(ratio["x"] is not None and ratio["series"] for ratio in measure["ratios"]), f"{command}: no curve"


def check_command(bench, command, directory):
    document = run(bench, command, directory)
    ratios = [ratio for measure in document["measures"] for ratio in measure["ratios"]]
    for measure in document["measures"]:
        check_measure(command, measure)
    assert any(YARDSTICK[command] in ratio["to"] for ratio in ratios), f"{command}: no yardstick"
    missing = set(RATIOS.get(command, [])) - {ratio["name"] for ratio in ratios}
    assert not missing, f"{command}: no {missing}"
    print(f"{command}: {len(ratios)} ratios")


def main(bench):
    with tempfile.TemporaryDirectory() as directory:
        for command in YARDSTICK:
            check_command(bench, command, directory)
        usage = subprocess.run([bench, "nonsense"], stderr=subprocess.PIPE)
        assert usage.returncode == 64, usage


main(sys.argv[1])
