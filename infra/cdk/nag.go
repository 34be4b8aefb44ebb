package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// audit checks the app by AwsSolutions and NIST 800-53 revision 5 whenever it is
// synthesized. What doesn't apply is listed here, each with its reason.
func audit(app awscdk.App) {
	for _, child := range *app.Node().Children() {
		if stack, ok := child.(awscdk.Stack); ok {
			cdknag.NagSuppressions_AddStackSuppressions(stack, suppressions(), jsii.Bool(true))
		}
	}
	awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(nil), nil)
	awscdk.Aspects_Of(app).Add(cdknag.NewNIST80053R5Checks(nil), nil)
}

func suppressions() *[]*cdknag.NagPackSuppression {
	var all []*cdknag.NagPackSuppression
	for _, s := range []struct {
		id, reason string
		only       []any
	}{
		{"AwsSolutions-IAM5", "the objects of exports are named after requests that don't exist yet; the path is as narrow as it can be", []any{&cdknag.RegexAppliesTo{Regex: jsii.String(`/^Resource::.*\/exports\/\*$/g`)}}},
		{"AwsSolutions-IAM5", "log delivery of a state machine has no resource-level permission: AWS documents * as the only resource", []any{jsii.String("Resource::*")}},
		{"AwsSolutions-S1", "an access log would keep who fetched their data for longer than the data itself is kept; each download is a line in the request's ledger", nil},
		{"AwsSolutions-APIG4", "people have no account: their requests are authorised by signed tokens for one request; the operator's routes require IAM, which a test asserts", nil},
		{"AwsSolutions-SF1", "only errors are logged: every event of every request would cost more than its Lambda calls, and the history keeps them for 90 days", nil},
		{"AwsSolutions-SF2", "the workflow's history shows each step with its times; traces would need a permission on every resource", nil},
		{"AwsSolutions-SQS3", "this is the queue of what failed: it has no dead-letter queue of its own, but an alarm", nil},
		{"NIST.800.53.R5-IAMNoInlinePolicy", "each role has one policy that nobody else shares: it lives and dies with its function", nil},
		{"NIST.800.53.R5-LambdaInsideVPC", "the functions reach AWS's services and the systems' public APIs; a network of their own would add nothing but a way to fail", nil},
		{"NIST.800.53.R5-LambdaDLQ", "the workflow, the queue and the event rules keep what failed; a second place would hide it", nil},
		{"NIST.800.53.R5-LambdaConcurrency", "the queue's own limit and the gateway's throttle bound concurrency; a reservation would take from the account's other users", nil},
		{"NIST.800.53.R5-S3BucketVersioningEnabled", "a version of an export would outlive its erasure", nil},
		{"NIST.800.53.R5-S3BucketReplicationEnabled", "an export has one place: a copy in another region would leave the data's region and outlive its erasure", nil},
		{"NIST.800.53.R5-S3BucketLoggingEnabled", "as with AwsSolutions-S1: a log of who fetched their data would outlive the data", nil},
		{"NIST.800.53.R5-CloudWatchLogGroupEncrypted", "logs hold ids and counts, nothing personal, and are encrypted by the service's key", nil},
		{"NIST.800.53.R5-DynamoDBInBackupPlan", "point-in-time recovery is the backup; a plan's copies would outlive the keys' short window and with it a promised erasure", nil},
	} {
		one := &cdknag.NagPackSuppression{Id: jsii.String(s.id), Reason: jsii.String(s.reason)}
		if s.only != nil {
			one.AppliesTo = &s.only
		}
		all = append(all, one)
	}
	return &all
}
