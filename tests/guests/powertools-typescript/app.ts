// SPDX-License-Identifier: Apache-2.0
// A function as people write them with Powertools: structured logs and metrics on stdout. For a managed Node.js runtime.

import { Logger } from "@aws-lambda-powertools/logger";
import { MetricUnit, Metrics } from "@aws-lambda-powertools/metrics";

interface Request {
  name?: string;
  fail?: boolean;
}

const logger = new Logger({ serviceName: "guest" });
const metrics = new Metrics({ namespace: "Guests", serviceName: "guest" });

export const handler = async (event: Request, context: any): Promise<{ hello: string }> => {
  logger.addContext(context);
  metrics.captureColdStartMetric();
  try {
    if (event.fail) {
      throw new RangeError("the guest failed");
    }
    const name = event.name ?? "nobody";
    logger.info("hello was asked for", { name });
    metrics.addMetric("Hellos", MetricUnit.Count, 1);
    return { hello: name };
  } finally {
    metrics.publishStoredMetrics();
  }
};
