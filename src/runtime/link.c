/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The protocol is the tables below: for each type who may send it and its fields, in the order of the wire. Both
 * directions walk the same table, so what is written can be read and nothing else can.
 */
#include "runtime/link.h"

#include <signal.h>

#define FRAME_HEAD 5 /* length, type */

enum field_kind {
        FIELD_U32, /* at most `most` */
        FIELD_U64,
        FIELD_BOOL, /* one byte */
        FIELD_ID,   /* hex digits; sits in the message itself */
        FIELD_TEXT, /* a string that must be there */
        FIELD_NOTE, /* a string or NULL */
        FIELD_CUT,  /* the same, of a length that is not ours to choose: cut to fit when written */
        FIELD_LIST, /* strings */
        FIELD_BYTES
};

struct field {
        enum field_kind kind;
        uint32_t offset, least, most;
};

#define AT(member) offsetof(struct link_message, member)
#define U32(member) \
        { FIELD_U32, AT(member), 0, UINT32_MAX }
#define U32_MOST(member, high) \
        { FIELD_U32, AT(member), 0, high }
#define U64(member) \
        { FIELD_U64, AT(member), 0, 0 }
#define BOOL(member) \
        { FIELD_BOOL, AT(member), 0, 1 }
#define ID(member) \
        { FIELD_ID, AT(member), HEX_ID_LEN, HEX_ID_LEN }
#define TEXT(member) \
        { FIELD_TEXT, AT(member), 0, LINK_TEXT_MAX }
#define NOTE(member) \
        { FIELD_NOTE, AT(member), 0, LINK_TEXT_MAX }
#define CUT(member) \
        { FIELD_CUT, AT(member), 0, LINK_TEXT_MAX }
#define LIST(member, high) \
        { FIELD_LIST, AT(member), 0, high }
#define BYTES(member, low, high) \
        { FIELD_BYTES, AT(member), low, high }

#define SITE(member) \
        U32_MOST(member.api_port, UINT16_MAX), BOOL(member.shared_network), BOOL(member.serves_api), \
                U32(member.uid), U32(member.gid), LIST(member.ports, TUNNEL_PORTS_MAX * 6)

/* Whoever adds a field to one of these has to let it travel, and then to say so here (both architectures are LP64). */
_Static_assert(sizeof(struct environment_spec) == 200, "START carries all of it but paths of the host");
_Static_assert(sizeof(struct runtime_command) == 72, "START carries all of it");
_Static_assert(sizeof(struct invocation_order) == 88, "INVOKE carries all of it but want_tail");

static const struct field hello_fields[] = { U32(hello.magic), U32(hello.version) };
static const struct field start_fields[] = {
        ID(start.spec.id),
        TEXT(start.spec.account),
        TEXT(start.spec.region),
        TEXT(start.spec.function),
        TEXT(start.spec.version),
        TEXT(start.spec.runtime),
        NOTE(start.spec.handler),
        LIST(start.vars, 256 * KIB),
        U32(start.spec.memory_mb),
        U32(start.spec.tmp_mb),
        BOOL(start.spec.provisioned),
        U64(start.spec.timeout),
        BOOL(start.spec.provisioned),
        TEXT(start.spec.log_group),
        TEXT(start.spec.log_stream),
        BOOL(start.spec.log_json),
        NOTE(start.spec.log_level),
        NOTE(start.spec.system_log_level),
        NOTE(start.spec.access_key_id),
        NOTE(start.spec.secret_access_key),
        NOTE(start.spec.session_token),
        BOOL(start.has_command),
        LIST(start.argv, 256 * KIB),
        TEXT(start.command.cwd),
        LIST(start.command_vars, 256 * KIB),
        NOTE(start.command.execution_env),
        NOTE(start.command.notice),
        NOTE(start.command.missing_entry),
        TEXT(start.command.version_name),
        TEXT(start.command.version_arn),
        U64(start.init_limit),
        SITE(start.site),
};
static const struct field open_fields[] = { SITE(open) };
static const struct field opened_fields[] = {
        U32_MOST(opened.handed, (1u << HANDED_MOST) - 1),
        U32(opened.peer_uid),
        U32_MOST(opened.endpoint_port, UINT16_MAX),
        LIST(opened.vars, 256 * KIB),
        LIST(opened.extensions, 64 * KIB),
        BOOL(opened.extensions_disabled),
};
static const struct field kept_fields[] = { CUT(gone.why) };
static const struct field spawn_fields[] = {
        U32_MOST(spawn.process, PROCESS_NUMBERS - 1),
        LIST(spawn.argv, 256 * KIB),
        LIST(spawn.envp, 640 * KIB),
        TEXT(spawn.cwd),
};
static const struct field signal_fields[] = { U32_MOST(signal.process, PROCESS_NUMBERS - 1),
                                              U32(signal.number) };
