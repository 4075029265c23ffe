/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_rig - the servers of tests/tls/server.py, and a client that writes down what it is told
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/tls.h"

struct rig {
        char folder[32]; /* certificates */
        pid_t pid;
        int lifeline;
        struct {
                char name[32];
                unsigned port;
        } servers[24];
        size_t count;
};

int rig_start(void **state); /* group setup: *state is a struct rig */
int rig_stop(void **state);
unsigned rig_port(const struct rig *rig, const char *name);
/* A file of the folder; good until the next but three calls. */
const char *rig_file(const struct rig *rig, const char *name);

struct caller {
        struct loop *loop;
        struct tls *tls;
        struct http_client *client;
        struct buf body;
        char problem[512];
        int status, result;
        bool ended, pause, free_in_head, free_in_body;
        nsec_t budget;
        size_t heard; /* bytes of body, whether kept or not */
        bool keep;    /* the body */
};

void caller_open(struct caller *c, const struct tls_settings *settings, const char *host, unsigned port);
void caller_close(struct caller *c);
void caller_begin(struct caller *c, enum http_method method, const char *target, const void *body,
                  size_t len);
/* Turns until the call has ended; its result. */
int caller_get(struct caller *c, const char *target);

#define caller_until(c, claim) \
        do { \
                nsec_t give_up_ = loop_now((c)->loop) + 60 * SECOND; \
                while (!(claim)) { \
                        assert_int_equal(loop_turn((c)->loop, 20 * MILLISECOND), 0); \
                        assert_true(loop_now((c)->loop) < give_up_); \
                } \
        } while (0)
