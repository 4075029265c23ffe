// SPDX-License-Identifier: Apache-2.0
// Drives @vercel/fun, which is a library and not a server: node fun.cjs CODE_DIRECTORY COLD_RUNS WARM_RUNS → one line of JSON.
// NODE_PATH says where the package is.

const { createFunction } = require("@vercel/fun");

const payload = JSON.stringify("x".repeat(98));

function median(values) {
  return values.sort((a, b) => a - b)[values.length >> 1];
}

async function timed(action) {
  const began = process.hrtime.bigint();
  await action();
  return Number(process.hrtime.bigint() - began) / 1e3;
}

async function main() {
  const [directory, coldRuns, warmRuns] = process.argv.slice(2);
  const cold = [];
  const warm = [];
  for (let i = 0; i < Number(coldRuns); i++) {
    const lambda = await createFunction({ Code: { Directory: directory }, Handler: "app.handler", Runtime: "nodejs" });
    const invoke = async () => {
      const answer = await lambda.invoke({ InvocationType: "RequestResponse", Payload: payload });
      if (answer.FunctionError) {
        throw new Error(String(answer.Payload));
      }
    };
    cold.push(await timed(invoke));
    for (let j = 0; i === 0 && j < Number(warmRuns); j++) {
      warm.push(await timed(invoke));
    }
    await lambda.destroy();
  }
  console.log(JSON.stringify({ cold_us: median(cold), warm_us: median(warm) }));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