static const struct field exit_fields[] = { U32_MOST(exit.process, PROCESS_NUMBERS - 1),
                                            U32_MOST(exit.end, PLACE_EXEC_FAILED),
                                            U32_MOST(exit.detail, INT32_MAX) };
static const struct field invoke_fields[] = {
        U32(invoke.number),
        TEXT(invoke.order.request_id),
        TEXT(invoke.order.arn),
        NOTE(invoke.order.trace_id),
        NOTE(invoke.order.client_context),
        NOTE(invoke.order.cognito_identity),
        NOTE(invoke.order.tenant_id),
        NOTE(invoke.order.content_type),
        U64(invoke.order.timeout),
        BOOL(invoke.order.stream),
        U32_MOST(invoke.event_len, PAYLOAD_MAX),
};
static const struct field part_fields[] = { U32(part.number), BYTES(part.bytes, 1, LINK_CHUNK_MAX) };
static const struct field credit_fields[] = { U32(credit.number), U32(credit.len) };
static const struct field ready_fields[] = { U32(ready.generation), U64(ready.init), BOOL(ready.failed),
                                             BOOL(ready.has_extensions) };
static const struct field head_fields[] = { U32(head.number), CUT(head.content_type) };
static const struct field answered_fields[] = {
        U32(answered.number),     U32_MOST(answered.outcome, OUTCOME_SANDBOX_FAILURE),
        BOOL(answered.is_error),  CUT(answered.content_type),
        CUT(answered.error_type),
};
static const struct field idle_fields[] = {
        U32(idle.number),
        U32(idle.generation),
        U32_MOST(idle.outcome, OUTCOME_SANDBOX_FAILURE),
        BOOL(idle.ending),
        BOOL(idle.has_extensions),
        U64(idle.duration),
        U64(idle.billed),
        U64(idle.init),
        U32(idle.memory_mb),
        U32(idle.max_memory_mb),
        CUT(idle.error_type),
};
static const struct field log_fields[] = { U64(log.wall), BYTES(log.line, 1, LINK_LOG_MAX) };
static const struct field stats_fields[] = { U64(stats.memory), U64(stats.memory_peak) };
static const struct field gone_fields[] = { { FIELD_CUT, AT(gone.why), 1, LINK_TEXT_MAX } };
static const struct field tunnel_open_fields[] = { U32(tunnel_open.id),
                                                   U32_MOST(tunnel_open.kind, TUNNEL_PORT),
                                                   U32_MOST(tunnel_open.port, UINT16_MAX) };
static const struct field tunnel_data_fields[] = { U32(tunnel_data.id),
                                                   BYTES(tunnel_data.bytes, 1, LINK_CHUNK_MAX) };
static const struct field tunnel_credit_fields[] = { U32(tunnel.id), U32(tunnel.len) };
static const struct field tunnel_fields[] = { U32(tunnel.id) };

