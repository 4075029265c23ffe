/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <time.h>

#include "cli/client.h"
#include "cli/client_commands.h"
#include "cli/table.h"

struct ps_options {
        struct client_options client;
        uint64_t invocations;
};

static long long whole(const json_t *object, const char *name) {
        return (long long)json_number_value(json_object_get(object, name));
}

static double number(const json_t *object, const char *name) {
        return json_number_value(json_object_get(object, name));
}

/* "native", "docker 0123456789ab", "docker/rie 0123456789ab". */
static char *sandbox_text(const json_t *e) {
        const char *container = json_string_value(json_object_get(e, "container"));
        bool emulated = streq(json_text(e, "mode"), "rie");

        return xasprintf("%s%s%s%.12s", json_text(e, "sandbox"), emulated ? "/rie" : "", container ? " " : "",
                         container ?: "");
}

static void print_environments(const json_t *environments) {
        static const struct table_column columns[] = {
                { "ENVIRONMENT" },
                { "FUNCTION" },
                { "VERSION", .whole = true },
                { "STATE", .whole = true },
                { "CALLS", .right = true },
                { "AGE", .right = true },
                { "IDLE", .right = true },
                { "MEMORY", .right = true },
                { "PEAK", .right = true },
                { "PID", .right = true },
                { "SANDBOX" },
        };
        struct table table = TABLE_OF(columns);
        const json_t *e;
        size_t i;

        json_array_foreach(environments, i, e) {
                bool idle = !json_is_null(json_object_get(e, "idleSeconds"));

                table_add_consume(&table, (char *const[]){
                                                  xstrndup(json_text(e, "id"), 12),
                                                  xstrdup(json_text(e, "function")),
                                                  xstrdup(json_text(e, "version")),
                                                  xstrdup(json_text(e, "state")),
                                                  xasprintf("%lld", whole(e, "invocations")),
                                                  text_of_seconds(number(e, "ageSeconds")),
                                                  idle ? text_of_seconds(number(e, "idleSeconds")) : NULL,
                                                  text_of_bytes((uint64_t)whole(e, "memoryBytes")),
                                                  text_of_bytes((uint64_t)whole(e, "memoryPeakBytes")),
                                                  whole(e, "pid") ? xasprintf("%lld", whole(e, "pid")) : NULL,
                                                  sandbox_text(e),
                                          });
        }
        if (table.row_count)
                table_print(&table, stdout, terminal_width(stdout));
        else
                fputs("There are no environments: they come with the first invocation.\n", stderr);
        table_release(&table);
}

static char *text_of_micros(const json_t *phases, const char *name) {
        double micros = number(phases, name);

        if (micros <= 0)
                return NULL;
        return micros < 1000 ? xasprintf("%.0f us", micros) : xasprintf("%.1f ms", micros / 1000);
}

static void print_invocations(const json_t *invocations) {
        static const struct table_column columns[] = {
                { "REQUEST" },
                { "FUNCTION" },
                { "START", .whole = true },
                { "OUTCOME" },
                { "QUEUE", .right = true },
                { "SANDBOX", .right = true },
                { "INIT", .right = true },
                { "INVOKE", .right = true },
                { "RESPONSE", .right = true },
                { "MEMORY", .right = true },
        };
        struct table table = TABLE_OF(columns);
        const json_t *v;
        size_t i;

        json_array_foreach(invocations, i, v) {
                const json_t *phases = json_object_get(v, "phases");

                table_add_consume(&table,
                                  (char *const[]){
                                          xstrdup(json_text(v, "requestId")),
                                          xstrdup(json_text(v, "function")),
                                          xstrdup(json_is_true(json_object_get(v, "cold")) ? "cold" : "warm"),
                                          xstrdup(json_text(v, "outcome")),
                                          text_of_micros(phases, "queue"),
                                          text_of_micros(phases, "start"),
                                          text_of_micros(phases, "init"),
                                          text_of_micros(phases, "invoke"),
                                          text_of_micros(phases, "response"),
                                          xasprintf("%lld MB", whole(v, "maxMemoryMB")),
                                  });
        }
        table_print(&table, stdout, terminal_width(stdout));
        table_release(&table);
}

