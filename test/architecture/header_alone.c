/* SPDX-License-Identifier: MIT */
/* The public header needs nothing before it, and no GNU extension. */
#include "h5ckpt.h"

int main(void)
{
    return h5ckpt_status_name(H5CKPT_OK) == NULL;
}
