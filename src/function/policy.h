/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy - who may do what with a function, a version, an alias or a version of a layer
 *
 * A policy is a list of statements in the form of IAM, kept as a document. What it is of has a revision: of a function
 * that of the version or the alias, which every change of its policy renews; a layer's policy has its own. What they
 * decide: policy_decision.h.
 */
#pragma once
#include "function/document.h"

#define POLICY_MAX 20480 /* bytes of text, AWS's limit */

struct policy_grant {
        const char *sid, *action, *principal;
        const char *resource; /* an ARN */
        /* Conditions; NULL: none. */
        const char *source_arn, *source_account, *event_source_token, *url_auth_type, *organization;
        const bool *via_url;
};

/* A new reference; NULL: the principal is none. */
json_t *policy_statement(const struct policy_grant *grant);
/* The document that clients see, as text (malloc'ed). */
char *policy_text(const json_t *statements);
/* Whether a statement has this id. */
bool policy_has(const json_t *statements, const char *sid);
/* False: there was none. */
bool policy_drop(json_t *statements, const char *sid);

/* The policy of a function's qualifier ("$LATEST", a version, an alias): 0, DOCUMENT_ABSENT, -errno. */
int policy_get(struct registry *r, const struct function *f, const char *qualifier, json_t **ret_statements);
/* Replaces it (without statements: takes it away) and renews the revision, in one transaction. 0 or -errno. */
int policy_put(struct registry *r, struct function *f, const char *qualifier, const json_t *statements);
