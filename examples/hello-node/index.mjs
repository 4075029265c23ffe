// SPDX-License-Identifier: Apache-2.0
export const handler = async (event, context) => {
  const name = event.name ?? "world";
  console.log(`greeting ${name}, ${context.getRemainingTimeInMillis()} ms left`);
  return { message: `Hello, ${name}!`, node: process.version, requestId: context.awsRequestId };
};
