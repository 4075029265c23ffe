/* SPDX-License-Identifier: Apache-2.0 */
/* pair - pools with three versions of functions, for the tests of their rules */
#pragma once
#include "sim.h"

#define MS MILLISECOND

extern const struct pools_options roomy;
struct pools_options at_most(size_t environments);

struct pair {
        struct sim sim;
        struct version *a, *b, *c;
};

void open_pair(struct pair *p, struct pools_options options);
void close_pair(struct pair *p); /* drains, and proves that nothing is left */
/* Makes `count` environments of v and leaves them idle. */
void warm(struct pair *p, struct version *v, size_t count);
