/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of one environment: the processes' output cut into lines and the platform's own lines around it, in
 * text or as JSON events (docs/aws.md, logs), in the order in which things happened.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/date.h"
#include "base/json.h"
#include "runtime/supervisor_private.h"

void journal_keep_tail(struct journal *j, const char *line, size_t len) {
        size_t keep = MIN(len, LOG_TAIL_MAX);

        if (!j->keep_tail)
                return;
        if (j->tail.len + keep > LOG_TAIL_MAX)
                buf_consume(&j->tail, MIN(j->tail.len, j->tail.len + keep - LOG_TAIL_MAX));
        if (buf_append(&j->tail, line + len - keep, keep))
                j->keep_tail = false; /* no memory: the caller's tail ends here */
}

static void emit(struct supervisor *s, const char *line, size_t len) {
        journal_keep_tail(&s->journal, line, len);
        s->base.events->log(&s->base, loop_wall(s->loop), line, len);
}

static void end_line(struct supervisor *s) {
        struct buf *partial = &s->journal.partial;

        if (buf_append(partial, "\n", 1) == 0)
                emit(s, buf_data(partial), partial->len);
        buf_deinit(partial);
}

/* Whole lines go straight through; only an unfinished one is kept. An endless one is cut into lines of
 * JOURNAL_LINE_MAX. */
void journal_output(struct supervisor *s, const char *data, size_t len) {
        struct buf *partial = &s->journal.partial;

        while (len) {
                const char *newline = memchr(data, '\n', len);
                size_t text = newline ? (size_t)(newline - data) : len;
                size_t room = JOURNAL_LINE_MAX - partial->len;
                size_t take = MIN(text, room);

                if (newline && text <= room && buf_is_empty(partial)) {
                        emit(s, data, text + 1);
                        ++take;
                } else {
                        if (buf_append(partial, data, take))
                                buf_clear(partial);
                        if (newline && text <= room) {
                                end_line(s);
                                ++take;
                        } else if (text > room) {
                                end_line(s);
                        }
                }
                data += take;
                len -= take;
        }
}

void journal_flush_partial(struct supervisor *s) {
        if (!buf_is_empty(&s->journal.partial))
                end_line(s);
}

void journal_deinit(struct journal *j) {
        buf_deinit(&j->partial);
        buf_deinit(&j->tail);
}

void journal_platform(struct supervisor *s, const char *format, ...) {
        char line[1024];
        va_list args;
        int n;

        va_start(args, format);
        n = vsnprintf(line, sizeof(line) - 1, format, args);
        va_end(args);
        n = MIN(MAX(n, 0), (int)sizeof(line) - 2);
        line[n] = '\n';
        emit(s, line, (size_t)n + 1);
}

/* The lines of every invocation are made without printf. */
static inline void begin_line(const struct supervisor *s, struct buf *line, const char *what) {
        buf_append_str(line, what);
        buf_append_str(line, " RequestId: ");
        buf_append_str(line, s->now.request_id);
}

static inline void add_figure(struct buf *line, const char *name, const char *figure, const char *unit) {
        buf_append_str(line, name);
        buf_append_str(line, figure);
        buf_append_str(line, unit);
}

static void emit_line(struct supervisor *s, struct buf *line) {
        if (buf_append(line, "\n", 1) == 0)
                emit(s, buf_data(line), line->len);
        buf_deinit(line);
}

static double milliseconds(nsec_t t) {
        return (double)t / 1e6;
}

/* ---- JSON events ---- */

enum system_level { SYSTEM_DEBUG, SYSTEM_INFO, SYSTEM_WARN };

static bool system_level_passes(const struct supervisor *s, enum system_level level) {
        enum system_level least = SYSTEM_INFO;

        if (s->system_log_level && streq(s->system_log_level, "DEBUG"))
                least = SYSTEM_DEBUG;
        if (s->system_log_level && streq(s->system_log_level, "WARN"))
                least = SYSTEM_WARN;
        return level >= least;
}

struct event_line {
        struct buf buf;
        struct json_writer w;
};

