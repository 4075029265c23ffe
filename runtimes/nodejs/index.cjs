// SPDX-License-Identifier: Apache-2.0
// Started as `<node> [flags] <this file>`. A CommonJS entry saves loading Node's ES module machinery for functions
// that do not use it; `http` is never loaded at all.
'use strict';

const { Generation } = require('./lib/generation.cjs');

if (Generation.isMultiConcurrent()) {
  require('./lib/workers.cjs').start();
} else {
  require('./lib/runtime.cjs').run();
}
