/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor as its owner holds it: the calls of environment.h, and how it is made and freed. */
#include "runtime/supervisor_private.h"

static int supervisor_start(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        must(s->state == ENV_NEW);
        s->started = loop_clock(s->loop);
        supervisor_enter(s, ENV_STARTING);
        return s->place->ops->open(s->place);
}

static void supervisor_invoke(struct environment *e, const struct invocation_order *order) {
        struct supervisor *s = supervisor_of(e);

        must(s->state == ENV_IDLE && !s->now.active);
        s->now = (struct current){ .active = true, .order = *order, .began = loop_now(s->loop) };
        str_fit(s->now.request_id, sizeof(s->now.request_id), order->request_id);
        s->journal.keep_tail = order->want_tail;
        supervisor_enter(s, ENV_BUSY);
        if (s->gen == GEN_NONE)
                generation_start(s);
        else
                generation_deliver(s);
        /* else: the old generation is dying, or the runtime will ask again */
}

static void supervisor_credit(struct environment *e, size_t len) {
        struct supervisor *s = supervisor_of(e);
        struct incoming *in = &s->incoming;

        if (!in->x)
                return;
        in->unsettled -= MIN((uint64_t)len, in->unsettled);
        if (in->unsettled < ENVIRONMENT_WINDOW)
                http_resume(in->x);
}

static void supervisor_freeze(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        if (s->state == ENV_IDLE && s->gen == GEN_READY && s->place->ops->freeze(s->place) == 0)
                supervisor_enter(s, ENV_FROZEN);
}

static void supervisor_thaw(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        if (s->state != ENV_FROZEN)
                return;
        s->place->ops->thaw(s->place);
        supervisor_enter(s, ENV_IDLE);
}

static void supervisor_stop(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        if (s->state == ENV_STOPPING || s->state == ENV_DEAD)
                return;
        if (s->state == ENV_FROZEN)
                s->place->ops->thaw(s->place);
        if (!s->now.active)
                supervisor_enter(s, ENV_STOPPING);
        else
                s->state = ENV_STOPPING, timer_disarm(&s->timer);
        defer_call(s->loop, &s->soon, supervisor_on_soon);
}

static void supervisor_stats(struct environment *e, struct environment_stats *ret_stats) {
        struct supervisor *s = supervisor_of(e);

        *ret_stats = (struct environment_stats){
                .pid = s->place->ops->pid(s->place),
                .memory = s->place->ops->current_memory(s->place),
                .memory_peak = s->place->ops->peak_memory(s->place),
        };
}

/* ---- made and freed ---- */

static void free_strings(char **strings) {
        for (char **at = strings; at && *at; ++at)
                free(*at);
        free(strings);
}

static void supervisor_free(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        timer_disarm(&s->timer);
        defer_cancel(&s->soon);
        s->now.active = false;
        generation_enter(s, GEN_KILLING); /* nothing that still comes counts */
        runtime_api_drop(s);
        extensions_api_drop(s);
        http_listener_free(s->listener);
        s->place->ops->free(s->place);
        journal_deinit(&s->journal);
        free_strings(s->argv);
        free_strings(s->envp);
        free_strings(s->extension_names);
        free(s->runtime_only);
        free(s->account), free(s->function), free(s->version), free(s->region), free(s->handler);
        free(s->log_level), free(s->system_log_level);
        free(s->notice), free(s->missing_entry), free(s->version_name), free(s->version_arn), free(s->cwd);
        free(s->init_error_body), free(s->init_error_type), free(s->now.error_type), free(s->lost_why);
        free(s);
}

static const struct environment_ops supervisor_ops = {
        .start = supervisor_start,
        .invoke = supervisor_invoke,
        .credit = supervisor_credit,
        .freeze = supervisor_freeze,
        .thaw = supervisor_thaw,
        .stop = supervisor_stop,
        .stats = supervisor_stats,
        .free = supervisor_free,
};

static char *copy(const char *s) {
        return s ? xstrdup(s) : NULL;
}

static char **copy_strings(const char *const *strings) {
        size_t count = 0;
        char **out;

        if (!strings)
                return NULL;
        while (strings[count])
                ++count;
        out = xcalloc(count + 1, sizeof(*out));
        for (size_t i = 0; i < count; ++i)
                out[i] = xstrdup(strings[i]);
        return out;
}

struct environment *supervisor_new(const struct supervisor_options *options) {
        const struct environment_spec *spec = options->spec;
        const struct runtime_command *command = options->command;
        struct supervisor *s = xcalloc(1, sizeof(*s));

        s->base.ops = &supervisor_ops;
        memcpy(s->base.id, spec->id, sizeof(s->base.id));
        s->loop = options->loop;
        s->place = options->place_consume;
        s->place->events = &supervisor_place_events;
        s->place->owner = s;
        s->init_limit = options->init_limit ? options->init_limit : INIT_LIMIT;
        s->on_foreign_request = options->on_foreign_request;
        s->owner = options->owner;
        s->account = copy(spec->account);
        s->function = copy(spec->function);
        s->version = copy(spec->version);
        s->region = copy(spec->region);
        s->handler = copy(spec->handler);
        s->provisioned = spec->provisioned;
        s->log_json = spec->log_json;
        s->log_level = copy(spec->log_level);
        s->system_log_level = copy(spec->system_log_level);
        s->memory_mb = spec->memory_mb;
        s->timeout = spec->timeout;
        s->argv = copy_strings(command->argv);
        s->cwd = copy(command->cwd);
        s->extensions_disabled = options->extensions_disabled;
        s->extension_names = options->extensions_disabled ? NULL : copy_strings(options->extensions);
        s->notice = copy(command->notice);
        s->missing_entry = copy(command->missing_entry ? command->missing_entry : "no runtime");
        s->version_name = copy(command->version_name);
        s->version_arn = copy(command->version_arn);
        timer_init(&s->timer, s->loop, failure_on_timer);
        timer_init(&s->gen_timer, s->loop, failure_on_gen_timer);
        s->journal =
                (struct journal){ .partial = BUF_NULL(JOURNAL_LINE_MAX + 1), .tail = BUF_NULL(LOG_TAIL_MAX) };
        s->incoming.payload = BUF_NULL(ANSWER_MAX);
        environ_build(s, spec, command);
        return &s->base;
}
