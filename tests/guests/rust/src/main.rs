// SPDX-License-Identifier: Apache-2.0

//! A function on lambda_runtime. The event says what to do: {"do":"echo"|"error"|"panic"|"stream"|"stream-error"|"context"}.

use lambda_runtime::streaming::{channel, Body, Response};
use lambda_runtime::{run, service_fn, Error, FunctionResponse, LambdaEvent};
use serde_json::{json, Value};

type Answer = FunctionResponse<Value, Body>;

/// Sends the pieces one by one from a task of their own, and then, if asked, breaks the stream off.
fn stream(pieces: &'static [&'static str], fail: bool) -> Answer {
    let (mut sender, body) = channel();

    tokio::spawn(async move {
        for piece in pieces {
            if sender.send_data((*piece).into()).await.is_err() {
                return;
            }
        }
        if fail {
            sender.abort();
        }
    });
    FunctionResponse::StreamingResponse(Response::from(body))
}

async fn handle(event: LambdaEvent<Value>) -> Result<Answer, Error> {
    let what = event.payload["do"].as_str().unwrap_or("");

    eprintln!("rust guest: {what}");
    match what {
        "echo" => Ok(FunctionResponse::BufferedResponse(event.payload["payload"].clone())),
        "error" => Err("the guest failed".into()),
        "panic" => panic!("the guest panicked"),
        "stream" => Ok(stream(&["one ", "two ", "three"], false)),
        "stream-error" => Ok(stream(&["one "], true)),
        "context" => Ok(FunctionResponse::BufferedResponse(json!({
            "requestId": event.context.request_id,
            "arn": event.context.invoked_function_arn,
            "function": event.context.env_config.function_name,
            "memory": event.context.env_config.memory,
            "deadline": event.context.deadline,
        }))),
        _ => Err(format!("unknown request {what:?}").into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
