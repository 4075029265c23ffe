/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/deploy.h"

#include <stdio.h>

#include "base/base64.h"
#include "cli/client_commands.h"

/* Between two looks at a function that is being prepared: AWS's API has no call that waits. */
#define LOOK_FIRST (2 * MILLISECOND)
#define LOOK_MOST (100 * MILLISECOND)

struct pause {
        struct timer timer;
        bool over;
};

static void pause_is_over(struct timer *timer) {
        container_of(timer, struct pause, timer)->over = true;
}

static int pause_for(struct client *client, nsec_t span) {
        struct pause pause = {};
        int r = 0;

        timer_init(&pause.timer, client->loop, pause_is_over);
        timer_arm(&pause.timer, loop_clock(client->loop) + span);
        while (!r && !pause.over)
                r = loop_turn(client->loop, NSEC_NEVER);
        timer_disarm(&pause.timer);
        return r ? client_complain_broken(client, r) : 0;
}

/* The newest runtime of the family that the daemon has an interpreter for, an exact one before a near one. */
static char *runtime_here(struct client *client, enum package_family family) {
        const char *prefix = package_family_name(family), *best = NULL;
        bool best_is_exact = false;
        struct answer answer;
        json_t *report = NULL, *entry;
        char *runtime = NULL;
        size_t i;

        if (family == FAMILY_PROVIDED)
                return xstrdup("provided.al2023");
        if (client_call(client, HTTP_GET_, "/_lambent/doctor", NULL, NULL, 0, &answer) == 0 &&
            answer.status == 200)
                report = json_loadb(buf_data(&answer.body), answer.body.len, 0, NULL);
        json_array_foreach(json_object_get(report, "runtimes"), i, entry) {
                const char *name = json_text(entry, "runtime");
                bool exact = json_is_true(json_object_get(entry, "exact"));

                if (!str_starts(name, prefix) || (best_is_exact && !exact))
                        continue;
                if (!best || exact > best_is_exact || strverscmp(name, best) > 0) {
                        best = name;
                        best_is_exact = exact;
                }
        }
        if (best)
                runtime = xstrdup(best);
        json_decref(report);
        answer_release(&answer);
        return runtime;
}

int settings_guess(struct function_settings *settings, const struct package *package, struct client *client) {
        struct package_guess guess;
        int r = 0;

        package_guess(package, &guess);
        if (settings->runtime && guess.family != package_family_of_runtime(settings->runtime))
                free(TAKE(guess.handler));
        if (!settings->runtime && guess.family == FAMILY_NONE) {
                complain("%s: the files do not tell which runtime this is for; say --runtime (and --handler)",
                         package->path);
                r = 2;
        } else if (!settings->runtime) {
                settings->runtime = runtime_here(client, guess.family);
                if (!settings->runtime)
                        r = complain(
                                "the daemon knows no %s runtime (lambent doctor lists them); say --runtime",
                                package_family_name(guess.family));
        }
        /* What a custom runtime is called with is its own business; the API wants a word all the same. */
        if (!settings->handler && guess.handler)
                settings->handler = TAKE(guess.handler);
        else if (!settings->handler && settings->runtime && str_starts(settings->runtime, "provided"))
                settings->handler = xstrdup("bootstrap");
        if (!r && !settings->handler) {
                complain("%s: the files do not tell which function is the handler; say --handler "
                         "FILE.FUNCTION",
                         package->path);
                r = 2;
        }
        free(guess.handler);
        return r;
}

static int set_variables(json_t *body, const struct strings *env) {
        json_t *variables = json_object();

        json_object_set_new(body, "Environment", json_pack("{s:o}", "Variables", variables));
        for (size_t i = 0; i < env->count; i++) {
                const char *equals = strchr(env->items[i], '=');
                AUTO(str)
                char *name = equals ? xstrndup(env->items[i], (size_t)(equals - env->items[i])) : NULL;

                if (!name || !*name) {
                        complain("--env: \"%s\" is not KEY=VALUE", env->items[i]);
                        return -EINVAL;
                }
                if (json_object_set_new(variables, name, json_string(equals + 1))) {
                        complain("--env: %s is not UTF-8", name);
                        return -EINVAL;
                }
        }
        return 0;
}

