/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/aws_keys.h"

#include <fcntl.h>

#define FILE_MAX MIB

void aws_keys_clear(struct aws_keys *keys) {
        free(keys->key);
        free(keys->secret);
        free(keys->token);
        *keys = (struct aws_keys){};
}

/* ---- the file: "[profile]", then lines "name = value" ---- */

struct word {
        const char *start;
        size_t len;
};

static struct word trim(const char *s, size_t len) {
        while (len && (s[0] == ' ' || s[0] == '\t'))
                s++, len--;
        while (len && (s[len - 1] == ' ' || s[len - 1] == '\t' || s[len - 1] == '\r'))
                len--;
        return (struct word){ s, len };
}

static bool word_is(struct word w, const char *text) {
        return w.len == strlen(text) && memcmp(w.start, text, w.len) == 0;
}

static void keep(char **text, struct word value) {
        free(*text);
        *text = value.len ? xstrndup(value.start, value.len) : NULL;
}

static void read_member(struct word line, struct aws_keys *keys) {
        const char *equals = memchr(line.start, '=', line.len);
        struct word name, value;

        if (!equals || line.start[0] == '#' || line.start[0] == ';')
                return;
        name = trim(line.start, (size_t)(equals - line.start));
        value = trim(equals + 1, line.len - (size_t)(equals + 1 - line.start));
        if (word_is(name, "aws_access_key_id"))
                keep(&keys->key, value);
        else if (word_is(name, "aws_secret_access_key"))
                keep(&keys->secret, value);
        else if (word_is(name, "aws_session_token"))
                keep(&keys->token, value);
}

int aws_keys_read(const char *text, size_t len, const char *profile, struct aws_keys *ret_keys) {
        bool ours = false;

        *ret_keys = (struct aws_keys){};
        for (const char *s = text, *end = text + len; s < end;) {
                const char *newline = memchr(s, '\n', (size_t)(end - s));
                size_t line_len = (size_t)((newline ? newline : end) - s);
                struct word line = trim(s, line_len);

                if (line.len >= 2 && line.start[0] == '[' && line.start[line.len - 1] == ']')
                        ours = word_is(trim(line.start + 1, line.len - 2), profile);
                else if (ours && line.len)
                        read_member(line, ret_keys);
                s += line_len + 1;
        }
        if (ret_keys->key && ret_keys->secret)
                return 0;
        aws_keys_clear(ret_keys);
        return -ENOENT;
}

/* ---- where they are ---- */

static int read_file(const char *path, struct buf *text) {
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char some[4096];
        ssize_t n;
        int r = 0;

        if (fd < 0)
                return -errno;
        while (!r && (n = read(fd, some, sizeof(some))) > 0)
                r = buf_append(text, some, (size_t)n);
        return r ?: n < 0 ? -errno : 0;
}

static char *file_path(void) {
        const char *path = getenv("AWS_SHARED_CREDENTIALS_FILE"), *home = getenv("HOME");

        if (path && *path)
                return xstrdup(path);
        return home && *home == '/' ? xasprintf("%s/.aws/credentials", home) : NULL;
}

int aws_keys_find(struct aws_keys *ret_keys, char **ret_problem) {
        const char *key = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY"),
                   *token = getenv("AWS_SESSION_TOKEN"), *profile = getenv("AWS_PROFILE");
        AUTO(buf) struct buf text = BUF_NULL(FILE_MAX);
        AUTO(str) char *path = NULL;
        int r;

        *ret_keys = (struct aws_keys){};
        if (key && *key && secret && *secret) {
                *ret_keys = (struct aws_keys){ xstrdup(key), xstrdup(secret),
                                               token && *token ? xstrdup(token) : NULL };
                return 0;
        }
        path = file_path();
        if (!path)
                return -ENOENT;
        r = read_file(path, &text);
        if (r && r != -ENOENT)
                *ret_problem = xasprintf("cannot read AWS's credentials in %s: %s", path, strerror(-r));
        return r
                       ?: aws_keys_read(buf_data(&text), text.len, profile && *profile ? profile : "default",
                                        ret_keys);
}
