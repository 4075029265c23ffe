/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/date.h"

enum log_level log_level_now = LOG_INFO;

static const char *const level_names[] = {
        [LOG_ERROR] = "error",
        [LOG_WARN] = "warn",
        [LOG_INFO] = "info",
        [LOG_DEBUG] = "debug",
};

void log_silence(void) {
        log_level_now = (enum log_level)(-1);
}

const char *log_level_name(enum log_level level) {
        return level_names[level];
}

int log_level_from_name(const char *name, enum log_level *ret_level) {
        for (size_t i = 0; i < ARRAY_SIZE(level_names); ++i)
                if (streq(name, level_names[i])) {
                        *ret_level = (enum log_level)i;
                        return 0;
                }
        return -EINVAL;
}

/* What is quoted comes from outside: it may not end the line, nor speak to the terminal. */
static void defuse(char *text, size_t len) {
        for (size_t i = 0; i < len; ++i)
                if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
                        text[i] = ' ';
}

/* One write per line, so that lines of two processes do not mix; longer lines are cut. */
void log_write(enum log_level level, const char *format, ...) {
        char line[2048], date[DATE_TEXT];
        struct timespec now;
        size_t len, head;
        ssize_t sent;
        va_list args;
        int saved = errno, n;

        clock_gettime(CLOCK_REALTIME, &now);
        date_text((nsec_t)now.tv_sec * SECOND + (nsec_t)now.tv_nsec, date);
        len = head = (size_t)snprintf(line, sizeof(line), "%s %-5s ", date, level_names[level]);
        va_start(args, format);
        n = vsnprintf(line + len, sizeof(line) - len - 1, format, args);
        va_end(args);
        len = MIN(len + (size_t)MAX(n, 0), sizeof(line) - 2);
        defuse(line + head, len - head);
        line[len++] = '\n';
        sent = write(STDERR_FILENO, line, len);
        (void)sent; /* nobody listens: nothing better to do */
        errno = saved;
}
