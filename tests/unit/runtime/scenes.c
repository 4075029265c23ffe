/* SPDX-License-Identifier: Apache-2.0 */
#include "scenes.h"

#include <signal.h>

const char *const scene_names[SCENES] = {
        "new",       "opening",  "init",      "init error",      "init killed", "idle",
        "hung up",   "frozen",   "dead idle", "running",         "unseen",      "answering",
        "streaming", "answered", "crashed",   "suppressed init", "stopping",
};

bool scene_has_invocation(enum scene scene) {
        return scene >= SCENE_RUNNING && scene <= SCENE_SUPPRESSED_INIT;
}

#define HALF_RESPONSE \
        "POST /2018-06-01/runtime/" RESPONSE " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " \
        "100\r\n\r\nhalf"

static void begin_scene(struct stage *st, enum scene scene, int *fd) {
        if (scene >= SCENE_IDLE) {
                *fd = stage_warm(st);
                return;
        }
        st->hold_open = scene == SCENE_OPENING;
        if (scene == SCENE_INIT_KILLED)
                st->init_limit = MILLISECOND;
        if (scene >= SCENE_INIT)
                stage_start(st);
        else
                stage_new(st);
        if (scene == SCENE_OPENING)
                assert_int_equal(st->e->ops->start(st->e), 0);
        if (scene == SCENE_INIT_ERROR) {
                *fd = runtime_connect(st);
                runtime_post(st, *fd, "init/error", "", "{}");
                runtime_reply(st, *fd);
        }
        while (scene == SCENE_INIT_KILLED && !st->kills)
                assert_int_equal(loop_turn(st->loop, SECOND), 0);
}

void enter_scene(struct stage *st, enum scene scene, int *fd) {
        *fd = -1;
        st->hold_empty = true;
        begin_scene(st, scene, fd);
        st->order.stream = scene == SCENE_STREAMING;
        if (scene == SCENE_HUNG_UP || scene == SCENE_UNSEEN) {
                close(*fd);
                *fd = -1;
                stage_settle(st);
        }
        if (scene == SCENE_FROZEN)
                st->e->ops->freeze(st->e);
        if (scene == SCENE_DEAD_IDLE || scene == SCENE_SUPPRESSED_INIT) {
                stage_exit(st, PLACE_EXITED, 1);
                stage_empty_now(st);
                close(*fd);
                *fd = -1;
        }
        if (scene_has_invocation(scene))
                stage_invoke(st);
        if (scene >= SCENE_ANSWERING && scene <= SCENE_ANSWERED)
                runtime_reply(st, *fd);
        if (scene == SCENE_ANSWERING || scene == SCENE_STREAMING)
                runtime_send(st, *fd, HALF_RESPONSE);
        if (scene == SCENE_ANSWERED) {
                runtime_post(st, *fd, RESPONSE, "", "1");
                runtime_reply(st, *fd);
        }
        if (scene == SCENE_CRASHED)
                stage_exit(st, PLACE_SIGNALED, SIGSEGV);
        if (scene == SCENE_STOPPING)
                st->e->ops->stop(st->e);
        stage_settle(st);
        assert_true(scene != SCENE_STREAMING || st->chunks.len == 4);
}

unsigned count_of(const char *text, const char *what) {
        unsigned count = 0;

        for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
                ++count;
        return count;
}
