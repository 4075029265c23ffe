/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml - writes XML into a capped buffer, as the Query and REST-XML protocols of AWS have it
 *
 * Elements only, with an xmlns at the outermost one. What XML cannot hold becomes U+FFFD. An overflow sticks and is
 * reported once, by xml_writer_end.
 */
#pragma once
#include "lib/json.h"

struct xml_writer {
        struct buf *buf;
        int error; /* first failure, sticks */
};

#define XML_WRITER(b) ((struct xml_writer){ .buf = (b) })

void xml_open(struct xml_writer *w, const char *name, const char *xmlns); /* xmlns may be NULL */
void xml_close(struct xml_writer *w, const char *name);
void xml_text(struct xml_writer *w, const char *name, const char *value);
/* A tree of JSON: objects as elements, lists as elements `member`, what is null not at all. */
void xml_tree(struct xml_writer *w, const char *name, const json_t *tree);
int xml_writer_end(struct xml_writer *w); /* 0 or the first failure */
