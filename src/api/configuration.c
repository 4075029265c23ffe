/* SPDX-License-Identifier: Apache-2.0 */
#include "api/configuration.h"

#include "api/access.h"
#include "api/function_kind.h"
#include "api/image_code.h"
#include "api/names.h"
#include "api/runtimes.h"
#include "api/upload.h"
#include "base/json.h"
#include "engine/engine.h"
#include "function/layers.h"

void configuration_default(struct version_config *ret_config) {
        *ret_config = (struct version_config){
                .description = xstrdup(""),
                .timeout_s = 3,
                .memory_mb = 128,
                .tmp_mb = 512,
                .architecture = xstrdup("x86_64"),
                .package_type = xstrdup("Zip"),
                .tracing_mode = xstrdup("PassThrough"),
                .snap_start_apply_on = xstrdup("None"),
                .log_format = xstrdup("Text"),
        };
}

static void set(char **text, const char *value) {
        if (!value)
                return;
        free(*text);
        *text = xstrdup(value);
}

/* An empty text takes the member away. */
static void set_or_clear(char **text, const char *value) {
        if (!value)
                return;
        free(*text);
        *text = *value ? xstrdup(value) : NULL;
}

static void replace(char **text, char *value_consume) {
        free(*text);
        *text = value_consume;
}

static void apply_logging(const json_t *logging, struct version_config *c) {
        if (!logging)
                return;
        set(&c->log_format, json_tree_str(logging, "LogFormat"));
        set(&c->log_group, json_tree_str(logging, "LogGroup"));
        if (streq(c->log_format, "Text")) {
                replace(&c->log_level, NULL);
                replace(&c->system_log_level, NULL);
                return;
        }
        set(&c->log_level, json_tree_str(logging, "ApplicationLogLevel"));
        set(&c->system_log_level, json_tree_str(logging, "SystemLogLevel"));
        if (!c->log_level)
                c->log_level = xstrdup("INFO");
        if (!c->system_log_level)
                c->system_log_level = xstrdup("INFO");
}

/* The VPC of a subnet is not in the request: an id that follows from the subnet stands for it. */
static void apply_vpc(const json_t *vpc, struct version_config *c) {
        const json_t *subnets = json_tree_get(vpc, "SubnetIds"),
                     *groups = json_tree_get(vpc, "SecurityGroupIds");
        const char *first = json_string_value(json_array_get(subnets, 0));
        AUTO(str) char *id = first ? xasprintf("vpc-%s", first + strlen("subnet-")) : xstrdup("");
        AUTO(json_tree) json_t *shown = NULL;

        if (!vpc)
                return;
        shown = json_object();
        json_object_set_new(shown, "SubnetIds", subnets ? json_deep_copy(subnets) : json_array());
        json_object_set_new(shown, "SecurityGroupIds", groups ? json_deep_copy(groups) : json_array());
        json_object_set_new(shown, "VpcId", json_string(id));
        json_object_set_new(shown, "Ipv6AllowedForDualStack",
                            json_boolean(json_tree_bool(vpc, "Ipv6AllowedForDualStack", false)));
        replace(&c->vpc_json, json_tree_text(shown));
}

static void apply_dead_letter(const json_t *dead_letter, struct version_config *c) {
        const char *target = json_tree_str(dead_letter, "TargetArn");
        AUTO(json_tree) json_t *shown = NULL;

        if (!dead_letter)
                return;
        if (target && *target) {
                shown = json_object();
                json_object_set_new(shown, "TargetArn", json_string(target));
        }
        replace(&c->dead_letter_json, shown ? json_tree_text(shown) : NULL);
}

