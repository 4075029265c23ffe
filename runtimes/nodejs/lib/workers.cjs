// SPDX-License-Identifier: Apache-2.0
// Parallel invocations (managed instances): one loop per worker thread, each polling again without waiting for the
// invocation it has just taken.
'use strict';

const fs = require('fs');
const net = require('net');
const os = require('os');
const { Worker, isMainThread } = require('worker_threads');

function cpuCount() {
  try {
    const [quota, period] = fs.readFileSync('/sys/fs/cgroup/cpu.max', 'utf8').trim().split(/\s+/);
    if (quota === 'max') return Math.max(1, os.cpus().length);
    return Math.max(1, Math.ceil(Number(quota) / Number(period)) || 1);
  } catch {
    return 1;
  }
}

function workerCount() {
  return parseInt(process.env.AWS_LAMBDA_NODEJS_WORKER_COUNT, 10) || 8 * cpuCount();
}

// Flags that size the heap of the whole process are refused for a thread.
function workerFlags() {
  const refused = ['--expose-gc', '--max-semi-space-size', '--max-old-space-size'];
  return process.execArgv.filter((flag) => !refused.some((name) => flag.startsWith(name)));
}

function startAll() {
  for (let i = 0; i < workerCount(); i++) {
    const worker = new Worker(require.resolve('../index.cjs'), { env: process.env, execArgv: workerFlags() });
    worker.on('error', (error) => process.stderr.write(`Worker ${i} error: ${error?.stack ?? error}\n`));
  }
}

function openLogSocket(path) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(path);
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket._handle.fd));
  });
}

async function serveThread() {
  const path = process.env._LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET;
  await require('./runtime.cjs').run(path ? await openLogSocket(path) : 1);
}

function start() {
  if (isMainThread) {
    startAll();
  } else {
    serveThread();
  }
}

module.exports = { start };
