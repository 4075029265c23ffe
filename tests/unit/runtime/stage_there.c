/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

const bool stage_is_lent = false;
