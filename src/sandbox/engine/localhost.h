/* SPDX-License-Identifier: Apache-2.0 */
/*
 * localhost - which ports of the developer's own machine a function's variables speak of
 *
 * Inside a container localhost is the container. So the values of the variables are searched for addresses of
 * localhost ("localhost", 127.0.0.1, [::1]) that name a port: in URLs and DSNs with one ("redis://:pw@localhost:6379/0") or
 * without (by the scheme), bare ("localhost:9092,localhost:9093"), as "host=localhost port=5432", and as two variables
 * (PGHOST and PGPORT). lambent-init listens on these ports and carries them over the link. Only what stands where an address can
 * stand counts: "notlocalhost:1" and "localhost:8080x" are none.
 */
#pragma once
#include "runtime/environment.h"

/* How many were found, at most `most`; each once, in the order of their appearance. */
size_t localhost_ports(const struct env_var *vars, size_t count, uint16_t *ret_ports, size_t most);
/* The value of var, which is one of vars, with `name` in the place of each localhost; malloc'ed. For containers without
 * our init, where nobody could listen. */
char *localhost_rewrite(const struct env_var *vars, size_t count, const struct env_var *var,
                        const char *name);
