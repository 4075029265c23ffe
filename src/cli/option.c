/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>

void strings_add(struct strings *list, const char *item) {
        list->items = xrealloc(list->items, (list->count + 2) * sizeof(*list->items));
        list->items[list->count++] = xstrdup(item);
        list->items[list->count] = NULL;
}

void strings_release(struct strings *list) {
        for (size_t i = 0; i < list->count; i++)
                free(list->items[i]);
        free(list->items);
        *list = (struct strings){};
}

static size_t edit_distance(const char *a, const char *b) {
        size_t row[64], a_len = strlen(a), b_len = strlen(b);

        if (a_len >= ARRAY_SIZE(row) || b_len >= ARRAY_SIZE(row))
                return SIZE_MAX;
        for (size_t j = 0; j <= b_len; j++)
                row[j] = j;
        for (size_t i = 1; i <= a_len; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= b_len; j++) {
                        size_t above = row[j], nearer = MIN(above, row[j - 1]) + 1;

                        row[j] = MIN(nearer, diagonal + (a[i - 1] != b[j - 1]));
                        diagonal = above;
                }
        }
        return row[b_len];
}

const char *word_nearest(const char *word, const char *(*at)(const void *words, size_t i),
                         const void *words) {
        const char *nearest = NULL, *candidate;
        size_t best = strlen(word) / 3 + 2;

        for (size_t i = 0; (candidate = at(words, i)); i++) {
                size_t distance = edit_distance(word, candidate);

                if (distance < best) {
                        best = distance;
                        nearest = candidate;
                }
        }
        return nearest;
}

static const char *option_name_at(const void *words, size_t i) {
        return ((const struct option *)words)[i].name;
}

const struct option *option_find(const struct option *table, const char *name, size_t len) {
        for (; table->name; table++) {
                if (strlen(table->name) == len && strncmp(table->name, name, len) == 0)
                        return table;
        }
        return NULL;
}

static int parse_flag(const char *text, bool *ret_value) {
        static const char *const yes[] = { "1", "true", "yes", "on" }, *const no[] = { "0", "false", "no",
                                                                                       "off", "" };

        for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
                if (strcasecmp(text, yes[i]) == 0) {
                        *ret_value = true;
                        return 0;
                }
        }
        for (size_t i = 0; i < ARRAY_SIZE(no); i++) {
                if (strcasecmp(text, no[i]) == 0) {
                        *ret_value = false;
                        return 0;
                }
        }
        return -EINVAL;
}

/* digits, perhaps a fraction of up to nine digits (spans only), then a unit. */
struct unit {
        const char *name;
        uint64_t factor;
};

static int parse_measure(const char *text, const struct unit *units, size_t count, uint64_t *ret_value) {
        uint64_t whole, factor = 0, fraction = 0, scale = 1;
        char *end;

        if (!isdigit((unsigned char)*text))
                return -EINVAL;
        errno = 0;
        whole = strtoull(text, &end, 10);
        if (errno)
                return -EINVAL;
        if (*end == '.') {
                for (end++; isdigit((unsigned char)*end) && scale < 1000000000; end++, scale *= 10)
                        fraction = fraction * 10 + (uint64_t)(*end - '0');
        }
        for (size_t i = 0; i < count; i++) {
                if (strcasecmp(end, units[i].name) == 0)
                        factor = units[i].factor;
        }
        if (!factor || __builtin_mul_overflow(whole, factor, &whole))
                return -EINVAL;
        /* In double only for the fraction: it has at most nine digits. */
        *ret_value = whole + (uint64_t)((double)fraction * (double)factor / (double)scale);
        return *ret_value < whole ? -EINVAL : 0;
}

static int parse_span(const char *text, nsec_t *ret_value) {
        static const struct unit units[] = {
                { "", SECOND },       { "us", MICROSECOND },  { "ms", MILLISECOND },       { "s", SECOND },
                { "m", 60 * SECOND }, { "h", 3600 * SECOND }, { "d", 24 * 3600 * SECOND },
        };

        if (streq(text, "never")) {
                *ret_value = NSEC_NEVER;
                return 0;
        }
        return parse_measure(text, units, ARRAY_SIZE(units), ret_value);
}

static int parse_bytes(const char *text, uint64_t *ret_value) {
        static const struct unit units[] = {
                { "", 1 },          { "b", 1 },          { "k", KIB },         { "kb", KIB },
                { "kib", KIB },     { "m", MIB },        { "mb", MIB },        { "mib", MIB },
                { "g", KIB * MIB }, { "gb", KIB * MIB }, { "gib", KIB * MIB },
        };

        return parse_measure(text, units, ARRAY_SIZE(units), ret_value);
}

static bool is_choice(const char *choices, const char *text) {
        size_t len = strlen(text);

        for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
                size_t span = strcspn(at, "|");

                if (span == len && strncmp(at, text, len) == 0)
                        return true;
        }
        return false;
}

