/* SPDX-License-Identifier: Apache-2.0 */
/* deploy - a package becomes a function of a daemon; shared by deploy and run. */
#pragma once
#include "cli/client.h"
#include "cli/package.h"

struct function_settings {
        char *name, *handler, *runtime, *role, *description; /* NULL: not said */
        struct strings env;                                  /* K=V */
        struct strings layers;                               /* ARNs */
        uint64_t memory_mb, timeout_s;                       /* 0: not said */
};

/* Rows for a command whose values hold a struct function_settings named settings. */
#define FUNCTION_SETTINGS(type) \
        { "handler", \
          0, \
          NULL, \
          OPTION_TEXT, \
          "HANDLER", \
          NULL, \
          "file.function (default: guessed from the files)", \
          OPTION_AT(type, settings.handler) }, \
                { "runtime", \
                  0, \
                  NULL, \
                  OPTION_TEXT, \
                  "RUNTIME", \
                  NULL, \
                  "python3.13, nodejs22.x, provided.al2023... (default: guessed, in the version that is " \
                  "here)", \
                  OPTION_AT(type, settings.runtime) }, \
                { "env", \
                  'e', \
                  NULL, \
                  OPTION_LIST, \
                  "KEY=VALUE", \
                  NULL, \
                  "an environment variable of the function", \
                  OPTION_AT(type, settings.env) }, \
                { "memory",     0,    NULL,           OPTION_COUNT, \
                  "MB",         NULL, "memory limit", OPTION_AT(type, settings.memory_mb), \
                  .most = 10240 }, \
        { \
                "timeout", 0, NULL, OPTION_COUNT, "SECONDS", NULL, "time limit", \
                        OPTION_AT(type, settings.timeout_s), .most = 900 \
        }

/* Runtime and handler where they were not said: guessed, or 2 after a complaint; 1 when the daemon did not
 * answer. */
int settings_guess(struct function_settings *settings, const struct package *package, struct client *client);
/* The body of CreateFunction or UpdateFunctionConfiguration; NULL after a complaint about an --env. */
json_t *settings_json(const struct function_settings *settings);
/* CreateFunction with this body (from settings_json) and zip. */
int function_create(struct client *client, json_t *body, const struct buf *zip, json_t **ret_configuration);
/* Until it is Active and no update is in progress: 0, or 1 after a complaint (it failed, or is gone). */
int function_await(struct client *client, const char *name, json_t **ret_configuration);
