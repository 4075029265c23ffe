/* SPDX-License-Identifier: Apache-2.0 */
/*
 * foreign_layers - layer versions of other accounts: put into the store by hand, or fetched from AWS when a function names one
 *
 * A layer version never changes, so a copy under its own ARN is as good as AWS's. `lambent layer import` sends one;
 * with --layers-from-aws an operation that names an unknown one asks GetLayerVersionByArn with the user's credentials,
 * fetches the Location and begins again.
 */
#pragma once
#include "api/request.h"

struct api_layers;

/* At the beginning of an operation whose body may have Layers. True: run(r) is called again some turns later, or the
 * request is answered with why not. */
bool foreign_layers_fetch(struct api_request *r, void (*run)(struct api_request *r));
void api_layers_free(struct api_layers *l); /* NULL is legal */
