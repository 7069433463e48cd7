/* SPDX-License-Identifier: MIT */
#include "storage/hdf5/convert.h"

#include <assert.h>
#include <hdf5.h>
#include <string.h>

#include "storage/hdf5/datatype.h"
#include "storage/hdf5/hdf5_call.h"

enum number_kind { NUMBER_NONE, NUMBER_INTEGER, NUMBER_FLOAT, NUMBER_COMPLEX };

static enum number_kind number_kind(const struct element *element)
{
    switch (element->class) {
    case ELEMENT_INT:
    case ELEMENT_UINT:
        return NUMBER_INTEGER;
    case ELEMENT_LONG_DOUBLE: /* a pair of doubles is a compound to HDF5, not a number */
        return element->format == ELEMENT_FORMAT_DOUBLE_DOUBLE ? NUMBER_NONE : NUMBER_FLOAT;
    case ELEMENT_FLOAT:
        return NUMBER_FLOAT;
    case ELEMENT_COMPLEX:
        return NUMBER_COMPLEX;
    case ELEMENT_BOOL:
    case ELEMENT_OPAQUE:
    case ELEMENT_STRING:
        break;
    }
    return NUMBER_NONE;
}

bool convert_is_possible(const struct element *from, const struct element *to)
{
    return number_kind(from) != NUMBER_NONE && number_kind(from) == number_kind(to);
}

/* A complex number is two floats, and converted as such. */
static struct element part_of(const struct element *element)
{
    struct element part = *element;

    if (element->class == ELEMENT_COMPLEX) {
        part.class = ELEMENT_FLOAT;
        part.byte_count /= 2;
    }
    return part;
}

static void zero_padding(unsigned char *bytes, size_t element_count, const struct element *element)
{
    size_t value_byte_count = element_value_byte_count(element);

    if (value_byte_count == element->byte_count)
        return;
    for (size_t i = 0; i < element_count; i++)
        memset(bytes + i * element->byte_count + value_byte_count, 0, element->byte_count - value_byte_count);
}

static h5ckpt_status convert_parts(void *bytes, size_t part_count, const struct element *from, const struct element *to,
                                   struct error *error)
{
    hid_t type_from = datatype_of_element(from);
    hid_t type_to = datatype_of_element(to);
    h5ckpt_status status = H5CKPT_OK;

    if (type_from < 0 || type_to < 0 || H5Tconvert(type_from, type_to, part_count, bytes, NULL, H5P_DEFAULT) < 0) {
        char text_from[ELEMENT_TEXT_BYTES];
        char text_to[ELEMENT_TEXT_BYTES];

        element_text(from, text_from);
        element_text(to, text_to);
        status = hdf5_error(error, "convert %s to %s", text_from, text_to);
    }
    hdf5_close(H5Tclose, type_from);
    hdf5_close(H5Tclose, type_to);
    return status;
}

h5ckpt_status convert_elements(void *bytes, size_t element_count, const struct element *from, const struct element *to,
                               struct error *error)
{
    struct element part_from = part_of(from);
    struct element part_to = part_of(to);
    size_t part_count = element_count * (from->byte_count / part_from.byte_count);
    struct hdf5_visit visit;
    h5ckpt_status status;

    assert(convert_is_possible(from, to));
    status = hdf5_enter(&visit, 0, error);
    if (status < 0)
        return status;
    status = convert_parts(bytes, part_count, &part_from, &part_to, error);
    hdf5_leave(&visit);
    if (status >= 0)
        zero_padding(bytes, element_count, to);
    return status;
}
