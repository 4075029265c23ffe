/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of POST /containers/create as options of "create". What is asked for and has no option here is refused: a
 * container must not be less confined than it was meant to be.
 */
#include <sys/mman.h>

#include "sandbox/engine/command_private.h"

struct creating {
        struct command_request *request;
        struct words *words;
        const json_t *entrypoint, *command; /* both come last */
        const char *image;
        char *problem;
};

struct member {
        const char *name;
        void (*add)(struct creating *c,
                    const json_t *value); /* NULL: it is so anyway, or goes with another */
};

static void add_members(struct creating *c, const json_t *object, const struct member *members) {
        const json_t *value;
        const char *name;

        json_object_foreach((json_t *)object, name, value) {
                const struct member *m = members;

                while (m->name && !streq(m->name, name))
                        ++m;
                if (m->name && m->add)
                        m->add(c, value);
                else if (!m->name && !c->problem)
                        c->problem = xasprintf("%s cannot be asked of a command", name);
        }
}

static const char *text(const json_t *value) {
        return json_string_value(value) ?: "";
}

static void option(struct creating *c, const char *name, char *value_consume) {
        words_add(c->words, name);
        words_take(c->words, value_consume);
}

static void each_text(struct creating *c, const char *name, const json_t *array) {
        const json_t *value;
        size_t i;

        json_array_foreach(array, i, value) option(c, name, xstrdup(text(value)));
}

/* NAME=VALUE, or NAME:VALUE */
static void each_pair(struct creating *c, const char *option_name, const json_t *object,
                      const char *between) {
        const json_t *value;
        const char *name;

        json_object_foreach((json_t *)object, name, value)
                option(c, option_name, xasprintf("%s%s%s", name, between, text(value)));
}

static char *number(const json_t *value) {
        return xasprintf("%lld", (long long)json_integer_value(value));
}

/* ---- of the host's side ---- */

static void add_auto_remove(struct creating *c, const json_t *value) {
        if (json_is_true(value))
                words_add(c->words, "--rm");
}

static bool is_nerdctl(const struct creating *c) {
        return c->request->line->dialect == DIALECT_NERDCTL;
}

/* nerdctl cannot but keep what init says when it fails. */
static void add_log(struct creating *c, const json_t *value) {
        if (is_nerdctl(c))
                return;
        option(c, "--log-driver", xstrdup(json_tree_str(value, "Type") ?: ""));
}

static void add_memory(struct creating *c, const json_t *value) {
        option(c, "--memory", number(value));
}

static void add_memory_swap(struct creating *c, const json_t *value) {
        option(c, "--memory-swap", number(value));
}

static void add_pids(struct creating *c, const json_t *value) {
        option(c, "--pids-limit", number(value));
}

static void add_cpus(struct creating *c, const json_t *value) {
        long long nano = json_integer_value(value);

        option(c, "--cpus", xasprintf("%lld.%09lld", nano / 1000000000, nano % 1000000000));
}

static void add_limits(struct creating *c, const json_t *array) {
        const json_t *value;
        size_t i;

        json_array_foreach(array, i, value)
                option(c, "--ulimit",
                       xasprintf("%s=%lld:%lld", json_tree_str(value, "Name") ?: "",
                                 (long long)json_tree_int(value, "Soft", 0),
                                 (long long)json_tree_int(value, "Hard", 0)));
}

static void add_tmpfs(struct creating *c, const json_t *value) {
        each_pair(c, "--tmpfs", value, ":");
}

static void add_read_only(struct creating *c, const json_t *value) {
        if (!json_is_true(value))
                return;
        words_add(c->words, "--read-only");
        /* Podman would make /run and /var/tmp writable. */
        if (c->request->line->dialect == DIALECT_PODMAN)
                words_add(c->words, "--read-only-tmpfs=false");
}

static void add_ipc(struct creating *c, const json_t *value) {
        if (!is_nerdctl(c)) /* whose containers all have a /dev/shm */
                option(c, "--ipc", xstrdup(text(value)));
}

static void add_cap_drop(struct creating *c, const json_t *value) {
        each_text(c, "--cap-drop", value);
}

static void add_security(struct creating *c, const json_t *value) {
        each_text(c, "--security-opt", value);
}

static void add_network(struct creating *c, const json_t *value) {
        option(c, "--network", xstrdup(text(value)));
}

static void add_sysctls(struct creating *c, const json_t *value) {
        each_pair(c, "--sysctl", value, "=");
}

static void add_hosts(struct creating *c, const json_t *value) {
        each_text(c, "--add-host", value);
}

/* {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]} */
static void add_ports(struct creating *c, const json_t *object) {
        const json_t *places, *place;
        const char *name;
        size_t i;

        json_object_foreach((json_t *)object, name, places) json_array_foreach(places, i, place)
                option(c, "--publish",
                       xasprintf("%s:%s:%s", json_tree_str(place, "HostIp") ?: "",
                                 json_tree_str(place, "HostPort") ?: "", name));
}

/* One of comma-separated values, in which a path may hold anything (RFC 4180); nerdctl only cuts at the commas. */
static void append_field(struct creating *c, struct buf *to, const char *name, const char *value) {
        if (is_nerdctl(c)) {
                if (strchr(value, ',') && !c->problem)
                        c->problem = xasprintf("it takes no comma in a path: %s", value);
                must(buf_printf(to, ",%s=%s", name, value) == 0);
                return;
        }
        must(buf_printf(to, ",\"%s=", name) == 0);
        for (; *value; ++value)
                must(buf_append(to, *value == '"' ? "\"\"" : value, *value == '"' ? 2 : 1) == 0);
        must(buf_append_str(to, "\"") == 0);
}

