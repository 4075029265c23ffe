/* SPDX-License-Identifier: Apache-2.0 */
import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.Map;

/** Answers with what it got, or fails when it is told to. */
public class Echo implements RequestHandler<Map<String, Object>, Map<String, Object>> {
        @Override
        public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
                if (event.containsKey("fail"))
                        throw new IllegalStateException(String.valueOf(event.get("fail")));
                return Map.of("echo", event, "requestId", context.getAwsRequestId());
        }
}
