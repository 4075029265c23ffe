/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/install.h"

#include <limits.h>

char *install_self(void) {
        char path[PATH_MAX];
        ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

        return len < 0 ? NULL : xstrndup(path, (size_t)len);
}

/* The first of: $variable/probe, <dir of self>/here/probe, <dir of self>/there/probe; answers the folder of
 * probe. */
static char *find(const char *variable, const char *here, const char *there, const char *probe,
                  char **ret_problem) {
        AUTO(str) char *self = install_self(), *sibling = NULL, *installed = NULL;
        const char *named = getenv(variable), *candidates[4] = {};
        size_t count = 0;

        if (!self) {
                *ret_problem =
                        xasprintf("/proc/self/exe cannot be read (%s): is /proc mounted?", strerror(errno));
                return NULL;
        }
        *strrchr(self, '/') = '\0';
        sibling = xasprintf("%s%s", self, here);
        installed = xasprintf("%s%s", self, there);
        if (named && *named)
                candidates[count++] = named;
        candidates[count++] = sibling;
        candidates[count++] = installed;
        for (size_t i = 0; i < count; i++) {
                AUTO(str) char *path = xasprintf("%s/%s", candidates[i], probe);

                if (access(path, F_OK) == 0)
                        return realpath(candidates[i], NULL);
        }
        *ret_problem = xasprintf(
                "%s is neither in %s nor in %s; set %s to the folder that has it, or install lambent again",
                probe, sibling, installed, variable);
        return NULL;
}

char *install_libexec(char **ret_problem) {
        return find("LAMBENT_LIBEXEC_DIR", "", "/../libexec/lambent", "lambent-launcher", ret_problem);
}

char *install_runtimes(char **ret_problem) {
        return find("LAMBENT_SHARE_DIR", "/runtimes", "/../share/lambent/runtimes", "python", ret_problem);
}
