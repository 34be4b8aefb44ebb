package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// grant is something that a function may do, in the words of the step's fields. The
// CDK's own grants are wider: they add actions that we never call, and patterns.
type grant func(*stage) []awsiam.PolicyStatement

func allow(actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings(actions...), Resources: &resources})
}

// throughService allows the use of a key by way of one service alone.
func throughService(g *stage, key *string, service string, actions ...string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings(actions...), Resources: &[]*string{key},
		Conditions: &map[string]any{"StringEquals": map[string]any{"kms:ViaService": *awscdk.Fn_Join(jsii.String("."), &[]*string{jsii.String(service), g.stack.Region(), jsii.String("amazonaws.com")})}},
	})
}

func onTable(actions ...string) grant {
	return func(g *stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{
			allow(actions, g.data.table.TableArn()),
			throughService(g, g.data.atRest.KeyArn(), "dynamodb", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"),
		}
	}
}

func onAccount(action string) grant {
	return func(*stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{allow([]string{action}, jsii.String("*"))}
	}
}

func onIndex(names ...string) grant {
	return func(g *stage) []awsiam.PolicyStatement {
		var indexes []*string
		for _, name := range names {
			indexes = append(indexes, awscdk.Fn_Join(jsii.String("/index/"), &[]*string{g.data.table.TableArn(), jsii.String(name)}))
		}
		return []awsiam.PolicyStatement{allow([]string{"dynamodb:Query"}, indexes...), allow([]string{"dynamodb:BatchGetItem"}, g.data.table.TableArn())}
	}
}

func onExports(bucket bool, actions ...string) grant {
	return func(g *stage) []awsiam.PolicyStatement {
		objects := awscdk.Fn_Join(jsii.String(""), &[]*string{g.data.bucket.BucketArn(), jsii.String("/exports/*")})
		all := []awsiam.PolicyStatement{
			allow(actions, objects),
			throughService(g, g.data.atRest.KeyArn(), "s3", "kms:Decrypt", "kms:GenerateDataKey"),
		}
		if bucket {
			all = append(all, awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: jsii.Strings("s3:ListBucket"), Resources: &[]*string{g.data.bucket.BucketArn()},
				Conditions: &map[string]any{"StringLike": map[string]any{"s3:prefix": "exports/*"}},
			}))
		}
		return all
	}
}

// What steps do, each with the actions that it takes and no more.
var (
	get     = onTable("dynamodb:GetItem")
	move    = onTable("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
	shares  = onTable("dynamodb:Query")
	remove  = onTable("dynamodb:Query", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem")
	fetch   = onExports(false, "s3:GetObject")
	store   = onExports(false, "s3:PutObject", "s3:AbortMultipartUpload")
	discard = onExports(false, "s3:DeleteObject")
	empty   = onExports(true, "s3:DeleteObject")

	// unseal reads a request's wrapped data key, and the master key that opens it.
	unseal grant = func(g *stage) []awsiam.PolicyStatement {
		return append(get(g),
			allow([]string{"dynamodb:GetItem"}, g.data.keys.TableArn()),
			awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions: jsii.Strings("kms:Decrypt"), Resources: &[]*string{g.data.master.KeyArn()}, Conditions: masterOf(g),
			}))
	}
	// begin makes the master key: whoever a stage's first call comes to needs one.
	begin grant = func(g *stage) []awsiam.PolicyStatement {
		return append(move(g), awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Actions: jsii.Strings("kms:Encrypt"), Resources: &[]*string{g.data.master.KeyArn()}, Conditions: masterOf(g),
		}))
	}
	// seal makes a request's data key.
	seal grant = func(g *stage) []awsiam.PolicyStatement {
		return append(begin(g), allow([]string{"dynamodb:PutItem"}, g.data.keys.TableArn()))
	}
	destroy grant = func(g *stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{allow([]string{"dynamodb:DeleteItem"}, g.data.keys.TableArn())}
	}
	mails grant = func(g *stage) []awsiam.PolicyStatement {
		set := g.stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ses"), Resource: jsii.String("configuration-set"), ResourceName: jsii.String("rightful-" + g.settings.Stage)})
		statement := allow([]string{"ses:SendEmail", "ses:SendRawEmail"}, g.data.identity.EmailIdentityArn(), set)
		statement.AddCondition(jsii.String("StringEquals"), map[string]any{"ses:FromAddress": g.settings.From})
		return []awsiam.PolicyStatement{statement}
	}
	// everybody reads the whole table: the export of opt-outs.
	everybody = onTable("dynamodb:Scan")

	// SES knows no resource of its suppression list: it is the account's.
	suppress   = onAccount("ses:PutSuppressedDestination")
	suppressed = onAccount("ses:ListSuppressedDestinations")

	publish grant = func(g *stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{allow([]string{"events:PutEvents"}, g.stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: &g.settings.EventBus}))}
	}
	hand grant = func(g *stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{allow([]string{"sqs:SendMessage"}, g.queue.QueueArn())}
	}
	take grant = func(g *stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{allow([]string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}, g.queue.QueueArn())}
	}
	start grant = func(g *stage) []awsiam.PolicyStatement {
		return []awsiam.PolicyStatement{allow([]string{"states:StartExecution"}, g.machineARN)}
	}
	// resume ends a wait, and clears the signal that says so.
	resume grant = func(g *stage) []awsiam.PolicyStatement {
		return append(onTable("dynamodb:DeleteItem")(g), allow([]string{"states:SendTaskSuccess", "states:SendTaskFailure"}, g.machineARN))
	}
	secrets grant = func(g *stage) []awsiam.PolicyStatement {
		// The path itself, of which a function reads what lies below.
		return []awsiam.PolicyStatement{
			allow([]string{"ssm:GetParametersByPath"}, g.stack.FormatArn(&awscdk.ArnComponents{Service: jsii.String("ssm"), Resource: jsii.String("parameter"), ResourceName: jsii.String("rightful/" + g.settings.Stage + "/systems")})),
			throughService(g, g.data.atRest.KeyArn(), "ssm", "kms:Decrypt"),
		}
	}
)

func masterOf(g *stage) *map[string]any {
	return &map[string]any{"StringEquals": map[string]any{"kms:EncryptionContext:stage": g.settings.Stage, "kms:EncryptionContext:purpose": "rightful-master-key"}}
}
