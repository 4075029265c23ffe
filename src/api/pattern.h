/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern - the regular expressions of AWS's model, matched as Java's Matcher.matches does: against the whole text
 *
 * POSIX's matchers lack what the model uses (\d, \p{L}, looking ahead), and a backtracking one would let a client
 * choose how long a check takes. So a pattern is compiled to a small program, and all the ways through it are
 * followed at once: time is the length of the text times that of the program. Known are alternatives, groups
 * (also named as not capturing), classes with ranges and escapes, \d \s \w and their opposites, \p{L} \p{N} \p{Z},
 * \xHH \uHHHH, the dot, ^ $, the quantifiers * + ? {n} {n,} {n,m}, (?=…) (?!…) and (?<!x) of one character.
 */
#pragma once
#include "base/map.h"

struct pattern;

/* NULL: it uses something that is not known here. */
struct pattern *pattern_new(const char *text);
void pattern_free(struct pattern *p);
DEFINE_FREEP(pattern)
/* text: UTF-8; a byte that is none counts as a character of its own. */
bool pattern_matches(const struct pattern *p, const char *text);

/* Patterns by their text, compiled when they are asked for first. */
struct pattern_cache {
        struct map map;
};

void pattern_cache_init(struct pattern_cache *cache);
void pattern_cache_deinit(struct pattern_cache *cache);
/* The pattern must be one that is known here (tests/unit/api proves it of the whole model). */
bool pattern_cache_matches(struct pattern_cache *cache, const char *pattern, const char *text);
