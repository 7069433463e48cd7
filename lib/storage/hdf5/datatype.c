/* SPDX-License-Identifier: MIT */
#include "storage/hdf5/datatype.h"

#include "storage/hdf5/hdf5_call.h"

struct float_fields { /* as H5Tset_fields() wants them, mantissa from bit 0 */
    size_t byte_count;
    size_t precision_bits;
    size_t exponent_bits;
    size_t mantissa_bits;
    size_t exponent_bias;
    H5T_norm_t norm;
};

static const struct float_fields BINARY16 = {2, 16, 5, 10, 15, H5T_NORM_IMPLIED};
static const struct float_fields BINARY128 = {16, 128, 15, 112, 16383, H5T_NORM_IMPLIED};

static herr_t type_set_size(hid_t type, const struct float_fields *fields)
{
    if (H5Tset_size(type, fields->byte_count) < 0)
        return -1;
    return H5Tset_precision(type, fields->precision_bits);
}

static herr_t type_set_fields(hid_t type, const struct float_fields *fields)
{
    size_t sign = fields->precision_bits - 1;

    if (H5Tset_fields(type, sign, sign - fields->exponent_bits, fields->exponent_bits, 0, fields->mantissa_bits) < 0)
        return -1;
    if (H5Tset_ebias(type, fields->exponent_bias) < 0)
        return -1;
    return H5Tset_norm(type, fields->norm);
}

/* Fields must fit the size at every step: grow it first, shrink it last. */
static hid_t type_of_fields(const struct float_fields *fields)
{
    hid_t type = H5Tcopy(H5T_IEEE_F64LE);
    bool grows = fields->byte_count > 8;

    if (type < 0)
        return type;
    if ((grows && type_set_size(type, fields) < 0) || type_set_fields(type, fields) < 0 ||
        (!grows && type_set_size(type, fields) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_of_float(uint32_t byte_count)
{
    switch (byte_count) {
    case 2:
        return type_of_fields(&BINARY16);
    case 4:
        return H5Tcopy(H5T_IEEE_F32LE);
    case 8:
        return H5Tcopy(H5T_IEEE_F64LE);
    default:
        return H5I_INVALID_HID;
    }
}

static hid_t type_of_int(bool is_signed, uint32_t byte_count)
{
    hid_t type = H5Tcopy(is_signed ? H5T_STD_I8LE : H5T_STD_U8LE);

    if (type >= 0 && (H5Tset_size(type, byte_count) < 0 || H5Tset_precision(type, 8 * (size_t)byte_count) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_with_order(hid_t type, enum element_order order)
{
    if (type >= 0 && order == ELEMENT_ORDER_BIG && H5Tset_order(type, H5T_ORDER_BE) < 0) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

/* Two floats one after the other, under the names given. Takes `part`. */
static hid_t type_of_pair(hid_t part, const char *first, const char *second)
{
    size_t part_byte_count = part < 0 ? 0 : H5Tget_size(part);
    hid_t type = part < 0 ? part : H5Tcreate(H5T_COMPOUND, 2 * part_byte_count);

    if (type >= 0 && (H5Tinsert(type, first, 0, part) < 0 || H5Tinsert(type, second, part_byte_count, part) < 0)) {
        H5Tclose(type);
        type = H5I_INVALID_HID;
    }
    hdf5_close(H5Tclose, part);
    return type;
}

static hid_t type_of_long_double(const struct element *element)
{
    struct float_fields x87 = {element->byte_count, 80, 15, 64, 16383, H5T_NORM_NONE};

    switch (element->format) {
    case ELEMENT_FORMAT_BINARY64:
        return type_with_order(type_of_float(8), element->order);
    case ELEMENT_FORMAT_X87_EXTENDED:
        return type_with_order(type_of_fields(&x87), element->order);
    case ELEMENT_FORMAT_BINARY128:
        return type_with_order(type_of_fields(&BINARY128), element->order);
    case ELEMENT_FORMAT_DOUBLE_DOUBLE: /* no HDF5 float; its value is the sum of the two */
        return type_of_pair(type_with_order(type_of_float(8), element->order), "high", "low");
    case ELEMENT_FORMAT_NONE:
        break;
    }
    return H5I_INVALID_HID;
}

/* As h5py's bool: an enumeration over integers. Takes `base`. */
static hid_t type_of_bool(hid_t base, const struct element *element)
{
    unsigned char value[sizeof(uint64_t)] = {0};
    hid_t type = base < 0 ? base : H5Tenum_create(base);
    herr_t inserted = type < 0 ? -1 : H5Tenum_insert(type, "FALSE", value);

    value[element->order == ELEMENT_ORDER_BIG ? element->byte_count - 1 : 0] = 1;
    if (inserted >= 0)
        inserted = H5Tenum_insert(type, "TRUE", value);
    if (inserted < 0 && type >= 0) {
        H5Tclose(type);
        type = H5I_INVALID_HID;
    }
    hdf5_close(H5Tclose, base);
    return type;
}

static hid_t type_of_opaque(uint32_t byte_count)
{
    hid_t type = H5Tcreate(H5T_OPAQUE, byte_count);

    if (type >= 0 && H5Tset_tag(type, "") < 0) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

static hid_t type_of_string(uint32_t byte_count)
{
    hid_t type = H5Tcopy(H5T_C_S1);

    if (type >= 0 && (H5Tset_size(type, byte_count) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0 ||
                      H5Tset_strpad(type, H5T_STR_NULLPAD) < 0)) {
        H5Tclose(type);
        return H5I_INVALID_HID;
    }
    return type;
}

hid_t datatype_of_element(const struct element *element)
{
    switch (element->class) {
    case ELEMENT_INT:
        return type_with_order(type_of_int(true, element->byte_count), element->order);
    case ELEMENT_UINT:
        return type_with_order(type_of_int(false, element->byte_count), element->order);
    case ELEMENT_FLOAT:
        return type_with_order(type_of_float(element->byte_count), element->order);
    case ELEMENT_LONG_DOUBLE:
        return type_of_long_double(element);
    case ELEMENT_BOOL:
        return type_of_bool(type_with_order(type_of_int(true, element->byte_count), element->order), element);
    case ELEMENT_COMPLEX:
        return type_of_pair(type_with_order(type_of_float(element->byte_count / 2), element->order), "r", "i");
    case ELEMENT_OPAQUE:
        return type_of_opaque(element->byte_count);
    case ELEMENT_STRING:
        return type_of_string(element->byte_count);
    }
    return H5I_INVALID_HID;
}
