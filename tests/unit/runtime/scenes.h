/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenes - every state in which an environment can be, and how a stage gets there
 *
 * The place empties only when the test says so (hold_empty).
 */
#pragma once
#include "stage.h"

enum scene {
        SCENE_NEW,
        SCENE_OPENING,
        SCENE_INIT,
        SCENE_INIT_ERROR,  /* posted, and it has not exited yet */
        SCENE_INIT_KILLED, /* INIT's limit has passed; being killed */
        SCENE_IDLE,
        SCENE_HUNG_UP, /* idle without a parked poll */
        SCENE_FROZEN,
        SCENE_DEAD_IDLE, /* crashed while idle */
        SCENE_RUNNING,
        SCENE_UNSEEN,    /* it has an invocation, but the runtime does not ask */
        SCENE_ANSWERING, /* half of the response is there */
        SCENE_STREAMING,
        SCENE_ANSWERED,
        SCENE_CRASHED, /* under an invocation; being killed */
        SCENE_SUPPRESSED_INIT,
        SCENE_STOPPING,
        SCENES
};

extern const char *const scene_names[SCENES];
bool scene_has_invocation(enum scene scene);
/* The connection of the runtime, or -1. */
void enter_scene(struct stage *st, enum scene scene, int *ret_fd);

unsigned count_of(const char *text, const char *what);
/* The body of an answer that tells of a failure. */
#define FAILED(type, text) \
        "{\"errorType\":\"" type "\",\"errorMessage\":\"RequestId: " REQUEST_ID " Error: " text "\"}"
