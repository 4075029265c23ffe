/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map - a hash table from strings to objects; the nodes live inside the objects
 *
 * Keys belong to the objects and must not change while they are in the map. The hash is keyed with a random seed
 * (SipHash-1-3, Aumasson and Bernstein 2012), so that names chosen by a client cannot make it degenerate.
 * Grows by doubling; never shrinks.
 */
#pragma once
#include "base/util.h"

struct map_node {
        struct map_node *next;
        const char *key;
        uint64_t hash;
};

struct map {
        struct map_node **slots;
        size_t slot_count, count;
};

void map_init(struct map *map);
void map_deinit(struct map *map); /* frees the table, not the objects */
struct map_node *map_find(const struct map *map, const char *key);
/* The key must not be in the map yet. */
void map_add(struct map *map, struct map_node *node, const char *key);
void map_remove(struct map *map, struct map_node *node);
/* Walks all nodes in no order: start with NULL, ends with NULL. Do not change the map meanwhile. */
struct map_node *map_next(const struct map *map, const struct map_node *node);

#define map_entry(node, type, member) ((node) ? container_of(node, type, member) : NULL)
