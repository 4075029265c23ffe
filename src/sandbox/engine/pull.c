/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/pull.h"

#include <strings.h>

#include "lib/json.h"

#define LINE_MAX_BYTES (64 * KIB)

void pull_init(struct pull *p) {
        *p = (struct pull){ .line = BUF_NULL(LINE_MAX_BYTES) };
}

void pull_deinit(struct pull *p) {
        buf_deinit(&p->line);
        free(p->layers);
        free(p->error);
        *p = (struct pull){};
}

static struct pull_layer *layer_of(struct pull *p, const char *id) {
        char name[sizeof(p->layers->id)];

        str_fit(name, sizeof(name), id);
        for (size_t i = 0; i < p->layer_count; ++i)
                if (streq(p->layers[i].id, name))
                        return &p->layers[i];
        if (p->layer_count == PULL_LAYERS_MAX)
                return NULL;
        if (!p->layers)
                p->layers = xcalloc(PULL_LAYERS_MAX, sizeof(*p->layers));
        memcpy(p->layers[p->layer_count].id, name, sizeof(name));
        return &p->layers[p->layer_count++];
}

/* Extracting counts the same bytes again: only the download moves. */
static void take_progress(struct pull *p, const json_t *line) {
        const char *status = json_tree_str(line, "status"), *id = json_tree_str(line, "id");
        const json_t *detail = json_tree_get(line, "progressDetail");
        struct pull_layer *layer = status && id ? layer_of(p, id) : NULL;
        int64_t current = json_tree_int(detail, "current", -1), total = json_tree_int(detail, "total", -1);

        if (!layer)
                return;
        if (streq(status, "Downloading") && current >= 0 && total >= current) {
                layer->current = (uint64_t)current;
                layer->total = (uint64_t)total;
        } else if (streq(status, "Download complete") || streq(status, "Pull complete")) {
                layer->current = layer->total;
        }
}

static void take_line(struct pull *p, const char *text, size_t len) {
        const char *error;
        json_t *line;

        if (json_tree_parse(text, len, &line, NULL))
                return;
        error = json_tree_str(json_tree_get(line, "errorDetail"), "message") ?: json_tree_str(line, "error");
        if (error && !p->error)
                p->error = xstrndup(error, strcspn(error, "\r\n"));
        else
                take_progress(p, line);
        json_decref(line);
}

void pull_feed(struct pull *p, const char *data, size_t len) {
        while (len) {
                const char *end = memchr(data, '\n', len);
                size_t some = end ? (size_t)(end - data) : len;

                /* A line that is too long is none of those that matter. */
                if (buf_append(&p->line, data, some))
                        buf_clear(&p->line);
                if (end) {
                        take_line(p, buf_data(&p->line), p->line.len);
                        buf_clear(&p->line);
                        ++some;
                }
                data += some;
                len -= some;
        }
}

void pull_progress(const struct pull *p, uint64_t *ret_current, uint64_t *ret_total) {
        *ret_current = *ret_total = 0;
        for (size_t i = 0; i < p->layer_count; ++i) {
                *ret_current += p->layers[i].current;
                *ret_total += p->layers[i].total;
        }
}

int pull_judge(const char *error) {
        static const struct {
                const char *words;
                int r;
        } known[] = {
                { "no space left on device", -ENOSPC },
                { "no matching manifest", -EINVAL },
                { "does not match the specified platform", -EINVAL },
                { "no image found in manifest list", -EINVAL },
                { "unauthorized", -EACCES },
                { "authentication required", -EACCES },
                { "no basic auth credentials", -EACCES },
                { "access denied", -EACCES },
                { "denied:", -EACCES },
                { "toomanyrequests", -EAGAIN },
                { "not found", -ENOENT },
                { "manifest unknown", -ENOENT },
                { "name unknown", -ENOENT },
                { "repository does not exist", -ENOENT },
                { "invalid reference", -ENOENT },
                { "no such host", -EHOSTUNREACH },
                { "connection refused", -EHOSTUNREACH },
        };

        for (size_t i = 0; i < ARRAY_SIZE(known); ++i)
                if (strcasestr(error, known[i].words))
                        return known[i].r;
        return -EAGAIN;
}
