/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_document - whether a text is a policy as IAM takes it
 *
 * The form alone, one mistake at a time as IAM tells them: a trust policy says who may assume a role and has no
 * resources, an identity policy has resources and says nothing of who.
 */
#include "api/neighbours/iam.h"

#define SYNTAX "Syntax errors in policy."

/* A string, or a list of strings that is not empty. */
static bool is_words(const json_t *value) {
        const json_t *one;
        size_t i;

        if (json_is_string(value))
                return true;
        json_array_foreach(value, i, one) if (!json_is_string(one)) return false;
        return json_array_size(value) > 0;
}

/* "service:Action" or "*". */
static bool is_actions(const json_t *value) {
        const json_t *one;
        size_t i;

        if (json_is_string(value))
                return streq(json_string_value(value), "*") || strchr(json_string_value(value), ':');
        json_array_foreach(value, i, one) if (!is_actions(one)) return false;
        return true;
}

static bool is_sts_actions(const json_t *value) {
        const json_t *one;
        size_t i;

        if (json_is_string(value))
                return str_starts(json_string_value(value), "sts:");
        json_array_foreach(value, i, one) if (!is_sts_actions(one)) return false;
        return true;
}

static bool is_resources(const json_t *value) {
        const json_t *one;
        size_t i;

        if (json_is_string(value))
                return streq(json_string_value(value), "*") || str_starts(json_string_value(value), "arn:");
        json_array_foreach(value, i, one) if (!is_resources(one)) return false;
        return true;
}

static const json_t *either(const json_t *statement, const char *name, const char *opposite) {
        return json_object_get(statement, name) ?: json_object_get(statement, opposite);
}

static bool has_only_known(const json_t *statement) {
        static const char *const known[] = { "Sid",       "Effect",   "Principal",   "NotPrincipal", "Action",
                                             "NotAction", "Resource", "NotResource", "Condition" };
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)statement, key, value) {
                bool found = false;

                for (size_t i = 0; i < ARRAY_SIZE(known) && !found; i++)
                        found = streq(key, known[i]);
                if (!found)
                        return false;
        }
        return true;
}

static const char *trust_mistake(const json_t *statement, const json_t *action) {
        const json_t *principal = json_object_get(statement, "Principal");

        if (either(statement, "Resource", "NotResource"))
                return "Has prohibited field Resource";
        if (!principal)
                return "Missing required field Principal";
        if (!(json_is_string(principal) && streq(json_string_value(principal), "*")) &&
            json_object_size(principal) == 0)
                return "Invalid principal in policy.";
        if (!is_sts_actions(action))
                return "AssumeRole policy may only specify STS AssumeRole actions.";
        return NULL;
}

static const char *identity_mistake(const json_t *statement) {
        const json_t *resource = either(statement, "Resource", "NotResource");

        if (either(statement, "Principal", "NotPrincipal"))
                return "Policy document should not specify a principal.";
        if (!resource)
                return "Policy statement must contain resources.";
        if (!is_words(resource))
                return SYNTAX;
        return is_resources(resource) ? NULL : "Resource must be in ARN format or \"*\".";
}

static const char *statement_mistake(enum iam_policy_kind kind, const json_t *statement) {
        const json_t *action, *condition = json_object_get(statement, "Condition");
        const char *effect = json_tree_str(statement, "Effect");

        if (!json_is_object(statement) || !has_only_known(statement) || !effect ||
            (!streq(effect, "Allow") && !streq(effect, "Deny")) || (condition && !json_is_object(condition)))
                return SYNTAX;
        action = either(statement, "Action", "NotAction");
        if (!action)
                return "Policy statement must contain actions.";
        if (!is_words(action))
                return SYNTAX;
        if (!is_actions(action))
                return "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
        return kind == IAM_TRUST_POLICY ? trust_mistake(statement, action) : identity_mistake(statement);
}

static const char *mistake(enum iam_policy_kind kind, const json_t *document) {
        const json_t *statements = json_object_get(document, "Statement"), *one,
                     *version = json_object_get(document, "Version");
        const char *text = json_string_value(version);
        size_t i;

        if (!json_is_object(document) || (version && !text) || !statements)
                return SYNTAX;
        if (text && !streq(text, "2012-10-17") && !streq(text, "2008-10-17"))
                return SYNTAX;
        if (json_is_object(statements))
                return statement_mistake(kind, statements);
        if (json_array_size(statements) == 0)
                return SYNTAX;
        json_array_foreach(statements, i, one) {
                const char *why = statement_mistake(kind, one);

                if (why)
                        return why;
        }
        return NULL;
}

bool iam_check_document(struct api_request *r, enum iam_policy_kind kind, const char *text) {
        AUTO(json_tree) json_t *document = NULL;
        const char *why;

        if (json_tree_parse(text, strlen(text), &document, NULL))
                why = "This policy contains invalid Json";
        else
                why = mistake(kind, document);
        if (why)
                service_refuse(r, 400, "MalformedPolicyDocument", "%s", why);
        return !why;
}
