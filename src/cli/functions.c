/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "cli/client.h"
#include "cli/client_commands.h"
#include "cli/table.h"

struct functions_options {
        struct client_options client;
        bool names;
};

/* All pages of ListFunctions in one array. */
static int list_functions(struct client *client, json_t **ret_functions) {
        json_t *functions = json_array(), *page = NULL;
        AUTO(str) char *marker = NULL;
        int r;

        do {
                AUTO(str)
                char *target = xasprintf("/2015-03-31/functions%s%s", marker ? "?Marker=" : "",
                                         marker ? marker : "");
                const char *next;

                r = client_get(client, HTTP_GET_, target, NULL, &page);
                json_array_extend(functions, json_object_get(page, "Functions"));
                next = json_text(page, "NextMarker");
                free(marker);
                marker = *next ? url_escape(next) : NULL;
                json_decref(page);
        } while (!r && marker);
        *ret_functions = functions;
        return r;
}

static void print_functions(const json_t *functions) {
        static const struct table_column columns[] = {
                { "FUNCTION", .whole = true },
                { "RUNTIME", .whole = true },
                { "HANDLER" },
                { "MEMORY", .right = true },
                { "TIMEOUT", .right = true },
                { "CODE", .right = true },

                { "MODIFIED" },
        };
        struct table table = TABLE_OF(columns);
        const json_t *f;
        size_t i;

        json_array_foreach(functions, i, f) {
                long long memory = json_integer_value(json_object_get(f, "MemorySize"));
                long long timeout = json_integer_value(json_object_get(f, "Timeout"));
                const char *modified = json_text(f, "LastModified");

                table_add_consume(
                        &table,
                        (char *const[]){
                                xstrdup(json_text(f, "FunctionName")),
                                xstrdup(*json_text(f, "Runtime") ? json_text(f, "Runtime")
                                                                 : json_text(f, "PackageType")),
                                xstrdup(json_text(f, "Handler")),
                                xasprintf("%lld MB", memory),
                                xasprintf("%lld s", timeout),
                                text_of_bytes((uint64_t)json_integer_value(json_object_get(f, "CodeSize"))),
                                xstrndup(modified, 16),
                        });
        }
        if (table.row_count)
                table_print(&table, stdout, terminal_width(stdout));
        else
                fputs("There are no functions; \"lambent deploy PATH\" makes one.\n", stderr);
        table_release(&table);
}

static int run_functions(void *values, const struct strings *operands) {
        const struct functions_options *options = values;
        struct client client;
        json_t *functions, *f;
        size_t i;
        int r;

        if (client_open(&client, &options->client))
                return 2;
        r = list_functions(&client, &functions);
        if (!r && options->client.json) {
                print_json(functions);
        } else if (!r && options->names) {
                json_array_foreach(functions, i, f) printf("%s\n", json_text(f, "FunctionName"));
        } else if (!r) {
                print_functions(functions);
        }
        json_decref(functions);
        client_close(&client);
        return r;
}

static const struct option functions_table[] = {
        { "names", 0, NULL, OPTION_FLAG, "", NULL, "only the names, one a line",
          OPTION_AT(struct functions_options, names) },
        CLIENT_OPTIONS(struct functions_options),
        {},
};

const struct command functions_command = {
        .name = "functions",
        .operands = "",
        .summary = "list the functions",
        .options = functions_table,
        .values_size = sizeof(struct functions_options),
        .run = run_functions,
};

struct rm_options {
        struct client_options client;
};

static int run_rm(void *values, const struct strings *operands) {
        const struct rm_options *options = values;
        json_t *removed = json_array();
        struct client client;
        int r = 0;

        if (client_open(&client, &options->client))
                return 2;
        for (size_t i = 0; i < operands->count; i++) {
                AUTO(str) char *name = url_escape(operands->items[i]);
                AUTO(str) char *target = xasprintf("/2015-03-31/functions/%s", name);
                json_t *ignored;

                if (client_get(&client, HTTP_DELETE_, target, NULL, &ignored))
                        r = 1;
                else
                        json_array_append_new(removed, json_string(operands->items[i]));
                json_decref(ignored);
        }
        if (options->client.json)
                print_json(removed);
        json_decref(removed);
        client_close(&client);
        return r;
}

static const struct option rm_table[] = { CLIENT_OPTIONS(struct rm_options), {} };

const struct command rm_command = {
        .name = "rm",
        .operands = "NAME...",
        .summary = "delete functions with all their versions",
        .options = rm_table,
        .values_size = sizeof(struct rm_options),
        .operands_least = 1,
        .operands_most = 1000,
        .run = run_rm,
};
