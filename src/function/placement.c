/* SPDX-License-Identifier: Apache-2.0 */
#include "function/placement.h"

struct placement *placement_new(const char *sandbox, char *why_consume, void *image,
                                void (*release)(void *image)) {
        struct placement *p = xcalloc(1, sizeof(*p));

        *p = (struct placement){
                .refs = 1, .sandbox = sandbox, .why = why_consume, .image = image, .release = release
        };
        return p;
}

struct placement *placement_ref(struct placement *p) {
        if (p)
                ++p->refs;
        return p;
}

void placement_unref(struct placement *p) {
        if (!p || --p->refs)
                return;
        if (p->image)
                p->release(p->image);
        free(p->why);
        free(p);
}
