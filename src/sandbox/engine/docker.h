/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docker - one call to a container engine in the words of the Engine API
 *
 * Over HTTP to Docker and Podman's service; where there is only a command (podman without its service, nerdctl, finch) the
 * command is run instead (command_line.h), and whoever calls sees no difference.
 *
 * A struct docker is an address; each call has a connection of its own, so that none waits behind another and a
 * wedged engine costs nobody but its caller: every call is bounded in the silence it bears, before the head of
 * the answer and after it. A call is embedded in whoever makes it; docker_cancel is final. The answer is kept
 * (up to ANSWER_CAP bytes), or handed on as it comes when the call has on_stream: pulls, events, and an
 * attach, which from its head on is a stream of bytes in both directions.
 *
 * A failure is told as a negative errno and a sentence (problem) in the engine's own words: -ENOENT (404),
 * -EINVAL (400), -EEXIST (409), -EIO (anything else it refused), or what became of the connection. Loop thread only.
 */
#pragma once
#include "http/client.h"
#include "lib/json.h"

#define DOCKER_PATIENCE (30 * SECOND) /* what any call that does not wait for work is given */

struct broker;
struct docker;
struct docker_call;

/* How an engine is spoken to over TLS (lib/tls.h). */
struct docker_tls {
        bool wanted;
        bool any_peer; /* the engine's certificate is not checked */
        char *folder;  /* with ca.pem, cert.pem and key.pem, each of which may be absent; NULL: none */
};
void docker_tls_clear(struct docker_tls *tls);

/* address: as http/client.h takes it, "unix:/run/docker.sock" or "host:port"; or one of command_line.h. tls: copied; NULL: not
 * wanted. broker: who opens the socket (sandbox/broker/broker.h), borrowed; NULL: we do. */
struct docker *docker_new(struct loop *loop, const char *address, const struct docker_tls *tls,
                          struct broker *broker);
/* Calls under way must have been cancelled. */
void docker_free(struct docker *d);
DEFINE_FREEP(docker)
const char *docker_address(const struct docker *d);

struct docker_request {
        enum http_method method;
        const char *target; /* "/containers/create", escaped; copied */
        const char *fields; /* more header lines, each ended by \r\n; NULL. Copied. */
        const char *json;   /* the body, copied; or… */
        const void *tar;    /* …bytes borrowed until the end, an archive; NULL: no body */
        size_t tar_len;
        nsec_t patience;                           /* until the head; 0: DOCKER_PATIENCE */
        nsec_t silence;                            /* after it; 0: as patience; NSEC_NEVER for streams */
        void (*on_open)(struct docker_call *call); /* the head of a success; may be NULL */
        void (*on_stream)(struct docker_call *call, const char *data,
                          size_t len); /* NULL: the answer is kept */
        /* The last call: 0 (a 2xx or 304, complete) or -errno. It may free the call, or begin the next. */
        void (*done)(struct docker_call *call, int r);
};

struct docker_call {
        struct docker *docker;      /* NULL while idle */
        struct http_client *client; /* one of the two while it is under way */
        struct command_request *command;
        struct docker_request request;
        struct timer timer;
        struct buf answer;
        char *target, *fields, *body;
        int status;
        bool cut;      /* the answer was longer than is kept */
        char *problem; /* of the last failure; until the next call, or docker_call_clear */
};

void docker_begin(struct docker *d, struct docker_call *call, const struct docker_request *request);
/* Nothing of the call comes any more. Legal on a zeroed one. */
void docker_cancel(struct docker_call *call);
/* The same, and frees what the call holds. */
void docker_call_clear(struct docker_call *call);
static inline bool docker_is_under_way(const struct docker_call *call) {
        return call->docker != NULL;
}
/* The kept answer as a tree (NULL when it is no JSON); json_decref it. */
json_t *docker_answer(const struct docker_call *call);
/* What the call asks for is known to have happened: a command, which may not say so for long, is not waited for (over HTTP the
 * engine itself tells). Legal when it is not under way. */
void docker_has_happened(struct docker_call *call);
/* Bytes into an attached stream: 0, -ENOTCONN, -E2BIG. */
int docker_send(struct docker_call *call, const void *data, size_t len);

/* Appends text with everything escaped that a query value or a path segment may not hold. */
void docker_escape(struct buf *target, const char *text);
