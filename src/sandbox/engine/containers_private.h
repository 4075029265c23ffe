/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the container driver share; nobody else includes it. */
#pragma once
#include "base/buf.h"
#include "base/random.h"
#include "loop/flow.h"
#include "sandbox/engine/attach.h"
#include "sandbox/engine/containers.h"
#include "sandbox/engine/detect.h"
#include "sandbox/engine/docker.h"
#include "sandbox/engine/events.h"
#include "sandbox/engine/guest.h"
#include "sandbox/engine/tags.h"

#define LABEL "dev.lambent."
#define CONTAINER_ID_LEN 64

/* Whether the engine sees our files, and sockets in them. */
enum sharing { SHARING_UNKNOWN, SHARING_ASKED, SHARING_NOTHING, SHARING_FILES, SHARING_SOCKETS };

struct containers {
        struct loop *loop;
        struct containers_options options; /* strings are ours */
        struct detect detect;
        struct list waits; /* of struct containers_wait */
        struct defer tell;
        char *problem; /* why there is no engine */
        struct containers_engine engine;
        bool found, by_broker;
        struct docker *docker;
        struct images *images;
        struct tags *tags;
        struct engine_events events;
        struct docker_call gateway_call, census_call;
        char *gateway; /* what host.docker.internal is; NULL: nothing */
        char *lease;
        char instance[HEX_ID_LEN + 1];
        bool same_kernel; /* the engine's containers run on our kernel */
        nsec_t census_began;
        enum sharing sharing;
        struct docker_call trial_call;
        struct list sharing_waits; /* of struct container, by wait_link */
        char *trial_file, *trial_name, *trial_id;
        struct list live;   /* of struct container */
        struct list spares; /* of struct container, the newest first */
        struct list wishes; /* of struct wish: what spares there should be, the newest first */
        struct timer refill;
        struct list creations; /* of struct creation, those that nobody waits for any more too */
        struct list removals;  /* of struct removal */
};

/* One POST /containers/create: it outlives a container that is given up meanwhile, to remove what comes of it. */
struct creation {
        struct containers *containers;
        struct container *container; /* NULL: nobody wants it any more */
        struct list link;
        struct docker_call call;
        char *name;
};

/* What is settled when a container is made, and so decides who can be served by it. */
struct container_kind {
        struct image *image;
        char *function, *version, *task_dir, *opt_dir; /* opt_dir NULL: no layers; task_dir NULL: an image */
        uint32_t memory_mb, tmp_mb;
        bool runtime_is_task, low_ports;
};
void container_kind_copy(const struct container_kind *from, struct container_kind *ret_kind);
void container_kind_clear(struct container_kind *kind);
bool container_kind_is(const struct container_kind *a, const struct container_kind *b);

struct container {
        struct containers *containers;
        struct environment *environment; /* NULL: a spare, or… */
        struct guest *guest;             /* …a guest's; NULL: our init runs in it */
        struct list link, wait_link;
        struct flow flow;
        struct container_kind kind;
        struct image_ask image_ask;
        struct creation *creation;
        struct docker_call attach_call, start_call, put_call;
        struct attach attach;
        struct archives *archives; /* being written, or put */
        size_t archive_at;
        struct buf last_words; /* what init said on standard error */
        struct buf early;      /* its greeting, before the engine has said that it runs */
        struct source listener;
        int listen_fd;
        int link_fd;            /* of a spare, until somebody wants it; -1 */
        struct list spare_link; /* on containers->spares, without an environment */
        struct timer rest;      /* of a spare: nobody has wanted it for long */
        char *link_dir;
        char environment_id[HEX_ID_LEN + 1];
        char *id;      /* the engine's; NULL: there is no container yet */
        char *problem; /* of the cold start: what went wrong */
        nsec_t born;   /* when the engine had made it */
        bool fetched_again, linked, attached, streams_linked, out_of_memory, ended, begun, opened, seen;
        int exit_code;        /* of the container, once it has ended; -1: not known */
        enum sharing sharing; /* as it is for this one */
};

/* containers.c */
void PRINTF_LIKE(2, 3) containers_note(struct containers *c, const char *format, ...);
/* True when it is known; else the container is called when it is. */
bool containers_know_sharing(struct containers *c, struct container *container);
char *containers_init_path(const struct containers *c, const struct image *image);

/* container.c */
void container_on_sharing(struct container *container, enum sharing sharing);
/* What became of its creation: container->id is set, or r and why not. */
void container_on_created(struct container *container, int r, const char *problem);
/* Its init has come to the door. */
void container_on_link(struct container *container, int fd);
/* Of what init says on standard error, the end. */
void container_keep_words(struct container *container, const char *data, size_t len);
/* What the engine's events say of it. */
void container_on_event(struct container *container, enum engine_event_kind event, int exit_code);
/* It is not among those that the engine has. */
void container_on_missing(struct container *container);
void container_free(struct container *container); /* gives the engine's container to be removed */

/* streams.c */
void container_on_stream(struct docker_call *call, const char *data, size_t len);
void container_on_stream_end(struct docker_call *call, int r);
void container_link_streams(struct container *container);

/* door.c: the unix socket in a folder that is bound into the container. */
int door_open(struct container *container);
void door_close(struct container *container); /* legal when it is not open */

/* archives.c: code and init as archives, for engines that do not share our files. */
/* Has them written by the worker; on_written comes from the loop. */
void archives_begin(struct container *container, void (*on_written)(struct container *container, int r));
/* The next to put: where to, and its bytes. False: there is no more. */
bool archives_next(struct container *container, const char **ret_target, const void **ret_bytes,
                   size_t *ret_len);
void archives_free(struct container *container); /* legal without any */

/* container.c */
void container_complain(struct container *container,
                        const char *problem); /* of the cold start; the first one counts */
struct container *container_new(struct containers *c, const struct container_kind *kind, const char *id);
void container_begin(struct container *container); /* the cold start */

/* spare.c: containers that are started before somebody wants them. */
void spares_init(struct containers *c);
void spares_close(struct containers *c);
/* One of this kind that is ready, or about to be; NULL. It is no spare any more. */
struct container *spare_take(struct containers *c, const struct container_kind *kind);
/* There should be one more of this kind, soon. */
void spare_wish(struct containers *c, const struct container_kind *kind);
/* A start has ended: there may be quiet now. */
void spares_consider(struct containers *c);
void spare_has_failed(struct container *container); /* frees it */

/* guest.c: what is different without our init. */
struct guest {
        struct container *container;
        const struct guest_ops *ops;
        void *owner;
        char **argv, **vars, *working_dir;
        uint16_t port;
        char *addresses[2];
        struct docker_call inspect_call, kill_call;
        int oom_kills_fd; /* oom_kills.h; negative: nobody can know */
};
struct shape;
void guest_shape(const struct container *container, struct shape *shape);
int guest_find_port(struct flow *flow); /* a step of the cold start */
void guest_stop_finding(struct flow *flow);
void guest_clear(struct container *container); /* legal on another's */

/* creation.c */
void creation_begin(struct container *container, const char *json);
void creation_disown(struct creation *creation);
void creations_cancel(struct containers *c);

/* removal.c */
/* Has a container removed, whatever it takes; id is copied. */
void removal_add(struct containers *c, const char *id);
void removals_cancel(struct containers *c);

/* census.c: containers that the engine has, and that are nobody's. */
void census_begin(struct containers *c);
