/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/cloudwatch.h"

#include "engine/engine.h"
#include "function/document.h"

char *group_arn(const struct api_request *r, const char *group) {
        return xstrcat("arn:aws:logs:", r->region, ":", r->account, ":log-group:", group, NULL);
}

void group_fail_absent(struct api_request *r) {
        service_refuse(r, 404, "ResourceNotFoundException", "The specified log group does not exist.");
}

/* ---- which group ---- */

/* The name in an ARN of the caller's, which may end in ":*"; malloc'ed, NULL: another's. */
static char *name_in_arn(const struct api_request *r, const char *arn) {
        AUTO(str) char *before = group_arn(r, "");
        const char *name = arn + strlen(before);
        size_t len;

        if (!str_starts(arn, before))
                return NULL;
        len = strcspn(name, ":");
        return name[len] && !streq(name + len, ":*") ? NULL : xstrndup(name, len);
}

static char *requested_group(const struct api_request *r) {
        static const char *const members[] = { "logGroupName", "logGroupIdentifier", "resourceArn" };
        const char *text = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(members) && !text; i++)
                text = neighbour_str(r, members[i]);
        if (!text)
                return NULL;
        return str_starts(text, "arn:") ? name_in_arn(r, text) : xstrdup(text);
}

static void call_free(struct api_request *r) {
        struct group_call *call = r->state;

        logs_request_cancel(&call->asking);
        json_decref(call->document);
        free(call->group);
        free(call->log);
        free(call);
        r->state = NULL;
}

static void on_streams(struct logs_request *asking, int result, const struct logs_stream_info *streams,
                       size_t count) {
        struct group_call *call = container_of(asking, struct group_call, asking);
        uint64_t created = UINT64_MAX;

        if (result == -ENOENT) {
                group_fail_absent(call->request);
                return;
        }
        if (!api_stored(call->request, result))
                return;
        for (size_t i = 0; i < count; i++)
                created = MIN(created, streams[i].created_ms);
        call->document = json_pack("{s:I}", "creationTime", (json_int_t)(count ? created : 0));
        call->then(call);
}

void group_find(struct api_request *r, void (*then)(struct group_call *call)) {
        struct group_call *call = xcalloc(1, sizeof(*call));
        struct document_name name;
        int result;

        call->request = r;
        call->then = then;
        call->group = requested_group(r);
        r->state = call;
        r->cancel = call_free;
        if (!call->group) {
                if (neighbour_str(r, "logGroupIdentifier") || neighbour_str(r, "resourceArn"))
                        group_fail_absent(r);
                else
                        service_refuse(r, 400, "InvalidParameterException",
                                       "Exactly one of logGroupName and logGroupIdentifier must be given.");
                return;
        }
        call->log = engine_log_group(r->account, r->region, call->group);
        name = (struct document_name){ r->account, r->region, DOCUMENT_LOG_GROUP, call->group, NULL };
        result = document_get(engine_registry(r->engine), &name, &call->document);
        if (!api_stored(r, result))
                return;
        if (result == DOCUMENT_ABSENT)
                logs_list_streams(engine_logs(r->engine), call->log, &call->asking, on_streams);
        else
                then(call);
}

int group_store(const struct group_call *call) {
        const struct document_name name = { call->request->account, call->request->region, DOCUMENT_LOG_GROUP,
                                            call->group, NULL };

        return document_put(engine_registry(call->request->engine), &name, call->document);
}

/* ---- the table ---- */

static const struct neighbour_handler handlers[] = {
        { "CreateLogGroup", logs_create_log_group },
        { "DeleteLogGroup", logs_delete_log_group },
        { "DeleteRetentionPolicy", logs_delete_retention_policy },
        { "DescribeLogGroups", logs_describe_log_groups },
        { "DescribeLogStreams", logs_describe_log_streams },
        { "FilterLogEvents", logs_filter_log_events },
        { "GetLogEvents", logs_get_log_events },
        { "ListTagsForResource", logs_list_tags },
        { "ListTagsLogGroup", logs_list_tags },
        { "PutRetentionPolicy", logs_put_retention_policy },
        { "TagLogGroup", logs_tag },
        { "TagResource", logs_tag },
        { "UntagLogGroup", logs_untag },
        { "UntagResource", logs_untag },
        {},
};

const struct neighbour neighbour_logs = {
        .name = "logs",
        .title = "CloudWatch Logs",
        .protocol = PROTOCOL_JSON,
        .invalid = "InvalidParameterException",
        .operations = logs_operations,
        .operation_count = &logs_operation_count,
        .handlers = handlers,
};
