#!/bin/bash
# SPDX-License-Identifier: MIT
#
# demo.sh [TEXTLM]: eight acts in which a training run is killed, its checkpoint damaged, and nothing lost.
# Every promise is checked as it is shown: the script fails unless all acts end as announced.
set -eu

repository=$(cd "$(dirname "$0")/../.." && pwd)
textlm=$(realpath -m "${1:-$repository/build/docs/examples/textlm}") # absolute: the acts play elsewhere
text=/usr/share/common-licenses/GPL-3
[ -r "$text" ] || text=$repository/docs/examples/textlm.c # some systems keep their licenses elsewhere
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=$work/output # of the latest run
exit_status=0       # likewise

# ------------------------------------------------------------ telling and checking

act() { printf '\nAct %s\n' "$1"; }
say() { printf '  %s\n' "$1"; }
fail() {
    printf '\ndemo.sh: not as promised: %s\n' "$1" >&2
    exit 1
}

# Run textlm, its lines indented. In a pipeline, so that the shell does not announce the kill itself.
run() {
    say "\$ textlm $*"
    "$textlm" "$@" "$text" 2>&1 | tee "$output" | sed -u 's/^/      /'
    exit_status=${PIPESTATUS[0]}
}

expect_killed() {
    [ "$exit_status" -eq 137 ] || fail "SIGKILL was to end this run (status 137), not status $exit_status"
    say "killed by SIGKILL"
}

expect_line() { grep -q -- "$1" "$output" || fail "no line like '$1'"; }
expect_no_line() { ! grep -q -- "$1" "$output" || fail "a line like '$1'"; }

expect_epochs() {
    local count
    count=$(grep -c '^epoch ' "$output") || true
    [ "$count" -eq "$1" ] || fail "$1 epochs were to be trained, not $count"
}

# This life ended well, in the very state that the undisturbed run ended in.
expect_same_end() {
    [ "$exit_status" -eq 0 ] || fail "the run failed with status $exit_status"
    [ "$(tail -n 1 "$output")" = "$undisturbed" ] || fail "the run ended in another state than '$undisturbed'"
    say "the same end, to the last bit"
}

# --------------------------------------------------------------------- the slots

# A slot's sequence number: the larger one is the current state's (docs/format.md).
sequence() { od -A n -t u8 --endian=little -j 16 -N 8 "$1" | tr -d ' '; }

current_slot() {
    if [ "$(sequence "$1/slot-a.h5")" -gt "$(sequence "$1/slot-b.h5")" ]; then
        echo "$1/slot-a.h5"
    else
        echo "$1/slot-b.h5"
    fi
}

# Flip the lowest bit of the byte in the middle of a file.
flip_bit() {
    local middle byte
    middle=$(($(stat -c %s "$1") / 2))
    byte=$(od -A n -t u1 -j "$middle" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$middle" conv=notrunc status=none
    say "one bit of ${1##*/} flipped, in byte $middle of $(stat -c %s "$1")"
}

# Names and contents of all files in a directory.
fingerprint() { (cd "$1" && find . -type f ! -name checkpoint.h5 -print0 | sort -z | xargs -0 sha256sum); }

# ------------------------------------------------------------------------- acts

[ -x "$textlm" ] || fail "there is no program $textlm (build it: meson setup build && ninja -C build)"
cd "$work"

act "1: ten epochs, undisturbed and without checkpoints"
run --epochs 10
[ "$exit_status" -eq 0 ] || fail "the run failed with status $exit_status"
expect_epochs 10
expect_line '^state [0-9a-f]*$'
undisturbed=$(tail -n 1 "$output")

act "2: killed at epoch 4, then started again"
run --epochs 10 --backup-dir two --kill-at 4
expect_killed
run --epochs 10 --backup-dir two
expect_line '^resumed at epoch 4 from slot-[ab]\.h5$'
expect_no_line '^fell back'
expect_epochs 6
expect_same_end

act "3: killed at epoch 6, and the newest checkpoint damaged"
run --epochs 10 --backup-dir three --kill-at 6
expect_killed
damaged=$(current_slot three)
flip_bit "$damaged"
run --epochs 10 --backup-dir three
expect_line '^fell back to slot-'
expect_line '^resumed at epoch 5 from slot-[ab]\.h5$'
expect_no_line "^resumed .* from ${damaged##*/}"
expect_epochs 5
expect_same_end

act "4: both checkpoints damaged"
run --epochs 10 --backup-dir four --kill-at 6
expect_killed
flip_bit four/slot-a.h5
flip_bit four/slot-b.h5
before=$(fingerprint four)
run --epochs 10 --backup-dir four
[ "$exit_status" -eq 1 ] || fail "the run was to fail with status 1, not $exit_status"
expect_line '^textlm: cannot resume: .'
expect_epochs 0
[ "$(fingerprint four)" = "$before" ] || fail "the refused run changed a file of the checkpoint"
say "refused, not begun anew; every file in the directory is as it was"

act "5: killed in the middle of epoch 4, with a save every 7 batches"
run --epochs 10 --backup-dir five --save-freq 7 --kill-at 4:100
expect_killed
run --epochs 10 --backup-dir five --save-freq 7
expect_line '^resumed at epoch 4 batch 95 from slot-[ab]\.h5$' # 4 * 300 + 95 batches: the last multiple of 7
expect_epochs 6
expect_same_end

act "6: killed twice in one epoch"
run --epochs 10 --backup-dir six --save-freq 7 --kill-at 4:100
expect_killed
run --epochs 10 --backup-dir six --save-freq 7 --kill-at 4:200
expect_killed
expect_line '^resumed at epoch 4 batch 95 '
expect_epochs 0
run --epochs 10 --backup-dir six --save-freq 7
expect_line '^resumed at epoch 4 batch 200 ' # 4 * 300 + 200 batches: saved just before the second kill
expect_epochs 6
expect_same_end

act "7: finished, beside a file that is not ours"
mkdir seven
echo "precious" >seven/notes.txt
run --epochs 10 --backup-dir seven
expect_same_end
[ "$(ls -A seven)" = notes.txt ] || fail "the directory holds: $(ls -A seven)"
[ "$(cat seven/notes.txt)" = precious ] || fail "notes.txt was changed"
say "the checkpoint has done its duty and is gone; notes.txt is as it was"

act "8: killed while states are saved in the background"
for mode in staged fenced; do
    run --epochs 10 --backup-dir "eight-$mode" --background "$mode" --kill-at 5
    expect_killed
    run --epochs 10 --backup-dir "eight-$mode" --background "$mode"
    expect_line '^resumed at epoch [45] from slot-[ab]\.h5$' # that of epoch 5 may still have been on its way
    expect_no_line '^fell back'
    expect_same_end
done

printf '\nall 8 acts as promised\n'
