// SPDX-License-Identifier: Apache-2.0
// The stream that a streaming handler writes into: a chunked request body, so that back-pressure of the caller
// reaches the function. An error is sent as trailers, even when nothing was written yet.
'use strict';

const { Writable } = require('stream');
const errors = require('./errors.cjs');

const ERROR_TYPE = 'Lambda-Runtime-Function-Error-Type';
const ERROR_BODY = 'Lambda-Runtime-Function-Error-Body';
const CRLF = Buffer.from('\r\n');

class ResponseStream extends Writable {
  constructor(wire, path, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this._wire = wire;
    this._path = path;
    this._contentType = 'application/octet-stream';
    this._socket = null;
    this._answer = null;
    this._trailers = '';
    this._written = false;
    // An error is the handler's to see; without a listener it must not end the process.
    this.on('error', () => {});
  }

  setContentType(contentType) {
    if (this._written) throw new errors.InvalidStreamingOperation('Cannot set content-type, too late.');
    this._contentType = contentType;
  }

  write(chunk, encoding, callback) {
    if (chunk === undefined || chunk === null) throw new TypeError(`Cannot write ${chunk} to the response stream`);
    const raw = typeof chunk === 'string' || chunk instanceof Uint8Array;
    const data = raw ? chunk : JSON.stringify(chunk);
    if (!this._written) {
      this._written = true;
      if (typeof this._onBeforeFirstWrite === 'function') this._onBeforeFirstWrite((first) => super.write(first));
    }
    return super.write(data, encoding, callback);
  }

  _begin() {
    if (this._socket !== null) return;
    const head = this._wire.head(
      'POST',
      this._path,
      'Lambda-Runtime-Function-Response-Mode: streaming\r\n' +
        `Trailer: ${ERROR_TYPE}\r\nTrailer: ${ERROR_BODY}\r\n` +
        `Content-Type: ${this._contentType}\r\nTransfer-Encoding: chunked\r\n`,
    );
    this._answer = this._wire.exchange((socket) => {
      this._socket = socket;
      socket.write(head);
    }, true);
    this._answer.catch((error) => this.destroy(error));
  }

  _write(chunk, _encoding, callback) {
    this._writev([{ chunk }], callback);
  }

  _writev(items, callback) {
    this._begin();
    const parts = [];
    for (const { chunk } of items) {
      // An empty chunk would end the body.
      if (chunk.length > 0) parts.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, CRLF);
    }
    this._socket.write(Buffer.concat(parts), callback);
  }

  _final(callback) {
    this._begin();
    this._socket.write(`0\r\n${this._trailers}\r\n`, callback);
  }

  _destroy(error, callback) {
    // Cutting the connection is the only way to say that the rest of the body will not come.
    if (this._answer !== null && !this.writableFinished) {
      this._wire.drop(error || new Error('The response stream was destroyed'));
    }
    callback(error);
  }

  // After the handler's promise: waits until the platform has taken everything.
  async settle(result) {
    if (typeof result !== 'undefined') console.warn('Streaming handlers ignore return values.');
    await this._taken();
    if (!this.writableFinished) throw new Error('Response stream is not finished.');
  }

  _taken() {
    if (this._answer !== null) return this._answer;
    // Not begun yet: a handler that never ends its stream waits for its timeout, as on AWS.
    return new Promise((resolve, reject) => {
      const keepAlive = setInterval(() => {}, 1 << 30);
      const settle = (then) => (value) => {
        clearInterval(keepAlive);
        then(value);
      };
      this.once('finish', () => this._answer.then(settle(resolve), settle(reject)));
      this.once('close', () => settle(reject)(this.errored || new Error('The response stream was destroyed')));
    });
  }

  async failWith(answer) {
    const body = Buffer.from(JSON.stringify(answer)).toString('base64');
    const type = String(answer.errorType).replace(/[^\x20-\x7e]/g, '?');
    // After its end there is no place left for an error.
    if (!this.writableEnded) this._trailers = `${ERROR_TYPE}: ${type}\r\n${ERROR_BODY}: ${body}\r\n`;
    if (this.destroyed && !this.writableFinished) return;
    if (!this.writableEnded) this.end();
    try {
      await this._taken();
    } catch {
      // The platform has cut the connection: it knows already that this invocation failed.
    }
  }
}

exports.ResponseStream = ResponseStream;
