/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape - what a container of ours looks like, as the body of POST /containers/create
 *
 * As on AWS: read-only root, /tmp of the function's size, uid 993 without capabilities or new privileges, limits
 * on memory, processes and descriptors. Where our init runs, nothing is published and no secret is in the environment
 * or on a command line: those travel over the link. The engine removes the container when it ends, whatever becomes of us.
 */
#pragma once
#include "base/buf.h"

/* Where things are inside. */
#define SHAPE_INIT "/lambent/init"
#define SHAPE_LINK_DIR "/lambent/link"
#define SHAPE_UID 993
#define SHAPE_GID 990

struct shape_label {
        const char *name, *value;
};

struct shape {
        const char *image;          /* id or name */
        const char *const *command; /* of our init, NULL-terminated; or… */
        /* …what runs instead of it: the whole command line, with all that travels by no link. NULL-terminated lists; a
         * working_dir of NULL is the image's. */
        const char *const *entrypoint, *const *vars; /* vars: "NAME=VALUE" */
        const char *working_dir;
        uint16_t port; /* published on a free port of 127.0.0.1; 0: none */
        const struct shape_label *labels;
        size_t label_count;
        uint32_t memory_mb, tmp_mb;
        bool cpu_share;           /* as on AWS: one processor per 1769 MB */
        const char *network;      /* NULL: the engine's default one */
        const char *host_gateway; /* what host.docker.internal is; NULL: nothing */
        bool limit_files;         /* by the engine, where it can */
        bool selinux;             /* the host confines containers by labels: not this one */
        bool writable_root, keep_capabilities;
        bool by_archive; /* everything comes so, into volumes: nothing is bound */
        const char *init_path, *link_dir, *task_dir, *opt_dir; /* host paths; NULL: none */
        bool runtime_is_task;                                  /* the code is /var/runtime as well */
        bool low_ports; /* it may listen below 1024; its network must be its own */
};

/* 0 or -E2BIG. */
int shape_write(const struct shape *s, struct buf *json);
