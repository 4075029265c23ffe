/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of remote share; nobody else includes it. */
#pragma once
#include "runtime/remote.h"
#include "runtime/supervisor_private.h"
#include "runtime/tunnel.h"

/* The invocation under way. */
struct remote_invocation {
        bool active, answered, headed, start_logged;
        uint32_t number;
        struct invocation_order order; /* pointers are the caller's, valid until answered */
        char request_id[UUID_LEN + 1];
        nsec_t began;
        enum invocation_outcome outcome;
        char *error_type;
        struct buf payload;
        uint64_t received, unsettled, owed; /* of a stream: in all; not credited; credited and not told */
};

struct remote {
        struct environment base;
        struct loop *loop;
        const struct remote_ports *ports;
        void *owner;
        struct buf start_bytes; /* START, encoded: the copy of what the options said */
        struct link_message start;
        int start_error;
        uint16_t localhost_ports[TUNNEL_PORTS_MAX];
        size_t localhost_port_count;

        enum env_state state;
        struct line line;
        struct tunnels tunnels;
        struct timer timer; /* what the other end owes us: the state gives it meaning */
        struct defer soon;  /* what must not happen inside a call */
        struct remote_invocation now;
        struct journal journal; /* of it only the tail is used */
        struct environment_stats stats;
        nsec_t started, start_time, stats_asked;
        bool said_started, link_lost, lost, waited;
        enum remote_loss loss;
        char *lost_why;
};

static inline struct remote *remote_of(struct environment *e) {
        return container_of(e, struct remote, base);
}

/* remote.c */
void remote_forget_invocation(struct remote *r);

/* remote_link.c */
extern const struct line_ops remote_line_ops;

/* remote_end.c: answers what is under way, closes the link and says gone, which may free r */
void remote_end(struct remote *r, enum remote_loss loss, const char *why);