#define FROM_DAEMON (1u << LINK_DAEMON)
#define FROM_INIT (1u << LINK_INIT)
#define FROM_BOTH (FROM_DAEMON | FROM_INIT)
#define SHAPE(word, from, table) \
        { word, from, table, ARRAY_SIZE(table) }

static const struct shape {
        const char *name;
        unsigned from;
        const struct field *fields;
        size_t count;
} shapes[LINK_TYPES] = {
        [LINK_HELLO] = SHAPE("hello", FROM_BOTH, hello_fields),
        [LINK_START] = SHAPE("start", FROM_DAEMON, start_fields),
        [LINK_OPEN] = SHAPE("open", FROM_DAEMON, open_fields),
        [LINK_SPAWN] = SHAPE("spawn", FROM_DAEMON, spawn_fields),
        [LINK_SIGNAL] = SHAPE("signal", FROM_DAEMON, signal_fields),
        [LINK_KILL] = { "kill", FROM_DAEMON, NULL, 0 },
        [LINK_INVOKE] = SHAPE("invoke", FROM_DAEMON, invoke_fields),
        [LINK_EVENT] = SHAPE("event", FROM_DAEMON, part_fields),
        [LINK_CREDIT] = SHAPE("credit", FROM_DAEMON, credit_fields),
        [LINK_FREEZE] = { "freeze", FROM_DAEMON, NULL, 0 },
        [LINK_THAW] = { "thaw", FROM_DAEMON, NULL, 0 },
        [LINK_ASK_STATS] = { "ask-stats", FROM_DAEMON, NULL, 0 },
        [LINK_STOP] = { "stop", FROM_BOTH, NULL, 0 },
        [LINK_STARTED] = { "started", FROM_INIT, NULL, 0 },
        [LINK_READY] = SHAPE("ready", FROM_INIT, ready_fields),
        [LINK_HEAD] = SHAPE("head", FROM_INIT, head_fields),
        [LINK_CHUNK] = SHAPE("chunk", FROM_INIT, part_fields),
        [LINK_PAYLOAD] = SHAPE("payload", FROM_INIT, part_fields),
        [LINK_ANSWERED] = SHAPE("answered", FROM_INIT, answered_fields),
        [LINK_IDLE] = SHAPE("idle", FROM_INIT, idle_fields),
        [LINK_LOG] = SHAPE("log", FROM_INIT, log_fields),
        [LINK_STATS] = SHAPE("stats", FROM_INIT, stats_fields),
        [LINK_OPENED] = SHAPE("opened", FROM_INIT, opened_fields),
        [LINK_KEPT] = SHAPE("kept", FROM_INIT, kept_fields),
        [LINK_EXIT] = SHAPE("exit", FROM_INIT, exit_fields),
        [LINK_EMPTIED] = { "emptied", FROM_INIT, NULL, 0 },
        [LINK_GONE] = SHAPE("gone", FROM_INIT, gone_fields),
        [LINK_TUNNEL_OPEN] = SHAPE("tunnel-open", FROM_INIT, tunnel_open_fields),
        [LINK_TUNNEL_DATA] = SHAPE("tunnel-data", FROM_BOTH, tunnel_data_fields),
        [LINK_TUNNEL_CREDIT] = SHAPE("tunnel-credit", FROM_BOTH, tunnel_credit_fields),
        [LINK_TUNNEL_END] = SHAPE("tunnel-end", FROM_BOTH, tunnel_fields),
        [LINK_TUNNEL_CLOSE] = SHAPE("tunnel-close", FROM_BOTH, tunnel_fields),
};

const char *link_type_name(enum link_type type) {
        return shapes[type].name;
}

/* ---- numbers ---- */

static void put_number(char *to, uint64_t value, size_t size) {
        for (size_t i = 0; i < size; ++i)
                to[i] = (char)(value >> 8 * i);
}

static uint64_t get_number(const char *from, size_t size) {
        uint64_t value = 0;

        for (size_t i = size; i-- > 0;)
                value = value << 8 | (uint8_t)from[i];
        return value;
}

