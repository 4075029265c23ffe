/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of a remote environment when the other end can no longer tell it itself: the invocation under way gets
 * the answer and the lines of the log that the supervisor over there would have written.
 */
#include "runtime/remote_private.h"

/* The journal writes for a supervisor; this one exists to be written for. */
static void borrow_journal(struct remote *r, struct supervisor *ret_writer) {
        const struct link_start *start = &r->start.start;

        *ret_writer = (struct supervisor){
                .base = r->base,
                .loop = r->loop,
                .function = (char *)(uintptr_t)start->spec.function,
                .version = (char *)(uintptr_t)start->spec.version,
                .log_json = start->spec.log_json,
                .system_log_level = (char *)(uintptr_t)start->spec.system_log_level,
                .memory_mb = start->spec.memory_mb,
                .journal = r->journal,
                .now = { .active = true, .order = r->now.order },
        };
        str_fit(ret_writer->now.request_id, sizeof(ret_writer->now.request_id), r->now.request_id);
}

static const char stopped[] = "the execution environment was stopped";

static const struct loss_words {
        enum invocation_outcome outcome;
        const char *error_type;
} loss_words[] = {
        [REMOTE_BROKEN] = { OUTCOME_SANDBOX_FAILURE, "Sandbox.Failure" },
        [REMOTE_EXITED] = { OUTCOME_EXIT, "Runtime.ExitError" },
        [REMOTE_OUT_OF_MEMORY] = { OUTCOME_OUT_OF_MEMORY, "Runtime.OutOfMemory" },
};

static char *loss_text(enum remote_loss loss, const char *why) {
        return loss == REMOTE_OUT_OF_MEMORY ? verdict_exit_text(PLACE_OOM_KILLED, 0, "") : xstrdup(why);
}

static void answer(struct remote *r, const struct loss_words *words, const char *text) {
        AUTO(buf) struct buf body = BUF_NULL(LINK_TEXT_MAX * 2);
        struct invocation_answer a = {
                .outcome = words->outcome, .is_error = true, .payload = &body, .error_type = words->error_type
        };

        verdict_write(&body, words->error_type, r->now.request_id, text);
        r->now.answered = true;
        r->now.outcome = words->outcome;
        r->now.error_type = xstrdup(words->error_type);
        r->base.events->answered(&r->base, &a);
}

static void conclude(struct remote *r, struct supervisor *writer) {
        nsec_t duration = loop_now(r->loop) - r->now.began;
        uint64_t peak_mb = (r->stats.memory_peak + MIB - 1) / MIB;
        struct invocation_report report = {
                .outcome = r->now.outcome,
                .duration = duration,
                .billed = (duration + MILLISECOND - 1) / MILLISECOND * MILLISECOND,
                .memory_mb = writer->memory_mb,
                .max_memory_mb = (uint32_t)MIN(peak_mb, (uint64_t)writer->memory_mb),
                .error_type = r->now.error_type,
        };

        journal_end(writer);
        journal_report(writer, &report);
        r->journal = writer->journal;
        report.log_tail = buf_data(&r->journal.tail);
        report.log_tail_len = r->journal.tail.len;
        r->now.active = false;
        r->base.events->idle(&r->base, &report);
        remote_forget_invocation(r);
}

/* In the order in which the supervisor does it: START, the crash, the answer, END, REPORT. */
static void abandon(struct remote *r, enum remote_loss loss, const char *why) {
        const struct loss_words *words = &loss_words[loss];
        AUTO(str) char *text = loss_text(loss, why);
        struct supervisor writer;

        if (!r->now.active)
                return;
        borrow_journal(r, &writer);
        if (!r->now.start_logged && !r->now.answered)
                journal_start(&writer);
        if (loss != REMOTE_BROKEN) {
                journal_platform(&writer, "RequestId: %s Error: %s", r->now.request_id, text);
                journal_platform(&writer, "%s", words->error_type);
        }
        if (!r->now.answered)
                answer(r, words, text);
        else if (r->now.outcome == OUTCOME_OK)
                r->now.outcome = words->outcome; /* the caller keeps its answer, REPORT tells */
        if (!r->now.error_type)
                r->now.error_type = xstrdup(words->error_type);
        conclude(r, &writer);
}

/* Here or there, the words are the same. */
static void end_near(struct remote *r, enum remote_loss loss, const char *why) {
        const struct loss_words *words = &loss_words[loss];
        AUTO(str) char *text = r->state == ENV_STOPPING ? xstrdup(stopped) : loss_text(loss, why);

        near_lose(r, words->outcome, words->error_type, text, why);
}

/* Of what waited for somebody, and had died before it came. */
static bool is_accident(const struct remote *r, enum remote_loss loss) {
        return r->waited && remote_is_starting(r) && loss != REMOTE_OUT_OF_MEMORY;
}

static void leave(struct remote *r) {
        timer_disarm(&r->timer);
        defer_cancel(&r->soon);
        tunnels_deinit(&r->tunnels);
        line_deinit(&r->line);
        r->base.ending = true;
}

void remote_gone(struct remote *r, const char *why) {
        leave(r);
        r->state = ENV_DEAD;
        r->base.events->gone(&r->base, why); /* may free r */
}

void remote_end(struct remote *r, enum remote_loss loss, const char *why) {
        AUTO(str) char *sentence = xstrdup(why);

        if (r->state == ENV_DEAD)
                return;
        if (r->near) {
                r->near->accident = is_accident(r, loss);
                end_near(r, loss, sentence); /* which ends in remote_gone */
                return;
        }
        leave(r);
        r->base.accident = is_accident(r, loss);
        abandon(r, loss, r->state == ENV_STOPPING ? stopped : sentence);
        remote_gone(r, sentence);
}
