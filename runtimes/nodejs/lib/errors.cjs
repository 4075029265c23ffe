// SPDX-License-Identifier: Apache-2.0
// Errors as answers, as log lines and as X-Ray causes.
'use strict';

const { Generation } = require('./generation.cjs');

// The newer client sets the name on each error, where it shows among the logged members.
function named(name) {
  class RuntimeError extends Error {
    constructor(message) {
      super(message);
      if (Generation.modern) this.name = `Runtime.${name}`;
    }
  }
  RuntimeError.prototype.name = `Runtime.${name}`;
  return RuntimeError;
}

const ImportModuleError = named('ImportModuleError');
const HandlerNotFound = named('HandlerNotFound');
const MalformedHandlerName = named('MalformedHandlerName');
const MalformedStreamingHandler = named('MalformedStreamingHandler');
const InvalidStreamingOperation = named('InvalidStreamingOperation');
const JSONStringifyError = named('JSONStringifyError');
const CallbackHandlerDeprecated = named('CallbackHandlerDeprecated');
const UserCodeSyntaxError = named('UserCodeSyntaxError');

class UnhandledPromiseRejection extends Error {
  constructor(reason, promise) {
    super(reason);
    this.reason = reason;
    this.promise = promise;
  }
}
UnhandledPromiseRejection.prototype.name = 'Runtime.UnhandledPromiseRejection';

function isError(value) {
  if (value instanceof Error) return true;
  if (Generation.modern || !value) return false;
  // Errors of another realm (vm contexts, test frameworks) are told by their shape.
  return (
    require('util').types.isNativeError(value) ||
    ['name', 'message', 'stack'].every((key) => value[key] && typeof value[key] === 'string')
  );
}

function intoError(err) {
  if (err instanceof Error) return err;
  return new Error(Generation.modern ? String(err) : err);
}

// DEL would make the X-Ray header and some JSON readers stumble.
function escapeDelete(text) {
  return text === undefined || text === null ? text : text.replace(/\x7F/g, '%7F');
}

function traceOf(error) {
  const stack = escapeDelete(error.stack);
  // Without a stack the older client gives up on the whole error.
  return Generation.modern && !stack ? [] : stack.split('\n');
}

function toAnswer(error) {
  try {
    if (isError(error)) {
      return {
        errorType: escapeDelete(error.name),
        errorMessage: escapeDelete(error.message),
        trace: traceOf(error),
      };
    }
    return {
      errorType: typeof error,
      errorMessage: Generation.modern ? String(error) : error.toString(),
      trace: [],
    };
  } catch {
    const answer = {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
    };
    if (Generation.modern) answer.trace = [];
    return answer;
  }
}

function withEnumerableProperties(value) {
  if (!(value instanceof Error)) return value;
  const plain = Object.assign({ errorType: value.name, errorMessage: value.message, code: value.code }, value);
  if (typeof value.stack === 'string') plain.stack = value.stack.split('\n');
  return plain;
}

function toLogText(error) {
  try {
    return `\t${JSON.stringify(error, (_key, value) => withEnumerableProperties(value))}`;
  } catch {
    return `\t${JSON.stringify(toAnswer(error))}`;
  }
}

function stackEntry(stackLine) {
  const text = stackLine.trim().replace(/[()]/g, '');
  const line = text.slice(text.indexOf(' ') + 1);
  const space = line.lastIndexOf(' ');
  const [path, number] = line.slice(space + 1).split(':');
  return { path, line: parseInt(number, 10), label: space > 0 ? line.slice(0, space) : 'anonymous' };
}

function toXRayCause(error) {
  try {
    const stack = error.stack ? escapeDelete(error.stack).split('\n').slice(1).map(stackEntry) : [];
    return JSON.stringify({
      working_directory: process.cwd(),
      exceptions: [{ type: escapeDelete(error.name), message: escapeDelete(error.message), stack }],
      paths: [...new Set(stack.map((entry) => entry.path))],
    });
  } catch {
    return '';
  }
}

function serialize(value) {
  let text;
  try {
    text = JSON.stringify(value === undefined ? null : value);
  } catch {
    const message = 'Unable to stringify response body';
    throw Generation.modern ? new JSONStringifyError(message) : new Error(message);
  }
  // A function or a symbol has no JSON text at all; the words are those of AWS's native client.
  if (text === undefined) throw new TypeError('Wrong arguments');
  return text;
}

module.exports = {
  ImportModuleError,
  HandlerNotFound,
  MalformedHandlerName,
  MalformedStreamingHandler,
  InvalidStreamingOperation,
  CallbackHandlerDeprecated,
  UserCodeSyntaxError,
  UnhandledPromiseRejection,
  intoError,
  toAnswer,
  toLogText,
  toXRayCause,
  serialize,
};
