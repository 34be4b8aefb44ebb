package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"
)

// addAlarms says what somebody has to look at, each with what to do.
func (g *stage) addAlarms() {
	topic := awssns.NewTopic(g.stack, jsii.String("Alarms"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true), MasterKey: g.data.atRest})
	if g.settings.Alarms != "" {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(&g.settings.Alarms, nil))
	}
	g.data.atRest.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions:    jsii.Strings("kms:Decrypt", "kms:GenerateDataKey"), Resources: jsii.Strings("*"),
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": *g.stack.Account()}},
	}), nil)
	g.output("Alarms", "where alarms are announced", topic.TopicArn())

	each := &awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(5)), Statistic: jsii.String("Sum")}
	alarm := func(id, description string, metric awscloudwatch.IMetric, above float64, periods float64) {
		a := awscloudwatch.NewAlarm(g.stack, jsii.String(id+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmDescription: jsii.String("Rightful " + g.settings.Stage + ": " + description), Metric: metric,
			Threshold: &above, EvaluationPeriods: &periods, ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
			TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
		})
		a.AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))
	}
	alarm("Failed", "a request's workflow has ended in an error. Its request is stored: look at the execution, deploy the fix, and redrive it within 14 days", g.machine.MetricFailed(each), 0, 1)
	alarm("TimedOut", "a request's workflow has run out of time: look at the execution and redrive it", g.machine.MetricTimedOut(each), 0, 1)
	alarm("Parked", "messages failed too often: look at the log of work and mail-feedback, then redrive the queue", g.parked.MetricApproximateNumberOfMessagesVisible(each), 0, 1)
	alarm("Backlog", "a share has waited for an hour: a system is slow, or work fails", g.queue.MetricApproximateAgeOfOldestMessage(each), 3600, 3)
	alarm("Sweep", "the sweep has failed three times: what crashes leave behind isn't found", g.functions["sweep"].MetricErrors(each), 2, 1)
	alarm("Errors", "functions keep failing: what they do is tried again for hours, but somebody should look at their logs", g.errors(), 5, 3)
	alarm("Portal", "people get errors", g.api.MetricServerError(each), 5, 2)
	g.addDashboard()
}

// errors counts what the functions log as their own faults. Lambda's own count would
// hold every branch that a step takes by a code, too.
func (g *stage) errors() awscloudwatch.IMetric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("Rightful"), MetricName: jsii.String(g.errorMetric()), Statistic: jsii.String("Sum"), Period: awscdk.Duration_Minutes(jsii.Number(5)),
	})
}

func (g *stage) errorMetric() string { return g.settings.Stage + "-errors" }

// countErrors has a function's faults counted: those it logs, and those it dies of.
func (g *stage) countErrors(id string, log awslogs.LogGroup) {
	awslogs.NewMetricFilter(g.stack, jsii.String(id+"Errors"), &awslogs.MetricFilterProps{
		LogGroup: log, MetricNamespace: jsii.String("Rightful"), MetricName: jsii.String(g.errorMetric()), MetricValue: jsii.String("1"),
		FilterPattern: awslogs.FilterPattern_AnyTerm(jsii.String("ERROR"), jsii.String("Task timed out"), jsii.String("Runtime exited"), jsii.String("Runtime.ExitError")),
	})
}

func (g *stage) addDashboard() {
	graph := func(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
		return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Left: &metrics, Width: jsii.Number(12)})
	}
	hour := &awscloudwatch.MetricOptions{Period: awscdk.Duration_Hours(jsii.Number(1)), Statistic: jsii.String("Sum")}
	board := awscloudwatch.NewDashboard(g.stack, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{DashboardName: jsii.String("rightful-" + g.settings.Stage)})
	board.AddWidgets(
		graph("Requests an hour", g.machine.MetricStarted(hour), g.machine.MetricSucceeded(hour), g.machine.MetricFailed(hour)),
		graph("Shares that wait", g.queue.MetricApproximateNumberOfMessagesVisible(nil), g.parked.MetricApproximateNumberOfMessagesVisible(nil)),
		graph("Errors that people see", g.api.MetricClientError(hour), g.api.MetricServerError(hour)),
		graph("Errors of functions", g.errors()),
	)
}
