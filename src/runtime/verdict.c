/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "runtime/supervisor_private.h"

#include <signal.h>

/* The names that Go's syscall.Signal prints: AWS's supervisor is a Go program and its texts carry them. */
static const char *const signal_names[] = {
        [SIGHUP] = "hangup",
        [SIGINT] = "interrupt",
        [SIGQUIT] = "quit",
        [SIGILL] = "illegal instruction",
        [SIGTRAP] = "trace/breakpoint trap",
        [SIGABRT] = "aborted",
        [SIGBUS] = "bus error",
        [SIGFPE] = "floating point exception",
        [SIGKILL] = "killed",
        [SIGUSR1] = "user defined signal 1",
        [SIGSEGV] = "segmentation fault",
        [SIGUSR2] = "user defined signal 2",
        [SIGPIPE] = "broken pipe",
        [SIGALRM] = "alarm clock",
        [SIGTERM] = "terminated",
};

void verdict_plain(struct buf *buf, const char *error_type, const char *message) {
        struct json_writer w = JSON_WRITER(buf);

        buf_clear(buf);
        json_open_object(&w, NULL);
        json_str(&w, "errorType", error_type);
        json_str(&w, "errorMessage", message);
        json_close_object(&w);
        must(json_writer_end(&w) == 0); /* both are bounded by us */
}

void verdict_write(struct buf *buf, const char *error_type, const char *request_id, const char *text) {
        AUTO(str) char *message = xasprintf("RequestId: %s Error: %s", request_id, text);

        verdict_plain(buf, error_type, message);
}

/* Go's words for the errno of an exec. */
static const char *exec_error(int error) {
        switch (error) {
        case EACCES:
                return "permission denied";
        case ENOENT:
                return "no such file or directory";
        case ENOEXEC:
                return "exec format error";
        default:
                return strerror(error);
        }
}

char *verdict_exit_text(enum place_end end, int detail, const char *argv0) {
        switch (end) {
        case PLACE_EXITED:
                return detail ? xasprintf("Runtime exited with error: exit status %d", detail)
                              : xstrdup("Runtime exited without providing a reason");
        case PLACE_SIGNALED:
                if (detail > 0 && (size_t)detail < ARRAY_SIZE(signal_names) && signal_names[detail])
                        return xasprintf("Runtime exited with error: signal: %s", signal_names[detail]);
                return xasprintf("Runtime exited with error: signal: signal %d", detail);
        case PLACE_OOM_KILLED:
                return xstrdup("Runtime exited with error: signal: killed");
        case PLACE_EXEC_FAILED:
                return xasprintf("fork/exec %s: %s", argv0, exec_error(detail));
        }
        must(!"a kind of end without a text");
        return NULL;
}

const char *verdict_exit_type(enum place_end end) {
        switch (end) {
        case PLACE_EXITED:
        case PLACE_SIGNALED:
                return "Runtime.ExitError";
        case PLACE_OOM_KILLED:
                return "Runtime.OutOfMemory";
        case PLACE_EXEC_FAILED:
                return "Runtime.InvalidEntrypoint";
        }
        must(!"a kind of end without a type");
        return NULL;
}

/* (Runtime|Function)\.[A-Z][a-zA-Z]+ anywhere in the header (facts/runtime-api.md 2.3). */
static bool is_known_form(const char *header) {
        static const char *const roots[] = { "Runtime.", "Function." };

        for (size_t i = 0; i < ARRAY_SIZE(roots); ++i)
                for (const char *at = strstr(header, roots[i]); at; at = strstr(at + 1, roots[i])) {
                        const char *word = at + strlen(roots[i]);
                        bool letter = (word[1] >= 'a' && word[1] <= 'z') || (word[1] >= 'A' && word[1] <= 'Z');

                        if (word[0] >= 'A' && word[0] <= 'Z' && letter)
                                return true;
                }
        return false;
}

const char *verdict_reported_type(const char *header) {
        if (!header)
                return "Runtime.Unknown";
        if (is_known_form(header))
                return header;
        return str_starts(header, "Function.") ? "Function.Unknown" : "Runtime.Unknown";
}

const char *invocation_outcome_name(enum invocation_outcome outcome) {
        static const char *const names[] = {
                [OUTCOME_OK] = "success",
                [OUTCOME_HANDLER_ERROR] = "handler-error",
                [OUTCOME_TIMEOUT] = "timeout",
                [OUTCOME_EXIT] = "exit",
                [OUTCOME_OUT_OF_MEMORY] = "out-of-memory",
                [OUTCOME_INIT_ERROR] = "init-error",
                [OUTCOME_BAD_ANSWER] = "bad-answer",
                [OUTCOME_SANDBOX_FAILURE] = "sandbox-failure",
        };

        return names[outcome];
}
