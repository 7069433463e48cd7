#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A program of three files is built against the installed library, shared and static, with nothing but what pkg-config
# says; its second life goes on where the first ended. The installed command, if there is one, looks at what it saved.
#
# usage: test_install.sh BUILD SOURCE COMPILER…
set -euo pipefail
build=$1 source=$2
shift 2
command -v pkg-config >/dev/null || { echo "skipped: there is no pkg-config"; exit 77; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root ninja -C "$build" install >/dev/null # by the meson that made the build directory
# As it would say had it been installed below $root in earnest.
sed -i "s|^prefix=|prefix=$root|" "$(find "$root" -name h5ckpt.pc)"
PKG_CONFIG_PATH=$(dirname "$(find "$root" -name h5ckpt.pc)")
export PKG_CONFIG_PATH
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

# The archive instead of the shared library; what it needs in turn is shared.
read -ra flags < <(pkg-config --cflags --libs --static h5ckpt | sed 's/-lh5ckpt/-Wl,-Bstatic -lh5ckpt -Wl,-Bdynamic/')
"$@" -o "$root/static" "$source/main.c" "$source/train.c" "${flags[@]}"
check "$root/static" static
ldd "$root/static" >"$root/needs"
! grep -q libh5ckpt "$root/needs" || fail "the static program needs the shared library"

command=$(find "$root" -type f -name h5ckpt -perm -u+x)
[ -n "$command" ] || { echo "no command was built"; exit 0; }
[ -n "$(find "$root" -name 'h5ckpt.1*')" ] || fail "the manual page is not installed"
LD_LIBRARY_PATH=$library "$command" verify "$root/shared-backup" | grep -q 'A restore would give' ||
    fail "the installed command does not see the checkpoint"
echo "command: $(LD_LIBRARY_PATH=$library "$command" --version)"
