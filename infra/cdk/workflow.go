package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"

	"github.com/rightful/rightful/workflows"
)

// newMachine deploys the workflow file as it is: every ${Name} in it is the function
// of that state, and the machine may call those and nothing else.
func (g *stage) newMachine() {
	role := awsiam.NewRole(g.stack, jsii.String("MachineRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("states.amazonaws.com"), nil), Description: jsii.String("what the workflow may do"),
	})
	names := map[string]*string{}
	var arns []*string
	for _, r := range g.rows() {
		if r.State != "" {
			names[r.State] = g.states[r.State].FunctionArn()
			arns = append(arns, names[r.State])
		}
	}
	role.AddToPolicy(allow([]string{"lambda:InvokeFunction"}, arns...))
	log := awslogs.NewLogGroup(g.stack, jsii.String("MachineLog"), &awslogs.LogGroupProps{
		// Log delivery of state machines wants a name that begins so.
		LogGroupName: jsii.String("/aws/vendedlogs/states/" + g.machineName()),
		Retention:    awslogs.RetentionDays_ONE_MONTH, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	g.machine = awsstepfunctions.NewStateMachine(g.stack, jsii.String("Machine"), &awsstepfunctions.StateMachineProps{
		StateMachineName:        jsii.String(g.machineName()),
		StateMachineType:        awsstepfunctions.StateMachineType_STANDARD,
		DefinitionBody:          awsstepfunctions.DefinitionBody_FromString(jsii.String(string(workflows.Request))),
		DefinitionSubstitutions: &names, Role: role, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
		Logs: &awsstepfunctions.LogOptions{Destination: log, Level: awsstepfunctions.LogLevel_ERROR, IncludeExecutionData: jsii.Bool(false)},
	})
	// cfn-lint takes TimeoutSeconds for a number alone; in JSONata mode it may be an
	// expression, which asl-validator knows and checks.
	g.machine.Node().DefaultChild().(awscdk.CfnResource).AddMetadata(jsii.String("cfn-lint"), map[string]any{"config": map[string]any{"ignore_checks": []string{"E3601"}}})
}
