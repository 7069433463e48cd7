/* SPDX-License-Identifier: MIT */
/*
 * schema.c: element types, shapes and names. Nothing here allocates, calls the system or believes what it is
 * given: the same checks hold for the program that registers a variable and for a file that claims one.
 */
#include "state/schema.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { MACHINE_ORDER = ELEMENT_ORDER_BIG };
#else
enum { MACHINE_ORDER = ELEMENT_ORDER_LITTLE };
#endif

#if LDBL_MANT_DIG == 64
enum { MACHINE_LONG_DOUBLE = ELEMENT_FORMAT_X87_EXTENDED };
#elif LDBL_MANT_DIG == 113
enum { MACHINE_LONG_DOUBLE = ELEMENT_FORMAT_BINARY128 };
#elif LDBL_MANT_DIG == 106
enum { MACHINE_LONG_DOUBLE = ELEMENT_FORMAT_DOUBLE_DOUBLE };
#elif LDBL_MANT_DIG == 53
enum { MACHINE_LONG_DOUBLE = ELEMENT_FORMAT_BINARY64 };
#else
#error "what is a long double on this machine? Add it to enum element_format and docs/format.md"
#endif

enum { X87_VALUE_BYTES = 10, TYPE_CLASS_SHIFT = 24, TYPE_BYTES_MASK = 0xffffff };

static const char CUT[] = "…";

/* ------------------------------------------------------------------- element */

static bool element_has_order(const struct element *element)
{
    return element->class != ELEMENT_OPAQUE && element->class != ELEMENT_STRING && element->byte_count != 1;
}

static bool long_double_is_known(const struct element *element)
{
    uint32_t byte_count = element->byte_count;

    switch (element->format) {
    case ELEMENT_FORMAT_BINARY64:
        return byte_count == 8;
    case ELEMENT_FORMAT_X87_EXTENDED:
        /* Big-endian, its padding would be in the middle (68k): element_value_byte_count() could not say so. */
        return (byte_count == 12 || byte_count == 16) && element->order == ELEMENT_ORDER_LITTLE;
    case ELEMENT_FORMAT_BINARY128:
    case ELEMENT_FORMAT_DOUBLE_DOUBLE:
        return byte_count == 16;
    case ELEMENT_FORMAT_NONE:
        return false;
    }
    return false;
}

static bool element_size_is_known(const struct element *element)
{
    uint32_t byte_count = element->byte_count;

    switch (element->class) {
    case ELEMENT_INT:
    case ELEMENT_UINT:
    case ELEMENT_BOOL:
        return byte_count == 1 || byte_count == 2 || byte_count == 4 || byte_count == 8;
    case ELEMENT_FLOAT:
        return byte_count == 2 || byte_count == 4 || byte_count == 8;
    case ELEMENT_LONG_DOUBLE:
        return long_double_is_known(element);
    case ELEMENT_COMPLEX:
        return byte_count == 8 || byte_count == 16;
    case ELEMENT_OPAQUE:
    case ELEMENT_STRING:
        return byte_count >= 1 && byte_count <= FORMAT_ELEMENT_BYTES_MAX;
    }
    return false;
}

bool element_is_known(const struct element *element)
{
    if (!element_size_is_known(element))
        return false;
    if (element->class != ELEMENT_LONG_DOUBLE && element->format != ELEMENT_FORMAT_NONE)
        return false;
    if (!element_has_order(element))
        return element->order == ELEMENT_ORDER_NONE;
    return element->order == ELEMENT_ORDER_LITTLE || element->order == ELEMENT_ORDER_BIG;
}

h5ckpt_status element_of_type(struct element *element, h5ckpt_type type, struct error *error)
{
    struct element found = {
        .class = (enum element_class)(type >> TYPE_CLASS_SHIFT),
        .byte_count = type & TYPE_BYTES_MASK,
    };
    bool is_this_machines = true;

    if (found.class == ELEMENT_LONG_DOUBLE) {
        found.format = (enum element_format)MACHINE_LONG_DOUBLE;
        is_this_machines = type == H5CKPT_LONG_DOUBLE;
    } else if (found.class == ELEMENT_BOOL) {
        is_this_machines = type == H5CKPT_BOOL;
    }
    found.order = element_has_order(&found) ? (enum element_order)MACHINE_ORDER : ELEMENT_ORDER_NONE;
    if (!is_this_machines || !element_is_known(&found))
        return error_set(error, H5CKPT_E_ARGUMENT, "0x%08" PRIx32 " is not an element type", type);
    *element = found;
    return H5CKPT_OK;
}

