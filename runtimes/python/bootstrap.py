# SPDX-License-Identifier: Apache-2.0
# Started as `<python> -S <this file>`. Python compiles the main script anew at every start, so this file stays
# tiny and everything else lives in modules that can be cached.
from awslambdaric import bootstrap

if __name__ == "__main__":
    bootstrap.main()
