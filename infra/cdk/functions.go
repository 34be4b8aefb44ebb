package main

import (
	"path/filepath"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/rightful/rightful/shared/config"
)

// row is a function: its folder below functions/, its settings, and what it may do.
// State is the workflow state that it carries out, "" for none.
type row struct {
	State, Folder   string
	Settings        any
	May             []grant
	Memory, Seconds float64
}

// rows are all functions of a stage. The grants repeat the step's fields.
func (g *stage) rows() []row {
	table := config.Store{Table: *g.data.table.TableName()}
	sealed := config.Sealed{Store: table, Keys: *g.data.keys.TableName(), Key: *g.data.master.KeyArn(), Stage: g.settings.Stage}
	mail := config.Mail{
		BaseURL: g.baseURL, From: g.settings.From, ConfigurationSet: "rightful-" + g.settings.Stage,
		Company: g.settings.Company, Contact: g.settings.Contact, ReferTo: g.settings.ReferTo, ProofLife: g.settings.ProofLife, ExportLife: g.settings.ExportLife,
	}
	exports := config.Exports{Bucket: *g.data.bucket.BucketName()}
	workers := config.Workers{Queue: *g.queue.QueueUrl()}
	secretsAt := config.Secrets{Secrets: "/rightful/" + g.settings.Stage + "/systems"}
	machine := config.Machine{Machine: *g.machineARN}
	links := config.Unsubscribe{LinkKey: g.settings.LinkKey, Revoked: g.settings.LinksRevoked}
	choices := config.Choices{Topics: g.settings.Topics, Consent: g.settings.Consent, DoubleOptIn: g.settings.DoubleOptIn}
	letter := []grant{move, unseal, mails}

	return []row{
		{State: "Acknowledge", Folder: "acknowledge", Settings: config.Acknowledge{Sealed: sealed, Mail: mail}, May: letter},
		{State: "VerifyIdentity", Folder: "verify-identity", Settings: config.VerifyIdentity{Store: table}, May: []grant{move, resume}},
		{State: "Expire", Folder: "expire", Settings: config.Expire{Sealed: sealed, Mail: mail}, May: letter},
		{State: "Decide", Folder: "decide", Settings: config.Decide{Store: table, Processor: g.settings.Processor}, May: []grant{move, onIndex("subject")}},
		{State: "Locate", Folder: "locate", Settings: config.Locate{Store: table, Workers: workers}, May: []grant{move, shares, resume, hand}},
		{State: "Review", Folder: "review", Settings: config.Review{Store: table}, May: []grant{move, resume}},
		{State: "FulfilWave", Folder: "fulfil-wave", Settings: config.FulfilWave{Store: table, Workers: workers, Review: g.settings.Review}, May: []grant{move, shares, resume, hand}},
		{State: "Bundle", Folder: "bundle", Settings: config.Bundle{Sealed: sealed, Exports: exports, Company: g.settings.Company}, May: []grant{move, shares, unseal, fetch, store, discard}, Memory: 1024, Seconds: 890},
		{State: "Notify", Folder: "notify", Settings: config.Notify{Sealed: sealed, Mail: mail}, May: append(letter, shares)},
		{State: "Refuse", Folder: "refuse", Settings: config.Refuse{Sealed: sealed, Mail: mail}, May: []grant{unseal, mails}},
		{State: "Refer", Folder: "refer", Settings: config.Refer{Sealed: sealed, Mail: mail}, May: []grant{unseal, mails}},
		{State: "Withdraw", Folder: "withdraw", Settings: config.Withdraw{Sealed: sealed, Mail: mail, Exports: exports}, May: append(letter, shares, empty)},
		{State: "Close", Folder: "close", Settings: config.Close{Store: table, Retention: g.settings.Retention}, May: []grant{move}},

		{Folder: "portal", Settings: config.Portal{Sealed: sealed, Mail: mail, Exports: exports, Machine: machine, Unsubscribe: links, Choices: choices, Review: g.settings.Review, PerAddress: g.settings.PerAddress, PerClient: g.settings.PerClient},
			May: append(letter, shares, seal, start, resume, fetch), Memory: 512, Seconds: 29},
		{Folder: "operator", Settings: config.Operator{Sealed: sealed, Mail: mail, Workers: workers, Unsubscribe: links, Choices: choices, PerAddress: g.settings.PerAddress},
			May: []grant{move, shares, onIndex("deadline", "subject", "retention", "export"), everybody, unseal, begin, resume, hand, mails}, Memory: 512, Seconds: 29},
		{Folder: "callback", Settings: config.Callback{Sealed: sealed, Exports: exports, Secrets: secretsAt}, May: []grant{move, unseal, begin, resume, store, secrets}, Memory: 512, Seconds: 29},
		{Folder: "work", Settings: config.Work{Sealed: sealed, Exports: exports, Secrets: secretsAt, BaseURL: g.baseURL, Private: g.settings.Private}, May: []grant{move, unseal, resume, store, secrets, take, suppress}, Seconds: 300},
		{Folder: "mail-feedback", Settings: config.MailFeedback{Sealed: sealed}, May: []grant{move, shares, unseal, begin}},
		{Folder: "mail-reconcile", Settings: config.MailReconcile{Sealed: sealed}, May: []grant{move, unseal, begin, suppressed}, Seconds: 890},
		{Folder: "sweep", Settings: config.Sweep{Store: table, Keys: *g.data.keys.TableName(), Workers: workers, Exports: exports, Machine: machine, ExportLife: g.settings.ExportLife, Bus: g.settings.EventBus},
			May: []grant{move, remove, publish, onIndex("due", "retention", "export"), destroy, hand, start, resume, empty}, Memory: 256, Seconds: 300},
	}
}

