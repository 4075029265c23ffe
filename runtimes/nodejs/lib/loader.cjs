// SPDX-License-Identifier: Apache-2.0
// From the handler's name to the function itself.
'use strict';

const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');
const errors = require('./errors.cjs');
const { Generation } = require('./generation.cjs');

const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');
const CALLBACKS_22 =
  'ERROR: AWS Lambda does not support callback-based function handlers when using Node.js 22 with Managed Instances. To use Managed Instances, modify this function to use a supported handler signature. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';
const CALLBACKS_24 =
  'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.';

// As if required from AWS's own entry file: its name shows in the "Require stack" of a missing module.
const requireUser = createRequire(path.resolve(process.env.LAMBDA_RUNTIME_DIR || '/var/runtime', 'index.mjs'));

class HttpResponseStream {
  static from(underlyingStream, prelude) {
    underlyingStream.setContentType('application/vnd.awslambda.http-integration-response');
    const metadata = JSON.stringify(prelude);
    underlyingStream._onBeforeFirstWrite = (write) => {
      write(metadata);
      write(new Uint8Array(8));
    };
    return underlyingStream;
  }
}

function setGlobals() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) return;
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse(handler, options) {
      handler[STREAMING] = 'response';
      if (typeof options?.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
      return handler;
    },
    HttpResponseStream,
  };
  if (Generation.modern) globalThis.awslambda.InvokeStore = require('./invoke-store.cjs').modernStore();
}

function parseHandlerName(full) {
  if (full.includes('..')) {
    throw new errors.MalformedHandlerName(
      `'${full}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const base = path.basename(full);
  const match = /^([^.]*)\.(.*)$/.exec(base);
  if (match === null) throw new errors.MalformedHandlerName('Bad handler');
  return { moduleRoot: full.slice(0, full.indexOf(base)), moduleName: match[1], handlerPath: match[2] };
}

function readPackageType(file) {
  try {
    const content = JSON.parse(fs.readFileSync(file));
    return content ? content.type === 'module' : undefined;
  } catch (error) {
    console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
    return false;
  }
}

function isInModulePackage(folder) {
  if (folder.endsWith('/node_modules')) return false;
  const file = path.join(folder, '/package.json');
  const type = fs.existsSync(file) ? readPackageType(file) : undefined;
  if (type !== undefined) return type;
  return folder === '/' ? false : isInModulePackage(path.resolve(folder, '..'));
}

function tryRequire(file) {
  return fs.existsSync(file) ? requireUser(file) : undefined;
}

async function tryImport(file) {
  return fs.existsSync(file) ? import(file) : undefined;
}

async function loadClassic(file) {
  const plain = tryRequire(file);
  if (plain) return plain;
  const isModule = fs.existsSync(`${file}.js`) && isInModulePackage(path.dirname(file));
  if (!isModule) {
    const script = tryRequire(`${file}.js`);
    if (script) return script;
  }
  return (isModule && (await tryImport(`${file}.js`))) || (await tryImport(`${file}.mjs`)) || tryRequire(`${file}.cjs`);
}

async function loadModern(file) {
  for (const extension of ['', '.js', '.mjs', '.cjs']) {
    const loaded = await tryImport(file + extension);
    if (loaded) return loaded;
  }
  return undefined;
}

async function loadModule(appRoot, moduleRoot, moduleName) {
  const file = path.resolve(appRoot, moduleRoot, moduleName);
  try {
    const loaded = await (Generation.modern ? loadModern(file) : loadClassic(file));
    if (loaded) return loaded;
    const paths = [appRoot, Generation.modern ? path.join(appRoot, moduleRoot) : moduleRoot];
    return requireUser(requireUser.resolve(moduleName, { paths }));
  } catch (error) {
    throw toInitError(error);
  }
}

function toInitError(error) {
  if (error instanceof SyntaxError) {
    const wrapped = new errors.UserCodeSyntaxError(error);
    if (Generation.modern) wrapped.stack = error.stack;
    return wrapped;
  }
  if (error !== null && error !== undefined && error.code === 'MODULE_NOT_FOUND') {
    return new errors.ImportModuleError(error);
  }
  return error;
}

function findIn(root, handlerPath) {
  return handlerPath.split('.').reduce((value, key) => {
    if (Generation.modern) return value && typeof value === 'object' ? value[key] : undefined;
    return value && value[key];
  }, root);
}

function resolveHandler(loaded, handlerPath, full) {
  let handler = findIn(loaded, handlerPath);
  if (!handler && Generation.modern && typeof loaded === 'object' && loaded !== null && 'default' in loaded) {
    handler = findIn(loaded.default, handlerPath);
  }
  if (!handler) throw new errors.HandlerNotFound(`${full} is undefined or not exported`);
  if (typeof handler !== 'function') throw new errors.HandlerNotFound(`${full} is not a function`);
  return handler;
}

function describeHandler(handler) {
  const mode = handler[STREAMING];
  if (mode && mode !== 'response') {
    throw new errors.MalformedStreamingHandler('Only response streaming is supported.');
  }
  const mark = parseInt(handler[HIGH_WATER_MARK], 10);
  const streaming = Boolean(mode);
  if (Generation.modern && handler.length >= 3 && !streaming) {
    const on22 = process.env.AWS_EXECUTION_ENV === 'AWS_Lambda_nodejs22.x';
    throw new errors.CallbackHandlerDeprecated(on22 ? CALLBACKS_22 : CALLBACKS_24);
  }
  return { handler, streaming, highWaterMark: Number.isNaN(mark) ? undefined : mark };
}

async function load(appRoot, full) {
  setGlobals();
  const { moduleRoot, moduleName, handlerPath } = parseHandlerName(full);
  const loaded = await loadModule(appRoot, moduleRoot, moduleName);
  return describeHandler(resolveHandler(loaded, handlerPath, full));
}

module.exports = { load };
