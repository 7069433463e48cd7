#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A program of three files is built against the installed library, with nothing but what pkg-config says;
# its second life goes on where the first ended.
#
# usage: test_install.sh BUILD SOURCE COMPILER…
set -euo pipefail
build=$1 source=$2
shift 2
command -v pkg-config >/dev/null || { echo "skipped: there is no pkg-config"; exit 77; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root ninja -C "$build" install >/dev/null # by the meson that made the build directory
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR=$root
PKG_CONFIG_PATH=$(dirname "$(find "$root" -name h5ckpt.pc)")
library=$(dirname "$(find "$root" -name libh5ckpt.so)")

fail() { echo "FAILED: $1" >&2; exit 1; }

# Runs the program given twice: three epochs, then up to five.
check() {
    local undisturbed resumed
    undisturbed=$("$1" "$root/$2-backup-undisturbed" 5)
    "$1" "$root/$2-backup" 3 >/dev/null
    resumed=$("$1" "$root/$2-backup" 5)
    [ "${resumed#*,}" = "${undisturbed#*,}" ] || fail "$2: '$resumed', not '$undisturbed'"
    case $resumed in "from epoch 3,"*) ;; *) fail "$2: it did not resume: $resumed" ;; esac
    echo "$2: $resumed"
}

read -ra flags < <(pkg-config --cflags --libs h5ckpt)
"$@" -o "$root/shared" "$source/main.c" "$source/train.c" "${flags[@]}"
LD_LIBRARY_PATH=$library check "$root/shared" shared
