/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>

#include "cli/client_commands.h"
#include "cli/deploy.h"
#include "cli/event.h"
#include "cli/log_lines.h"
#include "cli/private_daemon.h"

/* REPORT is written within microseconds of the answer; past this the daemon is not going to. */
#define REPORT_BUDGET (2 * SECOND)

struct run_options {
        struct function_settings settings;
        char *event;
        bool quiet;
};

/* One invocation with its log beside it: two connections on one loop, done when the answer and the REPORT
 * line are there. */
struct run {
        struct client *client;
        struct http_client *log_client;
        struct log_lines lines;
        struct timer report_timer;
        struct answer *answer;
        char *reported; /* request id of the last REPORT line */
        int r;
        bool answered, log_over, quiet;
};

static void run_on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct run *run = owner;

        run->answer->status = status;
        for (size_t i = 0; i < count; i++) {
                if (strcasecmp(fields[i].name, "x-amzn-requestid") == 0 && !run->answer->request_id)
                        run->answer->request_id = xstrdup(fields[i].value);
                else if (strcasecmp(fields[i].name, "x-amz-function-error") == 0 &&
                         !run->answer->function_error)
                        run->answer->function_error = xstrdup(fields[i].value);
                else if (strcasecmp(fields[i].name, "x-amzn-errortype") == 0 && !run->answer->error_type)
                        run->answer->error_type = xstrdup(fields[i].value);
        }
}

static void run_on_body(void *owner, const char *data, size_t len) {
        struct run *run = owner;

        if (!run->r)
                run->r = buf_append(&run->answer->body, data, len);
}

static bool run_log_is_complete(const struct run *run) {
        return run->log_over ||
               (run->reported && run->answer->request_id && streq(run->reported, run->answer->request_id));
}

static void run_on_end(void *owner, int r) {
        struct run *run = owner;

        run->r = run->r ? run->r : r;
        run->answered = true;
        timer_arm(&run->report_timer, loop_now(run->client->loop) + REPORT_BUDGET);
}

static void run_give_up_log(struct timer *timer) {
        container_of(timer, struct run, report_timer)->log_over = true;
}

static void run_on_record(void *owner, const struct log_record *record, const char *line, size_t len) {
        static const char report[] = "REPORT RequestId: ";
        struct run *run = owner;

        if (!run->quiet)
                fprintf(stderr, "%s\n", record->message);
        if (str_starts(record->message, report)) {
                const char *id = record->message + strlen(report);

                free(run->reported);
                run->reported = xstrndup(id, strcspn(id, " \t"));
        }
}

static void run_log_on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct run *run = owner;

        run->log_over = run->log_over || status != 200;
}

static void run_log_on_body(void *owner, const char *data, size_t len) {
        struct run *run = owner;

        if (!run->log_over && !log_lines_take(&run->lines, data, len))
                run->log_over = true;
}

static void run_log_on_end(void *owner, int r) {
        struct run *run = owner;

        run->log_over = true;
}

static const struct http_client_ops run_ops = { run_on_head, run_on_body, run_on_end };
static const struct http_client_ops run_log_ops = { run_log_on_head, run_log_on_body, run_log_on_end };

static int run_exchange(struct run *run, const char *name, const char *endpoint, const struct buf *event) {
        AUTO(str) char *target = xasprintf("/2015-03-31/functions/%s/invocations", name);
        AUTO(str) char *log_target = xasprintf("/_lambent/logs?function=%s&since=0&follow=1", name);
        struct loop *loop = run->client->loop;
        int r;

        run->log_client = http_client_new(loop, endpoint + strlen("http://"));
        timer_init(&run->report_timer, loop, run_give_up_log);
        r = http_client_call(run->log_client, HTTP_GET_, log_target, NULL, NULL, 0, NSEC_NEVER, &run_log_ops,
                             run);
        if (!r)
                r = http_client_call(run->client->http, HTTP_POST_, target,
                                     "Content-Type: application/json\r\n", buf_data(event), event->len,
                                     NSEC_NEVER, &run_ops, run);
        while (!r && !(run->answered && (run->r || run->answer->status >= 300 || run_log_is_complete(run))))
                r = loop_turn(loop, NSEC_NEVER);
        timer_disarm(&run->report_timer);
        http_client_free(run->log_client);
        return r ? r : run->r;
}

