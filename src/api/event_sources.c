/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event_sources - event source mappings as configuration
 *
 * A mapping is checked, kept and shown as AWS does, but nothing is read from its source yet: so its last result says
 * from the first look on, and the log when it is made. The states between two others are told by the answers that
 * begin them.
 */
#include "api/constraints.h"
#include "api/operations.h"
#include "api/paging.h"
#include "api/tags.h"
#include "api/view.h"
#include "base/log.h"
#include "engine/engine.h"
#include "function/document.h"

#define NOT_READ "PROBLEM: lambent does not read event sources yet; this mapping is only kept."

enum source_kind {
        SOURCE_NONE,
        SOURCE_SQS,
        SOURCE_KINESIS,
        SOURCE_DYNAMODB,
        SOURCE_KAFKA,
        SOURCE_MQ,
        SOURCE_DOCUMENTDB
};

static bool is_stream(enum source_kind source) {
        return source == SOURCE_KINESIS || source == SOURCE_DYNAMODB;
}

static enum source_kind source_of(const json_t *body) {
        static const struct {
                const char *service;
                enum source_kind source;
        } services[] = {
                { ":sqs:", SOURCE_SQS },
                { ":kinesis:", SOURCE_KINESIS },
                { ":dynamodb:", SOURCE_DYNAMODB },
                { ":kafka:", SOURCE_KAFKA },
                { ":mq:", SOURCE_MQ },
                { ":rds:", SOURCE_DOCUMENTDB },
        };
        const char *arn = json_tree_str(body, "EventSourceArn");
        const char *service = arn ? strchr(arn + strlen("arn:"), ':') : NULL;

        for (size_t i = 0; service && i < ARRAY_SIZE(services); i++)
                if (str_starts(service, services[i].service))
                        return services[i].source;
        return json_tree_get(body, "SelfManagedEventSource") ? SOURCE_KAFKA : SOURCE_NONE;
}

/* ---- Lambda's own checks ---- */

/* A pattern is an object; its leaves are lists that are not empty. */
static bool is_pattern(const json_t *value) {
        const char *key;
        json_t *member;

        if (!json_is_object(value))
                return false;
        json_object_foreach((json_t *)value, key,
                            member) if (!(json_is_array(member) && json_array_size(member)) &&
                                        !is_pattern(member)) return false;
        return true;
}

static bool check_filters(const json_t *body, struct problem *ret_problem) {
        const json_t *filters = json_tree_get(json_tree_get(body, "FilterCriteria"), "Filters"), *filter;
        size_t i;

        json_array_foreach(filters, i, filter) {
                const char *text = json_tree_str(filter, "Pattern");
                AUTO(json_tree) json_t *pattern = NULL;

                if (!text || json_tree_parse(text, strlen(text), &pattern, NULL) || !is_pattern(pattern))
                        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                           "Invalid filter pattern definition.");
        }
        return true;
}

static bool check_position(enum source_kind source, const json_t *body, struct problem *ret_problem) {
        const char *position = json_tree_str(body, "StartingPosition");

        if (!is_stream(source))
                return true;
        if (!position)
                return problem_set(
                        ret_problem, PROBLEM_INVALID_PARAMETER,
                        "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
                        "constraint: Member must not be null.");
        if (streq(position, "AT_TIMESTAMP") && source == SOURCE_DYNAMODB)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Unsupported starting position for arn type: %s",
                                   json_tree_str(body, "EventSourceArn"));
        return true;
}

