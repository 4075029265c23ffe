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

async function invokeBuffered(client, handler, context, event) {
  const id = context.awsRequestId;
  try {
    const result = await handler(event, context);
    await turnOfTheLoop();
    await client.postInvocationResponse(id, errors.serialize(result));
  } catch (error) {
    await turnOfTheLoop();
    log.logError('Invoke Error', error);
    await client.postInvocationError(id, errors.serialize(errors.toAnswer(error)), errors.toXRayCause(error));
  }
}

async function invokeStreaming(client, loaded, context, event) {
  const stream = client.openResponseStream(context.awsRequestId, loaded.highWaterMark);
  try {
    const result = loaded.handler(event, stream, context);
    if (typeof result?.then !== 'function') throw new Error('Streaming does not support non-async handlers.');
    await stream.settle(await result);
  } catch (error) {
    await turnOfTheLoop();
    log.logError('Invoke Error', error);
    await stream.failWith(errors.toAnswer(error));
  }
}

async function takeInvocation(client) {
  const { bodyJson, headers } = await client.nextInvocation();
  const context = modernContext(headers);
  if (!Generation.isMultiConcurrent()) exportTraceId(headers);
  return { context, event: JSON.parse(bodyJson) };
}

function invoke(client, loaded, { context, event }) {
  return invokeStore.runWith({ requestId: context.awsRequestId, traceId: context.xRayTraceId }, () =>
    loaded.streaming
      ? invokeStreaming(client, loaded, context, event)
      : invokeBuffered(client, loaded.handler, context, event),
  );
}

async function serve(client, loaded) {
  for (;;) {
    await invoke(client, loaded, await takeInvocation(client));
  }
}

module.exports = { serve, takeInvocation, invoke };
