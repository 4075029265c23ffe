/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the carrier share; nobody else includes it. */
#pragma once
#include "init/carrier.h"
#include "init/door.h"
#include "runtime/tunnel.h"

enum carrier_state {
        CARRIER_NEW,
        /* The supervisor is here (carrier.c). */
        CARRIER_STARTING,
        CARRIER_IDLE,
        CARRIER_FROZEN,
        CARRIER_BUSY,
        /* It is the daemon's, and the place is lent to it (loan.c). */
        CARRIER_OPENING,
        CARRIER_LENT,
        CARRIER_GONE
};

struct carrier {
        struct loop *loop;
        const struct carrier_ports *ports;
        void *owner;
        struct line line;
        struct tunnels tunnels;
        struct doors doors;
        enum carrier_state state;
        bool stopping, holding;
        /* The supervisor, whose the place is… */
        struct environment *e;
        nsec_t stats_sent;
        /* …and the invocation: what was said of it, kept until it is answered. */
        struct buf order_bytes, event;
        struct link_message order;
        struct iovec event_part;
        uint32_t number;
        /* Or the place alone. */
        struct place *lent;
        uint16_t endpoint_port;
        bool shared_network, spawned, frozen;
};

/* carrier.c */
extern const char carrier_out_of_turn[];
void carrier_say_gone(struct carrier *c, const char *why);
/* place: asked whose a connection is, where others can come too. */
void carrier_open_doors(struct carrier *c, const struct link_site *site, struct place *place);

/* loan.c */
/* NULL, or what is wrong with the message. */
const char *loan_on_message(struct carrier *c, const struct link_message *message);
/* The daemon did not get what it was lent, and will say START. Nothing where that cannot be. */
void loan_take_back(struct carrier *c);
void loan_end(struct carrier *c); /* frees the place; legal without one */
