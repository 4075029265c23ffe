/* SPDX-License-Identifier: Apache-2.0 */
/*
 * emulator - lambent-init --rie: one function behind the interface of AWS's Runtime Interface Emulator
 *
 *      POST /2015-03-31/functions/NAME/invocations                             Invoke
 *      POST /2021-11-15/functions/NAME/response-streaming-invocations          InvokeWithResponseStream
 *
 * on 0.0.0.0:8080, any NAME (AWS's emulator answers "function"), without a daemon. Requests are served in order,
 * each under its own timeout; what fails answers as AWS does: the error's JSON with X-Amz-Function-Error. Settings
 * come from AWS_LAMBDA_FUNCTION_{NAME,VERSION,MEMORY_SIZE,TIMEOUT,HANDLER}, _HANDLER and AWS_REGION with the
 * emulator's defaults; its options are understood. The log goes to standard error.
 */
#pragma once

/* argv[0] is not looked at. The exit status. */
int emulator_main(int argc, char **argv);