/* ---- writing ---- */

static int add_number(struct buf *out, uint64_t value, size_t size) {
        char bytes[8];

        put_number(bytes, value, size);
        return buf_append(out, bytes, size);
}

static int add_run(struct buf *out, const char *data, size_t len) {
        int r = add_number(out, len, 4);

        return r ?: buf_append(out, data, len);
}

static int add_bytes(struct buf *out, const struct field *f, const struct link_bytes *bytes) {
        return bytes->len < f->least || bytes->len > f->most ? -E2BIG : add_run(out, bytes->data, bytes->len);
}

/* With its NUL; no string at all is a length of 0. */
static int add_string(struct buf *out, const struct field *f, const char *s) {
        size_t len;
        int r;

        if (!s)
                return f->kind == FIELD_TEXT || f->least ? -E2BIG : add_number(out, 0, 4);
        len = strnlen(s, (size_t)f->most);
        if (len == f->most && f->kind != FIELD_CUT)
                return -E2BIG;
        len = MIN(len, (size_t)f->most - 1);
        r = add_number(out, len + 1, 4);
        r = r ?: buf_append(out, s, len);
        return r ?: buf_append(out, "", 1);
}

static int add_field(struct buf *out, const struct field *f, const char *at) {
        switch (f->kind) {
        case FIELD_U32:
                return add_number(out, *(const uint32_t *)(const void *)at, 4);
        case FIELD_U64:
                return add_number(out, *(const uint64_t *)(const void *)at, 8);
        case FIELD_BOOL:
                return add_number(out, *(const bool *)at, 1);
        case FIELD_ID:
                return add_run(out, at, strlen(at));
        case FIELD_TEXT:
        case FIELD_NOTE:
        case FIELD_CUT:
                return add_string(out, f, *(const char *const *)(const void *)at);
        case FIELD_LIST:
        case FIELD_BYTES:
                return add_bytes(out, f, (const struct link_bytes *)(const void *)at);
        }
        must(!"a kind of field without a writer");
        return -EINVAL;
}

int link_encode(struct buf *out, const struct link_message *message) {
        const struct shape *shape = &shapes[message->type];
        size_t before = out->len;
        char head[FRAME_HEAD] = {};
        int r = buf_append(out, head, sizeof(head));

        for (size_t i = 0; i < shape->count && !r; ++i)
                r = add_field(out, &shape->fields[i], (const char *)message + shape->fields[i].offset);
        if (!r && out->len - before - 4 > LINK_FRAME_MAX)
                r = -E2BIG;
        if (r) {
                out->len = before;
                return r;
        }
        put_number(buf_data(out) + before, out->len - before - 4, 4);
        buf_data(out)[before + 4] = (char)message->type;
        return 0;
}

/* ---- reading ---- */

struct span {
        const char *at, *end;
};

static int take(struct span *in, size_t len, const char **ret_data) {
        if (len > (size_t)(in->end - in->at))
                return -EPROTO;
        *ret_data = in->at;
        in->at += len;
        return 0;
}

static int take_number(struct span *in, size_t size, uint64_t *ret_value) {
        const char *data;

        if (take(in, size, &data))
                return -EPROTO;
        *ret_value = get_number(data, size);
        return 0;
}

static int take_run(struct span *in, const struct field *f, const char **ret_data, size_t *ret_len) {
        uint64_t len;

        if (take_number(in, 4, &len) || len < f->least || len > f->most || take(in, len, ret_data))
                return -EPROTO;
        *ret_len = len;
        return 0;
}

static int take_string(struct span *in, const struct field *f, const char **ret_string) {
        const char *data;
        size_t len;

        if (take_run(in, f, &data, &len))
                return -EPROTO;
        *ret_string = len ? data : NULL;
        if (!len)
                return f->kind == FIELD_TEXT ? -EPROTO : 0;
        return memchr(data, '\0', len) == data + len - 1 ? 0 : -EPROTO;
}

