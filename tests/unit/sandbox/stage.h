/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stage - the container driver as its tests need it: a loop, an engine that is found, an image, one environment
 *
 * Which engine it is belongs to the test (fake_engine.h, command_trial.h), whose struct trial a stage is embedded in.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "sandbox/engine/containers.h"

struct stage {
        struct loop *loop;
        const char *folder; /* everything of the test is below; borrowed */
        struct containers_options options;
        struct containers *containers;
        struct containers_wait wait;
        struct image_ask ask;
        struct image *image;
        struct environment *environment;
        char *init;           /* lambent-init, as far as the driver looks */
        char *where;          /* the address of the engine that was found */
        char *problem, *gone; /* what was told last */
        unsigned gone_times;
        bool answered, image_answered, accident; /* accident: of the environment that has gone */
        void (*turned)(struct stage *s);         /* after each turn of the loop; NULL */
};

/* choice: as in struct containers_options, all of which may be changed before stage_make_containers. */
void stage_open(struct stage *s, const char *folder, const char *choice);
void stage_make_containers(struct stage *s);
/* The driver ends, and has left nothing in our folder. */
void stage_close_containers(struct stage *s);
void stage_close(struct stage *s); /* legal after stage_close_containers too */

/* False: problem says why. */
bool stage_find_engine(struct stage *s);
bool stage_find_image(struct stage *s);
/* This machine's, as Lambda calls it. */
const char *stage_architecture(void);

/* Begins the cold start of an environment of that image. It has nothing to run: nobody in the container is more than a
 * connection. */
void stage_start(struct stage *s);

void stage_turn(struct stage *s, nsec_t patience);
#define stage_until(s, claim) \
        do { \
                struct stage *stage_ = (s); \
                nsec_t give_up_ = loop_now(stage_->loop) + 20 * SECOND; \
                while (!(claim)) { \
                        stage_turn(stage_, 5 * MILLISECOND); \
                        assert_true(loop_now(stage_->loop) < give_up_); \
                } \
        } while (0)
