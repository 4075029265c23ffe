/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

const bool stage_is_linked = false, stage_is_lent = false;

struct environment *stage_make(struct stage *st, const struct supervisor_options *options) {
        return supervisor_new(options);
}

void stage_unmake(struct stage *st) {
}