static int take_id(struct span *in, const struct field *f, char *ret_id) {
        const char *data;
        size_t len;

        if (take_run(in, f, &data, &len) || strspn(memcpy(ret_id, data, len), "0123456789abcdef") != len)
                return -EPROTO;
        return 0;
}

static int take_field(struct span *in, const struct field *f, char *at) {
        struct link_bytes *bytes = (struct link_bytes *)(void *)at;
        uint64_t value;
        int r;

        switch (f->kind) {
        case FIELD_U32:
                r = take_number(in, 4, &value);
                if (r || value > f->most)
                        return -EPROTO;
                *(uint32_t *)(void *)at = (uint32_t)value;
                return 0;
        case FIELD_U64:
                return take_number(in, 8, (uint64_t *)(void *)at);
        case FIELD_BOOL:
                r = take_number(in, 1, &value);
                if (r || value > 1)
                        return -EPROTO;
                *(bool *)at = value;
                return 0;
        case FIELD_ID:
                return take_id(in, f, at);
        case FIELD_TEXT:
        case FIELD_NOTE:
        case FIELD_CUT:
                return take_string(in, f, (const char **)(void *)at);
        case FIELD_LIST:
                r = take_run(in, f, &bytes->data, &bytes->len);
                return r || (bytes->len && bytes->data[bytes->len - 1] != '\0') ? -EPROTO : 0;
        case FIELD_BYTES:
                return take_run(in, f, &bytes->data, &bytes->len);
        }
        must(!"a kind of field without a reader");
        return -EPROTO;
}

/* What no single field can tell. */
static bool makes_sense(const struct link_message *m) {
        if (m->type == LINK_HELLO)
                return m->hello.magic == LINK_MAGIC;
        if (m->type == LINK_LOG)
                return m->log.line.data[m->log.line.len - 1] == '\n';
        if (m->type == LINK_ANSWERED)
                return m->answered.is_error == (m->answered.outcome != OUTCOME_OK);
        if (m->type == LINK_OPENED)
                return m->opened.handed & 1u << HANDED_LISTENER && m->opened.handed & 1u << HANDED_MEMORY &&
                       link_list_count(&m->opened.vars) % 2 == 0;
        if (m->type == LINK_SPAWN)
                return m->spawn.argv.len > 0;
        if (m->type == LINK_SIGNAL)
                return m->signal.number == SIGTERM || m->signal.number == SIGKILL;
        if (m->type == LINK_START)
                return m->start.has_command == (m->start.argv.len > 0) &&
                       link_list_count(&m->start.vars) % 2 == 0 &&
                       link_list_count(&m->start.command_vars) % 2 == 0;
        return true;
}

int link_decode(const char *data, size_t len, enum link_side from, struct link_message *ret_message,
                size_t *ret_total) {
        const struct shape *shape;
        struct span in;
        size_t size;
        uint8_t type;

        if (len < 4)
                return LINK_MORE;
        size = get_number(data, 4);
        if (size < 1 || size > LINK_FRAME_MAX)
                return -EPROTO;
        if (len < FRAME_HEAD)
                return LINK_MORE;
        type = (uint8_t)data[4];
        if (type >= LINK_TYPES || !(shapes[type].from & 1u << from))
                return -EPROTO;
        if (len - 4 < size)
                return LINK_MORE;
        shape = &shapes[type];
        in = (struct span){ data + FRAME_HEAD, data + 4 + size };
        *ret_message = (struct link_message){ .type = type };
        for (size_t i = 0; i < shape->count; ++i)
                if (take_field(&in, &shape->fields[i], (char *)ret_message + shape->fields[i].offset))
                        return -EPROTO;
        if (in.at != in.end || !makes_sense(ret_message))
                return -EPROTO;
        *ret_total = 4 + size;
        return LINK_WHOLE;
}
