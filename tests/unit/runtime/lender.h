/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lender - a lambent-init that lends its place as the test says, the daemon's end of the link, and who owns that
 *
 * What it would hand over well is in fds once it has begun.
 */
#pragma once
#include "runtime/remote_private.h"
#include "witness.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

struct near {
        struct loop *loop;
        struct witness witness;
        struct line init;          /* the other end */
        unsigned said[LINK_TYPES]; /* how often init was told each of them */
        char *init_why;
        int output, port, runtime_fd;
        bool shared_network, connects_nothing, asks_why;
        unsigned link_losses, removes;
        const char *why_lost;
        enum remote_loss how_lost;
        struct iovec event;
        /* The listener and so on that OPENED is to hand over; -1: not. */
        int fds[HANDED_MOST];
        uint32_t peer_uid;
};

#define SAY(n, kind, ...) line_send(&(n)->init, &(const struct link_message){ .type = kind, ##__VA_ARGS__ })

enum scene { OPENING, INIT, IDLE, RUNNING, ANSWERED, SCENES };

#define NEXT "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n"
#define ANSWER \
        "POST /2018-06-01/runtime/invocation/" ID "/response HTTP/1.1\r\n" \
        "Host: 127.0.0.1:9001\r\nContent-Length: 2\r\n\r\n{}"

void lender_turn(struct near *n);
void lender_await(struct near *n, const char *event);
void lender_await_said(struct near *n, enum link_type type);
int lender_new_socket(struct near *n, int family, int type, uint32_t address);
int lender_new_listener(struct near *n, uint32_t address);
void lender_begin(struct near *n);
void lender_opened_saying(struct near *n, uint32_t handed);
void lender_opened(struct near *n);
void lender_replace(int *fd, int with);
void lender_end(struct near *n);
void lender_connect_runtime(struct near *n);
void lender_runtime_says(struct near *n, const char *text);
void lender_warm(struct near *n);
void lender_invoke(struct near *n);
void lender_enter(struct near *n, enum scene scene);
