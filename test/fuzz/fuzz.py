# SPDX-License-Identifier: MIT
"""Run a fuzz target from the inputs in the tree, for so many executions in each form.

    fuzz.py PROGRAM CORPUS LENGTH TENTH SHORT FULL

LENGTH is that of the longest input. H5CKPT_FUZZ_SECONDS: for so long instead, and always the same inputs: of one commit
CI says one thing. Else chance has its way. What it invents stays in a temporary directory; a finding is printed in base
64, to be kept as a file in CORPUS when it is mended.
"""
import os
import re
import subprocess
import sys
import tempfile

import form

program, corpus, length = sys.argv[1:4]
executions = form.count(*map(int, sys.argv[4:7]))
seconds = os.environ.get("H5CKPT_FUZZ_SECONDS")
inputs = ",".join(sorted(os.path.join(corpus, name) for name in os.listdir(corpus)))  # in one order on every machine

# Entropic schedules and a large quarantine of freed memory take longer than the targets themselves.
environment = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=4:malloc_context_size=12",
                   UBSAN_OPTIONS="halt_on_error=1:abort_on_error=1:print_stacktrace=1")
with tempfile.TemporaryDirectory(prefix="h5ckpt-fuzz-") as directory:
    run = subprocess.run(
        [program, *((f"-max_total_time={seconds}", "-seed=1") if seconds else (f"-runs={executions}",)), f"-max_len={length}",
         "-entropic=0", "-reduce_inputs=0", "-timeout=60", f"-artifact_prefix={directory}/", f"-seed_inputs={inputs}", directory],
        env=environment, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
done = re.search(r"Done (\d+) runs", run.stderr)
if run.returncode != 0 or done is None:
    sys.exit(run.stderr[-12000:] + f"\nexit status {run.returncode}")
print(f"{done.group(1)} executions")