/* mapping: as it would be. */
static bool check_mapping(const json_t *mapping, struct problem *ret_problem) {
        enum source_kind source = source_of(mapping);

        if (source == SOURCE_NONE)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER, "Unrecognized event source.");
        if (source == SOURCE_SQS && json_tree_get(mapping, "DestinationConfig"))
                return problem_set(
                        ret_problem, PROBLEM_INVALID_PARAMETER,
                        "Unsupported DestinationConfig parameter for given event source mapping type.");
        if (source == SOURCE_SQS && json_tree_int(mapping, "BatchSize", 10) > 10 &&
            json_tree_int(mapping, "MaximumBatchingWindowInSeconds", 0) == 0)
                return problem_set(
                        ret_problem, PROBLEM_INVALID_PARAMETER,
                        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater "
                        "than 10");
        if (json_tree_get(mapping, "SelfManagedEventSource") &&
            !json_tree_get(mapping, "SourceAccessConfigurations"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Required 'sourceAccessConfigurations' parameter is missing.");
        return check_position(source, mapping, ret_problem) && check_filters(mapping, ret_problem);
}

/* ---- the document: what clients see ---- */

static void set_default(json_t *mapping, const char *member, json_t *value_consume) {
        if (json_tree_get(mapping, member))
                json_decref(value_consume);
        else
                json_object_set_new(mapping, member, value_consume);
}

static void set_defaults(json_t *mapping) {
        enum source_kind source = source_of(mapping);

        set_default(mapping, "BatchSize", json_integer(source == SOURCE_SQS ? 10 : 100));
        if (source != SOURCE_SQS && !is_stream(source))
                return;
        set_default(mapping, "MaximumBatchingWindowInSeconds", json_integer(0));
        set_default(mapping, "FunctionResponseTypes", json_array());
        if (source == SOURCE_SQS)
                return;
        set_default(mapping, "BisectBatchOnFunctionError", json_false());
        set_default(mapping, "MaximumRecordAgeInSeconds", json_integer(-1));
        set_default(mapping, "MaximumRetryAttempts", json_integer(-1));
        set_default(mapping, "ParallelizationFactor", json_integer(1));
        set_default(mapping, "TumblingWindowInSeconds", json_integer(0));
        set_default(mapping, "DestinationConfig", json_object());
        set_default(json_tree_get(mapping, "DestinationConfig"), "OnFailure", json_object());
}

/* Members that are the mapping's own; the others decide and are not shown. */
static bool is_shown(const char *member) {
        static const char hidden[] = "Enabled, FunctionName, Tags";

        return !words_have(hidden, member);
}

static void merge(json_t *mapping, const json_t *body) {
        const char *member;
        json_t *value;

        json_object_foreach((json_t *)body, member, value) if (is_shown(member) && !json_is_null(value))
                json_object_set(mapping, member, value);
        /* Without filters there are no criteria. */
        if (json_array_size(json_tree_get(json_tree_get(mapping, "FilterCriteria"), "Filters")) == 0)
                json_object_del(mapping, "FilterCriteria");
}

static struct document_name name_of(const struct api_request *r, const char *id) {
        return (struct document_name){ r->account, r->region, DOCUMENT_EVENT_SOURCE, id, NULL };
}

static bool save(struct api_request *r, json_t *mapping, bool enabled) {
        const struct document_name name = name_of(r, json_tree_str(mapping, "UUID"));

        json_object_set_new(mapping, "State", json_string(enabled ? "Enabled" : "Disabled"));
        json_object_set_new(mapping, "LastModified",
                            json_real(view_epoch(loop_wall(engine_loop(r->engine)))));
        json_object_set_new(mapping, "LastProcessingResult", json_string(NOT_READ));
        return api_stored(r, document_put(engine_registry(r->engine), &name, mapping));
}

static void answer(struct api_request *r, int status, json_t *mapping, const char *state) {
        if (state)
                json_object_set_new(mapping, "State", json_string(state));
        api_reply_tree(r, status, json_incref(mapping));
}

/* ---- finding ---- */

/* The mapping that the path names. False: answered. */
static bool read_mapping(struct api_request *r, json_t **ret_mapping) {
        const struct document_name name = name_of(r, r->labels[0]);
        int result = document_get(engine_registry(r->engine), &name, ret_mapping);

        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT)
                api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
        return result == 0;
}

/* The function that the body names, with its qualifier; missing: how its absence is told. False: answered. */
static bool find_function(struct api_request *r, enum problem_kind missing, char **ret_arn, char **ret_name) {
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f;

        if (!api_name_ref(r, json_tree_str(r->body, "FunctionName"), NULL, &ref))
                return false;
        f = registry_find(engine_registry(r->engine), ref.account, ref.region, ref.name);
        if (!f || !function_version(f, ref.qualifier)) {
                api_fail(r, missing, "Function does not exist");
                return false;
        }
        *ret_arn = function_arn(ref.region, ref.account, ref.name, ref.qualifier);
        *ret_name = xstrdup(ref.name);
        return true;
}

struct search {
        const char *source, *function;
        char id[UUID_LEN + 1]; /* of who has both; "" */
};

static bool is_twin(void *owner, const struct document_name *name, json_t *mapping) {
        const char *source = json_tree_str(mapping, "EventSourceArn");
        struct search *s = owner;

        if (!source || !streq(source, s->source) ||
            !streq(json_tree_str(mapping, "FunctionArn"), s->function))
                return true;
        str_fit(s->id, sizeof(s->id), name->owner);
        return false;
}

static bool check_twin(struct api_request *r, const char *function_arn, const char *function_name) {
        struct search search = { json_tree_str(r->body, "EventSourceArn"), function_arn, "" };
        const struct document_name all = name_of(r, NULL);

        if (!search.source)
                return true;
        if (!api_stored(r, document_each(engine_registry(r->engine), &all, NULL, is_twin, &search)))
                return false;
        if (!search.id[0])
                return true;
        if (source_of(r->body) == SOURCE_SQS)
                api_fail(
                        r, PROBLEM_CONFLICT,
                        "An event source mapping with SQS arn (\" %s \") and function (\" %s \") already exists. Please "
                        "update or delete the existing mapping with UUID %s",
                        search.source, function_name, search.id);
        else
                api_fail(
                        r, PROBLEM_CONFLICT,
                        "The event source arn (\" %s \") and function (\" %s \") provided mapping already exists. Please "
                        "update or delete the existing mapping with UUID %s",
                        search.source, function_name, search.id);
        return false;
}

/* ---- the operations ---- */

