/* SPDX-License-Identifier: Apache-2.0 */
/* link_site - what a place at the far end of a link is told, and what it hands over where the supervisor is at this end */
#pragma once
#include "runtime/link_list.h"

/* What comes with OPENED, in this order; the first two always. */
enum link_handed {
        HANDED_LISTENER, /* of the Runtime API: TCP on 127.0.0.1 */
        HANDED_MEMORY,   /* a file that says in bytes what is in use… */
        HANDED_PEAK,     /* …and one that says what was at most, where the kernel keeps it */
        HANDED_DIAG,     /* to ask the kernel of there whose a connection is, where others can connect too */
        HANDED_MOST
};

/* What a place has to know before it opens. */
struct link_site {
        uint32_t api_port; /* of the Runtime API on 127.0.0.1; 0: any, where the network is shared */
        bool shared_network;
        bool serves_api;         /* TUNNEL_API leads somewhere */
        uint32_t uid, gid;       /* of the processes, where init may choose */
        struct link_bytes ports; /* decimal: ports of the daemon's loopback to offer inside */
};
