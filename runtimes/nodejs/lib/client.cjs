// SPDX-License-Identifier: Apache-2.0
// The calls of the Runtime API.
'use strict';

const { Wire } = require('./wire.cjs');

const ROOT = '/2018-06-01/runtime/';
const JSON_TYPE = 'Content-Type: application/json\r\n';
// A cause beyond this is left out, as a header of that size is refused by the platform.
const XRAY_CAUSE_SIZE_MAX = 1024 * 1024;

function expect(response, statusCode, endpoint) {
  if (response.statusCode !== statusCode) {
    throw new Error(`Runtime API ${endpoint} answered ${response.statusCode}: ${response.body.toString()}`);
  }
  return response;
}

class Client {
  constructor(address) {
    this.wire = new Wire(address);
  }

  async nextInvocation() {
    const response = expect(await this.wire.request('GET', `${ROOT}invocation/next`, ''), 200, 'invocation/next');
    return { bodyJson: response.body.toString('utf8'), headers: response.headers };
  }

  async postInvocationResponse(id, body) {
    const endpoint = `invocation/${encodeURIComponent(id)}/response`;
    expect(await this.wire.request('POST', ROOT + endpoint, JSON_TYPE, body), 202, endpoint);
  }

  async postInvocationError(id, body, xrayCause) {
    const endpoint = `invocation/${encodeURIComponent(id)}/error`;
    let lines = JSON_TYPE;
    if (xrayCause && Buffer.byteLength(xrayCause) < XRAY_CAUSE_SIZE_MAX) {
      lines += `Lambda-Runtime-Function-XRay-Error-Cause: ${xrayCause}\r\n`;
    }
    expect(await this.wire.request('POST', ROOT + endpoint, lines, body), 202, endpoint);
  }

  async postInitError(body, errorType) {
    // A name is the function's own text: nothing in it may end the header line.
    const name = String(errorType).replace(/[^\x20-\x7e]/g, '?');
    const lines = `${JSON_TYPE}Lambda-Runtime-Function-Error-Type: ${name}\r\n`;
    await this.wire.request('POST', `${ROOT}init/error`, lines, body);
  }

  openResponseStream(id, highWaterMark) {
    const { ResponseStream } = require('./response-stream.cjs');
    return new ResponseStream(this.wire, `${ROOT}invocation/${encodeURIComponent(id)}/response`, highWaterMark);
  }
}

exports.Client = Client;
