/* SPDX-License-Identifier: Apache-2.0 */
#include "api/view.h"

#include <stdio.h>
#include <time.h>

#include "api/runtimes.h"
#include "base/base64.h"
#include "lib/json.h"

static void write_time(nsec_t wall, const char *zone, char ret_text[static 32]) {
        time_t seconds = (time_t)(wall / SECOND);
        struct tm tm;
        size_t len;

        gmtime_r(&seconds, &tm);
        len = strftime(ret_text, 32, "%Y-%m-%dT%H:%M:%S", &tm);
        snprintf(ret_text + len, 32 - len, ".%03u%s", (unsigned)(wall / MILLISECOND % 1000), zone);
}

void view_time(nsec_t wall, char ret_text[static 32]) {
        write_time(wall, "+0000", ret_text);
}

void view_zulu(nsec_t wall, char ret_text[static 32]) {
        write_time(wall, "Z", ret_text);
}

double view_epoch(nsec_t wall) {
        nsec_t ms = wall / MILLISECOND;

        return (double)ms / 1000;
}

static unsigned char nibble(char c) {
        return (unsigned char)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void view_sha256(const char *hex, char ret_base64[static 48]) {
        unsigned char digest[SHA256_LEN];

        for (size_t i = 0; i < SHA256_LEN; i++)
                digest[i] = (unsigned char)(nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
        base64_encode(digest, sizeof(digest), ret_base64);
        ret_base64[base64_encoded_len(sizeof(digest))] = '\0';
}

void view_code_sha256(const struct version_config *c, char ret_text[static SHA256_HEX_LEN + 1]) {
        if (version_config_is_image(c))
                str_fit(ret_text, SHA256_HEX_LEN + 1, c->code_sha256);
        else
                view_sha256(c->code_sha256, ret_text);
}

static void write_optional(struct json_writer *w, const char *name, const char *value) {
        if (value)
                json_str(w, name, value);
}

static void write_raw(struct json_writer *w, const char *name, const char *json) {
        if (json)
                json_raw(w, name, json, strlen(json));
}

static void write_environment(struct json_writer *w, const struct version_config *c) {
        if (!c->has_vars)
                return;
        json_open_object(w, "Environment");
        json_open_object(w, "Variables");
        for (size_t i = 0; i < c->var_count; i++)
                json_str(w, c->vars[i].name, c->vars[i].value);
        json_close_object(w);
        json_close_object(w);
}

static void write_layers(struct json_writer *w, const struct version_config *c) {
        if (c->layer_count == 0)
                return;
        json_open_array(w, "Layers");
        for (size_t i = 0; i < c->layer_count; i++) {
                json_open_object(w, NULL);
                json_str(w, "Arn", c->layers[i].arn);
                json_uint(w, "CodeSize", c->layers[i].code_size);
                json_close_object(w);
        }
        json_close_array(w);
}

static void write_logging(struct json_writer *w, const struct version *v) {
        const struct version_config *c = &v->config;
        AUTO(str) char *group = c->log_group ? xstrdup(c->log_group) : xasprintf("/aws/lambda/%s", v->name);

        json_open_object(w, "LoggingConfig");
        json_str(w, "LogFormat", c->log_format);
        write_optional(w, "ApplicationLogLevel", c->log_level);
        write_optional(w, "SystemLogLevel", c->system_log_level);
        json_str(w, "LogGroup", group);
        json_close_object(w);
}

static void write_list(struct json_writer *w, const char *name, const struct text_list *list) {
        if (list->count == 0)
                return;
        json_open_array(w, name);
        for (size_t i = 0; i < list->count; i++)
                json_str(w, NULL, list->items[i]);
        json_close_array(w);
}

static void write_image_config(struct json_writer *w, const struct version_config *c) {
        if (c->entry_point.count == 0 && c->command.count == 0 && !c->working_directory)
                return;
        json_open_object(w, "ImageConfigResponse");
        json_open_object(w, "ImageConfig");
        write_list(w, "EntryPoint", &c->entry_point);
        write_list(w, "Command", &c->command);
        write_optional(w, "WorkingDirectory", c->working_directory);
        json_close_object(w);
        json_close_object(w);
}

static void write_member(struct json_writer *w, const char *name, const char *member, const char *value) {
        json_open_object(w, name);
        json_str(w, member, value);
        json_close_object(w);
}

static void write_kind(struct json_writer *w, const struct version_config *c) {
        AUTO(json_tree) json_t *kind = NULL;
        const char *member;
        json_t *value;

        if (!c->kind_json || json_tree_parse(c->kind_json, strlen(c->kind_json), &kind, NULL))
                return;
        json_object_foreach(kind, member, value) {
                AUTO(str) char *text = json_tree_text(value);

                write_raw(w, member, text);
        }
}

static void write_config(struct json_writer *w, const struct version *v) {
        const struct version_config *c = &v->config;
        char sha256[SHA256_HEX_LEN + 1];

        view_code_sha256(c, sha256);
        write_optional(w, "Runtime", c->runtime);
        json_str(w, "Role", c->role);
        write_optional(w, "Handler", c->handler);
        json_uint(w, "CodeSize", c->code_size);
        json_str(w, "CodeSha256", sha256);
        json_str(w, "Description", c->description);
        json_uint(w, "Timeout", c->timeout_s);
        json_uint(w, "MemorySize", c->memory_mb);
        write_environment(w, c);
        write_layers(w, c);
        write_raw(w, "VpcConfig", c->vpc_json);
        write_raw(w, "DeadLetterConfig", c->dead_letter_json);
        write_raw(w, "FileSystemConfigs", c->file_systems_json);
        write_optional(w, "KMSKeyArn", c->kms_key_arn);
        write_member(w, "TracingConfig", "Mode", c->tracing_mode);
        json_str(w, "PackageType", c->package_type);
        write_image_config(w, c);
        json_open_array(w, "Architectures");
        json_str(w, NULL, c->architecture);
        json_close_array(w);
        json_open_object(w, "EphemeralStorage");
        json_uint(w, "Size", c->tmp_mb);
        json_close_object(w);
        json_open_object(w, "SnapStart");
        json_str(w, "ApplyOn", c->snap_start_apply_on);
        json_str(w, "OptimizationStatus", "Off");
        json_close_object(w);
        write_logging(w, v);
        write_kind(w, c);
}

/* On instances only what is published runs. */
static bool is_dormant(const struct version *v) {
        return v->config.on_instances && version_is_latest(v) && v->status.state == STATE_ACTIVE;
}

/* The answer to CreateFunction has no LastUpdateStatus: there was no update yet. */
static void write_status(struct json_writer *w, const struct version *v) {
        const struct version_status *s = &v->status;

        json_str(w, "State", is_dormant(v) ? "ActiveNonInvocable" : function_state_name(s->state));
        write_optional(w, "StateReason", s->state_reason);
        write_optional(w, "StateReasonCode", s->state_reason_code);
        if (s->update != UPDATE_NONE) {
                json_str(w, "LastUpdateStatus", update_status_name(s->update));
                write_optional(w, "LastUpdateStatusReason", s->update_reason);
                write_optional(w, "LastUpdateStatusReasonCode", s->update_reason_code);
        }
        if (v->config.runtime) {
                AUTO(str) char *arn = runtime_version_arn(v->region, v->config.runtime);

                write_member(w, "RuntimeVersionConfig", "RuntimeVersionArn", arn);
        }
}

void view_version(struct json_writer *w, const char *name, const struct version *v, const char *qualifier,
                  enum view_kind kind) {
        AUTO(str) char *arn = function_arn(v->region, v->account, v->name, qualifier);
        char modified[32];

        view_time(v->status.last_modified, modified);
        json_open_object(w, name);
        json_str(w, "FunctionName", v->name);
        json_str(w, "FunctionArn", arn);
        json_str(w, "Version", v->number);
        write_config(w, v);
        json_str(w, "LastModified", modified);
        json_str(w, "RevisionId", v->status.revision_id);
        if (kind == VIEW_WHOLE)
                write_status(w, v);
        json_close_object(w);
}
