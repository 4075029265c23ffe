/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"

void must_failed(const char *claim, const char *file, int line) {
        fprintf(stderr, "lambent: broken invariant: %s (%s:%d)\n", claim, file, line);
        abort();
}

int fault_at(int r, const char *file, int line) {
        if (r < 0 && log_enabled(LOG_DEBUG))
                log_debug("fault error=\"%s\" at=%s:%d", strerror(-r), file, line);
        return r;
}

static void *checked(void *p) {
        if (!p) {
                static const char text[] = "lambent: out of memory\n";
                ssize_t written = write(STDERR_FILENO, text, sizeof(text) - 1);

                (void)written;
                abort();
        }
        return p;
}

void *xmalloc(size_t size) {
        return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size) {
        return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t size) {
        return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s) {
        return checked(strdup(s));
}

char *xstrndup(const char *s, size_t len) {
        return checked(strndup(s, len));
}

char *xmemdup(const void *p, size_t len) {
        char *copy = xmalloc(len + 1);

        if (len)
                memcpy(copy, p, len);
        copy[len] = 0;
        return copy;
}

char *xasprintf(const char *format, ...) {
        va_list args;
        char *s = NULL;

        va_start(args, format);
        if (vasprintf(&s, format, args) < 0)
                s = NULL;
        va_end(args);
        return checked(s);
}

int fd_close(int fd) {
        if (fd >= 0) {
                int saved = errno;

                close(fd);
                errno = saved;
        }
        return -1;
}

int str_to_u64(const char *s, uint64_t max, uint64_t *ret_value) {
        uint64_t value = 0;

        if (!*s)
                return -EINVAL;
        for (; *s; ++s) {
                if (*s < '0' || *s > '9')
                        return -EINVAL;
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
                        return -EINVAL;
        }
        if (value > max)
                return -EINVAL;
        *ret_value = value;
        return 0;
}
