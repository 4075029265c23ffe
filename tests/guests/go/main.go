// SPDX-License-Identifier: Apache-2.0

// A function on aws-lambda-go. The event says what to do: {"do":"echo"|"error"|"typed-error"|"panic"|"stream"|"context"}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type request struct {
	Do      string          `json:"do"`
	Payload json.RawMessage `json:"payload"`
}

// GuestError has a type name of its own, which the runtime reports as errorType.
type GuestError struct{ Reason string }

func (e GuestError) Error() string { return e.Reason }

func describe(ctx context.Context) (any, error) {
	found, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("no Lambda context")
	}
	deadline, _ := ctx.Deadline()
	return map[string]any{
		"requestId": found.AwsRequestID,
		"arn":       found.InvokedFunctionArn,
		"function":  lambdacontext.FunctionName,
		"version":   lambdacontext.FunctionVersion,
		"deadline":  deadline.UnixMilli(),
	}, nil
}

func handle(ctx context.Context, event request) (any, error) {
	fmt.Fprintln(os.Stderr, "go guest:", event.Do)
	switch event.Do {
	case "echo":
		return event.Payload, nil
	case "error":
		return nil, errors.New("the guest failed")
	case "typed-error":
		return nil, GuestError{Reason: "the guest failed with a type"}
	case "panic":
		panic("the guest panicked")
	case "stream":
		var answer io.Reader = io.MultiReader(strings.NewReader("one "), strings.NewReader("two "), strings.NewReader("three"))
		return answer, nil
	case "context":
		return describe(ctx)
	}
	return nil, fmt.Errorf("unknown request %q", event.Do)
}

func main() {
	if os.Getenv("TAKE_LEAVE") == "" {
		lambda.Start(handle)
		return
	}
	// Registers an internal extension without events, which is what makes the platform send SIGTERM.
	lambda.StartWithOptions(handle, lambda.WithEnableSIGTERM(func() { fmt.Fprintln(os.Stderr, "go guest: farewell") }))
}
