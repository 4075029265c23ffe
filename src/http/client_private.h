/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the client share; nobody else includes it. */
#pragma once
#include <llhttp.h>

#include "http/address.h"
#include "http/client.h"
#include "http/head.h"

#define CLIENT_SEND_MAX (16 * MIB)

enum parsed { PARSED_NOTHING, PARSED_HEAD, PARSED_BODY, PARSED_END };

struct http_client {
        struct loop *loop;
        char *address;
        struct address list[ADDRESSES_MAX];
        size_t count, tried;
        struct source source; /* one of the two while there is a connection */
        struct transport *transport;
        struct dialer *dialer; /* NULL: sockets */
        char *problem;         /* of the dialer */
        struct timer timer;
        struct defer defer;

        const struct http_client_ops *ops;
        void *owner;
        struct buf request; /* head, then raw bytes */
        const char *body;
        size_t body_len, sent;
        int64_t body_left; /* of a body that comes by and by; -1: chunked */

        llhttp_t parser;
        struct head head;
        size_t head_len;
        struct buf pending;
        const char *span;
        size_t span_len;
        enum parsed parsed;
        int failure;
        unsigned holds, generation; /* of the call: one that a callback replaced is not gone on with */
        bool freed, in_call, connected, reused, repeatable, skip_body, raw, answered;
        bool readable, writable, peer_ended, send_failed, paused, shut;
        bool streaming, draining; /* more of the body will come; on_drain is owed */
        char room[KIB] __attribute__((aligned(8)));
};

/* Of the request, what the connection has not taken. */
static inline size_t client_unsent(const struct http_client *c) {
        return c->request.len + c->body_len - c->sent;
}

/* client.c */
/* All that can be done now. Callers are at the end of what they do: a callback may have freed the client. */
void client_run(struct http_client *c);
void client_run_soon(struct http_client *c); /* from the loop */
void client_end_call(struct http_client *c, int r);

/* client_connect.c */
/* Tries the next of the addresses; c->failure when none is left. */
void client_connect(struct http_client *c);
void client_disconnect(struct http_client *c);
/* error 0: the server has ended. What that means: another try, the end of a raw stream, or a failure. */
void client_on_peer_gone(struct http_client *c, int error);

/* client_send.c */
/* length: of the body; -1: in chunks. */
int client_write_head(struct http_client *c, enum http_method method, const char *target, const char *fields,
                      int64_t length);
void client_send_some(struct http_client *c);
/* True when it called back. */
bool client_tell_drain(struct http_client *c);

/* client_receive.c */
/* The next bytes are the beginning of a response. */
void client_expect_response(struct http_client *c);
/* One read at most. False: nothing is there. */
bool client_receive_some(struct http_client *c);
