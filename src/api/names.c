/* SPDX-License-Identifier: Apache-2.0 */
#include "api/names.h"

#include <string.h>

#include "base/util.h"

/* No form has more. */
#define PARTS_MAX 9

static bool is_lower(char c) {
        return c >= 'a' && c <= 'z';
}

static bool is_letter(char c) {
        return is_lower(c) || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

static bool part_is(struct name_part p, const char *word) {
        return p.len == strlen(word) && memcmp(p.start, word, p.len) == 0;
}

static bool is_word(struct name_part p, const char *also) {
        for (size_t i = 0; i < p.len; i++)
                if (!is_letter(p.start[i]) && !is_digit(p.start[i]) && !strchr("-_", p.start[i]) &&
                    !strchr(also, p.start[i]))
                        return false;
        return p.len > 0;
}

/* (aws[a-zA-Z-]*)? */
static bool is_partition(struct name_part p) {
        if (p.len == 0)
                return true;
        if (p.len < 3 || memcmp(p.start, "aws", 3) != 0)
                return false;
        for (size_t i = 3; i < p.len; i++)
                if (!is_letter(p.start[i]) && p.start[i] != '-')
                        return false;
        return true;
}

/* (eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}; the middle is a word, so it takes "-gov" and "-iso?"
 * too. */
static bool is_region(struct name_part p) {
        const char *s = p.start, *end = p.start + p.len;
        unsigned words = 0;

        if (p.len > 5 && memcmp(s, "eusc-", 5) == 0)
                s += 5;
        if (end - s < 6 || !is_lower(s[0]) || !is_lower(s[1]) || s[2] != '-' || !is_digit(end[-1]) ||
            end[-2] != '-')
                return false;
        for (s += 3, end -= 2; s < end; words++) {
                const char *word = s;

                while (s < end && is_lower(*s))
                        s++;
                if (s == word || (s < end && *s != '-'))
                        return false;
                /* Of two words the first is gov, iso or iso and a letter. */
                if (s < end) {
                        bool gov = s - word == 3 && memcmp(word, "gov", 3) == 0;
                        bool iso = (s - word == 3 || s - word == 4) && memcmp(word, "iso", 3) == 0;

                        if (words > 0 || !(gov || iso) || ++s == end)
                                return false;
                }
        }
        return words > 0;
}

static bool is_account(struct name_part p) {
        for (size_t i = 0; i < p.len; i++)
                if (!is_digit(p.start[i]))
                        return false;
        return p.len == 12;
}

/* 0: more parts than any form has. */
static size_t split(const char *text, struct name_part *parts) {
        size_t count = 0;

        for (const char *s = text;; s++) {
                size_t len = strcspn(s, ":");

                if (count == PARTS_MAX)
                        return 0;
                parts[count++] = (struct name_part){ s, len };
                s += len;
                if (!*s)
                        return count;
        }
}

static bool is_qualifier(struct name_part p, bool namespaced) {
        return part_is(p, "$LATEST") || (namespaced && part_is(p, "$LATEST.PUBLISHED")) || is_word(p, "");
}

/* The pattern's tail from its optional stage on; a stage that could match is tried first, then left out, as a
 * matcher does. */
static bool match_from(int stage, const struct name_part *p, size_t n, bool namespaced,
                       struct function_name *ret_name) {
        if (n == 0)
                return false;
        switch (stage) {
        case 0:
                if (n > 3 && part_is(p[0], "arn") && is_partition(p[1]) && part_is(p[2], "lambda") &&
                    match_from(1, p + 3, n - 3, namespaced, ret_name))
                        return true;
                return match_from(1, p, n, namespaced, ret_name);
        case 1:
                if (n > 1 && is_region(p[0]) && match_from(2, p + 1, n - 1, namespaced, ret_name)) {
                        ret_name->region = p[0];
                        return true;
                }
                return match_from(2, p, n, namespaced, ret_name);
        case 2:
                if (n > 1 && is_account(p[0]) && match_from(3, p + 1, n - 1, namespaced, ret_name)) {
                        ret_name->account = p[0];
                        return true;
                }
                return match_from(3, p, n, namespaced, ret_name);
        case 3:
                if (n > 1 && part_is(p[0], "function") && match_from(4, p + 1, n - 1, namespaced, ret_name))
                        return true;
                return match_from(4, p, n, namespaced, ret_name);
        default:
                if (n > 2 || !is_word(p[0], namespaced ? "." : "") ||
                    (n == 2 && !is_qualifier(p[1], namespaced)))
                        return false;
                ret_name->name = p[0];
                if (n == 2)
                        ret_name->qualifier = p[1];
                return true;
        }
}

bool function_name_parse(const char *text, bool namespaced, struct function_name *ret_name) {
        struct name_part parts[PARTS_MAX];
        size_t count = split(text, parts);

        *ret_name = (struct function_name){};
        return match_from(0, parts, count, namespaced, ret_name);
}

static char *part_or(struct name_part part, const char *otherwise) {
        return part.start ? xstrndup(part.start, part.len) : xstrdup(otherwise);
}

void function_place_read(const char *text, const char *account, const char *region,
                         struct function_place *ret_place) {
        struct function_name parsed;

        if (!function_name_parse(text, true, &parsed))
                parsed = (struct function_name){};
        *ret_place = (struct function_place){ part_or(parsed.account, account),
                                              part_or(parsed.region, region), part_or(parsed.name, text) };
}

void function_place_freep(struct function_place *place) {
        free(place->account);
        free(place->region);
        free(place->name);
}

bool qualifier_is_valid(const char *text) {
        return streq(text, "$LATEST") || streq(text, "$LATEST.PUBLISHED") ||
               is_word((struct name_part){ text, strlen(text) }, "$");
}

bool qualifier_is_alias(const char *text) {
        struct name_part p = { text, strlen(text) };

        return is_word(p, "") && strspn(text, "0123456789") != p.len;
}

bool layer_name_parse(const char *text, struct layer_name *ret_name) {
        struct name_part p[PARTS_MAX];
        size_t count = split(text, p);

        *ret_name = (struct layer_name){};
        if (count == 1 && is_word(p[0], "")) {
                ret_name->name = p[0];
                return true;
        }
        if (count != 7 || !part_is(p[0], "arn") || !is_partition(p[1]) || !part_is(p[2], "lambda") ||
            !is_region(p[3]) || !is_account(p[4]) || !part_is(p[5], "layer") || !is_word(p[6], ""))
                return false;
        *ret_name = (struct layer_name){ p[3], p[4], p[6] };
        return true;
}

bool layer_version_arn_parse(const char *text, struct layer_name *ret_name, unsigned long long *ret_number) {
        const char *last = strrchr(text, ':');
        struct name_part p[PARTS_MAX];
        size_t count = split(text, p);
        AUTO(str) char *layer = NULL;
        uint64_t number;

        *ret_name = (struct layer_name){};
        if (count == 7 && part_is(p[0], "arn") && part_is(p[2], "lambda") && p[1].len > 0 &&
            is_word(p[1], "") && !memchr(p[1].start, '_', p[1].len) && p[3].len == 0 && p[4].len == 0 &&
            part_is(p[5], "awslayer") && is_word(p[6], "")) {
                *ret_name = (struct layer_name){ p[3], p[4], p[6] };
                *ret_number = 0;
                return true;
        }
        if (count != 8 || p[7].len == 0 || strspn(p[7].start, "0123456789") != p[7].len)
                return false;
        layer = xstrndup(text, (size_t)(last - text));
        if (!layer_name_parse(layer, ret_name))
                return false;
        *ret_name = (struct layer_name){ p[3], p[4], p[6] };
        /* A number past all bounds names nothing; zero says so as well. */
        *ret_number = str_to_u64(last + 1, INT64_MAX, &number) == 0 ? number : 0;
        return true;
}
