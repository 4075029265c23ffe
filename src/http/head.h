/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head - the start line and the fields of one message, gathered from the pieces in which the parser finds
 * them
 *
 * One block holds all of it: text grows from its front, field records from its back. The block is room lent
 * by the connection; what does not fit moves to memory of its own, doubling, so a line of a megabyte costs
 * linear time. Strings are NUL-terminated, names in lower case. They stand still once head_finish was called.
 */
#pragma once
#include "http/http.h"

/* More fields than any client sends; each costs a record, so their number has a cap beside that of the bytes.
 */
#define HEAD_FIELDS_MAX 256

struct head {
        char *block;
        uint32_t room, text; /* size of the block, bytes of text in use */
        uint16_t count;
        bool owned, in_value, name_ended;
};

void head_init(struct head *head, char *room, size_t size);
void head_deinit(struct head *head);

/* All answer 0, -E2BIG (too many fields) or -ENOMEM. */
int head_add_text(struct head *head, const char *s, size_t len); /* start line; before any field */
int head_end_text(struct head *head);
int head_add_name(struct head *head, const char *s, size_t len);
int head_end_name(struct head *head); /* also -EBADMSG: llhttp lets a field without a name pass */
int head_add_value(struct head *head, const char *s, size_t len);
/* Puts the records in the order of the wire; they are found at head_fields from now on. */
int head_finish(struct head *head);
struct http_field *head_fields(const struct head *head);
const char *head_find(const struct http_field *fields, size_t count, const char *lower_name);
/* What is left between text and records, to lend to another head; 0 when the block is owned. */
size_t head_leftover(const struct head *head, char **ret_room);
