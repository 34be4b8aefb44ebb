package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigateway"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2authorizers"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2integrations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"
)

// newAPI makes the front door. Its log names the route, never the path, which may
// hold a token, nor who called.
func (g *stage) newAPI() {
	g.api = awsapigatewayv2.NewHttpApi(g.stack, jsii.String("Api"), &awsapigatewayv2.HttpApiProps{
		ApiName: jsii.String("rightful-" + g.settings.Stage), CreateDefaultStage: jsii.Bool(false),
	})
	g.baseURL = g.settings.BaseURL
	if g.baseURL == "" {
		g.baseURL = *g.api.ApiEndpoint()
	}
	log := awslogs.NewLogGroup(g.stack, jsii.String("ApiLog"), &awslogs.LogGroupProps{
		Retention: awslogs.RetentionDays_ONE_MONTH, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	stage := awsapigatewayv2.NewHttpStage(g.stack, jsii.String("ApiStage"), &awsapigatewayv2.HttpStageProps{
		HttpApi: g.api, StageName: jsii.String("$default"), AutoDeploy: jsii.Bool(true), DetailedMetricsEnabled: jsii.Bool(true),
		Throttle:          &awsapigatewayv2.ThrottleSettings{RateLimit: jsii.Number(100), BurstLimit: jsii.Number(200)},
		AccessLogSettings: &accessLog{awsapigatewayv2.NewLogGroupLogDestination(log)},
	})
	// A request is stored, mailed and paid for: the route has a limit of its own.
	stage.Node().DefaultChild().(awscdk.CfnResource).AddPropertyOverride(jsii.String("RouteSettings"), map[string]any{
		"POST /v1/requests": map[string]any{"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 40},
		"POST /requests":    map[string]any{"ThrottlingRateLimit": 10, "ThrottlingBurstLimit": 40},
	})
}

// accessLog implements the CDK's interface of the same purpose.
type accessLog struct {
	to awsapigatewayv2.IAccessLogDestination
}

func (a *accessLog) Destination() awsapigatewayv2.IAccessLogDestination { return a.to }

func (a *accessLog) Format() awsapigateway.AccessLogFormat {
	return awsapigateway.AccessLogFormat_Custom(jsii.String(`{"time":"$context.requestTimeEpoch","id":"$context.requestId","route":"$context.routeKey","status":"$context.status","ms":"$context.responseLatency","bytes":"$context.responseLength","error":"$context.error.responseType"}`))
}

// addRoutes says which function answers what. Only who signs with AWS credentials
// that may call the operator's routes reaches the function behind them.
func (g *stage) addRoutes() {
	integration := func(folder string) awsapigatewayv2integrations.HttpLambdaIntegration {
		return awsapigatewayv2integrations.NewHttpLambdaIntegration(jsii.String(pascal(folder)+"Route"), g.functions[folder], nil)
	}
	signed := awsapigatewayv2authorizers.NewHttpIamAuthorizer()
	portal, callback := integration("portal"), integration("callback")
	type route struct {
		path    string
		methods []awsapigatewayv2.HttpMethod
		to      awsapigatewayv2integrations.HttpLambdaIntegration
		door    awsapigatewayv2.IHttpRouteAuthorizer
	}
	post, anyMethod := []awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_POST}, []awsapigatewayv2.HttpMethod{awsapigatewayv2.HttpMethod_ANY}
	for _, r := range []route{
		{"/v1/operator/{proxy+}", anyMethod, integration("operator"), signed},
		{"/v1/systems/{system}/callbacks/{task}", post, callback, nil},
		{"/v1/mail/reports", post, callback, nil},
		{"/v1/requests", post, portal, nil},
		{"/requests", post, portal, nil},
		{"/", anyMethod, portal, nil},
		{"/{proxy+}", anyMethod, portal, nil},
	} {
		g.api.AddRoutes(&awsapigatewayv2.AddRoutesOptions{Path: &r.path, Methods: &r.methods, Integration: r.to, Authorizer: r.door})
	}
}
