/* SPDX-License-Identifier: Apache-2.0 */
#include "api/function_kind.h"

#include "engine/engine.h"

/* Of functions on instances. */
#define MEMORY_MIN_MB 2048
#define CONCURRENCY_DEFAULT 16
#define GIB_PER_VCPU_DEFAULT 2.0
/* How long the history of a durable execution is kept when nobody says. */
#define RETENTION_DAYS_DEFAULT 14

/* There is no code yet. */
static bool is_new(const struct version_config *c) {
        return !c->code_sha256[0];
}

/* Members of given go over those of before. A new reference. */
static json_t *merged(const json_t *before, const json_t *given) {
        json_t *all = before ? json_deep_copy(before) : json_object();

        json_object_update(all, (json_t *)given);
        return all;
}

/* ---- on instances ---- */

static void set(char **text, const char *value) {
        free(*text);
        *text = xstrdup(value);
}

/* Their logs are JSON. */
static bool apply_log_format(const json_t *body, struct version_config *c, struct problem *ret_problem) {
        const char *format = json_tree_str(json_tree_get(body, "LoggingConfig"), "LogFormat");

        if (format && streq(format, "Text"))
                return problem_set(
                        ret_problem, PROBLEM_INVALID_PARAMETER,
                        "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel "
                        "from your request or change the LogFormat to \"JSON\" and try again.");
        if (streq(c->log_format, "JSON"))
                return true;
        set(&c->log_format, "JSON");
        set(&c->log_level, "INFO");
        set(&c->system_log_level, "INFO");
        return true;
}

static bool check_instances(const json_t *body, struct version_config *c, struct problem *ret_problem) {
        if (is_new(c) && !json_tree_get(body, "MemorySize"))
                c->memory_mb = MEMORY_MIN_MB;
        if (c->memory_mb < MEMORY_MIN_MB)
                return problem_set(ret_problem, PROBLEM_VALIDATION,
                                   "Lambda Managed Instance functions must have memory size greater than or "
                                   "equal to %d",
                                   MEMORY_MIN_MB);
        if (streq(c->snap_start_apply_on, "PublishedVersions"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "SnapStart is not supported for functions with a capacity provider.");
        return apply_log_format(body, c, ret_problem);
}

static json_t *instances_default(void) {
        return json_pack("{s:i, s:f}", "PerExecutionEnvironmentMaxConcurrency", CONCURRENCY_DEFAULT,
                         "ExecutionEnvironmentMemoryGiBPerVCpu", GIB_PER_VCPU_DEFAULT);
}

static bool apply_instances(struct api_request *r, const json_t *body, struct version_config *c, json_t *kind,
                            struct problem *ret_problem) {
        static const char name[] = "CapacityProviderConfig",
                          inner[] = "LambdaManagedInstancesCapacityProviderConfig";
        const json_t *given = json_tree_get(json_tree_get(body, name), inner);
        const json_t *before = json_tree_get(json_tree_get(kind, name), inner);
        AUTO(json_tree) json_t *base = before ? json_deep_copy(before) : instances_default();

        if (!given)
                return !before || check_instances(body, c, ret_problem);
        if (!is_new(c) && !before)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "CapacityProviderConfig isn't supported for Lambda Default functions.");
        if (!capacity_provider_check(r, json_tree_str(given, "CapacityProviderArn"), ret_problem))
                return false;
        json_object_set_new(kind, name, json_pack("{s:o}", inner, merged(base, given)));
        return check_instances(body, c, ret_problem);
}

/* ---- durable ---- */

static bool apply_durable(const json_t *body, const struct version_config *c, json_t *kind,
                          struct problem *ret_problem) {
        static const char name[] = "DurableConfig";
        const json_t *given = json_tree_get(body, name), *before = json_tree_get(kind, name);
        json_t *after;
        const char *key;

        if (!given)
                return true;
        if (!is_new(c) && !before)
                return problem_set(
                        ret_problem, PROBLEM_INVALID_PARAMETER,
                        "DurableConfig cannot be added to a function that was created without it.");
        after = merged(before, given);
        if (!json_tree_get(after, "RetentionPeriodInDays"))
                json_object_set_new(after, "RetentionPeriodInDays", json_integer(RETENTION_DAYS_DEFAULT));
        key = json_tree_str(after, "KMSKeyArn");
        if (key && !*key)
                json_object_del(after, "KMSKeyArn");
        json_object_set_new(kind, name, after);
        return true;
}

/* ---- tenants ---- */

static bool apply_tenancy(const json_t *body, const struct version_config *c, json_t *kind,
                          struct problem *ret_problem) {
        json_t *given = json_tree_get(body, "TenancyConfig");

        if (given)
                json_object_set(kind, "TenancyConfig", given);
        if (!json_tree_get(kind, "TenancyConfig"))
                return true;
        if (json_tree_get(kind, "CapacityProviderConfig"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "TenancyConfig is not supported for functions with a capacity provider.");
        if (streq(c->snap_start_apply_on, "PublishedVersions"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "SnapStart is not supported for functions with TenancyConfig.");
        return true;
}

/* ---- all of them ---- */

bool function_kind_apply(struct api_request *r, const json_t *body, struct version_config *c,
                         struct problem *ret_problem) {
        static const char *const plain[] = { "RuntimeConfig", "AcceleratorConfig" };
        AUTO(json_tree) json_t *kind = NULL;

        if (c->kind_json)
                json_tree_parse(c->kind_json, strlen(c->kind_json), &kind, NULL);
        if (!kind)
                kind = json_object();
        for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
                if (json_tree_get(body, plain[i]))
                        json_object_set(kind, plain[i], json_tree_get(body, plain[i]));
        if (!apply_instances(r, body, c, kind, ret_problem) || !apply_durable(body, c, kind, ret_problem) ||
            !apply_tenancy(body, c, kind, ret_problem))
                return false;
        version_config_set_kind(c, kind);
        return true;
}

bool function_kind_publication(const json_t *body, const struct version_config *c,
                               enum publication *ret_publication, struct problem *ret_problem) {
        bool latest = json_tree_get(body, "PublishTo") != NULL;

        *ret_publication = latest                                   ? PUBLISH_LATEST
                           : json_tree_bool(body, "Publish", false) ? PUBLISH_VERSION
                                                                    : PUBLISH_NOTHING;
        return !latest || c->on_instances ||
               problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "PublishTo is only supported for functions with a capacity provider.");
}
