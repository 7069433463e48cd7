/* SPDX-License-Identifier: MIT */
/*
 * A program of somebody else's, built against the installed library: main.c DIR EPOCHS trains up to that many epochs.
 */
#include <h5ckpt.h>
#include <stdio.h>
#include <stdlib.h>

#include "train.h"

int main(int argc, char **argv)
{
    h5ckpt_state *state = h5ckpt_state_new();
    struct h5ckpt_callback_options options = h5ckpt_callback_options_default();
    h5ckpt_callback *callback;
    struct h5ckpt_progress next;

    if (argc != 3)
        return 2;
    h5ckpt_add(state, "weights", H5CKPT_FLOAT64, 1, (const uint64_t[]){WEIGHT_COUNT}, weights);
    options.backup_dir = argv[1];
    options.delete_checkpoint = false;
    if (h5ckpt_callback_new(&callback, state, &options) < 0 || h5ckpt_on_train_begin(callback, &next, NULL) < 0) {
        fprintf(stderr, "%s\n", h5ckpt_callback_message(callback));
        return 1;
    }
    for (uint64_t epoch = next.epoch; epoch < strtoull(argv[2], NULL, 10); epoch++) {
        h5ckpt_on_epoch_begin(callback, epoch);
        train_one_epoch(epoch);
        h5ckpt_on_epoch_end(callback, epoch);
    }
    h5ckpt_on_train_end(callback, H5CKPT_FINISHED);
    printf("from epoch %d, weights[7] %.17g\n", (int)next.epoch, weights[7]);
    h5ckpt_callback_free(callback);
    h5ckpt_state_free(state);
    return 0;
}