static json_t *new_mapping(struct api_request *r, const char *function_arn,
                           char ret_id[static UUID_LEN + 1]) {
        enum source_kind source = source_of(r->body);
        json_t *mapping = json_object();

        random_uuid(ret_id);
        json_object_set_new(mapping, "UUID", json_string(ret_id));
        json_object_set_new(mapping, "EventSourceMappingArn",
                            json_sprintf("arn:%s:lambda:%s:%s:event-source-mapping:%s",
                                         region_partition(r->region), r->region, r->account, ret_id));
        json_object_set_new(mapping, "FunctionArn", json_string(function_arn));
        json_object_set_new(mapping, "StateTransitionReason",
                            json_string(source == SOURCE_SQS ? "USER_INITIATED" : "User action"));
        merge(mapping, r->body);
        set_defaults(mapping);
        return mapping;
}

void api_create_event_source_mapping(struct api_request *r) {
        const json_t *tags = json_tree_get(r->body, "Tags");
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        AUTO(json_tree) json_t *mapping = NULL;
        AUTO(str) char *function = NULL;
        AUTO(str) char *name = NULL;
        char id[UUID_LEN + 1];

        if (!check_mapping(r->body, &problem) || !tags_check(tags, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        if (!find_function(r, PROBLEM_INVALID_PARAMETER, &function, &name) || !check_twin(r, function, name))
                return;
        mapping = new_mapping(r, function, id);
        if (!save(r, mapping, json_tree_bool(r->body, "Enabled", true)) ||
            !api_stored(r, tags_put(r, json_tree_str(mapping, "EventSourceMappingArn"), tags)))
                return;
        log_warn("event-source-mapping=%s function=%s is kept, but lambent does not read event sources yet",
                 id, name);
        if (is_stream(source_of(r->body)))
                json_object_set_new(mapping, "LastProcessingResult", json_string("No records processed"));
        else
                json_object_del(mapping, "LastProcessingResult");
        answer(r, 202, mapping, "Creating");
}

void api_get_event_source_mapping(struct api_request *r) {
        AUTO(json_tree) json_t *mapping = NULL;

        if (read_mapping(r, &mapping))
                answer(r, 200, mapping, NULL);
}

void api_update_event_source_mapping(struct api_request *r) {
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        AUTO(json_tree) json_t *mapping = NULL;
        AUTO(str) char *function = NULL;
        AUTO(str) char *name = NULL;
        bool was, is;

        if (!read_mapping(r, &mapping))
                return;
        if (json_tree_get(r->body, "FunctionName")) {
                if (!find_function(r, PROBLEM_NOT_FOUND, &function, &name))
                        return;
                json_object_set_new(mapping, "FunctionArn", json_string(function));
        }
        was = streq(json_tree_str(mapping, "State"), "Enabled");
        is = json_tree_bool(r->body, "Enabled", was);
        merge(mapping, r->body);
        set_defaults(mapping);
        if (!check_mapping(mapping, &problem))
                api_fail_with(r, &problem);
        else if (save(r, mapping, is))
                answer(r, 202, mapping, was == is ? "Updating" : is ? "Enabling" : "Disabling");
}

void api_delete_event_source_mapping(struct api_request *r) {
        const struct document_name name = name_of(r, r->labels[0]);
        AUTO(json_tree) json_t *mapping = NULL;

        if (read_mapping(r, &mapping) && api_stored(r, document_delete(engine_registry(r->engine), &name)) &&
            api_stored(r, tags_put(r, json_tree_str(mapping, "EventSourceMappingArn"), NULL)))
                answer(r, 202, mapping, "Deleting");
}

struct listing {
        struct page page;
        json_t *items;
        char *source, *function; /* filters */
};

static void listing_freep(struct listing *l) {
        page_clear(&l->page);
        json_decref(l->items);
        free(l->source);
        free(l->function);
}

static bool list_one(void *owner, const struct document_name *name, json_t *mapping) {
        const char *source = json_tree_str(mapping, "EventSourceArn");
        struct listing *l = owner;

        if ((l->source && (!source || !streq(source, l->source))) ||
            (l->function && !streq(json_tree_str(mapping, "FunctionArn"), l->function)))
                return true;
        return page_take(&l->page, name->owner, 0) && json_array_append(l->items, mapping) == 0;
}

void api_list_event_source_mappings(struct api_request *r) {
        const struct document_name all = name_of(r, NULL);
        AUTO(str) char *function = http_query_param(r->exchange, "FunctionName");
        AUTO(function_ref) struct function_ref ref = {};
        AUTO(listing) struct listing l = { .items = json_array() };

        if (function) {
                if (!api_name_ref(r, function, NULL, &ref))
                        return;
                l.function = function_arn(ref.region, ref.account, ref.name, ref.qualifier);
        }
        l.source = http_query_param(r->exchange, "EventSourceArn");
        if (page_begin(r, &l.page) &&
            api_stored(r, document_each(engine_registry(r->engine), &all, l.page.after_name, list_one, &l)))
                api_reply_tree(r, 200, page_tree(&l.page, "EventSourceMappings", l.items));
}
