/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The output of a container with an emulator, taken apart: the function's lines go to its log, the emulator's own
 * about an invocation are understood and told anew, its chatter about itself is left out.
 */
#include "runtime/journal.h"
#include "sandbox/rie/rie_private.h"

/* "29 Nov 2026 10:11:12,345 [INFO] (rapid) …" */
static bool is_chatter(const char *line, size_t len) {
        static const char mark[] = " [INFO] (rapid) ";

        return memmem(line, MIN(len, (size_t)64), mark, strlen(mark)) != NULL;
}

static bool contains(const char *line, size_t len, const char *words) {
        return memmem(line, len, words, strlen(words)) != NULL;
}

/* How the first INIT has ended. */
static void read_chatter(struct rie *r, const char *line, size_t len) {
        if (r->init || !contains(line, len, "INIT RTDONE("))
                return;
        r->init = contains(line, len, "(status: error)") ? RIE_INIT_FAILED : RIE_INIT_SUCCEEDED;
        rie_init_ended(r);
}

/* Where the emulator's own line begins: behind what the function has printed without ending its line. */
static size_t find(const char *line, size_t len, const char *words) {
        const char *at = memmem(line, len, words, strlen(words));

        return at ? (size_t)(at - line) : SIZE_MAX;
}

static nsec_t span_of(const char *report, const char *name) {
        const char *at = strstr(report, name);

        return at ? (nsec_t)(strtod(at + strlen(name), NULL) * 1e6) : 0;
}

static void read_report(struct rie *r, const char *line, size_t len) {
        AUTO(str) char *text = xstrndup(line, len);
        const char *memory = strstr(text, "\tMax Memory Used: ");

        r->report.measures = (struct scribe_measures){
                .duration = span_of(text, "\tDuration: "),
                .init = span_of(text, "\tInit Duration: "),
        };
        if (memory)
                r->report.measures.max_memory_mb =
                        (uint32_t)strtoul(memory + strlen("\tMax Memory Used: "), NULL, 10);
        r->report.complete = true;
}

/* "START RequestId: ID Version: …": a newer emulator calls it as we do, an older one as it likes. */
static bool take_start(struct rie *r, const char *line, size_t len) {
        AUTO(str) char *text = xstrndup(line, len);
        const char *id = text + strlen("START RequestId: ");
        size_t id_len = strcspn(id, " ");

        if (*r->report.id || id_len >= sizeof(r->report.id) || !str_starts(id + id_len, " Version: "))
                return false;
        if (r->report.one_more) {
                r->report.one_more = false;
                return true;
        }
        memcpy(r->report.id, id, id_len);
        r->report.id[id_len] = 0;
        if (!scribe_is_answered(r->base))
                scribe_start(r->base);
        return true;
}

/* Returns where the emulator's part of the line begins, which is understood then; len: there is none. */
static size_t take_own(struct rie *r, const char *line, size_t len) {
        AUTO(str) char *end = xasprintf("END RequestId: %s", r->report.id);
        AUTO(str) char *report = xasprintf("REPORT RequestId: %s\t", r->report.id);
        size_t at;

        if (!*r->report.id) {
                at = scribe_is_busy(r->base) ? find(line, len, "START RequestId: ") : SIZE_MAX;
                return at != SIZE_MAX && take_start(r, line + at, len - at) ? at : len;
        }
        at = find(line, len, report);
        if (at != SIZE_MAX) {
                read_report(r, line + at, len - at);
                return at;
        }
        at = find(line, len, end);
        return at != SIZE_MAX && at + strlen(end) == len ? at : len;
}

/* Without its newline. */
static void take_line(struct rie *r, bool is_error, const char *line, size_t len) {
        size_t text;

        if (is_error && is_chatter(line, len)) {
                read_chatter(r, line, len);
                return;
        }
        text = is_error ? len : take_own(r, line, len);
        if (text || !len) {
                scribe_output(r->base, line, text);
                scribe_output(r->base, "\n", 1);
        }
}

static void end_line(struct rie *r, bool is_error) {
        struct buf line = r->partial[is_error];

        r->partial[is_error] = BUF_NULL(JOURNAL_LINE_MAX);
        take_line(r, is_error, buf_data(&line), line.len);
        buf_deinit(&line);
}

void rie_hear(struct rie *r, bool is_error, const char *data, size_t len) {
        struct buf *partial = &r->partial[is_error];

        while (len) {
                const char *newline = memchr(data, '\n', len);
                size_t text = newline ? (size_t)(newline - data) : len;
                size_t take = MIN(text, JOURNAL_LINE_MAX - partial->len);

                must(buf_append(partial, data, take) == 0);
                if (newline && take == text) {
                        end_line(r, is_error);
                        ++take;
                } else if (partial->len == JOURNAL_LINE_MAX) {
                        end_line(r, is_error);
                }
                data += take;
                len -= take;
        }
        if (r->report.complete)
                rie_report_came(r);
}

void rie_flush_output(struct rie *r) {
        for (int i = 0; i < 2; ++i)
                if (!buf_is_empty(&r->partial[i]))
                        end_line(r, i);
}
