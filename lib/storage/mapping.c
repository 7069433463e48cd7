/* SPDX-License-Identifier: MIT */
#include "storage/mapping.h"

#include <errno.h>
#include <string.h>

#include "storage/system.h"

enum { LINE_BYTES = 512 }; /* what of a line is longer (a path) is not looked at */

/* A hexadecimal number; *text becomes what follows it. */
static bool read_address(const char **text, uintptr_t *address)
{
    const char *begin = *text;

    for (*address = 0;; ++*text) {
        const char c = **text;
        if (c >= '0' && c <= '9')
            *address = *address << 4 | (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *address = *address << 4 | (uintptr_t)(c - 'a' + 10);
        else
            return *text != begin;
    }
}

/* "7f0a00000000-7f0a00021000 rw-p 00000000 00:00 0  [heap]" */
static bool read_head(struct mapping *mapping, const char *line)
{
    struct mapping head = {0};

    if (!read_address(&line, &head.begin) || *line++ != '-' || !read_address(&line, &head.end) ||
        strnlen(line, 5) < 5 || line[0] != ' ')
        return false;
    head.shared = line[4] == 's';
    *mapping = head;
    return true;
}

bool mapping_read_line(struct mapping *mapping, const char *line)
{
    static const char FLAGS[] = "VmFlags:";

    if (strncmp(line, FLAGS, sizeof FLAGS - 1) == 0) {
        mapping->wiped = strstr(line, " wf") != NULL;
        mapping->absent = strstr(line, " dc") != NULL;
        return true;
    }
    read_head(mapping, line); /* any other line is of no interest */
    return false;
}

const char *mapping_refusal(const struct mapping *mapping)
{
    if (mapping->shared)
        return "is shared with other processes (MAP_SHARED)";
    if (mapping->wiped)
        return "would be zeros in a child (MADV_WIPEONFORK)";
    if (mapping->absent)
        return "would not be there in a child (MADV_DONTFORK)";
    return NULL;
}

struct reading {
    bool (*visit)(void *context, const struct mapping *mapping);
    void *context;
    struct mapping mapping;
    bool any_flags;
    size_t length;
    char line[LINE_BYTES];
};

/* false: the visitor has seen enough. */
static bool take_line(struct reading *reading)
{
    if (!mapping_read_line(&reading->mapping, reading->line))
        return true;
    reading->any_flags = true;
    return reading->visit(reading->context, &reading->mapping);
}

static bool take_bytes(void *context, const char *bytes, size_t byte_count)
{
    struct reading *reading = context;
    bool more = true;

    for (size_t i = 0; i < byte_count && more; i++) {
        if (bytes[i] != '\n' && reading->length < sizeof reading->line - 1) {
            reading->line[reading->length++] = bytes[i];
        } else if (bytes[i] == '\n') {
            reading->line[reading->length] = '\0';
            reading->length = 0;
            more = take_line(reading);
        }
    }
    return more;
}

int mapping_visit_all(bool (*visit)(void *context, const struct mapping *mapping), void *context)
{
    struct reading reading = {.visit = visit, .context = context};
    const int failed = system_calls->read_mappings(take_bytes, &reading);

    return failed == 0 && !reading.any_flags ? ENODATA : failed; /* a kernel that does not tell these flags */
}
