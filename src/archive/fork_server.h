/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork_server - lambent-archive that is loaded once and forks a helper whenever it is asked for one (helper.h)
 *
 * It has one thread, opens nothing foreign and confines nothing: that is each helper's own, as if it had been started by
 * itself. It ends when nobody is at the other end of its socket any more.
 */
#pragma once

/* run: the helper, its descriptors in their places; what it returns is its exit status. Returns the fork server's. */
int fork_server(int (*run)(int argc, char **argv));
