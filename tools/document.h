/* SPDX-License-Identifier: MIT */
/*
 * document: values of JSON documents, by jansson. Where there is no memory, the program ends.
 */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Both take `value` over; NULL is one for which there was no memory. */
void document_set(json_t *object, const char *key, json_t *value);
void document_append(json_t *array, json_t *value);

/* Beyond what the readers of JSON take for an integer, a string of digits. */
json_t *document_number(uint64_t value);

/* JSON is UTF-8, and a path need not be: then every byte of it beyond ASCII becomes \xHH. */
json_t *document_text(const char *text);

/* The whole document on standard output, which no byte of it can steer. Releases it. */
void document_print(json_t *document);

/* Likewise, as one line on a stream. */
void document_print_line(json_t *document, FILE *stream);

#endif
