// SPDX-License-Identifier: Apache-2.0
// Loads the function, then hands the process to the generation that was asked for.
'use strict';

const { Client } = require('./client.cjs');
const errors = require('./errors.cjs');
const { Generation } = require('./generation.cjs');
const { load } = require('./loader.cjs');
const log = require('./log.cjs');

async function reportInitError(client, error) {
  const answer = errors.toAnswer(error);
  await client.postInitError(errors.serialize(answer), answer.errorType);
}

// NODE_PATH is read when Node starts; where nobody set it, the layers' folders are put in now.
function setModulePaths() {
  if (process.env.NODE_PATH !== undefined) return;
  const opt = process.env.LAMBENT_OPT_DIR || '/opt';
  const runtimeDir = process.env.LAMBDA_RUNTIME_DIR || '/var/runtime';
  const major = process.versions.node.split('.', 1)[0];
  const named = /^AWS_Lambda_nodejs(\d+)\.x$/.exec(process.env.AWS_EXECUTION_ENV || '');
  process.env.NODE_PATH = [
    `${opt}/nodejs/node${named ? named[1] : major}/node_modules`,
    `${opt}/nodejs/node_modules`,
    `${runtimeDir}/node_modules`,
    runtimeDir,
    process.env.LAMBDA_TASK_ROOT || '/var/task',
  ].join(':');
  require('module')._initPaths();
}

async function runModern(client, taskRoot, handlerName) {
  let loaded;
  try {
    loaded = await load(taskRoot, handlerName);
  } catch (error) {
    log.logError('Init Error', error);
    await reportInitError(client, error);
    throw error;
  }
  const { serve, serveParallel } = require('./modern.cjs');
  if (Generation.isMultiConcurrent()) {
    await serveParallel(client, loaded, () => new Client(process.env.AWS_LAMBDA_RUNTIME_API));
  } else {
    await serve(client, loaded);
  }
}

async function run(logFd) {
  setModulePaths();
  log.patchConsole(logFd);
  const client = new Client(process.env.AWS_LAMBDA_RUNTIME_API);
  const taskRoot = process.env.LAMBDA_TASK_ROOT || '/var/task';
  const handlerName = process.env._HANDLER || '';
  if (Generation.modern) {
    await runModern(client, taskRoot, handlerName);
    return;
  }
  const { ClassicRuntime } = require('./classic.cjs');
  const runtime = new ClassicRuntime(client, (error) => reportInitError(client, error));
  runtime.start(() => load(taskRoot, handlerName));
}

module.exports = { run };
