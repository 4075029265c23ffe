/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tag is looked at before anything is done about it: what the engine says decides, together with whether the tag is
 * wanted. Each line of the file is "NAME ID[,ID] ADDRESS": the images it may mean through us, and where that was. Another
 * address may well lead to the same engine: what is not found there is kept for the one that was written down.
 */
#include "sandbox/engine/tags.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "oci/name.h"
#include "sandbox/engine/docker.h"

#define FILE_MAX MIB
#define PATIENCE (30 * SECOND)

struct tags {
        struct tags_options options;
        struct list all; /* of struct tag */
};

struct tag {
        struct tags *tags;
        struct list link;
        struct docker_call call;
        char *name;
        char *address;         /* of the engine that we had it from; NULL: this one's */
        char *ours;            /* the image that we had it mean; NULL: none yet */
        char *was;             /* and before that, while it moves */
        char *wanted, *sha256; /* the image that it is to mean; NULL: it is to go */
        bool changed;          /* what is wanted has, since the call under way began */
        bool refused;          /* the engine did not give it */
};

static void note(const struct tag *tag, const char *what) {
        AUTO(str) char *text = NULL;

        if (!tag->tags->options.note)
                return;
        text = xasprintf("image=%s %s: %s", tag->name, what, tag->call.problem ?: "");
        tag->tags->options.note(tag->tags->options.owner, text);
}

/* ---- the file ---- */

static int write_file(const char *path, const struct buf *text) {
        AUTO(str) char *unfinished = xasprintf("%s.new", path);
        int fd = open(unfinished, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, buf_data(text), text->len) != (ssize_t)text->len)
                r = -EIO;
        fd_close(fd);
        if (!r && rename(unfinished, path) < 0)
                r = -errno;
        if (r)
                unlink(unfinished);
        return r;
}

static int save(struct tags *tags) {
        AUTO(buf) struct buf text = BUF_NULL(FILE_MAX);
        const char *address = docker_address(tags->options.docker);
        struct tag *tag;
        int r = 0;

        list_each(tag, &tags->all, link)
                if (tag->ours)
                        r = r
                                    ?: buf_printf(&text, "%s %s%s%s %s\n", tag->name, tag->ours,
                                                  tag->was ? "," : "", tag->was ?: "",
                                                  tag->address ?: address);
        if (!r && text.len)
                return write_file(tags->options.path, &text);
        if (!r)
                unlink(tags->options.path);
        return r;
}

/* ---- one tag ---- */

static void tag_free(struct tag *tag) {
        list_unlink(&tag->link);
        docker_call_clear(&tag->call);
        free(tag->name);
        free(tag->address);
        free(tag->ours);
        free(tag->was);
        free(tag->wanted);
        free(tag->sha256);
        free(tag);
}

/* It is none of ours, or no more. */
static void drop(struct tag *tag) {
        struct tags *tags = tag->tags;
        bool listed = tag->ours != NULL;

        tag_free(tag);
        if (listed)
                save(tags);
}

static void look(struct tag *tag);

static bool is_ours(const struct tag *tag, const char *id) {
        return (tag->ours && streq(tag->ours, id)) || (tag->was && streq(tag->was, id));
}

static void begin(struct tag *tag, enum http_method method, const char *target,
                  void (*done)(struct docker_call *call, int r)) {
        tag->changed = false;
        docker_begin(tag->tags->options.docker, &tag->call,
                     &(struct docker_request){
                             .method = method, .target = target, .patience = PATIENCE, .done = done });
}

static void on_taken(struct docker_call *call, int r) {
        struct tag *tag = container_of(call, struct tag, call);

        if (r && r != -ENOENT)
                note(tag, "keeps its name"); /* the file has it: until the next start */
        if (tag->changed)
                look(tag);
        else if (!r || r == -ENOENT)
                drop(tag);
}

static void take(struct tag *tag) {
        AUTO(buf) struct buf target = BUF_NULL(8 * KIB);

        must(buf_append_str(&target, "/images/") == 0);
        docker_escape(&target, tag->name);
        must(buf_append(&target, "", 1) == 0);
        begin(tag, HTTP_DELETE_, buf_data(&target), on_taken);
}

static void on_given(struct docker_call *call, int r) {
        struct tag *tag = container_of(call, struct tag, call);

        if (r)
                note(tag, "is not called so");
        /* Whether an answer that never came has had its effect the next look tells. */
        tag->refused = r && call->status;
        if (!r)
                free(TAKE(tag->was));
        if (tag->changed || tag->refused)
                look(tag);
        else
                save(tag->tags);
}

static void give(struct tag *tag) {
        AUTO(buf) struct buf target = BUF_NULL(8 * KIB);
        AUTO(image_name) struct image_name name;

        if (image_name_parse(tag->name, &name)) {
                drop(tag);
                return;
        }
        free(tag->was);
        tag->was = tag->ours;
        tag->ours = xstrdup(tag->wanted);
        free(TAKE(tag->address));
        if (save(tag->tags)) {
                note(tag, "is not called so, for that could not be written down");
                drop(tag);
        } else {
                AUTO(str) char *repository = image_name_repository(&name);

                must(buf_append_str(&target, "/images/") == 0);
                docker_escape(&target, tag->wanted);
                must(buf_append_str(&target, "/tag?repo=") == 0);
                docker_escape(&target, repository);
                must(buf_append_str(&target, "&tag=") == 0);
                docker_escape(&target, name.tag ?: "latest");
                must(buf_append(&target, "", 1) == 0);
                begin(tag, HTTP_POST_, buf_data(&target), on_given);
        }
}

