/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/attach.h"

static int take_head(struct attach *a) {
        const unsigned char *h = a->head;

        if (h[0] > ATTACH_ERROR || h[1] || h[2] || h[3])
                return -EPROTO;
        a->left = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
        return 0;
}

int attach_feed(struct attach *a, const char *data, size_t len,
                bool (*each)(void *owner, enum attach_stream stream, const char *data, size_t len),
                void *owner) {
        while (len) {
                size_t some;

                if (!a->left) {
                        a->head[a->head_len++] = (unsigned char)*data++;
                        --len;
                        if (a->head_len < sizeof(a->head))
                                continue;
                        if (take_head(a))
                                return -EPROTO;
                        a->head_len = 0;
                        continue;
                }
                some = MIN((size_t)a->left, len);
                a->left -= (uint32_t)some;
                if (!each(owner, (enum attach_stream)a->head[0], data, some))
                        return 0;
                data += some;
                len -= some;
        }
        return 0;
}
