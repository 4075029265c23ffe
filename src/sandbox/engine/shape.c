/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/shape.h"

#include <stdio.h>

#include "base/json.h"

#define PIDS_MAX 1024
#define FILES_MAX 1024
#define TMP_LEAST_MB 64u
#define MB_PER_PROCESSOR 1769

static void write_bind(struct json_writer *w, const char *source, const char *target, bool read_only) {
        if (!source)
                return;
        json_open_object(w, NULL);
        json_str(w, "Type", "bind");
        json_str(w, "Source", source);
        json_str(w, "Target", target);
        json_bool(w, "ReadOnly", read_only);
        json_close_object(w);
}

/* An archive can be put into a volume of a container whose root is read-only, and nowhere else. It has no name, so
 * that it goes with its container. */
static void write_volume(struct json_writer *w, const char *target) {
        json_open_object(w, NULL);
        json_str(w, "Type", "volume");
        json_str(w, "Target", target);
        json_close_object(w);
}

static void write_mounts(const struct shape *s, struct json_writer *w) {
        json_open_array(w, "Mounts");
        if (!s->by_archive) {
                write_bind(w, s->init_path, SHAPE_INIT, true);
                write_bind(w, s->link_dir, SHAPE_LINK_DIR, false);
                write_bind(w, s->task_dir, "/var/task", true);
                write_bind(w, s->runtime_is_task ? s->task_dir : NULL, "/var/runtime", true);
                write_bind(w, s->opt_dir, "/opt", true);
        } else {
                if (!s->entrypoint)
                        write_volume(w, "/lambent");
                if (s->task_dir)
                        write_volume(w, "/var/task");
                if (s->task_dir && s->runtime_is_task)
                        write_volume(w, "/var/runtime");
                if (s->opt_dir)
                        write_volume(w, "/opt");
        }
        json_close_array(w);
}

static void write_limits(const struct shape *s, struct json_writer *w) {
        int64_t bytes = (int64_t)s->memory_mb * (int64_t)MIB;
        char tmp[64];

        json_int(w, "Memory", bytes);
        json_int(w, "MemorySwap", bytes); /* of both together: no swap */
        json_int(w, "PidsLimit", PIDS_MAX);
        if (s->cpu_share)
                json_int(w, "NanoCpus", (int64_t)s->memory_mb * 1000000000 / MB_PER_PROCESSOR);
        if (s->limit_files) {
                json_open_array(w, "Ulimits");
                json_open_object(w, NULL);
                json_str(w, "Name", "nofile");
                json_int(w, "Soft", FILES_MAX);
                json_int(w, "Hard", FILES_MAX);
                json_close_object(w);
                json_close_array(w);
        }
        json_open_object(w, "Tmpfs");
        snprintf(tmp, sizeof(tmp), "rw,exec,nosuid,nodev,mode=1777,size=%um", MAX(s->tmp_mb, TMP_LEAST_MB));
        json_str(w, "/tmp", tmp);
        json_close_object(w);
}

static void write_confinement(const struct shape *s, struct json_writer *w) {
        json_bool(w, "ReadonlyRootfs", !s->writable_root);
        json_str(w, "IpcMode", "none"); /* of its own, and without /dev/shm */
        json_open_array(w, "CapDrop");
        if (!s->keep_capabilities)
                json_str(w, NULL, "ALL");
        json_close_array(w);
        json_open_array(w, "SecurityOpt");
        if (!s->keep_capabilities)
                json_str(w, NULL, "no-new-privileges");
        if (s->selinux)
                json_str(w, NULL, "label=disable");
        json_close_array(w);
}

static void write_network(const struct shape *s, struct json_writer *w) {
        if (s->network)
                json_str(w, "NetworkMode", s->network);
        if (s->low_ports) {
                json_open_object(w, "Sysctls");
                json_str(w, "net.ipv4.ip_unprivileged_port_start", "0");
                json_close_object(w);
        }
        if (s->host_gateway) {
                char host[128];

                snprintf(host, sizeof(host), "host.docker.internal:%s", s->host_gateway);
                json_open_array(w, "ExtraHosts");
                json_str(w, NULL, host);
                json_close_array(w);
        }
}

/* A free port of loopback for the one that is listened on inside. */
static void write_port(const struct shape *s, struct json_writer *w, bool binding) {
        char name[16];

        if (!s->port)
                return;
        snprintf(name, sizeof(name), "%u/tcp", s->port);
        json_open_object(w, binding ? "PortBindings" : "ExposedPorts");
        if (binding) {
                json_open_array(w, name);
                json_open_object(w, NULL);
                json_str(w, "HostIp", "127.0.0.1");
                json_str(w, "HostPort", "");
                json_close_object(w);
                json_close_array(w);
        } else {
                json_open_object(w, name);
                json_close_object(w);
        }
        json_close_object(w);
}

static void write_host_config(const struct shape *s, struct json_writer *w) {
        json_open_object(w, "HostConfig");
        json_bool(w, "AutoRemove", true);
        json_open_object(w, "LogConfig");
        json_str(w, "Type", "none");
        json_close_object(w);
        write_limits(s, w);
        write_confinement(s, w);
        write_network(s, w);
        write_mounts(s, w);
        write_port(s, w, true);
        json_close_object(w);
}

static void write_words(struct json_writer *w, const char *name, const char *const *words) {
        json_open_array(w, name);
        for (; words && *words; ++words)
                json_str(w, NULL, *words);
        json_close_array(w);
}

static void write_process(const struct shape *s, struct json_writer *w) {
        static const char *const init[] = { SHAPE_INIT, NULL };
        char user[32];

        write_words(w, "Entrypoint", s->entrypoint ?: init);
        write_words(w, "Cmd", s->entrypoint ? NULL : s->command);
        write_words(w, "Env", s->vars);
        if (s->working_dir)
                json_str(w, "WorkingDir", s->working_dir);
        snprintf(user, sizeof(user), "%d:%d", SHAPE_UID, SHAPE_GID);
        json_str(w, "User", user);
        json_bool(w, "OpenStdin", !s->entrypoint);
        json_bool(w, "StdinOnce", !s->entrypoint);
        json_bool(w, "AttachStdin", !s->entrypoint);
        json_bool(w, "AttachStdout", true);
        json_bool(w, "AttachStderr", true);
}

int shape_write(const struct shape *s, struct buf *json) {
        struct json_writer w = JSON_WRITER(json);

        json_open_object(&w, NULL);
        json_str(&w, "Image", s->image);
        write_process(s, &w);
        write_port(s, &w, false);
        /* What the image would have the engine run every few seconds. */
        json_open_object(&w, "Healthcheck");
        json_open_array(&w, "Test");
        json_str(&w, NULL, "NONE");
        json_close_array(&w);
        json_close_object(&w);
        json_open_object(&w, "Labels");
        for (size_t i = 0; i < s->label_count; ++i)
                json_str(&w, s->labels[i].name, s->labels[i].value);
        json_close_object(&w);
        write_host_config(s, &w);
        json_close_object(&w);
        return json_writer_end(&w);
}