static void apply_file_systems(const json_t *list, struct version_config *c) {
        AUTO(json_tree) json_t *shown = json_array();
        const json_t *item;
        size_t i;

        if (!list)
                return;
        json_array_foreach(list, i, item) {
                json_t *copy = json_object();

                json_object_set(copy, "Arn", json_object_get(item, "Arn"));
                json_object_set(copy, "LocalMountPath", json_object_get(item, "LocalMountPath"));
                if (json_tree_get(item, "S3FilesConfig"))
                        json_object_set(copy, "S3FilesConfig", json_object_get(item, "S3FilesConfig"));
                json_array_append_new(shown, copy);
        }
        replace(&c->file_systems_json, json_array_size(shown) ? json_tree_text(shown) : NULL);
}

static void apply_plain(const json_t *body, struct version_config *c) {
        set(&c->role, json_tree_str(body, "Role"));
        set(&c->runtime, json_tree_str(body, "Runtime"));
        set(&c->handler, json_tree_str(body, "Handler"));
        set(&c->description, json_tree_str(body, "Description"));
        set_or_clear(&c->kms_key_arn, json_tree_str(body, "KMSKeyArn"));
        set(&c->tracing_mode, json_tree_str(json_tree_get(body, "TracingConfig"), "Mode"));
        set(&c->snap_start_apply_on, json_tree_str(json_tree_get(body, "SnapStart"), "ApplyOn"));
        c->timeout_s = (uint32_t)json_tree_int(body, "Timeout", c->timeout_s);
        c->memory_mb = (uint32_t)json_tree_int(body, "MemorySize", c->memory_mb);
        c->tmp_mb = (uint32_t)json_tree_int(json_tree_get(body, "EphemeralStorage"), "Size", c->tmp_mb);
        apply_logging(json_tree_get(body, "LoggingConfig"), c);
        apply_vpc(json_tree_get(body, "VpcConfig"), c);
        apply_dead_letter(json_tree_get(body, "DeadLetterConfig"), c);
        apply_file_systems(json_tree_get(body, "FileSystemConfigs"), c);
}

/* It may well be there on AWS. */
static void add_layer_hint(const char *arn, bool may_be_fetched, struct problem *problem) {
        const bool is_ended = problem->message[strlen(problem->message) - 1] == '.';
        char *message =
                xasprintf("%s%s lambent can be given a copy with \"lambent layer import %s FILE.zip\"%s.",
                          problem->message, is_ended ? "" : ".", arn,
                          may_be_fetched ? ", or fetches one when it is started with --layers-from-aws" : "");

        problem_set_consume(problem, problem->kind, message);
}

static bool resolve_layer(struct api_request *r, const char *arn, const struct version_config *before,
                          struct layer_ref *ret_ref, struct problem *ret_problem) {
        struct registry *registry = engine_registry(r->engine);
        AUTO(layer_version) struct layer_version layer = {};
        AUTO(str) char *account = NULL, *region = NULL, *layer_name = NULL;
        unsigned long long number = 0;
        struct layer_name name;
        int result;

        /* A version that was deleted serves on where it is used already. */
        for (size_t i = 0; i < before->layer_count; i++) {
                if (streq(before->layers[i].arn, arn)) {
                        *ret_ref = before->layers[i];
                        ret_ref->arn = xstrdup(arn);
                        return true;
                }
        }
        must(layer_version_arn_parse(arn, &name, &number));
        account = xstrndup(name.account.start, name.account.len);
        region = xstrndup(name.region.start, name.region.len);
        layer_name = xstrndup(name.name.start, name.name.len);
        result = layers_get(registry, account, region, layer_name, number, &layer);
        if (result < 0)
                return problem_set(ret_problem, PROBLEM_SERVICE, "The layer could not be read: %s.",
                                   strerror(-result));
        if (!access_layer_use(r, account, region, layer_name, number, ret_problem)) {
                if (result == LAYERS_NOT_FOUND)
                        add_layer_hint(arn, true, ret_problem);
                return false;
        }
        if (result == LAYERS_NOT_FOUND) {
                problem_set(ret_problem, PROBLEM_INVALID_PARAMETER, "Layer version %s does not exist.", arn);
                if (layer_name_is_awslayer(&name))
                        add_layer_hint(arn, false, ret_problem);
                return false;
        }
        *ret_ref = (struct layer_ref){ .arn = xstrdup(arn),
                                       .code_size = layer.code_size,
                                       .unzipped = layer.unzipped };
        memcpy(ret_ref->sha256, layer.sha256, sizeof(ret_ref->sha256));
        return true;
}

