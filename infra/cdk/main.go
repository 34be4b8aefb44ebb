// Cdk is the infrastructure of a stage as a CDK app: a stack that keeps data and is
// never deleted by accident, and one that does the work and can be replaced at any
// time.
//
// It promises least privilege, statement by statement: no action is a pattern, and
// every function may do exactly what its step's fields touch (functions.go). It
// leaves to docs/deploy.md what a person has to do once for an account.
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// flags are the CDK's recommended ones. They are set here, not in cdk.json, which
// only the CLI reads. References between the stacks are exports: while the app uses
// a table, the data stack can't drop it.
//
//go:embed flags.json
var flags []byte

func main() {
	defer jsii.Close()
	context := map[string]any{}
	if err := json.Unmarshal(flags, &context); err != nil {
		panic(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{Context: &context})
	s, err := readSettings(app)
	if err != nil {
		fmt.Fprintln(os.Stderr, "rightful:", err)
		os.Exit(1)
	}
	build(app, s)
	audit(app)
	app.Synth(nil)
}

// build adds both stacks of a stage to the app.
func build(app awscdk.App, s settings) (awscdk.Stack, awscdk.Stack) {
	props := func(what string) *awscdk.StackProps {
		p := &awscdk.StackProps{Description: jsii.String("Rightful, stage " + s.Stage + ": " + what), TerminationProtection: &s.TerminationProtection}
		if s.Account != "" || s.Region != "" {
			p.Env = &awscdk.Environment{Account: optional(s.Account), Region: optional(s.Region)}
		}
		return p
	}
	data := newData(awscdk.NewStack(app, jsii.String("rightful-"+s.Stage+"-data"), props("what it keeps. Deleting this stack leaves the tables, the bucket and the keys")), s)
	work := newStage(awscdk.NewStack(app, jsii.String("rightful-"+s.Stage), props("what it does. It keeps nothing")), s, data)
	awscdk.Tags_Of(app).Add(jsii.String("rightful:stage"), &s.Stage, &awscdk.TagProps{ExcludeResourceTypes: jsii.Strings("AWS::CloudWatch::Dashboard")})
	return data.stack, work.stack
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