bool element_equal(const struct element *a, const struct element *b)
{
    return a->class == b->class && a->order == b->order && a->format == b->format && a->byte_count == b->byte_count;
}

bool element_is_this_machines(const struct element *element)
{
    return (element->order == ELEMENT_ORDER_NONE || element->order == (enum element_order)MACHINE_ORDER) &&
           (element->format == ELEMENT_FORMAT_NONE || (element->format == (enum element_format)MACHINE_LONG_DOUBLE &&
                                                       element->byte_count == sizeof(long double)));
}

uint32_t element_value_byte_count(const struct element *element)
{
    return element->format == ELEMENT_FORMAT_X87_EXTENDED ? X87_VALUE_BYTES : element->byte_count;
}

static const char *long_double_text(enum element_format format)
{
    switch (format) {
    case ELEMENT_FORMAT_BINARY64:
        return "binary64";
    case ELEMENT_FORMAT_X87_EXTENDED:
        return "x87 extended";
    case ELEMENT_FORMAT_BINARY128:
        return "binary128";
    case ELEMENT_FORMAT_DOUBLE_DOUBLE:
        return "double-double";
    case ELEMENT_FORMAT_NONE:
        break;
    }
    return "unknown";
}

static const char *foreign_order_text(const struct element *element)
{
    if (element->order == ELEMENT_ORDER_NONE || element->order == (enum element_order)MACHINE_ORDER)
        return "";
    return element->order == ELEMENT_ORDER_BIG ? "big-endian " : "little-endian ";
}

static void known_element_text(const struct element *element, char text[ELEMENT_TEXT_BYTES])
{
    static const char *const class_text[] = {
        [ELEMENT_INT] = "int",       [ELEMENT_UINT] = "uint",
        [ELEMENT_FLOAT] = "float",   [ELEMENT_LONG_DOUBLE] = "long double",
        [ELEMENT_BOOL] = "bool",     [ELEMENT_COMPLEX] = "complex",
        [ELEMENT_OPAQUE] = "opaque", [ELEMENT_STRING] = "string",
    };
    const char *name = class_text[element->class];
    const char *order = foreign_order_text(element);
    uint32_t byte_count = element->byte_count;

    switch (element->class) {
    case ELEMENT_INT:
    case ELEMENT_UINT:
    case ELEMENT_FLOAT:
    case ELEMENT_COMPLEX:
        snprintf(text, ELEMENT_TEXT_BYTES, "%s%s%" PRIu32, order, name, 8 * byte_count);
        break;
    case ELEMENT_LONG_DOUBLE:
        snprintf(text, ELEMENT_TEXT_BYTES, "%s%s (%s, %" PRIu32 " bytes)", order, name,
                 long_double_text(element->format), byte_count);
        break;
    case ELEMENT_BOOL:
    case ELEMENT_OPAQUE:
    case ELEMENT_STRING:
        snprintf(text, ELEMENT_TEXT_BYTES, "%s%s of %" PRIu32 " byte%s", order, name, byte_count,
                 byte_count == 1 ? "" : "s");
        break;
    }
}

void element_text(const struct element *element, char text[ELEMENT_TEXT_BYTES])
{
    if (element_is_known(element))
        known_element_text(element, text);
    else
        snprintf(text, ELEMENT_TEXT_BYTES, "unknown type (class %u, %" PRIu32 " bytes)", (unsigned)element->class,
                 element->byte_count);
}

/* --------------------------------------------------------------------- shape */

