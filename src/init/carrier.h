/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carrier - the far end of a link: makes the supervisor that START describes, and carries its calls and events; or,
 * after OPEN, lends its place to the supervisor of the daemon
 *
 * What the daemon says is checked as strictly as the daemon checks us: a message out of its turn ends the link.
 * The link's end is the carrier's end: on_end is the last call, after which it can be freed. Until then the supervisor may be
 * gone already: its last message goes out first. Loop thread only.
 */
#pragma once
#include "runtime/line.h"
#include "runtime/place.h"

struct carrier;

/* What a place that is open lends: descriptors, yours now, -1 where there is none. */
struct carrier_loan {
        int memory_fd, peak_fd; /* files that say in bytes what the processes use, and used at most */
        int diag_fd;            /* http/peer.h; only where the network is shared */
        uint32_t peer_uid;      /* whose connections are those of the processes, as diag_fd tells it */
};

struct carrier_ports {
        /* The place for the processes; its paths are those inside. output_fd: where they shall write, taken over; -1:
         * into a pipe of the place's own, which it reads. Freed before there is another one. */
        struct place *(*make_place)(void *owner, const struct link_site *site, int output_fd);
        /* 0 or -errno: it cannot be lent. NULL: it never can. */
        int (*lend)(void *owner, struct carrier_loan *ret_loan);
        /* The external extensions, as extension_files; NULL: none. */
        char **(*find_extensions)(void *owner, bool *ret_disabled);
        /* Variables that the processes have beside the function's: the image's own. NULL-terminated "K=V"; NULL:
         * none. */
        const char *const *environ;
        /* The link takes less than the place writes: read no output until told otherwise. */
        void (*hold_output)(void *owner, bool hold);
        void (*on_end)(void *owner, const char *why);
};

struct carrier *carrier_new(struct loop *loop, const struct carrier_ports *ports, void *owner);
void carrier_free(struct carrier *carrier);
/* Non-blocking descriptors, taken over: a socket twice, or two ends of pipes. 0 or -errno. */
int carrier_open(struct carrier *carrier, int in_fd, int out_fd);
/* As if the daemon had said so. */
void carrier_stop(struct carrier *carrier);
