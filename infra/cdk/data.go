package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsses"
	"github.com/aws/jsii-runtime-go"

	"github.com/rightful/rightful/shared/dynamo"
)

// data is what a stage keeps. Nothing of it goes when its stack does.
type data struct {
	stack     awscdk.Stack
	table     awsdynamodb.Table // requests
	keys      awsdynamodb.Table // their wrapped data keys
	bucket    awss3.Bucket      // exports
	atRest    awskms.Key        // what lies in tables and bucket
	master    awskms.Key        // wraps the master key: personal fields
	identity  awsses.EmailIdentity
	mailsSent awsses.ConfigurationSet
}

func newData(stack awscdk.Stack, s settings) *data {
	d := &data{stack: stack}
	d.atRest = d.key("AtRest", "Rightful "+s.Stage+": tables and exports at rest")
	d.master = d.key("Master", "Rightful "+s.Stage+": wraps the master key of personal fields. Without it nothing sealed can be read again")
	// Requests can be brought back from any second of 35 days; their keys only from a
	// few: once a key is gone for longer, its request is gone from the backups, too.
	d.table = d.newTable("Table", dynamo.TableSchema, 35)
	d.keys = d.newTable("Keys", dynamo.KeysSchema, s.KeysWindow)
	d.bucket = awss3.NewBucket(stack, jsii.String("Exports"), &awss3.BucketProps{
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		EnforceSSL:        jsii.Bool(true),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		Encryption:        awss3.BucketEncryption_KMS,
		EncryptionKey:     d.atRest,
		BucketKeyEnabled:  jsii.Bool(true),
		Versioned:         jsii.Bool(false),
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id: jsii.String("expire"), Enabled: jsii.Bool(true),
			// A day more than the product's own term, which removes them by itself.
			Expiration:                          awscdk.Duration_Days(jsii.Number(s.ExportLife.Hours()/24 + 1)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
	})
	d.mailsSent = awsses.NewConfigurationSet(stack, jsii.String("Mails"), &awsses.ConfigurationSetProps{
		ConfigurationSetName: jsii.String("rightful-" + s.Stage),
		TlsPolicy:            awsses.ConfigurationSetTlsPolicy_REQUIRE,
		ReputationMetrics:    jsii.Bool(true),
		// Who wants no marketing mail may stand on the account's list as a complaint. The
		// law still asks us to answer their requests.
		SuppressionReasons: awsses.SuppressionReasons_BOUNCES_ONLY,
	})
	bus := awsevents.EventBus_FromEventBusArn(stack, jsii.String("Bus"), stack.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: jsii.String("default"),
	}))
	d.mailsSent.AddEventDestination(jsii.String("ToEventBridge"), &awsses.ConfigurationSetEventDestinationOptions{
		Destination: awsses.EventDestination_EventBus(bus),
		Events: &[]awsses.EmailSendingEvent{
			awsses.EmailSendingEvent_BOUNCE, awsses.EmailSendingEvent_COMPLAINT, awsses.EmailSendingEvent_REJECT,
			awsses.EmailSendingEvent_RENDERING_FAILURE, awsses.EmailSendingEvent_DELIVERY_DELAY,
		},
	})
	d.identity = awsses.NewEmailIdentity(stack, jsii.String("Identity"), &awsses.EmailIdentityProps{
		Identity: awsses.Identity_Domain(&s.Domain), ConfigurationSet: d.mailsSent,
	})
	d.identity.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN)
	awscdk.NewCfnOutput(stack, jsii.String("OutTable"), &awscdk.CfnOutputProps{Value: d.table.TableName(), Description: jsii.String("requests")})
	awscdk.NewCfnOutput(stack, jsii.String("OutMasterKey"), &awscdk.CfnOutputProps{Value: d.master.KeyArn(), Description: jsii.String("the key of personal fields")})
	for i, record := range *d.identity.DkimRecords() {
		awscdk.NewCfnOutput(stack, jsii.String("Dkim"+string(rune('1'+i))), &awscdk.CfnOutputProps{
			Value:       awscdk.Fn_Join(jsii.String(" CNAME "), &[]*string{record.Name, record.Value}),
			Description: jsii.String("a DNS record that shows that the domain is yours and signs the mails"),
		})
	}
	return d
}

func (d *data) key(id, description string) awskms.Key {
	return awskms.NewKey(d.stack, &id, &awskms.KeyProps{
		Description: &description, EnableKeyRotation: jsii.Bool(true), RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		PendingWindow: awscdk.Duration_Days(jsii.Number(30)),
	})
}

// newTable makes a table of a schema that the store declares, whose backups reach
// back so many days.
func (d *data) newTable(id string, schema dynamo.Schema, backup int) awsdynamodb.Table {
	kinds := map[bool]awsdynamodb.AttributeType{false: awsdynamodb.AttributeType_STRING, true: awsdynamodb.AttributeType_NUMBER}
	attribute := func(name string, number bool) *awsdynamodb.Attribute {
		if name == "" {
			return nil
		}
		return &awsdynamodb.Attribute{Name: &name, Type: kinds[number]}
	}
	table := awsdynamodb.NewTable(d.stack, &id, &awsdynamodb.TableProps{
		PartitionKey: attribute(schema.Partition, false), SortKey: attribute(schema.Sort, false),
		BillingMode: awsdynamodb.BillingMode_PAY_PER_REQUEST, TimeToLiveAttribute: optional(schema.Expires),
		Encryption: awsdynamodb.TableEncryption_CUSTOMER_MANAGED, EncryptionKey: d.atRest,
		DeletionProtection: jsii.Bool(true), RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{
			PointInTimeRecoveryEnabled: jsii.Bool(true), RecoveryPeriodInDays: jsii.Number(backup),
		},
	})
	for _, x := range schema.Indexes {
		table.AddGlobalSecondaryIndex(&awsdynamodb.GlobalSecondaryIndexProps{
			IndexName: jsii.String(x.Name), PartitionKey: attribute(x.Partition, false), SortKey: attribute(x.Sort, x.Number),
			ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
		})
	}
	return table
}
