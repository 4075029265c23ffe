// SPDX-License-Identifier: Apache-2.0

// Terraform's AWS provider, beside the Terraform that go.mod names: the newest that still are Go modules.
// tests/wire/test_terraform.py says what must come of them.
package main

import (
	"github.com/hashicorp/terraform/helper/schema"
	"github.com/hashicorp/terraform/plugin"
	"github.com/hashicorp/terraform/terraform"
	"github.com/terraform-providers/terraform-provider-aws/aws"
)

// Every runtime that the provider knows has ended since.
func provider() terraform.ResourceProvider {
	made := aws.Provider().(*schema.Provider)
	made.ResourcesMap["aws_lambda_function"].Schema["runtime"].ValidateFunc = nil
	made.ResourcesMap["aws_lambda_layer_version"].Schema["compatible_runtimes"].Elem.(*schema.Schema).ValidateFunc = nil
	return made
}

func main() {
	plugin.Serve(&plugin.ServeOpts{ProviderFunc: provider})
}