static int run_ps(void *values, const struct strings *operands) {
        const struct ps_options *options = values;
        const char *what = options->invocations ? "invocations" : "environments";
        AUTO(str)
        char *target = options->invocations ? xasprintf("/_lambent/invocations?limit=%llu",
                                                        (unsigned long long)options->invocations)
                                            : xstrdup("/_lambent/environments");
        struct client client;
        json_t *answer;
        int r;

        if (client_open(&client, &options->client))
                return 2;
        r = client_get(&client, HTTP_GET_, target, NULL, &answer);
        if (!r && options->client.json)
                print_json(json_object_get(answer, what));
        else if (!r)
                (options->invocations ? print_invocations
                                      : print_environments)(json_object_get(answer, what));
        json_decref(answer);
        client_close(&client);
        return r;
}

static const struct option ps_table[] = {
        { "invocations", 0, NULL, OPTION_COUNT, "N", NULL,
          "the last N invocations instead, with how long each phase took",
          OPTION_AT(struct ps_options, invocations), .most = 100000 },
        CLIENT_OPTIONS(struct ps_options),
        {},
};

const struct command ps_command = {
        .name = "ps",
        .operands = "",
        .summary = "list the execution environments: what is warm, busy, how big",
        .options = ps_table,
        .values_size = sizeof(struct ps_options),
        .run = run_ps,
};

struct evict_options {
        struct client_options client;
        char *environment;
        bool now;
};

/* The table of ps shows the beginning of an id; that will do when it is nobody else's. 0, or 1 after a complaint. */
static int find_environment(struct client *client, const char *beginning, char **ret_id) {
        const json_t *e;
        json_t *answer;
        size_t i, found = 0;
        int r = client_get(client, HTTP_GET_, "/_lambent/environments", NULL, &answer);

        if (r)
                return r;
        *ret_id = xstrdup(beginning); /* whatever it is, the server shall say that it is not there */
        json_array_foreach(json_object_get(answer, "environments"), i,
                           e) if (str_starts(json_text(e, "id"), beginning) && ++found == 1) {
                free(*ret_id);
                *ret_id = xstrdup(json_text(e, "id"));
        }
        json_decref(answer);
        return found > 1 ? complain("evict: %zu environments begin with \"%s\"", found, beginning) : 0;
}

static int run_evict(void *values, const struct strings *operands) {
        const struct evict_options *options = values;
        const char *name = operands->count ? operands->items[0] : NULL, *id = options->environment;
        AUTO(str) char *whole_id = NULL;
        struct client client;
        json_t *body, *answer;
        int r;

        if (!name == !id || (id && !*id)) {
                complain("evict: name a function, or one of its environments with --environment ID");
                return 2;
        }
        if (client_open(&client, &options->client))
                return 2;
        r = id ? find_environment(&client, id, &whole_id) : 0;
        if (!r) {
                body = json_pack("{s:s?,s:s?,s:b}", "function", name, "id", whole_id, "now", options->now);
                r = client_get(&client, HTTP_POST_, "/_lambent/environments/evict", body, &answer);
                if (!r && options->client.json)
                        print_json(answer);
                else if (!r)
                        printf("%lld evicted\n", whole(answer, "evicted"));
                json_decref(body);
                json_decref(answer);
        }
        client_close(&client);
        return r;
}

static const struct option evict_table[] = {
        { "environment", 0, NULL, OPTION_TEXT, "ID", NULL, "this one only, as \"lambent ps\" names it",
          OPTION_AT(struct evict_options, environment) },
        { "now", 0, NULL, OPTION_FLAG, "", NULL, "busy ones too, in the middle of their invocation",
          OPTION_AT(struct evict_options, now) },
        CLIENT_OPTIONS(struct evict_options),
        {},
};

const struct command evict_command = {
        .name = "evict",
        .operands = "[NAME]",
        .summary = "end a function's environments, so that the next invocation is a cold start",
        .details = "Idle environments end at once, busy ones after their invocation.",
        .options = evict_table,
        .values_size = sizeof(struct evict_options),
        .operands_most = 1,
        .run = run_evict,
};
