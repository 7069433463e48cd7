# SPDX-License-Identifier: MIT
"""How much a long suite tries, as form.h says."""
import os

NAMES = ("tenth", "short", "full")
NOW = os.environ.get("H5CKPT_TEST_FORM", "short")
if NOW not in NAMES:
    raise SystemExit(f"H5CKPT_TEST_FORM is '{NOW}', none of {', '.join(NAMES)}")


def count(tenth, short, full):
    return (tenth, short, full)[NAMES.index(NOW)]
