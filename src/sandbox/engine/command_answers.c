/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands say, as the Engine API says it. */
#include "base/json.h"
#include "sandbox/engine/command_private.h"

/* Podman answers an inspection with an array of one, others with what is in it. */
static json_t *parse_one(const char *text, size_t len) {
        json_t *tree = NULL, *first;

        if (json_tree_parse(text, len, &tree, NULL))
                return NULL;
        if (!json_is_array(tree))
                return tree;
        first = json_incref(json_array_get(tree, 0));
        json_decref(tree);
        return first;
}

static json_t *parse_output(const struct command_request *r) {
        return parse_one(buf_data(&r->output), r->output.len);
}

/* ---- the engine ---- */

/* Of uname and of Go: the API has Go's. */
static const char *architecture(const char *name) {
        return streq(name, "x86_64") ? "amd64" : streq(name, "aarch64") ? "arm64" : name;
}

static void write_version(struct buf *json, const char *version, const char *arch, const char *os,
                          const char *kernel, bool podman) {
        struct json_writer w = JSON_WRITER(json);

        json_open_object(&w, NULL);
        json_str(&w, "Version", version);
        json_str(&w, "Arch", architecture(arch));
        json_str(&w, "Os", os);
        json_str(&w, "KernelVersion", kernel ?: "");
        json_open_array(&w, "Components");
        if (podman) {
                json_open_object(&w, NULL);
                json_str(&w, "Name", "Podman Engine");
                json_close_object(&w);
        }
        json_close_array(&w);
        json_close_object(&w);
}

/* {"host": {…}, "version": {"Version": …}} of Podman, {"ServerVersion": …} of the others. */
bool command_answer_version(const struct command_request *r, struct buf *json) {
        json_t *info = parse_output(r);
        const json_t *host = json_tree_get(info, "host");
        bool podman = r->line->dialect == DIALECT_PODMAN;
        const json_t *from = podman ? host : info;
        const char *version = podman ? json_tree_str(json_tree_get(info, "version"), "Version")
                                     : json_tree_str(info, "ServerVersion");
        const char *arch = json_tree_str(from, podman ? "arch" : "Architecture");
        const char *os = json_tree_str(from, podman ? "os" : "OSType");

        if (version && *version && arch && os)
                write_version(json, version, arch, os,
                              json_tree_str(from, podman ? "kernel" : "KernelVersion"), podman);
        json_decref(info);
        return json->len != 0;
}

bool command_answer_inspect(const struct command_request *r, struct buf *json) {
        json_t *tree = parse_output(r);
        bool fine = json_is_object(tree) && json_tree_append(tree, json) == 0;

        json_decref(tree);
        return fine;
}

/* nerdctl tells a line for each name of an image, with the digest of its configuration; but finds it again only by that of what it has
 * under the name: a manifest, or a list of them. */
bool command_answer_image(const struct command_request *r, struct buf *json) {
        const char *text = buf_data(&r->output), *digest;
        bool nerdctl = r->line->dialect == DIALECT_NERDCTL, fine;
        const char *end = nerdctl && text ? memchr(text, '\n', r->output.len) : NULL;
        json_t *tree = parse_one(text, end ? (size_t)(end - text) : r->output.len);

        digest = json_string_value(json_array_get(json_tree_get(tree, "RepoDigests"), 0));
        digest = nerdctl && digest ? strchr(digest, '@') : NULL;
        fine = json_is_object(tree);
        if (fine && digest)
                fine = json_object_set_new(tree, "Id", json_string(digest + 1)) == 0;
        fine = fine && json_tree_append(tree, json) == 0;
        json_decref(tree);
        return fine;
}

