/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading is recursive descent, and each rule appends the program of what it has read. Jumps are relative, so a block
 * can be moved and copied as it is: that is how quantifiers are made. Matching keeps the set of places in the program
 * at which the text so far may have led (Thompson 1968); a group that looks ahead is a program of its own inside.
 */
#include "api/pattern.h"

#include <locale.h>
#include <wctype.h>

#define PROGRAM_MAX 8192
#define REPEAT_MAX 1000

enum op { OP_SET, OP_SPLIT, OP_JUMP, OP_BEGIN, OP_END, OP_AHEAD, OP_BEHIND, OP_MATCH };

struct instruction {
        enum op op;
        bool negative;   /* OP_AHEAD, OP_BEHIND */
        unsigned set;    /* OP_SET, OP_BEHIND */
        int next, other; /* relative: OP_SPLIT both, OP_JUMP and OP_AHEAD the first */
};

enum { SET_LETTERS = 1, SET_NUMBERS = 2, SET_SEPARATORS = 4 };

struct range {
        uint32_t low, high;
};

struct set {
        bool negative;
        unsigned classes;
        struct range *ranges;
        size_t count;
};

struct pattern {
        struct map_node node;
        char *text;
        struct instruction *program;
        size_t length;
        struct set *sets;
        size_t set_count;
};

struct reader {
        struct pattern *pattern;
        const char *at;
};

/* ---- the program ---- */

static bool append(struct pattern *p, struct instruction i) {
        if (p->length == PROGRAM_MAX)
                return false;
        p->program = xrealloc(p->program, (p->length + 1) * sizeof(i));
        p->program[p->length++] = i;
        return true;
}

/* Before a block; what is inside jumps inside. */
static bool insert(struct pattern *p, size_t at, struct instruction i) {
        if (!append(p, i))
                return false;
        memmove(&p->program[at + 1], &p->program[at], (p->length - 1 - at) * sizeof(i));
        p->program[at] = i;
        return true;
}

static bool append_copy(struct pattern *p, const struct instruction *block, size_t length) {
        for (size_t i = 0; i < length; i++)
                if (!append(p, block[i]))
                        return false;
        return true;
}

/* Zero times or once. */
static bool make_optional(struct pattern *p, size_t start) {
        int length = (int)(p->length - start);

        return insert(p, start, (struct instruction){ OP_SPLIT, .next = 1, .other = length + 1 });
}

/* Any number of times. */
static bool make_loop(struct pattern *p, size_t start) {
        int length = (int)(p->length - start);

        return insert(p, start, (struct instruction){ OP_SPLIT, .next = 1, .other = length + 2 }) &&
               append(p, (struct instruction){ OP_JUMP, .next = -length - 1 });
}

/* most < least: without an end. */
static bool make_repeated(struct pattern *p, size_t start, unsigned least, unsigned most) {
        size_t length = p->length - start;
        struct instruction *block = (void *)xmemdup(&p->program[start], length * sizeof(*block));
        bool endless = most < least, fine = true;

        p->length = start;
        for (unsigned i = 0; fine && i < least; i++)
                fine = append_copy(p, block, length);
        for (unsigned i = least; fine && !endless && i < most; i++) {
                size_t at = p->length;

                fine = append_copy(p, block, length) && make_optional(p, at);
        }
        if (fine && endless) {
                size_t at = p->length;

                fine = append_copy(p, block, length) && make_loop(p, at);
        }
        free(block);
        return fine;
}

/* ---- sets of characters ---- */

static struct set *set_new(struct pattern *p) {
        p->sets = xrealloc(p->sets, (p->set_count + 1) * sizeof(*p->sets));
        p->sets[p->set_count] = (struct set){};
        return &p->sets[p->set_count++];
}

static void set_add(struct set *set, uint32_t low, uint32_t high) {
        set->ranges = xrealloc(set->ranges, (set->count + 1) * sizeof(*set->ranges));
        set->ranges[set->count++] = (struct range){ low, high };
}