/* Rules over the list as a whole: docs/aws.md, layers. */
static bool check_layer_list(const json_t *list, const char *region, struct problem *ret_problem) {
        if (json_array_size(list) > FUNCTION_LAYERS_MAX)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Cannot reference more than %d layers.", FUNCTION_LAYERS_MAX);
        for (size_t i = 0; i < json_array_size(list); i++) {
                const char *arn = json_string_value(json_array_get(list, i));
                size_t layer_len = (size_t)(strrchr(arn, ':') - arn);
                unsigned long long number;
                struct layer_name name;

                must(layer_version_arn_parse(arn, &name, &number));
                if (layer_name_is_awslayer(&name))
                        continue;
                if (name.region.len != strlen(region) ||
                    memcmp(name.region.start, region, name.region.len) != 0)
                        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                           "Layers are not in the same region as the function. Layers are "
                                           "expected to be in region %s.",
                                           region);
                for (size_t j = 0; j < i; j++) {
                        const char *other = json_string_value(json_array_get(list, j));

                        if (strncmp(other, arn, layer_len + 1) == 0)
                                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                                   "Two different versions of the same layer are not allowed "
                                                   "to be referenced in the "
                                                   "same function. %s and %s are versions of the same layer.",
                                                   other, arn);
                }
        }
        return true;
}

static bool apply_layers(struct api_request *r, const char *region, const json_t *list,
                         struct version_config *c, struct problem *ret_problem) {
        struct layer_ref refs[FUNCTION_LAYERS_MAX] = {};
        size_t count = 0;

        if (!list)
                return true;
        if (!check_layer_list(list, region, ret_problem))
                return false;
        for (; count < json_array_size(list); count++) {
                if (!resolve_layer(r, json_string_value(json_array_get(list, count)), c, &refs[count],
                                   ret_problem)) {
                        while (count > 0)
                                free(refs[--count].arn);
                        return false;
                }
        }
        version_config_set_layers(c, refs, count);
        return true;
}

bool configuration_fits(const struct version_config *c, struct problem *ret_problem) {
        uint64_t total = c->code_unzipped;

        for (size_t i = 0; i < c->layer_count; i++)
                total += c->layers[i].unzipped;
        if (c->layer_count == 0 || total <= UNZIPPED_SIZE_MAX)
                return true;
        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "Function code combined with layers exceeds the maximum allowed size of %d bytes. "
                           "The actual size is %llu "
                           "bytes.",
                           UNZIPPED_SIZE_MAX, (unsigned long long)total);
}

bool configuration_apply(struct api_request *r, const char *region, const json_t *body,
                         struct version_config *c, struct problem *ret_problem) {
        const char *runtime = json_tree_str(body, "Runtime");
        const json_t *variables = json_tree_get(json_tree_get(body, "Environment"), "Variables");

        if (!image_config_apply(body, c, ret_problem) || (runtime && !runtime_check(runtime, ret_problem)))
                return false;
        apply_plain(body, c);
        if (!function_kind_apply(r, body, c, ret_problem))
                return false;
        if (streq(c->snap_start_apply_on, "PublishedVersions") && version_config_is_image(c))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "ContainerImage is not supported for SnapStart enabled functions.");
        if (streq(c->snap_start_apply_on, "PublishedVersions") && c->runtime &&
            !runtime_has_snap_start(c->runtime))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "%s is not supported for SnapStart enabled functions.", c->runtime);
        if (variables && !environment_apply(variables, c, ret_problem))
                return false;
        return apply_layers(r, region, json_tree_get(body, "Layers"), c, ret_problem);
}
