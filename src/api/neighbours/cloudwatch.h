/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cloudwatch - CloudWatch Logs over what lambent keeps of the functions' logs (logs/logs.h)
 *
 * A group exists because somebody created it, which is a document with its retention and its tags, or because a function
 * logged to it; most are both. Retention is kept and shown; how much is kept says --log-bytes.
 */
#pragma once
#include "api/neighbours/neighbour.h"
#include "logs/logs.h"

/* log_groups.c */
void logs_create_log_group(struct api_request *r);
void logs_delete_log_group(struct api_request *r);
void logs_describe_log_groups(struct api_request *r);
void logs_put_retention_policy(struct api_request *r);
void logs_delete_retention_policy(struct api_request *r);
void logs_tag(struct api_request *r);
void logs_untag(struct api_request *r);
void logs_list_tags(struct api_request *r);

/* log_events.c */
void logs_describe_log_streams(struct api_request *r);
void logs_get_log_events(struct api_request *r);
void logs_filter_log_events(struct api_request *r);

/* cloudwatch.c */

/* What an operation on a group waits for; the request's state. */
struct group_call {
        struct api_request *request;
        struct logs_request asking;
        char *group, *log; /* log: what logs.h calls it */
        json_t *document;  /* of the group; made up for one that only functions made */
        void (*then)(struct group_call *call);
};

/* Goes on with `then` when the group of the request exists for it, else answers. */
void group_find(struct api_request *r, void (*then)(struct group_call *call));
int group_store(const struct group_call *call);
void group_fail_absent(struct api_request *r);
/* "arn:aws:logs:REGION:ACCOUNT:log-group:NAME"; malloc'ed. */
char *group_arn(const struct api_request *r, const char *group);
