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

static bool read_layers(const json_t *doc, struct version_config *c) {
        const json_t *layers = json_tree_get(doc, "layers");

        if (json_array_size(layers) > FUNCTION_LAYERS_MAX)
                return false;
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
        if (read_digest(doc, "code_sha256", c->code_sha256) && read_vars(doc, c) && read_layers(doc, c) &&
            read_image(doc, c))
                return 0;
        version_config_clear(c);
        return -EINVAL;
}

static char *copy_text(const char *s) {
        return s ? xstrdup(s) : NULL;
}

void text_list_set(struct text_list *list, const char *const *items, size_t count) {
        struct text_list fresh = { .items = count ? xcalloc(count, sizeof(*fresh.items)) : NULL,
                                   .count = count };

        for (size_t i = 0; i < count; i++)
                fresh.items[i] = xstrdup(items[i]);
        for (size_t i = 0; i < list->count; i++)
                free(list->items[i]);
        free(list->items);
        *list = fresh;
}

static void copy_list(struct text_list *list, const struct text_list *from) {
        *list = (struct text_list){};
        text_list_set(list, (const char *const *)from->items, from->count);
}

void version_config_copy(const struct version_config *from, struct version_config *ret_config) {
        struct version_config *c = ret_config;

        *c = *from; /* numbers and digests; all pointers are replaced below */
        c->runtime = copy_text(from->runtime);
        c->handler = copy_text(from->handler);
        c->role = copy_text(from->role);
        c->description = copy_text(from->description);
        c->vars = from->has_vars ? xcalloc(from->var_count + 1, sizeof(*c->vars)) : NULL;
        for (size_t i = 0; i < from->var_count; i++)
                c->vars[i] = (struct name_value){ xstrdup(from->vars[i].name), xstrdup(from->vars[i].value) };
        for (size_t i = 0; i < from->layer_count; i++)
                c->layers[i].arn = xstrdup(from->layers[i].arn);
        c->architecture = copy_text(from->architecture);
        c->package_type = copy_text(from->package_type);
        c->tracing_mode = copy_text(from->tracing_mode);
        c->snap_start_apply_on = copy_text(from->snap_start_apply_on);
        c->log_format = copy_text(from->log_format);
        c->log_group = copy_text(from->log_group);
        c->log_level = copy_text(from->log_level);
        c->system_log_level = copy_text(from->system_log_level);
        c->kms_key_arn = copy_text(from->kms_key_arn);
        c->vpc_json = copy_text(from->vpc_json);
        c->dead_letter_json = copy_text(from->dead_letter_json);
        c->file_systems_json = copy_text(from->file_systems_json);
        c->image_uri = copy_text(from->image_uri);
        copy_list(&c->entry_point, &from->entry_point);
        copy_list(&c->command, &from->command);
        c->working_directory = copy_text(from->working_directory);
        c->kind_json = copy_text(from->kind_json);
}

void version_config_clear(struct version_config *c) {
        char *const texts[] = {
                c->runtime,
                c->handler,
                c->role,
                c->description,
                c->architecture,
                c->package_type,
                c->tracing_mode,
                c->snap_start_apply_on,
                c->log_format,
                c->log_group,
                c->log_level,
                c->system_log_level,
                c->kms_key_arn,
                c->vpc_json,
                c->dead_letter_json,
                c->file_systems_json,
                c->image_uri,
                c->working_directory,
                c->kind_json,
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                free(texts[i]);
        for (size_t i = 0; i < c->var_count; i++) {
                free(c->vars[i].name);
                free(c->vars[i].value);
        }
        free(c->vars);
        for (size_t i = 0; i < c->layer_count; i++)
                free(c->layers[i].arn);
        text_list_set(&c->entry_point, NULL, 0);
        text_list_set(&c->command, NULL, 0);
        *c = (struct version_config){};
}