/* {"subnets": [{"gateway": …}]} of Podman; the others have it as the API. */
bool command_answer_network(const struct command_request *r, struct buf *json) {
        json_t *network = parse_output(r), *subnets = json_tree_get(network, "subnets");
        struct json_writer w = JSON_WRITER(json);
        const json_t *subnet;
        size_t i;

        if (!subnets) {
                json_decref(network);
                return command_answer_inspect(r, json);
        }
        json_open_object(&w, NULL);
        json_open_object(&w, "IPAM");
        json_open_array(&w, "Config");
        json_array_foreach(subnets, i, subnet) {
                json_open_object(&w, NULL);
                json_str(&w, "Gateway", json_tree_str(subnet, "gateway"));
                json_close_object(&w);
        }
        json_close_array(&w);
        json_close_object(&w);
        json_close_object(&w);
        json_decref(network);
        return json_writer_end(&w) == 0;
}

/* ---- containers ---- */

/* Before it there may be warnings. */
bool command_answer_created(const struct command_request *r, struct buf *json) {
        AUTO(str) char *id = command_last_line(&r->output);
        struct json_writer w = JSON_WRITER(json);

        if (!*id || id[strspn(id, "0123456789abcdef")])
                return false;
        json_open_object(&w, NULL);
        json_str(&w, "Id", id);
        json_close_object(&w);
        return json_writer_end(&w) == 0;
}

/* An array of Podman, of the others an object a line. */
bool command_answer_list(const struct command_request *r, struct buf *json) {
        const char *at = buf_data(&r->output), *end = at ? at + r->output.len : NULL;
        json_t *tree = NULL;
        bool fine;

        if (r->line->dialect == DIALECT_PODMAN) {
                fine = json_tree_parse(at, r->output.len, &tree, NULL) == 0 && json_is_array(tree);
        } else {
                tree = json_array();
                fine = true;
                while (fine && at < end) {
                        const char *line = memchr(at, '\n', (size_t)(end - at)) ?: end;
                        json_t *one = NULL;

                        if (line > at)
                                fine = json_tree_parse(at, (size_t)(line - at), &one, NULL) == 0 &&
                                       json_array_append_new(tree, one) == 0;
                        at = line + 1;
                }
        }
        fine = fine && json_tree_append(tree, json) == 0;
        json_decref(tree);
        return fine;
}

/* ---- events ---- */

struct happening {
        const char *action, *id;
        const json_t *attributes;
        int64_t exit_code; /* -1: not told */
};