static bool is_separator(uint32_t c) {
        return c == ' ' || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
               c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static locale_t unicode(void) {
        static locale_t locale;

        if (!locale)
                locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
        return locale;
}

/* Without the locale, which every current C library brings along, all that is not ASCII counts as a letter. */
static bool is_in_classes(unsigned classes, uint32_t c) {
        bool letter, number;

        if (c < 0x80 || !unicode()) {
                letter = c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                number = c >= '0' && c <= '9';
        } else {
                letter = iswalpha_l((wint_t)c, unicode());
                number = iswalnum_l((wint_t)c, unicode());
        }
        return ((classes & SET_LETTERS) && letter) || ((classes & SET_NUMBERS) && number) ||
               ((classes & SET_SEPARATORS) && is_separator(c));
}

static bool set_has(const struct set *set, uint32_t c) {
        bool has = set->classes && is_in_classes(set->classes, c);

        for (size_t i = 0; !has && i < set->count; i++)
                has = c >= set->ranges[i].low && c <= set->ranges[i].high;
        return has != set->negative;
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

static bool read_hex(struct reader *r, unsigned digits, uint32_t *ret_c) {
        *ret_c = 0;
        for (unsigned i = 0; i < digits; i++) {
                int digit = hex_digit(*r->at);

                if (digit < 0)
                        return false;
                *ret_c = *ret_c * 16 + (uint32_t)digit;
                r->at++;
        }
        return true;
}

/* Behind a backslash: one character (true in *ret_one), or a class that is added to the set. */
static bool read_escape(struct reader *r, struct set *set, bool *ret_one, uint32_t *ret_c) {
        char c = *r->at++;

        *ret_one = false;
        switch (c) {
        case 'd':
                set_add(set, '0', '9');
                return true;
        case 'w':
                set_add(set, '0', '9'), set_add(set, 'a', 'z'), set_add(set, 'A', 'Z'),
                        set_add(set, '_', '_');
                return true;
        case 's':
                set_add(set, '\t', '\r'), set_add(set, ' ', ' ');
                return true;
        case 'S':
                set_add(set, 0, '\t' - 1), set_add(set, '\r' + 1, ' ' - 1), set_add(set, ' ' + 1, UINT32_MAX);
                return true;
        case 'p':
                if (r->at[0] != '{' || !r->at[1] || r->at[2] != '}' || !strchr("LNZ", r->at[1]))
                        return false;
                set->classes |= r->at[1] == 'L'   ? SET_LETTERS
                                : r->at[1] == 'N' ? SET_NUMBERS
                                                  : SET_SEPARATORS;
                r->at += 3;
                return true;
        case 'x':
                *ret_one = true;
                return read_hex(r, 2, ret_c);
        case 'u':
                *ret_one = true;
                return read_hex(r, 4, ret_c);
        default:
                /* Other letters and digits have meanings that are not known here. */
                if (!c || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
                        return false;
                *ret_c = (unsigned char)c;
                *ret_one = true;
                return true;
        }
}

/* One member of a class: a character, or what an escape stands for. */
static bool read_member(struct reader *r, struct set *set, bool *ret_one, uint32_t *ret_c) {
        if (!*r->at || *r->at == '[')
                return false;
        if (*r->at == '\\') {
                r->at++;
                return read_escape(r, set, ret_one, ret_c);
        }
        *ret_one = true;
        *ret_c = (unsigned char)*r->at++;
        return true;
}

/* Behind "[". A hyphen that neither begins nor ends a range is one of the characters. */
static bool read_class(struct reader *r, struct set *set) {
        set->negative = *r->at == '^';
        r->at += set->negative;
        while (*r->at != ']') {
                uint32_t low = 0, high = 0;
                bool one;

                if (!read_member(r, set, &one, &low))
                        return false;
                if (!one)
                        continue;
                high = low;
                if (r->at[0] == '-' && r->at[1] && r->at[1] != ']') {
                        r->at++;
                        if (!read_member(r, set, &one, &high) || !one || high < low)
                                return false;
                }
                set_add(set, low, high);
        }
        r->at++;
        return true;
}

/* ---- reading ---- */

static bool read_alternatives(struct reader *r);

/* Behind "(?<!": one character or class. */
static bool read_behind(struct reader *r) {
        struct pattern *p = r->pattern;
        struct set *set = set_new(p);
        uint32_t c = 0;
        bool one;

        if (!read_member(r, set, &one, &c) || *r->at++ != ')')
                return false;
        if (one)
                set_add(set, c, c);
        return append(p,
                      (struct instruction){ OP_BEHIND, .negative = true, .set = (unsigned)p->set_count - 1 });
}

static bool read_group(struct reader *r) {
        struct pattern *p = r->pattern;
        size_t start = p->length;
        bool ahead = false, negative = false;

        if (str_starts(r->at, "?<!")) {
                r->at += 3;
                return read_behind(r);
        }
        if (r->at[0] == '?') {
                if (!r->at[1] || !strchr("=!:", r->at[1]))
                        return false;
                ahead = r->at[1] != ':';
                negative = r->at[1] == '!';
                r->at += 2;
        }
        if (!read_alternatives(r) || *r->at++ != ')')
                return false;
        if (!ahead)
                return true;
        return append(p, (struct instruction){ OP_MATCH }) &&
               insert(p, start,
                      (struct instruction){ OP_AHEAD, .negative = negative,
                                            .next = (int)(p->length - start) + 1 });
}

static bool read_one(struct reader *r) {
        struct pattern *p = r->pattern;
        struct set *set = set_new(p);
        unsigned index = (unsigned)p->set_count - 1;
        uint32_t c = 0;
        bool one = true;

        if (*r->at == '[') {
                r->at++;
                if (!read_class(r, set))
                        return false;
                one = false;
        } else if (*r->at == '.') {
                r->at++;
                set->negative = true;
                set_add(set, '\n', '\n'), set_add(set, '\r', '\r'), set_add(set, 0x85, 0x85);
                set_add(set, 0x2028, 0x2029);
                one = false;
        } else if (strchr("*+?{", *r->at) || !read_member(r, set, &one, &c)) {
                return false;
        }
        if (one)
                set_add(set, c, c);
        return append(p, (struct instruction){ OP_SET, .set = index });
}

static bool read_count(struct reader *r, unsigned *ret_count) {
        unsigned count = 0;

        if (*r->at < '0' || *r->at > '9')
                return false;
        for (; *r->at >= '0' && *r->at <= '9'; r->at++) {
                count = count * 10 + (unsigned)(*r->at - '0');
                if (count > REPEAT_MAX)
                        return false;
        }
        *ret_count = count;
        return true;
}

static bool read_quantifier(struct reader *r, size_t start) {
        struct pattern *p = r->pattern;
        unsigned least, most;

        switch (*r->at) {
        case '*':
                r->at++;
                return make_loop(p, start);
        case '+':
                r->at++;
                return append(
                        p, (struct instruction){ OP_SPLIT, .next = (int)start - (int)p->length, .other = 1 });
        case '?':
                r->at++;
                return make_optional(p, start);
        case '{':
                r->at++;
                if (!read_count(r, &least))
                        return false;
                most = least;
                if (*r->at == ',') {
                        r->at++;
                        most = 0;
                        if (*r->at != '}' && (!read_count(r, &most) || most < least))
                                return false;
                        if (most == 0 && least == 0)
                                return *r->at++ == '}' && make_loop(p, start);
                }
                return *r->at++ == '}' && make_repeated(p, start, least, most);
        default:
                return true;
        }
}

static bool read_sequence(struct reader *r) {
        while (*r->at && *r->at != '|' && *r->at != ')') {
                size_t start = r->pattern->length;
                bool fine;

                if (*r->at == '^' || *r->at == '$')
                        fine = append(r->pattern,
                                      (struct instruction){ *r->at++ == '^' ? OP_BEGIN : OP_END });
                else if (*r->at == '(')
                        fine = (r->at++, read_group(r));
                else
                        fine = read_one(r);
                if (!fine || !read_quantifier(r, start))
                        return false;
        }
        return true;
}

static bool read_alternatives(struct reader *r) {
        struct pattern *p = r->pattern;
        size_t start = p->length, jump;

        if (!read_sequence(r))
                return false;
        if (*r->at != '|')
                return true;
        r->at++;
        if (!insert(p, start,
                    (struct instruction){ OP_SPLIT, .next = 1, .other = (int)(p->length - start) + 2 }) ||
            !append(p, (struct instruction){ OP_JUMP }))
                return false;
        jump = p->length - 1;
        if (!read_alternatives(r))
                return false;
        p->program[jump].next = (int)(p->length - jump);
        return true;
}

struct pattern *pattern_new(const char *text) {
        struct pattern *p = xcalloc(1, sizeof(*p));
        struct reader r = { p, text };

        p->text = xstrdup(text);
        if (read_alternatives(&r) && !*r.at && append(p, (struct instruction){ OP_MATCH }))
                return p;
        pattern_free(p);
        return NULL;
}

void pattern_free(struct pattern *p) {
        if (!p)
                return;
        for (size_t i = 0; i < p->set_count; i++)
                free(p->sets[i].ranges);
        free(p->sets);
        free(p->program);
        free(p->text);
        free(p);
}

/* ---- matching ---- */

/* The places that the text up to `at` may have led to. */
struct places {
        const struct pattern *pattern;
        const char *text, *at;
        unsigned *list;
        size_t count;
        bool *seen;
        bool matched;
};

static bool run(const struct pattern *p, size_t start, const char *text, const char *at, bool whole);

static uint32_t next_character(const char **at) {
        const unsigned char *s = (const unsigned char *)*at;
        unsigned more = s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
        uint32_t c = more ? s[0] & (0x3fu >> more) : s[0];

        for (unsigned i = 1; i <= more; i++) {
                if ((s[i] & 0xc0) != 0x80) {
                        (*at)++;
                        return s[0];
                }
                c = c << 6 | (s[i] & 0x3fu);
        }
        *at += more + 1;
        return c;
}

static bool is_behind(const struct set *set, const char *text, const char *at) {
        if (at == text)
                return false;
        do
                at--;
        while (at > text && ((unsigned char)*at & 0xc0) == 0x80);
        return set_has(set, next_character(&at));
}

static void places_add(struct places *s, size_t pc) {
        const struct pattern *p = s->pattern;
        const struct instruction *i = &p->program[pc];

        if (s->seen[pc])
                return;
        s->seen[pc] = true;
        switch (i->op) {
        case OP_SET:
                s->list[s->count++] = (unsigned)pc;
                break;
        case OP_SPLIT:
                places_add(s, pc + (size_t)i->next);
                places_add(s, pc + (size_t)i->other);
                break;
        case OP_JUMP:
                places_add(s, pc + (size_t)i->next);
                break;
        case OP_BEGIN:
                if (s->at == s->text)
                        places_add(s, pc + 1);
                break;
        case OP_END:
                if (!*s->at)
                        places_add(s, pc + 1);
                break;
        case OP_AHEAD:
                if (run(p, pc + 1, s->text, s->at, false) != i->negative)
                        places_add(s, pc + (size_t)i->next);
                break;
        case OP_BEHIND:
                if (is_behind(&p->sets[i->set], s->text, s->at) != i->negative)
                        places_add(s, pc + 1);
                break;
        case OP_MATCH:
                s->matched = true;
                break;
        }
}

/* whole: a match must end with the text. */
static bool run(const struct pattern *p, size_t start, const char *text, const char *at, bool whole) {
        unsigned *lists = xcalloc(2 * p->length, sizeof(*lists));
        bool *seen = xcalloc(p->length, sizeof(*seen));
        struct places now = { p, text, at, lists, 0, seen, false };
        bool result = false;

        places_add(&now, start);
        for (;;) {
                struct places then = { p, text, now.at, now.list == lists ? lists + p->length : lists,
                                       0, seen, false };
                uint32_t c;

                result = now.matched && (!whole || !*now.at);
                if (result || !*now.at || now.count == 0)
                        break;
                c = next_character(&then.at);
                memset(seen, 0, p->length * sizeof(*seen));
                for (size_t i = 0; i < now.count; i++)
                        if (set_has(&p->sets[p->program[now.list[i]].set], c))
                                places_add(&then, now.list[i] + 1);
                now = then;
        }
        free(lists);
        free(seen);
        return result;
}

bool pattern_matches(const struct pattern *p, const char *text) {
        return run(p, 0, text, text, true);
}

/* ---- the cache ---- */

void pattern_cache_init(struct pattern_cache *cache) {
        map_init(&cache->map);
}

void pattern_cache_deinit(struct pattern_cache *cache) {
        struct map_node *node;

        while ((node = map_next(&cache->map, NULL))) {
                map_remove(&cache->map, node);
                pattern_free(map_entry(node, struct pattern, node));
        }
        map_deinit(&cache->map);
}

bool pattern_cache_matches(struct pattern_cache *cache, const char *pattern, const char *text) {
        struct pattern *p = map_entry(map_find(&cache->map, pattern), struct pattern, node);

        if (!p) {
                p = pattern_new(pattern);
                must(p);
                map_add(&cache->map, &p->node, p->text);
        }
        return pattern_matches(p, text);
}
