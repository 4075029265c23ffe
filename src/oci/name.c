/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/name.h"

#define ACCOUNT_DIGITS 12
#define REPOSITORY_MAX 255 /* registry and repository together, as engines limit it */
#define TAG_MAX 128
#define SHA256_PREFIX "sha256:"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Words of small letters and digits with ".", "_", "__" or any number of "-" between them. */
static bool is_path_component(const char *s, size_t len) {
        size_t i = 0;

        for (;;) {
                size_t word = strspn(s + i, LOWER DIGITS), dashes;

                if (word == 0 || i + word > len)
                        return false;
                i += word;
                if (i == len)
                        return true;
                dashes = strspn(s + i, "-");
                if (dashes > 0)
                        i += dashes;
                else if (s[i] == '.')
                        i++;
                else if (s[i] == '_')
                        i += s[i + 1] == '_' ? 2 : 1;
                else
                        return false;
                if (i >= len)
                        return false;
        }
}

static bool is_repository(const char *s) {
        for (;;) {
                size_t len = strcspn(s, "/");

                if (!is_path_component(s, len))
                        return false;
                if (!s[len])
                        return true;
                s += len + 1;
        }
}

static bool is_host(const char *s, size_t len) {
        for (size_t i = 0; i < len;) {
                size_t label = strspn(s + i, LOWER UPPER DIGITS "-");

                if (label == 0 || s[i] == '-' || s[i + label - 1] == '-')
                        return false;
                i += label;
                if (i < len && s[i++] != '.')
                        return false;
                if (i == len && s[i - 1] == '.')
                        return false;
        }
        return len > 0;
}

static bool is_registry(const char *s) {
        const char *port = s;
        size_t host;

        if (*s == '[') {
                host = 1 + strspn(s + 1, DIGITS "abcdefABCDEF:");
                if (host == 1 || s[host] != ']')
                        return false;
                port = s + host + 1;
        } else {
                host = strcspn(s, ":");
                if (!is_host(s, host))
                        return false;
                port = s + host;
        }
        if (!*port)
                return true;
        return *port == ':' && port[1] && port[1 + strspn(port + 1, DIGITS)] == '\0';
}

static bool is_tag(const char *s) {
        size_t len = strspn(s, LOWER UPPER DIGITS "_.-");

        return len > 0 && len <= TAG_MAX && !s[len] && *s != '.' && *s != '-';
}

/* Whether the part before the first slash is meant as a host. */
static bool names_registry(const char *s, size_t len) {
        if (len == strlen("localhost") && memcmp(s, "localhost", len) == 0)
                return true;
        return memchr(s, '.', len) || memchr(s, ':', len) || *s == '[';
}

/* Cuts text at the digest and the tag, in place. */
static bool take_suffixes(char *text, struct image_name *n) {
        char *at = strchr(text, '@'), *slash, *colon;

        if (at) {
                const char *hex = at + 1 + strlen(SHA256_PREFIX);

                if (!str_starts(at + 1, SHA256_PREFIX) || strspn(hex, DIGITS "abcdef") != SHA256_HEX_LEN ||
                    hex[SHA256_HEX_LEN])
                        return false;
                n->sha256 = xstrdup(hex);
                *at = '\0';
        }
        slash = strrchr(text, '/');
        colon = strrchr(slash ? slash : text, ':');
        if (colon) {
                if (!is_tag(colon + 1))
                        return false;
                n->tag = xstrdup(colon + 1);
                *colon = '\0';
        }
        return true;
}

static bool take_path(const char *text, struct image_name *n) {
        size_t first = strcspn(text, "/");

        if (strlen(text) > REPOSITORY_MAX)
                return false;
        if (text[first] && names_registry(text, first)) {
                n->registry = xstrndup(text, first);
                text += first + 1;
        }
        n->repository = xstrdup(text);
        return (!n->registry || is_registry(n->registry)) && is_repository(n->repository);
}

int image_name_parse(const char *text, struct image_name *ret_name) {
        AUTO(str) char *copy = NULL;

        *ret_name = (struct image_name){};
        if (strlen(text) > IMAGE_NAME_MAX)
                return -EINVAL;
        copy = xstrdup(text);
        if (take_suffixes(copy, ret_name) && take_path(copy, ret_name))
                return 0;
        image_name_clear(ret_name);
        return -EINVAL;
}

void image_name_clear(struct image_name *name) {
        free(name->registry);
        free(name->repository);
        free(name->tag);
        free(name->sha256);
        *name = (struct image_name){};
}

static char *join(const struct image_name *n, const char *separator, const char *what) {
        return xstrcat(n->registry ? n->registry : "", n->registry ? "/" : "", n->repository, separator, what,
                       NULL);
}

char *image_name_pinned(const struct image_name *name, const char *sha256) {
        return join(name, "@" SHA256_PREFIX, sha256);
}

char *image_name_tagged(const struct image_name *name) {
        return join(name, ":", name->tag ? name->tag : "latest");
}

char *image_name_repository(const struct image_name *name) {
        return join(name, "", "");
}

/* What names no registry is of this one, where what has one part is a part of "library". */
static bool is_default_registry(const char *registry) {
        return !registry || streq(registry, "docker.io") || streq(registry, "index.docker.io");
}

static bool same_registry(const char *a, const char *b) {
        if (!a || !b)
                return is_default_registry(a ?: b) || streq(a ?: b, "localhost");
        return streq(a, b) || (is_default_registry(a) && is_default_registry(b));
}

static const char *short_repository(const struct image_name *n) {
        const char *rest = n->repository + strlen("library/");

        return is_default_registry(n->registry) && str_starts(n->repository, "library/") ? rest
                                                                                         : n->repository;
}

bool image_name_same_repository(const struct image_name *a, const struct image_name *b) {
        return same_registry(a->registry, b->registry) && streq(short_repository(a), short_repository(b));
}

bool image_name_is_private_ecr(const struct image_name *name) {
        const char *at = name->registry ? name->registry : "", *rest = at + strspn(at, "0123456789");

        if (rest - at != ACCOUNT_DIGITS || !str_starts(rest, ".dkr.ecr."))
                return false;
        rest += strlen(".dkr.ecr.");
        rest += strspn(rest, "abcdefghijklmnopqrstuvwxyz0123456789-");
        return streq(rest, ".amazonaws.com") || streq(rest, ".amazonaws.com.cn");
}