h5ckpt_status schema_byte_count(uint64_t *byte_count, const struct element *element, unsigned rank,
                                const uint64_t *shape, struct error *error)
{
    uint64_t product = element->byte_count;
    bool is_empty = false;
    bool is_too_large = false;

    if (rank > FORMAT_RANK_MAX)
        return error_set(error, H5CKPT_E_ARGUMENT, "the rank is %u, at most %d is possible", rank, FORMAT_RANK_MAX);
    if (rank > 0 && shape == NULL)
        return error_set(error, H5CKPT_E_ARGUMENT, "the rank is %u, but the shape is NULL", rank);
    for (unsigned i = 0; i < rank; i++) {
        if (shape[i] > FORMAT_VARIABLE_BYTES_MAX)
            return error_set(error, H5CKPT_E_ARGUMENT,
                             "extent %u of its shape is %" PRIu64 ", at most %" PRIu64 " is possible", i, shape[i],
                             FORMAT_VARIABLE_BYTES_MAX);
        is_empty = is_empty || shape[i] == 0;
        is_too_large = is_too_large || __builtin_mul_overflow(product, shape[i], &product);
    }
    /* A zero anywhere outweighs an overflow elsewhere: [0, 2^40, 2^40] is empty in whatever order it is said. */
    if (!is_empty && (is_too_large || product > FORMAT_VARIABLE_BYTES_MAX)) {
        char text[SHAPE_TEXT_BYTES];

        shape_text(rank, shape, text);
        return error_set(error, H5CKPT_E_ARGUMENT,
                         "%s elements of %" PRIu32 " bytes are too large: at most %" PRIu64 " bytes are possible", text,
                         element->byte_count, FORMAT_VARIABLE_BYTES_MAX);
    }
    *byte_count = is_empty ? 0 : product;
    return H5CKPT_OK;
}

void shape_text(unsigned rank, const uint64_t *shape, char text[SHAPE_TEXT_BYTES])
{
    size_t length = 1;

    if (rank == 0) {
        strcpy(text, "scalar");
        return;
    }
    strcpy(text, "[");
    for (unsigned i = 0; i < rank; i++) {
        char extent[32];
        size_t extent_length;

        snprintf(extent, sizeof extent, "%s%" PRIu64, i == 0 ? "" : ", ", shape[i]);
        extent_length = strlen(extent);
        if (length + extent_length + sizeof ", …]" > SHAPE_TEXT_BYTES) {
            strcpy(text + length, ", …");
            length += sizeof ", …" - 1;
            break;
        }
        memcpy(text + length, extent, extent_length + 1);
        length += extent_length;
    }
    strcpy(text + length, "]");
}

void index_text(const struct schema_entry *entry, uint64_t element, char text[SHAPE_TEXT_BYTES])
{
    uint64_t at[FORMAT_RANK_MAX];

    for (unsigned i = entry->rank; i-- > 0; element /= entry->shape[i])
        at[i] = element % entry->shape[i];
    shape_text(entry->rank, at, text);
}

/* ---------------------------------------------------------------------- name */

static bool byte_is_within(unsigned char byte, unsigned char first, unsigned char last)
{
    return byte >= first && byte <= last;
}

static bool is_continued(const unsigned char *s, size_t byte_count)
{
    for (size_t i = 0; i < byte_count; i++)
        if (!byte_is_within(s[i], 0x80, 0xbf))
            return false;
    return true;
}

/*
 * Length of the UTF-8 character at `s`, 0 if there is none (Unicode, table 3-7: no overlong form, no surrogate,
 * nothing above U+10FFFF). Reads no further than the first wrong byte, so never past a terminating NUL.
 */