static int run_invoke(struct client *client, const struct run_options *options,
                      const struct private_daemon *daemon, const struct buf *event) {
        struct answer answer = { .body = BUF_NULL(16 * MIB) };
        struct run run = {
                .client = client,
                .answer = &answer,
                .lines = { .held = BUF_NULL(LOG_LINE_MAX), .on_record = run_on_record, .owner = &run },
                .quiet = options->quiet,
        };
        int r = run_exchange(&run, options->settings.name, daemon->endpoint, event);

        if (r)
                r = client_complain_broken(client, r);
        else if (answer.status >= 300)
                r = client_complain(client, &answer);
        else
                print_payload(buf_data(&answer.body), answer.body.len);
        if (!r && answer.function_error)
                r = 1;
        buf_deinit(&run.lines.held);
        free(run.reported);
        answer_release(&answer);
        return r;
}

static int run_function(const struct private_daemon *daemon, struct run_options *options,
                        const struct package *package, const struct buf *zip, const struct buf *event) {
        struct client_options asking = { .endpoint = daemon->endpoint };
        struct function_settings *settings = &options->settings;
        json_t *body = NULL, *configuration = NULL;
        struct client client;
        int r;

        if (client_open(&client, &asking))
                return 1;
        settings->name = package_function_name(package);
        settings->role = xstrdup("arn:aws:iam::000000000000:role/lambent");
        r = settings_guess(settings, package, &client);
        if (!r) {
                body = settings_json(settings);
                r = body ? 0 : 2;
        }
        if (!r) {
                json_object_set_new(body, "FunctionName", json_string(settings->name));
                r = function_create(&client, body, zip, &configuration);
        }
        json_decref(configuration);
        configuration = NULL;
        if (!r)
                r = function_await(&client, settings->name, &configuration);
        json_decref(configuration);
        json_decref(body);
        if (!r)
                r = run_invoke(&client, options, daemon, event);
        client_close(&client);
        return r;
}

static int run_run(void *values, const struct strings *operands) {
        struct run_options *options = values;
        AUTO(buf) struct buf event = BUF_NULL(EVENT_BYTES_MAX), zip = BUF_NULL(PACKAGE_BYTES_MAX);
        struct private_daemon daemon;
        struct package package = {};
        AUTO(str) char *user = xasprintf("%u", geteuid());
        int r = 2;

        /* Nothing is compressed: the zip goes no further than to a daemon on this machine. */
        if (event_read(options->event, &event) == 0 && package_open(&package, operands->items[0]) == 0 &&
            package_zip(&package, 0, &zip) == 0) {
                r = 1;
                if (private_daemon_start(&daemon, (const char *const[]){ "--user", user, NULL }) == 0) {
                        r = run_function(&daemon, options, &package, &zip, &event);
                        fflush(stdout);
                        private_daemon_stop(&daemon, true);
                }
        }
        package_close(&package);
        free(TAKE(options->settings.name));
        free(TAKE(options->settings.role));
        return r;
}

static const struct option run_table[] = {
        { "event", 0, NULL, OPTION_TEXT, "JSON|@FILE|-", NULL, "the payload; - reads standard input",
          OPTION_AT(struct run_options, event) },
        { "quiet", 'q', NULL, OPTION_FLAG, "", NULL, "do not print the function's log",
          OPTION_AT(struct run_options, quiet) },
        FUNCTION_SETTINGS(struct run_options),
        {},
};

const struct command run_command = {
        .name = "run",
        .operands = "PATH",
        .summary = "run a function once from its folder or zip, with no daemon to care for",
        .details = "The answer goes to standard output, the log to standard error; the exit status is 1 when "
                   "the function failed. "
                   "Behind it is a daemon of its own with a temporary data dir, so what runs is what would "
                   "run under serve.",
        .options = run_table,
        .values_size = sizeof(struct run_options),
        .operands_least = 1,
        .operands_most = 1,
        .run = run_run,
};