static void add_mounts(struct creating *c, const json_t *array) {
        const json_t *value;
        size_t i;

        json_array_foreach(array, i, value) {
                const char *type = json_tree_str(value, "Type") ?: "",
                           *source = json_tree_str(value, "Source");
                const char *target = json_tree_str(value, "Target") ?: "";
                AUTO(buf) struct buf words = BUF_NULL(64 * KIB);

                if (!source) {
                        option(c, "--volume", xstrdup(target)); /* without a name */
                        continue;
                }
                must(buf_printf(&words, "type=%s", type) == 0);
                append_field(c, &words, "source", source);
                append_field(c, &words, "target", target);
                if (json_tree_bool(value, "ReadOnly", false))
                        must(buf_append_str(&words, ",readonly") == 0);
                option(c, "--mount", buf_take_str(&words, NULL));
        }
}

static const struct member host_members[] = {
        { "AutoRemove", add_auto_remove },
        { "CapDrop", add_cap_drop },
        { "ExtraHosts", add_hosts },
        { "IpcMode", add_ipc },
        { "LogConfig", add_log },
        { "Memory", add_memory },
        { "MemorySwap", add_memory_swap },
        { "Mounts", add_mounts },
        { "NanoCpus", add_cpus },
        { "NetworkMode", add_network },
        { "PidsLimit", add_pids },
        { "PortBindings", add_ports },
        { "ReadonlyRootfs", add_read_only },
        { "SecurityOpt", add_security },
        { "Sysctls", add_sysctls },
        { "Tmpfs", add_tmpfs },
        { "Ulimits", add_limits },
        {},
};

/* ---- of the container's ---- */

static void take_image(struct creating *c, const json_t *value) {
        c->image = text(value);
}

static void take_entrypoint(struct creating *c, const json_t *value) {
        c->entrypoint = value;
}

static void take_command(struct creating *c, const json_t *value) {
        c->command = value;
}

static void add_user(struct creating *c, const json_t *value) {
        option(c, "--user", xstrdup(text(value)));
}

static void add_working_dir(struct creating *c, const json_t *value) {
        option(c, "--workdir", xstrdup(text(value)));
}

static void add_stdin(struct creating *c, const json_t *value) {
        /* nerdctl attaches no input when it starts a container. */
        if (json_is_true(value) && !is_nerdctl(c))
                words_add(c->words, "--interactive");
}

static void add_health(struct creating *c, const json_t *value) {
        if (!is_nerdctl(c)) /* which knows of none */
                words_add(c->words, "--no-healthcheck");
}

static void add_labels(struct creating *c, const json_t *value) {
        each_pair(c, "--label", value, "=");
}

static void add_host(struct creating *c, const json_t *value) {
        add_members(c, value, host_members);
}

/* Through a file without a name, a variable a line. */
static void add_env(struct creating *c, const json_t *array) {
        AUTO(buf) struct buf lines = BUF_NULL(1 * MIB);
        const json_t *value;
        int fd;
        size_t i;

        json_array_foreach(array, i, value) {
                if (strchr(text(value), '\n') && !c->problem)
                        c->problem = xasprintf("the variable %.*s has several lines, which no command takes",
                                               (int)strcspn(text(value), "="), text(value));
                if (buf_append_strs(&lines, text(value), "\n", NULL) && !c->problem)
                        c->problem = xstrdup("the environment is too long");
        }
        if (!lines.len || c->problem)
                return;
        fd = memfd_create("environment", MFD_CLOEXEC);
        if (fd < 0 || write(fd, buf_data(&lines), lines.len) != (ssize_t)lines.len ||
            lseek(fd, 0, SEEK_SET)) {
                c->problem = xasprintf("the environment cannot be handed over: %s", strerror(errno));
                fd_close(fd);
                return;
        }
        fd_close(c->request->secret_fd);
        c->request->secret_fd = fd;
        option(c, "--env-file", xasprintf("/proc/self/fd/%d", PROGRAM_SECRET_FD));
}

static const struct member members[] = {
        { "AttachStderr", NULL },
        { "AttachStdin", NULL },
        { "AttachStdout", NULL },
        { "Cmd", take_command },
        { "Entrypoint", take_entrypoint },
        { "Env", add_env },
        { "ExposedPorts", NULL },
        { "Healthcheck", add_health },
        { "HostConfig", add_host },
        { "Image", take_image },
        { "Labels", add_labels },
        { "OpenStdin", add_stdin },
        { "StdinOnce", NULL },
        { "User", add_user },
        { "WorkingDir", add_working_dir },
        {},
};

static void add_arguments(struct creating *c) {
        const json_t *value;
        size_t i;

        if (json_array_size(c->entrypoint))
                option(c, "--entrypoint", xstrdup(text(json_array_get(c->entrypoint, 0))));
        words_add(c->words, c->image ?: "");
        json_array_foreach(c->entrypoint, i, value) if (i) words_add(c->words, text(value));
        json_array_foreach(c->command, i, value) words_add(c->words, text(value));
}

int command_plan_create(struct command_request *r, struct words *words, char **ret_problem) {
        struct creating c = { .request = r, .words = words };
        AUTO(str) char *name = command_parameter(r, "name");
        json_t *body = NULL;

        if (json_tree_parse(r->body, r->len, &body, NULL)) {
                *ret_problem = xstrdup("the body is no JSON");
                return 400;
        }
        words_add(words, "create");
        if (name)
                option(&c, "--name", xstrdup(name));
        /* A removal by force of some asks the container first, and waits. */
        words_add_all(words, "--pull", "never", "--stop-timeout", "0");
        add_members(&c, body, members);
        add_arguments(&c);
        json_decref(body);
        *ret_problem = c.problem;
        return c.problem ? 400 : 0;
}
