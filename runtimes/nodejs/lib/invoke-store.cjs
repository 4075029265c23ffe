// SPDX-License-Identifier: Apache-2.0
// Identifiers of the invocation at hand, for log lines and for libraries. The older client keeps them under global
// symbols, the newer one in `awslambda.InvokeStore`, which in workers with parallel invocations follows each of them.
'use strict';

const { Generation } = require('./generation.cjs');

const REQUEST_ID_SYMBOL = Symbol.for('aws.lambda.runtime.requestId');
const TENANT_ID_SYMBOL = Symbol.for('aws.lambda.runtime.tenantId');
const PROTECTED_KEYS = {
  REQUEST_ID: Symbol.for('_AWS_LAMBDA_REQUEST_ID'),
  X_RAY_TRACE_ID: Symbol.for('_AWS_LAMBDA_X_RAY_TRACE_ID'),
  TENANT_ID: Symbol.for('_AWS_LAMBDA_TENANT_ID'),
};

class InvokeStore {
  static PROTECTED_KEYS = PROTECTED_KEYS;

  getContext() {
    return this.currentContext;
  }

  hasContext() {
    return this.getContext() !== undefined;
  }

  get(key) {
    return this.getContext()?.[key];
  }

  set(key, value) {
    if (Object.values(PROTECTED_KEYS).includes(key)) {
      throw new Error(`Cannot modify protected Lambda context field: ${String(key)}`);
    }
    this.writableContext()[key] = value;
  }

  writableContext() {
    this.currentContext = this.currentContext || {};
    return this.currentContext;
  }

  run(context, fn) {
    this.currentContext = context;
    return fn();
  }

  getRequestId() {
    return this.get(PROTECTED_KEYS.REQUEST_ID) ?? '-';
  }

  getXRayTraceId() {
    return this.get(PROTECTED_KEYS.X_RAY_TRACE_ID);
  }

  getTenantId() {
    return this.get(PROTECTED_KEYS.TENANT_ID);
  }
}

class ParallelInvokeStore extends InvokeStore {
  constructor() {
    super();
    const { AsyncLocalStorage } = require('async_hooks');
    this.storage = new AsyncLocalStorage();
  }

  getContext() {
    return this.storage.getStore();
  }

  writableContext() {
    const context = this.getContext();
    if (!context) throw new Error('No context available');
    return context;
  }

  run(context, fn) {
    return this.storage.run(context, fn);
  }
}

let store = null;

function modernStore() {
  if (store === null) store = Generation.isMultiConcurrent() ? new ParallelInvokeStore() : new InvokeStore();
  return store;
}

function requestId() {
  return Generation.modern ? modernStore().getRequestId() : global[REQUEST_ID_SYMBOL];
}

function tenantId() {
  return Generation.modern ? modernStore().getTenantId() || undefined : global[TENANT_ID_SYMBOL];
}

function runWith(context, fn) {
  if (Generation.modern) {
    return modernStore().run(
      { [PROTECTED_KEYS.REQUEST_ID]: context.requestId, [PROTECTED_KEYS.X_RAY_TRACE_ID]: context.traceId },
      fn,
    );
  }
  global[REQUEST_ID_SYMBOL] = context.requestId;
  global[TENANT_ID_SYMBOL] = context.tenantId;
  return fn();
}

module.exports = { modernStore, requestId, tenantId, runWith };
