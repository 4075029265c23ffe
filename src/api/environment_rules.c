/* SPDX-License-Identifier: Apache-2.0 */
#include "api/configuration.h"

#include "api/constraints.h"

#define VARIABLES_MAX 4096

/* docs/aws.md, variables; in the order in which AWS names them. */
static const char reserved[] = "_HANDLER, _X_AMZN_TRACE_ID, AWS_REGION, AWS_DEFAULT_REGION, "
                               "AWS_EXECUTION_ENV, AWS_LAMBDA_FUNCTION_NAME, "
                               "AWS_LAMBDA_FUNCTION_VERSION, AWS_LAMBDA_FUNCTION_MEMORY_SIZE, "
                               "AWS_LAMBDA_INITIALIZATION_TYPE, AWS_LAMBDA_LOG_GROUP_NAME, "
                               "AWS_LAMBDA_LOG_STREAM_NAME, AWS_ACCESS_KEY, AWS_ACCESS_KEY_ID, "
                               "AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, "
                               "AWS_LAMBDA_RUNTIME_API, LAMBDA_TASK_ROOT, LAMBDA_RUNTIME_DIR, "
                               "AWS_LAMBDA_METADATA_API, AWS_LAMBDA_METADATA_TOKEN, "
                               "AWS_LAMBDA_MAX_CONCURRENCY";

static bool check_reserved(json_t *variables, struct problem *ret_problem) {
        AUTO(buf) struct buf used = BUF_NULL(64 * KIB);
        const char *name;
        json_t *value;

        json_object_foreach(variables, name, value) if (words_have(reserved, name))
                must(buf_printf(&used, "%s%s", used.len ? ", " : "", name) == 0);
        if (used.len == 0)
                return true;
        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "Lambda was unable to configure your environment variables because the "
                           "environment variables you have "
                           "provided contains reserved keys that are currently not supported for "
                           "modification. Reserved keys used in "
                           "this request: %.*s",
                           (int)used.len, buf_data(&used));
}

static bool check_size(const json_t *variables, struct problem *ret_problem) {
        AUTO(str) char *text = json_tree_text(variables);

        if (strlen(text) <= VARIABLES_MAX)
                return true;
        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "Lambda was unable to configure your environment variables because the "
                           "environment variables you have "
                           "provided exceeded the 4KB limit. String measured: %s",
                           text);
}

static void clear(struct version_config *c) {
        for (size_t i = 0; i < c->var_count; i++) {
                free(c->vars[i].name);
                free(c->vars[i].value);
        }
        free(c->vars);
        c->vars = NULL;
        c->var_count = 0;
}

bool environment_apply(const json_t *variables, struct version_config *c, struct problem *ret_problem) {
        const char *name;
        json_t *value;

        if (!check_reserved((json_t *)variables, ret_problem) || !check_size(variables, ret_problem))
                return false;
        clear(c);
        /* A function created with none shows so (recorded); an update to none takes the member away: Terraform's
           provider would plan for ever. */
        c->has_vars = json_object_size(variables) > 0 || !c->code_sha256[0];
        c->vars = xcalloc(json_object_size(variables) + 1, sizeof(*c->vars));
        json_object_foreach((json_t *)variables, name, value) c->vars[c->var_count++] =
                (struct name_value){ xstrdup(name), xstrdup(json_string_value(value)) };
        return true;
}
