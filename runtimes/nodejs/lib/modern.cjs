// SPDX-License-Identifier: Apache-2.0
// The loop from nodejs24.x on: whatever the handler returns is awaited, and stray errors end the process in Node's
// own way.
'use strict';

const { modernContext, exportTraceId } = require('./context.cjs');
const errors = require('./errors.cjs');
const { Generation } = require('./generation.cjs');
const invokeStore = require('./invoke-store.cjs');
const log = require('./log.cjs');

function turnOfTheLoop() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

// The names of the classes, of the method and of its member show in stack traces; they are AWS's.
class BufferedInvokeProcessor {
  constructor(client, loaded) {
    this.client = client;
    this.handler = loaded.handler;
  }

  async processInvoke(context, event) {
    const id = context.awsRequestId;
    try {
      const result = await this.handler(event, context);
      await turnOfTheLoop();
      await this.client.postInvocationResponse(id, errors.serialize(result));
    } catch (error) {
      await turnOfTheLoop();
      log.logError('Invoke Error', error);
      await this.client.postInvocationError(id, errors.serialize(errors.toAnswer(error)), errors.toXRayCause(error));
    }
  }
}

class StreamingInvokeProcessor {
  constructor(client, loaded) {
    this.client = client;
    this.handler = loaded.handler;
    this.highWaterMark = loaded.highWaterMark;
  }

  async processInvoke(context, event) {
    const stream = this.client.openResponseStream(context.awsRequestId, this.highWaterMark);
    try {
      const result = this.handler(event, stream, context);
      if (typeof result?.then !== 'function') throw new Error('Streaming does not support non-async handlers.');
      await stream.settle(await result);
    } catch (error) {
      await turnOfTheLoop();
      log.logError('Invoke Error', error);
      await stream.failWith(errors.toAnswer(error));
    }
  }
}

async function takeInvocation(client) {
  const { bodyJson, headers } = await client.nextInvocation();
  const context = modernContext(headers);
  if (!Generation.isMultiConcurrent()) exportTraceId(headers);
  return { context, event: JSON.parse(bodyJson) };
}

function processInvocation(client, loaded, { context, event }) {
  const Processor = loaded.streaming ? StreamingInvokeProcessor : BufferedInvokeProcessor;
  return invokeStore.runWith({ requestId: context.awsRequestId, traceId: context.xRayTraceId }, () =>
    new Processor(client, loaded).processInvoke(context, event),
  );
}

async function serve(client, loaded) {
  for (;;) {
    await processInvocation(client, loaded, await takeInvocation(client));
  }
}

// Polls again at once. Each invocation answers over a connection of its own, kept for later ones.
async function serveParallel(client, loaded, openClient) {
  const idle = [];
  for (;;) {
    const invocation = await takeInvocation(client);
    const answering = idle.pop() || openClient();
    setImmediate(async () => {
      try {
        await processInvocation(answering, loaded, invocation);
      } catch (error) {
        // The invocation has timed out, say: the others go on.
        log.logError('Failed to post invocation response', error);
      }
      idle.push(answering);
    });
  }
}

module.exports = { serve, serveParallel };
