/* SPDX-License-Identifier: Apache-2.0 */
/* termination - SIGTERM and SIGINT as events of the loop; SIGPIPE is ignored from then on */
#pragma once
#include "loop/loop.h"

struct termination {
        struct source source;
        void (*on_signal)(struct termination *t); /* for each of them */
};

/* 0 or -errno. */
int termination_watch(struct termination *t, struct loop *loop, void (*on_signal)(struct termination *t));
void termination_unwatch(struct termination *t); /* legal also when it was never watched (zeroed) */
