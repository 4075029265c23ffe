/* SPDX-License-Identifier: Apache-2.0 */
/* function_ref - which function a request is about */
#include "api/access.h"
#include "api/names.h"
#include "api/request.h"
#include "engine/engine.h"

/* The model's bounds, in bytes: the characters that its patterns take have one each. */
#define NAME_MAX_LEN 256
#define QUALIFIER_MAX_LEN 128

void function_ref_clear(struct function_ref *ref) {
        free(ref->name);
        free(ref->qualifier);
        *ref = (struct function_ref){};
}

/* Invocations come here unchecked: the model is asked only when something is wrong, because then it knows the words. */
static bool read_name(struct api_request *r, const char *text, const char *qualifier,
                      struct function_name *ret_name) {
        if (function_name_parse(text, true, ret_name) && strlen(text) <= NAME_MAX_LEN &&
            (!qualifier || (qualifier_is_valid(qualifier) && strlen(qualifier) <= QUALIFIER_MAX_LEN)))
                return true;
        if (api_validate(r))
                api_fail(r, PROBLEM_VALIDATION, "The function name or the qualifier cannot be understood.");
        return false;
}

static bool part_is(struct name_part part, const char *text) {
        return part.len == strlen(text) && memcmp(part.start, text, part.len) == 0;
}

bool api_name_ref(struct api_request *r, const char *text, const char *qualifier,
                  struct function_ref *ret_ref) {
        struct function_name name;

        *ret_ref = (struct function_ref){};
        if (!read_name(r, text, qualifier, &name))
                return false;
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
        if (access_function(r, ret_ref))
                return true;
        function_ref_clear(ret_ref);
        return false;
}

bool api_function_ref(struct api_request *r, unsigned flags, struct function_ref *ret_ref) {
        AUTO(str) char *qualifier = flags & REF_QUALIFIER ? http_query_param(r->exchange, "Qualifier") : NULL;

        must(r->label_count > 0);
        return api_name_ref(r, r->labels[0], qualifier, ret_ref);
}

struct function *api_function(struct api_request *r, struct function_ref *ret_ref) {
        AUTO(function_ref) struct function_ref own = {};
        struct function_ref *ref = ret_ref ? ret_ref : &own;
        struct function *f;

        if (!api_function_ref(r, 0, ref))
                return NULL;
        f = registry_find(engine_registry(r->engine), ref->account, ref->region, ref->name);
        if (!f)
                api_fail_no_function(r, ref, NULL);
        return f;
}

bool api_subject(struct api_request *r, struct subject *ret_subject) {
        struct function_ref *ref = &ret_subject->ref;
        struct subject *s = ret_subject;

        if (!api_function_ref(r, REF_QUALIFIER, ref))
                return false;
        s->function = registry_find(engine_registry(r->engine), ref->account, ref->region, ref->name);
        s->qualifier = ref->qualifier ? ref->qualifier : "$LATEST";
        s->version = s->function ? function_version(s->function, s->qualifier) : NULL;
        return true;
}

char *subject_arn(const struct subject *s) {
        return function_arn(s->ref.region, s->ref.account, s->ref.name, s->qualifier);
}

void api_fail_no_function(struct api_request *r, const struct function_ref *ref, const char *qualifier) {
        AUTO(str) char *arn = function_arn(ref->region, ref->account, ref->name, qualifier);

        api_fail(r, PROBLEM_NOT_FOUND, "Function not found: %s", arn);
}

void api_fail_no_alias(struct api_request *r, const struct function_ref *ref, const char *alias) {
        AUTO(str) char *arn = function_arn(ref->region, ref->account, ref->name, alias);

        api_fail(r, PROBLEM_NOT_FOUND, "Cannot find alias arn: %s", arn);
}

void api_fail_revision(struct api_request *r, const char *call) {
        api_fail(
                r, PROBLEM_PRECONDITION,
                "The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the "
                "latest Revision Id",
                call);
}
