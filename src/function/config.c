/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config - a version's configuration as the document that the store keeps
 *
 * Members that are absent are left out, so that a member added later needs no migration: an old document
 * reads as "not configured". Order and form are fixed, because documents are compared (registry.c,
 * fingerprints).
 */
#include "base/json.h"
#include "function/function.h"
#include "lib/json.h"

#include <stddef.h>

/* Every text of a configuration: what concerns them all is a loop. */
static const size_t texts[] = {
        offsetof(struct version_config, runtime),
        offsetof(struct version_config, handler),
        offsetof(struct version_config, role),
        offsetof(struct version_config, description),
        offsetof(struct version_config, architecture),
        offsetof(struct version_config, package_type),
        offsetof(struct version_config, tracing_mode),
        offsetof(struct version_config, snap_start_apply_on),
        offsetof(struct version_config, log_format),
        offsetof(struct version_config, log_group),
        offsetof(struct version_config, log_level),
        offsetof(struct version_config, system_log_level),
        offsetof(struct version_config, kms_key_arn),
        offsetof(struct version_config, vpc_json),
        offsetof(struct version_config, dead_letter_json),
        offsetof(struct version_config, file_systems_json),
        offsetof(struct version_config, image_uri),
        offsetof(struct version_config, working_directory),
        offsetof(struct version_config, kind_json),
        offsetof(struct version_config, s3_object_json),
};

static void each_text(struct version_config *c, void (*visit)(void *context, char **text), void *context) {
        const struct text_list *lists[] = { &c->entry_point, &c->command };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                visit(context, (char **)((char *)c + texts[i]));
        for (size_t i = 0; i < c->var_count; i++) {
                visit(context, &c->vars[i].name);
                visit(context, &c->vars[i].value);
        }
        for (size_t i = 0; i < c->layer_count; i++)
                visit(context, &c->layers[i].arn);
        for (size_t list = 0; list < ARRAY_SIZE(lists); list++)
                for (size_t i = 0; i < lists[list]->count; i++)
                        visit(context, &lists[list]->items[i]);
}

static void *copy_of(const void *from, size_t count, size_t size) {
        return count ? memcpy(xcalloc(count, size), from, count * size) : NULL;
}

static void write_optional(struct json_writer *w, const char *name, const char *value) {
        if (value)
                json_str(w, name, value);
}

static void write_raw(struct json_writer *w, const char *name, const char *json) {
        if (json)
                json_raw(w, name, json, strlen(json));
}

static void write_vars(struct json_writer *w, const struct version_config *c) {
        if (!c->has_vars)
                return;
        /* Pairs, not an object: the order is the client's. */
        json_open_array(w, "vars");
        for (size_t i = 0; i < c->var_count; i++) {
                json_str(w, NULL, c->vars[i].name);
                json_str(w, NULL, c->vars[i].value);
        }
        json_close_array(w);
}

static void write_layers(struct json_writer *w, const struct version_config *c) {
        if (c->layer_count == 0)
                return;
        json_open_array(w, "layers");
        for (size_t i = 0; i < c->layer_count; i++) {
                json_open_object(w, NULL);
                json_str(w, "arn", c->layers[i].arn);
                json_uint(w, "size", c->layers[i].code_size);
                json_uint(w, "unzipped", c->layers[i].unzipped);
                json_str(w, "sha256", c->layers[i].sha256);
                json_close_object(w);
        }
        json_close_array(w);
}

static void write_list(struct json_writer *w, const char *name, const struct text_list *list) {
        if (list->count == 0)
                return;
        json_open_array(w, name);
        for (size_t i = 0; i < list->count; i++)
                json_str(w, NULL, list->items[i]);
        json_close_array(w);
}

static void write_image(struct json_writer *w, const struct version_config *c) {
        if (!c->image_uri)
                return;
        json_open_object(w, "image");
        json_str(w, "uri", c->image_uri);
        write_list(w, "entry_point", &c->entry_point);
        write_list(w, "command", &c->command);
        write_optional(w, "working_directory", c->working_directory);
        json_close_object(w);
}

