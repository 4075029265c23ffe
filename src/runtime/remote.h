/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remote - a struct environment at the other end of a link, where there is a lambent-init
 *
 * Over a unix socket only its processes are there: init hands over what they talk to, and the supervisor is here as of the
 * native sandbox, so that an invocation takes no further hop. Over any other stream, and where init has to keep what it
 * should hand over, the supervisor runs there and the link carries its calls and events. Nobody can tell the two apart.
 *
 * Who makes the place (a container, a pod) implements struct remote_ports. start calls ports->open, which begins
 * to make it; when there is a link to its lambent-init, remote_connected (a stream socket) or remote_attach (any
 * stream of bytes) joins it to the environment, which then behaves to the letter as runtime/environment.h says.
 * remote_lost tells that the place could not be made or has died. ports->remove is called once, by ops->free, also when
 * open never was; from then on the environment must not be named any more.
 *
 * remote_connected, remote_attach and remote_lost may be called at any time, also from inside the ports; remote_writable, remote_feed
 * and remote_ended from the loop only, because they deliver events. Events come from the loop and from those.
 * When the link ends on its own, ports->link_lost is
 * told, so that the true reason (remote_lost) can be given; without one in REMOTE_PATIENCE it is the sandbox's failure.
 * An init that does not keep to the invocation's timeout is given up REMOTE_GRACE later.
 *
 * The other end is not trusted: whatever it sends, each invocation is answered once and then idle once, memory
 * stays bounded (one answer, one log line, the windows), and tunnels lead only where this end said they may.
 * Loop thread only.
 */
#pragma once
#include "runtime/line.h"

#define REMOTE_PATIENCE (1 * SECOND)
#define REMOTE_GRACE (5 * SECOND)
#define REMOTE_API_PORT 9001 /* as natively, and in AWS's AWS_LAMBDA_RUNTIME_API */

#define REMOTE_KEEP_ID UINT32_MAX

struct remote_ports {
        int (*open)(void *owner); /* 0 or -errno */
        /* The link ended, nobody knows why: remote_lost may tell. NULL: nobody ever will. */
        void (*link_lost)(void *owner);
        /* The function calls the AWS API: a connected stream socket to serve, yours now (http_listener_adopt).
         * NULL: there is no such API. */
        void (*serve)(void *owner, int fd);
        void (*remove)(void *owner);
};

struct remote_options {
        struct loop *loop;
        const struct environment_spec *spec;   /* copied; task_dir and opt_dir mean nothing here */
        const struct runtime_command *command; /* copied; paths are those inside */
        const struct remote_ports *ports;
        void *owner;
        nsec_t init_limit; /* as in supervisor_options */
        /* The place was there before anybody wanted it, and may have died meanwhile: when it proves lost before it is ready, that
         * is an accident (environment.h). */
        bool waited;
        /* The network is not the environment's own: the Runtime API takes any free port and asks who calls. */
        bool shared_network;
        bool supervise_there; /* whatever the link could carry */
        uint32_t uid, gid;    /* of the processes, where init is root; 0: 993; REMOTE_KEEP_ID: init's own */
        /* Ports of our own loopback that the function may reach as its localhost; TUNNEL_PORTS_MAX at most (must).
         * None where the network is the host's. */
        const uint16_t *localhost_ports;
        size_t localhost_port_count;
};

struct environment *remote_new(const struct remote_options *options);

/* A connected stream socket: taken over, also when the environment is over. */
void remote_connected(struct environment *e, int fd);

/* A link over something else, such as the attach stream of a container engine. The transport is closed once. */
void remote_attach(struct environment *e, const struct line_transport *transport, void *owner);
void remote_writable(struct environment *e);
void remote_feed(struct environment *e, const char *data, size_t len); /* bytes of init */
void remote_ended(struct environment *e);                              /* the stream has ended */

enum remote_loss {
        REMOTE_BROKEN, /* Sandbox.Failure: not the function's doing, or nobody knows */
        REMOTE_EXITED, /* Runtime.ExitError; why as AWS words it: "Runtime exited with error: signal: killed" */
        REMOTE_OUT_OF_MEMORY, /* Runtime.OutOfMemory */
};
/* The place is no more, or could not be made. why: a sentence. Later calls are ignored. */
void remote_lost(struct environment *e, enum remote_loss loss, const char *why);
