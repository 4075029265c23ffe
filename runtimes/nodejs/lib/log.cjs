// SPDX-License-Identifier: Apache-2.0
// `console` as AWS patches it: one line an event, text or JSON, filtered by level.
'use strict';

const fs = require('fs');
const util = require('util');
const errors = require('./errors.cjs');
const { Generation } = require('./generation.cjs');
const invokeStore = require('./invoke-store.cjs');

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
// Frames on a descriptor of the platform: type (4 bytes, with the level in it), length (4), microseconds (8),
// big-endian, then the message.
const FRAME_TEXT = 0xa55a0003;
const FRAME_JSON = 0xa55a0002;

let jsonFormat = false;

function textMessage(date, level, params) {
  return `${date.toISOString()}\t${invokeStore.requestId()}\t${level}\t${util.format(...params)}`;
}

function replaceErrors(_key, value) {
  if (!(value instanceof Error)) return value;
  return Object.assign(
    {
      errorType: value.constructor?.name ?? 'UnknownError',
      errorMessage: value.message,
      stackTrace: typeof value.stack === 'string' ? value.stack.split('\n') : value.stack,
    },
    value,
  );
}

function jsonMessage(date, level, params) {
  const record = { timestamp: date.toISOString(), level, requestId: invokeStore.requestId() };
  const tenantId = invokeStore.tenantId();
  if (tenantId !== undefined) record.tenantId = tenantId;
  if (params.length === 1) {
    [record.message] = params;
    try {
      return JSON.stringify(record, replaceErrors);
    } catch {
      record.message = util.format(record.message);
      return JSON.stringify(record);
    }
  }
  record.message = util.format(...params);
  const error = params.slice(Generation.modern ? 1 : 0).find((param) => param instanceof Error);
  if (error !== undefined) {
    record.errorType = error.constructor?.name ?? 'UnknownError';
    record.errorMessage = error.message;
    record.stackTrace = typeof error.stack === 'string' ? error.stack.split('\n') : [];
  }
  return JSON.stringify(record);
}

function lineWriter(write) {
  // A carriage return keeps many lines one event where lines are events.
  return (level, params) => {
    const message = jsonFormat ? jsonMessage(new Date(), level, params) : textMessage(new Date(), level, params);
    write(`${message.replace(/\n/g, '\r')}\n`);
  };
}

function frameWriter(fd) {
  return (level, params) => {
    const date = new Date();
    const text = jsonFormat ? jsonMessage(date, level, params) : `${textMessage(date, level, params)}\n`;
    const message = Buffer.from(text, 'utf8');
    const head = Buffer.alloc(16);
    const mask = (LEVELS.indexOf(level) + 1) * 4;
    head.writeUInt32BE(((jsonFormat ? FRAME_JSON : FRAME_TEXT) | mask) >>> 0, 0);
    head.writeUInt32BE(message.length, 4);
    head.writeBigInt64BE(BigInt(date.valueOf()) * 1000n, 8);
    fs.writeSync(fd, Buffer.concat([head, message]));
  };
}

function createWriter(fd) {
  if (fd !== undefined) return lineWriter((line) => fs.writeSync(fd, line));
  const frameFd = parseInt(process.env._LAMBDA_TELEMETRY_LOG_FD, 10);
  delete process.env._LAMBDA_TELEMETRY_LOG_FD;
  return frameFd >= 0 ? frameWriter(frameFd) : lineWriter((line) => process.stdout.write(line));
}

// With `fd`, lines go there instead of to standard output.
function patchConsole(fd) {
  jsonFormat = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
  const write = createWriter(fd);
  const asked = LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase());
  LEVELS.forEach((level, rank) => {
    const silent = rank < asked;
    // The first parameter is always there, as AWS's own functions are declared with it: console.log() prints
    // "undefined".
    console[level.toLowerCase()] = silent ? () => {} : (message, ...params) => write(level, [message, ...params]);
  });
  console.log = console.info;
}

function logError(title, error) {
  const value = errors.intoError(error);
  if (jsonFormat) {
    console.error(value);
  } else {
    console.error(title, errors.toLogText(value));
  }
}

module.exports = { patchConsole, logError };
