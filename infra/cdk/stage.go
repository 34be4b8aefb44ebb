package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"
)

// stage is what does the work. It keeps nothing that can't be made again.
type stage struct {
	stack      awscdk.Stack
	settings   settings
	data       *data
	api        awsapigatewayv2.HttpApi
	baseURL    string
	queue      awssqs.Queue // the systems' shares
	parked     awssqs.Queue // what nobody could carry out
	machineARN *string
	machine    awsstepfunctions.StateMachine
	functions  map[string]awslambda.Function // by folder
	states     map[string]awslambda.Function // by workflow state
}

func newStage(stack awscdk.Stack, s settings, d *data) *stage {
	g := &stage{stack: stack, settings: s, data: d, functions: map[string]awslambda.Function{}, states: map[string]awslambda.Function{}}
	// The machine calls the functions and the functions resume the machine: its name is
	// given, so that neither has to be there first.
	g.machineARN = stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("states"), Resource: jsii.String("stateMachine"), ResourceName: jsii.String(g.machineName()), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
	g.newAPI()
	g.newQueue()
	for _, r := range g.rows() {
		f := g.function(r)
		g.functions[r.Folder] = f
		if r.State != "" {
			g.states[r.State] = f
		}
	}
	g.newMachine()
	g.addRoutes()
	g.addWorker()
	g.addEvents()
	g.addAlarms()
	g.output("Url", "where people find the portal", &g.baseURL)
	g.output("Api", "where the rightful command finds the operator's API", g.api.ApiEndpoint())
	g.output("StateMachine", "the workflow", g.machineARN)
	g.output("Identity", "the domain that mails come from", &s.Domain)
	g.output("ConfigurationSet", "what reports bounces", jsii.String("rightful-"+s.Stage))
	return g
}

func (g *stage) machineName() string { return "rightful-" + g.settings.Stage }

func (g *stage) output(id, description string, value *string) {
	awscdk.NewCfnOutput(g.stack, jsii.String("Out"+id), &awscdk.CfnOutputProps{Value: value, Description: &description})
}

// pascal is a folder's name as a construct's: "mail-feedback" is "MailFeedback".
func pascal(folder string) string {
	name := ""
	for _, part := range strings.Split(folder, "-") {
		name += strings.ToUpper(part[:1]) + part[1:]
	}
	return name
}
