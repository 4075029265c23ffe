/* SPDX-License-Identifier: Apache-2.0 */
/*
 * util - the handful of words that every room speaks
 *
 * must(x)      our own invariant; checked in every build, never used on input.
 * AUTO(noun)   runs noun_freep() when the variable leaves its scope; TAKE(p) hands the value over.
 * fault(r)     passes a negative errno on and, at log level debug, says where it came from.
 * xcalloc & co allocate small objects of ours and abort without memory: sizes chosen by a peer never come here,
 *              they go through the capped struct buf.
 *
 * Time spans and instants are nsec_t: nanoseconds, always.
 */
#pragma once
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef uint64_t nsec_t;

#define MICROSECOND ((nsec_t)1000)
#define MILLISECOND ((nsec_t)1000 * MICROSECOND)
#define SECOND ((nsec_t)1000 * MILLISECOND)
#define NSEC_NEVER UINT64_MAX

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#define MIN(a, b) \
        ({ \
                __typeof__(a) min_a_ = (a); \
                __typeof__(b) min_b_ = (b); \
                min_a_ < min_b_ ? min_a_ : min_b_; \
        })
#define MAX(a, b) \
        ({ \
                __typeof__(a) max_a_ = (a); \
                __typeof__(b) max_b_ = (b); \
                max_a_ > max_b_ ? max_a_ : max_b_; \
        })

#define AUTO(noun) __attribute__((cleanup(noun##_freep)))
#define TAKE(p) \
        ({ \
                __typeof__(p) take_ = (p); \
                (p) = NULL; \
                take_; \
        })
#define TAKE_FD(fd) \
        ({ \
                int take_ = (fd); \
                (fd) = -1; \
                take_; \
        })

/* Declares x_freep() for AUTO(x) from x_free(struct x *). */
#define DEFINE_FREEP(noun) \
        static inline void noun##_freep(struct noun **p) { \
                noun##_free(*p); \
        }

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

_Noreturn void must_failed(const char *claim, const char *file, int line);
#define must(claim) ((claim) ? (void)0 : must_failed(#claim, __FILE__, __LINE__))

int fault_at(int r, const char *file, int line);
#define fault(r) fault_at((r), __FILE__, __LINE__)

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t len);
char *xmemdup(const void *p, size_t len); /* NUL-terminated copy */
char *xasprintf(const char *format, ...) PRINTF_LIKE(1, 2);
/* All of them (at most STRS_MAX) up to a NULL in one string. */
#define STRS_MAX 24
char *xstrcat(const char *first, ...) __attribute__((sentinel));

static inline void str_freep(char **s) {
        free(*s);
}

/* Closes fd if it is one, keeps errno; returns -1 so that fd = fd_close(fd) reads well. */
int fd_close(int fd);
/* The same of a socket; its peer hears of it even if a fork of this process has it, too. */
int fd_hang_up(int fd);
/* The number that a file of the kernel's (a cgroup's, say) begins with; 0: there is none, or no file. */
uint64_t fd_read_number(int fd);
static inline void fd_freep(int *fd) {
        fd_close(*fd);
}

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}
static inline bool str_starts(const char *s, const char *prefix) {
        return strncmp(s, prefix, strlen(prefix)) == 0;
}
/* The beginning of s that fits, NUL-terminated. */
static inline void str_fit(char *to, size_t size, const char *s) {
        size_t len = strnlen(s, size - 1);

        memcpy(to, s, len);
        to[len] = 0;
}
/* In decimal; returns ret_text, so that it can stand in a list of strings. */
#define U64_TEXT 24
char *u64_text(uint64_t value, char ret_text[static U64_TEXT]);
/* As milliseconds with two digits behind the point, as in AWS's logs. */
char *ms_text(nsec_t span, char ret_text[static U64_TEXT]);
/* Decimal digits only, the whole string, at most max; -EINVAL otherwise. */
int str_to_u64(const char *s, uint64_t max, uint64_t *ret_value);
