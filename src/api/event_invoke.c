/* SPDX-License-Identifier: Apache-2.0 */
/* event_invoke - how asynchronous invocations of a function are to be retried, and who hears of their end */
#include "api/names.h"
#include "api/operations.h"
#include "api/subject_document.h"
#include "api/view.h"
#include "engine/engine.h"

static void fail_no_function(struct api_request *r) {
        api_fail(r, PROBLEM_NOT_FOUND, "The function doesn't exist.");
}

static void fail_no_config(struct api_request *r, const struct subject *s) {
        AUTO(str) char *arn = subject_arn(s);

        api_fail(r, PROBLEM_NOT_FOUND, "The function %s doesn't have an EventInvokeConfig", arn);
}

static const struct subject_kind event_invoke = {
        .kind = DOCUMENT_EVENT_INVOKE,
        .listed = "FunctionEventInvokeConfigs",
        .fail_absent = fail_no_config,
        .fail_no_function = fail_no_function,
};

/* ---- destinations ---- */

static const char *destination(const json_t *config, const char *when) {
        return json_tree_str(json_tree_get(config, when), "Destination");
}

static bool fail_destinations(struct api_request *r, const json_t *config) {
        const char *success = destination(config, "OnSuccess"), *failure = destination(config, "OnFailure");
        AUTO(str) char *on_success =
                success ? xasprintf("OnSuccess(destination=%s)", success) : xstrdup("null");
        AUTO(str) char *on_failure =
                failure ? xasprintf("OnFailure(destination=%s)", failure) : xstrdup("null");

        api_fail(r, PROBLEM_INVALID_PARAMETER,
                 "The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.",
                 on_success, on_failure);
        return false;
}

/* The third part of an ARN. */
static bool is_of_service(const char *arn, const char *service) {
        const char *at = strchr(arn + strlen("arn:"), ':');
        size_t len = strlen(service);

        return at && strncmp(at + 1, service, len) == 0 && at[1 + len] == ':';
}

static bool check_function(struct api_request *r, const struct subject *s, const char *arn) {
        AUTO(str) char *account = NULL, *region = NULL, *function = NULL;
        struct function_name name;

        if (!function_name_parse(arn, true, &name) || !name.account.start || !name.region.start)
                return true;
        account = xstrndup(name.account.start, name.account.len);
        region = xstrndup(name.region.start, name.region.len);
        function = xstrndup(name.name.start, name.name.len);
        if (streq(function, s->ref.name) && streq(account, s->ref.account) && streq(region, s->ref.region)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "You can't specify the function as a destination for itself.");
                return false;
        }
        if (registry_find(engine_registry(r->engine), account, region, function))
                return true;
        api_fail(r, PROBLEM_INVALID_PARAMETER, "The destination ARN %s is invalid.", arn);
        return false;
}

static bool check_destination(struct api_request *r, const struct subject *s, const json_t *config,
                              const char *when) {
        static const char *const services[] = { "sqs", "sns", "events", "s3" };
        const char *arn = destination(config, when);

        if (!arn || !*arn)
                return true;
        if (is_of_service(arn, "lambda"))
                return check_function(r, s, arn);
        for (size_t i = 0; i < ARRAY_SIZE(services); i++)
                if (is_of_service(arn, services[i]))
                        return true;
        return fail_destinations(r, config);
}

/* ---- the document ---- */

/* Both sides are shown, also when there is nothing on one. */
static json_t *shown_destinations(const json_t *config) {
        static const char *const sides[] = { "OnSuccess", "OnFailure" };
        json_t *shown = json_object();

        for (size_t i = 0; i < ARRAY_SIZE(sides); i++) {
                const char *arn = destination(config, sides[i]);

                json_object_set_new(shown, sides[i],
                                    arn && *arn ? json_pack("{s:s}", "Destination", arn) : json_object());
        }
        return shown;
}

static void set_from_body(json_t *document, const json_t *body) {
        static const char *const members[] = { "MaximumRetryAttempts", "MaximumEventAgeInSeconds" };
        const json_t *destinations = json_tree_get(body, "DestinationConfig");

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (json_tree_get(body, members[i]))
                        json_object_set(document, members[i], json_tree_get(body, members[i]));
        if (destinations || !json_object_get(document, "DestinationConfig"))
                json_object_set_new(document, "DestinationConfig", shown_destinations(destinations));
}

static void save(struct api_request *r, const struct subject *s, json_t *document) {
        const struct document_name name = subject_document(&event_invoke, s);
        AUTO(str) char *arn = subject_arn(s);

        set_from_body(document, r->body);
        json_object_set_new(document, "FunctionArn", json_string(arn));
        json_object_set_new(document, "LastModified",
                            json_real(view_epoch(loop_wall(engine_loop(r->engine)))));
        if (api_stored(r, document_put(engine_registry(r->engine), &name, document)))
                api_reply_tree(r, 200, json_incref(document));
}

/* ---- the operations ---- */

/* What both changes demand. False: answered. */
static bool check(struct api_request *r, const struct subject *s) {
        const json_t *destinations = json_tree_get(r->body, "DestinationConfig");

        if (!destinations && !json_tree_get(r->body, "MaximumRetryAttempts") &&
            !json_tree_get(r->body, "MaximumEventAgeInSeconds")) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "You must specify at least one of error handling or destination setting.");
                return false;
        }
        if (!s->version) {
                fail_no_function(r);
                return false;
        }
        return check_destination(r, s, destinations, "OnSuccess") &&
               check_destination(r, s, destinations, "OnFailure");
}

void api_put_function_event_invoke_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = json_object();
        AUTO(subject) struct subject s = {};

        if (api_subject(r, &s) && check(r, &s))
                save(r, &s, document);
}

void api_update_function_event_invoke_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        int result;

        if (!api_subject(r, &s) || !check(r, &s) ||
            !api_stored(r, result = subject_document_get(r, &event_invoke, &s, &document)))
                return;
        if (result == DOCUMENT_ABSENT)
                fail_no_config(r, &s);
        else
                save(r, &s, document);
}

void api_get_function_event_invoke_config(struct api_request *r) {
        subject_document_show(r, &event_invoke);
}

void api_delete_function_event_invoke_config(struct api_request *r) {
        subject_document_delete(r, &event_invoke);
}

void api_list_function_event_invoke_configs(struct api_request *r) {
        subject_document_list(r, &event_invoke);
}
