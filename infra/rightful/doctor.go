package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// doctorCommand is `rightful doctor`.
type doctorCommand struct {
	Stage string `env:"RIGHTFUL_STAGE" required:"" help:"The stage to check."`
}

// check is one thing that a stage needs, and what to do where it lacks it.
type check struct {
	name string
	do   func(ctx context.Context, s stage) error
}

// checks are in the order in which a deployer meets them.
var checks = []check{
	{"the portal answers", checkPortal},
	{"the workflow is there", checkMachine},
	{"the table is there, with backups and without a way to delete it", checkTable},
	{"the key of personal fields is enabled", checkKey},
	{"the mail domain is verified and signs", checkIdentity},
	{"mails reach everybody, not the sandbox alone", checkSandbox},
	{"somebody hears the alarms", checkAlarms},
}

// Run checks everything and fails where anything is missing.
func (c doctorCommand) Run(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s, err := openStage(ctx, c.Stage)
	if err != nil {
		return err
	}
	missing := 0
	for _, check := range checks {
		if err := check.do(ctx, s); err != nil {
			missing++
			fmt.Fprintf(out, "MISSING  %s\n         %s\n", check.name, printable(err.Error()))
			continue
		}
		fmt.Fprintf(out, "ok       %s\n", check.name)
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d things are missing; do what stands beside them and run this again", missing, len(checks))
	}
	fmt.Fprintf(out, "The stage is ready. Try it: rightful smoke --stage %s --email you@%s\n", c.Stage, s.outputs["OutIdentity"])
	return nil
}

func checkPortal(ctx context.Context, s stage) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.outputs["OutUrl"], "/")+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("%s can't be reached: where baseUrl is set, point its DNS name at the API", s.outputs["OutUrl"])
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s/healthz answers %d: look at the log of the function Portal", s.outputs["OutUrl"], response.StatusCode)
	}
	return nil
}

func checkMachine(ctx context.Context, s stage) error {
	out, err := sfn.NewFromConfig(s.cfg).DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: aws.String(s.outputs["OutStateMachine"])})
	if err != nil || out.Status != sfntypes.StateMachineStatusActive {
		return errors.Join(errors.New("the state machine isn't active: run make deploy again"), err)
	}
	return nil
}

func checkTable(ctx context.Context, s stage) error {
	client, table := dynamodb.NewFromConfig(s.cfg), aws.String(s.outputs["OutTable"])
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: table})
	if err != nil {
		return fmt.Errorf("the table can't be read: run make deploy again (%w)", err)
	}
	backups, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: table})
	if err != nil {
		return fmt.Errorf("its backups can't be read: allow dynamodb:DescribeContinuousBackups (%w)", err)
	}
	recovery := backups.ContinuousBackupsDescription.PointInTimeRecoveryDescription
	if recovery == nil || recovery.PointInTimeRecoveryStatus != types.PointInTimeRecoveryStatusEnabled {
		return errors.New("point-in-time recovery was switched off: run make deploy again")
	}
	if !aws.ToBool(out.Table.DeletionProtectionEnabled) {
		return errors.New("deletion protection was switched off: run make deploy again")
	}
	return nil
}

func checkKey(ctx context.Context, s stage) error {
	out, err := kms.NewFromConfig(s.cfg).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String(s.outputs["OutMasterKey"])})
	if err != nil {
		return fmt.Errorf("the key can't be seen: allow kms:DescribeKey (%w)", err)
	}
	if out.KeyMetadata.KeyState != kmstypes.KeyStateEnabled {
		return fmt.Errorf("the key is %s: cancel its deletion or enable it now, or every sealed field is lost", out.KeyMetadata.KeyState)
	}
	return nil
}

func checkIdentity(ctx context.Context, s stage) error {
	out, err := sesv2.NewFromConfig(s.cfg).GetEmailIdentity(ctx, &sesv2.GetEmailIdentityInput{EmailIdentity: aws.String(s.outputs["OutIdentity"])})
	if err != nil {
		return fmt.Errorf("the identity can't be seen: allow ses:GetEmailIdentity (%w)", err)
	}
	if !out.VerifiedForSendingStatus {
		return fmt.Errorf("%s isn't verified: put the three CNAME records, outputs Dkim1 to Dkim3 of the stack rightful-%s-data, into its DNS, and wait up to 72 hours", s.outputs["OutIdentity"], s.name)
	}
	return nil
}

func checkSandbox(ctx context.Context, s stage) error {
	out, err := sesv2.NewFromConfig(s.cfg).GetAccount(ctx, &sesv2.GetAccountInput{})
	if err != nil {
		return fmt.Errorf("the account's mail settings can't be seen: allow ses:GetAccount (%w)", err)
	}
	if !out.ProductionAccessEnabled {
		return errors.New("SES is in its sandbox and sends to verified addresses alone: ask for production access (docs/deploy.md, step 5)")
	}
	if !out.SendingEnabled {
		return errors.New("SES has paused the account's sending: read the reason in the SES console")
	}
	return nil
}

func checkAlarms(ctx context.Context, s stage) error {
	out, err := sns.NewFromConfig(s.cfg).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(s.outputs["OutAlarms"])})
	if err != nil {
		return fmt.Errorf("the topic of alarms can't be seen: allow sns:ListSubscriptionsByTopic (%w)", err)
	}
	for _, subscription := range out.Subscriptions {
		if strings.HasPrefix(aws.ToString(subscription.SubscriptionArn), "arn:") {
			return nil
		}
	}
	return errors.New("nobody is subscribed: deploy with ALARMS=you@example.com and confirm the mail from AWS")
}
