package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awseventstargets"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// newQueue makes the queue of shares, and the one for what failed too often. A
// message holds a task's id alone, so the service's own key is enough.
func (g *stage) newQueue() {
	g.parked = awssqs.NewQueue(g.stack, jsii.String("Parked"), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true), RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
	g.queue = awssqs.NewQueue(g.stack, jsii.String("Shares"), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true),
		// Six times the worker's time limit, as Lambda asks for.
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(1800)), RetentionPeriod: awscdk.Duration_Days(jsii.Number(4)),
		DeadLetterQueue: &awssqs.DeadLetterQueue{Queue: g.parked, MaxReceiveCount: jsii.Number(5)},
	})
}

// workers is how many batches of ten are worked on at once: with a second for each
// call, 400 writes a second at most, where one request's partition takes 1,000.
const workers = 20

// addWorker has the queue's messages worked on, a batch at once: a system's slowness
// costs one function's time for all of the batch.
func (g *stage) addWorker() {
	awslambda.NewEventSourceMapping(g.stack, jsii.String("Worker"), &awslambda.EventSourceMappingProps{
		Target: g.functions["work"], EventSourceArn: g.queue.QueueArn(), BatchSize: jsii.Number(10),
		MaxConcurrency: jsii.Number(workers), ReportBatchItemFailures: jsii.Bool(true),
	})
}

// addEvents brings SES's news to mail-feedback, has its list read once a day, since
// SES brings news as best it can, and wakes the sweep every minute.
func (g *stage) addEvents() {
	awsevents.NewRule(g.stack, jsii.String("MailNews"), &awsevents.RuleProps{
		Description: jsii.String("what SES says of this account's mails, ours and the senders'"),
		EventPattern: &awsevents.EventPattern{
			Source: jsii.Strings("aws.ses"),
			Detail: &map[string]any{
				"eventType": []string{"Bounce", "Complaint", "Reject", "Rendering Failure", "Subscription"},
			},
		},
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(g.functions["mail-feedback"], &awseventstargets.LambdaFunctionProps{
			DeadLetterQueue: g.parked, RetryAttempts: jsii.Number(185), MaxEventAge: awscdk.Duration_Hours(jsii.Number(24)),
		})},
	})
	awsevents.NewRule(g.stack, jsii.String("EveryDay"), &awsevents.RuleProps{
		Description: jsii.String("keeps what SES's suppression list says and an event didn't bring"),
		Schedule:    awsevents.Schedule_Rate(awscdk.Duration_Days(jsii.Number(1))),
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(g.functions["mail-reconcile"], &awseventstargets.LambdaFunctionProps{
			RetryAttempts: jsii.Number(3), MaxEventAge: awscdk.Duration_Hours(jsii.Number(12)),
		})},
	})
	awsevents.NewRule(g.stack, jsii.String("EveryMinute"), &awsevents.RuleProps{
		Description: jsii.String("finds what a crash or a lost message left behind"),
		Schedule:    awsevents.Schedule_Rate(awscdk.Duration_Minutes(jsii.Number(1))),
		// The next minute's call does the same: a late one needn't come.
		Targets: &[]awsevents.IRuleTarget{awseventstargets.NewLambdaFunction(g.functions["sweep"], &awseventstargets.LambdaFunctionProps{
			RetryAttempts: jsii.Number(0), MaxEventAge: awscdk.Duration_Minutes(jsii.Number(1)),
		})},
	})
}
