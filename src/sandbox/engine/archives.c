/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container needs of ours, as tar files: init, the code, the layers. The worker writes them into a file
 * without a name, which is mapped while the engine reads it, so that a package of 250 MB costs no memory of ours.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "archive/tar.h"
#include "sandbox/engine/containers_private.h"
#include "sandbox/engine/shape.h"

#define ARCHIVES_MOST 4

struct archive {
        const char *target; /* "/containers/ID/archive?path=…" ends so */
        char *source;       /* a folder, or init itself */
        void *bytes;
        size_t len;
};

struct archives {
        struct job job;
        struct container *container; /* NULL: nobody waits any more */
        void (*on_written)(struct container *container, int r);
        struct archive list[ARCHIVES_MOST];
        size_t count;
        char *scratch; /* the folder for the nameless files */
        bool working;
        int result;
};

static void unmap(struct archives *a) {
        for (size_t i = 0; i < a->count; ++i) {
                if (a->list[i].bytes)
                        munmap(a->list[i].bytes, a->list[i].len);
                free(a->list[i].source);
        }
        free(a->scratch);
        free(a);
}

static int map(int fd, struct archive *archive) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;
        archive->len = (size_t)st.st_size;
        archive->bytes = mmap(NULL, archive->len, PROT_READ, MAP_PRIVATE, fd, 0);
        if (archive->bytes == MAP_FAILED) {
                archive->bytes = NULL;
                return -errno;
        }
        return 0;
}

static int write_one(const char *scratch, struct archive *archive, bool is_init) {
        int fd = open(scratch, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), r;

        if (fd < 0)
                return -errno;
        r = is_init ? tar_write_file(fd, archive->source, "init", 0755)
                    : tar_write_folder(fd, archive->source, "");
        r = r ?: tar_write_end(fd);
        r = r ?: map(fd, archive);
        fd_close(fd);
        return r;
}

static void run(struct job *job) {
        struct archives *a = container_of(job, struct archives, job);

        for (size_t i = 0; i < a->count && !a->result; ++i)
                a->result = write_one(a->scratch, &a->list[i], streq(a->list[i].target, "/lambent"));
}

static void done(struct job *job) {
        struct archives *a = container_of(job, struct archives, job);

        a->working = false;
        a->on_written(a->container, a->result);
}

static void discard(struct job *job) {
        unmap(container_of(job, struct archives, job));
}

static void add(struct archives *a, const char *target, const char *source) {
        if (source)
                a->list[a->count++] = (struct archive){ .target = target, .source = xstrdup(source) };
}

void archives_begin(struct container *c, void (*on_written)(struct container *container, int r)) {
        AUTO(str) char *init = containers_init_path(c->containers, c->kind.image);
        struct archives *a = xcalloc(1, sizeof(*a));

        a->job = (struct job){ .run = run, .done = done, .discard = discard };
        a->container = c;
        a->on_written = on_written;
        a->scratch = xstrdup(c->containers->options.state_dir);
        add(a, "/lambent", c->guest ? NULL : init);
        add(a, "/var/task", c->kind.task_dir);
        add(a, "/var/runtime", c->kind.runtime_is_task ? c->kind.task_dir : NULL);
        add(a, "/opt", c->kind.opt_dir);
        a->working = true;
        c->archives = a;
        c->archive_at = 0;
        job_submit(c->containers->loop, &a->job);
}

bool archives_next(struct container *c, const char **ret_target, const void **ret_bytes, size_t *ret_len) {
        const struct archive *archive;

        if (c->archive_at == c->archives->count)
                return false;
        archive = &c->archives->list[c->archive_at++];
        *ret_target = archive->target;
        *ret_bytes = archive->bytes;
        *ret_len = archive->len;
        return true;
}

void archives_free(struct container *c) {
        struct archives *a = TAKE(c->archives);

        if (a && a->working)
                job_disown(&a->job);
        else if (a)
                unmap(a);
}
