/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place - the place (runtime/place.h) that lambent-init itself is: processes below it, in its own container
 *
 * There is one in a process: SIGCHLD is its.
 */
#pragma once
#include "runtime/place.h"

struct loop;

struct local_place_options {
        struct loop *loop;
        uint16_t api_port;   /* of the Runtime API on 127.0.0.1; 0: any free one */
        bool shared_network; /* then only processes of this uid are served */
        uint32_t uid, gid;   /* of the processes when we are root; UINT32_MAX: ours */
        int output_fd;       /* where they write, taken over; -1: into a pipe of our own, which we read */
};

struct place *local_place_new(const struct local_place_options *options);
struct carrier_loan;

/* What an open place can lend to a supervisor elsewhere. 0 or -errno. */
int local_place_lend(struct place *place, struct carrier_loan *ret_loan);
/* While held, output waits in its pipe, and then the processes do. */
void local_place_hold_output(struct place *place, bool hold);
