/* SPDX-License-Identifier: Apache-2.0 */
/* function_ref - which function a request is about */
#include "api/names.h"
#include "api/request.h"
#include "api/rules.h"

static bool is_namespaced(const char *text) {
        struct function_name name;

        return function_name_parse(text, true, &name);
}

static bool is_plain(const char *text) {
        struct function_name name;

        return function_name_parse(text, false, &name);
}

static const struct rule qualifier_rule = { "qualifier",
                                            RULE_STRING,
                                            .bounded = true,
                                            .min = 1,
                                            .max = 128,
                                            .pattern = qualifier_pattern,
                                            .matches = qualifier_is_valid };
/* The length bound of the namespaced form is 256 characters in the model; of the plain one 140. */
static const struct rule namespaced_rule = { "functionName",
                                             RULE_STRING,
                                             .bounded = true,
                                             .min = 1,
                                             .max = 256,
                                             .pattern = namespaced_function_name_pattern,
                                             .matches = is_namespaced };
static const struct rule plain_rule = { "functionName",     RULE_STRING, .bounded = true,
                                        .min = 1,           .max = 140,  .pattern = function_name_pattern,
                                        .matches = is_plain };

void function_ref_clear(struct function_ref *ref) {
        free(ref->name);
        free(ref->qualifier);
        *ref = (struct function_ref){};
}

static bool check_shapes(struct api_request *r, const char *text, const char *qualifier, bool strict) {
        AUTO(checker) struct checker checker = CHECKER_NULL;
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        rule_check_text(&qualifier_rule, qualifier, &checker);
        rule_check_text(strict ? &plain_rule : &namespaced_rule, text, &checker);
        if (checker_end(&checker, &problem))
                return true;
        api_fail_with(r, &problem);
        return false;
}

static bool part_is(struct name_part part, const char *text) {
        return part.len == strlen(text) && memcmp(part.start, text, part.len) == 0;
}

bool api_name_ref(struct api_request *r, const char *text, const char *qualifier, bool strict,
                  struct function_ref *ret_ref) {
        struct function_name name;

        *ret_ref = (struct function_ref){};
        if (!check_shapes(r, text, qualifier, strict))
                return false;
        must(function_name_parse(text, !strict, &name));
        if (name.region.start && !part_is(name.region, r->region)) {
                api_fail(r, PROBLEM_NOT_FOUND,
                         "Functions from '%.*s' are not reachable in this region ('%s')",
                         (int)name.region.len, name.region.start, r->region);
                return false;
        }
        ret_ref->region = r->region;
        /* Twelve digits, in either place. */
        memcpy(ret_ref->account, name.account.start ? name.account.start : r->account, ACCOUNT_LEN);
        ret_ref->name = xstrndup(name.name.start, name.name.len);
        if (name.qualifier.start)
                ret_ref->qualifier = xstrndup(name.qualifier.start, name.qualifier.len);
        else if (qualifier)
                ret_ref->qualifier = xstrdup(qualifier);
        if (qualifier && !streq(qualifier, ret_ref->qualifier)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "The derived qualifier from the function name does not match the specified "
                         "qualifier.");
                function_ref_clear(ret_ref);
                return false;
        }
        return true;
}

bool api_function_ref(struct api_request *r, unsigned flags, struct function_ref *ret_ref) {
        AUTO(str) char *qualifier = flags & REF_QUALIFIER ? http_query_param(r->exchange, "Qualifier") : NULL;

        must(r->label_count > 0);
        return api_name_ref(r, r->labels[0], qualifier, flags & REF_STRICT, ret_ref);
}

void api_fail_no_function(struct api_request *r, const struct function_ref *ref, const char *qualifier) {
        AUTO(str) char *arn = function_arn(ref->region, ref->account, ref->name, qualifier);

        api_fail(r, PROBLEM_NOT_FOUND, "Function not found: %s", arn);
}