static void set_text(char **field, const char *text) {
        free(*field);
        *field = xstrdup(text);
}

static int refuse(char **ret_problem, const char *source, const char *text, const char *wanted) {
        *ret_problem = xasprintf("%s: \"%s\" is not %s", source, text, wanted);
        return -EINVAL;
}

int option_set(const struct option *option, void *values, const char *source, const char *text,
               char **ret_problem) {
        void *field = (char *)values + option->offset;
        char wanted[128];

        switch (option->type) {
        case OPTION_FLAG:
                return parse_flag(text, field) ? refuse(ret_problem, source, text, "yes or no") : 0;
        case OPTION_TEXT:
        case OPTION_PATH:
                set_text(field, text);
                return 0;
        case OPTION_COUNT:
                if (str_to_u64(text, option->most ? option->most : INT64_MAX, field) == 0)
                        return 0;
                if (option->most)
                        snprintf(wanted, sizeof(wanted), "a whole number of at most %llu",
                                 (unsigned long long)option->most);
                else
                        snprintf(wanted, sizeof(wanted), "a whole number");
                return refuse(ret_problem, source, text, wanted);
        case OPTION_SPAN:
                return parse_span(text, field) ? refuse(ret_problem, source, text,
                                                        "a time span such as 50ms, 5s, 2m or never")
                                               : 0;
        case OPTION_BYTES:
                return parse_bytes(text, field)
                               ? refuse(ret_problem, source, text, "a size such as 512k, 64m or 1g")
                               : 0;
        case OPTION_CHOICE:
                if (!is_choice(option->value, text)) {
                        snprintf(wanted, sizeof(wanted), "one of %s", option->value);
                        return refuse(ret_problem, source, text, wanted);
                }
                set_text(field, text);
                return 0;
        case OPTION_LIST:
                strings_add(field, text);
                return 0;
        }
        return 0;
}

static uint64_t bit_of(const struct option_fill *fill, const struct option *option) {
        must(option - fill->table < 64);
        return UINT64_C(1) << (option - fill->table);
}

/* In the environment and in files a list is one text. */
static int set_list(const struct option *option, void *values, const char *source, const char *text,
                    char **ret_problem) {
        while (*text) {
                size_t len = strcspn(text, " \t,");
                AUTO(str) char *item = xstrndup(text, len);
                int r = len ? option_set(option, values, source, item, ret_problem) : 0;

                if (r)
                        return r;
                text += len;
                text += strspn(text, " \t,");
        }
        return 0;
}

static int set_from_text(const struct option *option, void *values, const char *source, const char *text,
                         char **ret_problem) {
        if (option->type == OPTION_LIST)
                return set_list(option, values, source, text, ret_problem);
        return option_set(option, values, source, text, ret_problem);
}

static int unknown_option(const struct option_fill *fill, const char *argument, size_t len,
                          char **ret_problem) {
        AUTO(str) char *name = xstrndup(argument, len);
        const char *nearest = word_nearest(name + strspn(name, "-"), option_name_at, fill->table);

        if (nearest)
                *ret_problem = xasprintf("there is no option %s; did you mean --%s?", name, nearest);
        else
                *ret_problem = xasprintf("there is no option %s; --help lists them", name);
        return -EINVAL;
}

/* --name, --name=value, --name value, --no-name. Moves *at past what it took. */
static int take_long(struct option_fill *fill, int argc, char **argv, int *at, char **ret_problem) {
        const char *name = argv[*at] + 2, *text = NULL;
        size_t len = strcspn(name, "=");
        const struct option *option = option_find(fill->table, name, len);
        bool negated = false;
        AUTO(str) char *source = NULL;

        if (!option && str_starts(name, "no-")) {
                option = option_find(fill->table, name + 3, len - 3);
                negated = option && option->type == OPTION_FLAG && name[len] == '\0';
                if (!negated)
                        option = NULL;
        }
        if (!option)
                return unknown_option(fill, argv[*at], len + 2, ret_problem);
        if (name[len] == '=')
                text = name + len + 1;
        else if (option->type == OPTION_FLAG)
                text = negated ? "no" : "yes";
        else if (*at + 1 < argc)
                text = argv[++*at];
        if (!text) {
                *ret_problem = xasprintf("--%s needs a value (%s)", option->name, option->value);
                return -EINVAL;
        }
        ++*at;
        fill->named |= bit_of(fill, option);
        source = xasprintf("--%s", option->name);
        return option_set(option, fill->values, source, text, ret_problem);
}

