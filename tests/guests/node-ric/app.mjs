// SPDX-License-Identifier: Apache-2.0
// Functions on aws-lambda-ric. The event of `handler` says what to do: {"do":"echo"|"error"|"reject"|"exit"|"context"|"log"}.

class GuestError extends Error {
  constructor(message) {
    super(message);
    this.name = "GuestError";
  }
}

function describe(context) {
  return {
    requestId: context.awsRequestId,
    arn: context.invokedFunctionArn,
    function: context.functionName,
    version: context.functionVersion,
    memory: context.memoryLimitInMB,
    logGroup: context.logGroupName,
    logStream: context.logStreamName,
    remainingMs: context.getRemainingTimeInMillis(),
    clientContext: context.clientContext ?? null,
  };
}

export async function handler(event, context) {
  switch (event.do) {
    case "echo":
      return event.payload;
    case "error":
      throw new GuestError("the guest failed");
    case "reject":
      Promise.reject(new GuestError("the guest forgot a promise"));
      return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    case "exit":
      return process.exit(3);
    case "context":
      return describe(context);
    case "log":
      console.log("logged by the guest");
      console.error("complained by the guest");
      return "logged";
  }
  throw new Error(`unknown request ${event.do}`);
}

// {"pieces":["a","b"],"fail":true}: the pieces one by one, and then an error if asked.
export const stream = awslambda.streamifyResponse(async (event, out, context) => {
  for (const piece of event.pieces ?? []) {
    if (!out.write(piece)) {
      await new Promise((resolve) => out.once("drain", resolve));
    }
  }
  if (event.fail) {
    throw new GuestError("the guest failed in mid-stream");
  }
  out.end();
  await out.finished?.();
});

// An answer with status, headers and cookies of its own, as a function URL shows it.
export const page = awslambda.streamifyResponse(async (event, out, context) => {
  const answer = awslambda.HttpResponseStream.from(out, {
    statusCode: 201,
    headers: { "content-type": "text/plain", "x-guest": "node" },
    cookies: ["a=1", "b=2"],
  });
  answer.write("streamed page");
  answer.end();
});
