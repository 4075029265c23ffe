/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_trial - one test of the driver over an engine that has only a command: the command (fake_command.sh), its books,
 * a loop, the container driver
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "sandbox/engine/containers.h"
#include "sandbox/engine/docker.h"

#define KNOCKS_MAX 64

struct trial {
        struct loop *loop;
        char folder[64];
        char *command, *address, *state_dir, *init;
        struct docker *docker;
        struct docker_call call;
        struct containers *containers;
        struct containers_wait wait;
        struct image_ask ask;
        struct image *image;
        struct environment *environment;
        char *problem, *gone, *where;
        bool answered, image_answered, ended, open;
        int result, connections[KNOCKS_MAX];
        size_t knocks;
        unsigned gone_times;
        struct buf heard;
};

#define turn_until(t, claim) \
        do { \
                nsec_t give_up_ = loop_now((t)->loop) + 20 * SECOND; \
                while (!(claim)) { \
                        assert_int_equal(loop_turn((t)->loop, 5 * MILLISECOND), 0); \
                        knock(t); \
                        assert_true(loop_now((t)->loop) < give_up_); \
                } \
        } while (0)

void trial_open(struct trial *t);
/* Nothing of the trial may be left: no container, no process. */
void trial_close(struct trial *t);
void make_containers(struct trial *t);

/* The command's books. */
char *book(const struct trial *t, const char *name);
void put(const struct trial *t, const char *name, const char *text, mode_t mode);
char *get(const struct trial *t, const char *name); /* "" when there is none */
unsigned calls(const struct trial *t);
bool was_called(const struct trial *t, const char *words);
/* As an init would, in every container that has been started. Answers how many containers there are. */
size_t knock(struct trial *t);
