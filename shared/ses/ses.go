// Package ses sends letters in the cloud: notice.Sender on SES version 2.
//
// It promises that what goes out is what notice built, headers and all, and that a
// mail carries its request's id as a tag, so that a bounce finds the request without
// anybody reading the address.
//
// It also reads the list of those whom SES doesn't mail.
//
// It leaves identities, DKIM and the configuration set to the deployment. SES takes
// a mail twice that is sent twice: both have the same Message-ID header.
package ses

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"

	"github.com/rightful/rightful/shared/notice"
)

// Tag is the message tag that holds the request's id.
const Tag = "request"

// Sender is notice.Sender on SES.
type Sender struct {
	Client           *sesv2.Client
	ConfigurationSet string // tells EventBridge of bounces and complaints
	Now              func() time.Time
}

var _ notice.Sender = Sender{}

// Send implements notice.Sender.
func (s Sender) Send(ctx context.Context, m notice.Message) error {
	raw, err := notice.Build(m, s.Now())
	if err != nil {
		return err
	}
	var tags []types.MessageTag
	if m.Request != "" {
		tags = []types.MessageTag{{Name: aws.String(Tag), Value: aws.String(string(m.Request))}}
	}
	_, err = s.Client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress:     aws.String(m.From.Address),
		Destination:          &types.Destination{ToAddresses: []string{m.To.Address}},
		Content:              &types.EmailContent{Raw: &types.RawMessage{Data: raw}},
		ConfigurationSetName: &s.ConfigurationSet,
		EmailTags:            tags,
	})
	if err == nil {
		return nil
	}
	// SES repeats the address in its texts: only its error's name is passed on.
	if fault, ok := errors.AsType[smithy.APIError](err); ok {
		return fmt.Errorf("ses refused the mail: %s; run rightful doctor to see what the stage lacks", fault.ErrorCode())
	}
	return fmt.Errorf("couldn't reach ses: %w", err)
}
