/* SPDX-License-Identifier: Apache-2.0 */
/* Which command line each request of the Engine API becomes. Read the table at the end first. */
#include "http/http.h"
#include "sandbox/engine/command_private.h"

#define PULL_MOST (1800 * SECOND) /* a command's pull shows no progress to anybody but a terminal */
#define INFO_MOST (10 * SECOND)   /* it looks at much more than the API's version does */
#define NEAR_ONLY \
        "it is of use only beside lambent, with the same files and kernel: it gives a container neither archives nor input"
#define JSON_EACH "{{json .}}"
#define LABEL(name) "\"dev.lambent." name "\":{{json (.Label \"dev.lambent." name "\")}}"

char *command_parameter(const struct command_request *r, const char *name) {
        size_t len = strlen(name);

        for (const char *at = r->query; *at; at += strcspn(at, "&"), at += *at == '&')
                if (strncmp(at, name, len) == 0 && at[len] == '=') {
                        AUTO(buf) struct buf value = BUF_NULL(64 * KIB);
                        const char *text = at + len + 1;

                        return http_percent_decode(text, strcspn(text, "&"), true, &value)
                                       ? NULL
                                       : buf_take_str(&value, NULL);
                }
        return NULL;
}

/* {"label":["a","b=c"],…} as "--filter label=a --filter label=b=c …" */
static void add_filters(struct command_request *r, struct words *words) {
        AUTO(str) char *text = command_parameter(r, "filters");
        json_t *filters = NULL, *values;
        const json_t *value;
        const char *name;
        size_t i;

        if (!text || json_tree_parse(text, strlen(text), &filters, NULL))
                return;
        json_object_foreach(filters, name, values) json_array_foreach(values, i, value) {
                words_add(words, "--filter");
                words_take(words, xasprintf("%s=%s", name, json_string_value(value) ?: ""));
        }
        json_decref(filters);
}

static int plan_version(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "info", "--format", JSON_EACH);
        return 0;
}

static int plan_start(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "start", r->name);
        return 0;
}

static int plan_kill(struct command_request *r, struct words *words, char **ret_problem) {
        AUTO(str) char *signal = command_parameter(r, "signal");

        words_add_all(words, "kill", "--signal", signal ?: "KILL", r->name);
        return 0;
}

static int plan_attach(struct command_request *r, struct words *words, char **ret_problem) {
        AUTO(str) char *input = command_parameter(r, "stdin");

        if (input && streq(input, "1") && r->line->dialect == DIALECT_NERDCTL) {
                *ret_problem = xstrdup(NEAR_ONLY);
                return 400;
        }
        words_add_all(words, "start", "--attach");
        if (input && streq(input, "1"))
                words_add(words, "--interactive");
        words_add(words, r->name);
        return 0;
}

static int plan_remove(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "rm", "--force", "--volumes", r->name);
        return 0;
}

/* Docker's and nerdctl's list has labels in a form that cannot be taken apart: those of ours are asked for. */
static int plan_list(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "ps", "--all", "--no-trunc", "--format",
                      r->line->dialect == DIALECT_PODMAN
                              ? "json"
                              : "{\"Id\":{{json .ID}},\"Labels\":{" LABEL("instance") "," LABEL(
                                        "home") "," LABEL("lease") "}}");
        add_filters(r, words);
        return 0;
}

static int plan_inspect_container(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "container", "inspect", "--format", JSON_EACH, r->name);
        return 0;
}

static int plan_inspect_network(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "network", "inspect", "--format", JSON_EACH, r->name);
        return 0;
}

/* nerdctl looks for a digest in a name only where the tag fits as well. */
static int plan_inspect_image(struct command_request *r, struct words *words, char **ret_problem) {
        const char *digest = r->line->dialect == DIALECT_NERDCTL ? strchr(r->name, '@') : NULL;

        words_add_all(words, "image", "inspect", "--format", JSON_EACH, digest ? digest + 1 : r->name);
        return 0;
}

static int need_path(struct command_request *r, char **ret_path, char **ret_problem) {
        AUTO(str) char *path = command_parameter(r, "path");

        if (!path) {
                *ret_problem = xstrdup("no path");
                return 400;
        }
        *ret_path = xasprintf("%s:%s", r->name, path);
        return 0;
}

static int plan_look(struct command_request *r, struct words *words, char **ret_problem) {
        char *path = NULL;
        int status;

        /* It copies from running containers only; but it is no client of somebody's elsewhere: what it was given to bind it has
         * found among our files, or there would be no such container. */
        if (r->line->dialect == DIALECT_NERDCTL)
                return plan_inspect_container(r, words, ret_problem);
        status = need_path(r, &path, ret_problem);
        if (status)
                return status;
        words_add(words, "cp");
        words_take(words, path);
        words_add(words, "-");
        return 0;
}

static int plan_put(struct command_request *r, struct words *words, char **ret_problem) {
        char *path = NULL;
        int status = need_path(r, &path, ret_problem);

        if (status)
                return status;
        if (r->line->dialect == DIALECT_NERDCTL) {
                free(path);
                *ret_problem = xstrdup(NEAR_ONLY);
                return 400;
        }
        words_add_all(words, "cp", "-");
        words_take(words, path);
        return 0;
}

