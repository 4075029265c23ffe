/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>

#include "lib/tls_private.h"

static struct libcurl curl;
static const char *problem = "it was not loaded";

#define NAMED(member) \
        { "curl_" #member, offsetof(struct libcurl, member) }

static const struct {
        const char *name;
        size_t at;
} symbols[] = {
        NAMED(global_init),         NAMED(version_info),        NAMED(easy_init),    NAMED(easy_setopt),
        NAMED(easy_getinfo),        NAMED(easy_recv),           NAMED(easy_send),    NAMED(easy_strerror),
        NAMED(easy_cleanup),        NAMED(multi_init),          NAMED(multi_setopt), NAMED(multi_add_handle),
        NAMED(multi_remove_handle), NAMED(multi_socket_action), NAMED(multi_assign), NAMED(multi_info_read),
        NAMED(multi_cleanup),
};

static void *open_library(void) {
        static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
        const char *chosen = getenv("LAMBENT_LIBCURL");
        void *library = NULL;

        if (chosen && *chosen)
                return dlopen(chosen, RTLD_NOW | RTLD_LOCAL);
        for (size_t i = 0; i < ARRAY_SIZE(names) && !library; ++i)
                library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        return library;
}

/* What openssl-rehash(1) makes: "b0e59380.0". */
static bool is_hash(const char *name) {
        for (int i = 0; i < 8; ++i)
                if (!isxdigit((unsigned char)name[i]))
                        return false;
        return name[8] == '.' && isdigit((unsigned char)name[9]);
}

static bool holds_hashes(const char *folder) {
        DIR *dir = folder ? opendir(folder) : NULL;
        const struct dirent *entry;
        bool found = false;

        while (dir && !found && (entry = readdir(dir)))
                found = is_hash(entry->d_name);
        if (dir)
                closedir(dir);
        return found;
}

static const char *load(void) {
        const curl_version_info_data *info;
        void *library = open_library();

        if (!library)
                return "TLS needs libcurl, which cannot be loaded: install the package libcurl4 (Debian, Ubuntu) or libcurl (elsewhere)";
        for (size_t i = 0; i < ARRAY_SIZE(symbols); ++i) {
                void *symbol = dlsym(library, symbols[i].name);

                if (!symbol)
                        return "TLS needs a whole libcurl of version 7.70 or newer, and the one that is here is none";
                memcpy((char *)&curl + symbols[i].at, &symbol, sizeof(symbol));
        }
        if (curl.global_init(CURL_GLOBAL_DEFAULT))
                return "libcurl does not start";
        info = curl.version_info(CURLVERSION_NOW);
        if (!(info->features & CURL_VERSION_SSL))
                return "the libcurl that is here was built without TLS: install the package libcurl4 (Debian, Ubuntu) or libcurl (elsewhere)";
        /* GnuTLS reads every file of a folder. */
        if (info->age >= CURLVERSION_SEVENTH && info->ssl_version && strstr(info->ssl_version, "OpenSSL") &&
            holds_hashes(info->capath))
                curl.trusted_dir = info->capath;
        return NULL;
}

static void load_once(void) {
        problem = load();
}

const struct libcurl *libcurl_load(const char **ret_problem) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;

        pthread_once(&once, load_once);
        *ret_problem = problem;
        return problem ? NULL : &curl;
}
