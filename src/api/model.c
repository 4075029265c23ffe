/* SPDX-License-Identifier: Apache-2.0 */
#include "api/model.h"

#include "base/util.h"

const struct model_operation *model_find(const struct model_operation *table, size_t count,
                                         const char *name) {
        size_t low = 0, high = count;

        while (low < high) {
                size_t middle = (low + high) / 2;
                int order = strcmp(name, table[middle].name);

                if (order == 0)
                        return &table[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}

const struct model_operation *model_operation(const char *name) {
        return model_find(model_operations, model_operation_count, name);
}