/* -f, -e value, -evalue. */
static int take_short(struct option_fill *fill, int argc, char **argv, int *at, char **ret_problem) {
        const char *argument = argv[*at], *text = argument[2] ? argument + 2 : NULL;
        const struct option *option = fill->table;
        char source[3] = { '-', argument[1], '\0' };

        while (option->name && option->letter != argument[1])
                option++;
        if (!option->name || (option->type == OPTION_FLAG && text))
                return unknown_option(fill, argument, strlen(argument), ret_problem);
        if (option->type == OPTION_FLAG)
                text = "yes";
        else if (!text && *at + 1 < argc)
                text = argv[++*at];
        if (!text) {
                *ret_problem = xasprintf("%s needs a value (%s)", source, option->value);
                return -EINVAL;
        }
        ++*at;
        fill->named |= bit_of(fill, option);
        return option_set(option, fill->values, source, text, ret_problem);
}

int option_fill_argv(struct option_fill *fill, int argc, char **argv, bool stop_at_operand,
                     struct strings *ret_operands, char **ret_problem) {
        bool options_over = false;
        int at = 1, r = 0;

        while (!r && at < argc) {
                if (options_over || argv[at][0] != '-' || argv[at][1] == '\0') {
                        options_over = options_over || stop_at_operand;
                        strings_add(ret_operands, argv[at++]);
                } else if (streq(argv[at], "--")) {
                        options_over = true;
                        at++;
                } else if (argv[at][1] == '-') {
                        r = take_long(fill, argc, argv, &at, ret_problem);
                } else {
                        r = take_short(fill, argc, argv, &at, ret_problem);
                }
        }
        return r;
}

int option_fill_environment(struct option_fill *fill, char **ret_problem) {
        for (const struct option *option = fill->table; option->name; option++) {
                const char *at = option->env;

                while (at && *at && !(fill->named & bit_of(fill, option))) {
                        AUTO(str) char *name = xstrndup(at, strcspn(at, " "));
                        const char *text = getenv(name);
                        int r;

                        at += strlen(name);
                        at += strspn(at, " ");
                        /* An empty variable is how a shell user takes a setting back. */
                        if (!text || !*text)
                                continue;
                        fill->named |= bit_of(fill, option);
                        r = set_from_text(option, fill->values, name, text, ret_problem);
                        if (r)
                                return r;
                }
        }
        return 0;
}

static char *trim(char *text) {
        char *end = text + strlen(text);

        while (end > text && isspace((unsigned char)end[-1]))
                *--end = '\0';
        return text + strspn(text, " \t");
}

static int take_line(struct option_fill *fill, char *line, const char *source,
                     bool (*known)(const char *name), char **ret_problem) {
        char *equals = strchr(line, '='), *name = trim(line), *text;
        const struct option *option;

        if (!*name || *name == '#')
                return 0;
        if (!equals) {
                *ret_problem = xasprintf("%s: \"%s\" is not of the form name = value", source, name);
                return -EINVAL;
        }
        *equals = '\0';
        name = trim(line);
        text = trim(equals + 1);
        option = option_find(fill->table, name, strlen(name));
        if (!(option && option->env) && !known(name)) {
                *ret_problem =
                        xasprintf("%s: there is no setting \"%s\"; lambent man lists them", source, name);
                return -EINVAL;
        }
        if (!option || !option->env || (fill->named & bit_of(fill, option)))
                return 0;
        fill->named |= bit_of(fill, option);
        return set_from_text(option, fill->values, source, text, ret_problem);
}

int option_fill_file(struct option_fill *fill, const char *path, bool (*known)(const char *name),
                     char **ret_problem) {
        FILE *file = fopen(path, "re");
        AUTO(str) char *line = NULL;
        size_t room = 0;
        int r = 0;

        if (!file)
                return -errno;
        for (unsigned number = 1; !r && getline(&line, &room, file) >= 0; number++) {
                AUTO(str) char *source = xasprintf("%s:%u", path, number);

                r = take_line(fill, line, source, known, ret_problem);
        }
        if (!r && ferror(file)) {
                r = errno ? -errno : -EIO;
                *ret_problem = xasprintf("%s: %s", path, strerror(-r));
        }
        fclose(file);
        return r;
}

int option_fill_initial(struct option_fill *fill, char **ret_problem) {
        for (const struct option *option = fill->table; option->name; option++) {
                int r = 0;

                if (option->initial && !(fill->named & bit_of(fill, option)))
                        r = set_from_text(option, fill->values, option->name, option->initial, ret_problem);
                if (r)
                        return r;
        }
        return 0;
}

void option_release(const struct option *table, void *values) {
        for (; table->name; table++) {
                void *field = (char *)values + table->offset;

                switch (table->type) {
                case OPTION_TEXT:
                case OPTION_PATH:
                case OPTION_CHOICE:
                        free(*(char **)field);
                        *(char **)field = NULL;
                        break;
                case OPTION_LIST:
                        strings_release(field);
                        break;
                case OPTION_FLAG:
                case OPTION_COUNT:
                case OPTION_SPAN:
                case OPTION_BYTES:
                        break;
                }
        }
}
