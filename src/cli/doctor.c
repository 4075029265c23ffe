/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client_commands.h"
#include "cli/private_daemon.h"
#include "cli/table.h"

struct doctor_options {
        struct client_options client;
        bool here;
};

static void print_fact(const char *name, const json_t *value) {
        AUTO(str)
        char *dumped =
                json_is_string(value) || json_is_boolean(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY);
        const char *text = json_is_string(value)  ? json_string_value(value)
                           : json_is_true(value)  ? "yes"
                           : json_is_false(value) ? "no"
                                                  : dumped;

        if (text && *text)
                printf("%-20s %s\n", name, text);
}

static void print_containers(const json_t *containers) {
        static const struct {
                const char *title, *name;
        } facts[] = {
                { "container engine", "engine" }, { "engine version", "version" },
                { "engine address", "address" },  { "found by", "foundBy" },
                { "shares with us", "shares" },   { "containers", "problem" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
                print_fact(facts[i].title, json_object_get(containers, facts[i].name));
}

static void print_runtimes(const json_t *runtimes) {
        static const struct table_column columns[] = {
                { "RUNTIME", .whole = true },
                { "INTERPRETER" },
        };
        struct table table = TABLE_OF(columns);
        const json_t *entry;
        size_t i;

        json_array_foreach(runtimes, i, entry) {
                table_add_consume(&table, (char *const[]){
                                                  xstrdup(json_text(entry, "runtime")),
                                                  xstrdup(json_text(entry, "interpreter")),
                                          });
        }
        putchar('\n');
        table_print(&table, stdout, terminal_width(stdout));
        table_release(&table);
}

static void print_report(const json_t *report) {
        static const struct {
                const char *title, *name;
        } facts[] = {
                { "function", "function" },
                { "runs in", "placement" },
                { "run by", "mode" },
                { "because", "why" },
                { "sandbox tier", "tier" },
                { "why not better", "whyNotBetter" },
                { "serves as", "user" },
                { "why as root", "whyRoot" },
                { "memory limit", "memoryLimit" },
                { "process limit", "processLimit" },
                { "freezer", "freezer" },
                { "network", "network" },
                { "seccomp", "seccomp" },
                { "landlock", "landlock" },
                { "environments", "environmentsMax" },
        };
        const char *name;
        json_t *limit;

        for (size_t i = 0; i < ARRAY_SIZE(facts); i++)
                print_fact(facts[i].title, json_object_get(report, facts[i].name));
        json_object_foreach(json_object_get(report, "limits"), name, limit) print_fact(name, limit);
        print_containers(json_object_get(report, "containers"));
        print_runtimes(json_object_get(report, "runtimes"));
}

static int ask(const struct client_options *options, const char *function) {
        AUTO(str) char *escaped = function ? url_escape(function) : NULL;
        AUTO(str) char *target =
                function ? xasprintf("/_lambent/doctor?function=%s", escaped) : xstrdup("/_lambent/doctor");
        struct client client;
        json_t *report;
        int r;

        if (client_open(&client, options))
                return 2;
        r = client_get(&client, HTTP_GET_, target, NULL, &report);
        if (!r && options->json)
                print_json(report);
        else if (!r)
                print_report(report);
        json_decref(report);
        client_close(&client);
        return r;
}

static int run_doctor(void *values, const struct strings *operands) {
        const struct doctor_options *options = values;
        struct client_options here = options->client;
        struct private_daemon daemon;
        int r;

        if (!options->here)
                return ask(&options->client, operands->count ? operands->items[0] : NULL);
        if (private_daemon_start(&daemon, NULL))
                return 1;
        here.endpoint = daemon.endpoint;
        r = ask(&here, NULL);
        private_daemon_stop(&daemon, true);
        return r;
}

static const struct option doctor_table[] = {
        { "here", 0, NULL, OPTION_FLAG, "", NULL,
          "do not ask a running daemon: start one for the moment, as this user",
          OPTION_AT(struct doctor_options, here) },
        CLIENT_OPTIONS(struct doctor_options),
        {},
};

const struct command doctor_command = {
        .name = "doctor",
        .operands = "[NAME]",
        .operands_most = 1,
        .summary =
                "say how functions are isolated here, which limits hold, which runtimes and which container "
                "engine there are, and what would be better",
        .details = "With a function's name also where that one runs, and why there.",
        .options = doctor_table,
        .values_size = sizeof(struct doctor_options),
        .run = run_doctor,
};
