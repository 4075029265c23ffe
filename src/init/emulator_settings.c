/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>

#include "base/log.h"
#include "init/emulator_private.h"

#define TIMEOUT_MAX 900
#define MEMORY_MAX (10 * 1024 * 1024)

static const char *variable(const char *name, const char *otherwise) {
        const char *value = getenv(name);

        return value && *value ? value : otherwise;
}

static int number(const char *name, uint64_t otherwise, uint64_t most, uint64_t *ret_value) {
        const char *value = variable(name, NULL);

        *ret_value = otherwise;
        if (!value || (str_to_u64(value, most, ret_value) == 0 && *ret_value))
                return 0;
        fprintf(stderr, "lambent-init: %s must be a number from 1 to %llu, not \"%s\"\n", name,
                (unsigned long long)most, value);
        return -EINVAL;
}

/* "host:port" or ":port". */
static int address(const char *text, struct sockaddr_in *ret_address) {
        const char *colon = strrchr(text, ':');
        AUTO(str) char *host = colon ? xstrndup(text, (size_t)(colon - text)) : NULL;
        uint64_t port;

        *ret_address = (struct sockaddr_in){ .sin_family = AF_INET };
        if (!colon || str_to_u64(colon + 1, UINT16_MAX, &port) ||
            (*host && inet_pton(AF_INET, streq(host, "localhost") ? "127.0.0.1" : host,
                                &ret_address->sin_addr) != 1)) {
                fprintf(stderr, "lambent-init: \"%s\" is not ADDRESS:PORT, such as 0.0.0.0:8080\n", text);
                return -EINVAL;
        }
        ret_address->sin_port = htons((uint16_t)port);
        return 0;
}

/* The word for the least that is logged, as AWS's emulator takes it; of our own log only the details can be asked for. */
static void set_level(const char *word) {
        if (strcasecmp(word, "debug") == 0 || strcasecmp(word, "trace") == 0)
                log_level_now = LOG_DEBUG;
}

enum { OPTION_LISTEN = 1, OPTION_API, OPTION_LEVEL, OPTION_BOOTSTRAP, OPTION_ACCEPTED };

/* AWS's options with one dash or two, and --address for the first of them. */
static const struct option options[] = {
        { "address", required_argument, NULL, OPTION_LISTEN },
        { "runtime-interface-emulator-address", required_argument, NULL, OPTION_LISTEN },
        { "runtime-api-address", required_argument, NULL, OPTION_API },
        { "log-level", required_argument, NULL, OPTION_LEVEL },
        { "bootstrap", required_argument, NULL, OPTION_BOOTSTRAP },
        { "enable-msg-logs", no_argument, NULL, OPTION_ACCEPTED },
        { "init-caching", no_argument, NULL, OPTION_ACCEPTED },
        {},
};

static int read_options(int argc, char **argv, struct emulator_settings *s, const char **ret_bootstrap) {
        int option, r = 0;

        optind = 0; /* glibc: begin anew */
        while (!r && (option = getopt_long_only(argc, argv, "+", options, NULL)) != -1) {
                if (option == OPTION_LISTEN)
                        r = address(optarg, &s->listen);
                else if (option == OPTION_API)
                        r = address(optarg, &s->runtime_api);
                else if (option == OPTION_LEVEL)
                        set_level(optarg);
                else if (option == OPTION_BOOTSTRAP)
                        *ret_bootstrap = optarg;
                else if (option != OPTION_ACCEPTED)
                        r = -EINVAL;
        }
        return r;
}

/* Without a command the places where a custom runtime's bootstrap lies. */
static const char *const *find_bootstrap(const char *given) {
        static const char *found[2];
        const char *const candidates[] = { "/var/task/bootstrap", given, "/opt/bootstrap",
                                           "/var/runtime/bootstrap" };

        found[0] = candidates[0];
        for (size_t i = ARRAY_SIZE(candidates); i-- > 0;)
                if (candidates[i] && access(candidates[i], F_OK) == 0)
                        found[0] = candidates[i];
        return found;
}

int emulator_read_settings(int argc, char **argv, struct emulator_settings *s) {
        const char *bootstrap = NULL, *last = NULL;
        uint64_t memory, timeout;

        *s = (struct emulator_settings){};
        if (address("0.0.0.0:8080", &s->listen) || address("127.0.0.1:9001", &s->runtime_api))
                return -EINVAL;
        set_level(variable("LOG_LEVEL", "info"));
        if (read_options(argc, argv, s, &bootstrap) ||
            number("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 3008, MEMORY_MAX, &memory) ||
            number("AWS_LAMBDA_FUNCTION_TIMEOUT", 300, TIMEOUT_MAX, &timeout))
                return -EINVAL;
        s->memory_mb = (uint32_t)memory;
        s->timeout = timeout * SECOND;
        s->function = variable("AWS_LAMBDA_FUNCTION_NAME", "test_function");
        s->version = variable("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
        s->region = variable("AWS_REGION", variable("AWS_DEFAULT_REGION", "us-east-1"));
        if (optind < argc) {
                s->argv = (const char *const *)(argv + optind);
                s->cwd = getcwd(NULL, 0) ?: xstrdup("/var/task");
                last = argc - optind > 1 ? argv[argc - 1] : NULL; /* the handler, if there is any */
        } else {
                s->argv = find_bootstrap(bootstrap);
                s->cwd = xstrdup("/var/task");
        }
        s->handler = variable("AWS_LAMBDA_FUNCTION_HANDLER", last ?: variable("_HANDLER", ""));
        return 0;
}