static const char *translated(const char *word) {
        static const char *const words[][2] = {
                { "died", "die" },
                { "remove", "destroy" },
                { "/tasks/start", "start" },
                { "/tasks/oom", "oom" },
                { "/containers/create", "create" },
                { "/tasks/exit", "die" },
                { "/containers/delete", "destroy" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(words); ++i)
                if (streq(words[i][0], word))
                        return words[i][1];
        return word;
}

static void write_event(struct buf *json, const struct happening *h) {
        struct json_writer w = JSON_WRITER(json);
        const json_t *value;
        const char *name;

        json_open_object(&w, NULL);
        json_str(&w, "Type", "container");
        json_str(&w, "Action", h->action);
        json_open_object(&w, "Actor");
        json_str(&w, "ID", h->id);
        json_open_object(&w, "Attributes");
        json_object_foreach((json_t *)h->attributes, name, value)
                json_str(&w, name, json_string_value(value) ?: "");
        if (h->exit_code >= 0) {
                char code[U64_TEXT];

                json_str(&w, "exitCode", u64_text((uint64_t)h->exit_code, code));
        }
        json_close_object(&w);
        json_close_object(&w);
        json_close_object(&w);
        if (json_writer_end(&w) || buf_append(json, "\n", 1))
                buf_clear(json);
}

/* {"Status": "died", "ID": …, "ContainerExitCode": 1, "Attributes": {labels}}; without a code it was 0, or whoever removed it was
 * faster than the one who writes it down. */
static bool read_podman(const json_t *event, struct happening *h) {
        const char *status = json_tree_str(event, "Status");

        h->id = json_tree_str(event, "ID");
        h->attributes = json_tree_get(event, "Attributes");
        h->exit_code = json_tree_int(event, "ContainerExitCode", -1);
        h->action = status ? translated(status) : NULL;
        return h->id && h->action;
}

/* containerd's: {"Topic": "/tasks/exit", "Event": "{\"container_id\":…,\"id\":…,\"exit_status\":1}"}. What was executed in
 * a container beside its init has another id. */
static bool read_nerdctl(const json_t *event, const json_t *details, struct happening *h) {
        const char *topic = json_tree_str(event, "Topic"), *task = json_tree_str(details, "id");

        h->id = json_tree_str(details, "container_id") ?: task;
        h->exit_code = topic && streq(topic, "/tasks/exit") ? json_tree_int(details, "exit_status", 0) : -1;
        h->action = topic ? translated(topic) : NULL;
        return h->id && h->action && (!task || streq(task, h->id));
}

static bool read_docker(const json_t *event, struct happening *h) {
        const json_t *actor = json_tree_get(event, "Actor");

        h->id = json_tree_str(actor, "ID");
        h->action = json_tree_str(event, "Action");
        h->attributes = json_tree_get(actor, "Attributes");
        return h->id && h->action;
}

void command_translate_event(enum dialect dialect, const char *line, size_t len, struct buf *json,
                             char **ret_id, bool *ret_started) {
        struct happening h = { .exit_code = -1 };
        json_t *event = parse_one(line, len), *details = NULL;
        const char *more = json_tree_str(event, "Event");
        bool clear;

        *ret_id = NULL;
        *ret_started = false;
        if (more && json_tree_parse(more, strlen(more), &details, NULL))
                details = NULL;
        clear = dialect == DIALECT_PODMAN    ? read_podman(event, &h)
                : dialect == DIALECT_NERDCTL ? read_nerdctl(event, details, &h)
                                             : read_docker(event, &h);
        if (clear) {
                write_event(json, &h);
                *ret_started = streq(h.action, "start");
                if (*ret_started || streq(h.action, "die"))
                        *ret_id = xstrdup(h.id);
        }
        json_decref(details);
        json_decref(event);
}

/* ---- failures ---- */

char *command_last_line(const struct buf *said) {
        AUTO(str) char *text = xmemdup(buf_data(said) ?: "", said->len);
        size_t len = strlen(text);
        const char *line;

        while (len && strchr("\r\n ", text[len - 1]))
                text[--len] = 0;
        line = strrchr(text, '\n');
        return xstrdup(line ? line + 1 : text);
}

/* nerdctl fails as it logs: time="…" level=fatal msg="1 errors:\nwhat went wrong, with \"quotes\"". */
char *command_why(const struct buf *said) {
        char *line = command_last_line(said), *from = strstr(line, " msg=\""), *to = line;
        const char *at;

        if (!str_starts(line, "time=\"") || !from)
                return line;
        from += strlen(" msg=\"");
        at = strstr(from, " errors:\\n");
        at = at && strspn(from, "0123456789") == (size_t)(at - from) ? at + strlen(" errors:\\n") : from;
        for (; *at && *at != '"'; ++at) {
                bool escaped = *at == '\\' && at[1];

                at += escaped;
                *to++ = !escaped ? *at : *at == 'n' ? ' ' : *at;
        }
        *to = 0;
        return line;
}

bool command_has_logged_an_error(const struct buf *said) {
        static const char words[] = "level=error";

        return said->len && memmem(buf_data(said), said->len, words, strlen(words));
}

int command_judge(const char *words) {
        static const struct {
                const char *words;
                int status;
        } known[] = {
                { "bind source path does not exist", 400 },
                { "invalid mount", 400 },
                { "unknown flag", 400 },
                { "statfs ", 500 },
                { "no such container", 404 },
                { "no container with name or id", 404 },
                { "no such image", 404 },
                { "image not known", 404 },
                { "could not be found on container", 404 },
                { "could not find the file", 404 },
                { "no such file or directory", 404 },
                { "network not found", 404 },
                { "no such object", 404 },
                { "no such network", 404 },
                { "image not available", 404 },
                { "not found", 404 },
                { "already in use", 409 },
                { "already in progress", 409 },
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); ++i)
                if (strcasestr(words, known[i].words))
                        return known[i].status;
        return 500;
}
