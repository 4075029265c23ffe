// SPDX-License-Identifier: Apache-2.0

// aws-sdk-go-v2 as a client: client NAME PACKAGE makes NAME and NAME-stream out of the package, does with them what a user
// does, deletes them and prints what it was told as JSON. tests/wire/test_sdks.py says what must come.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

var ctx = context.Background()

type told map[string]any

func connect(endpoint string) *lambda.Client {
	return lambda.New(lambda.Options{
		BaseEndpoint: aws.String(endpoint),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:      aws.NopRetryer{},
	})
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func makeFunction(client *lambda.Client, name, handler string, zip []byte) {
	_, err := client.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: &name,
		Handler:      &handler,
		Runtime:      "provided.al2023",
		Role:         aws.String("arn:aws:iam::000000000000:role/lambent"),
		Code:         &types.FunctionCode{ZipFile: zip},
	})
	must(err)
	waiter := lambda.NewFunctionActiveV2Waiter(client, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 100*time.Millisecond
	})
	must(waiter.Wait(ctx, &lambda.GetFunctionInput{FunctionName: &name}, 30*time.Second))
}

func invoke(client *lambda.Client, name string) told {
	answer, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"a":1}`), LogType: types.LogTypeTail})
	must(err)
	return told{
		"status":  answer.StatusCode,
		"payload": string(answer.Payload),
		"version": answer.ExecutedVersion,
		"error":   answer.FunctionError,
		"tail":    answer.LogResult != nil && *answer.LogResult != "",
	}
}

func stream(client *lambda.Client, name string) told {
	answer, err := client.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{
		FunctionName: &name, Payload: []byte("{}"), LogType: types.LogTypeTail})
	must(err)
	events := answer.GetStream()
	defer events.Close()
	seen := told{"bytes": 0, "tail": false, "error": nil}
	for event := range events.Events() {
		switch event := event.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			seen["bytes"] = seen["bytes"].(int) + len(event.Value.Payload)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			seen["tail"] = event.Value.LogResult != nil && *event.Value.LogResult != ""
			seen["error"] = event.Value.ErrorCode
		default:
			log.Fatalf("an event that nobody knows: %T", event)
		}
	}
	must(events.Err())
	return seen
}

// How a refusal looks: whether the SDK has a type for it, its code and the HTTP status.
func refusal(client *lambda.Client, name string) told {
	var invalid *types.InvalidRequestContentException
	var missing *types.ResourceNotFoundException
	var api smithy.APIError
	var response *smithyhttp.ResponseError

	_, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, Payload: []byte("xxx")})
	if !errors.As(err, &api) || !errors.As(err, &response) {
		return told{"problem": fmt.Sprint(err)}
	}
	return told{
		"typed":   errors.As(err, &invalid) || errors.As(err, &missing),
		"code":    api.ErrorCode(),
		"message": api.ErrorMessage() != "",
		"status":  response.HTTPStatusCode(),
	}
}

func main() {
	name, streaming := os.Args[1], os.Args[1]+"-stream"
	zip, err := os.ReadFile(os.Args[2])
	must(err)
	client := connect(os.Getenv("AWS_ENDPOINT_URL_LAMBDA"))

	makeFunction(client, name, "echo", zip)
	makeFunction(client, streaming, "stream:200000", zip)
	seen := told{
		"invoke":   invoke(client, name),
		"stream":   stream(client, streaming),
		"bad json": refusal(client, name),
		"missing":  refusal(client, "no-such-function"),
	}
	for _, made := range []string{name, streaming} {
		_, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &made})
		must(err)
	}
	must(json.NewEncoder(os.Stdout).Encode(seen))
}
