# SPDX-License-Identifier: Apache-2.0
"""moto's server: an S3 (and more) on a free port of this machine."""

import os
import re
import subprocess
import sys
import threading

START_SECONDS = 60


class Moto:
    def __init__(self):
        # moto's own functions would need an engine; and nobody shall find credentials in the environment.
        env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        self.process = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], env=env,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.url = None
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(START_SECONDS) or not self.url:
            self.stop()
            raise RuntimeError("moto's server did not start")

    def _read(self):
        for line in self.process.stderr:
            found = re.search(r"Running on (http://\S+:\d+)", line)
            if found:
                self.url = found[1]
                self._ready.set()
        self._ready.set()

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self._reader.join()
        self.process.stderr.close()
