/* SPDX-License-Identifier: MIT */
/*
 * fuzz_index: the variable index, which has any number of entries of any length, and what is told from it: a history's
 * columns, types, shapes and values as text.
 *
 * The first byte says what is mended before it is read, four more where the index lies; the rest is the index. What is
 * accepted lies within its bounds and is written back as the same bytes.
 */
#include "bytes.h"
#include "format.h"
#include "fuzz/fuzz.h"
#include "state/value.h"
#include "storage/history_entries.h"
#include "storage/index.h"

enum { HEADER_BYTES = 16, ENTRY_BYTES = 32, INDEX_BYTES_MAX = 4096 };

enum how {                  /* the first byte */
           HOW_COUNTED = 1, /* magic and number of entries are made right */
           HOW_FITTED = 2,  /* byte counts are made those of the shapes */
           HOW_PLACED = 4,  /* variables that would lie beyond the index are put where they do not */
           HOW_SHOWN = 8,   /* values are made text, which takes longer than all the rest */
};

__extension__ typedef unsigned __int128 wide;

/* Of an entry that is whole; 0: it is not. */
static size_t entry_length(const unsigned char *entry, size_t left)
{
    if (left < ENTRY_BYTES)
        return 0;
    const size_t length = ENTRY_BYTES + 8 * (size_t)entry[23] + (bytes_get_u16(entry + 24) + 7u) / 8 * 8;
    return length <= left ? length : 0;
}

/* The size of a variable as its entry has it; more than any may have, if it is larger than that. */
static wide shape_bytes(uint32_t element_bytes, unsigned rank, const unsigned char *shape)
{
    wide product = element_bytes;

    for (unsigned i = 0; i < rank; i++)
        if (bytes_get_u64(shape + 8 * (size_t)i) == 0)
            return 0;
    for (unsigned i = 0; i < rank && product <= FORMAT_VARIABLE_BYTES_MAX; i++)
        product *= bytes_get_u64(shape + 8 * (size_t)i);
    return product;
}

static void mend(unsigned how, unsigned char *bytes, size_t byte_count, uint64_t index_offset)
{
    size_t at = HEADER_BYTES;
    size_t length;
    uint64_t count = 0;

    for (; at < byte_count && (length = entry_length(bytes + at, byte_count - at)) != 0; at += length, count++) {
        unsigned char *entry = bytes + at;
        const uint64_t size = (uint64_t)shape_bytes(bytes_get_u32(entry + 16), entry[23], entry + ENTRY_BYTES);
        if (how & HOW_FITTED)
            bytes_put_u64(entry + 8, size);
        if (how & HOW_PLACED && (bytes_get_u64(entry) < 4096 || bytes_get_u64(entry) > index_offset))
            bytes_put_u64(entry, size == 0 ? 0 : 4096);
    }
    if (how & HOW_COUNTED) {
        memcpy(bytes, "H5CKIDX1", 8);
        bytes_put_u64(bytes + 8, count);
    }
}

/* ------------------------------------------------------------------ what must hold */

static void check_entry(const struct index *index, size_t i, uint64_t index_offset)
{
    const struct schema_entry *entry = &index->entry[i];
    const uint64_t offset = index->offset[i];
    wide product = entry->element.byte_count;
    bool empty = false;

    for (unsigned d = 0; d < entry->rank; d++)
        empty |= entry->shape[d] == 0;
    for (unsigned d = 0; d < entry->rank && !empty; d++) {
        fuzz_must(product <= FORMAT_VARIABLE_BYTES_MAX, "'%s' is too large", entry->name);
        product *= entry->shape[d];
    }
    fuzz_must(entry->byte_count == (empty ? 0 : product), "'%s' has %" PRIu64 " bytes", entry->name, entry->byte_count);
    fuzz_must(entry->rank <= FORMAT_RANK_MAX && entry->element.byte_count > 0 &&
                  entry->element.byte_count <= FORMAT_ELEMENT_BYTES_MAX,
              "'%s' is impossible", entry->name);
    fuzz_must(entry->byte_count == 0 ? offset == 0 : offset >= 4096 && (wide)offset + entry->byte_count <= index_offset,
              "'%s' lies at %" PRIu64, entry->name, offset);
    fuzz_must(index_has_bytes_between(index, i, offset, offset + 1) == (entry->byte_count != 0), "'%s'", entry->name);
    fuzz_must(!index_has_bytes_between(index, i, offset + entry->byte_count, UINT64_MAX), "'%s'", entry->name);
}