static void event_open(struct supervisor *s, struct event_line *line, const char *type) {
        char time[DATE_TEXT];

        line->buf = BUF_NULL(8 * KIB);
        line->w = JSON_WRITER(&line->buf);
        json_open_object(&line->w, NULL);
        json_str(&line->w, "time", date_text(loop_wall(s->loop), time));
        json_str(&line->w, "type", type);
        json_open_object(&line->w, "record");
}

static void event_close(struct supervisor *s, struct event_line *line) {
        json_close_object(&line->w);
        json_close_object(&line->w);
        if (json_writer_end(&line->w) == 0 && buf_append(&line->buf, "\n", 1) == 0)
                emit(s, buf_data(&line->buf), line->buf.len);
        buf_deinit(&line->buf);
}

/* ---- the platform's lines ---- */

void journal_init_start(struct supervisor *s) {
        struct event_line line;

        if (s->log_json) {
                if (!system_level_passes(s, SYSTEM_INFO))
                        return;
                event_open(s, &line, "platform.initStart");
                json_str(&line.w, "initializationType",
                         s->provisioned ? "provisioned-concurrency" : "on-demand");
                json_str(&line.w, "phase", s->now.active ? "invoke" : "init");
                if (*s->version_name) {
                        json_str(&line.w, "runtimeVersion", s->version_name);
                        json_str(&line.w, "runtimeVersionArn", s->version_arn);
                }
                json_str(&line.w, "functionName", s->function);
                json_str(&line.w, "functionVersion", s->version);
                json_uint(&line.w, "instanceMaxMemory", (uint64_t)s->memory_mb * MIB);
                event_close(s, &line);
        } else if (!s->now.active && *s->version_name) { /* images have none */
                journal_platform(s, "INIT_START Runtime Version: %s\tRuntime Version ARN: %s",
                                 s->version_name, s->version_arn);
        }
        if (s->notice)
                journal_platform(s, "%s", s->notice);
}

void journal_init_report(struct supervisor *s, nsec_t took, const char *phase, const char *status,
                         const char *error_type) {
        struct event_line line;

        if (s->log_json) {
                if (!system_level_passes(s, SYSTEM_WARN))
                        return;
                event_open(s, &line, "platform.initReport");
                json_str(&line.w, "initializationType",
                         s->provisioned ? "provisioned-concurrency" : "on-demand");
                json_str(&line.w, "phase", phase);
                json_str(&line.w, "status", status);
                json_open_object(&line.w, "metrics");
                json_double(&line.w, "durationMs", milliseconds(took), 3);
                json_close_object(&line.w);
                if (error_type)
                        json_str(&line.w, "errorType", error_type);
                event_close(s, &line);
                return;
        }
        if (error_type)
                journal_platform(s,
                                 "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s\tError Type: %s",
                                 milliseconds(took), phase, status, error_type);
        else
                journal_platform(s, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s\tStatus: %s",
                                 milliseconds(took), phase, status);
}

static void extension_json(struct supervisor *s, const struct extension *e) {
        struct event_line line;

        if (!system_level_passes(s, SYSTEM_INFO))
                return;
        event_open(s, &line, "platform.extension");
        json_str(&line.w, "name", e->name);
        json_str(&line.w, "state", extension_state_name(e->state));
        json_open_array(&line.w, "events");
        if (e->events & EXTENSION_INVOKE)
                json_str(&line.w, NULL, "INVOKE");
        if (e->events & EXTENSION_SHUTDOWN)
                json_str(&line.w, NULL, "SHUTDOWN");
        json_close_array(&line.w);
        if (e->error_type)
                json_str(&line.w, "errorType", e->error_type);
        event_close(s, &line);
}

void journal_extensions(struct supervisor *s) {
        static const char *const events[] = { "", "INVOKE", "SHUTDOWN", "INVOKE, SHUTDOWN" };

        for (size_t i = 0; i < s->extensions.count; ++i) {
                const struct extension *e = &s->extensions.all[i];

                if (s->log_json)
                        extension_json(s, e);
                else
                        journal_platform(s, "EXTENSION\tName: %s\tState: %s\tEvents: [%s]%s%s", e->name,
                                         extension_state_name(e->state), events[e->events],
                                         e->error_type ? "\tError Type: " : "",
                                         e->error_type ? e->error_type : "");
        }
}

