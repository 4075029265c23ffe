/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_lines.h"

#include <jansson.h>

static bool take_line(struct log_lines *lines, const char *line, size_t len) {
        json_t *json = json_loadb(line, len, JSON_ALLOW_NUL, NULL);
        const char *text = json_string_value(json_object_get(json, "message"));
        const char *stream = json_string_value(json_object_get(json, "stream"));
        AUTO(str) char *message = text ? xstrdup(text) : NULL;
        size_t end = message ? strlen(message) : 0;

        while (end && (message[end - 1] == '\n' || message[end - 1] == '\r'))
                message[--end] = '\0';
        if (message)
                lines->on_record(lines->owner,
                                 &(struct log_record){
                                         .time_ms = json_number_value(json_object_get(json, "time")),
                                         .stream = stream ? stream : "",
                                         .message = message,
                                 },
                                 line, len);
        json_decref(json);
        return message != NULL;
}

bool log_lines_take(struct log_lines *lines, const char *data, size_t len) {
        const char *newline;

        if (buf_append(&lines->held, data, len))
                return false;
        while (lines->held.len && (newline = memchr(buf_data(&lines->held), '\n', lines->held.len))) {
                size_t line_len = (size_t)(newline - buf_data(&lines->held));

                /* An empty line keeps the connection alive. */
                if (line_len && !take_line(lines, buf_data(&lines->held), line_len))
                        return false;
                buf_consume(&lines->held, line_len + 1);
        }
        return true;
}
