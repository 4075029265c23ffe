/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "cli/client.h"
#include "cli/client_commands.h"
#include "cli/log_lines.h"

struct logs_options {
        struct client_options client;
        nsec_t since;
        bool follow;
};

struct logs_view {
        struct log_lines lines;
        size_t count;
        bool json, terminal;
};

/* The time is for people: on a terminal it is dim, so that the message stands out. */
static void print_record(void *owner, const struct log_record *record, const char *line, size_t len) {
        struct logs_view *view = owner;
        time_t seconds = (time_t)(record->time_ms / 1000);
        struct tm day;
        char text[32];

        ++view->count;
        if (view->json) {
                printf("%.*s\n", (int)len, line);
                return;
        }
        localtime_r(&seconds, &day);
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &day);
        printf("%s%s.%03d%s  %s\n", view->terminal ? "\033[2m" : "", text,
               (int)((int64_t)record->time_ms % 1000), view->terminal ? "\033[0m" : "", record->message);
}

static bool logs_on_some(void *owner, const char *data, size_t len) {
        struct logs_view *view = owner;
        bool fine = log_lines_take(&view->lines, data, len);

        /* Whoever reads the other end of the pipe has gone: so do we. */
        return fflush(stdout) == 0 && !ferror(stdout) && fine;
}

/* A misspelt name would be silence, or waiting for ever. The log of a function that was removed is there all the same. */
static int check_function(struct client *client, const char *escaped_name) {
        AUTO(str) char *target = xasprintf("/2015-03-31/functions/%s/configuration", escaped_name);
        json_t *answer = NULL;
        int r = client_get(client, HTTP_GET_, target, NULL, &answer);

        json_decref(answer);
        return r;
}

static int run_logs(void *values, const struct strings *operands) {
        const struct logs_options *options = values;
        struct logs_view view = {
                .lines = { .held = BUF_NULL(LOG_LINE_MAX), .on_record = print_record, .owner = &view },
                .json = options->client.json,
                .terminal = isatty(STDOUT_FILENO),
        };
        AUTO(str) char *name = url_escape(operands->items[0]), *target = NULL;
        struct timespec now;
        struct client client;
        struct answer answer;
        uint64_t now_ms, since_ms;
        int r;

        if (client_open(&client, &options->client))
                return 2;
        clock_gettime(CLOCK_REALTIME, &now);
        now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
        since_ms = options->since / MILLISECOND < now_ms ? now_ms - options->since / MILLISECOND : 0;
        target = xasprintf("/_lambent/logs?function=%s&since=%llu&follow=%d", name,
                           (unsigned long long)since_ms, options->follow);
        r = options->follow ? check_function(&client, name) : 0;
        if (!r) {
                r = client_stream(&client, HTTP_GET_, target, NULL, NULL, 0, logs_on_some, &view, &answer);
                if (!r && answer.status >= 300)
                        r = client_complain(&client, &answer);
                answer_release(&answer);
                if (!r && !view.count && !options->follow)
                        r = check_function(&client, name);
        }
        buf_deinit(&view.lines.held);
        client_close(&client);
        return r;
}

static const struct option logs_table[] = {
        { "follow", 'f', NULL, OPTION_FLAG, "", NULL, "go on with what comes, until Ctrl-C",
          OPTION_AT(struct logs_options, follow) },
        { "since", 0, NULL, OPTION_SPAN, "TIME", "never",
          "only what is newer than 5m, 1h, ...; never: everything", OPTION_AT(struct logs_options, since) },
        CLIENT_OPTIONS(struct logs_options),
        {},
};

const struct command logs_command = {
        .name = "logs",
        .operands = "NAME",
        .summary = "print a function's log",
        .options = logs_table,
        .values_size = sizeof(struct logs_options),
        .operands_least = 1,
        .operands_most = 1,
        .run = run_logs,
};
