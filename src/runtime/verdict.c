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
        [SIGSTKFLT] = "stack fault",
        [SIGCHLD] = "child exited",
        [SIGCONT] = "continued",
        [SIGSTOP] = "stopped (signal)",
        [SIGTSTP] = "stopped",
        [SIGTTIN] = "stopped (tty input)",
        [SIGTTOU] = "stopped (tty output)",
        [SIGURG] = "urgent I/O condition",
        [SIGXCPU] = "CPU time limit exceeded",
        [SIGXFSZ] = "file size limit exceeded",
        [SIGVTALRM] = "virtual timer expired",
        [SIGPROF] = "profiling timer expired",
        [SIGWINCH] = "window changed",
        [SIGIO] = "I/O possible",
        [SIGPWR] = "power failure",
        [SIGSYS] = "bad system call",
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

/* Go's words for the errno of an exec: the C library's, but in lower case. malloc'ed. */
static char *exec_error(int error) {
        char *text = xstrdup(strerror(error));

        if (text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z')
                text[0] = (char)(text[0] - 'A' + 'a');
        return text;
}

/* As Go prints how a process ended. */
static char *end_text(enum place_end end, int detail, const char *argv0) {
        AUTO(str) char *reason = NULL;

        switch (end) {
        case PLACE_EXITED:
                return xasprintf("exit status %d", detail);
        case PLACE_SIGNALED:
                if (detail > 0 && (size_t)detail < ARRAY_SIZE(signal_names) && signal_names[detail])
                        return xasprintf("signal: %s", signal_names[detail]);
                return xasprintf("signal: signal %d", detail);
        case PLACE_OOM_KILLED:
                return xstrdup("signal: killed");
        case PLACE_EXEC_FAILED:
                reason = exec_error(detail);
                return xasprintf("fork/exec %s: %s", argv0, reason);
        }
        must(!"a kind of end without a text");
        return NULL;
}

char *verdict_exit_text(enum place_end end, int detail, const char *argv0) {
        AUTO(str) char *text = end_text(end, detail, argv0);

        if (end == PLACE_EXEC_FAILED)
                return TAKE(text);
        if (end == PLACE_EXITED && !detail)
                return xstrdup("Runtime exited without providing a reason");
        return xstrcat("Runtime exited with error: ", text, NULL);
}

char *verdict_extension_text(enum place_end end, int detail, const char *path) {
        return end == PLACE_EXITED && !detail ? xstrdup("exit code 0") : end_text(end, detail, path);
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

static bool is_upper(char c) {
        return c >= 'A' && c <= 'Z';
}

/* (Runtime|Function)\.[A-Z][a-zA-Z]+ anywhere in the header (docs/aws.md, runtime-api). */
static bool is_known_form(const char *header) {
        static const char *const roots[] = { "Runtime.", "Function." };

        for (size_t i = 0; i < ARRAY_SIZE(roots); ++i)
                for (const char *at = strstr(header, roots[i]); at; at = strstr(at + 1, roots[i])) {
                        const char *word = at + strlen(roots[i]);

                        if (is_upper(word[0]) && (is_upper(word[1]) || (word[1] >= 'a' && word[1] <= 'z')))
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