void journal_start(struct supervisor *s) {
        char room[KIB];
        struct buf text = BUF_LENT(room, KIB);
        struct event_line line;

        if (!s->log_json) {
                begin_line(s, &text, "START");
                buf_append_str(&text, " Version: ");
                buf_append_str(&text, s->version);
                emit_line(s, &text);
                return;
        }
        if (!system_level_passes(s, SYSTEM_INFO))
                return;
        event_open(s, &line, "platform.start");
        json_str(&line.w, "requestId", s->now.request_id);
        json_str(&line.w, "functionArn", s->now.order.arn);
        json_str(&line.w, "version", s->version);
        if (s->now.order.tenant_id)
                json_str(&line.w, "tenantId", s->now.order.tenant_id);
        event_close(s, &line);
}

void journal_end(struct supervisor *s) {
        char room[KIB];
        struct buf text = BUF_LENT(room, KIB);

        /* What was written without a newline is this invocation's too (docs/aws.md, logs). */
        journal_flush_partial(s);
        if (s->log_json)
                return;
        begin_line(s, &text, "END");
        emit_line(s, &text);
}

static const char *report_status(const struct invocation_report *report) {
        switch (report->outcome) {
        case OUTCOME_OK:
        case OUTCOME_HANDLER_ERROR:
                return "success";
        case OUTCOME_TIMEOUT:
                return "timeout";
        case OUTCOME_SANDBOX_FAILURE:
                return "failure";
        case OUTCOME_EXIT:
        case OUTCOME_OUT_OF_MEMORY:
        case OUTCOME_INIT_ERROR:
        case OUTCOME_BAD_ANSWER:
                return "error";
        }
        must(!"an outcome without a status");
        return NULL;
}

static void report_json(struct supervisor *s, const struct invocation_report *report, const char *status) {
        bool good = streq(status, "success");
        struct event_line line;

        if (!system_level_passes(s, good ? SYSTEM_INFO : SYSTEM_WARN))
                return;
        event_open(s, &line, "platform.report");
        json_str(&line.w, "requestId", s->now.request_id);
        json_open_object(&line.w, "metrics");
        json_double(&line.w, "durationMs", milliseconds(report->duration), 3);
        json_uint(&line.w, "billedDurationMs", report->billed / MILLISECOND);
        json_uint(&line.w, "memorySizeMB", report->memory_mb);
        json_uint(&line.w, "maxMemoryUsedMB", report->max_memory_mb);
        if (report->init)
                json_double(&line.w, "initDurationMs", milliseconds(report->init), 3);
        json_close_object(&line.w);
        json_str(&line.w, "status", status);
        if (report->error_type && !good)
                json_str(&line.w, "errorType", report->error_type);
        event_close(s, &line);
}

/* The optional parts come in AWS's order, each behind a tab; the line ends with one (docs/aws.md, logs). */
void journal_report(struct supervisor *s, const struct invocation_report *report) {
        char room[KIB], digits[U64_TEXT];
        const char *status = report_status(report);
        struct buf text = BUF_LENT(room, KIB);

        if (s->log_json) {
                report_json(s, report, status);
                return;
        }
        begin_line(s, &text, "REPORT");
        add_figure(&text, "\tDuration: ", ms_text(report->duration, digits), " ms");
        add_figure(&text, "\tBilled Duration: ", u64_text(report->billed / MILLISECOND, digits), " ms");
        add_figure(&text, "\tMemory Size: ", u64_text(report->memory_mb, digits), " MB");
        add_figure(&text, "\tMax Memory Used: ", u64_text(report->max_memory_mb, digits), " MB\t");
        if (report->init)
                add_figure(&text, "Init Duration: ", ms_text(report->init, digits), " ms\t");
        if (streq(status, "timeout"))
                buf_append_str(&text, "Status: timeout");
        else if (!streq(status, "success"))
                buf_append_strs(&text, "Status: ", status,
                                "\tError Type: ", report->error_type ? report->error_type : "Runtime.Unknown",
                                NULL);
        emit_line(s, &text);
}
