/* SPDX-License-Identifier: Apache-2.0 */
/* sts - AWS STS: GetCallerIdentity, AssumeRole */
#include "api/api_private.h"
#include "api/neighbours/iam.h"
#include "api/session.h"

#define DURATION_DEFAULT 3600

static void get_caller_identity(struct api_request *r) {
        AUTO(str) char *root = xstrcat("arn:aws:iam::", r->account, ":root", NULL);

        neighbour_reply(r, json_pack("{s:s, s:s, s:s}", "Arn", r->session ? r->session->arn : root, "UserId",
                                     r->session ? r->session->id : r->account, "Account", r->account));
}

/* "arn:aws:iam::ACCOUNT:role/PATH/NAME", taken apart. */
struct role_arn {
        char account[ACCOUNT_LEN + 1];
        const char *name; /* in the text that was read */
};

static bool read_arn(const char *text, struct role_arn *ret_arn) {
        static const char before[] = "arn:aws:iam::", behind[] = ":role/";
        const char *account = text + sizeof(before) - 1, *name;

        if (!str_starts(text, before) || strspn(account, "0123456789") != ACCOUNT_LEN ||
            !str_starts(account + ACCOUNT_LEN, behind))
                return false;
        str_fit(ret_arn->account, sizeof(ret_arn->account), account);
        name = strrchr(text, '/') + 1;
        ret_arn->name = name;
        return *name;
}

static void fail_denied(struct api_request *r, const char *arn) {
        AUTO(str) char *root = xstrcat("arn:aws:iam::", r->account, ":root", NULL);

        service_refuse(r, 403, "AccessDenied",
                       "User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
                       r->session ? r->session->arn : root, arn);
}

static void reply_session(struct api_request *r, struct session *session) {
        AUTO(session_keys) struct session_keys keys = {};
        char until[DATE_TEXT];

        session_make(r->api, session, &keys);
        neighbour_reply(r, json_pack("{s:{s:s, s:s, s:s, s:s}, s:{s:s, s:s}, s:i, s:s?}", "Credentials",
                                     "AccessKeyId", keys.key, "SecretAccessKey", keys.secret, "SessionToken",
                                     keys.token, "Expiration", iam_time(session->expires * SECOND, until),
                                     "AssumedRoleUser", "AssumedRoleId", session->id, "Arn", session->arn,
                                     "PackedPolicySize", 0, "SourceIdentity",
                                     neighbour_str(r, "SourceIdentity")));
}

static void assume_role(struct api_request *r) {
        const char *arn = neighbour_str(r, "RoleArn"), *name = neighbour_str(r, "RoleSessionName");
        const int64_t duration = json_tree_int(r->body, "DurationSeconds", DURATION_DEFAULT);
        AUTO(session) struct session *session = NULL;
        AUTO(json_tree) json_t *role = NULL;
        struct role_arn parts = {};
        int result;

        if (!read_arn(arn, &parts)) {
                service_refuse(r, 400, "ValidationError", "%.2048s is invalid", arn);
                return;
        }
        result = iam_find_role(r, parts.account, parts.name, &role);
        if (!api_stored(r, result))
                return;
        if (!role || !streq(json_tree_str(role, "Arn"), arn)) {
                fail_denied(r, arn);
                return;
        }
        if (duration > json_tree_int(role, "MaxSessionDuration", DURATION_DEFAULT)) {
                service_refuse(
                        r, 400, "ValidationError",
                        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
                return;
        }
        session = xcalloc(1, sizeof(*session));
        str_fit(session->account, sizeof(session->account), parts.account);
        session->arn = xstrcat("arn:aws:sts::", parts.account, ":assumed-role/", parts.name, "/", name, NULL);
        session->id = xstrcat(json_tree_str(role, "RoleId"), ":", name, NULL);
        session->expires = loop_wall(r->api->loop) / SECOND + (uint64_t)duration;
        reply_session(r, session);
}

static const struct neighbour_handler handlers[] = {
        { "AssumeRole", assume_role },
        { "GetCallerIdentity", get_caller_identity },
        {},
};

const struct neighbour neighbour_sts = {
        .name = "sts",
        .title = "STS",
        .protocol = PROTOCOL_QUERY,
        .version = "2011-06-15",
        .xmlns = "https://sts.amazonaws.com/doc/2011-06-15/",
        .invalid = "ValidationError",
        .operations = sts_operations,
        .operation_count = &sts_operation_count,
        .handlers = handlers,
};