/* What the engine has under this name: an id, or NULL for nothing. */
static void decide(struct tag *tag, const char *id) {
        bool ours = id && is_ours(tag, id);
        bool is_over = id ? !ours : !tag->wanted || tag->refused;

        if (!ours && !tag->wanted && tag->address)
                return; /* it is not here */
        if (is_over)
                drop(tag);
        else if (!tag->wanted)
                take(tag);
        else if (id && streq(id, tag->wanted))
                save(tag->tags);
        else if (!tag->refused)
                give(tag);
}

static void on_looked(struct docker_call *call, int r) {
        struct tag *tag = container_of(call, struct tag, call);
        json_t *tree = r ? NULL : docker_answer(call);
        const char *id = json_tree_str(tree, "Id");
        /* Podman leaves the algorithm out in some answers. */
        AUTO(str) char *whole = !id                         ? NULL
                                : str_starts(id, "sha256:") ? xstrdup(id)
                                                            : xasprintf("sha256:%s", id);

        json_decref(tree);
        if (whole || r == -ENOENT) {
                decide(tag, whole);
                return;
        }
        note(tag, "is not known");
        if (!tag->ours)
                drop(tag);
}

static void look(struct tag *tag) {
        AUTO(buf) struct buf target = BUF_NULL(8 * KIB);

        must(buf_append_str(&target, "/images/") == 0);
        docker_escape(&target, tag->name);
        must(buf_append(&target, "/json", sizeof("/json")) == 0);
        begin(tag, HTTP_GET_, buf_data(&target), on_looked);
}

static struct tag *tag_new(struct tags *tags, const char *name) {
        struct tag *tag = xcalloc(1, sizeof(*tag));

        tag->tags = tags;
        tag->name = xstrdup(name);
        list_push_back(&tags->all, &tag->link);
        return tag;
}

static void want(struct tag *tag, const char *image_id, const char *sha256) {
        free(tag->wanted);
        free(tag->sha256);
        tag->wanted = image_id ? xstrdup(image_id) : NULL;
        tag->sha256 = sha256 ? xstrdup(sha256) : NULL;
        tag->changed = true;
        tag->refused = false;
        if (!docker_is_under_way(&tag->call))
                look(tag);
}

/* ---- all of them ---- */

void tags_add(struct tags *tags, const char *name, const char *image_id, const char *sha256) {
        struct tag *tag, *found = NULL;

        if (strlen(name) > IMAGE_NAME_MAX)
                return;
        list_each(tag, &tags->all, link)
                if (streq(tag->name, name))
                        found = tag;
        if (!found || !found->wanted || !streq(found->wanted, image_id) || !streq(found->sha256, sha256))
                want(found ?: tag_new(tags, name), image_id, sha256);
}

void tags_forget(struct tags *tags, const char *sha256) {
        struct tag *tag;

        list_each(tag, &tags->all, link)
                if (tag->wanted && streq(tag->sha256, sha256))
                        want(tag, NULL, NULL);
}

void tags_forget_all(struct tags *tags) {
        struct tag *tag;

        list_each(tag, &tags->all, link)
                if (tag->wanted)
                        want(tag, NULL, NULL);
}

bool tags_are_quiet(const struct tags *tags) {
        struct tag *tag;

        list_each(tag, &tags->all, link)
                if (docker_is_under_way(&tag->call))
                        return false;
        return true;
}

/* "NAME ID[,ID] ADDRESS" */
static void take_line(struct tags *tags, char *line) {
        char *rest = NULL, *name = strtok_r(line, " ", &rest), *ids = strtok_r(NULL, " ", &rest);
        char *was = ids ? strchr(ids, ',') : NULL;
        struct tag *tag;

        if (!name || !ids || !rest || !*rest)
                return;
        if (was)
                *was++ = 0;
        tag = tag_new(tags, name);
        tag->ours = xstrdup(ids);
        tag->address = streq(rest, docker_address(tags->options.docker)) ? NULL : xstrdup(rest);
        tag->was = was ? xstrdup(was) : NULL;
}

static void load(struct tags *tags) {
        AUTO(fd) int fd = open(tags->options.path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        AUTO(str) char *text = NULL;
        char *rest = NULL;
        struct tag *tag;
        ssize_t n;

        if (fd < 0)
                return;
        text = xcalloc(1, FILE_MAX + 1);
        n = read(fd, text, FILE_MAX);
        for (char *line = n > 0 ? strtok_r(text, "\n", &rest) : NULL; line;
             line = strtok_r(NULL, "\n", &rest))
                take_line(tags, line);
        list_each(tag, &tags->all, link)
                look(tag);
}

struct tags *tags_new(const struct tags_options *options) {
        struct tags *tags = xcalloc(1, sizeof(*tags));

        tags->options = *options;
        tags->options.path = xstrdup(options->path);
        list_init(&tags->all);
        load(tags);
        return tags;
}

void tags_free(struct tags *tags) {
        struct tag *tag;

        if (!tags)
                return;
        while ((tag = list_first(&tags->all, struct tag, link)))
                tag_free(tag);
        free((char *)tags->options.path);
        free(tags);
}
