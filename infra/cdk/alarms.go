package main

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
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

	day := &awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(5)), Statistic: jsii.String("Sum")}
	alarm := func(id, description string, metric awscloudwatch.IMetric, above float64, periods float64) {
		a := awscloudwatch.NewAlarm(g.stack, jsii.String(id+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmDescription: jsii.String("Rightful " + g.settings.Stage + ": " + description), Metric: metric,
			Threshold: &above, EvaluationPeriods: &periods, ComparisonOperator: awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD,
			TreatMissingData: awscloudwatch.TreatMissingData_NOT_BREACHING,
		})
		a.AddAlarmAction(awscloudwatchactions.NewSnsAction(topic))
	}
	alarm("Failed", "a request's workflow has ended in an error. Its request is stored: look at the execution, deploy the fix, and redrive it within 14 days", g.machine.MetricFailed(day), 0, 1)
	alarm("TimedOut", "a request's workflow has run out of time: look at the execution and redrive it", g.machine.MetricTimedOut(day), 0, 1)
	alarm("Parked", "messages failed too often: look at the log of work and mail-feedback, then redrive the queue", g.parked.MetricApproximateNumberOfMessagesVisible(day), 0, 1)
	alarm("Backlog", "a share has waited for an hour: a system is slow, or work fails", g.queue.MetricApproximateAgeOfOldestMessage(day), 3600, 3)
	alarm("Sweep", "the sweep has failed three times: what crashes leave behind isn't found", g.functions["sweep"].MetricErrors(day), 2, 1)
	alarm("Steps", "a workflow step keeps failing: it is tried again for hours, but somebody should look", g.stepErrors(), 20, 3)
	alarm("Portal", "people get errors", g.api.MetricServerError(day), 5, 2)
	g.addDashboard()
}

// stepErrors sums the errors of all workflow steps.
func (g *stage) stepErrors() awscloudwatch.IMetric {
	metrics := map[string]awscloudwatch.IMetric{}
	expression := ""
	for i, r := range g.rows() {
		if r.State == "" {
			continue
		}
		// Ten metrics are what one alarm takes: the steps that write letters or hand over.
		if !slices.Contains([]string{"Acknowledge", "VerifyIdentity", "Locate", "FulfilWave", "Bundle", "Notify", "Close"}, r.State) {
			continue
		}
		id := "m" + string(rune('a'+i))
		metrics[id] = g.states[r.State].MetricErrors(&awscloudwatch.MetricOptions{Period: awscdk.Duration_Minutes(jsii.Number(5))})
		if expression != "" {
			expression += " + "
		}
		expression += id
	}
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{Expression: &expression, UsingMetrics: &metrics, Period: awscdk.Duration_Minutes(jsii.Number(5)), Label: jsii.String("errors of steps")})
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
		graph("Errors of steps", g.stepErrors()),
	)
}