// function makes one function with a role and a log group of its own.
func (g *stage) function(r row) awslambda.Function {
	id := r.State
	if id == "" {
		id = pascal(r.Folder)
	}
	log := awslogs.NewLogGroup(g.stack, jsii.String(id+"Log"), &awslogs.LogGroupProps{
		Retention: awslogs.RetentionDays_ONE_MONTH, RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	g.countErrors(id, log)
	role := awsiam.NewRole(g.stack, jsii.String(id+"Role"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil), Description: jsii.String("what " + r.Folder + " may do"),
	})
	policy := awsiam.NewPolicy(g.stack, jsii.String(id+"Policy"), nil)
	policy.AttachToRole(role)
	policy.AddStatements(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("logs:CreateLogStream", "logs:PutLogEvents"), Resources: &[]*string{log.LogGroupArn()},
	}))
	for _, may := range r.May {
		policy.AddStatements(may(g)...)
	}
	environment := map[string]*string{}
	for name, value := range config.Env(r.Settings) {
		environment[name] = &value
	}
	if g.settings.Endpoint != "" {
		environment["AWS_ENDPOINT_URL"] = &g.settings.Endpoint
	}
	arch := awslambda.Architecture_ARM_64()
	if g.settings.Arch == "amd64" {
		arch = awslambda.Architecture_X86_64()
	}
	memory, seconds := r.Memory, r.Seconds
	if memory == 0 {
		memory = 128
	}
	if seconds == 0 {
		seconds = 60
	}
	f := awslambda.NewFunction(g.stack, &id, &awslambda.FunctionProps{
		Description: jsii.String("Rightful " + g.settings.Stage + ": " + r.Folder),
		Runtime:     awslambda.Runtime_PROVIDED_AL2023(), Architecture: arch, Handler: jsii.String("bootstrap"),
		Code:       awslambda.Code_FromAsset(jsii.String(filepath.Join(g.settings.Dist, r.Folder)), nil),
		MemorySize: &memory, Timeout: awscdk.Duration_Seconds(&seconds), Environment: &environment, Role: role, LogGroup: log,
	})
	// A function that starts before its policy is there fails its first calls.
	f.Node().AddDependency(policy)
	return f
}