json_t *settings_json(const struct function_settings *settings) {
        const struct {
                const char *name, *text;
        } texts[] = { { "Handler", settings->handler },
                      { "Runtime", settings->runtime },
                      { "Role", settings->role },
                      { "Description", settings->description } };
        json_t *body = json_object(), *layers;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                if (texts[i].text)
                        json_object_set_new(body, texts[i].name, json_string(texts[i].text));
        }
        if (settings->memory_mb)
                json_object_set_new(body, "MemorySize", json_integer((json_int_t)settings->memory_mb));
        if (settings->timeout_s)
                json_object_set_new(body, "Timeout", json_integer((json_int_t)settings->timeout_s));
        if (settings->layers.count) {
                layers = json_array();
                for (size_t i = 0; i < settings->layers.count; i++)
                        json_array_append_new(layers, json_string(settings->layers.items[i]));
                json_object_set_new(body, "Layers", layers);
        }
        if (settings->env.count && set_variables(body, &settings->env)) {
                json_decref(body);
                return NULL;
        }
        return body;
}

static json_t *zip_json(const struct buf *zip) {
        size_t len = base64_encoded_len(zip->len);
        char *text = xmalloc(len + 1);
        json_t *json;

        base64_encode(buf_data(zip), zip->len, text);
        json = json_stringn_nocheck(text, len);
        free(text);
        return json;
}

int function_create(struct client *client, json_t *body, const struct buf *zip, json_t **ret_configuration) {
        json_object_set_new(body, "Code", json_pack("{s:o}", "ZipFile", zip_json(zip)));
        return client_get(client, HTTP_POST_, "/2015-03-31/functions", body, ret_configuration);
}

static bool is_settled(const json_t *configuration) {
        return !streq(json_text(configuration, "State"), "Pending") &&
               !streq(json_text(configuration, "LastUpdateStatus"), "InProgress");
}

static int complain_failed(const char *name, const json_t *configuration) {
        const char *reason = json_text(configuration, "StateReason");

        if (!*reason)
                reason = json_text(configuration, "LastUpdateStatusReason");
        return complain("%s could not be prepared: %s", name, reason);
}

int function_await(struct client *client, const char *name, json_t **ret_configuration) {
        AUTO(str) char *escaped = url_escape(name);
        AUTO(str) char *target = xasprintf("/2015-03-31/functions/%s/configuration", escaped);
        nsec_t span = LOOK_FIRST;

        for (;;) {
                json_t *configuration;
                int r = client_get(client, HTTP_GET_, target, NULL, &configuration);

                if (!r && is_settled(configuration)) {
                        if (streq(json_text(configuration, "State"), "Failed") ||
                            streq(json_text(configuration, "LastUpdateStatus"), "Failed"))
                                r = complain_failed(name, configuration);
                        if (!r) {
                                *ret_configuration = configuration;
                                return 0;
                        }
                }
                json_decref(configuration);
                if (!r)
                        r = pause_for(client, span);
                if (r)
                        return r;
                span = MIN(span * 2, LOOK_MOST);
        }
}

struct deploy_options {
        struct client_options client;
        struct function_settings settings;
};

/* 0 it is there, 1 after a complaint, 2 it is not. */
static int function_look(struct client *client, const char *name) {
        AUTO(str) char *escaped = url_escape(name);
        AUTO(str) char *target = xasprintf("/2015-03-31/functions/%s/configuration", escaped);
        struct answer answer;
        int r = client_call(client, HTTP_GET_, target, NULL, NULL, 0, &answer);

        if (!r && answer.status == 404 && answer.error_type &&
            str_starts(answer.error_type, "ResourceNotFound"))
                r = 2;
        else if (!r && answer.status >= 300)
                r = client_complain(client, &answer);
        answer_release(&answer);
        return r;
}

