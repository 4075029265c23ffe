/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command_trial - one test of the driver over an engine that has only a command: the command (fake_command.sh), its books,
 * a loop, the container driver
 */
#pragma once
#include <sys/types.h>

#include "sandbox/engine/docker.h"
#include "stage.h"

#define KNOCKS_MAX 64

struct trial {
        struct stage stage;
        char folder[64];
        char *command, *address;
        struct docker *docker;
        struct docker_call call;
        bool ended, open;
        int result, connections[KNOCKS_MAX];
        size_t knocks;
        struct buf heard;
};

#define turn_until(t, claim) stage_until(&(t)->stage, claim)

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
