/* SPDX-License-Identifier: MIT */
/*
 * state: the program's named variables and the ways to reach their memory.
 */
#ifndef H5CKPT_STATE_H
#define H5CKPT_STATE_H

#include "state/schema.h"

enum variable_source {
    VARIABLE_POINTER,
    VARIABLE_INDIRECT,
    VARIABLE_ACCESS,
    VARIABLE_SETTING, /* `memory` is a copy of the setting's value, the state's own */
};

struct variable {
    enum variable_source source;
    void *memory;                /* VARIABLE_POINTER, VARIABLE_SETTING */
    void *const *indirect;       /* VARIABLE_INDIRECT */
    struct h5ckpt_access access; /* VARIABLE_ACCESS */
    bool must_be_finite;
};

struct h5ckpt_state {
    struct schema_entry *entry; /* entry[i] and variable[i] belong together; names begin with "state/" or "settings/" */
    struct variable *variable;
    size_t variable_count;
    size_t variable_capacity;
    uint64_t byte_count;      /* of all variables */
    void *path_tree;          /* tsearch(3): every variable's, every setting's and every group's path */
    struct error first_error; /* the first h5ckpt_add that failed, kept for h5ckpt_open() */
};

/* The variable of that name, as the program gave it; false: there is none. A setting is none. */
bool state_find(const h5ckpt_state *state, const char *name, size_t *variable_index);

/*
 * Where the variable's bytes are now; NULL for VARIABLE_ACCESS and for variables without bytes.
 * H5CKPT_E_ARGUMENT, naming the variable, if the program's pointer is NULL although there are bytes.
 */
h5ckpt_status state_memory(const h5ckpt_state *state, size_t variable_index, void **memory, struct error *error);

#endif
