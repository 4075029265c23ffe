/* SPDX-License-Identifier: Apache-2.0 */
/* What the emulator answers: success and failure look alike, but for the words. */
#include "base/json.h"
#include "sandbox/rie/rie_private.h"

static const char timeout_words[] = "Task timed out after ";

/* Whether text begins with `words`, as far as it has come. */
static bool may_begin(const char *text, size_t len, const char *words) {
        return strncmp(text, words, MIN(len, strlen(words))) == 0;
}

static void skip_space(const char **data, size_t *len) {
        while (*len && strchr(" \t\r\n", **data) && **data) {
                ++*data;
                --*len;
        }
}

/* Every runtime client writes errorType or errorMessage first. What may still become a failure is not passed on. */
bool rie_may_be_failure(const char *data, size_t len) {
        skip_space(&data, &len);
        if (!len || may_begin(data, len, timeout_words))
                return true;
        if (*data != '{')
                return false;
        ++data;
        --len;
        skip_space(&data, &len);
        return may_begin(data, len, "\"error");
}

bool rie_is_timeout(const char *data, size_t len) {
        static const char end[] = " seconds";
        size_t words = strlen(timeout_words), tail = strlen(end);

        return len > words + tail && len < 64 && memcmp(data, timeout_words, words) == 0 &&
               memcmp(data + len - tail, end, tail) == 0;
}

static char *member(const char *data, size_t len, const char *name) {
        AUTO(buf) struct buf text = BUF_NULL(ANSWER_MAX);
        const char *value;
        size_t size;

        if (!len || json_member(data, len, name, &value, &size) || *value != '"' ||
            json_unquote(value, size, &text))
                return NULL;
        return buf_append(&text, "", 1) ? NULL : buf_take_str(&text, NULL);
}

/* An object with an errorType and an errorMessage: the only trace that the runtime's …/error leaves. */
char *rie_error_type(const char *data, size_t len) {
        AUTO(str) char *message = NULL;

        if (!rie_may_be_failure(data, len) || json_validate(data, len, NULL))
                return NULL;
        message = member(data, len, "errorMessage");
        return message ? member(data, len, "errorType") : NULL;
}

/* "RequestId: … Error: text", without what stands before the text. */
static const char *text_of(const char *message) {
        const char *text = str_starts(message, "RequestId: ") ? strstr(message, " Error: ") : NULL;

        return text ? text + strlen(" Error: ") : NULL;
}

/* 502: the runtime has ended, or could not begin; what it said itself, or the emulator of it. */
static void judge_runtime(const char *data, size_t len, struct rie_verdict *v) {
        AUTO(str) char *message = member(data, len, "errorMessage");
        char *type = member(data, len, "errorType");
        const char *text = message ? text_of(message) : NULL;

        v->error_type = type ?: xstrdup("Runtime.ExitError");
        v->outcome = streq(v->error_type, "Runtime.ExitError") ? OUTCOME_EXIT : OUTCOME_INIT_ERROR;
        if (text || !type)
                v->text = xstrdup(text ?: "Runtime exited without providing a reason");
        else
                buf_append(&v->payload, data, len);
}

void rie_judge(int status, const char *data, size_t len, struct rie_verdict *ret_verdict) {
        struct rie_verdict *v = ret_verdict;

        if (status == 502) {
                judge_runtime(data, len, v);
                return;
        }
        v->outcome = OUTCOME_SANDBOX_FAILURE;
        v->error_type = xstrdup("Sandbox.Failure");
        v->text = xasprintf("the emulator in the image answered %d", status);
}
