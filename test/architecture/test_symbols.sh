#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The shared library exports exactly what the public header declares.
#
# usage: test_symbols.sh LIBRARY HEADER
set -euo pipefail
exported=$(nm -D --defined-only "$1" | awk '{ print $3 }' | sort)
declared=$(grep -o 'h5ckpt_[a-z_]*(' <(grep -A 3 '^H5CKPT_API' "$2") | tr -d '(' | sort -u)
diff <(echo "$declared") <(echo "$exported") && echo "$(echo "$exported" | wc -l) symbols"
