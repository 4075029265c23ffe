/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container engine says, without an engine: the progress of a pull, events, the pieces of an attached stream, and what
 * its command writes instead. However the bytes are cut, they say the same; what is made of them for the next parser is JSON.
 */
#include "base/buf.h"
#include "sandbox/engine/attach.h"
#include "sandbox/engine/command_line.h"
#include "sandbox/engine/command_private.h"
#include "sandbox/engine/events.h"
#include "sandbox/engine/pull.h"

#define LEDGER_MAX (4 * MIB)

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

/* ---- a pull ---- */

static void check_pull(const char *data, size_t size, size_t cut) {
        uint64_t current[2], total[2];
        struct pull whole, parts;

        pull_init(&whole);
        pull_init(&parts);
        pull_feed(&whole, data, size);
        for (size_t at = 0; at < size; at += cut)
                pull_feed(&parts, data + at, MIN(cut, size - at));
        pull_feed(&whole, "\n", 1);
        pull_feed(&parts, "\n", 1);
        pull_progress(&whole, &current[0], &total[0]);
        pull_progress(&parts, &current[1], &total[1]);
        must(whole.layer_count == parts.layer_count && whole.layer_count <= PULL_LAYERS_MAX);
        must(current[0] == current[1] && total[0] == total[1]);
        must(same(whole.error, parts.error));
        for (size_t i = 0; i < whole.layer_count; ++i)
                must(whole.layers[i].current <= whole.layers[i].total);
        if (whole.error)
                must(pull_judge(whole.error) < 0 && !strpbrk(whole.error, "\r\n"));
        pull_deinit(&whole);
        pull_deinit(&parts);
}

/* ---- an attached stream ---- */

struct ledger {
        struct buf heard;
        size_t most; /* so many pieces, then whoever hears has enough */
};

static bool on_piece(void *owner, enum attach_stream stream, const char *data, size_t len) {
        struct ledger *l = owner;

        must(len);
        for (size_t i = 0; i < len; ++i) {
                const char pair[] = { (char)stream, data[i] };

                must(buf_append(&l->heard, pair, sizeof(pair)) == 0);
        }
        return --l->most > 0;
}

static void check_attach(const char *data, size_t size, size_t cut) {
        struct ledger whole = { BUF_NULL(LEDGER_MAX), SIZE_MAX }, parts = { BUF_NULL(LEDGER_MAX), SIZE_MAX },
                      some = { BUF_NULL(LEDGER_MAX), 1 + size % 3 };
        struct attach a = {}, b = {}, c = {};
        int r = attach_feed(&a, data, size, on_piece, &whole), s = 0;

        for (size_t at = 0; at < size && !s; at += cut)
                s = attach_feed(&b, data + at, MIN(cut, size - at), on_piece, &parts);
        must(r == s && (r == 0 || r == -EPROTO) && whole.heard.len == parts.heard.len);
        must(!whole.heard.len ||
             memcmp(buf_data(&whole.heard), buf_data(&parts.heard), whole.heard.len) == 0);
        attach_feed(&c, data, size, on_piece, &some);
        must(some.heard.len <= whole.heard.len);
        buf_deinit(&whole.heard);
        buf_deinit(&parts.heard);
        buf_deinit(&some.heard);
}

/* ---- an event ---- */

static void check_event(const char *data, size_t size) {
        struct engine_event event;

        engine_event_read(data, size, &event);
        must(event.exit_code >= -1 && event.exit_code <= 255);
        must(strlen(event.id) < sizeof(event.id) && strlen(event.instance) < sizeof(event.instance));
}

/* ---- what a command writes ---- */

static void expect_json(const struct buf *json) {
        json_t *tree;

        must(json_tree_parse(buf_data(json), json->len, &tree, NULL) == 0);
        json_decref(tree);
}

static void check_command(const char *data, size_t size, enum dialect dialect) {
        static bool (*const answers[])(const struct command_request *r, struct buf *json) = {
                command_answer_version, command_answer_created, command_answer_list,
                command_answer_inspect, command_answer_network,
        };
        struct command_line line = { .dialect = dialect };
        struct command_request request = { .line = &line, .output = BUF_NULL(LEDGER_MAX) };
        AUTO(buf) struct buf event = BUF_NULL(LEDGER_MAX);
        AUTO(str) char *id = NULL;
        AUTO(str) char *last = NULL;
        bool started;
        int status;

        must(buf_append(&request.output, data, size) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(answers); ++i) {
                AUTO(buf) struct buf json = BUF_NULL(LEDGER_MAX);

                if (answers[i](&request, &json))
                        expect_json(&json);
        }
        command_translate_event(dialect, data, size, &event, &id, &started);
        if (event.len) {
                expect_json(&event);
                check_event(buf_data(&event), event.len);
        }
        must(!id || event.len);
        must(id || !started);
        last = command_last_line(&request.output);
        must(!strchr(last, '\n'));
        status = command_judge(last);
        must(status >= 400 && status <= 500);
        buf_deinit(&request.output);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const enum dialect dialects[] = { DIALECT_DOCKER, DIALECT_PODMAN, DIALECT_NERDCTL };
        size_t cut;

        if (size < 2)
                return 0;
        cut = 1 + data[0] % 64;
        check_pull((const char *)data + 2, size - 2, cut);
        check_attach((const char *)data + 2, size - 2, cut);
        check_event((const char *)data + 2, size - 2);
        check_command((const char *)data + 2, size - 2, dialects[data[1] % ARRAY_SIZE(dialects)]);
        return 0;
}
