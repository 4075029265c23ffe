// SPDX-License-Identifier: Apache-2.0
// The context argument. The order of its members is AWS's, as functions print it.
'use strict';

const { env } = process;

function parseHeader(text, name) {
  if (text === undefined || text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error.toString()}`);
  }
}

function fromHeaders(headers, withTrace) {
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const data = {
    clientContext: parseHeader(headers['lambda-runtime-client-context'], 'ClientContext'),
    identity: parseHeader(headers['lambda-runtime-cognito-identity'], 'CognitoIdentity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
  };
  if (withTrace) data.xRayTraceId = headers['lambda-runtime-trace-id'] ?? '';
  data.getRemainingTimeInMillis = function getRemainingTimeInMillis() {
    return deadline - Date.now();
  };
  return data;
}

function classicContext(base, headers) {
  return Object.assign(
    base,
    {
      functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
      functionName: env.AWS_LAMBDA_FUNCTION_NAME,
      memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
      logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
      logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    },
    fromHeaders(headers, false),
  );
}

function modernContext(headers) {
  return Object.assign(fromHeaders(headers, true), {
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  });
}

function exportTraceId(headers) {
  const traceId = headers['lambda-runtime-trace-id'];
  if (traceId) {
    env._X_AMZN_TRACE_ID = traceId;
  } else {
    delete env._X_AMZN_TRACE_ID;
  }
}

module.exports = { classicContext, modernContext, exportTraceId };