static size_t utf8_byte_count(const unsigned char *s)
{
    if (s[0] < 0x80)
        return 1;
    if (byte_is_within(s[0], 0xc2, 0xdf))
        return is_continued(s + 1, 1) ? 2 : 0;
    if (byte_is_within(s[0], 0xe0, 0xef)) {
        unsigned char first = s[0] == 0xe0 ? 0xa0 : 0x80;
        unsigned char last = s[0] == 0xed ? 0x9f : 0xbf;

        return byte_is_within(s[1], first, last) && is_continued(s + 2, 1) ? 3 : 0;
    }
    if (byte_is_within(s[0], 0xf0, 0xf4)) {
        unsigned char first = s[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char last = s[0] == 0xf4 ? 0x8f : 0xbf;

        return byte_is_within(s[1], first, last) && is_continued(s + 2, 2) ? 4 : 0;
    }
    return 0;
}

static bool is_control(unsigned char byte)
{
    return byte < 0x20 || byte == 0x7f;
}

/* The path below the group; NULL if it is not there. */
static const char *below(const char *group, const char *path)
{
    const size_t byte_count = strlen(group);

    return strncmp(path, group, byte_count) == 0 && path[byte_count] == '/' ? path + byte_count + 1 : NULL;
}

const char *schema_program_name(const char *path)
{
    return below(FORMAT_STATE_GROUP, path);
}

const char *schema_setting_name(const char *path)
{
    return below(FORMAT_SETTINGS_GROUP, path);
}

void name_text(const char *name, char text[NAME_TEXT_BYTES])
{
    const unsigned char *s = (const unsigned char *)name;
    size_t length = 0;

    while (*s != '\0') {
        size_t byte_count = is_control(*s) ? 0 : utf8_byte_count(s);

        if (length + sizeof "\\xff" - 1 + sizeof CUT > NAME_TEXT_BYTES) {
            memcpy(text + length, CUT, sizeof CUT);
            return;
        }
        if (byte_count == 0) {
            length += (size_t)snprintf(text + length, NAME_TEXT_BYTES - length, "\\x%02x", *s++);
            continue;
        }
        memcpy(text + length, s, byte_count);
        length += byte_count;
        s += byte_count;
    }
    text[length] = '\0';
}

static const char *characters_fault(const char *name)
{
    const unsigned char *s = (const unsigned char *)name;

    while (*s != '\0') {
        size_t byte_count = utf8_byte_count(s);

        if (byte_count == 0)
            return "the name is not valid UTF-8";
        if (is_control(*s))
            return "the name has a control character";
        s += byte_count;
    }
    return NULL;
}

static const char *parts_fault(const char *name)
{
    for (const char *part = name;; part++) {
        size_t byte_count = strcspn(part, "/");

        if (byte_count == 0)
            return "the name has an empty part";
        if (byte_count == 1 && part[0] == '.')
            return "the name has a part '.'";
        if (byte_count == 2 && part[0] == '.' && part[1] == '.')
            return "the name has a part '..'";
        part += byte_count;
        if (*part == '\0')
            return NULL;
    }
}

const char *schema_name_fault(const char *name)
{
    static_assert(FORMAT_NAME_BYTES_MAX == 1023, "the message says so");
    const char *fault;

    if (name[0] == '\0')
        return "the name is empty";
    if (strnlen(name, FORMAT_NAME_BYTES_MAX + 1) > FORMAT_NAME_BYTES_MAX)
        return "the name is longer than 1023 bytes";
    fault = characters_fault(name);
    return fault != NULL ? fault : parts_fault(name);
}

static const char *path_fault(const char *path)
{
    static const char *const group[] = {FORMAT_STATE_GROUP, FORMAT_SETTINGS_GROUP, FORMAT_PROGRESS_GROUP,
                                        FORMAT_HISTORY_GROUP};

    for (size_t i = 0; i < sizeof group / sizeof group[0]; i++) {
        const char *name = below(group[i], path);

        if (name != NULL)
            return schema_name_fault(name);
    }
    return "the path is not below /state, /settings, /progress or /history";
}

static h5ckpt_status name_verdict(const char *noun, const char *name, const char *fault, struct error *error)
{
    char text[NAME_TEXT_BYTES];

    if (fault == NULL)
        return H5CKPT_OK;
    name_text(name, text);
    return error_set(error, H5CKPT_E_ARGUMENT, "%s '%s': %s", noun, text, fault);
}

h5ckpt_status schema_check_name(const char *noun, const char *name, struct error *error)
{
    return name_verdict(noun, name, schema_name_fault(name), error);
}

h5ckpt_status schema_check_path(const char *path, struct error *error)
{
    return name_verdict("variable", path, path_fault(path), error);
}

bool schema_entry_equal(const struct schema_entry *a, const struct schema_entry *b)
{
    if (a->rank != b->rank || !element_equal(&a->element, &b->element) || strcmp(a->name, b->name) != 0)
        return false;
    return a->rank == 0 || memcmp(a->shape, b->shape, a->rank * sizeof a->shape[0]) == 0;
}
