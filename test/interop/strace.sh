#!/bin/bash
# SPDX-License-Identifier: MIT
#
# strace.sh TRACE_ME: what the kernel saw of saves and restores.
#
# (a) Before a save reports success, every byte written to its slot was flushed, and its name and the lock's phase too.
# (b) Between entry and return of a restore nothing outside the backup directory is opened, and nothing is written.
# (c) No file of the directory is reached but by openat() and its like relative to the directory, without following
#     links, and nothing else on the disk is opened meanwhile: HDF5 itself opens no file.
#
# Exit status 77 (skipped) where strace is missing or may not trace.
set -eu

trace_me=$(realpath "$1")
command -v strace >/dev/null || { echo "skipped: there is no strace"; exit 77; }
strace -o /dev/null true 2>/dev/null || { echo "skipped: strace may not trace here"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
work=$(cd "$work" && pwd -P) # as the kernel names it
directory=$work/backup
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 # LeakSanitizer is itself a tracer

strace -f -y -s 256 -e 'trace=!memory' -o "$work/trace" "$trace_me" "$directory" "$work/markers"

awk -v directory="$directory" '
function fail(what) { printf "FAILED: %s\n        %s\n", what, substr($0, 1, 200); failures++ }

# Of a descriptor that strace shows as 6</path>: the last part of its path, if it lies in the directory.
function slot_name(line,    start, name) {
    start = index(line, "<" directory "/")
    if (start == 0) return ""
    name = substr(line, start + length(directory) + 2)
    sub(/>.*/, "", name)
    return name
}

{ sub(/^[0-9]+ +/, "") }                                    # the process id
/^write\([0-9]+<[^>]*\/markers>/ { marker = $0; sub(/^[^"]*"/, "", marker); sub(/\\n".*/, "", marker) }
/^write\([0-9]+<[^>]*\/markers>/ && marker == "begin 0" { watching = 1; next }
/^write\([0-9]+<[^>]*\/markers>/ && marker == "end 0" { watching = 0; ended = 1; next }
!watching { next }
/^write\([0-9]+<[^>]*\/markers>/ && marker ~ /^damage/ { damaging = marker ~ /begins$/; next }
damaging { next }

# ---- (a)
/^pwrite64\(/ {
    name = slot_name($0)
    if (name ~ /^slot-[abc]\.h5(\.new)?$/) { dirty[name] = 1; slot_writes++ }
    if (name ~ /^lock/ && $0 ~ /, 0\) = /) lock_dirty = 1   # the phase, at offset 0; the note is never flushed
}
/^(fsync|fdatasync)\(.*= 0$/ {
    name = slot_name($0)
    if (name in dirty) { delete dirty[name]; slot_flushes++ }
    if (name ~ /^lock/) lock_dirty = 0
    if (index($0, "<" directory ">")) renamed = 0
}
/^renameat2?\(.*"slot-[abc]\.h5"\) = 0$/ { renamed = 1 }
/^write\([0-9]+<[^>]*\/markers>/ && marker ~ /^saved/ {
    saves++
    if (slot_writes == 0) fail(marker ": no slot was written")
    if (slot_flushes == 0) fail(marker ": no slot was flushed")
    for (name in dirty) fail(marker ": " name " was written and not flushed")
    if (renamed) fail(marker ": the directory was not flushed after a rename")
    if (lock_dirty) fail(marker ": the phase of the lock was written and not flushed")
    slot_writes = slot_flushes = 0
    next
}

# ---- (b)
/^write\([0-9]+<[^>]*\/markers>/ && marker ~ /^restore .* begins$/ { restoring = 1; restores++; next }
/^write\([0-9]+<[^>]*\/markers>/ && marker ~ /^restore .* ends$/ { restoring = 0; next }
restoring && /^(open|openat|openat2|creat|execve|execveat|socket|connect|name_to_handle_at)\(/ {
    opens++
    if (!index($0, "<" directory ">, ") && !index($0, "\"" directory "\""))
        fail(marker ": opens outside the directory")
    else if ($0 ~ /O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND/)
        fail(marker ": opens for writing")
}
restoring && /^(write|writev|pwrite64|pwritev2?|sendfile|copy_file_range|splice|ftruncate|truncate|fallocate)\(/ {
    fail(marker ": writes")
}
restoring && /^(rename|link|symlink|unlink|mkdir|rmdir|mknod|chmod|fchmod|chown|fchown|utime|futime)[a-z0-9]*\(/ {
    fail(marker ": changes the directory")
}

# ---- (c)
/"[^"]*(slot-[abc]\.h5|checkpoint\.h5|lock)[^"]*"/ && /^[a-z0-9_]+\([^"]*"[^"]*(slot-[abc]\.h5|checkpoint\.h5|lock)/ {
    if ($0 ~ /^p?(write|read)(v|64)?\(/) next               # bytes, not a name
    names++
    if (!index($0, "<" directory ">, \""))
        fail("a file is not reached through the directory")
    else if ($0 ~ /^openat\(/ && $0 !~ /O_NOFOLLOW/)
        fail("links would be followed")
    next
}
/^(open|openat|openat2|creat)\(/ {
    # The directory, and those above it, which are flushed before the first save; (b) forbids them in a restore. Its
    # names are read for milestones.
    if ($0 ~ /O_DIRECTORY/ && index($0, "openat(") == 1 && index($0, "<" directory ">, \".\",")) next
    if ($0 ~ /O_DIRECTORY/ && match($0, /"[^"]*"/) && index(directory "/", substr($0, RSTART + 1, RLENGTH - 2)) == 1) next
    if (index($0, "\"/proc/sys/kernel/random/boot_id\"")) next   # noted in the lock; in a restore (b) forbids it
    fail("something else is opened")
}

END {
    if (!ended) { print "FAILED: the trace is cut off"; failures++ }
    if (saves < 5 || restores < 5 || opens == 0) { print "FAILED: too little happened"; failures++ }
    printf "%d saves, each flushed before it was reported; %d restores with %d opens; %d files by name; %d failures\n",
           saves, restores, opens, names, failures
    exit failures ? 1 : 0
}' "$work/trace"
