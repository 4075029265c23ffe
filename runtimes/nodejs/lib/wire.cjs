// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 for the Runtime API over one kept-alive connection, on a bare socket. One request is in flight at a
// time. The socket keeps the event loop alive only while an answer is awaited: whether a function's own work is
// done shows in the loop running dry.
'use strict';

const net = require('net');

const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_SIZE_MAX = 4 << 20;

// Reads one answer out of the bytes that arrive. `feed` returns true once the answer is complete.
class ResponseParser {
  constructor() {
    this.head = null;
    this.parts = [];
    this.have = 0;
    this.need = 0;
    this.mode = 'head';
    this.rest = Buffer.alloc(0);
  }

  started() {
    return this.head !== null || this.rest.length > 0;
  }

  feed(data) {
    if (this.mode === 'length' || this.mode === 'eof') return this.feedBody(data);
    this.rest = this.rest.length === 0 ? data : Buffer.concat([this.rest, data]);
    if (this.mode === 'head' && !this.parseHead()) return false;
    if (this.mode === 'chunked') return this.parseChunks();
    const rest = this.rest;
    this.rest = Buffer.alloc(0);
    return this.feedBody(rest);
  }

  feedBody(data) {
    this.parts.push(data);
    this.have += data.length;
    return this.mode === 'length' && this.have >= this.need;
  }

  parseHead() {
    const end = this.rest.indexOf(HEAD_END);
    if (end < 0) {
      if (this.rest.length > HEAD_SIZE_MAX) throw new Error('The Runtime API sent a header that is too large');
      return false;
    }
    const lines = this.rest.toString('utf8', 0, end).split('\r\n');
    this.rest = this.rest.subarray(end + HEAD_END.length);
    const statusCode = Number(lines[0].split(' ', 2)[1]);
    const headers = {};
    for (let i = 1; i < lines.length; i++) {
      const colon = lines[i].indexOf(':');
      headers[lines[i].slice(0, colon).toLowerCase()] = lines[i].slice(colon + 1).trim();
    }
    if (statusCode < 200) return this.parseHead();
    this.head = { statusCode, headers };
    this.chooseMode(headers);
    return true;
  }

  chooseMode(headers) {
    if (/chunked/i.test(headers['transfer-encoding'] || '')) {
      this.mode = 'chunked';
    } else if (headers['content-length'] === undefined) {
      this.mode = 'eof';
    } else {
      this.mode = 'length';
      this.need = Number(headers['content-length']);
    }
  }

  parseChunks() {
    for (;;) {
      const lineEnd = this.rest.indexOf('\r\n');
      if (lineEnd < 0) return false;
      const size = parseInt(this.rest.toString('latin1', 0, lineEnd), 16);
      const end = lineEnd + 2 + size + 2;
      if (size === 0) {
        // Trailers, if any, end in an empty line as the chunk itself does.
        return this.rest.indexOf(HEAD_END, lineEnd) >= 0;
      }
      if (this.rest.length < end) return false;
      this.parts.push(this.rest.subarray(lineEnd + 2, end - 2));
      this.rest = this.rest.subarray(end);
    }
  }

  body() {
    return this.parts.length === 1 ? this.parts[0] : Buffer.concat(this.parts);
  }
}

class Wire {
  constructor(address) {
    const colon = address.lastIndexOf(':');
    this.address = address;
    this.peer = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)), noDelay: true };
    this.socket = null;
    this.used = false;
    this.waiting = null;
  }

  // Resolves to {statusCode, headers, body}.
  request(method, path, headerLines, body) {
    const head = this.head(method, path, headerLines, body === undefined ? undefined : Buffer.byteLength(body));
    return this.exchange((socket) => {
      if (body === undefined) {
        socket.write(head, 'utf8');
        return;
      }
      socket.cork();
      socket.write(head, 'utf8');
      socket.write(body, 'utf8');
      socket.uncork();
    });
  }

  head(method, path, headerLines, length) {
    const size = length === undefined ? '' : `Content-Length: ${length}\r\n`;
    return `${method} ${path} HTTP/1.1\r\nHost: ${this.address}\r\n${headerLines}${size}\r\n`;
  }

  // Sends what `transmit` writes and waits for the answer. A connection that the peer closed while it was idle is
  // replaced once, unless `once` says that what was written cannot be written again.
  exchange(transmit, once) {
    return new Promise((resolve, reject) => {
      const reused = this.used && this.socket !== null;
      this.waiting = { resolve, reject, parser: new ResponseParser(), retry: null };
      if (reused && !once) this.waiting.retry = () => this.transmit(transmit);
      this.transmit(transmit);
    });
  }

  transmit(transmit) {
    const socket = this.socket || this.open();
    this.used = true;
    socket.ref();
    transmit(socket);
  }

  open() {
    const socket = net.connect(this.peer);
    this.socket = socket;
    socket.on('data', (data) => this.onData(socket, data));
    socket.on('error', (error) => this.onGone(socket, error));
    socket.on('close', () => this.onGone(socket, new Error('The Runtime API closed the connection')));
    return socket;
  }

  onData(socket, data) {
    const { waiting } = this;
    if (waiting === null || socket !== this.socket) return;
    let complete;
    try {
      complete = waiting.parser.feed(data);
    } catch (error) {
      this.drop(error);
      return;
    }
    if (complete) this.finish(socket);
  }

  finish(socket) {
    const { resolve, parser } = this.waiting;
    this.waiting = null;
    const { statusCode, headers } = parser.head;
    if (/^close$/i.test(headers.connection || '')) {
      this.socket = null;
      socket.destroy();
    } else {
      socket.unref();
    }
    resolve({ statusCode, headers, body: parser.body() });
  }

  onGone(socket, error) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.used = false;
    const { waiting } = this;
    if (waiting === null) return;
    if (waiting.parser.mode === 'eof') {
      this.finish(socket);
    } else if (waiting.retry !== null && !waiting.parser.started()) {
      const { retry } = waiting;
      waiting.retry = null;
      retry();
    } else {
      this.waiting = null;
      waiting.reject(error);
    }
  }

  // Gives up the exchange in progress; the next one gets a new connection.
  drop(error) {
    const { socket, waiting } = this;
    this.socket = null;
    this.used = false;
    this.waiting = null;
    if (socket !== null) socket.destroy();
    if (waiting !== null) waiting.reject(error);
  }
}

exports.Wire = Wire;
