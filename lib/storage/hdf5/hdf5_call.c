/* SPDX-License-Identifier: MIT */
#include "storage/hdf5/hdf5_call.h"

#include <stdio.h>
#include <stdlib.h>

enum { /* what HDF5 1.10.8 takes while it builds a file, and half as much again, measured: docs/decisions.md */
       RESERVE_BYTES_MIN = 4 << 20,
       RESERVE_PER_METADATA = 3,
       RESERVE_PER_CACHED_METADATA = 9, /* besides, until its caches are full: */
       RESERVE_CACHE_BYTES_MAX = 32 << 20,
       RESERVE_PIECE_BYTES = 120 << 10, /* malloc() takes larger ones from the system each time, and gives them back */
};

static uint64_t reserve_bytes(uint64_t metadata_bytes)
{
    const uint64_t cached_bytes = metadata_bytes * RESERVE_PER_CACHED_METADATA;

    return RESERVE_BYTES_MIN + metadata_bytes * RESERVE_PER_METADATA +
           (cached_bytes < RESERVE_CACHE_BYTES_MAX ? cached_bytes : RESERVE_CACHE_BYTES_MAX);
}

struct reserve { /* a piece of it */
    struct reserve *next;
};

static void reserve_free(struct reserve *reserve)
{
    while (reserve != NULL) {
        struct reserve *next = reserve->next;
        free(reserve);
        reserve = next;
    }
}

/*
 * HDF5 crashes or calls exit() when one of its own small allocations fails. Where the system tells at all that memory
 * is short (a limit, no overcommit), it shall tell us, before HDF5 begins. And what it gave, HDF5 is to find in
 * malloc()'s hands: the last piece, which is kept until HDF5 is left, lies above the others, so that malloc() does not
 * give those back to the system when they are free.
 */
static h5ckpt_status reserve_memory(struct reserve **last, uint64_t metadata_bytes, struct error *error)
{
    const uint64_t byte_count = reserve_bytes(metadata_bytes);
    struct reserve *reserve = NULL;

    for (uint64_t bytes = 0; bytes < byte_count; bytes += RESERVE_PIECE_BYTES) {
        struct reserve *piece = malloc(RESERVE_PIECE_BYTES);
        if (piece == NULL) {
            reserve_free(reserve);
            return error_set(error, H5CKPT_E_MEMORY, "no memory for the %llu bytes that HDF5 may need",
                             (unsigned long long)byte_count);
        }
        piece->next = reserve;
        reserve = piece;
    }
    *last = reserve;
    reserve_free(reserve->next);
    reserve->next = NULL;
    return H5CKPT_OK;
}

/* The program may have set its printing through HDF5's first or second interface; only the same one can read it. */
static void stop_printing(struct hdf5_visit *visit)
{
    visit->is_version_2 = 1;
#ifndef H5_NO_DEPRECATED_SYMBOLS
    H5Eauto_is_v2(H5E_DEFAULT, &visit->is_version_2);
    if (!visit->is_version_2) {
        H5Eget_auto1(&visit->function_1, &visit->context);
        H5Eset_auto1(NULL, NULL);
        return;
    }
#endif
    H5Eget_auto2(H5E_DEFAULT, &visit->function_2, &visit->context);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

h5ckpt_status hdf5_enter(struct hdf5_visit *visit, uint64_t metadata_bytes, struct error *error)
{
    *visit = (struct hdf5_visit){0};
    const h5ckpt_status status = reserve_memory(&visit->reserve, metadata_bytes, error);

    if (status >= 0)
        stop_printing(visit);
    return status;
}

static void let_print(const struct hdf5_visit *visit)
{
#ifndef H5_NO_DEPRECATED_SYMBOLS
    if (!visit->is_version_2) {
        H5Eset_auto1(visit->function_1, visit->context);
        return;
    }
#endif
    H5Eset_auto2(H5E_DEFAULT, visit->function_2, visit->context);
}

void hdf5_leave(struct hdf5_visit *visit)
{
    H5Eclear2(H5E_DEFAULT);
    let_print(visit);
    reserve_free(visit->reserve);
    visit->reserve = NULL;
}

struct complaint {
    char text[256]; /* HDF5's innermost error */
    bool out_of_memory;
};

static herr_t take_complaint(unsigned depth, const H5E_error2_t *entry, void *context)
{
    struct complaint *complaint = context;

    if (depth == 0)
        snprintf(complaint->text, sizeof complaint->text, "%s (%s)", entry->desc, entry->func_name);
    if (entry->min_num == H5E_NOSPACE || entry->min_num == H5E_CANTALLOC) /* of any major: lists have theirs */
        complaint->out_of_memory = true;
    return 0;
}

h5ckpt_status hdf5_error(struct error *error, const char *format, ...)
{
    struct complaint complaint = {.text = "no reason given"};
    char what[ERROR_MESSAGE_BYTES / 2];
    va_list arguments;

    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_complaint, &complaint);
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, complaint.out_of_memory ? H5CKPT_E_MEMORY : H5CKPT_E_HDF5, "HDF5 cannot %s: %s", what,
                     complaint.text);
}

void hdf5_close(herr_t (*close)(hid_t), hid_t id)
{
    hid_t reasons;

    if (id < 0)
        return;
    reasons = H5Eget_current_stack(); /* closing must not forget why a call before it failed */
    close(id);
    if (reasons >= 0)
        H5Eset_current_stack(reasons);
}
