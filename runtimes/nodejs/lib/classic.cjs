// SPDX-License-Identifier: Apache-2.0
// The loop up to nodejs22.x: callbacks, `context.done` and friends, waiting for the event loop to run dry, and stray
// errors that are reported before the process ends (exit status 129, for rejections 128).
'use strict';

const { classicContext, exportTraceId } = require('./context.cjs');
const errors = require('./errors.cjs');
const invokeStore = require('./invoke-store.cjs');
const log = require('./log.cjs');

const BEFORE_EXIT = Symbol.for('aws.lambda.beforeExit');

function onLoopEmpty(listener) {
  global[BEFORE_EXIT] = listener;
}

function isPromise(value) {
  return value && value.then && typeof value.then === 'function';
}

function onlyOnce(fn) {
  let called = false;
  return (...args) => {
    if (called) return;
    fn(...args);
    called = true;
  };
}

// What becomes of one buffered invocation, whichever of its many ways the function chooses to answer.
class Invocation {
  constructor(runtime, id) {
    this.runtime = runtime;
    this.id = id;
    this.completed = false;
    this.waitForEmptyEventLoop = true;
    this.callback = onlyOnce((error, result) => this.callBack(error, result));
  }

  contextBase() {
    const invocation = this;
    return {
      get callbackWaitsForEmptyEventLoop() {
        return invocation.waitForEmptyEventLoop;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        invocation.waitForEmptyEventLoop = value;
      },
      succeed: onlyOnce((result) => this.done(null, result)),
      fail: onlyOnce((error) => this.done(error === undefined || error === null ? 'handled' : error, null)),
      done: onlyOnce((error, result) => this.done(error, result)),
    };
  }

  callBack(error, result) {
    onLoopEmpty(() => {});
    if (error !== undefined && error !== null) {
      this.fail(error);
    } else if (this.waitForEmptyEventLoop) {
      onLoopEmpty(() => setImmediate(() => this.complete(result)));
    } else {
      this.complete(result);
    }
  }

  done(error, result) {
    onLoopEmpty(() => {});
    if (error !== undefined && error !== null) {
      this.fail(error);
    } else {
      this.complete(result);
    }
  }

  fail(error) {
    log.logError('Invoke Error', error);
    this.runtime.postError(this.id, error, () => this.runtime.scheduleIteration());
  }

  complete(result) {
    if (this.completed) {
      console.error('Invocation has already been reported as done. Cannot call complete more than once per invocation.');
      return;
    }
    this.completed = true;
    const body = errors.serialize(result);
    this.runtime.settle(this.runtime.client.postInvocationResponse(this.id, body), () =>
      this.runtime.scheduleIteration(),
    );
  }
}

class Runtime {
  constructor(client, reportInitError) {
    this.client = client;
    this.onUncaughtException = (error) => this.settle(reportInitError(error), () => process.exit(129));
    this.onUnhandledRejection = (error) => this.settle(reportInitError(error), () => process.exit(128));
  }

  start(load) {
    process.on('uncaughtException', (error) => {
      log.logError('Uncaught Exception', error);
      this.onUncaughtException(error);
    });
    process.on('unhandledRejection', (reason, promise) => {
      const error = new errors.UnhandledPromiseRejection(reason, promise);
      log.logError('Unhandled Promise Rejection', error);
      this.onUnhandledRejection(error);
    });
    onLoopEmpty(() => {});
    process.on('beforeExit', () => global[BEFORE_EXIT]());
    load().then(
      (loaded) => {
        this.loaded = loaded;
        // Called as a method, so that stack traces name it as on AWS.
        this.handler = loaded.handler;
        this.scheduleIteration();
      },
      (error) => {
        log.logError('Uncaught Exception', error);
        this.onUncaughtException(error);
      },
    );
  }

  // Carries on when the Runtime API has taken an answer; a Runtime API that fails us is the end.
  settle(promise, then) {
    promise.then(then, (error) => {
      log.logError('Runtime API Error', error);
      process.exit(1);
    });
  }

  postError(id, error, then) {
    const body = errors.serialize(errors.toAnswer(error));
    this.settle(this.client.postInvocationError(id, body, errors.toXRayCause(error)), then);
  }

  scheduleIteration() {
    setImmediate(() => {
      const once = this.loaded.streaming ? this.handleOnceStreaming() : this.handleOnceNonStreaming();
      once.catch((error) => {
        console.log(`Unexpected Top Level Error: ${error.toString()}`);
        process.exit(1);
      });
    });
  }

  begin(headers) {
    const id = headers['lambda-runtime-aws-request-id'];
    invokeStore.runWith({ requestId: id, tenantId: headers['lambda-runtime-aws-tenant-id'] }, () => {});
    this.onUncaughtException = (error) => this.postError(id, error, () => process.exit(129));
    this.onUnhandledRejection = (error) => this.postError(id, error, () => process.exit(128));
    return id;
  }

  async handleOnceNonStreaming() {
    const { bodyJson, headers } = await this.client.nextInvocation();
    const invocation = new Invocation(this, this.begin(headers));
    const base = invocation.contextBase();
    try {
      // The function never answers and has nothing left to do: the answer is null.
      onLoopEmpty(() => {
        invocation.completed = true;
        this.settle(this.client.postInvocationResponse(invocation.id, 'null'), () => this.scheduleIteration());
      });
      const event = JSON.parse(bodyJson);
      exportTraceId(headers);
      const result = this.handler(event, classicContext(base, headers), invocation.callback);
      if (isPromise(result)) result.then(base.succeed, base.fail).catch(base.fail);
    } catch (error) {
      invocation.callback(error);
    }
  }

  async handleOnceStreaming() {
    const { bodyJson, headers } = await this.client.nextInvocation();
    const id = this.begin(headers);
    const stream = this.client.openResponseStream(id, this.loaded.highWaterMark);
    const context = { callbackWaitsForEmptyEventLoop: true };
    const iterate = () => {
      onLoopEmpty(() => {});
      if (!context.callbackWaitsForEmptyEventLoop) {
        this.scheduleIteration();
      } else {
        onLoopEmpty(() => setImmediate(() => this.scheduleIteration()));
      }
    };
    const fail = (error) => {
      log.logError('Invoke Error', error);
      stream.failWith(errors.toAnswer(error)).then(iterate);
    };
    try {
      onLoopEmpty(() => this.scheduleIteration());
      exportTraceId(headers);
      const result = this.handler(JSON.parse(bodyJson), stream, classicContext(context, headers));
      if (!isPromise(result)) {
        fail('Streaming does not support non-async handlers.');
        return;
      }
      await stream.settle(await result);
      iterate();
    } catch (error) {
      fail(error);
    }
  }
}

exports.ClassicRuntime = Runtime;
