/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "text.h"

void document_set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) < 0)
        memory_exhausted();
}

void document_append(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) < 0)
        memory_exhausted();
}

json_t *document_number(uint64_t value)
{
    char digits[TEXT_BYTES];

    if (value <= INT64_MAX)
        return json_integer((json_int_t)value);
    snprintf(digits, sizeof digits, "%" PRIu64, value);
    return json_string(digits);
}

json_t *document_text(const char *text)
{
    json_t *value = json_string(text);

    if (value != NULL)
        return value;
    char *ascii = memory_check(malloc((sizeof "\\xHH" - 1) * strlen(text) + 1));
    char *end = ascii;
    for (; *text != '\0'; text++)
        end += sprintf(end, (unsigned char)*text < 0x80 ? "%c" : "\\x%02x", (unsigned char)*text);
    *end = '\0';
    value = json_string(ascii);
    free(ascii);
    return value;
}

/* DEL is the one control character that JSON allows as it is; a terminal should not get it, either. */
static int write_safely(const char *bytes, size_t byte_count, void *stream)
{
    for (size_t i = 0; i < byte_count; i++)
        if (bytes[i] == '\x7f')
            fputs("\\u007f", stream);
        else
            putc(bytes[i], stream);
    return 0; /* the stream remembers its errors */
}

static void print(json_t *document, size_t layout, FILE *stream)
{
    if (json_dump_callback(document, write_safely, stream, layout | JSON_ENSURE_ASCII) < 0)
        memory_exhausted();
    putc('\n', stream);
    json_decref(document);
}

void document_print(json_t *document)
{
    print(document, JSON_INDENT(2), stdout);
}

void document_print_line(json_t *document, FILE *stream)
{
    print(document, JSON_COMPACT, stream);
}
