/* SPDX-License-Identifier: Apache-2.0 */
/*
 * list - a doubly linked list whose links live inside the objects
 *
 * An object that is on no list has a link that points at itself or is all zero; list_unlink is legal on both, so
 * a destructor can always call it. The head is a link of its own: LIST_INIT it before use.
 */
#pragma once
#include "base/util.h"

struct list {
        struct list *next, *prev;
};

static inline void list_init(struct list *l) {
        l->next = l->prev = l;
}
static inline bool list_is_empty(const struct list *head) {
        return head->next == head || !head->next;
}
static inline bool list_is_linked(const struct list *l) {
        return l->next && l->next != l;
}
static inline void list_link_after(struct list *where, struct list *l) {
        l->next = where->next;
        l->prev = where;
        where->next->prev = l;
        where->next = l;
}
static inline void list_push_front(struct list *head, struct list *l) {
        list_link_after(head, l);
}
static inline void list_push_back(struct list *head, struct list *l) {
        list_link_after(head->prev, l);
}
static inline void list_unlink(struct list *l) {
        if (l->next) {
                l->next->prev = l->prev;
                l->prev->next = l->next;
        }
        list_init(l);
}

#define list_first(head, type, member) (list_is_empty(head) ? NULL : container_of((head)->next, type, member))
#define list_last(head, type, member) (list_is_empty(head) ? NULL : container_of((head)->prev, type, member))
/* Walks the list; the current object may unlink or free itself. */
#define list_each(var, head, member) \
        for (struct list *var##_at_ = (head)->next, *var##_next_ = NULL; \
             var##_at_ != (head) && \
             (var##_next_ = var##_at_->next, var = container_of(var##_at_, __typeof__(*var), member), 1); \
             var##_at_ = var##_next_)
