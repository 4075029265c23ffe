/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What native.c (the launcher, the probe, spare cells), place.c (one environment) and peer.c share; nobody
 * else includes it.
 *
 * A remote_cell is the daemon's end of a cell: prepared ahead (on the list of spares, without a place) or
 * serving one place. Its place frees it; a spare is freed by its native.
 */
#pragma once
#include "base/list.h"
#include "sandbox/native/native.h"
#include "sandbox/native/wire.h"

struct native {
        struct loop *loop;
        struct native_options options; /* strings are ours */
        struct native_report report;
        char *why_not_better;
        bool was_root; /* at first */
        enum native_tier tier;
        uint32_t flags; /* of SETUP_DONE */
        pid_t guard_pid;
        int guard;     /* -1: no guard, and no launcher */
        int control;   /* -1: no launcher */
        char *problem; /* why the launcher could not be started the last time; NULL */
        struct source guard_source, control_source;
        struct list spares;
        size_t spare_count;
        struct list places; /* with a cell, or about to be told that they lost it */
        struct timer refill;
        int diag_fd;
        struct wire_in in;    /* the message being read */
        char chunk[64 * KIB]; /* output being delivered */
};

struct native_place;

struct remote_cell {
        struct native *native;
        struct native_place *place; /* NULL: spare */
        struct list link;           /* on native's spares */
        struct source socket, output;
        int socket_fd, output_fd, api_fd, peak_fd, freeze_fd;
        uint16_t port;
        uid_t uid;
        pid_t pid; /* of PID 1, in our numbering */
        char *memory_path;
        bool prepared;
        bool *gone; /* set when freed while one of its callbacks runs */
};

/* native.c */
/* Asks the launcher for a cell. 0 or -errno. */
int remote_cell_new(struct native *native, struct remote_cell **ret_cell);
void remote_cell_free(struct remote_cell *cell);
DEFINE_FREEP(remote_cell)
/* A prepared one when there is one. */
int native_take_cell(struct native *native, struct remote_cell **ret_cell);
/* Stores what PREPARED brings; -EPROTO when it is not as it should be. */
int remote_cell_take_prepared(struct remote_cell *cell, struct wire_in *in);

/* place.c: a spare's socket has something to say, too. */
void remote_cell_on_socket(struct source *source, uint32_t events);
int place_send_open(struct remote_cell *cell, const struct native_place_spec *spec);
int place_send_spawn(struct remote_cell *cell, const struct process_spec *spec);
/* Every place loses its cell; with on_lost unless why is NULL. */
void place_lose_all(struct native *native, const char *why, bool accident);

/* peer.c */
bool peer_is_of_cell(const struct remote_cell *cell, int fd);
/* The process of the cell that its PID 1 numbers `inner`, its youngest child when that is 0; 0: none. */
pid_t peer_find_process(const struct remote_cell *cell, pid_t inner);
