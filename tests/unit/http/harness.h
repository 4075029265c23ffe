/* SPDX-License-Identifier: Apache-2.0 */
/*
 * harness - a listener on a real loop, a handler that writes down what it is told, and a client that is a
 * bare socket
 *
 * The handler answers by path (see harness.c). The transcript has one line per callback; the pieces of a body
 * are joined, so that it does not depend on how the bytes were cut. Everything runs in one thread: after
 * `turns` nothing is left to do, because bytes written to a unix socket are there at once.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/http.h"

struct harness {
        struct loop *loop;
        struct http_listener *listener;
        struct buf transcript, body, sink;
        struct http_exchange *parked; /* by /park, or the last that was opened */
        const char *kill_in;          /* callback in which to destroy, and how: see harness_destroy */
        bool kill_listener, refuse_accept;
        int port;
        unsigned requests, done;
};

void harness_open(struct harness *h, const struct http_limits *limits);
void harness_close(struct harness *h);
int harness_connect(struct harness *h); /* the client's end of a socket pair */
/* Makes the listener a TCP one on loopback instead; harness_connect_tcp connects to it. */
void harness_listen_tcp(struct harness *h, const struct http_limits *limits);
int harness_connect_tcp(struct harness *h);
void turns(struct harness *h);
/* Turns until the claim holds, waiting for events; fails after ten seconds. */
#define turn_until(h, claim) \
        do { \
                nsec_t give_up_ = loop_now((h)->loop) + 10 * SECOND; \
                while (!(claim)) { \
                        assert_int_equal(loop_turn((h)->loop, 20 * MILLISECOND), 0); \
                        assert_true(loop_now((h)->loop) < give_up_); \
                } \
        } while (0)
void client_text(int fd, const char *text);
void client_write(int fd, const void *data, size_t len);
/* Appends what there is to buf; true when the server's end has closed. */
bool client_read(int fd, struct buf *buf);
/* Removes the Date lines. */
void forget_dates(struct buf *buf);
const char *text_of(struct buf *buf);
