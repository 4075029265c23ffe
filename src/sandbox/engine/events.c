/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/events.h"

#define LINE_MAX_BYTES (256 * KIB)
#define AGAIN_FIRST (200 * MILLISECOND)
#define AGAIN_MOST (10 * SECOND)

static enum engine_event_kind kind_of(const char *action) {
        static const struct {
                const char *action;
                enum engine_event_kind kind;
        } table[] = {
                { "create", ENGINE_EVENT_CREATED }, { "oom", ENGINE_EVENT_OOM },
                { "die", ENGINE_EVENT_DIED },       { "destroy", ENGINE_EVENT_REMOVED },
                { "remove", ENGINE_EVENT_REMOVED }, /* Podman's word */
        };

        for (size_t i = 0; action && i < ARRAY_SIZE(table); ++i)
                if (streq(action, table[i].action))
                        return table[i].kind;
        return ENGINE_EVENT_OTHER;
}

void engine_event_read(const char *line, size_t len, struct engine_event *ret_event) {
        const json_t *actor, *attributes;
        const char *id, *code, *instance;
        uint64_t number;
        json_t *tree;

        *ret_event = (struct engine_event){ .exit_code = -1 };
        if (json_tree_parse(line, len, &tree, NULL))
                return;
        actor = json_tree_get(tree, "Actor");
        attributes = json_tree_get(actor, "Attributes");
        id = json_tree_str(actor, "ID");
        code = json_tree_str(attributes, "exitCode");
        instance = json_tree_str(attributes, "dev.lambent.instance");
        if (id) {
                str_fit(ret_event->id, sizeof(ret_event->id), id);
                ret_event->kind = kind_of(json_tree_str(tree, "Action"));
        }
        if (instance)
                str_fit(ret_event->instance, sizeof(ret_event->instance), instance);
        if (code && !str_to_u64(code, 255, &number))
                ret_event->exit_code = (int)number;
        json_decref(tree);
}

static void take_line(struct engine_events *events) {
        struct engine_event event;

        engine_event_read(buf_data(&events->line), events->line.len, &event);
        buf_clear(&events->line);
        if (event.kind != ENGINE_EVENT_OTHER)
                events->on_event(events, &event);
}

static void on_stream(struct docker_call *call, const char *data, size_t len) {
        struct engine_events *events = container_of(call, struct engine_events, call);

        while (len) {
                const char *end = memchr(data, '\n', len);
                size_t some = end ? (size_t)(end - data) : len;

                if (buf_append(&events->line, data, some))
                        buf_clear(&events->line);
                if (end) {
                        take_line(events);
                        ++some;
                }
                data += some;
                len -= some;
        }
}

static void on_open(struct docker_call *call) {
        struct engine_events *events = container_of(call, struct engine_events, call);

        events->open = true;
        events->failures = 0;
        events->on_open(events);
}

static void on_done(struct docker_call *call, int r) {
        struct engine_events *events = container_of(call, struct engine_events, call);
        struct loop *loop = events->again.loop;
        unsigned doublings = MIN(events->failures, 8u);
        nsec_t pause = MIN(AGAIN_FIRST << doublings, AGAIN_MOST);

        events->open = false;
        ++events->failures;
        buf_clear(&events->line);
        timer_arm(&events->again, loop_now(loop) + pause);
}

static void open_stream(struct timer *timer) {
        struct engine_events *events = container_of(timer, struct engine_events, again);

        docker_begin(events->docker, &events->call,
                     &(struct docker_request){
                             .method = HTTP_GET_,
                             .target = events->target,
                             .silence = NSEC_NEVER,
                             .on_open = on_open,
                             .on_stream = on_stream,
                             .done = on_done,
                     });
}

void engine_events_follow(struct engine_events *events, struct loop *loop, struct docker *docker,
                          const char *label) {
        AUTO(buf) struct buf target = BUF_NULL(4 * KIB);
        AUTO(str) char *filters = xasprintf("{\"type\":[\"container\"],\"label\":[\"%s\"]}", label);

        events->docker = docker;
        events->line = BUF_NULL(LINE_MAX_BYTES);
        must(buf_append_str(&target, "/events?filters=") == 0);
        docker_escape(&target, filters);
        events->target = buf_take_str(&target, NULL);
        must(events->target);
        timer_init(&events->again, loop, open_stream);
        open_stream(&events->again);
}

void engine_events_stop(struct engine_events *events) {
        if (!events->docker)
                return;
        docker_call_clear(&events->call);
        timer_disarm(&events->again);
        buf_deinit(&events->line);
        free(TAKE(events->target));
        events->docker = NULL;
}