/* All that people are shown of it ends, and fits. */
static void show_entry(unsigned how, const struct schema_entry *entry)
{
    static unsigned char content[INDEX_BYTES_MAX];
    char type[ELEMENT_TEXT_BYTES];
    char shape[SHAPE_TEXT_BYTES];
    char name[NAME_TEXT_BYTES];
    char values[VALUES_TEXT_BYTES];

    element_text(&entry->element, type);
    shape_text(entry->rank, entry->shape, shape);
    name_text(entry->name, name);
    fuzz_must(*type != '\0' && *shape != '\0' && *name != '\0', "no text");
    if (entry->byte_count == 0 || entry->byte_count > sizeof content)
        return;
    index_text(entry, entry->byte_count / entry->element.byte_count - 1, shape);
    if (how & HOW_SHOWN && element_is_this_machines(&entry->element)) {
        memset(content, *entry->name + (int)entry->rank, sizeof content);
        values_text(entry, content, values);
    }
}

static void check_round_trip(const struct index *index, const unsigned char *bytes, size_t byte_count)
{
    const struct schema schema = {index->entry, index->entry_count};
    struct error error = ERROR_NONE;
    unsigned char *written;
    size_t written_count;
    size_t at = HEADER_BYTES;

    fuzz_must(index_encode(&schema, index->offset, &written, &written_count, &error) == H5CKPT_OK, "no memory");
    fuzz_must(written_count == byte_count, "%zu bytes are written as %zu", byte_count, written_count);
    for (size_t i = 0; i < index->entry_count; i++) { /* but for what no reader looks at */
        const size_t name_length = strlen(index->entry[i].name);
        const size_t head = ENTRY_BYTES + 8 * (size_t)index->entry[i].rank;
        fuzz_must(memcmp(written + at, bytes + at, 26) == 0, "entry %zu is written otherwise", i);
        fuzz_must(memcmp(written + at + 32, bytes + at + 32, head - 32 + name_length) == 0,
                  "shape or name of entry %zu is written otherwise", i);
        at += head + (name_length + 7) / 8 * 8;
    }
    fuzz_must(at == byte_count, "the index ends at %zu", at);
    free(written);
}

static void check_history(const struct index *index, uint64_t file_bytes)
{
    struct error error = ERROR_NONE;
    struct history history;
    const h5ckpt_status status = history_entries_shape(&history, index, file_bytes, &error);

    fuzz_must(status == H5CKPT_OK || status == H5CKPT_E_DAMAGED || status == H5CKPT_E_MEMORY, "%s",
              h5ckpt_status_name(status));
    for (size_t column = 0; status == H5CKPT_OK && column < history_column_count(&history); column++) {
        const struct schema_entry *entry = &index->entry[history_entries_find(&history, column, index)];
        fuzz_must(strncmp(entry->name, "history/", 8) == 0 &&
                      strcmp(entry->name + 8, history_column_name(&history, column)) == 0,
                  "column %zu is '%s'", column, entry->name);
        fuzz_must(entry->byte_count == history_column_bytes(&history, column), "column '%s' has %" PRIu64 " bytes",
                  entry->name, entry->byte_count);
    }
    history_free(&history);
    error_clear(&error);
}

/* ---------------------------------------------------------------------- target */

int LLVMFuzzerInitialize(int *argument_count, char ***arguments)
{
    (void)argument_count, (void)arguments;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t byte_count)
{
    struct input input = {bytes, byte_count};
    const unsigned how = (unsigned)input_take(&input, 1);
    const uint64_t index_offset = 4096 + 8 * input_take(&input, 4);
    struct error error = ERROR_NONE;
    struct index index;

    if (input.byte_count > INDEX_BYTES_MAX)
        return 0;
    unsigned char *copy = malloc(input.byte_count + (input.byte_count == 0)); /* so that reading beyond is seen */
    memcpy(copy, input.bytes, input.byte_count);
    if (input.byte_count >= HEADER_BYTES)
        mend(how, copy, input.byte_count, index_offset);
    const h5ckpt_status status = index_decode(&index, copy, input.byte_count, index_offset, &error);
    if (status == H5CKPT_OK) {
        for (size_t i = 0; i < index.entry_count; i++) {
            check_entry(&index, i, index_offset);
            show_entry(how, &index.entry[i]);
        }
        check_round_trip(&index, copy, input.byte_count);
        check_history(&index, index_offset + 8192);
    } else {
        fuzz_must(status == H5CKPT_E_DAMAGED && *error_message(&error) != '\0', "%s", h5ckpt_status_name(status));
    }
    index_free(&index);
    error_clear(&error);
    free(copy);
    return 0;
}