int version_config_write(const struct version_config *c, struct buf *buf) {
        struct json_writer w = JSON_WRITER(buf);

        json_open_object(&w, NULL);
        write_optional(&w, "runtime", c->runtime);
        write_optional(&w, "handler", c->handler);
        write_optional(&w, "role", c->role);
        write_optional(&w, "description", c->description);
        json_uint(&w, "timeout_s", c->timeout_s);
        json_uint(&w, "memory_mb", c->memory_mb);
        json_uint(&w, "tmp_mb", c->tmp_mb);
        write_vars(&w, c);
        write_layers(&w, c);
        write_optional(&w, "architecture", c->architecture);
        write_optional(&w, "package_type", c->package_type);
        write_optional(&w, "tracing_mode", c->tracing_mode);
        write_optional(&w, "snap_start", c->snap_start_apply_on);
        write_optional(&w, "log_format", c->log_format);
        write_optional(&w, "log_group", c->log_group);
        write_optional(&w, "log_level", c->log_level);
        write_optional(&w, "system_log_level", c->system_log_level);
        write_optional(&w, "kms_key_arn", c->kms_key_arn);
        write_raw(&w, "vpc", c->vpc_json);
        write_raw(&w, "dead_letter", c->dead_letter_json);
        write_raw(&w, "file_systems", c->file_systems_json);
        write_image(&w, c);
        write_raw(&w, "kind", c->kind_json);
        json_str(&w, "code_sha256", c->code_sha256);
        json_uint(&w, "code_size", c->code_size);
        json_uint(&w, "code_unzipped", c->code_unzipped);
        write_raw(&w, "s3_object", c->s3_object_json);
        json_close_object(&w);
        return json_writer_end(&w);
}

static char *read_text(const json_t *doc, const char *name) {
        const char *text = json_tree_str(doc, name);

        return text ? xstrdup(text) : NULL;
}

static char *read_raw(const json_t *doc, const char *name) {
        const json_t *value = json_tree_get(doc, name);

        return value ? json_tree_text(value) : NULL;
}

static bool read_digest(const json_t *doc, const char *name, char *ret_sha256) {
        const char *text = json_tree_str(doc, name);

        if (!text || strlen(text) != SHA256_HEX_LEN)
                return false;
        memcpy(ret_sha256, text, SHA256_HEX_LEN + 1);
        return true;
}

static bool read_vars(const json_t *doc, struct version_config *c) {
        const json_t *pairs = json_tree_get(doc, "vars");
        size_t count = json_array_size(pairs) / 2;

        if (!pairs)
                return true;
        c->has_vars = true;
        c->vars = xcalloc(count + 1, sizeof(*c->vars));
        for (; c->var_count < count; c->var_count++) {
                const char *name = json_string_value(json_array_get(pairs, 2 * c->var_count));
                const char *value = json_string_value(json_array_get(pairs, 2 * c->var_count + 1));

                if (!name || !value)
                        return false;
                c->vars[c->var_count] = (struct name_value){ xstrdup(name), xstrdup(value) };
        }
        return true;
}

void version_config_set_layers(struct version_config *c, const struct layer_ref *layers_consume,
                               size_t count) {
        for (size_t i = 0; i < c->layer_count; i++)
                free(c->layers[i].arn);
        free(c->layers);
        c->layers = copy_of(layers_consume, count, sizeof(*layers_consume));
        c->layer_count = count;
}

static bool read_layers(const json_t *doc, struct version_config *c) {
        const json_t *layers = json_tree_get(doc, "layers");

        if (json_array_size(layers) > FUNCTION_LAYERS_MAX)
                return false;
        if (json_array_size(layers))
                c->layers = xcalloc(json_array_size(layers), sizeof(*c->layers));
        for (size_t i = 0; i < json_array_size(layers); i++) {
                const json_t *layer = json_array_get(layers, i);
                struct layer_ref *ref = &c->layers[c->layer_count];

                ref->arn = read_text(layer, "arn");
                ref->code_size = (uint64_t)json_tree_int(layer, "size", 0);
                ref->unzipped = (uint64_t)json_tree_int(layer, "unzipped", 0);
                c->layer_count++;
                if (!ref->arn || !read_digest(layer, "sha256", ref->sha256))
                        return false;
        }
        return true;
}

static bool read_list(const json_t *doc, const char *name, struct text_list *list) {
        const json_t *items = json_tree_get(doc, name);
        size_t count = json_array_size(items);

        if (count == 0)
                return true;
        list->items = xcalloc(count, sizeof(*list->items));
        for (; list->count < count; list->count++) {
                const char *item = json_string_value(json_array_get(items, list->count));

                if (!item)
                        return false;
                list->items[list->count] = xstrdup(item);
        }
        return true;
}

static bool read_image(const json_t *doc, struct version_config *c) {
        const json_t *image = json_tree_get(doc, "image");

        if (!image)
                return true;
        c->image_uri = read_text(image, "uri");
        c->working_directory = read_text(image, "working_directory");
        return c->image_uri && read_list(image, "entry_point", &c->entry_point) &&
               read_list(image, "command", &c->command);
}

void version_config_set_kind(struct version_config *c, const struct json_t *kind) {
        free(c->kind_json);
        c->kind_json = json_object_size(kind) ? json_tree_text(kind) : NULL;
        c->per_tenant = json_tree_get(kind, "TenancyConfig") != NULL;
        c->durable = json_tree_get(kind, "DurableConfig") != NULL;
        c->on_instances = json_tree_get(kind, "CapacityProviderConfig") != NULL;
}

