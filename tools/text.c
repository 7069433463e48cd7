/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "memory.h"

enum { NS_PER_S = 1000000000, ESCAPED_BYTES = sizeof "\\xHH" - 1 };

/* The length in bytes of the printable character that `text` begins with, or 0. */
static size_t printable_length(const char *text, size_t length)
{
    mbstate_t initial = {0};
    wchar_t character;
    size_t used = mbrtowc(&character, text, length, &initial);

    /* (size_t)-1 and -2: not a character of this locale. */
    return used <= length && iswprint((wint_t)character) ? used : 0;
}

char *text_escape(const char *text)
{
    const size_t length = strlen(text);
    char *escaped = memory_check(malloc(ESCAPED_BYTES * length + 1));
    char *end = escaped;

    for (size_t i = 0; i < length;) {
        const size_t used = printable_length(text + i, length - i);
        if (used > 0) {
            end = mempcpy(end, text + i, used);
            i += used;
        } else {
            end += sprintf(end, "\\x%02x", (unsigned char)text[i++]);
        }
    }
    *end = '\0';
    return escaped;
}

/* UTF-8's C1 controls are 0xc2 and one of these. */
bool text_steers_a_terminal(const char *text)
{
    for (; *text != '\0'; text++) {
        const unsigned char byte = (unsigned char)text[0], next = (unsigned char)text[1];
        if (byte < 0x20 || byte == 0x7f || (byte == 0xc2 && next >= 0x80 && next <= 0x9f))
            return true;
    }
    return false;
}

static void print_line(FILE *stream, const char *prefix, const char *format, va_list arguments)
{
    char *line;

    if (vasprintf(&line, format, arguments) < 0)
        memory_exhausted();
    char *escaped = text_escape(line);
    fprintf(stream, "%s%s\n", prefix, escaped);
    free(escaped);
    free(line);
}

void text_line(FILE *stream, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(stream, "", format, arguments);
    va_end(arguments);
}

void text_complain(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line(stderr, "h5ckpt: ", format, arguments);
    va_end(arguments);
}

const char *text_size(char room[TEXT_BYTES], uint64_t byte_count)
{
    static const char *const UNIT[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double size = (double)byte_count / 1024;
    size_t unit = 0;

    if (byte_count < 1024) {
        snprintf(room, TEXT_BYTES, "%" PRIu64 " B", byte_count);
        return room;
    }
    while (size >= 1023.95 && unit + 1 < sizeof UNIT / sizeof *UNIT) { /* "1024.0 KiB" is 1.0 MiB */
        size /= 1024;
        unit++;
    }
    snprintf(room, TEXT_BYTES, "%.1f %s", size, UNIT[unit]);
    return room;
}

/* Seconds and the rest, which is never negative. */
static time_t split_ns(int64_t unix_ns, int64_t *rest_ns)
{
    *rest_ns = (unix_ns % NS_PER_S + NS_PER_S) % NS_PER_S;
    return (time_t)(unix_ns / NS_PER_S - (unix_ns % NS_PER_S < 0 ? 1 : 0));
}

const char *text_local_time(char room[TEXT_BYTES], int64_t unix_ns)
{
    int64_t rest_ns;
    const time_t seconds = split_ns(unix_ns, &rest_ns);
    struct tm tm;

    strftime(room, TEXT_BYTES, "%Y-%m-%d %H:%M:%S", localtime_r(&seconds, &tm));
    return room;
}

const char *text_utc_time(char room[TEXT_BYTES], int64_t unix_ns)
{
    int64_t rest_ns;
    const time_t seconds = split_ns(unix_ns, &rest_ns);
    struct tm tm;
    size_t length = strftime(room, TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", gmtime_r(&seconds, &tm));

    snprintf(room + length, TEXT_BYTES - length, ".%09" PRId64 "Z", rest_ns);
    return room;
}

/* Numbers may come from a forged file. */
static uint64_t whole_number(double size)
{
    return size < 1e18 ? (uint64_t)(size + 0.5) : UINT64_MAX;
}

const char *text_rate(char room[TEXT_BYTES], double bytes_per_second)
{
    char size[TEXT_BYTES];

    snprintf(room, TEXT_BYTES, "%.*s/s", TEXT_BYTES - 3, text_size(size, whole_number(bytes_per_second)));
    return room;
}

const char *text_duration(char room[TEXT_BYTES], double seconds)
{
    static const struct {
        uint64_t seconds;
        const char *name;
    } UNIT[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    const char *sign = seconds < 0 ? "-" : "";
    const double size = seconds < 0 ? -seconds : seconds;
    const uint64_t whole = whole_number(size);
    size_t unit = 0;

    if (size < 0.9995)
        snprintf(room, TEXT_BYTES, "%s%.*f ms", sign, size < 0.00995 ? 1 : 0, size * 1e3);
    else if (size < 59.95)
        snprintf(room, TEXT_BYTES, "%s%.1f s", sign, size);
    if (size < 59.95)
        return room;
    while (whole < UNIT[unit].seconds)
        unit++;
    snprintf(room, TEXT_BYTES, "%s%" PRIu64 " %s %" PRIu64 " %s", sign, whole / UNIT[unit].seconds, UNIT[unit].name,
             whole % UNIT[unit].seconds / UNIT[unit + 1].seconds, UNIT[unit + 1].name);
    return room;
}

char *text_shape(int rank, const uint64_t *shape)
{
    char *text = memory_check(malloc((size_t)rank * sizeof "18446744073709551615, " + sizeof "{SCALAR}"));
    char *end = text;

    if (rank == 0)
        return strcpy(text, "{SCALAR}");
    for (int i = 0; i < rank; i++)
        end += sprintf(end, "%s%" PRIu64, i == 0 ? "{" : ", ", shape[i]);
    strcpy(end, "}");
    return text;
}
