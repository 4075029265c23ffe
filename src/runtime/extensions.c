/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/extensions.h"

#include <strings.h>

const char *extension_state_name(enum extension_state state) {
        static const char *const names[EXTENSION_STATES] = {
                [EXTENSION_STARTED] = "Started",
                [EXTENSION_REGISTERED] = "Registered",
                [EXTENSION_READY] = "Ready",
                [EXTENSION_RUNNING] = "Running",
                [EXTENSION_INIT_ERROR] = "InitError",
                [EXTENSION_EXIT_ERROR] = "ExitError",
                [EXTENSION_LAUNCH_ERROR] = "LaunchError",
        };

        return names[state];
}

/* ---- coming and going ---- */

static struct extension *add(struct extensions *x, const char *name, bool external) {
        struct extension *e = &x->all[x->count++];

        *e = (struct extension){ .name = xstrdup(name), .external = external, .state = EXTENSION_STARTED };
        random_uuid(e->id);
        return e;
}

void extensions_begin(struct extensions *x, const char *const *names) {
        extensions_clear(x);
        for (; names && *names && x->count < ARRAY_SIZE(x->all); ++names)
                add(x, *names, true);
        x->externals = x->count;
        if (x->count > EXTENSIONS_MAX) {
                x->all[EXTENSIONS_MAX].state = EXTENSION_LAUNCH_ERROR;
                x->all[EXTENSIONS_MAX].error_type = xstrdup("TooManyExtensions");
        }
}

void extensions_clear(struct extensions *x) {
        for (size_t i = 0; i < x->count; ++i) {
                must(!x->all[i].poll);
                free(x->all[i].name);
                free(x->all[i].error_type);
        }
        buf_deinit(&x->event);
        *x = (struct extensions){};
}

struct extension *extensions_by_id(struct extensions *x, const char *id) {
        for (size_t i = 0; i < x->count; ++i)
                if (strcasecmp(x->all[i].id, id) == 0)
                        return &x->all[i];
        return NULL;
}

struct extension *extensions_by_name(struct extensions *x, const char *name) {
        for (size_t i = 0; i < x->count; ++i)
                if (streq(x->all[i].name, name))
                        return &x->all[i];
        return NULL;
}

int extensions_add_internal(struct extensions *x, const char *name, struct extension **ret_extension) {
        if (x->closed)
                return EXTENSION_CLOSED;
        if (x->count >= EXTENSIONS_MAX)
                return EXTENSION_TOO_MANY;
        if (extensions_by_name(x, name))
                return EXTENSION_NAME_TAKEN;
        *ret_extension = add(x, name, false);
        return 0;
}

/* ---- the states ---- */

#define NO EXTENSION_STATES

bool extension_call(struct extension *e, enum extension_call call) {
        static const enum extension_state leads_to[EXTENSION_STATES][EXTENSION_CALLS] = {
                /* clang-format off */
                /*                            register              next             init/error            exit/error */
                [EXTENSION_STARTED]      = { EXTENSION_REGISTERED, NO,              NO,                   NO },
                [EXTENSION_REGISTERED]   = { NO,                   EXTENSION_READY, EXTENSION_INIT_ERROR, EXTENSION_EXIT_ERROR },
                [EXTENSION_READY]        = { NO,                   NO,              NO,                   EXTENSION_EXIT_ERROR },
                [EXTENSION_RUNNING]      = { NO,                   EXTENSION_READY, NO,                   EXTENSION_EXIT_ERROR },
                [EXTENSION_INIT_ERROR]   = { NO,                   NO,              EXTENSION_INIT_ERROR, NO },
                [EXTENSION_EXIT_ERROR]   = { NO,                   NO,              NO,                   EXTENSION_EXIT_ERROR },
                [EXTENSION_LAUNCH_ERROR] = { NO,                   NO,              NO,                   NO },
                /* clang-format on */
        };
        enum extension_state next = leads_to[e->state][call];

        if (next == NO)
                return false;
        e->state = next;
        return true;
}

/* exit/error's is not the state that it leads to: AWS names another one. */
const char *extension_call_target(enum extension_call call) {
        static const char *const names[EXTENSION_CALLS] = {
                [EXTENSION_CALL_REGISTER] = "Registered",
                [EXTENSION_CALL_NEXT] = "Ready",
                [EXTENSION_CALL_INIT_ERROR] = "InitError",
                [EXTENSION_CALL_EXIT_ERROR] = "Exited",
        };

        return names[call];
}

/* ---- questions ---- */

bool extensions_have_registered(const struct extensions *x) {
        for (size_t i = 0; i < x->externals; ++i)
                if (x->all[i].state == EXTENSION_STARTED || x->all[i].state == EXTENSION_LAUNCH_ERROR)
                        return false;
        return true;
}

bool extensions_are_ready(const struct extensions *x) {
        for (size_t i = 0; i < x->count; ++i)
                if (x->all[i].state != EXTENSION_READY)
                        return false;
        return true;
}

bool extensions_are_done(const struct extensions *x) {
        for (size_t i = 0; i < x->count; ++i) {
                const struct extension *e = &x->all[i];

                if ((e->events & EXTENSION_INVOKE) && (e->state != EXTENSION_READY || e->owed))
                        return false;
        }
        return true;
}

bool extensions_want(const struct extensions *x, unsigned event) {
        for (size_t i = 0; i < x->count; ++i)
                if (x->all[i].events & event)
                        return true;
        return false;
}

bool extensions_any_alive(const struct extensions *x) {
        for (size_t i = 0; i < x->externals; ++i)
                if (x->all[i].alive)
                        return true;
        return false;
}
