// SPDX-License-Identifier: Apache-2.0
// AWS has two clients in use: one up to nodejs22.x, with callbacks and handlers for stray errors, and one from
// nodejs24.x on, without either. Which one we imitate depends on the runtime that was asked for, not on the
// interpreter that happens to be installed.
'use strict';

const env = process.env;

function requestedMajor() {
  const named = /^AWS_Lambda_nodejs(\d+)\.x$/.exec(env.AWS_EXECUTION_ENV || '');
  return named ? Number(named[1]) : Number(process.versions.node.split('.', 1)[0]);
}

function isMultiConcurrent() {
  return env.AWS_LAMBDA_MAX_CONCURRENCY !== undefined;
}

// Parallel invocations exist only in the newer client, whatever the version.
const modern = requestedMajor() >= 24 || isMultiConcurrent();

exports.Generation = { modern, isMultiConcurrent };