static int function_update(struct client *client, const char *name, json_t *body, const struct buf *zip) {
        AUTO(str) char *escaped = url_escape(name);
        AUTO(str) char *code = xasprintf("/2015-03-31/functions/%s/code", escaped);
        AUTO(str) char *configuration = xasprintf("/2015-03-31/functions/%s/configuration", escaped);
        json_t *update = json_pack("{s:o}", "ZipFile", zip_json(zip)), *ignored = NULL;
        int r = client_get(client, HTTP_PUT_, code, update, &ignored);

        json_decref(update);
        json_decref(ignored);
        if (r || !json_object_size(body))
                return r;
        r = function_await(client, name, &ignored);
        if (!r) {
                json_decref(ignored);
                r = client_get(client, HTTP_PUT_, configuration, body, &ignored);
                json_decref(ignored);
        }
        return r;
}

static int deploy(struct client *client, struct deploy_options *options, const struct package *package) {
        struct function_settings *settings = &options->settings;
        AUTO(buf) struct buf zip = BUF_NULL(PACKAGE_BYTES_MAX);
        json_t *body = NULL, *configuration = NULL;
        int found, r;

        if (!settings->name)
                settings->name = package_function_name(package);
        found = function_look(client, settings->name);
        if (found == 1 || package_zip(package, 6, &zip))
                return 1;
        r = found == 2 ? settings_guess(settings, package, client) : 0;
        if (r)
                return r;
        if (found == 2 && !settings->role)
                settings->role = xstrdup("arn:aws:iam::000000000000:role/lambent");
        body = settings_json(settings);
        if (!body)
                return 2;
        if (found == 2) {
                json_object_set_new(body, "FunctionName", json_string(settings->name));
                r = function_create(client, body, &zip, &configuration);
                json_decref(configuration);
        } else {
                r = function_update(client, settings->name, body, &zip);
        }
        json_decref(body);
        configuration = NULL;
        if (!r)
                r = function_await(client, settings->name, &configuration);
        if (!r && options->client.json)
                print_json(configuration);
        else if (!r)
                printf("%s %s (%s, %s, %lld bytes)\n", found == 2 ? "created" : "updated", settings->name,
                       json_text(configuration, "Runtime"), json_text(configuration, "Handler"),
                       (long long)json_integer_value(json_object_get(configuration, "CodeSize")));
        json_decref(configuration);
        return r;
}

static int run_deploy(void *values, const struct strings *operands) {
        struct deploy_options *options = values;
        struct package package;
        struct client client;
        int r = 2;

        if (package_open(&package, operands->items[0]) == 0 && client_open(&client, &options->client) == 0) {
                r = deploy(&client, options, &package);
                client_close(&client);
        }
        package_close(&package);
        return r;
}

static const struct option deploy_table[] = {
        { "name", 0, NULL, OPTION_TEXT, "NAME", NULL,
          "the function's name (default: the folder's or the zip's)",
          OPTION_AT(struct deploy_options, settings.name) },
        FUNCTION_SETTINGS(struct deploy_options),
        { "layers", 0, NULL, OPTION_LIST, "ARN", NULL, "a layer version",
          OPTION_AT(struct deploy_options, settings.layers) },
        { "role", 0, NULL, OPTION_TEXT, "ARN", NULL, "the role that the function says it has",
          OPTION_AT(struct deploy_options, settings.role) },
        { "description", 0, NULL, OPTION_TEXT, "TEXT", NULL, "for lists",
          OPTION_AT(struct deploy_options, settings.description) },
        CLIENT_OPTIONS(struct deploy_options),
        {},
};

const struct command deploy_command = {
        .name = "deploy",
        .operands = "PATH",
        .summary = "create a function from a folder or zip, or update it",
        .details = "A folder is zipped as it is. An update changes the code, and of the settings only those "
                   "that are given; it "
                   "returns when the new code is the one that runs.",
        .options = deploy_table,
        .values_size = sizeof(struct deploy_options),
        .operands_least = 1,
        .operands_most = 1,
        .run = run_deploy,
};
