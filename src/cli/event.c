/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/event.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/json.h"
#include "cli/command.h"

static int read_file(const char *path, int fd, struct buf *buf) {
        int r = 0;

        while (!r) {
                char *tail;
                ssize_t len;

                r = buf_reserve(buf, 64 * KIB, &tail);
                if (r)
                        break;
                len = read(fd, tail, 64 * KIB);
                if (len == 0)
                        return 0;
                if (len < 0)
                        r = -errno;
                else
                        buf_commit(buf, (size_t)len);
        }
        complain("--event %s: %s", path,
                 r == -E2BIG ? "is larger than an event may be (6 MB)" : strerror(-r));
        return r;
}

int event_read(const char *argument, struct buf *ret_event) {
        struct json_error error;
        int r;

        if (!argument)
                return 0;
        if (streq(argument, "-")) {
                r = read_file("-", STDIN_FILENO, ret_event);
        } else if (*argument == '@') {
                AUTO(fd) int fd = open(argument + 1, O_RDONLY | O_CLOEXEC);

                if (fd < 0) {
                        r = -errno;
                        complain("--event %s: %s", argument, strerror(-r));
                        return r;
                }
                r = read_file(argument, fd, ret_event);
        } else {
                r = buf_append_str(ret_event, argument);
        }
        if (!r && json_validate(buf_data(ret_event), ret_event->len, &error)) {
                complain("--event is not JSON: line %zu, column %zu: %s%s", error.line, error.column,
                         error.reason,
                         *argument == '@' || *argument == '-' || *argument == '{' || *argument == '['
                                 ? ""
                                 : " (a string needs its own quotes: --event '\"text\"'; a file is --event "
                                   "@FILE)");
                r = -EINVAL;
        }
        return r;
}

void print_payload(const char *data, size_t len) {
        fwrite(data, 1, len, stdout);
        if (!len || data[len - 1] != '\n')
                putchar('\n');
}
