#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The benchmark runs, and says what it compared: bench.py H5CKPT_BENCH. No time is judged."""
import json
import subprocess
import sys
import tempfile

COMMANDS = ["save", "restore", "verify", "small", "scaling"]


def main(bench):
    with tempfile.TemporaryDirectory() as directory:
        for command in COMMANDS:
            run = subprocess.run([bench, command, "--bytes", "1M", "--repeat", "5", "--json", "--dir", directory],
                                 stdout=subprocess.PIPE, text=True, check=True)
            document = json.loads(run.stdout)
            text = json.dumps(document)
            assert "device" in text, f"{command}: no yardstick in {text[:200]}"
            print(f"{command}: {len(text)} bytes of JSON")
        usage = subprocess.run([bench, "nonsense"], stderr=subprocess.PIPE)
        assert usage.returncode == 64, usage


main(sys.argv[1])
