/* SPDX-License-Identifier: Apache-2.0 */
#include "api/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/json.h"

/* docs/aws.md, errors */
static const struct {
        const char *exception;
        int status;
        bool capital; /* Message, else message */
        bool typed;   /* has Type */
} kinds[PROBLEM_KINDS] = {
        [PROBLEM_VALIDATION] = { "ValidationException", 400, false, false },
        [PROBLEM_INVALID_PARAMETER] = { "InvalidParameterValueException", 400, false, true },
        [PROBLEM_LIMIT] = { "InvalidParameterValueException", 400, false, false },
        [PROBLEM_POLICY_LENGTH] = { "PolicyLengthExceededException", 400, false, true },
        [PROBLEM_SERIALIZATION] = { "SerializationException", 400, false, false },
        [PROBLEM_INVALID_CONTENT] = { "InvalidRequestContentException", 400, false, true },
        [PROBLEM_NOT_FOUND] = { "ResourceNotFoundException", 404, true, true },
        [PROBLEM_NOT_FOUND_BARE] = { "ResourceNotFoundException", 404, true, false },
        [PROBLEM_PROVIDER_LIMIT] = { "CapacityProviderLimitExceededException", 400, false, true },
        [PROBLEM_NOTHING_PUBLISHED] = { "NoPublishedVersionException", 400, true, true },
        [PROBLEM_NO_CODE_SIGNING] = { "CodeSigningConfigNotFoundException", 404, true, true },
        [PROBLEM_NO_PROVISIONED] = { "ProvisionedConcurrencyConfigNotFoundException", 404, false, true },
        [PROBLEM_UNKNOWN_OPERATION] = { "UnknownOperationException", 404, false, false },
        [PROBLEM_CONFLICT] = { "ResourceConflictException", 409, false, true },
        [PROBLEM_PRECONDITION] = { "PreconditionFailedException", 412, false, true },
        [PROBLEM_ENTITY_TOO_LARGE] = { "RequestEntityTooLargeException", 413, true, false },
        [PROBLEM_TOO_MANY_REQUESTS] = { "TooManyRequestsException", 429, false, true },
        [PROBLEM_RESOURCE_NOT_READY] = { "ResourceNotReadyException", 502, false, true },
        [PROBLEM_FORBIDDEN] = { "AccessDeniedException", 403, true, false },
        [PROBLEM_SERVICE] = { "ServiceException", 500, true, true },
        [PROBLEM_NOT_IMPLEMENTED] = { "NotImplementedException", 501, false, true },
        [PROBLEM_UNSUPPORTED_MEDIA] = { "UnsupportedMediaTypeException", 415, false, true },
};

const char *problem_exception(enum problem_kind kind) {
        must(kind < PROBLEM_KINDS);
        return kinds[kind].exception;
}

int problem_status(enum problem_kind kind) {
        must(kind < PROBLEM_KINDS);
        return kinds[kind].status;
}

bool problem_set_consume(struct problem *ret_problem, enum problem_kind kind, char *message) {
        problem_clear(ret_problem);
        ret_problem->kind = kind;
        ret_problem->message = message;
        return false;
}

bool problem_set(struct problem *ret_problem, enum problem_kind kind, const char *format, ...) {
        char *message = NULL;
        va_list ap;

        va_start(ap, format);
        must(vasprintf(&message, format, ap) >= 0);
        va_end(ap);
        return problem_set_consume(ret_problem, kind, message);
}

void problem_clear(struct problem *p) {
        free(p->message);
        *p = PROBLEM_NULL;
}

void problem_write(const struct problem *p, struct buf *buf) {
        struct json_writer w = JSON_WRITER(buf);

        json_open_object(&w, NULL);
        if (p->reason)
                json_str(&w, "Reason", p->reason);
        if (kinds[p->kind].typed)
                json_str(&w, "Type", kinds[p->kind].status >= 500 ? "Service" : "User");
        json_str(&w, kinds[p->kind].capital ? "Message" : "message", p->message);
        json_close_object(&w);
        /* A message quotes what the client sent, which was capped; this cap is above that. */
        must(json_writer_end(&w) == 0);
}
