// SPDX-License-Identifier: Apache-2.0
// The calls of the Runtime API.
'use strict';

const { Wire } = require('./wire.cjs');

const ROOT = '/2018-06-01/runtime/';
const JSON_TYPE = 'Content-Type: application/json\r\n';
// A cause beyond this is left out, as a header of that size is refused by the platform.
const XRAY_CAUSE_SIZE_MAX = 1024 * 1024;

class Client {
  constructor(address) {
    this.address = address;
    this.wire = new Wire(address);
  }

  // Stray errors are reported while a poll is pending or an answer is streaming, so not on that connection.
  freeWire() {
    return this.wire.waiting === null ? this.wire : new Wire(this.address);
  }

  async nextInvocation() {
    const response = await this.wire.request('GET', `${ROOT}invocation/next`, '');
    if (response.statusCode !== 200) {
      throw new Error(`Runtime API invocation/next answered ${response.statusCode}: ${response.body.toString()}`);
    }
    return { bodyJson: response.body.toString('utf8'), headers: response.headers };
  }

  async postInvocationResponse(id, body) {
    await this.post(`invocation/${encodeURIComponent(id)}/response`, JSON_TYPE, body);
  }

  async postInvocationError(id, body, xrayCause) {
    let lines = JSON_TYPE;
    if (xrayCause && Buffer.byteLength(xrayCause) < XRAY_CAUSE_SIZE_MAX) {
      lines += `Lambda-Runtime-Function-XRay-Error-Cause: ${xrayCause}\r\n`;
    }
    await this.post(`invocation/${encodeURIComponent(id)}/error`, lines, body);
  }

  // AWS's native client does not look at the outcome: after a refused answer (too large, too late) the function goes
  // on, and when the Runtime API is gone the next poll says so.
  async post(endpoint, lines, body) {
    await this.freeWire().request('POST', ROOT + endpoint, lines, body).catch(() => {});
  }

  async postInitError(body, errorType) {
    // A name is the function's own text: nothing in it may end the header line.
    const name = String(errorType).replace(/[^\x20-\x7e]/g, '?');
    const lines = `${JSON_TYPE}Lambda-Runtime-Function-Error-Type: ${name}\r\n`;
    await this.freeWire().request('POST', `${ROOT}init/error`, lines, body);
  }

  openResponseStream(id, highWaterMark) {
    const { ResponseStream } = require('./response-stream.cjs');
    return new ResponseStream(this.wire, `${ROOT}invocation/${encodeURIComponent(id)}/response`, highWaterMark);
  }
}

exports.Client = Client;
