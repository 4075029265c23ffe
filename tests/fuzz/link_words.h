/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of a link made from the bytes of a fuzzer's input: well-formed ones, in no order that makes sense. */
#pragma once
#include <signal.h>

#include "runtime/link.h"

#define REQUEST_ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

/* What an environment is made of, where nothing depends on it. */
static const struct environment_spec some_spec = { .id = "00112233445566778899aabbccddeeff",
                                                   .account = "a",
                                                   .region = "r",
                                                   .function = "f",
                                                   .version = "1",
                                                   .runtime = "provided.al2023",
                                                   .memory_mb = 128,
                                                   .timeout = SECOND,
                                                   .log_group = "g",
                                                   .log_stream = "s" };
static const char *const some_argv[] = { "/bootstrap", NULL };
static const struct runtime_command some_command = {
        .argv = some_argv, .cwd = "/", .version_name = "v", .version_arn = "a"
};

struct words {
        const uint8_t *data;
        size_t left;
};

static inline uint8_t next_byte(struct words *w) {
        if (!w->left)
                return 0;
        --w->left;
        return *w->data++;
}

static inline struct link_bytes next_bytes(struct words *w) {
        size_t len = MIN((size_t)next_byte(w), w->left);
        struct link_bytes bytes = { (const char *)w->data, len };

        w->data += len;
        w->left -= len;
        return len ? bytes : (struct link_bytes){ "x", 1 };
}

static inline struct link_message say_init(struct words *w) {
        uint8_t how = next_byte(w);
        struct link_message m = { .type = LINK_STARTED + how % (LINK_TYPES - LINK_STARTED) };
        uint32_t small = next_byte(w) % 4;

        switch ((int)m.type) {
        case LINK_READY:
                m.ready.failed = how & 128;
                break;
        case LINK_HEAD:
                m.head.number = small;
                break;
        case LINK_CHUNK:
        case LINK_PAYLOAD:
                m.part.number = small;
                m.part.bytes = next_bytes(w);
                break;
        case LINK_ANSWERED:
                m.answered.number = small;
                m.answered.outcome = next_byte(w) % (OUTCOME_SANDBOX_FAILURE + 1);
                m.answered.is_error = m.answered.outcome != OUTCOME_OK;
                break;
        case LINK_IDLE:
                m.idle.number = small;
                m.idle.ending = how & 128;
                break;
        case LINK_LOG:
                m.log.line = (struct link_bytes){ "line\n", 5 };
                break;
        case LINK_OPENED:
                m.opened.handed = 3 | next_byte(w) % (1u << HANDED_MOST);
                m.opened.endpoint_port = small;
                m.opened.vars = (struct link_bytes){ "A\0b", how & 64 ? 4 : 0 };
                m.opened.extensions = (struct link_bytes){ "agent", how & 128 ? 6 : 0 };
                break;
        case LINK_EXIT:
                m.exit.process = small;
                m.exit.end = next_byte(w) % (PLACE_EXEC_FAILED + 1);
                m.exit.detail = next_byte(w);
                break;
        case LINK_KEPT:
        case LINK_GONE:
                m.gone.why = "why";
                break;
        case LINK_TUNNEL_OPEN:
                m.tunnel_open.id = small;
                m.tunnel_open.kind = how & 1 ? TUNNEL_API : TUNNEL_PORT;
                m.tunnel_open.port = next_byte(w);
                break;
        case LINK_TUNNEL_DATA:
                m.tunnel_data.id = small;
                m.tunnel_data.bytes = next_bytes(w);
                break;
        case LINK_TUNNEL_CREDIT:
        case LINK_TUNNEL_END:
        case LINK_TUNNEL_CLOSE:
                m.tunnel.id = small;
                m.tunnel.len = next_byte(w);
                break;
        default:
                break;
        }
        return m;
}

static inline struct link_message say_daemon(struct words *w) {
        static const enum link_type types[] = {
                LINK_START,       LINK_INVOKE,        LINK_EVENT,      LINK_CREDIT,
                LINK_FREEZE,      LINK_THAW,          LINK_ASK_STATS,  LINK_STOP,
                LINK_TUNNEL_DATA, LINK_TUNNEL_CREDIT, LINK_TUNNEL_END, LINK_TUNNEL_CLOSE,
                LINK_OPEN,        LINK_SPAWN,         LINK_SIGNAL,     LINK_KILL,
        };
        struct link_message m = { .type = types[next_byte(w) % ARRAY_SIZE(types)] };
        uint32_t small = next_byte(w) % 4;

        switch ((int)m.type) {
        case LINK_START:
                m.start = (struct link_start){
                        .spec = some_spec,
                        .command = { .cwd = "/", .version_name = "v", .version_arn = "a" },
                        .has_command = !(small & 2),
                        .argv = { "/b", small & 2 ? 0 : 3 },
                        .init_limit = SECOND,
                };
                m.start.spec.log_json = small & 1;
                break;
        case LINK_OPEN:
                m.open = (struct link_site){ .serves_api = small & 1, .shared_network = small & 2 };
                break;
        case LINK_SPAWN:
                m.spawn.process = small;
                m.spawn.argv = (struct link_bytes){ "/b", 3 };
                m.spawn.cwd = "/";
                break;
        case LINK_SIGNAL:
                m.signal.process = small;
                m.signal.number = next_byte(w) & 1 ? SIGTERM : SIGKILL;
                break;
        case LINK_INVOKE:
                m.invoke.number = small;
                m.invoke.order = (struct invocation_order){ .request_id = REQUEST_ID, .arn = "a" };
                m.invoke.order.timeout = next_byte(w) & 1 ? SECOND : MICROSECOND;
                m.invoke.order.stream = small & 1;
                m.invoke.event_len = next_byte(w);
                break;
        case LINK_EVENT:
                m.part.number = small;
                m.part.bytes = next_bytes(w);
                break;
        case LINK_CREDIT:
                m.credit.number = small;
                m.credit.len = next_byte(w);
                break;
        case LINK_TUNNEL_DATA:
                m.tunnel_data.id = small;
                m.tunnel_data.bytes = next_bytes(w);
                break;
        case LINK_TUNNEL_CREDIT:
        case LINK_TUNNEL_END:
        case LINK_TUNNEL_CLOSE:
                m.tunnel.id = small;
                m.tunnel.len = next_byte(w);
                break;
        default:
                break;
        }
        return m;
}