/* The command has credentials of its own: those of the user's configuration, as we would send them. */
static int plan_pull(struct command_request *r, struct words *words, char **ret_problem) {
        AUTO(str) char *image = command_parameter(r, "fromImage");
        AUTO(str) char *tag = command_parameter(r, "tag");
        AUTO(str) char *platform = command_parameter(r, "platform");

        if (!image) {
                *ret_problem = xstrdup("no image");
                return 400;
        }
        words_add(words, "pull");
        if (platform)
                words_add_all(words, "--platform", platform);
        words_take(words, xasprintf("%s%s%s", image,
                                    !tag                         ? ""
                                    : str_starts(tag, "sha256:") ? "@"
                                                                 : ":",
                                    tag ?: ""));
        return 0;
}

static int plan_tag(struct command_request *r, struct words *words, char **ret_problem) {
        AUTO(str) char *repository = command_parameter(r, "repo");
        AUTO(str) char *tag = command_parameter(r, "tag");

        if (!repository || !tag || *repository == '-') {
                *ret_problem = xstrdup("no name");
                return 400;
        }
        words_add_all(words, "tag", r->name);
        words_take(words, xasprintf("%s:%s", repository, tag));
        return 0;
}

static int plan_remove_image(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "rmi", r->name);
        return 0;
}

/* What happens between its start and its first look would be missed, and so it is told since when; twice is harmless. */
static int plan_events(struct command_request *r, struct words *words, char **ret_problem) {
        words_add_all(words, "events", "--format", r->line->dialect == DIALECT_DOCKER ? JSON_EACH : "json");
        if (r->line->dialect == DIALECT_NERDCTL)
                return 0; /* it knows no such filters, and no past */
        words_add(words, "--since");
        words_take(words, xasprintf("%llu", (unsigned long long)(loop_wall(r->line->loop) / SECOND - 1)));
        add_filters(r, words);
        return 0;
}

static const struct command_route routes[] = {
        { HTTP_GET_, "/version", NULL, COMMAND_ANSWERS, INFO_MOST, plan_version, command_answer_version },
        { HTTP_GET_, "/events", NULL, COMMAND_EVENTS, 0, plan_events, NULL },
        { HTTP_POST_, "/containers/create", NULL, COMMAND_ANSWERS, 0, command_plan_create,
          command_answer_created },
        { HTTP_GET_, "/containers/json", NULL, COMMAND_ANSWERS, 0, plan_list, command_answer_list },
        { HTTP_POST_, "/containers/", "/start", COMMAND_START, 0, plan_start, NULL },
        { HTTP_POST_, "/containers/", "/attach", COMMAND_ATTACH, 0, plan_attach, NULL },
        { HTTP_POST_, "/containers/", "/kill", COMMAND_ANSWERS, 0, plan_kill, NULL },
        { HTTP_HEAD_, "/containers/", "/archive", COMMAND_ANSWERS, 0, plan_look, NULL },
        { HTTP_PUT_, "/containers/", "/archive", COMMAND_ANSWERS, 0, plan_put, NULL },
        { HTTP_GET_, "/containers/", "/json", COMMAND_ANSWERS, 0, plan_inspect_container,
          command_answer_inspect },
        { HTTP_DELETE_, "/containers/", "", COMMAND_ANSWERS, 0, plan_remove, NULL },
        { HTTP_GET_, "/networks/", "", COMMAND_ANSWERS, 0, plan_inspect_network, command_answer_network },
        { HTTP_POST_, "/images/create", NULL, COMMAND_ANSWERS, PULL_MOST, plan_pull, NULL },
        { HTTP_GET_, "/images/", "/json", COMMAND_ANSWERS, 0, plan_inspect_image, command_answer_image },
        { HTTP_POST_, "/images/", "/tag", COMMAND_ANSWERS, 0, plan_tag, NULL },
        { HTTP_DELETE_, "/images/", "", COMMAND_ANSWERS, 0, plan_remove_image, NULL },
};

/* A name begins with no "-": it is a word of a command line. */
static bool matches(const struct command_route *route, const char *path, size_t len, char **ret_name) {
        AUTO(buf) struct buf name = BUF_NULL(4 * KIB);
        size_t before = strlen(route->before), after = route->after ? strlen(route->after) : 0;

        if (!route->after)
                return len == before && strncmp(path, route->before, len) == 0;
        if (len <= before + after || strncmp(path, route->before, before) != 0 ||
            strncmp(path + len - after, route->after, after) != 0 || path[before] == '-')
                return false;
        if (http_percent_decode(path + before, len - before - after, false, &name) || *buf_data(&name) == '-')
                return false;
        *ret_name = buf_take_str(&name, NULL);
        return true;
}

const struct command_route *command_route_find(enum http_method method, const char *target, char **ret_name,
                                               const char **ret_query) {
        size_t len = strcspn(target, "?");

        for (size_t i = 0; i < ARRAY_SIZE(routes); ++i)
                if (routes[i].method == method && matches(&routes[i], target, len, ret_name)) {
                        *ret_query = target[len] ? target + len + 1 : "";
                        return &routes[i];
                }
        return NULL;
}
