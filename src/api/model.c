/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model.h"

#include "base/util.h"

/* The table is in the order of names. */
const struct model_operation *model_operation(const char *name) {
        size_t low = 0, high = model_operation_count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = strcmp(name, model_operations[middle].name);

                if (order == 0)
                        return &model_operations[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}
