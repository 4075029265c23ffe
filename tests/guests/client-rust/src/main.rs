// SPDX-License-Identifier: Apache-2.0

//! aws-sdk-rust as a client: client NAME PACKAGE makes NAME and NAME-stream out of the package, does with them what a user
//! does, deletes them and prints what it was told as JSON. tests/wire/test_sdks.py says what must come.

use std::time::Duration;

use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{FunctionCode, InvokeWithResponseStreamResponseEvent as Event, LogType, ResponseStreamingInvocationType, Runtime};
use aws_sdk_lambda::Client;
use serde_json::{json, Value};

type Failure = Box<dyn std::error::Error>;

fn connect(endpoint: &str) -> Client {
    let config = aws_sdk_lambda::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url(endpoint)
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build();

    Client::from_conf(config)
}

async fn make(client: &Client, name: &str, handler: &str, package: &[u8]) -> Result<(), Failure> {
    client
        .create_function()
        .function_name(name)
        .handler(handler)
        .runtime(Runtime::from("provided.al2023"))
        .role("arn:aws:iam::000000000000:role/lambent")
        .code(FunctionCode::builder().zip_file(Blob::new(package)).build())
        .send()
        .await?;
    client.wait_until_function_active_v2().function_name(name).wait(Duration::from_secs(30)).await?;
    Ok(())
}

async fn invoke(client: &Client, name: &str) -> Result<Value, Failure> {
    let answer = client.invoke().function_name(name).payload(Blob::new("{\"a\":1}")).log_type(LogType::Tail).send().await?;
    let payload = answer.payload().map(|blob| String::from_utf8_lossy(blob.as_ref()).into_owned());

    Ok(json!({
        "status": answer.status_code(),
        "payload": payload,
        "version": answer.executed_version(),
        "error": answer.function_error(),
        "tail": answer.log_result().is_some_and(|tail| !tail.is_empty()),
    }))
}

async fn stream(client: &Client, name: &str) -> Result<Value, Failure> {
    let mut answer = client
        .invoke_with_response_stream()
        .function_name(name)
        .payload(Blob::new("{}"))
        .log_type(LogType::Tail)
        .invocation_type(ResponseStreamingInvocationType::RequestResponse)
        .send()
        .await?;
    let (mut bytes, mut tail, mut error) = (0, false, None);

    while let Some(event) = answer.event_stream.recv().await? {
        match event {
            Event::PayloadChunk(chunk) => bytes += chunk.payload().map_or(0, |blob| blob.as_ref().len()),
            Event::InvokeComplete(end) => {
                tail = end.log_result().is_some_and(|text| !text.is_empty());
                error = end.error_code().map(str::to_owned);
            }
            _ => return Err("an event that nobody knows".into()),
        }
    }
    Ok(json!({ "bytes": bytes, "tail": tail, "error": error }))
}

/// How a refusal looks: the variant that the SDK makes of it, its code and the HTTP status.
async fn refusal(client: &Client, name: &str) -> Value {
    match client.invoke().function_name(name).payload(Blob::new("xxx")).send().await {
        Err(SdkError::ServiceError(error)) => json!({
            "typed": matches!(error.err(), InvokeError::InvalidRequestContentException(_) | InvokeError::ResourceNotFoundException(_)),
            "code": error.err().code(),
            "message": error.err().message().is_some(),
            "status": error.raw().status().as_u16(),
        }),
        other => json!(format!("{other:?}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().collect();
    let (name, streaming, package) = (&words[1], format!("{}-stream", words[1]), std::fs::read(&words[2])?);
    let client = connect(&std::env::var("AWS_ENDPOINT_URL_LAMBDA")?);

    make(&client, name, "echo", &package).await?;
    make(&client, &streaming, "stream:200000", &package).await?;
    let told = json!({
        "invoke": invoke(&client, name).await?,
        "stream": stream(&client, &streaming).await?,
        "bad json": refusal(&client, name).await,
        "missing": refusal(&client, "no-such-function").await,
    });
    for made in [name, &streaming] {
        client.delete_function().function_name(made).send().await?;
    }
    println!("{told}");
    Ok(())
}
