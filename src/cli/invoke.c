/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/base64.h"
#include "cli/client.h"
#include "cli/client_commands.h"
#include "cli/event.h"
#include "http/eventstream.h"

/* A frame of a streamed answer: AWS cuts at a few hundred KiB; the decoder holds one. */
#define FRAME_MAX (17 * MIB)

struct invoke_options {
        struct client_options client;
        char *event, *qualifier;
        bool stream, log;
};

static char *invoke_target(const struct invoke_options *options, const char *name) {
        AUTO(str)
        char *escaped = url_escape(name),
             *qualifier = options->qualifier ? url_escape(options->qualifier) : NULL;

        return xasprintf("/%s/functions/%s/%s%s%s", options->stream ? "2021-11-15" : "2015-03-31", escaped,
                         options->stream ? "response-streaming-invocations" : "invocations",
                         qualifier ? "?Qualifier=" : "", qualifier ? qualifier : "");
}

static char *invoke_fields(const struct invoke_options *options) {
        return xasprintf("Content-Type: application/json\r\n%s",
                         options->log ? "X-Amz-Log-Type: Tail\r\n" : "");
}

static void print_log(const char *base64) {
        AUTO(buf) struct buf log = BUF_NULL(64 * KIB);

        if (base64 && base64_decode(base64, strlen(base64), &log) == 0)
                fwrite(buf_data(&log), 1, log.len, stderr);
}

static void set_or_null(json_t *object, const char *name, const char *text) {
        json_object_set_new(object, name, text ? json_string(text) : json_null());
}

static void print_answer_json(const struct answer *answer) {
        json_t *json = json_object();
        json_t *payload = json_loadb(buf_data(&answer->body), answer->body.len, JSON_DECODE_ANY, NULL);

        json_object_set_new(json, "StatusCode", json_integer(answer->status));
        set_or_null(json, "RequestId", answer->request_id);
        set_or_null(json, "FunctionError", answer->function_error);
        set_or_null(json, "ExecutedVersion", answer->version);
        set_or_null(json, "LogResult", answer->log_result);
        json_object_set_new(json, "Payload",
                            payload            ? payload
                            : answer->body.len ? json_stringn(buf_data(&answer->body), answer->body.len)
                                               : json_null());
        print_json(json);
        json_decref(json);
}

static int invoke_whole(struct client *client, const struct invoke_options *options, const char *name,
                        const struct buf *event) {
        AUTO(str) char *target = invoke_target(options, name), *fields = invoke_fields(options);
        struct answer answer;
        int r = client_call(client, HTTP_POST_, target, fields, buf_data(event), event->len, &answer);

        if (!r && answer.status >= 300)
                r = client_complain(client, &answer);
        if (!r) {
                if (options->log)
                        print_log(answer.log_result);
                if (options->client.json)
                        print_answer_json(&answer);
                else
                        print_payload(buf_data(&answer.body), answer.body.len);
                r = answer.function_error != NULL;
        }
        answer_release(&answer);
        return r;
}

struct stream {
        struct buf held; /* the begin of a frame */
        bool complete, failed, broken, log;
};

/* {"ErrorCode", "ErrorDetails", "LogResult"} ends every stream (docs/aws.md, streams). */
static void stream_complete(struct stream *stream, const struct eventstream_message *m) {
        json_t *end = json_loadb(m->payload, m->payload_len, 0, NULL);
        const char *code = json_text(end, "ErrorCode");

        stream->complete = true;
        stream->failed = *code != '\0';
        if (stream->log)
                print_log(json_text(end, "LogResult"));
        if (stream->failed) {
                fflush(stdout);
                complain("the function failed: %s: %s", code, json_text(end, "ErrorDetails"));
        }
        json_decref(end);
}

static void stream_message(struct stream *stream, const struct eventstream_message *m) {
        const char *type;
        size_t len;

        if (eventstream_header_value(m, ":event-type", &type, &len))
                stream->broken = true;
        else if (len == strlen("PayloadChunk") && memcmp(type, "PayloadChunk", len) == 0)
                fwrite(m->payload, 1, m->payload_len, stdout);
        else if (len == strlen("InvokeComplete") && memcmp(type, "InvokeComplete", len) == 0)
                stream_complete(stream, m);
}

static bool stream_on_some(void *owner, const char *data, size_t len) {
        struct stream *stream = owner;
        int r = buf_append(&stream->held, data, len);

        while (!r && !stream->broken && stream->held.len) {
                struct eventstream_message message;
                int found = eventstream_parse(buf_data(&stream->held), stream->held.len, &message);

                if (found == EVENTSTREAM_MORE)
                        break;
                if (found != EVENTSTREAM_MESSAGE) {
                        r = -EBADMSG;
                        break;
                }
                stream_message(stream, &message);
                buf_consume(&stream->held, message.total_len);
        }
        fflush(stdout);
        stream->broken = stream->broken || r;
        return !stream->broken;
}

static int invoke_stream(struct client *client, const struct invoke_options *options, const char *name,
                         const struct buf *event) {
        AUTO(str) char *target = invoke_target(options, name), *fields = invoke_fields(options);
        struct stream stream = { .held = BUF_NULL(FRAME_MAX), .log = options->log };
        struct answer answer;
        int r = client_stream(client, HTTP_POST_, target, fields, buf_data(event), event->len, stream_on_some,
                              &stream, &answer);

        if (!r && answer.status >= 300)
                r = client_complain(client, &answer);
        else if (!r && (stream.broken || !stream.complete))
                r = complain("the stream broke off before its end");
        answer_release(&answer);
        buf_deinit(&stream.held);
        return r || stream.failed ? 1 : 0;
}

static int run_invoke(void *values, const struct strings *operands) {
        const struct invoke_options *options = values;
        AUTO(buf) struct buf event = BUF_NULL(EVENT_BYTES_MAX);
        struct client client;
        int r;

        if (options->stream && options->client.json) {
                complain("--stream prints the bytes as they come, so it does not go with --json");
                return 2;
        }
        if (event_read(options->event, &event) || client_open(&client, &options->client))
                return 2;
        r = (options->stream ? invoke_stream : invoke_whole)(&client, options, operands->items[0], &event);
        client_close(&client);
        return r;
}

static const struct option invoke_table[] = {
        { "event", 0, NULL, OPTION_TEXT, "JSON|@FILE|-", NULL, "the payload; - reads standard input",
          OPTION_AT(struct invoke_options, event) },
        { "stream", 0, NULL, OPTION_FLAG, "", NULL, "print the answer's bytes as the function sends them",
          OPTION_AT(struct invoke_options, stream) },
        { "log", 0, NULL, OPTION_FLAG, "", NULL,
          "print the end of the invocation's log (4 KB) on standard error",
          OPTION_AT(struct invoke_options, log) },
        { "qualifier", 0, NULL, OPTION_TEXT, "VERSION", NULL, "a version or an alias",
          OPTION_AT(struct invoke_options, qualifier) },
        CLIENT_OPTIONS(struct invoke_options),
        {},
};

const struct command invoke_command = {
        .name = "invoke",
        .operands = "NAME",
        .summary = "invoke a function and print its answer",
        .details = "The answer goes to standard output. When the function failed, its error is the answer "
                   "and the exit status is 1.",
        .options = invoke_table,
        .values_size = sizeof(struct invoke_options),
        .operands_least = 1,
        .operands_most = 1,
        .run = run_invoke,
};
