/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assembly - the supervisor that START describes, with what only the container knows: made at either end of a link
 */
#pragma once
#include "runtime/link.h"

struct loop;

struct assembly {
        struct loop *loop;
        struct place *place_consume;
        const struct link_start *start;
        const struct env_var *image_vars; /* the image's own: the function's win */
        size_t image_var_count;
        uint16_t endpoint_port;        /* of a door to the AWS API inside; 0: none */
        const char *const *extensions; /* file names, NULL-terminated; NULL: none */
        bool extensions_disabled;
};

/* Whether these variables choose where calls of the Lambda API go: then the door's address is not told. */
bool assembly_has_endpoint(const struct env_var *vars, size_t count);
/* All of it is copied. */
struct environment *assembly_supervisor(const struct assembly *assembly);
