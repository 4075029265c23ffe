/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rights.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

int rights_never_more(void) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
        for (int cap = 0; cap <= CAP_LAST_CAP; ++cap)
                if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
                        return -errno;
        return 0;
}

int rights_keep(uint32_t capabilities) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = { { .effective = capabilities, .permitted = capabilities } };

        return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}
