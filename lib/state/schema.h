/* SPDX-License-Identifier: MIT */
/*
 * schema: what variables are (name, element type, shape), wherever their bytes may be. A registered state
 * and a stored slot both have one; restoring means comparing the two.
 */
#ifndef H5CKPT_SCHEMA_H
#define H5CKPT_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "checksum.h"
#include "error.h"
#include "h5ckpt.h"

enum element_class { /* on disk: see docs/format.md, "Variable index" */
                     ELEMENT_INT = 1,
                     ELEMENT_UINT = 2,
                     ELEMENT_FLOAT = 3, /* IEEE 754 binary16, binary32, binary64 */
                     ELEMENT_LONG_DOUBLE = 4,
                     ELEMENT_BOOL = 5,
                     ELEMENT_COMPLEX = 6, /* two binary32 or binary64 */
                     ELEMENT_OPAQUE = 7,
                     ELEMENT_STRING = 8,
};

enum element_order {                         /* on disk */
                     ELEMENT_ORDER_NONE = 0, /* single bytes, opaque, strings */
                     ELEMENT_ORDER_LITTLE = 1,
                     ELEMENT_ORDER_BIG = 2,
};

enum element_format {                          /* on disk: what a long double is on the machine that wrote it */
                      ELEMENT_FORMAT_NONE = 0, /* any other class */
                      ELEMENT_FORMAT_BINARY64 = 1,
                      ELEMENT_FORMAT_X87_EXTENDED = 2, /* 80 bits in 12 or 16 bytes */
                      ELEMENT_FORMAT_BINARY128 = 3,
                      ELEMENT_FORMAT_DOUBLE_DOUBLE = 4,
};

struct element {
    enum element_class class;
    enum element_order order;
    enum element_format format;
    uint32_t byte_count; /* of one element, padding included */
};

struct schema_entry {
    const char *name; /* path from the file's root, no leading slash: "state/weights" */
    struct element element;
    unsigned rank;
    const uint64_t *shape; /* rank extents */
    uint64_t byte_count;   /* of the whole variable */
};

struct schema {
    const struct schema_entry *entry;
    size_t entry_count;
};

/* The element type as this machine holds it. H5CKPT_E_ARGUMENT if `type` names none. */
h5ckpt_status element_of_type(struct element *element, h5ckpt_type type, struct error *error);

/* Is this one of the element types that the format knows, with a possible size? Pure; for bytes from a file. */
bool element_is_known(const struct element *element);

bool element_equal(const struct element *a, const struct element *b);

/* Does this machine hold such elements in the same bytes? */
bool element_is_this_machines(const struct element *element);

/* Bytes of an element that carry its value; the rest, at the end, is padding to be zeroed (x87 only). */
uint32_t element_value_byte_count(const struct element *element);

enum { ELEMENT_TEXT_BYTES = 64, SHAPE_TEXT_BYTES = 256 };

/* For messages: "float32", "big-endian int16", "string of 12 bytes". */
void element_text(const struct element *element, char text[ELEMENT_TEXT_BYTES]);

/* For messages: "[256, 64]", "scalar"; cut with "…" when long. */
void shape_text(unsigned rank, const uint64_t *shape, char text[SHAPE_TEXT_BYTES]);

/* Likewise, where an element is: "[12, 7]". */
void index_text(const struct schema_entry *entry, uint64_t element, char text[SHAPE_TEXT_BYTES]);

/* Elements times their size; 0 if any extent is. H5CKPT_E_ARGUMENT when the product, or a single extent, exceeds
 * FORMAT_VARIABLE_BYTES_MAX, or the rank FORMAT_RANK_MAX. Pure. */
h5ckpt_status schema_byte_count(uint64_t *byte_count, const struct element *element, unsigned rank,
                                const uint64_t *shape, struct error *error);

/*
 * Is `name`, relative to its group, one that the format allows? UTF-8 without control characters, no empty, "." or ".."
 * part, at most FORMAT_NAME_BYTES_MAX bytes. H5CKPT_E_ARGUMENT with the reason if not; it calls the thing a `noun`.
 * Pure.
 */
h5ckpt_status schema_check_name(const char *noun, const char *name, struct error *error);

/* What is wrong with such a name; NULL if nothing is. Pure. */
const char *schema_name_fault(const char *name);

/* As schema_check_name(), for a whole path from a file: "state/", "settings/", "progress/" or "history/", then such a
 * name. */
h5ckpt_status schema_check_path(const char *path, struct error *error);

/*
 * The program's own name for the variable at `path`; NULL if the path is a setting's, or h5ckpt's own
 * ("progress/epoch").
 */
const char *schema_program_name(const char *path);

/* Likewise for the setting at `path`; NULL if it is none. */
const char *schema_setting_name(const char *path);

enum { NAME_TEXT_BYTES = 256 };

/* For messages: the name as text that is safe to show: bytes that are no printable UTF-8 as "\xff", cut with "…"
 * when long. `name` may be anything that ends in NUL. */
void name_text(const char *name, char text[NAME_TEXT_BYTES]);

bool schema_entry_equal(const struct schema_entry *a, const struct schema_entry *b); /* name, element, shape */

#endif
