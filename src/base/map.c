/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include "base/random.h"

static uint64_t seed[2];

static uint64_t rotate(uint64_t x, int by) {
        return x << by | x >> (64 - by);
}

static void sip_round(uint64_t v[4]) {
        v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
        v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static uint64_t sip_hash(const char *key, size_t len) {
        uint64_t v[4] = { seed[0] ^ 0x736f6d6570736575, seed[1] ^ 0x646f72616e646f6d,
                          seed[0] ^ 0x6c7967656e657261, seed[1] ^ 0x7465646279746573 };
        uint64_t word;
        size_t i;

        for (i = 0; i + 8 <= len; i += 8) {
                memcpy(&word, key + i, 8);
                v[3] ^= word;
                sip_round(v);
                v[0] ^= word;
        }
        word = (uint64_t)len << 56;
        for (size_t k = 0; i + k < len; ++k)
                word |= (uint64_t)(unsigned char)key[i + k] << (8 * k);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
        v[2] ^= 0xff;
        for (int k = 0; k < 3; ++k)
                sip_round(v);
        return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void map_init(struct map *map) {
        if (!seed[0])
                random_bytes(seed, sizeof(seed));
        *map = (struct map){};
}

void map_deinit(struct map *map) {
        free(map->slots);
        *map = (struct map){};
}

static struct map_node **slot_of(const struct map *map, uint64_t hash) {
        return &map->slots[hash & (map->slot_count - 1)];
}

struct map_node *map_find(const struct map *map, const char *key) {
        uint64_t hash;

        if (!map->count)
                return NULL;
        hash = sip_hash(key, strlen(key));
        for (struct map_node *node = *slot_of(map, hash); node; node = node->next)
                if (node->hash == hash && streq(node->key, key))
                        return node;
        return NULL;
}

static void grow(struct map *map) {
        struct map_node **old = map->slots;
        size_t old_count = map->slot_count;

        map->slot_count = MAX(old_count * 2, (size_t)16);
        map->slots = xcalloc(map->slot_count, sizeof(*map->slots));
        for (size_t i = 0; i < old_count; ++i)
                for (struct map_node *node = old[i], *next; node; node = next) {
                        struct map_node **slot = slot_of(map, node->hash);

                        next = node->next;
                        node->next = *slot;
                        *slot = node;
                }
        free(old);
}

void map_add(struct map *map, struct map_node *node, const char *key) {
        struct map_node **slot;

        if (map->count >= map->slot_count)
                grow(map);
        node->key = key;
        node->hash = sip_hash(key, strlen(key));
        slot = slot_of(map, node->hash);
        node->next = *slot;
        *slot = node;
        ++map->count;
}

void map_remove(struct map *map, struct map_node *node) {
        for (struct map_node **at = slot_of(map, node->hash); *at; at = &(*at)->next)
                if (*at == node) {
                        *at = node->next;
                        node->next = NULL;
                        --map->count;
                        return;
                }
        must(!"node is not in this map");
}

struct map_node *map_next(const struct map *map, const struct map_node *node) {
        size_t i = 0;

        if (node) {
                if (node->next)
                        return node->next;
                i = (node->hash & (map->slot_count - 1)) + 1;
        }
        for (; i < map->slot_count; ++i)
                if (map->slots[i])
                        return map->slots[i];
        return NULL;
}