int version_config_read(const char *text, size_t len, struct version_config *ret_config) {
        AUTO(json_tree) json_t *doc = NULL;
        struct version_config *c = ret_config;
        int r;

        *c = (struct version_config){};
        r = json_tree_parse(text, len, &doc, NULL);
        if (r)
                return r;
        c->runtime = read_text(doc, "runtime");
        c->handler = read_text(doc, "handler");
        c->role = read_text(doc, "role");
        c->description = read_text(doc, "description");
        c->timeout_s = (uint32_t)json_tree_int(doc, "timeout_s", 3);
        c->memory_mb = (uint32_t)json_tree_int(doc, "memory_mb", 128);
        c->tmp_mb = (uint32_t)json_tree_int(doc, "tmp_mb", 512);
        c->architecture = read_text(doc, "architecture");
        c->package_type = read_text(doc, "package_type");
        c->tracing_mode = read_text(doc, "tracing_mode");
        c->snap_start_apply_on = read_text(doc, "snap_start");
        c->log_format = read_text(doc, "log_format");
        c->log_group = read_text(doc, "log_group");
        c->log_level = read_text(doc, "log_level");
        c->system_log_level = read_text(doc, "system_log_level");
        c->kms_key_arn = read_text(doc, "kms_key_arn");
        c->vpc_json = read_raw(doc, "vpc");
        c->dead_letter_json = read_raw(doc, "dead_letter");
        c->file_systems_json = read_raw(doc, "file_systems");
        version_config_set_kind(c, json_tree_get(doc, "kind"));
        c->code_size = (uint64_t)json_tree_int(doc, "code_size", 0);
        c->code_unzipped = (uint64_t)json_tree_int(doc, "code_unzipped", 0);
        c->s3_object_json = read_raw(doc, "s3_object");
        if (read_digest(doc, "code_sha256", c->code_sha256) && read_vars(doc, c) && read_layers(doc, c) &&
            read_image(doc, c))
                return 0;
        version_config_clear(c);
        return -EINVAL;
}

void text_list_set(struct text_list *list, const char *const *items, size_t count) {
        struct text_list fresh = { .items = copy_of(items, count, sizeof(*items)), .count = count };

        for (size_t i = 0; i < count; i++)
                fresh.items[i] = xstrdup(items[i]);
        for (size_t i = 0; i < list->count; i++)
                free(list->items[i]);
        free(list->items);
        *list = fresh;
}

/* ---- whole configurations ---- */

static void own_text(void *context, char **text) {
        if (*text)
                *text = xstrdup(*text);
}

void version_config_copy(const struct version_config *from, struct version_config *ret_config) {
        struct version_config c = *from;

        c.block = NULL;
        c.vars = copy_of(c.vars, c.var_count, sizeof(*c.vars));
        c.layers = copy_of(c.layers, c.layer_count, sizeof(*c.layers));
        c.entry_point.items = copy_of(c.entry_point.items, c.entry_point.count, sizeof(char *));
        c.command.items = copy_of(c.command.items, c.command.count, sizeof(char *));
        each_text(&c, own_text, NULL);
        *ret_config = c;
}

static void free_text(void *context, char **text) {
        free(*text);
}

void version_config_clear(struct version_config *c) {
        if (!c->block) {
                each_text(c, free_text, NULL);
                free(c->vars);
                free(c->layers);
                free(c->entry_point.items);
                free(c->command.items);
        }
        free(c->block);
        *c = (struct version_config){};
}

/* ---- in one block ---- */

static void measure_text(void *context, char **text) {
        if (*text)
                *(size_t *)context += strlen(*text) + 1;
}

static void *place(char **at, const void *from, size_t len) {
        char *to = *at;

        if (!len)
                return NULL;
        memcpy(to, from, len);
        *at += len;
        return to;
}

static void place_text(void *context, char **text) {
        if (*text)
                *text = place(context, *text, strlen(*text) + 1);
}

void version_config_pack(struct version_config *config_consume, struct version_config *ret_config) {
        struct version_config c = *config_consume;
        const size_t vars = c.var_count * sizeof(*c.vars), layers = c.layer_count * sizeof(*c.layers),
                     entry_point = c.entry_point.count * sizeof(char *),
                     command = c.command.count * sizeof(char *);
        size_t size = vars + layers + entry_point + command;
        char *at;

        each_text(&c, measure_text, &size);
        /* First what must be aligned. */
        at = c.block = xmalloc(size);
        c.vars = place(&at, c.vars, vars);
        c.layers = place(&at, c.layers, layers);
        c.entry_point.items = place(&at, c.entry_point.items, entry_point);
        c.command.items = place(&at, c.command.items, command);
        each_text(&c, place_text, &at);
        version_config_clear(config_consume);
        *ret_config = c;
}
