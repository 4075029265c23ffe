/* SPDX-License-Identifier: Apache-2.0 */
#include "base/util.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/socket.h>

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
        size_t total;

        /* The C library's calloc goes past its per-thread cache of small blocks; malloc does not. */
        if (!__builtin_mul_overflow(count, size, &total) && total <= KIB)
                return memset(xmalloc(total), 0, total);
        return checked(calloc(count, size));
}

void *xrealloc(void *p, size_t size) {
        return checked(realloc(p, size ? size : 1));
}

char *xstrdup(const char *s) {
        return checked(strdup(s));
}

char *xstrndup(const char *s, size_t len) {
        return xmemdup(s, strnlen(s, len));
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

int fd_hang_up(int fd) {
        int saved = errno;

        shutdown(fd, SHUT_RDWR);
        errno = saved;
        return fd_close(fd);
}

uint64_t fd_read_number(int fd) {
        char text[32];
        ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

        text[MAX(n, (ssize_t)0)] = '\0';
        return strtoull(text, NULL, 10);
}

char *xstrcat(const char *first, ...) {
        size_t lens[STRS_MAX], len = 0, count = 0;
        char *text, *tail;
        va_list args;

        va_start(args, first);
        for (const char *s = first; s; s = va_arg(args, const char *)) {
                must(count < STRS_MAX);
                len += lens[count++] = strlen(s);
        }
        va_end(args);
        text = tail = xmalloc(len + 1);
        va_start(args, first);
        for (size_t i = 0; i < count; ++i)
                tail = mempcpy(tail, i ? va_arg(args, const char *) : first, lens[i]);
        va_end(args);
        *tail = 0;
        return text;
}

/* The digits before `end`; where they begin. */
static char *digits_before(char *end, uint64_t value) {
        do
                *--end = (char)('0' + value % 10);
        while (value /= 10);
        return end;
}

char *u64_text(uint64_t value, char ret_text[static U64_TEXT]) {
        char text[U64_TEXT], *end = text + sizeof(text), *at = digits_before(end, value);

        memcpy(ret_text, at, (size_t)(end - at));
        ret_text[end - at] = 0;
        return ret_text;
}

char *ms_text(nsec_t span, char ret_text[static U64_TEXT]) {
        uint64_t hundredths = span / (MILLISECOND / 100) + (span % (MILLISECOND / 100) >= MILLISECOND / 200);
        char *at;

        u64_text(hundredths / 100, ret_text);
        at = ret_text + strlen(ret_text);
        *at++ = '.';
        *at++ = (char)('0' + hundredths % 100 / 10);
        *at++ = (char)('0' + hundredths % 10);
        *at = 0;
        return ret_text;
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
